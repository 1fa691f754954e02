// SPDX-License-Identifier: GPL-2.0
/*
 * Folios that could not be read.
 */

#include "ppc_private.h"

#include <linux/rculist.h>

/*
 * A folio could not be read: tell the policies not to read it ahead again. Return:
 * true if a policy did not know.
 */
bool ppc_range_failed(struct address_space *mapping, loff_t pos, size_t len)
{
	struct ppc_access access = {
		.type = PPC_ACCESS_FAILED,
		.tgid = current->tgid,
		.pos = pos,
		.len = len,
	};
	struct ppc_mapping *pm;
	struct ppc_file *pf;
	bool first = false;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return false;
	list_for_each_entry_rcu(pf, &pm->files, link) {
		struct ppc_attachment *att = pf->att;

		if (!ppc_attach_live(att) || !att->ops->access)
			continue;
		access.file = pf->index;
		if (!att->ops->access(att, &access))
			continue;
		first = true;
		ppc_stat_inc(att, errors);
	}
	return first;
}
