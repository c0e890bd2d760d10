/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: the Plug and Play manager's role. What is done with an adapter is asked of its
 * driver by an IRP, through DriverObject->MajorFunction, so that a driver which has put its own
 * dispatch routine there sees it first. What the IRP stands for, the *work*, is done when it comes
 * to the port's own routine (ddi_port_dispatch.c). See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned port_irp_seconds = 60; /* for a driver that keeps one */

struct port_work {
	int (*fn)(struct port_hba *hba, void *arg);
	void *arg;
	int result;
	char error[512];
	KEVENT ended;
};

/* ---- the work ---- */

static void work_run(struct port_hba *hba, struct port_work *work)
{
	work->result = work->fn(hba, work->arg);
	if (work->result)
		error_take(work->error, sizeof(work->error));
	KeSetEvent(&work->ended, IO_NO_INCREMENT, FALSE);
}

int port_work_do(struct port_hba *hba, port_work_place *place)
{
	struct port_work *work = atomic_exchange(place, NULL);

	if (!work)
		return -EALREADY;
	work_run(hba, work);
	return work->result; /* who sent it still waits for the IRP */
}

/* ---- an IRP ---- */

/* Status before anybody has handled it: as the pages of the minor codes have it. */
static struct port_call *call_new(const struct port_target *target, const struct port_irp *ask)
{
	struct port_call *call = port_call_new(target->top, 0);
	PIO_STACK_LOCATION stack;

	if (!call)
		return NULL;
	call->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	stack = IoGetNextIrpStackLocation(call->irp);
	stack->MajorFunction = ask->major;
	stack->MinorFunction = ask->minor;
	stack->Parameters.Others.Argument1 = ask->arguments[0];
	stack->Parameters.Others.Argument2 = ask->arguments[1];
	stack->Parameters.Others.Argument3 = ask->arguments[2];
	stack->Parameters.Others.Argument4 = ask->arguments[3];
	return call;
}

static const char *irp_name(const struct port_irp *ask)
{
	static const char *const pnp[] = {"IRP_MN_START_DEVICE", "IRP_MN_QUERY_REMOVE_DEVICE",
		"IRP_MN_REMOVE_DEVICE", "IRP_MN_CANCEL_REMOVE_DEVICE", "IRP_MN_STOP_DEVICE",
		"IRP_MN_QUERY_STOP_DEVICE", "IRP_MN_CANCEL_STOP_DEVICE",
		"IRP_MN_QUERY_DEVICE_RELATIONS"};

	if (ask->major == IRP_MJ_POWER)
		return ask->minor == IRP_MN_SET_POWER ? "IRP_MN_SET_POWER" : "IRP_MN_QUERY_POWER";
	if (ask->minor < array_size(pnp))
		return pnp[ask->minor];
	return ask->minor == IRP_MN_SURPRISE_REMOVAL ? "IRP_MN_SURPRISE_REMOVAL"
						     : "IRP_MN_QUERY_CAPABILITIES";
}

/* Whether it has ended. */
static bool call_make(const struct port_target *target, const struct port_irp *ask,
	struct port_call *call, struct port_work *work)
{
	IoCallDriver(target->top, call->irp);
	if (port_call_wait(call, port_irp_seconds))
		return true;
	/* The port's share takes as long as it takes. */
	if (work && !atomic_exchange(target->work, NULL)) {
		KeWaitForSingleObject(&work->ended, Executive, KernelMode, FALSE, NULL);
		if (port_call_wait(call, port_irp_seconds))
			return true;
	}
	nt_violation(0, "%s has not ended %s within %u seconds.", target->name, irp_name(ask),
		port_irp_seconds);
	return false;
}

/* Sends it and waits. STATUS_UNSUCCESSFUL if the driver keeps it, STATUS_INSUFFICIENT_RESOURCES if
 * there is none to be sent. */
static NTSTATUS send(const struct port_target *target, const struct port_irp *ask,
	struct port_work *work, ULONG_PTR *result)
{
	struct port_call *call = call_new(target, ask);
	NTSTATUS status;

	if (!call)
		return STATUS_INSUFFICIENT_RESOURCES;
	atomic_store(target->work, work);
	if (!call_make(target, ask, call, work) && port_call_leave(call))
		return STATUS_UNSUCCESSFUL;
	status = call->status.Status;
	if (result)
		*result = call->status.Information;
	port_call_free(call);
	return status;
}

/* ---- what is asked of an adapter ---- */

/* Whether the device is to be started, or comes back: then a driver may refuse. */
static bool may_be_refused(const struct port_target *target, const struct port_irp *ask)
{
	return target->top == target->hba->functional &&
	       (ask->major == IRP_MJ_POWER || ask->minor == IRP_MN_START_DEVICE);
}

/* Requests that wait for the device would wait for ever. */
static int refused(struct port_hba *hba, const struct port_irp *ask, NTSTATUS status)
{
	bool is_wake =
		ask->major == IRP_MJ_POWER && (ULONG_PTR)ask->arguments[2] == StorPowerDeviceD0;
	enum port_hba_life life = hba->life;
	int err = error_set(EIO,
		"%s: %s ended with status %08x and never came to the port's own dispatch routine.",
		hba->name, irp_name(ask), (unsigned)status);

	if (is_wake ? life == PORT_HBA_ASLEEP : ask->major == IRP_MJ_PNP && life == PORT_HBA_AWAY)
		port_hba_die(hba);
	return err;
}

NTSTATUS port_irp_ask(
	const struct port_target *target, const struct port_irp *ask, ULONG_PTR *result)
{
	return send(target, ask, NULL, result);
}

int port_irp_do(const struct port_target *target, const struct port_irp *ask,
	int (*fn)(struct port_hba *hba, void *arg), void *arg)
{
	struct port_work work = {.fn = fn, .arg = arg};
	struct port_hba *hba = target->hba;
	NTSTATUS status;

	KeInitializeEvent(&work.ended, NotificationEvent, FALSE);
	status = send(target, ask, &work, NULL);
	if (atomic_exchange(target->work, NULL) || !KeReadStateEvent(&work.ended)) {
		if (may_be_refused(target, ask))
			return refused(hba, ask, status);
		if (status != STATUS_INSUFFICIENT_RESOURCES)
			nt_violation(0,
				"%s: %s ended with status %08x and never came to the port's own "
				"dispatch routine; what it stands for is done all the same.",
				target->name, irp_name(ask), (unsigned)status);
		work_run(hba, &work);
	}
	if (work.result)
		return error_set(-work.result, "%s", work.error);
	return 0;
}

/* ---- an adapter ---- */

struct port_target port_hba_target(struct port_hba *hba)
{
	return (struct port_target){
		.hba = hba, .top = hba->functional, .work = &hba->work, .name = hba->name};
}

static int irp_do(struct port_hba *hba, const struct port_irp *ask,
	int (*fn)(struct port_hba *hba, void *arg), void *arg)
{
	const struct port_target target = port_hba_target(hba);

	return port_irp_do(&target, ask, fn, arg);
}

static int add(struct port_hba *hba)
{
	struct port_driver *driver = hba->driver;
	NTSTATUS status = driver->extension.AddDevice(&driver->object, hba->physical);

	port_hba_irql_check(hba, "AddDevice", IRQL_PASSIVE);
	if (NT_SUCCESS(status) && hba->physical->AttachedDevice)
		return 0;
	return error_set(EIO, "%s: AddDevice ended with status %08x.", hba->name, (unsigned)status);
}

static void relations_free(PDEVICE_RELATIONS relations)
{
	for (ULONG n = 0; n < relations->Count; n++)
		ObDereferenceObject(relations->Objects[n]);
	ExFreePool(relations);
}

/* As after each start; what the driver answers is for others than this machine. */
static void ask_about(struct port_hba *hba)
{
	DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
	const struct port_irp ask_capabilities = {.major = IRP_MJ_PNP,
		.minor = IRP_MN_QUERY_CAPABILITIES,
		.arguments = {&capabilities}};
	const struct port_irp ask_relations = {
		.major = IRP_MJ_PNP,
		.minor = IRP_MN_QUERY_DEVICE_RELATIONS,
		.arguments = {(PVOID)BusRelations},
	};
	const struct port_target target = port_hba_target(hba);
	ULONG_PTR relations = 0;

	port_capabilities_ask(hba, &hba->port.self, &hba->capabilities);
	capabilities.Address = capabilities.UINumber = ~0u;
	port_irp_ask(&target, &ask_capabilities, NULL);
	if (NT_SUCCESS(port_irp_ask(&target, &ask_relations, &relations)) && relations)
		relations_free((PVOID)relations);
	port_wmi_register(&target, hba->functional);
}

static int begin(struct port_hba *hba, void *arg)
{
	return port_hba_begin(hba);
}

static int start_again(struct port_hba *hba, void *arg)
{
	return port_hba_start_device(hba);
}

static int undo(struct port_hba *hba, void *arg)
{
	port_hba_undo(hba);
	return 0;
}

/* arg: whether it is at rest already, NULL: nobody has seen to it. */
static int remove_device(struct port_hba *hba, void *arg)
{
	port_hba_remove(hba, arg ? *(bool *)arg : port_hba_rest(hba));
	return 0;
}

static int stop_device(struct port_hba *hba, void *arg)
{
	return port_hba_stop_device(hba);
}

static int surprise(struct port_hba *hba, void *arg)
{
	port_hba_surprise_remove(hba);
	return 0;
}

/* Whether the driver lets it be; else it is told that nothing comes of it. */
static NTSTATUS ask_whether(const struct port_target *target, UCHAR query, UCHAR cancel)
{
	struct port_irp ask = {.major = IRP_MJ_PNP, .minor = query};
	NTSTATUS status = port_irp_ask(target, &ask, NULL);

	ask.minor = cancel;
	if (!NT_SUCCESS(status))
		port_irp_ask(target, &ask, NULL);
	return status;
}

static void ask_leave(const struct port_target *target)
{
	NTSTATUS status =
		ask_whether(target, IRP_MN_QUERY_REMOVE_DEVICE, IRP_MN_CANCEL_REMOVE_DEVICE);
	char line[160];

	if (NT_SUCCESS(status))
		return;
	snprintf(line, sizeof(line),
		"%s: IRP_MN_QUERY_REMOVE_DEVICE ended with status %08x; it is removed all the "
		"same.",
		target->name, (unsigned)status);
	nt_debug_line(line);
}

/* Units before their adapter, as everywhere. */
static void ask_all_leave(struct port_hba *hba)
{
	struct port_target target;

	for (uint32_t n = 0; n < hba->port.unit_count; n++)
		if (hba->port.units[n]->device) {
			target = port_unit_target(hba->port.units[n]->device);
			ask_leave(&target);
		}
	target = port_hba_target(hba);
	ask_leave(&target);
}

static void remove_by(struct port_hba *hba, int (*fn)(struct port_hba *hba, void *arg))
{
	const struct port_irp ask = {.major = IRP_MJ_PNP, .minor = IRP_MN_REMOVE_DEVICE};
	bool is_at_rest;

	if (!hba->physical || !hba->physical->AttachedDevice) {
		fn(hba, NULL);
	} else {
		if (hba->phase == PORT_HBA_RUNNING)
			ask_all_leave(hba);
		is_at_rest = fn == remove_device && port_hba_rest(hba);
		port_hba_units_remove(hba, is_at_rest);
		irp_do(hba, &ask, fn, &is_at_rest);
	}
	port_hba_close(hba);
	port_hba_leave_wait(hba);
	port_objects_free(hba);
}

void port_pnp_remove(struct port_hba *hba)
{
	remove_by(hba, remove_device);
}

/* One that runs is removed as any other: StorRemoveDevice, too. Requests that no reset brings back
 * are not waited for again. */
void port_pnp_end(struct port_hba *hba)
{
	bool runs = hba->phase == PORT_HBA_RUNNING && !port_adapter_has_lost(&hba->port);

	remove_by(hba, runs ? remove_device : undo);
}

/* ---- start, stop, power ---- */

static int appear(struct port_hba *hba)
{
	int err = port_objects_new(hba);

	if (err)
		return err; /* nor is it open to dry_service, which needs them */
	atomic_store(&hba->is_closed, false);
	return add(hba);
}

/* Nothing stays of it, so that the next one begins as this one did. */
static int not_plugged(struct port_hba *hba, int err)
{
	char reason[512];

	error_take(reason, sizeof(reason));
	remove_by(hba, undo);
	return error_set(-err, "%s", reason);
}

int port_pnp_start(struct port_hba *hba)
{
	const struct port_irp ask = {.major = IRP_MJ_PNP, .minor = IRP_MN_START_DEVICE};
	int err;

	if (hba->life == PORT_HBA_PRESENT && hba->phase == PORT_HBA_RUNNING)
		return port_hba_start_device(hba); /* whose error it is */
	err = hba->physical ? 0 : appear(hba);
	if (!err)
		err = irp_do(hba, &ask, hba->life == PORT_HBA_PRESENT ? begin : start_again, NULL);
	if (!err)
		ask_about(hba);
	return err && hba->life == PORT_HBA_REMOVED ? not_plugged(hba, err) : err;
}

int port_pnp_stop(struct port_hba *hba)
{
	const struct port_irp ask = {.major = IRP_MJ_PNP, .minor = IRP_MN_STOP_DEVICE};
	const struct port_target target = port_hba_target(hba);
	NTSTATUS status;

	if (hba->life != PORT_HBA_PRESENT)
		return port_hba_stop_device(hba); /* whose error it is */
	status = ask_whether(&target, IRP_MN_QUERY_STOP_DEVICE, IRP_MN_CANCEL_STOP_DEVICE);
	if (!NT_SUCCESS(status))
		return error_set(EBUSY, "%s: IRP_MN_QUERY_STOP_DEVICE ended with status %08x.",
			hba->name, (unsigned)status);
	return irp_do(hba, &ask, stop_device, NULL);
}

void port_pnp_surprise_remove(struct port_hba *hba)
{
	const struct port_irp ask = {.major = IRP_MJ_PNP, .minor = IRP_MN_SURPRISE_REMOVAL};

	if (hba->life != PORT_HBA_GONE && hba->life != PORT_HBA_REMOVED)
		irp_do(hba, &ask, surprise, NULL);
}

struct power {
	STOR_DEVICE_POWER_STATE state;
	STOR_POWER_ACTION action;
};

static int power(struct port_hba *hba, void *arg)
{
	const struct power *power = arg;

	return port_hba_power(hba, power->state, power->action);
}

/* Both headers' states and actions have the same numbers. */
int port_pnp_power(struct port_hba *hba, STOR_DEVICE_POWER_STATE state, STOR_POWER_ACTION action)
{
	struct power ask_for = {state, action};
	const struct port_irp ask = {.major = IRP_MJ_POWER,
		.minor = IRP_MN_SET_POWER,
		.arguments = {NULL, (PVOID)DevicePowerState, (PVOID)(ULONG_PTR)state,
			(PVOID)(ULONG_PTR)action}};

	if (!hba->physical)
		return port_hba_power(hba, state, action); /* whose error it is */
	return irp_do(hba, &ask, power, &ask_for);
}
