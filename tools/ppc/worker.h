/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of "maioctl serve", as their parent sees them.
 */
#ifndef MAIOCTL_WORKER_H
#define MAIOCTL_WORKER_H

#include <sys/types.h>

#include "maioctl.h"

/* How long a process may take to end before it is killed. */
#define WORKER_END_MS		5000

/* A time that does not come. */
#define NEVER			(~0ULL)

/**
 * struct worker - the process of a service
 * @id: the service's
 * @conf: what it serves; NULL once it has been told to end
 * @pid: process, or 0 while there is none
 * @pipe: where it tells its state, or -1
 * @state: as told
 * @started: when
 * @due: when to start it, or to kill it, or never
 * @backoff: ms to wait before the next start
 */
struct worker {
	char *id;
	const struct conf_service *conf;
	pid_t pid;
	int pipe;
	enum service_state state;
	__u64 started;
	__u64 due;
	__u64 backoff;
};

void worker_init(struct worker *w, const struct conf_service *conf,
		 const char *store);
void worker_end(struct worker *w);
bool worker_died(struct worker *w, int status);
void worker_timer(struct worker *w, const char *store);
void worker_read_state(struct worker *w);
void worker_free(struct worker *w);

#endif /* MAIOCTL_WORKER_H */
