// SPDX-License-Identifier: GPL-2.0
/*
 * The header of a safetensors file: its length as 64 bits, then a JSON object
 * that has a member for each tensor. Nothing is taken from it but names and
 * places.
 *
 * The object is taken apart member by member, as json-c needs many times the
 * memory that the text has, and says nothing of names that come twice.
 */
#include <endian.h>
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

/* A tensor's member has about a hundred bytes, the metadata some hundreds. */
#define VALUE_MAX		1048576
#define DEPTH_MAX		8

/**
 * struct json_text - JSON as far as it has been read
 * @start: first byte
 * @pos: next byte
 * @end: behind the last byte
 * @tok: reads one value at a time
 * @metadata: there was a member of this name
 */
struct json_text {
	const char *start;
	const char *pos;
	const char *end;
	struct json_tokener *tok;
	bool metadata;
};

static int refuse(const struct json_text *text, const char *what,
		  struct why *why)
{
	return why_set(why, "its header is malformed: %s at byte %td", what,
		       sizeof(__le64) + (text->pos - text->start));
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

/* The value that comes next; the caller puts it. */
static struct json_object *next_value(struct json_text *text,
				      enum json_type type, struct why *why)
{
	size_t len = text->end - text->pos;
	struct json_object *value;
	enum json_tokener_error err;

	json_tokener_reset(text->tok);
	value = json_tokener_parse_ex(text->tok, text->pos,
				      len < VALUE_MAX ? len : VALUE_MAX);
	err = json_tokener_get_error(text->tok);
	if (err == json_tokener_continue) {
		refuse(text, len < VALUE_MAX ? "no end of what begins" :
			  "a name or value of more than a MiB", why);
	} else if (err != json_tokener_success) {
		refuse(text, json_tokener_error_desc(err), why);
	} else if (json_object_get_type(value) != type) {
		why_set(why, "its header is malformed: %s where there should be %s at byte %td",
			json_type_to_name(json_object_get_type(value)),
			json_type_to_name(type),
			sizeof(__le64) + (text->pos - text->start));
		json_object_put(value);
	} else {
		text->pos += json_tokener_get_parse_end(text->tok);
		return value;
	}
	return NULL;
}

static int get_offsets(struct json_object *info, __u64 *begin, __u64 *end)
{
	struct json_object *offsets, *l, *r;

	if (!json_object_object_get_ex(info, "data_offsets", &offsets) ||
	    !json_object_is_type(offsets, json_type_array) ||
	    json_object_array_length(offsets) != 2)
		return -1;
	l = json_object_array_get_idx(offsets, 0);
	r = json_object_array_get_idx(offsets, 1);
	if (!json_object_is_type(l, json_type_int) ||
	    !json_object_is_type(r, json_type_int) ||
	    json_object_get_int64(l) < 0 || json_object_get_int64(r) < 0)
		return -1;
	*begin = json_object_get_int64(l);
	*end = json_object_get_int64(r);
	return 0;
}

static int add_tensor(struct tensors *tensors, const char *name,
		      size_t name_len, struct json_object *info, __u64 size,
		      struct why *why)
{
	const __u64 room = size - tensors->header;
	__u64 begin, end;

	if (get_offsets(info, &begin, &end))
		return why_set(why, "the tensor '%.100s' has no data_offsets that are two numbers",
			       name);
	if (begin > end)
		return why_set(why, "the tensor '%.100s' ends before it begins",
			       name);
	if (end > room)
		return why_set(why, "the tensor '%.100s' ends at byte %llu of %llu bytes of data",
			       name, end, room);
	return tensors_add(tensors, name, name_len, tensors->header + begin,
			   tensors->header + end, why);
}

static int take_member(struct json_text *text, struct tensors *tensors,
		       struct json_object *key, struct json_object *value,
		       __u64 size, struct why *why)
{
	const char *name = json_object_get_string(key);

	if (strcmp(name, "__metadata__"))
		return add_tensor(tensors, name, json_object_get_string_len(key),
				  value, size, why);
	if (text->metadata)
		return refuse(text, "more __metadata__", why);
	text->metadata = true;
	return 0;
}

static int parse_member(struct json_text *text, struct tensors *tensors,
			__u64 size, struct why *why)
{
	struct json_object *name, *value;
	int ret = -1;

	skip_space(text);
	name = next_value(text, json_type_string, why);
	if (!name)
		return -1;
	if (!skip_char(text, ':')) {
		refuse(text, "no ':'", why);
		goto put_name;
	}
	skip_space(text);
	value = next_value(text, json_type_object, why);
	if (!value)
		goto put_name;
	ret = take_member(text, tensors, name, value, size, why);
	json_object_put(value);
put_name:
	json_object_put(name);
	return ret;
}

static int parse_object(struct json_text *text, struct tensors *tensors,
			__u64 size, struct why *why)
{
	if (!skip_char(text, '{'))
		return refuse(text, "no '{'", why);
	if (!skip_char(text, '}')) {
		do {
			if (parse_member(text, tensors, size, why))
				return -1;
		} while (skip_char(text, ','));
		if (!skip_char(text, '}'))
			return refuse(text, "neither ',' nor '}'", why);
	}
	skip_space(text);
	if (text->pos != text->end)
		return refuse(text, "something behind the '}'", why);
	return 0;
}

/**
 * safetensors_parse - find the tensors of a safetensors file
 * @data: the beginning of the file
 * @len: bytes at @data
 * @size: bytes of the file
 * @tensors: empty; filled in; to be given to tensors_free() after success
 * @why: what is wrong with the header
 *
 * The tensors come by name, since safe_open().keys() is sorted and vLLM, SGLang
 * and transformers go by it; in a file of one data type that is their order in
 * the file, too, which is that of load_file().
 *
 * Return: 0; 1 if at least the first @tensors->header bytes are needed; or -1.
 */
int safetensors_parse(const void *data, size_t len, __u64 size,
		      struct tensors *tensors, struct why *why)
{
	struct json_text text;
	__le64 raw;
	__u64 json_len;
	int ret;

	tensors->header = sizeof(raw);
	if (size < sizeof(raw))
		return why_set(why, "too short to have a header");
	if (len < sizeof(raw))
		return 1;
	memcpy(&raw, data, sizeof(raw));
	json_len = le64toh(raw);
	if (json_len > SAFETENSORS_HEADER_MAX)
		return why_set(why, "a header of %llu bytes is longer than any may be",
			       json_len);
	if (json_len > size - sizeof(raw))
		return why_set(why, "the file ends within its header of %llu bytes",
			       json_len);
	tensors->header += json_len;
	if (len < tensors->header)
		return 1;

	text.start = (const char *)data + sizeof(raw);
	text.pos = text.start;
	text.metadata = false;
	text.end = text.start + json_len;
	text.tok = alloc_or_die(json_tokener_new_ex(DEPTH_MAX));
	json_tokener_set_flags(text.tok, JSON_TOKENER_STRICT |
					 JSON_TOKENER_ALLOW_TRAILING_CHARS |
					 JSON_TOKENER_VALIDATE_UTF8);
	ret = parse_object(&text, tensors, size, why);
	json_tokener_free(text.tok);
	if (!ret)
		ret = tensors_check(tensors, why);
	if (ret)
		tensors_free(tensors);
	else
		tensors_sort(tensors);
	return ret;
}
