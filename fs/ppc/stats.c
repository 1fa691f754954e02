// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of an attachment, for the ioctl and fdinfo.
 */

#include "ppc_private.h"

#include <linux/seq_file.h>

static const char * const ppc_stat_names[] = {
	"files",
	"stopped-files",
	"events-miss",
	"events-marker",
	"events-fault",
	"events-consume",
	"prefetched-bytes",
	"useful-bytes",
	"late-bytes",
	"wasted-bytes",
	"burned-bytes",
	"refaulted-bytes",
	"kept-bytes",
	"evicted-first-bytes",
	"unburnable-bytes",
	"ahead-bytes",
	"interrupts",
	"batches",
	"budget-waits",
	"memory-waits",
	"errors",
	"fallbacks",
};

static_assert(ARRAY_SIZE(ppc_stat_names) ==
	      offsetof(struct ppc_stats, node_bytes) / sizeof(u64));

/**
 * ppc_count - add to a counter that the policy maintains
 * @att: attachment
 * @counter: counter
 * @n: amount
 *
 * Context: any.
 */
void ppc_count(struct ppc_attachment *att, enum ppc_counter counter, u64 n)
{
	static const u8 index[] = {
		[PPC_COUNT_USEFUL] = ppc_stat_index(useful_bytes),
		[PPC_COUNT_LATE] = ppc_stat_index(late_bytes),
		[PPC_COUNT_REFAULTED] = ppc_stat_index(refaulted_bytes),
		[PPC_COUNT_UNBURNABLE] = ppc_stat_index(unburnable_bytes),
		[PPC_COUNT_INTERRUPTS] = ppc_stat_index(interrupts),
		[PPC_COUNT_BUDGET_WAITS] = ppc_stat_index(budget_waits),
		[PPC_COUNT_FALLBACKS] = ppc_stat_index(fallbacks),
	};

	if (n && counter < ARRAY_SIZE(index))
		atomic64_add(n, &att->stats[index[counter]]);
}
EXPORT_SYMBOL_GPL(ppc_count);

/* Read the counters of an attachment. */
void ppc_stats_read(struct ppc_attachment *att, struct ppc_stats *stats)
{
	u64 *counters = (u64 *)stats;
	u64 unread;
	size_t i;

	for (i = 0; i < PPC_NR_STATS; i++)
		counters[i] = atomic64_read(&att->stats[i]);
	stats->ahead_bytes = atomic64_read(&att->ahead);
	unread = stats->useful_bytes + stats->ahead_bytes;
	stats->wasted_bytes = stats->prefetched_bytes > unread ?
			      stats->prefetched_bytes - unread : 0;
}

/* Size and cached bytes of all files. */
static void ppc_stats_show_files(struct seq_file *m, struct ppc_attachment *att)
{
	u64 resident = ppc_resident(att);

	seq_printf(m, "ppc-file-bytes:\t%llu\n", READ_ONCE(att->bytes));
	seq_printf(m, "ppc-resident-bytes:\t%llu\n", resident);
	if (att->max_resident)
		seq_printf(m, "ppc-max-resident:\t%llu\n", att->max_resident);
}

/* The pinned files: they explain EBUSY of umount(). */
static void ppc_stats_show_names(struct seq_file *m, struct ppc_attachment *att)
{
	u32 i, nr = ppc_nr_files(att);
	struct ppc_file *pf;

	for (i = 0; i < nr; i++) {
		pf = ppc_file_get(att, i);
		if (!pf)
			continue;
		seq_printf(m, "ppc-file-%u:\t", i);
		seq_file_path(m, pf->file, " \t\n\\");
		seq_putc(m, '\n');
		ppc_file_put(pf);
	}
}

/* Show an attachment in fdinfo. */
void ppc_stats_show(struct seq_file *m, struct ppc_attachment *att)
{
	struct ppc_stats stats;
	const u64 *counters = (const u64 *)&stats;
	size_t i;

	ppc_stats_read(att, &stats);
	seq_printf(m, "ppc-policy:\t%s\n", att->policy);
	seq_printf(m, "ppc-budget:\t%llu\n", att->budget);
	ppc_stats_show_files(m, att);
	for (i = 0; i < ARRAY_SIZE(ppc_stat_names); i++)
		seq_printf(m, "ppc-%s:\t%llu\n", ppc_stat_names[i],
			   counters[i]);
	for (i = 0; i < PPC_STATS_NODES; i++)
		if (stats.node_bytes[i])
			seq_printf(m, "ppc-node%zu-bytes:\t%llu\n", i,
				   stats.node_bytes[i]);
	ppc_stats_show_names(m, att);
}
