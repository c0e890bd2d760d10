/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Start and stop of a machine. The start is a list of stages, from the ground up; a failure or the
 * stop undoes those that were reached, from the top down. See machine.h.
 */
#include "machine/machine.h"
#include "bus/bus.h"
#include "nt/nt.h"
#include "nt/registry.h"
#include "trace/trace.h"
#include "util/error.h"
#include "util/random.h"

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

static void disks_settle(struct dry_machine *machine)
{
	for (unsigned n = 0; n < machine->disks.count; n++)
		disk_settle(machine->disks.disk[n]);
}

/* Nobody comes in any more: waits for those inside and for what they have submitted. */
static void machine_settle(struct dry_machine *machine)
{
	while (atomic_load(&machine->inside)) {
		disks_settle(machine);
		cpu_thread_park(1000000);
	}
	disks_settle(machine);
}

/* ---- kernel threads on behalf of the host ---- */

struct call {
	int (*fn)(void *arg);
	void *arg;
	int result;
	_Atomic bool done;
	char error[1024];
};

static void call_main(void *ctx)
{
	struct call *call = ctx;

	call->result = call->fn(call->arg);
	error_take(call->error, sizeof(call->error));
	atomic_store(&call->done, true);
}

static bool call_goes_on(void *arg)
{
	return !atomic_load(&((struct call *)arg)->done);
}

int machine_call(struct dry_machine *machine, int (*fn)(void *arg), void *arg, const char *name)
{
	struct call call = {.fn = fn, .arg = arg};
	struct cpu_thread *thread = cpu_thread_new(call_main, &call, 0, name);

	if (!thread)
		return error_set(ENOMEM, "no memory for kernel thread \"%s\".", name);
	if (machine->options.claim_plus_1 == 1)
		cpu_run(0, call_goes_on, &call);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	if (call.result < 0)
		error_set(-call.result, "%s", call.error);
	return call.result;
}

/* ---- stages ---- */

static int trace_up(struct dry_machine *machine)
{
	return machine->options.trace ? trace_file_start(machine->options.trace) : 0;
}

static void trace_down(struct dry_machine *machine)
{
	int err = machine->options.trace ? trace_file_stop() : 0;

	if (err && !machine->stop_result)
		machine->stop_result = error_set(-err, "--trace %s: %s; the rest is missing.",
			machine->options.trace, strerror(-err));
}

static int mem_up(struct dry_machine *machine)
{
	const struct mem_config config = {
		.policy = machine->options.memory,
		.size = machine->options.ram,
		.seed = machine->options.frames_seed,
		.is_private = machine->options.replay,
	};
	int err = mem_init(&config);

	if (err)
		return err;
	err = loader_frames_give(machine->image);
	if (err)
		mem_fini();
	return err;
}

static void mem_down(struct dry_machine *machine)
{
	loader_frames_take(machine->image);
	machine->summary.leaks += mem_fini();
}

static int cpu_up(struct dry_machine *machine)
{
	const struct cpu_config config = {
		.processors = machine->options.cpus,
		.inline_agents = machine->options.inline_agents,
		.replay = machine->options.replay,
		.seed = machine->options.seed,
	};
	int err = cpu_fault_init();

	if (!err)
		err = cpu_init(&config);
	if (err)
		return err;
	if (machine->options.claim_plus_1)
		err = cpu_claim(machine->options.claim_plus_1 - 1);
	if (err)
		cpu_fini();
	return err;
}

static void cpu_down(struct dry_machine *machine)
{
	for (unsigned n = 0; n < cpu_count(); n++) {
		machine->summary.interrupts += cpu_get(n)->interrupts;
		machine->summary.dpcs += cpu_get(n)->dpcs;
	}
	cpu_fini();
}

static int nt_up(struct dry_machine *machine)
{
	const struct nt_config config = {
		.debug_level = machine->options.debug_level,
		.fill = machine->options.replay,
		.strict = machine->options.strict,
	};

	nt_os_set(machine->options.os);
	return nt_init(&config);
}

static void nt_down(struct dry_machine *machine)
{
	machine->summary.leaks += nt_fini();
}

static int bus_up(struct dry_machine *machine)
{
	return bus_init();
}

static void bus_down(struct dry_machine *machine)
{
	bus_fini();
}

static int dma_up(struct dry_machine *machine)
{
	const struct machine_options *options = &machine->options;
	const struct dma_config config = {
		.engine = options->engine,
		.callback = options->build_callback,
		.map_registers = options->map_registers,
		.width = options->dma_width,
		.list_overhead = options->list_overhead,
		.lenient_size = options->lenient_size,
		.hal_compatible = options->hal_compatible,
		.zero_length = options->zero_length,
		.no_queue = options->no_queue,
		.strict = options->strict,
	};

	return dma_init(&config);
}

static void dma_down(struct dry_machine *machine)
{
	dma_fini();
}

static int device_up(struct dry_machine *machine)
{
	const char *spec = machine->options.hw;
	char name[32];
	size_t length;
	struct hw_config config = {
		.disk = machine->options.disk,
		.size = machine->options.size,
		.block_size = machine->options.block_size,
		.read_only = machine->options.read_only,
	};

	if (!spec)
		return error_set(EINVAL,
			"the machine has no device: name one with --hw (see `dryport hw`).");
	length = strcspn(spec, ":");
	config.options = spec[length] ? spec + length + 1 : "";
	snprintf(name, sizeof(name), "%.*s", (int)min_of(length, sizeof(name) - 1), spec);
	machine->model = hw_find(name);
	if (!machine->model)
		return error_set(EINVAL, "--hw %s: no such device; `dryport hw` lists them.", spec);
	machine->summary.has_dma = machine->model->master != NULL;
	return machine->model->create(&config, &machine->device);
}

static void device_down(struct dry_machine *machine)
{
	const struct dma_master *master =
		machine->model->master ? machine->model->master(machine->device) : NULL;
	struct dry_summary *summary = &machine->summary;

	for (unsigned kind = 0; master && kind < MEM_KINDS; kind++) {
		/* Data of the port's own requests, and what a driver moves in pool through lists of
		 * its own. */
		bool is_own = kind == MEM_OWN || kind == MEM_POOL;

		if (!is_own && kind != MEM_DATA) {
			summary->dma_control +=
				master->bytes_read[kind] + master->bytes_written[kind];
			continue;
		}
		summary->dma_read += master->bytes_read[kind];
		summary->dma_written += master->bytes_written[kind];
		summary->port_written += is_own ? master->bytes_read[kind] : 0;
		summary->port_read += is_own ? master->bytes_written[kind] : 0;
	}
	if (machine->model->destroy(machine->device) && !machine->stop_result)
		machine->stop_result = -EIO; /* its words are in dry_error() */
	machine->device = NULL;
}

/* Each device that Plug and Play would install the driver for. */
static int devices_add(void)
{
	enum { CLASS = 11, MASS_STORAGE = 1 };
	struct bus_function *function;

	for (unsigned n = 0; (function = bus_function_get(n)) != NULL; n++) {
		char instance[REG_INSTANCE_MAX];
		uint8_t class = 0;
		int device;

		bus_config_read(function, CLASS, &class, 1);
		if (class != MASS_STORAGE)
			continue;
		bus_function_instance(function, instance, sizeof(instance));
		device = reg_device_add(instance);
		if (device < 0)
			return device;
	}
	if (!reg_device_count() && reg_device_add(REG_VIRTUAL_DEVICE) < 0)
		return -ENOMEM;
	return 0;
}

static int registry_up(struct dry_machine *machine)
{
	const struct machine_options *options = &machine->options;
	int err = devices_add();

	if (!err && options->inf)
		err = reg_inf_read(options->inf);
	if (!err && options->registry)
		err = reg_file_read(options->registry);
	return err;
}

static void registry_down(struct dry_machine *machine)
{
	const char *path = machine->options.registry_out;
	int err = path ? reg_file_write(path) : 0;

	if (err && !machine->stop_result)
		machine->stop_result = err;
}

static int processors_up(struct dry_machine *machine)
{
	machine_seed(machine);
	return cpu_start();
}

static void processors_down(struct dry_machine *machine)
{
	/* They stop in cpu_fini; the layers between still need them to be there. */
}

/* Disks that are not known to programs yet. */
static void units_publish(struct dry_machine *machine)
{
	unsigned count = machine->unit_count;

	for (; count < machine->disks.count; count++) {
		machine->units[count].machine = machine;
		machine->units[count].disk = machine->disks.disk[count];
		machine->units[count].info = machine->disks.disk[count]->info;
	}
	atomic_store(&machine->unit_count, count);
}

/* ---- units that come and go ---- */

static void units_changed(struct port_adapter *adapter)
{
	struct dry_machine *machine = machine_live;

	atomic_store(&machine->scan_wanted, true);
	cpu_thread_unpark(machine->scanner);
}

static void scanner_main(void *arg)
{
	struct dry_machine *machine = arg;
	char reason[1024];

	while (!atomic_load(&machine->scanner_ends)) {
		/* Before the machine is open its starter has the disks. */
		if (!atomic_load(&machine->is_open) ||
			!atomic_exchange(&machine->scan_wanted, false)) {
			cpu_thread_park(CPU_FOREVER);
			continue;
		}
		for (unsigned n = 0; n < machine->driver.adapter_count; n++)
			if (disk_scan_again(machine->driver.adapters[n], &machine->disks)) {
				error_take(reason, sizeof(reason));
				fprintf(stderr, "dryport: looking for units again: %s\n", reason);
			}
		units_publish(machine);
	}
}

static int scanner_start(struct dry_machine *machine)
{
	machine->scanner_ends = machine->scan_wanted = false;
	machine->scanner = cpu_thread_new(scanner_main, machine, 0, "scanner");
	if (!machine->scanner)
		return error_set(ENOMEM, "no memory for the thread that looks for units.");
	for (unsigned n = 0; n < machine->driver.adapter_count; n++)
		atomic_store(&machine->driver.adapters[n]->changed, units_changed);
	return 0;
}

static void scanner_stop(struct dry_machine *machine)
{
	if (!machine->scanner)
		return;
	for (unsigned n = 0; n < machine->driver.adapter_count; n++)
		atomic_store(&machine->driver.adapters[n]->changed, NULL);
	atomic_store(&machine->scanner_ends, true);
	cpu_thread_unpark(machine->scanner);
	cpu_thread_join(machine->scanner);
}

/* When no miniport can call units_changed any more. */
static void scanner_free(struct dry_machine *machine)
{
	if (machine->scanner)
		cpu_thread_free(machine->scanner);
	machine->scanner = NULL;
}

/* ---- the driver ---- */

static int bring_up(void *arg)
{
	struct dry_machine *machine = arg;
	uint32_t largest = 0;
	struct machine_driver *driver = &machine->driver;
	int err = machine_driver_start(driver, machine->image);

	if (err)
		return err;
	for (unsigned n = 0; n < driver->adapter_count; n++)
		largest = max_of(largest, driver->adapters[n]->limits.max_transfer);
	err = disk_pool_init(largest);
	if (err)
		return err;
	machine->pool_made = true;
	/* First: what changes during the scan is looked at after it. */
	err = scanner_start(machine);
	for (unsigned n = 0; n < driver->adapter_count && !err; n++)
		err = disk_scan(driver->adapters[n], &machine->disks);
	return err;
}

static int take_down(void *arg)
{
	struct dry_machine *machine = arg;
	int result = 0;

	scanner_stop(machine);
	machine_settle(machine);
	for (unsigned n = 0; n < machine->disks.count; n++) {
		struct disk *disk = machine->disks.disk[n];
		int err = disk->is_gone
				  ? 0
				  : disk_shutdown(disk, disk->unit->adapter->limits.caches_data);

		result = result ? result : err;
		machine->summary.client_read += disk->client_read;
		machine->summary.client_written += disk->client_written;
		machine->summary.port_read += disk->again_read;
		machine->summary.port_written += disk->again_written;
	}
	machine_driver_stop(&machine->driver);
	scanner_free(machine);
	while (machine->disks.count)
		disk_free(machine->disks.disk[--machine->disks.count]);
	if (machine->pool_made)
		disk_pool_fini();
	machine->pool_made = false;
	return result;
}

static int driver_up(struct dry_machine *machine)
{
	int err;

	for (unsigned n = 0; loader_missing(machine->image, n); n++)
		fprintf(stderr,
			"dryport: %s imports %s, which dryport lacks; a call of it will end the "
			"run.\n",
			loader_name(machine->image), loader_missing(machine->image, n));
	err = machine_call(machine, bring_up, machine, "start");
	if (!err)
		return 0;
	/* The reason for the failure is worth more than what went wrong while undoing it. */
	char reason[1024];

	error_take(reason, sizeof(reason));
	machine_call(machine, take_down, machine, "undo start");
	return error_set(-err, "%s", reason);
}

static void driver_down(struct dry_machine *machine)
{
	atomic_store(&machine->is_open, false);
	machine->unit_count = 0;
	machine->stop_result = machine_call(machine, take_down, machine, "stop");
	machine->unit_count = 0; /* a last scan may have found one */
}

/* What was made before is the same for all seeds; from here on a replayed run is its seed's. */
void machine_seed(struct dry_machine *machine)
{
	uint64_t state = machine->options.seed;

	if (!machine->options.replay)
		return;
	mem_fill_set((uint8_t)(0x80 | random_next(&state)));
	cpu_replay_seed(machine->options.seed);
}

struct stage {
	int (*up)(struct dry_machine *machine);
	void (*down)(struct dry_machine *machine);
};

static const struct stage stages[] = {
	{trace_up, trace_down},
	{mem_up, mem_down},
	{cpu_up, cpu_down},
	{nt_up, nt_down},
	{bus_up, bus_down},
	{dma_up, dma_down},
	{device_up, device_down},
	{registry_up, registry_down},
	{processors_up, processors_down},
	{driver_up, driver_down},
};

enum { STAGES_PREPARED = 8 }; /* with those the driver is still to be started */

static void undo(struct dry_machine *machine)
{
	while (machine->stage)
		stages[--machine->stage].down(machine);
	if (machine->image)
		loader_unload(machine->image);
	machine->image = NULL;
	stats_stop();
	machine_live = NULL;
}

/* Goes on with the stages up to `wanted`; a failure undoes all. */
static int stages_reach(struct dry_machine *machine, int wanted)
{
	while (machine->stage < wanted) {
		int err = stages[machine->stage].up(machine);

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

int machine_prepare(struct dry_machine *machine, const char *driver)
{
	int err;

	if (machine_live)
		return error_set(EBUSY,
			"one machine at a time lives in a process, and there is one already.");
	err = loader_load(driver, &machine->image);
	if (err)
		return err;
	err = machine->options.count_calls ? loader_calls_count(machine->image) : 0;
	if (err) {
		loader_unload(machine->image);
		machine->image = NULL;
		return err;
	}
	machine_live = machine;
	machine->owner = pthread_self();
	stats_start(!machine->options.no_stats);
	memset(&machine->summary, 0, sizeof(machine->summary));
	crash_start();
	return stages_reach(machine, STAGES_PREPARED);
}

int machine_go(struct dry_machine *machine)
{
	int err = stages_reach(machine, array_size(stages));

	if (err)
		return err;
	snprintf(machine->summary.driver, sizeof(machine->summary.driver), "%s",
		loader_name(machine->image));
	snprintf(machine->summary.device, sizeof(machine->summary.device), "%s",
		machine->options.hw);
	machine->started_ns = cpu_clock();
	nt_allocation_fail(machine->options.fail_allocation);
	units_publish(machine);
	atomic_store(&machine->is_open, true);
	cpu_thread_unpark(machine->scanner);
	return 0;
}

int dry_machine_start(struct dry_machine *machine, const char *driver)
{
	int err = machine_prepare(machine, driver);

	return err ? err : machine_go(machine);
}

int dry_machine_stop(struct dry_machine *machine)
{
	if (!machine->stage)
		return 0;
	machine->summary.run_ns = cpu_clock() - machine->started_ns;
	undo(machine);
	stats_summary(&machine->summary);
	return machine->stop_result;
}

void dry_machine_free(struct dry_machine *machine)
{
	if (!machine)
		return;
	dry_machine_stop(machine);
	machine_options_fini(&machine->options);
	free(machine);
}

uint64_t dry_machine_calls(const struct dry_machine *machine, const char *routine)
{
	return machine->image ? loader_calls(machine->image, routine) : 0;
}

void dry_machine_summary(const struct dry_machine *machine, struct dry_summary *summary)
{
	*summary = machine->summary;
	if (!machine->stage)
		return;
	for (unsigned n = 0; n < machine->unit_count; n++) {
		summary->client_read += machine->units[n].disk->client_read;
		summary->client_written += machine->units[n].disk->client_written;
	}
	for (unsigned n = 0; n < cpu_count(); n++) {
		summary->interrupts += cpu_get(n)->interrupts;
		summary->dpcs += cpu_get(n)->dpcs;
	}
	summary->run_ns = cpu_clock() - machine->started_ns;
	stats_summary(summary);
}
