// SPDX-License-Identifier: GPL-2.0
/*
 * A page cache policy for tests: it counts its callbacks, answers as it is told
 * to, and makes streams on request.
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ppc.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/uaccess.h>

#include "maio_code.h"
#include "ppc_test.h"

/* Results of registering what must not be registered, for user space to look at. */
static int reg_empty, reg_unterminated, reg_slash, reg_nothing, reg_twice;
module_param(reg_empty, int, 0444);
module_param(reg_unterminated, int, 0444);
module_param(reg_slash, int, 0444);
module_param(reg_nothing, int, 0444);
module_param(reg_twice, int, 0444);

/* Of all attachments there ever were. */
static unsigned int attached, detached, stray;
module_param(attached, uint, 0444);
MODULE_PARM_DESC(attached, "attach callbacks");
module_param(detached, uint, 0444);
MODULE_PARM_DESC(detached, "detach callbacks");
module_param(stray, uint, 0444);
MODULE_PARM_DESC(stray, "callbacks before attach or after detach");

static DEFINE_SPINLOCK(total_lock);

static int fail_attach;
module_param(fail_attach, int, 0644);
MODULE_PARM_DESC(fail_attach, "what attach returns, as a positive errno");

struct test_stream {
	struct maio_stream *stream;
	bool feed;
};

struct test {
	struct ppc_attachment *att;
	struct mutex lock; /* streams */
	spinlock_t count_lock; /* counts and rules */
	struct ppc_test_counts counts;
	u32 answer;
	u32 nr_rules;
	struct ppc_test_rule rules[PPC_TEST_RULES];
	u32 nr_streams;
	struct maio_streams set;
	struct test_stream __rcu *streams[PPC_TEST_STREAMS];
};

static void test_total(unsigned int *total)
{
	guard(spinlock)(&total_lock);
	(*total)++;
}

/* No callback may come without, as attach has set it and detach is the last. */
static struct test *test_of(struct ppc_attachment *att)
{
	struct test *t = ppc_attachment_private(att);

	if (!t)
		test_total(&stray);
	return t;
}

static int test_attach(struct ppc_attachment *att)
{
	struct test *t;

	if (fail_attach)
		return -fail_attach;
	t = kvzalloc_obj(*t, GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	t->att = att;
	mutex_init(&t->lock);
	maio_streams_init(&t->set);
	spin_lock_init(&t->count_lock);
	ppc_attachment_set_private(att, t);
	test_total(&attached);
	return 0;
}

static void test_stream_free(struct test *t, u32 i)
{
	struct test_stream *s;

	s = rcu_replace_pointer(t->streams[i], NULL, lockdep_is_held(&t->lock));
	if (!s)
		return;
	synchronize_rcu();
	maio_stream_destroy(s->stream);
	kfree(s);
}

static void test_detach(struct ppc_attachment *att)
{
	struct test *t = test_of(att);
	u32 i;

	if (!t)
		return;
	ppc_attachment_set_private(att, NULL);
	mutex_lock(&t->lock);
	for (i = 0; i < t->nr_streams; i++)
		test_stream_free(t, i);
	mutex_unlock(&t->lock);
	mutex_destroy(&t->lock);
	kvfree(t);
	test_total(&detached);
}

static void test_files_changed(struct ppc_attachment *att)
{
	struct test *t = test_of(att);

	if (!t)
		return;
	guard(spinlock)(&t->count_lock);
	t->counts.files_changed++;
}

static void test_count(struct test *t, const struct ppc_access *access)
{
	guard(spinlock)(&t->count_lock);
	if (access->type < PPC_TEST_TYPES)
		t->counts.accesses[access->type]++;
	t->counts.last_type = access->type;
	t->counts.last_file = access->file;
	t->counts.last_uptodate = access->uptodate;
	t->counts.last_tgid = access->tgid;
	t->counts.last_pos = access->pos;
	t->counts.last_len = access->len;
}

static bool test_feed(struct test *t, const struct ppc_access *access)
{
	u32 i, nr = READ_ONCE(t->nr_streams);
	bool taken = false;

	for (i = 0; i < nr; i++) {
		struct test_stream *s = rcu_dereference(t->streams[i]);

		if (!s || !s->feed)
			continue;
		switch (maio_stream_access(s->stream, access)) {
		case PPC_STREAM_COVERED:
		case PPC_STREAM_MOVED:
			taken = true;
			break;
		case PPC_STREAM_OVERTAKEN:
		case PPC_STREAM_ELSEWHERE:
			break;
		}
	}
	return taken;
}

static bool test_access(struct ppc_attachment *att,
			const struct ppc_access *access)
{
	struct test *t = test_of(att);
	bool taken;

	if (!t)
		return false;
	if (access->type == PPC_ACCESS_FAILED)
		return maio_streams_failed(&t->set, access->file, access->pos,
					   access->len);
	test_count(t, access);
	taken = test_feed(t, access);
	if (READ_ONCE(t->answer) == TEST_ANSWER_STREAM)
		return taken;
	return READ_ONCE(t->answer);
}

static enum ppc_verdict test_evict(struct ppc_attachment *att, u32 file,
				   u64 pos, u64 len,
				   enum ppc_evict_reason reason)
{
	const u32 on = reason == PPC_EVICT_RECLAIM ? TEST_ON_RECLAIM : TEST_ON_DROP;
	struct test *t = test_of(att);
	u32 i;

	if (!t)
		return PPC_EVICT_DEFAULT;
	guard(spinlock)(&t->count_lock);
	if (reason == PPC_EVICT_RECLAIM)
		t->counts.evict_reclaim++;
	else
		t->counts.evict_drop++;
	if (current_is_kswapd())
		t->counts.evict_kswapd++;
	for (i = 0; i < t->nr_rules; i++) {
		const struct ppc_test_rule *rule = &t->rules[i];

		if ((rule->reasons & on) && rule->file == file &&
		    pos < rule->pos + rule->len && rule->pos < pos + len)
			return rule->verdict;
	}
	return PPC_EVICT_DEFAULT;
}

static long test_ioc_counts(struct test *t, void __user *arg)
{
	struct ppc_test_counts counts;

	scoped_guard(spinlock, &t->count_lock)
		counts = t->counts;
	return copy_to_user(arg, &counts, sizeof(counts)) ? -EFAULT : 0;
}

static long test_ioc_rule(struct test *t, void __user *arg)
{
	struct ppc_test_rule rule;

	if (copy_from_user(&rule, arg, sizeof(rule)))
		return -EFAULT;
	guard(spinlock)(&t->count_lock);
	if (t->nr_rules == PPC_TEST_RULES)
		return -ENOSPC;
	t->rules[t->nr_rules++] = rule;
	return 0;
}

/* Accesses that are made up do not consume anything: read all ahead nonetheless. */
static void test_open_window(struct test_stream *s)
{
	guard(spinlock)(&s->stream->lock);
	if (!s->feed)
		s->stream->window.size = BIT_ULL(40);
}

static long test_ioc_stream(struct test *t, void __user *arg)
{
	struct test_stream *s __free(kfree) = kzalloc_obj(*s);
	struct ppc_range *ranges __free(kvfree) = NULL;
	struct ppc_test_stream args;
	u32 i = t->nr_streams;

	static_assert(sizeof(struct ppc_range) == sizeof(struct ppc_test_range));
	static_assert((int)MAIO_DROP_NEVER == (int)TEST_BURN_NEVER &&
		      (int)MAIO_DROP_ALWAYS == (int)TEST_BURN_ALWAYS &&
		      (int)MAIO_DROP_UNDER_PRESSURE == (int)TEST_BURN_TIGHT);
	static_assert(MAIO_GAP_AUTO == TEST_GAP_AUTO);
	if (!s)
		return -ENOMEM;
	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (i == PPC_TEST_STREAMS)
		return -ENOBUFS;
	if (args.nr) {
		ranges = vmemdup_array_user(u64_to_user_ptr(args.ranges),
					    min(args.nr, 1U << 21),
					    sizeof(*ranges));
		if (IS_ERR(ranges))
			return PTR_ERR(ranges);
	}
	s->stream = maio_stream_create(t->att, &t->set, ranges, args.nr,
				       args.node);
	if (IS_ERR(s->stream))
		return PTR_ERR(s->stream);
	s->feed = args.feed;
	test_open_window(s);
	maio_stream_set_drop_mode(s->stream, args.burn, args.gap);
	rcu_assign_pointer(t->streams[i], no_free_ptr(s));
	WRITE_ONCE(t->nr_streams, i + 1);
	return i;
}

static long test_ioc_op(struct test *t, void __user *arg)
{
	struct test_stream *s = NULL;
	struct ppc_test_op args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.stream < t->nr_streams)
		s = rcu_dereference_protected(t->streams[args.stream],
					      lockdep_is_held(&t->lock));
	if (!s)
		return -ENOENT;
	switch (args.op) {
	case TEST_STREAM_START:
		ppc_stream_start(s->stream->stream);
		return 0;
	case TEST_STREAM_STOP:
		ppc_stream_stop(s->stream->stream);
		return 0;
	case TEST_STREAM_RESET:
		maio_stream_reset(s->stream);
		test_open_window(s);
		return 0;
	case TEST_STREAM_DESTROY:
		test_stream_free(t, args.stream);
		return 0;
	}
	return -EINVAL;
}

static long test_ioc_feed(struct test *t, void __user *arg)
{
	struct ppc_test_feed args;
	struct ppc_access access;
	struct test_stream *s = NULL;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	access = (struct ppc_access){
		.type = args.type,
		.file = args.file,
		.uptodate = args.uptodate,
		.tgid = current->tgid,
		.pos = args.pos,
		.len = args.len,
	};
	guard(rcu)();
	if (args.stream < READ_ONCE(t->nr_streams))
		s = rcu_dereference(t->streams[args.stream]);
	return s ? maio_stream_access(s->stream, &access) : -ENOENT;
}

static long test_command(struct test *t, unsigned int cmd, void __user *arg)
{
	u32 answer;

	switch (cmd) {
	case PPC_TEST_IOC_COUNTS:
		return test_ioc_counts(t, arg);
	case PPC_TEST_IOC_RESET:
		scoped_guard(spinlock, &t->count_lock)
			t->counts = (struct ppc_test_counts){};
		return 0;
	case PPC_TEST_IOC_ANSWER:
		if (get_user(answer, (u32 __user *)arg))
			return -EFAULT;
		WRITE_ONCE(t->answer, answer);
		return 0;
	case PPC_TEST_IOC_RULE:
		return test_ioc_rule(t, arg);
	case PPC_TEST_IOC_FEED:
		return test_ioc_feed(t, arg);
	}

	guard(mutex)(&t->lock);
	switch (cmd) {
	case PPC_TEST_IOC_STREAM:
		return test_ioc_stream(t, arg);
	case PPC_TEST_IOC_OP:
		return test_ioc_op(t, arg);
	}
	return -ENOTTY;
}

static long test_ioctl(struct ppc_attachment *att, unsigned int cmd,
		       unsigned long arg)
{
	struct test *t = test_of(att);

	return t ? test_command(t, cmd, (void __user *)arg) : -EIO;
}

static const struct ppc_ops test_ops = {
	.name		= PPC_TEST_POLICY,
	.owner		= THIS_MODULE,
	.attach		= test_attach,
	.detach		= test_detach,
	.files_changed	= test_files_changed,
	.ioctl		= test_ioctl,
	.access		= test_access,
	.next		= maio_stream_next,
	.filled		= maio_stream_filled,
	.drop		= maio_stream_drop,
	.dropped	= maio_stream_dropped,
	.evict		= test_evict,
};

/* A policy that only listens to one thing, and has neither attach nor ioctl. */
static bool bare_access(struct ppc_attachment *att,
			const struct ppc_access *access)
{
	return false;
}

static const struct ppc_ops bare_ops = {
	.name		= "test-bare",
	.owner		= THIS_MODULE,
	.access		= bare_access,
};

static const struct ppc_ops empty_ops = {
	.name		= "",
	.owner		= THIS_MODULE,
	.access		= bare_access,
};

static const struct ppc_ops unterminated_ops = {
	.name		= { [0 ... PPC_POLICY_NAME_MAX - 1] = 'x' },
	.owner		= THIS_MODULE,
	.access		= bare_access,
};

static const struct ppc_ops slash_ops = {
	.name		= "../test",
	.owner		= THIS_MODULE,
	.access		= bare_access,
};

static const struct ppc_ops nothing_ops = {
	.name		= "test-nothing",
	.owner		= THIS_MODULE,
	.attach		= test_attach,
	.detach		= test_detach,
	.ioctl		= test_ioctl,
};

static const struct ppc_ops twice_ops = {
	.name		= PPC_TEST_POLICY,
	.owner		= THIS_MODULE,
	.access		= bare_access,
};

/* Whatever was taken by mistake is gone again before anybody can attach to it. */
static int __init test_try(const struct ppc_ops *ops)
{
	int err = ppc_register_policy(ops);

	/* Of a policy that is not registered, this must do nothing. */
	ppc_unregister_policy(ops);
	return err;
}

static int __init test_init(void)
{
	int err = ppc_register_policy(&test_ops);

	if (err)
		return err;
	err = ppc_register_policy(&bare_ops);
	if (err) {
		ppc_unregister_policy(&test_ops);
		return err;
	}
	reg_empty = test_try(&empty_ops);
	reg_unterminated = test_try(&unterminated_ops);
	reg_slash = test_try(&slash_ops);
	reg_nothing = test_try(&nothing_ops);
	reg_twice = test_try(&twice_ops);
	return 0;
}
module_init(test_init);

static void __exit test_exit(void)
{
	ppc_unregister_policy(&bare_ops);
	ppc_unregister_policy(&test_ops);
}
module_exit(test_exit);

MODULE_DESCRIPTION("page cache policy for selftests");
MODULE_LICENSE("GPL");
