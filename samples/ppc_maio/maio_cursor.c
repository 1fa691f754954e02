// SPDX-License-Identifier: GPL-2.0
/*
 * Cursors: a process may read several places of its stream at once, with several
 * threads. An access near a cursor moves that cursor. Other accesses are by a new
 * reader, which replaces the cursor that was idle longest.
 */

#include <linux/export.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <kunit/visibility.h>

#include "maio_cursor.h"

static bool maio_cursor_active(const struct maio_cursors *cs,
			       const struct maio_cursor *c)
{
	return c->used && cs->clock - c->stamp < MAIO_CURSOR_IDLE;
}

static struct maio_cursor *maio_cursor_near(struct maio_cursors *cs, u32 chunk)
{
	struct maio_cursor *near = NULL;
	u32 nearest = MAIO_CURSOR_SLACK + 1;
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *c = &cs->cursor[i];
		u32 distance = c->pos > chunk ? c->pos - chunk : chunk - c->pos;

		if (c->used && distance < nearest) {
			nearest = distance;
			near = c;
		}
	}
	return near;
}

/* A reader was in it, and none has finished it. */
static bool maio_chunk_unfinished(const struct maio_map *map, u32 chunk)
{
	return (maio_chunk(map, chunk) & (MAIO_CHUNK_SEEN | MAIO_CHUNK_READ)) ==
	       MAIO_CHUNK_SEEN;
}

/* A reader has finished a chunk, as far as it is cached. */
static void maio_chunk_finish(struct maio_map *map, u32 chunk, struct maio_outcome *out)
{
	const u16 state = maio_chunk(map, chunk);
	const u64 len = maio_map_len(map, chunk);
	u64 taken = 0;

	if (state & MAIO_CHUNK_SEEN)
		taken = maio_watch_finish(map, chunk);
	out->consumed += len;
	out->taken += taken;
	if (!(state & MAIO_CHUNK_CACHED))
		out->populated += len;
	else
		out->useful += taken;
	/* A skipped chunk may not be wanted at all. */
	if ((state & MAIO_CHUNK_AGAIN) && (state & MAIO_CHUNK_SEEN))
		out->refaulted += len;
	maio_chunk_set(map, chunk, (state & ~MAIO_CHUNK_AGAIN) |
				   MAIO_CHUNK_CACHED | MAIO_CHUNK_SEEN |
				   MAIO_CHUNK_READ);
}

static void maio_chunk_pass_over(struct maio_map *map, u32 chunk, struct maio_outcome *out)
{
	const u16 state = maio_chunk(map, chunk);

	if (state & MAIO_CHUNK_READ)
		return;
	/* If some of it is cached, it can be dropped. */
	if ((state & MAIO_CHUNK_SEEN) || maio_chunk_left(map, chunk)) {
		maio_chunk_finish(map, chunk, out);
	} else {
		out->populated += maio_map_len(map, chunk);
		maio_chunk_set(map, chunk, (state & ~MAIO_CHUNK_AGAIN) |
					   MAIO_CHUNK_READ);
	}
}

/* Chunks that a reader skipped are finished once it is @lag chunks ahead. */
static void maio_cursor_settle(struct maio_cursor *c, struct maio_map *map, u32 lag,
			       struct maio_outcome *out)
{
	for (; c->tail + lag < c->pos; c->tail++)
		maio_chunk_pass_over(map, c->tail, out);
}

static struct maio_cursor *maio_cursor_new(struct maio_cursors *cs,
					   struct maio_map *map, u32 chunk,
					   struct maio_outcome *out)
{
	struct maio_cursor *c = &cs->cursor[0];
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *other = &cs->cursor[i];

		if (!other->used) {
			c = other;
			break;
		}
		if (cs->clock - other->stamp > cs->clock - c->stamp)
			c = other;
	}
	/* The old reader has left; the new one starts at @chunk. */
	if (c->used && c->pos < map->nr_chunks && c->pos != chunk &&
	    maio_chunk_unfinished(map, c->pos))
		maio_watch_finish(map, c->pos);
	for (; c->tail < c->pos; c->tail++)
		if (c->tail != chunk)
			maio_chunk_pass_over(map, c->tail, out);
	*c = (struct maio_cursor){
		.used = true,
		.pos = chunk,
		.next = chunk,
		.tail = chunk,
		.late = U32_MAX,
		.skip = MAIO_CHUNK_CACHED | MAIO_CHUNK_READ | MAIO_CHUNK_FAILED,
	};
	return c;
}

/* A reader is in these chunks, and has finished those that it read to the end. */
static void maio_cursor_see(struct maio_map *map, const struct maio_step *step,
			    struct maio_outcome *out)
{
	u32 chunk = step->chunk, end = step->last + step->whole;

	/* Only the next fault shows how far the previous one read. */
	if (chunk && maio_chunk_unfinished(map, chunk - 1))
		maio_chunk_finish(map, chunk - 1, out);
	for (; chunk <= step->last; chunk++) {
		u16 state = maio_chunk(map, chunk) | MAIO_CHUNK_SEEN;

		/* Dropped, but cached again. */
		if (state & MAIO_CHUNK_READ)
			state |= MAIO_CHUNK_CACHED;
		maio_chunk_set(map, chunk, state);
		if (chunk < end && !(state & MAIO_CHUNK_READ))
			maio_chunk_finish(map, chunk, out);
	}
}

/*
 * Nothing is cached. Chunks ahead that should be cached may be gone as well: the
 * reader's window no longer skips them.
 */
static void maio_cursor_miss(struct maio_cursor *c, struct maio_map *map, u32 chunk,
			     struct maio_outcome *out)
{
	const u16 state = maio_chunk(map, chunk);
	const u64 len = maio_map_len(map, chunk);

	c->pos = min(c->pos, chunk);
	c->next = chunk;
	c->tail = min(c->tail, chunk);
	if (state & (MAIO_CHUNK_CACHED | MAIO_CHUNK_READ))
		out->populated -= len;
	if (!(state & MAIO_CHUNK_READ)) {
		if (state & MAIO_CHUNK_CACHED)
			c->skip &= ~MAIO_CHUNK_CACHED;
	} else if (state & MAIO_CHUNK_SEEN) {
		out->again = true;
		out->refaulted += len;
		c->skip = MAIO_CHUNK_FAILED;
	} else {
		c->skip &= ~MAIO_CHUNK_READ;
	}
	maio_chunk_renew(map, chunk);
	if (out->hit == PPC_STREAM_COVERED || (state & MAIO_CHUNK_CACHED))
		out->hit = PPC_STREAM_OVERTAKEN;
}

/* Start another pass: forget all readers and the state of all chunks. */
void maio_cursors_reset(struct maio_cursors *cs, struct maio_map *map)
{
	*cs = (struct maio_cursors){};
	map->pass = (map->pass + 1) % MAIO_PASSES;
	map->watch.row = 0;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_reset);

/* Update the cursors for an access. */
void maio_cursors_access(struct maio_cursors *cs, struct maio_map *map,
			 const struct maio_step *step, struct maio_outcome *out)
{
	const u16 state = maio_chunk(map, step->chunk);
	const bool cached = state & MAIO_CHUNK_CACHED;
	const u32 done = step->last + step->whole;
	struct maio_cursor *c;
	u64 passed;

	*out = (struct maio_outcome){ .hit = PPC_STREAM_COVERED };
	cs->clock++;

	c = maio_cursor_near(cs, step->chunk);
	/* A miss behind a cursor: another place or another reader. */
	if (!c || (step->chunk < c->pos && step->miss && !cached)) {
		bool first = !cs->cursor[0].used;

		c = maio_cursor_new(cs, map, step->chunk, out);
		if (step->miss || !cached) {
			out->hit = PPC_STREAM_MOVED;
			out->interrupted = !first;
		}
	}
	c->stamp = cs->clock;

	if (step->miss) {
		maio_cursor_miss(c, map, step->chunk, out);
	} else if (!cached && (step->chunk >= c->next || step->chunk < c->pos)) {
		c->next = max(c->next, step->chunk);
		if (out->hit == PPC_STREAM_COVERED)
			out->hit = PPC_STREAM_OVERTAKEN;
	} else if (cached && !step->uptodate && c->late != step->chunk) {
		c->late = step->chunk;
		out->late = maio_map_len(map, step->chunk);
	}
	if (done > c->pos) {
		out->passed = true;
		c->pos = done;
		c->next = max(c->next, done);
	}
	passed = out->taken;
	maio_cursor_see(map, step, out);
	out->read = out->taken - passed;
	maio_cursor_settle(c, map, step->lag, out);
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_access);

/* Has a reader moved past a chunk that it may not have read? */
bool maio_cursors_skipped(const struct maio_cursors *cs, u32 chunk)
{
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct maio_cursor *c = &cs->cursor[i];

		if (c->used && chunk >= c->tail && chunk < c->pos)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_skipped);

/* Unfinished bytes of a run of chunks; of a very long run, of its end. */
static u64 maio_chunks_unread(const struct maio_map *map, u32 from, u32 end)
{
	u64 bytes = 0;
	u32 run;

	if (end > from && end - from > MAIO_CURSOR_LOOKS)
		from = end - MAIO_CURSOR_LOOKS;
	while (from < end) {
		while (from < end && (maio_chunk(map, from) & MAIO_CHUNK_READ))
			from++;
		run = from;
		while (from < end && !(maio_chunk(map, from) & MAIO_CHUNK_READ))
			from++;
		bytes += maio_map_byte(map, from) - maio_map_byte(map, run);
	}
	return bytes;
}

/* Unfinished bytes that are ahead of active readers or, with @passed, might be read. */
static u64 maio_cursors_unread(const struct maio_cursors *cs, const struct maio_map *map,
			       bool passed)
{
	u32 done = 0, from, end;
	u64 ahead = 0;
	int i;

	/* Windows may overlap: walk their union. */
	do {
		from = map->nr_chunks;
		end = 0;
		for (i = 0; i < MAIO_CURSORS; i++) {
			const struct maio_cursor *c = &cs->cursor[i];
			u32 begin = max(passed ? c->tail : c->pos, done);

			if (maio_cursor_active(cs, c) && begin < c->next &&
			    begin < from) {
				from = begin;
				end = c->next;
			}
		}
		ahead += maio_chunks_unread(map, from, end);
		done = end;
	} while (end);
	return ahead;
}

/* Unfinished bytes ahead of all readers that are not idle. */
u64 maio_cursors_ahead(const struct maio_cursors *cs, const struct maio_map *map)
{
	return maio_cursors_unread(cs, map, false);
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_ahead);

/* The same, and those that a reader has just skipped. */
u64 maio_cursors_pending(const struct maio_cursors *cs, const struct maio_map *map)
{
	return maio_cursors_unread(cs, map, true);
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_pending);

static bool maio_cursor_may_skip(const struct maio_map *map, const struct maio_cursor *c)
{
	return c->next < map->nr_chunks && (maio_chunk(map, c->next) & c->skip);
}

/* Skip chunks that are not read ahead. Return: true if more remain for another call. */
bool maio_cursors_skip(struct maio_cursors *cs, const struct maio_map *map)
{
	u32 looks = 0;
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *c = &cs->cursor[i];

		while (maio_cursor_active(cs, c) && maio_cursor_may_skip(map, c)) {
			if (++looks > MAIO_CURSOR_LOOKS)
				return true;
			c->next++;
		}
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_skip);

/* A reader that returns to dropped chunks may want only a few of them. */
static bool maio_cursor_looks_back(const struct maio_map *map, const struct maio_cursor *c)
{
	return maio_chunk_dropped(maio_chunk(map, c->next)) &&
	       c->next - c->pos > MAIO_CURSOR_SLACK;
}

/* Add the next chunk to a batch; if it was read before, it will be read again. */
static void maio_cursor_take(struct maio_map *map, struct maio_cursor *c)
{
	const u16 state = maio_chunk(map, c->next);

	if (maio_chunk_dropped(state))
		maio_chunk_set(map, c->next, MAIO_CHUNK_AGAIN);
	else if (state & MAIO_CHUNK_READ)
		maio_chunk_renew(map, c->next);
	c->next++;
}

/*
 * Choose what to read ahead next: for the reader with the least ahead of it. @budget
 * limits the bytes ahead of all readers, but each reader gets its share of it.
 * Readers with more chunks to skip than maio_cursors_skip() does in one call are
 * left out.
 *
 * Return: false if there is nothing to read, or no budget for it.
 */
bool maio_cursors_pick(struct maio_cursors *cs, struct maio_map *map, u64 budget,
		       u64 most, struct maio_batch *batch)
{
	struct maio_cursor *c = NULL;
	u64 ahead, share, least = U64_MAX;
	u32 active = 0;
	struct ppc_range bytes;
	int i;

	maio_cursors_skip(cs, map);
	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *o = &cs->cursor[i];

		active += maio_cursor_active(cs, o);
		if (!maio_cursor_active(cs, o) || o->next >= map->nr_chunks ||
		    maio_cursor_may_skip(map, o) || maio_cursor_looks_back(map, o))
			continue;
		ahead = maio_chunks_unread(map, o->pos, o->next);
		if (ahead < least) {
			least = ahead;
			c = o;
		}
	}
	if (!c)
		return false;
	ahead = maio_cursors_ahead(cs, map);
	/* Bytes ahead of a reader that has jumped away still count. */
	share = max(budget / MAIO_CURSORS, div_u64(budget / 2, active));
	if (ahead >= budget && least >= share)
		return false;
	most = min(most, max(budget - min(ahead, budget),
			     share - min(least, share)));

	maio_map_chunk(map, c->next, &batch->bytes);
	batch->cursor = c - cs->cursor;
	batch->before = least;
	batch->ahead = ahead;
	batch->first = c->next;
	batch->nr = 1;
	maio_cursor_take(map, c);
	while (c->next < map->nr_chunks && !maio_cursor_may_skip(map, c) &&
	       !maio_cursor_looks_back(map, c)) {
		maio_map_chunk(map, c->next, &bytes);
		if (bytes.file != batch->bytes.file ||
		    bytes.pos != batch->bytes.pos + batch->bytes.len ||
		    batch->bytes.len + bytes.len > most)
			break;
		batch->bytes.len += bytes.len;
		batch->nr++;
		maio_cursor_take(map, c);
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_pick);

/* Undo a pick: the batch was not read. */
void maio_cursors_unpick(struct maio_cursors *cs, const struct maio_batch *batch)
{
	struct maio_cursor *c = &cs->cursor[batch->cursor];

	if (c->used && c->next == batch->first + batch->nr)
		c->next = batch->first;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_unpick);

/* Is a finished chunk too close behind a reader to drop? */
bool maio_cursors_hold(const struct maio_cursors *cs, const struct maio_map *map,
		       u32 chunk, u64 gap)
{
	u64 end = maio_map_byte(map, chunk + 1);
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct maio_cursor *c = &cs->cursor[i];

		if (c->used && chunk < c->pos &&
		    maio_map_byte(map, c->pos) - end < gap)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_hold);

/* Has a reader reached the last chunk? */
bool maio_cursors_at_end(const struct maio_cursors *cs,
			 const struct maio_map *map)
{
	int i;

	for (i = 0; i < MAIO_CURSORS; i++)
		if (cs->cursor[i].used &&
		    cs->cursor[i].pos + 1 >= map->nr_chunks)
			return true;
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_at_end);
