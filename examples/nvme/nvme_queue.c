/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One pair of queues (NVMe 1.4, 4.1): commands go in at the tail, completions come out at the head,
 * new ones known by their phase, both under the queue's lock. An identifier of a command is the
 * place of its request in Active. The admin queue is a queue like the others.
 */
#include "nvme.h"

#define NVME_BATCH 16 /* completions that are taken at once */

/* Whole pages each. */
static ULONG NvmeCommandBytes(ULONG Entries)
{
	return (ULONG)ROUND_TO_PAGES(Entries * sizeof(NVME_COMMAND));
}

ULONG NvmeQueueBytes(ULONG Entries)
{
	return NvmeCommandBytes(Entries) + (ULONG)ROUND_TO_PAGES(Entries * sizeof(NVME_COMPLETION));
}

VOID NvmeQueuePlace(PNVME_QUEUE Queue, USHORT Id, PUCHAR Memory, ULONG Entries)
{
	Queue->Id = Id;
	Queue->Commands = (PNVME_COMMAND)Memory;
	Queue->Completions = (PVOID)(Memory + NvmeCommandBytes(Entries));
}

/* Empty, as the controller's own side is after it was enabled or the queue created. The queue is
 * closed. */
VOID NvmeQueueReset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Entries)
{
	ULONG Stride = NVME_CAP_STRIDE(Adapter->Cap);
	PUCHAR Doorbells = (PUCHAR)Adapter->Registers + NVME_DOORBELLS;

	Queue->Entries = Entries;
	Queue->Tail = Queue->Head = 0;
	Queue->Phase = 1;
	Queue->TailDoorbell = (PULONG)(Doorbells + 2 * Queue->Id * Stride);
	Queue->HeadDoorbell = (PULONG)(Doorbells + (2 * Queue->Id + 1) * Stride);
	/* one entry always stays free, else full would look like empty */
	Queue->FreeCount = Entries - 1;
	for (USHORT i = 0; i < Queue->FreeCount; i++)
		Queue->Free[i] = i;
	RtlZeroMemory(Queue->Active, sizeof(Queue->Active));
	RtlZeroMemory((PVOID)Queue->Completions, Entries * sizeof(NVME_COMPLETION));
}

/* Once it is closed, whoever was in the queue has left it, and nobody comes. */
VOID NvmeQueueOpen(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, BOOLEAN Open)
{
	STOR_LOCK_HANDLE Lock;

	StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
	Queue->Open = Open;
	StorPortReleaseSpinLock(Adapter, &Lock);
}

/* ---- submission ---- */

/* Under the queue's lock, or where it is closed. There is a free identifier. */
static VOID NvmeQueuePut(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request)
{
	Request->Command.Cid = Queue->Free[--Queue->FreeCount];
	Queue->Active[Request->Command.Cid] = Request;
	Queue->Commands[Queue->Tail] = Request->Command;
	Queue->Tail = (USHORT)(Queue->Tail + 1 == Queue->Entries ? 0 : Queue->Tail + 1);
	/* A register write never overtakes the writes to memory before it. */
	StorPortWriteRegisterUlong(Adapter, Queue->TailDoorbell, Queue->Tail);
}

/* FALSE if the queue is full or closed. */
BOOLEAN NvmeQueueSubmit(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request)
{
	STOR_LOCK_HANDLE Lock;
	BOOLEAN Goes;

	StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
	Goes = Queue->Open && Queue->FreeCount != 0;
	if (Goes)
		NvmeQueuePut(Adapter, Queue, Request);
	StorPortReleaseSpinLock(Adapter, &Lock);
	return Goes;
}

/* ---- completion ---- */

BOOLEAN NvmeQueueHasNews(PNVME_QUEUE Queue)
{
	return (Queue->Completions[Queue->Head].Status & 1) == Queue->Phase;
}

/*
 * The next completion, and whose it is; FALSE if there is none. Under the queue's lock. A command
 * that nobody waits for means that the controller and we disagree about what memory is its own:
 * nothing is safe then.
 */
static BOOLEAN NvmeQueueTake(PNVME_QUEUE Queue, PNVME_COMPLETION Done, PNVME_REQUEST *Request)
{
	USHORT Cid;

	if (!NvmeQueueHasNews(Queue))
		return FALSE;
	KeMemoryBarrier(); /* the phase first, then the rest */
	*Done = *(PNVME_COMPLETION)&Queue->Completions[Queue->Head];
	if (++Queue->Head == Queue->Entries) {
		Queue->Head = 0;
		Queue->Phase ^= 1;
	}
	Cid = Done->Cid;
	if (Cid >= Queue->Entries || Queue->Active[Cid] == NULL)
		KeBugCheckEx(0xE0004E56, Queue->Id, Cid, Done->Status, (ULONG_PTR)Queue);
	*Request = Queue->Active[Cid];
	Queue->Active[Cid] = NULL;
	Queue->Free[Queue->FreeCount++] = Cid;
	return TRUE;
}

/* All completions that are there, each to its request. FALSE if the queue is closed. No lock is
 * held. */
BOOLEAN NvmeQueueDrain(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	NVME_COMPLETION Done[NVME_BATCH];
	PNVME_REQUEST Requests[NVME_BATCH];
	STOR_LOCK_HANDLE Lock;
	ULONG Count;
	BOOLEAN Open;

	do {
		StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
		Open = Queue->Open;
		Count = 0;
		while (Open && Count < NVME_BATCH &&
			NvmeQueueTake(Queue, &Done[Count], &Requests[Count]))
			Count++;
		if (Count)
			StorPortWriteRegisterUlong(Adapter, Queue->HeadDoorbell, Queue->Head);
		StorPortReleaseSpinLock(Adapter, &Lock);
		for (ULONG i = 0; i < Count; i++)
			Requests[i]->Done(Adapter, Requests[i], &Done[i]);
	} while (Count == NVME_BATCH);
	return Open;
}

/* ---- a closed queue ---- */

/* One command, and what it brings; FALSE if it failed or was not answered within five seconds. */
BOOLEAN NvmeQueueAsk(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_COMMAND Command, PULONG Result)
{
	NVME_REQUEST Request = {.Command = *Command};
	PNVME_REQUEST Answered;
	NVME_COMPLETION Done;

	NvmeQueuePut(Adapter, Queue, &Request);
	for (ULONG i = 0; i < 500000; i++) {
		if (NvmeQueueTake(Queue, &Done, &Answered)) {
			StorPortWriteRegisterUlong(Adapter, Queue->HeadDoorbell, Queue->Head);
			if (Result != NULL)
				*Result = Done.Result;
			return NVME_STATUS(&Done) == NVME_SUCCESS;
		}
		StorPortStallExecution(10);
	}
	Queue->Active[Request.Command.Cid] = NULL; /* our stack */
	return FALSE;
}

/* The controller is disabled and touches no memory any more: what it had is completed. The driver's
 * own requests end without a word. */
VOID NvmeQueueAbandon(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, UCHAR SrbStatus)
{
	for (USHORT Cid = 0; Cid < NVME_ENTRIES; Cid++) {
		PNVME_REQUEST Request = Queue->Active[Cid];

		Queue->Active[Cid] = NULL;
		if (Request != NULL && Request->Srb != NULL)
			NvmeComplete(Adapter, Request->Srb, SrbStatus);
	}
}

/* ---- which ---- */

/* The first command from this identifier on that the controller has for the namespace; the queue's
 * Entries if there is none. */
USHORT NvmeQueueFind(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Cid, ULONG Nsid)
{
	STOR_LOCK_HANDLE Lock;

	StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
	for (; Cid < Queue->Entries; Cid++)
		if (Queue->Active[Cid] != NULL &&
			(Nsid == NVME_NSID_ALL || Queue->Active[Cid]->Command.Nsid == Nsid))
			break;
	StorPortReleaseSpinLock(Adapter, &Lock);
	return Cid;
}

/* The queue of this processor. Where its message interrupts is the system's business: its DPC may
 * run on another processor, and a processor beyond the last queue shares one; hence the lock. */
PNVME_QUEUE NvmeQueueHere(PNVME_ADAPTER Adapter)
{
	PROCESSOR_NUMBER Here;

	if (Adapter->QueueCount == 1)
		return &Adapter->Queues[0];
	StorPortGetCurrentProcessorNumber(Adapter, &Here);
	return &Adapter->Queues[Here.Number % Adapter->QueueCount];
}
