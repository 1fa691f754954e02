/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM maio

#if !defined(_MAIO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MAIO_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(maio_match,
	    TP_PROTO(pid_t tgid, u32 group, bool bound),
	TP_ARGS(tgid, group, bound),
	TP_STRUCT__entry(
		__field(pid_t, tgid)
		__field(u32, group)
		__field(bool, bound)
	),
	TP_fast_assign(
		__entry->tgid = tgid;
		__entry->group = group;
		__entry->bound = bound;
	),
	TP_printk("tgid=%d group=%u bound=%d", __entry->tgid, __entry->group,
		  __entry->bound)
);

#endif /* _MAIO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE maio_trace
#include <trace/define_trace.h>
