/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_RCUPDATE_H
#define _PPC_LINUX_RCUPDATE_H

#define __rcu

#endif /* _PPC_LINUX_RCUPDATE_H */
