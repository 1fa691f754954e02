// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: many readers of one stream, and readers that are gone.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define SHARD		40
#define MOST		SZ_4M

/* Begin at the first chunks of so many shards. */
static void begin(struct maio_sample *s, u32 readers)
{
	u32 i;

	for (i = 0; i < readers; i++)
		maio_sample_miss(s, i * SHARD);
}

/*
 * By turns, in a random order, each with a pause now and then; every chunk is
 * read ahead once, and before its reader comes.
 */
static void readers_of_shards(struct kunit *test)
{
	u32 pos[MAIO_CURSORS], left = MAIO_CURSORS * SHARD, issued, i;
	struct maio_sample *s = maio_sample_files(test, MAIO_CURSORS, SHARD);
	u64 budget = MAIO_CURSORS * 4 * MAIO_CHUNK_SIZE, useful = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 0x5050433);
	begin(s, MAIO_CURSORS);
	for (i = 0; i < MAIO_CURSORS; i++)
		pos[i] = i * SHARD;
	issued = maio_sample_fill(s, budget, MOST);
	while (left) {
		i = maio_sample_random(&rnd, MAIO_CURSORS);
		if (pos[i] == (i + 1) * SHARD)
			continue;
		maio_sample_read(s, pos[i]);
		KUNIT_EXPECT_FALSE(test, s->out.interrupted);
		KUNIT_EXPECT_EQ_MSG(test, s->out.hit, PPC_STREAM_COVERED,
				    "reader %u at %u", i, pos[i]);
		useful += s->out.useful;
		pos[i]++;
		left--;
		issued += maio_sample_fill(s, budget, MOST);
	}
	KUNIT_EXPECT_EQ(test, issued, s->map.nr_chunks);
	KUNIT_EXPECT_EQ(test, useful, s->map.nr_chunks * MAIO_CHUNK_SIZE);
}

/* Who has the least ahead of it goes first; so all get their share. */
static void readers_share_budget(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 4, SHARD);
	u32 i;

	begin(s, 4);
	maio_sample_fill(s, 4 * 8 * MAIO_CHUNK_SIZE, MOST);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map),
			4 * 8 * MAIO_CHUNK_SIZE);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ_MSG(test, s->cursors.cursor[i].next,
				    i * SHARD + 8, "reader %u", i);
}

/* The budget is used up by one reader; each of the others gets its share. */
static void check_share(struct kunit *test, u32 readers, u32 share)
{
	struct maio_sample *s = maio_sample_files(test, readers, SHARD);
	const u32 budget = 32;
	u32 i;

	maio_sample_miss(s, 0);
	/* The first batch is bounded by the budget only. */
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, budget * MAIO_CHUNK_SIZE,
						 MAIO_SAMPLE_ALL));
	KUNIT_EXPECT_EQ(test, s->batch.nr, budget);
	KUNIT_EXPECT_EQ(test, s->batch.before, 0);
	KUNIT_EXPECT_EQ(test, s->batch.ahead, 0);
	maio_sample_issue(s);
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, budget * MAIO_CHUNK_SIZE,
						  MAIO_SAMPLE_ALL));
	for (i = 1; i < readers; i++)
		maio_sample_miss(s, i * SHARD);
	for (i = 1; i < readers; i++) {
		/* A chunk is read, and the rest of the share in one go. */
		KUNIT_ASSERT_TRUE(test,
				  maio_sample_pick(s, budget * MAIO_CHUNK_SIZE, 1));
		KUNIT_EXPECT_EQ(test, s->batch.nr, 1);
		KUNIT_EXPECT_EQ(test, s->batch.cursor, i);
		KUNIT_EXPECT_EQ(test, s->batch.before, 0);
		KUNIT_EXPECT_EQ(test, s->batch.ahead,
				(budget + i - 1) * MAIO_CHUNK_SIZE);
		maio_sample_issue(s);
	}
	for (i = 1; i < readers; i++) {
		KUNIT_ASSERT_TRUE(test,
				  maio_sample_pick(s, budget * MAIO_CHUNK_SIZE,
						   MAIO_SAMPLE_ALL));
		KUNIT_EXPECT_EQ(test, s->batch.nr, share - 1);
		KUNIT_EXPECT_EQ(test, s->batch.cursor, i);
		KUNIT_EXPECT_EQ(test, s->batch.before, MAIO_CHUNK_SIZE);
		maio_sample_issue(s);
	}
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, budget * MAIO_CHUNK_SIZE,
						  MAIO_SAMPLE_ALL));
}

/* Half of the budget by turns, but a 16th of all of it at least. */
static void readers_shares(struct kunit *test)
{
	check_share(test, 2, 8);
	check_share(test, 4, 4);
	check_share(test, MAIO_CURSORS, 2);
}

/*
 * A slow reader's window reaches the shard that a fast one has done with. What
 * was consumed there is not ahead of anybody, and must not use up the budget.
 */
static void readers_step_over_consumed(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 4, SHARD);
	u64 budget = 32 * MAIO_CHUNK_SIZE;
	u32 chunk;

	maio_sample_miss(s, SHARD / 2);
	maio_sample_miss(s, SHARD);
	maio_sample_fill(s, budget, MOST);
	for (chunk = SHARD; chunk < 3 * SHARD; chunk++) {
		maio_sample_read(s, chunk);
		KUNIT_EXPECT_EQ_MSG(test, s->out.hit, PPC_STREAM_COVERED,
				    "chunk %u", chunk);
		maio_sample_fill(s, budget, MOST);
		/* The other one goes on at a quarter of the speed. */
		if (chunk % 4 == 0) {
			maio_sample_read(s, SHARD / 4 + chunk / 4);
			maio_sample_fill(s, budget, MOST);
		}
	}
}

/*
 * One begins in the window of another, and gets away from it. What it has
 * passed is not ahead of the other, and what is ahead of both is there once.
 */
static void readers_in_one_window(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 4 * SHARD);
	u64 budget = 64 * MAIO_CHUNK_SIZE;
	u32 chunk;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, budget, MOST);
	for (chunk = 32; chunk < 4 * SHARD; chunk++) {
		maio_sample_read(s, chunk);
		KUNIT_EXPECT_EQ_MSG(test, s->out.hit, PPC_STREAM_COVERED,
				    "chunk %u", chunk);
		KUNIT_EXPECT_FALSE(test, s->out.interrupted);
		maio_sample_fill(s, budget, MOST);
	}
}

/* One more than can be followed takes the place of the longest idle one. */
static void readers_too_many(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, MAIO_CURSORS + 2, SHARD);

	begin(s, MAIO_CURSORS);
	maio_sample_read(s, 0);
	maio_sample_miss(s, MAIO_CURSORS * SHARD);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);

	/* The first one had just been there; the second one's place is gone. */
	maio_sample_read(s, 1);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	maio_sample_read(s, 2 * SHARD);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	maio_sample_miss(s, SHARD);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);
}

/* Far more than can be followed, by turns: all gets read, nothing is lost. */
static void readers_far_too_many(struct kunit *test)
{
	const u32 readers = 2 * MAIO_CURSORS;
	struct maio_sample *s = maio_sample_files(test, readers, SHARD);
	u64 consumed = 0;
	u32 chunk, i;

	for (chunk = 0; chunk < SHARD; chunk++) {
		for (i = 0; i < readers; i++) {
			maio_sample_read(s, i * SHARD + chunk);
			consumed += s->out.consumed;
			maio_sample_fill(s, 64 * MAIO_CHUNK_SIZE, MOST);
		}
	}
	KUNIT_EXPECT_EQ(test, consumed, s->map.nr_chunks * MAIO_CHUNK_SIZE);
	for (i = 0; i < s->map.nr_chunks; i++)
		KUNIT_EXPECT_TRUE(test, maio_chunk(&s->map, i) & MAIO_CHUNK_READ);
}

/* At a given time of the clock, which wraps. */
static void check_idle(struct kunit *test, u32 clock)
{
	struct maio_sample *s = maio_sample_files(test, 2, SHARD);
	u64 ahead;
	u32 i;

	s->cursors.clock = clock;
	maio_sample_miss(s, SHARD);
	maio_sample_fill(s, 8 * MAIO_CHUNK_SIZE, MOST);
	maio_sample_miss(s, 0);
	ahead = maio_cursors_ahead(&s->cursors, &s->map);
	KUNIT_EXPECT_EQ(test, ahead, 8 * MAIO_CHUNK_SIZE);
	for (i = 2; i < MAIO_CURSOR_IDLE; i++)
		maio_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), ahead);
	maio_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);

	/* Nor is anything read for it, until it comes back. */
	while (maio_sample_pick(s, 8 * MAIO_CHUNK_SIZE, MOST)) {
		maio_sample_issue(s);
		KUNIT_ASSERT_LT(test, s->batch.first, 8);
	}
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map),
			8 * MAIO_CHUNK_SIZE);
	maio_sample_read(s, SHARD);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map),
			(8 + 7) * MAIO_CHUNK_SIZE);
}

static void readers_idle(struct kunit *test)
{
	check_idle(test, 0);
	check_idle(test, U32_MAX - 1);
	check_idle(test, U32_MAX - MAIO_CURSOR_IDLE / 2);
}

/* Every reader has its gap. */
static void readers_hold(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 2, SHARD);

	begin(s, 2);
	maio_sample_read(s, 9);
	maio_sample_read(s, SHARD + 9);
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(&s->cursors, &s->map, 9,
						  MAIO_CHUNK_SIZE));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(&s->cursors, &s->map, 5,
						   MAIO_CHUNK_SIZE));
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(&s->cursors, &s->map,
						  SHARD + 9, MAIO_CHUNK_SIZE));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(&s->cursors, &s->map,
						   SHARD + 5, MAIO_CHUNK_SIZE));
}

static bool is_read(const struct maio_sample *s, u32 chunk)
{
	return maio_chunk(&s->map, chunk) & MAIO_CHUNK_READ;
}

/* Behind the first of two near each other, nothing goes under the second. */
static void readers_lag(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 4 * SHARD);
	u32 first = 8, second, chunk;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, first);
	for (second = 0; second < 2 * MAIO_CURSOR_SLACK; second++, first++) {
		for (chunk = second; chunk < 8; chunk++)
			KUNIT_EXPECT_FALSE(test, is_read(s, chunk));
		maio_sample_read(s, first);
		maio_sample_read(s, second);
		KUNIT_EXPECT_TRUE(test, is_read(s, second));
	}
	for (chunk = 0; chunk < first; chunk++)
		KUNIT_EXPECT_TRUE(test, is_read(s, chunk));
}

/* Of a mapping one sees where it is touched: who has come in may not be out. */
static void readers_touch(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 4 * SHARD);

	maio_sample_miss(s, 0);
	maio_sample_touch(s, 10);
	maio_sample_touch(s, 2);
	KUNIT_EXPECT_FALSE(test, is_read(s, 2));
	maio_sample_touch(s, 11);
	maio_sample_touch(s, 2);
	KUNIT_EXPECT_FALSE(test, is_read(s, 2));
	maio_sample_touch(s, 3);
	KUNIT_EXPECT_TRUE(test, is_read(s, 2));
	KUNIT_EXPECT_TRUE(test, is_read(s, 10));
	KUNIT_EXPECT_FALSE(test, is_read(s, 3));
}

/* How far is far: beyond what was leapt over, and what one was only in. */
static void check_lag(struct kunit *test, u32 lag)
{
	struct maio_sample *s = maio_sample_files(test, 1, 4 * SHARD);
	u32 at = 9, chunk;

	s->lag = lag;
	maio_sample_miss(s, 0);
	for (; at < lag + 11; at++) {
		maio_sample_touch(s, at);
		for (chunk = 0; chunk < at + 2; chunk++)
			KUNIT_EXPECT_EQ(test, chunk + lag >= at && chunk < at,
					maio_cursors_skipped(&s->cursors,
							     chunk));
		for (chunk = 0; chunk < 9; chunk++)
			KUNIT_EXPECT_EQ_MSG(test, is_read(s, chunk),
					    chunk + lag < at,
					    "chunk %u at %u", chunk, at);
	}
}

static void readers_far_beyond(struct kunit *test)
{
	check_lag(test, MAIO_CURSOR_LAG);
	check_lag(test, 1);
	check_lag(test, 0);
}

/* The nearest cursor is moved, and none that is out of reach. */
static void readers_nearest(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 4 * SHARD);

	maio_sample_miss(s, 40);
	maio_sample_miss(s, 40 + MAIO_CURSOR_SLACK);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	maio_sample_miss(s, 40 + 2 * MAIO_CURSOR_SLACK + 1);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);
	/* Two cursors, at 56 and at 73. */
	maio_sample_read(s, 66);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].pos, 56);
	maio_sample_read(s, 62);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].pos, 63);
}

static struct kunit_case cursor_readers_cases[] = {
	KUNIT_CASE(readers_of_shards),
	KUNIT_CASE(readers_share_budget),
	KUNIT_CASE(readers_shares),
	KUNIT_CASE(readers_step_over_consumed),
	KUNIT_CASE(readers_in_one_window),
	KUNIT_CASE(readers_too_many),
	KUNIT_CASE(readers_far_too_many),
	KUNIT_CASE(readers_idle),
	KUNIT_CASE(readers_hold),
	KUNIT_CASE(readers_lag),
	KUNIT_CASE(readers_touch),
	KUNIT_CASE(readers_far_beyond),
	KUNIT_CASE(readers_nearest),
	{}
};

static struct kunit_suite cursor_readers_suite = {
	.name = "ppc_cursor_readers",
	.test_cases = cursor_readers_cases,
};

kunit_test_suite(cursor_readers_suite);
