/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE file system of one file, which holds ppc_pattern(). Its server is a process of its own
 * that can be slowed down, and that can stop answering.
 */
#ifndef _PPC_FUSE_H
#define _PPC_FUSE_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/types.h>

/* The file's name. */
#define PPC_FUSE_FILE	"file"

/**
 * struct ppc_fuse_options - what to serve; zero is a default
 * @size: bytes of the file
 * @base: its pattern is that of this position on; a multiple of 8
 * @max_background: reads ahead that the kernel may have under way
 * @congestion_threshold: of these, how many mean congestion
 */
struct ppc_fuse_options {
	__u64 size;
	__u64 base;
	__u16 max_background;
	__u16 congestion_threshold;
};

/* Shared with the server; all of it may be read while it runs. */
struct ppc_fuse_state {
	__u32 delay_ms;		/* before each read is answered */
	__u32 stopped;		/* nothing is answered */
	__u32 held;		/* requests that wait for it to go on */
	__u64 reads;		/* answered */
	__u64 read_bytes;
};

struct ppc_fuse {
	char dir[256];
	pid_t server;
	struct ppc_fuse_state *state;
};

int ppc_fuse_mount(struct ppc_fuse *fuse, const char *dir, const struct ppc_fuse_options *options);
void ppc_fuse_delay(struct ppc_fuse *fuse, unsigned int ms);
void ppc_fuse_stop(struct ppc_fuse *fuse, bool stop);
int ppc_fuse_unmount(struct ppc_fuse *fuse);

#endif /* _PPC_FUSE_H */
