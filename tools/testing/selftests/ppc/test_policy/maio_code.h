/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policies for tests read ahead and drop in the order in which MAIO does, by
 * its code.
 */
#ifndef _MAIO_CODE_H
#define _MAIO_CODE_H

#include <kunit/visibility.h>

/* MAIO's module exports these. */
#undef EXPORT_SYMBOL_IF_KUNIT
#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#include "../../../../../samples/ppc_maio/maio_ahead.c"
#include "../../../../../samples/ppc_maio/maio_behind.c"
#include "../../../../../samples/ppc_maio/maio_cursor.c"
#include "../../../../../samples/ppc_maio/maio_map.c"
#include "../../../../../samples/ppc_maio/maio_stream.c"
#include "../../../../../samples/ppc_maio/maio_watch.c"
#include "../../../../../samples/ppc_maio/maio_window.c"

#endif /* _MAIO_CODE_H */
