// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl run": its command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maioctl.h"

enum {
	OPT_STORE = 256,
	OPT_SERVICE,
	OPT_BURN,
	OPT_KEEP,
	OPT_AUTO,
	OPT_GAP,
	OPT_BUDGET,
	OPT_CEILING,
	OPT_NODE,
	OPT_XPU,
	OPT_POLICY,
	OPT_RECORD,
	OPT_NO_COLD,
	OPT_REQUIRE,
	OPT_JSON,
};

static const struct option long_options[] = {
	{ "store", required_argument, NULL, OPT_STORE },
	{ "service", required_argument, NULL, OPT_SERVICE },
	{ "burn", no_argument, NULL, OPT_BURN },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "auto", no_argument, NULL, OPT_AUTO },
	{ "gap", required_argument, NULL, OPT_GAP },
	{ "budget", required_argument, NULL, OPT_BUDGET },
	{ "ceiling", required_argument, NULL, OPT_CEILING },
	{ "node", required_argument, NULL, OPT_NODE },
	{ "xpu", required_argument, NULL, OPT_XPU },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "record", no_argument, NULL, OPT_RECORD },
	{ "no-cold", no_argument, NULL, OPT_NO_COLD },
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
"the model. The first run reads ahead by what the headers of the files tell, and\n"
"records in which order they are read; later runs replay that. Without /dev/ppc the command just runs.\n"
"\n"
"MODEL is a file, or a directory with *.safetensors or *.gguf files.\n"
"\n"
"  --store DIR      where templates are kept (default: $XDG_STATE_HOME/maio or\n"
"                   ~/.local/state/maio; for root: /var/lib/maio)\n"
"  --service ID     which template (default: from the model's name and its files)\n"
"  --auto           drop consumed pages when memory is short, and stop doing so when\n"
"                   they are read again (default)\n"
"  --keep           leave consumed pages in the page cache\n"
"  --burn           drop pages once they have been consumed\n"
"  --gap SIZE       how far behind the reader pages are left alone when burning\n"
"  --budget SIZE    how far ahead of the reader may be read\n"
"  --ceiling SIZE   how much of the model may be in the page cache at a time; 0: as\n"
"                   much as there is memory for\n"
"  --xpu ADDRESS    PCI address of the GPU or NPU that will take the model: pages are\n"
"                   to lie on its NUMA node (default: what the environment of each\n"
"                   worker says, see 'maioctl xpu')\n"
"  --node N         NUMA node that pages are to lie on\n"
"  --policy NAME    attach another policy; nothing is recorded or replayed then\n"
"  --record         record anew even if there is a template\n"
"  --no-cold        read nothing ahead while there is no recorded template\n"
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

static int parse_xpu(const char *text, int *node, struct why *why)
{
	if (xpu_node(text, node, why))
		return -1;
	if (*node < 0)
		return why_set(why, "this machine does not say on which NUMA node %s is; give --node",
			       text);
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
	if (*chosen && o->load.mode != mode)
		return why_set(why, "--auto, --burn and --keep exclude each other");
	*chosen = true;
	o->load.mode = mode;
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
			free(o->load.store);
			o->load.store = xstrdup(optarg);
			break;
		case OPT_SERVICE:
			ret = parse_service(optarg, &o->load.service, why);
			break;
		case OPT_BURN:
			ret = parse_mode(MAIO_MODE_BURN, &mode_chosen, o, why);
			break;
		case OPT_KEEP:
			ret = parse_mode(MAIO_MODE_KEEP, &mode_chosen, o, why);
			break;
		case OPT_AUTO:
			ret = parse_mode(MAIO_MODE_AUTO, &mode_chosen, o, why);
			break;
		case OPT_CEILING:
			ret = size_parse(optarg, &o->load.ceiling, why);
			break;
		case OPT_GAP:
			ret = size_parse(optarg, &o->load.gap, why);
			break;
		case OPT_BUDGET:
			ret = size_parse(optarg, &o->load.budget, why);
			break;
		case OPT_NODE:
		case OPT_XPU:
			if (o->load.node >= 0)
				return why_set(why, "only one of --node and --xpu, and once");
			ret = opt == OPT_XPU ?
				parse_xpu(optarg, &o->load.node, why) :
				node_parse(optarg, &o->load.node, why);
			break;
		case OPT_POLICY:
			ret = parse_policy(optarg, &o->load.policy, why);
			break;
		case OPT_NO_COLD:
			o->load.cold = false;
			break;
		case OPT_RECORD:
			o->load.record = true;
			break;
		case OPT_REQUIRE:
			o->require = true;
			break;
		case OPT_JSON:
			o->json = optarg;
			break;
		case 'q':
			o->load.quiet = true;
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
	struct run_options o = {
		.load = {
			.policy = MAIO_POLICY,
			.pid = getpid(),
			.mode = MAIO_MODE_AUTO,
			.node = -1,
			.cold = true,
		},
	};
	struct why why;
	int split, ret;

	/* Options may stand among the models; behind "--" nothing is ours. */
	for (split = 1; split < argc && strcmp(argv[split], "--"); split++)
		;
	ret = parse_options(split, argv, &o, &why);
	if (ret > 0) {
		fputs(usage_text, stdout);
		ret = output_end() ? EXIT_MAIOCTL : EXIT_SUCCESS;
		goto out;
	}
	if (!ret && o.load.ceiling && o.load.mode == MAIO_MODE_KEEP)
		ret = why_set(&why, "--ceiling needs pages to go, which --keep forbids");
	if (!ret && optind == split)
		ret = why_set(&why, "no MODEL given");
	if (!ret && split + 1 >= argc)
		ret = why_set(&why, "no COMMAND: maioctl run [OPTIONS] MODEL... -- COMMAND");
	if (ret) {
		complain("%s", why.text);
		ret = EXIT_MAIOCTL;
		goto out;
	}
	if (!o.load.store)
		o.load.store = store_default_dir(&why);
	if (!o.load.store && !o.load.quiet)
		complain("warning: %s; nothing will be kept of this run", why.text);
	o.models = argv + optind;
	o.nr_models = split - optind;
	o.command = argv + split + 1;
	ret = session_run(&o);
out:
	free(o.load.store);
	return ret;
}
