// SPDX-License-Identifier: GPL-2.0
/*
 * One service of "maioctl serve", in a process of its own, so that a device that
 * hangs holds up nothing else.
 *
 *	waiting --> armed --> loading --> armed ...
 *	              |
 *	              +--> idle --> armed ...
 *
 * Armed, MAIO is attached to the files and knows what to replay; it begins by
 * itself when somebody reads. Idle, nothing holds the files, and an inotify
 * watch on each of them tells when one is opened. From every state a model that
 * has changed leads back to waiting.
 *
 * SIGTERM ends the process at once, whatever it waits for, and so lets go.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "maioctl.h"

/* How often to look whether the files are still the same ones. */
#define CHECK_MS		2000

/* How often to try again what the kernel has refused. */
#define RETRY_MS		30000

/* How often to ask the kernel whether somebody reads. */
#define TICK_MIN_MS		20
#define TICK_MAX_MS		500

/**
 * struct service - a service at work
 * @conf: what is asked for
 * @options: the same, for load.c
 * @load: files and attachment, while armed or loading
 * @state: where it stands
 * @report: where to tell the state
 * @watch: inotify, or -1
 * @stamp: of the model when last looked at
 * @check_at: when to look at the model again, or to try again
 * @events: of the attachment so far
 * @bound: groups that processes have been matched to
 * @began: when the load began
 * @last: when somebody read, or when the files were attached
 * @told: why it waits, as last told
 */
struct service {
	const struct conf_service *conf;
	struct load_options options;
	struct load load;
	enum service_state state;
	int report;
	int watch;
	__u64 stamp;
	__u64 check_at;
	__u64 events;
	__u32 bound;
	__u64 began;
	__u64 last;
	struct why told;
};

static void set_state(struct service *s, enum service_state state)
{
	unsigned char byte = state;

	s->state = state;
	while (write(s->report, &byte, 1) < 0 && errno == EINTR)
		;
}

/* Stop whatever is done, and try again later. The reason is told once. */
static void wait_for(struct service *s, __u64 ms, const struct why *why)
{
	load_close(&s->load);
	if (s->watch >= 0)
		close(s->watch);
	s->watch = -1;
	s->check_at = now_ms() + ms;
	if (strcmp(s->told.text, why->text))
		complain("waiting: %s", why->text);
	s->told = *why;
	set_state(s, SERVICE_WAITING);
}

/*
 * Is the model what it was? A change may be the beginning of many, as in a
 * download: nothing is attached before two looks have seen the same.
 */
static bool model_settled(struct service *s)
{
	struct why why;
	__u64 stamp;
	bool same;

	if (model_stamp(s->conf->nr_models, s->conf->models, &stamp, &why)) {
		stamp = 0;
		same = false;
	} else {
		same = stamp == s->stamp || s->state == SERVICE_STARTING;
		if (!same)
			why_set(&why, "the model has changed");
	}
	s->stamp = stamp;
	s->check_at = now_ms() + CHECK_MS;
	if (!same)
		wait_for(s, CHECK_MS, &why);
	return same;
}

static void arm(struct service *s)
{
	struct ppc_features features;
	char buf[BYTES_TEXT_MAX];
	struct why why;
	int dev;

	if (!model_settled(s))
		return;
	/* Without the device there is no use in reading headers. */
	dev = ppc_open(&features, &why);
	if (dev < 0) {
		wait_for(s, RETRY_MS, &why);
		return;
	}
	close(dev);
	if (load_open(&s->load, &s->options, s->conf->nr_models,
		      s->conf->models, &why)) {
		wait_for(s, RETRY_MS, &why);
		return;
	}
	if (load_start(&s->load)) {
		why = s->load.reason;
		wait_for(s, RETRY_MS, &why);
		return;
	}
	s->events = 0;
	s->bound = 0;
	s->last = now_ms();
	s->told.text[0] = '\0';
	complain("armed (%s): %zu file%s, %s", s->load.reason.text,
		 s->load.model.nr, s->load.model.nr == 1 ? "" : "s",
		 bytes_text(s->load.model.bytes, buf));
	set_state(s, SERVICE_ARMED);
}

static void tell_load(const struct service *s)
{
	const struct ppc_stats *stats = &s->load.stats;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX], c[BYTES_TEXT_MAX];

	complain("load over in %.1f s: %s prefetched, %s useful, %s burned%s%s",
		 (double)(s->last - s->began) / 1000,
		 bytes_text(stats->prefetched_bytes, a),
		 bytes_text(stats->useful_bytes, b),
		 bytes_text(stats->burned_bytes, c),
		 stats->fallbacks ? "; the policy did more harm than good and gave up" : "",
		 s->load.saved ? "; template saved" : "");
}

static void finish_load(struct service *s)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	/* A template is saved whole, and leaves no temporary file. */
	sigprocmask(SIG_BLOCK, &term, NULL);
	/* Nobody says whether it came to its end: it must look like it. */
	load_save(&s->load, true);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	load_end(&s->load);
	tell_load(s);
	load_close(&s->load);
	arm(s);
}

/* How often to look; what is noticed has happened since the last time. */
static __u64 tick(const struct service *s)
{
	__u64 ms = s->conf->quiet / 4;

	if (s->conf->idle && s->conf->idle / 4 < ms)
		ms = s->conf->idle / 4;
	if (ms < TICK_MIN_MS)
		return TICK_MIN_MS;
	return ms < TICK_MAX_MS ? ms : TICK_MAX_MS;
}

/* Did anybody read? Return: -1, and why, once the attachment has ended. */
static int look_for_events(struct service *s, struct why *why)
{
	struct maio_status status;
	struct ppc_stats stats;
	__u64 events;

	/* Counters can be had of the dead, too. */
	if (maio_status_get(s->load.fd, &status, why) ||
	    ppc_stats_get(s->load.fd, &stats, why))
		return -1;
	if (status.bound_groups != s->bound)
		place_workers(&s->load);
	s->bound = status.bound_groups;
	events = stats.events_miss + stats.events_marker + stats.events_fault +
		 stats.events_consume;
	if (events == s->events)
		return 0;
	s->events = events;
	s->last = now_ms();
	if (s->state == SERVICE_ARMED) {
		s->began = s->last - tick(s);
		set_state(s, SERVICE_LOADING);
	}
	return 0;
}

/* A watch is on the file itself, whatever names lead to it. */
static int watch_files(const struct model *model, struct why *why)
{
	char path[64];
	size_t i;
	int fd;

	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return why_set(why, "inotify: %s", strerror(errno));
	for (i = 0; i < model->nr; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", model->fds[i]);
		if (inotify_add_watch(fd, path, IN_OPEN) >= 0)
			continue;
		why_set(why, "%s: cannot watch: %s", model->files[i].path,
			errno == ENOSPC ? "no more inotify watches (fs.inotify.max_user_watches)" :
					  strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void go_idle(struct service *s)
{
	struct why why;

	s->watch = watch_files(&s->load.model, &why);
	if (s->watch < 0) {
		complain("stays armed: %s", why.text);
		s->last = now_ms();
		return;
	}
	load_close(&s->load);
	complain("idle: let go of the files until one is opened");
	set_state(s, SERVICE_IDLE);
}

static void look_at_load(struct service *s)
{
	struct why why;
	__u64 unused;

	if (look_for_events(s, &why)) {
		wait_for(s, RETRY_MS, &why);
		return;
	}
	unused = now_ms() - s->last;
	if (s->state == SERVICE_LOADING && unused >= s->conf->quiet)
		finish_load(s);
	else if (s->state == SERVICE_ARMED && s->conf->idle &&
		 unused >= s->conf->idle)
		go_idle(s);
}

/*
 * What has opened a file is about to read it. A watch that is gone, as when the
 * file system was unmounted, tells nothing any more.
 */
static void look_at_watch(struct service *s)
{
	/* What happens to a file, and not to one in a directory, has no name. */
	struct inotify_event events[256];
	bool opened = false;
	ssize_t n;
	size_t i;

	while ((n = read(s->watch, events, sizeof(events))) > 0) {
		for (i = 0; i < n / sizeof(events[0]); i++)
			opened |= events[i].mask &
				  (IN_OPEN | IN_Q_OVERFLOW | IN_IGNORED);
	}
	if (!opened)
		return;
	close(s->watch);
	s->watch = -1;
	arm(s);
}

static void step(struct service *s)
{
	if (s->state == SERVICE_WAITING) {
		if (now_ms() >= s->check_at)
			arm(s);
		return;
	}
	if (now_ms() >= s->check_at && !model_settled(s))
		return;
	if (s->state == SERVICE_IDLE)
		look_at_watch(s);
	else
		look_at_load(s);
}

/* How long there is nothing to do; poll(2) takes it. */
static int pause_ms(const struct service *s)
{
	__u64 now = now_ms();
	__u64 left = s->check_at > now ? s->check_at - now : 0;

	if (s->state != SERVICE_WAITING && s->state != SERVICE_IDLE &&
	    left > tick(s))
		left = tick(s);
	return (int)left;
}

/**
 * service_run - serve until SIGTERM
 * @conf: the service
 * @store: directory of templates
 * @report: file descriptor to which each new enum service_state is written, as
 *	one byte
 */
void service_run(const struct conf_service *conf, const char *store, int report)
{
	struct service s = {
		.conf = conf,
		.options = {
			.store = (char *)store,
			.service = conf->template,
			.policy = MAIO_POLICY,
			.budget = conf->budget,
			.gap = conf->gap,
			.ceiling = conf->ceiling,
			.cold = true,
			.mode = conf->mode,
			.node = conf->node,
		},
		.load = { .fd = -1 },
		.report = report,
		.watch = -1,
	};
	struct pollfd wake[2] = { { .events = POLLIN }, { .events = POLLIN } };

	arm(&s);
	for (;;) {
		wake[0].fd = s.watch;
		/* A process has been matched to a group. */
		wake[1].fd = s.load.fd;
		poll(wake, ARRAY_SIZE(wake), pause_ms(&s));
		step(&s);
	}
}
