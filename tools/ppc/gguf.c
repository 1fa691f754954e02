// SPDX-License-Identifier: GPL-2.0
/*
 * The header of a GGUF file, versions 2 and 3, little-endian: counts, metadata,
 * and one record for each tensor. Nothing is taken from it but names and
 * places.
 *
 * Where a tensor ends is not told; types come and go, so it is taken to reach
 * to the next one, or to the end of the file.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

#define DEFAULT_ALIGNMENT	32
#define DIMENSIONS_MAX		8
#define DEPTH_MAX		8

/* The least that a pair of the metadata, an array and a tensor's record take. */
#define PAIR_BYTES		13
#define ARRAY_BYTES		12
#define RECORD_BYTES		24

enum {
	TYPE_UINT32 = 4,
	TYPE_STRING = 8,
	TYPE_ARRAY = 9,
};

/* Bytes of a value of each type; 0: that depends. */
static const __u8 type_bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

/**
 * struct gguf - a header as far as it has been read
 * @data: the beginning of the file
 * @len: bytes at @data
 * @size: bytes of the file
 * @pos: next byte
 * @need: bytes that @data should have had
 * @alignment: of tensors
 * @why: what is wrong
 *
 * Functions that read return 0; 1 when they need more of the file; or -1.
 */
struct gguf {
	const unsigned char *data;
	size_t len;
	__u64 size;
	__u64 pos;
	__u64 need;
	__u32 alignment;
	struct why *why;
};

/* Are there @nr things of @bytes each to come? */
static int have(struct gguf *g, __u64 nr, __u32 bytes, const char *what)
{
	if (nr > (g->size - g->pos) / bytes)
		return why_set(g->why, "the file ends within %s at byte %llu",
			       what, g->pos);
	g->need = g->pos + nr * bytes;
	return g->need > g->len;
}

static int skip(struct gguf *g, __u64 nr, __u32 bytes, const char *what)
{
	int ret = have(g, nr, bytes, what);

	if (!ret)
		g->pos = g->need;
	return ret;
}

static int get_u32(struct gguf *g, __u32 *value, const char *what)
{
	__le32 raw;
	int ret = skip(g, 1, sizeof(raw), what);

	if (ret)
		return ret;
	memcpy(&raw, g->data + g->pos - sizeof(raw), sizeof(raw));
	*value = le32toh(raw);
	return 0;
}

static int get_u64(struct gguf *g, __u64 *value, const char *what)
{
	__le64 raw;
	int ret = skip(g, 1, sizeof(raw), what);

	if (ret)
		return ret;
	memcpy(&raw, g->data + g->pos - sizeof(raw), sizeof(raw));
	*value = le64toh(raw);
	return 0;
}

static int get_string(struct gguf *g, const char **text, __u64 *len,
		      const char *what)
{
	int ret = get_u64(g, len, what);

	if (!ret)
		ret = skip(g, *len, 1, what);
	if (!ret)
		*text = (const char *)g->data + g->pos - *len;
	return ret;
}

static int skip_value(struct gguf *g, __u32 type, int depth);

static int skip_array(struct gguf *g, int depth)
{
	const char *text;
	__u64 nr, len;
	__u32 type, least;
	int ret;

	if (depth == DEPTH_MAX)
		return why_set(g->why, "arrays within arrays at byte %llu are nested too deeply",
			       g->pos);
	ret = get_u32(g, &type, "an array");
	if (!ret)
		ret = get_u64(g, &nr, "an array");
	if (ret)
		return ret;
	if (type < ARRAY_SIZE(type_bytes) && type_bytes[type])
		return skip(g, nr, type_bytes[type], "an array");

	least = type == TYPE_ARRAY ? ARRAY_BYTES : sizeof(len);
	if (have(g, nr, least, "an array") < 0)
		return -1;
	while (!ret && nr--) {
		if (type == TYPE_STRING)
			ret = get_string(g, &text, &len, "a string");
		else
			ret = skip_value(g, type, depth + 1);
	}
	return ret;
}

static int skip_value(struct gguf *g, __u32 type, int depth)
{
	const char *text;
	__u64 len;

	if (type >= ARRAY_SIZE(type_bytes))
		return why_set(g->why, "a value of unknown type %u at byte %llu",
			       type, g->pos);
	if (type == TYPE_ARRAY)
		return skip_array(g, depth);
	if (type == TYPE_STRING)
		return get_string(g, &text, &len, "a string");
	return skip(g, 1, type_bytes[type], "a value");
}

static int parse_alignment(struct gguf *g, __u32 type)
{
	__u32 alignment;
	int ret;

	if (type != TYPE_UINT32)
		return why_set(g->why, "general.alignment is of type %u instead of %u",
			       type, TYPE_UINT32);
	ret = get_u32(g, &alignment, "general.alignment");
	if (ret)
		return ret;
	if (!alignment || alignment & (alignment - 1))
		return why_set(g->why, "general.alignment is %u, and no power of two",
			       alignment);
	g->alignment = alignment;
	return 0;
}

static int parse_pair(struct gguf *g)
{
	static const char alignment[] = "general.alignment";
	const char *key;
	__u64 len;
	__u32 type;
	int ret;

	ret = get_string(g, &key, &len, "a key");
	if (!ret)
		ret = get_u32(g, &type, "a key's type");
	if (ret)
		return ret;
	if (len == sizeof(alignment) - 1 && !memcmp(key, alignment, len))
		return parse_alignment(g, type);
	return skip_value(g, type, 0);
}

/* A tensor's place is relative for now, and its end says if it has bytes. */
static int parse_record(struct gguf *g, struct tensors *tensors)
{
	static const char what[] = "a tensor's record";
	__u64 name_len, extent, offset;
	bool empty = false;
	__u32 dimensions, type;
	const char *name;
	int ret;

	ret = get_string(g, &name, &name_len, what);
	if (!ret)
		ret = get_u32(g, &dimensions, what);
	if (ret)
		return ret;
	if (dimensions > DIMENSIONS_MAX)
		return why_set(g->why, "a tensor of %u dimensions at byte %llu",
			       dimensions, g->pos);
	while (!ret && dimensions--) {
		ret = get_u64(g, &extent, what);
		empty = empty || (!ret && !extent);
	}
	if (!ret)
		ret = get_u32(g, &type, what);
	if (!ret)
		ret = get_u64(g, &offset, what);
	if (ret)
		return ret;
	if (!empty && offset >= g->size)
		return why_set(g->why,
			       "the tensor '%.*s' begins at byte %llu of its data in a file of %llu bytes",
			       name_len < 100 ? (int)name_len : 100, name,
			       offset, g->size);
	return tensors_add(tensors, name, name_len, offset,
			   empty ? offset : offset + 1, g->why);
}

/* Put the tensors where they are, now that it is known where their data begin. */
static int place_tensors(struct gguf *g, struct tensors *tensors)
{
	struct tensor **sorted;
	size_t i, nr;
	int ret;

	tensors->header = g->pos;
	sorted = tensors_by_place(tensors, &nr);
	if (nr)
		tensors->header = (g->pos + g->alignment - 1) &
				  ~(__u64)(g->alignment - 1);
	ret = tensors_check(tensors, g->why);
	for (i = nr; !ret && i--; ) {
		struct tensor *t = sorted[i];

		if (t->start & (g->alignment - 1)) {
			ret = why_set(g->why,
				      "the tensor '%.100s' is not aligned to %u bytes",
				      t->name, g->alignment);
			break;
		}
		t->start += tensors->header;
		t->end = i == nr - 1 ? g->size : sorted[i + 1]->start;
		if (t->start >= g->size)
			ret = why_set(g->why,
				      "the tensor '%.100s' begins at byte %llu of a file of %llu bytes",
				      t->name, t->start, g->size);
	}
	free(sorted);
	return ret;
}

static int parse(struct gguf *g, struct tensors *tensors)
{
	__u64 nr_tensors, nr_pairs;
	__u32 magic, version;
	int ret;

	ret = get_u32(g, &magic, "its header");
	if (ret)
		return ret;
	if (magic != 0x46554747)	/* "GGUF" */
		return why_set(g->why, "not a GGUF file: wrong magic");
	ret = get_u32(g, &version, "its header");
	if (!ret && version != 2 && version != 3)
		return why_set(g->why, "GGUF version %u, and this maioctl knows 2 and 3, little-endian",
			       version);
	if (!ret)
		ret = get_u64(g, &nr_tensors, "its header");
	if (!ret)
		ret = get_u64(g, &nr_pairs, "its header");
	if (ret)
		return ret;

	if (have(g, nr_pairs, PAIR_BYTES, "the metadata") < 0)
		return -1;
	while (!ret && nr_pairs--)
		ret = parse_pair(g);
	if (ret)
		return ret;
	if (have(g, nr_tensors, RECORD_BYTES, "the tensors' records") < 0)
		return -1;
	while (!ret && nr_tensors--)
		ret = parse_record(g, tensors);
	return ret ? ret : place_tensors(g, tensors);
}

/**
 * gguf_parse - find the tensors of a GGUF file
 * @data: the beginning of the file
 * @len: bytes at @data
 * @size: bytes of the file
 * @tensors: empty; filled in; to be given to tensors_free() after success
 * @why: what is wrong with the header
 *
 * The tensors come in the order of their records. ggml wants that to be their
 * order in the file, and that is how llama.cpp populates its mapping.
 *
 * Return: 0; 1 if at least the first @tensors->header bytes are needed; or -1.
 */
int gguf_parse(const void *data, size_t len, __u64 size,
	       struct tensors *tensors, struct why *why)
{
	struct gguf g = {
		.data = data,
		.len = len,
		.size = size,
		.alignment = DEFAULT_ALIGNMENT,
		.why = why,
	};
	int ret = parse(&g, tensors);

	if (ret)
		tensors_free(tensors);
	if (ret > 0)
		tensors->header = g.need;
	return ret;
}
