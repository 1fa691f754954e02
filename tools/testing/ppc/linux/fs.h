/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_FS_H
#define _PPC_LINUX_FS_H

#define MAX_LFS_FILESIZE	((long long)LLONG_MAX)

#endif /* _PPC_LINUX_FS_H */
