// SPDX-License-Identifier: GPL-2.0
/*
 * What reclaim makes of a policy's verdicts: in memory cgroups, on a node, and
 * by kswapd, with both LRUs.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "ppc_harness.h"

#define SIZE		(16 * MB)
#define HALF		(SIZE / 2)
#define PAGE		4096ULL
#define HALF_PAGES	((long)(HALF / PAGE))
#define LRU_GEN		"/sys/kernel/mm/lru_gen/enabled"

#define KEEP		2
#define FIRST		1

FIXTURE(evict) {
	char path[256];
	char dir[200];
	char cg[128];
	char lru[32];
	bool cg_made;
	int fd;
	int att;
	char *map;
};

FIXTURE_VARIANT(evict) {
	const char *fs;
	const char *lru_gen;
};

FIXTURE_VARIANT_ADD(evict, ext4_mglru) { .fs = "ext4", .lru_gen = "y" };
FIXTURE_VARIANT_ADD(evict, ext4_classic) { .fs = "ext4", .lru_gen = "n" };
FIXTURE_VARIANT_ADD(evict, xfs_mglru) { .fs = "xfs", .lru_gen = "y" };
FIXTURE_VARIANT_ADD(evict, xfs_classic) { .fs = "xfs", .lru_gen = "n" };

FIXTURE_SETUP(evict)
{
	self->att = -1;
	self->fd = -1;
	self->map = MAP_FAILED;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	if (ppc_cg_make("evict", self->cg, sizeof(self->cg)))
		SKIP(return, "no memory controller");
	self->cg_made = true;
	if (ppc_read_text(LRU_GEN, self->lru, sizeof(self->lru)) ||
	    ppc_write(LRU_GEN, variant->lru_gen)) {
		self->lru[0] = 0;
		if (variant->lru_gen[0] == 'y')
			SKIP(return, "no MGLRU");
	}
	snprintf(self->path, sizeof(self->path), "%s/evict", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	/* The test's own process: what it reads is charged there. */
	ASSERT_EQ(0, ppc_cg_enter(self->cg));
}

FIXTURE_TEARDOWN(evict)
{
	EXPECT_EQ(0, ppc_cg_enter("/sys/fs/cgroup"));
	if (self->att >= 0)
		ppc_detach(self->att);
	munmap(self->map, SIZE);
	if (self->fd >= 0)
		EXPECT_EQ(0, ppc_drop(self->fd));
	close(self->fd);
	unlink(self->path);
	if (self->lru[0])
		ppc_write(LRU_GEN, strtol(self->lru, NULL, 0) ? "y" : "n");
	if (self->cg_made)
		ppc_cg_remove(self->cg);
}

static int attach_keep(int fd, __u64 keep_budget)
{
	return ppc_attach(PPC_TEST_POLICY, PPC_ATTACH_MAY_KEEP, &fd, 1, 0,
			  keep_budget);
}

/* Pages of the first and of the second half that are cached. */
static void halves(int fd, long *first, long *second)
{
	*first = ppc_cached(fd, 0, HALF);
	*second = ppc_cached(fd, HALF, HALF);
}

/* Use what there is of a range, without bringing back what is not. */
static void touch_resident(const char *map, __u64 pos, __u64 len)
{
	unsigned char *vec = malloc(len / PAGE);
	size_t i;

	PPC_MUST(mincore((void *)(map + pos), len, vec));
	for (i = 0; i < len / PAGE; i++)
		if (vec[i] & 1)
			ppc_touch(map, pos + i * PAGE, 1);
	free(vec);
}

static void squeeze(const char *cg, const char *bytes)
{
	int err = ppc_cg_set(cg, "memory.reclaim", bytes);

	/* EAGAIN: it got less than it was asked for. */
	PPC_MUST(err == -EAGAIN ? 0 : err);
}

/* All of it is in use all the time; still those that go first go first. */
TEST_F(evict, first)
{
	struct ppc_stats stats;
	long first, other;
	int i;

	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, FIRST, TEST_ON_RECLAIM, HALF, HALF));
	ppc_touch(self->map, 0, SIZE);
	ppc_touch(self->map, 0, SIZE);
	for (i = 0; i < 40; i++) {
		halves(self->fd, &other, &first);
		if (first + other < HALF_PAGES * 3 / 2)
			break;
		touch_resident(self->map, 0, SIZE);
		squeeze(self->cg, "512K");
	}
	ASSERT_GE(HALF_PAGES * 3 / 2, first + other);
	/* They go by the folio: some of the others may be behind in a list. */
	EXPECT_LT(first * 5 / 4, other)
		TH_LOG("%ld that go first are left, %ld others", first, other);
	EXPECT_LT(0, ppc_counts(self->att).evict_reclaim);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.evicted_first_bytes);
	EXPECT_EQ(0, stats.kept_bytes);
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
}

/* Mapped and referenced as it is: whoever may attach may take it from others. */
TEST_F(evict, first_of_mapped)
{
	struct ppc_stats stats;
	int i;

	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, FIRST, TEST_ON_RECLAIM, 0, SIZE));
	ASSERT_EQ((long)SIZE, ppc_read(self->fd, 0, SIZE, MB));
	ppc_touch(self->map, 0, SIZE);
	for (i = 0; i < 20 && ppc_cached_all(self->fd) > HALF_PAGES; i++)
		squeeze(self->cg, "2M");
	EXPECT_GE(HALF_PAGES, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.evicted_first_bytes);
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
}

/* What is locked stays, be it a part of a large folio. */
TEST_F(evict, first_of_mlocked)
{
	const __u64 at = HALF + 5 * PAGE, len = 13 * PAGE;
	struct ppc_stats stats;
	int i;

	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, FIRST, TEST_ON_RECLAIM, 0, SIZE));
	ASSERT_EQ((long)SIZE, ppc_read(self->fd, 0, SIZE, MB));
	ppc_touch(self->map, 0, SIZE);
	/* Whole folios, and the middle of one. */
	ASSERT_EQ(0, mlock(self->map, 2 * MB));
	ASSERT_EQ(0, mlock(self->map + at, len));
	for (i = 0; i < 20 && ppc_cached_all(self->fd) > HALF_PAGES; i++)
		squeeze(self->cg, "2M");
	EXPECT_GE(HALF_PAGES, ppc_cached_all(self->fd));
	EXPECT_EQ((long)(2 * MB / PAGE), ppc_resident(self->map, 0, 2 * MB));
	EXPECT_EQ((long)(len / PAGE), ppc_resident(self->map, at, len));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.evicted_first_bytes);
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
}

/* The half that was read first, and is the first to go therefore, is kept. */
static void read_halves(int fd)
{
	PPC_MUST(ppc_read(fd, 0, HALF, 64 * KB));
	PPC_MUST(ppc_read(fd, HALF, HALF, 64 * KB));
}

TEST_F(evict, keep)
{
	struct ppc_stats stats;
	long kept, other;
	int i;

	self->att = attach_keep(self->fd, 64 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, KEEP, TEST_ON_RECLAIM, 0, HALF));
	read_halves(self->fd);
	for (i = 0; i < 12; i++) {
		halves(self->fd, &kept, &other);
		if (other < HALF_PAGES * 2 / 3)
			break;
		squeeze(self->cg, "512K");
	}
	EXPECT_GT(HALF_PAGES * 3 / 4, other);
	/* In a group this small, reclaim gets desperate soon. */
	EXPECT_LE(HALF_PAGES * 80 / 100, kept);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.kept_bytes);
	EXPECT_EQ(0, stats.evicted_first_bytes);
}

static void expect_not_kept(struct __test_metadata *_metadata, int fd, int att,
			    const char *cg)
{
	struct ppc_stats stats;
	long kept, other;
	int i;

	ASSERT_EQ(0, ppc_rule(att, 0, KEEP, TEST_ON_RECLAIM, 0, HALF));
	read_halves(fd);
	/* Where the halves lie on two nodes they go alike, else the first goes first. */
	for (i = 0; i < 20; i++) {
		halves(fd, &kept, &other);
		if (kept + other < HALF_PAGES)
			break;
		squeeze(cg, "1M");
	}
	ASSERT_GT(HALF_PAGES, kept + other);
	EXPECT_GT(HALF_PAGES * 3 / 4, kept);
	EXPECT_LT(0, ppc_counts(att).evict_reclaim);
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(0, stats.kept_bytes);
}

TEST_F(evict, keep_without_the_flag)
{
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	expect_not_kept(_metadata, self->fd, self->att, self->cg);
}

TEST_F(evict, keep_without_budget)
{
	self->att = attach_keep(self->fd, 0);
	ASSERT_LE(0, self->att);
	expect_not_kept(_metadata, self->fd, self->att, self->cg);
}

TEST_F(evict, keep_beyond_budget)
{
	self->att = attach_keep(self->fd, MB);
	ASSERT_LE(0, self->att);
	expect_not_kept(_metadata, self->fd, self->att, self->cg);
}

TEST_F(evict, nonsense_is_default)
{
	struct ppc_stats stats;

	self->att = attach_keep(self->fd, 64 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, 99, TEST_ON_RECLAIM, 0, SIZE));
	read_halves(self->fd);
	squeeze(self->cg, "8M");
	EXPECT_GT(HALF_PAGES * 2, ppc_cached_all(self->fd));
	EXPECT_LT(0, ppc_counts(self->att).evict_reclaim);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(0, stats.kept_bytes);
	EXPECT_EQ(0, stats.evicted_first_bytes);
}

/* One of two attachments wants to keep and may: the other has no opinion. */
TEST_F(evict, one_of_two_keeps)
{
	int other_att = ppc_attach_one(self->fd), i;
	struct ppc_stats stats;
	long kept, other;

	ASSERT_LE(0, other_att);
	self->att = attach_keep(self->fd, 64 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, KEEP, TEST_ON_RECLAIM, 0, HALF));
	read_halves(self->fd);
	for (i = 0; i < 12; i++) {
		halves(self->fd, &kept, &other);
		if (other < HALF_PAGES * 2 / 3)
			break;
		squeeze(self->cg, "512K");
	}
	EXPECT_LE(HALF_PAGES * 80 / 100, kept);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.kept_bytes);
	EXPECT_EQ(0, ppc_detach(other_att));
}

/* First needs all to agree, and the other has no opinion on the second half. */
TEST_F(evict, one_of_two_first)
{
	int other_att = ppc_attach_one(self->fd), i;
	struct ppc_stats stats;

	ASSERT_LE(0, other_att);
	ASSERT_EQ(0, ppc_rule(other_att, 0, FIRST, TEST_ON_RECLAIM, 0, SIZE));
	self->att = attach_keep(self->fd, 64 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, KEEP, TEST_ON_RECLAIM, 0, HALF));
	read_halves(self->fd);
	for (i = 0; i < 5; i++)
		squeeze(self->cg, "512K");
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.kept_bytes);
	EXPECT_EQ(0, stats.evicted_first_bytes);
	EXPECT_LE(HALF_PAGES * 80 / 100, ppc_cached(self->fd, 0, HALF));
	EXPECT_GT(HALF_PAGES, ppc_cached(self->fd, HALF, HALF));
	ASSERT_EQ(0, ppc_stats(other_att, &stats));
	EXPECT_EQ(0, stats.evicted_first_bytes);
	EXPECT_LT(0, ppc_counts(other_att).evict_reclaim);
	EXPECT_EQ(0, ppc_detach(other_att));
}

static int use_anon(void *arg)
{
	const char *cg = arg;
	char *mem;
	int i;

	if (ppc_cg_enter(cg))
		return 1;
	mem = mmap(NULL, 20 * MB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return 2;
	madvise(mem, 20 * MB, MADV_NOHUGEPAGE);
	for (i = 0; i < 3; i++)
		memset(mem, i, 20 * MB);
	return 0;
}

/*
 * Everything is to be kept, and the group is too small for that and for what
 * its processes need: they come first, by direct reclaim at memory.max.
 */
TEST_F(evict, keep_everything_kills_nobody)
{
	self->att = attach_keep(self->fd, 64 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, KEEP, TEST_ON_RECLAIM, 0, SIZE));
	ASSERT_EQ(0, ppc_cg_set(self->cg, "memory.max", "28M"));
	ppc_touch(self->map, 0, SIZE);
	ASSERT_LE(2 * HALF_PAGES * 9 / 10, ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_in_child(use_anon, self->cg));
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom_kill"));
	EXPECT_LT(0, ppc_counts(self->att).evict_reclaim);
	ASSERT_EQ(0, ppc_cg_set(self->cg, "memory.max", "max"));
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
}

/* Reclaim of a whole node, in nobody's cgroup. */
TEST_F(evict, node_reclaim)
{
	const char *path = "/sys/devices/system/node/node%d/reclaim";
	char file[128], ratio[32];
	struct ppc_stats stats;
	int node, i;

	snprintf(file, sizeof(file), path, 0);
	if (access(file, W_OK))
		SKIP(return, "no %s", file);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, FIRST, TEST_ON_RECLAIM, 0, SIZE));
	/* It wants a part of the node's memory to be unmapped page cache. */
	ASSERT_EQ(0, ppc_read_text("/proc/sys/vm/min_unmapped_ratio", ratio,
				   sizeof(ratio)));
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/min_unmapped_ratio", "0"));
	ASSERT_EQ((long)SIZE, ppc_read(self->fd, 0, SIZE, MB));
	for (i = 0; i < 30 && ppc_cached_all(self->fd) > HALF_PAGES; i++) {
		for (node = 0; node < 2; node++) {
			snprintf(file, sizeof(file), path, node);
			ppc_write(file, "16M");
		}
	}
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/min_unmapped_ratio", ratio));
	EXPECT_GE(HALF_PAGES, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.evicted_first_bytes);
}

static long node_bytes(int node, const char *what)
{
	char path[128], text[8192], *at;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	if (ppc_read_text(path, text, sizeof(text)))
		return -1;
	at = strstr(text, what);
	return at ? strtol(at + strlen(what), NULL, 0) * 1024 : -1;
}

/*
 * Fill a node to where kswapd has to run. With the watermarks far apart that
 * comes long before anybody has to reclaim for himself.
 */
static int fill_node(void *arg)
{
	const int node = *(int *)arg;
	unsigned long mask = 1UL << node;
	const size_t step = 16 * MB;
	int i;

	if (ppc_cg_enter("/sys/fs/cgroup"))
		return 1;
	if (syscall(__NR_set_mempolicy, 2 /* MPOL_BIND */, &mask, 64))
		return 2;
	ppc_write("/proc/self/oom_score_adj", "1000");
	for (i = 0; node_bytes(node, "MemFree:") > node_bytes(node, "MemTotal:") / 4; i++) {
		char *mem = mmap(NULL, step, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mem == MAP_FAILED || i > 4096)
			return 3;
		madvise(mem, step, MADV_HUGEPAGE);
		memset(mem, 1, step);
	}
	for (i = 0; i < 100; i++) {
		char *mem = mmap(NULL, MB, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		munmap(mem, MB);
		usleep(50000);
	}
	return 0;
}

static int read_on_node(void *arg)
{
	unsigned long mask = 2;
	int fd = *(int *)arg;

	if (syscall(__NR_set_mempolicy, 2, &mask, 64))
		return 1;
	return ppc_read(fd, 0, SIZE, MB) == SIZE ? 0 : 2;
}

TEST_F(evict, kswapd)
{
	struct ppc_stats stats;
	int node = 1, err;
	char old[32];

	if (node_bytes(1, "MemTotal:") < 0)
		SKIP(return, "only one NUMA node");
	if (node_bytes(1, "MemTotal:") > (long)(8192 * MB))
		SKIP(return, "too much memory to fill");
	/* A kswapd that found nothing to free sleeps until another reclaim does. */
	ASSERT_EQ(0, ppc_in_child(read_on_node, &self->fd));
	squeeze(self->cg, "4M");
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_rule(self->att, 0, FIRST, TEST_ON_RECLAIM, 0, SIZE));
	ASSERT_EQ(0, ppc_in_child(read_on_node, &self->fd));
	ASSERT_EQ(2 * HALF_PAGES, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_read_text("/proc/sys/vm/watermark_scale_factor", old,
				   sizeof(old)));
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/watermark_scale_factor", "3000"));
	err = ppc_in_child(fill_node, &node);
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/watermark_scale_factor", old));
	EXPECT_EQ(0, err);
	EXPECT_LT(0, ppc_counts(self->att).evict_kswapd);
	/* How much of it, kswapd decides. */
	EXPECT_GT(2 * HALF_PAGES, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.evicted_first_bytes);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
