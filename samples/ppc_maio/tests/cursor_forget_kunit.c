// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: pages that were read ahead and are gone when their
 * reader comes, by reclaim, by burning, or because the load begins anew.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define CHUNKS		200
#define BUDGET		(32 * MAIO_CHUNK_SIZE)
#define MOST		SZ_4M

/* Where a second reader begins. */
#define OTHER		100

/* What is said of a chunk only in the pass that it was read in. */
#define THIS_PASS							\
	((u16)~(MAIO_CHUNK_BURNED | MAIO_CHUNK_LEFT | MAIO_CHUNK_SEEN))

static void pass(struct maio_sample *s, u32 first, u32 end, u64 budget)
{
	for (; first < end; first++) {
		maio_sample_read(s, first);
		maio_sample_fill(s, budget, MOST);
	}
}

static void expect_states(struct maio_sample *s, u32 first, u32 end, u16 mask,
			  u16 expected)
{
	for (; first < end; first++)
		KUNIT_EXPECT_EQ_MSG(s->test, s->map.state[first] & mask,
				    expected, "chunk %u", first);
}

static void forget_forward(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, 0);
	maio_sample_miss(s, 10);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, maio_cursors_ahead(&s->cursors, &s->map), 0);
	expect_states(s, 0, 10, 0xff, MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED);
	expect_states(s, 10, CHUNKS, THIS_PASS, 0);
	/* Not all of it need be gone. */
	expect_states(s, 10, 32, 0xff, MAIO_CHUNK_LEFT);
	expect_states(s, 32, CHUNKS, 0xff, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 10);
}

/* In the middle of the window: it was skipped, and the rest is gone. */
static void forget_from_the_middle(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	maio_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	expect_states(s, 5, CHUNKS, THIS_PASS, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 5);
}

/* A little back, to what it has passed: from there on, all is to come again. */
static void forget_step_back(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	maio_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	expect_states(s, 0, 5, MAIO_CHUNK_CONSUMED, MAIO_CHUNK_CONSUMED);
	expect_states(s, 5, CHUNKS, THIS_PASS, 0);
	maio_sample_fill(s, BUDGET, MOST);
	for (i = 5; i < 10; i++) {
		maio_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_EQ(test, s->out.useful, MAIO_CHUNK_SIZE);
	}
}

/* It is not because of a batch that is only picked. */
static void forget_nothing_on_other_misses(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 2, 0);
	KUNIT_ASSERT_TRUE(test, maio_sample_pick(s, BUDGET, MOST));
	KUNIT_ASSERT_EQ(test, s->batch.first, 32);
	maio_sample_miss(s, 33);
	expect_states(s, 2, 32, MAIO_CHUNK_ISSUED, MAIO_CHUNK_ISSUED);
}

static void forget_spares_windows_of_others(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 end;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	end = s->cursors.cursor[1].next;
	KUNIT_ASSERT_GT(test, end, OTHER);
	/* Just behind that window. */
	s->map.state[end] = MAIO_CHUNK_ISSUED;
	maio_sample_miss(s, 0);
	expect_states(s, 0, OTHER, THIS_PASS, 0);
	expect_states(s, end, end + 1, THIS_PASS, 0);
	expect_states(s, OTHER, end, 0xff, MAIO_CHUNK_ISSUED);
	maio_sample_miss(s, OTHER);
	expect_states(s, 0, CHUNKS, THIS_PASS, 0);
}

/*
 * Reclaim has taken what one reader had yet to read. What another has passed
 * must not be read ahead again, and is still to be dropped.
 */
static void forget_spares_what_others_consumed(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, OTHER, OTHER + 10, BUDGET);
	maio_sample_miss(s, 0);
	expect_states(s, OTHER, OTHER + 10, MAIO_CHUNK_CONSUMED,
		      MAIO_CHUNK_CONSUMED);
	maio_sample_fill(s, MAIO_SAMPLE_ALL, MOST);
	expect_states(s, 0, OTHER, MAIO_CHUNK_ISSUED, MAIO_CHUNK_ISSUED);
	expect_states(s, OTHER, OTHER + 10, MAIO_CHUNK_CONSUMED,
		      MAIO_CHUNK_CONSUMED);
}

/* The same process loads a second time: all of it is wanted again. */
static void forget_second_load(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 2, CHUNKS / 2);
	u32 i, issued;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	for (i = 0; i < CHUNKS; i++)
		s->map.state[i] |= MAIO_CHUNK_BURNED;

	maio_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	expect_states(s, 0, 1, THIS_PASS, 0);
	expect_states(s, 1, CHUNKS, 0xff, MAIO_CHUNK_BURNED);
	issued = maio_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < CHUNKS; i++) {
		maio_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
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
	s->map.state[8] |= MAIO_CHUNK_BURNED;
	/* It is there, whoever read it. */
	maio_sample_read(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, s->map.state[8] & MAIO_CHUNK_BURNED, 0);
	/* By reclaim, once it was consumed. */
	maio_sample_miss(s, 9);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	s->map.state[8] |= MAIO_CHUNK_BURNED;
	maio_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	maio_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
}

/* Not of what was leapt over; that begins with three chunks. */
static void forget_refault_in_leap(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	s->map.state[0] = MAIO_CHUNK_BURNED;
	maio_sample_read(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	s->map.state[3] = MAIO_CHUNK_BURNED;
	maio_sample_read(s, 4);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
}

/* Read ahead again, it is wanted once its reader comes by. */
static void forget_burned(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	for (i = 0; i < CHUNKS; i++)
		s->map.state[i] |= MAIO_CHUNK_BURNED;

	/* Who looks back gets no more than what is near. */
	maio_sample_miss(s, 0);
	maio_sample_fill(s, CHUNKS * MAIO_CHUNK_SIZE, MOST);
	expect_states(s, 0, MAIO_CURSOR_SLACK + 1, MAIO_CHUNK_ISSUED,
		      MAIO_CHUNK_ISSUED);
	expect_states(s, MAIO_CURSOR_SLACK + 2, CHUNKS, 0xff, MAIO_CHUNK_BURNED);
	KUNIT_EXPECT_FALSE(test, maio_chunk_gone(s->map.state[1]));
	KUNIT_EXPECT_TRUE(test, maio_chunk_gone(s->map.state[CHUNKS - 1]));

	maio_sample_read(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	maio_sample_read(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->map.state[2] & MAIO_CHUNK_BURNED, 0);

	/* A batch that comes after its reader has passed is to be dropped. */
	s->map.state[2] |= MAIO_CHUNK_BURNED;
	KUNIT_EXPECT_TRUE(test, maio_chunk_gone(s->map.state[2]));
	s->map.state[2] = maio_chunk_issue(s->map.state[2]);
	KUNIT_EXPECT_FALSE(test, maio_chunk_gone(s->map.state[2]));
	/* Nor is one that comes while it is dropped taken for dropped. */
	s->map.state[2] |= MAIO_CHUNK_DROPPING;
	s->map.state[2] = maio_chunk_issue(s->map.state[2]);
	KUNIT_EXPECT_EQ(test, s->map.state[2] & MAIO_CHUNK_DROPPING, 0);

	/* Left by the pass, it is still to be dropped. */
	maio_sample_miss(s, 0);
	KUNIT_EXPECT_FALSE(test, maio_chunk_gone(s->map.state[8]));
	expect_states(s, 8, 9, MAIO_CHUNK_LEFT | MAIO_CHUNK_ISSUED,
		      MAIO_CHUNK_LEFT);
}

static void forget_reset(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	s->map.state[0] = 0xff & ~MAIO_CHUNK_LEFT;
	s->map.state[CHUNKS - 1] = MAIO_CHUNK_BURNED;
	maio_cursors_reset(&s->cursors, &s->map);
	expect_states(s, 0, 1, 0xff, MAIO_CHUNK_FAILED);
	expect_states(s, 1, CHUNKS - 1, THIS_PASS, 0);
	expect_states(s, 1, 10, 0xff, MAIO_CHUNK_LEFT);
	expect_states(s, OTHER - 1, OTHER, 0xff, 0);
	expect_states(s, OTHER, OTHER + 10, 0xff, MAIO_CHUNK_LEFT);
	expect_states(s, CHUNKS - 1, CHUNKS, 0xff, 0);
	KUNIT_EXPECT_FALSE(test, maio_sample_pick(s, BUDGET, MOST));
	maio_sample_miss(s, OTHER);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
}

/*
 * A reader rests until it counts as idle, and its window is forgotten because
 * another misses. When it comes back, its window is read again.
 */
static void forget_window_of_idle_reader(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	u32 i;

	maio_sample_miss(s, 0);
	maio_sample_miss(s, OTHER);
	maio_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < MAIO_CURSOR_IDLE; i++)
		maio_sample_read(s, 0);
	maio_sample_miss(s, 1);
	expect_states(s, OTHER, CHUNKS, THIS_PASS, 0);

	maio_sample_miss(s, OTHER);
	KUNIT_EXPECT_NE(test, s->out.hit, PPC_STREAM_COVERED);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, OTHER, OTHER + 4, MAIO_CHUNK_ISSUED, MAIO_CHUNK_ISSUED);
}

/* Be it the first or the second one: its window begins anew, or is left alone. */
static void check_idle_window(struct kunit *test, bool first, bool behind)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const struct maio_cursor *idle = &s->cursors.cursor[!first];
	const u32 at = behind ? OTHER : 0, busy = behind ? 0 : OTHER;
	u32 end;

	maio_sample_miss(s, first ? at : busy);
	maio_sample_miss(s, first ? busy : at);
	maio_sample_fill(s, BUDGET, MOST);
	KUNIT_ASSERT_EQ(test, idle->pos, at);
	KUNIT_ASSERT_GT(test, idle->next, at);
	end = idle->next;
	maio_sample_miss(s, busy);
	KUNIT_EXPECT_EQ(test, idle->next, end);
	while (s->cursors.clock - idle->stamp < MAIO_CURSOR_IDLE)
		maio_sample_read(s, busy);
	s->map.state[busy + 1] = MAIO_CHUNK_ISSUED;
	maio_sample_miss(s, busy + 1);
	KUNIT_EXPECT_EQ(test, idle->next, behind ? at : end);
}

static void forget_moves_idle_readers(struct kunit *test)
{
	check_idle_window(test, true, true);
	check_idle_window(test, false, true);
	check_idle_window(test, true, false);
	check_idle_window(test, false, false);
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
	expect_states(s, behind, behind + 2, MAIO_CHUNK_ISSUED,
		      MAIO_CHUNK_ISSUED);
}

/* Passed over in a jump: when the reader comes back, that is no second time. */
static void forget_jump(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_miss(s, 10);
	maio_sample_fill(s, 4 * MAIO_CHUNK_SIZE, MOST);
	expect_states(s, 0, 10, MAIO_CHUNK_CONSUMED | MAIO_CHUNK_ISSUED,
		      MAIO_CHUNK_CONSUMED);
	maio_sample_miss(s, 3);
	expect_states(s, 0, 3, MAIO_CHUNK_CONSUMED, MAIO_CHUNK_CONSUMED);
	expect_states(s, 3, 10, MAIO_CHUNK_CONSUMED, 0);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 3, 10, MAIO_CHUNK_ISSUED, MAIO_CHUNK_ISSUED);
}

/* So far from where it comes back to, no farther than it leaps at once. */
static void forget_jump_far(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);
	const u32 from = 22, end = from + MAIO_CURSOR_SLACK;

	maio_sample_miss(s, 20);
	maio_sample_miss(s, 36);
	maio_sample_miss(s, 52);
	expect_states(s, 20, 52, MAIO_CHUNK_CONSUMED, MAIO_CHUNK_CONSUMED);
	s->map.state[30] |= MAIO_CHUNK_SEEN | MAIO_CHUNK_READ;
	s->map.state[31] |= MAIO_CHUNK_READ;
	maio_sample_miss(s, from);
	expect_states(s, 20, from, MAIO_CHUNK_CONSUMED, MAIO_CHUNK_CONSUMED);
	expect_states(s, from + 1, 36, 0xffff, 0);
	expect_states(s, 36, end, MAIO_CHUNK_CONSUMED, 0);
	expect_states(s, end, 52, MAIO_CHUNK_CONSUMED, MAIO_CHUNK_CONSUMED);
}

/* The same where the reader comes back by small steps, within its window. */
static void forget_jump_in_window(struct kunit *test)
{
	struct maio_sample *s = maio_sample_files(test, 1, CHUNKS);

	maio_sample_miss(s, 0);
	maio_sample_fill(s, BUDGET, MOST);
	s->map.state[2] = 0;
	maio_sample_miss(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	maio_sample_fill(s, BUDGET, MOST);
	expect_states(s, 2, 3, MAIO_CHUNK_ISSUED, MAIO_CHUNK_ISSUED);
}

static struct kunit_case cursor_forget_cases[] = {
	KUNIT_CASE(forget_forward),
	KUNIT_CASE(forget_from_the_middle),
	KUNIT_CASE(forget_step_back),
	KUNIT_CASE(forget_nothing_on_other_misses),
	KUNIT_CASE(forget_spares_windows_of_others),
	KUNIT_CASE(forget_spares_what_others_consumed),
	KUNIT_CASE(forget_second_load),
	KUNIT_CASE(forget_refault),
	KUNIT_CASE(forget_refault_in_leap),
	KUNIT_CASE(forget_burned),
	KUNIT_CASE(forget_reset),
	KUNIT_CASE(forget_window_of_idle_reader),
	KUNIT_CASE(forget_moves_idle_readers),
	KUNIT_CASE(forget_behind_the_start),
	KUNIT_CASE(forget_jump),
	KUNIT_CASE(forget_jump_far),
	KUNIT_CASE(forget_jump_in_window),
	{}
};

static struct kunit_suite cursor_forget_suite = {
	.name = "ppc_cursor_forget",
	.test_cases = cursor_forget_cases,
};

kunit_test_suite(cursor_forget_suite);
