/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* One plain call of each operation; see irql.h. */
#include "irql.h"

#define REGISTERS 4
#define COMMON	  0x2345
#define WHAT	  CfSet.Buffer.Mdl, CfSet.Buffer.Part[0].Va

CF_SET *CfState;

/* What the operations without an answer should do at this IRQL. */
static BOOLEAN Allowed(VOID)
{
	return CfSet.Irql <= DISPATCH_LEVEL;
}

static BOOLEAN Started(NTSTATUS Status)
{
	return CfSet.Did = NT_SUCCESS(Status);
}

/* Where there is no iommu the operations on domains are refused, whoever calls. */
static BOOLEAN Domain(NTSTATUS Status)
{
	CfSet.Did = NT_SUCCESS(Status);
	return Status == (CfIommu ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
}

/* ---- adapters, domains ---- */

VOID CfOtherNew(VOID)
{
	CfSet.Other = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	CfSet.Domain = OPS(CfAdapter)->GetDmaDomain(CfAdapter);
}

VOID CfOtherPut(VOID)
{
	CfAdapterPut(CfSet.Other);
}

BOOLEAN CfPutDmaAdapter(VOID)
{
	CfAdapterPut(CfSet.Other);
	return Allowed();
}

BOOLEAN CfGetAlignment(VOID)
{
	return OPS(CfAdapter)->GetDmaAlignment(CfAdapter) == 1;
}

BOOLEAN CfReadCounter(VOID)
{
	return OPS(CfAdapter)->ReadDmaCounter(CfAdapter) == 0 && Allowed();
}

BOOLEAN CfAdapterInfo(VOID)
{
	DMA_ADAPTER_INFO Info = {.Version = DMA_ADAPTER_INFO_VERSION1};

	return NT_SUCCESS(OPS(CfAdapter)->GetDmaAdapterInfo(CfAdapter, &Info));
}

BOOLEAN CfJoin(VOID)
{
	return Domain(OPS(CfSet.Other)->JoinDmaDomain(CfSet.Other, CfSet.Domain));
}

VOID CfJoined(VOID)
{
	CfOtherNew();
	OPS(CfSet.Other)->JoinDmaDomain(CfSet.Other, CfSet.Domain);
}

BOOLEAN CfLeave(VOID)
{
	return Domain(OPS(CfSet.Other)->LeaveDmaDomain(CfSet.Other));
}

BOOLEAN CfGetDomain(VOID)
{
	return (OPS(CfAdapter)->GetDmaDomain(CfAdapter) != NULL) == CfIommu;
}

/* ---- common buffers ---- */

BOOLEAN CfAllocateCommonBuffer(VOID)
{
	CfSet.Va = OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, COMMON, &CfSet.Address, TRUE);
	return CfSet.Va != NULL;
}

VOID CfCommonNew(VOID)
{
	CfAllocateCommonBuffer();
}

VOID CfCommonFree(VOID)
{
	OPS(CfAdapter)->FreeCommonBuffer(CfAdapter, COMMON, CfSet.Address, CfSet.Va, TRUE);
}

BOOLEAN CfFreeCommonBuffer(VOID)
{
	CfCommonFree();
	return Allowed();
}

BOOLEAN CfAllocateCommonBufferEx(VOID)
{
	CfSet.Va = OPS(CfAdapter)->AllocateCommonBufferEx(
		CfAdapter, NULL, COMMON, &CfSet.Address, TRUE, 0);
	return CfSet.Va != NULL;
}

BOOLEAN CfAllocateBounds(VOID)
{
	MEMORY_CACHING_TYPE Cached = MmCached;

	CfSet.Va = OPS(CfAdapter)->AllocateCommonBufferWithBounds(
		CfAdapter, NULL, NULL, COMMON, 0, &Cached, 0, &CfSet.Address);
	return CfSet.Va != NULL;
}

BOOLEAN CfAllocateDomain(VOID)
{
	return Domain(OPS(CfAdapter)->AllocateDomainCommonBuffer(
		CfAdapter, CfSet.Domain, NULL, COMMON, 0, NULL, 0, &CfSet.Address, &CfSet.Va));
}

VOID CfDomainFree(VOID)
{
	if (CfSet.Did)
		CfCommonFree();
	CfOtherPut();
}

BOOLEAN CfAllocateVector(VOID)
{
	PHYSICAL_ADDRESS Low = {.QuadPart = 0}, High = {.QuadPart = MAXLONGLONG};

	return NT_SUCCESS(OPS(CfAdapter)->AllocateCommonBufferVector(
		CfAdapter, Low, High, MmCached, 0, 0, 2, COMMON, &CfSet.Vector));
}

VOID CfVectorNew(VOID)
{
	CfAllocateVector();
}

VOID CfVectorFree(VOID)
{
	OPS(CfAdapter)->FreeCommonBufferVector(CfAdapter, CfSet.Vector);
}

BOOLEAN CfGetFromVector(VOID)
{
	PVOID Va = NULL;

	OPS(CfAdapter)->GetCommonBufferFromVectorByIndex(
		CfAdapter, CfSet.Vector, 1, &Va, &CfSet.Address);
	return Va != NULL;
}

BOOLEAN CfFreeFromVector(VOID)
{
	OPS(CfAdapter)->FreeCommonBufferFromVector(CfAdapter, CfSet.Vector, 1);
	return Allowed();
}

BOOLEAN CfFreeVector(VOID)
{
	CfVectorFree();
	return Allowed();
}

VOID CfMdlPrepare(VOID)
{
	PHYSICAL_ADDRESS High = {.QuadPart = 0xffffffff};

	CfSet.Va = MmAllocateContiguousMemory(2 * PAGE_SIZE, High);
	CfSet.Mdl = IoAllocateMdl(CfSet.Va, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
	MmBuildMdlForNonPagedPool(CfSet.Mdl);
}

BOOLEAN CfFromMdl(VOID)
{
	return Started(OPS(CfAdapter)->CreateCommonBufferFromMdl(
		CfAdapter, CfSet.Mdl, NULL, 0, &CfSet.Address));
}

VOID CfMdlUndo(VOID)
{
	if (CfSet.Did)
		OPS(CfAdapter)->FreeCommonBuffer(
			CfAdapter, 2 * PAGE_SIZE, CfSet.Address, CfSet.Va, TRUE);
	IoFreeMdl(CfSet.Mdl);
	MmFreeContiguousMemory(CfSet.Va);
}

BOOLEAN CfFlushDma(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->FlushDmaBuffer(CfAdapter, CfSet.Buffer.Mdl, TRUE));
}

/* ---- channels ---- */

VOID CfRegistersNew(VOID)
{
	CfSet.Base = CfChannel(CfAdapter, REGISTERS, DeallocateObjectKeepRegisters);
}

VOID CfRegistersFree(VOID)
{
	if (CfSet.Base == NULL)
		CfSet.Base = CfSet.Call.Base;
	CfFreeRegisters(CfAdapter, CfSet.Base, REGISTERS);
	CfSet.Base = NULL;
}

BOOLEAN CfAllocateChannel(VOID)
{
	CfCallInitialize(&CfSet.Call, DeallocateObjectKeepRegisters);
	CfSet.Base = NULL;
	return NT_SUCCESS(OPS(CfAdapter)->AllocateAdapterChannel(
		CfAdapter, CfFunctional, REGISTERS, CfControl, &CfSet.Call));
}

BOOLEAN CfAllocateChannelEx(VOID)
{
	CfCallInitialize(&CfSet.Call, DeallocateObjectKeepRegisters);
	CfSet.Base = NULL;
	return NT_SUCCESS(OPS(CfAdapter)->AllocateAdapterChannelEx(CfAdapter, CfFunctional,
		&CfSet.Context, REGISTERS, 0, CfControl, &CfSet.Call, NULL));
}

BOOLEAN CfFreeMapRegisters(VOID)
{
	OPS(CfAdapter)->FreeMapRegisters(CfAdapter, CfSet.Base, REGISTERS);
	if (Allowed())
		CfSet.Base = NULL;
	return Allowed();
}

VOID CfChannelKeep(VOID)
{
	CfChannel(CfAdapter, REGISTERS, KeepObject);
}

VOID CfChannelFree(VOID)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();

	OPS(CfAdapter)->FreeAdapterChannel(CfAdapter);
	KeLowerIrql(Irql);
}

BOOLEAN CfFreeChannel(VOID)
{
	OPS(CfAdapter)->FreeAdapterChannel(CfAdapter);
	return Allowed();
}

BOOLEAN CfFreeObject(VOID)
{
	OPS(CfAdapter)->FreeAdapterObject(CfAdapter, DeallocateObject);
	return Allowed();
}

BOOLEAN CfMap(VOID)
{
	ULONG Length = CF_SET_LENGTH;

	OPS(CfAdapter)->MapTransfer(
		CfAdapter, CfSet.Buffer.Mdl, CfSet.Base, CfSet.Buffer.Part[0].Va, &Length, TRUE);
	CfSet.Address.QuadPart = Length;
	CfSet.Did = Length != 0 && Allowed();
	return CfSet.Did;
}

BOOLEAN CfFlush(VOID)
{
	return CfSet.Did = OPS(CfAdapter)->FlushAdapterBuffers(CfAdapter, CfSet.Buffer.Mdl,
		       CfSet.Base, CfSet.Buffer.Part[0].Va, CfSet.Address.LowPart, TRUE);
}

VOID CfMapUndo(VOID)
{
	if (CfSet.Did)
		CfFlush();
	CfRegistersFree();
}

VOID CfMapPrepare(VOID)
{
	CfRegistersNew();
	CfSet.Irql = PASSIVE_LEVEL;
	CfMap();
}

VOID CfFlushUndo(VOID)
{
	if (!CfSet.Did)
		CfFlush();
	CfRegistersFree();
}

BOOLEAN CfMapEx(VOID)
{
	ULONG Length = CF_SET_LENGTH;

	return Started(OPS(CfAdapter)->MapTransferEx(CfAdapter, CfSet.Buffer.Mdl, CfSet.Base, 0, 0,
		&Length, TRUE, (PVOID)CfSet.Room, sizeof(CfSet.Room), NULL, NULL));
}

BOOLEAN CfFlushEx(VOID)
{
	return Started(OPS(CfAdapter)->FlushAdapterBuffersEx(
		CfAdapter, CfSet.Buffer.Mdl, CfSet.Base, 0, CF_SET_LENGTH, TRUE));
}

VOID CfMapExPrepare(VOID)
{
	CfRegistersNew();
	CfMapEx();
}

VOID CfMapExUndo(VOID)
{
	if (CfSet.Did)
		CfFlushEx();
	CfRegistersFree();
}

VOID CfFlushExUndo(VOID)
{
	if (!CfSet.Did)
		CfFlushEx();
	CfRegistersFree();
}

BOOLEAN CfInitializeContext(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &CfSet.Context));
}

BOOLEAN CfConfigure(VOID)
{
	return OPS(CfAdapter)->ConfigureAdapterChannel(CfAdapter, 0, NULL) ==
	       STATUS_NOT_IMPLEMENTED;
}

BOOLEAN CfCancelMapped(VOID)
{
	return OPS(CfAdapter)->CancelMappedTransfer(CfAdapter, &CfSet.Context) ==
	       STATUS_NOT_SUPPORTED;
}

/* A request that waits for the adapter, which somebody else has. */
VOID CfWaiting(VOID)
{
	KIRQL Irql;

	CfNoList();
	CfChannelKeep();
	Irql = KeRaiseIrqlToDpcLevel();
	CfAllocateChannelEx();
	KeLowerIrql(Irql);
}

BOOLEAN CfCancel(VOID)
{
	return CfSet.Did = OPS(CfAdapter)->CancelAdapterChannel(
		       CfAdapter, CfFunctional, &CfSet.Context);
}

VOID CfWaitingEnd(VOID)
{
	if (!CfSet.Did)
		CfCancel();
	CfChannelFree();
	CfNotCalled(&CfSet.Call);
}

/* ---- lists ---- */

VOID CfNoList(VOID)
{
	CfCallInitialize(&CfSet.Call, KeepObject);
	OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &CfSet.Context);
	CfSet.List = NULL;
}

VOID CfListNew(VOID)
{
	CfSet.List = CfGet(CfAdapter, &CfSet.Buffer, 0, CF_SET_LENGTH, TRUE);
}

VOID CfListPut(VOID)
{
	if (CfSet.List == NULL) {
		CfCalled(&CfSet.Call, CfFunctional);
		CfSet.List = CfSet.Call.List;
	}
	CfPut(CfAdapter, CfSet.List, TRUE);
}

BOOLEAN CfGetList(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->GetScatterGatherList(
		CfAdapter, CfFunctional, WHAT, CF_SET_LENGTH, CfListControl, &CfSet.Call, TRUE));
}

BOOLEAN CfPutList(VOID)
{
	OPS(CfAdapter)->PutScatterGatherList(CfAdapter, CfSet.List, TRUE);
	return Allowed();
}

BOOLEAN CfCalculate(VOID)
{
	ULONG Size;

	return NT_SUCCESS(OPS(CfAdapter)->CalculateScatterGatherList(
		CfAdapter, WHAT, CF_SET_LENGTH, &Size, NULL));
}

BOOLEAN CfBuildList(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->BuildScatterGatherList(CfAdapter, CfFunctional, WHAT,
		CF_SET_LENGTH, CfListControl, &CfSet.Call, TRUE, CfSet.Room, sizeof(CfSet.Room)));
}

BOOLEAN CfBuildMdl(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->BuildMdlFromScatterGatherList(
		CfAdapter, CfSet.List, CfSet.Buffer.Mdl, &CfSet.Mdl));
}

BOOLEAN CfTransferInfo(VOID)
{
	DMA_TRANSFER_INFO Info = {.Version = DMA_TRANSFER_INFO_VERSION1};

	return NT_SUCCESS(OPS(CfAdapter)->GetDmaTransferInfo(
		CfAdapter, CfSet.Buffer.Mdl, 0, CF_SET_LENGTH, FALSE, &Info));
}

BOOLEAN CfGetListEx(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->GetScatterGatherListEx(CfAdapter, CfFunctional,
		&CfSet.Context, CfSet.Buffer.Mdl, 0, CF_SET_LENGTH, 0, CfListControl, &CfSet.Call,
		TRUE, NULL, NULL, NULL));
}

BOOLEAN CfBuildListEx(VOID)
{
	return NT_SUCCESS(OPS(CfAdapter)->BuildScatterGatherListEx(CfAdapter, CfFunctional,
		&CfSet.Context, CfSet.Buffer.Mdl, 0, CF_SET_LENGTH, 0, CfListControl, &CfSet.Call,
		TRUE, CfSet.Room, sizeof(CfSet.Room), NULL, NULL, NULL));
}
