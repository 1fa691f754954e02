/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Programmable page cache: the ABI of /dev/ppc and of attachments.
 */
#ifndef _UAPI_LINUX_PPC_H
#define _UAPI_LINUX_PPC_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define PPC_ABI_VERSION		1

/* A policy's name, with its terminating NUL. */
#define PPC_POLICY_NAME_MAX	16

/* Node counters in struct ppc_stats; the last one also takes higher nodes. */
#define PPC_STATS_NODES		16

/*
 * Every struct below may grow at its end. Its size travels in the ioctl
 * number: the kernel takes a shorter one as if zero-filled, and a longer one
 * when what it does not know is zero (-E2BIG otherwise).
 */

/**
 * struct ppc_features - what this kernel's page cache policies can do
 * @abi_version: PPC_ABI_VERSION of the running kernel
 * @enabled: 1, or 0 when the kill switch is thrown and attaching is refused
 * @attach_flags: PPC_ATTACH_* flags that are known
 * @stride: bytes of progress between two events of a steady reader
 * @max_files: most files in one attachment
 * @max_attachments: most attachments of one file
 * @default_budget: bytes read ahead of the reader when no budget is given
 */
struct ppc_features {
	__u32 abi_version;
	__u32 enabled;
	__u64 attach_flags;
	__u64 stride;
	__u32 max_files;
	__u32 max_attachments;
	__u64 default_budget;
};

/* Let the policy's evict callback keep pages; needs CAP_SYS_RESOURCE. */
#define PPC_ATTACH_MAY_KEEP	_BITULL(0)

/**
 * struct ppc_attach - bind a policy to files
 * @flags: PPC_ATTACH_*
 * @policy: name of a registered policy
 * @fds: pointer to an array of __s32, files open for reading
 * @nr_fds: how many; a file's place in the array is its file index
 * @pid: a process, as the one that starts a load: what it and its descendants
 *	access is for this attachment, and not for others of the file that have a
 *	@pid; if they descend from several, the nearest has them; 0: none
 * @budget: bytes to read ahead of all readers at most, and of each a part of it
 *	at least; 0: the default, which only CAP_SYS_RESOURCE may exceed
 * @keep_budget: bytes that reclaim may be asked to keep, with MAY_KEEP
 * @max_resident: bytes of the files that may be cached before reading ahead
 *	waits until some are dropped; 0: as many as there is memory for
 */
struct ppc_attach {
	__u64 flags;
	char policy[PPC_POLICY_NAME_MAX];
	__u64 fds;
	__u32 nr_fds;
	__s32 pid;
	__u64 budget;
	__u64 keep_budget;
	__u64 max_resident;
};

/**
 * struct ppc_files - files to add to or to remove from an attachment
 * @fds: pointer to an array of __s32 (add) or of ascending __u32 file indices
 *	(remove)
 * @nr: how many
 * @first: must be zero; set by add: the index of the first file added
 */
struct ppc_files {
	__u64 fds;
	__u32 nr;
	__u32 first;
};

/**
 * struct ppc_stats - what an attachment has seen and done
 * @files: files attached
 * @stopped_files: of these, files that changed and are left alone for good
 * @events_miss: reads that found nothing cached
 * @events_marker: readahead markers come upon
 * @events_fault: faults that got as far as the page cache
 * @events_consume: strides read to their end
 * @prefetched_bytes: read ahead on behalf of the policy
 * @useful_bytes: of these, bytes a reader has since passed
 * @late_bytes: bytes a reader came to while they were still being read
 * @wasted_bytes: prefetched, and dropped or left behind unread
 * @burned_bytes: dropped once consumed
 * @refaulted_bytes: dropped, and then asked for again
 * @kept_bytes: bytes reclaim passed over because the policy said keep
 * @evicted_first_bytes: bytes reclaim took because the policy said go first
 * @unburnable_bytes: consumed, but still mapped by others, locked or dirty
 * @ahead_bytes: prefetched and not consumed yet, now
 * @interrupts: times a prefetch stream was moved by an access elsewhere
 * @batches: batches submitted
 * @budget_waits: times a stream waited for its readers
 * @memory_waits: times a stream waited for memory
 * @errors: batches passed over because their file changed or was removed, and
 *	folios whose read failed
 * @fallbacks: times the attachment gave up and left all to the stock kernel
 * @node_bytes: prefetched bytes by the NUMA node they lie on
 */
struct ppc_stats {
	__u64 files;
	__u64 stopped_files;
	__u64 events_miss;
	__u64 events_marker;
	__u64 events_fault;
	__u64 events_consume;
	__u64 prefetched_bytes;
	__u64 useful_bytes;
	__u64 late_bytes;
	__u64 wasted_bytes;
	__u64 burned_bytes;
	__u64 refaulted_bytes;
	__u64 kept_bytes;
	__u64 evicted_first_bytes;
	__u64 unburnable_bytes;
	__u64 ahead_bytes;
	__u64 interrupts;
	__u64 batches;
	__u64 budget_waits;
	__u64 memory_waits;
	__u64 errors;
	__u64 fallbacks;
	__u64 node_bytes[PPC_STATS_NODES];
};

#define PPC_IOC_MAGIC		0xBC

/*
 * On /dev/ppc. ATTACH returns the attachment's file descriptor, or
 *
 * -EOPNOTSUPP	the kill switch is thrown; PPC_ATTACH_MAY_KEEP without
 *		CONFIG_FS_PPC_RECLAIM; or a file is not read through the page
 *		cache from a device (tmpfs, hugetlbfs, DAX; an overlay of FUSE or
 *		of a network file system), or is filled on access by a listener of
 *		fanotify
 * -EINVAL	unknown flags, @reserved or @keep_budget not zero, no files, no or
 *		an endless policy name; or not a regular file
 * -EPERM	a file that the caller neither owns nor may write to, on overlayfs
 *		also that with the data; PPC_ATTACH_MAY_KEEP without
 *		CAP_SYS_RESOURCE; or only administrators may attach
 *		(/sys/kernel/mm/ppc/attach)
 * -ENOENT	no such policy
 * -EBADF	a file is not open, or not for reading
 * -ETXTBSY	a file is swapped to
 * -E2BIG	more files than @max_files of struct ppc_features, those since
 *		removed included
 * -ENOSPC	a file has @max_attachments already
 * -EDQUOT	the user has attached all he may (/proc/sys/user/max_ppc_*)
 * -EMFILE, -ENFILE, -ENOMEM, -EFAULT, -EINTR	as ever
 *
 * or what the policy says. Nothing is attached then.
 */
#define PPC_IOC_FEATURES	_IOR(PPC_IOC_MAGIC, 0x00, struct ppc_features)
#define PPC_IOC_ATTACH		_IOW(PPC_IOC_MAGIC, 0x01, struct ppc_attach)

/*
 * On an attachment. poll(2) says POLLIN when the policy has news, which it says
 * how to fetch, and POLLHUP once the end has begun.
 *
 * DETACH waits until everything is let go of, and may be
 * called again; it can be killed. Once the end has begun, ADD_FILES,
 * REMOVE_FILES and the policy's ioctls fail with -ENODEV; STATS goes on.
 *
 * ADD_FILES fails as ATTACH does where it looks at files. REMOVE_FILES fails
 * with -EINVAL if there are no indices, they do not ascend or @first is not
 * zero, with -E2BIG if there are more than @max_files, and with -ENOENT if one
 * is not there. Neither does anything when it fails, but that ADD_FILES may
 * have used up indices.
 */
#define PPC_IOC_ADD_FILES	_IOWR(PPC_IOC_MAGIC, 0x10, struct ppc_files)
#define PPC_IOC_REMOVE_FILES	_IOW(PPC_IOC_MAGIC, 0x11, struct ppc_files)
#define PPC_IOC_DETACH		_IO(PPC_IOC_MAGIC, 0x12)
#define PPC_IOC_STATS		_IOR(PPC_IOC_MAGIC, 0x13, struct ppc_stats)

/* Numbers from here on belong to the attached policy. */
#define PPC_IOC_POLICY_FIRST	0x40

#endif /* _UAPI_LINUX_PPC_H */
