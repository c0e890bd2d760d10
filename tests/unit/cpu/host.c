/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/host.c.
 */
#include "kit.h"
#include "../expect.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu/host.h"

static struct host_lock lock;
static unsigned guarded;
static _Atomic uint32_t word;

static void *add_under_lock(void *arg)
{
	for (int i = 0; i < 100000; i++) {
		host_lock_acquire(&lock);
		guarded++;
		host_lock_release(&lock);
	}
	return NULL;
}

static void lock_excludes_host_threads(void **state)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(host_thread_start(&threads[i], add_under_lock, NULL, "test"), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(guarded, 300000);
}

/* ---- owned locks ---- */

#define OWNERS 3
#define ROUNDS 30000

/* What each lock guards: two numbers that are the same whenever nobody is inside. */
static struct owned {
	struct host_owned lock;
	unsigned first, second, by_owner;
} owned[OWNERS];
static _Atomic unsigned owners_left;
static unsigned by_others;

static void *take_own(void *arg)
{
	struct owned *mine = arg;

	for (unsigned n = 0; n < 20 * ROUNDS; n++) {
		host_owned_acquire(&mine->lock);
		if (mine->first == mine->second)
			mine->by_owner++;
		mine->first++;
		mine->second++;
		host_owned_release(&mine->lock);
	}
	owners_left--;
	return NULL;
}

/* All of them as one, and one alone; until the owners are done, and often enough. */
static void *take_others(void *arg)
{
	struct owned *of = arg;
	unsigned count = of == owned ? OWNERS : 1;

	for (unsigned n = 0; get(owners_left) || n < ROUNDS / 100; n++) {
		host_owned_enter(&of->lock, count, sizeof(*of));
		for (unsigned i = 0; i < count; i++) {
			expect_is(of[i].first, of[i].second);
			of[i].first += 3;
			of[i].second += 3;
		}
		if (count == OWNERS)
			by_others++;
		host_owned_leave(&of->lock, count, sizeof(*of));
	}
	return NULL;
}

static void owned_run(void)
{
	pthread_t threads[OWNERS + 2];

	memset(owned, 0, sizeof(owned));
	by_others = 0;
	set(owners_left, OWNERS);
	for (unsigned n = 0; n < OWNERS; n++)
		assert_int_equal(host_thread_start(&threads[n], take_own, &owned[n], "test"), 0);
	assert_int_equal(host_thread_start(&threads[OWNERS], take_others, owned, "test"), 0);
	assert_int_equal(
		host_thread_start(&threads[OWNERS + 1], take_others, &owned[1], "test"), 0);
	for (unsigned n = 0; n < OWNERS + 2; n++)
		pthread_join(threads[n], NULL);
	for (unsigned n = 0; n < OWNERS; n++) {
		expect_is(owned[n].by_owner, 20 * ROUNDS);
		expect_is(owned[n].first, owned[n].second);
	}
	expect_is(owned[0].first, 20 * ROUNDS + 3 * by_others);
	expect_is(owned[2].first, owned[0].first);
	expect_tell();
}

/* Whether it is registered, the kernel tells. */
static void an_owned_lock_excludes_its_owner_and_others(void **state)
{
	host_barrier_init(true);
	if (host_barrier_is_dear)
		skip();
	assert_int_equal(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
	owned_run();
}

/* As where the kernel has no barrier for all threads. */
static void an_owned_lock_does_with_barriers_of_its_own(void **state)
{
	host_barrier_is_dear = true;
	owned_run();
	host_barrier_init(false);
	assert_false(host_barrier_is_dear);
}

static void futex_waits_until_an_absolute_time(void **state)
{
	uint64_t start = host_clock();

	set(word, 5);
	host_futex_wait(&word, 5, start + 5 * MS);
	assert_true(host_clock() - start >= 5 * MS);
	/* another value, or a time in the past: at once */
	host_futex_wait(&word, 6, HOST_NEVER);
	host_futex_wait(&word, 5, 1);
}

static void *sleep_on_word(void *arg)
{
	while (get(word) == 1)
		host_futex_wait(&word, 1, HOST_NEVER);
	return NULL;
}

static void futex_wake_ends_the_wait(void **state)
{
	pthread_t thread;

	set(word, 1);
	assert_int_equal(host_thread_start(&thread, sleep_on_word, NULL, "test"), 0);
	sleep_ms(2);
	set(word, 2);
	host_futex_wake(&word, 1);
	pthread_join(thread, NULL);
}

/* Each writes its own and looks at the other's, the first without a fence of the processor's: one
 * at least sees the other. */
#define TURNS 20000
static _Atomic unsigned mine[2], turn[2];
static unsigned seen[2];

static void *look_without_a_fence(void *arg)
{
	for (unsigned i = 1; i <= TURNS; i++) {
		while (get(turn[1]) != i)
			sched_yield(); /* there may be one core */
		atomic_store_explicit(&mine[0], i, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		seen[0] = atomic_load_explicit(&mine[1], memory_order_relaxed) == i;
		set(turn[0], i);
	}
	return NULL;
}

static void the_barrier_is_one_for_all_threads(void **state)
{
	unsigned neither = 0;
	pthread_t thread;

	host_barrier_init(true);
	if (host_barrier_is_dear)
		skip();
	assert_int_equal(host_thread_start(&thread, look_without_a_fence, NULL, "test"), 0);
	for (unsigned i = 1; i <= TURNS; i++) {
		set(turn[1], i);
		for (volatile unsigned pause = i % 16; pause; pause--)
			;
		atomic_store_explicit(&mine[1], i, memory_order_relaxed);
		host_barrier_all();
		seen[1] = atomic_load_explicit(&mine[0], memory_order_relaxed) == i;
		while (get(turn[0]) != i)
			sched_yield();
		neither += !seen[0] && !seen[1];
	}
	pthread_join(thread, NULL);
	assert_int_equal(neither, 0);
}

static void *signals_blocked(void *arg)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	((bool *)arg)[0] = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
	((bool *)arg)[1] = sigismember(&set, SIGSEGV) || sigismember(&set, SIGABRT);
	return NULL;
}

static void host_thread_takes_no_signals_but_those_of_faults(void **state)
{
	bool blocked[2] = {false, true};
	pthread_t thread;

	assert_int_equal(host_thread_start(&thread, signals_blocked, blocked, "test"), 0);
	pthread_join(thread, NULL);
	assert_true(blocked[0]);
	assert_false(blocked[1]);
}

static unsigned asked;

static bool over_at_20(void *arg)
{
	return ++asked >= 20;
}

static bool never_over(void *arg)
{
	return false;
}

static void spin_ends_when_over_or_when_its_time_is_up(void **state)
{
	struct host_spin spin = {0};
	uint64_t start;

	asked = 0;
	assert_true(host_spin(&spin, over_at_20, NULL));
	assert_int_equal(asked, 20);
	start = host_clock();
	assert_false(host_spin(&spin, never_over, NULL));
	/* at least its 20 us, and no busy waiting beyond reason */
	assert_in_range(host_clock() - start, 20000, 100 * MS);
}

static void spin_gets_shorter_while_it_is_in_vain(void **state)
{
	struct host_spin spin = {0};
	uint32_t budget;

	assert_false(host_spin(&spin, never_over, NULL));
	budget = spin.budget;
	for (int i = 0; i < 10; i++)
		assert_false(host_spin(&spin, never_over, NULL));
	assert_true(spin.budget < budget);
	asked = 19;
	budget = spin.budget;
	assert_true(host_spin(&spin, over_at_20, NULL));
	assert_true(spin.budget > budget);
}

static void nobody_spins_when_more_are_awake_than_cores(void **state)
{
	struct host_spin spin = {0};

	host_awake_add(100000);
	assert_false(host_may_spin());
	asked = 0;
	assert_false(host_spin(&spin, over_at_20, NULL));
	assert_int_equal(asked, 1);
	host_awake_add(-100000);
	assert_true(host_may_spin());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lock_excludes_host_threads),
		cmocka_unit_test(an_owned_lock_excludes_its_owner_and_others),
		cmocka_unit_test(an_owned_lock_does_with_barriers_of_its_own),
		cmocka_unit_test(futex_waits_until_an_absolute_time),
		cmocka_unit_test(futex_wake_ends_the_wait),
		cmocka_unit_test(the_barrier_is_one_for_all_threads),
		cmocka_unit_test(host_thread_takes_no_signals_but_those_of_faults),
		cmocka_unit_test(spin_ends_when_over_or_when_its_time_is_up),
		cmocka_unit_test(spin_gets_shorter_while_it_is_in_vain),
		cmocka_unit_test(nobody_spins_when_more_are_awake_than_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
