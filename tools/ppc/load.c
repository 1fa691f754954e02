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
		if (!ret) {
			l->replayed = entry.blob;
			l->replayed_len = entry.blob_len;
			entry.blob = NULL;
		}
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

/* What is cached stays where it is. */
static void tell_misplaced(const struct load *l)
{
	__u64 on_node[WHERE_NODES];
	char buf[BYTES_TEXT_MAX];
	int i, most = -1;

	if (l->node < 0)
		return;
	where_cached(&l->model, on_node);
	for (i = 0; i < WHERE_NODES; i++) {
		if (i != l->node && on_node[i] && (most < 0 || on_node[i] > on_node[most]))
			most = i;
	}
	if (most >= 0 && !coverage_enough(on_node[most], l->model.bytes))
		warn(l, "about %s of the model are cached on node %d, and stay there instead of node %d",
		     bytes_text(on_node[most], buf), most, l->node);
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
	/* Before it counts as a part of the load. */
	tell_misplaced(l);
	l->fd = ppc_attach_files(dev, o->policy, &l->model, o->pid, o->budget,
				 o->ceiling, &l->left_out, &l->reason);
	close(dev);
	if (l->fd < 0)
		return -1;
	if (l->left_out.text[0])
		warn(l, "%s", l->left_out.text);

	if (strcmp(o->policy, MAIO_POLICY)) {
		why_set(&l->reason, "policy '%s' decides", o->policy);
		l->state = LOAD_ATTACHED;
		return 0;
	}
	l->aside_cached = model_aside_cached(&l->model);
	if (maio_record_start(l->fd, &l->reason)) {
		close(l->fd);
		l->fd = -1;
		return -1;
	}
	l->state = LOAD_RECORD;
	choose_template(l);
	return 0;
}

/* Return: the template of what was recorded, which the caller frees; or NULL. */
static void *get_recording(const struct load *l, size_t *len,
			   struct template_view *view, struct why *why)
{
	void *blob = maio_template_get(l->fd, len, why);

	if (blob && template_check(blob, *len, view, why)) {
		free(blob);
		return NULL;
	}
	return blob ? template_thin(blob, len, view, why) : NULL;
}

static bool outgrown(struct load *l)
{
	struct template_view view;
	struct why why;
	bool ret;
	void *blob;
	size_t len;

	blob = get_recording(l, &len, &view, &why);
	if (!blob)
		return false;
	ret = judge_outgrown(l, &view, &l->outgrown);
	free(blob);
	return ret;
}

static int save_template(struct load *l, bool failed, struct why *why)
{
	struct store_entry entry = {
		.service = l->service,
		.created = time(NULL),
		.resident_bytes = l->resident,
		.files = l->model.files,
		.nr_files = l->model.nr,
	};
	struct template_view view;
	int ret = -1;
	size_t i;

	if (!l->path)
		return why_set(why, "no directory to keep it in");
	if (judge_whole(l, failed, why))
		return -1;
	entry.blob = get_recording(l, &entry.blob_len, &view, why);
	if (!entry.blob)
		return -1;
	if (!view.nr_extents) {
		why_set(why, "the template covers nothing");
		goto free;
	}
	if (judge_scan(&view)) {
		why_set(why, "a scan and no load: of no file more than a small part was read");
		goto free;
	}
	for (i = 0; i < entry.nr_files; i++)
		entry.model_bytes += entry.files[i].size;
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
	l->resident = l->status.resident_at_start;
	l->resident -= l->aside_cached < l->resident ? l->aside_cached : l->resident;
	l->have_stats = !ppc_stats_get(l->fd, &l->stats, &why);
	if (l->state == LOAD_REPLAY && (ret || !outgrown(l)))
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
	free(l->replayed);
	l->fd = -1;
	l->placed = NULL;
	l->replayed = NULL;
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
