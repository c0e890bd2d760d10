/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The structures by which a SCSI Port miniport and its port come to know each other. Storport has
 * longer ones under the same names. So these have names of their own here, and a miniport that does
 * not include storport.h reaches them by the documented ones; storport.h takes those back, before
 * or behind.
 */
/* Before the guard: srb.h includes this file at its end. */
#include "../srb.h"
#ifndef DDK_PARTS_SCSIPORT_CONFIG_H
#define DDK_PARTS_SCSIPORT_CONFIG_H

#include "port_common.h"

struct _SCSIPORT_PORT_CONFIGURATION_INFORMATION;

typedef ULONG NTAPI SCSIPORT_HW_FIND_ADAPTER(PVOID DeviceExtension, PVOID HwContext,
	PVOID BusInformation, PCHAR ArgumentString,
	struct _SCSIPORT_PORT_CONFIGURATION_INFORMATION *ConfigInfo, PBOOLEAN Again);
typedef SCSIPORT_HW_FIND_ADAPTER *PSCSIPORT_HW_FIND_ADAPTER;

/* ---- DriverEntry ---- */

typedef struct _SCSIPORT_HW_INITIALIZATION_DATA {
	ULONG HwInitializationDataSize;
	INTERFACE_TYPE AdapterInterfaceType;
	PHW_INITIALIZE HwInitialize;
	PHW_STARTIO HwStartIo;
	PHW_INTERRUPT HwInterrupt;
	PSCSIPORT_HW_FIND_ADAPTER HwFindAdapter;
	PHW_RESET_BUS HwResetBus;
	PHW_DMA_STARTED HwDmaStarted;
	PHW_ADAPTER_STATE HwAdapterState;
	ULONG DeviceExtensionSize;
	ULONG SpecificLuExtensionSize;
	ULONG SrbExtensionSize;
	ULONG NumberOfAccessRanges;
	PVOID Reserved;
	BOOLEAN MapBuffers;
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
} SCSIPORT_HW_INITIALIZATION_DATA, *PSCSIPORT_HW_INITIALIZATION_DATA;
/* COMPUTED from the page's order */
DDK_OFFSET(SCSIPORT_HW_INITIALIZATION_DATA, HwFindAdapter, 0x20);
DDK_OFFSET(SCSIPORT_HW_INITIALIZATION_DATA, DeviceExtensionSize, 0x40);
DDK_OFFSET(SCSIPORT_HW_INITIALIZATION_DATA, MapBuffers, 0x58);
DDK_OFFSET(SCSIPORT_HW_INITIALIZATION_DATA, HwAdapterControl, 0x78);
DDK_SIZE(SCSIPORT_HW_INITIALIZATION_DATA, 0x80);

/* ---- HwScsiFindAdapter ---- */

typedef struct _SCSIPORT_PORT_CONFIGURATION_INFORMATION {
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
	PVOID Reserved;
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
	BOOLEAN MapBuffers;
	BOOLEAN NeedPhysicalAddresses;
	BOOLEAN TaggedQueuing;
	BOOLEAN AutoRequestSense;
	BOOLEAN MultipleRequestPerLu;
	BOOLEAN ReceiveEvent;
	BOOLEAN RealModeInitialized;
	BOOLEAN BufferAccessScsiPortControlled;
	UCHAR MaximumNumberOfTargets;
	UCHAR ReservedUchars[2];
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
} SCSIPORT_PORT_CONFIGURATION_INFORMATION, *PSCSIPORT_PORT_CONFIGURATION_INFORMATION;
/* COMPUTED; the beginning of Storport's structure */
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, AccessRanges, 0x38);
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, NumberOfBuses, 0x48);
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, ScatterGather, 0x51);
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, SlotNumber, 0x64);
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, SrbExtensionSize, 0x8c);
DDK_OFFSET(SCSIPORT_PORT_CONFIGURATION_INFORMATION, Dma64BitAddresses, 0x90);
DDK_SIZE(SCSIPORT_PORT_CONFIGURATION_INFORMATION, 0x98);

#ifndef DDK_PARTS_STOR_CONFIG_H
#define HW_FIND_ADAPTER			SCSIPORT_HW_FIND_ADAPTER
#define PHW_FIND_ADAPTER		PSCSIPORT_HW_FIND_ADAPTER
#define HW_INITIALIZATION_DATA		SCSIPORT_HW_INITIALIZATION_DATA
#define PHW_INITIALIZATION_DATA		PSCSIPORT_HW_INITIALIZATION_DATA
#define PORT_CONFIGURATION_INFORMATION	SCSIPORT_PORT_CONFIGURATION_INFORMATION
#define PPORT_CONFIGURATION_INFORMATION PSCSIPORT_PORT_CONFIGURATION_INFORMATION
#define CONFIG_INFO_VERSION_2		sizeof(PORT_CONFIGURATION_INFORMATION)
#endif

#endif
