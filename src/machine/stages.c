/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The stages of a machine's start, from the ground up, each with what undoes it. machine.c goes
 * through the table at the end. See machine.h.
 */
#include "machine/machine.h"
#include "bus/bus.h"
#include "nt/nt.h"
#include "nt/registry.h"
#include "util/error.h"
#include "util/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* The device that --hw names, and what follows its name. */
static int model_find(struct dry_machine *machine)
{
	const char *spec = machine->options.hw;
	char name[32];
	size_t length;

	if (!spec)
		return error_set(EINVAL,
			"the machine has no device: name one with --hw (see `dryport hw`).");
	length = strcspn(spec, ":");
	machine->model_options = spec[length] ? spec + length + 1 : "";
	snprintf(name, sizeof(name), "%.*s", (int)min_of(length, sizeof(name) - 1), spec);
	machine->model = hw_find(name);
	if (!machine->model)
		return error_set(EINVAL, "--hw %s: no such device; `dryport hw` lists them.", spec);
	if (machine->model->is_process && machine->options.replay)
		return error_set(EINVAL,
			"--hw %s: it keeps real time, in a process of its own: nothing with it can "
			"be "
			"played again (--seed, --seeds).",
			spec);
	return 0;
}

static int mem_up(struct dry_machine *machine)
{
	struct mem_config config = {
		.policy = machine->options.memory,
		.size = machine->options.ram,
		.seed = machine->options.frames_seed,
		.is_private = machine->options.replay,
	};
	int err = model_find(machine);

	if (!err) {
		config.is_shared = machine->model->is_process;
		err = mem_init(&config);
	}
	if (err)
		return err;
	err = loader_frames_give(machine->image);
	if (!err && machine->crash.driver)
		err = loader_frames_give(machine->crash.driver);
	if (err)
		mem_fini();
	return err;
}

static void mem_down(struct dry_machine *machine)
{
	loader_frames_take(machine->image);
	if (machine->crash.driver)
		loader_frames_take(machine->crash.driver);
	machine->summary.leaks += mem_fini();
}

static int processors_lend(uint64_t claimed)
{
	int err = 0;

	for (unsigned n = 0; n < CPU_MAX && !err; n++)
		if (claimed >> n & 1 && (n < cpu_count() || claimed != ~0ull))
			err = cpu_lend(n);
	return err;
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
	err = processors_lend(machine->options.claimed);
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

static void devices_destroy(struct dry_machine *machine)
{
	while (machine->device_count) {
		struct hw_device **device = &machine->devices[--machine->device_count];

		if (machine->model->destroy(*device) && !machine->stop_result)
			machine->stop_result = -EIO; /* its words are in dry_error() */
		*device = NULL;
	}
}

static int device_up(struct dry_machine *machine)
{
	const struct hw_config config = {
		.options = machine->model_options,
		.disk = machine->options.disk,
		.size = machine->options.size,
		.block_size = machine->options.block_size,
		.read_only = machine->options.read_only,
		.medium = machine->options.medium.count ? &machine->options.medium : NULL,
		.gone = scanner_device_gone,
	};
	int err;

	atomic_store(&machine->device_gone, false);
	machine->summary.has_dma = machine->model->master != NULL;
	machine->summary.has_process = machine->model->is_process;
	if (machine->options.device_count > 1 &&
		(config.disk || machine->options.faults.count || machine->model == hw_find("none")))
		return error_set(EINVAL,
			"--devices %u goes without --disk and --fault, and not with --hw none.",
			machine->options.device_count);
	err = crash_check(machine);
	while (!err && machine->device_count < machine->options.device_count) {
		err = machine->model->create(&config, &machine->devices[machine->device_count]);
		machine->device_count += !err;
	}
	if (err)
		devices_destroy(machine);
	return err;
}

static void master_count_bytes(struct dry_machine *machine, const struct dma_master *master)
{
	struct dry_summary *summary = &machine->summary;

	for (unsigned kind = 0; kind < MEM_KINDS; kind++) {
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
}

static void device_count_bytes(struct dry_machine *machine, struct dma_master *master)
{
	for (; master; master = master->next) {
		dma_master_settle(master);
		master_count_bytes(machine, master);
	}
}

static void device_down(struct dry_machine *machine)
{
	for (unsigned n = 0; n < machine->device_count && machine->model->master; n++)
		device_count_bytes(machine, machine->model->master(machine->devices[n]));
	fault_disarm();
	devices_destroy(machine);
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

/* ---- the driver ---- */

/* An adapter whose driver adds units when programs ask for them (dry_service) may begin with none.
 */
static int first_scan(struct dry_machine *machine, struct port_adapter *adapter)
{
	const struct port_hba *hba = (const struct port_hba *)adapter;
	unsigned before = machine->disks.count;
	int err = disk_scan(adapter, &machine->disks);

	return err == -ENODEV && machine->disks.count == before && hba->hw.HwProcessServiceRequest
		       ? 0
		       : err;
}

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
	machine->disks.hold_seconds = machine->options.hold;
	err = scanner_start(machine);
	if (!err)
		err = events_start(machine);
	for (unsigned n = 0; n < driver->adapter_count && !err; n++)
		err = first_scan(machine, driver->adapters[n]);
	return err ? err : crash_prepare(machine);
}

static void disks_settle(struct dry_machine *machine)
{
	for (unsigned n = 0; n < machine->disks.count; n++)
		disk_settle(machine->disks.disk[n]);
}

/* Nobody comes in any more: waits for those inside and for what they have submitted. */
static void settle(struct dry_machine *machine)
{
	while (atomic_load(&machine->inside)) {
		disks_settle(machine);
		cpu_thread_park(1000000);
	}
	disks_settle(machine);
}

static int take_down(void *arg)
{
	struct dry_machine *machine = arg;
	int result = 0;

	events_stop(machine);
	scanner_stop(machine);
	settle(machine);
	atomic_store(&machine->crash.can_dump, false);
	dump_pointers_put(machine);
	for (unsigned n = 0; n < machine->disks.count; n++) {
		struct disk *disk = machine->disks.disk[n];
		int err =
			disk->is_gone ? 0 : disk_shutdown(disk, disk->adapter->limits.caches_data);

		/* of a device that fails nothing else can be expected */
		if (err && machine->expects_faults)
			nt_violation(NT_DEVICE_FAULT, "%s", dry_error());
		else
			result = result ? result : err;
		machine_client_bytes(disk, &machine->summary);
		machine->summary.port_read += disk->again_read;
		machine->summary.port_written += disk->again_written;
	}
	machine_service_close(machine);
	machine_driver_stop(&machine->driver);
	machine_service_settle(machine);
	watch_stop();
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

const struct machine_stage machine_stages[MACHINE_STAGES] = {
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
