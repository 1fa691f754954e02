// SPDX-License-Identifier: GPL-2.0
/*
 * What one operation on cached file pages costs: in virtual time a nanosecond is an
 * instruction of the guest. Prints the median over several passes as JSON.
 *
 * usage: cost pread BYTES FILE      pread() of so many bytes, through the file and again
 *        cost fault FILE            read one byte of each page of a new map
 *        cost workers N BYTES FILE  pread() in so many processes, by their own CPU time
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PASSES	21
#define PAGE	4096

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static long faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt;
}

/* Returns how many calls there were. */
static long pread_pass(int fd, size_t file, char *buf, size_t size)
{
	long calls = 0;

	for (size_t pos = 0; pos + size <= file; pos += size, calls++)
		if (pread(fd, buf, size, pos) != (ssize_t)size)
			err(1, "pread");
	return calls;
}

static long fault_pass(int fd, size_t file)
{
	volatile const char *map = mmap(NULL, file, PROT_READ, MAP_SHARED, fd, 0);
	long before = faults();

	if (map == MAP_FAILED)
		err(1, "mmap");
	for (size_t pos = 0; pos < file; pos += PAGE)
		(void)map[pos];
	munmap((void *)map, file);
	return faults() - before;
}

/*
 * All workers are there before the first one reads, and until the last one has: their mean.
 * Each goes through the file twice, the first time to be known.
 */
static int workers(long nr, int fd, size_t file, char *buf, size_t size)
{
	double *ns = mmap(NULL, nr * sizeof(*ns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int go[2], end[2], status, failed = 0;
	double sum = 0;
	char c;

	if (ns == MAP_FAILED || pipe(go) || pipe(end))
		err(1, "workers");
	for (long n = 0; n < nr; n++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			struct timespec a, b;
			long calls;

			close(go[1]);
			close(end[1]);
			if (read(go[0], &c, 1))
				err(1, "go");
			pread_pass(fd, file, buf, size);
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
			calls = pread_pass(fd, file, buf, size);
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
			ns[n] = ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec) / calls;
			if (read(end[0], &c, 1))
				err(1, "end");
			_exit(0);
		}
	}
	close(go[1]);
	for (long n = 0; n < nr; n++)
		while (!*(volatile double *)&ns[n] && !waitpid(-1, NULL, WNOHANG))
			usleep(10000);
	close(end[1]);
	while (wait(&status) > 0)
		failed |= status;
	for (long n = 0; n < nr; n++) {
		failed |= !ns[n];
		sum += ns[n];
	}
	if (failed)
		errx(1, "a worker failed");
	printf("{\"ns\": %.2f, \"workers\": %ld}\n", sum / nr, nr);
	return 0;
}

int main(int argc, char **argv)
{
	long nr = argc == 5 && !strcmp(argv[1], "workers") ? atol(argv[2]) : 0;
	int reads = nr > 0 || (argc == 4 && !strcmp(argv[1], "pread"));
	size_t size = reads ? strtoul(argv[argc - 2], NULL, 0) : 0;
	double ns[PASSES];
	struct stat st;
	char *buf = NULL;
	long calls = 0;
	int fd;

	if (!(reads && size) && !(argc == 3 && !strcmp(argv[1], "fault")))
		errx(2, "usage: cost pread BYTES FILE | cost fault FILE | cost workers N BYTES FILE");
	fd = open(argv[argc - 1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", argv[argc - 1]);
	if (reads) {
		buf = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
		if (!buf)
			err(1, "buffer");
		memset(buf, 0, size);
	}
	if (nr)
		return workers(nr, fd, st.st_size, buf, size);
	/* Pass -1 is not counted: it finds the caches of the emulator empty. */
	for (int pass = -1; pass < PASSES; pass++) {
		long long start = now();

		calls = reads ? pread_pass(fd, st.st_size, buf, size) : fault_pass(fd, st.st_size);
		if (calls <= 0)
			errx(1, "%s: too small, or not one fault", argv[argc - 1]);
		if (pass >= 0)
			ns[pass] = (double)(now() - start) / calls;
	}
	qsort(ns, PASSES, sizeof(*ns), compare);
	printf("{\"ns\": %.2f, \"min\": %.2f, \"max\": %.2f, \"calls\": %ld}\n",
	       ns[PASSES / 2], ns[0], ns[PASSES - 1], calls);
	return 0;
}
