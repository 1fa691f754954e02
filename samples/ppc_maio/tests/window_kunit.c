// SPDX-License-Identifier: GPL-2.0
/*
 * How the window of a stream opens and closes.
 */

#include <linux/sizes.h>
#include <kunit/test.h>

#include "../maio_window.h"

/* It opens by what readers used, half a window at a time. */
static void window_opens(struct kunit *test)
{
	struct maio_window w;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
	maio_window_update(&w, SZ_8M - 1, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
	maio_window_update(&w, SZ_8M, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_32M);
	maio_window_update(&w, SZ_8M + SZ_16M - 1, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_32M);
	maio_window_update(&w, SZ_8M + SZ_16M, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_64M);
	/* Asked rarely, it still opens one step at a time. */
	maio_window_update(&w, SZ_1G, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_128M);
}

static void window_is_bounded(struct kunit *test)
{
	struct maio_window w;
	int i;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	for (i = 1; i < 100; i++)
		maio_window_update(&w, i * BIT_ULL(50), 0);
	KUNIT_EXPECT_EQ(test, w.size, BIT_ULL(50));

	/* By how far it may open, and less once little was taken. */
	maio_window_reset(&w, SZ_4M, SZ_16M);
	for (i = 1; i < 10; i++)
		maio_window_update(&w, i * SZ_16M, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
	maio_window_narrow(&w);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	for (i = 10; i < 20; i++)
		maio_window_update(&w, i * SZ_16M, 0);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	for (i = 0; i < 10; i++)
		maio_window_narrow(&w);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
	KUNIT_EXPECT_EQ(test, w.max, SZ_4M);
}

/* Nothing is used: it is closed before a window's worth was lost. */
static void window_closes(struct kunit *test)
{
	struct maio_window w;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	maio_window_update(&w, 0, SZ_8M - 1);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
	maio_window_update(&w, 0, SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	maio_window_update(&w, 0, SZ_8M + SZ_4M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
	maio_window_update(&w, 0, SZ_8M + SZ_4M + SZ_2M - 1);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
	maio_window_update(&w, 0, SZ_8M + SZ_4M + SZ_2M);
	KUNIT_EXPECT_EQ(test, w.size, 0);
	/* Until the next reset. */
	maio_window_update(&w, SZ_1G, SZ_1G);
	KUNIT_EXPECT_EQ(test, w.size, 0);
	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
}

/* It was of use before: it closes when more was lost than used in all. */
static void window_was_of_use(struct kunit *test)
{
	struct maio_window w;

	maio_window_reset(&w, SZ_4M, MAIO_WINDOW_MAX);
	w.used = SZ_8M;
	maio_window_update(&w, SZ_8M, SZ_4M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
	maio_window_update(&w, SZ_8M, SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
	maio_window_update(&w, SZ_8M, SZ_8M + SZ_2M);
	KUNIT_EXPECT_EQ(test, w.size, 0);
}

/* A little is used at each place: it stays at its smallest. */
static void window_stays_small(struct kunit *test)
{
	struct maio_window w;
	u64 i;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	for (i = 1; i < 100; i++)
		maio_window_update(&w, i * SZ_1M, i * SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
}

/* What is lost is not more than what is used. */
static void window_may_lose_some(struct kunit *test)
{
	struct maio_window w;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	maio_window_update(&w, SZ_8M, SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_32M);
	maio_window_update(&w, SZ_8M + SZ_16M, SZ_8M + SZ_16M + 1);
	KUNIT_EXPECT_EQ(test, w.size, SZ_16M);
}

/* Readers come back to what they had passed, and pass more. */
static void window_of_returning_readers(struct kunit *test)
{
	struct maio_window w;

	maio_window_reset(&w, MAIO_WINDOW_START, MAIO_WINDOW_MAX);
	maio_window_update(&w, 0, SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	/* Used a little: not the four MiB for which it would open. */
	maio_window_update(&w, SZ_2M, SZ_4M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	maio_window_update(&w, SZ_2M, SZ_8M - 1);
	KUNIT_EXPECT_EQ(test, w.size, SZ_8M);
	maio_window_update(&w, SZ_2M, SZ_8M);
	KUNIT_EXPECT_EQ(test, w.size, SZ_4M);
}

static struct kunit_case maio_window_cases[] = {
	KUNIT_CASE(window_opens),
	KUNIT_CASE(window_is_bounded),
	KUNIT_CASE(window_closes),
	KUNIT_CASE(window_was_of_use),
	KUNIT_CASE(window_stays_small),
	KUNIT_CASE(window_may_lose_some),
	KUNIT_CASE(window_of_returning_readers),
	{}
};

static struct kunit_suite maio_window_suite = {
	.name = "maio_window",
	.test_cases = maio_window_cases,
};

kunit_test_suite(maio_window_suite);
