/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_MODULE_H
#define _PPC_LINUX_MODULE_H

#include <linux/export.h>

#define MODULE_IMPORT_NS(name)
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)

#endif /* _PPC_LINUX_MODULE_H */
