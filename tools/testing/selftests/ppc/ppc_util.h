/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the page cache policies share. Functions that can fail
 * return -errno. Those that count end the process if they cannot, since a count
 * of nothing is what many tests want to see.
 */
#ifndef _PPC_UTIL_H
#define _PPC_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ppc.h>

#include "test_policy/ppc_test.h"

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE	0x00000080
#endif

#define KB		1024ULL
#define MB		(1024 * KB)
#define PPC_PATIENCE	60	/* seconds */
#define PPC_WINDOW_START	(16 * MB)	/* MAIO reads ahead at first */
#define PPC_DEV		"/dev/ppc"
#define PPC_PARAMS	"/sys/module/ppc_test/parameters/"
#define PPC_LIMITS	"/proc/sys/user/max_ppc_"
#define PPC_SYSFS	"/sys/kernel/mm/ppc/"
#define PPC_UID		4711	/* somebody without rights */
#define PPC_OTHER_UID	4712

/* Wait for something to come true. */
#define PPC_WAIT(cond) ({						\
	time_t _until = time(NULL) + PPC_PATIENCE;			\
	bool _is;							\
	while (!(_is = (cond)) && time(NULL) < _until)			\
		usleep(20000);						\
	_is;								\
})

/* A test that does not look whether this worked may pass for that reason. */
#define __ppc_checked	__attribute__((__warn_unused_result__))

/* What cannot be found out must not pass: a failed @call ends the process. */
#define PPC_MUST(call)	ppc_must(call, #call)
long ppc_must(long ret, const char *call);

void ppc_env_begin(const char *argv0);
bool ppc_dir(const char *fs, char *dir, size_t len);

/* Files of the kernel. */
int ppc_write(const char *path, const char *text);
long ppc_read_long(const char *path);
int ppc_read_text(const char *path, char *text, size_t len);

/* Files with known content. */
int ppc_make_file(const char *path, __u64 size);
int ppc_make_hole(const char *path, __u64 size);
void ppc_pattern(void *buf, __u64 pos, size_t len);
__ppc_checked long ppc_verify(int fd, __u64 pos, __u64 len);
__ppc_checked long ppc_verify_mem(const void *mem, __u64 pos, __u64 len);
__ppc_checked long ppc_read(int fd, __u64 pos, __u64 len, size_t step);
__ppc_checked __u64 ppc_follow(int fd, __u64 pos, __u64 len, __u64 step);
void ppc_touch(const char *map, __u64 pos, __u64 len);
__ppc_checked int ppc_drop(int fd);
long ppc_cached(int fd, __u64 pos, __u64 len);
static inline long ppc_cached_all(int fd) { return ppc_cached(fd, 0, 0); }
long ppc_resident(const char *map, __u64 pos, __u64 len);
long ppc_pages_on(const char *map, __u64 len, int node);
long ppc_large_pages(const char *map, __u64 len);
__u64 ppc_disk_bytes(int fd);

/* Attachments. */
__ppc_checked int ppc_attach_as(const char *policy, struct ppc_attach args);
__ppc_checked int ppc_attach(const char *policy, __u64 flags, const int *fds,
			     unsigned int nr, __u64 budget, __u64 keep_budget);
__ppc_checked int ppc_attach_for(pid_t pid, const char *policy, const int *fds,
				 unsigned int nr, __u64 budget);
__ppc_checked int ppc_attach_one(int fd);
int ppc_detach(int att);
__ppc_checked int ppc_stats(int att, struct ppc_stats *stats);
__u64 ppc_settled(int att);

/* An ioctl as it would be with another size of its argument. */
static inline unsigned long ppc_sized(unsigned long ioc, size_t size)
{
	return _IOC(_IOC_DIR(ioc), _IOC_TYPE(ioc), _IOC_NR(ioc), size);
}

/* The policy "test". */
struct ppc_test_counts ppc_counts(int att);
__u64 ppc_count_all(int att);
void ppc_count_reset(int att);
__ppc_checked int ppc_answer(int att, __u32 answer);
__ppc_checked int ppc_rule(int att, __u32 file, __u32 verdict, __u32 reasons,
			   __u64 pos, __u64 len);
__ppc_checked int ppc_stream(int att, const struct ppc_test_range *ranges,
			     unsigned int nr, int node, bool feed, __u32 burn,
			     __u64 gap);
__ppc_checked int ppc_stream_one(int att, __u64 pos, __u64 len, bool feed,
				 __u32 burn, __u64 gap);
__ppc_checked int ppc_stream_op(int att, int stream, __u32 op);
int ppc_feed(int att, int stream, __u32 type, __u64 pos, __u64 len);
long ppc_param(const char *name);
int ppc_insmod(void);
int ppc_load_policy(const char *name);

/* The policy "maio". */
bool ppc_have_maio(void);
__u32 ppc_crc32(const void *data, size_t len);

/* Users, processes and control groups. */
__ppc_checked int ppc_become(uid_t uid);
__ppc_checked int ppc_in_child(int (*fn)(void *arg), void *arg);
bool ppc_sleeps_in(pid_t tid, long nr, unsigned long arg);
__ppc_checked int ppc_cg_make(const char *name, char *dir, size_t len);
__ppc_checked int ppc_cg_set(const char *dir, const char *file, const char *text);
long ppc_cg_stat(const char *dir, const char *file, const char *key);
__ppc_checked int ppc_cg_enter(const char *dir);
void ppc_cg_remove(const char *dir);

#endif /* _PPC_UTIL_H */
