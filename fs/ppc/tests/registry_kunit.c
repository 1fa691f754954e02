// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the registry: which policies are taken, and which are not.
 * Policies are never asked anything here; no file is attached to them.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/ppc.h>
#include <linux/string.h>

static bool no_access(struct ppc_attachment *att,
		      const struct ppc_access *access)
{
	return false;
}

static bool no_work(struct ppc_stream *stream, struct ppc_range *range)
{
	return false;
}

static enum ppc_verdict no_evict(struct ppc_attachment *att, u32 file, u64 pos,
				 u64 len, enum ppc_evict_reason reason)
{
	return PPC_EVICT_DEFAULT;
}

static int no_attach(struct ppc_attachment *att)
{
	return 0;
}

static void no_detach(struct ppc_attachment *att)
{
}

static long no_ioctl(struct ppc_attachment *att, unsigned int cmd,
		     unsigned long arg)
{
	return 0;
}

static void unregister(void *ops)
{
	ppc_unregister_policy(ops);
}

/* Freed after it was unregistered, however the test ends. */
static struct ppc_ops *make_policy(struct kunit *test, const char *name)
{
	struct ppc_ops *ops = kunit_kzalloc(test, sizeof(*ops), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ops);
	strscpy(ops->name, name);
	ops->owner = THIS_MODULE;
	ops->access = no_access;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unregister, ops),
			0);
	return ops;
}

static void registry_names(struct kunit *test)
{
	static const char * const good[] = {
		"k", "kunit-0", "kunit_0", "KUNIT", "0", "-", "_",
		"kunit-012345678",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct ppc_ops *ops = make_policy(test, good[i]);

		KUNIT_EXPECT_EQ_MSG(test, ppc_register_policy(ops), 0, "\"%s\"",
				    good[i]);
		ppc_unregister_policy(ops);
	}
}

static void registry_bad_names(struct kunit *test)
{
	static const char * const bad[] = {
		"", " ", "kunit 0", "kunit.0", "kunit/0", "../kunit", "kunit\n",
		"\nkunit", "kunit%s", "kunit*", "kunit,0", "kunit\t", "kunit\x7f",
		"\x01", "kunit\xe4", "kunit\xc3\xa4", "\xff",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ppc_ops *ops = make_policy(test, bad[i]);

		KUNIT_EXPECT_EQ_MSG(test, ppc_register_policy(ops), -EINVAL,
				    "bad name %d", i);
		ppc_unregister_policy(ops);
	}
}

/* Without an end, and with something behind the end. */
static void registry_name_end(struct kunit *test)
{
	struct ppc_ops *ops = make_policy(test, "");

	memset(ops->name, 'k', sizeof(ops->name));
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), -EINVAL);
	ops->name[sizeof(ops->name) - 1] = '\0';
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
	ppc_unregister_policy(ops);

	memset(ops->name, ' ', sizeof(ops->name));
	ops->name[0] = 'k';
	ops->name[1] = '\0';
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
}

/* One that decides nothing is none; each decision alone makes one. */
static void registry_callbacks(struct kunit *test)
{
	struct ppc_ops *ops = make_policy(test, "kunit-0");

	ops->access = NULL;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), -EINVAL);
	ops->attach = no_attach;
	ops->detach = no_detach;
	ops->files_changed = no_detach;
	ops->ioctl = no_ioctl;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), -EINVAL);

	ops->next = no_work;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
	ppc_unregister_policy(ops);
	ops->next = NULL;
	ops->drop = no_work;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
	ppc_unregister_policy(ops);
	ops->drop = NULL;
	ops->evict = no_evict;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
}

/* What is built in has no module. */
static void registry_no_owner(struct kunit *test)
{
	struct ppc_ops *ops = make_policy(test, "kunit-0");

	ops->owner = NULL;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
}

static void registry_duplicates(struct kunit *test)
{
	struct ppc_ops *ops = make_policy(test, "kunit-0");
	struct ppc_ops *same = make_policy(test, "kunit-0");
	struct ppc_ops *other = make_policy(test, "kunit-00");
	struct ppc_ops *capital = make_policy(test, "KUNIT-0");

	KUNIT_ASSERT_EQ(test, ppc_register_policy(ops), 0);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), -EEXIST);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(same), -EEXIST);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(other), 0);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(capital), 0);
	/* A bad one is bad before it is a duplicate. */
	same->access = NULL;
	KUNIT_EXPECT_EQ(test, ppc_register_policy(same), -EINVAL);
}

/* Only who has the name can give it up. */
static void registry_unregister(struct kunit *test)
{
	struct ppc_ops *ops = make_policy(test, "kunit-0");
	struct ppc_ops *same = make_policy(test, "kunit-0");

	ppc_unregister_policy(ops);
	KUNIT_ASSERT_EQ(test, ppc_register_policy(ops), 0);
	ppc_unregister_policy(same);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(same), -EEXIST);
	ppc_unregister_policy(ops);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(same), 0);
	ppc_unregister_policy(ops);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), -EEXIST);
	ppc_unregister_policy(same);
	ppc_unregister_policy(same);
	KUNIT_EXPECT_EQ(test, ppc_register_policy(ops), 0);
}

static struct kunit_case registry_cases[] = {
	KUNIT_CASE(registry_names),
	KUNIT_CASE(registry_bad_names),
	KUNIT_CASE(registry_name_end),
	KUNIT_CASE(registry_callbacks),
	KUNIT_CASE(registry_no_owner),
	KUNIT_CASE(registry_duplicates),
	KUNIT_CASE(registry_unregister),
	{}
};

static struct kunit_suite registry_suite = {
	.name = "ppc_registry",
	.test_cases = registry_cases,
};

kunit_test_suite(registry_suite);

MODULE_DESCRIPTION("KUnit tests of the programmable page cache");
MODULE_LICENSE("GPL");
