// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO, a page cache policy for loading models: it records what the workers of a load
 * read, and reads it ahead of them in later loads.
 *
 * This file has the policy's callbacks.
 */
#include "maio.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "maio_replay.h"

#define CREATE_TRACE_POINTS
#include "maio_trace.h"

static int maio_attach(struct ppc_attachment *att)
{
	struct maio *maio;

	maio = kzalloc_obj(*maio, GFP_KERNEL_ACCOUNT);
	if (!maio)
		return -ENOMEM;

	maio->att = att;
	mutex_init(&maio->lock);
	maio->template_err = -ENODATA;
	maio->mode = MAIO_MODE_KEEP;
	maio->node = NUMA_NO_NODE;
	ppc_attachment_set_private(att, maio);
	return 0;
}

static void maio_detach(struct ppc_attachment *att)
{
	struct maio *maio = ppc_attachment_private(att);

	scoped_guard(mutex, &maio->lock) {
		maio_replay_stop(maio);
		maio_record_abort(maio);
		maio_drop_template(maio, -ENODATA);
	}
	mutex_destroy(&maio->lock);
	ppc_attachment_set_private(att, NULL);
	kfree(maio);
}

static bool maio_access(struct ppc_attachment *att,
			const struct ppc_access *access)
{
	struct maio *maio = ppc_attachment_private(att);
	struct maio_recorder *recorder = rcu_dereference(maio->recorder);
	struct maio_replay *replay = rcu_dereference(maio->replay);
	enum ppc_stream_hit hit = PPC_STREAM_ELSEWHERE;

	if (access->type == PPC_ACCESS_FAILED)
		return replay && maio_streams_failed(&replay->streams,
						     access->file, access->pos,
						     access->len);
	if (replay)
		hit = maio_replay_access(replay, access);
	/* Stock readahead uses small folios. */
	if (recorder)
		maio_record_access(recorder, access, hit == PPC_STREAM_ELSEWHERE ||
				   replay->streams.watch);
	return hit == PPC_STREAM_COVERED || hit == PPC_STREAM_MOVED;
}

static enum ppc_verdict maio_evict(struct ppc_attachment *att, u32 file,
				   u64 pos, u64 len,
				   enum ppc_evict_reason reason)
{
	struct maio *maio = ppc_attachment_private(att);
	struct maio_replay *replay = rcu_dereference(maio->replay);

	if (!replay)
		return PPC_EVICT_DEFAULT;
	if (reason == PPC_EVICT_RECLAIM &&
	    READ_ONCE(maio->mode) == MAIO_MODE_KEEP)
		return PPC_EVICT_DEFAULT;

	return maio_replay_evict(replay, file, pos, len, reason);
}

static const struct ppc_ops maio_ops = {
	.name		= "maio",
	.owner		= THIS_MODULE,
	.attach		= maio_attach,
	.detach		= maio_detach,
	.ioctl		= maio_ioctl,
	.access		= maio_access,
	.next		= maio_stream_next,
	.filled		= maio_stream_filled,
	.drop		= maio_stream_drop,
	.dropped	= maio_stream_dropped,
	.evict		= maio_evict,
};

static int __init maio_init(void)
{
	return ppc_register_policy(&maio_ops);
}
module_init(maio_init);

static void __exit maio_exit(void)
{
	ppc_unregister_policy(&maio_ops);
}
module_exit(maio_exit);

MODULE_ALIAS("ppc-maio");
MODULE_DESCRIPTION("MAIO page cache policy for loading models");
MODULE_LICENSE("GPL");
