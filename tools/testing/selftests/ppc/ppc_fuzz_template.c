// SPDX-License-Identifier: GPL-2.0
/*
 * The grammar of I/O templates: each is built valid for the files of an attachment; then one thing
 * may be made wrong, with a checksum that fits, so that what looks behind the checksum is reached.
 */
#include <endian.h>

#include "ppc_fuzz.h"

#define MAX_GROUPS	80		/* more than MAIO asks on reclaim */
#define MANY_EXTENTS	20000

struct parts {
	struct maio_template_header *header;
	struct maio_template_file *files;
	struct maio_template_group *groups;
	struct maio_template_extent *extents;
	__u32 nr_files, nr_groups, nr_extents;
};

static void lay_out(struct parts *p, void *data)
{
	p->header = data;
	p->files = (void *)(p->header + 1);
	p->groups = (void *)(p->files + p->nr_files);
	p->extents = (void *)(p->groups + p->nr_groups);
}

static void seal(void *data, size_t size)
{
	struct maio_template_header *header = data;

	header->crc = 0;
	header->crc = htole32(ppc_crc32(data, size));
}

/* Extents that do not overlap: walk through a file, leaving gaps, then on to the next. */
static __u32 fill_group(struct fuzz *f, const struct parts *p, __u32 first, __u32 want)
{
	const bool dense = fuzz_one_in(&f->rng, 2);
	__u32 nr = 0, file = fuzz_below(&f->rng, p->nr_files), tried, i;
	__u64 at = 0;

	for (tried = 0; nr < want && tried < p->nr_files;) {
		__u64 units = (le64toh(p->files[file].size) + 4095) >> MAIO_EXTENT_SHIFT, count;

		if (!dense)
			at += fuzz_below(&f->rng, 64);
		if (at >= units || at > UINT32_MAX - 4096) {
			file = (file + 1) % p->nr_files;
			at = 0;
			tried++;
			continue;
		}
		count = 1 + fuzz_below(&f->rng, want > 64 ? 4 : 1024);
		count = count < units - at ? count : units - at;
		p->extents[first + nr++] = (struct maio_template_extent){
			.file = htole32(file),
			.start = htole32(at),
			.count = htole32(count),
		};
		at += count;
	}
	for (i = 1; i < nr && fuzz_one_in(&f->rng, 3); i++) {
		struct maio_template_extent *a = &p->extents[first + i], c = *a;
		struct maio_template_extent *b = &p->extents[first + fuzz_below(&f->rng, i)];

		*a = *b;
		*b = c;
	}
	return nr;
}

/* 0 if the files are empty, or none is known. */
static size_t build(struct fuzz *f, const struct fuzz_att *att, void *data, struct parts *p)
{
	const bool many = fuzz_one_in(&f->rng, 40);
	__u32 want, i;

	p->nr_files = att->nr;
	p->nr_groups = fuzz_one_in(&f->rng, 8) ? 1 + fuzz_below(&f->rng, MAX_GROUPS) :
						 1 + fuzz_below(&f->rng, 4);
	p->nr_extents = 0;
	if (!p->nr_files)
		return 0;
	lay_out(p, data);
	for (i = 0; i < p->nr_files; i++)
		p->files[i].size = htole64(att->files[i] < 0 ? 0 : fuzz_size(att->files[i]));
	for (i = 0; i < p->nr_groups; i++) {
		want = many && !i ? MANY_EXTENTS : 1 + fuzz_below(&f->rng, 12);
		want = fill_group(f, p, p->nr_extents, want);
		if (!want)
			return 0;
		p->groups[i] = (struct maio_template_group){ .nr_extents = htole32(want) };
		p->nr_extents += want;
	}
	*p->header = (struct maio_template_header){
		.magic = htole32(MAIO_TEMPLATE_MAGIC),
		.version = htole16(MAIO_TEMPLATE_VERSION),
		.size = htole32((char *)(p->extents + p->nr_extents) - (char *)data),
		.nr_files = htole32(p->nr_files),
		.nr_groups = htole32(p->nr_groups),
		.nr_extents = htole32(p->nr_extents),
	};
	return le32toh(p->header->size);
}

/* Another value; true if it is one. */
static bool mutate32(struct fuzz *f, __le32 *field)
{
	const __u32 is = le32toh(*field);
	const __u32 values[] = { 0, 1, is + 1, is - 1, is * 2, UINT32_MAX, UINT32_MAX - 1,
				 1U << 31, INT32_MAX, MAIO_MAX_FILES + 1, MAIO_MAX_GROUPS + 1,
				 MAIO_MAX_EXTENTS, MAIO_MAX_EXTENTS + 1, fuzz_next(&f->rng) };
	const __u32 value = values[fuzz_below(&f->rng, sizeof(values) / sizeof(*values))];

	*field = htole32(value);
	return value != is;
}

/* True if nothing that has this wrong may be taken. */
static bool mutate(struct fuzz *f, const struct parts *p)
{
	struct maio_template_header *h = p->header;
	struct maio_template_group *group = &p->groups[fuzz_below(&f->rng, p->nr_groups)];
	struct maio_template_extent *extent = &p->extents[fuzz_below(&f->rng, p->nr_extents)];

	switch (fuzz_below(&f->rng, 14)) {
	case 0:
		return mutate32(f, &h->magic);
	case 1:
		h->version = htole16(fuzz_next(&f->rng));
		return le16toh(h->version) != MAIO_TEMPLATE_VERSION;
	case 2:
		h->flags = htole16(1 << fuzz_below(&f->rng, 16));
		return le16toh(h->flags) & ~MAIO_TEMPLATE_FLAGS;
	case 3:
		return mutate32(f, &h->size);
	case 4:
		return mutate32(f, &h->nr_files);
	case 5:
		return mutate32(f, &h->nr_groups);
	case 6:
		return mutate32(f, &h->nr_extents);
	case 7:
		return mutate32(f, &h->reserved);
	case 8:
		return mutate32(f, &group->nr_extents);
	case 9:
		return mutate32(f, &group->flags);
	case 10:
		mutate32(f, &extent->file);
		return le32toh(extent->file) >= p->nr_files;
	case 11:
		mutate32(f, &extent->start);
		return le32toh(extent->start) == UINT32_MAX;
	case 12:
		mutate32(f, &extent->count);
		/* Of the largest file there is, so many units can be read. */
		return !extent->count || (extent->start && le32toh(extent->count) == UINT32_MAX);
	}
	p->files[fuzz_below(&f->rng, p->nr_files)].size = htole64(fuzz_odd_number(f));
	return false;
}

/* Write a template for an attachment; its size, 0 if there can be none or nothing is left of it. */
size_t fuzz_template(struct fuzz *f, const struct fuzz_att *att, void *data, bool *invalid)
{
	struct parts p;
	size_t size = build(f, att, data, &p);

	*invalid = !size;
	if (!size)
		return 0;
	seal(data, size);
	switch (fuzz_below(&f->rng, 8)) {
	case 0:
	case 1:
	case 2:
		*invalid = mutate(f, &p);
		seal(data, size);
		break;
	case 3:
		/* Anything anywhere, and the checksum does not fit. */
		((char *)data)[fuzz_below(&f->rng, size)] ^= 1 << fuzz_below(&f->rng, 8);
		*invalid = true;
		break;
	case 4:
		*invalid = true;
		return fuzz_below(&f->rng, size);
	}
	return size;
}
