/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WDM DMA as drivers see it: IoGetDmaAdapter and the operations behind it. Thin: each one judges
 * the adapter pointer and the IRQL, then calls adapter.c or list.c. The members for common buffers
 * stand in ddi_dma_common.c, for channels in ddi_dma_channel.c, of version 3 in ddi_dma_extended.c.
 *
 * A wrong IRQL is reported (0xE6/13); the call is carried out if that can do no harm. So routines
 * that demand exactly DISPATCH_LEVEL work below it, raised for their length, and nothing but the
 * adapter's arithmetic works above it.
 */
#include "dma/ddi_dma.h"
#include "dma/dma_os.h"
#include "nt/nt.h"
#include "nt/nt_check.h"
#include "util/error.h"
#include "util/export.h"

#include <string.h>

/* ---- what each operation checks: table 2.2 ---- */

static const struct dma_routine io_get_dma_adapter = {
	"IoGetDmaAdapter", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct dma_routine put_dma_adapter = {"PutDmaAdapter", IRQL_PASSIVE, IRQL_DISPATCH};
static const struct dma_routine get_dma_alignment = {"GetDmaAlignment", IRQL_PASSIVE, IRQL_PASSIVE};
static const struct dma_routine get_list = {"GetScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine put_list = {"PutScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine build_list = {
	"BuildScatterGatherList", IRQL_DISPATCH, IRQL_DISPATCH};
static const struct dma_routine calculate_list = {
	"CalculateScatterGatherList", IRQL_PASSIVE, IRQL_HIGH};
static const struct dma_routine build_mdl = {
	"BuildMdlFromScatterGatherList", IRQL_PASSIVE, IRQL_DISPATCH};

__attribute__((cold, noinline)) bool dma_wrong_irql(const struct dma_routine *routine, uint8_t irql)
{
	nt_violation(DMA_RULE(DMA_RULE_IRQL), "%s called at IRQL %u (%s); it must be %s %s",
		routine->name, irql, nt_irql_name(irql),
		routine->min == routine->max ? "exactly" : "at or below",
		nt_irql_name(routine->max));
	return irql <= IRQL_DISPATCH;
}

__attribute__((cold, noinline)) void dma_bad_adapter(
	const struct dma_routine *routine, const void *pointer)
{
	nt_violation(DMA_RULE(pointer ? DMA_RULE_RELEASED : DMA_RULE_NULL_ADAPTER),
		"%s with a DMA adapter at %p, which is none or has been released", routine->name,
		pointer);
}

/* ---- adapters ---- */

static VOID NTAPI PutDmaAdapter(PDMA_ADAPTER DmaAdapter)
{
	dma_adapter_free(dma_enter(&put_dma_adapter, DmaAdapter));
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
	/* A driver may ask for the newest version and be content with less: no violation. */
	if (!dma_description_version_is_known(description->Version, nt_os()))
		return false;
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
	if (!dma_irql_allows(&io_get_dma_adapter) || cpu_irql() > IRQL_PASSIVE)
		return NULL;
	adapter = dma_adapter_from_description(
		PhysicalDeviceObject, DeviceDescription, NumberOfMapRegisters);
	if (adapter)
		adapter->site = (uintptr_t)__builtin_return_address(0);
	return adapter ? &adapter->header : NULL;
}
DRY_EXPORT(IoGetDmaAdapter)

/* ---- alignment ---- */

static ULONG NTAPI GetDmaAlignment(PDMA_ADAPTER DmaAdapter)
{
	dma_enter(&get_dma_alignment, DmaAdapter);
	/* Memory is coherent: any byte will do. */
	return 1;
}

/* ---- lists ---- */

static NTSTATUS NTAPI GetScatterGatherList(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PMDL Mdl, PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
	PVOID Context, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = dma_enter(&get_list, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	irql = dma_to_dispatch();
	status = dma_get(adapter,
		&(struct dma_order){.mdl = Mdl,
			.current_va = CurrentVa,
			.length = Length,
			.write_to_device = WriteToDevice,
			.site = (uintptr_t)__builtin_return_address(0)},
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			dma_current_irp(DeviceObject), Context});
	dma_from_dispatch(irql);
	return status;
}

static VOID NTAPI PutScatterGatherList(
	PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, BOOLEAN WriteToDevice)
{
	struct dma_adapter *adapter = dma_enter(&put_list, DmaAdapter);

	if (adapter)
		dma_put_from(adapter, ScatterGather, WriteToDevice,
			(uintptr_t)__builtin_return_address(0));
}

static NTSTATUS NTAPI CalculateScatterGatherList(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa,
	ULONG Length, PULONG ScatterGatherListSize, PULONG pNumberOfMapRegisters)
{
	struct dma_adapter *adapter = dma_enter(&calculate_list, DmaAdapter);

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
	struct dma_adapter *adapter = dma_enter(&build_list, DmaAdapter);
	uint8_t irql;
	NTSTATUS status;

	if (!adapter)
		return STATUS_UNSUCCESSFUL;
	irql = dma_to_dispatch();
	status = dma_build(adapter,
		&(struct dma_order){.mdl = Mdl,
			.current_va = CurrentVa,
			.length = Length,
			.write_to_device = WriteToDevice,
			.site = (uintptr_t)__builtin_return_address(0)},
		&(struct dma_callee){(dma_list_routine *)ExecutionRoutine, DeviceObject,
			dma_current_irp(DeviceObject), Context},
		ScatterGatherBuffer, ScatterGatherLength);
	dma_from_dispatch(irql);
	return status;
}

static NTSTATUS NTAPI BuildMdlFromScatterGatherList(PDMA_ADAPTER DmaAdapter,
	PSCATTER_GATHER_LIST ScatterGather, PMDL OriginalMdl, PMDL *TargetMdl)
{
	struct dma_adapter *adapter = dma_enter(&build_mdl, DmaAdapter);

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
	.PutDmaAdapter = PutDmaAdapter, .AllocateCommonBuffer = DmaAllocateCommonBuffer,           \
	.FreeCommonBuffer = DmaFreeCommonBuffer,                                                   \
	.AllocateAdapterChannel = DmaAllocateAdapterChannel,                                       \
	.FlushAdapterBuffers = DmaFlushAdapterBuffers,                                             \
	.FreeAdapterChannel = DmaFreeAdapterChannel, .FreeMapRegisters = DmaFreeMapRegisters,      \
	.MapTransfer = DmaMapTransfer, .GetDmaAlignment = GetDmaAlignment,                         \
	.ReadDmaCounter = DmaReadDmaCounter, .GetScatterGatherList = GetScatterGatherList,         \
	.PutScatterGatherList = PutScatterGatherList

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
		.GetDmaAdapterInfo = DmaGetDmaAdapterInfo,
		.GetDmaTransferInfo = DmaGetDmaTransferInfo,
		.InitializeDmaTransferContext = DmaInitializeDmaTransferContext,
		.AllocateCommonBufferEx = DmaAllocateCommonBufferEx,
		.AllocateAdapterChannelEx = DmaAllocateAdapterChannelEx,
		.ConfigureAdapterChannel = DmaConfigureAdapterChannel,
		.CancelAdapterChannel = DmaCancelAdapterChannel,
		.MapTransferEx = DmaMapTransferEx,
		.GetScatterGatherListEx = DmaGetScatterGatherListEx,
		.BuildScatterGatherListEx = DmaBuildScatterGatherListEx,
		.FlushAdapterBuffersEx = DmaFlushAdapterBuffersEx,
		.FreeAdapterObject = DmaFreeAdapterObject,
		.CancelMappedTransfer = DmaCancelMappedTransfer,
		.AllocateDomainCommonBuffer = DmaAllocateDomainCommonBuffer,
		.FlushDmaBuffer = DmaFlushDmaBuffer,
		.JoinDmaDomain = DmaJoinDmaDomain,
		.LeaveDmaDomain = DmaLeaveDmaDomain,
		.GetDmaDomain = DmaGetDmaDomain,
		.AllocateCommonBufferWithBounds = DmaAllocateCommonBufferWithBounds,
		.AllocateCommonBufferVector = DmaAllocateCommonBufferVector,
		.GetCommonBufferFromVectorByIndex = DmaGetCommonBufferFromVectorByIndex,
		.FreeCommonBufferFromVector = DmaFreeCommonBufferFromVector,
		.FreeCommonBufferVector = DmaFreeCommonBufferVector,
		.CreateCommonBufferFromMdl = DmaCreateCommonBufferFromMdl,
	},
};

/* Version 3 as the release that is played has it; the same for all adapters of a machine. */
static DMA_OPERATIONS newest;

PDMA_OPERATIONS dma_operations(unsigned version)
{
	uint32_t size = dma_operations_size(version, nt_os());

	if (version < DEVICE_DESCRIPTION_VERSION3)
		return (PDMA_OPERATIONS)&operations[version <= 1 ? 0 : version - 1];
	if (newest.Size != size) {
		memset(&newest, 0, sizeof(newest));
		memcpy(&newest, &operations[2], size);
		newest.Size = size;
	}
	return &newest;
}
