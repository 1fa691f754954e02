// SPDX-License-Identifier: GPL-2.0
/*
 * Attachments end in every way there is, and files do what files do while they
 * are attached and read ahead.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ppc_harness.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define SIZE	(16 * MB)
#define PAGE	4096ULL

FIXTURE(life) {
	char path[256];
	char dir[200];
	int fd;
	int att;
	int stream;
	long detached;
};

FIXTURE_VARIANT(life) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(life, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(life, xfs) { .fs = "xfs" };

FIXTURE_SETUP(life)
{
	self->att = -1;
	self->fd = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(self->path, sizeof(self->path), "%s/life", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	self->stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);
	ASSERT_LE(0, self->stream);
	self->detached = ppc_param("detached");
}

FIXTURE_TEARDOWN(life)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	unlink(self->path);
}

/* Teardown is a worker's: wait for it. */
#define EXPECT_DETACHED(n)						\
	EXPECT_TRUE(PPC_WAIT(ppc_param("detached") == self->detached + (n)))

static void read_ahead(int att, int stream)
{
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
}

TEST_F(life, close)
{
	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, close(self->att));
	self->att = -1;
	EXPECT_DETACHED(1);
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_param("stray"));
}

static int attach_and_wait(const char *path, int ready, bool wait)
{
	int fd = open(path, O_RDONLY), att, stream;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	att = ppc_attach_one(fd);
	stream = att < 0 ? -1 : ppc_stream_one(att, 0, SIZE, true, true, 0);
	if (stream >= 0)
		ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	if (write(ready, stream < 0 ? "n" : "y", 1) != 1)
		return 1;
	if (wait)
		pause();
	return 0;
}

static bool start_holder(const char *path, bool wait, pid_t *pid)
{
	int pipes[2];
	char c = 0;

	if (pipe(pipes))
		return false;
	*pid = fork();
	if (!*pid)
		_exit(attach_and_wait(path, pipes[1], wait));
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1)
		c = 0;
	close(pipes[0]);
	return c == 'y';
}

TEST_F(life, exit)
{
	pid_t pid;

	ASSERT_TRUE(start_holder(self->path, false, &pid));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_DETACHED(1);
}

TEST_F(life, kill)
{
	pid_t pid;

	ASSERT_TRUE(start_holder(self->path, true, &pid));
	EXPECT_EQ(self->detached, ppc_param("detached"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_DETACHED(1);
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
}

/* Whoever inherited the attachment keeps it alive. */
TEST_F(life, inherited)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	close(self->att);
	self->att = -1;
	usleep(300000);
	EXPECT_EQ(self->detached, ppc_param("detached"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_DETACHED(1);
}

TEST_F(life, rmmod)
{
	EXPECT_EQ(-1, syscall(__NR_delete_module, "ppc_test", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ASSERT_EQ(0, syscall(__NR_delete_module, "ppc_test", O_NONBLOCK));
	EXPECT_EQ(-ENOENT, ppc_attach_one(self->fd));
	ASSERT_EQ(0, ppc_insmod());
	self->att = ppc_attach_one(self->fd);
	EXPECT_LE(0, self->att);
}

TEST_F(life, unlink)
{
	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, unlink(self->path));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	/* Its last user is the attachment. */
	close(self->fd);
	self->fd = -1;
	ppc_feed(self->att, self->stream, TEST_CONSUME, 0, MB);
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_DETACHED(1);
}

TEST_F(life, rename)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s.renamed", self->path);
	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, rename(self->path, path));
	/* Another file of that name is another file. */
	fd = ppc_make_file(self->path, MB);
	ASSERT_LE(0, fd);
	ppc_count_reset(self->att);
	ASSERT_EQ(-1, ppc_verify(fd, 0, MB));
	EXPECT_EQ(0, ppc_count_all(self->att));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_LT(0, ppc_count_all(self->att));
	close(fd);
	unlink(path);
}

static bool all_zero(int fd, __u64 pos, __u64 len)
{
	char *buf = malloc(len);
	bool zero = pread(fd, buf, len, pos) == (ssize_t)len && !buf[0] &&
		    !memcmp(buf, buf + 1, len - 1);

	free(buf);
	return zero;
}

TEST_F(life, truncate_smaller)
{
	const __u64 size = 3 * MB + 5;
	struct ppc_stats stats;

	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, truncate(self->path, size));
	EXPECT_EQ((long)size, ppc_read(self->fd, 0, SIZE, 64 * KB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, size));
	ASSERT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	/* From now on the file is not the one that was attached. */
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stream_op(self->att, self->stream, TEST_STREAM_RESET));
	ppc_feed(self->att, self->stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.stopped_files);
	EXPECT_EQ(0, ppc_cached(self->fd, 4 * MB, SIZE));
}

TEST_F(life, truncate_larger)
{
	struct ppc_stats before, after;

	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, truncate(self->path, SIZE + 4 * MB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_TRUE(all_zero(self->fd, SIZE, 4 * MB));
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &before));
	ASSERT_EQ(0, ppc_stream_op(self->att, self->stream, TEST_STREAM_RESET));
	ppc_feed(self->att, self->stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &after));
	EXPECT_EQ(before.prefetched_bytes, after.prefetched_bytes);
	EXPECT_EQ(1, after.stopped_files);
}

TEST_F(life, punch_hole)
{
	int fd = open(self->path, O_RDWR);

	ASSERT_LE(0, fd);
	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       5 * MB, 2 * MB));
	EXPECT_TRUE(all_zero(self->fd, 5 * MB, 2 * MB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, 5 * MB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 7 * MB, SIZE - 7 * MB));
	close(fd);
}

/* Written while it is read ahead: what is read is what is in the file. */
TEST_F(life, written)
{
	int fd = open(self->path, O_RDWR);
	struct ppc_stats stats;
	char buf[PAGE];
	__u64 at;

	ASSERT_LE(0, fd);
	read_ahead(self->att, self->stream);
	memset(buf, 0x77, sizeof(buf));
	for (at = 0; at < SIZE; at += MB)
		ASSERT_EQ((ssize_t)PAGE, pwrite(fd, buf, PAGE, at));
	for (at = 0; at < SIZE; at += MB) {
		ASSERT_EQ((ssize_t)PAGE, pread(self->fd, buf, PAGE, at));
		ASSERT_EQ(0x77, buf[0]);
		ASSERT_EQ(0x77, buf[PAGE - 1]);
		ASSERT_EQ(-1, ppc_verify(self->fd, at + PAGE, MB - PAGE));
	}
	ASSERT_EQ(0, ppc_stream_op(self->att, self->stream, TEST_STREAM_RESET));
	ppc_feed(self->att, self->stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.stopped_files);
	close(fd);
}

/* Files that changed, or none, once all that is wanted has been read ahead anew. */
static long stopped_files(int att, int stream, int fd)
{
	struct ppc_stats stats;
	int i;

	if (ppc_drop(fd) || ppc_stream_op(att, stream, TEST_STREAM_RESET) ||
	    ppc_feed(att, stream, TEST_MISS, 0, PAGE) < 0)
		return -1;
	ppc_settled(att);
	/* Memory may be short for a while; it is waited for while readers are seen. */
	for (i = 0; i < PPC_PATIENCE * 10 &&
	     ppc_cached_all(fd) != (long)(SIZE / PAGE); i++) {
		if (ppc_stats(att, &stats) || stats.stopped_files ||
		    ppc_feed(att, stream, TEST_FAULT, 0, PAGE) < 0)
			break;
		usleep(100000);
	}
	if (ppc_stats(att, &stats))
		return -2;
	if (!stats.stopped_files && ppc_cached_all(fd) != (long)(SIZE / PAGE))
		return -3;
	return stats.stopped_files;
}

/* Times are not what is read. */
TEST_F(life, touched)
{
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };

	read_ahead(self->att, self->stream);
	ASSERT_EQ(0, utimensat(AT_FDCWD, self->path, times, 0));
	ASSERT_EQ(0, chmod(self->path, 0600));
	EXPECT_EQ(0, stopped_files(self->att, self->stream, self->fd));
	ASSERT_EQ(0, utimensat(AT_FDCWD, self->path, NULL, 0));
	EXPECT_EQ(0, stopped_files(self->att, self->stream, self->fd));
}

/* Whatever the times say behind it. */
TEST_F(life, written_and_time_put_back)
{
	int fd = open(self->path, O_RDWR);
	struct timespec times[2];
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	read_ahead(self->att, self->stream);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 5 * MB));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ASSERT_EQ(0, futimens(fd, times));
	EXPECT_EQ(1, stopped_files(self->att, self->stream, self->fd));
	close(fd);
}

TEST_F(life, written_by_mapping)
{
	int fd = open(self->path, O_RDWR);
	char *map;

	ASSERT_LE(0, fd);
	read_ahead(self->att, self->stream);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	/* To map and to read is no write, nor is a flush of what is clean. */
	ppc_touch(map, 0, SIZE);
	ASSERT_EQ(0, msync(map, SIZE, MS_SYNC));
	ASSERT_EQ(0, munmap(map, SIZE));
	EXPECT_EQ(0, stopped_files(self->att, self->stream, self->fd));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[3 * MB] = 'x';
	ASSERT_EQ(0, munmap(map, SIZE));
	EXPECT_EQ(1, stopped_files(self->att, self->stream, self->fd));
	close(fd);
}

TEST_F(life, written_past_the_cache)
{
	int fd = open(self->path, O_RDWR | O_DIRECT);
	void *buf;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, posix_memalign(&buf, PAGE, PAGE));
	memset(buf, 'x', PAGE);
	read_ahead(self->att, self->stream);
	ASSERT_EQ((ssize_t)PAGE, pwrite(fd, buf, PAGE, 5 * MB));
	EXPECT_EQ(1, stopped_files(self->att, self->stream, self->fd));
	free(buf);
	close(fd);
}

/* To read is not to change: whatever the file system notes down about it. */
TEST_F(life, read_is_no_change)
{
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_nsec = UTIME_OMIT } };
	struct ppc_stats stats;
	int att, stream;

	/* So that the time of access has to be brought up to date. */
	ASSERT_EQ(0, utimensat(AT_FDCWD, self->path, times, 0));
	att = ppc_attach_one(self->fd);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	usleep(50000);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) == (long)(SIZE / PAGE)));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(0, stats.stopped_files);
	EXPECT_EQ(0, ppc_detach(att));
}

/* Shrinks and grows all the time, while it is read ahead over and over. */
TEST_F(life, truncate_storm)
{
	int fd = open(self->path, O_RDWR), i, att, stream;

	ASSERT_LE(0, fd);
	for (i = 0; i < 20; i++) {
		att = ppc_attach_one(self->fd);
		ASSERT_LE(0, att);
		stream = ppc_stream_one(att, 0, SIZE, true, i & 1, 0);
		ASSERT_LE(0, stream);
		ppc_feed(att, stream, TEST_MISS, 0, PAGE);
		ASSERT_EQ(0, ftruncate(fd, i % 3 ? 2 * MB + i * 1111 : 0));
		ppc_feed(att, stream, TEST_CONSUME, 0, 8 * MB);
		ASSERT_EQ(0, ftruncate(fd, SIZE));
		ASSERT_TRUE(all_zero(self->fd, 3 * MB, 4 * MB));
		ASSERT_EQ(0, ppc_detach(att));
	}
	close(fd);
}

/* A mount of its own, as all others are needed. */
TEST_F(life, umount)
{
	char dir[256], path[300];
	int fd, att, stream, i;

	snprintf(dir, sizeof(dir), "%s/mnt", self->dir);
	snprintf(path, sizeof(path), "%s/life", dir);
	mkdir(dir, 0755);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mount(self->dir, dir, NULL, MS_BIND, NULL));
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		att = ppc_attach_one(fd);
		ASSERT_LE(0, att);
		stream = ppc_stream_one(att, 0, SIZE, true, false, 0);
		ASSERT_LE(0, stream);
		close(fd);
		/* Now only the attachment holds it. */
		EXPECT_EQ(-1, umount(dir));
		EXPECT_EQ(EBUSY, errno);
		ASSERT_EQ(0, ppc_drop(self->fd));
		if (i) {
			ASSERT_EQ(0, umount2(dir, MNT_DETACH));
			ppc_feed(att, stream, TEST_MISS, 0, PAGE);
			EXPECT_LT(0, ppc_settled(att));
			EXPECT_EQ(0, ppc_detach(att));
		} else {
			EXPECT_EQ(0, ppc_detach(att));
			/* DETACH has waited: nothing is left. */
			EXPECT_EQ(0, umount(dir));
		}
	}
	rmdir(dir);
}

struct reader {
	int fd;
	const char *map;
	bool stop;
	long bad;
	long rounds;
};

static void *read_loop(void *arg)
{
	struct reader *r = arg;
	unsigned int seed = (uintptr_t)arg >> 4;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		__u64 pos = rand_r(&seed) % (SIZE / MB) * MB;
		long bad;

		if (r->map)
			bad = ppc_verify_mem(r->map + pos, pos, 256 * KB);
		else
			bad = ppc_verify(r->fd, pos, MB);
		if (bad != -1)
			r->bad++;
		r->rounds++;
	}
	return NULL;
}

/* What khugepaged does, but all the time: it locks folios and then reads. */
static void *collapse_loop(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		madvise((void *)r->map, SIZE, MADV_COLLAPSE);
		r->rounds++;
	}
	return NULL;
}

/*
 * Attached and detached under readers, with streams that burn what they use. Now
 * and then nothing is attached for so long that the hooks are patched out.
 */
TEST_F(life, detach_under_readers)
{
	const char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	struct reader r[5] = {
		{ .fd = self->fd }, { .fd = self->fd },
		{ .map = map }, { .map = map }, { .map = map },
	};
	time_t until = time(NULL) + 20;
	pthread_t thread[5];
	int i, n;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, ppc_detach(self->att));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL,
					    i < 4 ? read_loop : collapse_loop,
					    &r[i]));
	for (n = 0; n < 200 && (n < 20 || time(NULL) < until); n++) {
		/* They linger for a second. */
		if (n % 10 == 9)
			usleep(1200000);
		self->att = ppc_attach_one(self->fd);
		if (self->att < 0)
			break;
		if (ppc_answer(self->att, TEST_ANSWER_STREAM) ||
		    ppc_stream_one(self->att, 0, SIZE, true, n & 1, 0) < 0)
			break;
		if (n % 4 == 1)
			posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED);
		if (n % 10 == 3)
			close(self->att);
		else if (ppc_detach(self->att))
			break;
		self->att = -1;
	}
	for (i = 0; i < 5; i++)
		__atomic_store_n(&r[i].stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	EXPECT_LE(20, n);
	EXPECT_EQ(-1, self->att);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, r[i].bad);
		EXPECT_LT(0, r[i].rounds);
	}
	EXPECT_EQ(0, ppc_param("stray"));
	munmap((void *)map, SIZE);
}

/* Files come and go under readers. */
TEST_F(life, remove_under_readers)
{
	struct reader r = { .fd = self->fd };
	pthread_t thread;
	__u32 index;
	int n;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_loop, &r));
	for (n = 0; n < 30; n++) {
		struct ppc_files add = { (uintptr_t)&self->fd, 1, 0 };
		struct ppc_files del = { (uintptr_t)&index, 1, 0 };

		index = n;
		if (ioctl(self->att, PPC_IOC_ADD_FILES, &add) ||
		    ioctl(self->att, PPC_IOC_REMOVE_FILES, &del))
			break;
		if (n % 5 == 0)
			posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	r.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(30, n);
	EXPECT_EQ(0, r.bad);
	EXPECT_EQ(60, ppc_counts(self->att).files_changed);
}

/* The stream of a file that is not attached any more reads nothing. */
TEST_F(life, removed_file_of_a_stream)
{
	__u32 index = 0;
	struct ppc_files del = { (uintptr_t)&index, 1, 0 };

	ASSERT_EQ(0, ioctl(self->att, PPC_IOC_REMOVE_FILES, &del));
	ppc_feed(self->att, self->stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(0, ppc_settled(self->att));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_count_all(self->att));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
