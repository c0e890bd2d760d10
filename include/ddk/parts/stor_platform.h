/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The system around an adapter: its installation, features, firmware, resets and dumps. Wrappers
 * over StorPortExtendedFunction. */
#ifndef DDK_PARTS_STOR_PLATFORM_H
#define DDK_PARTS_STOR_PLATFORM_H

#include "stor_function.h"

typedef enum STORPORT_QUERY_CONFIGURATION_TYPE {
	StorportQueryConfigurationD3,
	StorportQueryConfigurationMax
} STORPORT_QUERY_CONFIGURATION_TYPE;

typedef enum STOR_DEVICE_RESET_TYPE {
	StorFunctionLevelReset,
	StorPlatformLevelReset,
	StorBusSpecificReset
} STOR_DEVICE_RESET_TYPE;

typedef enum STORPORT_FEATURE_TYPE {
	StorportFeatureBusTypeUnitControl,
	StorportFeatureFruIdUnitControl,
	StorportFeatureFruIdAdapterControl,
	StorportFeatureSetEventLoggingAdapterControl,
	StorportFeatureReportInternalDataUnitControl,
	StorportFeatureReportInternalDataAdapterControl,
	StorportFeatureResetBusSynchronous,
	StorportFeaturePostHwInitialize,
	StorportFeaturePrepareEarlyDumpData,
	StorportFeatureRestoreEarlyDumpData,
	StorportFeatureMax
} STORPORT_FEATURE_TYPE,
	*PSTORPORT_FEATURE_TYPE;

#define MARK_DUMP_MEMORY_FLAG_PHYSICAL_ADDRESS 0x1

typedef struct STORPORT_CAPTURE_LIVEDUMP *PSTORPORT_CAPTURE_LIVEDUMP;

DDK_INLINE ULONG StorPortIsCurrentOsInstallationUpgrade(PVOID HwDeviceExtension, PBOOLEAN Upgraded)
{
	return StorPortExtendedFunction(
		ExtFunctionCurrentOsInstallationUpgrade, HwDeviceExtension, Upgraded);
}

DDK_INLINE ULONG StorPortQueryConfiguration(
	PVOID HwDeviceExtension, STORPORT_QUERY_CONFIGURATION_TYPE Type, PBOOLEAN Enabled)
{
	return StorPortExtendedFunction(
		ExtFunctionQueryConfiguration, HwDeviceExtension, Type, Enabled);
}

DDK_INLINE ULONG StorPortSetFeatureList(
	PVOID HwDeviceExtension, ULONG FeatureCount, PSTORPORT_FEATURE_TYPE FeatureList)
{
	return StorPortExtendedFunction(
		ExtFunctionSetFeatureList, HwDeviceExtension, FeatureCount, FeatureList);
}

DDK_INLINE ULONG StorPortHardwareReset(PVOID HwDeviceExtension, STOR_DEVICE_RESET_TYPE Type)
{
	return StorPortExtendedFunction(ExtFunctionDeviceReset, HwDeviceExtension, Type);
}

typedef VOID NTAPI HW_REGISTRY_NOTIFICATION_ROUTINE(PVOID HwDeviceExtension);
typedef HW_REGISTRY_NOTIFICATION_ROUTINE *PHW_REGISTRY_NOTIFICATION_ROUTINE;

DDK_INLINE ULONG StorPortEnableRegistryKeyNotification(
	PVOID HwDeviceExtension, PHW_REGISTRY_NOTIFICATION_ROUTINE NotificationCallback)
{
	return StorPortExtendedFunction(
		ExtFunctionEnableRegistryKeyNotification, HwDeviceExtension, NotificationCallback);
}

DDK_INLINE ULONG StorPortCaptureLiveDump(PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress,
	PSTORPORT_CAPTURE_LIVEDUMP CaptureLivedump)
{
	return StorPortExtendedFunction(
		ExtFunctionCaptureLiveDump, HwDeviceExtension, StorAddress, CaptureLivedump);
}

#endif
