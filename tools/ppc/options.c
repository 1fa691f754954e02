// SPDX-License-Identifier: GPL-2.0
/*
 * The options of commands that take no more than flags and texts.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "maioctl.h"

/* What getopt_long() returns for a command's first option. */
#define FIRST_OPTION		256

/* For getopt_long(); to be freed. */
static struct option *long_options(const struct option_arg *options)
{
	struct option *list;
	int nr = 0, i;

	while (options[nr].name)
		nr++;
	list = xalloc(nr + 2, sizeof(*list));
	for (i = 0; i < nr; i++)
		list[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument :
						      no_argument,
			.val = FIRST_OPTION + i,
		};
	list[nr] = (struct option){ .name = "help", .val = 'h' };
	return list;
}

/**
 * options_parse - take the options of a command
 * @argc: arguments, with the command's name
 * @argv: arguments; what is no option goes to the end, from optind on
 * @options: what there is beside --help, up to one without a name
 * @usage: text for --help
 * @least: arguments that are no options
 * @most: of these, at most
 *
 * Return: 0 to go on, 1 if all was said by --help, -1 if something was wrong,
 * which has been said, too.
 */
int options_parse(int argc, char **argv, const struct option_arg *options,
		  const char *usage, int least, int most)
{
	struct option *list = long_options(options);
	int opt, ret = 0;

	optind = 0;
	while (!ret && (opt = getopt_long(argc, argv, "h", list, NULL)) >= 0) {
		if (opt == 'h') {
			fputs(usage, stdout);
			ret = output_end() ?: 1;
		} else if (opt < FIRST_OPTION) {
			ret = -1;
		} else if (options[opt - FIRST_OPTION].value) {
			*options[opt - FIRST_OPTION].value = optarg;
		} else {
			*options[opt - FIRST_OPTION].flag = true;
		}
	}
	if (!ret && (argc - optind < least || argc - optind > most)) {
		fputs(usage, stderr);
		ret = -1;
	}
	free(list);
	return ret;
}
