// SPDX-License-Identifier: GPL-2.0
/*
 * The header of a model's file, which tells it from another of its size.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "maioctl.h"

bool name_has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), slen = strlen(suffix);

	return len > slen && !strcmp(name + len - slen, suffix);
}

static int read_at(int fd, const char *path, void *buf, size_t len, off_t pos,
		   struct why *why)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, (char *)buf + done, len - done, pos + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_set(why, "%s: cannot read: %s", path,
				       strerror(errno));
		if (!n)
			return why_set(why, "%s: shrank while it was read", path);
		done += n;
	}
	return 0;
}

#ifndef __NR_cachestat
#define __NR_cachestat			451
#endif

/* As in linux/mman.h, which may be older than the system call. */
struct cached_range {
	__u64 off;
	__u64 len;
};

struct cached_pages {
	__u64 cached;
	__u64 dirty;
	__u64 writeback;
	__u64 evicted;
	__u64 recently_evicted;
};

/* Bytes of a part of a file that are cached, in whole pages; -1: a secret. */
__s64 file_cached(int fd, off_t pos, size_t len)
{
	struct cached_range range = { .off = pos, .len = len };
	struct cached_pages pages;

	if (syscall(__NR_cachestat, fd, &range, &pages, 0))
		return -1;
	return pages.cached * sysconf(_SC_PAGESIZE);
}

/**
 * model_header_ask - begin to read what model_header_hash() will read first
 * @fd: the file
 *
 * Waiting for many files takes no longer then than for one. What is cached is
 * left alone, so that it can be told later what was.
 *
 * Return: whether it has begun, and what it reads is to be dropped afterwards.
 */
bool model_header_ask(int fd)
{
	return !file_cached(fd, 0, HEADER_START_BYTES) &&
		!posix_fadvise(fd, 0, HEADER_START_BYTES, POSIX_FADV_WILLNEED);
}

static int read_piece(int fd, const char *path, void *buf, size_t len,
		      off_t pos, bool asked, struct why *why)
{
	struct iovec iov = { .iov_base = buf, .iov_len = 1 };
	__s64 cached = asked ? 0 : file_cached(fd, pos, len);
	long page = sysconf(_SC_PAGESIZE);

	/* Second best, as this begins to read what it does not find. */
	if (cached < 0)
		cached = preadv2(fd, &iov, 1, pos, RWF_NOWAIT) == 1;
	if (read_at(fd, path, buf, len, pos, why))
		return -1;
	/* A page of which only a part is named would stay. */
	if (!cached)
		posix_fadvise(fd, pos, (len + page - 1) / page * page,
			      POSIX_FADV_DONTNEED);
	return 0;
}

/**
 * header_read - read without leaving a trace in the page cache
 * @fd: the file, with POSIX_FADV_RANDOM so that nothing more is read
 * @path: its name
 * @buf: where to
 * @len: bytes to read, all of which are in the file
 * @pos: from where; a multiple of the page size
 * @asked: what model_header_ask() said, if @pos is zero
 * @why: what went wrong
 *
 * What a load finds cached is not recorded, and is no part of a cold start.
 *
 * Return: 0 or -1.
 */
int header_read(int fd, const char *path, void *buf, size_t len, off_t pos,
		bool asked, struct why *why)
{
	size_t done, n;

	for (done = 0; done < len; done += n) {
		n = len - done < HEADER_START_BYTES ?
		    len - done : HEADER_START_BYTES;
		if (read_piece(fd, path, (char *)buf + done, n, pos + done,
			       asked && !done, why))
			return -1;
	}
	return 0;
}

/**
 * model_header_hash - hash what tells one file of a model from another
 * @fd: the file
 * @path: its name
 * @size: its size
 * @asked: what model_header_ask() said
 * @hash: FNV-1a of the first 64 KiB, and of all of a safetensors header
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int model_header_hash(int fd, const char *path, __u64 size, bool asked,
		      __u64 *hash, struct why *why)
{
	__u64 want = size < HEADER_START_BYTES ? size : HEADER_START_BYTES;
	__u64 pos = 0, h = HASH_INIT;
	char *buf = xalloc(HEADER_START_BYTES, 1);
	int ret = -1;

	/* No readahead beyond what is asked for. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	while (pos < want) {
		size_t n = want - pos < HEADER_START_BYTES ?
			   want - pos : HEADER_START_BYTES;

		if (header_read(fd, path, buf, n, pos, asked && !pos, why))
			goto out;
		if (!pos && n >= 8 && name_has_suffix(path, ".safetensors")) {
			__le64 raw;
			__u64 len;

			memcpy(&raw, buf, sizeof(raw));
			len = le64toh(raw);
			if (len <= SAFETENSORS_HEADER_MAX && len + 8 <= size &&
			    len + 8 > want)
				want = len + 8;
		}
		h = hash_more(h, buf, n);
		pos += n;
	}
	*hash = h;
	ret = 0;
out:
	posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
	free(buf);
	return ret;
}
