/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortInitializeTimer, RequestTimer, FreeTimer, with the statuses of their pages. */
#include "world.h"

#define MS 1000 /* microseconds */

static struct {
	_Atomic unsigned calls;
	PVOID context;
	KIRQL irql;
	bool startio_held;
	uint64_t at;
	PVOID handle; /* set again from its own callback; NULL: not */
} seen;

static VOID NTAPI called(PVOID ext, PVOID context)
{
	expect_is(ext, world.ext);
	seen.context = context;
	seen.irql = KeGetCurrentIrql();
	seen.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	seen.at = cpu_clock();
	if (seen.handle)
		expect_is(StorPortRequestTimer(ext, seen.handle, called, NULL, MS, 0),
			STOR_STATUS_SUCCESS);
	seen.handle = NULL;
	atomic_fetch_add(&seen.calls, 1);
}

static void wait_calls(unsigned calls)
{
	for (unsigned n = 0; n < 2000 && seen.calls < calls; n++)
		cpu_thread_park(1000000);
	expect_is(seen.calls, calls);
}

static void wait_ms(unsigned ms)
{
	uint64_t until = cpu_clock() + ms * 1000000ull;

	while (cpu_clock() < until)
		cpu_thread_park(1000000);
}

static PVOID timer_new(void)
{
	PVOID handle = NULL;

	expect_is(StorPortInitializeTimer(world.ext, &handle), STOR_STATUS_SUCCESS);
	expect(handle != NULL);
	return handle;
}

/* ---- calls ---- */

static void runs(void)
{
	PVOID handle = timer_new(), other = timer_new();
	uint64_t start = cpu_clock();
	int context;

	expect(handle != other);
	expect_is(StorPortRequestTimer(world.ext, handle, called, &context, 5 * MS, 0),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortRequestTimer(world.ext, handle, called, &context, 5 * MS, 0),
		STOR_STATUS_BUSY);
	wait_calls(1);
	expect_is(seen.context, &context);
	expect_is(seen.irql, DISPATCH_LEVEL);
	expect(seen.startio_held); /* as of HwStorTimer (4.2) */
	expect(seen.at - start >= 5000000);
	/* Over: it may be asked for again, by its own callback too. */
	seen.handle = handle;
	expect_is(
		StorPortRequestTimer(world.ext, handle, called, NULL, MS, 0), STOR_STATUS_SUCCESS);
	wait_calls(3);
	expect_is(seen.context, NULL);
	wait_ms(5);
	expect_is(seen.calls, 3);
	expect_is(StorPortFreeTimer(world.ext, handle), STOR_STATUS_SUCCESS);
	expect_is(StorPortFreeTimer(world.ext, other), STOR_STATUS_SUCCESS);
}

/* covers: StorPortInitializeTimer, StorPortRequestTimer */
static void a_timer_calls_once_when_its_time_has_come(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(runs);
}

static void from_dirql(void)
{
	PVOID handle = timer_new();
	uint8_t irql = cpu_irql_raise(STOR_DIRQL);

	expect_is(
		StorPortRequestTimer(world.ext, handle, called, NULL, MS, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, MS, 0), STOR_STATUS_BUSY);
	cpu_irql_lower(irql);
	wait_calls(1);
	/* Taken back before the deferred request has armed anything. */
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(
		StorPortRequestTimer(world.ext, handle, called, NULL, MS, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, 0, 0), STOR_STATUS_SUCCESS);
	cpu_irql_lower(irql);
	wait_ms(5);
	expect_is(seen.calls, 1);
}

/* covers: StorPortRequestTimer */
static void a_timer_may_be_asked_for_at_any_irql(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(from_dirql);
}

/* ---- what keeps it from being called ---- */

static void taken_back(void)
{
	PVOID handle = timer_new();
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH); /* where none calls, however long it takes */

	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, 3 * MS, 0),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, 0, 0), STOR_STATUS_SUCCESS);
	/* Set anew for later: the first expiry is not taken for the second. */
	expect_is(StorPortRequestTimer(world.ext, handle, called, &handle, 1200 * MS, 0),
		STOR_STATUS_SUCCESS);
	cpu_irql_lower(irql);
	wait_ms(10);
	expect_is(seen.calls, 0);
	wait_calls(1);
	expect_is(seen.context, &handle);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, 3 * MS, 0),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortFreeTimer(world.ext, handle), STOR_STATUS_SUCCESS);
	cpu_irql_lower(irql);
	wait_ms(10);
	expect_is(seen.calls, 1);
	/* The adapter stops with one armed. */
	expect_is(StorPortRequestTimer(world.ext, timer_new(), called, NULL, 60000 * MS, 0),
		STOR_STATUS_SUCCESS);
}

/* covers: StorPortRequestTimer, StorPortFreeTimer */
static void a_timer_that_is_cancelled_freed_or_stopped_does_not_call(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(taken_back);
	assert_int_equal(seen.calls, 1);
}

/* ---- statuses ---- */

static void statuses(void)
{
	PVOID handle = (PVOID)1, freed, last = NULL;
	unsigned made = 0;
	uint8_t irql;
	int mine;

	expect_is(StorPortRequestTimer(world.ext, &mine, called, NULL, MS, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortFreeTimer(world.ext, &mine), STOR_STATUS_INVALID_PARAMETER);
	nt_allocation_fail(1);
	expect_is(StorPortInitializeTimer(world.ext, &handle), STOR_STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	expect_is(handle, 1);
	expect_is(StorPortInitializeTimer(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	handle = timer_new();
	expect_is(StorPortRequestTimer(world.ext, handle, NULL, NULL, MS, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortRequestTimer(world.ext, NULL, called, NULL, MS, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortRequestTimer(world.ext, (char *)handle + 8, called, NULL, MS, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortFreeTimer(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortInitializeTimer(world.ext, &freed), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortInitializeTimer at IRQL 8");
	expect_is(StorPortFreeTimer(world.ext, handle), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortFreeTimer at IRQL 8");
	cpu_irql_lower(irql);
	freed = handle;
	expect_is(StorPortFreeTimer(world.ext, freed), STOR_STATUS_SUCCESS);
	expect_is(StorPortFreeTimer(world.ext, freed), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortRequestTimer(world.ext, freed, called, NULL, MS, 0),
		STOR_STATUS_INVALID_PARAMETER);
	/* The adapter has stopped. */
	handle = timer_new();
	world.adapter->hba.phase = PORT_HBA_STOPPED;
	expect_is(StorPortRequestTimer(world.ext, handle, called, NULL, MS, 0),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	world.adapter->hba.phase = PORT_HBA_RUNNING;
	expect_is(StorPortFreeTimer(world.ext, handle), STOR_STATUS_SUCCESS);
	while (made < 1000 && !StorPortInitializeTimer(world.ext, &last))
		made++;
	expect_is(made, 256); /* as CAVEATS.md says */
	expect_is(StorPortInitializeTimer(world.ext, &handle), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortFreeTimer(world.ext, last), STOR_STATUS_SUCCESS);
	expect_is(StorPortInitializeTimer(world.ext, &handle), STOR_STATUS_SUCCESS);
	expect_is(seen.calls, 0);
}

/* covers: StorPortInitializeTimer, StorPortRequestTimer, StorPortFreeTimer */
static void timers_answer_as_their_pages_say(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(statuses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_timer_calls_once_when_its_time_has_come),
		world_test(a_timer_may_be_asked_for_at_any_irql),
		world_test(a_timer_that_is_cancelled_freed_or_stopped_does_not_call),
		world_test(timers_answer_as_their_pages_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
