/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Just enough of the Test Anything Protocol.
 */
#ifndef MAIOCTL_TAP_H
#define MAIOCTL_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_tests, tap_failures;

static inline bool __attribute__((format(printf, 2, 3)))
tap_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%s %u - ", good ? "ok" : "not ok", ++tap_tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good)
		tap_failures++;
	return good;
}

static inline int tap_end(void)
{
	printf("1..%u\n", tap_tests);
	return tap_failures ? 1 : 0;
}

#endif /* MAIOCTL_TAP_H */
