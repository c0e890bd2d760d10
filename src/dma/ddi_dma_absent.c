/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Members of DMA_OPERATIONS that do nothing yet: see ddi_dma_absent.h. */
#include "dma/ddi_dma_absent.h"
#include "nt/nt.h"

static void absent(const char *name)
{
	nt_violation(0, "DMA_OPERATIONS.%s is not implemented yet; the call fails", name);
}

#define ABSENT(type, name, result, ...)                                                            \
	type NTAPI DmaAbsent##name(__VA_ARGS__)                                                    \
	{                                                                                          \
		absent(#name);                                                                     \
		return result;                                                                     \
	}
#define ABSENT_STATUS(name, ...) ABSENT(NTSTATUS, name, STATUS_NOT_IMPLEMENTED, __VA_ARGS__)
#define ABSENT_VOID(name, ...)                                                                     \
	VOID NTAPI DmaAbsent##name(__VA_ARGS__)                                                    \
	{                                                                                          \
		absent(#name);                                                                     \
	}

/* ---- version 1 ---- */

ABSENT_STATUS(AllocateAdapterChannel, PDMA_ADAPTER adapter, PDEVICE_OBJECT device, ULONG registers,
	PDRIVER_CONTROL routine, PVOID context)
ABSENT(BOOLEAN, FlushAdapterBuffers, FALSE, PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va,
	ULONG length, BOOLEAN write)
ABSENT_VOID(FreeAdapterChannel, PDMA_ADAPTER adapter)
ABSENT_VOID(FreeMapRegisters, PDMA_ADAPTER adapter, PVOID base, ULONG registers)
ABSENT(PHYSICAL_ADDRESS, MapTransfer, (PHYSICAL_ADDRESS){0}, PDMA_ADAPTER adapter, PMDL mdl,
	PVOID base, PVOID va, PULONG length, BOOLEAN write)
ABSENT(ULONG, ReadDmaCounter, 0, PDMA_ADAPTER adapter)

/* ---- version 3 ---- */

ABSENT_STATUS(GetDmaAdapterInfo, PDMA_ADAPTER adapter, PDMA_ADAPTER_INFO info)
ABSENT_STATUS(GetDmaTransferInfo, PDMA_ADAPTER adapter, PMDL mdl, ULONGLONG offset, ULONG length,
	BOOLEAN write_only, PDMA_TRANSFER_INFO info)
ABSENT_STATUS(InitializeDmaTransferContext, PDMA_ADAPTER adapter, PVOID transfer)
ABSENT(PVOID, AllocateCommonBufferEx, NULL, PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS highest,
	ULONG length, PPHYSICAL_ADDRESS address, BOOLEAN cached, ULONG node)
ABSENT_STATUS(AllocateAdapterChannelEx, PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
	ULONG registers, ULONG flags, PDRIVER_CONTROL routine, PVOID context, PVOID *base)
ABSENT_STATUS(ConfigureAdapterChannel, PDMA_ADAPTER adapter, ULONG function, PVOID context)
ABSENT(BOOLEAN, CancelAdapterChannel, FALSE, PDMA_ADAPTER adapter, PDEVICE_OBJECT device,
	PVOID transfer)
ABSENT_STATUS(MapTransferEx, PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
	ULONG device_offset, PULONG length, BOOLEAN write, PSCATTER_GATHER_LIST list, ULONG bytes,
	PDMA_COMPLETION_ROUTINE completion, PVOID context)
ABSENT_STATUS(GetScatterGatherListEx, PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
	PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags, PDRIVER_LIST_CONTROL routine,
	PVOID context, BOOLEAN write, PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
	PSCATTER_GATHER_LIST *list)
ABSENT_STATUS(BuildScatterGatherListEx, PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID transfer,
	PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags, PDRIVER_LIST_CONTROL routine,
	PVOID context, BOOLEAN write, PVOID buffer, ULONG bytes, PDMA_COMPLETION_ROUTINE completion,
	PVOID completion_context, PVOID list)
ABSENT_STATUS(FlushAdapterBuffersEx, PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
	ULONG length, BOOLEAN write)
ABSENT_VOID(FreeAdapterObject, PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action)
ABSENT_STATUS(CancelMappedTransfer, PDMA_ADAPTER adapter, PVOID transfer)

/* ---- Windows 10 ---- */

ABSENT_STATUS(AllocateDomainCommonBuffer, PDMA_ADAPTER adapter, HANDLE domain,
	PPHYSICAL_ADDRESS highest, ULONG length, ULONG flags, MEMORY_CACHING_TYPE *cache,
	ULONG node, PPHYSICAL_ADDRESS address, PVOID *va)
ABSENT_STATUS(FlushDmaBuffer, PDMA_ADAPTER adapter, PMDL mdl, BOOLEAN read)
ABSENT_STATUS(JoinDmaDomain, PDMA_ADAPTER adapter, HANDLE domain)
ABSENT_STATUS(LeaveDmaDomain, PDMA_ADAPTER adapter)
ABSENT(HANDLE, GetDmaDomain, NULL, PDMA_ADAPTER adapter)
ABSENT(PVOID, AllocateCommonBufferWithBounds, NULL, PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS lowest,
	PPHYSICAL_ADDRESS highest, ULONG length, ULONG flags, MEMORY_CACHING_TYPE *cache,
	ULONG node, PPHYSICAL_ADDRESS address)
ABSENT_STATUS(AllocateCommonBufferVector, PDMA_ADAPTER adapter, PHYSICAL_ADDRESS lowest,
	PHYSICAL_ADDRESS highest, MEMORY_CACHING_TYPE cache, ULONG node, ULONG flags,
	ULONG elements, ULONGLONG bytes, PDMA_COMMON_BUFFER_VECTOR *vector)
ABSENT_VOID(GetCommonBufferFromVectorByIndex, PDMA_ADAPTER adapter,
	PDMA_COMMON_BUFFER_VECTOR vector, ULONG index, PVOID *va, PPHYSICAL_ADDRESS address)
ABSENT_VOID(FreeCommonBufferFromVector, PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector,
	ULONG index)
ABSENT_VOID(FreeCommonBufferVector, PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector)
ABSENT_STATUS(CreateCommonBufferFromMdl, PDMA_ADAPTER adapter, PMDL mdl, PVOID configs, ULONG count,
	PPHYSICAL_ADDRESS address)
