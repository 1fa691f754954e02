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

/* Every header of a small model, and the start of any other file. */
#define HASH_BYTES		(64U << 10)

/* The safetensors library refuses a longer header. */
#define SAFETENSORS_HEADER_MAX	100000000ULL

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
	struct cached_range range = { .len = HASH_BYTES };
	struct cached_pages pages;

	if (syscall(__NR_cachestat, fd, &range, &pages, 0) || pages.cached)
		return false;
	return !posix_fadvise(fd, 0, HASH_BYTES, POSIX_FADV_WILLNEED);
}

/*
 * Read without leaving a trace in the page cache: what a load finds cached is
 * not recorded, and is no part of a cold start.
 */
static int read_traceless(int fd, const char *path, void *buf, size_t len,
			  off_t pos, bool asked, struct why *why)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	ssize_t cached = asked ? 0 : preadv2(fd, &iov, 1, pos, RWF_NOWAIT);

	if (cached == (ssize_t)len)
		return 0;
	if (cached < 0)
		cached = 0;
	if (read_at(fd, path, buf, len, pos, why))
		return -1;
	posix_fadvise(fd, pos + cached, len - cached, POSIX_FADV_DONTNEED);
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
	__u64 want = size < HASH_BYTES ? size : HASH_BYTES;
	__u64 pos = 0, h = HASH_INIT;
	char *buf = xalloc(HASH_BYTES, 1);
	int ret = -1;

	/* No readahead beyond what is asked for. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	while (pos < want) {
		size_t n = want - pos < HASH_BYTES ? want - pos : HASH_BYTES;

		if (read_traceless(fd, path, buf, n, pos, asked && !pos, why))
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
