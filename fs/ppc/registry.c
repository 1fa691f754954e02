// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of page cache policies.
 */

#include "ppc_private.h"

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>

/* A registered policy; its ops are const. */
struct ppc_policy {
	struct list_head link;
	const struct ppc_ops *ops;
};

static LIST_HEAD(ppc_policies);
static DEFINE_MUTEX(ppc_policy_mutex);

static struct ppc_policy *ppc_policy_find(const char *name)
{
	struct ppc_policy *policy;

	lockdep_assert_held(&ppc_policy_mutex);
	list_for_each_entry(policy, &ppc_policies, link)
		if (!strcmp(policy->ops->name, name))
			return policy;
	return NULL;
}

/* A name is part of a module name and a word in sysfs. */
static bool ppc_name_valid(const char *name)
{
	size_t i, len = strnlen(name, PPC_POLICY_NAME_MAX);

	if (!len || len == PPC_POLICY_NAME_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && name[i] != '_' && name[i] != '-'))
			return false;
	return true;
}

static int ppc_ops_validate(const struct ppc_ops *ops)
{
	if (!ppc_name_valid(ops->name))
		return -EINVAL;
	if (!ops->access && !ops->next && !ops->drop && !ops->evict)
		return -EINVAL;
	return 0;
}

/**
 * ppc_register_policy - register a policy
 * @ops: the policy; must stay valid until ppc_unregister_policy()
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for a bad name or a policy that decides nothing, -EEXIST
 * for a name that is taken, -ENOMEM.
 */
int ppc_register_policy(const struct ppc_ops *ops)
{
	struct ppc_policy *policy;
	int err;

	err = ppc_ops_validate(ops);
	if (err)
		return err;
	policy = kzalloc_obj(*policy);
	if (!policy)
		return -ENOMEM;
	policy->ops = ops;

	mutex_lock(&ppc_policy_mutex);
	if (ppc_policy_find(ops->name))
		err = -EEXIST;
	else
		list_add_tail(&policy->link, &ppc_policies);
	mutex_unlock(&ppc_policy_mutex);

	if (err)
		kfree(policy);
	return err;
}
EXPORT_SYMBOL_GPL(ppc_register_policy);

/**
 * ppc_unregister_policy - unregister a policy
 * @ops: as registered
 *
 * Attachments pin the module of the policy, so none exists when module exit calls
 * this.
 *
 * Context: process context, may sleep.
 */
void ppc_unregister_policy(const struct ppc_ops *ops)
{
	struct ppc_policy *policy;

	mutex_lock(&ppc_policy_mutex);
	policy = ppc_policy_find(ops->name);
	if (policy && policy->ops == ops)
		list_del(&policy->link);
	else
		policy = NULL;
	mutex_unlock(&ppc_policy_mutex);
	kfree(policy);
}
EXPORT_SYMBOL_GPL(ppc_unregister_policy);

static const struct ppc_ops *ppc_policy_try_get(const char *name)
{
	struct ppc_policy *policy;

	guard(mutex)(&ppc_policy_mutex);
	policy = ppc_policy_find(name);
	if (!policy || !try_module_get(policy->ops->owner))
		return NULL;
	return policy->ops;
}

/*
 * Find a policy and pin its module. Loads the module ppc-NAME for those who may
 * load modules. Return: the policy, or NULL.
 */
const struct ppc_ops *ppc_policy_get(const char *name)
{
	const struct ppc_ops *ops;

	if (!ppc_name_valid(name))
		return NULL;
	ops = ppc_policy_try_get(name);
	if (!ops && capable(CAP_SYS_MODULE)) {
		request_module("ppc-%s", name);
		ops = ppc_policy_try_get(name);
	}
	return ops;
}

/* Unpin a policy's module. */
void ppc_policy_put(const struct ppc_ops *ops)
{
	module_put(ops->owner);
}

/* List the policies' names. Return: length. */
ssize_t ppc_policy_show(char *buf)
{
	struct ppc_policy *policy;
	ssize_t len = 0;

	guard(mutex)(&ppc_policy_mutex);
	list_for_each_entry(policy, &ppc_policies, link)
		len += sysfs_emit_at(buf, len, "%s\n", policy->ops->name);
	return len;
}
