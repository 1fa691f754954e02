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

/* A steady reader is reported once per stride. */
#define PPC_STRIDE_SHIFT	20
#define PPC_STRIDE		BIT(PPC_STRIDE_SHIFT)

/**
 * enum ppc_access_type - what made a reader known
 * @PPC_ACCESS_MISS: a read() found nothing cached at the position
 * @PPC_ACCESS_MARKER: a read() or a fault came upon a PG_readahead folio
 * @PPC_ACCESS_FAULT: a fault found a folio, perhaps still being read
 * @PPC_ACCESS_FAULT_MISS: a fault found nothing cached
 * @PPC_ACCESS_CONSUME: a read() or splice has copied the bytes out, as told once
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
 * @uptodate: the folio at @pos is there and can be read at once
 * @tgid: the process, in the initial pid namespace; threads share it
 * @pos: first byte
 * @len: bytes wanted, or consumed; a fault wants one page
 * @folio_pos: of a marker or a fault: first byte of the folio that was found,
 *	which may be mapped as a whole and not show itself again
 * @folio_len: its bytes; 0 if there is none
 */
struct ppc_access {
	enum ppc_access_type type;
	u32 file;
	bool uptodate;
	pid_t tgid;
	u64 pos;
	u64 len;
	u64 folio_pos;
	u64 folio_len;
};

/**
 * enum ppc_verdict - what &ppc_ops.evict returns
 * @PPC_EVICT_DEFAULT: as the kernel would decide
 * @PPC_EVICT_FIRST: let go of it, referenced or not; obeyed by reclaim if all
 *	policies of the file agree, and not for pages that are mlocked
 * @PPC_EVICT_KEEP: still wanted
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
 */
enum ppc_evict_reason {
	PPC_EVICT_RECLAIM,
	PPC_EVICT_DROP,
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

/* To read: a reader is about to come to it, so that a reclaim is worth while. */
#define PPC_RANGE_NEAR		BIT(0)
/* To drop: pages in per-CPU batches are to go as well, which takes all CPUs. */
#define PPC_RANGE_DRAIN		BIT(1)

/* Bytes of one range to read and of one to drop, at most. */
#define PPC_READ_BYTES		SZ_4M
#define PPC_DROP_BYTES		SZ_16M

/**
 * struct ppc_ops - a page cache policy
 *
 * A callback that is NULL is not called. @access and @evict run under
 * rcu_read_lock() in the context of whoever touches the page cache, with locks
 * of the file system, of the memory map or of reclaim held: they must not sleep,
 * allocate memory that may block, or touch the page cache. The others run in
 * process context and may sleep.
 *
 * @name: name, not empty, unique among the registered policies
 * @owner: THIS_MODULE
 * @attach: An attachment is being made; its files are there, no event comes
 *	before it returns. Sets up ppc_attachment_private(). Context: process,
 *	no locks of the page cache. Return: 0 or a negative errno, which fails
 *	PPC_IOC_ATTACH and must leave nothing behind: @detach is not called then.
 * @detach: The attachment ends; all streams are stopped, no other callback runs
 *	or will run. Frees what @attach set up; streams that are left are
 *	destroyed after it. It cannot fail. Context: a worker, or whoever calls
 *	PPC_IOC_DETACH; may sleep, and wait for workers of the policy's own.
 * @files_changed: Files were added or removed. Context: process, no event is
 *	held back; may sleep.
 * @ioctl: ioctls numbered %PPC_IOC_POLICY_FIRST and up. Context: process; not
 *	serialised, but never beside @detach. Return: as an ioctl; -ENOTTY for
 *	unknown numbers.
 * @access: A reader was seen at a position. Return: of a marker, whether the
 *	policy reads ahead from there, so that asynchronous stock readahead is
 *	left out; of a failed read, whether it is news, so that the reader tries
 *	again without the folio. Otherwise it is not looked at.
 * @next: What is a stream to read next? Sets the range, of %PPC_READ_BYTES at
 *	most. Return: false if there is nothing: it is asked again after
 *	ppc_stream_kick(). Context: the stream's worker; may sleep.
 * @filled: What came of the range of @next: bytes that were submitted, as others
 *	were cached before; -EAGAIN if there is no memory for it, which is looked
 *	for again in a while; -ESTALE if the file is gone or has changed. Follows
 *	each @next that has returned true.
 * @drop: What is a stream to drop next? Sets the range, of %PPC_DROP_BYTES at
 *	most. Return: false if there is nothing: it is asked again after
 *	ppc_stream_kick_drop(), and when the stream is stopped. Context: another
 *	worker of the stream, or ppc_stream_stop(); may sleep.
 * @dropped: What came of the range of @drop: bytes that are still cached,
 *	straddling folios counted whole; -EBUSY if some policy wants it kept, so
 *	that nothing was done; -ESTALE as for @filled.
 * @evict: May these bytes go? @pos and @len are of one folio for
 *	%PPC_EVICT_RECLAIM (folio locked, off the LRU, any allocation may be
 *	below on the stack) and of any size for %PPC_EVICT_DROP. Keep is obeyed
 *	by reclaim only with PPC_ATTACH_MAY_KEEP, within the keep budget, and
 *	not when memory is very short; a drop always obeys it.
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
void ppc_attachment_set_news(struct ppc_attachment *att, bool news);
const char *ppc_attachment_policy(const struct ppc_attachment *att);
u64 ppc_attachment_ceiling(const struct ppc_attachment *att);

u32 ppc_nr_files(const struct ppc_attachment *att);
int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size,
		  u64 *resident);

/**
 * enum ppc_counter - counters of &struct ppc_stats that are the policy's
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
 * struct ppc_limits - what bounds a stream
 * @budget: bytes that it may have ahead of its readers
 * @ceiling: bytes of the attachment's files that may be cached, U64_MAX: any
 * @resident: how many are, if there is a ceiling
 * @memory: bytes that the reader's memory cgroup may have, U64_MAX: any
 * @streams: of the attachment
 */
struct ppc_limits {
	u64 budget;
	u64 ceiling;
	u64 resident;
	u64 memory;
	u32 streams;
};

/**
 * enum ppc_stream_hit - where a reader stands to what was read ahead
 * @PPC_STREAM_ELSEWHERE: the stream has nothing to do with it
 * @PPC_STREAM_MOVED: the stream (re)starts from there
 * @PPC_STREAM_BEHIND: the reader is ahead of what has been read
 * @PPC_STREAM_COVERED: read ahead already, or being read
 */
enum ppc_stream_hit {
	PPC_STREAM_ELSEWHERE,
	PPC_STREAM_MOVED,
	PPC_STREAM_BEHIND,
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
bool ppc_stream_has_room(struct ppc_stream *stream, u64 need, u64 on_node);

#endif /* _LINUX_PPC_H */
