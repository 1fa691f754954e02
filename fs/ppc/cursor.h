/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the readers of a stream are, and what to read ahead for them. Pure
 * logic; the caller serialises.
 */
#ifndef _FS_PPC_CURSOR_H
#define _FS_PPC_CURSOR_H

#include "map.h"

#define PPC_CURSORS		16

/* A position this many chunks from a cursor is the same reader's. */
#define PPC_CURSOR_SLACK	16

/* Chunks to look at in one go: readers wait meanwhile. */
#define PPC_CURSOR_LOOKS	4096

/* A cursor that missed as many accesses of others has lost its reader. */
#define PPC_CURSOR_IDLE		512

/**
 * struct ppc_cursor - one reader, as far as positions tell
 * @used: it is one
 * @stamp: clock of its last access
 * @pos: first chunk that is not consumed
 * @next: first chunk to read ahead
 */
struct ppc_cursor {
	bool used;
	u32 stamp;
	u32 pos;
	u32 next;
};

struct ppc_cursors {
	u32 clock;
	struct ppc_cursor cursor[PPC_CURSORS];
};

/**
 * struct ppc_step - an access, in chunks
 * @chunk: of the first byte
 * @last: of the last byte
 * @whole: @last was consumed to its end
 * @miss: nothing was cached
 * @uptodate: the data was there
 */
struct ppc_step {
	u32 chunk;
	u32 last;
	bool whole;
	bool miss;
	bool uptodate;
};

/**
 * struct ppc_outcome - what an access meant, in bytes
 * @hit: as ppc_stream_access() returns it
 * @interrupted: the stream was moved away from another position
 * @useful: read ahead, and passed now
 * @consumed: passed now
 * @late: reader was there before the data
 * @refaulted: burned before, and wanted now
 * @brought: change of the bytes that were read ahead or passed
 */
struct ppc_outcome {
	enum ppc_stream_hit hit;
	bool interrupted;
	u64 useful;
	u64 consumed;
	u64 late;
	u64 refaulted;
	s64 brought;
};

/**
 * struct ppc_batch - chunks to read ahead in one go
 * @bytes: file, position and length
 * @first: first chunk
 * @nr: chunks
 * @cursor: whose
 * @before: bytes between him and the batch that no reader has passed
 * @ahead: bytes before all readers of the stream that none has passed
 */
struct ppc_batch {
	struct ppc_range bytes;
	u32 first;
	u32 nr;
	u32 cursor;
	u64 before;
	u64 ahead;
};

void ppc_cursors_reset(struct ppc_cursors *cs, struct ppc_map *map);
void ppc_cursors_access(struct ppc_cursors *cs, struct ppc_map *map,
			const struct ppc_step *step, struct ppc_outcome *out);
u64 ppc_cursors_ahead(const struct ppc_cursors *cs, const struct ppc_map *map);
bool ppc_cursors_skip(struct ppc_cursors *cs, const struct ppc_map *map);
bool ppc_cursors_pick(struct ppc_cursors *cs, const struct ppc_map *map,
		      u64 budget, u64 most, struct ppc_batch *batch);
void ppc_cursors_unpick(struct ppc_cursors *cs, const struct ppc_batch *batch);
bool ppc_cursors_hold_unread(const struct ppc_cursors *cs,
			     const struct ppc_map *map, u32 chunk);
bool ppc_cursors_hold(const struct ppc_cursors *cs, const struct ppc_map *map,
		      u32 chunk, u64 gap);
bool ppc_cursors_at_end(const struct ppc_cursors *cs,
			const struct ppc_map *map);

#endif /* _FS_PPC_CURSOR_H */
