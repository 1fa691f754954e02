// SPDX-License-Identifier: GPL-2.0
/*
 * Slow paths of the hooks: from an address space to the policies of its
 * attachments. They run in the context of the reader or the fault, under RCU, and
 * make no decisions.
 */

#include "ppc_private.h"

#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include <trace/events/ppc.h>

/* Ancestors of the reader to look at. */
#define PPC_MAX_DEPTH		256

/*
 * The root process of an attachment that current descends from; the nearest if
 * there are several.
 */
static const struct pid *ppc_root_pid(const struct ppc_mapping *pm)
{
	const struct task_struct *task = current;
	const struct ppc_file *pf;
	unsigned int named = 0;
	int depth;

	/* With one root there is nothing to tell apart. */
	list_for_each_entry_rcu(pf, &pm->files, link)
		named += !!pf->att->root_pid;
	if (named < 2)
		return NULL;
	for (depth = 0; task != &init_task && depth < PPC_MAX_DEPTH; depth++) {
		const struct pid *pid = task_tgid((struct task_struct *)task);

		list_for_each_entry_rcu(pf, &pm->files, link)
			if (pid && pf->att->root_pid == pid &&
			    ppc_attach_live(pf->att))
				return pid;
		task = rcu_dereference(task->real_parent);
	}
	return NULL;
}

static void ppc_count_event(struct ppc_attachment *att,
			    enum ppc_access_type type)
{
	switch (type) {
	case PPC_ACCESS_MISS:
		ppc_stat_inc(att, events_miss);
		break;
	case PPC_ACCESS_MARKER:
		ppc_stat_inc(att, events_marker);
		break;
	case PPC_ACCESS_FAULT:
	case PPC_ACCESS_FAULT_MISS:
		ppc_stat_inc(att, events_fault);
		break;
	case PPC_ACCESS_CONSUME:
		ppc_stat_inc(att, events_consume);
		break;
	case PPC_ACCESS_FAILED:
		break;
	}
}

static bool ppc_tell(struct address_space *mapping, struct ppc_access *access)
{
	struct ppc_mapping *pm;
	struct ppc_file *pf;
	const struct pid *root;
	bool taken = false;

	/*
	 * Reclaim may read metadata, but does not need it read ahead. Kernel threads
	 * such as khugepaged are not the loader.
	 */
	if (!READ_ONCE(ppc_enabled) ||
	    (current->flags & (PF_MEMALLOC | PF_KTHREAD)))
		return false;
	access->tgid = current->tgid;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return false;
	root = ppc_root_pid(pm);
	list_for_each_entry_rcu(pf, &pm->files, link) {
		struct ppc_attachment *att = pf->att;
		const struct ppc_ops *ops = att->ops;

		if (!ppc_attach_live(att))
			continue;
		if (root && att->root_pid && att->root_pid != root)
			continue;
		access->file = pf->index;
		ppc_count_event(att, access->type);
		trace_ppc_access(pf->inode, access);
		if (ops->access)
			taken |= ops->access(att, access);
	}
	return taken;
}

void __ppc_cache_miss(struct readahead_control *ractl, unsigned long req_count)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_MISS,
		.dropbehind = ractl->dropbehind,
		.pos = readahead_pos(ractl),
		.len = (u64)req_count << PAGE_SHIFT,
	};

	ppc_tell(ractl->mapping, &access);
}

bool __ppc_cache_marker(struct readahead_control *ractl, struct folio *folio,
			unsigned long req_count)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_MARKER,
		.uptodate = folio_test_uptodate(folio),
		.dropbehind = ractl->dropbehind,
		.pos = readahead_pos(ractl),
		.len = (u64)req_count << PAGE_SHIFT,
		.folio_pos = folio_pos(folio),
		.folio_len = folio_size(folio),
		.window = (u64)ractl->ra->size << PAGE_SHIFT,
	};

	return ppc_tell(ractl->mapping, &access);
}

static void ppc_tell_consumed(struct address_space *mapping, loff_t pos,
			      size_t len)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_CONSUME,
		.uptodate = true,
		.pos = pos,
		.len = len,
	};

	ppc_tell(mapping, &access);
}

void __ppc_consumed(struct address_space *mapping, loff_t end, ssize_t len)
{
	loff_t pos = end - len;

	if (len <= 0)
		return;
	if (((end ^ pos) >> PPC_STRIDE_SHIFT) ||
	    end >= i_size_read(mapping->host))
		ppc_tell_consumed(mapping, pos, len);
}

void __ppc_fault(struct vm_fault *vmf, struct address_space *mapping,
		 struct folio *folio)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_FAULT_MISS,
		.pos = (u64)vmf->pgoff << PAGE_SHIFT,
		.len = PAGE_SIZE,
	};

	if (vmf->flags & FAULT_FLAG_TRIED)
		return;
	if (!IS_ERR(folio)) {
		access.type = PPC_ACCESS_FAULT;
		access.uptodate = folio_test_uptodate(folio);
		access.folio_pos = folio_pos(folio);
		access.folio_len = folio_size(folio);
		/*
		 * Stock readahead ignores markers in random mappings, and
		 * fault-around skips them: each page would fault.
		 */
		if ((vmf->vma->vm_flags & VM_RAND_READ) &&
		    folio_test_readahead(folio) && !folio_test_writeback(folio)) {
			folio_clear_readahead(folio);
			access.type = PPC_ACCESS_MARKER;
		}
	} else if ((vmf->vma->vm_flags & VM_HUGEPAGE) &&
		   mapping_large_folio_support(mapping)) {
		/* Stock readahead reads such a mapping in huge pages. */
		access.len = SZ_2M - (access.pos & (SZ_2M - 1));
	}
	ppc_tell(mapping, &access);
}

void __ppc_written(struct address_space *mapping)
{
	struct ppc_mapping *pm;
	struct ppc_file *pf;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return;
	list_for_each_entry_rcu(pf, &pm->files, link)
		ppc_file_stop(pf);
}

/* Does any attachment of the file still want these bytes? */
bool ppc_range_wanted(struct ppc_file *pf, u64 pos, u64 len,
		      enum ppc_evict_reason reason)
{
	struct ppc_mapping *pm;
	struct ppc_file *other;

	guard(rcu)();
	pm = ppc_table_find(pf->inode->i_mapping);
	if (!pm)
		return false;
	list_for_each_entry_rcu(other, &pm->files, link) {
		struct ppc_attachment *att = other->att;

		if (!ppc_attach_live(att) || !att->ops->evict)
			continue;
		if (att->ops->evict(att, other->index, pos, len, reason) ==
		    PPC_EVICT_KEEP)
			return true;
	}
	return false;
}
