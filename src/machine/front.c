/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Units, I/O, buffers, device models and exports of dryport.h. See machine.h. */
#include "machine/machine.h"
#include "nt/registry.h"
#include "util/error.h"
#include "util/export.h"

#include <errno.h>
#include <ntddscsi.h>
#include <stdlib.h>
#include <string.h>

unsigned dry_unit_count(const struct dry_machine *machine)
{
	return machine->unit_count;
}

struct dry_unit *dry_unit_get(struct dry_machine *machine, unsigned n)
{
	return n < machine->unit_count ? &machine->units[n] : NULL;
}

void dry_unit_info(const struct dry_unit *unit, struct dry_unit_info *info)
{
	*info = unit->info;
	info->size = atomic_load(&unit->size);
}

/* ---- I/O ---- */

static __attribute__((noinline)) int submit_from_outside(struct dry_unit *unit, struct dry_io *io)
{
	int err = machine_enter(unit->machine);

	if (err)
		return err;
	err = disk_submit(unit->disk, io);
	machine_leave(unit->machine);
	return err;
}

int dry_submit(struct dry_unit *unit, struct dry_io *io)
{
	struct cpu *cpu = cpu_self;

	/* On a processor: in a done function, whose request is unfinished until it returns, or in a
	 * poll function, without which nobody stops the machine. */
	if (likely(cpu && atomic_load(&unit->machine->is_open)))
		return disk_submit_by(cpu, unit->disk, io);
	return submit_from_outside(unit, io);
}

static int run(struct dry_unit *unit, enum dry_op op, void *buffer, uint64_t count, uint64_t offset,
	unsigned flags)
{
	struct dry_io io = {
		.op = op, .flags = flags, .buffer = buffer, .count = count, .offset = offset};
	int err = machine_enter(unit->machine);

	if (err)
		return err;
	err = disk_run(unit->disk, &io);
	machine_leave(unit->machine);
	return err;
}

int dry_read(struct dry_unit *unit, void *buffer, uint64_t count, uint64_t offset)
{
	return run(unit, DRY_OP_READ, buffer, count, offset, 0);
}

int dry_write(
	struct dry_unit *unit, const void *buffer, uint64_t count, uint64_t offset, unsigned flags)
{
	return run(unit, DRY_OP_WRITE, (void *)buffer, count, offset, flags);
}

int dry_flush(struct dry_unit *unit)
{
	return run(unit, DRY_OP_FLUSH, NULL, 0, 0, 0);
}

/* UNMAP and WRITE SAME have no FUA bit: a flush makes them last. */
static int run_then_flush(
	struct dry_unit *unit, enum dry_op op, uint64_t count, uint64_t offset, unsigned flags)
{
	int err = run(unit, op, NULL, count, offset, 0);

	return !err && flags & DRY_FUA && unit->info.can_flush ? dry_flush(unit) : err;
}

int dry_trim(struct dry_unit *unit, uint64_t count, uint64_t offset, unsigned flags)
{
	return run_then_flush(unit, DRY_OP_TRIM, count, offset, flags);
}

int dry_zero(struct dry_unit *unit, uint64_t count, uint64_t offset, unsigned flags)
{
	return run_then_flush(unit, DRY_OP_ZERO, count, offset, flags);
}

void *dry_buffer_new(struct dry_machine *machine, size_t bytes)
{
	void *buffer = bytes ? mem_alloc(round_up(bytes, MEM_PAGE_SIZE), 0, MEM_DATA, NULL) : NULL;

	if (!buffer)
		error_set(ENOMEM, "no %zu bytes of the machine's memory are left (--ram).", bytes);
	return buffer;
}

void dry_buffer_free(struct dry_machine *machine, void *buffer, size_t bytes)
{
	if (buffer)
		mem_free(buffer, round_up(bytes, MEM_PAGE_SIZE));
}

/* ---- SRB_FUNCTION_IO_CONTROL ---- */

struct ioctl {
	struct dry_unit *unit;
	struct disk_command command;
};

static int ioctl_call(void *arg)
{
	struct ioctl *ioctl = arg;
	struct disk *disk = ioctl->unit->disk;
	int err;

	if (!disk_enter(disk))
		return error_set(ENXIO, "unit %s has gone.", disk->info.name);
	err = disk_execute(disk->unit, &ioctl->command);
	disk_leave(disk);
	return err;
}

int dry_ioctl(struct dry_unit *unit, const char *signature, uint32_t control, void *buffer,
	size_t bytes, uint32_t *code)
{
	const size_t most = unit->info.max_transfer - sizeof(SRB_IO_CONTROL);
	SRB_IO_CONTROL *header;
	struct ioctl ioctl = {.unit = unit};
	int err;

	if (bytes > most)
		return error_set(EINVAL,
			"an I/O control of %zu bytes; at most %zu go in one request.", bytes, most);
	header = calloc(1, sizeof(*header) + bytes);
	if (!header)
		return error_set(ENOMEM, "out of memory.");
	header->HeaderLength = sizeof(*header);
	memcpy(header->Signature, signature, strnlen(signature, sizeof(header->Signature)));
	header->Timeout = 30;
	header->ControlCode = control;
	header->Length = (ULONG)bytes;
	if (bytes)
		memcpy(header + 1, buffer, bytes);
	ioctl.command.function = SRB_FUNCTION_IO_CONTROL;
	ioctl.command.data = header;
	ioctl.command.bytes = (uint32_t)(sizeof(*header) + bytes);
	ioctl.command.in = ioctl.command.out = true;
	ioctl.command.seconds = 30;
	err = machine_enter(unit->machine);
	if (!err) {
		err = machine_call(unit->machine, ioctl_call, &ioctl, "i/o control");
		machine_leave(unit->machine);
	}
	if (!err && bytes)
		memcpy(buffer, header + 1, bytes);
	if (!err && code)
		*code = header->ReturnCode;
	free(header);
	return err;
}

/* ---- the registry ---- */

static int registry_call(void *arg)
{
	return reg_file_read(arg);
}

int dry_registry_read(struct dry_machine *machine, const char *path)
{
	int err = machine_enter(machine);

	if (err)
		return err;
	err = machine_call(machine, registry_call, (void *)path, "registry");
	machine_leave(machine);
	return err;
}

/* ---- SCSI commands ---- */

struct pass {
	struct dry_unit *unit;
	struct dry_scsi *scsi;
};

static int pass_call(void *arg)
{
	struct pass *pass = arg;

	return disk_pass(pass->unit->disk, pass->scsi);
}

int dry_scsi(struct dry_unit *unit, struct dry_scsi *scsi)
{
	struct pass pass = {.unit = unit, .scsi = scsi};
	int err = machine_enter(unit->machine);

	if (err)
		return err;
	err = machine_call(unit->machine, pass_call, &pass, "scsi command");
	machine_leave(unit->machine);
	return err;
}

/* ---- the rest ---- */

int dry_processor_run(
	struct dry_machine *machine, unsigned number, bool (*poll)(void *arg), void *arg)
{
	if (number >= CPU_MAX || !(machine->options.claimed >> number & 1))
		return error_set(EINVAL, "processor %u was not claimed (option claim).", number);
	return cpu_run(number, poll, arg);
}

const struct dry_model *dry_model_get(unsigned n)
{
	static __thread struct dry_model model;
	const struct hw_model *hw = hw_get(n);

	if (!hw)
		return NULL;
	model.name = hw->name;
	model.help = hw->help;
	return &model;
}

const char *dry_model_options(unsigned n)
{
	const struct hw_model *hw = hw_get(n);

	return hw && hw->describe ? hw->describe() : hw ? hw->options : NULL;
}

const char *dry_export_get(unsigned n, const char **module)
{
	const struct dry_export *row = __start_dry_exports + n;

	if (row >= __stop_dry_exports)
		return NULL;
	if (module)
		*module = row->module;
	return row->name;
}

int dry_missing_tell(const char *driver, void (*tell)(const char *name, void *arg), void *arg)
{
	struct loader_image *image;
	unsigned n = 0;
	int err;

	if (machine_live)
		return error_set(EBUSY, "a machine is running in this process.");
	err = loader_load(driver, &image);
	if (err)
		return err;
	for (; loader_missing(image, n); n++)
		tell(loader_missing(image, n), arg);
	loader_unload(image);
	return (int)n;
}
