// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: pages that were read ahead and are gone when their
 * reader comes, by reclaim, by dropping, or because the load begins anew; and
 * what a reader leaps over.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define CHUNKS		200
#define BUDGET		(32 * MAIO_CHUNK_SIZE)
#define MOST		SZ_4M

/* Where a second reader begins. */
#define OTHER		100

/* Read ahead, and read. */
#define CONSUMED	(MAIO_CHUNK_CACHED | MAIO_CHUNK_SEEN | MAIO_CHUNK_READ)

static void pass(struct maio_sample *s, u32 first, u32 end, u64 budget)
{
	for (; first < end; first++) {
		maio_sample_read(s, first);
		maio_sample_fill(s, budget, MOST);
	}
}

static void drop(struct maio_sample *s, u32 first, u32 end)
{
	for (; first < end; first++)
		maio_sample_drop(s, first);
}

static void expect_states(struct maio_sample *s, u32 first, u32 end, u16 mask,
			  u16 expected)
{
	for (; first < end; first++)
		KUNIT_EXPECT_EQ_MSG(s->test, maio_chunk(&s->map, first) & mask,
				    expected, "chunk %u", first);
}

/* What lies ahead may be gone as well: it is looked at once more. */
static void forget_forward(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, 0);
	maio_sample_miss(s, 10);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_FALSE(test, s->out.again);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, s->out.populated, -(s64)MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
	expect_states(s, 0, 10, 0xff, CONSUMED);
	expect_states(s, 10, 11, 0xff, MAIO_CHUNK_SEEN);
	expect_states(s, 11, 32, 0xff, MAIO_CHUNK_CACHED);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, BUDGET));
	KUNIT_EXPECT_EQ(test, s->batch.first, 10);
	KUNIT_EXPECT_EQ(test, s->batch.nr, 32);
}

/* In the middle of the window: it was leapt over, and the rest is gone. */
static void forget_from_the_middle(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 5);
}

/* A little back, to what it has read: from there on, all is to come again. */
static void forget_step_back(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	maio_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_TRUE(test, s->out.again);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].pos, 5);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 0, 5, 0xff, CONSUMED);
	expect_states(s, 6, 10, 0xff, MAIO_CHUNK_CACHED);
	for (i = 5; i < 10; i++) {
		maio_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
		/* Nobody had dropped it. */
		KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	}
}

/* What it leaps over after that is passed over, too. */
static void forget_step_back_and_leap(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	s->lag = 0;
	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	maio_sample_miss(s, 5);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 6, 10, 0xff, MAIO_CHUNK_CACHED);
	maio_sample_read(s, 10);
	expect_states(s, 0, 11, 0xff, CONSUMED);
}

/* It is not because of a batch that is only picked. */
static void forget_nothing_on_other_misses(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const u16 skip = MAIO_CHUNK_CACHED | MAIO_CHUNK_READ | MAIO_CHUNK_FAILED;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 2, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_ASSERT_EQ(test, s->batch.first, 32);
	maio_sample_miss(s, 33);
	expect_states(s, 2, 32, MAIO_CHUNK_CACHED, MAIO_CHUNK_CACHED);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[0].skip, skip);
}

/*
 * Reclaim has taken what one reader had yet to read. What another has read must
 * not be read ahead again, and is still to be dropped.
 */
static void forget_spares_what_others_consumed(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, OTHER, OTHER + 10, BUDGET);
	drop(s, OTHER, OTHER + 5);
	maio_sample_miss(s, 0);
	maio_sample_fill(s, MAIO_SAMPLE_ALL, MOST);
	expect_states(s, 0, OTHER, MAIO_CHUNK_CACHED, MAIO_CHUNK_CACHED);
	expect_states(s, OTHER, OTHER + 5, CONSUMED, CONSUMED & ~MAIO_CHUNK_CACHED);
	expect_states(s, OTHER + 5, OTHER + 10, CONSUMED, CONSUMED);
}

/* The same process loads a second time: all of it is wanted again. */
static void forget_second_load(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 2, CHUNKS / 2);
	u32 i, issued;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	drop(s, 0, CHUNKS);

	maio_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_TRUE(test, s->out.again);
	issued = maio_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < CHUNKS; i++) {
		maio_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
		KUNIT_EXPECT_EQ(test, s->out.refaulted, i ? MAIO_CHUNK_SIZE : 0);
		issued += maio_sample_fill(s, BUDGET, MOST);
	}
	KUNIT_EXPECT_EQ(test, issued, CHUNKS);
}

/* Refaulted is what was dropped, and missed after that; once. */
static void forget_refault(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	maio_sample_drop(s, 8);
	/* It is there, whoever read it. */
	maio_sample_read(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 0);
	expect_states(s, 8, 9, 0xff, CONSUMED);
	/* By reclaim, once it was consumed. */
	maio_sample_miss(s, 9);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	maio_sample_drop(s, 8);
	maio_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	maio_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_FALSE(test, s->out.again);
}

/* Who looks back at what was dropped gets no more than what is near. */
static void forget_look_back(struct kunit *test)
{
	const u16 again = MAIO_CHUNK_CACHED | MAIO_CHUNK_AGAIN;
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	drop(s, 0, CHUNKS);
	maio_sample_miss(s, 0);
	maio_sample_fill(s, CHUNKS * MAIO_CHUNK_SIZE, MOST);
	expect_states(s, 0, 1, 0xff, MAIO_CHUNK_CACHED | MAIO_CHUNK_SEEN);
	expect_states(s, 1, MAIO_CURSOR_SLACK + 1, 0xff, again);
	expect_states(s, MAIO_CURSOR_SLACK + 1, CHUNKS, 0xff,
		      MAIO_CHUNK_SEEN | MAIO_CHUNK_READ);
	/* A refault is counted when it is read, and not if it is skipped. */
	s->lag = 0;
	maio_sample_read(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	maio_sample_read(s, 12);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	expect_states(s, 2, 12, 0xff, CONSUMED);
}

/* A batch that comes after its reader has passed is to be dropped. */
static void forget_late_batch(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_read(s, 0);
	maio_sample_read(s, 1);
	drop(s, 0, 2);
	maio_sample_issue(s);
	expect_states(s, 0, 2, 0xff, CONSUMED);
}

/* Nothing is known any more, but what there is to drop. */
static void forget_reset(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 4, BUDGET);
	drop(s, 3, 4);
	s->map.state[0] |= MAIO_CHUNK_FAILED;
	for (i = 1; i < MAIO_PASSES; i++) {
		maio_cursors_reset(&s->cursors, &s->map);
		KUNIT_ASSERT_EQ(test, maio_chunk(&s->map, 0), MAIO_CHUNK_FAILED);
		KUNIT_ASSERT_EQ(test, maio_chunk(&s->map, 1), 0);
	}
	expect_states(s, 1, CHUNKS, 0xff, 0);
	KUNIT_EXPECT_TRUE(test, maio_chunk_left(&s->map, 2));
	KUNIT_EXPECT_FALSE(test, maio_chunk_left(&s->map, 3));
	KUNIT_EXPECT_TRUE(test, maio_chunk_left(&s->map, 4));
	KUNIT_EXPECT_FALSE(test, maio_chunk_left(&s->map, OTHER - 1));
	KUNIT_EXPECT_TRUE(test, maio_chunk_left(&s->map, OTHER));
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_miss(s, OTHER);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->out.populated, 0);
}

/* What was to be read once more, and was not: to the next pass, that is nothing. */
static void forget_reset_again(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	maio_sample_miss(s, 5);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.nr, 2);
	expect_states(s, 6, 7, 0xff, 0);
	KUNIT_EXPECT_TRUE(test, maio_chunk_left(&s->map, 6));
	maio_cursors_reset(&s->cursors, &s->map);
	expect_states(s, 0, CHUNKS, 0xff, 0);
	KUNIT_EXPECT_TRUE(test, maio_chunk_left(&s->map, 6));
}

/* What an earlier pass has left and this one leaps over may go, too. */
static void forget_left(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, 8 * MAIO_CHUNK_SIZE, MOST);
	maio_cursors_reset(&s->cursors, &s->map);
	s->map.state[9] = MAIO_CHUNK_FAILED;
	s->lag = 0;
	maio_sample_miss(s, 4);
	maio_sample_touch(s, 10);
	expect_states(s, 0, 4, 0xff, 0);
	expect_states(s, 4, 8, 0xff, CONSUMED);
	expect_states(s, 8, 9, 0xff, MAIO_CHUNK_READ);
	expect_states(s, 9, 10, 0xff, MAIO_CHUNK_READ | MAIO_CHUNK_FAILED);
	KUNIT_EXPECT_EQ(test, s->out.useful, 0);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 4 * MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.populated, 6 * MAIO_CHUNK_SIZE);
}

/* A reader comes back to a window that is gone. */
static void forget_window_of_idle_reader(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < MAIO_CURSOR_IDLE; i++)
		maio_sample_read(s, 0);
	maio_sample_miss(s, OTHER);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, BUDGET));
	KUNIT_EXPECT_EQ(test, s->batch.first, OTHER);
	KUNIT_EXPECT_GE(test, s->batch.nr, 4);
}

/* What nobody read ahead is not covered; behind the reader, it is read now. */
static void forget_behind_the_start(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const u32 behind = 20 - MAIO_CURSOR_SLACK / 2;

	maio_sample_miss(s, 20);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_miss(s, behind);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, behind, behind + 2, MAIO_CHUNK_CACHED,
		      MAIO_CHUNK_CACHED);
}

/* Leapt over: when the reader comes back soon, that is no second time. */
static void forget_jump(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, 10);
	maio_sample_fill(s, 4 * MAIO_CHUNK_SIZE, MOST);
	expect_states(s, 0, 1, 0xff, MAIO_CHUNK_SEEN);
	expect_states(s, 1, 10, 0xff, 0);
	maio_sample_miss(s, 3);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 3, 10, MAIO_CHUNK_CACHED, MAIO_CHUNK_CACHED);
}

/* Far beyond it, nobody waits any more for it; who comes yet gets just that. */
static void forget_jump_far(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const u32 end = 11 + MAIO_CURSOR_LAG;
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, 10);
	for (i = 10; i < end; i++)
		maio_sample_read(s, i);
	expect_states(s, 0, 1, 0xff, CONSUMED);
	expect_states(s, 1, 10, 0xff, MAIO_CHUNK_READ);
	drop(s, 10, end);
	maio_sample_miss(s, 3);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_FALSE(test, s->out.again);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 4, 10, 0xff, MAIO_CHUNK_CACHED);
}

/* Read ahead and leapt over is read in vain: it may go, and was of no use. */
static void forget_waste(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_touch(s, 0);
	maio_sample_read(s, 10);
	expect_states(s, 1, 10, 0xff, MAIO_CHUNK_CACHED);
	s->lag = 0;
	maio_sample_touch(s, 11);
	expect_states(s, 0, 11, 0xff, CONSUMED);
	/* But for the one that it was in. */
	KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->out.consumed, 10 * MAIO_CHUNK_SIZE);
}

/* Where one reader's place is taken, what he leapt over is not waited for. */
static void forget_replaced_reader(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, MAIO_CURSORS + 1, 40);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, 8);
	for (i = 1; i <= MAIO_CURSORS; i++)
		maio_sample_miss(s, i * 40);
	expect_states(s, 1, 8, 0xff, MAIO_CHUNK_READ);
	expect_states(s, 8, 9, 0xff, MAIO_CHUNK_SEEN);
}

/* What fails in the middle of a window is passed over in small steps. */
static void forget_jump_in_window(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_chunk_set(&s->map, 2, 0);
	maio_sample_miss(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_OVERTAKEN);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 2, 3, MAIO_CHUNK_CACHED, MAIO_CHUNK_CACHED);
}

static struct kunit_case cursor_forget_cases[] = {
	KUNIT_CASE(forget_forward),
	KUNIT_CASE(forget_from_the_middle),
	KUNIT_CASE(forget_step_back),
	KUNIT_CASE(forget_step_back_and_leap),
	KUNIT_CASE(forget_nothing_on_other_misses),
	KUNIT_CASE(forget_spares_what_others_consumed),
	KUNIT_CASE(forget_second_load),
	KUNIT_CASE(forget_refault),
	KUNIT_CASE(forget_look_back),
	KUNIT_CASE(forget_late_batch),
	KUNIT_CASE(forget_reset),
	KUNIT_CASE(forget_reset_again),
	KUNIT_CASE(forget_left),
	KUNIT_CASE(forget_window_of_idle_reader),
	KUNIT_CASE(forget_behind_the_start),
	KUNIT_CASE(forget_jump),
	KUNIT_CASE(forget_jump_far),
	KUNIT_CASE(forget_waste),
	KUNIT_CASE(forget_replaced_reader),
	KUNIT_CASE(forget_jump_in_window),
	{}
};

static struct kunit_suite cursor_forget_suite = {
	.name = "ppc_cursor_forget",
	.test_cases = cursor_forget_cases,
};

kunit_test_suite(cursor_forget_suite);
