/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: deferred procedure calls. The 64 bytes of a KDPC hold a cpu_dpc, with the driver's context
 * and routine in its ctx and user. A threaded DPC may run at DISPATCH as well, says its
 * documentation, and always does here.
 */
#include "nt/ke_dpc.h"
#include "nt/nt_check.h"
#include "util/export.h"

_Static_assert(sizeof(struct ke_dpc) <= sizeof(KDPC), "a KDPC holds a cpu_dpc and its mark");

static struct ke_dpc *dpc_of(const KDPC *dpc)
{
	return (struct ke_dpc *)dpc;
}

border_call __attribute__((cold, noinline)) bool ke_dpc_is_none(
	const KDPC *dpc, const char *routine)
{
	nt_violation(
		NT_C4(0xE1), "%s: %s is no initialised DPC", routine, dpc ? "the object" : "NULL");
	return false;
}

static bool is_dpc(const KDPC *dpc, const char *routine)
{
	return likely(ke_dpc_is_one(dpc)) || ke_dpc_is_none(dpc, routine);
}

static void run(struct cpu_dpc *dpc)
{
	PKDEFERRED_ROUTINE routine = (PKDEFERRED_ROUTINE)dpc->user;
	void *arg0 = cpu_self->dpc_arg[0], *arg1 = cpu_self->dpc_arg[1];
	uint8_t irql;

	/* The routine may free the object or queue it again. */
	routine((PKDPC)dpc, dpc->ctx, arg0, arg1);
	irql = cpu_irql();
	if (likely(irql == IRQL_DISPATCH))
		return;
	nt_violation(NT_C4(0x2001D),
		"a DPC routine returned at IRQL %u (%s); it was called at DISPATCH_LEVEL", irql,
		nt_irql_name(irql));
	if (irql > IRQL_DISPATCH)
		cpu_irql_lower(IRQL_DISPATCH);
	else
		cpu_irql_raise(IRQL_DISPATCH);
}

void ke_dpc_init(PKDPC dpc, void (*fn)(struct cpu_dpc *dpc), void *ctx)
{
	*dpc_of(dpc) = (struct ke_dpc){
		.magic = KE_DPC_MAGIC, .dpc = {.fn = fn, .ctx = ctx, .cpu = CPU_HERE}};
}

VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
	ke_dpc_init(Dpc, run, DeferredContext);
	dpc_of(Dpc)->dpc.user = (void *)DeferredRoutine;
}
DRY_EXPORT(KeInitializeDpc)

VOID NTAPI KeInitializeThreadedDpc(
	PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
	KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
}
DRY_EXPORT(KeInitializeThreadedDpc)

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
	return ke_dpc_insert(Dpc, SystemArgument1, SystemArgument2);
}
DRY_EXPORT(KeInsertQueueDpc)

bool ke_dpc_queue(PKDPC dpc, void *arg0, void *arg1)
{
	return cpu_dpc_queue(&dpc_of(dpc)->dpc, arg0, arg1);
}

bool ke_dpc_cancel(PKDPC dpc)
{
	return cpu_dpc_cancel(&dpc_of(dpc)->dpc);
}

bool ke_dpc_check(const KDPC *dpc, const char *routine)
{
	return is_dpc(dpc, routine);
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
	cpu_poll();
	return is_dpc(Dpc, "KeRemoveQueueDpc") && cpu_dpc_cancel(&dpc_of(Dpc)->dpc);
}
DRY_EXPORT(KeRemoveQueueDpc)

VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
	if (is_dpc(Dpc, "KeSetImportanceDpc"))
		dpc_of(Dpc)->dpc.high = Importance == HighImportance;
}
DRY_EXPORT(KeSetImportanceDpc)

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
	if (!is_dpc(Dpc, "KeSetTargetProcessorDpcEx") || ProcNumber->Group != 0 ||
		ProcNumber->Reserved != 0 || ProcNumber->Number >= cpu_count())
		return STATUS_INVALID_PARAMETER;
	dpc_of(Dpc)->dpc.cpu = ProcNumber->Number;
	return STATUS_SUCCESS;
}
DRY_EXPORT(KeSetTargetProcessorDpcEx)

VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
	PROCESSOR_NUMBER number = {.Number = (UCHAR)Number};

	if (KeSetTargetProcessorDpcEx(Dpc, &number))
		nt_violation(0, "KeSetTargetProcessorDpc to processor %d; there are %u", Number,
			cpu_count());
}
DRY_EXPORT(KeSetTargetProcessorDpc)

/* At another IRQL than PASSIVE the caller may itself be what would be waited for. */
VOID NTAPI KeFlushQueuedDpcs(VOID)
{
	nt_processor("KeFlushQueuedDpcs");
	if (nt_irql_max("KeFlushQueuedDpcs", IRQL_PASSIVE, NT_C4(0xE5)))
		cpu_dpc_flush();
}
DRY_EXPORT(KeFlushQueuedDpcs)
