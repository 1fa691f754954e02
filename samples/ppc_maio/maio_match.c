// SPDX-License-Identifier: GPL-2.0
/*
 * MAIO: which group an access belongs to. Whoever accesses the files is matched
 * to a group and moves its stream.
 *
 * Who the workers of this load are is not known beforehand, and they do not
 * come in the order of the recording. So a process is bound to a group by where
 * it reads. Workers often begin with the same headers, as may a launcher that
 * loads nothing itself: until a process has got through a good part of its
 * group the bond is a guess, which ends when it reads elsewhere or another
 * process wants the group.
 */
#include "maio.h"

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>

#include "maio_replay.h"
#include "maio_trace.h"

/* A fault stands for this much; more may have been mapped around it. */
#define MAIO_REPLAY_WINDOW	SZ_128K

/* A worker not seen for so long does not hold up what others have done with. */
#define MAIO_WORKER_TIMEOUT	(60 * HZ)

/* How well a group suits a process that it is not bound to, from bad to good. */
enum maio_rank {
	MAIO_RANK_NONE,		/* it does not read there */
	MAIO_RANK_TAKEN,	/* a worker is well into it: only share it */
	MAIO_RANK_GUESS,	/* bound, but on a guess */
	MAIO_RANK_GONE,		/* a worker was, and has exited */
	MAIO_RANK_FREE,		/* nobody's */
	MAIO_RANK_FREE_FIRST,	/* and it begins there */
	MAIO_RANK_OWN,		/* another thread has just bound it */
};

/* True once every thread of the process is gone, reaped or not. */
static bool maio_process_gone(pid_t tgid)
{
	struct task_struct *task;

	task = pid_task(find_pid_ns(tgid, &init_pid_ns), PIDTYPE_TGID);
	return !task || !atomic_read(&task->signal->live);
}

/* Has it no worker who will read the rest? */
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

	if (hit == PPC_STREAM_ELSEWHERE ||
	    READ_ONCE(group->owner) != access->tgid)
		return hit;

	WRITE_ONCE(group->last_seen, jiffies | 1);
	/* What a read() wants it may not get, or may have had already. */
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

	/* It reads elsewhere: where it was bound on a guess was wrong. */
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *other = &replay->groups[i];

		if (other->owner == tgid && maio_group_guessed(other))
			WRITE_ONCE(other->owner, 0);
	}

	/* Who comes back, by turns in several groups, goes on counting. */
	if (group->seen_by != tgid) {
		/* What another one passed, before it left, is yet to be read. */
		if (group->seen_by && !group->owner)
			maio_stream_reset(group->stream);
		group->seen_by = tgid;
		atomic64_set(&group->seen, 0);
	}
	/* Who is bound beforehand may take its time. */
	WRITE_ONCE(group->last_seen, bound ? 0 : jiffies | 1);
	WRITE_ONCE(group->owner, tgid);
	WRITE_ONCE(group->bound, bound);
	trace_maio_match(tgid, group - replay->groups, bound);
	if (!bound)
		ppc_attachment_set_news(replay->att, true);
}

/* Make a process a group's worker, whatever it reads; 0: whoever reads it. */
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
 * More processes than were recorded: what one has read, others may be about to.
 * A gap that was chosen for one reader is not for them.
 */
static void maio_group_share(struct maio_replay *replay,
			     struct maio_group *group)
{
	if (group->shared)
		return;
	group->shared = true;
	maio_stream_set_burn(group->stream, replay->burn, MAIO_GAP_AUTO);
}

/* The group that suits best; binds the process to it where it can be had. */
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
	/* Whose worker it is has been said: others' groups it only shares. */
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
		/* Another load of the same: nothing of it has been read yet. */
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
 * Return: what the stream says, which is %PPC_STREAM_ELSEWHERE also where it
 * has given up, or %PPC_STREAM_ELSEWHERE if no group reads there.
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
 * May bytes of a file go? In the evict callback: does not sleep or allocate.
 *
 * What any group still wants stays, unless its worker has exited or, as one
 * that has not come yet, was not seen for long. Reclaim takes first what groups
 * have done with; of what is in no group it decides by itself, and of all if
 * there are many groups.
 */
enum ppc_verdict maio_replay_evict(struct maio_replay *replay, u32 file,
				   u64 pos, u64 len,
				   enum ppc_evict_reason reason)
{
	const bool drop = reason == PPC_EVICT_DROP;
	bool done_with = false;
	u32 i;

	/* Reclaim must not be held up, whoever asks for it. */
	if (!drop && replay->nr_groups > MAIO_EVICT_GROUPS)
		return PPC_EVICT_DEFAULT;
	for (i = 0; i < replay->nr_groups; i++) {
		struct maio_group *group = &replay->groups[i];

		if (maio_stream_wants(group->stream, file, pos, len)) {
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
