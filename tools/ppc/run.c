// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl run": its command line.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maioctl.h"

enum {
	OPT_STORE = 256,
	OPT_SERVICE,
	OPT_BURN,
	OPT_KEEP,
	OPT_GAP,
	OPT_BUDGET,
	OPT_NODE,
	OPT_POLICY,
	OPT_RECORD,
	OPT_REQUIRE,
	OPT_JSON,
};

static const struct option long_options[] = {
	{ "store", required_argument, NULL, OPT_STORE },
	{ "service", required_argument, NULL, OPT_SERVICE },
	{ "burn", no_argument, NULL, OPT_BURN },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "gap", required_argument, NULL, OPT_GAP },
	{ "budget", required_argument, NULL, OPT_BUDGET },
	{ "node", required_argument, NULL, OPT_NODE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "record", no_argument, NULL, OPT_RECORD },
	{ "require", no_argument, NULL, OPT_REQUIRE },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static const char usage_text[] =
"Usage: maioctl run [OPTIONS] MODEL... -- COMMAND [ARGUMENTS]\n"
"\n"
"Runs COMMAND, unmodified, with the page cache policy MAIO at work on the files of\n"
"the model. The first run records in which order they are read, later runs replay\n"
"that. Without /dev/ppc the command just runs.\n"
"\n"
"MODEL is a file, or a directory with *.safetensors or *.gguf files.\n"
"\n"
"  --store DIR      where templates are kept (default: $XDG_STATE_HOME/maio or\n"
"                   ~/.local/state/maio; for root: /var/lib/maio)\n"
"  --service ID     which template (default: from the model's name and its files)\n"
"  --keep           leave consumed pages in the page cache (default)\n"
"  --burn           drop pages once they have been consumed\n"
"  --gap SIZE       how far behind the reader pages are left alone when burning\n"
"  --budget SIZE    how far ahead of the reader may be read\n"
"  --node N         NUMA node that pages are to lie on\n"
"  --policy NAME    attach another policy; nothing is recorded or replayed then\n"
"  --record         record anew even if there is a template\n"
"  --require        fail, instead of running COMMAND without the policy\n"
"  --json FILE      write a report as JSON to FILE; '-' is standard output\n"
"  -q, --quiet      no report and no warnings on standard error\n"
"  -h, --help       this text\n"
"\n"
"SIZE is a number of bytes, or one with K, M, G or T behind it. For --gap and\n"
"--budget, 0 is the kernel's default.\n"
"\n"
"Exit status: that of COMMAND; 128+N if signal N ended it; 127 if it was not found,\n"
"126 if it could not be executed, 125 if maioctl failed before it.\n";

static int parse_node(const char *text, int *node, struct why *why)
{
	char path[64];
	__u64 value;
	const char *p = text;

	if (decimal_parse(&p, &value) || *p || value > INT_MAX)
		return why_set(why, "'%s' is not the number of a NUMA node", text);
	*node = (int)value;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", *node);
	if (!access("/sys/devices/system/node", F_OK) && access(path, F_OK))
		return why_set(why, "this machine has no NUMA node %d", *node);
	return 0;
}

static int parse_policy(const char *text, const char **policy, struct why *why)
{
	if (!*text || strlen(text) >= PPC_POLICY_NAME_MAX)
		return why_set(why, "a policy's name has 1 to %d characters",
			       PPC_POLICY_NAME_MAX - 1);
	*policy = text;
	return 0;
}

static int parse_service(const char *text, const char **service, struct why *why)
{
	if (!service_valid(text))
		return why_set(why, "service id '%s': only letters, digits, '.', '_' and '-', no dot in front, at most %d characters",
			       text, SERVICE_MAX);
	*service = text;
	return 0;
}

static int parse_mode(enum maio_mode mode, bool *chosen,
		      struct run_options *o, struct why *why)
{
	if (*chosen && o->mode != mode)
		return why_set(why, "--burn and --keep exclude each other");
	*chosen = true;
	o->mode = mode;
	return 0;
}

/* Return: 0, 1 when help was asked for, or -1. */
static int parse_options(int argc, char **argv, struct run_options *o,
			 struct why *why)
{
	bool mode_chosen = false;
	int opt, ret = 0;

	optind = 0;
	while (!ret && (opt = getopt_long(argc, argv, "qh", long_options, NULL)) >= 0) {
		switch (opt) {
		case OPT_STORE:
			if (!*optarg)
				return why_set(why, "--store needs a directory");
			free(o->store);
			o->store = xstrdup(optarg);
			break;
		case OPT_SERVICE:
			ret = parse_service(optarg, &o->service, why);
			break;
		case OPT_BURN:
			ret = parse_mode(MAIO_MODE_BURN, &mode_chosen, o, why);
			break;
		case OPT_KEEP:
			ret = parse_mode(MAIO_MODE_KEEP, &mode_chosen, o, why);
			break;
		case OPT_GAP:
			ret = size_parse(optarg, &o->gap, why);
			break;
		case OPT_BUDGET:
			ret = size_parse(optarg, &o->budget, why);
			break;
		case OPT_NODE:
			ret = parse_node(optarg, &o->node, why);
			break;
		case OPT_POLICY:
			ret = parse_policy(optarg, &o->policy, why);
			break;
		case OPT_RECORD:
			o->record = true;
			break;
		case OPT_REQUIRE:
			o->require = true;
			break;
		case OPT_JSON:
			o->json = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
			return 1;
		default:
			/* getopt has said what is wrong. */
			return why_set(why, "'maioctl run --help' lists the options");
		}
	}
	return ret;
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = { .policy = MAIO_POLICY, .node = -1 };
	struct why why;
	int split, ret;

	/* Options may stand among the models; behind "--" nothing is ours. */
	for (split = 1; split < argc && strcmp(argv[split], "--"); split++)
		;
	ret = parse_options(split, argv, &o, &why);
	if (ret > 0) {
		fputs(usage_text, stdout);
		ret = EXIT_SUCCESS;
		goto out;
	}
	if (!ret && optind == split)
		ret = why_set(&why, "no MODEL given");
	if (!ret && split + 1 >= argc)
		ret = why_set(&why, "no COMMAND: maioctl run [OPTIONS] MODEL... -- COMMAND");
	if (!ret && !o.store) {
		o.store = store_default_dir(&why);
		ret = o.store ? 0 : -1;
	}
	if (ret) {
		complain("%s", why.text);
		ret = EXIT_MAIOCTL;
		goto out;
	}
	o.models = argv + optind;
	o.nr_models = split - optind;
	o.command = argv + split + 1;
	ret = session_run(&o);
out:
	free(o.store);
	return ret;
}
