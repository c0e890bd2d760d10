/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapters: got, asked about, given back; see conform.h. */
#include "conform.h"

static PDMA_ADAPTER Get(PDEVICE_DESCRIPTION Description)
{
	ULONG Registers;

	return IoGetDmaAdapter(CfPhysical, Description, &Registers);
}

/* D-3, D-4, D-5, X-35; covers: IoGetDmaAdapter, DMA_OPERATIONS.PutDmaAdapter */
static VOID Versions(VOID)
{
	static const ULONG Sizes[] = {0x68, 0x68, 0x80, 0x140};

	for (ULONG Version = 0; Version < ARRAYSIZE(Sizes); Version++) {
		ULONG Registers;
		PDMA_ADAPTER Adapter = CfAdapterNew(Version, TRUE, CF_MAXIMUM, &Registers);

		if (Adapter == NULL)
			continue;
		EXPECT("DMA_ADAPTER.Version", 1, Adapter->Version);
		EXPECT("DMA_ADAPTER.Size", sizeof(DMA_ADAPTER), Adapter->Size);
		EXPECT("DMA_OPERATIONS.Size", Sizes[Version], OPS(Adapter)->Size);
		/* One more than the pages, unless the machine has fewer. */
		EXPECT("map registers", CfRegisters, Registers);
		EXPECT("map registers at most", TRUE, Registers <= CF_MAXIMUM / PAGE_SIZE + 1);
		CfAdapterPut(Adapter);
	}
}

/* D-2, D-3, D-10, D-12; covers: IoGetDmaAdapter */
static VOID Refused(VOID)
{
	DEVICE_DESCRIPTION Description;
	ULONG Registers;
	KIRQL Irql;

	CfDescribe(&Description, 4);
	CfViolates(0xe6000025, "DEVICE_DESCRIPTION of version 4");
	EXPECT("adapter of version 4", 0, (ULONG_PTR)Get(&Description));
	for (ULONG Width = 0; Width <= 65; Width += 65) {
		CfDescribe(&Description, 3);
		Description.DmaAddressWidth = Width;
		CfViolates(0, "IoGetDmaAdapter with a DmaAddressWidth of %u", Width);
		EXPECT("adapter of that width", 0, (ULONG_PTR)Get(&Description));
	}
	CfDescribe(&Description, 3);
	Description.Master = FALSE;
	EXPECT("adapter of a slave", 0, (ULONG_PTR)Get(&Description));
	CfDescribe(&Description, 3);
	EXPECT("adapter of no device", 0,
		(ULONG_PTR)IoGetDmaAdapter(CfFunctional, &Description, &Registers));
	CfViolates(0, "IoGetDmaAdapter without a description");
	EXPECT("adapter without a description", 0, (ULONG_PTR)Get(NULL));
	CfViolates(0, "IoGetDmaAdapter without a place");
	EXPECT("adapter without a number", 0,
		(ULONG_PTR)IoGetDmaAdapter(CfPhysical, &Description, NULL));
	CfViolates(0xe6000013, "IoGetDmaAdapter called at IRQL 2");
	KeRaiseIrql(DISPATCH_LEVEL, &Irql);
	EXPECT("adapter at DISPATCH_LEVEL", 0, (ULONG_PTR)Get(&Description));
	KeLowerIrql(Irql);
	DbgPrint("ddi: IoGetDmaAdapter 0\n");
}

/* D-10, D-11, D-12: what the description says of the device's reach bounds its common buffers. */
static VOID Widths(VOID)
{
	static const struct {
		UCHAR Version;
		BOOLEAN ScatterGather, Dma32, Dma64;
		UCHAR DmaAddressWidth, Width; /* what is said, and what that means */
	} Cases[] = {
		{0, TRUE, FALSE, FALSE, 64, 32}, /* "at least 32 bits", on PCI */
		{1, FALSE, FALSE, FALSE, 64, 24},
		{1, FALSE, TRUE, FALSE, 64, 32},
		{2, FALSE, FALSE, TRUE, 24, 64},
		{2, TRUE, TRUE, TRUE, 24, 64}, /* Dma64BitAddresses overrides */
		{3, TRUE, FALSE, FALSE, 64, 64},
		{3, FALSE, TRUE, TRUE, 24, 24}, /* and here the width alone decides */
		{3, TRUE, TRUE, TRUE, 31, 31},
		{3, TRUE, FALSE, FALSE, 33, 33},
	};

	for (ULONG n = 0; n < ARRAYSIZE(Cases); n++) {
		DMA_ADAPTER_INFO Info = {.Version = DMA_ADAPTER_INFO_VERSION1};
		DEVICE_DESCRIPTION Description;
		PHYSICAL_ADDRESS Address;
		PDMA_ADAPTER Adapter;
		PVOID Va;

		CfDescribe(&Description, Cases[n].Version);
		Description.ScatterGather = Cases[n].ScatterGather;
		Description.Dma32BitAddresses = Cases[n].Dma32;
		Description.Dma64BitAddresses = Cases[n].Dma64;
		Description.DmaAddressWidth = Cases[n].DmaAddressWidth;
		Adapter = Get(&Description);
		if (!EXPECT("an adapter", TRUE, Adapter != NULL))
			continue;
		Va = OPS(Adapter)->AllocateCommonBuffer(Adapter, PAGE_SIZE, &Address, TRUE);
		/* All memory of 24 bits may be bounce pages: then there is none. */
		if (!CfBounces || Cases[n].Width >= 31)
			EXPECT("a common buffer", TRUE, Va != NULL);
		if (Va != NULL && Cases[n].Width < 64)
			EXPECT("its end within reach", 0,
				(Address.QuadPart + PAGE_SIZE - 1) >> Cases[n].Width);
		if (Va != NULL)
			OPS(Adapter)->FreeCommonBuffer(Adapter, PAGE_SIZE, Address, Va, TRUE);
		if (Cases[n].Version == 3) {
			STATUS_IS(GetDmaAdapterInfo, STATUS_SUCCESS,
				OPS(Adapter)->GetDmaAdapterInfo(Adapter, &Info));
			EXPECT("no more than the width", TRUE,
				Info.V1.DmaAddressWidth <= Cases[n].Width);
		}
		CfAdapterPut(Adapter);
	}
}

/* As many as the machine has, and again when they have been given back. */
static VOID Exhausted(VOID)
{
	PDMA_ADAPTER Adapter[64];
	DEVICE_DESCRIPTION Description;
	ULONG First = 0;

	CfDescribe(&Description, 3);
	for (ULONG Round = 0; Round < 2; Round++) {
		ULONG n = 0;

		while (n < ARRAYSIZE(Adapter) && (Adapter[n] = Get(&Description)) != NULL)
			n++;
		EXPECT("an end of adapters", TRUE, n > 0 && n < ARRAYSIZE(Adapter));
		if (Round == 0)
			First = n;
		EXPECT("adapters", First, n);
		while (n > 0)
			CfAdapterPut(Adapter[--n]);
	}
}

/* D-6; covers: DMA_OPERATIONS.PutDmaAdapter */
static VOID Remains(VOID)
{
	static const CF_SPAN Span = {0, PAGE_SIZE};
	PHYSICAL_ADDRESS Address;
	PDMA_ADAPTER Adapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	CF_BUFFER Buffer;

	OPS(Adapter)->AllocateCommonBuffer(Adapter, PAGE_SIZE, &Address, TRUE);
	CfViolates(0xe6000007, "a common buffer of 4096 bytes");
	CfViolates(0xe6000007, "released with 1 common buffers left");
	CfAdapterPut(Adapter);

	Adapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	CfChannel(Adapter, 1, KeepObject);
	CfViolates(0xe6000008, "released with 1 adapter channels left");
	CfAdapterPut(Adapter);

	Adapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	CfChannel(Adapter, 1, DeallocateObjectKeepRegisters);
	CfViolates(0xe6000009, "map registers of 1 adapter channels left");
	CfAdapterPut(Adapter);

	Adapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	if (CfBufferNew(&Buffer, 1, &Span)) {
		CfGet(Adapter, &Buffer, 0, PAGE_SIZE, TRUE);
		CfViolates(0xe600000a, "was never put");
		CfViolates(0xe600000a, "released with 1 scatter/gather lists left");
		CfAdapterPut(Adapter);
		CfBufferFree(&Buffer);
	}
}

static VOID Released(VOID)
{
	PDMA_ADAPTER Adapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	PDMA_OPERATIONS Operations = OPS(Adapter);
	DMA_ADAPTER_INFO Info = {.Version = 1};

	CfAdapterPut(Adapter);
	CfViolates(0xe6000018, "PutDmaAdapter with a DMA adapter");
	Operations->PutDmaAdapter(Adapter);
	CfViolates(0xe6000018, "GetDmaAdapterInfo with a DMA adapter");
	EXPECT("an error", FALSE, NT_SUCCESS(Operations->GetDmaAdapterInfo(Adapter, &Info)));
	CfViolates(0xe6000019, "GetDmaAdapterInfo with a DMA adapter");
	EXPECT("an error", FALSE, NT_SUCCESS(Operations->GetDmaAdapterInfo(NULL, &Info)));
}

/* 2.5; covers: DMA_OPERATIONS.GetDmaAdapterInfo */
static VOID Information(VOID)
{
	DMA_ADAPTER_INFO Info = {.Version = DMA_ADAPTER_INFO_VERSION1};

	STATUS_IS(GetDmaAdapterInfo, STATUS_SUCCESS,
		OPS(CfAdapter)->GetDmaAdapterInfo(CfAdapter, &Info));
	EXPECT("ReadDmaCounterAvailable", FALSE, Info.V1.ReadDmaCounterAvailable);
	EXPECT("ScatterGatherLimit", CfRegisters, Info.V1.ScatterGatherLimit);
	EXPECT("a width", TRUE, Info.V1.DmaAddressWidth >= 24 && Info.V1.DmaAddressWidth <= 64);
	EXPECT("a synchronous callback", ADAPTER_INFO_SYNCHRONOUS_CALLBACK,
		Info.V1.Flags & ADAPTER_INFO_SYNCHRONOUS_CALLBACK);
	EXPECT("MinimumTransferUnit", 1, Info.V1.MinimumTransferUnit);
	for (Info.Version = 0; Info.Version <= 2; Info.Version += 2)
		STATUS_IS(GetDmaAdapterInfo, STATUS_NOT_SUPPORTED,
			OPS(CfAdapter)->GetDmaAdapterInfo(CfAdapter, &Info));
	CfViolates(0, "GetDmaAdapterInfo: there is no place");
	STATUS_IS(GetDmaAdapterInfo, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->GetDmaAdapterInfo(CfAdapter, NULL));
}

static NTSTATUS Transfer(PCF_BUFFER Buffer, ULONG64 Offset, ULONG Length, PDMA_TRANSFER_INFO Info)
{
	return OPS(CfAdapter)->GetDmaTransferInfo(
		CfAdapter, Buffer->Mdl, Offset, Length, FALSE, Info);
}

/* 2.5, MR-1, X-8; covers: DMA_OPERATIONS.GetDmaTransferInfo */
static VOID TransferInformation(VOID)
{
	static const CF_SPAN Spans[] = {{0xfff, PAGE_SIZE + 1}, {0x10, 0x20}};
	DMA_TRANSFER_INFO Info = {.Version = DMA_TRANSFER_INFO_VERSION1};
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, 2, Spans))
		return;
	STATUS_IS(GetDmaTransferInfo, STATUS_SUCCESS, Transfer(&Buffer, 0, Buffer.Length, &Info));
	EXPECT("map registers", 2 + 1, Info.V1.MapRegisterCount);
	EXPECT("elements", 3, Info.V1.ScatterGatherElementCount);
	EXPECT("bytes of a list", sizeof(SCATTER_GATHER_LIST) + 3 * sizeof(SCATTER_GATHER_ELEMENT),
		Info.V1.ScatterGatherListSize);
	Info.Version = DMA_TRANSFER_INFO_VERSION2;
	STATUS_IS(GetDmaTransferInfo, STATUS_SUCCESS, Transfer(&Buffer, PAGE_SIZE, 2, &Info));
	EXPECT("map registers", 2, Info.V2.MapRegisterCount);
	EXPECT("logical pages", 2, Info.V2.LogicalPageCount);
	for (Info.Version = 0; Info.Version <= 3; Info.Version += 3)
		STATUS_IS(GetDmaTransferInfo, STATUS_NOT_SUPPORTED, Transfer(&Buffer, 0, 1, &Info));
	Info.Version = DMA_TRANSFER_INFO_VERSION1;
	CfViolates(0xe600001b, "GetDmaTransferInfo: the offset 0x1021");
	STATUS_IS(GetDmaTransferInfo, STATUS_INVALID_PARAMETER,
		Transfer(&Buffer, Buffer.Length, 1, &Info));
	CfViolates(0xe6000024, "the MDL chain ends 1 bytes before");
	STATUS_IS(GetDmaTransferInfo, STATUS_BUFFER_TOO_SMALL,
		Transfer(&Buffer, 1, Buffer.Length, &Info));
	CfViolates(0xe6000021, "length 0");
	STATUS_IS(GetDmaTransferInfo, STATUS_INVALID_PARAMETER, Transfer(&Buffer, 0, 0, &Info));
	CfViolates(0, "GetDmaTransferInfo: there is no place");
	STATUS_IS(GetDmaTransferInfo, STATUS_INVALID_PARAMETER, Transfer(&Buffer, 0, 1, NULL));
	CfViolates(0, "GetDmaTransferInfo: there is no MDL");
	STATUS_IS(GetDmaTransferInfo, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->GetDmaTransferInfo(CfAdapter, NULL, 0, 1, TRUE, &Info));
	CfBufferFree(&Buffer);
}

/* 2.3, 2.5. This machine has no system DMA controller. covers: DMA_OPERATIONS.GetDmaAlignment,
 * DMA_OPERATIONS.ReadDmaCounter, DMA_OPERATIONS.ConfigureAdapterChannel,
 * DMA_OPERATIONS.CancelMappedTransfer */
static VOID SystemDma(VOID)
{
	ULONG Alignment = OPS(CfAdapter)->GetDmaAlignment(CfAdapter);
	CF_CONTEXT Context;

	EXPECT("a power of two", 0, Alignment & (Alignment - 1));
	EXPECT("an alignment", TRUE, Alignment != 0);
	EXPECT("bytes left", 0, OPS(CfAdapter)->ReadDmaCounter(CfAdapter));
	STATUS_IS(ConfigureAdapterChannel, STATUS_NOT_IMPLEMENTED,
		OPS(CfAdapter)->ConfigureAdapterChannel(CfAdapter, 0, &Context));
	OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &Context);
	STATUS_IS(CancelMappedTransfer, STATUS_NOT_SUPPORTED,
		OPS(CfAdapter)->CancelMappedTransfer(CfAdapter, &Context));
	RtlZeroMemory(&Context, sizeof(Context));
	CfViolates(0, "CancelMappedTransfer: the transfer context was not made");
	STATUS_IS(CancelMappedTransfer, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->CancelMappedTransfer(CfAdapter, &Context));
}

const CF_CHECK CfAdapterChecks[] = {
	{"adapter/versions", Versions},
	{"adapter/refused", Refused},
	{"adapter/widths", Widths},
	{"adapter/exhausted", Exhausted},
	{"adapter/remains", Remains},
	{"adapter/released", Released},
	{"adapter/information", Information},
	{"adapter/transfer information", TransferInformation},
	{"adapter/system DMA", SystemDma},
	{NULL, NULL},
};
