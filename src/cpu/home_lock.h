/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A spin lock that has a home: a processor that has taken it so many times in a row, which from
 * then on does so by plain stores, until another one wants it: then it has none, until one has
 * taken it so many times again. So it is for locks that there are for the sake of several
 * processors, and that one of them takes, as good as always. To change is dear: one that has had
 * none for some thousand takings in all, or some dozens of homes, is a spin lock like all for good.
 *
 * Whoever holds it stands in its word in any case, and releases it as any other: only taking it
 * differs. Its home, and whoever takes it while it has none, says which lock he is about to take
 * (cpu_about), and then looks how it is to be taken; who changes that makes it CPU_HOME_CHANGING
 * first and waits until nobody is about to do it: by then they have taken it, or see that they have
 * to look again.
 */
#ifndef DRY_CPU_HOME_LOCK_H
#define DRY_CPU_HOME_LOCK_H

#include "cpu/cpu.h"

/* Zero is free, and has no home. */
struct cpu_home_lock {
	struct cpu_spinlock lock;
	_Atomic uintptr_t home; /* its mark, or one of these: */
	/* of who takes it while it has none; the holder's then */
	uint16_t last;	   /* his mark */
	uint16_t row;	   /* so often has he taken it, one time after the other */
	uint16_t homeless; /* so often has anybody */
};
#define CPU_HOME_NONE	  ((uintptr_t)0)
#define CPU_HOME_NEVER	  UINTPTR_MAX
#define CPU_HOME_CHANGING (UINTPTR_MAX - 1)

#define CPU_HOME_ROW	  256
#define CPU_HOME_HOMELESS (32 * CPU_HOME_ROW) /* then never */

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
