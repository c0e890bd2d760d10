/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request's way: BuildIo makes the command and the PRPs of its data, with no lock; StartIo puts
 * it into the queue of its processor; the completion becomes an SRB status.
 */
#include "nvme.h"

VOID NvmeComplete(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
	SrbSetSrbStatus(Srb, SrbStatus);
	/* After this the SRB and its extension are the port's again. */
	StorPortNotification(RequestComplete, Adapter, Srb);
}

/*
 * The list as physical region pages (4.3). All but the first element begin on a page, and all but
 * the last end on one, or it cannot be said with PRPs; the buffer is contiguous in virtual memory,
 * so that is so. The extension is contiguous in physical memory, but a list of PRPs must not run
 * over the end of its page without an entry that says where it goes on.
 */
BOOLEAN NvmeSetPrps(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PSTOR_SCATTER_GATHER_LIST List)
{
	PNVME_COMMAND Command = &Request->Command;
	ULONG Length, Count = 0, Entries = 0;
	ULONG64 Here = StorPortGetPhysicalAddress(Adapter, NULL, Request->Prps, &Length).QuadPart;

	for (ULONG i = 0; i < List->NumberOfElements; i++) {
		ULONG64 Address = List->List[i].PhysicalAddress.QuadPart;
		ULONG64 End = Address + List->List[i].Length;

		if ((i > 0 && Address % NVME_PAGE) ||
			(i + 1 < List->NumberOfElements && End % NVME_PAGE))
			return FALSE;
		for (; Address < End; Address = (Address + NVME_PAGE) & ~(ULONG64)(NVME_PAGE - 1)) {
			BOOLEAN Last =
				Address + NVME_PAGE >= End && i + 1 == List->NumberOfElements;

			if (Count++ == 0) {
				Command->Prp1 = Address;
				continue;
			}
			if (Entries + 1 >= ARRAYSIZE(Request->Prps))
				return FALSE;
			/* in the last place of a page: where the list goes on, which is right
			 * behind */
			if ((Here + (Entries + 1) * 8) % NVME_PAGE == 0 && !Last) {
				Request->Prps[Entries] = Here + (Entries + 1) * 8;
				Entries++;
			}
			Request->Prps[Entries++] = Address;
		}
	}
	if (Count == 2)
		Command->Prp2 = Request->Prps[0];
	else if (Count > 2)
		Command->Prp2 = Here;
	return TRUE;
}

BOOLEAN NvmeBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_ADAPTER Adapter = Extension;
	PNVME_REQUEST Request = SrbGetMiniportContext(Srb);
	UCHAR Status;

	Request->Srb = Srb;
	RtlZeroMemory(&Request->Command, sizeof(Request->Command)); /* the port does not */
	switch (SrbGetSrbFunction(Srb)) {
	case SRB_FUNCTION_EXECUTE_SCSI:
		Status = NvmeScsi(Adapter, Request);
		break;
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
		Request->Command.Opcode = NVME_FLUSH;
		Request->Command.Nsid = NVME_NSID_ALL;
		Status = SRB_STATUS_PENDING;
		break;
	case SRB_FUNCTION_PNP:
	case SRB_FUNCTION_POWER:
		Status = SRB_STATUS_SUCCESS;
		break;
	default:
		/* NVMe has no reset of a namespace: the port goes on to NvmeResetBus */
		Status = SRB_STATUS_INVALID_REQUEST;
		break;
	}
	if (Status == SRB_STATUS_PENDING)
		return TRUE;
	NvmeComplete(Adapter, Srb, Status);
	return FALSE; /* not for StartIo */
}

/* With concurrent channels no lock is held: several processors may be here at once. */
BOOLEAN NvmeStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PNVME_ADAPTER Adapter = Extension;
	PNVME_REQUEST Request = SrbGetMiniportContext(Srb);

	if (Adapter->Gone) {
		NvmeComplete(Adapter, Srb, SRB_STATUS_NO_DEVICE);
	} else if (!Adapter->Running ||
		   !NvmeQueueSubmit(Adapter, NvmeQueueHere(Adapter), Request)) {
		StorPortBusy(Adapter, 1); /* nothing more until a request has completed */
		NvmeComplete(Adapter, Srb, SRB_STATUS_BUSY); /* the port sends it again then */
	}
	return TRUE;
}

VOID NvmeFinish(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, volatile NVME_COMPLETION *Done)
{
	USHORT Status = NVME_STATUS(Done);

	NvmeComplete(Adapter, Request->Srb,
		Status == NVME_SUCCESS ? SRB_STATUS_SUCCESS : NvmeSenseOf(Request->Srb, Status));
}
