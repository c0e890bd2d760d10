/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * All map registers are somebody else's: who may wait does, in order, and who may not is refused at
 * once (MR-2, SGL-3, X-10). On machines without such a limit there is nothing to see. See
 * conform.h.
 */
#include "conform.h"

#define SYNCHRONOUS DMA_SYNCHRONOUS_CALLBACK
#define LENGTH	    0x2345

static const CF_SPAN Span = {0x123, LENGTH};
static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)

static CF_BUFFER Buffer;
static CF_CONTEXT Context;

static BOOLEAN Begin(VOID)
{
	OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &Context);
	return CfLimited && CfBufferNew(&Buffer, 1, &Span);
}

static NTSTATUS Get(PCF_CALL Call, BOOLEAN Write)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->GetScatterGatherList(CfAdapter, CfFunctional, Buffer.Mdl,
		Buffer.Part[0].Va, LENGTH, CfListControl, Call, Write);

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS Build(PCF_CALL Call, BOOLEAN Write)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->BuildScatterGatherList(CfAdapter, CfFunctional,
		Buffer.Mdl, Buffer.Part[0].Va, LENGTH, CfListControl, Call, Write, THE_LIST,
		sizeof(Room));

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS GetEx(PCF_CALL Call, ULONG Flags)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->GetScatterGatherListEx(CfAdapter, CfFunctional, &Context,
		Buffer.Mdl, 0, LENGTH, Flags, CfListControl, Call, TRUE, NULL, NULL, NULL);

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS BuildEx(PCF_CALL Call, ULONG Flags)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->BuildScatterGatherListEx(CfAdapter, CfFunctional,
		&Context, Buffer.Mdl, 0, LENGTH, Flags, CfListControl, Call, TRUE, THE_LIST,
		sizeof(Room), NULL, NULL, NULL);

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS ChannelEx(PCF_CALL Call, ULONG Flags)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->AllocateAdapterChannelEx(
		CfAdapter, CfFunctional, &Context, 1, Flags, CfControl, Call, NULL);

	KeLowerIrql(Irql);
	return Status;
}

/* covers: DMA_OPERATIONS.AllocateAdapterChannel, DMA_OPERATIONS.FreeMapRegisters */
static VOID Channel(VOID)
{
	CF_CALL Call;

	if (!Begin())
		return;
	CfCallInitialize(&Call, DeallocateObjectKeepRegisters);
	if (CfTakeAll()) {
		STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
			CfAsk(CfAdapter, CfFunctional, 4, CfControl, &Call));
		CfNotCalled(&Call);
		CfGiveAll();
		CfCalled(&Call, CfFunctional);
		CfFreeRegisters(CfAdapter, Call.Base, 4);
	}
	CfBufferFree(&Buffer);
}

static ULONG Turn;

static VOID TakeTurn(PCF_CALL Call)
{
	Call->Context = (PVOID)(ULONG_PTR)++Turn;
}

/* covers: DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.PutScatterGatherList */
static VOID Lists(VOID)
{
	CF_CALL First, Second;

	if (!Begin())
		return;
	for (ULONG Write = FALSE; Write <= TRUE; Write++) {
		CfCallInitialize(&First, KeepObject);
		CfCallInitialize(&Second, KeepObject);
		First.Inside = Second.Inside = TakeTurn;
		Turn = 0;
		if (!CfTakeAll())
			break;
		CfBefore(&Buffer, 0, LENGTH, (BOOLEAN)Write);
		STATUS_IS(GetScatterGatherList, STATUS_SUCCESS, Get(&First, (BOOLEAN)Write));
		STATUS_IS(BuildScatterGatherList, STATUS_SUCCESS, Build(&Second, (BOOLEAN)Write));
		CfNotCalled(&First);
		EXPECT("calls", 0, First.Calls + Second.Calls);
		CfGiveAll();
		CfCalled(&First, CfFunctional);
		CfCalled(&Second, CfFunctional);
		EXPECT("the first's turn", 1, (ULONG_PTR)First.Context);
		EXPECT("the second's turn", 2, (ULONG_PTR)Second.Context);
		CfMove(Second.List, LENGTH, (BOOLEAN)Write);
		CfPut(CfAdapter, Second.List, (BOOLEAN)Write);
		CfAfter(&Buffer, 0, LENGTH, (BOOLEAN)Write);
		CfPut(CfAdapter, First.List, (BOOLEAN)Write);
	}
	CfBufferFree(&Buffer);
}

typedef NTSTATUS ASK(PCF_CALL Call, ULONG Flags);

/* W:pallocate_adapter_channel_ex, W:pget_scatter_gather_list_ex, W:pbuild_scatter_gather_list_ex,
 * W:pcancel_adapter_channel. covers: DMA_OPERATIONS.AllocateAdapterChannelEx,
 * DMA_OPERATIONS.GetScatterGatherListEx, DMA_OPERATIONS.BuildScatterGatherListEx,
 * DMA_OPERATIONS.CancelAdapterChannel */
static VOID Extended(VOID)
{
	static ASK *const Asks[] = {ChannelEx, GetEx, BuildEx};
	static const PCSTR Names[] = {
		"AllocateAdapterChannelEx", "GetScatterGatherListEx", "BuildScatterGatherListEx"};
	CF_CALL Call;

	if (!Begin())
		return;
	for (ULONG n = 0; n < ARRAYSIZE(Asks); n++) {
		if (!CfTakeAll())
			break;
		CfCallInitialize(&Call, DeallocateObject);
		CfReturns(Names[n], (ULONG)STATUS_INSUFFICIENT_RESOURCES,
			(ULONG)Asks[n](&Call, SYNCHRONOUS), __LINE__);
		EXPECT("a wait", STATUS_SUCCESS, (ULONG)Asks[n](&Call, 0));
		CfNotCalled(&Call);
		EXPECT("CancelAdapterChannel", TRUE,
			OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, CfFunctional, &Context));
		IS_FALSE(CancelAdapterChannel,
			OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, CfFunctional, &Context));
		EXPECT("a second wait", STATUS_SUCCESS, (ULONG)Asks[n](&Call, 0));
		CfNotCalled(&Call);
		EXPECT("calls of who was cancelled", 0, Call.Calls);
		CfGiveAll();
		CfCalled(&Call, CfFunctional);
		EXPECT("calls", 1, Call.Calls);
		IS_FALSE(CancelAdapterChannel,
			OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, CfFunctional, &Context));
		if (Asks[n] != ChannelEx)
			CfPut(CfAdapter, Call.List, TRUE);
	}
	CfBufferFree(&Buffer);
}

const CF_CHECK CfShortageChecks[] = {
	{"shortage/channel", Channel},
	{"shortage/lists", Lists},
	{"shortage/extended", Extended},
	{NULL, NULL},
};
