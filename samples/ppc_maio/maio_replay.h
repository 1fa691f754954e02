/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: a replay under way.
 */
#ifndef _MAIO_REPLAY_H
#define _MAIO_REPLAY_H

#include <linux/atomic.h>
#include <linux/ppc.h>
#include <linux/spinlock.h>

#include "maio_stream.h"

/**
 * struct maio_group - one worker's part of the load
 * @stream: reads it ahead
 * @bytes: all of it
 * @seen: bytes that @seen_by has gone through as its owner, roughly
 * @last_seen: when its owner was, or could first have been, jiffies; 0: who is
 *	bound has yet to come, and may take his time
 * @seen_by: its owner, or the last one; under struct maio_replay.lock
 * @first: what the worker begins with
 * @owner: tgid of the worker, or 0; written under struct maio_replay.lock
 * @bound: somebody said that @owner is the worker; as @owner
 * @shared: others read there as well, and nobody knows what they want
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
 * struct maio_replay - a replay under way
 * @att: the attachment
 * @burn: when streams drop what was consumed
 * @streams: those of all groups
 * @lock: taken to bind a process to a group; outside the locks of streams
 * @nr_groups: entries of @groups
 * @groups: the groups; but for what is said above, fixed once published
 */
struct maio_replay {
	struct ppc_attachment *att;
	enum maio_burn burn;
	struct maio_streams streams;
	spinlock_t lock; /* binding; see above */
	u32 nr_groups;
	struct maio_group groups[] __counted_by(nr_groups);
};

#endif /* _MAIO_REPLAY_H */
