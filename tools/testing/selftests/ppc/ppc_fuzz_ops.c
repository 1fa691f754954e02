// SPDX-License-Identifier: GPL-2.0
/*
 * What happens beside the ioctls: files are read, and what is read is compared; files change;
 * memory, processes, users, control groups and the system's switches do what they do.
 */
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "ppc_fuzz.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define ARRAY_LEN(a)	(sizeof(a) / sizeof(*(a)))

/* Attachments on their way from one process to another. */
static int sockets[2] = { -1, -1 };

char fuzz_cgroups[2][256];

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* Somewhere in a file, a multiple of 8; up to a bit beyond the end. */
static __u64 some_pos(struct fuzz *f, int file)
{
	return fuzz_below(&f->rng, fuzz_size(file) + FUZZ_PAGE) & ~7ULL & INT64_MAX;
}

static size_t some_len(struct fuzz *f)
{
	return 1 + fuzz_below(&f->rng, fuzz_one_in(&f->rng, 4) ? 256 * KB : 3 * FUZZ_PAGE);
}

static int op_read(struct fuzz *f)
{
	static const int flags[] = { 0, 0, 0, RWF_NOWAIT, RWF_DONTCACHE };
	const int file = fuzz_pick_file(f, false);
	const __u64 pos = some_pos(f, file);
	struct iovec iov = { f->buf, some_len(f) };
	ssize_t n = preadv2(fuzz_files[file].fd, &iov, 1, pos,
			    flags[fuzz_below(&f->rng, ARRAY_LEN(flags))]);

	if (n > 0)
		fuzz_verify(&fuzz_files[file], f->buf, pos, n);
	return result(n);
}

/* As a load does: much of it, in order, by one process. */
static int op_read_through(struct fuzz *f)
{
	const int file = fuzz_pick_file(f, !fuzz_one_in(&f->rng, 4));
	const size_t step = 64 * KB << fuzz_below(&f->rng, 4);
	__u64 pos = fuzz_one_in(&f->rng, 2) ? 0 : some_pos(f, file), end = pos + 3 * MB;
	ssize_t n = 0;

	for (; pos < end; pos += n) {
		n = pread(fuzz_files[file].fd, f->buf, step, pos);
		if (n <= 0)
			break;
		fuzz_verify(&fuzz_files[file], f->buf, pos, n);
		/* What is not a multiple of 8 is the end. */
		if (n & 7)
			break;
	}
	return result(n);
}

static __thread sigjmp_buf bus;
static __thread bool may_fault;

static void on_bus(int sig)
{
	if (__atomic_load_n(&may_fault, __ATOMIC_RELAXED))
		siglongjmp(bus, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Copy out of a mapping; false if that cannot be read. */
static bool copy_mapped(void *to, const void *from, size_t len)
{
	if (sigsetjmp(bus, 1)) {
		__atomic_store_n(&may_fault, false, __ATOMIC_SEQ_CST);
		return false;
	}
	__atomic_store_n(&may_fault, true, __ATOMIC_SEQ_CST);
	memcpy(to, from, len);
	__atomic_store_n(&may_fault, false, __ATOMIC_SEQ_CST);
	return true;
}

static void disturb_mapping(struct fuzz *f, void **map, size_t *len)
{
	static const int advice[] = { MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
				      MADV_COLD, MADV_PAGEOUT, MADV_COLLAPSE };
	size_t half;
	void *moved;

	switch (fuzz_below(&f->rng, 4)) {
	case 0:
		madvise(*map, *len, advice[fuzz_below(&f->rng, ARRAY_LEN(advice))]);
		break;
	case 1:
		/* Until it is unmapped. */
		mlock2(*map, *len < 64 * KB ? *len : 64 * KB,
		       fuzz_one_in(&f->rng, 2) ? MLOCK_ONFAULT : 0);
		break;
	case 2:
		half = (*len / 2 + FUZZ_PAGE) & -FUZZ_PAGE;
		moved = mremap(*map, *len, half, MREMAP_MAYMOVE);
		if (moved != MAP_FAILED) {
			*map = moved;
			*len = half;
		}
		break;
	}
}

/*
 * collapse_file() of Linux 7.3 waits for the invalidate_lock with folios locked. Punching a hole
 * takes that lock and waits for a folio: a deadlock. By its code, it needs no attachment.
 */
void fuzz_no_collapse(void *map, size_t len)
{
	madvise(map, len, MADV_NOHUGEPAGE);
}

static int op_map(struct fuzz *f)
{
	const int file = fuzz_pick_file(f, fuzz_one_in(&f->rng, 2));
	const __u64 pos = some_pos(f, file) & -FUZZ_PAGE;
	size_t len = FUZZ_PAGE * (1 + fuzz_below(&f->rng, 256)), at, n;
	void *map = mmap(NULL, len, PROT_READ, fuzz_one_in(&f->rng, 2) ? MAP_SHARED : MAP_PRIVATE,
			 fuzz_files[file].fd, pos);
	int i;

	if (map == MAP_FAILED)
		return -errno;
	if (fuzz_files[file].changes)
		fuzz_no_collapse(map, len);
	for (i = 0; i < 4; i++) {
		disturb_mapping(f, &map, &len);
		at = fuzz_below(&f->rng, len) & ~7ULL;
		n = some_len(f);
		n = n < len - at ? n : len - at;
		/* Of the last page, what is behind the end is nothing. */
		if (pos + at + n > fuzz_size(file))
			continue;
		if (copy_mapped(f->buf, map + at, n))
			fuzz_verify(&fuzz_files[file], f->buf, pos + at, n);
	}
	return result(munmap(map, len));
}

static int op_advise(struct fuzz *f)
{
	static const int advice[] = { POSIX_FADV_DONTNEED, POSIX_FADV_DONTNEED, POSIX_FADV_WILLNEED,
				      POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL, POSIX_FADV_NORMAL };
	const int file = fuzz_pick_file(f, false);
	const int fd = fuzz_files[file].fd;

	if (fuzz_one_in(&f->rng, 4))
		return result(readahead(fd, some_pos(f, file), some_len(f)));
	return -posix_fadvise(fd, fuzz_one_in(&f->rng, 2) ? 0 : some_pos(f, file),
			      fuzz_one_in(&f->rng, 2) ? 0 : MB,
			      advice[fuzz_below(&f->rng, ARRAY_LEN(advice))]);
}

static int op_splice(struct fuzz *f)
{
	const int file = fuzz_pick_file(f, false);
	off_t pos = some_pos(f, file);
	int pipes[2], ret;
	ssize_t n;

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	n = splice(fuzz_files[file].fd, &pos, pipes[1], NULL, some_len(f), SPLICE_F_NONBLOCK);
	ret = result(n);
	pos -= n > 0 ? n : 0;
	if (n > 0 && read(pipes[0], f->buf, n) == n)
		fuzz_verify(&fuzz_files[file], f->buf, pos, n);
	close(pipes[0]);
	close(pipes[1]);
	return ret;
}

static const struct fuzz_file *pick_changing(struct fuzz *f)
{
	int file;

	do
		file = fuzz_pick_file(f, false);
	while (!fuzz_files[file].changes);
	return &fuzz_files[file];
}

static int op_write(struct fuzz *f)
{
	const struct fuzz_file *file = pick_changing(f);
	const __u64 pos = fuzz_below(&f->rng, file->size) & ~7ULL;
	const size_t len = some_len(f);
	__u64 *word = (void *)f->buf;
	size_t i;

	ppc_pattern(f->buf, file->base + pos, (len + 8) & ~7ULL);
	for (i = 0; i < (len + 8) / 8; i++)
		word[i] = ~word[i];
	return result(pwrite(file->wfd, f->buf, len, pos));
}

static int op_truncate(struct fuzz *f)
{
	const struct fuzz_file *file = pick_changing(f);

	return result(ftruncate(file->wfd, fuzz_one_in(&f->rng, 2) ? file->size :
					   fuzz_below(&f->rng, file->size)));
}

static int op_fallocate(struct fuzz *f)
{
	static const int modes[] = { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_ZERO_RANGE, FALLOC_FL_KEEP_SIZE, 0 };
	const struct fuzz_file *file = pick_changing(f);

	return result(fallocate(file->wfd, modes[fuzz_below(&f->rng, ARRAY_LEN(modes))],
				fuzz_below(&f->rng, file->size), some_len(f)));
}

static int op_sync(struct fuzz *f)
{
	return result(fdatasync(pick_changing(f)->wfd));
}

static int op_chown(struct fuzz *f)
{
	const uid_t owner = fuzz_one_in(&f->rng, 2) ? 0 : PPC_UID;
	const struct fuzz_file *file = pick_changing(f);

	if (fuzz_one_in(&f->rng, 2))
		return result(fchmod(file->wfd, fuzz_one_in(&f->rng, 2) ? 0644 : 0666));
	return result(fchown(file->wfd, owner, owner));
}

/* An overlay of this thread's own: a file is attached, and then copied up under the attachment. */
static int copy_up(struct fuzz *f, const char *merged)
{
	const struct fuzz_file *file = &fuzz_files[2];
	char path[2 * FUZZ_PATH];
	int fd, wfd, att, ret = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/steady", merged);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	att = fuzz_attach(fuzz_below(&f->rng, 2) ? FUZZ_MAIO : FUZZ_TEST, &fd, 1);
	n = pread(fd, f->buf, 256 * KB, 0);
	if (n > 0)
		fuzz_verify(file, f->buf, 0, n);
	wfd = open(path, O_RDWR | O_CLOEXEC);
	if (wfd < 0)
		ret = -errno;
	n = wfd < 0 ? 0 : pread(wfd, f->buf, 256 * KB, MB);
	if (n > 0)
		fuzz_verify(file, f->buf, MB, n);
	n = pread(fd, f->buf, FUZZ_PAGE, 2 * MB);
	if (n > 0)
		fuzz_verify(file, f->buf, 2 * MB, n);
	if (wfd >= 0)
		close(wfd);
	close(fd);
	if (att >= 0 && fuzz_one_in(&f->rng, 2))
		ioctl(att, PPC_IOC_DETACH);
	if (att >= 0)
		close(att);
	return ret;
}

static int op_copy_up(struct fuzz *f)
{
	char lower[FUZZ_PATH], dir[FUZZ_PATH], merged[FUZZ_PATH + 8], path[2 * FUZZ_PATH];
	char text[5 * FUZZ_PATH];
	int ret;

	snprintf(lower, sizeof(lower), "%s", fuzz_files[0].path);
	*strrchr(lower, '/') = 0;
	snprintf(dir, sizeof(dir), "%.350s/own.%u", lower, f->number);
	snprintf(merged, sizeof(merged), "%s/merged", dir);
	mkdir(dir, 0755);
	mkdir(merged, 0755);
	snprintf(path, sizeof(path), "%s/work", dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/upper", dir);
	mkdir(path, 0755);
	snprintf(text, sizeof(text), "lowerdir=%s/lower,upperdir=%s,workdir=%s/work", lower, path,
		 dir);
	if (mount("overlay", merged, "overlay", 0, text))
		return -errno;
	ret = copy_up(f, merged);
	if (umount(merged))
		umount2(merged, MNT_DETACH);
	snprintf(path, sizeof(path), "%s/upper/steady", dir);
	unlink(path);
	return ret;
}

static int op_close(struct fuzz *f)
{
	struct fuzz_att att;

	return fuzz_att_take(f, &att) ? result(close(att.fd)) : -EBADF;
}

static int op_poll(struct fuzz *f)
{
	struct fuzz_att att;
	struct pollfd poll_fd = { .events = POLLIN };

	if (!fuzz_att_get(f, -1, &att))
		return -EBADF;
	poll_fd.fd = att.fd;
	return result(poll(&poll_fd, 1, fuzz_below(&f->rng, 3)));
}

/* As a file, an attachment is of no use. */
static int op_attachment_as_file(struct fuzz *f)
{
	struct fuzz_att att;
	ssize_t n;

	if (!fuzz_att_get(f, -1, &att))
		return -EBADF;
	switch (fuzz_below(&f->rng, 4)) {
	case 0:
		n = read(att.fd, f->buf, 100);
		break;
	case 1:
		n = write(att.fd, f->buf, 100);
		break;
	case 2:
		n = (long)mmap(NULL, FUZZ_PAGE, PROT_READ, MAP_SHARED, att.fd, 0);
		break;
	default:
		n = lseek(att.fd, 100, SEEK_SET);
	}
	return result(n);
}

static int op_fdinfo(struct fuzz *f)
{
	char path[64], text[4096];
	struct fuzz_att att;

	if (!fuzz_att_get(f, -1, &att))
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", att.fd);
	return ppc_read_text(path, text, sizeof(text));
}

/* A child exits when it has done @work, or is killed before. */
static int in_child(struct fuzz *f, int (*work)(struct fuzz *f))
{
	const bool killed = fuzz_one_in(&f->rng, 4);
	int status;
	pid_t pid = fuzz_fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (killed)
			alarm(1);
		_exit(-work(f));
	}
	if (killed) {
		usleep(fuzz_below(&f->rng, 20000));
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int some_calls(struct fuzz *f)
{
	int i;

	for (i = 0; i < 4; i++)
		fuzz_ioctl(f, fuzz_below(&f->rng, fuzz_nr_calls));
	op_read(f);
	return 0;
}

static int op_fork(struct fuzz *f)
{
	return in_child(f, some_calls);
}

static int as_own_root(struct fuzz *f)
{
	if (unshare(CLONE_NEWUSER))
		return -errno;
	if (fuzz_one_in(&f->rng, 2) && ppc_write("/proc/self/uid_map", "0 0 1"))
		return -EPERM;
	return some_calls(f);
}

static int op_user_namespace(struct fuzz *f)
{
	return in_child(f, as_own_root);
}

static int exec_with_attachment(struct fuzz *f)
{
	struct fuzz_att att;

	if (fuzz_att_get(f, -1, &att) && fuzz_one_in(&f->rng, 2))
		fcntl(att.fd, F_SETFD, 0);
	execl("/bin/true", "true", NULL);
	return -errno;
}

static int op_exec(struct fuzz *f)
{
	return in_child(f, exec_with_attachment);
}

static struct msghdr message(struct fuzz_att *att, struct iovec *iov, void *control, size_t len)
{
	*iov = (struct iovec){ att, sizeof(*att) };
	return (struct msghdr){ .msg_iov = iov, .msg_iovlen = 1,
				.msg_control = control, .msg_controllen = len };
}

static int op_send(struct fuzz *f)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct cmsghdr *cmsg;
	struct fuzz_att att;
	struct iovec iov;
	struct msghdr msg = message(&att, &iov, control, sizeof(control));

	if (!fuzz_att_get(f, -1, &att))
		return -EBADF;
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &att.fd, sizeof(int));
	return result(sendmsg(sockets[0], &msg, MSG_DONTWAIT));
}

static int op_receive(struct fuzz *f)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct cmsghdr *cmsg;
	struct fuzz_att att;
	struct iovec iov;
	struct msghdr msg = message(&att, &iov, control, sizeof(control));

	if (recvmsg(sockets[1], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return -ENOMSG;
	memcpy(&att.fd, CMSG_DATA(cmsg), sizeof(int));
	fuzz_att_put(f, &att);
	return 0;
}

static int op_kill_switch(struct fuzz *f)
{
	int ret = ppc_write(PPC_SYSFS "enabled", "0");

	usleep(fuzz_below(&f->rng, 10000));
	return ppc_write(PPC_SYSFS "enabled", "1") ?: ret;
}

static int op_limits(struct fuzz *f)
{
	static const char * const names[] = { PPC_LIMITS "files",
					      PPC_LIMITS "attachments" };
	const char *name = names[fuzz_below(&f->rng, 2)];
	char old[32];
	int ret = ppc_read_text(name, old, sizeof(old));

	ret = ret ?: ppc_write(name, fuzz_one_in(&f->rng, 2) ? "0" : "2");
	usleep(fuzz_below(&f->rng, 10000));
	/* Another thread's value may be what was read; the supervisor sets it right. */
	return ret ?: ppc_write(name, old);
}

/* While there is an attachment, its policy stays. */
static int op_rmmod(struct fuzz *f)
{
	const enum fuzz_policy policy = fuzz_below(&f->rng, 2) ? FUZZ_MAIO : FUZZ_TEST;
	const char *module = policy == FUZZ_MAIO ? "ppc_maio" : "ppc_test";
	int att = fuzz_attach(policy, &fuzz_files[0].fd, 1), ret;

	/* Of the test's own policy, the counters are needed at the end. */
	if (att < 0 && policy == FUZZ_TEST)
		return att;
	ret = result(syscall(__NR_delete_module, module, O_NONBLOCK));
	if (!ret && att >= 0)
		fuzz_broken("a policy with an attachment was removed", 0);
	if (att >= 0)
		close(att);
	return ret;
}

static int op_reclaim(struct fuzz *f)
{
	return ppc_cg_set(fuzz_cgroups[fuzz_below(&f->rng, 2)], "memory.reclaim",
			  fuzz_one_in(&f->rng, 4) ? "8M" : "512K");
}

static int op_cgroup(struct fuzz *f)
{
	return ppc_cg_enter(fuzz_cgroups[fuzz_below(&f->rng, 2)]);
}

static int op_drop_caches(struct fuzz *f)
{
	return ppc_write("/proc/sys/vm/drop_caches", fuzz_one_in(&f->rng, 2) ? "1" : "3");
}

/* The server of a file system sleeps for a while. */
static int op_slow_server(struct fuzz *f)
{
	if (fuzz_one_in(&f->rng, 3)) {
		ppc_fuse_stop(&fuzz_fuse, true);
		usleep(fuzz_below(&f->rng, 500000));
		ppc_fuse_stop(&fuzz_fuse, false);
	} else {
		ppc_fuse_delay(&fuzz_fuse, fuzz_below(&f->rng, 20));
		usleep(fuzz_below(&f->rng, 100000));
		ppc_fuse_delay(&fuzz_fuse, 0);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct fuzz *f);
	unsigned int weight;
} ops[] = {
	{ "load", fuzz_load, 12 },
	{ "read", op_read, 40 },
	{ "read through", op_read_through, 20 },
	{ "map", op_map, 30 },
	{ "advise", op_advise, 15 },
	{ "splice", op_splice, 8 },
	{ "write", op_write, 8 },
	{ "truncate", op_truncate, 8 },
	{ "fallocate", op_fallocate, 5 },
	{ "sync", op_sync, 2 },
	{ "chown", op_chown, 5 },
	{ "copy up", op_copy_up, 3 },
	{ "close", op_close, 6 },
	{ "poll", op_poll, 6 },
	{ "attachment as a file", op_attachment_as_file, 4 },
	{ "fdinfo", op_fdinfo, 5 },
	{ "fork", op_fork, 5 },
	{ "user namespace", op_user_namespace, 4 },
	{ "exec", op_exec, 3 },
	{ "send", op_send, 5 },
	{ "receive", op_receive, 7 },
	{ "kill switch", op_kill_switch, 3 },
	{ "limits", op_limits, 2 },
	{ "rmmod", op_rmmod, 3 },
	{ "reclaim", op_reclaim, 4 },
	{ "cgroup", op_cgroup, 4 },
	{ "drop caches", op_drop_caches, 1 },
	{ "slow server", op_slow_server, 2 },
};

const unsigned int fuzz_nr_ops = ARRAY_LEN(ops);

const char *fuzz_op_name(unsigned int op)
{
	return ops[op].name;
}

unsigned int fuzz_op_weight(unsigned int op)
{
	return ops[op].weight;
}

int fuzz_op(struct fuzz *f, unsigned int op)
{
	return ops[op].run(f);
}

/* What all processes share; false if there is none. */
bool fuzz_op_begin(void)
{
	struct sigaction action = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &action, NULL);
	return !socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets);
}

/* Attachments that are on their way end with the sockets. */
void fuzz_op_end(void)
{
	close(sockets[0]);
	close(sockets[1]);
}
