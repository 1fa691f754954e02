// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl serve": reads the configuration, and keeps a process at work for each
 * service in it. Whatever may hang or die is done there; here are the signals,
 * the service manager, and the patience with processes that fail.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define CONFIG_DIR		"/etc/maio.d"

/* The service manager is told "ready" at last, even if a service hangs. */
#define READY_MS		10000

/* How long processes that have been killed may take to die. */
#define KILL_MS			2000

static const char usage_text[] =
"Usage: maioctl serve [--config DIR]\n"
"       maioctl serve --check [--config DIR] [--json]\n"
"\n"
"Applies MAIO to the models that the configuration names, for all processes\n"
"that load them. SIGHUP reads the configuration again, SIGTERM ends it.\n"
"\n"
"  --config DIR     directory of *.conf files (default: " CONFIG_DIR ")\n"
"  --check          only say what would be served\n"
"  --json           with --check, as JSON\n"
"  -h, --help       this text\n";

/**
 * struct server - all of it
 * @dir: of the configuration
 * @conf: in force
 * @workers: one for each service, and those that are about to end
 * @nr: how many
 * @signals: signalfd
 * @begun: when
 * @ready: the service manager has been told so
 * @ending: nothing is started any more
 * @watchdog_ms: how often to tell the service manager, 0: never
 * @watchdog_at: when to do that
 * @status: as told
 */
struct server {
	const char *dir;
	struct conf conf;
	struct worker *workers;
	size_t nr;
	int signals;
	__u64 begun;
	bool ready;
	bool ending;
	__u64 watchdog_ms;
	__u64 watchdog_at;
	char status[128];
};

static void add_worker(struct server *server, const struct conf_service *conf)
{
	server->workers = xrealloc(server->workers, server->nr + 1,
				   sizeof(*server->workers));
	worker_init(&server->workers[server->nr++], conf, server->conf.store);
}

static void remove_worker(struct server *server, struct worker *w)
{
	worker_free(w);
	*w = server->workers[--server->nr];
}

static void end_worker(struct server *server, struct worker *w)
{
	worker_end(w);
	if (!w->pid)
		remove_worker(server, w);
}

static bool is_served(const struct server *server,
		      const struct conf_service *conf)
{
	size_t i;

	for (i = 0; i < server->nr; i++) {
		if (server->workers[i].conf == conf)
			return true;
	}
	return false;
}

/* Put @conf into force. What it leaves unchanged goes on undisturbed. */
static void apply(struct server *server, struct conf *conf)
{
	const bool same_store = server->conf.store &&
				!strcmp(server->conf.store, conf->store);
	struct conf old = server->conf;
	size_t i;

	server->conf = *conf;
	complain("serving %zu service%s of %s", server->conf.nr,
		 server->conf.nr == 1 ? "" : "s", server->dir);
	/* From the end, where a worker that goes is replaced by one seen. */
	for (i = server->nr; i--;) {
		struct worker *w = &server->workers[i];
		const struct conf_service *now;

		if (!w->conf)
			continue;
		now = conf_find(&server->conf, w->id);
		/* What waits tries again: that may be why we were asked. */
		if (now && same_store && conf_service_equal(w->conf, now) &&
		    w->pid && w->state != SERVICE_WAITING)
			w->conf = now;
		else
			end_worker(server, w);
	}
	for (i = 0; i < server->conf.nr; i++) {
		if (!is_served(server, &server->conf.services[i]))
			add_worker(server, &server->conf.services[i]);
	}
	conf_free(&old);
	server->begun = now_ms();
	server->ready = false;
}

static void reload(struct server *server)
{
	struct timespec ts;
	struct conf conf;
	struct why why;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sd_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
		  (__u64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	if (!conf_read(&conf, server->dir, &why)) {
		apply(server, &conf);
		return;
	}
	conf_free(&conf);
	complain("%s; the configuration stays as it was", why.text);
	server->ready = false;
}

static void end_all(struct server *server)
{
	size_t i;

	if (server->ending)
		return;
	server->ending = true;
	server->begun = now_ms();
	sd_notify("STOPPING=1");
	for (i = server->nr; i--;) {
		if (server->workers[i].conf)
			end_worker(server, &server->workers[i]);
	}
}

static void reap(struct server *server)
{
	struct worker *w;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (w = server->workers; w < server->workers + server->nr; w++) {
			if (w->pid == pid)
				break;
		}
		if (w < server->workers + server->nr && worker_died(w, status))
			remove_worker(server, w);
	}
}

static void handle_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(server);
			break;
		case SIGHUP:
			if (!server->ending)
				reload(server);
			break;
		default:
			end_all(server);
		}
	}
}

static void handle_timers(struct server *server)
{
	__u64 now = now_ms();
	size_t i;

	for (i = 0; i < server->nr; i++)
		worker_timer(&server->workers[i], server->conf.store);
	if (server->watchdog_ms && now >= server->watchdog_at) {
		sd_notify("WATCHDOG=1");
		server->watchdog_at = now + server->watchdog_ms;
	}
}

static void tell_manager(struct server *server)
{
	static const char *const names[] = {
		[SERVICE_STARTING] = "starting",
		[SERVICE_WAITING] = "waiting",
		[SERVICE_ARMED] = "armed",
		[SERVICE_LOADING] = "loading",
		[SERVICE_IDLE] = "idle",
	};
	char status[sizeof(server->status)];
	size_t counts[SERVICE_STATES] = { 0 };
	size_t i, len = 0;

	for (i = 0; i < server->nr; i++) {
		if (server->workers[i].conf)
			counts[server->workers[i].state]++;
	}
	snprintf(status, sizeof(status), "no services");
	for (i = 0; i < SERVICE_STATES; i++) {
		if (counts[i])
			len += snprintf(status + len, sizeof(status) - len,
					"%s%zu %s", len ? ", " : "services: ",
					counts[i], names[i]);
	}
	if (strcmp(status, server->status)) {
		memcpy(server->status, status, sizeof(status));
		sd_notify("STATUS=%s", status);
	}
	if (!server->ready && (!counts[SERVICE_STARTING] ||
			       now_ms() >= server->begun + READY_MS)) {
		server->ready = true;
		sd_notify("READY=1");
	}
}

static int pause_ms(const struct server *server)
{
	__u64 now = now_ms(), next = NEVER;
	size_t i;

	for (i = 0; i < server->nr; i++) {
		if (server->workers[i].due < next)
			next = server->workers[i].due;
	}
	if (server->ending && server->begun + WORKER_END_MS + KILL_MS < next)
		next = server->begun + WORKER_END_MS + KILL_MS;
	if (!server->ready && server->begun + READY_MS < next)
		next = server->begun + READY_MS;
	if (server->watchdog_ms && server->watchdog_at < next)
		next = server->watchdog_at;
	if (next == NEVER)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static void wait_and_handle(struct server *server)
{
	struct pollfd *polls = xalloc(server->nr + 1, sizeof(*polls));
	size_t i;

	polls[0].fd = server->signals;
	polls[0].events = POLLIN;
	for (i = 0; i < server->nr; i++) {
		polls[i + 1].fd = server->workers[i].pipe;
		polls[i + 1].events = POLLIN;
	}
	poll(polls, server->nr + 1, pause_ms(server));
	for (i = 0; i < server->nr; i++) {
		if (polls[i + 1].revents)
			worker_read_state(&server->workers[i]);
	}
	free(polls);
	handle_signals(server);
	handle_timers(server);
}

static int hold_signals(struct why *why)
{
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	/* That nobody reads the messages any more is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? why_set(why, "signalfd: %s", strerror(errno)) : fd;
}

static int serve(const char *dir, struct conf *conf, struct why *why)
{
	struct server server = { .dir = dir };
	size_t i;

	server.signals = hold_signals(why);
	if (server.signals < 0)
		return -1;
	server.watchdog_ms = sd_watchdog_ms();
	apply(&server, conf);
	memset(conf, 0, sizeof(*conf));
	while (!server.ending ||
	       (server.nr && now_ms() < server.begun + WORKER_END_MS + KILL_MS)) {
		if (!server.ending)
			tell_manager(&server);
		wait_and_handle(&server);
	}
	for (i = server.nr; i--;) {
		complain("%s: does not even die; left behind",
			 server.workers[i].id);
		remove_worker(&server, &server.workers[i]);
	}
	free(server.workers);
	conf_free(&server.conf);
	close(server.signals);
	return 0;
}

int cmd_serve(int argc, char **argv)
{
	const char *dir = CONFIG_DIR;
	bool check = false, json = false;
	const struct option_arg options[] = {
		{ "config", .value = &dir },
		{ "check", .flag = &check },
		{ "json", .flag = &json },
		{ }
	};
	struct conf conf;
	struct why why;
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, 0);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (json && !check) {
		fputs(usage_text, stderr);
		return EXIT_FAILURE;
	}
	ret = conf_read(&conf, dir, &why);
	if (!ret)
		ret = check ? serve_check(&conf, json, &why) :
			      serve(dir, &conf, &why);
	if (ret)
		complain("%s", why.text);
	conf_free(&conf);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
