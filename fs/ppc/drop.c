// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that drops ranges for a stream, in the policy's order. A range that
 * another policy of the file still wants stays: the last one that wants it drops it.
 */

#include "stream.h"

#include <trace/events/ppc.h>

/* Rounded inwards to whole pages, but for the end of the file. */
static s64 ppc_drop_pages(struct ppc_stream *stream, struct ppc_file *pf,
			  const struct ppc_range *range)
{
	u64 end = range->pos + range->len;
	pgoff_t first = DIV_ROUND_UP_ULL(range->pos, PAGE_SIZE);
	pgoff_t last = end >= i_size_read(pf->inode) ?
		       DIV_ROUND_UP_ULL(end, PAGE_SIZE) : end >> PAGE_SHIFT;
	struct ppc_drop drop;

	if (first >= last)
		return 0;
	/* Folios under read cannot be dropped, and this is the last try. */
	if (!ppc_stream_running(stream))
		ppc_wait_range(pf->inode->i_mapping, first, last - first);
	if (range->flags & PPC_RANGE_UNUSED)
		ppc_drop_unused(pf->inode->i_mapping, first, last, &drop);
	else
		ppc_drop_range(pf->inode->i_mapping, first, last, &drop);
	ppc_stat_add(stream->att, burned_bytes,
		     (u64)drop.dropped << PAGE_SHIFT);
	atomic64_sub((u64)drop.dropped << PAGE_SHIFT, &stream->att->resident);
	trace_ppc_burn(pf->inode, range->pos, range->len, drop.dropped);
	return (u64)drop.left << PAGE_SHIFT;
}

static s64 ppc_drop_one(struct ppc_stream *stream,
			const struct ppc_range *range)
{
	enum ppc_evict_reason reason = ppc_stream_running(stream) ?
				       PPC_EVICT_DROP : PPC_EVICT_LAST;
	struct ppc_file *pf = ppc_file_get(stream->att, range->file);
	s64 left = -ESTALE;

	if (!pf)
		return left;
	if (!ppc_file_unchanged(pf))
		goto put;
	left = -EBUSY;
	if (ppc_range_wanted(pf, range->pos, range->len, reason))
		goto put;
	/* Per-CPU batches hold references to small folios. */
	if (range->flags & PPC_RANGE_DRAIN)
		ppc_drop_drain();
	left = ppc_drop_pages(stream, pf, range);
put:
	ppc_file_put(pf);
	return left;
}

static bool ppc_drop_next(struct ppc_stream *stream)
{
	const struct ppc_ops *ops = stream->att->ops;
	struct ppc_range range = {};
	s64 left;

	if (!READ_ONCE(ppc_enabled) || !ops->drop || !ops->drop(stream, &range))
		return false;
	range.len = min(range.len, PPC_DROP_BYTES);
	left = ppc_drop_one(stream, &range);
	if (ops->dropped)
		ops->dropped(stream, &range, left);
	cond_resched();
	return true;
}

/* Drop until the policy has no more ranges. */
void ppc_drop_work(struct work_struct *work)
{
	struct ppc_stream *stream =
		container_of(to_delayed_work(work), struct ppc_stream, drop);

	while (ppc_stream_running(stream) && ppc_drop_next(stream))
		;
}

/* Drop what the policy wants to drop when the stream is stopped. */
void ppc_drop_all(struct ppc_stream *stream)
{
	while (ppc_drop_next(stream))
		;
}
