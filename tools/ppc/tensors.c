// SPDX-License-Identifier: GPL-2.0
/*
 * The tensors of one file, as its header lists them.
 */
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

/* A name in a message, cut so that the message keeps its end. */
#define NAME_SHOWN		100

/**
 * tensors_add - append a tensor
 * @tensors: of the file
 * @name: need not end in a NUL
 * @name_len: bytes of it
 * @start: first byte in the file
 * @end: behind its last byte; @start if it has none
 * @why: that there are too many
 *
 * Return: 0 or -1.
 */
int tensors_add(struct tensors *tensors, const char *name, size_t name_len,
		__u64 start, __u64 end, struct why *why)
{
	struct tensor *tensor;

	if (tensors->nr == MAIO_MAX_EXTENTS)
		return why_set(why, "more than %d tensors", MAIO_MAX_EXTENTS);
	if (tensors->nr == tensors->room) {
		tensors->room = tensors->room ? 2 * tensors->room : 64;
		tensors->list = xrealloc(tensors->list, tensors->room,
					 sizeof(*tensors->list));
	}
	tensor = &tensors->list[tensors->nr++];
	tensor->name = xalloc(name_len + 1, 1);
	memcpy(tensor->name, name, name_len);
	tensor->start = start;
	tensor->end = end;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct tensor *l = a, *r = b;

	return strcmp(l->name, r->name);
}

/* Sort by name, byte by byte. */
void tensors_sort(struct tensors *tensors)
{
	if (tensors->nr)
		qsort(tensors->list, tensors->nr, sizeof(*tensors->list),
		      compare_names);
}

static int compare_name_pointers(const void *a, const void *b)
{
	return compare_names(*(struct tensor *const *)a,
			     *(struct tensor *const *)b);
}

static int compare_places(const void *a, const void *b)
{
	const struct tensor *l = *(struct tensor *const *)a;
	const struct tensor *r = *(struct tensor *const *)b;

	if (l->start != r->start)
		return l->start < r->start ? -1 : 1;
	return l->end < r->end ? -1 : l->end > r->end;
}

/**
 * tensors_by_place - the tensors that have bytes, in the order of these
 * @tensors: of the file
 * @nr: how many these are
 *
 * Return: pointers into @tensors; the caller frees the array.
 */
struct tensor **tensors_by_place(const struct tensors *tensors, size_t *nr)
{
	struct tensor **sorted = xalloc(tensors->nr, sizeof(*sorted));
	size_t i;

	*nr = 0;
	for (i = 0; i < tensors->nr; i++) {
		if (tensors->list[i].start < tensors->list[i].end)
			sorted[(*nr)++] = &tensors->list[i];
	}
	qsort(sorted, *nr, sizeof(*sorted), compare_places);
	return sorted;
}

static int check_names(const struct tensors *tensors, struct why *why)
{
	struct tensor **sorted = xalloc(tensors->nr, sizeof(*sorted));
	int ret = 0;
	size_t i;

	for (i = 0; i < tensors->nr; i++)
		sorted[i] = &tensors->list[i];
	qsort(sorted, tensors->nr, sizeof(*sorted), compare_name_pointers);
	for (i = 1; !ret && i < tensors->nr; i++) {
		if (!compare_names(sorted[i - 1], sorted[i]))
			ret = why_set(why, "two tensors are called '%.*s'",
				      NAME_SHOWN, sorted[i]->name);
	}
	free(sorted);
	return ret;
}

static int check_places(const struct tensors *tensors, struct why *why)
{
	size_t i, nr;
	struct tensor **sorted = tensors_by_place(tensors, &nr);
	int ret = 0;

	for (i = 1; !ret && i < nr; i++) {
		if (sorted[i - 1]->end > sorted[i]->start)
			ret = why_set(why, "the tensors '%.*s' and '%.*s' overlap",
				      NAME_SHOWN, sorted[i - 1]->name,
				      NAME_SHOWN, sorted[i]->name);
	}
	free(sorted);
	return ret;
}

/**
 * tensors_check - has each a name and a place of its own?
 * @tensors: of the file
 * @why: which two have not
 *
 * Return: 0 or -1.
 */
int tensors_check(const struct tensors *tensors, struct why *why)
{
	return check_names(tensors, why) || check_places(tensors, why) ? -1 : 0;
}

/* Names of many files take much memory, and the order is all they are for. */
void tensors_forget_names(struct tensors *tensors)
{
	size_t i;

	for (i = 0; i < tensors->nr; i++) {
		free(tensors->list[i].name);
		tensors->list[i].name = NULL;
	}
}

void tensors_free(struct tensors *tensors)
{
	tensors_forget_names(tensors);
	free(tensors->list);
	memset(tensors, 0, sizeof(*tensors));
}
