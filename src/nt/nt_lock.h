/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The lock of this layer's own tables (pool, dispatcher objects, handles, timers). Unlike a
 * cpu_spinlock it also excludes host threads that are no processors, at any IRQL. Whoever holds it
 * passes no safepoint, emits no event and calls no driver, so it is never held across a fiber
 * switch and an interrupt cannot nest inside it.
 */
#ifndef DRY_NT_LOCK_H
#define DRY_NT_LOCK_H

#include "util/common.h"
#include "cpu/cpu.h"
#include <sched.h>
#include <stdatomic.h>

struct nt_lock {
	_Atomic uint32_t taken;
};

static inline void nt_lock_take(struct nt_lock *lock)
{
	unsigned spins = 0;

	while (unlikely(atomic_exchange_explicit(&lock->taken, 1, memory_order_acquire))) {
		if (!spins)
			cpu_hands_show();
		/* The holder may have lost its host processor: do not burn ours for long. */
		if (++spins < 100)
			__builtin_ia32_pause();
		else
			sched_yield();
	}
}

static inline void nt_lock_drop(struct nt_lock *lock)
{
	atomic_store_explicit(&lock->taken, 0, memory_order_release);
}

#endif
