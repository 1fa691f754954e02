/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of "maioctl top" share.
 */
#ifndef MAIOCTL_TOP_H
#define MAIOCTL_TOP_H

#include "maioctl.h"

/**
 * struct row - an attachment at one moment
 * @a: the attachment
 * @prefetched: bytes read ahead so far
 * @consumed: bytes of the model that readers have passed
 * @model_bytes: of the files, if @have_model_bytes
 * @rate: bytes read ahead per second since the last sample, or negative
 */
struct row {
	const struct attachment *a;
	__u64 prefetched;
	__u64 consumed;
	__u64 model_bytes;
	bool have_model_bytes;
	double rate;
};

/**
 * struct sample - all attachments at one moment
 * @list: as found
 * @rows: one for each of @list
 * @nr: how many
 * @unreadable: processes that could not be looked at
 * @ms: when
 */
struct sample {
	struct attachment *list;
	struct row *rows;
	size_t nr;
	size_t unreadable;
	__u64 ms;
};

/* top_sample.c */
bool sample_number(const struct attachment *a, const char *key, __u64 *value);
void sample_take(struct sample *now, const struct sample *before, __u64 stride);
void sample_free(struct sample *sample);
double row_done(const struct row *row);

/* top_print.c */
int sample_print_json(const struct sample *sample, struct why *why);
int sample_print(const struct sample *sample, bool screen, struct why *why);

#endif /* MAIOCTL_TOP_H */
