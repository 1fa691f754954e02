// SPDX-License-Identifier: GPL-2.0
/*
 * Programmable page cache: start, and the switches that turn it off.
 *
 * A policy is bound to files by an attachment (attach.c), which is a file
 * descriptor and pins the files. While a file is attached, its address space
 * has a bit set, and the hooks in mm/ look it up (table.c, hooks.c) and call
 * the policy. A policy reads ahead by streams: ranges in the order in which
 * they will be wanted (map.c), read by a worker (prefetch.c) that stays ahead
 * of the readers' positions (cursor.c), and dropped behind them (burn.c).
 */

#include "ppc_private.h"

#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#define CREATE_TRACE_POINTS
#include <trace/events/ppc.h>

/* Patching code for each of many short attachments would cost more. */
#define PPC_KEY_LINGER		HZ

DEFINE_STATIC_KEY_FALSE(ppc_key);

bool ppc_enabled __read_mostly = true;
struct workqueue_struct *ppc_wq;

/* A stream that waits for a dead device must not keep others from ending. */
struct workqueue_struct *ppc_end_wq;

static DEFINE_MUTEX(ppc_key_mutex);
static int ppc_nr_attachments;

/**
 * ppc_key_update - switch the hooks on or off, as things stand
 *
 * Context: process context, may sleep.
 */
void ppc_key_update(void)
{
	guard(mutex)(&ppc_key_mutex);
	if (ppc_enabled && ppc_nr_attachments)
		static_branch_enable(&ppc_key);
	else
		static_branch_disable(&ppc_key);
}

static void ppc_key_work(struct work_struct *work)
{
	ppc_key_update();
}

static DECLARE_DELAYED_WORK(ppc_key_off, ppc_key_work);

/**
 * ppc_attachment_count - there are more or fewer attachments
 * @nr: 1 or -1
 *
 * Context: process context, may sleep.
 */
void ppc_attachment_count(int nr)
{
	bool last;

	mutex_lock(&ppc_key_mutex);
	ppc_nr_attachments += nr;
	last = !ppc_nr_attachments;
	mutex_unlock(&ppc_key_mutex);

	if (last)
		queue_delayed_work(ppc_wq, &ppc_key_off, PPC_KEY_LINGER);
	else
		ppc_key_update();
}

/**
 * ppc_default_budget - how far to read ahead if nobody says
 *
 * Return: bytes.
 */
u64 ppc_default_budget(void)
{
	return min((u64)(totalram_pages() / 4) << PAGE_SHIFT, SZ_4G);
}

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

static ssize_t policies_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return ppc_policy_show(buf);
}

static struct kobj_attribute policies_attr = __ATTR_RO(policies);

#define PPC_LIMIT_ATTR(_name)						\
static ssize_t _name##_show(struct kobject *kobj,			\
			    struct kobj_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%u\n", READ_ONCE(ppc_##_name));		\
}									\
static ssize_t _name##_store(struct kobject *kobj,			\
			     struct kobj_attribute *attr,		\
			     const char *buf, size_t count)		\
{									\
	unsigned int limit;						\
	int err = kstrtouint(buf, 0, &limit);				\
									\
	if (err)							\
		return err;						\
	WRITE_ONCE(ppc_##_name, limit);					\
	return count;							\
}									\
static struct kobj_attribute _name##_attr = __ATTR_RW(_name)

PPC_LIMIT_ATTR(max_user_files);
PPC_LIMIT_ATTR(max_user_attachments);

static struct attribute *ppc_attrs[] = {
	&enabled_attr.attr,
	&policies_attr.attr,
	&max_user_files_attr.attr,
	&max_user_attachments_attr.attr,
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
	ppc_wq = alloc_workqueue("ppc", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!ppc_wq)
		return -ENOMEM;
	err = -ENOMEM;
	ppc_end_wq = alloc_workqueue("ppc_end", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!ppc_end_wq)
		goto free_wq;
	err = sysfs_create_group(mm_kobj, &ppc_attr_group);
	if (err)
		goto free_end_wq;
	err = ppc_dev_init();
	if (err)
		goto remove_group;
	return 0;

remove_group:
	sysfs_remove_group(mm_kobj, &ppc_attr_group);
free_end_wq:
	destroy_workqueue(ppc_end_wq);
free_wq:
	destroy_workqueue(ppc_wq);
	return err;
}
late_initcall(ppc_init);
