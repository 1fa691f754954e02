// SPDX-License-Identifier: GPL-2.0
/*
 * The device hangs while it is read ahead: whoever holds the attachment can go
 * all the same, and nothing is lost once the device answers again.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ppc_dm.h"
#include "ppc_harness.h"

#define SIZE	(16 * MB)
#define PAGE	4096ULL

/* "Quickly", where everything is emulated; a hang is for ever. */
#define SOON	30

struct hang {
	struct ppc_disk disk;
	char path[256];
	bool made;
	int fd;
	int att;
	int stream;
	long detached;
};

FIXTURE(hang) {
	struct hang h;
};

FIXTURE_SETUP(hang)
{
	int err = ppc_disk_make(&self->h.disk, 96);

	self->h.att = -1;
	self->h.fd = -1;
	self->h.made = true;
	if (err) {
		/* Not without a device to let hang. */
		ppc_disk_remove(&self->h.disk);
		self->h.made = false;
		SKIP(return, "no device mapper on null_blk: %s", strerror(-err));
	}
	snprintf(self->h.path, sizeof(self->h.path), "%s/hang", self->h.disk.dir);
	self->h.fd = ppc_make_file(self->h.path, SIZE);
	ASSERT_LE(0, self->h.fd);
	self->h.att = ppc_attach_one(self->h.fd);
	ASSERT_LE(0, self->h.att);
	/* Metadata that is needed to read is there; the data is not. */
	ASSERT_EQ((long)PAGE, ppc_read(self->h.fd, SIZE - PAGE, PAGE, PAGE));
	self->h.stream = ppc_stream_one(self->h.att, 0, SIZE, true, true, 0);
	ASSERT_LE(0, self->h.stream);
	self->h.detached = ppc_param("detached");
	ASSERT_EQ(0, ppc_disk_suspend(&self->h.disk));
	ppc_feed(self->h.att, self->h.stream, TEST_MISS, 0, PAGE);
	ASSERT_TRUE(PPC_WAIT(ppc_cached(self->h.fd, 0, 2 * MB) > 0));
}

FIXTURE_TEARDOWN(hang)
{
	if (!self->h.made)
		return;
	ppc_disk_resume(&self->h.disk);
	if (self->h.att >= 0)
		ppc_detach(self->h.att);
	close(self->h.fd);
	ppc_disk_remove(&self->h.disk);
}

/* Does a process end by itself, or be it by SIGKILL, soon? */
static bool ends_soon(pid_t pid)
{
	time_t until = time(NULL) + SOON;

	while (time(NULL) < until) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(50000);
	}
	return false;
}

static void expect_whole(struct __test_metadata *_metadata,
			 struct hang *h)
{
	ASSERT_EQ(0, ppc_disk_resume(&h->disk));
	EXPECT_TRUE(PPC_WAIT(ppc_param("detached") == h->detached + 1));
	EXPECT_EQ(-1, ppc_verify(h->fd, 0, SIZE));
	ASSERT_EQ(0, ppc_drop(h->fd));
	EXPECT_EQ(-1, ppc_verify(h->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_param("stray"));
}

TEST_F(hang, close)
{
	time_t start = time(NULL);

	ASSERT_EQ(0, close(self->h.att));
	self->h.att = -1;
	EXPECT_GT(start + SOON, time(NULL));
	expect_whole(_metadata, &self->h);
}

TEST_F(hang, exit)
{
	pid_t pid = fork();

	if (!pid)
		pause();
	close(self->h.att);
	self->h.att = -1;
	kill(pid, SIGKILL);
	EXPECT_TRUE(ends_soon(pid));
	expect_whole(_metadata, &self->h);
}

TEST_F(hang, detach_can_be_killed)
{
	pid_t pid = fork();

	if (!pid) {
		ioctl(self->h.att, PPC_IOC_DETACH);
		pause();
	}
	sleep(1);
	kill(pid, SIGKILL);
	EXPECT_TRUE(ends_soon(pid));
	close(self->h.att);
	self->h.att = -1;
	expect_whole(_metadata, &self->h);
}

/* Somebody else sits in an ioctl that waits for the device. */
static void behind_ioctl(struct __test_metadata *_metadata,
			 struct hang *h, unsigned long cmd, void *arg)
{
	pid_t waiter = fork(), pid;
	bool killed;

	if (!waiter) {
		ioctl(h->att, cmd, arg);
		pause();
	}
	sleep(1);
	pid = fork();
	if (!pid) {
		ioctl(h->att, PPC_IOC_DETACH);
		pause();
	}
	sleep(1);
	kill(pid, SIGKILL);
	killed = ends_soon(pid);
	EXPECT_TRUE(killed)
		TH_LOG("DETACH behind ioctl %lx cannot be killed", cmd);
	ASSERT_EQ(0, ppc_disk_resume(&h->disk));
	if (!killed)
		waitpid(pid, NULL, 0);
	kill(waiter, SIGKILL);
	EXPECT_TRUE(ends_soon(waiter));
	close(h->att);
	h->att = -1;
	expect_whole(_metadata, h);
}

TEST_F(hang, detach_behind_remove_can_be_killed)
{
	static __u32 index;
	struct ppc_files files = { (uintptr_t)&index, 1, 0 };

	behind_ioctl(_metadata, &self->h, PPC_IOC_REMOVE_FILES, &files);
}

TEST_F(hang, detach_behind_stop_can_be_killed)
{
	struct ppc_test_op op = { self->h.stream, TEST_STREAM_STOP };

	behind_ioctl(_metadata, &self->h, PPC_TEST_IOC_OP, &op);
}

/* Attaching, and its undoing, by others goes on meanwhile. */
TEST_F(hang, others_are_not_held_up)
{
	char path[128];
	int fd, att;
	pid_t pid;

	ASSERT_EQ(0, close(self->h.att));
	self->h.att = -1;
	if (!ppc_dir("ext4", path, sizeof(path)))
		SKIP(return, "no ext4");
	strcat(path, "/other");
	fd = ppc_make_file(path, MB);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		att = ppc_attach_one(fd);
		_exit(att < 0 || ppc_detach(att));
	}
	EXPECT_TRUE(ends_soon(pid));
	/* The other's; the one that hangs is yet to come. */
	EXPECT_TRUE(PPC_WAIT(ppc_param("detached") == self->h.detached + 1));
	self->h.detached++;
	expect_whole(_metadata, &self->h);
	close(fd);
	unlink(path);
}

/* A reader that waits for the device can be killed, as on a stock kernel. */
TEST_F(hang, reader_can_be_killed)
{
	pid_t pid = fork();

	if (!pid) {
		PPC_MUST(ppc_read(self->h.fd, 0, SIZE, 64 * KB));
		pause();
	}
	sleep(1);
	kill(pid, SIGKILL);
	EXPECT_TRUE(ends_soon(pid));
	ASSERT_EQ(0, close(self->h.att));
	self->h.att = -1;
	expect_whole(_metadata, &self->h);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
