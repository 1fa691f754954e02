// SPDX-License-Identifier: GPL-2.0
/*
 * What readers take of the chunks that they pass.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define PIECES		(MAIO_CHUNK_SIZE / PPC_WATCH_BYTES)
#define WATCHED		MAIO_CHUNK_WATCHED

static struct maio_sample *watched(struct kunit *test, u32 chunks)
{
	struct maio_sample *s = maio_sample_files(test, 1, chunks);

	KUNIT_ASSERT_EQ(test, maio_watch_start(&s->map), 0);
	return s;
}

static void is_read_ahead(struct maio_sample *s, u32 chunk)
{
	maio_chunk_set(&s->map, chunk, maio_chunk(&s->map, chunk) | MAIO_CHUNK_CACHED);
}

/* A marker in each of the next pieces; what was taken of chunks that had been finished. */
static u64 come_to(struct maio_sample *s, u32 chunk, u32 pieces)
{
	struct ppc_range bytes;
	u64 late = 0, from;

	maio_map_chunk(&s->map, chunk, &bytes);
	from = bytes.pos;
	if (s->map.state[chunk] & MAIO_CHUNK_WATCHED)
		from += hweight32(s->map.watch.taken[chunk]) * PPC_WATCH_BYTES;
	for (; pieces--; from += PPC_WATCH_BYTES)
		late += maio_watch_access(&s->map, chunk, from, from + 1);
	return late;
}

/* The reader goes on to a chunk, having come to so many pieces of the one before it. */
static void go_on(struct maio_sample *s, u32 chunk, u32 pieces)
{
	if (pieces)
		maio_watch_begin(&s->map, chunk - 1, 1);
	is_read_ahead(s, chunk - 1);
	maio_sample_touch(s, chunk - 1);
	KUNIT_EXPECT_EQ(s->test, come_to(s, chunk - 1, pieces), 0);
	maio_sample_touch(s, chunk);
}

static void watch_off(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 2);

	KUNIT_EXPECT_FALSE(test, maio_watch_begin(&s->map, 0, 1));
	KUNIT_EXPECT_EQ(test, come_to(s, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, maio_watch_finish(&s->map, 0), MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
}

/* Less and less is watched; all again once little was taken, and for longer. */
static void watch_trusts(struct kunit *test)
{
	struct maio_sample *s = watched(test, 1000);
	u32 i, nr = 0;

	for (i = 0; i < 600; i++) {
		nr += maio_watch_begin(&s->map, i, 1);
		is_read_ahead(s, i);
		come_to(s, i, PIECES);
		maio_watch_finish(&s->map, i);
		if (i == 3)
			KUNIT_EXPECT_EQ(test, nr, 4);
		if (i == 3 + 8)
			KUNIT_EXPECT_EQ(test, nr, 8);
		if (i == 3 + 8 + 16)
			KUNIT_EXPECT_EQ(test, nr, 12);
	}
	KUNIT_EXPECT_EQ(test, nr, 12 + (600 - 28) / 8);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));

	while (!maio_watch_begin(&s->map, i, 1))
		i++;
	maio_watch_finish(&s->map, i);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, ++i, 1));
	maio_watch_finish(&s->map, i);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	for (nr = 0; nr < 64; nr++) {
		KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, ++i, 1));
		is_read_ahead(s, i);
		come_to(s, i, PIECES);
		maio_watch_finish(&s->map, i);
	}
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_FALSE(test, maio_watch_begin(&s->map, ++i, 1));
	/* What is not watched counts as taken, whatever is seen of it. */
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, i), MAIO_CHUNK_SIZE);
	is_read_ahead(s, i);
	KUNIT_EXPECT_EQ(test, come_to(s, i, 1), 0);
	KUNIT_EXPECT_EQ(test, maio_watch_finish(&s->map, i), MAIO_CHUNK_SIZE);
}

static void watch_counts(struct kunit *test)
{
	struct maio_sample *s = watched(test, 9);

	go_on(s, 1, PIECES);
	KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.read, MAIO_CHUNK_SIZE);
	go_on(s, 2, PIECES / 4);
	KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE / 4);
	KUNIT_EXPECT_EQ(test, s->out.read, MAIO_CHUNK_SIZE / 4);
	KUNIT_EXPECT_EQ(test, s->out.consumed, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	go_on(s, 3, PIECES / 4 - 1);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	go_on(s, 4, 1);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	/* To begin again takes more. */
	go_on(s, 5, PIECES / 2 - 1);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_FALSE(test, s->map.watch.wary);
	go_on(s, 6, PIECES / 2);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_TRUE(test, s->map.watch.wary);
	KUNIT_EXPECT_EQ(test, s->map.watch.trust, 1);
	/* More markers than a chunk has pieces. */
	go_on(s, 7, 3 * PIECES);
	KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
}

/* What was cached before the load says nothing. */
static void watch_cached(struct kunit *test)
{
	struct maio_sample *s = watched(test, 8);
	u32 i;

	for (i = 1; i < 4; i++) {
		go_on(s, i, 0);
		KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
	}
	KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, 4, 2));
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 3), MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 4), 0);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 5), 0);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 6), MAIO_CHUNK_SIZE);
	maio_watch_cancel(&s->map, 4, 2, SZ_1M);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 4), 0);
	maio_watch_cancel(&s->map, 4, 2, SZ_1M + 1);
	go_on(s, 5, 0);
	go_on(s, 6, 0);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_EQ(test, s->map.watch.trust, 0);
}

/* A copy comes to its end first, and so into the next chunk, and then goes on. */
static void watch_late(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	go_on(s, 1, 1);
	go_on(s, 2, 1);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_EQ(test, come_to(s, 1, PIECES / 2 - 2), (PIECES / 2 - 2) * PPC_WATCH_BYTES);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_EQ(test, come_to(s, 1, PIECES), MAIO_CHUNK_SIZE - (PIECES / 2 - 1) *
			PPC_WATCH_BYTES);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_FALSE(test, s->map.watch.wary);
	/* Two more make a row again, one does not. */
	go_on(s, 3, 1);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
}

/* What is not read ahead has the markers of stock readahead, or none. */
static void watch_stock(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	maio_watch_access(&s->map, 0, 0, SZ_128K);
	maio_sample_miss(s, 0);
	maio_watch_access(&s->map, 0, SZ_128K, SZ_128K + 1);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), SZ_128K + PPC_WATCH_BYTES);
	/* The same piece again, and from one into the next. */
	maio_watch_access(&s->map, 0, SZ_128K + 1, SZ_128K + PPC_WATCH_BYTES);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], 0x7);
	maio_watch_access(&s->map, 0, SZ_1M - 1, SZ_1M + 1);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], 0x18007);
	maio_watch_access(&s->map, 0, MAIO_CHUNK_SIZE - 1, SZ_1G);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], 0x80018007);
	/* Bytes of other chunks. */
	maio_watch_access(&s->map, 0, MAIO_CHUNK_SIZE, SZ_1G);
	maio_watch_access(&s->map, 2, 0, 2 * MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], 0x80018007);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 2), 0);
	maio_watch_access(&s->map, 1, 0, SZ_1G);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[1], U32_MAX);
	maio_watch_access(&s->map, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[1], 0);
}

/* Stock readahead has begun a chunk when the rest is read ahead. */
static void watch_begun(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	maio_watch_access(&s->map, 0, SZ_1M, SZ_1M + SZ_4K);
	maio_sample_touch(s, 0);
	KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, 0, 2));
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), PPC_WATCH_BYTES);
	maio_watch_cancel(&s->map, 0, 2, SZ_128K);
	is_read_ahead(s, 0);
	maio_watch_access(&s->map, 0, 0, SZ_1M);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), SZ_1M + PPC_WATCH_BYTES);
	/* It is dropped, and read ahead again. */
	maio_chunk_set(&s->map, 0, MAIO_CHUNK_AGAIN | WATCHED);
	KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, 0, 1));
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), 0);
	/* Nothing was known of it. */
	maio_chunk_set(&s->map, 0, MAIO_CHUNK_SEEN);
	KUNIT_EXPECT_TRUE(test, maio_watch_begin(&s->map, 0, 1));
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), 0);
}

/* A reader that does not come back, with little of its last chunk. */
static void watch_leaves(struct kunit *test)
{
	struct maio_sample *s = watched(test, 64 * MAIO_CURSORS);
	u32 i;

	for (i = 0; i < MAIO_CURSORS + 1; i++) {
		come_to(s, 32 * i, 1);
		maio_sample_touch(s, 32 * i);
		KUNIT_EXPECT_EQ(test, s->map.watch.row, i / MAIO_CURSORS);
	}
	/* The last chunk was finished before, or is where the next reader begins. */
	maio_chunk_set(&s->map, 32, maio_chunk(&s->map, 32) | MAIO_CHUNK_READ);
	maio_sample_touch(s, 32 * i);
	KUNIT_EXPECT_EQ(test, s->map.watch.row, 1);
	maio_sample_touch(s, 32 * ++i);
	KUNIT_EXPECT_EQ(test, s->map.watch.row, 2);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
}

static void watch_suspends(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	maio_watch_suspend(&s->map);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	go_on(s, 1, PIECES / 2);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_TRUE(test, s->map.watch.wary);
}

/* What was finished is of use when it was read ahead, and not if stock readahead read it. */
static void watch_finished(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	go_on(s, 1, 1);
	maio_chunk_set(&s->map, 0, WATCHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ);
	KUNIT_EXPECT_EQ(test, come_to(s, 0, 1), 0);
	maio_chunk_set(&s->map, 0, WATCHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_CACHED);
	KUNIT_EXPECT_EQ(test, come_to(s, 0, 1), 0);
	maio_chunk_set(&s->map, 0, WATCHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ | MAIO_CHUNK_CACHED);
	KUNIT_EXPECT_EQ(test, come_to(s, 0, 1), PPC_WATCH_BYTES);
}

/* Another load begins with nothing taken. */
static void watch_passes(struct kunit *test)
{
	struct maio_sample *s = watched(test, 6);

	go_on(s, 1, PIECES);
	go_on(s, 2, 1);
	go_on(s, 3, 1);
	go_on(s, 4, 1);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
	maio_cursors_reset(&s->cursors, &s->map);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	maio_watch_access(&s->map, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), PPC_WATCH_BYTES);
}

/* A part of a short chunk says little. */
static void watch_short(struct kunit *test)
{
	struct ppc_range ranges[] = {
		{ .len = SZ_512K - 1 }, { .pos = SZ_4M, .len = SZ_512K - 1 },
		{ .pos = SZ_8M, .len = SZ_512K }, { .pos = SZ_16M, .len = SZ_512K },
		{ .pos = SZ_32M, .len = 1 },
	};
	struct maio_sample *s = maio_sample_create(test, ranges, ARRAY_SIZE(ranges));

	KUNIT_ASSERT_EQ(test, maio_watch_start(&s->map), 0);
	go_on(s, 1, 1);
	go_on(s, 2, 1);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	KUNIT_EXPECT_EQ(test, s->out.useful, PPC_WATCH_BYTES);
	go_on(s, 3, 1);
	KUNIT_EXPECT_FALSE(test, maio_watch_sparse(&s->map));
	go_on(s, 4, 1);
	KUNIT_EXPECT_TRUE(test, maio_watch_sparse(&s->map));
}

/* Three quarters of a chunk show a load, at once. */
static void watch_load(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);

	maio_watch_begin(&s->map, 0, 1);
	is_read_ahead(s, 0);
	come_to(s, 0, 23);
	KUNIT_EXPECT_FALSE(test, s->map.watch.load);
	KUNIT_EXPECT_EQ(test, maio_watch_finish(&s->map, 0), 23 * PPC_WATCH_BYTES);
	KUNIT_EXPECT_FALSE(test, s->map.watch.load);
	come_to(s, 0, 1);
	KUNIT_EXPECT_TRUE(test, s->map.watch.load);
}

/* So do short ones in a row, when they are finished. */
static void watch_load_short(struct kunit *test)
{
	struct ppc_range ranges[8];
	struct maio_sample *s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct ppc_range){ .pos = i * SZ_2M, .len = SZ_256K };
	s = maio_sample_create(test, ranges, ARRAY_SIZE(ranges));
	KUNIT_ASSERT_EQ(test, maio_watch_start(&s->map), 0);
	maio_watch_begin(&s->map, 0, ARRAY_SIZE(ranges));
	for (i = 0; i < 7; i++) {
		is_read_ahead(s, i);
		come_to(s, i, i ? 3 : 2);
		KUNIT_EXPECT_EQ(test, s->map.watch.whole, i ? (i - 1) * SZ_256K : 0);
		KUNIT_EXPECT_FALSE(test, s->map.watch.load);
		maio_watch_finish(&s->map, i);
	}
	KUNIT_EXPECT_TRUE(test, s->map.watch.load);
	maio_watch_finish(&s->map, 7);
	KUNIT_EXPECT_EQ(test, s->map.watch.whole, 0);
}

static u64 told(struct maio_sample *s, u32 last, u64 pos, u64 len, u64 folio, u64 window)
{
	const struct ppc_access access = {
		.pos = pos, .len = len, .window = window,
		.folio_pos = folio, .folio_len = folio ? 2 * PPC_WATCH_BYTES : 0,
	};

	return maio_watch_accesses(&s->map, pos / MAIO_CHUNK_SIZE, last, &access);
}

/* What an access shows: its folio if it tells one, and all that stock readahead reads. */
static void watch_accesses(struct kunit *test)
{
	struct maio_sample *s = watched(test, 4);
	const u64 piece = PPC_WATCH_BYTES, two = 2 * MAIO_CHUNK_SIZE;
	u32 i;

	maio_watch_begin(&s->map, 0, 4);
	is_read_ahead(s, 0);
	told(s, 0, 3 * piece + 5, 1, 2 * piece, 0);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], BIT(2) | BIT(3));
	told(s, 0, 5 * piece + 5, piece, 0, 0);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[0], BIT(2) | BIT(3) | BIT(5) | BIT(6));
	told(s, 0, 10 * piece, 1, 0, 8 * piece);
	KUNIT_EXPECT_EQ(test, maio_watch_taken(&s->map, 0), 5 * piece);
	told(s, 1, MAIO_CHUNK_SIZE + piece, 1, 0, 4 * piece);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[1], GENMASK(4, 1));

	for (i = 2; i < 4; i++)
		maio_chunk_set(&s->map, i, WATCHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ |
			       MAIO_CHUNK_CACHED);
	KUNIT_EXPECT_EQ(test, told(s, 3, two + 31 * piece, 2 * piece, 0, 0), 2 * piece);
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[2], BIT(31));
	KUNIT_EXPECT_EQ(test, s->map.watch.taken[3], BIT(0));
}

static struct kunit_case maio_watch_cases[] = {
	KUNIT_CASE(watch_off),
	KUNIT_CASE(watch_trusts),
	KUNIT_CASE(watch_counts),
	KUNIT_CASE(watch_cached),
	KUNIT_CASE(watch_late),
	KUNIT_CASE(watch_stock),
	KUNIT_CASE(watch_begun),
	KUNIT_CASE(watch_leaves),
	KUNIT_CASE(watch_suspends),
	KUNIT_CASE(watch_finished),
	KUNIT_CASE(watch_passes),
	KUNIT_CASE(watch_short),
	KUNIT_CASE(watch_load),
	KUNIT_CASE(watch_load_short),
	KUNIT_CASE(watch_accesses),
	{}
};

static struct kunit_suite maio_watch_suite = {
	.name = "maio_watch",
	.test_cases = maio_watch_cases,
};

kunit_test_suite(maio_watch_suite);
