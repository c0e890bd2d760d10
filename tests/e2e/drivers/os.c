/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Goes with a copy of examples/simple that calls OsInitialize for StorPortInitialize: it asks which
 * Windows this is and for what came later, tells the answers, and then works as examples/simple
 * does.
 */
#include "simple.h"

#include <ntddk.h>

#define OS_TELL(...) StorPortDebugPrint(0, __VA_ARGS__)

static PHW_FIND_ADAPTER OsSimpleFindAdapter;

static VOID OsTellFunctions(PVOID Extension)
{
	LARGE_INTEGER Counter;
	USHORT Groups;
	PVOID Buffer = NULL;
	ULONG Status = StorPortAllocatePool(Extension, 16, 'sOsO', &Buffer);

	OS_TELL("os: pool %x\n", Status);
	if (Status == STOR_STATUS_SUCCESS)
		StorPortFreePool(Extension, Buffer);
	OS_TELL("os: groups %x\n", StorPortGetActiveGroupCount(Extension, &Groups));
	OS_TELL("os: counter %x\n", StorPortQueryPerformanceCounter(Extension, NULL, &Counter));
}

/* A Storport miniport of a physical device should not; here it tells what the release has. */
static VOID OsTellDma(PVOID Extension)
{
	PVOID Functional, Physical, Lower;

	StorPortGetDeviceObjects(Extension, &Functional, &Physical, &Lower);
	for (ULONG Version = 0; Version <= 3; Version++) {
		DEVICE_DESCRIPTION Description = {
			.Version = Version,
			.Master = TRUE,
			.ScatterGather = TRUE,
			.Dma32BitAddresses = TRUE,
			.DmaAddressWidth = 32,
			.InterfaceType = PCIBus,
			.MaximumLength = PAGE_SIZE,
		};
		ULONG Registers;
		PDMA_ADAPTER Adapter = IoGetDmaAdapter(Physical, &Description, &Registers);

		OS_TELL("os: dma %u: %x\n", Version, Adapter ? Adapter->DmaOperations->Size : 0);
		if (Adapter)
			Adapter->DmaOperations->PutDmaAdapter(Adapter);
	}
}

static ULONG OsFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	ULONG Status;

	OS_TELL("os: length %u, scatter/gather %u\n", Config->Length, Config->ScatterGather);
	OsTellFunctions(Extension);
	OsTellDma(Extension);
	Config->ScatterGather = Config->Master = TRUE;
	Status = OsSimpleFindAdapter(
		Extension, HwContext, BusInformation, ArgumentString, Config, Again);
	/* What examples/simple sets behind the end of an older structure. */
	RtlZeroMemory((PUCHAR)Config + Config->Length, sizeof(*Config) - Config->Length);
	return Status;
}

ULONG OsInitialize(
	PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Data, PVOID HwContext)
{
	static const ULONG Sizes[] = {
		sizeof(*Data), FIELD_OFFSET(HW_INITIALIZATION_DATA, HwFreeAdapterResources)};
	RTL_OSVERSIONINFOW Version = {.dwOSVersionInfoSize = sizeof(Version)};
	ULONG Status = 0;

	RtlGetVersion(&Version);
	OS_TELL("os: version %u.%u.%u\n", Version.dwMajorVersion, Version.dwMinorVersion,
		Version.dwBuildNumber);
	OsSimpleFindAdapter = Data->HwFindAdapter;
	Data->HwFindAdapter = OsFindAdapter;
	for (ULONG Try = 0; Try < 2; Try++) {
		Data->HwInitializationDataSize = Sizes[Try];
		Status = StorPortInitialize(DriverObject, RegistryPath, Data, HwContext);
		OS_TELL("os: size %u: %x\n", Sizes[Try], Status);
		if (Status != (ULONG)STATUS_REVISION_MISMATCH)
			break;
	}
	return Status;
}
