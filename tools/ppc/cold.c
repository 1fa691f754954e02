// SPDX-License-Identifier: GPL-2.0
/*
 * Cold templates: what a first run will read, told from the headers of the
 * model's files. One group, which all workers share: file after file, in each
 * the header and then the tensors.
 *
 * A unit belongs to the first that has bytes in it. Where the order of the
 * tensors is so unlike that of the file that the template would grow too large,
 * units grow: a stream finds a reader who is elsewhere within its ranges anyway.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maioctl.h"

/* So many files are waited for at a time. */
#define ASK_AHEAD		256

/* GGUF knows no limit of its own. */
#define HEADER_MAX		(SAFETENSORS_HEADER_MAX + 8)

/* What no tensor has is read along with its neighbours if it is so little. */
#define HOLE_MAX		((1ULL << 20) >> MAIO_EXTENT_SHIFT)

/* An extent takes 12 bytes: 12 KiB, and 1 KiB for each GiB of the model. */
#define EXTENTS_MIN		1024
#define BYTES_PER_EXTENT	(12ULL << 20)

/* A unit of the largest file that a template can tell of, as a whole. */
#define SHIFT_MAX		(32 + MAIO_EXTENT_SHIFT)

/**
 * struct piece - a header or a tensor
 * @file: file index
 * @place: how many pieces lie before it in this file and those before it
 * @start: first byte
 * @end: behind the last byte
 * @first: index of the owner of the first unit it has bytes in
 * @last: the same for the last one, which may be the same unit
 */
struct piece {
	__u32 file;
	__u32 place;
	__u64 start;
	__u64 end;
	size_t first;
	size_t last;
};

/**
 * struct run - an extent while it grows
 * @file: file index
 * @place: of the last piece in it
 * @start: first unit of 4 KiB
 * @end: behind the last unit
 */
struct run {
	__u32 file;
	__u32 place;
	__u64 start;
	__u64 end;
};

/**
 * struct plan - what is read in which order
 * @files: of the model
 * @pieces: in order of the load
 * @nr: how many
 * @sorted: the same in order of their place
 * @owners: of units that have bytes of pieces that begin or end there: the
 *	first of these pieces
 * @runs: the result; room for @nr
 * @nr_runs: how many
 */
struct plan {
	const struct file_id *files;
	struct piece *pieces;
	size_t nr;
	struct piece **sorted;
	__u32 *owners;
	struct run *runs;
	size_t nr_runs;
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *l = *(struct piece *const *)a;
	const struct piece *r = *(struct piece *const *)b;

	if (l->file != r->file)
		return l->file < r->file ? -1 : 1;
	return l->start < r->start ? -1 : l->start > r->start;
}

static void add_piece(struct plan *plan, __u32 file, __u64 start, __u64 end)
{
	if (start < end)
		plan->pieces[plan->nr++] = (struct piece) {
			.file = file,
			.start = start,
			.end = end,
		};
}

static void add_pieces(struct plan *plan, const struct model *model,
		       const struct tensors *tensors)
{
	size_t i, j, nr = 0;

	for (i = 0; i < model->nr; i++)
		nr += 1 + tensors[i].nr;
	plan->pieces = xalloc(nr, sizeof(*plan->pieces));
	for (i = 0; i < model->nr; i++) {
		const struct tensors *t = &tensors[i];

		add_piece(plan, i, 0, t->header);
		for (j = 0; j < t->nr; j++)
			add_piece(plan, i, t->list[j].start, t->list[j].end);
	}
}

static void sort_pieces(struct plan *plan)
{
	size_t i;

	plan->sorted = xalloc(plan->nr, sizeof(*plan->sorted));
	for (i = 0; i < plan->nr; i++)
		plan->sorted[i] = &plan->pieces[i];
	qsort(plan->sorted, plan->nr, sizeof(*plan->sorted), compare_pieces);
	for (i = 0; i < plan->nr; i++)
		plan->sorted[i]->place = i;
}

/*
 * Find who comes first in each unit of 2^@shift bytes that may be contested.
 * Pieces do not overlap, so these are only the first and last one of each.
 */
static void find_owners(struct plan *plan, unsigned int shift)
{
	__u64 unit = 0;
	__u32 file = 0;
	size_t i, nr = 0;

	for (i = 0; i < plan->nr; i++) {
		struct piece *p = plan->sorted[i];
		__u64 first = p->start >> shift, last = (p->end - 1) >> shift;
		__u32 order = p - plan->pieces;

		if (!nr || p->file != file || first != unit)
			plan->owners[nr++] = order;
		else if (order < plan->owners[nr - 1])
			plan->owners[nr - 1] = order;
		p->first = nr - 1;
		if (last != first)
			plan->owners[nr++] = order;
		p->last = nr - 1;
		file = p->file;
		unit = last;
	}
}

static __u64 file_units(const struct plan *plan, __u32 file)
{
	const __u64 size = plan->files[file].size;

	return (size >> MAIO_EXTENT_SHIFT) +
		!!(size & ((1U << MAIO_EXTENT_SHIFT) - 1));
}

static void add_run(struct plan *plan, const struct run *run)
{
	struct run *prev = plan->nr_runs ? &plan->runs[plan->nr_runs - 1] : NULL;

	/* A hole between neighbours in the file is nobody else's. */
	if (prev && prev->file == run->file &&
	    (prev->end == run->start ||
	     (prev->end < run->start && run->place == prev->place + 1 &&
	      run->start - prev->end <= HOLE_MAX))) {
		prev->end = run->end;
		prev->place = run->place;
	} else {
		plan->runs[plan->nr_runs++] = *run;
	}
}

static void find_runs(struct plan *plan, unsigned int shift)
{
	const unsigned int up = shift - MAIO_EXTENT_SHIFT;
	size_t i;

	find_owners(plan, shift);
	plan->nr_runs = 0;
	for (i = 0; i < plan->nr; i++) {
		const struct piece *p = &plan->pieces[i];
		__u64 units = file_units(plan, p->file);
		struct run run = { .file = p->file, .place = p->place };

		run.start = (p->start >> shift) + (plan->owners[p->first] != i);
		run.end = ((p->end - 1) >> shift) + (plan->owners[p->last] == i);
		run.start <<= up;
		run.end <<= up;
		if (run.end > units)
			run.end = units;
		if (run.start < run.end)
			add_run(plan, &run);
	}
}

static size_t runs_allowed(const struct model *model)
{
	__u64 nr = EXTENTS_MIN + model->bytes / BYTES_PER_EXTENT;

	return nr < MAIO_MAX_EXTENTS ? nr : MAIO_MAX_EXTENTS;
}

static void *write_template(const struct plan *plan, const struct model *model,
			    size_t *len)
{
	struct maio_template_extent *extent;
	struct maio_template_header *header;
	struct maio_template_group *group;
	struct maio_template_file *file;
	size_t i;

	*len = sizeof(*header) + model->nr * sizeof(*file) + sizeof(*group) +
		plan->nr_runs * sizeof(*extent);
	header = xalloc(*len, 1);
	file = (void *)(header + 1);
	group = (void *)(file + model->nr);
	extent = (void *)(group + 1);

	header->magic = htole32(MAIO_TEMPLATE_MAGIC);
	header->version = htole16(MAIO_TEMPLATE_VERSION);
	header->flags = htole16(MAIO_TEMPLATE_GUESS);
	header->size = htole32(*len);
	header->nr_files = htole32(model->nr);
	header->nr_groups = htole32(1);
	header->nr_extents = htole32(plan->nr_runs);
	for (i = 0; i < model->nr; i++)
		file[i].size = htole64(model->files[i].size);
	group->nr_extents = htole32(plan->nr_runs);
	for (i = 0; i < plan->nr_runs; i++) {
		const struct run *run = &plan->runs[i];

		extent[i].file = htole32(run->file);
		extent[i].start = htole32(run->start);
		extent[i].count = htole32(run->end - run->start);
	}
	header->crc = htole32(crc32(0, (const void *)header, *len));
	return header;
}

static int check_sizes(const struct model *model, struct why *why)
{
	const __u64 max = (__u64)UINT32_MAX << MAIO_EXTENT_SHIFT;
	size_t i;

	for (i = 0; i < model->nr; i++) {
		if (model->files[i].size > max)
			return why_set(why, "%s: larger than a template can tell",
				       model->files[i].path);
	}
	return 0;
}

/**
 * cold_build - make a template of what is known of the files
 * @model: the files
 * @tensors: of each file; all within it, and none overlap
 * @len: bytes of the template
 * @why: what speaks against it
 *
 * Return: the template, which the caller frees, or NULL.
 */
void *cold_build(const struct model *model, const struct tensors *tensors,
		 size_t *len, struct why *why)
{
	struct plan plan = { .files = model->files };
	unsigned int shift = MAIO_EXTENT_SHIFT;
	void *blob = NULL;

	if (check_sizes(model, why))
		return NULL;
	add_pieces(&plan, model, tensors);
	if (!plan.nr) {
		why_set(why, "the files are empty");
		goto free;
	}
	sort_pieces(&plan);
	plan.owners = xalloc(plan.nr, 2 * sizeof(*plan.owners));
	plan.runs = xalloc(plan.nr, sizeof(*plan.runs));
	/* Once no file has a second unit, there is one run for each at most. */
	do {
		find_runs(&plan, shift);
	} while (plan.nr_runs > runs_allowed(model) && shift++ < SHIFT_MAX);
	blob = write_template(&plan, model, len);
free:
	free(plan.runs);
	free(plan.owners);
	free(plan.sorted);
	free(plan.pieces);
	return blob;
}

typedef int parse_fn(const void *data, size_t len, __u64 size,
		     struct tensors *tensors, struct why *why);

static parse_fn *find_parser(const struct file_id *id)
{
	if (id->aside)
		return NULL;
	if (name_has_suffix(id->path, ".safetensors"))
		return safetensors_parse;
	if (name_has_suffix(id->path, ".gguf"))
		return gguf_parse;
	return NULL;
}

/* Read as much of a file as its header takes, and find its tensors. */
static int read_tensors(int fd, const struct file_id *id, bool asked,
			struct tensors *tensors, struct why *why)
{
	const __u64 max = id->size < HEADER_MAX ? id->size : HEADER_MAX;
	__u64 len = 0, want = HEADER_START_BYTES;
	parse_fn *parse = find_parser(id);
	char *buf = NULL;
	struct why what;
	int ret = 1;

	/* No readahead beyond what is asked for. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	while (ret > 0) {
		want = want < max ? want : max;
		buf = xrealloc(buf, want, 1);
		ret = header_read(fd, id->path, buf + len, want - len, len,
				  asked && !len, why);
		if (ret)
			break;
		len = want;
		ret = parse(buf, len, id->size, tensors, &what);
		if (ret < 0)
			why_set(why, "%s: %s", id->path, what.text);
		else if (!ret)
			tensors_forget_names(tensors);
		else if (tensors->header > max)
			ret = why_set(why, "%s: its header has more than %llu bytes",
				      id->path, max);
		/* Doubling also keeps all reads but the last one aligned. */
		while (ret > 0 && want < tensors->header)
			want *= 2;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
	free(buf);
	return ret;
}

/**
 * cold_template - make a template for a first run
 * @model: the files; what is neither safetensors nor GGUF is taken as a whole,
 *	and what is aside not at all
 * @len: bytes of the template
 * @why: what is wrong with which file
 *
 * Leaves nothing in the page cache.
 *
 * Return: the template, which the caller frees, or NULL.
 */
void *cold_template(const struct model *model, size_t *len, struct why *why)
{
	struct tensors *tensors = xalloc(model->nr, sizeof(*tensors));
	bool *asked = xalloc(model->nr, sizeof(*asked));
	size_t i, next = 0, nr = 0;
	void *blob = NULL;
	int ret = 0;

	for (i = 0; !ret && i < model->nr; i++) {
		const struct file_id *id = &model->files[i];

		for (; next < model->nr && next < i + ASK_AHEAD; next++)
			asked[next] = find_parser(&model->files[next]) &&
				      model_header_ask(model->fds[next]);
		if (id->size && find_parser(id))
			ret = read_tensors(model->fds[i], id, asked[i],
					   &tensors[i], why);
		else
			tensors[i].header = id->aside ? 0 : id->size;
		nr += tensors[i].nr;
		if (nr > MAIO_MAX_EXTENTS)
			ret = why_set(why, "more than %d tensors",
				      MAIO_MAX_EXTENTS);
	}
	if (!ret)
		blob = cold_build(model, tensors, len, why);

	/* After a failure, nobody reads and drops what was asked for. */
	for (; i < next; i++) {
		if (asked[i])
			posix_fadvise(model->fds[i], 0, HEADER_START_BYTES,
				      POSIX_FADV_DONTNEED);
	}
	for (i = 0; i < model->nr; i++)
		tensors_free(&tensors[i]);
	free(asked);
	free(tensors);
	return blob;
}
