// SPDX-License-Identifier: GPL-2.0
/*
 * maioctl: which command is meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "run", cmd_run, "run a command and load its model files fast" },
	{ "template", cmd_template, "look at recorded templates" },
	{ "stat", cmd_stat, "show the kernel's features, policies and attachments" },
};

static void usage(FILE *out)
{
	size_t i;

	fputs("Usage: maioctl COMMAND [ARGUMENTS]\n"
	      "       maioctl --help | --version\n"
	      "\n"
	      "Loads model files at the speed of the device, through the MAIO page cache policy.\n"
	      "\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'maioctl COMMAND --help' tells more.\n", out);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	size_t i;

	if (!name) {
		usage(stderr);
		return EXIT_FAILURE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("maioctl %s (ABI %u)\n", MAIOCTL_VERSION, PPC_ABI_VERSION);
		return EXIT_SUCCESS;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	complain("no command '%s'; 'maioctl --help' lists them", name);
	return EXIT_FAILURE;
}
