// SPDX-License-Identifier: GPL-2.0
/*
 * Live attachments, found as any file descriptor is: through /proc. Their
 * fdinfo has the policy's name and every counter of struct ppc_stats, as
 * "ppc-" and the member's name with '-' for '_'.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"

#define LINK_TEXT		"anon_inode:[ppc]"
#define KEY_PREFIX		"ppc-"

static void add_line(struct attachment *a, char *line)
{
	char *colon = strchr(line, ':');
	char *value, *p;

	if (strncmp(line, KEY_PREFIX, strlen(KEY_PREFIX)) || !colon)
		return;
	*colon = '\0';
	line += strlen(KEY_PREFIX);
	for (p = line; *p; p++) {
		if (*p == '-')
			*p = '_';
	}
	value = colon + 1;
	while (isspace((unsigned char)*value))
		value++;
	for (p = value + strlen(value); p > value && isspace((unsigned char)p[-1]); p--)
		p[-1] = '\0';

	a->lines = xrealloc(a->lines, a->nr_lines + 1, sizeof(*a->lines));
	a->lines[a->nr_lines].key = xstrdup(line);
	a->lines[a->nr_lines].value = xstrdup(value);
	a->nr_lines++;
}

/* An attachment may be closed while it is looked at: then it is just gone. */
static int read_fdinfo(struct attachment *a)
{
	char *line = NULL;
	size_t room = 0;
	char *path;
	FILE *in;

	path = xasprintf("/proc/%d/fdinfo/%d", a->pid, a->fd);
	in = fopen(path, "re");
	free(path);
	if (!in)
		return -1;
	while (getline(&line, &room, in) >= 0)
		add_line(a, line);
	free(line);
	fclose(in);
	return 0;
}

static void read_comm(struct attachment *a)
{
	char *path = xasprintf("/proc/%d/comm", a->pid);
	FILE *in = fopen(path, "re");

	free(path);
	if (!in)
		return;
	if (fgets(a->comm, sizeof(a->comm), in))
		a->comm[strcspn(a->comm, "\n")] = '\0';
	fclose(in);
}

static bool is_number(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

static void find_in_process(int pid, struct attachment **list, size_t *nr,
			    size_t *unreadable)
{
	struct attachment a;
	char target[64];
	struct dirent *de;
	char *path;
	ssize_t n;
	DIR *dir;

	path = xasprintf("/proc/%d/fd", pid);
	dir = opendir(path);
	free(path);
	if (!dir) {
		if (errno == EACCES || errno == EPERM)
			(*unreadable)++;
		return;
	}
	while ((de = readdir(dir))) {
		if (!is_number(de->d_name))
			continue;
		n = readlinkat(dirfd(dir), de->d_name, target, sizeof(target));
		if (n != (ssize_t)strlen(LINK_TEXT) || memcmp(target, LINK_TEXT, n))
			continue;
		memset(&a, 0, sizeof(a));
		a.pid = pid;
		a.fd = atoi(de->d_name);
		if (read_fdinfo(&a))
			continue;
		read_comm(&a);
		*list = xrealloc(*list, *nr + 1, sizeof(a));
		(*list)[(*nr)++] = a;
	}
	closedir(dir);
}

/**
 * attachments_find - look through every process
 * @nr: how many attachments there are
 * @unreadable: how many processes could not be looked at
 *
 * Return: the attachments, for attachments_free(); NULL if there is none.
 */
struct attachment *attachments_find(size_t *nr, size_t *unreadable)
{
	struct attachment *list = NULL;
	struct dirent *de;
	DIR *proc;

	*nr = 0;
	*unreadable = 0;
	proc = opendir("/proc");
	if (!proc)
		return NULL;
	while ((de = readdir(proc))) {
		if (is_number(de->d_name))
			find_in_process(atoi(de->d_name), &list, nr, unreadable);
	}
	closedir(proc);
	return list;
}

static bool open_for_reading(const struct attachment *a, const char *fd)
{
	char *path = xasprintf("/proc/%d/fdinfo/%s", a->pid, fd);
	FILE *in = fopen(path, "re");
	unsigned int flags = O_WRONLY;
	char line[256];

	free(path);
	if (!in)
		return false;
	while (fgets(line, sizeof(line), in) &&
	       sscanf(line, "flags: %o", &flags) != 1)
		;
	fclose(in);
	return (flags & O_ACCMODE) == O_RDONLY;
}

/**
 * attachment_model_bytes - guess how large the files of an attachment are
 * @a: the attachment
 * @bytes: the sum of their sizes
 *
 * The kernel does not tell, but who has attached files has opened them before,
 * and most likely has them open still.
 *
 * Return: true if the process has just as many files open for reading as are
 * attached, its standard streams aside.
 */
bool attachment_model_bytes(const struct attachment *a, __u64 *bytes)
{
	const char *files = attachment_get(a, "files");
	char *path = xasprintf("/proc/%d/fd", a->pid);
	DIR *dir = opendir(path);
	__u64 want, nr = 0;
	struct dirent *de;
	struct stat st;

	free(path);
	*bytes = 0;
	while (dir && (de = readdir(dir))) {
		if (!is_number(de->d_name) || atoi(de->d_name) <= STDERR_FILENO ||
		    fstatat(dirfd(dir), de->d_name, &st, 0) ||
		    !S_ISREG(st.st_mode) || !open_for_reading(a, de->d_name))
			continue;
		*bytes += st.st_size;
		nr++;
	}
	if (dir)
		closedir(dir);
	return nr && files && !decimal_parse(&files, &want) && !*files &&
	       nr == want;
}

const char *attachment_get(const struct attachment *a, const char *key)
{
	size_t i;

	for (i = 0; i < a->nr_lines; i++) {
		if (!strcmp(a->lines[i].key, key))
			return a->lines[i].value;
	}
	return NULL;
}

void attachments_free(struct attachment *list, size_t nr)
{
	size_t i, j;

	for (i = 0; i < nr; i++) {
		for (j = 0; j < list[i].nr_lines; j++) {
			free(list[i].lines[j].key);
			free(list[i].lines[j].value);
		}
		free(list[i].lines);
	}
	free(list);
}
