/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A scene with a command that moves data both ways, XDWRITEREAD (10), which the driver sends to its
 * unit as an extended pass-through; and how the miniport finds both (SG-35). See conform.h.
 */
#include "conform.h"

#define XDWRITEREAD10 0x53
#define OUT	      1536
#define IN	      1024
#define SHORT	      24 /* so much less comes back */

typedef struct _BOTH {
	union {
		SCSI_PASS_THROUGH_EX Pass;
		UCHAR Room[FIELD_OFFSET(SCSI_PASS_THROUGH_EX, Cdb) + 10];
	};
	STOR_ADDR_BTL8 Address;
	UCHAR Sense[32];
	UCHAR Out[OUT], In[IN];
} BOTH, *PBOTH;

BOOLEAN CfIsBoth(PSCSI_REQUEST_BLOCK Srb)
{
	return SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI &&
	       ((PUCHAR)SrbGetCdb(Srb))[0] == XDWRITEREAD10;
}

static PSRBEX_DATA_BIDIRECTIONAL DataIn(PSCSI_REQUEST_BLOCK Srb)
{
	return (PVOID)SrbGetSrbExDataByType(
		(PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypeBidirectional);
}

static ULONG BytesOf(PSTOR_SCATTER_GATHER_LIST List)
{
	ULONG Bytes = 0;

	for (ULONG n = 0; List != NULL && n < List->NumberOfElements; n++)
		Bytes += List->List[n].Length;
	return Bytes;
}

static UCHAR Pattern(ULONG n)
{
	return (UCHAR)(n * 11 + n / 256 + 1);
}

VOID CfCheckBoth(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	const ULONG Ways = SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT;
	PSRBEX_DATA_BIDIRECTIONAL Data;
	PSTOR_SCATTER_GATHER_LIST List = NULL;
	PVOID Address = NULL, Mdl = NULL;
	PUCHAR Out = SrbGetDataBuffer(Srb);

	SEE(BothRefused, 0, A->Machine & CF_SRB);
	if (A->Machine & CF_SRB)
		return;
	Data = DataIn(Srb);
	SEE(Both, Ways, SrbGetSrbFlags(Srb) & Ways);
	if (!SEE_TRUE(Both, Data != NULL))
		return;
	SEE(Both, SRBEX_DATA_BIDIRECTIONAL_LENGTH, Data->Length);
	SEE(Both, IN, Data->DataInTransferLength);
	SEE(BothOut, OUT, SrbGetDataTransferLength(Srb));
	SEE(BothOut, OUT, BytesOf(StorPortGetScatterGatherList(A, Srb)));
	for (ULONG n = 0; Out != NULL && n < OUT; n += 97)
		SEE(BothOut, Pattern(n), Out[n]);
	SEE(BothIn, STOR_STATUS_SUCCESS,
		StorPortGetDataInBufferScatterGatherList(A, (PVOID)Srb, &List));
	SEE(BothIn, IN, BytesOf(List));
	SEE(BothIn, STOR_STATUS_SUCCESS, StorPortGetDataInBufferMdl(A, (PVOID)Srb, &Mdl));
	SEE(BothIn, IN, Mdl != NULL ? MmGetMdlByteCount((PMDL)Mdl) : 0);
	SEE(BothIn, STOR_STATUS_SUCCESS,
		StorPortGetDataInBufferSystemAddress(A, (PVOID)Srb, &Address));
	SEE(BothIn, (ULONG_PTR)Data->DataInBuffer, (ULONG_PTR)Address);
	SEE_TRUE(BothIn, Address != NULL && Address != Out);
}

/* What it was sent, backwards. */
UCHAR CfAnswerBoth(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PSRBEX_DATA_BIDIRECTIONAL Data = A->Machine & CF_SRBEX ? DataIn(Srb) : NULL;
	PUCHAR Out = SrbGetDataBuffer(Srb), In = Data != NULL ? Data->DataInBuffer : NULL;

	if (Out == NULL || In == NULL)
		return SRB_STATUS_INVALID_REQUEST;
	for (ULONG n = 0; n < IN - SHORT; n++)
		In[n] = Out[OUT - 1 - n];
	Data->DataInTransferLength = IN - SHORT;
	return SRB_STATUS_SUCCESS;
}

static VOID Fill(PBOTH Both)
{
	RtlZeroMemory(Both, sizeof(*Both));
	Both->Pass.Length = sizeof(Both->Pass);
	Both->Pass.CdbLength = 10;
	Both->Pass.StorAddressLength = sizeof(Both->Address);
	Both->Pass.StorAddressOffset = FIELD_OFFSET(BOTH, Address);
	Both->Pass.SenseInfoLength = sizeof(Both->Sense);
	Both->Pass.SenseInfoOffset = FIELD_OFFSET(BOTH, Sense);
	Both->Pass.DataDirection = SCSI_IOCTL_DATA_BIDIRECTIONAL;
	Both->Pass.TimeOutValue = 600;
	Both->Pass.DataOutTransferLength = OUT;
	Both->Pass.DataOutBufferOffset = FIELD_OFFSET(BOTH, Out);
	Both->Pass.DataInTransferLength = IN;
	Both->Pass.DataInBufferOffset = FIELD_OFFSET(BOTH, In);
	Both->Pass.Cdb[0] = XDWRITEREAD10;
	for (ULONG n = 0; n < OUT; n++)
		Both->Out[n] = Pattern(n);
}

VOID CfBothScene(PCF_ADAPTER A, PDEVICE_OBJECT Unit)
{
	PBOTH Both = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Both), 'mrfC');
	NTSTATUS Status;

	if (Both == NULL)
		return;
	Fill(Both);
	Status = CfAsk(Unit, IOCTL_SCSI_PASS_THROUGH_EX, Both, sizeof(*Both), sizeof(*Both));
	if (A->Machine & CF_SRB) {
		SEE(BothRefused, (ULONG)STATUS_INVALID_DEVICE_REQUEST, (ULONG)Status);
	} else {
		SEE(BothBack, STATUS_SUCCESS, Status);
		SEE(BothBack, OUT, Both->Pass.DataOutTransferLength);
		SEE(BothBack, IN - SHORT, Both->Pass.DataInTransferLength);
		for (ULONG n = 0; n < IN; n++)
			SEE(BothBack, n < IN - SHORT ? Pattern(OUT - 1 - n) : 0, Both->In[n]);
	}
	ExFreePool(Both);
}
