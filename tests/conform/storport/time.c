/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Scenes about timers (4.5), DPCs (LK-10) and state changes. See conform.h. */
#include "conform.h"

static volatile LONG Fired, Runs, Changes;
static volatile ULONG64 FiredAt;
static volatile ULONG Again; /* how often the timer sets itself anew */

/* How late a timer may be, in microseconds: T-1 names a resolution of about 10 ms. The host's
 * threads may come late themselves. */
static ULONG64 Late(PCF_ADAPTER A)
{
	return A->Machine & CF_REPLAY ? 20000 : 1000000;
}

/* ---- RequestTimerCall ---- */

static VOID Probe(PVOID Extension)
{
	PCF_ADAPTER A = Extension;

	CfEnterCallback(A, F_TimerIrql);
	if (!IS_HALF(A))
		CfTryLocks(A, FALSE, FALSE, TRUE);
	FiredAt = CfNow(A);
	InterlockedIncrement(&Fired);
	if (Again > 0) {
		Again--;
		StorPortNotification(RequestTimerCall, A, Probe, 10000);
	}
	CfLeaveCallback(A);
}

static VOID CheckBounds(PCF_ADAPTER A, ULONG64 Begin, ULONG64 Wanted, CF_FACT_ID Fact)
{
	ULONG64 Passed = FiredAt - Begin;

	CfFact(&CfTable[Fact], TRUE, Passed >= Wanted && Passed <= Wanted + Late(A), __LINE__);
}

static VOID TimerCall(PCF_ADAPTER A)
{
	ULONG64 Begin = CfNow(A);

	Fired = 0;
	StorPortNotification(RequestTimerCall, A, Probe, 30000);
	SEE(Timer, TRUE, CfAwait(A, &Fired, 1, 2000));
	CheckBounds(A, Begin, 30000, F_Timer);
	CfSleep(A, 50);
	SEE(Timer, 1, Fired);

	StorPortNotification(RequestTimerCall, A, Probe, 50000);
	StorPortNotification(RequestTimerCall, A, Probe, 0);
	CfSleep(A, 100);
	SEE(TimerCancel, 1, Fired);

	Begin = CfNow(A);
	StorPortNotification(RequestTimerCall, A, Probe, 10000000);
	StorPortNotification(RequestTimerCall, A, Probe, 10000);
	SEE(TimerOne, TRUE, CfAwait(A, &Fired, 2, 2000));
	CheckBounds(A, Begin, 10000, F_TimerOne);

	Again = 2;
	StorPortNotification(RequestTimerCall, A, Probe, 10000);
	SEE(TimerAgain, TRUE, CfAwait(A, &Fired, 5, 3000));
	CfSleep(A, 30);
	SEE(TimerAgain, 5, Fired);
}

/* ---- StorPortInitializeTimer and its kin ---- */

static VOID ProbeEx(PVOID Extension, PVOID Context)
{
	PCF_ADAPTER A = Extension;

	CfEnterCallback(A, F_TimerExIrql);
	SEE(TimerExContext, (ULONG_PTR)&Fired, (ULONG_PTR)Context);
	FiredAt = CfNow(A);
	InterlockedIncrement(&Fired);
	CfLeaveCallback(A);
}

static ULONG Request(PCF_ADAPTER A, PVOID Timer, ULONG64 Microseconds, ULONG64 Tolerable)
{
	return StorPortRequestTimer(A, Timer, ProbeEx, (PVOID)&Fired, Microseconds, Tolerable);
}

static BOOLEAN RequestHigh(PVOID Extension, PVOID Context)
{
	SEE(TimerExHigh, STOR_STATUS_SUCCESS, Request(Extension, Context, 20000, 0));
	return TRUE;
}

static VOID TimerEx(PCF_ADAPTER A)
{
	PVOID Timer = NULL;
	ULONG64 Begin;

	Fired = 0;
	SEE(TimerExMade, STOR_STATUS_SUCCESS, StorPortInitializeTimer(A, &Timer));
	Begin = CfNow(A);
	SEE(TimerEx, STOR_STATUS_SUCCESS, Request(A, Timer, 30000, 31));
	SEE(TimerExBusy, STOR_STATUS_BUSY, Request(A, Timer, 30000, 0));
	SEE(TimerEx, TRUE, CfAwait(A, &Fired, 1, 2000));
	CheckBounds(A, Begin, 30000, F_TimerEx);

	SEE(TimerExCancel, STOR_STATUS_SUCCESS, Request(A, Timer, 50000, 0));
	SEE(TimerExCancel, STOR_STATUS_SUCCESS, Request(A, Timer, 0, 0));
	CfSleep(A, 100);
	SEE(TimerExCancel, 1, Fired);

	StorPortSynchronizeAccess(A, RequestHigh, Timer);
	SEE(TimerExHigh, TRUE, CfAwait(A, &Fired, 2, 2000));

	SEE(TimerExFree, STOR_STATUS_SUCCESS, StorPortFreeTimer(A, Timer));
	SEE(TimerExFree, STOR_STATUS_UNSUCCESSFUL, StorPortFreeTimer(A, Timer));
}

/* ---- DPCs ---- */

static VOID Spare(PSTOR_DPC Dpc, PVOID Extension, PVOID SystemArgument1, PVOID SystemArgument2)
{
	InterlockedIncrement(&Runs);
}

static VOID Threaded(PSTOR_DPC Dpc, PVOID Extension, PVOID SystemArgument1, PVOID SystemArgument2)
{
	PCF_ADAPTER A = Extension;
	STOR_LOCK_HANDLE Lock;

	SEE_TRUE(ThreadedIrql, KeGetCurrentIrql() <= DISPATCH_LEVEL);
	SEE(ThreadedLock, STOR_STATUS_SUCCESS,
		StorPortAcquireSpinLockEx(A, ThreadedDpcLock, Dpc, &Lock));
	SEE(ThreadedLock, DISPATCH_LEVEL, KeGetCurrentIrql());
	StorPortReleaseSpinLock(A, &Lock);
	InterlockedIncrement(&Runs);
}

static VOID Dpcs(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;
	BOOLEAN IsCancelled = FALSE;

	Runs = 0;
	StorPortInitializeDpc(A, &A->SpareDpc, Spare);
	CfLock(A, StartIoLock, &Lock);
	SEE(DpcOnce, TRUE, StorPortIssueDpc(A, &A->SpareDpc, NULL, NULL));
	SEE(DpcOnce, FALSE, StorPortIssueDpc(A, &A->SpareDpc, NULL, NULL));
	CfUnlock(A, &Lock);
	SEE(DpcOnce, TRUE, CfAwait(A, &Runs, 1, 1000));
	CfSleep(A, 10);
	SEE(DpcOnce, 1, Runs);

	CfLock(A, StartIoLock, &Lock);
	StorPortIssueDpc(A, &A->SpareDpc, NULL, NULL);
	SEE(DpcCancel, STOR_STATUS_SUCCESS, StorPortCancelDpc(A, &A->SpareDpc, &IsCancelled));
	SEE(DpcCancel, TRUE, IsCancelled);
	CfUnlock(A, &Lock);
	CfSleep(A, 10);
	SEE(DpcCancel, 1, Runs);

	StorPortInitializeThreadedDpc(A, &A->ThreadedDpc, Threaded);
	StorPortIssueDpc(A, &A->ThreadedDpc, NULL, NULL);
	SEE(ThreadedIrql, TRUE, CfAwait(A, &Runs, 2, 1000));
}

/* ---- state changes ---- */

static VOID Changed(PVOID Extension, PVOID Context, SHORT AddressType, PVOID Address, ULONG Status)
{
	PCF_ADAPTER A = Extension;
	PSTOR_ADDR_BTL8 Unit = Address;

	CfEnterCallback(A, F_ChangeIrql);
	SEE(ChangeArguments, (ULONG_PTR)&Changes, (ULONG_PTR)Context);
	SEE(ChangeArguments, STOR_ADDRESS_TYPE_BTL8, AddressType);
	SEE(ChangeArguments, 1, Unit->Lun);
	SEE(ChangeArguments, STOR_STATUS_SUCCESS, Status);
	InterlockedIncrement(&Changes);
	CfLeaveCallback(A);
}

static ULONG Tell(PCF_ADAPTER A, PSTOR_ADDR_BTL8 Address)
{
	return StorPortStateChangeDetected(A, STATE_CHANGE_LUN, (PSTOR_ADDRESS)Address,
		ATTRIBUTE_DEVICE_SUPPORTED, Changed, (PVOID)&Changes);
}

static VOID StateChange(PCF_ADAPTER A)
{
	STOR_ADDR_BTL8 Address = {.Type = STOR_ADDRESS_TYPE_BTL8,
		.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
		.Lun = 1};
	STOR_LOCK_HANDLE Lock;

	CfLock(A, StartIoLock, &Lock); /* the callback has to wait for it */
	SEE(ChangeOne, STOR_STATUS_SUCCESS, Tell(A, &Address));
	SEE(ChangeOne, STOR_STATUS_UNSUCCESSFUL, Tell(A, &Address));
	CfUnlock(A, &Lock);
	SEE(ChangeOne, TRUE, CfAwait(A, &Changes, 1, 1000));
	CfSleep(A, 10);
	SEE(ChangeOne, 1, Changes);
	SEE(ChangeOne, STOR_STATUS_INVALID_PARAMETER, Tell(A, NULL));
}

VOID CfTimeScenes(PCF_ADAPTER A)
{
	CfSweep(A, FALSE);
	TimerCall(A);
	CfSweep(A, TRUE);
	TimerEx(A);
	Dpcs(A);
	StateChange(A);
}
