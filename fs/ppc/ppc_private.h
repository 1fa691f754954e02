/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programmable page cache: what its parts share.
 */
#ifndef _FS_PPC_PRIVATE_H
#define _FS_PPC_PRIVATE_H

#define pr_fmt(fmt) "ppc: " fmt

#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/errseq.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/nodemask.h>
#include <linux/ppc.h>
#include <linux/ppc_hooks.h>
#include <linux/rhashtable-types.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "cursor.h"
#include "map.h"

#define PPC_MAX_FILES		16384
#define PPC_MAX_ATTACHMENTS	8	/* of one file */
#define PPC_MAX_READERS		4	/* of these, by who may only read it */
#define PPC_MAX_CONSUMERS	64	/* address spaces to unmap from */
#define PPC_MAX_STREAMS		1024	/* of one attachment */

/* Bytes in one call into the page cache, and being read at any time. */
#define PPC_BATCH_BYTES		SZ_4M
#define PPC_INFLIGHT_BYTES	SZ_16M
#define PPC_BURN_BYTES		SZ_16M

/* A stream that has come to its end and rests has nothing more to read. */
#define PPC_END_REST		HZ

struct mm_struct;

/* init.c */

extern bool ppc_enabled;
extern struct workqueue_struct *ppc_wq;
extern struct workqueue_struct *ppc_end_wq;
void ppc_key_update(void);
void ppc_attachment_count(int nr);
u64 ppc_default_budget(void);

/* registry.c */

const struct ppc_ops *ppc_policy_get(const char *name);
void ppc_policy_put(const struct ppc_ops *ops);
ssize_t ppc_policy_show(char *buf);

/* user.c: what one user may pin */

struct ppc_user;
struct ppc_user *ppc_user_get(kuid_t uid);
void ppc_user_put(struct ppc_user *user);
int ppc_user_charge(struct ppc_user *user, u32 files);
void ppc_user_uncharge(struct ppc_user *user, u32 files);
extern unsigned int ppc_max_user_files;
extern unsigned int ppc_max_user_attachments;

/**
 * struct ppc_file - one file of an attachment
 * @ref: held by the attachment, and by whoever reads ahead or burns
 * @att: attachment
 * @index: file index
 * @link: in &ppc_mapping.files, RCU
 * @file: the attached file, pinned
 * @inode: the one that holds the data; not @file's on overlayfs
 * @size: when attached
 * @mtime: when attached
 * @see_all: accesses by other users may be shown to the attacher
 * @may_unmap: the attacher may unmap pages from anybody
 * @stopped: the file changed, leave it alone
 * @rcu: for freeing
 */
struct ppc_file {
	struct kref ref;
	struct ppc_attachment *att;
	u32 index;
	struct list_head link;
	struct file *file;
	struct inode *inode;
	loff_t size;
	struct timespec64 mtime;
	bool see_all;
	bool may_unmap;
	int stopped;
	struct rcu_head rcu;
};

/**
 * struct ppc_mapping - the attachments of one address space
 * @node: in the hash table
 * @mapping: key
 * @files: of all attachments, RCU
 * @nr: length of @files
 * @rcu: for freeing
 */
struct ppc_mapping {
	struct rhash_head node;
	struct address_space *mapping;
	struct list_head files;
	unsigned int nr;
	struct rcu_head rcu;
};

/* table.c */

int ppc_table_init(void);
int ppc_table_add(struct ppc_file *pf);
void ppc_table_remove(struct ppc_file *pf);
struct ppc_mapping *ppc_table_find(struct address_space *mapping);

/* file.c */

struct ppc_file *ppc_file_open(struct ppc_attachment *att, int fd);
struct ppc_file *ppc_file_get(struct ppc_attachment *att, u32 index);
void ppc_file_put(struct ppc_file *pf);
bool ppc_file_unchanged(struct ppc_file *pf);

#define PPC_NR_STATS		(sizeof(struct ppc_stats) / sizeof(u64))

/**
 * struct ppc_attachment - a policy bound to files
 * @ops: policy, pinned
 * @policy: its name, also when it is gone
 * @private: the policy's
 * @cred: of the attacher
 * @user: what he has pinned
 * @family: the process whose descendants it is for, pinned, or NULL
 * @mems_allowed: nodes his cpuset allows
 * @memcg: his, pinned; charged until a reader is known
 * @blkcg: his, pinned; as @memcg
 * @flags: PPC_ATTACH_*
 * @budget: bytes ahead of readers
 * @keep_budget: bytes reclaim may be asked to keep
 * @max_resident: bytes of all files that may be cached, or 0
 * @may_charge: readers of other users may be charged
 * @lock: files and end of life; read by ioctls
 * @attached: the policy's attach callback has run
 * @live: hooks and workers may act for it
 * @paused: workers that read ahead are to end
 * @seen: a reader has been seen
 * @ended: the end has begun
 * @files: struct ppc_file by file index
 * @nr_files: indices given out
 * @stream_lock: protects @streams
 * @streams: struct ppc_stream
 * @nr_streams: length of @streams
 * @consumer_lock: protects additions to @consumers
 * @consumers: address spaces that read, pinned
 * @resident_stamp: when @resident and @bytes were taken
 * @resident: bytes of the files cached then, as far as the attacher may know
 * @bytes: size of all files then
 * @kicked: when all burners were last told that memory is short, jiffies
 * @wait: who polls
 * @news: there is something new for him
 * @stats: counters, laid out as struct ppc_stats
 * @teardown: ends the attachment
 * @done: it has ended
 * @ref: held by the file descriptor and by the teardown
 */
struct ppc_attachment {
	const struct ppc_ops *ops;
	char policy[PPC_POLICY_NAME_MAX];
	void *private;
	const struct cred *cred;
	struct ppc_user *user;
	struct pid *family;
	nodemask_t mems_allowed;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
	u64 flags;
	u64 budget;
	u64 keep_budget;
	u64 max_resident;
	bool may_charge;

	struct rw_semaphore lock;
	bool attached;
	bool live;
	bool paused;
	bool seen;
	bool ended;
	struct xarray files;
	u32 nr_files;

	spinlock_t stream_lock;		/* see above */
	struct list_head streams;
	unsigned int nr_streams;

	spinlock_t consumer_lock;	/* see above */
	struct mm_struct *consumers[PPC_MAX_CONSUMERS];

	unsigned long resident_stamp;
	u64 resident;
	u64 bytes;
	unsigned long kicked;

	wait_queue_head_t wait;
	bool news;

	atomic64_t stats[PPC_NR_STATS];

	struct work_struct teardown;
	struct completion done;
	struct kref ref;
};

#define ppc_stat_add(att, field, n)					\
	atomic64_add(n, &(att)->stats[offsetof(struct ppc_stats, field) / \
				      sizeof(u64)])
#define ppc_stat_inc(att, field)	ppc_stat_add(att, field, 1)
#define ppc_stat_set(att, field, n)					\
	atomic64_set(&(att)->stats[offsetof(struct ppc_stats, field) /	\
				   sizeof(u64)], n)

/* Bytes that were read ahead to a node. */
static inline atomic64_t *ppc_stat_node(struct ppc_attachment *att, int nid)
{
	return &att->stats[offsetof(struct ppc_stats, node_bytes) / sizeof(u64) +
			   min(nid, PPC_STATS_NODES - 1)];
}

/* attach.c */

struct ppc_attachment *ppc_attach(const struct ppc_attach *args,
				  const s32 *fds);
int ppc_attach_add_files(struct ppc_attachment *att, const s32 *fds, u32 nr,
			 u32 *first);
int ppc_attach_remove_files(struct ppc_attachment *att, const u32 *index,
			    u32 nr);
int ppc_attach_end(struct ppc_attachment *att);
void ppc_attach_put(struct ppc_attachment *att);
void ppc_attach_consumer(struct ppc_attachment *att, struct mm_struct *mm);
bool ppc_attach_may_unmap(const struct mm_struct *mm, void *file);

#ifdef CONFIG_BLK_CGROUP
static inline struct cgroup_subsys_state *ppc_current_blkcg(void)
{
	return task_get_css(current, io_cgrp_id);
}

static inline void ppc_blkcg_put(struct cgroup_subsys_state *blkcg)
{
	if (blkcg)
		css_put(blkcg);
}
#else
static inline struct cgroup_subsys_state *ppc_current_blkcg(void)
{
	return NULL;
}

static inline void ppc_blkcg_put(struct cgroup_subsys_state *blkcg)
{
}
#endif

/* hooks.c */

bool ppc_range_wanted(struct ppc_file *pf, u64 pos, u64 len);

/* dev.c */

int ppc_dev_init(void);

/* stats.c */

void ppc_stats_read(struct ppc_attachment *att, struct ppc_stats *stats);
void ppc_stats_show(struct seq_file *m, struct ppc_attachment *att);

/* Reads being waited for; the array suffices for the smallest batches. */
#define PPC_INFLIGHT_BATCHES	64

/**
 * struct ppc_inflight - a batch that was submitted
 * @pf: file, pinned
 * @index: first page
 * @nr: pages
 */
struct ppc_inflight {
	struct ppc_file *pf;
	pgoff_t index;
	unsigned long nr;
};

/**
 * struct ppc_stream - an ordered queue of ranges to read ahead
 * @att: attachment
 * @link: in &ppc_attachment.streams
 * @lock: protects what follows up to @kept
 * @running: started, and not stopped
 * @gave_up: it did more harm than good
 * @burn: when to drop what was consumed
 * @tight: memory was found to be short of what the rest of the load needs
 * @returned: much of what was dropped was read again
 * @gap: bytes behind the readers not to drop, or PPC_GAP_AUTO
 * @longest: bytes of the longest read() seen
 * @nid: wanted node, or NUMA_NO_NODE
 * @reader_nid: node of the reader, used when no node is wanted
 * @met: the reader that is charged is known
 * @memcg: his, pinned; NULL: the attachment's
 * @blkcg: as @memcg
 * @map: ranges and what has become of them
 * @cursors: the readers
 * @last_access: when a reader was last seen, jiffies
 * @consumed: bytes consumed since the last burn
 * @issued: bytes read ahead
 * @brought: bytes of chunks that were read ahead or passed
 * @useful: of @issued, bytes that readers have passed
 * @refaulted: bytes burned or evicted, and wanted again
 * @burn_from: first chunk that may be left to burn
 * @kept: something that was consumed is wanted; the burner's own
 * @left: something did not go; the burner's own
 * @pause: until it looks at that again, jiffies, or 0; the burner's own
 * @prefetch: worker that reads ahead
 * @burner: worker that drops
 * @inflight: ring of batches; the prefetch worker's own
 * @inflight_head: oldest in the ring
 * @inflight_nr: how many
 * @inflight_pages: in all of them
 */
struct ppc_stream {
	struct ppc_attachment *att;
	struct list_head link;

	spinlock_t lock;		/* see above */
	bool running;
	bool gave_up;
	enum ppc_burn burn;
	bool tight;
	bool returned;
	u64 gap;
	u64 longest;
	int nid;
	int reader_nid;
	bool met;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
	struct ppc_map map;
	struct ppc_cursors cursors;
	unsigned long last_access;
	u64 consumed;
	u64 issued;
	u64 brought;
	u64 useful;
	u64 refaulted;
	u32 burn_from;
	bool kept;
	bool left;
	unsigned long pause;

	struct delayed_work prefetch;
	struct delayed_work burner;

	struct ppc_inflight inflight[PPC_INFLIGHT_BATCHES];
	unsigned int inflight_head;
	unsigned int inflight_nr;
	unsigned long inflight_pages;
};

/* Is what was consumed to be dropped? Under the stream's lock. */
static inline bool ppc_stream_burns(const struct ppc_stream *stream)
{
	if (stream->gave_up)
		return false;
	return stream->burn == PPC_BURN_ALWAYS ||
	       (stream->burn == PPC_BURN_TIGHT && stream->tight &&
		!stream->returned);
}

/* May a reader yet come to what another leapt over? A ceiling comes first. */
static inline bool ppc_stream_holds_unread(const struct ppc_stream *stream,
					   u32 chunk)
{
	return !stream->att->max_resident &&
	       ppc_cursors_hold_unread(&stream->cursors, &stream->map, chunk);
}

/* stream.c */

void ppc_stream_destroy_all(struct ppc_attachment *att);
u64 ppc_streams_ahead(struct ppc_attachment *att);
bool ppc_streams_failed(struct ppc_attachment *att, u32 file, u64 pos, u64 len);

/* prefetch.c */

void ppc_prefetch_work(struct work_struct *work);
void ppc_prefetch_queue(struct ppc_stream *stream);

/* room.c */

struct mem_cgroup *ppc_room_memcg(const struct ppc_stream *stream);
u64 ppc_resident(struct ppc_attachment *att, bool now);
void ppc_room_place(struct ppc_attachment *att, struct ppc_fill *fill);
bool ppc_room_look(struct ppc_stream *stream);
bool ppc_room_for(struct ppc_stream *stream, struct mem_cgroup *memcg,
		  struct ppc_file *pf, const struct ppc_batch *batch);
u64 ppc_room_gap(struct ppc_stream *stream);

/* burn.c */

void ppc_burn_kick(struct ppc_attachment *att);
void ppc_burn_work(struct work_struct *work);
void ppc_burn_all(struct ppc_stream *stream);

#endif /* _FS_PPC_PRIVATE_H */
