// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl template diff": in what two templates differ.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

/* As diff(1) has it. */
#define EXIT_DIFFER		1
#define EXIT_TROUBLE		2

static const char usage_text[] =
"Usage: maioctl template diff [--store DIR] [--json] A B\n"
"\n"
"Tells in what two templates differ: files, groups, and what each group reads in\n"
"which order. A and B are files, or service ids in the store.\n"
"\n"
"  --store DIR      where templates are kept (default: as for 'maioctl run')\n"
"  --json           print JSON\n"
"  -h, --help       this text\n"
"\n"
"Exit status: 0 if they are the same, 1 if they differ, 2 if that cannot be told.\n";

/* Of the bytes in both, the part in the same order; 1 where there are none. */
static double same_order(const struct group_pair *pair)
{
	return pair->both ? (double)pair->ordered / pair->both : 1;
}

static void print_template(const char *name, const struct template *t)
{
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX], when[TIME_TEXT_MAX];
	char *path = text_escape(t->path);

	printf("%s         %s: recorded %s, %s of %s\n", name, path,
	       time_text(t->entry.created, when), bytes_text(t->view.bytes, a),
	       bytes_text(t->entry.model_bytes, b));
	free(path);
}

static void print_file(const struct file_pair *pair)
{
	const struct file_id *a = pair->a, *b = pair->b;
	char *path = text_escape(a ? a->path : b->path);

	if (!a || !b)
		printf("  only in %s  %s, %llu bytes\n", a ? "A" : "B", path,
		       a ? a->size : b->size);
	if (a && b && a->size != b->size)
		printf("  size       %s: %llu bytes in A, %llu in B\n", path,
		       a->size, b->size);
	if (a && b && a->hash != b->hash)
		printf("  header     %s: %016llx in A, %016llx in B\n", path,
		       a->hash, b->hash);
	free(path);
}

static void print_files(const struct template_diff *diff)
{
	size_t i, both = 0, only_a = 0, only_b = 0;

	for (i = 0; i < diff->nr_files; i++) {
		if (!diff->files[i].b)
			only_a++;
		else if (!diff->files[i].a)
			only_b++;
		else
			both++;
	}
	printf("files     %zu in both, %zu only in A, %zu only in B%s\n", both,
	       only_a, only_b,
	       diff->files_moved ? "; not in the same order" : "");
	for (i = 0; i < diff->nr_files; i++)
		print_file(&diff->files[i]);
}

static void print_number(int number)
{
	if (number == NO_GROUP)
		printf("  %4s", "-");
	else
		printf("  %4d", number);
}

static void print_group(const struct group_pair *pair)
{
	char both[BYTES_TEXT_MAX], a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];

	print_number(pair->a);
	print_number(pair->b);
	printf("  %11s  %11s  %11s", bytes_text(pair->both, both),
	       bytes_text(pair->only_a, a), bytes_text(pair->only_b, b));
	/* Rounded down, so that 100 % is all. */
	if (pair->both)
		printf("  %8.1f %%\n", (int)(1000 * same_order(pair)) / 10.0);
	else
		printf("  %10s\n", "-");
}

static void diff_text(const struct template *a, const struct template *b,
		      const struct template_diff *diff)
{
	size_t i;

	print_template("A", a);
	print_template("B", b);
	print_files(diff);
	printf("groups    %u in A, %u in B\n", a->view.nr_groups,
	       b->view.nr_groups);
	printf("  %4s  %4s  %11s  %11s  %11s  %10s\n", "A", "B", "in both",
	       "only in A", "only in B", "same order");
	for (i = 0; i < diff->nr_groups; i++)
		print_group(&diff->groups[i]);
	puts(diff->same ? "the same" : "they differ");
}

static void put_bool(struct json_object *obj, const char *key, bool value)
{
	json_object_object_add(obj, key, json_object_new_boolean(value));
}

static struct json_object *template_json(const struct template *t)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "path", t->path);
	json_put_text(obj, "service", t->entry.service);
	json_put_u64(obj, "created", t->entry.created);
	json_put_u64(obj, "model_bytes", t->entry.model_bytes);
	json_put_u64(obj, "covered_bytes", t->view.bytes);
	json_put_u64(obj, "groups", t->view.nr_groups);
	return obj;
}

static struct json_object *file_json(const struct file_id *id)
{
	struct json_object *obj;
	char hash[17];

	if (!id)
		return NULL;
	obj = json_object_new_object();
	snprintf(hash, sizeof(hash), "%016llx", id->hash);
	json_put_u64(obj, "size", id->size);
	json_put_text(obj, "header_hash", hash);
	return obj;
}

static struct json_object *files_json(const struct template_diff *diff)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < diff->nr_files; i++) {
		const struct file_pair *pair = &diff->files[i];
		struct json_object *obj = json_object_new_object();

		json_put_text(obj, "path", pair->a ? pair->a->path :
						     pair->b->path);
		put_bool(obj, "same", file_pair_same(pair));
		json_object_object_add(obj, "a", file_json(pair->a));
		json_object_object_add(obj, "b", file_json(pair->b));
		json_object_array_add(array, obj);
	}
	return array;
}

static struct json_object *number_json(int number)
{
	return number == NO_GROUP ? NULL : json_object_new_int(number);
}

static struct json_object *groups_json(const struct template_diff *diff)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < diff->nr_groups; i++) {
		const struct group_pair *pair = &diff->groups[i];
		struct json_object *obj = json_object_new_object();

		json_object_object_add(obj, "a", number_json(pair->a));
		json_object_object_add(obj, "b", number_json(pair->b));
		put_bool(obj, "same", group_pair_same(pair));
		json_put_u64(obj, "both_bytes", pair->both);
		json_put_u64(obj, "only_a_bytes", pair->only_a);
		json_put_u64(obj, "only_b_bytes", pair->only_b);
		json_put_u64(obj, "ordered_bytes", pair->ordered);
		json_object_object_add(obj, "same_order", !pair->both ? NULL :
			json_object_new_double(same_order(pair)));
		json_object_array_add(array, obj);
	}
	return array;
}

static int diff_json(const struct template *a, const struct template *b,
		     const struct template_diff *diff, struct why *why)
{
	struct json_object *obj = json_object_new_object();

	put_bool(obj, "same", diff->same);
	json_object_object_add(obj, "a", template_json(a));
	json_object_object_add(obj, "b", template_json(b));
	put_bool(obj, "files_in_same_order", !diff->files_moved);
	json_object_object_add(obj, "files", files_json(diff));
	json_object_object_add(obj, "groups", groups_json(diff));
	return json_write(obj, stdout, why);
}

/* Return: the exit status. */
static int compare(const struct template *a, const struct template *b,
		   bool json)
{
	struct template_diff diff;
	struct why why;
	int ret = 0;

	template_compare(&a->entry, &a->view, &b->entry, &b->view, &diff);
	if (json)
		ret = diff_json(a, b, &diff, &why);
	else
		diff_text(a, b, &diff);
	if (!ret)
		ret = output_flush(&why);
	if (ret) {
		complain("%s", why.text);
		ret = EXIT_TROUBLE;
	} else if (!diff.same) {
		ret = EXIT_DIFFER;
	}
	template_diff_free(&diff);
	return ret;
}

static int diff_load(char **args, const char *store, bool json)
{
	struct template a, b;
	struct why why;
	int ret;

	if (template_load(args[0], store, &a, &why)) {
		complain("%s", why.text);
		return EXIT_TROUBLE;
	}
	if (template_load(args[1], store, &b, &why)) {
		complain("%s", why.text);
		template_free(&a);
		return EXIT_TROUBLE;
	}
	ret = compare(&a, &b, json);
	template_free(&a);
	template_free(&b);
	return ret;
}

int cmd_template_diff(int argc, char **argv)
{
	const char *store = NULL;
	bool json = false;
	const struct option_arg options[] = {
		{ "store", .value = &store },
		{ "json", .flag = &json },
		{ }
	};
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 2, 2);
	if (ret)
		return ret < 0 ? EXIT_TROUBLE : EXIT_SUCCESS;
	return diff_load(argv + optind, store, json);
}
