// SPDX-License-Identifier: GPL-2.0
/*
 * The table of file descriptors: files on several file systems and things that are no files, which
 * all processes inherit, and the attachments of each process, which its threads make, share and
 * close behind each other's back.
 */
#include <pthread.h>
#include <sys/mount.h>

#include "ppc_fuzz.h"

#define ATTACHMENTS	5	/* of a process; a file can have eight of all processes */
#define HUGE		INT64_MAX

#define BASE(n)		((__u64)(n) << 40)

struct fuzz_file fuzz_files[] = {
	{ .name = "ext4", .size = 8 * MB, .base = BASE(1) },
	{ .name = "xfs", .size = 8 * MB + 4711, .base = BASE(2) },
	{ .name = "overlay", .size = 4 * MB, .base = BASE(3) },
	{ .name = "fuse", .size = 6 * MB, .base = BASE(4) },
	{ .name = "ext4, changes", .size = 8 * MB, .base = BASE(5), .changes = true },
	{ .name = "xfs, changes", .size = 8 * MB, .base = BASE(6), .changes = true },
	{ .name = "overlay, changes", .size = 4 * MB, .base = BASE(7), .changes = true },
	{ .name = "sparse", .size = HUGE, .hole = true },
};

const unsigned int fuzz_nr_files = sizeof(fuzz_files) / sizeof(*fuzz_files);

enum { EXT4, XFS, OVERLAY, FUSE, EXT4_CHANGES, XFS_CHANGES, OVERLAY_CHANGES, SPARSE };

#define STEADY	(FUSE + 1)

struct ppc_fuse fuzz_fuse;
int fuzz_dev = -1;

/* Which are not files to attach, or not open in the right way. */
static int odd[10];
static unsigned int nr_odd;
static char overlay[300];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fuzz_att table[ATTACHMENTS];
static unsigned int nr_table;

static int fill(struct fuzz_file *file, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644), ret = 0;
	char *buf = malloc(MB);
	__u64 pos;

	if (fd < 0 || !buf)
		ret = -errno;
	if (!ret && file->hole && ftruncate(fd, file->size))
		ret = -errno;
	for (pos = 0; !ret && !file->hole && pos < file->size; pos += MB) {
		size_t n = file->size - pos < MB ? file->size - pos : MB;

		ppc_pattern(buf, file->base + pos, n);
		if (pwrite(fd, buf, n, pos) != (ssize_t)n)
			ret = errno ? -errno : -EIO;
	}
	if (!ret && fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(buf);
	return ret;
}

static int open_file(struct fuzz_file *file)
{
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	file->wfd = file->changes ? open(file->path, O_RDWR | O_CLOEXEC) : -1;
	if (file->fd < 0 || (file->changes && file->wfd < 0))
		return -errno;
	/* Of an overlay, the one opened first is not the one that is read from now on. */
	if (file->changes && (dup3(file->wfd, file->fd, O_CLOEXEC) < 0 || lseek(file->fd, 0, 0)))
		return -errno;
	return 0;
}

static int make_overlay(const char *dir)
{
	char text[1200];
	int err;

	snprintf(text, sizeof(text), "cd %s && mkdir -p lower upper work merged", dir);
	if (system(text))
		return -EIO;
	snprintf(text, sizeof(text), "%s/lower/steady", dir);
	err = fill(&fuzz_files[OVERLAY], text);
	snprintf(text, sizeof(text), "%s/lower/changes", dir);
	err = err ?: fill(&fuzz_files[OVERLAY_CHANGES], text);
	if (err)
		return err;
	snprintf(overlay, sizeof(overlay), "%s/merged", dir);
	snprintf(text, sizeof(text), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 dir, dir, dir);
	if (mount("overlay", overlay, "overlay", 0, text)) {
		overlay[0] = 0;
		return -errno;
	}
	snprintf(fuzz_files[OVERLAY].path, FUZZ_PATH, "%s/steady", overlay);
	snprintf(fuzz_files[OVERLAY_CHANGES].path, FUZZ_PATH, "%s/changes", overlay);
	return 0;
}

static void make_odd(const char *dir)
{
	int pipes[2];

	if (!pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) {
		odd[nr_odd++] = pipes[0];
		odd[nr_odd++] = pipes[1];
	}
	odd[nr_odd++] = memfd_create("ppc_fuzz", MFD_CLOEXEC);
	odd[nr_odd++] = open(fuzz_files[EXT4].path, O_PATH | O_CLOEXEC);
	odd[nr_odd++] = open(fuzz_files[XFS_CHANGES].path, O_WRONLY | O_CLOEXEC);
	odd[nr_odd++] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	odd[nr_odd++] = open("/dev/null", O_RDWR | O_CLOEXEC);
	odd[nr_odd++] = open("/proc/version", O_RDONLY | O_CLOEXEC);
	odd[nr_odd++] = -1;
	odd[nr_odd++] = fuzz_dev;
}

/* Make and open all of them; 0 or -errno. */
int fuzz_files_make(void)
{
	const struct ppc_fuse_options fuse = { .size = fuzz_files[FUSE].size,
					       .base = fuzz_files[FUSE].base };
	char ext4[256], xfs[256], dir[300];
	unsigned int i;
	int err;

	if (!ppc_dir("ext4", ext4, sizeof(ext4)) || !ppc_dir("xfs", xfs, sizeof(xfs)))
		return -ENODEV;
	snprintf(dir, sizeof(dir), "%s/fuse", ext4);
	if (mkdir(dir, 0755))
		return -errno;
	err = ppc_fuse_mount(&fuzz_fuse, dir, &fuse);
	if (err)
		return err;
	snprintf(fuzz_files[FUSE].path, FUZZ_PATH, "%s/" PPC_FUSE_FILE, dir);
	err = make_overlay(ext4);
	snprintf(fuzz_files[EXT4].path, FUZZ_PATH, "%s/steady", ext4);
	snprintf(fuzz_files[EXT4_CHANGES].path, FUZZ_PATH, "%s/changes", ext4);
	snprintf(fuzz_files[XFS].path, FUZZ_PATH, "%s/steady", xfs);
	snprintf(fuzz_files[XFS_CHANGES].path, FUZZ_PATH, "%s/changes", xfs);
	snprintf(fuzz_files[SPARSE].path, FUZZ_PATH, "%s/sparse", xfs);
	for (i = 0; !err && i < fuzz_nr_files; i++) {
		if (i != OVERLAY && i != OVERLAY_CHANGES && i != FUSE)
			err = fill(&fuzz_files[i], fuzz_files[i].path);
		err = err ?: open_file(&fuzz_files[i]);
	}
	fuzz_dev = open(PPC_DEV, O_RDWR | O_CLOEXEC);
	if (!err && fuzz_dev < 0)
		err = -errno;
	make_odd(ext4);
	return err;
}

void fuzz_files_close(void)
{
	unsigned int i;

	for (i = 0; i < fuzz_nr_files; i++) {
		close(fuzz_files[i].fd);
		if (fuzz_files[i].changes)
			close(fuzz_files[i].wfd);
	}
	for (i = 0; i < nr_odd; i++)
		if (odd[i] >= 0)
			close(odd[i]);
}

int fuzz_files_unmount(void)
{
	int err = 0, i;

	for (i = 0; overlay[0] && i < PPC_PATIENCE * 10; i++) {
		err = umount(overlay) ? -errno : 0;
		if (err != -EBUSY)
			break;
		usleep(100000);
	}
	return ppc_fuse_unmount(&fuzz_fuse) ?: err;
}

/* Index of a file; of a steady one, nothing is changed. */
int fuzz_pick_file(struct fuzz *f, bool steady)
{
	return fuzz_below(&f->rng, steady ? STEADY : fuzz_nr_files);
}

/* Anything that there is. */
int fuzz_pick_fd(struct fuzz *f)
{
	struct fuzz_att att;

	switch (fuzz_below(&f->rng, 3)) {
	case 0:
		if (fuzz_att_get(f, -1, &att))
			return att.fd;
		break;
	case 1:
		return fuzz_files[fuzz_pick_file(f, false)].fd;
	}
	return odd[fuzz_below(&f->rng, nr_odd)];
}

/* One of the attachments, of any policy if @policy is -1; another thread may close it any time. */
bool fuzz_att_get(struct fuzz *f, int policy, struct fuzz_att *att)
{
	unsigned int i, at = fuzz_below(&f->rng, ATTACHMENTS);
	bool found = false;

	pthread_mutex_lock(&lock);
	for (i = 0; !found && i < nr_table; i++) {
		*att = table[(at + i) % nr_table];
		found = policy < 0 || att->policy == (enum fuzz_policy)policy;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

/* A new one; if there are many, an old one is closed. */
void fuzz_att_put(struct fuzz *f, const struct fuzz_att *att)
{
	const unsigned int at = fuzz_below(&f->rng, ATTACHMENTS);
	int old = -1;

	pthread_mutex_lock(&lock);
	if (nr_table < ATTACHMENTS) {
		table[nr_table++] = *att;
	} else {
		old = table[at].fd;
		table[at] = *att;
	}
	pthread_mutex_unlock(&lock);
	if (old >= 0)
		close(old);
}

/* What has become of it, if it is still there. */
void fuzz_att_update(const struct fuzz_att *att)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < nr_table; i++)
		if (table[i].fd == att->fd)
			table[i] = *att;
	pthread_mutex_unlock(&lock);
}

/* Take one out of the table; it is the caller's to close. */
bool fuzz_att_take(struct fuzz *f, struct fuzz_att *att)
{
	unsigned int at = fuzz_below(&f->rng, ATTACHMENTS);
	bool found;

	pthread_mutex_lock(&lock);
	found = at < nr_table;
	if (found) {
		*att = table[at];
		table[at] = table[--nr_table];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

/* A child may use the table. */
pid_t fuzz_fork(void)
{
	pid_t pid;

	pthread_mutex_lock(&lock);
	pid = fork();
	pthread_mutex_unlock(&lock);
	return pid;
}

/* What a changing file may hold: the pattern, its complement, which is written, or nothing. */
static long verify_changing(const __u8 *mem, __u64 pos, size_t len)
{
	static __thread __u8 want[64 * KB];
	size_t done, i, n;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(want) ? len - done : sizeof(want);
		ppc_pattern(want, pos + done, n);
		for (i = 0; i < n; i++)
			if (mem[done + i] && mem[done + i] != want[i] &&
			    mem[done + i] != (__u8)~want[i])
				return pos + done + i;
	}
	return -1;
}

static long verify_hole(const __u8 *mem, __u64 pos, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (mem[i])
			return pos + i;
	return -1;
}

/* Is it what the file has at @pos, which must be a multiple of 8? */
void fuzz_verify(const struct fuzz_file *file, const void *mem, __u64 pos, size_t len)
{
	long bad;

	if (file->hole)
		bad = verify_hole(mem, pos, len);
	else if (file->changes)
		bad = verify_changing(mem, file->base + pos, len);
	else
		bad = ppc_verify_mem(mem, file->base + pos, len);
	__atomic_fetch_add(&fuzz_shared->verified, len, __ATOMIC_RELAXED);
	if (bad == -1)
		return;
	if (!__atomic_fetch_add(&fuzz_shared->wrong, 1, __ATOMIC_RELAXED))
		snprintf(fuzz_shared->wrong_what, sizeof(fuzz_shared->wrong_what),
			 "%s: byte %llu is 0x%02x", file->name, bad - file->base,
			 ((const __u8 *)mem)[bad - file->base - pos]);
}

__u64 fuzz_size(int file)
{
	struct stat st;

	return fstat(fuzz_files[file].fd, &st) ? 0 : st.st_size;
}
