// SPDX-License-Identifier: GPL-2.0
/*
 * JSON output. Names of files need not be UTF-8, and JSON must be: text that
 * comes from outside is escaped as in the store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

void json_put_u64(struct json_object *obj, const char *key, __u64 value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

/* @text may be NULL. */
void json_put_text(struct json_object *obj, const char *key, const char *text)
{
	char *escaped = text ? text_escape(text) : NULL;

	json_object_object_add(obj, key, text ?
			       json_object_new_string(escaped) : NULL);
	free(escaped);
}

/* null where there is no reason. */
void json_put_reason(struct json_object *obj, const char *key,
		     const struct why *why)
{
	json_put_text(obj, key, why->text[0] ? why->text : NULL);
}

/* A NUMA node; null where there is none. */
struct json_object *json_node(int node)
{
	return node < 0 ? NULL : json_object_new_int(node);
}

static int put(struct json_object *obj, int flags, FILE *out, struct why *why)
{
	const char *text = json_object_to_json_string_ext(obj,
		flags | JSON_C_TO_STRING_NOSLASHESCAPE);
	int ret = 0;

	if (!text)
		ret = why_set(why, "out of memory");
	else if (fprintf(out, "%s\n", text) < 0 || fflush(out))
		ret = why_set(why, "cannot write: %s", strerror(errno));
	json_object_put(obj);
	return ret;
}

/* Writes @obj and frees it. Return: 0 or -1. */
int json_write(struct json_object *obj, FILE *out, struct why *why)
{
	return put(obj, JSON_C_TO_STRING_PRETTY, out, why);
}

/* The same on one line, for a series of objects. */
int json_write_line(struct json_object *obj, FILE *out, struct why *why)
{
	return put(obj, JSON_C_TO_STRING_PLAIN, out, why);
}
