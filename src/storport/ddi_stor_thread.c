/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A miniport's system threads: StorPortCreateSystemThread, SetPriorityThread,
 * SetSystemGroupAffinityThread, RevertToUserGroupAffinityThread, TerminateSystemThread. A context
 * is a record of a block that lives as long as the adapter; there are as many as the machine has
 * processors, as documented.
 *
 * A thread stays on the processor it was made for: see CAVEATS.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#define THREAD_TAG 0x72685453u /* 'SThr' */
#define PATIENCE   10	       /* seconds for a thread to end when its adapter goes */

/* STARTING until the creator has a reference to the object: for so long the thread waits. */
enum thread_state { THREAD_FREE, THREAD_STARTING, THREAD_RUNNING };

struct stor_thread {
	struct stor_adapter *adapter;
	PSTOR_THREAD_START_ROUTINE routine;
	PVOID context, object;
	GROUP_AFFINITY affinity;
	_Atomic int state;
};

struct stor_threads {
	struct stor_thread thread[CPU_MAX];
};

static const KPRIORITY priorities[] = {
	[StorThreadPriorityBackground] = 7,
	[StorThreadPriorityNormal] = 8,
	[StorThreadPriorityDelayed] = 12,
	[StorThreadPriorityCritical] = 13,
	[StorThreadPrioritySuperCritical] = 14,
	[StorThreadPriorityHyperCritical] = 15,
	[StorThreadPriorityRealTime] = 18,
};

static bool is_state(const struct stor_thread *thread, int state)
{
	return atomic_load(&thread->state) == state;
}

static bool thread_change(struct stor_thread *thread, int from, int to)
{
	return atomic_compare_exchange_strong(&thread->state, &from, to);
}

static struct stor_thread *thread_of(struct stor_adapter *adapter, void *context)
{
	struct stor_threads *threads = atomic_load(&adapter->threads);
	uintptr_t offset = (uintptr_t)context - (uintptr_t)threads;
	struct stor_thread *thread = context;

	return threads && offset < sizeof(*threads) && offset % sizeof(*thread) == 0 &&
			       is_state(thread, THREAD_RUNNING)
		       ? thread
		       : NULL;
}

/* The record of the calling thread, NULL: the miniport did not make it. */
static struct stor_thread *thread_current(struct stor_adapter *adapter)
{
	struct stor_threads *threads = atomic_load(&adapter->threads);
	PVOID current = KeGetCurrentThread();

	for (unsigned n = 0; threads && n < CPU_MAX; n++)
		if (is_state(&threads->thread[n], THREAD_RUNNING) &&
			threads->thread[n].object == current)
			return &threads->thread[n];
	return NULL;
}

/* ---- life ---- */

static void thread_release(struct stor_thread *thread)
{
	ObDereferenceObject(thread->object);
	atomic_store(&thread->state, THREAD_FREE);
}

static VOID NTAPI thread_main(PVOID context)
{
	struct stor_thread *thread = context;

	/* The creator is on this processor or on another. */
	while (is_state(thread, THREAD_STARTING)) {
		cpu_thread_yield();
		cpu_relax();
	}
	thread->routine(thread->context);
	thread_release(thread);
}

static struct stor_thread *thread_claim(struct stor_adapter *adapter)
{
	struct stor_threads *threads = atomic_load(&adapter->threads), *none = NULL;

	if (!threads) {
		threads = nt_pool_alloc(sizeof(*threads), THREAD_TAG, NULL, true);
		if (!threads)
			return NULL;
		if (!atomic_compare_exchange_strong(&adapter->threads, &none, threads)) {
			nt_pool_free(threads);
			threads = none;
		}
	}
	for (unsigned n = 0; n < cpu_count(); n++)
		if (thread_change(&threads->thread[n], THREAD_FREE, THREAD_STARTING))
			return &threads->thread[n];
	return NULL;
}

static bool thread_start(struct stor_thread *thread)
{
	HANDLE handle;
	NTSTATUS status = PsCreateSystemThread(
		&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, thread_main, thread);

	if (!NT_SUCCESS(status))
		return false;
	ObReferenceObjectByHandle(
		handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread->object, NULL);
	ZwClose(handle);
	return true;
}

ULONG stor_create_thread(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_THREAD_START_ROUTINE routine = stor_arg(args, PSTOR_THREAD_START_ROUTINE);
	PVOID start_context = stor_arg(args, PVOID);
	PSTOR_THREAD_PRIORITY priority = stor_arg(args, PSTOR_THREAD_PRIORITY);
	PVOID *context = stor_arg(args, PVOID *);
	struct stor_thread *thread;

	if (!routine || (priority && (unsigned)*priority >= array_size(priorities)))
		return STOR_STATUS_INVALID_PARAMETER;
	if (cpu_irql() > IRQL_PASSIVE) {
		nt_violation(0, "StorPortCreateSystemThread at IRQL %u; it must be PASSIVE_LEVEL.",
			cpu_irql());
		return STOR_STATUS_UNSUCCESSFUL;
	}
	thread = adapter->hba.phase == PORT_HBA_STOPPED ? NULL : thread_claim(adapter);
	if (!thread)
		return STOR_STATUS_UNSUCCESSFUL;
	thread->adapter = adapter;
	thread->routine = routine;
	thread->context = start_context;
	thread->affinity = (GROUP_AFFINITY){.Mask = KeQueryGroupAffinity(0)};
	if (!thread_start(thread)) {
		atomic_store(&thread->state, THREAD_FREE);
		return STOR_STATUS_UNSUCCESSFUL;
	}
	if (priority)
		KeSetPriorityThread(thread->object, priorities[*priority]);
	if (context)
		*context = thread;
	atomic_store(&thread->state, THREAD_RUNNING);
	return STOR_STATUS_SUCCESS;
}

void stor_thread_terminate(struct stor_adapter *adapter, void *context)
{
	struct stor_thread *thread = context ? thread_of(adapter, context) : NULL;

	if (!thread)
		thread = thread_current(adapter);
	if (!thread || thread->object != KeGetCurrentThread()) {
		nt_violation(0,
			"StorPortTerminateSystemThread: the calling thread is none that %s made.",
			adapter->hba.name);
		return;
	}
	thread_release(thread);
	PsTerminateSystemThread(STATUS_SUCCESS);
}

static __attribute__((noreturn)) void tell_stuck(
	const struct stor_adapter *adapter, const struct stor_thread *thread)
{
	const char *place = nt_code_place ? nt_code_place((uintptr_t)thread->routine) : NULL;

	cpu_die("%s has gone, but a system thread that it made has not ended within %u seconds: "
		"%s.",
		adapter->hba.name, PATIENCE, place ? place : "an unknown one");
}

void stor_threads_free(struct stor_adapter *adapter)
{
	struct stor_threads *threads = atomic_load(&adapter->threads);
	uint64_t start = cpu_clock();

	for (unsigned n = 0; threads && n < CPU_MAX; n++) {
		struct stor_thread *thread = &threads->thread[n];

		while (!is_state(thread, THREAD_FREE)) {
			if (cpu_clock() - start > PATIENCE * 1000000000ull)
				tell_stuck(adapter, thread);
			cpu_thread_park(1000000);
		}
	}
	atomic_store(&adapter->threads, NULL);
	if (threads)
		nt_pool_free(threads);
}

/* ---- priority and processors ---- */

ULONG stor_set_priority(struct stor_adapter *adapter, struct stor_call *args)
{
	struct stor_thread *thread = thread_of(adapter, stor_arg(args, PVOID));
	STOR_THREAD_PRIORITY priority = stor_arg(args, STOR_THREAD_PRIORITY);

	if (cpu_irql() != IRQL_PASSIVE)
		return STOR_STATUS_INVALID_IRQL;
	if (!thread || (unsigned)priority >= array_size(priorities))
		return STOR_STATUS_INVALID_PARAMETER;
	KeSetPriorityThread(thread->object, priorities[priority]);
	return STOR_STATUS_SUCCESS;
}

static bool affinity_is_good(const STOR_GROUP_AFFINITY *affinity)
{
	return affinity->Group == 0 && affinity->Mask &&
	       !(affinity->Mask & ~KeQueryGroupAffinity(0));
}

/* The calling thread is to run on one of these processors, and so it does, or cannot. */
static ULONG affinity_set(
	struct stor_adapter *adapter, const STOR_GROUP_AFFINITY *to, STOR_GROUP_AFFINITY *from)
{
	struct stor_thread *thread = thread_current(adapter);
	STOR_GROUP_AFFINITY before = {
		.Mask = thread ? thread->affinity.Mask : KeQueryGroupAffinity(0)};

	if (!(to->Mask >> cpu_self->number & 1))
		return STOR_STATUS_UNSUCCESSFUL;
	if (thread)
		thread->affinity.Mask = to->Mask;
	if (from)
		*from = before;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_affinity(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID context = stor_arg(args, PVOID);
	PSTOR_GROUP_AFFINITY affinity = stor_arg(args, PSTOR_GROUP_AFFINITY);
	PSTOR_GROUP_AFFINITY previous = stor_arg(args, PSTOR_GROUP_AFFINITY);
	ULONG status = STOR_STATUS_INVALID_PARAMETER;

	if (stor_irql_too_high("StorPortSetSystemGroupAffinityThread"))
		status = STOR_STATUS_UNSUCCESSFUL; /* the page has no status for it */
	else if (affinity && affinity_is_good(affinity) &&
		 (!context || thread_of(adapter, context)))
		status = affinity_set(adapter, affinity, previous);
	if (status && previous)
		*previous = (STOR_GROUP_AFFINITY){0};
	return status;
}

ULONG stor_revert_affinity(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID context = stor_arg(args, PVOID);
	PSTOR_GROUP_AFFINITY affinity = stor_arg(args, PSTOR_GROUP_AFFINITY);

	if (stor_irql_too_high("StorPortRevertToUserGroupAffinityThread"))
		return STOR_STATUS_INVALID_IRQL;
	if (!affinity || !affinity_is_good(affinity) || (context && !thread_of(adapter, context)))
		return STOR_STATUS_INVALID_PARAMETER;
	return affinity_set(adapter, affinity, NULL);
}
