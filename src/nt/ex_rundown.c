/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ex: run-down protection. The word counts holders by twos; once somebody waits it is the address
 * of his block with bit 0 set, and the block counts; at the end it is 1. All under one lock.
 */
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "util/export.h"

enum { RUN_DOWN = 1, HOLDER = 2 };

struct rundown {
	ULONG_PTR holders;
	KEVENT released;
};

static struct nt_lock lock;

static void enter(const char *routine, uint8_t max)
{
	cpu_poll();
	nt_irql_max(routine, max, max == IRQL_APC ? NT_C4(NT_RULE_EX_APC) : NT_C4(0xE5));
}

VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	enter("ExInitializeRundownProtection", IRQL_APC);
	RunRef->Count = 0;
}
DRY_EXPORT(ExInitializeRundownProtection)

/* Only what was run down may begin anew. */
VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	bool good;

	enter("ExReInitializeRundownProtection", IRQL_APC);
	nt_lock_take(&lock);
	good = RunRef->Count == RUN_DOWN;
	RunRef->Count = good ? 0 : RunRef->Count;
	nt_lock_drop(&lock);
	if (!good)
		nt_violation(
			0, "ExReInitializeRundownProtection of an object that was not run down");
}
DRY_EXPORT(ExReInitializeRundownProtection)

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	bool granted;

	enter("ExAcquireRundownProtection", IRQL_DISPATCH);
	nt_lock_take(&lock);
	granted = !(RunRef->Count & RUN_DOWN);
	if (granted)
		RunRef->Count += HOLDER;
	nt_lock_drop(&lock);
	return granted;
}
DRY_EXPORT(ExAcquireRundownProtection)

VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	struct rundown *last = NULL;
	bool held = true;

	enter("ExReleaseRundownProtection", IRQL_DISPATCH);
	nt_lock_take(&lock);
	if (RunRef->Count <= RUN_DOWN) {
		held = false;
	} else if (RunRef->Count & RUN_DOWN) {
		last = (struct rundown *)(RunRef->Count - RUN_DOWN);
		if (--last->holders)
			last = NULL;
		else
			RunRef->Count = RUN_DOWN;
	} else {
		RunRef->Count -= HOLDER;
	}
	nt_lock_drop(&lock);
	if (!held)
		nt_violation(0, "ExReleaseRundownProtection by who does not hold it");
	if (last)
		KeSetEvent(&last->released, 0, FALSE);
}
DRY_EXPORT(ExReleaseRundownProtection)

/* Of an object that is run down, or being so, without effect. */
VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
	struct rundown block;
	bool waits = false;

	enter("ExWaitForRundownProtectionRelease", IRQL_APC);
	KeInitializeEvent(&block.released, NotificationEvent, FALSE);
	nt_lock_take(&lock);
	if (!(RunRef->Count & RUN_DOWN)) {
		block.holders = RunRef->Count / HOLDER;
		waits = block.holders;
		RunRef->Count = waits ? (ULONG_PTR)&block + RUN_DOWN : RUN_DOWN;
	}
	nt_lock_drop(&lock);
	if (waits)
		KeWaitForSingleObject(&block.released, Executive, KernelMode, FALSE, NULL);
}
DRY_EXPORT(ExWaitForRundownProtectionRelease)

VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
	enter("ExRundownCompleted", IRQL_APC);
	nt_lock_take(&lock);
	RunRef->Count = RUN_DOWN;
	nt_lock_drop(&lock);
}
DRY_EXPORT(ExRundownCompleted)
