// SPDX-License-Identifier: GPL-2.0
/*
 * What one pread() of 4 KiB out of the page cache costs. In virtual time a nanosecond is an
 * instruction of the guest, so this is what a hook on that path costs, and it is exact.
 * The file is read in order, around and around: hooks that act once per stride act here.
 *
 * usage: pread_cost FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE	4096
#define ROUNDS	21

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

int main(int argc, char **argv)
{
	static char buf[SIZE] __attribute__((aligned(SIZE)));
	double ns[ROUNDS];
	struct stat st;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: pread_cost FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st)) {
		perror(argv[1]);
		return 1;
	}
	/* Round -1 is not counted: it finds the caches of the emulator empty. */
	for (int round = -1; round < ROUNDS; round++) {
		long long start = now();

		for (off_t pos = 0; pos + SIZE <= st.st_size; pos += SIZE) {
			if (pread(fd, buf, SIZE, pos) != SIZE) {
				perror("pread");
				return 1;
			}
		}
		if (round >= 0)
			ns[round] = (double)(now() - start) / (st.st_size / SIZE);
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("{\"ns\": %.2f, \"min\": %.2f, \"max\": %.2f, \"calls\": %lld}\n",
	       ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1], (long long)ROUNDS * (st.st_size / SIZE));
	return 0;
}
