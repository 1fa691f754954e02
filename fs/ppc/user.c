// SPDX-License-Identifier: GPL-2.0
/*
 * What one user may have: attachments, files that are pinned by them, and memory of
 * policies. Who nests user namespaces has no more.
 */

#include "ppc_private.h"

/* Memory is counted in pieces of so much. */
#define PPC_STATE_UNIT		SZ_16K

/* Set the limits, which are the administrator's in /proc/sys/user. */
void __init ppc_user_init(void)
{
	init_user_ns.ucount_max[UCOUNT_PPC_ATTACHMENTS] = 128;
	init_user_ns.ucount_max[UCOUNT_PPC_FILES] = 65536;
	init_user_ns.ucount_max[UCOUNT_PPC_STATE] = SZ_256M / PPC_STATE_UNIT;
}

/* Count one attachment more. Whoever may charge others is not bound by limits. */
int ppc_user_get(struct ppc_attachment *att)
{
	if (att->may_charge)
		return 0;
	att->ucounts = inc_ucount(current_user_ns(), current_euid(),
				  UCOUNT_PPC_ATTACHMENTS);
	return att->ucounts ? 0 : -EDQUOT;
}

void ppc_user_put(struct ppc_attachment *att)
{
	if (att->ucounts)
		dec_ucount(att->ucounts, UCOUNT_PPC_ATTACHMENTS);
}

void ppc_user_uncharge(struct ppc_attachment *att, enum ucount_type type,
		       size_t nr)
{
	while (att->ucounts && nr--)
		dec_ucount(att->ucounts, type);
}

int ppc_user_charge(struct ppc_attachment *att, enum ucount_type type,
		    size_t nr)
{
	size_t i;

	if (!att->ucounts)
		return 0;
	for (i = 0; i < nr; i++) {
		if (!inc_ucount(att->ucounts->ns, att->ucounts->uid, type)) {
			ppc_user_uncharge(att, type, i);
			return -EDQUOT;
		}
	}
	return 0;
}

/**
 * ppc_state_charge - count memory that a policy keeps for an attachment
 * @att: attachment
 * @bytes: how much; allocate it with GFP_KERNEL_ACCOUNT besides
 *
 * Context: process context, may sleep.
 * Return: 0, or -EDQUOT if the attacher may not have so much.
 */
int ppc_state_charge(struct ppc_attachment *att, size_t bytes)
{
	return ppc_user_charge(att, UCOUNT_PPC_STATE,
			       DIV_ROUND_UP(bytes, PPC_STATE_UNIT));
}
EXPORT_SYMBOL_GPL(ppc_state_charge);

/**
 * ppc_state_uncharge - count it no more
 * @att: attachment
 * @bytes: as charged, in one call
 *
 * Context: process context.
 */
void ppc_state_uncharge(struct ppc_attachment *att, size_t bytes)
{
	ppc_user_uncharge(att, UCOUNT_PPC_STATE,
			  DIV_ROUND_UP(bytes, PPC_STATE_UNIT));
}
EXPORT_SYMBOL_GPL(ppc_state_uncharge);
