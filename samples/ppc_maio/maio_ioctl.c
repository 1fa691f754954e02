// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: ioctls on an attachment.
 */
#include "maio.h"

#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* A command without the size of its argument, which may differ. */
#define MAIO_COMMAND(cmd)	((cmd) & ~IOCSIZE_MASK)

static long maio_get_template(struct maio *maio, void __user *arg, size_t size)
{
	const struct maio_template *template = &maio->template;
	struct maio_template_io io;
	int err;

	err = copy_struct_from_user(&io, sizeof(io), arg, size);
	if (err)
		return err;

	if (!template->data)
		return maio->template_err;

	err = -ENOSPC;
	if (io.len >= template->size) {
		err = 0;
		if (copy_to_user(u64_to_user_ptr(io.buf), template->data,
				 template->size))
			return -EFAULT;
	}

	io.len = template->size;
	if (copy_struct_to_user(arg, size, &io, sizeof(io), NULL))
		return -EFAULT;
	return err;
}

static long maio_set_template(struct maio *maio, void __user *arg, size_t size)
{
	struct maio_template_io io;
	void *data;
	int err;

	err = copy_struct_from_user(&io, sizeof(io), arg, size);
	if (err)
		return err;

	if (io.len > MAIO_TEMPLATE_MAX_SIZE) {
		pr_info_ratelimited("template refused: too large\n");
		return -E2BIG;
	}
	if (io.len < sizeof(struct maio_template_header)) {
		pr_info_ratelimited("template refused: too short\n");
		return -EINVAL;
	}

	/* A private copy that user space cannot change. */
	data = kvmalloc(io.len, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;

	err = -EFAULT;
	if (!copy_from_user(data, u64_to_user_ptr(io.buf), io.len))
		err = maio_take_template(maio, data, io.len);
	if (err)
		kvfree(data);
	return err;
}

static bool maio_node_valid(int node)
{
	return node == NUMA_NO_NODE || (node >= 0 && node < MAX_NUMNODES &&
					node_state(node, N_MEMORY));
}

static long maio_set_mode(struct maio *maio, void __user *arg, size_t size)
{
	struct maio_mode_args args;
	int err;

	err = copy_struct_from_user(&args, sizeof(args), arg, size);
	if (err)
		return err;

	if (args.mode > MAIO_MODE_AUTO || args.gap > MAIO_MAX_GAP)
		return -EINVAL;
	if (!maio_node_valid(args.node))
		return -EINVAL;

	WRITE_ONCE(maio->mode, args.mode);
	maio->node = args.node;
	maio->gap = args.gap;
	maio_replay_set_mode(maio);
	return 0;
}

static long maio_status(struct maio *maio, void __user *arg, size_t size)
{
	struct maio_status status;

	/* Later changes are new events. */
	ppc_attachment_set_pollable(maio->att, false);
	status = (struct maio_status) {
		.mode = maio->mode,
		.node = maio->node,
		.nr_groups = maio->template.nr_groups,
		.gap = maio->gap,
		.template_bytes = maio->coverage,
		.resident_at_start = maio->resident_at_start,
		.bound_groups = maio_replay_bound(maio),
		.nr_extents = maio->template.nr_extents,
	};

	if (rcu_access_pointer(maio->recorder))
		status.state |= MAIO_STATE_RECORDING;
	if (rcu_access_pointer(maio->replay))
		status.state |= MAIO_STATE_REPLAYING;
	if (maio->template.data)
		status.state |= MAIO_STATE_TEMPLATE;

	return copy_struct_to_user(arg, size, &status, sizeof(status), NULL);
}

static long maio_group(struct maio *maio, void __user *arg, size_t size)
{
	struct maio_group_info info;
	int err;

	err = copy_struct_from_user(&info, sizeof(info), arg, size);
	if (err)
		return err;

	err = maio_replay_group(maio, &info);
	if (err)
		return err;
	return copy_struct_to_user(arg, size, &info, sizeof(info), NULL);
}

static long maio_bind(struct maio *maio, void __user *arg, size_t size)
{
	struct maio_bind bind;
	int err;

	err = copy_struct_from_user(&bind, sizeof(bind), arg, size);
	if (err)
		return err;

	if (bind.reserved || !maio_node_valid(bind.node))
		return -EINVAL;
	return maio_replay_bind(maio, &bind);
}

static long maio_command(struct maio *maio, unsigned int cmd, void __user *arg)
{
	const size_t size = _IOC_SIZE(cmd);

	switch (cmd) {
	case MAIO_IOC_RECORD_START:
		return maio_record_start(maio);
	case MAIO_IOC_RECORD_STOP:
		return maio_record_stop(maio);
	case MAIO_IOC_REPLAY_START:
		return maio_replay_start(maio);
	case MAIO_IOC_REPLAY_STOP:
		return maio_replay_stop(maio);
	}

	switch (MAIO_COMMAND(cmd)) {
	case MAIO_COMMAND(MAIO_IOC_GET_TEMPLATE):
		return maio_get_template(maio, arg, size);
	case MAIO_COMMAND(MAIO_IOC_SET_TEMPLATE):
		return maio_set_template(maio, arg, size);
	case MAIO_COMMAND(MAIO_IOC_SET_MODE):
		return maio_set_mode(maio, arg, size);
	case MAIO_COMMAND(MAIO_IOC_STATUS):
		return maio_status(maio, arg, size);
	case MAIO_COMMAND(MAIO_IOC_GROUP):
		return maio_group(maio, arg, size);
	case MAIO_COMMAND(MAIO_IOC_BIND):
		return maio_bind(maio, arg, size);
	}

	return -ENOTTY;
}

/*
 * An ioctl on an attachment. Return: 0, -ENOTTY for commands that are not
 * MAIO's, -EINTR on a signal before the command began, or an error of the
 * command.
 */
long maio_ioctl(struct ppc_attachment *att, unsigned int cmd, unsigned long arg)
{
	struct maio *maio = ppc_attachment_private(att);

	scoped_cond_guard(mutex_intr, return -EINTR, &maio->lock)
		return maio_command(maio, cmd, (void __user *)arg);
}
