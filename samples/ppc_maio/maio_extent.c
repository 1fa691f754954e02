// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: lists of extents, as sets and as sequences. No extent ends behind unit
 * U32_MAX, so that counts do not overflow when extents are merged.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/sort.h>

#include "maio_template.h"

static u64 maio_extent_end(const struct maio_extent *extent)
{
	return (u64)extent->start + extent->count;
}

static int maio_extent_cmp(const void *a, const void *b)
{
	const struct maio_extent *l = a, *r = b;

	if (l->file != r->file)
		return l->file < r->file ? -1 : 1;
	if (l->start != r->start)
		return l->start < r->start ? -1 : 1;
	return 0;
}

/*
 * Convert a list to a sorted set. Return: the number of extents; no two of them
 * overlap or touch.
 */
u32 maio_extents_union(struct maio_extent *extents, u32 nr)
{
	u32 i, last = 0;

	if (!nr)
		return 0;

	sort_nonatomic(extents, nr, sizeof(*extents), maio_extent_cmp, NULL);

	for (i = 1; i < nr; i++) {
		struct maio_extent *prev = &extents[last];
		const struct maio_extent *cur = &extents[i];

		if (cur->file != prev->file ||
		    cur->start > maio_extent_end(prev))
			extents[++last] = *cur;
		else if (maio_extent_end(cur) > maio_extent_end(prev))
			prev->count = maio_extent_end(cur) - prev->start;
	}
	return last + 1;
}
EXPORT_SYMBOL_IF_KUNIT(maio_extents_union);

/*
 * Is an extent wholly in a set? Return: whether every unit of @extent is in the
 * set.
 */
bool maio_extents_contain(const struct maio_extent *extents, u32 nr,
			  const struct maio_extent *extent)
{
	u32 low = 0, high = nr;

	/* The last one that starts at or before @extent. */
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (maio_extent_cmp(&extents[mid], extent) > 0)
			high = mid;
		else
			low = mid + 1;
	}
	if (!low)
		return false;

	return extents[low - 1].file == extent->file &&
	       maio_extent_end(&extents[low - 1]) >= maio_extent_end(extent);
}
EXPORT_SYMBOL_IF_KUNIT(maio_extents_contain);

/*
 * Merge adjacent extents that are contiguous, keeping the order. Return: the number
 * of extents.
 */
u32 maio_extents_coalesce(struct maio_extent *extents, u32 nr)
{
	u32 i, last = 0;

	if (!nr)
		return 0;

	for (i = 1; i < nr; i++) {
		struct maio_extent *prev = &extents[last];
		const struct maio_extent *cur = &extents[i];

		if (cur->file == prev->file &&
		    cur->start == maio_extent_end(prev))
			prev->count += cur->count;
		else
			extents[++last] = *cur;
	}
	return last + 1;
}
EXPORT_SYMBOL_IF_KUNIT(maio_extents_coalesce);
