// SPDX-License-Identifier: GPL-2.0
/*
 * What a load reads sparsely, such as rows of a table, is left out of its
 * template: the next load may want other rows, and to read ahead all that lies
 * between them would cost more than it saves. Stock readahead reads it.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/* A run is sparse if it is short, and less than half is read of the pieces it lies in. */
#define SPARSE_RUN		(0x100000U >> MAIO_EXTENT_SHIFT)
#define SPARSE_PIECE		(0x200000U >> MAIO_EXTENT_SHIFT)

/* Units of a piece that are read; run @at lies in it. */
static __u64 units_read(const struct extents *all, size_t at, const struct extent *piece)
{
	const struct extent *run = &all->list[at];
	__u64 units = 0;

	while (run > all->list && run[-1].file == piece->file && run[-1].end > piece->start)
		run--;
	for (; run < all->list + all->nr && run->file == piece->file && run->start < piece->end;
	     run++)
		units += (run->end < piece->end ? run->end : piece->end) -
			 (run->start > piece->start ? run->start : piece->start);
	return units;
}

static bool is_sparse(const struct template_view *view, const struct extents *all, size_t at)
{
	const struct extent *run = &all->list[at];
	const __u64 size = le64toh(view->files[run->file].size);
	const __u64 units = (size >> MAIO_EXTENT_SHIFT) + !!(size & ((1 << MAIO_EXTENT_SHIFT) - 1));
	struct extent piece = { .file = run->file };

	if (run->end - run->start >= SPARSE_RUN)
		return false;
	for (piece.start = run->start / SPARSE_PIECE * SPARSE_PIECE; piece.start < run->end;
	     piece.start = piece.end) {
		piece.end = piece.start + SPARSE_PIECE;
		if (piece.end > units)
			piece.end = units;
		if (units_read(all, at, &piece) >= (piece.end - piece.start) / 2)
			return false;
	}
	return true;
}

/* The runs of @all that are not sparse stay in it. */
static bool find_dense(const struct template_view *view, struct extents *all)
{
	bool *sparse = xalloc(all->nr, sizeof(*sparse));
	size_t i, nr = 0;

	for (i = 0; i < all->nr; i++)
		sparse[i] = is_sparse(view, all, i);
	for (i = 0; i < all->nr; i++) {
		if (!sparse[i])
			all->list[nr++] = all->list[i];
	}
	free(sparse);
	if (nr == all->nr)
		return false;
	all->nr = nr;
	return true;
}

static bool is_dense(const struct extents *dense, const struct maio_template_extent *e)
{
	const struct extent extent = extent_of(e), *run = extents_at(dense, &extent);

	return run && run->start <= extent.start;
}

/* Groups of which nothing is left go, too. */
static void *without_sparse(const struct template_view *view, const void *blob, size_t len,
			    const struct extents *dense, size_t *new_len)
{
	struct maio_template_header *h = xalloc(len, 1);
	const size_t fixed = (const char *)view->groups - (const char *)blob;
	struct maio_template_group *groups = (void *)((char *)h + fixed);
	struct maio_template_extent *left = xalloc(view->nr_extents, sizeof(*left));
	const struct maio_template_extent *e = view->extents;
	__u32 i, j, nr_groups = 0, nr = 0;

	memcpy(h, blob, fixed);
	for (i = 0; i < view->nr_groups; i++) {
		const __u32 before = nr;

		for (j = 0; j < le32toh(view->groups[i].nr_extents); j++, e++) {
			if (is_dense(dense, e))
				left[nr++] = *e;
		}
		if (nr == before)
			continue;
		groups[nr_groups] = view->groups[i];
		groups[nr_groups++].nr_extents = htole32(nr - before);
	}
	memcpy(groups + nr_groups, left, nr * sizeof(*left));
	free(left);

	*new_len = fixed + nr_groups * sizeof(*groups) + nr * sizeof(*left);
	h->nr_groups = htole32(nr_groups);
	h->nr_extents = htole32(nr);
	h->size = htole32(*new_len);
	h->crc = 0;
	h->crc = htole32(crc32(0, (const void *)h, *new_len));
	return h;
}

/**
 * template_thin - leave out what a load read sparsely
 * @blob: recorded, allocated; replaced if something is left out, freed on failure
 * @len: its length, likewise
 * @view: of it, likewise
 * @why: set if nothing else was read
 *
 * Return: the template, or NULL.
 */
void *template_thin(void *blob, size_t *len, struct template_view *view, struct why *why)
{
	struct extents all;
	void *thin = NULL;

	extents_union(view->extents, view->nr_extents, &all);
	if (!find_dense(view, &all)) {
		free(all.list);
		return blob;
	}
	if (all.nr)
		thin = without_sparse(view, blob, *len, &all, len);
	else
		why_set(why, "a scan and no load: a little was read here and there");
	free(all.list);
	free(blob);
	if (thin && template_view(thin, *len, view, why)) {
		free(thin);
		return NULL;
	}
	return thin;
}
