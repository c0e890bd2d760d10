/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dry_service, dry_control: device controls of a program, the first to a virtual miniport's
 * adapter, the second to any, or to a unit. They may wait in the driver for as long as the machine
 * runs, so they do not count as being inside it: the stop first shuts the door here, and the
 * adapter's removal then ends those that the driver has. See machine.h.
 */
#include "machine/machine.h"
#include "nt/ob_object.h"
#include "port/hba.h"
#include "util/error.h"

#include <errno.h>
#include <ntddscsi.h>

struct call {
	struct dry_machine *machine;
	unsigned adapter;
	struct dry_unit *unit; /* NULL: the adapter itself */
	struct port_service service;
};

/* The adapter, held, or NULL. The stop waits until nobody is in between. */
static struct port_hba *hold(struct dry_machine *machine, unsigned adapter)
{
	struct port_hba *hba = NULL;

	atomic_fetch_add(&machine->service_entering, 1);
	if (atomic_load(&machine->takes_service) && adapter < machine->driver.adapter_count)
		hba = (struct port_hba *)machine->driver.adapters[adapter];
	if (hba && !port_hba_hold(hba))
		hba = NULL;
	atomic_fetch_sub(&machine->service_entering, 1);
	return hba;
}

/* While nothing about units changes. NULL: it is not there. Its objects stay for the reference; one
 * that goes before the IRP comes ends it. */
static struct port_unit_device *unit_take(const struct call *call, const struct port_hba *hba)
{
	const struct port_unit *unit = call->unit->disk->unit;

	if (!unit || unit->adapter != &hba->port || !unit->device)
		return NULL;
	ob_reference(unit->device);
	return unit->device;
}

static int run_on_unit(struct call *call, struct port_hba *hba)
{
	struct port_unit_device *device;
	struct port_target target;
	int err;

	machine_life_enter(call->machine);
	device = unit_take(call, hba);
	machine_life_leave(call->machine);
	if (!device) {
		port_hba_let_go(hba);
		return error_set(ENODEV, "adapter %u has no such unit at present.", call->adapter);
	}
	target = port_unit_target(device);
	err = port_service_run(&target, &call->service);
	ob_dereference(device);
	return err;
}

static int run(void *arg)
{
	struct call *call = arg;
	struct port_hba *hba = hold(call->machine, call->adapter);
	struct port_target target;

	if (!hba)
		return error_set(ENODEV, "there is no adapter %u.", call->adapter);
	if (call->unit)
		return run_on_unit(call, hba);
	target = port_hba_target(hba);
	return port_service_run(&target, &call->service);
}

static int call_run(struct call *call)
{
	struct dry_machine *machine = call->machine;
	int err;

	if (unlikely(machine->options.replay) && !pthread_equal(machine->owner, pthread_self()))
		return error_set(
			EPERM, "a replayed machine has one host thread, that which started it.");
	atomic_fetch_add(&machine->service_inside, 1);
	if (!atomic_load(&machine->takes_service)) {
		atomic_fetch_sub(&machine->service_inside, 1);
		return error_set(ESHUTDOWN, "the machine is not running.");
	}
	err = machine_call(machine, run, call, "device control");
	atomic_fetch_sub(&machine->service_inside, 1);
	return err;
}

int dry_service(struct dry_machine *machine, unsigned adapter, struct dry_service *service)
{
	struct call call = {.machine = machine,
		.adapter = adapter,
		.service = {.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
			.in = service->in,
			.out = service->out,
			.in_bytes = service->in_bytes,
			.out_bytes = service->out_bytes,
			.seconds = service->seconds ? service->seconds : 60}};
	int err = call_run(&call);

	service->status = call.service.status;
	service->returned = call.service.returned;
	return err;
}

/* Of other ways than METHOD_BUFFERED none is here; nor is a device that lies behind a pointer. */
static int control_check(const struct dry_control *control)
{
	if (!(control->code & 3))
		return 0;
	return error_set(EINVAL, "device control %08x is not METHOD_BUFFERED.", control->code);
}

int dry_control(struct dry_machine *machine, unsigned adapter, struct dry_unit *unit,
	struct dry_control *control)
{
	struct call call = {.machine = machine,
		.adapter = adapter,
		.unit = unit,
		.service = {.code = control->code,
			.in = control->in,
			.out = control->out,
			.in_bytes = control->in_bytes,
			.out_bytes = control->out_bytes,
			.seconds = control->seconds ? control->seconds : 120}};
	int err = control_check(control);

	if (!err)
		err = call_run(&call);
	control->status = call.service.status;
	control->returned = call.service.returned;
	return err;
}

void machine_service_open(struct dry_machine *machine)
{
	atomic_store(&machine->takes_service, true);
}

void machine_service_close(struct dry_machine *machine)
{
	atomic_store(&machine->takes_service, false);
	while (atomic_load(&machine->service_entering))
		cpu_thread_park(100000);
}

void machine_service_settle(struct dry_machine *machine)
{
	while (atomic_load(&machine->service_inside))
		cpu_thread_park(1000000);
}
