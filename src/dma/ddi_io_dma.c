/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WDM DMA as drivers see it: IoGetDmaAdapter and the operations behind it. Thin: each one judges
 * the adapter pointer and the IRQL, then calls adapter.c, list.c or common_buffer.c. The members
 * that do nothing yet stand in ddi_dma_absent.c.
 *
 * A wrong IRQL is reported (0xE6/13); the call is carried out if that can do no harm. So routines
 * that demand exactly DISPATCH_LEVEL work below it, raised for their length, and nothing but the
 * adapter's arithmetic works above it.
 */
#include "dma/dma_private.h"
#include "dma/ddi_dma_absent.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "nt/nt_check.h"
#include "util/error.h"
#include "util/export.h"

#include <string.h>

/* ---- what each operation checks: table 2.2 ---- */

struct routine {
	const char *name;
	uint8_t min, max; /* IRQL */
};

static const struct routine io_get_dma_adapter = {"IoGetDmaAdapter", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct routine put_dma_adapter = {"PutDmaAdapter", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct routine allocate_common_buffer = {
	"AllocateCommonBuffer", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct routine free_common_buffer = {"FreeCommonBuffer", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct routine get_dma_alignment = {"GetDmaAlignment", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct routine get_list = {"GetScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct routine put_list = {"PutScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct routine build_list = {"BuildScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct routine calculate_list = {
	"CalculateScatterGatherList", IRQL_PASSIVE, IRQL_HIGH};
static const struct routine build_mdl = {
	"BuildMdlFromScatterGatherList", IRQL_PASSIVE, IRQL_DISPATCH};

static __attribute__((cold, noinline)) bool wrong_irql(const struct routine *routine, uint8_t irql)
{
	nt_violation(DMA_RULE(DMA_RULE_IRQL), "%s called at IRQL %u (%s); it must be %s %s",
		routine->name, irql, nt_irql_name(irql),
		routine->min == routine->max ? "exactly" : "at or below",
		nt_irql_name(routine->max));
	return irql <= IRQL_DISPATCH;
}

static inline bool irql_allows(const struct routine *routine)
{
	uint8_t irql = cpu_irql();

	return likely(irql >= routine->min && irql <= routine->max) || wrong_irql(routine, irql);
}

/* The adapter, if the call may go on. */
static inline struct dma_adapter *enter(const struct routine *routine, PDMA_ADAPTER pointer)
{
	struct dma_adapter *adapter = dma_adapter_find(pointer);

	if (unlikely(!adapter)) {
		nt_violation(DMA_RULE(pointer ? DMA_RULE_RELEASED : DMA_RULE_NULL_ADAPTER),
			"%s with a DMA adapter at %p, which is none or has been released",
			routine->name, (void *)pointer);
		return NULL;
	}
	return irql_allows(routine) ? adapter : NULL;
}

/* A driver's routine has to be called at DISPATCH_LEVEL, whatever its caller got wrong. */
static inline uint8_t to_dispatch(void)
{
	uint8_t irql = cpu_irql();

	return unlikely(irql < IRQL_DISPATCH && cpu_self) ? cpu_irql_raise(IRQL_DISPATCH) : irql;
}

static inline void from_dispatch(uint8_t irql)
{
	if (unlikely(irql < IRQL_DISPATCH && cpu_self))
		cpu_irql_lower(irql);
}

/* What AdapterListControl gets as its Irp. */
static PIRP current_irp(PDEVICE_OBJECT device)
{
	return mem_is_valid(device, sizeof(*device)) ? device->CurrentIrp : NULL;
}

/* ---- adapters ---- */

static VOID NTAPI PutDmaAdapter(PDMA_ADAPTER DmaAdapter)
{
	dma_adapter_free(enter(&put_dma_adapter, DmaAdapter));
}

/* D-11, D-12: how many address bits the description names; 0: a width that there is not. */
static unsigned width_of(PDEVICE_DESCRIPTION description)
{
	if (description->Version >= DEVICE_DESCRIPTION_VERSION3)
		return description->DmaAddressWidth <= 64 ? description->DmaAddressWidth : 0;
	if (description->Dma64BitAddresses)
		return 64;
	if (description->Dma32BitAddresses)
		return 32;
	return description->ScatterGather && description->InterfaceType == PCIBus ? 32 : 24;
}

static bool description_is_valid(PDEVICE_DESCRIPTION description)
{
	if (description->Version > DEVICE_DESCRIPTION_VERSION3) {
		nt_violation(DMA_RULE(DMA_RULE_DESCRIPTION),
			"IoGetDmaAdapter with a DEVICE_DESCRIPTION of version %u; 0 to 3 are known "
			"(D-3)",
			(unsigned)description->Version);
		return false;
	}
	if (description->Master && !width_of(description)) {
		nt_violation(0,
			"IoGetDmaAdapter with a DmaAddressWidth of %u; it must be 1 to 64 (D-12)",
			(unsigned)description->DmaAddressWidth);
		return false;
	}
	return true;
}

struct dma_adapter *dma_adapter_from_description(
	PVOID physical_device_object, PDEVICE_DESCRIPTION description, PULONG map_registers)
{
	struct dma_constraints limits = {0};
	struct dma_adapter *adapter;
	const struct dma_device *device;

	if (!description || !map_registers) {
		nt_violation(0, "IoGetDmaAdapter without %s (X-9)",
			description ? "a place for the number of map registers" : "a description");
		return NULL;
	}
	if (!description_is_valid(description))
		return NULL;
	/* D-10: there is no system DMA controller for a slave to be served by. */
	if (!description->Master)
		return NULL;
	device = dma_device_resolve ? dma_device_resolve(physical_device_object) : NULL;
	if (!device)
		return NULL;
	limits.width = min_of(width_of(description), device->width);
	limits.max_transfer = description->MaximumLength;
	limits.scatter_gather = description->ScatterGather;
	limits.device = device->device;
	adapter = dma_adapter_new(&limits, device->owner);
	if (adapter) {
		adapter->header.DmaOperations = dma_operations(description->Version);
		*map_registers = adapter->map_registers;
	}
	return adapter;
}

PDMA_ADAPTER NTAPI IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
	PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
	struct dma_adapter *adapter;

	/* D-1. The same at DISPATCH_LEVEL is what the GET_DMA_ADAPTER interface is for. */
	if (!irql_allows(&io_get_dma_adapter) || cpu_irql() > IRQL_PASSIVE)
		return NULL;
	adapter = dma_adapter_from_description(
		PhysicalDeviceObject, DeviceDescription, NumberOfMapRegisters);
	return adapter ? &adapter->header : NULL;
}
DRY_EXPORT(IoGetDmaAdapter)

/* ---- common buffers and alignment ---- */

static PVOID NTAPI AllocateCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
	PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled)
{
	struct dma_adapter *adapter = enter(&allocate_common_buffer, DmaAdapter);
	uint64_t address;
	void *va;

	if (!adapter)
		return NULL;
	if (!LogicalAddress || !Length) {
		nt_violation(0, "AllocateCommonBuffer %s (X-9)",
			Length ? "without a place for the logical address" : "of length 0");
		return NULL;
	}
	va = dma_common_alloc(adapter, Length, CacheEnabled, &address);
	if (va)
		LogicalAddress->QuadPart = (LONGLONG)address;
	return va;
}

static VOID NTAPI FreeCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
	PHYSICAL_ADDRESS LogicalAddress, PVOID VirtualAddress, BOOLEAN CacheEnabled)
{
	struct dma_adapter *adapter = enter(&free_common_buffer, DmaAdapter);

	if (adapter)
		dma_common_free(adapter, Length, (uint64_t)LogicalAddress.QuadPart, VirtualAddress,
			CacheEnabled);
}

static ULONG NTAPI GetDmaAlignment(PDMA_ADAPTER DmaAdapter)
{
	enter(&get_dma_alignment, DmaAdapter);
	/* Memory is coherent: any byte will do. */
	return 1;
}

/* ---- lists ---- */

static NTSTATUS NTAPI GetScatterGatherList(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PMDL Mdl, PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
	PVOID Context, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = enter(&get_list, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	irql = to_dispatch();
	status = dma_get(adapter,
		&(struct dma_order){.mdl = Mdl,
			.current_va = CurrentVa,
			.length = Length,
			.write_to_device = WriteToDevice,
			.site = (uintptr_t)__builtin_return_address(0)},
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			current_irp(DeviceObject), Context});
	from_dispatch(irql);
	return status;
}

static VOID NTAPI PutScatterGatherList(
	PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = enter(&put_list, DmaAdapter);

	if (adapter)
		dma_put(adapter, ScatterGather, WriteToDevice);
}

static NTSTATUS NTAPI CalculateScatterGatherList(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa,
	ULONG Length, PULONG ScatterGatherListSize, PULONG pNumberOfMapRegisters)
{
	struct dma_adapter *adapter = enter(&calculate_list, DmaAdapter);

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!ScatterGatherListSize) {
		nt_violation(0, "CalculateScatterGatherList without a place for the size (X-9)");
		return STATUS_INVALID_PARAMETER;
	}
	return dma_list_size(
		adapter, Mdl, CurrentVa, Length, ScatterGatherListSize, pNumberOfMapRegisters);
}

static NTSTATUS NTAPI BuildScatterGatherList(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PMDL Mdl, PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
	PVOID Context, BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherLength)
{
	struct dma_adapter *adapter = enter(&build_list, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	irql = to_dispatch();
	status = dma_build(adapter,
		&(struct dma_order){.mdl = Mdl,
			.current_va = CurrentVa,
			.length = Length,
			.write_to_device = WriteToDevice,
			.site = (uintptr_t)__builtin_return_address(0)},
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			current_irp(DeviceObject), Context},
		ScatterGatherBuffer, ScatterGatherLength);
	from_dispatch(irql);
	return status;
}

static NTSTATUS NTAPI BuildMdlFromScatterGatherList(PDMA_ADAPTER DmaAdapter,
	PSCATTER_GATHER_LIST ScatterGather, PMDL OriginalMdl, PMDL *TargetMdl)
{
	struct dma_adapter *adapter = enter(&build_mdl, DmaAdapter);

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	if (!TargetMdl) {
		nt_violation(0, "BuildMdlFromScatterGatherList without a place for the MDL (X-9)");
		return STATUS_INVALID_PARAMETER;
	}
	return dma_list_mdl(adapter, ScatterGather, OriginalMdl, TargetMdl);
}

/* ---- the tables: D-3, D-4; what lies past Size is NULL ---- */

#define OPERATIONS_V1                                                                              \
	.PutDmaAdapter = PutDmaAdapter, .AllocateCommonBuffer = AllocateCommonBuffer,              \
	.FreeCommonBuffer = FreeCommonBuffer,                                                      \
	.AllocateAdapterChannel = DmaAbsentAllocateAdapterChannel,                                 \
	.FlushAdapterBuffers = DmaAbsentFlushAdapterBuffers,                                       \
	.FreeAdapterChannel = DmaAbsentFreeAdapterChannel,                                         \
	.FreeMapRegisters = DmaAbsentFreeMapRegisters, .MapTransfer = DmaAbsentMapTransfer,        \
	.GetDmaAlignment = GetDmaAlignment, .ReadDmaCounter = DmaAbsentReadDmaCounter,             \
	.GetScatterGatherList = GetScatterGatherList, .PutScatterGatherList = PutScatterGatherList

#define OPERATIONS_V2                                                                              \
	OPERATIONS_V1, .CalculateScatterGatherList = CalculateScatterGatherList,                   \
		       .BuildScatterGatherList = BuildScatterGatherList,                           \
		       .BuildMdlFromScatterGatherList = BuildMdlFromScatterGatherList

static const DMA_OPERATIONS operations[] = {
	{.Size = offsetof(DMA_OPERATIONS, CalculateScatterGatherList), OPERATIONS_V1},
	{.Size = offsetof(DMA_OPERATIONS, GetDmaAdapterInfo), OPERATIONS_V2},
	{
		.Size = sizeof(DMA_OPERATIONS),
		OPERATIONS_V2,
		.GetDmaAdapterInfo = DmaAbsentGetDmaAdapterInfo,
		.GetDmaTransferInfo = DmaAbsentGetDmaTransferInfo,
		.InitializeDmaTransferContext = DmaAbsentInitializeDmaTransferContext,
		.AllocateCommonBufferEx = DmaAbsentAllocateCommonBufferEx,
		.AllocateAdapterChannelEx = DmaAbsentAllocateAdapterChannelEx,
		.ConfigureAdapterChannel = DmaAbsentConfigureAdapterChannel,
		.CancelAdapterChannel = DmaAbsentCancelAdapterChannel,
		.MapTransferEx = DmaAbsentMapTransferEx,
		.GetScatterGatherListEx = DmaAbsentGetScatterGatherListEx,
		.BuildScatterGatherListEx = DmaAbsentBuildScatterGatherListEx,
		.FlushAdapterBuffersEx = DmaAbsentFlushAdapterBuffersEx,
		.FreeAdapterObject = DmaAbsentFreeAdapterObject,
		.CancelMappedTransfer = DmaAbsentCancelMappedTransfer,
		.AllocateDomainCommonBuffer = DmaAbsentAllocateDomainCommonBuffer,
		.FlushDmaBuffer = DmaAbsentFlushDmaBuffer,
		.JoinDmaDomain = DmaAbsentJoinDmaDomain,
		.LeaveDmaDomain = DmaAbsentLeaveDmaDomain,
		.GetDmaDomain = DmaAbsentGetDmaDomain,
		.AllocateCommonBufferWithBounds = DmaAbsentAllocateCommonBufferWithBounds,
		.AllocateCommonBufferVector = DmaAbsentAllocateCommonBufferVector,
		.GetCommonBufferFromVectorByIndex = DmaAbsentGetCommonBufferFromVectorByIndex,
		.FreeCommonBufferFromVector = DmaAbsentFreeCommonBufferFromVector,
		.FreeCommonBufferVector = DmaAbsentFreeCommonBufferVector,
		.CreateCommonBufferFromMdl = DmaAbsentCreateCommonBufferFromMdl,
	},
};

PDMA_OPERATIONS dma_operations(unsigned version)
{
	return (PDMA_OPERATIONS)&operations[version <= 1 ? 0 : version - 1];
}
