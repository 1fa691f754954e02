/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of chunks and of cursors share: a map that frees itself, and
 * readers of it with a worker that does no I/O.
 */
#ifndef _MAIO_TESTS_SAMPLE_KUNIT_H
#define _MAIO_TESTS_SAMPLE_KUNIT_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "../maio_cursor.h"

/* Unaligned pieces of so many files make a random map. */
#define MAIO_SAMPLE_FILES	3

/* All in chunks; for batches that nothing bounds. */
#define MAIO_SAMPLE_ALL		U64_MAX

/**
 * struct maio_sample - a stream without pages
 * @test: whose
 * @map: chunks; freed with the test
 * @batch: last one picked
 * @out: outcome of the last access
 * @lag: of accesses
 * @cursors: readers; they end where the memory does, so that KASAN sees who looks
 *	behind the last one
 */
struct maio_sample {
	struct kunit *test;
	struct maio_map map;
	struct maio_batch batch;
	struct maio_outcome out;
	u32 lag;
	struct maio_cursors cursors;
};

u32 maio_sample_random(struct rnd_state *rnd, u32 below);
struct ppc_range *maio_sample_ranges(struct kunit *test, struct rnd_state *rnd,
				     u32 nr);
struct maio_sample *maio_sample_create(struct kunit *test,
				       const struct ppc_range *ranges, u32 nr);
struct maio_sample *maio_sample_files(struct kunit *test, u32 files, u32 chunks);

u64 maio_sample_len(const struct maio_sample *s, u32 chunk);
u64 maio_sample_sum(const struct maio_sample *s, u32 first, u32 end);
void maio_sample_step(struct maio_sample *s, const struct maio_step *step);
void maio_sample_miss(struct maio_sample *s, u32 chunk);
void maio_sample_touch(struct maio_sample *s, u32 chunk);
void maio_sample_read(struct maio_sample *s, u32 chunk);
bool maio_sample_pick(struct maio_sample *s, u64 budget, u64 most);
void maio_sample_issue(struct maio_sample *s);
void maio_sample_drop(struct maio_sample *s, u32 chunk);
u32 maio_sample_fill(struct maio_sample *s, u64 budget, u64 most);

#endif /* _MAIO_TESTS_SAMPLE_KUNIT_H */
