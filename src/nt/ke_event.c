/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: events and semaphores (dispatcher objects: ke_object.h). */
#include "nt/ke_object.h"
#include "nt/nt_check.h"
#include "util/export.h"

/* Wait = TRUE promises that a KeWait follows; then the thread must be one that can wait. */
static void check_irql(const char *routine, BOOLEAN wait, uint64_t number, uint64_t wait_number)
{
	cpu_poll();
	if (wait)
		nt_irql_max(routine, IRQL_APC, wait_number);
	else
		nt_irql_max(routine, IRQL_DISPATCH, number);
}

static bool is_event(const KEVENT *event, const char *routine)
{
	return ke_object_check(
		&event->Header, KE_EVENT_NOTIFICATION, KE_EVENT_SYNCHRONIZATION, routine, "event");
}

/* Sets the state and, when signalled, hands it out. Returns the one before. */
static LONG change(KEVENT *event, LONG state, LONG after, const char *routine)
{
	LONG before;

	if (!is_event(event, routine))
		return 0;
	nt_lock_take(&ke_lock);
	before = event->Header.SignalState;
	event->Header.SignalState = state;
	if (state)
		ke_signal(&event->Header);
	if (state != after)
		event->Header.SignalState = after;
	nt_lock_drop(&ke_lock);
	return before;
}

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
	ke_object_init(&Event->Header,
		Type == SynchronizationEvent ? KE_EVENT_SYNCHRONIZATION : KE_EVENT_NOTIFICATION,
		State ? 1 : 0);
}
DRY_EXPORT(KeInitializeEvent)

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
	check_irql("KeSetEvent", Wait, NT_C4(0x80), NT_C4(NT_RULE_KE_SET_EVENT));
	return change(Event, 1, 1, "KeSetEvent");
}
DRY_EXPORT(KeSetEvent)

LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
	check_irql("KePulseEvent", Wait, NT_C4(NT_RULE_KE_DISPATCH), NT_C4(NT_RULE_KE_APC));
	return change(Event, 1, 0, "KePulseEvent");
}
DRY_EXPORT(KePulseEvent)

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
	check_irql("KeResetEvent", FALSE, NT_C4(NT_RULE_KE_DISPATCH), 0);
	return change(Event, 0, 0, "KeResetEvent");
}
DRY_EXPORT(KeResetEvent)

VOID NTAPI KeClearEvent(PRKEVENT Event)
{
	check_irql("KeClearEvent", FALSE, NT_C4(NT_RULE_KE_DISPATCH), 0);
	change(Event, 0, 0, "KeClearEvent");
}
DRY_EXPORT(KeClearEvent)

static LONG read_state(const DISPATCHER_HEADER *object)
{
	LONG state;

	nt_lock_take(&ke_lock);
	state = object->SignalState;
	nt_lock_drop(&ke_lock);
	return state;
}

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
	check_irql("KeReadStateEvent", FALSE, NT_C4(NT_RULE_KE_DISPATCH), 0);
	return is_event(Event, "KeReadStateEvent") ? read_state(&Event->Header) : 0;
}
DRY_EXPORT(KeReadStateEvent)

/* ---- semaphores ---- */

static bool is_semaphore(const KSEMAPHORE *semaphore, const char *routine)
{
	return ke_object_check(
		&semaphore->Header, KE_SEMAPHORE, KE_SEMAPHORE, routine, "semaphore");
}

VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
	nt_irql_max("KeInitializeSemaphore", IRQL_PASSIVE, NT_C4(0xE5));
	if (Count < 0 || Limit <= 0 || Count > Limit)
		nt_violation(0, "KeInitializeSemaphore with count %d and limit %d", Count, Limit);
	ke_object_init(&Semaphore->Header, KE_SEMAPHORE, Count);
	Semaphore->Limit = Limit;
}
DRY_EXPORT(KeInitializeSemaphore)

/* Past the limit nothing changes and STATUS_SEMAPHORE_LIMIT_EXCEEDED is raised. */
LONG NTAPI KeReleaseSemaphore(
	PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
	LONG before, after = 0;
	bool fits;

	check_irql("KeReleaseSemaphore", Wait, NT_C4(NT_RULE_KE_DISPATCH), NT_C4(NT_RULE_KE_APC));
	if (!is_semaphore(Semaphore, "KeReleaseSemaphore"))
		return 0;
	nt_lock_take(&ke_lock);
	before = Semaphore->Header.SignalState;
	fits = Adjustment > 0 && !__builtin_add_overflow(before, Adjustment, &after) &&
	       after <= Semaphore->Limit;
	if (fits) {
		Semaphore->Header.SignalState = after;
		ke_signal(&Semaphore->Header);
	}
	nt_lock_drop(&ke_lock);
	if (!fits) {
		nt_violation(0,
			"KeReleaseSemaphore by %d of a semaphore with count %d and limit %d",
			Adjustment, before, Semaphore->Limit);
		ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
	}
	return before;
}
DRY_EXPORT(KeReleaseSemaphore)

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
	cpu_poll();
	return is_semaphore(Semaphore, "KeReadStateSemaphore") ? read_state(&Semaphore->Header) : 0;
}
DRY_EXPORT(KeReadStateSemaphore)
