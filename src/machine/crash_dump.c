/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A crash, and what a Windows machine does then (--dump): all processors but one stop for good, at
 * whatever they were doing, and that one writes the memory to the first unit through the dump port
 * (src/storport/dump.h) and a second image of the driver. The crash is an interrupt at HIGH_LEVEL
 * in the middle of a workload, or a bug check. What the host did not write itself it reads from
 * where the device keeps its blocks, and compares. See machine.h.
 */
#include "machine/machine.h"
#include "hw/storage.h"
#include "nt/nt.h"
#include "util/error.h"
#include "util/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- before ---- */

static int refuse(const char *why)
{
	return error_set(EINVAL, "--dump: %s.", why);
}

int crash_check(const struct dry_machine *machine)
{
	const struct machine_options *options = &machine->options;
	const char *colon = options->hw ? strchr(options->hw, ':') : NULL;
	char word[8];

	if (!options->dump && (options->dump_image || options->dump_after || options->dump_offset ||
				      options->dump_size))
		return refuse("--dump-image, -after, -offset and -size go with it");
	if (!options->dump)
		return 0;
	if (options->engine == DMA_IOMMU)
		return refuse(
			"no document says how a dump driver's memory is mapped behind an iommu; "
			"it goes with --engine direct and bounce");
	if (options->claimed)
		return refuse("it goes without --claim");
	if (!machine->model->storage || (colon && hw_option(colon + 1, "null", word, sizeof(word))))
		return refuse("the machine has no device that keeps blocks to be compared");
	if (colon && hw_option(colon + 1, "delay", word, sizeof(word)))
		return refuse("a device's delay is a timer of the processors, which stop");
	if (!loader_imports(machine->image, "StorPortInitialize"))
		return refuse("only Storport's miniports can write one here");
	return 0;
}

/* Where the image goes; -EINVAL if that is not on the unit. */
static int place_find(struct dry_machine *machine)
{
	const struct machine_options *options = &machine->options;
	const struct disk *disk = machine->disks.count ? machine->disks.disk[0] : NULL;
	uint64_t size = disk ? disk->info.size : 0, left, most;

	if (!disk)
		return error_set(EINVAL, "--dump: there is no unit to write the image to.");
	if (options->dump_offset >= size || options->dump_offset % disk->info.block_size)
		return error_set(EINVAL,
			"--dump-offset %" PRIu64 ": no block of a unit of %" PRIu64
			" bytes begins there.",
			options->dump_offset, size);
	left = size - options->dump_offset;
	most = round_down(min_of(left, mem_size()), disk->info.block_size);
	if (options->dump_size > most)
		return error_set(EINVAL,
			"--dump-size %" PRIu64 ": of %" PRIu64 " bytes of memory the unit has room "
			"for %" PRIu64 ".",
			options->dump_size, mem_size(), most);
	machine->crash.bytes =
		options->dump_size ? round_down(options->dump_size, disk->info.block_size) : most;
	return machine->crash.bytes ? 0 : refuse("--dump-size is less than a block");
}

int crash_prepare(struct dry_machine *machine)
{
	int err;

	if (!machine->options.dump)
		return 0;
	sem_init(&machine->crash.over, 0, 0);
	err = place_find(machine);
	if (err)
		return err;
	dump_pointers_get(machine);
	atomic_store(&machine->crash.can_dump, true);
	return 0;
}

/* ---- the image ---- */

/* Page after page of RAM, in the order of the frames' numbers. /proc/self/mem, since pages may be
 * poisoned or inaccessible to this process. */
static int image_take(struct machine_crash *crash)
{
	const struct mem_span spans[] = {mem_index.low, mem_index.high};
	int file = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uint64_t at = 0;

	crash->image = mmap(NULL, round_up(crash->bytes, MEM_PAGE_SIZE), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (crash->image == MAP_FAILED || file < 0)
		return error_set(
			errno, "--dump: no copy of the memory can be made: %s", strerror(errno));
	for (size_t n = 0; n < array_size(spans); n++)
		for (uint64_t frame = 0; frame < spans[n].count && at < crash->bytes; frame++) {
			const char *host = mem_frame_get(spans[n].first + frame)->host;

			if ((uint64_t)(host - (char *)mem_base()) >= mem_size())
				continue; /* a stack, a driver's image: not in RAM */
			if (pread(file, crash->image + at, MEM_PAGE_SIZE, (off_t)(uintptr_t)host) !=
				(ssize_t)MEM_PAGE_SIZE)
				return error_set(EIO, "--dump: the memory cannot be read: %s",
					strerror(errno));
			at += MEM_PAGE_SIZE;
		}
	close(file);
	return 0;
}

static int image_save(const struct machine_crash *crash, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	uint64_t at = 0;

	while (file >= 0 && at < crash->bytes) {
		ssize_t written = write(file, crash->image + at, crash->bytes - at);

		if (written <= 0)
			break;
		at += (uint64_t)written;
	}
	if (file < 0 || at < crash->bytes || close(file))
		return error_set(errno, "--dump-image %s: %s", path, strerror(errno));
	return 0;
}

/* ---- through the driver ---- */

static void config_fill(const struct dry_machine *machine, struct stor_dump_config *config)
{
	const struct port_unit *unit = machine->disks.disk[0]->unit;
	const struct stor_adapter *adapter = (const struct stor_adapter *)unit->adapter;

	*config = (struct stor_dump_config){
		.entry = loader_entry(machine->crash.driver),
		.name = loader_name(machine->crash.driver),
		.function = adapter->hba.function,
		.path = unit->path,
		.target = unit->target,
		.lun = unit->lun,
		.block_size = machine->disks.disk[0]->info.block_size,
		.width = adapter->hba.port.dma->limits.width,
		.max_transfer = machine->crash.pointers.MaximumTransferLength,
		.data = machine->crash.pointers.MiniportPrivateDumpData,
		.region_bytes = adapter->config.RequestedDumpBufferSize,
	};
}

static int image_write(struct dry_machine *machine)
{
	struct machine_crash *crash = &machine->crash;
	struct stor_dump_config config;
	int err;

	config_fill(machine, &config);
	err = stor_dump_start(&crash->dump, &config);
	for (uint64_t at = 0; at < crash->bytes && !err;) {
		uint32_t bytes = (uint32_t)min_of(crash->bytes - at, crash->dump.bytes);

		memcpy(crash->dump.buffer, crash->image + at, bytes);
		err = stor_dump_write(&crash->dump, machine->options.dump_offset + at, bytes);
		at += bytes;
	}
	return err ? err : stor_dump_finish(&crash->dump);
}

static int image_compare(struct dry_machine *machine)
{
	static char chunk[64 << 10];
	const struct machine_crash *crash = &machine->crash;
	uint64_t offset = machine->options.dump_offset;

	for (uint64_t at = 0; at < crash->bytes; at += sizeof(chunk)) {
		uint64_t bytes = min_of(crash->bytes - at, sizeof(chunk)), n = 0;
		struct iovec iov = {chunk, bytes};
		int err = storage_read(
			machine->model->storage(machine->devices[0]), offset + at, &iov, 1);

		if (err)
			return error_set(-err, "--dump: the device's blocks cannot be read: %s",
				strerror(-err));
		if (!memcmp(chunk, crash->image + at, bytes))
			continue;
		while (chunk[n] == crash->image[at + n])
			n++;
		return error_set(EILSEQ,
			"--dump: byte %" PRIu64 " of the disk is %02x; what %s was given for it is "
			"%02x.",
			offset + at + n, (uint8_t)chunk[n], loader_name(crash->driver),
			(uint8_t)crash->image[at + n]);
	}
	return 0;
}

/* At HIGH on a processor, which goes on alone. */
static int crash_run(struct dry_machine *machine)
{
	struct machine_crash *crash = &machine->crash;
	const struct disk *disk = machine->disks.disk[0];
	const char *path = machine->options.dump_image;
	uint64_t began = cpu_clock();
	int err;

	cpu_hands_show();
	crash->processor = cpu_self->number;
	atomic_store(&machine->has_crashed, true);
	for (unsigned n = 0; n < machine->driver.adapter_count; n++)
		crash->outstanding += port_adapter_outstanding_look(machine->driver.adapters[n]);
	if (!cpu_halt_others())
		return error_set(ETIMEDOUT, "--dump: a processor did not stop.");
	if (disk->is_gone || !disk->unit)
		return error_set(ENODEV, "--dump: its unit has gone.");
	err = image_take(crash);
	if (!err && path)
		err = image_save(crash, path);
	if (!err)
		err = image_write(machine);
	if (!err)
		err = image_compare(machine);
	crash->ns = cpu_clock() - began;
	return err;
}

/* ---- in the middle of a workload ---- */

static bool crash_service(struct cpu_interrupt *interrupt)
{
	struct dry_machine *machine = interrupt->ctx;

	machine->crash.result = crash_run(machine);
	error_take(machine->crash.error, sizeof(machine->crash.error));
	atomic_store(&machine->crash.is_over, true);
	sem_post(&machine->crash.over);
	cpu_halt();
}

static void crash_raise(struct machine_crash *crash)
{
	if (!atomic_load(&crash->is_armed) || atomic_exchange(&crash->is_raised, true))
		return;
	crash->interrupt = (struct cpu_interrupt){.irql = IRQL_HIGH,
		.cpu = (uint8_t)cpu_choose(cpu_count()),
		.service = crash_service,
		.ctx = machine_live};
	cpu_interrupt_raise(&crash->interrupt);
}

void crash_operation(struct dry_machine *machine)
{
	struct machine_crash *crash = &machine->crash;

	if (machine->options.dump && atomic_fetch_add(&crash->operations, 1) + 1 >= crash->after)
		crash_raise(crash);
}

void crash_generator(struct dry_machine *machine)
{
	if (machine->options.dump && atomic_fetch_sub(&machine->crash.generators, 1) == 1)
		crash_raise(&machine->crash);
}

void crash_expect(struct dry_machine *machine, uint64_t operations, unsigned generators)
{
	struct machine_crash *crash = &machine->crash;
	uint64_t random = machine->options.seed;

	crash->generators = generators;
	crash->after = machine->options.dump_after;
	if (!crash->after)
		crash->after = machine->options.replay
				       ? 1 + random_below(&random, max_of(operations, 1ull))
				       : operations / 2;
}

static bool crash_is_over(void *arg)
{
	return atomic_load(&((struct machine_crash *)arg)->is_over);
}

int crash_await(struct dry_machine *machine)
{
	struct machine_crash *crash = &machine->crash;

	atomic_store(&crash->is_armed, true);
	if (atomic_load(&crash->operations) >= crash->after || !atomic_load(&crash->generators))
		crash_raise(crash);
	cpu_host_drive(crash_is_over, crash);
	while (!crash_is_over(crash))
		sem_wait(&crash->over);
	atomic_store(&machine->is_open, false);
	/* -EINVAL is said of a workload's words alone. */
	return crash->result ? error_set(crash->result == -EINVAL ? EIO : -crash->result, "%s",
				       crash->error)
			     : 0;
}

/* ---- at a bug check ---- */

void crash_bugcheck(void)
{
	struct dry_machine *machine = machine_live;
	struct machine_crash *crash;
	char reason[1024];

	if (!machine || !atomic_load(&machine->crash.can_dump) || !cpu_self)
		return;
	crash = &machine->crash;
	if (atomic_exchange(&crash->is_raised, true)) {
		/* One of the dump driver's own ends the dump; another waits to be stopped. */
		while (!machine->has_crashed || crash->processor != cpu_self->number)
			cpu_relax();
		return;
	}
	cpu_irql_raise(IRQL_HIGH);
	if (!crash_run(machine)) {
		fprintf(stderr,
			"dryport: %" PRIu64 " bytes of memory are on the disk, in %" PRIu64
			" writes of %s, and compared\n",
			crash->bytes, crash->dump.writes, loader_name(crash->driver));
		return;
	}
	error_take(reason, sizeof(reason));
	fprintf(stderr, "dryport: no dump: %s\n", reason);
}
