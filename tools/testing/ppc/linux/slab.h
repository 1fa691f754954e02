/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PPC_LINUX_SLAB_H
#define _PPC_LINUX_SLAB_H

#include <linux/overflow.h>

#define GFP_KERNEL		1
#define GFP_KERNEL_ACCOUNT	2
#define __GFP_ZERO		4

/* So many allocations succeed, the next one fails; negative: none does. */
extern long shim_allocations;

void *shim_alloc(size_t nr, size_t size, unsigned int gfp);
void shim_free(const void *memory);

#define kmalloc(size, gfp)			shim_alloc(1, size, gfp)
#define kzalloc(size, gfp)			shim_alloc(1, size, (gfp) | __GFP_ZERO)
#define kmalloc_array(nr, size, gfp)		shim_alloc(nr, size, gfp)
#define kcalloc(nr, size, gfp)			shim_alloc(nr, size, (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp)			kmalloc(size, gfp)
#define kvzalloc(size, gfp)			kzalloc(size, gfp)
#define kvmalloc_array(nr, size, gfp)		kmalloc_array(nr, size, gfp)
#define kvcalloc(nr, size, gfp)			kcalloc(nr, size, gfp)
#define kzalloc_obj(object, gfp)		kzalloc(sizeof(object), gfp)
#define kfree(memory)				shim_free(memory)
#define kvfree(memory)				shim_free(memory)

#endif /* _PPC_LINUX_SLAB_H */
