// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: what readers take of what is read ahead for them. A large folio shows one access,
 * however much of it is wanted. So while nobody has recorded the load, some of it is read
 * ahead in small pieces, each with a marker: all at first, and less and less while readers
 * take most of it. Pure logic.
 */

#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kunit/visibility.h>

#include "maio_map.h"

/* Less than this part of a chunk is little; of a short chunk, no part says much. */
#define MAIO_WATCH_PART		4
#define MAIO_WATCH_LEAST	SZ_512K

/* A reader who is about to come back may seem to have finished one chunk. */
#define MAIO_WATCH_ROW		2

/*
 * Half as much is watched after so many chunks of which enough was taken; the second
 * number counts once little was taken.
 */
#define MAIO_WATCH_TRUST	4
#define MAIO_WATCH_WARY		64
#define MAIO_WATCH_SHIFT_MAX	3

/* In place of pieces: nothing is known of the chunk. */
#define MAIO_WATCH_NOT		U8_MAX

/* Watch from now on. Return: 0 or -ENOMEM. */
int maio_watch_start(struct maio_map *map)
{
	map->watch.taken = kvmalloc_array(map->nr_chunks, sizeof(*map->watch.taken),
					  GFP_KERNEL_ACCOUNT);
	if (!map->watch.taken)
		return -ENOMEM;
	memset(map->watch.taken, MAIO_WATCH_NOT, map->nr_chunks);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_start);

/* Chunks are read ahead. Return: true if they are to be watched. */
bool maio_watch_begin(struct maio_map *map, u32 first, u32 nr)
{
	struct maio_watch *watch = &map->watch;
	u32 shift, i;
	bool now;

	if (!watch->taken)
		return false;
	shift = watch->trust / (watch->wary ? MAIO_WATCH_WARY : MAIO_WATCH_TRUST);
	/* One chunk of which little was taken: look at the next. */
	now = watch->row || ++watch->passed >= BIT(min(shift, MAIO_WATCH_SHIFT_MAX));
	if (now)
		watch->passed = 0;
	for (i = first; i < first + nr; i++)
		watch->taken[i] = now ? 0 : MAIO_WATCH_NOT;
	return now;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_begin);

/* A part of these chunks was cached before, and has no markers. */
void maio_watch_cancel(struct maio_map *map, u32 first, u32 nr)
{
	if (map->watch.taken)
		memset(&map->watch.taken[first], MAIO_WATCH_NOT, nr);
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_cancel);

/* Bytes of a chunk that readers came to; all of one of which nothing is known. */
u64 maio_watch_taken(const struct maio_map *map, u32 chunk)
{
	const u64 len = maio_map_len(map, chunk);

	if (!map->watch.taken || map->watch.taken[chunk] == MAIO_WATCH_NOT)
		return len;
	return min(len, map->watch.taken[chunk] * PPC_WATCH_BYTES);
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_taken);

static bool maio_watch_is_sparse(const struct maio_map *map, u32 chunk)
{
	return maio_watch_taken(map, chunk) < maio_map_len(map, chunk) / MAIO_WATCH_PART;
}

/*
 * A reader came to a marker in a chunk, or missed @bytes there.
 *
 * Return: bytes of a chunk that seemed to be finished, but was not: a copy may come to
 * its end first.
 */
u64 maio_watch_access(struct maio_map *map, u32 chunk, u64 bytes)
{
	const u16 state = maio_chunk(map, chunk);
	struct maio_watch *watch = &map->watch;
	u64 pieces = 1, before;

	if (!watch->taken)
		return 0;
	/* Stock readahead reads it: what is known is of an earlier pass. */
	if (!(state & (MAIO_CHUNK_SEEN | MAIO_CHUNK_CACHED)))
		watch->taken[chunk] = 0;
	if (watch->taken[chunk] == MAIO_WATCH_NOT)
		return 0;
	/* Stock readahead has no marker in each piece. */
	if (!(state & MAIO_CHUNK_CACHED))
		pieces = clamp(bytes / PPC_WATCH_BYTES, 1, MAIO_CHUNK_SIZE / PPC_WATCH_BYTES);
	before = maio_watch_taken(map, chunk);
	watch->taken[chunk] = min(watch->taken[chunk] + pieces, MAIO_WATCH_NOT - 1);
	if (!(state & MAIO_CHUNK_READ) || !(state & MAIO_CHUNK_CACHED))
		return 0;
	if (!maio_watch_is_sparse(map, chunk))
		watch->row = 0;
	return maio_watch_taken(map, chunk) - before;
}
EXPORT_SYMBOL_IF_KUNIT(maio_watch_access);

/* A reader has finished a chunk. Return: bytes of it that were of use. */
u64 maio_watch_finish(struct maio_map *map, u32 chunk)
{
	const u64 taken = maio_watch_taken(map, chunk);
	struct maio_watch *watch = &map->watch;

	if (!watch->taken || watch->taken[chunk] == MAIO_WATCH_NOT ||
	    maio_map_len(map, chunk) < MAIO_WATCH_LEAST)
		return taken;
	if (!maio_watch_is_sparse(map, chunk)) {
		watch->row = 0;
		watch->trust++;
	} else if (watch->row < MAIO_WATCH_ROW) {
		watch->row++;
	}
	if (maio_watch_sparse(map)) {
		watch->wary = true;
		watch->trust = 0;
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
