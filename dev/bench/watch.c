// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command and notes, time and again, how much has been read from a disk, how large the
 * page cache is, how far the loader has come, and what the memory cgroup that this runs in has
 * beside files.
 *
 * usage: watch MS DISK PROGRESS OUT COMMAND...
 *   MS        milliseconds between two samples
 *   DISK      a name in /sys/block
 *   PROGRESS  what "load -T" writes: 64 counters of bytes; may never come to be
 *   OUT       gets a line a sample: ns, bytes read, bytes cached, bytes loaded, and of the
 *             cgroup: anonymous bytes, bytes of the kernel's
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	64
#define CGROUPS	"/sys/fs/cgroup"

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long disk_bytes(int fd)
{
	unsigned long long sectors = 0;
	char buf[256] = "";

	if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0 ||
	    sscanf(buf, "%*u %*u %llu", &sectors) != 1)
		errx(1, "the disk's counters cannot be read");
	return sectors * 512;
}

static long long cached_bytes(int fd)
{
	unsigned long long kb = 0;
	char buf[512] = "", *at;

	if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0)
		err(1, "/proc/meminfo");
	at = strstr(buf, "\nCached:");
	if (!at || sscanf(at, " Cached: %llu kB", &kb) != 1)
		errx(1, "/proc/meminfo has no Cached");
	return kb << 10;
}

static long long loaded_bytes(const char *path)
{
	uint64_t bytes[WORKERS] = { 0 };
	long long sum = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 0;
	if (pread(fd, bytes, sizeof(bytes), 0) == sizeof(bytes))
		for (int i = 0; i < WORKERS; i++)
			sum += bytes[i];
	close(fd);
	return sum;
}

/* memory.stat of the cgroup that we are in. */
static int open_memory_stat(void)
{
	char line[256] = "", path[300];
	int fd = open("/proc/self/cgroup", O_RDONLY);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0 || strncmp(line, "0::/", 4))
		errx(1, "/proc/self/cgroup does not tell of one");
	close(fd);
	line[strcspn(line, "\n")] = 0;
	snprintf(path, sizeof(path), CGROUPS "%s/memory.stat", line + 3);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void memory_bytes(int fd, unsigned long long *anon, unsigned long long *kernel)
{
	char buf[8192] = "", *at;

	if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0)
		err(1, "memory.stat");
	at = strstr(buf, "\nkernel ");
	if (sscanf(buf, "anon %llu", anon) != 1 || !at || sscanf(at, " kernel %llu", kernel) != 1)
		errx(1, "memory.stat has no anon or kernel");
}

int main(int argc, char **argv)
{
	int status, disk, meminfo, memory;
	long ms = argc > 5 ? atol(argv[1]) : 0;
	char path[300];
	FILE *out;
	pid_t pid;

	if (ms <= 0)
		errx(2, "usage: watch MS DISK PROGRESS OUT COMMAND...");
	snprintf(path, sizeof(path), "/sys/block/%s/stat", argv[2]);
	disk = open(path, O_RDONLY);
	if (disk < 0)
		err(1, "%s", path);
	meminfo = open("/proc/meminfo", O_RDONLY);
	memory = open_memory_stat();
	out = fopen(argv[4], "w");
	if (meminfo < 0 || !out)
		err(1, "%s", meminfo < 0 ? "/proc/meminfo" : argv[4]);
	/* What an earlier load came to would be taken for this one's. */
	unlink(argv[3]);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		execvp(argv[5], argv + 5);
		err(127, "%s", argv[5]);
	}
	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		unsigned long long anon, kernel;

		if (ended < 0)
			err(1, "waitpid");
		memory_bytes(memory, &anon, &kernel);
		fprintf(out, "%lld %lld %lld %lld %llu %llu\n", now(), disk_bytes(disk),
			cached_bytes(meminfo), loaded_bytes(argv[3]), anon, kernel);
		if (ended)
			break;
		usleep(ms * 1000);
	}
	if (fclose(out))
		err(1, "%s", argv[4]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
