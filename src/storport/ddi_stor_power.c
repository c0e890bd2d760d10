/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Run-time power management (PoFx) and power settings: what a miniport registers is checked and
 * kept, activations are counted, and no component is ever idle, as nothing here takes power away.
 * All of it is in the trace.
 * The adapter and each unit have one component: no more are supported, as the pages say.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdio.h>

#define POWER_TAG 0x72775053u /* 'SPwr' */
#define GUIDS_MAX 64

struct component {
	_Atomic bool is_registered;
	_Atomic uint32_t active; /* activations */
};

struct stor_power {
	struct component adapter, unit[PORT_UNITS_MAX];
	ULONG guid_count;
	GUID guid[GUIDS_MAX];
};

static struct stor_power *power_get(struct stor_adapter *adapter)
{
	struct stor_power *power = atomic_load(&adapter->power), *none = NULL;

	if (power)
		return power;
	power = nt_pool_alloc(sizeof(*power), POWER_TAG, NULL, true);
	if (!power || atomic_compare_exchange_strong(&adapter->power, &none, power))
		return power;
	nt_pool_free(power);
	return none;
}

void stor_power_free(struct stor_adapter *adapter)
{
	struct stor_power *power = atomic_exchange(&adapter->power, NULL);

	if (power)
		nt_pool_free(power);
}

/* The component of the adapter (address NULL) or a unit. False: there is no such unit. *component
 * is NULL if nothing is registered at all. */
static bool component_of(
	struct stor_adapter *adapter, PSTOR_ADDRESS address, struct component **component)
{
	struct stor_power *power = atomic_load(&adapter->power);
	struct port_unit *unit = address ? stor_unit_of(adapter, address) : NULL;

	if (address && !unit)
		return false;
	*component = !power ? NULL : unit ? &power->unit[unit->number] : &power->adapter;
	return true;
}

/* For the trace, of the adapter (address NULL) or a unit that is there. */
static __attribute__((format(printf, 3, 4))) void record(
	const struct stor_adapter *adapter, const STOR_ADDRESS *address, const char *format, ...)
{
	const STOR_ADDR_BTL8 *unit = (const void *)address;
	char what[160], line[256];
	va_list list;

	if (!trace_is_wanted(TRACE_LOG))
		return;
	va_start(list, format);
	vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	if (unit)
		snprintf(line, sizeof(line), "%s %u:%u:%u %s", adapter->hba.name, unit->Path,
			unit->Target, unit->Lun, what);
	else
		snprintf(line, sizeof(line), "%s %s", adapter->hba.name, what);
	trace(TRACE_LOG, (uintptr_t)line, 0, StorportEtwLevelInformational);
}

static bool is_registered(const struct component *component)
{
	return component && component->is_registered;
}

/* ---- registering ---- */

static bool device_is_good(const STOR_POFX_DEVICE *device)
{
	static const ULONG sizes[] = {
		0, STOR_POFX_DEVICE_SIZE, STOR_POFX_DEVICE_V2_SIZE, STOR_POFX_DEVICE_V3_SIZE};

	return device->Version >= STOR_POFX_DEVICE_VERSION_V1 &&
	       device->Version < array_size(sizes) && device->Size >= sizes[device->Version] &&
	       device->ComponentCount == 1;
}

ULONG stor_initialize_pofx(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	PSTOR_POFX_DEVICE device = stor_arg(args, PSTOR_POFX_DEVICE);
	PBOOLEAN d3_cold = stor_arg(args, PBOOLEAN);
	struct component *component;

	if (!device || !device_is_good(device) || (address && !stor_unit_of(adapter, address)))
		return STOR_STATUS_INVALID_PARAMETER;
	if (!power_get(adapter))
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	component_of(adapter, address, &component);
	if (atomic_exchange(&component->is_registered, true))
		return STOR_STATUS_UNSUCCESSFUL;
	if (d3_cold)
		*d3_cold = FALSE;
	record(adapter, address, "registers with PoFx");
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_power_guids(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG count = stor_arg(args, ULONG);
	LPGUID guids = stor_arg(args, LPGUID);
	struct stor_power *power = power_get(adapter);

	if (!power || count > GUIDS_MAX)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	power->guid_count = guids ? count : 0;
	for (ULONG n = 0; n < power->guid_count; n++) {
		power->guid[n] = guids[n];
		record(adapter, NULL, "wants to hear of power setting %08x-%04x-%04x",
			(unsigned)guids[n].Data1, guids[n].Data2, guids[n].Data3);
	}
	return STOR_STATUS_SUCCESS;
}

/* ---- a component ---- */

struct component_call {
	struct component *component;
	PSTOR_ADDRESS address;
	ULONG status; /* of what both routines check */
};

static struct component_call component_call(
	struct stor_adapter *adapter, struct stor_call *args, const char *routine)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	struct component_call call = {.status = STOR_STATUS_INVALID_PARAMETER, .address = address};
	PVOID srb = stor_arg(args, PVOID);
	ULONG index = stor_arg(args, ULONG), flags = stor_arg(args, ULONG);

	if (stor_irql_too_high(routine))
		call.status = STOR_STATUS_INVALID_IRQL;
	else if (component_of(adapter, address, &call.component) && is_registered(call.component) &&
		 !index && !flags && (!srb || stor_request_of(adapter, srb, routine)))
		call.status = STOR_STATUS_SUCCESS;
	return call;
}

ULONG stor_activate_component(struct stor_adapter *adapter, struct stor_call *args)
{
	struct component_call call = component_call(adapter, args, "StorPortPoFxActivateComponent");
	uint32_t active;

	if (call.status)
		return call.status;
	active = atomic_fetch_add(&call.component->active, 1) + 1;
	record(adapter, call.address, "is active for %u", active);
	return STOR_STATUS_SUCCESS;
}

/* BUSY: it is still active, for others. */
ULONG stor_idle_component(struct stor_adapter *adapter, struct stor_call *args)
{
	struct component_call call = component_call(adapter, args, "StorPortPoFxIdleComponent");
	uint32_t active;

	if (call.status)
		return call.status;
	active = atomic_load(&call.component->active);
	do
		if (!active)
			return STOR_STATUS_INVALID_DEVICE_REQUEST;
	while (!atomic_compare_exchange_weak(&call.component->active, &active, active - 1));
	record(adapter, call.address, "is active for %u", active - 1);
	return active > 1 ? STOR_STATUS_BUSY : STOR_STATUS_SUCCESS;
}

/* Latency and residency: hints to a framework that takes none. */
static ULONG hint(
	struct stor_adapter *adapter, struct stor_call *args, const char *routine, const char *what)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	ULONG index = stor_arg(args, ULONG);
	struct component *component;

	if (stor_irql_too_high(routine))
		return STOR_STATUS_INVALID_IRQL;
	if (!component_of(adapter, address, &component) || index)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!is_registered(component))
		return STOR_STATUS_INVALID_DEVICE_REQUEST;
	record(adapter, address, "bears a %s of %llu", what,
		(unsigned long long)stor_arg(args, ULONGLONG));
	return STOR_STATUS_SUCCESS;
}

ULONG stor_set_latency(struct stor_adapter *adapter, struct stor_call *args)
{
	return hint(adapter, args, "StorPortPoFxSetComponentLatency", "latency");
}

ULONG stor_set_residency(struct stor_adapter *adapter, struct stor_call *args)
{
	return hint(adapter, args, "StorPortPoFxSetComponentResidency", "residency");
}

/* No power engine plug-in hears it. */
ULONG stor_power_control(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	struct component *component;

	if (stor_irql_too_high("StorPortPoFxPowerControl"))
		return STOR_STATUS_INVALID_IRQL;
	if (!component_of(adapter, address, &component) || !stor_arg(args, LPCGUID))
		return STOR_STATUS_INVALID_PARAMETER;
	return is_registered(component) ? STOR_STATUS_UNSUCCESSFUL
					: STOR_STATUS_INVALID_DEVICE_REQUEST;
}

ULONG stor_set_idle_timeout(struct stor_adapter *adapter, struct stor_call *args)
{
	struct component *component;

	if (stor_arg(args, PSTOR_ADDRESS))
		return STOR_STATUS_INVALID_PARAMETER;
	component_of(adapter, NULL, &component);
	if (!is_registered(component))
		return STOR_STATUS_UNSUCCESSFUL;
	record(adapter, NULL, "is idle after %lu ms", (unsigned long)stor_arg(args, ULONG));
	return STOR_STATUS_SUCCESS;
}

/* Sets of P-states are registered by a routine without a page, which answers NOT_IMPLEMENTED: so no
 * index of one is valid. */
ULONG stor_set_perf_state(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	struct component *component;

	component_of(adapter, NULL, &component);
	if (!address && !is_registered(component))
		return STOR_STATUS_UNSUCCESSFUL;
	return STOR_STATUS_INVALID_PARAMETER;
}
