/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events that nobody listens to.
 */
#ifndef _PPC_LINUX_TRACEPOINT_H
#define _PPC_LINUX_TRACEPOINT_H

#define TP_PROTO(...)	__VA_ARGS__
#define TRACE_EVENT(name, proto, ...)			\
	static inline void trace_##name(proto)		\
	{						\
	}

#endif /* _PPC_LINUX_TRACEPOINT_H */
