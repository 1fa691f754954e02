// SPDX-License-Identifier: GPL-2.0
/*
 * The template store: a directory with one file per service id. A file is
 * replaced as a whole or not at all, so that two runs of one service at once,
 * a full disk or a crash leave a template that can be used.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"

#define NAME_PART_MAX		80
#define SUFFIX			".maio"
/* The leading dot keeps it out of what lists or loads templates. */
#define TMP_PREFIX		".tmp-"
#define TMP_UNIQUE		6

static bool service_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* A service id is a file's name: nothing that leaves the store or hides. */
bool service_valid(const char *id)
{
	size_t i;

	for (i = 0; id[i]; i++) {
		if (!service_char(id[i]))
			return false;
	}
	return i > 0 && i <= SERVICE_MAX && id[0] != '.';
}

/**
 * service_default - the service id of a model that nobody named
 * @model: the model
 *
 * Its name and a hash of its list of files, but not of their contents: a new
 * version of a model then replaces the template of the old one.
 *
 * Return: the id; the caller frees it.
 */
char *service_default(const struct model *model)
{
	char name[NAME_PART_MAX + 1];
	__u64 hash = HASH_INIT;
	size_t i;

	for (i = 0; i < NAME_PART_MAX && model->name[i]; i++)
		name[i] = service_char(model->name[i]) ? model->name[i] : '_';
	name[i] = '\0';
	if (name[0] == '.')
		name[0] = '_';
	for (i = 0; i < model->nr; i++)
		hash = hash_more(hash, model->files[i].path,
				 strlen(model->files[i].path) + 1);
	return xasprintf("%s-%08x", name, (__u32)(hash ^ hash >> 32));
}

char *store_default_dir(struct why *why)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	struct passwd *pw;

	if (!geteuid())
		return xstrdup("/var/lib/maio");
	if (state && state[0] == '/')
		return xasprintf("%s/maio", state);
	if (!home || home[0] != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || home[0] != '/') {
		why_set(why, "no home directory to keep templates in: give --store");
		return NULL;
	}
	return xasprintf("%s/.local/state/maio", home);
}

char *store_path(const char *dir, const char *service)
{
	return xasprintf("%s/%s" SUFFIX, dir, service);
}

static int load_at(int dirfd, const char *path, struct store_entry *entry,
		   struct why *why)
{
	char *data = NULL;
	size_t done = 0;
	struct stat st;
	ssize_t n;
	int fd, ret = -1;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		ret = errno == ENOENT ? 1 : -2;
		why_set(why, "%s", strerror(errno));
		return ret;
	}
	if (fstat(fd, &st)) {
		why_set(why, "%s", strerror(errno));
		ret = -2;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		why_set(why, "not a regular file");
		goto out;
	}
	if (st.st_size > (off_t)STORE_FILE_MAX) {
		why_set(why, "larger than any template may be");
		goto out;
	}

	data = xalloc(st.st_size, 1);
	while (done < (size_t)st.st_size) {
		n = read(fd, data + done, st.st_size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			why_set(why, "cannot read: %s", strerror(errno));
			ret = -2;
			goto out;
		}
		if (!n)
			break;
		done += n;
	}
	ret = store_parse(data, done, entry, why);
	if (!ret)
		entry->used = st.st_mtime;
out:
	free(data);
	close(fd);
	return ret;
}

int store_load(const char *path, struct store_entry *entry, struct why *why)
{
	return load_at(AT_FDCWD, path, entry, why);
}

/**
 * store_used - note that a template is replayed
 * @path: its file
 *
 * Where that cannot be noted, as in a store for reading only, it is not.
 */
void store_used(const char *path)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW },
	};

	utimensat(AT_FDCWD, path, times, 0);
}

/* A name that no template has, and none that is listed as one; by @nr. */
void store_tmp_name(char name[STORE_TMP_MAX], unsigned int nr)
{
	snprintf(name, STORE_TMP_MAX, TMP_PREFIX "%0*x", TMP_UNIQUE,
		 ((unsigned int)getpid() * 100 + nr) & 0xffffff);
}

static bool is_tmp(const char *name)
{
	size_t len = strlen(TMP_PREFIX);

	return !strncmp(name, TMP_PREFIX, len) &&
	       strlen(name + len) == TMP_UNIQUE;
}

static void list_add(struct store_list *list, const char *name)
{
	struct store_file file = { 0 };

	if (!is_tmp(name) &&
	    (name[0] == '.' || !name_has_suffix(name, SUFFIX)))
		return;
	/* Runs replace and remove files meanwhile. */
	if (fstatat(list->dirfd, name, &file.st, AT_SYMLINK_NOFOLLOW))
		return;
	file.name = xstrdup(name);
	if (!is_tmp(name)) {
		file.service = xstrdup(name);
		file.service[strlen(name) - strlen(SUFFIX)] = '\0';
	}
	list->files = xrealloc(list->files, list->nr + 1, sizeof(file));
	list->files[list->nr++] = file;
}

static int by_name(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;

	return strcmp(x->service ? x->service : x->name,
		      y->service ? y->service : y->name);
}

/**
 * store_list - see which files are in the store
 * @dir: the store
 * @list: filled in, and empty if there is no such directory; to be given to
 *	store_list_free() after success
 * @why: what went wrong
 *
 * Files that are neither named like a template nor like what save_bytes() leaves
 * behind are not the store's and are not listed.
 *
 * Return: 0 or -1.
 */
int store_list(const char *dir, struct store_list *list, struct why *why)
{
	struct dirent *d;
	DIR *stream;
	int fd, err;

	memset(list, 0, sizeof(*list));
	list->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list->dirfd < 0 && errno == ENOENT)
		return 0;
	if (list->dirfd < 0)
		return why_set(why, "%s: %s", dir, strerror(errno));
	fd = fcntl(list->dirfd, F_DUPFD_CLOEXEC, 0);
	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		why_set(why, "%s: %s", dir, strerror(errno));
		if (fd >= 0)
			close(fd);
		goto error;
	}
	for (;;) {
		errno = 0;
		d = readdir(stream);
		if (!d)
			break;
		list_add(list, d->d_name);
	}
	err = errno;
	closedir(stream);
	if (err) {
		why_set(why, "%s: cannot read: %s", dir, strerror(err));
		goto error;
	}
	if (list->nr)
		qsort(list->files, list->nr, sizeof(*list->files), by_name);
	return 0;
error:
	store_list_free(list);
	return -1;
}

/**
 * store_list_load - read a template that store_list() has found
 * @list: the store
 * @file: one of its files, with a service
 * @entry: filled in; to be given to store_entry_free() after success
 * @why: what is wrong with it
 *
 * Return: as store_load().
 */
int store_list_load(const struct store_list *list,
		    const struct store_file *file, struct store_entry *entry,
		    struct why *why)
{
	int ret;

	if (!service_valid(file->service))
		return why_set(why, "its name is not a service id");
	ret = load_at(list->dirfd, file->name, entry, why);
	if (ret == 1 && S_ISLNK(file->st.st_mode))
		return why_set(why, "a symbolic link to nothing");
	return ret;
}

void store_list_free(struct store_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++) {
		free(list->files[i].name);
		free(list->files[i].service);
	}
	free(list->files);
	if (list->dirfd >= 0)
		close(list->dirfd);
	memset(list, 0, sizeof(*list));
	list->dirfd = -1;
}

static int make_dirs(const char *dir, struct why *why)
{
	char *path = xstrdup(dir);
	char *p = path;
	int ret = 0;

	do {
		p = strchr(p + 1, '/');
		if (p)
			*p = '\0';
		if (*path && mkdir(path, 0755) && errno != EEXIST) {
			ret = why_set(why, "cannot make %s: %s", path,
				      strerror(errno));
			break;
		}
		if (p)
			*p = '/';
	} while (p);
	free(path);
	return ret;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

static int save_bytes(const char *dir, const char *path, const char *data,
		      size_t len, struct why *why)
{
	char *tmp = xasprintf("%s/" TMP_PREFIX "XXXXXX", dir);
	int fd, dirfd, ret = -1;

	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		why_set(why, "cannot write to %s: %s", dir, strerror(errno));
		goto free;
	}
	if (write_all(fd, data, len) || fchmod(fd, 0644) || fsync(fd)) {
		why_set(why, "cannot write %s: %s", path, strerror(errno));
		close(fd);
		goto unlink;
	}
	if (close(fd) || rename(tmp, path)) {
		why_set(why, "cannot write %s: %s", path, strerror(errno));
		goto unlink;
	}
	/* What is lost if this fails is only that the name survives a crash. */
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd >= 0) {
		fsync(dirfd);
		close(dirfd);
	}
	ret = 0;
	goto free;
unlink:
	unlink(tmp);
free:
	free(tmp);
	return ret;
}

/**
 * store_save - put a template into the store, in place of an older one
 * @dir: the store; made if it is not there
 * @entry: the template
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int store_save(const char *dir, const struct store_entry *entry,
	       struct why *why)
{
	char *path, *data;
	size_t len;
	int ret = -1;

	if (make_dirs(dir, why))
		return -1;
	data = store_serialise(entry, &len);
	if (!data)
		return why_set(why, "out of memory");
	path = store_path(dir, entry->service);
	if (len > STORE_FILE_MAX)
		why_set(why, "larger than any template may be");
	else
		ret = save_bytes(dir, path, data, len, why);
	free(path);
	free(data);
	return ret;
}
