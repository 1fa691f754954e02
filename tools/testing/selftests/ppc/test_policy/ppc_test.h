/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of the policy "test" on its attachments.
 */
#ifndef _PPC_TEST_H
#define _PPC_TEST_H

#include <linux/ioctl.h>
#include <linux/ppc.h>
#include <linux/types.h>

#define PPC_TEST_POLICY		"test"
#define PPC_TEST_TYPES		5	/* as enum ppc_access_type */
#define PPC_TEST_RULES		16
#define PPC_TEST_STREAMS	1100

enum ppc_test_type {
	TEST_MISS,
	TEST_MARKER,
	TEST_FAULT,
	TEST_FAULT_MISS,
	TEST_CONSUME,
};

/**
 * struct ppc_test_counts - what callbacks an attachment has had
 * @accesses: by type
 * @files_changed: calls
 * @evict_reclaim: calls by reclaim
 * @evict_kswapd: of these, by kswapd
 * @evict_drop: calls by a stream that drops
 * @last_type: of the last access
 * @last_file: file index
 * @last_uptodate: the folio was
 * @last_tgid: who
 * @last_pos: first byte
 * @last_len: bytes
 */
struct ppc_test_counts {
	__u64 accesses[PPC_TEST_TYPES];
	__u64 files_changed;
	__u64 evict_reclaim;
	__u64 evict_kswapd;
	__u64 evict_drop;
	__u32 last_type;
	__u32 last_file;
	__u32 last_uptodate;
	__u32 last_tgid;
	__u64 last_pos;
	__u64 last_len;
};

/* What access() returns. */
#define TEST_ANSWER_STOCK	0
#define TEST_ANSWER_TAKEN	1
#define TEST_ANSWER_STREAM	1000	/* taken where a stream covers it */

#define TEST_ON_RECLAIM		1
#define TEST_ON_DROP		2

/**
 * struct ppc_test_rule - what evict() returns for some bytes
 * @file: file index
 * @verdict: enum ppc_verdict, or nonsense
 * @reasons: TEST_ON_*
 * @reserved: zero
 * @pos: first byte
 * @len: bytes
 */
struct ppc_test_rule {
	__u32 file;
	__u32 verdict;
	__u32 reasons;
	__u32 reserved;
	__u64 pos;
	__u64 len;
};

/* As struct ppc_range of the kernel. */
struct ppc_test_range {
	__u32 file;
	__u32 reserved;
	__u64 pos;
	__u64 len;
};

/* As enum maio_drop_mode. */
enum ppc_test_burn {
	TEST_BURN_NEVER,
	TEST_BURN_ALWAYS,
	TEST_BURN_TIGHT,
};

#define TEST_GAP_AUTO		(~0ULL)

struct ppc_test_stream {
	__u64 ranges;
	__u32 nr;
	__s32 node;
	__u32 burn;	/* enum ppc_test_burn */
	__u32 feed;	/* hand it the accesses that the hooks see */
	__u64 gap;
};

enum ppc_test_stream_op {
	TEST_STREAM_START,
	TEST_STREAM_STOP,
	TEST_STREAM_RESET,
	TEST_STREAM_DESTROY,
};

struct ppc_test_op {
	__u32 stream;
	__u32 op;
};

/* An access made up; the ioctl returns enum ppc_stream_hit. */
struct ppc_test_feed {
	__u32 stream;
	__u32 type;
	__u32 file;
	__u32 uptodate;
	__u64 pos;
	__u64 len;
};

#define PPC_TEST_IOC_COUNTS	_IOR(PPC_IOC_MAGIC, 0x60, struct ppc_test_counts)
#define PPC_TEST_IOC_RESET	_IO(PPC_IOC_MAGIC, 0x61)
#define PPC_TEST_IOC_ANSWER	_IOW(PPC_IOC_MAGIC, 0x62, __u32)
#define PPC_TEST_IOC_RULE	_IOW(PPC_IOC_MAGIC, 0x63, struct ppc_test_rule)
#define PPC_TEST_IOC_STREAM	_IOW(PPC_IOC_MAGIC, 0x64, struct ppc_test_stream)
#define PPC_TEST_IOC_OP		_IOW(PPC_IOC_MAGIC, 0x65, struct ppc_test_op)
#define PPC_TEST_IOC_FEED	_IOW(PPC_IOC_MAGIC, 0x66, struct ppc_test_feed)

#endif /* _PPC_TEST_H */
