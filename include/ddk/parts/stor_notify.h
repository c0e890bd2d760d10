/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortNotification: what the miniport tells the port. The types from 0x1000 on are reached
 * through the wrappers below only. A wrapper that returns something passes the address of a LONG as
 * its last argument, which the port fills; without the port's doing it stays "failed". All variadic
 * arguments are pointers or integers, one 8-byte slot each.
 */
#ifndef DDK_PARTS_STOR_NOTIFY_H
#define DDK_PARTS_STOR_NOTIFY_H

#include "stor_config.h"

#ifdef __cplusplus
extern "C" {
#endif

VOID NTAPI StorPortNotification(
	SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);

DDK_INLINE BOOLEAN StorPortEnablePassiveInitialization(
	PVOID DeviceExtension, PHW_PASSIVE_INITIALIZE_ROUTINE HwPassiveInitializeRoutine)
{
	LONG done = FALSE;

	StorPortNotification(
		EnablePassiveInitialization, DeviceExtension, HwPassiveInitializeRoutine, &done);
	return (BOOLEAN)done;
}

DDK_INLINE VOID StorPortInitializeDpc(
	PVOID DeviceExtension, PSTOR_DPC Dpc, PHW_DPC_ROUTINE HwDpcRoutine)
{
	StorPortNotification(InitializeDpc, DeviceExtension, Dpc, HwDpcRoutine);
}

DDK_INLINE VOID StorPortInitializeThreadedDpc(
	PVOID DeviceExtension, PSTOR_DPC Dpc, PHW_DPC_ROUTINE HwDpcRoutine)
{
	StorPortNotification(InitializeThreadedDpc, DeviceExtension, Dpc, HwDpcRoutine);
}

/* LK-10: FALSE if that DPC is queued already. */
DDK_INLINE BOOLEAN StorPortIssueDpc(
	PVOID DeviceExtension, PSTOR_DPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
	LONG done = FALSE;

	StorPortNotification(
		IssueDpc, DeviceExtension, Dpc, SystemArgument1, SystemArgument2, &done);
	return (BOOLEAN)done;
}

DDK_INLINE VOID StorPortAcquireSpinLock(PVOID DeviceExtension, STOR_SPINLOCK SpinLock,
	PVOID LockContext, PSTOR_LOCK_HANDLE LockHandle)
{
	StorPortNotification(AcquireSpinLock, DeviceExtension, SpinLock, LockContext, LockHandle);
}

DDK_INLINE VOID StorPortReleaseSpinLock(PVOID DeviceExtension, PSTOR_LOCK_HANDLE LockHandle)
{
	StorPortNotification(ReleaseSpinLock, DeviceExtension, LockHandle);
}

DDK_INLINE ULONG StorPortStateChangeDetected(PVOID HwDeviceExtension, ULONG ChangedEntity,
	PSTOR_ADDRESS Address, ULONG Attributes, PHW_STATE_CHANGE HwStateChange,
	PVOID HwStateChangeContext)
{
	LONG status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;

	StorPortNotification(StateChangeDetectedCall, HwDeviceExtension, ChangedEntity, Address,
		Attributes, HwStateChange, HwStateChangeContext, &status);
	return (ULONG)status;
}

DDK_INLINE ULONG StorPortAsyncNotificationDetected(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONGLONG Flags)
{
	LONG status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;

	StorPortNotification(AsyncNotificationDetected, HwDeviceExtension, Address, Flags, &status);
	return (ULONG)status;
}

#define STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE	   0x1
#define STORPORT_MARK_DEVICE_FAILED_FLAG_PREDICTED_FAILURE 0x2

DDK_INLINE ULONG StorPortMarkDeviceFailedEx(PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress,
	ULONG Flags, ULONG FaultCode, PWSTR FaultDescription, ULONG AdditionalDataSize,
	PVOID AdditionalData, ULONG CriticalDataSize, PVOID CriticalData)
{
	LONG status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;

	StorPortNotification(MarkDeviceFailedEx, HwDeviceExtension, StorAddress, Flags, FaultCode,
		FaultDescription, AdditionalDataSize, AdditionalData, CriticalDataSize,
		CriticalData, &status);
	return (ULONG)status;
}

DDK_INLINE ULONG StorPortMarkDeviceFailed(
	PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress, ULONG Flags, PWSTR FailReason)
{
	LONG status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;

	StorPortNotification(
		MarkDeviceFailed, HwDeviceExtension, StorAddress, Flags, FailReason, &status);
	return (ULONG)status;
}

#ifdef __cplusplus
}
#endif

#endif
