// SPDX-License-Identifier: GPL-2.0
/*
 * Which recordings are loads, and which replace the template of a replay.
 */
#include <stdlib.h>

#include "blob.h"
#include "maioctl.h"
#include "tap.h"

/* Two files of 16 MiB, and one that is smaller than any that counts. */
static const __u64 sizes[] = { 16 << 20, 16 << 20, 200000 };

#define NR_FILES	3
#define UNITS		4096	/* of a large file */

static struct template_view view_of(const char *group, size_t nr_files, void **blob)
{
	struct template_view view;
	struct why why;
	size_t len;

	*blob = blob_text(sizes + NR_FILES - nr_files, nr_files, &group, 1, &len);
	if (template_check(*blob, len, &view, &why)) {
		tap_ok(false, "%s", why.text);
		exit(tap_end());
	}
	return view;
}

static void scan(bool expected, size_t nr_files, const char *group, const char *what)
{
	struct template_view view;
	void *blob;

	view = view_of(group, nr_files, &blob);
	tap_ok(judge_scan(&view) == expected, "%s: a %s", what, expected ? "scan" : "load");
	free(blob);
}

static void test_scan(void)
{
	scan(true, 3, "0:0:16 1:0:16 0:4080:16 1:4080:16", "headers and tails");
	scan(true, 3, "0:0:512", "an eighth of a file");
	scan(false, 3, "0:0:513", "more than that");
	scan(false, 3, "0:0:200 0:400:200 0:800:113", "more in pieces");
	scan(true, 3, "0:0:400 1:0:400", "less of each of two");
	scan(true, 3, "2:0:49", "a small file beside large ones");
	scan(false, 1, "0:0:1", "a small file alone");
	scan(false, 3, "0:0:1 1:0:4096 2:0:1", "one file whole");
}

static void test_twice(void)
{
	const char *const groups[] = { "0:0:400", "0:200:312" };
	struct template_view view;
	struct why why;
	size_t len;
	void *blob;

	blob = blob_text(sizes, NR_FILES, groups, 2, &len);
	tap_ok(!template_check(blob, len, &view, &why) && judge_scan(&view),
	       "what two groups read counts once");
	free(blob);
}

static void lacking(__u64 units, bool expected, const char *had, const char *now,
		    const char *what)
{
	struct template_view a, b;
	void *blob_a, *blob_b;
	bool ret;
	__u64 lacks;

	a = view_of(had, NR_FILES, &blob_a);
	b = view_of(now, NR_FILES, &blob_b);
	ret = judge_lacking(&a, &b, &lacks);
	tap_ok(ret == expected && lacks == units << 12, "%s: %llu bytes are not in it",
	       what, lacks);
	free(blob_a);
	free(blob_b);
}

static void test_lacking(void)
{
	lacking(0, false, "0:0:100", "0:0:100", "the same");
	lacking(0, false, "0:0:100 1:0:100", "0:50:50 0:0:50", "a part, in another order");
	lacking(100, true, "0:0:100", "1:0:100", "another file");
	lacking(100, true, "1:0:100", "0:0:100", "another file before it");
	lacking(50, true, "0:0:100", "0:50:100", "half of it");
	lacking(60, true, "0:10:10 0:30:10 0:50:10", "0:0:90", "what lies between");
	lacking(10, false, "0:0:90 1:0:10", "0:0:100 1:0:10", "less than a tenth");
	lacking(11, true, "0:0:89", "0:0:100", "a little more than a tenth");
	lacking(16, true, "0:0:16", "0:0:16 0:100:1 0:200:15", "in pieces");
}

int main(void)
{
	test_scan();
	test_twice();
	test_lacking();
	return tap_end();
}
