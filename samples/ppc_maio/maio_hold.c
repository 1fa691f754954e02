// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: the template of an attachment.
 */
#include "maio.h"

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>

/*
 * Get the sizes of all files of an attachment. Removed files keep their index and
 * count as empty.
 *
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

/* Drop the template. */
void maio_drop_template(struct maio *maio, int err)
{
	lockdep_assert_held(&maio->lock);

	ppc_state_uncharge(maio->att, maio->template.size);
	kvfree(maio->template.data);
	maio->template = (struct maio_template) {};
	maio->template_err = err;
	maio->coverage = 0;
}

/*
 * Check a template and make it the current one. If it is refused, the current one
 * stays.
 *
 * Return: 0, -ENOMEM, -EDQUOT, or the errors of maio_template_parse(),
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

	err = ppc_state_charge(maio->att, size);
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
