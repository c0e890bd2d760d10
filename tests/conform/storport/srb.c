/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The fields of an SRB as HwStorBuildIo gets it, of both kinds (4.3), its extension and its
 * scatter/gather list. See conform.h. */
#include "conform.h"

#define IS_EXTENDED(A) ((A)->Machine & CF_SRBEX)

BOOLEAN CfIsData(PSCSI_REQUEST_BLOCK Srb)
{
	PCDB Cdb = SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI ? SrbGetCdb(Srb) : NULL;
	UCHAR Code = Cdb != NULL ? ((PUCHAR)Cdb)[0] : 0;

	return Code == SCSIOP_READ || Code == SCSIOP_WRITE || Code == SCSIOP_READ16 ||
	       Code == SCSIOP_WRITE16;
}

ULONG CfUnitOf(PSCSI_REQUEST_BLOCK Srb)
{
	return (SrbGetPathId(Srb) * CF_TARGETS + SrbGetTargetId(Srb)) * CF_LUNS + SrbGetLun(Srb);
}

ULONG64 CfSum(PSTOR_SCATTER_GATHER_LIST List)
{
	ULONG64 Sum = 0;

	for (ULONG n = 0; List != NULL && n < List->NumberOfElements; n++)
		Sum = Sum * 31 + (ULONG64)List->List[n].PhysicalAddress.QuadPart +
		      List->List[n].Length;
	return Sum;
}

/* ---- the two kinds ---- */

static VOID CheckPlain(PSCSI_REQUEST_BLOCK Srb)
{
	SEE(SrbLength, 0x58, Srb->Length);
	SEE(SrbKind, SRB_TYPE_SCSI_REQUEST_BLOCK,
		Srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK);
	SEE(SrbNext, 0, (ULONG_PTR)Srb->NextSrb);
	SEE_TRUE(SrbExtensionThere, Srb->SrbExtension != NULL);
}

static VOID CheckExtendedData(PSTORAGE_REQUEST_BLOCK Srb)
{
	for (ULONG n = 0; n < Srb->NumSrbExData; n++) {
		PSRBEX_DATA Data = SrbGetSrbExDataByIndex(Srb, n);

		SEE_TRUE(SrbexOffset, Data != NULL);
		SEE(SrbexOffset, 0, Srb->SrbExDataOffset[n] % 8);
		SEE_TRUE(SrbexOffset, Data != NULL && Srb->SrbExDataOffset[n] + 8 + Data->Length <=
							      Srb->SrbLength);
	}
	if (Srb->SrbFunction == SRB_FUNCTION_EXECUTE_SCSI) {
		PSRBEX_DATA Data = SrbGetSrbExDataByType(Srb, SrbExDataTypeScsiCdb16);

		SEE_TRUE(SrbexCdb, Data != NULL);
		SEE(SrbexCdb, SRBEX_DATA_SCSI_CDB16_LENGTH, Data != NULL ? Data->Length : 0);
	}
}

static VOID CheckExtended(PSTORAGE_REQUEST_BLOCK Srb)
{
	PSTOR_ADDR_BTL8 Address = (PVOID)((PUCHAR)Srb + Srb->AddressOffset);

	SEE_TRUE(SrbLength, Srb->Length >= sizeof(STORAGE_REQUEST_BLOCK));
	SEE_TRUE(SrbLength, Srb->SrbLength >= Srb->Length);
	SEE(SrbKind, SRB_FUNCTION_STORAGE_REQUEST_BLOCK, Srb->Function);
	SEE(SrbexMarks, SRB_SIGNATURE, Srb->Signature);
	SEE(SrbexMarks, STORAGE_REQUEST_BLOCK_VERSION_1, Srb->Version);
	SEE(SrbexMarks, 0, Srb->ZeroGuard1);
	SEE(SrbexMarks, 0, (ULONG_PTR)Srb->ZeroGuard2);
	SEE_TRUE(
		SrbexAddress, Srb->AddressOffset >= sizeof(STORAGE_REQUEST_BLOCK) - sizeof(ULONG) &&
				      Srb->AddressOffset + sizeof(*Address) <= Srb->SrbLength);
	SEE(SrbexAddress, STOR_ADDRESS_TYPE_BTL8, Address->Type);
	SEE(SrbexAddress, STOR_ADDR_BTL8_ADDRESS_LENGTH, Address->AddressLength);
	SEE(SrbNext, 0, (ULONG_PTR)Srb->NextSrb);
	SEE_TRUE(SrbExtensionThere, Srb->MiniportContext != NULL);
	CheckExtendedData(Srb);
}

/* ---- what both have ---- */

/* SPC: the top three bits of an operation code name the group, and that the length. */
static ULONG CdbLengthOf(UCHAR Code)
{
	static const UCHAR Length[] = {6, 10, 10, 0, 16, 12, 0, 0};

	return Length[Code >> 5];
}

static ULONG64 DataBytes(PUCHAR Cdb)
{
	BOOLEAN Is16 = Cdb[0] == SCSIOP_READ16 || Cdb[0] == SCSIOP_WRITE16;

	return CF_BLOCK * (Is16 ? (ULONG64)Cdb[10] << 24 | Cdb[11] << 16 | Cdb[12] << 8 | Cdb[13]
				: (ULONG64)Cdb[7] << 8 | Cdb[8]);
}

static VOID CheckList(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(A, Srb);
	ULONG64 Bytes = 0;
	ULONG Length = 0;
	PVOID Address = NULL;

	SEE_TRUE(List, List != NULL);
	if (List == NULL)
		return;
	SEE_TRUE(List, List->NumberOfElements >= 1 && List->NumberOfElements <= CF_ELEMENTS);
	for (ULONG n = 0; n < List->NumberOfElements; n++) {
		SEE_TRUE(List, List->List[n].Length != 0);
		Bytes += List->List[n].Length;
	}
	SEE(List, SrbGetDataTransferLength(Srb), Bytes);
	SEE(SystemAddress, STOR_STATUS_SUCCESS, StorPortGetSystemAddress(A, Srb, &Address));
	SEE(SystemAddress, List->List[0].PhysicalAddress.QuadPart,
		StorPortGetPhysicalAddress(A, Srb, Address, &Length).QuadPart);
}

static VOID CheckScsi(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Srb);
	ULONG Flags = SrbGetSrbFlags(Srb), Bytes = SrbGetDataTransferLength(Srb);
	BOOLEAN IsOut = (Flags & SRB_FLAGS_DATA_OUT) != 0, IsIn = (Flags & SRB_FLAGS_DATA_IN) != 0;

	SEE(Cdb, CdbLengthOf(Cdb[0]), SrbGetCdbLength(Srb));
	SEE_TRUE(Sense, SrbGetSenseInfoBuffer(Srb) != NULL &&
				SrbGetSenseInfoBufferLength(Srb) >= sizeof(SENSE_DATA));
	SEE_TRUE(Length, Bytes <= (CF_ELEMENTS - 1) * PAGE_SIZE);
	SEE(Flags, Bytes != 0, IsOut || IsIn);
	if (CfIsData(Srb)) {
		SEE(Flags, (Cdb[0] & 2) != 0, IsOut);
		SEE(Flags, (Cdb[0] & 2) == 0, IsIn);
		SEE(DataLength, DataBytes(Cdb), Bytes);
		SEE(DataBuffer, 0, (ULONG_PTR)SrbGetDataBuffer(Srb));
		CheckList(A, Srb);
	} else if (Bytes != 0) {
		SEE_TRUE(MapBuffers, SrbGetDataBuffer(Srb) != NULL);
	} else {
		SEE(NoData, 0, (ULONG_PTR)StorPortGetScatterGatherList(A, Srb));
	}
}

VOID CfCheckSrb(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	ULONG Function = SrbGetSrbFunction(Srb);

	if (IS_EXTENDED(A))
		CheckExtended((PSTORAGE_REQUEST_BLOCK)Srb);
	else
		CheckPlain(Srb);
	SEE(Pending, SRB_STATUS_PENDING, Srb->SrbStatus);
	SEE_TRUE(Address, SrbGetPathId(Srb) < CF_BUSES && SrbGetTargetId(Srb) < CF_TARGETS &&
				  SrbGetLun(Srb) < CF_LUNS);
	SEE_TRUE(TimeOut, SrbGetTimeOutValue(Srb) != 0);
	if (Function == SRB_FUNCTION_EXECUTE_SCSI) {
		CheckScsi(A, Srb);
		if (CfIsBoth(Srb))
			CfCheckBoth(A, Srb);
		return;
	}
	if (Function == SRB_FUNCTION_PNP || Function == SRB_FUNCTION_POWER)
		CfCheckAdapterSrb(A, Srb);
	if (Function == SRB_FUNCTION_IO_CONTROL)
		CfCheckIoControl(A, Srb);
	SEE_TRUE(Functions, Function == SRB_FUNCTION_FLUSH || Function == SRB_FUNCTION_SHUTDOWN ||
				    Function == SRB_FUNCTION_IO_CONTROL ||
				    Function == SRB_FUNCTION_RESET_LOGICAL_UNIT ||
				    Function == SRB_FUNCTION_RESET_DEVICE ||
				    Function == SRB_FUNCTION_PNP || Function == SRB_FUNCTION_POWER);
	if (Function == SRB_FUNCTION_RESET_LOGICAL_UNIT || Function == SRB_FUNCTION_RESET_DEVICE)
		SEE(ResetData, 0,
			(ULONG_PTR)SrbGetDataBuffer(Srb) | SrbGetDataTransferLength(Srb) |
				(ULONG_PTR)StorPortGetScatterGatherList(A, Srb));
}

/* ---- the extension ---- */

VOID CfCheckExtension(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Extension = SrbGetMiniportContext(Srb);
	ULONG Last = sizeof(CF_REQUEST) - 1, Length = 0;
	STOR_PHYSICAL_ADDRESS Begin = StorPortGetPhysicalAddress(A, NULL, Extension, &Length);
	STOR_PHYSICAL_ADDRESS End = StorPortGetPhysicalAddress(A, NULL, Extension + Last, &Length);
	UCHAR Any = 0;

	for (ULONG n = 0; n <= Last; n++)
		Any |= Extension[n];
	SEE_TRUE(NotZeroed, Any != 0);
	SEE(Contiguous, Last, End.QuadPart - Begin.QuadPart);
	SEE(SameLowBits, (ULONG_PTR)Extension % PAGE_SIZE, Begin.QuadPart % PAGE_SIZE);
	SEE(WithSrb, Begin.QuadPart,
		StorPortGetPhysicalAddress(A, Srb, Extension, &Length).QuadPart);
	SEE(Reverse, (ULONG_PTR)Extension, (ULONG_PTR)StorPortGetVirtualAddress(A, Begin));
}
