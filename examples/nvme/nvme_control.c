/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Reset, stop, restart, removal. The port keeps StartIo out meanwhile. */
#include "nvme.h"

static VOID NvmeAbandonAll(PNVME_ADAPTER Adapter, UCHAR SrbStatus)
{
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueAbandon(Adapter, &Adapter->Queues[i], SrbStatus);
}

/* The rung on which a time-out ends: the controller starts anew. */
BOOLEAN NvmeResetBus(PVOID Extension, ULONG PathId)
{
	PNVME_ADAPTER Adapter = Extension;

	/* While the controller may still write to their memory, no request may be completed. */
	if (!NvmeStop(Adapter))
		return FALSE;
	NvmeAbandonAll(Adapter, SRB_STATUS_BUS_RESET);
	return NvmeStart(Adapter);
}

static BOOLEAN NvmeSupported(
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST List, const ULONG *Types, ULONG Count)
{
	for (ULONG i = 0; i < Count; i++)
		if (Types[i] < List->MaxControlType)
			List->SupportedTypeList[Types[i]] = TRUE;
	return TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS NvmeAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	static const ULONG Types[] = {ScsiQuerySupportedControlTypes, ScsiStopAdapter,
		ScsiRestartAdapter, ScsiAdapterSurpriseRemoval};
	PNVME_ADAPTER Adapter = Extension;
	BOOLEAN Done = TRUE;

	switch (Type) {
	case ScsiQuerySupportedControlTypes:
		Done = NvmeSupported(Parameters, Types, ARRAYSIZE(Types));
		break;
	case ScsiStopAdapter:
		NvmeShutdown(Adapter);
		break;
	case ScsiRestartAdapter:
		Done = NvmeStart(Adapter);
		break;
	case ScsiAdapterSurpriseRemoval:
		Adapter->Gone = TRUE;
		Adapter->Running = FALSE;
		NvmeAbandonAll(Adapter, SRB_STATUS_NO_DEVICE);
		break;
	default:
		Done = FALSE;
		break;
	}
	return Done ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
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
