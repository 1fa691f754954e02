// SPDX-License-Identifier: GPL-2.0
/*
 * Fill and drop ranges of the page cache for page cache policies (fs/ppc).
 */

#include <linux/blkdev.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/memcontrol.h>
#include <linux/mmu_notifier.h>
#include <linux/page_counter.h>
#include <linux/pagemap.h>
#include <linux/ppc_hooks.h>
#include <linux/rcupdate_wait.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <asm/tlb.h>

#include "internal.h"

/* Folios smaller than this are only sampled by ppc_wait_range(). */
#define PPC_SAMPLE_PAGES	(SZ_256K / PAGE_SIZE)

/* With small folios, markers alone show readers of a mapping: as stock places them. */
#define PPC_SMALL_STRIDE	SZ_128K

/**
 * ppc_fill_range - read a range ahead
 * @fill: the range, its node and the memory cgroup to charge
 *
 * Context: process context, may sleep to allocate memory and block requests, but
 * does not wait for the reads.
 * Return: pages submitted.
 */
unsigned long ppc_fill_range(const struct ppc_fill *fill)
{
	/* Not the reader's state: stock readahead must not change. */
	struct file_ra_state ra = {
		.start = fill->index,
		.size = fill->nr,
		.async_size = fill->nr,
		.ra_pages = fill->nr,
		.prev_pos = -1,
	};
	struct mem_cgroup *old_memcg = set_active_memcg(fill->memcg);
	unsigned long stride = PPC_STRIDE >> PAGE_SHIFT, submitted;
	unsigned int max_order = MAX_PAGECACHE_ORDER;
	struct blk_plug plug;
	DEFINE_READAHEAD(ractl, fill->file, &ra, fill->mapping, fill->index);

	if (!mapping_large_folio_support(fill->mapping))
		stride = PPC_SMALL_STRIDE >> PAGE_SHIFT;
	if (fill->piece) {
		stride = fill->piece;
		max_order = ilog2(fill->piece);
	}
	if (fill->nid != NUMA_NO_NODE && node_state(fill->nid, N_MEMORY))
		ractl._node = fill->nid + 1;
	/* Small folios of a range are to reach the device as one request. */
	blk_start_plug(&plug);
	submitted = page_cache_ra_range(&ractl, fill->nr, stride, max_order,
					fill->no_reclaim);
	blk_finish_plug(&plug);
	set_active_memcg(old_memcg);

	return submitted;
}

/* Find the folio at an index, and the index to look at next. */
static struct folio *ppc_sample(struct address_space *mapping, pgoff_t index,
				pgoff_t *next)
{
	struct folio *folio = filemap_get_folio(mapping, index);

	*next = index + PPC_SAMPLE_PAGES;
	if (IS_ERR(folio))
		return NULL;
	*next = max(*next, folio_next_index(folio));
	return folio;
}

/**
 * ppc_wait_range - wait for the reads of a range
 * @mapping: of the file
 * @index: first page
 * @nr: pages
 *
 * Small folios are sampled, as their reads complete in about the order of submission.
 *
 * Context: process context, sleeps until the device has answered.
 */
void ppc_wait_range(struct address_space *mapping, pgoff_t index,
		    unsigned long nr)
{
	pgoff_t end = index + nr;

	while (index < end) {
		struct folio *folio = ppc_sample(mapping, index, &index);

		if (folio) {
			folio_wait_locked(folio);
			folio_put(folio);
		}
	}
}

/**
 * ppc_nodes_of_range - count the pages of a range by node
 * @mapping: of the file
 * @index: first page
 * @nr: pages
 * @pages: count at most so many
 * @seen: called with a number of pages and their node
 * @arg: for @seen
 *
 * Context: process context.
 */
void ppc_nodes_of_range(struct address_space *mapping, pgoff_t index,
			unsigned long nr, unsigned long pages,
			ppc_seen_t seen, void *arg)
{
	pgoff_t end = index + nr;

	while (index < end && pages) {
		pgoff_t start = index;
		struct folio *folio = ppc_sample(mapping, index, &index);

		if (folio) {
			unsigned long count = min(index, end) - start;

			count = min(count, pages);
			seen(folio_nid(folio), count, arg);
			folio_put(folio);
			pages -= count;
		}
	}
}

/* Unmap from all address spaces, up to the first mlocked VMA. */
static pgoff_t ppc_unmap_range(struct address_space *mapping, pgoff_t start,
			       pgoff_t end, pgoff_t *skip_to)
{
	struct zap_details details = { .skip_cows = true };
	const pgoff_t range_last = end - 1;
	struct vm_area_struct *vma;
	struct mmu_gather tlb;

	*skip_to = end;
	i_mmap_lock_read(mapping);

	/* PG_mlocked is not set on partly mapped large folios: ask the VMAs. */
	mapping_rmap_tree_foreach(vma, mapping, start, range_last) {
		pgoff_t first = max(start, vma_start_pgoff(vma));

		if (!(vma->vm_flags & VM_LOCKED))
			continue;
		if (first < end) {
			end = first;
			*skip_to = vma_last_pgoff(vma) + 1;
		}
	}

	if (end == start)
		goto unlock;

	mapping_rmap_tree_foreach(vma, mapping, start, end - 1) {
		pgoff_t first = max(start, vma_start_pgoff(vma));
		pgoff_t last = min(end - 1, vma_last_pgoff(vma));
		unsigned long addr;

		/*
		 * mlock() waits for the mmap lock, not for the i_mmap lock. The
		 * latter keeps the mm: its VMAs are not unlinked meanwhile.
		 */
		if (!mmap_read_trylock(vma->vm_mm))
			continue;
		if (!(vma->vm_flags & VM_LOCKED)) {
			addr = vma->vm_start +
			       ((first - vma_start_pgoff(vma)) << PAGE_SHIFT);
			tlb_gather_mmu(&tlb, vma->vm_mm);
			zap_vma_range_batched(&tlb, vma, addr,
					      (last - first + 1) << PAGE_SHIFT,
					      &details);
			tlb_finish_mmu(&tlb);
		}
		mmap_read_unlock(vma->vm_mm);
	}

unlock:
	i_mmap_unlock_read(mapping);
	return end;
}

/**
 * ppc_count_cached - count the cached pages of a range
 * @mapping: of the file
 * @start: first page
 * @end: behind the last page
 *
 * Context: process context, may sleep.
 * Return: pages, straddling folios counted whole.
 */
unsigned long ppc_count_cached(struct address_space *mapping, pgoff_t start,
			       pgoff_t end)
{
	XA_STATE(xas, &mapping->i_pages, start);
	unsigned long cached = 0;
	struct folio *folio;

	if (start >= end)
		return 0;
	rcu_read_lock();
	xas_for_each(&xas, folio, end - 1) {
		if (xas_retry(&xas, folio) || xa_is_value(folio))
			continue;
		cached += 1UL << xas_get_order(&xas);
		if (need_resched()) {
			xas_pause(&xas);
			cond_resched_rcu();
		}
	}
	rcu_read_unlock();

	return cached;
}

/**
 * ppc_drop_range - drop the clean folios of a range
 * @mapping: of the file
 * @start: first page
 * @end: behind the last page
 * @drop: set to what happened
 *
 * Folios that lie wholly in the range and are clean and unreferenced are unmapped
 * and dropped without a shadow entry. Private copies stay mapped. Pages in VM_LOCKED
 * VMAs stay.
 *
 * Context: process context, may sleep; not with i_mmap_rwsem held.
 */
void ppc_drop_range(struct address_space *mapping, pgoff_t start, pgoff_t end,
		    struct ppc_drop *drop)
{
	unsigned long before = ppc_count_cached(mapping, start, end);
	pgoff_t pos = start;

	while (before && pos < end) {
		pgoff_t to = end, next = end;

		if (mapping_mapped(mapping))
			to = ppc_unmap_range(mapping, pos, end, &next);
		if (to > pos)
			mapping_try_invalidate(mapping, pos, to - 1, NULL);
		pos = next;
	}
	drop->left = before ? ppc_count_cached(mapping, start, end) : 0;
	drop->dropped = before > drop->left ? before - drop->left : 0;
}

/**
 * ppc_drop_unused - drop the folios of a range that nobody has used
 * @mapping: of the file
 * @start: first page
 * @end: behind the last page
 * @drop: set to what happened; @drop->left to 0, as what is in use is to stay
 *
 * Folios that lie wholly in the range are dropped, unless they are mapped, referenced,
 * dirty or being read.
 *
 * Context: process context, may sleep.
 */
void ppc_drop_unused(struct address_space *mapping, pgoff_t start, pgoff_t end,
		     struct ppc_drop *drop)
{
	struct folio_batch fbatch;
	pgoff_t index = start;
	unsigned int i;

	*drop = (struct ppc_drop){};
	folio_batch_init(&fbatch);
	while (filemap_get_folios(mapping, &index, end - 1, &fbatch)) {
		for (i = 0; i < folio_batch_count(&fbatch); i++) {
			struct folio *folio = fbatch.folios[i];

			if (folio_test_referenced(folio) || folio_test_active(folio) ||
			    !folio_trylock(folio))
				continue;
			if (folio->mapping == mapping && folio->index >= start &&
			    folio_next_index(folio) <= end)
				drop->dropped += mapping_evict_folio(mapping, folio);
			folio_unlock(folio);
		}
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

/**
 * ppc_drop_drain - drain per-CPU LRU batches, which hold folio references
 *
 * Context: process context, waits for all CPUs; use it once per load.
 */
void ppc_drop_drain(void)
{
	lru_add_drain_all();
}

/**
 * ppc_nodes_headroom - free and idle memory of nodes
 * @nodes: the nodes
 * @idle: set to the inactive page cache pages
 *
 * Return: free pages above the watermarks.
 */
unsigned long ppc_nodes_headroom(const nodemask_t *nodes, unsigned long *idle)
{
	unsigned long free = 0;
	int nid, i;

	*idle = 0;
	for_each_node_mask(nid, *nodes) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];
			unsigned long pages, mark;

			if (!populated_zone(zone))
				continue;
			/* A part of low zones is reserved. */
			mark = high_wmark_pages(zone) +
			       zone->lowmem_reserve[ZONE_MOVABLE];
			pages = zone_page_state(zone, NR_FREE_PAGES);
			free += pages > mark ? pages - mark : 0;
			*idle += zone_page_state(zone, NR_ZONE_INACTIVE_FILE);
		}
	}
	return free;
}

#ifdef CONFIG_MEMCG
/**
 * ppc_memcg_limit - limit of a memory cgroup and its ancestors
 * @memcg: the cgroup, or NULL
 *
 * Return: pages, ULONG_MAX without a limit.
 */
unsigned long ppc_memcg_limit(struct mem_cgroup *memcg)
{
	unsigned long limit = ULONG_MAX;

	for (; memcg; memcg = parent_mem_cgroup(memcg))
		limit = min3(limit, READ_ONCE(memcg->memory.max),
			     READ_ONCE(memcg->memory.high));
	return limit == PAGE_COUNTER_MAX ? ULONG_MAX : limit;
}

/**
 * ppc_memcg_headroom - pages that can be charged without reclaim
 * @memcg: the cgroup, or NULL
 *
 * A charge above memory.high may throttle the task, which must not happen under the
 * invalidate lock, so callers check first. A charge takes a batch more than asked.
 *
 * Return: pages, ULONG_MAX without a limit.
 */
unsigned long ppc_memcg_headroom(struct mem_cgroup *memcg)
{
	unsigned long room = ULONG_MAX;

	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long limit = min(READ_ONCE(memcg->memory.max),
					  READ_ONCE(memcg->memory.high));
		unsigned long used = page_counter_read(&memcg->memory) +
				     MEMCG_CHARGE_BATCH;

		room = min(room, limit > used ? limit - used : 0);
	}
	return room;
}

/**
 * ppc_memcg_idle - inactive page cache pages of a memory cgroup
 * @memcg: the cgroup, or NULL
 *
 * Context: process context, may sleep.
 * Return: pages, of the cgroup or of the ancestor with the fewest.
 */
unsigned long ppc_memcg_idle(struct mem_cgroup *memcg)
{
	unsigned long idle = ULONG_MAX;

	mem_cgroup_flush_stats(memcg);
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		idle = min(idle, memcg_page_state(memcg, NR_INACTIVE_FILE));
	return idle;
}

/**
 * ppc_memcg_reclaim - reclaim from a memory cgroup that is near its limit
 * @memcg: the cgroup, or NULL
 * @nr: pages to make available
 *
 * Context: process context, may sleep, no locks of the page cache.
 */
void ppc_memcg_reclaim(struct mem_cgroup *memcg, unsigned long nr)
{
	nr += MEMCG_CHARGE_BATCH;
	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		unsigned long limit = min(READ_ONCE(memcg->memory.max),
					  READ_ONCE(memcg->memory.high));

		if (limit < nr + page_counter_read(&memcg->memory))
			try_to_free_mem_cgroup_pages(memcg, nr, GFP_KERNEL, 0,
						     NULL);
	}
}
#else
unsigned long ppc_memcg_limit(struct mem_cgroup *memcg)
{
	return ULONG_MAX;
}

unsigned long ppc_memcg_headroom(struct mem_cgroup *memcg)
{
	return ULONG_MAX;
}

unsigned long ppc_memcg_idle(struct mem_cgroup *memcg)
{
	return 0;
}

void ppc_memcg_reclaim(struct mem_cgroup *memcg, unsigned long nr)
{
}
#endif
