// SPDX-License-Identifier: GPL-2.0
/*
 * What the logic calls of the kernel and tools/lib does not have.
 */
#include <linux/crc32.h>
#include <linux/slab.h>

long shim_allocations = -1;

void *shim_alloc(size_t nr, size_t size, unsigned int gfp)
{
	void *memory;

	if (size && nr > SIZE_MAX / size)
		return NULL;
	if (shim_allocations >= 0 && !shim_allocations--)
		return NULL;
	memory = malloc(nr * size);
	/* Nobody may count on zeroes that were not asked for. */
	if (memory)
		memset(memory, gfp & __GFP_ZERO ? 0 : 0xa5, nr * size);
	return memory;
}

void shim_free(const void *memory)
{
	free((void *)memory);
}

static void crc32_fill(u32 *table)
{
	u32 i, bit;

	for (i = 0; i < 256; i++) {
		table[i] = i;
		for (bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
}

/* The reflected polynomial, as the kernel's: no inversion before or after. */
u32 crc32(u32 crc, const void *data, size_t size)
{
	static u32 table[256];
	const u8 *byte = data;

	if (!table[255])
		crc32_fill(table);
	while (size--)
		crc = crc >> 8 ^ table[(crc ^ *byte++) & 0xff];
	return crc;
}
