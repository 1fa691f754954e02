/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MAIO: lists of extents and the template made of them. Pure logic over memory
 * of the caller: no locks, no allocation, no attachment.
 */
#ifndef _MAIO_TEMPLATE_H
#define _MAIO_TEMPLATE_H

#include <linux/bits.h>
#include <linux/ppc_maio.h>
#include <linux/types.h>

/* No well-formed template is larger. */
#define MAIO_TEMPLATE_MAX_SIZE						\
	(sizeof(struct maio_template_header) +				\
	 MAIO_MAX_FILES * sizeof(struct maio_template_file) +		\
	 MAIO_MAX_GROUPS * sizeof(struct maio_template_group) +		\
	 MAIO_MAX_EXTENTS * sizeof(struct maio_template_extent))

#define MAIO_UNIT		BIT_ULL(MAIO_EXTENT_SHIFT)

/**
 * struct maio_extent - a run of one file, in the CPU's byte order
 * @file: file index
 * @start: first unit of %MAIO_UNIT bytes
 * @count: units
 */
struct maio_extent {
	u32 file;
	u32 start;
	u32 count;
};

/**
 * struct maio_template - a template that has been found valid
 * @data: the template as user space knows it; NULL: there is none
 * @size: its bytes
 * @files: the files in @data
 * @groups: the groups in @data
 * @extents: the extents in @data
 * @nr_files: entries of @files
 * @nr_groups: entries of @groups
 * @nr_extents: entries of @extents
 * @flags: MAIO_TEMPLATE_*
 */
struct maio_template {
	const void *data;
	size_t size;
	const struct maio_template_file *files;
	const struct maio_template_group *groups;
	const struct maio_template_extent *extents;
	u32 nr_files;
	u32 nr_groups;
	u32 nr_extents;
	u16 flags;
};

u64 maio_units(u64 bytes);

struct maio_extent maio_template_extent(const struct maio_template *tpl, u32 i);
u64 maio_template_size(u32 nr_files, u32 nr_groups, u32 nr_extents);
void maio_template_build(void *data, u16 flags, const u64 *sizes, u32 nr_files,
			 const u32 *counts, u32 nr_groups,
			 const struct maio_extent *extents, u32 nr_extents);
int maio_template_parse(struct maio_template *tpl, const void *data,
			size_t size, const char **why);
int maio_template_check_files(const struct maio_template *tpl,
			      const u64 *sizes, u32 nr_files,
			      const char **why);
int maio_template_check_overlap(const struct maio_template *tpl,
				struct maio_extent *scratch, const char **why);
u64 maio_template_coverage(const struct maio_template *tpl,
			   struct maio_extent *scratch);

u32 maio_extents_union(struct maio_extent *extents, u32 nr);
bool maio_extents_contain(const struct maio_extent *extents, u32 nr,
			  const struct maio_extent *extent);
u32 maio_extents_coalesce(struct maio_extent *extents, u32 nr);

#endif /* _MAIO_TEMPLATE_H */
