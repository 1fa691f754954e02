/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programmable page cache: shared by the parts of a stream.
 */
#ifndef _FS_PPC_STREAM_H
#define _FS_PPC_STREAM_H

#include "ppc_private.h"

#define PPC_MAX_STREAMS		1024	/* of one attachment */
#define PPC_MAX_WORKERS		32	/* that run at the same time */

/* Bytes in flight. */
#define PPC_INFLIGHT_BYTES	SZ_16M

/* A reader that was not seen for so long is idle. */
#define PPC_REST		HZ

/* Batches in flight, enough for the smallest ones. */
#define PPC_INFLIGHT_BATCHES	64

/**
 * struct ppc_inflight - a batch that was submitted
 * @pf: file, pinned
 * @index: first page
 * @nr: pages
 */
struct ppc_inflight {
	struct ppc_file *pf;
	pgoff_t index;
	unsigned long nr;
};

/**
 * struct ppc_stream - two workers that serve the readers of one policy stream
 * @att: attachment
 * @link: in &ppc_attachment.streams
 * @private: of the policy
 * @lock: protects what follows up to @interleave
 * @running: started, and not stopped
 * @halted: was running when all streams were stopped
 * @waiting: for memory; used by the read worker only
 * @charge_known: @memcg, @blkcg and @ioprio are a reader's
 * @memcg: to charge, pinned; NULL for the root
 * @blkcg: as @memcg
 * @ioprio: as @memcg, not pinned
 * @refused: cgroup of a reader that may not be charged; only to compare with
 * @nid: wanted node, or NUMA_NO_NODE
 * @reader_nid: node that the reader's memory policy prefers, used if @nid is none
 * @interleave: nodes of the reader's memory policy if it interleaves, or none
 * @seen: when a reader was last seen, jiffies
 * @ahead: bytes read ahead and not consumed
 * @read: worker
 * @drop: worker
 * @inflight: ring of batches; used by the read worker only
 * @inflight_head: oldest in the ring
 * @inflight_nr: how many
 * @inflight_pages: in all of them
 */
struct ppc_stream {
	struct ppc_attachment *att;
	struct list_head link;
	void *private;

	spinlock_t lock;		/* see above */
	bool running;
	bool halted;
	bool waiting;
	bool charge_known;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
	int ioprio;
	const struct mem_cgroup *refused;
	int nid;
	int reader_nid;
	nodemask_t interleave;
	unsigned long seen;
	atomic64_t ahead;

	struct delayed_work read;
	struct delayed_work drop;

	struct ppc_inflight inflight[PPC_INFLIGHT_BATCHES];
	unsigned int inflight_head;
	unsigned int inflight_nr;
	unsigned long inflight_pages;
};

/* worker.c */

void ppc_streams_stop(struct ppc_attachment *att);
void ppc_streams_destroy(struct ppc_attachment *att);

/* stream.c */

#ifdef CONFIG_BLK_CGROUP
static inline struct cgroup_subsys_state *ppc_current_blkcg(void)
{
	return task_get_css(current, io_cgrp_id);
}

static inline void ppc_blkcg_put(struct cgroup_subsys_state *blkcg)
{
	if (blkcg)
		css_put(blkcg);
}
#else
static inline struct cgroup_subsys_state *ppc_current_blkcg(void)
{
	return NULL;
}

static inline void ppc_blkcg_put(struct cgroup_subsys_state *blkcg)
{
}
#endif

struct mem_cgroup *ppc_stream_memcg(struct ppc_stream *stream);
void ppc_stream_act_for_reader(struct ppc_stream *stream);
int ppc_stream_nid(const struct ppc_stream *stream);
void ppc_stream_interleave(struct ppc_stream *stream);

/* read.c */

unsigned long ppc_read_wait(struct ppc_stream *stream, bool wait);
void ppc_read_work(struct work_struct *work);

/* drop.c */

void ppc_drop_work(struct work_struct *work);
void ppc_drop_all(struct ppc_stream *stream);

/* headroom.c */

void ppc_headroom_pick_node(struct ppc_attachment *att, struct ppc_fill *fill);
bool ppc_headroom_for(struct ppc_stream *stream, struct mem_cgroup *memcg,
		      struct ppc_file *pf, const struct ppc_range *range);

#endif /* _FS_PPC_STREAM_H */
