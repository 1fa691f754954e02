// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what a stream drops next: finished chunks, in the order of the stream and a
 * gap behind the readers.
 */
#include "maio_stream.h"

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/numa.h>
#include <linux/sched.h>

/* Limits of the automatic gap; readers of several streams may be far apart. */
#define MAIO_GAP_MAX		SZ_32M
#define MAIO_GAP_MAX_APART	SZ_64M
#define MAIO_GAP_MIN		(2 * MAIO_CHUNK_SIZE)

/* Chunks to scan in one go. */
#define MAIO_DROP_LOOKS		256

/* Longest pause between sweeps for chunks that others want. */
#define MAIO_DROP_PAUSE		(16 * MAIO_END_REST)

/* Bytes that streams to a node, or to any, will read, at most. */
static u64 maio_streams_left(struct maio_streams *set, int nid)
{
	struct maio_stream *s;
	u64 left = 0;

	guard(spinlock)(&set->lock);
	list_for_each_entry(s, &set->list, link) {
		u64 total = maio_map_byte(&s->map, s->map.nr_chunks);
		u64 populated = READ_ONCE(s->populated);

		/* Not started, or over. */
		if (!READ_ONCE(s->has_reader) || !ppc_stream_running(s->stream) ||
		    READ_ONCE(s->gave_up))
			continue;
		if (nid == NUMA_NO_NODE || READ_ONCE(s->nid) == nid)
			left += total > populated ? total - populated : 0;
	}
	return left;
}

/* Update whether memory is short of the rest of the load. */
bool maio_stream_update_pressure(struct maio_stream *s)
{
	int nid = READ_ONCE(s->nid);
	bool under_pressure, first;
	u64 need;

	if (READ_ONCE(s->drop_mode) != MAIO_DROP_UNDER_PRESSURE)
		return false;
	need = maio_streams_left(s->set, NUMA_NO_NODE);
	under_pressure = !ppc_stream_has_headroom(s->stream, need, nid == NUMA_NO_NODE ?
				     need : maio_streams_left(s->set, nid));
	scoped_guard(spinlock, &s->lock) {
		first = under_pressure && !s->under_pressure;
		s->under_pressure = under_pressure;
	}
	/* Streams whose readers have finished no longer update it. */
	if (first)
		ppc_kick_drops(s->att);
	return under_pressure;
}

/*
 * The automatic gap suffices for readers that return to recent bytes or read by
 * turns, and is a small part of the memory for reading ahead.
 */
static u64 maio_behind_gap(struct maio_stream *s)
{
	u64 gap = READ_ONCE(s->gap), room, share;
	struct ppc_limits limits;
	u32 nr;

	ppc_stream_limits(s->stream, &limits);
	nr = limits.streams;
	/* The gap must not fill all that may be cached. */
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

/* Was something of it read ahead in vain, as far as it can be told? */
static bool maio_behind_unused(const struct maio_map *map, u32 chunk, u16 state)
{
	if (!(state & MAIO_CHUNK_CACHED))
		return false;
	return !(state & MAIO_CHUNK_SEEN) ||
	       maio_watch_taken(map, chunk) < maio_map_len(map, chunk);
}

static bool maio_behind_candidate(const struct maio_stream *s, u32 chunk,
				  u64 gap)
{
	const u16 mask = MAIO_CHUNK_READ | MAIO_CHUNK_CACHED;
	const u16 state = maio_chunk(&s->map, chunk);

	if (!maio_chunk_droppable(&s->map, chunk))
		return false;
	if (s->sweep.pass == MAIO_PASS_UNUSED)
		return maio_behind_unused(&s->map, chunk, state);
	/* No reader is left: drop all that was read. */
	if (s->sweep.final)
		return true;
	if ((state & mask) != mask)
		return false;
	if (s->sweep.pass != MAIO_PASS_BEHIND)
		return true;
	return !(state & MAIO_CHUNK_STUCK) &&
	       !maio_cursors_hold(&s->cursors, &s->map, chunk, gap);
}

/*
 * A chunk counts as dropped before the drop, so that it counts as cached if it is
 * read ahead again meanwhile.
 */
static void maio_behind_take(struct maio_stream *s, u32 chunk)
{
	lockdep_assert_held(&s->lock);
	s->map.state[chunk] &= ~(MAIO_CHUNK_CACHED | MAIO_CHUNK_OURS);
}

/* The chunk was not dropped. */
static void maio_behind_restore(struct maio_stream *s, u32 chunk, u16 why)
{
	guard(spinlock)(&s->lock);
	if (!maio_chunk_left(&s->map, chunk))
		s->map.state[chunk] |= MAIO_CHUNK_CACHED | MAIO_CHUNK_OURS | why;
}

/* Find the next run of chunks to drop. */
static bool maio_behind_run(struct maio_stream *s, struct ppc_range *run)
{
	struct maio_sweep *sweep = &s->sweep;
	u64 gap = sweep->pass == MAIO_PASS_BEHIND ? maio_behind_gap(s) : 0;
	struct ppc_range bytes;
	u32 looks = 0;

	/* Not more than the rest of the load needs. */
	if (sweep->pass != MAIO_PASS_UNUSED && !maio_stream_burns(s) &&
	    !maio_stream_update_pressure(s))
		return false;
	guard(spinlock)(&s->lock);
	while (sweep->at < s->map.nr_chunks &&
	       !maio_behind_candidate(s, sweep->at, gap)) {
		sweep->at++;
		/* Readers wait for the lock: do not hold it for long. */
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
	maio_behind_take(s, sweep->at);
	while (++sweep->at < s->map.nr_chunks &&
	       maio_behind_candidate(s, sweep->at, gap)) {
		maio_map_chunk(&s->map, sweep->at, &bytes);
		if (bytes.file != run->file ||
		    bytes.pos != run->pos + run->len ||
		    run->len + bytes.len > PPC_DROP_BYTES)
			break;
		run->len += bytes.len;
		maio_behind_take(s, sweep->at);
	}
	sweep->end = sweep->at;
	return true;
}

static void maio_sweep_begin(struct maio_stream *s, enum maio_pass pass)
{
	struct maio_sweep *sweep = &s->sweep;
	u32 looks = 0;

	/* The rest of a run that was not retried. */
	for (; sweep->again < sweep->again_end; sweep->again++)
		maio_behind_restore(s, sweep->again, 0);
	sweep->pass = pass;
	if (pass == MAIO_PASS_NONE)
		return;
	sweep->drain = pass == MAIO_PASS_LAST;
	if (pass == MAIO_PASS_REST) {
		sweep->kept = false;
		sweep->left = false;
	}
	guard(spinlock)(&s->lock);
	sweep->at = pass == MAIO_PASS_BEHIND ? s->drop_from : 0;
	while (sweep->at < s->map.nr_chunks && looks++ < MAIO_DROP_LOOKS &&
	       (maio_chunk(&s->map, sweep->at) & MAIO_CHUNK_READ) &&
	       !maio_chunk_droppable(&s->map, sweep->at))
		sweep->at++;
	s->drop_from = sweep->at;
}

static enum maio_pass maio_sweep_choose(struct maio_stream *s)
{
	if (s->sweep.final) {
		guard(spinlock)(&s->lock);
		return maio_stream_burns(s) || maio_stream_drops(s) ?
		       MAIO_PASS_REST : MAIO_PASS_UNUSED;
	}
	maio_stream_update_pressure(s);
	scoped_guard(spinlock, &s->lock) {
		if (!maio_stream_drops(s))
			return MAIO_PASS_NONE;
		if (!maio_cursors_at_end(&s->cursors, &s->map))
			return MAIO_PASS_BEHIND;
		if (time_after_eq(jiffies, s->last_access + MAIO_END_REST))
			return MAIO_PASS_REST;
	}
	ppc_stream_kick_drop(s->stream, MAIO_END_REST);
	return MAIO_PASS_BEHIND;
}

/* Was any reader of the load seen recently? */
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
 * Other readers may finish soon what they want; if none is active, MAIO gives them up
 * at some time.
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

/* A sweep is complete: start the last one, or plan the next. */
static void maio_sweep_end(struct maio_stream *s)
{
	struct maio_sweep *sweep = &s->sweep;

	if (sweep->pass == MAIO_PASS_REST && sweep->left) {
		maio_sweep_begin(s, MAIO_PASS_LAST);
		return;
	}
	if (sweep->pass == MAIO_PASS_LAST)
		s->counted = true;
	if (sweep->pass != MAIO_PASS_BEHIND && !sweep->final) {
		if (sweep->kept)
			maio_sweep_later(s);
		else
			sweep->pause = 0;
	}
	sweep->pass = MAIO_PASS_NONE;
}

static u32 maio_sweep_flags(struct maio_sweep *sweep)
{
	u32 flags = sweep->pass == MAIO_PASS_UNUSED ? PPC_RANGE_UNUSED : 0;

	if (sweep->drain)
		flags |= PPC_RANGE_DRAIN;
	sweep->drain = false;
	return flags;
}

/* The drop callback: choose what to drop next. */
bool maio_stream_drop(struct ppc_stream *stream, struct ppc_range *range)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_sweep *sweep = &s->sweep;
	bool final = !ppc_stream_running(stream);

	if (sweep->pass == MAIO_PASS_NONE || sweep->final != final) {
		sweep->final = final;
		maio_sweep_begin(s, maio_sweep_choose(s));
	}
	while (sweep->pass != MAIO_PASS_NONE) {
		/* Retry the chunks of a run that was not dropped completely. */
		while (sweep->again < sweep->again_end) {
			sweep->first = sweep->again++;
			sweep->end = sweep->again;
			if (maio_chunk_left(&s->map, sweep->first))
				continue;
			maio_map_chunk(&s->map, sweep->first, range);
			range->flags |= maio_sweep_flags(sweep);
			return true;
		}
		if (maio_behind_run(s, range)) {
			range->flags |= maio_sweep_flags(sweep);
			return true;
		}
		maio_sweep_end(s);
	}
	return false;
}

/* The dropped callback. */
void maio_stream_dropped(struct ppc_stream *stream,
			 const struct ppc_range *range, s64 left)
{
	struct maio_stream *s = ppc_stream_private(stream);
	struct maio_sweep *sweep = &s->sweep;

	if (!left || left == -ESTALE)
		return;
	if (sweep->end - sweep->first > 1) {
		sweep->again = sweep->first;
		sweep->again_end = sweep->end;
	} else if (left == -EBUSY) {
		sweep->kept = true;
		maio_behind_restore(s, sweep->first, 0);
	} else {
		sweep->left = true;
		maio_behind_restore(s, sweep->first, MAIO_CHUNK_STUCK);
		if (sweep->pass == MAIO_PASS_LAST && !s->counted)
			ppc_count(s->att, PPC_COUNT_UNBURNABLE, left);
	}
}
