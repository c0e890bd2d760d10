/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Locks by StorPortAcquireSpinLockEx, DPCs that are taken back, events, delays, the IRQL: for
 * miniports, thin over lock.c and the kernel's own. */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

/* ---- locks and DPCs ---- */

ULONG stor_acquire_lock_ex(struct stor_adapter *adapter, struct stor_call *args)
{
	STOR_SPINLOCK kind = stor_arg(args, STOR_SPINLOCK);
	PVOID context = stor_arg(args, PVOID);
	PSTOR_LOCK_HANDLE handle = stor_arg(args, PSTOR_LOCK_HANDLE);
	uint8_t irql = cpu_irql();

	if (!handle || !stor_lock_is_good(kind, context))
		return STOR_STATUS_INVALID_PARAMETER;
	if ((kind == DpcLevelLock && irql != IRQL_DISPATCH) ||
		(kind != InterruptLock && irql > IRQL_DISPATCH))
		return STOR_STATUS_INVALID_IRQL;
	stor_lock(adapter, kind, context, handle);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_cancel_dpc(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_DPC dpc = stor_arg(args, PSTOR_DPC);
	PBOOLEAN is_cancelled = stor_arg(args, PBOOLEAN);

	if (!dpc || !is_cancelled)
		return STOR_STATUS_INVALID_PARAMETER;
	*is_cancelled = KeRemoveQueueDpc(&dpc->Dpc);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_irql(struct stor_adapter *adapter, struct stor_call *args)
{
	PKIRQL irql = stor_arg(args, PKIRQL);

	if (!irql)
		return STOR_STATUS_INVALID_PARAMETER;
	*irql = cpu_irql();
	return STOR_STATUS_SUCCESS;
}

/* ---- time ---- */

/* Below DISPATCH other threads run meanwhile. */
ULONG stor_delay(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG microseconds = stor_arg(args, ULONG);
	LARGE_INTEGER relative = {.QuadPart = -10 * (LONGLONG)microseconds};

	if (cpu_irql() < IRQL_DISPATCH)
		KeDelayExecutionThread(KernelMode, FALSE, &relative);
	else
		cpu_stall(microseconds * 1000ull);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_query_timer_interval(struct stor_adapter *adapter, struct stor_call *args)
{
	PULONG interval = stor_arg(args, PULONG);

	if (!interval)
		return STOR_STATUS_INVALID_PARAMETER;
	*interval = KeQueryTimeIncrement();
	return STOR_STATUS_SUCCESS;
}

/* No DPC is watched: limits of 0 say so. */
ULONG stor_query_watchdog(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_DPC_WATCHDOG_INFORMATION information = stor_arg(args, PSTOR_DPC_WATCHDOG_INFORMATION);

	if (!information)
		return STOR_STATUS_INVALID_PARAMETER;
	if (cpu_irql() < IRQL_DISPATCH)
		return STOR_STATUS_UNSUCCESSFUL;
	*information = (STOR_DPC_WATCHDOG_INFORMATION){0};
	return STOR_STATUS_SUCCESS;
}

/* ---- events ---- */

ULONG stor_initialize_event(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_EVENT event = stor_arg(args, PSTOR_EVENT);
	STOR_EVENT_TYPE type = stor_arg(args, STOR_EVENT_TYPE);
	BOOLEAN state = (BOOLEAN)stor_arg(args, int);

	if (!event || (type != StorNotificationEvent && type != StorSynchronizationEvent))
		return STOR_STATUS_INVALID_PARAMETER;
	KeInitializeEvent((PRKEVENT)event,
		type == StorNotificationEvent ? NotificationEvent : SynchronizationEvent, state);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_event(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_EVENT event = stor_arg(args, PSTOR_EVENT);

	if (stor_irql_too_high("StorPortSetEvent"))
		return STOR_STATUS_INVALID_IRQL;
	if (!event)
		return STOR_STATUS_INVALID_PARAMETER;
	KeSetEvent((PRKEVENT)event, 0, FALSE);
	return STOR_STATUS_SUCCESS;
}

/* The page has no status for a wait that timed out but UNSUCCESSFUL, and none for the IRQL, which
 * its remarks limit: INVALID_IRQL, as of its neighbours. */
ULONG stor_wait(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID object = stor_arg(args, PVOID);
	BOOLEAN alertable = (BOOLEAN)stor_arg(args, int);
	PLARGE_INTEGER timeout = stor_arg(args, PLARGE_INTEGER);
	bool waits = !timeout || timeout->QuadPart;

	if (stor_irql_too_high("StorPortWaitForSingleObject"))
		return STOR_STATUS_INVALID_IRQL;
	if (waits && cpu_irql() > IRQL_APC) {
		nt_violation(0,
			"StorPortWaitForSingleObject waits at IRQL %u; at most APC_LEVEL (1) is "
			"allowed unless its time-out is 0.",
			cpu_irql());
		return STOR_STATUS_INVALID_IRQL;
	}
	if (!object)
		return STOR_STATUS_INVALID_PARAMETER;
	return KeWaitForSingleObject(object, Executive, KernelMode, alertable, timeout) ==
			       STATUS_SUCCESS
		       ? STOR_STATUS_SUCCESS
		       : STOR_STATUS_UNSUCCESSFUL;
}
