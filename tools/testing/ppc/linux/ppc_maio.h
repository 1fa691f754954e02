/* SPDX-License-Identifier: GPL-2.0 */
#include <uapi/linux/ppc_maio.h>
