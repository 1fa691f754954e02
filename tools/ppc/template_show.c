// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl template show": what is in one template.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

static const char usage_text[] =
"Usage: maioctl template show [OPTIONS] FILE|SERVICE\n"
"\n"
"Shows a recorded template: the files it is for, and what each worker read of\n"
"them in which order. It is named by its file, or by its service id in the store.\n"
"\n"
"  --store DIR      where templates are kept (default: as for 'maioctl run')\n"
"  --plot FILE      draw the order of access into FILE, as SVG; '-' is standard\n"
"                   output, and nothing else is printed then\n"
"  --json           print JSON, with every extent\n"
"  -h, --help       this text\n";

static struct json_object *files_json(const struct store_entry *entry)
{
	struct json_object *array = json_object_new_array();
	char hash[17];
	size_t i;

	for (i = 0; i < entry->nr_files; i++) {
		const struct file_id *id = &entry->files[i];
		struct json_object *obj = json_object_new_object();

		snprintf(hash, sizeof(hash), "%016llx", id->hash);
		json_put_text(obj, "path", id->path);
		json_put_u64(obj, "size", id->size);
		json_put_text(obj, "header_hash", hash);
		json_put_u64(obj, "mtime", id->mtime);
		json_object_array_add(array, obj);
	}
	return array;
}

static void array_put_u64(struct json_object *array, __u64 value)
{
	json_object_array_add(array, json_object_new_uint64(value));
}

/* Per group, [file, offset, length] in bytes, in the order of first access. */
static struct json_object *groups_json(const struct template_view *view)
{
	struct json_object *array = json_object_new_array();
	__u32 group, i = 0, end = 0;

	for (group = 0; group < view->nr_groups; group++) {
		struct json_object *extents = json_object_new_array();

		for (end += le32toh(view->groups[group].nr_extents); i < end; i++) {
			const struct maio_template_extent *e = &view->extents[i];
			struct json_object *triple = json_object_new_array();
			__u64 start = le32toh(e->start), count = le32toh(e->count);

			array_put_u64(triple, le32toh(e->file));
			array_put_u64(triple, start << MAIO_EXTENT_SHIFT);
			array_put_u64(triple, count << MAIO_EXTENT_SHIFT);
			json_object_array_add(extents, triple);
		}
		json_object_array_add(array, extents);
	}
	return array;
}

static int show_json(const struct store_entry *entry,
		     const struct template_view *view, struct why *why)
{
	struct json_object *obj = json_object_new_object();

	json_put_text(obj, "service", entry->service);
	json_put_u64(obj, "created", entry->created);
	json_put_u64(obj, "model_bytes", entry->model_bytes);
	json_put_u64(obj, "resident_bytes", entry->resident_bytes);
	json_object_object_add(obj, "coverage",
			       json_object_new_double(store_coverage(entry)));
	json_put_u64(obj, "kernel_template_bytes", entry->blob_len);
	json_put_u64(obj, "covered_bytes", view->bytes);
	json_object_object_add(obj, "files", files_json(entry));
	json_object_object_add(obj, "groups", groups_json(view));
	return json_write(obj, stdout, why);
}

static void show_text(const struct store_entry *entry,
		      const struct template_view *view)
{
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX], when[TIME_TEXT_MAX];
	size_t i;

	printf("service   %s\n", entry->service);
	printf("recorded  %s, with %.1f %% of the model uncached\n",
	       time_text(entry->created, when),
	       100 * store_coverage(entry));
	printf("covers    %s of %s, in %u extents (%s)\n",
	       bytes_text(view->bytes, a), bytes_text(entry->model_bytes, b),
	       view->nr_extents, bytes_text(entry->blob_len, when));
	printf("files     %zu\n", entry->nr_files);
	for (i = 0; i < entry->nr_files; i++) {
		char *path = text_escape(entry->files[i].path);

		printf("  %4zu  %11s  %016llx  %s\n", i,
		       bytes_text(entry->files[i].size, a), entry->files[i].hash,
		       path);
		free(path);
	}
	printf("groups    %u\n", view->nr_groups);
	for (i = 0; i < view->nr_groups; i++)
		printf("  %4zu  %u extents\n", i,
		       le32toh(view->groups[i].nr_extents));
}

/* Draw it; "-" is standard output. */
static int plot(const struct template *t, const char *path, struct why *why)
{
	FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int ret = 0;

	if (!out)
		return why_set(why, "%s: cannot write: %s", path,
			       strerror(errno));
	template_plot(&t->entry, &t->view, out);
	if (fflush(out) || ferror(out))
		ret = why_set(why, "%s: cannot write: %s", path,
			      strerror(errno));
	if (out != stdout && fclose(out) && !ret)
		ret = why_set(why, "%s: cannot write: %s", path,
			      strerror(errno));
	return ret;
}

static int show(const char *arg, const char *store, const char *plot_path,
		bool json)
{
	struct template t;
	struct why why;
	int ret;

	if (template_load(arg, store, &t, &why)) {
		complain("%s", why.text);
		return EXIT_FAILURE;
	}
	ret = plot_path ? plot(&t, plot_path, &why) : 0;
	if (!ret && json)
		ret = show_json(&t.entry, &t.view, &why);
	else if (!ret && !(plot_path && !strcmp(plot_path, "-")))
		show_text(&t.entry, &t.view);
	if (!ret)
		ret = output_flush(&why);
	if (ret)
		complain("%s", why.text);
	template_free(&t);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_template_show(int argc, char **argv)
{
	const char *store = NULL, *plot_path = NULL;
	bool json = false;
	const struct option_arg options[] = {
		{ "store", .value = &store },
		{ "plot", .value = &plot_path },
		{ "json", .flag = &json },
		{ }
	};
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 1, 1);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (json && plot_path && !strcmp(plot_path, "-")) {
		complain("--json and --plot - exclude each other");
		return EXIT_FAILURE;
	}
	return show(argv[optind], store, plot_path, json);
}
