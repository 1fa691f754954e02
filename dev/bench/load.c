// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a safetensors model as loaders for accelerators do: one or more workers, each for its
 * own part of the model, bring it piece by piece into a buffer that a device would be fed
 * from. Prints its time as JSON, from the moment all workers are there to the end of the last.
 *
 * usage: load [OPTION]... MODEL
 *   -m mmap|read|direct   how the bytes come: copied out of maps, read() through the cache,
 *                         io_uring with O_DIRECT
 *   -w N                  workers
 *   -s tensor|layer       a worker has a slice of every tensor, or layers of its own
 *   -o index|reverse|shuffle  the order of the tensors
 *   -p BYTES              of one read; default 1 MiB
 *   -d DEPTH              reads in flight with -m direct; default 32
 *   -x                    with -m direct: copy what was read once more, as out of a cache
 *   -u NS                 what feeding the device with 1 MiB takes: the worker sleeps for it
 *   -P                    MADV_POPULATE_READ each shard before anything is copied
 *   -W                    POSIX_FADV_WILLNEED each shard before anything is copied, in steps:
 *                         the kernel cuts each call at the size of readahead
 *   -D                    with -m read: RWF_DONTCACHE, the shards from end to end
 *   -r                    every file in the folder is data, and has no header
 *   -c                    add up all words, to be compared between ways of loading; costs time
 *   -T FILE               how many bytes each worker has, as the load goes on
 *
 * SSD_TICK=NS,INTERVAL in the environment: begin with a tick of the SSD's cap.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MB		(1UL << 20)
#define BOUNCE		(16 * MB)
#define ALIGN		4096UL
#define MAX_WORKERS	64
#define WILLNEED_STEP	(128UL << 10)

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE	0x80
#endif

struct shard {
	char *path;
	int fd;
	size_t size;
	size_t data;	/* where the tensors begin */
	const char *map;
};

/* @rows runs of @len bytes, each @stride after the one before. */
struct part {
	int shard;
	size_t pos, len, stride, rows;
};

struct tensor {
	char *name;
	int shard;
	size_t pos, len;
	size_t rows;	/* of the first dimension, if it has two */
};

/* What the workers and their parent share. */
struct shared {
	uint64_t bytes[MAX_WORKERS];	/* so far; comes first, see watch.c */
	struct {
		uint64_t sum;
		long minflt, majflt, utime_us, stime_us;
	} worker[MAX_WORKERS];
	int ready, go;
};

static struct {
	const char *mode, *split, *order;
	int workers;
	unsigned int depth;
	size_t piece;
	long pause_ns;
	bool populate, willneed, dontcache, raw, check, copy;
	const char *progress;
} opt = {
	.mode = "mmap", .split = "tensor", .order = "index",
	.workers = 1, .depth = 32, .piece = MB,
};

static struct shard *shards;
static struct tensor *tensors;
static int nr_shards, nr_tensors;
static struct shared *shared;
static char *bounce;
static int me;
static uint64_t sum;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct shard *)a)->path, ((const struct shard *)b)->path);
}

static void find_shards(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		err(1, "%s", dir);
	while ((e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');

		if (opt.raw ? e->d_type != DT_REG : !dot || strcmp(dot, ".safetensors"))
			continue;
		shards = realloc(shards, (nr_shards + 1) * sizeof(*shards));
		memset(&shards[nr_shards], 0, sizeof(*shards));
		if (asprintf(&shards[nr_shards++].path, "%s/%s", dir, e->d_name) < 0)
			err(1, "asprintf");
	}
	closedir(d);
	if (!nr_shards)
		errx(1, "%s: nothing to load", dir);
	qsort(shards, nr_shards, sizeof(*shards), by_path);
}

static struct tensor *new_tensor(const char *name, int shard)
{
	struct tensor *t;

	tensors = realloc(tensors, (nr_tensors + 1) * sizeof(*tensors));
	if (!tensors)
		err(1, "tensors");
	t = &tensors[nr_tensors++];
	memset(t, 0, sizeof(*t));
	t->name = strdup(name);
	t->shard = shard;
	return t;
}

static void read_header(int n)
{
	struct shard *s = &shards[n];
	struct json_object *header;
	uint64_t size;
	char *text;

	if (pread(s->fd, &size, 8, 0) != 8 || size > 100 * MB || size + 8 > s->size)
		errx(1, "%s: no safetensors header", s->path);
	text = calloc(1, size + 1);
	if (!text || pread(s->fd, text, size, 8) != (ssize_t)size)
		err(1, "%s: header", s->path);
	header = json_tokener_parse(text);
	if (!header)
		errx(1, "%s: the header is not JSON", s->path);
	s->data = 8 + size;
	json_object_object_foreach(header, name, value) {
		struct json_object *at, *shape;
		struct tensor *t;

		if (!json_object_object_get_ex(value, "data_offsets", &at))
			continue;
		t = new_tensor(name, n);
		t->pos = 8 + size + json_object_get_int64(json_object_array_get_idx(at, 0));
		t->len = 8 + size + json_object_get_int64(json_object_array_get_idx(at, 1)) - t->pos;
		if (json_object_object_get_ex(value, "shape", &shape) &&
		    json_object_array_length(shape) == 2)
			t->rows = json_object_get_int64(json_object_array_get_idx(shape, 0));
		if (t->pos + t->len > s->size)
			errx(1, "%s: %s lies beyond the end", s->path, name);
	}
	json_object_put(header);
	free(text);
}

/* Opening and reading the header is a part of loading. */
static void open_shard(int n)
{
	struct shard *s = &shards[n];
	struct stat st;
	size_t pos;

	s->fd = open(s->path, O_RDONLY);
	if (s->fd < 0 || fstat(s->fd, &st))
		err(1, "%s", s->path);
	s->size = st.st_size;
	for (pos = 0; opt.willneed && pos < s->size; pos += WILLNEED_STEP) {
		errno = posix_fadvise(s->fd, pos, WILLNEED_STEP, POSIX_FADV_WILLNEED);
		if (errno)
			err(1, "POSIX_FADV_WILLNEED %s", s->path);
	}
	if (opt.raw)
		new_tensor(s->path, n)->len = s->size;
	else
		read_header(n);
	if (!strcmp(opt.mode, "mmap") && s->size) {
		s->map = mmap(NULL, s->size, PROT_READ, MAP_SHARED, s->fd, 0);
		if (s->map == MAP_FAILED)
			err(1, "mmap %s", s->path);
		if (opt.populate && madvise((void *)s->map, s->size, MADV_POPULATE_READ))
			err(1, "MADV_POPULATE_READ %s", s->path);
	}
}

static int by_pos(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static void put_in_order(void)
{
	uint32_t seed = 0x5eed;
	struct tensor t;
	int i, j;

	qsort(tensors, nr_tensors, sizeof(*tensors), by_pos);
	for (i = nr_tensors - 1; i > 0 && strcmp(opt.order, "index"); i--) {
		seed = seed * 1664525 + 1013904223;
		j = !strcmp(opt.order, "shuffle") ? (int)((uint64_t)seed * (i + 1) >> 32) :
						    nr_tensors - 1 - i;
		if (strcmp(opt.order, "shuffle") && j >= i)
			break;
		t = tensors[i];
		tensors[i] = tensors[j];
		tensors[j] = t;
	}
}

/* Which part of a tensor is a worker's: rows, columns of what is multiplied last, or all. */
static struct part part_of(const struct tensor *t, int worker)
{
	struct part p = { .shard = t->shard, .pos = t->pos, .len = t->len, .rows = 1 };
	size_t n = opt.workers;
	const char *layer = strstr(t->name, "layers.");

	if (!strcmp(opt.split, "layer")) {
		int owner = layer ? atoi(layer + strlen("layers.")) % opt.workers : 0;

		p.rows = owner == worker;
	} else if (t->rows && (strstr(t->name, "o_proj") || strstr(t->name, "down_proj"))) {
		p.rows = t->rows;
		p.stride = t->len / t->rows;
		p.len = p.stride / n;
		p.pos += worker * p.len;
	} else if (t->rows) {
		size_t row = t->len / t->rows;
		size_t from = t->rows * worker / n, to = t->rows * (worker + 1) / n;

		p.pos += from * row;
		p.len = (to - from) * row;
	}
	return p;
}

/* The first @skip bytes are of no tensor. */
static void consumed(const char *data, size_t len, size_t skip)
{
	uint64_t word = 0;
	size_t i;

	shared->bytes[me] += len;
	if (opt.check) {
		for (i = skip; i + 8 <= len; i += 8) {
			memcpy(&word, data + i, 8);
			sum += word * 0x9e3779b97f4a7c15ULL;
		}
	}
	if (opt.pause_ns) {
		static double owed;
		struct timespec t;

		owed += (double)opt.pause_ns * len / MB;
		/* Not for every row: a sleep has a cost of its own. */
		if (owed < 1e6)
			return;
		t.tv_sec = owed / 1e9;
		t.tv_nsec = owed - t.tv_sec * 1e9;
		nanosleep(&t, NULL);
		owed = 0;
	}
}

/* Into the buffer, around and around. */
static void take(const struct shard *s, size_t pos, size_t len)
{
	static size_t at;

	while (len) {
		size_t n = len < BOUNCE - at ? len : BOUNCE - at;

		if (s->map) {
			memcpy(bounce + at, s->map + pos, n);
		} else {
			ssize_t got;

			if (n > opt.piece)
				n = opt.piece;
			got = pread(s->fd, bounce + at, n, pos);
			if (got <= 0)
				err(1, "%s at %zu", s->path, pos);
			n = got;
		}
		consumed(bounce + at, n, 0);
		at = (at + n) % BOUNCE;
		pos += n;
		len -= n;
	}
}

static void load_parts(int worker)
{
	int i;

	for (i = 0; i < nr_tensors; i++) {
		struct part p = part_of(&tensors[i], worker);

		for (size_t row = 0; row < p.rows; row++)
			take(&shards[p.shard], p.pos + row * p.stride, p.len);
	}
}

/* A slice in rows cannot be read by itself: workers share the pieces of the shards out. */
static void load_direct(int worker)
{
	size_t buf_size = opt.piece, next = worker * opt.piece;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	unsigned int i, busy = 0;
	int fds[nr_shards], shard = 0, rc;
	char *bufs;
	size_t *lens = calloc(opt.depth, sizeof(*lens));
	size_t *skips = calloc(opt.depth, sizeof(*skips));
	bool *used = calloc(opt.depth, sizeof(*used));

	rc = io_uring_queue_init(opt.depth, &ring, 0);
	if (rc)
		errx(1, "io_uring: %s", strerror(-rc));
	bufs = mmap(NULL, opt.depth * buf_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (bufs == MAP_FAILED)
		err(1, "buffers");
	for (i = 0; i < (unsigned int)nr_shards; i++) {
		fds[i] = open(shards[i].path, O_RDONLY | O_DIRECT);
		if (fds[i] < 0)
			err(1, "%s: O_DIRECT", shards[i].path);
	}
	while (shard < nr_shards || busy) {
		for (i = 0; i < opt.depth && shard < nr_shards; i++) {
			struct io_uring_sqe *sqe;

			if (used[i])
				continue;
			while (shard < nr_shards && next >= shards[shard].size) {
				next -= (shards[shard].size + opt.piece - 1) / opt.piece * opt.piece;
				shard++;
			}
			if (shard == nr_shards)
				break;
			lens[i] = shards[shard].size - next < opt.piece ? shards[shard].size - next : opt.piece;
			skips[i] = next >= shards[shard].data ? 0 : shards[shard].data - next;
			sqe = io_uring_get_sqe(&ring);
			io_uring_prep_read(sqe, fds[shard], bufs + i * buf_size, opt.piece, next);
			io_uring_sqe_set_data64(sqe, i);
			next += opt.workers * opt.piece;
			used[i] = true;
			busy++;
		}
		rc = io_uring_submit_and_wait(&ring, busy ? 1 : 0);
		if (rc < 0)
			errx(1, "io_uring: %s", strerror(-rc));
		while (!io_uring_peek_cqe(&ring, &cqe)) {
			i = io_uring_cqe_get_data64(cqe);
			if (cqe->res < 0 || (size_t)cqe->res < lens[i])
				errx(1, "O_DIRECT read: %s", cqe->res < 0 ? strerror(-cqe->res) : "short");
			if (opt.copy)
				memcpy(bounce + i * buf_size % BOUNCE, bufs + i * buf_size, lens[i]);
			consumed(bufs + i * buf_size, lens[i], skips[i]);
			used[i] = false;
			busy--;
			io_uring_cqe_seen(&ring, cqe);
		}
	}
}

/*
 * Uncached reads drop whole folios: one that ends within a folio has the next one miss, so
 * they go from end to end of the shards, in aligned pieces.
 */
static void load_uncached(int worker)
{
	for (int n = 0; n < nr_shards; n++) {
		struct shard *s = &shards[n];

		for (size_t pos = worker * opt.piece; pos < s->size; pos += opt.workers * opt.piece) {
			ssize_t got = preadv2(s->fd, &(struct iovec){ bounce, opt.piece }, 1, pos,
					      RWF_DONTCACHE);

			if (got <= 0)
				err(1, "%s at %zu", s->path, pos);
			consumed(bounce, got, pos >= s->data ? 0 : s->data - pos);
		}
	}
}

static void work(int worker)
{
	struct rusage ru;
	int n;

	me = worker;
	bounce = mmap(NULL, BOUNCE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (bounce == MAP_FAILED)
		err(1, "buffer");
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		usleep(100);
	for (n = 0; n < nr_shards; n++)
		open_shard(n);
	if (!strcmp(opt.mode, "direct")) {
		load_direct(worker);
	} else if (opt.dontcache) {
		load_uncached(worker);
	} else {
		put_in_order();
		load_parts(worker);
	}
	getrusage(RUSAGE_SELF, &ru);
	shared->worker[worker].sum = sum;
	shared->worker[worker].minflt = ru.ru_minflt;
	shared->worker[worker].majflt = ru.ru_majflt;
	shared->worker[worker].utime_us = ru.ru_utime.tv_sec * 1000000L + ru.ru_utime.tv_usec;
	shared->worker[worker].stime_us = ru.ru_stime.tv_sec * 1000000L + ru.ru_stime.tv_usec;
}

static size_t size_option(const char *text)
{
	char *end;
	size_t n = strtoul(text, &end, 0);

	if (!n || *end)
		errx(2, "%s is not a size in bytes", text);
	return n;
}

/* What the workers share; all zero. */
static struct shared *share(void)
{
	void *p;
	int fd = -1;

	if (opt.progress) {
		fd = open(opt.progress, O_RDWR | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || ftruncate(fd, sizeof(struct shared)))
			err(1, "%s", opt.progress);
	}
	p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		 MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (p == MAP_FAILED)
		err(1, "shared memory");
	return p;
}

/* Loads at the cap that begin at any time between two ticks differ by up to one of them. */
static void await_tick(void)
{
	const char *text = getenv("SSD_TICK");
	long long at, interval, ns;
	struct timespec t = {};

	if (!text)
		return;
	if (sscanf(text, "%lld,%lld", &at, &interval) != 2 || interval <= 0)
		errx(2, "SSD_TICK=%s: not NS,INTERVAL", text);
	ns = (at - now()) % interval;
	t.tv_nsec = ns < 0 ? ns + interval : ns;
	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	uint64_t all = 0, total = 0;
	long long start, end;
	long majflt = 0, minflt = 0, cpu_us = 0;
	int c, i, status, failed = 0;

	while ((c = getopt(argc, argv, "m:w:s:o:p:d:u:xPWDrcT:")) != -1) {
		switch (c) {
		case 'm': opt.mode = optarg; break;
		case 'w': opt.workers = atoi(optarg); break;
		case 's': opt.split = optarg; break;
		case 'o': opt.order = optarg; break;
		case 'p': opt.piece = size_option(optarg); break;
		case 'd': opt.depth = size_option(optarg); break;
		case 'u': opt.pause_ns = atol(optarg); break;
		case 'x': opt.copy = true; break;
		case 'P': opt.populate = true; break;
		case 'W': opt.willneed = true; break;
		case 'D': opt.dontcache = true; break;
		case 'r': opt.raw = true; break;
		case 'T': opt.progress = optarg; break;
		case 'c': opt.check = true; break;
		default: return 2;
		}
	}
	if (argc - optind != 1 || opt.workers < 1 || opt.workers > MAX_WORKERS ||
	    opt.piece % ALIGN || opt.piece > BOUNCE)
		errx(2, "usage: load [OPTION]... MODEL");
	find_shards(argv[optind]);
	shared = share();
	for (i = 0; i < opt.workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			work(i);
			_exit(0);
		}
	}
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < opt.workers)
		usleep(1000);
	await_tick();
	start = now();
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < opt.workers; i++)
		if (wait(&status) < 0 || status)
			failed = 1;
	end = now();
	if (failed)
		errx(1, "a worker failed");
	for (i = 0; i < opt.workers; i++) {
		total += shared->bytes[i];
		all += shared->worker[i].sum;
		majflt += shared->worker[i].majflt;
		minflt += shared->worker[i].minflt;
		cpu_us += shared->worker[i].utime_us + shared->worker[i].stime_us;
	}
	printf("{\"ns\": %lld, \"bytes\": %llu, \"majflt\": %ld, \"minflt\": %ld, \"cpu_us\": %ld",
	       end - start, (unsigned long long)total, majflt, minflt, cpu_us);
	if (opt.check)
		printf(", \"sum\": \"%016llx\"", (unsigned long long)all);
	printf("}\n");
	return 0;
}
