// SPDX-License-Identifier: GPL-2.0
/*
 * Streams, as policies see them.
 */

#include "ppc_private.h"

#include <linux/memcontrol.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/ppc.h>

/* Drop behind the readers in steps of this much. */
#define PPC_BURN_STEP		SZ_8M

/* Chunks to look at before saying that bytes are wanted. */
#define PPC_WANTS_LOOKS		256

/* Below this, a wrong guess costs too little to give up for. */
#define PPC_GIVE_UP_BYTES	SZ_64M
#define PPC_WASTE_BYTES		SZ_256M

/* So much read again of what was dropped, and it was not done with. */
#define PPC_RETURN_BYTES	SZ_16M

/* Chunks without a file or beyond its end would only cost the workers time. */
static int ppc_stream_check(struct ppc_attachment *att,
			    const struct ppc_range *range)
{
	u64 size, end;
	int err = ppc_file_stat(att, range->file, &size, NULL);

	if (err)
		return err;
	if (check_add_overflow(range->pos, range->len, &end) ||
	    range->pos >= size || end > round_up(size, PPC_CHUNK_SIZE))
		return -EINVAL;
	return 0;
}

/**
 * ppc_stream_create - make a stream
 * @att: attachment
 * @ranges: in the order in which they will be wanted; must not overlap
 * @nr: how many
 * @nid: node to place folios on, or NUMA_NO_NODE for the reader's
 *
 * Context: the attach, files_changed or ioctl callback.
 * Return: the stream, not started, or an ERR_PTR: -EINVAL for ranges that are
 * empty, overlap, overflow or lie beyond the end of the file, -ENOENT for an
 * unknown file, -E2BIG for too many ranges or bytes, -ENOSPC for too many
 * streams, -ENOMEM.
 */
struct ppc_stream *ppc_stream_create(struct ppc_attachment *att,
				     const struct ppc_range *ranges, u32 nr,
				     int nid)
{
	struct ppc_stream *stream;
	int err;
	u32 i;

	if (nid != NUMA_NO_NODE && (nid < 0 || nid >= MAX_NUMNODES))
		return ERR_PTR(-EINVAL);
	for (i = 0; i < nr; i++) {
		err = ppc_stream_check(att, &ranges[i]);
		if (err)
			return ERR_PTR(err);
	}

	stream = kzalloc_obj(*stream, GFP_KERNEL_ACCOUNT);
	if (!stream)
		return ERR_PTR(-ENOMEM);
	err = ppc_map_init(&stream->map, ranges, nr);
	if (err)
		goto free;
	stream->att = att;
	spin_lock_init(&stream->lock);
	stream->nid = nid;
	stream->reader_nid = NUMA_NO_NODE;
	/* No reader yet, and jiffies may be about to wrap. */
	stream->last_access = jiffies - 2 * PPC_END_REST;
	INIT_DELAYED_WORK(&stream->prefetch, ppc_prefetch_work);
	INIT_DELAYED_WORK(&stream->burner, ppc_burn_work);

	err = -ENOSPC;
	spin_lock(&att->stream_lock);
	if (att->nr_streams < PPC_MAX_STREAMS) {
		list_add_tail(&stream->link, &att->streams);
		att->nr_streams++;
		err = 0;
	}
	spin_unlock(&att->stream_lock);
	if (!err)
		return stream;

free:
	ppc_map_free(&stream->map);
	kfree(stream);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(ppc_stream_create);

/**
 * ppc_stream_destroy - stop and free a stream
 * @stream: stream, which no callback uses any more, or NULL
 *
 * Context: the detach, files_changed or ioctl callback; waits for the workers.
 */
void ppc_stream_destroy(struct ppc_stream *stream)
{
	struct ppc_attachment *att;

	if (!stream)
		return;
	att = stream->att;
	ppc_stream_stop(stream);
	spin_lock(&att->stream_lock);
	list_del(&stream->link);
	att->nr_streams--;
	spin_unlock(&att->stream_lock);

	mem_cgroup_put(stream->memcg);
	ppc_blkcg_put(stream->blkcg);
	ppc_map_free(&stream->map);
	kfree(stream);
}
EXPORT_SYMBOL_GPL(ppc_stream_destroy);

/**
 * ppc_stream_destroy_all - destroy what a policy has left behind
 * @att: attachment, at its end
 */
void ppc_stream_destroy_all(struct ppc_attachment *att)
{
	struct ppc_stream *stream, *next;

	list_for_each_entry_safe(stream, next, &att->streams, link)
		ppc_stream_destroy(stream);
}

/**
 * ppc_stream_start - let a stream read ahead of the readers it is told of
 * @stream: stream
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_start(struct ppc_stream *stream)
{
	guard(spinlock)(&stream->lock);
	WRITE_ONCE(stream->running, true);
}
EXPORT_SYMBOL_GPL(ppc_stream_start);

/**
 * ppc_stream_stop - stop reading ahead, and drop what there is left to burn
 * @stream: stream
 *
 * Context: process context; waits for the workers.
 */
void ppc_stream_stop(struct ppc_stream *stream)
{
	bool burn;

	spin_lock(&stream->lock);
	burn = stream->running && (stream->burn == PPC_BURN_ALWAYS ||
				   ppc_stream_burns(stream));
	WRITE_ONCE(stream->running, false);
	spin_unlock(&stream->lock);

	cancel_delayed_work_sync(&stream->prefetch);
	cancel_delayed_work_sync(&stream->burner);
	burn &= READ_ONCE(ppc_enabled);
	if (burn)
		ppc_burn_all(stream);
}
EXPORT_SYMBOL_GPL(ppc_stream_stop);

/**
 * ppc_stream_reset - forget all readers: the same load begins anew
 * @stream: stream
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_reset(struct ppc_stream *stream)
{
	guard(spinlock)(&stream->lock);
	ppc_cursors_reset(&stream->cursors, &stream->map);
	stream->burn_from = 0;
	stream->issued = 0;
	stream->brought = 0;
	stream->useful = 0;
	stream->refaulted = 0;
	stream->gave_up = false;
	stream->tight = false;
	stream->returned = false;
}
EXPORT_SYMBOL_GPL(ppc_stream_reset);

/* The access in chunks; false if the stream does not have it. */
static bool ppc_stream_step(const struct ppc_stream *stream,
			    const struct ppc_access *access,
			    struct ppc_step *step)
{
	u64 last_byte = access->pos + max(access->len, 1ULL) - 1;
	struct ppc_range bytes;

	if (!ppc_map_find(&stream->map, access->file, access->pos,
			  &step->chunk))
		return false;
	step->last = step->chunk;
	step->whole = false;
	step->miss = access->type == PPC_ACCESS_MISS ||
		     access->type == PPC_ACCESS_FAULT_MISS;
	step->uptodate = access->uptodate;
	if (access->type != PPC_ACCESS_CONSUME)
		return true;

	/* Only as far as the file's order is the stream's. */
	if (!ppc_map_find(&stream->map, access->file, last_byte,
			  &step->last) ||
	    step->last < step->chunk ||
	    step->last - step->chunk > (access->len >> PPC_CHUNK_SHIFT) + 1)
		step->last = step->chunk;
	ppc_map_chunk(&stream->map, step->last, &bytes);
	step->whole = last_byte + 1 >= bytes.pos + bytes.len;
	return true;
}

/* Of what was read ahead, hardly anything is read, and readers are elsewhere. */
static bool ppc_stream_wastes(const struct ppc_stream *stream)
{
	u64 unread = stream->issued - min(stream->issued, stream->useful);

	if (unread < PPC_WASTE_BYTES || stream->useful > stream->issued / 8)
		return false;
	return unread - min(unread, ppc_cursors_ahead(&stream->cursors,
						      &stream->map)) >
	       stream->issued / 2;
}

/* What is always dropped is wanted again and again. */
static bool ppc_stream_thrashes(const struct ppc_stream *stream)
{
	return stream->burn == PPC_BURN_ALWAYS &&
	       stream->refaulted >= PPC_GIVE_UP_BYTES &&
	       stream->refaulted >= stream->issued / 4;
}

/* More was read in vain than served: leave the rest to the stock kernel. */
static void ppc_stream_judge(struct ppc_stream *stream, bool interrupted)
{
	lockdep_assert_held(&stream->lock);
	/* Some is always read twice, where readers meet. */
	if (stream->refaulted >= max(PPC_RETURN_BYTES, stream->issued / 64))
		stream->returned = true;
	if (stream->gave_up)
		return;
	if (!ppc_stream_thrashes(stream) &&
	    !(interrupted && ppc_stream_wastes(stream)))
		return;
	stream->gave_up = true;
	ppc_stat_inc(stream->att, fallbacks);
	trace_ppc_fallback(stream->att->policy, stream->issued, stream->useful,
			   stream->refaulted);
}

/*
 * Charge whom the pages are for, and read near him if no node is wanted. Who
 * may not spend others' memory has other users' reads charged to himself.
 */
static void ppc_stream_meet_reader(struct ppc_stream *stream)
{
	const struct ppc_attachment *att = stream->att;

	lockdep_assert_held(&stream->lock);
	if (stream->reader_nid == NUMA_NO_NODE)
		stream->reader_nid = numa_node_id();
	if (stream->met || !(att->may_charge ||
			     uid_eq(current_uid(), att->cred->uid)))
		return;
	stream->met = true;
	stream->memcg = get_mem_cgroup_from_mm(current->mm);
	stream->blkcg = ppc_current_blkcg();
}

/**
 * ppc_stream_access - tell a stream of an access
 * @stream: stream
 * @access: of the process that the stream is for, in its context
 *
 * Context: the prefetch or consume callback.
 * Return: where the access stands to what was read ahead.
 */
enum ppc_stream_hit ppc_stream_access(struct ppc_stream *stream,
				      const struct ppc_access *access)
{
	struct ppc_outcome out;
	struct ppc_step step;
	bool burn = false, end = false, queue;

	if (!ppc_stream_step(stream, access, &step))
		return PPC_STREAM_ELSEWHERE;

	spin_lock(&stream->lock);
	if (!stream->running) {
		spin_unlock(&stream->lock);
		return PPC_STREAM_ELSEWHERE;
	}
	ppc_stream_meet_reader(stream);
	ppc_cursors_access(&stream->cursors, &stream->map, &step, &out);
	stream->burn_from = min(stream->burn_from, step.chunk);
	stream->brought += out.brought;
	stream->useful += out.useful;
	stream->refaulted += out.refaulted;
	ppc_stream_judge(stream, out.interrupted);
	stream->consumed += out.consumed;
	WRITE_ONCE(stream->last_access, jiffies);
	if (access->type == PPC_ACCESS_CONSUME)
		WRITE_ONCE(stream->longest, max(stream->longest, access->len));
	if (ppc_stream_burns(stream)) {
		burn = stream->consumed >= PPC_BURN_STEP;
		end = ppc_cursors_at_end(&stream->cursors, &stream->map);
		if (burn)
			stream->consumed = 0;
	}
	/* To wake the worker for each fault costs more than the fault. */
	queue = !stream->gave_up &&
		(out.consumed || out.hit != PPC_STREAM_COVERED);
	if (stream->gave_up)
		out.hit = PPC_STREAM_ELSEWHERE;
	spin_unlock(&stream->lock);

	ppc_stat_add(stream->att, useful_bytes, out.useful);
	ppc_stat_add(stream->att, late_bytes, out.late);
	ppc_stat_add(stream->att, refaulted_bytes, out.refaulted);
	if (out.interrupted)
		ppc_stat_inc(stream->att, interrupts);
	trace_ppc_stream_access(access, step.chunk, out.hit, out.interrupted);

	if (queue)
		ppc_prefetch_queue(stream);
	if (burn)
		mod_delayed_work(ppc_wq, &stream->burner, 0);
	else if (end)
		queue_delayed_work(ppc_wq, &stream->burner, PPC_END_REST);
	return out.hit;
}
EXPORT_SYMBOL_GPL(ppc_stream_access);

/**
 * ppc_stream_contains - is a byte in one of a stream's ranges?
 * @stream: stream
 * @file: file index
 * @pos: position
 *
 * Context: any.
 * Return: true if it is.
 */
bool ppc_stream_contains(struct ppc_stream *stream, u32 file, u64 pos)
{
	u32 chunk;

	return ppc_map_find(&stream->map, file, pos, &chunk);
}
EXPORT_SYMBOL_GPL(ppc_stream_contains);

/* Under the stream's lock. */
static bool ppc_stream_wants_chunk(const struct ppc_stream *stream, u32 chunk)
{
	const u16 state = stream->map.state[chunk];

	if (!(state & PPC_CHUNK_CONSUMED))
		return true;
	if (ppc_chunk_gone(state) || (state & PPC_CHUNK_FAILED))
		return false;
	return time_before(jiffies, stream->last_access + PPC_END_REST) &&
	       ppc_stream_holds_unread(stream, chunk);
}

/**
 * ppc_stream_wants - are there bytes that the stream's reader has yet to pass?
 * @stream: stream
 * @file: file index
 * @pos: first byte
 * @len: bytes
 *
 * Context: any but interrupts, soft ones included.
 * Return: true if there are.
 */
bool ppc_stream_wants(struct ppc_stream *stream, u32 file, u64 pos, u64 len)
{
	u32 at = U32_MAX, first, last, looks = 0;

	guard(spinlock)(&stream->lock);
	if (!stream->running || stream->gave_up)
		return false;
	/* Reclaim asks, too: when in doubt, don't look for long. */
	while (ppc_map_next(&stream->map, file, pos, pos + len, &at, &first,
			    &last))
		for (; first <= last; first++)
			if (ppc_stream_wants_chunk(stream, first) ||
			    ++looks > PPC_WANTS_LOOKS)
				return true;
	return false;
}
EXPORT_SYMBOL_GPL(ppc_stream_wants);

/**
 * ppc_stream_spent - is a byte in a stream's ranges that nobody is to keep?
 * @stream: stream
 * @file: file index
 * @pos: position
 *
 * For bytes that the stream does not want any more.
 *
 * Context: any.
 * Return: true unless dropped pages were read again.
 */
bool ppc_stream_spent(struct ppc_stream *stream, u32 file, u64 pos)
{
	return !READ_ONCE(stream->returned) &&
	       ppc_stream_contains(stream, file, pos);
}
EXPORT_SYMBOL_GPL(ppc_stream_spent);

/**
 * ppc_streams_ahead - what is read ahead and still ahead of its readers
 * @att: attachment
 *
 * Context: any but interrupts, soft ones included.
 * Return: bytes, of all streams.
 */
u64 ppc_streams_ahead(struct ppc_attachment *att)
{
	struct ppc_stream *stream;
	u64 ahead = 0;

	guard(spinlock)(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link) {
		guard(spinlock)(&stream->lock);
		ahead += ppc_cursors_ahead(&stream->cursors, &stream->map);
	}
	return ahead;
}

static bool ppc_stream_failed(struct ppc_stream *stream, u32 file, u64 pos,
			      u64 len)
{
	u32 at = U32_MAX, first, last;
	bool news = false;

	guard(spinlock)(&stream->lock);
	while (ppc_map_next(&stream->map, file, pos, pos + len, &at, &first,
			    &last)) {
		for (; first <= last; first++) {
			u16 *state = &stream->map.state[first];

			news |= !(*state & PPC_CHUNK_FAILED);
			*state |= PPC_CHUNK_FAILED;
			/* That it is gone is not for lack of memory. */
			if (*state & PPC_CHUNK_ISSUED) {
				*state &= ~PPC_CHUNK_ISSUED;
				*state |= PPC_CHUNK_LEFT;
			}
		}
	}
	return news;
}

/**
 * ppc_streams_failed - a folio could not be read: don't read it ahead again
 * @att: attachment
 * @file: file index
 * @pos: of the folio
 * @len: bytes
 *
 * Context: any but interrupts.
 * Return: true if that is news to a stream.
 */
bool ppc_streams_failed(struct ppc_attachment *att, u32 file, u64 pos, u64 len)
{
	struct ppc_stream *stream;
	bool news = false;

	guard(spinlock)(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link)
		news |= ppc_stream_failed(stream, file, pos, len);
	return news;
}

/**
 * ppc_stream_set_burn - choose whether consumed pages are dropped
 * @stream: stream
 * @burn: when they are
 * @gap: bytes behind the readers not to drop, or %PPC_GAP_AUTO
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_set_burn(struct ppc_stream *stream, enum ppc_burn burn, u64 gap)
{
	guard(spinlock)(&stream->lock);
	WRITE_ONCE(stream->burn, burn);
	WRITE_ONCE(stream->gap, gap);
}
EXPORT_SYMBOL_GPL(ppc_stream_set_burn);

/**
 * ppc_stream_set_node - choose the node that pages are read to
 * @stream: stream
 * @nid: node, or NUMA_NO_NODE for the reader's
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_stream_set_node(struct ppc_stream *stream, int nid)
{
	if (nid < 0 || nid >= MAX_NUMNODES)
		nid = NUMA_NO_NODE;
	guard(spinlock)(&stream->lock);
	stream->nid = nid;
}
EXPORT_SYMBOL_GPL(ppc_stream_set_node);
