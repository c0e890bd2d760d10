/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The forms that a SCSI_REQUEST_BLOCK takes for WMI, power and PnP requests. Included by srb.h. */
#ifndef DDK_PARTS_SRB_SPECIAL_H
#define DDK_PARTS_SRB_SPECIAL_H

#include "../ntdef.h"

struct _SCSI_REQUEST_BLOCK;

typedef enum _STOR_DEVICE_POWER_STATE {
	StorPowerDeviceUnspecified = 0,
	StorPowerDeviceD0,
	StorPowerDeviceD1,
	StorPowerDeviceD2,
	StorPowerDeviceD3,
	StorPowerDeviceMaximum
} STOR_DEVICE_POWER_STATE,
	*PSTOR_DEVICE_POWER_STATE;

typedef enum {
	StorPowerActionNone = 0,
	StorPowerActionReserved,
	StorPowerActionSleep,
	StorPowerActionHibernate,
	StorPowerActionShutdown,
	StorPowerActionShutdownReset,
	StorPowerActionShutdownOff,
	StorPowerActionWarmEject
} STOR_POWER_ACTION,
	*PSTOR_POWER_ACTION;

typedef enum {
	StorStartDevice = 0x0,
	StorRemoveDevice = 0x2,
	StorStopDevice = 0x4,
	StorQueryCapabilities = 0x9,
	StorQueryResourceRequirements = 0xB,
	StorFilterResourceRequirements = 0xD,
	StorSurpriseRemoval = 0x17
} STOR_PNP_ACTION,
	*PSTOR_PNP_ACTION;

typedef struct _SCSI_WMI_REQUEST_BLOCK {
	USHORT Length;
	UCHAR Function;
	UCHAR SrbStatus;
	UCHAR WMISubFunction;
	UCHAR PathId;
	UCHAR TargetId;
	UCHAR Lun;
	UCHAR Reserved1;
	UCHAR WMIFlags;
	UCHAR Reserved2[2];
	ULONG SrbFlags;
	ULONG DataTransferLength;
	ULONG TimeOutValue;
	PVOID DataBuffer;
	PVOID DataPath;
	PVOID Reserved3;
	PVOID OriginalRequest;
	PVOID SrbExtension;
	ULONG Reserved4;
	ULONG Reserved6;
	UCHAR Reserved5[16];
} SCSI_WMI_REQUEST_BLOCK, *PSCSI_WMI_REQUEST_BLOCK;
DDK_OFFSET(SCSI_WMI_REQUEST_BLOCK, DataPath, 0x20);
DDK_SIZE(SCSI_WMI_REQUEST_BLOCK, 0x58);

typedef struct _SCSI_POWER_REQUEST_BLOCK {
	USHORT Length;
	UCHAR Function;
	UCHAR SrbStatus;
	UCHAR SrbPowerFlags;
	UCHAR PathId;
	UCHAR TargetId;
	UCHAR Lun;
	STOR_DEVICE_POWER_STATE DevicePowerState;
	ULONG SrbFlags;
	ULONG DataTransferLength;
	ULONG TimeOutValue;
	PVOID DataBuffer;
	PVOID SenseInfoBuffer;
	struct _SCSI_REQUEST_BLOCK *NextSrb;
	PVOID OriginalRequest;
	PVOID SrbExtension;
	STOR_POWER_ACTION PowerAction;
	ULONG Reserved;
	UCHAR Reserved5[16];
} SCSI_POWER_REQUEST_BLOCK, *PSCSI_POWER_REQUEST_BLOCK;
DDK_OFFSET(SCSI_POWER_REQUEST_BLOCK, DevicePowerState, 0x08);
DDK_OFFSET(SCSI_POWER_REQUEST_BLOCK, PowerAction, 0x40);
DDK_SIZE(SCSI_POWER_REQUEST_BLOCK, 0x58);

typedef struct _SCSI_PNP_REQUEST_BLOCK {
	USHORT Length;
	UCHAR Function;
	UCHAR SrbStatus;
	UCHAR PnPSubFunction;
	UCHAR PathId;
	UCHAR TargetId;
	UCHAR Lun;
	STOR_PNP_ACTION PnPAction;
	ULONG SrbFlags;
	ULONG DataTransferLength;
	ULONG TimeOutValue;
	PVOID DataBuffer;
	PVOID SenseInfoBuffer;
	struct _SCSI_REQUEST_BLOCK *NextSrb;
	PVOID OriginalRequest;
	PVOID SrbExtension;
	ULONG SrbPnPFlags;
	ULONG Reserved;
	UCHAR Reserved4[16];
} SCSI_PNP_REQUEST_BLOCK, *PSCSI_PNP_REQUEST_BLOCK;
DDK_OFFSET(SCSI_PNP_REQUEST_BLOCK, PnPAction, 0x08);
DDK_OFFSET(SCSI_PNP_REQUEST_BLOCK, SrbPnPFlags, 0x40);
DDK_SIZE(SCSI_PNP_REQUEST_BLOCK, 0x58);

/* What StorQueryCapabilities fills in. */
typedef struct _STOR_DEVICE_CAPABILITIES {
	USHORT Version;
	USHORT DdkPadding; /* what Microsoft's bit field layout puts here and gcc's does not */
	ULONG DeviceD1 : 1;
	ULONG DeviceD2 : 1;
	ULONG LockSupported : 1;
	ULONG EjectSupported : 1;
	ULONG Removable : 1;
	ULONG DockDevice : 1;
	ULONG UniqueID : 1;
	ULONG SilentInstall : 1;
	ULONG SurpriseRemovalOK : 1;
	ULONG NoDisplayInUI : 1;
} STOR_DEVICE_CAPABILITIES, *PSTOR_DEVICE_CAPABILITIES;
DDK_SIZE(STOR_DEVICE_CAPABILITIES, 8);
#define STOR_DEVICE_CAPABILITIES_VERSION_1 1

typedef struct _STOR_DEVICE_CAPABILITIES_EX {
	USHORT Version;
	USHORT Size;
	ULONG DeviceD1 : 1;
	ULONG DeviceD2 : 1;
	ULONG LockSupported : 1;
	ULONG EjectSupported : 1;
	ULONG Removable : 1;
	ULONG DockDevice : 1;
	ULONG UniqueID : 1;
	ULONG SilentInstall : 1;
	ULONG RawDeviceOK : 1;
	ULONG SurpriseRemovalOK : 1;
	ULONG NoDisplayInUI : 1;
	ULONG DefaultWriteCacheEnabled : 1;
	ULONG Reserved0 : 20;
	ULONG Address;
	ULONG UINumber;
	ULONG Reserved1[2];
} STOR_DEVICE_CAPABILITIES_EX, *PSTOR_DEVICE_CAPABILITIES_EX;
#define STOR_DEVICE_CAPABILITIES_EX_VERSION_1 1
DDK_SIZE(STOR_DEVICE_CAPABILITIES_EX, 24);

#endif
