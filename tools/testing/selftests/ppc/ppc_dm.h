/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A block device under a file system that can be made to hang or to fail.
 */
#ifndef _PPC_DM_H
#define _PPC_DM_H

#include <linux/types.h>

/**
 * struct ppc_disk - an ext4 on a device-mapper device on a null_blk device
 * @name: of both devices
 * @dir: where it is mounted
 * @minor: of the device-mapper device, or -1
 * @watch: pipe to whoever resumes the device if we do not, or -1
 */
struct ppc_disk {
	char name[32];
	char dir[128];
	int minor;
	int watch;
};

int ppc_disk_make(struct ppc_disk *disk, unsigned int mb);
void ppc_disk_remove(struct ppc_disk *disk);
int ppc_disk_suspend(struct ppc_disk *disk);
int ppc_disk_resume(struct ppc_disk *disk);
int ppc_disk_badblocks(struct ppc_disk *disk, __u64 byte, __u64 len, int bad);
__s64 ppc_file_on_disk(int fd, __u64 pos);

#endif /* _PPC_DM_H */
