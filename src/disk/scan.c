/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: finds the disks behind an adapter and asks each what it is and can. In a kernel
 * thread at PASSIVE_LEVEL. See disk.h. Byte offsets are those of SPC-5 and SBC-4.
 */
#include "disk/disk.h"
#include "mem/mem.h"
#include "util/error.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 10

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

/* A command that brings at most `bytes` into data; the rest of data is zero. */
static int ask(
	struct port_unit *unit, const uint8_t *cdb, unsigned cdb_length, void *data, uint32_t bytes)
{
	struct disk_command command = {
		.cdb_length = (uint8_t)cdb_length,
		.data = data,
		.bytes = bytes,
		.in = bytes != 0,
		.vital = true,
		.seconds = SECONDS,
	};

	memcpy(command.cdb, cdb, cdb_length);
	if (bytes)
		memset(data, 0, bytes);
	return disk_execute(unit, &command);
}

static int inquiry(struct port_unit *unit, int page, uint8_t *data, uint8_t bytes)
{
	const uint8_t cdb[6] = {
		SCSIOP_INQUIRY, page >= 0, page >= 0 ? (uint8_t)page : 0, 0, bytes, 0};

	return ask(unit, cdb, sizeof(cdb), data, bytes);
}

static void trim_copy(char *to, const uint8_t *from, size_t length)
{
	while (length && (from[length - 1] == ' ' || !from[length - 1]))
		length--;
	for (size_t n = 0; n < length; n++)
		to[n] = from[n] >= ' ' && from[n] < 0x7f ? (char)from[n] : '?';
	to[length] = 0;
}

static int read_capacity(struct disk *disk)
{
	const uint8_t cdb10[10] = {SCSIOP_READ_CAPACITY};
	const uint8_t cdb16[16] = {SCSIOP_READ_CAPACITY16, 0x10, [13] = 32};
	uint8_t data[32];
	uint64_t last;
	uint32_t block_size;
	int err = ask(disk->unit, cdb10, sizeof(cdb10), data, 8);

	if (err)
		return error_set(
			-err, "%s: READ CAPACITY failed: %s.", disk->info.name, strerror(-err));
	last = get32(data);
	block_size = get32(data + 4);
	if (last == UINT32_MAX) {
		err = ask(disk->unit, cdb16, sizeof(cdb16), data, sizeof(data));
		if (err)
			return error_set(-err, "%s: READ CAPACITY (16) failed: %s.",
				disk->info.name, strerror(-err));
		last = get64(data);
		block_size = get32(data + 8);
	}
	if (block_size != 512 && block_size != 4096)
		return error_set(ENOTSUP, "%s has blocks of %u bytes; 512 and 4096 are supported.",
			disk->info.name, block_size);
	disk->block_shift = block_size == 512 ? 9 : 12;
	/* Offsets of programs are signed. */
	if (last >= (uint64_t)INT64_MAX >> disk->block_shift)
		return error_set(EOVERFLOW, "%s says that its last block is %llu: too large.",
			disk->info.name, (unsigned long long)last);
	disk->blocks = last + 1;
	disk->info.block_size = block_size;
	disk->info.size = disk->blocks << disk->block_shift;
	return 0;
}

static void mode_sense(struct disk *disk)
{
	const uint8_t cdb[6] = {
		SCSIOP_MODE_SENSE, 0x08, 0x08, 0, 64, 0}; /* no descriptors, caching page */
	uint8_t data[64];
	unsigned page;

	if (ask(disk->unit, cdb, sizeof(cdb), data, sizeof(data)))
		return;
	disk->info.read_only = data[2] & 0x80;
	disk->info.can_fua = data[2] & 0x10;
	page = 4u + data[3]; /* behind block descriptors that come unasked */
	if (page + 2 < sizeof(data) && (data[page] & 0x3f) == 0x08)
		disk->info.can_flush = data[page + 2] & 0x04; /* write cache enabled */
}

/* A page of vital product data; -EIO if another came. */
static int vital_page(struct disk *disk, uint8_t page, uint8_t *data, uint8_t bytes)
{
	int err = inquiry(disk->unit, page, data, bytes);

	return err ? err : data[1] == page ? 0 : -EIO;
}

static bool has_page(const uint8_t *pages, uint8_t page)
{
	for (unsigned n = 0; n < pages[3] && n < 60; n++)
		if (pages[4 + n] == page)
			return true;
	return false;
}

/* What UNMAP and WRITE SAME can: block limits (B0) and provisioning (B2). */
static void vital_data(struct disk *disk)
{
	uint8_t pages[64], data[64];

	if (vital_page(disk, 0x00, pages, sizeof(pages)))
		return;
	if (!has_page(pages, 0xb0) || vital_page(disk, 0xb0, data, sizeof(data)))
		return;
	disk->max_unmap_blocks = get32(data + 20);
	disk->max_same_blocks = (uint32_t)min_of(get64(data + 36), (uint64_t)UINT32_MAX);
	disk->info.can_zero = disk->max_same_blocks != 0;
	if (has_page(pages, 0xb2) && !vital_page(disk, 0xb2, data, sizeof(data)))
		disk->info.can_trim = (data[5] & 0x80) && disk->max_unmap_blocks;
}

static int disk_add(struct disk_set *set, struct port_unit *unit, const uint8_t *inquiry_data)
{
	const struct port_limits *limits = &unit->adapter->limits;
	struct disk *disk = calloc(1, sizeof(*disk));
	int err;

	if (!disk)
		return error_set(ENOMEM, "no memory for a disk.");
	disk->unit = unit;
	snprintf(disk->info.name, sizeof(disk->info.name), "%u:%u:%u", unit->path, unit->target,
		unit->lun);
	trim_copy(disk->info.vendor, inquiry_data + 8, 8);
	trim_copy(disk->info.product, inquiry_data + 16, 16);
	trim_copy(disk->info.revision, inquiry_data + 32, 4);
	err = read_capacity(disk);
	disk->info.max_transfer =
		err ? 0 : (uint32_t)round_down(limits->max_transfer, disk->info.block_size);
	if (!err && !disk->info.max_transfer)
		err = error_set(EINVAL,
			"%s: the driver's %u bytes a transfer are less than a block of %u.",
			disk->info.name, limits->max_transfer, disk->info.block_size);
	if (err) {
		free(disk);
		return err;
	}
	mode_sense(disk);
	vital_data(disk);
	/* A list of one element describes a page, but not parts of two. */
	disk->in_place_mask =
		limits->alignment_mask | (limits->max_elements < 2 ? MEM_PAGE_MASK : 0);
	set->disk[set->count++] = disk;
	return 0;
}

/* 1: a disk was added; 0: no disk there; -errno. */
static int probe(struct port_adapter *adapter, struct disk_set *set, uint8_t path, uint8_t target,
	uint8_t lun)
{
	struct port_unit *unit = port_unit_add(adapter, path, target, lun);
	uint8_t data[36];
	int err;

	if (!unit || set->count == DISKS_MAX)
		return error_set(ENOMEM, "more than %d units.", PORT_UNITS_MAX);
	err = inquiry(unit, -1, data, sizeof(data));
	/* Qualifier 0 and type 0: a direct-access device is there. */
	if (err || data[0] != 0) {
		port_unit_remove(unit);
		return 0;
	}
	err = disk_add(set, unit, data);
	return err ? err : 1;
}

int disk_scan(struct port_adapter *adapter, struct disk_set *set)
{
	const struct port_limits *limits = &adapter->limits;

	for (unsigned path = 0; path < limits->buses; path++)
		for (unsigned target = 0; target < limits->targets; target++)
			for (unsigned lun = 0; lun < limits->luns; lun++) {
				int found = probe(
					adapter, set, (uint8_t)path, (uint8_t)target, (uint8_t)lun);

				if (found < 0)
					return found;
				if (!found && !lun)
					break; /* no unit 0: nothing else at this target */
			}
	return set->count ? 0
			  : error_set(ENODEV, "%s: no unit answered INQUIRY as a disk.",
				    adapter->name);
}

static int send(struct disk *disk, uint8_t function, const uint8_t *cdb, unsigned cdb_length)
{
	struct disk_command command = {.function = function,
		.cdb_length = (uint8_t)cdb_length,
		.vital = true,
		.seconds = 120};

	if (cdb_length)
		memcpy(command.cdb, cdb, cdb_length);
	return disk_execute(disk->unit, &command);
}

void disk_settle(struct disk *disk)
{
	while (atomic_load(&disk->active)) {
		cpu_thread_park(1000000);
		if (unlikely(port_adapter_has_lost(disk->unit->adapter)))
			port_adapter_give_up(disk->unit->adapter);
	}
}

int disk_shutdown(struct disk *disk, bool caches_data)
{
	const uint8_t flush[10] = {SCSIOP_SYNCHRONIZE_CACHE};
	int err = 0;

	if (disk->info.can_flush)
		err = send(disk, SRB_FUNCTION_EXECUTE_SCSI, flush, sizeof(flush));
	if (caches_data) { /* SB-3 */
		int flushed = send(disk, SRB_FUNCTION_FLUSH, NULL, 0);
		int shut = send(disk, SRB_FUNCTION_SHUTDOWN, NULL, 0);

		err = err ? err : flushed ? flushed : shut;
	}
	if (err)
		error_set(EIO,
			"%s: the last flush failed: %s. Data that the driver cached may be lost.",
			disk->info.name, strerror(-err));
	return err ? -EIO : 0;
}

void disk_free(struct disk *disk)
{
	free(disk);
}
