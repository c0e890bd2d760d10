/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: critical and guarded regions. There are no APCs here, so a region stops nothing; its nesting
 * is kept, and whoever asks or forgets to leave hears the truth.
 */
#include "nt/nt_check.h"
#include "nt/ps_thread.h"
#include "util/export.h"

static struct nt_thread *enter(const char *routine, uint64_t number)
{
	cpu_poll();
	nt_irql_max(routine, IRQL_APC, number);
	return nt_thread_current();
}

VOID NTAPI KeEnterCriticalRegion(VOID)
{
	enter("KeEnterCriticalRegion", NT_C4(0x11A))->apc_disable++;
}
DRY_EXPORT(KeEnterCriticalRegion)

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
	struct nt_thread *self = enter("KeLeaveCriticalRegion", NT_C4(0x11B));

	if (self->apc_disable > 0)
		self->apc_disable--;
	else
		nt_violation(NT_C4(0x3E),
			"KeLeaveCriticalRegion by a thread that is in no critical region");
}
DRY_EXPORT(KeLeaveCriticalRegion)

VOID NTAPI KeEnterGuardedRegion(VOID)
{
	enter("KeEnterGuardedRegion", NT_C4(NT_RULE_KE_APC))->guarded++;
}
DRY_EXPORT(KeEnterGuardedRegion)

VOID NTAPI KeLeaveGuardedRegion(VOID)
{
	struct nt_thread *self = enter("KeLeaveGuardedRegion", NT_C4(NT_RULE_KE_APC));

	if (self->guarded > 0)
		self->guarded--;
	else
		nt_violation(NT_C4(0x4000E),
			"KeLeaveGuardedRegion by a thread that is in no guarded region");
}
DRY_EXPORT(KeLeaveGuardedRegion)

BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
	struct nt_thread *self;

	cpu_poll();
	nt_irql_max("KeAreApcsDisabled", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	self = nt_thread_current();
	return self->apc_disable > 0 || self->guarded > 0;
}
DRY_EXPORT(KeAreApcsDisabled)

BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
	cpu_poll();
	nt_irql_max("KeAreAllApcsDisabled", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	return nt_thread_current()->guarded > 0 || cpu_irql() >= IRQL_APC;
}
DRY_EXPORT(KeAreAllApcsDisabled)
