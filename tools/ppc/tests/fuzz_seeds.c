// SPDX-License-Identifier: GPL-2.0
/*
 * Writes inputs for the fuzz targets to begin with: fuzz_seeds DIR makes
 * DIR/header and DIR/store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "headers.h"
#include "maioctl.h"

static void must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		exit(1);
	}
}

static void write_seed(const char *path, const char *prefix, size_t prefix_len,
		       const void *data, size_t len)
{
	FILE *out = fopen(path, "w");

	must(out && fwrite(prefix, 1, prefix_len, out) == prefix_len &&
	     fwrite(data, 1, len, out) == len && !fclose(out), path);
}

static void write_header(const char *path, const char *prefix, struct bytes b)
{
	write_seed(path, prefix, 4, b.data, b.len);
	bytes_free(&b);
}

static void write_headers(void)
{
	struct bytes b;

	write_header("header/safetensors", "\1\200\7",
		     safetensors_make("{\"__metadata__\":{\"format\":\"pt\"},"
				      TENSOR("model.b", 0, 256) ", "
				      TENSOR("model.a", 256, 9000) ","
				      TENSOR("c", 9000, 9000) "}   "));
	write_header("header/safetensors-large", "\1\200\40",
		     safetensors_make("{" TENSOR("\\u00e4", 0, 4194304) ","
				      TENSOR("b", 8388608, 99999999999) "}"));
	write_header("header/safetensors-cut", "\1\0\0",
		     safetensors_make("{\"a\":{\"data_offsets\":[0,"));
	write_header("header/gguf", "\0\200\20", gguf_make());
	b = gguf_begin(2, 2, 1);
	put_alignment(&b, 32);
	put_record(&b, "blk.1.ffn_up.weight", 7, 64);
	put_record(&b, "blk.0.ffn_up.weight", 0, 0);
	write_header("header/gguf-v2", "\0\1\10", b);
}

static void write_store(void)
{
	static const __u64 sizes[] = { 1000000, 4096, 5000 };
	struct file_id files[] = {
		{ .path = "a.safetensors", .size = 1000000, .hash = 0x0123456789abcdefULL,
		  .mtime = 1700000000 },
		{ .path = "b \\ \xc3\xa4.gguf", .size = 4096, .hash = 0, .mtime = 0 },
		{ .path = "c", .size = 5000, .hash = ~0ULL, .mtime = 1 },
	};
	struct store_entry entry = {
		.service = "service",
		.created = 1700000001,
		.model_bytes = 1000000 + 4096 + 5000,
		.files = files,
		.nr_files = ARRAY_SIZE(files),
	};
	size_t len, text_len;
	char *data, *text;

	entry.blob = blob_make(sizes, ARRAY_SIZE(sizes), 3, &entry.blob_len);
	data = store_serialise(&entry, &len);
	must(data, "store_serialise");
	write_seed("store/file", "\0", 1, data, len);
	write_seed("store/half-sealed", "\2", 1, data, len);
	write_seed("store/blob", "\5", 1, entry.blob, entry.blob_len);
	text = strstr(data, "\npacked ") + 1;
	text_len = text - data;
	text = xalloc(text_len + entry.blob_len, 1);
	memcpy(text, data, text_len);
	memcpy(text + text_len, entry.blob, entry.blob_len);
	write_seed("store/sealed", "\3", 1, text, text_len + entry.blob_len);
	free(text);
	free(data);
	free(entry.blob);
}

static void make_dir(const char *path)
{
	must(!mkdir(path, 0755) || !access(path, W_OK), path);
}

int main(int argc, char **argv)
{
	must(argc == 2, "usage: fuzz_seeds DIR");
	make_dir(argv[1]);
	must(!chdir(argv[1]), argv[1]);
	make_dir("header");
	make_dir("store");
	write_headers();
	write_store();
	return 0;
}
