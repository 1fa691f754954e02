/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes kernel templates for tests.
 */
#ifndef MAIOCTL_BLOB_H
#define MAIOCTL_BLOB_H

#include <endian.h>
#include <string.h>

#include "maioctl.h"

/* Set size and checksum as they should be after a change. */
static inline void blob_seal(void *blob, size_t len)
{
	struct maio_template_header *h = blob;

	h->size = htole32(len);
	h->crc = 0;
	h->crc = htole32(crc32_ieee(0, blob, len));
}

/* One group that reads each file once, in up to @pieces extents a file. */
static inline void *blob_make(const __u64 *sizes, __u32 nr, __u32 pieces,
			      size_t *len)
{
	struct maio_template_header *h;
	struct maio_template_file *files;
	struct maio_template_group *group;
	struct maio_template_extent *e;
	__u32 i, j, nr_extents = 0;

	*len = sizeof(*h) + nr * sizeof(*files) + sizeof(*group) +
		(size_t)nr * pieces * sizeof(*e);
	h = xalloc(*len, 1);
	files = (void *)(h + 1);
	group = (void *)(files + nr);
	e = (void *)(group + 1);
	for (i = 0; i < nr; i++) {
		__u64 units = (sizes[i] + 4095) >> MAIO_EXTENT_SHIFT;
		__u64 step = units / pieces ? units / pieces : 1;

		files[i].size = htole64(sizes[i]);
		for (j = 0; j < pieces && j * step < units; j++) {
			__u64 count = j == pieces - 1 ? units - j * step : step;

			e[nr_extents].file = htole32(i);
			e[nr_extents].start = htole32(j * step);
			e[nr_extents++].count = htole32(count);
		}
	}
	*len -= ((size_t)nr * pieces - nr_extents) * sizeof(*e);
	group->nr_extents = htole32(nr_extents);
	h->magic = htole32(MAIO_TEMPLATE_MAGIC);
	h->version = htole16(MAIO_TEMPLATE_VERSION);
	h->nr_files = htole32(nr);
	h->nr_groups = htole32(1);
	h->nr_extents = htole32(nr_extents);
	blob_seal(h, *len);
	return h;
}

#endif /* MAIOCTL_BLOB_H */
