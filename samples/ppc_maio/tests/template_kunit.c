// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of MAIO's templates: what is taken, what is refused and with which
 * errno, and the lists of extents they are made of.
 */
#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../maio_template.h"

#define NR_FILES	2
#define NR_GROUPS	2
#define NR_EXTENTS	3

/* The second file ends one byte into its fourth unit. */
static const u64 sizes[NR_FILES] = { 8 * MAIO_UNIT, 3 * MAIO_UNIT + 1 };
static const u32 counts[NR_GROUPS] = { 2, 1 };
static const struct maio_extent extents[NR_EXTENTS] = {
	{ .file = 1, .start = 0, .count = 4 },
	{ .file = 0, .start = 2, .count = 6 },
	{ .file = 0, .start = 0, .count = 4 },
};

/* A template that is valid but for what a test does to it. */
struct sample {
	struct maio_template_header header;
	struct maio_template_file file[NR_FILES];
	struct maio_template_group group[NR_GROUPS];
	struct maio_template_extent extent[NR_EXTENTS];
	u8 behind[4];
} __packed __aligned(8);

#define SAMPLE_SIZE	offsetof(struct sample, behind)

static void sample_sign(void *data, size_t size)
{
	struct maio_template_header *header = data;

	header->crc = 0;
	header->crc = cpu_to_le32(~crc32(~0, data, size));
}

static int template_init(struct kunit *test)
{
	struct sample *sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sample);
	KUNIT_ASSERT_EQ(test, SAMPLE_SIZE,
			maio_template_size(NR_FILES, NR_GROUPS, NR_EXTENTS));
	maio_template_build(sample, 0, sizes, NR_FILES, counts, NR_GROUPS, extents,
			    NR_EXTENTS);
	test->priv = sample;
	return 0;
}

static void expect_parse(struct kunit *test, const void *data, size_t size,
			 int err)
{
	struct maio_template template = { .nr_files = 77 };
	const char *why = "";

	KUNIT_EXPECT_EQ_MSG(test, maio_template_parse(&template, data, size,
						      &why),
			    err, "why: %s", why);
	if (err) {
		KUNIT_EXPECT_NOT_NULL(test, why);
		KUNIT_EXPECT_NULL(test, template.data);
		KUNIT_EXPECT_EQ(test, template.nr_files, 77);
	} else {
		KUNIT_EXPECT_NULL(test, why);
	}
}

/* As somebody would forge it: with a checksum that is right. */
static void expect_signed(struct kunit *test, struct sample *sample, int err)
{
	sample_sign(sample, SAMPLE_SIZE);
	expect_parse(test, sample, SAMPLE_SIZE, err);
}

static void template_roundtrip(struct kunit *test)
{
	struct sample *sample = test->priv;
	struct maio_template template;
	const char *why;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, sample,
						     SAMPLE_SIZE, &why));
	KUNIT_EXPECT_NULL(test, why);
	KUNIT_EXPECT_PTR_EQ(test, template.data, (const void *)sample);
	KUNIT_EXPECT_EQ(test, template.size, SAMPLE_SIZE);
	KUNIT_EXPECT_EQ(test, template.nr_files, NR_FILES);
	KUNIT_EXPECT_EQ(test, template.nr_groups, NR_GROUPS);
	KUNIT_EXPECT_EQ(test, template.nr_extents, NR_EXTENTS);

	for (i = 0; i < NR_FILES; i++)
		KUNIT_EXPECT_EQ(test, le64_to_cpu(template.files[i].size),
				sizes[i]);
	for (i = 0; i < NR_GROUPS; i++)
		KUNIT_EXPECT_EQ(test,
				le32_to_cpu(template.groups[i].nr_extents),
				counts[i]);
	for (i = 0; i < NR_EXTENTS; i++) {
		struct maio_extent extent = maio_template_extent(&template, i);

		KUNIT_EXPECT_MEMEQ(test, &extent, &extents[i], sizeof(extent));
	}
}

/* The form is an ABI: as any zlib computes the checksum, byte for byte. */
static void template_bytes(struct kunit *test)
{
	static const u8 expected[] = {
		0x4d, 0x41, 0x49, 0x4f, 0x01, 0x00, 0x00, 0x00,
		0x3c, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0xbe, 0xdc, 0xa7, 0x4b, 0x00, 0x00, 0x00, 0x00,
		0x01, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x01, 0x00, 0x00, 0x00,
	};
	const struct maio_extent extent = { .start = 1, .count = 1 };
	const u64 size = MAIO_UNIT + 1;
	const u32 count = 1;
	u64 data[8] = {};

	KUNIT_ASSERT_EQ(test, sizeof(expected), maio_template_size(1, 1, 1));
	maio_template_build(data, 0, &size, 1, &count, 1, &extent, 1);
	KUNIT_EXPECT_MEMEQ(test, data, expected, sizeof(expected));
	expect_parse(test, data, sizeof(expected), 0);
}

/* Whatever was in the memory before. */
static void template_build_over(struct kunit *test)
{
	struct sample *sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sample);
	memset(sample, 0xff, sizeof(*sample));
	maio_template_build(sample, 0, sizes, NR_FILES, counts, NR_GROUPS, extents,
			    NR_EXTENTS);
	KUNIT_EXPECT_MEMEQ(test, sample, test->priv, SAMPLE_SIZE);
	KUNIT_EXPECT_EQ(test, sample->behind[0], 0xff);
}

static void template_flags(struct kunit *test)
{
	const u16 flags[] = {
		0, MAIO_TEMPLATE_EAGER, MAIO_TEMPLATE_GUESS, MAIO_TEMPLATE_PASSES,
		MAIO_TEMPLATE_FLAGS,
	};
	struct sample *sample = test->priv;
	struct maio_template tpl;
	const char *why;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		maio_template_build(sample, flags[i], sizes, NR_FILES, counts, NR_GROUPS, extents,
				    NR_EXTENTS);
		KUNIT_ASSERT_EQ(test, maio_template_parse(&tpl, sample, SAMPLE_SIZE, &why), 0);
		KUNIT_EXPECT_EQ(test, tpl.flags, flags[i]);
	}
}

static void template_length(struct kunit *test)
{
	struct sample *sample = test->priv;
	size_t size;

	for (size = 0; size < SAMPLE_SIZE; size++)
		expect_parse(test, sample, size, -EINVAL);
	expect_parse(test, sample, SAMPLE_SIZE + 1, -EINVAL);
	expect_parse(test, sample, MAIO_TEMPLATE_MAX_SIZE + 1, -E2BIG);
	expect_parse(test, sample, SIZE_MAX, -E2BIG);

	/* A header that agrees with the length, but not with its counts. */
	sample->header.size = cpu_to_le32(SAMPLE_SIZE - 4);
	sample_sign(sample, SAMPLE_SIZE - 4);
	expect_parse(test, sample, SAMPLE_SIZE - 4, -EINVAL);
	sample->header.size = cpu_to_le32(SAMPLE_SIZE + 4);
	sample_sign(sample, SAMPLE_SIZE + 4);
	expect_parse(test, sample, SAMPLE_SIZE + 4, -EINVAL);
	sample->header.size = cpu_to_le32(sizeof(sample->header));
	sample_sign(sample, sizeof(sample->header));
	expect_parse(test, sample, sizeof(sample->header), -EINVAL);
}

static void template_header(struct kunit *test)
{
	struct sample *sample = test->priv;
	const struct sample valid = *sample;

	sample->header.magic = cpu_to_le32(MAIO_TEMPLATE_MAGIC + 1);
	expect_signed(test, sample, -EINVAL);
	*sample = valid;
	sample->header.magic = (__force __le32)cpu_to_be32(MAIO_TEMPLATE_MAGIC);
	expect_signed(test, sample, -EINVAL);
	*sample = valid;
	sample->header.version = cpu_to_le16(MAIO_TEMPLATE_VERSION + 1);
	expect_signed(test, sample, -EPROTONOSUPPORT);
	sample->header.version = 0;
	expect_signed(test, sample, -EPROTONOSUPPORT);
	*sample = valid;
	sample->header.flags = cpu_to_le16(MAIO_TEMPLATE_FLAGS + 1);
	expect_signed(test, sample, -EINVAL);
	*sample = valid;
	sample->header.reserved = cpu_to_le32(1);
	expect_signed(test, sample, -EINVAL);
	*sample = valid;
	sample->header.size = 0;
	expect_signed(test, sample, -EINVAL);
	sample->header.size = cpu_to_le32(U32_MAX);
	expect_signed(test, sample, -EINVAL);
	*sample = valid;
	expect_signed(test, sample, 0);
}

static void template_counts(struct kunit *test)
{
	static const struct {
		u32 files, groups, extents;
		int err;
	} cases[] = {
		{ 0, NR_GROUPS, NR_EXTENTS, -EINVAL },
		{ NR_FILES, 0, NR_EXTENTS, -EINVAL },
		{ NR_FILES, NR_GROUPS, 0, -EINVAL },
		{ NR_FILES + 1, NR_GROUPS, NR_EXTENTS, -EINVAL },
		{ NR_FILES, NR_GROUPS + 1, NR_EXTENTS, -EINVAL },
		{ NR_FILES, NR_GROUPS, NR_EXTENTS + 1, -EINVAL },
		/* The same size by other counts: what lies there is no group. */
		{ NR_FILES - 1, NR_GROUPS + 1, NR_EXTENTS, -EINVAL },
		{ MAIO_MAX_FILES, NR_GROUPS, NR_EXTENTS, -EINVAL },
		{ NR_FILES, MAIO_MAX_GROUPS, NR_EXTENTS, -EINVAL },
		{ NR_FILES, NR_GROUPS, MAIO_MAX_EXTENTS, -EINVAL },
		{ MAIO_MAX_FILES + 1, NR_GROUPS, NR_EXTENTS, -E2BIG },
		{ NR_FILES, MAIO_MAX_GROUPS + 1, NR_EXTENTS, -E2BIG },
		{ NR_FILES, NR_GROUPS, MAIO_MAX_EXTENTS + 1, -E2BIG },
		{ U32_MAX, U32_MAX, U32_MAX, -E2BIG },
		/* In 32 bits these would come to the right size. */
		{ NR_FILES + (1U << 29), NR_GROUPS, NR_EXTENTS, -E2BIG },
		{ NR_FILES, NR_GROUPS + (1U << 29), NR_EXTENTS, -E2BIG },
		{ NR_FILES, NR_GROUPS, NR_EXTENTS + (1U << 30), -E2BIG },
	};
	struct sample *sample = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sample->header.nr_files = cpu_to_le32(cases[i].files);
		sample->header.nr_groups = cpu_to_le32(cases[i].groups);
		sample->header.nr_extents = cpu_to_le32(cases[i].extents);
		expect_signed(test, sample, cases[i].err);
	}

	KUNIT_EXPECT_EQ(test, maio_template_size(U32_MAX, U32_MAX, U32_MAX),
			32 + 28 * (u64)U32_MAX);
	KUNIT_EXPECT_EQ(test, MAIO_TEMPLATE_MAX_SIZE,
			maio_template_size(MAIO_MAX_FILES, MAIO_MAX_GROUPS,
					   MAIO_MAX_EXTENTS));
}

/* No single flipped bit goes unseen. */
static void template_checksum(struct kunit *test)
{
	struct sample *sample = test->priv;
	u8 *bytes = test->priv;
	u32 i;

	for (i = 0; i < SAMPLE_SIZE * 8; i++) {
		struct maio_template template;
		const char *why;

		bytes[i / 8] ^= 1 << i % 8;
		KUNIT_EXPECT_NE(test, 0, maio_template_parse(&template, sample,
							     SAMPLE_SIZE, &why));
		bytes[i / 8] ^= 1 << i % 8;
	}

	sample->extent[0].start = cpu_to_le32(1);
	expect_parse(test, sample, SAMPLE_SIZE, -EBADMSG);
	sample->extent[0].start = 0;
	sample->header.crc = 0;
	expect_parse(test, sample, SAMPLE_SIZE, -EBADMSG);
	expect_signed(test, sample, 0);
}

static void expect_why(struct kunit *test, const void *data, size_t size,
		       const char *expected)
{
	struct maio_template template;
	const char *why = "";

	KUNIT_EXPECT_NE(test, 0, maio_template_parse(&template, data, size, &why));
	KUNIT_EXPECT_STREQ(test, why, expected);
}

/* Of the header, which says what the next one is. */
static void template_header_reasons(struct kunit *test)
{
	struct sample *sample = test->priv;
	const struct sample valid = *sample;

	expect_why(test, sample, MAIO_TEMPLATE_MAX_SIZE + 1, "too large");
	expect_why(test, sample, sizeof(sample->header) - 1, "too short");
	sample->header.magic = 0;
	expect_why(test, sample, SAMPLE_SIZE, "wrong magic");
	*sample = valid;
	sample->header.version = 0;
	expect_why(test, sample, SAMPLE_SIZE, "unknown version");
	*sample = valid;
	sample->header.flags = cpu_to_le16(MAIO_TEMPLATE_FLAGS + 1);
	expect_why(test, sample, SAMPLE_SIZE, "unknown flags or reserved field set");
	*sample = valid;
	expect_why(test, sample, SAMPLE_SIZE - 1, "size in the header is not the size given");
	sample->header.nr_groups = cpu_to_le32(MAIO_MAX_GROUPS + 1);
	expect_why(test, sample, SAMPLE_SIZE, "too many files, groups or extents");
	*sample = valid;
	sample->header.nr_extents = cpu_to_le32(NR_EXTENTS - 1);
	expect_why(test, sample, SAMPLE_SIZE, "size does not fit the counts");
	/* No more than a header. */
	sample->header.size = cpu_to_le32(sizeof(sample->header));
	expect_why(test, sample, sizeof(sample->header), "size does not fit the counts");
	*sample = valid;
	sample->header.crc ^= cpu_to_le32(1);
	expect_why(test, sample, SAMPLE_SIZE, "wrong checksum");
}

/* None of something, and all else as it would have to be. */
static void template_none(struct kunit *test)
{
	static const u32 cases[][3] = {
		{ 0, NR_GROUPS, NR_EXTENTS }, { NR_FILES, 0, NR_EXTENTS },
		{ NR_FILES, NR_GROUPS, 0 }, { NR_FILES, 0, 0 }, { 0, 0, 0 },
	};
	struct sample *sample = test->priv;
	size_t size;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		size = maio_template_size(cases[i][0], cases[i][1], cases[i][2]);
		sample->header.size = cpu_to_le32(size);
		sample->header.nr_files = cpu_to_le32(cases[i][0]);
		sample->header.nr_groups = cpu_to_le32(cases[i][1]);
		sample->header.nr_extents = cpu_to_le32(cases[i][2]);
		sample_sign(sample, size);
		expect_parse(test, sample, size, -EINVAL);
		expect_why(test, sample, size, "no files, groups or extents");
	}
}

static void expect_signed_why(struct kunit *test, struct sample *sample,
			      const char *expected)
{
	sample_sign(sample, SAMPLE_SIZE);
	expect_why(test, sample, SAMPLE_SIZE, expected);
}

/* Of groups and extents, the first ones included. */
static void template_list_reasons(struct kunit *test)
{
	struct sample *sample = test->priv;
	const struct sample valid = *sample;
	u32 i;

	for (i = 0; i < NR_GROUPS; i++) {
		sample->group[i].flags = cpu_to_le32(1);
		expect_signed_why(test, sample, "unknown group flags");
		*sample = valid;
		sample->group[i].nr_extents = 0;
		expect_signed_why(test, sample, "empty group");
		sample->group[i].nr_extents = cpu_to_le32(counts[i] + 1);
		expect_signed_why(test, sample, "groups do not add up to the extents");
		*sample = valid;
	}
	for (i = 0; i < NR_EXTENTS; i++) {
		sample->extent[i].file = cpu_to_le32(NR_FILES);
		expect_signed_why(test, sample, "extent of no file");
		*sample = valid;
		sample->extent[i].count = 0;
		expect_signed_why(test, sample, "empty extent");
		sample->extent[i].count = cpu_to_le32(U32_MAX);
		sample->extent[i].start = cpu_to_le32(1);
		expect_signed_why(test, sample, "extent wraps around");
		sample->extent[i].count = cpu_to_le32(8);
		expect_signed_why(test, sample, "extent beyond the end of its file");
		*sample = valid;
	}
}

static void template_groups(struct kunit *test)
{
	static const u32 cases[][NR_GROUPS] = {
		{ 0, 3 }, { 3, 0 },		/* empty */
		{ 1, 1 }, { 2, 2 },		/* wrong sum */
		{ U32_MAX, 4 },			/* right but for an overflow */
		{ 1U << 31, (1U << 31) + 3 },
	};
	struct sample *sample = test->priv;
	const struct sample valid = *sample;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sample->group[0].nr_extents = cpu_to_le32(cases[i][0]);
		sample->group[1].nr_extents = cpu_to_le32(cases[i][1]);
		expect_signed(test, sample, -EINVAL);
	}

	*sample = valid;
	sample->group[1].flags = cpu_to_le32(1);
	expect_signed(test, sample, -EINVAL);
}

static void template_extents(struct kunit *test)
{
	static const struct {
		struct maio_extent extent;
		int err;
	} cases[] = {
		{ { 0, 0, 8 }, 0 },
		{ { 0, 7, 1 }, 0 },
		{ { 0, 0, 9 }, -EINVAL },	/* beyond the end */
		{ { 0, 8, 1 }, -EINVAL },
		{ { 1, 3, 1 }, 0 },		/* one byte of it */
		{ { 1, 3, 2 }, -EINVAL },
		{ { 0, 1, 0 }, -EINVAL },	/* empty */
		{ { 2, 0, 1 }, -EINVAL },	/* of no file */
		{ { U32_MAX, 0, 1 }, -EINVAL },
		{ { 0, U32_MAX, 1 }, -EINVAL },	/* wraps around */
		{ { 0, 1, U32_MAX }, -EINVAL },
		{ { 0, U32_MAX, U32_MAX }, -EINVAL },
	};
	struct sample *sample = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sample->extent[1].file = cpu_to_le32(cases[i].extent.file);
		sample->extent[1].start = cpu_to_le32(cases[i].extent.start);
		sample->extent[1].count = cpu_to_le32(cases[i].extent.count);
		expect_signed(test, sample, cases[i].err);
	}
}

/* Files of any size there may be, and what units can name of them. */
static void template_huge_file(struct kunit *test)
{
	struct sample *sample = test->priv;

	sample->file[0].size = cpu_to_le64(U64_MAX);
	sample->extent[1].start = 0;
	sample->extent[1].count = cpu_to_le32(U32_MAX);
	expect_signed(test, sample, 0);
	sample->extent[1].start = cpu_to_le32(U32_MAX - 1);
	sample->extent[1].count = cpu_to_le32(1);
	expect_signed(test, sample, 0);
	sample->extent[1].start = cpu_to_le32(U32_MAX);
	expect_signed(test, sample, -EINVAL);

	KUNIT_EXPECT_EQ(test, maio_units(0), 0);
	KUNIT_EXPECT_EQ(test, maio_units(1), 1);
	KUNIT_EXPECT_EQ(test, maio_units(MAIO_UNIT), 1);
	KUNIT_EXPECT_EQ(test, maio_units(MAIO_UNIT + 1), 2);
	KUNIT_EXPECT_EQ(test, maio_units(U64_MAX), 1ULL << 52);
}

static void template_files(struct kunit *test)
{
	const u64 more[] = { sizes[0], sizes[1], 5 };
	const u64 grown[] = { sizes[0], sizes[1] + 1 };
	const u64 gone[] = { 0, sizes[1] };
	struct maio_template template;
	const char *why;

	KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, test->priv,
						     SAMPLE_SIZE, &why));
	KUNIT_EXPECT_EQ(test, 0, maio_template_check_files(&template, sizes, 2,
							   &why));
	KUNIT_EXPECT_NULL(test, why);
	KUNIT_EXPECT_EQ(test, 0, maio_template_check_files(&template, more, 3,
							   &why));
	KUNIT_EXPECT_EQ(test, -ENOENT, maio_template_check_files(&template,
								 sizes, 1,
								 &why));
	KUNIT_EXPECT_NOT_NULL(test, why);
	KUNIT_EXPECT_EQ(test, -ENOENT, maio_template_check_files(&template,
								 NULL, 0,
								 &why));
	KUNIT_EXPECT_EQ(test, -ESTALE, maio_template_check_files(&template,
								 grown, 2,
								 &why));
	KUNIT_EXPECT_STREQ(test, why, "a file has changed its size");
	KUNIT_EXPECT_EQ(test, -ESTALE, maio_template_check_files(&template,
								 gone, 2,
								 &why));
}

/* As large as the format allows, and by one more. */
static void template_limits(struct kunit *test)
{
	struct maio_template_header *header;
	struct maio_extent *list;
	size_t size;
	u32 *groups;
	u64 *files;
	void *data;
	u32 i;

	files = kvcalloc(MAIO_MAX_FILES, sizeof(*files), GFP_KERNEL);
	groups = kvcalloc(MAIO_MAX_GROUPS, sizeof(*groups), GFP_KERNEL);
	list = kvcalloc(MAIO_MAX_EXTENTS, sizeof(*list), GFP_KERNEL);
	data = kvzalloc(MAIO_TEMPLATE_MAX_SIZE, GFP_KERNEL);
	if (!files || !groups || !list || !data) {
		kunit_skip(test, "no memory");
		goto out;
	}

	for (i = 0; i < MAIO_MAX_FILES; i++)
		files[i] = 64 * MAIO_UNIT;
	for (i = 0; i < MAIO_MAX_GROUPS; i++)
		groups[i] = MAIO_MAX_EXTENTS / MAIO_MAX_GROUPS;
	for (i = 0; i < MAIO_MAX_EXTENTS; i++) {
		list[i].file = i % MAIO_MAX_FILES;
		list[i].start = i / MAIO_MAX_FILES;
		list[i].count = 1;
	}
	size = MAIO_TEMPLATE_MAX_SIZE;
	maio_template_build(data, 0, files, MAIO_MAX_FILES, groups,
			    MAIO_MAX_GROUPS, list, MAIO_MAX_EXTENTS);
	expect_parse(test, data, size, 0);

	header = data;
	header->nr_extents = cpu_to_le32(MAIO_MAX_EXTENTS + 1);
	sample_sign(data, size);
	expect_parse(test, data, size, -E2BIG);
out:
	kvfree(data);
	kvfree(list);
	kvfree(groups);
	kvfree(files);
}

static void template_overlap(struct kunit *test)
{
	struct sample *sample = test->priv;
	struct maio_extent scratch[NR_EXTENTS];
	struct maio_template template;
	const char *why;

	/* Groups may share units. */
	KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, sample,
						     SAMPLE_SIZE, &why));
	KUNIT_EXPECT_EQ(test, 0, maio_template_check_overlap(&template, scratch,
							     &why));
	KUNIT_EXPECT_NULL(test, why);

	/* One may touch what it has read, and not more. */
	sample->extent[0].file = 0;
	sample->extent[0].count = cpu_to_le32(2);
	KUNIT_EXPECT_EQ(test, 0, maio_template_check_overlap(&template, scratch,
							     &why));
	sample->extent[0].count = cpu_to_le32(3);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			maio_template_check_overlap(&template, scratch, &why));
	KUNIT_EXPECT_NOT_NULL(test, why);
	sample->extent[0] = sample->extent[1];
	KUNIT_EXPECT_EQ(test, -EINVAL,
			maio_template_check_overlap(&template, scratch, &why));
}

/* Each group is looked at by itself, up to the last. */
static void template_overlap_of_groups(struct kunit *test)
{
	static const u64 size = 16 * MAIO_UNIT;
	static const u32 groups[] = { 1, 2, 2 };
	static const struct {
		struct maio_extent extents[5];
		int err;
	} cases[] = {
		{ { { 0, 0, 4 }, { 0, 0, 2 }, { 0, 2, 2 }, { 0, 1, 1 }, { 0, 3, 9 } }, 0 },
		{ { { 0, 0, 4 }, { 0, 1, 2 }, { 0, 2, 2 }, { 0, 4, 1 }, { 0, 5, 9 } }, -EINVAL },
		{ { { 0, 0, 4 }, { 0, 4, 2 }, { 0, 6, 2 }, { 0, 8, 2 }, { 0, 9, 1 } }, -EINVAL },
	};
	struct maio_extent scratch[5];
	struct maio_template template;
	const char *why;
	u64 data[16];
	u32 i;

	KUNIT_ASSERT_LE(test, maio_template_size(1, 3, 5), sizeof(data));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		maio_template_build(data, 0, &size, 1, groups, 3, cases[i].extents, 5);
		KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, data,
							     maio_template_size(1, 3, 5),
							     &why));
		KUNIT_EXPECT_EQ_MSG(test, maio_template_check_overlap(&template, scratch,
								      &why),
				    cases[i].err, "case %u", i);
	}
}

/* What is covered of a file's last unit is what there is of it. */
static void template_coverage_at_the_end(struct kunit *test)
{
	static const struct maio_extent parts[] = { { 1, 2, 2 }, { 0, 3, 2 }, { 1, 0, 1 } };
	struct maio_extent scratch[3];
	struct maio_template template;
	struct sample sample;
	const char *why;

	maio_template_build(&sample, 0, sizes, NR_FILES, counts, NR_GROUPS, parts, NR_EXTENTS);
	KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, &sample, SAMPLE_SIZE, &why));
	KUNIT_EXPECT_EQ(test, maio_template_coverage(&template, scratch), 4 * MAIO_UNIT + 1);
}

static void template_coverage(struct kunit *test)
{
	struct maio_extent scratch[NR_EXTENTS];
	struct maio_template template;
	const char *why;

	KUNIT_ASSERT_EQ(test, 0, maio_template_parse(&template, test->priv,
						     SAMPLE_SIZE, &why));
	/* All of both files; two units of the first by both groups. */
	KUNIT_EXPECT_EQ(test, maio_template_coverage(&template, scratch),
			sizes[0] + sizes[1]);
}

static void extents_union(struct kunit *test)
{
	struct maio_extent list[] = {
		{ 1, 5, 5 }, { 0, 10, 10 }, { 0, 0, 5 }, { 0, 5, 2 },
		{ 0, 12, 3 }, { 1, 0, 5 }, { 1, 20, 1 }, { 0, 10, 11 },
	};
	static const struct maio_extent expected[] = {
		{ 0, 0, 7 }, { 0, 10, 11 }, { 1, 0, 10 }, { 1, 20, 1 },
	};
	static const struct {
		struct maio_extent extent;
		bool in;
	} cases[] = {
		{ { 0, 0, 7 }, true }, { { 0, 0, 8 }, false },
		{ { 0, 6, 1 }, true }, { { 0, 7, 1 }, false },
		{ { 0, 9, 2 }, false }, { { 0, 20, 1 }, true },
		{ { 0, 6, 5 }, false }, { { 1, 3, 7 }, true },
		{ { 1, 19, 1 }, false }, { { 1, 20, 1 }, true },
		{ { 2, 0, 1 }, false },
	};
	u32 i;

	KUNIT_ASSERT_EQ(test, maio_extents_union(list, ARRAY_SIZE(list)),
			ARRAY_SIZE(expected));
	KUNIT_EXPECT_MEMEQ(test, list, expected, sizeof(expected));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    maio_extents_contain(list,
							 ARRAY_SIZE(expected),
							 &cases[i].extent),
				    cases[i].in, "case %u", i);

	KUNIT_EXPECT_EQ(test, maio_extents_union(list, 0), 0);
	KUNIT_EXPECT_FALSE(test, maio_extents_contain(list, 0, &list[0]));
}

/* Where what is joined does not begin with its file. */
static void extents_union_inside(struct kunit *test)
{
	struct maio_extent list[] = { { 2, 12, 8 }, { 2, 10, 5 }, { 2, 30, 1 }, { 2, 11, 2 } };
	static const struct maio_extent expected[] = { { 2, 10, 10 }, { 2, 30, 1 } };

	KUNIT_ASSERT_EQ(test, maio_extents_union(list, ARRAY_SIZE(list)),
			ARRAY_SIZE(expected));
	KUNIT_EXPECT_MEMEQ(test, list, expected, sizeof(expected));
}

static void extents_coalesce(struct kunit *test)
{
	struct maio_extent list[] = {
		{ 0, 0, 5 }, { 0, 5, 5 }, { 1, 10, 1 }, { 0, 10, 5 },
		{ 0, 16, 1 }, { 0, 15, 1 },
	};
	static const struct maio_extent expected[] = {
		{ 0, 0, 10 }, { 1, 10, 1 }, { 0, 10, 5 }, { 0, 16, 1 },
		{ 0, 15, 1 },
	};

	KUNIT_ASSERT_EQ(test, maio_extents_coalesce(list, ARRAY_SIZE(list)),
			ARRAY_SIZE(expected));
	KUNIT_EXPECT_MEMEQ(test, list, expected, sizeof(expected));
	KUNIT_EXPECT_EQ(test, maio_extents_coalesce(list, 0), 0);
}

static struct kunit_case template_cases[] = {
	KUNIT_CASE(template_roundtrip),
	KUNIT_CASE(template_bytes),
	KUNIT_CASE(template_build_over),
	KUNIT_CASE(template_flags),
	KUNIT_CASE(template_length),
	KUNIT_CASE(template_header),
	KUNIT_CASE(template_counts),
	KUNIT_CASE(template_checksum),
	KUNIT_CASE(template_header_reasons),
	KUNIT_CASE(template_none),
	KUNIT_CASE(template_list_reasons),
	KUNIT_CASE(template_groups),
	KUNIT_CASE(template_extents),
	KUNIT_CASE(template_huge_file),
	KUNIT_CASE(template_files),
	KUNIT_CASE(template_limits),
	KUNIT_CASE(template_overlap),
	KUNIT_CASE(template_overlap_of_groups),
	KUNIT_CASE(template_coverage),
	KUNIT_CASE(template_coverage_at_the_end),
	KUNIT_CASE(extents_union),
	KUNIT_CASE(extents_union_inside),
	KUNIT_CASE(extents_coalesce),
	{}
};

static struct kunit_suite template_suite = {
	.name = "ppc_maio_template",
	.init = template_init,
	.test_cases = template_cases,
};

kunit_test_suite(template_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of the MAIO page cache policy");
MODULE_LICENSE("GPL");
