// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: MAIO's templates, as they come from user space. A second reader of the format,
 * which knows its bytes and nothing else, has to agree on what is valid.
 */
#include <linux/crc32.h>
#include <linux/slab.h>

#include "../../../samples/ppc_maio/maio_template.h"
#include "fuzz.h"

#define HEADER		32
#define FILE_BYTES	8
#define GROUP_BYTES	8
#define EXTENT_BYTES	12

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t room, unsigned int seed);

static u64 get(const u8 *at, int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static void put(u8 *at, int bytes, u64 value)
{
	for (; bytes--; value >>= 8)
		*at++ = value;
}

static u32 checksum(const u8 *data, size_t size)
{
	u8 *copy = malloc(size);
	u32 crc;

	memcpy(copy, data, size);
	put(copy + 24, 4, 0);
	crc = ~crc32(~0, copy, size);
	free(copy);
	return crc;
}

/* The form as include/uapi/linux/ppc_maio.h describes it. */
static bool well_formed(const u8 *data, size_t size)
{
	const u8 *group, *extent;
	u64 files, groups, extents, sum = 0, i;

	if (size < HEADER || get(data, 4) != MAIO_TEMPLATE_MAGIC ||
	    get(data + 4, 2) != MAIO_TEMPLATE_VERSION || get(data + 6, 2) & ~MAIO_TEMPLATE_FLAGS ||
	    get(data + 8, 4) != size || get(data + 24, 4) != checksum(data, size) ||
	    get(data + 28, 4))
		return false;
	files = get(data + 12, 4);
	groups = get(data + 16, 4);
	extents = get(data + 20, 4);
	if (!files || !groups || !extents || files > MAIO_MAX_FILES ||
	    groups > MAIO_MAX_GROUPS || extents > MAIO_MAX_EXTENTS ||
	    size != HEADER + files * FILE_BYTES + groups * GROUP_BYTES + extents * EXTENT_BYTES)
		return false;
	group = data + HEADER + files * FILE_BYTES;
	extent = group + groups * GROUP_BYTES;
	for (i = 0; i < groups; i++, group += GROUP_BYTES) {
		if (!get(group, 4) || get(group + 4, 4))
			return false;
		sum += get(group, 4);
	}
	if (sum != extents)
		return false;
	for (i = 0; i < extents; i++, extent += EXTENT_BYTES) {
		u64 file = get(extent, 4), end = get(extent + 4, 4) + get(extent + 8, 4);
		u64 bytes;

		if (file >= files || !get(extent + 8, 4) || end > U32_MAX)
			return false;
		bytes = get(data + HEADER + file * FILE_BYTES, 8);
		if (bytes / MAIO_UNIT + (bytes % MAIO_UNIT != 0) < end)
			return false;
	}
	return true;
}

/* Does a pair of extents of one group share a unit? */
static bool overlaps(const struct maio_template *t)
{
	u32 first = 0, i, j, group;

	for (group = 0; group < t->nr_groups; group++) {
		u32 end = first + le32_to_cpu(t->groups[group].nr_extents);

		for (i = first; i < end; i++) {
			struct maio_extent a = maio_template_extent(t, i);

			for (j = first; j < i; j++) {
				struct maio_extent b = maio_template_extent(t, j);

				if (a.file == b.file && a.start < (u64)b.start + b.count &&
				    b.start < (u64)a.start + a.count)
					return true;
			}
		}
		first = end;
	}
	return false;
}

/* Unit by unit; U64_MAX if that would take too long. */
static u64 covered(const struct maio_template *t)
{
	u64 bytes = 0;
	u32 i, j, unit;

	for (i = 0; i < t->nr_extents; i++) {
		struct maio_extent a = maio_template_extent(t, i);
		u64 size = le64_to_cpu(t->files[a.file].size);

		if (a.count > 1000)
			return U64_MAX;
		for (unit = a.start; unit < a.start + a.count; unit++) {
			bool before = false;

			for (j = 0; j < i && !before; j++) {
				struct maio_extent b = maio_template_extent(t, j);

				before = b.file == a.file && unit >= b.start &&
					 unit - b.start < b.count;
			}
			if (!before)
				bytes += min(MAIO_UNIT, size - unit * MAIO_UNIT);
		}
	}
	return bytes;
}

/* A valid template is the one that its parts make. */
static void check_rebuilt(const struct maio_template *t)
{
	u64 *sizes = malloc(t->nr_files * sizeof(*sizes));
	u32 *counts = malloc(t->nr_groups * sizeof(*counts)), i;
	struct maio_extent *extents = malloc(t->nr_extents * sizeof(*extents));
	void *built = malloc(t->size);
	const char *why;

	for (i = 0; i < t->nr_files; i++)
		sizes[i] = le64_to_cpu(t->files[i].size);
	for (i = 0; i < t->nr_groups; i++)
		counts[i] = le32_to_cpu(t->groups[i].nr_extents);
	for (i = 0; i < t->nr_extents; i++)
		extents[i] = maio_template_extent(t, i);
	maio_template_build(built, t->flags, sizes, t->nr_files, counts, t->nr_groups, extents,
			    t->nr_extents);
	MUST(!memcmp(built, t->data, t->size));

	MUST_EQ(maio_template_check_files(t, sizes, t->nr_files, &why), 0);
	MUST_EQ(maio_template_check_files(t, sizes, t->nr_files - 1, &why), -ENOENT);
	sizes[t->nr_files - 1]++;
	MUST_EQ(maio_template_check_files(t, sizes, t->nr_files, &why), -ESTALE);

	if (t->nr_extents < 200) {
		MUST_EQ(maio_template_check_overlap(t, extents, &why), overlaps(t) ? -EINVAL : 0);
		if (covered(t) != U64_MAX)
			MUST_EQ(maio_template_coverage(t, extents), covered(t));
	}
	free(sizes);
	free(counts);
	free(extents);
	free(built);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct maio_template template = {};
	const char *why = "";
	u8 *copy = malloc(size);
	int err;

	/* Aligned, and with an end that the sanitizer sees. */
	memcpy(copy, data, size);
	err = maio_template_parse(&template, copy, size, &why);
	MUST_EQ(!err, well_formed(copy, size));
	if (err) {
		MUST(err == -EINVAL || err == -E2BIG || err == -EBADMSG || err == -EPROTONOSUPPORT);
		MUST(why && *why && !template.data);
	} else {
		MUST(!why && template.data == copy && template.size == size);
		check_rebuilt(&template);
	}
	free(copy);
	return 0;
}

/* What the mutator leaves as it came out. */
enum spoilt { SPOIL_HEADER, SPOIL_COUNTS, SPOIL_GROUPS, SPOIL_EXTENTS, SPOIL_CRC, SPOIL_NOTHING };

/* Mutated at random, and mended all but in one place, so that inputs come to every check. */
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t room, unsigned int seed)
{
	const unsigned int spoil = seed % 16;
	u64 files, groups, extents, left, i;
	u8 *group, *extent;
	size_t whole;

	size = LLVMFuzzerMutate(data, size, room);
	if (room < 256)
		return size;
	if (size < HEADER)
		memset(data + size, 0, HEADER - size);
	size = max(size, HEADER);
	files = 1 + get(data + 12, 4) % 4;
	groups = 1 + get(data + 16, 4) % 4;
	extents = groups + get(data + 20, 4) % 8;
	whole = HEADER + files * FILE_BYTES + groups * GROUP_BYTES + extents * EXTENT_BYTES;
	if (size < whole)
		memset(data + size, 0, whole - size);
	size = whole;
	group = data + HEADER + files * FILE_BYTES;
	extent = group + groups * GROUP_BYTES;

	if (spoil != SPOIL_HEADER) {
		put(data, 4, MAIO_TEMPLATE_MAGIC);
		put(data + 4, 4, MAIO_TEMPLATE_VERSION);
		put(data + 8, 4, size);
		put(data + 28, 4, 0);
	}
	if (spoil != SPOIL_COUNTS) {
		put(data + 12, 4, files);
		put(data + 16, 4, groups);
		put(data + 20, 4, extents);
	}
	for (i = 0, left = extents; spoil != SPOIL_GROUPS && i < groups; i++) {
		u64 most = left - (groups - i - 1);
		u64 count = i + 1 < groups ? 1 + get(group, 4) % most : most;

		put(group, 4, count);
		put(group + 4, 4, 0);
		group += GROUP_BYTES;
		left -= count;
	}
	for (i = 0; spoil != SPOIL_EXTENTS && i < extents; i++, extent += EXTENT_BYTES) {
		u64 file = get(extent, 4) % files, units, start;
		u8 *bytes = data + HEADER + file * FILE_BYTES;

		if (!get(bytes, 8))
			put(bytes, 8, 1 + seed % 100000);
		units = min(get(bytes, 8) / MAIO_UNIT + 1, U32_MAX);
		/* The last unit is one if a byte of it is there. */
		if (!(get(bytes, 8) % MAIO_UNIT) && units < U32_MAX)
			units--;
		start = get(extent + 4, 4) % units;
		put(extent, 4, file);
		put(extent + 4, 4, start);
		put(extent + 8, 4, 1 + get(extent + 8, 4) % (units - start));
	}
	if (spoil != SPOIL_CRC)
		put(data + 24, 4, checksum(data, size));
	return size;
}
