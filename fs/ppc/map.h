/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stream's ranges, cut into chunks at the file offsets where the largest
 * folios begin. Chunks are numbered in the order of the stream. Pure logic.
 */
#ifndef _FS_PPC_MAP_H
#define _FS_PPC_MAP_H

#include <linux/bits.h>
#include <linux/ppc.h>
#include <linux/sizes.h>

#define PPC_CHUNK_SHIFT		21
#define PPC_CHUNK_SIZE		BIT_ULL(PPC_CHUNK_SHIFT)
#define PPC_MAP_MAX_RANGES	SZ_1M
#define PPC_MAP_MAX_CHUNKS	SZ_1M

/* What has become of a chunk. */
#define PPC_CHUNK_ISSUED	0x01	/* read ahead, or being read */
#define PPC_CHUNK_CONSUMED	0x02	/* a reader has passed it */
#define PPC_CHUNK_BURNED	0x04	/* dropped, and not consumed since */
#define PPC_CHUNK_LATE		0x08	/* a reader came before the data */
#define PPC_CHUNK_TRIED		0x10	/* could not be dropped once */
#define PPC_CHUNK_STUCK		0x20	/* nor the second time */
#define PPC_CHUNK_LEFT		0x40	/* read by an earlier pass, not dropped */
#define PPC_CHUNK_FAILED	0x80	/* cannot be read, leave it to stock */
#define PPC_CHUNK_SEEN		0x100	/* a reader was in it, not only beyond */
#define PPC_CHUNK_READ		0x200	/* and has come to its end */
#define PPC_CHUNK_COUNTED	0x400	/* as one that could not be dropped */

struct ppc_map {
	u32 nr_ranges;
	u32 nr_chunks;
	struct ppc_range *ranges;
	u32 *first_chunk;	/* of each range, and nr_chunks at the end */
	u64 *first_byte;	/* of the stream, of each range */
	u32 *by_file;		/* ranges by file and position */
	u16 *state;		/* of each chunk */
};

/* Dropped; not read ahead again since, or left by such a pass. */
static inline bool ppc_chunk_gone(u16 state)
{
	const u16 pass = state & (PPC_CHUNK_ISSUED | PPC_CHUNK_CONSUMED);

	return (state & PPC_CHUNK_BURNED) && pass != PPC_CHUNK_ISSUED &&
	       !(state & PPC_CHUNK_LEFT);
}

/*
 * It is read ahead. Whether what was dropped is wanted, its reader will show; if
 * he passed it meanwhile, it is there to be dropped again.
 */
static inline u16 ppc_chunk_issue(u16 state)
{
	if (state & PPC_CHUNK_CONSUMED)
		state &= ~PPC_CHUNK_BURNED;
	return (state & ~(PPC_CHUNK_TRIED | PPC_CHUNK_STUCK)) |
	       PPC_CHUNK_ISSUED;
}

/* A new pass begins: what was read before is only something left to drop. */
static inline u16 ppc_chunk_renew(u16 state)
{
	u16 failed = state & PPC_CHUNK_FAILED;
	/* If it is gone, reclaim took it after it was consumed. */
	u16 burned = state & (PPC_CHUNK_BURNED | PPC_CHUNK_CONSUMED) ?
		    PPC_CHUNK_BURNED : 0;

	if (ppc_chunk_gone(state))
		return failed ?: PPC_CHUNK_BURNED;
	state &= ~(PPC_CHUNK_FAILED | PPC_CHUNK_SEEN | PPC_CHUNK_READ);
	return failed | (state ? burned | PPC_CHUNK_LEFT : 0);
}

int ppc_map_init(struct ppc_map *map, const struct ppc_range *ranges, u32 nr);
void ppc_map_free(struct ppc_map *map);
bool ppc_map_find(const struct ppc_map *map, u32 file, u64 pos, u32 *chunk);
bool ppc_map_next(const struct ppc_map *map, u32 file, u64 pos, u64 end,
		  u32 *at, u32 *first, u32 *last);
void ppc_map_chunk(const struct ppc_map *map, u32 chunk,
		   struct ppc_range *bytes);
u64 ppc_map_byte(const struct ppc_map *map, u32 chunk);

#endif /* _FS_PPC_MAP_H */
