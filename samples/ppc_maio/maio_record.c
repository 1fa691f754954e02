// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: recording. Callbacks store accesses in preallocated memory; a template is
 * built from them when the recording ends.
 */
#include "maio.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "maio_track.h"

/* One extent for so many bytes of the files, within these bounds. */
#define MAIO_RECORD_BYTES_PER_EXTENT	SZ_1M
#define MAIO_RECORD_MIN_EXTENTS		SZ_64K
#define MAIO_RECORD_MAX_EXTENTS		MAIO_MAX_EXTENTS

/**
 * struct maio_recorder - an active recording
 * @lock: guards all below; innermost, nothing is called under it
 * @lost: accesses that did not fit
 * @att: the attachment
 * @size: bytes of @track, charged
 * @track: the accesses
 */
struct maio_recorder {
	spinlock_t lock; /* innermost */
	u64 lost;
	struct ppc_attachment *att;
	size_t size;
	struct maio_track *track;
};

/* Store one access, in the access callback: does not sleep or allocate. */
void maio_record_access(struct maio_recorder *recorder,
			const struct ppc_access *access, bool fine)
{
	guard(spinlock)(&recorder->lock);

	recorder->track->fine = fine;
	if (!maio_track_access(recorder->track, access, jiffies))
		recorder->lost++;
}

static void maio_record_free(struct maio_recorder *recorder)
{
	if (!recorder)
		return;

	kvfree(recorder->track);
	ppc_state_uncharge(recorder->att, recorder->size);
	kfree(recorder);
}

/*
 * Start a recording. Return: 0, -EBUSY if one is active, -EDQUOT if the user may not
 * have so much memory, -ENOMEM.
 */
int maio_record_start(struct maio *maio)
{
	struct maio_recorder *recorder;
	u32 i, nr_files, max_extents;
	u64 *sizes, bytes = 0;
	int err = -ENOMEM;
	size_t size;

	lockdep_assert_held(&maio->lock);

	if (rcu_access_pointer(maio->recorder))
		return -EBUSY;

	recorder = kzalloc_obj(*recorder, GFP_KERNEL_ACCOUNT);
	if (!recorder)
		return -ENOMEM;
	recorder->att = maio->att;

	sizes = maio_file_sizes(maio, &nr_files, &maio->resident_at_start);
	if (IS_ERR(sizes)) {
		err = PTR_ERR(sizes);
		goto err_free;
	}
	for (i = 0; i < nr_files; i++)
		bytes += sizes[i] / MAIO_RECORD_BYTES_PER_EXTENT;
	kvfree(sizes);

	max_extents = clamp(bytes, MAIO_RECORD_MIN_EXTENTS,
			    MAIO_RECORD_MAX_EXTENTS);
	size = struct_size(recorder->track, extents, max_extents);
	err = ppc_state_charge(maio->att, size);
	if (err)
		goto err_free;
	recorder->size = size;
	err = -ENOMEM;
	recorder->track = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!recorder->track)
		goto err_free;

	spin_lock_init(&recorder->lock);
	maio_track_init(recorder->track, max_extents);
	rcu_assign_pointer(maio->recorder, recorder);
	return 0;

err_free:
	maio_record_free(recorder);
	return err;
}

/* Unpublish, and wait for callbacks that still store accesses. */
static struct maio_recorder *maio_record_end(struct maio *maio)
{
	struct maio_recorder *recorder;

	recorder = rcu_replace_pointer(maio->recorder, NULL,
				       lockdep_is_held(&maio->lock));
	if (recorder)
		synchronize_rcu();
	return recorder;
}

static u16 maio_record_flags(const struct maio_track *track, const struct maio_extent *extents,
			     u32 nr)
{
	u64 bytes = 0;
	u16 flags = 0;

	while (nr--)
		bytes += extents[nr].count * MAIO_UNIT;
	if (track->eager && !track->paused)
		flags |= MAIO_TEMPLATE_EAGER;
	if (track->again > bytes / 4)
		flags |= MAIO_TEMPLATE_PASSES;
	return flags;
}

static int maio_record_template(struct maio *maio, struct maio_track *track)
{
	u32 nr_files, nr_groups = track->nr_processes;
	struct maio_extent *extents, *scratch;
	u64 *sizes, size;
	void *data = NULL;
	u32 *counts, nr;
	int err;

	sizes = maio_file_sizes(maio, &nr_files, NULL);
	if (IS_ERR(sizes))
		return PTR_ERR(sizes);

	counts = kvmalloc_array(nr_groups, sizeof(*counts), GFP_KERNEL_ACCOUNT);
	extents = kvmalloc_array(track->nr_extents, sizeof(*extents),
				 GFP_KERNEL_ACCOUNT);
	scratch = kvmalloc_array(track->nr_extents, sizeof(*scratch),
				 GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!counts || !extents || !scratch)
		goto out;

	maio_track_collect(track, sizes, nr_files, counts, extents);
	nr = maio_track_drop_little(counts, &nr_groups, extents, scratch);
	if (!nr) {
		maio_drop_template(maio, -ENODATA);
		err = 0;
		goto out;
	}
	if (nr_files > MAIO_MAX_FILES) {
		maio_drop_template(maio, -E2BIG);
		err = 0;
		goto out;
	}

	size = maio_template_size(nr_files, nr_groups, nr);
	data = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!data)
		goto out;

	maio_template_build(data, maio_record_flags(track, extents, nr), sizes,
			    nr_files, counts, nr_groups, extents, nr);
	err = maio_take_template(maio, data, size);
	if (!err)
		data = NULL;
out:
	kvfree(data);
	kvfree(scratch);
	kvfree(extents);
	kvfree(counts);
	kvfree(sizes);
	return err;
}

/*
 * Stop the recording, and make a template of it the current one.
 *
 * A recording with no accesses, or with too many, leaves no template: reading the
 * template then fails with -ENODATA or -EOVERFLOW.
 *
 * Return: 0, -EINVAL if none is active, or another error, in which case the recording
 * has ended and the current template stays: -ENOMEM, -ESTALE if a file changed its
 * size meanwhile.
 */
int maio_record_stop(struct maio *maio)
{
	struct maio_recorder *recorder;
	int err = 0;

	lockdep_assert_held(&maio->lock);

	recorder = maio_record_end(maio);
	if (!recorder)
		return -EINVAL;

	if (recorder->lost) {
		pr_info_ratelimited("recording incomplete: %llu accesses lost\n",
				    recorder->lost);
		maio_drop_template(maio, -EOVERFLOW);
	} else if (!recorder->track->nr_extents) {
		maio_drop_template(maio, -ENODATA);
	} else {
		err = maio_record_template(maio, recorder->track);
	}
	maio_record_free(recorder);
	return err;
}

/* Discard the recording, if there is one. */
void maio_record_abort(struct maio *maio)
{
	lockdep_assert_held(&maio->lock);

	maio_record_free(maio_record_end(maio));
}
