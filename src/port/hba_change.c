/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * An adapter's life between its start and its end: stopped and started again, asleep and awake,
 * removed and back (4.1, 4.8). Requests wait meanwhile (rest.c), or fail. Beside hba_life.c; what
 * the miniport is told goes through hba_control.c, or as an SRB of the port's own. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define REST_SECONDS	 10 /* for requests to come back by themselves */
#define TELL_SECONDS	 10
#define SURPRISE_SECONDS 2 /* for a miniport whose card is gone */

/* ---- SRBs of the port's own ---- */

/* Sends one, if the miniport is to get such, and does not mind what comes of it. */
static void tell(struct port_hba *hba, struct port_unit *unit, uint8_t function, uint8_t action,
	uint8_t power)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = port_request_get(&hba->port);

	cpu_irql_lower(irql);
	if (!request)
		return;
	request->unit = unit;
	request->function = function;
	request->action = action;
	request->power = power;
	if (port_request_tell(request, TELL_SECONDS) == -ETIMEDOUT)
		nt_violation(0, "%s has not completed SRB function %02x within %u seconds.",
			hba->name, function, TELL_SECONDS);
}

static void tell_adapter(struct port_hba *hba, uint8_t function, uint8_t action, uint8_t power)
{
	if (hba->driver->model->has_port_srbs)
		tell(hba, &hba->port.self, function, action, power);
}

static void tell_pnp(struct port_hba *hba, STOR_PNP_ACTION action)
{
	tell_adapter(hba, SRB_FUNCTION_PNP, (uint8_t)action, 0);
}

/* SB-3. SRB_FUNCTION_FLUSH comes before ScsiStopAdapter in any case (4.8). */
static void tell_last_words(struct port_hba *hba, bool goes_down)
{
	for (uint32_t n = 0; hba->port.limits.caches_data && n < hba->port.unit_count; n++) {
		tell(hba, hba->port.units[n], SRB_FUNCTION_FLUSH, 0, 0);
		if (goes_down)
			tell(hba, hba->port.units[n], SRB_FUNCTION_SHUTDOWN, 0, 0);
	}
}

static void units_control(struct port_hba *hba, SCSI_UNIT_CONTROL_TYPE type,
	STOR_POWER_ACTION action, STOR_DEVICE_POWER_STATE state)
{
	for (uint32_t n = 0; n < hba->port.unit_count; n++)
		if (hba->port.units[n]->is_found)
			port_hba_unit_control(hba->port.units[n], type, action, state);
}

/* ---- stop and start ---- */

static int must_be(const struct port_hba *hba, enum port_hba_life life, const char *what)
{
	static const char *const words[] = {
		"running", "stopped", "asleep", "dead", "unplugged", "removed"};

	if (hba->life == life)
		return 0;
	return error_set(EINVAL, "%s is %s: it cannot be %s.", hba->name, words[hba->life], what);
}

int port_hba_stop_device(struct port_hba *hba)
{
	int err = must_be(hba, PORT_HBA_PRESENT, "stopped");

	if (!err)
		err = port_adapter_rest(&hba->port, REST_SECONDS);
	if (err)
		return err;
	tell_last_words(hba, false);
	tell_pnp(hba, StorStopDevice);
	port_recover_hold(&hba->port);
	port_hba_control_stop(hba);
	port_hba_quiet(hba, true);
	hba->life = PORT_HBA_AWAY;
	return 0;
}

/* Requests were made for what it said the first time, and some wait. */
static int limits_check(struct port_hba *hba)
{
	const struct port_limits *had = &hba->port.limits;
	struct dma_constraints constraints = {0};
	struct port_limits now = {0};
	int err;

	if (hba->port.dma)
		constraints = hba->port.dma->limits;
	err = hba->driver->model->accept(hba, &now, &constraints);
	if (err)
		return err;
	if (now.extension_bytes > had->extension_bytes ||
		now.unit_extension_bytes > had->unit_extension_bytes ||
		now.max_transfer < had->max_transfer || now.max_elements < had->max_elements ||
		now.alignment_mask & ~had->alignment_mask || now.map_buffers != had->map_buffers)
		return error_set(EINVAL,
			"%s: Hw%sFindAdapter, called again, asks for other sizes, lengths or "
			"alignment than the first time.",
			hba->name, hba->driver->model->stem);
	return 0;
}

/* The device extension of a Storport miniport is as it was. */
static int find_again(struct port_hba *hba, uint8_t irql)
{
	const struct port_driver_model *model = hba->driver->model;
	int err;

	if (model->forgets) {
		port_hba_maps_free(hba);
		memset(hba->extension, 0, hba->extension_bytes);
	}
	hba->is_again = true;
	err = model->prepare(hba);
	if (!err)
		err = port_hba_find(hba, irql);
	if (!err)
		err = limits_check(hba);
	if (!err)
		err = model->connect(hba);
	if (!err)
		err = port_hba_initialize(hba);
	if (!err)
		port_hba_control_ask(hba);
	hba->is_again = false;
	return err;
}

/* After D3 its resources are what they were: ScsiRestartAdapter is for that alone. 4.1, step 3: at
 * DISPATCH_LEVEL where that is not supported. */
static int restart(struct port_hba *hba)
{
	const struct port_driver_model *model = hba->driver->model;
	int err;

	if (!port_hba_controls(hba, ScsiRestartAdapter))
		return find_again(hba, IRQL_DISPATCH);
	port_hba_control(hba, ScsiSetRunningConfig, NULL);
	err = model->connect(hba);
	if (err)
		return err;
	hba->phase = PORT_HBA_RUNNING;
	if (port_hba_control(hba, ScsiRestartAdapter, NULL))
		return 0;
	return error_set(EIO, "%s: ScsiRestartAdapter failed.", hba->name);
}

/* After IRP_MN_STOP_DEVICE its resources may be others: it is initialized as the first time. A
 * virtual one has none. */
static int start_again(struct port_hba *hba)
{
	return hba->function ? find_again(hba, IRQL_PASSIVE) : restart(hba);
}

void port_hba_die(struct port_hba *hba)
{
	char reason[512];

	error_take(reason, sizeof(reason));
	hba->life = PORT_HBA_DEAD;
	port_hba_quiet(hba, true);
	port_adapter_close(&hba->port, 0);
	error_set(EIO, "%s", reason);
}

/* Waiting requests go on, or fail with it. */
static int goes_on(struct port_hba *hba, int err)
{
	if (err) {
		port_hba_die(hba);
		return err;
	}
	hba->life = PORT_HBA_PRESENT;
	port_recover_go_on(&hba->port);
	port_adapter_wake(&hba->port);
	return 0;
}

static int start_anew(struct port_hba *hba)
{
	uint64_t last_id = hba->port.last_id;
	int err;

	hba->life = PORT_HBA_PRESENT;
	err = port_hba_begin(hba);
	if (err) {
		char reason[512];

		error_take(reason, sizeof(reason));
		port_hba_undo(hba);
		hba->life = PORT_HBA_REMOVED;
		return error_set(-err, "%s", reason);
	}
	hba->port.last_id = max_of(hba->port.last_id, last_id); /* ids are a run's */
	return 0;
}

int port_hba_start_device(struct port_hba *hba)
{
	int err;

	if (hba->life == PORT_HBA_REMOVED)
		return start_anew(hba);
	err = must_be(hba, PORT_HBA_AWAY, "started");
	return err ? err : goes_on(hba, start_again(hba));
}

/* ---- power ---- */

static bool power_control(
	struct port_hba *hba, STOR_DEVICE_POWER_STATE state, STOR_POWER_ACTION action)
{
	STOR_ADAPTER_CONTROL_POWER power = {
		.Header = {.Version = 1, .Size = sizeof(power)},
		.PowerAction = action,
		.PowerState = state,
	};

	return port_hba_control(hba, ScsiAdapterPower, &power);
}

static int sleep(struct port_hba *hba, STOR_POWER_ACTION action)
{
	bool has_control = port_hba_controls(hba, ScsiAdapterPower);
	int err = must_be(hba, PORT_HBA_PRESENT, "put to sleep");

	if (!err)
		err = port_adapter_rest(&hba->port, REST_SECONDS);
	if (err)
		return err;
	tell_last_words(hba, true);
	if (!has_control)
		tell_adapter(hba, SRB_FUNCTION_POWER, (uint8_t)action, (uint8_t)StorPowerDeviceD3);
	port_recover_hold(&hba->port);
	units_control(hba, ScsiUnitPower, action, StorPowerDeviceD3);
	if (has_control)
		power_control(hba, StorPowerDeviceD3, action);
	else
		port_hba_control_stop(hba);
	port_hba_quiet(hba, true);
	if (hba->function)
		bus_function_power(hba->function, false);
	hba->life = PORT_HBA_ASLEEP;
	return 0;
}

static int awake(struct port_hba *hba, STOR_POWER_ACTION action)
{
	int err;

	if (!port_hba_controls(hba, ScsiAdapterPower))
		return restart(hba);
	err = hba->driver->model->connect(hba);
	if (err)
		return err;
	hba->phase = PORT_HBA_RUNNING;
	if (power_control(hba, StorPowerDeviceD0, action))
		return 0;
	return error_set(EIO, "%s: ScsiAdapterPower failed.", hba->name);
}

static int wake(struct port_hba *hba, STOR_POWER_ACTION action)
{
	int err = must_be(hba, PORT_HBA_ASLEEP, "woken");

	if (err)
		return err;
	if (hba->function)
		bus_function_power(hba->function, true);
	err = awake(hba, action);
	if (!err) {
		if (!port_hba_controls(hba, ScsiAdapterPower))
			tell_adapter(hba, SRB_FUNCTION_POWER, (uint8_t)action,
				(uint8_t)StorPowerDeviceD0);
		units_control(hba, ScsiUnitPower, action, StorPowerDeviceD0);
	}
	return goes_on(hba, err);
}

int port_hba_power(struct port_hba *hba, STOR_DEVICE_POWER_STATE state, STOR_POWER_ACTION action)
{
	if (state == StorPowerDeviceD3)
		return sleep(hba, action);
	if (state == StorPowerDeviceD0)
		return wake(hba, action);
	return error_set(EINVAL, "%s: there are D0 and D3.", hba->name);
}

/* ---- removal ---- */

/* False: its port has no word for it. */
static bool surprise_tell(struct port_hba *hba)
{
	for (uint32_t n = 0; n < hba->port.unit_count; n++)
		port_hba_unit_surprise(hba->port.units[n]);
	if (port_hba_controls(hba, ScsiAdapterSurpriseRemoval))
		port_hba_control(hba, ScsiAdapterSurpriseRemoval, NULL);
	else
		tell_pnp(hba, StorSurpriseRemoval);
	return hba->driver->model->has_port_srbs;
}

void port_hba_surprise_remove(struct port_hba *hba)
{
	enum port_hba_life was = hba->life;
	unsigned seconds = 0;

	if (was == PORT_HBA_GONE || was == PORT_HBA_REMOVED)
		return;
	if (hba->function)
		bus_function_pull(hba->function);
	hba->life = PORT_HBA_GONE;
	port_adapter_close(&hba->port, 0);
	hba->port.is_excused = !port_hba_controls(hba, ScsiAdapterSurpriseRemoval);
	if (was == PORT_HBA_PRESENT && surprise_tell(hba))
		seconds = SURPRISE_SECONDS;
	if (port_adapter_close(&hba->port, seconds))
		port_adapter_give_up(&hba->port);
	port_hba_stop(&hba->port);
}

bool port_hba_rest(struct port_hba *hba)
{
	return hba->life == PORT_HBA_PRESENT && !port_adapter_rest(&hba->port, REST_SECONDS);
}

void port_hba_remove(struct port_hba *hba, bool is_at_rest)
{
	if (hba->life == PORT_HBA_REMOVED)
		return;
	if (is_at_rest) {
		port_hba_units_remove(hba, true);
		tell_pnp(hba, StorRemoveDevice);
	}
	port_hba_undo(hba);
	hba->life = PORT_HBA_REMOVED;
}
