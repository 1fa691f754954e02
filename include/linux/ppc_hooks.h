/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programmable page cache: the interface between mm and fs/ppc. mm calls the hooks;
 * fs/ppc calls the functions of mm/ppc.c below them.
 */
#ifndef _LINUX_PPC_HOOKS_H
#define _LINUX_PPC_HOOKS_H

#include <linux/jump_label.h>
#include <linux/pagemap.h>
#include <linux/ppc.h>

struct mem_cgroup;
struct vm_fault;

#ifdef CONFIG_FS_PPC

DECLARE_STATIC_KEY_FALSE(ppc_key);

void __ppc_cache_miss(struct readahead_control *ractl, unsigned long req_count);
bool __ppc_cache_marker(struct readahead_control *ractl, struct folio *folio,
			unsigned long req_count);
void __ppc_consumed(struct address_space *mapping, loff_t end, ssize_t len);
void __ppc_fault(struct vm_fault *vmf, struct address_space *mapping,
		 struct folio *folio);
void __ppc_written(struct address_space *mapping);
bool __ppc_read_failed(struct folio *folio);
enum ppc_verdict __ppc_reclaim(struct folio *folio, int priority);

static __always_inline bool mapping_ppc(const struct address_space *mapping)
{
	return static_branch_unlikely(&ppc_key) &&
	       test_bit(AS_PPC, &mapping->flags);
}

/**
 * ppc_cache_miss - a reader found nothing cached at its position
 * @ractl: request to stock readahead
 * @req_count: pages the reader wants
 *
 * Stock readahead continues, as the reader waits for it.
 *
 * Context: as readahead; with IOCB_NOWAIT, memalloc_noio is in force.
 */
static inline void ppc_cache_miss(struct readahead_control *ractl,
				  unsigned long req_count)
{
	if (mapping_ppc(ractl->mapping))
		__ppc_cache_miss(ractl, req_count);
}

/**
 * ppc_cache_marker - a reader found a readahead marker
 * @ractl: request to stock readahead
 * @folio: the marked folio
 * @req_count: pages the reader wants
 *
 * Context: as readahead; in faults, the mmap lock may be held.
 * Return: true if a policy reads ahead, so that stock readahead is not needed.
 */
static inline bool ppc_cache_marker(struct readahead_control *ractl,
				    struct folio *folio,
				    unsigned long req_count)
{
	return mapping_ppc(ractl->mapping) &&
	       __ppc_cache_marker(ractl, folio, req_count);
}

/**
 * ppc_consumed - a read() or splice has copied bytes out of the page cache
 * @mapping: of the file
 * @end: position behind the last byte
 * @len: bytes
 *
 * Reported once per stride and at the end of the file.
 *
 * Context: end of read(); XFS holds the inode's rwsem shared.
 */
static inline void ppc_consumed(struct address_space *mapping, loff_t end,
				ssize_t len)
{
	if (mapping_ppc(mapping))
		__ppc_consumed(mapping, end, len);
}

/**
 * ppc_fault - a fault looked up a folio
 * @vmf: the fault
 * @mapping: of the file
 * @folio: the result, or an ERR_PTR
 *
 * Context: mmap or VMA lock held.
 */
static inline void ppc_fault(struct vm_fault *vmf,
			     struct address_space *mapping,
			     struct folio *folio)
{
	if (mapping_ppc(mapping))
		__ppc_fault(vmf, mapping, folio);
}

/**
 * ppc_written - a file is about to be written to
 * @mapping: of the file
 *
 * Context: as write(), or a fault that makes a page writable.
 */
static inline void ppc_written(struct address_space *mapping)
{
	if (mapping_ppc(mapping))
		__ppc_written(mapping);
}

/**
 * ppc_read_failed - a reader could not read a folio
 * @folio: not uptodate; the caller holds a reference
 *
 * Streams read in larger folios than stock readahead does, and a folio fails as a
 * whole. The reader retries without that folio, once for each chunk of a stream, so
 * that it loses no more than with stock readahead.
 *
 * Context: process context, may wait for the folio's lock.
 * Return: true if the folio was removed from the page cache and the reader should
 * look it up again.
 */
static inline bool ppc_read_failed(struct folio *folio)
{
	return IS_ENABLED(CONFIG_FS_PPC_RETRY) &&
	       static_branch_unlikely(&ppc_key) && folio_test_large(folio) &&
	       __ppc_read_failed(folio);
}

/**
 * ppc_reclaim - ask the policies about a folio
 * @folio: locked, isolated from the LRU
 * @priority: of the scan; 0 is the most urgent
 *
 * Context: reclaim, below any allocation.
 * Return: the verdict; default for folios without a policy.
 */
static inline enum ppc_verdict ppc_reclaim(struct folio *folio, int priority)
{
	if (IS_ENABLED(CONFIG_FS_PPC_RECLAIM) &&
	    static_branch_unlikely(&ppc_key))
		return __ppc_reclaim(folio, priority);
	return PPC_EVICT_DEFAULT;
}

/**
 * struct ppc_fill - a range to read ahead
 * @file: for network file systems; NULL if the mapping is another inode's
 * @mapping: to read into
 * @index: first page
 * @nr: pages
 * @piece: pages from one marker to the next, and of the largest folio; 0: a marker in
 *	each stride, and folios of any size
 * @nid: node to place folios on, or NUMA_NO_NODE
 * @no_reclaim: do not reclaim memory to allocate a larger folio
 * @memcg: to charge, or NULL for the root
 */
struct ppc_fill {
	struct file *file;
	struct address_space *mapping;
	pgoff_t index;
	unsigned long nr;
	unsigned long piece;
	int nid;
	bool no_reclaim;
	struct mem_cgroup *memcg;
};

/**
 * struct ppc_drop - result of dropping a range
 * @dropped: pages dropped
 * @left: pages still cached, straddling folios counted whole
 */
struct ppc_drop {
	unsigned long dropped;
	unsigned long left;
};

typedef void (*ppc_seen_t)(int nid, unsigned long nr, void *arg);

unsigned long ppc_fill_range(const struct ppc_fill *fill);
void ppc_wait_range(struct address_space *mapping, pgoff_t index,
		    unsigned long nr);
void ppc_nodes_of_range(struct address_space *mapping, pgoff_t index,
			unsigned long nr, unsigned long pages,
			ppc_seen_t seen, void *arg);
void ppc_drop_range(struct address_space *mapping, pgoff_t start, pgoff_t end,
		    struct ppc_drop *drop);
void ppc_drop_unused(struct address_space *mapping, pgoff_t start, pgoff_t end,
		     struct ppc_drop *drop);
unsigned long ppc_count_cached(struct address_space *mapping, pgoff_t start,
			       pgoff_t end);
void ppc_drop_drain(void);
unsigned long ppc_nodes_headroom(const nodemask_t *nodes, unsigned long *idle);
unsigned long ppc_memcg_limit(struct mem_cgroup *memcg);
unsigned long ppc_memcg_headroom(struct mem_cgroup *memcg);
unsigned long ppc_memcg_idle(struct mem_cgroup *memcg);
void ppc_memcg_reclaim(struct mem_cgroup *memcg, unsigned long nr);

/* Implemented by fs/ppc. */
bool ppc_range_failed(struct address_space *mapping, loff_t pos, size_t len);

#else /* CONFIG_FS_PPC */

static inline void ppc_cache_miss(struct readahead_control *ractl,
				  unsigned long req_count)
{
}

static inline bool ppc_cache_marker(struct readahead_control *ractl,
				    struct folio *folio,
				    unsigned long req_count)
{
	return false;
}

static inline void ppc_consumed(struct address_space *mapping, loff_t end,
				ssize_t len)
{
}

static inline void ppc_fault(struct vm_fault *vmf,
			     struct address_space *mapping,
			     struct folio *folio)
{
}

static inline void ppc_written(struct address_space *mapping)
{
}

static inline bool ppc_read_failed(struct folio *folio)
{
	return false;
}

static inline enum ppc_verdict ppc_reclaim(struct folio *folio, int priority)
{
	return PPC_EVICT_DEFAULT;
}

#endif /* CONFIG_FS_PPC */
#endif /* _LINUX_PPC_HOOKS_H */
