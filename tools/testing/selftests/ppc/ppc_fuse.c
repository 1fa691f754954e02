// SPDX-License-Identifier: GPL-2.0
/*
 * A FUSE server for tests, on /dev/fuse itself: no library is needed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/fuse.h>

#include "ppc_fuse.h"
#include "ppc_util.h"

#define THREADS		4
#define FILE_INO	2
#define FOREVER		100000		/* seconds */
#define MAX_PAGES	256
#define REQUEST_SIZE	(64 * KB)	/* all requests but writes fit, and nobody writes */

struct server {
	int dev;
	struct ppc_fuse_options options;
	struct ppc_fuse_state *state;
};

static void reply(const struct server *s, __u64 unique, int err, const void *data, size_t len)
{
	struct fuse_out_header head = {
		.len = sizeof(head) + len,
		.error = err,
		.unique = unique,
	};
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)data, len } };

	/* It fails if whoever asked has been killed, which is as good. */
	if (writev(s->dev, iov, len ? 2 : 1) < 0)
		return;
}

static struct fuse_attr attr_of(const struct server *s, __u64 ino)
{
	return (struct fuse_attr){
		.ino = ino,
		.size = ino == FILE_INO ? s->options.size : 0,
		.mode = ino == FILE_INO ? S_IFREG | 0644 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void do_init(const struct server *s, __u64 unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.flags = in->flags & (FUSE_ASYNC_READ | FUSE_MAX_PAGES),
		.max_background = s->options.max_background,
		.congestion_threshold = s->options.congestion_threshold,
		.max_write = 4096,
		.max_pages = MAX_PAGES,
	};

	reply(s, unique, 0, &out, sizeof(out));
}

static void do_lookup(const struct server *s, __u64 unique, const char *name)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_INO,
		.entry_valid = FOREVER,
		.attr_valid = FOREVER,
		.attr = attr_of(s, FILE_INO),
	};

	if (strcmp(name, PPC_FUSE_FILE))
		reply(s, unique, -ENOENT, NULL, 0);
	else
		reply(s, unique, 0, &out, sizeof(out));
}

static void do_getattr(const struct server *s, __u64 unique, __u64 ino)
{
	struct fuse_attr_out out = { .attr_valid = FOREVER, .attr = attr_of(s, ino) };

	reply(s, unique, 0, &out, sizeof(out));
}

static void do_open(const struct server *s, __u64 unique)
{
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };

	reply(s, unique, 0, &out, sizeof(out));
}

static void do_read(const struct server *s, __u64 unique, const struct fuse_read_in *in, char *buf)
{
	__u32 delay = __atomic_load_n(&s->state->delay_ms, __ATOMIC_RELAXED);
	const __u64 size = s->options.size, from = in->offset & ~7ULL;
	size_t len = 0;

	if (delay)
		usleep(delay * 1000);
	if (in->offset < size)
		len = in->size < size - in->offset ? in->size : size - in->offset;
	ppc_pattern(buf, s->options.base + from, in->offset - from + len);
	reply(s, unique, 0, buf + (in->offset - from), len);
	__atomic_fetch_add(&s->state->reads, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->state->read_bytes, len, __ATOMIC_RELAXED);
}

static void wait_while_stopped(const struct server *s)
{
	if (!__atomic_load_n(&s->state->stopped, __ATOMIC_ACQUIRE))
		return;
	__atomic_fetch_add(&s->state->held, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&s->state->stopped, __ATOMIC_ACQUIRE))
		usleep(1000);
	__atomic_fetch_sub(&s->state->held, 1, __ATOMIC_RELAXED);
}

static void serve(const struct server *s, const struct fuse_in_header *in, char *buf)
{
	const void *arg = in + 1;

	switch (in->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	}
	wait_while_stopped(s);
	switch (in->opcode) {
	case FUSE_INIT:
		return do_init(s, in->unique, arg);
	case FUSE_LOOKUP:
		return do_lookup(s, in->unique, arg);
	case FUSE_GETATTR:
		return do_getattr(s, in->unique, in->nodeid);
	case FUSE_OPEN:
		return do_open(s, in->unique);
	case FUSE_READ:
		return do_read(s, in->unique, arg, buf);
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		return reply(s, in->unique, 0, NULL, 0);
	}
	reply(s, in->unique, -ENOSYS, NULL, 0);
}

static void *server_thread(void *arg)
{
	const struct server *s = arg;
	char *request = malloc(REQUEST_SIZE), *buf = malloc(MAX_PAGES * 4096 + 8);
	ssize_t n;

	if (!request || !buf)
		_exit(1);
	for (;;) {
		n = read(s->dev, request, REQUEST_SIZE);
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve(s, (void *)request, buf);
		/* ENOENT: whoever asked was killed before this was read. */
		else if (n >= 0 || (errno != EINTR && errno != EAGAIN && errno != ENOENT))
			_exit(n < 0 && errno == ENODEV ? 0 : 1);
	}
	return NULL;
}

static void server_main(struct server *s)
{
	pthread_t thread;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* No other file system may be busy because of it. */
	if (chdir("/") || dup2(s->dev, 3) < 0)
		_exit(1);
	syscall(__NR_close_range, 4, ~0U, 0);
	s->dev = 3;
	for (i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, server_thread, s))
			_exit(1);
	server_thread(s);
}

/* Mount it, and start its server; 0 or -errno, -ENODEV if the kernel has no FUSE. */
int ppc_fuse_mount(struct ppc_fuse *fuse, const char *dir, const struct ppc_fuse_options *options)
{
	struct server s = { .options = *options };
	char text[128];
	int err;

	*fuse = (struct ppc_fuse){ .server = -1 };
	snprintf(fuse->dir, sizeof(fuse->dir), "%s", dir);
	s.dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s.dev < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	fuse->state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuse->state == MAP_FAILED) {
		err = -ENOMEM;
		goto out_close;
	}
	s.state = fuse->state;
	snprintf(text, sizeof(text),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		 s.dev);
	if (mount("ppc", dir, "fuse.ppc", MS_NOSUID | MS_NODEV, text)) {
		err = -errno;
		goto out_unmap;
	}
	fuse->server = fork();
	if (!fuse->server)
		server_main(&s);
	err = fuse->server < 0 ? -errno : 0;
	if (!err)
		goto out_close;
	umount2(dir, MNT_DETACH);
out_unmap:
	munmap(fuse->state, 4096);
out_close:
	close(s.dev);
	return err;
}

/* Answer each read only after so long. */
void ppc_fuse_delay(struct ppc_fuse *fuse, unsigned int ms)
{
	__atomic_store_n(&fuse->state->delay_ms, ms, __ATOMIC_RELAXED);
}

/* Answer nothing, or go on. */
void ppc_fuse_stop(struct ppc_fuse *fuse, bool stop)
{
	__atomic_store_n(&fuse->state->stopped, stop, __ATOMIC_RELEASE);
}

/* Unmount it, which ends the server. -EBUSY if it stays in use; it is taken away all the same. */
int ppc_fuse_unmount(struct ppc_fuse *fuse)
{
	int err = -EBUSY, status, i;

	ppc_fuse_delay(fuse, 0);
	ppc_fuse_stop(fuse, false);
	for (i = 0; err == -EBUSY && i < PPC_PATIENCE * 10; i++) {
		err = umount(fuse->dir) ? -errno : 0;
		if (err)
			usleep(100000);
	}
	if (err) {
		kill(fuse->server, SIGKILL);
		umount2(fuse->dir, MNT_DETACH);
	}
	if (waitpid(fuse->server, &status, 0) != fuse->server ||
	    (!err && (!WIFEXITED(status) || WEXITSTATUS(status))))
		err = err ?: -EIO;
	munmap(fuse->state, 4096);
	return err;
}
