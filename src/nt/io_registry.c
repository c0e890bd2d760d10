/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: the keys of a device and of a driver. Which those are, registry_path.c knows. */
#include "nt/zw_key.h"
#include "nt/nt_check.h"
#include "nt/os.h"
#include "util/export.h"

NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
	ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
	uintptr_t site = (uintptr_t)__builtin_return_address(0);
	ULONG which = DevInstKeyType & ~PLUGPLAY_REGKEY_CURRENT_HWPROFILE;
	int device = reg_device_of(DeviceObject);
	struct reg_key *key;

	zw_key_check_irql("IoOpenDeviceRegistryKey");
	if (device < 0 || (which != PLUGPLAY_REGKEY_DEVICE && which != PLUGPLAY_REGKEY_DRIVER))
		return STATUS_INVALID_PARAMETER;
	reg_lock();
	key = reg_device_key((unsigned)device,
		which == PLUGPLAY_REGKEY_DEVICE ? REG_DEVICE_HARDWARE : REG_DEVICE_SOFTWARE);
	if (key)
		reg_key_hold(key);
	reg_unlock();
	return key ? zw_key_handle(key, DesiredAccess, site, DeviceRegKey)
		   : STATUS_OBJECT_NAME_NOT_FOUND;
}
DRY_EXPORT(IoOpenDeviceRegistryKey)

/* Where state is kept the page does not say; here below the service's key. */
NTSTATUS NTAPI IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
	ACCESS_MASK DesiredAccess, ULONG Flags, PHANDLE DriverRegKey)
{
	static const char *const names[] = {"Parameters", "State", "SharedState"};
	uintptr_t site = (uintptr_t)__builtin_return_address(0);
	struct reg_key *key;

	zw_key_check_irql("IoOpenDriverRegistryKey");
	if (!DriverObject || Flags || (unsigned)RegKeyType >= array_size(names) ||
		(RegKeyType == DriverRegKeySharedPersistentState && !nt_os_has(NT_OS_SERVER_2022)))
		return STATUS_INVALID_PARAMETER;
	reg_lock();
	key = reg_service_key(names[RegKeyType], RegKeyType != DriverRegKeyParameters);
	if (key)
		reg_key_hold(key);
	reg_unlock();
	return key ? zw_key_handle(key, DesiredAccess, site, DriverRegKey)
		   : STATUS_OBJECT_NAME_NOT_FOUND;
}
DRY_EXPORT(IoOpenDriverRegistryKey)
