/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What concerns the adapter as a whole: reset, the watch over its health, stop, restart, removal.
 * StartIo and DPCs may be at work on other processors meanwhile: closing the queues keeps them out.
 */
#include "nvme.h"

#define NVME_WATCH_US 1000000

static VOID NvmeClose(PNVME_ADAPTER Adapter)
{
	Adapter->Running = FALSE;
	NvmeQueueOpen(Adapter, &Adapter->Admin, FALSE);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueOpen(Adapter, &Adapter->Queues[i], FALSE);
}

/* The queues are closed, and the controller touches no memory. */
static VOID NvmeAbandon(PNVME_ADAPTER Adapter, UCHAR SrbStatus)
{
	NvmeQueueAbandon(Adapter, &Adapter->Admin, SrbStatus);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueAbandon(Adapter, &Adapter->Queues[i], SrbStatus);
	NvmeResetEnd(Adapter, SrbStatus);
}

/* Who no longer answers may still be there: it gets no more of memory (PCI 3.0, 6.2.2). */
static VOID NvmeShutOut(PNVME_ADAPTER Adapter)
{
	USHORT Command = 0;

	StorPortSetBusDataByOffset(Adapter, PCIConfiguration, Adapter->Bus, Adapter->Slot, &Command,
		FIELD_OFFSET(PCI_COMMON_CONFIG, Command), sizeof(Command));
}

static VOID NvmeGone(PNVME_ADAPTER Adapter)
{
	Adapter->Gone = TRUE;
	NvmeShutOut(Adapter);
	NvmeClose(Adapter);
	NvmeAbandon(Adapter, SRB_STATUS_NO_DEVICE);
}

/* The last rung: the controller starts anew. */
BOOLEAN NvmeResetBus(PVOID Extension, ULONG PathId)
{
	PNVME_ADAPTER Adapter = Extension;

	if (Adapter->Gone)
		return FALSE;
	NvmeClose(Adapter);
	/* While the controller may still write to their memory, no request may be completed. */
	if (!NvmeDisable(Adapter)) {
		if (StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Status) == MAXULONG)
			NvmeGone(Adapter); /* nobody had to tell us */
		return FALSE;
	}
	NvmeAbandon(Adapter, SRB_STATUS_BUS_RESET);
	if (NvmeStart(Adapter))
		return TRUE;
	StorPortDebugPrint(0, "nvme: the controller does not start again\n");
	Adapter->Gone = TRUE;
	return FALSE;
}

/* Requests that take too long are the port's concern; that the controller has failed or gone is
 * noticed here, before they do. Each second, under the StartIo lock. */
VOID NvmeWatch(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;
	ULONG Status;

	if (!Adapter->Running)
		return;
	Status = StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Status);
	if (Status == MAXULONG) {
		NvmeGone(Adapter);
	} else if (Status & NVME_STATUS_FATAL) {
		StorPortDebugPrint(0, "nvme: the controller has failed, and starts anew\n");
		StorPortNotification(ResetDetected, Adapter, 0);
		NvmeResetBus(Adapter, 0); /* which begins another watch */
	} else {
		StorPortNotification(RequestTimerCall, Adapter, NvmeWatch, NVME_WATCH_US);
	}
}

/* ---- adapter control ---- */

/* Not at DIRQL, where ScsiRestartAdapter comes: starting takes its time, and locks of queues. What
 * the port sends meanwhile waits. */
static VOID NvmeBeginRestart(PNVME_ADAPTER Adapter)
{
	StorPortPause(Adapter, 60);
	StorPortIssueDpc(Adapter, &Adapter->Restart, NULL, NULL);
}

VOID NvmeRestart(PSTOR_DPC Dpc, PVOID Extension, PVOID Unused1, PVOID Unused2)
{
	PNVME_ADAPTER Adapter = Extension;

	NvmeClose(Adapter);
	Adapter->Gone = !NvmeStart(Adapter);
	StorPortResume(Adapter);
}

static VOID NvmeSupported(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List, const ULONG *Types, ULONG Count)
{
	for (ULONG i = 0; i < Count; i++)
		if (Types[i] < List->MaxControlType)
			List->SupportedTypeList[Types[i]] = TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS NvmeAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	static const ULONG Types[] = {ScsiQuerySupportedControlTypes, ScsiStopAdapter,
		ScsiRestartAdapter, ScsiAdapterPower, ScsiAdapterSurpriseRemoval};
	PNVME_ADAPTER Adapter = Extension;

	switch (Type) {
	case ScsiQuerySupportedControlTypes:
		NvmeSupported(Parameters, Types, ARRAYSIZE(Types));
		return ScsiAdapterControlSuccess;
	case ScsiStopAdapter: /* no request is outstanding */
		NvmeShutdown(Adapter);
		return ScsiAdapterControlSuccess;
	case ScsiRestartAdapter:
		NvmeBeginRestart(Adapter);
		return ScsiAdapterControlSuccess;
	case ScsiAdapterPower: /* D0, or a state in which the controller forgets its queues */
		if (((PSTOR_ADAPTER_CONTROL_POWER)Parameters)->PowerState == StorPowerDeviceD0)
			NvmeBeginRestart(Adapter);
		else
			NvmeShutdown(Adapter);
		return ScsiAdapterControlSuccess;
	case ScsiAdapterSurpriseRemoval:
		NvmeGone(Adapter);
		return ScsiAdapterControlSuccess;
	default:
		return ScsiAdapterControlUnsuccessful;
	}
}

/* A namespace starts and goes with its controller. */
SCSI_UNIT_CONTROL_STATUS NvmeUnitControl(
	PVOID Extension, SCSI_UNIT_CONTROL_TYPE Type, PVOID Parameters)
{
	static const ULONG Types[] = {ScsiQuerySupportedUnitControlTypes, ScsiUnitStart,
		ScsiUnitPower, ScsiUnitRemove, ScsiUnitSurpriseRemoval};

	if (Type == ScsiQuerySupportedUnitControlTypes)
		NvmeSupported(Parameters, Types, ARRAYSIZE(Types));
	return ScsiUnitControlSuccess;
}
