/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For one thread.
 */
#ifndef _PPC_LINUX_ATOMIC_H
#define _PPC_LINUX_ATOMIC_H

typedef struct {
	s64 counter;
} atomic64_t;

#define atomic_read(v)		((v)->counter)
#define atomic64_read(v)	((v)->counter)

static inline void atomic64_set(atomic64_t *v, s64 value)
{
	v->counter = value;
}

static inline void atomic64_add(s64 value, atomic64_t *v)
{
	v->counter += value;
}

#endif /* _PPC_LINUX_ATOMIC_H */
