// SPDX-License-Identifier: GPL-2.0
/*
 * An attachment's counters, for the ioctl and for fdinfo.
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
 * ppc_stats_read - take an attachment's counters
 * @att: attachment
 * @stats: set to them
 */
void ppc_stats_read(struct ppc_attachment *att, struct ppc_stats *stats)
{
	u64 *counters = (u64 *)stats;
	u64 unread;
	size_t i;

	for (i = 0; i < PPC_NR_STATS; i++)
		counters[i] = atomic64_read(&att->stats[i]);
	stats->ahead_bytes = ppc_streams_ahead(att);
	unread = stats->useful_bytes + stats->ahead_bytes;
	stats->wasted_bytes = stats->prefetched_bytes > unread ?
			      stats->prefetched_bytes - unread : 0;
}

/* How much there is of the files, and how much of it is cached. */
static void ppc_stats_show_files(struct seq_file *m, struct ppc_attachment *att)
{
	u64 resident = ppc_resident(att, true);

	seq_printf(m, "ppc-file-bytes:\t%llu\n", READ_ONCE(att->bytes));
	seq_printf(m, "ppc-resident-bytes:\t%llu\n", resident);
	if (att->max_resident)
		seq_printf(m, "ppc-max-resident:\t%llu\n", att->max_resident);
}

/**
 * ppc_stats_show - show an attachment in fdinfo
 * @m: fdinfo
 * @att: attachment
 */
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
}
