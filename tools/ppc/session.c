// SPDX-License-Identifier: GPL-2.0
/*
 * One "maioctl run" from beginning to end: attach, replay or record, run the
 * command, let go, report.
 *
 * Whatever goes wrong with the policy, the command runs as it would on a stock
 * kernel, unless --require says otherwise.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maioctl.h"

/**
 * struct session - a run while it goes on
 * @options: command line
 * @model: files of the load
 * @report: what there is to tell
 * @fd: attachment, or -1
 */
struct session {
	const struct run_options *options;
	struct model model;
	struct run_report report;
	int fd;
};

static void __printf(2, 3) warn(const struct session *s, const char *fmt, ...)
{
	struct why text;
	va_list ap;

	if (s->options->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	complain("warning: %s", text.text);
}

/* Is there a template for this load? If not, the report's reason says why. */
static bool find_template(struct session *s, struct store_entry *entry)
{
	struct run_report *r = &s->report;
	struct why why;
	int ret;

	if (s->options->record) {
		why_set(&r->reason, "asked to record");
		return false;
	}
	ret = store_load(r->path, entry, &why);
	if (ret > 0) {
		why_set(&r->reason, "no template yet");
		return false;
	}
	if (ret < 0) {
		why_set(&r->reason, "template unusable: %s", why.text);
	} else if (store_fits(entry, &s->model, &why)) {
		why_set(&r->reason, "template stale: %s", why.text);
	} else if (!coverage_enough(entry->resident_bytes, entry->model_bytes)) {
		why_set(&r->reason, "template covers only %.0f %% of the model",
			100 * store_coverage(entry));
	} else {
		why_set(&r->reason, "template fits");
		r->coverage = store_coverage(entry);
		return true;
	}
	warn(s, "%s: %s; recording anew", r->path, r->reason.text);
	if (!ret)
		store_entry_free(entry);
	return false;
}

static int start_replay(struct session *s)
{
	const struct run_options *o = s->options;
	struct run_report *r = &s->report;
	struct store_entry entry;
	struct why why;
	int ret;

	if (!find_template(s, &entry))
		return -1;
	ret = maio_template_set(s->fd, entry.blob, entry.blob_len, &why);
	store_entry_free(&entry);
	if (!ret && maio_mode_set(s->fd, o->mode, o->node, o->gap, &why))
		warn(s, "%s", why.text);
	if (!ret)
		ret = maio_replay_start(s->fd, &why);
	if (ret) {
		warn(s, "%s; recording anew", why.text);
		r->reason = why;
		r->coverage = -1;
		return -1;
	}
	r->state = RUN_REPLAY;
	return 0;
}

/* Return: 0, or -1 with the reason in the report when the policy is not at work. */
static int attach(struct session *s)
{
	const struct run_options *o = s->options;
	struct run_report *r = &s->report;
	struct ppc_features features;
	struct why why;
	int dev;

	dev = ppc_open(&features, &r->reason);
	if (dev < 0)
		return -1;
	if (!features.enabled) {
		why_set(&r->reason, "page cache policies are switched off on this kernel");
		close(dev);
		return -1;
	}
	s->fd = ppc_attach_files(dev, o->policy, &s->model, o->budget, &r->reason);
	close(dev);
	if (s->fd < 0)
		return -1;

	if (strcmp(o->policy, MAIO_POLICY)) {
		why_set(&r->reason, "policy '%s' decides", o->policy);
		r->state = RUN_ATTACHED;
		return 0;
	}
	if (!start_replay(s))
		return 0;
	if (!maio_record_start(s->fd, &why)) {
		r->state = RUN_RECORD;
		return 0;
	}
	r->reason = why;
	close(s->fd);
	s->fd = -1;
	return -1;
}

/* Is a recording of this run worth keeping? */
static int judge_run(const struct session *s, struct why *why)
{
	const struct run_report *r = &s->report;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];

	if (!r->have_status)
		return why_set(why, "the kernel does not say what it recorded");
	if (!coverage_enough(r->status.resident_at_start, s->model.bytes))
		return why_set(why, "%s of %s were cached at the start, so the recording saw too little; run again with a cold cache",
			       bytes_text(r->status.resident_at_start, a),
			       bytes_text(s->model.bytes, b));
	if (r->child.exit_status && r->status.template_bytes &&
	    r->status.template_bytes < s->model.bytes / 100 * COVERAGE_MIN_PERCENT)
		return why_set(why, "the command failed after reading %s of %s",
			       bytes_text(r->status.template_bytes, a),
			       bytes_text(s->model.bytes, b));
	return model_unchanged(&s->model, why);
}

static int save_template(struct session *s, struct why *why)
{
	struct run_report *r = &s->report;
	struct store_entry entry = {
		.service = r->service,
		.created = time(NULL),
		.model_bytes = s->model.bytes,
		.files = s->model.files,
		.nr_files = s->model.nr,
	};
	struct template_view view;
	int ret = -1;

	if (judge_run(s, why))
		return -1;
	entry.resident_bytes = r->status.resident_at_start;
	entry.blob = maio_template_get(s->fd, &entry.blob_len, why);
	if (!entry.blob)
		return -1;
	if (template_check(entry.blob, entry.blob_len, &view, why))
		goto free;
	if (!view.nr_extents) {
		why_set(why, "the template covers nothing");
		goto free;
	}
	ret = store_save(s->options->store, &entry, why);
	if (!ret)
		r->coverage = store_coverage(&entry);
free:
	free(entry.blob);
	return ret;
}

/* The command has ended: stop, save, count. */
static void finish(struct session *s)
{
	struct run_report *r = &s->report;
	struct why why, stop_why;
	int ret = 0;

	if (r->state == RUN_RECORD)
		ret = maio_record_stop(s->fd, &stop_why);
	if (r->state != RUN_ATTACHED) {
		r->have_status = !maio_status_get(s->fd, &r->status, &why);
		if (!r->have_status)
			warn(s, "%s", why.text);
	}
	if (r->state == RUN_RECORD) {
		/* Without an end there is no template, or it is an older one. */
		if (ret)
			r->save_note = stop_why;
		else
			r->saved = !save_template(s, &r->save_note);
		if (!r->saved)
			warn(s, "template not saved: %s", r->save_note.text);
	}
	/* The tail is burned now. A device may hang: Ctrl-C is an answer to that. */
	child_signals_release();
	if (ppc_detach(s->fd, &why))
		warn(s, "%s", why.text);
	r->have_stats = !ppc_stats_get(s->fd, &r->stats, &why);
	if (!r->have_stats)
		warn(s, "%s", why.text);
}

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

static void tell(struct session *s, FILE *json)
{
	struct why why;

	/* A reader of the report that goes away is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	if (!s->options->quiet)
		report_text(&s->report, stderr);
	if (json && report_json(&s->report, json, &why))
		warn(s, "%s: %s", s->options->json, why.text);
}

static void announce(const struct session *s)
{
	const struct run_report *r = &s->report;
	char buf[BYTES_TEXT_MAX];

	if (!s->options->quiet)
		complain("%s (%s): %zu file%s, %s, service %s",
			 run_state_name(r->state), r->reason.text, s->model.nr,
			 s->model.nr == 1 ? "" : "s",
			 bytes_text(s->model.bytes, buf), r->service);
}

/**
 * session_run - do what "maioctl run" does
 * @o: the command line
 *
 * Return: the exit status.
 */
int session_run(const struct run_options *o)
{
	struct session s = { .options = o, .fd = -1 };
	struct run_report *r = &s.report;
	int ret = EXIT_MAIOCTL;
	FILE *json = NULL;
	struct why why;

	r->options = o;
	r->model = &s.model;
	r->coverage = -1;

	/* Now, and not after hours of work, is the time to find this fails. */
	if (o->json) {
		json = open_json(o->json, &why);
		if (!json)
			goto error;
	}
	if (files_limit_raise(MAIO_MAX_FILES, &why) ||
	    model_open(&s.model, o->nr_models, o->models, &why))
		goto error;
	r->service = o->service ? xstrdup(o->service) : service_default(&s.model);
	r->path = store_path(o->store, r->service);

	if (attach(&s)) {
		if (o->require) {
			why_set(&why, "%s", r->reason.text);
			goto error;
		}
		warn(&s, "%s; running without", r->reason.text);
	} else {
		announce(&s);
	}

	if (child_run(o->command, &r->child, &why))
		complain("%s", why.text);
	ret = r->child.exit_status;
	if (s.fd >= 0)
		finish(&s);
	tell(&s, json);
	goto out;
error:
	complain("%s", why.text);
	if (json)
		report_error_json(why.text, json, &why);
out:
	if (s.fd >= 0)
		close(s.fd);
	if (json && json != stdout)
		fclose(json);
	model_close(&s.model);
	free(r->service);
	free(r->path);
	return ret;
}
