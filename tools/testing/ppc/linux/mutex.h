/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_MUTEX_H
#define _PPC_LINUX_MUTEX_H

struct mutex {
	bool held;
};

#endif /* _PPC_LINUX_MUTEX_H */
