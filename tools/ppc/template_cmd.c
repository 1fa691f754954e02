// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl template": which of its commands is meant, and which template.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "maioctl.h"

static const struct command commands[] = {
	{ "list", cmd_template_list, "list the templates in the store" },
	{ "show", cmd_template_show, "show or plot one template" },
	{ "diff", cmd_template_diff, "tell in what two templates differ" },
	{ "prune", cmd_template_prune, "remove templates from the store" },
};

static const struct command_set template_commands = {
	.prefix = "template ",
	.usage = "Usage: maioctl template COMMAND [ARGUMENTS]\n"
		 "\n"
		 "Looks at recorded templates, and removes them.\n",
	.commands = commands,
	.nr = ARRAY_SIZE(commands),
};

int cmd_template(int argc, char **argv)
{
	return command_run(&template_commands, argc, argv);
}

/**
 * template_store - the store that is meant
 * @given: argument of --store, or NULL
 * @why: why there is none
 *
 * Return: its directory, which the caller frees, or NULL.
 */
char *template_store(const char *given, struct why *why)
{
	return given ? xstrdup(given) : store_default_dir(why);
}

/*
 * A service id has no slash; a file of that name here comes first, but not a
 * directory, such as that of the model.
 */
static char *find_path(const char *arg, const char *store, struct why *why)
{
	char *dir, *path;
	struct stat st;

	if (strchr(arg, '/') || (!stat(arg, &st) && !S_ISDIR(st.st_mode)))
		return xstrdup(arg);
	if (!service_valid(arg)) {
		why_set(why, "%s: neither a file nor a service id", arg);
		return NULL;
	}
	dir = template_store(store, why);
	if (!dir)
		return NULL;
	path = store_path(dir, arg);
	free(dir);
	return path;
}

/**
 * template_load - read a template that somebody named
 * @arg: its file or its service id
 * @store: argument of --store, or NULL
 * @t: filled in; to be given to template_free() after success
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int template_load(const char *arg, const char *store, struct template *t,
		  struct why *why)
{
	t->path = find_path(arg, store, why);
	if (!t->path)
		return -1;
	if (store_load(t->path, &t->entry, why)) {
		why_set(why, "%s: %s", t->path, why->text);
		free(t->path);
		return -1;
	}
	if (template_check(t->entry.blob, t->entry.blob_len, &t->view, why)) {
		why_set(why, "%s: %s", t->path, why->text);
		template_free(t);
		return -1;
	}
	return 0;
}

void template_free(struct template *t)
{
	store_entry_free(&t->entry);
	free(t->path);
}
