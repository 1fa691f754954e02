// SPDX-License-Identifier: GPL-2.0
/*
 * Maps, readers and a worker for the tests. The worker does to the state of
 * chunks what maio_ahead.c does, and looks at every batch on its way.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

KUNIT_DEFINE_ACTION_WRAPPER(maio_map_free_action, maio_map_free,
			    struct maio_map *);

/* A number from 0 to below - 1. */
u32 maio_sample_random(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

/* Small, middling and large; on the boundaries of chunks now and then. */
static u32 random_len(struct rnd_state *rnd)
{
	switch (maio_sample_random(rnd, 4)) {
	case 0:
		return 1 + maio_sample_random(rnd, 16);
	case 1:
		return 1 + maio_sample_random(rnd, SZ_64K);
	case 2:
		return (1 + maio_sample_random(rnd, 3)) * MAIO_CHUNK_SIZE;
	default:
		return 1 + maio_sample_random(rnd, SZ_8M);
	}
}

/* Ranges that do not overlap, some of them adjacent, in no order at all. */
struct ppc_range *maio_sample_ranges(struct kunit *test, struct rnd_state *rnd,
				     u32 nr)
{
	struct ppc_range *ranges;
	u64 pos[MAIO_SAMPLE_FILES] = {};
	u32 i;

	ranges = kunit_kcalloc(test, nr, sizeof(*ranges), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < nr; i++) {
		u32 file = maio_sample_random(rnd, MAIO_SAMPLE_FILES);

		if (maio_sample_random(rnd, 3))
			pos[file] += random_len(rnd);
		if (!maio_sample_random(rnd, 4))
			pos[file] = round_up(pos[file], MAIO_CHUNK_SIZE);
		ranges[i].file = file;
		ranges[i].pos = pos[file];
		ranges[i].len = random_len(rnd);
		pos[file] += ranges[i].len;
	}
	for (i = nr - 1; i > 0; i--) {
		u32 other = maio_sample_random(rnd, i + 1);

		swap(ranges[i], ranges[other]);
	}
	return ranges;
}

/* Never returns NULL. */
struct maio_sample *maio_sample_create(struct kunit *test,
				       const struct ppc_range *ranges, u32 nr)
{
	struct maio_sample *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->lag = MAIO_CURSOR_LAG;
	KUNIT_ASSERT_EQ(test, maio_map_init(&s->map, ranges, nr), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							maio_map_free_action,
							&s->map), 0);
	return s;
}

/* So many files, each of so many whole chunks, one behind the other. */
struct maio_sample *maio_sample_files(struct kunit *test, u32 files, u32 chunks)
{
	struct ppc_range *ranges;
	u32 i;

	ranges = kunit_kcalloc(test, files, sizeof(*ranges), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < files; i++) {
		ranges[i].file = i;
		ranges[i].len = chunks * MAIO_CHUNK_SIZE;
	}
	return maio_sample_create(test, ranges, files);
}

u64 maio_sample_len(const struct maio_sample *s, u32 chunk)
{
	struct ppc_range bytes;

	maio_map_chunk(&s->map, chunk, &bytes);
	return bytes.len;
}

/* By adding up, which maio_map_byte() does not do. */
u64 maio_sample_sum(const struct maio_sample *s, u32 first, u32 end)
{
	u64 sum = 0;

	for (; first < end; first++)
		sum += maio_sample_len(s, first);
	return sum;
}

void maio_sample_step(struct maio_sample *s, const struct maio_step *step)
{
	/* Whatever is not set must be overwritten. */
	memset(&s->out, 0xff, sizeof(s->out));
	maio_cursors_access(&s->cursors, &s->map, step, &s->out);
}

/* A read() found nothing at the beginning of a chunk. */
void maio_sample_miss(struct maio_sample *s, u32 chunk)
{
	maio_sample_step(s, &(struct maio_step){
		.chunk = chunk,
		.last = chunk,
		.lag = s->lag,
		.miss = true,
	});
}

/* A fault found a page of a chunk. */
void maio_sample_touch(struct maio_sample *s, u32 chunk)
{
	maio_sample_step(s, &(struct maio_step){
		.chunk = chunk,
		.last = chunk,
		.lag = s->lag,
		.uptodate = true,
	});
}

/* A read() has copied a chunk to its end. */
void maio_sample_read(struct maio_sample *s, u32 chunk)
{
	maio_sample_step(s, &(struct maio_step){
		.chunk = chunk,
		.last = chunk,
		.lag = s->lag,
		.whole = true,
		.uptodate = true,
	});
}

static void check_batch(struct maio_sample *s, u64 most)
{
	const struct maio_batch *batch = &s->batch;
	struct kunit *test = s->test;
	struct ppc_range bytes;
	u64 len = 0;
	u32 i;

	KUNIT_ASSERT_GT(test, batch->nr, 0);
	KUNIT_ASSERT_LT(test, batch->first, s->map.nr_chunks);
	KUNIT_ASSERT_LE(test, batch->nr, s->map.nr_chunks - batch->first);
	KUNIT_ASSERT_LT(test, batch->cursor, MAIO_CURSORS);
	KUNIT_EXPECT_EQ(test, s->cursors.cursor[batch->cursor].next,
			batch->first + batch->nr);
	for (i = 0; i < batch->nr; i++) {
		u32 chunk = batch->first + i;

		maio_map_chunk(&s->map, chunk, &bytes);
		KUNIT_EXPECT_EQ(test, bytes.file, batch->bytes.file);
		KUNIT_EXPECT_EQ(test, bytes.pos, batch->bytes.pos + len);
		/* Or it was read in an earlier pass. */
		KUNIT_EXPECT_EQ(test, maio_chunk(&s->map, chunk) &
				(MAIO_CHUNK_READ | MAIO_CHUNK_FAILED), 0);
		len += bytes.len;
	}
	KUNIT_EXPECT_EQ(test, batch->bytes.len, len);
	KUNIT_EXPECT_EQ(test, batch->bytes.flags, 0);
	/* One chunk is never too much. */
	if (batch->nr > 1)
		KUNIT_EXPECT_LE(test, len, most);
}

bool maio_sample_pick(struct maio_sample *s, u64 budget, u64 most)
{
	memset(&s->batch, 0xff, sizeof(s->batch));
	if (!maio_cursors_pick(&s->cursors, &s->map, budget, most, &s->batch))
		return false;
	check_batch(s, most);
	return true;
}

/* As maio_stream_filled() does. */
void maio_sample_issue(struct maio_sample *s)
{
	u32 i;

	for (i = s->batch.first; i < s->batch.first + s->batch.nr; i++)
		maio_chunk_set(&s->map, i,
			       (maio_chunk(&s->map, i) & ~MAIO_CHUNK_STUCK) |
			       MAIO_CHUNK_CACHED);
}

/* As the worker that drops does. */
void maio_sample_drop(struct maio_sample *s, u32 chunk)
{
	s->map.state[chunk] &= ~MAIO_CHUNK_CACHED;
}

/* The worker: until nothing is left to do. Returns the number of chunks. */
u32 maio_sample_fill(struct maio_sample *s, u64 budget, u64 most)
{
	u32 nr = 0;

	while (maio_sample_pick(s, budget, most)) {
		maio_sample_issue(s);
		nr += s->batch.nr;
		/* A few are looked at twice, but there is an end. */
		KUNIT_ASSERT_LE(s->test, nr, 2 * s->map.nr_chunks);
	}
	return nr;
}
