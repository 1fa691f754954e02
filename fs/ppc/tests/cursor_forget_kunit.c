// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: pages that were read ahead and are gone when their
 * reader comes, by reclaim, by burning, or because the load begins anew.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define CHUNKS		200
#define BUDGET		(32 * PPC_CHUNK_SIZE)
#define MOST		SZ_4M

/* Where a second reader begins. */
#define OTHER		100

/* What is said of a chunk only in the pass that it was read in. */
#define THIS_PASS							\
	((u16)~(PPC_CHUNK_BURNED | PPC_CHUNK_LEFT | PPC_CHUNK_SEEN))

static void pass(struct ppc_sample *s, u32 first, u32 end, u64 budget)
{
	for (; first < end; first++) {
		ppc_sample_read(s, first);
		ppc_sample_fill(s, budget, MOST);
	}
}

static void expect_states(struct ppc_sample *s, u32 first, u32 end, u16 mask,
			  u16 expected)
{
	for (; first < end; first++)
		KUNIT_EXPECT_EQ_MSG(s->test, s->map.state[first] & mask,
				    expected, "chunk %u", first);
}

static void forget_forward(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, 0);
	ppc_sample_miss(s, 10);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, ppc_cursors_ahead(&s->cursors, &s->map), 0);
	expect_states(s, 0, 10, 0xff, PPC_CHUNK_ISSUED | PPC_CHUNK_CONSUMED);
	expect_states(s, 10, CHUNKS, THIS_PASS, 0);
	/* Not all of it need be gone. */
	expect_states(s, 10, 32, 0xff, PPC_CHUNK_LEFT);
	expect_states(s, 32, CHUNKS, 0xff, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 10);
}

/* In the middle of the window: it was skipped, and the rest is gone. */
static void forget_from_the_middle(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	ppc_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	expect_states(s, 5, CHUNKS, THIS_PASS, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_EXPECT_EQ(test, s->batch.first, 5);
}

/* A little back, to what it has passed: from there on, all is to come again. */
static void forget_step_back(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	u32 i;

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	ppc_sample_miss(s, 5);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
	expect_states(s, 0, 5, PPC_CHUNK_CONSUMED, PPC_CHUNK_CONSUMED);
	expect_states(s, 5, CHUNKS, THIS_PASS, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	for (i = 5; i < 10; i++) {
		ppc_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_EQ(test, s->out.useful, PPC_CHUNK_SIZE);
	}
}

/* It is not because of a batch that is only picked. */
static void forget_nothing_on_other_misses(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 2, 0);
	KUNIT_ASSERT_TRUE(test, ppc_sample_pick(s, BUDGET, MOST));
	KUNIT_ASSERT_EQ(test, s->batch.first, 32);
	ppc_sample_miss(s, 33);
	expect_states(s, 2, 32, PPC_CHUNK_ISSUED, PPC_CHUNK_ISSUED);
}

static void forget_spares_windows_of_others(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	u32 end;

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, OTHER);
	ppc_sample_fill(s, BUDGET, MOST);
	end = s->cursors.cursor[1].next;
	KUNIT_ASSERT_GT(test, end, OTHER);
	ppc_sample_miss(s, 0);
	expect_states(s, 0, OTHER, THIS_PASS, 0);
	expect_states(s, OTHER, end, 0xff, PPC_CHUNK_ISSUED);
	ppc_sample_miss(s, OTHER);
	expect_states(s, 0, CHUNKS, THIS_PASS, 0);
}

/*
 * Reclaim has taken what one reader had yet to read. What another has passed
 * must not be read ahead again, and is still to be dropped.
 */
static void forget_spares_what_others_consumed(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, OTHER);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, OTHER, OTHER + 10, BUDGET);
	ppc_sample_miss(s, 0);
	expect_states(s, OTHER, OTHER + 10, PPC_CHUNK_CONSUMED,
		      PPC_CHUNK_CONSUMED);
	ppc_sample_fill(s, PPC_SAMPLE_ALL, MOST);
	expect_states(s, 0, OTHER, PPC_CHUNK_ISSUED, PPC_CHUNK_ISSUED);
	expect_states(s, OTHER, OTHER + 10, PPC_CHUNK_CONSUMED,
		      PPC_CHUNK_CONSUMED);
}

/* The same process loads a second time: all of it is wanted again. */
static void forget_second_load(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 2, CHUNKS / 2);
	u32 i, issued;

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	for (i = 0; i < CHUNKS; i++)
		s->map.state[i] |= PPC_CHUNK_BURNED;

	ppc_sample_miss(s, 0);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, PPC_CHUNK_SIZE);
	expect_states(s, 0, 1, THIS_PASS, 0);
	expect_states(s, 1, CHUNKS, 0xff, PPC_CHUNK_BURNED);
	issued = ppc_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < CHUNKS; i++) {
		ppc_sample_read(s, i);
		KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_COVERED);
		issued += ppc_sample_fill(s, BUDGET, MOST);
	}
	KUNIT_EXPECT_EQ(test, issued, CHUNKS);
}

/* Refaulted is what was dropped, and missed after that; once. */
static void forget_refault(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, 10, BUDGET);
	s->map.state[8] |= PPC_CHUNK_BURNED;
	/* It is there, whoever read it. */
	ppc_sample_read(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
	KUNIT_EXPECT_EQ(test, s->map.state[8] & PPC_CHUNK_BURNED, 0);
	/* By reclaim, once it was consumed. */
	ppc_sample_miss(s, 9);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, PPC_CHUNK_SIZE);
	s->map.state[8] |= PPC_CHUNK_BURNED;
	ppc_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, PPC_CHUNK_SIZE);
	ppc_sample_miss(s, 8);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, 0);
}

/* Read ahead again, it is wanted once its reader comes by. */
static void forget_burned(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	u32 i;

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	pass(s, 0, CHUNKS, BUDGET);
	for (i = 0; i < CHUNKS; i++)
		s->map.state[i] |= PPC_CHUNK_BURNED;

	/* Who looks back gets no more than what is near. */
	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, CHUNKS * PPC_CHUNK_SIZE, MOST);
	expect_states(s, 0, PPC_CURSOR_SLACK + 1, PPC_CHUNK_ISSUED,
		      PPC_CHUNK_ISSUED);
	expect_states(s, PPC_CURSOR_SLACK + 2, CHUNKS, 0xff, PPC_CHUNK_BURNED);
	KUNIT_EXPECT_FALSE(test, ppc_chunk_gone(s->map.state[1]));
	KUNIT_EXPECT_TRUE(test, ppc_chunk_gone(s->map.state[CHUNKS - 1]));

	ppc_sample_read(s, 1);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, PPC_CHUNK_SIZE);
	ppc_sample_read(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.refaulted, PPC_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, s->map.state[2] & PPC_CHUNK_BURNED, 0);

	/* A batch that comes after its reader has passed is to be dropped. */
	s->map.state[2] |= PPC_CHUNK_BURNED;
	KUNIT_EXPECT_TRUE(test, ppc_chunk_gone(s->map.state[2]));
	s->map.state[2] = ppc_chunk_issue(s->map.state[2]);
	KUNIT_EXPECT_FALSE(test, ppc_chunk_gone(s->map.state[2]));

	/* Left by the pass, it is still to be dropped. */
	ppc_sample_miss(s, 0);
	KUNIT_EXPECT_FALSE(test, ppc_chunk_gone(s->map.state[8]));
	expect_states(s, 8, 9, PPC_CHUNK_LEFT | PPC_CHUNK_ISSUED,
		      PPC_CHUNK_LEFT);
}

static void forget_reset(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, OTHER);
	ppc_sample_fill(s, BUDGET, MOST);
	s->map.state[0] = 0xff & ~PPC_CHUNK_LEFT;
	s->map.state[CHUNKS - 1] = PPC_CHUNK_BURNED;
	ppc_cursors_reset(&s->cursors, &s->map);
	expect_states(s, 0, 1, 0xff, PPC_CHUNK_FAILED);
	expect_states(s, 1, CHUNKS - 1, THIS_PASS, 0);
	expect_states(s, 1, 10, 0xff, PPC_CHUNK_LEFT);
	expect_states(s, OTHER - 1, OTHER, 0xff, 0);
	expect_states(s, OTHER, OTHER + 10, 0xff, PPC_CHUNK_LEFT);
	expect_states(s, CHUNKS - 1, CHUNKS, 0xff, 0);
	KUNIT_EXPECT_FALSE(test, ppc_sample_pick(s, BUDGET, MOST));
	ppc_sample_miss(s, OTHER);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	KUNIT_EXPECT_FALSE(test, s->out.interrupted);
}

/*
 * A reader rests until it counts as idle, and its window is forgotten because
 * another misses. When it comes back, its window is read again.
 */
static void forget_window_of_idle_reader(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	u32 i;

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, OTHER);
	ppc_sample_fill(s, BUDGET, MOST);
	for (i = 0; i < PPC_CURSOR_IDLE; i++)
		ppc_sample_read(s, 0);
	ppc_sample_miss(s, 1);
	expect_states(s, OTHER, CHUNKS, THIS_PASS, 0);

	ppc_sample_miss(s, OTHER);
	KUNIT_EXPECT_NE(test, s->out.hit, PPC_STREAM_COVERED);
	ppc_sample_fill(s, BUDGET, MOST);
	expect_states(s, OTHER, OTHER + 4, PPC_CHUNK_ISSUED, PPC_CHUNK_ISSUED);
}

/* What nobody read ahead is not covered; behind the reader, it is read now. */
static void forget_behind_the_start(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);
	const u32 behind = 20 - PPC_CURSOR_SLACK / 2;

	ppc_sample_miss(s, 20);
	ppc_sample_fill(s, BUDGET, MOST);
	ppc_sample_miss(s, behind);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_MOVED);
	ppc_sample_fill(s, BUDGET, MOST);
	expect_states(s, behind, behind + 2, PPC_CHUNK_ISSUED,
		      PPC_CHUNK_ISSUED);
}

/* Passed over in a jump: when the reader comes back, that is no second time. */
static void forget_jump(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_miss(s, 10);
	ppc_sample_fill(s, 4 * PPC_CHUNK_SIZE, MOST);
	expect_states(s, 0, 10, PPC_CHUNK_CONSUMED | PPC_CHUNK_ISSUED,
		      PPC_CHUNK_CONSUMED);
	ppc_sample_miss(s, 3);
	expect_states(s, 0, 3, PPC_CHUNK_CONSUMED, PPC_CHUNK_CONSUMED);
	expect_states(s, 3, 10, PPC_CHUNK_CONSUMED, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	expect_states(s, 3, 10, PPC_CHUNK_ISSUED, PPC_CHUNK_ISSUED);
}

/* The same where the reader comes back by small steps, within its window. */
static void forget_jump_in_window(struct kunit *test)
{
	struct ppc_sample *s = ppc_sample_files(test, 1, CHUNKS);

	ppc_sample_miss(s, 0);
	ppc_sample_fill(s, BUDGET, MOST);
	s->map.state[2] = 0;
	ppc_sample_miss(s, 2);
	KUNIT_EXPECT_EQ(test, s->out.hit, PPC_STREAM_BEHIND);
	ppc_sample_fill(s, BUDGET, MOST);
	expect_states(s, 2, 3, PPC_CHUNK_ISSUED, PPC_CHUNK_ISSUED);
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
	KUNIT_CASE(forget_burned),
	KUNIT_CASE(forget_reset),
	KUNIT_CASE(forget_window_of_idle_reader),
	KUNIT_CASE(forget_behind_the_start),
	KUNIT_CASE(forget_jump),
	KUNIT_CASE(forget_jump_in_window),
	{}
};

static struct kunit_suite cursor_forget_suite = {
	.name = "ppc_cursor_forget",
	.test_cases = cursor_forget_cases,
};

kunit_test_suite(cursor_forget_suite);
