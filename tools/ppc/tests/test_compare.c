// SPDX-License-Identifier: GPL-2.0
/*
 * What differs between templates, and the measure of order above all.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "maioctl.h"
#include "tap.h"

#define UNIT			4096ULL

/* Two files of 1000 units each. */
static const __u64 sizes[] = { 1000 * UNIT, 1000 * UNIT };

/**
 * struct side - a template that is compared
 * @groups: for each group "FILE:START:COUNT FILE:START:COUNT ..."
 * @nr_groups: how many
 */
struct side {
	const char *groups[4];
	int nr_groups;
};

static struct file_id files[] = {
	{ .path = "x", .size = 1000 * UNIT, .hash = 1 },
	{ .path = "y", .size = 1000 * UNIT, .hash = 2 },
};

static void make(const struct side *side, struct store_entry *entry,
		 struct template_view *view)
{
	struct why why;

	*entry = (struct store_entry){ .files = files, .nr_files = 2 };
	entry->blob = blob_text(sizes, 2, side->groups, side->nr_groups,
				&entry->blob_len);
	if (template_check(entry->blob, entry->blob_len, view, &why)) {
		tap_ok(false, "%s", why.text);
		exit(tap_end());
	}
}

static void compare(const struct side *a, const struct side *b,
		    struct template_diff *diff)
{
	struct template_view view_a, view_b;
	struct store_entry entry_a, entry_b;

	make(a, &entry_a, &view_a);
	make(b, &entry_b, &view_b);
	template_compare(&entry_a, &view_a, &entry_b, &view_b, diff);
	free(entry_a.blob);
	free(entry_b.blob);
}

/* One group each; numbers in units. */
static void expect(const char *a, const char *b, __u64 both, __u64 only_a,
		   __u64 only_b, __u64 ordered)
{
	struct side side_a = { { a }, 1 }, side_b = { { b }, 1 };
	bool same = !only_a && !only_b && both == ordered;
	const struct group_pair *pair;
	struct template_diff diff;

	compare(&side_a, &side_b, &diff);
	pair = diff.groups;
	tap_ok(diff.nr_groups == 1 && pair->both == both * UNIT &&
	       pair->only_a == only_a * UNIT && pair->only_b == only_b * UNIT &&
	       pair->ordered == ordered * UNIT && diff.same == same,
	       "%s | %s: %llu in both, %llu and %llu in one, %llu in order",
	       a, b, pair->both / UNIT, pair->only_a / UNIT,
	       pair->only_b / UNIT, pair->ordered / UNIT);
	template_diff_free(&diff);
}

static void test_order(void)
{
	expect("0:0:100 1:0:50", "0:0:100 1:0:50", 150, 0, 0, 150);
	/* How it is cut into extents does not matter. */
	expect("0:0:100", "0:0:30 0:30:70", 100, 0, 0, 100);
	expect("0:0:100", "0:30:70 0:0:30", 100, 0, 0, 70);
	/* Backwards: only one of them can be in order, and it is the largest. */
	expect("0:0:10 0:20:30 0:60:20", "0:60:20 0:20:30 0:0:10", 60, 0, 0, 30);
	/* One that is read elsewhere costs no more than itself. */
	expect("0:0:10 0:10:10 0:20:10 0:30:10 0:40:10",
	       "0:10:10 0:20:10 0:30:10 0:40:10 0:0:10", 50, 0, 0, 40);
	expect("1:0:10 0:0:10", "0:0:10 1:0:10", 20, 0, 0, 10);
	/* The heaviest, not the longest. */
	expect("0:0:100 1:0:1 1:10:1 1:20:1",
	       "1:0:1 1:10:1 1:20:1 0:0:100", 103, 0, 0, 100);
	/* What is only in one of them is not in any order. */
	expect("0:0:100 1:0:7", "0:50:100", 50, 57, 50, 50);
	/* Up to the end of the file. */
	expect("0:990:10", "0:995:5", 5, 5, 0, 5);
}

/* The measure once more, by trying all ways to choose. */
static __u64 slow_ordered(const int *order, int nr)
{
	int chosen, i, most = 0;

	for (chosen = 0; chosen < 1 << nr; chosen++) {
		int last = -1, bytes = 0;

		for (i = 0; i < nr && bytes >= 0; i++) {
			if (!(chosen & 1 << i))
				continue;
			bytes = order[i] > last ? bytes + order[i] + 1 : -1;
			last = order[i];
		}
		if (bytes > most)
			most = bytes;
	}
	return most;
}

static void test_random_orders(void)
{
	enum { NR = 8, ROUNDS = 500 };
	char a[256] = "", b[256];
	struct side side_a = { { a }, 1 }, side_b = { { b }, 1 };
	struct template_diff diff;
	int i, j, k, order[NR], good = 0;

	srand(1);
	for (i = 0; i < NR; i++) {
		order[i] = i;
		sprintf(a + strlen(a), " 0:%d:%d", i * 20, i + 1);
	}
	for (k = 0; k < ROUNDS; k++) {
		b[0] = '\0';
		for (i = NR - 1; i > 0; i--) {
			int swap = order[i];

			j = rand() % (i + 1);
			order[i] = order[j];
			order[j] = swap;
		}
		for (i = 0; i < NR; i++)
			sprintf(b + strlen(b), " 0:%d:%d", order[i] * 20,
				order[i] + 1);
		compare(&side_a, &side_b, &diff);
		good += diff.groups[0].ordered == slow_ordered(order, NR) * UNIT;
		template_diff_free(&diff);
	}
	tap_ok(good == ROUNDS, "%d of %d orders are measured right", good, ROUNDS);
}

static void test_groups(void)
{
	static const struct side a = { { "0:0:100", "1:0:100", "1:500:10" }, 3 };
	static const struct side b = { { "1:0:100 1:500:1", "0:0:100" }, 2 };
	static const struct side c = {
		{ "1:0:100", "0:0:100", "1:500:10" }, 3
	};
	static const struct side d = {
		{ "0:0:10 0:10:10", "0:10:10 0:0:10" }, 2
	};
	static const struct side e = {
		{ "0:10:10 0:0:10", "0:0:10 0:10:10" }, 2
	};
	struct template_diff diff;

	compare(&a, &b, &diff);
	tap_ok(diff.nr_groups == 3 && !diff.same &&
	       diff.groups[0].a == 0 && diff.groups[0].b == 1 &&
	       diff.groups[1].a == 1 && diff.groups[1].b == 0 &&
	       diff.groups[1].only_b == UNIT,
	       "groups are paired by what they share");
	tap_ok(diff.groups[2].a == 2 && diff.groups[2].b == NO_GROUP &&
	       diff.groups[2].only_a == 10 * UNIT && !diff.groups[2].both,
	       "one without a partner stays alone");
	template_diff_free(&diff);
	compare(&b, &a, &diff);
	tap_ok(diff.nr_groups == 3 && diff.groups[2].a == NO_GROUP &&
	       diff.groups[2].b == 2 && diff.groups[2].only_b == 10 * UNIT,
	       "also in the second template");
	template_diff_free(&diff);
	compare(&a, &c, &diff);
	tap_ok(diff.same, "their numbers do not matter");
	template_diff_free(&diff);
	compare(&d, &e, &diff);
	tap_ok(diff.same, "of two that share as much, the one that begins there");
	template_diff_free(&diff);
}

/* Files by name; the group reads 10 units of each file of either. */
static void test_files(void)
{
	struct file_id now[] = {
		{ .path = "y", .size = 1000 * UNIT, .hash = 2 },
		{ .path = "x", .size = 1000 * UNIT, .hash = 1 },
		{ .path = "x", .size = 1000 * UNIT, .hash = 1 },
	};
	static const struct side a = { { "0:0:10 1:0:20" }, 1 };
	static const struct side b = { { "1:0:10 0:0:20" }, 1 };
	struct template_view view_a, view_b;
	struct store_entry entry_a, entry_b;
	struct template_diff diff;

	make(&a, &entry_a, &view_a);
	make(&b, &entry_b, &view_b);
	entry_b.files = now;
	template_compare(&entry_a, &view_a, &entry_b, &view_b, &diff);
	tap_ok(diff.nr_files == 2 && diff.files_moved && !diff.same &&
	       group_pair_same(&diff.groups[0]),
	       "another order of files, and still the same accesses");
	template_diff_free(&diff);

	entry_b.nr_files = 3;
	template_compare(&entry_a, &view_a, &entry_b, &view_b, &diff);
	tap_ok(diff.nr_files == 3 && diff.files[0].b == &now[1] &&
	       !diff.files[2].a && diff.files[2].b == &now[2],
	       "of two files of one name the first is meant");
	template_diff_free(&diff);

	entry_b.nr_files = 2;
	now[0].path = "z";
	template_compare(&entry_a, &view_a, &entry_b, &view_b, &diff);
	tap_ok(diff.nr_files == 3 && !diff.files_moved &&
	       diff.files[0].b == &now[1] && !diff.files[1].b &&
	       !diff.files[2].a && diff.files[2].b == &now[0] &&
	       diff.groups[0].both == 10 * UNIT &&
	       diff.groups[0].only_a == 20 * UNIT &&
	       diff.groups[0].only_b == 20 * UNIT,
	       "files that only one of them has");
	template_diff_free(&diff);

	now[0] = files[0];
	now[1] = files[1];
	now[1].hash++;
	template_compare(&entry_a, &view_a, &entry_b, &view_b, &diff);
	tap_ok(file_pair_same(&diff.files[0]) &&
	       !file_pair_same(&diff.files[1]) && !diff.same,
	       "a changed header");
	template_diff_free(&diff);
	now[1] = files[1];
	now[1].size++;
	template_compare(&entry_a, &view_a, &entry_b, &view_b, &diff);
	tap_ok(!file_pair_same(&diff.files[1]) && !diff.same, "a changed size");
	template_diff_free(&diff);
	free(entry_a.blob);
	free(entry_b.blob);
}

int main(void)
{
	test_order();
	test_random_orders();
	test_groups();
	test_files();
	return tap_end();
}
