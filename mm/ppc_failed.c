// SPDX-License-Identifier: GPL-2.0
/*
 * A reader could not read a folio: let him look again without it, once.
 */

#include <linux/pagemap.h>
#include <linux/ppc_hooks.h>

#include "internal.h"

/*
 * All who failed on the folio look again, as all wait for its lock. A reader
 * may hold the invalidate_lock meanwhile, as faults do when they lock folios.
 */
bool __ppc_read_failed(struct folio *folio)
{
	struct address_space *mapping = READ_ONCE(folio->mapping);
	bool again = true;

	if (!mapping)
		return true;
	if (!mapping_ppc(mapping) || folio_lock_killable(folio))
		return false;
	if (folio->mapping == mapping && !folio_test_uptodate(folio))
		again = !folio_test_dirty(folio) &&
			!folio_test_writeback(folio) && !folio_mapped(folio) &&
			ppc_range_failed(mapping, folio_pos(folio),
					 folio_size(folio)) &&
			folio_unmap_invalidate(mapping, folio, 0) > 0;
	folio_unlock(folio);
	return again;
}
