/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: waits. A waiting thread hangs one block on each object and parks; whoever changes a state
 * (ke_signal) carries out the whole wait on its behalf under ke_lock, marks it done and unparks it.
 * In the idle fiber, which must not park, a wait polls instead.
 */
#include "nt/ke_object.h"
#include "nt/nt_check.h"
#include "nt/ps_thread.h"
#include "util/export.h"

struct nt_lock ke_lock;

struct wait {
	struct cpu_thread *thread; /* NULL: the idle fiber */
	struct nt_thread *self;	   /* who owns the mutexes it gets */
	bool all, done;
	ULONG count;
	NTSTATUS status;
	struct wait_block *blocks;
};

struct wait_block {
	LIST_ENTRY entry; /* in the object's WaitListHead */
	DISPATCHER_HEADER *object;
	struct wait *wait;
};
_Static_assert(
	sizeof(struct wait_block) <= sizeof(KWAIT_BLOCK), "our wait block fits a KWAIT_BLOCK");

void ke_object_init(DISPATCHER_HEADER *object, enum ke_type type, LONG state)
{
	*object = (DISPATCHER_HEADER){.SignalState = state};
	object->Type = (UCHAR)type;
	InitializeListHead(&object->WaitListHead);
}

bool ke_object_check(const DISPATCHER_HEADER *object, enum ke_type first, enum ke_type last,
	const char *routine, const char *noun)
{
	if (likely(object && object->Type >= first && object->Type <= last))
		return true;
	nt_violation(NT_C4(0xE1), "%s: %s is no initialised %s", routine,
		object ? "the object" : "NULL", noun);
	return false;
}

/* ---- with ke_lock held ---- */

static bool is_ready(const DISPATCHER_HEADER *object, const struct nt_thread *self)
{
	if (object->SignalState > 0)
		return true;
	return object->Type == KE_MUTEX &&
	       CONTAINING_RECORD(object, KMUTEX, Header)->OwnerThread == nt_thread_ke(self);
}

static NTSTATUS take_mutex(KMUTEX *mutex, struct nt_thread *self)
{
	NTSTATUS status = STATUS_SUCCESS;

	if (--mutex->Header.SignalState)
		return status; /* once more by its owner */
	mutex->OwnerThread = nt_thread_ke(self);
	InsertTailList(&self->mutexes, &mutex->MutantListEntry);
	self->apc_disable += mutex->ApcDisable;
	if (mutex->Abandoned)
		status = STATUS_ABANDONED_WAIT_0;
	mutex->Abandoned = FALSE;
	return status;
}

/* The side effect of a satisfied wait. */
static NTSTATUS take(DISPATCHER_HEADER *object, struct nt_thread *self)
{
	switch (object->Type) {
	case KE_EVENT_SYNCHRONIZATION:
	case KE_TIMER_SYNCHRONIZATION:
		object->SignalState = 0;
		break;
	case KE_SEMAPHORE:
		object->SignalState--;
		break;
	case KE_MUTEX:
		return take_mutex(CONTAINING_RECORD(object, KMUTEX, Header), self);
	}
	return STATUS_SUCCESS;
}

/* Takes what the wait is for, if it is all there. */
static bool try_take(struct wait *wait)
{
	ULONG i;

	for (i = 0; i < wait->count; i++)
		if (is_ready(wait->blocks[i].object, wait->self) != wait->all)
			break;
	if (wait->all) {
		if (i < wait->count)
			return false;
		wait->status = STATUS_SUCCESS;
		for (i = 0; i < wait->count; i++)
			if (take(wait->blocks[i].object, wait->self))
				wait->status = STATUS_ABANDONED_WAIT_0;
	} else {
		if (i == wait->count)
			return false;
		wait->status = take(wait->blocks[i].object, wait->self) + (NTSTATUS)i;
	}
	wait->done = true;
	return true;
}

static void link_blocks(struct wait *wait)
{
	for (ULONG i = 0; i < wait->count; i++)
		InsertTailList(&wait->blocks[i].object->WaitListHead, &wait->blocks[i].entry);
}

static void unlink_blocks(struct wait *wait)
{
	for (ULONG i = 0; i < wait->count; i++)
		RemoveEntryList(&wait->blocks[i].entry);
}

void ke_signal(DISPATCHER_HEADER *object)
{
	LIST_ENTRY *entry = object->WaitListHead.Flink;

	while (entry != &object->WaitListHead) {
		struct wait *wait = CONTAINING_RECORD(entry, struct wait_block, entry)->wait;

		if (!is_ready(object, wait->self))
			return;
		if (!try_take(wait)) {
			entry = entry->Flink;
			continue;
		}
		/* From here the waiter may return as soon as the lock is free; its blocks are its
		 * stack. */
		unlink_blocks(wait);
		if (wait->thread)
			cpu_thread_unpark(wait->thread);
		entry = object->WaitListHead.Flink;
	}
}

/* ---- time-outs ---- */

struct ke_deadline ke_deadline_from(const LARGE_INTEGER *timeout)
{
	uint64_t ns;

	if (!timeout)
		return (struct ke_deadline){.never = true};
	if (timeout->QuadPart >= 0)
		return (struct ke_deadline){.absolute = true, .at = (uint64_t)timeout->QuadPart};
	if (__builtin_mul_overflow(-(uint64_t)timeout->QuadPart, 100ull, &ns) ||
		__builtin_add_overflow(ns, cpu_clock(), &ns))
		return (struct ke_deadline){.never = true};
	return (struct ke_deadline){.at = ns};
}

uint64_t ke_deadline_left(const struct ke_deadline *deadline)
{
	uint64_t now = deadline->absolute ? cpu_system_time() : cpu_clock(), left;

	if (deadline->never)
		return CPU_FOREVER;
	if (now >= deadline->at)
		return 0;
	left = deadline->at - now;
	if (deadline->absolute && __builtin_mul_overflow(left, 100ull, &left))
		return CPU_FOREVER;
	return left;
}

/* ---- the wait ---- */

static NTSTATUS wait_until(struct wait *wait, const struct ke_deadline *deadline)
{
	uint64_t left;

	for (;;) {
		left = ke_deadline_left(deadline);
		if (!left) {
			nt_lock_take(&ke_lock);
			if (!wait->done) {
				unlink_blocks(wait);
				wait->status = STATUS_TIMEOUT;
				wait->done = true;
			}
			nt_lock_drop(&ke_lock);
			return wait->status;
		}
		if (wait->thread)
			cpu_thread_park(left);
		else
			cpu_relax();
		nt_lock_take(&ke_lock);
		if (wait->done) {
			nt_lock_drop(&ke_lock);
			return wait->status;
		}
		nt_lock_drop(&ke_lock);
	}
}

/* 0xC4/3B: who waits at DISPATCH stops the processor that would have to end the wait. */
static void check_irql(const char *routine, PVOID object, const LARGE_INTEGER *timeout)
{
	uint8_t irql = cpu_irql();
	bool waits = !timeout || timeout->QuadPart;

	if (likely(irql < IRQL_DISPATCH || (irql == IRQL_DISPATCH && !waits)))
		return;
	nt_violation(NT_C4(0x3B), "%s with %s time-out called at IRQL %u (%s)", routine,
		!timeout ? "no"
		: waits	 ? "a nonzero"
			 : "a zero",
		irql, nt_irql_name(irql));
	if (waits)
		KeBugCheckEx(0xC4, 0x3B, irql, (ULONG_PTR)object, (ULONG_PTR)timeout);
}

static bool at_recursion_limit(const struct wait *wait)
{
	for (ULONG i = 0; i < wait->count; i++)
		if (wait->blocks[i].object->Type == KE_MUTEX &&
			wait->blocks[i].object->SignalState == (LONG)MINLONG &&
			is_ready(wait->blocks[i].object, wait->self))
			return true;
	return false;
}

NTSTATUS ke_wait(const char *routine, ULONG count, PVOID objects[], bool all,
	const LARGE_INTEGER *timeout, KWAIT_BLOCK *blocks)
{
	struct cpu *cpu = nt_processor(routine);
	struct wait wait = {.all = all, .count = count, .blocks = (struct wait_block *)blocks};
	struct ke_deadline deadline;
	bool limit, zero = timeout && !timeout->QuadPart;

	cpu_poll();
	check_irql(routine, count ? objects[0] : NULL, timeout);
	for (ULONG i = 0; i < count; i++) {
		if (!ke_object_check(objects[i], KE_EVENT_NOTIFICATION, KE_TYPES_END - 1, routine,
			    "object to wait for"))
			return STATUS_INVALID_PARAMETER;
		wait.blocks[i].object = objects[i];
		wait.blocks[i].wait = &wait;
	}
	wait.self = nt_thread_current();
	wait.thread = cpu->thread;
	deadline = ke_deadline_from(timeout);

	nt_lock_take(&ke_lock);
	limit = at_recursion_limit(&wait);
	if (!limit && !try_take(&wait)) {
		if (zero)
			wait.status = STATUS_TIMEOUT;
		else
			link_blocks(&wait);
	}
	zero |= wait.done;
	nt_lock_drop(&ke_lock);
	if (limit)
		ExRaiseStatus(STATUS_MUTANT_LIMIT_EXCEEDED);
	return zero ? wait.status : wait_until(&wait, &deadline);
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
	KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
	KWAIT_BLOCK block;

	return ke_wait("KeWaitForSingleObject", 1, &Object, false, Timeout, &block);
}
DRY_EXPORT(KeWaitForSingleObject)

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
	KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
	PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray)
{
	KWAIT_BLOCK built_in[THREAD_WAIT_OBJECTS];

	if (Count > MAXIMUM_WAIT_OBJECTS || (Count > THREAD_WAIT_OBJECTS && !WaitBlockArray))
		KeBugCheck(0xC); /* MAXIMUM_WAIT_OBJECTS_EXCEEDED */
	return ke_wait("KeWaitForMultipleObjects", Count, Object, WaitType == WaitAll, Timeout,
		WaitBlockArray ? WaitBlockArray : built_in);
}
DRY_EXPORT(KeWaitForMultipleObjects)

NTSTATUS NTAPI KeDelayExecutionThread(
	KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
	static const char routine[] = "KeDelayExecutionThread";
	struct cpu *cpu = nt_processor(routine);
	struct ke_deadline deadline;
	uint64_t left;

	cpu_poll();
	if (!nt_irql_max(routine, IRQL_APC, NT_C4(NT_RULE_KE_APC))) {
		if (Interval->QuadPart)
			KeBugCheckEx(0xC4, NT_RULE_KE_APC, cpu_irql(), 0, 0);
		return STATUS_SUCCESS;
	}
	deadline = ke_deadline_from(Interval);
	if (!Interval->QuadPart && cpu->thread)
		cpu_thread_yield();
	while ((left = ke_deadline_left(&deadline))) {
		if (cpu->thread)
			cpu_thread_park(left);
		else
			cpu_relax();
	}
	return STATUS_SUCCESS;
}
DRY_EXPORT(KeDelayExecutionThread)
