// SPDX-License-Identifier: GPL-2.0
/*
 * How much to read ahead, as in congestion control: the window of a stream opens as
 * readers use what was read ahead, and closes as they lose it. Pure logic.
 */

#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <kunit/visibility.h>

#include "maio_map.h"
#include "maio_window.h"

/* A load in another order than the template's uses a little at each place. */
#define MAIO_WINDOW_MIN		PPC_READ_BYTES

/* Start of a load, with a window of @start bytes, which opens up to @max. */
void maio_window_reset(struct maio_window *w, u64 start, u64 max)
{
	*w = (struct maio_window){ .size = start, .max = max };
}
EXPORT_SYMBOL_IF_KUNIT(maio_window_reset);

/* Readers took little of what they passed: do not open as far any more. */
void maio_window_narrow(struct maio_window *w)
{
	w->max = max(w->max / 2, MAIO_WINDOW_MIN);
	w->size = min(w->size, w->max);
}
EXPORT_SYMBOL_IF_KUNIT(maio_window_narrow);

/*
 * Half a window was used: double it. Half a window was lost, and less was used: halve
 * it. Nothing was used of the smallest one, and more was lost than used in all: close it.
 *
 * @used and @lost are totals since the reset. Bytes that readers passed and came back
 * to are no longer lost.
 */
void maio_window_update(struct maio_window *w, u64 used, u64 lost)
{
	u64 more_used, more_lost;

	w->lost = min(w->lost, lost);
	more_used = used - w->used;
	more_lost = lost - w->lost;
	if (more_lost >= w->size / 2 && more_lost > more_used) {
		if (w->size > MAIO_WINDOW_MIN)
			w->size /= 2;
		else if (!more_used && lost > used)
			w->size = 0;
	} else if (more_used >= w->size / 2) {
		w->size = min(2 * w->size, w->max);
	} else {
		return;
	}
	w->used = used;
	w->lost = lost;
}
EXPORT_SYMBOL_IF_KUNIT(maio_window_update);
