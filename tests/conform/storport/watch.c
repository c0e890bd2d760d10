/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What holds at each callback: 4.2's matrix. That a lock is held shows in that nobody else who has
 * it, or takes it, is between Enter and Leave at the same time; that it is not held, in that it can
 * be taken. See conform.h.
 */
#include "conform.h"

/* What is no fact of life.c's is for machines with scenes. */
#define WHERE(Where) ((Where) & (CF_LIFE | CF_AGAIN) ? (Where) : (Where) | CF_SCENES)

CF_FACT CfTable[F_COUNT] = {
#define F(Id, Where, Number, What) [F_##Id] = {Number, What, WHERE(Where), 0, 0},
#include "facts.h"
#undef F
};

ULONG64 CfNow(PCF_ADAPTER A)
{
	LARGE_INTEGER Frequency, Counter;

	StorPortQueryPerformanceCounter(A, &Frequency, &Counter);
	return (ULONG64)Counter.QuadPart / (ULONG64)Frequency.QuadPart * 1000000 +
	       (ULONG64)Counter.QuadPart % (ULONG64)Frequency.QuadPart * 1000000 /
		       (ULONG64)Frequency.QuadPart;
}

/* ---- who is where ---- */

VOID CfEnterStartIo(PCF_ADAPTER A)
{
	SEE(StartIoLock, 1, InterlockedIncrement(&A->InStartIoLock));
	InterlockedIncrement(&A->StartIoEntered);
	SEE_TRUE(Stopped, A->Life < LIFE_STOPPED);
}

VOID CfLeaveStartIo(PCF_ADAPTER A)
{
	InterlockedDecrement(&A->InStartIoLock);
}

static ULONG First(ULONG Message)
{
	return Message == (ULONG)-1 ? 0 : Message;
}

static ULONG End(PCF_ADAPTER A, ULONG Message)
{
	return Message == (ULONG)-1 ? max(A->Messages, 1) : Message + 1;
}

VOID CfEnterInterrupt(PCF_ADAPTER A, ULONG Message)
{
	for (ULONG n = First(Message); n < End(A, Message); n++)
		SEE(InterruptLock, 1, InterlockedIncrement(&A->InMessage[n]));
}

VOID CfLeaveInterrupt(PCF_ADAPTER A, ULONG Message)
{
	for (ULONG n = First(Message); n < End(A, Message); n++)
		InterlockedDecrement(&A->InMessage[n]);
}

VOID CfEnterCallback(PCF_ADAPTER A, CF_FACT_ID Irql)
{
	CfFact(&CfTable[Irql], IS_HALF(A) ? A->Dirql : DISPATCH_LEVEL, KeGetCurrentIrql(),
		__LINE__);
	CfEnterStartIo(A);
	if (IS_HALF(A))
		CfEnterInterrupt(A, (ULONG)-1);
	StorPortStallExecution(1); /* a safepoint: who can come between does */
}

VOID CfLeaveCallback(PCF_ADAPTER A)
{
	if (IS_HALF(A))
		CfLeaveInterrupt(A, (ULONG)-1);
	CfLeaveStartIo(A);
}

VOID CfMeet(PCF_ADAPTER A, volatile LONG *There, CF_FACT_ID Fact)
{
	InterlockedIncrement(There);
	for (ULONG n = 0; n < 40 && !CfTable[Fact].IsSeen; n++) {
		if (*There > 1)
			CfFact(&CfTable[Fact], TRUE, TRUE, __LINE__);
		else
			StorPortStallExecution(5);
	}
	InterlockedDecrement(There);
}

/* ---- locks ---- */

VOID CfLock(PCF_ADAPTER A, STOR_SPINLOCK Kind, PSTOR_LOCK_HANDLE Handle)
{
	StorPortAcquireSpinLock(A, Kind, Kind == DpcLock ? &A->Dpc : NULL, Handle);
	SEE(LockIrql, Kind == InterruptLock ? A->Dirql : DISPATCH_LEVEL, KeGetCurrentIrql());
	if (Kind == StartIoLock)
		CfEnterStartIo(A);
	else if (Kind == InterruptLock)
		CfEnterInterrupt(A, (ULONG)-1);
	else
		SEE(DpcLock, 1, InterlockedIncrement(&A->InDpcLock));
	StorPortStallExecution(1);
}

VOID CfUnlock(PCF_ADAPTER A, PSTOR_LOCK_HANDLE Handle)
{
	if (Handle->Lock == StartIoLock)
		CfLeaveStartIo(A);
	else if (Handle->Lock == InterruptLock)
		CfLeaveInterrupt(A, (ULONG)-1);
	else
		InterlockedDecrement(&A->InDpcLock);
	StorPortReleaseSpinLock(A, Handle);
}

/* LK-1: the interrupt lock may be taken with either of the others. */
static VOID Nested(PCF_ADAPTER A, STOR_SPINLOCK Outer)
{
	STOR_LOCK_HANDLE First, Second;
	KIRQL Irql = KeGetCurrentIrql();

	CfLock(A, Outer, &First);
	CfLock(A, InterruptLock, &Second);
	CfUnlock(A, &Second);
	SEE(Order, DISPATCH_LEVEL, KeGetCurrentIrql());
	CfUnlock(A, &First);
	SEE(Order, Irql, KeGetCurrentIrql());
}

VOID CfTryLocks(PCF_ADAPTER A, BOOLEAN Dpc, BOOLEAN StartIo, BOOLEAN Interrupt)
{
	STOR_LOCK_HANDLE Lock;
	KIRQL Irql = KeGetCurrentIrql();

	if (Dpc)
		Nested(A, DpcLock);
	if (StartIo)
		Nested(A, StartIoLock);
	if (Interrupt) {
		CfLock(A, InterruptLock, &Lock);
		CfUnlock(A, &Lock);
	}
	SEE(LockBack, Irql, KeGetCurrentIrql());
}
