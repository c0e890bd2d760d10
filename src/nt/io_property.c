/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: properties of devices. There is one, by which a driver can say to a program which device is
 * its disk: DEVPKEY_Device_InstanceId. */
#include "nt/nt_check.h"
#include "nt/registry.h"
#include "util/export.h"

#include <initguid.h>

#include <devpkey.h>

NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
	ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize, PDEVPROPTYPE Type)
{
	int device = reg_device_of(Pdo);
	const char *instance;
	size_t count;

	cpu_poll();
	nt_irql_max("IoGetDevicePropertyData", IRQL_APC, NT_C4(0xE5));
	if (device < 0)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!IsEqualDevPropKey(*PropertyKey, DEVPKEY_Device_InstanceId))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	instance = reg_device_instance((unsigned)device);
	count = strlen(instance) + 1;
	*RequiredSize = (ULONG)(count * sizeof(WCHAR));
	if (Size < *RequiredSize)
		return STATUS_BUFFER_TOO_SMALL;
	reg_widen(instance, count, Data, count);
	*Type = DEVPROP_TYPE_STRING;
	return STATUS_SUCCESS;
}
DRY_EXPORT(IoGetDevicePropertyData)
