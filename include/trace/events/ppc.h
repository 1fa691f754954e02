/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ppc

#if !defined(_TRACE_PPC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_PPC_H

#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/ppc.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(PPC_ACCESS_MISS);
TRACE_DEFINE_ENUM(PPC_ACCESS_MARKER);
TRACE_DEFINE_ENUM(PPC_ACCESS_FAULT);
TRACE_DEFINE_ENUM(PPC_ACCESS_FAULT_MISS);
TRACE_DEFINE_ENUM(PPC_ACCESS_CONSUME);
TRACE_DEFINE_ENUM(PPC_STREAM_ELSEWHERE);
TRACE_DEFINE_ENUM(PPC_STREAM_MOVED);
TRACE_DEFINE_ENUM(PPC_STREAM_OVERTAKEN);
TRACE_DEFINE_ENUM(PPC_STREAM_COVERED);

#define show_ppc_access_type(type)					\
	__print_symbolic(type,						\
		{ PPC_ACCESS_MISS,		"miss" },		\
		{ PPC_ACCESS_MARKER,		"marker" },		\
		{ PPC_ACCESS_FAULT,		"fault" },		\
		{ PPC_ACCESS_FAULT_MISS,	"fault_miss" },		\
		{ PPC_ACCESS_CONSUME,		"consume" })

#define show_ppc_stream_hit(hit)					\
	__print_symbolic(hit,						\
		{ PPC_STREAM_ELSEWHERE,		"elsewhere" },		\
		{ PPC_STREAM_MOVED,		"moved" },		\
		{ PPC_STREAM_OVERTAKEN,		"overtaken" },		\
		{ PPC_STREAM_COVERED,		"covered" })

TRACE_EVENT(ppc_access,
	TP_PROTO(const struct inode *inode, const struct ppc_access *access),
	TP_ARGS(inode, access),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, index)
		__field(u64, len)
		__field(int, type)
		__field(bool, uptodate)
		__field(pid_t, tgid)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->index = access->pos >> PAGE_SHIFT;
		__entry->len = access->len;
		__entry->type = access->type;
		__entry->uptodate = access->uptodate;
		__entry->tgid = access->tgid;
	),
	TP_printk("dev=%d:%d ino=%llu index=%llu len=%llu type=%s uptodate=%d tgid=%d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->len,
		  show_ppc_access_type(__entry->type), __entry->uptodate,
		  __entry->tgid)
);

TRACE_EVENT(ppc_stream_access,
	TP_PROTO(const struct ppc_access *access, u32 chunk, int hit,
		 bool interrupted),
	TP_ARGS(access, chunk, hit, interrupted),
	TP_STRUCT__entry(
		__field(u32, file)
		__field(u64, index)
		__field(u32, chunk)
		__field(int, hit)
		__field(bool, interrupted)
	),
	TP_fast_assign(
		__entry->file = access->file;
		__entry->index = access->pos >> PAGE_SHIFT;
		__entry->chunk = chunk;
		__entry->hit = hit;
		__entry->interrupted = interrupted;
	),
	TP_printk("file=%u index=%llu chunk=%u hit=%s interrupted=%d",
		  __entry->file, __entry->index, __entry->chunk,
		  show_ppc_stream_hit(__entry->hit), __entry->interrupted)
);

DECLARE_EVENT_CLASS(ppc_range,
	TP_PROTO(const struct inode *inode, u64 pos, u64 len, u64 pages),
	TP_ARGS(inode, pos, len, pages),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, index)
		__field(u64, len)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->index = pos >> PAGE_SHIFT;
		__entry->len = len;
		__entry->pages = pages;
	),
	TP_printk("dev=%d:%d ino=%llu index=%llu len=%llu pages=%llu",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->index, __entry->len, __entry->pages)
);

/* A batch was submitted; pages were not cached before. */
DEFINE_EVENT(ppc_range, ppc_batch,
	TP_PROTO(const struct inode *inode, u64 pos, u64 len, u64 pages),
	TP_ARGS(inode, pos, len, pages)
);

/* Consumed bytes were dropped; so many pages went. */
DEFINE_EVENT(ppc_range, ppc_burn,
	TP_PROTO(const struct inode *inode, u64 pos, u64 len, u64 pages),
	TP_ARGS(inode, pos, len, pages)
);

DECLARE_EVENT_CLASS(ppc_attachment,
	TP_PROTO(const char *policy, u32 files),
	TP_ARGS(policy, files),
	TP_STRUCT__entry(
		__string(policy, policy)
		__field(u32, files)
	),
	TP_fast_assign(
		__assign_str(policy);
		__entry->files = files;
	),
	TP_printk("policy=%s files=%u", __get_str(policy), __entry->files)
);

DEFINE_EVENT(ppc_attachment, ppc_attach,
	TP_PROTO(const char *policy, u32 files),
	TP_ARGS(policy, files)
);

DEFINE_EVENT(ppc_attachment, ppc_detach,
	TP_PROTO(const char *policy, u32 files),
	TP_ARGS(policy, files)
);

TRACE_EVENT(ppc_fallback,
	TP_PROTO(const char *policy, u64 issued, u64 useful, u64 refaulted),
	TP_ARGS(policy, issued, useful, refaulted),
	TP_STRUCT__entry(
		__string(policy, policy)
		__field(u64, issued)
		__field(u64, useful)
		__field(u64, refaulted)
	),
	TP_fast_assign(
		__assign_str(policy);
		__entry->issued = issued;
		__entry->useful = useful;
		__entry->refaulted = refaulted;
	),
	TP_printk("policy=%s issued=%llu useful=%llu refaulted=%llu",
		  __get_str(policy), __entry->issued, __entry->useful,
		  __entry->refaulted)
);

#endif /* _TRACE_PPC_H */

#include <trace/define_trace.h>
