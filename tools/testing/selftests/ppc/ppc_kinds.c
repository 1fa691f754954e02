// SPDX-License-Identifier: GPL-2.0
/*
 * Other kinds of readers, attachers and files: mappings read at random, io_uring,
 * direct I/O, 32-bit programs, user namespaces, idmapped mounts, and file systems
 * without large folios.
 */
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ppc_harness.h"

#define SIZE	(8 * MB)
#define PAGE	4096ULL

FIXTURE(kinds) {
	char path[256];
	char dir[200];
	int fd;
	int att;
};

FIXTURE_VARIANT(kinds) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(kinds, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(kinds, xfs) { .fs = "xfs" };

FIXTURE_SETUP(kinds)
{
	self->att = -1;
	self->fd = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	snprintf(self->path, sizeof(self->path), "%s/kinds", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
}

FIXTURE_TEARDOWN(kinds)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	close(self->fd);
	unlink(self->path);
}

static __u64 faults(int att)
{
	struct ppc_test_counts c = ppc_counts(att);

	return c.accesses[TEST_FAULT] + c.accesses[TEST_FAULT_MISS];
}

/* Who reads a mapping at random has nothing read ahead by himself. */
TEST_F(kinds, random_mapping)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, madvise(map, SIZE, MADV_RANDOM));
	ppc_touch(map, 5 * MB, 1);
	ppc_touch(map, 3 * MB, 1);
	EXPECT_EQ(2, ppc_counts(self->att).accesses[TEST_FAULT_MISS]);
	EXPECT_EQ(2, ppc_count_all(self->att));
	EXPECT_EQ(3 * MB, ppc_counts(self->att).last_pos);
	EXPECT_EQ(2, ppc_cached_all(self->fd));
	EXPECT_EQ(-1, ppc_verify_mem(map + 3 * MB, 3 * MB, PAGE));
	munmap(map, SIZE);
}

/*
 * Of what a stream read ahead, he takes many pages with each fault: the markers
 * are taken away, or all pages of their folios would fault one by one.
 */
TEST_F(kinds, random_mapping_read_ahead)
{
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, madvise(map, SIZE, MADV_RANDOM));
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	EXPECT_EQ(-1, ppc_verify_mem(map, 0, SIZE));
	/* He is heard of all the same, at each marker. */
	EXPECT_LE(SIZE / (2 * MB), ppc_counts(self->att).accesses[TEST_MARKER]);
	EXPECT_GE(SIZE / PAGE / 8, faults(self->att))
		TH_LOG("%llu faults", faults(self->att));
	munmap(map, SIZE);
}

/* io_uring with one request at a time, without its library. */
struct ring {
	int fd;
	struct io_uring_params p;
	char *sq;
	char *cq;
	struct io_uring_sqe *sqe;
};

static int ring_make(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(__NR_io_uring_setup, 1, &ring->p);
	if (ring->fd < 0)
		return -errno;
	ring->sq = mmap(NULL, ring->p.sq_off.array + 4, PROT_READ | PROT_WRITE,
			MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, ring->p.cq_off.cqes +
			ring->p.cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			IORING_OFF_CQ_RING);
	ring->sqe = mmap(NULL, sizeof(*ring->sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return ring->sq == MAP_FAILED || ring->cq == MAP_FAILED ||
	       ring->sqe == MAP_FAILED ? -ENOMEM : 0;
}

static int ring_read(struct ring *ring, int fd, __u64 pos, void *buf, __u32 len,
		     __u8 flags)
{
	__u32 *tail = (__u32 *)(ring->sq + ring->p.sq_off.tail);
	__u32 *head = (__u32 *)(ring->cq + ring->p.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(ring->cq + ring->p.cq_off.cqes);
	int ret;

	*ring->sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.flags = flags,
		.fd = fd,
		.off = pos,
		.addr = (uintptr_t)buf,
		.len = len,
	};
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	PPC_MUST(syscall(__NR_io_uring_enter, ring->fd, 1, 1,
			 IORING_ENTER_GETEVENTS, NULL, 0));
	ret = cqes[*head & (ring->p.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return ret;
}

/* Read at once if it is cached, by a worker thread of io_uring's if that is asked for. */
static void expect_ring(struct __test_metadata *_metadata,
			struct _test_data_kinds *self, __u8 flags)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);
	char *buf = malloc(MB);
	struct ppc_test_counts c;
	struct ring ring;
	int err = ring_make(&ring);
	__u64 pos;

	if (err)
		SKIP(return, "no io_uring: %s", strerror(-err));
	ASSERT_NE(NULL, buf);
	ASSERT_LE(0, stream);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	for (pos = 0; pos < SIZE; pos += MB) {
		__u32 done = 0;

		/* It may be cut where a folio is not there yet. */
		while (done < MB) {
			int n = ring_read(&ring, self->fd, pos + done,
					  buf + done, MB - done, flags);

			ASSERT_LT(0, n);
			done += n;
		}
		ASSERT_EQ(-1, ppc_verify_mem(buf, pos, MB));
		c = ppc_counts(self->att);
		ASSERT_EQ(getpid(), c.last_tgid);
	}
	EXPECT_LE(1, c.accesses[TEST_MISS]);
	EXPECT_EQ(SIZE / MB, c.accesses[TEST_CONSUME]);
	EXPECT_LE(SIZE / 4 * 3, ppc_settled(self->att));
	EXPECT_TRUE(PPC_WAIT(!ppc_cached_all(self->fd)))
		TH_LOG("%ld pages are left", ppc_cached_all(self->fd));
	close(ring.fd);
	free(buf);
}

TEST_F(kinds, io_uring)
{
	expect_ring(_metadata, self, 0);
}

TEST_F(kinds, io_uring_worker)
{
	expect_ring(_metadata, self, IOSQE_ASYNC);
}

/* A loader that goes on with direct I/O is not seen any more, nor read ahead for. */
TEST_F(kinds, turns_to_direct_io)
{
	const __u64 budget = 2 * MB, at = 2 * MB;
	int fd = open(self->path, O_RDONLY | O_DIRECT), stream;
	__u64 told, ahead, pos;
	void *buf;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, posix_memalign(&buf, PAGE, MB));
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = ppc_attach(PPC_TEST_POLICY, 0, &self->fd, 1, budget, 0);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	stream = ppc_stream_one(self->att, 0, SIZE, true, true, 0);
	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, at));
	ahead = ppc_settled(self->att);
	EXPECT_LT(at, ahead);
	EXPECT_GE(at + 2 * budget, ahead);
	told = ppc_count_all(self->att);
	/* What was read ahead and what was not. */
	for (pos = at; pos < SIZE; pos += MB) {
		ASSERT_EQ((ssize_t)MB, pread(fd, buf, MB, pos));
		ASSERT_EQ(-1, ppc_verify_mem(buf, pos, MB));
	}
	EXPECT_EQ(told, ppc_count_all(self->att));
	EXPECT_EQ(ahead, ppc_settled(self->att));
	/* Nothing of it is left behind. */
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd));
	close(fd);
	free(buf);
}

#ifdef __x86_64__
static sigjmp_buf no_compat;

static void on_fault(int sig)
{
	siglongjmp(no_compat, 1);
}

/* An ioctl as a 32-bit program makes it; -errno, or -EOPNOTSUPP where there are none. */
static int ioctl32(int fd, __u32 cmd, void *arg)
{
	struct sigaction act = { .sa_handler = on_fault }, old;
	const long nr_ioctl = 54;
	long ret = -EOPNOTSUPP;

	sigaction(SIGSEGV, &act, &old);
	if (!sigsetjmp(no_compat, 1))
		asm volatile("int $0x80"
			     : "=a" (ret)
			     : "a" (nr_ioctl), "b" ((long)fd), "c" ((long)cmd),
			       "d" (arg)
			     : "memory", "r8", "r9", "r10", "r11");
	sigaction(SIGSEGV, &old, NULL);
	return ret;
}

/* What a 32-bit program has: addresses below 4 GiB, the highest bit of which is no sign. */
struct low {
	struct ppc_features features;
	struct ppc_attach attach;
	struct ppc_files files;
	struct ppc_stats stats;
	struct ppc_test_counts counts;
	__s32 fd;
	__u32 index;
};

TEST_F(kinds, ioctls_of_32_bits)
{
	struct low *low = mmap((void *)0xc0000000, sizeof(*low),
			       PROT_READ | PROT_WRITE, MAP_PRIVATE |
			       MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int dev = open(PPC_DEV, O_RDWR), att;

	ASSERT_EQ((void *)0xc0000000, low);
	ASSERT_LE(0, dev);
	att = ioctl32(dev, PPC_IOC_FEATURES, &low->features);
	if (att == -EOPNOTSUPP)
		SKIP(return, "no 32-bit system calls: CONFIG_IA32_EMULATION");
	ASSERT_EQ(0, att);
	EXPECT_EQ(PPC_ABI_VERSION, low->features.abi_version);
	EXPECT_EQ(MB, low->features.stride);

	low->fd = self->fd;
	low->attach = (struct ppc_attach){
		.policy = PPC_TEST_POLICY,
		.fds = (uintptr_t)&low->fd,
		.nr_fds = 1,
	};
	att = ioctl32(dev, PPC_IOC_ATTACH, &low->attach);
	ASSERT_LE(0, att);
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, MB, PAGE, PAGE));
	/* A policy's ioctl, too. */
	EXPECT_EQ(0, ioctl32(att, PPC_TEST_IOC_COUNTS, &low->counts));
	EXPECT_EQ(1, low->counts.accesses[TEST_MISS]);
	EXPECT_EQ(MB, low->counts.last_pos);
	low->files = (struct ppc_files){ (uintptr_t)&low->fd, 1, 0 };
	EXPECT_EQ(0, ioctl32(att, PPC_IOC_ADD_FILES, &low->files));
	EXPECT_EQ(1, low->files.first);
	EXPECT_EQ(0, ioctl32(att, PPC_IOC_STATS, &low->stats));
	EXPECT_EQ(2, low->stats.files);
	low->files = (struct ppc_files){ (uintptr_t)&low->index, 1, 0 };
	EXPECT_EQ(0, ioctl32(att, PPC_IOC_REMOVE_FILES, &low->files));
	EXPECT_EQ(-ENOENT, ioctl32(att, PPC_IOC_REMOVE_FILES, &low->files));
	EXPECT_EQ(0, ioctl32(att, PPC_IOC_STATS, &low->stats));
	EXPECT_EQ(1, low->stats.files);
	EXPECT_EQ(-EFAULT, ioctl32(att, PPC_IOC_STATS, NULL));
	EXPECT_EQ(0, ioctl32(att, PPC_IOC_DETACH, NULL));
	close(att);
	close(dev);
	munmap(low, sizeof(*low));
}
#endif

/* Attach to a file by name as a user; what it sees of a read by root, or -errno. */
static long long seen_by(uid_t uid, const char *path, int fd)
{
	long long seen;
	int own, att;

	PPC_MUST(ppc_drop(fd));
	PPC_MUST(ppc_become(uid));
	own = PPC_MUST(open(path, O_RDONLY));
	att = ppc_attach_one(own);
	PPC_MUST(ppc_become(0));
	if (att < 0) {
		close(own);
		return att;
	}
	PPC_MUST(ppc_read(fd, 0, 2 * MB, 64 * KB));
	seen = ppc_count_all(att);
	PPC_MUST(ppc_detach(att));
	close(own);
	return seen;
}

/* A user namespace in which @inside is @outside; its file, or -errno. */
static int user_ns(uid_t inside, uid_t outside)
{
	char path[64], text[64];
	int ready[2], fd;
	pid_t pid;
	char c;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(unshare(CLONE_NEWUSER) || write(ready[1], "", 1) != 1 ||
		      pause());
	}
	close(ready[1]);
	fd = read(ready[0], &c, 1) == 1 ? 0 : -EOPNOTSUPP;
	close(ready[0]);
	snprintf(text, sizeof(text), "%u %u 1\n", inside, outside);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	fd = fd ?: ppc_write(path, text);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	fd = fd ?: ppc_write(path, text);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (!fd) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

/* Another mount of a folder, on which one user's files are another's. */
static int mount_idmapped(const char *from, const char *to, int ns)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = ns,
	};
	int tree = syscall(SYS_open_tree, AT_FDCWD, from,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), err = 0;

	if (tree < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
		    sizeof(attr)) ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, to,
		    MOVE_MOUNT_F_EMPTY_PATH))
		err = -errno;
	close(tree);
	return err;
}

/* Who owns a file is a question of the mount by which it is attached. */
TEST_F(kinds, idmapped_mount)
{
	char dir[256], path[300];
	int ns = user_ns(PPC_UID, PPC_OTHER_UID);

	if (ns < 0)
		SKIP(return, "no user namespace: %s", strerror(-ns));
	snprintf(dir, sizeof(dir), "%s/idmapped", self->dir);
	snprintf(path, sizeof(path), "%s/kinds", dir);
	ASSERT_EQ(0, mkdir(dir, 0755));
	ASSERT_EQ(0, mount_idmapped(self->dir, dir, ns));
	close(ns);
	ASSERT_EQ(0, chown(self->path, PPC_UID, -1));
	EXPECT_LT(0, seen_by(PPC_UID, self->path, self->fd));
	EXPECT_EQ(-EPERM, seen_by(PPC_OTHER_UID, self->path, self->fd));
	EXPECT_EQ(-EPERM, seen_by(PPC_UID, path, self->fd));
	EXPECT_LT(0, seen_by(PPC_OTHER_UID, path, self->fd));
	EXPECT_TRUE(PPC_WAIT(!umount(dir)));
	rmdir(dir);
}

struct guest {
	const char *path;
	int ready;
	int go;
};

/* Has a process, and pipes to hear that it is ready and to let it go on. */
static pid_t start_guest(struct __test_metadata *_metadata,
			 struct guest *guest, int (*run)(void *guest),
			 int *heard, int *let)
{
	int ready[2], go[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	guest->ready = ready[1];
	guest->go = go[0];
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		close(go[1]);
		_exit(run(guest));
	}
	close(ready[1]);
	close(go[0]);
	*heard = ready[0];
	*let = go[1];
	return pid;
}

/* Root of a user namespace of its own, outside of which it is an owner like others. */
static int attach_in_user_ns(void *arg)
{
	const struct guest *guest = arg;
	struct ppc_stats stats;
	int fd, att;
	char c;

	if (setresuid(PPC_UID, PPC_UID, PPC_UID) || unshare(CLONE_NEWUSER))
		return 1;
	fd = open(guest->path, O_RDONLY);
	if (ppc_attach(PPC_TEST_POLICY, PPC_ATTACH_MAY_KEEP, &fd, 1, 0, MB) !=
	    -EPERM)
		return 2;
	att = ppc_attach_one(fd);
	if (att < 0)
		return 3;
	/* What root reads meanwhile, it sees; the limit does not bind who may lift it. */
	if (write(guest->ready, "", 1) != 1 || read(guest->go, &c, 1) != 1)
		return 4;
	if (ppc_attach_one(fd) != -EDQUOT)
		return 5;
	if (!ppc_count_all(att) || ppc_stats(att, &stats) || !stats.events_consume)
		return 6;
	return ppc_detach(att) ? 7 : 0;
}

TEST_F(kinds, user_namespace)
{
	struct guest guest = { .path = self->path };
	int heard, let, status = 0;
	char limit[32], c;
	pid_t pid;

	ASSERT_EQ(0, chown(self->path, PPC_UID, -1));
	pid = start_guest(_metadata, &guest, attach_in_user_ns, &heard, &let);
	if (read(heard, &c, 1) == 1) {
		ASSERT_EQ((long)(4 * MB), ppc_read(self->fd, 0, 4 * MB, MB));
		ASSERT_EQ(0, ppc_read_text(PPC_LIMITS "attachments",
					   limit, sizeof(limit)));
		ASSERT_EQ(0, ppc_write(PPC_LIMITS "attachments", "1"));
		EXPECT_EQ(1, write(let, "", 1));
		EXPECT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, ppc_write(PPC_LIMITS "attachments", limit));
	} else {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	/* Root has seen both. */
	EXPECT_LT(1, ppc_count_all(self->att));
	close(heard);
	close(let);
}

/* Two users of one namespace: whoever made it has no more by having them. */
static int attach_as_two(void *arg)
{
	const struct guest *guest = arg;
	int fd = open(guest->path, O_RDONLY), i;
	char c;

	if (setresuid(PPC_UID, PPC_UID, PPC_UID) || unshare(CLONE_NEWUSER))
		return 1;
	if (write(guest->ready, "", 1) != 1 || read(guest->go, &c, 1) != 1)
		return 2;
	for (i = 0; i < 2; i++) {
		if (setresuid(i, i, i))
			return 3;
		if ((ppc_attach_one(fd) >= 0) != !i)
			return 4 + i;
	}
	return 0;
}

TEST_F(kinds, users_of_a_namespace)
{
	struct guest guest = { .path = self->path };
	char path[64], map[64], limit[32], c;
	int heard, let, status = 0;
	pid_t pid;

	ASSERT_EQ(0, chmod(self->path, 0666));
	ASSERT_EQ(0, ppc_read_text(PPC_LIMITS "attachments", limit, sizeof(limit)));
	ASSERT_EQ(0, ppc_write(PPC_LIMITS "attachments", "1"));
	pid = start_guest(_metadata, &guest, attach_as_two, &heard, &let);
	EXPECT_EQ(1, read(heard, &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(map, sizeof(map), "0 %d 1\n1 %d 1\n", PPC_UID, PPC_OTHER_UID);
	EXPECT_EQ(0, ppc_write(path, map));
	EXPECT_EQ(1, write(let, "", 1));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, ppc_write(PPC_LIMITS "attachments", limit));
	close(heard);
	close(let);
}

FIXTURE(small) {
	char dir[200];
	char path[256];
	bool mounted;
	int fd;
	int att;
	char *map;
};

FIXTURE_VARIANT(small) {
	const char *fs;
};

/* ext4 has large folios, but not for files whose data is journaled. */
FIXTURE_VARIANT_ADD(small, ext4_journal) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(small, f2fs) { .fs = "f2fs" };

/* A file system of its own, in memory. */
static int mount_f2fs(const char *dir)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "mkdir %s && truncate -s 96M %s.img && mkfs.f2fs -q %s.img >&2 && mount -t f2fs -o loop %s.img %s >&2",
		 dir, dir, dir, dir, dir);
	return system(command);
}

FIXTURE_SETUP(small)
{
	const bool f2fs = !strcmp(variant->fs, "f2fs");
	int flags;

	self->att = -1;
	self->fd = -1;
	self->map = MAP_FAILED;
	if (f2fs) {
		if (access("/sys/fs/f2fs", F_OK))
			SKIP(return, "no f2fs");
		snprintf(self->dir, sizeof(self->dir), "/tmp/ppc-f2fs.%d", getpid());
		self->mounted = true;
		ASSERT_EQ(0, mount_f2fs(self->dir));
	} else if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir))) {
		SKIP(return, "no %s", variant->fs);
	}
	snprintf(self->path, sizeof(self->path), "%s/small", self->dir);
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	if (!f2fs) {
		ASSERT_EQ(0, ioctl(self->fd, FS_IOC_GETFLAGS, &flags));
		flags |= FS_JOURNAL_DATA_FL;
		ASSERT_EQ(0, ioctl(self->fd, FS_IOC_SETFLAGS, &flags));
	}
	self->att = ppc_attach_one(self->fd);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_answer(self->att, TEST_ANSWER_STREAM));
	self->map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(small)
{
	char path[256];

	if (self->att >= 0)
		ppc_detach(self->att);
	munmap(self->map, SIZE);
	close(self->fd);
	unlink(self->path);
	if (!self->mounted)
		return;
	EXPECT_TRUE(PPC_WAIT(!umount(self->dir)));
	rmdir(self->dir);
	snprintf(path, sizeof(path), "%s.img", self->dir);
	unlink(path);
}

static void expect_small(struct __test_metadata *_metadata, const char *map)
{
	long large;

	ppc_touch(map, 0, SIZE);
	large = ppc_large_pages(map, SIZE);
	if (large < 0)
		SKIP(return, "no /proc/kpageflags");
	EXPECT_EQ(0, large);
}

TEST_F(small, read_ahead_and_burn)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, true, MB);
	struct ppc_stats stats;

	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	EXPECT_EQ((long)(SIZE / PAGE), ppc_cached_all(self->fd));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	expect_small(_metadata, self->map);
	EXPECT_EQ(0, ppc_stream_op(self->att, stream, TEST_STREAM_STOP));
	/* Small folios that were mapped may wait in a CPU's batch. */
	EXPECT_GE(2 * 31, ppc_cached_all(self->fd));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	/* More, if the end was looked at again after it had gone. */
	EXPECT_LE(SIZE - 2 * 31 * PAGE, stats.burned_bytes);
	EXPECT_EQ(0, stats.errors);
	EXPECT_EQ(0, stats.fallbacks);
}

/* A mapped reader is heard of as often as on stock, where folios are small. */
TEST_F(small, mapped)
{
	int stream = ppc_stream_one(self->att, 0, SIZE, true, false, 0);

	ASSERT_LE(0, stream);
	ppc_feed(self->att, stream, TEST_MISS, 0, PAGE);
	EXPECT_EQ(SIZE, ppc_settled(self->att));
	ppc_count_reset(self->att);
	EXPECT_EQ(-1, ppc_verify_mem(self->map, 0, SIZE));
	EXPECT_LE(SIZE / (128 * KB), faults(self->att))
		TH_LOG("%llu faults", faults(self->att));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
