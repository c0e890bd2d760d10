/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dry_service: requests of a program to a virtual miniport's adapter. They may wait in the driver
 * for as long as the machine runs, so they do not count as being inside it: the stop first shuts
 * the door here, and the adapter's removal then ends those that the driver has. See machine.h.
 */
#include "machine/machine.h"
#include "port/hba.h"
#include "util/error.h"

#include <errno.h>

struct call {
	struct dry_machine *machine;
	unsigned adapter;
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

static int run(void *arg)
{
	struct call *call = arg;
	struct port_hba *hba = hold(call->machine, call->adapter);

	if (!hba)
		return error_set(ENODEV, "there is no adapter %u.", call->adapter);
	return port_service_run(hba, &call->service);
}

int dry_service(struct dry_machine *machine, unsigned adapter, struct dry_service *service)
{
	struct call call = {.machine = machine,
		.adapter = adapter,
		.service = {.in = service->in,
			.out = service->out,
			.in_bytes = service->in_bytes,
			.out_bytes = service->out_bytes,
			.seconds = service->seconds ? service->seconds : 60}};
	int err;

	if (unlikely(machine->options.replay) && !pthread_equal(machine->owner, pthread_self()))
		return error_set(
			EPERM, "a replayed machine has one host thread, that which started it.");
	atomic_fetch_add(&machine->service_inside, 1);
	if (!atomic_load(&machine->takes_service)) {
		atomic_fetch_sub(&machine->service_inside, 1);
		return error_set(ESHUTDOWN, "the machine is not running.");
	}
	err = machine_call(machine, run, &call, "service request");
	atomic_fetch_sub(&machine->service_inside, 1);
	service->status = call.service.status;
	service->returned = call.service.returned;
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
