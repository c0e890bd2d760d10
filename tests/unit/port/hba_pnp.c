/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What is done with an adapter comes to its driver as an IRP: a Storport driver which, after
 * StorPortInitialize, saves dispatch routines and DriverUnload and puts its own there (contract
 * point 15 of what drivers rely on) sees it first, and whatever it does, the machine goes on.
 */
#include "../storport/world.h"

#include <errno.h>
#include <ntdddisk.h>

/* The driver's hooks, and what they saw, in order. */
static struct {
	char calls[400];
	PDRIVER_DISPATCH saved[IRP_MJ_MAXIMUM_FUNCTION + 1];
	PDRIVER_UNLOAD saved_unload;
	UCHAR ends;	 /* the minor code + 1 that it ends by itself */
	bool ends_power; /* every power IRP */
	UCHAR keeps;	 /* the minor code + 1 that it keeps */
	bool defers;	 /* START_DEVICE is passed on by another thread */
	NTSTATUS status; /* with which it ends or fails */
	PIRP kept;
	struct cpu_thread *thread;
	PDEVICE_OBJECT device;
	unsigned initialized;
} hook;

static void called(const char *name)
{
	strncat(hook.calls, name, sizeof(hook.calls) - strlen(hook.calls) - 2);
	strcat(hook.calls, " ");
}

static const char *minor_name(UCHAR minor)
{
	static const char *const names[] = {"START", "QUERY_REMOVE", "REMOVE", "CANCEL_REMOVE",
		"STOP", "QUERY_STOP", "CANCEL_STOP", "RELATIONS", "?", "CAPABILITIES"};

	return minor < array_size(names) ? names[minor] : "SURPRISE";
}

static void deferred(void *ctx)
{
	hook.saved[IRP_MJ_PNP](hook.device, hook.kept);
}

/* As virtual miniports do it: some minor codes are looked at, all go to the saved routine. */
static NTSTATUS NTAPI pnp(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
	UCHAR minor = stack->MinorFunction;
	NTSTATUS status;

	called(minor_name(minor));
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	expect_is(irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
	hook.device = device;
	if (minor == IRP_MN_QUERY_CAPABILITIES) {
		expect_is(stack->Parameters.DeviceCapabilities.Capabilities->Version, 1);
		expect_is(stack->Parameters.DeviceCapabilities.Capabilities->Size, 64);
		expect_is(stack->Parameters.DeviceCapabilities.Capabilities->Address, 0xffffffff);
		stack->Parameters.DeviceCapabilities.Capabilities->SurpriseRemovalOK = 1;
	}
	if (hook.ends == minor + 1) {
		irp->IoStatus.Status = hook.status;
		IoCompleteRequest(irp, IO_NO_INCREMENT);
		return hook.status;
	}
	if (hook.keeps == minor + 1 || (hook.defers && minor == IRP_MN_START_DEVICE)) {
		IoMarkIrpPending(irp);
		hook.kept = irp;
		if (hook.defers)
			hook.thread = cpu_thread_new(deferred, NULL, 0, "deferred");
		return STATUS_PENDING;
	}
	status = hook.saved[IRP_MJ_PNP](device, irp);
	if (minor == IRP_MN_START_DEVICE)
		called("started");
	return status;
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	called(stack->Parameters.Power.State.DeviceState == PowerDeviceD3 ? "D3" : "D0");
	expect_is(stack->Parameters.Power.Type, DevicePowerState);
	expect_is(stack->Parameters.Power.ShutdownType, PowerActionSleep);
	if (hook.ends_power) {
		irp->IoStatus.Status = hook.status;
		IoCompleteRequest(irp, IO_NO_INCREMENT);
		return hook.status;
	}
	return hook.saved[IRP_MJ_POWER](device, irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
	called("unload");
	hook.saved_unload(driver);
}

static void initialize(void)
{
	called("initialize");
	hook.initialized++;
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedControlTypes)
		list->SupportedTypeList[ScsiStopAdapter] = TRUE;
	else
		called("stop");
	return ScsiAdapterControlSuccess;
}

static NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	static const UCHAR filled[] = {IRP_MJ_CREATE, IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL,
		IRP_MJ_POWER, IRP_MJ_SYSTEM_CONTROL, IRP_MJ_PNP};
	HW_INITIALIZATION_DATA data = world_data();
	PDRIVER_DISPATCH refuses = driver->MajorFunction[IRP_MJ_PNP];

	for (unsigned n = 0; n <= IRP_MJ_MAXIMUM_FUNCTION; n++)
		expect_is(driver->MajorFunction[n], refuses);
	expect_is(driver->DriverExtension->AddDevice, NULL);
	expect_is(StorPortInitialize(driver, registry, &data, NULL), STATUS_SUCCESS);
	for (unsigned n = 0; n < array_size(filled); n++)
		expect(driver->MajorFunction[filled[n]] != refuses);
	expect(driver->DriverExtension->AddDevice && driver->DriverUnload);
	memcpy(hook.saved, driver->MajorFunction, sizeof(hook.saved));
	hook.saved_unload = driver->DriverUnload;
	driver->MajorFunction[IRP_MJ_PNP] = pnp;
	driver->MajorFunction[IRP_MJ_POWER] = power;
	driver->DriverUnload = unload;
	/* A second registration leaves the driver's own routines alone. */
	expect_is(StorPortInitialize(driver, registry, &data, NULL), STATUS_SUCCESS);
	expect_is(driver->MajorFunction[IRP_MJ_PNP], pnp);
	expect_is(driver->DriverUnload, unload);
	return STATUS_SUCCESS;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&hook, 0, sizeof(hook));
	port_irp_seconds = 60;
	miniport.entry = entry;
	miniport.initialize = initialize;
	miniport.control = control;
	return 0;
}

#define hook_test(name) cmocka_unit_test_setup(name, setup)

/* ---- the way up and down ---- */

static void a_read(void)
{
	struct world_request request;

	called("body");
	world_submit(&request, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	world_end(&request);
	expect_is(request.srb_status, SRB_STATUS_SUCCESS);
}

#define CALLS_UP   "START initialize started CAPABILITIES RELATIONS body "
#define CALLS_DOWN "QUERY_REMOVE REMOVE stop unload "

static void the_drivers_own_routines_see_start_and_removal(void **state)
{
	world_good(a_read);
	assert_string_equal(hook.calls, CALLS_UP CALLS_DOWN);
}

/* STATUS_PENDING, and the saved routine called from elsewhere. */
static void an_irp_may_be_passed_on_later_by_another_thread(void **state)
{
	hook.defers = true;
	world_good(a_read);
	assert_string_equal(hook.calls, "START initialize CAPABILITIES RELATIONS body " CALLS_DOWN);
	cpu_thread_free(hook.thread);
}

/* ---- drivers that do otherwise ---- */

static void fails_with(const char *words)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, -EIO);
	if (!strstr(world.start_error, words))
		fail_msg("\"%s\" does not say \"%s\"", world.start_error, words);
	if (world.violations)
		fail_msg("violation: %s", world.violation);
}

static void a_start_that_is_not_passed_on_is_an_error(void **state)
{
	hook.ends = IRP_MN_START_DEVICE + 1;
	hook.status = STATUS_SUCCESS;
	fails_with("IRP_MN_START_DEVICE ended with status 00000000 and never came to the port");
	assert_string_equal(hook.calls, "START REMOVE unload ");
}

static void remove_only(void)
{
	called("body");
}

/* One that ends REMOVE itself is told of; nothing hangs, nothing is left. */
static void a_removal_that_is_not_passed_on_is_done_all_the_same(void **state)
{
	hook.ends = IRP_MN_REMOVE_DEVICE + 1;
	hook.status = STATUS_SUCCESS;
	world_run(DMA_CALLBACK_QUEUED, remove_only);
	assert_int_equal(world.start_result, 0);
	expect_violation(0, "IRP_MN_REMOVE_DEVICE ended with status 00000000 and never came");
	assert_string_equal(hook.calls, CALLS_UP "QUERY_REMOVE REMOVE stop unload ");
}

static void who_refuses_to_be_removed_is_asked_no_more(void **state)
{
	hook.ends = IRP_MN_QUERY_REMOVE_DEVICE + 1;
	hook.status = STATUS_DEVICE_BUSY;
	world_good(remove_only);
	assert_string_equal(hook.calls, CALLS_UP "QUERY_REMOVE CANCEL_REMOVE REMOVE stop unload ");
}

/* ---- drivers that keep an IRP ---- */

static void end_kept(void)
{
	hook.kept->IoStatus.Status = STATUS_SUCCESS;
	IoCompleteRequest(hook.kept, IO_NO_INCREMENT);
}

static void an_irp_that_is_kept_does_not_hang_the_machine(void **state)
{
	port_irp_seconds = 0;
	hook.keeps = IRP_MN_QUERY_CAPABILITIES + 1;
	world_run(DMA_CALLBACK_QUEUED, end_kept);
	assert_int_equal(world.start_result, 0);
	expect_violation(0, "test adapter 0 has not ended IRP_MN_QUERY_CAPABILITIES");
	assert_string_equal(
		hook.calls, "START initialize started CAPABILITIES RELATIONS " CALLS_DOWN);
}

static VOID NTAPI unload_ends_kept(PDRIVER_OBJECT driver)
{
	end_kept();
	unload(driver);
}

static void removal_is_kept(void)
{
	world.driver->object.DriverUnload = unload_ends_kept;
	port_irp_seconds = 0;
	hook.keeps = IRP_MN_REMOVE_DEVICE + 1;
}

static void a_removal_that_is_kept_is_done_all_the_same(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, removal_is_kept);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 2); /* kept, and so never come to the port */
	assert_string_equal(hook.calls,
		"START initialize started CAPABILITIES RELATIONS QUERY_REMOVE REMOVE stop unload ");
}

/* ---- other IRPs ---- */

static int worked(struct port_hba *hba, void *arg)
{
	called("work");
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	return *(int *)arg ? error_set(-*(int *)arg, "words of the work") : 0;
}

static void work_by_irps(void)
{
	struct port_hba *hba = &world.adapter->hba;
	const struct port_target target = port_hba_target(hba);
	const struct port_irp stop = {IRP_MJ_PNP, IRP_MN_STOP_DEVICE, {0}};
	const struct port_irp surprise = {IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL, {0}};
	const struct port_irp sleep = {IRP_MJ_POWER, IRP_MN_SET_POWER,
		{0, (PVOID)DevicePowerState, (PVOID)PowerDeviceD3, (PVOID)PowerActionSleep}};
	int result = 0;

	hook.calls[0] = 0;
	expect_is(port_irp_do(&target, &stop, worked, &result), 0);
	expect_is(port_irp_do(&target, &surprise, worked, &result), 0);
	expect_is(port_irp_do(&target, &sleep, worked, &result), 0);
	result = -ETIMEDOUT;
	expect_is(port_irp_do(&target, &sleep, worked, &result), -ETIMEDOUT);
	expect_has(error_text(), "words of the work");
	expect(!strcmp(hook.calls, "STOP work SURPRISE work D3 work D3 work "));
	expect_is(port_work_do(hba, &hba->work), -EALREADY);
	hook.calls[0] = 0;
}

static void stop_power_and_surprise_come_by_irps_too(void **state)
{
	world_good(work_by_irps);
	assert_string_equal(hook.calls, CALLS_DOWN);
}

static void a_life(void)
{
	struct port_hba *hba = &world.adapter->hba;

	hook.calls[0] = 0;
	expect_is(port_pnp_stop(hba), 0);
	expect_is(port_pnp_stop(hba), -EINVAL);
	expect_is(port_pnp_start(hba), 0);
	expect(!strcmp(hook.calls,
		"QUERY_STOP STOP stop START initialize started CAPABILITIES RELATIONS "));
	hook.calls[0] = 0;
	expect_is(port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep), 0);
	expect_is(port_pnp_power(hba, StorPowerDeviceD0, StorPowerActionSleep), 0);
	expect(!strcmp(hook.calls, "D3 stop D0 initialize "));
	hook.ends = IRP_MN_QUERY_STOP_DEVICE + 1;
	hook.status = STATUS_DEVICE_BUSY;
	hook.calls[0] = 0;
	expect_is(port_pnp_stop(hba), -EBUSY);
	expect(!strcmp(hook.calls, "QUERY_STOP CANCEL_STOP "));
	hook.calls[0] = 0;
	port_pnp_surprise_remove(hba);
	port_pnp_surprise_remove(hba);
	port_pnp_remove(hba);
	expect(!strcmp(hook.calls, "SURPRISE REMOVE "));
	expect_is(world.driver->object.DeviceObject, NULL);
	expect_is(port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep), -EINVAL);
	bus_function_plug(world.function);
	hook.calls[0] = 0;
	expect_is(port_pnp_start(hba), 0);
	expect(world.driver->object.DeviceObject != NULL);
	a_read();
}

/* Each step of an adapter's life; a new one has new device objects. */
static void a_restart_sleep_and_return_come_by_irps(void **state)
{
	world_good(a_life);
	assert_string_equal(hook.calls, CALLS_UP CALLS_DOWN);
}

/* Whoever waits for the device fails, as does who comes later. */
static void it_is_dead(struct world_request *waiting)
{
	struct world_request late;

	world_end(waiting);
	expect_is(waiting->srb_status, SRB_STATUS_NO_HBA);
	world_submit(&late, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	world_end(&late);
	expect_is(late.srb_status, SRB_STATUS_NO_HBA);
	expect_is(port_hba_life(&world.adapter->hba.port), PORT_HBA_DEAD);
}

static void a_start_refused(void)
{
	struct port_hba *hba = &world.adapter->hba;
	struct world_request waiting;

	expect_is(port_pnp_stop(hba), 0);
	world_submit(&waiting, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	hook.ends_power = true;
	hook.status = STATUS_UNSUCCESSFUL;
	expect_is(port_pnp_power(hba, StorPowerDeviceD0, StorPowerActionSleep), -EIO);
	expect_is(port_hba_life(&hba->port), PORT_HBA_AWAY); /* it may still be started */
	hook.ends = IRP_MN_START_DEVICE + 1;
	expect_is(port_pnp_start(hba), -EIO);
	expect_has(error_text(), "IRP_MN_START_DEVICE ended with status c0000001");
	it_is_dead(&waiting);
	expect_is(port_pnp_start(hba), -EIO);
}

static void an_adapter_whose_start_is_refused_fails_what_waits(void **state)
{
	world_good(a_start_refused);
}

static void a_wake_refused(void)
{
	struct port_hba *hba = &world.adapter->hba;
	struct world_request waiting;

	hook.ends_power = true;
	hook.status = STATUS_SUCCESS;
	expect_is(port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep), -EIO);
	a_read(); /* it is as awake as before */
	hook.ends_power = false;
	expect_is(port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep), 0);
	world_submit(&waiting, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	hook.ends_power = true;
	expect_is(port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep), -EIO);
	expect_is(port_hba_life(&hba->port), PORT_HBA_ASLEEP);
	expect_is(port_pnp_power(hba, StorPowerDeviceD0, StorPowerActionSleep), -EIO);
	expect_has(error_text(), "IRP_MN_SET_POWER ended with status 00000000");
	it_is_dead(&waiting);
}

static void an_adapter_whose_wake_is_refused_fails_what_waits(void **state)
{
	world_good(a_wake_refused);
}

static void a_plug_without_memory(void)
{
	struct port_hba *hba = &world.adapter->hba;

	port_pnp_surprise_remove(hba);
	port_pnp_remove(hba);
	bus_function_plug(world.function);
	nt_allocation_fail(1);
	expect_is(port_pnp_start(hba), -ENOMEM);
	nt_allocation_fail(0);
	expect(!port_hba_hold(hba)); /* dry_service: there are no device objects */
	expect_is(port_pnp_start(hba), 0);
	expect(port_hba_hold(hba));
	port_hba_let_go(hba);
	a_read();
}

static void an_adapter_that_could_not_be_plugged_takes_no_service_request(void **state)
{
	world_good(a_plug_without_memory);
}

static NTSTATUS ask(UCHAR major, UCHAR minor)
{
	PDEVICE_OBJECT device = world.adapter->hba.functional;
	IO_STATUS_BLOCK result = {0};
	PIRP irp = IoBuildDeviceIoControlRequest(
		IOCTL_DISK_GET_LENGTH_INFO, device, NULL, 0, NULL, 0, FALSE, NULL, &result);

	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	IoGetNextIrpStackLocation(irp)->MajorFunction = major;
	IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
	expect_is(IoCallDriver(device, irp), result.Status);
	return result.Status;
}

static void other_irps(void)
{
	DEVICE_OBJECT *physical = world.adapter->hba.physical;

	expect_is(ask(IRP_MJ_CREATE, 0), STATUS_SUCCESS);
	expect_is(ask(IRP_MJ_CLOSE, 0), STATUS_SUCCESS);
	expect_is(ask(IRP_MJ_DEVICE_CONTROL, 0), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(ask(IRP_MJ_SCSI, 0), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(ask(IRP_MJ_READ, 0), STATUS_INVALID_DEVICE_REQUEST);
	/* What nobody handles keeps its status. */
	expect_is(ask(IRP_MJ_SYSTEM_CONTROL, 8), STATUS_NOT_SUPPORTED);
	expect_is(ask(IRP_MJ_PNP, IRP_MN_QUERY_INTERFACE), STATUS_NOT_SUPPORTED);
	expect_is(ask(IRP_MJ_PNP, IRP_MN_QUERY_STOP_DEVICE), STATUS_SUCCESS);
	expect_is(ask(IRP_MJ_PNP, IRP_MN_CANCEL_STOP_DEVICE), STATUS_SUCCESS);
	/* Nothing stands behind such IRPs of a driver's own. */
	expect_is(ask(IRP_MJ_PNP, IRP_MN_START_DEVICE), STATUS_UNSUCCESSFUL);
	expect_is(physical->AttachedDevice, world.adapter->hba.functional);
	expect_is(world.driver->object.DeviceObject, physical->AttachedDevice);
	expect_is(physical->AttachedDevice->StackSize, 2);
	expect_is(hook.initialized, 1);
}

static void other_irps_are_answered(void **state)
{
	world_good(other_irps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hook_test(the_drivers_own_routines_see_start_and_removal),
		hook_test(an_irp_may_be_passed_on_later_by_another_thread),
		hook_test(a_start_that_is_not_passed_on_is_an_error),
		hook_test(a_removal_that_is_not_passed_on_is_done_all_the_same),
		hook_test(who_refuses_to_be_removed_is_asked_no_more),
		hook_test(an_irp_that_is_kept_does_not_hang_the_machine),
		hook_test(a_removal_that_is_kept_is_done_all_the_same),
		hook_test(stop_power_and_surprise_come_by_irps_too),
		hook_test(a_restart_sleep_and_return_come_by_irps),
		hook_test(an_adapter_whose_start_is_refused_fails_what_waits),
		hook_test(an_adapter_whose_wake_is_refused_fails_what_waits),
		hook_test(an_adapter_that_could_not_be_plugged_takes_no_service_request),
		hook_test(other_irps_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
