/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Scenes about routines: wrong arguments, where a status is documented for them; the locks in their
 * other forms. See conform.h.
 */
#include "conform.h"

#define TAG 'mrfC'

static ULONG64 Buffer[64];

static VOID Work(PVOID Extension, PVOID Context, PVOID Item)
{
}

static VOID TimerRoutine(PVOID Extension, PVOID Context)
{
}

/* ---- wrong arguments ---- */

static VOID Arguments(PCF_ADAPTER A)
{
	PVOID Got = NULL;
	STOR_LOCK_HANDLE Lock;
	BOOLEAN Flag;

	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortAllocatePool(A, 8, TAG, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreePool(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortAllocateMdl(A, NULL, 8, &Got));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreeMdl(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortInitializeTimer(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortRequestTimer(A, NULL, TimerRoutine, NULL, 1, 0));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreeTimer(A, Buffer));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortInitializeWorker(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortQueueWorkItem(A, Work, Buffer, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortSetEvent(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortGetCurrentIrql(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortCancelDpc(A, NULL, &Flag));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortGetMSIInfo(A, A->Messages, (PVOID)Buffer));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortCreateSystemThread(A, NULL, NULL, NULL, &Got));
	CfViolates(0, "StorPortUpdateAdapterMaxIO outside HwStorInitialize");
	SEE(MaxIoLate, STOR_STATUS_INVALID_DEVICE_REQUEST, StorPortUpdateAdapterMaxIO(A, 4));
	SEE(PerfLate, STOR_STATUS_UNSUCCESSFUL,
		StorPortInitializePerfOpts(A, TRUE,
			&(PERF_CONFIGURATION_DATA){.Version = STOR_PERF_VERSION,
				.Size = sizeof(PERF_CONFIGURATION_DATA)}));
	SEE(LockEx, STOR_STATUS_INVALID_PARAMETER,
		StorPortAcquireSpinLockEx(A, DpcLock, NULL, &Lock));
	SEE(LockEx, STOR_STATUS_INVALID_PARAMETER,
		StorPortAcquireSpinLockEx(A, StartIoLock, NULL, NULL));
	SEE(NoCode, STOR_STATUS_NOT_IMPLEMENTED,
		StorPortExtendedFunction((STORPORT_FUNCTION_CODE)0x1000, A));
}

/* ---- locks of messages ---- */

static VOID MessageLock(PCF_ADAPTER A)
{
	ULONG Old = HIGH_LEVEL;

	if (!(A->Machine & CF_MESSAGES) || IS_HALF(A))
		return;
	for (ULONG n = 0; n < A->Messages; n++) {
		SEE(MessageLock, STOR_STATUS_SUCCESS, StorPortAcquireMSISpinLock(A, n, &Old));
		SEE(MessageLock, A->Dirql, KeGetCurrentIrql());
		SEE(MessageLock, PASSIVE_LEVEL, Old);
		CfEnterInterrupt(A, n);
		StorPortStallExecution(5);
		CfLeaveInterrupt(A, n);
		SEE(MessageLock, STOR_STATUS_SUCCESS, StorPortReleaseMSISpinLock(A, n, Old));
	}
	SEE(MessageLock, PASSIVE_LEVEL, KeGetCurrentIrql());
}

/* LK-5 */
static BOOLEAN Synchronized(PVOID Extension, PVOID Context)
{
	return Context != NULL;
}

VOID CfRoutineScenes(PCF_ADAPTER A)
{
	CfIrqlScenes(A);
	Arguments(A);
	MessageLock(A);
	SEE(Synchronized, TRUE, StorPortSynchronizeAccess(A, Synchronized, A));
	SEE(Synchronized, FALSE, StorPortSynchronizeAccess(A, Synchronized, NULL));
	CfTryLocks(A, TRUE, TRUE, TRUE);
}
