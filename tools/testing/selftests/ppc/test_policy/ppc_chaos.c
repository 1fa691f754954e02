// SPDX-License-Identifier: GPL-2.0
/*
 * A page cache policy that decides at random: what to read ahead, what to drop
 * behind whom, and what reclaim may take. Whatever it does, nobody may ever read
 * a wrong byte.
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/ppc.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "maio_code.h"
#include "ppc_chaos.h"

#define CHAOS_STREAMS	4
#define CHAOS_RANGES	4
#define CHAOS_STEPS	4096

/* Of all attachments there ever were, for user space to see that it was real. */
static unsigned long accesses, asked_drop, asked_reclaim;
module_param(accesses, ulong, 0444);
MODULE_PARM_DESC(accesses, "accesses told of by the hooks");
module_param(asked_drop, ulong, 0444);
MODULE_PARM_DESC(asked_drop, "verdicts asked for by streams that drop");
module_param(asked_reclaim, ulong, 0444);
MODULE_PARM_DESC(asked_reclaim, "verdicts asked for by reclaim");

static DEFINE_SPINLOCK(count_lock);

struct chaos {
	struct ppc_attachment *att;
	atomic64_t random;
	struct mutex lock; /* streams */
	struct maio_streams set;
	struct maio_stream __rcu *streams[CHAOS_STREAMS];
};

static void chaos_count(unsigned long *counter)
{
	guard(spinlock)(&count_lock);
	(*counter)++;
}

/* A number below @end, from a sequence that callbacks of all CPUs share. */
static u64 chaos_random(struct chaos *c, u64 end)
{
	u64 x = atomic64_add_return(0x9e3779b97f4a7c15ULL, &c->random);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	if (end)
		div64_u64_rem(x, end, &x);
	return end ? x : 0;
}

static int chaos_attach(struct ppc_attachment *att)
{
	struct chaos *c = kzalloc_obj(*c, GFP_KERNEL_ACCOUNT);
	struct ppc_stream *idle;

	if (!c)
		return -ENOMEM;
	c->att = att;
	/* One that never runs is left to fs/ppc to clean up. */
	idle = ppc_stream_create(att, NULL);
	if (IS_ERR(idle)) {
		kfree(c);
		return PTR_ERR(idle);
	}
	mutex_init(&c->lock);
	maio_streams_init(&c->set);
	ppc_attachment_set_private(att, c);
	return 0;
}

static void chaos_destroy(struct chaos *c, u32 i)
{
	struct maio_stream *stream;

	stream = rcu_replace_pointer(c->streams[i], NULL,
				     lockdep_is_held(&c->lock));
	if (!stream)
		return;
	synchronize_rcu();
	maio_stream_destroy(stream);
}

static void chaos_detach(struct ppc_attachment *att)
{
	struct chaos *c = ppc_attachment_private(att);
	u32 i;

	mutex_lock(&c->lock);
	for (i = 0; i < CHAOS_STREAMS; i++)
		chaos_destroy(c, i);
	mutex_unlock(&c->lock);
	mutex_destroy(&c->lock);
	kfree(c);
}

/* Ranges of one file, apart from each other, upwards or downwards. */
static u32 chaos_ranges(struct chaos *c, struct ppc_range *ranges)
{
	u32 file = chaos_random(c, ppc_nr_files(c->att));
	u32 nr = 1 + chaos_random(c, CHAOS_RANGES), i;
	bool down = chaos_random(c, 2);
	u64 size, part;

	if (ppc_file_stat(c->att, file, &size, NULL) || size < nr)
		return 0;
	part = div_u64(size, nr);
	for (i = 0; i < nr; i++) {
		u64 skip = chaos_random(c, 2) ? chaos_random(c, part) : 0;

		ranges[down ? nr - 1 - i : i] = (struct ppc_range){
			.file = file,
			.pos = i * part + skip,
			.len = chaos_random(c, 2) ? part - skip :
			       1 + chaos_random(c, part - skip),
		};
	}
	return nr;
}

static void chaos_create(struct chaos *c, u32 i)
{
	struct ppc_range ranges[CHAOS_RANGES];
	struct maio_stream *stream;
	u32 nr = chaos_ranges(c, ranges);

	if (!nr)
		return;
	stream = maio_stream_create(c->att, &c->set, ranges, nr, NUMA_NO_NODE);
	/* The file may have become smaller meanwhile. */
	if (IS_ERR(stream))
		return;
	maio_stream_set_drop_mode(stream, chaos_random(c, MAIO_DROP_UNDER_PRESSURE + 1),
				  chaos_random(c, 2) ? MAIO_GAP_AUTO : 0);
	ppc_stream_start(stream->stream);
	rcu_assign_pointer(c->streams[i], stream);
}

/* Tell a stream of an access that nobody has made. */
static void chaos_make_up(struct chaos *c, struct maio_stream *stream)
{
	u32 file = chaos_random(c, ppc_nr_files(c->att));
	struct ppc_access access;
	u64 size;

	if (ppc_file_stat(c->att, file, &size, NULL))
		return;
	access = (struct ppc_access){
		.type = chaos_random(c, PPC_ACCESS_CONSUME + 1),
		.file = file,
		.tgid = current->tgid,
		.pos = chaos_random(c, size),
		.len = 1 + chaos_random(c, size),
	};
	access.uptodate = access.type == PPC_ACCESS_CONSUME ||
			  (access.type != PPC_ACCESS_MISS &&
			   access.type != PPC_ACCESS_FAULT_MISS &&
			   chaos_random(c, 2));
	maio_stream_access(stream, &access);
}

static void chaos_step(struct chaos *c)
{
	u32 i = chaos_random(c, CHAOS_STREAMS);
	struct maio_stream *stream;

	stream = rcu_dereference_protected(c->streams[i],
					   lockdep_is_held(&c->lock));
	if (!stream) {
		chaos_create(c, i);
		return;
	}
	switch (chaos_random(c, 16)) {
	case 0:
		chaos_destroy(c, i);
		break;
	case 1:
		ppc_stream_stop(stream->stream);
		break;
	case 2:
	case 3:
		ppc_stream_start(stream->stream);
		break;
	case 4:
		maio_stream_reset(stream);
		break;
	case 5:
		maio_stream_set_drop_mode(stream,
					  chaos_random(c, MAIO_DROP_UNDER_PRESSURE + 1),
				    chaos_random(c, SZ_4M));
		break;
	case 6:
		maio_stream_set_node(stream, chaos_random(c, 3) - 1);
		break;
	default:
		chaos_make_up(c, stream);
	}
}

static long chaos_ioctl(struct ppc_attachment *att, unsigned int cmd,
			unsigned long arg)
{
	struct chaos *c = ppc_attachment_private(att);
	struct ppc_chaos_run run;

	if (cmd != PPC_CHAOS_IOC_RUN)
		return -ENOTTY;
	if (copy_from_user(&run, (void __user *)arg, sizeof(run)))
		return -EFAULT;
	guard(mutex)(&c->lock);
	atomic64_set(&c->random, run.seed);
	for (run.steps = min(run.steps, CHAOS_STEPS); run.steps; run.steps--)
		chaos_step(c);
	return 0;
}

/* Some streams are told, as if the others were for somebody else. */
static void chaos_feed(struct chaos *c, const struct ppc_access *access)
{
	u32 i;

	chaos_count(&accesses);
	for (i = 0; i < CHAOS_STREAMS; i++) {
		struct maio_stream *stream = rcu_dereference(c->streams[i]);

		if (stream && chaos_random(c, 2))
			maio_stream_access(stream, access);
	}
}

static bool chaos_access(struct ppc_attachment *att,
			 const struct ppc_access *access)
{
	struct chaos *c = ppc_attachment_private(att);

	if (access->type == PPC_ACCESS_FAILED)
		return maio_streams_failed(&c->set, access->file, access->pos,
					   access->len);
	chaos_feed(c, access);
	return chaos_random(c, 2);
}

static enum ppc_verdict chaos_evict(struct ppc_attachment *att, u32 file,
				    u64 pos, u64 len,
				    enum ppc_evict_reason reason)
{
	chaos_count(reason == PPC_EVICT_RECLAIM ? &asked_reclaim : &asked_drop);
	return chaos_random(ppc_attachment_private(att), PPC_EVICT_KEEP + 1);
}

static const struct ppc_ops chaos_ops = {
	.name		= PPC_CHAOS_POLICY,
	.owner		= THIS_MODULE,
	.attach		= chaos_attach,
	.detach		= chaos_detach,
	.ioctl		= chaos_ioctl,
	.access		= chaos_access,
	.next		= maio_stream_next,
	.filled		= maio_stream_filled,
	.drop		= maio_stream_drop,
	.dropped	= maio_stream_dropped,
	.evict		= chaos_evict,
};

static int __init chaos_init(void)
{
	return ppc_register_policy(&chaos_ops);
}
module_init(chaos_init);

static void __exit chaos_exit(void)
{
	ppc_unregister_policy(&chaos_ops);
}
module_exit(chaos_exit);

MODULE_DESCRIPTION("page cache policy that decides at random, for selftests");
MODULE_LICENSE("GPL");
