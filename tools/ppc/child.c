// SPDX-License-Identifier: GPL-2.0
/*
 * Run the command as if maioctl were not there: same signals, same limits,
 * same exit status.
 *
 * Signals are blocked and taken one by one. What a terminal sends goes to the
 * command as well, since it is in the same process group, and is not sent a
 * second time; what somebody sends to maioctl alone is passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "maioctl.h"

static const int forwarded[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
};

static sigset_t own_mask, held_mask;
static struct sigaction own_chld;
static struct rlimit own_files;
static bool signals_held, files_raised;

/* Of the command, while it runs and afterwards. */
static pid_t running;
static bool over;
static int over_status = EXIT_MAIOCTL;

/* Room for the files of a model; the command gets the limit back as it was. */
int files_limit_raise(size_t nr, struct why *why)
{
	rlim_t want = nr + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &own_files))
		return why_set(why, "getrlimit: %s", strerror(errno));
	if (own_files.rlim_cur >= want)
		return 0;
	limit = own_files;
	limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return why_set(why, "setrlimit: %s", strerror(errno));
	files_raised = true;
	return 0;
}

static int signals_hold(struct why *why)
{
	struct sigaction chld = { .sa_handler = SIG_DFL };
	size_t i;

	sigemptyset(&held_mask);
	sigaddset(&held_mask, SIGCHLD);
	for (i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&held_mask, forwarded[i]);
	/* Whoever ignores SIGCHLD is not told how a child ended. */
	if (sigaction(SIGCHLD, &chld, &own_chld) ||
	    sigprocmask(SIG_BLOCK, &held_mask, &own_mask))
		return why_set(why, "cannot hold signals: %s", strerror(errno));
	signals_held = true;
	return 0;
}

static void end_now(int signal)
{
	(void)signal;
	_exit(over_status);
}

/*
 * From here on a signal ends maioctl, with the command's exit status; those meant
 * for the command are gone.
 */
void child_signals_release(void)
{
	const struct sigaction end = { .sa_handler = end_now };
	const struct timespec now = { 0 };
	struct sigaction old;
	size_t i;

	if (!signals_held)
		return;
	while (sigtimedwait(&held_mask, NULL, &now) > 0 || errno == EINTR)
		errno = 0;
	for (i = 0; i < ARRAY_SIZE(forwarded); i++) {
		if (!sigaction(forwarded[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(forwarded[i], &end, NULL);
	}
	sigprocmask(SIG_SETMASK, &own_mask, NULL);
	signals_held = false;
}

/* Returns only if it fails. */
static void become_command(char **argv)
{
	/* The limit only ever went up, so it can always be put back. */
	if (files_raised)
		setrlimit(RLIMIT_NOFILE, &own_files);
	if (signals_held) {
		sigaction(SIGCHLD, &own_chld, NULL);
		sigprocmask(SIG_SETMASK, &own_mask, NULL);
	}
	execvp(argv[0], argv);
}

static int exec_status(int error)
{
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int wait_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/**
 * child_last_resort - the command, and nothing but the command
 * @argv: the command and its arguments; NULL: it is not to be run now
 *
 * For when maioctl cannot go on: the command is run if it has not been, and its
 * exit status is ours. The kernel lets go of the files.
 */
void child_last_resort(char **argv)
{
	int status;

	if (over)
		_exit(over_status);
	if (!running && !argv)
		_exit(EXIT_MAIOCTL);
	if (!running) {
		become_command(argv);
		_exit(exec_status(errno));
	}
	sigprocmask(SIG_SETMASK, &own_mask, NULL);
	while (waitpid(running, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(EXIT_MAIOCTL);
	}
	_exit(wait_status(status));
}

static void __noreturn exec_command(char **argv, int report)
{
	ssize_t n;
	int error;

	become_command(argv);
	error = errno;
	do {
		n = write(report, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	_exit(EXIT_NOT_FOUND);
}

static void take_signal(int signals, pid_t pid)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		return;
	/* That the terminal is gone, the kernel tells its session's leader alone. */
	if (info.ssi_code <= 0 ||
	    (info.ssi_signo == SIGHUP && getsid(0) == getpid()))
		kill(pid, info.ssi_signo);
}

static int wait_child(pid_t pid, struct child_watch *watch, int *status,
		      struct why *why)
{
	struct pollfd fds[2] = {
		{ .events = POLLIN },
		{ .fd = watch ? watch->fd : -1, .events = POLLIN },
	};
	int ret = -1;
	pid_t got;

	fds[0].fd = signalfd(-1, &held_mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fds[0].fd < 0)
		return why_set(why, "signalfd: %s", strerror(errno));
	for (;;) {
		/* And those whose parents have gone. */
		do {
			got = waitpid(-1, status, WNOHANG);
		} while (got > 0 && got != pid);
		if (got == pid) {
			ret = 0;
			break;
		}
		if (got < 0 && errno != EINTR) {
			why_set(why, "waitpid: %s", strerror(errno));
			break;
		}
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR) {
			why_set(why, "poll: %s", strerror(errno));
			break;
		}
		if (fds[0].revents)
			take_signal(fds[0].fd, pid);
		/* Once it fails there is no more to come. */
		if (fds[1].revents && (!(fds[1].revents & POLLIN) ||
				       watch->ready(watch->arg)))
			fds[1].fd = -1;
	}
	close(fds[0].fd);
	return ret;
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Did exec fail? The pipe closes without a word when it does not. */
static int exec_error(int fd)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

/**
 * child_run - run the command to its end
 * @argv: the command and its arguments
 * @watch: what else to wait for meanwhile, or NULL
 * @child: how it ended, or why it did not start
 *
 * Signals stay held until child_signals_release().
 *
 * Return: 0, or -1 if it could not be started.
 */
int child_run(char **argv, struct child_watch *watch, struct child *child)
{
	struct why *why = &child->error;
	int status, error, report[2];
	double start;
	pid_t pid;

	memset(child, 0, sizeof(*child));
	child->exit_status = EXIT_MAIOCTL;
	if (pipe2(report, O_CLOEXEC))
		return why_set(why, "pipe: %s", strerror(errno));
	if (signals_hold(why)) {
		close(report[0]);
		close(report[1]);
		return -1;
	}

	/* Descendants stay ours, to be told from those of another run. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	start = seconds_now();
	pid = fork();
	if (pid < 0) {
		why_set(why, "fork: %s", strerror(errno));
		close(report[0]);
		close(report[1]);
		return -1;
	}
	if (!pid)
		exec_command(argv, report[1]);
	running = pid;
	close(report[1]);
	error = exec_error(report[0]);
	close(report[0]);

	if (wait_child(pid, watch, &status, why))
		return -1;
	child->seconds = seconds_now() - start;
	child->exit_status = error ? exec_status(error) : wait_status(status);
	over_status = child->exit_status;
	over = true;
	if (error)
		return why_set(why, "cannot run %s: %s", argv[0],
			       strerror(error));
	child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}
