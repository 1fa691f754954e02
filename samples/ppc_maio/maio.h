/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: shared declarations.
 */
#ifndef _MAIO_H
#define _MAIO_H

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mutex.h>
#include <linux/ppc.h>
#include <linux/ppc_maio.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "maio_template.h"

#define MAIO_MAX_GAP		SZ_1T

/* With more groups than this, reclaim gets no preference. */
#define MAIO_EVICT_GROUPS	64

struct maio_group;
struct maio_recorder;
struct maio_replay;

/**
 * struct maio - MAIO on one attachment
 * @att: the attachment
 * @lock: taken by ioctls, never by callbacks; guards all below
 * @recorder: set while recording
 * @replay: set while replaying
 * @template: the current template, if any; a replay has its own copy
 * @template_err: why there is none
 * @coverage: bytes of the files that @template covers
 * @resident_at_start: bytes of the files cached when the last recording began
 * @mode: what to do with consumed pages
 * @node: node to read ahead to, or NUMA_NO_NODE
 * @gap: bytes behind a reader that are not dropped; 0: automatic
 */
struct maio {
	struct ppc_attachment *att;
	struct mutex lock; /* ioctls; see above */
	struct maio_recorder __rcu *recorder;
	struct maio_replay __rcu *replay;
	struct maio_template template;
	int template_err;
	u64 coverage;
	u64 resident_at_start;
	enum maio_mode mode;
	int node;
	u64 gap;
};

/* maio_hold.c */
u64 *maio_file_sizes(struct maio *maio, u32 *nr_files, u64 *resident);
int maio_take_template(struct maio *maio, void *data, size_t size);
void maio_drop_template(struct maio *maio, int err);

/* maio_ioctl.c */
long maio_ioctl(struct ppc_attachment *att, unsigned int cmd,
		unsigned long arg);

/* maio_match.c */
enum ppc_stream_hit maio_replay_access(struct maio_replay *replay,
				       const struct ppc_access *access);
void maio_match_bind(struct maio_replay *replay, struct maio_group *group,
		     pid_t tgid);
enum ppc_verdict maio_replay_evict(struct maio_replay *replay, u32 file,
				   u64 pos, u64 len,
				   enum ppc_evict_reason reason);

/* maio_record.c */
int maio_record_start(struct maio *maio);
int maio_record_stop(struct maio *maio);
void maio_record_abort(struct maio *maio);
void maio_record_access(struct maio_recorder *recorder,
			const struct ppc_access *access, bool fine);

/* maio_replay.c */
int maio_replay_start(struct maio *maio);
int maio_replay_stop(struct maio *maio);
void maio_replay_set_mode(struct maio *maio);
int maio_replay_group(struct maio *maio, struct maio_group_info *info);
int maio_replay_bind(struct maio *maio, const struct maio_bind *bind);
u32 maio_replay_bound(struct maio *maio);

#endif /* _MAIO_H */
