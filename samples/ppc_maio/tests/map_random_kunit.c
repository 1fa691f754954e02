// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of chunks: random ranges against a list of chunks that is made
 * the long way, and searched from its beginning.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define ROUNDS		40
#define MAX_RANGES	60
#define PARTS		200
#define TINY_RANGES	20000

/* No range is cut into more. */
#define MAX_CHUNKS	(MAX_RANGES * 6)

struct model {
	u32 nr;
	struct ppc_range chunk[MAX_CHUNKS];
};

static void model_cut(struct kunit *test, struct model *model,
		      const struct ppc_range *ranges, u32 nr)
{
	u32 i;

	model->nr = 0;
	for (i = 0; i < nr; i++) {
		u64 pos = ranges[i].pos, end = pos + ranges[i].len;

		while (pos < end) {
			u64 len = min(end - pos,
				      MAIO_CHUNK_SIZE - pos % MAIO_CHUNK_SIZE);

			KUNIT_ASSERT_LT(test, model->nr, MAX_CHUNKS);
			model->chunk[model->nr++] = (struct ppc_range){
				.file = ranges[i].file,
				.pos = pos,
				.len = len,
			};
			pos += len;
		}
	}
}

/* Returns nr if there is none. */
static u32 model_find(const struct model *model, u32 file, u64 pos)
{
	u32 i;

	for (i = 0; i < model->nr; i++) {
		const struct ppc_range *c = &model->chunk[i];

		if (c->file == file && pos >= c->pos && pos - c->pos < c->len)
			break;
	}
	return i;
}

static void expect_found(struct kunit *test, const struct maio_map *map,
			 const struct model *model, u32 file, u64 pos)
{
	u32 expected = model_find(model, file, pos), chunk = U32_MAX;

	if (maio_map_find(map, file, pos, &chunk))
		KUNIT_EXPECT_EQ_MSG(test, chunk, expected, "file %u at %llu",
				    file, pos);
	else
		KUNIT_EXPECT_EQ_MSG(test, expected, model->nr,
				    "file %u at %llu", file, pos);
}

static void check_map(struct kunit *test, const struct maio_map *map,
		      const struct model *model)
{
	u64 sum = 0;
	u32 i;

	KUNIT_ASSERT_EQ(test, map->nr_chunks, model->nr);
	for (i = 0; i < model->nr; i++) {
		const struct ppc_range *c = &model->chunk[i];
		struct ppc_range bytes;

		maio_map_chunk(map, i, &bytes);
		KUNIT_EXPECT_MEMEQ(test, &bytes, c, sizeof(bytes));
		KUNIT_EXPECT_EQ(test, maio_map_byte(map, i), sum);
		KUNIT_EXPECT_EQ(test, map->state[i], 0);
		sum += bytes.len;

		expect_found(test, map, model, c->file, c->pos);
		expect_found(test, map, model, c->file, c->pos + c->len / 2);
		expect_found(test, map, model, c->file, c->pos + c->len - 1);
		expect_found(test, map, model, c->file, c->pos + c->len);
		expect_found(test, map, model, c->file, c->pos - 1);
	}
	KUNIT_EXPECT_EQ(test, maio_map_byte(map, model->nr), sum);
}

static void check_part(struct kunit *test, const struct maio_map *map,
		       const struct model *model, u32 file, u64 pos, u64 end)
{
	DECLARE_BITMAP(expected, MAX_CHUNKS) = {};
	DECLARE_BITMAP(found, MAX_CHUNKS) = {};
	u32 at = U32_MAX, first, last, i, walked = 0;
	u64 behind = 0;

	for (i = 0; i < model->nr; i++) {
		const struct ppc_range *c = &model->chunk[i];

		if (c->file == file && c->pos < end && c->pos + c->len > pos)
			__set_bit(i, expected);
	}
	while (maio_map_next(map, file, pos, end, &at, &first, &last)) {
		KUNIT_ASSERT_LE(test, ++walked, map->nr_ranges);
		KUNIT_ASSERT_LE(test, first, last);
		KUNIT_ASSERT_LT(test, last, model->nr);
		/* In the order of the file. */
		KUNIT_EXPECT_GE(test, model->chunk[first].pos, behind);
		behind = model->chunk[last].pos + model->chunk[last].len;
		for (; first <= last; first++)
			KUNIT_EXPECT_FALSE(test,
					   __test_and_set_bit(first, found));
	}
	KUNIT_EXPECT_TRUE_MSG(test, bitmap_equal(expected, found, MAX_CHUNKS),
			      "file %u, %llu to %llu", file, pos, end);
}

/* Somewhere, but mostly where something begins or ends. */
static u64 random_pos(struct rnd_state *rnd, const struct model *model)
{
	const struct ppc_range *c =
		&model->chunk[maio_sample_random(rnd, model->nr)];

	switch (maio_sample_random(rnd, 4)) {
	case 0:
		return c->pos;
	case 1:
		return c->pos + c->len;
	case 2:
		return c->pos + maio_sample_random(rnd, c->len);
	default:
		return c->pos + c->len + maio_sample_random(rnd, SZ_8M);
	}
}

static void map_random(struct kunit *test)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	struct rnd_state rnd;
	int round, i;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 0x5050431);
	for (round = 0; round < ROUNDS; round++) {
		u32 nr = 1 + maio_sample_random(&rnd, MAX_RANGES);
		struct ppc_range *ranges = maio_sample_ranges(test, &rnd, nr);
		struct maio_sample *s = maio_sample_create(test, ranges, nr);

		model_cut(test, model, ranges, nr);
		check_map(test, &s->map, model);
		for (i = 0; i < PARTS; i++) {
			u64 a = random_pos(&rnd, model);
			u64 b = random_pos(&rnd, model);

			if (a == b)
				b++;
			check_part(test, &s->map, model,
				   maio_sample_random(&rnd,
						      MAIO_SAMPLE_FILES + 1),
				   min(a, b), max(a, b));
		}
	}
}

/* If two random ranges overlap, so says the map. */
static void map_random_overlap(struct kunit *test)
{
	struct ppc_range ranges[8];
	struct rnd_state rnd;
	struct maio_map map;
	int round, i, j;

	prandom_seed_state(&rnd, 0x5050432);
	for (round = 0; round < 2000; round++) {
		u32 nr = 2 + maio_sample_random(&rnd, ARRAY_SIZE(ranges) - 1);
		bool overlap = false;
		int err;

		for (i = 0; i < nr; i++) {
			struct ppc_range *r = &ranges[i];

			*r = (struct ppc_range){
				.file = maio_sample_random(&rnd, 2),
				.pos = maio_sample_random(&rnd, 64),
				.len = 1 + maio_sample_random(&rnd, 12),
			};
			for (j = 0; j < i; j++)
				overlap |= r->file == ranges[j].file &&
					   r->pos < ranges[j].pos +
						    ranges[j].len &&
					   ranges[j].pos < r->pos + r->len;
		}
		err = maio_map_init(&map, ranges, nr);
		KUNIT_EXPECT_EQ(test, err, overlap ? -EINVAL : 0);
		maio_map_free(&map);
	}
}

/* A byte here and there, in reverse. */
static void map_tiny_ranges(struct kunit *test)
{
	struct ppc_range *ranges;
	struct maio_sample *s;
	u32 i, chunk;

	ranges = kunit_kcalloc(test, TINY_RANGES, sizeof(*ranges), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < TINY_RANGES; i++)
		ranges[i] = (struct ppc_range){
			.pos = (TINY_RANGES - i) * 3,
			.len = 1 + i % 3,
		};
	s = maio_sample_create(test, ranges, TINY_RANGES);
	KUNIT_ASSERT_EQ(test, s->map.nr_chunks, TINY_RANGES);
	for (i = 0; i < TINY_RANGES; i++) {
		struct ppc_range bytes;
		bool found;

		maio_map_chunk(&s->map, i, &bytes);
		KUNIT_EXPECT_MEMEQ(test, &bytes, &ranges[i], sizeof(bytes));
		found = maio_map_find(&s->map, 0, bytes.pos + bytes.len - 1,
				      &chunk);
		KUNIT_EXPECT_TRUE(test, found);
		KUNIT_EXPECT_EQ(test, chunk, i);
		KUNIT_EXPECT_EQ(test, maio_map_byte(&s->map, i + 1) -
				maio_map_byte(&s->map, i), bytes.len);
	}
}

static struct kunit_case map_random_cases[] = {
	KUNIT_CASE(map_random),
	KUNIT_CASE(map_random_overlap),
	KUNIT_CASE(map_tiny_ranges),
	{}
};

static struct kunit_suite map_random_suite = {
	.name = "maio_map_random",
	.test_cases = map_random_cases,
};

kunit_test_suite(map_random_suite);
