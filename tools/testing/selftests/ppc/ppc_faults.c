// SPDX-License-Identifier: GPL-2.0
/*
 * No memory, and devices that fail: errors are told, readers see what they
 * would see without us, and nothing hangs or leaks (the kernel's own checkers
 * look for that).
 */
#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "ppc_dm.h"
#include "ppc_harness.h"

#define SIZE	(16 * MB)
#define PAGE	4096ULL
#define DEBUGFS	"/sys/kernel/debug/"

FIXTURE(nomem) {
	char path[256];
	char dir[200];
	int fd;
	int nth;
};

static const char * const injectors[] = { "failslab", "fail_page_alloc" };

FIXTURE_SETUP(nomem)
{
	char path[256];
	size_t i;

	self->fd = -1;
	self->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (self->nth < 0 || access(DEBUGFS "failslab", F_OK))
		SKIP(return, "no CONFIG_FAULT_INJECTION with failslab");
	if (!ppc_dir("ext4", self->dir, sizeof(self->dir)))
		SKIP(return, "no ext4");
	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/verbose", injectors[i]);
		ppc_write(path, "0");
		snprintf(path, sizeof(path), DEBUGFS "%s/ignore-gfp-wait", injectors[i]);
		ASSERT_EQ(0, ppc_write(path, "N"));
		/* Of pages only. */
		snprintf(path, sizeof(path), DEBUGFS "%s/ignore-gfp-highmem", injectors[i]);
		ppc_write(path, "N");
		snprintf(path, sizeof(path), DEBUGFS "%s/min-order", injectors[i]);
		ppc_write(path, "0");
	}
	snprintf(self->path, sizeof(self->path), "%s/nomem", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(nomem)
{
	if (self->nth >= 0)
		close(self->nth);
	close(self->fd);
	unlink(self->path);
}

/* The @n-th allocation from here on fails. */
static bool inject(int nth, int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	return pwrite(nth, text, strlen(text), 0) > 0;
}

/* Has it? That is also the end of it. */
static bool injected(int nth)
{
	char text[16] = "";
	bool done = pread(nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	inject(nth, 0);
	return done;
}

/* Every allocation of an attach fails in turn, until none is left. */
TEST_F(nomem, attach)
{
	int fds[3] = { self->fd, self->fd, self->fd }, n, failed = 0;
	struct ppc_attach args = {
		.policy = PPC_TEST_POLICY,
		.fds = (uintptr_t)fds,
		.nr_fds = 3,
	};
	int dev = open(PPC_DEV, O_RDWR);

	ASSERT_LE(0, dev);
	for (n = 1; n < 500; n++) {
		bool done;
		int att;

		ASSERT_TRUE(inject(self->nth, n));
		att = ioctl(dev, PPC_IOC_ATTACH, &args);
		if (att < 0)
			att = -errno;
		done = injected(self->nth);
		if (att >= 0) {
			EXPECT_EQ(0, ppc_detach(att));
		} else {
			/* The table of files is full, or it looks so. */
			EXPECT_TRUE(att == -ENOMEM || att == -ENFILE)
				TH_LOG("errno %d at allocation %d", -att, n);
			failed++;
		}
		if (!done)
			break;
	}
	ASSERT_GT(500, n);
	EXPECT_LT(5, failed);
	close(dev);
	/* All is as if nothing had been. */
	for (n = 0; n < 3; n++) {
		int att = ppc_attach(PPC_TEST_POLICY, 0, fds, 3, 0, 0);

		ASSERT_LE(0, att);
		EXPECT_EQ(0, ppc_detach(att));
	}
	EXPECT_EQ(0, ppc_param("stray"));
	EXPECT_EQ(ppc_param("attached"), ppc_param("detached"));
}

TEST_F(nomem, stream_create)
{
	struct ppc_test_range r[300];
	int att = ppc_attach_one(self->fd), n, failed = 0;

	ASSERT_LE(0, att);
	for (n = 0; n < 300; n++)
		r[n] = (struct ppc_test_range){ .pos = n * PAGE, .len = PAGE };
	for (n = 1; n < 100; n++) {
		bool done;
		int stream;

		ASSERT_TRUE(inject(self->nth, n));
		stream = ppc_stream(att, r, 300, -1, false, false, 0);
		done = injected(self->nth);
		if (stream < 0) {
			EXPECT_EQ(-ENOMEM, stream);
			failed++;
		}
		if (!done)
			break;
	}
	ASSERT_GT(100, n);
	/* Where kmalloc() fails, vmalloc() may do. */
	EXPECT_LE(2, failed);
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(nomem, add_files)
{
	int att = ppc_attach_one(self->fd), n, failed = 0;
	int fds[2] = { self->fd, self->fd };
	struct ppc_stats stats;

	ASSERT_LE(0, att);
	for (n = 1; n < 200; n++) {
		struct ppc_files files = { (uintptr_t)fds, 2, 0 };
		bool done;
		int ret;

		ASSERT_TRUE(inject(self->nth, n));
		ret = ioctl(att, PPC_IOC_ADD_FILES, &files) ? -errno : 0;
		done = injected(self->nth);
		ASSERT_EQ(0, ppc_stats(att, &stats));
		if (ret) {
			EXPECT_EQ(-ENOMEM, ret);
			EXPECT_EQ(1, stats.files);
			failed++;
		} else {
			__u32 index[2] = { files.first, files.first + 1 };
			struct ppc_files del = { (uintptr_t)index, 2, 0 };

			EXPECT_EQ(3, stats.files);
			ASSERT_EQ(0, ioctl(att, PPC_IOC_REMOVE_FILES, &del));
		}
		if (!done)
			break;
	}
	ASSERT_GT(200, n);
	EXPECT_LE(3, failed);
	EXPECT_EQ(0, ppc_detach(att));
}

/* Let allocations of the unbound workers fail, or not any more. */
static int mark_workers(const char *fail)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], comm[64];
	int nr = 0;

	while (proc && (entry = readdir(proc))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (ppc_read_text(path, comm, sizeof(comm)) ||
		    strncmp(comm, "kworker/u", 9))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/make-it-fail", entry->d_name);
		nr += !ppc_write(path, fail);
	}
	if (proc)
		closedir(proc);
	return nr;
}

/* Workers cannot get pages: the reader gets all the same what is in the file. */
TEST_F(nomem, read_ahead)
{
	struct ppc_stats stats;
	int att, stream, i;

	if (access(DEBUGFS "fail_page_alloc", F_OK))
		SKIP(return, "no CONFIG_FAIL_PAGE_ALLOC");
	if (ppc_write(DEBUGFS "fail_page_alloc/task-filter", "Y"))
		SKIP(return, "no task filter");
	ASSERT_EQ(0, ppc_write(DEBUGFS "fail_page_alloc/interval", "1"));
	ASSERT_EQ(0, ppc_write(DEBUGFS "fail_page_alloc/times", "-1"));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ppc_drop(self->fd));
		att = ppc_attach_one(self->fd);
		ASSERT_LE(0, att);
		stream = ppc_stream_one(att, 0, SIZE, true, i & 1, 0);
		ASSERT_LE(0, stream);
		EXPECT_LT(0, mark_workers("1"));
		ASSERT_EQ(0, ppc_write(DEBUGFS "fail_page_alloc/probability",
				       i < 2 ? "40" : "100"));
		ppc_feed(att, stream, TEST_MISS, 0, PAGE);
		ppc_settled(att);
		ASSERT_EQ(0, ppc_write(DEBUGFS "fail_page_alloc/probability", "0"));
		EXPECT_LT(0, mark_workers("0"));
		ASSERT_EQ(0, ppc_stats(att, &stats));
		TH_LOG("read ahead %llu", stats.prefetched_bytes);
		/* Of some failures, smaller folios make up, but where these fail, too. */
		EXPECT_LE(i < 2 ? SIZE / 2 : 0, stats.prefetched_bytes);
		EXPECT_GE(i < 2 ? SIZE : 0, stats.prefetched_bytes);
		EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
		EXPECT_EQ(0, ppc_detach(att));
		EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	}
	EXPECT_EQ(0, ppc_write(DEBUGFS "fail_page_alloc/task-filter", "N"));
}

FIXTURE(ioerror) {
	struct ppc_disk disk;
	char path[256];
	bool made;
	int fd;
	int att;
	__s64 at;
};

#define BAD_POS		(5 * MB)
#define BAD_LEN		(64 * KB)

/* Stock readahead reads folios of this size at most, and fails by folio. */
#define BESIDE		(128 * KB)

static long read_errors(int fd)
{
	long nr = 0;
	__u64 at;

	for (at = BAD_POS - MB; at < BAD_POS + MB; at += PAGE)
		nr += ppc_read(fd, at, PAGE, PAGE) == -EIO;
	return nr;
}

/* Nothing is lost but what is bad, and what shares a folio with it on stock. */
static void expect_only_bad_ones(struct __test_metadata *_metadata, int fd)
{
	EXPECT_EQ(-1, ppc_verify(fd, 0, BAD_POS - BESIDE));
	EXPECT_EQ(-EIO, ppc_read(fd, BAD_POS, PAGE, PAGE));
	EXPECT_EQ(-EIO, ppc_read(fd, BAD_POS + BAD_LEN - PAGE, PAGE, PAGE));
	EXPECT_EQ(-1, ppc_verify(fd, BAD_POS + BAD_LEN + BESIDE,
				 SIZE - BAD_POS - BAD_LEN - BESIDE));
	EXPECT_LE((long)(BAD_LEN / PAGE), read_errors(fd));
	EXPECT_GE((long)((BAD_LEN + 2 * BESIDE) / PAGE), read_errors(fd))
		TH_LOG("%ld pages cannot be read, %ld are bad", read_errors(fd),
		       (long)(BAD_LEN / PAGE));
}

FIXTURE_SETUP(ioerror)
{
	int err = ppc_disk_make(&self->disk, 96);

	self->att = -1;
	self->fd = -1;
	self->made = !err;
	if (err) {
		ppc_disk_remove(&self->disk);
		SKIP(return, "no device mapper on null_blk: %s", strerror(-err));
	}
	snprintf(self->path, sizeof(self->path), "%s/file", self->disk.dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->at = ppc_file_on_disk(self->fd, BAD_POS);
	ASSERT_LT(0, self->at);
	err = ppc_disk_badblocks(&self->disk, self->at, BAD_LEN, 1);
	if (err)
		SKIP(return, "no bad blocks: %s", strerror(-err));
	/* What stock makes of it. */
	expect_only_bad_ones(_metadata, self->fd);
	ASSERT_EQ(0, ppc_drop(self->fd));
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
}

FIXTURE_TEARDOWN(ioerror)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	if (self->made)
		ppc_disk_remove(&self->disk);
}

TEST_F(ioerror, read)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);

	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	expect_only_bad_ones(_metadata, self->fd);
	/* The device is repaired. */
	ASSERT_EQ(0, ppc_disk_badblocks(&self->disk, self->at, BAD_LEN, 0));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
}

TEST_F(ioerror, read_and_burn)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, 0);

	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	expect_only_bad_ones(_metadata, self->fd);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ASSERT_EQ(0, ppc_disk_badblocks(&self->disk, self->at, BAD_LEN, 0));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
}

struct reader {
	int fd;
	int first;
	long beside;
	long other;
};

/* Every fourth page of the folio that has the bad ones. */
static void *read_pages(void *arg)
{
	struct reader *r = arg;
	__u64 at;

	for (at = 4 * MB + r->first * PAGE; at < 6 * MB; at += 4 * PAGE) {
		long ret = ppc_read(r->fd, at, PAGE, PAGE);

		if (ret == -EIO)
			r->beside += at < BAD_POS - BESIDE ||
				     at >= BAD_POS + BAD_LEN + BESIDE;
		else if (ret != PAGE)
			r->other++;
	}
	return NULL;
}

/* All readers that wait for a folio that fails get what can be read. */
TEST_F(ioerror, many_readers)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0), i;
	struct ppc_stats stats;
	struct reader r[4];
	pthread_t thread[4];

	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	/* Or else they read small folios by themselves. */
	ASSERT_TRUE(PPC_WAIT(ppc_cached(self->fd, 4 * MB, 2 * MB) ==
			     2 * MB / PAGE));
	for (i = 0; i < 4; i++) {
		r[i] = (struct reader){ .fd = self->fd, .first = i };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, read_pages,
					    &r[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, r[i].beside);
		EXPECT_EQ(0, r[i].other);
	}
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.errors);
}

static sigjmp_buf bus_jmp;

static void on_bus(int sig)
{
	siglongjmp(bus_jmp, 1);
}

/* The page at a position can be read; SIGBUS if not. */
static bool can_touch(const char *map, __u64 at)
{
	if (sigsetjmp(bus_jmp, 1))
		return false;
	ppc_touch(map, at, 1);
	return true;
}

TEST_F(ioerror, fault)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);
	long bad = 0, beside = 0;
	__u64 at;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	signal(SIGBUS, on_bus);
	for (at = 0; at < SIZE; at += PAGE) {
		if (can_touch(map, at))
			continue;
		if (at >= BAD_POS && at < BAD_POS + BAD_LEN)
			bad++;
		else
			beside++;
	}
	signal(SIGBUS, SIG_DFL);
	EXPECT_EQ((long)(BAD_LEN / PAGE), bad);
	EXPECT_GE((long)(2 * BESIDE / PAGE), beside);
	munmap(map, SIZE);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
