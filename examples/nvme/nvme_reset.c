/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The first rungs of the ladder after a time-out: reset of a logical unit, of the target. NVMe has
 * no reset of a namespace, so its commands are aborted, one after the other (NVMe 1.4, 5.1), which
 * leaves other units alone and waits for nothing here. Where that does not help the port goes on to
 * NvmeResetBus.
 */
#include "nvme.h"

static VOID NvmeAborted(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done);

/* Aborts the next command, or ends. One after the other, so no lock is needed. */
static VOID NvmeResetNext(PNVME_ADAPTER Adapter)
{
	NVME_RESET *Reset = &Adapter->Reset;

	for (; Reset->Queue < Adapter->QueueCount; Reset->Queue++, Reset->Place = 0) {
		PNVME_QUEUE Queue = &Adapter->Queues[Reset->Queue];

		Reset->Place =
			NvmeQueueFind(Adapter, Queue, Reset->Place, Reset->Nsid, &Reset->Cid);
		if (Reset->Place == Queue->Entries)
			continue;
		RtlZeroMemory(&Reset->Abort, sizeof(Reset->Abort));
		Reset->Abort.Done = NvmeAborted;
		Reset->Abort.Command.Opcode = NVME_ADMIN_ABORT;
		Reset->Abort.Command.Dword10 = (ULONG)Reset->Cid << 16 | Queue->Id;
		if (!NvmeQueueSubmit(Adapter, &Adapter->Admin, &Reset->Abort))
			NvmeResetEnd(Adapter, SRB_STATUS_ERROR);
		return;
	}
	NvmeResetEnd(Adapter, Reset->HasFailed ? SRB_STATUS_ERROR : SRB_STATUS_SUCCESS);
}

/* The completion of what was aborted comes by its own queue. */
static VOID NvmeAborted(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	NVME_RESET *Reset = &Adapter->Reset;
	PNVME_QUEUE Queue = &Adapter->Queues[Reset->Queue];
	USHORT Cid;

	/* not aborted: it may have been done meanwhile, or else we still have it */
	if (NVME_STATUS(Done) != NVME_SUCCESS || Done->Result & NVME_NOT_ABORTED) {
		NvmeQueueDrain(Adapter, Queue);
		if (NvmeQueueFind(Adapter, Queue, Reset->Place, Reset->Nsid, &Cid) ==
				Reset->Place &&
			Cid == Reset->Cid)
			Reset->HasFailed = TRUE;
	}
	Reset->Place++;
	NvmeResetNext(Adapter);
}

VOID NvmeReset(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
	NVME_RESET *Reset = &Adapter->Reset;
	PNVME_SRB Own = SrbGetMiniportContext(Srb);
	BOOLEAN IsUnit = SrbGetSrbFunction(Srb) == SRB_FUNCTION_RESET_LOGICAL_UNIT;

	if (InterlockedCompareExchangePointer(&Reset->Srb, Srb, NULL) != NULL) {
		NvmeComplete(Adapter, Srb, SRB_STATUS_BUSY); /* one at a time */
		return;
	}
	Reset->Nsid = IsUnit ? Own->Request.Command.Nsid : NVME_NSID_ALL;
	Reset->Queue = 0;
	Reset->Place = 0;
	Reset->HasFailed = FALSE;
	/* Perhaps it was only the interrupt that got lost. */
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueDrain(Adapter, &Adapter->Queues[i]);
	NvmeResetNext(Adapter);
}

/* Whoever comes first completes the reset: its last abort, or NvmeResetBus. */
VOID NvmeResetEnd(PNVME_ADAPTER Adapter, UCHAR SrbStatus)
{
	PSCSI_REQUEST_BLOCK Srb = InterlockedExchangePointer(&Adapter->Reset.Srb, NULL);

	if (Srb != NULL)
		NvmeComplete(Adapter, Srb, SrbStatus);
}
