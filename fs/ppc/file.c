// SPDX-License-Identifier: GPL-2.0
/*
 * Attached files: which ones may be, and whether they are still the same.
 */

#include "ppc_private.h"

#include <linux/backing-dev.h>
#include <linux/dax.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/slab.h>

/*
 * Of an overlay's files, none belongs to the inode with the data: only file
 * systems that do not look at the file can be read ahead.
 */
static bool ppc_file_needed(const struct file *file, const struct inode *inode)
{
	const struct super_block *sb = inode->i_sb;

	return inode != file_inode(file) &&
	       (!(sb->s_type->fs_flags & FS_REQUIRES_DEV) ||
		sb->s_magic == FUSE_SUPER_MAGIC);
}

static int ppc_file_check(const struct file *file, struct inode *inode)
{
	const struct address_space *mapping = inode->i_mapping;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (IS_SWAPFILE(inode))
		return -ETXTBSY;
	/* What nothing is read into from a device cannot be read ahead. */
	if (IS_DAX(inode) || is_file_hugepages(file) ||
	    inode_to_bdi(inode) == &noop_backing_dev_info)
		return -EOPNOTSUPP;
	/* Nor what is in another inode's page cache, as Coda's files are. */
	if (mapping != &inode->i_data ||
	    (!mapping->a_ops->read_folio && !mapping->a_ops->readahead))
		return -EOPNOTSUPP;
	if (ppc_file_needed(file, inode))
		return -EOPNOTSUPP;
	return 0;
}

/* Could the attacher, if he tried, write to the file? As mincore(2) asks. */
static bool ppc_file_trusts(struct file *file)
{
	return inode_owner_or_capable(file_mnt_idmap(file), file_inode(file)) ||
	       file_permission(file, MAY_WRITE) == 0;
}

/**
 * ppc_file_open - make ready a file to be attached
 * @att: to attach to
 * @fd: a file of current's
 *
 * Return: the file, or an ERR_PTR: -EBADF if it is not open for reading,
 * -EINVAL if it is not a regular file, -ETXTBSY for a swap file, -EOPNOTSUPP
 * for files that are not read through the page cache, -ENOMEM.
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

	err = -ENOMEM;
	pf = kzalloc_obj(*pf, GFP_KERNEL_ACCOUNT);
	if (!pf)
		goto put;
	kref_init(&pf->ref);
	pf->att = att;
	pf->file = file;
	pf->inode = inode;
	pf->size = i_size_read(inode);
	pf->mtime = inode_get_mtime(inode);
	pf->may_unmap = ppc_file_trusts(file);
	pf->see_all = pf->may_unmap || capable(CAP_PERFMON);
	return pf;

put:
	fput(file);
	return ERR_PTR(err);
}

/**
 * ppc_file_get - pin a file of an attachment
 * @att: attachment
 * @index: file index
 *
 * Return: the file, or NULL if it was removed.
 */
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

	/* Whoever waits for a detach means to unmount: don't let it linger. */
	if (current->flags & PF_KTHREAD)
		__fput_sync(pf->file);
	else
		fput(pf->file);
	kfree_rcu(pf, rcu);
}

/**
 * ppc_file_put - unpin a file
 * @pf: from ppc_file_get() or ppc_file_open()
 *
 * Context: process context.
 */
void ppc_file_put(struct ppc_file *pf)
{
	kref_put(&pf->ref, ppc_file_release);
}

/**
 * ppc_file_unchanged - is a file still what was attached?
 * @pf: file
 *
 * Once it has changed, it is left alone for good. The i_version is of no use
 * here: on XFS, reading changes it, by the update of atime.
 *
 * Return: true if it is.
 */
bool ppc_file_unchanged(struct ppc_file *pf)
{
	struct timespec64 mtime = inode_get_mtime(pf->inode);

	if (READ_ONCE(pf->stopped))
		return false;
	if (pf->size == i_size_read(pf->inode) &&
	    timespec64_equal(&pf->mtime, &mtime) &&
	    pf->inode == d_real_inode(file_dentry(pf->file)))
		return true;

	/* Another worker may have seen it first. */
	if (!xchg(&pf->stopped, 1))
		ppc_stat_inc(pf->att, stopped_files);
	return false;
}
