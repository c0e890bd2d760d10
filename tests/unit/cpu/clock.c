/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/clock.c: the machine's time. Time slices: thread.c; timers: timer.c.
 */
#include "kit.h"

static void clock_starts_with_the_machine_and_runs_with_the_hosts(void **state)
{
	uint64_t host = now_ns(), machine = cpu_clock(), host_later, machine_later;

	assert_true(machine < 5000 * MS);
	sleep_ms(10);
	machine_later = cpu_clock();
	host_later = now_ns();
	assert_true(machine_later - machine >= 10 * MS);
	assert_true(machine_later - machine <= host_later - host);
}

/* 1601-01-01 to 1970-01-01 are 369 years with 89 leap days. */
static void system_time_counts_100_ns_since_1601(void **state)
{
	const uint64_t second = 10000000, since_1601 = (369 * 365 + 89) * 86400ull;
	uint64_t before = (time(NULL) + since_1601) * second, now = cpu_system_time();

	/* time() counts whole seconds, and may be one tick of the host's behind */
	assert_in_range(now, before - second, (time(NULL) + since_1601 + 2) * second);
}

struct stall {
	uint64_t wanted, took;
	uint8_t irql, irql_after;
};

static void stall(void *ctx)
{
	struct stall *stall = ctx;
	uint64_t start;

	cpu_irql_raise(stall->irql);
	start = cpu_clock();
	cpu_stall(stall->wanted);
	stall->took = cpu_clock() - start;
	stall->irql_after = cpu_irql();
	cpu_irql_lower(IRQL_PASSIVE);
}

static void stall_takes_at_least_its_time_at_any_irql(void **state)
{
	struct stall stalls[] = {{.wanted = 0}, {.wanted = 50000}, {.wanted = 2 * MS, .irql = 9}};

	for (size_t i = 0; i < array_size(stalls); i++) {
		run_on(0, stall, &stalls[i]);
		assert_true(stalls[i].took >= stalls[i].wanted);
		assert_int_equal(stalls[i].irql_after, stalls[i].irql);
	}
}

#define SLICE (20 * MS)

static __thread bool others_wait; /* for this thread's host processor */
static __thread unsigned yields;

/* In place of libc's: on a busy computer another thread has a time slice now. */
int sched_yield(void)
{
	yields++;
	if (others_wait)
		sleep_ms(SLICE / MS);
	return 0;
}

struct stalls {
	uint64_t took;
	unsigned yields;
};

/* A driver's wait of half a second, polled and counted. */
static void stall_often(void *ctx)
{
	struct stalls *stalls = ctx;
	uint64_t start;

	cpu_irql_raise(IRQL_DISPATCH);
	others_wait = true;
	yields = 0;
	start = cpu_clock();
	for (unsigned n = 0; n < 50000; n++)
		cpu_stall(10000);
	stalls->took = cpu_clock() - start;
	stalls->yields = yields;
	others_wait = false;
	cpu_irql_lower(IRQL_PASSIVE);
}

/* Else each of 50000 stalls would be as long as a slice. */
static void stalls_take_their_share_of_a_busy_host(void **state)
{
	struct stalls stalls;

	run_on(0, stall_often, &stalls);
	assert_true(stalls.took >= 500 * MS);
	assert_in_range(stalls.yields, 1, 1 + stalls.took / (8 * SLICE));
}

static bool served;

static bool serve(struct cpu_interrupt *interrupt)
{
	served = true;
	return true;
}

static void stall_with_interrupt(void *ctx)
{
	struct cpu_interrupt interrupt = {.irql = 5, .service = serve};

	cpu_interrupt_raise(&interrupt);
	cpu_stall(1000);
	*(bool *)ctx = served;
}

static void stall_is_a_safepoint(void **state)
{
	bool was_served = false;

	run_on(0, stall_with_interrupt, &was_served);
	assert_true(was_served);
}

static uint64_t cpu_time_used(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ull + used.tv_nsec;
}

static void nothing(void *ctx)
{
}

static void idle_machine_uses_no_processor_time(void **state)
{
	uint64_t before;

	run_on(0, nothing, NULL);
	sleep_ms(50);
	before = cpu_time_used();
	for (int i = 0; i < 4; i++)
		sleep_ms(50);
	assert_true(cpu_time_used() - before < 100 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_1(clock_starts_with_the_machine_and_runs_with_the_hosts),
		on_1(system_time_counts_100_ns_since_1601),
		on_1(stall_takes_at_least_its_time_at_any_irql),
		on_1(stalls_take_their_share_of_a_busy_host),
		on_1(stall_is_a_safepoint),
		on_2(idle_machine_uses_no_processor_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
