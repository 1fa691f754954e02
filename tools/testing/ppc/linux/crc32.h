/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_CRC32_H
#define _PPC_LINUX_CRC32_H

u32 crc32(u32 crc, const void *data, size_t size);

#endif /* _PPC_LINUX_CRC32_H */
