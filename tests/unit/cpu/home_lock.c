/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/home_lock.h: a lock that one processor comes to be at home with, which then takes
 * it by plain stores until another one wants it.
 */
#include "kit.h"

#include "cpu/home_lock.h"
#include "util/random.h"

#include <signal.h>
#include <ucontext.h>

enum { PROCESSORS = 4, LOCKS = 200, ROUNDS = CPU_HOME_ROW + 60 };

static struct cpu_home_lock lock, locks[LOCKS];
static _Atomic unsigned homes;
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

static void take_often(struct cpu_home_lock *which, uint64_t *counter, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		take_and_add(which, counter);
}

static bool is_home(const struct cpu_home_lock *which)
{
	return which->home == cpu_self->spin_mark;
}

/* Of each lock one is the first, which has it for its own, and the others come while it takes the
 * lock again and again: all at once. Each of them may be at home then, in turn. */
static void come_in_turn(void *ctx)
{
	unsigned me = cpu_self->number;

	for (unsigned n = 0; n < LOCKS; n++) {
		bool is_first = n % PROCESSORS == me;

		if (is_first) {
			take_often(&locks[n], &counters[n], CPU_HOME_ROW);
			homes += is_home(&locks[n]);
		}
		while (!is_first && get(turn[n]) < 1 + n % 3 * 7)
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

	homes = 0;
	for (unsigned n = 0; n < PROCESSORS; n++)
		threads[n] = cpu_thread_new(come_in_turn, NULL, n, "test");
	for (unsigned n = 0; n < PROCESSORS; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	for (unsigned n = 0; n < LOCKS; n++) {
		assert_int_equal(counters[n], CPU_HOME_ROW + PROCESSORS * ROUNDS);
		assert_int_equal(locks[n].lock.word, 0);
	}
	assert_int_equal(homes, cpu_has_near ? LOCKS : 0);
}

/* ---- between any two instructions of the home's ---- */

/* Another one wants it from the instruction of that number on, twice. It looks, and then takes it
 * if it can, has it, and releases it; it takes a home away, and may be the home itself; each after
 * so many instructions as chance has it, often none. */
static unsigned comes_at, steps, wrong;
static uint64_t chance;
static struct {
	bool has_it, is_about, is_changing, has_waited;
	bool settles;	    /* it has taken it often enough */
	uintptr_t saw, to;  /* whose home it was when it looked; what it is changing that to */
	unsigned next, had; /* the step of its next deed; how often it had it */
} other;
static struct cpu *other_cpu;

static void remember_cpu(void *ctx)
{
	other_cpu = cpu_self;
}

static unsigned by_chance(void)
{
	return (unsigned)random_below(&chance, random_below(&chance, 2) ? 32 : 2);
}

static bool other_changes(uintptr_t to)
{
	lock.home = CPU_HOME_CHANGING;
	other.is_changing = true;
	other.has_waited = false;
	other.to = to;
	return true;
}

static bool other_goes_on_changing(void)
{
	if (!other.has_waited)
		return other.has_waited = cpu_self->about != &lock;
	lock.home = other.to;
	other.is_changing = false;
	return true;
}

static void other_is_about(bool is_about)
{
	other.is_about = is_about;
	other_cpu->about = is_about ? &lock : NULL;
}

static bool other_looks(void)
{
	other.saw = lock.home;
	if (other.saw == CPU_SPIN_MARK(0))
		return other_changes(CPU_HOME_NONE);
	if (other.saw == CPU_HOME_CHANGING || (other.saw == CPU_SPIN_MARK(1) && lock.lock.word))
		return false;
	other_is_about(true);
	return true;
}

/* At home whatever stands there now. */
static bool other_takes(void)
{
	other_is_about(false);
	if (other.saw != CPU_SPIN_MARK(1) && lock.lock.word)
		return false;
	lock.lock.word = CPU_SPIN_MARK(1);
	other.has_it = true;
	return other.saw != CPU_HOME_NONE || !other.settles || other_changes(CPU_SPIN_MARK(1));
}

static bool other_releases(void)
{
	lock.lock.word = 0;
	other.has_it = false;
	other.had++;
	return true;
}

/* False: it could not. */
static bool other_does(void)
{
	return other.is_changing ? other_goes_on_changing()
	       : other.has_it	 ? other_releases()
	       : other.is_about	 ? other_takes()
				 : other_looks();
}

static void come(int signal, siginfo_t *info, void *context)
{
	wrong += other.has_it && lock.lock.word != CPU_SPIN_MARK(1);
	wrong += other.is_changing && lock.home != CPU_HOME_CHANGING;
	wrong += other.is_about && other.saw == CPU_HOME_NONE && lock.home == CPU_SPIN_MARK(0);
	steps++;
	if (steps <= comes_at)
		return;
	while (steps >= other.next && other.had < 2)
		other.next = steps + (other_does() ? by_chance() : 1);
	if (other.had == 2) /* no more steps */
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

/* The processor's trap flag; the words below the stack pointer may be in use. */
#define STEP(how)                                                                                  \
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t" how                                \
			 " (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::                           \
				 : "memory", "cc")

static void take_stepwise(const struct cpu_home_lock *from, bool tries)
{
	struct cpu *cpu = cpu_self;
	bool is_taken = true;

	lock = *from;
	steps = 0;
	memset(&other, 0, sizeof(other));
	other.settles = by_chance() % 2;
	STEP("orl $0x100,");
	if (tries) {
		is_taken = cpu_home_acquire_free(cpu, &lock);
	} else {
		cpu_home_acquire_slow(&lock);
		wrong += other.has_it || lock.lock.word != cpu->spin_mark;
		cpu_spin_release(&lock.lock);
		cpu_home_acquire(&lock);
	}
	STEP("andl $~0x100,");
	other_cpu->about = NULL; /* if it was still about to take it */
	wrong += is_taken && other.has_it;
	wrong += lock.lock.word != (is_taken		  ? cpu->spin_mark
					   : other.has_it ? CPU_SPIN_MARK(1)
							  : 0);
}

/* A sanitizer's instructions stand between ours. */
#ifdef DRY_ASAN
#define STRIDE 5
#else
#define STRIDE 1
#endif

static void take_with_others(void *ctx)
{
	static const struct cpu_home_lock states[] = {
		{.home = CPU_SPIN_MARK(0)},
		{.home = CPU_SPIN_MARK(1)},
		{.home = CPU_HOME_NONE},
		{.home = CPU_HOME_NONE, .last = CPU_SPIN_MARK(0), .row = CPU_HOME_ROW - 1},
		{.home = CPU_HOME_NONE, .homeless = CPU_HOME_HOMELESS - 1},
		{.home = CPU_HOME_NEVER},
	};
	const unsigned *number = ctx;
	const struct cpu_home_lock *from = &states[*number / 2];
	bool tries = *number % 2;

	cpu_irql_raise(IRQL_DISPATCH);
	steps = 0;
	for (comes_at = 0; comes_at <= steps; comes_at += STRIDE)
		for (unsigned n = 0; n < (tries ? 40 : from->row ? 8 : 4); n++)
			take_stepwise(from, tries);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void one_has_it_whenever_another_comes(void **state)
{
	struct sigaction old, action = {.sa_sigaction = come, .sa_flags = SA_SIGINFO};

#ifdef DRY_TSAN
	skip(); /* its runtime is not to be interrupted between two instructions */
#endif
	if (!cpu_has_near)
		return;
	wrong = 0;
	run_on(1, remember_cpu, NULL);
	sigaction(SIGTRAP, &action, &old);
	for (unsigned n = 0; n < 12; n++) {
		run_on(0, take_with_others, &n);
		assert_true(comes_at > 10);
		assert_int_equal(wrong, 0);
	}
	sigaction(SIGTRAP, &old, NULL);
}

static void take_some(void *ctx)
{
	take_often(&lock, ctx, CPU_HOME_ROW - 1);
	cpu_irql_raise(IRQL_DISPATCH);
	results[3] = is_home(&lock);
	cpu_home_acquire(&lock);
	results[0] = cpu_spin_is_held(&lock.lock);
	results[1] = cpu_home_acquire_free(cpu_self, &lock);
	cpu_spin_release(&lock.lock);
	results[2] = cpu_spin_is_held(&lock.lock);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void who_has_it_in_a_row_is_at_home_until_another_comes(void **state)
{
	uint64_t counter = 0;

	for (unsigned n = 0; n < 4; n++) {
		run_on(n % 2, take_some, &counter);
		assert_true(lock.home == (cpu_has_near ? CPU_SPIN_MARK(n % 2) : CPU_HOME_NEVER));
		assert_true(results[0] && !results[1] && !results[2] && !results[3]);
	}
	assert_int_equal(counter, 4 * (CPU_HOME_ROW - 1));
	assert_int_equal(lock.lock.word, 0);
}

static void take_once(void *ctx)
{
	take_and_add(&lock, ctx);
}

static void one_with_which_none_stays_has_no_home_for_good(void **state)
{
	uint64_t counter = 0;

	for (unsigned n = 0; n < CPU_HOME_HOMELESS; n++) {
		assert_true(lock.home == (cpu_has_near || !n ? CPU_HOME_NONE : CPU_HOME_NEVER));
		run_on(n % 2, take_once, &counter);
	}
	assert_true(lock.home == CPU_HOME_NEVER);
	run_on(0, take_some, &counter);
	assert_true(results[0] && !results[1] && !results[2] && !results[3]);
	assert_true(lock.home == CPU_HOME_NEVER);
	assert_int_equal(counter, CPU_HOME_HOMELESS + CPU_HOME_ROW - 1);
}

static uint64_t before;

static void some_dozens_of_homes_are_enough(void **state)
{
	unsigned homes_had = 0;
	uint64_t counter = 0;

	if (!cpu_has_near)
		return;
	for (unsigned n = 0; lock.home != CPU_HOME_NEVER && n < 1000; n++) {
		run_on(n % 2, take_some, &counter);
		homes_had += lock.home == CPU_SPIN_MARK(n % 2);
	}
	assert_int_equal(homes_had, CPU_HOME_HOMELESS / (CPU_HOME_ROW - 1));
}

static void hold_at_home(void *ctx)
{
	take_often(&lock, &before, CPU_HOME_ROW);
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
	take_often(&lock, &before, CPU_HOME_ROW);
	cpu_irql_raise(IRQL_DISPATCH);
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

	for (unsigned i = 0; i < 3; i++) { /* a new one; one that had no home yet; at home */
		if (i == 2)
			take_often(&lock, &before, CPU_HOME_ROW);
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
	assert_int_equal(counter, CPU_HOME_ROW - 1);
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
		anew(who_has_it_in_a_row_is_at_home_until_another_comes),
		anew(one_with_which_none_stays_has_no_home_for_good),
		anew(some_dozens_of_homes_are_enough),
		anew(another_waits_while_it_is_held_at_home),
		anew(another_waits_while_the_home_is_about_to_take_it),
		anew(to_take_it_is_a_safepoint),
		cmocka_unit_test(errors_die_saying_which),
		on_1(alone_there_is_no_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
