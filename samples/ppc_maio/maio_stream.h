/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: what a stream reads and drops next. The workers that do so are the
 * kernel's, and ask.
 */
#ifndef _MAIO_STREAM_H
#define _MAIO_STREAM_H

#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "maio_cursor.h"

/**
 * enum maio_burn - when a stream drops what was consumed
 * @MAIO_BURN_NEVER: it does not
 * @MAIO_BURN_ALWAYS: as soon as the readers are a gap away
 * @MAIO_BURN_TIGHT: likewise, but only while there is no memory for the rest of
 *	the load, and no more once dropped pages are read again
 */
enum maio_burn {
	MAIO_BURN_NEVER,
	MAIO_BURN_ALWAYS,
	MAIO_BURN_TIGHT,
};

/* A stream that has come to its end and rests has nothing more to read. */
#define MAIO_END_REST		HZ

/* A gap chosen from budget, memory and how much readers take at a time. */
#define MAIO_GAP_AUTO		U64_MAX

/**
 * struct maio_streams - the streams of one load
 * @lock: protects @list
 * @list: struct maio_stream
 */
struct maio_streams {
	spinlock_t lock; /* outside of those of streams */
	struct list_head list;
};

/* How far a sweep of what is to be dropped goes. */
enum maio_pass {
	MAIO_PASS_NONE,		/* there is none */
	MAIO_PASS_BEHIND,	/* up to the gap behind the readers */
	MAIO_PASS_REST,		/* the gap as well */
	MAIO_PASS_LAST,		/* and what does not go now never will */
};

/**
 * struct maio_sweep - what is being dropped; the drop worker's own
 * @pass: how far it goes
 * @final: the stream was stopped
 * @want: chunks in any of these states
 * @at: next chunk to look at
 * @first: first chunk that is being dropped
 * @end: behind the last
 * @again: next chunk to try by itself, of a run that did not go whole
 * @again_end: behind that run
 * @kept: something that was consumed is wanted
 * @left: something did not go
 * @drain: it was all tried once
 * @pause: until it is looked at again, jiffies, or 0
 */
struct maio_sweep {
	enum maio_pass pass;
	bool final;
	u16 want;
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
 * @stream: its workers
 * @att: attachment
 * @set: of streams
 * @link: in @set
 * @state: bytes charged for it
 * @lock: protects what follows up to @burn_from
 * @gave_up: it did more harm than good
 * @burn: when to drop what was consumed
 * @tight: memory was found to be short of what the rest of the load needs
 * @returned: much of what was dropped was read again
 * @met: a reader has come
 * @gap: bytes behind the readers not to drop, or MAIO_GAP_AUTO
 * @longest: bytes of the longest read() seen
 * @nid: wanted node, or NUMA_NO_NODE
 * @map: ranges and what has become of them
 * @cursors: the readers
 * @last_access: when a reader was last seen, jiffies
 * @consumed: bytes consumed since the last sweep
 * @issued: bytes read ahead
 * @brought: bytes of chunks that were read ahead or passed
 * @useful: of @issued, bytes that readers have passed
 * @refaulted: bytes dropped or evicted, and wanted again
 * @burn_from: first chunk that may be left to drop
 * @batch: being read; the read worker's own
 * @sweep: being dropped
 */
struct maio_stream {
	struct ppc_stream *stream;
	struct ppc_attachment *att;
	struct maio_streams *set;
	struct list_head link;
	size_t state;

	spinlock_t lock; /* see above */
	bool gave_up;
	enum maio_burn burn;
	bool tight;
	bool returned;
	bool met;
	u64 gap;
	u64 longest;
	int nid;
	struct maio_map map;
	struct maio_cursors cursors;
	unsigned long last_access;
	u64 consumed;
	u64 issued;
	u64 brought;
	u64 useful;
	u64 refaulted;
	u32 burn_from;

	struct maio_batch batch;
	struct maio_sweep sweep;
};

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
bool maio_streams_failed(struct maio_streams *set, u32 file, u64 pos, u64 len);
void maio_stream_set_burn(struct maio_stream *s, enum maio_burn burn, u64 gap);
void maio_stream_set_node(struct maio_stream *s, int nid);
bool maio_stream_burns(const struct maio_stream *s);
bool maio_stream_holds_unread(const struct maio_stream *s, u32 chunk);

/* maio_ahead.c */

bool maio_stream_next(struct ppc_stream *stream, struct ppc_range *range);
void maio_stream_filled(struct ppc_stream *stream,
			const struct ppc_range *range, s64 read);

/* maio_behind.c */

bool maio_stream_look(struct maio_stream *s);
bool maio_stream_drop(struct ppc_stream *stream, struct ppc_range *range);
void maio_stream_dropped(struct ppc_stream *stream,
			 const struct ppc_range *range, s64 left);

#endif /* _MAIO_STREAM_H */
