// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: one reader, the batches that are read ahead of it,
 * and what is counted.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define CHUNKS		200
#define BUDGET		(32 * MAIO_CHUNK_SIZE)
#define MOST		SZ_4M

static void cursor_nobody(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, MAIO_SAMPLE_ALL, MOST));
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_EXPECT_FALSE(test, maio_cursors_at_end(&s->cursors, &s->map));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(&s->cursors, &s->map, 0,
						   U64_MAX));
}

static void cursor_first_access(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 50);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->out.useful, 0);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 50);
	KUNIT_EXPECT_EQ(test, s->batch.nr, 2);
}

/* Every chunk is read ahead once, in order, across files, and used. */
static void cursor_sequential(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 4, CHUNKS / 4);
	u64 useful = 0, consumed = 0;
	u32 chunk, issued;

	maio_sample_miss(s, 0);
	issued = maio_sample_fill(s, BUDGET, MOST);
	for (chunk = 0; chunk < s->map.nr_chunks; chunk++) {
		maio_sample_read(s, chunk);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_FALSE(test, s->out.interrupted);
		useful += s->out.useful;
		consumed += s->out.consumed;
		issued += maio_sample_fill(s, BUDGET, MOST);
		KUNIT_EXPECT_LT(test, maio_cursors_ahead(&s->cursors, &s->map),
				BUDGET + MOST);
	}
	KUNIT_EXPECT_EQ(test, issued, s->map.nr_chunks);
	KUNIT_EXPECT_EQ(test, useful, CHUNKS * MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, consumed, CHUNKS * MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
}

/* One access may consume much at once, and half a chunk is not consumed. */
static void cursor_long_read(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	struct maio_step step = {
		.last = 39, .lag = MAIO_CURSOR_LAG, .uptodate = true,
	};

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 39 * MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.useful, BUDGET);
	KUNIT_EXPECT_EQ(test, maio_chunk(&s->map, 39) & MAIO_CHUNK_READ, 0);
	step.whole = true;
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.useful, 0);
	/* Passed before. */
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 40);
}

/* What the reader has come to by itself is not read ahead any more. */
static void cursor_reader_ahead(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_issue(s);
	maio_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 8);
	/* Whether it has read any of it to its end, nobody knows. */
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	KUNIT_EXPECT_TRUE(test, s->out.passed);
}

/* What a reader finds though nobody read it ahead for it. */
static void cursor_found(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const struct maio_cursor *c = &s->cursors.cursor[0];

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_ASSERT_EQ(test, c->next, 2);
	/* In the batch that is about to be read. */
	maio_sample_touch(s, 0);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
	maio_sample_touch(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
	KUNIT_EXPECT_EQ(test, c->next, 2);
	/* Just in front of it, and farther on. */
	maio_sample_touch(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_EQ(test, c->next, 2);
	maio_sample_touch(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_EQ(test, c->next, 5);
	/* Where it is now, and behind it: nothing goes back. */
	maio_sample_touch(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	maio_sample_touch(s, 3);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_EQ(test, c->pos, 5);
	KUNIT_EXPECT_EQ(test, c->next, 5);
	/* What it has read is not read ahead. */
	maio_sample_read(s, 8);
	KUNIT_EXPECT_EQ(test, c->next, 9);
	/* Somebody new. */
	maio_sample_touch(s, 150);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[1].next, 150);
}

static void cursor_jump(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_issue(s);
	maio_sample_miss(s, 150);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_TRUE(test, s->out.interrupted);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 150);
}

/* A jump to what is there already moves nothing away. */
static void cursor_jump_to_covered(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_read(s, 30);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
}

/*
 * The worker has used up the budget long before the reader jumps. It must not
 * have to wait for the place that nobody reads any more.
 */
static void cursor_jump_with_budget_used_up(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_miss(s, 150);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 150);
}

static void cursor_budget(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u64 budget;

	/* Not a multiple of a batch, nor of a chunk. */
	for (budget = 1; budget < BUDGET; budget += SZ_1M + 12345) {
		maio_cursors_reset(&s->cursors, &s->map);
		maio_sample_miss(s, 0);
		maio_sample_fill(s, budget, 16 * MAIO_CHUNK_SIZE);
		/* A chunk is the least that can be read. */
		KUNIT_EXPECT_LT_MSG(test,
				    maio_cursors_ahead(&s->cursors, &s->map),
				    budget + MAIO_CHUNK_SIZE,
				    "budget %llu", budget);
		KUNIT_EXPECT_GE(test, maio_cursors_ahead(&s->cursors, &s->map),
				budget - budget % MAIO_CHUNK_SIZE);
	}
	maio_cursors_reset(&s->cursors, &s->map);
	maio_sample_miss(s, 0);
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, 0, MOST));
}

/* A chunk is always in the batch, but no second one beyond the limit. */
static void cursor_batch_limit(struct kunit *test)
{
	static const u64 limits[] = {
		0, 1, SZ_2M - 1, SZ_2M, SZ_4M - 1, SZ_4M, SZ_4M + 1, SZ_16M,
	};
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		u64 expected = max(limits[i] >> MAIO_CHUNK_SHIFT, 1ULL);

		maio_cursors_reset(&s->cursors, &s->map);
		maio_sample_miss(s, 0);
		KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, MAIO_SAMPLE_ALL,
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
	struct maio_sample *s = maio_sample_create(test, ranges,
						 ARRAY_SIZE(ranges));
	int i;

	maio_sample_miss(s, 0);
	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, SZ_16M));
		KUNIT_EXPECT_EQ_MSG(test, s->batch.nr, batches[i], "batch %d",
				    i);
		maio_sample_issue(s);
	}
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, BUDGET, SZ_16M));
}

/* Islands of what is there or was passed are stepped over. */
static void cursor_batch_skips(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 12);

	maio_chunk_set(&s->map, 1, MAIO_CHUNK_CACHED);
	maio_chunk_set(&s->map, 4, MAIO_CHUNK_READ);
	maio_chunk_set(&s->map, 5, MAIO_CHUNK_CACHED | MAIO_CHUNK_READ);
	maio_chunk_set(&s->map, 11, MAIO_CHUNK_CACHED);
	maio_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, maio_sample_fill(s, MAIO_SAMPLE_ALL, SZ_16M), 8);
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, MAIO_SAMPLE_ALL, SZ_16M));
}

static void cursor_unpick(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	struct maio_batch batch;

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	batch = s->batch;
	maio_cursors_unpick(&s->cursors, &batch);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_MEMEQ(test, &s->batch, &batch, sizeof(batch));

	/* The reader has passed half of it meanwhile. */
	maio_sample_read(s, 0);
	maio_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 1);

	/* All of it, and more. */
	maio_sample_miss(s, 10);
	maio_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 10);

	/* There is nobody left. */
	maio_cursors_reset(&s->cursors, &s->map);
	maio_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, BUDGET, MOST));
}

/* Given back behind its reader, who is seen again where it is. */
static void cursor_unpick_passed(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_read(s, 0);
	maio_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].next, 0);
	maio_sample_touch(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].next, 1);
}

/* Given back when its reader has gone back: that is where it goes on. */
static void cursor_unpick_behind(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, 2 * BUDGET, MOST));
	KUNIT_ASSERT_EQ(test, s->batch.first, 32);
	maio_sample_miss(s, 5);
	maio_cursors_unpick(&s->cursors, &s->batch);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].next, 5);
}

/* Only so many chunks are looked at in one go. */
static void cursor_looks(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 2 * MAIO_CURSOR_LOOKS);
	struct maio_cursor *c = &s->cursors.cursor[0];
	u32 i;

	maio_sample_miss(s, 0);
	c->next = MAIO_CURSOR_LOOKS + 5;
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map),
			MAIO_CURSOR_LOOKS * MAIO_CHUNK_SIZE);
	c->pos = MAIO_CURSOR_LOOKS - 95;
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map),
			100 * MAIO_CHUNK_SIZE);
	c->pos = 0;
	c->next = 0;

	for (i = 0; i < s->map.nr_chunks; i++)
		maio_chunk_set(&s->map, i, MAIO_CHUNK_CACHED);
	KUNIT_EXPECT_TRUE(test, maio_cursors_skip(&s->cursors, &s->map));
	KUNIT_EXPECT_EQ(test, c->next, MAIO_CURSOR_LOOKS);
	KUNIT_EXPECT_FALSE(test, maio_cursors_skip(&s->cursors, &s->map));
	KUNIT_EXPECT_EQ(test, c->next, s->map.nr_chunks);
}

/* Late once, and only if it was read ahead and is on its way. */
static void cursor_late(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	struct maio_step step = { .chunk = 1, .last = 1, .lag = MAIO_CURSOR_LAG };

	maio_sample_miss(s, 0);
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	maio_sample_fill(s, BUDGET, MOST);
	step = (struct maio_step){ .chunk = 2, .last = 2, .uptodate = true };
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
	step.uptodate = false;
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, MAIO_CHUNK_SIZE);
	maio_sample_step(s, &step);
	KUNIT_EXPECT_EQ(test, s->out.late, 0);
}

/* What cannot be read is left to the reader, in later passes, too. */
static void cursor_failed(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, 10);
	int pass;

	maio_chunk_set(&s->map, 4, MAIO_CHUNK_FAILED);
	maio_chunk_set(&s->map, 5, MAIO_CHUNK_FAILED);
	for (pass = 0; pass < 3; pass++) {
		maio_sample_miss(s, 0);
		KUNIT_EXPECT_EQ(test, maio_sample_fill(s, MAIO_SAMPLE_ALL, MOST),
				8);
		maio_sample_miss(s, 4);
		KUNIT_EXPECT_FALSE(test, maio_chunk_left(&s->map, 4));
		KUNIT_EXPECT_FALSE(test, maio_chunk_left(&s->map, 5));
		maio_sample_read(s, 9);
		maio_cursors_reset(&s->cursors, &s->map);
		KUNIT_EXPECT_EQ(test, maio_chunk(&s->map, 5), MAIO_CHUNK_FAILED);
		KUNIT_EXPECT_EQ(test, maio_chunk(&s->map, 6), 0);
	}
}

static void cursor_at_end(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 2, 10);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, 9);
	maio_sample_miss(s, 18);
	KUNIT_EXPECT_FALSE(test, maio_cursors_at_end(&s->cursors, &s->map));
	maio_sample_read(s, 18);
	KUNIT_EXPECT_TRUE(test, maio_cursors_at_end(&s->cursors, &s->map));
	maio_sample_read(s, 19);
	KUNIT_EXPECT_TRUE(test, maio_cursors_at_end(&s->cursors, &s->map));
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, MAIO_SAMPLE_ALL, MOST));
	maio_cursors_reset(&s->cursors, &s->map);
	KUNIT_EXPECT_FALSE(test, maio_cursors_at_end(&s->cursors, &s->map));
}

static void cursor_hold(struct kunit *test)
{
	static const struct ppc_range range = {
		.pos = SZ_1M, .len = 20 * MAIO_CHUNK_SIZE,
	};
	struct maio_sample *s = maio_sample_create(test, &range, 1);
	struct maio_cursors *cs = &s->cursors;

	maio_sample_miss(s, 0);
	maio_sample_read(s, 9);
	/* Directly behind it, as far as the gap goes, and no gap. */
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(cs, &s->map, 9, 1));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(cs, &s->map, 9, 0));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(cs, &s->map, 8,
						   MAIO_CHUNK_SIZE));
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(cs, &s->map, 8,
						  MAIO_CHUNK_SIZE + 1));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(cs, &s->map, 0,
						   9 * MAIO_CHUNK_SIZE));
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(cs, &s->map, 0, U64_MAX));
	/* A gap is behind a reader. */
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(cs, &s->map, 10, U64_MAX));
	KUNIT_EXPECT_FALSE(test, maio_cursors_hold(cs, &s->map, 20, U64_MAX));
	/* At the very end, too. */
	maio_sample_read(s, 20);
	KUNIT_EXPECT_TRUE(test, maio_cursors_hold(cs, &s->map, 20, 1));
}

static struct kunit_case cursor_cases[] = {
	KUNIT_CASE(cursor_nobody),
	KUNIT_CASE(cursor_first_access),
	KUNIT_CASE(cursor_sequential),
	KUNIT_CASE(cursor_long_read),
	KUNIT_CASE(cursor_reader_ahead),
	KUNIT_CASE(cursor_found),
	KUNIT_CASE(cursor_jump),
	KUNIT_CASE(cursor_jump_to_covered),
	KUNIT_CASE(cursor_jump_with_budget_used_up),
	KUNIT_CASE(cursor_budget),
	KUNIT_CASE(cursor_batch_limit),
	KUNIT_CASE(cursor_batch_contiguous),
	KUNIT_CASE(cursor_batch_skips),
	KUNIT_CASE(cursor_unpick),
	KUNIT_CASE(cursor_unpick_passed),
	KUNIT_CASE(cursor_unpick_behind),
	KUNIT_CASE(cursor_looks),
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
