/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of chunks and of cursors share: a map that frees itself, and
 * readers of it with a worker that does no I/O.
 */
#ifndef _FS_PPC_TESTS_SAMPLE_KUNIT_H
#define _FS_PPC_TESTS_SAMPLE_KUNIT_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "../cursor.h"

/* Unaligned pieces of so many files make a random map. */
#define PPC_SAMPLE_FILES	3

/* All in chunks; for batches that nothing bounds. */
#define PPC_SAMPLE_ALL		U64_MAX

/**
 * struct ppc_sample - a stream without pages
 * @test: whose
 * @map: chunks; freed with the test
 * @cursors: readers
 * @batch: last one picked
 * @out: outcome of the last access
 */
struct ppc_sample {
	struct kunit *test;
	struct ppc_map map;
	struct ppc_cursors cursors;
	struct ppc_batch batch;
	struct ppc_outcome out;
};

u32 ppc_sample_random(struct rnd_state *rnd, u32 below);
struct ppc_range *ppc_sample_ranges(struct kunit *test, struct rnd_state *rnd,
				    u32 nr);
struct ppc_sample *ppc_sample_create(struct kunit *test,
				     const struct ppc_range *ranges, u32 nr);
struct ppc_sample *ppc_sample_files(struct kunit *test, u32 files, u32 chunks);

u64 ppc_sample_len(const struct ppc_sample *s, u32 chunk);
u64 ppc_sample_sum(const struct ppc_sample *s, u32 first, u32 end);
void ppc_sample_step(struct ppc_sample *s, const struct ppc_step *step);
void ppc_sample_miss(struct ppc_sample *s, u32 chunk);
void ppc_sample_read(struct ppc_sample *s, u32 chunk);
bool ppc_sample_pick(struct ppc_sample *s, u64 budget, u64 most);
void ppc_sample_issue(struct ppc_sample *s);
u32 ppc_sample_fill(struct ppc_sample *s, u64 budget, u64 most);

#endif /* _FS_PPC_TESTS_SAMPLE_KUNIT_H */
