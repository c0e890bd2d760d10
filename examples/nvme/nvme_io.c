/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request's way: BuildIo makes the command, with no lock; StartIo puts it into the queue of its
 * processor; its completion becomes an SRB status.
 */
#include "nvme.h"

VOID NvmeComplete(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
	SrbSetSrbStatus(Srb, SrbStatus);
	/* After this the SRB and its extension are the port's again. */
	StorPortNotification(RequestComplete, Adapter, Srb);
}

VOID NvmeFinish(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	USHORT Status = NVME_STATUS(Done);

	NvmeComplete(Adapter, Request->Srb,
		Status == NVME_SUCCESS ? SRB_STATUS_SUCCESS : NvmeSenseOf(Request->Srb, Status));
}

/* An SRB status if there is no such unit, else SRB_STATUS_SUCCESS. */
static UCHAR NvmeFindUnit(
	PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PNVME_NAMESPACE *Namespace)
{
	ULONG Lun = SrbGetLun(Srb);

	if (SrbGetPathId(Srb) != 0)
		return SRB_STATUS_INVALID_PATH_ID;
	if (SrbGetTargetId(Srb) != 0)
		return SRB_STATUS_INVALID_TARGET_ID;
	if (Lun >= Adapter->NamespaceCount)
		return SRB_STATUS_INVALID_LUN;
	*Namespace = &Adapter->Namespaces[Lun];
	return SRB_STATUS_SUCCESS;
}

/* An SRB status, or SRB_STATUS_PENDING: it goes on to StartIo. */
static UCHAR NvmeBuild(PNVME_ADAPTER Adapter, PNVME_SRB Own)
{
	PSCSI_REQUEST_BLOCK Srb = Own->Request.Srb;
	PNVME_NAMESPACE Namespace;
	UCHAR Status = NvmeFindUnit(Adapter, Srb, &Namespace);

	if (Status != SRB_STATUS_SUCCESS)
		return Status;
	Own->Request.Command.Nsid = Namespace->Nsid;
	switch (SrbGetSrbFunction(Srb)) {
	case SRB_FUNCTION_EXECUTE_SCSI:
		return NvmeScsi(Adapter, Namespace, Own);
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
		Own->Request.Command.Opcode = NVME_FLUSH;
		return SRB_STATUS_PENDING;
	case SRB_FUNCTION_RESET_LOGICAL_UNIT:
	case SRB_FUNCTION_RESET_DEVICE:
		Own->Route = NVME_TO_RESET;
		return SRB_STATUS_PENDING;
	case SRB_FUNCTION_PNP:
	case SRB_FUNCTION_POWER:
		return SRB_STATUS_SUCCESS; /* nothing to do: power goes with the adapter's */
	default:
		return SRB_STATUS_INVALID_REQUEST;
	}
}

/* No lock is held: several processors may be here at once. */
BOOLEAN NvmeBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_SRB Own = SrbGetMiniportContext(Srb);
	UCHAR Status;

	RtlZeroMemory(Own, FIELD_OFFSET(NVME_SRB, Prps)); /* the port does not */
	Own->Request.Done = NvmeFinish;
	Own->Request.Srb = Srb;
	Status = NvmeBuild(Extension, Own);
	if (Status == SRB_STATUS_PENDING)
		return TRUE;
	NvmeComplete(Extension, Srb, Status);
	return FALSE; /* not for StartIo */
}

/* With concurrent channels no lock is held here either. */
BOOLEAN NvmeStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_ADAPTER Adapter = Extension;
	PNVME_SRB Own = SrbGetMiniportContext(Srb);
	PNVME_QUEUE Queue;

	if (Own->Route == NVME_TO_RESET) {
		NvmeReset(Adapter, Srb);
		return TRUE;
	}
	Queue = Own->Route == NVME_TO_ADMIN ? &Adapter->Admin : NvmeQueueHere(Adapter);
	if (NvmeQueueSubmit(Adapter, Queue, &Own->Request))
		return TRUE;
	if (Adapter->Gone) {
		NvmeComplete(Adapter, Srb, SRB_STATUS_NO_DEVICE);
		return TRUE;
	}
	StorPortBusy(Adapter, 1); /* nothing more until a request has completed */
	NvmeComplete(Adapter, Srb, SRB_STATUS_BUSY); /* the port sends it again then */
	return TRUE;
}
