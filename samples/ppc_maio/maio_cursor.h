/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Positions of the readers of a stream, and what to read ahead for them. Pure
 * logic; the caller serialises.
 */
#ifndef _MAIO_CURSOR_H
#define _MAIO_CURSOR_H

#include "maio_map.h"

#define MAIO_CURSORS		16

/* An access this close to a cursor, in chunks, is by the same reader. */
#define MAIO_CURSOR_SLACK	16

/* A reader this far ahead of skipped chunks does not want them. */
#define MAIO_CURSOR_LAG		(2 * MAIO_CURSOR_SLACK)

/* Chunks to scan in one call: readers wait for the lock. */
#define MAIO_CURSOR_LOOKS	1024

/* A cursor without an access for this many accesses of others is idle. */
#define MAIO_CURSOR_IDLE		512

/**
 * struct maio_cursor - position of one reader
 * @used: in use
 * @stamp: clock of its last access
 * @pos: first chunk that is not consumed
 * @next: first chunk to read ahead
 * @tail: first chunk that it may have skipped
 * @late: last chunk that it had to wait for
 * @skip: chunks in any of these states are not read ahead
 */
struct maio_cursor {
	bool used;
	u32 stamp;
	u32 pos;
	u32 next;
	u32 tail;
	u32 late;
	u16 skip;
};

struct maio_cursors {
	u32 clock;
	struct maio_cursor cursor[MAIO_CURSORS];
};

/**
 * struct maio_step - an access, in chunks
 * @chunk: of the first byte
 * @last: of the last byte
 * @lag: chunks skipped so far behind are finished, see MAIO_CURSOR_LAG
 * @whole: @last was consumed to its end
 * @miss: nothing was cached
 * @uptodate: the data was there
 */
struct maio_step {
	u32 chunk;
	u32 last;
	u32 lag;
	bool whole;
	bool miss;
	bool uptodate;
};

/**
 * struct maio_outcome - effects of an access, in bytes
 * @hit: as maio_stream_access() returns it
 * @interrupted: the stream moved away from another position
 * @passed: the reader has advanced
 * @again: another pass begins
 * @useful: read ahead, and finished now
 * @consumed: finished now
 * @taken: of these, what readers came to
 * @read: of these, not just passed over
 * @late: the reader had to wait for it
 * @refaulted: dropped before, and read again now
 * @populated: change of the bytes that are cached or skipped
 */
struct maio_outcome {
	enum ppc_stream_hit hit;
	bool interrupted;
	bool passed;
	bool again;
	u64 useful;
	u64 consumed;
	u64 taken;
	u64 read;
	u64 late;
	u64 refaulted;
	s64 populated;
};

/**
 * struct maio_batch - chunks to read ahead together
 * @bytes: file, position and length
 * @first: first chunk
 * @nr: chunks
 * @cursor: index of the reader's cursor
 * @before: unfinished bytes between that reader and the batch
 * @ahead: unfinished bytes read ahead of all readers of the stream
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
bool maio_cursors_skipped(const struct maio_cursors *cs, u32 chunk);
u64 maio_cursors_pending(const struct maio_cursors *cs, const struct maio_map *map);
u64 maio_cursors_ahead(const struct maio_cursors *cs, const struct maio_map *map);
bool maio_cursors_skip(struct maio_cursors *cs, const struct maio_map *map);
bool maio_cursors_pick(struct maio_cursors *cs, struct maio_map *map, u64 budget,
		       u64 most, struct maio_batch *batch);
void maio_cursors_unpick(struct maio_cursors *cs, const struct maio_batch *batch);
bool maio_cursors_hold(const struct maio_cursors *cs, const struct maio_map *map,
		       u32 chunk, u64 gap);
bool maio_cursors_at_end(const struct maio_cursors *cs,
			 const struct maio_map *map);

#endif /* _MAIO_CURSOR_H */
