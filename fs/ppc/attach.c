// SPDX-License-Identifier: GPL-2.0
/*
 * Attachments: created by an ioctl on /dev/ppc, ended when their file descriptor
 * is closed or its last holder exits.
 *
 * The end: mark the attachment dead, so that hooks skip it; remove its files from
 * the hash table; wait one grace period for hooks that still use it; stop the
 * streams; detach the policy; put the files. Some steps wait for the device, which
 * may be dead, so closing leaves them to a worker.
 */

#include "stream.h"

#include <linux/cpuset.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <trace/events/ppc.h>

/* Its own: a stream that waits for a dead device must not delay other ends. */
static struct workqueue_struct *ppc_end_wq;

/* The budget of attachments that ask for none. */
u64 ppc_default_budget(void)
{
	return min((u64)(totalram_pages() / 4) << PAGE_SHIFT, SZ_4G);
}

static void ppc_attach_release(struct kref *ref)
{
	struct ppc_attachment *att =
		container_of(ref, struct ppc_attachment, ref);

	kfree(att);
}

/* Drop a reference. */
void ppc_attach_put(struct ppc_attachment *att)
{
	kref_put(&att->ref, ppc_attach_release);
}

/**
 * ppc_attachment_private - what the policy keeps for an attachment
 * @att: attachment
 *
 * Return: as set.
 */
void *ppc_attachment_private(const struct ppc_attachment *att)
{
	return att->private;
}
EXPORT_SYMBOL_GPL(ppc_attachment_private);

/**
 * ppc_attachment_set_private - set what the policy keeps for an attachment
 * @att: attachment
 * @private: anything
 *
 * Context: the attach callback.
 */
void ppc_attachment_set_private(struct ppc_attachment *att, void *private)
{
	att->private = private;
}
EXPORT_SYMBOL_GPL(ppc_attachment_set_private);

/**
 * ppc_attachment_policy - name of an attachment's policy
 * @att: attachment
 *
 * Context: any.
 * Return: the name.
 */
const char *ppc_attachment_policy(const struct ppc_attachment *att)
{
	return att->policy;
}
EXPORT_SYMBOL_GPL(ppc_attachment_policy);

/**
 * ppc_attachment_ceiling - limit on the cached bytes of an attachment's files
 * @att: attachment
 *
 * Context: any.
 * Return: bytes, or 0 for no limit.
 */
u64 ppc_attachment_ceiling(const struct ppc_attachment *att)
{
	return att->max_resident;
}
EXPORT_SYMBOL_GPL(ppc_attachment_ceiling);

/**
 * ppc_attachment_set_pollable - report an event to poll() on the attachment
 * @att: attachment
 * @pollable: whether there is an event
 *
 * Context: any but interrupts.
 */
void ppc_attachment_set_pollable(struct ppc_attachment *att, bool pollable)
{
	if (pollable) {
		/* A task that clears it sees what the event is about. */
		smp_store_release(&att->pollable, true);
		wake_up_interruptible(&att->wait);
	} else {
		WRITE_ONCE(att->pollable, false);
		smp_mb();	/* pairs with the release above */
	}
}
EXPORT_SYMBOL_GPL(ppc_attachment_set_pollable);

/**
 * ppc_nr_files - number of file indices that an attachment has assigned
 * @att: attachment
 *
 * Return: one more than the highest index; removed files count.
 */
u32 ppc_nr_files(const struct ppc_attachment *att)
{
	return READ_ONCE(att->nr_files);
}
EXPORT_SYMBOL_GPL(ppc_nr_files);

/**
 * ppc_file_stat - size and cached bytes of an attached file
 * @att: attachment
 * @file: file index
 * @size: set to the size in bytes, if not NULL
 * @resident: set to the cached bytes, if not NULL
 *
 * Context: process context.
 * Return: 0, or -ENOENT if there is no such file.
 */
int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size,
		  u64 *resident)
{
	struct ppc_file *pf = ppc_file_get(att, file);

	if (!pf)
		return -ENOENT;
	if (size)
		*size = i_size_read(pf->inode);
	if (resident)
		*resident = (u64)pf->inode->i_mapping->nrpages << PAGE_SHIFT;
	ppc_file_put(pf);
	return 0;
}
EXPORT_SYMBOL_GPL(ppc_file_stat);

/*
 * Remove files from the hash table, and put them when no hook and no worker uses
 * them. A killed task does not wait for that.
 */
static int ppc_attach_remove(struct ppc_attachment *att, const u32 *files,
			     u32 nr, bool killable)
{
	struct ppc_stream *stream;
	struct ppc_file *pf;
	int err = 0;
	u32 i;

	for (i = 0; i < nr && !err; i++)
		err = ppc_table_remove(xa_load(&att->files, files[i]),
				       killable);
	nr = err ? i - 1 : nr;
	synchronize_rcu();
	for (i = 0; i < nr; i++) {
		pf = xa_erase(&att->files, files[i]);
		pf->removed = true;
		atomic_inc(&att->leaving);
		/* Workers that got it earlier see this and put it. */
		WRITE_ONCE(pf->stopped, 1);
		ppc_file_put(pf);
	}
	ppc_user_uncharge(att, UCOUNT_PPC_FILES, nr);
	ppc_stat_add(att, files, -(s64)nr);

	/* A worker might otherwise run for as long as its readers do. */
	WRITE_ONCE(att->paused, true);
	err = wait_event_killable(att->wait, !atomic_read(&att->leaving)) ?: err;
	WRITE_ONCE(att->paused, false);
	list_for_each_entry(stream, &att->streams, link)
		ppc_stream_kick(stream);
	return err ? -EINTR : 0;
}

static void ppc_attach_finish(struct ppc_attachment *att)
{
	struct ppc_file *pf;
	unsigned long index;

	/* Streams use their files until they are stopped. */
	xa_for_each(&att->files, index, pf)
		ppc_table_remove(pf, false);
	synchronize_rcu();
	ppc_streams_stop(att);
	if (att->attached && att->ops->detach)
		att->ops->detach(att);
	ppc_streams_destroy(att);
	destroy_workqueue(att->wq);

	xa_for_each(&att->files, index, pf) {
		xa_erase(&att->files, index);
		ppc_user_uncharge(att, UCOUNT_PPC_FILES, 1);
		ppc_file_put(pf);
	}
	xa_destroy(&att->files);
	ppc_policy_put(att->ops);
	ppc_attachment_count(-1);
	ppc_user_put(att);
	put_pid(att->root_pid);
	mem_cgroup_put(att->memcg);
	ppc_blkcg_put(att->blkcg);
}

static void ppc_attach_teardown(struct work_struct *work)
{
	struct ppc_attachment *att =
		container_of(work, struct ppc_attachment, teardown);

	trace_ppc_detach(att->policy, att->nr_files);
	ppc_attach_finish(att);
	complete_all(&att->done);
	ppc_attach_put(att);
}

/*
 * Start the end of an attachment; att->done completes when it has ended. May be
 * called again. Waits for ioctls on the attachment, so the last holder of the file
 * descriptor waits for nothing. Return: 0, or -EINTR when killed.
 */
int ppc_attach_end(struct ppc_attachment *att)
{
	bool ended;

	/* Hooks and workers stop now, even if an ioctl blocks the rest. */
	WRITE_ONCE(att->live, false);
	wake_up_interruptible(&att->wait);
	if (down_write_killable(&att->lock))
		return -EINTR;
	ended = att->ended;
	att->ended = true;
	up_write(&att->lock);
	if (ended)
		return 0;
	kref_get(&att->ref);
	queue_work(ppc_end_wq, &att->teardown);
	return 0;
}

static int ppc_attach_add_one(struct ppc_attachment *att, int fd, u32 index)
{
	struct ppc_file *pf = ppc_file_open(att, fd);
	int err;

	if (IS_ERR(pf))
		return PTR_ERR(pf);
	pf->index = index;
	err = xa_err(xa_store(&att->files, index, pf, GFP_KERNEL_ACCOUNT));
	if (err)
		goto put;
	err = ppc_table_add(pf);
	if (err)
		goto erase;
	return 0;

erase:
	xa_erase(&att->files, index);
put:
	ppc_file_put(pf);
	return err;
}

/* Add files, or none of them. */
static int ppc_attach_add(struct ppc_attachment *att, const s32 *fds, u32 nr)
{
	u32 first = att->nr_files, i;
	u32 *added;
	int err;

	lockdep_assert_held_write(&att->lock);
	if (nr > PPC_MAX_FILES - first)
		return -E2BIG;
	added = kvmalloc_array(nr, sizeof(*added), GFP_KERNEL_ACCOUNT);
	if (!added)
		return -ENOMEM;
	err = ppc_user_charge(att, UCOUNT_PPC_FILES, nr);
	if (err)
		goto free;

	for (i = 0; i < nr; i++) {
		cond_resched();
		added[i] = first + i;
		err = fatal_signal_pending(current) ? -EINTR :
		      ppc_attach_add_one(att, fds[i], first + i);
		if (err)
			goto undo;
	}
	WRITE_ONCE(att->nr_files, first + nr);
	ppc_stat_add(att, files, nr);
	goto free;

undo:
	/* Hooks have seen these indices: do not assign them again. */
	WRITE_ONCE(att->nr_files, first + i);
	ppc_user_uncharge(att, UCOUNT_PPC_FILES, nr - i);
	ppc_stat_add(att, files, i);
	if (i)
		ppc_attach_remove(att, added, i, false);
free:
	kvfree(added);
	return err;
}

/*
 * Add files to an attachment. Return: 0, an error of ppc_attach(), or -ENODEV if
 * @att has ended.
 */
int ppc_attach_add_files(struct ppc_attachment *att, const s32 *fds, u32 nr,
			 u32 *first)
{
	int err = down_write_killable(&att->lock);

	if (err)
		return err;
	if (att->ended) {
		err = -ENODEV;
	} else if (!READ_ONCE(ppc_enabled)) {
		err = -EOPNOTSUPP;
	} else {
		*first = att->nr_files;
		err = ppc_attach_add(att, fds, nr);
	}
	if (!err && att->ops->files_changed)
		att->ops->files_changed(att);
	up_write(&att->lock);
	return err;
}

/* In ascending order, so that no file is named twice. */
static int ppc_attach_check_indices(struct ppc_attachment *att,
				    const u32 *index, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (i && index[i] <= index[i - 1])
			return -EINVAL;
		if (!xa_load(&att->files, index[i]))
			return -ENOENT;
	}
	return 0;
}

/*
 * Remove files from an attachment. Their indices are not assigned again.
 *
 * Return: 0; -EINTR when killed, with some of them removed; or, with none removed:
 * -ENOENT if one does not exist, -EINVAL if they are not in ascending order,
 * -ENODEV if @att has ended.
 */
int ppc_attach_remove_files(struct ppc_attachment *att, const u32 *index,
			    u32 nr)
{
	int err = down_write_killable(&att->lock);

	if (err)
		return err;
	err = att->ended ? -ENODEV : ppc_attach_check_indices(att, index, nr);
	if (!err) {
		err = ppc_attach_remove(att, index, nr, true);
		if (att->ops->files_changed)
			att->ops->files_changed(att);
	}
	up_write(&att->lock);
	return err;
}

static int ppc_attach_check(const struct ppc_attach *args)
{
	if (!READ_ONCE(ppc_enabled))
		return -EOPNOTSUPP;
	if ((args->flags & ~PPC_ATTACH_MAY_KEEP) || args->pid < 0 ||
	    !args->policy[0] ||
	    strnlen(args->policy, PPC_POLICY_NAME_MAX) == PPC_POLICY_NAME_MAX)
		return -EINVAL;
	if (READ_ONCE(ppc_admin_only) && !capable_noaudit(CAP_SYS_ADMIN))
		return -EPERM;
	if ((args->flags & PPC_ATTACH_MAY_KEEP) &&
	    !IS_ENABLED(CONFIG_FS_PPC_RECLAIM))
		return -EOPNOTSUPP;
	if (args->flags & PPC_ATTACH_MAY_KEEP)
		return capable_noaudit(CAP_SYS_RESOURCE) ? 0 : -EPERM;
	return args->keep_budget ? -EINVAL : 0;
}

/* The process of any of its threads, pinned. */
static struct pid *ppc_attach_root(pid_t pid)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(find_vpid(pid), PIDTYPE_PID);
	return task ? get_pid(task_tgid(task)) : NULL;
}

/*
 * Bind a policy to files.
 *
 * Return: the attachment, or an ERR_PTR: -EOPNOTSUPP if switched off, -EINVAL
 * for unknown flags or a bad name, -EPERM for flags or files that current has no
 * right to, or if only administrators may attach, -ESRCH if there is no such
 * process, -ENOENT if there is no such policy, -EDQUOT, -E2BIG or -ENOSPC at a
 * limit, and errors of ppc_file_open() and of the policy.
 */
struct ppc_attachment *ppc_attach(const struct ppc_attach *args,
				  const s32 *fds)
{
	struct ppc_attachment *att;
	int err = ppc_attach_check(args);

	if (err)
		return ERR_PTR(err);
	att = kzalloc_obj(*att, GFP_KERNEL_ACCOUNT);
	if (!att)
		return ERR_PTR(-ENOMEM);
	kref_init(&att->ref);
	init_rwsem(&att->lock);
	xa_init(&att->files);
	spin_lock_init(&att->stream_lock);
	INIT_LIST_HEAD(&att->streams);
	att->kicked = jiffies - PPC_REST;
	init_waitqueue_head(&att->wait);
	INIT_WORK(&att->teardown, ppc_attach_teardown);
	init_completion(&att->done);
	att->flags = args->flags;
	att->budget = args->budget ?: ppc_default_budget();
	/* Pages are charged to readers, not to the attaching task. */
	att->may_charge = capable_noaudit(CAP_SYS_RESOURCE);
	if (!att->may_charge)
		att->budget = min(att->budget, ppc_default_budget());
	att->keep_budget = args->keep_budget;
	att->max_resident = args->max_resident;

	if (args->pid) {
		att->root_pid = ppc_attach_root(args->pid);
		err = -ESRCH;
		if (!att->root_pid)
			goto put_att;
	}
	att->wq = alloc_workqueue("ppc", WQ_UNBOUND, PPC_MAX_WORKERS);
	err = -ENOMEM;
	if (!att->wq)
		goto put_root;
	err = ppc_user_get(att);
	if (err)
		goto free_wq;
	att->ops = ppc_policy_get(args->policy);
	if (!att->ops) {
		err = -ENOENT;
		goto put_user;
	}
	att->memcg = get_mem_cgroup_from_mm(current->mm);
	att->blkcg = ppc_current_blkcg();
	att->mems_allowed = cpuset_mems_allowed(current);
	strscpy(att->policy, att->ops->name);
	ppc_attachment_count(1);

	down_write(&att->lock);
	err = ppc_attach_add(att, fds, args->nr_fds);
	if (!err && att->ops->attach)
		err = att->ops->attach(att);
	up_write(&att->lock);
	if (err)
		goto finish;
	att->attached = true;
	/* From here on, hooks use it. */
	smp_store_release(&att->live, true);
	trace_ppc_attach(att->policy, args->nr_fds);
	return att;

finish:
	ppc_attach_finish(att);
	goto put_att;
put_user:
	ppc_user_put(att);
free_wq:
	destroy_workqueue(att->wq);
put_root:
	put_pid(att->root_pid);
put_att:
	ppc_attach_put(att);
	return ERR_PTR(err);
}

int __init ppc_attach_init(void)
{
	ppc_end_wq = alloc_workqueue("ppc_end", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return ppc_end_wq ? 0 : -ENOMEM;
}

void __init ppc_attach_exit(void)
{
	destroy_workqueue(ppc_end_wq);
}
