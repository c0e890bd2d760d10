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

static DECLSPEC_NOINLINE VOID NvmeFail(
	PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, USHORT Status)
{
	NvmeComplete(Adapter, Srb, NvmeSenseOf(Srb, Status));
}

VOID NvmeFinish(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	if (NVME_STATUS(Done) == NVME_SUCCESS)
		NvmeComplete(Adapter, Request->Srb, SRB_STATUS_SUCCESS);
	else
		NvmeFail(Adapter, Request->Srb, NVME_STATUS(Done));
}

/* FALSE: there is no such unit. */
static BOOLEAN NvmeFindUnit(
	PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PNVME_NAMESPACE *Namespace)
{
	UCHAR Path, Target, Lun;

	SrbGetPathTargetLun(Srb, &Path, &Target, &Lun);
	*Namespace = &Adapter->Namespaces[Lun];
	return Path == 0 && Target == 0 && Lun < Adapter->NamespaceCount;
}

/* What there is none of: an SRB status. */
static DECLSPEC_NOINLINE UCHAR NvmeNoUnit(PSCSI_REQUEST_BLOCK Srb)
{
	if (SrbGetPathId(Srb) != 0)
		return SRB_STATUS_INVALID_PATH_ID;
	return SrbGetTargetId(Srb) != 0 ? SRB_STATUS_INVALID_TARGET_ID : SRB_STATUS_INVALID_LUN;
}

/* What is no SCSI command. An SRB status, or SRB_STATUS_PENDING: it goes on to StartIo. */
static DECLSPEC_NOINLINE UCHAR NvmeBuildOther(PNVME_SRB Own)
{
	switch (SrbGetSrbFunction(Own->Request.Srb)) {
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
	case SRB_FUNCTION_EXECUTE_SCSI:	   /* without a CDB */
		return NvmeSense(Own->Request.Srb, SCSI_SENSE_ILLEGAL_REQUEST,
			SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
	default:
		return SRB_STATUS_INVALID_REQUEST;
	}
}

/* Likewise, of what is there. */
static UCHAR NvmeBuild(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	Own->Request.Command.Nsid = Namespace->Nsid;
	return Cdb != NULL ? NvmeScsi(Adapter, Namespace, Own, Cdb) : NvmeBuildOther(Own);
}

/* No lock is held: several processors may be here at once. What the SRB says is read before
 * anything is written: to the compiler it might be the same memory. */
BOOLEAN NvmeBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_SRB Own = SrbGetMiniportContext(Srb);
	BOOLEAN IsScsi = SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI;
	PUCHAR Cdb = IsScsi ? (PUCHAR)SrbGetCdb(Srb) : NULL;
	PNVME_NAMESPACE Namespace;
	BOOLEAN IsThere = NvmeFindUnit(Extension, Srb, &Namespace);
	UCHAR Status;

	RtlZeroMemory(Own, FIELD_OFFSET(NVME_SRB, Prps)); /* the port does not */
	Own->Request.Done = NvmeFinish;
	Own->Request.Srb = Srb;
	Status = IsThere ? NvmeBuild(Extension, Namespace, Own, Cdb) : NvmeNoUnit(Srb);
	if (Status == SRB_STATUS_PENDING)
		return TRUE;
	NvmeComplete(Extension, Srb, Status);
	return FALSE; /* not for StartIo */
}

/* What its processor's queue does not take. */
static DECLSPEC_NOINLINE VOID NvmeStartOther(PNVME_ADAPTER Adapter, PNVME_SRB Own)
{
	PSCSI_REQUEST_BLOCK Srb = Own->Request.Srb;

	if (Own->Route == NVME_TO_RESET) {
		NvmeReset(Adapter, Srb);
	} else if (Own->Route == NVME_TO_ADMIN &&
		   NvmeQueueSubmit(Adapter, &Adapter->Admin, &Own->Request)) {
		return;
	} else if (Adapter->Gone) {
		NvmeComplete(Adapter, Srb, SRB_STATUS_NO_DEVICE);
	} else {
		StorPortBusy(Adapter, 1); /* nothing more until a request has completed */
		NvmeComplete(Adapter, Srb, SRB_STATUS_BUSY); /* the port sends it again then */
	}
}

/* With concurrent channels no lock is held here either. */
BOOLEAN NvmeStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_ADAPTER Adapter = Extension;
	PNVME_SRB Own = SrbGetMiniportContext(Srb);

	if (Own->Route != NVME_TO_IO || !NvmeQueueSubmitHere(Adapter, &Own->Request))
		NvmeStartOther(Adapter, Own);
	return TRUE;
}
