// SPDX-License-Identifier: GPL-2.0
/*
 * Is there memory for what a stream reads? What is read ahead must push out
 * neither what others use nor what is yet to be read, and what was consumed has
 * to make room when there is none.
 */

#include "ppc_private.h"

#include <linux/memcontrol.h>

/* Closer to the reader than this, reading ahead is worth a reclaim. */
#define PPC_NEAR_BYTES		SZ_16M

/* A gap that nobody chose; readers of several streams may be far apart. */
#define PPC_GAP_MAX		SZ_32M
#define PPC_GAP_MAX_APART	SZ_64M
#define PPC_GAP_MIN		(2 * PPC_CHUNK_SIZE)

/**
 * ppc_room_memcg - whom a stream's pages are charged to
 * @stream: stream
 *
 * Return: a memory cgroup that is online, NULL for the root.
 */
struct mem_cgroup *ppc_room_memcg(const struct ppc_stream *stream)
{
	struct mem_cgroup *memcg = READ_ONCE(stream->memcg) ?:
				   stream->att->memcg;

	/* The reader may be gone, and his cgroup with him. */
	while (memcg && !mem_cgroup_online(memcg))
		memcg = parent_mem_cgroup(memcg);
	return memcg;
}

/**
 * ppc_resident - bytes of an attachment's files that are cached
 * @att: attachment
 * @now: not as of up to a tenth of a second ago
 *
 * Of files whose cache the attacher may not look at, none: what is done about
 * it would tell him.
 *
 * Context: any.
 * Return: bytes.
 */
u64 ppc_resident(struct ppc_attachment *att, bool now)
{
	unsigned long stamp = READ_ONCE(att->resident_stamp);
	u64 resident = 0, bytes = 0;
	struct ppc_file *pf;
	unsigned long index;

	if (!now && stamp && time_before(jiffies, stamp + HZ / 10))
		return READ_ONCE(att->resident);
	rcu_read_lock();
	xa_for_each(&att->files, index, pf) {
		bytes += i_size_read(pf->inode);
		if (pf->see_all)
			resident += (u64)pf->inode->i_mapping->nrpages;
	}
	rcu_read_unlock();
	resident <<= PAGE_SHIFT;
	WRITE_ONCE(att->resident, resident);
	WRITE_ONCE(att->bytes, bytes);
	WRITE_ONCE(att->resident_stamp, jiffies | 1);
	return resident;
}

/* Would so many bytes more be more than the attacher wants cached? */
static bool ppc_room_at_ceiling(struct ppc_attachment *att, u64 more)
{
	return att->max_resident &&
	       ppc_resident(att, true) + more > att->max_resident;
}

/* Bytes that streams to a node, or to any, have yet to bring in, at most. */
static u64 ppc_room_left(struct ppc_attachment *att, int nid)
{
	u64 resident = ppc_resident(att, true);
	u64 bytes = READ_ONCE(att->bytes), left = 0;
	struct ppc_stream *stream;

	spin_lock(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link) {
		u64 total = ppc_map_byte(&stream->map, stream->map.nr_chunks);
		u64 brought = READ_ONCE(stream->brought);

		/* Nobody has come yet, or it is over. */
		if (READ_ONCE(stream->reader_nid) == NUMA_NO_NODE ||
		    !READ_ONCE(stream->running) || READ_ONCE(stream->gave_up))
			continue;
		if (nid == NUMA_NO_NODE || READ_ONCE(stream->nid) == nid)
			left += total > brought ? total - brought : 0;
	}
	spin_unlock(&att->stream_lock);
	return min(left, bytes > resident ? bytes - resident : 0);
}

/* Free, and what others than the owner of so many pages have and do not use. */
static u64 ppc_room_bytes(unsigned long free, unsigned long idle, u64 own)
{
	own >>= PAGE_SHIFT;
	return ((u64)free + (idle > own ? idle - own : 0)) << PAGE_SHIFT;
}

/* Are there so many pages without what our readers have yet to come to? */
static bool ppc_room_for_pages(struct ppc_attachment *att, unsigned long want)
{
	unsigned long idle, free = ppc_nodes_room(&att->mems_allowed, &idle);

	return free >= want ||
	       ppc_room_bytes(free, idle, ppc_streams_ahead(att)) >> PAGE_SHIFT >=
	       want;
}

static u64 ppc_room_in_nodes(const nodemask_t *nodes, u64 own)
{
	unsigned long idle, free = ppc_nodes_room(nodes, &idle);

	return ppc_room_bytes(free, idle, own);
}

static bool ppc_room_is_tight(struct ppc_stream *stream)
{
	struct ppc_attachment *att = stream->att;
	u64 need = ppc_room_left(att, NUMA_NO_NODE);
	struct mem_cgroup *memcg = ppc_room_memcg(stream);
	u64 own = READ_ONCE(att->resident);
	int nid = READ_ONCE(stream->nid);
	unsigned long free;
	nodemask_t node;

	if (!need)
		return false;
	if (att->max_resident && own + need > att->max_resident)
		return true;
	free = ppc_memcg_headroom(memcg);
	if (need >> PAGE_SHIFT > free &&
	    need > ppc_room_bytes(free, ppc_memcg_idle(memcg), own))
		return true;
	if (need > ppc_room_in_nodes(&att->mems_allowed, own))
		return true;
	if (nid == NUMA_NO_NODE || !node_isset(nid, att->mems_allowed))
		return false;
	node = nodemask_of_node(nid);
	return ppc_room_left(att, nid) > ppc_room_in_nodes(&node, own);
}

/**
 * ppc_room_look - see whether what was consumed has to make room for the rest
 * @stream: stream
 *
 * Context: process context, may sleep.
 * Return: true if it has.
 */
bool ppc_room_look(struct ppc_stream *stream)
{
	bool tight, news;

	if (READ_ONCE(stream->burn) != PPC_BURN_TIGHT)
		return false;
	tight = ppc_room_is_tight(stream);
	spin_lock(&stream->lock);
	/* Once it is stopped, nobody waits for the burner any more. */
	news = tight && !stream->tight && stream->running;
	stream->tight = tight;
	spin_unlock(&stream->lock);
	if (news)
		ppc_burn_kick(stream->att);
	return tight;
}

/**
 * ppc_room_for - is there memory for a batch?
 * @stream: stream
 * @memcg: to be charged
 * @pf: file
 * @batch: the batch
 *
 * Far ahead of the readers nothing is reclaimed for it.
 *
 * Context: process context, may sleep, no locks of the page cache.
 * Return: true if there is.
 */
bool ppc_room_for(struct ppc_stream *stream, struct mem_cgroup *memcg,
		  struct ppc_file *pf, const struct ppc_batch *batch)
{
	const struct ppc_range *bytes = &batch->bytes;
	struct ppc_attachment *att = stream->att;
	unsigned long nr = bytes->len >> PAGE_SHIFT, want, cached;
	bool ceiling = ppc_room_at_ceiling(att, bytes->len);

	want = nr + nr / 4;
	if (!ceiling && ppc_memcg_headroom(memcg) >= want &&
	    ppc_room_for_pages(att, want))
		return true;

	/* What is there already takes no room. */
	cached = ppc_count_cached(pf->inode->i_mapping,
				  bytes->pos >> PAGE_SHIFT,
				  (bytes->pos + bytes->len) >> PAGE_SHIFT);
	if (cached >= nr)
		return true;
	ppc_stat_inc(att, memory_waits);
	if (ceiling) {
		mod_delayed_work(ppc_wq, &stream->burner, 0);
		if (time_after_eq(jiffies,
				  READ_ONCE(att->kicked) + PPC_END_REST)) {
			WRITE_ONCE(att->kicked, jiffies);
			ppc_burn_kick(att);
		}
		return false;
	}
	/* Of many readers, each gets a batch at least. */
	if (batch->ahead > PPC_NEAR_BYTES && batch->before >= PPC_BATCH_BYTES)
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
		own = min_t(u64, ppc_resident(att, true),
			    atomic64_read(ppc_stat_node(att, nid)));
		if (ppc_room_bytes(free, idle, own) >> PAGE_SHIFT < want)
			return false;
	}
	fill->nid = nid;
	fill->light = light;
	return true;
}

/**
 * ppc_room_place - say where to place a batch
 * @att: attachment
 * @fill: the batch, with the wanted node or NUMA_NO_NODE; has the nearest that
 *	the attacher may use and that has room afterwards, if there is one
 *
 * On a node that is full, each batch would push out the one before it, which
 * nobody has read yet. So would large folios where what is free lies scattered.
 *
 * Context: process context.
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

/**
 * ppc_room_gap - how much behind the readers is not dropped
 * @stream: stream
 *
 * Unless somebody chose: enough for readers that look back or read in turns,
 * and a small part of the memory that there is for reading ahead.
 *
 * Context: process context.
 * Return: bytes.
 */
u64 ppc_room_gap(struct ppc_stream *stream)
{
	struct ppc_attachment *att = stream->att;
	u32 nr = max(READ_ONCE(att->nr_streams), 1U);
	u64 gap = READ_ONCE(stream->gap), room, share;

	/* What is to stay must not fill all that may be cached. */
	if (gap != PPC_GAP_AUTO && att->max_resident)
		gap = min(gap, div_u64(att->max_resident / 2, nr));
	if (gap != PPC_GAP_AUTO)
		return gap;

	room = min((u64)ppc_memcg_limit(ppc_room_memcg(stream)),
		   U64_MAX >> PAGE_SHIFT) << PAGE_SHIFT;
	if (att->max_resident)
		room = min(room, att->max_resident);
	share = div_u64(min(att->budget, room / 4) / (nr > 1 ? 2 : 8), nr);
	if (ppc_room_at_ceiling(att, PPC_BATCH_BYTES))
		return PPC_GAP_MIN;
	gap = clamp(share, PPC_GAP_MIN,
		    nr > 1 ? PPC_GAP_MAX_APART : PPC_GAP_MAX);
	return max(gap, min(2 * READ_ONCE(stream->longest), share));
}
