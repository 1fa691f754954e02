// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO at work on one model: attach, replay or record, let go, and keep what was
 * recorded. Whatever goes wrong, the files are read as on a stock kernel.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maioctl.h"

/* What is read ahead is counted in pieces larger than what is recorded. */
#define RECORDING_SLACK		(64UL << 20)

static void __printf(2, 3) warn(const struct load *l, const char *fmt, ...)
{
	struct why text;
	va_list ap;

	if (l->options->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	complain("warning: %s", text.text);
}

/**
 * load_open - open the files of a load and name its service
 * @l: filled in; to be given to load_close() also after a failure
 * @o: how to load; must outlive @l
 * @nr_models: how many arguments
 * @models: MODEL arguments
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int load_open(struct load *l, const struct load_options *o, int nr_models,
	      char **models, struct why *why)
{
	memset(l, 0, sizeof(*l));
	l->options = o;
	l->fd = -1;
	l->coverage = -1;
	l->gap = o->gap;
	l->node = o->node;
	if (files_limit_raise(MAIO_MAX_FILES, why) ||
	    model_open(&l->model, nr_models, models, why))
		return -1;
	l->service = o->service ? xstrdup(o->service) :
				  service_default(&l->model);
	l->path = o->store ? store_path(o->store, l->service) : NULL;
	if (l->model.note.text[0])
		warn(l, "%s", l->model.note.text);
	return 0;
}

/* Is there a template for this load? If not, the reason says why. */
static bool find_template(struct load *l, struct store_entry *entry)
{
	struct why why;
	int ret;

	if (l->options->record) {
		why_set(&l->reason, "asked to record");
		return false;
	}
	ret = l->path ? store_load(l->path, entry, &why) : 1;
	if (ret > 0) {
		why_set(&l->reason, "no template yet");
		return false;
	}
	if (ret < 0) {
		why_set(&l->reason, "template unusable: %s", why.text);
	} else if (store_fits(entry, &l->model, &why)) {
		why_set(&l->reason, "template stale: %s", why.text);
	} else if (!coverage_enough(entry->resident_bytes, entry->model_bytes)) {
		why_set(&l->reason, "template covers only %.0f %% of the model",
			100 * store_coverage(entry));
	} else {
		why_set(&l->reason, "template fits");
		l->coverage = store_coverage(entry);
		return true;
	}
	warn(l, "%s: %s; recording anew", l->path, l->reason.text);
	if (!ret)
		store_entry_free(entry);
	return false;
}

/*
 * Mode, node and gap go by one call: a node without memory, or a gap that is too
 * large, must not cost the others.
 */
static void set_mode(struct load *l, enum maio_mode mode)
{
	struct why why;

	if (!maio_mode_set(l->fd, mode, l->node, l->gap, &why))
		return;
	warn(l, "%s", why.text);
	if (l->node >= 0 && !maio_mode_set(l->fd, mode, -1, l->gap, &why)) {
		l->node = -1;
		return;
	}
	if (l->gap && !maio_mode_set(l->fd, mode, l->node, 0, &why)) {
		l->gap = 0;
		return;
	}
	if (l->node < 0 || !l->gap)
		return;
	l->node = -1;
	l->gap = 0;
	if (maio_mode_set(l->fd, mode, l->node, l->gap, &why))
		warn(l, "%s", why.text);
}

static int start_replay(struct load *l, enum maio_mode mode, const void *blob,
			size_t len, struct why *why)
{
	struct maio_status status;
	__u32 i;

	if (maio_template_set(l->fd, blob, len, why))
		return -1;
	if (l->node < 0 && l->options->pid)
		l->node = place_default();
	set_mode(l, mode);
	if (maio_status_get(l->fd, &status, why) ||
	    maio_replay_start(l->fd, why))
		return -1;
	free(l->placed);
	l->placed = xalloc(status.nr_groups, sizeof(*l->placed));
	for (i = 0; i < status.nr_groups; i++)
		l->placed[i] = -1;
	l->replayed_groups = status.nr_groups;
	l->replayed_bytes = status.template_bytes;
	return 0;
}

/* Replay what was recorded, or else what the files' headers tell. */
static void choose_template(struct load *l)
{
	struct store_entry entry;
	enum maio_mode mode;
	struct why why;
	size_t len;
	void *blob;
	int ret;

	if (find_template(l, &entry)) {
		ret = start_replay(l, l->options->mode, entry.blob,
				   entry.blob_len, &why);
		store_entry_free(&entry);
		if (!ret) {
			l->state = LOAD_REPLAY;
			store_used(l->path);
			return;
		}
		warn(l, "%s; recording anew", why.text);
		l->reason = why;
		l->coverage = -1;
	}
	if (!l->options->cold)
		return;
	blob = cold_template(&l->model, &len, &why);
	/* Headers don't tell which workers want what: burn no more than needed. */
	mode = l->options->mode == MAIO_MODE_BURN ? MAIO_MODE_AUTO :
						    l->options->mode;
	if (!blob || start_replay(l, mode, blob, len, &why))
		warn(l, "nothing to replay in this run: %s", why.text);
	else
		l->state = LOAD_COLD;
	free(blob);
}

/**
 * load_start - put the policy to work
 * @l: from load_open()
 *
 * What is replayed is recorded as well: a load may not be what it was.
 *
 * Return: 0, or -1 with the reason in @l when the policy is not at work.
 */
int load_start(struct load *l)
{
	const struct load_options *o = l->options;
	struct ppc_features features;
	int dev;

	dev = ppc_open(&features, &l->reason);
	if (dev < 0)
		return -1;
	if (!features.enabled) {
		why_set(&l->reason, "page cache policies are switched off on this kernel");
		close(dev);
		return -1;
	}
	l->fd = ppc_attach_files(dev, o->policy, &l->model,
				 o->pid, o->budget, o->ceiling, &l->reason);
	close(dev);
	if (l->fd < 0)
		return -1;

	if (strcmp(o->policy, MAIO_POLICY)) {
		why_set(&l->reason, "policy '%s' decides", o->policy);
		l->state = LOAD_ATTACHED;
		return 0;
	}
	if (maio_record_start(l->fd, &l->reason)) {
		close(l->fd);
		l->fd = -1;
		return -1;
	}
	l->state = LOAD_RECORD;
	choose_template(l);
	return 0;
}

/* Is a recording of this load worth keeping? */
static int judge_recording(const struct load *l, bool failed, struct why *why)
{
	const struct maio_status *status = &l->status;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];
	__u64 useful = 0;

	if (!coverage_enough(status->resident_at_start, l->model.bytes))
		return why_set(why, "%s of %s were cached at the start, so the recording saw too little; run again with a cold cache",
			       bytes_text(status->resident_at_start, a),
			       bytes_text(l->model.bytes, b));
	if (failed && status->template_bytes &&
	    status->template_bytes < l->model.bytes / 100 * COVERAGE_MIN_PERCENT)
		return why_set(why, "the load failed, or is not known to be whole: %s of %s were read",
			       bytes_text(status->template_bytes, a),
			       bytes_text(l->model.bytes, b));
	/* A load may read the model several times, and the recording shows it once. */
	if (l->have_stats)
		useful = l->stats.useful_bytes;
	if (useful > l->model.bytes)
		useful = l->model.bytes;
	if (useful / 100 * COVERAGE_MIN_PERCENT > status->template_bytes + RECORDING_SLACK)
		return why_set(why, "the recording shows %s, and %s that were read ahead were read",
			       bytes_text(status->template_bytes, a), bytes_text(useful, b));
	return model_unchanged(&l->model, why);
}

/* Had the load other workers than the template, and read as much as it says? */
static bool outgrown(const struct load *l)
{
	const struct maio_status *status = &l->status;

	return status->nr_groups && status->nr_groups != l->replayed_groups &&
	       status->template_bytes >=
			l->replayed_bytes / 100 * COVERAGE_MIN_PERCENT;
}

static int save_template(struct load *l, bool failed, struct why *why)
{
	struct store_entry entry = {
		.service = l->service,
		.created = time(NULL),
		.model_bytes = l->model.bytes,
		.resident_bytes = l->status.resident_at_start,
		.files = l->model.files,
		.nr_files = l->model.nr,
	};
	struct template_view view;
	int ret = -1;

	if (!l->path)
		return why_set(why, "no directory to keep it in");
	if (judge_recording(l, failed, why))
		return -1;
	entry.blob = maio_template_get(l->fd, &entry.blob_len, why);
	if (!entry.blob)
		return -1;
	if (template_check(entry.blob, entry.blob_len, &view, why))
		goto free;
	if (!view.nr_extents) {
		why_set(why, "the template covers nothing");
		goto free;
	}
	template_fit(&entry);
	ret = store_save(l->options->store, &entry, why);
	if (!ret)
		l->coverage = store_coverage(&entry);
free:
	free(entry.blob);
	return ret;
}

/**
 * load_save - the load is over: end the recording, and save it if it is of use
 * @l: load that has been started
 * @failed: the loader reports that it did not finish
 */
void load_save(struct load *l, bool failed)
{
	bool wanted = l->state != LOAD_REPLAY;
	struct why why;
	int ret;

	if (l->state == LOAD_ATTACHED)
		return;
	ret = maio_record_stop(l->fd, &l->save_note);
	l->have_status = !maio_status_get(l->fd, &l->status, &why);
	if (!l->have_status) {
		warn(l, "%s", why.text);
		l->save_note = why;
		return;
	}
	l->have_stats = !ppc_stats_get(l->fd, &l->stats, &why);
	if (!wanted && !ret && outgrown(l)) {
		why_set(&l->outgrown, "the load had %u worker%s, its template %u",
			l->status.nr_groups, l->status.nr_groups == 1 ? "" : "s",
			l->replayed_groups);
		wanted = true;
	}
	if (!wanted)
		return;
	/* Without an end there is no template, or it is an older one. */
	l->saved = !ret && !save_template(l, failed, &l->save_note);
	if (!l->saved)
		warn(l, "template not saved: %s", l->save_note.text);
}

/**
 * load_end - let go of the files and take the counters
 * @l: load that has been started
 *
 * What is left to burn is burned now, which waits for the device.
 */
void load_end(struct load *l)
{
	const struct load_options *o = l->options;
	struct why why;

	if (l->state == LOAD_COLD && o->mode == MAIO_MODE_BURN)
		set_mode(l, o->mode);
	if (ppc_detach(l->fd, &why))
		warn(l, "%s", why.text);
	l->have_stats = !ppc_stats_get(l->fd, &l->stats, &why);
	if (!l->have_stats)
		warn(l, "%s", why.text);
}

void load_close(struct load *l)
{
	if (l->fd >= 0)
		close(l->fd);
	model_close(&l->model);
	free(l->service);
	free(l->path);
	free(l->placed);
	l->fd = -1;
	l->placed = NULL;
	l->service = NULL;
	l->path = NULL;
}

const char *load_state_name(enum load_state state)
{
	switch (state) {
	case LOAD_RECORD:
		return "record";
	case LOAD_COLD:
		return "cold";
	case LOAD_REPLAY:
		return "replay";
	case LOAD_ATTACHED:
		return "attached";
	case LOAD_STOCK:
		break;
	}
	return "stock";
}
