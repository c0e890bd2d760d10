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

	/* what came for the probe, before there are DPCs, or while the controller starts: whoever
	 * waits looks for it */
	if (!Adapter->Running)
		return TRUE;
	if (MessageId > 0) {
		if (MessageId > Adapter->QueueCount)
			return FALSE;
		Queue = &Adapter->Queues[MessageId - 1];
	}
	StorPortIssueDpc(Adapter, &Queue->Dpc, Queue, NULL);
	return TRUE;
}

BOOLEAN NvmeInterrupt(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;

	if (!Adapter->Running ||
		(!NvmeQueueHasNews(&Adapter->Admin) && !NvmeQueueHasNews(&Adapter->Queues[0])))
		return FALSE;  /* another device on the same line */
	if (Adapter->IsDump) { /* there are no DPCs, and nobody has unmasked the line */
		NvmeQueueDrain(Adapter, &Adapter->Admin);
		NvmeQueueDrain(Adapter, &Adapter->Queues[0]);
		return TRUE;
	}
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskSet, 1);
	StorPortIssueDpc(Adapter, &Adapter->Admin.Dpc, &Adapter->Admin, NULL);
	return TRUE;
}

VOID NvmeDpc(PSTOR_DPC Dpc, PVOID Extension, PVOID Queue, PVOID Unused)
{
	PNVME_ADAPTER Adapter = Extension;
	BOOLEAN Open = NvmeQueueDrain(Adapter, Queue);

	if (!Adapter->OneInterrupt)
		return;
	NvmeQueueDrain(Adapter, &Adapter->Queues[0]);
	if (Adapter->IsLine && Open) /* else it stays masked until the controller has started */
		StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskClear, 1);
}
