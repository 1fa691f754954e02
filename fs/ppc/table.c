// SPDX-License-Identifier: GPL-2.0
/*
 * From an address space to its attachments: a bit in the flags of the address space
 * says that there are some, and a hash table finds them. As in fs/verity, this
 * avoids a pointer in every inode.
 */

#include "ppc_private.h"

#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

static const struct rhashtable_params ppc_table_params = {
	.key_len = sizeof_field(struct ppc_mapping, mapping),
	.key_offset = offsetof(struct ppc_mapping, mapping),
	.head_offset = offsetof(struct ppc_mapping, node),
	.automatic_shrinking = true,
};

static struct rhashtable ppc_table;
static DEFINE_MUTEX(ppc_table_mutex);

/* Set the hash table up. Return: 0 or -ENOMEM. */
int __init ppc_table_init(void)
{
	return rhashtable_init(&ppc_table, &ppc_table_params);
}

/* The attachments of an address space, or NULL. Under rcu_read_lock(). */
struct ppc_mapping *ppc_table_find(struct address_space *mapping)
{
	return rhashtable_lookup(&ppc_table, &mapping, ppc_table_params);
}

static int ppc_table_link(struct ppc_file *pf, struct ppc_mapping *fresh)
{
	struct address_space *mapping = pf->inode->i_mapping;
	struct ppc_mapping *pm;
	int err;

	lockdep_assert_held(&mapping->invalidate_lock);
	guard(mutex)(&ppc_table_mutex);

	/* Entries are removed under the mutex only. */
	rcu_read_lock();
	pm = ppc_table_find(mapping);
	rcu_read_unlock();
	if (pm) {
		if (pm->nr >= PPC_MAX_ATTACHMENTS)
			return -ENOSPC;
		list_add_tail_rcu(&pf->link, &pm->files);
		pm->nr++;
		return 0;
	}

	fresh->mapping = mapping;
	INIT_LIST_HEAD(&fresh->files);
	list_add_tail_rcu(&pf->link, &fresh->files);
	fresh->nr = 1;
	err = rhashtable_insert_fast(&ppc_table, &fresh->node,
				     ppc_table_params);
	if (err)
		return err;
	set_bit(AS_PPC, &mapping->flags);
	return 1;
}

/*
 * Make a file visible to the hooks.
 *
 * The bit is flipped under the invalidate_lock, because changes of the folio order
 * rewrite all flags and hold that lock exclusively. It is taken shared: exclusively,
 * it would deadlock with khugepaged, which waits for it with folios locked that a
 * fault under the same lock waits for.
 *
 * Return: 0, -EINTR, -ENOSPC if the file has too many attachments, -ENOMEM.
 */
int ppc_table_add(struct ppc_file *pf)
{
	struct address_space *mapping = pf->inode->i_mapping;
	struct ppc_mapping *fresh = kzalloc_obj(*fresh);
	int ret;

	if (!fresh)
		return -ENOMEM;
	ret = down_read_killable(&mapping->invalidate_lock);
	if (ret) {
		kfree(fresh);
		return ret;
	}
	ret = ppc_table_link(pf, fresh);
	filemap_invalidate_unlock_shared(mapping);

	if (ret <= 0)
		kfree(fresh);
	return min(ret, 0);
}

/*
 * Hide a file from the hooks. They may use it until a grace period has passed.
 * Return: 0 or -EINTR.
 */
int ppc_table_remove(struct ppc_file *pf, bool killable)
{
	struct address_space *mapping = pf->inode->i_mapping;
	struct ppc_mapping *pm;

	if (!killable)
		filemap_invalidate_lock_shared(mapping);
	else if (down_read_killable(&mapping->invalidate_lock))
		return -EINTR;
	mutex_lock(&ppc_table_mutex);

	rcu_read_lock();
	pm = ppc_table_find(mapping);
	rcu_read_unlock();
	list_del_rcu(&pf->link);
	if (!--pm->nr) {
		clear_bit(AS_PPC, &mapping->flags);
		rhashtable_remove_fast(&ppc_table, &pm->node,
				       ppc_table_params);
		kfree_rcu(pm, rcu);
	}

	mutex_unlock(&ppc_table_mutex);
	filemap_invalidate_unlock_shared(mapping);
	return 0;
}
