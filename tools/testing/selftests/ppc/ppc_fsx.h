/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file exerciser: a file, its shadow in memory, and what is done to both.
 */
#ifndef _PPC_FSX_H
#define _PPC_FSX_H

#include "ppc_util.h"

#define FSX_MAX		(16 * MB)	/* of the file */
#define FSX_PAGE	4096ULL
#define FSX_LOG		48		/* last operations that are shown */

enum fsx_kind {
	FSX_READ	= 1,	/* checks, and changes nothing */
	FSX_CHANGE	= 2,	/* of content */
	FSX_RESIZE	= 4,	/* of content and size */
	FSX_OTHER	= 8,
};

struct fsx_log {
	long nr;
	const char *name;
	__u64 pos;
	__u64 len;
	__u64 size;	/* before it */
	long ret;
};

/**
 * struct fsx - a file and what it ought to contain
 * @random: state of the random numbers
 * @path: of the file
 * @dir: where its file system is mounted
 * @fd: of the file
 * @direct: likewise, with O_DIRECT
 * @pipe: to splice through
 * @shadow: what is in the file; zero behind its end
 * @size: of the file
 * @map: all of it, mapped for as long as it is mounted
 * @buf: as large as the file may get, for O_DIRECT
 * @nr: of the operation
 * @now: what is being done
 * @wrong: a byte was
 * @log: of the last operations
 * @before_umount: called before the file is closed, to let go of it
 * @after_mount: called when it is open again
 * @arg: for both
 */
struct fsx {
	__u64 random;
	char path[256];
	char dir[200];
	int fd;
	int direct;
	int pipe[2];
	__u8 *shadow;
	__u64 size;
	__u8 *map;
	__u8 *buf;
	long nr;
	struct fsx_log now;
	bool wrong;
	struct fsx_log log[FSX_LOG];
	int (*before_umount)(void *arg);
	void (*after_mount)(void *arg);
	void *arg;
};

/**
 * struct fsx_op - an operation on a range of the file
 * @name: in the log
 * @kind: enum fsx_kind
 * @weight: how often it is done
 * @run: does it to file and shadow; 0 or -errno, -EOPNOTSUPP where the file
 *	system cannot do it
 */
struct fsx_op {
	const char *name;
	enum fsx_kind kind;
	unsigned int weight;
	long (*run)(struct fsx *f, __u64 pos, __u64 len);
};

extern const struct fsx_op fsx_ops[];
extern const unsigned int fsx_nr_ops;

__u64 fsx_random(struct fsx *f, __u64 end);
int fsx_open(struct fsx *f);
int fsx_fill(struct fsx *f, __u64 size);
void fsx_close(struct fsx *f);
int fsx_remount(struct fsx *f);
long fsx_check(struct fsx *f, const void *is, __u64 pos, __u64 len);
long fsx_check_all(struct fsx *f);

#endif /* _PPC_FSX_H */
