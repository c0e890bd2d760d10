/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The callbacks of a Storport miniport (those that SCSI Port's have too: port_common.h) and the
 * three structures by which it and the port come to know each other: HW_INITIALIZATION_DATA
 * (DriverEntry), VIRTUAL_HW_INITIALIZATION_DATA (the same for a virtual miniport) and
 * PORT_CONFIGURATION_INFORMATION (HwStorFindAdapter).
 */
#ifndef DDK_PARTS_STOR_CONFIG_H
#define DDK_PARTS_STOR_CONFIG_H

#include "stor_types.h"
#include "stor_control.h"
#include "port_common.h"

/* SCSI Port's structures bear the same names to a miniport of its own (scsiport_config.h). */
#undef HW_FIND_ADAPTER
#undef PHW_FIND_ADAPTER
#undef HW_INITIALIZATION_DATA
#undef PHW_INITIALIZATION_DATA
#undef PORT_CONFIGURATION_INFORMATION
#undef PPORT_CONFIGURATION_INFORMATION
#undef CONFIG_INFO_VERSION_2

struct _PORT_CONFIGURATION_INFORMATION;

/* ---- callbacks ---- */

typedef ULONG NTAPI sp_DRIVER_INITIALIZE(PVOID DriverObject, PVOID RegistryPath);

typedef BOOLEAN NTAPI HW_PASSIVE_INITIALIZE_ROUTINE(PVOID DeviceExtension);
typedef HW_PASSIVE_INITIALIZE_ROUTINE *PHW_PASSIVE_INITIALIZE_ROUTINE;
typedef BOOLEAN NTAPI HW_BUILDIO(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb);
typedef HW_BUILDIO *PHW_BUILDIO;
typedef BOOLEAN NTAPI HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE(
	PVOID HwDeviceExtension, ULONG MessageId);
typedef HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE *PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE;
/* documented as BOOLEAN without a meaning, VOID in headers. */
typedef VOID NTAPI HW_DPC_ROUTINE(
	PSTOR_DPC Dpc, PVOID HwDeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2);
typedef HW_DPC_ROUTINE *PHW_DPC_ROUTINE;
typedef VOID NTAPI HW_TIMER_EX(PVOID DeviceExtension, PVOID Context);
typedef HW_TIMER_EX *PHW_TIMER_EX;
typedef VOID NTAPI HW_WORKITEM(PVOID HwDeviceExtension, PVOID Context, PVOID Worker);
typedef HW_WORKITEM *PHW_WORKITEM;
typedef ULONG NTAPI HW_FIND_ADAPTER(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, struct _PORT_CONFIGURATION_INFORMATION *ConfigInfo,
	PBOOLEAN Reserved3);
typedef HW_FIND_ADAPTER *PHW_FIND_ADAPTER;
typedef ULONG NTAPI VIRTUAL_HW_FIND_ADAPTER(PVOID DeviceExtension, PVOID HwContext,
	PVOID BusInformation, PVOID LowerDevice, PCHAR ArgumentString,
	struct _PORT_CONFIGURATION_INFORMATION *ConfigInfo, PBOOLEAN Again);
typedef VIRTUAL_HW_FIND_ADAPTER *PVIRTUAL_HW_FIND_ADAPTER;
typedef SCSI_UNIT_CONTROL_STATUS NTAPI HW_UNIT_CONTROL(
	PVOID DeviceExtension, SCSI_UNIT_CONTROL_TYPE ControlType, PVOID Parameters);
typedef HW_UNIT_CONTROL *PHW_UNIT_CONTROL;
typedef VOID NTAPI HW_STATE_CHANGE(
	PVOID HwDeviceExtension, PVOID Context, SHORT AddressType, PVOID Address, ULONG Status);
typedef HW_STATE_CHANGE *PHW_STATE_CHANGE;
typedef VOID NTAPI HW_FREE_ADAPTER_RESOURCES(PVOID DeviceExtension);
typedef HW_FREE_ADAPTER_RESOURCES *PHW_FREE_ADAPTER_RESOURCES;
typedef VOID NTAPI HW_PROCESS_SERVICE_REQUEST(PVOID DeviceExtension, PVOID Irp);
typedef HW_PROCESS_SERVICE_REQUEST *PHW_PROCESS_SERVICE_REQUEST;
typedef VOID NTAPI HW_COMPLETE_SERVICE_IRP(PVOID DeviceExtension);
typedef HW_COMPLETE_SERVICE_IRP *PHW_COMPLETE_SERVICE_IRP;
typedef VOID NTAPI HW_INITIALIZE_TRACING(PVOID Arg1, PVOID Arg2);
typedef HW_INITIALIZE_TRACING *PHW_INITIALIZE_TRACING;
typedef VOID NTAPI HW_CLEANUP_TRACING(PVOID Arg1);
typedef HW_CLEANUP_TRACING *PHW_CLEANUP_TRACING;
typedef VOID NTAPI HW_TRACING_ENABLED(PVOID HwDeviceExtension, BOOLEAN Enabled);
typedef HW_TRACING_ENABLED *PHW_TRACING_ENABLED;
typedef BOOLEAN NTAPI STOR_SYNCHRONIZED_ACCESS(PVOID HwDeviceExtension, PVOID Context);
typedef STOR_SYNCHRONIZED_ACCESS *PSTOR_SYNCHRONIZED_ACCESS;

/* ---- HW_INITIALIZATION_DATA ---- */

#define STOR_MAP_NO_BUFFERS			  0
#define STOR_MAP_ALL_BUFFERS			  1
#define STOR_MAP_NON_READ_WRITE_BUFFERS		  2
#define STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE 3

#define STOR_FEATURE_VIRTUAL_MINIPORT			 0x00000001
#define STOR_FEATURE_ATA_PASS_THROUGH			 0x00000002
#define STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES	 0x00000004
#define STOR_FEATURE_DUMP_POINTERS			 0x00000008
#define STOR_FEATURE_DEVICE_NAME_NO_SUFFIX		 0x00000010
#define STOR_FEATURE_DUMP_RESUME_CAPABLE		 0x00000020
#define STOR_FEATURE_DEVICE_DESCRIPTOR_FROM_ATA_INFO_VPD 0x00000040
#define STOR_FEATURE_EXTRA_IO_INFORMATION		 0x00000080
#define STOR_FEATURE_ADAPTER_CONTROL_PRE_FINDADAPTER	 0x00000100
#define STOR_FEATURE_ADAPTER_NOT_REQUIRE_IO_PORT	 0x00000200
#define STOR_FEATURE_DUMP_16_BYTE_ALIGNMENT		 0x00000400
#define STOR_FEATURE_SET_ADAPTER_INTERFACE_TYPE		 0x00000800
#define STOR_FEATURE_DUMP_INFO				 0x00001000 /* on no public page */

typedef struct _HW_INITIALIZATION_DATA {
	ULONG HwInitializationDataSize;
	INTERFACE_TYPE AdapterInterfaceType;
	PHW_INITIALIZE HwInitialize;
	PHW_STARTIO HwStartIo;
	PHW_INTERRUPT HwInterrupt;
	PVOID HwFindAdapter; /* a PHW_FIND_ADAPTER, or a PVIRTUAL_HW_FIND_ADAPTER (miniports.md 2.1,
				16) */
	PHW_RESET_BUS HwResetBus;
	PHW_DMA_STARTED HwDmaStarted;
	PHW_ADAPTER_STATE HwAdapterState;
	ULONG DeviceExtensionSize;
	ULONG SpecificLuExtensionSize;
	ULONG SrbExtensionSize;
	ULONG NumberOfAccessRanges;
	PVOID Reserved;
	UCHAR MapBuffers;
	BOOLEAN NeedPhysicalAddresses;
	BOOLEAN TaggedQueuing;
	BOOLEAN AutoRequestSense;
	BOOLEAN MultipleRequestPerLu;
	BOOLEAN ReceiveEvent;
	USHORT VendorIdLength;
	PVOID VendorId;
	union {
		USHORT ReservedUshort;
		USHORT PortVersionFlags;
	};
	USHORT DeviceIdLength;
	PVOID DeviceId;
	PHW_ADAPTER_CONTROL HwAdapterControl;
	PHW_BUILDIO HwBuildIo;
#if NTDDI_VERSION >= NTDDI_WIN8 /* to a driver for an older release they are not there */
	PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources;
	PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest;
	PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp;
	PHW_INITIALIZE_TRACING HwInitializeTracing;
	PHW_CLEANUP_TRACING HwCleanupTracing;
	PHW_TRACING_ENABLED HwTracingEnabled;
	ULONG FeatureSupport;
	ULONG SrbTypeFlags;
	ULONG AddressTypeFlags;
	ULONG Reserved1;
	PHW_UNIT_CONTROL HwUnitControl;
#endif
} HW_INITIALIZATION_DATA, *PHW_INITIALIZATION_DATA;
DDK_OFFSET(HW_INITIALIZATION_DATA, HwFindAdapter, 0x20);
DDK_OFFSET(HW_INITIALIZATION_DATA, DeviceExtensionSize, 0x40);
DDK_OFFSET(HW_INITIALIZATION_DATA, MapBuffers, 0x58);
DDK_OFFSET(HW_INITIALIZATION_DATA, HwAdapterControl, 0x78);
DDK_OFFSET(HW_INITIALIZATION_DATA, HwBuildIo, 0x80);
#if NTDDI_VERSION >= NTDDI_WIN8
DDK_OFFSET(HW_INITIALIZATION_DATA, FeatureSupport, 0xb8);
DDK_OFFSET(HW_INITIALIZATION_DATA, HwUnitControl, 0xc8);
DDK_SIZE(HW_INITIALIZATION_DATA, 0xd0);
#else
DDK_SIZE(HW_INITIALIZATION_DATA, 0x88);
#endif

typedef struct _VIRTUAL_HW_INITIALIZATION_DATA {
	ULONG HwInitializationDataSize;
	INTERFACE_TYPE AdapterInterfaceType;
	PHW_INITIALIZE HwInitialize;
	PHW_STARTIO HwStartIo;
	PHW_INTERRUPT HwInterrupt;
	PVIRTUAL_HW_FIND_ADAPTER HwFindAdapter;
	PHW_RESET_BUS HwResetBus;
	PHW_DMA_STARTED HwDmaStarted;
	PHW_ADAPTER_STATE HwAdapterState;
	ULONG DeviceExtensionSize;
	ULONG SpecificLuExtensionSize;
	ULONG SrbExtensionSize;
	ULONG NumberOfAccessRanges;
	PVOID Reserved;
	UCHAR MapBuffers;
	BOOLEAN NeedPhysicalAddresses;
	BOOLEAN TaggedQueuing;
	BOOLEAN AutoRequestSense;
	BOOLEAN MultipleRequestPerLu;
	BOOLEAN ReceiveEvent;
	USHORT VendorIdLength;
	PVOID VendorId;
	union {
		USHORT ReservedUshort;
		USHORT PortVersionFlags;
	};
	USHORT DeviceIdLength;
	PVOID DeviceId;
	PHW_ADAPTER_CONTROL HwAdapterControl;
	PHW_BUILDIO HwBuildIo;
	PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources;
	PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest;
	PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp;
	PHW_INITIALIZE_TRACING HwInitializeTracing;
	PHW_CLEANUP_TRACING HwCleanupTracing;
} VIRTUAL_HW_INITIALIZATION_DATA, *PVIRTUAL_HW_INITIALIZATION_DATA;
DDK_SIZE(VIRTUAL_HW_INITIALIZATION_DATA, 0xb0);
DDK_ASSERT(offsetof(VIRTUAL_HW_INITIALIZATION_DATA, HwBuildIo) ==
		   offsetof(HW_INITIALIZATION_DATA, HwBuildIo),
	"the virtual form is the beginning of the other");
#if NTDDI_VERSION >= NTDDI_WIN8
DDK_ASSERT(offsetof(VIRTUAL_HW_INITIALIZATION_DATA, HwCleanupTracing) ==
		   offsetof(HW_INITIALIZATION_DATA, HwCleanupTracing),
	"the virtual form is the beginning of the other");
#endif

/* ---- PORT_CONFIGURATION_INFORMATION ---- */

#define STOR_ADAPTER_FEATURE_DEVICE_TELEMETRY		    0x00000001
#define STOR_ADAPTER_FEATURE_STOP_UNIT_DURING_POWER_DOWN    0x00000002
#define STOR_ADAPTER_UNCACHED_EXTENSION_NUMA_NODE_PREFERRED 0x00000004
#define STOR_ADAPTER_DMA_V3_PREFERRED			    0x00000008
#define STOR_ADAPTER_FEATURE_ABORT_COMMAND		    0x00000010
#define STOR_ADAPTER_FEATURE_RICH_TEMPERATURE_THRESHOLD	    0x00000020
#define STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED	    0x00000040

typedef struct _PORT_CONFIGURATION_INFORMATION {
	ULONG Length;
	ULONG SystemIoBusNumber;
	INTERFACE_TYPE AdapterInterfaceType;
	ULONG BusInterruptLevel;
	ULONG BusInterruptVector;
	KINTERRUPT_MODE InterruptMode;
	ULONG MaximumTransferLength;
	ULONG NumberOfPhysicalBreaks;
	ULONG DmaChannel;
	ULONG DmaPort;
	DMA_WIDTH DmaWidth;
	DMA_SPEED DmaSpeed;
	ULONG AlignmentMask;
	ULONG NumberOfAccessRanges;
	ACCESS_RANGE (*AccessRanges)[];
	union {
		PVOID MiniportDumpData;
		PVOID Reserved;
	};
	UCHAR NumberOfBuses;
	CCHAR InitiatorBusId[8];
	BOOLEAN ScatterGather;
	BOOLEAN Master;
	BOOLEAN CachesData;
	BOOLEAN AdapterScansDown;
	BOOLEAN AtdiskPrimaryClaimed;
	BOOLEAN AtdiskSecondaryClaimed;
	BOOLEAN Dma32BitAddresses;
	BOOLEAN DemandMode;
	UCHAR MapBuffers;
	BOOLEAN NeedPhysicalAddresses;
	BOOLEAN TaggedQueuing;
	BOOLEAN AutoRequestSense;
	BOOLEAN MultipleRequestPerLu;
	BOOLEAN ReceiveEvent;
	BOOLEAN RealModeInitialized;
	BOOLEAN BufferAccessScsiPortControlled;
	UCHAR MaximumNumberOfTargets;
	union {
		struct {
			UCHAR SrbType;
			UCHAR AddressType;
		};
		UCHAR ReservedUchars[2];
	};
	ULONG SlotNumber;
	ULONG BusInterruptLevel2;
	ULONG BusInterruptVector2;
	KINTERRUPT_MODE InterruptMode2;
	ULONG DmaChannel2;
	ULONG DmaPort2;
	DMA_WIDTH DmaWidth2;
	DMA_SPEED DmaSpeed2;
	ULONG DeviceExtensionSize;
	ULONG SpecificLuExtensionSize;
	ULONG SrbExtensionSize;
	UCHAR Dma64BitAddresses;
	BOOLEAN ResetTargetSupported;
	UCHAR MaximumNumberOfLogicalUnits;
	BOOLEAN WmiDataProvider;
	STOR_SYNCHRONIZATION_MODEL SynchronizationModel;
	PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE HwMSInterruptRoutine;
	INTERRUPT_SYNCHRONIZATION_MODE InterruptSynchronizationMode;
	MEMORY_REGION DumpRegion;
	ULONG RequestedDumpBufferSize;
	BOOLEAN VirtualDevice;
	UCHAR DumpMode;
	UCHAR DmaAddressWidth;
	ULONG ExtendedFlags1;
	ULONG MaxNumberOfIO;
	ULONG MaxIOsPerLun;
	ULONG InitialLunQueueDepth;
	ULONG BusResetHoldTime;
	ULONG FeatureSupport;
} PORT_CONFIGURATION_INFORMATION, *PPORT_CONFIGURATION_INFORMATION;
/* COMPUTED from the order of storport.md 4.9; the beginning is SCSI Port's structure. */
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, AccessRanges, 0x38);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, NumberOfBuses, 0x48);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, ScatterGather, 0x51);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, SlotNumber, 0x64);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, SrbExtensionSize, 0x8c);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, Dma64BitAddresses, 0x90);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, SynchronizationModel, 0x94);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, HwMSInterruptRoutine, 0x98);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, DumpRegion, 0xa8);
DDK_OFFSET(PORT_CONFIGURATION_INFORMATION, FeatureSupport, 0xdc);
DDK_SIZE(PORT_CONFIGURATION_INFORMATION, 0xe0);
#define CONFIG_INFO_VERSION_2 sizeof(PORT_CONFIGURATION_INFORMATION)

/* ---- SRB_FUNCTION_DUMP_POINTERS ---- */

/* Neither value stands on a public page. */
#define DUMP_MINIPORT_NAME_LENGTH 15
#define DUMP_MINIPORT_VERSION_1	  0x0100

typedef struct _MINIPORT_DUMP_POINTERS {
	USHORT Version;
	USHORT Size;
	WCHAR DriverName[DUMP_MINIPORT_NAME_LENGTH];
	struct _ADAPTER_OBJECT *AdapterObject;
	PVOID MappedRegisterBase;
	ULONG CommonBufferSize;
	PVOID MiniportPrivateDumpData;
	ULONG SystemIoBusNumber;
	INTERFACE_TYPE AdapterInterfaceType;
	ULONG MaximumTransferLength;
	ULONG NumberOfPhysicalBreaks;
	ULONG AlignmentMask;
	ULONG NumberOfAccessRanges;
	ACCESS_RANGE (*AccessRanges)[];
	UCHAR NumberOfBuses;
	BOOLEAN Master;
	BOOLEAN MapBuffers;
	UCHAR MaximumNumberOfTargets;
} MINIPORT_DUMP_POINTERS, *PMINIPORT_DUMP_POINTERS;
DDK_OFFSET(MINIPORT_DUMP_POINTERS, AdapterObject, 40);
DDK_OFFSET(MINIPORT_DUMP_POINTERS, MiniportPrivateDumpData, 64);
DDK_OFFSET(MINIPORT_DUMP_POINTERS, AccessRanges, 96);
DDK_SIZE(MINIPORT_DUMP_POINTERS, 112);

#endif
