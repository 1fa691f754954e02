// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: the reader that is charged, the node, and waking the workers.
 */

#include "stream.h"

#include <linux/ioprio.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>

/**
 * ppc_stream_private - the policy's own part of a stream
 * @stream: stream
 *
 * Context: any.
 * Return: as given to ppc_stream_create().
 */
void *ppc_stream_private(const struct ppc_stream *stream)
{
	return stream->private;
}
EXPORT_SYMBOL_GPL(ppc_stream_private);

/**
 * ppc_stream_running - is a stream started, and not stopped?
 * @stream: stream
 *
 * Context: any.
 * Return: true if it is.
 */
bool ppc_stream_running(const struct ppc_stream *stream)
{
	return READ_ONCE(stream->running);
}
EXPORT_SYMBOL_GPL(ppc_stream_running);

/**
 * ppc_stream_set_node - set the node that pages are read to
 * @stream: stream
 * @nid: node, or NUMA_NO_NODE for the reader's
 *
 * Context: any.
 */
void ppc_stream_set_node(struct ppc_stream *stream, int nid)
{
	if (nid < 0 || nid >= MAX_NUMNODES)
		nid = NUMA_NO_NODE;
	WRITE_ONCE(stream->nid, nid);
}
EXPORT_SYMBOL_GPL(ppc_stream_set_node);

/**
 * ppc_stream_set_ahead - report how much was read ahead and not consumed
 * @stream: stream
 * @bytes: bytes
 *
 * The memory that holds these bytes does not count as idle.
 *
 * Context: any.
 */
void ppc_stream_set_ahead(struct ppc_stream *stream, u64 bytes)
{
	u64 before = atomic64_xchg(&stream->ahead, bytes);

	atomic64_add(bytes - before, &stream->att->ahead);
}
EXPORT_SYMBOL_GPL(ppc_stream_set_ahead);

/* Is @memcg the cgroup @root or below it? Without memory cgroups, both are NULL. */
static bool ppc_memcg_within(struct mem_cgroup *memcg,
			     const struct mem_cgroup *root)
{
	while (memcg && memcg != root)
		memcg = parent_mem_cgroup(memcg);
	return memcg == root;
}

/* Follow current's memory policy. */
static void ppc_stream_follow_policy(struct ppc_stream *stream)
{
#ifdef CONFIG_NUMA
	const struct mempolicy *pol = current->mempolicy;

	if (pol && (pol->mode == MPOL_INTERLEAVE || pol->mode == MPOL_WEIGHTED_INTERLEAVE))
		stream->interleave = pol->nodes;
	WRITE_ONCE(stream->reader_nid, mempolicy_slab_node());
#else
	WRITE_ONCE(stream->reader_nid, numa_mem_id());
#endif
}

/**
 * ppc_stream_meet_reader - current is a reader of the stream
 * @stream: stream
 *
 * The first reader is charged for the pages and the I/O. If the stream has no node,
 * pages go to the node that the reader's memory policy prefers. Without
 * CAP_SYS_RESOURCE at attach, readers of other cgroups are not charged.
 *
 * Context: the access callback.
 */
void ppc_stream_meet_reader(struct ppc_stream *stream)
{
	struct ppc_attachment *att = stream->att;
	struct mem_cgroup *memcg;

	WRITE_ONCE(stream->seen, jiffies);
	if (READ_ONCE(stream->charge_known))
		return;
	guard(spinlock)(&stream->lock);
	if (stream->charge_known)
		return;
	if (stream->reader_nid == NUMA_NO_NODE)
		ppc_stream_follow_policy(stream);
	memcg = get_mem_cgroup_from_mm(current->mm);
	if (memcg && memcg == stream->refused)
		goto put;
	if (!att->may_charge && !ppc_memcg_within(memcg, att->memcg)) {
		stream->refused = memcg;
		goto put;
	}
	stream->memcg = memcg;
	stream->blkcg = ppc_current_blkcg();
	stream->ioprio = get_current_ioprio();
	WRITE_ONCE(stream->charge_known, true);
	return;
put:
	mem_cgroup_put(memcg);
}
EXPORT_SYMBOL_GPL(ppc_stream_meet_reader);

/**
 * ppc_stream_forget_reader - another load begins: charge its first reader
 * @stream: stream
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_forget_reader(struct ppc_stream *stream)
{
	guard(spinlock)(&stream->lock);
	mem_cgroup_put(stream->memcg);
	ppc_blkcg_put(stream->blkcg);
	stream->memcg = NULL;
	stream->blkcg = NULL;
	stream->refused = NULL;
	WRITE_ONCE(stream->reader_nid, NUMA_NO_NODE);
	nodes_clear(stream->interleave);
	WRITE_ONCE(stream->charge_known, false);
}
EXPORT_SYMBOL_GPL(ppc_stream_forget_reader);

/* The memory cgroup to charge: online and pinned, or NULL for the root. */
struct mem_cgroup *ppc_stream_memcg(struct ppc_stream *stream)
{
	struct mem_cgroup *memcg;

	guard(spinlock)(&stream->lock);
	memcg = stream->charge_known ? stream->memcg : stream->att->memcg;
	/* The reader's cgroup may have been removed. */
	while (!mem_cgroup_tryget_online(memcg))
		memcg = parent_mem_cgroup(memcg);
	return memcg;
}

/* Do I/O with the reader's blkcg and priority. */
void ppc_stream_act_for_reader(struct ppc_stream *stream)
{
	int ioprio = get_current_ioprio();

	scoped_guard(spinlock, &stream->lock) {
		kthread_associate_blkcg(stream->charge_known ? stream->blkcg :
						      stream->att->blkcg);
		if (stream->charge_known)
			ioprio = stream->ioprio;
	}
	if (ioprio != get_current_ioprio())
		set_task_ioprio(current, ioprio);
}

/* The node to read to: the wanted one or the reader's, if the attachment may use it. */
int ppc_stream_nid(const struct ppc_stream *stream)
{
	const nodemask_t *allowed = &stream->att->mems_allowed;
	int nid = READ_ONCE(stream->nid);

	if (nid == NUMA_NO_NODE)
		nid = READ_ONCE(stream->reader_nid);
	if (nid == NUMA_NO_NODE || !node_isset(nid, *allowed))
		nid = first_node(*allowed);
	return nid < MAX_NUMNODES ? nid : NUMA_NO_NODE;
}

/* If the reader's memory policy interleaves, each range goes to the next node. */
void ppc_stream_interleave(struct ppc_stream *stream)
{
	guard(spinlock)(&stream->lock);
	if (!nodes_empty(stream->interleave))
		WRITE_ONCE(stream->reader_nid,
			   next_node_in(stream->reader_nid, stream->interleave));
}

/**
 * ppc_stream_kick - ask the policy again what to read
 * @stream: stream
 *
 * Context: any but interrupts, soft ones included; not once ppc_stream_destroy()
 * was called.
 */
void ppc_stream_kick(struct ppc_stream *stream)
{
	/* On the node that the pages go to. */
	queue_work_node(ppc_stream_nid(stream), stream->att->wq,
			&stream->read.work);
}
EXPORT_SYMBOL_GPL(ppc_stream_kick);

/**
 * ppc_stream_kick_drop - ask the policy again what to drop
 * @stream: stream
 * @delay: jiffies from now; only 0 overrides an earlier call
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_kick_drop(struct ppc_stream *stream, unsigned long delay)
{
	/* A stopped stream does not wait for a new worker. */
	guard(spinlock)(&stream->lock);
	if (!stream->running)
		return;
	if (delay)
		queue_delayed_work(stream->att->wq, &stream->drop, delay);
	else
		mod_delayed_work(stream->att->wq, &stream->drop, 0);
}
EXPORT_SYMBOL_GPL(ppc_stream_kick_drop);

/**
 * ppc_kick_drops - memory is short: ask the policy of every stream what to drop
 * @att: attachment
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_kick_drops(struct ppc_attachment *att)
{
	struct ppc_stream *stream;

	guard(spinlock)(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link)
		ppc_stream_kick_drop(stream, 0);
}
EXPORT_SYMBOL_GPL(ppc_kick_drops);
