/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* MapTransferEx and FlushAdapterBuffersEx: whole chains, or as much of them as there is room for;
 * 2.5. See conform.h. */
#include "conform.h"

#define HEADER	  sizeof(SCATTER_GATHER_LIST)
#define BYTES(n)  ((ULONG)(HEADER + (n) * sizeof(SCATTER_GATHER_ELEMENT)))
#define UNTOUCHED 0x5a5a5a5au

static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)

static NTSTATUS Map(PDMA_ADAPTER Adapter, PVOID Base, PMDL Mdl, ULONG64 Offset, PULONG Length,
	BOOLEAN Write, ULONG Bytes)
{
	THE_LIST->NumberOfElements = UNTOUCHED;
	return OPS(Adapter)->MapTransferEx(
		Adapter, Mdl, Base, Offset, 0, Length, Write, THE_LIST, Bytes, NULL, NULL);
}

static NTSTATUS Flush(
	PDMA_ADAPTER Adapter, PVOID Base, PMDL Mdl, ULONG64 Offset, ULONG Length, BOOLEAN Write)
{
	return OPS(Adapter)->FlushAdapterBuffersEx(Adapter, Mdl, Base, Offset, Length, Write);
}

/* From..From + Length of the chain with so many registers and so much room for a list: in as many
 * steps as it takes. */
static VOID Transfer(PDMA_ADAPTER Adapter, PCF_BUFFER Buffer, ULONG From, ULONG Length,
	ULONG Registers, ULONG Elements, BOOLEAN Write)
{
	PVOID Base = CfChannel(Adapter, Registers, DeallocateObjectKeepRegisters);
	ULONG Steps = 0, Piece;

	for (ULONG Done = 0; Done < Length; Done += Piece, Steps++) {
		ULONG At = From + Done;

		Piece = Length - Done;
		if (!STATUS_IS(MapTransferEx, STATUS_SUCCESS,
			    Map(Adapter, Base, Buffer->Mdl, At, &Piece, Write, BYTES(Elements))) ||
			!EXPECT("a piece of what is left", TRUE,
				Piece != 0 && Piece <= Length - Done))
			break;
		/* Again with what is known now, and the disk set for so many bytes. */
		STATUS_IS(FlushAdapterBuffersEx, STATUS_SUCCESS,
			Flush(Adapter, Base, Buffer->Mdl, At, Piece, Write));
		CfBefore(Buffer, At, Piece, Write);
		STATUS_IS(MapTransferEx, STATUS_SUCCESS,
			Map(Adapter, Base, Buffer->Mdl, At, &Piece, Write, BYTES(Elements)));
		EXPECT("no more elements than fit", TRUE, THE_LIST->NumberOfElements <= Elements);
		CfMove(THE_LIST, Piece, Write);
		STATUS_IS(FlushAdapterBuffersEx, STATUS_SUCCESS,
			Flush(Adapter, Base, Buffer->Mdl, At, Piece, Write));
		CfAfter(Buffer, At, Piece, Write);
	}
	EXPECT("in one step where there is room", Registers > 8 && Elements > 8, Steps == 1);
	CfFreeRegisters(Adapter, Base, Registers);
}

/* "If the number of map registers and the scatter/gather buffer size are sufficient ... the input
 * and output values of *Length are identical"; else less is mapped. covers:
 * DMA_OPERATIONS.MapTransferEx, DMA_OPERATIONS.FlushAdapterBuffersEx,
 * DMA_OPERATIONS.FreeMapRegisters */
static VOID Chains(VOID)
{
	static const CF_SPAN Spans[] = {{0xfff, PAGE_SIZE + 1}, {0x10, 0x20}, {0x234, 0x2468}};
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, ARRAYSIZE(Spans), Spans))
		return;
	for (ULONG n = 0; n < 2; n++) {
		BOOLEAN Write = n & 1;

		Transfer(CfAdapter, &Buffer, 0, Buffer.Length, 10, 10, Write);
		Transfer(CfAdapter, &Buffer, 0x1001, Buffer.Length - 0x1001, 10, 10, Write);
		Transfer(CfAdapter, &Buffer, 5, Buffer.Length - 5, 2, 10, Write);
		if (!CfIommu) /* its addresses are contiguous: one element holds all */
			Transfer(CfAdapter, &Buffer, 5, Buffer.Length - 5, 8, 1, Write);
	}
	CfBufferFree(&Buffer);
}

/* A device without scatter/gather takes one element. covers: DMA_OPERATIONS.MapTransferEx */
static VOID OneElement(VOID)
{
	static const CF_SPAN Span = {0x123, PAGE_SIZE};
	PDMA_ADAPTER Adapter = CfAdapterNew(3, FALSE, CF_MAXIMUM, NULL);
	PVOID Base = CfChannel(Adapter, 2, DeallocateObjectKeepRegisters);
	ULONG Length = Span.Length;
	CF_BUFFER Buffer;

	if (CfBufferNew(&Buffer, 1, &Span)) {
		CfBefore(&Buffer, 0, Length, TRUE);
		STATUS_IS(MapTransferEx, STATUS_SUCCESS,
			Map(Adapter, Base, Buffer.Mdl, 0, &Length, TRUE, BYTES(1)));
		EXPECT("elements", 1, THE_LIST->NumberOfElements);
		if (CfIommu || CfBounces)
			EXPECT("all of it", Span.Length, Length);
		STATUS_IS(FlushAdapterBuffersEx, STATUS_SUCCESS,
			Flush(Adapter, Base, Buffer.Mdl, 0, Length, TRUE));
		CfBufferFree(&Buffer);
	}
	CfFreeRegisters(Adapter, Base, 2);
	CfAdapterPut(Adapter);
}

static PVOID Kept;
static PMDL Chain;

static VOID Fails(PMDL Mdl, ULONG64 Offset, ULONG Length, ULONG Bytes, NTSTATUS Status)
{
	ULONG Asked = Length;

	STATUS_IS(MapTransferEx, Status, Map(CfAdapter, Kept, Mdl, Offset, &Length, TRUE, Bytes));
	EXPECT("the length, as it was", Asked, Length);
	EXPECT("the list, as it was", UNTOUCHED, THE_LIST->NumberOfElements);
}

static NTSTATUS Odd(PULONG Length, PVOID Buffer, ULONG DeviceOffset, PVOID Routine)
{
	return OPS(CfAdapter)->MapTransferEx(CfAdapter, Chain, Kept, 0, DeviceOffset, Length, TRUE,
		Buffer, BYTES(4), (PDMA_COMPLETION_ROUTINE)Routine, NULL);
}

static VOID OddArguments(VOID)
{
	ULONG Length = 1;

	CfViolates(0, "MapTransferEx: there is no length");
	STATUS_IS(MapTransferEx, STATUS_INVALID_PARAMETER, Odd(NULL, THE_LIST, 0, NULL));
	CfViolates(0, "MapTransferEx: there is no place for a list");
	STATUS_IS(MapTransferEx, STATUS_INVALID_PARAMETER, Odd(&Length, NULL, 0, NULL));
	CfViolates(0, "neither a device offset nor a completion routine");
	STATUS_IS(MapTransferEx, STATUS_INVALID_PARAMETER, Odd(&Length, THE_LIST, 4, NULL));
	CfViolates(0, "neither a device offset nor a completion routine");
	STATUS_IS(MapTransferEx, STATUS_INVALID_PARAMETER, Odd(&Length, THE_LIST, 0, Kept));
}

/* W:pmap_transfer_ex, X-4, X-7, X-30, X-31. covers: DMA_OPERATIONS.MapTransferEx */
static VOID MappedWrong(VOID)
{
	static const CF_SPAN Spans[] = {{0x10, PAGE_SIZE}, {0x20, PAGE_SIZE}};
	ULONG Length = 16, End = 2 * PAGE_SIZE;
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, 2, Spans))
		return;
	Chain = Buffer.Mdl;
	Kept = CfChannel(CfAdapter, 4, DeallocateObjectKeepRegisters);
	/* "Too small to contain a scatter/gather list of at least one element" */
	Fails(Chain, 0, 1, BYTES(1) - 1, STATUS_INVALID_PARAMETER);
	Fails(Chain, 0, 1, 0, STATUS_INVALID_PARAMETER);
	CfViolates(0, "there is no MDL");
	Fails(NULL, 0, 1, BYTES(1), STATUS_INVALID_PARAMETER);
	CfViolates(0xe6000021, "there is nothing to map");
	Fails(Chain, 0, 0, BYTES(1), STATUS_INVALID_PARAMETER);
	/* Offset 0 ... N - 1, *Length 0 ... N - Offset */
	CfViolates(0xe600001b, "the offset lies behind the chain's end");
	Fails(Chain, End, 1, BYTES(1), STATUS_INVALID_PARAMETER);
	CfViolates(0xe6000024, "the chain ends before");
	Fails(Chain, End - 1, 2, BYTES(1), STATUS_INVALID_PARAMETER);
	Buffer.Part[1].Mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
	CfViolates(0xe600000e, "neither locked nor built");
	Fails(Chain, 0, End, BYTES(4), STATUS_INVALID_PARAMETER);
	Buffer.Part[1].Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	OddArguments();
	/* Each success is followed by a flush before the next. */
	STATUS_IS(MapTransferEx, STATUS_SUCCESS,
		Map(CfAdapter, Kept, Chain, 0, &Length, TRUE, BYTES(4)));
	CfViolates(0xe600000d, "has to be flushed first");
	Fails(Chain, 16, 16, BYTES(1), STATUS_INVALID_PARAMETER);
	STATUS_IS(
		FlushAdapterBuffersEx, STATUS_SUCCESS, Flush(CfAdapter, Kept, Chain, 0, 16, TRUE));
	CfFreeRegisters(CfAdapter, Kept, 4);
	CfViolates(0, "MapTransferEx with the MapRegisterBase");
	Fails(Chain, 0, 1, BYTES(1), STATUS_INVALID_PARAMETER);
	/* A channel without registers maps nothing. */
	Kept = CfChannel(CfAdapter, 0, DeallocateObjectKeepRegisters);
	Fails(Chain, 0, 1, BYTES(1), STATUS_INSUFFICIENT_RESOURCES);
	CfFreeRegisters(CfAdapter, Kept, 0);
	CfBufferFree(&Buffer);
}

/* W:pflush_adapter_buffers_ex: chain, offset, length and direction are those of the mapping.
 * covers: DMA_OPERATIONS.FlushAdapterBuffersEx */
static VOID FlushedWrong(VOID)
{
	static const CF_SPAN Span = {0x10, PAGE_SIZE};
	PVOID Base = CfChannel(CfAdapter, 4, DeallocateObjectKeepRegisters);
	ULONG Length = 16;
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	CfViolates(0xe6000020, "FlushAdapterBuffersEx with the MapRegisterBase");
	STATUS_IS(FlushAdapterBuffersEx, STATUS_INVALID_PARAMETER,
		Flush(CfAdapter, NULL, Buffer.Mdl, 0, 16, TRUE));
	CfViolates(0xe6000016, "nothing is mapped");
	STATUS_IS(FlushAdapterBuffersEx, STATUS_INVALID_PARAMETER,
		Flush(CfAdapter, Base, Buffer.Mdl, 0, 16, TRUE));
	STATUS_IS(MapTransferEx, STATUS_SUCCESS,
		Map(CfAdapter, Base, Buffer.Mdl, 32, &Length, TRUE, BYTES(4)));
	CfViolates(0xe6000016, "starts elsewhere");
	STATUS_IS(FlushAdapterBuffersEx, STATUS_INVALID_PARAMETER,
		Flush(CfAdapter, Base, Buffer.Mdl, 31, 16, TRUE));
	CfViolates(0xe6000016, "starts elsewhere");
	STATUS_IS(FlushAdapterBuffersEx, STATUS_INVALID_PARAMETER,
		Flush(CfAdapter, Base, NULL, 32, 16, TRUE));
	STATUS_IS(FlushAdapterBuffersEx, STATUS_SUCCESS,
		Flush(CfAdapter, Base, Buffer.Mdl, 32, 16, TRUE));
	CfFreeRegisters(CfAdapter, Base, 4);
	CfBufferFree(&Buffer);
}

const CF_CHECK CfMapExChecks[] = {
	{"map ex/chains", Chains},
	{"map ex/one element", OneElement},
	{"map ex/mapped wrongly", MappedWrong},
	{"map ex/flushed wrongly", FlushedWrong},
	{NULL, NULL},
};
