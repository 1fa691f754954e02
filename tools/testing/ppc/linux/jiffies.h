/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_JIFFIES_H
#define _PPC_LINUX_JIFFIES_H

#define HZ			100
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)

extern unsigned long jiffies;

#endif /* _PPC_LINUX_JIFFIES_H */
