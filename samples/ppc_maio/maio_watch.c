// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what readers take of what is read ahead for them. A large folio shows one access,
 * however much of it is wanted. So while nobody has recorded the load, some of it is read
 * ahead in small pieces, each with a marker: all at first, and less and less while readers
 * take most of it. Once they take little, nothing is read ahead, and what stock readahead
 * reads is watched until they take more. Pure logic.
 */

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <kunit/visibility.h>

#include "maio_map.h"

/*
 * Less than a quarter of a chunk is little; to begin again, readers must take half of one.
 * Of a short chunk, no part says much.
 */
#define MAIO_WATCH_PART		4
#define MAIO_WATCH_PART_AGAIN	2
#define MAIO_WATCH_LEAST	SZ_512K

/* So many pieces of a chunk, or of short ones in a row, are more than headers and tails. */
#define MAIO_WATCH_LOAD		24

/* A reader who is about to come back may seem to have finished one chunk. */
#define MAIO_WATCH_ROW		2

/*
 * Half as much is watched after so many chunks of which enough was taken; the second
 * number counts once little was taken.
 */
#define MAIO_WATCH_TRUST	4
#define MAIO_WATCH_WARY		64
#define MAIO_WATCH_SHIFT_MAX	3

/* The pieces of a chunk are the bits of a u32. */
static_assert(MAIO_CHUNK_SIZE / PPC_WATCH_BYTES == 32);

/* Watch from now on. Return: 0 or -ENOMEM. */
int maio_watch_start(struct maio_map *map)
{
	map->watch.taken = kvcalloc(map->nr_chunks, sizeof(*map->watch.taken),
				    GFP_KERNEL_ACCOUNT);
	return map->watch.taken ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_start);

static void maio_watch_chunk(struct maio_map *map, u32 chunk)
{
	map->state[chunk] |= MAIO_CHUNK_WATCHED;
	map->watch.taken[chunk] = 0;
}

/* Chunks are read ahead. Return: true if they are to be watched. */
bool maio_watch_begin(struct maio_map *map, u32 first, u32 nr)
{
	const u16 began = MAIO_CHUNK_SEEN | MAIO_CHUNK_WATCHED;
	struct maio_watch *watch = &map->watch;
	u32 shift, i;

	if (!watch->taken)
		return false;
	shift = watch->trust / (watch->wary ? MAIO_WATCH_WARY : MAIO_WATCH_TRUST);
	/* One chunk of which little was taken: look at the next. */
	if (!watch->row && ++watch->passed < BIT(min(shift, MAIO_WATCH_SHIFT_MAX)))
		return false;
	watch->passed = 0;
	/* What is known of a chunk that stock readahead has begun stays. */
	for (i = first; i < first + nr; i++)
		if ((maio_chunk(map, i) & began) != began)
			maio_watch_chunk(map, i);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_begin);

/*
 * Chunks were read ahead, @without bytes of them without markers: if that may be much of a
 * chunk, a reader of all of it might seem to take little.
 */
void maio_watch_cancel(struct maio_map *map, u32 first, u32 nr, u64 without)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		if (without > maio_map_len(map, i) / MAIO_WATCH_PART_AGAIN)
			map->state[i] &= ~MAIO_CHUNK_WATCHED;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_cancel);

/* Bytes of a chunk that readers came to; all of one that is not watched. */
u64 maio_watch_taken(const struct maio_map *map, u32 chunk)
{
	const u64 len = maio_map_len(map, chunk);

	if (!(map->state[chunk] & MAIO_CHUNK_WATCHED))
		return len;
	return min(len, hweight32(map->watch.taken[chunk]) * PPC_WATCH_BYTES);
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_taken);

static bool maio_watch_is_sparse(const struct maio_map *map, u32 chunk)
{
	const u32 part = maio_watch_sparse(map) ? MAIO_WATCH_PART_AGAIN : MAIO_WATCH_PART;

	return maio_watch_taken(map, chunk) < (u32)maio_map_len(map, chunk) / part;
}

/*
 * Readers came to bytes of a file, some of them in a chunk. Return: bytes of a chunk that
 * seemed to be finished, but was not: a copy may come to its end first.
 */
u64 maio_watch_access(struct maio_map *map, u32 chunk, u64 from, u64 end)
{
	const u16 state = maio_chunk(map, chunk);
	struct maio_watch *watch = &map->watch;
	struct ppc_range bytes;
	u64 before;

	if (!watch->taken)
		return 0;
	/* Stock readahead reads it. */
	if (!(state & (MAIO_CHUNK_SEEN | MAIO_CHUNK_CACHED)))
		maio_watch_chunk(map, chunk);
	maio_map_chunk(map, chunk, &bytes);
	from = max(from, bytes.pos);
	end = min(end, bytes.pos + bytes.len);
	if (!(map->state[chunk] & MAIO_CHUNK_WATCHED) || from >= end)
		return 0;
	before = maio_watch_taken(map, chunk);
	bytes.pos = round_down(bytes.pos, MAIO_CHUNK_SIZE);
	watch->taken[chunk] |= GENMASK((u32)(end - 1 - bytes.pos) / PPC_WATCH_BYTES,
				       (u32)(from - bytes.pos) / PPC_WATCH_BYTES);
	watch->load |= hweight32(watch->taken[chunk]) >= MAIO_WATCH_LOAD;
	if (!(state & MAIO_CHUNK_READ) || !(state & MAIO_CHUNK_CACHED))
		return 0;
	if (!maio_watch_is_sparse(map, chunk))
		watch->row = 0;
	return maio_watch_taken(map, chunk) - before;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_access);

/* Mark what an access shows of what readers take. Return: as maio_watch_access(). */
u64 maio_watch_accesses(struct maio_map *map, u32 first, u32 last,
			const struct ppc_access *access)
{
	u64 from = access->pos, end = from + access->len, late = 0;

	/* At a marker, the length is what stock readahead may read from there on. */
	if (access->folio_len) {
		from = access->folio_pos;
		end = from + access->folio_len;
	}
	/* Stock readahead places one marker in all that it reads at once. */
	if (!(maio_chunk(map, first) & MAIO_CHUNK_CACHED))
		end = max(end, access->pos + access->window);
	for (; first <= last; first++)
		late += maio_watch_access(map, first, from, end);
	return late;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_accesses);

/* A reader has finished a chunk. Return: bytes of it that were of use. */
u64 maio_watch_finish(struct maio_map *map, u32 chunk)
{
	const u64 taken = maio_watch_taken(map, chunk), len = maio_map_len(map, chunk);
	struct maio_watch *watch = &map->watch;

	watch->whole = taken >= len - len / 4 ? watch->whole + len : 0;
	watch->load |= watch->whole >= MAIO_WATCH_LOAD * PPC_WATCH_BYTES;
	if (!(map->state[chunk] & MAIO_CHUNK_WATCHED) || len < MAIO_WATCH_LEAST)
		return taken;
	if (maio_watch_is_sparse(map, chunk)) {
		watch->row = min(watch->row + 1, MAIO_WATCH_ROW);
	} else {
		if (maio_watch_sparse(map)) {
			watch->wary = true;
			watch->trust = 0;
		}
		watch->row = 0;
		watch->trust++;
	}
	return taken;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_finish);

/* Did readers take little of the last chunks? Then they may want little of the next. */
bool maio_watch_sparse(const struct maio_map *map)
{
	return map->watch.row == MAIO_WATCH_ROW;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_sparse);

/* What was read ahead was of no use. */
void maio_watch_suspend(struct maio_map *map)
{
	map->watch.row = MAIO_WATCH_ROW;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_suspend);
