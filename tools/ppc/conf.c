// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of "maioctl serve": *.conf files of a directory, each with a
 * section per service.
 *
 *	[serve]
 *	store = /var/lib/maio
 *
 *	[qwen-tp4]
 *	model = /srv/models/qwen
 *	mode = burn
 *
 * Whatever is not known is an error: a key that is misspelt would otherwise do
 * nothing, and nobody would notice.
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

#define CONF_FILE_MAX		(1024UL << 10)
#define CONF_SERVICES_MAX	256

#define SERVE_SECTION		"serve"
#define DEFAULT_STORE		"/var/lib/maio"

/* Where the parser is, and what it has seen so far. */
struct parser {
	struct conf *conf;
	unsigned int line;
	bool in_section;
	bool in_serve;
	bool serve_seen;
	unsigned int keys_seen;
};

/* Return: the service of that name, or NULL. */
const struct conf_service *conf_find(const struct conf *conf, const char *id)
{
	size_t i;

	for (i = 0; i < conf->nr; i++) {
		if (!strcmp(conf->services[i].id, id))
			return &conf->services[i];
	}
	return NULL;
}

/* A section ends where the next one begins: was anything left out? */
static int end_section(struct parser *p, struct why *why)
{
	const struct conf_service *s;

	if (!p->in_section || p->in_serve)
		return 0;
	s = &p->conf->services[p->conf->nr - 1];
	if (!s->nr_models)
		return why_set(why, "service '%s' has no model", s->id);
	if (s->ceiling && s->mode == MAIO_MODE_KEEP)
		return why_set(why, "service '%s': 'ceiling' needs pages to go, which mode 'keep' forbids",
			       s->id);
	return 0;
}

static int begin_serve(struct parser *p, struct why *why)
{
	if (p->serve_seen)
		return why_set(why, "a second section [" SERVE_SECTION "]");
	p->serve_seen = true;
	p->in_serve = true;
	return 0;
}

static int begin_service(struct parser *p, const char *id, struct why *why)
{
	struct conf *conf = p->conf;
	struct conf_service *s;

	if (!service_valid(id))
		return why_set(why, "'%s' is not a service id: only letters, digits, '.', '_' and '-', no dot in front, at most %d characters",
			       id, SERVICE_MAX);
	if (conf_find(conf, id))
		return why_set(why, "a second section [%s]", id);
	if (conf->nr == CONF_SERVICES_MAX)
		return why_set(why, "more than %d services", CONF_SERVICES_MAX);
	conf->services = xrealloc(conf->services, conf->nr + 1, sizeof(*s));
	s = &conf->services[conf->nr++];
	memset(s, 0, sizeof(*s));
	s->id = xstrdup(id);
	s->template = xstrdup(id);
	conf_defaults(s);
	p->in_serve = false;
	return 0;
}

static int parse_section(struct parser *p, char *line, struct why *why)
{
	size_t len = strlen(line);

	if (line[len - 1] != ']')
		return why_set(why, "a section without ']' at its end");
	if (end_section(p, why))
		return -1;
	line[len - 1] = '\0';
	line++;
	p->in_section = true;
	p->keys_seen = 0;
	if (!strcmp(line, SERVE_SECTION))
		return begin_serve(p, why);
	return begin_service(p, line, why);
}

static int set_store(struct parser *p, const char *key, const char *value,
		     struct why *why)
{
	if (strcmp(key, "store"))
		return why_set(why, "unknown key '%s' in section [" SERVE_SECTION "]",
			       key);
	if (p->conf->store)
		return why_set(why, "a second 'store'");
	if (conf_absolute(value, why))
		return -1;
	p->conf->store = xstrdup(value);
	return 0;
}

static int set_key(struct parser *p, const char *key, const char *value,
		   struct why *why)
{
	if (!p->in_section)
		return why_set(why, "'%s' is in no section", key);
	if (p->in_serve)
		return set_store(p, key, value, why);
	return conf_key_set(&p->conf->services[p->conf->nr - 1], key, value,
			    &p->keys_seen, why);
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	return text;
}

static int parse_line(struct parser *p, char *line, struct why *why)
{
	char *equals, *key, *value;
	const char *c;

	for (c = line; *c; c++) {
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return why_set(why, "a control character in the line");
	}
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return parse_section(p, line, why);
	equals = strchr(line, '=');
	if (!equals)
		return why_set(why, "neither [SECTION] nor KEY = VALUE");
	*equals = '\0';
	key = trim(line);
	value = trim(equals + 1);
	if (!*value)
		return why_set(why, "no value for '%s'", key);
	return set_key(p, key, value, why);
}

/* The text of a file, ended with a NUL; NULL, and why, if it cannot be had. */
static char *read_file(const char *path, size_t *len, struct why *why)
{
	char *text = NULL;
	struct stat st;
	FILE *in;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in || fstat(fd, &st)) {
		why_set(why, "%s: cannot open: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		why_set(why, "%s: not a regular file", path);
		goto out;
	}
	text = xalloc(CONF_FILE_MAX + 1, 1);
	*len = fread(text, 1, CONF_FILE_MAX + 1, in);
	if (ferror(in))
		why_set(why, "%s: cannot read: %s", path, strerror(errno));
	else if (*len > CONF_FILE_MAX)
		why_set(why, "%s: larger than 1 MiB", path);
	else if (memchr(text, '\0', *len))
		why_set(why, "%s: not text: it has a NUL byte", path);
	else
		goto out;
	free(text);
	text = NULL;
out:
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
	return text;
}

static int parse_file(struct parser *p, const char *path, struct why *why)
{
	char *text, *line, *end;
	size_t len;
	int ret = 0;

	text = read_file(path, &len, why);
	if (!text)
		return -1;
	p->line = 0;
	p->in_section = false;
	for (line = text; !ret && line < text + len; line = end + 1) {
		p->line++;
		end = strchrnul(line, '\n');
		*end = '\0';
		ret = parse_line(p, line, why);
	}
	if (!ret)
		ret = end_section(p, why);
	if (ret)
		why_set(why, "%s:%u: %s", path, p->line, why->text);
	free(text);
	return ret;
}

static int is_conf(const struct dirent *de)
{
	return de->d_name[0] != '.' && name_has_suffix(de->d_name, ".conf");
}

/**
 * conf_read - read a configuration
 * @conf: filled in; to be given to conf_free() also after a failure
 * @dir: directory of *.conf files, which are read in the order of their names
 * @why: what is wrong, and in which line of which file
 *
 * Return: 0 or -1.
 */
int conf_read(struct conf *conf, const char *dir, struct why *why)
{
	struct parser parser = { .conf = conf };
	struct dirent **files;
	int i, nr, ret = 0;

	memset(conf, 0, sizeof(*conf));
	nr = scandir(dir, &files, is_conf, alphasort);
	if (nr < 0)
		return why_set(why, "%s: %s", dir, strerror(errno));
	for (i = 0; i < nr; i++) {
		char *path = xasprintf("%s/%s", dir, files[i]->d_name);

		if (!ret)
			ret = parse_file(&parser, path, why);
		free(path);
		free(files[i]);
	}
	free(files);
	if (!conf->store)
		conf->store = xstrdup(DEFAULT_STORE);
	return ret;
}

/**
 * conf_service_equal - do two services ask for the same?
 * @a: one
 * @b: the other
 *
 * Return: true if nothing differs.
 */
bool conf_service_equal(const struct conf_service *a,
			const struct conf_service *b)
{
	int i;

	if (strcmp(a->id, b->id) || strcmp(a->template, b->template) ||
	    a->mode != b->mode || a->node != b->node || a->gap != b->gap ||
	    a->budget != b->budget || a->ceiling != b->ceiling || a->quiet != b->quiet ||
	    a->idle != b->idle || a->nr_models != b->nr_models)
		return false;
	for (i = 0; i < a->nr_models; i++) {
		if (strcmp(a->models[i], b->models[i]))
			return false;
	}
	return true;
}

void conf_free(struct conf *conf)
{
	size_t i;
	int j;

	for (i = 0; i < conf->nr; i++) {
		struct conf_service *s = &conf->services[i];

		for (j = 0; j < s->nr_models; j++)
			free(s->models[j]);
		free(s->models);
		free(s->template);
		free(s->id);
	}
	free(conf->services);
	free(conf->store);
	memset(conf, 0, sizeof(*conf));
}
