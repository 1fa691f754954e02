// SPDX-License-Identifier: GPL-2.0
/*
 * maioctl: which command is meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

static const struct command commands[] = {
	{ "run", cmd_run, "run a command and load its model files fast" },
	{ "serve", cmd_serve, "keep services' models loading fast, as a daemon" },
	{ "template", cmd_template, "list, show, compare and remove recorded templates" },
	{ "xpu", cmd_xpu, "show the accelerators, and which one a process will use" },
	{ "stat", cmd_stat, "show the kernel's features, policies and attachments" },
	{ "top", cmd_top, "watch loads as they go" },
};

static const struct command_set maioctl = {
	.prefix = "",
	.usage = "Usage: maioctl COMMAND [ARGUMENTS]\n"
		 "       maioctl --help | --version\n"
		 "\n"
		 "Loads model files at the speed of the device, through the MAIO page cache policy.\n",
	.commands = commands,
	.nr = ARRAY_SIZE(commands),
};

static void usage(const struct command_set *set, FILE *out)
{
	size_t i;

	fprintf(out, "%s\n", set->usage);
	for (i = 0; i < set->nr; i++)
		fprintf(out, "  %-10s %s\n", set->commands[i].name,
			set->commands[i].summary);
	fprintf(out, "\n'maioctl %sCOMMAND --help' tells more.\n", set->prefix);
}

/**
 * command_run - run the command that the first argument names
 * @set: the commands there are
 * @argc: arguments, with the name that the set goes by
 * @argv: arguments
 *
 * Return: the exit status.
 */
int command_run(const struct command_set *set, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	size_t i;

	if (!name) {
		usage(set, stderr);
		return EXIT_FAILURE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		usage(set, stdout);
		return output_end() ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	for (i = 0; i < set->nr; i++) {
		if (!strcmp(name, set->commands[i].name))
			return set->commands[i].run(argc - 1, argv + 1);
	}
	complain("no command '%s%s'; 'maioctl %s--help' lists them",
		 set->prefix, name, set->prefix);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		printf("maioctl %s (ABI %u)\n", MAIOCTL_VERSION, PPC_ABI_VERSION);
		return output_end() ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	return command_run(&maioctl, argc, argv);
}
