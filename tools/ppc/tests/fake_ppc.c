// SPDX-License-Identifier: GPL-2.0
/*
 * A /dev/ppc that is made up, linked under maioctl by --wrap, so that what it
 * asks of the kernel can be tested without one.
 *
 * The words of $FAKE_PPC say what is wrong with it:
 *
 *	absent, off, abi	no device; kill switch thrown; another ABI
 *	<ioctl>=<errno>		attach, set, mode, record, replay, get, status,
 *				stats, detach fail with that number
 *	resident=<bytes>	cached when the recording began
 *	pieces=<n>		extents a file of the recorded template
 *	worker=<pid>		matched to a group in the replay
 *	read			much of what was read ahead
 *	workers=<n>		groups that a recording has seen
 *	memoryless		no node has memory
 *	nothing			the command read nothing
 *	half			it read half of the model
 *	scan			it read the first page of each file
 *	first			it read the first file only
 *	refused=<bytes>		a file of that size cannot be attached
 *	hang			fetching a template takes forever
 *	events=<n>		accesses ever; an attachment counts from its beginning
 *
 * So do those of the file $FAKE_PPC_FILE, which may change meanwhile. Each ioctl
 * adds a line to the file $FAKE_PPC_LOG. sysfs and procfs, where XPUs are looked
 * for, are below $FAKE_ROOT; attachments are looked for in $FAKE_PROC, if it is
 * set, instead of /proc.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "maioctl.h"

static __u64 sizes[MAIO_MAX_FILES];
static __u32 nr_files, nr_groups;
static bool stopped;
static __u64 events_before;
static __u64 model_bytes;
static int device = -1;
static int attachment = -1;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static void __attribute__((constructor)) set_root(void)
{
	const char *root = getenv("FAKE_ROOT");

	if (root)
		xpu_root = root;
}

static long long setting_in(const char *p, const char *word)
{
	size_t len = strlen(word);

	for (; p && *p; p = strchr(p, ','), p = p ? p + 1 : NULL) {
		if (strncmp(p, word, len))
			continue;
		if (p[len] == '=')
			return atoll(p + len + 1);
		if (!p[len] || p[len] == ',')
			return 0;
	}
	return -1;
}

/* The number behind "word=", 0 for the word alone, -1 without it. */
static long long setting(const char *word)
{
	const char *path = getenv("FAKE_PPC_FILE");
	FILE *in = path ? fopen(path, "re") : NULL;
	char text[256] = "";
	long long value = -1;

	if (in) {
		if (fgets(text, sizeof(text), in))
			text[strcspn(text, "\n")] = '\0';
		fclose(in);
		value = setting_in(text, word);
	}
	return value >= 0 ? value : setting_in(getenv("FAKE_PPC"), word);
}

static int note(const char *name)
{
	const char *path = getenv("FAKE_PPC_LOG");
	long long error = setting(name);
	FILE *log = path ? fopen(path, "ae") : NULL;

	if (log) {
		fprintf(log, "%s\n", name);
		fclose(log);
	}
	if (error > 0) {
		errno = (int)error;
		return -1;
	}
	return 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (strcmp(path, PPC_DEVICE))
		return __real_open(path, flags, mode);
	if (!setting("absent")) {
		errno = ENOENT;
		return -1;
	}
	device = __real_open("/dev/null", O_RDWR | O_CLOEXEC);
	return device;
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return __wrap_open(path, flags, mode);
}

/* Caller frees. */
static char *redirect(const char *path)
{
	const char *proc = getenv("FAKE_PROC");

	if (!proc || strncmp(path, "/proc", 5) || !strncmp(path, "/proc/self", 10))
		return xstrdup(path);
	return xasprintf("%s%s", proc, path + 5);
}

DIR *__wrap_opendir(const char *path)
{
	char *real = redirect(path);
	DIR *dir = __real_opendir(real);

	free(real);
	return dir;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	char *real = redirect(path);
	FILE *file = __real_fopen(real, mode);

	free(real);
	return file;
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	char *real = redirect(path);
	FILE *file = __real_fopen64(real, mode);

	free(real);
	return file;
}

static int fake_features(struct ppc_features *f)
{
	f->abi_version = setting("abi") ? PPC_ABI_VERSION : PPC_ABI_VERSION + 1;
	f->enabled = setting("off") ? 1 : 0;
	f->stride = 1 << 20;
	f->max_files = MAIO_MAX_FILES;
	f->max_attachments = 8;
	f->default_budget = 256 << 20;
	return 0;
}

static __u64 events_since(__u64 before)
{
	long long events = setting("events");

	return events > (long long)before ? events - before : 0;
}

static int fake_attach(const struct ppc_attach *a)
{
	const __s32 *fds = (const void *)(uintptr_t)a->fds;
	struct stat st;
	__u32 i;

	if (note("attach"))
		return -1;
	model_bytes = 0;
	for (i = 0; i < a->nr_fds; i++) {
		if (fstat(fds[i], &st))
			return -1;
		if (st.st_size == setting("refused")) {
			errno = EOPNOTSUPP;
			return -1;
		}
		sizes[i] = st.st_size;
		model_bytes += st.st_size;
	}
	nr_files = a->nr_fds;
	stopped = false;
	events_before = events_since(0);
	attachment = eventfd(0, EFD_NONBLOCK);
	return attachment;
}

/* Caller frees. */
static void *recorded(size_t *len)
{
	long long pieces = setting("pieces");
	__u32 i, nr = setting("first") ? nr_files : 1;
	struct maio_template_extent extents[64];
	const __u32 workers = setting("workers") > 0 ? setting("workers") : 1;
	__u32 counts[64];

	if (setting("scan") && setting("first") && workers == 1)
		return blob_make(sizes, nr_files, pieces > 0 ? pieces : 1, len);
	for (i = 0; i < nr; i++) {
		extents[i].file = htole32(i);
		extents[i].start = 0;
		extents[i].count = htole32(setting("scan") ? (sizes[i] + 4095) >> 12 : 1);
	}
	for (i = 0; i < workers; i++)
		counts[i] = i < workers - 1 ? 1 : nr - i;
	return blob_groups(sizes, nr_files, counts, workers, extents, len);
}

static int fake_get(struct maio_template_io *io)
{
	size_t len;
	void *blob;
	int ret = 0;

	if (note("get"))
		return -1;
	while (!setting("hang"))
		usleep(10000);
	if (!setting("nothing")) {
		errno = ENODATA;
		return -1;
	}
	blob = recorded(&len);
	if (io->len < len) {
		errno = ENOSPC;
		ret = -1;
	} else {
		memcpy((void *)(uintptr_t)io->buf, blob, len);
	}
	io->len = len;
	free(blob);
	return ret;
}

static int fake_set(const struct maio_template_io *io)
{
	struct template_view view;
	struct why why;

	if (note("set"))
		return -1;
	if (template_check((void *)(uintptr_t)io->buf, io->len, &view, &why)) {
		errno = EINVAL;
		return -1;
	}
	nr_groups = view.nr_groups;
	return 0;
}

static int fake_record_stop(void)
{
	long long workers = setting("workers");

	stopped = true;
	nr_groups = workers > 0 ? workers : 1;
	return note("record-stop");
}

static int fake_status(struct maio_status *status)
{
	long long resident = setting("resident");

	eventfd_t news;

	if (note("status"))
		return -1;
	eventfd_read(attachment, &news);
	memset(status, 0, sizeof(*status));
	status->node = -1;
	status->nr_groups = nr_groups;
	status->bound_groups = setting("worker") > 0;
	status->template_bytes = model_bytes;
	if (!setting("nothing"))
		status->template_bytes = 0;
	if (stopped && !setting("half"))
		status->template_bytes /= 2;
	status->resident_at_start = resident > 0 ? resident : 0;
	return 0;
}

static int fake_stats(struct ppc_stats *stats)
{
	if (note("stats"))
		return -1;
	memset(stats, 0, sizeof(*stats));
	stats->files = nr_files;
	stats->events_consume = events_since(events_before);
	stats->prefetched_bytes = model_bytes;
	stats->useful_bytes = setting("read") < 0 ? model_bytes : 1ULL << 40;
	stats->node_bytes[1] = model_bytes;
	return 0;
}

static int fake_group(struct maio_group_info *info)
{
	info->node = -1;
	info->pid = setting("worker");
	return 0;
}

static int fake_mode(const struct maio_mode_args *args)
{
	static const char *const modes[] = { "mode-keep", "mode-burn", "mode" };

	if (note(modes[args->mode]))
		return -1;
	if (args->node < 0 || setting("memoryless") < 0)
		return 0;
	errno = EINVAL;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd == device && request == PPC_IOC_FEATURES)
		return fake_features(arg);
	if (fd == device && request == PPC_IOC_ATTACH)
		return fake_attach(arg);
	if (fd != attachment)
		return __real_ioctl(fd, request, arg);
	switch (request) {
	case MAIO_IOC_RECORD_START:
		return note("record");
	case MAIO_IOC_RECORD_STOP:
		return fake_record_stop();
	case MAIO_IOC_REPLAY_START:
		if (setting("worker") > 0)
			eventfd_write(attachment, 1);
		return note("replay");
	case MAIO_IOC_SET_MODE:
		return fake_mode(arg);
	case MAIO_IOC_GROUP:
		return fake_group(arg);
	case MAIO_IOC_BIND:
		return note(((struct maio_bind *)arg)->node == 1 ? "node-1" : "node");
	case MAIO_IOC_GET_TEMPLATE:
		return fake_get(arg);
	case MAIO_IOC_SET_TEMPLATE:
		return fake_set(arg);
	case MAIO_IOC_STATUS:
		return fake_status(arg);
	case PPC_IOC_STATS:
		return fake_stats(arg);
	case PPC_IOC_DETACH:
		return note("detach");
	}
	errno = ENOTTY;
	return -1;
}
