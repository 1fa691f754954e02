/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fuzz targets share. Each has the entry point of libFuzzer, and is linked
 * with that or with fuzz_main.c.
 */
#ifndef MAIOCTL_FUZZ_H
#define MAIOCTL_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/types.h>

/* By the name under which libFuzzer calls it. */
int fuzz_one(const __u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

/* A finding, as a crash is one. */
#define fuzz_assert(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not so: %s\n",		\
				__FILE__, __LINE__, #condition);	\
			abort();					\
		}							\
	} while (0)

#endif /* MAIOCTL_FUZZ_H */
