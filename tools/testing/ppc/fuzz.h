/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share.
 */
#ifndef _PPC_FUZZ_H
#define _PPC_FUZZ_H

#include <linux/limits.h>
#include <linux/minmax.h>

/* What must be so, on all inputs. */
#define MUST(good) do {								\
	if (!(good)) {								\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #good);	\
		abort();							\
	}									\
} while (0)

#define MUST_EQ(left, right) do {						\
	const long long _left = (left), _right = (right);			\
										\
	if (_left != _right) {							\
		fprintf(stderr, "%s:%d: %s is %lld, %s is %lld\n", __FILE__,	\
			__LINE__, #left, _left, #right, _right);		\
		abort();							\
	}									\
} while (0)

struct fuzz_input {
	const u8 *data;
	size_t size;
};

/* The next byte of an input, zero behind its end. */
static inline u8 fuzz_byte(struct fuzz_input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static inline u32 fuzz_word(struct fuzz_input *in)
{
	u32 low = fuzz_byte(in);

	return low | fuzz_byte(in) << 8;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif /* _PPC_FUZZ_H */
