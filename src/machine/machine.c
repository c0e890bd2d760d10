/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Start and stop of a machine. The start is a list of stages (stages.c), from the ground up; a
 * failure or the stop undoes those that were reached, from the top down. See machine.h.
 */
#include "machine/machine.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dry_machine *machine_live;

const char *dry_error(void)
{
	return error_text();
}

const char *dry_version(void)
{
	return "0.1.0";
}

struct dry_machine *dry_machine_new(void)
{
	struct dry_machine *machine = calloc(1, sizeof(*machine));

	if (machine)
		machine_options_init(&machine->options);
	return machine;
}

/* ---- host threads inside ---- */

int machine_enter(struct dry_machine *machine)
{
	if (unlikely(machine->options.replay) && !pthread_equal(machine->owner, pthread_self()))
		return error_set(
			EPERM, "a replayed machine has one host thread, that which started it.");
	atomic_fetch_add(&machine->inside, 1);
	if (likely(atomic_load(&machine->is_open)))
		return 0;
	machine_leave(machine);
	return error_set(ESHUTDOWN, "the machine is not running.");
}

void machine_leave(struct dry_machine *machine)
{
	atomic_fetch_sub(&machine->inside, 1);
}

/* ---- kernel threads on behalf of the host ---- */

struct call {
	int (*fn)(void *arg);
	void *arg;
	int result;
	char error[1024];
};

static void call_main(void *ctx)
{
	struct call *call = ctx;

	call->result = call->fn(call->arg);
	error_take(call->error, sizeof(call->error));
}

int machine_call(struct dry_machine *machine, int (*fn)(void *arg), void *arg, const char *name)
{
	struct call call = {.fn = fn, .arg = arg};
	struct cpu_thread *thread = cpu_thread_new(call_main, &call, 0, name);

	if (!thread)
		return error_set(ENOMEM, "no memory for kernel thread \"%s\".", name);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	if (call.result < 0)
		error_set(-call.result, "%s", call.error);
	return call.result;
}

/* ---- stages ---- */

static void images_unload(struct dry_machine *machine)
{
	if (machine->crash.driver)
		loader_unload(machine->crash.driver);
	machine->crash.driver = NULL;
	if (machine->image)
		loader_unload(machine->image);
	machine->image = NULL;
}

static void undo(struct dry_machine *machine)
{
	while (machine->stage)
		machine_stages[--machine->stage].down(machine);
	images_unload(machine);
	slow_stop();
	stats_stop();
	machine_live = NULL;
}

/* Goes on with the stages up to `wanted`; a failure undoes all. */
static int stages_reach(struct dry_machine *machine, int wanted)
{
	while (machine->stage < wanted) {
		int err = machine_stages[machine->stage].up(machine);

		if (err) {
			char reason[1024];

			error_take(reason, sizeof(reason));
			undo(machine);
			return error_set(-err, "%s", reason);
		}
		machine->stage++;
	}
	return 0;
}

/* From here on the device fails as planned: it is the driver's work that is tried, not its start.
 */
static int faults_arm(struct dry_machine *machine)
{
	const struct hw_model *model = machine->model;

	if (!machine->expects_faults)
		return 0;
	stats_expect_faults();
	watch_start();
	return fault_arm(model->master ? model->master(machine->devices[0]) : NULL,
		&machine->options.faults, machine->steps, machine->step_count);
}

int machine_prepare(struct dry_machine *machine, const char *driver)
{
	int err;

	if (machine->options.faults.count && !machine->options.replay)
		return error_set(EINVAL,
			"--fault goes with --seed: only in a replayed run have the device's steps "
			"numbers.");
	machine->expects_faults = machine->options.faults.count;

	if (machine_live)
		return error_set(EBUSY,
			"one machine at a time lives in a process, and there is one already.");
	err = loader_load(driver, &machine->image);
	if (err)
		return err;
	err = machine->options.count_calls ? loader_calls_count(machine->image) : 0;
	if (!err && machine->options.dump)
		err = loader_load_dump(machine->image, &machine->crash.driver);
	if (err) {
		images_unload(machine);
		return err;
	}
	machine_live = machine;
	machine->owner = pthread_self();
	stats_start(!machine->options.no_stats, machine->options.cpus);
	if (machine->options.strict)
		slow_start();
	memset(&machine->summary, 0, sizeof(machine->summary));
	crash_start();
	return stages_reach(machine, MACHINE_STAGES_PREPARED);
}

int machine_go(struct dry_machine *machine)
{
	int err = stages_reach(machine, MACHINE_STAGES);

	if (err)
		return err;
	snprintf(machine->summary.driver, sizeof(machine->summary.driver), "%s",
		loader_name(machine->image));
	snprintf(machine->summary.device, sizeof(machine->summary.device), "%s",
		machine->options.hw);
	machine->started_ns = cpu_clock();
	nt_allocation_fail(machine->options.fail_allocation);
	machine_units_publish(machine);
	err = faults_arm(machine);
	if (err) {
		undo(machine);
		return err;
	}
	machine_service_open(machine);
	atomic_store(&machine->is_open, true);
	cpu_thread_unpark(machine->scanner);
	events_open(machine);
	return 0;
}

int dry_machine_start(struct dry_machine *machine, const char *driver)
{
	int err = machine_prepare(machine, driver);

	return err ? err : machine_go(machine);
}

/* Its processors hold on to all that they had, so nothing can be undone: machine_live stays. */
static int crashed_stop(struct dry_machine *machine)
{
	const struct machine_crash *crash = &machine->crash;

	machine->stage = 0;
	machine->summary.has_crashed = true;
	machine->summary.crash_operations = crash->operations;
	machine->summary.crash_outstanding = crash->outstanding;
	machine->summary.dump_bytes = crash->bytes;
	machine->summary.dump_writes = crash->dump.writes;
	machine->summary.dump_ns = crash->ns;
	for (unsigned n = 0; n < cpu_count(); n++) {
		machine->summary.interrupts += cpu_get(n)->interrupts;
		machine->summary.dpcs += cpu_get(n)->dpcs;
	}
	stats_stop();
	stats_summary(&machine->summary);
	return machine->options.trace ? trace_file_stop() : 0;
}

int dry_machine_stop(struct dry_machine *machine)
{
	if (!machine->stage)
		return 0;
	machine->summary.run_ns = cpu_clock() - machine->started_ns;
	if (machine->has_crashed)
		return crashed_stop(machine);
	undo(machine);
	stats_summary(&machine->summary);
	return machine->stop_result;
}

void dry_machine_free(struct dry_machine *machine)
{
	if (!machine)
		return;
	dry_machine_stop(machine);
	if (machine->has_crashed)
		return;
	machine_options_fini(&machine->options);
	free(machine);
}

uint64_t dry_machine_calls(const struct dry_machine *machine, const char *routine)
{
	return machine->image ? loader_calls(machine->image, routine) : 0;
}

void machine_client_bytes(const struct disk *disk, struct dry_summary *summary)
{
	uint64_t read, written;

	disk_client_bytes(disk, &read, &written);
	summary->client_read += read;
	summary->client_written += written;
}

void dry_machine_summary(const struct dry_machine *machine, struct dry_summary *summary)
{
	*summary = machine->summary;
	if (!machine->stage)
		return;
	for (unsigned n = 0; n < machine->unit_count; n++) {
		machine_client_bytes(machine->units[n].disk, summary);
	}
	for (unsigned n = 0; n < cpu_count(); n++) {
		summary->interrupts += cpu_get(n)->interrupts;
		summary->dpcs += cpu_get(n)->dpcs;
	}
	summary->run_ns = cpu_clock() - machine->started_ns;
	stats_summary(summary);
}
