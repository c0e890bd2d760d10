/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The system thread that plays the scenes. The workload's reads and writes for unit 0 are its
 * material: it keeps as many as the unit's depth lets through, and lets them go as a scene needs.
 * See conform.h.
 */
#include "conform.h"

VOID CfSleep(PCF_ADAPTER A, ULONG Milliseconds)
{
	SEE(Delay, STOR_STATUS_SUCCESS, StorPortDelayExecution(A, 1000 * Milliseconds));
}

BOOLEAN CfAwait(PCF_ADAPTER A, volatile LONG *Counter, LONG Value, ULONG Milliseconds)
{
	for (ULONG n = 0; n < Milliseconds && *Counter < Value && !A->IsEnding; n++)
		CfSleep(A, 1);
	return *Counter >= Value;
}

static VOID Play(PVOID Context)
{
	PCF_ADAPTER A = Context;

	/* From the first of them on: there is no waste, however late this thread is. */
	if (!CfAwait(A, &A->HeldCount, CF_DEPTH, 60000))
		return;
	CfRoutineScenes(A);
	CfTimeScenes(A);
	CfOwnScenes(A);
	CfQueueScenes(A);
	if (A->Machine & CF_REPLAY) /* a time-out takes 30 seconds: of the virtual clock */
		CfLadderScene(A);
	InterlockedExchange(&A->IsFinished, 1);
}

BOOLEAN CfScriptStart(PCF_ADAPTER A)
{
	PVOID Thread;

	A->IsHolding = TRUE;
	return SEE(ThreadMade, STOR_STATUS_SUCCESS,
		StorPortCreateSystemThread(A, Play, A, NULL, &Thread));
}
