// SPDX-License-Identifier: GPL-2.0
/*
 * Streams read ahead just what they are told to, where they are told to, as
 * far as they may, and go elsewhere when the reader does. What is cached is
 * asked of cachestat() and mincore(), not of the counters alone.
 */
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

#define KPF_COMPOUND_HEAD	15
#define KPF_COMPOUND_TAIL	16

/* Pages of a mapping that belong to large folios; -1 where one cannot know. */
static long large_pages(const char *map, __u64 len)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int kpageflags = open("/proc/kpageflags", O_RDONLY);
	__u64 at, entry, flags;
	long nr = 0;

	if (pagemap < 0 || kpageflags < 0)
		return -1;
	for (at = 0; at < len; at += PAGE) {
		if (pread(pagemap, &entry, 8, ((uintptr_t)map + at) / PAGE * 8) != 8)
			return -1;
		entry &= (1ULL << 55) - 1;
		if (!entry || pread(kpageflags, &flags, 8, entry * 8) != 8)
			continue;
		nr += !!(flags & (1ULL << KPF_COMPOUND_HEAD |
				  1ULL << KPF_COMPOUND_TAIL));
	}
	close(pagemap);
	close(kpageflags);
	return nr;
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
	large = large_pages(map, SIZE);
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
	EXPECT_EQ(-ENOENT, ppc_feed(self->att, stream, TEST_MISS, 0, PAGE));
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

static int cg_reader(void *arg)
{
	const struct { int att; int stream; const char *cg; } *a = arg;

	if (ppc_cg_enter(a->cg))
		return 1;
	return ppc_feed(a->att, a->stream, TEST_MISS, 0, PAGE) == 1 ? 0 : 2;
}

/* What is charged to a reader's cgroup when all has been read ahead, or -errno. */
static long charged(int att, int fd)
{
	struct { int att; int stream; const char *cg; } arg = { .att = att };
	char cg[128];
	long bytes;

	if (ppc_cg_make("charge", cg, sizeof(cg)))
		return -ENODEV;
	arg.stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	arg.cg = cg;
	if (arg.stream < 0 || ppc_in_child(cg_reader, &arg))
		return -EIO;
	if (ppc_settled(att) != SIZE)
		return -EAGAIN;
	bytes = ppc_cg_stat(cg, "memory.stat", "file");
	ppc_drop(fd);
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

/* But nobody may spend another user's memory. */
TEST_F(stream, not_charged_to_another_user)
{
	long bytes;

	ASSERT_EQ(0, ppc_detach(self->att));
	ASSERT_EQ(0, ppc_become(PPC_UID));
	self->att = ppc_attach_one(self->fd);
	ASSERT_EQ(0, ppc_become(0));
	ASSERT_LE(0, self->att);
	bytes = charged(self->att, self->fd);
	if (bytes == -ENODEV)
		SKIP(return, "no memory controller");
	EXPECT_LE(0, bytes);
	EXPECT_GE((long)MB, bytes);
}

/* A cgroup that is smaller than the stream: no kill, and nothing hangs. */
TEST_F(stream, small_cgroup)
{
	struct { int att; int stream; const char *cg; } arg;
	char cg[128];

	if (ppc_cg_make("small", cg, sizeof(cg)))
		SKIP(return, "no memory controller");
	ASSERT_EQ(0, ppc_cg_set(cg, "memory.max", "12M"));
	arg.att = self->att;
	arg.stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0);
	arg.cg = cg;
	ASSERT_LE(0, arg.stream);
	EXPECT_EQ(0, ppc_in_child(cg_reader, &arg));
	ppc_settled(self->att);
	EXPECT_GE((long)(12 * MB), ppc_cg_stat(cg, "memory.peak", NULL));
	EXPECT_EQ(0, ppc_cg_stat(cg, "memory.events", "oom_kill"));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ppc_drop(self->fd);
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
