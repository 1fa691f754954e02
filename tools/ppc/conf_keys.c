// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a service's section, and what they may be set to.
 */
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

#define TIME_MAX_MS		(365ULL * 24 * 3600 * 1000)

#define DEFAULT_QUIET_MS	(5 * 1000)
#define DEFAULT_IDLE_MS		(10 * 60 * 1000)

struct conf_key {
	const char *name;
	bool repeated;
	int (*set)(struct conf_service *s, const char *value, struct why *why);
};

static int parse_time(const char *text, __u64 *ms, struct why *why)
{
	static const struct {
		const char *name;
		__u64 ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 },
	};
	const char *p = text;
	__u64 value;
	size_t i;

	if (decimal_parse(&p, &value))
		return why_set(why, "'%s' is not a time (like 500ms, 30s, 10min, 2h)",
			       text);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(p, units[i].name))
			continue;
		if (!value || value > TIME_MAX_MS / units[i].ms)
			return why_set(why, "time '%s' is not between 1ms and a year",
				       text);
		*ms = value * units[i].ms;
		return 0;
	}
	return why_set(why, "'%s' is not a time: one of ms, s, min, h must follow the digits",
		       text);
}

/* Return: 0, or -1 if @path depends on where one is. */
int conf_absolute(const char *path, struct why *why)
{
	if (path[0] != '/')
		return why_set(why, "'%s' is not an absolute path", path);
	return 0;
}

static int set_model(struct conf_service *s, const char *value, struct why *why)
{
	if (conf_absolute(value, why))
		return -1;
	s->models = xrealloc(s->models, s->nr_models + 1, sizeof(*s->models));
	s->models[s->nr_models++] = xstrdup(value);
	return 0;
}

static int set_template(struct conf_service *s, const char *value,
			struct why *why)
{
	if (!service_valid(value))
		return why_set(why, "'%s' is not a service id", value);
	free(s->template);
	s->template = xstrdup(value);
	return 0;
}

static int set_mode(struct conf_service *s, const char *value, struct why *why)
{
	if (!strcmp(value, "auto"))
		s->mode = MAIO_MODE_AUTO;
	else if (!strcmp(value, "burn"))
		s->mode = MAIO_MODE_BURN;
	else if (!strcmp(value, "keep"))
		s->mode = MAIO_MODE_KEEP;
	else
		return why_set(why, "mode '%s' is none of 'auto', 'burn', 'keep'",
			       value);
	return 0;
}

static int set_node(struct conf_service *s, const char *value, struct why *why)
{
	if (s->node >= 0)
		return why_set(why, "only one of 'node' and 'xpu'");
	return node_parse(value, &s->node, why);
}

static int set_xpu(struct conf_service *s, const char *value, struct why *why)
{
	if (s->node >= 0)
		return why_set(why, "only one of 'node' and 'xpu'");
	if (xpu_node(value, &s->node, why))
		return -1;
	if (s->node < 0)
		return why_set(why, "this machine does not say on which NUMA node %s is; give 'node'",
			       value);
	return 0;
}

static int set_gap(struct conf_service *s, const char *value, struct why *why)
{
	return size_parse(value, &s->gap, why);
}

static int set_ceiling(struct conf_service *s, const char *value,
		       struct why *why)
{
	return size_parse(value, &s->ceiling, why);
}

static int set_budget(struct conf_service *s, const char *value, struct why *why)
{
	return size_parse(value, &s->budget, why);
}

static int set_quiet(struct conf_service *s, const char *value, struct why *why)
{
	return parse_time(value, &s->quiet, why);
}

static int set_idle(struct conf_service *s, const char *value, struct why *why)
{
	if (strcmp(value, "never"))
		return parse_time(value, &s->idle, why);
	s->idle = 0;
	return 0;
}

static const struct conf_key keys[] = {
	{ "model", true, set_model },
	{ "template", false, set_template },
	{ "mode", false, set_mode },
	{ "node", false, set_node },
	{ "xpu", false, set_xpu },
	{ "gap", false, set_gap },
	{ "ceiling", false, set_ceiling },
	{ "budget", false, set_budget },
	{ "quiet", false, set_quiet },
	{ "idle", false, set_idle },
};

/* Set what is not set otherwise. */
void conf_defaults(struct conf_service *s)
{
	s->mode = MAIO_MODE_AUTO;
	s->node = -1;
	s->quiet = DEFAULT_QUIET_MS;
	s->idle = DEFAULT_IDLE_MS;
}

/**
 * conf_key_set - set a key of a service
 * @s: the service
 * @key: the key
 * @value: what to set it to
 * @seen: keys set before, a bit each
 * @why: what is wrong
 *
 * Return: 0 or -1.
 */
int conf_key_set(struct conf_service *s, const char *key, const char *value,
		 unsigned int *seen, struct why *why)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, key))
			continue;
		if (!keys[i].repeated && *seen & 1U << i)
			return why_set(why, "a second '%s'", key);
		*seen |= 1U << i;
		return keys[i].set(s, value, why);
	}
	return why_set(why, "unknown key '%s'", key);
}
