// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's template: is what was read from a file sound? The kernel checks
 * again; here a bad file is found before it is handed over, with a reason, and
 * "template show" needs no kernel.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/**
 * template_view - find the parts of a template by its header
 * @blob: the template, from malloc() and so aligned
 * @len: its length in bytes
 * @view: its parts, valid as long as @blob; what is in them was not looked at
 * @why: what is wrong with the header
 *
 * Return: 0 or -1.
 */
int template_view(const void *blob, size_t len, struct template_view *view,
		  struct why *why)
{
	const struct maio_template_header *h = blob;
	__u64 want;

	if (len < sizeof(*h))
		return why_set(why, "the template is cut off in its header");
	if (le32toh(h->magic) != MAIO_TEMPLATE_MAGIC)
		return why_set(why, "this is not a template: wrong magic");
	if (le16toh(h->version) != MAIO_TEMPLATE_VERSION)
		return why_set(why, "template version %u, and this maioctl knows %u",
			       le16toh(h->version), MAIO_TEMPLATE_VERSION);
	if (h->flags & ~htole16(MAIO_TEMPLATE_FLAGS) || h->reserved)
		return why_set(why, "the template has flags this maioctl does not know");
	view->nr_files = le32toh(h->nr_files);
	view->nr_groups = le32toh(h->nr_groups);
	view->nr_extents = le32toh(h->nr_extents);
	if (view->nr_files > MAIO_MAX_FILES ||
	    view->nr_groups > MAIO_MAX_GROUPS ||
	    view->nr_extents > MAIO_MAX_EXTENTS)
		return why_set(why, "the template has more files, groups or extents than it may");

	view->files = (const void *)(h + 1);
	want = sizeof(*h) +
		(__u64)view->nr_files * sizeof(*view->files) +
		(__u64)view->nr_groups * sizeof(*view->groups) +
		(__u64)view->nr_extents * sizeof(*view->extents);
	if (le32toh(h->size) != len || want != len)
		return why_set(why, "the template is %zu bytes long, and its header asks for %llu",
			       len, want);
	view->groups = (const void *)(view->files + view->nr_files);
	view->extents = (const void *)(view->groups + view->nr_groups);
	view->bytes = 0;
	return 0;
}

static int check_crc(const struct maio_template_header *h, size_t len,
		     struct why *why)
{
	struct maio_template_header zeroed = *h;
	__u32 crc;

	zeroed.crc = 0;
	crc = crc32(0, (const void *)&zeroed, sizeof(zeroed));
	crc = crc32(crc, (const void *)(h + 1), len - sizeof(*h));
	if (crc != le32toh(h->crc))
		return why_set(why, "the template's checksum is wrong");
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct maio_template_extent *x = a, *y = b;

	if (x->file != y->file)
		return le32toh(x->file) < le32toh(y->file) ? -1 : 1;
	return le32toh(x->start) < le32toh(y->start) ? -1 :
	       le32toh(x->start) > le32toh(y->start);
}

/* Does a group read a unit twice? @sorted has room for its extents. */
static bool overlaps(const struct maio_template_extent *e, __u32 nr,
		     struct maio_template_extent *sorted)
{
	__u32 i;

	memcpy(sorted, e, nr * sizeof(*e));
	qsort(sorted, nr, sizeof(*sorted), by_place);
	for (i = 1; i < nr; i++) {
		if (sorted[i].file == sorted[i - 1].file &&
		    (__u64)le32toh(sorted[i - 1].start) +
		    le32toh(sorted[i - 1].count) > le32toh(sorted[i].start))
			return true;
	}
	return false;
}

static int check_overlap(const struct template_view *view, struct why *why)
{
	struct maio_template_extent *sorted;
	const struct maio_template_extent *e = view->extents;
	__u32 i, nr;
	int ret = 0;

	sorted = xalloc(view->nr_extents, sizeof(*sorted));
	for (i = 0; i < view->nr_groups && !ret; i++, e += nr) {
		nr = le32toh(view->groups[i].nr_extents);
		if (overlaps(e, nr, sorted))
			ret = why_set(why, "extents of group %u overlap", i);
	}
	free(sorted);
	return ret;
}

/**
 * template_check - look at a template and make sure that it can be used
 * @blob: the template, from malloc() and so aligned
 * @len: its length in bytes
 * @view: its parts, valid as long as @blob
 * @why: what is wrong with it
 *
 * Return: 0 or -1.
 */
int template_check(const void *blob, size_t len, struct template_view *view,
		   struct why *why)
{
	__u64 owned = 0;
	__u32 i;

	if (template_view(blob, len, view, why) || check_crc(blob, len, why))
		return -1;

	for (i = 0; i < view->nr_groups; i++) {
		if (view->groups[i].flags || !view->groups[i].nr_extents)
			return why_set(why, "group %u is malformed", i);
		owned += le32toh(view->groups[i].nr_extents);
	}
	if (owned != view->nr_extents)
		return why_set(why, "the groups own %llu extents of %u", owned,
			       view->nr_extents);

	for (i = 0; i < view->nr_extents; i++) {
		__u32 file = le32toh(view->extents[i].file);
		__u64 pos = (__u64)le32toh(view->extents[i].start) << MAIO_EXTENT_SHIFT;
		__u64 bytes = (__u64)le32toh(view->extents[i].count) << MAIO_EXTENT_SHIFT;
		const __u64 unit = 1ULL << MAIO_EXTENT_SHIFT;
		__u64 size;

		if (file >= view->nr_files)
			return why_set(why, "extent %u is of file %u of %u", i,
				       file, view->nr_files);
		size = le64toh(view->files[file].size);
		/* Only the last unit of a file may be there in part. */
		if (!bytes || pos >= size || bytes - unit >= size - pos)
			return why_set(why, "extent %u lies outside its file", i);
		view->bytes += bytes < size - pos ? bytes : size - pos;
	}
	return check_overlap(view, why);
}
