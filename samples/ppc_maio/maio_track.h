/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: conversion of accesses to extents. The caller serialises.
 */
#ifndef _MAIO_TRACK_H
#define _MAIO_TRACK_H

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/ppc.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>

#include "maio_template.h"

/* A miss, a marker or a fault counts as at least a window of stock readahead. */
#define MAIO_TRACK_WINDOW	SZ_128K
/* Extents begin and end on multiples of this, or at the end of the file. */
#define MAIO_TRACK_ALIGN	SZ_64K
/*
 * Holes up to this size are filled, as a stride may go unseen, or as much as stock
 * readahead reads at once, up to the second size.
 */
#define MAIO_TRACK_HOLE		PPC_STRIDE
#define MAIO_TRACK_HOLE_MAX	SZ_8M
/* An extent no longer grows after so many bytes of other extents. */
#define MAIO_TRACK_BREAK	SZ_32M
/* The same for extents of the size of a header, whose data is read later. */
#define MAIO_TRACK_BREAK_SHORT	SZ_16M
#define MAIO_TRACK_SHORT	SZ_1M
/* A process has gone on at once if it read so much in one run, so soon after its first access. */
#define MAIO_TRACK_EAGER	SZ_4M
#define MAIO_TRACK_EAGER_TIME	(HZ / 2)
/* A process that reads less than this may not be a worker. */
#define MAIO_TRACK_LITTLE	SZ_1M

#define MAIO_TRACK_SLOT_BITS	11
#define MAIO_TRACK_SLOTS	BIT(MAIO_TRACK_SLOT_BITS)

/**
 * struct maio_track_extent - a run of one file that one process has read
 * @node: in the process's tree, by file and start
 * @start: first byte
 * @end: byte behind the last one
 * @clock: the process's clock when the extent last grew
 * @grown: where it did
 * @file: file index
 * @process: the process's place in the track
 */
struct maio_track_extent {
	struct rb_node node;
	u64 start;
	u64 end;
	u64 clock;
	u64 grown;
	u32 file;
	u32 process;
};

/**
 * struct maio_track_process - what one process has read
 * @extents: its extents; no two overlap
 * @clock: bytes of all of them, a stride an event at most
 * @begun: its first access, jiffies
 * @timed: it has read MAIO_TRACK_EAGER in one run
 * @tgid: the process
 * @nr_extents: how many extents
 * @cursor: index at which maio_track_collect() stores the next one
 */
struct maio_track_process {
	struct rb_root extents;
	u64 clock;
	unsigned long begun;
	bool timed;
	pid_t tgid;
	u32 nr_extents;
	u32 cursor;
};

/**
 * struct maio_track - what all processes have read
 * @nr_processes: entries of @processes, in the order of their first access
 * @nr_extents: entries of @extents, in the order of their first access
 * @max_extents: size of @extents
 * @fine: the last access was to what is not read ahead, or watched: small folios show
 *	each one
 * @again: bytes that a process read again later, roughly
 * @eager: a process went on reading at once
 * @paused: a process went on after a pause
 * @slots: hash table by tgid, of places in @processes plus one
 * @processes: the processes
 * @extents: the extents of all processes
 */
struct maio_track {
	u32 nr_processes;
	u32 nr_extents;
	u32 max_extents;
	u64 again;
	bool fine;
	bool eager;
	bool paused;
	u16 slots[MAIO_TRACK_SLOTS];
	struct maio_track_process processes[MAIO_MAX_GROUPS];
	struct maio_track_extent extents[] __counted_by(max_extents);
};

void maio_track_init(struct maio_track *track, u32 max_extents);
bool maio_track_access(struct maio_track *track, const struct ppc_access *access,
		       unsigned long now);
u32 maio_track_collect(struct maio_track *track, const u64 *sizes,
		       u32 nr_files, u32 *counts, struct maio_extent *extents);
u32 maio_track_drop_little(u32 *counts, u32 *nr_groups,
			   struct maio_extent *extents,
			   struct maio_extent *scratch);

#endif /* _MAIO_TRACK_H */
