// SPDX-License-Identifier: GPL-2.0
/*
 * A file is read and changed in all ways there are, at random, and compared with
 * a shadow in memory all the while; beside it, page cache policies come and go
 * that read ahead, drop and decide at random. No byte may ever be wrong.
 */
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <sys/random.h>

#include "kselftest.h"
#include "ppc_disturb.h"
#include "ppc_fsx.h"

/* Operations with one choice of what is done at all. */
#define PHASE	64
#define MAX_OPS	64

static const char * const all_fs[] = { "ext4", "xfs", "f2fs", "btrfs" };

static long opt_ops = 2000, opt_seconds = 30;
static const char *opt_fs;
static __u64 opt_seed;
static bool opt_quiet;

struct run {
	struct fsx f;
	struct ppc_disturb d;
	pthread_mutex_t lock; /* d, and the file is open */
	bool stop;
	int err; /* of what disturbs */
	bool on[MAX_OPS]; /* in this phase */
	bool never[MAX_OPS]; /* not on this file system */
	long done[MAX_OPS];
};

static void *disturb(void *arg)
{
	struct run *r = arg;
	__u64 random = r->d.random;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&r->lock);
		r->err = ppc_disturb_once(&r->d, r->f.path) ?: r->err;
		pthread_mutex_unlock(&r->lock);
		usleep(ppc_random(&random, 3000));
	}
	return NULL;
}

static int let_go(void *arg)
{
	struct run *r = arg;

	pthread_mutex_lock(&r->lock);
	return ppc_disturb_end(&r->d);
}

static void go_on(void *arg)
{
	struct run *r = arg;

	pthread_mutex_unlock(&r->lock);
}

/* Not all operations at all times: what one does may be undone by the next. */
static void new_phase(struct run *r)
{
	static const unsigned int kinds[] = {
		FSX_READ, FSX_READ | FSX_CHANGE, FSX_READ | FSX_CHANGE,
		FSX_READ | FSX_CHANGE | FSX_RESIZE,
	};
	unsigned int kind = kinds[fsx_random(&r->f, 4)] | FSX_OTHER, i;

	for (i = 0; i < fsx_nr_ops; i++)
		r->on[i] = (fsx_ops[i].kind & kind) && fsx_random(&r->f, 4);
}

static unsigned int choose(struct run *r)
{
	unsigned int sum = 0, i;
	__u64 at;

	for (i = 0; i < fsx_nr_ops; i++)
		sum += r->on[i] && !r->never[i] ? fsx_ops[i].weight : 0;
	if (!sum)
		return 0;
	at = fsx_random(&r->f, sum);
	for (i = 0;; i++) {
		unsigned int weight = r->on[i] && !r->never[i] ? fsx_ops[i].weight : 0;

		if (at < weight)
			return i;
		at -= weight;
	}
}

/* Mostly short, at any place, often on pages. */
static void choose_range(struct fsx *f, enum fsx_kind kind, __u64 *pos, __u64 *len)
{
	__u64 end = f->size;

	*len = 1 + fsx_random(f, 1 << fsx_random(f, fsx_random(f, 16) ? 18 : 22));
	if (kind == FSX_RESIZE && fsx_random(f, 2))
		end = FSX_MAX;
	*pos = fsx_random(f, end + 1);
	if (fsx_random(f, 2))
		*pos &= ~(FSX_PAGE - 1);
	if (!fsx_random(f, 3))
		*len = (*len + FSX_PAGE - 1) & ~(FSX_PAGE - 1);
	if (*pos + *len > FSX_MAX)
		*pos = FSX_MAX - *len;
}

static bool one(struct run *r)
{
	struct fsx *f = &r->f;
	const struct fsx_op *op;
	struct fsx_log *log;
	unsigned int i;
	long err;

	if (f->nr % PHASE == 0)
		new_phase(r);
	i = choose(r);
	op = &fsx_ops[i];
	log = &f->log[f->nr % FSX_LOG];
	*log = (struct fsx_log){ .nr = f->nr, .name = op->name, .size = f->size };
	choose_range(f, op->kind, &log->pos, &log->len);
	err = op->run(f, log->pos, log->len);
	log->ret = err;
	f->nr++;
	if (err == -EOPNOTSUPP && !r->done[i]) {
		ksft_print_msg("no %s here\n", op->name);
		r->never[i] = true;
		return true;
	}
	if (err && !f->wrong)
		ksft_print_msg("%s %llu+%llu (size %llu): %s\n", op->name, log->pos,
			       log->len, log->size, strerror(-err));
	r->done[i]++;
	return !err && !f->wrong;
}

static bool exercise(struct run *r)
{
	const time_t begin = time(NULL);
	time_t end = opt_seconds ? begin + opt_seconds : 0;
	time_t patience;
	bool ok = true;

	while (ok && r->f.nr < opt_ops && !r->err && (!end || time(NULL) < end))
		ok = one(r);
	/* A slow machine may have to wait for what disturbs. */
	patience = time(NULL) + PPC_PATIENCE;
	while (ok && !opt_quiet && !r->err && time(NULL) < patience) {
		bool lacks;

		pthread_mutex_lock(&r->lock);
		lacks = ppc_disturb_lacks(&r->d);
		pthread_mutex_unlock(&r->lock);
		if (!lacks)
			break;
		ok = one(r);
	}
	if (ok) {
		ok = !fsx_remount(&r->f) && !fsx_check_all(&r->f);
		if (!ok && !r->f.wrong)
			ksft_print_msg("cannot check at the end: %m\n");
	}
	ksft_print_msg("%ld operations in %ld s\n", r->f.nr, (long)(time(NULL) - begin));
	return ok;
}

static void report(struct run *r)
{
	unsigned int i;

	ksft_print_msg("done:");
	for (i = 0; i < fsx_nr_ops; i++)
		printf(" %s %ld%s", fsx_ops[i].name, r->done[i],
		       i + 1 < fsx_nr_ops ? "," : "\n");
	ppc_disturb_print(&r->d, "# ");
}

static bool run(struct run *r, const char *cgroup)
{
	const char *lacks = NULL;
	pthread_t thread;
	bool ok;
	int err;

	err = ppc_disturb_begin(&r->d, fsx_random(&r->f, 0), cgroup);
	if (err) {
		ksft_print_msg("no policy: %s\n", strerror(-err));
		return false;
	}
	err = fsx_open(&r->f);
	if (err) {
		ksft_print_msg("%s: %s\n", r->f.path, strerror(-err));
		return false;
	}
	err = fsx_fill(&r->f, FSX_MAX * 3 / 4);
	if (err) {
		ksft_print_msg("%s: %s\n", r->f.path, strerror(-err));
		return false;
	}
	if (!opt_quiet && pthread_create(&thread, NULL, disturb, r))
		return false;
	ok = exercise(r);
	if (!opt_quiet) {
		__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		r->err = ppc_disturb_end(&r->d) ?: r->err;
		lacks = ppc_disturb_lacks(&r->d);
	}
	fsx_close(&r->f);
	report(r);
	if (r->err)
		ksft_print_msg("a policy failed: %s\n", strerror(-r->err));
	if (ok && lacks)
		ksft_print_msg("nothing was disturbed: not %s\n", lacks);
	return ok && !r->err && !lacks;
}

static void test_fs(const char *fs, const char *cgroup)
{
	struct run *r = calloc(1, sizeof(*r));
	struct fsx *f = &r->f;
	bool ok = false;

	if (!ppc_dir(fs, f->dir, sizeof(f->dir))) {
		ksft_test_result_skip("%s: no mkfs.%s\n", fs, fs);
		return;
	}
	snprintf(f->path, sizeof(f->path), "%s/fsx", f->dir);
	pthread_mutex_init(&r->lock, NULL);
	f->random = opt_seed;
	f->before_umount = let_go;
	f->after_mount = go_on;
	f->arg = r;
	f->shadow = calloc(1, FSX_MAX + FSX_PAGE);
	f->buf = aligned_alloc(FSX_PAGE, FSX_MAX + FSX_PAGE);
	if (f->shadow && f->buf && !pipe(f->pipe))
		ok = run(r, cgroup);
	ksft_test_result(ok, "%s\n", fs);
	close(f->pipe[0]);
	close(f->pipe[1]);
	free(f->shadow);
	free(f->buf);
	free(r);
}

static void options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "ops", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "fs", required_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' },
		{}
	};
	int c;

	if (getrandom(&opt_seed, sizeof(opt_seed), 0) < 0)
		opt_seed = time(NULL);
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'o':
			opt_ops = atol(optarg);
			opt_seconds = 0;
			break;
		case 't':
			opt_seconds = atol(optarg);
			opt_ops = LONG_MAX;
			break;
		case 's':
			opt_seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			opt_fs = optarg;
			break;
		case 'q':
			/* Without policies, to see whose fault it is. */
			opt_quiet = true;
			break;
		default:
			fprintf(stderr, "usage: %s [--ops N] [--seconds N] [--seed N] [--fs NAME] [--quiet]\n",
				argv[0]);
			exit(KSFT_FAIL);
		}
	}
}

int main(int argc, char **argv)
{
	const unsigned int nr = ARRAY_SIZE(all_fs);
	char cgroup[128];
	unsigned int i;

	options(argc, argv);
	ksft_print_header();
	setenv("PPC_FS", opt_fs ?: "ext4 xfs f2fs btrfs", 1);
	ppc_env_begin(argv[0]);
	if (ppc_cg_make("fsx", cgroup, sizeof(cgroup)) || ppc_cg_enter(cgroup))
		ksft_exit_fail_msg("no memory cgroup\n");
	ksft_set_plan(opt_fs ? 1 : nr);
	ksft_print_msg("--seed %llu\n", opt_seed);
	if (opt_fs)
		test_fs(opt_fs, cgroup);
	else
		for (i = 0; i < nr; i++)
			test_fs(all_fs[i], cgroup);
	PPC_MUST(ppc_cg_enter("/sys/fs/cgroup"));
	ppc_cg_remove(cgroup);
	ksft_finished();
}
