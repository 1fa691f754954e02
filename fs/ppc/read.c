// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that reads ranges for a stream, in the policy's order. The bytes in
 * flight are bounded: a read that a reader waits for would queue behind them in the
 * device.
 */

#include "stream.h"

#include <linux/blk-cgroup.h>
#include <linux/ioprio.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>

#include <trace/events/ppc.h>

/* When memory is short, one stream of an attachment tries again after this. */
#define PPC_MEMORY_PAUSE	msecs_to_jiffies(10)

static void ppc_read_seen(int nid, unsigned long nr, void *arg)
{
	atomic64_add((u64)nr << PAGE_SHIFT, ppc_stat_node(arg, nid));
}

static void ppc_read_forget_oldest(struct ppc_stream *stream)
{
	const struct ppc_inflight *oldest =
		&stream->inflight[stream->inflight_head];

	ppc_file_put(oldest->pf);
	stream->inflight_pages -= oldest->nr;
	stream->inflight_head = (stream->inflight_head + 1) %
				PPC_INFLIGHT_BATCHES;
	stream->inflight_nr--;
}

static void ppc_read_wait_oldest(struct ppc_stream *stream)
{
	const struct ppc_inflight *oldest =
		&stream->inflight[stream->inflight_head];

	ppc_wait_range(oldest->pf->inode->i_mapping, oldest->index, oldest->nr);
	ppc_read_forget_oldest(stream);
}

/* Takes over the caller's reference to the file. */
static void ppc_read_remember(struct ppc_stream *stream, struct ppc_file *pf,
			      pgoff_t index, unsigned long nr)
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

/* A congested file system removes the folios that it does not read, silently. */
static unsigned long ppc_read_taken(const struct ppc_file *pf,
				    const struct ppc_fill *fill,
				    unsigned long pages)
{
	if (!pages || !pf->may_refuse)
		return pages;
	return min(pages, ppc_count_cached(fill->mapping, fill->index,
					   fill->index + fill->nr));
}

static s64 ppc_read_submit(struct ppc_stream *stream, struct ppc_file *pf,
			   const struct ppc_range *range,
			   struct mem_cgroup *memcg)
{
	pgoff_t index = range->pos >> PAGE_SHIFT;
	struct ppc_fill fill = {
		/* The file of an overlay is not one of the inode with the data. */
		.file = file_inode(pf->file) == pf->inode ? pf->file : NULL,
		.mapping = pf->inode->i_mapping,
		.index = index,
		.nr = DIV_ROUND_UP_ULL(range->pos + range->len, PAGE_SIZE) -
		      index,
		.piece = range->flags & PPC_RANGE_WATCH ?
			 max(PPC_WATCH_BYTES >> PAGE_SHIFT, 1) : 0,
		.nid = ppc_stream_nid(stream),
		.memcg = memcg,
	};
	unsigned long most, pages, wanted;

	/* Shared by all streams, but each may overlap two batches. */
	most = max(PPC_INFLIGHT_BYTES / max(READ_ONCE(stream->att->nr_streams),
					    1U),
		   2 * PPC_READ_BYTES) >> PAGE_SHIFT;
	while (stream->inflight_nr &&
	       (stream->inflight_nr == PPC_INFLIGHT_BATCHES ||
		stream->inflight_pages + fill.nr > most))
		ppc_read_wait_oldest(stream);

	ppc_headroom_pick_node(stream->att, &fill);
	wanted = ppc_fill_range(&fill);
	pages = ppc_read_taken(pf, &fill, wanted);
	ppc_nodes_of_range(fill.mapping, index, fill.nr, pages, ppc_read_seen,
			   stream->att);
	trace_ppc_batch(pf->inode, range->pos, range->len, pages);
	ppc_stat_inc(stream->att, batches);
	ppc_stat_add(stream->att, prefetched_bytes, (u64)pages << PAGE_SHIFT);
	atomic64_add((u64)pages << PAGE_SHIFT, &stream->att->resident);
	kref_get(&pf->ref);
	ppc_read_remember(stream, pf, index, fill.nr);
	return wanted && !pages ? -EAGAIN : (s64)pages << PAGE_SHIFT;
}

static s64 ppc_read_range(struct ppc_stream *stream,
			  const struct ppc_range *range)
{
	struct ppc_file *pf = ppc_file_get(stream->att, range->file);
	struct mem_cgroup *memcg;
	s64 read = -ESTALE;

	if (!pf)
		goto out;
	if (!ppc_file_unchanged(pf) || range->pos >= pf->size)
		goto put;
	read = -EAGAIN;
	ppc_stream_interleave(stream);
	memcg = ppc_stream_memcg(stream);
	if (!blk_cgroup_congested() && ppc_headroom_for(stream, memcg, pf, range))
		read = ppc_read_submit(stream, pf, range, memcg);
	mem_cgroup_put(memcg);
put:
	ppc_file_put(pf);
out:
	if (read == -ESTALE)
		ppc_stat_inc(stream->att, errors);
	return read;
}

static bool ppc_read_next(struct ppc_stream *stream, struct ppc_range *range)
{
	const struct ppc_attachment *att = stream->att;

	if (!ppc_stream_running(stream) || !READ_ONCE(ppc_enabled) ||
	    !READ_ONCE(att->live) || READ_ONCE(att->paused))
		return false;
	*range = (struct ppc_range){};
	if (!att->ops->next || !att->ops->next(stream, range))
		return false;
	range->len = min(range->len, PPC_READ_BYTES);
	return true;
}

/*
 * Set whether a stream waits for memory. Return: jiffies after which to try again,
 * more of them if more streams wait.
 */
unsigned long ppc_read_wait(struct ppc_stream *stream, bool wait)
{
	atomic_t *waiting = &stream->att->waiting;
	int nr = atomic_add_return((int)wait - (int)stream->waiting, waiting);

	stream->waiting = wait;
	return nr * PPC_MEMORY_PAUSE;
}

/* Read until the policy has no more ranges. */
void ppc_read_work(struct work_struct *work)
{
	struct ppc_stream *stream =
		container_of(to_delayed_work(work), struct ppc_stream, read);
	const struct ppc_ops *ops = stream->att->ops;
	int ioprio = get_current_ioprio();
	struct ppc_range range;
	s64 read = 0;

	ppc_read_wait(stream, false);
	ppc_stream_act_for_reader(stream);
	while (read != -EAGAIN && ppc_read_next(stream, &range)) {
		read = ppc_read_range(stream, &range);
		if (ops->filled)
			ops->filled(stream, &range, read);
		cond_resched();
	}
	kthread_associate_blkcg(NULL);
	if (ioprio != get_current_ioprio())
		set_task_ioprio(current, ioprio);

	/* Idle streams pin no files, and do not wait for memory. */
	while (stream->inflight_nr)
		ppc_read_forget_oldest(stream);
	if (read == -EAGAIN &&
	    time_before(jiffies, READ_ONCE(stream->seen) + PPC_REST))
		queue_delayed_work(stream->att->wq, &stream->read,
				   ppc_read_wait(stream, true));
}
