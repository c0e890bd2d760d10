/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Wrappers over StorPortExtendedFunction: pool, MDLs, scatter/gather lists, contiguous and DMA
 * memory. */
#ifndef DDK_PARTS_STOR_MEMORY_H
#define DDK_PARTS_STOR_MEMORY_H

#include "stor_function.h"

typedef ULONG NODE_REQUIREMENT;
#define MM_ANY_NODE_OK 0x80000000

/* ---- pool and MDLs ---- */

DDK_INLINE ULONG StorPortAllocatePool(
	PVOID HwDeviceExtension, ULONG NumberOfBytes, ULONG Tag, PVOID *BufferPointer)
{
	return StorPortExtendedFunction(
		ExtFunctionAllocatePool, HwDeviceExtension, NumberOfBytes, Tag, BufferPointer);
}

DDK_INLINE ULONG StorPortFreePool(PVOID HwDeviceExtension, PVOID BufferPointer)
{
	return StorPortExtendedFunction(ExtFunctionFreePool, HwDeviceExtension, BufferPointer);
}

DDK_INLINE ULONG StorPortAllocateMdl(
	PVOID HwDeviceExtension, PVOID BufferPointer, ULONG NumberOfBytes, PVOID *Mdl)
{
	return StorPortExtendedFunction(
		ExtFunctionAllocateMdl, HwDeviceExtension, BufferPointer, NumberOfBytes, Mdl);
}

DDK_INLINE ULONG StorPortFreeMdl(PVOID HwDeviceExtension, PVOID Mdl)
{
	return StorPortExtendedFunction(ExtFunctionFreeMdl, HwDeviceExtension, Mdl);
}

DDK_INLINE ULONG StorPortBuildMdlForNonPagedPool(PVOID HwDeviceExtension, PVOID Mdl)
{
	return StorPortExtendedFunction(ExtFunctionBuildMdlForNonPagedPool, HwDeviceExtension, Mdl);
}

/* ---- a request's buffers ---- */

DDK_INLINE ULONG StorPortGetSystemAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID *SystemAddress)
{
	return StorPortExtendedFunction(
		ExtFunctionGetSystemAddress, HwDeviceExtension, Srb, SystemAddress);
}

DDK_INLINE ULONG StorPortGetOriginalMdl(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID *Mdl)
{
	return StorPortExtendedFunction(ExtFunctionGetOriginalMdl, HwDeviceExtension, Srb, Mdl);
}

DDK_INLINE ULONG StorPortGetDataInBufferMdl(
	PVOID HwDeviceExtension, PSTORAGE_REQUEST_BLOCK Srb, PVOID *Mdl)
{
	return StorPortExtendedFunction(ExtFunctionGetDataInBufferMdl, HwDeviceExtension, Srb, Mdl);
}

DDK_INLINE ULONG StorPortGetDataInBufferSystemAddress(
	PVOID HwDeviceExtension, PSTORAGE_REQUEST_BLOCK Srb, PVOID *SystemAddress)
{
	return StorPortExtendedFunction(
		ExtFunctionGetDataInBufferSystemAddress, HwDeviceExtension, Srb, SystemAddress);
}

DDK_INLINE ULONG StorPortGetDataInBufferScatterGatherList(
	PVOID HwDeviceExtension, PSTORAGE_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST *SgList)
{
	return StorPortExtendedFunction(
		ExtFunctionGetDataInBufferScatterGatherList, HwDeviceExtension, Srb, SgList);
}

DDK_INLINE ULONG StorPortGetPfns(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID Mdl,
	PVOID *Pfns, PULONG PfnCount, PULONG StartingOffset)
{
	return StorPortExtendedFunction(
		ExtFunctionGetPfns, HwDeviceExtension, Srb, Mdl, Pfns, PfnCount, StartingOffset);
}

/* ---- scatter/gather lists of the miniport's own (SG-1 .. SG-25) ---- */

DDK_INLINE ULONG StorPortBuildScatterGatherList(PVOID HwDeviceExtension, PVOID Mdl, PVOID CurrentVa,
	ULONG Length, PPOST_SCATTER_GATHER_EXECUTE ExecutionRoutine, PVOID Context,
	BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG ScatterGatherBufferLength)
{
	return StorPortExtendedFunction(ExtFunctionBuildScatterGatherList, HwDeviceExtension, Mdl,
		CurrentVa, Length, ExecutionRoutine, Context, WriteToDevice, ScatterGatherBuffer,
		ScatterGatherBufferLength);
}

DDK_INLINE ULONG StorPortPutScatterGatherList(
	PVOID HwDeviceExtension, PSTOR_SCATTER_GATHER_LIST ScatterGatherList, BOOLEAN WriteToDevice)
{
	return StorPortExtendedFunction(ExtFunctionPutScatterGatherList, HwDeviceExtension,
		ScatterGatherList, WriteToDevice);
}

/* ---- contiguous and DMA memory ---- */

DDK_INLINE ULONG StorPortAllocateContiguousMemorySpecifyCacheNode(PVOID HwDeviceExtension,
	SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
	PHYSICAL_ADDRESS HighestAcceptableAddress, PHYSICAL_ADDRESS BoundaryAddressMultiple,
	MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT PreferredNode, PVOID *BufferPointer)
{
	return StorPortExtendedFunction(ExtFunctionAllocateContiguousMemorySpecifyCacheNode,
		HwDeviceExtension, NumberOfBytes, LowestAcceptableAddress.QuadPart,
		HighestAcceptableAddress.QuadPart, BoundaryAddressMultiple.QuadPart, CacheType,
		PreferredNode, BufferPointer);
}

DDK_INLINE ULONG StorPortFreeContiguousMemorySpecifyCache(PVOID HwDeviceExtension,
	PVOID BaseAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
	return StorPortExtendedFunction(ExtFunctionFreeContiguousMemorySpecifyCache,
		HwDeviceExtension, BaseAddress, NumberOfBytes, CacheType);
}

DDK_INLINE ULONG StorPortAllocateDmaMemory(PVOID HwDeviceExtension, SIZE_T NumberOfBytes,
	PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
	PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType,
	NODE_REQUIREMENT PreferredNode, PVOID *BufferPointer, PPHYSICAL_ADDRESS PhysicalAddress)
{
	return StorPortExtendedFunction(ExtFunctionAllocateDmaMemory, HwDeviceExtension,
		NumberOfBytes, LowestAcceptableAddress.QuadPart, HighestAcceptableAddress.QuadPart,
		BoundaryAddressMultiple.QuadPart, CacheType, PreferredNode, BufferPointer,
		PhysicalAddress);
}

DDK_INLINE ULONG StorPortFreeDmaMemory(PVOID HwDeviceExtension, PVOID BaseAddress,
	SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType, PHYSICAL_ADDRESS PhysicalAddress)
{
	return StorPortExtendedFunction(ExtFunctionFreeDmaMemory, HwDeviceExtension, BaseAddress,
		NumberOfBytes, CacheType, PhysicalAddress.QuadPart);
}

/* ---- memory that an NVMe device uses as its own ---- */

DDK_INLINE ULONG StorPortAllocateHostMemoryBuffer(PVOID HwDeviceExtension, SIZE_T MinimumBytes,
	SIZE_T PreferredBytes, ULONGLONG UtilizationBytes, ULONG AlignmentBytes,
	PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
	PHYSICAL_ADDRESS BoundaryAddressMultiple, PACCESS_RANGE PhysicalAddressRanges,
	PULONG PhysicalAddressRangeCount)
{
	return StorPortExtendedFunction(ExtFunctionAllocateHmb, HwDeviceExtension, MinimumBytes,
		PreferredBytes, UtilizationBytes, AlignmentBytes, LowestAcceptableAddress.QuadPart,
		HighestAcceptableAddress.QuadPart, BoundaryAddressMultiple.QuadPart,
		PhysicalAddressRanges, PhysicalAddressRangeCount);
}

DDK_INLINE ULONG StorPortFreeHostMemoryBuffer(PVOID HwDeviceExtension,
	PACCESS_RANGE PhysicalAddressRanges, ULONG PhysicalAddressRangeCount)
{
	return StorPortExtendedFunction(ExtFunctionFreeHmb, HwDeviceExtension,
		PhysicalAddressRanges, PhysicalAddressRangeCount);
}

DDK_INLINE ULONG StorPortMarkDumpMemory(
	PVOID HwDeviceExtension, PVOID Address, ULONG_PTR Length, ULONG Flags)
{
	return StorPortExtendedFunction(
		ExtFunctionMarkDumpMemory, HwDeviceExtension, Address, Length, Flags);
}

#endif
