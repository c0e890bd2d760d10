/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A miniport's system threads, with the statuses of their pages. */
#include "world.h"

static struct {
	_Atomic unsigned calls;
	PVOID context, thread;
	KIRQL irql;
	KEVENT gate; /* what wait_then waits for */
	bool terminates;
	ULONG affinity_status;
	STOR_GROUP_AFFINITY previous;
} seen;

static void end(void)
{
	atomic_fetch_add(&seen.calls, 1);
	if (seen.terminates) {
		StorPortTerminateSystemThread(world.ext, seen.thread);
		expect(false); /* it has not returned */
	}
}

static VOID NTAPI run_once(PVOID context)
{
	seen.context = context;
	seen.irql = KeGetCurrentIrql();
	end();
}

static VOID NTAPI wait_then(PVOID context)
{
	KeWaitForSingleObject(&seen.gate, Executive, KernelMode, FALSE, NULL);
	end();
}

static void prepare(void)
{
	memset(&seen, 0, sizeof(seen));
	KeInitializeEvent(&seen.gate, NotificationEvent, FALSE);
}

static void wait_calls(unsigned calls)
{
	for (unsigned n = 0; n < 2000 && seen.calls < calls; n++)
		cpu_thread_park(1000000);
	expect_is(seen.calls, calls);
}

/* Until another can be made: its predecessor has quite ended. */
static void make(PSTOR_THREAD_START_ROUTINE routine, PVOID context, PVOID *thread)
{
	ULONG status = STOR_STATUS_UNSUCCESSFUL;

	for (unsigned n = 0; n < 2000 && status; n++) {
		status = StorPortCreateSystemThread(world.ext, routine, context, NULL, thread);
		if (status)
			cpu_thread_park(1000000);
	}
	expect_is(status, STOR_STATUS_SUCCESS);
}

/* ---- life ---- */

static void runs(void)
{
	STOR_THREAD_PRIORITY priority = StorThreadPriorityCritical;
	int context;

	prepare();
	expect_is(StorPortCreateSystemThread(world.ext, run_once, &context, &priority, NULL),
		STOR_STATUS_SUCCESS);
	wait_calls(1);
	expect_is(seen.context, &context);
	expect_is(seen.irql, PASSIVE_LEVEL);
	seen.terminates = true;
	make(wait_then, NULL, &seen.thread);
	KeSetEvent(&seen.gate, 0, FALSE);
	wait_calls(2);
	/* NULL is allowed: the thread is known by itself. */
	make(run_once, NULL, NULL);
	seen.thread = NULL;
	wait_calls(3);
}

/* covers: StorPortCreateSystemThread, StorPortTerminateSystemThread */
static void a_thread_runs_at_passive_until_it_returns_or_terminates(void **state)
{
	world_good(runs);
}

/* ---- the end ---- */

static VOID NTAPI at_once(PVOID context)
{
	atomic_fetch_add(&seen.calls, 1);
	StorPortTerminateSystemThread(world.ext, NULL);
	expect(false);
}

static void many(void)
{
	prepare();
	for (unsigned n = 0; n < 300; n++)
		make(at_once, NULL, &seen.thread);
	wait_calls(300);
}

/* covers: StorPortTerminateSystemThread */
static void a_thread_may_terminate_before_its_creator_knows_it(void **state)
{
	miniport.cpus = 2;
	world_good(many);
}

/* Until the adapter has stopped, and somewhat longer. */
static VOID NTAPI outlive(PVOID context)
{
	PVOID worker;

	while (world.adapter->hba.phase != PORT_HBA_STOPPED)
		cpu_thread_park(1000000);
	cpu_thread_park(20000000);
	expect_is(StorPortInitializeWorker(world.ext, &worker), STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(StorPortCreateSystemThread(world.ext, run_once, NULL, NULL, NULL),
		STOR_STATUS_UNSUCCESSFUL);
	end();
}

static void told_late(void)
{
	prepare();
	seen.terminates = true;
	make(outlive, NULL, &seen.thread);
}

/* covers: StorPortTerminateSystemThread, StorPortCreateSystemThread */
static void an_adapter_goes_when_its_threads_have_ended(void **state)
{
	miniport.cpus = 2;
	world_good(told_late);
	assert_int_equal(seen.calls, 1);
}

static void too_many(void)
{
	PVOID threads[3] = {0};

	prepare();
	for (unsigned n = 0; n < 3; n++)
		expect_is(StorPortCreateSystemThread(world.ext, wait_then, NULL, NULL, &threads[n]),
			n < 2 ? STOR_STATUS_SUCCESS : STOR_STATUS_UNSUCCESSFUL);
	expect(threads[0] && threads[1] && threads[0] != threads[1] && !threads[2]);
	KeSetEvent(&seen.gate, 0, FALSE);
	wait_calls(2);
}

/* covers: StorPortCreateSystemThread */
static void there_are_as_many_threads_as_processors(void **state)
{
	miniport.cpus = 2;
	world_good(too_many);
}

static void foreign(void)
{
	StorPortTerminateSystemThread(world.ext, NULL);
	expect_violation(0, "the calling thread is none that");
}

/* covers: StorPortTerminateSystemThread */
static void only_a_thread_of_the_miniport_terminates(void **state)
{
	world_good(foreign);
}

static void statuses(void)
{
	STOR_THREAD_PRIORITY priority = StorThreadPriorityRealTime + 1;
	PVOID thread = NULL;
	uint8_t irql;

	prepare();
	expect_is(StorPortCreateSystemThread(world.ext, NULL, NULL, NULL, &thread),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortCreateSystemThread(world.ext, wait_then, NULL, &priority, &thread),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect_is(StorPortCreateSystemThread(world.ext, wait_then, NULL, NULL, &thread),
		STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "it must be PASSIVE_LEVEL");
	cpu_irql_lower(irql);
	/* the adapter's block of records, then the object */
	for (unsigned n = 1; n <= 2; n++) {
		nt_allocation_fail(n);
		expect_is(StorPortCreateSystemThread(world.ext, wait_then, NULL, NULL, &thread),
			STOR_STATUS_UNSUCCESSFUL);
	}
	nt_allocation_fail(0);
	make(wait_then, NULL, &thread);
	expect_is(StorPortSetPriorityThread(world.ext, thread, StorThreadPriorityBackground),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortSetPriorityThread(world.ext, thread, StorThreadPriorityRealTime + 1),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetPriorityThread(world.ext, NULL, StorThreadPriorityNormal),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(
		StorPortSetPriorityThread(world.ext, (char *)thread + 8, StorThreadPriorityNormal),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect_is(StorPortSetPriorityThread(world.ext, thread, StorThreadPriorityNormal),
		STOR_STATUS_INVALID_IRQL);
	cpu_irql_lower(irql);
	KeSetEvent(&seen.gate, 0, FALSE);
	wait_calls(1);
}

/* covers: StorPortCreateSystemThread, StorPortSetPriorityThread */
static void threads_answer_as_their_pages_say(void **state)
{
	world_good(statuses);
}

/* ---- processors ---- */

static VOID NTAPI bind(PVOID context)
{
	STOR_GROUP_AFFINITY here = {.Mask = 1ull << cpu_self->number}, before = {.Mask = 9};

	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &here, &seen.previous),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &here, &before),
		STOR_STATUS_SUCCESS);
	expect_is(before.Mask, here.Mask);
	expect_is(StorPortRevertToUserGroupAffinityThread(world.ext, NULL, &seen.previous),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &here, &before),
		STOR_STATUS_SUCCESS);
	expect_is(before.Mask, 3);
	end();
}

static void affinities(void)
{
	STOR_GROUP_AFFINITY none = {0}, absent = {.Mask = 4}, group = {.Mask = 1, .Group = 1};
	STOR_GROUP_AFFINITY other = {.Mask = 2}, previous = {.Mask = 5, .Group = 6};
	uint8_t irql;

	prepare();
	make(bind, NULL, NULL);
	wait_calls(1);
	expect_is(seen.previous.Mask, 3);
	expect_is(seen.previous.Group, 0);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, NULL, &previous),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(previous.Mask, 0);
	expect_is(previous.Group, 0);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &none, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &absent, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &group, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, &none, &other, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	/* This thread runs on processor 0, and stays there: CAVEATS.md. */
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &other, NULL),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortRevertToUserGroupAffinityThread(world.ext, NULL, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortRevertToUserGroupAffinityThread(world.ext, NULL, &other),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortRevertToUserGroupAffinityThread at IRQL 8");
	expect_is(StorPortSetSystemGroupAffinityThread(world.ext, NULL, &other, NULL),
		STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "StorPortSetSystemGroupAffinityThread at IRQL 8");
	cpu_irql_lower(irql);
}

/* covers: StorPortSetSystemGroupAffinityThread, StorPortRevertToUserGroupAffinityThread */
static void a_thread_is_bound_to_the_processor_that_it_is_on(void **state)
{
	miniport.cpus = 2;
	world_good(affinities);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_thread_runs_at_passive_until_it_returns_or_terminates),
		world_test(there_are_as_many_threads_as_processors),
		world_test(a_thread_may_terminate_before_its_creator_knows_it),
		world_test(an_adapter_goes_when_its_threads_have_ended),
		world_test(only_a_thread_of_the_miniport_terminates),
		world_test(threads_answer_as_their_pages_say),
		world_test(a_thread_is_bound_to_the_processor_that_it_is_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
