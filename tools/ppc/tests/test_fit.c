// SPDX-License-Identifier: GPL-2.0
/*
 * Templates that are too large are made coarser, and lose nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "tap.h"

#define GROUPS		8
#define CHUNK		256U		/* 1 MiB in units of 4 KiB */
#define CHUNKS		2048U
#define NOBODY		64U		/* each so manieth chunk nobody reads */

/* What the last group does not read, though others do. */
#define AWAY_FROM	(CHUNKS / 4 + NOBODY / 4)
#define AWAY_TO		(CHUNKS / 4 + NOBODY * 3 / 4)

static const struct file_id file = {
	.path = "model.safetensors", .size = (__u64)CHUNKS * CHUNK * 4096, .hash = 1, .mtime = 2,
};

static struct store_entry entry_of(const __u32 *counts, __u32 nr_groups,
				   const struct maio_template_extent *e)
{
	struct store_entry entry = {
		.service = "fit", .created = 1700000001,
		.model_bytes = file.size, .files = (struct file_id *)&file,
		.nr_files = 1,
	};

	entry.blob = blob_groups(&file.size, 1, counts, nr_groups, e,
				 &entry.blob_len);
	return entry;
}

static size_t stored(const struct store_entry *entry)
{
	size_t len = 0;

	free(store_serialise(entry, &len));
	return len;
}

/* Which groups want which chunks; false if one is listed twice or out of order. */
static bool chunks_of(const struct store_entry *entry, __u8 *wanted)
{
	const struct maio_template_extent *e;
	struct template_view view;
	struct why why;
	__u32 group, i, chunk, first, end;

	memset(wanted, 0, CHUNKS);
	if (template_check(entry->blob, entry->blob_len, &view, &why))
		return false;
	e = view.extents;
	for (group = 0; group < view.nr_groups; group++) {
		for (i = end = 0; i < le32toh(view.groups[group].nr_extents); i++, e++) {
			first = le32toh(e->start) / CHUNK;
			if (first < end)
				return false;
			end = first + le32toh(e->count) / CHUNK;
			for (chunk = first; chunk < end; chunk++)
				wanted[chunk] |= 1 << group;
		}
	}
	return true;
}

static bool away(__u32 group, __u32 chunk)
{
	return group == GROUPS - 1 && chunk >= AWAY_FROM && chunk < AWAY_TO;
}

/* As the kernel sees workers that read an eighth of each chunk: some of them. */
static struct store_entry make_patchy(void)
{
	struct maio_template_extent *e = xalloc((size_t)CHUNKS * GROUPS, sizeof(*e));
	__u32 counts[GROUPS] = { 0 }, group, chunk, end = 0, nr = 0;
	struct store_entry entry;
	unsigned int seed = 1;

	for (group = 0; group < GROUPS; group++) {
		for (chunk = 0; chunk < CHUNKS; chunk++) {
			if (chunk % NOBODY == NOBODY - 1 || away(group, chunk) ||
			    (chunk % GROUPS != group && rand_r(&seed) % 10 < 4))
				continue;
			if (counts[group] && end == chunk) {
				e[nr - 1].count = htole32(le32toh(e[nr - 1].count) + CHUNK);
			} else {
				e[nr].start = htole32(chunk * CHUNK);
				e[nr++].count = htole32(CHUNK);
				counts[group]++;
			}
			end = chunk + 1;
		}
	}
	entry = entry_of(counts, GROUPS, e);
	free(e);
	return entry;
}

static void test_patchy(void)
{
	struct store_entry entry = make_patchy();
	static __u8 before[CHUNKS], after[CHUNKS];
	const size_t large = stored(&entry);
	bool kept = true, none = true, away_still = true;
	__u32 i;

	if (!tap_ok(chunks_of(&entry, before), "a patchy template"))
		return;
	template_fit(&entry);
	tap_ok(large > file.size / 1000000 &&
	       stored(&entry) <= file.size / 1000000,
	       "which was %zu bytes is %zu afterwards", large, stored(&entry));
	tap_ok(chunks_of(&entry, after), "it is sound, and in order");
	for (i = 0; i < CHUNKS; i++) {
		kept &= (before[i] & after[i]) == before[i];
		none &= !before[i] == !after[i];
		away_still &= !away(GROUPS - 1, i) ||
			      !(after[i] & (1 << (GROUPS - 1)));
	}
	tap_ok(kept, "who read a chunk still does");
	tap_ok(none, "and nobody what nobody read");
	tap_ok(away_still, "nor a whole part that was others'");
	free(entry.blob);
}

static bool untouched(struct store_entry *entry)
{
	void *copy = xalloc(entry->blob_len, 1);
	const size_t len = entry->blob_len;
	bool same;

	memcpy(copy, entry->blob, len);
	template_fit(entry);
	same = len == entry->blob_len && !memcmp(copy, entry->blob, len);
	free(copy);
	free(entry->blob);
	return same;
}

static void test_untouched(void)
{
	struct maio_template_extent e[] = {
		{ 0, htole32(0), htole32(CHUNK) },
		{ 0, htole32(2 * CHUNK), htole32(CHUNK) },
		{ 0, htole32(0), htole32(4 * CHUNK) },
	};
	struct maio_template_extent *many = xalloc(CHUNKS, sizeof(*many));
	const __u32 two[] = { 2, 1 }, one = CHUNKS / 2;
	struct store_entry entry = entry_of(two, 2, e);
	unsigned int seed = 1;
	__u32 i;

	tap_ok(untouched(&entry), "what is small enough stays as it is");
	for (i = 0; i < one; i++) {
		many[i].start = htole32(2 * i * CHUNK);
		many[i].count = htole32(1 + rand_r(&seed) % CHUNK);
	}
	entry = entry_of(&one, 1, many);
	tap_ok(stored(&entry) > file.size / 1000000 && untouched(&entry),
	       "and so does a lone worker's, of any size");
	free(many);
}

/* It reads the hole, but later: that it was in this order is worth knowing. */
static void test_own_later(void)
{
	struct maio_template_extent *e = xalloc(2 * CHUNKS, sizeof(*e));
	const __u32 counts[] = { CHUNKS, 1 };
	struct store_entry entry;
	unsigned int seed = 1;
	__u32 i;

	for (i = 0; i < CHUNKS; i++) {
		/* All the even ones, and then the odd ones, with some to spare. */
		const __u32 chunk = 2 * i % CHUNKS + (i >= CHUNKS / 2);

		e[i].start = htole32(chunk * CHUNK);
		e[i].count = htole32(CHUNK - rand_r(&seed) % 9);
	}
	e[i].start = 0;
	e[i].count = htole32(CHUNKS * CHUNK);
	entry = entry_of(counts, 2, e);
	tap_ok(stored(&entry) > file.size / 1000000 && untouched(&entry),
	       "a hole that is read later is none");
	free(e);
}

int main(void)
{
	test_patchy();
	test_untouched();
	test_own_later();
	return tap_end();
}
