/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Asynchronous events (NVMe 1.4, 5.2): the controller holds a request until it has something to
 * say. The log page that an event names is read, which lets the next one come.
 */
#include "nvme.h"

static VOID NvmeLogRead(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	NvmeListen(Adapter);
}

static VOID NvmeEventCame(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	PNVME_REQUEST Log = &Adapter->ErrorLog;

	/* refused, or aborted: whoever did that does not want another */
	if (NVME_STATUS(Done) != NVME_SUCCESS)
		return;
	StorPortDebugPrint(0, "nvme: asynchronous event %08x\n", Done->Result);
	RtlZeroMemory(Log, sizeof(*Log));
	Log->Done = NvmeLogRead;
	Log->Command.Opcode = NVME_ADMIN_GET_LOG;
	Log->Command.Nsid = NVME_NSID_ALL;
	Log->Command.Prp1 = Adapter->PageAddress;
	/* its first entry, the newest, is enough */
	Log->Command.Dword10 = NVME_LOG(Done->Result >> 16 & 0xFF, 64);
	NvmeQueueSubmit(Adapter, &Adapter->Admin, Log);
}

VOID NvmeListen(PNVME_ADAPTER Adapter)
{
	PNVME_REQUEST Event = &Adapter->Event;

	RtlZeroMemory(Event, sizeof(*Event));
	Event->Done = NvmeEventCame;
	Event->Command.Opcode = NVME_ADMIN_ASYNC_EVENT;
	NvmeQueueSubmit(Adapter, &Adapter->Admin, Event);
}
