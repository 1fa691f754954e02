// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that were consumed are dropped behind the reader, mapped or not; those
 * that somebody else has a claim on are not.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "ppc_harness.h"

#define SIZE	(32 * MB)
#define PAGE	4096ULL
#define PAGES	((long)(SIZE / PAGE))
#define BATCH	(4 * MB)

FIXTURE(burn) {
	char path[256];
	char dir[200];
	int fd;
	int att;
	char *map;
};

FIXTURE_VARIANT(burn) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(burn, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(burn, xfs) { .fs = "xfs" };

FIXTURE_SETUP(burn)
{
	self->att = -1;
	self->fd = -1;
	self->map = MAP_FAILED;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(self->path, sizeof(self->path), "%s/burn", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	self->map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(burn)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	munmap(self->map, SIZE);
	close(self->fd);
	unlink(self->path);
}

/* Burning ends once the reader has come to the end and rests there. */
static bool burned(int fd, long left)
{
	if (PPC_WAIT(ppc_cached_all(fd) <= left))
		return true;
	printf("# %ld pages are left\n", ppc_cached_all(fd));
	return false;
}

/* Counted once it is done: the pages go a little earlier. */
static bool counted(int att, __u64 bytes, struct ppc_stats *stats)
{
	return PPC_WAIT(!ppc_stats(att, stats) && stats->burned_bytes >= bytes);
}

TEST_F(burn, unmapped)
{
	struct ppc_stats stats;

	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, true, MB));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_TRUE(burned(self->fd, 0));
	EXPECT_TRUE(counted(self->att, SIZE, &stats));
	EXPECT_EQ(0, stats.stopped_files);
	EXPECT_EQ(SIZE, stats.burned_bytes);
	EXPECT_EQ(0, stats.unburnable_bytes);
	EXPECT_EQ(0, stats.refaulted_bytes);
}

TEST_F(burn, mapped)
{
	struct ppc_stats stats;

	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);

	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
	/* Nobody can know when the last 2 MiB have been looked at. */
	EXPECT_TRUE(burned(self->fd, 512));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(SIZE, stats.burned_bytes);
	/* And it can be read again. */
	EXPECT_EQ(-1, ppc_verify_mem(self->map + 8 * MB, 8 * MB, MB));
}

/* Whoever reads it again, by whatever means, has it burned again. */
TEST_F(burn, twice)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);

	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_TRUE(burned(self->fd, 0));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
}

/* Who reads it over and over has use for it until he has finished. */
TEST_F(burn, returns)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);
	struct ppc_stats stats;
	__u64 before;

	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ASSERT_TRUE(burned(self->fd, 0));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ppc_settled(self->att);
	/* 16 MiB have to come back first. */
	EXPECT_LE((long)(SIZE / 4 / PAGE), ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(16 * MB, stats.refaulted_bytes);
	before = stats.burned_bytes;
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	sleep(2);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(before, stats.burned_bytes);
	EXPECT_EQ(0, stats.fallbacks);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	TH_LOG("burned %llu, read again %llu", before, stats.refaulted_bytes);
}

TEST_F(burn, splice)
{
	int null = open("/dev/null", O_WRONLY), pipes[2];
	loff_t pos = 0;

	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, true, MB));
	ASSERT_EQ(0, pipe(pipes));
	while (pos < (loff_t)SIZE) {
		ssize_t n = splice(self->fd, &pos, pipes[1], NULL, 64 * KB, 0);

		ASSERT_LT(0, n);
		ASSERT_EQ(n, splice(pipes[0], NULL, null, NULL, n, 0));
	}
	EXPECT_TRUE(burned(self->fd, 0));
	close(null);
	close(pipes[0]);
	close(pipes[1]);
}

/* While the reader is under way, the gap behind him stays, and the rest goes. */
TEST_F(burn, gap)
{
	const __u64 gap = 6 * MB, at = 24 * MB;

	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, true, gap));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, at));
	/* Burned in steps of 8 MiB: two of them at least are due. */
	EXPECT_TRUE(PPC_WAIT(ppc_cached(self->fd, 0, 10 * MB) == 0))
		TH_LOG("%ld pages are left", ppc_cached(self->fd, 0, 10 * MB));
	sleep(2);
	EXPECT_EQ((long)(gap / PAGE), ppc_cached(self->fd, at - gap, gap));
}

/* What was cached before is not the load's: it stays, whatever is read beside it. */
TEST_F(burn, cached_before)
{
	const __u64 from = 8 * MB, len = 12 * MB;
	int stream;

	EXPECT_EQ(-1, ppc_verify(self->fd, from, len));
	ASSERT_EQ(0, posix_fadvise(self->fd, 0, from, POSIX_FADV_DONTNEED));
	ASSERT_EQ(0, posix_fadvise(self->fd, from + len, 0, POSIX_FADV_DONTNEED));
	ASSERT_EQ((long)(len / PAGE), ppc_cached_all(self->fd));
	stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);
	ASSERT_LE(0, stream);
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_TRUE(burned(self->fd, len / PAGE));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	/* But for what it was read together with. */
	EXPECT_LE((long)((len - 2 * BATCH) / PAGE), ppc_cached(self->fd, from, len));
	EXPECT_EQ(ppc_cached(self->fd, from, len), ppc_cached_all(self->fd));
}

/* Who reads with RWF_DONTCACHE finds nothing of it cached afterwards, as on stock. */
TEST_F(burn, dontcache)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, TEST_GAP_AUTO);
	struct iovec iov = { .iov_len = 256 * KB };
	struct ppc_stats stats;
	__u64 pos;

	ASSERT_LE(0, stream);
	iov.iov_base = malloc(iov.iov_len);
	ASSERT_NE(NULL, iov.iov_base);
	for (pos = 0; pos < SIZE; pos += iov.iov_len)
		ASSERT_EQ((ssize_t)iov.iov_len,
			  preadv2(self->fd, &iov, 1, pos, RWF_DONTCACHE));
	free(iov.iov_base);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(SIZE / 2, stats.prefetched_bytes);
	EXPECT_EQ(0, ppc_cached_all(self->fd));
}

/* Nobody came to most of what was read ahead: it goes, whatever is to be dropped. */
TEST_F(burn, unused)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);

	ASSERT_LE(0, stream);
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	ppc_settled(self->att);
	ASSERT_LE((long)(8 * MB / PAGE), ppc_cached_all(self->fd));
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 6 * MB, PAGE, PAGE));
	ppc_settled(self->att);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(1, ppc_cached(self->fd, 0, PAGE));
	EXPECT_EQ(1, ppc_cached(self->fd, 6 * MB, PAGE));
	EXPECT_EQ(0, ppc_cached(self->fd, 2 * MB, 4 * MB));
	EXPECT_EQ(0, ppc_cached(self->fd, 8 * MB, SIZE - 8 * MB));
}

TEST_F(burn, off)
{
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, false, 0));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	sleep(3);
	EXPECT_EQ(PAGES, ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_EQ(PAGES, ppc_cached_all(self->fd));
}

/* What was read ahead and not consumed goes with the attachment, the rest stays. */
TEST_F(burn, tail_goes_at_the_end)
{
	int stream = ppc_stream_one(self->att, 0, SIZE / 2, false, true, 64 * MB);

	ASSERT_LE(0, stream);
	ASSERT_EQ((long)MB, ppc_read(self->fd, SIZE - MB, MB, MB));
	ppc_feed(self->att, stream, TEST_CONSUME, 0, 4 * MB);
	EXPECT_LT(0, ppc_settled(self->att));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_EQ(0, ppc_cached(self->fd, 0, SIZE / 2));
	EXPECT_LE(256, ppc_cached(self->fd, SIZE - MB, MB));
}

/* Somebody else's locked pages, in the middle of large folios. */
TEST_F(burn, mlocked)
{
	const __u64 at = 5 * MB + 3 * PAGE, len = 13 * PAGE;
	char *other = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	struct ppc_stats stats;

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, true, MB));
	ASSERT_EQ(0, mlock(other + at, len));
	ASSERT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE / 2));
	ASSERT_EQ(-1, ppc_verify(self->fd, SIZE / 2, SIZE / 2));
	/* Not more than the folio around them. */
	EXPECT_TRUE(burned(self->fd, 1024));
	sleep(2);
	EXPECT_EQ(13, ppc_cached(self->fd, at, len));
	EXPECT_EQ(13, ppc_resident(other, at, len));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(len, stats.unburnable_bytes);
	munmap(other, SIZE);
}

TEST_F(burn, dirty)
{
	char old[32], buf[PAGE];
	int fd = open(self->path, O_RDWR), att;

	ASSERT_LE(0, fd);
	/* No flusher in between. */
	ASSERT_EQ(0, ppc_read_text("/proc/sys/vm/dirty_writeback_centisecs", old, sizeof(old)));
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/dirty_writeback_centisecs", "0"));
	memset(buf, 0xd1, sizeof(buf));
	ASSERT_EQ((ssize_t)PAGE, pwrite(fd, buf, PAGE, 7 * MB));
	/* This attachment knows the file only as it is now. */
	att = ppc_attach_one(self->fd);
	ASSERT_LE(0, att);
	ASSERT_LE(0, ppc_stream_one(att, 0, SIZE, true, true, MB));
	ASSERT_EQ((long)SIZE, ppc_read(self->fd, 0, SIZE, MB));
	EXPECT_TRUE(burned(self->fd, 512));
	sleep(2);
	EXPECT_EQ(1, ppc_cached(self->fd, 7 * MB, PAGE));
	EXPECT_EQ(0, ppc_detach(att));
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/dirty_writeback_centisecs", old));
	ASSERT_EQ(0, fsync(fd));
	ASSERT_EQ(0, ppc_drop(fd));
	ASSERT_EQ((ssize_t)PAGE, pread(fd, buf, PAGE, 7 * MB));
	EXPECT_EQ((char)0xd1, buf[0]);
	EXPECT_EQ((char)0xd1, buf[PAGE - 1]);
	EXPECT_EQ(-1, ppc_verify(fd, 0, 7 * MB));
	EXPECT_EQ(-1, ppc_verify(fd, 7 * MB + PAGE, SIZE - 7 * MB - PAGE));
	close(fd);
}

TEST_F(burn, private_copies_survive)
{
	char *own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 self->fd, 0);
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);
	__u64 at;

	ASSERT_NE(MAP_FAILED, own);
	ASSERT_LE(0, stream);
	for (at = PAGE; at < SIZE; at += MB)
		own[at] = 0x5a;
	ppc_touch(own, 0, SIZE);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	for (at = PAGE; at < SIZE; at += MB) {
		ASSERT_EQ(0x5a, own[at]);
		ASSERT_EQ(-1, ppc_verify_mem(own + at + 8, at + 8, PAGE - 8));
	}
	munmap(own, SIZE);
}

/* Folios that begin before a range or end behind it are not torn out with it. */
TEST_F(burn, straddlers)
{
	int whole = ppc_stream_one(self->att, 0, 8 * MB, false, false, 0);
	const struct ppc_test_range r[] = {
		{ .pos = MB + PAGE, .len = 2 * MB },
		{ .pos = 5 * MB + 123, .len = 64 * KB },
	};
	int part;

	ASSERT_LE(0, whole);
	ppc_feed(self->att, whole, TEST_MISS, 0, PAGE);
	ASSERT_EQ(8 * MB, ppc_settled(self->att));
	/* What nobody has read would go. */
	ppc_feed(self->att, whole, TEST_CONSUME, 0, 8 * MB);
	ASSERT_EQ(0, ppc_stream_op(self->att, whole, TEST_STREAM_DESTROY));

	part = ppc_stream(self->att, r, 2, -1, false, true, 0);
	ASSERT_LE(0, part);
	ASSERT_EQ(0, ppc_stream_op(self->att, part, TEST_STREAM_START));
	ppc_feed(self->att, part, TEST_CONSUME, r[0].pos, r[0].len);
	ppc_feed(self->att, part, TEST_CONSUME, r[1].pos, r[1].len);
	ASSERT_EQ(0, ppc_stream_op(self->att, part, TEST_STREAM_STOP));
	EXPECT_EQ(257, ppc_cached(self->fd, 0, MB + PAGE));
	EXPECT_EQ(511, ppc_cached(self->fd, 3 * MB + PAGE, 2 * MB - PAGE));
	EXPECT_EQ((long)(3 * MB / PAGE - 17),
		  ppc_cached(self->fd, 5 * MB + 68 * KB, 3 * MB - 68 * KB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, 8 * MB));
}

/* But streams of odd ranges over the whole file leave nothing behind. */
TEST_F(burn, nothing_leaks)
{
	struct ppc_test_range r[64];
	__u64 pos = 0;
	unsigned int n;
	int stream;

	for (n = 0; pos < SIZE; n++) {
		r[n] = (struct ppc_test_range){ .pos = pos };
		r[n].len = 777 * KB + 1000 < SIZE - pos ? 777 * KB + 1000 : SIZE - pos;
		pos += r[n].len;
	}
	stream = ppc_stream(self->att, r, n, -1, true, true, 0);
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_START));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
}

/* Another attachment that wants the bytes holds them, until it wants no more. */
TEST_F(burn, wanted_by_others)
{
	int other = ppc_attach_one(self->fd), stream;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, ppc_rule(other, 0, 2, TEST_ON_DROP, 12 * MB, 4 * MB));
	stream = ppc_stream_one(self->att, 0, SIZE, true, true, 0);
	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(self->fd, 0, 12 * MB) == 0 &&
			     ppc_cached(self->fd, 16 * MB, 8 * MB) == 0))
		TH_LOG("%ld and %ld pages around what is wanted are left",
		       ppc_cached(self->fd, 0, 12 * MB),
		       ppc_cached(self->fd, 16 * MB, 16 * MB));
	EXPECT_EQ(1024, ppc_cached(self->fd, 12 * MB, 4 * MB));
	EXPECT_LT(0, ppc_counts(other).evict_drop);
	EXPECT_EQ(0, ppc_detach(other));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
}

/* Present page table entries of a mapping. */
static long present(const char *map, __u64 len)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	static __u64 entries[SIZE / PAGE];
	const size_t bytes = len / PAGE * sizeof(*entries);
	long nr = -1;
	size_t i;

	if (pread(fd, entries, bytes, (uintptr_t)map / PAGE * sizeof(*entries)) == (ssize_t)bytes)
		for (i = nr = 0; i < len / PAGE; i++)
			nr += entries[i] >> 63;
	close(fd);
	return nr;
}

struct burner {
	const char *path;
	uid_t uid;
	/* Where it says that it has loaded, and waits for others to map it; or 0. */
	int loaded;
	int mapped;
};

/* A whole load, with burning, by somebody else. */
static int load_and_burn(void *arg)
{
	const struct burner *b = arg;
	int fd, att, stream, i;
	char *map, c = 0;
	__u64 pos;

	if (b->uid && ppc_become(b->uid))
		return 1;
	/* No way back, and no capability left behind. */
	if (b->uid && setresuid(b->uid, b->uid, b->uid))
		return 2;
	fd = open(b->path, O_RDONLY);
	att = ppc_attach_one(fd);
	if (att < 0)
		return 3;
	/* What others are to map is not dropped before they do. */
	stream = ppc_stream_one(att, 0, SIZE, true, true, b->loaded ? SIZE : 0);
	if (stream < 0)
		return 4;
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (ppc_verify_mem(map, 0, SIZE) != -1)
		return 5;
	if (b->loaded && (write(b->loaded, &c, 1) != 1 || read(b->mapped, &c, 1) != 1))
		return 10;
	/* Of what was cached before, nobody hears when it is mapped. */
	if (ppc_stream_op(att, stream, TEST_STREAM_RESET))
		return 9;
	for (pos = 0; pos < SIZE; pos += 2 * MB)
		ppc_feed(att, stream, TEST_CONSUME, pos, 2 * MB);
	if (ppc_stream_op(att, stream, TEST_STREAM_STOP))
		return 6;
	/* From the reader itself they may be taken. */
	i = present(map, SIZE);
	munmap(map, SIZE);
	return ppc_detach(att) ? 7 : i > 64 ? 8 : 0;
}

/* As MADV_PAGEOUT does: the owner of a file needs no capability for it. */
TEST_F(burn, from_others)
{
	int loaded[2], mapped[2], status;
	struct burner b = { self->path, PPC_UID };
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(loaded));
	ASSERT_EQ(0, pipe(mapped));
	b.loaded = loaded[1];
	b.mapped = mapped[0];
	ASSERT_EQ(0, chown(self->path, PPC_UID, PPC_UID));
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(mapped[1]);
		_exit(load_and_burn(&b));
	}
	close(loaded[1]);
	ASSERT_EQ(1, read(loaded[0], &c, 1));
	ppc_touch(self->map, 0, 8 * MB);
	ASSERT_EQ(2048, present(self->map, 8 * MB));
	ASSERT_EQ(1, write(mapped[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, present(self->map, 8 * MB));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	/* They only have to fault them in again. */
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, 8 * MB));
	close(loaded[0]);
	close(mapped[0]);
	close(mapped[1]);
}

#define MAPPERS	70

/* Maps a part of the file as another user, and stays until it is killed. */
static void map_and_stay(const char *path, int ready)
{
	int fd = open(path, O_RDONLY);
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (map == MAP_FAILED || setresuid(PPC_UID, PPC_UID, PPC_UID))
		_exit(1);
	/* A write to a private page is told of, wherever the page is. */
	map[SIZE - PAGE] = 1;
	ppc_touch(map, 0, 4 * MB);
	if (write(ready, "", 1) == 1)
		pause();
	_exit(2);
}

static bool start_mappers(const char *path, pid_t *pid, int nr)
{
	int pipes[2], i;
	bool good = !pipe(pipes);
	char c;

	for (i = 0; good && i < nr; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(pipes[0]);
			map_and_stay(path, pipes[1]);
		}
		good = pid[i] > 0 && read(pipes[0], &c, 1) == 1;
	}
	close(pipes[0]);
	close(pipes[1]);
	return good;
}

static void end_mappers(pid_t *pid, int nr)
{
	while (nr--) {
		kill(pid[nr], SIGKILL);
		waitpid(pid[nr], NULL, 0);
	}
}

/* From any number of address spaces, whoever they belong to. */
TEST_F(burn, many_address_spaces)
{
	pid_t pid[MAPPERS];
	int stream;

	ASSERT_EQ(0, munmap(self->map, SIZE));
	self->map = MAP_FAILED;
	stream = ppc_stream_one(self->att, 0, 4 * MB, false, true, 0);
	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	ASSERT_EQ(4 * MB, ppc_settled(self->att));
	ASSERT_TRUE(start_mappers(self->path, pid, MAPPERS));
	ppc_feed(self->att, stream, TEST_CONSUME, 0, 4 * MB);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached(self->fd, 0, 4 * MB));
	end_mappers(pid, MAPPERS);
}

static int burn_again_and_again(void *arg)
{
	int i, ret = 0;

	/* What the other one has locked just then stays, which it says, too. */
	for (i = 0; i < 4 && (!ret || ret == 8); i++)
		ret = load_and_burn(arg);
	return ret == 8 ? 0 : ret;
}

/* Locked in the middle of it: what mlock() has brought in stays. */
TEST_F(burn, mlocked_meanwhile)
{
	struct burner b = { self->path, 0 };
	int status, nr = 0;
	pid_t pid;

	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(burn_again_and_again(&b));
	while (!waitpid(pid, &status, WNOHANG)) {
		ASSERT_EQ(0, mlock(self->map, SIZE));
		ASSERT_EQ((long)(SIZE / PAGE), present(self->map, SIZE));
		usleep(nr++ % 8 * 500);
		ASSERT_EQ((long)(SIZE / PAGE), present(self->map, SIZE));
		ASSERT_EQ(0, munlock(self->map, SIZE));
		usleep(nr % 16 * 1000);
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(4, nr);
}

TEST_F(burn, one_reader_after_the_other)
{
	struct burner b = { self->path, 0 };
	int i;

	/* One after the other, as workers that are restarted do. */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ppc_in_child(load_and_burn, &b));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
}

#define KHUGEPAGED_SLEEP \
	"/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs"

int main(int argc, char **argv)
{
	char sleep[32] = "10000";
	int ret;

	/* When khugepaged collapses it takes page tables away: as if burned. */
	ppc_read_text(KHUGEPAGED_SLEEP, sleep, sizeof(sleep));
	ppc_write(KHUGEPAGED_SLEEP, "3600000");
	ret = ppc_main(argc, argv);
	ppc_write(KHUGEPAGED_SLEEP, sleep);
	return ret;
}
