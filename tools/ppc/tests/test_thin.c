// SPDX-License-Identifier: GPL-2.0
/*
 * What is read sparsely is left out of a template, and nothing else is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "tap.h"

/* Ten pieces of 2 MiB and a tail of 100 units; less than one. */
static const __u64 sizes[] = { 10 * 0x200000 + 100 * 4096, 300000 };

static void describe(const struct template_view *view, char *text, size_t room)
{
	const struct maio_template_extent *e = view->extents;
	__u32 i, j;
	int at = 0;

	text[0] = 0;
	for (i = 0; i < view->nr_groups; i++) {
		for (j = 0; j < le32toh(view->groups[i].nr_extents); j++, e++)
			at += snprintf(text + at, room - at, "%s%u:%u:%u", j ? " " : i ? "; " : "",
				       le32toh(e->file), le32toh(e->start), le32toh(e->count));
	}
}

/* @expected: as describe() tells it, or NULL for no template. */
static void thin(const char *const *groups, int nr, const char *expected, const char *what)
{
	struct template_view view;
	char text[1000] = "none";
	struct why why;
	size_t len;
	void *blob = blob_text(sizes, 2, groups, nr, &len);

	if (template_check(blob, len, &view, &why)) {
		tap_ok(false, "%s: %s", what, why.text);
		free(blob);
		return;
	}
	blob = template_thin(blob, &len, &view, &why);
	if (blob && template_check(blob, len, &view, &why))
		snprintf(text, sizeof(text), "%s", why.text);
	else if (blob)
		describe(&view, text, sizeof(text));
	tap_ok(!strcmp(text, expected ? expected : "none"), "%s: %s", what, text);
	free(blob);
}

static void one(const char *group, const char *expected, const char *what)
{
	thin(&group, 1, expected, what);
}

int main(void)
{
	static const char *const slices[] = { "0:0:64 0:256:64", "0:64:64 0:320:64" };
	static const char *const row[] = { "0:0:512", "0:1024:32", "0:2048:300 0:3072:32" };

	one("0:0:512 0:1024:32 0:1100:32 0:2048:512", "0:0:512 0:2048:512", "rows of a table");
	one("0:0:32 0:1024:32 1:10:2", NULL, "nothing but rows");
	one("0:0:200 0:256:56", "0:0:200 0:256:56", "half of a piece");
	one("0:0:200 0:256:55", NULL, "less than half");
	one("0:600:256", "0:600:256", "a run of half a piece");
	one("0:450:124 0:600:200", "0:450:124 0:600:200",
	    "a run that ends in a piece of which much is read");
	one("0:450:255", NULL, "a shorter one, and little of either piece");
	one("0:450:256", "0:450:256", "the same, a unit longer");
	one("0:0:512 0:5120:50", "0:0:512 0:5120:50", "half of a tail");
	one("0:0:512 0:5120:49", "0:0:512", "less of it");
	one("1:0:74", "1:0:74", "a small file");
	one("0:300:100 0:100:100 0:0:100", "0:300:100 0:100:100 0:0:100", "the order stays");
	thin(slices, 2, "0:0:64 0:256:64; 0:64:64 0:320:64",
	     "each worker reads a quarter, all of them half");
	thin(row, 3, "0:0:512; 0:2048:300", "a worker that reads a row");
	return tap_end();
}
