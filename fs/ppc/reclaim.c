// SPDX-License-Identifier: GPL-2.0
/*
 * Verdicts of policies for reclaim: below any allocation, with a folio locked.
 */

#include "ppc_private.h"

#include <linux/rculist.h>

/*
 * Keep is not obeyed when reclaim gets desperate. Both LRUs begin at
 * DEF_PRIORITY or half of it and count down to zero.
 */
#define PPC_KEEP_MIN_PRIORITY	4

static bool ppc_may_keep(struct ppc_attachment *att, int priority)
{
	return (att->flags & PPC_ATTACH_MAY_KEEP) &&
	       priority > PPC_KEEP_MIN_PRIORITY &&
	       ppc_resident(att) <= att->keep_budget;
}

enum ppc_verdict __ppc_reclaim(struct folio *folio, int priority)
{
	struct address_space *mapping = folio_mapping(folio);
	u64 pos = folio_pos(folio), len = folio_size(folio);
	struct ppc_attachment *first = NULL;
	struct ppc_mapping *pm;
	bool all_first = true;
	struct ppc_file *pf;

	if (!mapping || !mapping_ppc(mapping) || !READ_ONCE(ppc_enabled))
		return PPC_EVICT_DEFAULT;

	guard(rcu)();
	pm = ppc_table_find(mapping);
	if (!pm)
		return PPC_EVICT_DEFAULT;

	/* First only if all agree, keep if one may and wants to. */
	list_for_each_entry_rcu(pf, &pm->files, link) {
		struct ppc_attachment *att = pf->att;
		enum ppc_verdict verdict;

		if (!ppc_attach_live(att) || !att->ops->evict)
			continue;
		verdict = att->ops->evict(att, pf->index, pos, len,
					  PPC_EVICT_RECLAIM);
		if (verdict == PPC_EVICT_KEEP && ppc_may_keep(att, priority)) {
			ppc_stat_add(att, kept_bytes, len);
			return PPC_EVICT_KEEP;
		}
		if (verdict != PPC_EVICT_FIRST || folio_test_mlocked(folio))
			all_first = false;
		else
			first = att;
	}
	if (!first || !all_first)
		return PPC_EVICT_DEFAULT;
	ppc_stat_add(first, evicted_first_bytes, len);
	return PPC_EVICT_FIRST;
}
