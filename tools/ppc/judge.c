// SPDX-License-Identifier: GPL-2.0
/*
 * Is what was recorded a load, is it whole, and is it another one than the
 * template says that was replayed?
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

/* What is read ahead is counted in pieces larger than what is recorded. */
#define RECORDING_SLACK		(64UL << 20)

/*
 * A load takes more of some file than this part; headers, tails and a byte of
 * each tensor are less. Of a small file the header is much: such files don't count.
 */
#define SCAN_PART		8
#define SCAN_MIN_BYTES		0x100000ULL

/* Of what a load reads, what its template may lack. */
#define LACK_PERCENT		10

static __u64 bytes_of(const struct template_view *view, const struct extents *all)
{
	__u64 bytes = 0;
	size_t i;

	for (i = 0; i < all->nr; i++)
		bytes += extent_bytes(view, &all->list[i]);
	return bytes;
}

static bool ends_first(const struct extent *a, const struct extent *b)
{
	return a->file != b->file ? a->file < b->file : a->end < b->end;
}

/* The files of both are those of @view. */
static __u64 bytes_shared(const struct template_view *view,
			  const struct extents *all_a, const struct extents *all_b)
{
	const struct extent *a = all_a->list, *end_a = a + all_a->nr;
	const struct extent *b = all_b->list, *end_b = b + all_b->nr;
	__u64 bytes = 0;

	while (a < end_a && b < end_b) {
		const struct extent both = {
			.file = a->file,
			.start = a->start > b->start ? a->start : b->start,
			.end = a->end < b->end ? a->end : b->end,
		};

		if (a->file == b->file && both.start < both.end)
			bytes += extent_bytes(view, &both);
		if (ends_first(a, b))
			a++;
		else
			b++;
	}
	return bytes;
}

/**
 * judge_scan - is it the template of somebody who only looks at the files?
 * @view: what was recorded
 *
 * Headers are read by whoever lists models, and some bytes of each tensor by
 * whoever checks them. A replay of that would help nobody, and the load that
 * comes next would find it in place of its own.
 *
 * Return: true if no file was read by more than a small part.
 */
bool judge_scan(const struct template_view *view)
{
	__u64 *bytes = xalloc(view->nr_files, sizeof(*bytes));
	bool load = false, large = false;
	struct extents all;
	size_t i;

	extents_union(view->extents, view->nr_extents, &all);
	for (i = 0; i < all.nr; i++)
		bytes[all.list[i].file] += extent_bytes(view, &all.list[i]);
	for (i = 0; i < view->nr_files; i++) {
		__u64 size = le64toh(view->files[i].size);

		if (size < SCAN_MIN_BYTES)
			continue;
		large = true;
		load = load || bytes[i] > size / SCAN_PART;
	}
	free(all.list);
	free(bytes);
	return large && !load;
}

/**
 * judge_lacking - does a load read what its template lacks?
 * @had: the template
 * @view: what the load read, of the same files
 * @lacks: bytes of it that are not in @had
 *
 * Return: true if @lacks is more than a small part of what the load read.
 */
bool judge_lacking(const struct template_view *had, const struct template_view *view,
		   __u64 *lacks)
{
	struct extents a, b;
	__u64 bytes;

	extents_union(had->extents, had->nr_extents, &a);
	extents_union(view->extents, view->nr_extents, &b);
	bytes = bytes_of(view, &b);
	*lacks = bytes - bytes_shared(view, &a, &b);
	free(a.list);
	free(b.list);
	return *lacks > bytes / 100 * LACK_PERCENT;
}

/**
 * judge_whole - did the recording see the whole load?
 * @l: load whose recording has ended
 * @failed: the loader reports that it did not finish
 * @why: why not
 *
 * Return: 0 or -1.
 */
int judge_whole(const struct load *l, bool failed, struct why *why)
{
	const struct maio_status *status = &l->status;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];
	__u64 useful = 0;

	if (!coverage_enough(l->resident, l->model.bytes))
		return why_set(why, "%s of %s were cached at the start, so the recording saw too little; run again with a cold cache",
			       bytes_text(l->resident, a),
			       bytes_text(l->model.bytes, b));
	if (failed && status->template_bytes &&
	    status->template_bytes < l->model.bytes / 100 * COVERAGE_MIN_PERCENT)
		return why_set(why, "the load failed, or is not known to be whole: %s of %s were read",
			       bytes_text(status->template_bytes, a),
			       bytes_text(l->model.bytes, b));
	/* A load may read the model several times, and the recording shows it once. */
	if (l->have_stats)
		useful = l->stats.useful_bytes;
	if (useful > l->model.bytes)
		useful = l->model.bytes;
	if (useful / 100 * COVERAGE_MIN_PERCENT > status->template_bytes + RECORDING_SLACK)
		return why_set(why, "the recording shows %s, and %s that were read ahead were read",
			       bytes_text(status->template_bytes, a), bytes_text(useful, b));
	return model_unchanged(&l->model, why);
}

/**
 * judge_outgrown - does what a replay has recorded replace its template?
 * @l: load whose recording has ended
 * @view: what was recorded
 * @why: set if so
 *
 * Return: true if it does.
 */
bool judge_outgrown(const struct load *l, const struct template_view *view,
		    struct why *why)
{
	const struct maio_status *status = &l->status;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];
	struct template_view had;
	__u64 lacks;

	if (view->nr_groups != l->replayed_groups && status->template_bytes >=
	    l->replayed_bytes / 100 * COVERAGE_MIN_PERCENT) {
		why_set(why, "the load had %u worker%s, its template %u",
			view->nr_groups, view->nr_groups == 1 ? "" : "s",
			l->replayed_groups);
		return true;
	}
	if (template_view(l->replayed, l->replayed_len, &had, why) ||
	    !judge_lacking(&had, view, &lacks) || judge_scan(view))
		return false;
	why_set(why, "the load read %s, of which its template lacks %s",
		bytes_text(status->template_bytes, a), bytes_text(lacks, b));
	return true;
}
