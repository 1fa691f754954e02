/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: how much to read ahead. Pure logic; the caller serialises.
 */
#ifndef _MAIO_WINDOW_H
#define _MAIO_WINDOW_H

#include <linux/bits.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* An access says little about the rest of a load, unless its template says more. */
#define MAIO_WINDOW_START	SZ_16M
#define MAIO_WINDOW_EAGER	SZ_128M
/*
 * Only one window is read ahead until so much was read. While nobody has recorded the
 * load, it is a small one until most of a chunk, or more in all, was read: headers and
 * tails are no load.
 */
#define MAIO_WINDOW_LOOK	SZ_8M
#define MAIO_WINDOW_LOOK_GUESS	SZ_32M
#define MAIO_WINDOW_LOOK_FIRST	SZ_2M
/* How far it may open; and how far while nobody has recorded the load. */
#define MAIO_WINDOW_MAX		BIT_ULL(50)
#define MAIO_WINDOW_GUESS	SZ_8M

/**
 * struct maio_window - how much to read ahead of the readers of a stream
 * @size: bytes; 0: nothing that was read ahead is of use
 * @max: how far it may open, bytes
 * @used: bytes read ahead and finished by readers, when @size changed
 * @lost: bytes read ahead that readers have passed or lost, when @size changed, or fewer
 */
struct maio_window {
	u64 size;
	u64 max;
	u64 used;
	u64 lost;
};

void maio_window_reset(struct maio_window *w, u64 start, u64 max);
void maio_window_narrow(struct maio_window *w);
void maio_window_update(struct maio_window *w, u64 used, u64 lost);

#endif /* _MAIO_WINDOW_H */
