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
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/nodemask.h>
#include <linux/ppc.h>
#include <linux/ppc_hooks.h>
#include <linux/rhashtable-types.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#define PPC_MAX_FILES		16384
#define PPC_MAX_ATTACHMENTS	8	/* of one file */

/* switch.c */

extern bool ppc_enabled;
extern bool ppc_admin_only;
void ppc_key_update(void);
void ppc_attachment_count(int nr);

/* registry.c */

const struct ppc_ops *ppc_policy_get(const char *name);
void ppc_policy_put(const struct ppc_ops *ops);
ssize_t ppc_policy_show(char *buf);

/* user.c */

struct ppc_attachment;
void ppc_user_init(void);
int ppc_user_get(struct ppc_attachment *att);
void ppc_user_put(struct ppc_attachment *att);
int ppc_user_charge(struct ppc_attachment *att, enum ucount_type type,
		    size_t nr);
void ppc_user_uncharge(struct ppc_attachment *att, enum ucount_type type,
		       size_t nr);

/**
 * struct ppc_file - one file of an attachment
 * @ref: held by the attachment, and by workers
 * @att: attachment
 * @index: file index
 * @link: in &ppc_mapping.files, RCU
 * @file: the attached file, pinned
 * @inode: the one that holds the data; not @file's on overlayfs
 * @size: when attached
 * @may_refuse: its file system may ignore a request to read ahead
 * @stopped: the file changed or was removed, do nothing with it
 * @removed: a task waits for its last reference to go
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
	bool may_refuse;
	int stopped;
	bool removed;
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
int ppc_table_remove(struct ppc_file *pf, bool killable);
struct ppc_mapping *ppc_table_find(struct address_space *mapping);

/* file.c */

struct ppc_file *ppc_file_open(struct ppc_attachment *att, int fd);
struct ppc_file *ppc_file_get(struct ppc_attachment *att, u32 index);
void ppc_file_put(struct ppc_file *pf);
void ppc_file_stop(struct ppc_file *pf);
bool ppc_file_unchanged(struct ppc_file *pf);
u64 ppc_resident(struct ppc_attachment *att);

#define PPC_NR_STATS		(sizeof(struct ppc_stats) / sizeof(u64))

/**
 * struct ppc_attachment - a policy bound to files
 * @ops: policy, pinned
 * @policy: its name, valid after @ops is unpinned
 * @private: the policy's
 * @ucounts: user that is charged for it, or NULL
 * @root_pid: process whose descendants it is for, pinned, or NULL
 * @mems_allowed: nodes that the attaching task's cpuset allows
 * @memcg: of the attaching task, pinned; charged until a reader is known
 * @blkcg: as @memcg
 * @flags: PPC_ATTACH_*
 * @budget: bytes ahead of readers
 * @keep_budget: bytes reclaim may be asked to keep
 * @max_resident: bytes of all files that may be cached, or 0
 * @may_charge: CAP_SYS_RESOURCE: readers outside @memcg may be charged, and user
 *	limits do not apply
 * @lock: files and end of life; read by ioctls
 * @attached: the policy's attach callback has run
 * @live: hooks and workers may use it
 * @paused: workers that read ahead must return
 * @ended: the end has begun
 * @files: struct ppc_file by file index
 * @nr_files: indices assigned
 * @stream_lock: protects @streams
 * @streams: struct ppc_stream
 * @nr_streams: length of @streams
 * @wq: runs their workers; a worker that waits for a dead device delays no other
 *	attachment
 * @resident_stamp: when @resident and @bytes were computed, jiffies
 * @resident: cached bytes of the files then, plus read and minus dropped since
 * @bytes: size of all files then
 * @waiting: streams that wait for memory
 * @kicked: when all streams were last kicked because memory is short, jiffies
 * @ahead: bytes read ahead and not consumed, of all streams
 * @leaving: removed files that workers still use
 * @wait: of poll(), and for @leaving
 * @pollable: there is an event for poll()
 * @stats: counters, laid out as struct ppc_stats
 * @teardown: ends the attachment
 * @done: it has ended
 * @ref: held by the file descriptor and by the teardown
 */
struct ppc_attachment {
	const struct ppc_ops *ops;
	char policy[PPC_POLICY_NAME_MAX];
	void *private;
	struct ucounts *ucounts;
	struct pid *root_pid;
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
	bool ended;
	struct xarray files;
	u32 nr_files;

	spinlock_t stream_lock;		/* see above */
	struct list_head streams;
	unsigned int nr_streams;
	struct workqueue_struct *wq;

	unsigned long resident_stamp;
	atomic64_t resident;
	u64 bytes;
	atomic_t waiting;
	unsigned long kicked;
	atomic64_t ahead;

	atomic_t leaving;
	wait_queue_head_t wait;
	bool pollable;

	atomic64_t stats[PPC_NR_STATS];

	struct work_struct teardown;
	struct completion done;
	struct kref ref;
};

#define ppc_stat_index(field)	(offsetof(struct ppc_stats, field) / sizeof(u64))
#define ppc_stat_add(att, field, n)					\
	atomic64_add(n, &(att)->stats[ppc_stat_index(field)])
#define ppc_stat_inc(att, field)	ppc_stat_add(att, field, 1)

/* Bytes that were read ahead to a node. */
static inline atomic64_t *ppc_stat_node(struct ppc_attachment *att, int nid)
{
	return &att->stats[ppc_stat_index(node_bytes) +
			   min(nid, PPC_STATS_NODES - 1)];
}

/* attach.c */

int ppc_attach_init(void);
void ppc_attach_exit(void);
u64 ppc_default_budget(void);
struct ppc_attachment *ppc_attach(const struct ppc_attach *args,
				  const s32 *fds);
int ppc_attach_add_files(struct ppc_attachment *att, const s32 *fds, u32 nr,
			 u32 *first);
int ppc_attach_remove_files(struct ppc_attachment *att, const u32 *index,
			    u32 nr);
int ppc_attach_end(struct ppc_attachment *att);
void ppc_attach_put(struct ppc_attachment *att);

/* hooks.c */

/* Has the policy been set up, and has the end not begun? */
static inline bool ppc_attach_live(const struct ppc_attachment *att)
{
	/* Pairs with ppc_attach(). */
	return smp_load_acquire(&att->live);
}

bool ppc_range_wanted(struct ppc_file *pf, u64 pos, u64 len,
		      enum ppc_evict_reason reason);

/* dev.c */

int ppc_dev_init(void);

/* stats.c */

void ppc_stats_read(struct ppc_attachment *att, struct ppc_stats *stats);
void ppc_stats_show(struct seq_file *m, struct ppc_attachment *att);

#endif /* _FS_PPC_PRIVATE_H */
