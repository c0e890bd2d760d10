/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortInitializeWorker, QueueWorkItem, FreeWorker, with the statuses of their pages. */
#include "world.h"

static struct {
	_Atomic unsigned calls;
	PVOID context, worker;
	KIRQL irql;
	unsigned again; /* how often it queues itself */
	bool frees;	/* it frees its own worker */
	KEVENT gate;	/* what hold waits for */
} seen;

static VOID NTAPI called(PVOID ext, PVOID context, PVOID worker)
{
	expect_is(ext, world.ext);
	seen.context = context;
	seen.worker = worker;
	seen.irql = KeGetCurrentIrql();
	expect(!cpu_spin_is_held(&world.adapter->startio_lock.lock));
	if (seen.again) {
		seen.again--;
		expect_is(StorPortQueueWorkItem(ext, called, worker, context), STOR_STATUS_SUCCESS);
	} else if (seen.frees) {
		expect_is(StorPortFreeWorker(ext, worker), STOR_STATUS_SUCCESS);
	}
	atomic_fetch_add(&seen.calls, 1);
}

static VOID NTAPI hold(PVOID ext, PVOID context, PVOID worker)
{
	expect_is(KeWaitForSingleObject(&seen.gate, Executive, KernelMode, FALSE, NULL),
		STATUS_SUCCESS);
	atomic_fetch_add(&seen.calls, 1);
}

static VOID NTAPI open_gate(PVOID ext, PVOID context, PVOID worker)
{
	KeSetEvent(&seen.gate, 0, FALSE);
}

static void wait_calls(unsigned calls)
{
	for (unsigned n = 0; n < 2000 && seen.calls < calls; n++)
		cpu_thread_park(1000000);
	expect_is(seen.calls, calls);
}

static PVOID worker_new(void)
{
	PVOID worker = NULL;

	expect_is(StorPortInitializeWorker(world.ext, &worker), STOR_STATUS_SUCCESS);
	expect(worker != NULL);
	return worker;
}

static void prepare(void)
{
	memset(&seen, 0, sizeof(seen));
	KeInitializeEvent(&seen.gate, SynchronizationEvent, FALSE);
}

/* ---- calls ---- */

static void runs(void)
{
	PVOID worker = worker_new();
	uint8_t irql;
	int context;

	prepare();
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect_is(StorPortQueueWorkItem(world.ext, called, worker, &context), STOR_STATUS_SUCCESS);
	expect_is(StorPortQueueWorkItem(world.ext, called, worker, &context), STOR_STATUS_BUSY);
	expect_is(StorPortFreeWorker(world.ext, worker), STOR_STATUS_BUSY);
	expect_is(seen.calls, 0);
	cpu_irql_lower(irql);
	wait_calls(1);
	expect_is(seen.context, &context);
	expect_is(seen.worker, worker);
	expect_is(seen.irql, PASSIVE_LEVEL);
	seen.again = 3;
	seen.frees = true;
	expect_is(StorPortQueueWorkItem(world.ext, called, worker, NULL), STOR_STATUS_SUCCESS);
	wait_calls(5);
	expect_is(StorPortFreeWorker(world.ext, worker), STOR_STATUS_UNSUCCESSFUL);
}

/* covers: StorPortInitializeWorker, StorPortQueueWorkItem, StorPortFreeWorker */
static void a_work_item_runs_at_passive_and_may_queue_and_free_itself(void **state)
{
	world_good(runs);
}

static void one_waits(void)
{
	PVOID waits = worker_new(), opens = worker_new();

	prepare();
	expect_is(StorPortQueueWorkItem(world.ext, hold, waits, NULL), STOR_STATUS_SUCCESS);
	expect_is(StorPortQueueWorkItem(world.ext, open_gate, opens, NULL), STOR_STATUS_SUCCESS);
	wait_calls(1);
}

/* covers: StorPortQueueWorkItem */
static void a_work_item_may_wait_for_another(void **state)
{
	world_good(one_waits);
}

static VOID NTAPI slow(PVOID ext, PVOID context, PVOID worker)
{
	expect_is(StorPortDelayExecution(ext, 5000), STOR_STATUS_SUCCESS);
	atomic_fetch_add(&seen.calls, 1);
}

/* More than there are threads, none of which is done when the adapter stops. */
static void queued_at_the_end(void)
{
	prepare();
	for (unsigned n = 0; n < 20; n++)
		expect_is(StorPortQueueWorkItem(world.ext, slow, worker_new(), NULL),
			STOR_STATUS_SUCCESS);
	expect(seen.calls < 20);
}

/* covers: StorPortQueueWorkItem */
static void an_adapter_stops_when_its_work_is_done(void **state)
{
	miniport.cpus = 2;
	world_good(queued_at_the_end);
	assert_int_equal(seen.calls, 20);
}

/* ---- statuses ---- */

static ULONG late_status;

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	if (type == ScsiQuerySupportedControlTypes)
		((PSCSI_SUPPORTED_CONTROL_TYPE_LIST)parameters)
			->SupportedTypeList[ScsiStopAdapter] = TRUE;
	return ScsiAdapterControlSuccess;
}

static VOID NTAPI queue_late(PVOID ext, PVOID context, PVOID worker)
{
	while (world.adapter->hba.phase != PORT_HBA_STOPPED)
		cpu_thread_park(1000000);
	late_status = StorPortQueueWorkItem(ext, called, context, NULL);
}

static void statuses(void)
{
	PVOID worker = (PVOID)1, other = NULL;
	unsigned made = 0;
	uint8_t irql;
	int mine;

	prepare();
	expect_is(StorPortQueueWorkItem(world.ext, called, &mine, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortFreeWorker(world.ext, &mine), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInitializeWorker(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	nt_allocation_fail(1);
	expect_is(StorPortInitializeWorker(world.ext, &worker), STOR_STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	expect_is(worker, 1);
	worker = worker_new();
	expect_is(StorPortQueueWorkItem(world.ext, NULL, worker, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueueWorkItem(world.ext, called, NULL, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueueWorkItem(world.ext, called, (char *)worker + 8, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortInitializeWorker(world.ext, &other), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortInitializeWorker at IRQL 8");
	expect_is(StorPortQueueWorkItem(world.ext, called, worker, NULL), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortQueueWorkItem at IRQL 8");
	expect_is(StorPortFreeWorker(world.ext, worker), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortFreeWorker at IRQL 8");
	cpu_irql_lower(irql);
	expect_is(StorPortFreeWorker(world.ext, worker), STOR_STATUS_SUCCESS);
	expect_is(StorPortQueueWorkItem(world.ext, called, worker, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	while (made < 1000 && !StorPortInitializeWorker(world.ext, &other))
		made++;
	expect_is(made, 256); /* as CAVEATS.md says */
	expect_is(StorPortInitializeWorker(world.ext, &worker), STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(seen.calls, 0);
}

/* covers: StorPortInitializeWorker, StorPortQueueWorkItem, StorPortFreeWorker */
static void work_items_answer_as_their_pages_say(void **state)
{
	world_good(statuses);
}

static void late(void)
{
	prepare();
	expect_is(StorPortQueueWorkItem(world.ext, queue_late, worker_new(), worker_new()),
		STOR_STATUS_SUCCESS);
}

/* covers: StorPortQueueWorkItem */
static void nothing_is_queued_while_the_adapter_stops(void **state)
{
	late_status = 0;
	miniport.cpus = 2;
	miniport.control = control;
	world_good(late);
	assert_int_equal(late_status, STOR_STATUS_INVALID_DEVICE_STATE);
	assert_int_equal(seen.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_work_item_runs_at_passive_and_may_queue_and_free_itself),
		world_test(a_work_item_may_wait_for_another),
		world_test(an_adapter_stops_when_its_work_is_done),
		world_test(work_items_answer_as_their_pages_say),
		world_test(nothing_is_queued_while_the_adapter_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
