/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One pair of queues (NVMe 1.4, 4.1): commands go in at the tail, completions come out at the head,
 * new ones known by their phase, both under the queue's lock. The lower byte of a command's
 * identifier is the place of its request in Active; the upper one tells it from those that were
 * there before, should the controller say twice that one is done. The admin queue is a queue like
 * the others.
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

/* 3.1.24, 3.1.25: of the queue's doorbells, also in memory */
static ULONG NvmeTailOffset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	return 2 * Queue->Id * NVME_CAP_STRIDE(Adapter->Cap);
}

static ULONG NvmeHeadOffset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	return (2 * Queue->Id + 1) * NVME_CAP_STRIDE(Adapter->Cap);
}

/* Empty, as the controller's own side is after it was enabled or the queue created. The queue is
 * closed. */
VOID NvmeQueueReset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Entries)
{
	PUCHAR Doorbells = (PUCHAR)Adapter->Registers + NVME_DOORBELLS;

	Queue->Entries = Entries;
	Queue->Tail = Queue->Head = 0;
	Queue->Phase = 1;
	RtlZeroMemory(&Queue->TailDoorbell, sizeof(Queue->TailDoorbell));
	RtlZeroMemory(&Queue->HeadDoorbell, sizeof(Queue->HeadDoorbell));
	Queue->TailDoorbell.Register = (PULONG)(Doorbells + NvmeTailOffset(Adapter, Queue));
	Queue->HeadDoorbell.Register = (PULONG)(Doorbells + NvmeHeadOffset(Adapter, Queue));
	/* one entry always stays free, else full would look like empty */
	Queue->FreeCount = Entries - 1;
	for (USHORT i = 0; i < Queue->FreeCount; i++)
		Queue->Free[i] = i;
	RtlZeroMemory(Queue->Active, sizeof(Queue->Active));
	RtlZeroMemory((PVOID)Queue->Completions, Entries * sizeof(NVME_COMPLETION));
}

/* The controller looks into the memory too from now on. The queue is closed, and still empty. */
VOID NvmeQueueShadow(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	PUCHAR Tail = Adapter->Shadow + NvmeTailOffset(Adapter, Queue);
	PUCHAR Head = Adapter->Shadow + NvmeHeadOffset(Adapter, Queue);

	Queue->TailDoorbell.Shadow = (PULONG)Tail;
	Queue->TailDoorbell.EventIndex = (PULONG)(Tail + NVME_PAGE);
	Queue->HeadDoorbell.Shadow = (PULONG)Head;
	Queue->HeadDoorbell.EventIndex = (PULONG)(Head + NVME_PAGE);
}

/* Under the queue's lock, or where it is closed. */
static VOID NvmeRing(PNVME_ADAPTER Adapter, PNVME_DOORBELL Doorbell, USHORT Value)
{
	USHORT Told;

	if (Doorbell->Shadow != NULL) {
		Told = (USHORT)*Doorbell->Shadow;
		KeMemoryBarrier(); /* what is in the queue first, */
		*Doorbell->Shadow = Value;
		KeMemoryBarrier(); /* then the value, then a look whether it will be seen */
		/* that it asks for a value which we have not gone past: it is at work, and looks */
		if ((USHORT)(Value - (USHORT)*Doorbell->EventIndex - 1) >= (USHORT)(Value - Told))
			return;
	}
	/* A register write never overtakes the writes to memory before it. */
	StorPortWriteRegisterUlong(Adapter, Doorbell->Register, Value);
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
	USHORT Place = Queue->Free[--Queue->FreeCount], Cid = (USHORT)(++Queue->Turn << 8 | Place);
	USHORT Tail = Queue->Tail, Next = Tail + 1 == Queue->Entries ? 0 : Tail + 1;
	PNVME_COMMAND Command = &Queue->Commands[Tail];

	Queue->Active[Place] = Request;
	Queue->Tail = Next;
	/* the identifier last: who copies what he has just written a part of waits for that */
	*Command = Request->Command;
	Command->Cid = Request->Command.Cid = Cid;
	NvmeRing(Adapter, &Queue->TailDoorbell, Next);
}

FORCEINLINE BOOLEAN NvmeQueueTry(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request)
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

/* FALSE if the queue is full or closed. */
BOOLEAN NvmeQueueSubmit(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request)
{
	return NvmeQueueTry(Adapter, Queue, Request);
}

/* To the queue of this processor. Where its message interrupts is the system's business: its DPC
 * may run on another processor, and a processor beyond the last queue shares one; hence the lock.
 */
BOOLEAN NvmeQueueSubmitHere(PNVME_ADAPTER Adapter, PNVME_REQUEST Request)
{
	PNVME_QUEUE Queue = Adapter->Queues;
	PROCESSOR_NUMBER Here;

	if (Adapter->QueueCount != 1) {
		StorPortGetCurrentProcessorNumber(Adapter, &Here);
		Queue += Here.Number % Adapter->QueueCount;
	}
	return NvmeQueueTry(Adapter, Queue, Request);
}

/* ---- completion ---- */

BOOLEAN NvmeQueueHasNews(PNVME_QUEUE Queue)
{
	return (Queue->Completions[Queue->Head].Status & 1) == Queue->Phase;
}

/* The controller says that something is done which it does not have: that is passed over, and who
 * misses a completion has a time-out. */
static DECLSPEC_NOINLINE VOID NvmeQueueStray(PNVME_QUEUE Queue, USHORT Cid)
{
	StorPortDebugPrint(0,
		"nvme: command %04x of queue %u, which is not the controller's, is said to be "
		"done\n",
		Cid, Queue->Id);
}

/* The next completion; FALSE if there is none. Under the queue's lock. *Request: whose it is; NULL:
 * of nobody, and nobody's memory is touched on its account. */
FORCEINLINE BOOLEAN NvmeQueueTake(PNVME_QUEUE Queue, PNVME_COMPLETION Done, PNVME_REQUEST *Request)
{
	volatile NVME_COMPLETION *Entry = &Queue->Completions[Queue->Head];
	UCHAR Place;

	/* Cid and Status are one LONG: the phase in it first, then the rest. */
	if ((ReadAcquire((volatile LONG *)&Entry->Cid) >> 16 & 1) != Queue->Phase)
		return FALSE;
	*Done = *(PNVME_COMPLETION)Entry;
	if (++Queue->Head == Queue->Entries) {
		Queue->Head = 0;
		Queue->Phase ^= 1;
	}
	Place = (UCHAR)Done->Cid;
	*Request = Queue->Active[Place];
	if (*Request == NULL || (*Request)->Command.Cid != Done->Cid) {
		NvmeQueueStray(Queue, Done->Cid);
		*Request = NULL;
		return TRUE;
	}
	Queue->Active[Place] = NULL;
	Queue->Free[Queue->FreeCount++] = Place;
	return TRUE;
}

/* All completions that are there, each to its request. FALSE if the queue is closed. No lock is
 * held. */
BOOLEAN NvmeQueueDrain(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	NVME_COMPLETION Done[NVME_BATCH];
	PNVME_REQUEST Requests[NVME_BATCH];
	STOR_LOCK_HANDLE Lock;
	USHORT Head;
	ULONG Count;
	BOOLEAN Open;

	do {
		StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
		Open = Queue->Open;
		Count = 0;
		if (Open) { /* else a reset is at work on it, which takes no lock */
			Head = Queue->Head;
			while (Count < NVME_BATCH &&
				NvmeQueueTake(Queue, &Done[Count], &Requests[Count]))
				Count += Requests[Count] != NULL;
			if (Queue->Head != Head)
				NvmeRing(Adapter, &Queue->HeadDoorbell, Queue->Head);
		}
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
		if (NvmeQueueTake(Queue, &Done, &Answered) && Answered != NULL) {
			NvmeRing(Adapter, &Queue->HeadDoorbell, Queue->Head);
			if (Result != NULL)
				*Result = Done.Result;
			return NVME_STATUS(&Done) == NVME_SUCCESS;
		}
		StorPortStallExecution(10);
	}
	Queue->Active[(UCHAR)Request.Command.Cid] = NULL; /* our stack */
	return FALSE;
}

/* The controller is disabled and touches no memory any more: what it had is completed. The driver's
 * own requests end without a word. */
VOID NvmeQueueAbandon(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, UCHAR SrbStatus)
{
	for (USHORT Place = 0; Place < NVME_ENTRIES; Place++) {
		PNVME_REQUEST Request = Queue->Active[Place];

		Queue->Active[Place] = NULL;
		if (Request != NULL && Request->Srb != NULL)
			NvmeComplete(Adapter, Request->Srb, SrbStatus);
	}
}

/* ---- which ---- */

/* The first command from this place on that the controller has for the namespace, and its
 * identifier; the queue's Entries if there is none. */
USHORT NvmeQueueFind(
	PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Place, ULONG Nsid, PUSHORT Cid)
{
	STOR_LOCK_HANDLE Lock;

	StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
	for (; Place < Queue->Entries; Place++) {
		PNVME_REQUEST Request = Queue->Active[Place];

		if (Request != NULL && (Nsid == NVME_NSID_ALL || Request->Command.Nsid == Nsid)) {
			*Cid = Request->Command.Cid;
			break;
		}
	}
	StorPortReleaseSpinLock(Adapter, &Lock);
	return Place;
}
