/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes, as far as one asks whether they live; the test keeps them.
 */
#ifndef _PPC_LINUX_PID_H
#define _PPC_LINUX_PID_H

#include <linux/atomic.h>

struct pid_namespace {
	int level;
};

struct pid;

struct signal_struct {
	atomic_t live;
};

struct task_struct {
	struct signal_struct *signal;
};

enum pid_type { PIDTYPE_TGID };

extern struct pid_namespace init_pid_ns;

struct pid *find_pid_ns(int nr, struct pid_namespace *ns);
struct task_struct *pid_task(struct pid *pid, enum pid_type type);

#endif /* _PPC_LINUX_PID_H */
