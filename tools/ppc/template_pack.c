// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's template as it is kept in the store. Each extent begins at some
 * distance from the end of the one before it in its file; these distances are
 * much the same in each layer of a model and for each of its workers. So zlib
 * makes little of them, and less where it is given their lowest bytes first, and
 * their highest, that are zero, last.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/* None where the header makes no sense: that is for others to say. */
static struct maio_template_extent *find_extents(void *blob, size_t len,
						 __u32 *nr)
{
	struct template_view view;
	struct why why;

	*nr = 0;
	if (template_view(blob, len, &view, &why))
		return NULL;
	*nr = view.nr_extents;
	return (struct maio_template_extent *)((char *)blob + len) - *nr;
}

/* Rows of bytes, end to end, become columns. */
static void transpose(void *bytes, size_t rows, size_t columns)
{
	__u8 *from, *to = bytes;
	size_t row, column;

	if (!rows || !columns)
		return;
	from = xalloc(rows * columns, 1);
	memcpy(from, bytes, rows * columns);
	for (row = 0; row < rows; row++)
		for (column = 0; column < columns; column++)
			to[column * rows + row] = from[row * columns + column];
	free(from);
}

static void to_distances(void *blob, size_t len)
{
	__u32 i, file = 0, end = 0, nr;
	struct maio_template_extent *e = find_extents(blob, len, &nr);

	for (i = 0; i < nr; i++) {
		struct maio_template_extent was = e[i];

		if (le32toh(was.file) != file)
			end = 0;
		e[i].file = htole32(le32toh(was.file) - file);
		e[i].start = htole32(le32toh(was.start) - end);
		file = le32toh(was.file);
		end = le32toh(was.start) + le32toh(was.count);
	}
	transpose(e, nr, sizeof(*e));
}

static void from_distances(void *blob, size_t len)
{
	__u32 i, file = 0, end = 0, nr;
	struct maio_template_extent *e = find_extents(blob, len, &nr);

	transpose(e, sizeof(*e), nr);
	for (i = 0; i < nr; i++) {
		if (e[i].file)
			end = 0;
		file += le32toh(e[i].file);
		end += le32toh(e[i].start);
		e[i].file = htole32(file);
		e[i].start = htole32(end);
		end += le32toh(e[i].count);
	}
}

/**
 * template_pack - make a template small
 * @blob: the template
 * @len: its length in bytes
 * @packed_len: bytes it takes packed
 *
 * Return: the packed template; the caller frees it. NULL when memory ran out.
 */
void *template_pack(const void *blob, size_t len, size_t *packed_len)
{
	/* What cannot be made smaller grows by less than this. */
	unsigned long size = len + len / 1000 + 64;
	void *copy = xalloc(len, 1), *packed = xalloc(size, 1);
	int err;

	memcpy(copy, blob, len);
	to_distances(copy, len);
	err = compress2(packed, &size, copy, len, Z_BEST_COMPRESSION);
	free(copy);
	if (err != Z_OK) {
		free(packed);
		return NULL;
	}
	*packed_len = size;
	return packed;
}

/**
 * template_unpack - undo template_pack()
 * @packed: the packed template
 * @packed_len: its length in bytes
 * @len: bytes of the template
 * @why: what is wrong with it
 *
 * Return: the template, of which nothing has been checked; the caller frees it.
 * NULL if it cannot be unpacked.
 */
void *template_unpack(const void *packed, size_t packed_len, size_t len,
		      struct why *why)
{
	unsigned long used = packed_len, size = len;
	void *blob = xalloc(len, 1);
	int err = uncompress2(blob, &size, packed, &used);

	if (err != Z_OK || size != len || used != packed_len) {
		why_set(why, "the template cannot be unpacked: %s",
			err == Z_MEM_ERROR ? "out of memory" :
			err == Z_DATA_ERROR ? "damaged" :
			"not as long as it should be");
		free(blob);
		return NULL;
	}
	from_distances(blob, len);
	return blob;
}
