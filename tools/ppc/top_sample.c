// SPDX-License-Identifier: GPL-2.0
/*
 * Samples for "maioctl top": what fdinfo says of each attachment, and how that
 * has grown since.
 */
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* Return: true if there is such a line, and a number in it. */
bool sample_number(const struct attachment *a, const char *key, __u64 *value)
{
	const char *text = attachment_get(a, key);

	return text && !decimal_parse(&text, value) && !*text;
}

static __u64 get_or_0(const struct attachment *a, const char *key)
{
	__u64 value;

	return sample_number(a, key, &value) ? value : 0;
}

static const struct row *find_row(const struct sample *sample,
				  const struct attachment *a)
{
	size_t i;

	for (i = 0; i < sample->nr; i++) {
		if (sample->list[i].pid == a->pid && sample->list[i].fd == a->fd)
			return &sample->rows[i];
	}
	return NULL;
}

static void fill_row(const struct sample *now, const struct sample *before,
		     __u64 stride, struct row *row, const struct attachment *a)
{
	const struct row *old = find_row(before, a);

	row->a = a;
	row->prefetched = get_or_0(a, "prefetched_bytes");
	row->consumed = get_or_0(a, "useful_bytes");
	/* A recording reads nothing ahead that could be of use. */
	if (!row->prefetched)
		row->consumed = get_or_0(a, "events_consume") * stride;
	/* With a lower count it is another attachment of the same number. */
	if (old && old->prefetched > row->prefetched)
		old = NULL;
	if (old && old->have_model_bytes) {
		row->have_model_bytes = true;
		row->model_bytes = old->model_bytes;
	} else {
		row->have_model_bytes =
			attachment_model_bytes(a, &row->model_bytes);
	}
	row->rate = -1;
	if (old && now->ms > before->ms)
		row->rate = (double)(row->prefetched - old->prefetched) * 1000 /
			    (double)(now->ms - before->ms);
}

/**
 * sample_take - look at all attachments
 * @now: filled in; to be given to sample_free()
 * @before: the last sample, for rates
 * @stride: bytes of progress between two "consume" events
 */
void sample_take(struct sample *now, const struct sample *before, __u64 stride)
{
	size_t i;

	now->list = attachments_find(&now->nr, &now->unreadable);
	now->ms = now_ms();
	now->rows = xalloc(now->nr, sizeof(*now->rows));
	for (i = 0; i < now->nr; i++)
		fill_row(now, before, stride, &now->rows[i],
			 &now->list[i]);
}

void sample_free(struct sample *sample)
{
	attachments_free(sample->list, sample->nr);
	free(sample->rows);
	memset(sample, 0, sizeof(*sample));
}

/* Of the model, the part that has been consumed; negative if not known. */
double row_done(const struct row *row)
{
	if (!row->have_model_bytes || !row->model_bytes)
		return -1;
	if (row->consumed > row->model_bytes)	/* several have read it */
		return 1;
	return (double)row->consumed / (double)row->model_bytes;
}
