/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: timers (dispatcher objects: ke_object.h). A KTIMER in the system's queue holds a slot of our
 * own table, with the cpu_timer in it. So when an expiry has already begun on another processor
 * while the driver cancels and frees its KTIMER, the expiry finds an empty slot and never touches
 * the freed memory.
 */
#include "nt/ke_object.h"
#include "nt/ke_dpc.h"
#include "nt/nt_check.h"
#include "nt/nt_parts.h"
#include "util/export.h"

enum { SLOTS = 1024 };	     /* as many as cpu/ arms at a time */
#define LONGEST (1ull << 62) /* ns, so that no sum of times overflows */

struct slot {
	struct cpu_timer timer;
	PKTIMER owner; /* NULL: free */
	uint64_t due; /* ns of cpu_clock of the next expiry; an earlier call of fn is a stale one */
	uint64_t period;    /* ns */
	uint16_t next_free; /* number + 1 of the next free slot */
};

/* All under ke_lock; the order is ke_lock, then cpu/'s own lock of its timers. */
static struct slot slots[SLOTS];
static uint16_t free_slots;
static unsigned slots_used; /* no slot from here on was ever taken */

/* What a KTIMER remembers: the number of its slot, 0 when it is not in the queue. */
static struct slot *slot_of(const KTIMER *timer)
{
	return timer->TimerType ? &slots[timer->TimerType - 1] : NULL;
}

static void slot_free(struct slot *slot)
{
	slot->owner->TimerType = 0;
	slot->owner = NULL;
	slot->next_free = free_slots;
	free_slots = (uint16_t)(slot - slots + 1);
}

static void expire(struct cpu_timer *timer)
{
	struct slot *slot = container_of(timer, struct slot, timer);
	PKTIMER owner;
	uint64_t now;
	PKDPC dpc;

	nt_lock_take(&ke_lock);
	owner = slot->owner;
	now = cpu_clock();
	if (owner && now >= slot->due) {
		dpc = owner->Dpc;
		if (slot->period)
			slot->due += slot->period * (1 + (now - slot->due) / slot->period);
		else
			slot_free(slot);
		owner->Header.SignalState = 1;
		ke_signal(&owner->Header);
		/* Under the lock: once it is free, KeCancelTimer's answer tells the driver what may
		 * be freed. */
		if (dpc)
			ke_dpc_queue(dpc, NULL, NULL);
	}
	nt_lock_drop(&ke_lock);
}

void nt_timer_init(void)
{
	free_slots = 0;
	for (unsigned i = SLOTS; i > 0; i--) {
		slots[i - 1] = (struct slot){.timer = {.fn = expire}, .next_free = free_slots};
		free_slots = (uint16_t)i;
	}
}

void nt_timer_fini(void)
{
	unsigned left = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		nt_lock_take(&ke_lock);
		if (slots[i].owner) {
			/* The KTIMER's memory may be gone: it is not written. */
			cpu_timer_cancel(&slots[i].timer);
			slots[i].owner = NULL;
			left++;
		}
		nt_lock_drop(&ke_lock);
	}
	if (left)
		nt_violation(0xC7000000, "%u timer%s still set at the end", left,
			left == 1 ? " is" : "s are");
}

bool nt_timer_abandon(const void *start, size_t bytes)
{
	bool found = false;

	nt_lock_take(&ke_lock);
	for (unsigned i = 0; i < slots_used; i++) {
		const char *owner = (const char *)slots[i].owner;

		if (!owner || owner < (const char *)start || owner >= (const char *)start + bytes)
			continue;
		cpu_timer_cancel(&slots[i].timer);
		slot_free(&slots[i]);
		found = true;
	}
	nt_lock_drop(&ke_lock);
	return found;
}

static bool is_timer(const KTIMER *timer, const char *routine)
{
	return ke_object_check(
		&timer->Header, KE_TIMER_NOTIFICATION, KE_TIMER_SYNCHRONIZATION, routine, "timer");
}

VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
	cpu_poll();
	nt_irql_max("KeInitializeTimer", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	*Timer = (KTIMER){0};
	ke_object_init(&Timer->Header,
		Type == SynchronizationTimer ? KE_TIMER_SYNCHRONIZATION : KE_TIMER_NOTIFICATION, 0);
}
DRY_EXPORT(KeInitializeTimerEx)

VOID NTAPI KeInitializeTimer(PKTIMER Timer)
{
	KeInitializeTimerEx(Timer, NotificationTimer);
}
DRY_EXPORT(KeInitializeTimer)

static struct slot *slot_new(PKTIMER timer)
{
	struct slot *slot;

	if (!free_slots)
		cpu_die("more than %d timers are set at once", SLOTS);
	slot = &slots[free_slots - 1];
	timer->TimerType = free_slots;
	slots_used = max_of(slots_used, free_slots);
	free_slots = slot->next_free;
	slot->owner = timer;
	return slot;
}

/* Out of the queue, with the DPC of an expiry that has not run yet. */
static bool dequeue(PKTIMER timer)
{
	struct slot *slot = slot_of(timer);

	if (!slot)
		return false;
	cpu_timer_cancel(&slot->timer);
	slot_free(slot);
	if (timer->Dpc)
		ke_dpc_cancel(timer->Dpc);
	return true;
}

static BOOLEAN set(const char *routine, PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc)
{
	struct ke_deadline deadline;
	uint64_t in, every = period > 0 ? (uint64_t)period * 1000000 : 0;
	struct slot *slot;
	bool was;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	if (!is_timer(timer, routine) || (dpc && !ke_dpc_check(dpc, routine)))
		return FALSE;
	if (period < 0)
		nt_violation(0, "%s with a period of %d ms: taken as 0", routine, period);
	deadline = ke_deadline_from(&due);
	in = min_of(ke_deadline_left(&deadline), LONGEST);

	nt_lock_take(&ke_lock);
	was = dequeue(timer);
	timer->Header.SignalState = 0;
	timer->DueTime.QuadPart = (ULONGLONG)due.QuadPart;
	timer->Dpc = dpc;
	timer->Period = (ULONG)period;
	slot = slot_new(timer);
	slot->timer.cpu = cpu_self ? cpu_self->number : 0;
	slot->period = every;
	slot->due = cpu_clock() + in;
	cpu_timer_set(&slot->timer, in, every);
	nt_lock_drop(&ke_lock);
	return was;
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
	return set("KeSetTimerEx", Timer, DueTime, Period, Dpc);
}
DRY_EXPORT(KeSetTimerEx)

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
	return set("KeSetTimer", Timer, DueTime, 0, Dpc);
}
DRY_EXPORT(KeSetTimer)

/* Coalescing only allows to be late; we never are by choice. */
BOOLEAN NTAPI KeSetCoalescableTimer(
	PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period, ULONG TolerableDelay, PKDPC Dpc)
{
	return set("KeSetCoalescableTimer", Timer, DueTime, (LONG)Period, Dpc);
}
DRY_EXPORT(KeSetCoalescableTimer)

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
	bool was;

	cpu_poll();
	nt_irql_max("KeCancelTimer", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	if (!is_timer(Timer, "KeCancelTimer"))
		return FALSE;
	nt_lock_take(&ke_lock);
	was = dequeue(Timer);
	nt_lock_drop(&ke_lock);
	return was;
}
DRY_EXPORT(KeCancelTimer)

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
	bool state;

	cpu_poll();
	nt_irql_max("KeReadStateTimer", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	if (!is_timer(Timer, "KeReadStateTimer"))
		return FALSE;
	nt_lock_take(&ke_lock);
	state = Timer->Header.SignalState > 0;
	nt_lock_drop(&ke_lock);
	return state;
}
DRY_EXPORT(KeReadStateTimer)
