// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that reads a stream ahead, batch by batch. Between batches it
 * looks whether readers have moved, whether the budget is used up, and whether
 * the memory cgroup has room. What is being read at any time is bounded: a read
 * that a reader waits for would queue behind it in the device.
 */

#include "ppc_private.h"

#include <linux/blk-cgroup.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>

#include <trace/events/ppc.h>

/* When memory is short, look again after this many jiffies. */
#define PPC_MEMORY_PAUSE	msecs_to_jiffies(10)

static void ppc_prefetch_seen(int nid, unsigned long nr, void *arg)
{
	atomic64_add((u64)nr << PAGE_SHIFT, ppc_stat_node(arg, nid));
}

static void ppc_prefetch_forget_oldest(struct ppc_stream *stream)
{
	const struct ppc_inflight *oldest =
		&stream->inflight[stream->inflight_head];

	ppc_file_put(oldest->pf);
	stream->inflight_pages -= oldest->nr;
	stream->inflight_head = (stream->inflight_head + 1) %
				PPC_INFLIGHT_BATCHES;
	stream->inflight_nr--;
}

static void ppc_prefetch_wait_oldest(struct ppc_stream *stream)
{
	const struct ppc_inflight *oldest =
		&stream->inflight[stream->inflight_head];

	ppc_wait_range(oldest->pf->inode->i_mapping, oldest->index, oldest->nr);
	ppc_prefetch_forget_oldest(stream);
}

/* Takes over the caller's reference to the file. */
static void ppc_prefetch_remember(struct ppc_stream *stream,
				  struct ppc_file *pf, pgoff_t index,
				  unsigned long nr)
{
	unsigned int tail = (stream->inflight_head + stream->inflight_nr) %
			    PPC_INFLIGHT_BATCHES;

	stream->inflight[tail] = (struct ppc_inflight){
		.pf = pf,
		.index = index,
		.nr = nr,
	};
	stream->inflight_nr++;
	stream->inflight_pages += nr;
}

static bool ppc_prefetch_pick(struct ppc_stream *stream,
			      struct ppc_batch *batch)
{
	/* The streams of an attachment share its budget. */
	u64 budget = div_u64(stream->att->budget,
			     max(READ_ONCE(stream->att->nr_streams), 1U));
	bool skipping;

	/* More than that would not be seen to be ahead. */
	budget = min(budget, PPC_CURSOR_LOOKS * PPC_CHUNK_SIZE);

	/* A reader waits for the lock: don't keep it for long. */
	do {
		cond_resched();
		spin_lock(&stream->lock);
		skipping = ppc_cursors_skip(&stream->cursors, &stream->map);
		spin_unlock(&stream->lock);
	} while (skipping);

	guard(spinlock)(&stream->lock);
	if (!stream->running || stream->gave_up || !READ_ONCE(ppc_enabled) ||
	    !READ_ONCE(stream->att->live) || READ_ONCE(stream->att->paused))
		return false;
	if (ppc_cursors_pick(&stream->cursors, &stream->map, budget,
			     PPC_BATCH_BYTES, batch))
		return true;
	if (ppc_cursors_ahead(&stream->cursors, &stream->map) >= budget)
		ppc_stat_inc(stream->att, budget_waits);
	return false;
}

static void ppc_prefetch_unpick(struct ppc_stream *stream,
				const struct ppc_batch *batch)
{
	guard(spinlock)(&stream->lock);
	ppc_cursors_unpick(&stream->cursors, batch);
}

static void ppc_prefetch_brought(struct ppc_stream *stream, u32 chunk)
{
	struct ppc_range bytes;

	lockdep_assert_held(&stream->lock);
	if (stream->map.state[chunk] & (PPC_CHUNK_ISSUED | PPC_CHUNK_CONSUMED))
		return;
	ppc_map_chunk(&stream->map, chunk, &bytes);
	stream->brought += bytes.len;
}

/* There is nothing to be read for the batch, now or later. */
static void ppc_prefetch_pass(struct ppc_stream *stream,
			      const struct ppc_batch *batch)
{
	u32 chunk;

	ppc_stat_inc(stream->att, errors);
	guard(spinlock)(&stream->lock);
	for (chunk = batch->first; chunk < batch->first + batch->nr; chunk++) {
		ppc_prefetch_brought(stream, chunk);
		stream->map.state[chunk] |= PPC_CHUNK_CONSUMED |
					    PPC_CHUNK_FAILED;
	}
}

/* The batch was submitted, as far as it was not cached. */
static void ppc_prefetch_issued(struct ppc_stream *stream,
				const struct ppc_batch *batch)
{
	u32 chunk;

	guard(spinlock)(&stream->lock);
	for (chunk = batch->first; chunk < batch->first + batch->nr; chunk++) {
		u16 *state = &stream->map.state[chunk];

		ppc_prefetch_brought(stream, chunk);
		*state = ppc_chunk_issue(*state);
		stream->burn_from = min(stream->burn_from, chunk);
	}
	stream->issued += batch->bytes.len;
}

/* The wanted node or the reader's, as long as the attacher may use it. */
static int ppc_prefetch_nid(const struct ppc_stream *stream)
{
	const nodemask_t *allowed = &stream->att->mems_allowed;
	int nid = READ_ONCE(stream->nid);

	if (nid == NUMA_NO_NODE)
		nid = READ_ONCE(stream->reader_nid);
	if (nid == NUMA_NO_NODE || !node_isset(nid, *allowed))
		nid = first_node(*allowed);
	return nid < MAX_NUMNODES ? nid : NUMA_NO_NODE;
}

static void ppc_prefetch_submit(struct ppc_stream *stream, struct ppc_file *pf,
				const struct ppc_batch *batch,
				struct mem_cgroup *memcg)
{
	u64 end = batch->bytes.pos + batch->bytes.len;
	pgoff_t index = batch->bytes.pos >> PAGE_SHIFT;
	struct ppc_fill fill = {
		/* An overlay's file is not one of the inode with the data. */
		.file = file_inode(pf->file) == pf->inode ? pf->file : NULL,
		.mapping = pf->inode->i_mapping,
		.index = index,
		.nr = DIV_ROUND_UP_ULL(end, PAGE_SIZE) - index,
		.nid = ppc_prefetch_nid(stream),
		.memcg = memcg,
	};
	unsigned long most, pages;

	/* The streams of an attachment share this, but none stops and goes. */
	most = max(PPC_INFLIGHT_BYTES / max(READ_ONCE(stream->att->nr_streams),
					    1U),
		   2 * PPC_BATCH_BYTES) >> PAGE_SHIFT;
	while (stream->inflight_nr &&
	       (stream->inflight_nr == PPC_INFLIGHT_BATCHES ||
		stream->inflight_pages + fill.nr > most))
		ppc_prefetch_wait_oldest(stream);

	ppc_room_place(stream->att, &fill);
	pages = ppc_fill_range(&fill);
	ppc_nodes_of_range(fill.mapping, index, fill.nr, pages,
			   ppc_prefetch_seen, stream->att);
	trace_ppc_batch(pf->inode, batch->bytes.pos, batch->bytes.len, pages);
	ppc_stat_inc(stream->att, batches);
	ppc_stat_add(stream->att, prefetched_bytes, (u64)pages << PAGE_SHIFT);
	kref_get(&pf->ref);
	ppc_prefetch_remember(stream, pf, index, fill.nr);
}

/**
 * ppc_prefetch_work - read ahead until there is nothing more to do
 * @work: of a stream
 */
void ppc_prefetch_work(struct work_struct *work)
{
	struct ppc_stream *stream =
		container_of(to_delayed_work(work), struct ppc_stream,
			     prefetch);
	struct ppc_batch batch;
	bool again = false;

	kthread_associate_blkcg(READ_ONCE(stream->blkcg) ?:
				stream->att->blkcg);
	while (!again && ppc_prefetch_pick(stream, &batch)) {
		struct mem_cgroup *memcg = ppc_room_memcg(stream);
		struct ppc_file *pf = ppc_file_get(stream->att,
						   batch.bytes.file);

		if (!pf || !ppc_file_unchanged(pf)) {
			ppc_prefetch_pass(stream, &batch);
		} else if (blk_cgroup_congested() ||
			   !ppc_room_for(stream, memcg, pf, &batch)) {
			ppc_prefetch_unpick(stream, &batch);
			again = true;
		} else {
			ppc_prefetch_submit(stream, pf, &batch, memcg);
			ppc_prefetch_issued(stream, &batch);
		}
		if (pf)
			ppc_file_put(pf);
		ppc_room_look(stream);
		cond_resched();
	}

	kthread_associate_blkcg(NULL);

	/* Idle streams pin nothing, and make no room for readers who rest. */
	while (stream->inflight_nr)
		ppc_prefetch_forget_oldest(stream);
	if (again && time_before(jiffies, READ_ONCE(stream->last_access) +
					  PPC_END_REST))
		queue_delayed_work(ppc_wq, &stream->prefetch,
				   PPC_MEMORY_PAUSE);
}

/**
 * ppc_prefetch_queue - readers have moved: see what there is to do
 * @stream: stream
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_prefetch_queue(struct ppc_stream *stream)
{
	/* Near the memory that it will fill. */
	queue_work_node(ppc_prefetch_nid(stream), ppc_wq,
			&stream->prefetch.work);
}
