// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl serve --check": what would be served, without asking the kernel.
 */
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

/**
 * struct finding - what a service comes to
 * @files: how many
 * @bytes: of all of them
 * @problem: why it cannot be served, or empty
 */
struct finding {
	size_t files;
	__u64 bytes;
	struct why problem;
};

/* Return: 0 or -1. */
static int look_at(const struct conf_service *s, struct finding *finding)
{
	struct model model;
	int ret;

	memset(finding, 0, sizeof(*finding));
	if (files_limit_raise(MAIO_MAX_FILES, &finding->problem))
		return -1;
	ret = model_open(&model, s->nr_models, s->models, &finding->problem);
	finding->files = model.nr;
	finding->bytes = model.bytes;
	model_close(&model);
	return ret;
}

static struct json_object *service_json(const struct conf_service *s,
					const struct finding *finding)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *models = json_object_new_array();
	int i;

	json_put_text(obj, "service", s->id);
	json_put_text(obj, "template", s->template);
	for (i = 0; i < s->nr_models; i++) {
		char *escaped = text_escape(s->models[i]);

		json_object_array_add(models, json_object_new_string(escaped));
		free(escaped);
	}
	json_object_object_add(obj, "models", models);
	json_put_text(obj, "mode", mode_name(s->mode));
	json_object_object_add(obj, "node", json_node(s->node));
	json_put_u64(obj, "gap", s->gap);
	json_put_u64(obj, "ceiling", s->ceiling);
	json_put_u64(obj, "budget", s->budget);
	json_put_u64(obj, "quiet_ms", s->quiet);
	json_put_u64(obj, "idle_ms", s->idle);
	json_put_u64(obj, "files", finding->files);
	json_put_u64(obj, "model_bytes", finding->bytes);
	json_put_reason(obj, "problem", &finding->problem);
	return obj;
}

static void print_service(const struct conf_service *s,
			  const struct finding *finding)
{
	char buf[BYTES_TEXT_MAX], node[16] = "-";

	if (s->node >= 0)
		snprintf(node, sizeof(node), "%d", s->node);
	printf("%-24s %-4s %4s %6zu %11s  %s\n", s->id, mode_name(s->mode), node,
	       finding->files, bytes_text(finding->bytes, buf),
	       finding->problem.text[0] ? finding->problem.text : s->models[0]);
}

/**
 * serve_check - print what would be served
 * @conf: the configuration
 * @json: as JSON
 * @why: the problem, or how many there are
 *
 * Return: 0, or -1 if a model is missing or unreadable.
 */
int serve_check(const struct conf *conf, bool json, struct why *why)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *array = json_object_new_array();
	struct finding finding;
	size_t i, problems = 0;
	int ret = 0;

	json_put_text(obj, "store", conf->store);
	if (!json)
		printf("%-24s %-4s %4s %6s %11s  %s\n", "service", "mode",
		       "node", "files", "size", "model");
	for (i = 0; i < conf->nr; i++) {
		if (look_at(&conf->services[i], &finding))
			problems++;
		json_object_array_add(array, service_json(&conf->services[i],
							  &finding));
		if (!json)
			print_service(&conf->services[i], &finding);
	}
	json_object_object_add(obj, "services", array);
	if (json)
		ret = json_write(obj, stdout, why);
	else
		json_object_put(obj);
	if (!ret)
		ret = output_flush(why);
	if (!ret && problems)
		ret = why_set(why, "%zu of %zu services cannot be served",
			      problems, conf->nr);
	return ret;
}
