// SPDX-License-Identifier: GPL-2.0
/*
 * Conversion between ranges and chunks of a stream.
 */

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <kunit/visibility.h>

#include "maio_map.h"

static u64 maio_range_end(const struct ppc_range *range)
{
	return range->pos + range->len;
}

static int maio_range_cmp(const void *a, const void *b, const void *priv)
{
	const struct ppc_range *ranges = priv;
	const struct ppc_range *ra = &ranges[*(const u32 *)a];
	const struct ppc_range *rb = &ranges[*(const u32 *)b];

	return cmp_int(ra->file, rb->file) ?: cmp_int(ra->pos, rb->pos);
}

static bool maio_map_overlaps(const struct maio_map *map)
{
	u32 i;

	for (i = 1; i < map->nr_ranges; i++) {
		const struct ppc_range *prev = &map->ranges[map->by_file[i - 1]];
		const struct ppc_range *next = &map->ranges[map->by_file[i]];

		if (prev->file == next->file && maio_range_end(prev) > next->pos)
			return true;
	}
	return false;
}

static u64 maio_range_chunks(const struct ppc_range *range)
{
	return ((range->pos + range->len - 1) >> MAIO_CHUNK_SHIFT) -
	       (range->pos >> MAIO_CHUNK_SHIFT) + 1;
}

/* Memory that maio_map_init() allocates. */
size_t maio_map_size(const struct ppc_range *ranges, u32 nr)
{
	u64 chunks = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		chunks += maio_range_chunks(&ranges[i]);
	return nr * (sizeof(*ranges) + sizeof(u32) + sizeof(u64) + sizeof(u32)) +
	       min(chunks, MAIO_MAP_MAX_CHUNKS) * (sizeof(u16) + sizeof(u32));
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_size);

/*
 * Cut ranges into chunks. Return: 0, -EINVAL for empty, overlapping or
 * overflowing ranges, -E2BIG for too many of them or too many bytes, -ENOMEM.
 */
int maio_map_init(struct maio_map *map, const struct ppc_range *ranges, u32 nr)
{
	u64 chunks = 0, bytes = 0;
	int err = -ENOMEM;
	u32 i;

	*map = (struct maio_map){};
	if (!nr)
		return -EINVAL;
	if (nr > MAIO_MAP_MAX_RANGES)
		return -E2BIG;

	map->nr_ranges = nr;
	map->ranges = kvmalloc_array(nr, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	map->first_chunk = kvmalloc_array(nr + 1, sizeof(u32),
					  GFP_KERNEL_ACCOUNT);
	map->first_byte = kvmalloc_array(nr + 1, sizeof(u64),
					 GFP_KERNEL_ACCOUNT);
	map->by_file = kvmalloc_array(nr, sizeof(u32), GFP_KERNEL_ACCOUNT);
	if (!map->ranges || !map->first_chunk || !map->first_byte ||
	    !map->by_file)
		goto fail;

	memcpy(map->ranges, ranges, array_size(nr, sizeof(*ranges)));
	for (i = 0; i < nr; i++) {
		u64 last;

		err = -EINVAL;
		if (!ranges[i].len || ranges[i].flags ||
		    check_add_overflow(ranges[i].pos, ranges[i].len - 1,
				       &last) || last >= MAX_LFS_FILESIZE)
			goto fail;
		map->first_chunk[i] = chunks;
		map->first_byte[i] = bytes;
		map->by_file[i] = i;
		chunks += maio_range_chunks(&ranges[i]);
		bytes += ranges[i].len;
		err = -E2BIG;
		if (chunks > MAIO_MAP_MAX_CHUNKS)
			goto fail;
	}
	map->first_chunk[nr] = chunks;
	map->first_byte[nr] = bytes;
	map->nr_chunks = chunks;

	sort_r_nonatomic(map->by_file, nr, sizeof(u32), maio_range_cmp, NULL,
			 map->ranges);
	err = -EINVAL;
	if (maio_map_overlaps(map))
		goto fail;

	err = -ENOMEM;
	map->state = kvcalloc(chunks, sizeof(*map->state), GFP_KERNEL_ACCOUNT);
	if (!map->state)
		goto fail;
	return 0;

fail:
	maio_map_free(map);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_init);

/* Free what maio_map_init() allocated. */
void maio_map_free(struct maio_map *map)
{
	kvfree(map->ranges);
	kvfree(map->first_chunk);
	kvfree(map->first_byte);
	kvfree(map->by_file);
	kvfree(map->state);
	kvfree(map->watch.taken);
	*map = (struct maio_map){};
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_free);

/* The place in by_file of the first range that ends after @pos of @file. */
static u32 maio_map_search(const struct maio_map *map, u32 file, u64 pos)
{
	u32 low = 0, high = map->nr_ranges;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct ppc_range *range =
			&map->ranges[map->by_file[mid]];

		if (range->file < file ||
		    (range->file == file && maio_range_end(range) <= pos))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static u32 maio_map_range_chunk(const struct maio_map *map, u32 range, u64 pos)
{
	return map->first_chunk[range] + (pos >> MAIO_CHUNK_SHIFT) -
	       (map->ranges[range].pos >> MAIO_CHUNK_SHIFT);
}

/* Find the chunk that holds a byte. Return: false if no range holds it. */
bool maio_map_find(const struct maio_map *map, u32 file, u64 pos, u32 *chunk)
{
	u32 at = maio_map_search(map, file, pos), range;

	if (at == map->nr_ranges)
		return false;
	range = map->by_file[at];
	if (map->ranges[range].file != file || map->ranges[range].pos > pos)
		return false;
	*chunk = maio_map_range_chunk(map, range, pos);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_find);

/*
 * Walk the chunks that hold bytes of a part of a file. Return: false when there
 * are no more.
 */
bool maio_map_next(const struct maio_map *map, u32 file, u64 pos, u64 end,
		   u32 *at, u32 *first, u32 *last)
{
	const struct ppc_range *range;

	if (pos >= end)
		return false;
	*at = *at == U32_MAX ? maio_map_search(map, file, pos) : *at + 1;
	if (*at >= map->nr_ranges)
		return false;
	range = &map->ranges[map->by_file[*at]];
	if (range->file != file || range->pos >= end)
		return false;
	*first = maio_map_range_chunk(map, map->by_file[*at], max(pos, range->pos));
	*last = maio_map_range_chunk(map, map->by_file[*at],
				     min(end, maio_range_end(range)) - 1);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_next);

static u32 maio_map_chunk_range(const struct maio_map *map, u32 chunk)
{
	u32 low = 0, high = map->nr_ranges;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (map->first_chunk[mid] <= chunk)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The bytes of a chunk. */
void maio_map_chunk(const struct maio_map *map, u32 chunk,
		    struct ppc_range *bytes)
{
	u32 which = maio_map_chunk_range(map, chunk);
	const struct ppc_range *range = &map->ranges[which];
	u32 nth = chunk - map->first_chunk[which];
	u64 start = round_down(range->pos, MAIO_CHUNK_SIZE) +
		    nth * MAIO_CHUNK_SIZE;
	u64 end = min(start + MAIO_CHUNK_SIZE, maio_range_end(range));

	start = max(start, range->pos);
	*bytes = (struct ppc_range){
		.file = range->file,
		.pos = start,
		.len = end - start,
	};
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_chunk);

/* The length of a chunk, in bytes. */
u64 maio_map_len(const struct maio_map *map, u32 chunk)
{
	struct ppc_range bytes;

	maio_map_chunk(map, chunk, &bytes);
	return bytes.len;
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_len);

/* How many bytes of the stream come before a chunk. */
u64 maio_map_byte(const struct maio_map *map, u32 chunk)
{
	struct ppc_range bytes;
	u32 range;

	if (chunk >= map->nr_chunks)
		return map->first_byte[map->nr_ranges];
	range = maio_map_chunk_range(map, chunk);
	maio_map_chunk(map, chunk, &bytes);
	return map->first_byte[range] + bytes.pos - map->ranges[range].pos;
}
EXPORT_SYMBOL_IF_KUNIT(maio_map_byte);
