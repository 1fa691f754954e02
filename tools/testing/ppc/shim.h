/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In front of every file: what the kernel's build puts there, and tools/include does not have.
 */
#ifndef _PPC_SHIM_H
#define _PPC_SHIM_H

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include <linux/compiler.h>
#include <linux/kernel.h>

/* The C library's wants a message. */
#undef static_assert
#define static_assert(expr, ...) _Static_assert(expr, "" __VA_ARGS__)

#ifndef __counted_by
#define __counted_by(member)
#endif
#ifndef __aligned
#define __aligned(n)	__attribute__((aligned(n)))
#endif
#ifndef __packed
#define __packed	__attribute__((packed))
#endif
#ifndef fallthrough
#define fallthrough	__attribute__((fallthrough))
#endif

#ifndef __attribute_const__
#define __attribute_const__	__attribute__((const))
#endif

#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((unsigned long long)(n), d)

typedef void (*swap_r_func_t)(void *a, void *b, int size, const void *priv);
typedef void (*swap_func_t)(void *a, void *b, int size);
typedef int (*cmp_r_func_t)(const void *a, const void *b, const void *priv);
typedef int (*cmp_func_t)(const void *a, const void *b);

#endif /* _PPC_SHIM_H */
