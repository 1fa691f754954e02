// SPDX-License-Identifier: GPL-2.0
/*
 * The template store: what is written is read back, and everything else is
 * refused.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "maioctl.h"
#include "tap.h"

static const __u64 sizes[] = { 1000000, 4096, 5000 };
static struct file_id files[] = {
	{ .path = "a.safetensors", .size = 1000000, .hash = 0x0123456789abcdefULL,
	  .mtime = 1700000000 },
	{ .path = "b with spaces\n and \\ \xc3\xa4.gguf", .size = 4096, .hash = 0, .mtime = 0 },
	{ .path = " c", .size = 5000, .hash = ~0ULL, .mtime = 1 },
};

static struct store_entry make_entry(void)
{
	struct store_entry entry = {
		.service = "test-service",
		.created = 1700000001,
		.model_bytes = 1000000 + 4096 + 5000,
		.resident_bytes = 4096,
		.files = files,
		.nr_files = 3,
	};

	entry.blob = blob_make(sizes, 3, 3, &entry.blob_len);
	return entry;
}

static bool same(const struct store_entry *a, const struct store_entry *b)
{
	size_t i;

	if (strcmp(a->service, b->service) || a->created != b->created ||
	    a->model_bytes != b->model_bytes ||
	    a->resident_bytes != b->resident_bytes ||
	    a->nr_files != b->nr_files || a->blob_len != b->blob_len ||
	    memcmp(a->blob, b->blob, a->blob_len))
		return false;
	for (i = 0; i < a->nr_files; i++) {
		if (strcmp(a->files[i].path, b->files[i].path) ||
		    a->files[i].size != b->files[i].size ||
		    a->files[i].hash != b->files[i].hash ||
		    a->files[i].mtime != b->files[i].mtime)
			return false;
	}
	return true;
}

/* Refused with a reason, on a copy that ends where the heap block ends. */
static bool refused(const char *data, size_t len, struct why *why)
{
	struct store_entry entry;
	char *copy = xalloc(len, 1);
	int ret;

	memcpy(copy, data, len);
	why->text[0] = '\0';
	ret = store_parse(copy, len, &entry, why);
	free(copy);
	if (!ret)
		store_entry_free(&entry);
	return ret == -1 && why->text[0];
}

static void reseal(char *data, size_t len)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "maio-template 3 %016llx\n",
			 hash_more(HASH_INIT, data + 33, len - 33));

	memcpy(data, line, n);
}

static void test_damaged(const char *data, size_t len)
{
	char *copy = xalloc(len + 1, 1);
	struct why why;
	bool good = true;
	size_t i;

	for (i = 0; i < len; i++)
		good = good && refused(data, i, &why);
	tap_ok(good, "cut off at any byte it is refused");

	memcpy(copy, data, len);
	for (i = 0, good = true; i < 8 * len; i++) {
		copy[i / 8] ^= 1 << i % 8;
		good = good && refused(copy, len, &why);
		copy[i / 8] ^= 1 << i % 8;
	}
	tap_ok(good, "with any bit flipped it is refused");
	tap_ok(refused(copy, len + 1, &why), "with a byte more it is refused");

	/* Whoever forges a checksum gets no further than the content. */
	for (i = 34, good = true; i < len; i++) {
		memcpy(copy, data, i);
		reseal(copy, i);
		good = good && refused(copy, i, &why);
	}
	tap_ok(good, "cut off and sealed again it is refused");
	memcpy(copy, data, len);
	for (i = 8 * 33; i < 8 * len; i++) {
		copy[i / 8] ^= 1 << i % 8;
		reseal(copy, len);
		refused(copy, len, &why);
		copy[i / 8] ^= 1 << i % 8;
	}
	tap_ok(true, "any bit flipped and sealed again does no harm");
	free(copy);
}

/* Replace the first occurrence of @old, seal, and look whether it is refused. */
static void forge(const char *data, size_t len, const char *old, const char *new)
{
	size_t old_len = strlen(old), new_len = strlen(new);
	const char *at = memmem(data, len, old, old_len);
	size_t head = at - data, tail = len - head - old_len;
	char *copy = xalloc(len + new_len, 1);
	char *shown = text_escape(new);
	struct why why;

	memcpy(copy, data, head);
	memcpy(copy + head, new, new_len);
	memcpy(copy + head + new_len, at + old_len, tail);
	len = head + new_len + tail;
	reseal(copy, len);
	tap_ok(refused(copy, len, &why), "'%s' is refused: %s", shown, why.text);
	free(shown);
	free(copy);
}

static void test_forged(const char *data, size_t len)
{
	forge(data, len, "service test-service", "service ../etc");
	forge(data, len, "service test-service", "service .x");
	forge(data, len, "service test-service\n", "");
	forge(data, len, "created 1700000001", "created -1");
	forge(data, len, "created 1700000001", "created 9223372036854775808");
	forge(data, len, "created 1700000001", "created 01");
	forge(data, len, "created 1700000001", "created  1");
	forge(data, len, "model-bytes 1009096", "model-bytes 1009097");
	forge(data, len, "resident-bytes 4096", "resident-bytes 1009097");
	forge(data, len, "files 3", "files 0");
	forge(data, len, "files 3", "files 2");
	forge(data, len, "files 3", "files 4");
	forge(data, len, "files 3", "files 16385");
	forge(data, len, "files 3", "files 4294967299");
	forge(data, len, "1000000 0", "1000001 0");
	forge(data, len, "0123456789abcdef", "0123456789ABCDEF");
	forge(data, len, " a.safetensors", " ");
	forge(data, len, " a.safetensors", "");
	forge(data, len, "a.safetensors", "a\\101");
	forge(data, len, "a.safetensors", "a\xff");
	forge(data, len, "5000 ", "18446744073709551615 ");
	forge(data, len, "\ntemplate ", "\ntemplate 1");
	forge(data, len, "\ntemplate ", "\ntemplate x");
	forge(data, len, "\npacked ", "\npacked 1");
	forge(data, len, "\npacked ", "\npacked x");
}

static void test_disk(const struct store_entry *entry)
{
	char dir[] = "/tmp/maioctl-test-XXXXXX";
	struct store_entry back;
	char *store, *path, *cleanup;
	struct stat st;
	struct why why;

	if (!mkdtemp(dir)) {
		tap_ok(false, "mkdtemp");
		return;
	}
	store = xasprintf("%s/a//b/", dir);
	path = store_path(store, entry->service);
	tap_ok(store_load(path, &back, &why) == 1, "there is none yet");
	tap_ok(!store_save(store, entry, &why), "saved, with folders on the way");
	tap_ok(!stat(path, &st) && (st.st_mode & 07777) == 0644, "mode is 0644");
	tap_ok(!store_save(store, entry, &why), "saved over the old one");
	if (tap_ok(!store_load(path, &back, &why), "loaded")) {
		tap_ok(same(entry, &back), "with the same content");
		store_entry_free(&back);
	}
	cleanup = xasprintf("test $(ls -A %s | wc -l) = 1", store);
	tap_ok(!system(cleanup), "no temporary file stays");
	free(cleanup);

	tap_ok(!truncate(path, st.st_size - 1) &&
	       store_load(path, &back, &why) == -1, "cut off: %s", why.text);
	tap_ok(!truncate(path, STORE_FILE_MAX + 1) &&
	       store_load(path, &back, &why) == -1, "oversized: %s", why.text);
	tap_ok(!truncate(path, 0) && store_load(path, &back, &why) == -1,
	       "empty: %s", why.text);
	tap_ok(store_load(store, &back, &why) == -1, "a folder: %s", why.text);
	tap_ok(!unlink(path) && !mkfifo(path, 0644) &&
	       store_load(path, &back, &why) == -1, "a fifo: %s", why.text);
	tap_ok(store_save("/proc/nowhere", entry, &why) == -1,
	       "a store that cannot be made: %s", why.text);
	tap_ok(store_save("/dev/null", entry, &why) == -1,
	       "a store that is no folder: %s", why.text);
	tap_ok(store_save("/proc/self", entry, &why) == -1,
	       "a store that takes no files: %s", why.text);

	cleanup = xasprintf("rm -rf %s", dir);
	tap_ok(!system(cleanup), "cleaned up");
	free(cleanup);
	free(path);
	free(store);
}

static void test_fits(const struct store_entry *entry)
{
	struct file_id now[3];
	struct model model = { .files = now, .nr = 3 };
	struct why why;

	memcpy(now, files, sizeof(files));
	tap_ok(!store_fits(entry, &model, &why), "the same files fit");
	now[0].mtime++;
	tap_ok(!store_fits(entry, &model, &why), "also at another time");
	now[0].size++;
	tap_ok(store_fits(entry, &model, &why), "stale: %s", why.text);
	now[0].size--;
	now[0].hash++;
	tap_ok(store_fits(entry, &model, &why), "stale: %s", why.text);
	now[0].hash--;
	now[0].path = "z";
	tap_ok(store_fits(entry, &model, &why), "stale: %s", why.text);
	model.nr = 2;
	tap_ok(store_fits(entry, &model, &why), "stale: %s", why.text);
}

/* As recorded of @workers that have a slice of every tensor each. */
static void test_small(__u32 layers, __u32 tensors, __u32 workers, __u64 gb)
{
	struct maio_template_extent *e;
	struct file_id file = {
		.path = "model.safetensors", .size = gb * 1000000000, .hash = 1, .mtime = 2,
	};
	struct store_entry entry = {
		.service = "small", .created = 1700000001,
		.model_bytes = file.size, .files = &file, .nr_files = 1,
	};
	__u32 i, w, units = file.size / 4096 / (layers * tensors), nr = 0;
	__u32 slice = units / workers, *counts = xalloc(workers, sizeof(*counts));
	size_t len;

	e = xalloc((size_t)layers * tensors * workers, sizeof(*e));
	for (w = 0; w < workers; w++) {
		counts[w] = layers * tensors;
		for (i = 0; i < counts[w]; i++) {
			/* No two tensors of a layer are of one size. */
			__u32 less = i % tensors;

			e[nr].start = htole32(i * units + w * (slice - less));
			e[nr++].count = htole32(slice - less);
		}
	}
	entry.blob = blob_groups(&file.size, 1, counts, workers, e, &entry.blob_len);
	free(store_serialise(&entry, &len));
	tap_ok(len <= gb * 1000, "%u extents of %llu GB take %zu bytes", nr, gb, len);
	free(entry.blob);
	free(counts);
	free(e);
}

int main(void)
{
	struct store_entry entry = make_entry(), back;
	struct why why;
	size_t len, len2;
	char *data = store_serialise(&entry, &len), *again;

	if (tap_ok(data && !store_parse(data, len, &back, &why),
		   "what is written is read")) {
		tap_ok(same(&entry, &back), "and is the same");
		again = store_serialise(&back, &len2);
		tap_ok(len == len2 && !memcmp(data, again, len),
		       "and gives the same bytes again");
		free(again);
		store_entry_free(&back);
	}
	test_damaged(data, len);
	test_forged(data, len);
	test_disk(&entry);
	test_fits(&entry);
	test_small(24, 9, 8, 1);
	test_small(80, 9, 8, 140);
	tap_ok(coverage_enough(5, 100) && !coverage_enough(6, 100) &&
	       coverage_enough(0, 0) && !coverage_enough(1, 0),
	       "5 %% cached at the start is the most");
	free(data);
	free(entry.blob);
	return tap_end();
}
