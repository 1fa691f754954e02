// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: a load that was recorded is replayed; a template that is not of these
 * files, or not one at all, is refused whole, and all stays as it was.
 */
#include <endian.h>
#include <sys/syscall.h>

#include <linux/ppc_maio.h>

#include "ppc_harness.h"

#define FILES	2
#define SIZE	(12 * MB)
#define PAGE	4096ULL
#define PAGES	((long)(SIZE / PAGE))

FIXTURE(maio) {
	char path[FILES][256];
	char dir[200];
	int fd[FILES];
	int att;
	__u8 *blob;
	size_t len;
};

FIXTURE_VARIANT(maio) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(maio, ext4) { .fs = "ext4" };
FIXTURE_VARIANT_ADD(maio, xfs) { .fs = "xfs" };

static int attach_maio(const int *fds, unsigned int nr)
{
	return ppc_attach("maio", 0, fds, nr, 0, 0);
}

FIXTURE_SETUP(maio)
{
	int i;

	self->att = -1;
	for (i = 0; i < FILES; i++)
		self->fd[i] = -1;
	if (!ppc_dir(variant->fs, self->dir, sizeof(self->dir)))
		SKIP(return, "no %s", variant->fs);
	if (!ppc_have_maio())
		SKIP(return, "no ppc_maio module: CONFIG_SAMPLE_PPC_MAIO");
	for (i = 0; i < FILES; i++) {
		snprintf(self->path[i], sizeof(self->path[i]), "%s/shard%d",
			 self->dir, i);
		self->fd[i] = ppc_make_file(self->path[i], SIZE);
		ASSERT_LE(0, self->fd[i]);
	}
	self->att = attach_maio(self->fd, FILES);
	ASSERT_LE(0, self->att);
}

FIXTURE_TEARDOWN(maio)
{
	int i;

	if (self->att >= 0)
		ppc_detach(self->att);
	for (i = 0; i < FILES; i++) {
		close(self->fd[i]);
		if (self->path[i][0])
			unlink(self->path[i]);
	}
	free(self->blob);
}

static int cmd(int att, unsigned long ioc)
{
	return ioctl(att, ioc) ? -errno : 0;
}

static int set_template(int att, const void *blob, __u64 len)
{
	struct maio_template_io io = { (uintptr_t)blob, len };

	return ioctl(att, MAIO_IOC_SET_TEMPLATE, &io) ? -errno : 0;
}

/* The template in force; its length or -errno. */
static long get_template(int att, void *blob, __u64 room)
{
	struct maio_template_io io = { (uintptr_t)blob, room };

	return ioctl(att, MAIO_IOC_GET_TEMPLATE, &io) ? -errno : (long)io.len;
}

static struct maio_status status_of(int att)
{
	struct maio_status status = {};

	PPC_MUST(ioctl(att, MAIO_IOC_STATUS, &status));
	return status;
}

static int set_mode(int att, __u32 mode, int node, __u64 gap)
{
	struct maio_mode_args args = { mode, node, gap };

	return ioctl(att, MAIO_IOC_SET_MODE, &args) ? -errno : 0;
}

/* A load: the second half of a file before the first one, then the other file. */
static int load(void *arg)
{
	const int *fd = arg;

	if (ppc_verify(fd[1], SIZE / 2, SIZE / 2) != -1 ||
	    ppc_verify(fd[1], 0, SIZE / 2) != -1 ||
	    ppc_verify(fd[0], 0, SIZE) != -1)
		return 1;
	return 0;
}

static int load_mapped(void *arg)
{
	const int *fd = arg;
	int i;

	for (i = 0; i < FILES; i++) {
		char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd[i], 0);

		if (map == MAP_FAILED || ppc_verify_mem(map, 0, SIZE) != -1)
			return 1;
	}
	return 0;
}

/* Give a template the checksum that it ought to have. */
static void seal(__u8 *blob, size_t len)
{
	struct maio_template_header *h = (void *)blob;

	h->crc = 0;
	h->crc = htole32(ppc_crc32(blob, len));
}

static void set_flags(__u8 *blob, size_t len, __u16 flags)
{
	struct maio_template_header *h = (void *)blob;

	h->flags = htole16(flags);
	seal(blob, len);
}

static struct maio_template_header header(size_t size, __u32 files, __u32 groups,
					  __u32 extents)
{
	return (struct maio_template_header){
		.magic = htole32(MAIO_TEMPLATE_MAGIC),
		.version = htole16(MAIO_TEMPLATE_VERSION),
		.size = htole32(size),
		.nr_files = htole32(files),
		.nr_groups = htole32(groups),
		.nr_extents = htole32(extents),
	};
}

struct forged {
	struct maio_template_header h;
	struct maio_template_file f[FILES];
	struct maio_template_group g[2];
	struct maio_template_extent e[3];
} __attribute__((packed));

/* All right: the tests break it. */
static struct forged forge(void)
{
	const __u32 units = SIZE >> MAIO_EXTENT_SHIFT;
	struct forged t = {
		.h = header(sizeof(t), FILES, 2, 3),
		.f = { { htole64(SIZE) }, { htole64(SIZE) } },
		.g = { { htole32(2) }, { htole32(1) } },
		.e = {
			{ 0, 0, htole32(units) },
			{ htole32(1), 0, htole32(units / 2) },
			{ htole32(1), htole32(units / 2), htole32(units / 2) },
		},
	};

	seal((__u8 *)&t, sizeof(t));
	return t;
}

static int set_forged(int att, struct forged *t)
{
	seal((__u8 *)t, sizeof(*t));
	return set_template(att, t, sizeof(*t));
}

TEST_F(maio, record_get_set_replay)
{
	struct maio_status status;
	int i;

	EXPECT_EQ(-ENODATA, get_template(self->att, NULL, 0));
	EXPECT_EQ(-ENODATA, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(-EINVAL, cmd(self->att, MAIO_IOC_RECORD_STOP));
	EXPECT_EQ(-EINVAL, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	EXPECT_EQ(-EBUSY, cmd(self->att, MAIO_IOC_RECORD_START));
	EXPECT_EQ(MAIO_STATE_RECORDING, status_of(self->att).state);
	ASSERT_EQ(0, ppc_in_child(load, self->fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	status = status_of(self->att);
	EXPECT_EQ(MAIO_STATE_TEMPLATE, status.state);
	EXPECT_EQ(1, status.nr_groups);
	EXPECT_EQ(FILES * SIZE, status.template_bytes);
	EXPECT_EQ(0, status.resident_at_start);
	EXPECT_GE(4, status.nr_extents);

	EXPECT_EQ(-ENOSPC, get_template(self->att, NULL, 0));
	self->blob = malloc(65536);
	EXPECT_EQ(-EFAULT, get_template(self->att, NULL, 65536));
	self->len = get_template(self->att, self->blob, 65536);
	ASSERT_LT(sizeof(struct maio_template_header), self->len);
	ASSERT_GT(4096, self->len);
	ASSERT_EQ(0, ppc_detach(self->att));

	/* In another life, on a cold cache. */
	for (i = 0; i < FILES; i++)
		ASSERT_EQ(0, ppc_drop(self->fd[i]));
	self->att = attach_maio(self->fd, FILES);
	ASSERT_LE(0, self->att);
	/* Verifying may be slow, or not. */
	set_flags(self->blob, self->len, 0);
	ASSERT_EQ(0, set_template(self->att, self->blob, self->len));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(-EBUSY, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(MAIO_STATE_REPLAYING | MAIO_STATE_TEMPLATE,
		  status_of(self->att).state);

	/* One read where the load begins, and the first window comes. */
	ASSERT_EQ((long)PAGE, ppc_read(self->fd[1], SIZE / 2, PAGE, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd[0]) + ppc_cached_all(self->fd[1]) >=
			     (long)(PPC_WINDOW_START / PAGE)));
	EXPECT_EQ(1, status_of(self->att).bound_groups);
	EXPECT_GE(PPC_WINDOW_START, ppc_settled(self->att));
	/* The rest comes as that is read. */
	EXPECT_EQ(0, ppc_in_child(load, self->fd));
	EXPECT_LE(2 * PAGES * 98 / 100, (long)(ppc_settled(self->att) / PAGE));
	EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	/* To keep is the default. */
	EXPECT_EQ(PAGES, ppc_cached_all(self->fd[0]));
}

static int load_on(const int *fd, unsigned int pause)
{
	if (ppc_read(fd[0], 0, PAGE, PAGE) != (long)PAGE)
		return 1;
	sleep(pause);
	return ppc_read(fd[0], 0, SIZE, MB) != (long)SIZE ||
	       ppc_read(fd[1], 0, SIZE, MB) != (long)SIZE;
}

static int load_at_once(void *arg)
{
	return load_on(arg, 0);
}

static int load_later(void *arg)
{
	return load_on(arg, 1);
}

/* A load that goes on after its first access is told from one that waits. */
TEST_F(maio, eager)
{
	int (*const loads[])(void *) = { load_later, load_at_once };
	struct maio_template_header *h;
	const __u64 want[] = { PPC_WINDOW_START, FILES * SIZE };
	__u64 before = 0;
	int i, j;

	self->blob = malloc(65536);
	h = (void *)self->blob;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
		ASSERT_EQ(0, ppc_in_child(loads[i], self->fd));
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
		ASSERT_LT(0, get_template(self->att, self->blob, 65536));
		EXPECT_EQ(i ? MAIO_TEMPLATE_EAGER : 0, le16toh(h->flags));
		for (j = 0; j < FILES; j++)
			ASSERT_EQ(0, ppc_drop(self->fd[j]));

		/* One access of the next load, which is another process. */
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
		ASSERT_EQ((long)PAGE, ppc_read(self->fd[0], 0, PAGE, PAGE));
		EXPECT_TRUE(PPC_WAIT((__u64)(ppc_cached_all(self->fd[0]) +
					     ppc_cached_all(self->fd[1])) * PAGE >= want[i]));
		EXPECT_GE(before + want[i], ppc_settled(self->att));
		before += want[i];
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
		for (j = 0; j < FILES; j++)
			ASSERT_EQ(0, ppc_drop(self->fd[j]));
	}
}

struct guessed {
	struct maio_template_header h;
	struct maio_template_file f;
	struct maio_template_group g;
	struct maio_template_extent e;
} __attribute__((packed));

struct looks {
	const char *map;
	__u64 from;
	__u64 to;
	__u64 step;
};

static int look(void *arg)
{
	const struct looks *l = arg;
	__u64 pos;

	for (pos = l->from; pos < l->to; pos += l->step)
		if (l->map[pos])
			return 1;
	return 0;
}

/* While nobody has recorded the load, no more is read ahead where little is wanted. */
TEST_F(maio, guess)
{
	const __u64 size = 160 * MB, dense[] = { 48 * MB, 112 * MB };
	struct guessed t = {
		.h = header(sizeof(t), 1, 1, 1),
		.f = { htole64(size) },
		.g = { htole32(1) },
		.e = { 0, 0, htole32(size >> MAIO_EXTENT_SHIFT) },
	};
	struct looks l = { .step = PAGE, .to = dense[0] };
	__u64 first, second, third;
	char path[256];
	char *map;
	int fd;

	ASSERT_EQ(0, ppc_detach(self->att));
	snprintf(path, sizeof(path), "%s/guess", self->dir);
	fd = ppc_make_hole(path, size);
	ASSERT_LE(0, fd);
	self->att = attach_maio(&fd, 1);
	ASSERT_LE(0, self->att);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	l.map = map;
	set_flags((__u8 *)&t, sizeof(t), MAIO_TEMPLATE_GUESS);
	ASSERT_EQ(0, set_template(self->att, &t, sizeof(t)));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));

	/* All of it, then a page of each MiB, then all again. */
	ASSERT_EQ(0, look(&l));
	first = ppc_settled(self->att);
	EXPECT_LE(dense[0] / 100 * 80, first);
	/* No further ahead than it may. */
	EXPECT_GE(dense[0] + 8 * MB, first);
	l = (struct looks){ map, dense[0], dense[1], MB };
	ASSERT_EQ(0, look(&l));
	second = ppc_settled(self->att);
	EXPECT_GE(first + 24 * MB, second);
	l = (struct looks){ map, dense[1], size, PAGE };
	ASSERT_EQ(0, look(&l));
	third = ppc_settled(self->att);
	EXPECT_LE(second + (size - dense[1]) / 2, third);
	TH_LOG("%llu, %llu and %llu bytes read ahead", first, second - first, third - second);
	munmap(map, size);
	close(fd);
	unlink(path);
}

TEST_F(maio, mapped_and_burned)
{
	struct ppc_stats stats;
	int i;

	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, ppc_in_child(load_mapped, self->fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	EXPECT_LE(FILES * SIZE / 100 * 95, status_of(self->att).template_bytes);
	for (i = 0; i < FILES; i++)
		ASSERT_EQ(0, ppc_drop(self->fd[i]));
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_BURN, -1, MB));
	EXPECT_EQ(MB, status_of(self->att).gap);
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(0, ppc_in_child(load_mapped, self->fd));
	EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	/* What was recorded by faults ends with the last one that was seen. */
	EXPECT_GE(64, ppc_cached_all(self->fd[0]));
	EXPECT_GE(64, ppc_cached_all(self->fd[1]));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_LE(FILES * SIZE / 2, stats.prefetched_bytes);
	EXPECT_LE(FILES * SIZE / 10 * 9, stats.burned_bytes);
	EXPECT_EQ(0, stats.fallbacks);
}

/* Loads file 0 in two parts, and file 1 between them. */
static int load_in_parts(void *arg)
{
	const int *fd = arg;

	if (ppc_verify(fd[0], 0, MB) != -1 || ppc_verify(fd[1], 0, SIZE) != -1)
		return 1;
	if (!PPC_WAIT(ppc_cached(fd[1], 0, 4 * MB) == 0))
		return 2;
	/* What comes next to it is yet to be read. */
	if (ppc_cached(fd[0], 0, MB) != (long)(MB / PAGE))
		return 3;
	return ppc_verify(fd[0], MB, SIZE - MB) != -1;
}

/* A header stays until the data next to it has been read. */
TEST_F(maio, neighbours_are_not_burned)
{
	const __u32 units = SIZE >> MAIO_EXTENT_SHIFT;
	const __u32 head = MB >> MAIO_EXTENT_SHIFT;
	struct forged t = forge();

	t.g[0].nr_extents = htole32(3);
	t.h.nr_groups = htole32(1);
	t.e[0] = (struct maio_template_extent){ 0, 0, htole32(head) };
	t.e[1] = (struct maio_template_extent){ htole32(1), 0, htole32(units) };
	t.e[2] = (struct maio_template_extent){ 0, htole32(head),
						htole32(units - head) };
	/* One group less. */
	memmove(&t.g[1], t.e, sizeof(t.e));
	t.h.size = htole32(sizeof(t) - sizeof(t.g[1]));
	seal((__u8 *)&t, sizeof(t) - sizeof(t.g[1]));
	ASSERT_EQ(0, set_template(self->att, &t, sizeof(t) - sizeof(t.g[1])));
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_BURN, -1, MB));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(0, ppc_in_child(load_in_parts, self->fd));
	EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	EXPECT_EQ(0, ppc_cached_all(self->fd[0]));
	EXPECT_EQ(0, ppc_cached_all(self->fd[1]));
}

/* Reads a little of another worker's part, here and there, before its own. */
static int look_around(void *arg)
{
	const int *fd = arg;

	return ppc_read(fd[1], SIZE / 2 + MB - PAGE, PAGE, PAGE) != PAGE ||
	       ppc_read(fd[1], SIZE - PAGE, PAGE, PAGE) != PAGE ||
	       ppc_read(fd[0], MB - PAGE, PAGE, PAGE) != PAGE;
}

/* Drop a file whole, as another attachment may that has read it. */
static int burn_from_outside(int att)
{
	int stream = ppc_stream_one(att, 0, SIZE, false, true, 0);

	if (stream < 0)
		return stream;
	ppc_feed(att, stream, TEST_CONSUME, 0, SIZE);
	return ppc_stream_op(att, stream, TEST_STREAM_STOP);
}

/* Begins with the second half of file 1, of which nothing may go then. */
static int begin_group_1(void *arg)
{
	const int *fd = arg;
	int other;

	if (ppc_read(fd[1], SIZE / 2 + MB - PAGE, PAGE, PAGE) != PAGE)
		return 1;
	other = ppc_attach_one(fd[1]);
	if (other < 0)
		return 2;
	if (burn_from_outside(other))
		return 3;
	if (ppc_cached(fd[1], SIZE / 2, SIZE / 2) != PAGES / 2)
		return 4;
	return ppc_detach(other) ? 5 : 0;
}

/* What somebody passed in a group that was not his, its worker still wants. */
TEST_F(maio, wrong_guess_is_undone)
{
	struct forged t = forge();
	int i;

	for (i = 0; i < FILES; i++)
		ASSERT_EQ(-1, ppc_verify(self->fd[i], 0, SIZE));
	/* Group 1 has the second half of file 1, group 0 all else. */
	ASSERT_EQ(0, set_forged(self->att, &t));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	ASSERT_EQ(0, ppc_in_child(look_around, self->fd));
	EXPECT_EQ(1, status_of(self->att).bound_groups);
	EXPECT_EQ(0, ppc_in_child(begin_group_1, self->fd));
	EXPECT_EQ(2, status_of(self->att).bound_groups);
	EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
}

static int load_big(void *arg)
{
	return ppc_read(*(int *)arg, 0, 80 * MB, MB) != 80 * MB;
}

/* One worker after the other: what the first one burned is read for the second. */
TEST_F(maio, burned_for_each_worker)
{
	struct ppc_stats stats;
	char path[256];
	int fd, i;

	snprintf(path, sizeof(path), "%s/big", self->dir);
	fd = ppc_make_file(path, 80 * MB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = attach_maio(&fd, 1);
	ASSERT_LE(0, self->att);
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, ppc_in_child(load_big, &fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	ASSERT_EQ(0, ppc_drop(fd));
	ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_BURN, -1, MB));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	for (i = 1; i <= 2; i++) {
		ASSERT_EQ(0, ppc_in_child(load_big, &fd));
		EXPECT_TRUE(PPC_WAIT(ppc_cached_all(fd) <= 1024));
	}
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(0, stats.fallbacks);
	EXPECT_LE(2 * 72 * MB, stats.prefetched_bytes);
	EXPECT_LE(2 * 72 * MB, stats.burned_bytes);
	close(fd);
	unlink(path);
}

/* So many groups reclaim looks through to learn what may go first. */
#define EVICT_GROUPS	64

/* A template of @nr groups, of which each has the next MiB of one file. */
static int set_groups(int att, __u32 nr)
{
	static struct {
		struct maio_template_header h;
		struct maio_template_file f;
		__u8 rest[(EVICT_GROUPS + 1) *
			  (sizeof(struct maio_template_group) +
			   sizeof(struct maio_template_extent))];
	} __attribute__((packed)) t;
	struct maio_template_group *g = (void *)t.rest;
	struct maio_template_extent *e = (void *)(g + nr);
	const size_t len = (__u8 *)(e + nr) - (__u8 *)&t;
	__u32 i;

	memset(&t, 0, sizeof(t));
	t.h = header(len, 1, nr, nr);
	t.f.size = htole64((EVICT_GROUPS + 1) * MB);
	for (i = 0; i < nr; i++) {
		g[i].nr_extents = htole32(1);
		e[i].start = htole32(i * (MB >> MAIO_EXTENT_SHIFT));
		e[i].count = htole32(MB >> MAIO_EXTENT_SHIFT);
	}
	seal((__u8 *)&t, len);
	return set_template(att, &t, len);
}

struct group_reader {
	const char *cg;
	int att;
	int fd;
	__u32 nr;
};

/* All groups one after the other; then memory gets short. */
static int read_groups(void *arg)
{
	const struct group_reader *r = arg;
	struct maio_bind bind = { .pid = getpid(), .node = -1 };
	int err;

	if (ppc_cg_enter(r->cg))
		return 1;
	/* So small a part shows nobody for sure. */
	for (; bind.group < r->nr; bind.group++)
		if (ioctl(r->att, MAIO_IOC_BIND, &bind))
			return 4;
	if (ppc_read(r->fd, 0, r->nr * MB, MB) != (long)(r->nr * MB))
		return 2;
	/* Who has rested at the end wants nothing more. */
	sleep(3);
	err = ppc_cg_set(r->cg, "memory.reclaim", "16M");
	return err && err != -EAGAIN ? 3 : 0;
}

/* With more groups than that, reclaim goes its own way; what is wanted stays all the same. */
TEST_F(maio, many_groups)
{
	struct group_reader r = { .nr = EVICT_GROUPS };
	char path[256], cg[128];
	struct ppc_stats stats;
	int other;

	if (ppc_cg_make("groups", cg, sizeof(cg)))
		SKIP(return, "no memory controller");
	r.cg = cg;
	snprintf(path, sizeof(path), "%s/groups", self->dir);
	r.fd = ppc_make_hole(path, (EVICT_GROUPS + 1) * MB);
	ASSERT_LE(0, r.fd);
	for (; r.nr <= EVICT_GROUPS + 1; r.nr++) {
		ASSERT_EQ(0, ppc_detach(self->att));
		self->att = attach_maio(&r.fd, 1);
		ASSERT_LE(0, self->att);
		ASSERT_EQ(0, set_groups(self->att, r.nr));
		/* In this mode, what was read goes only if memory is short. */
		ASSERT_EQ(0, set_mode(self->att, MAIO_MODE_AUTO, -1, 0));
		ASSERT_EQ((long)(4 * MB), ppc_read(r.fd, 0, 4 * MB, MB));
		ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
		EXPECT_EQ(r.nr, status_of(self->att).nr_groups);

		/* No worker has come yet, and all may. */
		other = ppc_attach_one(r.fd);
		ASSERT_LE(0, other);
		EXPECT_EQ(0, burn_from_outside(other));
		EXPECT_EQ((long)(4 * MB / PAGE), ppc_cached(r.fd, 0, 4 * MB));
		EXPECT_EQ(0, ppc_detach(other));

		r.att = self->att;
		ASSERT_EQ(0, ppc_in_child(read_groups, &r));
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		TH_LOG("%u groups: %llu bytes went first", r.nr,
		       stats.evicted_first_bytes);
		if (r.nr <= EVICT_GROUPS)
			EXPECT_LT(0, stats.evicted_first_bytes);
		if (r.nr > EVICT_GROUPS)
			EXPECT_EQ(0, stats.evicted_first_bytes);
		EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
		ASSERT_EQ(0, ppc_drop(r.fd));
	}
	close(r.fd);
	unlink(path);
	ppc_cg_remove(cg);
}

TEST_F(maio, nothing_recorded)
{
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	EXPECT_EQ(-ENODATA, get_template(self->att, NULL, 0));
	EXPECT_EQ(-ENODATA, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(0, status_of(self->att).state);
}

/* Each worker is one group; there may be more of them than can be noted. */
TEST_F(maio, too_many_workers)
{
	struct forged t = forge();
	static char buf[PAGE];
	int i, status;
	pid_t child;

	ASSERT_EQ(0, set_forged(self->att, &t));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	for (i = 0; i <= MAIO_MAX_GROUPS; i++) {
		/* What ends with the file is always told. Forks take long. */
		child = vfork();
		if (!child)
			_exit(pread(self->fd[0], buf, PAGE, SIZE - PAGE) != PAGE);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
	}
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	/* Half a recording is none, and what was there before is gone, too. */
	EXPECT_EQ(-EOVERFLOW, get_template(self->att, NULL, 0));
	EXPECT_EQ(-EOVERFLOW, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(0, status_of(self->att).state);
	EXPECT_EQ(-1, ppc_verify(self->fd[0], 0, SIZE));
}

/* A worker's part of more than a stream can hold. */
TEST_F(maio, huge_group)
{
	const __u64 size = 3ULL << 40;
	struct forged t = forge();
	char path[256];
	int fd, att;

	snprintf(path, sizeof(path), "%s/huge", self->dir);
	fd = ppc_make_hole(path, size);
	if (fd < 0)
		SKIP(return, "no file of 3 TiB");
	att = attach_maio(&fd, 1);
	ASSERT_LE(0, att);
	t.h.nr_files = htole32(1);
	t.h.nr_groups = htole32(1);
	t.h.nr_extents = htole32(1);
	t.h.size = htole32(sizeof(t.h) + sizeof(t.f[0]) + sizeof(t.g[0]) +
			   sizeof(t.e[0]));
	t.f[0].size = htole64(size);
	t.g[0].nr_extents = htole32(1);
	t.e[0].count = htole32(size >> MAIO_EXTENT_SHIFT);
	/* Without the second file and group all lies further to the front. */
	memmove(&t.f[1], &t.g[0], sizeof(t.g[0]));
	memmove((char *)&t.f[1] + sizeof(t.g[0]), &t.e[0], sizeof(t.e[0]));
	seal((__u8 *)&t, le32toh(t.h.size));
	EXPECT_EQ(0, set_template(att, &t, le32toh(t.h.size)));
	EXPECT_EQ(-E2BIG, cmd(att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(MAIO_STATE_TEMPLATE, status_of(att).state);
	EXPECT_EQ((long)PAGE, ppc_read(fd, size - PAGE, PAGE, PAGE));
	EXPECT_EQ(0, ppc_detach(att));
	close(fd);
	unlink(path);
}

/* Has the kernel's log, from where @kmsg stands on, a line with @text? */
static bool logged(int kmsg, const char *text)
{
	char line[1024];
	bool found = false;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[n > 0 ? n : 0] = '\0';
		if (strstr(line, text))
			found = true;
	}
	return found;
}

TEST_F(maio, reasons_are_logged)
{
	struct forged good = forge(), bad = forge();
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, kmsg);
	ASSERT_LE(0, lseek(kmsg, 0, SEEK_END));
	bad.h.crc ^= 1;
	/* Not each time: the lines are rate limited. */
	EXPECT_TRUE(PPC_WAIT(set_template(self->att, &bad, sizeof(bad)) == -EBADMSG &&
			     logged(kmsg, "template refused: wrong checksum")));
	EXPECT_TRUE(PPC_WAIT(set_template(self->att, &bad, 8) == -EINVAL &&
			     logged(kmsg, "template refused: too short")));
	EXPECT_TRUE(PPC_WAIT(set_template(self->att, &bad, ~0ULL) == -E2BIG &&
			     logged(kmsg, "template refused: too large")));
	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	ASSERT_EQ(0, truncate(self->path[1], SIZE / 2));
	EXPECT_TRUE(PPC_WAIT(cmd(self->att, MAIO_IOC_REPLAY_START) == -ESTALE &&
			     logged(kmsg, "no replay: ")));
	close(kmsg);
}

static int sized_error(int att, unsigned long ioc, size_t size, void *arg)
{
	return ioctl(att, ppc_sized(ioc, size), arg) ? errno : 0;
}

/* Of a newer or an older ABI than the kernel's. */
TEST_F(maio, sizes)
{
	struct forged t = forge();
	struct {
		struct maio_template_io io;
		__u64 more;
	} io = { { (uintptr_t)&t, sizeof(t) }, 1 };
	struct {
		struct maio_mode_args mode;
		__u64 more;
	} mode = { { MAIO_MODE_BURN, -1, 0 }, 1 };
	struct {
		struct maio_status status;
		__u64 more;
	} status;

	EXPECT_EQ(E2BIG, sized_error(self->att, MAIO_IOC_SET_TEMPLATE,
				     sizeof(io), &io));
	EXPECT_EQ(E2BIG, sized_error(self->att, MAIO_IOC_GET_TEMPLATE,
				     sizeof(io), &io));
	EXPECT_EQ(E2BIG, sized_error(self->att, MAIO_IOC_SET_MODE,
				     sizeof(mode), &mode));
	EXPECT_EQ(0, status_of(self->att).state);
	EXPECT_EQ(MAIO_MODE_KEEP, status_of(self->att).mode);
	EXPECT_EQ(EINVAL, sized_error(self->att, MAIO_IOC_SET_TEMPLATE, 8, &io));
	EXPECT_EQ(EFAULT, sized_error(self->att, MAIO_IOC_SET_TEMPLATE, 16, NULL));
	EXPECT_EQ(EFAULT, sized_error(self->att, MAIO_IOC_GET_TEMPLATE, 16, NULL));
	io.more = 0;
	mode.more = 0;
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_SET_TEMPLATE,
				 sizeof(io), &io));
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_SET_MODE,
				 sizeof(mode), &mode));

	memset(&status, 0xff, sizeof(status));
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_STATUS, 8, &status));
	EXPECT_EQ(MAIO_STATE_TEMPLATE, status.status.state);
	EXPECT_EQ(MAIO_MODE_BURN, status.status.mode);
	EXPECT_EQ(-1, status.status.node);
	EXPECT_EQ(UINT32_MAX, status.status.nr_groups);
	EXPECT_EQ(0, sized_error(self->att, MAIO_IOC_STATUS, sizeof(status),
				 &status));
	EXPECT_EQ(2, status.status.nr_groups);
	EXPECT_EQ(0, status.more);
}

TEST_F(maio, warm_recording_says_so)
{
	ASSERT_EQ(-1, ppc_verify(self->fd[0], 0, SIZE));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	EXPECT_EQ(SIZE, status_of(self->att).resident_at_start);
	EXPECT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
}

TEST_F(maio, modes)
{
	EXPECT_EQ(-EINVAL, set_mode(self->att, 3, -1, 0));
	EXPECT_EQ(-EINVAL, set_mode(self->att, ~0U, -1, 0));
	EXPECT_EQ(-EINVAL, set_mode(self->att, MAIO_MODE_BURN, -2, 0));
	EXPECT_EQ(-EINVAL, set_mode(self->att, MAIO_MODE_BURN, 1 << 20, 0));
	EXPECT_EQ(-EINVAL, set_mode(self->att, MAIO_MODE_BURN, 63, 0));
	EXPECT_EQ(-EINVAL, set_mode(self->att, MAIO_MODE_BURN, -1, ~0ULL));
	EXPECT_EQ(MAIO_MODE_KEEP, status_of(self->att).mode);
	EXPECT_EQ(-1, status_of(self->att).node);
	EXPECT_EQ(0, set_mode(self->att, MAIO_MODE_BURN, 0, 0));
	EXPECT_EQ(MAIO_MODE_BURN, status_of(self->att).mode);
	EXPECT_EQ(0, status_of(self->att).node);
	EXPECT_EQ(0, status_of(self->att).gap);
	EXPECT_EQ(0, set_mode(self->att, MAIO_MODE_AUTO, -1, MB));
	EXPECT_EQ(MAIO_MODE_AUTO, status_of(self->att).mode);
	EXPECT_EQ(MB, status_of(self->att).gap);
	EXPECT_EQ(-1, ioctl(self->att, _IO(PPC_IOC_MAGIC, 0x7f)));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->att, MAIO_IOC_SET_MODE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->att, MAIO_IOC_STATUS, NULL));
	EXPECT_EQ(EFAULT, errno);
}

/* Whatever was refused, what was in force is in force. */
static void expect_unchanged(struct __test_metadata *_metadata, int att,
			     const struct forged *good)
{
	struct forged now;

	EXPECT_EQ((long)sizeof(*good), get_template(att, &now, sizeof(now)));
	EXPECT_EQ(0, memcmp(good, &now, sizeof(now)));
	EXPECT_EQ(MAIO_STATE_TEMPLATE, status_of(att).state);
	EXPECT_EQ(2, status_of(att).nr_groups);
}

TEST_F(maio, truncated)
{
	const struct forged good = forge();
	struct forged t;
	size_t len;

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	for (len = 0; len < sizeof(good); len++) {
		t = good;
		EXPECT_EQ(-EINVAL, set_template(self->att, &t, len))
			TH_LOG("%zu bytes", len);
		/* Also if it says so itself. */
		if (len < sizeof(t.h))
			continue;
		t.h.size = htole32(len);
		seal((__u8 *)&t, len);
		EXPECT_EQ(-EINVAL, set_template(self->att, &t, len))
			TH_LOG("%zu bytes, sealed", len);
	}
	expect_unchanged(_metadata, self->att, &good);
}

TEST_F(maio, too_long)
{
	const struct forged good = forge();
	struct {
		struct forged t;
		char more[64];
	} __attribute__((packed)) large = { .t = good };
	size_t more;

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	for (more = 1; more <= sizeof(large.more); more++) {
		EXPECT_EQ(-EINVAL, set_template(self->att, &large, sizeof(good) + more));
		large.t.h.size = htole32(sizeof(good) + more);
		seal((__u8 *)&large, sizeof(good) + more);
		EXPECT_EQ(-EINVAL, set_template(self->att, &large, sizeof(good) + more));
		large.t = good;
	}
	EXPECT_EQ(-E2BIG, set_template(self->att, &large, 1ULL << 32));
	EXPECT_EQ(-E2BIG, set_template(self->att, &large, ~0ULL));
	EXPECT_EQ(-EFAULT, set_template(self->att, NULL, sizeof(good)));
	EXPECT_EQ(-EFAULT, set_template(self->att, (void *)~0xffULL, sizeof(good)));
	expect_unchanged(_metadata, self->att, &good);
}

TEST_F(maio, bit_flips)
{
	const struct forged good = forge();
	struct forged t;
	size_t bit;
	int err;

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	for (bit = 0; bit < sizeof(good) * 8; bit++) {
		t = good;
		((__u8 *)&t)[bit / 8] ^= 1 << bit % 8;
		err = set_template(self->att, &t, sizeof(t));
		EXPECT_TRUE(err == -EBADMSG || err == -EINVAL ||
			    err == -EPROTONOSUPPORT || err == -E2BIG)
			TH_LOG("bit %zu: %d", bit, err);
	}
	expect_unchanged(_metadata, self->att, &good);
}

/* With the right checksum: nothing but the checks themselves stands in the way. */
TEST_F(maio, forged)
{
	const struct forged good = forge();
	struct forged t;
	size_t bit;
	int err;

#define FORGE(errno, assignment) do {					\
	t = good;							\
	assignment;							\
	EXPECT_EQ(-(errno), set_forged(self->att, &t))			\
		TH_LOG("%s", #assignment);				\
} while (0)

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	FORGE(EINVAL, t.h.magic++);
	FORGE(EPROTONOSUPPORT, t.h.version = htole16(0));
	FORGE(EPROTONOSUPPORT, t.h.version = htole16(2));
	FORGE(EINVAL, t.h.flags = htole16(MAIO_TEMPLATE_FLAGS + 1));
	FORGE(EINVAL, t.h.reserved = htole32(1));
	FORGE(EINVAL, t.h.size = 0);
	FORGE(EINVAL, t.h.nr_files = 0);
	FORGE(EINVAL, t.h.nr_groups = 0);
	FORGE(EINVAL, t.h.nr_extents = 0);
	FORGE(EINVAL, t.h.nr_files = htole32(FILES + 1));
	FORGE(E2BIG, t.h.nr_files = htole32(MAIO_MAX_FILES + 1));
	FORGE(E2BIG, t.h.nr_groups = htole32(MAIO_MAX_GROUPS + 1));
	FORGE(E2BIG, t.h.nr_extents = htole32(MAIO_MAX_EXTENTS + 1));
	FORGE(E2BIG, t.h.nr_extents = htole32(~0U));
	/* Three files more and two extents less: the size is right. */
	FORGE(EINVAL, (t.h.nr_files = htole32(FILES + 3),
		       t.h.nr_extents = htole32(1)));
	FORGE(EINVAL, t.g[0].nr_extents = htole32(3));
	FORGE(EINVAL, t.g[0].nr_extents = htole32(~0U));
	FORGE(EINVAL, (t.g[0].nr_extents = htole32(3), t.g[1].nr_extents = 0));
	FORGE(EINVAL, (t.g[0].nr_extents = htole32(0x80000001),
		       t.g[1].nr_extents = htole32(0x80000002)));
	FORGE(EINVAL, t.g[1].flags = htole32(1));
	FORGE(EINVAL, t.e[0].file = htole32(FILES));
	FORGE(EINVAL, t.e[0].file = htole32(~0U));
	FORGE(EINVAL, t.e[0].count = 0);
	FORGE(EINVAL, t.e[2].count = htole32(~0U));
	FORGE(EINVAL, t.e[0].start = htole32(1));
	FORGE(EINVAL, t.e[0].start = htole32(~0U));
	FORGE(EINVAL, t.e[1] = t.e[0]);
	FORGE(EINVAL, (t.e[1].file = 0, t.e[1].start = htole32(5),
		       t.e[1].count = htole32(1)));
	FORGE(ESTALE, t.f[0].size = htole64(SIZE + 1));
	FORGE(ESTALE, t.f[1].size = htole64(SIZE + PAGE));
	FORGE(ESTALE, t.f[1].size = htole64(~0ULL));
	expect_unchanged(_metadata, self->att, &good);

	/* Every single bit: taken or refused, but never anything else. */
	for (bit = 0; bit < sizeof(t) * 8; bit++) {
		t = good;
		((__u8 *)&t)[bit / 8] ^= 1 << bit % 8;
		err = set_forged(self->att, &t);
		EXPECT_TRUE(!err || err == -EINVAL || err == -E2BIG ||
			    err == -EPROTONOSUPPORT || err == -ESTALE)
			TH_LOG("bit %zu: %d", bit, err);
		if (!err) {
			/* What was taken must be fit for use. */
			EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
			EXPECT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_STOP));
		}
	}
}

/* Of an attachment with fewer files, and with one that is not there any more. */
TEST_F(maio, other_files)
{
	const struct forged good = forge();
	int att = attach_maio(self->fd, 1);
	__u32 index = 1;
	struct ppc_files del = { (uintptr_t)&index, 1, 0 };

	ASSERT_LE(0, att);
	EXPECT_EQ(-ENOENT, set_template(att, &good, sizeof(good)));
	EXPECT_EQ(0, status_of(att).state);
	EXPECT_EQ(0, ppc_detach(att));

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	ASSERT_EQ(0, ioctl(self->att, PPC_IOC_REMOVE_FILES, &del));
	EXPECT_EQ(-ESTALE, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(-ESTALE, set_template(self->att, &good, sizeof(good)));
}

TEST_F(maio, stale)
{
	const struct forged good = forge();

	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	ASSERT_EQ(0, truncate(self->path[1], SIZE - 1));
	EXPECT_EQ(-ESTALE, cmd(self->att, MAIO_IOC_REPLAY_START));
	EXPECT_EQ(-ESTALE, set_template(self->att, &good, sizeof(good)));
	/* The loader does not notice. */
	EXPECT_EQ(-1, ppc_verify(self->fd[0], 0, SIZE));
	EXPECT_EQ(-1, ppc_verify(self->fd[1], 0, SIZE - 8));
}

TEST_F(maio, changed_while_recorded)
{
	struct ppc_stats stats;

	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	ASSERT_EQ(0, ppc_in_child(load, self->fd));
	ASSERT_EQ(0, truncate(self->path[0], MB));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_STOP));
	/* What was read and is there no more is not in it. */
	EXPECT_EQ(SIZE + MB, status_of(self->att).template_bytes);
	EXPECT_EQ((long)MB, ppc_read(self->fd[0], 0, SIZE, MB));
	EXPECT_EQ(-1, ppc_verify(self->fd[0], 0, MB));

	ASSERT_EQ(0, ppc_drop(self->fd[0]));
	ASSERT_EQ(0, ppc_drop(self->fd[1]));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	ASSERT_EQ((long)PAGE, ppc_read(self->fd[1], SIZE / 2, PAGE, PAGE));
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd[1]) == PAGES));
	EXPECT_TRUE(PPC_WAIT(!ppc_stats(self->att, &stats) &&
			     stats.stopped_files == 1));
	/* The attachment was made for another file. */
	EXPECT_EQ(0, ppc_cached_all(self->fd[0]));
	EXPECT_EQ(-1, ppc_verify(self->fd[0], 0, MB));
}

/* Written to while it is replayed: read ahead no more, and read right. */
TEST_F(maio, changed_while_replayed)
{
	const struct forged good = forge();
	int fd = open(self->path[0], O_RDWR);
	struct ppc_stats stats;
	char buf[PAGE];
	__u64 at;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_template(self->att, &good, sizeof(good)));
	memset(buf, 0x42, sizeof(buf));
	for (at = 0; at < SIZE; at += MB)
		ASSERT_EQ((ssize_t)PAGE, pwrite(fd, buf, PAGE, at));
	ASSERT_EQ(0, fsync(fd));
	ASSERT_EQ(0, ppc_drop(fd));
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_REPLAY_START));
	for (at = 0; at < SIZE; at += MB) {
		ASSERT_EQ((ssize_t)PAGE, pread(self->fd[0], buf, PAGE, at));
		ASSERT_EQ(0x42, buf[0]);
		ASSERT_EQ(0x42, buf[PAGE - 1]);
		ASSERT_EQ(-1, ppc_verify(self->fd[0], at + PAGE, MB - PAGE));
	}
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	EXPECT_EQ(1, stats.stopped_files);
	/* The other file is as it was. */
	EXPECT_GE(SIZE, stats.prefetched_bytes);
	EXPECT_EQ(-1, ppc_verify(self->fd[1], 0, SIZE));
	close(fd);
}

TEST_F(maio, rmmod)
{
	EXPECT_EQ(-1, syscall(__NR_delete_module, "ppc_maio", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	ASSERT_EQ(0, cmd(self->att, MAIO_IOC_RECORD_START));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ASSERT_EQ(0, syscall(__NR_delete_module, "ppc_maio", O_NONBLOCK));

	/* Root may have it loaded by naming it, others may not. */
	ASSERT_EQ(0, ppc_become(PPC_UID));
	self->att = attach_maio(self->fd, 1);
	ASSERT_EQ(0, ppc_become(0));
	EXPECT_EQ(-ENOENT, self->att);
	self->att = attach_maio(self->fd, 1);
	EXPECT_LE(0, self->att);
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
