// SPDX-License-Identifier: GPL-2.0
/*
 * The worker that drops what a stream's readers have consumed, in the order of
 * the stream and the gap behind them. Bytes that any attachment of the file
 * still wants stay; whoever wanted them last drops them.
 */

#include "ppc_private.h"

#include <trace/events/ppc.h>

/* Chunks to look at in one go. */
#define PPC_BURN_LOOKS		256

/* How long, at most, until the burner looks again at what others want. */
#define PPC_BURN_PAUSE		(16 * PPC_END_REST)

/* How far one goes. */
enum ppc_burn_pass {
	PPC_PASS_BEHIND,	/* up to the gap behind the readers */
	PPC_PASS_REST,		/* the gap as well */
	PPC_PASS_LAST,		/* and what does not go now never will */
};

/* Where ranges meet, their pages are wanted from both sides. */
#define PPC_BURN_EDGE		PPC_CHUNK_SIZE

static bool ppc_burn_candidate(const struct ppc_stream *stream, u32 chunk,
			       u8 want, enum ppc_burn_pass pass, u64 gap)
{
	u16 state = stream->map.state[chunk];

	if (!(state & want) || ppc_chunk_gone(state))
		return false;
	if (pass != PPC_PASS_BEHIND)
		return true;
	return !(state & PPC_CHUNK_STUCK) &&
	       !ppc_cursors_hold(&stream->cursors, &stream->map, chunk, gap) &&
	       !ppc_stream_holds_unread(stream, chunk);
}

/*
 * Find the next run of chunks to drop from @chunk on, in one file; @chunk is
 * set to the first chunk behind it.
 */
static bool ppc_burn_next(struct ppc_stream *stream, u8 want,
			  enum ppc_burn_pass pass, u32 *chunk, u32 *first,
			  struct ppc_range *run)
{
	u64 gap = pass == PPC_PASS_BEHIND ? ppc_room_gap(stream) : 0;
	struct ppc_range bytes;
	u32 looks = 0;

	/* No more than the rest of the load needs. */
	if (READ_ONCE(stream->burn) == PPC_BURN_TIGHT && !ppc_room_look(stream))
		return false;
	guard(spinlock)(&stream->lock);
	while (*chunk < stream->map.nr_chunks &&
	       !ppc_burn_candidate(stream, *chunk, want, pass, gap)) {
		++*chunk;
		/* A reader waits for the lock: don't keep it for long. */
		if (++looks % PPC_BURN_LOOKS == 0) {
			spin_unlock(&stream->lock);
			cond_resched();
			spin_lock(&stream->lock);
		}
	}
	if (*chunk == stream->map.nr_chunks)
		return false;

	*first = *chunk;
	ppc_map_chunk(&stream->map, *chunk, run);
	while (++*chunk < stream->map.nr_chunks &&
	       ppc_burn_candidate(stream, *chunk, want, pass, gap)) {
		ppc_map_chunk(&stream->map, *chunk, &bytes);
		if (bytes.file != run->file ||
		    bytes.pos != run->pos + run->len ||
		    run->len + bytes.len > PPC_BURN_BYTES)
			break;
		run->len += bytes.len;
	}
	return true;
}

/* Drop a range, rounded inwards to whole pages but for the end of the file. */
static unsigned long ppc_burn_range(struct ppc_stream *stream,
				    struct ppc_file *pf,
				    const struct ppc_range *bytes)
{
	u64 end = bytes->pos + bytes->len;
	pgoff_t first = DIV_ROUND_UP_ULL(bytes->pos, PAGE_SIZE);
	pgoff_t last = end >= i_size_read(pf->inode) ?
		       DIV_ROUND_UP_ULL(end, PAGE_SIZE) : end >> PAGE_SHIFT;
	struct ppc_drop drop;

	if (first >= last)
		return 0;
	/* What is still being read cannot be dropped, and this is the last try. */
	if (!READ_ONCE(stream->running))
		ppc_wait_range(pf->inode->i_mapping, first, last - first);
	ppc_drop_range(pf->inode->i_mapping, first, last,
		       ppc_attach_may_unmap, pf, &drop);
	ppc_stat_add(stream->att, burned_bytes,
		     (u64)drop.dropped << PAGE_SHIFT);
	trace_ppc_burn(pf->inode, bytes->pos, bytes->len, drop.dropped);
	return drop.left;
}

/*
 * Are these bytes, or their neighbours, still wanted? A range begins and ends
 * only roughly where its reader does: with what it has in excess goes the
 * beginning of the next one, as of a file whose header was read first.
 */
static bool ppc_burn_wanted(struct ppc_stream *stream, struct ppc_file *pf,
			    const struct ppc_range *bytes)
{
	/* A stream at its end has no other time. */
	u64 edge = READ_ONCE(stream->running) ? PPC_BURN_EDGE : 0;
	u64 before = min(bytes->pos, edge);

	return ppc_range_wanted(pf, bytes->pos - before,
				before + bytes->len + edge);
}

static void ppc_burn_mark(struct ppc_stream *stream, u32 chunk,
			  unsigned long left, enum ppc_burn_pass pass)
{
	u16 *state = &stream->map.state[chunk];

	guard(spinlock)(&stream->lock);
	stream->left |= left;
	if (left && pass == PPC_PASS_LAST && !(*state & PPC_CHUNK_COUNTED)) {
		ppc_stat_add(stream->att, unburnable_bytes,
			     (u64)left << PAGE_SHIFT);
		*state |= PPC_CHUNK_COUNTED;
	}
	if (!left)
		*state = (*state & ~PPC_CHUNK_LEFT) | PPC_CHUNK_BURNED;
	else if (*state & PPC_CHUNK_TRIED)
		*state |= PPC_CHUNK_STUCK;
	else
		*state |= PPC_CHUNK_TRIED;
}

static void ppc_burn_run(struct ppc_stream *stream, u32 first, u32 end,
			 const struct ppc_range *run,
			 enum ppc_burn_pass pass)
{
	struct ppc_file *pf = ppc_file_get(stream->att, run->file);
	bool whole = false;

	if (!pf)
		return;
	if (!ppc_file_unchanged(pf))
		goto put;
	if (!ppc_burn_wanted(stream, pf, run))
		whole = !ppc_burn_range(stream, pf, run);

	/* Otherwise find out which of them is wanted or did not go. */
	for (; first < end; first++) {
		unsigned long left = 0;
		struct ppc_range bytes;

		if (!whole) {
			ppc_map_chunk(&stream->map, first, &bytes);
			if (ppc_burn_wanted(stream, pf, &bytes)) {
				stream->kept = true;
				continue;
			}
			left = ppc_burn_range(stream, pf, &bytes);
		}
		ppc_burn_mark(stream, first, left, pass);
	}
put:
	ppc_file_put(pf);
}

static void ppc_burn(struct ppc_stream *stream, u8 want,
		     enum ppc_burn_pass pass)
{
	u32 chunk, first, looks = 0;
	struct ppc_range run;

	spin_lock(&stream->lock);
	chunk = pass == PPC_PASS_BEHIND ? stream->burn_from : 0;
	while (chunk < stream->map.nr_chunks && looks++ < PPC_BURN_LOOKS &&
	       ppc_chunk_gone(stream->map.state[chunk]))
		chunk++;
	stream->burn_from = chunk;
	spin_unlock(&stream->lock);

	while (ppc_burn_next(stream, want, pass, &chunk, &first, &run)) {
		ppc_burn_run(stream, first, chunk, &run, pass);
		cond_resched();
	}
}

static void ppc_burn_rest(struct ppc_stream *stream, u8 want)
{
	stream->left = false;
	ppc_burn(stream, want, PPC_PASS_REST);
	if (!stream->left)
		return;
	/* Small folios wait in per-CPU batches, which hold a reference to them. */
	ppc_drop_drain();
	ppc_burn(stream, want, PPC_PASS_LAST);
}

/**
 * ppc_burn_kick - memory is short: have all streams make room that may
 * @att: attachment
 *
 * Those whose readers are through look no more by themselves.
 *
 * Context: any but interrupts, soft ones included.
 */
void ppc_burn_kick(struct ppc_attachment *att)
{
	struct ppc_stream *stream;

	guard(spinlock)(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link) {
		/* Once it is stopped, nobody waits for the burner any more. */
		guard(spinlock)(&stream->lock);
		if (stream->running && stream->burn != PPC_BURN_NEVER)
			mod_delayed_work(ppc_wq, &stream->burner, 0);
	}
}

/* Has any reader of the attachment been seen of late? */
static bool ppc_burn_readers_active(struct ppc_attachment *att)
{
	struct ppc_stream *stream;

	guard(spinlock)(&att->stream_lock);
	list_for_each_entry(stream, &att->streams, link)
		if (time_before(jiffies, READ_ONCE(stream->last_access) +
					 2 * PPC_END_REST))
			return true;
	return false;
}

/*
 * Others may be about to pass what they wanted, or, if none of them is seen, be
 * given up at some time.
 */
static void ppc_burn_later(struct ppc_stream *stream)
{
	if (!stream->pause || ppc_burn_readers_active(stream->att))
		stream->pause = PPC_END_REST;
	else
		stream->pause = min(2 * stream->pause, PPC_BURN_PAUSE);
	queue_delayed_work(ppc_wq, &stream->burner, stream->pause);
}

/**
 * ppc_burn_work - drop what was consumed
 * @work: of a stream
 */
void ppc_burn_work(struct work_struct *work)
{
	struct ppc_stream *stream =
		container_of(to_delayed_work(work), struct ppc_stream, burner);
	unsigned long rest_from;
	bool burn, end;

	ppc_room_look(stream);
	spin_lock(&stream->lock);
	burn = ppc_stream_burns(stream) && READ_ONCE(ppc_enabled);
	end = ppc_cursors_at_end(&stream->cursors, &stream->map);
	rest_from = stream->last_access + PPC_END_REST;
	spin_unlock(&stream->lock);

	if (!burn)
		return;
	if (!end) {
		ppc_burn(stream, PPC_CHUNK_CONSUMED, PPC_PASS_BEHIND);
	} else if (time_after_eq(jiffies, rest_from)) {
		stream->kept = false;
		ppc_burn_rest(stream, PPC_CHUNK_CONSUMED);
		if (stream->kept)
			ppc_burn_later(stream);
		else
			stream->pause = 0;
	} else {
		ppc_burn(stream, PPC_CHUNK_CONSUMED, PPC_PASS_BEHIND);
		queue_delayed_work(ppc_wq, &stream->burner, PPC_END_REST);
	}
}

/**
 * ppc_burn_all - nobody reads any more: drop all that was read
 * @stream: stream that has been stopped
 *
 * Context: process context, waits for all CPUs.
 */
void ppc_burn_all(struct ppc_stream *stream)
{
	ppc_burn_rest(stream, PPC_CHUNK_CONSUMED | PPC_CHUNK_ISSUED |
			      PPC_CHUNK_LEFT);
}
