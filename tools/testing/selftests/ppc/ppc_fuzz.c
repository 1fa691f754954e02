// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the ioctls: worker processes with threads do what ppc_fuzz_ioctl.c and ppc_fuzz_ops.c
 * have, at random; now and then a worker is killed, and another one takes its place. It fails if a
 * thread hangs, a read is wrong, something is taken that must be refused, an ioctl is never taken,
 * or something is left behind. What the kernel complains of is for the log to tell.
 *
 *	ppc_fuzz [--seed N] [--seconds S] [--threads N]
 */
#include <getopt.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "ppc_fuzz.h"

#define THREADS_A_WORKER	2
#define MAX_WORKERS		(FUZZ_MAX_THREADS / THREADS_A_WORKER)

/*
 * In rounds of the supervisor, which are seconds, or more where the machine is so busy that it does
 * not get to run either: for how long a thread may do nothing, and what is no hang yet.
 */
#define HANG			60
#define STUCK			5
#define DEBUGFS			"/sys/kernel/debug/"

/* In a run shorter than that, an ioctl may miss its chance. */
#define ENOUGH_SECONDS		30

struct fuzz_shared *fuzz_shared;

static __u64 seed;
static unsigned int seconds = 60, nr_threads = 6, nr_workers;

static struct worker {
	pid_t pid;
	unsigned int generation;
	bool killed;
} workers[MAX_WORKERS];

/* Of the worker that this process is. */
static struct worker_thread {
	pthread_t thread;
	struct fuzz f;
	__u64 seed;
} own[THREADS_A_WORKER];

static pid_t supervisor;
static unsigned int died;

static char limits[2][32];
static const char * const limit_names[2] = { PPC_LIMITS "files",
					     PPC_LIMITS "attachments" };

void fuzz_count(unsigned int op, int err)
{
	__atomic_fetch_add(&fuzz_shared->seen[op][err < FUZZ_MAX_ERRNO ? err : FUZZ_MAX_ERRNO], 1,
			   __ATOMIC_RELAXED);
}

void fuzz_broken(const char *what, long value)
{
	if (!__atomic_fetch_add(&fuzz_shared->broken, 1, __ATOMIC_RELAXED))
		snprintf(fuzz_shared->broken_what, sizeof(fuzz_shared->broken_what), "%s (%ld)",
			 what, value);
}

static bool stopped(void)
{
	return __atomic_load_n(&fuzz_shared->stop, __ATOMIC_RELAXED);
}

static unsigned int nr_ops(void)
{
	return fuzz_nr_calls + fuzz_nr_ops;
}

static const char *op_name(unsigned int op)
{
	return op < fuzz_nr_calls ? fuzz_call_name(op) : fuzz_op_name(op - fuzz_nr_calls);
}

/* Three of five are ioctls. */
static unsigned int pick_op(struct fuzz *f)
{
	const bool call = fuzz_below(&f->rng, 5) < 3;
	const unsigned int nr = call ? fuzz_nr_calls : fuzz_nr_ops;
	unsigned int (*weight)(unsigned int op) = call ? fuzz_call_weight : fuzz_op_weight;
	unsigned int sum = 0, i;
	__u64 at;

	for (i = 0; i < nr; i++)
		sum += weight(i);
	at = fuzz_below(&f->rng, sum);
	for (i = 0; at >= weight(i); i++)
		at -= weight(i);
	return call ? i : fuzz_nr_calls + i;
}

static void set_failing(const struct fuzz *f, const char *on)
{
	/* Without fault injection there is nothing to be set. */
	if (f->fail >= 0 && pwrite(f->fail, on, 1, 0) < 0)
		return;
}

/* Allocations fail only in ioctls: a file system may shut down for less. */
static void do_op(struct fuzz *f, unsigned int op)
{
	const bool fail = f->number % 3 == 2 && fuzz_one_in(&f->rng, 2);

	if (op >= fuzz_nr_calls) {
		op -= fuzz_nr_calls;
		fuzz_count(fuzz_nr_calls + op, -fuzz_op(f, op));
		return;
	}
	if (fail)
		set_failing(f, "1");
	fuzz_ioctl(f, op);
	if (fail)
		set_failing(f, "0");
}

static bool thread_begin(struct fuzz *f)
{
	f->arg = mmap(NULL, FUZZ_END + FUZZ_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	f->readonly = mmap(NULL, 2 * FUZZ_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	f->mapped = mmap(NULL, 2 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 fuzz_files[fuzz_nr_files - 3].fd, 0);
	f->buf = malloc(FUZZ_BUF + 16);
	f->fail = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	if (f->mapped != MAP_FAILED)
		fuzz_no_collapse(f->mapped, 2 * MB);
	return f->arg != MAP_FAILED && f->readonly != MAP_FAILED && f->mapped != MAP_FAILED &&
	       f->buf && !mprotect(f->arg + FUZZ_END, FUZZ_PAGE, PROT_NONE);
}

static void *thread_main(void *arg)
{
	struct worker_thread *t = arg;
	struct fuzz *f = &t->f;
	struct fuzz_progress *progress = &fuzz_shared->thread[f->number];
	__u64 i;

	if (!thread_begin(f))
		_exit(1);
	__atomic_store_n(&progress->tid, syscall(SYS_gettid), __ATOMIC_RELAXED);
	for (i = 0; !stopped() && getppid() == supervisor; i++) {
		unsigned int op;
		bool user;

		f->rng.state = t->seed + i * 0x2545f4914f6cdd1dULL;
		user = fuzz_one_in(&f->rng, 4);
		op = pick_op(f);
		__atomic_store_n(&progress->op, op, __ATOMIC_RELAXED);
		if (user && ppc_become(PPC_UID))
			_exit(2);
		do_op(f, op);
		if (user && ppc_become(0))
			_exit(3);
		__atomic_fetch_add(&progress->done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void worker_main(unsigned int worker, unsigned int generation)
{
	struct fuzz_rng rng = { seed };
	unsigned int i;

	/* What it mounts goes with it. */
	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(4);
	for (i = 0; i < THREADS_A_WORKER; i++) {
		struct worker_thread *t = &own[i];

		t->f.worker = worker;
		t->f.number = worker * THREADS_A_WORKER + i;
		rng.state = seed + ((__u64)t->f.number << 32) + generation;
		t->seed = fuzz_next(&rng);
		if (t->f.number < nr_threads && pthread_create(&t->thread, NULL, thread_main, t))
			_exit(5);
	}
	for (i = 0; i < THREADS_A_WORKER; i++)
		if (own[i].f.number < nr_threads)
			pthread_join(own[i].thread, NULL);
	_exit(0);
}

static void worker_start(unsigned int i)
{
	struct worker *w = &workers[i];

	w->killed = false;
	w->pid = fork();
	if (!w->pid)
		worker_main(i, w->generation);
	w->generation++;
	if (w->pid < 0)
		ksft_exit_fail_perror("fork");
}

/* One that has ended though it was neither killed nor told to has found something. */
static bool worker_ended(struct worker *w)
{
	int status;

	if (!w->pid || waitpid(w->pid, &status, WNOHANG) != w->pid)
		return !w->pid;
	if (!(w->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) && status) {
		ksft_print_msg("worker %ld ended with status 0x%x\n", (long)(w - workers), status);
		died++;
	}
	w->pid = 0;
	return true;
}

static void show_file(const char *path)
{
	char text[4096], *line;

	if (ppc_read_text(path, text, sizeof(text)))
		return;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ksft_print_msg("  %s\n", line);
}

static void show_hang(unsigned int thread)
{
	const struct fuzz_progress *p = &fuzz_shared->thread[thread];
	char path[64];

	ksft_print_msg("thread %u hangs in \"%s\" after %llu operations:\n", thread, op_name(p->op),
		       p->done);
	snprintf(path, sizeof(path), "/proc/%d/stack", p->tid);
	show_file(path);
	/* Whom it waits for is among the rest. */
	ppc_write("/proc/sysrq-trigger", "w");
}

/* In which round each thread was last seen to get on. */
static unsigned int since[FUZZ_MAX_THREADS];
static unsigned int rounds;

/* True if a thread has done nothing for long. */
static bool any_hangs(void)
{
	static __u64 done[FUZZ_MAX_THREADS];
	bool hangs = false;
	unsigned int i;

	rounds++;
	for (i = 0; i < nr_threads; i++) {
		const __u64 is = __atomic_load_n(&fuzz_shared->thread[i].done, __ATOMIC_RELAXED);

		if (is != done[i] || !since[i]) {
			done[i] = is;
			since[i] = rounds;
		} else if (rounds - since[i] >= HANG) {
			show_hang(i);
			hangs = true;
		}
	}
	return hangs;
}

/* A worker that may be about to hang is not killed: that would end what is to be found. */
static void kill_one(struct fuzz_rng *rng)
{
	const unsigned int i = fuzz_below(rng, nr_workers);
	unsigned int thread;

	for (thread = i * THREADS_A_WORKER; thread < (i + 1) * THREADS_A_WORKER; thread++)
		if (since[thread] && rounds - since[thread] >= STUCK)
			return;
	workers[i].killed = true;
	kill(workers[i].pid, SIGKILL);
}

static __u64 total_done(void)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < nr_threads; i++)
		sum += __atomic_load_n(&fuzz_shared->thread[i].done, __ATOMIC_RELAXED);
	return sum;
}

/* A worker may have been killed between switching something off and on again. */
static void set_right(void)
{
	int i;

	ppc_write(PPC_SYSFS "enabled", "1");
	for (i = 0; i < 2; i++)
		ppc_write(limit_names[i], limits[i]);
	ppc_fuse_delay(&fuzz_fuse, 0);
	ppc_fuse_stop(&fuzz_fuse, false);
}

/* False if a thread hangs. */
static bool supervise(void)
{
	struct fuzz_rng rng = { seed };
	time_t begin = time(NULL), kill_at = begin + 4, now = begin, last = begin;
	unsigned int i;

	for (; now < begin + seconds; now = time(NULL)) {
		usleep(200000);
		for (i = 0; i < nr_workers; i++)
			if (worker_ended(&workers[i]))
				worker_start(i);
		if (now >= kill_at) {
			kill_one(&rng);
			kill_at = now + 2 + fuzz_below(&rng, 6);
		}
		if (now == last)
			continue;
		set_right();
		if (any_hangs())
			return false;
		if ((now - begin) / 60 != (last - begin) / 60)
			ksft_print_msg("%ld of %u s: %llu operations, %llu MB compared\n",
				       (long)(now - begin), seconds, total_done(),
				       fuzz_shared->verified >> 20);
		last = now;
	}
	return true;
}

/* All threads come to their end; false if one does not. */
static bool stop_workers(void)
{
	unsigned int i, tries, left = nr_workers;

	__atomic_store_n(&fuzz_shared->stop, 1, __ATOMIC_RELAXED);
	for (tries = 0; left && tries < 10 * HANG; tries++) {
		set_right();
		usleep(100000);
		for (i = left = 0; i < nr_workers; i++)
			left += !worker_ended(&workers[i]);
	}
	for (i = 0; i < nr_threads; i++) {
		struct worker *w = &workers[i / THREADS_A_WORKER];

		if (!w->pid)
			continue;
		show_hang(i);
		w->killed = true;
		kill(w->pid, SIGKILL);
	}
	return !left;
}

static void set_injection(bool on)
{
	static const char * const names[] = { "failslab", "fail_page_alloc" };
	static const char * const settings[][2] = {
		{ "verbose", "0" }, { "ignore-gfp-wait", "N" }, { "min-order", "0" },
		{ "interval", "1" }, { "times", "-1" }, { "task-filter", "Y" },
	};
	char path[128];
	size_t i, j;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < sizeof(settings) / sizeof(*settings); j++) {
			snprintf(path, sizeof(path), DEBUGFS "%s/%s", names[i], settings[j][0]);
			ppc_write(path, on || j < 5 ? settings[j][1] : "N");
		}
		snprintf(path, sizeof(path), DEBUGFS "%s/probability", names[i]);
		ppc_write(path, on ? "2" : "0");
	}
}

static void show_counts(void)
{
	unsigned int op, err;
	char line[1024];
	size_t len;

	for (op = 0; op < nr_ops(); op++) {
		const __u32 *seen = fuzz_shared->seen[op];

		len = snprintf(line, sizeof(line), "%s%s: %u ok",
			       op < fuzz_nr_calls ? "ioctl " : "", op_name(op), seen[0]);
		for (err = 1; err <= FUZZ_MAX_ERRNO; err++)
			if (seen[err] && len < sizeof(line))
				len += snprintf(line + len, sizeof(line) - len, ", %u %s",
						seen[err], strerrorname_np(err) ?: "other");
		ksft_print_msg("%s\n", line);
	}
}

static bool every_ioctl_taken(void)
{
	bool all = true;
	unsigned int op;

	for (op = 0; op < fuzz_nr_calls; op++)
		if (!fuzz_shared->seen[op][0]) {
			ksft_print_msg("ioctl %s was never taken\n", op_name(op));
			all = false;
		}
	return all;
}

/* Whether something comes true within a minute. */
static bool comes_true(bool (*is)(void))
{
	const time_t until = time(NULL) + PPC_PATIENCE;
	bool it_is;

	while (!(it_is = is()) && time(NULL) < until)
		usleep(100000);
	return it_is;
}

static bool attachments_ended(void)
{
	const long refs = ppc_read_long("/sys/module/ppc_maio/refcnt");

	return ppc_param("attached") == ppc_param("detached") && (refs == 0 || refs == -ENOENT);
}

struct attacher {
	uid_t uid;
	const char *attachments;
};

static int attach_once(void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	const struct attacher *a = arg;
	int fd, att;

	if (chown(fuzz_files[0].path, a->uid, -1))
		return 254;
	/* Root must be bound by limits as all others are. */
	if (a->uid ? setuid(a->uid) : syscall(SYS_capset, &header, none))
		return 255;
	fd = open(fuzz_files[0].path, O_RDONLY);
	att = ppc_attach(PPC_TEST_POLICY, 0, &fd, 1, 0, 0);
	return att < 0 ? -att : 0;
}

/* What a user has attached is counted: if there is none, one fits where one may be. */
static bool nothing_counted(void)
{
	static const uid_t uids[] = { PPC_UID, 0 };
	bool none = true;
	int i;

	for (i = 0; i < 2; i++) {
		struct attacher a = { .uid = uids[i] };

		ppc_write(limit_names[0], "1");
		ppc_write(limit_names[1], "0");
		none &= ppc_in_child(attach_once, &a) == EDQUOT;
		ppc_write(limit_names[1], "1");
		none &= ppc_in_child(attach_once, &a) == 0;
	}
	for (i = 0; i < 2; i++)
		ppc_write(limit_names[i], limits[i]);
	return none;
}

static bool policies_removed(void)
{
	int maio = syscall(__NR_delete_module, "ppc_maio", O_NONBLOCK) ? errno : 0;
	int test = syscall(__NR_delete_module, "ppc_test", O_NONBLOCK) ? errno : 0;

	return (!maio || maio == ENOENT) && (!test || test == ENOENT);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "threads", required_argument, NULL, 'n' },
		{}
	};
	int c;

	seed = time(NULL);
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			nr_threads = strtoul(optarg, NULL, 0);
			break;
		default:
			nr_threads = 0;
		}
	}
	if (optind < argc || !nr_threads || nr_threads > FUZZ_MAX_THREADS)
		ksft_exit_fail_msg("usage: %s [--seed N] [--seconds S] [--threads N (1 to %d)]\n",
				   argv[0], FUZZ_MAX_THREADS);
	nr_workers = (nr_threads + THREADS_A_WORKER - 1) / THREADS_A_WORKER;
}

static void set_up(void)
{
	unsigned int i;
	int err;

	fuzz_shared = mmap(NULL, sizeof(*fuzz_shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz_shared == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	for (i = 0; i < 2; i++)
		if (ppc_read_text(limit_names[i], limits[i], sizeof(limits[i])))
			ksft_exit_fail_msg("%s cannot be read\n", limit_names[i]);
	err = fuzz_files_make();
	if (err)
		ksft_exit_fail_msg("no files to fuzz with: %s\n", strerror(-err));
	if (!fuzz_op_begin())
		ksft_exit_fail_perror("socketpair");
	/* What moves between them fails then, and all else goes on. */
	if (ppc_cg_make("fuzz-a", fuzz_cgroups[0], sizeof(fuzz_cgroups[0])) ||
	    ppc_cg_make("fuzz-b", fuzz_cgroups[1], sizeof(fuzz_cgroups[1])))
		ksft_print_msg("there are no memory control groups\n");
	supervisor = getpid();
}

int main(int argc, char **argv)
{
	bool hangs;
	unsigned int i;

	setlinebuf(stdout);
	ksft_print_header();
	parse(argc, argv);
	ppc_env_begin(argv[0]);
	if (!ppc_have_maio())
		ksft_exit_skip("no ppc_maio: CONFIG_SAMPLE_PPC_MAIO is not set\n");
	ksft_set_plan(10);
	ksft_print_msg("again with: --seed %llu --threads %u\n", seed, nr_threads);
	set_up();
	ksft_test_result_pass("there are files on ext4, xfs, overlayfs and FUSE\n");

	set_injection(true);
	for (i = 0; i < nr_workers; i++)
		worker_start(i);
	hangs = !supervise();
	hangs |= !stop_workers();
	set_injection(false);
	set_right();

	show_counts();
	ksft_print_msg("%llu operations in %u s, %llu MB compared\n", total_done(), seconds,
		       fuzz_shared->verified >> 20);
	ksft_test_result(!hangs, "no thread hangs\n");
	ksft_test_result(!died, "no worker ends by itself\n");
	if (fuzz_shared->wrong)
		ksft_print_msg("%u wrong, first: %s\n", fuzz_shared->wrong,
			       fuzz_shared->wrong_what);
	ksft_test_result(!fuzz_shared->wrong && fuzz_shared->verified,
			 "what is read is what was written\n");
	ksft_test_result(seconds < ENOUGH_SECONDS || every_ioctl_taken(),
			 "every ioctl is taken at least once\n");
	if (fuzz_shared->broken)
		ksft_print_msg("%u taken, first: %s\n", fuzz_shared->broken,
			       fuzz_shared->broken_what);
	ksft_test_result(!fuzz_shared->broken, "what must be refused is refused\n");

	fuzz_op_end();
	ksft_test_result(comes_true(attachments_ended) && !ppc_param("stray"),
			 "all attachments end\n");
	ksft_test_result(comes_true(nothing_counted), "no user has anything attached any more\n");
	fuzz_files_close();
	ksft_test_result(!fuzz_files_unmount(), "overlayfs and FUSE can be unmounted\n");
	ksft_test_result(comes_true(policies_removed), "policies can be removed\n");
	for (i = 0; i < 2; i++)
		ppc_cg_remove(fuzz_cgroups[i]);
	ksft_finished();
}
