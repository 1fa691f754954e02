// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl top": loads as they go, one attachment a line.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "top.h"

#define DELAY_MAX_SECONDS	3600

static const char usage_text[] =
"Usage: maioctl top [--once] [--json] [--delay SECS]\n"
"\n"
"Shows the attachments of every process you may look at: how far each load has\n"
"come, how fast it is read ahead, and what became of it. On a terminal, 'q' ends.\n"
"\n"
"  --once           print one sample, after the delay, and end\n"
"  --json           print JSON, one sample a line\n"
"  --delay SECS     seconds between two samples, 1 to 3600 (default: 1)\n"
"  -h, --help       this text\n";

/**
 * struct top - what is shown, and how
 * @once: one sample only
 * @json: as JSON
 * @screen: standard output is a terminal, which is redrawn
 * @keys: standard input is a terminal
 * @delay_ms: between samples
 * @stride: bytes of progress between two "consume" events
 * @signals: signalfd
 * @modes: of the terminal, to be put back
 */
struct top {
	bool once;
	bool json;
	bool screen;
	bool keys;
	__u64 delay_ms;
	__u64 stride;
	int signals;
	struct termios modes;
};

static int print_sample(const struct top *top, const struct sample *sample,
			struct why *why)
{
	return top->json ? sample_print_json(sample, why) :
			   sample_print(sample, top->screen, why);
}

/* Keys arrive one by one and are not shown. */
static void keys_begin(struct top *top)
{
	struct termios modes;

	if (!top->keys)
		return;
	modes = top->modes;
	modes.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

static void keys_end(const struct top *top)
{
	if (top->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &top->modes);
}

enum wish {
	WISH_NONE,
	WISH_REDRAW,
	WISH_END,
};

static enum wish read_signal(struct top *top)
{
	struct signalfd_siginfo info;

	if (read(top->signals, &info, sizeof(info)) != sizeof(info))
		return WISH_NONE;
	switch (info.ssi_signo) {
	case SIGCONT:	/* the shell has put back its own modes */
		keys_begin(top);
		return WISH_REDRAW;
	case SIGWINCH:
		return WISH_REDRAW;
	}
	return WISH_END;
}

static enum wish read_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n < 0 && errno == EINTR)
		return WISH_NONE;
	return n != 1 || key == 'q' ? WISH_END : WISH_NONE;
}

/* Wait for a signal, a key or @until, whichever comes first. */
static enum wish wait_until(struct top *top, __u64 until)
{
	struct pollfd polls[] = {
		{ .fd = top->signals, .events = POLLIN },
		{ .fd = top->keys ? STDIN_FILENO : -1, .events = POLLIN },
	};
	__u64 now = now_ms();

	if (poll(polls, ARRAY_SIZE(polls), until > now ? (int)(until - now) : 0) <= 0)
		return WISH_NONE;
	if (polls[0].revents)
		return read_signal(top);
	return read_key();
}

static int show(struct top *top, struct why *why)
{
	struct sample sample = { .nr = 0 }, next;
	enum wish wish;
	__u64 until;
	int ret = 0;

	sample_take(&sample, &(struct sample){ .nr = 0 }, top->stride);
	if (top->screen)
		ret = print_sample(top, &sample, why);
	until = now_ms() + top->delay_ms;
	while (!ret) {
		wish = wait_until(top, until);
		if (wish == WISH_END)
			break;
		if (wish == WISH_REDRAW && top->screen)
			ret = print_sample(top, &sample, why);
		if (now_ms() < until)
			continue;
		sample_take(&next, &sample, top->stride);
		sample_free(&sample);
		sample = next;
		ret = print_sample(top, &sample, why);
		until = now_ms() + top->delay_ms;
		if (top->once)
			break;
	}
	sample_free(&sample);
	return ret;
}

static int hold_signals(struct top *top, struct why *why)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGWINCH);
	sigaddset(&mask, SIGCONT);
	/* A reader that goes away shows as a failed write. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	top->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (top->signals < 0)
		return why_set(why, "signalfd: %s", strerror(errno));
	return 0;
}

static int run(struct top *top, struct why *why)
{
	struct ppc_features features;
	int dev, ret;

	dev = ppc_open(&features, why);
	if (dev < 0)
		return -1;
	close(dev);
	top->stride = features.stride;
	if (hold_signals(top, why))
		return -1;
	top->screen = !top->json && !top->once && isatty(STDOUT_FILENO);
	top->keys = top->screen && !tcgetattr(STDIN_FILENO, &top->modes);
	keys_begin(top);
	ret = show(top, why);
	keys_end(top);
	close(top->signals);
	return ret;
}

static int parse_delay(const char *text, __u64 *ms, struct why *why)
{
	const char *p = text;
	__u64 seconds;

	if (decimal_parse(&p, &seconds) || *p || !seconds ||
	    seconds > DELAY_MAX_SECONDS)
		return why_set(why, "delay '%s' is not a number of seconds from 1 to %d",
			       text, DELAY_MAX_SECONDS);
	*ms = seconds * 1000;
	return 0;
}

int cmd_top(int argc, char **argv)
{
	struct top top = { .delay_ms = 1000 };
	const char *delay = NULL;
	const struct option_arg options[] = {
		{ "once", .flag = &top.once },
		{ "json", .flag = &top.json },
		{ "delay", .value = &delay },
		{ }
	};
	struct why why;
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, 0);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (delay)
		ret = parse_delay(delay, &top.delay_ms, &why);
	if (!ret)
		ret = run(&top, &why);
	if (ret)
		complain("%s", why.text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
