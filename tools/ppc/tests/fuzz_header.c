// SPDX-License-Identifier: GPL-2.0
/*
 * Headers of model files, of any content. What is accepted must lie in the file
 * and give a template that covers it and reads nothing twice.
 *
 * An input is a byte that chooses the format, three that say by how much the
 * file is longer, and the beginning of the file.
 */
#include <endian.h>
#include <string.h>

#include "fuzz.h"
#include "maioctl.h"

#define PREFIX		4

static int compare_extents(const void *a, const void *b)
{
	const struct maio_template_extent *l = a, *r = b;

	if (l->file != r->file)
		return le32toh(l->file) < le32toh(r->file) ? -1 : 1;
	return le32toh(l->start) < le32toh(r->start) ? -1 : 1;
}

/* Are all bytes from @pos to @end in @e, which are sorted? */
static void check_covered(const struct maio_template_extent *e, __u32 nr,
			  __u32 file, __u64 pos, __u64 end)
{
	__u32 low = 0, high = nr;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;
		__u64 last = (__u64)le32toh(e[middle].start) +
			     le32toh(e[middle].count);

		if (le32toh(e[middle].file) < file ||
		    (le32toh(e[middle].file) == file &&
		     last << MAIO_EXTENT_SHIFT <= pos))
			low = middle + 1;
		else
			high = middle;
	}
	for (; pos < end; low++) {
		fuzz_assert(low < nr && le32toh(e[low].file) == file);
		fuzz_assert((__u64)le32toh(e[low].start) << MAIO_EXTENT_SHIFT <= pos);
		pos = ((__u64)le32toh(e[low].start) + le32toh(e[low].count)) <<
		      MAIO_EXTENT_SHIFT;
	}
}

static void check_template(const struct model *model,
			   const struct tensors *tensors)
{
	struct maio_template_extent *sorted;
	struct template_view view;
	size_t len, i, j;
	struct why why;
	void *blob = cold_build(model, tensors, &len, &why);

	fuzz_assert(blob && !template_check(blob, len, &view, &why));
	fuzz_assert(view.nr_groups == 1 && view.nr_files == model->nr);
	fuzz_assert(view.nr_extents <= 1024 + (model->bytes >> 20) / 12);
	sorted = xalloc(view.nr_extents, sizeof(*sorted));
	memcpy(sorted, view.extents, view.nr_extents * sizeof(*sorted));
	qsort(sorted, view.nr_extents, sizeof(*sorted), compare_extents);
	for (i = 0; i < view.nr_extents; i++)
		fuzz_assert((__u64)le32toh(sorted[i].start) +
			    le32toh(sorted[i].count) <=
			    (model->files[0].size + 4095) >> MAIO_EXTENT_SHIFT);
	for (i = 1; i < view.nr_extents; i++)
		fuzz_assert(sorted[i - 1].file != sorted[i].file ||
			    le32toh(sorted[i].start) -
			    le32toh(sorted[i - 1].start) >=
			    le32toh(sorted[i - 1].count));
	for (i = 0; i < model->nr; i++) {
		check_covered(sorted, view.nr_extents, i, 0, tensors[i].header);
		for (j = 0; j < tensors[i].nr; j++)
			check_covered(sorted, view.nr_extents, i,
				      tensors[i].list[j].start,
				      tensors[i].list[j].end);
	}
	free(sorted);
	free(blob);
}

static void check_tensors(const struct tensors *tensors, __u64 size)
{
	struct file_id files[2] = {
		{ .path = "first", .size = size },
		{ .path = "second", .size = size },
	};
	struct model model = { .files = files, .nr = 2, .bytes = 2 * size };
	const struct tensors both[2] = { *tensors, *tensors };
	size_t i;

	fuzz_assert(tensors->header && tensors->header <= size);
	for (i = 0; i < tensors->nr; i++) {
		const struct tensor *t = &tensors->list[i];

		fuzz_assert(t->start <= t->end);
		fuzz_assert(t->start == t->end ||
			    (t->start >= tensors->header && t->end <= size));
	}
	check_template(&model, both);
}

static void check_index(const __u8 *data, size_t size)
{
	struct model_index index;
	struct why why = { "" };
	size_t i;

	if (model_index_parse((const char *)data, size, &index, &why))
		fuzz_assert(why.text[0]);
	else
		fuzz_assert(index.nr && index.mapped);
	for (i = 1; i < index.nr; i++)
		fuzz_assert(strcmp(index.names[i - 1], index.names[i]) < 0);
	model_index_free(&index);
}

int fuzz_one(const __u8 *data, size_t size)
{
	struct tensors tensors = { .nr = 0 };
	struct why why = { "" };
	__u64 file_size;
	int ret;

	if (size < PREFIX)
		return 0;
	size -= PREFIX;
	if (data[0] & 2) {
		check_index(data + PREFIX, size);
		return 0;
	}
	file_size = size + ((__u64)data[1] << (data[2] % 36)) + data[3];
	if (data[0] & 1)
		ret = safetensors_parse(data + PREFIX, size, file_size, &tensors,
					&why);
	else
		ret = gguf_parse(data + PREFIX, size, file_size, &tensors, &why);

	if (ret < 0)
		fuzz_assert(why.text[0]);
	else if (ret)
		fuzz_assert(tensors.header > size && tensors.header <= file_size);
	else
		check_tensors(&tensors, file_size);
	if (ret)
		fuzz_assert(!tensors.list);
	tensors_free(&tensors);
	return 0;
}
