// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the template store, of any content. What is accepted must be written
 * again as it was.
 *
 * An input is a byte that says which checksums are made right and whether the
 * template is packed, since no forger would stop at these, and the file.
 */
#include <string.h>

#include "blob.h"
#include "fuzz.h"
#include "maioctl.h"

#define FIRST_LINE	33	/* up to and with its end */
#define SEAL_BLOB	1	/* and pack it */
#define SEAL_FILE	2
#define BARE_BLOB	4	/* the file is a template without a store */

static void seal_file(char *file, size_t len)
{
	char line[FIRST_LINE + 1];

	if (len < FIRST_LINE)
		return;
	snprintf(line, sizeof(line), "maio-template 3 %016llx\n",
		 hash_more(HASH_INIT, file + FIRST_LINE, len - FIRST_LINE));
	memcpy(file, line, FIRST_LINE);
}

/* Behind the line that tells its length lies a template that is yet to be packed. */
static char *pack_blob(char *file, size_t *len)
{
	static const char key[] = "\ntemplate ";
	char *line = memmem(file, *len, key, sizeof(key) - 1);
	char *end, *blob, *packed, *made = NULL;
	size_t left, packed_len, made_len;
	FILE *out;

	end = line ? memchr(line + 1, '\n', file + *len - line - 1) : NULL;
	if (!end)
		return file;
	left = file + *len - end - 1;
	blob = xalloc(left, 1);
	memcpy(blob, end + 1, left);
	if (left >= sizeof(struct maio_template_header))
		blob_seal(blob, left);
	packed = template_pack(blob, left, &packed_len);
	fuzz_assert(packed);
	out = open_memstream(&made, &made_len);
	fuzz_assert(out);
	fwrite(file, 1, end + 1 - file, out);
	fprintf(out, "packed %zu\n", packed_len);
	fwrite(packed, 1, packed_len, out);
	fuzz_assert(!fclose(out));
	free(packed);
	free(blob);
	free(file);
	*len = made_len;
	return made;
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

/* Bytes in front of the line that tells how long the packed template is. */
static size_t text_len(const char *file, size_t len)
{
	static const char key[] = "\npacked ";
	const char *line = memmem(file, len, key, sizeof(key) - 1);

	fuzz_assert(line);
	return line - file;
}

static void check_file(const char *file, size_t len)
{
	struct store_entry entry, back;
	struct why why = { "" };
	size_t again_len;
	char *again;

	if (store_parse(file, len, &entry, &why)) {
		fuzz_assert(why.text[0]);
		return;
	}
	again = store_serialise(&entry, &again_len);
	fuzz_assert(again);
	/* Up to the packed template, of which there are many forms, byte by byte. */
	fuzz_assert(!memcmp(file + FIRST_LINE, again + FIRST_LINE,
			    text_len(file, len) - FIRST_LINE));
	fuzz_assert(!store_parse(again, again_len, &back, &why));
	fuzz_assert(entry.blob_len == back.blob_len &&
		    !memcmp(entry.blob, back.blob, back.blob_len));
	free(again);
	store_entry_free(&back);
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
			file = pack_blob(file, &size);
		if (data[0] & SEAL_FILE)
			seal_file(file, size);
		check_file(file, size);
	}
	free(file);
	return 0;
}
