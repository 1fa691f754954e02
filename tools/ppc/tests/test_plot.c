// SPDX-License-Identifier: GPL-2.0
/*
 * Plots: every line of a small template is there, and a large one is merged.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "maioctl.h"
#include "tap.h"

#define MANY			1000000U

/* "Some MB", for a picture that a browser has to show. */
#define SVG_MAX			(4U << 20)

/* What a trace writes for @nr lines, four numbers each; the caller frees it. */
static char *trace(const int (*lines)[4], size_t nr, size_t *segments)
{
	struct trace t;
	char *text = NULL;
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	trace_init(&t, 1000, 1000, out);
	trace_begin(&t);
	for (i = 0; i < nr; i++)
		trace_line(&t, lines[i][0], lines[i][1], lines[i][2], lines[i][3]);
	trace_end(&t);
	*segments = t.segments;
	trace_free(&t);
	fclose(out);
	return text;
}

static void expect(const int (*lines)[4], size_t nr, const char *want,
		   const char *what)
{
	size_t segments;
	char *text = trace(lines, nr, &segments);

	tap_ok(!strcmp(text, want), "%s: '%s'", what, text);
	free(text);
}

static void test_trace(void)
{
	static const int apart[][4] = {
		{ 0, 1000, 400, 600 }, { 400, 200, 805, 0 },
	};
	static const int joined[][4] = {
		{ 0, 1000, 400, 600 }, { 403, 602, 1000, 0 },
	};
	static const int dots[][4] = {
		{ 100, 100, 100, 100 }, { 101, 500, 102, 500 },
		{ 102, 101, 104, 101 }, { 104, 501, 106, 500 },
	};
	static const int under[][4] = {
		{ 0, 0, 1000, 1000 }, { 500, 500, 600, 600 },
		{ 600, 0, 700, 0 },
	};
	static const int edges[][4] = {
		{ 0, 0, 0, 0 }, { 1000, 1000, 1000, 1000 },
		{ 0, 1000, 0, 1000 }, { 1000, 0, 1000, 0 },
		{ 0, 20, 0, 20 },
	};

	expect(apart, 2, "M0 100L40 60M40 20L80.5 0", "a line each");
	expect(joined, 2, "M0 100L40 60L100 0", "a line that goes on");
	expect(dots, 4, "M10 10L10.1 10M10.1 50L10.2 50", "a dot that is there already");
	expect(under, 3, "M0 0L100 100M60 0L70 0", "a line that is covered");
	expect(edges, 5, "M0 0L0.1 0M100 100L100.1 100M0 100L0.1 100M100 0L100.1 0M0 2L0.1 2",
	       "the corners, and one below the first");
}

static size_t count(const char *text, const char *word)
{
	size_t nr = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		nr++;
	return nr;
}

static void test_merge(void)
{
	int (*lines)[4] = xalloc(MANY, sizeof(*lines));
	size_t segments, i;
	char *text;

	for (i = 0; i < MANY; i++) {
		lines[i][0] = i * 1000 / MANY;
		lines[i][1] = i * 1000 / MANY;
		lines[i][2] = (i + 1) * 1000 / MANY;
		lines[i][3] = (i + 1) * 1000 / MANY;
	}
	text = trace((const void *)lines, MANY, &segments);
	tap_ok(segments >= 40 && segments <= 51 && count(text, "M") == 1,
	       "short lines in a row become one without gaps: %s", text);
	free(text);
	for (i = 0; i < MANY; i++) {
		lines[i][0] = i * 1000 / MANY;
		lines[i][1] = i * 7919 % 1001;
		lines[i][2] = lines[i][0];
		lines[i][3] = lines[i][1];
	}
	free(trace((const void *)lines, MANY, &segments));
	tap_ok(segments >= 2500 && segments <= 51 * 51,
	       "short lines all over the place are merged: %zu", segments);
	free(lines);
}

/* What a plot is for a template; the caller frees it. */
static char *plot(const __u64 *sizes, __u32 nr_files, const __u32 *counts,
		  __u32 nr_groups, const struct maio_template_extent *extents,
		  size_t *len)
{
	struct store_entry entry = { .service = "plot", .nr_files = nr_files };
	struct template_view view;
	char *text = NULL;
	struct why why;
	FILE *out;
	__u32 i;

	entry.files = xalloc(nr_files, sizeof(*entry.files));
	for (i = 0; i < nr_files; i++) {
		entry.files[i].path = "<a & \"b\">\n";
		entry.files[i].size = sizes[i];
		entry.model_bytes += sizes[i];
	}
	entry.blob = blob_groups(sizes, nr_files, counts, nr_groups, extents,
				 &entry.blob_len);
	if (template_check(entry.blob, entry.blob_len, &view, &why)) {
		tap_ok(false, "%s", why.text);
		exit(tap_end());
	}
	out = open_memstream(&text, len);
	template_plot(&entry, &view, out);
	fclose(out);
	free(entry.blob);
	free(entry.files);
	return text;
}

static void test_groups(void)
{
	static const __u64 sizes[] = { 4000 << 12, (6000 << 12) - 1 };
	static const __u32 counts[] = { 2, 1, 1 };
	const struct maio_template_extent extents[] = {
		{ htole32(1), 0, htole32(6000) },
		{ htole32(0), 0, htole32(4000) },
		{ htole32(0), 0, htole32(4000) },
		{ htole32(0), 0, htole32(4000) },
	};
	size_t len;
	char *text = plot(sizes, 2, counts, 3, extents, &len);

	tap_ok(strstr(text, " d=\"M0 276L455.9 0M455.9 460L760 276\"/>"),
	       "files are stacked, and a line each");
	tap_ok(strstr(text, " d=\"M0 460L304 276\"/>"), "each group begins at 0");
	tap_ok(strstr(text, "group 1: 15.6 MiB<"), "a group that can be seen");
	tap_ok(strstr(text, "group 2: 15.6 MiB, hidden<"), "one that is covered");
	tap_ok(!strstr(text, "group 3"), "and no more");
	tap_ok(strstr(text, "&lt;a &amp; &quot;b&quot;&gt;\\012<"),
	       "names are escaped");
	tap_ok(strstr(text, ">8</text>") && strstr(text, "(MiB)"),
	       "axes have units");
	free(text);
}

/* Each group reads all over a file of its own, one unit at a time. */
static void test_large(__u32 nr_groups, __u32 nr_files, const char *what)
{
	__u32 per_group = MAIO_MAX_EXTENTS / nr_groups;
	struct maio_template_extent *extents;
	__u32 i, seed = 1;
	__u64 *sizes;
	__u32 *counts;
	size_t len;
	char *text;

	extents = xalloc(MAIO_MAX_EXTENTS, sizeof(*extents));
	counts = xalloc(nr_groups, sizeof(*counts));
	sizes = xalloc(nr_files, sizeof(*sizes));
	for (i = 0; i < nr_files; i++)
		sizes[i] = 1ULL << 40;
	for (i = 0; i < nr_groups; i++)
		counts[i] = per_group;
	for (i = 0; i < per_group * nr_groups; i++) {
		seed = seed * 1664525 + 1013904223;
		extents[i].file = htole32((seed >> 8) % nr_files);
		/* All over the place, and nothing twice. */
		extents[i].start = htole32(i * 2654435761U & 0xfffffff);
		extents[i].count = htole32(1);
	}
	text = plot(sizes, nr_files, counts, nr_groups, extents, &len);
	tap_ok(len > 50000 && len < SVG_MAX, "%s: %zu bytes", what, len);
	tap_ok(count(text, "<text") < 100 && count(text, "#bbb") < 200,
	       "with as many names and lines as can be told apart");
	free(text);
	free(extents);
	free(counts);
	free(sizes);
}

int main(void)
{
	test_trace();
	test_merge();
	test_groups();
	test_large(1, 1, "the most extents of one group");
	test_large(MAIO_MAX_GROUPS, 1, "and of the most groups");
	test_large(8, MAIO_MAX_FILES, "and of the most files");
	return tap_end();
}
