// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what a stream drops next: what its readers have consumed, in its order
 * and the gap behind them.
 */
#include "maio_stream.h"

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/numa.h>
#include <linux/sched.h>

/* A gap that nobody chose; readers of several streams may be far apart. */
#define MAIO_GAP_MAX		SZ_32M
#define MAIO_GAP_MAX_APART	SZ_64M
#define MAIO_GAP_MIN		(2 * MAIO_CHUNK_SIZE)

/* Chunks to look at in one go. */
#define MAIO_DROP_LOOKS		256

/* How long, at most, until it is looked again at what others want. */
#define MAIO_DROP_PAUSE		(16 * MAIO_END_REST)

/* Bytes that streams to a node, or to any, have yet to bring in, at most. */
static u64 maio_streams_left(struct maio_streams *set, int nid)
{
	struct maio_stream *s;
	u64 left = 0;

	guard(spinlock)(&set->lock);
	list_for_each_entry(s, &set->list, link) {
		u64 total = maio_map_byte(&s->map, s->map.nr_chunks);
		u64 brought = READ_ONCE(s->brought);

		/* Nobody has come yet, or it is over. */
		if (!READ_ONCE(s->met) || !ppc_stream_running(s->stream) ||
		    READ_ONCE(s->gave_up))
			continue;
		if (nid == NUMA_NO_NODE || READ_ONCE(s->nid) == nid)
			left += total > brought ? total - brought : 0;
	}
	return left;
}

/* See whether what was consumed has to make room for the rest. */
bool maio_stream_look(struct maio_stream *s)
{
	int nid = READ_ONCE(s->nid);
	bool tight, news;
	u64 need;

	if (READ_ONCE(s->burn) != MAIO_BURN_TIGHT)
		return false;
	need = maio_streams_left(s->set, NUMA_NO_NODE);
	tight = !ppc_stream_has_room(s->stream, need, nid == NUMA_NO_NODE ?
				     need : maio_streams_left(s->set, nid));
	scoped_guard(spinlock, &s->lock) {
		news = tight && !s->tight;
		s->tight = tight;
	}
	/* Streams whose readers are through look no more by themselves. */
	if (news)
		ppc_kick_drops(s->att);
	return tight;
}

/*
 * Unless somebody chose: enough for readers that look back or read in turns, and a
 * small part of the memory that there is for reading ahead.
 */
static u64 maio_behind_gap(struct maio_stream *s)
{
	u64 gap = READ_ONCE(s->gap), room, share;
	struct ppc_limits limits;
	u32 nr;

	ppc_stream_limits(s->stream, &limits);
	nr = limits.streams;
	/* What is to stay must not fill all that may be cached. */
	if (gap != MAIO_GAP_AUTO && limits.ceiling != U64_MAX)
		gap = min(gap, div_u64(limits.ceiling / 2, nr));
	if (gap != MAIO_GAP_AUTO)
		return gap;
	if (limits.ceiling != U64_MAX &&
	    limits.resident + PPC_READ_BYTES > limits.ceiling)
		return MAIO_GAP_MIN;

	room = min(limits.memory, limits.ceiling);
	share = min(limits.budget, div_u64(room / 4, nr)) >> (nr > 1 ? 1 : 3);
	gap = clamp(share, MAIO_GAP_MIN,
		    nr > 1 ? MAIO_GAP_MAX_APART : MAIO_GAP_MAX);
	return max(gap, min(2 * READ_ONCE(s->longest), share));
}

static bool maio_behind_candidate(const struct maio_stream *s, u32 chunk,
				  u64 gap)
{
	u16 state = s->map.state[chunk];

	if (!(state & s->sweep.want) || maio_chunk_gone(state))
		return false;
	if (s->sweep.pass != MAIO_PASS_BEHIND)
		return true;
	return !(state & MAIO_CHUNK_STUCK) &&
	       !maio_cursors_hold(&s->cursors, &s->map, chunk, gap) &&
	       !maio_stream_holds_unread(s, chunk);
}

/* Find the next run of chunks to drop, in one file. */
static bool maio_behind_run(struct maio_stream *s, struct ppc_range *run)
{
	struct maio_sweep *sweep = &s->sweep;
	u64 gap = sweep->pass == MAIO_PASS_BEHIND ? maio_behind_gap(s) : 0;
	struct ppc_range bytes;
	u32 looks = 0;

	/* No more than the rest of the load needs. */
	if (READ_ONCE(s->burn) == MAIO_BURN_TIGHT && !maio_stream_look(s))
		return false;
	guard(spinlock)(&s->lock);
	while (sweep->at < s->map.nr_chunks &&
	       !maio_behind_candidate(s, sweep->at, gap)) {
		sweep->at++;
		/* A reader waits for the lock: don't keep it for long. */
		if (++looks % MAIO_DROP_LOOKS == 0) {
			spin_unlock(&s->lock);
			cond_resched();
			spin_lock(&s->lock);
		}
	}
	if (sweep->at == s->map.nr_chunks)
		return false;

	sweep->first = sweep->at;
	maio_map_chunk(&s->map, sweep->at, run);
	s->map.state[sweep->at] |= MAIO_CHUNK_DROPPING;
	while (++sweep->at < s->map.nr_chunks &&
	       maio_behind_candidate(s, sweep->at, gap)) {
		maio_map_chunk(&s->map, sweep->at, &bytes);
		if (bytes.file != run->file ||
		    bytes.pos != run->pos + run->len ||
		    run->len + bytes.len > PPC_DROP_BYTES)
			break;
		run->len += bytes.len;
		s->map.state[sweep->at] |= MAIO_CHUNK_DROPPING;
	}
	sweep->end = sweep->at;
	return true;
}

static void maio_sweep_begin(struct maio_stream *s, enum maio_pass pass)
{
	struct maio_sweep *sweep = &s->sweep;
	u32 looks = 0;

	sweep->pass = pass;
	if (pass == MAIO_PASS_NONE)
		return;
	sweep->again_end = 0;
	sweep->drain = pass == MAIO_PASS_LAST;
	if (pass == MAIO_PASS_REST) {
		sweep->kept = false;
		sweep->left = false;
	}
	guard(spinlock)(&s->lock);
	sweep->at = pass == MAIO_PASS_BEHIND ? s->burn_from : 0;
	while (sweep->at < s->map.nr_chunks && looks++ < MAIO_DROP_LOOKS &&
	       maio_chunk_gone(s->map.state[sweep->at]))
		sweep->at++;
	s->burn_from = sweep->at;
}

/* Nobody reads any more: all that was read goes. */
static enum maio_pass maio_sweep_final(struct maio_stream *s)
{
	s->sweep.want = MAIO_CHUNK_CONSUMED | MAIO_CHUNK_ISSUED |
			MAIO_CHUNK_LEFT;
	guard(spinlock)(&s->lock);
	return s->burn == MAIO_BURN_ALWAYS || maio_stream_burns(s) ?
	       MAIO_PASS_REST : MAIO_PASS_NONE;
}

static enum maio_pass maio_sweep_choose(struct maio_stream *s)
{
	s->sweep.want = MAIO_CHUNK_CONSUMED;
	maio_stream_look(s);
	scoped_guard(spinlock, &s->lock) {
		if (!maio_stream_burns(s))
			return MAIO_PASS_NONE;
		if (!maio_cursors_at_end(&s->cursors, &s->map))
			return MAIO_PASS_BEHIND;
		if (time_after_eq(jiffies, s->last_access + MAIO_END_REST))
			return MAIO_PASS_REST;
	}
	ppc_stream_kick_drop(s->stream, MAIO_END_REST);
	return MAIO_PASS_BEHIND;
}

/* Has any reader of the load been seen of late? */
static bool maio_readers_active(struct maio_streams *set)
{
	struct maio_stream *s;

	guard(spinlock)(&set->lock);
	list_for_each_entry(s, &set->list, link)
		if (time_before(jiffies, READ_ONCE(s->last_access) +
					 2 * MAIO_END_REST))
			return true;
	return false;
}

/*
 * Others may be about to pass what they wanted, or, if none of them is seen, be
 * given up at some time.
 */
static void maio_sweep_later(struct maio_stream *s)
{
	struct maio_sweep *sweep = &s->sweep;

	if (!sweep->pause || maio_readers_active(s->set))
		sweep->pause = MAIO_END_REST;
	else
		sweep->pause = min(2 * sweep->pause, MAIO_DROP_PAUSE);
	ppc_stream_kick_drop(s->stream, sweep->pause);
}

/* All was looked at: once more, or no more. */
static void maio_sweep_end(struct maio_stream *s)
{
	struct maio_sweep *sweep = &s->sweep;

	if (sweep->pass == MAIO_PASS_REST && sweep->left) {
		maio_sweep_begin(s, MAIO_PASS_LAST);
		return;
	}
	if (sweep->pass != MAIO_PASS_BEHIND && !sweep->final) {
		if (sweep->kept)
			maio_sweep_later(s);
		else
			sweep->pause = 0;
	}
	sweep->pass = MAIO_PASS_NONE;
}

/* Choose what to drop next. Return: false if there is nothing to drop. */
bool maio_stream_drop(struct ppc_stream *stream, struct ppc_range *range)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_sweep *sweep = &s->sweep;
	bool final = !ppc_stream_running(stream);

	if (sweep->pass == MAIO_PASS_NONE || sweep->final != final) {
		sweep->final = final;
		maio_sweep_begin(s, final ? maio_sweep_final(s) :
					    maio_sweep_choose(s));
	}
	while (sweep->pass != MAIO_PASS_NONE) {
		/* Of a run that did not go whole, which of them is wanted or stays? */
		if (sweep->again < sweep->again_end) {
			sweep->first = sweep->again++;
			sweep->end = sweep->again;
			maio_map_chunk(&s->map, sweep->first, range);
			return true;
		}
		if (maio_behind_run(s, range)) {
			range->flags |= sweep->drain ? PPC_RANGE_DRAIN : 0;
			sweep->drain = false;
			return true;
		}
		maio_sweep_end(s);
	}
	return false;
}

static void maio_behind_mark(struct maio_stream *s, u32 chunk, u64 left)
{
	u16 *state = &s->map.state[chunk];

	guard(spinlock)(&s->lock);
	/* If it was read ahead again meanwhile, it is there to be dropped again. */
	if (!(*state & MAIO_CHUNK_DROPPING)) {
		s->sweep.left = true;
		return;
	}
	*state &= ~MAIO_CHUNK_DROPPING;
	s->sweep.left |= left > 0;
	if (left && s->sweep.pass == MAIO_PASS_LAST &&
	    !(*state & MAIO_CHUNK_COUNTED)) {
		ppc_count(s->att, PPC_COUNT_UNBURNABLE, left);
		*state |= MAIO_CHUNK_COUNTED;
	}
	if (!left)
		*state = (*state & ~MAIO_CHUNK_LEFT) | MAIO_CHUNK_BURNED;
	else if (*state & MAIO_CHUNK_TRIED)
		*state |= MAIO_CHUNK_STUCK;
	else
		*state |= MAIO_CHUNK_TRIED;
}

/* What came of the choice: bytes that are left, or an error. */
void maio_stream_dropped(struct ppc_stream *stream,
			 const struct ppc_range *range, s64 left)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_sweep *sweep = &s->sweep;
	u32 chunk;

	if (left == -ESTALE)
		return;
	if (!left) {
		for (chunk = sweep->first; chunk < sweep->end; chunk++)
			maio_behind_mark(s, chunk, 0);
	} else if (sweep->end - sweep->first > 1) {
		sweep->again = sweep->first;
		sweep->again_end = sweep->end;
	} else if (left == -EBUSY) {
		sweep->kept = true;
	} else {
		maio_behind_mark(s, sweep->first, left);
	}
}
