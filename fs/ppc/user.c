// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of one user: attachments, pinned files, and memory of policies. Nested user
 * namespaces do not raise them.
 */

#include "ppc_private.h"

/* Granularity of memory accounting. */
#define PPC_STATE_UNIT		SZ_16K

/* Set the default limits; /proc/sys/user changes them. */
void __init ppc_user_init(void)
{
	init_user_ns.ucount_max[UCOUNT_PPC_ATTACHMENTS] = 128;
	init_user_ns.ucount_max[UCOUNT_PPC_FILES] = 65536;
	init_user_ns.ucount_max[UCOUNT_PPC_STATE] = SZ_256M / PPC_STATE_UNIT;
}

/* Charge one attachment. Limits do not apply with CAP_SYS_RESOURCE. */
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
 * ppc_state_charge - charge memory of a policy to the user of an attachment
 * @att: attachment
 * @bytes: bytes; allocate them with GFP_KERNEL_ACCOUNT as well
 *
 * Context: process context, may sleep.
 * Return: 0, or -EDQUOT if that exceeds the user's limit.
 */
int ppc_state_charge(struct ppc_attachment *att, size_t bytes)
{
	return ppc_user_charge(att, UCOUNT_PPC_STATE,
			       DIV_ROUND_UP(bytes, PPC_STATE_UNIT));
}
EXPORT_SYMBOL_GPL(ppc_state_charge);

/**
 * ppc_state_uncharge - uncharge memory of a policy
 * @att: attachment
 * @bytes: as charged in one call
 *
 * Context: process context.
 */
void ppc_state_uncharge(struct ppc_attachment *att, size_t bytes)
{
	ppc_user_uncharge(att, UCOUNT_PPC_STATE,
			  DIV_ROUND_UP(bytes, PPC_STATE_UNIT));
}
EXPORT_SYMBOL_GPL(ppc_state_uncharge);
