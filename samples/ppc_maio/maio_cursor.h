/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the readers of a stream are, and what to read ahead for them. Pure
 * logic; the caller serialises.
 */
#ifndef _MAIO_CURSOR_H
#define _MAIO_CURSOR_H

#include "maio_map.h"

#define MAIO_CURSORS		16

/* A position this many chunks from a cursor is the same reader's. */
#define MAIO_CURSOR_SLACK	16

/* Chunks to look at in one go: readers wait meanwhile. */
#define MAIO_CURSOR_LOOKS	4096

/* A cursor that missed as many accesses of others has lost its reader. */
#define MAIO_CURSOR_IDLE		512

/**
 * struct maio_cursor - one reader, as far as positions tell
 * @used: it is one
 * @stamp: clock of its last access
 * @pos: first chunk that is not consumed
 * @next: first chunk to read ahead
 */
struct maio_cursor {
	bool used;
	u32 stamp;
	u32 pos;
	u32 next;
};

struct maio_cursors {
	u32 clock;
	struct maio_cursor cursor[MAIO_CURSORS];
};

/**
 * struct maio_step - an access, in chunks
 * @chunk: of the first byte
 * @last: of the last byte
 * @whole: @last was consumed to its end
 * @miss: nothing was cached
 * @uptodate: the data was there
 */
struct maio_step {
	u32 chunk;
	u32 last;
	bool whole;
	bool miss;
	bool uptodate;
};

/**
 * struct maio_outcome - what an access meant, in bytes
 * @hit: as maio_stream_access() returns it
 * @interrupted: the stream was moved away from another position
 * @useful: read ahead, and passed now
 * @consumed: passed now
 * @late: reader was there before the data
 * @refaulted: burned before, and wanted now
 * @brought: change of the bytes that were read ahead or passed
 */
struct maio_outcome {
	enum ppc_stream_hit hit;
	bool interrupted;
	u64 useful;
	u64 consumed;
	u64 late;
	u64 refaulted;
	s64 brought;
};

/**
 * struct maio_batch - chunks to read ahead in one go
 * @bytes: file, position and length
 * @first: first chunk
 * @nr: chunks
 * @cursor: whose
 * @before: bytes between him and the batch that no reader has passed
 * @ahead: bytes before all readers of the stream that none has passed
 */
struct maio_batch {
	struct ppc_range bytes;
	u32 first;
	u32 nr;
	u32 cursor;
	u64 before;
	u64 ahead;
};

void maio_cursors_reset(struct maio_cursors *cs, struct maio_map *map);
void maio_cursors_access(struct maio_cursors *cs, struct maio_map *map,
			 const struct maio_step *step, struct maio_outcome *out);
u64 maio_cursors_ahead(const struct maio_cursors *cs, const struct maio_map *map);
bool maio_cursors_skip(struct maio_cursors *cs, const struct maio_map *map);
bool maio_cursors_pick(struct maio_cursors *cs, const struct maio_map *map,
		       u64 budget, u64 most, struct maio_batch *batch);
void maio_cursors_unpick(struct maio_cursors *cs, const struct maio_batch *batch);
bool maio_cursors_hold_unread(const struct maio_cursors *cs,
			      const struct maio_map *map, u32 chunk);
bool maio_cursors_hold(const struct maio_cursors *cs, const struct maio_map *map,
		       u32 chunk, u64 gap);
bool maio_cursors_at_end(const struct maio_cursors *cs,
			 const struct maio_map *map);

#endif /* _MAIO_CURSOR_H */
