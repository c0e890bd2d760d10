/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* GetScatterGatherListEx and BuildScatterGatherListEx: from an offset into the chain, at once or
 * cancelled; 2.5, X-30, X-34. See conform.h. */
#include "conform.h"

#define SYNCHRONOUS DMA_SYNCHRONOUS_CALLBACK

static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)

static CF_CONTEXT Context;
static CF_BUFFER Buffer;

/* What both take; Build's has a buffer. */
typedef struct _ASK {
	PCF_CONTEXT Context;
	PMDL Mdl;
	ULONG64 Offset;
	ULONG Length, Flags;
	PDRIVER_LIST_CONTROL Routine;
	PCF_CALL Call;
	BOOLEAN Write;
	PVOID Completion;
	PSCATTER_GATHER_LIST *Out;
} ASK;

static NTSTATUS GetAt(PDMA_ADAPTER Adapter, const ASK *Ask)
{
	return OPS(Adapter)->GetScatterGatherListEx(Adapter, CfFunctional, Ask->Context, Ask->Mdl,
		Ask->Offset, Ask->Length, Ask->Flags, Ask->Routine, Ask->Call, Ask->Write,
		(PDMA_COMPLETION_ROUTINE)Ask->Completion, NULL, Ask->Out);
}

static NTSTATUS BuildAt(PDMA_ADAPTER Adapter, const ASK *Ask, PVOID At, ULONG Size)
{
	return OPS(Adapter)->BuildScatterGatherListEx(Adapter, CfFunctional, Ask->Context, Ask->Mdl,
		Ask->Offset, Ask->Length, Ask->Flags, Ask->Routine, Ask->Call, Ask->Write, At, Size,
		(PDMA_COMPLETION_ROUTINE)Ask->Completion, NULL, Ask->Out);
}

static NTSTATUS Get(PDMA_ADAPTER Adapter, const ASK *Ask)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = GetAt(Adapter, Ask);

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS Build(PDMA_ADAPTER Adapter, const ASK *Ask, PVOID At, ULONG Size)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = BuildAt(Adapter, Ask, At, Size);

	KeLowerIrql(Irql);
	return Status;
}

static VOID Fresh(VOID)
{
	OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &Context);
}

static BOOLEAN ChainNew(VOID)
{
	static const CF_SPAN Spans[] = {{0xfff, PAGE_SIZE + 1}, {0x10, 0x20}, {0x234, 0x2468}};

	Fresh();
	return CfBufferNew(&Buffer, ARRAYSIZE(Spans), Spans);
}

/* All of the chain from an offset on, size as GetDmaTransferInfo has it. */
static ASK Whole(PCF_CALL Call, ULONG From, BOOLEAN Write)
{
	return (ASK){.Context = &Context,
		.Mdl = Buffer.Mdl,
		.Offset = From,
		.Length = Buffer.Length - From,
		.Routine = CfListControl,
		.Call = Call,
		.Write = Write};
}

static ULONG SizeOf(const ASK *Ask)
{
	DMA_TRANSFER_INFO Info = {.Version = DMA_TRANSFER_INFO_VERSION1};

	STATUS_IS(GetDmaTransferInfo, STATUS_SUCCESS,
		OPS(CfAdapter)->GetDmaTransferInfo(
			CfAdapter, Ask->Mdl, Ask->Offset, Ask->Length, FALSE, &Info));
	EXPECT("a size that fits here", TRUE, Info.V1.ScatterGatherListSize <= sizeof(Room));
	return Info.V1.ScatterGatherListSize;
}

static VOID Use(PSCATTER_GATHER_LIST Made, const ASK *Ask)
{
	CfMove(Made, Ask->Length, Ask->Write);
	CfPut(CfAdapter, Made, Ask->Write);
	CfAfter(&Buffer, (ULONG)Ask->Offset, Ask->Length, Ask->Write);
}

static NTSTATUS Either(BOOLEAN IsBuild, const ASK *Ask)
{
	return IsBuild ? Build(CfAdapter, Ask, THE_LIST, SizeOf(Ask)) : Get(CfAdapter, Ask);
}

/* covers: DMA_OPERATIONS.GetScatterGatherListEx, DMA_OPERATIONS.BuildScatterGatherListEx,
 * DMA_OPERATIONS.GetDmaTransferInfo, DMA_OPERATIONS.PutScatterGatherList */
static VOID Asynchronous(VOID)
{
	static const ULONG Offsets[] = {0, 0x1000, 0x1001, 0x1021, 0x2345};
	CF_CALL Call;

	if (!ChainNew())
		return;
	for (ULONG n = 0; n < 4 * ARRAYSIZE(Offsets); n++) {
		ASK Ask = Whole(&Call, Offsets[n / 4], n & 1);

		CfCallInitialize(&Call, KeepObject);
		CfBefore(&Buffer, Offsets[n / 4], Ask.Length, Ask.Write);
		EXPECT("status", STATUS_SUCCESS, (ULONG)Either(n & 2, &Ask));
		if (CfCalled(&Call, CfFunctional))
			Use(Call.List, &Ask);
	}
	CfBufferFree(&Buffer);
}

/* "In the context of the calling thread, before it returns." covers:
 * DMA_OPERATIONS.GetScatterGatherListEx, DMA_OPERATIONS.BuildScatterGatherListEx */
static VOID SynchronousRoutine(VOID)
{
	if (!ChainNew())
		return;
	for (ULONG n = 0; n < 8; n++) {
		PSCATTER_GATHER_LIST Out = NULL;
		BOOLEAN IsBuild = n & 2, WithOut = n & 4;
		ULONG Calls, Size;
		NTSTATUS Status;
		CF_CALL Call;
		ASK Ask = Whole(&Call, 0x1003, n & 1);
		KIRQL Irql;

		Ask.Flags = SYNCHRONOUS;
		Ask.Out = WithOut ? &Out : NULL;
		CfCallInitialize(&Call, KeepObject);
		CfBefore(&Buffer, 0x1003, Ask.Length, Ask.Write);
		Size = SizeOf(&Ask);
		Irql = KeRaiseIrqlToDpcLevel();
		Status =
			IsBuild ? BuildAt(CfAdapter, &Ask, THE_LIST, Size) : GetAt(CfAdapter, &Ask);
		Calls = Call.Calls;
		KeLowerIrql(Irql);
		EXPECT("status", STATUS_SUCCESS, (ULONG)Status);
		EXPECT("calls before the return", 1, Calls);
		if (!CfCalled(&Call, CfFunctional))
			break;
		if (WithOut)
			EXPECT("the list", (ULONG_PTR)Call.List, (ULONG_PTR)Out);
		if (IsBuild)
			EXPECT("the caller's buffer", (ULONG_PTR)THE_LIST, (ULONG_PTR)Call.List);
		Use(Call.List, &Ask);
	}
	CfBufferFree(&Buffer);
}

/* without a routine the adapter is the caller's until FreeAdapterObject, which leaves the
 * list alive. covers: DMA_OPERATIONS.GetScatterGatherListEx,
 * DMA_OPERATIONS.BuildScatterGatherListEx, DMA_OPERATIONS.FreeAdapterObject,
 * DMA_OPERATIONS.PutScatterGatherList */
static VOID SynchronousNoRoutine(VOID)
{
	if (!ChainNew())
		return;
	for (ULONG n = 0; n < 8; n++) {
		PSCATTER_GATHER_LIST Out = NULL, Second = NULL;
		BOOLEAN IsBuild = n & 2, FreeFirst = n & 4;
		ASK Ask = Whole(NULL, 1, n & 1);
		KIRQL Irql;

		Ask.Flags = SYNCHRONOUS;
		Ask.Routine = NULL;
		Ask.Out = &Out;
		CfBefore(&Buffer, 1, Ask.Length, Ask.Write);
		EXPECT("status", STATUS_SUCCESS, (ULONG)Either(IsBuild, &Ask));
		if (!EXPECT("a list", TRUE, Out != NULL))
			break;
		if (IsBuild)
			EXPECT("the caller's buffer", (ULONG_PTR)THE_LIST, (ULONG_PTR)Out);
		/* The adapter is not free now, and a synchronous caller does not wait. */
		EXPECT("a channel", 0, (ULONG_PTR)CfChannel(CfAdapter, 1, DeallocateObject));
		Ask.Out = &Second;
		CfViolates(0, "the transfer context is that of a request which has not ended");
		EXPECT("status of the same context", (ULONG)STATUS_INVALID_PARAMETER,
			(ULONG)Get(CfAdapter, &Ask));
		Irql = KeRaiseIrqlToDpcLevel();
		if (FreeFirst)
			OPS(CfAdapter)->FreeAdapterObject(CfAdapter, DeallocateObject);
		KeLowerIrql(Irql);
		Use(Out, &Ask);
		if (!FreeFirst)
			OPS(CfAdapter)->FreeAdapterObject(CfAdapter, DeallocateObjectKeepRegisters);
		EXPECT("a channel that is free", TRUE,
			CfChannel(CfAdapter, 1, DeallocateObject) != NULL);
	}
	CfBufferFree(&Buffer);
}

static VOID Refused(const ASK *Ask, NTSTATUS Status, ULONG Number, PCSTR Text)
{
	if (Text != NULL)
		CfViolates(Number, "%s", Text);
	STATUS_IS(GetScatterGatherListEx, Status, Get(CfAdapter, Ask));
	if (Text != NULL)
		CfViolates(Number, "%s", Text);
	STATUS_IS(BuildScatterGatherListEx, Status, Build(CfAdapter, Ask, THE_LIST, sizeof(Room)));
}

/* W:pget_scatter_gather_list_ex, W:pbuild_scatter_gather_list_ex. covers:
 * DMA_OPERATIONS.GetScatterGatherListEx, DMA_OPERATIONS.BuildScatterGatherListEx */
static VOID WrongArguments(VOID)
{
	PSCATTER_GATHER_LIST Out = NULL;
	CF_CONTEXT Zero = {{0}};
	CF_CALL Call;
	ASK Good, Ask;

	if (!ChainNew())
		return;
	CfCallInitialize(&Call, KeepObject);
	Good = Whole(&Call, 0, TRUE);
	Ask = Good, Ask.Routine = NULL, Ask.Out = &Out;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "only a synchronous caller may do without");
	Ask = Good, Ask.Routine = NULL, Ask.Flags = SYNCHRONOUS;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "neither a routine nor a place for the list");
	Ask = Good, Ask.Flags = 8;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "with flags 0x8");
	Ask = Good, Ask.Completion = &Call;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "a bus master has no completion routine");
	Ask = Good, Ask.Context = NULL;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "there is no transfer context");
	Ask = Good, Ask.Context = &Zero;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "the transfer context was not made");
	Ask = Good, Ask.Mdl = NULL;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0, "there is no MDL");
	/* Offset 0 ... N - 1, Length 1 ... N - Offset */
	Ask = Good, Ask.Length = 0;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0xe6000021, "a list of length 0");
	Ask = Good, Ask.Offset = Buffer.Length, Ask.Length = 1;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0xe600001b, "lies behind the end of the MDL chain");
	Ask = Good, Ask.Length++;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0xe6000024, "the MDL chain ends 1 bytes before");
	Ask = Good, Ask.Offset = Buffer.Length - 1, Ask.Length = 0xffffffff;
	Refused(&Ask, STATUS_INVALID_PARAMETER, 0xe6000024, "the MDL chain ends");
	CfViolates(0, "BuildScatterGatherListEx: there is no place for the list");
	STATUS_IS(BuildScatterGatherListEx, STATUS_INVALID_PARAMETER,
		Build(CfAdapter, &Good, NULL, sizeof(Room)));
	CfNotCalled(&Call);
	EXPECT("calls", 0, Call.Calls);
	EXPECT("a list", 0, (ULONG_PTR)Out);
	CfBufferFree(&Buffer);
}

/* Documented, so nobody complains. covers: DMA_OPERATIONS.GetScatterGatherListEx,
 * DMA_OPERATIONS.BuildScatterGatherListEx, DMA_OPERATIONS.InitializeDmaTransferContext */
static VOID TooMuch(VOID)
{
	PDMA_ADAPTER Adapter = CfAdapterNew(3, TRUE, PAGE_SIZE, NULL);
	PSCATTER_GATHER_LIST Out;
	CF_CALL Call;
	ASK Ask;

	if (!ChainNew())
		return;
	CfCallInitialize(&Call, KeepObject);
	for (ULONG Flags = 0; Flags <= SYNCHRONOUS; Flags++) {
		Ask = Whole(&Call, 0, TRUE);
		Ask.Flags = Flags;
		STATUS_IS(
			GetScatterGatherListEx, STATUS_INSUFFICIENT_RESOURCES, Get(Adapter, &Ask));
		STATUS_IS(BuildScatterGatherListEx, STATUS_INSUFFICIENT_RESOURCES,
			Build(Adapter, &Ask, THE_LIST, sizeof(Room)));
		/* "The caller-supplied buffer is too small to contain the list." */
		STATUS_IS(BuildScatterGatherListEx, STATUS_BUFFER_TOO_SMALL,
			Build(CfAdapter, &Ask, THE_LIST, SizeOf(&Ask) - 1));
	}
	/* Synchronous, and the adapter is not free. */
	CfChannel(CfAdapter, 1, KeepObject);
	Ask.Routine = NULL;
	Ask.Out = &Out;
	STATUS_IS(GetScatterGatherListEx, STATUS_INSUFFICIENT_RESOURCES, Get(CfAdapter, &Ask));
	STATUS_IS(BuildScatterGatherListEx, STATUS_INSUFFICIENT_RESOURCES,
		Build(CfAdapter, &Ask, THE_LIST, sizeof(Room)));
	CfRelease(CfAdapter);
	CfNotCalled(&Call);
	EXPECT("calls", 0, Call.Calls);
	CfAdapterPut(Adapter);
	CfBufferFree(&Buffer);
}

#define QUIET 0x77

static VOID Hush(VOID)
{
	for (ULONG n = 0; n < Buffer.Parts; n++)
		RtlFillMemory(Buffer.Part[n].Va, Buffer.Part[n].Length, QUIET);
}

static ULONG Noise(VOID)
{
	ULONG Sum = 0;

	for (ULONG n = 0; n < Buffer.Parts; n++)
		for (ULONG i = 0; i < Buffer.Part[n].Length; i++)
			Sum += Buffer.Part[n].Va[i] != QUIET;
	return Sum;
}

/* The answer tells whether the routine is called; if it is not, nothing has been read. covers:
 * DMA_OPERATIONS.CancelAdapterChannel, DMA_OPERATIONS.GetScatterGatherListEx,
 * DMA_OPERATIONS.BuildScatterGatherListEx */
static VOID Cancelled(VOID)
{
	if (!ChainNew())
		return;
	for (ULONG n = 0; n < 16; n++) {
		BOOLEAN Done, IsBuild = n & 1, Late = n & 2;
		CF_CALL Call;
		ASK Ask = Whole(&Call, 0, n & 4);
		KIRQL Irql;

		Hush();
		CfCallInitialize(&Call, KeepObject);
		Irql = KeRaiseIrqlToDpcLevel();
		EXPECT("status", STATUS_SUCCESS,
			(ULONG)(IsBuild ? BuildAt(CfAdapter, &Ask, THE_LIST, sizeof(Room))
					: GetAt(CfAdapter, &Ask)));
		if (Late)
			KeLowerIrql(Irql);
		Done = OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, CfFunctional, &Context);
		if (!Late)
			KeLowerIrql(Irql);
		if (Done) {
			CfNotCalled(&Call);
			EXPECT("calls", 0, Call.Calls);
			EXPECT("bytes read into the buffer", 0, Noise());
		} else if (CfCalled(&Call, CfFunctional)) {
			IS_FALSE(CancelAdapterChannel, OPS(CfAdapter)->CancelAdapterChannel(
							       CfAdapter, CfFunctional, &Context));
			CfPut(CfAdapter, Call.List, Ask.Write);
		}
	}
	CfBufferFree(&Buffer);
}

const CF_CHECK CfListExChecks[] = {
	{"list ex/asynchronous", Asynchronous},
	{"list ex/synchronous with a routine", SynchronousRoutine},
	{"list ex/synchronous without one", SynchronousNoRoutine},
	{"list ex/wrong arguments", WrongArguments},
	{"list ex/too much", TooMuch},
	{"list ex/cancelled", Cancelled},
	{NULL, NULL},
};
