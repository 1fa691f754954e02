// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel templates: sound ones are taken, every other one is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "maioctl.h"
#include "tap.h"

static const __u64 sizes[] = { 1000000, 4096, 5000 };
#define NR_FILES		3

static void *make(size_t *len)
{
	return blob_make(sizes, NR_FILES, 4, len);
}

static bool refused(const void *blob, size_t len, struct why *why)
{
	struct template_view view;

	why->text[0] = '\0';
	return template_check(blob, len, &view, why) == -1 && why->text[0];
}

static void test_sound(void)
{
	struct template_view view;
	struct why why;
	size_t len;
	void *blob = make(&len);

	tap_ok(!template_check(blob, len, &view, &why), "a sound one is taken");
	tap_ok(view.nr_files == 3 && view.nr_groups == 1 && view.nr_extents == 7,
	       "its parts are found");
	tap_ok(view.bytes == 1000000 + 4096 + 5000,
	       "it covers what it covers, cut at the ends of the files");
	free(blob);
}

static void test_cut(void)
{
	struct why why;
	size_t len, cut;
	void *blob = make(&len), *copy;
	bool good = true;

	for (cut = 0; cut < len; cut++) {
		copy = xalloc(cut, 1);
		memcpy(copy, blob, cut);
		good = good && refused(copy, cut, &why);
		free(copy);
	}
	tap_ok(good, "cut off at any byte it is refused");
	copy = xalloc(len + 1, 1);
	memcpy(copy, blob, len);
	tap_ok(refused(copy, len + 1, &why), "so it is with a byte more");
	free(copy);
	free(blob);
}

static void test_flip(void)
{
	struct why why;
	size_t len, bit;
	unsigned char *blob = make(&len);
	bool good = true;

	for (bit = 0; bit < 8 * len; bit++) {
		blob[bit / 8] ^= 1 << bit % 8;
		good = good && refused(blob, len, &why);
		blob[bit / 8] ^= 1 << bit % 8;
	}
	tap_ok(good, "with any bit flipped it is refused");
	free(blob);
}

/* Forgeries: the checksum is right, the content is not. */
#define FORGE(what, change)						\
	do {								\
		size_t len;						\
		struct maio_template_header *h = make(&len);		\
		struct maio_template_file *f = (void *)(h + 1);		\
		struct maio_template_group *g = (void *)(f + NR_FILES);	\
		struct maio_template_extent *e = (void *)(g + 1);	\
		struct why why;						\
									\
		(void)e;						\
		change;							\
		blob_seal(h, len);					\
		tap_ok(refused(h, len, &why), what ": %s", why.text);	\
		free(h);						\
	} while (0)

static void test_forged(void)
{
	FORGE("magic", h->magic = 0);
	FORGE("version", h->version = htole16(2));
	FORGE("flags", h->flags = htole16(MAIO_TEMPLATE_FLAGS + 1));
	FORGE("reserved", h->reserved = htole32(1));
	FORGE("too many files", h->nr_files = htole32(MAIO_MAX_FILES + 1));
	FORGE("too many groups", h->nr_groups = htole32(MAIO_MAX_GROUPS + 1));
	FORGE("too many extents", h->nr_extents = htole32(MAIO_MAX_EXTENTS + 1));
	FORGE("all ones", h->nr_extents = h->nr_files = h->nr_groups = ~0U);
	FORGE("fewer extents", h->nr_extents = htole32(6));
	FORGE("no group", h->nr_groups = 0);
	FORGE("more files", h->nr_files = htole32(4));
	FORGE("group flags", g->flags = htole32(1));
	FORGE("empty group", g->nr_extents = 0);
	FORGE("group too small", g->nr_extents = htole32(6));
	FORGE("group too large", g->nr_extents = htole32(8));
	FORGE("file index", e->file = htole32(NR_FILES));
	FORGE("empty extent", e->count = 0);
	FORGE("behind the end", e->start = ~0U);
	FORGE("beyond the end", e->count = htole32(1 << 30));
	FORGE("overlap", e[1] = e[0]);
	FORGE("at the end", e[4].start = htole32(1));
	FORGE("file of no size", f[1].size = 0);
}

int main(void)
{
	test_sound();
	test_cut();
	test_flip();
	test_forged();
	return tap_end();
}
