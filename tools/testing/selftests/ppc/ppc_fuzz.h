/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fuzzer share. It consists of worker processes with threads; a thread does
 * one operation after another, each chosen by a hash of the seed, of whose turn it is and of how
 * many went before. So the choice does not depend on what came of the ones before.
 */
#ifndef _PPC_FUZZ_H
#define _PPC_FUZZ_H

#include <linux/ppc_maio.h>

#include "ppc_fuse.h"
#include "ppc_util.h"

#define FUZZ_MAX_THREADS	64
#define FUZZ_MAX_OPS		80
#define FUZZ_MAX_ERRNO		134
#define FUZZ_MAX_NAMED		16	/* files of an attachment that are kept track of */
#define FUZZ_PAGE		4096UL
#define FUZZ_PATH		400

struct fuzz_rng {
	__u64 state;
};

/* SplitMix64. */
static inline __u64 fuzz_next(struct fuzz_rng *rng)
{
	__u64 z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline __u64 fuzz_below(struct fuzz_rng *rng, __u64 n)
{
	return fuzz_next(rng) % n;
}

static inline bool fuzz_one_in(struct fuzz_rng *rng, unsigned int n)
{
	return !fuzz_below(rng, n);
}

/**
 * struct fuzz_file - a regular file
 * @name: for messages
 * @path: where it is
 * @size: bytes at first
 * @base: its pattern is that of this position on
 * @changes: it is written, truncated and so on
 * @hole: it is all zero
 * @fd: open for reading
 * @wfd: open for writing too, if it changes
 */
struct fuzz_file {
	const char *name;
	char path[FUZZ_PATH];
	__u64 size;
	__u64 base;
	bool changes;
	bool hole;
	int fd;
	int wfd;
};

enum fuzz_policy { FUZZ_MAIO, FUZZ_TEST, FUZZ_UNKNOWN };

/**
 * struct fuzz_att - an attachment
 * @fd: its file descriptor
 * @policy: whose it is
 * @nr: length of @files
 * @files: what is attached, as indices of fuzz_files; -1: not known, or removed
 * @streams: streams of the policy "test"
 */
struct fuzz_att {
	int fd;
	enum fuzz_policy policy;
	unsigned int nr;
	__s8 files[FUZZ_MAX_NAMED];
	unsigned int streams;
};

/* What the supervisor sees of a thread. */
struct fuzz_progress {
	__u64 done;
	__u32 op;
	__s32 tid;
};

/* Of all processes. Whoever updates it may be killed at any moment. */
struct fuzz_shared {
	__u32 stop;
	__u32 broken;		/* promises of the interface that were not kept */
	__u32 wrong;		/* reads that were wrong */
	__u64 verified;		/* bytes compared */
	char broken_what[256];
	char wrong_what[256];
	struct fuzz_progress thread[FUZZ_MAX_THREADS];
	__u32 seen[FUZZ_MAX_OPS][FUZZ_MAX_ERRNO + 1];
};

/**
 * struct fuzz - one thread
 * @rng: of the operation under way
 * @worker: number of its process
 * @number: its own, of all
 * @arg: where arguments are built; fuzz_end bytes from here, memory ends
 * @readonly: a page that cannot be written
 * @mapped: a mapping of a file that is attached and truncated
 * @buf: for data
 * @fail: /proc/thread-self/make-it-fail, or -1
 */
struct fuzz {
	struct fuzz_rng rng;
	unsigned int worker;
	unsigned int number;
	char *arg;
	char *readonly;
	char *mapped;
	char *buf;
	int fail;
};

#define FUZZ_ARRAYS	(64 * KB)	/* from @arg on: arrays that arguments point to */
#define FUZZ_TEMPLATE	(256 * KB)	/* and templates */
#define FUZZ_END	(2 * MB)	/* and no memory any more */
#define FUZZ_BUF	(1 * MB)

extern struct fuzz_shared *fuzz_shared;
void fuzz_count(unsigned int op, int err);
void fuzz_broken(const char *what, long value);

/* ppc_fuzz_fds.c */
extern struct fuzz_file fuzz_files[];
extern const unsigned int fuzz_nr_files;
extern struct ppc_fuse fuzz_fuse;
extern int fuzz_dev;
int fuzz_files_make(void);
void fuzz_files_close(void);
int fuzz_files_unmount(void);
int fuzz_pick_file(struct fuzz *f, bool steady);
int fuzz_pick_fd(struct fuzz *f);
bool fuzz_att_get(struct fuzz *f, int policy, struct fuzz_att *att);
void fuzz_att_put(struct fuzz *f, const struct fuzz_att *att);
void fuzz_att_update(const struct fuzz_att *att);
bool fuzz_att_take(struct fuzz *f, struct fuzz_att *att);
pid_t fuzz_fork(void);
void fuzz_verify(const struct fuzz_file *file, const void *mem, __u64 pos, size_t len);
__u64 fuzz_size(int file);

/* ppc_fuzz_ioctl.c */
extern const unsigned int fuzz_nr_calls;
const char *fuzz_call_name(unsigned int call);
unsigned int fuzz_call_weight(unsigned int call);
void fuzz_ioctl(struct fuzz *f, unsigned int call);
int fuzz_load(struct fuzz *f);
int fuzz_attach(enum fuzz_policy policy, const int *fds, unsigned int nr);
__u64 fuzz_odd_number(struct fuzz *f);

/* ppc_fuzz_template.c */
size_t fuzz_template(struct fuzz *f, const struct fuzz_att *att, void *data, bool *invalid);

/* ppc_fuzz_ops.c: everything else that happens meanwhile */
extern const unsigned int fuzz_nr_ops;
extern char fuzz_cgroups[2][256];
const char *fuzz_op_name(unsigned int op);
unsigned int fuzz_op_weight(unsigned int op);
int fuzz_op(struct fuzz *f, unsigned int op);
void fuzz_no_collapse(void *map, size_t len);
bool fuzz_op_begin(void);
void fuzz_op_end(void);

#endif /* _PPC_FUZZ_H */
