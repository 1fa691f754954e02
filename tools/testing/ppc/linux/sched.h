/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_SCHED_H
#define _PPC_LINUX_SCHED_H

#define cond_resched()	do { } while (0)

#endif /* _PPC_LINUX_SCHED_H */
