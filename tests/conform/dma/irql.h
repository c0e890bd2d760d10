/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* One plain call of each operation, with what it needs and leaves, for irql.c: in irql_call.c. */
#include "conform.h"

#define CF_SET_LENGTH	PAGE_SIZE
#define CF_SET_ELEMENTS 4

typedef struct _CF_SET {
	CF_BUFFER Buffer;
	KIRQL Irql; /* that the call is made at */
	BOOLEAN Did;
	PDMA_ADAPTER Other;
	HANDLE Domain;
	PVOID Va, Base;
	PHYSICAL_ADDRESS Address;
	PSCATTER_GATHER_LIST List;
	PDMA_COMMON_BUFFER_VECTOR Vector;
	PMDL Mdl;
	CF_CALL Call;
	CF_CONTEXT Context;
	ULONG64 Room[2 + CF_SET_ELEMENTS * sizeof(SCATTER_GATHER_ELEMENT) / sizeof(ULONG64)];
} CF_SET;

extern CF_SET *CfState;
#define CfSet (*CfState)

BOOLEAN CfPutDmaAdapter(VOID), CfAllocateCommonBuffer(VOID), CfFreeCommonBuffer(VOID),
	CfAllocateChannel(VOID), CfFlush(VOID), CfFreeChannel(VOID), CfFreeMapRegisters(VOID),
	CfMap(VOID), CfGetAlignment(VOID), CfReadCounter(VOID), CfGetList(VOID), CfPutList(VOID),
	CfCalculate(VOID), CfBuildList(VOID), CfBuildMdl(VOID), CfAdapterInfo(VOID),
	CfTransferInfo(VOID), CfInitializeContext(VOID), CfAllocateCommonBufferEx(VOID),
	CfAllocateChannelEx(VOID), CfConfigure(VOID), CfCancel(VOID), CfMapEx(VOID),
	CfGetListEx(VOID), CfBuildListEx(VOID), CfFlushEx(VOID), CfFreeObject(VOID),
	CfCancelMapped(VOID), CfAllocateDomain(VOID), CfFlushDma(VOID), CfJoin(VOID), CfLeave(VOID),
	CfGetDomain(VOID), CfAllocateBounds(VOID), CfAllocateVector(VOID), CfGetFromVector(VOID),
	CfFreeFromVector(VOID), CfFreeVector(VOID), CfFromMdl(VOID);

/* Before and after them. */
VOID CfOtherNew(VOID), CfOtherPut(VOID), CfJoined(VOID), CfCommonNew(VOID), CfCommonFree(VOID),
	CfDomainFree(VOID), CfRegistersNew(VOID), CfRegistersFree(VOID), CfChannelKeep(VOID),
	CfChannelFree(VOID), CfMapPrepare(VOID), CfMapUndo(VOID), CfFlushUndo(VOID),
	CfMapExPrepare(VOID), CfMapExUndo(VOID), CfFlushExUndo(VOID), CfNoList(VOID),
	CfListNew(VOID), CfListPut(VOID), CfWaiting(VOID), CfWaitingEnd(VOID), CfVectorNew(VOID),
	CfVectorFree(VOID), CfMdlPrepare(VOID), CfMdlUndo(VOID);
