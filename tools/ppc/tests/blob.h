/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes kernel templates for tests.
 */
#ifndef MAIOCTL_BLOB_H
#define MAIOCTL_BLOB_H

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/* Set size and checksum as they should be after a change. */
static inline void blob_seal(void *blob, size_t len)
{
	struct maio_template_header *h = blob;

	h->size = htole32(len);
	h->crc = 0;
	h->crc = htole32(crc32(0, blob, len));
}

/* Groups of extents; @counts are those of the groups. */
static inline void *blob_groups(const __u64 *sizes, __u32 nr_files,
				const __u32 *counts, __u32 nr_groups,
				const struct maio_template_extent *extents,
				size_t *len)
{
	struct maio_template_header *h;
	struct maio_template_file *files;
	struct maio_template_group *groups;
	__u32 i, nr_extents = 0;

	for (i = 0; i < nr_groups; i++)
		nr_extents += counts[i];
	*len = sizeof(*h) + nr_files * sizeof(*files) +
		nr_groups * sizeof(*groups) + nr_extents * sizeof(*extents);
	h = xalloc(*len, 1);
	files = (void *)(h + 1);
	groups = (void *)(files + nr_files);
	for (i = 0; i < nr_files; i++)
		files[i].size = htole64(sizes[i]);
	for (i = 0; i < nr_groups; i++)
		groups[i].nr_extents = htole32(counts[i]);
	memcpy(groups + nr_groups, extents, nr_extents * sizeof(*extents));
	h->magic = htole32(MAIO_TEMPLATE_MAGIC);
	h->version = htole16(MAIO_TEMPLATE_VERSION);
	h->nr_files = htole32(nr_files);
	h->nr_groups = htole32(nr_groups);
	h->nr_extents = htole32(nr_extents);
	blob_seal(h, *len);
	return h;
}

/* One group that reads each file once, in up to @pieces extents a file. */
static inline void *blob_make(const __u64 *sizes, __u32 nr, __u32 pieces,
			      size_t *len)
{
	struct maio_template_extent *e = xalloc((size_t)nr * pieces, sizeof(*e));
	__u32 i, j, nr_extents = 0;
	void *blob;

	for (i = 0; i < nr; i++) {
		__u64 units = (sizes[i] + 4095) >> MAIO_EXTENT_SHIFT;
		__u64 step = units / pieces ? units / pieces : 1;

		for (j = 0; j < pieces && j * step < units; j++) {
			__u64 count = j == pieces - 1 ? units - j * step : step;

			e[nr_extents].file = htole32(i);
			e[nr_extents].start = htole32(j * step);
			e[nr_extents++].count = htole32(count);
		}
	}
	blob = blob_groups(sizes, nr, &nr_extents, 1, e, len);
	free(e);
	return blob;
}

/* Groups of "FILE:START:COUNT FILE:START:COUNT ...", 64 extents at most. */
static inline void *blob_text(const __u64 *sizes, __u32 nr_files,
			      const char *const *groups, int nr_groups, size_t *len)
{
	struct maio_template_extent extents[64];
	__u32 counts[64] = { 0 }, file, start, count, nr = 0;
	int i, used;

	for (i = 0; i < nr_groups; i++) {
		const char *p = groups[i];

		for (; sscanf(p, "%u:%u:%u%n", &file, &start, &count, &used) == 3;
		     p += used, nr++) {
			extents[nr].file = htole32(file);
			extents[nr].start = htole32(start);
			extents[nr].count = htole32(count);
			counts[i]++;
		}
	}
	return blob_groups(sizes, nr_files, counts, nr_groups, extents, len);
}

#endif /* MAIOCTL_BLOB_H */
