// SPDX-License-Identifier: GPL-2.0
/*
 * The header of a safetensors file: its length as 64 bits, then a JSON object
 * that has a member for each tensor. Nothing is taken from it but names and
 * places.
 */
#include <endian.h>
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

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

/**
 * struct header - what is being read
 * @tensors: found so far
 * @size: bytes of the file
 * @metadata: there was a member of this name
 */
struct header {
	struct tensors *tensors;
	__u64 size;
	bool metadata;
};

static int take_member(struct json_text *text, struct json_object *key,
		       void *arg, struct why *why)
{
	const char *name = json_object_get_string(key);
	struct header *header = arg;
	struct json_object *value;
	int ret = 0;

	value = json_text_value(text, json_type_object, why);
	if (!value)
		return -1;
	if (strcmp(name, "__metadata__"))
		ret = add_tensor(header->tensors, name,
				 json_object_get_string_len(key), value,
				 header->size, why);
	else if (header->metadata)
		ret = json_text_refuse(text, "more __metadata__", why);
	else
		header->metadata = true;
	json_object_put(value);
	return ret;
}

static int parse(const char *data, size_t len, struct header *header,
		 struct why *why)
{
	struct json_text text;
	int ret;

	json_text_init(&text, data, len, "its header is", sizeof(__le64));
	ret = json_text_object(&text, take_member, header, why);
	if (!ret)
		ret = json_text_end(&text, why);
	json_text_free(&text);
	return ret;
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
	struct header header = { .tensors = tensors, .size = size };
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

	ret = parse((const char *)data + sizeof(raw), json_len, &header, why);
	if (!ret)
		ret = tensors_check(tensors, why);
	if (ret)
		tensors_free(tensors);
	else
		tensors_sort(tensors);
	return ret;
}
