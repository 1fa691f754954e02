// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: one reader, the batches that are read ahead of it,
 * and what is counted.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define CHUNKS		200
#define BUDGET		(32 * PPC_CHUNK_SIZE)
#define MOST		SZ_4M

static void cursor_nobody(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, PPC_SAMPLE_ALL, MOST));
	KUNIT_EXPECT_EQ(test, ppc_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_EXPECT_FALSE(test, ppc_cursors_at_end(&s->cursors, &s->map));
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(&s->cursors, &s->map, 0,
						  U64_MAX));
}

static void cursor_first_access(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 50);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->out.useful, 0);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 50);
	KUNIT_EXPECT_EQ(test, s->batch.nr, 2);
}

/* Every chunk is read ahead once, in order, across files, and used. */
static void cursor_sequential(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 4, CHUNKS / 4);
	u64 useful = 0, consumed = 0;
	u32 chunk, issued;

	ppc_sample_miss(s, 0);
	issued = ppc_sample_fill(s, BUDGET, MOST);
	for (chunk = 0; chunk < s->map.nr_chunks; chunk++) {
		ppc_sample_read(s, chunk);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_FALSE(test, s->out.interrupted);
		useful += s->out.useful;
		consumed += s->out.consumed;
		issued += ppc_sample_fill(s, BUDGET, MOST);
		KUNIT_EXPECT_LT(test, ppc_cursors_ahead(&s->cursors, &s->map),
				BUDGET + MOST);
	}
	KUNIT_EXPECT_EQ(test, issued, s->map.nr_chunks);
	KUNIT_EXPECT_EQ(test, useful, CHUNKS * PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, consumed, CHUNKS * PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, ppc_cursors_ahead(&s->cursors, &s->map), 0);
}

/* One access may consume much at once, and half a chunk is not consumed. */
static void cursor_long_read(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	struct ppc_step step = { .chunk = 0, .last = 39, .uptodate = true };

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 39 * PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.useful, BUDGET);
	KUNIT_EXPECT_EQ(test, s->map.state[39] & PPC_CHUNK_CONSUMED, 0);
	step.whole = true;
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.useful, 0);
	/* Passed before. */
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 40);
}

/* What the reader has come to by itself is not read ahead any more. */
static void cursor_reader_ahead(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	ppc_sample_issue(s);
	ppc_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 8);
	/* It has left two of them behind, and nobody had read the others. */
	KUNIT_EXPECT_EQ(test, s->out.consumed, 8 * PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.useful, 2 * PPC_CHUNK_SIZE);
}

static void cursor_jump(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	ppc_sample_issue(s);
	ppc_sample_miss(s, 150);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 150);
}

/* A jump to what is there already moves nothing away. */
static void cursor_jump_to_covered(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	ppc_sample_read(s, 30);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
}

/*
 * The worker has used up the budget long before the reader jumps. It must not
 * have to wait for the place that nobody reads any more.
 */
static void cursor_jump_with_budget_used_up(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	ppc_sample_miss(s, 150);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 150);
}

static void cursor_budget(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	u64 budget;

	/* Not a multiple of a batch, nor of a chunk. */
	for (budget = 1; budget < BUDGET; budget += SZ_1M + 12345) {
		ppc_cursors_reset(&s->cursors, &s->map);
		ppc_sample_miss(s, 0);
		ppc_sample_fill(s, budget, 16 * PPC_CHUNK_SIZE);
		/* A chunk is the least that can be read. */
		KUNIT_EXPECT_LT_MSG(test,
				    ppc_cursors_ahead(&s->cursors, &s->map),
				    budget + PPC_CHUNK_SIZE,
				    "budget %llu", budget);
		KUNIT_EXPECT_GE(test, ppc_cursors_ahead(&s->cursors, &s->map),
				budget - budget % PPC_CHUNK_SIZE);
	}
	ppc_cursors_reset(&s->cursors, &s->map);
	ppc_sample_miss(s, 0);
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, 0, MOST));
}

/* A chunk is always in the batch, but no second one beyond the limit. */
static void cursor_batch_limit(struct kunit *test)
{
	static const u64 limits[] = {
		0, 1, SZ_2M - 1, SZ_2M, SZ_4M - 1, SZ_4M, SZ_4M + 1, SZ_16M,
	};
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		u64 expected = max(limits[i] >> PPC_CHUNK_SHIFT, 1ULL);

		ppc_cursors_reset(&s->cursors, &s->map);
		ppc_sample_miss(s, 0);
		KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, PPC_SAMPLE_ALL,
							limits[i]));
		KUNIT_EXPECT_EQ(test, s->batch.nr, expected);
	}
}

static void cursor_batch_contiguous(struct kunit *test)
{
	static const struct ppc_range ranges[] = {
		/* Adjacent, as if one; a hole; the same place in a file. */
		{ .file = 0, .pos = 0, .len = 4096 },
		{ .file = 0, .pos = 4096, .len = SZ_2M },
		{ .file = 0, .pos = SZ_8M, .len = 4096 },
		{ .file = 1, .pos = SZ_8M + 4096, .len = 4096 },
		/* In front of the one before. */
		{ .file = 1, .pos = SZ_8M, .len = 4096 },
	};
	static const u32 batches[] = { 3, 1, 1, 1 };
	struct ppc_sample *s = ppc_sample_create(test, ranges,
						 ARRAY_SIZE(ranges));
	int i;

	ppc_sample_miss(s, 0);
	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, SZ_16M));
		KUNIT_EXPECT_EQ_MSG(test, s->batch.nr, batches[i], "batch %d",
				    i);
		ppc_sample_issue(s);
	}
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, BUDGET, SZ_16M));
}

/* Islands of what is there or was passed are stepped over. */
static void cursor_batch_skips(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, 12);

	s->map.state[1] = PPC_CHUNK_ISSUED;
	s->map.state[4] = PPC_CHUNK_CONSUMED;
	s->map.state[5] = PPC_CHUNK_ISSUED | PPC_CHUNK_CONSUMED;
	s->map.state[11] = PPC_CHUNK_ISSUED;
	ppc_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, ppc_sample_fill(s, PPC_SAMPLE_ALL, SZ_16M), 8);
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, PPC_SAMPLE_ALL, SZ_16M));
}

static void cursor_unpick(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	struct ppc_batch batch;

	ppc_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	batch = s->batch;
	ppc_cursors_unpick(&s->cursors, &batch);
	KUNIT_EXPECT_EQ(test, ppc_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_MEMEQ(test, &s->batch, &batch, sizeof(batch));

	/* The reader has passed half of it meanwhile. */
	ppc_sample_read(s, 0);
	ppc_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_EQ(test, ppc_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 1);

	/* All of it, and more. */
	ppc_sample_miss(s, 10);
	ppc_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 10);

	/* There is nobody left. */
	ppc_cursors_reset(&s->cursors, &s->map);
	ppc_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, BUDGET, MOST));
}

/* Late once, and only if it was read ahead and is on its way. */
static void cursor_late(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	struct ppc_step step = { .chunk = 1, .last = 1 };

	ppc_sample_miss(s, 0);
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	step = (struct ppc_step){ .chunk = 2, .last = 2, .uptodate = true };
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	step.uptodate = false;
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, PPC_CHUNK_SIZE);
	ppc_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
}

/* What cannot be read is left to the reader, in later passes, too. */
static void cursor_failed(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, 10);
	int pass;

	s->map.state[4] |= PPC_CHUNK_FAILED;
	s->map.state[5] |= PPC_CHUNK_FAILED;
	for (pass = 0; pass < 3; pass++) {
		ppc_sample_miss(s, 0);
		KUNIT_EXPECT_EQ(test, ppc_sample_fill(s, PPC_SAMPLE_ALL, MOST),
				8);
		ppc_sample_miss(s, 4);
		KUNIT_EXPECT_FALSE(test, s->map.state[4] & PPC_CHUNK_ISSUED);
		KUNIT_EXPECT_FALSE(test, s->map.state[5] & PPC_CHUNK_ISSUED);
		ppc_sample_read(s, 9);
		s->map.state[5] |= PPC_CHUNK_BURNED;
		s->map.state[6] |= PPC_CHUNK_BURNED;
		ppc_cursors_reset(&s->cursors, &s->map);
		/* Nothing is left of them. */
		KUNIT_EXPECT_EQ(test, s->map.state[5], PPC_CHUNK_FAILED);
		KUNIT_EXPECT_EQ(test, s->map.state[6], 0);
	}
}

static void cursor_at_end(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 2, 10);

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, 9);
	ppc_sample_miss(s, 18);
	KUNIT_EXPECT_FALSE(test, ppc_cursors_at_end(&s->cursors, &s->map));
	ppc_sample_read(s, 18);
	KUNIT_EXPECT_TRUE(test, ppc_cursors_at_end(&s->cursors, &s->map));
	ppc_sample_read(s, 19);
	KUNIT_EXPECT_TRUE(test, ppc_cursors_at_end(&s->cursors, &s->map));
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, PPC_SAMPLE_ALL, MOST));
	ppc_cursors_reset(&s->cursors, &s->map);
	KUNIT_EXPECT_FALSE(test, ppc_cursors_at_end(&s->cursors, &s->map));
}

static void cursor_hold(struct kunit *test)
{
	static const struct ppc_range range = {
		.pos = SZ_1M, .len = 20 * PPC_CHUNK_SIZE,
	};
	struct ppc_sample *s = ppc_sample_create(test, &range, 1);
	struct ppc_cursors *cs = &s->cursors;

	ppc_sample_miss(s, 0);
	ppc_sample_read(s, 9);
	/* Directly behind it, as far as the gap goes, and no gap. */
	KUNIT_EXPECT_TRUE(test, ppc_cursors_hold(cs, &s->map, 9, 1));
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(cs, &s->map, 9, 0));
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(cs, &s->map, 8,
						  PPC_CHUNK_SIZE));
	KUNIT_EXPECT_TRUE(test, ppc_cursors_hold(cs, &s->map, 8,
						 PPC_CHUNK_SIZE + 1));
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(cs, &s->map, 0,
						  9 * PPC_CHUNK_SIZE));
	KUNIT_EXPECT_TRUE(test, ppc_cursors_hold(cs, &s->map, 0, U64_MAX));
	/* A gap is behind a reader. */
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(cs, &s->map, 10, U64_MAX));
	KUNIT_EXPECT_FALSE(test, ppc_cursors_hold(cs, &s->map, 20, U64_MAX));
	/* At the very end, too. */
	ppc_sample_read(s, 20);
	KUNIT_EXPECT_TRUE(test, ppc_cursors_hold(cs, &s->map, 20, 1));
}

static struct kunit_case cursor_cases[] = {
	KUNIT_CASE(cursor_nobody),
	KUNIT_CASE(cursor_first_access),
	KUNIT_CASE(cursor_sequential),
	KUNIT_CASE(cursor_long_read),
	KUNIT_CASE(cursor_reader_ahead),
	KUNIT_CASE(cursor_jump),
	KUNIT_CASE(cursor_jump_to_covered),
	KUNIT_CASE(cursor_jump_with_budget_used_up),
	KUNIT_CASE(cursor_budget),
	KUNIT_CASE(cursor_batch_limit),
	KUNIT_CASE(cursor_batch_contiguous),
	KUNIT_CASE(cursor_batch_skips),
	KUNIT_CASE(cursor_unpick),
	KUNIT_CASE(cursor_late),
	KUNIT_CASE(cursor_failed),
	KUNIT_CASE(cursor_at_end),
	KUNIT_CASE(cursor_hold),
	{}
};

static struct kunit_suite cursor_suite = {
	.name = "ppc_cursor",
	.test_cases = cursor_cases,
};

kunit_test_suite(cursor_suite);
