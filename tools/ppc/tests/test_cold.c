// SPDX-License-Identifier: GPL-2.0
/*
 * Cold templates: the extents are those that the headers ask for, and every
 * header that is wrong is refused with the reason.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "headers.h"
#include "maioctl.h"
#include "tap.h"

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

static void must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		printf("Bail out! %s\n", what);
		exit(1);
	}
}

/* @b, and a hole to @size. */
static void make_file(const char *path, struct bytes b, __u64 size)
{
	FILE *out = fopen(path, "w");

	must(out, path);
	must(!b.len || fwrite(b.data, 1, b.len, out) == b.len, path);
	must(!fflush(out) && !ftruncate(fileno(out), size) && !fclose(out), path);
	bytes_free(&b);
}

/* @json, and spaces until data begin at @header; then @data bytes. */
static void make_safetensors(const char *path, const char *json, size_t header,
			     __u64 data)
{
	char *padded = xasprintf("%-*s", (int)header - 8, json);
	struct bytes b = safetensors_make(padded);

	must(b.len == header, "room for the header");
	free(padded);
	make_file(path, b, header + data);
}

/* The kernel refuses a group that reads a unit twice. */
static bool overlaps(const struct template_view *view)
{
	__u64 i, j, end, nr;
	bool bad = false;
	__u32 file;
	char *seen;

	for (file = 0; file < view->nr_files; file++) {
		nr = (le64toh(view->files[file].size) + 4095) / 4096;
		seen = xalloc(nr, 1);
		for (i = 0; i < view->nr_extents; i++) {
			if (le32toh(view->extents[i].file) != file)
				continue;
			j = le32toh(view->extents[i].start);
			end = j + le32toh(view->extents[i].count);
			bad = bad || end > nr;
			for (; !bad && j < end; j++)
				bad = seen[j]++;
		}
		free(seen);
	}
	return bad;
}

/* The template as "FILE:START+COUNT ...", which the caller frees. */
static char *extents_text(const struct template_view *view)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	__u32 i;

	must(out, "open_memstream");
	for (i = 0; i < view->nr_extents; i++)
		fprintf(out, "%s%u:%u+%u", i ? " " : "",
			le32toh(view->extents[i].file),
			le32toh(view->extents[i].start),
			le32toh(view->extents[i].count));
	fclose(out);
	return text;
}

/* Make a template for some files; it must be sound whatever is in it. */
static void *cold(int nr, char **args, struct template_view *view)
{
	struct model model;
	struct why why = { "" };
	size_t len, i;
	void *blob;

	must(!model_open(&model, nr, args, &why), why.text);
	blob = cold_template(&model, &len, &why);
	if (!blob || template_check(blob, len, view, &why)) {
		tap_ok(false, "no sound template: %s", why.text);
		exit(1);
	}
	if (view->nr_groups != 1 || view->nr_files != model.nr || overlaps(view))
		tap_ok(false, "one group, all files, and no unit twice");
	for (i = 0; i < model.nr; i++) {
		if (le64toh(view->files[i].size) != model.files[i].size)
			tap_ok(false, "the size of file %zu", i);
	}
	model_close(&model);
	return blob;
}

static void expect(int nr, char **args, const char *want, const char *what)
{
	struct template_view view;
	void *blob = cold(nr, args, &view);
	char *text = extents_text(&view);

	tap_ok(!strcmp(text, want), "%s: %s", what, text);
	free(text);
	free(blob);
}

static void expect_one(const char *path, const char *want, const char *what)
{
	char *args[] = { (char *)path };

	expect(1, args, want, what);
}

static void test_safetensors(void)
{
	const char *s = "s.safetensors";

	make_safetensors(s, "{" TENSOR("a", 0, 8192) "," TENSOR("b", 8192, 16384)
			 "}", 4096, 16384);
	expect_one(s, "0:0+5", "in the order of the file, one extent");
	make_safetensors(s, "{" TENSOR("b", 0, 8192) "," TENSOR("a", 8192, 16384)
			 "}", 4096, 16384);
	expect_one(s, "0:0+1 0:3+2 0:1+2", "by name, and the header first");
	make_safetensors(s, "{" TENSOR("B10", 8192, 12288) ","
			 TENSOR("a", 4096, 8192) "," TENSOR("B9", 0, 4096) "}",
			 4096, 12288);
	expect_one(s, "0:0+1 0:3+1 0:1+2", "byte by byte");
	make_safetensors(s, " {\"__metadata__\" : {\"format\":\"pt\"} ,\n"
			 TENSOR("\\u0061", 0, 4096) " } ", 4096, 4096);
	expect_one(s, "0:0+2", "with metadata, spaces and escapes");
	make_safetensors(s, "{}", 10, 0);
	expect_one(s, "0:0+1", "without any tensor");

	make_safetensors(s, "{" TENSOR("b", 0, 6000) "," TENSOR("a", 6000, 9000)
			 "}", 4096, 9000);
	expect_one(s, "0:0+1 0:2+2 0:1+1", "a unit is whose comes first");
	make_safetensors(s, "{" TENSOR("c", 0, 5000) "," TENSOR("b", 5000, 5010)
			 "," TENSOR("a", 5010, 9000) "}", 4096, 9000);
	expect_one(s, "0:0+1 0:2+2 0:1+1", "and a small tensor has none then");
	make_safetensors(s, "{" TENSOR("b", 0, 9000) "," TENSOR("a", 9000, 9001)
			 "}", 500, 9001);
	expect_one(s, "0:0+1 0:2+1 0:1+1", "the header is the first of all");

	make_safetensors(s, "{" TENSOR("a", 0, 4096) ","
			 TENSOR("b", 1052672, 1056768) ","
			 TENSOR("c", 2109440, 2113536) "}", 4096, 2113536);
	expect_one(s, "0:0+259 0:516+1", "a hole is read if it is up to 1 MiB");
	make_safetensors(s, "{" TENSOR("a", 0, 4096) "," TENSOR("c", 4096, 8192)
			 "," TENSOR("b", 8192, 12288) "}", 4096, 20000);
	expect_one(s, "0:0+2 0:3+1 0:2+1", "what belongs to another is no hole");
	make_safetensors(s, "{" TENSOR("a", 0, 0) "," TENSOR("b", 0, 8192) ","
			 TENSOR("c", 4096, 4096) "," TENSOR("d", 8192, 8192)
			 "}", 4096, 8192);
	expect_one(s, "0:0+3", "tensors without bytes do not count");
	make_safetensors(s, "{" TENSOR("b", 0, 8192) "," TENSOR("a", 8192, 16384)
			 "}", 300000, 16384);
	expect_one(s, "0:0+74 0:75+3 0:74+1", "a header of 300,000 bytes");
}

static void test_gguf(void)
{
	struct bytes b = gguf_make();
	int i;

	make_file("g.gguf", b, b.len + 200000);
	expect_one("g.gguf", "0:0+49", "GGUF, with values of all types");

	b = gguf_begin(2, 3, 0);
	put_record(&b, "z", 1, 8192);
	put_record(&b, "y", 0, 1 << 20);
	put_record(&b, "x", 1, 0);
	make_file("g.gguf", b, 16384);
	expect_one("g.gguf", "0:0+1 0:2+2 0:1+1", "by record, each up to the next");

	b = gguf_begin(3, 2, 1);
	put_alignment(&b, 65536);
	put_record(&b, "z", 1, 65536);
	put_record(&b, "a", 1, 0);
	make_file("g.gguf", b, 3 * 65536);
	expect_one("g.gguf", "0:0+16 0:32+16 0:16+16",
		   "data begin where the alignment says");

	b = gguf_begin(3, 0, 0);
	make_file("g.gguf", b, b.len);
	expect_one("g.gguf", "0:0+1", "without any tensor");

	b = gguf_begin(3, 2, 1);
	put_key(&b, "tokens", GGUF_ARRAY);
	put_array(&b, GGUF_STRING, 1);
	put_u64(&b, 300000);
	for (i = 0; i < 300000; i++)
		bytes_add(&b, "x", 1);
	put_record(&b, "b", 1, 8192);
	put_record(&b, "a", 1, 0);
	make_file("g.gguf", b, 311296 + 8192);
	expect_one("g.gguf", "0:0+74 0:75+3 0:74+1", "a header of 300,000 bytes");
}

static void test_many_files(void)
{
	char *dir[] = { "sharded" }, *split[] = { "split" };
	char *mixed[] = { "x.bin", "empty.gguf", "sharded" };
	struct bytes none = { .len = 0 }, b;

	must(!mkdir("sharded", 0755) && !mkdir("split", 0755), "mkdir");
	make_safetensors("sharded/m-00002-of-00002.safetensors",
			 "{" TENSOR("a", 0, 8192) "}", 4096, 8192);
	make_safetensors("sharded/m-00001-of-00002.safetensors",
			 "{" TENSOR("c", 0, 4096) "," TENSOR("b", 4096, 8192)
			 "}", 4096, 8192);
	make_file("sharded/m.safetensors.index.json", none, 0);
	expect(1, dir, "0:0+1 0:2+1 0:1+1 1:0+3", "shards by name");

	b = gguf_begin(3, 1, 0);
	put_record(&b, "one", 1, 0);
	make_file("split/m-00001-of-00002.gguf", b, 8192);
	b = gguf_begin(3, 1, 0);
	put_record(&b, "two", 1, 0);
	make_file("split/m-00002-of-00002.gguf", b, 4097);
	expect(1, split, "0:0+2 1:0+2", "a split GGUF");

	make_file("x.bin", none, 5000);
	make_file("empty.gguf", none, 0);
	expect(3, mixed, "0:0+2 2:0+1 2:2+1 2:1+1 3:0+3",
	       "another file as a whole, and none of no bytes");
}

/* As many tensors as that, of 8 KiB each, the last one by name the first. */
static void make_backwards(const char *path, unsigned int nr, __u64 data)
{
	char *json = NULL;
	unsigned int i;
	size_t len;
	FILE *out = open_memstream(&json, &len);

	must(out, "open_memstream");
	for (i = 0; i < nr; i++)
		fprintf(out, "%c\"%06u\":{\"data_offsets\":[%u,%u]}",
			i ? ',' : '{', nr - i, i * 8192, i * 8192 + 8192);
	fputc('}', out);
	must(!fclose(out) && len < MIB - 8, "json");
	make_safetensors(path, json, MIB, data);
	free(json);
}

static void test_size_of_template(void)
{
	char *args[] = { "s.safetensors" };
	struct template_view view;
	void *blob;

	make_backwards(args[0], 1023, 1023 * 8192ULL);
	blob = cold(1, args, &view);
	tap_ok(view.nr_extents == 1024, "1024 extents of two units are left");
	free(blob);

	make_backwards(args[0], 1024, 1024 * 8192ULL);
	blob = cold(1, args, &view);
	tap_ok(view.nr_extents == 513 && view.bytes == MIB + 8 * MIB,
	       "one more, and they have four");
	free(blob);

	make_backwards(args[0], 10000, 10000 * 8192ULL);
	blob = cold(1, args, &view);
	tap_ok(view.nr_extents == 626 && view.bytes == MIB + 10000 * 8192ULL,
	       "ten times as many, and they have 32");
	free(blob);

	make_backwards(args[0], 1025, 1025 * 8192ULL);
	blob = cold(1, args, &view);
	tap_ok(view.nr_extents == 514, "the last one ends with the file");
	free(blob);

	make_backwards(args[0], 1024, 12 * MIB);
	blob = cold(1, args, &view);
	tap_ok(view.nr_extents == 1025, "the larger the model, the more may be");
	free(blob);
}

/* The second begins at the unit at which the first ends, but elsewhere. */
static void test_neighbours(void)
{
	struct file_id ids[] = {
		{ .path = "f", .size = 4096 }, { .path = "g", .size = 8192 },
	};
	struct tensor second = { .start = 4096, .end = 8192 };
	struct tensors tensors[] = {
		{ .header = 4096 }, { .list = &second, .nr = 1 },
	};
	struct model model = { .files = ids, .nr = 2 };
	struct template_view view;
	struct why why = { "" };
	size_t len;
	void *blob = cold_build(&model, tensors, &len, &why);

	tap_ok(blob && !template_check(blob, len, &view, &why) &&
	       view.nr_extents == 2, "an extent is of one file");
	free(blob);
}

static void test_limits(void)
{
	struct file_id id = { .path = "f", .size = UINT32_MAX * 4096ULL };
	struct tensors tensors = { .header = UINT32_MAX * 4096ULL };
	struct model model = { .files = &id, .nr = 1 };
	struct template_view view;
	struct why why = { "" };
	size_t len;
	void *blob = cold_build(&model, &tensors, &len, &why);

	tap_ok(blob && !template_check(blob, len, &view, &why) &&
	       view.nr_extents == 1 && view.bytes == id.size,
	       "a file of 16 TiB less a unit");
	free(blob);
	id.size++;
	tap_ok(!cold_build(&model, &tensors, &len, &why), "more: %s", why.text);
	id.size = 0;
	tensors.header = 0;
	tap_ok(!cold_build(&model, &tensors, &len, &why) &&
	       !strcmp(why.text, "the files are empty"), "%s", why.text);
}

/* As many tensors as that, none of which has bytes. */
static struct bytes many_records(unsigned int nr)
{
	struct bytes b = gguf_begin(3, nr, 0);
	unsigned int i;
	char name[16];

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%u", i);
		put_record(&b, name, 0, 0);
	}
	return b;
}

static void test_too_many(void)
{
	char *args[] = { "g.gguf", "h.gguf" };
	struct why why = { "" };
	struct model model;
	struct bytes b;
	size_t len;
	void *blob;

	b = many_records(MAIO_MAX_EXTENTS + 1);
	make_file(args[0], b, b.len);
	must(!model_open(&model, 1, args, &why), why.text);
	blob = cold_template(&model, &len, &why);
	tap_ok(!blob && !strcmp(why.text, "g.gguf: more than 1048576 tensors"),
	       "in one file: %s", why.text);
	model_close(&model);

	b = many_records(MAIO_MAX_EXTENTS - 1);
	make_file(args[0], b, b.len);
	b = many_records(2);
	make_file(args[1], b, b.len);
	must(!model_open(&model, 2, args, &why), why.text);
	blob = cold_template(&model, &len, &why);
	tap_ok(!blob && !strcmp(why.text, "more than 1048576 tensors"),
	       "in two: %s", why.text);
	model_close(&model);
}

/* Refused with these words, and a model that is as before. */
static void expect_refusal(const char *path, struct bytes b, __u64 size,
			   const char *want)
{
	char *args[] = { (char *)path };
	char *full = xasprintf("%s: %s", path, want);
	struct why why = { "" };
	struct model model;
	size_t len;
	void *blob;

	make_file(path, b, size);
	must(!model_open(&model, 1, args, &why), why.text);
	blob = cold_template(&model, &len, &why);
	tap_ok(!blob && !strcmp(why.text, full), "refused: %.150s", why.text);
	if (strcmp(why.text, full))
		printf("# expected: %.150s\n", full);
	tap_ok(!model_unchanged(&model, &why), "and the model is as it was");
	free(blob);
	model_close(&model);
	free(full);
}

/* 100 bytes of data follow the header. */
static void refused_json(const char *json, const char *want)
{
	struct bytes b = safetensors_make(json);

	expect_refusal("s.safetensors", b, b.len + 100, want);
}

#define MALFORMED	"its header is malformed: "

static struct bytes only_length(__u64 len)
{
	struct bytes b = { .len = 0 };

	put_u64(&b, len);
	return b;
}

static void test_safetensors_lengths(void)
{
	expect_refusal("s.safetensors", only_length(0), 7,
		       "too short to have a header");
	expect_refusal("s.safetensors", safetensors_make("{}"), 9,
		       "the file ends within its header of 2 bytes");
	expect_refusal("s.safetensors", only_length(~0ULL), 100,
		       "a header of 18446744073709551615 bytes is longer than any may be");
	expect_refusal("s.safetensors", only_length(100000001), GIB,
		       "a header of 100000001 bytes is longer than any may be");
	expect_refusal("s.safetensors", only_length(100000000), 100000007,
		       "the file ends within its header of 100000000 bytes");
}

static void test_safetensors_json(void)
{
	struct bytes b;
	char *text;

	refused_json("", MALFORMED "no '{' at byte 8");
	refused_json("[]", MALFORMED "no '{' at byte 8");
	refused_json("{", MALFORMED "no end of what begins at byte 9");
	refused_json("{\"a\"", MALFORMED "no ':' at byte 12");
	refused_json("{\"a\":", MALFORMED "no end of what begins at byte 13");
	refused_json("{\"a\":{", MALFORMED "no end of what begins at byte 13");
	refused_json("{" TENSOR("a", 0, 1), MALFORMED "neither ',' nor '}' at byte 60");
	refused_json("{" TENSOR("a", 0, 1) ",}",
		     MALFORMED "unexpected character at byte 61");
	refused_json("{a:1}", MALFORMED "unexpected character at byte 9");
	refused_json("{1:2}",
		     MALFORMED "int where there should be string at byte 9");
	refused_json("{'a':{}}", MALFORMED "unexpected character at byte 9");
	refused_json("{\"a\":1}",
		     MALFORMED "int where there should be object at byte 13");
	refused_json("{\"a\":null}",
		     MALFORMED "null where there should be object at byte 13");
	refused_json("{\"__metadata__\":[]}",
		     MALFORMED "array where there should be object at byte 24");
	refused_json("{\"__metadata__\":{},\"__metadata__\":{}}",
		     MALFORMED "more __metadata__ at byte 44");
	refused_json("{}{}", MALFORMED "something behind the '}' at byte 10");
	refused_json("{\"\xff\":{}}",
		     MALFORMED "invalid utf-8 string at byte 9");
	refused_json("{\"a\":{\"b\":[[[[[[[[[[]]]]]]]]]]}}",
		     MALFORMED "nesting too deep at byte 13");
	b = safetensors_make("{}");
	b.data[9] = '\0';
	expect_refusal("s.safetensors", b, b.len,
		       MALFORMED "unexpected end of data at byte 9");

	text = xasprintf("{\"%0*d\":{}}", 1 << 20, 0);
	refused_json(text,
		     MALFORMED "a name or value of more than a MiB at byte 9");
	free(text);
}

static void test_safetensors_offsets(void)
{
	static const char *const bad[] = {
		"", "\"data_offsets\":null", "\"data_offsets\":{}",
		"\"data_offsets\":[]", "\"data_offsets\":[1]",
		"\"data_offsets\":[1,2,3]", "\"data_offsets\":[0,1.0]",
		"\"data_offsets\":[\"0\",1]", "\"data_offsets\":[0,null]",
		"\"data_offsets\":[-1,1]", "\"data_offsets\":[0,-1]",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char *json = xasprintf("{\"a\":{%s}}", bad[i]);

		refused_json(json, "the tensor 'a' has no data_offsets that are two numbers");
		free(json);
	}
	refused_json("{" TENSOR("a", 2, 1) "}",
		     "the tensor 'a' ends before it begins");
	refused_json("{" TENSOR("a", 0, 101) "}",
		     "the tensor 'a' ends at byte 101 of 100 bytes of data");
	refused_json("{" TENSOR("a", 101, 101) "}",
		     "the tensor 'a' ends at byte 101 of 100 bytes of data");
	refused_json("{" TENSOR("a", 0, 18446744073709551615) "}",
		     "the tensor 'a' ends at byte 9223372036854775807 of 100 bytes of data");
	refused_json("{" TENSOR("a", 0, 50) "," TENSOR("b", 49, 100) "}",
		     "the tensors 'a' and 'b' overlap");
	refused_json("{" TENSOR("b", 0, 100) "," TENSOR("a", 10, 20) "}",
		     "the tensors 'b' and 'a' overlap");
	refused_json("{" TENSOR("a", 0, 50) "," TENSOR("b", 50, 60) ","
		     TENSOR("a", 60, 100) "}", "two tensors are called 'a'");
	refused_json("{" TENSOR("a", 0, 50) "," TENSOR("\\u0061", 50, 100) "}",
		     "two tensors are called 'a'");
}

/* A header of one thing, and room for all that is in it. */
static void refused_gguf(struct bytes b, const char *want)
{
	expect_refusal("g.gguf", b, b.len + 100, want);
}

static struct bytes one_pair(const char *key, __u32 type)
{
	struct bytes b = gguf_begin(3, 0, 1);

	put_key(&b, key, type);
	return b;
}

static void test_gguf_metadata(void)
{
	struct bytes b;
	int i;

	b = gguf_begin(1, 0, 0);
	refused_gguf(b, "GGUF version 1, and this maioctl knows 2 and 3, little-endian");
	b = gguf_begin(0x03000000, 0, 0);
	refused_gguf(b, "GGUF version 50331648, and this maioctl knows 2 and 3, little-endian");
	b = gguf_begin(3, 0, 0);
	b.data[0] = 'g';
	refused_gguf(b, "not a GGUF file: wrong magic");
	b = gguf_begin(3, ~0ULL, 0);
	refused_gguf(b, "the file ends within the tensors' records at byte 24");
	b = gguf_begin(3, 0, ~0ULL);
	refused_gguf(b, "the file ends within the metadata at byte 24");
	b = gguf_begin(3, 0, 1);
	put_u64(&b, ~0ULL);
	refused_gguf(b, "the file ends within a key at byte 32");
	b = one_pair("k", GGUF_STRING);
	put_u64(&b, 1ULL << 63);
	refused_gguf(b, "the file ends within a string at byte 45");
	b = one_pair("k", GGUF_NR_TYPES);
	refused_gguf(b, "a value of unknown type 13 at byte 37");
	b = one_pair("k", GGUF_ARRAY);
	put_array(&b, GGUF_NR_TYPES, 1);
	refused_gguf(b, "a value of unknown type 13 at byte 49");
	for (i = 0; i < GGUF_NR_TYPES; i++) {
		b = one_pair("k", GGUF_ARRAY);
		put_array(&b, i, (1ULL << 61) + 1);
		refused_gguf(b, "the file ends within an array at byte 49");
	}
	b = one_pair("k", GGUF_ARRAY);
	for (i = 0; i < 20; i++)
		put_array(&b, GGUF_ARRAY, 1);
	refused_gguf(b, "arrays within arrays at byte 133 are nested too deeply");

	b = gguf_begin(3, 0, 1);
	put_alignment(&b, 0);
	refused_gguf(b, "general.alignment is 0, and no power of two");
	b = gguf_begin(3, 0, 1);
	put_alignment(&b, 48);
	refused_gguf(b, "general.alignment is 48, and no power of two");
	b = one_pair("general.alignment", GGUF_U64);
	refused_gguf(b, "general.alignment is of type 10 instead of 4");
	b = one_pair("k", GGUF_ARRAY);
	put_array(&b, GGUF_U8, 100000000);
	expect_refusal("g.gguf", b, GIB,
		       "its header has more than 100000008 bytes");
}

static struct bytes records(__u64 first, __u64 second, const char *name)
{
	struct bytes b = gguf_begin(3, 2, 0);

	put_record(&b, "a", 1, first);
	put_record(&b, name, 1, second);
	return b;
}

static void test_gguf_records(void)
{
	struct bytes b;

	/* The records of two tensors end at byte 114, data begin at 128. */
	b = records(0, 32, "b");
	make_file("g.gguf", b, 161);
	expect_one("g.gguf", "0:0+1", "two tensors as they should be");
	expect_refusal("g.gguf", records(0, 64, "b"), 192,
		       "the tensor 'b' begins at byte 192 of a file of 192 bytes");
	expect_refusal("g.gguf", records(0, 33, "b"), 200,
		       "the tensor 'b' is not aligned to 32 bytes");
	expect_refusal("g.gguf", records(0, ~31ULL, "b"), 200,
		       "the tensor 'b' begins at byte 18446744073709551584 of its data in a file of 200 bytes");
	expect_refusal("g.gguf", records(32, 32, "b"), 200,
		       "the tensors 'a' and 'b' overlap");
	expect_refusal("g.gguf", records(0, 32, "a"), 200, "two tensors are called 'a'");

	b = gguf_begin(3, 1, 0);
	put_string(&b, "a");
	put_u32(&b, 9);
	refused_gguf(b, "a tensor of 9 dimensions at byte 37");
	b = gguf_begin(3, 1, 0);
	put_u64(&b, 1ULL << 40);
	refused_gguf(b, "the file ends within a tensor's record at byte 32");
}

/* Cut off anywhere, on a copy that ends where the heap block ends. */
static void test_cut(struct bytes b, const char *what,
		     int (*parse)(const void *data, size_t len, __u64 size,
				  struct tensors *tensors, struct why *why))
{
	struct tensors tensors = { .nr = 0 };
	struct why why;
	bool more = true, cut = true;
	size_t i;
	char *copy;

	for (i = 0; i < b.len; i++) {
		copy = xalloc(i, 1);
		memcpy(copy, b.data, i);
		more = more && parse(copy, i, b.len + 200000, &tensors, &why) == 1 &&
		       tensors.header > i && tensors.header <= b.len;
		why.text[0] = '\0';
		cut = cut && parse(copy, i, i, &tensors, &why) == -1 && why.text[0];
		free(copy);
	}
	tap_ok(more, "%s: with any part of the header, more is asked for", what);
	tap_ok(cut, "%s: cut off at any byte it is refused", what);
	bytes_free(&b);
}

/* Pages of a file that are cached, or -1. */
static int cached_pages(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY), nr = 0;
	size_t i, pages = (size + 4095) / 4096;
	unsigned char *vec = xalloc(pages, 1);
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	must(fd >= 0 && map != MAP_FAILED && !mincore(map, size, vec), path);
	for (i = 0; i < pages; i++)
		nr += vec[i] & 1;
	munmap(map, size);
	close(fd);
	free(vec);
	return nr;
}

static void drop_cached(const char *path)
{
	int fd = open(path, O_RDONLY);

	must(fd >= 0 && !fsync(fd) &&
	     !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), path);
	close(fd);
}

static void test_traceless(void)
{
	static char *names[] = { "a.safetensors", "b.gguf", "c.safetensors" };
	const size_t size = 400000 + 8192;
	struct model model;
	struct why why;
	size_t len, i;
	int nr[3], bad;
	void *blob;

	make_safetensors(names[0], "{" TENSOR("a", 0, 8192) "}", 400000, 8192);
	make_file(names[1], gguf_make(), size);
	make_safetensors(names[2], "{" TENSOR("a", 0, 9) "}", 1000, size - 1000);
	for (bad = 0; bad < 2; bad++) {
		for (i = 0; i < 3; i++) {
			drop_cached(names[i]);
			if (cached_pages(names[i], size)) {
				tap_ok(true, "no trace # SKIP pages cannot be dropped here");
				return;
			}
		}
		must(!model_open(&model, 3, names, &why), why.text);
		for (i = 0; i < 3; i++)
			nr[i] = cached_pages(names[i], size);
		tap_ok(!nr[0] && !nr[1] && !nr[2],
		       "opening a model leaves no trace: %d %d %d pages",
		       nr[0], nr[1], nr[2]);
		blob = cold_template(&model, &len, &why);
		must(bad ? !blob : !!blob, why.text);
		free(blob);
		for (i = 0; i < 3; i++)
			nr[i] = cached_pages(names[i], size);
		tap_ok(!nr[0] && !nr[1] && !nr[2],
		       "nor does making a template%s: %d %d %d pages",
		       bad ? " that fails" : "", nr[0], nr[1], nr[2]);
		model_close(&model);
		make_safetensors(names[0], "{,}", 400000, 8192);
	}
}

int main(void)
{
	char dir[] = "/tmp/maioctl-test-XXXXXX";
	char *cleanup;
	int ret;

	must(mkdtemp(dir) && !chdir(dir), dir);
	test_safetensors();
	test_gguf();
	test_many_files();
	test_size_of_template();
	test_neighbours();
	test_limits();
	test_too_many();
	test_safetensors_lengths();
	test_safetensors_json();
	test_safetensors_offsets();
	test_gguf_metadata();
	test_gguf_records();
	test_cut(safetensors_make("{" TENSOR("a", 0, 50) "}"), "safetensors",
		 safetensors_parse);
	test_cut(gguf_make(), "GGUF", gguf_parse);
	test_traceless();
	cleanup = xasprintf("rm -rf %s", dir);
	ret = system(cleanup);
	free(cleanup);
	tap_ok(!ret, "cleaned up");
	return tap_end();
}
