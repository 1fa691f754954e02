// SPDX-License-Identifier: GPL-2.0
/*
 * Attached files: which files may be attached, and whether they have changed.
 */

#include "ppc_private.h"

#include <linux/backing-dev.h>
#include <linux/dax.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/slab.h>

/* Is it read over a network, or through a user space server? */
static bool ppc_file_remote(const struct inode *inode)
{
	const struct super_block *sb = inode->i_sb;

	return !(sb->s_type->fs_flags & FS_REQUIRES_DEV) ||
	       sb->s_magic == FUSE_SUPER_MAGIC;
}

static int ppc_file_check(const struct file *file, struct inode *inode)
{
	const struct address_space *mapping = inode->i_mapping;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (IS_SWAPFILE(inode))
		return -ETXTBSY;
	/* Without reads from a device there is nothing to read ahead. */
	if (IS_DAX(inode) || is_file_hugepages(file) ||
	    inode_to_bdi(inode) == &noop_backing_dev_info)
		return -EOPNOTSUPP;
	/* Coda's files are cached in another inode. */
	if (mapping != &inode->i_data ||
	    (!mapping->a_ops->read_folio && !mapping->a_ops->readahead))
		return -EOPNOTSUPP;
	/*
	 * No file of an overlay belongs to the inode with the data, so only file
	 * systems that ignore the file can be read ahead.
	 */
	if (inode != file_inode(file) && ppc_file_remote(inode))
		return -EOPNOTSUPP;
	/* Reading ahead would not raise the event that fetches the content. */
	if (FMODE_FSNOTIFY_HSM(file->f_mode))
		return -EOPNOTSUPP;
	return 0;
}

static bool ppc_owner_or_writer(struct mnt_idmap *idmap, struct inode *inode)
{
	return inode_owner_or_capable(idmap, inode) ||
	       !inode_permission(idmap, inode, MAY_WRITE);
}

/*
 * An attachment shows what others read and drops what they have mapped. mincore(2)
 * and MADV_PAGEOUT allow that to the owner of a file and to users that may write
 * it. On overlayfs, the inode with the data is asked as well, since layers may be
 * shared. The idmap of its mount is not known here; without it, fewer users pass.
 */
static bool ppc_file_may_attach(struct file *file, struct inode *inode)
{
	return ppc_owner_or_writer(file_mnt_idmap(file), file_inode(file)) &&
	       (inode == file_inode(file) ||
		ppc_owner_or_writer(&nop_mnt_idmap, inode));
}

/*
 * Prepare a file for attaching.
 *
 * Return: the file, or an ERR_PTR: -EBADF if it is not open for reading,
 * -EINVAL if it is not a regular file, -EPERM if current neither owns it nor
 * may write to it, -ETXTBSY for a swap file, -EOPNOTSUPP for files that are not
 * read through the page cache or that fanotify fills on access, -ENOMEM.
 */
struct ppc_file *ppc_file_open(struct ppc_attachment *att, int fd)
{
	struct file *file = fget(fd);
	struct ppc_file *pf;
	struct inode *inode;
	int err;

	if (!file)
		return ERR_PTR(-EBADF);
	err = -EINVAL;
	if (!S_ISREG(file_inode(file)->i_mode))
		goto put;
	/* On overlayfs, the pages are those of the inode with the data. */
	inode = d_real_inode(file_dentry(file));
	err = ppc_file_check(file, inode);
	if (err)
		goto put;
	err = -EPERM;
	if (!ppc_file_may_attach(file, inode))
		goto put;

	err = -ENOMEM;
	pf = kzalloc_obj(*pf, GFP_KERNEL_ACCOUNT);
	if (!pf)
		goto put;
	kref_init(&pf->ref);
	pf->att = att;
	pf->file = file;
	pf->inode = inode;
	pf->size = i_size_read(inode);
	pf->may_refuse = ppc_file_remote(inode);
	return pf;

put:
	fput(file);
	return ERR_PTR(err);
}

/* Pin a file of an attachment. Return: the file, or NULL if it was removed. */
struct ppc_file *ppc_file_get(struct ppc_attachment *att, u32 index)
{
	struct ppc_file *pf;

	guard(rcu)();
	pf = xa_load(&att->files, index);
	if (pf && !kref_get_unless_zero(&pf->ref))
		pf = NULL;
	return pf;
}

static void ppc_file_release(struct kref *ref)
{
	struct ppc_file *pf = container_of(ref, struct ppc_file, ref);
	struct ppc_attachment *att = pf->att;
	bool removed = pf->removed;

	/* The waiter of a detach may want to unmount: do not defer the put. */
	if (current->flags & PF_KTHREAD)
		__fput_sync(pf->file);
	else
		fput(pf->file);
	kfree_rcu(pf, rcu);
	if (removed && atomic_dec_and_test(&att->leaving))
		wake_up_all(&att->wait);
}

/* Unpin a file. */
void ppc_file_put(struct ppc_file *pf)
{
	kref_put(&pf->ref, ppc_file_release);
}

/* A file has changed: do nothing with it from now on. */
void ppc_file_stop(struct ppc_file *pf)
{
	/* Count it once. */
	if (!READ_ONCE(pf->stopped) && !xchg(&pf->stopped, 1))
		ppc_stat_inc(pf->att, stopped_files);
}

/* Is a file still the one that was attached? A hook reports writes. */
bool ppc_file_unchanged(struct ppc_file *pf)
{
	if (READ_ONCE(pf->stopped))
		return false;
	if (pf->size == i_size_read(pf->inode) &&
	    pf->inode == d_real_inode(file_dentry(pf->file)))
		return true;
	ppc_file_stop(pf);
	return false;
}

/*
 * Cached bytes of the attachment's files. Many files are not scanned on each call:
 * in between, the attachment's own reads and drops are added up.
 */
u64 ppc_resident(struct ppc_attachment *att)
{
	unsigned long stamp = READ_ONCE(att->resident_stamp);
	unsigned long rest = min(READ_ONCE(att->nr_files) >> 7, HZ / 10);
	u64 resident = 0, bytes = 0;
	struct ppc_file *pf;
	unsigned long index;

	if (rest && stamp && time_before(jiffies, stamp + rest))
		return max(atomic64_read(&att->resident), 0);
	rcu_read_lock();
	xa_for_each(&att->files, index, pf) {
		bytes += i_size_read(pf->inode);
		resident += (u64)pf->inode->i_mapping->nrpages;
	}
	rcu_read_unlock();
	resident <<= PAGE_SHIFT;
	atomic64_set(&att->resident, resident);
	WRITE_ONCE(att->bytes, bytes);
	WRITE_ONCE(att->resident_stamp, jiffies | 1);
	return resident;
}
