// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: readers, the workers and reclaim in a random
 * order, on random ranges. What is returned is computed anew from the states of
 * all chunks before and after.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "sample_kunit.h"

#define ROUNDS		12
#define STEPS		1500
#define MAX_RANGES	50
#define MAX_CHUNKS	(MAX_RANGES * 6)
#define READERS		20

struct model {
	struct maio_sample *s;
	struct kunit *test;
	struct rnd_state rnd;
	u64 budget;
	u64 most;
	u32 reader[READERS];
	u16 before[MAX_CHUNKS];
	struct maio_cursors was;
};

static void model_save(struct model *m)
{
	u32 chunk;

	for (chunk = 0; chunk < m->s->map.nr_chunks; chunk++)
		m->before[chunk] = maio_chunk(&m->s->map, chunk);
	m->was = m->s->cursors;
}

static bool is_active(const struct maio_cursors *cs, u32 i)
{
	return cs->cursor[i].used &&
	       cs->clock - cs->cursor[i].stamp < MAIO_CURSOR_IDLE;
}

static u64 bytes_between(const struct maio_sample *s, u32 first, u32 end)
{
	u64 sum = 0;

	for (; first < end; first++)
		if (!(maio_chunk(&s->map, first) & MAIO_CHUNK_READ))
			sum += maio_sample_len(s, first);
	return sum;
}

/* No more than the readers' distances, and no less than what is not read. */
static void check_ahead(struct model *m)
{
	const struct maio_sample *s = m->s;
	u64 ahead = maio_cursors_ahead(&s->cursors, &s->map);
	u64 most = 0, least = 0;
	u32 i;

	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct maio_cursor *c = &s->cursors.cursor[i];

		if (!is_active(&s->cursors, i))
			continue;
		most += maio_sample_sum(s, c->pos, c->next);
		least = max(least, bytes_between(s, c->pos, c->next));
	}
	KUNIT_EXPECT_LE(m->test, ahead, most);
	KUNIT_EXPECT_GE(m->test, ahead, least);
}

static void check_queries(struct model *m)
{
	const struct maio_sample *s = m->s;
	u32 chunk = maio_sample_random(&m->rnd, s->map.nr_chunks), i;
	u64 gap = maio_sample_random(&m->rnd, SZ_32M);
	bool hold = false, at_end = false;

	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct maio_cursor *c = &s->cursors.cursor[i];

		KUNIT_EXPECT_LE(m->test, c->pos, s->map.nr_chunks);
		KUNIT_EXPECT_LE(m->test, c->next, s->map.nr_chunks);
		if (!c->used)
			continue;
		if (chunk < c->pos &&
		    maio_sample_sum(s, chunk + 1, c->pos) < gap)
			hold = true;
		if (c->pos >= s->map.nr_chunks - 1)
			at_end = true;
	}
	KUNIT_EXPECT_EQ(m->test, maio_cursors_hold(&s->cursors, &s->map, chunk,
						   gap), hold);
	KUNIT_EXPECT_EQ(m->test, maio_cursors_at_end(&s->cursors, &s->map),
			at_end);
}

static void check_access(struct model *m, const struct maio_step *step)
{
	const u16 there = MAIO_CHUNK_CACHED | MAIO_CHUNK_READ;
	const u16 read = MAIO_CHUNK_SEEN | MAIO_CHUNK_READ;
	const struct maio_outcome *out = &m->s->out;
	u64 consumed = 0, useful = 0, refaulted = 0;
	u16 first = m->before[step->chunk];
	struct kunit *test = m->test;
	s64 brought = 0;
	u32 chunk;

	for (chunk = 0; chunk < m->s->map.nr_chunks; chunk++) {
		u16 old = m->before[chunk], new = maio_chunk(&m->s->map, chunk);
		bool in = chunk >= step->chunk && chunk <= step->last;
		bool seen = in || (old & MAIO_CHUNK_SEEN);
		u64 len = maio_sample_len(m->s, chunk);

		brought += new & there ? len : 0;
		brought -= old & there ? len : 0;
		if ((new & ~old & MAIO_CHUNK_READ) && (new & MAIO_CHUNK_CACHED)) {
			consumed += len;
			if (seen && (old & MAIO_CHUNK_CACHED))
				useful += len;
			if (seen && (old & MAIO_CHUNK_AGAIN))
				refaulted += len;
		}
		/* An access reads nothing ahead, and drops nothing. */
		if (new & ~old & MAIO_CHUNK_CACHED)
			KUNIT_EXPECT_TRUE(test, new & MAIO_CHUNK_READ);
		if (old & ~new & there)
			KUNIT_EXPECT_TRUE(test, step->miss && chunk == step->chunk);
		KUNIT_EXPECT_EQ(test, new & ~old & (MAIO_CHUNK_AGAIN |
						    MAIO_CHUNK_STUCK), 0);
		if (in)
			KUNIT_EXPECT_TRUE(test, new & MAIO_CHUNK_SEEN);
		if (in && chunk < step->last + step->whole)
			KUNIT_EXPECT_EQ(test, new & there, there);
	}
	if (step->miss && (first & read) == read)
		refaulted += maio_sample_len(m->s, step->chunk);
	KUNIT_EXPECT_EQ(test, out->again, step->miss && (first & read) == read);
	KUNIT_EXPECT_EQ(test, out->consumed, consumed);
	KUNIT_EXPECT_EQ(test, out->useful, useful);
	KUNIT_EXPECT_EQ(test, out->refaulted, refaulted);
	KUNIT_EXPECT_EQ(test, out->populated, brought);
	if (out->late) {
		KUNIT_EXPECT_EQ(test, out->late,
				maio_sample_len(m->s, step->chunk));
		KUNIT_EXPECT_TRUE(test, first & MAIO_CHUNK_CACHED);
		KUNIT_EXPECT_FALSE(test, step->miss || step->uptodate);
	}
	KUNIT_EXPECT_NE(test, out->hit, PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_LE(test, out->hit, PPC_STREAM_COVERED);
	if (step->miss)
		KUNIT_EXPECT_NE(test, out->hit, PPC_STREAM_COVERED);
}

static void step_reader(struct model *m)
{
	u32 nr = m->s->map.nr_chunks;
	u32 *pos = &m->reader[maio_sample_random(&m->rnd, READERS)];
	struct maio_step step = { .lag = m->s->lag };

	if (*pos >= nr || !maio_sample_random(&m->rnd, 50))
		*pos = maio_sample_random(&m->rnd, nr);
	step.chunk = *pos;
	step.last = min(*pos + maio_sample_random(&m->rnd, 3), nr - 1);
	if (maio_chunk(&m->s->map, *pos) & MAIO_CHUNK_CACHED)
		step.miss = !maio_sample_random(&m->rnd, 40);
	else
		step.miss = maio_sample_random(&m->rnd, 4);
	if (step.miss) {
		step.last = step.chunk;
	} else {
		step.whole = maio_sample_random(&m->rnd, 4);
		step.uptodate = maio_sample_random(&m->rnd, 8);
	}
	*pos = step.last + step.whole;

	model_save(m);
	maio_sample_step(m->s, &step);
	check_access(m, &step);
}

/* Nothing is picked only where there is nothing, or no budget for it. */
static void check_no_pick(struct model *m, u64 ahead)
{
	const struct maio_sample *s = m->s;
	u32 i, chunk;

	if (ahead >= m->budget)
		return;
	for (i = 0; i < MAIO_CURSORS; i++) {
		if (!is_active(&s->cursors, i))
			continue;
		for (chunk = m->was.cursor[i].next; chunk < s->map.nr_chunks;
		     chunk++) {
			/* Far behind one who looks back at what was dropped. */
			if (maio_chunk_dropped(m->before[chunk]) &&
			    chunk > m->was.cursor[i].pos + MAIO_CURSOR_SLACK)
				break;
			KUNIT_EXPECT_NE(m->test, m->before[chunk] &
					s->cursors.cursor[i].skip, 0);
		}
	}
}

static void step_worker(struct model *m)
{
	struct maio_sample *s = m->s;
	u64 ahead;
	u32 i;

	model_save(m);
	if (!maio_sample_pick(s, m->budget, m->most)) {
		/* Picking may step over chunks: look at the result. */
		ahead = maio_cursors_ahead(&s->cursors, &s->map);
		check_no_pick(m, ahead);
		return;
	}
	KUNIT_EXPECT_TRUE(m->test, is_active(&m->was, s->batch.cursor));
	KUNIT_EXPECT_GE(m->test, s->batch.first,
			m->was.cursor[s->batch.cursor].next);
	for (i = 0; i < s->map.nr_chunks; i++) {
		bool picked = i >= s->batch.first &&
			      i < s->batch.first + s->batch.nr;

		/* What was read before is to be read once more. */
		if (!picked || !(m->before[i] & MAIO_CHUNK_READ))
			KUNIT_EXPECT_EQ(m->test, maio_chunk(&s->map, i),
					m->before[i]);
	}
	for (i = 0; i < MAIO_CURSORS; i++)
		KUNIT_EXPECT_EQ(m->test, s->cursors.cursor[i].pos,
				m->was.cursor[i].pos);

	/* A reader may come between, before it is given back. */
	if (!maio_sample_random(&m->rnd, 4)) {
		if (maio_sample_random(&m->rnd, 2)) {
			struct maio_batch batch = s->batch;

			step_reader(m);
			s->batch = batch;
		}
		maio_cursors_unpick(&s->cursors, &s->batch);
	} else {
		maio_sample_issue(s);
	}
}

static void step_burner(struct model *m)
{
	struct maio_sample *s = m->s;
	u32 chunk;

	for (chunk = 0; chunk < s->map.nr_chunks; chunk++)
		if ((maio_chunk(&s->map, chunk) & MAIO_CHUNK_READ) &&
		    !maio_cursors_hold(&s->cursors, &s->map, chunk, SZ_8M))
			maio_sample_drop(s, chunk);
}

/* Whatever has been: from now on, one reader gets through all of it. */
static void check_load(struct model *m)
{
	struct maio_sample *s = m->s;
	u64 consumed = 0;
	u32 chunk;

	maio_cursors_reset(&s->cursors, &s->map);
	maio_sample_miss(s, 0);
	for (chunk = 0; chunk < s->map.nr_chunks; chunk++) {
		maio_sample_fill(s, m->budget, m->most);
		maio_sample_read(s, chunk);
		KUNIT_EXPECT_EQ(m->test, s->out.hit, PPC_STREAM_COVERED);
		KUNIT_EXPECT_EQ(m->test, s->out.useful, s->out.consumed);
		consumed += s->out.consumed;
	}
	KUNIT_EXPECT_EQ(m->test, consumed,
			maio_map_byte(&s->map, s->map.nr_chunks));
}

static void cursor_random(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct ppc_range *ranges;
	u32 round, step, nr;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	prandom_seed_state(&m->rnd, 0x5050434);
	for (round = 0; round < ROUNDS; round++) {
		nr = 10 + maio_sample_random(&m->rnd, MAX_RANGES - 9);
		ranges = maio_sample_ranges(test, &m->rnd, nr);
		m->s = maio_sample_create(test, ranges, nr);
		KUNIT_ASSERT_LE(test, m->s->map.nr_chunks, MAX_CHUNKS);
		/* So that it wraps in one of the rounds. */
		m->s->cursors.clock = round * (U32_MAX / (ROUNDS - 1)) -
				      STEPS / 2;
		m->budget = 1 + maio_sample_random(&m->rnd, SZ_128M);
		m->most = SZ_2M << maio_sample_random(&m->rnd, 3);
		m->s->lag = maio_sample_random(&m->rnd, 2) * MAIO_CURSOR_LAG;
		memset(m->reader, 0xff, sizeof(m->reader));
		for (step = 0; step < STEPS; step++) {
			switch (maio_sample_random(&m->rnd, 16)) {
			case 0 ... 8:
				step_reader(m);
				break;
			case 9 ... 14:
				step_worker(m);
				break;
			default:
				step_burner(m);
				break;
			}
			check_ahead(m);
			check_queries(m);
		}
		check_load(m);
	}
}

static struct kunit_case cursor_random_cases[] = {
	KUNIT_CASE(cursor_random),
	{}
};

static struct kunit_suite cursor_random_suite = {
	.name = "ppc_cursor_random",
	.test_cases = cursor_random_cases,
};

kunit_test_suite(cursor_random_suite);
