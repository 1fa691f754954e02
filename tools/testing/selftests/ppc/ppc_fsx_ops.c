// SPDX-License-Identifier: GPL-2.0
/*
 * A file exerciser: the operations, each of them done to the file and to its
 * shadow in memory.
 */
#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "kselftest.h"
#include "ppc_fsx.h"

/* A pipe takes so much at once. */
#define SPLICE_MAX	(64 * KB)

static __u64 down(__u64 x)
{
	return x & ~(FSX_PAGE - 1);
}

static __u64 clip(const struct fsx *f, __u64 pos, __u64 len)
{
	if (pos >= f->size)
		return 0;
	return len < f->size - pos ? len : f->size - pos;
}

/* No operation may come out short, but where it says so. */
static long whole(ssize_t ret, __u64 want)
{
	if (ret < 0)
		return -errno;
	return (__u64)ret == want ? 0 : -EIO;
}

/* New bytes to write, like no others. */
static const __u8 *news(struct fsx *f, __u64 len)
{
	__u64 *word = (__u64 *)f->buf, i;

	for (i = 0; i < (len + 7) / 8; i++)
		word[i] = fsx_random(f, 0);
	return f->buf;
}

static void grow(struct fsx *f, __u64 end)
{
	if (end > f->size)
		f->size = end;
}

/* The file has these bytes now. */
static void wrote(struct fsx *f, __u64 pos, __u64 len)
{
	memcpy(f->shadow + pos, f->buf, len);
	grow(f, pos + len);
}

static void zeroed(struct fsx *f, __u64 pos, __u64 len)
{
	memset(f->shadow + pos, 0, clip(f, pos, len));
}

static long op_read(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 want = clip(f, pos, len);
	long err;

	if (lseek(f->fd, pos, SEEK_SET) < 0)
		return -errno;
	err = whole(read(f->fd, f->buf, len), want);
	return err ?: fsx_check(f, f->buf, pos, want);
}

static long op_pread(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 want = clip(f, pos, len);
	long err = whole(pread(f->fd, f->buf, len, pos), want);

	return err ?: fsx_check(f, f->buf, pos, want);
}

/* In two pieces. */
static ssize_t vector(struct fsx *f, bool out, __u64 pos, __u64 len, int flags)
{
	const __u64 half = len / 3;
	struct iovec iov[2] = {
		{ f->buf, half },
		{ f->buf + half, len - half },
	};

	return out ? pwritev2(f->fd, iov, 2, pos, flags) :
		     preadv2(f->fd, iov, 2, pos, flags);
}

static long op_dontcache_read(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 want = clip(f, pos, len);
	long err = whole(vector(f, false, pos, len, RWF_DONTCACHE), want);

	return err ?: fsx_check(f, f->buf, pos, want);
}

/* What is cached, and no more. */
static long op_nowait_read(struct fsx *f, __u64 pos, __u64 len)
{
	ssize_t n = vector(f, false, pos, len, RWF_NOWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if ((__u64)n > clip(f, pos, len))
		return -EIO;
	return fsx_check(f, f->buf, pos, n);
}

/* The end of the last page is zero, as nobody has written there. */
static long check_mapped(struct fsx *f, const __u8 *map, __u64 pos, __u64 len)
{
	__u64 end = pos + len;

	if (end == f->size)
		end = down(end + FSX_PAGE - 1);
	return fsx_check(f, map, pos, end - pos);
}

static long op_map_read(struct fsx *f, __u64 pos, __u64 len)
{
	len = clip(f, pos, len);
	return len ? check_mapped(f, f->map + pos, pos, len) : 0;
}

static long op_map_write(struct fsx *f, __u64 pos, __u64 len)
{
	len = clip(f, pos, len);
	memcpy(f->map + pos, news(f, len), len);
	wrote(f, pos, len);
	return 0;
}

/* A mapping that comes and goes; its pages come by other ways. */
static long new_map(struct fsx *f, __u64 pos, __u64 len, bool out, int flags)
{
	const __u64 start = down(pos);
	__u8 *map;
	long err = 0;

	len = clip(f, pos, len);
	if (!len)
		return 0;
	map = mmap(NULL, pos + len - start, out ? PROT_WRITE : PROT_READ,
		   MAP_SHARED | flags, f->fd, start);
	if (map == MAP_FAILED)
		return -errno;
	if (out) {
		memcpy(map + (pos - start), news(f, len), len);
		wrote(f, pos, len);
	} else {
		err = check_mapped(f, map + (pos - start), pos, len);
	}
	munmap(map, pos + len - start);
	return err;
}

static long op_new_map_read(struct fsx *f, __u64 pos, __u64 len)
{
	return new_map(f, pos, len, false, pos & 1 ? MAP_POPULATE : 0);
}

static long op_new_map_write(struct fsx *f, __u64 pos, __u64 len)
{
	return new_map(f, pos, len, true, 0);
}

/* A private copy stays what it is, whatever is dropped below it. */
static long op_private_map(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 start = down(pos);
	long err = 0;
	__u8 *map;

	len = clip(f, pos, len < 256 * KB ? len : 256 * KB);
	if (!len)
		return 0;
	map = mmap(NULL, pos + len - start, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		   f->fd, start);
	if (map == MAP_FAILED)
		return -errno;
	memcpy(map + (pos - start), news(f, len), len);
	usleep(1000);
	if (memcmp(map + (pos - start), f->buf, len)) {
		printf("# a private copy has changed\n");
		f->wrong = true;
	}
	/* Back to what the file has. */
	if (madvise(map, pos + len - start, MADV_DONTNEED))
		err = -errno;
	err = err ?: check_mapped(f, map + (pos - start), pos, len);
	munmap(map, pos + len - start);
	return err;
}

static long op_msync(struct fsx *f, __u64 pos, __u64 len)
{
	static const int flags[] = { MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE };
	const __u64 start = down(pos);

	len = clip(f, pos, len);
	if (!len)
		return 0;
	return msync(f->map + start, pos + len - start,
		     flags[fsx_random(f, 3)]) ? -errno : 0;
}

/* What a write has returned. */
static long written(struct fsx *f, ssize_t ret, __u64 pos, __u64 len)
{
	long err = whole(ret, len);

	if (!err)
		wrote(f, pos, len);
	return err;
}

static long op_write(struct fsx *f, __u64 pos, __u64 len)
{
	return written(f, pwrite(f->fd, news(f, len), len, pos), pos, len);
}

static long op_append(struct fsx *f, __u64 pos, __u64 len)
{
	return f->size + len > FSX_MAX ? 0 : op_write(f, f->size, len);
}

static long op_overwrite(struct fsx *f, __u64 pos, __u64 len)
{
	len = clip(f, pos, len);
	return len ? op_write(f, pos, len) : 0;
}

static long op_dontcache_write(struct fsx *f, __u64 pos, __u64 len)
{
	news(f, len);
	return written(f, vector(f, true, pos, len, RWF_DONTCACHE), pos, len);
}

static long op_nowait_write(struct fsx *f, __u64 pos, __u64 len)
{
	ssize_t n;

	len = clip(f, pos, len);
	news(f, len);
	n = vector(f, true, pos, len, RWF_NOWAIT);
	/* How the VFS says that there is no such write: f2fs. */
	if (n < 0 && errno == EINVAL)
		return -EOPNOTSUPP;
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	wrote(f, pos, n);
	return 0;
}

static long op_direct_read(struct fsx *f, __u64 pos, __u64 len)
{
	__u64 want;
	long err;

	pos = down(pos);
	len = down(len + FSX_PAGE - 1);
	want = clip(f, pos, len);
	err = whole(pread(f->direct, f->buf, len, pos), want);
	return err ?: fsx_check(f, f->buf, pos, want);
}

static long direct_write(struct fsx *f, __u64 pos, __u64 len)
{
	return written(f, pwrite(f->direct, news(f, len), len, pos), pos, len);
}

static long op_direct_write(struct fsx *f, __u64 pos, __u64 len)
{
	pos = down(pos);
	len = down(len + FSX_PAGE - 1);
	return pos + len > FSX_MAX ? 0 : direct_write(f, pos, len);
}

static long op_direct_overwrite(struct fsx *f, __u64 pos, __u64 len)
{
	pos = down(pos);
	len = down(clip(f, pos, len));
	return len ? direct_write(f, pos, len) : 0;
}

static long op_truncate(struct fsx *f, __u64 pos, __u64 len)
{
	if (ftruncate(f->fd, pos))
		return -errno;
	if (pos < f->size)
		memset(f->shadow + pos, 0, f->size - pos);
	f->size = pos;
	return 0;
}

static long op_truncate_up(struct fsx *f, __u64 pos, __u64 len)
{
	return f->size + len > FSX_MAX ? 0 : op_truncate(f, f->size + len, 0);
}

static long op_allocate(struct fsx *f, __u64 pos, __u64 len)
{
	if (fallocate(f->fd, 0, pos, len))
		return -errno;
	grow(f, pos + len);
	return 0;
}

static long op_allocate_keep(struct fsx *f, __u64 pos, __u64 len)
{
	return fallocate(f->fd, FALLOC_FL_KEEP_SIZE, pos, len) ? -errno : 0;
}

static long op_punch(struct fsx *f, __u64 pos, __u64 len)
{
	if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len))
		return -errno;
	zeroed(f, pos, len);
	return 0;
}

static long op_zero(struct fsx *f, __u64 pos, __u64 len)
{
	if (fallocate(f->fd, FALLOC_FL_ZERO_RANGE, pos, len))
		return -errno;
	zeroed(f, pos, len);
	grow(f, pos + len);
	return 0;
}

static long op_zero_keep(struct fsx *f, __u64 pos, __u64 len)
{
	if (fallocate(f->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, pos, len))
		return -errno;
	zeroed(f, pos, len);
	return 0;
}

static long op_collapse(struct fsx *f, __u64 pos, __u64 len)
{
	pos = down(pos);
	len = down(len + FSX_PAGE - 1);
	if (pos + len >= f->size)
		return 0;
	if (fallocate(f->fd, FALLOC_FL_COLLAPSE_RANGE, pos, len))
		return -errno;
	memmove(f->shadow + pos, f->shadow + pos + len, f->size - pos - len);
	memset(f->shadow + f->size - len, 0, len);
	f->size -= len;
	return 0;
}

static long op_insert(struct fsx *f, __u64 pos, __u64 len)
{
	pos = down(pos);
	len = down(len + FSX_PAGE - 1);
	if (pos >= f->size || f->size + len > FSX_MAX)
		return 0;
	if (fallocate(f->fd, FALLOC_FL_INSERT_RANGE, pos, len))
		return -errno;
	memmove(f->shadow + pos + len, f->shadow + pos, f->size - pos);
	memset(f->shadow + pos, 0, len);
	f->size += len;
	return 0;
}

/* Empty the pipe, which has @n bytes. */
static long check_pipe(struct fsx *f, __u64 pos, ssize_t n, __u64 want)
{
	ssize_t done, got;

	if (n < 0)
		return -errno;
	if ((__u64)n > want || (want && !n))
		return -EIO;
	for (done = 0; done < n; done += got) {
		got = read(f->pipe[0], f->buf + done, n - done);
		if (got <= 0)
			return -EIO;
	}
	return fsx_check(f, f->buf, pos, n);
}

static long op_splice_read(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 want = clip(f, pos, len < SPLICE_MAX ? len : SPLICE_MAX);
	loff_t off = pos;

	if (!want)
		return 0;
	return check_pipe(f, pos, splice(f->fd, &off, f->pipe[1], NULL, want, 0), want);
}

static long op_sendfile(struct fsx *f, __u64 pos, __u64 len)
{
	const __u64 want = clip(f, pos, len < SPLICE_MAX ? len : SPLICE_MAX);
	off_t off = pos;

	if (!want)
		return 0;
	/* No more than fits, page by page. */
	if (fcntl(f->pipe[1], F_SETPIPE_SZ, 4 * SPLICE_MAX) < 0)
		return -errno;
	return check_pipe(f, pos, sendfile(f->pipe[1], f->fd, &off, want), want);
}

static long op_splice_write(struct fsx *f, __u64 pos, __u64 len)
{
	loff_t off = pos;
	__u64 done = 0;

	if (len > SPLICE_MAX)
		len = SPLICE_MAX;
	if (whole(write(f->pipe[1], news(f, len), len), len))
		return -EIO;
	while (done < len) {
		ssize_t n = splice(f->pipe[0], NULL, f->fd, &off, len - done, 0);

		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	wrote(f, pos, len);
	return 0;
}

/* From one place of the file to another. */
static long op_copy_range(struct fsx *f, __u64 pos, __u64 len)
{
	loff_t from = fsx_random(f, f->size + 1), to = pos;

	/* Whole pages may be shared where a file system can do that. */
	if (fsx_random(f, 2)) {
		from = down(from);
		to = down(to);
		len = down(len + FSX_PAGE - 1);
	}
	len = clip(f, from, len);
	while (len && !((__u64)from < to + len && (__u64)to < from + len)) {
		ssize_t n = copy_file_range(f->fd, &from, f->fd, &to, len, 0);

		if (n <= 0)
			return n ? -errno : -EIO;
		/* Both offsets have moved on. */
		memcpy(f->shadow + to - n, f->shadow + from - n, n);
		grow(f, to);
		len -= n;
	}
	return 0;
}

static long op_advise(struct fsx *f, __u64 pos, __u64 len)
{
	static const int advice[] = {
		POSIX_FADV_DONTNEED, POSIX_FADV_DONTNEED, POSIX_FADV_WILLNEED,
		POSIX_FADV_WILLNEED, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
		POSIX_FADV_NORMAL,
	};

	return -posix_fadvise(f->fd, pos, len, advice[fsx_random(f, 7)]);
}

static long op_readahead(struct fsx *f, __u64 pos, __u64 len)
{
	return readahead(f->fd, pos, len) ? -errno : 0;
}

static long op_fsync(struct fsx *f, __u64 pos, __u64 len)
{
	return (fsx_random(f, 2) ? fsync(f->fd) : fdatasync(f->fd)) ? -errno : 0;
}

/* All of it: what is clean may go. */
static long op_clean(struct fsx *f, __u64 pos, __u64 len)
{
	if (fsync(f->fd))
		return -errno;
	return -posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static long op_drop_caches(struct fsx *f, __u64 pos, __u64 len)
{
	return ppc_write("/proc/sys/vm/drop_caches", "1");
}

static long op_remount(struct fsx *f, __u64 pos, __u64 len)
{
	return fsx_remount(f) ?: fsx_check_all(f);
}

static long op_check_all(struct fsx *f, __u64 pos, __u64 len)
{
	return fsx_check_all(f);
}

const struct fsx_op fsx_ops[] = {
	{ "read", FSX_READ, 8, op_read },
	{ "pread", FSX_READ, 8, op_pread },
	{ "read-dontcache", FSX_READ, 4, op_dontcache_read },
	{ "read-nowait", FSX_READ, 4, op_nowait_read },
	{ "read-mapped", FSX_READ, 8, op_map_read },
	{ "read-new-map", FSX_READ, 4, op_new_map_read },
	{ "read-direct", FSX_READ, 4, op_direct_read },
	{ "read-splice", FSX_READ, 4, op_splice_read },
	{ "read-sendfile", FSX_READ, 4, op_sendfile },
	{ "private-map", FSX_READ, 2, op_private_map },
	{ "check-all", FSX_READ, 1, op_check_all },
	{ "overwrite", FSX_CHANGE, 8, op_overwrite },
	{ "write-nowait", FSX_CHANGE, 2, op_nowait_write },
	{ "write-mapped", FSX_CHANGE, 8, op_map_write },
	{ "write-new-map", FSX_CHANGE, 4, op_new_map_write },
	{ "overwrite-direct", FSX_CHANGE, 4, op_direct_overwrite },
	{ "punch", FSX_CHANGE, 4, op_punch },
	{ "zero-keep-size", FSX_CHANGE, 2, op_zero_keep },
	{ "allocate-keep-size", FSX_CHANGE, 2, op_allocate_keep },
	{ "write", FSX_RESIZE, 4, op_write },
	{ "append", FSX_RESIZE, 4, op_append },
	{ "write-dontcache", FSX_RESIZE, 4, op_dontcache_write },
	{ "write-direct", FSX_RESIZE, 4, op_direct_write },
	{ "write-splice", FSX_RESIZE, 4, op_splice_write },
	{ "copy-range", FSX_RESIZE, 4, op_copy_range },
	{ "truncate", FSX_RESIZE, 4, op_truncate },
	{ "truncate-up", FSX_RESIZE, 4, op_truncate_up },
	{ "allocate", FSX_RESIZE, 2, op_allocate },
	{ "zero", FSX_RESIZE, 2, op_zero },
	{ "collapse", FSX_RESIZE, 4, op_collapse },
	{ "insert", FSX_RESIZE, 4, op_insert },
	{ "msync", FSX_OTHER, 4, op_msync },
	{ "fsync", FSX_OTHER, 4, op_fsync },
	{ "advise", FSX_OTHER, 6, op_advise },
	{ "readahead", FSX_OTHER, 4, op_readahead },
	{ "clean", FSX_OTHER, 4, op_clean },
	{ "drop-caches", FSX_OTHER, 1, op_drop_caches },
	{ "remount", FSX_OTHER, 1, op_remount },
};

const unsigned int fsx_nr_ops = ARRAY_SIZE(fsx_ops);
