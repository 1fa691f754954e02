// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a fuzz target where there is no libFuzzer: mutates the seeds at random,
 * without looking which code they reach. The same options give the same inputs.
 *
 *	TARGET [-runs=N] [-max_total_time=SECONDS] [-seed=N] DIR
 *	TARGET FILE
 *
 * The options are libFuzzer's. An input that crashes is left in crash-input.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "maioctl.h"

#define INPUT_MAX	65536
#define MUTATIONS_MAX	6

struct input {
	__u8 *data;
	size_t len;
};

static struct input current;
static __u64 state = 1;

/* xorshift64: the numbers only have to be many. */
static __u64 next_random(__u64 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void save_current(void)
{
	int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	static const char text[] = "left in crash-input\n";

	if (fd >= 0 && write(fd, current.data, current.len) ==
	    (ssize_t)current.len && write(2, text, sizeof(text) - 1) > 0)
		close(fd);
}

static void on_signal(int signal)
{
	save_current();
	_exit(128 + signal);
}

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_set_death_callback(void (*callback)(void));

/* So that SIGABRT says what became of assertions. */
static void catch_crashes(void)
{
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);
	__sanitizer_set_death_callback(save_current);
}
#else
static void catch_crashes(void)
{
	static const int signals[] = {
		SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], on_signal);
}
#endif

static bool read_input(const char *path, struct input *input)
{
	FILE *in = fopen(path, "r");

	if (!in)
		return false;
	input->data = xalloc(INPUT_MAX, 1);
	input->len = fread(input->data, 1, INPUT_MAX, in);
	fclose(in);
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct input *read_seeds(const char *dir, size_t *nr)
{
	struct dirent **names;
	struct input *seeds = NULL;
	int i, found = scandir(dir, &names, NULL, by_name);

	*nr = 0;
	for (i = 0; i < found; i++) {
		char *path = xasprintf("%s/%s", dir, names[i]->d_name);

		seeds = xrealloc(seeds, *nr + 1, sizeof(*seeds));
		if (names[i]->d_name[0] != '.' && read_input(path, &seeds[*nr]))
			(*nr)++;
		free(path);
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return seeds;
}

/* Numbers at which things turn over. */
static __u64 odd_number(void)
{
	__u64 number = 1ULL << next_random(64);

	switch (next_random(4)) {
	case 0:
		return number;
	case 1:
		return number - 1;
	case 2:
		return -number;
	default:
		return next_random(256);
	}
}

static void insert_bytes(size_t at, const __u8 *data, size_t len)
{
	if (len > INPUT_MAX - current.len)
		len = INPUT_MAX - current.len;
	memmove(current.data + at + len, current.data + at, current.len - at);
	memcpy(current.data + at, data, len);
	current.len += len;
}

static void remove_bytes(size_t at, size_t len)
{
	if (len > current.len - at)
		len = current.len - at;
	memmove(current.data + at, current.data + at + len,
		current.len - at - len);
	current.len -= len;
}

static void put_number(size_t at)
{
	size_t len = 1ULL << next_random(4);
	__u64 number = odd_number();

	if (len > current.len - at)
		len = current.len - at;
	memcpy(current.data + at, &number, len);
}

/* Put digits where there are some. */
static void put_decimal(size_t at)
{
	char text[32];
	size_t len = 0;
	int n = snprintf(text, sizeof(text), "%lld", (long long)odd_number());

	while (at < current.len && (current.data[at] < '0' || current.data[at] > '9'))
		at++;
	while (at + len < current.len && current.data[at + len] >= '0' &&
	       current.data[at + len] <= '9')
		len++;
	remove_bytes(at, len);
	insert_bytes(at, (__u8 *)text, n);
}

static void insert_from(size_t at, const struct input *other)
{
	__u8 piece[64];
	size_t from = next_random(other->len), len = 1 + next_random(sizeof(piece));

	if (len > other->len - from)
		len = other->len - from;
	memcpy(piece, other->data + from, len);
	insert_bytes(at, piece, len);
}

static void mutate(const struct input *other)
{
	size_t at = next_random(current.len);

	if (!current.len)
		return;
	switch (next_random(8)) {
	case 0:
		current.data[at] ^= 1 << next_random(8);
		break;
	case 1:
		current.data[at] = next_random(256);
		break;
	case 2:
		put_number(at);
		break;
	case 3:
		put_decimal(at);
		break;
	case 4:
		remove_bytes(at, 1 + next_random(16));
		break;
	case 5:
		current.len = at;
		break;
	case 6:
		insert_from(at, &current);
		break;
	default:
		insert_from(at, other);
		break;
	}
}

/* On a copy that ends where the heap block ends. */
static void run_current(void)
{
	__u8 *copy = xalloc(current.len, 1);

	memcpy(copy, current.data, current.len);
	alarm(60);
	fuzz_one(copy, current.len);
	alarm(0);
	free(copy);
}

static void run_mutated(const struct input *seeds, size_t nr)
{
	const struct input *seed = &seeds[next_random(nr)];
	__u64 mutations = next_random(MUTATIONS_MAX + 1);

	memcpy(current.data, seed->data, seed->len);
	current.len = seed->len;
	while (mutations--)
		mutate(&seeds[next_random(nr)]);
	run_current();
}

int main(int argc, char **argv)
{
	unsigned long runs = ~0UL, seconds = 0, done, i;
	const char *path = NULL;
	struct input *seeds;
	time_t end;
	size_t nr;
	int arg;

	for (arg = 1; arg < argc; arg++) {
		if (sscanf(argv[arg], "-runs=%lu", &runs) != 1 &&
		    sscanf(argv[arg], "-max_total_time=%lu", &seconds) != 1 &&
		    sscanf(argv[arg], "-seed=%lu", &i) != 1)
			path = argv[arg];
		else if (argv[arg][1] == 's')
			state = i + 1;
	}
	current.data = xalloc(INPUT_MAX, 1);
	catch_crashes();
	seeds = path ? read_seeds(path, &nr) : NULL;
	if (!seeds && path && read_input(path, &current)) {
		run_current();
		return 0;
	}
	if (!seeds || !nr) {
		fprintf(stderr, "usage: %s [-runs=N] [-max_total_time=SECONDS] [-seed=N] DIR | FILE\n",
			argv[0]);
		return 2;
	}
	end = time(NULL) + seconds;
	for (done = 0; done < runs && (!seconds || time(NULL) < end); done++)
		run_mutated(seeds, nr);
	printf("%lu runs, no finding\n", done);
	for (i = 0; i < nr; i++)
		free(seeds[i].data);
	free(seeds);
	free(current.data);
	return 0;
}
