// SPDX-License-Identifier: GPL-2.0
/*
 * Attachments: made by an ioctl on /dev/ppc, ended by closing their file
 * descriptor, whoever held it and however he went.
 *
 * Ending one goes: mark it dead, so that hooks pass it by; take its files out
 * of the hash table; one grace period for the hooks that still look at it; let
 * the policy go, which waits for the workers; let go of the files. Some of it
 * waits for a device that may be dead, so closing leaves it to a worker.
 */

#include "ppc_private.h"

#include <linux/cpuset.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <trace/events/ppc.h>

static void ppc_attach_release(struct kref *ref)
{
	struct ppc_attachment *att =
		container_of(ref, struct ppc_attachment, ref);

	kfree(att);
}

/**
 * ppc_attach_put - drop a reference
 * @att: attachment
 */
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
 * ppc_attachment_set_news - tell whoever polls the attachment
 * @att: attachment
 * @news: is there something new for him?
 *
 * Context: any but interrupts.
 */
void ppc_attachment_set_news(struct ppc_attachment *att, bool news)
{
	if (news) {
		/* Whoever clears it sees what the news is about. */
		smp_store_release(&att->news, true);
		wake_up_interruptible(&att->wait);
	} else {
		WRITE_ONCE(att->news, false);
		smp_mb();	/* pairs with the release above */
	}
}
EXPORT_SYMBOL_GPL(ppc_attachment_set_news);

/**
 * ppc_nr_files - how many file indices an attachment has given out
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
 * ppc_file_stat - size of an attached file and of what is cached of it
 * @att: attachment
 * @file: file index
 * @size: set to the bytes of the file, if not NULL
 * @resident: set to the bytes cached, if not NULL; to 0 if the attacher may not
 *	know that
 *
 * Context: process context.
 * Return: 0, or -ENOENT if there is no such file any more.
 */
int ppc_file_stat(struct ppc_attachment *att, u32 file, u64 *size,
		  u64 *resident)
{
	struct ppc_file *pf = ppc_file_get(att, file);

	if (!pf)
		return -ENOENT;
	if (size)
		*size = i_size_read(pf->inode);
	/* To others it would tell what the owner reads, see mincore(2). */
	if (resident)
		*resident = pf->see_all ?
			(u64)pf->inode->i_mapping->nrpages << PAGE_SHIFT : 0;
	ppc_file_put(pf);
	return 0;
}
EXPORT_SYMBOL_GPL(ppc_file_stat);

/**
 * ppc_attach_consumer - somebody reads through a mapping of his own
 * @att: attachment
 * @mm: his
 *
 * Consumed pages may be unmapped from those who consumed them.
 *
 * Context: any that faults; under RCU.
 */
void ppc_attach_consumer(struct ppc_attachment *att, struct mm_struct *mm)
{
	struct mm_struct *old;
	int i;

	for (i = 0; i < PPC_MAX_CONSUMERS; i++) {
		struct mm_struct *known = READ_ONCE(att->consumers[i]);

		if (known == mm)
			return;
		if (!known)
			break;
	}

	guard(spinlock)(&att->consumer_lock);
	for (i = 0; i < PPC_MAX_CONSUMERS; i++) {
		old = att->consumers[i];
		if (old == mm)
			return;
		/* Who has exited maps nothing any more. */
		if (old && atomic_read(&old->mm_users))
			continue;
		mmgrab(mm);
		WRITE_ONCE(att->consumers[i], mm);
		if (old)
			mmdrop_sched(old);
		return;
	}
}

/**
 * ppc_attach_may_unmap - may consumed pages be unmapped from there?
 * @mm: address space
 * @file: struct ppc_file
 *
 * Return: true if they may.
 */
bool ppc_attach_may_unmap(const struct mm_struct *mm, void *file)
{
	struct ppc_file *pf = file;
	int i;

	if (pf->may_unmap)
		return true;
	for (i = 0; i < PPC_MAX_CONSUMERS; i++)
		if (READ_ONCE(pf->att->consumers[i]) == mm)
			return true;
	return false;
}

/*
 * Take files out of the hash table and let go of them once no hook and no
 * worker looks at them any more.
 */
static void ppc_attach_remove(struct ppc_attachment *att, const u32 *files,
			      u32 nr)
{
	struct ppc_stream *stream;
	struct ppc_file *pf;
	u32 i;

	for (i = 0; i < nr; i++)
		ppc_table_remove(xa_load(&att->files, files[i]));
	synchronize_rcu();
	for (i = 0; i < nr; i++) {
		pf = xa_erase(&att->files, files[i]);
		/* Workers that got it before see this and give it back. */
		WRITE_ONCE(pf->stopped, 1);
		ppc_file_put(pf);
	}
	/* A worker might otherwise go on for as long as its readers do. */
	WRITE_ONCE(att->paused, true);
	list_for_each_entry(stream, &att->streams, link) {
		flush_delayed_work(&stream->prefetch);
		flush_delayed_work(&stream->burner);
	}
	WRITE_ONCE(att->paused, false);
	list_for_each_entry(stream, &att->streams, link)
		ppc_prefetch_queue(stream);
	ppc_user_uncharge(att->user, nr);
	ppc_stat_add(att, files, -(s64)nr);
}

static void ppc_attach_finish(struct ppc_attachment *att)
{
	struct ppc_file *pf;
	unsigned long index;
	int i;

	/* The policy's streams want their files until the very end. */
	xa_for_each(&att->files, index, pf)
		ppc_table_remove(pf);
	synchronize_rcu();
	if (att->attached && att->ops->detach)
		att->ops->detach(att);
	ppc_stream_destroy_all(att);

	xa_for_each(&att->files, index, pf) {
		xa_erase(&att->files, index);
		ppc_user_uncharge(att->user, 1);
		ppc_file_put(pf);
	}
	xa_destroy(&att->files);
	for (i = 0; i < PPC_MAX_CONSUMERS && att->consumers[i]; i++)
		mmdrop(att->consumers[i]);
	ppc_policy_put(att->ops);
	ppc_attachment_count(-1);
	ppc_user_put(att->user);
	put_pid(att->family);
	mem_cgroup_put(att->memcg);
	ppc_blkcg_put(att->blkcg);
	put_cred(att->cred);
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

/**
 * ppc_attach_end - begin to end an attachment
 * @att: attachment
 *
 * att->done tells when it has ended. May be called again.
 *
 * Context: process context; waits for ioctls on @att, and can be killed
 * meanwhile. Without others that may call ioctls, it does not wait.
 * Return: 0 or -EINTR.
 */
int ppc_attach_end(struct ppc_attachment *att)
{
	bool ended;

	/* Hooks and workers stop now, whatever the ioctls wait for. */
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
	err = ppc_user_charge(att->user, nr);
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
	/* Hooks have seen the files under these indices. */
	WRITE_ONCE(att->nr_files, first + i);
	ppc_user_uncharge(att->user, nr - i);
	ppc_stat_add(att, files, i);
	if (i)
		ppc_attach_remove(att, added, i);
free:
	kvfree(added);
	return err;
}

/**
 * ppc_attach_add_files - add files to an attachment
 * @att: attachment
 * @fds: the files
 * @nr: how many
 * @first: set to the file index of the first one
 *
 * Context: process context, may sleep; can be killed.
 * Return: 0 or what ppc_attach() says; -ENODEV if @att has ended.
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

/* In order, as a file named twice is there only once. */
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

/**
 * ppc_attach_remove_files - remove files from an attachment
 * @att: attachment
 * @index: file indices, ascending
 * @nr: how many
 *
 * The files' indices are not given out again.
 *
 * Context: process context, may sleep; waits for reads being submitted. Can be
 * killed before it begins.
 * Return: 0, or without removing any: -ENOENT if one is not there, -EINVAL if
 * they are not in order, -ENODEV if @att has ended.
 */
int ppc_attach_remove_files(struct ppc_attachment *att, const u32 *index,
			    u32 nr)
{
	int err = down_write_killable(&att->lock);

	if (err)
		return err;
	err = att->ended ? -ENODEV : ppc_attach_check_indices(att, index, nr);
	if (!err) {
		ppc_attach_remove(att, index, nr);
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
	if (args->flags & PPC_ATTACH_MAY_KEEP)
		return capable(CAP_SYS_RESOURCE) ? 0 : -EPERM;
	return args->keep_budget ? -EINVAL : 0;
}

/* Of any thread, the process; pinned. */
static struct pid *ppc_attach_family(pid_t pid)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(find_vpid(pid), PIDTYPE_PID);
	return task ? get_pid(task_tgid(task)) : NULL;
}

/**
 * ppc_attach - bind a policy to files
 * @args: as given to the ioctl
 * @fds: the files
 *
 * Context: process context, may sleep; can be killed.
 * Return: the attachment, or an ERR_PTR: -EOPNOTSUPP if switched off, -EINVAL
 * for unknown flags or a bad name, -EPERM for flags that need a capability,
 * -ESRCH if there is no such process, -ENOENT if there is no such policy,
 * -EDQUOT, -E2BIG or -ENOSPC at a limit, and what ppc_file_open() or the policy
 * says.
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
	spin_lock_init(&att->consumer_lock);
	INIT_LIST_HEAD(&att->streams);
	att->kicked = jiffies - PPC_END_REST;
	init_waitqueue_head(&att->wait);
	INIT_WORK(&att->teardown, ppc_attach_teardown);
	init_completion(&att->done);
	att->flags = args->flags;
	att->budget = args->budget ?: ppc_default_budget();
	/* The readers are charged, not the attacher. */
	att->may_charge = capable(CAP_SYS_RESOURCE);
	if (!att->may_charge)
		att->budget = min(att->budget, ppc_default_budget());
	att->keep_budget = args->keep_budget;
	att->max_resident = args->max_resident;

	if (args->pid) {
		att->family = ppc_attach_family(args->pid);
		err = -ESRCH;
		if (!att->family)
			goto put_att;
	}
	att->user = ppc_user_get(current_uid());
	if (IS_ERR(att->user)) {
		err = PTR_ERR(att->user);
		goto put_family;
	}
	att->ops = ppc_policy_get(args->policy);
	if (!att->ops) {
		err = -ENOENT;
		goto put_user;
	}
	att->cred = get_current_cred();
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
	/* From here on, the hooks do not pass it by. */
	smp_store_release(&att->live, true);
	trace_ppc_attach(att->policy, args->nr_fds);
	return att;

finish:
	ppc_attach_finish(att);
	goto put_att;
put_user:
	ppc_user_put(att->user);
put_family:
	put_pid(att->family);
put_att:
	ppc_attach_put(att);
	return ERR_PTR(err);
}
