/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* src/port/hba_change.c and hba_control.c with a Storport miniport that writes down what it is
 * told: order, IRQL, locks (4.1, 4.8), and what becomes of requests meanwhile. */
#include "util/error.h"
#include "world.h"

#include <errno.h>

static struct {
	char told[512];
	bool has_restart, has_power, has_rescan, has_surprise, has_units, caches_data, keeps;
	bool has_config, has_reset, resets; /* ScsiSet...Config, ScsiAdapterResetBusSynchronous */
	BOOLEAN restarts;
	PSCSI_REQUEST_BLOCK kept;
	ULONG offered; /* SrbExtensionSize before each HwStorFindAdapter */
	ULONG adds;    /* to it */
	UCHAR seen;    /* first byte of the device extension there */
} log_;

/* "name@IRQL ", with an L if the interrupt lock is held. */
static void tell(const char *name)
{
	size_t used = strlen(log_.told);
	bool held = world.adapter && cpu_spin_is_held(&world.adapter->interrupt_lock.lock);

	snprintf(log_.told + used, sizeof(log_.told) - used, "%s@%u%s ", name,
		(unsigned)KeGetCurrentIrql(), held ? "L" : "");
}

static void expect_told(const char *words)
{
	expect_has(log_.told, words);
	expect_is(strlen(log_.told), strlen(words));
	log_.told[0] = 0;
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;
	PSTOR_ADAPTER_CONTROL_POWER power = parameters;
	PSTOR_RESET_BUS_SYNCHRONOUS_PARAMETER reset = parameters;

	switch (type) {
	case ScsiQuerySupportedControlTypes:
		list->SupportedTypeList[ScsiStopAdapter] = TRUE;
		list->SupportedTypeList[ScsiRestartAdapter] = log_.has_restart;
		list->SupportedTypeList[ScsiAdapterPower] = log_.has_power;
		list->SupportedTypeList[ScsiAdapterPrepareForBusReScan] = log_.has_rescan;
		list->SupportedTypeList[ScsiAdapterSurpriseRemoval] = log_.has_surprise;
		list->SupportedTypeList[ScsiSetBootConfig] = log_.has_config;
		list->SupportedTypeList[ScsiSetRunningConfig] = log_.has_config;
		list->SupportedTypeList[ScsiAdapterResetBusSynchronous] = log_.has_reset;
		tell("ask");
		return ScsiAdapterControlSuccess;
	case ScsiSetBootConfig:
		expect_is(parameters, NULL);
		tell("boot");
		return ScsiAdapterControlSuccess;
	case ScsiSetRunningConfig:
		expect_is(parameters, NULL);
		/* The interrupt is not connected: nobody notices it. */
		bus_line_set(world.function, true);
		bus_line_set(world.function, false);
		tell("running");
		return ScsiAdapterControlSuccess;
	case ScsiAdapterResetBusSynchronous:
		expect_is(reset->Version, 16);
		expect_is(reset->Size, 16);
		expect_is(reset->PathId, 0);
		tell("reset-sync");
		return log_.resets ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
	case ScsiStopAdapter:
		tell("stop");
		return ScsiAdapterControlSuccess;
	case ScsiRestartAdapter:
		tell("restart");
		return log_.restarts ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
	case ScsiAdapterPower:
		tell(power->PowerState == StorPowerDeviceD3 ? "D3" : "D0");
		expect_is(power->PowerAction, StorPowerActionSleep);
		expect_is(power->Header.Size, sizeof(*power));
		return ScsiAdapterControlSuccess;
	case ScsiAdapterPrepareForBusReScan:
		expect_is(parameters, NULL);
		tell("rescan");
		return ScsiAdapterControlSuccess;
	case ScsiAdapterSurpriseRemoval:
		tell("gone");
		return ScsiAdapterControlSuccess;
	default:
		expect(false); /* it was not among those that are supported */
		return ScsiAdapterControlUnsuccessful;
	}
}

static SCSI_UNIT_CONTROL_STATUS NTAPI unit_control(
	PVOID ext, SCSI_UNIT_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;
	PSTOR_UNIT_CONTROL_POWER power = parameters;
	PSTOR_ADDR_BTL8 address = parameters;

	switch (type) {
	case ScsiQuerySupportedUnitControlTypes:
		expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
		expect_is(list->MaxControlType, 15); /* the types of 4.8 */
		for (unsigned n = ScsiUnitStart; log_.has_units && n < ScsiUnitControlMax; n++)
			list->SupportedTypeList[n] = TRUE;
		return ScsiUnitControlSuccess;
	case ScsiUnitPower:
		tell(power->PowerState == StorPowerDeviceD3 ? "unit-D3" : "unit-D0");
		address = (PSTOR_ADDR_BTL8)power->Address;
		break;
	case ScsiUnitStart:
		tell("unit-start");
		break;
	case ScsiUnitRemove:
		tell("unit-remove");
		break;
	case ScsiUnitSurpriseRemoval:
		tell("unit-gone");
		break;
	default:
		expect(false);
	}
	expect(address->Type == STOR_ADDRESS_TYPE_BTL8 && address->Lun == 3);
	return ScsiUnitControlSuccess;
}

/* NULL: it is of the older kind. */
static PVOID extended(PSCSI_REQUEST_BLOCK srb, SRBEXDATATYPE type)
{
	if (srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK)
		return NULL;
	return SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)srb, type);
}

static void tell_pnp(PSCSI_REQUEST_BLOCK srb)
{
	PSRBEX_DATA_PNP data = extended(srb, SrbExDataTypePnP);
	PSCSI_PNP_REQUEST_BLOCK plain = (PVOID)srb;
	STOR_PNP_ACTION action = data ? data->PnPAction : plain->PnPAction;

	if (action == StorQueryCapabilities)
		return; /* hba_capabilities.c */
	expect_is(data ? data->SrbPnPFlags : plain->SrbPnPFlags, SRB_PNP_FLAGS_ADAPTER_REQUEST);
	tell(action == StorStopDevice		? "pnp-stop"
		: action == StorRemoveDevice	? "pnp-remove"
		: action == StorSurpriseRemoval ? "pnp-gone"
						: "pnp-?");
}

static void tell_power(PSCSI_REQUEST_BLOCK srb)
{
	PSRBEX_DATA_POWER data = extended(srb, SrbExDataTypePower);
	PSCSI_POWER_REQUEST_BLOCK plain = (PVOID)srb;
	STOR_DEVICE_POWER_STATE state = data ? data->DevicePowerState : plain->DevicePowerState;

	expect_is(data ? data->PowerAction : plain->PowerAction, StorPowerActionSleep);
	tell(state == StorPowerDeviceD3 ? "srb-D3" : "srb-D0");
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	UCHAR function = (UCHAR)SrbGetSrbFunction(srb);

	if (function == SRB_FUNCTION_PNP)
		tell_pnp(srb);
	else if (function == SRB_FUNCTION_POWER)
		tell_power(srb);
	else if (function == SRB_FUNCTION_FLUSH)
		tell("flush");
	else if (function == SRB_FUNCTION_SHUTDOWN)
		tell("shutdown");
	else if (function == SRB_FUNCTION_EXECUTE_SCSI)
		tell("scsi");
	if (function == SRB_FUNCTION_EXECUTE_SCSI && log_.keeps)
		log_.kept = srb;
	else
		world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void offered(PPORT_CONFIGURATION_INFORMATION config)
{
	UCHAR *own = world.ext;

	tell("find");
	log_.offered = config->SrbExtensionSize;
	config->SrbExtensionSize += log_.adds;
	config->CachesData = log_.caches_data;
	log_.seen = *own;
	*own = 0x5a;
}

static void initialized(void)
{
	tell("initialize");
}

static BOOLEAN NTAPI passive(PVOID ext)
{
	tell("passive");
	return TRUE;
}

static void data(HW_INITIALIZATION_DATA *data)
{
	data->HwUnitControl = unit_control;
}

static struct port_hba *hba(void)
{
	return &world.adapter->hba;
}

static void set_up(void)
{
	memset(&log_, 0, sizeof(log_));
	log_.restarts = TRUE;
	miniport.control = control;
	miniport.start_io = start_io;
	miniport.sees_pnp = true;
	miniport.data = data;
}

/* Unit 0:0:3, which the class driver has found. */
static void unit_there(void)
{
	port_hba_unit_found(port_unit_add(&hba()->port, 0, 0, 3));
	log_.told[0] = 0;
}

static void submit(struct world_request *r)
{
	world_submit_to(r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 3, 4096, 0);
}

static void ends_with(struct world_request *r, uint8_t srb_status)
{
	world_end(r);
	expect_is(r->srb_status, srb_status);
}

/* ---- stop and start ---- */

static void restart(void)
{
	struct world_request before, meanwhile;

	unit_there();
	submit(&before);
	ends_with(&before, SRB_STATUS_SUCCESS);
	expect_told("scsi@2 ");
	expect_is(port_hba_stop_device(hba()), 0);
	expect_told("pnp-stop@2 stop@0 ");
	submit(&meanwhile);
	cpu_thread_park(20000000);
	expect(!meanwhile.done);
	expect_told("");
	bus_line_set(world.function, true); /* nobody serves it now */
	bus_line_set(world.function, false);
	expect_is(port_hba_stop_device(hba()), -EINVAL);
	expect_is(port_hba_start_device(hba()), 0);
	ends_with(&meanwhile, SRB_STATUS_SUCCESS);
	expect_told("ask@0 scsi@2 ");
	expect_is(port_hba_start_device(hba()), -EINVAL);
}

/* Found anew, it registers anew. */
static void power_again(void)
{
	STOR_POFX_DEVICE_V2 device = {.Version = STOR_POFX_DEVICE_VERSION_V2,
		.Size = STOR_POFX_DEVICE_V2_SIZE,
		.ComponentCount = 1};

	for (unsigned n = 0; n < 2; n++) {
		expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, NULL),
			STOR_STATUS_SUCCESS);
		expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, NULL),
			STOR_STATUS_UNSUCCESSFUL);
		expect_is(port_hba_stop_device(hba()), 0);
		expect_is(port_hba_start_device(hba()), 0);
	}
}

static void what_was_registered_with_pofx_ends_with_the_stop(void **state)
{
	set_up();
	world_good(power_again);
}

/* 4.8, X-22; ScsiRestartAdapter is for power alone */
static void stop_is_called_without_a_lock_and_requests_wait_until_the_start(void **state)
{
	set_up();
	log_.has_restart = true;
	world_good(restart);
	set_up();
	miniport.plain = true;
	log_.has_restart = true;
	world_good(restart);
}

static void restart_bare(void)
{
	expect_is(hba()->port.unit_count, 0);
	log_.told[0] = 0;
	expect_is(port_hba_stop_device(hba()), 0);
	expect_told("pnp-stop@2 stop@0 ");
	expect_is(port_hba_start_device(hba()), 0);
	expect_told("ask@0 ");
}

static void an_adapter_without_units_is_told_too(void **state)
{
	set_up();
	log_.has_restart = true;
	world_good(restart_bare);
	set_up();
	miniport.plain = true;
	log_.has_restart = true;
	world_good(restart_bare);
}

static void prepare(void)
{
	log_.told[0] = 0;
	expect_is(port_hba_control(hba(), ScsiAdapterPrepareForBusReScan, NULL), log_.has_rescan);
	expect_told(log_.has_rescan ? "rescan@0 " : "");
}

/* 4.8 */
static void a_rescan_is_prepared_at_passive_level_where_that_is_supported(void **state)
{
	set_up();
	world_good(prepare);
	set_up();
	log_.has_rescan = true;
	world_good(prepare);
}

static void found_again(void)
{
	struct world_request meanwhile;

	unit_there();
	expect_is(log_.seen, 0);
	expect_is(port_hba_stop_device(hba()), 0);
	expect_told("pnp-stop@2 stop@0 ");
	submit(&meanwhile);
	log_.offered = 0;
	expect_is(port_hba_start_device(hba()), 0);
	ends_with(&meanwhile, SRB_STATUS_SUCCESS);
	expect_told("find@0 initialize@8L passive@0 ask@0 scsi@2 ");
	expect_is(log_.offered, WORLD_EXTENSION); /* contract 5 */
	expect_is(log_.seen, 0x5a);
}

static BOOLEAN NTAPI build_all(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	return TRUE;
}

/* LK-7: the other synchronisation model holds from then on. */
static void found_half_duplex(void)
{
	struct world_request after;

	unit_there();
	expect_is(port_hba_stop_device(hba()), 0);
	miniport.half_duplex = true;
	expect_is(port_hba_start_device(hba()), 0);
	expect_is(atomic_exchange(&world.violations, 0), 1);
	expect_has(world.violation, "LK-7"); /* which is no error of ours */
	log_.told[0] = 0;
	submit(&after);
	ends_with(&after, SRB_STATUS_SUCCESS);
	expect_told("scsi@8L ");
}

static void found_after_sleep(void)
{
	struct world_request meanwhile;

	unit_there();
	expect_is(port_hba_power(hba(), StorPowerDeviceD3, StorPowerActionSleep), 0);
	expect_told("srb-D3@2 stop@0 ");
	submit(&meanwhile);
	log_.offered = 0;
	expect_is(port_hba_power(hba(), StorPowerDeviceD0, StorPowerActionSleep), 0);
	ends_with(&meanwhile, SRB_STATUS_SUCCESS);
	expect_told("find@2 initialize@8L passive@0 ask@0 srb-D0@2 scsi@2 ");
	expect_is(log_.offered, WORLD_EXTENSION);
	expect_is(log_.seen, 0x5a);
}

static void finds_again(void)
{
	set_up();
	miniport.offer = offered;
	miniport.initialize = initialized;
	miniport.passive = passive;
	log_.adds = 32;
}

/* 4.1 step 3, contract 5: at PASSIVE_LEVEL where Plug and Play starts it, whatever it supports; at
 * DISPATCH_LEVEL where it awakes without ScsiRestartAdapter. */
static void find_adapter_runs_again_and_finds_its_extension(void **state)
{
	finds_again();
	world_good(found_again);
	finds_again();
	log_.has_restart = true;
	world_good(found_again);
	finds_again();
	world_good(found_after_sleep);
	finds_again();
	miniport.build_io = build_all;
	world_good(found_half_duplex);
}

static void configured(void)
{
	unit_there();
	expect_is(port_hba_stop_device(hba()), 0);
	expect_told("flush@2 pnp-stop@2 stop@0 boot@0 ");
	expect_is(port_hba_start_device(hba()), 0);
	expect_told("find@0 ask@0 ");
	expect_is(port_hba_power(hba(), StorPowerDeviceD3, StorPowerActionSleep), 0);
	expect_told("flush@2 shutdown@2 srb-D3@2 stop@0 boot@0 ");
	expect_is(port_hba_power(hba(), StorPowerDeviceD0, StorPowerActionSleep), 0);
	expect_told("running@0 restart@8L srb-D0@2 ");
}

/* 4.8: the flush before the stop, ScsiSetBootConfig after it, ScsiSetRunningConfig before
 * ScsiRestartAdapter, without an interrupt. */
static void boot_and_running_configuration_are_set_about_stop_and_restart(void **state)
{
	set_up();
	miniport.offer = offered;
	log_.caches_data = log_.has_config = log_.has_restart = true;
	world_good(configured);
}

static void grown(void)
{
	struct world_request meanwhile, late;

	unit_there();
	expect_is(port_hba_stop_device(hba()), 0);
	submit(&meanwhile);
	log_.adds = 4096;
	expect(port_hba_start_device(hba()) < 0);
	expect_has(error_text(), "called again");
	ends_with(&meanwhile, SRB_STATUS_NO_HBA);
	submit(&late);
	ends_with(&late, SRB_STATUS_NO_HBA);
}

static void an_adapter_that_asks_for_more_the_second_time_does_not_start(void **state)
{
	set_up();
	miniport.offer = offered;
	world_good(grown);
}

static void fails(void)
{
	struct world_request meanwhile, again;

	unit_there();
	expect_is(port_hba_power(hba(), StorPowerDeviceD3, StorPowerActionSleep), 0);
	submit(&meanwhile);
	log_.restarts = FALSE;
	expect_is(port_hba_power(hba(), StorPowerDeviceD0, StorPowerActionSleep), -EIO);
	expect_has(error_text(), "ScsiRestartAdapter failed");
	ends_with(&meanwhile, SRB_STATUS_NO_HBA);
	port_hba_remove(hba(), port_hba_rest(hba()));
	expect_is(port_hba_start_device(hba()), 0);
	unit_there();
	submit(&again);
	ends_with(&again, SRB_STATUS_SUCCESS);
}

static void what_waits_for_a_restart_that_fails_fails_too_and_a_new_start_helps(void **state)
{
	set_up();
	log_.has_restart = true;
	world_good(fails);
}

/* ---- power ---- */

static void sleeps(void)
{
	struct world_request meanwhile;

	unit_there();
	expect_is(port_hba_power(hba(), StorPowerDeviceD3, StorPowerActionSleep), 0);
	if (log_.has_power) /* neither SRB_FUNCTION_POWER nor ScsiStopAdapter (4.8) */
		expect_told("flush@2 shutdown@2 unit-D3@2 D3@2 ");
	else
		expect_told("flush@2 shutdown@2 srb-D3@2 unit-D3@2 stop@0 ");
	submit(&meanwhile);
	expect_is(port_hba_start_device(hba()), -EINVAL);
	expect_is(port_hba_power(hba(), StorPowerDeviceD0, StorPowerActionSleep), 0);
	ends_with(&meanwhile, SRB_STATUS_SUCCESS);
	if (log_.has_power)
		expect_told("D0@2 unit-D0@2 scsi@2 ");
	else
		expect_told("restart@8L srb-D0@2 unit-D0@2 scsi@2 ");
	expect_is(port_hba_power(hba(), StorPowerDeviceD1, StorPowerActionSleep), -EINVAL);
}

static void power_is_told_by_control_or_else_by_srb_with_stop_and_restart(void **state)
{
	for (unsigned n = 0; n < 3; n++) {
		set_up();
		miniport.plain = n == 2;
		miniport.offer = offered;
		log_.has_units = log_.caches_data = true;
		log_.has_restart = log_.has_power = n == 0;
		log_.has_restart = true;
		world_good(sleeps);
	}
}

/* ---- removal ---- */

static void surprise(void)
{
	struct world_request kept, late, anew;

	unit_there();
	log_.keeps = true;
	submit(&kept);
	world_wait(log_.kept);
	log_.told[0] = 0;
	port_hba_surprise_remove(hba());
	if (log_.has_surprise)
		expect_told("unit-gone@0 gone@0 ");
	else
		expect_told("unit-gone@0 pnp-gone@2 ");
	if (log_.has_surprise) /* it was told, and keeps it */
		expect_violation(0, "1 requests never came back");
	ends_with(&kept, SRB_STATUS_NO_HBA);
	submit(&late);
	ends_with(&late, SRB_STATUS_NO_HBA);
	port_hba_remove(hba(), port_hba_rest(hba()));
	expect_told(""); /* no ScsiStopAdapter: there is nothing to stop */
	bus_function_plug(world.function);
	log_.keeps = false;
	log_.seen = 1;
	expect_is(port_hba_start_device(hba()), 0);
	expect_is(log_.seen, 0); /* as new */
	expect_is(hba()->port.unit_count, 0);
	unit_there();
	submit(&anew);
	ends_with(&anew, SRB_STATUS_SUCCESS);
}

static void a_surprise_ends_every_request_and_the_next_adapter_is_as_new(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up();
		miniport.offer = offered;
		log_.has_units = true;
		log_.has_surprise = n;
		world_good(surprise);
	}
}

static void removed(void)
{
	struct world_request waiting;

	unit_there();
	expect_is(port_hba_stop_device(hba()), 0);
	submit(&waiting);
	log_.told[0] = 0;
	port_hba_remove(hba(), port_hba_rest(hba()));
	ends_with(&waiting, SRB_STATUS_NO_HBA);
	expect_told("");
	expect_is(port_hba_start_device(hba()), 0);
	unit_there();
	port_hba_remove(hba(), port_hba_rest(hba()));
	expect_told("unit-remove@0 pnp-remove@2 stop@0 ");
}

static void ends_in_order(void)
{
	unit_there();
}

static void a_removal_in_order_tells_units_then_adapter(void **state)
{
	set_up();
	log_.has_units = true;
	world_good(removed);
}

static void units(void)
{
	struct port_unit *unit = port_unit_add(&hba()->port, 0, 0, 3);

	log_.told[0] = 0;
	port_hba_unit_found(unit);
	port_hba_unit_found(unit);
	port_hba_unit_lost(unit);
	port_hba_unit_lost(unit);
	port_hba_unit_found(unit);
	expect_told("unit-start@0 unit-gone@0 unit-start@0 ");
}

/* HwStorFreeAdapterResources, DriverUnload: what follows is the driver's memory. */
static void the_machines_end_is_a_removal(void **state)
{
	set_up();
	log_.has_units = log_.has_config = true;
	world_good(ends_in_order);
	assert_string_equal(log_.told, "unit-remove@0 pnp-remove@2 stop@0 boot@0 ");
}

/* ---- a reset that somebody asks for ---- */

static ULONG features;

static void feature(PPORT_CONFIGURATION_INFORMATION config)
{
	STORPORT_FEATURE_TYPE list[] = {StorportFeatureResetBusSynchronous};

	features = StorPortSetFeatureList(world.ext, 1, list);
}

static BOOLEAN reset_told(ULONG path)
{
	tell("reset");
	return TRUE;
}

static void reset_asked(void)
{
	log_.told[0] = 0;
	port_recover_reset(&hba()->port, PORT_RESET_BUS, true);
	expect_told(log_.has_reset && !features ? "reset-sync@0 " : "reset@2 ");
	/* The ladder, and an adapter that is to rest, know HwStorResetBus alone. */
	port_recover_reset(&hba()->port, PORT_RESET_BUS, false);
	expect_told("reset@2 ");
}

/* */
static void a_reset_that_is_asked_for_is_synchronous_where_feature_and_type_are_there(void **state)
{
	for (unsigned n = 0; n < 4; n++) {
		set_up();
		log_.resets = n == 1;
		log_.has_reset = n != 3;
		features = STOR_STATUS_UNSUCCESSFUL;
		miniport.offer = n ? feature : NULL;
		miniport.reset = reset_told;
		world_good(reset_asked);
	}
}

static void a_unit_is_told_of_once_when_it_comes_and_when_it_goes(void **state)
{
	set_up();
	log_.has_units = true;
	world_good(units);
}

/* ---- a miniport that does not give back ---- */

static BOOLEAN resets(ULONG path)
{
	tell("reset");
	if (log_.restarts)
		world_give_back(log_.kept, SRB_STATUS_BUS_RESET);
	return TRUE;
}

static void rests(void)
{
	struct world_request kept, other;

	unit_there();
	log_.keeps = true;
	submit(&kept);
	world_wait(log_.kept);
	log_.restarts = FALSE;
	expect_is(port_adapter_rest(&hba()->port, 0), -ETIMEDOUT);
	log_.keeps = false;
	submit(&other); /* it goes on */
	ends_with(&other, SRB_STATUS_SUCCESS);
	log_.told[0] = 0;
	log_.restarts = TRUE;
	expect_is(port_adapter_rest(&hba()->port, 0), 0);
	ends_with(&kept, SRB_STATUS_BUS_RESET);
	expect_told("reset@2 ");
	port_adapter_wake(&hba()->port);
}

static void what_does_not_come_back_is_reset_and_else_the_adapter_goes_on(void **state)
{
	set_up();
	miniport.reset = resets;
	world_good(rests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(what_was_registered_with_pofx_ends_with_the_stop),
		world_test(stop_is_called_without_a_lock_and_requests_wait_until_the_start),
		world_test(an_adapter_without_units_is_told_too),
		world_test(a_rescan_is_prepared_at_passive_level_where_that_is_supported),
		world_test(find_adapter_runs_again_and_finds_its_extension),
		world_test(boot_and_running_configuration_are_set_about_stop_and_restart),
		world_test(an_adapter_that_asks_for_more_the_second_time_does_not_start),
		world_test(what_waits_for_a_restart_that_fails_fails_too_and_a_new_start_helps),
		world_test(power_is_told_by_control_or_else_by_srb_with_stop_and_restart),
		world_test(a_surprise_ends_every_request_and_the_next_adapter_is_as_new),
		world_test(a_removal_in_order_tells_units_then_adapter),
		world_test(the_machines_end_is_a_removal),
		world_test(
			a_reset_that_is_asked_for_is_synchronous_where_feature_and_type_are_there),
		world_test(a_unit_is_told_of_once_when_it_comes_and_when_it_goes),
		world_test(what_does_not_come_back_is_reset_and_else_the_adapter_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
