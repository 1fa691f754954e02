// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks' slow paths: from an address space to the policies of the
 * attachments it has. They run in whatever context reads, faults or reclaims,
 * under RCU, and decide nothing themselves.
 */

#include "ppc_private.h"

#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include <trace/events/ppc.h>

/*
 * Keep is not obeyed when reclaim gets desperate. Both LRUs begin at
 * DEF_PRIORITY or half of it and count down to zero.
 */
#define PPC_KEEP_MIN_PRIORITY	4

/* Ancestors to look at, of whoever reads. */
#define PPC_MAX_DEPTH		256

/* Is the policy set up for it, and not about to go? */
static bool ppc_attach_live(const struct ppc_attachment *att)
{
	/* Pairs with ppc_attach(). */
	return smp_load_acquire(&att->live);
}

/* Who reads what is nobody else's business. */
static bool ppc_may_see(const struct ppc_file *pf)
{
	return pf->see_all || uid_eq(current_uid(), pf->att->cred->uid);
}

/*
 * Of the processes that attachments are for, the one that this process is or
 * descends from; of several, the nearest.
 */
static const struct pid *ppc_family(const struct ppc_mapping *pm)
{
	const struct task_struct *task = current;
	const struct ppc_file *pf;
	unsigned int named = 0;
	int depth;

	/* Where there is nothing to tell apart, nobody's ancestors matter. */
	list_for_each_entry_rcu(pf, &pm->files, link)
		named += !!pf->att->family;
	if (named < 2)
		return NULL;
	for (depth = 0; task != &init_task && depth < PPC_MAX_DEPTH; depth++) {
		const struct pid *pid = task_tgid((struct task_struct *)task);

		list_for_each_entry_rcu(pf, &pm->files, link)
			if (pid && pf->att->family == pid &&
			    ppc_attach_live(pf->att) && ppc_may_see(pf))
				return pid;
		task = rcu_dereference(task->real_parent);
	}
	return NULL;
}

static void ppc_count_event(struct ppc_attachment *att,
			    enum ppc_access_type type)
{
	if (!READ_ONCE(att->seen))
		WRITE_ONCE(att->seen, true);
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
	}
}

/* @mm is whose page table a fault fills, NULL for reads. */
static bool ppc_tell(struct address_space *mapping, struct ppc_access *access,
		     struct mm_struct *mm)
{
	struct ppc_mapping *pm;
	struct ppc_file *pf;
	const struct pid *family;
	bool taken = false;

	/*
	 * Reclaim may read metadata, but has no use for our reading ahead. Kernel
	 * threads, as khugepaged, are not who loads.
	 */
	if (!READ_ONCE(ppc_enabled) ||
	    (current->flags & (PF_MEMALLOC | PF_KTHREAD)))
		return false;
	access->tgid = current->tgid;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return false;
	family = ppc_family(pm);
	list_for_each_entry_rcu(pf, &pm->files, link) {
		struct ppc_attachment *att = pf->att;
		const struct ppc_ops *ops = att->ops;

		if (!ppc_attach_live(att) || !ppc_may_see(pf))
			continue;
		/* Who drops last unmaps it from all. */
		if (mm && uid_eq(current_uid(), att->cred->uid))
			ppc_attach_consumer(att, mm);
		if (family && att->family && att->family != family)
			continue;
		access->file = pf->index;
		ppc_count_event(att, access->type);
		trace_ppc_access(pf->inode, access);
		if (access->type == PPC_ACCESS_CONSUME) {
			if (ops->consume)
				ops->consume(att, access);
		} else if (ops->prefetch) {
			taken |= ops->prefetch(att, access) ==
				 PPC_PREFETCH_TAKEN;
		}
	}
	return taken;
}

void __ppc_cache_miss(struct readahead_control *ractl, unsigned long req_count)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_MISS,
		.pos = readahead_pos(ractl),
		.len = (u64)req_count << PAGE_SHIFT,
	};

	ppc_tell(ractl->mapping, &access, NULL);
}

bool __ppc_cache_marker(struct readahead_control *ractl, struct folio *folio,
			unsigned long req_count)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_MARKER,
		.uptodate = folio_test_uptodate(folio),
		.pos = readahead_pos(ractl),
		.len = (u64)req_count << PAGE_SHIFT,
		.folio_pos = folio_pos(folio),
		.folio_len = folio_size(folio),
	};

	return ppc_tell(ractl->mapping, &access, NULL);
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

	ppc_tell(mapping, &access, NULL);
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
		 * Stock readahead leaves markers alone in random mappings, and
		 * fault-around goes round them: each page would fault.
		 */
		if ((vmf->vma->vm_flags & VM_RAND_READ) &&
		    folio_test_readahead(folio) && !folio_test_writeback(folio))
			folio_clear_readahead(folio);
	}
	ppc_tell(mapping, &access, vmf->vma->vm_mm);
}

/**
 * ppc_range_failed - a folio could not be read: have no stream read it again
 * @mapping: of the file
 * @pos: of the folio
 * @len: bytes
 *
 * Context: any but interrupts.
 * Return: true if that is news to a stream.
 */
bool ppc_range_failed(struct address_space *mapping, loff_t pos, size_t len)
{
	struct ppc_mapping *pm;
	struct ppc_file *pf;
	bool news = false;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return false;
	list_for_each_entry_rcu(pf, &pm->files, link) {
		if (!ppc_streams_failed(pf->att, pf->index, pos, len))
			continue;
		news = true;
		if (ppc_may_see(pf))
			ppc_stat_inc(pf->att, errors);
	}
	return news;
}

static bool ppc_may_keep(struct ppc_attachment *att, int priority)
{
	return (att->flags & PPC_ATTACH_MAY_KEEP) &&
	       priority > PPC_KEEP_MIN_PRIORITY &&
	       ppc_resident(att, false) <= att->keep_budget;
}

enum ppc_verdict __ppc_reclaim(struct folio *folio, int priority)
{
	struct address_space *mapping = folio_mapping(folio);
	u64 pos = folio_pos(folio), len = folio_size(folio);
	struct ppc_attachment *first = NULL;
	struct ppc_mapping *pm;
	bool all_first = true;
	struct ppc_file *pf;

	if (!mapping || !mapping_ppc(mapping) || !READ_ONCE(ppc_enabled))
		return PPC_EVICT_DEFAULT;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return PPC_EVICT_DEFAULT;

	/* First only if all agree, keep if one may and wants to. */
	list_for_each_entry_rcu(pf, &pm->files, link) {
		struct ppc_attachment *att = pf->att;
		enum ppc_verdict verdict;

		if (!ppc_attach_live(att) || !att->ops->evict)
			continue;
		verdict = att->ops->evict(att, pf->index, pos, len,
					  PPC_EVICT_RECLAIM);
		if (verdict == PPC_EVICT_KEEP && ppc_may_keep(att, priority)) {
			ppc_stat_add(att, kept_bytes, len);
			return PPC_EVICT_KEEP;
		}
		/* Others' references count, unless he may disregard them. */
		if (verdict != PPC_EVICT_FIRST || folio_test_mlocked(folio) ||
		    (folio_mapped(folio) && !pf->may_unmap))
			all_first = false;
		else
			first = att;
	}
	if (!first || !all_first)
		return PPC_EVICT_DEFAULT;
	ppc_stat_add(first, evicted_first_bytes, len);
	return PPC_EVICT_FIRST;
}

/* One who has never read must not hold up those who do. */
static bool ppc_may_object(const struct ppc_file *other,
			   const struct ppc_file *pf)
{
	return other->may_unmap || READ_ONCE(other->att->seen) ||
	       uid_eq(other->att->cred->uid, pf->att->cred->uid);
}

/**
 * ppc_range_wanted - does any attachment of a file still want these bytes?
 * @pf: file, of whoever wants to drop them
 * @pos: first byte
 * @len: bytes
 *
 * Return: true if one does.
 */
bool ppc_range_wanted(struct ppc_file *pf, u64 pos, u64 len)
{
	struct ppc_mapping *pm;
	struct ppc_file *other;

	guard(rcu)();
	pm = ppc_table_find(pf->inode->i_mapping);
	if (!pm)
		return false;
	list_for_each_entry_rcu(other, &pm->files, link) {
		struct ppc_attachment *att = other->att;

		if (!ppc_attach_live(att) || !att->ops->evict ||
		    !ppc_may_object(other, pf))
			continue;
		if (att->ops->evict(att, other->index, pos, len,
				    PPC_EVICT_DROP) == PPC_EVICT_KEEP)
			return true;
	}
	return false;
}
