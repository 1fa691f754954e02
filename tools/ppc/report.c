// SPDX-License-Identifier: GPL-2.0
/*
 * What "maioctl run" tells at the end: a table for people, JSON for programs.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

const char *mode_name(enum maio_mode mode)
{
	switch (mode) {
	case MAIO_MODE_KEEP:
		return "keep";
	case MAIO_MODE_BURN:
		return "burn";
	case MAIO_MODE_AUTO:
		return "auto";
	}
	return "?";
}

static void text_counters(const struct ppc_stats *stats, FILE *out)
{
	const struct {
		const char *title;
		__u64 bytes;
	} columns[] = {
		{ "prefetched", stats->prefetched_bytes },
		{ "useful", stats->useful_bytes },
		{ "late", stats->late_bytes },
		{ "wasted", stats->wasted_bytes },
		{ "burned", stats->burned_bytes },
		{ "refaulted", stats->refaulted_bytes },
	};
	const size_t nr = ARRAY_SIZE(columns);
	char buf[BYTES_TEXT_MAX];
	bool some = false;
	size_t i;

	for (i = 0; i < nr; i++)
		fprintf(out, "%s%11s", i ? " " : "  ", columns[i].title);
	for (i = 0; i < nr; i++)
		fprintf(out, "%s%11s", i ? " " : "\n  ",
			bytes_text(columns[i].bytes, buf));
	fputc('\n', out);
	for (i = 0; i < PPC_STATS_NODES; i++) {
		if (!stats->node_bytes[i])
			continue;
		fprintf(out, "  node %zu%s: %s", i,
			i == PPC_STATS_NODES - 1 ? " and above" : "",
			bytes_text(stats->node_bytes[i], buf));
		some = true;
	}
	if (some)
		fputc('\n', out);
	if (stats->fallbacks)
		fprintf(out, "  the policy did more harm than good and gave up %llu time(s)\n",
			stats->fallbacks);
	if (stats->stopped_files)
		fprintf(out, "  %llu file(s) changed and were left alone from then on\n",
			stats->stopped_files);
	if (stats->errors)
		fprintf(out, "  %llu batch(es) or folio(s) could not be read ahead\n",
			stats->errors);
}

void report_text(const struct load *l, const struct child *child, FILE *out)
{
	fprintf(out, "maioctl: %s, %.3f s, exit status %d",
		load_state_name(l->state), child->seconds, child->exit_status);
	if (l->saved)
		fprintf(out, ", template saved to %s%s%s", l->path,
			l->outgrown.text[0] ? ": " : "", l->outgrown.text);
	fputc('\n', out);
	if (l->have_stats)
		text_counters(&l->stats, out);
}

static struct json_object *stats_json(const struct ppc_stats *stats)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *nodes = json_object_new_array();
	size_t i;

	for (i = 0; i < nr_counters; i++)
		json_put_u64(obj, counters[i].name,
			     counter_value(stats, &counters[i]));
	for (i = 0; i < PPC_STATS_NODES; i++)
		json_object_array_add(nodes,
				      json_object_new_uint64(stats->node_bytes[i]));
	json_object_object_add(obj, "node_bytes", nodes);
	return obj;
}

static struct json_object *status_json(const struct maio_status *status)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "state", status->state);
	json_put_text(obj, "mode", mode_name(status->mode));
	json_object_object_add(obj, "node", json_node(status->node));
	json_put_u64(obj, "gap", status->gap);
	json_put_u64(obj, "groups", status->nr_groups);
	json_put_u64(obj, "bound_groups", status->bound_groups);
	json_put_u64(obj, "extents", status->nr_extents);
	json_put_u64(obj, "template_bytes", status->template_bytes);
	json_put_u64(obj, "resident_at_start", status->resident_at_start);
	return obj;
}

static struct json_object *nodes_json(const struct load *l)
{
	struct json_object *array = json_object_new_array();
	__u32 i;

	for (i = 0; i < l->replayed_groups; i++)
		json_object_array_add(array, json_node(l->placed[i]));
	return array;
}

static struct json_object *template_json(const struct load *l)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "path", l->path);
	json_object_object_add(obj, "used",
			       json_object_new_boolean(l->state == LOAD_REPLAY));
	json_object_object_add(obj, "saved", json_object_new_boolean(l->saved));
	json_put_reason(obj, "recorded_anew_because", &l->outgrown);
	json_put_reason(obj, "not_saved_because", &l->save_note);
	json_object_object_add(obj, "coverage", l->coverage < 0 ? NULL :
			       json_object_new_double(l->coverage));
	return obj;
}

/* Return: 0 or -1. */
int report_json(const struct load *l, const struct child *child, FILE *out,
		struct why *why)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "state", load_state_name(l->state));
	json_put_text(obj, "reason", l->reason.text);
	json_put_text(obj, "policy", l->options->policy);
	json_put_text(obj, "service", l->service);
	json_put_u64(obj, "files", l->model.nr);
	json_put_u64(obj, "model_bytes", l->model.bytes);
	json_put_reason(obj, "left_alone", &l->left_out);
	json_object_object_add(obj, "seconds",
			       json_object_new_double(child->seconds));
	json_object_object_add(obj, "exit_status",
			       json_object_new_int(child->exit_status));
	json_object_object_add(obj, "signal", child->signal ?
			       json_object_new_int(child->signal) : NULL);
	json_put_reason(obj, "command_error", &child->error);
	json_object_object_add(obj, "template", template_json(l));
	json_object_object_add(obj, "worker_nodes", nodes_json(l));
	json_object_object_add(obj, "stats", l->have_stats ?
			       stats_json(&l->stats) : NULL);
	json_object_object_add(obj, "maio", l->have_status ?
			       status_json(&l->status) : NULL);
	return json_write(obj, out, why);
}

/* The report of a run that did not get as far as its command. */
int report_error_json(const char *reason, FILE *out, struct why *why)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "state", "error");
	json_put_text(obj, "reason", reason);
	json_object_object_add(obj, "exit_status",
			       json_object_new_int(EXIT_MAIOCTL));
	return json_write(obj, out, why);
}
