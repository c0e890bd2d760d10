/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapter channels as every version of DMA_OPERATIONS has them: CH-1 ... CH-6, 2.3; see conform.h.
 */
#include "conform.h"

#define REGISTERS 4

static CF_LIST Room;
#define THE_LIST ((PSCATTER_GATHER_LIST)&Room)

NTSTATUS CfAsk(PDMA_ADAPTER Adapter, PDEVICE_OBJECT Device, ULONG Registers,
	PDRIVER_CONTROL Routine, PCF_CALL Call)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status =
		OPS(Adapter)->AllocateAdapterChannel(Adapter, Device, Registers, Routine, Call);

	KeLowerIrql(Irql);
	return Status;
}

VOID CfRelease(PDMA_ADAPTER Adapter)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();

	OPS(Adapter)->FreeAdapterChannel(Adapter);
	KeLowerIrql(Irql);
}

/* The registers alone, as a bus master has them (CH-5). */
static PVOID Keep(PDMA_ADAPTER Adapter, ULONG Registers)
{
	CF_CALL Call;

	CfCallInitialize(&Call, DeallocateObjectKeepRegisters);
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(Adapter, CfFunctional, Registers, CfControl, &Call));
	return CfCalled(&Call, CfFunctional) ? Call.Base : NULL;
}

/* ---- transfers ---- */

static VOID MapAll(
	PDMA_ADAPTER Adapter, PVOID Base, PMDL Mdl, PUCHAR Va, ULONG Length, BOOLEAN Write)
{
	ULONG Piece;

	THE_LIST->NumberOfElements = 0;
	for (ULONG Done = 0; Done < Length; Done += Piece) {
		PSCATTER_GATHER_ELEMENT Element = &THE_LIST->Elements[THE_LIST->NumberOfElements++];

		Piece = Length - Done;
		Element->Address =
			OPS(Adapter)->MapTransfer(Adapter, Mdl, Base, Va + Done, &Piece, Write);
		Element->Length = Piece;
		if (!EXPECT("a piece of what is left", TRUE, Piece != 0 && Piece <= Length - Done))
			return;
	}
}

/* One transfer, split so that each part takes at most so many registers (CH-6). */
static VOID Transfer(PDMA_ADAPTER Adapter, const CF_SPAN *Span, ULONG From, ULONG Length,
	BOOLEAN Write, BOOLEAN OnePiece)
{
	CF_BUFFER Buffer;
	ULONG Registers;
	PUCHAR Va;
	PVOID Base;

	if (!CfBufferNew(&Buffer, 1, Span))
		return;
	Va = Buffer.Part[0].Va + From;
	Registers = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Length);
	Base = Keep(Adapter, Registers);
	CfBefore(&Buffer, From, Length, Write);
	MapAll(Adapter, Base, Buffer.Mdl, Va, Length, Write);
	if (OnePiece)
		EXPECT("pieces without scatter/gather", 1, THE_LIST->NumberOfElements);
	CfMove(THE_LIST, Length, Write);
	EXPECT("FlushAdapterBuffers", TRUE,
		OPS(Adapter)->FlushAdapterBuffers(Adapter, Buffer.Mdl, Base, Va, Length, Write));
	CfAfter(&Buffer, From, Length, Write);
	if (CfIommu) {
		CfViolates(0, "%s of bus address", Write ? "read" : "write");
		EXPECT("the device's status after the flush", 4,
			CfTouch(THE_LIST->Elements[0].Address.QuadPart, Write));
	}
	CfFreeRegisters(Adapter, Base, Registers);
	CfBufferFree(&Buffer);
}

/* W:pmap_transfer: with scatter/gather *Length tells how far a piece goes, without it is unchanged
 * and the whole range is one. covers: DMA_OPERATIONS.AllocateAdapterChannel,
 * DMA_OPERATIONS.MapTransfer, DMA_OPERATIONS.FlushAdapterBuffers, DMA_OPERATIONS.FreeMapRegisters
 */
static VOID Transfers(VOID)
{
	static const CF_SPAN Spans[] = {{0, PAGE_SIZE}, {0xfff, PAGE_SIZE + 2}, {0x123, 0x3456}};

	for (ULONG ScatterGather = FALSE; ScatterGather <= TRUE; ScatterGather++) {
		PDMA_ADAPTER Adapter = CfAdapterNew(1, (BOOLEAN)ScatterGather, CF_MAXIMUM, NULL);

		for (ULONG n = 0; n < 2 * ARRAYSIZE(Spans); n++) {
			const CF_SPAN *Span = &Spans[n / 2];
			BOOLEAN Write = n & 1;

			/* The direct engine has nothing to make one piece of scattered pages with.
			 */
			if (Span->Length > PAGE_SIZE && !ScatterGather && !CfIommu && !CfBounces)
				continue;
			Transfer(Adapter, Span, 0, Span->Length, Write, !ScatterGather);
			Transfer(Adapter, Span, 0x11, Span->Length - 0x234, Write, !ScatterGather);
		}
		CfAdapterPut(Adapter);
	}
}

/* ---- who has the adapter ---- */

static VOID Dead(PVOID Base, PMDL Mdl, PVOID Va)
{
	ULONG Length = 1;

	CfViolates(0, "MapTransfer with the MapRegisterBase");
	OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, &Length, TRUE);
	EXPECT("bytes mapped with registers that are gone", 0, Length);
}

static VOID Alive(PVOID Base, PMDL Mdl, PVOID Va)
{
	ULONG Length = 1;

	OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, &Length, TRUE);
	EXPECT("bytes mapped", 1, Length);
	EXPECT("FlushAdapterBuffers", TRUE,
		OPS(CfAdapter)->FlushAdapterBuffers(CfAdapter, Mdl, Base, Va, 1, TRUE));
}

/* CH-1, CH-4, CH-5. covers: DMA_OPERATIONS.AllocateAdapterChannel,
 * DMA_OPERATIONS.FreeAdapterChannel, DMA_OPERATIONS.FreeMapRegisters, DMA_OPERATIONS.MapTransfer */
static VOID Actions(VOID)
{
	static const CF_SPAN Span = {0, PAGE_SIZE};
	CF_CALL First, Second;
	CF_BUFFER Buffer;
	PVOID Va;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Va = Buffer.Part[0].Va;
	for (IO_ALLOCATION_ACTION Action = KeepObject; Action <= DeallocateObjectKeepRegisters;
		Action++) {
		CfCallInitialize(&First, Action);
		CfCallInitialize(&Second, DeallocateObject);
		STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
			CfAsk(CfAdapter, CfFunctional, REGISTERS, CfControl, &First));
		CfCalled(&First, CfFunctional);
		STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
			CfAsk(CfAdapter, CfPhysical, REGISTERS, CfControl, &Second));
		if (Action == KeepObject) {
			Alive(First.Base, Buffer.Mdl, Va);
			CfNotCalled(&Second);
			CfRelease(CfAdapter);
		}
		CfCalled(&Second, CfPhysical);
		if (Action == DeallocateObjectKeepRegisters) {
			Alive(First.Base, Buffer.Mdl, Va);
			CfFreeRegisters(CfAdapter, First.Base, REGISTERS);
		}
		Dead(First.Base, Buffer.Mdl, Va);
		Dead(Second.Base, Buffer.Mdl, Va);
	}
	CfBufferFree(&Buffer);
}

/* CH-4. covers: DMA_OPERATIONS.AllocateAdapterChannel */
static VOID CurrentIrp(VOID)
{
	static IRP Irp;
	struct _IRP *Before = CfFunctional->CurrentIrp;
	CF_CALL Call;

	CfCallInitialize(&Call, DeallocateObject);
	CfFunctional->CurrentIrp = &Irp;
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(CfAdapter, CfFunctional, 1, CfControl, &Call));
	CfCalled(&Call, CfFunctional);
	CfFunctional->CurrentIrp = Before;
	EXPECT("the routine's Irp", (ULONG_PTR)&Irp, (ULONG_PTR)Call.Irp);
}

static ULONG Turn;

static VOID TakeTurn(PCF_CALL Call)
{
	Call->Context = (PVOID)(ULONG_PTR)++Turn;
}

/* CH-3, X-10: those who wait for the adapter get it in their order, one for each device object.
 * covers: DMA_OPERATIONS.AllocateAdapterChannel, DMA_OPERATIONS.FreeAdapterChannel */
static VOID Queue(VOID)
{
	CF_CALL First, Second, Third;

	CfCallInitialize(&First, KeepObject);
	CfCallInitialize(&Second, DeallocateObject);
	CfCallInitialize(&Third, DeallocateObject);
	First.Inside = Second.Inside = Third.Inside = TakeTurn;
	Turn = 0;
	CfChannel(CfAdapter, 1, KeepObject);
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(CfAdapter, CfPhysical, 1, CfControl, &First));
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(CfAdapter, CfFunctional, 2, CfControl, &Second));
	CfViolates(0xe600000b, "a request of this device object has not ended yet");
	STATUS_IS(AllocateAdapterChannel, STATUS_INSUFFICIENT_RESOURCES,
		CfAsk(CfAdapter, CfPhysical, 1, CfControl, &Third));
	CfNotCalled(&First);
	CfRelease(CfAdapter);
	CfCalled(&First, CfPhysical);
	CfNotCalled(&Second);
	CfRelease(CfAdapter);
	CfCalled(&Second, CfFunctional);
	EXPECT("the first's turn", 1, (ULONG_PTR)First.Context);
	EXPECT("the second's turn", 2, (ULONG_PTR)Second.Context);
	CfNotCalled(&Third);
	EXPECT("calls of who was refused", 0, Third.Calls);
}

static CF_CALL Inner;

static VOID AskAgain(PCF_CALL Call)
{
	CfViolates(0xe600000b, "AdapterControl must not ask for a channel");
	STATUS_IS(AllocateAdapterChannel, STATUS_INSUFFICIENT_RESOURCES,
		OPS(CfAdapter)->AllocateAdapterChannel(
			CfAdapter, CfPhysical, 1, CfControl, &Inner));
}

/* CH-2, CH-3, X-9. covers: DMA_OPERATIONS.AllocateAdapterChannel */
static VOID Refused(VOID)
{
	CF_CALL Call;

	CfCallInitialize(&Inner, DeallocateObject);
	CfCallInitialize(&Call, DeallocateObject);
	CfViolates(0xe600000c, "map registers was asked for");
	STATUS_IS(AllocateAdapterChannel, STATUS_INSUFFICIENT_RESOURCES,
		CfAsk(CfAdapter, CfFunctional, CfRegisters + 1, CfControl, &Call));
	CfViolates(0, "AllocateAdapterChannel without an AdapterControl routine");
	STATUS_IS(AllocateAdapterChannel, STATUS_INVALID_PARAMETER,
		CfAsk(CfAdapter, CfFunctional, 1, NULL, &Call));
	CfNotCalled(&Call);
	Call.Inside = AskAgain;
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(CfAdapter, CfFunctional, CfRegisters, CfControl, &Call));
	CfCalled(&Call, CfFunctional);
	CfNotCalled(&Inner);
	EXPECT("calls of what the routine asked for", 0, Inner.Calls);
}

static IO_ALLOCATION_ACTION NoAction(
	PDEVICE_OBJECT DeviceObject, struct _IRP *Irp, PVOID MapRegisterBase, PVOID Context)
{
	CfControl(DeviceObject, Irp, MapRegisterBase, Context);
	return (IO_ALLOCATION_ACTION)7;
}

/* What is released while nothing is held, twice, or not as it was asked for (5.4). covers:
 * DMA_OPERATIONS.FreeAdapterChannel, DMA_OPERATIONS.FreeMapRegisters */
static VOID FreedWrong(VOID)
{
	static const CF_SPAN Span = {0, PAGE_SIZE};
	CF_BUFFER Buffer;
	ULONG Length = 16;
	CF_CALL Call;
	PVOID Base;

	CfViolates(0xe6000004, "FreeAdapterChannel: no channel is held");
	CfRelease(CfAdapter);
	Base = CfChannel(CfAdapter, REGISTERS, KeepObject);
	CfViolates(0xe6000005, "the channel is still held");
	CfFreeRegisters(CfAdapter, Base, REGISTERS);
	CfRelease(CfAdapter);
	CfViolates(0xe6000005, "its map registers have been freed");
	CfFreeRegisters(CfAdapter, Base, REGISTERS);
	Base = CfChannel(CfAdapter, REGISTERS, DeallocateObjectKeepRegisters);
	CfViolates(0xe6000004, "FreeAdapterChannel: no channel is held");
	CfRelease(CfAdapter);
	CfViolates(0, "FreeMapRegisters of 3 registers, but 4 were allocated");
	CfFreeRegisters(CfAdapter, Base, REGISTERS - 1);
	CfViolates(0xe6000005, "no channel of this adapter has it");
	CfFreeRegisters(CfAdapter, NULL, REGISTERS);
	if (CfBufferNew(&Buffer, 1, &Span)) {
		Base = CfChannel(CfAdapter, REGISTERS, DeallocateObjectKeepRegisters);
		OPS(CfAdapter)->MapTransfer(
			CfAdapter, Buffer.Mdl, Base, Buffer.Part[0].Va, &Length, FALSE);
		CfViolates(0xe6000010, "FreeMapRegisters while 16 bytes");
		CfFreeRegisters(CfAdapter, Base, REGISTERS);
		CfBufferFree(&Buffer);
	}
	CfCallInitialize(&Call, KeepObject);
	CfViolates(0, "AdapterControl returned 7");
	STATUS_IS(AllocateAdapterChannel, STATUS_SUCCESS,
		CfAsk(CfAdapter, CfFunctional, 1, NoAction, &Call));
	CfCalled(&Call, CfFunctional);
	CfViolates(0xe6000004, "FreeAdapterChannel: no channel is held");
	CfRelease(CfAdapter);
}

/* ---- what may not be mapped, or flushed ---- */

static VOID NotMapped(PVOID Base, PMDL Mdl, PVOID Va, ULONG Length, ULONG Number, PCSTR Text)
{
	CfViolates(Number, "%s", Text);
	OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, &Length, TRUE);
	EXPECT("bytes mapped", 0, Length);
}

/* W:pmap_transfer, 5.4. covers: DMA_OPERATIONS.MapTransfer */
static VOID MappedWrong(VOID)
{
	static const CF_SPAN Span = {0x10, (REGISTERS + 1) * PAGE_SIZE};
	PVOID Base = CfChannel(CfAdapter, REGISTERS, DeallocateObjectKeepRegisters);
	ULONG Length = PAGE_SIZE;
	CF_BUFFER Buffer;
	PUCHAR Va, End;
	PMDL Mdl;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Va = Buffer.Part[0].Va;
	End = Va + Span.Length;
	Mdl = Buffer.Mdl;
	CfViolates(0, "MapTransfer without a length");
	OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, NULL, TRUE);
	NotMapped(NULL, Mdl, Va, 1, 0, "MapTransfer with the MapRegisterBase");
	NotMapped(Base, NULL, Va, 1, 0, "there is no MDL");
	NotMapped(Base, Mdl, Va, 0, 0xe6000021, "there is nothing to map");
	NotMapped(Base, Mdl, Va - 1, 1, 0xe600001b, "the address lies outside the MDL");
	NotMapped(Base, Mdl, End, 1, 0xe600001b, "the address lies outside the MDL");
	NotMapped(Base, Mdl, End - 1, 2, 0xe6000024, "the MDL ends before");
	Mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
	NotMapped(Base, Mdl, Va, 1, 0xe600000e, "neither locked nor built");
	Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	/* "The number of map registers that can be set up cannot exceed the maximum." */
	CfViolates(0xe6000015, "map registers in all; the channel has 4");
	Length = Span.Length;
	OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, &Length, TRUE);
	EXPECT("less than was asked for", TRUE, Length > 0 && Length <= REGISTERS * PAGE_SIZE);
	NotMapped(Base, Mdl, Va, 1, 0xe600001d, "part of it is mapped");
	NotMapped(Base, Mdl, Va + Length + 1, 1, 0xe600000d, "has to be flushed first");
	EXPECT("FlushAdapterBuffers", TRUE,
		OPS(CfAdapter)->FlushAdapterBuffers(CfAdapter, Mdl, Base, Va, Length, TRUE));
	Alive(Base, Mdl, End - 1);
	CfFreeRegisters(CfAdapter, Base, REGISTERS);
	CfBufferFree(&Buffer);
}

static VOID Flush(
	PVOID Base, PMDL Mdl, PVOID Va, ULONG Length, BOOLEAN Done, ULONG Number, PCSTR Text)
{
	CfViolates(Number, "%s", Text);
	EXPECT("FlushAdapterBuffers", Done,
		OPS(CfAdapter)->FlushAdapterBuffers(CfAdapter, Mdl, Base, Va, Length, TRUE));
}

/* W:pflush_adapter_buffers, 5.4: what was not mapped is not flushed, and what was mapped otherwise
 * is. covers: DMA_OPERATIONS.FlushAdapterBuffers */
static VOID FlushedWrong(VOID)
{
	static const CF_SPAN Span = {0x10, PAGE_SIZE};
	PVOID Base = CfChannel(CfAdapter, REGISTERS, DeallocateObjectKeepRegisters);
	ULONG Length;
	CF_BUFFER Buffer;
	PUCHAR Va;
	PMDL Mdl;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Va = Buffer.Part[0].Va;
	Mdl = Buffer.Mdl;
	Flush(Base, Mdl, Va, 1, FALSE, 0xe6000016, "nothing is mapped");
	Flush(NULL, Mdl, Va, 1, FALSE, 0xe6000020, "FlushAdapterBuffers with the MapRegisterBase");
	for (ULONG n = 0; n < 3; n++) {
		Length = 16;
		OPS(CfAdapter)->MapTransfer(CfAdapter, Mdl, Base, Va, &Length, n != 2);
		EXPECT("bytes mapped", 16, Length);
		Flush(Base, Mdl, Va + 1, 16, FALSE, 0xe6000016, "starts elsewhere");
		Flush(Base, NULL, Va, 16, FALSE, 0xe6000016, "starts elsewhere");
		if (n == 0)
			Flush(Base, Mdl, Va, 15, TRUE, 0xe600000d, "a flush of 15 bytes");
		else if (n == 1)
			Flush(Base, Mdl, Va, 17, TRUE, 0xe6000000, "a flush of 17 bytes");
		else
			Flush(Base, Mdl, Va, 16, TRUE, 0, "mapped for the other direction");
		Flush(Base, Mdl, Va, 16, FALSE, 0xe6000016, "nothing is mapped");
	}
	CfFreeRegisters(CfAdapter, Base, REGISTERS);
	CfBufferFree(&Buffer);
}

const CF_CHECK CfChannelChecks[] = {
	{"channel/transfers", Transfers},
	{"channel/actions", Actions},
	{"channel/current IRP", CurrentIrp},
	{"channel/queue", Queue},
	{"channel/refused", Refused},
	{"channel/freed wrongly", FreedWrong},
	{"channel/mapped wrongly", MappedWrong},
	{"channel/flushed wrongly", FlushedWrong},
	{NULL, NULL},
};
