// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: replay. Each group of the template gets a stream. The streams are published
 * to the callbacks together, and do not change until the replay ends.
 */
#include "maio.h"

#include <asm/byteorder.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "maio_replay.h"

static void maio_replay_free(struct maio_replay *replay)
{
	u32 i;

	for (i = 0; i < replay->nr_groups; i++) {
		if (replay->groups[i].stream)
			maio_stream_destroy(replay->groups[i].stream);
	}
	kvfree(replay);
}

/* Turn the extents of one group into ranges, the last one up to the file's end */
static u64 maio_replay_ranges(const struct maio_template *template, u32 first,
			      u32 nr, struct ppc_range *ranges)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct maio_extent extent =
			maio_template_extent(template, first + i);
		const u64 size = le64_to_cpu(template->files[extent.file].size);
		const u64 pos = extent.start * MAIO_UNIT;

		ranges[i] = (struct ppc_range) {
			.file = extent.file,
			.pos = pos,
			.len = min(extent.count * MAIO_UNIT, size - pos),
		};
		bytes += ranges[i].len;
	}
	return bytes;
}

static void maio_replay_set_drop_mode(const struct maio *maio,
				      struct maio_replay *replay)
{
	static const enum maio_drop_mode burn[] = {
		[MAIO_MODE_KEEP] = MAIO_DROP_NEVER,
		[MAIO_MODE_BURN] = MAIO_DROP_ALWAYS,
		[MAIO_MODE_AUTO] = MAIO_DROP_UNDER_PRESSURE,
	};
	u32 i;

	guard(spinlock)(&replay->lock);
	replay->drop_mode = burn[maio->mode];
	for (i = 0; i < replay->nr_groups; i++)
		maio_stream_set_drop_mode(replay->groups[i].stream, replay->drop_mode,
					  replay->groups[i].shared || !maio->gap ?
				    MAIO_GAP_AUTO : maio->gap);
}

static int maio_replay_fill(struct maio *maio, struct maio_replay *replay)
{
	const struct maio_template *template = &maio->template;
	struct ppc_range *ranges;
	u32 i, first = 0;
	int err = 0;

	ranges = kvmalloc_array(template->nr_extents, sizeof(*ranges),
				GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;

	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *group = &replay->groups[i];
		const u32 nr = le32_to_cpu(template->groups[i].nr_extents);
		struct maio_stream *stream;

		group->bytes = maio_replay_ranges(template, first, nr, ranges);
		group->first = ranges[0];
		stream = maio_stream_create(maio->att, &replay->streams, ranges,
					    nr, maio->node);
		if (IS_ERR(stream)) {
			err = PTR_ERR(stream);
			break;
		}
		group->stream = stream;
		group->node = NUMA_NO_NODE;
		first += nr;
	}
	kvfree(ranges);
	if (!err)
		maio_replay_set_drop_mode(maio, replay);
	return err;
}

static int maio_replay_check(struct maio *maio)
{
	const char *why;
	u32 nr_files;
	u64 *sizes;
	int err;

	sizes = maio_file_sizes(maio, &nr_files, NULL);
	if (IS_ERR(sizes))
		return PTR_ERR(sizes);

	err = maio_template_check_files(&maio->template, sizes, nr_files, &why);
	if (err)
		pr_info_ratelimited("no replay: %s (%d)\n", why, err);
	kvfree(sizes);
	return err;
}

/*
 * Start a replay of the template.
 *
 * Return: 0, -EBUSY if a replay is active, -ENODATA or another error if there is no
 * template, -ESTALE if the files have changed since, -ENOMEM, or an error of
 * maio_stream_create(), such as -E2BIG for a group that is too large.
 */
int maio_replay_start(struct maio *maio)
{
	const u32 nr_groups = maio->template.nr_groups;
	struct maio_replay *replay;
	int err;
	u32 i;

	lockdep_assert_held(&maio->lock);

	if (rcu_access_pointer(maio->replay))
		return -EBUSY;
	if (!maio->template.data)
		return maio->template_err;

	err = maio_replay_check(maio);
	if (err)
		return err;

	replay = kvzalloc(struct_size(replay, groups, nr_groups),
			  GFP_KERNEL_ACCOUNT);
	if (!replay)
		return -ENOMEM;
	spin_lock_init(&replay->lock);
	maio_streams_init(&replay->streams);
	if (maio->template.flags & MAIO_TEMPLATE_EAGER)
		replay->streams.window = MAIO_WINDOW_EAGER;
	if (maio->template.flags & MAIO_TEMPLATE_GUESS) {
		replay->streams.window = MAIO_WINDOW_GUESS;
		replay->streams.window_max = MAIO_WINDOW_GUESS;
		replay->streams.watch = true;
	}
	replay->streams.passes = maio->template.flags & MAIO_TEMPLATE_PASSES;
	replay->att = maio->att;
	replay->nr_groups = nr_groups;

	err = maio_replay_fill(maio, replay);
	if (err) {
		maio_replay_free(replay);
		return err;
	}

	for (i = 0; i < nr_groups; i++) {
		replay->groups[i].last_seen = jiffies | 1;
		ppc_stream_start(replay->groups[i].stream->stream);
	}
	rcu_assign_pointer(maio->replay, replay);
	return 0;
}

/* Stop the replay. Return: 0, or -EINVAL if none is active. */
int maio_replay_stop(struct maio *maio)
{
	struct maio_replay *replay;

	replay = rcu_replace_pointer(maio->replay, NULL,
				     lockdep_is_held(&maio->lock));
	if (!replay)
		return -EINVAL;

	/*
	 * Callbacks may still use the replay. Without it, no group keeps another one
	 * from dropping the rest.
	 */
	synchronize_rcu();
	maio_replay_free(replay);
	return 0;
}

/* Apply a new mode, node or gap to the replay. */
void maio_replay_set_mode(struct maio *maio)
{
	struct maio_replay *replay;
	u32 i;

	replay = rcu_dereference_protected(maio->replay,
					   lockdep_is_held(&maio->lock));
	if (!replay)
		return;

	maio_replay_set_drop_mode(maio, replay);
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *group = &replay->groups[i];

		if (group->node == NUMA_NO_NODE)
			maio_stream_set_node(group->stream, maio->node);
	}
}

static struct maio_group *maio_replay_find(struct maio *maio, u32 group)
{
	struct maio_replay *replay;

	replay = rcu_dereference_protected(maio->replay,
					   lockdep_is_held(&maio->lock));
	if (!replay)
		return ERR_PTR(-ENODATA);
	if (group >= replay->nr_groups)
		return ERR_PTR(-ENOENT);
	return &replay->groups[array_index_nospec(group, replay->nr_groups)];
}

/*
 * Get the state of one group. Return: 0, -ENODATA without a replay, -ENOENT if there
 * is no such group.
 */
int maio_replay_group(struct maio *maio, struct maio_group_info *info)
{
	struct maio_group *group = maio_replay_find(maio, info->group);
	pid_t owner;

	if (IS_ERR(group))
		return PTR_ERR(group);

	owner = READ_ONCE(group->owner);
	*info = (struct maio_group_info) {
		.group = info->group,
		.node = group->node == NUMA_NO_NODE ? maio->node : group->node,
		.bytes = group->bytes,
		.seen = min_t(u64, atomic64_read(&group->seen), group->bytes),
	};
	scoped_guard(rcu)
		info->pid = owner ? pid_vnr(find_pid_ns(owner, &init_pid_ns)) : 0;
	return 0;
}

/*
 * Bind a process to a group. Return: 0, -ENODATA without a replay, -ENOENT if
 * there is no such group, -ESRCH if there is no such process.
 */
int maio_replay_bind(struct maio *maio, const struct maio_bind *bind)
{
	struct maio_group *group = maio_replay_find(maio, bind->group);
	struct maio_replay *replay;
	struct task_struct *task;
	pid_t tgid = 0;

	if (IS_ERR(group))
		return PTR_ERR(group);

	scoped_guard(rcu) {
		task = pid_task(find_vpid(bind->pid), PIDTYPE_PID);
		tgid = task ? task_tgid_nr(task) : 0;
	}
	if (bind->pid && !tgid)
		return -ESRCH;

	group->node = bind->node;
	maio_stream_set_node(group->stream, bind->node == NUMA_NO_NODE ?
			    maio->node : bind->node);
	replay = rcu_dereference_protected(maio->replay,
					   lockdep_is_held(&maio->lock));
	maio_match_bind(replay, group, tgid);
	return 0;
}

/*
 * Count the groups with an owner. Return: their number; 0 without a replay.
 */
u32 maio_replay_bound(struct maio *maio)
{
	struct maio_replay *replay;
	u32 i, bound = 0;

	replay = rcu_dereference_protected(maio->replay,
					   lockdep_is_held(&maio->lock));
	if (!replay)
		return 0;

	for (i = 0; i < replay->nr_groups; i++)
		bound += !!READ_ONCE(replay->groups[i].owner);
	return bound;
}
