// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: the form of a template, and what makes one valid.
 *
 * A template comes from whoever holds the attachment and may say anything. It
 * is refused whole or taken whole, and once taken it is trusted: every count
 * and every extent has been looked at here, on a copy that nobody can change.
 */
#include <asm/byteorder.h>
#include <kunit/visibility.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "maio_template.h"

/* How many units of MAIO_UNIT some bytes take. */
u64 maio_units(u64 bytes)
{
	return (bytes >> MAIO_EXTENT_SHIFT) + !!(bytes & (MAIO_UNIT - 1));
}
EXPORT_SYMBOL_IF_KUNIT(maio_units);

/* The CRC covers the template as if its own field were zero. */
static u32 maio_template_crc(const void *data, size_t size)
{
	const size_t at = offsetof(struct maio_template_header, crc);
	const size_t behind = at + sizeof(__le32);
	const __le32 zero = 0;
	u32 crc;

	crc = crc32(~0, data, at);
	crc = crc32(crc, &zero, sizeof(zero));
	crc = crc32(crc, data + behind, size - behind);
	return ~crc;
}

/* One extent of a template, of all groups. */
struct maio_extent maio_template_extent(const struct maio_template *tpl, u32 i)
{
	return (struct maio_extent) {
		.file = le32_to_cpu(tpl->extents[i].file),
		.start = le32_to_cpu(tpl->extents[i].start),
		.count = le32_to_cpu(tpl->extents[i].count),
	};
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_extent);

/* Bytes of a template; no counts overflow it. */
u64 maio_template_size(u32 nr_files, u32 nr_groups, u32 nr_extents)
{
	return sizeof(struct maio_template_header) +
	       (u64)nr_files * sizeof(struct maio_template_file) +
	       (u64)nr_groups * sizeof(struct maio_template_group) +
	       (u64)nr_extents * sizeof(struct maio_template_extent);
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_size);

/* Where the parts lie that the counts in @tpl tell of. */
static void maio_template_lay_out(struct maio_template *tpl)
{
	tpl->files = tpl->data + sizeof(struct maio_template_header);
	tpl->groups = (const void *)(tpl->files + tpl->nr_files);
	tpl->extents = (const void *)(tpl->groups + tpl->nr_groups);
}

/* Write a template. The counts must be within the limits of the format. */
void maio_template_build(void *data, u16 flags, const u64 *sizes, u32 nr_files,
			 const u32 *counts, u32 nr_groups,
			 const struct maio_extent *extents, u32 nr_extents)
{
	const size_t size = maio_template_size(nr_files, nr_groups, nr_extents);
	struct maio_template_header *header = data;
	struct maio_template_file *file = data + sizeof(*header);
	struct maio_template_group *group = (void *)(file + nr_files);
	struct maio_template_extent *extent = (void *)(group + nr_groups);
	u32 i;

	memset(header, 0, sizeof(*header));
	header->magic = cpu_to_le32(MAIO_TEMPLATE_MAGIC);
	header->version = cpu_to_le16(MAIO_TEMPLATE_VERSION);
	header->flags = cpu_to_le16(flags);
	header->size = cpu_to_le32(size);
	header->nr_files = cpu_to_le32(nr_files);
	header->nr_groups = cpu_to_le32(nr_groups);
	header->nr_extents = cpu_to_le32(nr_extents);

	for (i = 0; i < nr_files; i++)
		file[i].size = cpu_to_le64(sizes[i]);
	for (i = 0; i < nr_groups; i++) {
		group[i].nr_extents = cpu_to_le32(counts[i]);
		group[i].flags = 0;
	}
	for (i = 0; i < nr_extents; i++) {
		extent[i].file = cpu_to_le32(extents[i].file);
		extent[i].start = cpu_to_le32(extents[i].start);
		extent[i].count = cpu_to_le32(extents[i].count);
	}

	header->crc = cpu_to_le32(maio_template_crc(data, size));
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_build);

static int maio_template_check_header(const struct maio_template_header *header,
				      size_t size, const char **why)
{
	const u32 nr_files = le32_to_cpu(header->nr_files);
	const u32 nr_groups = le32_to_cpu(header->nr_groups);
	const u32 nr_extents = le32_to_cpu(header->nr_extents);

	*why = "wrong magic";
	if (le32_to_cpu(header->magic) != MAIO_TEMPLATE_MAGIC)
		return -EINVAL;

	*why = "unknown version";
	if (le16_to_cpu(header->version) != MAIO_TEMPLATE_VERSION)
		return -EPROTONOSUPPORT;

	*why = "unknown flags or reserved field set";
	if (header->flags & ~cpu_to_le16(MAIO_TEMPLATE_FLAGS) || header->reserved)
		return -EINVAL;

	*why = "size in the header is not the size given";
	if (le32_to_cpu(header->size) != size)
		return -EINVAL;

	*why = "too many files, groups or extents";
	if (nr_files > MAIO_MAX_FILES || nr_groups > MAIO_MAX_GROUPS ||
	    nr_extents > MAIO_MAX_EXTENTS)
		return -E2BIG;

	*why = "no files, groups or extents";
	if (!nr_files || !nr_groups || !nr_extents)
		return -EINVAL;

	*why = "size does not fit the counts";
	if (maio_template_size(nr_files, nr_groups, nr_extents) != size)
		return -EINVAL;

	return 0;
}

static int maio_template_check_groups(const struct maio_template *tpl,
				      const char **why)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < tpl->nr_groups; i++) {
		*why = "unknown group flags";
		if (tpl->groups[i].flags)
			return -EINVAL;

		*why = "empty group";
		if (!tpl->groups[i].nr_extents)
			return -EINVAL;

		sum += le32_to_cpu(tpl->groups[i].nr_extents);
	}

	*why = "groups do not add up to the extents";
	if (sum != tpl->nr_extents)
		return -EINVAL;

	return 0;
}

static int maio_template_check_extents(const struct maio_template *tpl,
				       const char **why)
{
	u32 i;

	for (i = 0; i < tpl->nr_extents; i++) {
		const struct maio_extent extent = maio_template_extent(tpl, i);
		const u64 end = (u64)extent.start + extent.count;

		*why = "extent of no file";
		if (extent.file >= tpl->nr_files)
			return -EINVAL;

		*why = "empty extent";
		if (!extent.count)
			return -EINVAL;

		*why = "extent wraps around";
		if (end > U32_MAX)
			return -EINVAL;

		*why = "extent beyond the end of its file";
		if (end > maio_units(le64_to_cpu(tpl->files[extent.file].size)))
			return -EINVAL;
	}
	return 0;
}

/*
 * Check a template, and find its parts.
 *
 * Two checks are left to the caller: maio_template_check_overlap(), which needs
 * memory, and maio_template_check_files(), which needs the attachment.
 *
 * Return: 0, -EINVAL if it is malformed, -EPROTONOSUPPORT if of a version that is
 * not known, -E2BIG for more bytes, files, groups or extents than the format
 * allows, -EBADMSG if the CRC does not match.
 */
int maio_template_parse(struct maio_template *tpl, const void *data,
			size_t size, const char **why)
{
	const struct maio_template_header *header = data;
	struct maio_template found = { .data = data, .size = size };
	int err;

	*why = "too large";
	if (size > MAIO_TEMPLATE_MAX_SIZE)
		return -E2BIG;

	*why = "too short";
	if (size < sizeof(*header))
		return -EINVAL;

	err = maio_template_check_header(header, size, why);
	if (err)
		return err;

	*why = "wrong checksum";
	if (le32_to_cpu(header->crc) != maio_template_crc(data, size))
		return -EBADMSG;

	found.nr_files = le32_to_cpu(header->nr_files);
	found.nr_groups = le32_to_cpu(header->nr_groups);
	found.nr_extents = le32_to_cpu(header->nr_extents);
	found.flags = le16_to_cpu(header->flags);
	maio_template_lay_out(&found);

	err = maio_template_check_groups(&found, why);
	if (err)
		return err;

	err = maio_template_check_extents(&found, why);
	if (err)
		return err;

	*why = NULL;
	*tpl = found;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_parse);

/*
 * Are its files those of the attachment? Return: 0, -ENOENT if the template names
 * more, -ESTALE if one is of another size than when the template was made.
 */
int maio_template_check_files(const struct maio_template *tpl,
			      const u64 *sizes, u32 nr_files,
			      const char **why)
{
	u32 i;

	*why = "more files than are attached";
	if (tpl->nr_files > nr_files)
		return -ENOENT;

	*why = "a file has changed its size";
	for (i = 0; i < tpl->nr_files; i++) {
		if (le64_to_cpu(tpl->files[i].size) != sizes[i])
			return -ESTALE;
	}

	*why = NULL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_check_files);

/* Does a group read a unit twice? Return: 0, or -EINVAL if it does. */
int maio_template_check_overlap(const struct maio_template *tpl,
				struct maio_extent *scratch, const char **why)
{
	u32 i, j, nr, first = 0;

	*why = "extents of a group overlap";
	for (i = 0; i < tpl->nr_groups; i++) {
		u64 units = 0;

		nr = le32_to_cpu(tpl->groups[i].nr_extents);
		for (j = 0; j < nr; j++) {
			scratch[j] = maio_template_extent(tpl, first + j);
			units += scratch[j].count;
		}
		first += nr;

		/* As a set they are smaller if they do. */
		nr = maio_extents_union(scratch, nr);
		while (nr)
			units -= scratch[--nr].count;
		if (units)
			return -EINVAL;
	}

	*why = NULL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_check_overlap);

/*
 * How much of the files a template covers. Return: bytes; what several groups
 * read counts once.
 */
u64 maio_template_coverage(const struct maio_template *tpl,
			   struct maio_extent *scratch)
{
	u64 bytes = 0;
	u32 i, nr;

	for (i = 0; i < tpl->nr_extents; i++)
		scratch[i] = maio_template_extent(tpl, i);
	nr = maio_extents_union(scratch, tpl->nr_extents);

	for (i = 0; i < nr; i++) {
		const u64 size = le64_to_cpu(tpl->files[scratch[i].file].size);
		const u64 start = scratch[i].start * MAIO_UNIT;

		bytes += min(scratch[i].count * MAIO_UNIT, size - start);
	}
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(maio_template_coverage);
