/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: an active replay.
 */
#ifndef _MAIO_REPLAY_H
#define _MAIO_REPLAY_H

#include <linux/atomic.h>
#include <linux/ppc.h>
#include <linux/spinlock.h>

#include "maio_stream.h"

/**
 * struct maio_group - the part of one worker
 * @stream: reads it ahead
 * @bytes: size
 * @seen: bytes that @seen_by has read as its owner, roughly
 * @last_seen: when its owner was seen, or could have been first, jiffies; 0: bound in
 *	advance and not started
 * @seen_by: its owner, or the previous one; under struct maio_replay.lock
 * @first: first range
 * @owner: tgid of the worker, or 0; written under struct maio_replay.lock
 * @bound: @owner was set by MAIO_IOC_BIND; as @owner
 * @shared: more processes read it than were recorded
 * @node: node for its pages, or NUMA_NO_NODE for the attachment's; ioctls only
 */
struct maio_group {
	struct maio_stream *stream;
	u64 bytes;
	atomic64_t seen;
	unsigned long last_seen;
	pid_t seen_by;
	struct ppc_range first;
	pid_t owner;
	bool bound;
	bool shared;
	int node;
};

/**
 * struct maio_replay - an active replay
 * @att: the attachment
 * @drop_mode: when streams drop what was consumed
 * @streams: streams of all groups
 * @lock: taken to bind a process to a group; outside the locks of streams
 * @nr_groups: entries of @groups
 * @groups: fixed once published, except for the members named above
 */
struct maio_replay {
	struct ppc_attachment *att;
	enum maio_drop_mode drop_mode;
	struct maio_streams streams;
	spinlock_t lock; /* binding; see above */
	u32 nr_groups;
	struct maio_group groups[] __counted_by(nr_groups);
};

#endif /* _MAIO_REPLAY_H */
