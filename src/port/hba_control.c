/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * HwAdapterControl and HwUnitControl: what a miniport supports, and each type at its IRQL (4.8).
 * Who asks: hba_life.c, hba_change.c, hba_unit.c, and who scans. See hba.h.
 */
#include "port/hba.h"
#include "trace/trace.h"

#include <errno.h>
#include <string.h>

struct control {
	const char *name;
	uint8_t irql;
	bool locked; /* at DIRQL, under the interrupt lock, whatever irql says; stopping,
			unless the model's stops_unlocked */
};

/* What is called here; the rest is never asked for. */
static const struct control adapter_controls[ScsiAdapterControlMax] = {
	[ScsiStopAdapter] = {"Hw*AdapterControl(ScsiStopAdapter)", IRQL_PASSIVE, true},
	[ScsiRestartAdapter] = {"Hw*AdapterControl(ScsiRestartAdapter)", IRQL_PASSIVE, true},
	[ScsiSetBootConfig] = {"Hw*AdapterControl(ScsiSetBootConfig)", IRQL_PASSIVE, false},
	[ScsiSetRunningConfig] = {"Hw*AdapterControl(ScsiSetRunningConfig)", IRQL_PASSIVE, false},
	[ScsiAdapterPower] = {"Hw*AdapterControl(ScsiAdapterPower)", IRQL_DISPATCH, false},
	[ScsiAdapterPrepareForBusReScan] = {"Hw*AdapterControl(ScsiAdapterPrepareForBusReScan)",
		IRQL_PASSIVE, false},
	[ScsiAdapterSurpriseRemoval] = {"Hw*AdapterControl(ScsiAdapterSurpriseRemoval)",
		IRQL_PASSIVE, false},
	[ScsiAdapterResetBusSynchronous] = {"Hw*AdapterControl(ScsiAdapterResetBusSynchronous)",
		IRQL_PASSIVE, false},
};

static const struct control unit_controls[ScsiUnitControlMax] = {
	[ScsiUnitStart] = {"Hw*UnitControl(ScsiUnitStart)", IRQL_PASSIVE, false},
	[ScsiUnitPower] = {"Hw*UnitControl(ScsiUnitPower)", IRQL_DISPATCH, false},
	[ScsiUnitRemove] = {"Hw*UnitControl(ScsiUnitRemove)", IRQL_PASSIVE, false},
	[ScsiUnitSurpriseRemoval] = {"Hw*UnitControl(ScsiUnitSurpriseRemoval)", IRQL_PASSIVE,
		false},
	[ScsiUnitQueryBusType] = {"Hw*UnitControl(ScsiUnitQueryBusType)", IRQL_PASSIVE, false},
};

/* ---- what is supported ---- */

_Static_assert((int)ScsiAdapterControlMax >= (int)ScsiUnitControlMax, "room for both lists");

static PSCSI_SUPPORTED_CONTROL_TYPE_LIST list_init(ULONG *memory, size_t bytes, ULONG types)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = (PVOID)memory;

	memset(memory, 0, bytes);
	list->MaxControlType = types;
	return list;
}

void port_hba_control_ask(struct port_hba *hba)
{
	ULONG memory[(sizeof(SCSI_SUPPORTED_CONTROL_TYPE_LIST) + ScsiAdapterControlMax) /
			     sizeof(ULONG) +
		     1];
	const struct port_driver_model *model = hba->driver->model;
	ULONG types = model->control_types;
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = list_init(memory, sizeof(memory), types);
	bool is_known = false;

	if (hba->hw.HwAdapterControl) {
		is_known = hba->hw.HwAdapterControl(hba->extension, ScsiQuerySupportedControlTypes,
				   list) == ScsiAdapterControlSuccess;
		port_hba_irql_check(hba, "Hw*AdapterControl", IRQL_PASSIVE);
	}
	for (unsigned n = 0; n < types; n++)
		hba->control_supported[n] = is_known && list->SupportedTypeList[n];
	if (model->controls_limit)
		model->controls_limit(hba);
	is_known = false;
	list = list_init(memory, sizeof(memory), ScsiUnitControlMax);
	if (hba->hw.HwUnitControl) {
		is_known = hba->hw.HwUnitControl(hba->extension, ScsiQuerySupportedUnitControlTypes,
				   list) == ScsiUnitControlSuccess;
		port_hba_irql_check(hba, "Hw*UnitControl", IRQL_PASSIVE);
	}
	for (unsigned n = 0; n < ScsiUnitControlMax; n++)
		hba->unit_control_supported[n] = is_known && list->SupportedTypeList[n];
}

/* ---- adapters ---- */

/* The miniport is not called any more once it has returned from it (4.8), but for what is its own
 * doing: ScsiSetBootConfig, and what starts it again. */
static bool is_last(SCSI_ADAPTER_CONTROL_TYPE type, const void *parameters)
{
	const STOR_ADAPTER_CONTROL_POWER *power = parameters;

	return type == ScsiStopAdapter ||
	       (type == ScsiAdapterPower && power->PowerState == StorPowerDeviceD3);
}

bool port_hba_control(struct port_hba *hba, SCSI_ADAPTER_CONTROL_TYPE type, void *parameters)
{
	const struct port_driver_model *model = hba->driver->model;
	const struct control *control = &adapter_controls[type];
	bool locked = control->locked && !(type == ScsiStopAdapter && model->stops_unlocked);
	SCSI_ADAPTER_CONTROL_STATUS status;
	uint8_t old = IRQL_PASSIVE, irql;

	if (!hba->control_supported[type])
		return false;
	if (locked)
		old = model->lock(hba);
	else
		old = cpu_irql_raise(control->irql);
	irql = cpu_irql();
	trace(TRACE_HW_CONTROL, hba->port.number, type);
	status = hba->hw.HwAdapterControl(hba->extension, type, parameters);
	if (is_last(type, parameters))
		hba->phase = PORT_HBA_STOPPED;
	trace(TRACE_HW_CONTROL_END, hba->port.number, type, status);
	port_hba_irql_check(hba, control->name, irql);
	if (locked)
		model->unlock(hba, old);
	else
		cpu_irql_lower(old);
	return status == ScsiAdapterControlSuccess;
}

/* Whether what it logs is looked at; at PASSIVE. */
void port_hba_tracing(struct port_hba *hba, bool enabled)
{
	if (!hba->hw.HwTracingEnabled || !trace_is_wanted(TRACE_LOG))
		return;
	hba->hw.HwTracingEnabled(hba->extension, enabled);
	port_hba_irql_check(hba, "HwStorTracingEnabled", IRQL_PASSIVE);
}

/* Of both that an adapter is stopped by the second, too, is for when it has been. */
void port_hba_control_stop(struct port_hba *hba)
{
	if (!port_hba_controls(hba, ScsiStopAdapter))
		return;
	port_hba_control(hba, ScsiStopAdapter, NULL);
	port_hba_control(hba, ScsiSetBootConfig, NULL);
}

int port_hba_reset_bus_asked(struct port_adapter *port, uint8_t path)
{
	struct port_hba *hba = (struct port_hba *)port;
	STOR_RESET_BUS_SYNCHRONOUS_PARAMETER reset = {
		.Version = sizeof(reset), .Size = sizeof(reset), .PathId = path};

	if (!port_hba_controls(hba, ScsiAdapterResetBusSynchronous))
		return -ENOTSUP;
	return port_hba_control(hba, ScsiAdapterResetBusSynchronous, &reset) ? 0 : -EIO;
}

/* ---- units ---- */

static STOR_ADDR_BTL8 address_of(uint8_t path, uint8_t target, uint8_t lun)
{
	return (STOR_ADDR_BTL8){.Type = STOR_ADDRESS_TYPE_BTL8,
		.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
		.Path = path,
		.Target = target,
		.Lun = lun};
}

static bool unit_control(struct port_hba *hba, SCSI_UNIT_CONTROL_TYPE type, void *parameters)
{
	SCSI_UNIT_CONTROL_STATUS status;
	uint8_t old;

	if (!hba->unit_control_supported[type])
		return false;
	old = cpu_irql_raise(unit_controls[type].irql);
	status = hba->hw.HwUnitControl(hba->extension, type, parameters);
	port_hba_irql_check(hba, unit_controls[type].name, unit_controls[type].irql);
	cpu_irql_lower(old);
	return status == ScsiUnitControlSuccess;
}

bool port_hba_unit_control(struct port_unit *unit, SCSI_UNIT_CONTROL_TYPE type,
	STOR_POWER_ACTION action, STOR_DEVICE_POWER_STATE state)
{
	STOR_ADDR_BTL8 address = address_of(unit->path, unit->target, unit->lun);
	STOR_UNIT_CONTROL_POWER power = {(PSTOR_ADDRESS)&address, action, state};

	return unit_control((struct port_hba *)unit->adapter, type,
		type == ScsiUnitPower ? (PVOID)&power : (PVOID)&address);
}

uint32_t port_hba_unit_bus_type(struct port_hba *hba, const struct port_unit_device *device)
{
	STOR_ADDR_BTL8 address = address_of(device->path, device->target, device->lun);
	STOR_UNIT_CONTROL_QUERY_BUS_TYPE ask = {.Address = (PSTOR_ADDRESS)&address};

	return unit_control(hba, ScsiUnitQueryBusType, &ask) ? ask.BusType : 0;
}
