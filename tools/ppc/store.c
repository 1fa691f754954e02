// SPDX-License-Identifier: GPL-2.0
/*
 * The form of a file in the template store: lines of ASCII that say which
 * files the template is for, so that head(1) shows them, then the kernel's
 * template, packed.
 *
 *	maio-template 3 <FNV-1a-64 of all that follows this line>
 *	service <service id>
 *	created <seconds since the epoch>
 *	model-bytes <sum of the sizes>
 *	resident-bytes <of these, cached when the recording began>
 *	files <number>
 *	<size> <hash of the header> <mtime> <path, bytes escaped as \ooo>
 *	...
 *	template <bytes>
 *	packed <bytes>
 *	<what template_pack() makes of the kernel's template, to the end of the file>
 *
 * Whatever is not exactly so is refused whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <endian.h>

#include "maioctl.h"

#define STORE_MAGIC		"maio-template 3 "
#define HASH_DIGITS		16
#define FIRST_LINE		(sizeof(STORE_MAGIC) - 1 + HASH_DIGITS + 1)

/**
 * store_serialise - write a store entry as the bytes of a file
 * @entry: what to write
 * @len: how many bytes that are
 *
 * Return: the bytes; the caller frees them. NULL when memory ran out.
 */
char *store_serialise(const struct store_entry *entry, size_t *len)
{
	char first[FIRST_LINE + 1];
	char *data = NULL;
	size_t i, packed_len;
	void *packed;
	FILE *out;

	packed = template_pack(entry->blob, entry->blob_len, &packed_len);
	if (!packed)
		return NULL;
	out = open_memstream(&data, len);
	if (!out) {
		free(packed);
		return NULL;
	}
	fprintf(out, STORE_MAGIC "%016llx\n", 0ULL);
	fprintf(out, "service %s\ncreated %llu\n", entry->service, entry->created);
	fprintf(out, "model-bytes %llu\nresident-bytes %llu\nfiles %zu\n",
		entry->model_bytes, entry->resident_bytes, entry->nr_files);
	for (i = 0; i < entry->nr_files; i++) {
		const struct file_id *id = &entry->files[i];
		char *path = text_escape(id->path);

		fprintf(out, "%llu %016llx %llu %s\n", id->size, id->hash,
			id->mtime, path);
		free(path);
	}
	fprintf(out, "template %zu\npacked %zu\n", entry->blob_len, packed_len);
	fwrite(packed, 1, packed_len, out);
	free(packed);
	i = ferror(out);
	if (fclose(out) || i) {
		free(data);
		return NULL;
	}

	snprintf(first, sizeof(first), STORE_MAGIC "%016llx\n",
		 hash_more(HASH_INIT, data + FIRST_LINE, *len - FIRST_LINE));
	memcpy(data, first, FIRST_LINE);
	return data;
}

/* Cut the next line off *@pos and end it with a NUL; NULL if there is none. */
static char *next_line(char **pos, char *end)
{
	char *line = *pos;
	char *nl = memchr(line, '\n', end - line);

	if (!nl || memchr(line, '\0', nl - line))
		return NULL;
	*nl = '\0';
	*pos = nl + 1;
	return line;
}

static char *next_field(char **pos, char *end, const char *key, struct why *why)
{
	size_t len = strlen(key);
	char *line = next_line(pos, end);

	if (!line || strncmp(line, key, len) || line[len] != ' ') {
		why_set(why, "no line '%s' where there should be one", key);
		return NULL;
	}
	return line + len + 1;
}

static int next_number(char **pos, char *end, const char *key, __u64 max,
		       __u64 *value, struct why *why)
{
	const char *p = next_field(pos, end, key, why);

	if (!p)
		return -1;
	if (decimal_parse(&p, value) || *p || *value > max)
		return why_set(why, "the number of '%s' is malformed or too large", key);
	return 0;
}

static int hash_parse(const char **text, __u64 *hash)
{
	const char *p = *text;
	int i;

	*hash = 0;
	for (i = 0; i < HASH_DIGITS; i++, p++) {
		if (*p >= '0' && *p <= '9')
			*hash = *hash << 4 | (*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			*hash = *hash << 4 | (*p - 'a' + 10);
		else
			return -1;
	}
	*text = p;
	return 0;
}

static int parse_file(const char *line, struct file_id *id)
{
	if (decimal_parse(&line, &id->size) || *line++ != ' ' ||
	    hash_parse(&line, &id->hash) || *line++ != ' ' ||
	    decimal_parse(&line, &id->mtime) || *line++ != ' ' || !*line)
		return -1;
	id->path = text_unescape(line);
	return id->path ? 0 : -1;
}

static int parse_files(char **pos, char *end, struct store_entry *entry,
		       struct why *why)
{
	__u64 nr, sum = 0;
	char *line;

	if (next_number(pos, end, "files", MAIO_MAX_FILES, &nr, why))
		return -1;
	if (!nr)
		return why_set(why, "it is for no file at all");
	entry->files = xalloc(nr, sizeof(*entry->files));
	for (; entry->nr_files < nr; entry->nr_files++) {
		struct file_id *id = &entry->files[entry->nr_files];

		line = next_line(pos, end);
		if (!line || parse_file(line, id))
			return why_set(why, "the line of file %zu is malformed",
				       entry->nr_files);
		if (__builtin_add_overflow(sum, id->size, &sum)) {
			entry->nr_files++;
			return why_set(why, "the files are too large to be true");
		}
	}
	if (sum != entry->model_bytes || entry->resident_bytes > sum)
		return why_set(why, "model-bytes and resident-bytes do not agree with the files");
	return 0;
}

static int parse_blob(char **pos, char *end, struct store_entry *entry,
		      struct why *why)
{
	struct template_view view;
	__u64 len, packed_len;
	size_t i;

	if (next_number(pos, end, "template", TEMPLATE_MAX_BYTES, &len, why) ||
	    next_number(pos, end, "packed", STORE_FILE_MAX, &packed_len, why))
		return -1;
	if (packed_len != (__u64)(end - *pos))
		return why_set(why, "%td bytes follow where a template of %llu should",
			       end - *pos, packed_len);
	entry->blob = template_unpack(*pos, packed_len, len, why);
	if (!entry->blob)
		return -1;
	entry->blob_len = len;
	if (template_check(entry->blob, len, &view, why))
		return -1;
	if (!view.nr_extents)
		return why_set(why, "the template covers nothing");
	if (view.nr_files > entry->nr_files)
		return why_set(why, "the template has %u files, its list %zu",
			       view.nr_files, entry->nr_files);
	for (i = 0; i < view.nr_files; i++) {
		if (le64toh(view.files[i].size) != entry->files[i].size)
			return why_set(why, "template and list disagree on the size of file %zu",
				       i);
	}
	return 0;
}

static int check_first_line(const char *data, size_t len, struct why *why)
{
	const char *p = data + sizeof(STORE_MAGIC) - 1;
	__u64 hash;

	if (len > STORE_FILE_MAX)
		return why_set(why, "larger than any template may be");
	if (len < FIRST_LINE)
		return why_set(why, "cut off in its first line");
	if (memcmp(data, STORE_MAGIC, sizeof(STORE_MAGIC) - 1))
		return why_set(why, "not a template of a version this maioctl knows");
	if (data[FIRST_LINE - 1] != '\n' || hash_parse(&p, &hash))
		return why_set(why, "its first line is malformed");
	if (hash_more(HASH_INIT, data + FIRST_LINE, len - FIRST_LINE) != hash)
		return why_set(why, "its checksum is wrong: damaged or cut off");
	return 0;
}

/**
 * store_parse - read the bytes of a file of the store
 * @data: the bytes
 * @len: how many
 * @entry: filled in; to be given to store_entry_free() after success
 * @why: what is wrong with them
 *
 * Return: 0 or -1.
 */
int store_parse(const char *data, size_t len, struct store_entry *entry,
		struct why *why)
{
	char *copy, *pos, *end, *service;

	memset(entry, 0, sizeof(*entry));
	if (check_first_line(data, len, why))
		return -1;

	copy = xalloc(len, 1);
	memcpy(copy, data, len);
	pos = copy + FIRST_LINE;
	end = copy + len;

	service = next_field(&pos, end, "service", why);
	if (!service)
		goto bad;
	if (!service_valid(service)) {
		why_set(why, "its service id is malformed");
		goto bad;
	}
	entry->service = xstrdup(service);
	if (next_number(&pos, end, "created", INT64_MAX, &entry->created, why) ||
	    next_number(&pos, end, "model-bytes", INT64_MAX,
			&entry->model_bytes, why) ||
	    next_number(&pos, end, "resident-bytes", INT64_MAX,
			&entry->resident_bytes, why) ||
	    parse_files(&pos, end, entry, why) ||
	    parse_blob(&pos, end, entry, why))
		goto bad;
	free(copy);
	return 0;
bad:
	store_entry_free(entry);
	free(copy);
	return -1;
}

/**
 * store_fits - is a template for just these files?
 * @entry: from the store
 * @model: the files as they are now
 * @why: in what they differ
 *
 * Return: 0, or -1 when it is stale.
 */
int store_fits(const struct store_entry *entry, const struct model *model,
	       struct why *why)
{
	size_t i;

	if (entry->nr_files != model->nr)
		return why_set(why, "it is for %zu files, the model has %zu",
			       entry->nr_files, model->nr);
	for (i = 0; i < model->nr; i++) {
		const struct file_id *then = &entry->files[i];
		const struct file_id *now = &model->files[i];

		if (strcmp(then->path, now->path))
			return why_set(why, "it has '%s' where the model has '%s'",
				       then->path, now->path);
		if (then->size != now->size)
			return why_set(why, "%s had %llu bytes and has %llu now",
				       now->path, then->size, now->size);
		if (then->hash != now->hash)
			return why_set(why, "the header of %s has changed",
				       now->path);
	}
	return 0;
}

/* Of the model, the part that the recording could see; 0 to 1. */
double store_coverage(const struct store_entry *entry)
{
	if (!entry->model_bytes)
		return 0;
	return 1 - (double)entry->resident_bytes / entry->model_bytes;
}

bool coverage_enough(__u64 resident_bytes, __u64 model_bytes)
{
	return resident_bytes <=
		model_bytes / 100 * (100 - COVERAGE_MIN_PERCENT);
}

void store_entry_free(struct store_entry *entry)
{
	size_t i;

	for (i = 0; i < entry->nr_files; i++)
		free(entry->files[i].path);
	free(entry->files);
	free(entry->service);
	free(entry->blob);
	memset(entry, 0, sizeof(*entry));
}
