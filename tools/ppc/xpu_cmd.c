// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl xpu": the machine's XPUs, and which one a process will use.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

static const char usage_text[] =
"Usage: maioctl xpu [--json] [PID]\n"
"\n"
"Shows the accelerators of this machine and the NUMA node that each is next to.\n"
"With PID, also which of them that process will use, by its environment.\n"
"\n"
"  --json           print JSON\n"
"  -h, --help       this text\n";

static const char *node_text(int node, char *buf, size_t room)
{
	snprintf(buf, room, node < 0 ? "unknown" : "%d", node);
	return buf;
}

static struct json_object *xpus_json(const struct xpu_list *list)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < list->nr; i++) {
		const struct xpu *xpu = &list->xpus[i];
		struct json_object *obj = json_object_new_object();

		json_put_text(obj, "address", xpu->bdf);
		json_put_text(obj, "vendor", xpu->vendor ?
			      xpu->vendor->name : NULL);
		json_put_u64(obj, "vendor_id", xpu->vendor_id);
		json_put_u64(obj, "device_id", xpu->device_id);
		json_put_text(obj, "driver", xpu->driver);
		json_object_object_add(obj, "node", json_node(xpu->node));
		json_object_array_add(array, obj);
	}
	return array;
}

/* @found: what xpu_of_process() returned. */
static struct json_object *choice_json(int pid, int found,
				       const struct xpu_choice *choice,
				       const struct why *reason)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "pid", pid);
	json_put_text(obj, "reason", reason->text);
	json_put_text(obj, "address", found ? NULL : choice->xpu.bdf);
	if (found)
		return obj;
	json_object_object_add(obj, "node", json_node(choice->xpu.node));
	json_put_text(obj, "variable", choice->variable);
	json_put_u64(obj, "visible", choice->visible);
	json_object_object_add(obj, "sure",
			       json_object_new_boolean(choice->sure));
	return obj;
}

static void print_xpus(const struct xpu_list *list)
{
	char node[16];
	size_t i;

	if (!list->nr) {
		puts("no XPU in this machine");
		return;
	}
	printf("%-14s %-8s %-9s %-12s %s\n", "address", "vendor", "device",
	       "driver", "node");
	for (i = 0; i < list->nr; i++) {
		const struct xpu *xpu = &list->xpus[i];

		printf("%-14s %-8s %04x:%04x %-12s %s\n", xpu->bdf,
		       xpu->vendor ? xpu->vendor->name : "-", xpu->vendor_id,
		       xpu->device_id, xpu->driver[0] ? xpu->driver : "-",
		       node_text(xpu->node, node, sizeof(node)));
	}
}

static void print_choice(int pid, int found, const struct xpu_choice *choice,
			 const struct why *reason)
{
	char node[16];

	if (found) {
		printf("process %d: not known: %s\n", pid, reason->text);
		return;
	}
	printf("process %d: %s%s, node %s: %s\n", pid,
	       choice->sure ? "" : "perhaps ", choice->xpu.bdf,
	       node_text(choice->xpu.node, node, sizeof(node)), reason->text);
}

static int show(bool json, int pid)
{
	struct xpu_choice choice;
	struct why why, reason;
	struct xpu_list list;
	int found = 0, ret;

	if (xpu_find(&list, &why)) {
		complain("%s", why.text);
		return EXIT_FAILURE;
	}
	if (pid)
		found = xpu_of_process(pid, &choice, &reason);
	if (json) {
		struct json_object *obj = json_object_new_object();

		json_object_object_add(obj, "xpus", xpus_json(&list));
		json_object_object_add(obj, "process", !pid ? NULL :
				       choice_json(pid, found, &choice, &reason));
		ret = json_write(obj, stdout, &why);
	} else {
		print_xpus(&list);
		if (pid && found >= 0)
			print_choice(pid, found, &choice, &reason);
		ret = output_flush(&why);
	}
	if (ret)
		complain("%s", why.text);
	if (found < 0)
		complain("process %d: %s", pid, reason.text);
	xpu_list_free(&list);
	return ret || found < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_xpu(int argc, char **argv)
{
	const char *p;
	bool json = false;
	const struct option_arg options[] = {
		{ "json", .flag = &json },
		{ }
	};
	__u64 pid = 0;
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, 1);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	p = argv[optind];
	if (p && (decimal_parse(&p, &pid) || *p || !pid || pid > INT_MAX)) {
		complain("'%s' is not a process id", argv[optind]);
		return EXIT_FAILURE;
	}
	return show(json, (int)pid);
}
