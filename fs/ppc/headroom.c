// SPDX-License-Identifier: GPL-2.0
/*
 * Is there memory for what a stream reads? Reading ahead must evict neither pages
 * that others use nor pages that were read ahead and not consumed.
 */

#include "stream.h"

#include <linux/memcontrol.h>

/* Would @more bytes exceed the attachment's limit on cached bytes? */
static bool ppc_headroom_at_ceiling(struct ppc_attachment *att, u64 more)
{
	return att->max_resident &&
	       ppc_resident(att) + more > att->max_resident;
}

/* Free bytes, and idle page cache beyond the @own bytes of the caller. */
static u64 ppc_headroom_bytes(unsigned long free, unsigned long idle, u64 own)
{
	own >>= PAGE_SHIFT;
	return ((u64)free + (idle > own ? idle - own : 0)) << PAGE_SHIFT;
}

static u64 ppc_headroom_in_nodes(const nodemask_t *nodes, u64 own)
{
	unsigned long idle, free = ppc_nodes_headroom(nodes, &idle);

	return ppc_headroom_bytes(free, idle, own);
}

/* Are @want pages available without those that readers have not consumed? */
static bool ppc_headroom_for_pages(struct ppc_attachment *att, unsigned long want)
{
	u64 ahead = atomic64_read(&att->ahead);

	return ppc_headroom_in_nodes(&att->mems_allowed, ahead) >> PAGE_SHIFT >= want;
}

static bool ppc_headroom_in_memcg(struct ppc_stream *stream, u64 need, u64 own)
{
	struct mem_cgroup *memcg = ppc_stream_memcg(stream);
	unsigned long free = ppc_memcg_headroom(memcg);
	bool room = need >> PAGE_SHIFT <= free ||
		    need <= ppc_headroom_bytes(free, ppc_memcg_idle(memcg), own);

	mem_cgroup_put(memcg);
	return room;
}

/**
 * ppc_stream_has_headroom - is there memory for the rest of a load?
 * @stream: stream of one of its readers
 * @need: bytes that will be read, at most
 * @on_node: of these, bytes to the stream's node
 *
 * Idle page cache of others counts as free.
 *
 * Context: process context, may sleep.
 * Return: true if they fit without evicting pages in use.
 */
bool ppc_stream_has_headroom(struct ppc_stream *stream, u64 need, u64 on_node)
{
	struct ppc_attachment *att = stream->att;
	u64 own = ppc_resident(att), bytes = READ_ONCE(att->bytes);
	int nid = READ_ONCE(stream->nid);
	nodemask_t node;

	bytes = bytes > own ? bytes - own : 0;
	need = min(need, bytes);
	if (!need)
		return true;
	if (att->max_resident && own + need > att->max_resident)
		return false;
	if (!ppc_headroom_in_memcg(stream, need, own))
		return false;
	if (need > ppc_headroom_in_nodes(&att->mems_allowed, own))
		return false;
	if (nid == NUMA_NO_NODE || !node_isset(nid, att->mems_allowed))
		return true;
	node = nodemask_of_node(nid);
	return min(on_node, bytes) <= ppc_headroom_in_nodes(&node, own);
}
EXPORT_SYMBOL_GPL(ppc_stream_has_headroom);

/**
 * ppc_stream_limits - get the limits of a stream
 * @stream: stream
 * @limits: set to the limits
 *
 * Context: process context.
 */
void ppc_stream_limits(struct ppc_stream *stream, struct ppc_limits *limits)
{
	struct ppc_attachment *att = stream->att;
	struct mem_cgroup *memcg = ppc_stream_memcg(stream);
	u64 pages = ppc_memcg_limit(memcg);

	mem_cgroup_put(memcg);
	limits->streams = max(READ_ONCE(att->nr_streams), 1U);
	limits->budget = div_u64(att->budget, limits->streams);
	limits->ceiling = att->max_resident ?: U64_MAX;
	limits->resident = att->max_resident ? ppc_resident(att) : 0;
	limits->memory = pages > U64_MAX >> PAGE_SHIFT ? U64_MAX :
			 pages << PAGE_SHIFT;
}
EXPORT_SYMBOL_GPL(ppc_stream_limits);

/* Is there memory for a range? Only a range near the reader is worth a reclaim. */
bool ppc_headroom_for(struct ppc_stream *stream, struct mem_cgroup *memcg,
		      struct ppc_file *pf, const struct ppc_range *range)
{
	struct ppc_attachment *att = stream->att;
	unsigned long nr = range->len >> PAGE_SHIFT, want, cached;
	bool ceiling = ppc_headroom_at_ceiling(att, range->len);

	want = nr + nr / 4;
	if (!ceiling && ppc_memcg_headroom(memcg) >= want &&
	    ppc_headroom_for_pages(att, want))
		return true;

	/* Pages that are cached need no memory. */
	cached = ppc_count_cached(pf->inode->i_mapping,
				  range->pos >> PAGE_SHIFT,
				  (range->pos + range->len) >> PAGE_SHIFT);
	if (cached >= nr)
		return true;
	ppc_stat_inc(att, memory_waits);
	if (ceiling) {
		ppc_stream_kick_drop(stream, 0);
		if (time_after_eq(jiffies, READ_ONCE(att->kicked) + PPC_REST)) {
			WRITE_ONCE(att->kicked, jiffies);
			ppc_kick_drops(att);
		}
		return false;
	}
	if (!(range->flags & PPC_RANGE_NEAR))
		return false;
	if (ppc_memcg_headroom(memcg) < want)
		ppc_memcg_reclaim(memcg, want);
	return ppc_memcg_headroom(memcg) >= want;
}

static bool ppc_headroom_on_node(struct ppc_attachment *att, struct ppc_fill *fill,
				 int nid)
{
	const nodemask_t node = nodemask_of_node(nid);
	unsigned long want = fill->nr + fill->nr / 4;
	unsigned long idle, free = ppc_nodes_headroom(&node, &idle);
	bool no_reclaim = free >= want;
	u64 own;

	if (!no_reclaim) {
		/* Pages read ahead to this node are idle, too, but not free. */
		own = min_t(u64, ppc_resident(att),
			    atomic64_read(ppc_stat_node(att, nid)));
		if (ppc_headroom_bytes(free, idle, own) >> PAGE_SHIFT < want)
			return false;
	}
	fill->nid = nid;
	fill->no_reclaim = no_reclaim;
	return true;
}

/*
 * Choose the node of a batch: the wanted one, or the nearest allowed one that has
 * memory.
 *
 * On a full node each batch would evict the one before it, which is not consumed
 * yet. So would large folios where free memory is fragmented.
 */
void ppc_headroom_pick_node(struct ppc_attachment *att, struct ppc_fill *fill)
{
	const int wanted = fill->nid;
	int nid, nearest = INT_MAX;

	if (wanted == NUMA_NO_NODE || ppc_headroom_on_node(att, fill, wanted))
		return;
	for_each_node_mask(nid, att->mems_allowed) {
		if (nid != wanted && node_distance(wanted, nid) < nearest &&
		    ppc_headroom_on_node(att, fill, nid))
			nearest = node_distance(wanted, nid);
	}
}
