// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: conversion of accesses to extents, and of extents to groups.
 *
 * The page cache shows little of what a reader does: large folios, fault-around and
 * readahead hide most accesses and leave one event every 128 KiB to 1 MiB. So an
 * event counts as a window, and an extent grows over a hole in which accesses may have
 * gone unseen. The extents of a process never overlap: only the first read of a byte
 * counts. They are kept in the order in which they began, which is the order to read
 * them in. Threads of a process that read in parallel each grow an extent.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "maio_track.h"

/* Templates cannot describe bytes behind this. */
#define MAIO_TRACK_END	ALIGN_DOWN(U32_MAX * MAIO_UNIT, MAIO_TRACK_ALIGN)

/* Initialize a track. */
void maio_track_init(struct maio_track *track, u32 max_extents)
{
	memset(track, 0, sizeof(*track));
	track->max_extents = max_extents;
}
EXPORT_SYMBOL_IF_KUNIT(maio_track_init);

/* Nothing is ever removed, and there are twice as many slots as processes. */
static struct maio_track_process *
maio_track_process(struct maio_track *track, pid_t tgid)
{
	u32 slot = hash_32(tgid, MAIO_TRACK_SLOT_BITS);
	struct maio_track_process *process;

	for (; track->slots[slot]; slot = (slot + 1) % MAIO_TRACK_SLOTS) {
		process = &track->processes[track->slots[slot] - 1];
		if (process->tgid == tgid)
			return process;
	}

	if (track->nr_processes == MAIO_MAX_GROUPS)
		return NULL;

	process = &track->processes[track->nr_processes++];
	process->extents = RB_ROOT;
	process->tgid = tgid;
	track->slots[slot] = track->nr_processes;
	return process;
}

static bool maio_track_before(struct rb_node *a, const struct rb_node *b)
{
	const struct maio_track_extent *l, *r;

	l = rb_entry(a, struct maio_track_extent, node);
	r = rb_entry(b, struct maio_track_extent, node);
	if (l->file != r->file)
		return l->file < r->file;
	return l->start < r->start;
}

/* The extents of @file beside @pos: the last from at most @pos, the first after */
static void maio_track_beside(struct maio_track_process *process, u32 file,
			      u64 pos, struct maio_track_extent **prev,
			      struct maio_track_extent **next)
{
	struct rb_node *node = process->extents.rb_node;

	*prev = NULL;
	*next = NULL;
	while (node) {
		struct maio_track_extent *extent;

		extent = rb_entry(node, struct maio_track_extent, node);
		if (extent->file < file ||
		    (extent->file == file && extent->start <= pos)) {
			if (extent->file == file)
				*prev = extent;
			node = node->rb_right;
		} else {
			if (extent->file == file)
				*next = extent;
			node = node->rb_left;
		}
	}
}

static void maio_track_grown(struct maio_track_process *process,
			     struct maio_track_extent *extent, u64 pos, u64 end)
{
	/* A long read() may be interleaved with other reads. */
	process->clock += min(end - pos, PPC_STRIDE);
	extent->clock = process->clock;
	extent->grown = pos;
}

/* Is it read again: far from where the extent grew last, or long after? */
static bool maio_track_again(const struct maio_track_process *process,
			     const struct maio_track_extent *extent, u64 pos)
{
	const u64 distance = max(pos, extent->grown) - min(pos, extent->grown);

	return pos < extent->end && (distance > MAIO_TRACK_BREAK ||
				     process->clock - extent->clock > MAIO_TRACK_BREAK);
}

/*
 * Has the process read much else since? A loader that alternates between files wants
 * its extents in the same order. If no extent is free, the old one grows anyway.
 */
static bool maio_track_broken(const struct maio_track *track,
			      const struct maio_track_process *process,
			      const struct maio_track_extent *extent)
{
	const u64 others = process->clock - extent->clock;
	const bool is_short = extent->end - extent->start <= MAIO_TRACK_SHORT;

	return others > (is_short ? MAIO_TRACK_BREAK_SHORT : MAIO_TRACK_BREAK) &&
	       track->nr_extents < track->max_extents;
}

static bool maio_track_begin(struct maio_track *track,
			     struct maio_track_process *process, u32 file,
			     u64 start, u64 end)
{
	struct maio_track_extent *extent;

	if (track->nr_extents == track->max_extents)
		return false;

	extent = &track->extents[track->nr_extents++];
	extent->start = start;
	extent->end = end;
	extent->file = file;
	extent->process = process - track->processes;
	process->nr_extents++;
	maio_track_grown(process, extent, start, end);
	rb_add(&extent->node, &process->extents, maio_track_before);
	return true;
}

static bool maio_track_add(struct maio_track *track,
			   struct maio_track_process *process, u32 file,
			   u64 start, u64 end, u64 hole)
{
	while (start < end) {
		struct maio_track_extent *prev, *next;
		u64 stop = end;

		maio_track_beside(process, file, start, &prev, &next);

		if (prev && start < prev->end) {
			start = prev->end;
			continue;
		}
		/* The holes become part of either extent. */
		if (next && next->start <= end + hole)
			stop = next->start;
		else
			next = NULL;
		if (prev && start - prev->end <= hole)
			start = prev->end;
		else
			prev = NULL;

		if (prev && !maio_track_broken(track, process, prev)) {
			maio_track_grown(process, prev, start, stop);
			prev->end = stop;
		} else if (next && (end >= stop ||
				    !maio_track_broken(track, process, next))) {
			maio_track_grown(process, next, start, stop);
			next->start = start;
		} else if (!maio_track_begin(track, process, file, start, stop)) {
			return false;
		}
		start = stop;
	}
	return true;
}

/* When did the process read its first run? Headers are too short to be one. */
static void maio_track_time(struct maio_track *track, struct maio_track_process *process,
			    u32 file, u64 pos, unsigned long now)
{
	struct maio_track_extent *run, *next;

	if (process->timed)
		return;
	maio_track_beside(process, file, pos, &run, &next);
	if (!run || run->end - run->start < MAIO_TRACK_EAGER)
		return;
	process->timed = true;
	if (time_before(now, process->begun + MAIO_TRACK_EAGER_TIME))
		track->eager = true;
	else
		track->paused = true;
}

/* Add one access, at @now jiffies. Return: false if it did not fit. */
bool maio_track_access(struct maio_track *track, const struct ppc_access *access,
		       unsigned long now)
{
	u64 pos = access->pos, len = access->len, hole = MAIO_TRACK_HOLE;
	struct maio_track_extent *prev, *next;
	struct maio_track_process *process;
	u64 end;
	bool fits;

	/* The rest of the folio may be mapped now, and not be reported again. */
	if (access->folio_len) {
		pos = access->folio_pos;
		len = max(len + access->pos - pos, access->folio_len);
	}
	if (access->type != PPC_ACCESS_CONSUME) {
		len = max(len, MAIO_TRACK_WINDOW);
		if (track->fine && access->folio_len <= PPC_WATCH_BYTES)
			hole = MAIO_TRACK_WINDOW;
		/* Stock readahead places one marker in all that it reads at once. */
		hole = max(hole, min(access->window, MAIO_TRACK_HOLE_MAX));
	}
	if (check_add_overflow(pos, len, &end) || end > MAIO_TRACK_END)
		end = MAIO_TRACK_END;
	if (pos >= end)
		return true;

	process = maio_track_process(track, access->tgid);
	if (!process)
		return false;

	if (!process->nr_extents)
		process->begun = now;
	maio_track_beside(process, access->file, pos, &prev, &next);
	if (prev && maio_track_again(process, prev, pos))
		track->again += min(end - pos, PPC_STRIDE);
	fits = maio_track_add(track, process, access->file,
			      ALIGN_DOWN(pos, MAIO_TRACK_ALIGN),
			      ALIGN(end, MAIO_TRACK_ALIGN), hole);
	maio_track_time(track, process, access->file, pos, now);
	return fits;
}
EXPORT_SYMBOL_IF_KUNIT(maio_track_access);

/*
 * With small folios, cached pages are reported once per stride, so the end of a file
 * that was read completely may not be reported.
 */
static u64 maio_track_end(const struct maio_track_extent *extent, u64 size)
{
	const struct rb_node *next = rb_next(&extent->node);

	if (extent->end >= size ||
	    size - extent->end > PPC_STRIDE ||
	    extent->end - extent->start < PPC_STRIDE)
		return extent->end;
	if (next && rb_entry(next, struct maio_track_extent, node)->file ==
		    extent->file)
		return extent->end;
	return size;
}

/*
 * Sort the extents in the order of a template. Return: their number; a process may
 * have none.
 */
u32 maio_track_collect(struct maio_track *track, const u64 *sizes,
		       u32 nr_files, u32 *counts, struct maio_extent *extents)
{
	u32 i, first = 0, nr = 0;

	for (i = 0; i < track->nr_processes; i++) {
		track->processes[i].cursor = first;
		counts[i] = 0;
		first += track->processes[i].nr_extents;
	}

	for (i = 0; i < track->nr_extents; i++) {
		const struct maio_track_extent *extent = &track->extents[i];
		const u32 process = extent->process;
		u64 start = extent->start >> MAIO_EXTENT_SHIFT;
		u64 end;

		if (extent->file >= nr_files)
			continue;
		end = maio_units(maio_track_end(extent, sizes[extent->file]));
		end = min(end, maio_units(sizes[extent->file]));
		if (start >= end)
			continue;

		extents[track->processes[process].cursor + counts[process]++] =
			(struct maio_extent) {
				.file = extent->file,
				.start = start,
				.count = end - start,
			};
	}

	for (i = 0; i < track->nr_processes; i++) {
		first = track->processes[i].cursor;
		counts[i] = maio_extents_coalesce(&extents[first], counts[i]);
		memmove(&extents[nr], &extents[first],
			counts[i] * sizeof(*extents));
		nr += counts[i];
	}
	return nr;
}
EXPORT_SYMBOL_IF_KUNIT(maio_track_collect);

static u64 maio_track_units(const struct maio_extent *extents, u32 nr)
{
	u64 units = 0;

	while (nr--)
		units += extents[nr].count;
	return units;
}

static bool maio_track_all_in(const struct maio_extent *set, u32 nr_set,
			      const struct maio_extent *extents, u32 nr)
{
	while (nr--) {
		if (!maio_extents_contain(set, nr_set, &extents[nr]))
			return false;
	}
	return true;
}

/* Accesses close to those of others are not reported through a mapping. */
static void maio_track_grow(struct maio_extent *extents, u32 nr, u32 units)
{
	while (nr--) {
		struct maio_extent *extent = &extents[nr];
		const u32 before = min(extent->start, units);

		extent->start -= before;
		extent->count += before;
		extent->count += min(units, U32_MAX - extent->start -
					    extent->count);
	}
}

/*
 * Remove groups that are not workers.
 *
 * A launcher often reads the headers of all files before its workers load them. A
 * process that read less than 1 MiB, or less than a 64th of the busiest one, gets no
 * group if others read the same bytes or close by.
 *
 * Return: the number of extents that remain.
 */
u32 maio_track_drop_little(u32 *counts, u32 *nr_groups,
			   struct maio_extent *extents,
			   struct maio_extent *scratch)
{
	u32 i, first, nr_set = 0, nr = 0, kept = 0;
	u64 most = 0, little;

	for (i = 0, first = 0; i < *nr_groups; first += counts[i++])
		most = max(most, maio_track_units(&extents[first], counts[i]));
	little = max(most / 64, maio_units(MAIO_TRACK_LITTLE));

	for (i = 0, first = 0; i < *nr_groups; first += counts[i++]) {
		if (maio_track_units(&extents[first], counts[i]) < little)
			continue;
		memcpy(&scratch[nr_set], &extents[first],
		       counts[i] * sizeof(*extents));
		nr_set += counts[i];
	}
	maio_track_grow(scratch, nr_set, maio_units(MAIO_TRACK_LITTLE));
	nr_set = maio_extents_union(scratch, nr_set);

	for (i = 0, first = 0; i < *nr_groups; i++) {
		const struct maio_extent *group = &extents[first];
		const u32 count = counts[i];

		first += count;
		if (!count || (maio_track_units(group, count) < little &&
			       maio_track_all_in(scratch, nr_set, group, count)))
			continue;
		memmove(&extents[nr], group, count * sizeof(*extents));
		counts[kept++] = count;
		nr += count;
	}
	*nr_groups = kept;
	return nr;
}
EXPORT_SYMBOL_IF_KUNIT(maio_track_drop_little);
