// SPDX-License-Identifier: GPL-2.0
/*
 * Creation, start and stop of streams. A stream is two workers that ask the policy
 * what to read and what to drop next.
 */

#include "stream.h"

#include <linux/slab.h>

/**
 * ppc_stream_create - create a stream
 * @att: attachment, of a policy that has &ppc_ops.next or &ppc_ops.drop
 * @private: for ppc_stream_private()
 *
 * Context: the attach, files_changed or ioctl callback.
 * Return: the stream, not started, or an ERR_PTR: -ENOSPC for too many streams,
 * -ENOMEM.
 */
struct ppc_stream *ppc_stream_create(struct ppc_attachment *att, void *private)
{
	struct ppc_stream *stream = kzalloc_obj(*stream, GFP_KERNEL_ACCOUNT);

	if (!stream)
		return ERR_PTR(-ENOMEM);
	stream->att = att;
	stream->private = private;
	spin_lock_init(&stream->lock);
	stream->nid = NUMA_NO_NODE;
	stream->reader_nid = NUMA_NO_NODE;
	stream->seen = jiffies - PPC_REST;
	INIT_DELAYED_WORK(&stream->read, ppc_read_work);
	INIT_DELAYED_WORK(&stream->drop, ppc_drop_work);

	scoped_guard(spinlock, &att->stream_lock) {
		if (att->nr_streams < PPC_MAX_STREAMS) {
			list_add_tail(&stream->link, &att->streams);
			att->nr_streams++;
			return stream;
		}
	}
	kfree(stream);
	return ERR_PTR(-ENOSPC);
}
EXPORT_SYMBOL_GPL(ppc_stream_create);

/**
 * ppc_stream_destroy - stop and free a stream
 * @stream: stream that no callback uses, or NULL
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

	ppc_stream_set_ahead(stream, 0);
	ppc_stream_forget_reader(stream);
	kfree(stream);
}
EXPORT_SYMBOL_GPL(ppc_stream_destroy);

/**
 * ppc_stream_start - let the workers of a stream run
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

static bool ppc_stream_halt(struct ppc_stream *stream)
{
	guard(spinlock)(&stream->lock);
	if (!stream->running)
		return false;
	WRITE_ONCE(stream->running, false);
	return true;
}

static void ppc_stream_end(struct ppc_stream *stream, bool drop)
{
	cancel_delayed_work_sync(&stream->read);
	cancel_delayed_work_sync(&stream->drop);
	ppc_read_wait(stream, false);
	if (drop)
		ppc_drop_all(stream);
}

/**
 * ppc_stream_stop - stop a stream; it drops what the policy still wants to drop
 * @stream: stream
 *
 * Context: process context; waits for the workers.
 */
void ppc_stream_stop(struct ppc_stream *stream)
{
	ppc_stream_end(stream, ppc_stream_halt(stream));
}
EXPORT_SYMBOL_GPL(ppc_stream_stop);

/* Stop all streams. All are marked first, so that none blocks another's drops. */
void ppc_streams_stop(struct ppc_attachment *att)
{
	struct ppc_stream *stream;

	list_for_each_entry(stream, &att->streams, link)
		stream->halted = ppc_stream_halt(stream) && att->attached;
	list_for_each_entry(stream, &att->streams, link)
		ppc_stream_end(stream, stream->halted);
}

/* Destroy the streams that the policy has left. */
void ppc_streams_destroy(struct ppc_attachment *att)
{
	struct ppc_stream *stream, *next;

	list_for_each_entry_safe(stream, next, &att->streams, link)
		ppc_stream_destroy(stream);
}
