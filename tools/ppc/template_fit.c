// SPDX-License-Identifier: GPL-2.0
/*
 * A recorded template that is too large is made coarser. Where workers read
 * parts of the same large folios, it is chance whose access the kernel sees: then
 * each worker's part is full of holes, and others read what is in them.
 */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/* Bytes that a template may take: for so many of its model one, and at least. */
#define FIT_RATIO		1000000
#define FIT_LEAST		1000

/* Holes of so many units are closed, and then ones twice as large, and so on. */
#define HOLE_FIRST		256
#define HOLE_LAST		4096

/* Do others read all of it, and the group itself nothing, sooner or later? */
static bool others_read(const struct extents *all, const struct extents *own,
			const struct extent *hole)
{
	const struct extent *part = extents_at(all, hole);

	if (!part || part->start > hole->start || part->end < hole->end)
		return false;
	part = extents_at(own, hole);
	return !part || part->start >= hole->end;
}

/* One group's extents, from @e to @to; returns how many are left. */
static __u32 close_group(const struct maio_template_extent *e, __u32 nr,
			 struct maio_template_extent *to, __u64 most,
			 const struct extents *all)
{
	struct extents own;
	__u32 i, left = 0;

	extents_union(e, nr, &own);
	for (i = 0; i < nr; i++) {
		const struct extent next = extent_of(&e[i]);
		struct extent last, hole;

		if (left) {
			last = extent_of(&to[left - 1]);
			hole = (struct extent){ last.file, last.end, next.start };
			if (next.file == last.file && next.start > last.end &&
			    next.start - last.end <= most &&
			    others_read(all, &own, &hole)) {
				to[left - 1].count =
					htole32(next.end - last.start);
				continue;
			}
		}
		to[left++] = e[i];
	}
	free(own.list);
	return left;
}

/* A copy in which no group has holes of up to @most units that others read. */
static void *close_holes(const struct template_view *view, const void *blob,
			 size_t len, __u64 most, size_t *new_len)
{
	struct maio_template_header *h = xalloc(len, 1);
	const size_t fixed = (const char *)view->extents - (const char *)blob;
	struct maio_template_extent *to = (void *)((char *)h + fixed);
	struct maio_template_group *groups = (void *)((char *)h +
			((const char *)view->groups - (const char *)blob));
	const struct maio_template_extent *e = view->extents;
	struct extents all;
	__u32 i, nr, left = 0;

	memcpy(h, blob, fixed);
	extents_union(view->extents, view->nr_extents, &all);
	for (i = 0; i < view->nr_groups; i++) {
		nr = le32toh(groups[i].nr_extents);
		groups[i].nr_extents =
			htole32(close_group(e, nr, to + left, most, &all));
		left += le32toh(groups[i].nr_extents);
		e += nr;
	}
	free(all.list);

	*new_len = fixed + left * sizeof(*to);
	h->nr_extents = htole32(left);
	h->size = htole32(*new_len);
	h->crc = 0;
	h->crc = htole32(crc32(0, (const void *)h, *new_len));
	return h;
}

/* SIZE_MAX when memory ran out. */
static size_t stored_bytes(const struct store_entry *entry)
{
	size_t len;
	char *data = store_serialise(entry, &len);

	free(data);
	return data ? len : SIZE_MAX;
}

/**
 * template_fit - make a template coarser until it is small enough for its model
 * @entry: with a template that template_check() has found sound; has another one
 *	afterwards if that makes it smaller
 *
 * Only holes are closed that other groups read: no more of the model is read
 * ahead than before, and none of it twice.
 */
void template_fit(struct store_entry *entry)
{
	__u64 most = entry->model_bytes / FIT_RATIO, hole;
	size_t bytes = stored_bytes(entry), new_bytes;

	if (most < FIT_LEAST)
		most = FIT_LEAST;
	for (hole = HOLE_FIRST; hole <= HOLE_LAST && bytes > most; hole *= 2) {
		struct store_entry coarser = *entry;
		struct template_view view;
		struct why why;

		if (template_view(entry->blob, entry->blob_len, &view, &why))
			return;
		coarser.blob = close_holes(&view, entry->blob, entry->blob_len,
					   hole, &coarser.blob_len);
		new_bytes = stored_bytes(&coarser);
		if (new_bytes >= bytes) {
			free(coarser.blob);
			continue;
		}
		free(entry->blob);
		*entry = coarser;
		bytes = new_bytes;
	}
}
