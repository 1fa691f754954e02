// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: match accesses to groups. A process that accesses the files is matched to a
 * group and moves its stream.
 *
 * The workers of a load are not known in advance and do not start in the order of
 * the recording, so a process is bound to a group by the position of its reads.
 * Workers often begin with the same headers, as may a launcher that loads nothing
 * itself. Until a process has read a good part of its group, the binding is a
 * guess, which ends when it reads elsewhere or another process wants the group.
 */
#include "maio.h"

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>

#include "maio_replay.h"
#include "maio_trace.h"

/* A fault counts as this much, as more may be mapped around it. */
#define MAIO_REPLAY_WINDOW	SZ_128K

/* A worker that was not seen for so long wants nothing. */
#define MAIO_WORKER_TIMEOUT	(60 * HZ)

/*
 * Ranges begin and end only roughly where their readers do. Dropping a range up to
 * its very ends would drop the beginning of the next one, for example of the data
 * behind a header.
 */
#define MAIO_EVICT_EDGE		MAIO_CHUNK_SIZE

/* How well a group suits a process that is not bound to it, from bad to good. */
enum maio_rank {
	MAIO_RANK_NONE,		/* does not cover the access */
	MAIO_RANK_TAKEN,	/* another worker reads it: share it */
	MAIO_RANK_GUESS,	/* another process is bound by a guess */
	MAIO_RANK_GONE,		/* its worker has exited */
	MAIO_RANK_FREE,		/* has no worker */
	MAIO_RANK_FREE_FIRST,	/* and begins there */
	MAIO_RANK_OWN,		/* another thread has just bound it */
};

/* True once every thread of the process has exited, reaped or not. */
static bool maio_process_gone(pid_t tgid)
{
	struct task_struct *task;

	task = pid_task(find_pid_ns(tgid, &init_pid_ns), PIDTYPE_TGID);
	return !task || !atomic_read(&task->signal->live);
}

/* Does it have no worker that will read the rest? */
static bool maio_group_left(const struct maio_group *group)
{
	const unsigned long last_seen = READ_ONCE(group->last_seen);
	const pid_t owner = READ_ONCE(group->owner);

	if (last_seen && time_after(jiffies, last_seen + MAIO_WORKER_TIMEOUT))
		return true;
	return owner && maio_process_gone(owner);
}

static bool maio_group_guessed(struct maio_group *group)
{
	return !READ_ONCE(group->bound) &&
	       atomic64_read(&group->seen) <
			max_t(u64, group->bytes / 64, SZ_1M);
}

static enum ppc_stream_hit maio_group_access(struct maio_group *group,
					     const struct ppc_access *access)
{
	enum ppc_stream_hit hit = maio_stream_access(group->stream, access);
	u64 bytes = access->len;

	if (READ_ONCE(group->owner) != access->tgid)
		return hit;

	WRITE_ONCE(group->last_seen, jiffies | 1);
	/* A read() may get less than it wants, or may have had it before. */
	if (access->type != PPC_ACCESS_CONSUME)
		bytes = clamp(bytes, MAIO_REPLAY_WINDOW, PPC_STRIDE);
	atomic64_add(bytes, &group->seen);
	return hit;
}

static enum maio_rank maio_group_rank(struct maio_group *group,
				      const struct ppc_access *access)
{
	const struct ppc_range *first = &group->first;

	if (!maio_stream_contains(group->stream, access->file, access->pos))
		return MAIO_RANK_NONE;
	if (group->owner == access->tgid)
		return MAIO_RANK_OWN;
	if (!group->owner) {
		if (access->file == first->file && access->pos >= first->pos &&
		    access->pos - first->pos < first->len)
			return MAIO_RANK_FREE_FIRST;
		return MAIO_RANK_FREE;
	}
	if (maio_group_guessed(group))
		return MAIO_RANK_GUESS;
	return maio_process_gone(group->owner) ? MAIO_RANK_GONE :
						 MAIO_RANK_TAKEN;
}

static void maio_group_give(struct maio_replay *replay,
			    struct maio_group *group, pid_t tgid, bool bound)
{
	u32 i;

	lockdep_assert_held(&replay->lock);

	/* It reads elsewhere: other guesses were wrong. */
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *other = &replay->groups[i];

		if (other->owner == tgid && maio_group_guessed(other))
			WRITE_ONCE(other->owner, 0);
	}

	/* A process that reads several groups by turns continues to count. */
	if (group->seen_by != tgid) {
		/* The previous worker has left: all is to be read again. */
		if (group->seen_by && !group->owner)
			maio_stream_reset(group->stream);
		group->seen_by = tgid;
		atomic64_set(&group->seen, 0);
	}
	/* A process that is bound in advance may start late. */
	WRITE_ONCE(group->last_seen, bound ? 0 : jiffies | 1);
	WRITE_ONCE(group->owner, tgid);
	WRITE_ONCE(group->bound, bound);
	trace_maio_match(tgid, group - replay->groups, bound);
	if (!bound)
		ppc_attachment_set_pollable(replay->att, true);
}

/* Make a process the worker of a group, whatever it reads; 0: undo. */
void maio_match_bind(struct maio_replay *replay, struct maio_group *group,
		     pid_t tgid)
{
	u32 i;

	guard(spinlock)(&replay->lock);

	if (!tgid) {
		if (group->bound)
			WRITE_ONCE(group->owner, 0);
		WRITE_ONCE(group->bound, false);
		WRITE_ONCE(group->last_seen, jiffies | 1);
		return;
	}
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *other = &replay->groups[i];

		if (other != group && other->owner == tgid) {
			WRITE_ONCE(other->owner, 0);
			WRITE_ONCE(other->bound, false);
		}
	}
	if (group->owner != tgid)
		WRITE_ONCE(group->owner, 0);
	maio_group_give(replay, group, tgid, true);
}

/*
 * More processes than were recorded: others may soon read what one has read, so the
 * gap chosen for one reader is not used.
 */
static void maio_group_share(struct maio_replay *replay,
			     struct maio_group *group)
{
	if (group->shared)
		return;
	group->shared = true;
	maio_stream_set_drop_mode(group->stream, replay->drop_mode, MAIO_GAP_AUTO);
}

/* Find the group that suits best, and bind the process to it if it is available. */
static struct maio_group *maio_replay_match(struct maio_replay *replay,
					    const struct ppc_access *access)
{
	enum maio_rank best_rank = MAIO_RANK_NONE;
	struct maio_group *best = NULL;
	bool bound = false;
	u32 i;

	guard(spinlock)(&replay->lock);

	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *group = &replay->groups[i];
		enum maio_rank rank = maio_group_rank(group, access);

		bound |= group->bound && group->owner == access->tgid;
		if (rank > best_rank) {
			best_rank = rank;
			best = group;
		}
	}
	/* A process that was bound by BIND only shares other groups. */
	if (bound)
		return best;

	switch (best_rank) {
	case MAIO_RANK_NONE:
	case MAIO_RANK_OWN:
		break;
	case MAIO_RANK_TAKEN:
		maio_group_share(replay, best);
		break;
	case MAIO_RANK_GONE:
		/* Another load of the same files. */
		maio_stream_reset(best->stream);
		fallthrough;
	case MAIO_RANK_GUESS:
	case MAIO_RANK_FREE:
	case MAIO_RANK_FREE_FIRST:
		maio_group_give(replay, best, access->tgid, false);
		break;
	}
	return best;
}

/*
 * Move the stream that an access belongs to. In the access callback: does not sleep
 * or allocate.
 *
 * Return: the result of the stream, or %PPC_STREAM_ELSEWHERE if no group covers the
 * access or its stream has given up.
 */
enum ppc_stream_hit maio_replay_access(struct maio_replay *replay,
				       const struct ppc_access *access)
{
	struct maio_group *group;
	u32 i;

	for (i = 0; i < replay->nr_groups; i++) {
		group = &replay->groups[i];
		if (READ_ONCE(group->owner) == access->tgid &&
		    maio_stream_contains(group->stream, access->file,
					 access->pos))
			return maio_group_access(group, access);
	}

	group = maio_replay_match(replay, access);
	if (!group)
		return PPC_STREAM_ELSEWHERE;
	return maio_group_access(group, access);
}

/*
 * May bytes of a file be evicted? In the evict callback: does not sleep or allocate.
 *
 * Bytes that a group still wants stay, unless its worker has exited or was not seen
 * for long. Reclaim evicts first what groups have finished. It gets no preference
 * for bytes outside of groups, nor if there are many groups.
 */
enum ppc_verdict maio_replay_evict(struct maio_replay *replay, u32 file,
				   u64 pos, u64 len,
				   enum ppc_evict_reason reason)
{
	/* A stopped stream does not ask again. */
	const u64 edge = reason == PPC_EVICT_DROP ? MAIO_EVICT_EDGE : 0;
	const u64 first = pos - min(pos, edge), end = pos + len + edge;
	const bool drop = reason != PPC_EVICT_RECLAIM;
	bool done_with = false;
	u32 i;

	/* Reclaim must not be delayed. */
	if (!drop && replay->nr_groups > MAIO_EVICT_GROUPS)
		return PPC_EVICT_DEFAULT;
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *group = &replay->groups[i];

		if (maio_stream_wants(group->stream, file, first, end - first)) {
			if (!maio_group_left(group))
				return drop ? PPC_EVICT_KEEP :
					      PPC_EVICT_DEFAULT;
			done_with = true;
		} else if (!drop && !done_with) {
			done_with = maio_stream_spent(group->stream, file, pos);
		}
	}
	return !drop && done_with ? PPC_EVICT_FIRST : PPC_EVICT_DEFAULT;
}
