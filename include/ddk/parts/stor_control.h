/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapter and unit control: the types of request in their documented order, and what goes with
 * them. */
/* Before the guard: srb.h includes this file at its end. */
#include "../srb.h"
#ifndef DDK_PARTS_STOR_CONTROL_H
#define DDK_PARTS_STOR_CONTROL_H

#include "power.h"

typedef enum _SCSI_ADAPTER_CONTROL_TYPE {
	ScsiQuerySupportedControlTypes = 0,
	ScsiStopAdapter,
	ScsiRestartAdapter,
	ScsiSetBootConfig,
	ScsiSetRunningConfig,
	ScsiPowerSettingNotification,
	ScsiAdapterPower,
	ScsiAdapterPoFxPowerRequired,
	ScsiAdapterPoFxPowerActive,
	ScsiAdapterPoFxPowerSetFState,
	ScsiAdapterPoFxPowerControl,
	ScsiAdapterPrepareForBusReScan,
	ScsiAdapterSystemPowerHints,
	ScsiAdapterFilterResourceRequirements,
	ScsiAdapterPoFxMaxOperationalPower,
	ScsiAdapterPoFxSetPerfState,
	ScsiAdapterSurpriseRemoval,
	ScsiAdapterSerialNumber,
	ScsiAdapterCryptoOperation,
	ScsiAdapterQueryFruId,
	ScsiAdapterSetEventLogging,
	ScsiAdapterReportInternalData,
	ScsiAdapterResetBusSynchronous,
	ScsiAdapterPostHwInitialize,
	ScsiAdapterPrepareEarlyDumpData,
	ScsiAdapterRestoreEarlyDumpData,
	ScsiAdapterControlMax
} SCSI_ADAPTER_CONTROL_TYPE,
	*PSCSI_ADAPTER_CONTROL_TYPE;
DDK_ASSERT(ScsiAdapterSurpriseRemoval == 16 && ScsiAdapterResetBusSynchronous == 22 &&
		   ScsiAdapterControlMax == 26,
	"storport.md 4.8");

typedef enum _SCSI_ADAPTER_CONTROL_STATUS {
	ScsiAdapterControlSuccess = 0,
	ScsiAdapterControlUnsuccessful
} SCSI_ADAPTER_CONTROL_STATUS,
	*PSCSI_ADAPTER_CONTROL_STATUS;

typedef enum _SCSI_UNIT_CONTROL_TYPE {
	ScsiQuerySupportedUnitControlTypes = 0,
	ScsiUnitUsage,
	ScsiUnitStart,
	ScsiUnitPower,
	ScsiUnitPoFxPowerInfo,
	ScsiUnitPoFxPowerRequired,
	ScsiUnitPoFxPowerActive,
	ScsiUnitPoFxPowerSetFState,
	ScsiUnitPoFxPowerControl,
	ScsiUnitRemove,
	ScsiUnitSurpriseRemoval,
	ScsiUnitRichDescription,
	ScsiUnitQueryBusType,
	ScsiUnitQueryFruId,
	ScsiUnitReportInternalData,
	ScsiUnitControlMax
} SCSI_UNIT_CONTROL_TYPE,
	*PSCSI_UNIT_CONTROL_TYPE;

typedef enum _SCSI_UNIT_CONTROL_STATUS {
	ScsiUnitControlSuccess = 0,
	ScsiUnitControlUnsuccessful
} SCSI_UNIT_CONTROL_STATUS,
	*PSCSI_UNIT_CONTROL_STATUS;

/* The port allocates MaxControlType entries and clears them. */
typedef struct _SCSI_SUPPORTED_CONTROL_TYPE_LIST {
	ULONG MaxControlType;
	BOOLEAN SupportedTypeList[];
} SCSI_SUPPORTED_CONTROL_TYPE_LIST, *PSCSI_SUPPORTED_CONTROL_TYPE_LIST;
DDK_OFFSET(SCSI_SUPPORTED_CONTROL_TYPE_LIST, SupportedTypeList, 4);

typedef struct _STOR_POWER_CONTROL_HEADER {
	ULONG Version;
	ULONG Size;
	PSTOR_ADDRESS Address;
} STOR_POWER_CONTROL_HEADER, *PSTOR_POWER_CONTROL_HEADER;
DDK_SIZE(STOR_POWER_CONTROL_HEADER, 16);

typedef struct _STOR_ADAPTER_CONTROL_POWER {
	STOR_POWER_CONTROL_HEADER Header;
	STOR_POWER_ACTION PowerAction;
	STOR_DEVICE_POWER_STATE PowerState;
} STOR_ADAPTER_CONTROL_POWER, *PSTOR_ADAPTER_CONTROL_POWER;

typedef struct _STOR_UNIT_CONTROL_POWER {
	PSTOR_ADDRESS Address;
	STOR_POWER_ACTION PowerAction;
	STOR_DEVICE_POWER_STATE PowerState;
} STOR_UNIT_CONTROL_POWER, *PSTOR_UNIT_CONTROL_POWER;

typedef struct _STOR_POWER_SETTING_INFO {
	GUID PowerSettingGuid;
	PVOID Value;
	ULONG ValueLength;
} STOR_POWER_SETTING_INFO, *PSTOR_POWER_SETTING_INFO;

typedef enum _RAID_SYSTEM_POWER {
	RaidSystemPowerUnknown = 0,
	RaidSystemPowerLowest,
	RaidSystemPowerLow,
	RaidSystemPowerMedium,
	RaidSystemPowerHigh
} RAID_SYSTEM_POWER;

typedef struct _STOR_SYSTEM_POWER_HINTS {
	ULONG Version;
	ULONG Size;
	RAID_SYSTEM_POWER SystemPower;
	ULONG ResumeLatencyMSec;
} STOR_SYSTEM_POWER_HINTS, *PSTOR_SYSTEM_POWER_HINTS;

typedef enum _SCSI_UC_DEVICE_USAGE_TYPE {
	ScsiDeviceUsageTypeUndefined = 0,
	ScsiDeviceUsageTypePaging,
	ScsiDeviceUsageTypeHibernation,
	ScsiDeviceUsageTypeDumpFile,
	ScsiDeviceUsageTypeBoot
} SCSI_UC_DEVICE_USAGE_TYPE;

typedef struct _STOR_UC_DEVICE_USAGE {
	PSTOR_ADDRESS Address;
	SCSI_UC_DEVICE_USAGE_TYPE UsageType;
	BOOLEAN InUse;
} STOR_UC_DEVICE_USAGE, *PSTOR_UC_DEVICE_USAGE;

typedef struct _STOR_UNIT_CONTROL_QUERY_BUS_TYPE {
	PSTOR_ADDRESS Address;
	ULONG BusType; /* a STORAGE_BUS_TYPE */
} STOR_UNIT_CONTROL_QUERY_BUS_TYPE, *PSTOR_UNIT_CONTROL_QUERY_BUS_TYPE;

#define STOR_VENDOR_ID_LENGTH			       8
#define STOR_MODEL_NUMBER_LENGTH		       40
#define STOR_FIRMWARE_REVISION_LENGTH		       16
#define STOR_RICH_DEVICE_DESCRIPTION_STRUCTURE_VERSION 0x1

typedef struct _STOR_RICH_DEVICE_DESCRIPTION {
	ULONG Version;
	ULONG Size;
	UCHAR VendorId[STOR_VENDOR_ID_LENGTH + 1];
	UCHAR ModelNumber[STOR_MODEL_NUMBER_LENGTH + 1];
	UCHAR FirmwareRevision[STOR_FIRMWARE_REVISION_LENGTH + 1];
} STOR_RICH_DEVICE_DESCRIPTION, *PSTOR_RICH_DEVICE_DESCRIPTION;

typedef struct _STOR_RESET_BUS_SYNCHRONOUS_PARAMETER {
	ULONG Version; /* the structure's size */
	ULONG Size;
	ULONG PathId;
	ULONG Reserved;
} STOR_RESET_BUS_SYNCHRONOUS_PARAMETER, *PSTOR_RESET_BUS_SYNCHRONOUS_PARAMETER;

#endif
