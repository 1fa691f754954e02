// SPDX-License-Identifier: GPL-2.0
/*
 * What must be refused, and with which errno; limits, permissions, switches.
 */
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#include "ppc_harness.h"

FIXTURE(input) {
	char path[256];
	char dir[200];
	int fd;
	int dev;
	struct ppc_attach args;
};

FIXTURE_SETUP(input)
{
	self->fd = -1;
	self->dev = -1;
	if (!ppc_dir("ext4", self->dir, sizeof(self->dir)))
		SKIP(return, "no ext4");
	snprintf(self->path, sizeof(self->path), "%s/input", self->dir);
	self->fd = ppc_make_file(self->path, MB);
	ASSERT_LE(0, self->fd);
	/* Users may attach only what they own. */
	ASSERT_EQ(0, fchown(self->fd, PPC_UID, -1));
	self->dev = open(PPC_DEV, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->dev);
	self->args = (struct ppc_attach){
		.policy = PPC_TEST_POLICY,
		.fds = (uintptr_t)&self->fd,
		.nr_fds = 1,
	};
}

FIXTURE_TEARDOWN(input)
{
	close(self->dev);
	close(self->fd);
	unlink(self->path);
}

static int attach_raw(int dev, unsigned long cmd, const void *args)
{
	int att = ioctl(dev, cmd, args);

	return att < 0 ? -errno : att;
}

/* The errno of attaching, 0 if it works. */
static int attach_error(int dev, const struct ppc_attach *args)
{
	int att = attach_raw(dev, PPC_IOC_ATTACH, args);

	return att < 0 ? -att : -ppc_detach(att);
}

static int file_error(int dev, int fd)
{
	struct ppc_attach args = {
		.policy = PPC_TEST_POLICY,
		.fds = (uintptr_t)&fd,
		.nr_fds = 1,
	};

	return attach_error(dev, &args);
}

TEST_F(input, attach_good)
{
	struct ppc_stats stats;
	int att;

	EXPECT_EQ(0, attach_error(self->dev, &self->args));
	att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	ASSERT_LE(0, att);
	EXPECT_EQ(FD_CLOEXEC, fcntl(att, F_GETFD));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(1, stats.files);
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, attach_flags)
{
	int bit;

	for (bit = 1; bit < 64; bit++) {
		self->args.flags = 1ULL << bit;
		EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args))
			TH_LOG("flag %d", bit);
	}
	self->args.flags = PPC_ATTACH_MAY_KEEP | 2;
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
}

TEST_F(input, attach_pid)
{
	self->args.pid = getpid();
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
	self->args.pid = -1;
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
	/* More than there may be. */
	self->args.pid = INT32_MAX;
	EXPECT_EQ(ESRCH, attach_error(self->dev, &self->args));
}

TEST_F(input, attach_no_files)
{
	self->args.nr_fds = 0;
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
}

TEST_F(input, attach_too_many_files)
{
	struct ppc_features features;
	int *fds;

	ASSERT_EQ(0, ioctl(self->dev, PPC_IOC_FEATURES, &features));
	self->args.nr_fds = features.max_files + 1;
	fds = calloc(self->args.nr_fds, sizeof(*fds));
	self->args.fds = (uintptr_t)fds;
	EXPECT_EQ(E2BIG, attach_error(self->dev, &self->args));
	self->args.nr_fds = UINT32_MAX;
	EXPECT_EQ(E2BIG, attach_error(self->dev, &self->args));
	free(fds);
}

static void set_policy(struct ppc_attach *args, const char *name)
{
	snprintf(args->policy, sizeof(args->policy), "%s", name);
}

TEST_F(input, attach_names)
{
	memset(self->args.policy, 0, PPC_POLICY_NAME_MAX);
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
	memset(self->args.policy, 'x', PPC_POLICY_NAME_MAX);
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
	/* What was refused at registration cannot be found, either. */
	set_policy(&self->args, "nosuch");
	EXPECT_EQ(ENOENT, attach_error(self->dev, &self->args));
	set_policy(&self->args, "../test");
	EXPECT_EQ(ENOENT, attach_error(self->dev, &self->args));
	set_policy(&self->args, "test-nothing");
	EXPECT_EQ(ENOENT, attach_error(self->dev, &self->args));
	set_policy(&self->args, "tes");
	EXPECT_EQ(ENOENT, attach_error(self->dev, &self->args));
}

TEST_F(input, attach_bad_pointers)
{
	void *none = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, none);
	munmap(none, 8192);
	self->args.fds = (uintptr_t)none;
	EXPECT_EQ(EFAULT, attach_error(self->dev, &self->args));
	self->args.fds = 0;
	EXPECT_EQ(EFAULT, attach_error(self->dev, &self->args));
	self->args.fds = ~0ULL - 2;
	EXPECT_EQ(EFAULT, attach_error(self->dev, &self->args));
	EXPECT_EQ(EFAULT, attach_error(self->dev, none));
	EXPECT_EQ(EFAULT, attach_error(self->dev, NULL));
	EXPECT_EQ(-1, ioctl(self->dev, PPC_IOC_FEATURES, none));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(input, attach_sizes)
{
	struct {
		struct ppc_attach args;
		__u64 more[4];
	} large = { .args = self->args };
	const size_t shortest = offsetof(struct ppc_attach, pid);
	int att;

	/* A shorter struct is as one filled up with zeroes ... */
	large.args.pid = -1;
	large.args.budget = ~0ULL;
	large.args.keep_budget = 1;
	att = attach_raw(self->dev, ppc_sized(PPC_IOC_ATTACH, shortest), &large);
	ASSERT_LE(0, att);
	EXPECT_EQ(0, ppc_detach(att));
	/* ... which is to say no policy here, and nothing at all there. */
	EXPECT_EQ(-EINVAL, attach_raw(self->dev, ppc_sized(PPC_IOC_ATTACH, 8), &large));
	EXPECT_EQ(-EINVAL, attach_raw(self->dev, ppc_sized(PPC_IOC_ATTACH, 0), &large));

	large.args = self->args;
	att = attach_raw(self->dev, ppc_sized(PPC_IOC_ATTACH, sizeof(large)), &large);
	ASSERT_LE(0, att);
	EXPECT_EQ(0, ppc_detach(att));
	large.more[3] = 1ULL << 63;
	EXPECT_EQ(-E2BIG, attach_raw(self->dev,
				     ppc_sized(PPC_IOC_ATTACH, sizeof(large)), &large));
}

TEST_F(input, features)
{
	struct {
		struct ppc_features f;
		__u64 more[2];
	} large;

	memset(&large, 0xff, sizeof(large));
	ASSERT_EQ(0, ioctl(self->dev, PPC_IOC_FEATURES, &large));
	EXPECT_EQ(PPC_ABI_VERSION, large.f.abi_version);
	EXPECT_EQ(1, large.f.enabled);
	EXPECT_EQ(PPC_ATTACH_MAY_KEEP, large.f.attach_flags);
	EXPECT_EQ(MB, large.f.stride);
	EXPECT_EQ(8, large.f.max_attachments);
	EXPECT_LT(0, large.f.max_files);
	EXPECT_LT(0, large.f.default_budget);
	EXPECT_EQ(~0ULL, large.more[0]);

	memset(&large, 0xff, sizeof(large));
	ASSERT_EQ(0, ioctl(self->dev, ppc_sized(PPC_IOC_FEATURES, 4), &large));
	EXPECT_EQ(PPC_ABI_VERSION, large.f.abi_version);
	EXPECT_EQ(UINT32_MAX, large.f.enabled);

	memset(&large, 0xff, sizeof(large));
	ASSERT_EQ(0, ioctl(self->dev, ppc_sized(PPC_IOC_FEATURES, sizeof(large)),
			   &large));
	EXPECT_EQ(0, large.more[0]);
	EXPECT_EQ(0, large.more[1]);
}

TEST_F(input, unknown_ioctls)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	struct ppc_stats stats;

	ASSERT_LE(0, att);
	EXPECT_EQ(-1, ioctl(self->dev, _IO(PPC_IOC_MAGIC, 0x3f), 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->dev, _IO('x', 0x01), 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->dev, PPC_IOC_STATS, &stats));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->dev, PPC_IOC_DETACH, 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(att, _IO(PPC_IOC_MAGIC, 0x3f), 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(att, _IO('x', 0x12), 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_ATTACH, &self->args));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(att, _IO(PPC_IOC_MAGIC, 0xff), 0));
	EXPECT_EQ(ENOTTY, errno);
	/* The direction is part of the number. */
	EXPECT_EQ(-1, ioctl(att, _IOW(PPC_IOC_MAGIC, 0x13, struct ppc_stats), &stats));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, read(att, &stats, 8));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, not_regular)
{
	char path[300];
	int fd, pipes[2];

	fd = open(self->dir, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(EINVAL, file_error(self->dev, fd));
	close(fd);
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(EINVAL, file_error(self->dev, pipes[0]));
	close(pipes[0]);
	close(pipes[1]);
	snprintf(path, sizeof(path), "%s/fifo", self->dir);
	ASSERT_EQ(0, mkfifo(path, 0600));
	fd = open(path, O_RDWR);
	EXPECT_EQ(EINVAL, file_error(self->dev, fd));
	close(fd);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(EINVAL, file_error(self->dev, fd));
	close(fd);
	fd = open("/dev/zero", O_RDONLY);
	EXPECT_EQ(EINVAL, file_error(self->dev, fd));
	close(fd);
	EXPECT_EQ(EINVAL, file_error(self->dev, self->dev));
}

TEST_F(input, not_readable)
{
	int fd = open(self->path, O_WRONLY);

	EXPECT_EQ(EBADF, file_error(self->dev, fd));
	close(fd);
	EXPECT_EQ(EBADF, file_error(self->dev, fd));
	EXPECT_EQ(EBADF, file_error(self->dev, -1));
	EXPECT_EQ(EBADF, file_error(self->dev, INT32_MIN));
	fd = open(self->path, O_PATH);
	EXPECT_EQ(EBADF, file_error(self->dev, fd));
	close(fd);
}

TEST_F(input, no_page_cache)
{
	int fd = memfd_create("ppc", 0);

	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
	fd = open("/dev/shm", O_RDWR | O_TMPFILE, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
	fd = open("/proc/version", O_RDONLY);
	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
	fd = open(PPC_SYSFS "enabled", O_RDONLY);
	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
}

TEST_F(input, hugetlb)
{
	int fd = memfd_create("ppc", MFD_HUGETLB);

	if (fd < 0)
		SKIP(return, "no hugetlb: %s", strerror(errno));
	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
}

TEST_F(input, dax)
{
	int fd = open("/bin/true", O_RDONLY);
	struct statx stx;

	ASSERT_LE(0, fd);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) ||
	    !(stx.stx_attributes & STATX_ATTR_DAX)) {
		close(fd);
		SKIP(return, "/bin/true is not on a DAX file system");
	}
	EXPECT_EQ(EOPNOTSUPP, file_error(self->dev, fd));
	close(fd);
}

TEST_F(input, swapfile)
{
	char command[600], path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/swap", self->dir);
	fd = ppc_make_file(path, 2 * MB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, chmod(path, 0600));
	snprintf(command, sizeof(command), "mkswap -q %s >&2", path);
	if (system(command) || swapon(path, 0))
		SKIP(goto out, "no swap: %s", strerror(errno));
	EXPECT_EQ(ETXTBSY, file_error(self->dev, fd));
	ASSERT_EQ(0, swapoff(path));
	EXPECT_EQ(0, file_error(self->dev, fd));
out:
	close(fd);
	unlink(path);
}

/* A bad file among good ones: nothing is attached. */
TEST_F(input, all_or_none)
{
	int fds[3] = { self->fd, self->fd, -1 }, i;
	long attached = ppc_param("attached");

	self->args.fds = (uintptr_t)fds;
	self->args.nr_fds = 3;
	EXPECT_EQ(EBADF, attach_error(self->dev, &self->args));
	EXPECT_EQ(attached, ppc_param("attached"));
	/* No trace is left, or this would be too many. */
	for (i = 0; i < 8; i++)
		EXPECT_EQ(EBADF, attach_error(self->dev, &self->args));
	self->args.nr_fds = 2;
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
}

TEST_F(input, policy_refuses)
{
	ASSERT_EQ(0, ppc_write(PPC_PARAMS "fail_attach", "71"));
	EXPECT_EQ(71, attach_error(self->dev, &self->args));
	ASSERT_EQ(0, ppc_write(PPC_PARAMS "fail_attach", "0"));
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
}

TEST_F(input, keep_needs_capability)
{
	int att;

	self->args.keep_budget = 1;
	EXPECT_EQ(EINVAL, attach_error(self->dev, &self->args));
	self->args.flags = PPC_ATTACH_MAY_KEEP;
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
	ASSERT_EQ(0, ppc_become(PPC_UID));
	att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	ASSERT_EQ(0, ppc_become(0));
	EXPECT_EQ(-EPERM, att);
}

static int add_error(int att, const void *fds, unsigned int nr, unsigned int first)
{
	struct ppc_files files = {
		.fds = (uintptr_t)fds,
		.nr = nr,
		.first = first,
	};
	int ret = ioctl(att, PPC_IOC_ADD_FILES, &files);

	return ret ? -errno : files.first;
}

static int remove_error(int att, const void *index, unsigned int nr)
{
	struct ppc_files files = { .fds = (uintptr_t)index, .nr = nr };

	return ioctl(att, PPC_IOC_REMOVE_FILES, &files) ? errno : 0;
}

static __u64 files_of(int att)
{
	struct ppc_stats stats;

	PPC_MUST(ppc_stats(att, &stats));
	return stats.files;
}

TEST_F(input, add_and_remove)
{
	__u32 index[3] = { 0, 2, 3 };
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	int fds[2] = { self->fd, -1 };
	struct ppc_stats stats;

	ASSERT_LE(0, att);
	EXPECT_EQ(-EBADF, add_error(att, fds, 2, 0));
	EXPECT_EQ(-EINVAL, add_error(att, fds, 0, 0));
	EXPECT_EQ(-EINVAL, add_error(att, fds, 1, 1));
	EXPECT_EQ(-EFAULT, add_error(att, NULL, 1, 0));
	EXPECT_EQ(-E2BIG, add_error(att, fds, UINT32_MAX, 0));
	EXPECT_EQ(0, ppc_counts(att).files_changed);
	/* The first of the two had an index, which is not given out again. */
	EXPECT_EQ(2, add_error(att, fds, 1, 0));
	EXPECT_EQ(1, ppc_counts(att).files_changed);
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(2, stats.files);

	EXPECT_EQ(ENOENT, remove_error(att, index, 3));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(2, stats.files);
	EXPECT_EQ(EINVAL, remove_error(att, index, 0));
	EXPECT_EQ(EFAULT, remove_error(att, NULL, 1));
	EXPECT_EQ(0, remove_error(att, index, 1));
	EXPECT_EQ(ENOENT, remove_error(att, index, 1));
	EXPECT_EQ(2, ppc_counts(att).files_changed);

	/* Indices are not given out again, and events name the one that is left. */
	EXPECT_EQ(3, add_error(att, fds, 1, 0));
	EXPECT_EQ(0, remove_error(att, &index[1], 1));
	ppc_count_reset(att);
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(4096, ppc_read(self->fd, 0, 4096, 4096));
	EXPECT_EQ(1, ppc_counts(att).accesses[TEST_MISS]);
	EXPECT_EQ(3, ppc_counts(att).last_file);
	EXPECT_EQ(0, remove_error(att, &index[2], 1));
	ASSERT_EQ(0, ppc_stats(att, &stats));
	EXPECT_EQ(0, stats.files);
	EXPECT_EQ(0, ppc_detach(att));
}

/* Indices that are out of order, or that name a file twice: none is removed. */
TEST_F(input, remove_in_order)
{
	__u32 index[3] = { 1, 0, 2 };
	int fds[3] = { self->fd, self->fd, self->fd };
	struct ppc_files files = { (uintptr_t)index, 1, 1 };
	int att;

	self->args.fds = (uintptr_t)fds;
	self->args.nr_fds = 3;
	att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	ASSERT_LE(0, att);
	EXPECT_EQ(EINVAL, remove_error(att, index, 3));
	index[0] = 0;
	EXPECT_EQ(EINVAL, remove_error(att, index, 3));
	EXPECT_EQ(E2BIG, remove_error(att, index, UINT32_MAX));
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_REMOVE_FILES, &files));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(3, files_of(att));
	index[1] = 1;
	EXPECT_EQ(0, remove_error(att, index, 3));
	EXPECT_EQ(0, files_of(att));
	/* No stream can be of a file that is gone. */
	EXPECT_EQ(-ENOENT, ppc_stream_one(att, 0, 4096, false, false, 0));
	EXPECT_EQ(0, ppc_detach(att));
}

/* The most files of an attachment are so over its whole life. */
TEST_F(input, add_too_many)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args), *fds;
	struct ppc_features features;
	unsigned int i;

	ASSERT_LE(0, att);
	ASSERT_EQ(0, ioctl(self->dev, PPC_IOC_FEATURES, &features));
	fds = calloc(features.max_files, sizeof(*fds));
	ASSERT_NE(NULL, fds);
	for (i = 0; i < features.max_files; i++)
		fds[i] = self->fd;
	EXPECT_EQ(-E2BIG, add_error(att, fds, features.max_files, 0));
	EXPECT_EQ(1, files_of(att));
	/* As many as fit, but one file may be attached eight times only. */
	EXPECT_EQ(-ENOSPC, add_error(att, fds, features.max_files - 1, 0));
	EXPECT_EQ(1, files_of(att));
	EXPECT_EQ(8, add_error(att, fds, 7, 0));
	EXPECT_EQ(0, ppc_detach(att));
	free(fds);
}

/* Who cannot be told the index of what was added has nothing added. */
TEST_F(input, add_to_read_only_memory)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	struct ppc_files *files = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_LE(0, att);
	ASSERT_NE(MAP_FAILED, files);
	*files = (struct ppc_files){ (uintptr_t)&self->fd, 1, 0 };
	ASSERT_EQ(0, mprotect(files, 4096, PROT_READ));
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_ADD_FILES, files));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, files_of(att));
	EXPECT_LT(0, add_error(att, &self->fd, 1, 0));
	EXPECT_EQ(2, files_of(att));
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_STATS, files));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_ADD_FILES, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(att, PPC_IOC_REMOVE_FILES, NULL));
	EXPECT_EQ(EFAULT, errno);
	munmap(files, 4096);
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, add_sizes)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	struct {
		struct ppc_files files;
		__u64 more[2];
	} large = { .files = { (uintptr_t)&self->fd, 1, 0 } };
	struct {
		struct ppc_stats stats;
		__u64 more[2];
	} stats;

	ASSERT_LE(0, att);
	large.more[1] = 1;
	EXPECT_EQ(-E2BIG, attach_raw(att, ppc_sized(PPC_IOC_ADD_FILES,
						    sizeof(large)), &large));
	EXPECT_EQ(-E2BIG, attach_raw(att, ppc_sized(PPC_IOC_REMOVE_FILES,
						    sizeof(large)), &large));
	/* Without @nr there is nothing to add. */
	EXPECT_EQ(-EINVAL, attach_raw(att, ppc_sized(PPC_IOC_ADD_FILES, 8), &large));
	EXPECT_EQ(1, files_of(att));
	large.more[1] = 0;
	EXPECT_EQ(0, attach_raw(att, ppc_sized(PPC_IOC_ADD_FILES, sizeof(large)),
				&large));
	EXPECT_EQ(1, large.files.first);
	EXPECT_EQ(2, files_of(att));

	memset(&stats, 0xff, sizeof(stats));
	EXPECT_EQ(0, attach_raw(att, ppc_sized(PPC_IOC_STATS, 8), &stats));
	EXPECT_EQ(2, stats.stats.files);
	EXPECT_EQ(~0ULL, stats.stats.stopped_files);
	EXPECT_EQ(0, attach_raw(att, ppc_sized(PPC_IOC_STATS, sizeof(stats)), &stats));
	EXPECT_EQ(0, stats.stats.stopped_files);
	EXPECT_EQ(0, stats.more[1]);
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, detached)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	struct ppc_stats stats;
	__u32 index = 0;

	ASSERT_LE(0, att);
	ASSERT_EQ(0, ioctl(att, PPC_IOC_DETACH));
	EXPECT_EQ(-ENODEV, add_error(att, &self->fd, 1, 0));
	EXPECT_EQ(ENODEV, remove_error(att, &index, 1));
	EXPECT_EQ(-1, ioctl(att, PPC_TEST_IOC_RESET));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(0, ioctl(att, PPC_IOC_DETACH));
	EXPECT_EQ(0, ppc_stats(att, &stats));
	close(att);
}

TEST_F(input, eight_attachments_of_a_file)
{
	int att[9], i;

	for (i = 0; i < 8; i++) {
		att[i] = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
		ASSERT_LE(0, att[i]);
	}
	EXPECT_EQ(ENOSPC, attach_error(self->dev, &self->args));
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, MB));
	for (i = 0; i < 8; i++) {
		EXPECT_LT(0, ppc_counts(att[i]).accesses[TEST_MISS]);
		EXPECT_EQ(ppc_count_all(att[0]), ppc_count_all(att[i]));
	}
	EXPECT_EQ(0, ppc_detach(att[3]));
	att[3] = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	EXPECT_LE(0, att[3]);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, ppc_detach(att[i]));
}

static int attach_as(int dev, const struct ppc_attach *args, uid_t uid)
{
	int ret;

	if (ppc_become(uid))
		return -1;
	ret = attach_error(dev, args);
	return ppc_become(0) ? -1 : ret;
}

/* What mincore(2) and MADV_PAGEOUT ask for: to own a file, or to be able to write to it. */
TEST_F(input, owner_or_writer)
{
	EXPECT_EQ(0, attach_as(self->dev, &self->args, PPC_UID));
	EXPECT_EQ(EPERM, attach_as(self->dev, &self->args, PPC_OTHER_UID));
	ASSERT_EQ(0, fchmod(self->fd, 0444));
	EXPECT_EQ(0, attach_as(self->dev, &self->args, PPC_UID));
	EXPECT_EQ(EPERM, attach_as(self->dev, &self->args, PPC_OTHER_UID));
	ASSERT_EQ(0, fchmod(self->fd, 0666));
	EXPECT_EQ(0, attach_as(self->dev, &self->args, PPC_OTHER_UID));
	/* Its own file, then one that is not. */
	ASSERT_EQ(0, fchmod(self->fd, 0644));
	ASSERT_EQ(0, fchown(self->fd, 0, 0));
	EXPECT_EQ(EPERM, attach_as(self->dev, &self->args, PPC_UID));
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
}

TEST_F(input, owner_or_writer_of_added_files)
{
	struct ppc_files files = { .nr = 1 };
	char path[300];
	int att, fd;

	snprintf(path, sizeof(path), "%s/roots", self->dir);
	fd = ppc_make_file(path, MB);
	ASSERT_LE(0, fd);
	files.fds = (uintptr_t)&fd;
	ASSERT_EQ(0, ppc_become(PPC_UID));
	att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	EXPECT_EQ(-EPERM, ioctl(att, PPC_IOC_ADD_FILES, &files) ? -errno : 0);
	ASSERT_EQ(0, ppc_become(0));
	EXPECT_EQ(0, ioctl(att, PPC_IOC_ADD_FILES, &files));
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
	unlink(path);
}

/* Root of a user namespace is nobody's owner outside of it. */
static int attach_in_userns(void *arg)
{
	const struct ppc_attach *args = arg;
	int dev;

	if (setresuid(PPC_OTHER_UID, PPC_OTHER_UID, PPC_OTHER_UID) ||
	    syscall(__NR_unshare, CLONE_NEWUSER))
		return 1;
	dev = open(PPC_DEV, O_RDWR);
	return dev < 0 ? 2 : attach_error(dev, args);
}

TEST_F(input, owner_in_user_namespace)
{
	EXPECT_EQ(EPERM, ppc_in_child(attach_in_userns, &self->args));
	ASSERT_EQ(0, fchown(self->fd, PPC_OTHER_UID, -1));
	EXPECT_EQ(0, ppc_in_child(attach_in_userns, &self->args));
}

TEST_F(input, administrators_only)
{
	char was[16];

	ASSERT_EQ(0, ppc_read_text(PPC_SYSFS "attach", was, sizeof(was)));
	EXPECT_STREQ("owner\n", was);
	EXPECT_EQ(-EINVAL, ppc_write(PPC_SYSFS "attach", "nobody"));
	ASSERT_EQ(0, ppc_write(PPC_SYSFS "attach", "admin"));
	EXPECT_EQ(EPERM, attach_as(self->dev, &self->args, PPC_UID));
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
	ASSERT_EQ(0, ppc_write(PPC_SYSFS "attach", "owner"));
	EXPECT_EQ(0, attach_as(self->dev, &self->args, PPC_UID));
}

/* As a user without rights, with a limit that is put back. */
static int ioctl_limited(int dev, unsigned long cmd, const void *args,
			 const char *limit, const char *value)
{
	char path[128], old[32];
	int att;

	snprintf(path, sizeof(path), PPC_LIMITS "%s", limit);
	if (ppc_read_text(path, old, sizeof(old)) || ppc_write(path, value))
		return -ENOTSUP;
	if (!ppc_become(PPC_UID)) {
		att = attach_raw(dev, cmd, args);
		PPC_MUST(ppc_become(0));
	} else {
		att = -ENOTSUP;
	}
	ppc_write(path, old);
	return att;
}

static int attach_limited(int dev, const struct ppc_attach *args,
			  const char *limit, const char *value)
{
	return ioctl_limited(dev, PPC_IOC_ATTACH, args, limit, value);
}

TEST_F(input, user_files)
{
	int fds[3] = { self->fd, self->fd, self->fd }, att, more;

	self->args.fds = (uintptr_t)fds;
	self->args.nr_fds = 3;
	EXPECT_EQ(-EDQUOT, attach_limited(self->dev, &self->args,
					  "files", "2"));
	self->args.nr_fds = 2;
	att = attach_limited(self->dev, &self->args, "files", "2");
	ASSERT_LE(0, att);
	self->args.nr_fds = 1;
	EXPECT_EQ(-EDQUOT, attach_limited(self->dev, &self->args,
					  "files", "2"));
	/* What is detached counts no more. */
	ASSERT_EQ(0, ppc_detach(att));
	more = attach_limited(self->dev, &self->args, "files", "1");
	EXPECT_LE(0, more);
	ASSERT_EQ(0, ppc_detach(more));
	/* The limit does not bind who may lift it. */
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
}

TEST_F(input, user_files_added)
{
	int att = attach_limited(self->dev, &self->args, "files", "1");
	struct ppc_files files = { (uintptr_t)&self->fd, 1, 0 };

	ASSERT_LE(0, att);
	EXPECT_EQ(-EDQUOT, ioctl_limited(att, PPC_IOC_ADD_FILES, &files,
					 "files", "1"));
	EXPECT_EQ(1, files_of(att));
	EXPECT_EQ(0, ioctl_limited(att, PPC_IOC_ADD_FILES, &files,
				   "files", "2"));
	EXPECT_EQ(2, files_of(att));
	EXPECT_EQ(0, ppc_detach(att));
}

static int open_switches(void *arg)
{
	static const char *const names[] = { "enabled", "attach" };
	unsigned int i;
	char path[128];

	if (setuid(PPC_UID))
		return 1;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), PPC_SYSFS "%s", names[i]);
		if (open(path, O_WRONLY) >= 0 || errno != EACCES)
			return 2 + i;
	}
	return 0;
}

TEST_F(input, switches_are_roots)
{
	EXPECT_EQ(0, ppc_in_child(open_switches, NULL));
}

TEST_F(input, user_attachments)
{
	int att = attach_limited(self->dev, &self->args,
				 "attachments", "1");

	ASSERT_LE(0, att);
	EXPECT_EQ(-EDQUOT, attach_limited(self->dev, &self->args,
					  "attachments", "1"));
	ASSERT_EQ(0, ppc_detach(att));
	att = attach_limited(self->dev, &self->args, "attachments", "1");
	ASSERT_LE(0, att);
	ASSERT_EQ(0, ppc_detach(att));
	att = attach_limited(self->dev, &self->args, "attachments", "0");
	EXPECT_EQ(-EDQUOT, att);
	if (att >= 0)
		ppc_detach(att);
}

/* As many streams as may be had, or what the last one failed with. */
static int streams_of(int att)
{
	const struct ppc_test_range r = { .len = MB };
	int nr = 0, err;

	do
		err = ppc_stream(att, &r, 1, -1, false, false, 0);
	while (err >= 0 && ++nr < 100);
	return err < 0 && err != -EDQUOT ? err : nr;
}

TEST_F(input, policy_state)
{
	char limit[32];
	int att, i;

	ASSERT_EQ(0, ppc_read_text(PPC_LIMITS "state", limit, sizeof(limit)));
	ASSERT_EQ(0, ppc_write(PPC_LIMITS "state", "64"));
	/* None is counted any more when it is gone. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ppc_become(PPC_UID));
		att = ppc_attach_one(self->fd);
		ASSERT_EQ(0, ppc_become(0));
		ASSERT_LE(0, att);
		EXPECT_EQ(64, streams_of(att));
		ASSERT_EQ(0, ppc_detach(att));
	}
	/* The limit does not bind who may lift it. */
	att = ppc_attach_one(self->fd);
	ASSERT_LE(0, att);
	EXPECT_EQ(100, streams_of(att));
	EXPECT_EQ(0, ppc_detach(att));
	EXPECT_EQ(0, ppc_write(PPC_LIMITS "state", limit));
}

TEST_F(input, out_of_fds)
{
	struct rlimit old, none = { 0 };
	long attached = ppc_param("attached"), detached = ppc_param("detached");
	int att;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none.rlim_max = old.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(-EMFILE, att);
	EXPECT_TRUE(PPC_WAIT(ppc_param("attached") - attached ==
			     ppc_param("detached") - detached));
}

TEST_F(input, kill_switch)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	struct ppc_features features;

	ASSERT_LE(0, att);
	ASSERT_EQ(0, ppc_write(PPC_SYSFS "enabled", "0"));
	EXPECT_EQ(EOPNOTSUPP, attach_error(self->dev, &self->args));
	EXPECT_EQ(-EOPNOTSUPP, add_error(att, &self->fd, 1, 0));
	EXPECT_EQ(1, files_of(att));
	EXPECT_EQ(0, ioctl(self->dev, PPC_IOC_FEATURES, &features));
	EXPECT_EQ(0, features.enabled);
	EXPECT_EQ(0, ppc_drop(self->fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, MB));
	EXPECT_EQ(0, ppc_count_all(att));

	EXPECT_EQ(0, ppc_write(PPC_SYSFS "enabled", "1"));
	EXPECT_EQ(0, ppc_drop(self->fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, MB));
	EXPECT_LT(0, ppc_count_all(att));
	EXPECT_EQ(-EINVAL, ppc_write(PPC_SYSFS "enabled", "maybe"));
	EXPECT_EQ(0, attach_error(self->dev, &self->args));
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, switched_off_while_reading_ahead)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	int stream;

	ASSERT_LE(0, att);
	stream = ppc_stream_one(att, 0, MB, false, false, 0);
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_write(PPC_SYSFS "enabled", "0"));
	ppc_feed(att, stream, TEST_MISS, 0, 4096);
	EXPECT_EQ(0, ppc_settled(att));
	EXPECT_EQ(0, ppc_write(PPC_SYSFS "enabled", "1"));
	/* It was the switch that it did not read. */
	ppc_feed(att, stream, TEST_MISS, 0, 4096);
	EXPECT_EQ(MB, ppc_settled(att));
	EXPECT_EQ(0, ppc_detach(att));
}

TEST_F(input, registration)
{
	char text[4096];

	EXPECT_EQ(-EINVAL, ppc_param("reg_empty"));
	EXPECT_EQ(-EINVAL, ppc_param("reg_unterminated"));
	EXPECT_EQ(-EINVAL, ppc_param("reg_slash"));
	EXPECT_EQ(-EINVAL, ppc_param("reg_nothing"));
	EXPECT_EQ(-EEXIST, ppc_param("reg_twice"));
	ASSERT_EQ(0, ppc_read_text(PPC_SYSFS "policies", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "test\n"));
	EXPECT_NE(NULL, strstr(text, "test-bare\n"));
	EXPECT_EQ(NULL, strstr(text, "test-nothing"));
}

TEST_F(input, stream_ranges)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args), i;
	struct ppc_test_range r[3] = { { .len = 4096 }, { .pos = 4096, .len = 1 } };

	ASSERT_LE(0, att);
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 0, -1, 0, 0, 0));
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -2, 0, 0, 0));
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, 1 << 20, 0, 0, 0));
	r[1].pos = 4095;
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 2, -1, 0, 0, 0));
	r[1].pos = 0;
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 2, -1, 0, 0, 0));
	r[0].len = 0;
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0].len = ~0ULL;
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0].pos = ~0ULL;
	r[0].len = 2;
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0] = (struct ppc_test_range){ .len = 4096, .reserved = 1 };
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0] = (struct ppc_test_range){ .len = 4096, .file = 1 };
	EXPECT_EQ(-ENOENT, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0] = (struct ppc_test_range){ .len = 1ULL << 60 };
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));
	r[0] = (struct ppc_test_range){ .pos = 1ULL << 40, .len = 4096 };
	EXPECT_EQ(-EINVAL, ppc_stream(att, r, 1, -1, 0, 0, 0));

	r[0] = (struct ppc_test_range){ .len = 4096 };
	for (i = 0; i < PPC_TEST_STREAMS; i++)
		if (ppc_stream(att, r, 1, -1, 0, 0, 0) != i)
			break;
	EXPECT_EQ(1024, i);
	EXPECT_EQ(-ENOSPC, ppc_stream(att, r, 1, -1, 0, 0, 0));
	EXPECT_EQ(0, ppc_stream_op(att, 17, TEST_STREAM_DESTROY));
	EXPECT_LE(0, ppc_stream(att, r, 1, -1, 0, 0, 0));
	EXPECT_EQ(0, ppc_detach(att));
	EXPECT_EQ(0, ppc_param("stray"));
}

TEST_F(input, fdinfo)
{
	int att = attach_raw(self->dev, PPC_IOC_ATTACH, &self->args);
	char path[64], text[4096], line[300];

	ASSERT_LE(0, att);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", att);
	snprintf(line, sizeof(line), "ppc-file-0:\t%s\n", self->path);
	ASSERT_EQ(0, ppc_read_text(path, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "ppc-policy:\ttest\n"));
	EXPECT_NE(NULL, strstr(text, "ppc-files:\t1\n"));
	/* Why its file system is busy. */
	EXPECT_NE(NULL, strstr(text, line));
	ASSERT_EQ(0, ioctl(att, PPC_IOC_DETACH));
	ASSERT_EQ(0, ppc_read_text(path, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "ppc-file-0"));
	EXPECT_NE(NULL, strstr(text, "ppc-policy:\ttest\n"));
	close(att);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
