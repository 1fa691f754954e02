// SPDX-License-Identifier: GPL-2.0
/*
 * The template store: a directory with one file per service id. A file is
 * replaced as a whole or not at all, so that two runs of one service at once,
 * a full disk or a crash leave a template that can be used.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"

#define NAME_PART_MAX		80

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
	return xasprintf("%s/%s.maio", dir, service);
}

int store_load(const char *path, struct store_entry *entry, struct why *why)
{
	char *data = NULL;
	size_t done = 0;
	struct stat st;
	ssize_t n;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		why_set(why, "%s", strerror(errno));
		return errno == ENOENT ? 1 : -1;
	}
	if (fstat(fd, &st)) {
		why_set(why, "%s", strerror(errno));
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
			goto out;
		}
		if (!n)
			break;
		done += n;
	}
	ret = store_parse(data, done, entry, why);
out:
	free(data);
	close(fd);
	return ret;
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
	/* The leading dot keeps it out of what lists or loads templates. */
	char *tmp = xasprintf("%s/.tmp-XXXXXX", dir);
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
