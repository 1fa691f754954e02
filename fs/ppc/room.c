// SPDX-License-Identifier: GPL-2.0
/*
 * Is there memory for what a stream reads? What is read ahead must push out
 * neither what others use nor what is yet to be read.
 */

#include "stream.h"

#include <linux/memcontrol.h>

/* Would so many bytes more be more than the attacher wants cached? */
static bool ppc_room_at_ceiling(struct ppc_attachment *att, u64 more)
{
	return att->max_resident &&
	       ppc_resident(att) + more > att->max_resident;
}

/* Free, and what others than the owner of so many pages have and do not use. */
static u64 ppc_room_bytes(unsigned long free, unsigned long idle, u64 own)
{
	own >>= PAGE_SHIFT;
	return ((u64)free + (idle > own ? idle - own : 0)) << PAGE_SHIFT;
}

static u64 ppc_room_in_nodes(const nodemask_t *nodes, u64 own)
{
	unsigned long idle, free = ppc_nodes_room(nodes, &idle);

	return ppc_room_bytes(free, idle, own);
}

/* Are there so many pages without what our readers have yet to come to? */
static bool ppc_room_for_pages(struct ppc_attachment *att, unsigned long want)
{
	u64 ahead = atomic64_read(&att->ahead);

	return ppc_room_in_nodes(&att->mems_allowed, ahead) >> PAGE_SHIFT >= want;
}

static bool ppc_room_in_memcg(struct ppc_stream *stream, u64 need, u64 own)
{
	struct mem_cgroup *memcg = ppc_stream_memcg(stream);
	unsigned long free = ppc_memcg_headroom(memcg);
	bool room = need >> PAGE_SHIFT <= free ||
		    need <= ppc_room_bytes(free, ppc_memcg_idle(memcg), own);

	mem_cgroup_put(memcg);
	return room;
}

/**
 * ppc_stream_has_room - is there memory for the rest of a load?
 * @stream: stream of one of its readers
 * @need: bytes that are yet to be read, at most
 * @on_node: of these, to the stream's node
 *
 * What others have cached and do not use counts as free.
 *
 * Context: process context, may sleep.
 * Return: true if nothing has to go for it.
 */
bool ppc_stream_has_room(struct ppc_stream *stream, u64 need, u64 on_node)
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
	if (!ppc_room_in_memcg(stream, need, own))
		return false;
	if (need > ppc_room_in_nodes(&att->mems_allowed, own))
		return false;
	if (nid == NUMA_NO_NODE || !node_isset(nid, att->mems_allowed))
		return true;
	node = nodemask_of_node(nid);
	return min(on_node, bytes) <= ppc_room_in_nodes(&node, own);
}
EXPORT_SYMBOL_GPL(ppc_stream_has_room);

/**
 * ppc_stream_limits - what bounds a stream
 * @stream: stream
 * @limits: set to that
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

/*
 * Is there memory for a range? Far ahead of the readers nothing is reclaimed
 * for it.
 */
bool ppc_room_for(struct ppc_stream *stream, struct mem_cgroup *memcg,
		  struct ppc_file *pf, const struct ppc_range *range)
{
	struct ppc_attachment *att = stream->att;
	unsigned long nr = range->len >> PAGE_SHIFT, want, cached;
	bool ceiling = ppc_room_at_ceiling(att, range->len);

	want = nr + nr / 4;
	if (!ceiling && ppc_memcg_headroom(memcg) >= want &&
	    ppc_room_for_pages(att, want))
		return true;

	/* What is there already takes no room. */
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
		ppc_memcg_make_room(memcg, want);
	return ppc_memcg_headroom(memcg) >= want;
}

static bool ppc_room_on_node(struct ppc_attachment *att, struct ppc_fill *fill,
			     int nid)
{
	const nodemask_t node = nodemask_of_node(nid);
	unsigned long want = fill->nr + fill->nr / 4;
	unsigned long idle, free = ppc_nodes_room(&node, &idle);
	bool light = free >= want;
	u64 own;

	if (!light) {
		/* What was read there lies idle, too, but is not free. */
		own = min_t(u64, ppc_resident(att),
			    atomic64_read(ppc_stat_node(att, nid)));
		if (ppc_room_bytes(free, idle, own) >> PAGE_SHIFT < want)
			return false;
	}
	fill->nid = nid;
	fill->light = light;
	return true;
}

/*
 * Say where to place a batch: on the wanted node, or the nearest that the attacher
 * may use and that has room, if there is one.
 *
 * On a node that is full, each batch would push out the one before it, which
 * nobody has read yet. So would large folios where what is free lies scattered.
 */
void ppc_room_place(struct ppc_attachment *att, struct ppc_fill *fill)
{
	const int wanted = fill->nid;
	int nid, nearest = INT_MAX;

	if (wanted == NUMA_NO_NODE || ppc_room_on_node(att, fill, wanted))
		return;
	for_each_node_mask(nid, att->mems_allowed) {
		if (nid != wanted && node_distance(wanted, nid) < nearest &&
		    ppc_room_on_node(att, fill, nid))
			nearest = node_distance(wanted, nid);
	}
}
