// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the KUnit suites that are linked in, and prints KTAP. With -f it stops at the first failure.
 */
#include <stdarg.h>

#include <kunit/test.h>

#define MAX_SUITES	64

struct kunit_action {
	struct kunit_action *next;
	void (*action)(void *context);
	void *context;
};

static struct kunit_suite *suites[MAX_SUITES];
static unsigned int nr_suites;
static bool stop_at_failure;

void kunit_register(struct kunit_suite *suite)
{
	if (nr_suites == MAX_SUITES)
		abort();
	suites[nr_suites++] = suite;
}

void kunit_fail(struct kunit *test, bool stop, const char *file, int line, const char *what, ...)
{
	va_list args;

	test->failed = true;
	printf("    # %s: %s FAILED at %s:%d: ", test->name, stop ? "ASSERTION" : "EXPECTATION",
	       file, line);
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	putchar('\n');
	if (stop_at_failure)
		exit(1);
	if (stop)
		longjmp(test->end, 1);
}

void kunit_skip_case(struct kunit *test, const char *why)
{
	test->skipped = why;
	longjmp(test->end, 1);
}

int kunit_add_action_or_reset(struct kunit *test, void (*action)(void *context), void *context)
{
	struct kunit_action *entry = malloc(sizeof(*entry));

	*entry = (struct kunit_action){ test->actions, action, context };
	test->actions = entry;
	return 0;
}

void *kunit_alloc(struct kunit *test, size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (memory)
		kunit_add_action_or_reset(test, free, memory);
	return memory;
}

static void run_actions(struct kunit *test)
{
	while (test->actions) {
		struct kunit_action *entry = test->actions;

		test->actions = entry->next;
		entry->action(entry->context);
		free(entry);
	}
}

/* True if it did not fail. */
static bool run_case(const struct kunit_suite *suite, const struct kunit_case *c,
		     unsigned int number)
{
	struct kunit test = { .name = c->name };

	if (!setjmp(test.end)) {
		if (suite->init && suite->init(&test))
			KUNIT_CHECK(&test, true, false, "the suite's init failed");
		c->run_case(&test);
	}
	if (suite->exit)
		suite->exit(&test);
	run_actions(&test);
	printf("    %sok %u %s%s%s\n", test.failed ? "not " : "", number, c->name,
	       test.skipped ? " # SKIP " : "", test.skipped ?: "");
	return !test.failed;
}

static bool run_suite(const struct kunit_suite *suite, unsigned int number)
{
	unsigned int nr = 0, i;
	bool good = true;

	while (suite->test_cases[nr].run_case)
		nr++;
	printf("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name, nr);
	for (i = 0; i < nr; i++)
		good &= run_case(suite, &suite->test_cases[i], i + 1);
	printf("%sok %u %s\n", good ? "" : "not ", number, suite->name);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;
	unsigned int i;

	/* What was said before a crash must not be lost. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	stop_at_failure = argc > 1 && !strcmp(argv[1], "-f");
	printf("KTAP version 1\n1..%u\n", nr_suites);
	for (i = 0; i < nr_suites; i++)
		good &= run_suite(suites[i], i + 1);
	return good ? 0 : 1;
}
