/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of KUnit as our tests use. Memory is freed by free(), so that the address sanitizer knows
 * where it ends.
 */
#ifndef _PPC_KUNIT_TEST_H
#define _PPC_KUNIT_TEST_H

#include <setjmp.h>

#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>

struct kunit_action;

/**
 * struct kunit - a running test case
 * @priv: the suite's own
 * @name: of the case
 * @failed: an expectation was not met
 * @skipped: why it was skipped, or NULL
 * @actions: to be done at the end, the last one first
 * @end: where a failed assertion goes on
 */
struct kunit {
	void *priv;
	const char *name;
	bool failed;
	const char *skipped;
	struct kunit_action *actions;
	jmp_buf end;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

void kunit_register(struct kunit_suite *suite);
void kunit_fail(struct kunit *test, bool stop, const char *file, int line, const char *what, ...)
	__attribute__((format(printf, 5, 6)));
void __noreturn kunit_skip_case(struct kunit *test, const char *why);
void *kunit_alloc(struct kunit *test, size_t nr, size_t size);
int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *context), void *context);

#define KUNIT_CASE(function)	{ .run_case = function, .name = #function }

#define kunit_test_suite(suite)							\
	static void __attribute__((constructor)) register_##suite(void)	\
	{									\
		kunit_register(&(suite));					\
	}

#define KUNIT_DEFINE_ACTION_WRAPPER(wrapper, function, type)			\
	static void wrapper(void *context)					\
	{									\
		function((type)context);					\
	}

#define kunit_skip(test, why)	kunit_skip_case(test, why)

static inline void *kunit_kzalloc(struct kunit *test, size_t size, unsigned int gfp)
{
	return kunit_alloc(test, 1, size);
}

static inline void *kunit_kcalloc(struct kunit *test, size_t nr, size_t size, unsigned int gfp)
{
	return kunit_alloc(test, nr, size);
}

#define KUNIT_CHECK(test, stop, good, what, ...) do {				\
	if (!(good))								\
		kunit_fail(test, stop, __FILE__, __LINE__, what, ##__VA_ARGS__);	\
} while (0)

#define KUNIT_COMPARE(test, stop, left, op, right, fmt, ...) do {		\
	const typeof(left) _left = (left);					\
	const typeof(right) _right = (right);					\
										\
	KUNIT_CHECK(test, stop, _left op _right,				\
		    #left " " #op " " #right ", but %lld and %lld. " fmt,	\
		    (long long)_left, (long long)_right, ##__VA_ARGS__);	\
} while (0)

#define KUNIT_MEMORY(test, left, right, size, fmt, ...)				\
	KUNIT_CHECK(test, false, !memcmp(left, right, size),			\
		    #left " is not " #right ". " fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_TRUE(test, good)		KUNIT_CHECK(test, false, good, #good)
#define KUNIT_EXPECT_FALSE(test, bad)		KUNIT_CHECK(test, false, !(bad), "!(" #bad ")")
#define KUNIT_EXPECT_TRUE_MSG(test, good, fmt, ...)				\
	KUNIT_CHECK(test, false, good, #good ". " fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, bad, fmt, ...)				\
	KUNIT_CHECK(test, false, !(bad), "!(" #bad "). " fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NULL(test, p)		KUNIT_CHECK(test, false, !(p), #p " is not NULL")
#define KUNIT_EXPECT_NOT_NULL(test, p)		KUNIT_CHECK(test, false, p, #p " is NULL")
#define KUNIT_EXPECT_PTR_EQ(test, l, r)		KUNIT_CHECK(test, false, (l) == (r), #l " != " #r)
#define KUNIT_EXPECT_EQ(test, l, r)		KUNIT_COMPARE(test, false, l, ==, r, "")
#define KUNIT_EXPECT_NE(test, l, r)		KUNIT_COMPARE(test, false, l, !=, r, "")
#define KUNIT_EXPECT_LT(test, l, r)		KUNIT_COMPARE(test, false, l, <, r, "")
#define KUNIT_EXPECT_LE(test, l, r)		KUNIT_COMPARE(test, false, l, <=, r, "")
#define KUNIT_EXPECT_GT(test, l, r)		KUNIT_COMPARE(test, false, l, >, r, "")
#define KUNIT_EXPECT_GE(test, l, r)		KUNIT_COMPARE(test, false, l, >=, r, "")
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)	KUNIT_COMPARE(test, false, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, l, r, ...)	KUNIT_COMPARE(test, false, l, <, r, __VA_ARGS__)
#define KUNIT_EXPECT_STREQ(test, l, r)		KUNIT_CHECK(test, false, !strcmp(l, r), \
							    #l " is not " #r)
#define KUNIT_EXPECT_MEMEQ(test, l, r, size)	KUNIT_MEMORY(test, l, r, size, "")
#define KUNIT_EXPECT_MEMEQ_MSG(test, l, r, size, ...) KUNIT_MEMORY(test, l, r, size, __VA_ARGS__)

#define KUNIT_ASSERT_TRUE(test, good)		KUNIT_CHECK(test, true, good, #good)
#define KUNIT_ASSERT_NOT_NULL(test, p)		KUNIT_CHECK(test, true, p, #p " is NULL")
#define KUNIT_ASSERT_EQ(test, l, r)		KUNIT_COMPARE(test, true, l, ==, r, "")
#define KUNIT_ASSERT_LT(test, l, r)		KUNIT_COMPARE(test, true, l, <, r, "")
#define KUNIT_ASSERT_LE(test, l, r)		KUNIT_COMPARE(test, true, l, <=, r, "")
#define KUNIT_ASSERT_GT(test, l, r)		KUNIT_COMPARE(test, true, l, >, r, "")

#endif /* _PPC_KUNIT_TEST_H */
