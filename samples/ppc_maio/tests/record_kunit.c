// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of MAIO's recordings: how accesses as the page cache shows them
 * become extents, and extents become groups.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../maio_track.h"

#define ROOM		4096
#define NR_FILES	8
#define FILE_SIZE	(4ULL * SZ_1G)
#define UNITS(bytes)	((u32)((u64)(bytes) / MAIO_UNIT))

struct recording {
	struct maio_track *track;
	unsigned long now;
	u64 sizes[NR_FILES];
	u32 nr_groups;
	u32 nr_extents;
	u32 counts[MAIO_MAX_GROUPS];
	struct maio_extent scratch[ROOM];
	/* The last, so that KASAN sees who writes behind them. */
	struct maio_extent extents[ROOM];
};

static int record_init(struct kunit *test)
{
	struct recording *rec;
	u32 i;

	rec = kunit_kzalloc(test, sizeof(*rec), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec->track = kunit_kzalloc(test, struct_size(rec->track, extents, ROOM),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rec->track);
	maio_track_init(rec->track, ROOM);
	for (i = 0; i < NR_FILES; i++)
		rec->sizes[i] = FILE_SIZE;
	test->priv = rec;
	return 0;
}

static bool note(struct recording *rec, enum ppc_access_type type, pid_t tgid,
		 u32 file, u64 pos, u64 len)
{
	const struct ppc_access access = {
		.type = type,
		.file = file,
		.tgid = tgid,
		.pos = pos,
		.len = len,
	};

	return maio_track_access(rec->track, &access, rec->now);
}

/* A fault, which wants a page. */
static bool fault(struct recording *rec, pid_t tgid, u32 file, u64 pos)
{
	return note(rec, PPC_ACCESS_FAULT_MISS, tgid, file, pos, SZ_4K);
}

/* What a reader through a mapping shows of [pos, end). */
static void map_run(struct recording *rec, pid_t tgid, u32 file, u64 pos,
		    u64 end)
{
	for (; pos < end; pos += SZ_128K)
		fault(rec, tgid, file, pos);
}

/* What read() in pieces of @piece shows: misses, and every stride consumed. */
static void read_run(struct recording *rec, pid_t tgid, u32 file, u64 pos,
		     u64 end, u64 piece)
{
	u64 told = pos;

	for (; pos < end; pos += piece) {
		note(rec, PPC_ACCESS_MISS, tgid, file, pos, piece);
		if (pos + piece - told >= PPC_STRIDE) {
			note(rec, PPC_ACCESS_CONSUME, tgid, file, told,
			     pos + piece - told);
			told = pos + piece;
		}
	}
}

static void collect(struct recording *rec)
{
	rec->nr_groups = rec->track->nr_processes;
	/* Whoever looks at more groups than there are falls over it. */
	memset(rec->counts, 0xff, sizeof(rec->counts));
	rec->nr_extents = maio_track_collect(rec->track, rec->sizes, NR_FILES,
					     rec->counts, rec->extents);
}

static void drop_little(struct recording *rec)
{
	rec->nr_extents = maio_track_drop_little(rec->counts, &rec->nr_groups,
						 rec->extents, rec->scratch);
}

static void expect_extent(struct kunit *test, u32 i, u32 file, u64 start,
			  u64 end)
{
	const struct recording *rec = test->priv;
	const struct maio_extent *extent = &rec->extents[i];

	KUNIT_ASSERT_LT(test, i, rec->nr_extents);
	KUNIT_EXPECT_EQ_MSG(test, extent->file, file, "extent %u", i);
	KUNIT_EXPECT_EQ_MSG(test, extent->start, UNITS(start), "extent %u", i);
	KUNIT_EXPECT_EQ_MSG(test, extent->count, UNITS(end - start),
			    "extent %u", i);
}

static void record_sequential(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 0, 0, SZ_1G);
	read_run(rec, 1, 1, 0, SZ_1G, SZ_128K);
	read_run(rec, 1, 2, 0, SZ_1G, SZ_1M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 1);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, 0, SZ_1G);
	expect_extent(test, 1, 1, 0, SZ_1G);
	expect_extent(test, 2, 2, 0, SZ_1G);
}

/* Large folios and fault-around leave one event a stride; that must do. */
static void record_sparse_events(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	for (pos = 0; pos < SZ_1G; pos += PPC_STRIDE)
		note(rec, PPC_ACCESS_MARKER, 1, 0, pos, SZ_4K);
	for (pos = 0; pos < SZ_1G; pos += PPC_STRIDE)
		note(rec, PPC_ACCESS_CONSUME, 1, 1, pos, PPC_STRIDE);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 2);
	expect_extent(test, 0, 0, 0, SZ_1G - PPC_STRIDE + SZ_128K);
	expect_extent(test, 1, 1, 0, SZ_1G);
}

/* The same of who copies a tensor from its end, and tensors in their order. */
static void record_sparse_backwards(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 tensor, pos;

	for (tensor = 0; tensor < SZ_1G; tensor += SZ_16M)
		for (pos = tensor + SZ_16M; pos > tensor; pos -= PPC_STRIDE)
			note(rec, PPC_ACCESS_MARKER, 1, 0, pos - PPC_STRIDE,
			     SZ_4K);
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 1);
	expect_extent(test, 0, 0, 0, SZ_1G - PPC_STRIDE + SZ_128K);
}

/* At most 1 KB for each GB, also where every tensor begins a new extent. */
static void record_template_size(struct kunit *test)
{
	struct recording *rec = test->priv;
	const u64 tensor = 30 * SZ_1M;
	u64 bytes = 0, pos;
	pid_t tgid;

	for (tgid = 1; tgid <= NR_FILES; tgid++) {
		for (pos = 0; pos + tensor <= FILE_SIZE; pos += tensor) {
			map_run(rec, tgid, tgid - 1, pos, pos + tensor / 2);
			bytes += tensor / 2;
		}
	}
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, NR_FILES);
	KUNIT_EXPECT_LE(test, maio_template_size(NR_FILES, rec->nr_groups,
						 rec->nr_extents),
			bytes / SZ_1M);
}

static void record_holes(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos = SZ_128K;

	fault(rec, 1, 0, 0);
	fault(rec, 1, 0, pos + MAIO_TRACK_HOLE);
	pos += MAIO_TRACK_HOLE + SZ_128K;
	fault(rec, 1, 0, pos + MAIO_TRACK_HOLE + MAIO_TRACK_ALIGN);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 2);
	expect_extent(test, 0, 0, 0, pos);
	pos += MAIO_TRACK_HOLE + MAIO_TRACK_ALIGN;
	expect_extent(test, 1, 0, pos, pos + SZ_128K);
}

/* The same of holes behind what is read. */
static void record_holes_behind(struct kunit *test)
{
	struct recording *rec = test->priv;
	const u64 pos = SZ_128K + MAIO_TRACK_HOLE;

	fault(rec, 1, 0, pos);
	fault(rec, 1, 0, 0);
	fault(rec, 1, 1, pos + MAIO_TRACK_ALIGN);
	fault(rec, 1, 1, 0);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, 0, pos + SZ_128K);
	expect_extent(test, 1, 1, pos + MAIO_TRACK_ALIGN,
		      pos + MAIO_TRACK_ALIGN + SZ_128K);
	expect_extent(test, 2, 1, 0, SZ_128K);
}

static void record_alignment(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, SZ_64K + SZ_4K);
	note(rec, PPC_ACCESS_CONSUME, 1, 1, 10 * SZ_1M + 5, 1);
	note(rec, PPC_ACCESS_MISS, 1, 2, SZ_1M - 1, SZ_1M + 2);
	note(rec, PPC_ACCESS_CONSUME, 1, 3, 0, 0);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, SZ_64K, 4 * SZ_64K);
	expect_extent(test, 1, 1, 10 * SZ_1M, 10 * SZ_1M + SZ_64K);
	expect_extent(test, 2, 2, SZ_1M - SZ_64K, SZ_2M + SZ_64K);
}

static void record_reread(struct kunit *test)
{
	struct recording *rec = test->priv;
	int i;

	for (i = 0; i < 3; i++) {
		map_run(rec, 1, 0, SZ_64M, SZ_128M);
		map_run(rec, 1, 0, 0, SZ_32M);
	}
	note(rec, PPC_ACCESS_MISS, 1, 0, 0, SZ_256M);
	collect(rec);
	/* The last read() wanted also what lies between, and behind. */
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, SZ_64M, SZ_128M);
	expect_extent(test, 1, 0, 0, SZ_64M);
	expect_extent(test, 2, 0, SZ_128M, SZ_256M);
}

/* Passes count; what a reader shows more than once while it reads, does not. */
static void record_again(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;
	u32 i;

	read_run(rec, 1, 0, 0, SZ_256M, SZ_128K);
	for (pos = SZ_256M; pos; pos -= SZ_1M)
		read_run(rec, 1, 1, pos - SZ_1M, pos, SZ_1M);
	/* Two threads. */
	for (pos = 0; pos < SZ_128M; pos += SZ_1M) {
		map_run(rec, 1, 2, pos, pos + SZ_1M);
		map_run(rec, 1, 2, SZ_128M + pos, SZ_128M + pos + SZ_1M);
	}
	KUNIT_EXPECT_EQ(test, rec->track->again, 0);

	/* Of one file, as far as it is not where the first pass ended. */
	for (pos = 0; pos < SZ_256M; pos += SZ_1M)
		note(rec, PPC_ACCESS_CONSUME, 1, 0, pos, SZ_1M);
	KUNIT_EXPECT_EQ(test, rec->track->again, SZ_256M);

	/* Files that are short: what others have read meanwhile tells. */
	rec->track->again = 0;
	for (i = 3; i < NR_FILES; i++)
		map_run(rec, 2, i, 0, SZ_16M);
	KUNIT_EXPECT_EQ(test, rec->track->again, 0);
	for (i = 3; i < NR_FILES; i++)
		note(rec, PPC_ACCESS_FAULT, 2, i, SZ_8M, SZ_4M);
	KUNIT_EXPECT_EQ(test, rec->track->again, 2 * PPC_STRIDE);
	/* Another process has not read it before. */
	map_run(rec, 3, 3, 0, SZ_16M);
	KUNIT_EXPECT_EQ(test, rec->track->again, 2 * PPC_STRIDE);

	/* It has nothing else; and goes on behind a long read(). */
	note(rec, PPC_ACCESS_CONSUME, 3, 0, 0, SZ_64M);
	note(rec, PPC_ACCESS_CONSUME, 3, 0, SZ_64M, SZ_64K);
	note(rec, PPC_ACCESS_CONSUME, 3, 0, SZ_32M, SZ_64K);
	KUNIT_EXPECT_EQ(test, rec->track->again, 2 * PPC_STRIDE);
	note(rec, PPC_ACCESS_CONSUME, 3, 0, SZ_32M - SZ_64K, SZ_64K);
	KUNIT_EXPECT_EQ(test, rec->track->again, 2 * PPC_STRIDE + SZ_64K);
}

static void record_order(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 3, SZ_1G, SZ_1G + SZ_32M);
	map_run(rec, 1, 0, 0, SZ_64M);
	map_run(rec, 1, 3, 0, SZ_64M);
	map_run(rec, 1, 0, SZ_256M, SZ_512M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 4);
	expect_extent(test, 0, 3, SZ_1G, SZ_1G + SZ_32M);
	expect_extent(test, 1, 0, 0, SZ_64M);
	expect_extent(test, 2, 3, 0, SZ_64M);
	expect_extent(test, 3, 0, SZ_256M, SZ_512M);
}

/* Tensors from the last to the first, each forwards. */
static void record_backwards(struct kunit *test)
{
	struct recording *rec = test->priv;
	int i;

	for (i = 9; i >= 0; i--)
		map_run(rec, 1, 0, i * SZ_16M, (i + 1) * SZ_16M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 10);
	for (i = 0; i < 10; i++)
		expect_extent(test, i, 0, (9 - i) * SZ_16M, (10 - i) * SZ_16M);
}

/* Window after window downwards is one run, not one extent a window. */
static void record_downwards(struct kunit *test)
{
	struct recording *rec = test->priv;
	int i;

	for (i = 99; i >= 0; i--)
		fault(rec, 1, 0, i * SZ_128K);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 1);
	expect_extent(test, 0, 0, 0, 100 * SZ_128K);
}

/* Threads side by side, over files and within one. */
static void record_threads(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;
	u32 i;

	for (pos = 0; pos < SZ_512M; pos += SZ_128K) {
		for (i = 0; i < 4; i++)
			fault(rec, 1, i, pos);
		fault(rec, 1, 0, SZ_512M + pos);
	}
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 5);
	for (i = 0; i < 4; i++)
		expect_extent(test, i, i, 0, SZ_512M);
	expect_extent(test, 4, 0, SZ_512M, SZ_1G);
}

/* The headers of all files, then each file: its data is wanted in its turn. */
static void record_headers_first(struct kunit *test)
{
	struct recording *rec = test->priv;
	u32 i;

	for (i = 0; i < 3; i++)
		fault(rec, 1, i, 0);
	for (i = 0; i < 3; i++)
		map_run(rec, 1, i, SZ_128K, SZ_128M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 5);
	expect_extent(test, 0, 0, 0, SZ_128M);
	expect_extent(test, 1, 1, 0, SZ_128K);
	expect_extent(test, 2, 2, 0, SZ_128K);
	expect_extent(test, 3, 1, SZ_128K, SZ_128M);
	expect_extent(test, 4, 2, SZ_128K, SZ_128M);
}

/* Where the data is seen some way behind the header, nothing is left out. */
static void record_hole_behind_header(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 1, 0);
	map_run(rec, 1, 0, 0, SZ_32M);
	map_run(rec, 1, 1, SZ_512K, SZ_32M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 1, 0, SZ_128K);
	expect_extent(test, 1, 0, 0, SZ_32M);
	expect_extent(test, 2, 1, SZ_128K, SZ_32M);
}

/* Two halves that meet, begun one after the other, are one run. */
static void record_meet(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	for (pos = 0; pos < SZ_128M; pos += SZ_128K) {
		fault(rec, 1, 0, pos);
		fault(rec, 1, 0, SZ_128M + pos);
	}
	fault(rec, 1, 0, SZ_128M - SZ_64K);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 1);
	expect_extent(test, 0, 0, 0, SZ_256M);
}

/* Neighbours that are read one long after the other are wanted back so. */
static void record_neighbours(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 0, 0, SZ_4M);
	map_run(rec, 1, 1, 0, SZ_64M);
	map_run(rec, 1, 0, SZ_4M, SZ_8M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, 0, SZ_4M);
	expect_extent(test, 1, 1, 0, SZ_64M);
	expect_extent(test, 2, 0, SZ_4M, SZ_8M);
}

/* A loader that turns from file to file wants them back in turns. */
static void record_turns(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 0, 0, SZ_512M);
	map_run(rec, 1, 1, 0, SZ_512M);
	map_run(rec, 1, 0, SZ_512M, SZ_1G);
	map_run(rec, 1, 1, SZ_512M, SZ_1G);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 4);
	expect_extent(test, 0, 0, 0, SZ_512M);
	expect_extent(test, 1, 1, 0, SZ_512M);
	expect_extent(test, 2, 0, SZ_512M, SZ_1G);
	expect_extent(test, 3, 1, SZ_512M, SZ_1G);
}

/*
 * A process reads @len bytes at @base of a file, then @others of another one, and
 * goes on where it was: is that still the same extent?
 */
static void check_break(struct kunit *test, u64 base, u64 len, u64 others,
			bool same)
{
	struct recording *rec = test->priv;

	maio_track_init(rec->track, ROOM);
	map_run(rec, 1, 0, base, base + len);
	map_run(rec, 1, 1, base, base + others);
	map_run(rec, 1, 0, base + len, base + len + SZ_128K);
	collect(rec);
	KUNIT_EXPECT_EQ_MSG(test, rec->nr_extents, same ? 2 : 3,
			    "%llu at %llu, others %llu", len, base, others);

	/* The others downwards, and each some way from the last. */
	maio_track_init(rec->track, ROOM);
	map_run(rec, 1, 0, base, base + len);
	while (others) {
		others -= SZ_128K;
		fault(rec, 1, 1, base + others);
	}
	map_run(rec, 1, 0, base + len, base + len + SZ_128K);
	collect(rec);
	KUNIT_EXPECT_EQ_MSG(test, rec->nr_extents, same ? 2 : 3,
			    "%llu at %llu, others downwards", len, base);
}

static void record_break(struct kunit *test)
{
	static const u64 bases[] = { 0, SZ_64M, SZ_1G };
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		check_break(test, bases[i], SZ_1M, SZ_16M, true);
		check_break(test, bases[i], SZ_1M, SZ_16M + SZ_128K, false);
		check_break(test, bases[i], SZ_1M + SZ_128K, SZ_16M + SZ_128K, true);
		check_break(test, bases[i], SZ_1M + SZ_128K, SZ_32M, true);
		check_break(test, bases[i], SZ_1M + SZ_128K, SZ_32M + SZ_128K, false);
	}
}

/* Many small ones are not much. */
static void record_break_by_many(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	fault(rec, 1, 0, 0);
	for (pos = 0; pos < SZ_1G; pos += SZ_8M)
		fault(rec, 1, 1, SZ_1G + pos);
	fault(rec, 1, 0, SZ_128K);
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 1 + SZ_1G / SZ_8M);
	expect_extent(test, 0, 0, 0, SZ_256K);
}

/* What is read in front of an extent, after much else. */
static void record_in_front(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, SZ_4M);		/* touched */
	fault(rec, 1, 2, SZ_4M);		/* met */
	fault(rec, 1, 3, SZ_4M);		/* with a hole */
	map_run(rec, 1, 1, 0, SZ_64M);
	note(rec, PPC_ACCESS_CONSUME, 1, 0, SZ_4M - SZ_128K, SZ_256K);
	note(rec, PPC_ACCESS_CONSUME, 1, 2, SZ_4M - SZ_128K, SZ_128K);
	note(rec, PPC_ACCESS_CONSUME, 1, 3, SZ_4M - SZ_256K, SZ_128K);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 5);
	expect_extent(test, 0, 0, SZ_4M - SZ_128K, SZ_4M + SZ_128K);
	expect_extent(test, 1, 2, SZ_4M - SZ_128K, SZ_4M + SZ_128K);
	expect_extent(test, 2, 3, SZ_4M, SZ_4M + SZ_128K);
	expect_extent(test, 3, 1, 0, SZ_64M);
	expect_extent(test, 4, 3, SZ_4M - SZ_256K, SZ_4M);
}

/* However much one event is said to bring, it counts as a stride. */
static void record_long_event(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 0, 0, SZ_4M);
	note(rec, PPC_ACCESS_MISS, 1, 1, 0, SZ_512M);
	map_run(rec, 1, 0, SZ_4M, SZ_8M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 2);
	expect_extent(test, 0, 0, 0, SZ_8M);
	expect_extent(test, 1, 1, 0, SZ_512M);
}

static void record_file_end(struct kunit *test)
{
	struct recording *rec = test->priv;

	rec->sizes[0] = SZ_1M + 5;
	rec->sizes[1] = SZ_1M;
	rec->sizes[2] = 0;
	rec->sizes[3] = 1;
	map_run(rec, 1, 0, 0, SZ_2M);
	map_run(rec, 1, 1, SZ_1M, SZ_2M);	/* it was truncated */
	fault(rec, 1, 2, 0);
	fault(rec, 1, 3, 0);
	fault(rec, 1, NR_FILES, 0);
	fault(rec, 1, U32_MAX, 0);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 2);
	expect_extent(test, 0, 0, 0, SZ_1M + SZ_4K);
	expect_extent(test, 1, 3, 0, SZ_4K);
}

/* A marker, in a folio that ends where the file does at most. */
static void marker(struct recording *rec, u32 file, u64 pos, u64 folio_len)
{
	const struct ppc_access access = {
		.type = PPC_ACCESS_MARKER,
		.file = file,
		.tgid = 1,
		.pos = pos,
		.len = SZ_4K,
		.folio_pos = ALIGN_DOWN(pos, folio_len),
		.folio_len = folio_len,
	};

	maio_track_access(rec->track, &access, rec->now);
}

static void read_on(struct recording *rec, pid_t tgid, u64 from, u64 to)
{
	for (; from < to; from += SZ_1M)
		note(rec, PPC_ACCESS_CONSUME, tgid, 0, from, SZ_1M);
}

/* Whoever begins goes on at once: that is said of the load, whatever it does later. */
static void record_eager(struct kunit *test)
{
	struct recording *rec = test->priv;

	/* Jiffies may wrap. */
	rec->now = -HZ / 4;
	fault(rec, 1, 0, 0);
	rec->now += HZ / 2 - 1;
	read_on(rec, 1, SZ_1M, SZ_4M - SZ_1M);
	KUNIT_EXPECT_FALSE(test, rec->track->eager);
	read_on(rec, 1, SZ_4M - SZ_1M, SZ_4M);
	KUNIT_EXPECT_TRUE(test, rec->track->eager);
	rec->now += 10 * HZ;
	read_on(rec, 1, SZ_32M, SZ_64M);
	/* A process that looks at a header is no loader. */
	fault(rec, 2, 1, 0);
	rec->now += 10 * HZ;
	fault(rec, 2, 1, SZ_1M);
	KUNIT_EXPECT_FALSE(test, rec->track->paused);
}

/* Many headers are no load yet. */
static void record_headers(struct kunit *test)
{
	struct recording *rec = test->priv;
	u32 i;

	for (i = 0; i < 256; i++)
		fault(rec, 1, i % NR_FILES, i / NR_FILES * SZ_64M);
	KUNIT_EXPECT_FALSE(test, rec->track->eager);
	rec->now += HZ;
	read_on(rec, 1, 0, SZ_8M);
	KUNIT_EXPECT_FALSE(test, rec->track->eager);
	KUNIT_EXPECT_TRUE(test, rec->track->paused);
}

static void record_pause(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, 0);
	rec->now += HZ / 2;
	read_on(rec, 1, SZ_1M, SZ_64M);
	KUNIT_EXPECT_FALSE(test, rec->track->eager);
	KUNIT_EXPECT_TRUE(test, rec->track->paused);
}

/* Where each part shows, what does not was not read. */
static void record_fine(struct kunit *test)
{
	struct recording *rec = test->priv;

	rec->track->fine = true;
	fault(rec, 1, 0, 0);
	fault(rec, 1, 0, SZ_512K);
	KUNIT_EXPECT_EQ(test, rec->track->nr_extents, 2);
	/* A large folio may hide some, and so may a read(). */
	note(rec, PPC_ACCESS_CONSUME, 1, 1, 0, SZ_128K);
	note(rec, PPC_ACCESS_CONSUME, 1, 1, SZ_1M, SZ_128K);
	KUNIT_EXPECT_EQ(test, rec->track->nr_extents, 3);
	rec->track->fine = false;
	fault(rec, 2, 0, 0);
	fault(rec, 2, 0, SZ_512K);
	KUNIT_EXPECT_EQ(test, rec->track->nr_extents, 4);
}

/* What a replay shows of files that are read through: a marker a folio. */
static void record_large_folios(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	rec->sizes[0] = SZ_8M + SZ_1M + 5;
	for (pos = SZ_4K; pos <= rec->sizes[0]; pos += SZ_2M)
		marker(rec, 0, pos, SZ_2M);
	/* One that is passed over is not read. */
	marker(rec, 1, SZ_2M - SZ_4K, SZ_2M);
	marker(rec, 1, SZ_2M + SZ_2M, SZ_2M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 0, 0, 0, SZ_8M + SZ_1M + SZ_4K);
	expect_extent(test, 1, 1, 0, SZ_2M);
	expect_extent(test, 2, 1, SZ_4M, SZ_4M + SZ_2M);
}

/* The same with small folios: a marker a stride, and none in the last. */
static void record_small_folios(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	rec->sizes[0] = SZ_8M + SZ_512K + 5;
	rec->sizes[1] = SZ_8M + SZ_2M;
	rec->sizes[2] = SZ_8M;
	rec->sizes[3] = SZ_512K;
	for (pos = 0; pos <= SZ_8M; pos += SZ_1M) {
		marker(rec, 0, pos, SZ_4K);
		marker(rec, 1, pos, SZ_4K);
	}
	/* The end was read before, by itself. */
	fault(rec, 1, 2, SZ_8M - SZ_128K);
	for (pos = 0; pos < SZ_4M; pos += SZ_1M)
		marker(rec, 2, pos, SZ_4K);
	/* A header, which says nothing of what follows. */
	fault(rec, 1, 3, 0);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 5);
	expect_extent(test, 0, 0, 0, SZ_8M + SZ_512K + SZ_4K);
	expect_extent(test, 1, 1, 0, SZ_8M + SZ_128K);
	expect_extent(test, 2, 2, SZ_8M - SZ_128K, SZ_8M);
	expect_extent(test, 3, 2, 0, SZ_2M + SZ_1M + SZ_128K);
	expect_extent(test, 4, 3, 0, SZ_128K);
}

/* To the end of a file that was read through, but not farther than a stride. */
static void record_last_stride(struct kunit *test)
{
	struct recording *rec = test->priv;

	rec->sizes[0] = SZ_4M + PPC_STRIDE;
	rec->sizes[1] = SZ_4M + PPC_STRIDE + 1;
	rec->sizes[2] = PPC_STRIDE + SZ_512K;
	rec->sizes[3] = SZ_8M + SZ_512K;
	rec->sizes[4] = SZ_2M + SZ_512K;
	map_run(rec, 1, 0, 0, SZ_4M);
	map_run(rec, 1, 1, 0, SZ_4M);
	/* A stride of it is enough; less is not, wherever it lies. */
	map_run(rec, 1, 2, 0, PPC_STRIDE);
	map_run(rec, 1, 3, SZ_8M - SZ_128K, SZ_8M);
	/* Another extent has the rest. */
	map_run(rec, 1, 4, 0, SZ_2M);
	map_run(rec, 1, 5, 0, SZ_64M);
	map_run(rec, 1, 4, SZ_2M, SZ_2M + SZ_128K);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 7);
	expect_extent(test, 0, 0, 0, rec->sizes[0]);
	expect_extent(test, 1, 1, 0, SZ_4M);
	expect_extent(test, 2, 2, 0, rec->sizes[2]);
	expect_extent(test, 3, 3, SZ_8M - SZ_128K, SZ_8M);
	expect_extent(test, 4, 4, 0, SZ_2M);
	expect_extent(test, 5, 5, 0, SZ_64M);
	expect_extent(test, 6, 4, SZ_2M, SZ_2M + SZ_128K);
}

/* Positions and lengths up to the last. */
static void record_far(struct kunit *test)
{
	struct recording *rec = test->priv;
	const u64 last = ALIGN_DOWN(U32_MAX * MAIO_UNIT, SZ_64K);

	rec->sizes[0] = U64_MAX;
	KUNIT_EXPECT_TRUE(test, fault(rec, 1, 0, U64_MAX));
	KUNIT_EXPECT_TRUE(test, fault(rec, 1, 0, last));
	KUNIT_EXPECT_EQ(test, rec->track->nr_extents, 0);
	KUNIT_EXPECT_TRUE(test, note(rec, PPC_ACCESS_CONSUME, 1, 0, last - 1,
				     U64_MAX));
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 1);
	expect_extent(test, 0, 0, last - SZ_64K, last);
	KUNIT_EXPECT_TRUE(test, note(rec, PPC_ACCESS_CONSUME, 1, 0, 0, U64_MAX));
	collect(rec);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 1);
	expect_extent(test, 0, 0, 0, last);
}

static void record_groups(struct kunit *test)
{
	struct recording *rec = test->priv;
	u64 pos;

	for (pos = 0; pos < SZ_64M; pos += SZ_128K) {
		fault(rec, 300, 0, pos);
		fault(rec, 100, 0, pos);
		fault(rec, 200, 1, pos);
	}
	map_run(rec, 100, 2, 0, SZ_64M);
	collect(rec);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 3);
	KUNIT_EXPECT_EQ(test, rec->counts[0], 1);
	KUNIT_EXPECT_EQ(test, rec->counts[1], 2);
	KUNIT_EXPECT_EQ(test, rec->counts[2], 1);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 4);
	expect_extent(test, 0, 0, 0, SZ_64M);
	expect_extent(test, 1, 0, 0, SZ_64M);
	expect_extent(test, 2, 2, 0, SZ_64M);
	expect_extent(test, 3, 1, 0, SZ_64M);
}

/* A launcher looks at all headers; its workers load one file each. */
static void record_launcher(struct kunit *test)
{
	struct recording *rec = test->priv;
	u32 i;

	for (i = 0; i < 4; i++)
		fault(rec, 1, i, 0);
	for (i = 0; i < 4; i++)
		map_run(rec, 2 + i, i, 0, SZ_512M);
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 5);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 4);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, rec->counts[i], 1);
		expect_extent(test, i, i, 0, SZ_512M);
	}
}

/* What it has mapped, its workers find mapped around what they read. */
static void record_launcher_mapped(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, 0);
	fault(rec, 1, 1, SZ_512M);
	map_run(rec, 2, 0, SZ_128K, SZ_512M);
	map_run(rec, 2, 1, 0, SZ_512M - SZ_128K);
	collect(rec);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 1);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 2);
	expect_extent(test, 0, 0, SZ_128K, SZ_512M);
	expect_extent(test, 1, 1, 0, SZ_512M - SZ_128K);
}

/* Little, but nobody else reads it. */
static void record_little_alone(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, 0);
	fault(rec, 1, 1, 0);
	map_run(rec, 2, 0, 0, SZ_512M);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 2);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 3);
}

/* Little is measured by the busiest, wherever it comes: a 64th of what it read. */
static void record_little_of_much(struct kunit *test)
{
	struct recording *rec = test->priv;

	map_run(rec, 1, 0, 0, SZ_8M - SZ_128K);
	map_run(rec, 2, 0, 0, SZ_8M);
	map_run(rec, 3, 0, 0, SZ_512M);
	map_run(rec, 4, 0, 0, SZ_4M);
	map_run(rec, 4, 1, 0, SZ_2M);
	map_run(rec, 5, 0, SZ_512M - SZ_2M, SZ_512M);
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 5);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 3);
	KUNIT_ASSERT_EQ(test, rec->nr_extents, 4);
	expect_extent(test, 0, 0, 0, SZ_8M);
	expect_extent(test, 1, 0, 0, SZ_512M);
	expect_extent(test, 2, 0, 0, SZ_4M);
	expect_extent(test, 3, 1, 0, SZ_2M);
}

/* By a unit: @units of the first file against much of the second. */
static void check_little(struct kunit *test, u32 units, bool first, bool little)
{
	struct recording *rec = test->priv;
	const pid_t big = first ? 1 : 2, small = first ? 2 : 1;

	maio_track_init(rec->track, ROOM);
	rec->sizes[0] = units * MAIO_UNIT;
	fault(rec, 1, 7, 0);
	fault(rec, 2, 7, 0);
	map_run(rec, big, 1, 0, SZ_256M);
	map_run(rec, big, 2, 0, SZ_256M);
	map_run(rec, big, 0, 0, rec->sizes[0]);
	map_run(rec, small, 0, 0, rec->sizes[0]);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ_MSG(test, rec->nr_groups, little ? 1 : 2, "%u units", units);
}

static void record_little_by_a_unit(struct kunit *test)
{
	/* 64 times as many, with the 32 units of the header both have. */
	check_little(test, 2047, true, true);
	check_little(test, 2048, true, false);
	check_little(test, 2047, false, true);
	check_little(test, 2048, false, false);
}

/* Just as much as makes a worker: others may only have looked at what it reads. */
static void record_just_enough(struct kunit *test)
{
	struct recording *rec = test->priv;

	rec->sizes[0] = SZ_8M;
	map_run(rec, 1, 2, 0, SZ_256M);
	map_run(rec, 1, 1, 0, SZ_256M);
	map_run(rec, 2, 0, 0, SZ_8M);
	fault(rec, 3, 0, SZ_4M);
	fault(rec, 4, 2, SZ_4M);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 2);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 3);
	expect_extent(test, 2, 0, 0, SZ_8M);
}

/* Close by is close by, also where an extent begins late or ends with all there is. */
static void record_little_close_by(struct kunit *test)
{
	struct recording *rec = test->priv;
	const u64 last = ALIGN_DOWN(U32_MAX * MAIO_UNIT, SZ_64K);

	map_run(rec, 1, 1, SZ_64M, SZ_512M - SZ_128K);
	fault(rec, 2, 1, SZ_512M);
	fault(rec, 3, 1, SZ_64M - SZ_128K);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 1);

	maio_track_init(rec->track, ROOM);
	rec->sizes[0] = U64_MAX;
	note(rec, PPC_ACCESS_CONSUME, 1, 0, SZ_1M + SZ_512K, last);
	fault(rec, 2, 0, SZ_1G);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 1);
}

/* Where all is little, nobody is. */
static void record_little_model(struct kunit *test)
{
	struct recording *rec = test->priv;

	fault(rec, 1, 0, 0);
	fault(rec, 2, 0, 0);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 2);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 2);
}

/* Who saw nothing of what is still there makes no group. */
static void record_empty_group(struct kunit *test)
{
	struct recording *rec = test->priv;

	rec->sizes[0] = 0;
	fault(rec, 1, 0, 0);
	map_run(rec, 2, 1, 0, SZ_2M);
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->counts[0], 0);
	expect_extent(test, 0, 1, 0, SZ_2M);
	drop_little(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 1);
	KUNIT_EXPECT_EQ(test, rec->counts[0], 1);

	maio_track_init(rec->track, ROOM);
	fault(rec, 1, 0, 0);
	collect(rec);
	drop_little(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, 0);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, 0);
}

static void record_too_many_extents(struct kunit *test)
{
	struct recording *rec = test->priv;
	u32 i;

	for (i = 0; i < ROOM; i++)
		KUNIT_EXPECT_TRUE(test, fault(rec, 1, i, 0));
	KUNIT_EXPECT_FALSE(test, fault(rec, 1, ROOM, 0));
	KUNIT_EXPECT_FALSE(test, fault(rec, 2, 0, 0));
	/* What goes on from an extent needs no room, however long ago. */
	KUNIT_EXPECT_TRUE(test, fault(rec, 1, 0, SZ_128K));
	KUNIT_EXPECT_EQ(test, rec->track->nr_extents, ROOM);
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, NR_FILES);

	/* As many, and all of files that there are. */
	maio_track_init(rec->track, ROOM);
	for (i = 0; i < ROOM; i++)
		KUNIT_EXPECT_TRUE(test, fault(rec, 1, i % NR_FILES,
					      (u64)(i / NR_FILES) * SZ_4M));
	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_extents, ROOM);
}

/* Whose places in the table are the same, the last one. */
static void record_same_slot(struct kunit *test)
{
	struct recording *rec = test->priv;
	pid_t tgid[8], next = 0;
	int i, round;

	for (i = 0; i < ARRAY_SIZE(tgid); i++) {
		do {
			next++;
		} while (hash_32(next, MAIO_TRACK_SLOT_BITS) != MAIO_TRACK_SLOTS - 1);
		tgid[i] = next;
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < ARRAY_SIZE(tgid); i++)
			KUNIT_EXPECT_TRUE(test, fault(rec, tgid[i], i, round * SZ_128K));
	/* Who consumed nothing is nobody. */
	KUNIT_EXPECT_TRUE(test, note(rec, PPC_ACCESS_CONSUME, 1, 0, SZ_64K, 0));
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, ARRAY_SIZE(tgid));
	KUNIT_ASSERT_EQ(test, rec->nr_extents, ARRAY_SIZE(tgid));
	for (i = 0; i < ARRAY_SIZE(tgid); i++)
		expect_extent(test, i, i, 0, SZ_256K);
}

static void record_too_many_processes(struct kunit *test)
{
	struct recording *rec = test->priv;
	pid_t tgid;

	for (tgid = 1; tgid <= MAIO_MAX_GROUPS; tgid++)
		KUNIT_EXPECT_TRUE(test, fault(rec, tgid * 2048, 0, 0));
	KUNIT_EXPECT_FALSE(test, fault(rec, 1, 0, 0));
	for (tgid = 1; tgid <= MAIO_MAX_GROUPS; tgid++)
		KUNIT_EXPECT_TRUE(test, fault(rec, tgid * 2048, 1, 0));
	KUNIT_EXPECT_EQ(test, rec->track->nr_processes, MAIO_MAX_GROUPS);

	collect(rec);
	KUNIT_EXPECT_EQ(test, rec->nr_groups, MAIO_MAX_GROUPS);
	for (tgid = 0; tgid < MAIO_MAX_GROUPS; tgid++)
		KUNIT_EXPECT_EQ(test, rec->counts[tgid], 2);
}

#define RANDOM_SPACE	SZ_256M
#define RANDOM_BITS	(RANDOM_SPACE / MAIO_TRACK_ALIGN)

/*
 * Whatever was accessed, at random, is in the extents of its process exactly
 * once, and what was not is there only to fill a small hole.
 */
static void record_random(struct kunit *test)
{
	struct recording *rec = test->priv;
	unsigned long *seen, *got;
	struct rnd_state rnd;
	u32 i, first = 0, group;

	seen = kunit_kcalloc(test, 2 * BITS_TO_LONGS(RANDOM_BITS),
			     sizeof(*seen), GFP_KERNEL);
	got = kunit_kcalloc(test, BITS_TO_LONGS(RANDOM_BITS), sizeof(*got),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_ASSERT_NOT_NULL(test, got);

	prandom_seed_state(&rnd, 0x4d41494f);
	for (i = 0; i < 300; i++) {
		const u32 process = i < 2 ? i : prandom_u32_state(&rnd) % 2;
		const u32 len = (prandom_u32_state(&rnd) % 32 + 2) * SZ_64K;
		const u32 pos = prandom_u32_state(&rnd) % RANDOM_SPACE;
		const u32 from = pos / MAIO_TRACK_ALIGN;
		u32 to = DIV_ROUND_UP_ULL((u64)pos + len, MAIO_TRACK_ALIGN);

		KUNIT_ASSERT_TRUE(test, note(rec, PPC_ACCESS_MISS, process + 1,
					     0, pos, len));
		to = min(to, RANDOM_BITS);
		bitmap_set(seen + process * BITS_TO_LONGS(RANDOM_BITS), from,
			   to - from);
	}

	rec->sizes[0] = RANDOM_SPACE;
	collect(rec);
	KUNIT_ASSERT_EQ(test, rec->nr_groups, 2);
	for (group = 0; group < 2; group++) {
		unsigned long *mine = seen + group * BITS_TO_LONGS(RANDOM_BITS);
		unsigned int bit = 0;

		bitmap_zero(got, RANDOM_BITS);
		for (i = first; i < first + rec->counts[group]; i++) {
			const u32 from = rec->extents[i].start /
					 UNITS(MAIO_TRACK_ALIGN);
			const u32 nr = rec->extents[i].count /
				       UNITS(MAIO_TRACK_ALIGN);

			KUNIT_ASSERT_GT(test, nr, 0);
			KUNIT_ASSERT_LE(test, from + nr, RANDOM_BITS);
			/* No byte twice. */
			KUNIT_EXPECT_GE(test, find_next_bit(got, from + nr,
							    from),
					from + nr);
			bitmap_set(got, from, nr);
		}
		first += rec->counts[group];

		KUNIT_EXPECT_TRUE(test, bitmap_subset(mine, got, RANDOM_BITS));
		bitmap_andnot(got, got, mine, RANDOM_BITS);
		while ((bit = find_next_bit(got, RANDOM_BITS, bit)) <
		       RANDOM_BITS) {
			const unsigned int end =
				find_next_zero_bit(got, RANDOM_BITS, bit);

			KUNIT_EXPECT_LE(test, end - bit,
					MAIO_TRACK_HOLE / MAIO_TRACK_ALIGN);
			bit = end;
		}
	}
	KUNIT_EXPECT_EQ(test, first, rec->nr_extents);
}

static struct kunit_case record_cases[] = {
	KUNIT_CASE(record_sequential),
	KUNIT_CASE(record_sparse_events),
	KUNIT_CASE(record_sparse_backwards),
	KUNIT_CASE(record_template_size),
	KUNIT_CASE(record_holes),
	KUNIT_CASE(record_holes_behind),
	KUNIT_CASE(record_alignment),
	KUNIT_CASE(record_reread),
	KUNIT_CASE(record_again),
	KUNIT_CASE(record_order),
	KUNIT_CASE(record_backwards),
	KUNIT_CASE(record_downwards),
	KUNIT_CASE(record_threads),
	KUNIT_CASE(record_headers_first),
	KUNIT_CASE(record_hole_behind_header),
	KUNIT_CASE(record_meet),
	KUNIT_CASE(record_neighbours),
	KUNIT_CASE(record_turns),
	KUNIT_CASE(record_break),
	KUNIT_CASE(record_break_by_many),
	KUNIT_CASE(record_in_front),
	KUNIT_CASE(record_long_event),
	KUNIT_CASE(record_file_end),
	KUNIT_CASE(record_eager),
	KUNIT_CASE(record_fine),
	KUNIT_CASE(record_headers),
	KUNIT_CASE(record_pause),
	KUNIT_CASE(record_large_folios),
	KUNIT_CASE(record_small_folios),
	KUNIT_CASE(record_last_stride),
	KUNIT_CASE(record_far),
	KUNIT_CASE(record_groups),
	KUNIT_CASE(record_launcher),
	KUNIT_CASE(record_launcher_mapped),
	KUNIT_CASE(record_little_alone),
	KUNIT_CASE(record_little_of_much),
	KUNIT_CASE(record_little_by_a_unit),
	KUNIT_CASE(record_just_enough),
	KUNIT_CASE(record_little_close_by),
	KUNIT_CASE(record_little_model),
	KUNIT_CASE(record_empty_group),
	KUNIT_CASE(record_too_many_extents),
	KUNIT_CASE(record_same_slot),
	KUNIT_CASE(record_too_many_processes),
	KUNIT_CASE(record_random),
	{}
};

static struct kunit_suite record_suite = {
	.name = "ppc_maio_record",
	.init = record_init,
	.test_cases = record_cases,
};

kunit_test_suite(record_suite);
