/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/slab.h>
