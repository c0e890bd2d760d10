/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The life of the driver and its adapter (4.1), from the end: DriverEntry, HwStorFindAdapter with
 * what the port offers there (4.9), initialisation, stop. See conform.h.
 */
#include "conform.h"

static PDRIVER_UNLOAD PortUnload;
static ULONG Machine; /* from the registry */

/* ---- the end ---- */

static VOID Unload(PDRIVER_OBJECT Driver)
{
	static const ULONG Groups[] = {CF_HALF | CF_FULL | CF_CHANNELS, CF_LINE | CF_MESSAGES,
		CF_SRB | CF_SRBEX, CF_REPLAY | CF_THREADS, CF_SCENES | CF_LIFE | CF_AGAIN,
		CF_PLAIN | CF_ORIGIN | CF_CURRENT, 0};

	SEE(UnloadIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE_TRUE(StopCalled, CfIsStopped);
	if (PortUnload != NULL)
		PortUnload(Driver);
	CfFacts(CfTable, F_COUNT, Groups, Machine);
	CfIrqlFacts(Groups, Machine);
	CfSummary();
}

/* ---- initialisation ---- */

/* What the page of PERF_CONFIGURATION_DATA says of flags that need another. */
static VOID PerfNeeds(PCF_ADAPTER A)
{
	static const ULONG Flags[] = {STOR_PERF_INTERRUPT_MESSAGE_RANGES,
		STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO,
		STOR_PERF_DPC_REDIRECTION_CURRENT_CPU};
	PERF_CONFIGURATION_DATA Perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(Perf)};

	for (ULONG n = 0; n < RTL_NUMBER_OF(Flags); n++) {
		Perf.Flags = Flags[n];
		SEE(PerfNeeds, STOR_STATUS_UNSUCCESSFUL,
			StorPortInitializePerfOpts(A, FALSE, &Perf));
	}
}

static VOID PerfOptions(PCF_ADAPTER A)
{
	const ULONG Redirection = STOR_PERF_DPC_REDIRECTION |
				  STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO,
		    Current = STOR_PERF_DPC_REDIRECTION_CURRENT_CPU;
	PERF_CONFIGURATION_DATA Perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(Perf)};

	SEE(PerfOptions, STOR_STATUS_SUCCESS, StorPortInitializePerfOpts(A, TRUE, &Perf));
	SEE(NoSgl, 0, Perf.Flags & STOR_PERF_NO_SGL);
	SEE(PerfRedirection, Redirection | Current, Perf.Flags & (Redirection | Current));
	if (IS_CHANNELS(A))
		SEE_TRUE(PerfChannels, (Perf.Flags & STOR_PERF_CONCURRENT_CHANNELS) != 0);
	PerfNeeds(A);
	Perf.Flags = IS_CHANNELS(A) ? STOR_PERF_CONCURRENT_CHANNELS : 0;
	Perf.Flags |= A->Machine & CF_PLAIN ? 0 : Redirection;
	Perf.Flags |= A->Machine & CF_CURRENT ? Current : 0;
	Perf.ConcurrentChannels = 4;
	if (Perf.Flags != 0)
		SEE(PerfOptions, STOR_STATUS_SUCCESS, StorPortInitializePerfOpts(A, FALSE, &Perf));
}

static BOOLEAN PassiveInitialize(PVOID Extension)
{
	PCF_ADAPTER A = Extension;

	SEE(PassiveIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(PassiveAfter, LIFE_INITIALIZED, A->Life);
	if (!A->IsAgain)
		SEE(DepthEarly, FALSE, StorPortSetDeviceQueueDepth(A, 0, 0, 0, CF_DEPTH));
	StorPortInitializeDpc(A, &A->Dpc, CfDpc);
	StorPortInitializeDpc(A, &A->SpareDpc, CfDpc);
	PerfOptions(A);
	if (!CfStart(A))
		return FALSE;
	SEE_TRUE(PassiveSpin, CfTouch(A));
	A->Life = LIFE_SETTLED;
	if (A->Machine & CF_SCENES) {
		if (CfEndStart(A) && CfScriptStart(A))
			return TRUE;
		CfEndStop(A); /* two threads take two processors */
		return FALSE;
	}
	A->IsFinished = 1;
	return TRUE;
}

static VOID Messages(PCF_ADAPTER A)
{
	MESSAGE_INTERRUPT_INFORMATION Information;

	while (A->Messages < CF_MESSAGES_MAX &&
		StorPortGetMSIInfo(A, A->Messages, &Information) == STOR_STATUS_SUCCESS) {
		SEE(MessageInfo, A->Messages, Information.MessageId);
		SEE(MessageLevel, A->Dirql, Information.InterruptLevel);
		A->Messages++;
	}
	SEE_TRUE(MessageCount, A->Machine & CF_LINE ? A->Messages == 0 : A->Messages > 0);
}

static BOOLEAN Initialize(PVOID Extension)
{
	PCF_ADAPTER A = Extension;
	PERF_CONFIGURATION_DATA Perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(Perf)};

	A->Dirql = KeGetCurrentIrql();
	SEE_TRUE(InitializeIrql, A->Dirql > DISPATCH_LEVEL && A->Dirql < HIGH_LEVEL);
	SEE(InitializeAfter, LIFE_FOUND, A->Life);
	Messages(A);
	CfEnterInterrupt(A, (ULONG)-1);
	SEE(PerfEarly, STOR_STATUS_SUCCESS, StorPortInitializePerfOpts(A, TRUE, &Perf));
	A->Life = LIFE_INITIALIZED;
	CfLeaveInterrupt(A, (ULONG)-1);
	return SEE(EnablePassive, TRUE, StorPortEnablePassiveInitialization(A, PassiveInitialize));
}

/* ---- HwStorFindAdapter ---- */

static VOID CheckConfig(PCF_ADAPTER A, PPORT_CONFIGURATION_INFORMATION Config)
{
	SEE(ConfigLength, sizeof(*Config), Config->Length);
	SEE(ConfigTransfer, SP_UNINITIALIZED_VALUE, Config->MaximumTransferLength);
	SEE(ConfigBreaks, 0x11, Config->NumberOfPhysicalBreaks);
	SEE(ConfigSet, TRUE, Config->ScatterGather);
	SEE(ConfigSet, TRUE, Config->Master);
	SEE(ConfigSet, TRUE, Config->Dma32BitAddresses);
	SEE(ConfigSet, TRUE, Config->NeedPhysicalAddresses);
	SEE(ConfigSet, TRUE, Config->TaggedQueuing);
	SEE(ConfigSet, TRUE, Config->AutoRequestSense);
	SEE(ConfigSet, TRUE, Config->MultipleRequestPerLu);
	SEE(ConfigClear, FALSE, Config->DemandMode);
	SEE(ConfigClear, FALSE, Config->VirtualDevice);
	SEE(ConfigClear, 0, Config->DumpMode);
	SEE(ConfigClear, 0, (ULONG_PTR)Config->HwMSInterruptRoutine);
	SEE(ConfigDma, SP_UNINITIALIZED_VALUE, Config->DmaChannel);
	SEE(ConfigDma, SP_UNINITIALIZED_VALUE, Config->DmaPort);
	SEE(Config64, SCSI_DMA64_SYSTEM_SUPPORTED, Config->Dma64BitAddresses);
	SEE(ConfigExtension, FIELD_OFFSET(CF_REQUEST, Command), Config->SrbExtensionSize);
	SEE(ConfigDuplex, StorSynchronizeHalfDuplex, Config->SynchronizationModel);
	SEE(ConfigDepth, 20, Config->InitialLunQueueDepth);
	SEE(ConfigDepth, 255, Config->MaxIOsPerLun);
	SEE(ConfigIo, 1000, Config->MaxNumberOfIO);
}

/* Contract 10, 11: the ranges are what configuration space says. */
static PSIMPLE_REGISTERS FindRegisters(PCF_ADAPTER A, PPORT_CONFIGURATION_INFORMATION Config)
{
	PACCESS_RANGE Bar = *Config->AccessRanges;
	UCHAR Space[256];
	ULONG64 Address;

	SEE(BusData, sizeof(Space),
		StorPortGetBusData(A, PCIConfiguration, Config->SystemIoBusNumber,
			Config->SlotNumber, Space, sizeof(Space)));
	Address = *(ULONG *)&Space[0x10] & ~15u;
	if ((Space[0x10] & 6) == 4)
		Address |= (ULONG64) * (ULONG *)&Space[0x14] << 32;
	SEE(Ranges, Address, Bar->RangeStart.QuadPart);
	SEE(Ranges, (Space[0x10] & 1) == 0, Bar->RangeInMemory);
	return StorPortGetDeviceBase(A, Config->AdapterInterfaceType, Config->SystemIoBusNumber,
		Bar->RangeStart, Bar->RangeLength, !Bar->RangeInMemory);
}

static VOID SetConfig(PCF_ADAPTER A, PPORT_CONFIGURATION_INFORMATION Config)
{
	Config->NumberOfPhysicalBreaks = CF_ELEMENTS;
	Config->MaximumTransferLength = (CF_ELEMENTS - 1) * PAGE_SIZE;
	Config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
	Config->CachesData = TRUE;
	Config->NumberOfBuses = CF_BUSES;
	Config->MaximumNumberOfTargets = CF_TARGETS;
	Config->MaximumNumberOfLogicalUnits = CF_LUNS;
	Config->InitialLunQueueDepth = CF_DEPTH;
	Config->MaxNumberOfIO = CF_MAX_IO;
	Config->BusResetHoldTime = CF_HOLD_TIME;
	Config->SrbExtensionSize = sizeof(CF_REQUEST); /* contract 5 */
	Config->SynchronizationModel =
		IS_HALF(A) ? StorSynchronizeHalfDuplex : StorSynchronizeFullDuplex;
	Config->HwMSInterruptRoutine = CfMessage;
	Config->InterruptSynchronizationMode =
		IS_HALF(A) ? InterruptSynchronizeAll : InterruptSynchronizePerMessage;
}

static BOOLEAN IsZero(PVOID Memory, ULONG Bytes)
{
	PUCHAR Byte = Memory;

	while (Bytes > 0 && Byte[Bytes - 1] == 0)
		Bytes--;
	return Bytes == 0;
}

/* With the device extension as it was left. After a stop by Plug and Play at PASSIVE_LEVEL (4.8);
 * where it awakes at DISPATCH_LEVEL. */
static VOID FindAgain(PCF_ADAPTER A)
{
	static CF_UNIT Units[CF_UNITS];
	BOOLEAN IsAgain = A->Life == LIFE_STOPPED;

	if (IsAgain && A->IsAsleep)
		SEE(FindAgain, DISPATCH_LEVEL, KeGetCurrentIrql());
	else if (IsAgain)
		SEE(FindMoved, PASSIVE_LEVEL, KeGetCurrentIrql());
	else
		SEE(FindIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE_TRUE(ExtensionZeroed, IsAgain || IsZero(A, sizeof(*A)));
	RtlCopyMemory(Units, A->Unit, sizeof(Units)); /* what is known of them */
	RtlZeroMemory(A, sizeof(*A));
	for (ULONG n = 0; n < CF_UNITS; n++) {
		A->Unit[n].Asked = Units[n].Asked;
		A->Unit[n].Power = Units[n].Power;
	}
	A->IsAgain = IsAgain;
}

static ULONG FindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	PCF_ADAPTER A = Extension;
	ULONG Bytes, Messages = Config->InterruptMode == Latched;

	FindAgain(A);
	SEE(FindArguments, 0, (ULONG_PTR)HwContext | (ULONG_PTR)BusInformation);
	CheckConfig(A, Config);
	*Again = FALSE;
	Machine |= Messages ? CF_MESSAGES : CF_LINE;
	A->Machine = Machine;
	A->Registers = FindRegisters(A, Config);
	SEE_TRUE(DeviceBase, (ULONG_PTR)A->Registers > 0xffff);
	if (StorPortReadRegisterUlong(NULL, &A->Registers->Version) != SIMPLE_VERSION)
		return SP_RETURN_NOT_FOUND;
	A->Entries = StorPortReadRegisterUlong(NULL, &A->Registers->Entries);
	A->Slice = (ULONG)(StorPortReadRegisterUlong64(NULL, &A->Registers->Blocks) / CF_UNITS);
	for (ULONG n = 0; n < CF_UNITS; n++)
		A->Unit[n].Depth = CF_DEPTH;
	SetConfig(A, Config);
	Bytes = A->Entries * (sizeof(SIMPLE_COMMAND) + sizeof(SIMPLE_COMPLETION));
	A->Commands = StorPortGetUncachedExtension(A, Config, Bytes);
	SEE(Uncached, 0, (ULONG_PTR)A->Commands % PAGE_SIZE);
	SEE(UncachedOnce, (ULONG_PTR)A->Commands,
		(ULONG_PTR)StorPortGetUncachedExtension(A, Config, Bytes));
	A->Completions = (PVOID)(A->Commands + A->Entries);
	A->Life = LIFE_FOUND;
	if (IS_HALF(A))
		CfViolates(0, "half duplex is a porting aid");
	return SP_RETURN_FOUND;
}

/* ---- DriverEntry ---- */

static ULONG RegistryValue(HANDLE Key, PCWSTR Name)
{
	UCHAR Room[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
	PKEY_VALUE_PARTIAL_INFORMATION Value = (PVOID)Room;
	UNICODE_STRING String;
	ULONG Length;

	RtlInitUnicodeString(&String, Name);
	if (!NT_SUCCESS(ZwQueryValueKey(
		    Key, &String, KeyValuePartialInformation, Room, sizeof(Room), &Length)))
		return 0;
	return *(ULONG UNALIGNED *)Value->Data;
}

/* Parameters below the service's key: Duplex (0 half, 1 full, 2 channels), Extended, Replay, Life
 * (0 scenes, 1 what --at does, 2 the same to a miniport that supports none of it), Redirect (0 no
 * DPC redirection, 1 to where a request came from, 2 to the current processor). */
static ULONG ReadMachine(PVOID RegistryPath)
{
	static const ULONG Duplex[] = {CF_HALF, CF_FULL, CF_CHANNELS};
	static const ULONG Life[] = {CF_SCENES, CF_LIFE, CF_AGAIN};
	static const ULONG Redirect[] = {CF_PLAIN, CF_ORIGIN, CF_CURRENT};
	const ULONG Usual = CF_FULL | CF_SRBEX | CF_THREADS | CF_SCENES | CF_PLAIN;
	OBJECT_ATTRIBUTES Attributes;
	UNICODE_STRING Name;
	HANDLE Service, Key;
	ULONG Bits;

	InitializeObjectAttributes(
		&Attributes, RegistryPath, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
	if (!NT_SUCCESS(ZwOpenKey(&Service, KEY_READ, &Attributes)))
		return Usual;
	RtlInitUnicodeString(&Name, L"Parameters");
	InitializeObjectAttributes(
		&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Service, NULL);
	if (!NT_SUCCESS(ZwOpenKey(&Key, KEY_READ, &Attributes))) {
		ZwClose(Service);
		return Usual;
	}
	Bits = Duplex[RegistryValue(Key, L"Duplex") % 3];
	Bits |= RegistryValue(Key, L"Extended") ? CF_SRBEX : CF_SRB;
	Bits |= RegistryValue(Key, L"Replay") ? CF_REPLAY : CF_THREADS;
	Bits |= Life[RegistryValue(Key, L"Life") % 3];
	Bits |= Redirect[RegistryValue(Key, L"Redirect") % 3];
	ZwClose(Key);
	ZwClose(Service);
	return Bits;
}

/* What StorPortInitialize refuses. */
static VOID TryInitialize(PVOID Driver, PVOID Path, PHW_INITIALIZATION_DATA Data)
{
	HW_INITIALIZATION_DATA Bad = *Data;

	CfViolates(0xf1000000, "a pointer is NULL");
	SEE(BadInitialize, (ULONG)STATUS_INVALID_PARAMETER,
		StorPortInitialize(NULL, Path, Data, NULL));
	CfViolates(0xf1000000, "a pointer is NULL");
	SEE(BadInitialize, (ULONG)STATUS_INVALID_PARAMETER,
		StorPortInitialize(Driver, NULL, Data, NULL));
	CfViolates(0xf1000000, "a pointer is NULL");
	SEE(BadInitialize, (ULONG)STATUS_INVALID_PARAMETER,
		StorPortInitialize(Driver, Path, NULL, NULL));
	Bad.HwInitializationDataSize += 8;
	CfViolates(0, "HwInitializationDataSize is");
	SEE(BadSize, (ULONG)STATUS_REVISION_MISMATCH, StorPortInitialize(Driver, Path, &Bad, NULL));
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	PDRIVER_OBJECT Driver = DriverObject;
	HW_INITIALIZATION_DATA Data = {
		.HwInitializationDataSize = sizeof(Data),
		.AdapterInterfaceType = PCIBus,
		.NumberOfAccessRanges = 1,
		.HwFindAdapter = FindAdapter,
		.HwInitialize = Initialize,
		.HwAdapterControl = CfAdapterControl,
		.HwBuildIo = CfBuildIo,
		.HwStartIo = CfStartIo,
		.HwInterrupt = CfInterrupt,
		.HwResetBus = CfResetBus,
		.DeviceExtensionSize = sizeof(CF_ADAPTER),
		.SpecificLuExtensionSize = sizeof(ULONG64),
		.SrbExtensionSize = FIELD_OFFSET(CF_REQUEST, Command),
		.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8,
		.HwUnitControl = CfUnitControl,
	};
	ULONG Status;

	SEE(EntryIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	Machine = ReadMachine(RegistryPath);
	Data.SrbTypeFlags = Machine & CF_SRBEX ? SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK
					       : SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK;
	TryInitialize(DriverObject, RegistryPath, &Data);
	Status = StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
	SEE(EntryStatus, STATUS_SUCCESS, Status);
	PortUnload = Driver->DriverUnload;
	SEE_TRUE(Hooked, PortUnload != NULL && Driver->MajorFunction[IRP_MJ_PNP] != NULL &&
				 Driver->MajorFunction[IRP_MJ_POWER] != NULL);
	Driver->DriverUnload = Unload;
	CfHook(Driver);
	return Status;
}
