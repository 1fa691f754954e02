// SPDX-License-Identifier: GPL-2.0
/*
 * On which NUMA nodes a model is cached before its load.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maioctl.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

/* One page of so many bytes is looked at, in as much of a file at a time. */
#define SAMPLE_BYTES		(2UL << 20)
#define WINDOW_BYTES		(64UL << 20)
#define WINDOW_SAMPLES		(WINDOW_BYTES / SAMPLE_BYTES)

/* What of a sample is cached lies where its first cached page does. */
static int sample_pages(unsigned char *map, size_t len, size_t page, void **pages,
			__u64 *bytes)
{
	unsigned char in[WINDOW_BYTES / 4096];
	size_t pos, at, end;
	int nr = 0;

	if (mincore(map, len, in))
		return 0;
	for (pos = 0; pos < len; pos = end) {
		end = pos + SAMPLE_BYTES < len ? pos + SAMPLE_BYTES : len;
		bytes[nr] = 0;
		for (at = pos; at < end; at += page) {
			if (!(in[at / page] & 1))
				continue;
			if (!bytes[nr])
				pages[nr] = map + at;
			bytes[nr] += page;
		}
		/* Only what is mapped has a node; a fault could be a SIGBUS. */
		if (bytes[nr] && !madvise(pages[nr], page, MADV_POPULATE_READ))
			nr++;
	}
	return nr;
}

static void add_window(int fd, off_t pos, size_t len, size_t page, __u64 *on_node)
{
	void *pages[WINDOW_SAMPLES];
	__u64 bytes[WINDOW_SAMPLES];
	int nodes[WINDOW_SAMPLES];
	void *map;
	int i, nr;

	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, pos);
	if (map == MAP_FAILED)
		return;
	/* A page that has left the cache meanwhile is to come back alone. */
	madvise(map, len, MADV_RANDOM);
	nr = sample_pages(map, len, page, pages, bytes);
	if (nr && !syscall(SYS_move_pages, 0, (long)nr, pages, NULL, nodes, 0)) {
		for (i = 0; i < nr; i++) {
			if (nodes[i] >= 0 && nodes[i] < WHERE_NODES)
				on_node[nodes[i]] += bytes[i];
		}
	}
	munmap(map, len);
}

/**
 * where_cached - find on which nodes a model is cached
 * @model: the files
 * @on_node: for each of %WHERE_NODES nodes bytes that are cached there, about;
 *	nothing of files of which the kernel does not tell
 */
void where_cached(const struct model *model, __u64 *on_node)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	__u64 pos, size, len;
	size_t i;

	for (i = 0; i < WHERE_NODES; i++)
		on_node[i] = 0;
	for (i = 0; i < model->nr; i++) {
		size = model->files[i].size;
		for (pos = 0; pos < size; pos += len) {
			len = size - pos < WINDOW_BYTES ? size - pos : WINDOW_BYTES;
			if (file_cached(model->fds[i], pos, len) > 0)
				add_window(model->fds[i], pos, len, page, on_node);
		}
	}
}
