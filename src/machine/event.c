/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What happens to an adapter while the machine runs: stopped, put to sleep, unplugged, reset, and
 * back. By the option `at` (event_option.c), whose events a thread of the machine carries out when
 * their time has come, or by dry_machine_event. src/port/hba_change.c, asked for by IRPs
 * (hba_pnp.c), and src/disk do the work. See machine.h.
 */
#include "machine/machine.h"
#include "port/hba.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS	      50000
#define PAUSE_SECONDS 10

/* ---- one at a time ---- */

void machine_life_enter(struct dry_machine *machine)
{
	while (atomic_exchange(&machine->life_is_taken, true))
		cpu_thread_park(LOOK_NS);
}

void machine_life_leave(struct dry_machine *machine)
{
	atomic_store(&machine->life_is_taken, false);
}

/* ---- the events ---- */

static int run_stop(struct dry_machine *machine, struct port_hba *hba)
{
	event_unmask_first(machine, hba);
	return port_pnp_stop(hba);
}

static int run_restart(struct dry_machine *machine, struct port_hba *hba)
{
	int err = run_stop(machine, hba);

	return err ? err : port_pnp_start(hba);
}

static int run_start(struct dry_machine *machine, struct port_hba *hba)
{
	if (hba->life == PORT_HBA_REMOVED)
		return error_set(EINVAL, "%s is removed: it is to be plugged.", hba->name);
	return port_pnp_start(hba);
}

/* The end of a pause of our own: a miniport's, which restarts perhaps, is its business. */
static void pause_end(struct dry_machine *machine, struct port_hba *hba)
{
	if (machine->paused & 1u << hba->place)
		port_adapter_resume(&hba->port);
	machine->paused &= ~(1u << hba->place);
}

/* What the class driver does before its device loses power: SYNCHRONIZE CACHE. */
static int disks_flush(struct dry_machine *machine, struct port_hba *hba, bool caches_data)
{
	int result = 0;

	pause_end(machine, hba);
	event_unmask_first(machine, hba);
	for (unsigned n = 0; n < machine->disks.count; n++) {
		struct disk *disk = machine->disks.disk[n];
		bool is_its = disk->adapter == &hba->port && !disk->is_gone;
		int err = is_its ? disk_shutdown(disk, caches_data) : 0;

		result = result ? result : err;
	}
	return result;
}

static int run_sleep(struct dry_machine *machine, struct port_hba *hba)
{
	int err = 0;

	if (hba->life == PORT_HBA_PRESENT)
		err = disks_flush(machine, hba, false);
	return err ? err : port_pnp_power(hba, StorPowerDeviceD3, StorPowerActionSleep);
}

static int run_wake(struct dry_machine *machine, struct port_hba *hba)
{
	return port_pnp_power(hba, StorPowerDeviceD0, StorPowerActionSleep);
}

/* Whether what its driver said for a dump (--dump) goes with it. */
static bool has_dump_pointers(const struct dry_machine *machine, const struct port_hba *hba)
{
	return machine->options.dump && machine->disks.count &&
	       machine->disks.disk[0]->adapter == &hba->port;
}

static void disappear(struct dry_machine *machine, struct port_hba *hba)
{
	disk_set_detach(&machine->disks, &hba->port);
	port_pnp_remove(hba);
}

int machine_unplug(struct dry_machine *machine, struct port_hba *hba)
{
	if (hba->life == PORT_HBA_REMOVED)
		return error_set(EINVAL, "%s is removed already.", hba->name);
	machine->paused &= ~(1u << hba->place);
	event_bus_forget(machine, hba);
	disk_set_lose(&machine->disks, &hba->port);
	if (has_dump_pointers(machine, hba))
		dump_pointers_put(machine); /* forgets them: the disk has gone */
	port_pnp_surprise_remove(hba);
	disappear(machine, hba);
	return 0;
}

int machine_remove(struct dry_machine *machine, struct port_hba *hba)
{
	int err = 0;

	if (hba->life == PORT_HBA_REMOVED)
		return error_set(EINVAL, "%s is removed already.", hba->name);
	if (hba->life == PORT_HBA_PRESENT)
		err = disks_flush(machine, hba, hba->port.limits.caches_data);
	if (has_dump_pointers(machine, hba))
		dump_pointers_put(machine);
	event_bus_forget(machine, hba);
	disk_set_lose(&machine->disks, &hba->port);
	/* What was submitted before fails now, so that nobody is left. */
	port_adapter_close(&hba->port, 0);
	disappear(machine, hba);
	if (hba->function)
		bus_function_pull(hba->function);
	return err;
}

static int all_are_back(const struct dry_machine *machine, const struct port_hba *hba)
{
	for (unsigned n = 0; n < machine->disks.count; n++) {
		const struct disk *disk = machine->disks.disk[n];

		if (disk->adapter == &hba->port && disk->is_gone)
			return error_set(
				ENODEV, "unit %s is not back, or not as it was.", disk->info.name);
	}
	return 0;
}

static int run_plug(struct dry_machine *machine, struct port_hba *hba)
{
	int err;

	if (hba->life != PORT_HBA_REMOVED)
		return error_set(EINVAL, "%s is not removed: it cannot be plugged.", hba->name);
	err = hba->function ? bus_function_plug(hba->function) : 0;
	if (!err)
		err = port_pnp_start(hba);
	if (err)
		return err;
	scanner_watch(&hba->port);
	err = disk_scan_again(&hba->port, &machine->disks);
	machine_units_publish(machine);
	return err ? err : all_are_back(machine, hba);
}

static int run_replug(struct dry_machine *machine, struct port_hba *hba)
{
	int err = machine_unplug(machine, hba);

	return err ? err : run_plug(machine, hba);
}

static int run_nap(struct dry_machine *machine, struct port_hba *hba)
{
	int err = run_sleep(machine, hba);

	return err ? err : run_wake(machine, hba);
}

static int is_running(const struct port_hba *hba)
{
	return hba->life == PORT_HBA_PRESENT ? 0 : error_set(EINVAL, "%s does not run.", hba->name);
}

static int run_reset(struct port_hba *hba, enum port_rung rung)
{
	int err = is_running(hba);

	return err ? err : port_recover_reset(&hba->port, rung, true);
}

static int run_reset_lun(struct dry_machine *machine, struct port_hba *hba)
{
	return run_reset(hba, PORT_RESET_UNIT);
}

static int run_reset_target(struct dry_machine *machine, struct port_hba *hba)
{
	return run_reset(hba, PORT_RESET_TARGET);
}

static int run_reset_bus(struct dry_machine *machine, struct port_hba *hba)
{
	return run_reset(hba, PORT_RESET_BUS);
}

static int run_pause(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_running(hba);

	if (err)
		return err;
	machine->paused |= 1u << hba->place;
	port_adapter_pause(&hba->port, PAUSE_SECONDS);
	return 0;
}

static int run_resume(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_running(hba);

	if (!err)
		pause_end(machine, hba);
	return err;
}

static int run_rescan(struct dry_machine *machine, struct port_hba *hba)
{
	int err = is_running(hba);

	if (!err)
		pause_end(machine, hba);
	if (!err)
		err = machine_rescan(machine, hba);
	machine_units_publish(machine);
	if (has_dump_pointers(machine, hba) && !machine->disks.disk[0]->is_gone)
		dump_pointers_get(machine);
	return err;
}

static const struct machine_event_kind kinds[] = {
	{"restart", run_restart, NULL},
	{"stop", run_stop, "start"},
	{"start", run_start, NULL},
	{"sleep", run_sleep, "wake"},
	{"wake", run_wake, NULL},
	{"nap", run_nap, NULL},
	{"unplug", machine_unplug, NULL},
	{"remove", machine_remove, NULL},
	{"plug", run_plug, NULL},
	{"replug", run_replug, NULL},
	{"reset-lun", run_reset_lun, NULL},
	{"reset-target", run_reset_target, NULL},
	{"reset-bus", run_reset_bus, NULL},
	{"pause", run_pause, NULL},
	{"resume", run_resume, NULL},
	{"rescan", run_rescan, NULL},
	{"mask", event_mask, NULL},
	{"unmask", event_unmask, NULL},
	{"bus-master-off", event_master_off, NULL},
	{"bus-master-on", event_master_on, NULL},
};

const struct machine_event_kind *machine_event_find(const char *name, size_t length)
{
	for (size_t n = 0; n < array_size(kinds); n++)
		if (strlen(kinds[n].name) == length && !memcmp(kinds[n].name, name, length))
			return &kinds[n];
	return NULL;
}

static int carry_out(
	struct dry_machine *machine, const struct machine_event_kind *kind, unsigned adapter)
{
	struct port_driver *driver = machine->driver.made;
	int err;

	if (adapter >= driver->adapter_count)
		return error_set(EINVAL, "there is no adapter %u.", adapter);
	machine_life_enter(machine);
	if (unlikely(atomic_load(&machine->events_end))) {
		machine_life_leave(machine);
		return error_set(ESHUTDOWN, "the machine is stopping.");
	}
	trace(TRACE_EVENT, (uintptr_t)kind->name, adapter);
	err = kind->run(machine, driver->adapters[adapter]);
	trace(TRACE_EVENT_END, (uintptr_t)kind->name, adapter, -err);
	machine_life_leave(machine);
	return err;
}

/* ---- by a host program ---- */

struct call {
	struct dry_machine *machine;
	const struct machine_event_kind *kind;
	unsigned adapter;
};

static int call_run(void *arg)
{
	struct call *call = arg;

	return carry_out(call->machine, call->kind, call->adapter);
}

int machine_event_unknown(const char *what, size_t length)
{
	char all[384];
	size_t used = 0;

	for (size_t n = 0; n < array_size(kinds); n++)
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", n ? ", " : "", kinds[n].name);
	return error_set(
		EINVAL, "there is no event \"%.*s\"; there are %s.", (int)length, what, all);
}

int dry_machine_event(struct dry_machine *machine, const char *event, unsigned adapter)
{
	struct call call = {machine, machine_event_find(event, strlen(event)), adapter};
	int err;

	if (!call.kind)
		return machine_event_unknown(event, strlen(event));
	err = machine_enter(machine);
	if (err)
		return err;
	err = machine_call(machine, call_run, &call, "event");
	machine_leave(machine);
	return err;
}

/* ---- by the option ---- */

static struct machine_event *next_of(struct machine_events *events)
{
	struct machine_event *next = NULL;

	for (unsigned n = 0; n < events->count; n++) {
		struct machine_event *event = &events->event[n];

		if (!event->is_over && (!next || event->due < next->due))
			next = event;
	}
	return next;
}

static void event_run(struct dry_machine *machine, struct machine_event *event)
{
	char reason[1024];

	if (carry_out(machine, event->kind, event->adapter)) {
		error_take(reason, sizeof(reason));
		fprintf(stderr, "dryport: --at: %s: %s\n", event->kind->name, reason);
	}
	/* From its end on: one that takes longer than its period leaves room for requests all the
	 * same. */
	event->due = cpu_clock() - machine->started_ns + event->period;
	event->is_over = !event->period;
}

static void events_main(void *arg)
{
	struct dry_machine *machine = arg;
	struct machine_event *event;
	uint64_t now;

	while (!atomic_load(&machine->events_end) && !atomic_load(&machine->is_open))
		cpu_thread_park(CPU_FOREVER);
	while (!atomic_load(&machine->events_end) && (event = next_of(&machine->to_come)) != NULL) {
		now = cpu_clock() - machine->started_ns;
		if (now < event->due)
			cpu_thread_park(event->due - now);
		else
			event_run(machine, event);
	}
}

int events_start(struct dry_machine *machine)
{
	machine->events_end = false;
	machine->to_come = machine->options.at;
	if (!machine->to_come.count)
		return 0;
	machine->events = cpu_thread_new(events_main, machine, 0, "events");
	return machine->events ? 0 : error_set(ENOMEM, "no memory for the thread of the events.");
}

void events_open(struct dry_machine *machine)
{
	if (machine->events)
		cpu_thread_unpark(machine->events);
}

/* Those that it left in the midst are brought back: what waits for them has to end. */
void events_stop(struct dry_machine *machine)
{
	struct port_driver *driver = machine->driver.made;

	atomic_store(&machine->events_end, true);
	if (machine->events) {
		cpu_thread_unpark(machine->events);
		cpu_thread_join(machine->events);
		cpu_thread_free(machine->events);
	}
	machine->events = NULL;
	machine_life_enter(machine);
	for (unsigned n = 0; driver && n < driver->adapter_count; n++) {
		struct port_hba *hba = driver->adapters[n];

		event_bus_undo(machine, hba);
		if (hba->life == PORT_HBA_AWAY)
			run_start(machine, hba);
		else if (hba->life == PORT_HBA_ASLEEP)
			run_wake(machine, hba);
		else if (hba->life == PORT_HBA_PRESENT)
			pause_end(machine, hba);
	}
	machine_life_leave(machine);
}
