// SPDX-License-Identifier: GPL-2.0
/*
 * The node of the pages: that of the XPU that will take them, according to the
 * environment of the loader.
 */
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

extern char **environ;

static bool node_known(const struct xpu_choice *choice)
{
	return choice->sure && choice->xpu.node >= 0;
}

/**
 * place_default - the node for all that is read, as far as it is known beforehand
 *
 * For a command that is run, as our own environment will be its.
 *
 * Return: the node of its XPU, or -1.
 */
int place_default(void)
{
	struct xpu_choice choice;
	size_t len = 0, room = 0;
	char *text = NULL;
	struct why why;
	char **var;
	int ret;

	for (var = environ; *var; var++) {
		size_t n = strlen(*var) + 1;

		if (len + n > room) {
			room = 2 * (len + n);
			text = xrealloc(text, room, 1);
		}
		memcpy(text + len, *var, n);
		len += n;
	}
	ret = xpu_of_environ(text ? text : "", len, &choice, &why);
	free(text);
	return !ret && node_known(&choice) ? choice.xpu.node : -1;
}

static void place_group(struct load *l, __u32 group)
{
	struct maio_group_info info;
	struct xpu_choice choice;
	struct why why;

	if (maio_group_get(l->fd, group, &info, &why) || !info.pid)
		return;
	if (xpu_of_process(info.pid, &choice, &why) || !node_known(&choice) ||
	    choice.xpu.node == info.node)
		return;
	if (!maio_group_place(l->fd, group, choice.xpu.node, &why))
		l->placed[group] = choice.xpu.node;
}

/**
 * place_workers - workers have been matched to groups: look where they load to
 * @arg: load that replays
 *
 * What cannot be found out or set is left as it is.
 *
 * Return: 0, or -1 when the kernel has no more to tell.
 */
int place_workers(void *arg)
{
	struct maio_status status;
	struct load *l = arg;
	struct why why;
	__u32 i;

	/* That it was asked is what makes the next match news. */
	if (maio_status_get(l->fd, &status, &why))
		return -1;
	for (i = 0; i < l->replayed_groups; i++)
		place_group(l, i);
	return 0;
}
