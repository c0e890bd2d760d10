/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Spin locks (cpu.h). A machine of one processor only notes the owner, since nothing can run there
 * at or above DISPATCH between taking and releasing that takes it too, but an error.
 */
#include "cpu/home_lock.h"
#include "cpu/processor.h"

bool cpu_inner_locks = true;

static uintptr_t my_word(const struct cpu_spinlock *lock)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu))
		cpu_die("spin lock %p used on a host thread that is no processor", (void *)lock);
	return cpu->number + 1u;
}

static void relax_while_held(const struct cpu_spinlock *lock, uintptr_t mine)
{
	uintptr_t owner;

	while ((owner = atomic_load_explicit(&lock->word, memory_order_relaxed))) {
		if (owner == mine)
			cpu_die("processor %u takes spin lock %p, which it holds already",
				cpu_self->number, (const void *)lock);
		if (owner > cpu_count())
			cpu_die("spin lock %p holds %#lx: it was not initialised, or overwritten",
				(const void *)lock, (unsigned long)owner);
		cpu_relax();
	}
}

static void __attribute__((noinline)) spin_wait(struct cpu_spinlock *lock, uintptr_t mine)
{
	uintptr_t free;

	do {
		relax_while_held(lock, mine);
		free = 0;
	} while (!atomic_compare_exchange_weak_explicit(
		&lock->word, &free, mine, memory_order_acquire, memory_order_relaxed));
}

static void check_irql(const struct cpu_spinlock *lock)
{
	if (unlikely(cpu_self->irql < IRQL_DISPATCH))
		cpu_die("spin lock %p used at IRQL %u", (void *)lock, cpu_self->irql);
}

border_call void cpu_spin_acquire_slow(struct cpu_spinlock *lock)
{
	cpu_poll();
	if (unlikely(!cpu_spin_try(lock)))
		spin_wait(lock, my_word(lock));
}

bool cpu_spin_try(struct cpu_spinlock *lock)
{
	uintptr_t mine = my_word(lock), free = 0;

	check_irql(lock);
	if (likely(cpu_self->alone)) {
		if (unlikely(atomic_load_explicit(&lock->word, memory_order_relaxed)))
			return false;
		atomic_store_explicit(&lock->word, mine, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(
		&lock->word, &free, mine, memory_order_acquire, memory_order_relaxed);
}

border_call void cpu_spin_release_slow(struct cpu_spinlock *lock)
{
	uintptr_t owner = atomic_load_explicit(&lock->word, memory_order_relaxed);

	if (unlikely(owner != my_word(lock)))
		cpu_die("processor %u releases spin lock %p, which %s", cpu_self->number,
			(void *)lock, owner ? "another processor holds" : "nobody holds");
	check_irql(lock);
	atomic_store_explicit(&lock->word, 0, memory_order_release);
}

/* ---- home_lock.h ---- */

/* By who has made it CPU_HOME_CHANGING: as soon as nobody is about to take it otherwise. */
static void home_change(struct cpu_home_lock *lock, uintptr_t home)
{
	cpu_about_wait(lock);
	atomic_store_explicit(&lock->home, home, memory_order_release);
}

/* By its holder, who has taken it while it had no home. */
static void home_count(struct cpu_home_lock *lock, uintptr_t mark)
{
	uintptr_t home = CPU_HOME_NONE;

	if (lock->last != mark) {
		lock->last = (uint16_t)mark;
		lock->row = 0;
	}
	if (++lock->row >= CPU_HOME_ROW) {
		home = mark;
		lock->row = 0;
	} else if (++lock->homeless >= CPU_HOME_HOMELESS) {
		home = CPU_HOME_NEVER;
	} else {
		return;
	}
	atomic_store_explicit(&lock->home, CPU_HOME_CHANGING, memory_order_relaxed);
	home_change(lock, home);
}

static bool homeless_try(struct cpu *cpu, struct cpu_home_lock *lock)
{
	bool is_mine;

	cpu_about(cpu, lock);
	is_mine = atomic_load_explicit(&lock->home, memory_order_acquire) == CPU_HOME_NONE &&
		  cpu_spin_acquire_free_as(cpu, &lock->lock, false);
	cpu_about_over(cpu);
	if (is_mine)
		home_count(lock, cpu->spin_mark);
	return is_mine;
}

/* It has no home any more after this, unless somebody else was faster. */
static void home_end(struct cpu_home_lock *lock, uintptr_t home)
{
	if (!atomic_compare_exchange_strong_explicit(&lock->home, &home, CPU_HOME_CHANGING,
		    memory_order_acquire, memory_order_relaxed))
		return;
	home_change(lock, CPU_HOME_NONE);
}

/* False: it is one like all. */
static bool take_settling(struct cpu *cpu, struct cpu_home_lock *lock)
{
	uintptr_t home;

	while ((home = atomic_load_explicit(&lock->home, memory_order_acquire)) != CPU_HOME_NEVER) {
		if (home == CPU_HOME_CHANGING)
			cpu_relax();
		else if (home == CPU_HOME_NONE && homeless_try(cpu, lock))
			return true;
		else if (home == cpu->spin_mark && cpu_home_acquire_free(cpu, lock))
			return true;
		else if (home != CPU_HOME_NONE && home != cpu->spin_mark)
			home_end(lock, home);
		else
			relax_while_held(&lock->lock, cpu->spin_mark);
	}
	return false;
}

border_call void cpu_home_acquire_slow(struct cpu_home_lock *lock)
{
	struct cpu *cpu = cpu_self;

	if (likely(cpu && cpu->irql >= IRQL_DISPATCH && !cpu->alone)) {
		if (cpu_has_near) {
			cpu_poll();
			if (take_settling(cpu, lock))
				return;
		} else {
			atomic_store_explicit(&lock->home, CPU_HOME_NEVER, memory_order_relaxed);
		}
	}
	/* which is a safepoint, too */
	cpu_spin_acquire_slow(&lock->lock);
}
