// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO, a page cache policy for loading models: it records what the workers of
 * a load read, and reads it ahead of them on later loads.
 *
 * This file ties the policy to attachments: its callbacks, and the template an
 * attachment holds.
 */
#include "maio.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/printk.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include "maio_trace.h"

/**
 * maio_file_sizes - the sizes of all files of an attachment
 * @maio: the attachment
 * @nr_files: set to how many files there are
 * @resident: set to the bytes of them that are cached, or NULL
 *
 * A file that has been removed keeps its index, and counts as empty.
 *
 * Context: process; may sleep.
 * Return: an array of sizes to kvfree(), or an ERR_PTR: -ENOMEM.
 */
u64 *maio_file_sizes(struct maio *maio, u32 *nr_files, u64 *resident)
{
	u64 sum = 0;
	u64 *sizes;
	u32 i;

	*nr_files = ppc_nr_files(maio->att);
	sizes = kvcalloc(*nr_files, sizeof(*sizes), GFP_KERNEL_ACCOUNT);
	if (!sizes)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < *nr_files; i++) {
		u64 cached = 0;

		if (ppc_file_stat(maio->att, i, &sizes[i],
				  resident ? &cached : NULL))
			sizes[i] = 0;
		else
			sum += cached;
	}
	if (resident)
		*resident = sum;
	return sizes;
}

/**
 * maio_drop_template - be without a template
 * @maio: the attachment
 * @err: what those get who ask for one
 */
void maio_drop_template(struct maio *maio, int err)
{
	lockdep_assert_held(&maio->lock);

	kvfree(maio->template.data);
	maio->template = (struct maio_template) {};
	maio->template_err = err;
	maio->coverage = 0;
}

/**
 * maio_take_template - check a template and put it in force
 * @maio: the attachment
 * @data: the template; belongs to @maio if it is taken, and may not change
 * @size: its bytes
 *
 * If the template is refused, what was in force stays so.
 *
 * Context: process; may sleep.
 * Return: 0, -ENOMEM, or the errors of maio_template_parse(),
 * maio_template_check_files() and maio_template_check_overlap().
 */
int maio_take_template(struct maio *maio, void *data, size_t size)
{
	struct maio_extent *scratch = NULL;
	struct maio_template template;
	const char *why = NULL;
	u64 *sizes = NULL;
	u32 nr_files;
	int err;

	lockdep_assert_held(&maio->lock);

	err = maio_template_parse(&template, data, size, &why);
	if (err)
		goto out;

	sizes = maio_file_sizes(maio, &nr_files, NULL);
	if (IS_ERR(sizes)) {
		err = PTR_ERR(sizes);
		sizes = NULL;
		goto out;
	}

	err = maio_template_check_files(&template, sizes, nr_files, &why);
	if (err)
		goto out;

	err = -ENOMEM;
	scratch = kvmalloc_array(template.nr_extents, sizeof(*scratch),
				 GFP_KERNEL_ACCOUNT);
	if (!scratch)
		goto out;

	err = maio_template_check_overlap(&template, scratch, &why);
	if (err)
		goto out;

	maio_drop_template(maio, 0);
	maio->template = template;
	maio->coverage = maio_template_coverage(&template, scratch);
out:
	if (why)
		pr_info_ratelimited("template refused: %s (%d)\n", why, err);
	kvfree(scratch);
	kvfree(sizes);
	return err;
}

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

static enum ppc_prefetch maio_prefetch(struct ppc_attachment *att,
				       const struct ppc_access *access)
{
	struct maio *maio = ppc_attachment_private(att);
	struct maio_recorder *recorder = rcu_dereference(maio->recorder);
	struct maio_replay *replay = rcu_dereference(maio->replay);

	if (recorder)
		maio_record_access(recorder, access);
	if (!replay)
		return PPC_PREFETCH_STOCK;

	switch (maio_replay_access(replay, access)) {
	case PPC_STREAM_COVERED:
	case PPC_STREAM_MOVED:
		return PPC_PREFETCH_TAKEN;
	case PPC_STREAM_BEHIND:
	case PPC_STREAM_ELSEWHERE:
		break;
	}
	return PPC_PREFETCH_STOCK;
}

static void maio_consume(struct ppc_attachment *att,
			 const struct ppc_access *access)
{
	maio_prefetch(att, access);
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
	.prefetch	= maio_prefetch,
	.consume	= maio_consume,
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
