// SPDX-License-Identifier: GPL-2.0
/*
 * The index of a model in several safetensors files: which of the files in its
 * directory belong to the model. There may be others, as a second copy for
 * another loader has; and several indices, each for a part of the model.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

#define INDEX_SUFFIX		".safetensors.index.json"

/* Several times what the index of the largest models has. */
#define INDEX_MAX		(64UL << 20)

bool model_index_name(const char *name)
{
	return name[0] != '.' && name_has_suffix(name, INDEX_SUFFIX);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(char *const *names, size_t nr, const char *name)
{
	return nr && bsearch(&name, names, nr, sizeof(*names), by_name);
}

static void add_name(struct model_index *index, const char *name)
{
	size_t at = index->nr;

	index->names = xrealloc(index->names, index->nr + 1,
				sizeof(*index->names));
	for (; at && strcmp(index->names[at - 1], name) > 0; at--)
		index->names[at] = index->names[at - 1];
	index->names[at] = xstrdup(name);
	index->nr++;
}

static int take_tensor(struct json_text *text, struct json_object *name,
		       void *arg, struct why *why)
{
	struct model_index *index = arg;
	struct json_object *value;
	const char *file;

	(void)name;
	value = json_text_value(text, json_type_string, why);
	if (!value)
		return -1;
	file = json_object_get_string(value);
	if (!has(index->names, index->nr, file))
		add_name(index, file);
	json_object_put(value);
	if (index->nr > MAIO_MAX_FILES)
		return why_set(why, "more than %d files", MAIO_MAX_FILES);
	return 0;
}

static int take_part(struct json_text *text, struct json_object *name,
		     void *arg, struct why *why)
{
	struct model_index *index = arg;

	if (strcmp(json_object_get_string(name), "weight_map"))
		return json_text_skip(text, why);
	if (index->mapped)
		return json_text_refuse(text, "a second weight_map", why);
	index->mapped = true;
	return json_text_object(text, take_tensor, index, why);
}

/**
 * model_index_parse - find the names of a model's files in its index
 * @data: the index
 * @len: its length
 * @index: filled in; to be given to model_index_free() also after a failure
 * @why: what is wrong
 *
 * Return: 0 or -1.
 */
int model_index_parse(const char *data, size_t len, struct model_index *index,
		      struct why *why)
{
	struct json_text text;
	int ret;

	memset(index, 0, sizeof(*index));
	json_text_init(&text, data, len, "it is", 0);
	ret = json_text_object(&text, take_part, index, why);
	if (!ret)
		ret = json_text_end(&text, why);
	json_text_free(&text);
	if (!ret && !index->nr)
		ret = why_set(why, "it names no file");
	return ret;
}

void model_index_free(struct model_index *index)
{
	size_t i;

	for (i = 0; i < index->nr; i++)
		free(index->names[i]);
	free(index->names);
}

/* Return: 0 or -1. */
static int index_read(int dir, const char *name, struct model_index *index,
		      struct why *why)
{
	size_t done = 0, len;
	char *data = NULL;
	struct stat st;
	ssize_t n = 1;
	int fd, ret = -1;

	memset(index, 0, sizeof(*index));
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		why_set(why, "cannot read: %s", strerror(errno));
		goto out;
	}
	len = st.st_size;
	if (!S_ISREG(st.st_mode) || len > INDEX_MAX) {
		why_set(why, S_ISREG(st.st_mode) ? "larger than any may be" :
						   "not a regular file");
		goto out;
	}
	data = xalloc(len, 1);
	while (done < len && n) {
		n = read(fd, data + done, len - done);
		if (n < 0 && errno != EINTR) {
			why_set(why, "cannot read: %s", strerror(errno));
			goto out;
		}
		done += n > 0 ? n : 0;
	}
	ret = model_index_parse(data, done, index, why);
out:
	free(data);
	if (fd >= 0)
		close(fd);
	if (ret)
		model_index_free(index);
	return ret;
}

/* Mark those of @names that an index names. */
static int mark_named(int dir, const char *index_name, char *const *names, size_t nr,
		      bool *named, struct why *why)
{
	struct model_index index;
	struct why what;
	size_t i;
	int ret;

	ret = index_read(dir, index_name, &index, &what);
	if (ret)
		return why_set(why, "%s: %s; all files are taken", index_name, what.text);
	for (i = 0; i < index.nr && !ret; i++) {
		if (!has(names, nr, index.names[i]))
			ret = why_set(why, "%s: '%.100s' is missing; all files are taken",
				      index_name, index.names[i]);
	}
	for (i = 0; i < nr && !ret; i++)
		named[i] = named[i] || has(index.names, index.nr, names[i]);
	model_index_free(&index);
	return ret;
}

/* What no index names to the end, all else in the order that it has. */
static size_t put_aside(char **names, size_t nr, const bool *named)
{
	char **rest = xalloc(nr, sizeof(*rest));
	size_t i, left = 0, nr_rest = 0;

	for (i = 0; i < nr; i++) {
		if (named[i] || !name_has_suffix(names[i], ".safetensors"))
			names[left++] = names[i];
		else
			rest[nr_rest++] = names[i];
	}
	memcpy(names + left, rest, nr_rest * sizeof(*rest));
	free(rest);
	return left;
}

/**
 * model_index_sort - find what a directory's indices name
 * @dir: the directory
 * @names: names of its model files, sorted; safetensors files that no index
 *	names are moved to the end
 * @nr: how many
 * @why: set to why none were moved, if it is odd
 *
 * Return: how many are left before those at the end.
 */
size_t model_index_sort(DIR *dir, char **names, size_t nr, struct why *why)
{
	bool *named = xalloc(nr, sizeof(*named));
	bool some = false;
	struct dirent *de;
	int ret = 0;

	rewinddir(dir);
	while (!ret && (de = readdir(dir))) {
		if (!model_index_name(de->d_name))
			continue;
		ret = mark_named(dirfd(dir), de->d_name, names, nr, named, why);
		some = true;
	}
	if (some && !ret)
		nr = put_aside(names, nr, named);
	free(named);
	return nr;
}
