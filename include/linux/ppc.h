/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programmable page cache: the interface for authors of policies.
 *
 * See Documentation/mm/ppc/. Nothing here is a stable interface.
 */
#ifndef _LINUX_PPC_H
#define _LINUX_PPC_H

#include <linux/bits.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <uapi/linux/ppc.h>

struct module;
struct ppc_attachment;
struct ppc_stream;

/* A sequential reader is reported once per stride. */
#define PPC_STRIDE_SHIFT	20
#define PPC_STRIDE		BIT(PPC_STRIDE_SHIFT)

/**
 * enum ppc_access_type - kinds of accesses
 * @PPC_ACCESS_MISS: a read() found nothing cached at the position
 * @PPC_ACCESS_MARKER: a read() or a fault found a PG_readahead folio
 * @PPC_ACCESS_FAULT: a fault found a folio, which may still be under read
 * @PPC_ACCESS_FAULT_MISS: a fault found nothing cached
 * @PPC_ACCESS_CONSUME: a read() or splice has copied the bytes out; reported once
 *	per stride
 * @PPC_ACCESS_FAILED: the device could not read a folio of these bytes
 */
enum ppc_access_type {
	PPC_ACCESS_MISS,
	PPC_ACCESS_MARKER,
	PPC_ACCESS_FAULT,
	PPC_ACCESS_FAULT_MISS,
	PPC_ACCESS_CONSUME,
	PPC_ACCESS_FAILED,
};

/**
 * struct ppc_access - one event at a hook
 * @type: what happened
 * @file: file index
 * @uptodate: the folio at @pos is cached and up to date
 * @dropbehind: for misses and markers of read(): it has RWF_DONTCACHE
 * @tgid: process, in the initial pid namespace
 * @pos: first byte
 * @len: bytes wanted or consumed; a fault wants one page; if it found nothing cached in
 *	a MADV_HUGEPAGE mapping, it wants the rest of the huge page
 * @folio_pos: for markers and faults: first byte of the folio that was found, which
 *	may be mapped as a whole and not be reported again
 * @folio_len: bytes of that folio; 0 if there is none
 * @window: for markers: bytes that stock readahead last read at once for the reader
 */
struct ppc_access {
	enum ppc_access_type type;
	u32 file;
	bool uptodate;
	bool dropbehind;
	pid_t tgid;
	u64 pos;
	u64 len;
	u64 folio_pos;
	u64 folio_len;
	u64 window;
};

/**
 * enum ppc_verdict - what &ppc_ops.evict returns
 * @PPC_EVICT_DEFAULT: no preference
 * @PPC_EVICT_FIRST: evict it, even if it was referenced; reclaim does so if all
 *	policies of the file agree and the folio is not mlocked
 * @PPC_EVICT_KEEP: the policy still needs it
 */
enum ppc_verdict {
	PPC_EVICT_DEFAULT,
	PPC_EVICT_FIRST,
	PPC_EVICT_KEEP,
};

/**
 * enum ppc_evict_reason - who calls &ppc_ops.evict
 * @PPC_EVICT_RECLAIM: memory reclaim, about one folio
 * @PPC_EVICT_DROP: a stream that is about to drop a range
 * @PPC_EVICT_LAST: as %PPC_EVICT_DROP, but the stream is stopped and does not ask
 *	again
 */
enum ppc_evict_reason {
	PPC_EVICT_RECLAIM,
	PPC_EVICT_DROP,
	PPC_EVICT_LAST,
};

/**
 * struct ppc_range - bytes of one file
 * @file: file index
 * @flags: PPC_RANGE_*
 * @pos: first byte
 * @len: bytes, not zero
 */
struct ppc_range {
	u32 file;
	u32 flags;
	u64 pos;
	u64 len;
};

/* For @next: a reader needs it soon, so reclaiming memory for it is worth it. */
#define PPC_RANGE_NEAR		BIT(0)
/*
 * For @next: place a marker every PPC_WATCH_BYTES, and use folios of that size at most:
 * @access then shows which parts readers come to.
 */
#define PPC_RANGE_WATCH		BIT(1)
/* For @drop: also drain per-CPU LRU batches, which waits for all CPUs. */
#define PPC_RANGE_DRAIN		BIT(2)
/* For @drop: only folios that nobody has used since they were read. */
#define PPC_RANGE_UNUSED	BIT(3)

/* Maximum bytes of one range to read and of one to drop. */
#define PPC_READ_BYTES		SZ_4M
#define PPC_DROP_BYTES		SZ_16M
/* From one marker to the next in a range that is watched. */
#define PPC_WATCH_BYTES		SZ_64K

/**
 * struct ppc_ops - a page cache policy
 *
 * A callback that is NULL is not called. @access and @evict run under
 * rcu_read_lock() in the context of the task that uses the page cache, with locks
 * of the file system, the memory map or reclaim held: they must not sleep, allocate
 * memory that may block, or use the page cache. The others run in process context
 * and may sleep.
 *
 * @name: name, not empty, unique among the registered policies
 * @owner: THIS_MODULE
 * @attach: An attachment is created. Its files are attached; no other callback
 *	runs before it returns. Sets ppc_attachment_private(). Context: process,
 *	no locks of the page cache. Return: 0 or a negative errno, which fails
 *	PPC_IOC_ATTACH; @detach is not called then.
 * @detach: The attachment ends. All streams are stopped, and no other callback
 *	runs or will run. Frees what @attach allocated; streams that remain are
 *	destroyed after it. Cannot fail. Context: a worker or the caller of
 *	PPC_IOC_DETACH; may sleep.
 * @files_changed: Files were added or removed. Context: process; other callbacks
 *	may run meanwhile; may sleep.
 * @ioctl: ioctls numbered %PPC_IOC_POLICY_FIRST and up. Context: process; calls
 *	are not serialised, but never run together with @detach. Return: as an
 *	ioctl; -ENOTTY for unknown numbers.
 * @access: A task accessed a position. Return: for a marker, true if the policy
 *	reads ahead from there, so that asynchronous stock readahead is skipped;
 *	for a failed read, true if the policy did not know, so that the reader
 *	retries without the folio; otherwise ignored.
 * @next: Get the next range to read, of at most %PPC_READ_BYTES. Return: false if
 *	there is none; called again after ppc_stream_kick(). Context: worker of
 *	the stream; may sleep.
 * @filled: Result of the range from @next: bytes submitted (the others were cached
 *	before), -EAGAIN if there is no memory for it (the worker tries again
 *	later), -ESTALE if the file was removed or has changed. Follows each
 *	@next that returned true.
 * @drop: Get the next range to drop, of at most %PPC_DROP_BYTES. Return: false if
 *	there is none; called again after ppc_stream_kick_drop() and when the
 *	stream is stopped. Context: another worker of the stream, or
 *	ppc_stream_stop(); may sleep.
 * @dropped: Result of the range from @drop: bytes that are still cached, straddling
 *	folios counted whole; -EBUSY if a policy wants to keep it, so that nothing
 *	was dropped; -ESTALE as for @filled.
 * @evict: May these bytes be evicted? @pos and @len are of one folio for
 *	%PPC_EVICT_RECLAIM (folio locked, off the LRU, below any allocation) and
 *	of any size otherwise. Reclaim respects keep only with
 *	PPC_ATTACH_MAY_KEEP, within the keep budget, and not when memory is very
 *	short; a drop always does.
 */
struct ppc_ops {
	char name[PPC_POLICY_NAME_MAX];
	struct module *owner;

	int (*attach)(struct ppc_attachment *att);
	void (*detach)(struct ppc_attachment *att);
	void (*files_changed)(struct ppc_attachment *att);
	long (*ioctl)(struct ppc_attachment *att, unsigned int cmd,
		      unsigned long arg);

	bool (*access)(struct ppc_attachment *att,
		       const struct ppc_access *access);
	bool (*next)(struct ppc_stream *stream, struct ppc_range *range);
	void (*filled)(struct ppc_stream *stream,
		       const struct ppc_range *range, s64 read);
	bool (*drop)(struct ppc_stream *stream, struct ppc_range *range);
	void (*dropped)(struct ppc_stream *stream,
			const struct ppc_range *range, s64 left);
	enum ppc_verdict (*evict)(struct ppc_attachment *att, u32 file, u64 pos,
				  u64 len, enum ppc_evict_reason reason);
};

int ppc_register_policy(const struct ppc_ops *ops);
void ppc_unregister_policy(const struct ppc_ops *ops);

void *ppc_attachment_private(const struct ppc_attachment *att);
void ppc_attachment_set_private(struct ppc_attachment *att, void *private);
void ppc_attachment_set_pollable(struct ppc_attachment *att, bool pollable);
const char *ppc_attachment_policy(const struct ppc_attachment *att);
u64 ppc_attachment_ceiling(const struct ppc_attachment *att);

u32 ppc_nr_files(const struct ppc_attachment *att);
int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size,
		  u64 *resident);

/**
 * enum ppc_counter - counters of &struct ppc_stats that the policy maintains
 * @PPC_COUNT_USEFUL: &ppc_stats.useful_bytes
 * @PPC_COUNT_LATE: &ppc_stats.late_bytes
 * @PPC_COUNT_REFAULTED: &ppc_stats.refaulted_bytes
 * @PPC_COUNT_UNBURNABLE: &ppc_stats.unburnable_bytes
 * @PPC_COUNT_INTERRUPTS: &ppc_stats.interrupts
 * @PPC_COUNT_BUDGET_WAITS: &ppc_stats.budget_waits
 * @PPC_COUNT_FALLBACKS: &ppc_stats.fallbacks
 */
enum ppc_counter {
	PPC_COUNT_USEFUL,
	PPC_COUNT_LATE,
	PPC_COUNT_REFAULTED,
	PPC_COUNT_UNBURNABLE,
	PPC_COUNT_INTERRUPTS,
	PPC_COUNT_BUDGET_WAITS,
	PPC_COUNT_FALLBACKS,
};

int ppc_state_charge(struct ppc_attachment *att, size_t bytes);
void ppc_state_uncharge(struct ppc_attachment *att, size_t bytes);
void ppc_count(struct ppc_attachment *att, enum ppc_counter counter, u64 n);

/**
 * struct ppc_limits - limits of a stream
 * @budget: bytes that may be ahead of its readers
 * @ceiling: bytes of the attachment's files that may be cached, or U64_MAX
 * @resident: bytes that are cached, if there is a ceiling
 * @memory: limit of the reader's memory cgroup in bytes, or U64_MAX
 * @streams: number of streams of the attachment
 */
struct ppc_limits {
	u64 budget;
	u64 ceiling;
	u64 resident;
	u64 memory;
	u32 streams;
};

/**
 * enum ppc_stream_hit - position of a reader relative to a stream
 * @PPC_STREAM_ELSEWHERE: not in the stream
 * @PPC_STREAM_MOVED: the stream restarts from there
 * @PPC_STREAM_OVERTAKEN: the reader has overtaken the stream
 * @PPC_STREAM_COVERED: read ahead, or under read
 */
enum ppc_stream_hit {
	PPC_STREAM_ELSEWHERE,
	PPC_STREAM_MOVED,
	PPC_STREAM_OVERTAKEN,
	PPC_STREAM_COVERED,
};

struct ppc_stream *ppc_stream_create(struct ppc_attachment *att, void *private);
void ppc_stream_destroy(struct ppc_stream *stream);
void *ppc_stream_private(const struct ppc_stream *stream);
void ppc_stream_start(struct ppc_stream *stream);
void ppc_stream_stop(struct ppc_stream *stream);
bool ppc_stream_running(const struct ppc_stream *stream);
void ppc_stream_set_node(struct ppc_stream *stream, int nid);
void ppc_stream_set_ahead(struct ppc_stream *stream, u64 bytes);
void ppc_stream_meet_reader(struct ppc_stream *stream);
void ppc_stream_forget_reader(struct ppc_stream *stream);
void ppc_stream_kick(struct ppc_stream *stream);
void ppc_stream_kick_drop(struct ppc_stream *stream, unsigned long delay);
void ppc_kick_drops(struct ppc_attachment *att);
void ppc_stream_limits(struct ppc_stream *stream, struct ppc_limits *limits);
bool ppc_stream_has_headroom(struct ppc_stream *stream, u64 need, u64 on_node);

#endif /* _LINUX_PPC_H */
