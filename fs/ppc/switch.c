// SPDX-License-Identifier: GPL-2.0
/*
 * The static key of the hooks.
 */

#include "ppc_private.h"

/* Patching code for each of many short attachments would cost more than this. */
#define PPC_KEY_LINGER		HZ

DEFINE_STATIC_KEY_FALSE(ppc_key);

bool ppc_enabled __read_mostly = true;
bool ppc_admin_only __read_mostly;

static DEFINE_MUTEX(ppc_key_mutex);
static int ppc_nr_attachments;

/* Switch the hooks on or off as the state requires. */
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

/* Count attachments. */
void ppc_attachment_count(int nr)
{
	bool last;

	mutex_lock(&ppc_key_mutex);
	ppc_nr_attachments += nr;
	last = !ppc_nr_attachments;
	mutex_unlock(&ppc_key_mutex);

	if (last)
		schedule_delayed_work(&ppc_key_off, PPC_KEY_LINGER);
	else
		ppc_key_update();
}
