// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl stat": what the kernel can do, and what goes on.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

#define POLICIES_PATH		"/sys/kernel/mm/ppc/policies"

static const char usage_text[] =
"Usage: maioctl stat [--json]\n"
"\n"
"Shows what page cache policies can do on this kernel, which there are, and the\n"
"attachments of every process you may look at.\n"
"\n"
"  --json           print JSON, with every counter\n"
"  -h, --help       this text\n";

/* The policies, one in a line; empty if there is none or no such file. */
static char *read_policies(void)
{
	FILE *in = fopen(POLICIES_PATH, "re");
	char buf[4097];
	size_t n;

	if (!in)
		return xstrdup("");
	n = fread(buf, 1, sizeof(buf) - 1, in);
	fclose(in);
	buf[n] = '\0';
	return xstrdup(buf);
}

static struct json_object *policies_json(char *policies)
{
	struct json_object *array = json_object_new_array();
	char *name, *save = NULL;

	for (name = strtok_r(policies, " \t\n", &save); name;
	     name = strtok_r(NULL, " \t\n", &save)) {
		char *escaped = text_escape(name);

		json_object_array_add(array, json_object_new_string(escaped));
		free(escaped);
	}
	return array;
}

static struct json_object *features_json(const struct ppc_features *f)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "abi_version", f->abi_version);
	json_object_object_add(obj, "enabled", json_object_new_boolean(f->enabled));
	json_put_u64(obj, "attach_flags", f->attach_flags);
	json_put_u64(obj, "stride", f->stride);
	json_put_u64(obj, "max_files", f->max_files);
	json_put_u64(obj, "max_attachments", f->max_attachments);
	json_put_u64(obj, "default_budget", f->default_budget);
	return obj;
}

/* A number, several numbers (one a node), or text. */
static struct json_object *value_json(const char *value)
{
	struct json_object *array = json_object_new_array();
	struct json_object *only;
	const char *p = value;
	char *escaped;
	__u64 number;

	while (!decimal_parse(&p, &number)) {
		json_object_array_add(array, json_object_new_uint64(number));
		p += strspn(p, " \t");
		if (*p)
			continue;
		if (json_object_array_length(array) > 1)
			return array;
		json_object_put(array);
		return json_object_new_uint64(number);
	}
	json_object_put(array);
	escaped = text_escape(value);
	only = json_object_new_string(escaped);
	free(escaped);
	return only;
}

static struct json_object *attachments_json(const struct attachment *list,
					    size_t nr)
{
	struct json_object *array = json_object_new_array();
	size_t i, j;

	for (i = 0; i < nr; i++) {
		struct json_object *obj = json_object_new_object();

		json_put_u64(obj, "pid", list[i].pid);
		json_put_text(obj, "comm", list[i].comm);
		json_put_u64(obj, "fd", list[i].fd);
		for (j = 0; j < list[i].nr_lines; j++)
			json_object_object_add(obj, list[i].lines[j].key,
					       value_json(list[i].lines[j].value));
		json_object_array_add(array, obj);
	}
	return array;
}

static void print_features(const struct ppc_features *f)
{
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX];

	printf("kernel       ABI %u, %s, stride %s, default budget %s\n",
	       f->abi_version, f->enabled ? "enabled" : "switched off",
	       bytes_text(f->stride, a), bytes_text(f->default_budget, b));
	printf("limits       %u files an attachment, %u attachments a file\n",
	       f->max_files, f->max_attachments);
}

static void print_attachment(const struct attachment *a)
{
	static const char *const keys[] = {
		"prefetched_bytes", "useful_bytes", "late_bytes",
		"wasted_bytes", "burned_bytes", "refaulted_bytes",
	};
	const char *policy = attachment_get(a, "policy");
	const char *files = attachment_get(a, "files");
	char *comm = text_escape(a->comm);
	char buf[BYTES_TEXT_MAX];
	size_t i;

	printf("%7d %-15s %3d %-15s %5s", a->pid, comm, a->fd,
	       policy ? policy : "?", files ? files : "?");
	free(comm);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = attachment_get(a, keys[i]);
		__u64 bytes;

		if (value && !decimal_parse(&value, &bytes) && !*value)
			printf(" %11s", bytes_text(bytes, buf));
		else
			printf(" %11s", "?");
	}
	putchar('\n');
	files = attachment_get(a, "fallbacks");
	if (files && strcmp(files, "0"))
		printf("        gave up %s time(s): more harm than good\n", files);
}

static void print_attachments(const struct attachment *list, size_t nr,
			      size_t unreadable)
{
	size_t i;

	printf("attachments  %zu", nr);
	if (unreadable)
		printf(" (%zu processes are not yours to look at)", unreadable);
	putchar('\n');
	if (nr)
		printf("%7s %-15s %3s %-15s %5s %11s %11s %11s %11s %11s %11s\n",
		       "pid", "command", "fd", "policy", "files", "prefetched",
		       "useful", "late", "wasted", "burned", "refaulted");
	for (i = 0; i < nr; i++)
		print_attachment(&list[i]);
}

static int show(bool json)
{
	struct ppc_features features;
	struct attachment *list;
	size_t nr, unreadable;
	struct why why, device_why;
	char *policies;
	int dev, ret = 0;

	dev = ppc_open(&features, &device_why);
	if (dev >= 0)
		close(dev);
	policies = read_policies();
	list = attachments_find(&nr, &unreadable);
	if (json) {
		struct json_object *obj = json_object_new_object();

		json_object_object_add(obj, "features", dev < 0 ? NULL :
				       features_json(&features));
		if (dev < 0)
			json_put_text(obj, "reason", device_why.text);
		json_object_object_add(obj, "policies", policies_json(policies));
		json_object_object_add(obj, "attachments",
				       attachments_json(list, nr));
		json_put_u64(obj, "unreadable_processes", unreadable);
		ret = json_write(obj, stdout, &why);
	} else if (dev >= 0) {
		char *p;

		for (p = policies; *p; p++) {
			if (*p == '\n')
				*p = ' ';
		}
		print_features(&features);
		printf("policies     %s\n", *policies ? policies : "none");
		print_attachments(list, nr, unreadable);
	}
	if (!ret)
		ret = output_flush(&why);
	if (ret)
		complain("%s", why.text);
	if (dev < 0 && !json)
		complain("%s", device_why.text);
	attachments_free(list, nr);
	free(policies);
	return ret || dev < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_stat(int argc, char **argv)
{
	bool json = false;
	const struct option_arg options[] = {
		{ "json", .flag = &json },
		{ }
	};
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, 0);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	return show(json);
}
