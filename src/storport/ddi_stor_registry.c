/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The registry for miniports, and the event log. There is no registry: each value is absent and
 * none can be written, which a driver meets on Windows as well. The buffer for it is real.
 */
#define DRY_MODULE "storport.sys"
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

#include <stdio.h>

#define REGISTRY_TAG 0x67655253 /* "SReg" */

/* The adapter, if the routine may be called here: at PASSIVE_LEVEL. */
static struct stor_adapter *caller(void *extension, const char *routine)
{
	struct stor_adapter *adapter = stor_adapter_of(extension, routine);

	cpu_poll();
	if (adapter && KeGetCurrentIrql() != PASSIVE_LEVEL) {
		nt_violation(0, "StorPortIrql: %s at IRQL %u: it is for PASSIVE_LEVEL.", routine,
			KeGetCurrentIrql());
		return NULL;
	}
	return adapter;
}

PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortAllocateRegistryBuffer");

	if (!adapter || !Length || !*Length || adapter->registry_buffer)
		return NULL;
	adapter->registry_buffer = nt_pool_alloc(*Length, REGISTRY_TAG, adapter, true);
	return adapter->registry_buffer;
}
DRY_EXPORT(StorPortAllocateRegistryBuffer)

VOID NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortFreeRegistryBuffer");

	if (!adapter)
		return;
	if (!Buffer || Buffer != adapter->registry_buffer) {
		nt_violation(0, "StorPortFreeRegistryBuffer: %p is not the registry buffer of %s.",
			(void *)Buffer, adapter->hba.name);
		return;
	}
	nt_pool_free(adapter->registry_buffer);
	adapter->registry_buffer = NULL;
}
DRY_EXPORT(StorPortFreeRegistryBuffer)

BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, PULONG BufferLength)
{
	caller(HwDeviceExtension, "StorPortRegistryRead");
	/* not "too small": there is no such value */
	if (BufferLength)
		*BufferLength = 0;
	return FALSE;
}
DRY_EXPORT(StorPortRegistryRead)

BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, ULONG BufferLength)
{
	caller(HwDeviceExtension, "StorPortRegistryWrite");
	return FALSE;
}
DRY_EXPORT(StorPortRegistryWrite)

static const char *error_name(ULONG code)
{
	static const char *const names[] = {
		[SP_BUS_PARITY_ERROR] = "bus parity error",
		[SP_UNEXPECTED_DISCONNECT] = "unexpected disconnect",
		[SP_INVALID_RESELECTION] = "invalid reselection",
		[SP_BUS_TIME_OUT] = "bus time-out",
		[SP_PROTOCOL_ERROR] = "protocol error",
		[SP_INTERNAL_ADAPTER_ERROR] = "internal adapter error",
		[SP_REQUEST_TIMEOUT] = "request time-out",
		[SP_IRQ_NOT_RESPONDING] = "no interrupts",
		[SP_BAD_FW_WARNING] = "old or bad firmware",
		[SP_BAD_FW_ERROR] = "bad firmware, the device is not used",
	};

	return code < array_size(names) && names[code] ? names[code] : "a code of its own";
}

VOID NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId,
	UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortLogError");
	char line[160];

	cpu_poll();
	if (!adapter)
		return;
	snprintf(line, sizeof(line),
		"%s logs an error: code %08x (%s), unique id %08x, unit %u:%u:%u.",
		adapter->hba.name, (unsigned)ErrorCode, error_name(ErrorCode), (unsigned)UniqueId,
		PathId, TargetId, Lun);
	nt_debug_line(line);
}
DRY_EXPORT(StorPortLogError)
