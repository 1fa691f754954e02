// SPDX-License-Identifier: GPL-2.0
/*
 * What was consumed is dropped where memory is short, and only there; reading
 * ahead waits at the bound that was set; what is read in vain ends it.
 */
#include <sys/prctl.h>

#include "ppc_harness.h"

#define SIZE	(64 * MB)
#define LIMIT	(40 * MB)
#define PAGE	4096ULL
#define BATCH	(4 * MB)
#define STEP	(256 * KB)

FIXTURE(memory) {
	char path[256];
	char dir[200];
	char cg[128];
	bool cg_made;
	int fd;
	int att;
	struct report *report;
};

FIXTURE_VARIANT(memory) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(memory, ext4) { .fs = "ext4" };

/* What a reader in another process has seen. */
struct report {
	__u64 burned[4];	/* when a pass was over */
	__u64 most;		/* bytes cached at any time */
};

struct reader {
	const char *cg;
	int fd;
	int att;
	__u64 from;
	__u64 size;
	int passes;
	struct report *report;
};

FIXTURE_SETUP(memory)
{
	self->att = -1;
	self->fd = -1;
	self->report = mmap(NULL, sizeof(*self->report), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->report);
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	if (ppc_cg_make("memory", self->cg, sizeof(self->cg)))
		SKIP(return, "no memory controller");
	self->cg_made = true;
	snprintf(self->path, sizeof(self->path), "%s/memory", self->dir);
}

FIXTURE_TEARDOWN(memory)
{
	if (self->att >= 0)
		ppc_detach(self->att);
	if (self->fd >= 0) {
		EXPECT_EQ(0, ppc_drop(self->fd));
		close(self->fd);
		unlink(self->path);
	}
	if (self->cg_made)
		ppc_cg_remove(self->cg);
	munmap(self->report, sizeof(*self->report));
}

static int attach(int fd, __u64 budget, __u64 max_resident)
{
	struct ppc_attach args = {
		.policy = PPC_TEST_POLICY,
		.fds = (uintptr_t)&fd,
		.nr_fds = 1,
		.budget = budget,
		.max_resident = max_resident,
	};
	int dev = open(PPC_DEV, O_RDWR | O_CLOEXEC);
	int att = ioctl(dev, PPC_IOC_ATTACH, &args);

	if (att < 0)
		att = -errno;
	close(dev);
	return att < 0 ? att : ppc_answer(att, TEST_ANSWER_STREAM) ?: att;
}

static __u64 burned(int att)
{
	struct ppc_stats stats;

	PPC_MUST(ppc_stats(att, &stats));
	return stats.burned_bytes;
}

static __u64 cached_bytes(int fd)
{
	return ppc_cached_all(fd) * PAGE;
}

/* A line of fdinfo; -1 if there is none. */
static long long info_of(int att, const char *key)
{
	char path[64], text[8192], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", att);
	if (ppc_read_text(path, text, sizeof(text)))
		return -2;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			return strtoll(line + strlen(key) + 1, NULL, 0);
	return -1;
}

/* Reads from there to the end, time and again, and looks at what is cached meanwhile. */
static int read_all(void *arg)
{
	const struct reader *r = arg;
	__u64 pos, cached;
	int i;

	if (r->cg && ppc_cg_enter(r->cg))
		return 1;
	for (i = 0; i < r->passes; i++) {
		for (pos = r->from; pos < r->size; pos += STEP) {
			if (ppc_verify(r->fd, pos, STEP) != -1)
				return 2;
			cached = cached_bytes(r->fd);
			if (cached > r->report->most)
				r->report->most = cached;
		}
		if (r->att >= 0)
			r->report->burned[i] = burned(r->att);
	}
	return 0;
}

static int set_limit(const char *cg, __u64 bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", bytes);
	return ppc_cg_set(cg, "memory.max", text);
}

/* The last readers' pages are dropped when they have rested for a while. */
static void let_burn(void)
{
	sleep(3);
}

/* Somebody reads the file while it is read ahead. */
static void load_tight(struct __test_metadata *_metadata,
		       struct _test_data_memory *self, struct reader *r,
		       __u64 max_resident, struct ppc_stats *stats)
{
	self->att = attach(self->fd, 0, max_resident);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, r->size, true,
				    TEST_BURN_TIGHT, TEST_GAP_AUTO));
	r->fd = self->fd;
	r->att = self->att;
	ASSERT_EQ(0, ppc_in_child(read_all, r));
	let_burn();
	ASSERT_EQ(0, ppc_stats(self->att, stats));
}

TEST_F(memory, tight_with_room)
{
	struct reader r = {
		.cg = self->cg,
		.size = SIZE / 2,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE / 2);
	ASSERT_LE(0, self->fd);
	load_tight(_metadata, self, &r, 0, &stats);
	EXPECT_EQ(0, self->report->burned[0]);
	EXPECT_EQ(0, stats.burned_bytes);
	EXPECT_LT(0, stats.prefetched_bytes);
	EXPECT_EQ(SIZE / 2, cached_bytes(self->fd));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	EXPECT_EQ(SIZE / 2, cached_bytes(self->fd));
}

TEST_F(memory, tight_in_a_small_cgroup)
{
	struct reader r = {
		.cg = self->cg,
		.size = SIZE,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set_limit(self->cg, LIMIT));
	load_tight(_metadata, self, &r, 0, &stats);
	EXPECT_LE(SIZE - LIMIT, stats.burned_bytes);
	EXPECT_GE(LIMIT, self->report->most);
	EXPECT_EQ(0, stats.fallbacks);
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom"));
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom_kill"));
	TH_LOG("burned %llu, at most %llu cached, hit the limit %ld times",
	       stats.burned_bytes, self->report->most,
	       ppc_cg_stat(self->cg, "memory.events", "max"));
}

/* There is no rest of the load to make room for. */
TEST_F(memory, tight_when_all_is_cached)
{
	struct reader r = {
		.cg = self->cg,
		.size = SIZE,
		.att = -1,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats stats;
	__u64 before;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	r.fd = self->fd;
	ASSERT_EQ(0, ppc_in_child(read_all, &r));
	before = cached_bytes(self->fd);
	ASSERT_EQ(SIZE, before);
	/* For the reader's own memory it suffices. */
	ASSERT_EQ(0, set_limit(self->cg, 4 * MB +
			       ppc_cg_stat(self->cg, "memory.current", NULL)));

	load_tight(_metadata, self, &r, 0, &stats);
	EXPECT_EQ(0, stats.burned_bytes);
	EXPECT_LE(before / 100 * 95, cached_bytes(self->fd));
	TH_LOG("%llu of %llu are cached, burned %llu, read again %llu",
	       cached_bytes(self->fd), before, stats.burned_bytes,
	       stats.prefetched_bytes);
}

/* Little is missing, and little has to go for it. */
TEST_F(memory, tight_when_most_is_cached)
{
	struct reader r = {
		.cg = self->cg,
		.size = SIZE,
		.att = -1,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	r.fd = self->fd;
	ASSERT_EQ(0, ppc_in_child(read_all, &r));
	ASSERT_EQ(0, posix_fadvise(self->fd, SIZE - 8 * MB, 8 * MB,
				   POSIX_FADV_DONTNEED));
	ASSERT_GE((long)((SIZE - 4 * MB) / PAGE), ppc_cached_all(self->fd));
	ASSERT_EQ(0, set_limit(self->cg, 6 * MB +
			       ppc_cg_stat(self->cg, "memory.current", NULL)));

	load_tight(_metadata, self, &r, 0, &stats);
	EXPECT_LE(SIZE / 2, cached_bytes(self->fd));
	TH_LOG("burned %llu, cached %llu", stats.burned_bytes,
	       cached_bytes(self->fd));
}

/* Who reads it over and over has use for it. */
TEST_F(memory, tight_ends_when_pages_return)
{
	struct reader r = {
		.cg = self->cg,
		.size = SIZE,
		.passes = 3,
		.report = self->report,
	};
	const __u64 *pass = self->report->burned;
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set_limit(self->cg, LIMIT));
	load_tight(_metadata, self, &r, 0, &stats);
	EXPECT_LT(0, pass[0]);
	EXPECT_LE(16 * MB, stats.refaulted_bytes);
	/* What was under way when the second pass began, and the first 16 MiB. */
	EXPECT_GE(pass[0] + 48 * MB, pass[1]);
	EXPECT_EQ(pass[1], pass[2]);
	EXPECT_EQ(pass[2], stats.burned_bytes);
	EXPECT_LE(LIMIT / 2, cached_bytes(self->fd));
	EXPECT_EQ(0, ppc_cg_stat(self->cg, "memory.events", "oom_kill"));
	TH_LOG("burned %llu, %llu, %llu, then %llu; refaulted %llu, fallbacks %llu, cached %llu",
	       pass[0], pass[1], pass[2], stats.burned_bytes,
	       stats.refaulted_bytes, stats.fallbacks, cached_bytes(self->fd));
}

/* One page looked at again is not a load that is read again. */
TEST_F(memory, tight_goes_on_after_a_look_back)
{
	struct ppc_stats stats;
	__u64 before;
	int stream;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	/* Less than the file may be cached: tight until little is left to read. */
	self->att = attach(self->fd, 0, SIZE / 4);
	ASSERT_LE(0, self->att);
	stream = ppc_stream_one(self->att, 0, SIZE, true, TEST_BURN_TIGHT, MB);
	ASSERT_LE(0, stream);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, SIZE / 2));
	ASSERT_TRUE(PPC_WAIT(!ppc_cached(self->fd, 0, SIZE / 8)));
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	before = stats.burned_bytes;
	ASSERT_EQ(-1, ppc_verify(self->fd, SIZE / 2, SIZE / 2));
	EXPECT_TRUE(PPC_WAIT(!ppc_stats(self->att, &stats) &&
			     stats.burned_bytes >= before + SIZE / 4));
	EXPECT_EQ(0, stats.fallbacks);
	TH_LOG("burned %llu, then %llu, refaulted %llu, cached %llu", before,
	       stats.burned_bytes, stats.refaulted_bytes,
	       cached_bytes(self->fd));
}

TEST_F(memory, prefetch_waits_at_the_ceiling)
{
	const __u64 most = PPC_WINDOW_START / 2;
	struct ppc_stats stats;
	__u64 cached;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 0, most);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, TEST_BURN_NEVER,
				    TEST_GAP_AUTO));
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	ppc_settled(self->att);
	cached = cached_bytes(self->fd);
	EXPECT_LE(most - BATCH, cached);
	EXPECT_GE(most + BATCH, cached);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LT(0, stats.memory_waits);
	EXPECT_GE(most + BATCH, stats.prefetched_bytes);

	/* Nothing is dropped, and the load goes on as without. */
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, SIZE));
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(0, stats.burned_bytes);
	EXPECT_EQ(0, stats.fallbacks);
	EXPECT_GE(most + BATCH, stats.prefetched_bytes);
	EXPECT_EQ(SIZE, cached_bytes(self->fd));
}

TEST_F(memory, tight_at_the_ceiling)
{
	/* Besides, there is what the reader itself reads ahead on stock. */
	const __u64 most = 16 * MB, slack = 2 * MB + 2 * MB;
	struct reader r = {
		.size = SIZE,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	load_tight(_metadata, self, &r, most, &stats);
	EXPECT_GE(most + slack, self->report->most);
	EXPECT_LE(SIZE - most - slack, stats.burned_bytes);
	/* It did read ahead, all the way. */
	EXPECT_LE(SIZE / 2, stats.prefetched_bytes);
	EXPECT_EQ(0, stats.fallbacks);
	TH_LOG("at most %llu cached, burned %llu, read ahead %llu, waits %llu",
	       self->report->most, stats.burned_bytes, stats.prefetched_bytes,
	       stats.memory_waits);
}

/* Who is through makes room for who comes later. */
TEST_F(memory, later_stream_at_the_ceiling)
{
	const __u64 most = 16 * MB, slack = 4 * MB, half = SIZE / 2;
	struct reader r = {
		.size = half,
		.passes = 1,
		.report = self->report,
	};
	struct ppc_stats before, after;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 0, most);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, half, true, TEST_BURN_TIGHT,
				    TEST_GAP_AUTO));
	ASSERT_LE(0, ppc_stream_one(self->att, half, half, true,
				    TEST_BURN_TIGHT, TEST_GAP_AUTO));
	r.fd = self->fd;
	r.att = self->att;
	ASSERT_EQ(0, ppc_in_child(read_all, &r));
	let_burn();
	ASSERT_EQ(0, ppc_stats(self->att, &before));
	/* For lack of a reason, no more went than the end of the load needed. */
	EXPECT_LE(most / 2, cached_bytes(self->fd));

	r.from = half;
	r.size = SIZE;
	ASSERT_EQ(-1, ppc_verify(self->fd, half, PAGE));
	EXPECT_TRUE(PPC_WAIT(!ppc_cached(self->fd, 0, half)))
		TH_LOG("%ld pages of the first half are left",
		       ppc_cached(self->fd, 0, half));
	ASSERT_EQ(0, ppc_in_child(read_all, &r));
	ASSERT_EQ(0, ppc_stats(self->att, &after));
	EXPECT_GE(most + slack, self->report->most);
	EXPECT_LE(half / 4 * 3, after.prefetched_bytes - before.prefetched_bytes);
	EXPECT_EQ(0, after.fallbacks);
	TH_LOG("at most %llu cached, read ahead %llu, then %llu",
	       self->report->most, before.prefetched_bytes,
	       after.prefetched_bytes);
}

/* Tell a stream, in a cgroup that has read something else, that a reader is there. */
static int come_by(void *arg)
{
	const struct reader *r = arg;

	if (ppc_cg_enter(r->cg) || ppc_read(r->fd, 0, r->size, MB) != (long)r->size)
		return 1;
	return ppc_feed(r->att, 0, TEST_MISS, 0, PAGE) < 0;
}

/*
 * Whoever charges more than memory.high is put to sleep. A worker must not be,
 * as it holds the lock that truncate() wants.
 */
TEST_F(memory, truncate_at_memory_high)
{
	const __u64 high = 8 * MB;
	struct reader r = { .cg = self->cg, .size = 6 * MB };
	struct timespec begin, end;
	struct ppc_stats stats;
	char other[300];
	long ms;

	self->fd = ppc_make_file(self->path, SIZE / 2);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ppc_cg_set(self->cg, "memory.high", "8M"));
	self->att = attach(self->fd, 0, 0);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, ppc_stream_one(self->att, 0, SIZE / 2, false,
				    TEST_BURN_NEVER, TEST_GAP_AUTO));
	/* What the stream reads ahead would fit alone. */
	snprintf(other, sizeof(other), "%s.other", self->path);
	r.fd = ppc_make_file(other, r.size);
	ASSERT_LE(0, r.fd);
	r.att = self->att;
	ASSERT_EQ(0, ppc_in_child(come_by, &r));
	close(r.fd);
	unlink(other);
	/* It has come up against the limit, and still wants more. */
	ASSERT_TRUE(PPC_WAIT(!ppc_stats(self->att, &stats) &&
			     stats.prefetched_bytes >= high / 4));
	usleep(300000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ASSERT_EQ(0, truncate(self->path, MB));
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 +
	     (end.tv_nsec - begin.tv_nsec) / 1000000;
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	TH_LOG("truncated in %ld ms; read ahead %llu, peak %ld, high %ld times",
	       ms, stats.prefetched_bytes,
	       ppc_cg_stat(self->cg, "memory.peak", NULL),
	       ppc_cg_stat(self->cg, "memory.events", "high"));
	EXPECT_GT(1000, ms);
	EXPECT_GE((long)(high + MB), ppc_cg_stat(self->cg, "memory.peak", NULL));
	EXPECT_LT(0, stats.memory_waits);
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, MB));
}

/* Read up to @at, and see that just the gap behind it stays. */
static void expect_gap(struct __test_metadata *_metadata, int fd, __u64 at,
		       __u64 gap)
{
	ASSERT_EQ(-1, ppc_verify(fd, 0, at));
	/* It goes in steps of 8 MiB. */
	EXPECT_TRUE(PPC_WAIT(!ppc_cached(fd, 0, at - gap - 8 * MB)));
	let_burn();
	EXPECT_EQ((long)(gap / PAGE), ppc_cached(fd, at - gap, gap));
}

TEST_F(memory, gap_of_nobodys_choice)
{
	self->fd = ppc_make_file(self->path, SIZE / 2);
	ASSERT_LE(0, self->fd);
	/* So small a budget has the smallest gap. */
	self->att = attach(self->fd, 16 * MB, 0);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE / 2, true,
				    TEST_BURN_ALWAYS, TEST_GAP_AUTO));
	expect_gap(_metadata, self->fd, 24 * MB, 4 * MB);
}

TEST_F(memory, gap_as_chosen)
{
	self->fd = ppc_make_file(self->path, SIZE / 2);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 16 * MB, 0);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE / 2, true,
				    TEST_BURN_ALWAYS, 10 * MB));
	expect_gap(_metadata, self->fd, 24 * MB, 10 * MB);
}

/* A bound on what is cached is no reason to drop what somebody wanted kept. */
TEST_F(memory, gap_at_the_ceiling)
{
	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 0, 24 * MB);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, TEST_BURN_ALWAYS,
				    6 * MB));
	expect_gap(_metadata, self->fd, 40 * MB, 6 * MB);
}

/* Somewhere in the file, but always the same. */
static __u64 somewhere(unsigned int *seed, __u64 size)
{
	const __u64 pages = size / PAGE;

	return (((__u64)rand_r(seed) << 20 ^ rand_r(seed)) % pages) * PAGE;
}

TEST_F(memory, waste)
{
	/* Far larger than the readers that a stream tells apart can span. */
	const __u64 size = 16384 * MB, budget = 16 * MB;
	const time_t until = time(NULL) + 2 * PPC_PATIENCE;
	struct ppc_stats stats = {};
	unsigned int seed = 1;
	__u64 given;
	int reads, i;

	self->fd = ppc_make_hole(self->path, size);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, budget, 0);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, size, true, TEST_BURN_NEVER,
				    TEST_GAP_AUTO));
	for (reads = 0; !stats.fallbacks && time(NULL) < until; reads++) {
		ASSERT_EQ((long)PAGE, ppc_read(self->fd, somewhere(&seed, size),
					       PAGE, PAGE));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		/* Give it the time to read ahead what nobody reads. */
		usleep(5000);
	}
	given = ppc_settled(self->att);
	TH_LOG("gave up after %d reads and %llu bytes, %llu of them useful",
	       reads, given, stats.useful_bytes);
	EXPECT_EQ(1, stats.fallbacks);
	EXPECT_GE(64 * MB, given);

	for (i = 0; i < 100; i++)
		ASSERT_EQ((long)PAGE, ppc_read(self->fd, somewhere(&seed, size),
					       PAGE, PAGE));
	EXPECT_EQ(given, ppc_settled(self->att));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.fallbacks);
}

/* One access says little about the rest of the load. */
TEST_F(memory, first_byte)
{
	struct ppc_stats stats;

	self->fd = ppc_make_file(self->path, SIZE);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 0, 0);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, SIZE, true, TEST_BURN_NEVER,
				    TEST_GAP_AUTO));
	ASSERT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	EXPECT_EQ(16 * MB, (ppc_settled(self->att) + MB - 1) / MB * MB);

	/* The reader goes on, and all of it is read ahead. */
	EXPECT_EQ(SIZE, ppc_follow(self->fd, 0, SIZE, MB));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(SIZE - MB, stats.prefetched_bytes);
	EXPECT_EQ(0, stats.fallbacks);
}

/* Readers that have hardly begun are each read ahead: that is no waste. */
TEST_F(memory, jumps_are_no_waste)
{
	const __u64 size = 4096 * MB, budget = 320 * MB, part = 8 * MB;
	struct ppc_stats stats;
	const __u64 at[] = { 0, 2048 * MB, 1024 * MB };
	__u64 given, before = 0;
	size_t i;

	self->fd = ppc_make_hole(self->path, size);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, budget, 0);
	ASSERT_LE(0, self->att);
	ASSERT_LE(0, ppc_stream_one(self->att, 0, size, true, TEST_BURN_NEVER,
				    TEST_GAP_AUTO));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_EQ((long)part, ppc_read(self->fd, at[i], part, STEP));
		given = ppc_settled(self->att);
		EXPECT_LE(12 * MB, given - before);
		before = given;
	}
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(2, stats.interrupts);
	EXPECT_EQ(0, stats.fallbacks);

	/* He reads all that he was given. */
	ASSERT_EQ((long)(256 * MB), ppc_read(self->fd, 0, 256 * MB, MB));
	ASSERT_EQ((long)part, ppc_read(self->fd, 3072 * MB, part, STEP));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(0, stats.fallbacks);
	TH_LOG("read ahead %llu, useful %llu", stats.prefetched_bytes,
	       stats.useful_bytes);
}

TEST_F(memory, fdinfo)
{
	const __u64 size = 8 * MB + 4321;

	self->fd = ppc_make_file(self->path, size);
	ASSERT_LE(0, self->fd);
	self->att = attach(self->fd, 0, 0);
	ASSERT_LE(0, self->att);
	EXPECT_EQ((long long)size, info_of(self->att, "ppc-file-bytes"));
	EXPECT_EQ(0, info_of(self->att, "ppc-resident-bytes"));
	EXPECT_EQ(-1, info_of(self->att, "ppc-max-resident"));
	ASSERT_EQ((long)(2 * MB), ppc_read(self->fd, 4 * MB, 2 * MB, MB));
	EXPECT_EQ((long long)cached_bytes(self->fd),
		  info_of(self->att, "ppc-resident-bytes"));
	EXPECT_LE((long long)(2 * MB), info_of(self->att, "ppc-resident-bytes"));
	ASSERT_EQ(0, ppc_detach(self->att));

	self->att = attach(self->fd, 0, 123 * MB);
	ASSERT_LE(0, self->att);
	EXPECT_EQ((long long)(123 * MB), info_of(self->att, "ppc-max-resident"));
}

struct look {
	const char *path;
	uid_t uid;
	long long bytes;
	long long resident;
};

/* Somebody attaches it, and looks. */
static int look_as(void *arg)
{
	const struct look *look = arg;
	int fd, att;

	if (ppc_become(look->uid))
		return 1;
	/* Or what is in /proc would not be his. */
	prctl(PR_SET_DUMPABLE, 1);
	fd = open(look->path, O_RDONLY);
	if (fd < 0)
		return 2;
	att = attach(fd, 0, 0);
	if (att < 0)
		return 3;
	if (info_of(att, "ppc-file-bytes") != look->bytes)
		return 4;
	if (info_of(att, "ppc-resident-bytes") != look->resident)
		return 5;
	return 0;
}

/* How much of a file is cached is for its owner, and who may write to it. */
TEST_F(memory, fdinfo_of_users)
{
	struct look look = {
		.path = self->path,
		.uid = PPC_UID,
		.bytes = 4 * MB,
		.resident = 4 * MB,
	};

	self->fd = ppc_make_file(self->path, 4 * MB);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(-1, ppc_verify(self->fd, 0, 4 * MB));
	ASSERT_EQ(0, fchown(self->fd, PPC_UID, -1));
	EXPECT_EQ(0, ppc_in_child(look_as, &look));
	ASSERT_EQ(0, fchmod(self->fd, 0666));
	look.uid = PPC_OTHER_UID;
	EXPECT_EQ(0, ppc_in_child(look_as, &look));
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
