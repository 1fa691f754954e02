// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests of the page cache policies share.
 */
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "kselftest.h"
#include "ppc_util.h"

#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif

#define CHUNK	MB

#define SCAN_SLEEP	"/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs"

static char env_dir[PATH_MAX];
static pid_t env_pid;
static char scan_sleep[32];

long ppc_must(long ret, const char *call)
{
	const char *why = strerror(ret == -1 ? errno : -ret);

	if (ret >= 0)
		return ret;
	printf("# %d: %s: %s\n", getpid(), call, why);
	fflush(NULL);
	_exit(KSFT_FAIL);
}

static int run_fs(const char *verb)
{
	char command[PATH_MAX + 64];

	snprintf(command, sizeof(command), "./ppc_fs.sh %s %s >&2", verb, env_dir);
	return system(command);
}

/* The harness exits from within. Nothing may be in use any more. */
static void env_end(void)
{
	if (getpid() != env_pid)
		return;
	if (scan_sleep[0])
		ppc_write(SCAN_SLEEP, scan_sleep);
	if (!run_fs("down"))
		return;
	ksft_print_msg("a file system is in use after all tests\n");
	fflush(NULL);
	_exit(KSFT_FAIL);
}

/* Make the file systems; ends the program if there is nothing to test. */
void ppc_env_begin(const char *argv0)
{
	char self[PATH_MAX];

	if (!realpath(argv0, self) || chdir(dirname(self)))
		ksft_exit_fail_msg("cannot find my own directory\n");
	if (geteuid())
		ksft_exit_skip("must be root\n");
	if (access(PPC_DEV, F_OK))
		ksft_exit_skip("no " PPC_DEV ": CONFIG_FS_PPC is not set\n");
	snprintf(env_dir, sizeof(env_dir), "/tmp/ppc.%d", getpid());
	if (mkdir(env_dir, 0755))
		ksft_exit_fail_perror(env_dir);
	chmod(env_dir, 0755);
	env_pid = getpid();
	atexit(env_end);
	/* khugepaged reads what no test has read. */
	if (!ppc_read_text(SCAN_SLEEP, scan_sleep, sizeof(scan_sleep)))
		PPC_MUST(ppc_write(SCAN_SLEEP, "3600000"));
	if (run_fs("up"))
		ksft_exit_fail_msg("ppc_fs.sh up failed\n");
	if (ppc_insmod())
		ksft_exit_fail_perror("cannot load ppc_test.ko");
}

/* Where to work on a file system; false if it could not be made. */
bool ppc_dir(const char *fs, char *dir, size_t len)
{
	struct stat here, there;

	snprintf(dir, len, "%s/%s", env_dir, fs);
	return !stat(env_dir, &here) && !stat(dir, &there) &&
	       here.st_dev != there.st_dev;
}

int ppc_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int ppc_read_text(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, len - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	text[n] = 0;
	return 0;
}

long ppc_read_long(const char *path)
{
	char text[64];
	int err = ppc_read_text(path, text, sizeof(text));

	return err ?: strtol(text, NULL, 0);
}

static __u64 word_at(__u64 pos)
{
	__u64 x = pos * 0x9e3779b97f4a7c15ULL;

	return x ^ (x >> 29) ^ 0x70706370ULL;
}

/* What ppc_make_file() writes; @pos must be a multiple of 8. */
void ppc_pattern(void *buf, __u64 pos, size_t len)
{
	__u64 *word = buf;
	size_t i;

	for (i = 0; i < len / 8; i++)
		word[i] = word_at(pos + i * 8);
	for (i = len & ~7UL; i < len; i++)
		((__u8 *)buf)[i] = word_at(pos + (i & ~7UL)) >> (i % 8 * 8);
}

/* Position of the first wrong byte, or -1. */
long ppc_verify_mem(const void *mem, __u64 pos, __u64 len)
{
	static __thread __u8 want[64 * 1024];
	__u64 done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(want) ? len - done : sizeof(want);
		size_t i;

		ppc_pattern(want, pos + done, n);
		if (memcmp(want, (const char *)mem + done, n)) {
			for (i = 0; want[i] == ((__u8 *)mem)[done + i]; i++)
				;
			return pos + done + i;
		}
		done += n;
	}
	return -1;
}

/* By read(): position of the first wrong byte, -1 if all is right, -2 on errors. */
long ppc_verify(int fd, __u64 pos, __u64 len)
{
	__u64 done = 0;
	long bad = -1;
	char *buf = malloc(CHUNK);

	while (buf && bad == -1 && done < len) {
		size_t n = len - done < CHUNK ? len - done : CHUNK;

		if (pread(fd, buf, n, pos + done) != (ssize_t)n)
			bad = -2;
		else
			bad = ppc_verify_mem(buf, pos + done, n);
		done += n;
	}
	free(buf);
	return bad;
}

/* Read and forget; bytes read or -errno. */
long ppc_read(int fd, __u64 pos, __u64 len, size_t step)
{
	char *buf = malloc(step);
	long done = 0;

	while ((__u64)done < len) {
		size_t n = len - done < step ? len - done : step;
		ssize_t got = pread(fd, buf, n, pos + done);

		if (got < 0)
			done = -errno;
		if (got <= 0)
			break;
		done += got;
	}
	free(buf);
	return done;
}

/*
 * Read on like a reader that is slower than what reads ahead of it: each step when it is
 * cached. Return: the bytes of all steps that were cached in time.
 */
__u64 ppc_follow(int fd, __u64 pos, __u64 len, __u64 step)
{
	__u64 at, n, good = 0;

	for (at = pos; at < pos + len; at += n) {
		n = pos + len - at < step ? pos + len - at : step;
		if (PPC_WAIT(ppc_cached(fd, at, n) == (long)(n / 4096)))
			good += n;
		if (ppc_read(fd, at, n, 64 * KB) != (long)n)
			break;
	}
	return good;
}

void ppc_touch(const char *map, __u64 pos, __u64 len)
{
	__u64 at;

	for (at = pos; at < pos + len; at += 4096)
		/* A load, although nobody wants what is loaded. */
		asm volatile("" : : "r" (map[at]) : "memory");
}

/* A new file, on disk and not in memory; its fd, open for reading. */
int ppc_make_file(const char *path, __u64 size)
{
	char *buf = malloc(CHUNK);
	__u64 pos;
	int fd, ret = 0;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || !buf) {
		ret = -errno;
		goto out;
	}
	for (pos = 0; !ret && pos < size; pos += CHUNK) {
		size_t n = size - pos < CHUNK ? size - pos : CHUNK;

		ppc_pattern(buf, pos, n);
		if (pwrite(fd, buf, n, pos) != (ssize_t)n)
			ret = errno ? -errno : -EIO;
	}
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	if (!ret) {
		fd = open(path, O_RDONLY);
		ret = fd < 0 ? -errno : ppc_drop(fd) ?: fd;
		if (ret < 0 && fd >= 0)
			close(fd);
	}
out:
	free(buf);
	return ret;
}

/* A new file without blocks. */
int ppc_make_hole(const char *path, __u64 size)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) || fsync(fd))
		return -errno;
	close(fd);
	fd = open(path, O_RDONLY);
	return fd < 0 ? -errno : fd;
}

/* Empty the cache of a file, and make sure. */
int ppc_drop(int fd)
{
	int i;

	for (i = 0; i < 20; i++) {
		if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			return -EIO;
		if (!ppc_cached_all(fd))
			return 0;
		if (i > 3)
			ppc_write("/proc/sys/vm/drop_caches", "1");
		usleep(50000);
	}
	return -EBUSY;
}

struct cachestat_range {
	__u64 off, len;
};

struct cachestat {
	__u64 nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently;
};

/* Pages in the cache; @len 0: up to the end. */
long ppc_cached(int fd, __u64 pos, __u64 len)
{
	struct cachestat_range range = { pos, len };
	struct cachestat stat;

	PPC_MUST(syscall(__NR_cachestat, fd, &range, &stat, 0));
	return stat.nr_cache;
}

/* The same by mincore(). */
long ppc_resident(const char *map, __u64 pos, __u64 len)
{
	unsigned char *vec = malloc(len / 4096);
	long nr = 0;
	size_t i;

	PPC_MUST(mincore((void *)(map + pos), len, vec));
	for (i = 0; i < len / 4096; i++)
		nr += vec[i] & 1;
	free(vec);
	return nr;
}

/* Bytes that the disk below has read since it was made. */
__u64 ppc_disk_bytes(int fd)
{
	unsigned long long sectors;
	char path[64], text[256];
	struct stat st;

	PPC_MUST(fstat(fd, &st));
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat",
		 major(st.st_dev), minor(st.st_dev));
	PPC_MUST(ppc_read_text(path, text, sizeof(text)));
	PPC_MUST(sscanf(text, "%*u %*u %llu", &sectors) == 1 ? 0 : -EIO);
	return sectors * 512;
}

/* Pages of a mapping on a node. */
long ppc_pages_on(const char *map, __u64 len, int node)
{
	size_t n = len / 4096, i;
	void **pages = calloc(n, sizeof(*pages));
	int *status = calloc(n, sizeof(*status));
	long nr = 0;

	for (i = 0; i < n; i++)
		pages[i] = (void *)(map + i * 4096);
	PPC_MUST(syscall(__NR_move_pages, 0, n, pages, NULL, status, 0));
	for (i = 0; i < n; i++)
		nr += status[i] == node;
	free(pages);
	free(status);
	return nr;
}

#define KPF_COMPOUND_HEAD	15
#define KPF_COMPOUND_TAIL	16

/* Pages of a mapping that belong to large folios; -1 where one cannot know. */
long ppc_large_pages(const char *map, __u64 len)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int kpageflags = open("/proc/kpageflags", O_RDONLY);
	__u64 at, entry, flags;
	long nr = 0;

	if (pagemap < 0 || kpageflags < 0)
		return -1;
	for (at = 0; at < len; at += 4096) {
		if (pread(pagemap, &entry, 8, ((uintptr_t)map + at) / 4096 * 8) != 8)
			return -1;
		entry &= (1ULL << 55) - 1;
		if (!entry || pread(kpageflags, &flags, 8, entry * 8) != 8)
			continue;
		nr += !!(flags & (1ULL << KPF_COMPOUND_HEAD |
				  1ULL << KPF_COMPOUND_TAIL));
	}
	close(pagemap);
	close(kpageflags);
	return nr;
}

int ppc_attach_as(const char *policy, struct ppc_attach args)
{
	int dev = open(PPC_DEV, O_RDWR | O_CLOEXEC);
	int att;

	if (dev < 0)
		return -errno;
	memcpy(args.policy, policy, strnlen(policy, sizeof(args.policy)));
	att = ioctl(dev, PPC_IOC_ATTACH, &args);
	if (att < 0)
		att = -errno;
	close(dev);
	return att;
}

int ppc_attach(const char *policy, __u64 flags, const int *fds, unsigned int nr,
	       __u64 budget, __u64 keep_budget)
{
	return ppc_attach_as(policy, (struct ppc_attach){
		.flags = flags,
		.fds = (uintptr_t)fds,
		.nr_fds = nr,
		.budget = budget,
		.keep_budget = keep_budget,
	});
}

/* For the load of a process and its descendants; of anyone if it is 0. */
int ppc_attach_for(pid_t pid, const char *policy, const int *fds,
		   unsigned int nr, __u64 budget)
{
	return ppc_attach_as(policy, (struct ppc_attach){
		.pid = pid,
		.fds = (uintptr_t)fds,
		.nr_fds = nr,
		.budget = budget,
	});
}

int ppc_attach_one(int fd)
{
	return ppc_attach(PPC_TEST_POLICY, 0, &fd, 1, 0, 0);
}

int ppc_detach(int att)
{
	int ret = ioctl(att, PPC_IOC_DETACH) ? -errno : 0;

	close(att);
	return ret;
}

int ppc_stats(int att, struct ppc_stats *stats)
{
	return ioctl(att, PPC_IOC_STATS, stats) ? -errno : 0;
}

/* Wait until nothing has been read ahead for a while; bytes read ahead so far. */
__u64 ppc_settled(int att)
{
	struct ppc_stats last = { .batches = -1 }, now;
	int quiet = 0, i;

	for (i = 0; quiet < 15 && i < PPC_PATIENCE * 10; i++) {
		PPC_MUST(ppc_stats(att, &now));
		quiet = now.batches == last.batches ? quiet + 1 : 0;
		last = now;
		usleep(100000);
	}
	return now.prefetched_bytes;
}

struct ppc_test_counts ppc_counts(int att)
{
	struct ppc_test_counts counts = {};

	PPC_MUST(ioctl(att, PPC_TEST_IOC_COUNTS, &counts));
	return counts;
}

/* All accesses told of. */
__u64 ppc_count_all(int att)
{
	struct ppc_test_counts counts = ppc_counts(att);
	__u64 all = 0;
	int i;

	for (i = 0; i < PPC_TEST_TYPES; i++)
		all += counts.accesses[i];
	return all;
}

void ppc_count_reset(int att)
{
	PPC_MUST(ioctl(att, PPC_TEST_IOC_RESET));
}

int ppc_answer(int att, __u32 answer)
{
	return ioctl(att, PPC_TEST_IOC_ANSWER, &answer) ? -errno : 0;
}

int ppc_rule(int att, __u32 file, __u32 verdict, __u32 reasons,
	     __u64 pos, __u64 len)
{
	struct ppc_test_rule rule = {
		.file = file,
		.verdict = verdict,
		.reasons = reasons,
		.pos = pos,
		.len = len,
	};

	return ioctl(att, PPC_TEST_IOC_RULE, &rule) ? -errno : 0;
}

/* A stream, not started; its number. */
int ppc_stream(int att, const struct ppc_test_range *ranges, unsigned int nr,
	       int node, bool feed, __u32 burn, __u64 gap)
{
	struct ppc_test_stream args = {
		.ranges = (uintptr_t)ranges,
		.nr = nr,
		.node = node,
		.feed = feed,
		.burn = burn,
		.gap = gap,
	};
	int stream = ioctl(att, PPC_TEST_IOC_STREAM, &args);

	return stream < 0 ? -errno : stream;
}

/* A stream over one range of file 0, started. */
int ppc_stream_one(int att, __u64 pos, __u64 len, bool feed, __u32 burn,
		   __u64 gap)
{
	struct ppc_test_range range = { .pos = pos, .len = len };
	int stream = ppc_stream(att, &range, 1, -1, feed, burn, gap);

	return stream < 0 ? stream :
	       ppc_stream_op(att, stream, TEST_STREAM_START) ?: stream;
}

int ppc_stream_op(int att, int stream, __u32 op)
{
	struct ppc_test_op args = { .stream = stream, .op = op };

	return ioctl(att, PPC_TEST_IOC_OP, &args) ? -errno : 0;
}

int ppc_feed(int att, int stream, __u32 type, __u64 pos, __u64 len)
{
	struct ppc_test_feed args = {
		.stream = stream,
		.type = type,
		.uptodate = type == TEST_CONSUME,
		.pos = pos,
		.len = len,
	};

	return PPC_MUST(ioctl(att, PPC_TEST_IOC_FEED, &args));
}

long ppc_param(const char *name)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), PPC_PARAMS "%s", name);
	PPC_MUST(ppc_read_text(path, text, sizeof(text)));
	return strtol(text, NULL, 0);
}

/* Load the policy "test", if it is not there. */
int ppc_insmod(void)
{
	return ppc_load_policy("ppc_test");
}

/* Likewise any module of test_policy. */
int ppc_load_policy(const char *name)
{
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "test_policy/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(__NR_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* MAIO, loaded if it can be. */
bool ppc_have_maio(void)
{
	return !access("/sys/module/ppc_maio", F_OK) ||
	       !system("modprobe ppc_maio >&2");
}

/* As templates have it: zlib's. */
__u32 ppc_crc32(const void *data, size_t len)
{
	const __u8 *p = data;
	__u32 crc = ~0U;
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		crc ^= p[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* This thread's user: real and effective, with a way back to root. */
int ppc_become(uid_t uid)
{
	int ret;

	if (!uid && syscall(SYS_setresuid, -1, 0, -1))
		return -errno;
	ret = syscall(SYS_setresuid, uid, uid, 0);
	return ret ? -errno : 0;
}

/* What @fn returns, 0 to 255; or -errno; or -1000 - signal. */
int ppc_in_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1000 - WTERMSIG(status);
}

/*
 * Does a thread sleep in this system call, with @arg as the second argument? If
 * it is seen there several times, it waits for more than a lock held for a moment.
 */
bool ppc_sleeps_in(pid_t tid, long nr, unsigned long arg)
{
	char path[64], text[256];
	unsigned long second;
	int seen;
	long in;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	for (seen = 0; seen < 5; seen++) {
		PPC_MUST(ppc_read_text(path, text, sizeof(text)));
		/* "running", or "-1" outside of system calls. */
		if (sscanf(text, "%ld %*x %lx", &in, &second) != 2 || in != nr ||
		    second != arg)
			return false;
		usleep(20000);
	}
	return true;
}

int ppc_cg_make(const char *name, char *dir, size_t len)
{
	char path[PATH_MAX];

	ppc_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	snprintf(dir, len, "/sys/fs/cgroup/ppc-%s-%d", name, getpid());
	if (mkdir(dir, 0755))
		return -errno;
	snprintf(path, sizeof(path), "%s/memory.current", dir);
	return access(path, R_OK) ? -ENODEV : 0;
}

int ppc_cg_set(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return ppc_write(path, text);
}

/* A number out of a file of a cgroup, behind @key if that is not NULL. */
long ppc_cg_stat(const char *dir, const char *file, const char *key)
{
	char path[PATH_MAX], text[8192], *line;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	PPC_MUST(ppc_read_text(path, text, sizeof(text)));
	if (!key)
		return strtol(text, NULL, 0);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ' ')
			return strtol(line + strlen(key), NULL, 0);
	return PPC_MUST(-ENOENT);
}

int ppc_cg_enter(const char *dir)
{
	return ppc_cg_set(dir, "cgroup.procs", "0");
}

void ppc_cg_remove(const char *dir)
{
	int i;

	for (i = 0; rmdir(dir) && errno == EBUSY && i < 100; i++)
		usleep(50000);
}
