// SPDX-License-Identifier: GPL-2.0
/*
 * One process of "maioctl serve": started, told to end, and started again when
 * it has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

/* A process that fails is started again later and later. */
#define BACKOFF_MIN_MS		1000
#define BACKOFF_MAX_MS		60000

static void __noreturn become_worker(const struct conf_service *conf,
				     const char *store, pid_t parent,
				     int report)
{
	sigset_t none;

	/* Of others' descriptors none may stay: they would not see it end. */
	if (dup2(report, 3) < 0 || close_range(4, ~0U, 0))
		_exit(EXIT_FAILURE);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	prctl(PR_SET_NAME, conf->id);
	complain_as(conf->id);
	/* These are for the parent, though a terminal sends them to all. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	service_run(conf, store, 3);
}

static int fork_worker(struct worker *w, const char *store)
{
	pid_t parent = getpid();
	int report[2];

	if (pipe2(report, O_CLOEXEC | O_NONBLOCK))
		return -1;
	fflush(NULL);
	w->pid = fork();
	if (!w->pid)
		become_worker(w->conf, store, parent, report[1]);
	close(report[1]);
	if (w->pid > 0) {
		w->pipe = report[0];
		return 0;
	}
	close(report[0]);
	w->pid = 0;
	return -1;
}

static void start(struct worker *w, const char *store)
{
	w->started = now_ms();
	w->state = SERVICE_STARTING;
	w->due = NEVER;
	if (!fork_worker(w, store))
		return;
	complain("%s: cannot fork: %s", w->id, strerror(errno));
	w->due = w->started + w->backoff;
}

/**
 * worker_init - begin to serve
 * @w: filled in; to be given to worker_free()
 * @conf: the service
 * @store: directory of templates
 */
void worker_init(struct worker *w, const struct conf_service *conf,
		 const char *store)
{
	memset(w, 0, sizeof(*w));
	w->id = xstrdup(conf->id);
	w->conf = conf;
	w->pipe = -1;
	w->backoff = BACKOFF_MIN_MS;
	start(w, store);
}

/* Tell a worker to end; without a process it has already. */
void worker_end(struct worker *w)
{
	w->conf = NULL;
	w->due = now_ms() + WORKER_END_MS;
	if (w->pid)
		kill(w->pid, SIGTERM);
}

/**
 * worker_died - the process of a worker has ended
 * @w: the worker
 * @status: from waitpid(2)
 *
 * Return: true if it was told to; otherwise it will be started again.
 */
bool worker_died(struct worker *w, int status)
{
	__u64 now = now_ms();

	w->pid = 0;
	if (w->pipe >= 0)
		close(w->pipe);
	w->pipe = -1;
	if (!w->conf) {
		complain("%s: let go", w->id);
		return true;
	}
	w->state = SERVICE_STARTING;
	if (now - w->started > BACKOFF_MAX_MS)
		w->backoff = BACKOFF_MIN_MS;
	w->due = now + w->backoff;
	complain("%s: %s %d; starts again in %llu s", w->id,
		 WIFSIGNALED(status) ? "ended by signal" : "failed with status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 w->backoff / 1000);
	w->backoff *= 2;
	if (w->backoff > BACKOFF_MAX_MS)
		w->backoff = BACKOFF_MAX_MS;
	return false;
}

/* Do what is due: start the process again, or kill it. */
void worker_timer(struct worker *w, const char *store)
{
	if (now_ms() < w->due)
		return;
	w->due = NEVER;
	if (w->conf) {
		start(w, store);
	} else {
		complain("%s: does not end, and is killed", w->id);
		kill(w->pid, SIGKILL);
	}
}

/* Only the last state matters. */
void worker_read_state(struct worker *w)
{
	unsigned char bytes[64];
	ssize_t n;

	while ((n = read(w->pipe, bytes, sizeof(bytes))) > 0) {
		if (bytes[n - 1] < SERVICE_STATES)
			w->state = bytes[n - 1];
	}
	if (n)
		return;
	close(w->pipe);
	w->pipe = -1;
}

void worker_free(struct worker *w)
{
	if (w->pipe >= 0)
		close(w->pipe);
	free(w->id);
}
