/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Without the kernel's checks of types, which have passed when the kernel was built.
 */
#ifndef _PPC_LINUX_MINMAX_H
#define _PPC_LINUX_MINMAX_H

#include <linux/kernel.h>

#undef min
#undef max
#undef clamp

#define min(x, y) ({				\
	const typeof(x) _min_x = (x);		\
	const typeof(y) _min_y = (y);		\
						\
	_min_x < _min_y ? _min_x : _min_y;	\
})
#define max(x, y) ({				\
	const typeof(x) _max_x = (x);		\
	const typeof(y) _max_y = (y);		\
						\
	_max_x > _max_y ? _max_x : _max_y;	\
})
#define clamp(value, low, high)	min(max(value, low), high)

#define swap(a, b) do {				\
	const typeof(a) _swap = (a);		\
						\
	(a) = (b);				\
	(b) = _swap;				\
} while (0)

#endif /* _PPC_LINUX_MINMAX_H */
