/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* dry_wmi: WMI requests of a program, by src/port/ddi_port_wmi.c. See machine.h. */
#include "machine/machine.h"
#include "port/hba.h"
#include "util/error.h"

#include <errno.h>

#define REGINFO	   8
#define REGINFO_EX 11

struct call {
	struct dry_machine *machine;
	unsigned adapter;
	struct dry_unit *unit;
	struct port_wmi wmi;
};

/* While nothing about adapters and units changes. */
static int send(const struct call *call, struct port_call **sent)
{
	const struct machine_driver *driver = &call->machine->driver;
	struct port_unit *unit = call->unit ? call->unit->disk->unit : NULL;
	struct port_hba *hba = call->adapter < driver->adapter_count
				       ? (struct port_hba *)driver->adapters[call->adapter]
				       : NULL;
	struct port_target target;

	if (!hba || port_hba_life(&hba->port) != PORT_HBA_PRESENT || !hba->functional ||
		(call->unit && (!unit || unit->adapter != &hba->port || !unit->device)))
		return error_set(ENODEV,
			"there is no adapter %u, or not with such a unit, at present.",
			call->adapter);
	target = unit ? port_unit_target(unit->device) : port_hba_target(hba);
	*sent = port_wmi_send(&target, unit ? unit->device->physical : hba->functional, &call->wmi);
	return *sent ? 0 : error_set(ENOMEM, "no memory for a WMI request.");
}

static int run(void *arg)
{
	struct call *call = arg;
	struct port_call *sent;
	int err;

	machine_life_enter(call->machine);
	err = send(call, &sent);
	machine_life_leave(call->machine);
	return err ? err : port_wmi_wait(sent, &call->wmi);
}

int dry_wmi(
	struct dry_machine *machine, unsigned adapter, struct dry_unit *unit, struct dry_wmi *wmi)
{
	bool registers = wmi->minor == REGINFO || wmi->minor == REGINFO_EX;
	struct call call = {.machine = machine,
		.adapter = adapter,
		.unit = unit,
		.wmi = {.minor = wmi->minor,
			.block = registers ? NULL : wmi->block,
			.buffer = wmi->buffer,
			.bytes = wmi->bytes}};
	int err = machine_enter(machine);

	if (err)
		return err;
	err = machine_call(machine, run, &call, "wmi request");
	machine_leave(machine);
	wmi->status = call.wmi.status;
	wmi->returned = call.wmi.returned;
	return err;
}
