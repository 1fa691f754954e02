/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: what a stream reads and drops next. The workers of fs/ppc ask for it.
 */
#ifndef _MAIO_STREAM_H
#define _MAIO_STREAM_H

#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "maio_cursor.h"
#include "maio_window.h"

/**
 * enum maio_drop_mode - when a stream drops finished chunks
 * @MAIO_DROP_NEVER: never
 * @MAIO_DROP_ALWAYS: as soon as the readers are a gap ahead; while many dropped bytes
 *	are read again, only when the stream stops
 * @MAIO_DROP_UNDER_PRESSURE: as soon as the readers are a gap ahead, but only while
 *	memory is short of the rest of the load, and not many dropped bytes are read again
 */
enum maio_drop_mode {
	MAIO_DROP_NEVER,
	MAIO_DROP_ALWAYS,
	MAIO_DROP_UNDER_PRESSURE,
};

/* A stream at its end whose readers rest for so long has been read. */
#define MAIO_END_REST		HZ

/* The gap follows the budget, the memory and the length of reads. */
#define MAIO_GAP_AUTO		U64_MAX

/**
 * struct maio_streams - the streams of one load
 * @lock: protects @list
 * @list: struct maio_stream
 * @window: with which windows start, bytes
 * @window_max: how far they may open, bytes
 * @watch: nobody has recorded the load, see maio_watch.c
 * @passes: the load reads much of it again
 */
struct maio_streams {
	spinlock_t lock; /* outside of those of streams */
	struct list_head list;
	u64 window;
	u64 window_max;
	bool watch;
	bool passes;
};

/* Extent of a sweep that drops chunks. */
enum maio_pass {
	MAIO_PASS_NONE,		/* no sweep */
	MAIO_PASS_BEHIND,	/* up to the gap behind the readers */
	MAIO_PASS_REST,		/* including the gap */
	MAIO_PASS_LAST,		/* the same, for the last time */
	MAIO_PASS_UNUSED,	/* what was read ahead in vain, when the stream is stopped */
};

/**
 * struct maio_sweep - state of a sweep; used by the drop worker only
 * @pass: its extent
 * @final: the stream was stopped
 * @at: next chunk to look at
 * @first: first chunk of the run that is being dropped
 * @end: behind that run
 * @again: next chunk to retry alone, of a run that was not dropped completely
 * @again_end: behind that run
 * @kept: a policy kept some finished chunks
 * @left: some chunks could not be dropped
 * @drain: drain per-CPU batches before the next run
 * @pause: jiffies until the next sweep for kept chunks, or 0
 */
struct maio_sweep {
	enum maio_pass pass;
	bool final;
	u32 at;
	u32 first;
	u32 end;
	u32 again;
	u32 again_end;
	bool kept;
	bool left;
	bool drain;
	unsigned long pause;
};

/**
 * struct maio_stream - ranges in the order in which they are read ahead
 * @stream: workers
 * @att: attachment
 * @set: of streams
 * @link: in @set
 * @state: bytes charged for this structure
 * @lock: protects what follows up to @counted
 * @gave_up: it cost more than it saved; stock readahead is in charge
 * @drop_mode: when to drop finished chunks
 * @dropbehind: readers want what they read to be dropped, as with RWF_DONTCACHE
 * @under_pressure: memory is short of the rest of the load
 * @returned: many bytes are read again that were dropped or evicted, or will be
 * @has_reader: a reader was seen
 * @gap: bytes behind the readers not to drop, or MAIO_GAP_AUTO
 * @longest: bytes of the longest read()
 * @nid: wanted node, or NUMA_NO_NODE
 * @map: ranges and the state of their chunks
 * @cursors: readers
 * @window: how much to read ahead of them
 * @last_access: when a reader was last seen, jiffies
 * @consumed: bytes consumed since the last sweep
 * @read: bytes that readers have read to the end of a chunk, read ahead or not
 * @issued: bytes read ahead
 * @populated: bytes that are cached or skipped
 * @useful: bytes of @issued that readers have finished
 * @refaulted: bytes dropped or evicted, and read again
 * @drop_from: first chunk that may need dropping
 * @counted: chunks that cannot be dropped were counted in this load
 * @batch: under read; used by the read worker only
 * @sweep: under drop
 */
struct maio_stream {
	struct ppc_stream *stream;
	struct ppc_attachment *att;
	struct maio_streams *set;
	struct list_head link;
	size_t state;

	spinlock_t lock; /* see above */
	bool gave_up;
	enum maio_drop_mode drop_mode;
	bool dropbehind;
	bool under_pressure;
	bool returned;
	bool has_reader;
	u64 gap;
	u64 longest;
	int nid;
	struct maio_map map;
	struct maio_cursors cursors;
	struct maio_window window;
	unsigned long last_access;
	u64 consumed;
	u64 read;
	u64 issued;
	u64 populated;
	u64 useful;
	u64 refaulted;
	u32 drop_from;
	bool counted;

	struct maio_batch batch;
	struct maio_sweep sweep;
};

/* Does the stream drop finished chunks however much memory there is? */
static inline bool maio_stream_burns(const struct maio_stream *s)
{
	return READ_ONCE(s->drop_mode) == MAIO_DROP_ALWAYS || READ_ONCE(s->dropbehind);
}

/* maio_stream.c */

void maio_streams_init(struct maio_streams *set);
struct maio_stream *maio_stream_create(struct ppc_attachment *att,
				       struct maio_streams *set,
				       const struct ppc_range *ranges, u32 nr,
				       int nid);
void maio_stream_destroy(struct maio_stream *s);
void maio_stream_reset(struct maio_stream *s);
enum ppc_stream_hit maio_stream_access(struct maio_stream *s,
				       const struct ppc_access *access);
bool maio_stream_contains(struct maio_stream *s, u32 file, u64 pos);
bool maio_stream_wants(struct maio_stream *s, u32 file, u64 pos, u64 len);
bool maio_stream_spent(struct maio_stream *s, u32 file, u64 pos);
bool maio_streams_have_read(struct maio_streams *set, const struct ppc_range *range);
bool maio_streams_failed(struct maio_streams *set, u32 file, u64 pos, u64 len);
void maio_stream_set_drop_mode(struct maio_stream *s, enum maio_drop_mode burn, u64 gap);
void maio_stream_set_node(struct maio_stream *s, int nid);
bool maio_stream_drops(const struct maio_stream *s);
void maio_stream_give_up(struct maio_stream *s);
bool maio_stream_read_on(const struct maio_stream *s);

/* maio_ahead.c */

bool maio_stream_next(struct ppc_stream *stream, struct ppc_range *range);
void maio_stream_filled(struct ppc_stream *stream,
			const struct ppc_range *range, s64 read);

/* maio_behind.c */

bool maio_stream_update_pressure(struct maio_stream *s);
bool maio_stream_drop(struct ppc_stream *stream, struct ppc_range *range);
void maio_stream_dropped(struct ppc_stream *stream,
			 const struct ppc_range *range, s64 left);

#endif /* _MAIO_STREAM_H */
