// SPDX-License-Identifier: GPL-2.0
/*
 * MODEL arguments: which files they mean, and what identifies each file.
 *
 * A model is a file, or a directory with *.safetensors or *.gguf files, of which
 * an index may name some. Hub
 * caches are farms of symbolic links to blobs, so links are followed, the name
 * counts and not where it leads, and what is linked twice is taken once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"

/* So many headers are read at a time: 16 MiB of them. */
#define HEADERS_AT_ONCE		256

static bool is_model_name(const char *name)
{
	return name[0] != '.' && (name_has_suffix(name, ".safetensors") ||
				  name_has_suffix(name, ".gguf"));
}

/* Weights in formats that are not looked into. */
static bool is_opaque_name(const char *name)
{
	return name[0] != '.' && (name_has_suffix(name, ".bin") ||
				  name_has_suffix(name, ".pth") ||
				  name_has_suffix(name, ".npz"));
}

struct inode_id {
	dev_t dev;
	ino_t ino;
};

static int compare_inodes(const void *a, const void *b)
{
	const struct inode_id *l = a, *r = b;

	if (l->dev != r->dev)
		return l->dev < r->dev ? -1 : 1;
	return l->ino < r->ino ? -1 : l->ino > r->ino;
}

static bool already_open(struct model *model, const struct stat *st)
{
	struct inode_id *id = xalloc(1, sizeof(*id)), **found;

	id->dev = st->st_dev;
	id->ino = st->st_ino;
	found = alloc_or_die(tsearch(id, &model->inodes, compare_inodes));
	if (*found == id)
		return false;
	free(id);
	return true;
}

static int add_file(void *data, int dir, const char *name, const char *shown,
		    struct why *why)
{
	struct model *model = data;
	struct file_id *id;
	struct stat st;
	char *copy;
	int fd;

	/* O_NONBLOCK: whatever has taken the name, opening it must not hang. */
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return why_set(why, "%s: cannot open: %s", shown, strerror(errno));
	if (fstat(fd, &st)) {
		why_set(why, "%s: cannot stat: %s", shown, strerror(errno));
		goto close;
	}
	if (!S_ISREG(st.st_mode)) {
		why_set(why, "%s: neither a regular file nor a directory", shown);
		goto close;
	}
	if (already_open(model, &st)) {
		close(fd);
		return 0;
	}
	if (model->nr == MAIO_MAX_FILES) {
		why_set(why, "more than %d files", MAIO_MAX_FILES);
		goto close;
	}

	model->files = xrealloc(model->files, model->nr + 1, sizeof(*id));
	model->fds = xrealloc(model->fds, model->nr + 1, sizeof(fd));
	id = &model->files[model->nr];
	copy = xstrdup(name);
	id->path = xstrdup(basename(copy));
	free(copy);
	id->size = st.st_size;
	id->mtime = st.st_mtime > 0 ? st.st_mtime : 0;
	id->hash = 0;
	model->fds[model->nr++] = fd;
	model->bytes += id->size;
	return 0;

close:
	close(fd);
	return -1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef bool (*is_wanted_t)(const char *name);

/* The wanted files in a directory; what is found is for the caller to free. */
static int list_names(DIR *dir, const char *path, is_wanted_t is_wanted,
		      char ***names, size_t *nr, struct why *why)
{
	struct dirent *de;
	struct stat st;

	while (errno = 0, (de = readdir(dir))) {
		if (!is_wanted(de->d_name))
			continue;
		/* A link that leads nowhere is an error; a folder is not. */
		if (!fstatat(dirfd(dir), de->d_name, &st, 0) &&
		    !S_ISREG(st.st_mode))
			continue;
		*names = xrealloc(*names, *nr + 1, sizeof(**names));
		(*names)[(*nr)++] = xstrdup(de->d_name);
	}
	if (errno)
		return why_set(why, "%s: cannot read: %s", path, strerror(errno));
	return 0;
}

/* Or, if there is none, weights in other formats. */
static int list_dir(DIR *dir, const char *path, is_wanted_t is_wanted,
		    char ***names, size_t *nr, struct why *why)
{
	if (list_names(dir, path, is_wanted, names, nr, why))
		return -1;
	if (!*nr) {
		rewinddir(dir);
		if (list_names(dir, path, is_opaque_name, names, nr, why))
			return -1;
	}
	if (!*nr)
		return why_set(why, "%s: no *.safetensors, *.gguf, *.bin, *.pth or *.npz file in it",
			       path);
	qsort(*names, *nr, sizeof(**names), compare_names);
	return 0;
}

typedef int (*each_file_t)(void *data, int dir, const char *name,
			   const char *shown, struct why *why);

/* @note is set to what is odd about the index; NULL: all files are walked. */
static int walk_dir(const char *path, is_wanted_t is_wanted, each_file_t each,
		    void *data, struct why *note, struct why *why)
{
	char **names = NULL;
	size_t i, nr = 0;
	DIR *dir;
	int ret;

	dir = opendir(path);
	if (!dir)
		return why_set(why, "%s: cannot open: %s", path, strerror(errno));
	ret = list_dir(dir, path, is_wanted, &names, &nr, why);
	if (!ret && note)
		model_index_filter(dirfd(dir), names, &nr, note);
	for (i = 0; i < nr && !ret; i++) {
		char *shown = xasprintf("%s/%s", path, names[i]);

		ret = each(data, dirfd(dir), names[i], shown, why);
		free(shown);
	}
	for (i = 0; i < nr; i++)
		free(names[i]);
	free(names);
	closedir(dir);
	return ret;
}

/* Hash the headers of files @first to @end, all of which are asked for first. */
static int hash_headers(struct model *model, size_t first, size_t end,
			struct why *why)
{
	bool asked[HEADERS_AT_ONCE];
	size_t i;

	for (i = first; i < end; i++)
		asked[i - first] = model_header_ask(model->fds[i]);
	for (i = first; i < end; i++) {
		struct file_id *id = &model->files[i];

		if (model_header_hash(model->fds[i], id->path, id->size,
				      asked[i - first], &id->hash, why))
			return -1;
	}
	return 0;
}

/* In a hub cache, models--org--name/snapshots/<commit>, the commit says little. */
static char *dir_name(const char *path)
{
	char *real = realpath(path, NULL);
	char *name, *parent, *result;

	if (!real)
		return xstrdup("model");
	name = strrchr(real, '/');
	*name++ = '\0';
	parent = strrchr(real, '/');
	if (parent && !strcmp(parent, "/snapshots")) {
		*parent = '\0';
		parent = strrchr(real, '/');
		if (parent)
			name = parent + 1;
	}
	result = xstrdup(*name ? name : "model");
	free(real);
	return result;
}

/**
 * model_open - open the files that the MODEL arguments mean
 * @model: filled in; to be given to model_close() also after a failure
 * @nr_args: how many arguments
 * @args: files and directories
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int model_open(struct model *model, int nr_args, char **args, struct why *why)
{
	struct stat st;
	size_t at, end;
	char *copy;
	int i, ret;

	memset(model, 0, sizeof(*model));
	for (i = 0; i < nr_args; i++) {
		if (stat(args[i], &st))
			return why_set(why, "%s: %s", args[i], strerror(errno));
		if (!i && S_ISDIR(st.st_mode)) {
			model->name = dir_name(args[i]);
		} else if (!i) {
			copy = xstrdup(args[i]);
			model->name = xstrdup(basename(copy));
			free(copy);
		}
		ret = S_ISDIR(st.st_mode) ?
			walk_dir(args[i], is_model_name, add_file, model,
				 &model->note, why) :
			add_file(model, AT_FDCWD, args[i], args[i], why);
		if (ret)
			return -1;
	}
	for (at = 0; at < model->nr; at = end) {
		end = model->nr - at > HEADERS_AT_ONCE ? at + HEADERS_AT_ONCE :
							 model->nr;
		if (hash_headers(model, at, end, why))
			return -1;
	}
	return 0;
}

static bool is_stamped_name(const char *name)
{
	return is_model_name(name) || is_opaque_name(name) || model_index_name(name);
}

static int stamp_file(void *data, int dir, const char *name, const char *shown,
		      struct why *why)
{
	__u64 *stamp = data;
	struct stat st;
	__u64 facts[5];

	if (fstatat(dir, name, &st, 0))
		return why_set(why, "%s: %s", shown, strerror(errno));
	facts[0] = st.st_dev;
	facts[1] = st.st_ino;
	facts[2] = st.st_size;
	facts[3] = st.st_mtim.tv_sec;
	facts[4] = st.st_mtim.tv_nsec;
	*stamp = hash_more(*stamp, name, strlen(name) + 1);
	*stamp = hash_more(*stamp, facts, sizeof(facts));
	return 0;
}

/**
 * model_stamp - tell whether MODEL arguments still mean what they meant
 * @nr_args: how many arguments
 * @args: files and directories
 * @stamp: another one once a file was added, removed, replaced or written to
 * @why: what is missing
 *
 * Nothing is opened but the directories.
 *
 * Return: 0 or -1.
 */
int model_stamp(int nr_args, char **args, __u64 *stamp, struct why *why)
{
	struct stat st;
	int i, ret;

	*stamp = HASH_INIT;
	for (i = 0; i < nr_args; i++) {
		if (stat(args[i], &st))
			return why_set(why, "%s: %s", args[i], strerror(errno));
		ret = S_ISDIR(st.st_mode) ?
			walk_dir(args[i], is_stamped_name, stamp_file, stamp,
				 NULL, why) :
			stamp_file(stamp, AT_FDCWD, args[i], args[i], why);
		if (ret)
			return -1;
	}
	return 0;
}

/* Return: 0 while every file has the size and time it was opened with. */
int model_unchanged(const struct model *model, struct why *why)
{
	struct stat st;
	size_t i;

	for (i = 0; i < model->nr; i++) {
		const struct file_id *id = &model->files[i];

		if (fstat(model->fds[i], &st))
			return why_set(why, "%s: cannot stat: %s", id->path,
				       strerror(errno));
		if ((__u64)st.st_size != id->size ||
		    (__u64)(st.st_mtime > 0 ? st.st_mtime : 0) != id->mtime)
			return why_set(why, "%s changed meanwhile", id->path);
	}
	return 0;
}

void model_close(struct model *model)
{
	size_t i;

	for (i = 0; i < model->nr; i++) {
		close(model->fds[i]);
		free(model->files[i].path);
	}
	free(model->fds);
	free(model->files);
	free(model->name);
	tdestroy(model->inodes, free);
	memset(model, 0, sizeof(*model));
}
