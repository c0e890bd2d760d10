/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Scatter/gather lists of versions 1 and 2: got, built, measured, put back; 2.3, 2.4. See
 * conform.h. What fails is in list_bad.c. */
#include "conform.h"

static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)

static NTSTATUS Calculate(
	PDMA_ADAPTER Adapter, PMDL Mdl, PVOID Va, ULONG Length, PULONG Size, PULONG Registers)
{
	return OPS(Adapter)->CalculateScatterGatherList(Adapter, Mdl, Va, Length, Size, Registers);
}

/* Pages of [From, From + Length) of the chain, for each MDL by itself. */
static ULONG Pages(const CF_BUFFER *Buffer, ULONG From, ULONG Length)
{
	ULONG Sum = 0;

	for (ULONG n = 0; n < Buffer->Parts && Length > 0; n++) {
		ULONG Here = Buffer->Part[n].Length - min(From, Buffer->Part[n].Length);

		Here = min(Here, Length);
		if (Here > 0)
			Sum += ADDRESS_AND_SIZE_TO_SPAN_PAGES(Buffer->Part[n].Va + From, Here);
		From -= min(From, Buffer->Part[n].Length);
		Length -= Here;
	}
	return Sum;
}

/* A list of [From, From + Length), From in the first MDL: Get's where Size is 0, else Build's. */
static PSCATTER_GATHER_LIST Make(PDMA_ADAPTER Adapter, PCF_BUFFER Buffer, ULONG From, ULONG Length,
	BOOLEAN Write, ULONG Size)
{
	PUCHAR Va = Buffer->Part[0].Va + From;
	NTSTATUS Status;
	CF_CALL Call;
	KIRQL Irql;

	if (Size == 0)
		return CfGet(Adapter, Buffer, From, Length, Write);
	CfCallInitialize(&Call, KeepObject);
	Irql = KeRaiseIrqlToDpcLevel();
	Status = OPS(Adapter)->BuildScatterGatherList(Adapter, CfFunctional, Buffer->Mdl, Va,
		Length, CfListControl, &Call, Write, THE_LIST, Size);
	KeLowerIrql(Irql);
	if (!STATUS_IS(BuildScatterGatherList, STATUS_SUCCESS, Status) ||
		!CfCalled(&Call, CfFunctional))
		return NULL;
	EXPECT("the list that was built", (ULONG_PTR)THE_LIST, (ULONG_PTR)Call.List);
	return Call.List;
}

static VOID Transfer(PDMA_ADAPTER Adapter, PCF_BUFFER Buffer, ULONG From, ULONG Length,
	BOOLEAN Write, ULONG Size, BOOLEAN OneElement)
{
	PSCATTER_GATHER_LIST Made;
	UCHAR First;

	CfBefore(Buffer, From, Length, Write);
	First = Buffer->Part[0].Va[From];
	Made = Make(Adapter, Buffer, From, Length, Write, Size);
	if (Made == NULL)
		return;
	if (OneElement) /* SGL-6 */
		EXPECT("elements without scatter/gather", 1, Made->NumberOfElements);
	CfMove(Made, Length, Write);
	if (CfBounces && !Write) /* */
		EXPECT("the first byte before Put", First, Buffer->Part[0].Va[From]);
	CfPut(Adapter, Made, Write);
	CfAfter(Buffer, From, Length, Write);
}

/* SGL-1, SGL-4, SGL-5, SGL-6, SZ-1, SZ-4, MR-1. The size is what Calculate says, and no more.
 * covers: DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.PutScatterGatherList, DMA_OPERATIONS.CalculateScatterGatherList */
static VOID TransfersOf(BOOLEAN ScatterGather, ULONG Parts, const CF_SPAN *Spans)
{
	PDMA_ADAPTER Adapter = CfAdapterNew(2, ScatterGather, CF_MAXIMUM, NULL);
	CF_BUFFER Buffer;

	if (CfBufferNew(&Buffer, Parts, Spans)) {
		for (ULONG n = 0; n < 8; n++) {
			ULONG From = n & 1 ? 0x11 : 0, Length = Buffer.Length - (n & 1 ? 0x22 : 0);
			ULONG Size = 0, Registers = 0, Elements;

			STATUS_IS(CalculateScatterGatherList, STATUS_SUCCESS,
				Calculate(Adapter, Buffer.Mdl, Buffer.Part[0].Va + From, Length,
					&Size, &Registers));
			EXPECT("registers", Pages(&Buffer, From, Length), Registers);
			Elements = ScatterGather ? Registers : 1;
			EXPECT("room for the elements", TRUE,
				Size >= sizeof(SCATTER_GATHER_LIST) +
						Elements * sizeof(SCATTER_GATHER_ELEMENT));
			if (!EXPECT("a size that fits here", TRUE, Size <= sizeof(Room)))
				break;
			Transfer(Adapter, &Buffer, From, Length, !(n & 2), n & 4 ? Size : 0,
				!ScatterGather);
		}
		CfBufferFree(&Buffer);
	}
	CfAdapterPut(Adapter);
}

static VOID Transfers(VOID)
{
	static const CF_SPAN Page[] = {{0, PAGE_SIZE}};
	static const CF_SPAN Odd[] = {{0xfff, PAGE_SIZE + 2}};
	static const CF_SPAN Chain[] = {{0x123, 0x3456}, {0xff0, 0x20}, {0, 1}, {0x800, 0x1800}};

	TransfersOf(TRUE, 1, Page);
	TransfersOf(TRUE, 1, Odd);
	TransfersOf(TRUE, ARRAYSIZE(Chain), Chain);
	TransfersOf(FALSE, 1, Page);
	/* The direct engine has nothing to make one piece of scattered pages with. */
	if (CfIommu || CfBounces) {
		TransfersOf(FALSE, 1, Odd);
		TransfersOf(FALSE, ARRAYSIZE(Chain), Chain);
	}
}

/* Without an MDL: the worst case of (CurrentVa, Length). covers:
 * DMA_OPERATIONS.CalculateScatterGatherList */
static VOID WorstCase(VOID)
{
	static const struct {
		ULONG_PTR Va;
		ULONG Length, Registers;
	} Cases[] = {{0, 1, 1}, {0, PAGE_SIZE, 1}, {1, PAGE_SIZE, 2}, {0xfff, 2, 2},
		{0, CF_MAXIMUM, 16}, {0x11fff, 0x1001, 2}, {0xfff, CF_MAXIMUM, 17}};

	for (ULONG n = 0; n < ARRAYSIZE(Cases); n++) {
		ULONG Size = 0, Registers = 0;

		STATUS_IS(CalculateScatterGatherList, STATUS_SUCCESS,
			Calculate(CfAdapter, NULL, (PVOID)Cases[n].Va, Cases[n].Length, &Size,
				&Registers));
		EXPECT("registers", Cases[n].Registers, Registers);
		EXPECT("room for an element a page", TRUE,
			Size >= sizeof(SCATTER_GATHER_LIST) +
					Registers * sizeof(SCATTER_GATHER_ELEMENT));
		STATUS_IS(CalculateScatterGatherList, STATUS_SUCCESS,
			Calculate(
				CfAdapter, NULL, (PVOID)Cases[n].Va, Cases[n].Length, &Size, NULL));
	}
}

/* W:pbuild_mdl_from_scatter_gather_list. covers: DMA_OPERATIONS.BuildMdlFromScatterGatherList */
static VOID Mdls(VOID)
{
	static const CF_SPAN Span = {0x123, PAGE_SIZE};
	PSCATTER_GATHER_LIST Made;
	PMDL Target = NULL;
	CF_BUFFER Buffer;
	ULONG Wrong = 0;
	PUCHAR Va;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	CfBefore(&Buffer, 0, Span.Length, TRUE);
	Made = CfGet(CfAdapter, &Buffer, 0, Span.Length, TRUE);
	STATUS_IS(BuildMdlFromScatterGatherList, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->BuildMdlFromScatterGatherList(CfAdapter, Made, NULL, &Target));
	STATUS_IS(BuildMdlFromScatterGatherList, STATUS_SUCCESS,
		OPS(CfAdapter)->BuildMdlFromScatterGatherList(
			CfAdapter, Made, Buffer.Mdl, &Target));
	EXPECT("another MDL", CfBounces, Target != Buffer.Mdl);
	EXPECT("its bytes", Span.Length, MmGetMdlByteCount(Target));
	Va = MmGetSystemAddressForMdlSafe(Target, NormalPagePriority);
	for (ULONG i = 0; Va != NULL && i < Span.Length; i++)
		Wrong += Va[i] != Buffer.Part[0].Va[i];
	EXPECT("its memory", TRUE, Va != NULL);
	EXPECT("bytes of it that are wrong", 0, Wrong);
	STATUS_IS(BuildMdlFromScatterGatherList, STATUS_NONE_MAPPED,
		OPS(CfAdapter)->BuildMdlFromScatterGatherList(
			CfAdapter, Made, Buffer.Mdl, &Target));
	CfPut(CfAdapter, Made, TRUE);
	CfBufferFree(&Buffer);
}

/* A driver's variables are memory like any other. covers: DMA_OPERATIONS.GetScatterGatherList,
 * DMA_OPERATIONS.PutScatterGatherList */
static VOID Variables(VOID)
{
	static DECLSPEC_ALIGN(4096) UCHAR Variable[3 * PAGE_SIZE];
	ULONG Length = 2 * PAGE_SIZE + 512;
	PMDL Mdl = IoAllocateMdl(Variable, Length, FALSE, FALSE, NULL);
	CF_BUFFER Buffer = {.Parts = 1, .Length = Length, .Mdl = Mdl};

	if (!EXPECT("an MDL", TRUE, Mdl != NULL))
		return;
	MmBuildMdlForNonPagedPool(Mdl);
	Buffer.Part[0].Base = Buffer.Part[0].Va = Variable;
	Buffer.Part[0].Length = Length;
	Buffer.Part[0].Mdl = Mdl;
	for (ULONG Write = FALSE; Write <= TRUE; Write++)
		Transfer(CfAdapter, &Buffer, 0, Length, (BOOLEAN)Write, 0, FALSE);
	IoFreeMdl(Mdl);
}

/* ---- in the routine ---- */

static PCF_BUFFER Shared;

static VOID PutInside(PCF_CALL Call)
{
	OPS(CfAdapter)->PutScatterGatherList(CfAdapter, Call->List, TRUE);
}

static VOID GetInside(PCF_CALL Call)
{
	Call->Inside = NULL;
	STATUS_IS(GetScatterGatherList, STATUS_SUCCESS,
		OPS(CfAdapter)->GetScatterGatherList(CfAdapter, CfFunctional, Shared->Mdl,
			Shared->Part[0].Va, PAGE_SIZE, CfListControl, Call->Context, TRUE));
	PutInside(Call);
}

/* covers: DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.PutScatterGatherList */
static VOID Inside(VOID)
{
	static const CF_SPAN Span = {0, PAGE_SIZE};
	CF_CALL First, Second;
	CF_BUFFER Buffer;
	KIRQL Irql;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Shared = &Buffer;
	CfCallInitialize(&First, KeepObject);
	CfCallInitialize(&Second, KeepObject);
	First.Inside = GetInside;
	First.Context = &Second;
	Second.Inside = PutInside;
	Irql = KeRaiseIrqlToDpcLevel();
	STATUS_IS(GetScatterGatherList, STATUS_SUCCESS,
		OPS(CfAdapter)->GetScatterGatherList(CfAdapter, CfFunctional, Buffer.Mdl,
			Buffer.Part[0].Va, PAGE_SIZE, CfListControl, &First, TRUE));
	KeLowerIrql(Irql);
	CfCalled(&First, CfFunctional);
	CfCalled(&Second, CfFunctional);
	CfBufferFree(&Buffer);
}

/* SGL-3: no restriction to one for each device object. covers: DMA_OPERATIONS.GetScatterGatherList,
 * DMA_OPERATIONS.PutScatterGatherList */
static VOID Many(VOID)
{
	static const CF_SPAN Span = {0x123, 2 * PAGE_SIZE};
	PSCATTER_GATHER_LIST Lists[8];
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	CfBefore(&Buffer, 0, Span.Length, TRUE);
	for (ULONG n = 0; n < ARRAYSIZE(Lists); n++)
		Lists[n] = CfGet(CfAdapter, &Buffer, 0, Span.Length, TRUE);
	for (ULONG n = 0; n < ARRAYSIZE(Lists); n++)
		for (ULONG i = 0; i < n; i++)
			EXPECT("a list of its own", TRUE, Lists[n] != Lists[i]);
	CfMove(Lists[3], Span.Length, TRUE);
	for (ULONG n = 0; n < ARRAYSIZE(Lists); n++)
		CfPut(CfAdapter, Lists[n], TRUE);
	CfAfter(&Buffer, 0, Span.Length, TRUE);
	CfBufferFree(&Buffer);
}

const CF_CHECK CfListChecks[] = {
	{"list/transfers", Transfers},
	{"list/worst case", WorstCase},
	{"list/MDLs", Mdls},
	{"list/variables", Variables},
	{"list/in the routine", Inside},
	{"list/many", Many},
	{NULL, NULL},
};
