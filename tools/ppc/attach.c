// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of /dev/ppc and of attachments, each with a reason in words when
 * the kernel refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "maioctl.h"

/* More than any template takes; the kernel is not to make us ask for more. */
#define GET_TRIES		8
#define GET_FIRST_BYTES		(64UL << 10)

/**
 * struct hint - what an errno means, said by an ioctl
 * @request: the ioctl
 * @error: errno
 * @text: what it means there, or what to do
 */
struct hint {
	unsigned long request;
	int error;
	const char *text;
};

static const struct hint hints[] = {
	{ PPC_IOC_ATTACH, ENOENT,
	  "no policy of that name; for MAIO, as root: modprobe ppc_maio" },
	{ PPC_IOC_ATTACH, EPERM,
	  "you neither own a file nor may write it, or only root may attach; see maioctl serve" },
	{ PPC_IOC_ATTACH, EINVAL,
	  "a file or an argument that policies do not take" },
	{ PPC_IOC_ATTACH, EOPNOTSUPP,
	  "DAX, tmpfs and hugetlbfs have no page cache to fill" },
	{ PPC_IOC_ATTACH, ETXTBSY, "a file is swapped to" },
	{ PPC_IOC_ATTACH, E2BIG, "too many files" },
	{ PPC_IOC_ATTACH, ENOSPC, "a file has as many attachments as it may" },
	{ PPC_IOC_ATTACH, EDQUOT,
	  "as many attachments or files as one user may have" },
	{ MAIO_IOC_SET_TEMPLATE, EDQUOT,
	  "more kernel memory than one user may have: /proc/sys/user/max_ppc_state" },
	{ MAIO_IOC_REPLAY_START, EDQUOT,
	  "more kernel memory than one user may have: /proc/sys/user/max_ppc_state" },
	{ MAIO_IOC_RECORD_START, EDQUOT,
	  "more kernel memory than one user may have: /proc/sys/user/max_ppc_state" },
	{ MAIO_IOC_SET_TEMPLATE, EINVAL, "the kernel finds it malformed" },
	{ MAIO_IOC_SET_TEMPLATE, EBADMSG, "the kernel finds it malformed" },
	{ MAIO_IOC_SET_TEMPLATE, EPROTONOSUPPORT,
	  "of a version the kernel does not know" },
	{ MAIO_IOC_SET_TEMPLATE, ESTALE, "a file has changed since" },
	{ MAIO_IOC_SET_TEMPLATE, E2BIG, "larger than the kernel allows" },
	{ MAIO_IOC_REPLAY_START, ESTALE, "a file has changed since" },
	{ MAIO_IOC_REPLAY_START, ENODATA, "there is no template" },
	{ MAIO_IOC_REPLAY_START, E2BIG, "a worker's part is over 2 TiB" },
	{ MAIO_IOC_RECORD_STOP, ESTALE, "a file changed meanwhile" },
	{ MAIO_IOC_GET_TEMPLATE, ENODATA, "the command read nothing of the model" },
	{ MAIO_IOC_GET_TEMPLATE, EOVERFLOW, "more accesses than can be noted" },
	{ MAIO_IOC_SET_MODE, EINVAL,
	  "a node without memory, or a gap that is too large" },
	{ MAIO_IOC_BIND, EINVAL, "a node without memory" },
};

static int failed(unsigned long request, const char *what, struct why *why)
{
	const char *text = NULL;
	int error = errno;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		if (hints[i].request == request && hints[i].error == error)
			text = hints[i].text;
	}
	if (error == ENOTTY)
		text = "the kernel or its policy does not know how";
	if (text)
		why_set(why, "%s: %s (%s)", what, strerror(error), text);
	else
		why_set(why, "%s: %s", what, strerror(error));
	errno = error;
	return -1;
}

/* Every call either happens or not: what a signal broke off is asked again. */
static int ask(int fd, unsigned long request, void *arg, const char *what,
	       struct why *why)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? failed(request, what, why) : ret;
}

/**
 * ppc_open - open /dev/ppc and see what it can do
 * @features: filled in
 * @why: why not, and what to do about it
 *
 * Return: the device's file descriptor, or -1.
 */
int ppc_open(struct ppc_features *features, struct why *why)
{
	int fd = open(PPC_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return why_set(why, "no " PPC_DEVICE ": this needs a kernel with CONFIG_FS_PPC, and for MAIO, as root: modprobe ppc_maio");
	if (fd < 0)
		return why_set(why, "cannot open " PPC_DEVICE ": %s",
			       strerror(errno));
	memset(features, 0, sizeof(*features));
	if (ask(fd, PPC_IOC_FEATURES, features, "cannot ask " PPC_DEVICE, why))
		goto close;
	if (features->abi_version != PPC_ABI_VERSION) {
		why_set(why, "the kernel has version %u of the ABI, and this maioctl knows %u",
			features->abi_version, PPC_ABI_VERSION);
		goto close;
	}
	return fd;
close:
	close(fd);
	return -1;
}

/* Is it about a file, and not about the attachment as a whole? */
static bool refuses_file(int error)
{
	return error == EOPNOTSUPP || error == EPERM || error == EINVAL ||
	       error == ETXTBSY || error == ENOSPC;
}

/*
 * The kernel does not say which file it does not take, so try one by one.
 * Return: 0 if it takes some, and only these are left; or -1.
 */
static int leave_out_refused(int dev, struct ppc_attach args, const char *what,
			     struct model *model, struct why *note)
{
	bool *refused = xalloc(model->nr, sizeof(*refused));
	size_t i, nr = model->nr, nr_refused = 0;
	struct why why;
	int fd;

	args.nr_fds = 1;
	for (i = 0; i < nr; i++) {
		args.fds = (uintptr_t)&model->fds[i];
		fd = ask(dev, PPC_IOC_ATTACH, &args, what, &why);
		if (fd >= 0) {
			close(fd);
			continue;
		}
		refused[i] = refuses_file(errno);
		if (refused[i] && !nr_refused++)
			why_set(note, "%s: %s", model->files[i].path, why.text);
	}
	if (nr_refused && nr_refused < nr) {
		why = *note;
		why_set(note, "%zu of %zu files left alone: %s", nr_refused, nr, why.text);
		for (i = nr; i--;) {
			if (refused[i])
				model_leave_out(model, i);
		}
	}
	free(refused);
	return nr_refused && nr_refused < nr ? 0 : -1;
}

/**
 * ppc_attach_files - bind a policy to the files of a model
 * @dev: from ppc_open()
 * @policy: the policy's name
 * @model: the files; those that the kernel does not take are left out, if it
 *	takes others
 * @pid: the process that starts the load, for it alone; 0 for any
 * @budget: bytes ahead of the readers at most; 0: the kernel's default
 * @ceiling: bytes of the files that may be cached; 0: no such bound
 * @note: set to which files were left out, and why
 * @why: why not
 *
 * Return: the attachment's file descriptor, closed on exec; or -1.
 */
int ppc_attach_files(int dev, const char *policy, struct model *model, pid_t pid,
		     __u64 budget, __u64 ceiling, struct why *note, struct why *why)
{
	struct ppc_attach args = {
		.pid = pid,
		.fds = (uintptr_t)model->fds,
		.nr_fds = model->nr,
		.budget = budget,
		.max_resident = ceiling,
	};
	char *what;
	int fd;

	if (strlen(policy) >= sizeof(args.policy))
		return why_set(why, "policy name '%s' is too long", policy);
	memcpy(args.policy, policy, strlen(policy));
	what = xasprintf("cannot attach policy '%s'", policy);
	fd = ask(dev, PPC_IOC_ATTACH, &args, what, why);
	if (fd < 0 && refuses_file(errno) &&
	    !leave_out_refused(dev, args, what, model, note)) {
		args.nr_fds = model->nr;
		fd = ask(dev, PPC_IOC_ATTACH, &args, what, why);
	}
	free(what);
	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		why_set(why, "fcntl: %s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int ppc_stats_get(int fd, struct ppc_stats *stats, struct why *why)
{
	memset(stats, 0, sizeof(*stats));
	return ask(fd, PPC_IOC_STATS, stats, "cannot get counters", why);
}

/* Waits until the kernel has let go, and can be killed meanwhile. */
int ppc_detach(int fd, struct why *why)
{
	if (ioctl(fd, PPC_IOC_DETACH) < 0)
		return failed(PPC_IOC_DETACH, "cannot detach", why);
	return 0;
}

int maio_record_start(int fd, struct why *why)
{
	return ask(fd, MAIO_IOC_RECORD_START, NULL, "cannot record", why);
}

int maio_record_stop(int fd, struct why *why)
{
	return ask(fd, MAIO_IOC_RECORD_STOP, NULL, "cannot end the recording",
		   why);
}

int maio_replay_start(int fd, struct why *why)
{
	return ask(fd, MAIO_IOC_REPLAY_START, NULL, "cannot replay", why);
}

int maio_template_set(int fd, const void *blob, size_t len, struct why *why)
{
	struct maio_template_io io = { .buf = (uintptr_t)blob, .len = len };

	return ask(fd, MAIO_IOC_SET_TEMPLATE, &io, "template refused", why);
}

/**
 * maio_template_get - fetch what was recorded
 * @fd: the attachment
 * @len: bytes of the template
 * @why: why not
 *
 * Return: the template, which the caller frees; or NULL.
 */
void *maio_template_get(int fd, size_t *len, struct why *why)
{
	struct maio_template_io io = { .len = GET_FIRST_BYTES };
	size_t room;
	void *buf;
	int i, ret;

	for (i = 0; i < GET_TRIES; i++) {
		room = io.len;
		buf = xalloc(room, 1);
		io.buf = (uintptr_t)buf;
		ret = ask(fd, MAIO_IOC_GET_TEMPLATE, &io,
			  "cannot fetch the template", why);
		if (!ret && io.len <= room) {
			*len = io.len;
			return buf;
		}
		if (ret && errno != ENOSPC) {
			free(buf);
			return NULL;
		}
		free(buf);
		if (io.len <= room || io.len > TEMPLATE_MAX_BYTES)
			break;
	}
	why_set(why, "cannot fetch the template: the kernel does not say how large it is");
	return NULL;
}

int maio_mode_set(int fd, enum maio_mode mode, int node, __u64 gap,
		  struct why *why)
{
	struct maio_mode_args args = { .mode = mode, .node = node, .gap = gap };

	return ask(fd, MAIO_IOC_SET_MODE, &args, "cannot set mode, node and gap",
		   why);
}

/**
 * maio_group_get - ask about one group of the replay
 * @fd: the attachment
 * @group: which one
 * @info: filled in
 * @why: why not
 *
 * Return: 0 or -1.
 */
int maio_group_get(int fd, __u32 group, struct maio_group_info *info,
		   struct why *why)
{
	memset(info, 0, sizeof(*info));
	info->group = group;
	return ask(fd, MAIO_IOC_GROUP, info, "cannot ask about a group", why);
}

/**
 * maio_group_place - have a group's pages read to a node
 * @fd: the attachment
 * @group: which one
 * @node: the node
 * @why: why not
 *
 * Return: 0 or -1.
 */
int maio_group_place(int fd, __u32 group, int node, struct why *why)
{
	struct maio_bind bind = { .group = group, .node = node };

	return ask(fd, MAIO_IOC_BIND, &bind, "cannot place a group", why);
}

int maio_status_get(int fd, struct maio_status *status, struct why *why)
{
	memset(status, 0, sizeof(*status));
	return ask(fd, MAIO_IOC_STATUS, status, "cannot get MAIO's status", why);
}
