// SPDX-License-Identifier: GPL-2.0
/*
 * In what two groups of templates differ: what each reads, and in which order.
 * How a template cuts that into extents does not matter.
 */
#include <stdlib.h>

#include "maioctl.h"

/**
 * struct piece - bytes that two groups read, each of them in one go
 * @start: first byte, in the file
 * @bytes: how many
 * @order_a: when the first group reads it
 * @order_b: when the second does
 * @rank: its place among the pieces in the order of the first group, from 1
 */
struct piece {
	__u64 start;
	__u64 bytes;
	__u32 order_a;
	__u32 order_b;
	size_t rank;
};

static int by_place(const void *x, const void *y)
{
	const struct span *a = x, *b = y;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/**
 * group_sort - bring what a group reads into the order of the files
 * @g: group with spans in any order; its bytes are counted
 *
 * Bytes that it reads twice count once. A template of the kernel has none.
 */
void group_sort(struct group *g)
{
	struct span *last = NULL;
	size_t i, nr = 0;

	qsort(g->spans, g->nr, sizeof(*g->spans), by_place);
	for (i = 0; i < g->nr; i++) {
		struct span s = g->spans[i];

		if (last && last->file == s.file && last->end > s.start)
			s.start = last->end;
		if (s.start >= s.end)
			continue;
		last = &g->spans[nr++];
		*last = s;
		g->bytes += s.end - s.start;
	}
	g->nr = nr;
}

/*
 * What both groups read. @pieces has room for one piece a span of either, or is
 * NULL. Return: how many pieces.
 */
static size_t find_pieces(const struct group *a, const struct group *b,
			  struct piece *pieces, __u64 *bytes)
{
	size_t i = 0, j = 0, nr = 0;

	*bytes = 0;
	while (i < a->nr && j < b->nr) {
		const struct span *x = &a->spans[i], *y = &b->spans[j];
		__u64 start = x->start > y->start ? x->start : y->start;
		__u64 end = x->end < y->end ? x->end : y->end;

		if (x->file != y->file) {
			if (x->file < y->file)
				i++;
			else
				j++;
			continue;
		}
		if (start < end) {
			*bytes += end - start;
			if (pieces)
				pieces[nr] = (struct piece){
					.start = start,
					.bytes = end - start,
					.order_a = x->order,
					.order_b = y->order,
				};
			nr++;
		}
		if (x->end <= y->end)
			i++;
		else
			j++;
	}
	return nr;
}

/* How many bytes two groups share; both are sorted. */
__u64 group_shared(const struct group *a, const struct group *b)
{
	__u64 bytes;

	find_pieces(a, b, NULL, &bytes);
	return bytes;
}

static int by_order_a(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	if (a->order_a != b->order_a)
		return a->order_a < b->order_a ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

static int by_order_b(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	if (a->order_b != b->order_b)
		return a->order_b < b->order_b ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

/*
 * The increasing subsequence of the ranks that has the most bytes. @best is a
 * Fenwick tree: the most bytes of one that ends at a rank up to the index.
 */
static __u64 ordered_bytes(struct piece *pieces, size_t nr)
{
	__u64 *best = xalloc(nr + 1, sizeof(*best));
	__u64 most = 0;
	size_t i, k;

	qsort(pieces, nr, sizeof(*pieces), by_order_a);
	for (i = 0; i < nr; i++)
		pieces[i].rank = i + 1;
	qsort(pieces, nr, sizeof(*pieces), by_order_b);
	for (i = 0; i < nr; i++) {
		__u64 bytes = 0;

		for (k = pieces[i].rank - 1; k; k &= k - 1) {
			if (best[k] > bytes)
				bytes = best[k];
		}
		bytes += pieces[i].bytes;
		for (k = pieces[i].rank; k <= nr; k += k & -k) {
			if (best[k] < bytes)
				best[k] = bytes;
		}
		if (bytes > most)
			most = bytes;
	}
	free(best);
	return most;
}

/**
 * group_compare - find in what two groups differ
 * @a: the first, sorted
 * @nr_a: its number
 * @b: the second, sorted
 * @nr_b: its number
 *
 * Return: what they share, and how much of that is in the same order.
 */
struct group_pair group_compare(const struct group *a, int nr_a,
				const struct group *b, int nr_b)
{
	struct group_pair pair = {
		.a = nr_a, .b = nr_b, .only_a = a->bytes, .only_b = b->bytes,
	};
	struct piece *pieces = xalloc(a->nr + b->nr, sizeof(*pieces));
	size_t nr = find_pieces(a, b, pieces, &pair.both);

	pair.only_a -= pair.both;
	pair.only_b -= pair.both;
	pair.ordered = ordered_bytes(pieces, nr);
	free(pieces);
	return pair;
}
