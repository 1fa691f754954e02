// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what a stream reads next.
 */
#include "maio_stream.h"

#include <linux/minmax.h>
#include <linux/sched.h>

/* Closer to the readers than this, reading ahead is worth a reclaim. */
#define MAIO_NEAR_BYTES		SZ_16M

/*
 * Choose what to read next. Return: false if there is nothing to read, or no
 * budget for it.
 */
bool maio_stream_next(struct ppc_stream *stream, struct ppc_range *range)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_batch *batch = &s->batch;
	struct ppc_limits limits;
	bool skipping;
	u64 ahead;

	ppc_stream_limits(stream, &limits);
	/* More than that would not be seen to be ahead. */
	limits.budget = min(limits.budget,
			    MAIO_CURSOR_LOOKS * MAIO_CHUNK_SIZE);

	/* A reader waits for the lock: don't keep it for long. */
	do {
		cond_resched();
		spin_lock(&s->lock);
		skipping = maio_cursors_skip(&s->cursors, &s->map);
		spin_unlock(&s->lock);
	} while (skipping);

	guard(spinlock)(&s->lock);
	if (s->gave_up)
		return false;
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
	/* Of many readers, each gets a batch at least. */
	if (batch->ahead <= MAIO_NEAR_BYTES || batch->before < PPC_READ_BYTES)
		range->flags |= PPC_RANGE_NEAR;
	return true;
}

static void maio_ahead_brought(struct maio_stream *s, u32 chunk)
{
	lockdep_assert_held(&s->lock);
	if (s->map.state[chunk] & (MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED))
		return;
	WRITE_ONCE(s->brought, s->brought + maio_map_len(&s->map, chunk));
}

/* There is nothing to be read for the batch, now or later. */
static void maio_ahead_pass(struct maio_stream *s)
{
	const struct maio_batch *batch = &s->batch;
	u32 chunk;

	for (chunk = batch->first; chunk < batch->first + batch->nr; chunk++) {
		maio_ahead_brought(s, chunk);
		s->map.state[chunk] |= MAIO_CHUNK_CONSUMED | MAIO_CHUNK_FAILED;
	}
}

static void maio_ahead_issued(struct maio_stream *s)
{
	const struct maio_batch *batch = &s->batch;
	u32 chunk;

	for (chunk = batch->first; chunk < batch->first + batch->nr; chunk++) {
		u16 *state = &s->map.state[chunk];

		maio_ahead_brought(s, chunk);
		*state = maio_chunk_issue(*state);
		s->burn_from = min(s->burn_from, chunk);
	}
	s->issued += batch->bytes.len;
}

/* What came of the choice: bytes that were read, or an error. */
void maio_stream_filled(struct ppc_stream *stream,
			const struct ppc_range *range, s64 read)
{
	struct maio_stream *s = ppc_stream_private(stream);

	scoped_guard(spinlock, &s->lock) {
		if (read >= 0)
			maio_ahead_issued(s);
		else if (read == -ESTALE)
			maio_ahead_pass(s);
		else
			maio_cursors_unpick(&s->cursors, &s->batch);
	}
	maio_stream_look(s);
}
