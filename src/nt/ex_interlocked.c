/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ex: lists changed under a spin lock of the driver's at any IRQL, and atomic stacks (SLISTs). A
 * stack's header holds depth and first entry; they change under one lock of ours, which no
 * interrupt can nest in.
 */
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "util/export.h"

/* At HIGH_LEVEL nothing else runs on this processor, so the lock may be shared with interrupt
 * routines. */
static uint8_t list_lock(const char *routine, PKSPIN_LOCK lock)
{
	uint8_t old = nt_processor(routine)->irql;

	cpu_poll();
	cpu_irql_raise(IRQL_HIGH);
	cpu_spin_acquire((struct cpu_spinlock *)lock);
	return old;
}

static void list_unlock(PKSPIN_LOCK lock, uint8_t old)
{
	cpu_spin_release((struct cpu_spinlock *)lock);
	cpu_irql_lower(old);
}

/* Each of these returns the entry that was there before, NULL if the list was empty. */
PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(
	PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
	uint8_t old = list_lock("ExInterlockedInsertHeadList", Lock);
	PLIST_ENTRY before = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

	InsertHeadList(ListHead, ListEntry);
	list_unlock(Lock, old);
	return before;
}
DRY_EXPORT(ExInterlockedInsertHeadList)

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(
	PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
	uint8_t old = list_lock("ExInterlockedInsertTailList", Lock);
	PLIST_ENTRY before = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

	InsertTailList(ListHead, ListEntry);
	list_unlock(Lock, old);
	return before;
}
DRY_EXPORT(ExInterlockedInsertTailList)

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
	uint8_t old = list_lock("ExInterlockedRemoveHeadList", Lock);
	PLIST_ENTRY entry = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

	list_unlock(Lock, old);
	return entry;
}
DRY_EXPORT(ExInterlockedRemoveHeadList)

/* ---- SLISTs: Alignment holds the depth, Region the first entry ---- */

static struct nt_lock stacks;

VOID NTAPI InitializeSListHead(PSLIST_HEADER SListHead)
{
	SListHead->Alignment = 0;
	SListHead->Region = 0;
}
DRY_EXPORT(InitializeSListHead)

/* Next, also of an entry that is not aligned as its type says. */
static PSLIST_ENTRY *next_of(PSLIST_ENTRY entry)
{
	return (PSLIST_ENTRY *)(void *)entry;
}

static PSLIST_ENTRY first_entry(const SLIST_HEADER *head)
{
	return (PSLIST_ENTRY)(ULONG_PTR)head->Region;
}

PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
	PSLIST_ENTRY before;

	cpu_poll();
	if ((uintptr_t)ListEntry % MEMORY_ALLOCATION_ALIGNMENT)
		nt_violation(0, "an SLIST entry that is not aligned on %d bytes is pushed",
			MEMORY_ALLOCATION_ALIGNMENT);
	nt_lock_take(&stacks);
	before = first_entry(ListHead);
	*next_of(ListEntry) = before;
	ListHead->Region = (ULONG_PTR)ListEntry;
	ListHead->Alignment++;
	nt_lock_drop(&stacks);
	return before;
}
DRY_EXPORT(ExpInterlockedPushEntrySList)
DRY_EXPORT_AS(InterlockedPushEntrySList, ExpInterlockedPushEntrySList)

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
	PSLIST_ENTRY entry;

	cpu_poll();
	nt_lock_take(&stacks);
	entry = first_entry(ListHead);
	if (entry) {
		ListHead->Region = (ULONG_PTR)*next_of(entry);
		ListHead->Alignment--;
	}
	nt_lock_drop(&stacks);
	return entry;
}
DRY_EXPORT(ExpInterlockedPopEntrySList)
DRY_EXPORT_AS(InterlockedPopEntrySList, ExpInterlockedPopEntrySList)

PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
	PSLIST_ENTRY entry;

	cpu_poll();
	nt_lock_take(&stacks);
	entry = first_entry(ListHead);
	ListHead->Region = 0;
	ListHead->Alignment = 0;
	nt_lock_drop(&stacks);
	return entry;
}
DRY_EXPORT(ExpInterlockedFlushSList)
DRY_EXPORT_AS(InterlockedFlushSList, ExpInterlockedFlushSList)

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead)
{
	USHORT depth;

	cpu_poll();
	nt_lock_take(&stacks);
	depth = (USHORT)SListHead->Alignment;
	nt_lock_drop(&stacks);
	return depth;
}
DRY_EXPORT(ExQueryDepthSList)
