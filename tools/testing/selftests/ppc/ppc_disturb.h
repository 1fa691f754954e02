/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page cache policies that come and go at random on a file that somebody uses.
 */
#ifndef _PPC_DISTURB_H
#define _PPC_DISTURB_H

#include "ppc_util.h"

#define PPC_DISTURB_SLOTS	3

/**
 * struct ppc_disturb - what disturbs, and what it has come to
 * @random: state of its random numbers
 * @cgroup: folder of the one to reclaim from
 * @att: attachments, or -1
 * @maio: the attachment's policy is maio
 * @chaos_attached: attachments of the policy "chaos"
 * @maio_attached: attachments of the policy "maio"
 * @replays: templates that MAIO has begun to replay
 * @refused: templates that MAIO has refused
 * @before: counters of the policy "chaos" at the beginning
 * @sum: counters of the attachments that have ended
 */
struct ppc_disturb {
	__u64 random;
	const char *cgroup;
	int att[PPC_DISTURB_SLOTS];
	bool maio[PPC_DISTURB_SLOTS];
	unsigned long chaos_attached;
	unsigned long maio_attached;
	unsigned long replays;
	unsigned long refused;
	long before[3];
	struct ppc_stats sum;
};

__u64 ppc_random(__u64 *state, __u64 end);
int ppc_disturb_begin(struct ppc_disturb *d, __u64 seed, const char *cgroup);
int ppc_disturb_once(struct ppc_disturb *d, const char *path);
int ppc_disturb_end(struct ppc_disturb *d);
const char *ppc_disturb_lacks(struct ppc_disturb *d);
void ppc_disturb_print(struct ppc_disturb *d, const char *prefix);

#endif /* _PPC_DISTURB_H */
