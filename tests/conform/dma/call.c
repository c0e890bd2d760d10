/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapters as a driver gets them, and the routines that it is called back by; see conform.h. */
#include "conform.h"

PDEVICE_OBJECT CfPhysical, CfFunctional;
PDMA_ADAPTER CfAdapter;
ULONG CfRegisters;
BOOLEAN CfIommu, CfBounces, CfLimited;

#define CONTEXTS 16
static PCF_CONTEXT Contexts; /* one for each channel, as registers may be kept */
static PDMA_ADAPTER Taker;
static PVOID TakerBase;
static ULONG TakerRegisters;

/* ---- adapters ---- */

VOID CfDescribe(PDEVICE_DESCRIPTION Description, ULONG Version)
{
	RtlZeroMemory(Description, sizeof(*Description)); /* D-2 */
	Description->Version = Version;
	Description->Master = TRUE;
	Description->ScatterGather = TRUE;
	Description->Dma32BitAddresses = Description->Dma64BitAddresses = TRUE;
	Description->InterfaceType = PCIBus;
	Description->MaximumLength = CF_MAXIMUM;
	Description->DmaAddressWidth = 64;
}

PDMA_ADAPTER CfAdapterNew(
	ULONG Version, BOOLEAN ScatterGather, ULONG MaximumLength, PULONG Registers)
{
	DEVICE_DESCRIPTION Description;
	PDMA_ADAPTER Adapter;
	ULONG Granted = 0;

	CfDescribe(&Description, Version);
	Description.ScatterGather = ScatterGather;
	Description.MaximumLength = MaximumLength;
	Adapter = IoGetDmaAdapter(CfPhysical, &Description, &Granted);
	EXPECT("an adapter", TRUE, Adapter != NULL);
	if (Registers != NULL)
		*Registers = Granted;
	return Adapter;
}

VOID CfAdapterPut(PDMA_ADAPTER Adapter)
{
	OPS(Adapter)->PutDmaAdapter(Adapter);
}

/* How this machine is made, as far as its driver can see it. */
static VOID Look(VOID)
{
	static const CF_SPAN Span = {0, PAGE_SIZE};
	PSCATTER_GATHER_LIST List;
	CF_BUFFER Buffer;

	CfIommu = OPS(CfAdapter)->GetDmaDomain(CfAdapter) != NULL;
	if (CfBufferNew(&Buffer, 1, &Span)) {
		List = CfGet(CfAdapter, &Buffer, 0, PAGE_SIZE, TRUE);
		if (List != NULL) {
			CfBounces = !CfIommu &&
				    List->Elements[0].Address.QuadPart !=
					    MmGetPhysicalAddress(Buffer.Part[0].Va).QuadPart;
			CfPut(CfAdapter, List, TRUE);
		}
		CfBufferFree(&Buffer);
	}
	CfLimited = CfTakeAll();
	if (CfLimited) {
		PVOID Base = CfChannel(CfAdapter, 1, DeallocateObjectKeepRegisters);

		CfLimited = Base == NULL;
		if (Base != NULL)
			CfFreeRegisters(CfAdapter, Base, 1);
		CfGiveAll();
	}
	DbgPrint("conform: iommu %u, bounces %u, limited %u, %u map registers\n", CfIommu,
		CfBounces, CfLimited, CfRegisters);
}

BOOLEAN CfOpen(VOID)
{
	Contexts = ExAllocatePoolWithTag(NonPagedPool, CONTEXTS * sizeof(*Contexts), CF_TAG);
	CfAdapter = CfAdapterNew(3, TRUE, CF_MAXIMUM, &CfRegisters);
	if (Contexts == NULL || CfAdapter == NULL || !EXPECT("a mirror", TRUE, CfDeviceStart()))
		return FALSE;
	Look();
	return TRUE;
}

VOID CfClose(VOID)
{
	CfDeviceStop();
	CfAdapterPut(CfAdapter);
	ExFreePoolWithTag(Contexts, CF_TAG);
}

/* ---- what a driver is called back by ---- */

VOID CfCallInitialize(PCF_CALL Call, IO_ALLOCATION_ACTION Action)
{
	RtlZeroMemory(Call, sizeof(*Call));
	KeInitializeEvent(&Call->Event, SynchronizationEvent, FALSE);
	Call->Action = Action;
}

static VOID Enter(PCF_CALL Call, PDEVICE_OBJECT Device, struct _IRP *Irp)
{
	Call->Irql = KeGetCurrentIrql();
	Call->Device = Device;
	Call->Irp = Irp;
	Call->Calls++;
	if (Call->Inside != NULL)
		Call->Inside(Call);
	KeSetEvent(&Call->Event, 0, FALSE);
}

IO_ALLOCATION_ACTION CfControl(
	PDEVICE_OBJECT DeviceObject, struct _IRP *Irp, PVOID MapRegisterBase, PVOID Context)
{
	PCF_CALL Call = Context;
	/* Read before anybody can be told that the routine has run. */
	IO_ALLOCATION_ACTION Action = Call->Action;

	Call->Base = MapRegisterBase;
	Enter(Call, DeviceObject, Irp);
	return Action;
}

VOID CfListControl(PDEVICE_OBJECT DeviceObject, struct _IRP *Irp,
	PSCATTER_GATHER_LIST ScatterGather, PVOID Context)
{
	PCF_CALL Call = Context;

	Call->List = ScatterGather;
	Enter(Call, DeviceObject, Irp);
}

static NTSTATUS Wait(PCF_CALL Call, LONGLONG Milliseconds)
{
	LARGE_INTEGER Timeout = {.QuadPart = -10000 * Milliseconds};

	return KeWaitForSingleObject(&Call->Event, Executive, KernelMode, FALSE, &Timeout);
}

BOOLEAN CfCalled(PCF_CALL Call, PDEVICE_OBJECT Device)
{
	if (!EXPECT("wait for the routine", STATUS_SUCCESS, Wait(Call, 5000)))
		return FALSE;
	/* 2.2: AdapterControl and AdapterListControl run at DISPATCH_LEVEL. */
	EXPECT("IRQL of the routine", DISPATCH_LEVEL, Call->Irql);
	EXPECT("device object of the routine", (ULONG_PTR)Device, (ULONG_PTR)Call->Device);
	return TRUE;
}

BOOLEAN CfNotCalled(PCF_CALL Call)
{
	ULONG Calls = Call->Calls;

	KeFlushQueuedDpcs();
	return EXPECT("wait for a routine that must not run", STATUS_TIMEOUT, Wait(Call, 2)) &&
	       EXPECT("calls of the routine", Calls, Call->Calls);
}

/* ---- channels ---- */

PVOID CfChannel(PDMA_ADAPTER Adapter, ULONG Registers, IO_ALLOCATION_ACTION Action)
{
	static ULONG Next;
	PCF_CONTEXT Context = &Contexts[Next++ % CONTEXTS];
	PVOID Base = NULL;
	NTSTATUS Status;
	CF_CALL Call;
	KIRQL Irql;

	CfCallInitialize(&Call, Action);
	OPS(Adapter)->InitializeDmaTransferContext(Adapter, Context);
	Irql = KeRaiseIrqlToDpcLevel();
	Status = OPS(Adapter)->AllocateAdapterChannelEx(Adapter, CfFunctional, Context, Registers,
		DMA_SYNCHRONOUS_CALLBACK, CfControl, &Call, &Base);
	KeLowerIrql(Irql);
	return NT_SUCCESS(Status) ? Base : NULL;
}

VOID CfFreeRegisters(PDMA_ADAPTER Adapter, PVOID Base, ULONG Registers)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();

	OPS(Adapter)->FreeMapRegisters(Adapter, Base, Registers);
	KeLowerIrql(Irql);
}

BOOLEAN CfTakeAll(VOID)
{
	Taker = CfAdapterNew(3, TRUE, 0x7fffffff, &TakerRegisters);
	if (Taker == NULL)
		return FALSE;
	TakerBase = CfChannel(Taker, TakerRegisters, DeallocateObjectKeepRegisters);
	if (EXPECT("all map registers", TRUE, TakerBase != NULL))
		return TRUE;
	CfAdapterPut(Taker);
	return FALSE;
}

VOID CfGiveAll(VOID)
{
	CfFreeRegisters(Taker, TakerBase, TakerRegisters);
	CfAdapterPut(Taker);
}

/* ---- lists ---- */

PSCATTER_GATHER_LIST CfGet(
	PDMA_ADAPTER Adapter, PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write)
{
	CF_CALL Call;
	NTSTATUS Status;
	KIRQL Irql;
	PMDL Mdl;
	PVOID Va = CfBufferAt(Buffer, From, &Mdl);

	CfCallInitialize(&Call, KeepObject);
	Irql = KeRaiseIrqlToDpcLevel();
	Status = OPS(Adapter)->GetScatterGatherList(
		Adapter, CfFunctional, Mdl, Va, Length, CfListControl, &Call, Write);
	KeLowerIrql(Irql);
	if (!EXPECT("status of GetScatterGatherList", STATUS_SUCCESS, (ULONG)Status))
		return NULL;
	return CfCalled(&Call, CfFunctional) ? Call.List : NULL;
}

VOID CfPut(PDMA_ADAPTER Adapter, PSCATTER_GATHER_LIST List, BOOLEAN Write)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();

	OPS(Adapter)->PutScatterGatherList(Adapter, List, Write);
	KeLowerIrql(Irql);
}
