// SPDX-License-Identifier: GPL-2.0
/*
 * On overlayfs, the pages are those of the file below; once that has been
 * copied up, the attachment is of no file that anybody reads.
 */
#include <sys/mount.h>

#include "ppc_harness.h"

#define SIZE	(8 * MB)
#define PAGE	4096ULL

FIXTURE(overlay) {
	char dir[200];
	char lower[256];
	char merged[256];
	bool mounted;
	int fd;
	int lower_fd;
	int att;
};

FIXTURE_VARIANT(overlay) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(overlay, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(overlay, xfs) { .fs = "xfs" };

FIXTURE_SETUP(overlay)
{
	char path[300], options[1024];

	self->att = -1;
	self->fd = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(path, sizeof(path), "cd %s && mkdir -p l u w m", self->dir);
	ASSERT_EQ(0, system(path));
	snprintf(self->lower, sizeof(self->lower), "%s/l/file", self->dir);
	snprintf(self->merged, sizeof(self->merged), "%s/m/file", self->dir);
	self->lower_fd = ppc_make_file(self->lower, SIZE);
	ASSERT_LE(0, self->lower_fd);
	snprintf(options, sizeof(options), "metacopy=on,lowerdir=%s/l,upperdir=%s/u,workdir=%s/w",
		 self->dir, self->dir, self->dir);
	snprintf(path, sizeof(path), "%s/m", self->dir);
	if (mount("overlay", path, "overlay", 0, options))
		SKIP(return, "no overlayfs: %s", strerror(errno));
	self->mounted = true;
	self->fd = open(self->merged, O_RDONLY);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
}

/* The last reference to a mount may be put a moment after the last close. */
static bool unmounted(const char *path)
{
	return PPC_WAIT(!umount(path));
}

FIXTURE_TEARDOWN(overlay)
{
	char command[600];

	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	close(self->lower_fd);
	snprintf(command, sizeof(command), "%s/m", self->dir);
	if (self->mounted)
		EXPECT_TRUE(unmounted(command));
	snprintf(command, sizeof(command), "cd %s && rm -rf l u w m", self->dir);
	system(command);
}

TEST_F(overlay, events)
{
	struct ppc_test_counts c;
	char *map;

	ASSERT_EQ((long)PAGE, ppc_read(self->fd, MB, PAGE, PAGE));
	c = ppc_counts(self->att);
	EXPECT_EQ(1, c.accesses[TEST_MISS]);
	EXPECT_EQ(MB, c.last_pos);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	c = ppc_counts(self->att);
	EXPECT_LT(0, c.accesses[TEST_MARKER]);
	EXPECT_EQ(SIZE / MB, c.accesses[TEST_CONSUME]);
	ASSERT_EQ(0, ppc_drop(self->lower_fd));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ppc_touch(map, 3 * MB, 1);
	EXPECT_EQ(1, ppc_counts(self->att).accesses[TEST_FAULT_MISS]);
	munmap(map, SIZE);
}

/* Who owns the overlay's file need not own the one with the data, which others share. */
TEST_F(overlay, owner_of_the_metadata)
{
	int fd, att;

	ASSERT_EQ(0, chown(self->merged, PPC_UID, PPC_UID));
	fd = open(self->merged, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ppc_become(PPC_UID));
	att = ppc_attach_one(fd);
	ASSERT_EQ(0, ppc_become(0));
	EXPECT_EQ(-EPERM, att);
	/* Then it owns both. */
	ASSERT_EQ(0, chown(self->lower, PPC_UID, PPC_UID));
	ASSERT_EQ(0, ppc_become(PPC_UID));
	att = ppc_attach_one(fd);
	ASSERT_EQ(0, ppc_become(0));
	ASSERT_LE(0, att);
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
}

/* The same pages, by another name. */
TEST_F(overlay, below)
{
	ASSERT_EQ(-1, ppc_verify(self->lower_fd, 0, SIZE));
	EXPECT_LT(0, ppc_counts(self->att).accesses[TEST_MISS]);
}

TEST_F(overlay, read_ahead_and_burn)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, 0);
	struct ppc_stats stats;

	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	EXPECT_EQ((long)(SIZE / PAGE), ppc_cached_all(self->lower_fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->lower_fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(SIZE, stats.burned_bytes);
}

/* Nothing is read from a device of ours there: stock knows better. */
static int attach_over(const char *dir, const char *lower, const char *name)
{
	char options[600], path[300];
	int fd, att;

	snprintf(options, sizeof(options), "lowerdir=%s:%s/l", lower, dir);
	snprintf(path, sizeof(path), "%s/n", dir);
	mkdir(path, 0755);
	if (mount("overlay", path, "overlay", MS_RDONLY, options))
		return -errno;
	snprintf(options, sizeof(options), "%s/%s", path, name);
	fd = open(options, O_RDONLY);
	att = fd < 0 ? -errno : ppc_attach_one(fd);
	if (att >= 0)
		ppc_detach(att);
	close(fd);
	if (!unmounted(path))
		att = -EBUSY;
	rmdir(path);
	return att;
}

TEST_F(overlay, of_tmpfs)
{
	char dir[300], path[400];

	snprintf(dir, sizeof(dir), "%s/t", self->dir);
	ASSERT_EQ(0, mkdir(dir, 0755));
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", 0, NULL));
	snprintf(path, sizeof(path), "%s/in-memory", dir);
	close(ppc_make_hole(path, MB));
	EXPECT_EQ(-EOPNOTSUPP, attach_over(self->dir, dir, "in-memory"));
	EXPECT_TRUE(unmounted(dir));
	rmdir(dir);
}

/* A writable directory that another machine serves. */
static bool served_by_others(char *dir)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char type[64];
	bool found = false;

	while (mounts && !found &&
	       fscanf(mounts, "%*s %199s %63s %*[^\n]", dir, type) == 2)
		found = (!strcmp(type, "9p") || !strncmp(type, "nfs", 3) ||
			 !strncmp(type, "fuse", 4)) && !access(dir, W_OK);
	if (mounts)
		fclose(mounts);
	return found;
}

TEST_F(overlay, of_the_network)
{
	char dir[200], path[256];

	if (!served_by_others(dir))
		SKIP(return, "no network file system is mounted");
	snprintf(path, sizeof(path), "%s/ppc-overlay", dir);
	close(ppc_make_file(path, MB));
	EXPECT_EQ(-EOPNOTSUPP, attach_over(self->dir, dir, "ppc-overlay"));
	unlink(path);
}

TEST_F(overlay, copied_up)
{
	/* Not fed: copying up reads the file below, too. */
	int stream = ppc_stream_one(self->att, 0, SIZE, false, false, 0), fd;
	struct ppc_stats stats;
	char buf[PAGE];

	ASSERT_LE(0, stream);
	fd = open(self->merged, O_RDWR);
	ASSERT_LE(0, fd);
	memset(buf, 0x33, sizeof(buf));
	ASSERT_EQ((ssize_t)PAGE, pwrite(fd, buf, PAGE, MB));
	ASSERT_EQ(0, ppc_drop(self->lower_fd));
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.stopped_files);
	EXPECT_EQ(0, stats.prefetched_bytes);
	EXPECT_EQ(0, ppc_cached_all(self->lower_fd));
	/* What is read is what was written. */
	ASSERT_EQ((ssize_t)PAGE, pread(fd, buf, PAGE, MB));
	EXPECT_EQ(0x33, buf[7]);
	EXPECT_EQ(-1, ppc_verify(fd, 0, MB));
	EXPECT_EQ(-1, ppc_verify(fd, MB + PAGE, SIZE - MB - PAGE));
	close(fd);
	/* And it can be attached anew, as what it is now. */
	ASSERT_EQ(0, ppc_detach(self->att));
	fd = open(self->merged, O_RDONLY);
	self->att = ppc_attach_one(fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, fsync(fd));
	ASSERT_EQ(-1, ppc_verify(fd, 0, MB));
	EXPECT_LT(0, ppc_count_all(self->att));
	close(fd);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
