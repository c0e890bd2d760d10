/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/spinlock.c.
 */
#include "kit.h"

static struct cpu_spinlock lock, other;
static uint64_t counter; /* not atomic: the lock guards it */
static bool results[8];
static _Atomic int stage;

#define ROUNDS 50000

static void add_under_lock(void *ctx)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

		cpu_spin_acquire(&lock);
		counter++;
		cpu_spin_release(&lock);
		cpu_irql_lower(irql);
	}
}

static void two_processors_hammer_one_lock(void **state)
{
	struct cpu_thread *threads[2];

	counter = 0;
	for (int i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(add_under_lock, NULL, i, "test");
	for (int i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	assert_true(counter == 2 * ROUNDS);
	assert_true(lock.word == 0);
}

static void use_lock(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	results[0] = cpu_spin_is_held(&lock);
	cpu_spin_acquire(&lock);
	results[1] = cpu_spin_is_held(&lock);
	results[2] = cpu_spin_try(&lock);
	results[3] = cpu_spin_try(&other);
	cpu_spin_release(&other);
	cpu_spin_release(&lock);
	results[4] = cpu_spin_is_held(&lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void lock_tells_whether_this_processor_holds_it(void **state)
{
	memset(results, 0, sizeof(results));
	run_on(0, use_lock, NULL);
	assert_false(results[0] || results[2] || results[4]);
	assert_true(results[1] && results[3]);
	assert_true(lock.word == 0 && other.word == 0);
}

static void hold_until_stage_2(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_acquire(&lock);
	set(stage, 1);
	while (get(stage) != 2)
		cpu_relax();
	cpu_spin_release(&lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static bool service(struct cpu_interrupt *interrupt)
{
	set(stage, 2);
	return true;
}

static void wait_for_lock(void *ctx)
{
	while (get(stage) != 1)
		cpu_relax();
	cpu_irql_raise(IRQL_DISPATCH);
	results[0] = cpu_spin_try(&lock);
	results[1] = cpu_spin_is_held(&lock);
	cpu_interrupt_raise(ctx);
	/* only the service, here, makes the holder let go */
	cpu_spin_acquire(&lock);
	results[2] = cpu_spin_is_held(&lock);
	cpu_spin_release(&lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void interrupts_are_served_while_waiting_for_a_lock(void **state)
{
	struct cpu_interrupt interrupt = {.irql = 6, .cpu = 1, .service = service};
	struct cpu_thread *holder, *waiter;

	memset(results, 0, sizeof(results));
	set(stage, 0);
	holder = cpu_thread_new(hold_until_stage_2, NULL, 0, "holder");
	waiter = cpu_thread_new(wait_for_lock, &interrupt, 1, "waiter");
	cpu_thread_join(holder);
	cpu_thread_join(waiter);
	cpu_thread_free(holder);
	cpu_thread_free(waiter);
	assert_false(results[0] || results[1]);
	assert_true(results[2]);
}

static bool note_service(struct cpu_interrupt *interrupt)
{
	results[1] = true;
	return true;
}

static void raise_and_acquire(void *ctx)
{
	struct cpu_interrupt interrupt = {.irql = 6, .service = note_service};

	cpu_irql_raise(IRQL_DISPATCH);
	cpu_interrupt_raise(&interrupt);
	results[0] = results[1];
	cpu_spin_acquire(&lock);
	results[2] = results[1];
	cpu_spin_release(&lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void acquire_is_a_safepoint(void **state)
{
	memset(results, 0, sizeof(results));
	run_on(0, raise_and_acquire, NULL);
	assert_false(results[0]);
	assert_true(results[2]);
}

static void acquire_twice(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_acquire(&lock);
	cpu_spin_acquire(&lock);
}

static void acquire_at_passive(void *ctx)
{
	cpu_spin_acquire(&lock);
}

static void release_free_one(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_release(&lock);
}

static void release_foreign_one(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	lock.word = 2;
	cpu_spin_release(&lock);
}

static void acquire_garbage(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	lock.word = 0xdeadbeef;
	cpu_spin_acquire(&lock);
}

static void errors_with_locks_die_saying_which(void **state)
{
	assert_dies(acquire_twice, "which it holds already");
	assert_dies(acquire_at_passive, "used at IRQL 0");
	assert_dies(release_free_one, "which nobody holds");
	assert_dies(release_foreign_one, "which another processor holds");
	assert_dies(acquire_garbage, "holds 0xdeadbeef: it was not initialised, or overwritten");
}

static void acquire_on_host(void (*fn)(void *))
{
	machine_start_with(1, false);
	cpu_spin_acquire(&lock);
}

static void lock_on_a_host_thread_dies(void **state)
{
	char text[4096];

	assert_int_equal(WEXITSTATUS(status_of(acquire_on_host, NULL, text, sizeof(text))), 1);
	assert_text_has(text, "no processor");
}

static void lock_has_the_size_of_a_pointer(void **state)
{
	assert_int_equal(sizeof(struct cpu_spinlock), sizeof(void *));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_2(two_processors_hammer_one_lock),
		on_1(lock_tells_whether_this_processor_holds_it),
		on_2(lock_tells_whether_this_processor_holds_it),
		on_2(interrupts_are_served_while_waiting_for_a_lock),
		on_1(acquire_is_a_safepoint),
		cmocka_unit_test(errors_with_locks_die_saying_which),
		cmocka_unit_test(lock_on_a_host_thread_dies),
		cmocka_unit_test(lock_has_the_size_of_a_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
