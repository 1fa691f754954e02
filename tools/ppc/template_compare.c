// SPDX-License-Identifier: GPL-2.0
/*
 * In what two templates differ: which files and groups are the same in both.
 *
 * The number of a group says nothing: workers race, and the kernel binds a
 * process to a group by what it reads. So groups are paired by what they share.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

#define NO_PAIR			(~0U)

static int by_path(const void *x, const void *y)
{
	const struct file_id *a = *(const struct file_id *const *)x;
	const struct file_id *b = *(const struct file_id *const *)y;
	int ret = strcmp(a->path, b->path);

	/* Of files of one name, the first is paired with the first. */
	return ret ? ret : (a > b) - (a < b);
}

static const struct file_id **sort_files(const struct store_entry *entry)
{
	const struct file_id **sorted = xalloc(entry->nr_files, sizeof(*sorted));
	size_t i;

	for (i = 0; i < entry->nr_files; i++)
		sorted[i] = &entry->files[i];
	qsort(sorted, entry->nr_files, sizeof(*sorted), by_path);
	return sorted;
}

/* Return: for each file of @b the index of its pair; the caller frees it. */
static __u32 *pair_files(const struct store_entry *a,
			 const struct store_entry *b,
			 struct template_diff *diff)
{
	const struct file_id **sorted_a = sort_files(a), **sorted_b = sort_files(b);
	__u32 *pair_of = xalloc(b->nr_files, sizeof(*pair_of));
	const struct file_id *last = NULL;
	size_t i = 0, j;

	diff->files = xalloc(a->nr_files + b->nr_files, sizeof(*diff->files));
	for (j = 0; j < a->nr_files; j++)
		diff->files[j].a = &a->files[j];
	for (j = 0; j < b->nr_files; j++) {
		while (i < a->nr_files &&
		       strcmp(sorted_a[i]->path, sorted_b[j]->path) < 0)
			i++;
		if (i < a->nr_files &&
		    !strcmp(sorted_a[i]->path, sorted_b[j]->path))
			diff->files[sorted_a[i++] - a->files].b = sorted_b[j];
	}
	diff->nr_files = a->nr_files;
	memset(pair_of, 0xff, b->nr_files * sizeof(*pair_of));
	for (i = 0; i < a->nr_files; i++) {
		const struct file_id *id = diff->files[i].b;

		if (!id)
			continue;
		pair_of[id - b->files] = i;
		diff->files_moved = diff->files_moved || id < last;
		last = id;
	}
	for (j = 0; j < b->nr_files; j++) {
		if (pair_of[j] != NO_PAIR)
			continue;
		pair_of[j] = diff->nr_files;
		diff->files[diff->nr_files++].b = &b->files[j];
	}
	free(sorted_a);
	free(sorted_b);
	return pair_of;
}

/*
 * @pair_of: for each file its pair, or NULL: the pair has the same index.
 * Return: the groups, whose first one owns the spans of all.
 */
static struct group *groups_make(const struct template_view *view,
				 const __u32 *pair_of)
{
	struct group *groups = xalloc(view->nr_groups, sizeof(*groups));
	struct span *spans = xalloc(view->nr_extents, sizeof(*spans));
	__u32 i, j, nr;

	for (i = 0, nr = 0; i < view->nr_groups; i++) {
		struct group *g = &groups[i];

		g->spans = &spans[nr];
		g->nr = le32toh(view->groups[i].nr_extents);
		for (j = 0; j < g->nr; j++, nr++) {
			const struct extent e = extent_of(&view->extents[nr]);
			struct span *s = &g->spans[j];

			s->file = pair_of ? pair_of[e.file] : e.file;
			s->order = j;
			s->start = e.start << MAIO_EXTENT_SHIFT;
			s->end = s->start + extent_bytes(view, &e);
		}
		g->file = g->spans[0].file;
		g->start = g->spans[0].start;
		group_sort(g);
	}
	return groups;
}

static void groups_free(struct group *groups, size_t nr)
{
	if (nr)
		free(groups[0].spans);
	free(groups);
}

/**
 * struct match - two groups that share something
 * @a: number in the first template
 * @b: number in the second
 * @both: bytes that both read
 * @same_first: they begin in the same place
 */
struct match {
	int a;
	int b;
	__u64 both;
	bool same_first;
};

static int best_first(const void *x, const void *y)
{
	const struct match *a = x, *b = y;

	if (a->both != b->both)
		return a->both < b->both ? 1 : -1;
	if (a->same_first != b->same_first)
		return a->same_first ? -1 : 1;
	if (a->a != b->a)
		return a->a - b->a;
	return a->b - b->b;
}

static struct match *find_matches(const struct group *a, int nr_a,
				  const struct group *b, int nr_b, size_t *nr)
{
	struct match *matches = xalloc((size_t)nr_a * nr_b, sizeof(*matches));
	struct match m;

	*nr = 0;
	for (m.a = 0; m.a < nr_a; m.a++) {
		for (m.b = 0; m.b < nr_b; m.b++) {
			const struct group *x = &a[m.a], *y = &b[m.b];

			m.both = group_shared(x, y);
			m.same_first = x->file == y->file &&
				x->start == y->start;
			if (m.both)
				matches[(*nr)++] = m;
		}
	}
	qsort(matches, *nr, sizeof(*matches), best_first);
	return matches;
}

/* For each group of @a the one of @b that shares most with it, or NO_GROUP. */
static int *match_groups(const struct group *a, int nr_a,
			 const struct group *b, int nr_b)
{
	int *of_a = xalloc(nr_a, sizeof(*of_a));
	bool *taken = xalloc(nr_b, sizeof(*taken));
	struct match *matches;
	size_t nr, i;

	for (i = 0; i < (size_t)nr_a; i++)
		of_a[i] = NO_GROUP;
	matches = find_matches(a, nr_a, b, nr_b, &nr);
	for (i = 0; i < nr; i++) {
		const struct match *m = &matches[i];

		if (of_a[m->a] != NO_GROUP || taken[m->b])
			continue;
		of_a[m->a] = m->b;
		taken[m->b] = true;
	}
	free(matches);
	free(taken);
	return of_a;
}

static void pair_groups(const struct group *a, int nr_a,
			const struct group *b, int nr_b,
			struct template_diff *diff)
{
	bool *paired = xalloc(nr_b, sizeof(*paired));
	int *of_a = match_groups(a, nr_a, b, nr_b);
	struct group_pair *pair;
	int i;

	pair = xalloc((size_t)nr_a + nr_b, sizeof(*pair));
	diff->groups = pair;
	for (i = 0; i < nr_a; i++, pair++) {
		if (of_a[i] == NO_GROUP) {
			*pair = (struct group_pair){
				.a = i, .b = NO_GROUP, .only_a = a[i].bytes,
			};
			continue;
		}
		*pair = group_compare(&a[i], i, &b[of_a[i]], of_a[i]);
		paired[of_a[i]] = true;
	}
	for (i = 0; i < nr_b; i++) {
		if (!paired[i])
			*pair++ = (struct group_pair){
				.a = NO_GROUP, .b = i, .only_b = b[i].bytes,
			};
	}
	diff->nr_groups = pair - diff->groups;
	free(of_a);
	free(paired);
}

/* The same file: in both, of the same size, with the same header. */
bool file_pair_same(const struct file_pair *pair)
{
	return pair->a && pair->b && pair->a->size == pair->b->size &&
	       pair->a->hash == pair->b->hash;
}

/* The same bytes in the same order. */
bool group_pair_same(const struct group_pair *pair)
{
	return pair->a != NO_GROUP && pair->b != NO_GROUP && !pair->only_a &&
	       !pair->only_b && pair->ordered == pair->both;
}

/**
 * template_compare - find in what two templates differ
 * @a: the first one's files
 * @view_a: the first one
 * @b: the second one's files
 * @view_b: the second one
 * @diff: filled in, valid as long as @a and @b; to be given to
 *	template_diff_free()
 */
void template_compare(const struct store_entry *a,
		      const struct template_view *view_a,
		      const struct store_entry *b,
		      const struct template_view *view_b,
		      struct template_diff *diff)
{
	struct group *groups_a, *groups_b;
	__u32 *pair_of;
	size_t i;

	memset(diff, 0, sizeof(*diff));
	pair_of = pair_files(a, b, diff);
	groups_a = groups_make(view_a, NULL);
	groups_b = groups_make(view_b, pair_of);
	pair_groups(groups_a, view_a->nr_groups, groups_b, view_b->nr_groups,
		    diff);
	groups_free(groups_a, view_a->nr_groups);
	groups_free(groups_b, view_b->nr_groups);
	free(pair_of);

	diff->same = !diff->files_moved;
	for (i = 0; i < diff->nr_files; i++)
		diff->same = diff->same && file_pair_same(&diff->files[i]);
	for (i = 0; i < diff->nr_groups; i++)
		diff->same = diff->same && group_pair_same(&diff->groups[i]);
}

void template_diff_free(struct template_diff *diff)
{
	free(diff->files);
	free(diff->groups);
}
