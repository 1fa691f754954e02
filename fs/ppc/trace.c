// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints.
 */

#include <linux/fs.h>
#include <linux/ppc.h>

#define CREATE_TRACE_POINTS
#include <trace/events/ppc.h>

/* Only policies know when these happen. */
EXPORT_TRACEPOINT_SYMBOL_GPL(ppc_stream_access);
EXPORT_TRACEPOINT_SYMBOL_GPL(ppc_fallback);
