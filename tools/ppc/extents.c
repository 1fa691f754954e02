// SPDX-License-Identifier: GPL-2.0
/*
 * What the extents of a template cover.
 */
#include <endian.h>
#include <stdlib.h>

#include "maioctl.h"

struct extent extent_of(const struct maio_template_extent *e)
{
	const __u64 start = le32toh(e->start);

	return (struct extent){ le32toh(e->file), start, start + le32toh(e->count) };
}

/* The last unit of a file may be there in part. */
__u64 extent_bytes(const struct template_view *view, const struct extent *extent)
{
	const __u64 size = le64toh(view->files[extent->file].size);
	const __u64 end = extent->end << MAIO_EXTENT_SHIFT;

	return (end < size ? end : size) - (extent->start << MAIO_EXTENT_SHIFT);
}

static int by_place(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/**
 * extents_union - find what some extents cover
 * @e: the extents
 * @nr: how many
 * @all: set to it, by place; no two touch; the caller frees @all->list
 */
void extents_union(const struct maio_template_extent *e, __u32 nr,
		   struct extents *all)
{
	struct extent *list = xalloc(nr, sizeof(*list)), *last = NULL;
	__u32 i;

	for (i = 0; i < nr; i++)
		list[i] = extent_of(&e[i]);
	qsort(list, nr, sizeof(*list), by_place);
	for (i = 0; i < nr; i++) {
		if (last && last->file == list[i].file &&
		    list[i].start <= last->end) {
			if (list[i].end > last->end)
				last->end = list[i].end;
			continue;
		}
		last = last ? last + 1 : list;
		*last = list[i];
	}
	all->list = list;
	all->nr = last ? last - list + 1 : 0;
}

/**
 * extents_at - find what lies at an extent, or behind it
 * @all: of extents_union()
 * @at: the extent
 *
 * Return: the first of the same file that ends behind where @at begins, or NULL.
 */
const struct extent *extents_at(const struct extents *all, const struct extent *at)
{
	size_t low = 0, high = all->nr;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const struct extent *part = &all->list[mid];

		if (part->file < at->file ||
		    (part->file == at->file && part->end <= at->start))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == all->nr || all->list[low].file != at->file)
		return NULL;
	return &all->list[low];
}
