// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO's I/O groups: each worker process of a load is one, and at the replay
 * there may be as many workers, more or fewer, in any order, and any of them
 * may fork, exec or die. What is read is counted by the disk itself.
 */
#include <endian.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <linux/ppc_maio.h>

#include "ppc_harness.h"

#define SHARDS		2
#define FILES		4	/* at most */
#define LONG		(64 * MB)

/* A worker reads every other part of each shard, with a thread a shard. */
#define WORKERS		2
#define PARTS		4

#define HEADER		(64 * KB)
#define BATCH		(4 * MB)
#define PAGE		4096ULL
#define LEAP		(16 * MB)

/* Where a mapped load ends exactly nobody can know; in pages. */
#define LEFT		1024

/* Who is not seen for so long, in seconds, holds nothing up. */
#define AWAY		60

/* Stock readahead, by which a reader may overshoot his part. */
#define WINDOW		(128 * KB)

/* Slow enough for the disk to be what a load waits for. */
#define DISK_MBPS	"100"

/* How two processes wait for each other. */
struct gates {
	int come[4];
	int open[4];
	__u64 read[FILES];	/* by each worker, of a file of its own */
	__u64 then[FILES];	/* when the first of them was through */
	int through;
};

/* A model, and the attachment that its loads are recorded or replayed by. */
struct model {
	long slack;	/* pages that may be left at the end */
	char path[FILES][256];
	int fd[FILES];
	int nr;
	__u64 shard;
	__u64 part;
	__u64 gap;
	bool mapped;
	struct gates *gates;
	__u64 jump;
	pid_t family;
	int att;
	__u8 *blob;
	size_t len;
	__u64 disk;
};

/* What a process is to do. */
struct job {
	const struct model *model;
	int who;
};

static bool model_make(struct model *model, const char *dir, int nr,
		       __u64 shard, bool mapped)
{
	int i;

	*model = (struct model){
		.nr = nr,
		.shard = shard,
		.part = shard / PARTS,
		.gap = MB,
		.mapped = mapped,
		.att = -1,
		.gates = mmap(NULL, sizeof(*model->gates),
			      PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	};
	for (i = 0; i < FILES; i++)
		model->fd[i] = -1;
	for (i = 0; i < nr; i++) {
		snprintf(model->path[i], sizeof(model->path[i]), "%s/shard%d",
			 dir, i);
		model->fd[i] = ppc_make_file(model->path[i], shard);
		if (model->fd[i] < 0)
			return false;
	}
	return model->gates != MAP_FAILED;
}

static void model_unmake(struct model *model)
{
	int i;

	if (model->att >= 0)
		ppc_detach(model->att);
	for (i = 0; i < model->nr; i++) {
		close(model->fd[i]);
		unlink(model->path[i]);
	}
	free(model->blob);
	if (model->gates)
		munmap(model->gates, sizeof(*model->gates));
}

static __u64 model_size(const struct model *model)
{
	return model->nr * model->shard;
}

static long model_cached(const struct model *model)
{
	long pages = 0;
	int i;

	for (i = 0; i < model->nr; i++)
		pages += ppc_cached_all(model->fd[i]);
	return pages;
}

static int cmd(int att, unsigned long ioc)
{
	return ioctl(att, ioc) ? -errno : 0;
}

static struct maio_status status_of(int att)
{
	struct maio_status status = {};

	PPC_MUST(ioctl(att, MAIO_IOC_STATUS, &status));
	return status;
}

/* A shard as one thread has it open. */
struct shard {
	int fd;
	const char *map;
};

static bool shard_open(struct shard *shard, const char *path, bool mapped)
{
	struct stat st;

	shard->map = NULL;
	shard->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (shard->fd < 0 || fstat(shard->fd, &st))
		return false;
	if (!mapped)
		return true;
	shard->map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, shard->fd, 0);
	return shard->map != MAP_FAILED;
}

static bool shard_read(const struct shard *shard, __u64 pos, __u64 len)
{
	long bad = shard->map ? ppc_verify_mem(shard->map + pos, pos, len) :
				ppc_verify(shard->fd, pos, len);

	if (bad == -1)
		return true;
	printf("# %d: %llu bytes at %llu: wrong at %ld\n", getpid(), len, pos, bad);
	fflush(stdout);
	return false;
}

/* Every part of a shard that is @who's; all of them if he is -1. */
static bool shard_read_parts(const char *path, bool mapped, int who)
{
	struct shard shard;
	struct stat st;
	int i;

	if (!shard_open(&shard, path, mapped) || fstat(shard.fd, &st))
		return false;
	for (i = 0; i < PARTS; i++)
		if ((who < 0 || i % WORKERS == who) &&
		    !shard_read(&shard, i * (st.st_size / PARTS),
				st.st_size / PARTS))
			return false;
	return true;
}

/* Tell that one has come this far, and wait to be let on. */
static void gate_pass(const struct job *job, int gate)
{
	struct gates *gates = job->model->gates;

	__atomic_store_n(&gates->come[gate], 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&gates->open[gate], __ATOMIC_SEQ_CST))
		usleep(10000);
}

static bool gate_wait(const struct model *model, int gate)
{
	return PPC_WAIT(__atomic_load_n(&model->gates->come[gate],
					__ATOMIC_SEQ_CST));
}

static void gate_open(const struct model *model, int gate)
{
	__atomic_store_n(&model->gates->open[gate], 1, __ATOMIC_SEQ_CST);
}

static pid_t start(int (*fn)(const struct job *job), const struct model *model,
		   int who)
{
	struct job job = { model, who };
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(&job));
	}
	return pid;
}

/* As ppc_in_child() returns it; -ETIMEDOUT if it hangs. */
static int finish(pid_t pid)
{
	int status;

	if (pid < 0)
		return -ECHILD;
	if (!PPC_WAIT(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		return -ETIMEDOUT;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1000 - WTERMSIG(status);
}

/* Processes start at once; the first failure of any of them. */
static int run(int (*fn)(const struct job *job), const struct model *model,
	       int nr)
{
	pid_t pid[8];
	int i, err = 0;

	for (i = 0; i < nr; i++)
		pid[i] = start(fn, model, i);
	for (i = 0; i < nr; i++) {
		int ret = finish(pid[i]);

		err = err ?: ret;
	}
	return err;
}

struct thread {
	pthread_t thread;
	const struct job *job;
	int shard;
	bool good;
};

static void *thread_load(void *arg)
{
	struct thread *thread = arg;
	const struct model *model = thread->job->model;

	thread->good = shard_read_parts(model->path[thread->shard],
					model->mapped, thread->job->who);
	return NULL;
}

/* A worker: one thread a shard. */
static int load_parts(const struct job *job)
{
	struct thread thread[SHARDS];
	bool good = true;
	int i;

	for (i = 0; i < SHARDS; i++) {
		thread[i] = (struct thread){ .job = job, .shard = i };
		if (pthread_create(&thread[i].thread, NULL, thread_load, &thread[i]))
			return 2;
	}
	for (i = 0; i < SHARDS; i++) {
		pthread_join(thread[i].thread, NULL);
		good &= thread[i].good;
	}
	return !good;
}

/* The parts of both workers, one after the other. */
static int load_both(const struct job *job)
{
	struct job part = *job;
	int err = 0;

	for (part.who = 0; part.who < WORKERS && !err; part.who++)
		err = load_parts(&part);
	return err;
}

static int load_all(const struct job *job)
{
	int i;

	for (i = 0; i < job->model->nr; i++) {
		struct shard shard;

		if (!shard_open(&shard, job->model->path[i], job->model->mapped) ||
		    !shard_read(&shard, 0, job->model->shard))
			return 1;
	}
	return 0;
}

/* Begins from its parts of the first shard, and waits before the second. */
static int load_parts_gated(const struct job *job)
{
	const struct model *model = job->model;

	if (!shard_read_parts(model->path[0], model->mapped, job->who))
		return 1;
	gate_pass(job, job->who);
	return !shard_read_parts(model->path[1], model->mapped, job->who);
}

static int load_all_gated(const struct job *job)
{
	const struct model *model = job->model;

	if (!shard_read_parts(model->path[0], model->mapped, -1))
		return 1;
	gate_pass(job, job->who);
	return !shard_read_parts(model->path[1], model->mapped, -1);
}

/* The gates by which those come in whose attachments are to know them. */
#define DOOR	2

static int come_and_load_gated(const struct job *job)
{
	gate_pass(job, DOOR + job->who);
	return load_all_gated(job);
}

static int come_and_load(const struct job *job)
{
	gate_pass(job, DOOR + job->who);
	return load_all(job);
}

/* What is open and mapped goes on being read by a child. */
static int load_and_fork(const struct job *job)
{
	const struct model *model = job->model;
	const __u64 half = model->shard / 2;
	struct shard shard[SHARDS];
	int i, status;
	pid_t pid;

	for (i = 0; i < SHARDS; i++)
		if (!shard_open(&shard[i], model->path[i], model->mapped))
			return 2;
	if (!shard_read(&shard[0], 0, half))
		return 1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(!shard_read(&shard[0], half, half) ||
		      !shard_read(&shard[1], 0, 2 * half));
	}
	if (waitpid(pid, &status, 0) != pid)
		return 3;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* The first worker becomes another program half through, see main(). */
static int load_and_exec(const struct job *job)
{
	const struct model *model = job->model;

	if (job->who)
		return load_parts(job);
	if (!shard_read_parts(model->path[0], model->mapped, job->who))
		return 1;
	execl("/proc/self/exe", "ppc_workers", "--go-on", model->path[1],
	      model->mapped ? "mapped" : "read", NULL);
	return 2;
}

/* Looks at all headers, and leaves it to its children to load. */
static int launch(const struct job *job)
{
	const struct model *model = job->model;
	int i;

	for (i = 0; i < model->nr; i++) {
		struct shard shard;

		if (!shard_open(&shard, model->path[i], model->mapped) ||
		    !shard_read(&shard, 0, HEADER))
			return 1;
	}
	return !!run(load_parts, model, WORKERS);
}

static int drop_all(const struct model *model)
{
	int i, err = 0;

	for (i = 0; i < model->nr && !err; i++)
		err = ppc_drop(model->fd[i]);
	return err;
}

static void template_print(const struct model *model)
{
	const struct maio_template_header *h = (const void *)model->blob;
	const struct maio_template_group *g = (const void *)model->blob +
		sizeof(*h) + model->nr * sizeof(struct maio_template_file);
	const __u32 groups = le32toh(h->nr_groups);
	const struct maio_template_extent *e = (const void *)(g + groups);
	__u32 i, nr;

	for (i = 0; i < groups; i++)
		for (nr = le32toh(g[i].nr_extents); nr; nr--, e++)
			printf("# group %u: shard %u, %u KiB at %u KiB\n", i,
			       le32toh(e->file), le32toh(e->count) * 4,
			       le32toh(e->start) * 4);
}

static void expect_groups(struct __test_metadata *_metadata,
			  const struct model *model, int groups)
{
	const struct maio_template_header *h = (const void *)model->blob;

	EXPECT_EQ(groups, (int)le32toh(h->nr_groups))
		template_print(model);
}

/* Record a load by @nr processes, and leave a cold cache and no attachment. */
static void record(struct __test_metadata *_metadata, struct model *model,
		   int (*fn)(const struct job *job), int nr)
{
	struct maio_template_io io = {};
	int att = ppc_attach("maio", 0, model->fd, model->nr, 0, 0);

	ASSERT_LE(0, att);
	ASSERT_EQ(0, cmd(att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0ULL, status_of(att).resident_at_start);
	ASSERT_EQ(0, run(fn, model, nr));
	ASSERT_EQ(0, cmd(att, MAIO_IOC_RECORD_STOP));
	/* What was read ahead for one and mapped by another shows nothing. */
	EXPECT_LE(model_size(model) / 100 * (model->mapped ? 80 : 95),
		  status_of(att).template_bytes);

	io.len = 65536;
	model->blob = malloc(io.len);
	io.buf = (uintptr_t)model->blob;
	ASSERT_EQ(0, ioctl(att, MAIO_IOC_GET_TEMPLATE, &io));
	model->len = io.len;
	ASSERT_EQ(0, ppc_detach(att));
	ASSERT_EQ(0, drop_all(model));
}

/* An attachment that replays what was recorded, or -errno. */
static int replay(const struct model *model, __u32 mode, __u64 budget)
{
	struct maio_template_io io = { (uintptr_t)model->blob, model->len };
	struct maio_mode_args args = { mode, -1, model->gap };
	int att = ppc_attach_for(model->family, "maio", model->fd, model->nr,
				 budget);

	if (att < 0)
		return att;
	if (ioctl(att, MAIO_IOC_SET_TEMPLATE, &io) ||
	    ioctl(att, MAIO_IOC_SET_MODE, &args) ||
	    ioctl(att, MAIO_IOC_REPLAY_START)) {
		int err = -errno;

		close(att);
		return err;
	}
	return att;
}

static void replay_start(struct __test_metadata *_metadata, struct model *model,
			 __u32 mode, __u64 budget)
{
	model->att = replay(model, mode, budget);
	ASSERT_LE(0, model->att);
	ASSERT_EQ(0, model_cached(model));
	model->disk = ppc_disk_bytes(model->fd[0]);
}

/*
 * Where a mapped load misses at the beginning of a part, the stock kernel reads
 * around it: into the part before, whose reader may have been through and have
 * had it dropped.
 */
static long model_left(const struct model *model)
{
	long pages = model_cached(model);
	int i, part;

	for (i = 0; model->mapped && i < model->nr; i++)
		for (part = 1; part < PARTS; part++)
			pages -= ppc_cached(model->fd[i],
					    part * model->part - WINDOW / 2,
					    WINDOW / 2);
	return pages;
}

/* The end of a replay: of what burns, nothing stays. */
static void replay_stop(struct __test_metadata *_metadata, struct model *model)
{
	const bool burn = status_of(model->att).mode == MAIO_MODE_BURN;
	const __u64 known = status_of(model->att).template_bytes;
	struct ppc_stats stats;
	time_t begin;
	long most;

	EXPECT_EQ(0, cmd(model->att, MAIO_IOC_REPLAY_STOP));
	ASSERT_EQ(0, ppc_stats(model->att, &stats));
	/* Folios that workers share count whole; were it all, nothing would be tested. */
	EXPECT_GE(model_size(model) / 2, stats.unburnable_bytes);
	EXPECT_GE(model_size(model), known);
	/* The recording of a mapped load does not see its very end. */
	most = model->slack + (stats.unburnable_bytes + model_size(model) - known) / PAGE;
	/*
	 * For a reader that comes back to what was dropped, a batch is read ahead
	 * again. Of what it leaps over there, the stream takes it for dropped.
	 */
	if (model->mapped)
		most += BATCH / PAGE;
	if (burn)
		EXPECT_GE(most, model_left(model))
			TH_LOG("%ld pages are left, not %ld at most, %llu of them unburnable",
			       model_left(model), most,
			       stats.unburnable_bytes / PAGE);
	begin = time(NULL);
	EXPECT_EQ(0, ppc_detach(model->att));
	EXPECT_GE(PPC_PATIENCE / 4, time(NULL) - begin);
	model->att = -1;
}

static void stats_print(const struct model *model, const struct ppc_stats *s)
{
	printf("# %llu KiB from the disk; prefetched %llu, useful %llu, late %llu, wasted %llu,\n",
	       (ppc_disk_bytes(model->fd[0]) - model->disk) / KB, s->prefetched_bytes / KB,
	       s->useful_bytes / KB, s->late_bytes / KB, s->wasted_bytes / KB);
	printf("# burned %llu, refaulted %llu; %llu interrupts, %llu fallbacks, %llu errors\n",
	       s->burned_bytes / KB, s->refaulted_bytes / KB, s->interrupts,
	       s->fallbacks, s->errors);
}

/* Bytes read since the replay began, by the disk's count and by ours. */
static void expect_read(struct __test_metadata *_metadata,
			const struct model *model, __u64 least, __u64 most)
{
	struct ppc_stats stats;
	__u64 disk;

	ppc_settled(model->att);
	ASSERT_EQ(0, ppc_stats(model->att, &stats));
	disk = ppc_disk_bytes(model->fd[0]) - model->disk;
	EXPECT_LE(least, disk);
	EXPECT_GE(most, disk);
	EXPECT_GE(most, stats.prefetched_bytes);
	EXPECT_EQ(0ULL, stats.fallbacks);
	EXPECT_EQ(0ULL, stats.errors);
	if (!__test_passed(_metadata))
		stats_print(model, &stats);
}

static void expect_read_once(struct __test_metadata *_metadata,
			     const struct model *model, unsigned int percent)
{
	struct ppc_stats stats;

	/* Whose gap is less than a folio may lose one now and then. */
	if (model->gap && status_of(model->att).mode == MAIO_MODE_BURN)
		percent += 10;
	expect_read(_metadata, model, model_size(model),
		    model_size(model) / 100 * percent);
	/* And not by the readers themselves. */
	ASSERT_EQ(0, ppc_stats(model->att, &stats));
	EXPECT_LE(model_size(model) / 2, stats.prefetched_bytes);
}

/* What all tests here need; their files are in a folder of their own. */
static void model_setup(struct __test_metadata *_metadata, struct model *model,
			const char *fs, int nr, __u64 shard, bool mapped)
{
	char dir[200];

	model->att = -1;
	if (!ppc_dir(fs, dir, sizeof(dir)))
		SKIP(return, "no %s", fs);
	if (!ppc_have_maio())
		SKIP(return, "no ppc_maio module: CONFIG_SAMPLE_PPC_MAIO");
	ASSERT_TRUE(model_make(model, dir, nr, shard, mapped));
}

FIXTURE(workers) {
	struct model model;
};

FIXTURE_VARIANT(workers) {
	const char *fs;
	__u64 shard;
	__u64 gap;		/* 0: the default */
	bool mapped;
	__u32 mode;
};

FIXTURE_VARIANT_ADD(workers, keep) {
	.fs = "ext4", .shard = 16 * MB, .mode = MAIO_MODE_KEEP,
};

FIXTURE_VARIANT_ADD(workers, burn) {
	.fs = "xfs", .shard = 32 * MB, .mode = MAIO_MODE_BURN,
};

FIXTURE_VARIANT_ADD(workers, burn_close) {
	.fs = "xfs", .shard = 16 * MB, .gap = MB, .mode = MAIO_MODE_BURN,
};

FIXTURE_VARIANT_ADD(workers, mapped) {
	.fs = "ext4", .shard = 16 * MB, .gap = MB, .mode = MAIO_MODE_BURN,
	.mapped = true,
};

FIXTURE_SETUP(workers)
{
	model_setup(_metadata, &self->model, variant->fs,
		    SHARDS, variant->shard, variant->mapped);
	self->model.gap = variant->gap;
}

FIXTURE_TEARDOWN(workers)
{
	model_unmake(&self->model);
}

/* Bytes of a group in a worker's parts of the shards. */
static __u64 bytes_of(const struct model *model,
		      const struct maio_template_extent *e, __u32 nr, int who)
{
	__u64 bytes = 0, part, begin, end;
	__u32 i;

	for (i = 0; i < nr; i++) {
		begin = (__u64)le32toh(e[i].start) << MAIO_EXTENT_SHIFT;
		end = begin + ((__u64)le32toh(e[i].count) << MAIO_EXTENT_SHIFT);
		for (part = who; part < PARTS; part += WORKERS) {
			__u64 from = part * model->part, to = from + model->part;

			from = from > begin ? from : begin;
			to = to < end ? to : end;
			bytes += from < to ? to - from : 0;
		}
	}
	return bytes;
}

/* A shard's extents come in the order in which its one thread read them. */
static bool in_order(const struct maio_template_extent *e, __u32 nr)
{
	__u32 i, next[SHARDS] = {};

	for (i = 0; i < nr; i++) {
		__u32 file = le32toh(e[i].file);

		if (file >= SHARDS || le32toh(e[i].start) < next[file])
			return false;
		next[file] = le32toh(e[i].start) + le32toh(e[i].count);
	}
	return true;
}

TEST_F(workers, a_group_is_a_process)
{
	/* At each of a part's ends, in each shard. */
	const __u64 slack = SHARDS * PARTS / WORKERS * 2 * WINDOW;
	const __u64 part = model_size(&self->model) / WORKERS;
	/* What was read ahead for one and mapped by another shows nothing. */
	const __u64 least = variant->mapped ? part / 10 * 6 : part - slack / 2;
	const struct maio_template_header *h;
	const struct maio_template_group *g;
	const struct maio_template_extent *e;
	bool seen[WORKERS] = {};
	__u32 i;

	record(_metadata, &self->model, load_parts, WORKERS);
	h = (const void *)self->model.blob;
	g = (const void *)self->model.blob + sizeof(*h) +
	    SHARDS * sizeof(struct maio_template_file);
	ASSERT_EQ(SHARDS, (int)le32toh(h->nr_files));
	expect_groups(_metadata, &self->model, WORKERS);
	ASSERT_EQ(WORKERS, (int)le32toh(h->nr_groups));
	e = (const void *)(g + WORKERS);
	for (i = 0; i < WORKERS; i++) {
		__u32 nr = le32toh(g[i].nr_extents);
		__u64 bytes[] = { bytes_of(&self->model, e, nr, 0),
				  bytes_of(&self->model, e, nr, 1) };
		int who = bytes[1] > bytes[0];

		EXPECT_FALSE(seen[who]);
		seen[who] = true;
		EXPECT_TRUE(bytes[who] >= least && bytes[!who] <= slack)
			TH_LOG("group %u: %llu KiB of its worker, %llu KiB of others",
			       i, bytes[who] / KB, bytes[!who] / KB);
		EXPECT_TRUE(in_order(e, nr));
		e += nr;
	}
}

TEST_F(workers, in_another_order)
{
	pid_t first, second;

	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, variant->mode, 0);
	second = start(load_parts, &self->model, 1);
	ASSERT_TRUE(PPC_WAIT(status_of(self->model.att).bound_groups == 1));
	first = start(load_parts, &self->model, 0);
	EXPECT_EQ(0, finish(second));
	EXPECT_EQ(0, finish(first));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	expect_read_once(_metadata, &self->model, 102);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, at_once)
{
	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_parts, &self->model, WORKERS));
	expect_read_once(_metadata, &self->model, 102);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, fewer)
{
	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_both, &self->model, 1));
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, more)
{
	record(_metadata, &self->model, load_all, 1);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_parts, &self->model, WORKERS));
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, more_read_all)
{
	/* Of what all of them map, only who comes first is seen. */
	if (variant->mapped)
		self->model.gap = 0;
	record(_metadata, &self->model, load_all, 1);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_all, &self->model, 4));
	/* Where they meet, a chunk may go under one of them. */
	expect_read_once(_metadata, &self->model, 110);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, fork)
{
	record(_metadata, &self->model, load_all, 1);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_and_fork, &self->model, 1));
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

TEST_F(workers, exec)
{
	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, variant->mode, 0);
	EXPECT_EQ(0, run(load_and_exec, &self->model, WORKERS));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

/* He is no worker, neither at the recording nor at the replay. */
TEST_F(workers, launcher)
{
	record(_metadata, &self->model, launch, 1);
	replay_start(_metadata, &self->model, variant->mode, 0);
	expect_groups(_metadata, &self->model, WORKERS);
	EXPECT_EQ(0, run(launch, &self->model, 1));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

/* One dies half through, and another process begins anew in its place. */
TEST_F(workers, killed_and_begun_anew)
{
	/* What the dead one had read, and was dropped behind it. */
	const __u64 size = model_size(&self->model);
	const __u64 again = size / WORKERS / SHARDS;
	pid_t killed, other;

	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, MAIO_MODE_BURN, 0);
	killed = start(load_parts_gated, &self->model, 1);
	other = start(load_parts_gated, &self->model, 0);
	ASSERT_TRUE(gate_wait(&self->model, 0));
	ASSERT_TRUE(gate_wait(&self->model, 1));
	ASSERT_EQ(0, kill(killed, SIGKILL));
	ASSERT_EQ(-1000 - SIGKILL, finish(killed));
	gate_open(&self->model, 0);
	EXPECT_EQ(0, finish(other));
	EXPECT_EQ(0, finish(start(load_parts, &self->model, 1)));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	expect_read(_metadata, &self->model, size, size / 100 * 105 + again);
	/* What stock readahead read for who died in the middle of it. */
	self->model.slack = WINDOW / PAGE;
	replay_stop(_metadata, &self->model);
}

/* What is read for the dead goes, if not at once, then with the replay. */
TEST_F(workers, killed)
{
	pid_t killed, other;

	record(_metadata, &self->model, load_parts, WORKERS);
	replay_start(_metadata, &self->model, MAIO_MODE_BURN, 0);
	killed = start(load_parts_gated, &self->model, 1);
	other = start(load_parts_gated, &self->model, 0);
	ASSERT_TRUE(gate_wait(&self->model, 0));
	ASSERT_TRUE(gate_wait(&self->model, 1));
	ASSERT_EQ(0, kill(killed, SIGKILL));
	ASSERT_EQ(-1000 - SIGKILL, finish(killed));
	gate_open(&self->model, 0);
	EXPECT_EQ(0, finish(other));
	replay_stop(_metadata, &self->model);
}

/* What both want goes when the one who lives has read it. */
TEST_F(workers, killed_wants_nothing)
{
	pid_t killed, other;

	/* Of what both map, the recording sees who comes first. */
	self->model.mapped = false;
	record(_metadata, &self->model, load_all, WORKERS);
	replay_start(_metadata, &self->model, MAIO_MODE_BURN, 0);
	expect_groups(_metadata, &self->model, WORKERS);
	killed = start(load_all_gated, &self->model, 1);
	other = start(load_all_gated, &self->model, 0);
	ASSERT_TRUE(gate_wait(&self->model, 0));
	ASSERT_TRUE(gate_wait(&self->model, 1));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	ASSERT_EQ(0, kill(killed, SIGKILL));
	ASSERT_EQ(-1000 - SIGKILL, finish(killed));
	gate_open(&self->model, 0);
	EXPECT_EQ(0, finish(other));
	EXPECT_TRUE(PPC_WAIT(model_cached(&self->model) <= LEFT))
		TH_LOG("%ld pages are left", model_cached(&self->model));
	expect_read_once(_metadata, &self->model, 105);
	replay_stop(_metadata, &self->model);
}

/* A second load of the same, begun when the first one is half through. */
static void load_twice(struct __test_metadata *_metadata, struct model *model,
		       bool known, unsigned int percent)
{
	const __u64 size = model_size(model), most = size / 100 * percent;
	struct ppc_stats before, after;
	struct model replica;

	record(_metadata, model, load_all, 1);
	replica = *model;
	model->family = start(come_and_load_gated, model, 0);
	replica.family = start(come_and_load, &replica, 1);
	replay_start(_metadata, model, MAIO_MODE_BURN, 0);
	replica.disk = model->disk;
	replica.att = known ? replay(&replica, MAIO_MODE_BURN, 0) : -1;
	gate_open(model, DOOR);
	ASSERT_TRUE(gate_wait(model, 0));
	ASSERT_EQ(0, ppc_stats(model->att, &before));
	if (!known)
		replica.att = replay(&replica, MAIO_MODE_BURN, 0);
	ASSERT_LE(0, replica.att);
	gate_open(model, DOOR + 1);
	gate_open(model, 0);
	EXPECT_EQ(0, finish(model->family));
	EXPECT_EQ(0, finish(replica.family));

	expect_read(_metadata, model, size, most);
	expect_read(_metadata, &replica, size, most);
	/* What is gone before he comes does not go under him. */
	ASSERT_EQ(0, ppc_stats(model->att, &after));
	EXPECT_GE(known ? 0 : before.burned_bytes, after.refaulted_bytes);
	ASSERT_EQ(0, ppc_stats(replica.att, &after));
	EXPECT_EQ(0ULL, after.refaulted_bytes);
	EXPECT_EQ(0, cmd(replica.att, MAIO_IOC_REPLAY_STOP));
	replay_stop(_metadata, model);
	EXPECT_EQ(0, ppc_detach(replica.att));
}

/* All waits for him. */
TEST_F(workers, replica_that_is_known)
{
	load_twice(_metadata, &self->model, true, 105);
}

/* What went before he was known of is read again. */
TEST_F(workers, replica_that_comes_late)
{
	load_twice(_metadata, &self->model, false, 200);
}

FIXTURE(apart) {
	struct model model;
};

FIXTURE_SETUP(apart)
{
	model_setup(_metadata, &self->model, "ext4", SHARDS, 16 * MB, false);
}

FIXTURE_TEARDOWN(apart)
{
	model_unmake(&self->model);
}

/*
 * For a while his group waits for him. When he comes all the same, what has gone
 * is read once more, by the policy, and goes behind him.
 */
TEST_F(apart, who_comes_late_finds_his_group)
{
	const __u64 size = model_size(&self->model);

	record(_metadata, &self->model, load_all, WORKERS);
	replay_start(_metadata, &self->model, MAIO_MODE_BURN, 0);
	expect_groups(_metadata, &self->model, WORKERS);
	EXPECT_EQ(0, finish(start(load_all, &self->model, 0)));
	EXPECT_LE((long)(size / PAGE / 100 * 95), model_cached(&self->model));
	sleep(AWAY + 1);
	EXPECT_TRUE(PPC_WAIT(model_cached(&self->model) <= LEFT))
		TH_LOG("%ld pages still wait", model_cached(&self->model));
	EXPECT_EQ(0, finish(start(load_all, &self->model, 1)));
	EXPECT_EQ(WORKERS, status_of(self->model.att).bound_groups);
	EXPECT_TRUE(PPC_WAIT(model_cached(&self->model) <= LEFT))
		TH_LOG("%ld pages are left", model_cached(&self->model));
	expect_read(_metadata, &self->model, size, 2 * (size / 100 * 102));
	replay_stop(_metadata, &self->model);
}

/* What is still on its way from the disk can be dropped when it is there. */
TEST_F(apart, stop_waits_for_what_is_read)
{
	struct ppc_stats stats = {};
	struct shard shard;

	record(_metadata, &self->model, load_all, 1);
	replay_start(_metadata, &self->model, MAIO_MODE_BURN, 0);
	ASSERT_TRUE(shard_open(&shard, self->model.path[0], false));
	ASSERT_TRUE(shard_read(&shard, 0, HEADER));
	ASSERT_TRUE(PPC_WAIT(!ppc_stats(self->model.att, &stats) &&
			     stats.prefetched_bytes));
	EXPECT_EQ(0, cmd(self->model.att, MAIO_IOC_REPLAY_STOP));
	EXPECT_EQ(0, model_cached(&self->model));
	ASSERT_EQ(0, ppc_stats(self->model.att, &stats));
	EXPECT_EQ(0, stats.unburnable_bytes);
	close(shard.fd);
}

FIXTURE(fair) {
	struct model model;
};

FIXTURE_SETUP(fair)
{
	model_setup(_metadata, &self->model, "ext4", FILES, LONG, false);
}

FIXTURE_TEARDOWN(fair)
{
	model_unmake(&self->model);
}

/*
 * A file of one's own. Who is through first looks how far the others are. To
 * look at all bytes would take the CPU longer than the disk.
 */
static int load_own(const struct job *job)
{
	const struct model *model = job->model;
	struct gates *gates = model->gates;
	struct shard shard;
	__u64 pos;
	int i;

	if (!shard_open(&shard, model->path[job->who], false))
		return 2;
	gate_pass(job, job->who);
	for (pos = 0; pos < model->shard; pos += MB) {
		if (ppc_read(shard.fd, pos, MB, MB) != (long)MB ||
		    !shard_read(&shard, pos, PAGE))
			return 1;
		__atomic_store_n(&gates->read[job->who], pos + MB,
				 __ATOMIC_SEQ_CST);
	}
	if (__atomic_fetch_add(&gates->through, 1, __ATOMIC_SEQ_CST))
		return 0;
	for (i = 0; i < FILES; i++)
		gates->then[i] = __atomic_load_n(&gates->read[i],
						 __ATOMIC_SEQ_CST);
	return 0;
}

/* On a busy machine not evenly, but nobody is served before the others. */
TEST_F(fair, four_with_a_file_each)
{
	struct model *model = &self->model;
	pid_t pid[FILES];
	int i;

	for (i = 0; i < FILES; i++)
		gate_open(model, i);
	record(_metadata, model, load_own, FILES);
	expect_groups(_metadata, model, FILES);
	memset(model->gates, 0, sizeof(*model->gates));
	replay_start(_metadata, model, MAIO_MODE_KEEP, 0);
	for (i = 0; i < FILES; i++)
		pid[i] = start(load_own, model, i);
	for (i = 0; i < FILES; i++)
		EXPECT_TRUE(gate_wait(model, i));
	for (i = 0; i < FILES; i++)
		gate_open(model, i);
	for (i = 0; i < FILES; i++)
		EXPECT_EQ(0, finish(pid[i]));
	for (i = 0; i < FILES; i++)
		EXPECT_LE(model->shard / 4, model->gates->then[i]);
	TH_LOG("when the first was through, they had read %llu, %llu, %llu and %llu MiB of %llu",
	       model->gates->then[0] / MB, model->gates->then[1] / MB,
	       model->gates->then[2] / MB, model->gates->then[3] / MB,
	       model->shard / MB);
	EXPECT_EQ(FILES, (int)status_of(model->att).bound_groups);
	expect_read_once(_metadata, model, 102);
	replay_stop(_metadata, model);
}

FIXTURE(header) {
	struct model model;
};

FIXTURE_VARIANT(header) {
	__u64 budget;
	bool mapped;
};

FIXTURE_VARIANT_ADD(header, whole_model) { .budget = 0 };
FIXTURE_VARIANT_ADD(header, budget) { .budget = 16 * MB };
FIXTURE_VARIANT_ADD(header, mapped) { .mapped = true };

FIXTURE_SETUP(header)
{
	model_setup(_metadata, &self->model, "ext4",
		    SHARDS, 16 * MB, variant->mapped);
}

FIXTURE_TEARDOWN(header)
{
	model_unmake(&self->model);
}

/* A framework that opens all, reads one header, and sets itself up. */
static int load_after_header(const struct job *job)
{
	const struct model *model = job->model;
	struct shard shard[SHARDS];
	int i;

	for (i = 0; i < SHARDS; i++)
		if (!shard_open(&shard[i], model->path[i], model->mapped))
			return 2;
	if (!shard_read(&shard[0], 0, HEADER))
		return 1;
	gate_pass(job, 0);
	for (i = 0; i < SHARDS; i++)
		if (!shard_read(&shard[i], 0, model->shard))
			return 1;
	return 0;
}

/* Meanwhile the first window comes. */
TEST_F(header, is_enough)
{
	__u64 want;
	pid_t pid;

	record(_metadata, &self->model, load_all, 1);
	replay_start(_metadata, &self->model, MAIO_MODE_KEEP, variant->budget);
	EXPECT_LT(PPC_WINDOW_START, status_of(self->model.att).template_bytes);
	want = PPC_WINDOW_START;
	pid = start(load_after_header, &self->model, 0);
	ASSERT_TRUE(gate_wait(&self->model, 0));
	EXPECT_TRUE(PPC_WAIT(model_cached(&self->model) * PAGE >= want))
		TH_LOG("%ld pages of %llu", model_cached(&self->model),
		       want / PAGE);
	gate_open(&self->model, 0);
	EXPECT_EQ(0, finish(pid));
	expect_read_once(_metadata, &self->model, 102);
	replay_stop(_metadata, &self->model);
}

/* What the kernel tells of reading ahead, in its order. */
#define TRACING	"/sys/kernel/tracing/"

static bool trace_start(void)
{
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	return !ppc_write(TRACING "events/ppc/enable", "1") &&
	       !ppc_write(TRACING "tracing_on", "1");
}

static void trace_stop(void)
{
	ppc_write(TRACING "events/ppc/enable", "0");
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
}

enum seen_type {
	SEEN_BATCH,
	SEEN_ACCESS,
	SEEN_CONSUMED,
};

struct seen {
	enum seen_type type;
	unsigned long long pos;
	unsigned long long len;
	unsigned long long bytes;	/* that a batch found not cached */
};

/* A line of the trace; false if it tells of something else than file @ino. */
static bool trace_parse(const char *line, unsigned long long ino,
			struct seen *seen)
{
	const char *batch = strstr(line, " ppc_batch: ");
	const char *access = strstr(line, " ppc_access: ");
	unsigned long long of, index, len, pages = 0;
	char type[16] = "";

	if (batch) {
		if (sscanf(batch, " ppc_batch: dev=%*s ino=%llu index=%llu len=%llu pages=%llu",
			   &of, &index, &len, &pages) != 4)
			return false;
	} else if (!access ||
		   sscanf(access, " ppc_access: dev=%*s ino=%llu index=%llu len=%llu type=%15s",
			  &of, &index, &len, type) != 4) {
		return false;
	}
	*seen = (struct seen){
		.type = batch ? SEEN_BATCH :
			strcmp(type, "consume") ? SEEN_ACCESS : SEEN_CONSUMED,
		.pos = index * PAGE,
		.len = len,
		.bytes = pages * PAGE,
	};
	return of == ino;
}

/* Events of one file; how many, at most @max. */
static int trace_read(int fd, struct seen *seen, int max)
{
	FILE *trace = fopen(TRACING "trace", "r");
	char line[512];
	struct stat st;
	int nr = 0;

	if (!trace || fstat(fd, &st))
		return -errno;
	while (nr < max && fgets(line, sizeof(line), trace))
		nr += trace_parse(line, st.st_ino, &seen[nr]);
	fclose(trace);
	return nr;
}

static void trace_print(const struct seen *seen, int nr)
{
	static const char * const names[] = { "batch", "access", "consumed" };
	int i;

	for (i = 0; i < nr && i < 100; i++)
		printf("# %s at %llu KiB of %llu KiB, %llu KiB new\n",
		       names[seen[i].type], seen[i].pos / KB, seen[i].len / KB,
		       seen[i].bytes / KB);
}

FIXTURE(jump) {
	struct model model;
};

FIXTURE_VARIANT(jump) {
	__u64 to;
	__u64 budget;
};

/* With most of the file unread, or as far as the budget goes. */
FIXTURE_VARIANT_ADD(jump, middle) { .to = LONG / 2 };
FIXTURE_VARIANT_ADD(jump, far) { .to = LONG / 4 * 3 };
FIXTURE_VARIANT_ADD(jump, middle_budget) { .to = LONG / 2, .budget = 16 * MB };
FIXTURE_VARIANT_ADD(jump, far_budget) { .to = LONG / 4 * 3, .budget = 16 * MB };

FIXTURE_SETUP(jump)
{
	model_setup(_metadata, &self->model, "ext4", 1, LONG, false);
	if (access(TRACING "events/ppc", F_OK))
		SKIP(return, "no tracefs");
}

FIXTURE_TEARDOWN(jump)
{
	trace_stop();
	model_unmake(&self->model);
}

/* Reads where the file begins and, when it is let on, a tensor elsewhere. */
static int load_and_jump(const struct job *job)
{
	struct shard shard;

	if (!shard_open(&shard, job->model->path[0], false) ||
	    !shard_read(&shard, 0, HEADER))
		return 1;
	gate_pass(job, 0);
	if (!shard_read(&shard, job->model->jump, HEADER))
		return 1;
	gate_pass(job, 1);
	return 0;
}

/* What is read ahead next is what comes there, and not what lies between. */
TEST_F(jump, goes_there)
{
	const __u64 to = variant->to, ahead = variant->budget ?: BATCH;
	struct model *model = &self->model;
	__u64 elsewhere = 0, there = 0;
	static struct seen seen[4096];
	struct ppc_stats stats;
	int nr, i, landed;
	long early, now;
	pid_t pid;

	record(_metadata, model, load_all, 1);
	replay_start(_metadata, model, MAIO_MODE_KEEP, variant->budget);
	model->jump = to;
	ASSERT_TRUE(trace_start());
	pid = start(load_and_jump, model, 0);
	ASSERT_TRUE(gate_wait(model, 0));
	ASSERT_TRUE(PPC_WAIT(model_cached(model) * PAGE >= ahead));
	early = ppc_cached(model->fd[0], to, LONG - to);
	gate_open(model, 0);
	ASSERT_TRUE(gate_wait(model, 1));
	EXPECT_TRUE(PPC_WAIT(ppc_cached(model->fd[0], to, BATCH) == BATCH / PAGE))
		TH_LOG("%ld pages from there on",
		       ppc_cached(model->fd[0], to, BATCH));
	now = ppc_cached(model->fd[0], 0, to);
	/* A batch is cached before it is traced. */
	ppc_settled(model->att);
	ASSERT_EQ(0, ppc_stats(model->att, &stats));
	gate_open(model, 1);
	EXPECT_EQ(0, finish(pid));
	nr = trace_read(model->fd[0], seen, ARRAY_SIZE(seen));
	if (early) {
		replay_stop(_metadata, model);
		SKIP(return, "too slow: all had been read ahead by then");
	}

	EXPECT_GT((long)(to / PAGE), now);
	/* As near as this, it might be another thread beside the first. */
	EXPECT_LE(to > LONG / 2, stats.interrupts);
	for (landed = 0; landed < nr; landed++)
		if (seen[landed].type == SEEN_ACCESS && seen[landed].pos >= to)
			break;
	for (i = landed + 1; i < nr && there < BATCH; i++)
		if (seen[i].type == SEEN_BATCH)
			*(seen[i].pos >= to ? &there : &elsewhere) += seen[i].len;
	EXPECT_LE(BATCH, there);
	EXPECT_GE(BATCH, elsewhere);
	if (!__test_passed(_metadata))
		trace_print(seen, nr);
	replay_stop(_metadata, model);
}

FIXTURE(shard) {
	struct model model;
};

FIXTURE_SETUP(shard)
{
	model_setup(_metadata, &self->model, "ext4", 1, LONG, false);
	if (access(TRACING "events/ppc", F_OK))
		SKIP(return, "no tracefs");
}

FIXTURE_TEARDOWN(shard)
{
	trace_stop();
	model_unmake(&self->model);
}

/* Some of the file, here and there: faster than a small budget lets us read. */
static int load_some(const struct job *job)
{
	struct shard shard;
	__u64 pos;

	if (!shard_open(&shard, job->model->path[0], false))
		return 1;
	for (pos = 0; pos < LONG; pos += LEAP)
		if (!shard_read(&shard, pos, MB))
			return 1;
	return 0;
}

/* A reader that is ahead is not read after. */
static void expect_not_behind(struct __test_metadata *_metadata,
			      struct model *model,
			      int (*fn)(const struct job *job),
			      unsigned int jumps, __u64 budget)
{
	__u64 reader = 0, behind = 0, ahead = 0, consumed = 0;
	static struct seen seen[4096];
	struct ppc_stats stats;
	int nr, i;

	record(_metadata, model, load_all, 1);
	replay_start(_metadata, model, MAIO_MODE_KEEP, budget);
	ASSERT_TRUE(trace_start());
	EXPECT_EQ(0, run(fn, model, 1));
	ppc_settled(model->att);
	ASSERT_EQ(0, ppc_stats(model->att, &stats));
	nr = trace_read(model->fd[0], seen, ARRAY_SIZE(seen));
	for (i = 0; i < nr; i++) {
		if (seen[i].type == SEEN_CONSUMED)
			consumed += seen[i].len;
		if (seen[i].type != SEEN_BATCH)
			reader = seen[i].pos;
		else if (seen[i].pos + seen[i].len <= reader)
			behind += seen[i].len;
		else
			ahead += seen[i].len;
	}
	/* All of it was seen: a reader who was read ahead for. */
	EXPECT_GT((int)ARRAY_SIZE(seen), nr);
	EXPECT_LT((jumps + 1) * MB / 2, consumed);
	EXPECT_LT((jumps + 1) * BATCH, ahead);
	/* One may be under way when he comes by. */
	EXPECT_GE((jumps + 1) * BATCH, behind);
	/* What he leaps over had been ahead of him. */
	EXPECT_GE(jumps * budget + BATCH, stats.wasted_bytes);
	if (!__test_passed(_metadata))
		trace_print(seen, nr);
	replay_stop(_metadata, model);
}

TEST_F(shard, not_behind_a_steady_reader)
{
	expect_not_behind(_metadata, &self->model, load_all, 0, BATCH);
}

TEST_F(shard, not_behind_a_leaping_reader)
{
	expect_not_behind(_metadata, &self->model, load_some, LONG / LEAP - 1,
			  LEAP);
}

#define THP	"/sys/kernel/mm/transparent_hugepage/"

/* Touches a little of each 2 MiB, and leaves the rest to who cares. */
static int touch_and_wait(const struct job *job)
{
	const struct model *model = job->model;
	struct shard shard;
	__u64 pos;

	if (!shard_open(&shard, model->path[0], true))
		return 2;
	for (pos = 0; pos < model->shard; pos += 2 * MB)
		if (!shard_read(&shard, pos, HEADER))
			return 1;
	gate_pass(job, 0);
	return 0;
}

/* It reads what others have mapped, and is no worker for it. */
TEST_F(shard, khugepaged_is_no_worker)
{
	static const char * const knobs[][2] = {
		{ THP "enabled", "always" },
		{ THP "khugepaged/pages_to_scan", "100000" },
		{ THP "khugepaged/scan_sleep_millisecs", "10" },
	};
	char old[ARRAY_SIZE(knobs)][64], *word;
	struct model *model = &self->model;
	long collapsed;
	size_t i;
	pid_t pid;
	int att;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (ppc_read_text(knobs[i][0], old[i], sizeof(old[i])))
			SKIP(return, "no khugepaged");
	/* "[always] madvise never" */
	word = strchr(old[0], '[');
	ASSERT_NE(NULL, word);
	*strchr(word, ']') = '\0';
	memmove(old[0], word + 1, strlen(word));

	att = ppc_attach("maio", 0, model->fd, model->nr, 0, 0);
	ASSERT_LE(0, att);
	ASSERT_EQ(0, cmd(att, MAIO_IOC_RECORD_START));
	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		EXPECT_EQ(0, ppc_write(knobs[i][0], knobs[i][1]));
	collapsed = ppc_read_long(THP "khugepaged/pages_collapsed");
	pid = start(touch_and_wait, model, 0);
	EXPECT_TRUE(gate_wait(model, 0));
	/* There is nothing else that it could collapse. */
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(model->fd[0]) ==
			     (long)(LONG / PAGE)))
		TH_LOG("khugepaged has collapsed %ld, %ld pages are cached",
		       ppc_read_long(THP "khugepaged/pages_collapsed") - collapsed,
		       ppc_cached_all(model->fd[0]));
	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		EXPECT_EQ(0, ppc_write(knobs[i][0], old[i]));
	gate_open(model, 0);
	EXPECT_EQ(0, finish(pid));
	EXPECT_EQ(0, cmd(att, MAIO_IOC_RECORD_STOP));
	EXPECT_EQ(1U, status_of(att).nr_groups);
	EXPECT_EQ(0, ppc_detach(att));
}

/* The other half of load_and_exec(): SHARD HOW. */
static int go_on(char **argv)
{
	return !shard_read_parts(argv[0], !strcmp(argv[1], "mapped"), 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--go-on"))
		return go_on(argv + 2);
	setenv("PPC_MBPS", DISK_MBPS, 1);
	return ppc_main(argc, argv);
}
