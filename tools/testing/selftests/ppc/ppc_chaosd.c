// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches page cache policies at random to the files below some folders, until
 * it is told to end. A file lock keeps it away from them while somebody unmounts:
 * it holds it while it has anything open.
 */
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>

#include "ppc_disturb.h"

/* What it does to one file before it looks for another one. */
#define STEPS	24

static bool stop;
static struct ppc_disturb d;
static char chosen[PATH_MAX];
static unsigned int seen;

static void end(int sig)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* Each file is chosen with the same probability. */
static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && S_ISREG(st->st_mode) && !ppc_random(&d.random, ++seen))
		snprintf(chosen, sizeof(chosen), "%s", path);
	return stopped() || seen > 10000;
}

static void disturb(const char *dir)
{
	int i;

	seen = 0;
	if (nftw(dir, look, 16, FTW_PHYS | FTW_MOUNT) < 0 || !seen)
		return;
	/* It may be gone by now, or of a kind that cannot be attached. */
	for (i = 0; i < STEPS && !stopped(); i++) {
		ppc_disturb_once(&d, chosen);
		usleep(ppc_random(&d.random, 2000));
	}
}

int main(int argc, char **argv)
{
	char self[PATH_MAX];
	__u64 seed = 0;
	int lock, i;

	if (argc < 3) {
		fprintf(stderr, "usage: %s LOCK-FILE DIR...\n", argv[0]);
		return 2;
	}
	lock = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || !realpath(argv[0], self) || chdir(dirname(self)) ||
	    getrandom(&seed, sizeof(seed), 0) < 0 ||
	    ppc_disturb_begin(&d, seed, "/sys/fs/cgroup")) {
		fprintf(stderr, "%s: cannot begin: no lock, or no policies\n", argv[0]);
		return 1;
	}
	signal(SIGTERM, end);
	signal(SIGINT, end);
	for (i = 0; !stopped(); i++) {
		if (flock(lock, LOCK_EX))
			continue;
		disturb(argv[2 + i % (argc - 2)]);
		ppc_disturb_end(&d);
		flock(lock, LOCK_UN);
		usleep(20000);
	}
	ppc_disturb_print(&d, "");
	return ppc_disturb_lacks(&d) ? 1 : 0;
}
