/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Events that take from an adapter for a while what it may do on the bus: interrupt, and reach
 * memory. The bits are those of configuration space, as a broken firmware or another driver could
 * change them; the adapter's driver is not asked, and what times out is counted as the device's
 * fault. Beside event.c, see machine.h.
 */
#include "machine/machine.h"
#include "dma/dma_bus.h"
#include "nt/nt.h"
#include "port/hba.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>

static int is_there(const struct port_hba *hba)
{
	if (!hba->function)
		return error_set(EINVAL, "%s is on no bus.", hba->name);
	if (bus_function_is_unplugged(hba->function))
		return error_set(EINVAL, "%s is removed.", hba->name);
	return 0;
}

/* What comes of it is no fault of the driver's. */
static void excuse(const struct dry_machine *machine, const struct port_hba *hba, uint64_t blame)
{
	stats_expect_faults();
	for (unsigned n = 0; n < machine->device_count && machine->model->master; n++) {
		struct dma_master *master = machine->model->master(machine->devices[n]);

		if (!master || master->number != bus_function_place(hba->function))
			continue;
		for (; master; master = master->next) {
			master->blame = blame;
			master->off_told = false;
		}
	}
}

int event_mask(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_there(hba);

	if (err)
		return err;
	if (hba->life != PORT_HBA_PRESENT)
		return error_set(EINVAL, "%s does not run.", hba->name);
	if (!bus_interrupts_mask(hba->function, true))
		return error_set(ENOTSUP,
			"%s interrupts by MSI, which has no mask here; MSI-X and the line have.",
			hba->name);
	stats_expect_faults();
	machine->masked |= 1u << hba->place;
	return 0;
}

int event_unmask(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_there(hba);

	if (err)
		return err;
	bus_interrupts_mask(hba->function, false);
	machine->masked &= ~(1u << hba->place);
	return 0;
}

int event_master_off(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_there(hba);

	if (err)
		return err;
	excuse(machine, hba, NT_DEVICE_FAULT);
	bus_master_set(hba->function, false);
	machine->master_off |= 1u << hba->place;
	return 0;
}

int event_master_on(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_there(hba);

	if (err)
		return err;
	bus_master_set(hba->function, true);
	excuse(machine, hba, 0);
	machine->master_off &= ~(1u << hba->place);
	return 0;
}

void event_unmask_first(struct dry_machine *machine, struct port_hba *hba)
{
	if (machine->masked & 1u << hba->place)
		event_unmask(machine, hba);
}

void event_bus_forget(struct dry_machine *machine, const struct port_hba *hba)
{
	machine->masked &= ~(1u << hba->place);
	if (machine->master_off & 1u << hba->place)
		excuse(machine, hba, 0); /* another card */
	machine->master_off &= ~(1u << hba->place);
}

void event_bus_undo(struct dry_machine *machine, struct port_hba *hba)
{
	event_unmask_first(machine, hba);
	if (machine->master_off & 1u << hba->place) {
		fprintf(stderr, "dryport: --at: %s: its bus mastering was off until the end.\n",
			hba->name);
		event_master_on(machine, hba);
	}
}
