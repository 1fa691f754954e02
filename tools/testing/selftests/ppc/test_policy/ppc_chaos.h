/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl of the policy "chaos" on its attachments.
 */
#ifndef _PPC_CHAOS_H
#define _PPC_CHAOS_H

#include <linux/ioctl.h>
#include <linux/ppc.h>
#include <linux/types.h>

#define PPC_CHAOS_POLICY	"chaos"

/**
 * struct ppc_chaos_run - do something with streams at random
 * @seed: where the random numbers of the attachment go on from
 * @steps: how many things
 * @reserved: zero
 */
struct ppc_chaos_run {
	__u64 seed;
	__u32 steps;
	__u32 reserved;
};

#define PPC_CHAOS_IOC_RUN	_IOW(PPC_IOC_MAGIC, 0x60, struct ppc_chaos_run)

#endif /* _PPC_CHAOS_H */
