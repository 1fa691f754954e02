// SPDX-License-Identifier: GPL-2.0
/*
 * Where what is read ahead lies: on the wanted node, unless the attacher may not
 * use that one, it is full, or somebody else has read the same before.
 */
#include <endian.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/mempolicy.h>
#include <linux/ppc_maio.h>

#include "ppc_harness.h"

#define PAGE		4096ULL
#define NODES		2
#define CGROUPS		"/sys/fs/cgroup/"

#define SIZE		(32 * MB)

/* What somebody else has there, and uses. */
#define BYSTANDER	(8 * MB)

/* More than is left of a full node. */
#define LARGE		(128 * MB)
#define LEFT		(24 * MB)

/* Of a full node: above its watermarks at least, or hardly anything fits. */
#define ROOM		(16 * MB)

/* Of it, what is given back page by page. */
#define SCATTERED	(96 * MB)

/* How much more than its watermark a node in pieces wants free, for a while. */
#define BOOST		"/proc/sys/vm/watermark_boost_factor"

/* CPUs would keep tens of megabytes, which do not count as free, but are. */
#define CPU_PAGES	"/proc/sys/vm/percpu_pagelist_high_fraction"
#define CPU_PAGES_FEW	"1000000"

/* Does anybody move pages so that there is one in one piece? */
#define DEFRAG		"/sys/kernel/mm/transparent_hugepage/defrag"

/* Small beside what is free; and what one WILLNEED reads at least. */
#define WILL_NEED	(16 * MB)
#define WINDOW		(128 * KB)

/* A large folio, as large as they get. */
#define FILL_STEP	(2 * MB)

/* A larger node takes too long to fill. */
#define FILL_MOST	(8192 * MB)

/* What others let go of while the file is read. */
#define SLACK		(8 * MB)

/* Two groups' parts; what they share begins and ends where folios do. */
#define SHARED_POS	(16 * MB)
#define SHARED_LEN	(8 * MB)
#define WHOLE		(48 * MB)

struct part {
	__u64 pos;
	__u64 len;
};

FIXTURE(node) {
	char path[256];
	char dir[200];
	char cg[128];
	bool cpuset_on;
	__u64 size;
	int fd;
	int bystander;
	int att;
	char boost[32];
	char cpu_pages[32];
	char *fill;
	__u64 fill_most;
	__u64 filled;
	struct shared *shared;
	pid_t pid[NODES];
};

/* What processes tell each other. */
struct shared {
	int turn;
	int done[NODES];
	long on[NODES];
	struct ppc_stats stats;
};

/* What a node's meminfo says, in bytes. */
static __u64 node_mem(int node, const char *key)
{
	char path[64], want[64], text[8192], *at;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 node);
	snprintf(want, sizeof(want), "Node %d %s:", node, key);
	if (ppc_read_text(path, text, sizeof(text)))
		return 0;
	at = strstr(text, want);
	return at ? strtoull(at + strlen(want), NULL, 0) * KB : 0;
}

FIXTURE_SETUP(node)
{
	self->att = -1;
	self->fd = -1;
	self->bystander = -1;
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	if (!ppc_dir("ext4", self->dir, sizeof(self->dir)))
		SKIP(return, "no ext4");
	if (!ppc_have_maio())
		SKIP(return, "no ppc_maio module: CONFIG_SAMPLE_PPC_MAIO");
	if (!node_mem(0, "MemTotal") || !node_mem(1, "MemTotal"))
		SKIP(return, "only one NUMA node");
	snprintf(self->path, sizeof(self->path), "%s/node", self->dir);
}

static void cpuset_end(const char *cg, bool on)
{
	if (*cg)
		ppc_cg_remove(cg);
	if (on)
		ppc_write(CGROUPS "cgroup.subtree_control", "-cpuset");
}

static void workers_end(pid_t *pid)
{
	int i;

	for (i = 0; i < NODES; i++) {
		if (pid[i] <= 0)
			continue;
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
		pid[i] = 0;
	}
}

FIXTURE_TEARDOWN(node)
{
	workers_end(self->pid);
	if (self->fill)
		munmap(self->fill, self->fill_most);
	if (self->boost[0])
		ppc_write(BOOST, self->boost);
	if (self->cpu_pages[0])
		ppc_write(CPU_PAGES, self->cpu_pages);
	if (self->att >= 0)
		ppc_detach(self->att);
	if (self->fd >= 0) {
		EXPECT_EQ(0, ppc_drop(self->fd));
		close(self->fd);
		unlink(self->path);
	}
	close(self->bystander);
	cpuset_end(self->cg, self->cpuset_on);
	munmap(self->shared, sizeof(*self->shared));
}

/* A template of one file, in which each group has one part of it. */
static int set_template(int att, __u64 size, const struct part *parts, int nr)
{
	__u64 blob[32] = {};
	struct maio_template_header *h = (void *)blob;
	struct maio_template_file *f = (void *)(h + 1);
	struct maio_template_group *g = (void *)(f + 1);
	struct maio_template_extent *e = (void *)(g + nr);
	struct maio_template_io io = { .buf = (uintptr_t)blob };
	int i;

	io.len = (uintptr_t)(e + nr) - io.buf;
	h->magic = htole32(MAIO_TEMPLATE_MAGIC);
	h->version = htole16(MAIO_TEMPLATE_VERSION);
	h->size = htole32(io.len);
	h->nr_files = htole32(1);
	h->nr_groups = htole32(nr);
	h->nr_extents = htole32(nr);
	f->size = htole64(size);
	for (i = 0; i < nr; i++) {
		g[i].nr_extents = htole32(1);
		e[i].start = htole32(parts[i].pos >> MAIO_EXTENT_SHIFT);
		e[i].count = htole32(parts[i].len >> MAIO_EXTENT_SHIFT);
	}
	h->crc = htole32(ppc_crc32(blob, io.len));
	return ioctl(att, MAIO_IOC_SET_TEMPLATE, &io) ? -errno : 0;
}

static int bind_to(int att, __u32 which, pid_t pid, int node)
{
	struct maio_bind args = { .group = which, .pid = pid, .node = node };

	return ioctl(att, MAIO_IOC_BIND, &args) ? -errno : 0;
}

/* An attachment that replays the parts, for which it wants a node; or -errno. */
static int replay(int fd, __u64 size, const struct part *parts, int nr, int node)
{
	struct maio_mode_args args = { MAIO_MODE_KEEP, node, 0 };
	int att = ppc_attach("maio", 0, &fd, 1, 0, 0);
	int err;

	if (att < 0)
		return att;
	err = set_template(att, size, parts, nr);
	if (!err && (ioctl(att, MAIO_IOC_SET_MODE, &args) ||
		     ioctl(att, MAIO_IOC_REPLAY_START)))
		err = -errno;
	if (err)
		close(att);
	return err ?: att;
}

/*
 * Read where a part begins, then the rest as it comes, and see that all is right: a
 * reader that did not wait might be the one to read it, to where it runs.
 */
static bool load_part(int fd, const struct part *part, __u64 begin)
{
	if (ppc_read(fd, part->pos, begin, PAGE) != (long)begin ||
	    ppc_follow(fd, part->pos, part->len, MB) != part->len)
		return false;
	return ppc_verify(fd, part->pos, part->len) == -1;
}

/* Pages of what is cached of a part, by node. */
static bool count_pages(int fd, const struct part *part, long on[NODES])
{
	char *map = mmap(NULL, part->len, PROT_READ, MAP_SHARED, fd, part->pos);
	const long pages = part->len / PAGE;
	int node, tries;
	long seen = 0;

	if (map == MAP_FAILED)
		return false;
	/* Who makes them large takes them out of all mappings for a while. */
	for (tries = 0; tries < 10 && seen < pages; tries++) {
		ppc_touch(map, 0, part->len);
		for (node = 0, seen = 0; node < NODES; node++) {
			on[node] = ppc_pages_on(map, part->len, node);
			seen += on[node];
		}
	}
	munmap(map, part->len);
	return true;
}

/* All but what a reader took to where it runs. */
static void expect_on(struct __test_metadata *_metadata, int fd, __u64 pos,
		      __u64 len, int node)
{
	const struct part part = { pos, len };
	const long pages = len / PAGE;
	long on[NODES];

	ASSERT_TRUE(count_pages(fd, &part, on));
	EXPECT_EQ(pages, on[0] + on[1]);
	EXPECT_LE(pages - pages / 100, on[node]);
	TH_LOG("%llu MiB at %llu MiB: %ld pages on node 0, %ld on node 1",
	       len / MB, pos / MB, on[0], on[1]);
}

static void make_file(struct __test_metadata *_metadata,
		      struct _test_data_node *self, __u64 size)
{
	self->size = size;
	self->fd = ppc_make_file(self->path, size);
	ASSERT_LE(0, self->fd);
}

/* A load in another process. */
struct load {
	const char *cg;		/* to be in, or NULL */
	int fd;
	__u64 size;
	int node;
	bool bind;
	struct shared *shared;
};

static int attach_and_load(void *arg)
{
	const struct load *load = arg;
	const struct part all = { 0, load->size };
	int att;

	if (load->cg && ppc_cg_enter(load->cg))
		return 1;
	att = replay(load->fd, load->size, &all, 1,
		     load->bind ? -1 : load->node);
	if (att < 0)
		return 2;
	if (load->bind && bind_to(att, 0, getpid(), load->node))
		return 3;
	if (!load_part(load->fd, &all, PAGE))
		return 4;
	ppc_settled(att);
	if (!count_pages(load->fd, &all, load->shared->on) ||
	    ppc_stats(att, &load->shared->stats))
		return 5;
	return ppc_detach(att) ? 6 : 0;
}

/* A cgroup whose processes may have memory of one node only. */
static void cpuset_make(struct __test_metadata *_metadata,
			struct _test_data_node *self)
{
	char text[1024];

	ASSERT_EQ(0, ppc_read_text(CGROUPS "cgroup.subtree_control", text,
				   sizeof(text)));
	if (!strstr(text, "cpuset")) {
		ASSERT_EQ(0, ppc_write(CGROUPS "cgroup.subtree_control",
				       "+cpuset"));
		self->cpuset_on = true;
	}
	snprintf(self->cg, sizeof(self->cg), CGROUPS "ppc-node-%d", getpid());
	ASSERT_EQ(0, mkdir(self->cg, 0755));
}

static bool cpuset_missing(void)
{
	char text[1024];

	return ppc_read_text(CGROUPS "cgroup.controllers", text, sizeof(text)) ||
	       !strstr(text, "cpuset");
}

/* Who may have no memory of the wanted node gets none of it. */
static void expect_confined(struct __test_metadata *_metadata,
			    struct _test_data_node *self, bool bind)
{
	struct load load = {
		.size = SIZE,
		.bind = bind,
		.shared = self->shared,
	};
	const struct ppc_stats *stats = &self->shared->stats;
	const long *on = self->shared->on, pages = SIZE / PAGE;

	if (cpuset_missing())
		SKIP(return, "no cpuset controller: CONFIG_CPUSETS");
	make_file(_metadata, self, SIZE);
	cpuset_make(_metadata, self);
	load.fd = self->fd;
	for (load.node = 0; load.node < NODES; load.node++) {
		/* Who may have it gets it. */
		load.cg = NULL;
		ASSERT_EQ(0, ppc_in_child(attach_and_load, &load));
		EXPECT_LE(pages - pages / 100, on[load.node]);
		TH_LOG("node %d: %ld pages on node 0, %ld on node 1", load.node,
		       on[0], on[1]);
		ASSERT_EQ(0, ppc_drop(self->fd));

		load.cg = self->cg;
		ASSERT_EQ(0, ppc_cg_set(self->cg, "cpuset.mems",
					load.node ? "0" : "1"));
		ASSERT_EQ(0, ppc_in_child(attach_and_load, &load));
		EXPECT_EQ(pages, on[!load.node]);
		EXPECT_EQ(0, on[load.node]);
		TH_LOG("node %d, confined to %d: %ld pages on node 0, %ld on node 1",
		       load.node, !load.node, on[0], on[1]);
		EXPECT_EQ(0, stats->node_bytes[load.node]);
		EXPECT_LE(SIZE / 100 * 98, stats->prefetched_bytes);
		EXPECT_EQ(0, stats->errors);
		EXPECT_EQ(0, stats->fallbacks);
		ASSERT_EQ(0, ppc_drop(self->fd));
	}
}

TEST_F(node, cpuset)
{
	expect_confined(_metadata, self, false);
}

TEST_F(node, cpuset_and_bound)
{
	expect_confined(_metadata, self, true);
}

/* Sum over a node's zones of what /proc/zoneinfo says under @format, in bytes. */
static __u64 node_zones(int node, const char *format)
{
	FILE *info = fopen("/proc/zoneinfo", "r");
	unsigned long long pages;
	__u64 sum = 0;
	int at = -1, next;
	char line[256];

	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "Node %d, zone", &next) == 1)
			at = next;
		else if (at == node && sscanf(line, format, &pages) == 1)
			sum += pages * PAGE;
	}
	if (info)
		fclose(info);
	return sum;
}

/* Below that, the kernel begins to reclaim. */
static __u64 node_watermark(int node)
{
	return node_zones(node, " high %llu");
}

/* What the machine has done since it was started. */
static long long event(const char *key)
{
	FILE *stat = fopen("/proc/vmstat", "r");
	long long value = -1, this;
	char line[256], name[64];

	while (stat && fgets(line, sizeof(line), stat))
		if (sscanf(line, "%63s %lld", name, &this) == 2 &&
		    !strcmp(name, key))
			value = this;
	if (stat)
		fclose(stat);
	return PPC_MUST(value);
}

static __u64 node_free(int node)
{
	char text[16];

	ppc_read_text("/proc/sys/vm/stat_refresh", text, sizeof(text));
	return node_mem(node, "MemFree");
}

/* Free, too, but not counted as that. */
static __u64 node_of_cpus(int node)
{
	return node_zones(node, " count: %llu");
}

/* Read twice, so that it is not idle; the pages are a node's. */
static int read_on_node(void *arg)
{
	const struct load *load = arg;
	const unsigned long mask = 1UL << load->node;
	int i;

	if (syscall(__NR_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)))
		return 1;
	for (i = 0; i < 2; i++)
		if (ppc_read(load->fd, 0, load->size, MB) != (long)load->size)
			return 2;
	return 0;
}

static void fill_more(struct _test_data_node *self, int node, __u64 left)
{
	while (self->filled < self->fill_most &&
	       node_free(node) >= left + FILL_STEP) {
		memset(self->fill + self->filled, 0xa5, FILL_STEP);
		self->filled += FILL_STEP;
	}
}

/* Pages of memory that nobody else can have, until @left is left of a node. */
static void fill_node(struct __test_metadata *_metadata,
		      struct _test_data_node *self, int node, __u64 left)
{
	const unsigned long mask = 1UL << node;

	self->fill_most = (node_mem(node, "MemTotal") + SCATTERED) &
			  ~(FILL_STEP - 1);
	self->fill = mmap(NULL, self->fill_most, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (self->fill == MAP_FAILED)
		self->fill = NULL;
	ASSERT_NE(NULL, self->fill);
	ASSERT_EQ(0, madvise(self->fill, self->fill_most, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, syscall(__NR_mbind, self->fill, self->fill_most, MPOL_BIND,
			     &mask, 8 * sizeof(mask), 0));
	fill_more(self, node, left);
}

/*
 * What is left is to lie scattered: give back one page here and one there, and
 * take what there is in one piece instead.
 */
static void scatter(struct __test_metadata *_metadata,
		    struct _test_data_node *self, int node, __u64 left)
{
	char text[128], *defrag, *end;
	__u64 pos;

	for (pos = 0; pos < self->filled; pos += 2 * PAGE) {
		ASSERT_EQ(0, madvise(self->fill + pos, PAGE, MADV_DONTNEED));
		if (pos % MB == 0 && node_free(node) >= left + SCATTERED)
			break;
	}

	/* As "always defer [madvise] never". */
	ASSERT_EQ(0, ppc_read_text(DEFRAG, text, sizeof(text)));
	defrag = strchr(text, '[');
	end = strchr(text, ']');
	ASSERT_TRUE(defrag && end);
	*end = 0;
	ASSERT_EQ(0, ppc_write(DEFRAG, "never"));
	madvise(self->fill, self->fill_most, MADV_HUGEPAGE);
	fill_more(self, node, left);
	madvise(self->fill, self->fill_most, MADV_NOHUGEPAGE);
	EXPECT_EQ(0, ppc_write(DEFRAG, defrag + 1));
}

static void expect_all_on_node_1(struct __test_metadata *_metadata,
				 struct _test_data_node *self)
{
	const struct part all = { 0, self->size };

	self->att = replay(self->fd, self->size, &all, 1, 1);
	ASSERT_LE(0, self->att);
	ASSERT_TRUE(load_part(self->fd, &all, PAGE));
	expect_on(_metadata, self->fd, 0, self->size, 1);
	ASSERT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	ASSERT_EQ(0, ppc_drop(self->fd));
}

/* Let nothing be there that would make room, now or later. */
static void scarce(struct __test_metadata *_metadata,
		   struct _test_data_node *self)
{
	ASSERT_EQ(0, ppc_read_text(BOOST, self->boost, sizeof(self->boost)));
	ASSERT_EQ(0, ppc_write(BOOST, "0"));
	ASSERT_EQ(0, ppc_read_text(CPU_PAGES, self->cpu_pages,
				   sizeof(self->cpu_pages)));
	ASSERT_EQ(0, ppc_write(CPU_PAGES, CPU_PAGES_FEW));
	ASSERT_EQ(0, ppc_write("/proc/sys/vm/drop_caches", "3"));
}

/* What does not fit goes elsewhere, and nobody's memory is taken for it. */
static void expect_elsewhere(struct __test_metadata *_metadata,
			     struct _test_data_node *self, bool scattered)
{
	const struct part all = { 0, LARGE };
	const long pages = LARGE / PAGE;
	struct load bystander = { .size = BYSTANDER, .node = 1 };
	struct ppc_stats stats;
	long long killed;
	__u64 left, room, idle, disk;
	long on[NODES], filled;
	char text[1024];

	if (ppc_read_text("/proc/swaps", text, sizeof(text)) == 0 &&
	    strchr(text, '\n') != strrchr(text, '\n'))
		SKIP(return, "there is swap: a node is never full");
	if (node_mem(1, "MemTotal") > FILL_MOST)
		SKIP(return, "node 1 is too large to be filled");
	if (node_mem(0, "MemFree") < 4 * LARGE)
		SKIP(return, "node 0 is too small for what does not fit");
	make_file(_metadata, self, LARGE);
	expect_all_on_node_1(_metadata, self);
	snprintf(text, sizeof(text), "%s/bystander", self->dir);
	self->bystander = ppc_make_file(text, BYSTANDER);
	ASSERT_LE(0, self->bystander);
	ASSERT_EQ(0, unlink(text));
	bystander.fd = self->bystander;

	scarce(_metadata, self);
	ASSERT_EQ(0, ppc_in_child(read_on_node, &bystander));
	left = node_watermark(1) + ROOM;
	if (left < LEFT)
		left = LEFT;
	fill_node(_metadata, self, 1, left);
	if (scattered)
		scatter(_metadata, self, 1, left);
	filled = ppc_pages_on(self->fill, self->fill_most, 1);
	ASSERT_LT(0, filled);
	ASSERT_EQ((long)(BYSTANDER / PAGE), ppc_cached_all(self->bystander));
	room = node_free(1) + node_of_cpus(1);
	/* What others have cached there and do not use may go for it. */
	idle = node_mem(1, "Inactive(file)");
	TH_LOG("%llu MiB of node 1 filled, %llu MiB left (%llu KiB of CPUs) and %llu idle, watermark %llu KiB",
	       self->filled / MB, room / MB, node_of_cpus(1) / KB, idle / MB,
	       node_watermark(1) / KB);
	ASSERT_GT(LARGE / 4 * 3, room + idle);
	killed = event("oom_kill");
	disk = ppc_disk_bytes(self->fd);

	self->att = replay(self->fd, LARGE, &all, 1, 1);
	ASSERT_LE(0, self->att);
	EXPECT_EQ((long)PAGE, ppc_read(self->fd, 0, PAGE, PAGE));
	/* Who else wants memory there may cost a page its place. */
	EXPECT_LE(LARGE / 10 * 9, ppc_follow(self->fd, 0, LARGE, MB));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, LARGE));
	ppc_settled(self->att);
	ASSERT_EQ(0, ppc_stats(self->att, &stats));
	disk = ppc_disk_bytes(self->fd) - disk;
	ASSERT_TRUE(count_pages(self->fd, &all, on));
	TH_LOG("%ld pages on node 0, %ld on node 1; %llu KiB from the disk, %llu read ahead, %llu wasted, %llu refaulted; %llu memory waits",
	       on[0], on[1], disk / KB, stats.prefetched_bytes / KB,
	       stats.wasted_bytes / KB, stats.refaulted_bytes / KB,
	       stats.memory_waits);
	EXPECT_EQ(pages, on[0] + on[1]);
	/* Of the bystander's, too, as is told below. */
	EXPECT_GE((long)((room + idle + BYSTANDER + SLACK) / PAGE), on[1]);
	EXPECT_LT(0, on[1]);
	/* All of it was read ahead, and little twice. */
	EXPECT_LE(LARGE / 100 * 99, stats.prefetched_bytes);
	EXPECT_GE(LARGE / 100 * 110, stats.prefetched_bytes);
	EXPECT_GE(LARGE / 100 * 110, disk);
	EXPECT_LE(LARGE, disk);
	EXPECT_EQ(0, stats.errors);
	EXPECT_EQ(0, stats.fallbacks);

	/* It is where it was. */
	EXPECT_LE(filled, ppc_pages_on(self->fill, self->fill_most, 1));
	EXPECT_EQ(killed, event("oom_kill"));
	EXPECT_EQ(0, ppc_detach(self->att));
	self->att = -1;
	/* Nothing should be reclaimed far ahead of the reader, but kswapd is woken. */
	TH_LOG("%ld of %llu pages that others use are left",
	       ppc_cached_all(self->bystander), BYSTANDER / PAGE);
}

TEST_F(node, full)
{
	expect_elsewhere(_metadata, self, false);
}

/* There is no place for a large folio, and none is made. */
TEST_F(node, full_and_scattered)
{
	expect_elsewhere(_metadata, self, true);
}

/* Ask for a file to be read, with memory of one node only. */
static int will_need(void *arg)
{
	const struct load *load = arg;
	const unsigned long mask = 1UL << load->node;
	__u64 pos;
	int err = 0;

	if (syscall(__NR_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)))
		return 1;
	for (pos = 0; pos < load->size && !err; pos += WINDOW)
		err = posix_fadvise(load->fd, pos, WINDOW, POSIX_FADV_WILLNEED);
	return err;
}

/* WILLNEED compacts no memory, as without the helper. */
TEST_F(node, will_need_scattered)
{
	struct load load = { .size = WILL_NEED, .node = 1 };
	long long compacted, disk;

	if (node_mem(1, "MemTotal") > FILL_MOST)
		SKIP(return, "node 1 is too large to be filled");
	make_file(_metadata, self, WILL_NEED);
	load.fd = self->fd;
	scarce(_metadata, self);
	fill_node(_metadata, self, 1, node_watermark(1) + LARGE);
	scatter(_metadata, self, 1, node_watermark(1) + LARGE);
	compacted = event("compact_stall");
	disk = ppc_disk_bytes(self->fd);
	ASSERT_EQ(0, ppc_in_child(will_need, &load));
	EXPECT_TRUE(PPC_WAIT(ppc_cached_all(self->fd) == WILL_NEED / PAGE));
	EXPECT_EQ(WILL_NEED, ppc_disk_bytes(self->fd) - disk);
	EXPECT_EQ(compacted, event("compact_stall"));
	EXPECT_EQ(-1, ppc_verify(self->fd, 0, WILL_NEED));
}

/* A worker that loads its part when it is its turn, and stays. */
static pid_t worker_begin(struct shared *shared, int who, int fd,
			  const struct part *part)
{
	bool good;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (__atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST) != who)
		usleep(10000);
	/* That a page was cached, nobody is told; that a stride was read, he is. */
	good = load_part(fd, part, who ? SHARED_LEN / 2 : PAGE);
	__atomic_store_n(&shared->done[who], good ? 1 : -1, __ATOMIC_SEQ_CST);
	while (1)
		pause();
}

static int worker_done(struct shared *shared, int who)
{
	return __atomic_load_n(&shared->done[who], __ATOMIC_SEQ_CST);
}

/* "What groups on different nodes share lies where it was read first." */
TEST_F(node, shared)
{
	const struct part parts[NODES] = {
		{ 0, SHARED_POS + SHARED_LEN },
		{ SHARED_POS, WHOLE - SHARED_POS },
	};
	const __u64 rest = SHARED_POS + SHARED_LEN;
	struct shared *shared = self->shared;
	struct ppc_stats stats;
	int first, who;
	__u64 disk;

	make_file(_metadata, self, WHOLE);
	for (first = 0; first < NODES; first++) {
		*shared = (struct shared){ .turn = -1 };
		self->att = replay(self->fd, WHOLE, parts, NODES, -1);
		ASSERT_LE(0, self->att);
		for (who = 0; who < NODES; who++) {
			self->pid[who] = worker_begin(shared, who, self->fd,
						      &parts[who]);
			ASSERT_LT(0, self->pid[who]);
			ASSERT_EQ(0, bind_to(self->att, who, self->pid[who],
					     who ? !first : first));
		}
		disk = ppc_disk_bytes(self->fd);
		for (who = 0; who < NODES; who++) {
			__atomic_store_n(&shared->turn, who, __ATOMIC_SEQ_CST);
			/* He waits for his pages, and then reads them. */
			if (!PPC_WAIT(worker_done(shared, who)))
				PPC_WAIT(worker_done(shared, who));
			ASSERT_EQ(1, worker_done(shared, who));
		}
		ppc_settled(self->att);
		ASSERT_EQ(0, ppc_stats(self->att, &stats));
		disk = ppc_disk_bytes(self->fd) - disk;
		TH_LOG("first to node %d: %llu KiB from the disk, %llu read ahead",
		       first, disk / KB, stats.prefetched_bytes / KB);
		EXPECT_LE(WHOLE, disk);
		EXPECT_GE(WHOLE / 100 * 102, disk);
		EXPECT_LE(WHOLE / 100 * 99, stats.prefetched_bytes);
		EXPECT_GE(WHOLE, stats.prefetched_bytes);
		EXPECT_EQ(0, stats.errors);
		EXPECT_EQ(0, stats.fallbacks);
		expect_on(_metadata, self->fd, 0, SHARED_POS, first);
		expect_on(_metadata, self->fd, SHARED_POS, SHARED_LEN, first);
		expect_on(_metadata, self->fd, rest, WHOLE - rest, !first);

		workers_end(self->pid);
		ASSERT_EQ(0, ppc_detach(self->att));
		self->att = -1;
		ASSERT_EQ(0, ppc_drop(self->fd));
	}
}

int main(int argc, char **argv)
{
	return ppc_main(argc, argv);
}
