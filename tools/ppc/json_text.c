// SPDX-License-Identifier: GPL-2.0
/*
 * JSON of any length, taken apart member by member: json-c needs many times the
 * memory that the text has, and says nothing of names that come twice.
 */
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

/* A tensor's member has about a hundred bytes, the metadata some hundreds. */
#define VALUE_MAX		1048576
#define DEPTH_MAX		8

/**
 * json_text_init - begin to read
 * @text: filled in; to be given to json_text_free()
 * @data: the text
 * @len: its length
 * @what: it is, and the verb, for messages
 * @offset: of the text in its file, for messages
 */
void json_text_init(struct json_text *text, const char *data, size_t len,
		    const char *what, size_t offset)
{
	text->start = data;
	text->pos = data;
	text->end = data + len;
	text->what = what;
	text->offset = offset;
	text->tok = alloc_or_die(json_tokener_new_ex(DEPTH_MAX));
	json_tokener_set_flags(text->tok, JSON_TOKENER_STRICT |
					  JSON_TOKENER_ALLOW_TRAILING_CHARS |
					  JSON_TOKENER_VALIDATE_UTF8);
}

void json_text_free(struct json_text *text)
{
	json_tokener_free(text->tok);
}

int json_text_refuse(const struct json_text *text, const char *what,
		     struct why *why)
{
	return why_set(why, "%s malformed: %s at byte %zu", text->what, what,
		       text->offset + (text->pos - text->start));
}

static void skip_space(struct json_text *text)
{
	while (text->pos < text->end && *text->pos &&
	       strchr(" \t\r\n", *text->pos))
		text->pos++;
}

static bool skip_char(struct json_text *text, char c)
{
	skip_space(text);
	if (text->pos == text->end || *text->pos != c)
		return false;
	text->pos++;
	return true;
}

/* The value that comes next, in *@value; the caller puts it. */
static int next_value(struct json_text *text, struct json_object **value,
		      struct why *why)
{
	enum json_tokener_error err;
	size_t len;

	skip_space(text);
	len = text->end - text->pos;
	json_tokener_reset(text->tok);
	*value = json_tokener_parse_ex(text->tok, text->pos,
				       len < VALUE_MAX ? len : VALUE_MAX);
	err = json_tokener_get_error(text->tok);
	if (err == json_tokener_success) {
		text->pos += json_tokener_get_parse_end(text->tok);
		return 0;
	}
	if (err == json_tokener_continue)
		return json_text_refuse(text, len < VALUE_MAX ?
					"no end of what begins" :
					"a name or value of more than a MiB",
					why);
	return json_text_refuse(text, json_tokener_error_desc(err), why);
}

/* The value that comes next; the caller puts it. NULL unless it is a @type. */
struct json_object *json_text_value(struct json_text *text,
				    enum json_type type, struct why *why)
{
	const char *pos = text->pos;
	struct json_object *value;

	if (next_value(text, &value, why))
		return NULL;
	if (json_object_get_type(value) == type)
		return value;
	text->pos = pos;
	skip_space(text);
	why_set(why, "%s malformed: %s where there should be %s at byte %zu",
		text->what, json_type_to_name(json_object_get_type(value)),
		json_type_to_name(type),
		text->offset + (text->pos - text->start));
	json_object_put(value);
	return NULL;
}

/* Pass over whatever comes next. */
int json_text_skip(struct json_text *text, struct why *why)
{
	struct json_object *value;

	if (next_value(text, &value, why))
		return -1;
	json_object_put(value);
	return 0;
}

/**
 * json_text_object - read an object
 * @text: where to read
 * @member: called with the name of each member, in front of its value, which it
 *	is to read; 0 to go on
 * @arg: for @member
 * @why: what is wrong
 *
 * Return: 0, or -1 if it is malformed or @member says so.
 */
int json_text_object(struct json_text *text, json_member_t member, void *arg,
		     struct why *why)
{
	struct json_object *name;
	int ret;

	if (!skip_char(text, '{'))
		return json_text_refuse(text, "no '{'", why);
	if (skip_char(text, '}'))
		return 0;
	do {
		name = json_text_value(text, json_type_string, why);
		if (!name)
			return -1;
		if (!skip_char(text, ':'))
			ret = json_text_refuse(text, "no ':'", why);
		else
			ret = member(text, name, arg, why);
		json_object_put(name);
		if (ret)
			return -1;
	} while (skip_char(text, ','));
	if (!skip_char(text, '}'))
		return json_text_refuse(text, "neither ',' nor '}'", why);
	return 0;
}

/* Nothing but white space may come now. */
int json_text_end(struct json_text *text, struct why *why)
{
	skip_space(text);
	if (text->pos != text->end)
		return json_text_refuse(text, "something behind the '}'", why);
	return 0;
}
