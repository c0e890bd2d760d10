/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where a command's data lies: physical region pages (NVMe 1.4, 4.3). PRP 1 is the first page, from
 * the transfer's offset in it on; PRP 2 the second, or the list of all the others, which stands in
 * the SRB extension.
 */
#include "nvme.h"

ULONG64 NvmePhysical(PNVME_ADAPTER Adapter, volatile VOID *Address)
{
	ULONG Length;

	return StorPortGetPhysicalAddress(Adapter, NULL, (PVOID)Address, &Length).QuadPart;
}

static ULONG NvmeLeftInPage(const VOID *Address)
{
	return NVME_PAGE - (ULONG)((ULONG_PTR)Address % NVME_PAGE);
}

/* Where a list of so many entries does not cross a page: else its last entry there would have to
 * say where it goes on. Half of Prps holds the longest list, and is smaller than a page. */
static PULONG64 NvmePrpPlace(PNVME_SRB Own, ULONG Entries)
{
	ULONG Left = NvmeLeftInPage(Own->Prps);

	return Left >= Entries * sizeof(ULONG64) ? Own->Prps : Own->Prps + Left / sizeof(ULONG64);
}

/* The list that the port made. PRPs can say it if all but the first element begin on a page and all
 * but the last end on one. The buffer is contiguous in virtual memory, so that is so. */
static BOOLEAN NvmeIsPageList(PSTOR_SCATTER_GATHER_LIST List)
{
	for (ULONG i = 0; i < List->NumberOfElements; i++) {
		ULONG64 Address = List->List[i].PhysicalAddress.QuadPart;

		if ((i == 0 ? Address % 4 : Address % NVME_PAGE) != 0)
			return FALSE;
		if (i + 1 < List->NumberOfElements &&
			(Address + List->List[i].Length) % NVME_PAGE != 0)
			return FALSE;
	}
	return List->NumberOfElements != 0;
}

/* More than one page; FALSE: PRPs cannot say it. */
static DECLSPEC_NOINLINE BOOLEAN NvmeSetPages(
	PNVME_ADAPTER Adapter, PNVME_SRB Own, PSTOR_SCATTER_GATHER_LIST List)
{
	PNVME_COMMAND Command = &Own->Request.Command;
	ULONG64 Address, End;
	PULONG64 Prps;
	ULONG Pages, Count = 0;

	if (!NvmeIsPageList(List))
		return FALSE;
	Pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(
		List->List[0].PhysicalAddress.QuadPart % NVME_PAGE,
		SrbGetDataTransferLength(Own->Request.Srb));
	if (Pages > NVME_MAX_PRPS + 1)
		return FALSE;
	Prps = NvmePrpPlace(Own, Pages - 1);
	for (ULONG i = 0; i < List->NumberOfElements; i++) {
		Address = List->List[i].PhysicalAddress.QuadPart;
		End = Address + List->List[i].Length;
		for (; Address < End && Count < Pages; Count++) {
			if (Count == 0)
				Command->Prp1 = Address;
			else
				Prps[Count - 1] = Address;
			Address = (Address | (NVME_PAGE - 1)) + 1;
		}
	}
	if (Count == 2)
		Command->Prp2 = Prps[0];
	else if (Count > 2)
		Command->Prp2 = NvmePhysical(Adapter, Prps);
	return Count == Pages;
}

UCHAR NvmeSetData(PNVME_ADAPTER Adapter, PNVME_SRB Own)
{
	PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(Adapter, Own->Request.Srb);
	ULONG64 Address;

	if (List == NULL)
		return SRB_STATUS_INVALID_REQUEST;
	Address = List->List[0].PhysicalAddress.QuadPart;
	if (List->NumberOfElements != 1 || Address % 4 != 0 ||
		Address % NVME_PAGE + List->List[0].Length > NVME_PAGE)
		return NvmeSetPages(Adapter, Own, List) ? SRB_STATUS_PENDING
							: SRB_STATUS_INVALID_REQUEST;
	Own->Request.Command.Prp1 = Address; /* says it all */
	return SRB_STATUS_PENDING;
}

/* The data is in the SRB extension, behind the request. */
VOID NvmeSetOwnData(PNVME_ADAPTER Adapter, PNVME_SRB Own, ULONG Bytes)
{
	PNVME_COMMAND Command = &Own->Request.Command;
	ULONG Left = NvmeLeftInPage(Own->Prps);

	Command->Prp1 = NvmePhysical(Adapter, Own->Prps);
	if (Bytes > Left)
		Command->Prp2 = NvmePhysical(Adapter, (PUCHAR)Own->Prps + Left);
}
