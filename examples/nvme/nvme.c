/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport miniport for NVM Express controllers. Here it is born: DriverEntry, how the adapter is
 * found, its memory and limits, its interrupts and its queues. Read on in nvme_start.c, then
 * nvme_io.c; README.md has the whole way.
 */
#include "nvme.h"

/* A page for identify, two for doorbells in memory, then the queues, each page aligned. */
static BOOLEAN NvmeAllocate(PNVME_ADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
	ULONG Entries = Adapter->IsDump ? NVME_DUMP_ENTRIES : NVME_ENTRIES;
	ULONG QueueBytes = NvmeQueueBytes(Entries);
	ULONG Shadow = Adapter->IsDump ? 0 : 2 * NVME_PAGE;
	ULONG Bytes = NVME_PAGE + Shadow + (1 + Adapter->QueueCount) * QueueBytes;
	PUCHAR Memory = StorPortGetUncachedExtension(Adapter, Config, Bytes + NVME_PAGE);

	if (Memory == NULL)
		return FALSE;
	Memory = (PUCHAR)(((ULONG_PTR)Memory + NVME_PAGE - 1) & ~(ULONG_PTR)(NVME_PAGE - 1));
	Adapter->Page = Memory;
	Adapter->PageAddress = NvmePhysical(Adapter, Memory);
	Memory += NVME_PAGE;
	if (Shadow != 0) {
		Adapter->Shadow = Memory;
		Adapter->ShadowAddress = NvmePhysical(Adapter, Memory);
		Memory += Shadow;
	}
	NvmeQueuePlace(&Adapter->Admin, 0, Memory, Entries);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueuePlace(&Adapter->Queues[i], (USHORT)(i + 1), Memory + (i + 1) * QueueBytes,
			Entries);
	return TRUE;
}

/* All ones: no controller. The NVM command set, pages of 4096 bytes and the list of namespaces,
 * which came with revision 1.1, are what we know. */
static BOOLEAN NvmeIsOurs(PNVME_ADAPTER Adapter)
{
	Adapter->Cap = StorPortReadRegisterUlong64(Adapter, &Adapter->Registers->Cap);
	return Adapter->Cap != ~(ULONG64)0 && NVME_CAP_HAS_NVM(Adapter->Cap) &&
	       !NVME_CAP_PAGE_MIN(Adapter->Cap) && NVME_CAP_ENTRIES(Adapter->Cap) > 1 &&
	       StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Version) >= NVME_VERSION_1_1;
}

static VOID NvmeSetLimits(PNVME_ADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
	Config->MaximumTransferLength = Adapter->MaxBytes;
	/* a transfer may begin anywhere in its first page */
	Config->NumberOfPhysicalBreaks = Adapter->MaxBytes / NVME_PAGE + 1;
	Config->AlignmentMask = FILE_LONG_ALIGNMENT; /* PRP 1 begins on a dword */
	Config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
	Config->CachesData = TRUE; /* else FLUSH and SHUTDOWN never come */
	Config->MaximumNumberOfTargets = 1;
	Config->MaximumNumberOfLogicalUnits = (UCHAR)Adapter->Units;
	Config->MaxNumberOfIO = (Adapter->Entries - 1u) * Adapter->QueueCount;
	Config->MaxIOsPerLun = Config->InitialLunQueueDepth = min(Config->MaxNumberOfIO, 255);
	Config->SynchronizationModel = StorSynchronizeFullDuplex;
	Config->HwMSInterruptRoutine = NvmeMessage;
	Config->InterruptSynchronizationMode = InterruptSynchronizePerMessage;
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
	if (!NvmeIsOurs(Adapter))
		return SP_RETURN_NOT_FOUND;
	Adapter->IsDump = Config->DumpMode != 0;
	Adapter->Bus = Config->SystemIoBusNumber;
	Adapter->Slot = Config->SlotNumber;
	Adapter->IsLine = Config->InterruptMode == LevelSensitive;
	Adapter->Entries = (USHORT)min(
		NVME_CAP_ENTRIES(Adapter->Cap), Adapter->IsDump ? NVME_DUMP_ENTRIES : NVME_ENTRIES);
	Adapter->QueueCount =
		Adapter->IsDump
			? 1
			: min(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), NVME_QUEUES);
	if (!NvmeAllocate(Adapter, Config) || !NvmeProbe(Adapter))
		return SP_RETURN_ERROR;
	NvmeSetLimits(Adapter, Config);
	return SP_RETURN_FOUND;
}

/* At PASSIVE_LEVEL, where DPCs can be made and waiting is cheap. */
static BOOLEAN NvmePassiveInitialize(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;

	StorPortInitializeDpc(Adapter, &Adapter->Restart, NvmeRestart);
	StorPortInitializeDpc(Adapter, &Adapter->Admin.Dpc, NvmeDpc);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		StorPortInitializeDpc(Adapter, &Adapter->Queues[i].Dpc, NvmeDpc);
	return NvmeStart(Adapter);
}

/* StartIo on several processors at once: each has its queue, and the message that goes with it. */
static VOID NvmeAskForChannels(PNVME_ADAPTER Adapter)
{
	PERF_CONFIGURATION_DATA Perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(Perf)};

	if (StorPortInitializePerfOpts(Adapter, TRUE, &Perf) != STOR_STATUS_SUCCESS ||
		!(Perf.Flags & STOR_PERF_CONCURRENT_CHANNELS))
		return;
	Perf.Flags &= STOR_PERF_CONCURRENT_CHANNELS | STOR_PERF_DPC_REDIRECTION |
		      STOR_PERF_INTERRUPT_MESSAGE_RANGES;
	Perf.ConcurrentChannels = Adapter->QueueCount;
	Perf.FirstRedirectionMessageNumber = 1;
	Perf.LastRedirectionMessageNumber = Adapter->QueueCount;
	StorPortInitializePerfOpts(Adapter, FALSE, &Perf);
}

/* Message 0 is the admin queue's and message n queue n's. With fewer than two messages one queue
 * does, and message 0 or the line is for both. */
static BOOLEAN NvmeInitialize(PVOID Extension)
{
	PNVME_ADAPTER Adapter = Extension;
	MESSAGE_INTERRUPT_INFORMATION Message;

	for (Adapter->Messages = 0; Adapter->Messages <= NVME_QUEUES; Adapter->Messages++)
		if (StorPortGetMSIInfo(Adapter, Adapter->Messages, &Message) != STOR_STATUS_SUCCESS)
			break;
	Adapter->IsLine = Adapter->Messages == 0;
	Adapter->OneInterrupt = Adapter->Messages < 2;
	Adapter->QueueCount =
		min(Adapter->QueueCount, Adapter->OneInterrupt ? 1 : Adapter->Messages - 1);
	if (Adapter->IsDump) /* at HIGH_LEVEL for ever */
		return NvmeStart(Adapter);
	if (Adapter->QueueCount > 1)
		NvmeAskForChannels(Adapter);
	return StorPortEnablePassiveInitialization(Adapter, NvmePassiveInitialize);
}

/* Without a RegistryPath in dump mode: then there is one queue for I/O. */
ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	ULONG Queues = RegistryPath != NULL ? NVME_QUEUES : 1;
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
		.DeviceExtensionSize =
			FIELD_OFFSET(NVME_ADAPTER, Queues) + Queues * sizeof(NVME_QUEUE),
		.SrbExtensionSize = sizeof(NVME_SRB),
		.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		/* without it SRBs come as SCSI_REQUEST_BLOCK, which srbhelper.h reads as well */
		.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
		.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8,
	};

	return StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
