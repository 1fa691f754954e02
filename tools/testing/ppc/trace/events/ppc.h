/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_TRACE_EVENTS_PPC_H
#define _PPC_TRACE_EVENTS_PPC_H

#define trace_ppc_stream_access(...)	do { } while (0)
#define trace_ppc_fallback(...)		do { } while (0)

#endif /* _PPC_TRACE_EVENTS_PPC_H */
