// SPDX-License-Identifier: GPL-2.0
/*
 * What a failed allocation leaves behind: KUnit in the kernel has no means to make one fail.
 */
#include <kunit/test.h>

#include "../../../samples/ppc_maio/maio_map.h"

static void alloc_map(struct kunit *test)
{
	const struct ppc_range range = { .len = 3 * MAIO_CHUNK_SIZE };
	const struct maio_map empty = {};
	struct maio_map map;
	int nr, err;

	for (nr = 0; nr < 8; nr++) {
		memset(&map, 0xff, sizeof(map));
		shim_allocations = nr;
		err = maio_map_init(&map, &range, 1);
		shim_allocations = -1;
		if (!err)
			break;
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_MEMEQ(test, &map, &empty, sizeof(map));
	}
	/* One for each of its arrays. */
	KUNIT_EXPECT_EQ(test, nr, 5);

	shim_allocations = 0;
	err = maio_watch_start(&map);
	shim_allocations = -1;
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_NULL(test, map.watch.taken);
	maio_map_free(&map);
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE(alloc_map),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "ppc_alloc",
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
