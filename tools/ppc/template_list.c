// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl template list": which templates are in the store, and whether each
 * is sound.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "maioctl.h"

static const char usage_text[] =
"Usage: maioctl template list [--store DIR] [--json]\n"
"\n"
"Lists the templates in the store by name. A file that cannot be used is listed\n"
"with the reason, and the exit status is 1 then.\n"
"\n"
"  --store DIR      where templates are kept (default: as for 'maioctl run')\n"
"  --json           print JSON\n"
"  -h, --help       this text\n";

/* The width of the first column: no service id is wider than its heading then. */
static int name_width(const struct store_list *list)
{
	size_t i, len, width = strlen("service");

	for (i = 0; i < list->nr; i++) {
		if (!list->files[i].service)
			continue;
		len = strlen(list->files[i].service);
		if (len > width && len <= SERVICE_MAX)
			width = len;
	}
	return (int)width;
}

static void print_heading(int width)
{
	printf("%-*s  %-25s  %-25s %11s %11s %6s %6s %8s %11s  %s\n", width,
	       "service", "recorded", "used", "model", "covered", "files", "groups", "extents",
	       "template", "state");
}

static void print_sound(int width, const struct store_file *file,
			const struct store_entry *entry,
			const struct template_view *view)
{
	char model[BYTES_TEXT_MAX], covered[BYTES_TEXT_MAX];
	char size[BYTES_TEXT_MAX], when[TIME_TEXT_MAX], used[TIME_TEXT_MAX];

	printf("%-*s  %-25s  %-25s %11s %11s %6zu %6u %8u %11s  sound\n", width,
	       file->service, time_text(entry->created, when),
	       time_text(entry->used, used),
	       bytes_text(entry->model_bytes, model),
	       bytes_text(view->bytes, covered), entry->nr_files,
	       view->nr_groups, view->nr_extents,
	       bytes_text(file->st.st_size, size));
}

static void print_unsound(int width, const struct store_file *file,
			  const char *reason)
{
	char *name = text_escape(file->service);
	char size[BYTES_TEXT_MAX];

	printf("%-*s  %-25s  %-25s %11s %11s %6s %6s %8s %11s  %s\n", width,
	       name, "-", "-", "-", "-", "-", "-", "-",
	       bytes_text(file->st.st_size, size), reason);
	free(name);
}

static struct json_object *file_json(const struct store_file *file, bool sound)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "service", file->service);
	json_put_u64(obj, "file_bytes", file->st.st_size);
	json_object_object_add(obj, "sound", json_object_new_boolean(sound));
	return obj;
}

static struct json_object *sound_json(const struct store_file *file,
				      const struct store_entry *entry,
				      const struct template_view *view)
{
	struct json_object *obj = file_json(file, true);

	json_put_u64(obj, "created", entry->created);
	json_put_u64(obj, "used", entry->used);
	json_put_u64(obj, "model_bytes", entry->model_bytes);
	json_put_u64(obj, "covered_bytes", view->bytes);
	json_object_object_add(obj, "coverage",
			       json_object_new_double(store_coverage(entry)));
	json_put_u64(obj, "files", entry->nr_files);
	json_put_u64(obj, "groups", view->nr_groups);
	json_put_u64(obj, "extents", view->nr_extents);
	json_put_u64(obj, "kernel_template_bytes", entry->blob_len);
	return obj;
}

static struct json_object *unsound_json(const struct store_file *file,
					const char *reason)
{
	struct json_object *obj = file_json(file, false);

	json_put_text(obj, "reason", reason);
	return obj;
}

/* Return: whether it is sound, or gone meanwhile. */
static bool list_one(const struct store_list *list,
		     const struct store_file *file, int width,
		     struct json_object *array)
{
	struct template_view view;
	struct store_entry entry;
	struct why why;
	int ret;

	ret = store_list_load(list, file, &entry, &why);
	if (ret > 0)
		return true;
	if (!ret) {
		ret = template_check(entry.blob, entry.blob_len, &view, &why);
		if (!ret && array)
			json_object_array_add(array, sound_json(file, &entry,
								&view));
		else if (!ret)
			print_sound(width, file, &entry, &view);
		store_entry_free(&entry);
	}
	if (ret && array)
		json_object_array_add(array, unsound_json(file, why.text));
	else if (ret)
		print_unsound(width, file, why.text);
	return !ret;
}

/* Return: how many are not sound. */
static size_t list_all(const struct store_list *list, const char *dir,
		       struct json_object *array)
{
	size_t i, nr = 0, unsound = 0;
	int width = name_width(list);

	for (i = 0; i < list->nr; i++) {
		const struct store_file *file = &list->files[i];

		if (!file->service)
			continue;
		if (!nr++ && !array)
			print_heading(width);
		if (!list_one(list, file, width, array))
			unsound++;
	}
	if (!nr && !array)
		printf("no templates in %s\n", dir);
	return unsound;
}

static int list_store(const char *store, bool json)
{
	struct json_object *array = NULL;
	struct store_list list;
	size_t unsound = 0;
	struct why why;
	int ret = -1;
	char *dir;

	dir = template_store(store, &why);
	if (!dir || store_list(dir, &list, &why))
		goto out;
	if (json)
		array = json_object_new_array();
	unsound = list_all(&list, dir, array);
	store_list_free(&list);
	ret = array ? json_write(array, stdout, &why) : 0;
	if (!ret)
		ret = output_flush(&why);
out:
	if (ret)
		complain("%s", why.text);
	free(dir);
	return ret || unsound ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_template_list(int argc, char **argv)
{
	const char *store = NULL;
	bool json = false;
	const struct option_arg options[] = {
		{ "store", .value = &store },
		{ "json", .flag = &json },
		{ }
	};
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, 0);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	return list_store(store, json);
}
