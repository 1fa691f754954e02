// SPDX-License-Identifier: GPL-2.0
/*
 * Page cache policies that come and go at random on a file that somebody uses:
 * "chaos", which decides at random, and "maio" with a random template.
 */
#include <endian.h>

#include <linux/ppc_maio.h>

#include "kselftest.h"
#include "ppc_disturb.h"
#include "test_policy/ppc_chaos.h"

#define MAX_GROUPS	4
#define MAX_EXTENTS	4	/* of a group */

static const char * const counter[] = { "accesses", "asked_drop", "asked_reclaim" };

enum { ACCESSES, ASKED_DROP, ASKED_RECLAIM };

/* A number below @end; any if it is 0. */
__u64 ppc_random(__u64 *state, __u64 end)
{
	__u64 x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return end ? x % end : x;
}

static bool one_in(struct ppc_disturb *d, unsigned int n)
{
	return !ppc_random(&d->random, n);
}

static long counted(int i)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/ppc_chaos/parameters/%s", counter[i]);
	return ppc_read_long(path);
}

/* Both policies must be there. */
int ppc_disturb_begin(struct ppc_disturb *d, __u64 seed, const char *cgroup)
{
	int err = ppc_load_policy("ppc_chaos");
	int i;

	if (err)
		return err;
	if (!ppc_have_maio())
		return -ENOENT;
	*d = (struct ppc_disturb){ .random = seed, .cgroup = cgroup };
	for (i = 0; i < PPC_DISTURB_SLOTS; i++)
		d->att[i] = -1;
	for (i = 0; i < 3; i++)
		d->before[i] = counted(i);
	return 0;
}

/* What a template is made of, in the order in which it is written. */
struct forged {
	struct maio_template_header h;
	struct maio_template_file f;
	struct maio_template_group g[MAX_GROUPS];
	struct maio_template_extent e[MAX_GROUPS * MAX_EXTENTS];
} __attribute__((packed));

/* A template of one file: valid, but for one in eight. Returns its length. */
static size_t forge(struct ppc_disturb *d, __u64 size, struct forged *t)
{
	const __u32 units = (size + 4095) >> MAIO_EXTENT_SHIFT;
	__u32 groups = 1 + ppc_random(&d->random, MAX_GROUPS), extents = 0;
	struct maio_template_extent e[MAX_GROUPS * MAX_EXTENTS];
	char *to = (char *)t->g + groups * sizeof(t->g[0]);
	__u32 i, j, len;

	for (i = 0; i < groups; i++) {
		__u32 nr = 1 + ppc_random(&d->random, MAX_EXTENTS);

		if (nr > units)
			nr = 1;
		t->g[i] = (struct maio_template_group){ .nr_extents = htole32(nr) };
		/* Within a group they do not overlap. */
		for (j = 0; j < nr; j++) {
			__u32 part = units / nr, skip = ppc_random(&d->random, part);

			e[extents++] = (struct maio_template_extent){
				.start = htole32(j * part + skip),
				.count = htole32(1 + ppc_random(&d->random, part - skip)),
			};
		}
	}
	memcpy(to, e, extents * sizeof(e[0]));
	len = to + extents * sizeof(e[0]) - (char *)t;
	t->f.size = htole64(size);
	t->h = (struct maio_template_header){
		.magic = htole32(MAIO_TEMPLATE_MAGIC),
		.version = htole16(MAIO_TEMPLATE_VERSION),
		.size = htole32(len),
		.nr_files = htole32(1),
		.nr_groups = htole32(groups),
		.nr_extents = htole32(extents),
	};
	t->h.crc = htole32(ppc_crc32(t, len));
	if (one_in(d, 8))
		((__u8 *)t)[ppc_random(&d->random, len)] ^= 1 << ppc_random(&d->random, 8);
	return len;
}

/* Replay something that nobody has recorded, or record. */
static void maio_begin(struct ppc_disturb *d, int att, __u64 size)
{
	struct maio_mode_args mode = {
		.mode = ppc_random(&d->random, MAIO_MODE_AUTO + 1),
		.node = -1,
		.gap = one_in(d, 2) ? 0 : ppc_random(&d->random, 4 * MB),
	};
	struct maio_template_io io;
	struct forged t;

	if (one_in(d, 4)) {
		ioctl(att, MAIO_IOC_RECORD_START);
		return;
	}
	if (!size)
		return;
	io = (struct maio_template_io){ (uintptr_t)&t, forge(d, size, &t) };
	ioctl(att, MAIO_IOC_SET_MODE, &mode);
	if (ioctl(att, MAIO_IOC_SET_TEMPLATE, &io))
		d->refused++;
	else if (!ioctl(att, MAIO_IOC_REPLAY_START))
		d->replays++;
}

static void maio_go_on(struct ppc_disturb *d, int att)
{
	struct maio_mode_args mode = {
		.mode = ppc_random(&d->random, MAIO_MODE_AUTO + 1),
		.node = (int)ppc_random(&d->random, 3) - 1,
	};

	switch (ppc_random(&d->random, 4)) {
	case 0:
		ioctl(att, MAIO_IOC_RECORD_STOP);
		break;
	case 1:
		ioctl(att, MAIO_IOC_REPLAY_STOP);
		break;
	case 2:
		ioctl(att, MAIO_IOC_REPLAY_START);
		break;
	default:
		ioctl(att, MAIO_IOC_SET_MODE, &mode);
	}
}

static void chaos_go_on(struct ppc_disturb *d, int att)
{
	struct ppc_chaos_run run = {
		.seed = ppc_random(&d->random, 0),
		.steps = 1 + ppc_random(&d->random, 64),
	};

	ioctl(att, PPC_CHAOS_IOC_RUN, &run);
}

/* Budgets: the default, tiny, huge. */
static __u64 budget(struct ppc_disturb *d)
{
	static const __u64 some[] = { 0, 1, 64 * KB, 2 * MB, 1ULL << 40 };

	return some[ppc_random(&d->random, ARRAY_SIZE(some))];
}

static int attach(struct ppc_disturb *d, int slot, const char *path)
{
	struct ppc_attach args = {
		.nr_fds = 1,
		.budget = budget(d),
		.max_resident = one_in(d, 2) ? 0 : budget(d),
		.pid = one_in(d, 4) ? getpid() : 0,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (one_in(d, 2)) {
		args.flags = PPC_ATTACH_MAY_KEEP;
		args.keep_budget = budget(d);
	}
	d->maio[slot] = one_in(d, 3);
	args.fds = (uintptr_t)&fd;
	d->att[slot] = ppc_attach_as(d->maio[slot] ? "maio" : PPC_CHAOS_POLICY, args);
	fstat(fd, &st);
	close(fd);
	if (d->att[slot] < 0)
		return d->att[slot];
	if (d->maio[slot]) {
		d->maio_attached++;
		maio_begin(d, d->att[slot], st.st_size);
	} else {
		d->chaos_attached++;
		chaos_go_on(d, d->att[slot]);
	}
	return 0;
}

/* What it leaves undone is what the kernel has to clean up. */
static int detach(struct ppc_disturb *d, int slot)
{
	const __u64 *from;
	struct ppc_stats stats = {};
	int att = d->att[slot];
	__u64 *to;
	size_t i;
	int err;

	d->att[slot] = -1;
	err = ioctl(att, PPC_IOC_DETACH) ? -errno : ppc_stats(att, &stats);
	from = (const __u64 *)&stats;
	to = (__u64 *)&d->sum;
	for (i = 0; i < sizeof(stats) / sizeof(*to); i++)
		to[i] += from[i];
	close(att);
	return err;
}

/* Reads of another thread, which nobody checks. */
static void read_somewhere(struct ppc_disturb *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	static char buf[64 * KB];
	struct stat st;
	int i;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size)
		for (i = 0; i < 4; i++)
			if (pread(fd, buf, sizeof(buf),
				  ppc_random(&d->random, st.st_size)) < 0)
				break;
	if (fd >= 0)
		close(fd);
}

static int reclaim_some(const struct ppc_disturb *d, const char *size)
{
	int err = ppc_cg_set(d->cgroup, "memory.reclaim", size);

	/* There may not be so much. */
	return err == -EAGAIN ? 0 : err;
}

/* Do one thing to a file; -errno if what must not fail does. */
int ppc_disturb_once(struct ppc_disturb *d, const char *path)
{
	int slot = ppc_random(&d->random, PPC_DISTURB_SLOTS);
	int err = 0;

	if (one_in(d, 8))
		err = reclaim_some(d, one_in(d, 4) ? "8M" : "512K");
	else if (one_in(d, 8))
		read_somewhere(d, path);
	else if (d->att[slot] < 0)
		err = attach(d, slot, path);
	else if (one_in(d, 4))
		err = detach(d, slot);
	else if (d->maio[slot])
		maio_go_on(d, d->att[slot]);
	else
		chaos_go_on(d, d->att[slot]);
	return err;
}

/* Detach all: from here on nothing holds the file. */
int ppc_disturb_end(struct ppc_disturb *d)
{
	int err = 0, i;

	for (i = 0; i < PPC_DISTURB_SLOTS; i++)
		if (d->att[i] >= 0)
			err = detach(d, i) ?: err;
	return err;
}

static long counted_since(const struct ppc_disturb *d, int i)
{
	return counted(i) - d->before[i];
}

/* What has not happened yet, or NULL: without it, nothing was disturbed. */
const char *ppc_disturb_lacks(struct ppc_disturb *d)
{
	if (!d->chaos_attached)
		return "an attachment of the policy chaos";
	if (!d->maio_attached)
		return "an attachment of maio";
	if (!d->replays)
		return "a template that was replayed";
	if (!d->sum.prefetched_bytes)
		return "bytes read ahead";
	if (!d->sum.burned_bytes)
		return "bytes dropped behind";
	if (counted_since(d, ACCESSES) <= 0)
		return "accesses told of";
	if (counted_since(d, ASKED_DROP) <= 0)
		return "verdicts asked for before a drop";
	if (counted_since(d, ASKED_RECLAIM) <= 0)
		return "verdicts asked for by reclaim";
	return NULL;
}

void ppc_disturb_print(struct ppc_disturb *d, const char *prefix)
{
	printf("%s%lu + %lu attachments (chaos + maio), %lu replays, %lu templates refused\n",
	       prefix, d->chaos_attached, d->maio_attached, d->replays, d->refused);
	printf("%sMiB read ahead %llu, dropped %llu, passed over by reclaim %llu, taken first %llu\n",
	       prefix, d->sum.prefetched_bytes / MB, d->sum.burned_bytes / MB,
	       d->sum.kept_bytes / MB, d->sum.evicted_first_bytes / MB);
	printf("%s%ld accesses told of, %ld + %ld verdicts asked for (drops + reclaim)\n",
	       prefix, counted_since(d, ACCESSES), counted_since(d, ASKED_DROP),
	       counted_since(d, ASKED_RECLAIM));
}
