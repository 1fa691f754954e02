/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * MAIO, the page cache policy for loading models: its ioctls on an attachment
 * and the form of an I/O template.
 */
#ifndef _UAPI_LINUX_PPC_MAIO_H
#define _UAPI_LINUX_PPC_MAIO_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/ppc.h>
#include <linux/types.h>

/*
 * An I/O template, little-endian and without padding:
 *
 *	struct maio_template_header
 *	struct maio_template_file	[nr_files]
 *	struct maio_template_group	[nr_groups]
 *	struct maio_template_extent	[nr_extents]
 *
 * The groups own the extents in order: group 0 the first nr_extents ones, and
 * so on. A file index is the file's place in the attachment.
 */
#define MAIO_TEMPLATE_MAGIC	0x4f49414d	/* "MAIO" */
#define MAIO_TEMPLATE_VERSION	1

/* Extents count in units of 4 KiB, whatever the page size is. */
#define MAIO_EXTENT_SHIFT	12

#define MAIO_MAX_FILES		16384
#define MAIO_MAX_GROUPS		1024
#define MAIO_MAX_EXTENTS	1048576

/*
 * Header flag: the recorded load read data within half a second of its first access. A
 * replay then reads further ahead of the first access.
 */
#define MAIO_TEMPLATE_EAGER	_BITUL(0)
/*
 * Header flag: nobody has recorded it, as of a template made from the headers of the
 * files. A replay then looks closely at what readers take of what was read ahead.
 */
#define MAIO_TEMPLATE_GUESS	_BITUL(1)
/*
 * Header flag: the recorded load read more than a quarter of it again. A replay then drops
 * what it is to drop at the end, and not behind the reader.
 */
#define MAIO_TEMPLATE_PASSES	_BITUL(2)
#define MAIO_TEMPLATE_FLAGS	(MAIO_TEMPLATE_EAGER | MAIO_TEMPLATE_GUESS | MAIO_TEMPLATE_PASSES)

/**
 * struct maio_template_header - what follows, and whether it is whole
 * @magic: MAIO_TEMPLATE_MAGIC
 * @version: MAIO_TEMPLATE_VERSION
 * @flags: MAIO_TEMPLATE_*
 * @size: bytes of the whole template, this header included
 * @nr_files: files; at most as many as the attachment has
 * @nr_groups: I/O groups, one a worker process
 * @nr_extents: extents of all groups
 * @crc: crc32 (IEEE, as zlib's) of the whole template with @crc zero
 * @reserved: must be zero
 */
struct maio_template_header {
	__le32 magic;
	__le16 version;
	__le16 flags;
	__le32 size;
	__le32 nr_files;
	__le32 nr_groups;
	__le32 nr_extents;
	__le32 crc;
	__le32 reserved;
};

/**
 * struct maio_template_file - the file as it was when recorded
 * @size: bytes; a file of another size now makes the template stale
 */
struct maio_template_file {
	__le64 size;
};

/**
 * struct maio_template_group - one worker's part of the load
 * @nr_extents: extents, in the order of first access; at least one
 * @flags: must be zero
 */
struct maio_template_group {
	__le32 nr_extents;
	__le32 flags;
};

/**
 * struct maio_template_extent - a run of one file
 * @file: file index
 * @start: first unit of 4 KiB
 * @count: units; at least one; the last may reach past the end of the file
 */
struct maio_template_extent {
	__le32 file;
	__le32 start;
	__le32 count;
};

/**
 * struct maio_template_io - a template to hand over
 * @buf: pointer to the template
 * @len: bytes at @buf; GET sets it to the template's size, also on -ENOSPC
 */
struct maio_template_io {
	__u64 buf;
	__u64 len;
};

enum maio_mode {
	MAIO_MODE_KEEP,		/* leave consumed pages to the kernel */
	MAIO_MODE_BURN,		/* drop them behind the reader */
	MAIO_MODE_AUTO,		/* likewise, when memory is short, unless they return */
};

/**
 * struct maio_mode_args - what to do with consumed pages
 * @mode: enum maio_mode
 * @node: NUMA node to read ahead to; -1: wherever the kernel likes
 * @gap: bytes behind the reader not to drop; 0: chosen from the budget, the
 *	memory there is and how much the readers take at a time, as it also is
 *	of a group that more than one process reads
 */
struct maio_mode_args {
	__u32 mode;
	__s32 node;
	__u64 gap;
};

#define MAIO_STATE_RECORDING	_BITUL(0)
#define MAIO_STATE_REPLAYING	_BITUL(1)
#define MAIO_STATE_TEMPLATE	_BITUL(2)	/* one is set or recorded */

/**
 * struct maio_status - where MAIO stands
 * @state: MAIO_STATE_*
 * @mode: enum maio_mode
 * @node: as set, or -1
 * @nr_groups: groups of the template
 * @gap: as set, bytes
 * @template_bytes: bytes of model the template covers
 * @resident_at_start: bytes of the files that were cached when the recording
 *	began; it saw little of them
 * @bound_groups: groups a process has been matched to
 * @nr_extents: extents of the template
 */
struct maio_status {
	__u32 state;
	__u32 mode;
	__s32 node;
	__u32 nr_groups;
	__u64 gap;
	__u64 template_bytes;
	__u64 resident_at_start;
	__u32 bound_groups;
	__u32 nr_extents;
};

/**
 * struct maio_group_info - one I/O group of the replay
 * @group: which one; given
 * @pid: process that it has been matched or bound to, in the caller's pid
 *	namespace; 0: none, or one that is not seen from there
 * @node: node its pages are read to, or -1
 * @reserved: zero
 * @bytes: all of it
 * @seen: bytes its process has gone through, roughly
 */
struct maio_group_info {
	__u32 group;
	__u32 pid;
	__s32 node;
	__u32 reserved;
	__u64 bytes;
	__u64 seen;
};

/**
 * struct maio_bind - whom a group of the replay is for
 * @group: which one
 * @pid: process in the caller's pid namespace, which is not matched to another
 *	group any more; 0: leave that to matching
 * @node: node to read its pages to; -1: as MAIO_IOC_SET_MODE says
 * @reserved: must be zero
 *
 * What groups on different nodes share lies where it was read first.
 */
struct maio_bind {
	__u32 group;
	__u32 pid;
	__s32 node;
	__u32 reserved;
};

/*
 * On an attachment whose policy is "maio". It polls as readable when a process
 * has been matched to a group since the last MAIO_IOC_STATUS. GROUP and BIND
 * fail with -ENODATA without a replay, with -ENOENT if there is no such group;
 * BIND with -ESRCH if there is no such process.
 */
#define MAIO_IOC_RECORD_START	_IO(PPC_IOC_MAGIC, 0x40)
#define MAIO_IOC_RECORD_STOP	_IO(PPC_IOC_MAGIC, 0x41)
#define MAIO_IOC_GET_TEMPLATE	_IOWR(PPC_IOC_MAGIC, 0x42, struct maio_template_io)
#define MAIO_IOC_SET_TEMPLATE	_IOW(PPC_IOC_MAGIC, 0x43, struct maio_template_io)
#define MAIO_IOC_REPLAY_START	_IO(PPC_IOC_MAGIC, 0x44)
#define MAIO_IOC_REPLAY_STOP	_IO(PPC_IOC_MAGIC, 0x45)
#define MAIO_IOC_SET_MODE	_IOW(PPC_IOC_MAGIC, 0x46, struct maio_mode_args)
#define MAIO_IOC_STATUS		_IOR(PPC_IOC_MAGIC, 0x47, struct maio_status)
#define MAIO_IOC_GROUP		_IOWR(PPC_IOC_MAGIC, 0x48, struct maio_group_info)
#define MAIO_IOC_BIND		_IOW(PPC_IOC_MAGIC, 0x49, struct maio_bind)

#endif /* _UAPI_LINUX_PPC_MAIO_H */
