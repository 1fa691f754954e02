// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of chunks: which ranges are taken, which are refused and with
 * which errno, and how chosen ranges are cut.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "sample_kunit.h"

#define END_OF_FILES	((u64)MAX_LFS_FILESIZE)

#define RANGE(f, p, l)	{ .file = (f), .pos = (p), .len = (l) }

struct refusal {
	const char *what;
	int err;
	u32 nr;
	struct ppc_range ranges[3];
};

static const struct refusal refusals[] = {
	{ "none", -EINVAL, 0, {} },
	{ "empty", -EINVAL, 1, { RANGE(0, 4096, 0) } },
	{ "empty, not first", -EINVAL, 2,
	  { RANGE(0, 0, 1), RANGE(0, 4096, 0) } },
	{ "flags", -EINVAL, 1,
	  { { .flags = 1, .len = 4096 } } },
	{ "same", -EINVAL, 2, { RANGE(1, 0, 4096), RANGE(1, 0, 4096) } },
	{ "overlap by a byte", -EINVAL, 2,
	  { RANGE(0, 0, 4097), RANGE(0, 4096, 4096) } },
	{ "overlap, in reverse", -EINVAL, 2,
	  { RANGE(0, 4096, 4096), RANGE(0, 0, 4097) } },
	{ "inside of another", -EINVAL, 2,
	  { RANGE(0, 0, SZ_16M), RANGE(0, SZ_8M, 1) } },
	{ "inside of another, between other files", -EINVAL, 3,
	  { RANGE(5, 0, SZ_16M), RANGE(4, 0, SZ_16M), RANGE(5, SZ_8M, 1) } },
	{ "two inside of one", -EINVAL, 3,
	  { RANGE(0, SZ_4M, 1), RANGE(0, SZ_8M, 1), RANGE(0, 0, SZ_16M) } },
	{ "wraps", -EINVAL, 1, { RANGE(0, U64_MAX, 2) } },
	{ "wraps to itself", -EINVAL, 1, { RANGE(0, 1, U64_MAX) } },
	{ "ends at 2^64", -EINVAL, 1, { RANGE(0, U64_MAX, 1) } },
	{ "all there could be", -EINVAL, 1, { RANGE(0, 0, U64_MAX) } },
	{ "behind any file", -EINVAL, 1, { RANGE(0, END_OF_FILES, 1) } },
	{ "beyond any file by a byte", -EINVAL, 1,
	  { RANGE(0, END_OF_FILES - 4096, 4097) } },
	{ "a chunk too many", -E2BIG, 1,
	  { RANGE(0, 0, MAIO_MAP_MAX_CHUNKS * MAIO_CHUNK_SIZE + 1) } },
	{ "a chunk too many, at the edges", -E2BIG, 1,
	  { RANGE(0, 1, MAIO_MAP_MAX_CHUNKS * MAIO_CHUNK_SIZE) } },
	{ "a chunk too many, of two", -E2BIG, 2,
	  { RANGE(0, 0, MAIO_MAP_MAX_CHUNKS * MAIO_CHUNK_SIZE),
	    RANGE(1, 0, 1) } },
	{ "2^42 chunks", -E2BIG, 1, { RANGE(0, 0, END_OF_FILES) } },
};

static void map_refuses(struct kunit *test)
{
	const struct maio_map empty = {};
	struct maio_map map;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		memset(&map, 0xff, sizeof(map));
		err = maio_map_init(&map, r->ranges, r->nr);
		KUNIT_EXPECT_EQ_MSG(test, err, r->err, "%s", r->what);
		/* Nothing is left, and it may be freed all the same. */
		KUNIT_EXPECT_MEMEQ_MSG(test, &map, &empty, sizeof(map),
				       "%s", r->what);
		maio_map_free(&map);
	}
}

/* The number is looked at before the ranges are. */
static void map_refuses_too_many(struct kunit *test)
{
	struct ppc_range range = RANGE(0, 0, 1);
	struct maio_map map;

	KUNIT_EXPECT_EQ(test, maio_map_init(&map, &range,
					    MAIO_MAP_MAX_RANGES + 1), -E2BIG);
	KUNIT_EXPECT_EQ(test, maio_map_init(&map, &range, U32_MAX), -E2BIG);
}

static void map_size(struct kunit *test)
{
	const struct ppc_range ranges[] = {
		{ .len = SZ_2M }, { .pos = SZ_4M - 1, .len = SZ_2M + 2 },
		{ .pos = SZ_16M, .len = 2 * MAIO_MAP_MAX_CHUNKS * MAIO_CHUNK_SIZE },
	};
	const size_t range = sizeof(ranges[0]) + sizeof(u32) + sizeof(u64) + sizeof(u32);
	const size_t chunk = sizeof(u16) + sizeof(u32);

	KUNIT_EXPECT_EQ(test, maio_map_size(ranges, 1), range + chunk);
	KUNIT_EXPECT_EQ(test, maio_map_size(ranges, 2), 2 * range + 4 * chunk);
	KUNIT_EXPECT_EQ(test, maio_map_size(ranges, 3), 3 * range + MAIO_MAP_MAX_CHUNKS * chunk);
}

static void map_largest(struct kunit *test)
{
	const struct ppc_range range =
		RANGE(3, 0, MAIO_MAP_MAX_CHUNKS * MAIO_CHUNK_SIZE);
	struct maio_sample *s = maio_sample_create(test, &range, 1);
	u32 chunk;

	KUNIT_EXPECT_EQ(test, s->map.nr_chunks, MAIO_MAP_MAX_CHUNKS);
	KUNIT_EXPECT_EQ(test, maio_map_byte(&s->map, MAIO_MAP_MAX_CHUNKS),
			range.len);
	KUNIT_EXPECT_TRUE(test, maio_map_find(&s->map, 3, range.len - 1,
					      &chunk));
	KUNIT_EXPECT_EQ(test, chunk, MAIO_MAP_MAX_CHUNKS - 1);
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, 3, range.len, &chunk));
}

static void map_frees_twice(struct kunit *test)
{
	const struct ppc_range range = RANGE(0, 0, 1);
	const struct maio_map empty = {};
	struct maio_map map;

	KUNIT_ASSERT_EQ(test, maio_map_init(&map, &range, 1), 0);
	maio_map_free(&map);
	KUNIT_EXPECT_MEMEQ(test, &map, &empty, sizeof(map));
	maio_map_free(&map);
}

static void expect_chunk(struct kunit *test, const struct maio_map *map,
			 u32 chunk, struct ppc_range expected)
{
	struct ppc_range bytes;

	maio_map_chunk(map, chunk, &bytes);
	KUNIT_EXPECT_EQ_MSG(test, bytes.file, expected.file, "%u", chunk);
	KUNIT_EXPECT_EQ_MSG(test, bytes.pos, expected.pos, "%u", chunk);
	KUNIT_EXPECT_EQ_MSG(test, bytes.len, expected.len, "%u", chunk);
}

static void map_cuts_unaligned(struct kunit *test)
{
	/* One byte before a boundary, to one byte behind the next but one. */
	const struct ppc_range range =
		RANGE(0, MAIO_CHUNK_SIZE - 1, 2 * MAIO_CHUNK_SIZE + 2);
	struct maio_sample *s = maio_sample_create(test, &range, 1);
	u32 chunk;

	KUNIT_ASSERT_EQ(test, s->map.nr_chunks, 4);
	expect_chunk(test, &s->map, 0,
		     (struct ppc_range)RANGE(0, MAIO_CHUNK_SIZE - 1, 1));
	expect_chunk(test, &s->map, 1,
		     (struct ppc_range)RANGE(0, MAIO_CHUNK_SIZE,
					     MAIO_CHUNK_SIZE));
	expect_chunk(test, &s->map, 2,
		     (struct ppc_range)RANGE(0, 2 * MAIO_CHUNK_SIZE,
					     MAIO_CHUNK_SIZE));
	expect_chunk(test, &s->map, 3,
		     (struct ppc_range)RANGE(0, 3 * MAIO_CHUNK_SIZE, 1));
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, 0, MAIO_CHUNK_SIZE - 2,
					       &chunk));
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, 0,
					       3 * MAIO_CHUNK_SIZE + 1, &chunk));
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, 1, MAIO_CHUNK_SIZE,
					       &chunk));
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, 0, U64_MAX, &chunk));
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, U32_MAX, 0, &chunk));
}

/* Chunks are numbered as the ranges are given, not as they lie in files. */
static void map_keeps_order(struct kunit *test)
{
	const struct ppc_range ranges[] = {
		RANGE(7, SZ_4M, SZ_2M),
		RANGE(2, 0, 1),
		RANGE(7, 0, SZ_4M),
	};
	struct maio_sample *s = maio_sample_create(test, ranges, 3);
	u32 chunk;

	KUNIT_ASSERT_EQ(test, s->map.nr_chunks, 4);
	expect_chunk(test, &s->map, 0, ranges[0]);
	expect_chunk(test, &s->map, 1, ranges[1]);
	KUNIT_ASSERT_TRUE(test, maio_map_find(&s->map, 7, 0, &chunk));
	KUNIT_EXPECT_EQ(test, chunk, 2);
	KUNIT_ASSERT_TRUE(test, maio_map_find(&s->map, 7, SZ_4M, &chunk));
	KUNIT_EXPECT_EQ(test, chunk, 0);
	KUNIT_EXPECT_EQ(test, maio_map_byte(&s->map, 2), SZ_2M + 1);
	KUNIT_EXPECT_EQ(test, maio_map_byte(&s->map, U32_MAX),
			SZ_2M + 1 + SZ_4M);
}

static void map_last_bytes_of_largest_file(struct kunit *test)
{
	const struct ppc_range range =
		RANGE(U32_MAX, END_OF_FILES - 3 * MAIO_CHUNK_SIZE - 5,
		      3 * MAIO_CHUNK_SIZE + 5);
	struct maio_sample *s = maio_sample_create(test, &range, 1);
	u64 pos = range.pos;
	u32 i, chunk;

	for (i = 0; i < s->map.nr_chunks; i++) {
		struct ppc_range bytes;

		maio_map_chunk(&s->map, i, &bytes);
		KUNIT_EXPECT_EQ(test, bytes.pos, pos);
		KUNIT_EXPECT_LE(test, bytes.len, MAIO_CHUNK_SIZE);
		pos += bytes.len;
	}
	KUNIT_EXPECT_EQ(test, pos, END_OF_FILES);
	KUNIT_ASSERT_TRUE(test, maio_map_find(&s->map, U32_MAX,
					      END_OF_FILES - 1, &chunk));
	KUNIT_EXPECT_EQ(test, chunk, s->map.nr_chunks - 1);
	KUNIT_EXPECT_FALSE(test, maio_map_find(&s->map, U32_MAX, END_OF_FILES,
					       &chunk));
}

/* A part of no bytes has no chunks, wherever it lies. */
static void map_next_of_nothing(struct kunit *test)
{
	static const u64 positions[] = { 0, 1, SZ_1M, SZ_2M, SZ_4M, SZ_8M };
	const struct ppc_range range = RANGE(0, 0, SZ_4M);
	struct maio_sample *s = maio_sample_create(test, &range, 1);
	u32 at, first, last;
	int i;

	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		at = U32_MAX;
		KUNIT_EXPECT_FALSE_MSG(test,
				       maio_map_next(&s->map, 0, positions[i],
						     positions[i], &at, &first,
						    &last),
				       "at %llu", positions[i]);
	}
}

/* The caller may clip to the file, or not. */
static void map_next_to_the_end(struct kunit *test)
{
	const struct ppc_range ranges[] = {
		RANGE(0, SZ_2M, SZ_4M), RANGE(0, SZ_16M, 1), RANGE(1, 0, 1),
	};
	struct maio_sample *s = maio_sample_create(test, ranges, 3);
	u32 at = U32_MAX, first, last;

	KUNIT_ASSERT_TRUE(test, maio_map_next(&s->map, 0, SZ_2M + 1, U64_MAX,
					      &at, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 0);
	KUNIT_EXPECT_EQ(test, last, 1);
	KUNIT_ASSERT_TRUE(test, maio_map_next(&s->map, 0, SZ_2M + 1, U64_MAX,
					      &at, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 2);
	KUNIT_EXPECT_EQ(test, last, 2);
	KUNIT_EXPECT_FALSE(test, maio_map_next(&s->map, 0, SZ_2M + 1, U64_MAX,
					       &at, &first, &last));
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(map_refuses),
	KUNIT_CASE(map_refuses_too_many),
	KUNIT_CASE(map_size),
	KUNIT_CASE(map_largest),
	KUNIT_CASE(map_frees_twice),
	KUNIT_CASE(map_cuts_unaligned),
	KUNIT_CASE(map_keeps_order),
	KUNIT_CASE(map_last_bytes_of_largest_file),
	KUNIT_CASE(map_next_of_nothing),
	KUNIT_CASE(map_next_to_the_end),
	{}
};

static struct kunit_suite map_suite = {
	.name = "ppc_map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
