// SPDX-License-Identifier: GPL-2.0
/*
 * Streams read ahead just what they are told to, where they are told to, as
 * far as they may, and go elsewhere when the reader does. What is cached is
 * asked of cachestat() and mincore(), not of the counters alone.
 */
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "ppc_harness.h"

#define SIZE	(32 * MB)
#define HOLE	(192 * MB)
#define PAGE	4096ULL

FIXTURE(stream) {
	char path[256];
	char dir[200];
	int fd;
	int att;
};

FIXTURE_VARIANT(stream) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(stream, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(stream, xfs) { .fs = "xfs" };

FIXTURE_SETUP(stream)
{
	self->att = -1;
	self->fd = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(self->path, sizeof(self->path), "%s/stream", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
}

FIXTURE_TEARDOWN(stream)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	unlink(self->path);
}

/* A range in pages, rounded outwards. */
static long pages_of(__u64 pos, __u64 len)
{
	return (pos + len + PAGE - 1) / PAGE - pos / PAGE;
}

TEST_F(stream, exactly_its_ranges)
{
	const struct ppc_test_range r[] = {
		{ .pos = 4 * MB, .len = 2 * MB },
		{ .pos = 10 * MB + 5000, .len = MB + 100 },
		{ .pos = 21 * MB, .len = 1 },
		{ .pos = 1 * MB, .len = 64 * KB },
	};
	struct ppc_stats stats;
	long all = 0;
	int stream;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(r); i++)
		all += pages_of(r[i].pos, r[i].len);
	stream = ppc_stream(self->att, r, ARRAY_SIZE(r), -1, false, false, 0);
	ASSERT_LE(0, stream);
	/* Before it is started, it is not moved by anything. */
	EXPECT_EQ(0, ppc_feed(self->att, stream, TEST_MISS, 4 * MB, PAGE));
	EXPECT_EQ(0, ppc_settled(self->att));
	EXPECT_EQ(0, ppc_cached_all(self->fd));

	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
	/* Elsewhere, then moved. */
	EXPECT_EQ(0, ppc_feed(self->att, stream, TEST_MISS, 30 * MB, PAGE));
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, 4 * MB, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) >= all));
	EXPECT_EQ(all * PAGE, ppc_settled(self->att));
	EXPECT_EQ(all, ppc_cached_all(self->fd));
	for (i = 0; i < ARRAY_SIZE(r); i++)
		EXPECT_EQ(pages_of(r[i].pos, r[i].len),
			  ppc_cached(self->fd, r[i].pos, r[i].len));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(0, stats.errors);
	EXPECT_EQ(0, stats.interrupts);
}

/* In the order of the stream, and not what lies before the reader in it. */
TEST_F(stream, from_the_access_on)
{
	const struct ppc_test_range r[] = {
		{ .pos = 20 * MB, .len = 2 * MB },
		{ .pos = 4 * MB, .len = 2 * MB },
		{ .pos = 12 * MB, .len = 2 * MB },
	};
	int stream = ppc_stream(self->att, r, 3, -1, false, false, 0);

	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, 4 * MB, PAGE));
	EXPECT_EQ(4 * MB, ppc_settled(self->att));
	EXPECT_EQ(0, ppc_cached(self->fd, 20 * MB, 2 * MB));
	EXPECT_EQ(512, ppc_cached(self->fd, 4 * MB, 2 * MB));
	EXPECT_EQ(512, ppc_cached(self->fd, 12 * MB, 2 * MB));
}

TEST_F(stream, not_beyond_eof)
{
	const __u64 size = 5 * MB + 123;
	struct ppc_stats stats;
	int fd, att, stream;
	char path[300];

	snprintf(path, sizeof(path), "%s.eof", self->path);
	fd = ppc_make_file(path, size);
	ASSERT_LE(0, fd);
	att = ppc_attach_one(fd);
	ASSERT_LE(0, att);
	EXPECT_EQ(-EINVAL, ppc_stream_one(att, 4 * MB, 1ULL << 40, 0, 0, 0));
	EXPECT_EQ(-EINVAL, ppc_stream_one(att, 8 * MB, MB, 0, 0, 0));
	/* As much beyond it as it takes to be a multiple of 2 MiB. */
	stream = ppc_stream_one(att, 4 * MB, 2 * MB, false, false, 0);
	ASSERT_LE(0, stream);
	EXPECT_EQ(1, ppc_feed(att, stream, TEST_MISS, 4 * MB, PAGE));
	ppc_settled(att);
	EXPECT_EQ(pages_of(4 * MB, size - 4 * MB), ppc_cached_all(fd));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(0, stats.errors);
	EXPECT_EQ(-1, ppc_verify(fd, 0, size));
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
	unlink(path);
}

/* What is cached already stays as it is, the holes in it are filled. */
TEST_F(stream, skips_what_is_cached)
{
	__u64 pos;
	int stream;

	ASSERT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_RANDOM));
	for (pos = 0; pos < 4 * MB; pos += 300 * KB)
		ASSERT_EQ((long)PAGE, ppc_read(self->fd, pos, PAGE, PAGE));
	stream = ppc_stream_one(self->att, 0, 4 * MB, false, false, 0);
	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) == 1024));
	EXPECT_GT(4 * MB, ppc_settled(self->att));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, 4 * MB));
}

/* Large folios, too, wherever in them the range begins. */
TEST_F(stream, skips_large_folios)
{
	/* In pages; a search for the next hole goes wrong from the last ones. */
	static const unsigned int begins[] = { 0, 125, 256, 505, 506, 508, 510 };
	__u64 begin;
	int stream;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(begins); i++) {
		begin = begins[i] * PAGE;
		ASSERT_EQ(0, ppc_drop(self->fd));
		stream = ppc_stream_one(self->att, 0, 2 * MB, false, false, 0);
		ASSERT_LE(0, stream);
		ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
		EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) == 512));
		ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
		stream = ppc_stream_one(self->att, begin, 4 * MB, false, false,
					0);
		ASSERT_LE(0, stream);
		ppc_feed(self->att, stream, TEST_MISS, begin, PAGE);
		EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) ==
				     pages_of(0, begin + 4 * MB)))
			TH_LOG("from %llu on: %ld pages", begin,
			       ppc_cached_all(self->fd));
		ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	}
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, 6 * MB));
}

TEST_F(stream, large_folios)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	int stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	long large;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	ppc_touch(map, 0, SIZE);
	large = ppc_large_pages(map, SIZE);
	if (large < 0)
		SKIP(return, "no /proc/kpageflags");
	EXPECT_LE(SIZE / PAGE * 9 / 10, large);
	munmap(map, SIZE);
}

TEST_F(stream, node)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	const struct ppc_test_range r = { .len = 16 * MB };
	struct ppc_stats stats;
	int node, stream;

	ASSERT_NE(MAP_FAILED, map);
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "only one NUMA node");
	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, madvise(map, SIZE, MADV_DONTNEED));
		ASSERT_EQ(0, ppc_drop(self->fd));
		ppc_detach(self->att);
		self->att = ppc_attach_one(self->fd);
		ASSERT_LE(0, self->att);
		stream = ppc_stream(self->att, &r, 1, node, false, false, 0);
		ASSERT_LE(0, stream);
		ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
		ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
		EXPECT_EQ(r.len, ppc_settled(self->att));
		ppc_touch(map, 0, r.len);
		EXPECT_LE(r.len / PAGE * 99 / 100, ppc_pages_on(map, r.len, node));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		EXPECT_LE(r.len / 100 * 99, stats.node_bytes[node]);
		EXPECT_EQ(r.len, stats.node_bytes[0] + stats.node_bytes[1]);
	}
	munmap(map, SIZE);
}

TEST_F(stream, node_that_is_not_there)
{
	const struct ppc_test_range r = { .len = 4 * MB };
	int stream = ppc_stream(self->att, &r, 1, 63, false, false, 0);

	if (stream == -EINVAL)
		SKIP(return, "MAX_NUMNODES is small");
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(r.len, ppc_settled(self->att));
	EXPECT_EQ(1024, ppc_cached(self->fd, 0, 4 * MB));
}

/* "Bytes to read ahead of the readers at most", as the ABI says. */
TEST_F(stream, budget)
{
	int att = ppc_attach(PPC_TEST_POLICY, 0, &self->fd, 1, 8 * MB, 0), stream;
	struct ppc_stats stats;

	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	EXPECT_LE(4 * MB, ppc_settled(att));
	EXPECT_GE((long)(8 * MB / PAGE), ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_LT(0, stats.budget_waits);
	EXPECT_GE(8 * MB, stats.ahead_bytes);
	EXPECT_LT(0, stats.ahead_bytes);

	/* It goes on when the reader does. */
	ppc_feed(att, stream, TEST_CONSUME, 0, 4 * MB);
	EXPECT_LE(8 * MB, ppc_settled(att));
	EXPECT_GE((long)(12 * MB / PAGE), ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(stream, small_budget)
{
	int att = ppc_attach(PPC_TEST_POLICY, 0, &self->fd, 1, MB, 0), stream;

	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	/* It is kept in pieces of 2 MiB, so that one piece must be allowed. */
	EXPECT_LT(0, ppc_settled(att));
	EXPECT_GE((long)(2 * MB / PAGE), ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_detach(att));
}

/* The budget is the attachment's, however many streams it has. */
TEST_F(stream, budget_of_several_streams)
{
	int att = ppc_attach(PPC_TEST_POLICY, 0, &self->fd, 1, 4 * MB, 0);
	int stream[4], i;

	ASSERT_LE(0, att);
	for (i = 0; i < 4; i++) {
		stream[i] = ppc_stream_one(att, i * 8 * MB, 8 * MB, false, false, 0);
		ASSERT_LE(0, stream[i]);
	}
	for (i = 0; i < 4; i++)
		ppc_feed(att, stream[i], TEST_MISS, i * 8 * MB, PAGE);
	EXPECT_LT(0, ppc_settled(att));
	/* A batch for each of them may be on its way: no more than half of it all. */
	EXPECT_GE((long)(8 * MB / PAGE), ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_detach(att));
}

/* An access far away moves the stream, also when it has come to rest. */
TEST_F(stream, interrupted)
{
	struct ppc_stats stats;
	int fd, att, stream;
	char path[300];

	snprintf(path, sizeof(path), "%s.hole", self->path);
	fd = ppc_make_hole(path, HOLE);
	ASSERT_LE(0, fd);
	att = ppc_attach(PPC_TEST_POLICY, 0, &fd, 1, 8 * MB, 0);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, HOLE, false, false, 0);
	ASSERT_LE(0, stream);
	EXPECT_EQ(1, ppc_feed(att, stream, TEST_MISS, 0, PAGE));
	ppc_settled(att);
	EXPECT_EQ(0, ppc_cached(fd, 16 * MB, HOLE - 16 * MB));

	EXPECT_EQ(1, ppc_feed(att, stream, TEST_MISS, 100 * MB, PAGE));
	/* At once, whatever of the budget lies unread where he was before. */
	EXPECT_TRUE(PPC_WAIT(ppc_cached(fd, 100 * MB, 512 * KB) == 128));
	ppc_settled(att);
	EXPECT_EQ(0, ppc_cached(fd, 16 * MB, 84 * MB));
	EXPECT_EQ(0, ppc_cached(fd, 116 * MB, HOLE - 116 * MB));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(1, stats.interrupts);

	/* Backwards, into what was not read. */
	EXPECT_EQ(1, ppc_feed(att, stream, TEST_MISS, 50 * MB, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(fd, 50 * MB, 512 * KB) == 128));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(2, stats.interrupts);
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
	unlink(path);
}

/* Back by less than that, to what was neither read ahead nor read. */
TEST_F(stream, backwards)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);

	ASSERT_LE(0, stream);
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, SIZE - 2 * MB, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(self->fd, SIZE - 2 * MB, 2 * MB) == 512));
	ppc_settled(self->att);
	EXPECT_EQ(0, ppc_cached(self->fd, 0, SIZE / 2));
	/* That is a reader of its own, who is read ahead of. */
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, 0, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(self->fd, 0, 8 * MB) == 2048));
}

/* Readers of the same stream do not drive each other away. */
TEST_F(stream, several_cursors)
{
	struct ppc_stats stats;
	int fd, att, stream, i;
	char path[300];

	snprintf(path, sizeof(path), "%s.hole", self->path);
	fd = ppc_make_hole(path, HOLE);
	ASSERT_LE(0, fd);
	att = ppc_attach(PPC_TEST_POLICY, 0, &fd, 1, 16 * MB, 0);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, HOLE, false, false, 0);
	ASSERT_LE(0, stream);
	for (i = 0; i < 8; i++) {
		ppc_feed(att, stream, TEST_CONSUME, i * MB, MB);
		ppc_feed(att, stream, TEST_CONSUME, 90 * MB + i * MB, MB);
		ppc_settled(att);
	}
	EXPECT_EQ(512, ppc_cached(fd, 8 * MB, 2 * MB));
	EXPECT_EQ(512, ppc_cached(fd, 98 * MB, 2 * MB));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_GE(1, stats.interrupts);
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
	unlink(path);
}

TEST_F(stream, stop_and_start)
{
	struct ppc_test_feed gone = { .type = TEST_MISS, .len = PAGE };
	int stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);

	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_feed(self->att, stream, TEST_MISS, 0, PAGE));
	EXPECT_EQ(0, ppc_settled(self->att));
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, 0, PAGE));
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	/* The same load again, after somebody dropped everything. */
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_RESET));
	EXPECT_EQ(1, ppc_feed(self->att, stream, TEST_MISS, 0, PAGE));
	EXPECT_EQ(2 * SIZE, ppc_settled(self->att));
	EXPECT_EQ((long)(SIZE / PAGE), ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_DESTROY));
	gone.stream = stream;
	EXPECT_EQ(-1, ioctl(self->att, PPC_TEST_IOC_FEED, &gone));
	EXPECT_EQ(ENOENT, errno);
}

/* A reader that finds everything there; what it passed is counted. */
TEST_F(stream, real_reader)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);
	struct ppc_stats stats;

	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.prefetched_bytes);
	EXPECT_GE(SIZE, stats.prefetched_bytes);
	EXPECT_GE(stats.prefetched_bytes + 2 * MB, stats.useful_bytes);
	EXPECT_EQ(0, stats.refaulted_bytes);
	EXPECT_EQ(0, stats.interrupts);
	EXPECT_EQ(0, stats.ahead_bytes);
}

/* What the guide for policy authors shows does what it says. */
TEST_F(stream, policy_of_the_guide)
{
	struct ppc_stats stats;
	int att;

	ASSERT_EQ(0, ppc_load_policy("ppc_whole"));
	att = ppc_attach("whole", 0, &self->fd, 1, 0, 0);
	ASSERT_LE(0, att);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_LE(SIZE / 10 * 9, stats.prefetched_bytes);
	EXPECT_GE(SIZE, stats.prefetched_bytes);
	EXPECT_EQ(0, ppc_detach(att));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
}

static int cg_reader(void *arg)
{
	const struct { int att; int stream; const char *cg; } *a = arg;

	if (ppc_cg_enter(a->cg))
		return 1;
	return ppc_feed(a->att, a->stream, TEST_MISS, 0, PAGE) == 1 ? 0 : 2;
}

/* What a reader of a cgroup has had read ahead, and is charged to that cgroup. */
static long read_for(int att, int stream, int fd, const char *cg)
{
	const struct { int att; int stream; const char *cg; } arg = {
		att, stream, cg,
	};

	PPC_MUST(ppc_drop(fd));
	PPC_MUST(ppc_stream_op(att, stream, TEST_STREAM_RESET));
	if (ppc_in_child(cg_reader, (void *)&arg))
		return -EIO;
	ppc_settled(att);
	return ppc_cg_stat(cg, "memory.stat", "file");
}

/* The same of a stream made for it, all of which is read; or -errno. */
static long charged(int att, int fd)
{
	char cg[128];
	long bytes;
	int stream;

	if (ppc_cg_make("charge", cg, sizeof(cg)))
		return -ENODEV;
	stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	if (stream < 0)
		return -EIO;
	bytes = read_for(att, stream, fd, cg);
	if (bytes >= 0 && ppc_settled(att) != SIZE)
		return -EAGAIN;
	PPC_MUST(ppc_drop(fd));
	ppc_cg_remove(cg);
	return bytes;
}

/* Pages belong to the cgroup of whoever reads, not to the attacher's. */
TEST_F(stream, charged_to_the_reader)
{
	long bytes = charged(self->att, self->fd);

	if (bytes == -ENODEV)
		SKIP(return, "no memory controller");
	EXPECT_LE((long)(SIZE / 10 * 9), bytes);
}

/* Nor to whoever read the last time. */
TEST_F(stream, charged_to_the_reader_of_this_load)
{
	char cg[2][128];
	int stream, i;

	if (ppc_cg_make("load-0", cg[0], sizeof(cg[0])))
		SKIP(return, "no memory controller");
	ASSERT_EQ(0, ppc_cg_make("load-1", cg[1], sizeof(cg[1])));
	stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	for (i = 0; i < 2; i++)
		EXPECT_LE((long)(SIZE / 10 * 9),
			  read_for(self->att, stream, self->fd, cg[i]));
	EXPECT_GE((long)MB, ppc_cg_stat(cg[0], "memory.stat", "file"));
	ASSERT_EQ(0, ppc_drop(self->fd));
	for (i = 0; i < 2; i++)
		ppc_cg_remove(cg[i]);
}

struct policy_reader {
	int att;
	int stream;
	int mode;
	unsigned long nodes;
};

/* On a CPU of node 0. */
static int policy_reader(void *arg)
{
	const struct policy_reader *r = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    syscall(__NR_set_mempolicy, r->mode, &r->nodes, 8 * sizeof(r->nodes)))
		return 1;
	return ppc_feed(r->att, r->stream, TEST_MISS, 0, PAGE) == 1 ? 0 : 2;
}

/* Where a reader's memory policy has its own reads go, those ahead of it go, too. */
TEST_F(stream, reader_with_a_memory_policy)
{
	struct policy_reader r = { self->att, .mode = MPOL_BIND, .nodes = 1UL << 1 };
	struct ppc_stats stats;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "only one NUMA node");
	r.stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, r.stream);
	ASSERT_EQ(0, ppc_in_child(policy_reader, &r));
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(SIZE / 100 * 99, stats.node_bytes[1]);
}

TEST_F(stream, reader_that_interleaves)
{
	struct policy_reader r = { self->att, .mode = MPOL_INTERLEAVE, .nodes = 3 };
	struct ppc_stats stats;
	int nid;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "only one NUMA node");
	r.stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, r.stream);
	ASSERT_EQ(0, ppc_in_child(policy_reader, &r));
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	for (nid = 0; nid < 2; nid++)
		EXPECT_LE(SIZE / 5 * 2, stats.node_bytes[nid]);
}

/* Bytes that a cgroup has read from the device of a file. */
static long long cg_io(const char *cg, int fd)
{
	char path[256], text[8192], dev[32], *line, *at;
	struct stat st;

	snprintf(path, sizeof(path), "%s/io.stat", cg);
	PPC_MUST(ppc_read_text(path, text, sizeof(text)));
	PPC_MUST(fstat(fd, &st));
	snprintf(dev, sizeof(dev), "%u:%u ", major(st.st_dev), minor(st.st_dev));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		at = strstr(line, "rbytes=");
		if (at && !strncmp(line, dev, strlen(dev)))
			return strtoll(at + strlen("rbytes="), NULL, 0);
	}
	return 0;
}

/* And so do the reads themselves. */
TEST_F(stream, io_charged_to_the_reader)
{
	struct { int att; int stream; const char *cg; } arg = { .att = self->att };
	char cg[128], path[256];

	if (ppc_write("/sys/fs/cgroup/cgroup.subtree_control", "+io"))
		SKIP(return, "no io controller: CONFIG_BLK_CGROUP");
	ASSERT_EQ(0, ppc_cg_make("io", cg, sizeof(cg)));
	snprintf(path, sizeof(path), "%s/io.stat", cg);
	ASSERT_EQ(0, access(path, R_OK));
	arg.cg = cg;
	arg.stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, arg.stream);
	EXPECT_EQ(0, cg_io(cg, self->fd));
	EXPECT_EQ(0, ppc_in_child(cg_reader, &arg));
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	EXPECT_LE((long long)SIZE, cg_io(cg, self->fd));
	EXPECT_GE((long long)(SIZE + MB), cg_io(cg, self->fd));
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_EQ(0, ppc_drop(self->fd));
	ppc_cg_remove(cg);
}

/* But a user may spend only the memory of its own cgroup and those below. */
TEST_F(stream, not_charged_to_another_cgroup)
{
	char cg[128];
	long bytes;

	if (ppc_cg_make("attacher", cg, sizeof(cg)))
		SKIP(return, "no memory controller");
	ASSERT_EQ(0, fchown(self->fd, PPC_UID, -1));
	ASSERT_EQ(0, ppc_detach(self->att));
	ASSERT_EQ(0, ppc_cg_enter(cg));
	ASSERT_EQ(0, ppc_become(PPC_UID));
	self->att = ppc_attach_one(self->fd);
	ASSERT_EQ(0, ppc_become(0));
	ASSERT_EQ(0, ppc_cg_enter("/sys/fs/cgroup"));
	ASSERT_LE(0, self->att);
	bytes = charged(self->att, self->fd);
	EXPECT_LE(0, bytes);
	EXPECT_GE((long)MB, bytes);
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ppc_cg_remove(cg);
}

/* A cgroup that is smaller than the stream: no kill, and nothing hangs. */
TEST_F(stream, small_cgroup)
{
	struct { int att; int stream; const char *cg; } arg;
	struct ppc_stats stats;
	char cg[128];

	if (ppc_cg_make("small", cg, sizeof(cg)))
		SKIP(return, "no memory controller");
	ASSERT_EQ(0, ppc_cg_set(cg, "memory.max", "5M"));
	arg.att = self->att;
	arg.stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	arg.cg = cg;
	ASSERT_LE(0, arg.stream);
	EXPECT_EQ(0, ppc_in_child(cg_reader, &arg));
	ppc_settled(self->att);
	EXPECT_GE((long)(5 * MB), ppc_cg_stat(cg, "memory.peak", NULL));
	/* It did come up against it. */
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.memory_waits);
	EXPECT_EQ(0, ppc_cg_stat(cg, "memory.events", "oom_kill"));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_EQ(0, ppc_drop(self->fd));
	ppc_cg_remove(cg);
}

/* The reader's cgroup goes while the stream reads on. */
TEST_F(stream, dead_cgroup)
{
	int att = ppc_attach(PPC_TEST_POLICY, 0, &self->fd, 1, 4 * MB, 0);
	struct { int att; int stream; const char *cg; } arg = { .att = att };
	char cg[128];

	ASSERT_LE(0, att);
	if (ppc_cg_make("dead", cg, sizeof(cg))) {
		ppc_detach(att);
		SKIP(return, "no memory controller");
	}
	arg.stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	arg.cg = cg;
	ASSERT_LE(0, arg.stream);
	ASSERT_EQ(0, ppc_in_child(cg_reader, &arg));
	ppc_settled(att);
	ppc_cg_remove(cg);
	EXPECT_NE(0, access(cg, F_OK));
	ppc_feed(att, arg.stream, TEST_CONSUME, 0, 4 * MB);
	EXPECT_LE(8 * MB, ppc_settled(att));
	EXPECT_EQ(0, ppc_detach(att));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
