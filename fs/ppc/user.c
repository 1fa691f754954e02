// SPDX-License-Identifier: GPL-2.0
/*
 * Attached files are pinned: count them by user, and bound the count.
 */

#include "ppc_private.h"

#include <linux/slab.h>

struct ppc_user {
	kuid_t uid;
	unsigned int refs;
	unsigned int files;
};

unsigned int ppc_max_user_files = 65536;
unsigned int ppc_max_user_attachments = 128;

static DEFINE_XARRAY(ppc_users);
static DEFINE_MUTEX(ppc_user_mutex);

/**
 * ppc_user_get - count one more attachment of a user
 * @uid: whose
 *
 * Context: process context; CAP_SYS_RESOURCE of current lifts the limit.
 * Return: the user, or an ERR_PTR: -EDQUOT at the limit, -ENOMEM.
 */
struct ppc_user *ppc_user_get(kuid_t uid)
{
	struct ppc_user *user;
	int err;

	guard(mutex)(&ppc_user_mutex);
	user = xa_load(&ppc_users, __kuid_val(uid));
	if ((user ? user->refs : 0) >= READ_ONCE(ppc_max_user_attachments) &&
	    !capable(CAP_SYS_RESOURCE))
		return ERR_PTR(-EDQUOT);
	if (!user) {
		user = kzalloc_obj(*user);
		if (!user)
			return ERR_PTR(-ENOMEM);
		user->uid = uid;
		err = xa_err(xa_store(&ppc_users, __kuid_val(uid), user,
				      GFP_KERNEL));
		if (err) {
			kfree(user);
			return ERR_PTR(err);
		}
	}
	user->refs++;
	return user;
}

/**
 * ppc_user_put - count one attachment less
 * @user: from ppc_user_get()
 */
void ppc_user_put(struct ppc_user *user)
{
	guard(mutex)(&ppc_user_mutex);
	if (--user->refs)
		return;
	xa_erase(&ppc_users, __kuid_val(user->uid));
	kfree(user);
}

/**
 * ppc_user_charge - count more files
 * @user: whose
 * @files: how many
 *
 * Context: process context; CAP_SYS_RESOURCE of current lifts the limit.
 * Return: 0 or -EDQUOT.
 */
int ppc_user_charge(struct ppc_user *user, u32 files)
{
	guard(mutex)(&ppc_user_mutex);
	if (files + user->files > READ_ONCE(ppc_max_user_files) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EDQUOT;
	user->files += files;
	return 0;
}

/**
 * ppc_user_uncharge - count files less
 * @user: whose
 * @files: how many
 */
void ppc_user_uncharge(struct ppc_user *user, u32 files)
{
	guard(mutex)(&ppc_user_mutex);
	user->files -= files;
}
