/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The three locks of a miniport, and those of its messages (4.2, LK-1 … LK-9). */
#include "world.h"

#include <pthread.h>

static STOR_DPC dpc, other_dpc;

static VOID NTAPI nothing(PSTOR_DPC dpc, PVOID ext, PVOID argument1, PVOID argument2)
{
}

static BOOLEAN NTAPI claim(PVOID ext, ULONG message)
{
	return TRUE;
}

static void dpcs_init(void)
{
	StorPortInitializeDpc(world.ext, &dpc, nothing);
	StorPortInitializeDpc(world.ext, &other_dpc, nothing);
}

static bool held(STOR_SPINLOCK kind)
{
	if (kind == StartIoLock)
		return cpu_spin_is_held(&world.adapter->startio_lock.lock);
	if (kind == InterruptLock)
		return cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	return cpu_spin_is_held((struct cpu_spinlock *)&dpc.Lock);
}

/* ---- IRQLs ---- */

static void each_lock_at(KIRQL start)
{
	static const struct {
		STOR_SPINLOCK kind;
		PVOID context;
		KIRQL irql;
	} rows[] = {
		{DpcLock, &dpc, DISPATCH_LEVEL},
		{StartIoLock, NULL, DISPATCH_LEVEL},
		{InterruptLock, NULL, STOR_DIRQL},
	};
	KIRQL old;

	KeRaiseIrql(start, &old);
	for (unsigned n = 0; n < array_size(rows); n++) {
		STOR_LOCK_HANDLE handle;

		StorPortAcquireSpinLock(world.ext, rows[n].kind, rows[n].context, &handle);
		expect_is(KeGetCurrentIrql(), rows[n].irql);
		for (unsigned k = 0; k < array_size(rows); k++)
			expect_is(held(rows[k].kind), k == n);
		StorPortReleaseSpinLock(world.ext, &handle);
		expect_is(KeGetCurrentIrql(), start);
		expect(!held(rows[n].kind));
	}
	KeLowerIrql(old);
}

static void each_lock(void)
{
	dpcs_init();
	each_lock_at(PASSIVE_LEVEL);
	each_lock_at(DISPATCH_LEVEL);
}

/* covers: StorPortAcquireSpinLock, StorPortReleaseSpinLock */
static void each_lock_has_its_irql_and_gives_the_old_one_back(void **state)
{
	world_good(each_lock);
}

static void nested(void)
{
	STOR_LOCK_HANDLE first, second, third;

	dpcs_init();
	StorPortAcquireSpinLock(world.ext, DpcLock, &dpc, &first);
	/* LK-2: the lock is that DPC's own. */
	StorPortAcquireSpinLock(world.ext, DpcLock, &other_dpc, &second);
	StorPortReleaseSpinLock(world.ext, &second);
	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, &second);
	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &third);
	expect(held(DpcLock) && held(StartIoLock) && held(InterruptLock));
	StorPortReleaseSpinLock(world.ext, &third);
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	StorPortReleaseSpinLock(world.ext, &second);
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	StorPortReleaseSpinLock(world.ext, &first);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* LK-1: the allowed order */
static void dpc_and_startio_lock_come_before_the_interrupt_lock(void **state)
{
	world_good(nested);
}

static void count_dpc(struct cpu_dpc *queued)
{
	(*(unsigned *)queued->ctx)++;
}

static _Atomic bool is_enough;

static void *queue_dpcs(void *queued)
{
	while (!atomic_load(&is_enough))
		cpu_dpc_queue(queued, NULL, NULL);
	return NULL;
}

/* While a host thread queues DPCs: what is due comes and goes at each look. */
static void among_dpcs(void)
{
	unsigned ran = 0;
	struct cpu_dpc queued = {.fn = count_dpc, .ctx = &ran};
	STOR_LOCK_HANDLE handle;
	pthread_t thread;

	is_enough = false;
	expect_is(pthread_create(&thread, NULL, queue_dpcs, &queued), 0);
	for (unsigned n = 0; n < 20000 || ran < 1000; n++) {
		StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &handle);
		expect(held(InterruptLock));
		StorPortReleaseSpinLock(world.ext, &handle);
		expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	}
	is_enough = true;
	pthread_join(thread, NULL);
	cpu_dpc_cancel(&queued);
}

static void locks_are_taken_whatever_becomes_due_meanwhile(void **state)
{
	world_good(among_dpcs);
}

static unsigned served;

static bool serve(struct cpu_interrupt *interrupt)
{
	served++;
	return true;
}

static void *interrupt_it(void *interrupt)
{
	cpu_interrupt_raise(interrupt);
	return NULL;
}

/* What has become due under the lock comes as it is released. */
static void release_serves(void)
{
	static const STOR_SPINLOCK kinds[] = {StartIoLock, DpcLock, InterruptLock};
	struct cpu_interrupt interrupt = {.irql = 9, .service = serve};
	STOR_LOCK_HANDLE handle;
	pthread_t thread;
	KIRQL old;

	dpcs_init();
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	for (unsigned n = 0; n < array_size(kinds); n++) {
		served = 0;
		interrupt.irql = kinds[n] == InterruptLock ? STOR_DIRQL : 9;
		StorPortAcquireSpinLock(world.ext, kinds[n], &dpc, &handle);
		pthread_create(&thread, NULL, interrupt_it, &interrupt);
		pthread_join(thread, NULL);
		expect_is(served, 0);
		StorPortReleaseSpinLock(world.ext, &handle);
		expect_is(served, 1);
	}
	KeLowerIrql(old);
}

static void a_release_serves_what_became_due(void **state)
{
	world_good(release_serves);
}

static void wrong_order(void)
{
	STOR_LOCK_HANDLE first, second;

	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &first);
	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, &second);
	expect_violation(0, "StartIo lock at IRQL 8");
	expect_is(KeGetCurrentIrql(), STOR_DIRQL);
	StorPortReleaseSpinLock(world.ext, &second);
	expect_is(KeGetCurrentIrql(), STOR_DIRQL);
	StorPortReleaseSpinLock(world.ext, &first);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* LK-1: the other order */
static void a_startio_lock_after_the_interrupt_lock_is_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, wrong_order);
}

/* ---- deadlocks ---- */

static void twice(STOR_SPINLOCK kind, PVOID context)
{
	STOR_LOCK_HANDLE first, second;

	dpcs_init();
	StorPortAcquireSpinLock(world.ext, kind, context, &first);
	StorPortAcquireSpinLock(world.ext, kind, context, &second);
}

static void dpc_twice(void)
{
	twice(DpcLock, &dpc);
}

static void startio_twice(void)
{
	twice(StartIoLock, NULL);
}

static void interrupt_twice(void)
{
	twice(InterruptLock, NULL);
}

static BOOLEAN take_startio(PSCSI_REQUEST_BLOCK srb)
{
	STOR_LOCK_HANDLE handle;

	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, &handle);
	return TRUE;
}

static void startio_in_start_io(void)
{
	struct world_request r;

	miniport.start_io = take_startio;
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
}

static void message_twice(void)
{
	ULONG old;

	StorPortAcquireMSISpinLock(world.ext, 1, &old);
	StorPortAcquireMSISpinLock(world.ext, 1, &old);
}

/* LK-9: "the interrupt lock" is the locks of all messages */
static void message_then_interrupt(void)
{
	STOR_LOCK_HANDLE handle;
	ULONG old;

	StorPortAcquireMSISpinLock(world.ext, 3, &old);
	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &handle);
}

static void child(void *body)
{
	world_run(DMA_CALLBACK_QUEUED, (void (*)(void))body);
}

/* LK-1; and 4.2: HwStorStartIo has the StartIo lock already */
static void a_lock_taken_twice_ends_the_run_and_is_named(void **state)
{
	expect_death(child, dpc_twice, "test adapter 0 takes the DPC lock");
	expect_death(child, startio_twice, "takes the StartIo lock");
	expect_death(child, interrupt_twice, "takes the interrupt lock");
	expect_death(child, startio_in_start_io, "takes the StartIo lock");
	miniport.message = claim;
	expect_death(child, message_twice, "takes the interrupt lock");
	expect_death(child, message_then_interrupt, "takes the interrupt lock");
}

/* ---- bad calls ---- */

static void bad_calls(void)
{
	STOR_LOCK_HANDLE handle;

	dpcs_init();
	StorPortAcquireSpinLock(world.ext, 0, NULL, &handle);
	expect_violation(0, "LK-2");
	StorPortReleaseSpinLock(world.ext, &handle);
	expect_violation(0, "of no lock");
	StorPortAcquireSpinLock(world.ext, 99, NULL, &handle);
	expect_violation(0, "LK-2");
	/* LK-2: a DPC lock without its DPC */
	StorPortAcquireSpinLock(world.ext, DpcLock, NULL, &handle);
	expect_violation(0, "LK-2");
	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, NULL);
	expect_violation(0, "LK-2");
	StorPortReleaseSpinLock(world.ext, NULL);
	expect_violation(0, "of no lock");
	/* StorPortSpinLock: released twice */
	for (STOR_SPINLOCK kind = DpcLock; kind <= InterruptLock; kind++) {
		StorPortAcquireSpinLock(world.ext, kind, &dpc, &handle);
		StorPortReleaseSpinLock(world.ext, &handle);
		StorPortReleaseSpinLock(world.ext, &handle);
		expect_violation(0, "which it does not hold");
	}
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	/* foreign extension */
	StorPortAcquireSpinLock(&handle, StartIoLock, NULL, &handle);
	expect_violation(0, "no HwDeviceExtension");
	expect(!held(StartIoLock));
}

/* covers: StorPortAcquireSpinLock, StorPortReleaseSpinLock */
static void bad_calls_are_reported_and_take_or_release_nothing(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, bad_calls);
}

/* ---- StorPortSynchronizeAccess ---- */

static BOOLEAN NTAPI in_lock(PVOID ext, PVOID context)
{
	expect_is(ext, world.ext);
	expect_is(KeGetCurrentIrql(), STOR_DIRQL);
	expect(held(InterruptLock));
	return *(BOOLEAN *)context;
}

static BOOLEAN NTAPI lowers(PVOID ext, PVOID context)
{
	KeLowerIrql(DISPATCH_LEVEL);
	return TRUE;
}

static void synchronize(void)
{
	BOOLEAN answer = TRUE;

	expect(StorPortSynchronizeAccess(world.ext, in_lock, &answer));
	answer = FALSE;
	expect(!StorPortSynchronizeAccess(world.ext, in_lock, &answer));
	expect(!held(InterruptLock));
	expect_is(world.violations, 0);
	expect(StorPortSynchronizeAccess(world.ext, lowers, NULL));
	expect_violation(0, "SpChangeIrql");
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* LK-5 */
/* covers: StorPortSynchronizeAccess */
static void synchronize_access_runs_under_the_interrupt_lock_and_returns_its_value(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, synchronize);
}

/* ---- messages ---- */

static bool message_held(unsigned n)
{
	return cpu_spin_is_held(&world.adapter->vectors[n].lock.lock);
}

static void message_locks(void)
{
	STOR_LOCK_HANDLE handle;
	ULONG old, inner;

	expect_is(StorPortAcquireMSISpinLock(world.ext, 2, &old), STOR_STATUS_SUCCESS);
	expect_is(old, PASSIVE_LEVEL);
	expect_is(KeGetCurrentIrql(), STOR_DIRQL);
	expect(message_held(2) && !message_held(1));
	/* one lock, not all: another's can be had */
	expect_is(StorPortAcquireMSISpinLock(world.ext, 3, &inner), STOR_STATUS_SUCCESS);
	expect_is(inner, STOR_DIRQL);
	expect_is(StorPortReleaseMSISpinLock(world.ext, 3, inner), STOR_STATUS_SUCCESS);
	expect_is(StorPortReleaseMSISpinLock(world.ext, 2, old), STOR_STATUS_SUCCESS);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);

	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &handle);
	for (unsigned n = 0; n < WORLD_MESSAGES; n++)
		expect(message_held(n));
	StorPortReleaseSpinLock(world.ext, &handle);
	for (unsigned n = 0; n < WORLD_MESSAGES; n++)
		expect(!message_held(n));
	expect_is(world.violations, 0);

	expect_is(StorPortReleaseMSISpinLock(world.ext, 1, PASSIVE_LEVEL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "which it does not hold");
	expect_is(StorPortAcquireMSISpinLock(world.ext, WORLD_MESSAGES, &old),
		STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "StorPortMSILock");
	/* LK-9: the one documented trigger */
	expect_is(StorPortAcquireMSISpinLock(NULL, 0, &old), STOR_STATUS_INVALID_PARAMETER);
}

/* LK-9 */
/* covers: StorPortAcquireMSISpinLock, StorPortReleaseMSISpinLock */
static void the_interrupt_lock_is_all_message_locks_and_each_can_be_had_alone(void **state)
{
	miniport.message = claim;
	world_run(DMA_CALLBACK_QUEUED, message_locks);
	assert_int_equal(world.start_result, 0);
}

static void no_message_locks(void)
{
	ULONG old = 77;

	expect_is(StorPortAcquireMSISpinLock(world.ext, 0, &old), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "StorPortMSILock");
	expect_is(old, 77);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void synchronize_all(PPORT_CONFIGURATION_INFORMATION config)
{
	config->InterruptSynchronizationMode = InterruptSynchronizeAll;
}

/* LK-4 */
static void message_locks_are_for_per_message_mode_only(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, no_message_locks); /* a line */
	world_miniport(NULL);
	miniport.message = claim;
	miniport.find = synchronize_all;
	world_run(DMA_CALLBACK_QUEUED, no_message_locks);
}

/* ---- two processors ---- */

static struct {
	int plain; /* guarded by the lock under test */
	STOR_SPINLOCK kind;
} shared;

static void count_up(void *ctx)
{
	for (unsigned n = 0; n < 500; n++) {
		STOR_LOCK_HANDLE handle;

		StorPortAcquireSpinLock(world.ext, shared.kind, &dpc, &handle);
		shared.plain++;
		StorPortReleaseSpinLock(world.ext, &handle);
	}
}

static void count_on_both(void)
{
	dpcs_init();
	for (STOR_SPINLOCK kind = DpcLock; kind <= InterruptLock; kind++) {
		struct cpu_thread *thread;

		shared.plain = 0;
		shared.kind = kind;
		thread = cpu_thread_new(count_up, NULL, 1, "other");
		count_up(NULL);
		cpu_thread_join(thread);
		cpu_thread_free(thread);
		expect_is(shared.plain, 1000);
	}
}

/* ThreadSanitizer sees shared.plain too. */
/* covers: StorPortAcquireSpinLock, StorPortReleaseSpinLock, StorPortNotification */
static void each_lock_keeps_the_other_processor_out(void **state)
{
	miniport.cpus = 2;
	world_good(count_on_both);
	world_miniport(NULL);
	miniport.cpus = 2;
	miniport.message = claim;
	world_good(count_on_both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(each_lock_has_its_irql_and_gives_the_old_one_back),
		world_test(a_release_serves_what_became_due),
		world_test(locks_are_taken_whatever_becomes_due_meanwhile),
		world_test(dpc_and_startio_lock_come_before_the_interrupt_lock),
		world_test(a_startio_lock_after_the_interrupt_lock_is_reported),
		world_test(a_lock_taken_twice_ends_the_run_and_is_named),
		world_test(bad_calls_are_reported_and_take_or_release_nothing),
		world_test(synchronize_access_runs_under_the_interrupt_lock_and_returns_its_value),
		world_test(the_interrupt_lock_is_all_message_locks_and_each_can_be_had_alone),
		world_test(message_locks_are_for_per_message_mode_only),
		world_test(each_lock_keeps_the_other_processor_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
