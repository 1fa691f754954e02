// SPDX-License-Identifier: GPL-2.0
/*
 * A block device under a file system that can be made to hang or to fail:
 * ext4 on a device-mapper device, which can be suspended, on a null_blk
 * device, which can have bad blocks.
 */
#include <linux/dm-ioctl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "ppc_dm.h"
#include "ppc_util.h"

#define NULLB	"/sys/kernel/config/nullb/"

static int set(const char *name, const char *attr, const char *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), NULLB "%s/%s", name, attr);
	return ppc_write(path, value);
}

static int dm(struct ppc_disk *disk, unsigned long cmd, unsigned int flags,
	      const char *table)
{
	struct {
		struct dm_ioctl head;
		struct dm_target_spec spec;
		char params[128];
	} args = {
		.head = {
			.version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(args),
			.data_start = sizeof(args.head),
			.flags = flags,
		},
	};
	int fd = open("/dev/mapper/control", O_RDWR), ret;
	unsigned long long sectors;
	char path[64];

	if (fd < 0)
		return -errno;
	snprintf(args.head.name, sizeof(args.head.name), "%s", disk->name);
	if (table) {
		int dev;

		snprintf(path, sizeof(path), "/dev/%s", disk->name);
		dev = open(path, O_RDONLY);
		if (dev < 0 || ioctl(dev, BLKGETSIZE64, &sectors)) {
			close(fd);
			return -ENODEV;
		}
		close(dev);
		args.head.target_count = 1;
		args.spec.length = sectors / 512;
		snprintf(args.spec.target_type, sizeof(args.spec.target_type),
			 "%s", table);
		snprintf(args.params, sizeof(args.params), "%s 0", path);
	}
	ret = ioctl(fd, cmd, &args) ? -errno : 0;
	disk->minor = minor(args.head.dev);
	close(fd);
	return ret;
}

/* A disk, mounted; @disk->minor is -1 if there is no device mapper for it. */
int ppc_disk_make(struct ppc_disk *disk, unsigned int mb)
{
	char command[512], dev[64];
	int err;

	disk->minor = -1;
	disk->watch = -1;
	snprintf(disk->name, sizeof(disk->name), "ppcdm%d", getpid());
	snprintf(disk->dir, sizeof(disk->dir), "/tmp/%s", disk->name);
	snprintf(command, sizeof(command), NULLB "%s", disk->name);
	if (mkdir(command, 0755))
		return -errno;
	snprintf(dev, sizeof(dev), "%u", mb);
	err = set(disk->name, "size", dev) ?: set(disk->name, "blocksize", "4096") ?:
	      set(disk->name, "memory_backed", "1") ?:
	      set(disk->name, "power", "1");
	if (err)
		return err;

	if (access("/dev/mapper/control", F_OK)) {
		mkdir("/dev/mapper", 0755);
		mknod("/dev/mapper/control", S_IFCHR | 0600, makedev(10, 236));
	}
	err = dm(disk, DM_DEV_CREATE, 0, NULL);
	if (!err) {
		snprintf(dev, sizeof(dev), "/dev/dm-%d", disk->minor);
		err = dm(disk, DM_TABLE_LOAD, 0, "linear") ?:
		      dm(disk, DM_DEV_SUSPEND, 0, NULL);
	}
	if (err)
		return err;
	mkdir(disk->dir, 0755);
	snprintf(command, sizeof(command),
		 "mkfs.ext4 -q -b 4096 -m 0 -E nodiscard %s >&2 && mount -t ext4 %s %s >&2",
		 dev, dev, disk->dir);
	return system(command) ? -EIO : 0;
}

void ppc_disk_remove(struct ppc_disk *disk)
{
	char path[PATH_MAX];
	int i;

	if (disk->minor >= 0)
		ppc_disk_resume(disk);
	for (i = 0; umount(disk->dir) && errno == EBUSY && i < 100; i++)
		usleep(200000);
	rmdir(disk->dir);
	for (i = 0; dm(disk, DM_DEV_REMOVE, 0, NULL) == -EBUSY && i < 100; i++)
		usleep(200000);
	set(disk->name, "power", "0");
	snprintf(path, sizeof(path), NULLB "%s", disk->name);
	rmdir(path);
}

/*
 * If the test dies, be it by SIGKILL to all of its group, the device must not
 * hang for ever: it would take every sync() with it.
 */
static int watch_over(struct ppc_disk *disk)
{
	int pipes[2];
	pid_t pid;
	char c;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		setsid();
		close(pipes[1]);
		if (read(pipes[0], &c, 1) == 0)
			ppc_disk_resume(disk);
		_exit(0);
	}
	close(pipes[0]);
	disk->watch = pipes[1];
	return pid < 0 ? -errno : 0;
}

/* From now on, whatever is read or written has to wait. */
int ppc_disk_suspend(struct ppc_disk *disk)
{
	return watch_over(disk) ?: dm(disk, DM_DEV_SUSPEND, DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG |
		  DM_NOFLUSH_FLAG, NULL);
}

int ppc_disk_resume(struct ppc_disk *disk)
{
	/* Who watches it may go. */
	if (disk->watch > 0 && write(disk->watch, "x", 1) == 1)
		close(disk->watch);
	disk->watch = -1;
	return dm(disk, DM_DEV_SUSPEND, 0, NULL);
}

/* Part of the device goes bad, or well again. */
int ppc_disk_badblocks(struct ppc_disk *disk, __u64 byte, __u64 len, int bad)
{
	char range[64];

	snprintf(range, sizeof(range), "%c%llu-%llu", bad ? '+' : '-',
		 (unsigned long long)byte / 512,
		 (unsigned long long)(byte + len) / 512 - 1);
	return set(disk->name, "badblocks", range);
}

/* Where a byte of a file lies on its device. */
__s64 ppc_file_on_disk(int fd, __u64 pos)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} args = {
		.map = {
			.fm_start = pos,
			.fm_length = 4096,
			.fm_extent_count = 1,
			.fm_flags = FIEMAP_FLAG_SYNC,
		},
	};

	if (ioctl(fd, FS_IOC_FIEMAP, &args) || !args.map.fm_mapped_extents)
		return -1;
	return args.extent.fe_physical + pos - args.extent.fe_logical;
}
