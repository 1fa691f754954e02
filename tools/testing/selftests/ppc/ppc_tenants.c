// SPDX-License-Identifier: GPL-2.0
/*
 * What one user's attachment may cost others: a FUSE server that does not answer
 * hangs only what is attached to it, and one that is congested reads no more than it
 * wants to.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "ppc_fuse.h"
#include "ppc_harness.h"

#define SIZE	(16 * MB)
#define PAGE	4096ULL

/* More than may be at work for one attachment at a time. */
#define STREAMS	40

FIXTURE(tenants) {
	struct ppc_fuse fuse;
	char mount[256];
	char path[256];
	bool mounted;
	int fd;		/* on ext4 */
	int slow;	/* on FUSE */
};

FIXTURE_SETUP(tenants)
{
	char dir[200];

	self->fd = -1;
	self->slow = -1;
	if (!ppc_dir("ext4", dir, sizeof(dir)))
		SKIP(return, "no ext4");
	snprintf(self->path, sizeof(self->path), "%s/tenant", dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	snprintf(self->mount, sizeof(self->mount), "%s/fuse", dir);
	ASSERT_EQ(0, mkdir(self->mount, 0755));
}

FIXTURE_TEARDOWN(tenants)
{
	close(self->slow);
	if (self->mounted)
		EXPECT_EQ(0, ppc_fuse_unmount(&self->fuse));
	rmdir(self->mount);
	close(self->fd);
	unlink(self->path);
}

static void serve(struct __test_metadata *_metadata,
		  struct _test_data_tenants *self,
		  const struct ppc_fuse_options *options)
{
	char path[300];
	int err = ppc_fuse_mount(&self->fuse, self->mount, options);

	if (err == -ENODEV)
		SKIP(return, "no FUSE");
	ASSERT_EQ(0, err);
	self->mounted = true;
	snprintf(path, sizeof(path), "%s/" PPC_FUSE_FILE, self->mount);
	self->slow = open(path, O_RDONLY);
	ASSERT_LE(0, self->slow);
}

TEST_F(tenants, server_that_never_answers)
{
	const struct ppc_fuse_options options = {
		.size = STREAMS * SIZE, .max_background = 4096,
		.congestion_threshold = 4096,
	};
	int hung, att, stream, i;

	serve(_metadata, self, &options);
	if (!self->mounted)
		return;
	hung = ppc_attach_one(self->slow);
	ASSERT_LE(0, hung);
	ppc_fuse_stop(&self->fuse, true);
	for (i = 0; i < STREAMS; i++) {
		stream = ppc_stream_one(hung, i * SIZE, SIZE, false, false, 0);
		ASSERT_LE(0, stream);
		ppc_feed(hung, stream, TEST_MISS, i * SIZE, PAGE);
	}
	EXPECT_TRUE(PPC_WAIT(self->fuse.state->held > 0));

	/* Others are read ahead, dropped and let go of all the same. */
	att = ppc_attach_one(self->fd);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, SIZE, false, true, 0);
	ASSERT_LE(0, stream);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) == (long)(SIZE / PAGE)));
	EXPECT_EQ(0, ppc_stream_op(att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	EXPECT_EQ(0, ppc_detach(att));

	ppc_fuse_stop(&self->fuse, false);
	EXPECT_EQ(0, ppc_detach(hung));
	EXPECT_EQ(-1, ppc_verify(self->slow, 0, SIZE));
}

/* The file is gone from the attachment, whoever waits for the workers to see it. */
TEST_F(tenants, remove_can_be_killed)
{
	const struct ppc_fuse_options options = {
		.size = 4 * SIZE, .max_background = 4096,
		.congestion_threshold = 4096,
	};
	static __u32 index;
	struct ppc_files files = { (uintptr_t)&index, 1, 0 };
	struct ppc_stats stats;
	int att, stream;
	pid_t pid;

	serve(_metadata, self, &options);
	if (!self->mounted)
		return;
	att = ppc_attach_one(self->slow);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, 4 * SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	/* Who exits has the server asked to flush, until it has said that it cannot. */
	close(dup(self->slow));
	ppc_fuse_stop(&self->fuse, true);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	/* No more is read at a time: the worker waits for the server. */
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->slow) >= (long)(SIZE / PAGE)));
	pid = fork();
	if (!pid) {
		ioctl(att, PPC_IOC_REMOVE_FILES, &files);
		pause();
	}
	EXPECT_TRUE(PPC_WAIT(ppc_sleeps_in(pid, __NR_ioctl,
					   PPC_IOC_REMOVE_FILES)));
	kill(pid, SIGKILL);
	EXPECT_TRUE(PPC_WAIT(waitpid(pid, NULL, WNOHANG) == pid));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(0, stats.files);
	ppc_fuse_stop(&self->fuse, false);
	EXPECT_EQ(0, ppc_detach(att));
	EXPECT_EQ(-1, ppc_verify(self->slow, 0, SIZE));
}

/* What a congested file system does not read is not counted as read. */
TEST_F(tenants, congested)
{
	const struct ppc_fuse_options options = {
		.size = 2 * SIZE, .max_background = 4, .congestion_threshold = 3,
	};
	struct ppc_stats stats;
	int att, stream;
	long cached;

	serve(_metadata, self, &options);
	if (!self->mounted)
		return;
	ppc_fuse_delay(&self->fuse, 50);
	att = ppc_attach_one(self->slow);
	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, 2 * SIZE, false, false, 0);
	ASSERT_LE(0, stream);
	ppc_feed(att, stream, TEST_MISS, 0, PAGE);
	ppc_settled(att);
	cached = ppc_cached_all(self->slow);
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_LT(0, stats.prefetched_bytes);
	EXPECT_LE(stats.prefetched_bytes, cached * PAGE)
		TH_LOG("%ld pages are cached", cached);
	EXPECT_EQ(0, ppc_detach(att));
	EXPECT_EQ(-1, ppc_verify(self->slow, 0, 2 * SIZE));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
