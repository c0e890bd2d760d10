/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Lists of versions 1 and 2 that are refused, and lists that are put wrongly; SGL-2, SZ-6, X-2 ...
 * See conform.h. */
#include "conform.h"

static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)
#define SIZE	 ((ULONG)sizeof(Room))

static CF_CALL Call;

static NTSTATUS Get(
	PDMA_ADAPTER Adapter, PMDL Mdl, PVOID Va, ULONG Length, PDRIVER_LIST_CONTROL Routine)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(Adapter)->GetScatterGatherList(
		Adapter, CfFunctional, Mdl, Va, Length, Routine, &Call, TRUE);

	KeLowerIrql(Irql);
	return Status;
}

static NTSTATUS Build(PDMA_ADAPTER Adapter, PMDL Mdl, PVOID Va, ULONG Length,
	PDRIVER_LIST_CONTROL Routine, PVOID Buffer, ULONG Size)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(Adapter)->BuildScatterGatherList(
		Adapter, CfFunctional, Mdl, Va, Length, Routine, &Call, TRUE, Buffer, Size);

	KeLowerIrql(Irql);
	return Status;
}

/* The three of them refuse it alike. */
static VOID Refused(PMDL Mdl, PVOID Va, ULONG Length, NTSTATUS Status, ULONG Number, PCSTR Text)
{
	ULONG Size;

	CfViolates(Number, "%s", Text);
	STATUS_IS(GetScatterGatherList, Status, Get(CfAdapter, Mdl, Va, Length, CfListControl));
	CfViolates(Number, "%s", Text);
	STATUS_IS(BuildScatterGatherList, Status,
		Build(CfAdapter, Mdl, Va, Length, CfListControl, THE_LIST, SIZE));
	if (Mdl == NULL || Number == 0xe600000e)
		return; /* Calculate's Mdl is optional, and its pages are not looked at */
	CfViolates(Number, "%s", Text);
	STATUS_IS(CalculateScatterGatherList, Status,
		OPS(CfAdapter)->CalculateScatterGatherList(
			CfAdapter, Mdl, Va, Length, &Size, NULL));
}

/* SZ-9. covers: DMA_OPERATIONS.GetScatterGatherList,
 * DMA_OPERATIONS.BuildScatterGatherList, DMA_OPERATIONS.CalculateScatterGatherList */
static VOID WrongBuffer(VOID)
{
	static const CF_SPAN Spans[] = {{0x10, PAGE_SIZE}, {0x800, 16}};
	CF_BUFFER Buffer;
	PUCHAR Va, End;
	PMDL Mdl;

	if (!CfBufferNew(&Buffer, 2, Spans))
		return;
	CfCallInitialize(&Call, KeepObject);
	Mdl = Buffer.Mdl;
	Va = Buffer.Part[0].Va;
	End = Va + PAGE_SIZE;
	Refused(Mdl, Va, 0, STATUS_INVALID_PARAMETER, 0xe6000021, "a list of length 0");
	Refused(NULL, Va, 1, STATUS_INVALID_PARAMETER, 0, "without an MDL");
	Refused(Mdl, Va - 1, 1, STATUS_INVALID_PARAMETER, 0xe600001f, "lies before the first MDL");
	Refused(Mdl, End, 1, STATUS_INVALID_PARAMETER, 0xe600001f, "lies after the first MDL");
	Refused(Mdl, Buffer.Part[1].Va, 1, STATUS_INVALID_PARAMETER, 0xe600001f, "the first MDL");
	Refused(Mdl, Va, PAGE_SIZE + 17, STATUS_BUFFER_TOO_SMALL, 0xe6000024,
		"ends 1 bytes before");
	Refused(Mdl, End - 1, 0xffffffff, STATUS_BUFFER_TOO_SMALL, 0xe6000024,
		"the MDL chain ends");
	Buffer.Part[1].Mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
	Refused(Mdl, Va, PAGE_SIZE + 16, STATUS_INVALID_PARAMETER, 0xe600000e,
		"neither locked nor built");
	Buffer.Part[1].Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	CfNotCalled(&Call);
	EXPECT("calls", 0, Call.Calls);
	CfBufferFree(&Buffer);
}

/* covers: DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.CalculateScatterGatherList, DMA_OPERATIONS.BuildMdlFromScatterGatherList */
static VOID NoPlace(VOID)
{
	static const CF_SPAN Span = {0x10, PAGE_SIZE};
	PSCATTER_GATHER_LIST Made;
	CF_BUFFER Buffer;
	PMDL Mdl;
	PVOID Va;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Mdl = Buffer.Mdl;
	Va = Buffer.Part[0].Va;
	CfCallInitialize(&Call, KeepObject);
	CfViolates(0, "without a routine to give it to");
	STATUS_IS(GetScatterGatherList, STATUS_INVALID_PARAMETER, Get(CfAdapter, Mdl, Va, 1, NULL));
	CfViolates(0, "without a routine to give it to");
	STATUS_IS(BuildScatterGatherList, STATUS_INVALID_PARAMETER,
		Build(CfAdapter, Mdl, Va, 1, NULL, THE_LIST, SIZE));
	CfViolates(0, "no list can stand at");
	STATUS_IS(BuildScatterGatherList, STATUS_INVALID_PARAMETER,
		Build(CfAdapter, Mdl, Va, 1, CfListControl, NULL, SIZE));
	CfViolates(0, "no list can stand at");
	STATUS_IS(BuildScatterGatherList, STATUS_INVALID_PARAMETER,
		Build(CfAdapter, Mdl, Va, 1, CfListControl, (PUCHAR)THE_LIST + 4, SIZE - 4));
	CfViolates(0, "CalculateScatterGatherList without a place for the size");
	STATUS_IS(CalculateScatterGatherList, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->CalculateScatterGatherList(CfAdapter, Mdl, Va, 1, NULL, NULL));
	Made = CfGet(CfAdapter, &Buffer, 0, 1, TRUE);
	CfViolates(0, "BuildMdlFromScatterGatherList without a place for the MDL");
	STATUS_IS(BuildMdlFromScatterGatherList, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->BuildMdlFromScatterGatherList(CfAdapter, Made, Mdl, NULL));
	CfPut(CfAdapter, Made, TRUE);
	CfNotCalled(&Call);
	CfBufferFree(&Buffer);
}

/* SGL-2, MR-2, SZ-5, X-2: documented, so nobody complains. covers:
 * DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.CalculateScatterGatherList */
static VOID TooMuch(VOID)
{
	static const CF_SPAN Span = {0, 3 * PAGE_SIZE};
	ULONG Registers, Size = 0, Unused;
	PDMA_ADAPTER Adapter = CfAdapterNew(2, TRUE, PAGE_SIZE, &Registers);
	CF_BUFFER Buffer;
	PVOID Va;

	EXPECT("registers for a page anywhere", 2, Registers); /* D-5 */
	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Va = Buffer.Part[0].Va;
	CfCallInitialize(&Call, KeepObject);
	STATUS_IS(GetScatterGatherList, STATUS_INSUFFICIENT_RESOURCES,
		Get(Adapter, Buffer.Mdl, Va, Span.Length, CfListControl));
	STATUS_IS(BuildScatterGatherList, STATUS_INSUFFICIENT_RESOURCES,
		Build(Adapter, Buffer.Mdl, Va, Span.Length, CfListControl, THE_LIST, SIZE));
	STATUS_IS(CalculateScatterGatherList, STATUS_INSUFFICIENT_RESOURCES,
		OPS(Adapter)->CalculateScatterGatherList(
			Adapter, Buffer.Mdl, Va, Span.Length, &Unused, &Unused));
	STATUS_IS(CalculateScatterGatherList, STATUS_INSUFFICIENT_RESOURCES,
		OPS(Adapter)->CalculateScatterGatherList(
			Adapter, NULL, Va, Span.Length, &Unused, &Unused));
	/* One byte less than Calculate says. */
	STATUS_IS(CalculateScatterGatherList, STATUS_SUCCESS,
		OPS(Adapter)->CalculateScatterGatherList(
			Adapter, Buffer.Mdl, Va, 2 * PAGE_SIZE, &Size, NULL));
	STATUS_IS(BuildScatterGatherList, STATUS_BUFFER_TOO_SMALL,
		Build(Adapter, Buffer.Mdl, Va, 2 * PAGE_SIZE, CfListControl, THE_LIST, Size - 1));
	STATUS_IS(BuildScatterGatherList, STATUS_BUFFER_TOO_SMALL,
		Build(Adapter, Buffer.Mdl, Va, 2 * PAGE_SIZE, CfListControl, THE_LIST, 0));
	CfNotCalled(&Call);
	EXPECT("calls", 0, Call.Calls);
	STATUS_IS(BuildScatterGatherList, STATUS_SUCCESS,
		Build(Adapter, Buffer.Mdl, Va, 2 * PAGE_SIZE, CfListControl, THE_LIST, Size));
	CfCalled(&Call, CfFunctional);
	CfPut(Adapter, Call.List, TRUE);
	CfAdapterPut(Adapter);
	CfBufferFree(&Buffer);
}

static VOID PutWrong(PDMA_ADAPTER Adapter, PSCATTER_GATHER_LIST Which, PCSTR Text)
{
	CfViolates(0xe6000006, "%s", Text);
	CfPut(Adapter, Which, TRUE);
}

/* SG-10: reported, and nothing is freed that is not the list's. covers:
 * DMA_OPERATIONS.PutScatterGatherList, DMA_OPERATIONS.BuildMdlFromScatterGatherList,
 * DMA_OPERATIONS.BuildScatterGatherList */
static VOID PutWrongly(VOID)
{
	static const CF_SPAN Span = {0x10, PAGE_SIZE};
	PDMA_ADAPTER Other = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	PSCATTER_GATHER_LIST Made;
	PMDL Target = NULL;
	CF_BUFFER Buffer;
	KIRQL Irql;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	CfBefore(&Buffer, 0, Span.Length, FALSE);
	Made = CfGet(CfAdapter, &Buffer, 0, Span.Length, FALSE);
	PutWrong(CfAdapter, NULL, "there is none");
	PutWrong(CfAdapter, THE_LIST, "no Build or Get made it");
	PutWrong(Other, Made, "it belongs to another adapter");
	CfViolates(0xe6000006, "BuildMdlFromScatterGatherList of the list at");
	STATUS_IS(BuildMdlFromScatterGatherList, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->BuildMdlFromScatterGatherList(
			CfAdapter, THE_LIST, Buffer.Mdl, &Target));
	CfMove(Made, Span.Length, FALSE);
	CfViolates(0, "names the wrong direction");
	CfPut(CfAdapter, Made, TRUE);
	CfAfter(&Buffer, 0, Span.Length, FALSE); /* Get's direction held */
	PutWrong(CfAdapter, Made, "it has been put already");
	/* Where a list is, none can be built. */
	CfCallInitialize(&Call, KeepObject);
	STATUS_IS(BuildScatterGatherList, STATUS_SUCCESS,
		Build(CfAdapter, Buffer.Mdl, Buffer.Part[0].Va, 16, CfListControl, THE_LIST, SIZE));
	CfCalled(&Call, CfFunctional);
	CfViolates(0, "where one is that was not put");
	STATUS_IS(BuildScatterGatherList, STATUS_INVALID_PARAMETER,
		Build(CfAdapter, Buffer.Mdl, Buffer.Part[0].Va, 16, CfListControl, THE_LIST, SIZE));
	CfPut(CfAdapter, THE_LIST, TRUE);
	/* Its routine still has to get it (SG-7). */
	CfCallInitialize(&Call, KeepObject);
	Irql = KeRaiseIrqlToDpcLevel();
	STATUS_IS(BuildScatterGatherList, STATUS_SUCCESS,
		Build(CfAdapter, Buffer.Mdl, Buffer.Part[0].Va, 16, CfListControl, THE_LIST, SIZE));
	/* Another processor may call it; here it waits for a lower IRQL. */
	for (ULONG n = 0; n < 1000 && *(volatile ULONG *)&Call.Calls == 0; n++)
		KeStallExecutionProcessor(10);
	if (*(volatile ULONG *)&Call.Calls == 0)
		PutWrong(CfAdapter, THE_LIST, "its routine has not been called yet");
	KeLowerIrql(Irql);
	CfCalled(&Call, CfFunctional);
	CfPut(CfAdapter, THE_LIST, TRUE);
	CfBufferFree(&Buffer);
	CfAdapterPut(Other);
}

const CF_CHECK CfListFailures[] = {
	{"list/wrong buffer", WrongBuffer},
	{"list/no place", NoPlace},
	{"list/too much", TooMuch},
	{"list/put wrongly", PutWrongly},
	{NULL, NULL},
};
