// SPDX-License-Identifier: GPL-2.0
/*
 * The names of the kernel's counters: those of struct ppc_stats, in its order.
 */
#include <assert.h>
#include <string.h>

#include "maioctl.h"

#define COUNTER(member)	{ #member, offsetof(struct ppc_stats, member) }

const struct counter counters[] = {
	COUNTER(files),
	COUNTER(stopped_files),
	COUNTER(events_miss),
	COUNTER(events_marker),
	COUNTER(events_fault),
	COUNTER(events_consume),
	COUNTER(prefetched_bytes),
	COUNTER(useful_bytes),
	COUNTER(late_bytes),
	COUNTER(wasted_bytes),
	COUNTER(burned_bytes),
	COUNTER(refaulted_bytes),
	COUNTER(kept_bytes),
	COUNTER(evicted_first_bytes),
	COUNTER(unburnable_bytes),
	COUNTER(ahead_bytes),
	COUNTER(interrupts),
	COUNTER(batches),
	COUNTER(budget_waits),
	COUNTER(memory_waits),
	COUNTER(errors),
	COUNTER(fallbacks),
};

const size_t nr_counters = ARRAY_SIZE(counters);

static_assert(ARRAY_SIZE(counters) * sizeof(__u64) ==
	      offsetof(struct ppc_stats, node_bytes),
	      "a counter of struct ppc_stats has no name here");

__u64 counter_value(const struct ppc_stats *stats, const struct counter *c)
{
	__u64 value;

	memcpy(&value, (const char *)stats + c->offset, sizeof(value));
	return value;
}
