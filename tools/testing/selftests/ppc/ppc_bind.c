// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: who says which process and which node an I/O group is for, who waits
 * for news of matches, and mode auto.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/ppc_maio.h>

#include "ppc_harness.h"

/* Of the two groups, one has the small part and one the rest. */
#define SMALL	(8 * MB)
#define SIZE	(24 * MB)
#define LARGE	(SIZE - SMALL)
#define BIG	(64 * MB)
#define LIMIT	(40 * MB)
#define PLENTY	(1024 * MB)
#define PAGE	4096ULL
#define NODES	"/sys/devices/system/node/"

/* So much, and a match is no guess any more. */
#define SURE	(3 * MB)

FIXTURE(bind) {
	char path[256];
	char dir[200];
	char cg[128];
	bool cg_made;
	int fd;
	int att;
	__u32 small;
	__u32 large;
	struct worker {
		pid_t pid;
		int to;
		int from;
	} worker[2];
};

FIXTURE_VARIANT(bind) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(bind, ext4) { .fs = "ext4" };

FIXTURE_SETUP(bind)
{
	self->att = -1;
	self->fd = -1;
	signal(SIGPIPE, SIG_IGN);
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	if (!ppc_have_maio())
		SKIP(return, "no ppc_maio module: CONFIG_SAMPLE_PPC_MAIO");
	snprintf(self->path, sizeof(self->path), "%s/bind", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach("maio", 0, &self->fd, 1, 0, 0);
	ASSERT_LE(0, self->att);
}

static void worker_end(struct worker *w)
{
	if (!w->pid)
		return;
	close(w->to);
	close(w->from);
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	w->pid = 0;
}

FIXTURE_TEARDOWN(bind)
{
	worker_end(&self->worker[0]);
	worker_end(&self->worker[1]);
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	unlink(self->path);
	if (self->cg_made)
		ppc_cg_remove(self->cg);
}

/* A process that reads what it is told to, until nobody tells it any more. */
static int worker_begin(struct worker *w, int fd)
{
	int to[2], from[2];
	loff_t range[2];
	char done;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return -errno;
	w->pid = fork();
	if (w->pid < 0)
		return -errno;
	if (w->pid) {
		close(to[0]);
		close(from[1]);
		w->to = to[1];
		w->from = from[0];
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(to[1]);
	close(from[0]);
	while (read(to[0], range, sizeof(range)) == sizeof(range)) {
		done = ppc_verify(fd, range[0], range[1]) == -1;
		if (write(from[1], &done, 1) != 1)
			break;
	}
	_exit(0);
}

/* Have it read; true when it has read what is there. */
static bool worker_reads(struct worker *w, __u64 pos, __u64 len)
{
	loff_t range[2] = { pos, len };
	char done = 0;

	return write(w->to, range, sizeof(range)) == sizeof(range) &&
	       read(w->from, &done, 1) == 1 && done;
}

static int cmd(int att, unsigned long ioc)
{
	return ioctl(att, ioc) ? -errno : 0;
}

static int group(int att, __u32 which, struct maio_group_info *info)
{
	*info = (struct maio_group_info){ .group = which };
	return ioctl(att, MAIO_IOC_GROUP, info) ? -errno : 0;
}

/* Whom a group is for; -errno. */
static long pid_of(int att, __u32 which)
{
	struct maio_group_info info;

	return group(att, which, &info) ?: (long)info.pid;
}

static int bind_to(int att, __u32 which, pid_t pid, int node)
{
	struct maio_bind args = { .group = which, .pid = pid, .node = node };

	return ioctl(att, MAIO_IOC_BIND, &args) ? -errno : 0;
}

static int set_mode(int att, __u32 mode, int node)
{
	struct maio_mode_args args = { mode, node, 0 };

	return ioctl(att, MAIO_IOC_SET_MODE, &args) ? -errno : 0;
}

static struct maio_status status_of(int att)
{
	struct maio_status status = {};

	PPC_MUST(ioctl(att, MAIO_IOC_STATUS, &status));
	return status;
}

static int read_small(void *arg)
{
	return ppc_verify(*(int *)arg, 0, SMALL) != -1;
}

static int read_large(void *arg)
{
	return ppc_verify(*(int *)arg, SMALL, LARGE) != -1;
}

static int read_big(void *arg)
{
	return ppc_verify(*(int *)arg, 0, BIG) != -1;
}

/* Record two workers, and replay them on a cold cache. */
static void replay_two(struct __test_metadata *_metadata,
		       struct _test_data_bind *self)
{
	struct maio_group_info first, second;

	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, ppc_in_child(read_small, &self->fd));
	ASSERT_EQ(0, ppc_in_child(read_large, &self->fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	ASSERT_EQ(2, status_of(self->att).nr_groups);
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	ASSERT_EQ(0, group(self->att, 0, &first));
	ASSERT_EQ(0, group(self->att, 1, &second));
	self->small = first.bytes > second.bytes;
	self->large = !self->small;
}

/* Record one worker that reads a file for which a cgroup may be too small. */
static void record_big(struct __test_metadata *_metadata,
		       struct _test_data_bind *self)
{
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	close(self->fd);
	self->fd = ppc_make_file(self->path, BIG);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach("maio", 0, &self->fd, 1, 0, 0);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, ppc_in_child(read_big, &self->fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	ASSERT_EQ(0, ppc_drop(self->fd));
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_AUTO, -1));
	EXPECT_EQ(MAIO_MODE_AUTO, status_of(self->att).mode);
}

/* A worker in the cgroup, which may have so much. */
static void worker_in_cgroup(struct __test_metadata *_metadata,
			     struct _test_data_bind *self, __u64 limit)
{
	struct worker *w = &self->worker[0];
	char text[32];

	snprintf(text, sizeof(text), "%llu", limit);
	ASSERT_EQ(0, ppc_cg_set(self->cg, "memory.max", text));
	ASSERT_EQ(0, worker_begin(w, self->fd));
	snprintf(text, sizeof(text), "%d", w->pid);
	ASSERT_EQ(0, ppc_cg_set(self->cg, "cgroup.procs", text));
}

static int sized_error(int att, unsigned long ioc, size_t size, void *arg)
{
	return ioctl(att, ppc_sized(ioc, size), arg) ? errno : 0;
}

TEST_F(bind, errors)
{
	struct maio_bind args = { .node = -1 };
	struct maio_group_info info;
	pid_t gone = fork();

	if (!gone)
		_exit(0);
	ASSERT_EQ(gone, waitpid(gone, NULL, 0));
	EXPECT_EQ(-ENODATA, group(self->att, 0, &info));
	EXPECT_EQ(-ENODATA, bind_to(self->att, 0, 0, -1));
	replay_two(_metadata, self);

	EXPECT_EQ(-ENOENT, group(self->att, 2, &info));
	EXPECT_EQ(-ENOENT, group(self->att, ~0U, &info));
	EXPECT_EQ(-ENOENT, bind_to(self->att, 2, 0, -1));
	EXPECT_EQ(-ENOENT, bind_to(self->att, ~0U, getpid(), -1));
	EXPECT_EQ(-EINVAL, bind_to(self->att, 0, 0, -2));
	EXPECT_EQ(-EINVAL, bind_to(self->att, 0, 0, 1 << 20));
	EXPECT_EQ(-EINVAL, bind_to(self->att, 0, 0, INT32_MIN));
	EXPECT_EQ(-ESRCH, bind_to(self->att, 0, gone, 0));
	EXPECT_EQ(-ESRCH, bind_to(self->att, 0, INT32_MAX, 0));
	EXPECT_EQ(-ESRCH, bind_to(self->att, 0, -1, 0));
	args.reserved = 1;
	EXPECT_EQ(-1, ioctl(self->att, MAIO_IOC_BIND, &args));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->att, MAIO_IOC_BIND, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->att, MAIO_IOC_GROUP, NULL));
	EXPECT_EQ(EFAULT, errno);

	/* And nothing has come of it. */
	ASSERT_EQ(0, group(self->att, 0, &info));
	EXPECT_EQ(0, info.group);
	EXPECT_EQ(0, info.pid);
	EXPECT_EQ(-1, info.node);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(0, info.seen);
	EXPECT_EQ(0, status_of(self->att).bound_groups);

	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	EXPECT_EQ(-ENODATA, group(self->att, 0, &info));
	EXPECT_EQ(-ENODATA, bind_to(self->att, 0, getpid(), -1));
}

/* Of a newer or an older ABI than the kernel's. */
TEST_F(bind, sizes)
{
	struct {
		struct maio_bind bind;
		__u64 more;
	} bind = { { .node = -1 }, 1 };
	struct {
		struct maio_group_info info;
		__u64 more;
	} told = { .more = 1 };

	replay_two(_metadata, self);
	EXPECT_EQ(E2BIG, sized_error(self->att, MAIO_IOC_BIND, sizeof(bind),
				     &bind));
	EXPECT_EQ(E2BIG, sized_error(self->att, MAIO_IOC_GROUP, sizeof(told),
				     &told));
	EXPECT_EQ(0, pid_of(self->att, 0));
	bind.more = 0;
	bind.bind.pid = getpid();
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_BIND, sizeof(bind), &bind));
	EXPECT_EQ(getpid(), pid_of(self->att, 0));

	memset(&told, 0, sizeof(told));
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_GROUP, sizeof(told),
				 &told));
	EXPECT_EQ(getpid(), (pid_t)told.info.pid);
	EXPECT_LT(0, told.info.bytes);
	EXPECT_EQ(0, told.more);

	/* Only as much as he knows of is written. */
	memset(&told, 0xff, sizeof(told));
	told.info.group = 0;
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_GROUP, 8, &told));
	EXPECT_EQ(getpid(), (pid_t)told.info.pid);
	EXPECT_EQ(UINT32_MAX, (__u32)told.info.node);
	EXPECT_EQ(UINT64_MAX, told.info.bytes);

	/* What he does not give is zero, and so is the node. */
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_BIND, 8, &bind));
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_GROUP, sizeof(told.info),
				 &told));
	EXPECT_EQ(0, told.info.node);
}

TEST_F(bind, group_tells_of_its_worker)
{
	struct worker *w = &self->worker[0];
	struct maio_group_info info;

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_EQ(0, group(self->att, self->large, &info));
	EXPECT_EQ(0, info.pid);
	EXPECT_EQ(0, info.seen);
	ASSERT_TRUE(worker_reads(w, SMALL, SURE));
	ASSERT_EQ(0, group(self->att, self->large, &info));
	EXPECT_EQ(self->large, info.group);
	EXPECT_EQ(w->pid, (pid_t)info.pid);
	EXPECT_EQ(-1, info.node);
	EXPECT_LE(LARGE - MB, info.bytes);
	EXPECT_GE(LARGE + MB, info.bytes);
	EXPECT_LE(MB, info.seen);
	EXPECT_GE(info.bytes, info.seen);
	EXPECT_EQ(0, pid_of(self->att, self->small));
	worker_end(w);
	EXPECT_EQ(0, pid_of(self->att, self->large));
}

/* Its worker begins where another one's part is, as with a common header. */
TEST_F(bind, before_the_first_read)
{
	struct worker *w = &self->worker[0];

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_EQ(0, bind_to(self->att, self->large, w->pid, -1));
	EXPECT_EQ(w->pid, pid_of(self->att, self->large));
	EXPECT_EQ(1, status_of(self->att).bound_groups);
	ASSERT_TRUE(worker_reads(w, 0, PAGE));
	EXPECT_EQ(w->pid, pid_of(self->att, self->large));
	ASSERT_TRUE(worker_reads(w, SMALL, PAGE));
	EXPECT_EQ(w->pid, pid_of(self->att, self->large));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(self->fd, SMALL, LARGE) >=
			     (long)((LARGE - MB) / PAGE)));
}

/* Bound to one group, it is not matched to another one any more. */
TEST_F(bind, to_no_other_group)
{
	struct worker *w = &self->worker[0];

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_EQ(0, bind_to(self->att, self->large, w->pid, -1));
	ASSERT_TRUE(worker_reads(w, 0, SURE));
	EXPECT_EQ(w->pid, pid_of(self->att, self->large));
	EXPECT_EQ(0, pid_of(self->att, self->small));
	EXPECT_EQ(1, status_of(self->att).bound_groups);
}

/* Nor does it keep what it was matched to before. */
TEST_F(bind, after_the_match)
{
	struct worker *w = &self->worker[0];

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_TRUE(worker_reads(w, 0, SURE));
	ASSERT_EQ(w->pid, pid_of(self->att, self->small));
	ASSERT_EQ(0, bind_to(self->att, self->large, w->pid, -1));
	EXPECT_EQ(w->pid, pid_of(self->att, self->large));
	EXPECT_EQ(0, pid_of(self->att, self->small));
}

/* Nobody is matched to a group that was given away, and the last word counts. */
TEST_F(bind, against_others)
{
	struct worker *w = self->worker;

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(&w[0], self->fd));
	ASSERT_EQ(0, worker_begin(&w[1], self->fd));
	ASSERT_EQ(0, bind_to(self->att, self->large, w[0].pid, -1));
	ASSERT_TRUE(worker_reads(&w[1], SMALL, SURE));
	EXPECT_EQ(w[0].pid, pid_of(self->att, self->large));
	ASSERT_EQ(0, bind_to(self->att, self->large, w[1].pid, -1));
	EXPECT_EQ(w[1].pid, pid_of(self->att, self->large));
	ASSERT_TRUE(worker_reads(&w[0], SMALL, SURE));
	EXPECT_EQ(w[1].pid, pid_of(self->att, self->large));
	/* Until it has gone. */
	worker_end(&w[1]);
	ASSERT_TRUE(worker_reads(&w[0], SMALL + SURE, SURE));
	EXPECT_EQ(w[0].pid, pid_of(self->att, self->large));
}

TEST_F(bind, pid_0_leaves_it_to_matching)
{
	struct worker *w = self->worker;

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(&w[0], self->fd));
	ASSERT_EQ(0, worker_begin(&w[1], self->fd));
	/* Nobody has come: nobody is there. */
	ASSERT_EQ(0, bind_to(self->att, self->small, 0, -1));
	EXPECT_EQ(0, pid_of(self->att, self->small));
	ASSERT_TRUE(worker_reads(&w[0], 0, SURE));
	EXPECT_EQ(w[0].pid, pid_of(self->att, self->small));
	/* Of a bond, nothing is left. */
	ASSERT_EQ(0, bind_to(self->att, self->large, w[0].pid, -1));
	ASSERT_EQ(0, bind_to(self->att, self->large, 0, -1));
	ASSERT_TRUE(worker_reads(&w[1], SMALL, SURE));
	EXPECT_EQ(w[1].pid, pid_of(self->att, self->large));
}

struct inside {
	int att;
	__u32 group;
	pid_t outside;
	int pipe;
};

/* The first process of a pid namespace. */
static int look_inside(const struct inside *in)
{
	const pid_t self = getpid();
	char go;

	if (self != 1)
		return 1;
	/* Who is bound now is not to be seen from here. */
	if (pid_of(in->att, in->group))
		return 2;
	if (bind_to(in->att, in->group, in->outside, -1) != -ESRCH)
		return 3;
	if (bind_to(in->att, in->group, self, -1))
		return 4;
	if (pid_of(in->att, in->group) != self)
		return 5;
	/* The parent looks, too. */
	return read(in->pipe, &go, 1) != 1;
}

TEST_F(bind, pid_namespaces)
{
	struct inside in = { .att = self->att };
	int pipes[2], status;
	pid_t pid;

	replay_two(_metadata, self);
	in.group = self->large;
	ASSERT_EQ(0, pipe(pipes));
	in.pipe = pipes[0];
	in.outside = getpid();
	ASSERT_EQ(0, bind_to(self->att, self->large, getpid(), -1));
	if (unshare(CLONE_NEWPID)) {
		close(pipes[0]);
		close(pipes[1]);
		SKIP(return, "no pid namespaces");
	}
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(look_inside(&in));
	}
	EXPECT_TRUE(PPC_WAIT(pid_of(self->att, self->large) == pid));
	EXPECT_EQ(1, write(pipes[1], "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(pipes[0]);
	close(pipes[1]);
}

/* What was read ahead, and nothing else, lies where it should. */
static void expect_on(struct __test_metadata *_metadata, int fd, __u64 pos,
		      __u64 len, int node)
{
	char *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, pos);
	long there;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_TRUE(PPC_WAIT(ppc_cached(fd, pos, len) == (long)(len / PAGE)))
		TH_LOG("%ld of %llu pages are cached", ppc_cached(fd, pos, len),
		       len / PAGE);
	ppc_touch(map, 0, len);
	there = ppc_pages_on(map, len, node);
	munmap(map, len);
	/* The reader's own first pages lie where it runs. */
	EXPECT_LE((long)((len - MB) / PAGE), there)
		TH_LOG("%ld of %llu pages on node %d", there, len / PAGE, node);
}

TEST_F(bind, nodes)
{
	struct worker *w = &self->worker[0];
	struct maio_group_info info;
	struct ppc_stats stats;
	int node;

	if (access(NODES "node1", F_OK))
		SKIP(return, "only one NUMA node");
	replay_two(_metadata, self);
	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, ppc_drop(self->fd));
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
		ASSERT_EQ(0, bind_to(self->att, self->small, 0, !node));
		ASSERT_EQ(0, bind_to(self->att, self->large, 0, node));
		ASSERT_EQ(0, group(self->att, self->large, &info));
		EXPECT_EQ(node, info.node);
		EXPECT_EQ(0, info.pid);
		ASSERT_EQ(0, group(self->att, self->small, &info));
		EXPECT_EQ(!node, info.node);

		ASSERT_EQ(0, worker_begin(w, self->fd));
		ASSERT_TRUE(worker_reads(w, 0, PAGE));
		expect_on(_metadata, self->fd, 0, SMALL, !node);
		worker_end(w);
		ASSERT_EQ(0, worker_begin(w, self->fd));
		ASSERT_TRUE(worker_reads(w, SMALL, PAGE));
		expect_on(_metadata, self->fd, SMALL, LARGE, node);
		worker_end(w);
	}
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(SIZE - 2 * MB, stats.node_bytes[0]);
	EXPECT_LE(SIZE - 2 * MB, stats.node_bytes[1]);
}

/* A group has the attachment's node, unless it has been given one. */
TEST_F(bind, node_of_the_attachment)
{
	struct maio_group_info info;

	replay_two(_metadata, self);
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_KEEP, 0));
	ASSERT_EQ(0, group(self->att, 0, &info));
	EXPECT_EQ(0, info.node);
	ASSERT_EQ(0, bind_to(self->att, 0, 0, 0));
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_KEEP, -1));
	ASSERT_EQ(0, group(self->att, 0, &info));
	EXPECT_EQ(0, info.node);
	ASSERT_EQ(0, group(self->att, 1, &info));
	EXPECT_EQ(-1, info.node);
	ASSERT_EQ(0, bind_to(self->att, 0, 0, -1));
	ASSERT_EQ(0, group(self->att, 0, &info));
	EXPECT_EQ(-1, info.node);
}

/* What poll() says at once. */
static int polled(int att)
{
	struct pollfd p = { .fd = att, .events = POLLIN | POLLRDNORM };

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

TEST_F(bind, poll)
{
	struct worker *w = self->worker;

	EXPECT_EQ(0, polled(self->att));
	replay_two(_metadata, self);
	EXPECT_EQ(0, polled(self->att));
	ASSERT_EQ(0, worker_begin(&w[0], self->fd));
	ASSERT_EQ(0, worker_begin(&w[1], self->fd));
	ASSERT_TRUE(worker_reads(&w[0], 0, SURE));
	EXPECT_EQ(POLLIN | POLLRDNORM, polled(self->att));
	/* Until the status has been fetched, which alone is enough. */
	EXPECT_EQ(w[0].pid, pid_of(self->att, self->small));
	EXPECT_EQ(POLLIN | POLLRDNORM, polled(self->att));
	EXPECT_EQ(1, status_of(self->att).bound_groups);
	EXPECT_EQ(0, polled(self->att));
	/* To go on is no news. */
	ASSERT_TRUE(worker_reads(&w[0], SURE, SMALL - SURE));
	EXPECT_EQ(0, polled(self->att));
	ASSERT_TRUE(worker_reads(&w[1], SMALL, SURE));
	EXPECT_EQ(POLLIN | POLLRDNORM, polled(self->att));
	EXPECT_EQ(2, status_of(self->att).bound_groups);
	EXPECT_EQ(0, polled(self->att));
	ASSERT_EQ(0, ioctl(self->att, PPC_IOC_DETACH));
	EXPECT_TRUE(polled(self->att) & POLLHUP);
}

struct waiter {
	pthread_t thread;
	pid_t tid;
	int att;
	int patience;	/* ms */
	int revents;
};

static void *wait_for_news(void *arg)
{
	struct waiter *waiter = arg;
	struct pollfd p = { .fd = waiter->att, .events = POLLIN };

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_SEQ_CST);
	waiter->revents = poll(&p, 1, waiter->patience) < 0 ? -errno :
							      p.revents;
	return NULL;
}

static bool waits(struct waiter *waiter)
{
	pid_t tid = __atomic_load_n(&waiter->tid, __ATOMIC_SEQ_CST);

	return tid && ppc_sleeps_in(tid, __NR_poll, 1);
}

/* Who sleeps is woken. */
TEST_F(bind, poll_wakes)
{
	struct waiter waiter = { .att = self->att, .patience = 30000 };
	struct worker *w = &self->worker[0];
	time_t begun = time(NULL);

	replay_two(_metadata, self);
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_for_news,
				    &waiter));
	ASSERT_TRUE(PPC_WAIT(waits(&waiter)));
	EXPECT_TRUE(worker_reads(w, SMALL, PAGE));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(POLLIN, waiter.revents);
	status_of(self->att);

	waiter.tid = 0;
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_for_news,
				    &waiter));
	ASSERT_TRUE(PPC_WAIT(waits(&waiter)));
	EXPECT_EQ(0, ioctl(self->att, PPC_IOC_DETACH));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_TRUE(waiter.revents & POLLHUP);
	EXPECT_GT(60, time(NULL) - begun);
}

TEST_F(bind, epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct worker *w = &self->worker[0];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	replay_two(_metadata, self);
	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->att, &event));
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	ASSERT_EQ(0, worker_begin(w, self->fd));
	ASSERT_TRUE(worker_reads(w, SMALL, PAGE));
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, 10000));
	EXPECT_EQ(EPOLLIN, event.events);
	status_of(self->att);
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	/* The worker has the attachment open, too. */
	worker_end(w);
	close(self->att);
	self->att = -1;
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 100));
	close(ep);
}

/*
 * The attachment lasts as long as anybody polls it, and then it ends: otherwise
 * there would soon be too many.
 */
TEST_F(bind, close_while_polled)
{
	struct waiter waiter;
	int i, fd;

	for (i = 0; i < 20; i++) {
		/* Those before may be about to end, and there are only so many. */
		ASSERT_TRUE(PPC_WAIT((fd = ppc_attach("maio", 0, &self->fd, 1,
						      0, 0)) >= 0));
		waiter.att = fd;
		waiter.patience = i % 4 * 50;
		ASSERT_EQ(0, pthread_create(&waiter.thread, NULL,
					    wait_for_news, &waiter));
		usleep(i % 5 * 10000);
		close(fd);
		ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
		/* Closed before, during, or behind it. */
		EXPECT_EQ(0, waiter.revents & ~POLLNVAL);
	}
}

/* As a load in a container with and without the memory for the model. */
TEST_F(bind, auto_mode)
{
	struct worker *w = &self->worker[0];
	struct ppc_stats stats;
	__u64 before;
	int pass;

	if (ppc_cg_make("bind", self->cg, sizeof(self->cg)))
		SKIP(return, "no memory controller");
	self->cg_made = true;
	record_big(_metadata, self);

	/* First with room, then warm, then, cold again, without. */
	for (pass = 0; pass < 3; pass++) {
		if (pass == 2)
			ASSERT_EQ(0, ppc_drop(self->fd));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		before = stats.burned_bytes;
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
		worker_in_cgroup(_metadata, self, pass < 2 ? PLENTY : LIMIT);
		EXPECT_TRUE(worker_reads(w, 0, BIG));
		/* What goes, goes when he has rested. */
		sleep(3);
		worker_end(w);
		EXPECT_EQ(1, status_of(self->att).bound_groups);
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		TH_LOG("pass %d: burned %llu, read ahead %llu in all, cached %llu",
		       pass, stats.burned_bytes - before,
		       stats.prefetched_bytes, ppc_cached_all(self->fd) * PAGE);
		if (pass < 2) {
			EXPECT_EQ(0, stats.burned_bytes - before);
			EXPECT_EQ((long)(BIG / PAGE), ppc_cached_all(self->fd));
		} else {
			EXPECT_LE(BIG - LIMIT, stats.burned_bytes - before);
		}
		EXPECT_EQ(0, stats.fallbacks);
	}
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom_kill"));
}

/* Memory gets short only later, and what reclaim took first comes back. */
TEST_F(bind, auto_mode_when_pages_return)
{
	struct worker *w = &self->worker[0];
	struct ppc_stats stats;
	__u64 first[6];
	char text[32];
	int pass;

	if (ppc_cg_make("bind", self->cg, sizeof(self->cg)))
		SKIP(return, "no memory controller");
	self->cg_made = true;
	record_big(_metadata, self);
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	worker_in_cgroup(_metadata, self, PLENTY);
	for (pass = 0; pass < 6; pass++) {
		ASSERT_TRUE(worker_reads(w, 0, BIG));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		first[pass] = stats.evicted_first_bytes;
		TH_LOG("pass %d: evicted first %llu, burned %llu, fallbacks %llu",
		       pass, first[pass], stats.burned_bytes, stats.fallbacks);
		if (pass)
			continue;
		snprintf(text, sizeof(text), "%llu", LIMIT);
		ASSERT_EQ(0, ppc_cg_set(self->cg, "memory.max", text));
	}
	/* They were read again, twice: whatever is taken now, is as on stock. */
	EXPECT_GE(16 * MB, first[5] - first[2]);
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom_kill"));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
