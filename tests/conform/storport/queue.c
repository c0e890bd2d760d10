/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Scenes about queues (4.4) and the ladder of resets (4.7). Whether something is closed shows in
 * that StartIo gets nothing for a while though requests wait; that it opens, in that it gets some.
 * See conform.h.
 */
#include "conform.h"

#define DEPTH 6	   /* of unit 0, from now on */
#define WHILE 20   /* milliseconds in which an open queue would have moved */
#define SOON  2000 /* in which one that opens does */

/* Lets so many of those that are kept go to the controller. */
static VOID Release(PCF_ADAPTER A, ULONG Count)
{
	STOR_LOCK_HANDLE Lock;
	PCF_REQUEST Request;

	for (; Count > 0 && A->Held != NULL; Count--) {
		do
			Request = A->Held;
		while (InterlockedCompareExchangePointer(
			       (PVOID volatile *)&A->Held, Request->Next, Request) != Request);
		InterlockedDecrement(&A->HeldCount);
		CfLock(A, StartIoLock, &Lock);
		CfSubmit(A, Request);
		CfUnlock(A, &Lock);
	}
}

static BOOLEAN IsDown(PCF_ADAPTER A, LONG Outstanding)
{
	for (ULONG n = 0; n < SOON && A->Unit[0].Outstanding > Outstanding; n++)
		CfSleep(A, 1);
	return A->Unit[0].Outstanding <= Outstanding;
}

static VOID Refill(PCF_ADAPTER A)
{
	SEE(Flow, TRUE, CfAwait(A, &A->HeldCount, A->Unit[0].Depth, 10000));
}

/* ---- depth ---- */

static VOID Depth(PCF_ADAPTER A)
{
	SEE(DepthReached, TRUE, CfAwait(A, &A->HeldCount, CF_DEPTH, SOON));
	CfSleep(A, WHILE);
	SEE(DepthReached, CF_DEPTH, A->HeldCount);
	A->Unit[0].Depth = DEPTH;
	SEE(DepthRaised, TRUE, StorPortSetDeviceQueueDepth(A, 0, 0, 0, DEPTH));
	SEE(DepthRaised, TRUE, CfAwait(A, &A->HeldCount, DEPTH, SOON));
	CfSleep(A, WHILE);
	SEE(DepthRaised, DEPTH, A->HeldCount);
	SEE(NoUnit, FALSE, StorPortSetDeviceQueueDepth(A, 7, 0, 0, DEPTH));
	SEE(NoUnit, FALSE, StorPortPauseDevice(A, 7, 0, 0, 1));
	SEE(NoUnit, FALSE, StorPortResumeDevice(A, 7, 0, 0));
	SEE(NoUnit, FALSE, StorPortDeviceBusy(A, 7, 0, 0, 1));
	SEE(NoUnit, FALSE, StorPortDeviceReady(A, 7, 0, 0));
}

/* ---- busy and ready ---- */

typedef struct _GATE {
	BOOLEAN (*Close)(PCF_ADAPTER A, ULONG Count);
	BOOLEAN (*Open)(PCF_ADAPTER A);
	CF_FACT_ID Keeps, Opens;
} GATE;

static BOOLEAN Busy(PCF_ADAPTER A, ULONG Count)
{
	return StorPortBusy(A, Count);
}

static BOOLEAN Ready(PCF_ADAPTER A)
{
	return StorPortReady(A);
}

static BOOLEAN DeviceBusy(PCF_ADAPTER A, ULONG Count)
{
	return StorPortDeviceBusy(A, 0, 0, 0, Count);
}

static BOOLEAN DeviceReady(PCF_ADAPTER A)
{
	return StorPortDeviceReady(A, 0, 0, 0);
}

/* Busy(Count): nothing starts before `Due` are done; one fewer is not enough. */
static VOID BusyUntil(PCF_ADAPTER A, const GATE *Gate, ULONG Count, ULONG Due)
{
	LONG Started = A->Unit[0].Started;

	CfFact(&CfTable[Gate->Keeps], TRUE, Gate->Close(A, Count), __LINE__);
	Release(A, Due - 1);
	CfFact(&CfTable[Gate->Keeps], TRUE, IsDown(A, DEPTH - (LONG)Due + 1), __LINE__);
	CfSleep(A, WHILE);
	CfFact(&CfTable[Gate->Keeps], Started, A->Unit[0].Started, __LINE__);
	Release(A, 1);
	CfFact(&CfTable[Gate->Opens], TRUE, CfAwait(A, &A->Unit[0].Started, Started + 1, SOON),
		__LINE__);
	Refill(A);
}

static VOID BusyReady(PCF_ADAPTER A, const GATE *Gate)
{
	LONG Started = A->Unit[0].Started;

	Gate->Close(A, 100);
	Release(A, 2);
	IsDown(A, DEPTH - 2);
	CfSleep(A, WHILE);
	CfFact(&CfTable[Gate->Keeps], Started, A->Unit[0].Started, __LINE__);
	SEE(Ready, TRUE, Gate->Open(A));
	SEE(Ready, TRUE, CfAwait(A, &A->Unit[0].Started, Started + 2, SOON));
	Refill(A);
}

static VOID BusyScenes(PCF_ADAPTER A)
{
	static const GATE Gates[] = {{Busy, Ready, F_Busy, F_BusyEnds},
		{DeviceBusy, DeviceReady, F_DeviceBusy, F_DeviceBusyEnds}};

	for (ULONG n = 0; n < RTL_NUMBER_OF(Gates); n++) {
		BusyUntil(A, &Gates[n], 2, 2);
		BusyUntil(A, &Gates[n], 100, DEPTH); /* */
		BusyReady(A, &Gates[n]);
	}
}

/* ---- pause, resume, link ---- */

static BOOLEAN Pause(PCF_ADAPTER A, ULONG Seconds)
{
	return StorPortPause(A, Seconds);
}

static BOOLEAN Resume(PCF_ADAPTER A)
{
	return StorPortResume(A);
}

static BOOLEAN PauseDevice(PCF_ADAPTER A, ULONG Seconds)
{
	return StorPortPauseDevice(A, 0, 0, 0, Seconds);
}

static BOOLEAN ResumeDevice(PCF_ADAPTER A)
{
	return StorPortResumeDevice(A, 0, 0, 0);
}

static BOOLEAN Down(PCF_ADAPTER A, ULONG Seconds)
{
	StorPortNotification(LinkDown, A);
	return TRUE;
}

static BOOLEAN Up(PCF_ADAPTER A)
{
	StorPortNotification(LinkUp, A);
	return TRUE;
}

/* Closed, all outstanding ones are done, and nothing follows. */
static LONG Closed(PCF_ADAPTER A, const GATE *Gate, ULONG Seconds, ULONG While)
{
	LONG Started;

	CfFact(&CfTable[Gate->Keeps], TRUE, Gate->Close(A, Seconds), __LINE__);
	Started = A->Unit[0].Started;
	Release(A, DEPTH);
	CfFact(&CfTable[Gate->Keeps], TRUE, IsDown(A, 0), __LINE__);
	CfSleep(A, While);
	CfFact(&CfTable[Gate->Keeps], Started, A->Unit[0].Started, __LINE__);
	return Started;
}

static VOID PauseExpires(PCF_ADAPTER A, const GATE *Gate)
{
	ULONG64 Begin = CfNow(A), Passed;
	LONG Started = Closed(A, Gate, 1, 700);

	SEE(PauseEnds, TRUE, CfAwait(A, &A->Unit[0].Started, Started + 1, SOON));
	Passed = CfNow(A) - Begin;
	SEE_TRUE(PauseSeconds, Passed >= 1000000 && Passed < 1900000);
	Refill(A);
}

static VOID PauseScenes(PCF_ADAPTER A)
{
	static const GATE Gates[] = {{Pause, Resume, F_Pause, F_Resume},
		{PauseDevice, ResumeDevice, F_PauseDevice, F_ResumeDevice},
		{Down, Up, F_LinkDown, F_LinkUp}};

	for (ULONG n = 0; n < RTL_NUMBER_OF(Gates); n++) {
		LONG Started = Closed(A, &Gates[n], 60, WHILE);

		CfFact(&CfTable[Gates[n].Opens], TRUE, Gates[n].Open(A), __LINE__);
		CfFact(&CfTable[Gates[n].Opens], TRUE,
			CfAwait(A, &A->Unit[0].Started, Started + DEPTH, SOON), __LINE__);
		Refill(A);
	}
	PauseExpires(A, &Gates[0]);
	PauseExpires(A, &Gates[1]);
}

/* SB-15: the port lets the bus settle, then goes on by itself. */
static BOOLEAN Detected(PCF_ADAPTER A, ULONG Seconds)
{
	StorPortNotification(ResetDetected, A);
	return TRUE;
}

static VOID ResetScene(PCF_ADAPTER A)
{
	static const GATE Gate = {Detected, NULL, F_ResetDetected, F_ResetDetected};
	LONG Started = Closed(A, &Gate, 0, WHILE);

	SEE(ResetDetected, TRUE, CfAwait(A, &A->Unit[0].Started, Started + 1, 10000));
	Refill(A);
}

/* all that are out are the port's again, and others come. */
static VOID CompleteAll(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;

	CfLock(A, StartIoLock, &Lock);
	InterlockedExchangeAdd(&A->Unit[0].Outstanding, -A->HeldCount);
	InterlockedExchangeAdd(&A->Outstanding, -A->HeldCount);
	A->Held = NULL;
	A->HeldCount = 0;
	StorPortCompleteRequest(A, 0, 0, 0, SRB_STATUS_BUS_RESET);
	CfUnlock(A, &Lock);
	SEE(CompleteRequest, TRUE, CfAwait(A, &A->HeldCount, DEPTH, SOON));
}

/* A pause of unit 1 is no pause of unit 0; a scan gets stuck there, until it is resumed. */
static VOID OtherUnit(PCF_ADAPTER A)
{
	LONG Asked = A->Unit[1].Asked, First = A->Unit[0].Asked, Started = A->Unit[0].Started;

	SEE(PauseOther, TRUE, StorPortPauseDevice(A, 0, 0, 1, 60));
	StorPortNotification(BusChangeDetected, A, 0);
	for (ULONG n = 0; n < 30; n++) {
		Release(A, 2);
		CfSleep(A, 2);
	}
	SEE_TRUE(PauseOther, A->Unit[0].Started > Started);
	SEE_TRUE(BusChange, A->Unit[0].Asked > First);
	SEE(PauseOther, Asked, A->Unit[1].Asked);
	SEE(PauseOther, TRUE, StorPortResumeDevice(A, 0, 0, 1));
	SEE(BusChange, TRUE, CfAwait(A, &A->Unit[1].Asked, Asked + 1, SOON));
	Refill(A);
}

/* ---- sent back ---- */

static VOID Again(PCF_ADAPTER A)
{
	A->BusyNext = 3;
	for (ULONG n = 0; n < SOON && A->BusyNext != 0; n++) {
		/* One that came back waits for another to be done. */
		Release(A, A->BusySrb != NULL || A->HeldCount == A->Unit[0].Depth);
		CfSleep(A, 1);
	}
	SEE(AgainAll, 0, A->BusyNext);
	Refill(A);
}

VOID CfQueueScenes(PCF_ADAPTER A)
{
	Depth(A);
	BusyScenes(A);
	PauseScenes(A);
	ResetScene(A);
	CompleteAll(A);
	OtherUnit(A);
	Again(A);
	StorPortNotification(NextRequest, A);
	StorPortNotification(NextLuRequest, A, 0, 0, 0);
	CfSleep(A, WHILE);
	SEE(NextIgnored, A->Unit[0].Depth, A->HeldCount);
	A->IsHolding = FALSE;
	Release(A, DEPTH);
}

/* ---- the ladder ---- */

VOID CfLadderScene(PCF_ADAPTER A)
{
	LONG Started;

	CfViolates(0xdf000002, "was not completed within its 30 seconds");
	A->Ladder = 1;
	SEE(LadderDone, TRUE, CfAwait(A, &A->Ladder, 4, 60000));
	Started = A->Unit[0].Started;
	SEE(AfterReset, TRUE, CfAwait(A, &A->Unit[0].Started, Started + 1, SOON));
}
