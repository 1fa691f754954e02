// SPDX-License-Identifier: GPL-2.0
/*
 * MODEL arguments: which files they mean, and what identifies each file.
 *
 * A model is a file, or a directory with *.safetensors or *.gguf files, of which
 * an index may name some; what it does not name is put aside: nobody is expected
 * to read it, but somebody may. A directory without any has them in the
 * directories in it, as diffusion models do. Hub caches are farms of symbolic
 * links to blobs, so links are followed, the name counts and not where it leads,
 * and what is linked twice is taken once.
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

/**
 * struct found - a file that a MODEL argument means
 * @path: to open it by
 * @name: relative to the argument
 * @aside: not named by the index
 */
struct found {
	const char *path;
	const char *name;
	bool aside;
};

static int add_file(void *data, const struct found *found, struct why *why)
{
	struct model *model = data;
	struct file_id *id;
	struct stat st;
	int fd;

	/* O_NONBLOCK: whatever has taken the name, opening it must not hang. */
	fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return why_set(why, "%s: cannot open: %s", found->path, strerror(errno));
	if (fstat(fd, &st)) {
		why_set(why, "%s: cannot stat: %s", found->path, strerror(errno));
		goto close;
	}
	if (!S_ISREG(st.st_mode)) {
		why_set(why, "%s: neither a regular file nor a directory", found->path);
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
	id->path = xstrdup(found->name);
	id->size = st.st_size;
	id->mtime = st.st_mtime > 0 ? st.st_mtime : 0;
	id->hash = 0;
	id->aside = found->aside;
	model->fds[model->nr++] = fd;
	model->bytes += id->aside ? 0 : id->size;
	return 0;

close:
	close(fd);
	return -1;
}

/**
 * model_leave_out - forget one file
 * @model: the files
 * @at: its index
 */
void model_leave_out(struct model *model, size_t at)
{
	struct file_id *id = &model->files[at];

	model->bytes -= id->aside ? 0 : id->size;
	close(model->fds[at]);
	free(id->path);
	model->nr--;
	memmove(id, id + 1, (model->nr - at) * sizeof(*id));
	memmove(&model->fds[at], &model->fds[at + 1],
		(model->nr - at) * sizeof(*model->fds));
}

/* How much is cached of files that nobody is expected to read. */
__u64 model_aside_cached(const struct model *model)
{
	__s64 bytes;
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < model->nr; i++) {
		bytes = model->files[i].aside ?
			file_cached(model->fds[i], 0, model->files[i].size) : 0;
		sum += bytes > 0 ? bytes : 0;
	}
	return sum;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * struct walk - looking for the files of a model
 * @is_wanted: is that the name of one?
 * @each: what is done with each
 * @data: for @each
 * @note: set to what is odd about an index; NULL: indices don't matter
 * @nr: found so far
 */
struct walk {
	bool (*is_wanted)(const char *name);
	int (*each)(void *data, const struct found *found, struct why *why);
	void *data;
	struct why *note;
	size_t nr;
};

/**
 * struct names - sorted names of a directory's entries
 * @list: the names
 * @nr: how many
 */
struct names {
	char **list;
	size_t nr;
};

static void names_free(struct names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->list[i]);
	free(names->list);
}

static bool is_folder_name(const char *name)
{
	return name[0] != '.';
}

/* Entries of one type, or of none, such as a link that leads nowhere. */
static int list_names(DIR *dir, const char *path, mode_t type,
		      bool (*is_wanted)(const char *name), struct names *names,
		      struct why *why)
{
	struct dirent *de;
	struct stat st;

	rewinddir(dir);
	while (errno = 0, (de = readdir(dir))) {
		if (!is_wanted(de->d_name))
			continue;
		if (fstatat(dirfd(dir), de->d_name, &st, 0)) {
			/* Where a file is wanted, that is an error later. */
			if (type != S_IFREG)
				continue;
		} else if ((st.st_mode & S_IFMT) != type) {
			continue;
		}
		names->list = xrealloc(names->list, names->nr + 1, sizeof(*names->list));
		names->list[names->nr++] = xstrdup(de->d_name);
	}
	if (errno)
		return why_set(why, "%s: cannot read: %s", path, strerror(errno));
	if (names->nr)
		qsort(names->list, names->nr, sizeof(*names->list), compare_names);
	return 0;
}

/* @inside: relative to the argument, with a slash behind it; or empty. */
static int walk_files(struct walk *w, DIR *dir, const char *path, const char *inside,
		      struct why *why)
{
	struct names names = { 0 };
	size_t i, expected;
	int ret;

	ret = list_names(dir, path, S_IFREG, w->is_wanted, &names, why);
	/* If there is none, weights in other formats. */
	if (!ret && !names.nr)
		ret = list_names(dir, path, S_IFREG, is_opaque_name, &names, why);
	expected = names.nr;
	if (!ret && w->note)
		expected = model_index_sort(dir, names.list, names.nr, w->note);
	for (i = 0; i < names.nr && !ret; i++, w->nr++) {
		char *shown = xasprintf("%s/%s", path, names.list[i]);
		char *name = xasprintf("%s%s", inside, names.list[i]);
		struct found found = { shown, name, i >= expected };

		ret = w->each(w->data, &found, why);
		free(shown);
		free(name);
	}
	names_free(&names);
	return ret;
}

static int walk_folder(struct walk *w, const char *parent, const char *name,
		       struct why *why)
{
	char *path = xasprintf("%s/%s", parent, name);
	char *inside = xasprintf("%s/", name);
	DIR *dir = opendir(path);
	int ret = -1;

	if (dir)
		ret = walk_files(w, dir, path, inside, why);
	else
		why_set(why, "%s: cannot open: %s", path, strerror(errno));
	if (dir)
		closedir(dir);
	free(inside);
	free(path);
	return ret;
}

static int walk_dir(struct walk *w, const char *path, struct why *why)
{
	struct names folders = { 0 };
	size_t i;
	DIR *dir;
	int ret;

	dir = opendir(path);
	if (!dir)
		return why_set(why, "%s: cannot open: %s", path, strerror(errno));
	w->nr = 0;
	ret = walk_files(w, dir, path, "", why);
	if (!ret && !w->nr)
		ret = list_names(dir, path, S_IFDIR, is_folder_name, &folders, why);
	for (i = 0; i < folders.nr && !ret; i++)
		ret = walk_folder(w, path, folders.list[i], why);
	names_free(&folders);
	closedir(dir);
	if (!ret && !w->nr)
		return why_set(why, "%s: no *.safetensors, *.gguf, *.bin, *.pth or *.npz file in it or in a directory in it",
			       path);
	return ret;
}

/* The last component of a path; the caller frees it. */
static char *last_name(const char *path)
{
	char *copy = xstrdup(path);
	char *name = xstrdup(basename(copy));

	free(copy);
	return name;
}

static int walk_model(struct walk *w, const char *arg, struct why *why)
{
	struct found found = { .path = arg };
	struct stat st;
	char *name;
	int ret;

	if (stat(arg, &st))
		return why_set(why, "%s: %s", arg, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, arg, why);
	name = last_name(arg);
	found.name = name;
	ret = w->each(w->data, &found, why);
	free(name);
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

static char *model_name(const char *arg)
{
	struct stat st;

	return !stat(arg, &st) && S_ISDIR(st.st_mode) ? dir_name(arg) : last_name(arg);
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
	struct walk walk = { .is_wanted = is_model_name, .each = add_file,
			     .data = model, .note = &model->note };
	size_t at, end;
	int i;

	memset(model, 0, sizeof(*model));
	model->name = model_name(args[0]);
	for (i = 0; i < nr_args; i++) {
		if (walk_model(&walk, args[i], why))
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

static int stamp_file(void *data, const struct found *found, struct why *why)
{
	__u64 *stamp = data;
	struct stat st;
	__u64 facts[5];

	if (stat(found->path, &st))
		return why_set(why, "%s: %s", found->path, strerror(errno));
	facts[0] = st.st_dev;
	facts[1] = st.st_ino;
	facts[2] = st.st_size;
	facts[3] = st.st_mtim.tv_sec;
	facts[4] = st.st_mtim.tv_nsec;
	*stamp = hash_more(*stamp, found->name, strlen(found->name) + 1);
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
	struct walk walk = { .is_wanted = is_stamped_name, .each = stamp_file,
			     .data = stamp };
	int i;

	*stamp = HASH_INIT;
	for (i = 0; i < nr_args; i++) {
		if (walk_model(&walk, args[i], why))
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
