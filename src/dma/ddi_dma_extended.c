/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The members of version 3 of DMA_OPERATIONS that work on transfers (2.5): information, transfer
 * contexts, channels and lists that can be cancelled or are had at once. Thin over channel.c,
 * channel_map.c and list.c. Neighbours: ddi_io_dma.c, whose tables name these; ddi_dma_channel.c
 * has those of version 1.
 *
 * This machine has no system DMA controller, so what is only for its channels fails.
 */
#include "dma/ddi_dma.h"
#include "dma/channel.h"
#include "dma/dma_os.h"
#include "dma/live.h"
#include "nt/nt.h"

#include <string.h>

#define TRANSFER_MAGIC 0x7472616e73666572ull

/* table 2.2 */
static const struct dma_routine adapter_info = {"GetDmaAdapterInfo", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine transfer_info = {"GetDmaTransferInfo", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine initialize_context = {
	"InitializeDmaTransferContext", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine allocate_channel = {
	"AllocateAdapterChannelEx", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine configure_channel = {
	"ConfigureAdapterChannel", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine cancel_channel = {
	"CancelAdapterChannel", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine map_transfer = {"MapTransferEx", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine get_list = {"GetScatterGatherListEx", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine build_list = {
	"BuildScatterGatherListEx", IRQL_DISPATCH, IRQL_DISPATCH}; /* */
static const struct dma_routine flush_buffers = {
	"FlushAdapterBuffersEx", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine free_object = {"FreeAdapterObject", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine cancel_mapped = {
	"CancelMappedTransfer", IRQL_PASSIVE, IRQL_DISPATCH};

/* reported, STATUS_INVALID_PARAMETER. */
static NTSTATUS bad(const struct dma_routine *routine, const char *why)
{
	nt_violation(0, "%s: %s", routine->name, why);
	return STATUS_INVALID_PARAMETER;
}

/* ---- transfer contexts ---- */

static uint64_t self_of(const struct dma_transfer *transfer)
{
	return (uintptr_t)transfer ^ TRANSFER_MAGIC;
}

/* Whether a request with this context has not ended. Its record is looked for among ours, since the
 * context is the driver's memory. */
static bool is_outstanding(struct dma_transfer *transfer)
{
	void *record = atomic_load(&transfer->record);
	const struct dma_adapter *adapter;

	if (dma_channel_is_record(record))
		return dma_channel_is_used(record, transfer);
	for (unsigned n = 0; record && (adapter = dma_adapter_at(n)); n++) {
		struct dma_live *live = record;

		if (adapter->live && dma_live_is_record(adapter->live, live))
			return dma_live_is_used(adapter->live, live) &&
			       atomic_load(&live->transfer) == transfer;
	}
	return false;
}

/* What is wrong with a context; NULL: nothing. */
static const char *context_fault(struct dma_transfer *transfer)
{
	if (!transfer)
		return "there is no transfer context";
	if (!mem_is_valid(transfer, DMA_TRANSFER_CONTEXT_SIZE_V1) ||
		(uintptr_t)transfer % _Alignof(struct dma_transfer))
		return "the transfer context is no 128 bytes of memory";
	return NULL;
}

/* For a member that is given one. */
static NTSTATUS context_check(const struct dma_routine *routine, struct dma_transfer *transfer)
{
	const char *why = context_fault(transfer);

	if (!why && (transfer->magic != TRANSFER_MAGIC || transfer->self != self_of(transfer)))
		why = "the transfer context was not made by InitializeDmaTransferContext, or is a "
		      "copy";
	return why ? bad(routine, why) : STATUS_SUCCESS;
}

/* For a new request. */
static NTSTATUS context_claim(const struct dma_routine *routine, struct dma_transfer *transfer)
{
	NTSTATUS status = context_check(routine, transfer);

	if (!status && is_outstanding(transfer))
		status = bad(
			routine, "the transfer context is that of a request which has not ended");
	return status;
}

NTSTATUS NTAPI DmaInitializeDmaTransferContext(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext)
{
	struct dma_adapter *adapter = dma_enter(&initialize_context, DmaAdapter);
	struct dma_transfer *transfer = DmaTransferContext;
	const char *why;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	why = context_fault(transfer);
	if (!why && transfer->magic == TRANSFER_MAGIC && transfer->self == self_of(transfer) &&
		is_outstanding(transfer))
		why = "the transfer context is that of a request which has not ended";
	if (why)
		return bad(&initialize_context, why);
	memset(transfer, 0, DMA_TRANSFER_CONTEXT_SIZE_V1);
	transfer->magic = TRANSFER_MAGIC;
	transfer->self = self_of(transfer);
	return STATUS_SUCCESS;
}

/* ---- information ---- */

NTSTATUS NTAPI DmaGetDmaAdapterInfo(PDMA_ADAPTER DmaAdapter, PDMA_ADAPTER_INFO AdapterInfo)
{
	struct dma_adapter *adapter = dma_enter(&adapter_info, DmaAdapter);

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!AdapterInfo)
		return bad(&adapter_info, "there is no place for the answer");
	if (AdapterInfo->Version != DMA_ADAPTER_INFO_VERSION1)
		return STATUS_NOT_SUPPORTED;
	AdapterInfo->V1 = (DMA_ADAPTER_INFO_V1){
		.ReadDmaCounterAvailable = FALSE,
		.ScatterGatherLimit = adapter->limits.scatter_gather ? adapter->map_registers : 1,
		.DmaAddressWidth = adapter->limits.width,
		.Flags = ADAPTER_INFO_SYNCHRONOUS_CALLBACK,
		.MinimumTransferUnit = 1,
	};
	return STATUS_SUCCESS;
}

/* Offset counts from the first MDL's first byte through the chain. */
static NTSTATUS locate(const struct dma_routine *routine, PMDL mdl, uint64_t offset,
	uint32_t length, struct dma_sg_cursor *at)
{
	if (!mdl)
		return bad(routine, "there is no MDL (X-9)");
	if (dma_chain_start(at, mdl, offset, length))
		return STATUS_SUCCESS;
	nt_violation(DMA_RULE(DMA_RULE_OUTSIDE_MDL),
		"%s: the offset 0x%llx lies behind the end of the MDL chain at %p (X-7)",
		routine->name, (unsigned long long)offset, (void *)mdl);
	return STATUS_INVALID_PARAMETER;
}

/* For lists: a Length outside 1 ... N - Offset is an invalid parameter. Get's page has no other
 * status for it, and on Build's BUFFER_TOO_SMALL is for the list's buffer alone (SZ-6). */
static NTSTATUS check_covered(const struct dma_routine *routine, const struct dma_sg_cursor *at)
{
	uint64_t short_by = 0;

	if (at->left > at->mdl->ByteCount - at->offset)
		dma_sg_registers(at, &short_by);
	if (!short_by)
		return STATUS_SUCCESS;
	nt_violation(DMA_RULE(DMA_RULE_NOT_COVERED),
		"%s: the MDL chain ends %llu bytes before the length %llu", routine->name,
		(unsigned long long)short_by, (unsigned long long)at->left);
	return STATUS_INVALID_PARAMETER;
}

static void *va_of(const struct dma_sg_cursor *at)
{
	return (void *)((uintptr_t)MmGetMdlVirtualAddress(at->mdl) + at->offset);
}

/* What a transfer would need: also more than the adapter has, as the driver takes the smaller of
 * the two (CH-6). WriteOnly allows an answer that is not for reads; there is none such here. */
NTSTATUS NTAPI DmaGetDmaTransferInfo(PDMA_ADAPTER DmaAdapter, PMDL Mdl, ULONGLONG Offset,
	ULONG Length, BOOLEAN WriteOnly, PDMA_TRANSFER_INFO TransferInfo)
{
	struct dma_adapter *adapter = dma_enter(&transfer_info, DmaAdapter);
	uint64_t bytes, registers;
	struct dma_sg_cursor at;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!TransferInfo)
		return bad(&transfer_info, "there is no place for the answer");
	if (!dma_transfer_info_version_is_known(TransferInfo->Version, nt_os()))
		return STATUS_NOT_SUPPORTED;
	status = locate(&transfer_info, Mdl, Offset, Length, &at);
	if (!status)
		status = dma_list_need(adapter, at.mdl, va_of(&at), Length, &bytes, &registers);
	if (status)
		return status;
	TransferInfo->V1 = (DMA_TRANSFER_INFO_V1){
		.MapRegisterCount = (ULONG)registers,
		.ScatterGatherElementCount = adapter->limits.scatter_gather ? (ULONG)registers : 1,
		.ScatterGatherListSize = (ULONG)bytes,
	};
	if (TransferInfo->Version == DMA_TRANSFER_INFO_VERSION2)
		TransferInfo->V2.LogicalPageCount = (ULONG)registers;
	return STATUS_SUCCESS;
}

/* ---- channels ---- */

static NTSTATUS check_flags(const struct dma_routine *routine, ULONG flags)
{
	if (!(flags & ~(ULONG)DMA_SYNCHRONOUS_CALLBACK))
		return STATUS_SUCCESS;
	nt_violation(0, "%s with flags 0x%x; only DMA_SYNCHRONOUS_CALLBACK is documented",
		routine->name, (unsigned)flags);
	return STATUS_INVALID_PARAMETER;
}

/* */
static NTSTATUS check_channel(ULONG flags, PDRIVER_CONTROL routine, PVOID *base)
{
	if (flags & DMA_SYNCHRONOUS_CALLBACK)
		return routine || base
			       ? STATUS_SUCCESS
			       : bad(&allocate_channel, "neither a routine nor a place for the "
							"MapRegisterBase");
	if (!routine)
		return bad(&allocate_channel, "only a synchronous caller may do without a routine");
	return base ? bad(&allocate_channel,
			      "only a synchronous caller is given the MapRegisterBase")
		    : STATUS_SUCCESS;
}

NTSTATUS NTAPI DmaAllocateAdapterChannelEx(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, ULONG NumberOfMapRegisters, ULONG Flags,
	PDRIVER_CONTROL ExecutionRoutine, PVOID ExecutionContext, PVOID *MapRegisterBase)
{
	struct dma_adapter *adapter = dma_enter(&allocate_channel, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	status = check_flags(&allocate_channel, Flags);
	if (!status)
		status = check_channel(Flags, ExecutionRoutine, MapRegisterBase);
	if (!status)
		status = context_claim(&allocate_channel, DmaTransferContext);
	if (status)
		return status;
	irql = dma_to_dispatch();
	status = dma_channel_allocate(
		adapter, &(struct dma_channel_order){.device_object = DeviceObject,
				 .irp = dma_current_irp(DeviceObject),
				 .registers = NumberOfMapRegisters,
				 .routine = ExecutionRoutine,
				 .context = ExecutionContext,
				 .site = (uintptr_t)__builtin_return_address(0),
				 .is_extended = true,
				 .synchronous = Flags & DMA_SYNCHRONOUS_CALLBACK,
				 .base = MapRegisterBase,
				 .transfer = DmaTransferContext});
	dma_from_dispatch(irql);
	return status;
}

/* Its functions are all of the system DMA controller. */
NTSTATUS NTAPI DmaConfigureAdapterChannel(
	PDMA_ADAPTER DmaAdapter, ULONG FunctionNumber, PVOID Context)
{
	return dma_enter(&configure_channel, DmaAdapter) ? STATUS_NOT_IMPLEMENTED
							 : STATUS_UNSUCCESSFUL;
}

BOOLEAN NTAPI DmaCancelAdapterChannel(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PVOID DmaTransferContext)
{
	struct dma_adapter *adapter = dma_enter(&cancel_channel, DmaAdapter);
	struct dma_transfer *transfer = DmaTransferContext;
	bool is_cancelled = false;
	uint8_t irql;
	void *record;

	if (!adapter || context_check(&cancel_channel, transfer))
		return FALSE;
	irql = dma_to_dispatch();
	record = atomic_load(&transfer->record);
	if (dma_channel_is_record(record))
		is_cancelled = dma_channel_cancel(adapter, record, transfer, DeviceObject);
	else if (dma_live_is_record(adapter->live, record))
		is_cancelled = dma_list_cancel(adapter, record, transfer, DeviceObject);
	dma_from_dispatch(irql);
	return is_cancelled;
}

NTSTATUS NTAPI DmaMapTransferEx(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
	ULONGLONG Offset, ULONG DeviceOffset, PULONG Length, BOOLEAN WriteToDevice,
	PSCATTER_GATHER_LIST ScatterGatherBuffer, ULONG ScatterGatherBufferLength,
	PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext)
{
	struct dma_adapter *adapter = dma_enter(&map_transfer, DmaAdapter);

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!Length)
		return bad(&map_transfer, "there is no length (X-9)");
	if (!ScatterGatherBuffer || (uintptr_t)ScatterGatherBuffer % _Alignof(SCATTER_GATHER_LIST))
		return bad(&map_transfer, "there is no place for a list (X-9)");
	if (DeviceOffset || DmaCompletionRoutine)
		return bad(&map_transfer,
			"a bus master has neither a device offset nor a completion routine");
	return dma_channel_map_list(adapter, MapRegisterBase, Mdl, Offset, Length, WriteToDevice,
		ScatterGatherBuffer, ScatterGatherBufferLength,
		(uintptr_t)__builtin_return_address(0));
}

NTSTATUS NTAPI DmaFlushAdapterBuffersEx(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
	ULONGLONG Offset, ULONG Length, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = dma_enter(&flush_buffers, DmaAdapter);

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	return dma_channel_flush(adapter, MapRegisterBase,
		&(struct dma_flush){.mdl = Mdl,
			.offset = Offset,
			.is_extended = true,
			.length = Length,
			.write_to_device = WriteToDevice});
}

VOID NTAPI DmaFreeAdapterObject(PDMA_ADAPTER DmaAdapter, IO_ALLOCATION_ACTION AllocationAction)
{
	struct dma_adapter *adapter = dma_enter(&free_object, DmaAdapter);

	/* KeepObject does nothing. */
	if (!adapter || AllocationAction == KeepObject)
		return;
	if (AllocationAction == DeallocateObject ||
		AllocationAction == DeallocateObjectKeepRegisters)
		dma_channel_release(adapter, AllocationAction, "FreeAdapterObject");
	else
		bad(&free_object, "the action is no IO_ALLOCATION_ACTION");
}

NTSTATUS NTAPI DmaCancelMappedTransfer(PDMA_ADAPTER DmaAdapter, PVOID DmaTransferContext)
{
	struct dma_adapter *adapter = dma_enter(&cancel_mapped, DmaAdapter);
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	status = context_check(&cancel_mapped, DmaTransferContext);
	/* Only transfers of the system DMA controller can be stopped from here. */
	return status ? status : STATUS_NOT_SUPPORTED;
}

/* ---- lists ---- */

/* Where a list is asked for. */
struct list_call {
	const struct dma_routine *routine;
	struct dma_adapter *adapter;
	ULONG flags;
	bool has_completion;
	PSCATTER_GATHER_LIST buffer; /* Build's, else NULL */
	ULONG bytes;
};

static NTSTATUS check_list(const struct list_call *call, const struct dma_order *order,
	const struct dma_callee *callee)
{
	NTSTATUS status = check_flags(call->routine, call->flags);

	if (status)
		return status;
	if (!order->synchronous && !callee->routine)
		return bad(call->routine, "only a synchronous caller may do without a routine");
	if (!callee->routine && !order->out)
		return bad(call->routine, "neither a routine nor a place for the list");
	if (call->has_completion)
		return bad(call->routine, "a bus master has no completion routine");
	return context_claim(call->routine, order->transfer);
}

/* order->mdl is the whole chain, and its position the offset. */
static NTSTATUS list_ex(const struct list_call *call, struct dma_order *order, uint64_t offset,
	const struct dma_callee *callee)
{
	NTSTATUS status = check_list(call, order, callee);
	bool holds = order->synchronous && !callee->routine;
	struct dma_channel *held = NULL;
	struct dma_sg_cursor at;
	uint8_t irql;

	if (!status)
		status = locate(call->routine, order->mdl, offset, order->length, &at);
	if (!status)
		status = check_covered(call->routine, &at);
	if (status)
		return status;
	order->head = order->mdl;
	order->mdl = at.mdl;
	order->current_va = va_of(&at);
	irql = dma_to_dispatch();
	/* the adapter is the caller's until FreeAdapterObject; the registers are the list's.
	 */
	if (holds)
		held = dma_channel_hold(call->adapter, order->site);
	if (holds && !held)
		status = STATUS_INSUFFICIENT_RESOURCES;
	else if (call->buffer)
		status = dma_build(call->adapter, order, callee, call->buffer, call->bytes);
	else
		status = dma_get(call->adapter, order, callee);
	if (held && status)
		dma_channel_unhold(held);
	dma_from_dispatch(irql);
	return status;
}

NTSTATUS NTAPI DmaGetScatterGatherListEx(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length, ULONG Flags,
	PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context, BOOLEAN WriteToDevice,
	PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
	PSCATTER_GATHER_LIST *ScatterGatherList)
{
	const struct list_call call = {.routine = &get_list,
		.adapter = dma_enter(&get_list, DmaAdapter),
		.flags = Flags,
		.has_completion = DmaCompletionRoutine != NULL};
	struct dma_order order = {.mdl = Mdl,
		.length = Length,
		.write_to_device = WriteToDevice,
		.site = (uintptr_t)__builtin_return_address(0),
		.synchronous = Flags & DMA_SYNCHRONOUS_CALLBACK,
		.out = ScatterGatherList,
		.transfer = DmaTransferContext};

	if (!call.adapter)
		return STATUS_UNSUCCESSFUL;
	return list_ex(&call, &order, Offset,
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			dma_current_irp(DeviceObject), Context});
}

NTSTATUS NTAPI DmaBuildScatterGatherListEx(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length, ULONG Flags,
	PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context, BOOLEAN WriteToDevice,
	PVOID ScatterGatherBuffer, ULONG ScatterGatherLength,
	PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext,
	PVOID ScatterGatherList)
{
	const struct list_call call = {.routine = &build_list,
		.adapter = dma_enter(&build_list, DmaAdapter),
		.flags = Flags,
		.has_completion = DmaCompletionRoutine != NULL,
		.buffer = ScatterGatherBuffer,
		.bytes = ScatterGatherLength};
	struct dma_order order = {.mdl = Mdl,
		.length = Length,
		.write_to_device = WriteToDevice,
		.site = (uintptr_t)__builtin_return_address(0),
		.synchronous = Flags & DMA_SYNCHRONOUS_CALLBACK,
		.out = ScatterGatherList, /* the page declares it PVOID; it gets the buffer */
		.transfer = DmaTransferContext};

	if (!call.adapter)
		return STATUS_UNSUCCESSFUL;
	if (!ScatterGatherBuffer)
		return bad(&build_list, "there is no place for the list (X-9)");
	return list_ex(&call, &order, Offset,
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			dma_current_irp(DeviceObject), Context});
}
