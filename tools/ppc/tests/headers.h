/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes headers of model files for tests.
 */
#ifndef MAIOCTL_HEADERS_H
#define MAIOCTL_HEADERS_H

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

/**
 * struct bytes - a file's beginning while it grows
 * @data: the bytes
 * @len: how many
 * @room: for how many there is room in @data
 */
struct bytes {
	char *data;
	size_t len;
	size_t room;
};

static inline void bytes_add(struct bytes *b, const void *data, size_t len)
{
	if (len > b->room - b->len) {
		b->room = 2 * (b->len + len);
		b->data = xrealloc(b->data, b->room, 1);
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void bytes_free(struct bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* A member of a safetensors header. */
#define TENSOR(name, begin, end) \
	"\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" \
	#begin "," #end "]}"

/* @json as it is, behind its length. */
static inline struct bytes safetensors_make(const char *json)
{
	__u64 len = htole64(strlen(json));
	struct bytes b = { .len = 0 };

	bytes_add(&b, &len, sizeof(len));
	bytes_add(&b, json, strlen(json));
	return b;
}

static inline void put_u32(struct bytes *b, __u32 value)
{
	value = htole32(value);
	bytes_add(b, &value, sizeof(value));
}

static inline void put_u64(struct bytes *b, __u64 value)
{
	value = htole64(value);
	bytes_add(b, &value, sizeof(value));
}

static inline void put_string(struct bytes *b, const char *text)
{
	put_u64(b, strlen(text));
	bytes_add(b, text, strlen(text));
}

enum gguf_type {
	GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32,
	GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
	GGUF_NR_TYPES,
};

static inline struct bytes gguf_begin(__u32 version, __u64 nr_tensors,
				      __u64 nr_pairs)
{
	struct bytes b = { .len = 0 };

	bytes_add(&b, "GGUF", 4);
	put_u32(&b, version);
	put_u64(&b, nr_tensors);
	put_u64(&b, nr_pairs);
	return b;
}

static inline void put_array(struct bytes *b, __u32 type, __u64 nr)
{
	put_u32(b, type);
	put_u64(b, nr);
}

/* A value of any type; an array is of strings. */
static inline void put_value(struct bytes *b, enum gguf_type type)
{
	static const char zero[8];
	static const int sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

	if (type == GGUF_STRING) {
		put_string(b, "text");
	} else if (type == GGUF_ARRAY) {
		put_array(b, GGUF_STRING, 2);
		put_string(b, "one");
		put_string(b, "");
	} else {
		bytes_add(b, zero, sizes[type]);
	}
}

static inline void put_key(struct bytes *b, const char *key, __u32 type)
{
	put_string(b, key);
	put_u32(b, type);
}

static inline void put_alignment(struct bytes *b, __u32 alignment)
{
	put_key(b, "general.alignment", GGUF_U32);
	put_u32(b, alignment);
}

/* A matrix of 2 by @rows, of a type that nobody knows. */
static inline void put_record(struct bytes *b, const char *name, __u64 rows,
			      __u64 offset)
{
	put_string(b, name);
	put_u32(b, 2);
	put_u64(b, 2);
	put_u64(b, rows);
	put_u32(b, 12345);
	put_u64(b, offset);
}

/* All types, arrays in arrays, and three tensors: 64 KiB, 64 KiB, the rest. */
static inline struct bytes gguf_make(void)
{
	struct bytes b = gguf_begin(3, 3, GGUF_NR_TYPES + 3);
	int type;

	for (type = 0; type < GGUF_NR_TYPES; type++) {
		put_key(&b, "some.key", type);
		put_value(&b, type);
	}
	put_key(&b, "array.numbers", GGUF_ARRAY);
	put_array(&b, GGUF_U16, 2);
	bytes_add(&b, "1234", 4);
	put_key(&b, "array.arrays", GGUF_ARRAY);
	put_array(&b, GGUF_ARRAY, 2);
	put_value(&b, GGUF_ARRAY);
	put_array(&b, GGUF_ARRAY, 0);
	put_alignment(&b, 4096);
	put_record(&b, "token_embd.weight", 1, 0);
	put_record(&b, "output.weight", 1, 65536);
	put_record(&b, "blk.0.attn_q.weight", 1, 131072);
	return b;
}

#endif /* MAIOCTL_HEADERS_H */
