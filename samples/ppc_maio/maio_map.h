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

/* What has become of a chunk. */
#define MAIO_CHUNK_ISSUED	0x01	/* read ahead, or being read */
#define MAIO_CHUNK_CONSUMED	0x02	/* a reader has passed it */
#define MAIO_CHUNK_BURNED	0x04	/* dropped, and not consumed since */
#define MAIO_CHUNK_LATE		0x08	/* a reader came before the data */
#define MAIO_CHUNK_TRIED		0x10	/* could not be dropped once */
#define MAIO_CHUNK_STUCK		0x20	/* nor the second time */
#define MAIO_CHUNK_LEFT		0x40	/* read by an earlier pass, not dropped */
#define MAIO_CHUNK_FAILED	0x80	/* cannot be read, leave it to stock */
#define MAIO_CHUNK_SEEN		0x100	/* a reader was in it, not only beyond */
#define MAIO_CHUNK_READ		0x200	/* and has come to its end */
#define MAIO_CHUNK_COUNTED	0x400	/* as one that could not be dropped */
#define MAIO_CHUNK_DROPPING	0x800	/* being dropped, and not read ahead since */

struct maio_map {
	u32 nr_ranges;
	u32 nr_chunks;
	struct ppc_range *ranges;
	u32 *first_chunk;	/* of each range, and nr_chunks at the end */
	u64 *first_byte;	/* of the stream, of each range */
	u32 *by_file;		/* ranges by file and position */
	u16 *state;		/* of each chunk */
};

/* Dropped; not read ahead again since, or left by such a pass. */
static inline bool maio_chunk_gone(u16 state)
{
	const u16 pass = state & (MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED);

	return (state & MAIO_CHUNK_BURNED) && pass != MAIO_CHUNK_ISSUED &&
	       !(state & MAIO_CHUNK_LEFT);
}

/*
 * It is read ahead. Whether what was dropped is wanted, its reader will show; if
 * he passed it meanwhile, it is there to be dropped again.
 */
static inline u16 maio_chunk_issue(u16 state)
{
	if (state & MAIO_CHUNK_CONSUMED)
		state &= ~MAIO_CHUNK_BURNED;
	return (state & ~(MAIO_CHUNK_TRIED | MAIO_CHUNK_STUCK |
			  MAIO_CHUNK_DROPPING)) | MAIO_CHUNK_ISSUED;
}

/* A new pass begins: what was read before is only something left to drop. */
static inline u16 maio_chunk_renew(u16 state)
{
	u16 failed = state & MAIO_CHUNK_FAILED;
	/* If it is gone, reclaim took it after it was consumed. */
	u16 burned = state & (MAIO_CHUNK_BURNED | MAIO_CHUNK_CONSUMED) ?
		    MAIO_CHUNK_BURNED : 0;

	if (maio_chunk_gone(state))
		return failed ?: MAIO_CHUNK_BURNED;
	state &= ~(MAIO_CHUNK_FAILED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ |
		   MAIO_CHUNK_DROPPING);
	return failed | (state ? burned | MAIO_CHUNK_LEFT : 0);
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

#endif /* _MAIO_MAP_H */
