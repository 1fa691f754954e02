// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: the streams of a load, and the effect of accesses on them.
 */
#include "maio_stream.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/ppc.h>

/* Sweep after so many finished bytes. */
#define MAIO_DROP_STEP		SZ_8M

/* Chunks to scan before reporting bytes as wanted. */
#define MAIO_WANTS_LOOKS	256

/* If so many dropped bytes are read again, dropping was wrong. */
#define MAIO_RETURN_BYTES	SZ_16M

/* Begin without streams. */
void maio_streams_init(struct maio_streams *set)
{
	spin_lock_init(&set->lock);
	INIT_LIST_HEAD(&set->list);
	set->window = MAIO_WINDOW_START;
	set->window_max = MAIO_WINDOW_MAX;
}

/* Refuse ranges without a file or beyond its end. */
static int maio_stream_check(struct ppc_attachment *att,
			     const struct ppc_range *range)
{
	u64 size, end;
	int err = ppc_file_stat(att, range->file, &size, NULL);

	if (err)
		return err;
	if (check_add_overflow(range->pos, range->len, &end) ||
	    range->pos >= size || end > round_up(size, MAIO_CHUNK_SIZE))
		return -EINVAL;
	return 0;
}

/*
 * Create a stream.
 *
 * Return: the stream, not started, or an ERR_PTR: -EINVAL for ranges that are
 * empty, overlap, overflow or lie beyond the end of the file, -ENOENT for an
 * unknown file, -E2BIG for too many ranges or bytes, -ENOSPC for too many
 * streams, -EDQUOT if the user may not have so much memory, -ENOMEM.
 */
struct maio_stream *maio_stream_create(struct ppc_attachment *att,
				       struct maio_streams *set,
				       const struct ppc_range *ranges, u32 nr,
				       int nid)
{
	struct maio_stream *s;
	int err;
	u32 i;

	if (nid != NUMA_NO_NODE && (nid < 0 || nid >= MAX_NUMNODES))
		return ERR_PTR(-EINVAL);
	for (i = 0; i < nr; i++) {
		err = maio_stream_check(att, &ranges[i]);
		if (err)
			return ERR_PTR(err);
	}

	s = kzalloc_obj(*s, GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->state = sizeof(*s) + maio_map_size(ranges, nr);
	err = ppc_state_charge(att, s->state);
	if (err)
		goto free;
	err = maio_map_init(&s->map, ranges, nr);
	if (err)
		goto uncharge;
	if (set->watch) {
		err = maio_watch_start(&s->map);
		if (err)
			goto free_map;
	}
	s->att = att;
	s->set = set;
	spin_lock_init(&s->lock);
	maio_window_reset(&s->window, set->window, set->window_max);
	/* No reader yet, and jiffies may be about to wrap. */
	s->last_access = jiffies - 2 * MAIO_END_REST;
	s->stream = ppc_stream_create(att, s);
	if (IS_ERR(s->stream)) {
		err = PTR_ERR(s->stream);
		goto free_map;
	}
	maio_stream_set_node(s, nid);
	scoped_guard(spinlock, &set->lock)
		list_add_tail(&s->link, &set->list);
	return s;

free_map:
	maio_map_free(&s->map);
uncharge:
	ppc_state_uncharge(att, s->state);
free:
	kfree(s);
	return ERR_PTR(err);
}

/* Stop and free a stream. */
void maio_stream_destroy(struct maio_stream *s)
{
	if (!s)
		return;
	ppc_stream_stop(s->stream);
	scoped_guard(spinlock, &s->set->lock)
		list_del(&s->link);
	ppc_stream_destroy(s->stream);
	ppc_state_uncharge(s->att, s->state);
	maio_map_free(&s->map);
	kfree(s);
}

/* The same load starts again: forget all readers. */
void maio_stream_reset(struct maio_stream *s)
{
	ppc_stream_forget_reader(s->stream);
	guard(spinlock)(&s->lock);
	maio_cursors_reset(&s->cursors, &s->map);
	s->drop_from = 0;
	s->counted = false;
	s->issued = 0;
	WRITE_ONCE(s->populated, 0);
	s->read = 0;
	s->map.watch.load = false;
	s->useful = 0;
	s->refaulted = 0;
	maio_window_reset(&s->window, s->set->window, s->set->window_max);
	WRITE_ONCE(s->gave_up, false);
	WRITE_ONCE(s->dropbehind, false);
	s->under_pressure = false;
	WRITE_ONCE(s->returned, false);
	ppc_stream_set_ahead(s->stream, 0);
}

/* Convert an access to chunks; false if it is not in the stream. */
static bool maio_stream_step(const struct maio_stream *s,
			     const struct ppc_access *access,
			     struct maio_step *step)
{
	u64 last_byte = access->pos + max(access->len, 1ULL) - 1;
	struct ppc_range bytes;

	if (!maio_map_find(&s->map, access->file, access->pos, &step->chunk))
		return false;
	step->last = step->chunk;
	/* A ceiling is more important than slow readers. */
	step->lag = ppc_attachment_ceiling(s->att) ? 0 : MAIO_CURSOR_LAG;
	step->whole = false;
	step->miss = access->type == PPC_ACCESS_MISS ||
		     access->type == PPC_ACCESS_FAULT_MISS;
	step->uptodate = access->uptodate;
	if (access->type != PPC_ACCESS_CONSUME)
		return true;

	/* Only while the order of the file is that of the stream. */
	if (!maio_map_find(&s->map, access->file, last_byte, &step->last) ||
	    step->last < step->chunk ||
	    step->last - step->chunk > (access->len >> MAIO_CHUNK_SHIFT) + 1)
		step->last = step->chunk;
	maio_map_chunk(&s->map, step->last, &bytes);
	step->whole = last_byte + 1 >= bytes.pos + bytes.len;
	return true;
}

/* The stream cost more than it saved. */
void maio_stream_give_up(struct maio_stream *s)
{
	lockdep_assert_held(&s->lock);
	WRITE_ONCE(s->gave_up, true);
	ppc_count(s->att, PPC_COUNT_FALLBACKS, 1);
	trace_ppc_fallback(ppc_attachment_policy(s->att), s->issued, s->useful,
			   s->refaulted);
}

/* Have readers read on after their first accesses? Under the stream's lock. */
bool maio_stream_read_on(const struct maio_stream *s)
{
	if (s->set->watch)
		return s->map.watch.load || s->read >= MAIO_WINDOW_LOOK_GUESS;
	return s->read >= MAIO_WINDOW_LOOK;
}

/* Does the stream drop finished chunks now? Under the stream's lock. */
bool maio_stream_drops(const struct maio_stream *s)
{
	if (s->gave_up)
		return false;
	/* Stock drops for such a reader whether he comes back or not. */
	if (READ_ONCE(s->dropbehind))
		return true;
	/* At a ceiling, nothing could be read ahead any more. */
	if (s->returned && !ppc_attachment_ceiling(s->att))
		return false;
	return s->drop_mode == MAIO_DROP_ALWAYS ||
	       (s->drop_mode == MAIO_DROP_UNDER_PRESSURE && s->under_pressure);
}

/* Update a stream for an access, in the access callback. */
enum ppc_stream_hit maio_stream_access(struct maio_stream *s,
				       const struct ppc_access *access)
{
	struct maio_outcome out;
	struct maio_step step;
	bool drop = false, end = false, read_on, was_sparse, sparse, kick;
	u64 late;

	if (!ppc_stream_running(s->stream) ||
	    !maio_stream_step(s, access, &step))
		return PPC_STREAM_ELSEWHERE;

	ppc_stream_meet_reader(s->stream);
	spin_lock(&s->lock);
	WRITE_ONCE(s->has_reader, true);
	read_on = maio_stream_read_on(s);
	was_sparse = maio_watch_sparse(&s->map);
	late = maio_watch_accesses(&s->map, step.chunk, step.last, access);
	sparse = maio_watch_sparse(&s->map);
	maio_cursors_access(&s->cursors, &s->map, &step, &out);
	/* Readers took little, and now take more: they may take little again. */
	if (sparse && !maio_watch_sparse(&s->map))
		maio_window_narrow(&s->window);
	out.useful += late;
	out.read += late;
	/* Stock readahead reads it for this load. */
	if (step.miss || access->type == PPC_ACCESS_MARKER)
		s->map.state[step.chunk] |= MAIO_CHUNK_OURS;
	if (access->dropbehind)
		WRITE_ONCE(s->dropbehind, true);
	s->drop_from = min(s->drop_from, step.chunk);
	/* In another pass, everything is to be read again. */
	WRITE_ONCE(s->populated, out.again ? 0 : s->populated + out.populated);
	/* Some of it may have been cached before. */
	s->useful = min(s->useful + out.useful, s->issued);
	s->refaulted += out.refaulted;
	s->consumed += out.consumed;
	s->read += out.read;
	/* Was it wrong to drop? Some bytes are always read twice, where readers meet. */
	WRITE_ONCE(s->returned, s->set->passes ||
		   s->refaulted >= max(MAIO_RETURN_BYTES, s->issued / 64));
	WRITE_ONCE(s->last_access, jiffies);
	if (access->type == PPC_ACCESS_CONSUME)
		WRITE_ONCE(s->longest, max(s->longest, access->len));
	if (maio_stream_drops(s)) {
		drop = s->consumed >= MAIO_DROP_STEP;
		end = maio_cursors_at_end(&s->cursors, &s->map);
		if (drop)
			s->consumed = 0;
	}
	/* Waking the worker for each fault would cost more than the fault. */
	sparse = maio_watch_sparse(&s->map);
	kick = !s->gave_up && !sparse &&
	       (out.passed || out.hit != PPC_STREAM_COVERED || was_sparse ||
		read_on != maio_stream_read_on(s));
	if (s->gave_up || sparse)
		out.hit = PPC_STREAM_ELSEWHERE;
	spin_unlock(&s->lock);

	ppc_count(s->att, PPC_COUNT_USEFUL, out.useful);
	ppc_count(s->att, PPC_COUNT_LATE, out.late);
	ppc_count(s->att, PPC_COUNT_REFAULTED, out.refaulted);
	ppc_count(s->att, PPC_COUNT_INTERRUPTS, out.interrupted);
	trace_ppc_stream_access(access, step.chunk, out.hit, out.interrupted);

	if (kick)
		ppc_stream_kick(s->stream);
	if (drop)
		ppc_stream_kick_drop(s->stream, 0);
	else if (end)
		ppc_stream_kick_drop(s->stream, MAIO_END_REST);
	return out.hit;
}

/* Is a byte in one of a stream's ranges? */
bool maio_stream_contains(struct maio_stream *s, u32 file, u64 pos)
{
	u32 chunk;

	return maio_map_find(&s->map, file, pos, &chunk);
}

/* Others do not wait for a reader that is idle and skipped it. Under the stream's lock. */
static bool maio_stream_wants_chunk(const struct maio_stream *s, u32 chunk)
{
	if (maio_chunk(&s->map, chunk) & MAIO_CHUNK_READ)
		return false;
	return time_before(jiffies, s->last_access + MAIO_END_REST) ||
	       !maio_cursors_skipped(&s->cursors, chunk);
}

/* Are there bytes that the stream's readers have not finished? */
bool maio_stream_wants(struct maio_stream *s, u32 file, u64 pos, u64 len)
{
	u32 at = U32_MAX, first, last, looks = 0;

	if (!ppc_stream_running(s->stream))
		return false;
	guard(spinlock)(&s->lock);
	if (s->gave_up)
		return false;
	/* Reclaim calls this, too: do not scan for long. */
	while (maio_map_next(&s->map, file, pos, pos + len, &at, &first, &last))
		for (; first <= last; first++)
			if (maio_stream_wants_chunk(s, first) ||
			    ++looks > MAIO_WANTS_LOOKS)
				return true;
	return false;
}

/*
 * May reclaim evict a byte first that the stream has finished? Not after many dropped
 * bytes were read again.
 */
bool maio_stream_spent(struct maio_stream *s, u32 file, u64 pos)
{
	return !READ_ONCE(s->returned) && maio_stream_contains(s, file, pos);
}

/* Has any stream of the load read the start of a range, and not dropped it? */
bool maio_streams_have_read(struct maio_streams *set, const struct ppc_range *range)
{
	struct maio_stream *s;
	u32 chunk;

	guard(spinlock)(&set->lock);
	list_for_each_entry(s, &set->list, link)
		if (maio_map_find(&s->map, range->file, range->pos, &chunk) &&
		    maio_chunk_droppable(&s->map, chunk))
			return true;
	return false;
}

static bool maio_stream_failed(struct maio_stream *s, u32 file, u64 pos,
			       u64 len)
{
	u32 at = U32_MAX, first, last;
	bool news = false;

	guard(spinlock)(&s->lock);
	while (maio_map_next(&s->map, file, pos, pos + len, &at, &first, &last)) {
		for (; first <= last; first++) {
			const u16 state = maio_chunk(&s->map, first);

			news |= !(state & MAIO_CHUNK_FAILED);
			/* A later miss is not for lack of memory. */
			if (!(state & MAIO_CHUNK_READ))
				maio_chunk_renew(&s->map, first);
			s->map.state[first] |= MAIO_CHUNK_FAILED;
		}
	}
	return news;
}

/*
 * A folio could not be read: do not read it ahead again. Return: true if a stream did
 * not know.
 */
bool maio_streams_failed(struct maio_streams *set, u32 file, u64 pos, u64 len)
{
	struct maio_stream *s;
	bool news = false;

	guard(spinlock)(&set->lock);
	list_for_each_entry(s, &set->list, link)
		news |= maio_stream_failed(s, file, pos, len);
	return news;
}

/* Set when finished chunks are dropped. */
void maio_stream_set_drop_mode(struct maio_stream *s, enum maio_drop_mode burn, u64 gap)
{
	guard(spinlock)(&s->lock);
	WRITE_ONCE(s->drop_mode, burn);
	WRITE_ONCE(s->gap, gap);
}

/* Set the node that pages are read to. */
void maio_stream_set_node(struct maio_stream *s, int nid)
{
	WRITE_ONCE(s->nid, nid);
	ppc_stream_set_node(s->stream, nid);
}
