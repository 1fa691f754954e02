// SPDX-License-Identifier: GPL-2.0
/*
 * What MAIO's streams read and drop, with readers, a page cache and a device that are made up here.
 * The workers run whenever somebody has read a megabyte.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/numa.h>
#include <linux/sizes.h>

#include "../../../samples/ppc_maio/maio_stream.h"

#define UNIT		((u64)SZ_1M)
#define UNITS		2048
#define ANY		(~0U)

struct ppc_attachment {
	u64 ceiling;
	u64 counts[PPC_COUNT_FALLBACKS + 1];
};

struct ppc_stream {
	void *private;
	bool running;
	bool kicked;
	bool drop;
	unsigned long drop_at;
};

/**
 * struct world - one file, its pages and who reads them
 * @att: attachment
 * @set: streams
 * @s: the one
 * @stream: its workers
 * @budget: of it
 * @memory: units that may be cached before reading ahead waits
 * @tight: there is no room for the rest of the load
 * @cached: units in the page cache
 * @pinned: units that cannot be dropped
 * @wanted: units that somebody else wants
 * @reads: how often each was read from the device
 * @resident: units cached
 * @most: units that were cached at a time
 * @drains: ranges dropped with PPC_RANGE_DRAIN
 */
struct world {
	struct ppc_attachment att;
	struct maio_streams set;
	struct maio_stream *s;
	struct ppc_stream *stream;
	u64 budget;
	u32 memory;
	bool tight;
	bool cached[UNITS];
	bool pinned[UNITS];
	bool wanted[UNITS];
	u32 reads[UNITS];
	u32 resident;
	u32 most;
	u32 drains;
};

unsigned long jiffies;
static struct world *w;

struct ppc_stream *ppc_stream_create(struct ppc_attachment *att, void *private)
{
	w->stream = kzalloc_obj(*w->stream, GFP_KERNEL);
	w->stream->private = private;
	return w->stream;
}

void ppc_stream_destroy(struct ppc_stream *stream)
{
	kfree(stream);
}

void *ppc_stream_private(const struct ppc_stream *stream)
{
	return stream->private;
}

bool ppc_stream_running(const struct ppc_stream *stream)
{
	return stream->running;
}

void ppc_stream_kick(struct ppc_stream *stream)
{
	stream->kicked = true;
}

void ppc_stream_kick_drop(struct ppc_stream *stream, unsigned long delay)
{
	if (!stream->running || (stream->drop && delay))
		return;
	stream->drop = true;
	stream->drop_at = jiffies + delay;
}

void ppc_kick_drops(struct ppc_attachment *att)
{
	ppc_stream_kick_drop(w->stream, 0);
}

void ppc_stream_limits(struct ppc_stream *stream, struct ppc_limits *limits)
{
	*limits = (struct ppc_limits){
		.budget = w->budget, .ceiling = w->att.ceiling ?: U64_MAX,
		.resident = w->resident * UNIT, .memory = U64_MAX, .streams = 1,
	};
}

bool ppc_stream_has_headroom(struct ppc_stream *stream, u64 need, u64 on_node)
{
	return !w->tight || !need;
}

void ppc_count(struct ppc_attachment *att, enum ppc_counter counter, u64 n)
{
	att->counts[counter] += n;
}

int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size, u64 *resident)
{
	*size = UNITS * UNIT;
	return file ? -ENOENT : 0;
}

u64 ppc_attachment_ceiling(const struct ppc_attachment *att)
{
	return att->ceiling;
}

const char *ppc_attachment_policy(const struct ppc_attachment *att)
{
	return "test";
}

int ppc_state_charge(struct ppc_attachment *att, size_t bytes)
{
	return 0;
}

void ppc_state_uncharge(struct ppc_attachment *att, size_t bytes)
{
}

void ppc_stream_set_node(struct ppc_stream *stream, int nid)
{
}

void ppc_stream_set_ahead(struct ppc_stream *stream, u64 bytes)
{
}

void ppc_stream_meet_reader(struct ppc_stream *stream)
{
}

void ppc_stream_forget_reader(struct ppc_stream *stream)
{
}

static void bring(u32 unit)
{
	if (w->cached[unit])
		return;
	w->cached[unit] = true;
	w->reads[unit]++;
	w->most = max(w->most, ++w->resident);
}

static u64 fill(const struct ppc_range *range)
{
	u32 before = w->resident, unit = range->pos / UNIT;

	for (; unit * UNIT < range->pos + range->len; unit++)
		bring(unit);
	return (w->resident - before) * UNIT;
}

static s64 drop(const struct ppc_range *range)
{
	u32 first = range->pos / UNIT, end = (range->pos + range->len) / UNIT, i;
	s64 left = 0;

	w->drains += !!(range->flags & PPC_RANGE_DRAIN);
	for (i = first; i < end; i++)
		if (w->wanted[i])
			return -EBUSY;
	for (i = first; i < end; i++) {
		if (w->pinned[i]) {
			left += w->cached[i] * UNIT;
		} else {
			w->resident -= w->cached[i];
			w->cached[i] = false;
		}
	}
	return left;
}

static void drop_all(void)
{
	struct ppc_range range = {};

	while (maio_stream_drop(w->stream, &range)) {
		maio_stream_dropped(w->stream, &range, drop(&range));
		range = (struct ppc_range){};
	}
}

/* What the workers do when they are kicked. */
static void work(void)
{
	struct ppc_range range = {};

	if (w->stream->drop && time_after_eq(jiffies, w->stream->drop_at)) {
		w->stream->drop = false;
		drop_all();
	}
	while (w->stream->kicked && maio_stream_next(w->stream, &range)) {
		bool room = w->resident + range.len / UNIT <= w->memory;

		maio_stream_filled(w->stream, &range, room ? (s64)fill(&range) : -EAGAIN);
		if (!room)
			return;
		range = (struct ppc_range){};
	}
	w->stream->kicked = false;
}

static void make_world(struct kunit *test)
{
	w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w);
	jiffies = 1000;
	w->budget = 64 * UNIT;
	w->memory = ANY;
	maio_streams_init(&w->set);
}

static void make_stream(struct kunit *test, const struct ppc_range *ranges, u32 nr,
			enum maio_drop_mode drop_mode, u64 gap)
{
	static const struct ppc_range all = { .len = UNITS * UNIT };

	w->s = maio_stream_create(&w->att, &w->set, ranges ?: &all, nr ?: 1, NUMA_NO_NODE);
	KUNIT_ASSERT_TRUE(test, !IS_ERR(w->s));
	maio_stream_set_drop_mode(w->s, drop_mode, gap);
	w->stream->running = true;
}

/* In the file, in no order, or all of it. */
static void make(struct kunit *test, const struct ppc_range *ranges, u32 nr,
		 enum maio_drop_mode drop_mode, u64 gap)
{
	make_world(test);
	make_stream(test, ranges, nr, drop_mode, gap);
}

/* At most 32 units may be cached. */
static void make_ceiling(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_ALWAYS, MAIO_GAP_AUTO);
	w->att.ceiling = 32 * UNIT;
	w->memory = 32;
}

/* Nobody has recorded the load. */
static void make_guess(struct kunit *test, const struct ppc_range *ranges, u32 nr)
{
	make_world(test);
	w->set.watch = true;
	w->set.window = MAIO_WINDOW_GUESS;
	w->set.window_max = MAIO_WINDOW_GUESS;
	make_stream(test, ranges, nr, MAIO_DROP_NEVER, 0);
}

void ppc_stream_stop(struct ppc_stream *stream)
{
	const bool running = stream->running;

	stream->running = false;
	if (running)
		drop_all();
}

static void stop(void)
{
	ppc_stream_stop(w->stream);
}

static enum ppc_stream_hit look(enum ppc_access_type type, u32 unit, u64 len)
{
	const struct ppc_access access = {
		.type = type, .uptodate = type == PPC_ACCESS_CONSUME || type == PPC_ACCESS_FAULT,
		.pos = unit * UNIT, .len = len,
	};

	return maio_stream_access(w->s, &access);
}

/* A read() of a megabyte. */
static void consume(u32 unit)
{
	if (!w->cached[unit]) {
		look(PPC_ACCESS_MISS, unit, UNIT);
		bring(unit);
		work();
	}
	look(PPC_ACCESS_CONSUME, unit, UNIT);
	work();
}

/* The same by faults. */
static void touch(u32 unit)
{
	look(w->cached[unit] ? PPC_ACCESS_FAULT : PPC_ACCESS_FAULT_MISS, unit, SZ_4K);
	bring(unit);
	work();
}

/* A fault in a piece, as the kernel tells of it: before its marker. */
static void touch_piece(u32 unit, u32 piece)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_FAULT, .uptodate = true,
		.pos = unit * UNIT + piece * PPC_WATCH_BYTES, .len = SZ_4K,
		.folio_pos = unit * UNIT + piece * PPC_WATCH_BYTES, .folio_len = PPC_WATCH_BYTES,
	};

	if (w->cached[unit]) {
		maio_stream_access(w->s, &access);
		access.type = PPC_ACCESS_MARKER;
		maio_stream_access(w->s, &access);
	} else {
		access.type = PPC_ACCESS_FAULT_MISS;
		access.folio_len = 0;
		maio_stream_access(w->s, &access);
		bring(unit);
	}
	work();
}

static void touch_pieces(u32 unit)
{
	u32 piece;

	for (piece = 0; piece < UNIT / PPC_WATCH_BYTES; piece++)
		touch_piece(unit, piece);
}

static void load(void)
{
	u32 unit;

	for (unit = 0; unit < UNITS; unit++)
		consume(unit);
}

/* Until what is left behind a reader at its end is dropped. */
static void rest(void)
{
	jiffies += MAIO_END_REST;
	work();
}

static void expect_reads(struct kunit *test, u32 least, u32 most)
{
	u32 i;

	for (i = 0; i < UNITS; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, w->reads[i] >= least && w->reads[i] <= most,
				      "unit %u was read %u times", i, w->reads[i]);
		if (test->failed)
			return;
	}
}

static void stream_sequential(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_ALWAYS, 8 * UNIT);
	load();
	expect_reads(test, 1, 1);
	/* What is ahead, the gap, and what is dropped in one step. */
	KUNIT_EXPECT_LE(test, w->most, 64 + 8 + 8 + 4);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_REFAULTED], 0);
	KUNIT_EXPECT_EQ(test, w->drains, 0);
	KUNIT_EXPECT_GT(test, w->resident, 0);
	/* At its end, the gap goes once its reader rests. */
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

static void stream_mapped(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 8 * UNIT);
	for (i = 0; i < UNITS; i++)
		touch(i);
	expect_reads(test, 1, 1);
	/* Nothing shows that the last chunk was read to its end. */
	rest();
	KUNIT_EXPECT_LE(test, w->resident, 2);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

static void stream_kept(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	load();
	stop();
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->resident, UNITS);
	maio_stream_destroy(w->s);
}

/* Only while memory is short of the rest. */
static void stream_tight(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_UNDER_PRESSURE, 8 * UNIT);
	for (i = 0; i < UNITS; i++) {
		w->tight = i >= UNITS / 4 && i < UNITS / 2;
		consume(i);
		if (i == UNITS / 4 - 1)
			KUNIT_EXPECT_EQ(test, w->resident, UNITS / 4 + 64);
	}
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_LT(test, w->resident, UNITS * 5 / 8 + 16);
	KUNIT_EXPECT_GT(test, w->resident, UNITS / 2);
	maio_stream_destroy(w->s);
}

static void stream_by_turns(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 0; i < UNITS / 2; i++) {
		consume(i);
		consume(UNITS / 2 + i);
	}
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_LE(test, w->most, 64 + 2 * (4 + 8) + 8);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/*
 * Two threads read four megabytes in turns, and the second one lags: what the first one
 * skips is not dropped before the second has read it.
 */
static void stream_lagging(struct kunit *test)
{
	const u32 lag = 16;
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 2 * UNIT);
	for (i = 0; i < UNITS + lag; i++) {
		if (i < UNITS && i / 4 % 2 == 0)
			consume(i);
		if (i >= lag && (i - lag) / 4 % 2)
			consume(i - lag);
	}
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_REFAULTED], 0);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_USEFUL], UNITS * UNIT);
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/* A reader skips some, rests, and comes back: others may drop it, but not its own stream. */
static void stream_rests(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 2 * UNIT);
	for (i = 0; i < 64; i++)
		consume(i);
	for (i = 72; i < 96; i++)
		consume(i);
	KUNIT_EXPECT_TRUE(test, maio_stream_wants(w->s, 0, 66 * UNIT, UNIT));
	jiffies += 2 * MAIO_END_REST;
	KUNIT_EXPECT_FALSE(test, maio_stream_wants(w->s, 0, 66 * UNIT, UNIT));
	KUNIT_EXPECT_TRUE(test, maio_stream_wants(w->s, 0, 100 * UNIT, UNIT));
	for (i = 96; i < 112; i++)
		consume(i);
	for (i = 64; i < 72; i++)
		consume(i);
	for (i = 112; i < UNITS; i++)
		consume(i);
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_REFAULTED], 0);
	maio_stream_destroy(w->s);
}

/* It comes to the end first and rests: what it has skipped is not dropped. */
static void stream_end_first(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 2 * UNIT);
	for (i = 0; i < UNITS - 24; i++)
		consume(i);
	for (i = UNITS - 8; i < UNITS; i++)
		consume(i);
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 16);
	for (i = UNITS - 24; i < UNITS - 8; i++)
		consume(i);
	expect_reads(test, 1, 1);
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/* Half of it is skipped. What was read ahead of that is dropped all the same. */
static void stream_skips(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 0; i < UNITS; i++)
		if (i % 16 < 8)
			consume(i);
	expect_reads(test, 0, 1);
	/* The window, the gap, a step, and what may still be wanted. */
	KUNIT_EXPECT_LE(test, w->most, 64 + 4 + 8 + 2 * MAIO_CURSOR_LAG + 8);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_USEFUL], UNITS / 2 * UNIT);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_USEFUL], UNITS / 2 * UNIT);
	maio_stream_destroy(w->s);
}

/* A ceiling does not wait for readers that may lag behind. */
static void stream_ceiling(struct kunit *test)
{
	u32 i;

	make_ceiling(test);
	for (i = 0; i < UNITS; i += 2)
		consume(i);
	KUNIT_EXPECT_LE(test, w->most, 32 + 1);
	maio_stream_destroy(w->s);
}

/* In pieces of eight megabytes, which come in another order than expected. */
static void stream_shuffled(struct kunit *test)
{
	u32 i, j;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	for (i = 0; i < UNITS / 8; i++)
		for (j = 0; j < 8; j++)
			consume((i * 13 % (UNITS / 8)) * 8 + j);
	expect_reads(test, 1, 1);
	maio_stream_destroy(w->s);
}

/* The order of the stream is not that of the file. */
static void stream_backwards(struct kunit *test)
{
	struct ppc_range ranges[8];
	u32 i, j;

	for (i = 0; i < 8; i++)
		ranges[i] = (struct ppc_range){ .pos = (7 - i) * UNITS / 8 * UNIT,
						.len = UNITS / 8 * UNIT };
	make(test, ranges, 8, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 0; i < 8; i++)
		for (j = 0; j < UNITS / 8; j++)
			consume((7 - i) * UNITS / 8 + j);
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_INTERRUPTS], 0);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/* Without memory it is tried again, and nothing is left out. */
static void stream_short_of_memory(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	w->memory = 32;
	load();
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_LE(test, w->most, 33);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/* What does not go is tried once more when all is over, and counted once. */
static void stream_pinned(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	w->pinned[40] = true;
	w->pinned[201] = true;
	load();
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 2);
	KUNIT_EXPECT_EQ(test, w->drains, 1);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_UNBURNABLE], 2 * UNIT);
	w->pinned[40] = false;
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 1);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_UNBURNABLE], 2 * UNIT);
	expect_reads(test, 1, 1);
	maio_stream_destroy(w->s);
}

/* What others want stays until they do no more. */
static void stream_wanted(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 64; i < 72; i++)
		w->wanted[i] = true;
	load();
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 8);
	memset(w->wanted, 0, sizeof(w->wanted));
	rest();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	expect_reads(test, 1, 1);
	maio_stream_destroy(w->s);
}

static void stream_again(struct kunit *test)
{
	u32 pass;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (pass = 1; pass <= 3; pass++) {
		load();
		expect_reads(test, pass, pass);
		rest();
		KUNIT_EXPECT_EQ(test, w->resident, 0);
		maio_stream_reset(w->s);
	}
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_REFAULTED], 0);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 0);
	maio_stream_destroy(w->s);
}

/* Stopped in the middle: all that was brought in goes, read or not. */
static void stream_stopped(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 0; i < UNITS / 2; i++)
		consume(i);
	KUNIT_EXPECT_GT(test, w->resident, 64);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	/* And it takes nothing over any more. */
	KUNIT_EXPECT_EQ(test, look(PPC_ACCESS_MARKER, i, UNIT), PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_FALSE(test, maio_stream_wants(w->s, 0, 0, UNITS * UNIT));
	maio_stream_destroy(w->s);
}

static void stream_wants(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	KUNIT_EXPECT_TRUE(test, maio_stream_wants(w->s, 0, 0, UNIT));
	KUNIT_EXPECT_FALSE(test, maio_stream_wants(w->s, 1, 0, UNIT));
	for (i = 0; i < 128; i++)
		consume(i);
	KUNIT_EXPECT_FALSE(test, maio_stream_wants(w->s, 0, 0, 32 * UNIT));
	KUNIT_EXPECT_TRUE(test, maio_stream_wants(w->s, 0, 0, 130 * UNIT));
	KUNIT_EXPECT_TRUE(test, maio_stream_wants(w->s, 0, 128 * UNIT, UNIT));
	KUNIT_EXPECT_TRUE(test, maio_stream_spent(w->s, 0, 0));
	KUNIT_EXPECT_FALSE(test, maio_stream_spent(w->s, 1, 0));
	maio_stream_destroy(w->s);
}

/* That a chunk cannot be read is news once, and it is not read ahead again. */
static void stream_failed(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	KUNIT_EXPECT_TRUE(test, maio_streams_failed(&w->set, 0, 100 * UNIT, SZ_4K));
	KUNIT_EXPECT_FALSE(test, maio_streams_failed(&w->set, 0, 101 * UNIT, SZ_4K));
	KUNIT_EXPECT_FALSE(test, maio_streams_failed(&w->set, 1, 0, SZ_4K));
	for (i = 0; i < 64; i++)
		consume(i);
	KUNIT_EXPECT_FALSE(test, w->cached[100]);
	KUNIT_EXPECT_FALSE(test, w->cached[101]);
	KUNIT_EXPECT_TRUE(test, w->cached[99]);
	KUNIT_EXPECT_TRUE(test, w->cached[102]);
	maio_stream_destroy(w->s);
}

static u32 total_reads(void)
{
	u32 i, reads = 0;

	for (i = 0; i < UNITS; i++)
		reads += w->reads[i];
	return reads;
}

/* A reader who wants all of it again and again has it dropped at the end only. */
static void stream_returns(struct kunit *test)
{
	u32 reads;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	load();
	load();
	reads = total_reads();
	load();
	load();
	/* What was dropped before enough had come back. */
	KUNIT_EXPECT_LE(test, total_reads(), reads + UNITS / 64);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 0);
	maio_stream_destroy(w->s);
}

/* One byte is no reason to read everything. */
static void stream_first_byte(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	w->budget = UNITS * UNIT;
	touch(0);
	KUNIT_EXPECT_EQ(test, total_reads(), 16);
	/* It opens as the reader goes on. */
	for (i = 0; i < 64; i++)
		consume(i);
	KUNIT_EXPECT_GE(test, total_reads(), 128);
	KUNIT_EXPECT_LE(test, total_reads(), 64 + 128);
	for (; i < 256; i++)
		consume(i);
	KUNIT_EXPECT_GE(test, total_reads(), 512);
	maio_stream_destroy(w->s);
}

/* Headers of several files: one window in all, until a reader goes on, wherever that is. */
static void stream_headers(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	w->budget = UNITS * UNIT;
	for (i = 0; i < 4; i++)
		touch(i * UNITS / 4);
	/* Four of them by the reader, and three at the end of a file. */
	for (i = 1; i < 4; i++)
		consume(i * UNITS / 4 - 1);
	KUNIT_EXPECT_LE(test, total_reads(), 16 + 4 + 3);
	for (i = UNITS / 2; i < UNITS / 2 + 64; i++)
		consume(i);
	KUNIT_EXPECT_GE(test, total_reads(), 64);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 0);
	maio_stream_destroy(w->s);
}

/* More headers than there are cursors, then the load: that it begins late costs nothing. */
static void stream_many_headers(struct kunit *test)
{
	u32 i, j;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	w->budget = UNITS * UNIT;
	for (i = 0; i < 64; i++)
		touch(i * UNITS / 64);
	KUNIT_EXPECT_LE(test, total_reads(), 16 + 64);
	for (i = 0; i < 64; i++)
		for (j = 0; j < UNITS / 64; j++)
			consume(i * UNITS / 64 + j);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 0);
	KUNIT_EXPECT_GT(test, w->att.counts[PPC_COUNT_USEFUL], UNITS / 10 * 9 * UNIT);
	maio_stream_destroy(w->s);
}

/* Somebody looks at places at random: the chunk of each is read, then nothing. */
static void stream_random(struct kunit *test)
{
	u32 i, unit = 1;

	make(test, NULL, 0, MAIO_DROP_NEVER, 0);
	w->budget = UNITS * UNIT;
	for (i = 0; i < 2000; i++) {
		unit = unit * 1103515245 + 12345;
		touch(unit / 65536 % UNITS);
		if (i == 100)
			KUNIT_EXPECT_LE(test, total_reads(), 2 * 100 + 64);
	}
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 1);
	KUNIT_EXPECT_EQ(test, look(PPC_ACCESS_MARKER, 0, UNIT), PPC_STREAM_ELSEWHERE);
	/* A new load is read ahead again. */
	maio_stream_reset(w->s);
	memset(w->cached, 0, sizeof(w->cached));
	load();
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 1);
	KUNIT_EXPECT_GT(test, w->att.counts[PPC_COUNT_USEFUL], UNITS / 2 * UNIT);
	maio_stream_destroy(w->s);
}

/* To eight chunks, from the last to the first. */
static void come_back(void)
{
	u32 i;

	for (i = 8; i--;)
		touch(14 * i);
}

/* Some bytes came back, and the rest of a long load does not: it is dropped in the end. */
static void stream_returned(struct kunit *test)
{
	u32 i;

	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	for (i = 0; i < 128; i++)
		consume(i);
	KUNIT_EXPECT_FALSE(test, maio_stream_wants(w->s, 0, 0, 16 * UNIT));
	come_back();
	KUNIT_EXPECT_FALSE(test, maio_stream_drops(w->s));
	KUNIT_EXPECT_FALSE(test, maio_stream_spent(w->s, 0, 0));
	for (i = 128; i < UNITS; i++)
		consume(i);
	KUNIT_EXPECT_TRUE(test, maio_stream_drops(w->s));
	KUNIT_EXPECT_TRUE(test, maio_stream_spent(w->s, 0, 0));
	rest();
	/* What was read ahead for who came back is not finished. */
	KUNIT_EXPECT_LE(test, w->resident, w->budget / UNIT + 8);
	maio_stream_destroy(w->s);
}

/* The template says so: nothing is dropped before the end. */
static void stream_passes(struct kunit *test)
{
	make(test, NULL, 0, MAIO_DROP_ALWAYS, 4 * UNIT);
	w->set.passes = true;
	load();
	load();
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->resident, UNITS);
	stop();
	KUNIT_EXPECT_EQ(test, w->resident, 0);
	maio_stream_destroy(w->s);
}

/* At a ceiling nothing is read ahead unless something is dropped, whatever came back. */
static void stream_returned_at_ceiling(struct kunit *test)
{
	u32 i;

	make_ceiling(test);
	for (i = 0; i < 128; i++)
		consume(i);
	come_back();
	KUNIT_EXPECT_GE(test, w->att.counts[PPC_COUNT_REFAULTED], SZ_16M);
	for (i = 128; i < 256; i++)
		consume(i);
	w->most = 0;
	for (; i < UNITS; i++)
		consume(i);
	KUNIT_EXPECT_LE(test, w->most, 32 + 8);
	maio_stream_destroy(w->s);
}

/* Little of each chunk, then all: stock readahead is in charge, then the stream again. */
static void stream_guess(struct kunit *test)
{
	u32 i;

	make_guess(test, NULL, 0);
	for (i = 0; i < 128; i += 2)
		touch_piece(i, 3);
	KUNIT_EXPECT_EQ(test, look(PPC_ACCESS_MARKER, i, SZ_4K), PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_LE(test, w->s->issued, MAIO_WINDOW_GUESS);
	KUNIT_EXPECT_EQ(test, w->s->window.max, MAIO_WINDOW_GUESS);
	/* Stock readahead is ahead of the reader, so that there are no misses. */
	for (; i < UNITS; i++) {
		bring(i);
		bring(min(i + 1, UNITS - 1));
		touch_pieces(i);
	}
	KUNIT_EXPECT_EQ(test, w->s->window.max, MAIO_WINDOW_GUESS / 2);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&w->s->map));
	KUNIT_EXPECT_TRUE(test, w->s->map.watch.wary);
	KUNIT_EXPECT_EQ(test, w->att.counts[PPC_COUNT_FALLBACKS], 0);
	expect_reads(test, 0, 1);
	maio_stream_destroy(w->s);
}

/* Headers, tails and a little of each tensor are no load; most of a chunk is one. */
static void stream_guess_look(struct kunit *test)
{
	u32 i, piece;

	make_guess(test, NULL, 0);
	for (i = 0; i < 64; i += 2) {
		for (piece = 0; piece < 7; piece++)
			touch_piece(i, piece);
		touch_piece(i + 1, 15);
	}
	KUNIT_EXPECT_LE(test, w->s->issued, MAIO_WINDOW_LOOK_FIRST);
	KUNIT_EXPECT_FALSE(test, w->s->map.watch.load);
	/* A tail of a megabyte. */
	touch_pieces(513);
	KUNIT_EXPECT_FALSE(test, w->s->map.watch.load);
	for (piece = 0; piece < 8; piece++)
		touch_piece(512, piece);
	KUNIT_EXPECT_TRUE(test, w->s->map.watch.load);
	maio_stream_reset(w->s);
	KUNIT_EXPECT_FALSE(test, w->s->map.watch.load);
	maio_stream_destroy(w->s);
}

/* The beginning is read as expected, then somebody looks at places at random. */
static void stream_guess_random(struct kunit *test)
{
	u32 i, before, unit = 1;

	make_guess(test, NULL, 0);
	for (i = 0; i < 64; i++)
		touch_pieces(i);
	KUNIT_EXPECT_GE(test, w->s->issued, 60 * UNIT);
	/* What is not watched any more says nothing. */
	touch_piece(200, 0);
	touch_piece(202, 0);
	KUNIT_EXPECT_EQ(test, w->s->map.watch.row, 0);
	before = total_reads();
	for (i = 0; i < 500; i++) {
		unit = (unit + 82) % (UNITS - 64);
		touch_piece(64 + unit, 0);
	}
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&w->s->map));
	KUNIT_EXPECT_LE(test, total_reads(), before + 500 + 64);
	maio_stream_destroy(w->s);
}

/* Of files that are shorter than a chunk, several tell. */
static void stream_guess_small(struct kunit *test)
{
	struct ppc_range *ranges = kunit_kzalloc(test, UNITS / 2 * sizeof(*ranges), GFP_KERNEL);
	u32 i, piece;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < UNITS / 2; i++)
		ranges[i] = (struct ppc_range){ .pos = 2 * i * UNIT, .len = SZ_256K };
	make_guess(test, ranges, UNITS / 2);
	/* Five whole ones, and one of which half is taken. */
	for (i = 0; i < 24; i++) {
		for (piece = 0; piece < (i % 6 == 5 ? 2 : 4); piece++)
			touch_piece(2 * i, piece);
	}
	KUNIT_EXPECT_FALSE(test, w->s->map.watch.load);
	for (; i < 31; i++) {
		for (piece = 0; piece < 3; piece++)
			touch_piece(2 * i, piece);
	}
	KUNIT_EXPECT_TRUE(test, w->s->map.watch.load);
	maio_stream_destroy(w->s);
}

/* Of ranges as short as these, what is taken says little; but nothing is of use. */
static void stream_guess_short(struct kunit *test)
{
	struct ppc_range *ranges = kunit_kzalloc(test, UNITS / 2 * sizeof(*ranges), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < UNITS / 2; i++)
		ranges[i] = (struct ppc_range){ .pos = 2 * i * UNIT, .len = SZ_256K };
	ranges[0].len = 2 * UNIT;
	make_guess(test, ranges, UNITS / 2);
	touch_pieces(0);
	touch_pieces(1);
	for (i = 1; i < 128; i++)
		touch_piece(2 * i, 0);
	for (; i < 1000; i++)
		touch_piece(i * 82 % UNITS, 0);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&w->s->map));
	KUNIT_EXPECT_EQ(test, look(PPC_ACCESS_MARKER, 2, SZ_4K), PPC_STREAM_ELSEWHERE);
	maio_stream_destroy(w->s);
}

/* Threads that begin in neighbouring chunks seem to take little of each. */
static void stream_guess_threads(struct kunit *test)
{
	u32 i, j, piece;

	make_guess(test, NULL, 0);
	for (i = 0; i < UNITS; i += 8)
		for (piece = 0; piece < 2 * UNIT / PPC_WATCH_BYTES; piece++)
			for (j = 0; j < 8; j += 2)
				touch_piece(i + j + piece / 16, piece % 16);
	expect_reads(test, 1, 1);
	KUNIT_EXPECT_EQ(test, w->s->window.max, MAIO_WINDOW_GUESS);
	KUNIT_EXPECT_GE(test, w->s->issued, UNITS / 10 * 9 * UNIT);
	KUNIT_EXPECT_GE(test, w->s->useful, UNITS / 10 * 9 * UNIT);
	KUNIT_EXPECT_GE(test, w->s->read, UNITS / 10 * 9 * UNIT);
	maio_stream_destroy(w->s);
}

static struct kunit_case stream_cases[] = {
	KUNIT_CASE(stream_sequential),
	KUNIT_CASE(stream_mapped),
	KUNIT_CASE(stream_kept),
	KUNIT_CASE(stream_tight),
	KUNIT_CASE(stream_by_turns),
	KUNIT_CASE(stream_lagging),
	KUNIT_CASE(stream_rests),
	KUNIT_CASE(stream_end_first),
	KUNIT_CASE(stream_skips),
	KUNIT_CASE(stream_ceiling),
	KUNIT_CASE(stream_shuffled),
	KUNIT_CASE(stream_backwards),
	KUNIT_CASE(stream_short_of_memory),
	KUNIT_CASE(stream_pinned),
	KUNIT_CASE(stream_wanted),
	KUNIT_CASE(stream_again),
	KUNIT_CASE(stream_stopped),
	KUNIT_CASE(stream_wants),
	KUNIT_CASE(stream_failed),
	KUNIT_CASE(stream_returns),
	KUNIT_CASE(stream_first_byte),
	KUNIT_CASE(stream_headers),
	KUNIT_CASE(stream_many_headers),
	KUNIT_CASE(stream_random),
	KUNIT_CASE(stream_returned),
	KUNIT_CASE(stream_passes),
	KUNIT_CASE(stream_returned_at_ceiling),
	KUNIT_CASE(stream_guess),
	KUNIT_CASE(stream_guess_look),
	KUNIT_CASE(stream_guess_random),
	KUNIT_CASE(stream_guess_short),
	KUNIT_CASE(stream_guess_small),
	KUNIT_CASE(stream_guess_threads),
	{}
};

static struct kunit_suite stream_suite = {
	.name = "ppc_maio_stream",
	.test_cases = stream_cases,
};

kunit_test_suite(stream_suite);
