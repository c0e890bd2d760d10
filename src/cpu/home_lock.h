/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A spin lock that has a home: the first processor that takes it, which from then on does so by
 * plain stores, until another one wants it. Then it has none any more, for good, and is a spin lock
 * like all. So it is for locks that there are for the sake of several processors, and that one of
 * them takes, as good as always.
 *
 * Whoever holds it stands in its word in either case, and releases it as any other: only taking it
 * differs. The home says which lock it is about to take (cpu_about), and then looks whether it is
 * its home still; another one takes that away first and waits until the home is not about to do it:
 * by then it has taken it, or sees that it has to take it as all do.
 */
#ifndef DRY_CPU_HOME_LOCK_H
#define DRY_CPU_HOME_LOCK_H

#include "cpu/cpu.h"

/* Zero is free, and has no home yet. */
struct cpu_home_lock {
	struct cpu_spinlock lock;
	_Atomic uintptr_t home; /* its mark, or one of these: */
};
#define CPU_HOME_NEVER	 UINTPTR_MAX
#define CPU_HOME_LEAVING (UINTPTR_MAX - 1) /* that is so as soon as the home is not about it */

/* spinlock.c: the general case, with every check. */
border_call void cpu_home_acquire_slow(struct cpu_home_lock *lock);

/* As cpu_spin_acquire_free. */
static inline bool cpu_home_acquire_free(struct cpu *cpu, struct cpu_home_lock *lock)
{
	uintptr_t home;
	bool is_free;

	if (likely(cpu->alone))
		return cpu_spin_acquire_free_as(cpu, &lock->lock, true);
	home = atomic_load_explicit(&lock->home, memory_order_acquire);
	if (unlikely(home != cpu->spin_mark))
		return home == CPU_HOME_NEVER && cpu_spin_acquire_free_as(cpu, &lock->lock, false);
	cpu_about(cpu, lock);
	is_free = likely(atomic_load_explicit(&lock->home, memory_order_relaxed) == home &&
			 !atomic_load_explicit(&lock->lock.word, memory_order_relaxed));
	if (is_free)
		atomic_store_explicit(&lock->lock.word, home, memory_order_relaxed);
	cpu_about_over(cpu);
	return is_free;
}

/* As the functions of a spin lock, which is released by those: cpu_spin_release ... */
static inline void cpu_home_acquire_above(struct cpu *cpu, struct cpu_home_lock *lock)
{
	if (unlikely(cpu_is_due_on(cpu) || !cpu_home_acquire_free(cpu, lock)))
		cpu_home_acquire_slow(lock);
}

static inline void cpu_home_acquire_by(struct cpu *cpu, struct cpu_home_lock *lock)
{
	if (unlikely(!cpu || cpu->irql < IRQL_DISPATCH))
		cpu_home_acquire_slow(lock);
	else
		cpu_home_acquire_above(cpu, lock);
}

static inline void cpu_home_acquire(struct cpu_home_lock *lock)
{
	cpu_home_acquire_by(cpu_self, lock);
}

#endif
