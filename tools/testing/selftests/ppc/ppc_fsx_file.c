// SPDX-License-Identifier: GPL-2.0
/*
 * A file exerciser: the file itself, and the comparison with its shadow.
 */
#include <sys/mount.h>

#include "ppc_disturb.h"
#include "ppc_fsx.h"

__u64 fsx_random(struct fsx *f, __u64 end)
{
	return ppc_random(&f->random, end);
}

/* The byte as there are ways to read it: is it the cache or the disk? */
static void show_byte(struct fsx *f, __u64 pos)
{
	const __u64 page = pos & ~(FSX_PAGE - 1);
	__u8 byte = 0;

	printf("# cached pages of 2 MiB around it: %ld\n",
	       ppc_cached(f->fd, pos & ~(2 * MB - 1), 2 * MB));
	if (pread(f->fd, &byte, 1, pos) == 1)
		printf("# read again: 0x%02x\n", byte);
	if (page < f->size)
		printf("# mapped: 0x%02x\n", f->map[pos]);
	if (pread(f->direct, f->buf, FSX_PAGE, page) > (ssize_t)(pos - page))
		printf("# on disk: 0x%02x\n", f->buf[pos - page]);
}

/* Is this what the file has? 0, or -EILSEQ after a report. */
long fsx_check(struct fsx *f, const void *is, __u64 pos, __u64 len)
{
	const __u8 *byte = is;
	__u64 at, bad = 0;

	if (!memcmp(is, f->shadow + pos, len))
		return 0;
	for (at = len; at--;)
		bad += byte[at] != f->shadow[pos + at];
	for (at = 0; byte[at] == f->shadow[pos + at] && at < len - 1; at++)
		;
	printf("# wrong: byte %llu is 0x%02x and should be 0x%02x; %llu of the %llu bytes from %llu are\n",
	       pos + at, byte[at], f->shadow[pos + at], bad, len, pos);
	f->wrong = true;
	show_byte(f, pos + at);
	printf("# last operations, those on the byte marked:\n");
	for (__u64 i = f->nr < FSX_LOG ? 0 : f->nr - FSX_LOG + 1; i <= (__u64)f->nr; i++) {
		const struct fsx_log *l = &f->log[i % FSX_LOG];

		printf("# %c %ld %s %llu+%llu (size %llu): %ld\n",
		       pos + at >= l->pos && pos + at < l->pos + l->len ? '*' : ' ',
		       l->nr, l->name, l->pos, l->len, l->size, l->ret);
	}
	return -EILSEQ;
}

/* By read() or by the mapping. */
long fsx_check_all(struct fsx *f)
{
	const bool mapped = fsx_random(f, 2);
	struct stat st;
	__u64 pos;
	long err;

	if (fstat(f->fd, &st))
		return -errno;
	if ((__u64)st.st_size != f->size) {
		printf("# wrong: size is %llu and should be %llu\n",
		       (__u64)st.st_size, f->size);
		f->wrong = true;
		return -EILSEQ;
	}
	for (pos = 0; pos < f->size; pos += MB) {
		__u64 len = f->size - pos < MB ? f->size - pos : MB;

		if (!mapped && pread(f->fd, f->buf, len, pos) != (ssize_t)len)
			return errno ? -errno : -EIO;
		err = fsx_check(f, mapped ? f->map + pos : f->buf, pos, len);
		if (err)
			return err;
	}
	return 0;
}

int fsx_open(struct fsx *f)
{
	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	f->direct = open(f->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (f->fd < 0 || f->direct < 0)
		return -errno;
	f->map = mmap(NULL, FSX_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	return f->map == MAP_FAILED ? -errno : 0;
}

/* What there is to begin with. */
int fsx_fill(struct fsx *f, __u64 size)
{
	for (f->size = 0; f->size < size; f->size += 8)
		*(__u64 *)(f->shadow + f->size) = fsx_random(f, 0);
	if (pwrite(f->fd, f->shadow, size, 0) != (ssize_t)size || fsync(f->fd))
		return errno ? -errno : -EIO;
	return 0;
}

void fsx_close(struct fsx *f)
{
	if (f->map != MAP_FAILED)
		munmap(f->map, FSX_MAX);
	f->map = MAP_FAILED;
	close(f->direct);
	close(f->fd);
}

static int mount_source(const char *dir, char *source, char *type)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char line[1024], at[512];
	int err = -ENOENT;

	while (mounts && err && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%255s %511s %31s", source, at, type) == 3 &&
		    !strcmp(at, dir))
			err = 0;
	if (mounts)
		fclose(mounts);
	return err;
}

/* The last reference to a mount may be put a moment after the last close. */
static int unmount(const char *dir)
{
	const time_t until = time(NULL) + PPC_PATIENCE / 4;

	while (umount(dir)) {
		if (errno != EBUSY || time(NULL) > until)
			return -errno;
		usleep(20000);
	}
	return 0;
}

int fsx_remount(struct fsx *f)
{
	char source[256], type[32];
	int err = mount_source(f->dir, source, type);

	if (err)
		return err;
	err = f->before_umount(f->arg);
	fsx_close(f);
	if (!err)
		err = unmount(f->dir);
	if (!err && mount(source, f->dir, type, 0, NULL))
		err = -errno;
	if (!err)
		err = fsx_open(f);
	f->after_mount(f->arg);
	return err;
}
