/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where requests are completed. What the device has done goes, in turn, to one of nine places:
 * every one from which a miniport may call RequestComplete. Those that wait for a callback to come
 * along (interrupt, StartIo, BuildIo) are swept up by the timer if it does not. See conform.h.
 */
#include "conform.h"

#define SWEEP 5000 /* microseconds */

static const CF_FACT_ID PlaceFact[PlaceCount] = {
	[PlaceDpc] = F_EndDpc,
	[PlaceInterrupt] = F_EndInterrupt,
	[PlaceTimer] = F_EndTimer,
	[PlaceTimerEx] = F_EndTimerEx,
	[PlaceWorkItem] = F_EndWorkItem,
	[PlaceThread] = F_EndThread,
	[PlaceStartIo] = F_EndStartIo,
	[PlaceBuildIo] = F_EndBuildIo,
	[PlaceSynchronized] = F_EndSynchronized,
};

VOID CfComplete(PCF_ADAPTER A, PCF_REQUEST Request, UCHAR Status)
{
	PSCSI_REQUEST_BLOCK Srb = Request->Srb;
	CF_UNIT *Unit = &A->Unit[Request->Unit];

	if (Request->IsData && Request->Sgl != NULL) {
		PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(A, Srb);

		SEE(ListStays, (ULONG_PTR)Request->Sgl, (ULONG_PTR)List);
		SEE(ListStays, Request->Sum, CfSum(List));
	}
	SEE_TRUE(ExtensionStays, Request->Stage == CF_BUILT || Request->Stage == CF_STARTED);
	Request->Stage = CF_GONE;
	InterlockedDecrement(&Unit->Outstanding);
	InterlockedDecrement(&A->Outstanding);
	SrbSetSrbStatus(Srb, Status);
	StorPortNotification(RequestComplete, A, Srb);
}

static VOID Push(PCF_REQUEST volatile *List, PCF_REQUEST Request)
{
	do
		Request->Next = *List;
	while (InterlockedCompareExchangePointer((PVOID volatile *)List, Request, Request->Next) !=
		Request->Next);
}

static VOID CompleteAll(PCF_ADAPTER A, CF_PLACE From, CF_PLACE Here)
{
	PCF_REQUEST Next,
		Request = InterlockedExchangePointer((PVOID volatile *)&A->Waiting[From], NULL);

	for (; Request != NULL; Request = Next) {
		Next = Request->Next;
		CfFact(&CfTable[PlaceFact[Here]], TRUE, TRUE, __LINE__);
		CfComplete(A, Request, Request->Status);
	}
}

VOID CfEndAll(PCF_ADAPTER A, CF_PLACE Place)
{
	CompleteAll(A, Place, Place);
}

/* ---- the callbacks that are there for it ---- */

static VOID SweepTimer(PVOID Extension)
{
	PCF_ADAPTER A = Extension;

	CfEnterCallback(A, F_TimerIrql);
	CfEndAll(A, PlaceTimer);
	CompleteAll(A, PlaceInterrupt, PlaceTimer);
	CompleteAll(A, PlaceStartIo, PlaceTimer);
	CompleteAll(A, PlaceBuildIo, PlaceTimer);
	CfLeaveCallback(A);
	if (A->IsSweeping)
		StorPortNotification(RequestTimerCall, A, SweepTimer, SWEEP);
}

static VOID EndTimerEx(PVOID Extension, PVOID Context)
{
	PCF_ADAPTER A = Extension;

	CfEnterCallback(A, F_TimerExIrql);
	SEE(TimerExContext, (ULONG_PTR)&A->EndTimer, (ULONG_PTR)Context);
	CfEndAll(A, PlaceTimerEx);
	CfLeaveCallback(A);
	if (!A->IsEnding)
		SEE(TimerExAgain, STOR_STATUS_SUCCESS,
			StorPortRequestTimer(A, A->EndTimer, EndTimerEx, Context, SWEEP, 0));
}

static VOID EndWork(PVOID Extension, PVOID Context, PVOID Worker)
{
	PCF_ADAPTER A = Extension;

	SEE(WorkIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(WorkArguments, (ULONG_PTR)&A->EndWorker, (ULONG_PTR)Context);
	SEE(WorkArguments, (ULONG_PTR)A->EndWorker, (ULONG_PTR)Worker);
	CfEndAll(A, PlaceWorkItem);
}

static VOID EndThread(PVOID Context)
{
	PCF_ADAPTER A = Context;

	SEE(ThreadIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	while (!A->IsEnding) {
		SEE(ThreadWait, STOR_STATUS_SUCCESS,
			StorPortWaitForSingleObject(A, &A->EndEvent, FALSE, NULL));
		CfEndAll(A, PlaceThread);
	}
}

static BOOLEAN EndSynchronized(PVOID Extension, PVOID Context)
{
	PCF_ADAPTER A = Extension;

	SEE(SynchronizedIrql, A->Dirql, KeGetCurrentIrql());
	CfEnterInterrupt(A, (ULONG)-1);
	CompleteAll(A, PlaceSynchronized, PlaceSynchronized);
	CfLeaveInterrupt(A, (ULONG)-1);
	return (BOOLEAN)(ULONG_PTR)Context;
}

/* ---- */

VOID CfEnd1(PCF_ADAPTER A, PCF_REQUEST Request)
{
	BOOLEAN IsOdd = (++A->Turn & 1) != 0; /* the DPC's own */
	CF_PLACE Place = A->IsPlain || A->EndTimer == NULL ? PlaceDpc : A->Turn % PlaceCount;
	ULONG Status;

	Push(&A->Waiting[Place], Request);
	switch (Place) {
	case PlaceDpc:
		CfEndAll(A, PlaceDpc);
		break;
	case PlaceWorkItem:
		Status = StorPortQueueWorkItem(A, EndWork, A->EndWorker, &A->EndWorker);
		SEE_TRUE(WorkQueued, Status == STOR_STATUS_SUCCESS || Status == STOR_STATUS_BUSY);
		break;
	case PlaceThread:
		StorPortSetEvent(A, &A->EndEvent);
		break;
	case PlaceSynchronized:
		SEE(Synchronized, IsOdd,
			StorPortSynchronizeAccess(A, EndSynchronized, (PVOID)(ULONG_PTR)IsOdd));
		break;
	default:
		break; /* somebody comes along */
	}
}

VOID CfSweep(PCF_ADAPTER A, BOOLEAN On)
{
	A->IsSweeping = On;
	if (On)
		StorPortNotification(RequestTimerCall, A, SweepTimer, SWEEP);
	else
		CfSleep(A, 20); /* the last one is over */
}

BOOLEAN CfEndStart(PCF_ADAPTER A)
{
	STOR_THREAD_PRIORITY Priority = StorThreadPriorityNormal;

	StorPortInitializeEvent(A, &A->EndEvent, StorSynchronizationEvent, FALSE);
	if (StorPortInitializeWorker(A, &A->EndWorker) != STOR_STATUS_SUCCESS ||
		StorPortCreateSystemThread(A, EndThread, A, &Priority, &A->EndThread) !=
			STOR_STATUS_SUCCESS ||
		StorPortInitializeTimer(A, &A->EndTimer) != STOR_STATUS_SUCCESS)
		return FALSE;
	CfSweep(A, TRUE);
	return StorPortRequestTimer(A, A->EndTimer, EndTimerEx, &A->EndTimer, SWEEP, 0) ==
	       STOR_STATUS_SUCCESS;
}

/* At SHUTDOWN: what comes now is completed in the DPC, and the thread goes. */
VOID CfEndStop(PCF_ADAPTER A)
{
	A->IsPlain = TRUE;
	A->IsEnding = TRUE;
	A->IsSweeping = FALSE;
	StorPortSetEvent(A, &A->EndEvent);
}
