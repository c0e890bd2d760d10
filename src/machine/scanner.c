/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Units that come and go: a thread of the machine, at PASSIVE_LEVEL, scans a bus again when its
 * miniport says that it has changed (src/disk/scan.c does the work), removes an adapter that its
 * miniport says has failed, and gives one up whose miniport keeps a request through all resets
 * . See machine.h.
 */
#include "machine/machine.h"
#include "port/hba.h"
#include "util/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

void machine_units_publish(struct dry_machine *machine)
{
	for (unsigned n = 0; n < machine->disks.count; n++) {
		struct disk *disk = machine->disks.disk[n];
		struct dry_unit *unit = &machine->units[n];

		atomic_store(&unit->size, disk->size);
		if (n < machine->unit_count)
			continue;
		unit->machine = machine;
		unit->disk = disk;
		unit->info = disk->info;
	}
	atomic_store(&machine->unit_count, machine->disks.count);
}

int machine_rescan(struct dry_machine *machine, struct port_hba *hba)
{
	port_hba_control(hba, ScsiAdapterPrepareForBusReScan, NULL);
	return disk_scan_again(&hba->port, &machine->disks);
}

static void units_changed(struct port_adapter *adapter)
{
	struct dry_machine *machine = machine_live;

	atomic_store(&machine->scan_wanted, true);
	cpu_thread_unpark(machine->scanner);
}

/* Whether the scanner is there, for a device's thread. */
static pthread_mutex_t scanner_lock = PTHREAD_MUTEX_INITIALIZER;

void scanner_device_gone(const char *why)
{
	struct dry_machine *machine = machine_live;

	fprintf(stderr, "dryport: %s\n", why);
	if (!machine)
		return;
	atomic_store(&machine->device_gone, true);
	pthread_mutex_lock(&scanner_lock);
	if (machine->scanner)
		cpu_thread_unpark(machine->scanner);
	pthread_mutex_unlock(&scanner_lock);
}

static void unplugged_remove(struct dry_machine *machine)
{
	machine_life_enter(machine);
	for (unsigned n = 0; n < machine->driver.adapter_count; n++) {
		struct port_hba *hba = (struct port_hba *)machine->driver.adapters[n];

		if (hba->life != PORT_HBA_REMOVED && hba->function &&
			bus_function_is_unplugged(hba->function))
			machine_unplug(machine, hba);
	}
	machine_life_leave(machine);
}

static int look_after(struct dry_machine *machine, struct port_adapter *adapter)
{
	struct port_hba *hba = (struct port_hba *)adapter;

	if (atomic_load(&adapter->has_failed))
		return machine_remove(machine, hba);
	if (!port_adapter_has_lost(adapter))
		return machine_rescan(machine, hba);
	port_adapter_give_up(adapter);
	return 0;
}

static void scanner_main(void *arg)
{
	struct dry_machine *machine = arg;
	char reason[1024];

	while (!atomic_load(&machine->scanner_ends)) {
		/* Before the machine is open its starter has the disks. */
		if (atomic_load(&machine->is_open) && atomic_exchange(&machine->device_gone, false))
			unplugged_remove(machine);
		if (!atomic_load(&machine->is_open) ||
			!atomic_exchange(&machine->scan_wanted, false)) {
			cpu_thread_park(CPU_FOREVER);
			continue;
		}
		machine_life_enter(machine);
		for (unsigned n = 0; n < machine->driver.adapter_count; n++) {
			if (port_hba_life(machine->driver.adapters[n]) != PORT_HBA_PRESENT ||
				!look_after(machine, machine->driver.adapters[n]))
				continue;
			error_take(reason, sizeof(reason));
			fprintf(stderr, "dryport: looking for units again: %s\n", reason);
		}
		machine_units_publish(machine);
		machine_life_leave(machine);
	}
}

void scanner_watch(struct port_adapter *adapter)
{
	atomic_store(&adapter->changed, units_changed);
}

int scanner_start(struct dry_machine *machine)
{
	machine->scanner_ends = machine->scan_wanted = false;
	machine->scanner = cpu_thread_new(scanner_main, machine, 0, "scanner");
	if (!machine->scanner)
		return error_set(ENOMEM, "no memory for the thread that looks for units.");
	for (unsigned n = 0; n < machine->driver.adapter_count; n++)
		scanner_watch(machine->driver.adapters[n]);
	return 0;
}

void scanner_stop(struct dry_machine *machine)
{
	if (!machine->scanner)
		return;
	for (unsigned n = 0; n < machine->driver.adapter_count; n++)
		atomic_store(&machine->driver.adapters[n]->changed, NULL);
	atomic_store(&machine->scanner_ends, true);
	cpu_thread_unpark(machine->scanner);
	cpu_thread_join(machine->scanner);
}

void scanner_free(struct dry_machine *machine)
{
	struct cpu_thread *scanner = machine->scanner;

	pthread_mutex_lock(&scanner_lock);
	machine->scanner = NULL;
	pthread_mutex_unlock(&scanner_lock);
	if (scanner)
		cpu_thread_free(scanner);
}
