/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Table 2.2: each operation at each IRQL that its page allows, in a DPC, and at those next to them,
 * where it is wrong. The pages say nothing of what then happens; here a call that can do no harm is
 * carried out, one above DISPATCH_LEVEL is refused, and either is reported (0xE6/13). Nine members
 * have no documented IRQL; the table has what this implementation allows. See conform.h.
 */
#include "irql.h"

typedef enum _UNDO { UndoDone, UndoFailed, UndoAlways } UNDO;

typedef struct _OPERATION {
	PCSTR Name;
	KIRQL Lowest, Highest;
	BOOLEAN (*Call)(VOID); /* whether it did its work, as far as it says so */
	VOID (*Prepare)(VOID);
	VOID (*After)(VOID); /* takes back what was made, or what was prepared and not used */
	UNDO Undo;
} OPERATION;

#define PASSIVE	    PASSIVE_LEVEL, PASSIVE_LEVEL
#define TO_DISPATCH PASSIVE_LEVEL, DISPATCH_LEVEL
#define DISPATCH    DISPATCH_LEVEL, DISPATCH_LEVEL

static const OPERATION Operations[] = {
	{"PutDmaAdapter", TO_DISPATCH, CfPutDmaAdapter, CfOtherNew, CfOtherPut, UndoFailed},
	{"AllocateCommonBuffer", PASSIVE, CfAllocateCommonBuffer, NULL, CfCommonFree, UndoDone},
	{"FreeCommonBuffer", PASSIVE, CfFreeCommonBuffer, CfCommonNew, CfCommonFree, UndoFailed},
	{"AllocateAdapterChannel", DISPATCH, CfAllocateChannel, NULL, CfRegistersFree, UndoDone},
	{"FlushAdapterBuffers", TO_DISPATCH, CfFlush, CfMapPrepare, CfFlushUndo, UndoAlways},
	{"FreeAdapterChannel", DISPATCH, CfFreeChannel, CfChannelKeep, CfChannelFree, UndoFailed},
	{"FreeMapRegisters", DISPATCH, CfFreeMapRegisters, CfRegistersNew, CfRegistersFree,
		UndoFailed},
	{"MapTransfer", TO_DISPATCH, CfMap, CfRegistersNew, CfMapUndo, UndoAlways},
	{"GetDmaAlignment", PASSIVE, CfGetAlignment, NULL, NULL, UndoDone},
	{"ReadDmaCounter", TO_DISPATCH, CfReadCounter, NULL, NULL, UndoDone},
	{"GetScatterGatherList", DISPATCH, CfGetList, CfNoList, CfListPut, UndoDone},
	{"PutScatterGatherList", DISPATCH, CfPutList, CfListNew, CfListPut, UndoFailed},
	{"CalculateScatterGatherList", PASSIVE_LEVEL, HIGH_LEVEL, CfCalculate, NULL, NULL,
		UndoDone},
	{"BuildScatterGatherList", DISPATCH, CfBuildList, CfNoList, CfListPut, UndoDone},
	{"BuildMdlFromScatterGatherList", TO_DISPATCH, CfBuildMdl, CfListNew, CfListPut,
		UndoAlways},
	{"GetDmaAdapterInfo", TO_DISPATCH, CfAdapterInfo, NULL, NULL, UndoDone},
	{"GetDmaTransferInfo", TO_DISPATCH, CfTransferInfo, NULL, NULL, UndoDone},
	{"InitializeDmaTransferContext", TO_DISPATCH, CfInitializeContext, NULL, NULL, UndoDone},
	{"AllocateCommonBufferEx", PASSIVE, CfAllocateCommonBufferEx, NULL, CfCommonFree, UndoDone},
	{"AllocateAdapterChannelEx", DISPATCH, CfAllocateChannelEx, CfNoList, CfRegistersFree,
		UndoDone},
	{"ConfigureAdapterChannel", TO_DISPATCH, CfConfigure, NULL, NULL, UndoDone},
	{"CancelAdapterChannel", TO_DISPATCH, CfCancel, CfWaiting, CfWaitingEnd, UndoAlways},
	{"MapTransferEx", TO_DISPATCH, CfMapEx, CfRegistersNew, CfMapExUndo, UndoAlways},
	{"GetScatterGatherListEx", TO_DISPATCH, CfGetListEx, CfNoList, CfListPut, UndoDone},
	{"BuildScatterGatherListEx", DISPATCH, CfBuildListEx, CfNoList, CfListPut, UndoDone},
	{"FlushAdapterBuffersEx", TO_DISPATCH, CfFlushEx, CfMapExPrepare, CfFlushExUndo,
		UndoAlways},
	{"FreeAdapterObject", TO_DISPATCH, CfFreeObject, CfChannelKeep, CfChannelFree, UndoFailed},
	{"CancelMappedTransfer", TO_DISPATCH, CfCancelMapped, CfNoList, NULL, UndoDone},
	{"AllocateDomainCommonBuffer", PASSIVE, CfAllocateDomain, CfOtherNew, CfDomainFree,
		UndoAlways},
	{"FlushDmaBuffer", TO_DISPATCH, CfFlushDma, NULL, NULL, UndoDone},
	{"JoinDmaDomain", PASSIVE, CfJoin, CfOtherNew, CfOtherPut, UndoAlways},
	{"LeaveDmaDomain", PASSIVE, CfLeave, CfJoined, CfOtherPut, UndoAlways},
	{"GetDmaDomain", PASSIVE, CfGetDomain, NULL, NULL, UndoDone},
	{"AllocateCommonBufferWithBounds", PASSIVE, CfAllocateBounds, NULL, CfCommonFree, UndoDone},
	{"AllocateCommonBufferVector", TO_DISPATCH, CfAllocateVector, NULL, CfVectorFree, UndoDone},
	{"GetCommonBufferFromVectorByIndex", TO_DISPATCH, CfGetFromVector, CfVectorNew,
		CfVectorFree, UndoAlways},
	{"FreeCommonBufferFromVector", TO_DISPATCH, CfFreeFromVector, CfVectorNew, CfVectorFree,
		UndoAlways},
	{"FreeCommonBufferVector", TO_DISPATCH, CfFreeVector, CfVectorNew, CfVectorFree,
		UndoFailed},
	{"CreateCommonBufferFromMdl", PASSIVE, CfFromMdl, CfMdlPrepare, CfMdlUndo, UndoAlways},
};

static PCSTR IrqlName(KIRQL Irql)
{
	static const PCSTR Names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};

	return Irql <= DISPATCH_LEVEL ? Names[Irql] : "HIGH_LEVEL";
}

static VOID Finish(const OPERATION *Operation, KIRQL Irql, BOOLEAN Done)
{
	BOOLEAN Expected = Irql <= DISPATCH_LEVEL || Operation->Highest == HIGH_LEVEL;

	EXPECT("that the call is carried out", Expected, Done);
	if (Operation->After != NULL &&
		(Operation->Undo == UndoAlways || Done == (Operation->Undo == UndoDone)))
		Operation->After();
	EXPECT("IRQL afterwards", PASSIVE_LEVEL, KeGetCurrentIrql());
	CfEnd();
}

static VOID At(const OPERATION *Operation, KIRQL Irql)
{
	BOOLEAN Done;
	KIRQL Old;

	CfBegin("irql/%s/%s", Operation->Name, IrqlName(Irql));
	CfSet.Did = TRUE;
	if (Operation->Prepare != NULL)
		Operation->Prepare();
	if (Irql < Operation->Lowest || Irql > Operation->Highest)
		CfViolates(0xe6000013, "%s called at IRQL %u", Operation->Name, Irql);
	CfSet.Irql = Irql;
	KeRaiseIrql(Irql, &Old);
	Done = Operation->Call();
	KeLowerIrql(Old);
	KeFlushQueuedDpcs();
	Finish(Operation, Irql, Done);
}

typedef struct _WORK {
	const OPERATION *Operation;
	BOOLEAN Ran, Done;
} WORK;

static VOID Dpc(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
	WORK *Work = Context;

	CfSet.Irql = KeGetCurrentIrql();
	Work->Done = Work->Operation->Call();
	Work->Ran = TRUE;
}

static VOID InDpc(const OPERATION *Operation)
{
	WORK Work = {.Operation = Operation};
	KDPC Object;

	CfBegin("irql/%s/DPC", Operation->Name);
	CfSet.Did = TRUE;
	if (Operation->Prepare != NULL)
		Operation->Prepare();
	KeInitializeDpc(&Object, Dpc, &Work);
	KeInsertQueueDpc(&Object, NULL, NULL);
	KeFlushQueuedDpcs();
	EXPECT("that the DPC has run", TRUE, Work.Ran);
	KeFlushQueuedDpcs();
	Finish(Operation, DISPATCH_LEVEL, Work.Done);
}

/* 2.2; each member alone is covered where its own answers are checked. */
VOID CfIrqlChecks(VOID)
{
	static const CF_SPAN Span = {0x123, 2 * PAGE_SIZE};

	CfState = ExAllocatePoolWithTag(NonPagedPool, sizeof(*CfState), CF_TAG);
	if (CfState == NULL || !CfBufferNew(&CfSet.Buffer, 1, &Span))
		return;
	for (ULONG n = 0; n < ARRAYSIZE(Operations); n++) {
		const OPERATION *Operation = &Operations[n];

		for (KIRQL Irql = PASSIVE_LEVEL; Irql <= DISPATCH_LEVEL; Irql++)
			At(Operation, Irql);
		if (Operation->Highest >= DISPATCH_LEVEL) {
			At(Operation, HIGH_LEVEL);
			InDpc(Operation);
		}
	}
	CfBufferFree(&CfSet.Buffer);
	ExFreePoolWithTag(CfState, CF_TAG);
}
