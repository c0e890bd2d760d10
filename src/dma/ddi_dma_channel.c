/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Adapter channels as drivers see them in every version of DMA_OPERATIONS: CH-1 … CH-6. Thin over
 * channel.c and channel_map.c. Neighbours: ddi_io_dma.c, whose tables name these;
 * ddi_dma_extended.c has the members of version 3.
 */
#include "dma/ddi_dma.h"
#include "dma/channel.h"
#include "nt/nt.h"

/* table 2.2 */
static const struct dma_routine allocate_channel = {
	"AllocateAdapterChannel", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine flush_buffers = {
	"FlushAdapterBuffers", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine free_channel = {"FreeAdapterChannel", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine free_registers = {"FreeMapRegisters", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine map_transfer = {"MapTransfer", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine read_counter = {"ReadDmaCounter", IRQL_PASSIVE, IRQL_DISPATCH};

NTSTATUS NTAPI DmaAllocateAdapterChannel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	ULONG NumberOfMapRegisters, PDRIVER_CONTROL ExecutionRoutine, PVOID Context)
{
	struct dma_adapter *adapter = dma_enter(&allocate_channel, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!ExecutionRoutine) {
		nt_violation(0, "AllocateAdapterChannel without an AdapterControl routine (X-9)");
		return STATUS_INVALID_PARAMETER;
	}
	irql = dma_to_dispatch();
	status = dma_channel_allocate(
		adapter, &(struct dma_channel_order){.device_object = DeviceObject,
				 .irp = dma_current_irp(DeviceObject), /* CH-4 */
				 .registers = NumberOfMapRegisters,
				 .routine = ExecutionRoutine,
				 .context = Context,
				 .site = (uintptr_t)__builtin_return_address(0)});
	dma_from_dispatch(irql);
	return status;
}

BOOLEAN NTAPI DmaFlushAdapterBuffers(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
	PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = dma_enter(&flush_buffers, DmaAdapter);

	return adapter && !dma_channel_flush(adapter, MapRegisterBase,
				  &(struct dma_flush){.mdl = Mdl,
					  .va = (uintptr_t)CurrentVa,
					  .length = Length,
					  .write_to_device = WriteToDevice});
}

VOID NTAPI DmaFreeAdapterChannel(PDMA_ADAPTER DmaAdapter)
{
	struct dma_adapter *adapter = dma_enter(&free_channel, DmaAdapter);

	/* With its registers. */
	if (adapter)
		dma_channel_release(adapter, DeallocateObject, "FreeAdapterChannel");
}

VOID NTAPI DmaFreeMapRegisters(
	PDMA_ADAPTER DmaAdapter, PVOID MapRegisterBase, ULONG NumberOfMapRegisters)
{
	struct dma_adapter *adapter = dma_enter(&free_registers, DmaAdapter);

	if (adapter)
		dma_channel_free_registers(adapter, MapRegisterBase, NumberOfMapRegisters);
}

PHYSICAL_ADDRESS NTAPI DmaMapTransfer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
	PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = dma_enter(&map_transfer, DmaAdapter);
	PHYSICAL_ADDRESS address = {.QuadPart = 0};

	if (!adapter)
		return address;
	if (!Length) {
		nt_violation(0, "MapTransfer without a length (X-9)");
		return address;
	}
	address.QuadPart = (LONGLONG)dma_channel_map(adapter, MapRegisterBase, Mdl, CurrentVa,
		Length, WriteToDevice, (uintptr_t)__builtin_return_address(0));
	return address;
}

/* Of the system DMA controller, which this machine does not have: nothing is left to transfer. */
ULONG NTAPI DmaReadDmaCounter(PDMA_ADAPTER DmaAdapter)
{
	dma_enter(&read_counter, DmaAdapter);
	return 0;
}
