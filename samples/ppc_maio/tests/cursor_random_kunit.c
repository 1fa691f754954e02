// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of cursors: readers, the worker, reclaim and the burner in a random
 * order, on random ranges. What is returned is computed anew from the states of
 * all chunks before and after.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

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
	memcpy(m->before, m->s->map.state, m->s->map.nr_chunks * sizeof(*m->before));
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
		if (!(s->map.state[first] & MAIO_CHUNK_CONSUMED))
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

/* Was it in the window of a reader that did not make this access? */
static bool in_window_of_others(const struct model *m, u32 chunk)
{
	const struct maio_cursors *cs = &m->s->cursors;
	u32 i;

	for (i = 0; i < MAIO_CURSORS; i++)
		if (is_active(cs, i) && cs->cursor[i].stamp != cs->clock &&
		    chunk >= m->was.cursor[i].pos &&
		    chunk < m->was.cursor[i].next)
			return true;
	return false;
}

static void check_access(struct model *m, const struct maio_step *step)
{
	const struct maio_outcome *out = &m->s->out;
	u16 first = m->before[step->chunk];
	bool gone = step->miss && (first & MAIO_CHUNK_ISSUED);
	bool passed_over = step->miss && !gone;
	const u16 done = MAIO_CHUNK_ISSUED | MAIO_CHUNK_CONSUMED;
	struct kunit *test = m->test;
	u64 consumed = 0, useful = 0, back = 0, missed = 0;
	s64 brought = 0;
	u32 chunk;

	for (chunk = 0; chunk < m->s->map.nr_chunks; chunk++) {
		u16 old = m->before[chunk], new = m->s->map.state[chunk];
		u64 len = maio_sample_len(m->s, chunk);

		if (new & done)
			brought += len;
		if (old & done)
			brought -= len;
		if (new & ~old & MAIO_CHUNK_CONSUMED) {
			consumed += len;
			if (new & MAIO_CHUNK_ISSUED)
				useful += len;
			/* Of the first, there may be more to say. */
			if ((old & MAIO_CHUNK_BURNED) &&
			    (chunk != step->chunk ||
			     !(step->miss || maio_chunk_gone(first))))
				back += len;
			KUNIT_EXPECT_LT(test, chunk,
					step->last + step->whole);
		}
		/* An access reads nothing ahead, and burns nothing. */
		KUNIT_EXPECT_EQ(test, new & ~old &
				(MAIO_CHUNK_ISSUED | MAIO_CHUNK_TRIED |
				 MAIO_CHUNK_STUCK), 0);
		if (new & ~old & MAIO_CHUNK_BURNED)
			KUNIT_EXPECT_TRUE(test, gone &&
					  (old & MAIO_CHUNK_CONSUMED));
		if (new & ~old & MAIO_CHUNK_LEFT)
			KUNIT_EXPECT_TRUE(test, gone && old);
		if ((old & ~new) & MAIO_CHUNK_BURNED)
			KUNIT_EXPECT_TRUE(test, chunk == step->chunk ||
					  (new & MAIO_CHUNK_CONSUMED));
		/* Nor is what is left to drop lost, but by being burned. */
		if ((old & ~new) & MAIO_CHUNK_LEFT)
			KUNIT_EXPECT_TRUE(test, new & MAIO_CHUNK_BURNED);
		if (passed_over && ((old & ~new) & MAIO_CHUNK_CONSUMED)) {
			KUNIT_EXPECT_GE(test, chunk, step->chunk);
			KUNIT_EXPECT_FALSE(test, old & MAIO_CHUNK_ISSUED);
			/* Burned chunks stay so, but for the one missed. */
			KUNIT_EXPECT_FALSE(test, new & MAIO_CHUNK_BURNED);
		} else if ((old & ~new) & (MAIO_CHUNK_ISSUED | MAIO_CHUNK_LATE |
					   MAIO_CHUNK_CONSUMED)) {
			KUNIT_EXPECT_TRUE(test, gone);
			KUNIT_EXPECT_GE(test, chunk, step->chunk);
			KUNIT_EXPECT_FALSE(test, chunk != step->chunk &&
					   in_window_of_others(m, chunk));
		}
	}
	/* Chunks forgotten and passed by the same access are counted again. */
	if (!gone) {
		KUNIT_EXPECT_EQ(test, out->consumed, consumed);
		KUNIT_EXPECT_EQ(test, out->useful, useful);
	}
	KUNIT_EXPECT_EQ(test, out->brought, brought);
	KUNIT_EXPECT_LE(test, out->useful, out->consumed);
	if (step->miss &&
	    ((first & MAIO_CHUNK_BURNED) || (first & done) == done))
		missed = maio_sample_len(m->s, step->chunk);
	back += missed;
	/* But for what was leapt over. */
	if (!gone)
		KUNIT_EXPECT_LE(test, out->refaulted, back);
	KUNIT_EXPECT_GE(test, out->refaulted, missed);
	KUNIT_EXPECT_EQ(test, out->late,
			!step->miss && !step->uptodate &&
			(first & MAIO_CHUNK_ISSUED) &&
			!(first & MAIO_CHUNK_LATE) ?
			maio_sample_len(m->s, step->chunk) : 0);
	KUNIT_EXPECT_NE(test, out->hit, PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_LE(test, out->hit, PPC_STREAM_COVERED);
	if (gone)
		KUNIT_EXPECT_NE(test, out->hit, PPC_STREAM_COVERED);
}

static void step_reader(struct model *m)
{
	u32 nr = m->s->map.nr_chunks;
	u32 *pos = &m->reader[maio_sample_random(&m->rnd, READERS)];
	struct maio_step step = {};

	if (*pos >= nr || !maio_sample_random(&m->rnd, 50))
		*pos = maio_sample_random(&m->rnd, nr);
	step.chunk = *pos;
	step.last = min(*pos + maio_sample_random(&m->rnd, 3), nr - 1);
	if (m->s->map.state[*pos] & MAIO_CHUNK_ISSUED)
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
			if ((s->map.state[chunk] & MAIO_CHUNK_BURNED) &&
			    chunk > m->was.cursor[i].pos + MAIO_CURSOR_SLACK)
				break;
			KUNIT_EXPECT_NE(m->test, s->map.state[chunk] &
					(MAIO_CHUNK_ISSUED |
					 MAIO_CHUNK_CONSUMED), 0);
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
	KUNIT_EXPECT_MEMEQ(m->test, s->map.state, m->before,
			   s->map.nr_chunks * sizeof(*m->before));
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
		if ((s->map.state[chunk] & MAIO_CHUNK_CONSUMED) &&
		    !maio_cursors_hold(&s->cursors, &s->map, chunk, SZ_8M))
			s->map.state[chunk] |= MAIO_CHUNK_BURNED;
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
