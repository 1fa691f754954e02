/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/limits.h>

#ifndef _PPC_LINUX_LIMITS_H
#define _PPC_LINUX_LIMITS_H

#define U8_MAX		((u8)~0U)
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define S64_MAX		((s64)(U64_MAX >> 1))

#endif /* _PPC_LINUX_LIMITS_H */
