// SPDX-License-Identifier: GPL-2.0
/*
 * Programmable page cache: initialization and sysfs switches.
 *
 * An attachment (attach.c) binds a policy to files. It is a file descriptor and pins
 * the files. While a file is attached, its address space has a bit set; the hooks in
 * mm/ look it up (table.c, hooks.c) and call the policy. A policy has streams
 * (stream.c), whose workers ask it what to read (read.c) and what to drop (drop.c)
 * next, within the memory that there is (headroom.c).
 */

#include "ppc_private.h"

#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(ppc_enabled));
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	bool on;
	int err = kstrtobool(buf, &on);

	if (err)
		return err;
	WRITE_ONCE(ppc_enabled, on);
	ppc_key_update();
	return count;
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);

static const char * const ppc_attach_modes[] = { "owner", "admin" };

static ssize_t attach_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", ppc_attach_modes[READ_ONCE(ppc_admin_only)]);
}

static ssize_t attach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	int mode = sysfs_match_string(ppc_attach_modes, buf);

	if (mode < 0)
		return mode;
	WRITE_ONCE(ppc_admin_only, mode);
	return count;
}

static struct kobj_attribute attach_attr = __ATTR_RW(attach);

static ssize_t policies_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return ppc_policy_show(buf);
}

static struct kobj_attribute policies_attr = __ATTR_RO(policies);

static struct attribute *ppc_attrs[] = {
	&enabled_attr.attr,
	&attach_attr.attr,
	&policies_attr.attr,
	NULL,
};

static const struct attribute_group ppc_attr_group = {
	.name = "ppc",
	.attrs = ppc_attrs,
};

static int __init ppc_setup(char *str)
{
	return kstrtobool(str, &ppc_enabled) == 0;
}
__setup("fs_ppc=", ppc_setup);

static int __init ppc_init(void)
{
	int err = ppc_table_init();

	if (err)
		return err;
	ppc_user_init();
	err = ppc_attach_init();
	if (err)
		return err;
	err = sysfs_create_group(mm_kobj, &ppc_attr_group);
	if (err)
		goto free_wq;
	err = ppc_dev_init();
	if (err)
		goto remove_group;
	return 0;

remove_group:
	sysfs_remove_group(mm_kobj, &ppc_attr_group);
free_wq:
	ppc_attach_exit();
	return err;
}
late_initcall(ppc_init);
