/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport miniport for NVM Express controllers. Here it is born: DriverEntry, how the adapter is
 * found, its memory and limits, its interrupts and its queues. Read on in nvme_start.c, then
 * nvme_io.c.
 */
#include "nvme.h"

/* A page for identify, then the queues, each page aligned. */
static BOOLEAN NvmeAllocate(PNVME_ADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
	ULONG Bytes = NVME_PAGE + (1 + Adapter->QueueCount) * NvmeQueueBytes(), Length;
	PUCHAR Memory = StorPortGetUncachedExtension(Adapter, Config, Bytes + NVME_PAGE);

	if (Memory == NULL)
		return FALSE;
	Memory = (PUCHAR)(((ULONG_PTR)Memory + NVME_PAGE - 1) & ~(ULONG_PTR)(NVME_PAGE - 1));
	Adapter->Page = Memory;
	Adapter->PageAddress = StorPortGetPhysicalAddress(Adapter, NULL, Memory, &Length).QuadPart;
	Memory += NVME_PAGE;
	NvmeQueuePlace(&Adapter->Admin, 0, Memory);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueuePlace(
			&Adapter->Queues[i], (USHORT)(i + 1), Memory + (i + 1) * NvmeQueueBytes());
	return TRUE;
}

static ULONG NvmeFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	PNVME_ADAPTER Adapter = Extension;
	PACCESS_RANGE Bar = *Config->AccessRanges;

	*Again = FALSE;
	Adapter->Registers = StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType,
		Config->SystemIoBusNumber, Bar->RangeStart, Bar->RangeLength, !Bar->RangeInMemory);
	if (Adapter->Registers == NULL)
		return SP_RETURN_ERROR;
	Adapter->Cap = StorPortReadRegisterUlong64(Adapter, &Adapter->Registers->Cap);
	/* all ones: no controller; the NVM command set and pages of 4096 bytes are what we know */
	if (Adapter->Cap == ~(ULONG64)0 || !(Adapter->Cap >> 37 & 1) ||
		NVME_CAP_PAGE_MIN(Adapter->Cap))
		return SP_RETURN_NOT_FOUND;
	Adapter->MaxBytes = NVME_MAX_BYTES;
	Adapter->QueueCount = min(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), NVME_QUEUES);

	if (!NvmeAllocate(Adapter, Config) || !NvmeProbe(Adapter))
		return SP_RETURN_ERROR;

	Config->MaximumTransferLength = Adapter->MaxBytes;
	/* a transfer may begin anywhere in its first page */
	Config->NumberOfPhysicalBreaks = Adapter->MaxBytes / NVME_PAGE + 1;
	Config->AlignmentMask = FILE_LONG_ALIGNMENT; /* PRP 1 begins on a dword */
	Config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
	Config->CachesData = TRUE;
	Config->MaximumNumberOfTargets = 1;
	Config->MaximumNumberOfLogicalUnits = NVME_NAMESPACES;
	Config->MaxNumberOfIO = Config->MaxIOsPerLun = Config->InitialLunQueueDepth =
		NVME_ENTRIES - 1;
	Config->SynchronizationModel = StorSynchronizeFullDuplex;
	Config->HwMSInterruptRoutine = NvmeMessage;
	Config->InterruptSynchronizationMode = InterruptSynchronizePerMessage;
	return SP_RETURN_FOUND;
}

/* At PASSIVE_LEVEL, where DPCs can be made and waiting is cheap. */
static BOOLEAN NvmePassiveInitialize(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;

	StorPortInitializeDpc(Adapter, &Adapter->Admin.Dpc, NvmeDpc);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		StorPortInitializeDpc(Adapter, &Adapter->Queues[i].Dpc, NvmeDpc);
	Adapter->HasDpcs = TRUE;
	return NvmeStart(Adapter);
}

/* StartIo on several processors at once: each has its queue. */
static VOID NvmeAskForChannels(PNVME_ADAPTER Adapter)
{
	PERF_CONFIGURATION_DATA Perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(Perf)};

	if (StorPortInitializePerfOpts(Adapter, TRUE, &Perf) != STOR_STATUS_SUCCESS ||
		!(Perf.Flags & STOR_PERF_CONCURRENT_CHANNELS))
		return;
	Perf.Flags = STOR_PERF_CONCURRENT_CHANNELS;
	Perf.ConcurrentChannels = Adapter->QueueCount;
	StorPortInitializePerfOpts(Adapter, FALSE, &Perf);
}

static BOOLEAN NvmeInitialize(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;
	MESSAGE_INTERRUPT_INFORMATION Message;

	for (Adapter->Messages = 0; Adapter->Messages <= NVME_QUEUES; Adapter->Messages++)
		if (StorPortGetMSIInfo(Adapter, Adapter->Messages, &Message) != STOR_STATUS_SUCCESS)
			break;
	/* Message 0 is the admin queue's. Too few messages: one queue does, with message 0 or the
	 * line for all. */
	Adapter->PerMessage = Adapter->Messages > 1;
	Adapter->QueueCount =
		min(Adapter->QueueCount, Adapter->PerMessage ? Adapter->Messages - 1 : 1);
	if (Adapter->QueueCount > 1)
		NvmeAskForChannels(Adapter);
	return StorPortEnablePassiveInitialization(Adapter, NvmePassiveInitialize);
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	HW_INITIALIZATION_DATA Data = {
		.HwInitializationDataSize = sizeof(Data),
		.AdapterInterfaceType = PCIBus,
		.NumberOfAccessRanges = 1,
		.HwFindAdapter = NvmeFindAdapter,
		.HwInitialize = NvmeInitialize,
		.HwAdapterControl = NvmeAdapterControl,
		.HwUnitControl = NvmeUnitControl,
		.HwBuildIo = NvmeBuildIo,
		.HwStartIo = NvmeStartIo,
		.HwInterrupt = NvmeInterrupt,
		.HwResetBus = NvmeResetBus,
		.DeviceExtensionSize = sizeof(NVME_ADAPTER),
		.SrbExtensionSize = sizeof(NVME_REQUEST),
		.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
		.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8,
	};

	return StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
