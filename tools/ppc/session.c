// SPDX-License-Identifier: GPL-2.0
/*
 * One "maioctl run" from beginning to end: put the policy to work, run the
 * command, let go, report.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "maioctl.h"

static FILE *open_json(const char *path, struct why *why)
{
	FILE *out;

	if (!strcmp(path, "-"))
		return stdout;
	out = fopen(path, "we");
	if (!out)
		why_set(why, "%s: cannot write: %s", path, strerror(errno));
	return out;
}

static void tell(const struct run_options *o, const struct load *load,
		 const struct child *child, FILE *json)
{
	struct why why;

	/* A reader of the report that goes away is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	if (!o->load.quiet)
		report_text(load, child, stderr);
	if (json && report_json(load, child, json, &why) && !o->load.quiet)
		complain("warning: %s: %s", o->json, why.text);
}

static void announce(const struct load *l)
{
	char buf[BYTES_TEXT_MAX];

	if (!l->options->quiet)
		complain("%s (%s): %zu file%s, %s, service %s",
			 load_state_name(l->state), l->reason.text, l->model.nr,
			 l->model.nr == 1 ? "" : "s",
			 bytes_text(l->model.bytes, buf), l->service);
}

/* COMMAND runs to its end, whatever becomes of the policy. */
static const struct run_options *now_running;

static void give_up(void)
{
	child_last_resort(now_running->require ? NULL : now_running->command);
}

/**
 * session_run - do what "maioctl run" does
 * @o: the command line
 *
 * Return: the exit status.
 */
int session_run(const struct run_options *o)
{
	int ret = EXIT_MAIOCTL;
	struct load load = { .fd = -1 };
	struct child_watch watch = { .ready = place_workers, .arg = &load };
	struct child child;
	FILE *json = NULL;
	struct why why;

	now_running = o;
	on_out_of_memory(give_up);
	/* Now, and not after hours of work, is the time to find this fails. */
	if (o->json) {
		json = open_json(o->json, &why);
		if (!json)
			goto error;
	}
	if (load_open(&load, &o->load, o->nr_models, o->models, &why))
		goto error;
	if (!load_start(&load)) {
		announce(&load);
	} else if (o->require) {
		why = load.reason;
		goto error;
	} else if (!o->load.quiet) {
		complain("warning: %s; running without", load.reason.text);
	}

	watch.fd = o->load.node < 0 && load.replayed_groups ? load.fd : -1;
	if (child_run(o->command, &watch, &child))
		complain("%s", child.error.text);
	ret = child.exit_status;
	if (load.fd >= 0) {
		load_save(&load, child.exit_status);
		/* A device may hang: Ctrl-C is an answer to that. */
		child_signals_release();
		load_end(&load);
	}
	tell(o, &load, &child, json);
	goto out;
error:
	complain("%s", why.text);
	if (json)
		report_error_json(why.text, json, &why);
out:
	if (json && json != stdout)
		fclose(json);
	load_close(&load);
	return ret;
}
