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

static void __attribute__((noinline)) spin_wait(struct cpu_spinlock *lock, uintptr_t mine)
{
	uintptr_t owner, free = 0;

	do {
		while ((owner = atomic_load_explicit(&lock->word, memory_order_relaxed))) {
			if (owner == mine)
				cpu_die("processor %u takes spin lock %p, which it holds already",
					cpu_self->number, (void *)lock);
			if (owner > cpu_count())
				cpu_die("spin lock %p holds %#lx: it was not initialised, or "
					"overwritten",
					(void *)lock, (unsigned long)owner);
			cpu_relax();
		}
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

/* Whether it is the calling processor's home, which it becomes if it had none. */
static bool is_home(const struct cpu *cpu, struct cpu_home_lock *lock)
{
	uintptr_t home = 0;

	return !cpu->alone && cpu_has_near &&
	       (atomic_compare_exchange_strong_explicit(&lock->home, &home, cpu->spin_mark,
			memory_order_relaxed, memory_order_relaxed) ||
		       home == cpu->spin_mark);
}

/* Who comes as the home is leaving waits as well. */
static void home_end(struct cpu_home_lock *lock)
{
	if (atomic_load_explicit(&lock->home, memory_order_acquire) == CPU_HOME_NEVER)
		return;
	atomic_store_explicit(&lock->home, CPU_HOME_LEAVING, memory_order_relaxed);
	cpu_about_wait(lock);
	atomic_store_explicit(&lock->home, CPU_HOME_NEVER, memory_order_release);
}

border_call void cpu_home_acquire_slow(struct cpu_home_lock *lock)
{
	struct cpu *cpu = cpu_self;

	if (likely(cpu && cpu->irql >= IRQL_DISPATCH)) {
		if (is_home(cpu, lock)) {
			cpu_poll();
			if (likely(cpu_home_acquire_free(cpu, lock)))
				return;
		} else if (!cpu->alone) {
			home_end(lock);
		}
	}
	/* which is a safepoint, too */
	cpu_spin_acquire_slow(&lock->lock);
}
