// SPDX-License-Identifier: GPL-2.0
/*
 * Puts a template into a store, for tests.
 *
 *	make_template STORE SERVICE CREATED NAME=SIZE[=HASH]... -- GROUP...
 *
 * A GROUP is a comma-separated list of FILE:START:COUNT, in units of 4 KiB.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "maioctl.h"

static void __noreturn die(const char *what)
{
	complain("make_template: %s", what);
	exit(EXIT_FAILURE);
}

static void parse_file(char *arg, struct file_id *id)
{
	char *p = strchr(arg, '=');

	if (!p)
		die(arg);
	*p++ = '\0';
	id->path = arg;
	id->size = strtoull(p, &p, 10);
	id->hash = *p == '=' ? strtoull(p + 1, NULL, 16) : 1;
}

/* Return: how many extents there are. */
static __u32 parse_group(char *arg, struct maio_template_extent *extents)
{
	__u32 nr = 0, file, start, count;
	char *item, *save = NULL;

	for (item = strtok_r(arg, ",", &save); item;
	     item = strtok_r(NULL, ",", &save), nr++) {
		if (sscanf(item, "%u:%u:%u", &file, &start, &count) != 3)
			die(item);
		extents[nr].file = htole32(file);
		extents[nr].start = htole32(start);
		extents[nr].count = htole32(count);
	}
	return nr;
}

int main(int argc, char **argv)
{
	struct store_entry entry = { 0 };
	struct maio_template_extent *extents;
	__u32 nr_groups = 0, nr_extents = 0;
	struct file_id *files;
	size_t room = 0;
	__u32 *counts;
	struct why why;
	__u64 *sizes;
	int i;

	if (argc < 7)
		die("too few arguments");
	for (i = 1; i < argc; i++)
		room += strlen(argv[i]);
	entry.service = argv[2];
	entry.created = strtoull(argv[3], NULL, 10);
	files = xalloc(argc, sizeof(*files));
	entry.files = files;
	sizes = xalloc(argc, sizeof(*sizes));
	counts = xalloc(argc, sizeof(*counts));
	extents = xalloc(room, sizeof(*extents));
	for (i = 4; i < argc && strcmp(argv[i], "--"); i++) {
		parse_file(argv[i], &files[entry.nr_files]);
		sizes[entry.nr_files] = files[entry.nr_files].size;
		entry.model_bytes += files[entry.nr_files++].size;
	}
	for (i++; i < argc; i++) {
		counts[nr_groups] = parse_group(argv[i], extents + nr_extents);
		nr_extents += counts[nr_groups++];
	}
	entry.blob = blob_groups(sizes, entry.nr_files, counts, nr_groups,
				 extents, &entry.blob_len);
	if (store_save(argv[1], &entry, &why))
		die(why.text);
	free(entry.blob);
	free(extents);
	free(counts);
	free(sizes);
	free(files);
	return EXIT_SUCCESS;
}
