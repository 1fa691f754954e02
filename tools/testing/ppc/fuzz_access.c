// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: readers, the worker that reads ahead, the one that drops, and resets, in any order.
 * A second model, with a byte for each property of each chunk and no shortcuts, has to come to the
 * same states and answers: it looks at all chunks where the kernel's code looks at windows.
 */
#include "../../../samples/ppc_maio/maio_cursor.h"
#include "fuzz.h"

#define MAX_RANGES	12
#define MAX_CHUNKS	128
#define FILES		3

struct reader {
	bool used;
	u64 last;
	u32 pos;
	u32 next;
	u32 tail;
	u32 late;
	bool reads_cached;
	bool reads_read;
};

/* Of each chunk, in this pass; "left" is cached in any. */
struct model {
	u32 nr;
	struct ppc_range chunk[MAX_CHUNKS];
	bool cached[MAX_CHUNKS];
	bool seen[MAX_CHUNKS];
	bool read[MAX_CHUNKS];
	bool again[MAX_CHUNKS];
	bool failed[MAX_CHUNKS];
	bool left[MAX_CHUNKS];
	struct reader reader[MAIO_CURSORS];
	u64 clock;
};

static u32 distance(u32 a, u32 b)
{
	return max(a, b) - min(a, b);
}

static bool awake(const struct model *m, u32 i)
{
	return m->reader[i].used && m->clock - m->reader[i].last < MAIO_CURSOR_IDLE;
}

static bool gone(const struct model *m, u32 i)
{
	return m->read[i] && m->seen[i] && !m->cached[i];
}

static u64 unread_bytes(const struct model *m, u32 from, u32 end)
{
	u64 bytes = 0;

	for (; from < end; from++)
		if (!m->read[from])
			bytes += m->chunk[from].len;
	return bytes;
}

/* Nothing is known of it any more, but whether there is something to drop. */
static void model_renew(struct model *m, u32 i)
{
	m->cached[i] = false;
	m->seen[i] = false;
	m->read[i] = false;
	m->again[i] = false;
}

static void model_reset(struct model *m)
{
	u32 i;

	memset(m->reader, 0, sizeof(m->reader));
	for (i = 0; i < m->nr; i++)
		model_renew(m, i);
}

static void model_done(struct model *m, u32 i, struct maio_outcome *out)
{
	if (m->read[i])
		return;
	out->consumed += m->chunk[i].len;
	if (m->cached[i] && m->seen[i])
		out->useful += m->chunk[i].len;
	if (m->again[i] && m->seen[i])
		out->refaulted += m->chunk[i].len;
	m->cached[i] = true;
	m->left[i] = true;
	m->seen[i] = true;
	m->read[i] = true;
	m->again[i] = false;
}

static void model_leave(struct model *m, struct reader *r, u32 lag, u32 but,
			struct maio_outcome *out)
{
	for (; r->tail + lag < r->pos; r->tail++) {
		u32 i = r->tail;

		if (i == but || m->read[i])
			continue;
		if (m->seen[i] || m->left[i]) {
			model_done(m, i, out);
		} else {
			m->read[i] = true;
			m->again[i] = false;
		}
	}
}

static u32 model_reader(struct model *m, const struct maio_step *step, struct maio_outcome *out)
{
	const u32 at = step->chunk;
	u32 i, best = MAIO_CURSORS, first = !m->reader[0].used;

	for (i = 0; i < MAIO_CURSORS; i++)
		if (m->reader[i].used && distance(m->reader[i].pos, at) <= MAIO_CURSOR_SLACK &&
		    (best == MAIO_CURSORS ||
		     distance(m->reader[i].pos, at) < distance(m->reader[best].pos, at)))
			best = i;
	if (best < MAIO_CURSORS &&
	    !(step->miss && !m->cached[at] && at < m->reader[best].pos))
		return best;

	best = 0;
	for (i = 0; i < MAIO_CURSORS && m->reader[best].used; i++)
		if (!m->reader[i].used || m->reader[i].last < m->reader[best].last)
			best = i;
	model_leave(m, &m->reader[best], 0, at, out);
	m->reader[best] = (struct reader){
		.used = true, .pos = at, .next = at, .tail = at, .late = U32_MAX,
	};
	if (step->miss || !m->cached[at]) {
		out->hit = PPC_STREAM_MOVED;
		out->interrupted = !first;
	}
	return best;
}

static u64 known_bytes(const struct model *m)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < m->nr; i++)
		if (m->cached[i] || m->read[i])
			bytes += m->chunk[i].len;
	return bytes;
}

/* Nothing was there, though it may have been read ahead, or read. */
static void model_miss(struct model *m, struct reader *r, u32 at, struct maio_outcome *out)
{
	if (m->cached[at]) {
		r->pos = min(r->pos, at);
		r->tail = min(r->tail, at);
		out->hit = PPC_STREAM_OVERTAKEN;
	} else if (out->hit == PPC_STREAM_COVERED) {
		out->hit = PPC_STREAM_OVERTAKEN;
	}
	r->next = at;
	if (m->read[at]) {
		r->reads_read = true;
		if (m->seen[at]) {
			r->reads_cached = true;
			out->again = true;
			out->refaulted += m->chunk[at].len;
		}
	} else if (m->cached[at]) {
		r->reads_cached = true;
	}
	model_renew(m, at);
}

static struct maio_outcome model_access(struct model *m, const struct maio_step *step)
{
	struct maio_outcome out = { .hit = PPC_STREAM_COVERED };
	const u32 at = step->chunk, done = step->last + step->whole;
	const bool cached = m->cached[at];
	u64 known = known_bytes(m);
	struct reader *r;
	u32 who, i;

	m->clock++;
	who = model_reader(m, step, &out);
	r = &m->reader[who];
	r->last = m->clock;
	if (step->miss) {
		model_miss(m, r, at, &out);
	} else if (!cached && (at >= r->next || at < r->pos)) {
		r->next = max(r->next, at);
		if (out.hit == PPC_STREAM_COVERED)
			out.hit = PPC_STREAM_OVERTAKEN;
	} else if (cached && !step->uptodate && r->late != at) {
		r->late = at;
		out.late = m->chunk[at].len;
	}
	if (done > r->pos) {
		out.passed = true;
		r->pos = done;
		r->next = max(r->next, done);
	}

	if (at && m->seen[at - 1])
		model_done(m, at - 1, &out);
	for (i = at; i <= step->last; i++) {
		m->seen[i] = true;
		m->cached[i] |= m->read[i];
		/* What an earlier pass has left is this reader's now. */
		m->left[i] = m->cached[i];
		if (i < done)
			model_done(m, i, &out);
	}
	model_leave(m, r, step->lag, U32_MAX, &out);
	out.populated = known_bytes(m) - known;
	return out;
}

static bool skipped(const struct model *m, const struct reader *r)
{
	u32 i = r->next;

	return m->failed[i] || (m->cached[i] && !r->reads_cached) || (m->read[i] && !r->reads_read);
}

static void model_skip(struct model *m)
{
	u32 r;

	for (r = 0; r < MAIO_CURSORS; r++)
		while (awake(m, r) && m->reader[r].next < m->nr && skipped(m, &m->reader[r]))
			m->reader[r].next++;
}

static u64 model_ahead(const struct model *m)
{
	bool in[MAX_CHUNKS] = {};
	u64 bytes = 0;
	u32 r, i;

	for (r = 0; r < MAIO_CURSORS; r++)
		for (i = m->reader[r].pos; awake(m, r) && i < m->reader[r].next; i++)
			in[i] = true;
	for (i = 0; i < m->nr; i++)
		if (in[i] && !m->read[i])
			bytes += m->chunk[i].len;
	return bytes;
}

static bool may_read(const struct model *m, const struct reader *r)
{
	return r->next < m->nr && !skipped(m, r) &&
	       !(gone(m, r->next) && r->next - r->pos > MAIO_CURSOR_SLACK);
}

static void take(struct model *m, struct reader *r)
{
	u32 i = r->next++;
	bool was_gone = gone(m, i);

	if (m->read[i])
		model_renew(m, i);
	m->again[i] |= was_gone;
}

static bool model_pick(struct model *m, u64 budget, u64 most, struct maio_batch *batch)
{
	u64 ahead, least = U64_MAX, share, room;
	u32 r, best = MAIO_CURSORS, readers = 0;
	struct reader *b;

	model_skip(m);
	for (r = 0; r < MAIO_CURSORS; r++) {
		if (!awake(m, r))
			continue;
		readers++;
		ahead = unread_bytes(m, m->reader[r].pos, m->reader[r].next);
		if (may_read(m, &m->reader[r]) && ahead < least) {
			least = ahead;
			best = r;
		}
	}
	if (best == MAIO_CURSORS)
		return false;
	/* Half of the budget is shared by all, and a 16th of all of it is everyone's. */
	share = max(budget / MAIO_CURSORS, budget / 2 / readers);
	ahead = model_ahead(m);
	room = budget > ahead ? budget - ahead : 0;
	if (share > least)
		room = max(room, share - least);
	if (!room)
		return false;
	b = &m->reader[best];
	*batch = (struct maio_batch){
		.bytes = m->chunk[b->next], .first = b->next, .nr = 1, .cursor = best,
		.before = least, .ahead = ahead,
	};
	for (take(m, b); may_read(m, b); take(m, b)) {
		const struct ppc_range *next = &m->chunk[b->next];

		if (next->file != batch->bytes.file ||
		    next->pos != batch->bytes.pos + batch->bytes.len ||
		    batch->bytes.len + next->len > min(most, room))
			break;
		batch->bytes.len += next->len;
		batch->nr++;
	}
	return true;
}

static bool model_hold(const struct model *m, u32 chunk, u64 gap)
{
	u32 r, i;

	for (r = 0; r < MAIO_CURSORS; r++) {
		u64 between = 0;

		if (!m->reader[r].used || chunk >= m->reader[r].pos)
			continue;
		for (i = chunk + 1; i < m->reader[r].pos; i++)
			between += m->chunk[i].len;
		if (between < gap)
			return true;
	}
	return false;
}

struct both {
	struct model model;
	struct maio_cursors cursors;
	struct maio_map map;
	struct fuzz_input in;
};

static u32 any_chunk(struct both *b)
{
	return fuzz_byte(&b->in) % b->model.nr;
}

static void compare(struct both *b, u8 any)
{
	const struct model *m = &b->model;
	const u32 chunk = any % m->nr;
	u64 gap = (u64)any << 16;
	bool at_end = false;
	u32 i;

	for (i = 0; i < m->nr; i++) {
		MUST_EQ(maio_chunk(&b->map, i),
			m->cached[i] * MAIO_CHUNK_CACHED | m->seen[i] * MAIO_CHUNK_SEEN |
			m->read[i] * MAIO_CHUNK_READ | m->again[i] * MAIO_CHUNK_AGAIN |
			m->failed[i] * MAIO_CHUNK_FAILED);
		MUST_EQ(maio_chunk_left(&b->map, i), m->left[i]);
	}
	for (i = 0; i < MAIO_CURSORS; i++) {
		const struct reader *r = &m->reader[i];

		MUST_EQ(b->cursors.cursor[i].used, r->used);
		if (!r->used)
			continue;
		MUST_EQ(b->cursors.cursor[i].pos, r->pos);
		MUST_EQ(b->cursors.cursor[i].next, r->next);
		MUST(r->next <= m->nr && r->pos <= m->nr);
		at_end |= r->pos + 1 >= m->nr;
	}
	MUST_EQ(maio_cursors_ahead(&b->cursors, &b->map), model_ahead(m));
	MUST_EQ(maio_cursors_at_end(&b->cursors, &b->map), at_end);
	MUST_EQ(maio_cursors_hold(&b->cursors, &b->map, chunk, gap), model_hold(m, chunk, gap));
}

static void do_access(struct both *b)
{
	struct maio_step step = { .chunk = any_chunk(b) };
	u8 how = fuzz_byte(&b->in);
	struct maio_outcome out, expected;

	step.last = min(step.chunk + how % 8, b->model.nr - 1);
	step.miss = how & 0x10;
	step.uptodate = !step.miss && how & 0x20;
	step.whole = !step.miss && how & 0x40;
	step.lag = how & 0x80 ? MAIO_CURSOR_LAG : 0;
	/* Who misses has not got further. */
	if (step.miss)
		step.last = step.chunk;
	memset(&out, 0xff, sizeof(out));
	maio_cursors_access(&b->cursors, &b->map, &step, &out);
	expected = model_access(&b->model, &step);
	MUST_EQ(out.hit, expected.hit);
	MUST_EQ(out.interrupted, expected.interrupted);
	MUST_EQ(out.passed, expected.passed);
	MUST_EQ(out.again, expected.again);
	MUST_EQ(out.useful, expected.useful);
	MUST_EQ(out.consumed, expected.consumed);
	MUST_EQ(out.late, expected.late);
	MUST_EQ(out.refaulted, expected.refaulted);
	MUST_EQ(out.populated, expected.populated);
}

static void do_pick(struct both *b)
{
	u64 budget = (u64)fuzz_byte(&b->in) << 18, most = (u64)fuzz_byte(&b->in) << 17;
	struct maio_batch batch = {}, expected = {};
	u8 then = fuzz_byte(&b->in);
	struct reader *r;
	bool picked;
	u32 i;

	picked = maio_cursors_pick(&b->cursors, &b->map, budget, most, &batch);
	MUST_EQ(model_pick(&b->model, budget, most, &expected), picked);
	if (!picked)
		return;
	MUST_EQ(batch.first, expected.first);
	MUST_EQ(batch.nr, expected.nr);
	MUST_EQ(batch.cursor, expected.cursor);
	MUST_EQ(batch.before, expected.before);
	MUST_EQ(batch.ahead, expected.ahead);
	MUST(!memcmp(&batch.bytes, &expected.bytes, sizeof(batch.bytes)));
	if (then & 1)
		do_access(b);
	if (then & 2) {
		r = &b->model.reader[batch.cursor];
		if (r->used && r->next == batch.first + batch.nr)
			r->next = batch.first;
		maio_cursors_unpick(&b->cursors, &batch);
		return;
	}
	for (i = batch.first; i < batch.first + batch.nr; i++) {
		/* Now and then, a chunk cannot be read. */
		if (then > 250) {
			b->map.state[i] |= MAIO_CHUNK_FAILED;
			b->model.failed[i] = true;
			continue;
		}
		maio_chunk_set(&b->map, i, maio_chunk(&b->map, i) | MAIO_CHUNK_CACHED);
		b->model.cached[i] = true;
		b->model.left[i] = true;
	}
}

static void do_drop(struct both *b)
{
	u64 gap = (u64)fuzz_byte(&b->in) << 18;
	u32 i;

	for (i = 0; i < b->model.nr; i++) {
		if (!b->model.read[i] || model_hold(&b->model, i, gap))
			continue;
		b->map.state[i] &= ~MAIO_CHUNK_CACHED;
		b->model.cached[i] = false;
		b->model.left[i] = false;
	}
}

/* Time passes for all readers but the next. */
static void do_rest(struct both *b)
{
	u32 rest = fuzz_word(&b->in) % (2 * MAIO_CURSOR_IDLE);

	b->cursors.clock += rest;
	b->model.clock += rest;
}

static void do_find(struct both *b)
{
	const struct model *m = &b->model;
	u32 file = fuzz_byte(&b->in) % FILES, i, at = U32_MAX, chunk, first, last, found = m->nr;
	u64 pos = (u64)fuzz_word(&b->in) << 9, end = pos + ((u64)fuzz_word(&b->in) << 10);
	u32 expected = 0, walked = 0;

	for (i = 0; i < m->nr; i++) {
		const struct ppc_range *c = &m->chunk[i];

		if (c->file != file)
			continue;
		if (pos >= c->pos && pos < c->pos + c->len)
			found = i;
		expected += c->pos < end && c->pos + c->len > pos && pos < end;
	}
	MUST_EQ(maio_map_find(&b->map, file, pos, &chunk), found < m->nr);
	MUST(found == m->nr || chunk == found);
	while (maio_map_next(&b->map, file, pos, end, &at, &first, &last)) {
		MUST(first <= last && last < m->nr);
		for (i = first; i <= last; i++)
			MUST(m->chunk[i].file == file && m->chunk[i].pos < end &&
			     m->chunk[i].pos + m->chunk[i].len > pos);
		walked += last - first + 1;
	}
	MUST_EQ(walked, expected);
}

/* Ranges out of the input; false if they are not ones that a map takes. */
static bool make_map(struct both *b)
{
	u32 nr = 1 + fuzz_byte(&b->in) % MAX_RANGES, i, j;
	struct ppc_range ranges[MAX_RANGES] = {};
	struct model *m = &b->model;
	bool overlap = false;
	u64 bytes = 0;

	for (i = 0; i < nr; i++) {
		struct ppc_range *r = &ranges[i];

		r->file = fuzz_byte(&b->in) % FILES;
		r->pos = (u64)fuzz_word(&b->in) << 9;
		r->len = 1 + ((u64)fuzz_word(&b->in) << 8);
		for (j = 0; j < i; j++)
			overlap |= r->file == ranges[j].file &&
				   r->pos < ranges[j].pos + ranges[j].len &&
				   ranges[j].pos < r->pos + r->len;
	}
	MUST_EQ(maio_map_init(&b->map, ranges, nr), overlap ? -EINVAL : 0);
	if (overlap)
		return false;
	for (i = 0; i < nr; i++) {
		u64 pos = ranges[i].pos, end = pos + ranges[i].len;

		for (; pos < end; pos += m->chunk[m->nr++].len) {
			MUST(m->nr < MAX_CHUNKS);
			m->chunk[m->nr] = (struct ppc_range){
				.file = ranges[i].file,
				.pos = pos,
				.len = min(end - pos, MAIO_CHUNK_SIZE - pos % MAIO_CHUNK_SIZE),
			};
		}
	}
	MUST_EQ(b->map.nr_chunks, m->nr);
	for (i = 0; i < m->nr; i++) {
		struct ppc_range r;

		maio_map_chunk(&b->map, i, &r);
		MUST(!memcmp(&r, &m->chunk[i], sizeof(r)));
		MUST_EQ(maio_map_byte(&b->map, i), bytes);
		bytes += r.len;
	}
	MUST_EQ(maio_map_byte(&b->map, m->nr), bytes);
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct both *b = calloc(1, sizeof(*b));

	b->in = (struct fuzz_input){ data, size };
	if (!make_map(b))
		goto out;
	/* The kernel's clock wraps, the model's does not. */
	b->cursors.clock = (u32)fuzz_byte(&b->in) - 128;
	b->model.clock = 1000 + b->cursors.clock;
	while (b->in.size) {
		u8 what = fuzz_byte(&b->in);

		switch (what % 8) {
		case 0 ... 2:
			do_access(b);
			break;
		case 3 ... 4:
			do_pick(b);
			break;
		case 5:
			do_drop(b);
			break;
		case 6:
			do_find(b);
			break;
		default:
			if (what < 16) {
				maio_cursors_reset(&b->cursors, &b->map);
				b->model.clock += (u32)-b->cursors.clock;
				b->cursors.clock = b->model.clock;
				model_reset(&b->model);
			} else {
				do_rest(b);
			}
			break;
		}
		compare(b, what);
	}
out:
	maio_map_free(&b->map);
	free(b);
	return 0;
}
