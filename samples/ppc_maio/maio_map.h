/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stream's ranges, cut into chunks at the file offsets where the largest
 * folios begin. Chunks are numbered in the order of the stream. Pure logic.
 */
#ifndef _MAIO_MAP_H
#define _MAIO_MAP_H

#include <linux/bits.h>
#include <linux/ppc.h>
#include <linux/sizes.h>

#define MAIO_CHUNK_SHIFT		21
#define MAIO_CHUNK_SIZE		BIT_ULL(MAIO_CHUNK_SHIFT)
#define MAIO_MAP_MAX_RANGES	SZ_1M
#define MAIO_MAP_MAX_CHUNKS	SZ_1M

/* State of a chunk, valid in the pass that its upper bits name. */
#define MAIO_CHUNK_CACHED	0x01	/* read ahead or read, and not dropped since */
#define MAIO_CHUNK_SEEN		0x02	/* a reader was in it */
#define MAIO_CHUNK_READ		0x04	/* its reader has finished it, or is far ahead */
#define MAIO_CHUNK_AGAIN	0x08	/* dropped, and to be read again */
#define MAIO_CHUNK_STUCK	0x10	/* could not be dropped */
#define MAIO_CHUNK_FAILED	0x20	/* in any pass: cannot be read */
#define MAIO_CHUNK_OURS		0x40	/* in any pass: cached for this load */
#define MAIO_CHUNK_WATCHED	0x80	/* in any pass: see maio_watch.c */
#define MAIO_CHUNK_BITS		8
#define MAIO_CHUNK_MASK		(BIT(MAIO_CHUNK_BITS) - 1)
#define MAIO_CHUNK_STAYS	(MAIO_CHUNK_FAILED | MAIO_CHUNK_OURS | MAIO_CHUNK_WATCHED)
#define MAIO_PASSES		BIT(16 - MAIO_CHUNK_BITS)

/**
 * struct maio_watch - what readers take of chunks that are read ahead
 * @row: chunks in a row, finished last, of which readers took little
 * @wary: there was such a row
 * @load: readers took most of a chunk, or of several short ones
 * @whole: bytes of chunks in a row, finished last, of which readers took most
 * @trust: chunks finished since, of which they took enough
 * @passed: batches that were not watched since the last one that was
 * @taken: of each chunk that is watched, a bit for each piece of PPC_WATCH_BYTES that
 *	readers came to; NULL: nothing is watched
 */
struct maio_watch {
	u8 row;
	bool wary;
	bool load;
	u64 whole;
	u32 trust;
	u32 passed;
	u32 *taken;
};

struct maio_map {
	u32 nr_ranges;
	u32 nr_chunks;
	struct ppc_range *ranges;
	u32 *first_chunk;	/* of each range, and nr_chunks at the end */
	u64 *first_byte;	/* of the stream, of each range */
	u32 *by_file;		/* ranges by file and position */
	u16 *state;		/* of each chunk: pass and MAIO_CHUNK_* */
	struct maio_watch watch;
	u16 pass;		/* current; state of other passes is void */
};

/* The state of a chunk in this pass. */
static inline u16 maio_chunk(const struct maio_map *map, u32 chunk)
{
	const u16 state = map->state[chunk];

	return state & (state >> MAIO_CHUNK_BITS == map->pass ?
			MAIO_CHUNK_MASK : MAIO_CHUNK_STAYS);
}

static inline void maio_chunk_set(struct maio_map *map, u32 chunk, u16 state)
{
	map->state[chunk] = map->pass << MAIO_CHUNK_BITS | state;
}

/* Forget the state of a chunk, but not that it is cached. */
static inline void maio_chunk_renew(struct maio_map *map, u32 chunk)
{
	const u16 before = (map->pass + MAIO_PASSES - 1) % MAIO_PASSES;

	map->state[chunk] = before << MAIO_CHUNK_BITS |
		(map->state[chunk] & (MAIO_CHUNK_CACHED | MAIO_CHUNK_STAYS));
}

/* Was it cached in any pass, and not dropped since? */
static inline bool maio_chunk_left(const struct maio_map *map, u32 chunk)
{
	return map->state[chunk] & MAIO_CHUNK_CACHED;
}

/* The same, and was it cached for this load? Other pages are not dropped. */
static inline bool maio_chunk_droppable(const struct maio_map *map, u32 chunk)
{
	const u16 mask = MAIO_CHUNK_CACHED | MAIO_CHUNK_OURS;

	return (map->state[chunk] & mask) == mask;
}

/* Finished, and dropped since. */
static inline bool maio_chunk_dropped(u16 state)
{
	const u16 mask = MAIO_CHUNK_CACHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ;

	return (state & mask) == (MAIO_CHUNK_SEEN | MAIO_CHUNK_READ);
}

size_t maio_map_size(const struct ppc_range *ranges, u32 nr);
int maio_map_init(struct maio_map *map, const struct ppc_range *ranges, u32 nr);
void maio_map_free(struct maio_map *map);
bool maio_map_find(const struct maio_map *map, u32 file, u64 pos, u32 *chunk);
bool maio_map_next(const struct maio_map *map, u32 file, u64 pos, u64 end,
		   u32 *at, u32 *first, u32 *last);
void maio_map_chunk(const struct maio_map *map, u32 chunk,
		    struct ppc_range *bytes);
u64 maio_map_len(const struct maio_map *map, u32 chunk);
u64 maio_map_byte(const struct maio_map *map, u32 chunk);

/* maio_watch.c */

int maio_watch_start(struct maio_map *map);
bool maio_watch_begin(struct maio_map *map, u32 first, u32 nr);
void maio_watch_cancel(struct maio_map *map, u32 first, u32 nr, u64 without);
u64 maio_watch_access(struct maio_map *map, u32 chunk, u64 from, u64 end);
u64 maio_watch_accesses(struct maio_map *map, u32 first, u32 last,
			const struct ppc_access *access);
u64 maio_watch_finish(struct maio_map *map, u32 chunk);
bool maio_watch_sparse(const struct maio_map *map);
void maio_watch_suspend(struct maio_map *map);
u64 maio_watch_taken(const struct maio_map *map, u32 chunk);

#endif /* _MAIO_MAP_H */
