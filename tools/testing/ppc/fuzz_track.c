// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: what MAIO makes of accesses in any order. A second model notes for each unit of each
 * file when each process first read it; the template has to hold just that, in that order.
 */
#include <linux/slab.h>

#include "../../../samples/ppc_maio/maio_track.h"
#include "fuzz.h"

#define PROCESSES	4
#define FILES		2
#define SPACE		SZ_64M
#define UNITS		(SPACE / MAIO_UNIT)
#define HOLE		(MAIO_TRACK_HOLE / MAIO_UNIT)
#define ALIGNED		(MAIO_TRACK_ALIGN / MAIO_UNIT)
#define NEAR		(MAIO_TRACK_LITTLE / MAIO_UNIT)
#define MAX_ROOM	64

struct model {
	/* The number of the access, from 1. */
	u16 when[PROCESSES][FILES][UNITS];
	u64 sizes[FILES];
	u32 room;
	/* An access found no room: what is read need not be in the template. */
	bool full;
	u32 nr_processes;
	pid_t tgid[PROCESSES];
	u32 counts[PROCESSES];
	struct maio_extent extents[MAX_ROOM];
	struct maio_extent scratch[MAX_ROOM];
};

static u32 process_of(struct model *m, pid_t tgid)
{
	u32 i;

	for (i = 0; i < m->nr_processes; i++)
		if (m->tgid[i] == tgid)
			return i;
	m->tgid[m->nr_processes++] = tgid;
	return i;
}

static void note(struct model *m, const struct ppc_access *a, u16 number)
{
	u64 pos = a->folio_len ? a->folio_pos : a->pos, end = a->pos + a->len, unit;
	u32 process = process_of(m, a->tgid);

	if (a->folio_len)
		end = max(end, a->folio_pos + a->folio_len);
	if (a->type != PPC_ACCESS_CONSUME)
		end = max(end, pos + MAIO_TRACK_WINDOW);
	pos = pos / MAIO_TRACK_ALIGN * ALIGNED;
	end = (end + MAIO_TRACK_ALIGN - 1) / MAIO_TRACK_ALIGN * ALIGNED;
	for (unit = pos; unit < end && unit < UNITS; unit++)
		if (!m->when[process][a->file][unit])
			m->when[process][a->file][unit] = number;
}

static bool do_access(struct model *m, struct maio_track *track, struct fuzz_input *in, u16 number)
{
	u8 what = fuzz_byte(in);
	struct ppc_access a = {
		.type = what % 5,
		.tgid = 1 + fuzz_byte(in) % PROCESSES * MAIO_TRACK_SLOTS,
		.file = what / 5 % FILES,
		.pos = (u64)fuzz_word(in) << 10,
		.len = ((u64)fuzz_byte(in) << 12) * (what & 0x40 ? 16 : 1),
	};

	/* Nobody reads behind the end of a file. */
	if (!m->sizes[a.file])
		return true;
	a.pos %= m->sizes[a.file];
	a.len = min(a.len, m->sizes[a.file] - a.pos);
	if (what & 0x80 && (a.type == PPC_ACCESS_MARKER || a.type == PPC_ACCESS_FAULT)) {
		a.folio_len = SZ_64K << what % 4;
		a.folio_pos = a.pos / a.folio_len * a.folio_len;
	}
	/* Nothing consumed is nobody's first access. */
	if (a.type != PPC_ACCESS_CONSUME || a.len)
		note(m, &a, number);
	return maio_track_access(track, &a, number);
}

/* Read again elsewhere, it would be there twice. */
static void check_process(struct model *m, u32 process, const struct maio_extent *extents, u32 nr)
{
	bool in[FILES][UNITS] = {};
	u32 file, unit, i, before = 0, run;

	for (i = 0; i < nr; i++) {
		const struct maio_extent *e = &extents[i];
		u32 begun = U32_MAX;

		MUST(e->file < FILES && e->count);
		MUST(e->start + e->count <= maio_units(m->sizes[e->file]));
		for (unit = e->start; unit < e->start + e->count; unit++) {
			u16 when = m->when[process][e->file][unit];

			MUST(!in[e->file][unit]);
			in[e->file][unit] = true;
			if (when)
				begun = min(begun, when);
		}
		/* Without room, the first access of an extent may not be the first there. */
		MUST(begun != U32_MAX && (m->full || begun >= before));
		before = begun;
	}
	for (file = 0; file < FILES; file++) {
		for (unit = run = 0; unit < maio_units(m->sizes[file]); unit++) {
			bool read = m->when[process][file][unit];

			MUST(m->full || !read || in[file][unit]);
			run = in[file][unit] && !read ? run + 1 : 0;
			MUST(run <= HOLE);
		}
	}
}

static u64 units_of(const struct maio_extent *extents, u32 nr)
{
	u64 units = 0;

	while (nr--)
		units += extents[nr].count;
	return units;
}

/* Is a unit near what a worker reads? */
static bool near(const struct model *m, u64 little, u32 file, u32 unit)
{
	u32 i, j, first = 0;

	for (i = 0; i < m->nr_processes; first += m->counts[i++]) {
		if (units_of(&m->extents[first], m->counts[i]) < little)
			continue;
		for (j = first; j < first + m->counts[i]; j++) {
			const struct maio_extent *e = &m->extents[j];

			if (e->file == file && unit + NEAR >= e->start &&
			    unit < (u64)e->start + e->count + NEAR)
				return true;
		}
	}
	return false;
}

static bool is_worker(const struct model *m, const struct maio_extent *extents, u32 nr, u64 little)
{
	u32 i, unit;

	if (!nr)
		return false;
	if (units_of(extents, nr) >= little)
		return true;
	for (i = 0; i < nr; i++)
		for (unit = extents[i].start; unit < extents[i].start + extents[i].count; unit++)
			if (!near(m, little, extents[i].file, unit))
				return true;
	return false;
}

/* What is left is in the order it was in, and makes a template. */
static void check_groups(struct model *m, u32 nr)
{
	u32 counts[PROCESSES], groups = m->nr_processes, i, first = 0, kept = 0, left, at = 0;
	struct maio_extent extents[MAX_ROOM];
	struct maio_template template;
	const char *why;
	u64 most = 0, little;
	void *data;

	memcpy(counts, m->counts, sizeof(counts));
	memcpy(extents, m->extents, sizeof(extents));
	left = maio_track_drop_little(counts, &groups, extents, m->scratch);

	for (i = 0; i < m->nr_processes; first += m->counts[i++])
		most = max(most, units_of(&m->extents[first], m->counts[i]));
	little = max(most / 64, NEAR);
	for (i = first = 0; i < m->nr_processes; first += m->counts[i++]) {
		if (!is_worker(m, &m->extents[first], m->counts[i], little))
			continue;
		MUST(kept < groups);
		MUST_EQ(counts[kept], m->counts[i]);
		MUST(!memcmp(&extents[at], &m->extents[first], m->counts[i] * sizeof(*extents)));
		at += counts[kept++];
	}
	MUST_EQ(kept, groups);
	MUST_EQ(at, left);
	if (!groups)
		return;

	data = malloc(maio_template_size(FILES, groups, left));
	maio_template_build(data, 0, m->sizes, FILES, counts, groups, extents, left);
	MUST_EQ(maio_template_parse(&template, data, maio_template_size(FILES, groups, left),
				    &why), 0);
	MUST_EQ(maio_template_check_overlap(&template, m->scratch, &why), 0);
	MUST_EQ(maio_template_check_files(&template, m->sizes, FILES, &why), 0);
	free(data);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct model *m = calloc(1, sizeof(*m));
	struct maio_track *track;
	u32 i, nr, first = 0;
	u16 number = 0;

	m->room = 1 + fuzz_byte(&in) % MAX_ROOM;
	for (i = 0; i < FILES; i++)
		m->sizes[i] = min((u64)fuzz_word(&in) << 10 | fuzz_byte(&in), SPACE);
	track = malloc(sizeof(*track) + m->room * sizeof(track->extents[0]));
	maio_track_init(track, m->room);
	while (in.size && number < 2000)
		if (!do_access(m, track, &in, ++number)) {
			MUST_EQ(track->nr_extents, m->room);
			m->full = true;
		}

	MUST_EQ(track->nr_processes, m->nr_processes);
	nr = maio_track_collect(track, m->sizes, FILES, m->counts, m->extents);
	for (i = 0; i < m->nr_processes; first += m->counts[i++])
		check_process(m, i, &m->extents[first], m->counts[i]);
	MUST_EQ(first, nr);
	check_groups(m, nr);
	free(track);
	free(m);
	return 0;
}
