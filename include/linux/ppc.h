/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programmable page cache: the interface for authors of policies.
 *
 * See Documentation/mm/ppc/. Nothing here is a stable interface.
 */
#ifndef _LINUX_PPC_H
#define _LINUX_PPC_H

#include <linux/bits.h>
#include <linux/limits.h>
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
 * @PPC_ACCESS_CONSUME: a read() or splice has copied the bytes out
 */
enum ppc_access_type {
	PPC_ACCESS_MISS,
	PPC_ACCESS_MARKER,
	PPC_ACCESS_FAULT,
	PPC_ACCESS_FAULT_MISS,
	PPC_ACCESS_CONSUME,
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
 * enum ppc_prefetch - what &ppc_ops.prefetch returns
 * @PPC_PREFETCH_STOCK: stock readahead goes on
 * @PPC_PREFETCH_TAKEN: the policy reads ahead from there; asynchronous stock
 *	readahead is skipped if any policy of the file says so
 */
enum ppc_prefetch {
	PPC_PREFETCH_STOCK,
	PPC_PREFETCH_TAKEN,
};

/**
 * enum ppc_verdict - what &ppc_ops.evict returns
 * @PPC_EVICT_DEFAULT: as the kernel would decide
 * @PPC_EVICT_FIRST: let go of it, referenced or not; obeyed by reclaim if all
 *	policies of the file agree, and not for pages that are mlocked, or mapped
 *	where the attacher may not write the file
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
 * @PPC_EVICT_DROP: a stream that burns what was consumed, about a range
 */
enum ppc_evict_reason {
	PPC_EVICT_RECLAIM,
	PPC_EVICT_DROP,
};

/**
 * struct ppc_ops - a page cache policy
 *
 * A callback that is NULL is not called. @prefetch, @consume and @evict run
 * under rcu_read_lock() in the context of whoever touches the page cache, with
 * locks of the file system, of the memory map or of reclaim held: they must not
 * sleep, allocate memory that may block, or touch the page cache. The others
 * run in process context and may sleep.
 *
 * @name: name, not empty, unique among the registered policies
 * @owner: THIS_MODULE
 * @attach: An attachment is being made; its files are there, no event comes
 *	before it returns. Sets up ppc_attachment_private(). Context: process,
 *	no locks of the page cache. Return: 0 or a negative errno, which fails
 *	PPC_IOC_ATTACH and must leave nothing behind: @detach is not called then.
 * @detach: The attachment ends; no other callback runs or will run. Frees what
 *	@attach set up; streams that are left are destroyed after it. It cannot
 *	fail. Context: a worker, or whoever calls PPC_IOC_DETACH; may sleep, and
 *	wait for workers of the policy's own.
 * @files_changed: Files were added or removed. Context: process, no event is
 *	held back; may sleep.
 * @ioctl: ioctls numbered %PPC_IOC_POLICY_FIRST and up. Context: process; not
 *	serialised, but never beside @detach. Return: as an ioctl; -ENOTTY for
 *	unknown numbers.
 * @prefetch: A reader was seen at a position (all types of access but
 *	%PPC_ACCESS_CONSUME). Return: %PPC_PREFETCH_STOCK or
 *	%PPC_PREFETCH_TAKEN; only the answer to %PPC_ACCESS_MARKER is looked at.
 * @consume: A stride was read to its end (%PPC_ACCESS_CONSUME).
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

	enum ppc_prefetch (*prefetch)(struct ppc_attachment *att,
				      const struct ppc_access *access);
	void (*consume)(struct ppc_attachment *att,
			const struct ppc_access *access);
	enum ppc_verdict (*evict)(struct ppc_attachment *att, u32 file, u64 pos,
				  u64 len, enum ppc_evict_reason reason);
};

int ppc_register_policy(const struct ppc_ops *ops);
void ppc_unregister_policy(const struct ppc_ops *ops);

void *ppc_attachment_private(const struct ppc_attachment *att);
void ppc_attachment_set_private(struct ppc_attachment *att, void *private);
void ppc_attachment_set_news(struct ppc_attachment *att, bool news);

u32 ppc_nr_files(const struct ppc_attachment *att);
int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size,
		  u64 *resident);

/**
 * struct ppc_range - bytes of one file
 * @file: file index
 * @reserved: zero
 * @pos: first byte
 * @len: bytes, not zero
 */
struct ppc_range {
	u32 file;
	u32 reserved;
	u64 pos;
	u64 len;
};

/**
 * enum ppc_stream_hit - what ppc_stream_access() tells of a position
 * @PPC_STREAM_ELSEWHERE: not in the stream's ranges, or the stream is stopped or
 *	has given up
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

/**
 * enum ppc_burn - when a stream drops what was consumed
 * @PPC_BURN_NEVER: it does not
 * @PPC_BURN_ALWAYS: as soon as the readers are a gap away
 * @PPC_BURN_TIGHT: likewise, but only while there is no memory for the rest of
 *	the load, and no more once dropped pages are read again
 */
enum ppc_burn {
	PPC_BURN_NEVER,
	PPC_BURN_ALWAYS,
	PPC_BURN_TIGHT,
};

/* A gap chosen from budget, memory and how much readers take at a time. */
#define PPC_GAP_AUTO		U64_MAX

struct ppc_stream *ppc_stream_create(struct ppc_attachment *att,
				     const struct ppc_range *ranges, u32 nr,
				     int nid);
void ppc_stream_destroy(struct ppc_stream *stream);
void ppc_stream_start(struct ppc_stream *stream);
void ppc_stream_stop(struct ppc_stream *stream);
void ppc_stream_reset(struct ppc_stream *stream);
enum ppc_stream_hit ppc_stream_access(struct ppc_stream *stream,
				      const struct ppc_access *access);
bool ppc_stream_contains(struct ppc_stream *stream, u32 file, u64 pos);
bool ppc_stream_wants(struct ppc_stream *stream, u32 file, u64 pos, u64 len);
bool ppc_stream_spent(struct ppc_stream *stream, u32 file, u64 pos);
void ppc_stream_set_burn(struct ppc_stream *stream, enum ppc_burn burn,
			 u64 gap);
void ppc_stream_set_node(struct ppc_stream *stream, int nid);

#endif /* _LINUX_PPC_H */
