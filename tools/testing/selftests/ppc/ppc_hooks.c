// SPDX-License-Identifier: GPL-2.0
/*
 * Every hook fires when it should, tells the truth, and does what the policy
 * answers; nobody is told of what is none of his business.
 */
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "ppc_harness.h"

#define SIZE	(8 * MB)

FIXTURE(hooks) {
	char path[256];
	char dir[200];
	int fd;
	int att;
};

FIXTURE_VARIANT(hooks) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(hooks, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(hooks, xfs) { .fs = "xfs" };

FIXTURE_SETUP(hooks)
{
	self->att = -1;
	self->fd = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(self->path, sizeof(self->path), "%s/hooks", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_count_all(self->att));
}

FIXTURE_TEARDOWN(hooks)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	unlink(self->path);
}

/* A process that reads the file once it is told to, and its child then. */
static pid_t reader(const char *path, int gate[2])
{
	pid_t pid;
	char c;

	if (pipe(gate))
		return -1;
	pid = fork();
	if (pid)
		return pid;
	close(gate[1]);
	if (read(gate[0], &c, 1) != 1)
		_exit(1);
	pid = fork();
	if (pid) {
		int status;

		_exit(waitpid(pid, &status, 0) != pid || status);
	}
	_exit(ppc_read(open(path, O_RDONLY), 0, 4096, 4096) != 4096);
}

static int reader_go(pid_t pid, int gate[2])
{
	int status;

	if (write(gate[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		return -1;
	close(gate[0]);
	close(gate[1]);
	return status;
}

/* Of several attachments those are told that a load is for, or else all. */
TEST_F(hooks, family)
{
	int gate[3][2], att[2], i;
	pid_t pid[3];

	for (i = 0; i < 3; i++) {
		pid[i] = reader(self->path, gate[i]);
		ASSERT_LT(0, pid[i]);
	}
	for (i = 0; i < 2; i++) {
		att[i] = ppc_attach_for(pid[i], PPC_TEST_POLICY, &self->fd, 1, 0);
		ASSERT_LE(0, att[i]);
	}
	ASSERT_EQ(0, reader_go(pid[0], gate[0]));
	EXPECT_EQ(1, ppc_count_all(att[0]));
	EXPECT_EQ(0, ppc_count_all(att[1]));
	EXPECT_EQ(1, ppc_count_all(self->att));
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, reader_go(pid[1], gate[1]));
	EXPECT_EQ(1, ppc_count_all(att[0]));
	EXPECT_EQ(1, ppc_count_all(att[1]));
	EXPECT_EQ(2, ppc_count_all(self->att));
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, reader_go(pid[2], gate[2]));
	EXPECT_EQ(2, ppc_count_all(att[0]));
	EXPECT_EQ(2, ppc_count_all(att[1]));
	EXPECT_EQ(3, ppc_count_all(self->att));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, ppc_detach(att[i]));
}

TEST_F(hooks, miss_on_read)
{
	struct ppc_test_counts c;
	struct ppc_stats stats;

	ASSERT_EQ(4096, ppc_read(self->fd, MB, 4096, 4096));
	c = ppc_counts(self->att);
	EXPECT_EQ(1, c.accesses[TEST_MISS]);
	EXPECT_EQ(1, ppc_count_all(self->att));
	EXPECT_EQ(TEST_MISS, c.last_type);
	EXPECT_EQ(0, c.last_file);
	EXPECT_EQ(0, c.last_uptodate);
	EXPECT_EQ(getpid(), c.last_tgid);
	EXPECT_EQ(MB, c.last_pos);
	EXPECT_LE(4096, c.last_len);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.events_miss);

	/* Now that it is there, nobody misses it. */
	ASSERT_EQ(4096, ppc_read(self->fd, MB, 4096, 4096));
	EXPECT_EQ(1, ppc_counts(self->att).accesses[TEST_MISS]);
}

/* Readahead for a reader that waits goes on whatever the policy says. */
TEST_F(hooks, taken_miss_is_read_ahead)
{
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_TAKEN));
	ASSERT_EQ(4096, ppc_read(self->fd, 0, 4096, 4096));
	EXPECT_LE(4, ppc_cached_all(self->fd));
}

TEST_F(hooks, miss_nowait)
{
	char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	ssize_t n = preadv2(self->fd, &iov, 1, MB, RWF_NOWAIT);

	/* What was read ahead may be there at once. */
	if (n != (ssize_t)sizeof(buf)) {
		ASSERT_EQ(-1, n);
		ASSERT_EQ(EAGAIN, errno);
	}
	EXPECT_LE(1, ppc_counts(self->att).accesses[TEST_MISS]);
}

/* Read page by page up to the first marker; pages that it had read. */
static long read_to_marker(int fd, int att, struct ppc_test_counts *c)
{
	__u64 pos;

	for (pos = 0; pos < 2 * MB; pos += 4096) {
		long before = ppc_cached_all(fd);
		__u64 misses = ppc_counts(att).accesses[TEST_MISS];

		if (ppc_read(fd, pos, 4096, 4096) != 4096)
			return -1;
		*c = ppc_counts(att);
		if (!c->accesses[TEST_MARKER])
			continue;
		if (c->accesses[TEST_MISS] != misses)
			return -2;
		if (c->last_pos != pos)
			return -3;
		return ppc_cached_all(fd) - before;
	}
	return -4;
}

TEST_F(hooks, marker_stock_reads_on)
{
	struct ppc_test_counts c;

	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STOCK));
	EXPECT_LT(0, read_to_marker(self->fd, self->att, &c));
	EXPECT_EQ(TEST_MARKER, c.last_type);
	EXPECT_EQ(getpid(), c.last_tgid);
}

TEST_F(hooks, marker_taken_reads_nothing)
{
	struct ppc_test_counts c;

	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_TAKEN));
	EXPECT_EQ(0, read_to_marker(self->fd, self->att, &c));
	/* And what was not read ahead is missed then, and right. */
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_LT(c.accesses[TEST_MISS],
		  ppc_counts(self->att).accesses[TEST_MISS]);
}

TEST_F(hooks, fault_miss)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	struct ppc_test_counts c;

	ASSERT_NE(MAP_FAILED, map);
	ppc_touch(map, 3 * MB, 1);
	c = ppc_counts(self->att);
	EXPECT_EQ(1, c.accesses[TEST_FAULT_MISS]);
	EXPECT_EQ(0, c.accesses[TEST_FAULT]);
	EXPECT_EQ(3 * MB, c.last_pos);
	EXPECT_EQ(4096, c.last_len);
	EXPECT_EQ(getpid(), c.last_tgid);
	munmap(map, SIZE);
}

/* A write to a private page always faults, even where it is cached. */
TEST_F(hooks, fault_hit)
{
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 self->fd, 0);
	struct ppc_test_counts c;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ((long)SIZE, ppc_read(self->fd, 0, SIZE, MB));
	ppc_count_reset(self->att);
	map[5 * MB + 8192] = 1;
	c = ppc_counts(self->att);
	EXPECT_EQ(1, c.accesses[TEST_FAULT]);
	EXPECT_EQ(0, c.accesses[TEST_FAULT_MISS]);
	EXPECT_EQ(TEST_FAULT, c.last_type);
	EXPECT_EQ(1, c.last_uptodate);
	EXPECT_EQ(5 * MB + 8192, c.last_pos);
	munmap(map, SIZE);
}

/* Whoever walks through a mapping is heard of on his way. */
TEST_F(hooks, fault_walk)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	struct ppc_test_counts c;

	ASSERT_NE(MAP_FAILED, map);
	ppc_touch(map, 0, SIZE);
	c = ppc_counts(self->att);
	EXPECT_LE(SIZE / MB, c.accesses[TEST_FAULT] + c.accesses[TEST_FAULT_MISS]);
	EXPECT_EQ(-1, ppc_verify_mem(map, 0, SIZE));
	munmap(map, SIZE);
}

TEST_F(hooks, consume_once_per_stride)
{
	struct ppc_test_counts c;

	ASSERT_EQ((long)(4 * MB), ppc_read(self->fd, 0, 4 * MB, 64 * KB));
	c = ppc_counts(self->att);
	EXPECT_EQ(4, c.accesses[TEST_CONSUME]);
	EXPECT_EQ(TEST_CONSUME, c.last_type);
	EXPECT_EQ(4 * MB, c.last_pos + c.last_len);
	EXPECT_EQ(64 * KB, c.last_len);
}

TEST_F(hooks, consume_long_read)
{
	struct ppc_test_counts c;

	ASSERT_EQ((long)(3 * MB), ppc_read(self->fd, 512 * KB, 3 * MB, 3 * MB));
	c = ppc_counts(self->att);
	EXPECT_EQ(1, c.accesses[TEST_CONSUME]);
	EXPECT_EQ(512 * KB, c.last_pos);
	EXPECT_EQ(3 * MB, c.last_len);
}

TEST_F(hooks, consume_at_eof)
{
	char buf[8192];

	ASSERT_EQ(100, pread(self->fd, buf, sizeof(buf), SIZE - 100));
	EXPECT_EQ(1, ppc_counts(self->att).accesses[TEST_CONSUME]);
	EXPECT_EQ(SIZE - 100, ppc_counts(self->att).last_pos);
	EXPECT_EQ(100, ppc_counts(self->att).last_len);
	ASSERT_EQ(0, pread(self->fd, buf, sizeof(buf), SIZE));
	ASSERT_EQ(0, pread(self->fd, buf, sizeof(buf), SIZE + MB));
	EXPECT_EQ(1, ppc_counts(self->att).accesses[TEST_CONSUME]);
}

TEST_F(hooks, consume_on_splice)
{
	int null = open("/dev/null", O_WRONLY), pipes[2];
	loff_t pos = 0;

	ASSERT_EQ(0, pipe(pipes));
	while (pos < (loff_t)(4 * MB)) {
		ssize_t n = splice(self->fd, &pos, pipes[1], NULL, 32 * KB, 0);

		ASSERT_LT(0, n);
		ASSERT_EQ(n, splice(pipes[0], NULL, null, NULL, n, 0));
	}
	EXPECT_EQ(4, ppc_counts(self->att).accesses[TEST_CONSUME]);
	EXPECT_EQ(4 * MB, ppc_counts(self->att).last_pos +
		  ppc_counts(self->att).last_len);
	close(pipes[0]);
	close(pipes[1]);
	close(null);
}

TEST_F(hooks, consume_on_sendfile)
{
	int null = open("/dev/null", O_WRONLY);
	off_t pos = 0;
	ssize_t n;

	do {
		n = sendfile(null, self->fd, &pos, SIZE);
	} while (n > 0);
	ASSERT_EQ((off_t)SIZE, pos);
	EXPECT_LE(SIZE / MB, ppc_counts(self->att).accesses[TEST_CONSUME]);
	EXPECT_EQ(SIZE, ppc_counts(self->att).last_pos +
		  ppc_counts(self->att).last_len);
	close(null);
}

TEST_F(hooks, nothing_on_direct_io)
{
	int fd = open(self->path, O_RDONLY | O_DIRECT);
	void *buf;

	if (fd < 0)
		SKIP(return, "no O_DIRECT: %s", strerror(errno));
	ASSERT_EQ(0, posix_memalign(&buf, 4096, MB));
	ASSERT_EQ((ssize_t)MB, pread(fd, buf, MB, 0));
	EXPECT_EQ(-1, ppc_verify_mem(buf, 0, MB));
	EXPECT_EQ(0, ppc_count_all(self->att));
	free(buf);
	close(fd);
}

TEST_F(hooks, nothing_of_other_files)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s.other", self->path);
	fd = ppc_make_file(path, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-1, ppc_verify(fd, 0, SIZE));
	EXPECT_EQ(0, ppc_count_all(self->att));
	close(fd);
	unlink(path);
}

TEST_F(hooks, nothing_after_detach)
{
	int dup_att = dup(self->att);

	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	/* The policy is gone, so that its ioctls are too. */
	EXPECT_EQ(-1, ioctl(dup_att, PPC_TEST_IOC_RESET));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(0, ppc_param("stray"));
	close(dup_att);
}

/* The second attachment of a file is told of everything as well. */
TEST_F(hooks, two_attachments)
{
	int fds[2] = { open("/proc/self/exe", O_RDONLY), self->fd };
	struct ppc_test_counts c;
	char path[300];
	int att;

	close(fds[0]);
	snprintf(path, sizeof(path), "%s.other", self->path);
	fds[0] = ppc_make_file(path, MB);
	ASSERT_LE(0, fds[0]);
	att = ppc_attach(PPC_TEST_POLICY, 0, fds, 2, 0, 0);
	ASSERT_LE(0, att);
	/* One of them taking the marker over is enough. */
	ASSERT_EQ(0, ppc_answer(att, TEST_ANSWER_TAKEN));
	EXPECT_EQ(0, read_to_marker(self->fd, self->att, &c));
	EXPECT_EQ(ppc_count_all(self->att), ppc_count_all(att));
	/* Each by the index that it has there. */
	EXPECT_EQ(0, ppc_counts(self->att).last_file);
	EXPECT_EQ(1, ppc_counts(att).last_file);
	EXPECT_EQ(0, ppc_detach(att));
	close(fds[0]);
	unlink(path);
}

TEST_F(hooks, bare_policy)
{
	int att = ppc_attach("test-bare", 0, &self->fd, 1, 0, 0);
	struct ppc_stats stats;

	ASSERT_LE(0, att);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_LT(0, stats.events_miss);
	EXPECT_EQ(-1, ioctl(att, PPC_TEST_IOC_RESET));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(0, ppc_detach(att));
}

static int read_some(void *arg)
{
	const char *path = arg;
	int fd = open(path, O_RDONLY);
	char *map;

	if (fd < 0)
		return 1;
	if (ppc_read(fd, 0, 2 * MB, 64 * KB) != 2 * MB)
		return 2;
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return 3;
	ppc_touch(map, 4 * MB, MB);
	return 0;
}

static int read_as_other(void *arg)
{
	return -ppc_become(PPC_OTHER_UID) ?: read_some(arg);
}

/* Attach as a user; what it sees when root reads. */
static long long seen_by_user(const char *path)
{
	struct ppc_stats stats;
	long long seen;
	int fd, att;

	PPC_MUST(ppc_become(PPC_UID));
	fd = PPC_MUST(open(path, O_RDONLY));
	att = ppc_attach_one(fd);
	PPC_MUST(ppc_become(0));
	if (att < 0) {
		close(fd);
		return att;
	}
	PPC_MUST(-ppc_in_child(read_some, (void *)path));
	PPC_MUST(ppc_stats(att, &stats));
	seen = ppc_count_all(att) + stats.events_miss + stats.events_marker +
	       stats.events_fault + stats.events_consume;
	PPC_MUST(ppc_detach(att));
	close(fd);
	return seen;
}

TEST_F(hooks, owner_sees_all)
{
	ASSERT_EQ(0, chown(self->path, PPC_UID, PPC_UID));
	ASSERT_EQ(0, ppc_drop(self->fd));
	EXPECT_LT(0, seen_by_user(self->path));
}

TEST_F(hooks, writer_sees_all)
{
	ASSERT_EQ(0, chmod(self->path, 0666));
	ASSERT_EQ(0, ppc_drop(self->fd));
	EXPECT_LT(0, seen_by_user(self->path));
}

TEST_F(hooks, reader_sees_nothing)
{
	EXPECT_EQ(-EPERM, seen_by_user(self->path));
}

TEST_F(hooks, root_sees_all)
{
	/* Others may not ask what is cached. */
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, ppc_in_child(read_as_other, self->path));
	EXPECT_LT(0, ppc_counts(self->att).accesses[TEST_MISS]);
	EXPECT_LT(0, ppc_counts(self->att).accesses[TEST_CONSUME]);
	EXPECT_LT(0, ppc_counts(self->att).accesses[TEST_FAULT_MISS]);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
