/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a miniport asks of the system around it, and tells it: port number, bus type, features, the
 * installation, firmware methods, resets, dumps, what is known of a request. The machine has no
 * ACPI, no function-level reset and no live dumps: those answer as documented for a platform
 * without them.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "bus/bus.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <ntddstor.h>
#include <stdio.h>
#include <string.h>

bool stor_address_is_good(const STOR_ADDRESS *address)
{
	return address && address->Type == STOR_ADDRESS_TYPE_BTL8 &&
	       address->AddressLength >= STOR_ADDR_BTL8_ADDRESS_LENGTH;
}

struct port_unit *stor_unit_of(struct stor_adapter *adapter, const STOR_ADDRESS *address)
{
	const STOR_ADDR_BTL8 *unit = (const STOR_ADDR_BTL8 *)address;

	return stor_address_is_good(address)
		       ? port_unit_find(&adapter->hba.port, unit->Path, unit->Target, unit->Lun)
		       : NULL;
}

static bool is_passive(const char *routine)
{
	if (likely(cpu_irql() == IRQL_PASSIVE))
		return true;
	nt_violation(0, "%s at IRQL %u; it must be PASSIVE_LEVEL.", routine, cpu_irql());
	return false;
}

/* ---- the adapter ---- */

ULONG stor_get_port_number(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);

	if (!stor_address_is_good(address))
		return STOR_STATUS_INVALID_PARAMETER;
	if (adapter->hba.phase == PORT_HBA_FINDING)
		return STOR_STATUS_INVALID_DEVICE_STATE;
	address->Port = (USHORT)adapter->hba.port.number;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_bus_type(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG type = stor_arg(args, ULONG);

	if (adapter->hba.phase != PORT_HBA_FINDING)
		return STOR_STATUS_UNSUCCESSFUL;
	if (type <= BusTypeUnknown || type >= BusTypeMax)
		return STOR_STATUS_INVALID_PARAMETER;
	adapter->hba.bus_type = (uint8_t)type;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_features(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG count = stor_arg(args, ULONG), features = 0;
	PSTORPORT_FEATURE_TYPE list = stor_arg(args, PSTORPORT_FEATURE_TYPE);

	if (!list || !count || count > StorportFeatureMax)
		return STOR_STATUS_INVALID_PARAMETER;
	for (ULONG n = 0; n < count; n++) {
		if ((unsigned)list[n] >= StorportFeatureMax)
			return STOR_STATUS_INVALID_PARAMETER;
		features |= 1u << list[n];
	}
	adapter->features = features;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_unit_attributes(struct stor_adapter *adapter, struct stor_call *args)
{
	struct port_unit *unit = stor_unit_of(adapter, stor_arg(args, PSTOR_ADDRESS));
	ULONG bits = stor_arg(args, ULONG);
	STOR_UNIT_ATTRIBUTES attributes;

	memcpy(&attributes, &bits, sizeof(attributes));
	if (!unit || attributes.Reserved)
		return STOR_STATUS_INVALID_PARAMETER;
	adapter->unit_attributes[unit->number] = attributes;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_mask_message(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG message = stor_arg(args, ULONG);
	BOOLEAN mask = (BOOLEAN)stor_arg(args, int);

	if (message >= adapter->messages)
		return STOR_STATUS_INVALID_PARAMETER;
	return bus_message_mask(adapter->hba.function, message, mask) ? STOR_STATUS_SUCCESS
								      : STOR_STATUS_UNSUCCESSFUL;
}

ULONG stor_reset_device(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG type = stor_arg(args, ULONG);

	return type == StorFunctionLevelReset ? STOR_STATUS_UNSUCCESSFUL
					      : STOR_STATUS_NOT_IMPLEMENTED;
}

/* ---- the installation ---- */

ULONG stor_is_upgrade(struct stor_adapter *adapter, struct stor_call *args)
{
	PBOOLEAN upgraded = stor_arg(args, PBOOLEAN);

	if (!is_passive("StorPortIsCurrentOsInstallationUpgrade"))
		return STOR_STATUS_INVALID_IRQL;
	if (!upgraded)
		return STOR_STATUS_INVALID_PARAMETER;
	*upgraded = FALSE;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_query_configuration(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG type = stor_arg(args, ULONG);
	PBOOLEAN enabled = stor_arg(args, PBOOLEAN);

	if (!enabled || type >= StorportQueryConfigurationMax)
		return STOR_STATUS_INVALID_PARAMETER;
	*enabled = FALSE;
	return STOR_STATUS_SUCCESS;
}

/* No class of operations is there. */
ULONG stor_is_operation_allowed(struct stor_adapter *adapter, struct stor_call *args)
{
	struct port_unit *unit = stor_unit_of(adapter, stor_arg(args, PSTOR_ADDRESS));
	LPCGUID operation = stor_arg(args, LPCGUID);
	PULONG allowed = stor_arg(args, PULONG);

	if (!is_passive("StorPortIsDeviceOperationAllowed"))
		return STOR_STATUS_INVALID_IRQL;
	if (!unit || !operation || !allowed)
		return STOR_STATUS_INVALID_PARAMETER;
	return STOR_STATUS_NOT_IMPLEMENTED;
}

/* Input and output are optional, as their lines on the page say, whatever its table does. */
ULONG stor_invoke_acpi(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);

	if (!is_passive("StorPortInvokeAcpiMethod"))
		return STOR_STATUS_INVALID_IRQL;
	if (address && !stor_unit_of(adapter, address))
		return STOR_STATUS_INVALID_PARAMETER;
	return STOR_STATUS_NOT_IMPLEMENTED;
}

/* ---- dumps ---- */

ULONG stor_mark_dump(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID address = stor_arg(args, PVOID);
	ULONG_PTR length = stor_arg(args, ULONG_PTR);
	ULONG flags = stor_arg(args, ULONG);
	char text[64];

	if (flags & ~(ULONG)MARK_DUMP_MEMORY_FLAG_PHYSICAL_ADDRESS)
		return STOR_STATUS_INVALID_PARAMETER;
	/* In the trace, that is all. */
	snprintf(text, sizeof(text), "StorPortMarkDumpMemory: %llu bytes",
		(unsigned long long)length);
	trace(TRACE_LOG, (uintptr_t)text, 0);
	if (adapter->hba.phase != PORT_HBA_FINDING)
		nt_violation(0,
			"StorPortMarkDumpMemory of %llu bytes at %p: only DriverEntry and "
			"HwStorFindAdapter may call it.",
			(unsigned long long)length, address);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_capture_dump(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	PVOID dump = stor_arg(args, PVOID);

	if (!dump || (address && !stor_unit_of(adapter, address)))
		return STOR_STATUS_INVALID_PARAMETER;
	is_passive("StorPortCaptureLiveDump");
	return STOR_STATUS_UNSUCCESSFUL;
}

/* ---- a request ---- */

ULONG stor_get_request_info(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID srb = stor_arg(args, PVOID);
	PSTOR_REQUEST_INFO info = stor_arg(args, PSTOR_REQUEST_INFO);
	struct port_request *request = stor_request_of(adapter, srb, "StorPortGetRequestInfo");

	const SRBEX_DATA_IO_INFO *more;

	if (!request || !info)
		return STOR_STATUS_INVALID_PARAMETER;
	if (info->Version != STOR_REQUEST_INFO_VER_1)
		return STOR_STATUS_UNSUPPORTED_VERSION;
	if (info->Size < sizeof(*info))
		return STOR_STATUS_INVALID_PARAMETER;
	more = request->flags & PORT_FLAGS_WHOLE ? request->io_info : NULL;
	info->PriorityHint = port_request_priority(request);
	info->Flags = more ? more->Flags : 0;
	info->Key = more ? more->Key : 0;
	info->Length = request->length;
	info->IsWriteRequest = (request->flags & SRB_FLAGS_DATA_OUT) != 0;
	return STOR_STATUS_SUCCESS;
}

/* Nobody follows requests by ETW. */
ULONG stor_get_activity(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID srb = stor_arg(args, PVOID);
	LPGUID activity = stor_arg(args, LPGUID);

	if (!activity || !stor_request_of(adapter, srb, "StorPortGetActivityIdSrb"))
		return STOR_STATUS_INVALID_PARAMETER;
	return STOR_STATUS_UNSUCCESSFUL;
}
