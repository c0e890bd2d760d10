/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Interrupts: the service routine only asks for the queue's DPC, which drains it. Where each queue
 * has a message of its own they know nothing of each other; else the admin queue's DPC drains both
 * queues, and with the line the controller is kept quiet meanwhile.
 */
#include "nvme.h"

BOOLEAN NvmeMessage(PVOID Extension, ULONG MessageId)
{
	PNVME_ADAPTER Adapter = Extension;
	PNVME_QUEUE Queue = &Adapter->Admin;

	/* before there are DPCs, what came is looked for by who waits for it */
	if (!Adapter->HasDpcs)
		return TRUE;
	if (MessageId > Adapter->QueueCount)
		return FALSE;
	if (MessageId > 0 && Adapter->PerMessage)
		Queue = &Adapter->Queues[MessageId - 1];
	StorPortIssueDpc(Adapter, &Queue->Dpc, Queue, NULL);
	return TRUE;
}

BOOLEAN NvmeInterrupt(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;

	if (!Adapter->HasDpcs) {
		StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskSet, 1);
		return TRUE;
	}
	if (!NvmeQueueHasNews(&Adapter->Admin) &&
		!(Adapter->QueueCount && NvmeQueueHasNews(&Adapter->Queues[0])))
		return FALSE; /* another device on the same line */
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskSet, 1);
	StorPortIssueDpc(Adapter, &Adapter->Admin.Dpc, &Adapter->Admin, NULL);
	return TRUE;
}

VOID NvmeDpc(PSTOR_DPC Dpc, PVOID Extension, PVOID Queue, PVOID Unused)
{
	PNVME_ADAPTER Adapter = Extension;

	if (!Adapter->Running && Queue != &Adapter->Admin)
		return; /* a reset is under way: it completes all itself */
	NvmeQueueDrain(Adapter, Queue);
	if (Adapter->PerMessage)
		return;
	if (Adapter->Running)
		NvmeQueueDrain(Adapter, &Adapter->Queues[0]);
	if (Adapter->Messages == 0)
		StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskClear, 1);
}
