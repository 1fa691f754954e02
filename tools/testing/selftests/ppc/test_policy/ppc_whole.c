// SPDX-License-Identifier: GPL-2.0
/*
 * A page cache policy: it reads each attached file ahead of whoever reads it from
 * its beginning to its end, and drops what was read.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/ppc.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define WINDOW	SZ_32M	/* to read ahead of the reader */
#define GAP	SZ_16M	/* to leave behind him */

struct whole_file {
	struct ppc_stream *stream;
	spinlock_t lock; /* positions */
	u32 index;
	u64 size;
	u64 reader;	/* what is before has been consumed */
	u64 next;	/* and what is before this has been read ahead */
	u64 dropped;	/* and dropped */
};

struct whole {
	u32 nr;
	struct whole_file files[] __counted_by(nr);
};

static void whole_free(struct whole *whole)
{
	u32 i;

	for (i = 0; i < whole->nr; i++)
		ppc_stream_destroy(whole->files[i].stream);
	kvfree(whole);
}

static int whole_attach(struct ppc_attachment *att)
{
	u32 i, nr = ppc_nr_files(att);
	struct whole *whole;

	whole = kvzalloc_flex(*whole, files, nr, GFP_KERNEL_ACCOUNT);
	if (!whole)
		return -ENOMEM;
	whole->nr = nr;
	for (i = 0; i < nr; i++) {
		struct whole_file *file = &whole->files[i];
		struct ppc_stream *stream = ppc_stream_create(att, file);

		if (IS_ERR(stream)) {
			whole_free(whole);
			return PTR_ERR(stream);
		}
		spin_lock_init(&file->lock);
		file->stream = stream;
		file->index = i;
		ppc_file_stat(att, i, &file->size, NULL);
		ppc_stream_start(stream);
	}
	ppc_attachment_set_private(att, whole);
	return 0;
}

static void whole_detach(struct ppc_attachment *att)
{
	whole_free(ppc_attachment_private(att));
}

/* Somebody reads: remember where, and have the workers ask what to do. */
static bool whole_access(struct ppc_attachment *att,
			 const struct ppc_access *access)
{
	struct whole *whole = ppc_attachment_private(att);
	u64 end = access->pos;
	struct whole_file *file;

	if (access->file >= whole->nr || access->type == PPC_ACCESS_FAILED)
		return false;
	if (access->type == PPC_ACCESS_CONSUME)
		end += access->len;
	file = &whole->files[access->file];
	scoped_guard(spinlock, &file->lock) {
		file->reader = max(file->reader, end);
		file->next = max(file->next, file->reader);
	}
	ppc_stream_meet_reader(file->stream);
	ppc_stream_kick(file->stream);
	ppc_stream_kick_drop(file->stream, 0);
	return true;
}

static bool whole_next(struct ppc_stream *stream, struct ppc_range *range)
{
	struct whole_file *file = ppc_stream_private(stream);

	guard(spinlock)(&file->lock);
	if (file->next >= min(file->size, file->reader + WINDOW))
		return false;
	*range = (struct ppc_range){
		.file = file->index,
		.pos = file->next,
		.len = min(file->size - file->next, PPC_READ_BYTES),
	};
	return true;
}

static void whole_filled(struct ppc_stream *stream,
			 const struct ppc_range *range, s64 read)
{
	struct whole_file *file = ppc_stream_private(stream);

	/* Without memory, the same is asked for again. */
	guard(spinlock)(&file->lock);
	if (read != -EAGAIN)
		file->next = max(file->next, range->pos + range->len);
}

static bool whole_drop(struct ppc_stream *stream, struct ppc_range *range)
{
	struct whole_file *file = ppc_stream_private(stream);
	bool running = ppc_stream_running(stream);
	u64 end;

	guard(spinlock)(&file->lock);
	/* When the stream is stopped, all goes that was brought in. */
	end = running ? file->reader - min(file->reader, GAP) : file->next;
	end = min(end, file->size);
	if (file->dropped + (running ? PPC_DROP_BYTES : 1) > end)
		return false;
	*range = (struct ppc_range){
		.file = file->index,
		.pos = file->dropped,
		.len = min(end - file->dropped, PPC_DROP_BYTES),
	};
	return true;
}

static void whole_dropped(struct ppc_stream *stream,
			  const struct ppc_range *range, s64 left)
{
	struct whole_file *file = ppc_stream_private(stream);

	guard(spinlock)(&file->lock);
	file->dropped = range->pos + range->len;
}

/* What was read ahead and not consumed is not to be dropped by others. */
static enum ppc_verdict whole_evict(struct ppc_attachment *att, u32 index,
				    u64 pos, u64 len,
				    enum ppc_evict_reason reason)
{
	struct whole *whole = ppc_attachment_private(att);
	struct whole_file *file;

	if (index >= whole->nr || reason == PPC_EVICT_RECLAIM)
		return PPC_EVICT_DEFAULT;
	file = &whole->files[index];
	guard(spinlock)(&file->lock);
	return pos < file->next && pos + len > file->reader ?
	       PPC_EVICT_KEEP : PPC_EVICT_DEFAULT;
}

static const struct ppc_ops whole_ops = {
	.name		= "whole",
	.owner		= THIS_MODULE,
	.attach		= whole_attach,
	.detach		= whole_detach,
	.access		= whole_access,
	.next		= whole_next,
	.filled		= whole_filled,
	.drop		= whole_drop,
	.dropped	= whole_dropped,
	.evict		= whole_evict,
};

static int __init whole_init(void)
{
	return ppc_register_policy(&whole_ops);
}
module_init(whole_init);

static void __exit whole_exit(void)
{
	ppc_unregister_policy(&whole_ops);
}
module_exit(whole_exit);

MODULE_ALIAS("ppc-whole");
MODULE_DESCRIPTION("page cache policy that reads whole files ahead");
MODULE_LICENSE("GPL");
