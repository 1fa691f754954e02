// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the template store, of any content. What is accepted must be written
 * again as it was.
 *
 * An input is a byte that says which checksums are made right, since no forger
 * would stop at these, and the file.
 */
#include <string.h>

#include "blob.h"
#include "fuzz.h"
#include "maioctl.h"

#define FIRST_LINE	33	/* up to and with its end */
#define SEAL_BLOB	1
#define SEAL_FILE	2
#define BARE_BLOB	4	/* the file is a template without a store */

static void seal_file(char *file, size_t len)
{
	char line[FIRST_LINE + 1];

	if (len < FIRST_LINE)
		return;
	snprintf(line, sizeof(line), "maio-template 1 %016llx\n",
		 hash_more(HASH_INIT, file + FIRST_LINE, len - FIRST_LINE));
	memcpy(file, line, FIRST_LINE);
}

/* The template begins behind the line that tells its length. */
static void seal_blob(char *file, size_t len)
{
	static const char key[] = "\ntemplate ";
	char *line = memmem(file, len, key, sizeof(key) - 1), *end, *copy;
	size_t left;

	if (!line)
		return;
	end = memchr(line + 1, '\n', file + len - line - 1);
	if (!end)
		return;
	left = file + len - end - 1;
	if (left < sizeof(struct maio_template_header))
		return;
	copy = xalloc(left, 1);
	memcpy(copy, end + 1, left);
	blob_seal(copy, left);
	memcpy(end + 1, copy, left);
	free(copy);
}

static void check_blob(char *file, size_t len, bool seal)
{
	struct template_view view;
	struct why why = { "" };

	if (seal && len >= sizeof(struct maio_template_header))
		blob_seal(file, len);
	if (template_check(file, len, &view, &why))
		fuzz_assert(why.text[0]);
}

static void check_file(const char *file, size_t len)
{
	struct store_entry entry;
	struct why why = { "" };
	size_t again_len;
	char *again;

	if (store_parse(file, len, &entry, &why)) {
		fuzz_assert(why.text[0]);
		return;
	}
	again = store_serialise(&entry, &again_len);
	fuzz_assert(again && again_len == len && !memcmp(file, again, len));
	free(again);
	store_entry_free(&entry);
}

int fuzz_one(const __u8 *data, size_t size)
{
	char *file;

	if (size < 1)
		return 0;
	size--;
	file = xalloc(size, 1);
	memcpy(file, data + 1, size);
	if (data[0] & BARE_BLOB) {
		check_blob(file, size, data[0] & SEAL_BLOB);
	} else {
		if (data[0] & SEAL_BLOB)
			seal_blob(file, size);
		if (data[0] & SEAL_FILE)
			seal_file(file, size);
		check_file(file, size);
	}
	free(file);
	return 0;
}
