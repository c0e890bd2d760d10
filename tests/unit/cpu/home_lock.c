/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/home_lock.h: a lock whose home takes it by plain stores, until another processor
 * wants it.
 */
#include "kit.h"

#include "cpu/home_lock.h"
#include <signal.h>

enum { PROCESSORS = 4, LOCKS = 400, ROUNDS = 60 };

static struct cpu_home_lock lock, locks[LOCKS];
static uint64_t counters[LOCKS]; /* not atomic: the locks guard them */
static bool results[8];
static _Atomic int stage;
static _Atomic unsigned turn[LOCKS];

static int start_all(void **state)
{
	machine_start_with(PROCESSORS, false);
	return 0;
}

static int start_again(void **state)
{
	lock = (struct cpu_home_lock){0};
	memset(results, 0, sizeof(results));
	set(stage, 0);
	return start_2(state);
}

static void take_and_add(struct cpu_home_lock *which, uint64_t *counter)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_home_acquire(which);
	(*counter)++;
	cpu_spin_release(&which->lock);
	cpu_irql_lower(irql);
}

/* Of each lock one is the first, and the others come while it takes the lock again and again: all
 * at once. */
static void come_in_turn(void *ctx)
{
	unsigned me = cpu_self->number;

	for (unsigned n = 0; n < LOCKS; n++) {
		bool is_first = n % PROCESSORS == me;

		if (!is_first)
			while (get(turn[n]) < 1 + n % 3 * 7)
				cpu_relax();
		for (unsigned i = 0; i < ROUNDS; i++) {
			take_and_add(&locks[n], &counters[n]);
			if (is_first)
				count(turn[n]);
		}
	}
}

static void no_count_is_lost_when_the_home_ends(void **state)
{
	struct cpu_thread *threads[PROCESSORS];
	unsigned ended = 0;

	for (unsigned n = 0; n < PROCESSORS; n++)
		threads[n] = cpu_thread_new(come_in_turn, NULL, n, "test");
	for (unsigned n = 0; n < PROCESSORS; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	for (unsigned n = 0; n < LOCKS; n++) {
		assert_int_equal(counters[n], PROCESSORS * ROUNDS);
		assert_int_equal(locks[n].lock.word, 0);
		ended += locks[n].home == CPU_HOME_NEVER;
	}
	assert_int_equal(ended, LOCKS);
}

/* ---- between any two instructions of the home's ---- */

/* Another one comes before the instruction of that number: it takes the lock, or has to wait
 * because the home is about to, or has it. It has it for so many instructions, and takes it again
 * after so many more, as all do then. */
static struct {
	unsigned at, holds, pauses;
} comes;
static unsigned steps, wrong;
static bool has_ended, other_has_it;

static void other_takes(bool takes)
{
	other_has_it = takes;
	lock.lock.word = takes ? CPU_SPIN_MARK(1) : 0;
}

static void come(int signal)
{
	unsigned n = steps++;

	if (n == comes.at) {
		has_ended = cpu_self->about != &lock && !lock.lock.word;
		lock.home = has_ended ? CPU_HOME_NEVER : CPU_HOME_LEAVING;
		if (has_ended)
			other_takes(true);
	} else if (has_ended && n == comes.at + comes.holds) {
		other_takes(false);
	} else if (has_ended && n == comes.at + comes.holds + comes.pauses && !lock.lock.word) {
		other_takes(true);
	}
}

/* The processor's trap flag; the words below the stack pointer may be in use. */
#define STEP(how)                                                                                  \
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t" how                                \
			 " (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::                           \
				 : "memory", "cc")

static void take_stepwise(void)
{
	struct cpu *cpu = cpu_self;
	uintptr_t word;
	bool is_taken;

	lock = (struct cpu_home_lock){.home = cpu->spin_mark};
	steps = 0;
	has_ended = other_has_it = false;
	STEP("orl $0x100,");
	is_taken = cpu_home_acquire_free(cpu, &lock);
	STEP("andl $~0x100,");
	word = lock.lock.word;
	wrong += is_taken && other_has_it;
	wrong += word != (is_taken ? cpu->spin_mark : other_has_it ? CPU_SPIN_MARK(1) : 0);
}

static void take_with_others(void *ctx)
{
	enum { LONGEST = 10 };

	cpu_irql_raise(IRQL_DISPATCH);
	for (comes.at = 0; comes.at < steps || !comes.at; comes.at++)
		for (comes.holds = 1; comes.holds < LONGEST; comes.holds++)
			for (comes.pauses = 1; comes.pauses < LONGEST; comes.pauses++)
				take_stepwise();
	cpu_irql_lower(IRQL_PASSIVE);
}

static void one_has_it_whenever_another_comes(void **state)
{
	struct sigaction old, action = {.sa_handler = come};

#ifdef DRY_TSAN
	skip(); /* its runtime is not to be interrupted between two instructions */
#endif
	if (!cpu_has_near)
		return;
	steps = wrong = 0;
	sigaction(SIGTRAP, &action, &old);
	run_on(0, take_with_others, NULL);
	sigaction(SIGTRAP, &old, NULL);
	assert_true(comes.at > 10);
	assert_int_equal(wrong, 0);
}

static void take_some(void *ctx)
{
	uint64_t *counter = ctx;

	for (unsigned i = 0; i < ROUNDS; i++)
		take_and_add(&lock, counter);
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_home_acquire(&lock);
	results[0] = cpu_spin_is_held(&lock.lock);
	results[1] = cpu_home_acquire_free(cpu_self, &lock);
	cpu_spin_release(&lock.lock);
	results[2] = cpu_spin_is_held(&lock.lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void the_first_is_at_home_until_another_comes(void **state)
{
	uint64_t counter = 0;

	run_on(1, take_some, &counter);
	assert_true(lock.home == (cpu_has_near ? CPU_SPIN_MARK(1) : CPU_HOME_NEVER));
	assert_true(results[0] && !results[1] && !results[2]);
	run_on(0, take_some, &counter);
	assert_true(lock.home == CPU_HOME_NEVER);
	assert_true(results[0] && !results[1] && !results[2]);
	run_on(1, take_some, &counter);
	assert_true(lock.home == CPU_HOME_NEVER);
	assert_int_equal(counter, 3 * ROUNDS);
	assert_int_equal(lock.lock.word, 0);
}

static void hold_at_home(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_home_acquire(&lock);
	set(stage, 1);
	sleep_ms(20);
	set(stage, 2);
	cpu_spin_release(&lock.lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void come_from_elsewhere(void *ctx)
{
	while (get(stage) != 1)
		cpu_relax();
	cpu_irql_raise(IRQL_DISPATCH);
	results[0] = cpu_home_acquire_free(cpu_self, &lock);
	cpu_home_acquire(&lock);
	results[1] = get(stage) == 2;
	cpu_spin_release(&lock.lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void other_waits_for(void (*at_home)(void *ctx))
{
	struct cpu_thread *home = cpu_thread_new(at_home, NULL, 0, "home");
	struct cpu_thread *other = cpu_thread_new(come_from_elsewhere, NULL, 1, "other");

	cpu_thread_join(home);
	cpu_thread_join(other);
	cpu_thread_free(home);
	cpu_thread_free(other);
	assert_false(results[0]);
	assert_true(results[1]);
}

static void another_waits_while_it_is_held_at_home(void **state)
{
	other_waits_for(hold_at_home);
}

/* What the home does in its window, by hand: another one waits for the end of that. */
static void be_about_to_take(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_home_acquire(&lock);
	cpu_spin_release(&lock.lock);
	cpu_about(cpu_self, &lock);
	set(stage, 1);
	sleep_ms(20);
	lock.lock.word = cpu_self->spin_mark;
	cpu_about_over(cpu_self);
	sleep_ms(20);
	set(stage, 2);
	cpu_spin_release(&lock.lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void another_waits_while_the_home_is_about_to_take_it(void **state)
{
	if (cpu_has_near)
		other_waits_for(be_about_to_take);
}

static bool note_service(struct cpu_interrupt *interrupt)
{
	results[1] = true;
	return true;
}

static void raise_and_acquire(void *ctx)
{
	struct cpu_interrupt interrupt = {
		.irql = 6, .cpu = cpu_self->number, .service = note_service};

	for (unsigned i = 0; i < 3; i++) { /* a new one; at home */
		cpu_irql_raise(IRQL_DISPATCH);
		results[1] = false;
		cpu_interrupt_raise(&interrupt);
		results[2 + i] = !results[1];
		cpu_home_acquire(&lock);
		results[2 + i] = results[2 + i] && results[1];
		cpu_spin_release(&lock.lock);
		cpu_irql_lower(IRQL_PASSIVE);
	}
}

static void to_take_it_is_a_safepoint(void **state)
{
	run_on(1, raise_and_acquire, NULL);
	assert_true(results[2] && results[3] && results[4]);
}

static void acquire_twice(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_home_acquire(&lock);
	cpu_home_acquire(&lock);
}

static void acquire_at_passive(void *ctx)
{
	cpu_home_acquire(&lock);
}

static void errors_die_saying_which(void **state)
{
	assert_dies(acquire_twice, "which it holds already");
	assert_dies(acquire_at_passive, "used at IRQL 0");
}

static void alone_there_is_no_home(void **state)
{
	uint64_t counter = 0;

	lock = (struct cpu_home_lock){0};
	run_on(0, take_some, &counter);
	assert_int_equal(counter, ROUNDS);
	assert_true(results[0] && !results[1] && !results[2]);
	assert_int_equal(lock.home, 0);
	assert_int_equal(lock.lock.word, 0);
}

#define anew(name) cmocka_unit_test_setup_teardown(name, start_again, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_count_is_lost_when_the_home_ends, start_all, stop),
		anew(one_has_it_whenever_another_comes),
		anew(the_first_is_at_home_until_another_comes),
		anew(another_waits_while_it_is_held_at_home),
		anew(another_waits_while_the_home_is_about_to_take_it),
		anew(to_take_it_is_a_safepoint),
		cmocka_unit_test(errors_die_saying_which),
		on_1(alone_there_is_no_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
