/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One pair of queues (NVMe 1.4, 4.1): commands go in at the tail under the queue's lock,
 * completions come out at the head, new ones known by their phase. An identifier of a command is
 * the place of its request in Active.
 */
#include "nvme.h"

ULONG NvmeQueueBytes(VOID)
{
	return NVME_ENTRIES * (sizeof(NVME_COMMAND) + sizeof(NVME_COMPLETION));
}

VOID NvmeQueuePlace(PNVME_QUEUE Queue, USHORT Id, PUCHAR Memory)
{
	Queue->Id = Id;
	Queue->Commands = (PNVME_COMMAND)Memory;
	Queue->Completions = (PVOID)(Memory + NVME_ENTRIES * sizeof(NVME_COMMAND));
}

/* For what may come before there are DPCs, and with them locks: then we are alone. */
static VOID NvmeQueueLock(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PSTOR_LOCK_HANDLE Lock)
{
	if (Adapter->HasDpcs)
		StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, Lock);
}

static VOID NvmeQueueUnlock(PNVME_ADAPTER Adapter, PSTOR_LOCK_HANDLE Lock)
{
	if (Adapter->HasDpcs)
		StorPortReleaseSpinLock(Adapter, Lock);
}

/* Empty, as the controller's own side is after it was enabled or the queue created. */
VOID NvmeQueueReset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Entries)
{
	ULONG Stride = NVME_CAP_STRIDE(Adapter->Cap);
	PUCHAR Doorbells = (PUCHAR)Adapter->Registers + NVME_DOORBELLS;
	STOR_LOCK_HANDLE Lock;

	/* a DPC that is late may still look at the queue */
	NvmeQueueLock(Adapter, Queue, &Lock);
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
	NvmeQueueUnlock(Adapter, &Lock);
}

/* Under the queue's lock. */
static VOID NvmeQueuePut(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_COMMAND Command)
{
	Queue->Commands[Queue->Tail] = *Command;
	Queue->Tail = (USHORT)(Queue->Tail + 1 == Queue->Entries ? 0 : Queue->Tail + 1);
	/* A register write never overtakes the writes to memory before it. */
	StorPortWriteRegisterUlong(Adapter, Queue->TailDoorbell, Queue->Tail);
}

/* FALSE if the queue is full. */
BOOLEAN NvmeQueueSubmit(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request)
{
	STOR_LOCK_HANDLE Lock;
	BOOLEAN Room;

	StorPortAcquireSpinLock(Adapter, DpcLock, &Queue->Dpc, &Lock);
	Room = Queue->FreeCount != 0;
	if (Room) {
		Request->Command.Cid = Queue->Free[--Queue->FreeCount];
		Queue->Active[Request->Command.Cid] = Request;
		NvmeQueuePut(Adapter, Queue, &Request->Command);
	}
	StorPortReleaseSpinLock(Adapter, &Lock);
	return Room;
}

VOID NvmeQueueAdmin(PNVME_ADAPTER Adapter, PNVME_COMMAND Command, USHORT Cid)
{
	STOR_LOCK_HANDLE Lock;

	Command->Cid = Cid;
	NvmeQueueLock(Adapter, &Adapter->Admin, &Lock);
	NvmeQueuePut(Adapter, &Adapter->Admin, Command);
	NvmeQueueUnlock(Adapter, &Lock);
}

BOOLEAN NvmeQueueHasNews(PNVME_QUEUE Queue)
{
	return (Queue->Completions[Queue->Head].Status & 1) == Queue->Phase;
}

/*
 * The next completion, and whose it is; FALSE if there is none. Under the queue's lock. A command
 * that nobody waits for means that the controller and we disagree about what memory is its own:
 * nothing is safe then.
 */
static BOOLEAN NvmeQueueTake(
	PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, NVME_COMPLETION *Done, PNVME_REQUEST *Request)
{
	USHORT Cid;

	if (!NvmeQueueHasNews(Queue))
		return FALSE;
	KeMemoryBarrier(); /* the phase first, then the rest */
	*Done = *(NVME_COMPLETION *)&Queue->Completions[Queue->Head];
	if (++Queue->Head == Queue->Entries) {
		Queue->Head = 0;
		Queue->Phase ^= 1;
	}
	*Request = NULL;
	if (Queue->Id == 0)
		return TRUE;
	Cid = Done->Cid;
	if (Cid >= Queue->Entries || Queue->Active[Cid] == NULL)
		KeBugCheckEx(0xE0004E56, Queue->Id, Cid, Done->Status, (ULONG_PTR)Adapter);
	*Request = Queue->Active[Cid];
	Queue->Active[Cid] = NULL;
	Queue->Free[Queue->FreeCount++] = Cid;
	return TRUE;
}

static VOID NvmeAdminDone(PNVME_ADAPTER Adapter, NVME_COMPLETION *Done)
{
	if (Done->Cid == NVME_CID_SYNC) {
		Adapter->Sync = *Done;
		InterlockedExchange(&Adapter->SyncDone, TRUE);
	} else {
		NvmeEvent(Adapter, Done);
	}
}

/* All completions that are there. At DISPATCH_LEVEL or below, no lock held. */
VOID NvmeQueueDrain(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	STOR_LOCK_HANDLE Lock;
	NVME_COMPLETION Done;
	PNVME_REQUEST Request;
	BOOLEAN More;

	for (;;) {
		NvmeQueueLock(Adapter, Queue, &Lock);
		More = NvmeQueueTake(Adapter, Queue, &Done, &Request);
		if (More)
			StorPortWriteRegisterUlong(Adapter, Queue->HeadDoorbell, Queue->Head);
		NvmeQueueUnlock(Adapter, &Lock);
		if (!More)
			return;
		if (Request != NULL)
			NvmeFinish(Adapter, Request, &Done);
		else
			NvmeAdminDone(Adapter, &Done);
	}
}

/* The controller is disabled and touches no memory any more: what it had is completed. */
VOID NvmeQueueAbandon(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, UCHAR SrbStatus)
{
	for (USHORT Cid = 0; Cid < NVME_ENTRIES; Cid++) {
		PNVME_REQUEST Request = Queue->Active[Cid];

		Queue->Active[Cid] = NULL;
		if (Request != NULL)
			NvmeComplete(Adapter, Request->Srb, SrbStatus);
	}
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
