// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/ppc and the file descriptors of attachments: arguments in and out.
 */

#include "ppc_private.h"

#include <linux/anon_inodes.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static int ppc_att_release(struct inode *inode, struct file *file)
{
	struct ppc_attachment *att = file->private_data;

	ppc_attach_end(att);
	ppc_attach_put(att);
	return 0;
}

static long ppc_att_detach(struct ppc_attachment *att)
{
	int err = ppc_attach_end(att);

	return err ?: wait_for_completion_killable(&att->done);
}

static long ppc_att_add(struct ppc_attachment *att, unsigned int cmd,
			void __user *arg, struct ppc_files *files, u32 *numbers)
{
	long err;
	u32 i;

	err = ppc_attach_add_files(att, (const s32 *)numbers, files->nr,
				   &files->first);
	if (err)
		return err;
	err = copy_struct_to_user(arg, _IOC_SIZE(cmd), files, sizeof(*files),
				  NULL);
	if (!err)
		return 0;
	/* The caller never got the indices: undo. */
	for (i = 0; i < files->nr; i++)
		numbers[i] = files->first + i;
	ppc_attach_remove_files(att, numbers, files->nr);
	return err;
}

/* Both commands pass an array of 32-bit numbers in struct ppc_files. */
static long ppc_att_files(struct ppc_attachment *att, unsigned int cmd,
			  void __user *arg)
{
	struct ppc_files files = {};
	u32 *numbers;
	long err;

	err = copy_struct_from_user(&files, sizeof(files), arg, _IOC_SIZE(cmd));
	if (err)
		return err;
	if (!files.nr || files.first)
		return -EINVAL;
	if (files.nr > PPC_MAX_FILES)
		return -E2BIG;
	numbers = vmemdup_array_user(u64_to_user_ptr(files.fds), files.nr,
				     sizeof(*numbers));
	if (IS_ERR(numbers))
		return PTR_ERR(numbers);

	if (_IOC_NR(cmd) == _IOC_NR(PPC_IOC_REMOVE_FILES))
		err = ppc_attach_remove_files(att, numbers, files.nr);
	else
		err = ppc_att_add(att, cmd, arg, &files, numbers);
	kvfree(numbers);
	return err;
}

static long ppc_att_stats(struct ppc_attachment *att, unsigned int cmd,
			  void __user *arg)
{
	struct ppc_stats stats;

	ppc_stats_read(att, &stats);
	return copy_struct_to_user(arg, _IOC_SIZE(cmd), &stats, sizeof(stats),
				   NULL);
}

static long ppc_att_policy(struct ppc_attachment *att, unsigned int cmd,
			   unsigned long arg)
{
	long err = down_read_killable(&att->lock);

	if (err)
		return err;
	if (att->ended)
		err = -ENODEV;
	else if (!att->ops->ioctl)
		err = -ENOTTY;
	else
		err = att->ops->ioctl(att, cmd, arg);
	up_read(&att->lock);
	return err;
}

/* The size of the argument is part of the number: compare without it. */
static bool ppc_ioc_is(unsigned int cmd, unsigned int ioc)
{
	return _IOC_NR(cmd) == _IOC_NR(ioc) && _IOC_DIR(cmd) == _IOC_DIR(ioc);
}

static long ppc_att_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct ppc_attachment *att = file->private_data;
	void __user *uarg = (void __user *)arg;

	if (_IOC_TYPE(cmd) != PPC_IOC_MAGIC)
		return -ENOTTY;
	if (_IOC_NR(cmd) >= PPC_IOC_POLICY_FIRST)
		return ppc_att_policy(att, cmd, arg);
	if (ppc_ioc_is(cmd, PPC_IOC_ADD_FILES) ||
	    ppc_ioc_is(cmd, PPC_IOC_REMOVE_FILES))
		return ppc_att_files(att, cmd, uarg);
	if (ppc_ioc_is(cmd, PPC_IOC_STATS))
		return ppc_att_stats(att, cmd, uarg);
	if (cmd == PPC_IOC_DETACH)
		return ppc_att_detach(att);
	return -ENOTTY;
}

static __poll_t ppc_att_poll(struct file *file, poll_table *wait)
{
	struct ppc_attachment *att = file->private_data;

	poll_wait(file, &att->wait, wait);
	if (!READ_ONCE(att->live))
		return EPOLLHUP;
	return READ_ONCE(att->pollable) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void ppc_att_show_fdinfo(struct seq_file *m, struct file *file)
{
	ppc_stats_show(m, file->private_data);
}

static const struct file_operations ppc_att_fops = {
	.owner = THIS_MODULE,
	.release = ppc_att_release,
	.unlocked_ioctl = ppc_att_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ppc_att_poll,
	.show_fdinfo = ppc_att_show_fdinfo,
	.llseek = noop_llseek,
};

static long ppc_dev_attach(unsigned int cmd, void __user *arg)
{
	struct ppc_attachment *att;
	struct ppc_attach args = {};
	s32 *fds;
	int fd, err;

	err = copy_struct_from_user(&args, sizeof(args), arg, _IOC_SIZE(cmd));
	if (err)
		return err;
	if (!args.nr_fds)
		return -EINVAL;
	if (args.nr_fds > PPC_MAX_FILES)
		return -E2BIG;
	fds = vmemdup_array_user(u64_to_user_ptr(args.fds), args.nr_fds,
				 sizeof(*fds));
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	att = ppc_attach(&args, fds);
	kvfree(fds);
	if (IS_ERR(att))
		return PTR_ERR(att);

	/* On its own inode, which security modules can label. */
	fd = anon_inode_create_getfd("[ppc]", &ppc_att_fops, att,
				     O_RDWR | O_CLOEXEC, NULL);
	if (fd < 0) {
		ppc_attach_end(att);
		ppc_attach_put(att);
	}
	return fd;
}

static long ppc_dev_features(unsigned int cmd, void __user *arg)
{
	struct ppc_features features = {
		.abi_version = PPC_ABI_VERSION,
		.enabled = READ_ONCE(ppc_enabled),
		.attach_flags = PPC_ATTACH_MAY_KEEP,
		.stride = PPC_STRIDE,
		.max_files = PPC_MAX_FILES,
		.max_attachments = PPC_MAX_ATTACHMENTS,
		.default_budget = ppc_default_budget(),
	};

	return copy_struct_to_user(arg, _IOC_SIZE(cmd), &features,
				   sizeof(features), NULL);
}

static long ppc_dev_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	if (_IOC_TYPE(cmd) != PPC_IOC_MAGIC)
		return -ENOTTY;
	if (ppc_ioc_is(cmd, PPC_IOC_ATTACH))
		return ppc_dev_attach(cmd, uarg);
	if (ppc_ioc_is(cmd, PPC_IOC_FEATURES))
		return ppc_dev_features(cmd, uarg);
	return -ENOTTY;
}

static const struct file_operations ppc_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ppc_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice ppc_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ppc",
	.fops = &ppc_dev_fops,
	.mode = 0666,
};

/* Make /dev/ppc. Return: 0 or a negative errno. */
int __init ppc_dev_init(void)
{
	return misc_register(&ppc_dev);
}
