// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what a stream reads next.
 */
#include "maio_stream.h"

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>

/* Within this distance of the readers, reading ahead is worth a reclaim. */
#define MAIO_NEAR_BYTES		SZ_16M

/*
 * Update the window, and give up if it closes. Readers may look at the headers of many
 * files first: until they have read on, the first window is all that is read ahead, and
 * nothing counts as lost. Return: bytes that may be ahead, or 0 for nothing to read.
 */
static u64 maio_ahead_window(struct maio_stream *s)
{
	u64 first = s->set->watch ? MAIO_WINDOW_LOOK_FIRST : s->window.size;
	u64 lost = s->issued - s->useful;

	lockdep_assert_held(&s->lock);
	lost -= min(lost, maio_cursors_pending(&s->cursors, &s->map));
	if (!maio_stream_read_on(s)) {
		s->window.lost = lost;
		return s->issued + min(first, PPC_READ_BYTES) <= first ? first : 0;
	}
	maio_window_update(&s->window, s->useful, lost);
	if (s->window.size)
		return s->window.size;
	/* What readers take may start a watched stream again. */
	if (s->set->watch) {
		s->window.size = PPC_READ_BYTES;
		maio_watch_suspend(&s->map);
		return 0;
	}
	maio_stream_give_up(s);
	ppc_stream_set_ahead(s->stream, 0);
	return 0;
}

/* The next callback: choose what to read next. */
bool maio_stream_next(struct ppc_stream *stream, struct ppc_range *range)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_batch *batch = &s->batch;
	struct ppc_limits limits;
	bool skipping;
	u64 ahead, window;

	ppc_stream_limits(stream, &limits);
	/* More than this would not be counted as ahead. */
	limits.budget = min(limits.budget,
			    MAIO_CURSOR_LOOKS * MAIO_CHUNK_SIZE);

	/* Readers wait for the lock: do not hold it for long. */
	do {
		cond_resched();
		spin_lock(&s->lock);
		skipping = maio_cursors_skip(&s->cursors, &s->map);
		spin_unlock(&s->lock);
	} while (skipping);

	guard(spinlock)(&s->lock);
	if (s->gave_up || maio_watch_sparse(&s->map))
		return false;
	window = maio_ahead_window(s);
	if (!window)
		return false;
	limits.budget = min(limits.budget, window);
	/* What is reclaimed before readers come to it is read twice. */
	limits.budget = min(limits.budget,
			    max(div_u64(limits.memory, 16 * limits.streams), PPC_READ_BYTES));
	if (!maio_cursors_pick(&s->cursors, &s->map, limits.budget,
			       PPC_READ_BYTES, batch)) {
		ahead = maio_cursors_ahead(&s->cursors, &s->map);
		ppc_stream_set_ahead(stream, ahead);
		ppc_count(s->att, PPC_COUNT_BUDGET_WAITS,
			  ahead >= limits.budget);
		return false;
	}
	ppc_stream_set_ahead(stream, batch->ahead + batch->bytes.len);
	*range = batch->bytes;
	if (maio_watch_begin(&s->map, batch->first, batch->nr))
		range->flags |= PPC_RANGE_WATCH;
	/* Each of many readers gets one batch at least. */
	if (batch->ahead <= MAIO_NEAR_BYTES || batch->before < PPC_READ_BYTES)
		range->flags |= PPC_RANGE_NEAR;
	return true;
}

/* The batch is cached, or its file cannot be read any more. */
static void maio_ahead_done(struct maio_stream *s, u16 how)
{
	const struct maio_batch *batch = &s->batch;
	u64 populated = 0;
	u32 chunk;

	lockdep_assert_held(&s->lock);
	for (chunk = batch->first; chunk < batch->first + batch->nr; chunk++) {
		const u16 state = maio_chunk(&s->map, chunk);

		if (!(state & (MAIO_CHUNK_CACHED | MAIO_CHUNK_READ)))
			populated += maio_map_len(&s->map, chunk);
		maio_chunk_set(&s->map, chunk,
			       (state & ~MAIO_CHUNK_STUCK) | how);
	}
	WRITE_ONCE(s->populated, s->populated + populated);
	s->drop_from = min(s->drop_from, batch->first);
}

/* The filled callback. */
void maio_stream_filled(struct ppc_stream *stream,
			const struct ppc_range *range, s64 read)
{
	struct maio_stream *s = ppc_stream_private(stream);
	bool ours = read > 0 || (!read && maio_streams_have_read(s->set, range));

	scoped_guard(spinlock, &s->lock) {
		if (read >= 0) {
			s->issued += read;
			maio_watch_cancel(&s->map, s->batch.first, s->batch.nr,
					  range->flags & PPC_RANGE_WATCH ?
					  s->batch.bytes.len - read : U64_MAX);
			maio_ahead_done(s, MAIO_CHUNK_CACHED | (ours ? MAIO_CHUNK_OURS : 0));
		} else if (read == -ESTALE) {
			maio_ahead_done(s, MAIO_CHUNK_READ | MAIO_CHUNK_FAILED);
		} else {
			maio_cursors_unpick(&s->cursors, &s->batch);
		}
	}
	maio_stream_update_pressure(s);
}
