// SPDX-License-Identifier: GPL-2.0
/*
 * Which group of a replay an access belongs to, and what may go. Streams and processes are made up
 * here: in the kernel, the selftests do the same with real ones.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/pid.h>

#include "../../../samples/ppc_maio/maio.h"
#include "../../../samples/ppc_maio/maio_replay.h"

#define MAX_GROUPS	(MAIO_EVICT_GROUPS + 1)
#define GROUP_BYTES	((u64)SZ_256M)
#define MAX_TGID	16
#define MINUTE		(60 * HZ)

/* What the stream was told, and what it answers. */
struct fake_stream {
	struct maio_stream stream;
	struct ppc_range range[2];
	enum ppc_stream_hit hit;
	unsigned int accesses;
	unsigned int resets;
	unsigned int burns;
	u64 gap;
	bool wants;
	bool spent;
};

struct world {
	struct fake_stream stream[MAX_GROUPS];
	bool news;
	struct ppc_range asked;	/* for, last */
	struct maio_replay *replay;
};

static struct fake_stream *fake(struct maio_stream *s)
{
	return container_of(s, struct fake_stream, stream);
}

unsigned long jiffies;
struct pid_namespace init_pid_ns;
static struct world *world;
static struct signal_struct signals[MAX_TGID];
static struct task_struct tasks[MAX_TGID];
/* No task is left, though there may be one that has not been reaped. */
static bool reaped[MAX_TGID];

struct pid *find_pid_ns(int nr, struct pid_namespace *ns)
{
	return (struct pid *)&tasks[nr];
}

struct task_struct *pid_task(struct pid *pid, enum pid_type type)
{
	struct task_struct *task = (struct task_struct *)pid;

	return reaped[task - tasks] ? NULL : task;
}

bool maio_stream_contains(struct maio_stream *s, u32 file, u64 pos)
{
	struct fake_stream *stream = fake(s);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(stream->range); i++)
		if (stream->range[i].file == file && pos >= stream->range[i].pos &&
		    pos - stream->range[i].pos < stream->range[i].len)
			return true;
	return false;
}

enum ppc_stream_hit maio_stream_access(struct maio_stream *s, const struct ppc_access *access)
{
	struct fake_stream *stream = fake(s);

	stream->accesses++;
	return stream->hit;
}

void maio_stream_reset(struct maio_stream *s)
{
	struct fake_stream *stream = fake(s);

	stream->resets++;
}

void maio_stream_set_drop_mode(struct maio_stream *s, enum maio_drop_mode burn, u64 gap)
{
	struct fake_stream *stream = fake(s);

	stream->burns++;
	stream->gap = gap;
}

bool maio_stream_wants(struct maio_stream *s, u32 file, u64 pos, u64 len)
{
	struct fake_stream *stream = fake(s);

	world->asked = (struct ppc_range){ .file = file, .pos = pos, .len = len };
	return stream->wants;
}

bool maio_stream_spent(struct maio_stream *s, u32 file, u64 pos)
{
	struct fake_stream *stream = fake(s);

	return stream->spent;
}

void ppc_attachment_set_pollable(struct ppc_attachment *att, bool news)
{
	world->news = news;
}

/* Group i has file i to itself; all of them have a header in file 100. */
static void make_groups(struct kunit *test, u32 nr)
{
	struct maio_replay *replay;
	u32 i;

	world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	replay = kunit_kzalloc(test, sizeof(*replay) + nr * sizeof(replay->groups[0]), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, world);
	KUNIT_ASSERT_NOT_NULL(test, replay);
	world->replay = replay;
	replay->nr_groups = nr;
	for (i = 0; i < nr; i++) {
		struct fake_stream *stream = &world->stream[i];

		stream->hit = PPC_STREAM_COVERED;
		stream->range[0] = (struct ppc_range){ .file = i, .len = GROUP_BYTES - SZ_1M };
		stream->range[1] = (struct ppc_range){ .file = 100, .len = SZ_1M };
		replay->groups[i].stream = &stream->stream;
		replay->groups[i].bytes = GROUP_BYTES;
		replay->groups[i].first = stream->range[0];
	}
	jiffies = 1000;
	memset(reaped, 0, sizeof(reaped));
	for (i = 0; i < MAX_TGID; i++) {
		signals[i].live.counter = 1;
		tasks[i].signal = &signals[i];
	}
}

static int match_init(struct kunit *test)
{
	make_groups(test, 3);
	return 0;
}

static enum ppc_stream_hit look(enum ppc_access_type type, pid_t tgid, u32 file, u64 pos, u64 len)
{
	const struct ppc_access access = {
		.type = type, .tgid = tgid, .file = file, .pos = pos, .len = len,
	};

	return maio_replay_access(world->replay, &access);
}

static enum ppc_stream_hit touch(pid_t tgid, u32 file)
{
	return look(PPC_ACCESS_FAULT_MISS, tgid, file, SZ_32M, SZ_4K);
}

static struct maio_group *group(u32 i)
{
	return &world->replay->groups[i];
}

static enum ppc_verdict evict(enum ppc_evict_reason reason)
{
	return maio_replay_evict(world->replay, 0, 0, SZ_2M, reason);
}

/* So far that it is no guess any more: a 64th of the group, which is more than 1 MiB. */
static void settle(pid_t tgid, u32 file)
{
	look(PPC_ACCESS_CONSUME, tgid, file, 0, GROUP_BYTES / 64);
}

static void match_free(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, touch(7, 1), PPC_STREAM_COVERED);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 0);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 7);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 0);
	KUNIT_EXPECT_FALSE(test, group(1)->bound);
	KUNIT_EXPECT_TRUE(test, world->news);
	KUNIT_EXPECT_EQ(test, group(1)->seen_by, 7);
	KUNIT_EXPECT_EQ(test, group(1)->last_seen, jiffies | 1);
	KUNIT_EXPECT_EQ(test, world->stream[1].accesses, 1);
	KUNIT_EXPECT_EQ(test, world->stream[1].resets, 0);
	KUNIT_EXPECT_EQ(test, world->stream[0].accesses, 0);

	/* Its time is that of the bond, even if the stream has given up. */
	world->stream[2].hit = PPC_STREAM_ELSEWHERE;
	KUNIT_EXPECT_EQ(test, touch(8, 2), PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 8);
	KUNIT_EXPECT_EQ(test, group(2)->last_seen, jiffies | 1);

	/* No group reads there. */
	KUNIT_EXPECT_EQ(test, touch(7, 3), PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 7);
}

/* Where several could be had, the one that begins there. */
static void match_first(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		make_groups(test, 3);
		group(i)->first = (struct ppc_range){ .file = 100, .pos = SZ_4K, .len = SZ_64K };
		look(PPC_ACCESS_MISS, 5, 100, SZ_4K, 1);
		KUNIT_EXPECT_EQ(test, group(i)->owner, 5);

		/* Just in front of it and just behind it, any of them. */
		make_groups(test, 3);
		group(i)->first = (struct ppc_range){ .file = 100, .pos = SZ_4K, .len = SZ_64K };
		look(PPC_ACCESS_MISS, 5, 100, SZ_4K - 1, 1);
		KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
		make_groups(test, 3);
		group(i)->first = (struct ppc_range){ .file = 100, .pos = SZ_4K, .len = SZ_64K };
		look(PPC_ACCESS_MISS, 5, 100, SZ_4K + SZ_64K, 1);
		KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
		make_groups(test, 3);
		group(i)->first = (struct ppc_range){ .file = 100, .pos = SZ_4K, .len = SZ_64K };
		look(PPC_ACCESS_MISS, 5, 100, SZ_4K + SZ_64K - 1, 1);
		KUNIT_EXPECT_EQ(test, group(i)->owner, 5);
	}
}

/* A guess ends when its process reads elsewhere. */
static void match_guess_moves(struct kunit *test)
{
	look(PPC_ACCESS_MISS, 5, 100, 0, SZ_64K);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
	touch(5, 2);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 0);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 5);
	/* It has got through a good part: it may have both. */
	settle(5, 2);
	touch(5, 1);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 5);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 5);
	/* Others' guesses are their own. */
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 5);
}

/* A guess ends when another process wants the group, and then it is a new pass. */
static void match_guess_taken(struct kunit *test)
{
	touch(5, 0);
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 6);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_128K);
	KUNIT_EXPECT_FALSE(test, group(0)->shared);

	/* Of a group of any size, 1 MiB is seen before it is no guess. */
	group(1)->bytes = SZ_2M;
	look(PPC_ACCESS_CONSUME, 7, 1, 0, SZ_1M - 1);
	touch(8, 1);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 8);
	look(PPC_ACCESS_CONSUME, 8, 1, 0, SZ_1M - SZ_128K);
	touch(7, 1);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 8);

	/* Of a large one, a 64th. */
	look(PPC_ACCESS_CONSUME, 9, 2, 0, GROUP_BYTES / 64 - 1);
	touch(10, 2);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 10);
	look(PPC_ACCESS_CONSUME, 10, 2, 0, GROUP_BYTES / 64 - SZ_128K);
	touch(9, 2);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 10);
}

/* Others only share what a worker is well into. */
static void match_taken(struct kunit *test)
{
	touch(5, 0);
	settle(5, 0);
	KUNIT_EXPECT_EQ(test, touch(6, 0), PPC_STREAM_COVERED);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
	KUNIT_EXPECT_TRUE(test, group(0)->shared);
	KUNIT_EXPECT_EQ(test, world->stream[0].burns, 1);
	KUNIT_EXPECT_EQ(test, world->stream[0].gap, MAIO_GAP_AUTO);
	KUNIT_EXPECT_EQ(test, world->stream[0].accesses, 3);
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, world->stream[0].burns, 1);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 0);
	/* What a free one offers is better. */
	look(PPC_ACCESS_MISS, 6, 100, 0, SZ_4K);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 6);
}

/* Another load of the same, after the worker has exited. */
static void match_gone(struct kunit *test)
{
	touch(5, 0);
	settle(5, 0);
	signals[5].live.counter = 0;
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 6);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 1);
	KUNIT_EXPECT_FALSE(test, group(0)->shared);
	settle(6, 0);
	reaped[6] = true;
	touch(7, 0);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 7);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 2);
}

/* It comes back to a group that it left: what it passed is passed. Another one's pass is not. */
static void match_comes_back(struct kunit *test)
{
	look(PPC_ACCESS_MISS, 5, 0, 0, SZ_512K);
	touch(5, 1);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 0);
	look(PPC_ACCESS_MISS, 5, 0, 0, SZ_512K);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_1M);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 0);
	touch(5, 1);
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 1);
	KUNIT_EXPECT_EQ(test, group(0)->seen_by, 6);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_128K);
}

/* What an access counts for. */
static void match_seen(struct kunit *test)
{
	look(PPC_ACCESS_FAULT, 5, 0, 0, SZ_4K);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_128K);
	look(PPC_ACCESS_MISS, 5, 0, 0, SZ_256K);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_128K + SZ_256K);
	look(PPC_ACCESS_MISS, 5, 0, 0, SZ_16M);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), SZ_128K + SZ_256K + SZ_1M);
	look(PPC_ACCESS_CONSUME, 5, 0, 0, SZ_2M + 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen),
			SZ_128K + SZ_256K + SZ_1M + SZ_2M + 1);
	/* The same where the stream has given up, and nothing for who only shares. */
	world->stream[0].hit = PPC_STREAM_ELSEWHERE;
	jiffies += 100;
	KUNIT_EXPECT_EQ(test, touch(5, 0), PPC_STREAM_ELSEWHERE);
	KUNIT_EXPECT_EQ(test, group(0)->last_seen, jiffies | 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen),
			2 * SZ_128K + SZ_256K + SZ_1M + SZ_2M + 1);
	world->stream[0].hit = PPC_STREAM_COVERED;
	jiffies += 100;
	settle(5, 0);
	KUNIT_EXPECT_EQ(test, group(0)->last_seen, jiffies | 1);
	jiffies += 100;
	touch(6, 0);
	KUNIT_EXPECT_NE(test, group(0)->last_seen, jiffies | 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen),
			2 * SZ_128K + SZ_256K + SZ_1M + SZ_2M + 1 + GROUP_BYTES / 64);
}

static void match_bind(struct kunit *test)
{
	maio_match_bind(world->replay, group(0), 5);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
	KUNIT_EXPECT_TRUE(test, group(0)->bound);
	KUNIT_EXPECT_EQ(test, group(0)->last_seen, 0);
	KUNIT_EXPECT_FALSE(test, world->news);
	/* It is no guess, though nothing was read. */
	touch(6, 0);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);
	KUNIT_EXPECT_TRUE(test, group(0)->shared);
	/* What else it reads does not make it a worker there. */
	touch(5, 1);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 0);
	KUNIT_EXPECT_EQ(test, world->stream[1].accesses, 1);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 5);

	/* Bound elsewhere, it is no longer this one's. */
	maio_match_bind(world->replay, group(2), 5);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 0);
	KUNIT_EXPECT_FALSE(test, group(0)->bound);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 5);
	KUNIT_EXPECT_TRUE(test, group(2)->bound);

	/* Whoever comes. */
	jiffies += 100;
	maio_match_bind(world->replay, group(2), 0);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 0);
	KUNIT_EXPECT_FALSE(test, group(2)->bound);
	KUNIT_EXPECT_EQ(test, group(2)->last_seen, jiffies | 1);
	touch(6, 2);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 6);
	/* That takes nothing from who came by itself. */
	maio_match_bind(world->replay, group(2), 0);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 6);
}

/* Bound to what another one reads, or has read before. */
static void match_bind_over(struct kunit *test)
{
	touch(5, 0);
	settle(5, 0);
	maio_match_bind(world->replay, group(0), 6);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 6);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), 0);
	settle(6, 0);
	/* The same again: it goes on where it is. */
	maio_match_bind(world->replay, group(0), 6);
	KUNIT_EXPECT_EQ(test, group(0)->owner, 6);
	KUNIT_EXPECT_EQ(test, world->stream[0].resets, 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&group(0)->seen), GROUP_BYTES / 64);
	/* A worker of another group is taken from there, guess or not. */
	touch(7, 1);
	settle(7, 1);
	maio_match_bind(world->replay, group(2), 7);
	KUNIT_EXPECT_EQ(test, group(1)->owner, 0);
	KUNIT_EXPECT_EQ(test, group(2)->owner, 7);
	/* The others stay where they are. */
	KUNIT_EXPECT_EQ(test, group(0)->owner, 6);
	KUNIT_EXPECT_TRUE(test, group(0)->bound);
}

/* Who drops asks for what is near as well, but for the last time. */
static void match_evict_edge(struct kunit *test)
{
	const u64 at = 4 * MAIO_CHUNK_SIZE;

	evict(PPC_EVICT_DROP);
	KUNIT_EXPECT_EQ(test, world->asked.pos, 0);
	KUNIT_EXPECT_EQ(test, world->asked.len, SZ_2M + MAIO_CHUNK_SIZE);
	maio_replay_evict(world->replay, 1, at, SZ_2M, PPC_EVICT_DROP);
	KUNIT_EXPECT_EQ(test, world->asked.file, 1);
	KUNIT_EXPECT_EQ(test, world->asked.pos, at - MAIO_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, world->asked.len, SZ_2M + 2 * MAIO_CHUNK_SIZE);
	maio_replay_evict(world->replay, 1, at, SZ_2M, PPC_EVICT_LAST);
	KUNIT_EXPECT_EQ(test, world->asked.pos, at);
	KUNIT_EXPECT_EQ(test, world->asked.len, SZ_2M);
	maio_replay_evict(world->replay, 1, at, SZ_4K, PPC_EVICT_RECLAIM);
	KUNIT_EXPECT_EQ(test, world->asked.pos, at);
	KUNIT_EXPECT_EQ(test, world->asked.len, SZ_4K);
	world->stream[2].wants = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_LAST), PPC_EVICT_KEEP);
}

static void match_evict(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_DEFAULT);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_DEFAULT);
	world->stream[1].spent = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_DEFAULT);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_FIRST);
	/* Whoever is done with it, another one wants it. */
	world->stream[2].wants = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_DEFAULT);
}

/* What a worker wanted that will not come. */
static void match_evict_left(struct kunit *test)
{
	touch(5, 0);
	world->stream[0].wants = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
	jiffies += MINUTE;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
	jiffies += 2;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_DEFAULT);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_FIRST);
	touch(5, 0);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
	signals[5].live.counter = 0;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_DEFAULT);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_FIRST);
	/* Who is bound beforehand may take its time. */
	maio_match_bind(world->replay, group(0), 6);
	jiffies += 2 * MINUTE;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
	/* One that has left does not hide one that has not. */
	world->stream[1].wants = true;
	touch(7, 1);
	signals[6].live.counter = 0;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_DEFAULT);
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
}

/* Reclaim is not held up by many groups; who drops asks them all. */
static void match_evict_many(struct kunit *test)
{
	make_groups(test, MAIO_EVICT_GROUPS);
	world->stream[MAIO_EVICT_GROUPS - 1].spent = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_FIRST);
	make_groups(test, MAX_GROUPS);
	world->stream[0].spent = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_RECLAIM), PPC_EVICT_DEFAULT);
	world->stream[MAX_GROUPS - 1].wants = true;
	KUNIT_EXPECT_EQ(test, evict(PPC_EVICT_DROP), PPC_EVICT_KEEP);
}

static struct kunit_case match_cases[] = {
	KUNIT_CASE(match_free),
	KUNIT_CASE(match_first),
	KUNIT_CASE(match_guess_moves),
	KUNIT_CASE(match_guess_taken),
	KUNIT_CASE(match_taken),
	KUNIT_CASE(match_gone),
	KUNIT_CASE(match_comes_back),
	KUNIT_CASE(match_seen),
	KUNIT_CASE(match_bind),
	KUNIT_CASE(match_bind_over),
	KUNIT_CASE(match_evict),
	KUNIT_CASE(match_evict_edge),
	KUNIT_CASE(match_evict_left),
	KUNIT_CASE(match_evict_many),
	{}
};

static struct kunit_suite match_suite = {
	.name = "ppc_maio_match",
	.init = match_init,
	.test_cases = match_cases,
};

kunit_test_suite(match_suite);
