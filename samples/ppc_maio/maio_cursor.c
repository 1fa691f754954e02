// SPDX-License-Identifier: GPL-2.0
/*
 * Cursors: a process may read several places of its stream at once, from as
 * many threads. An access near a cursor moves that cursor; one elsewhere is a
 * new reader, and takes the place of the cursor that was idle longest.
 */

#include <linux/export.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <kunit/visibility.h>

#include "maio_cursor.h"

static bool cursor_active(const struct maio_cursors *cs,
			  const struct maio_cursor *c)
{
	return c->used && cs->clock - c->stamp < MAIO_CURSOR_IDLE;
}

static struct maio_cursor *cursor_near(struct maio_cursors *cs, u32 chunk)
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

static struct maio_cursor *cursor_new(struct maio_cursors *cs, u32 chunk)
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
	*c = (struct maio_cursor){
		.used = true,
		.pos = chunk,
		.next = chunk,
	};
	return c;
}

static void consume(struct maio_map *map, u32 from, u32 to,
		    struct maio_outcome *out)
{
	/* What is leapt over may not be wanted at all. */
	const bool leap = to - from > 2;

	for (; from < to; from++) {
		u64 len;

		if (map->state[from] & MAIO_CHUNK_CONSUMED)
			continue;
		len = maio_map_len(map, from);
		out->consumed += len;
		if (map->state[from] & MAIO_CHUNK_ISSUED)
			out->useful += len;
		else
			out->brought += len;
		if (!leap && (map->state[from] & MAIO_CHUNK_BURNED))
			out->refaulted += len;
		map->state[from] &= ~MAIO_CHUNK_BURNED;
		map->state[from] |= MAIO_CHUNK_CONSUMED;
	}
}

/* By us, or by reclaim once it was consumed. */
static bool dropped(u16 state)
{
	const u16 done = MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED;

	return (state & MAIO_CHUNK_BURNED) || (state & done) == done;
}

/* Passed over, not passed: from here to what was read ahead. */
static void unpass(struct maio_map *map, u32 chunk, struct maio_outcome *out)
{
	const u16 mask = MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED |
			MAIO_CHUNK_BURNED | MAIO_CHUNK_FAILED;
	/* A reader passes over no more at once. */
	u32 end = min(map->nr_chunks, chunk + MAIO_CURSOR_SLACK);

	for (; chunk < end && (map->state[chunk] & mask) == MAIO_CHUNK_CONSUMED;
	     chunk++) {
		map->state[chunk] &= ~(MAIO_CHUNK_CONSUMED | MAIO_CHUNK_SEEN |
				       MAIO_CHUNK_READ);
		out->brought -= maio_map_len(map, chunk);
	}
}

/* Chunks from here on are gone: forget that they were read ahead. */
static void forget(struct maio_cursors *cs, struct maio_map *map,
		   const struct maio_cursor *c, u32 chunk,
		   struct maio_outcome *out)
{
	const u32 missed = chunk;
	/* Missed before it was passed: what was passed elsewhere is done. */
	u16 keep = ~map->state[chunk] & MAIO_CHUNK_CONSUMED;
	/* What is gone further on will be missed in its turn. */
	u32 end = min(map->nr_chunks, chunk + MAIO_CURSOR_LOOKS);
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *o = &cs->cursor[i];

		if (o != c && o->used && !cursor_active(cs, o))
			o->next = min(o->next, max(o->pos, chunk));
	}
	for (; chunk < end; chunk++) {
		bool others = false;

		if (!map->state[chunk] || (map->state[chunk] & keep))
			continue;
		/* What was missed is gone, whoever else is about to read it. */
		for (i = 0; i < MAIO_CURSORS && !others && chunk != missed; i++) {
			const struct maio_cursor *o = &cs->cursor[i];

			others = o != c && cursor_active(cs, o) &&
				 chunk >= o->pos && chunk < o->next;
		}
		if (others)
			continue;
		if (map->state[chunk] & (MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED))
			out->brought -= maio_map_len(map, chunk);
		map->state[chunk] = maio_chunk_renew(map->state[chunk]);
	}
}

/* Forget all readers and what was read ahead for them. */
void maio_cursors_reset(struct maio_cursors *cs, struct maio_map *map)
{
	u32 i;

	*cs = (struct maio_cursors){};
	/* To read what was burned for others is no refault. */
	for (i = 0; i < map->nr_chunks; i++)
		map->state[i] = maio_chunk_renew(map->state[i]) &
				~MAIO_CHUNK_BURNED;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_reset);

/* A fault does not tell how far its reader goes, but by the next one. */
static void see(struct maio_map *map, const struct maio_step *step)
{
	u32 chunk = step->chunk;

	if (chunk && (map->state[chunk - 1] & MAIO_CHUNK_SEEN))
		map->state[chunk - 1] |= MAIO_CHUNK_READ;
	for (; chunk <= step->last; chunk++) {
		map->state[chunk] |= MAIO_CHUNK_SEEN;
		if (chunk < step->last + step->whole)
			map->state[chunk] |= MAIO_CHUNK_READ;
	}
}

/* A reader was seen. */
void maio_cursors_access(struct maio_cursors *cs, struct maio_map *map,
			 const struct maio_step *step, struct maio_outcome *out)
{
	u32 done = step->last + step->whole;
	u16 *state = &map->state[step->chunk];
	struct maio_cursor *c;

	*out = (struct maio_outcome){ .hit = PPC_STREAM_COVERED };
	cs->clock++;

	c = cursor_near(cs, step->chunk);
	/* Missed behind a reader: another place of his, or another reader. */
	if (!c || (step->chunk < c->pos && step->miss &&
		   !(*state & MAIO_CHUNK_ISSUED))) {
		bool first = !cs->cursor[0].used;

		c = cursor_new(cs, step->chunk);
		if (step->miss || !(*state & MAIO_CHUNK_ISSUED)) {
			out->hit = PPC_STREAM_MOVED;
			out->interrupted = !first;
		}
	}
	c->stamp = cs->clock;

	if (step->miss && dropped(*state))
		out->refaulted = maio_map_len(map, step->chunk);
	/* Somebody else has brought it back. */
	if (!step->miss && maio_chunk_gone(*state))
		*state &= ~MAIO_CHUNK_BURNED;
	if (step->miss && (*state & MAIO_CHUNK_ISSUED)) {
		forget(cs, map, c, step->chunk, out);
		c->pos = min(c->pos, step->chunk);
		c->next = step->chunk;
		out->hit = PPC_STREAM_BEHIND;
	} else if (step->miss) {
		unpass(map, step->chunk, out);
		c->next = step->chunk;
		if (out->hit == PPC_STREAM_COVERED)
			out->hit = PPC_STREAM_BEHIND;
	} else if (!(*state & MAIO_CHUNK_ISSUED) &&
		   (step->chunk >= c->next || step->chunk < c->pos)) {
		c->next = max(c->next, step->chunk);
		if (out->hit == PPC_STREAM_COVERED)
			out->hit = PPC_STREAM_BEHIND;
	}
	/* That it was dropped has been counted. */
	if (step->miss)
		*state &= ~MAIO_CHUNK_BURNED;
	if (!step->uptodate && !step->miss && (*state & MAIO_CHUNK_ISSUED) &&
	    !(*state & MAIO_CHUNK_LATE)) {
		*state |= MAIO_CHUNK_LATE;
		out->late = maio_map_len(map, step->chunk);
	}

	if (done > c->pos) {
		consume(map, c->pos, done, out);
		c->pos = done;
		c->next = max(c->next, done);
	}
	see(map, step);
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_access);

/* Bytes of a run of chunks that no reader has passed; of endless runs, its end. */
static u64 unread(const struct maio_map *map, u32 from, u32 end)
{
	u64 bytes = 0;
	u32 run;

	if (end > from && end - from > MAIO_CURSOR_LOOKS)
		from = end - MAIO_CURSOR_LOOKS;
	while (from < end) {
		while (from < end && (map->state[from] & MAIO_CHUNK_CONSUMED))
			from++;
		run = from;
		while (from < end && !(map->state[from] & MAIO_CHUNK_CONSUMED))
			from++;
		bytes += maio_map_byte(map, from) - maio_map_byte(map, run);
	}
	return bytes;
}

/*
 * Bytes between the readers and what is read ahead. Return: bytes that no
 * reader has passed, for all readers that are not idle.
 */
u64 maio_cursors_ahead(const struct maio_cursors *cs, const struct maio_map *map)
{
	u32 done = 0, from, end;
	u64 ahead = 0;
	int i;

	/* Windows may overlap: go through the union of them. */
	do {
		from = map->nr_chunks;
		end = 0;
		for (i = 0; i < MAIO_CURSORS; i++) {
			const struct maio_cursor *c = &cs->cursor[i];
			u32 begin = max(c->pos, done);

			if (cursor_active(cs, c) && begin < c->next &&
			    begin < from) {
				from = begin;
				end = c->next;
			}
		}
		ahead += unread(map, from, end);
		done = end;
	} while (end);
	return ahead;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_ahead);

static bool skippable(const struct maio_map *map, u32 chunk)
{
	return chunk < map->nr_chunks && (map->state[chunk] &
		(MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED | MAIO_CHUNK_FAILED));
}

/*
 * Pass over what needs no reading ahead. Return: true if there is more to pass
 * over, as only some is in one call.
 */
bool maio_cursors_skip(struct maio_cursors *cs, const struct maio_map *map)
{
	u32 looks = 0;
	int i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *c = &cs->cursor[i];

		while (cursor_active(cs, c) && skippable(map, c->next)) {
			if (++looks > MAIO_CURSOR_LOOKS)
				return true;
			c->next++;
		}
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_skip);

/* Who looks back at what was dropped may want no more than that. */
static bool looks_back(const struct maio_map *map, const struct maio_cursor *c)
{
	return (map->state[c->next] & MAIO_CHUNK_BURNED) &&
	       c->next - c->pos > MAIO_CURSOR_SLACK;
}

/*
 * Choose what to read ahead next. @budget bounds what may be ahead of all readers,
 * but one that has less than his share of it gets that all the same.
 *
 * The reader with the least ahead of it goes first. One for whom there is more
 * to skip than maio_cursors_skip() does in one call is passed by.
 *
 * Return: false when there is nothing to read, or no budget for it.
 */
bool maio_cursors_pick(struct maio_cursors *cs, const struct maio_map *map,
		       u64 budget, u64 most, struct maio_batch *batch)
{
	struct maio_cursor *c = NULL;
	u64 ahead, share, least = U64_MAX;
	u32 active = 0;
	struct ppc_range bytes;
	int i;

	maio_cursors_skip(cs, map);
	for (i = 0; i < MAIO_CURSORS; i++) {
		struct maio_cursor *o = &cs->cursor[i];

		active += cursor_active(cs, o);
		if (!cursor_active(cs, o) || o->next >= map->nr_chunks ||
		    skippable(map, o->next) || looks_back(map, o))
			continue;
		ahead = unread(map, o->pos, o->next);
		if (ahead < least) {
			least = ahead;
			c = o;
		}
	}
	if (!c)
		return false;
	ahead = maio_cursors_ahead(cs, map);
	/* What was read ahead in vain, for who jumped, still counts. */
	share = max(budget / MAIO_CURSORS, div_u64(budget / 2, active));
	if (ahead >= budget && least >= share)
		return false;
	most = min(most, max(budget - min(ahead, budget),
			     share - min(least, share)));

	maio_map_chunk(map, c->next, &batch->bytes);
	batch->cursor = c - cs->cursor;
	batch->before = least;
	batch->ahead = ahead;
	batch->first = c->next++;
	batch->nr = 1;
	while (c->next < map->nr_chunks && !skippable(map, c->next) &&
	       !looks_back(map, c)) {
		maio_map_chunk(map, c->next, &bytes);
		if (bytes.file != batch->bytes.file ||
		    bytes.pos != batch->bytes.pos + batch->bytes.len ||
		    batch->bytes.len + bytes.len > most)
			break;
		batch->bytes.len += bytes.len;
		batch->nr++;
		c->next++;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_pick);

/* The batch was not read after all. */
void maio_cursors_unpick(struct maio_cursors *cs, const struct maio_batch *batch)
{
	struct maio_cursor *c = &cs->cursor[batch->cursor];

	if (c->used && c->next == batch->first + batch->nr)
		c->next = batch->first;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_unpick);

/*
 * May a reader want what another leapt over? Readers near each other share a
 * cursor, which is where the first of them is.
 */
bool maio_cursors_hold_unread(const struct maio_cursors *cs,
			      const struct maio_map *map, u32 chunk)
{
	int i;

	if (map->state[chunk] & MAIO_CHUNK_READ)
		return false;
	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct maio_cursor *c = &cs->cursor[i];
		u32 distance = c->pos > chunk ? c->pos - chunk : chunk - c->pos;

		if (cursor_active(cs, c) && distance <= 2 * MAIO_CURSOR_SLACK)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(maio_cursors_hold_unread);

/* Is a consumed chunk too near to a reader to drop? */
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

/* Has a reader come to the last chunk? */
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
