/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread: what is checked is that no lock is taken twice, nor used without it.
 */
#ifndef _PPC_LINUX_SPINLOCK_H
#define _PPC_LINUX_SPINLOCK_H

#include <assert.h>

typedef struct {
	bool held;
} spinlock_t;

typedef spinlock_t shim_spinlock_t;

static inline spinlock_t *shim_spinlock_take(spinlock_t *lock)
{
	assert(!lock->held);
	lock->held = true;
	return lock;
}

static inline void shim_spinlock_drop(spinlock_t **lock)
{
	assert((*lock)->held);
	(*lock)->held = false;
}

#define guard(kind)							\
	shim_##kind##_t *_guard						\
		__attribute__((cleanup(shim_##kind##_drop), unused)) = shim_##kind##_take

#define scoped_guard(kind, lock)						\
	for (shim_##kind##_t *_scope						\
	     __attribute__((cleanup(shim_##kind##_drop))) = shim_##kind##_take(lock),	\
	     *_once = NULL; !_once; _once = (void *)1)

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->held = false;
}

static inline void spin_lock(spinlock_t *lock)
{
	shim_spinlock_take(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	shim_spinlock_drop(&lock);
}

#define lockdep_assert_held(lock)	assert((lock)->held)

#endif /* _PPC_LINUX_SPINLOCK_H */
