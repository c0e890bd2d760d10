/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: finds the disks behind an adapter and asks each what it is and can. In a kernel
 * thread at PASSIVE_LEVEL. See disk.h. Byte offsets are those of SPC-5 and SBC-4.
 */
#include "disk/disk.h"
#include "mem/mem.h"
#include "port/hba.h"
#include "trace/trace.h"
#include "util/error.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS	   10
#define RW_SECONDS 30

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

/* As an event has it. */
static uint64_t disk_address(const struct disk *disk)
{
	return (uint64_t)disk->path << 16 | (uint64_t)disk->target << 8 | disk->lun;
}

static void unit_found(struct port_unit *unit)
{
	if (unit->adapter->model->unit_found)
		unit->adapter->model->unit_found(unit);
}

/* What follows from the adapter's limits; false: they are too small for a block. A list of one
 * element describes a page, but not parts of two. */
static bool limits_take(struct disk *disk, const struct port_limits *limits)
{
	uint32_t most = (uint32_t)round_down(
		min_of(limits->max_transfer, disk_buffer_bytes()), disk->info.block_size);
	uintptr_t mask = limits->alignment_mask | (limits->max_elements < 2 ? MEM_PAGE_MASK : 0);

	/* Buffers were made for what the front was told first. */
	if (disk->info.max_transfer)
		most = min_of(most, disk->info.max_transfer);
	if (!most)
		return false;
	/* Who comes while it is away may look at these. */
	__atomic_store_n(&disk->info.max_transfer, most, __ATOMIC_RELAXED);
	disk->alignment_mask = limits->alignment_mask;
	disk->in_place_mask = mask;
	disk->block_mask = disk->info.block_size - 1;
	disk->page_most = mask & ~MEM_PAGE_MASK ? 0 : (uint32_t)min_of(most, MEM_PAGE_SIZE);
	return true;
}

/* Whenever it has come, gone or grown. */
static void page_end_settle(struct disk *disk)
{
	uint64_t blocks = disk->is_gone ? 0 : disk->size >> disk->block_shift;

	atomic_store(&disk->page_end, (uint32_t)min_of(blocks, (uint64_t)UINT32_MAX));
}

/* The first adapter's units need not say whose they are. */
static void name_write(struct disk *disk)
{
	size_t size = sizeof(disk->info.name), used = 0;

	if (disk->adapter->number)
		used = (size_t)snprintf(disk->info.name, size, "%u:", disk->adapter->number);
	snprintf(disk->info.name + used, size - used, "%u:%u:%u", disk->path, disk->target,
		disk->lun);
}

static int disk_add(struct disk_set *set, struct port_unit *unit, const uint8_t *inquiry_data)
{
	const struct port_limits *limits = &unit->adapter->limits;
	struct disk *disk = aligned_alloc(_Alignof(struct disk), sizeof(*disk));
	int err;

	if (!disk)
		return error_set(ENOMEM, "no memory for a disk.");
	memset(disk, 0, sizeof(*disk));
	disk->adapter = unit->adapter;
	disk->front = unit->adapter->front;
	disk->path = unit->path;
	disk->target = unit->target;
	disk->lun = unit->lun;
	disk->unit = unit;
	disk_hold_init(disk, set->hold_seconds);
	disk->rw_seconds = limits->io_seconds ? limits->io_seconds : RW_SECONDS;
	name_write(disk);
	trim_copy(disk->info.vendor, inquiry_data + 8, 8);
	trim_copy(disk->info.product, inquiry_data + 16, 16);
	trim_copy(disk->info.revision, inquiry_data + 32, 4);
	port_unit_entries_read(unit, disk->info.vendor, disk->info.product);
	err = read_capacity(disk);
	if (!err && !limits_take(disk, limits))
		err = error_set(EINVAL,
			"%s: the driver's %u bytes a transfer are less than a block of %u.",
			disk->info.name, limits->max_transfer, disk->info.block_size);
	if (err) {
		free(disk);
		return err;
	}
	disk->size = disk->info.size;
	page_end_settle(disk);
	mode_sense(disk);
	vital_data(disk);
	set->disk[set->count] = disk;
	set->count++;
	unit_found(unit);
	trace(TRACE_UNIT, unit->number, disk_address(disk), true);
	return 0;
}

/* ---- which units there are ---- */

#define LUNS_MAX     256
#define REPORT_BYTES (8 + LUNS_MAX * 8)

/* An address of a target's unit. */
struct place {
	struct port_adapter *adapter;
	uint8_t path, target;
};

static struct disk *disk_of(const struct disk_set *set, const struct port_unit *unit)
{
	for (unsigned n = 0; n < set->count; n++)
		if (set->disk[n]->unit == unit)
			return set->disk[n];
	return NULL;
}

/* Qualifier 0 and type 0: a direct-access device is there. */
static int is_disk(struct port_unit *unit, uint8_t *data)
{
	int err = inquiry(unit, -1, data, 36);

	return err ? err : data[0] == 0;
}

/* The disk at this address that went with its adapter. */
static struct disk *disk_lost(const struct disk_set *set, const struct port_unit *unit)
{
	for (unsigned n = 0; n < set->count; n++) {
		struct disk *disk = set->disk[n];

		if (!disk->unit && disk->adapter == unit->adapter && disk->path == unit->path &&
			disk->target == unit->target && disk->lun == unit->lun)
			return disk;
	}
	return NULL;
}

static void disk_back(struct disk *disk)
{
	bool was_gone;

	unit_found(disk->unit);
	was_gone = atomic_exchange(&disk->is_gone, false);
	page_end_settle(disk);
	if (was_gone)
		trace(TRACE_UNIT, disk->unit->number, disk_address(disk), true);
	disk_hold_go_on(disk);
}

/* Whether what the unit bears is the disk that had been there, by its size; it is then. */
static bool disk_adopt(struct disk *disk, struct port_unit *unit)
{
	struct disk now = {.unit = unit, .info = disk->info};

	if (read_capacity(&now) || now.blocks != disk->blocks ||
		now.block_shift != disk->block_shift)
		return false;
	if (!limits_take(disk, &unit->adapter->limits))
		return false;
	port_unit_entries_read(unit, disk->info.vendor, disk->info.product);
	disk->front = unit->adapter->front; /* a new one, if that has been there anew */
	disk->unit = unit;
	disk_back(disk);
	return true;
}

enum found { FOUND_NOTHING, FOUND_OTHER, FOUND_DISK };

/* What answers there; a disk is in the set then. -errno. */
static int probe(const struct place *place, struct disk_set *set, uint8_t lun)
{
	struct port_unit *unit = port_unit_add(place->adapter, place->path, place->target, lun);
	uint8_t data[36];
	int found;

	if (unit && disk_of(set, unit))
		return FOUND_DISK;
	if (!unit)
		return error_set(ENOMEM, "no memory for a unit.");
	found = is_disk(unit, data);
	if (found == 1 && disk_lost(set, unit)) {
		if (disk_adopt(disk_lost(set, unit), unit))
			return FOUND_DISK;
		found = 0; /* another: it stays gone */
	}
	if (found == 1) {
		int err = set->count == DISKS_MAX
				  ? error_set(ENOMEM, "more than %d units.", DISKS_MAX)
				  : disk_add(set, unit, data);

		if (!err)
			return FOUND_DISK;
		port_unit_remove(unit);
		return err;
	}
	port_unit_remove(unit);
	return found < 0 ? FOUND_NOTHING : FOUND_OTHER;
}

/* SAM-5, 4.7: the number of a unit of one level, peripheral or flat, below 256; -1: another. */
static int lun_number(const uint8_t *lun)
{
	static const uint8_t no_more[6];

	return (lun[0] == 0x00 || lun[0] == 0x40) && !memcmp(lun + 2, no_more, 6) ? lun[1] : -1;
}

/* Asks unit 0 which there are (SPC-5, REPORT LUNS). False: it has no list to give. The unit is left
 * to probe. */
static bool luns_listed(const struct place *place, bool *is_listed)
{
	struct port_unit *unit = port_unit_add(place->adapter, place->path, place->target, 0);
	const uint8_t cdb[12] = {
		SCSIOP_REPORT_LUNS, [8] = REPORT_BYTES >> 8, [9] = REPORT_BYTES & 0xff};
	uint8_t *data = malloc(REPORT_BYTES);
	uint32_t end = 8;

	memset(is_listed, 0, LUNS_MAX * sizeof(*is_listed));
	if (unit && data && !ask(unit, cdb, sizeof(cdb), data, REPORT_BYTES))
		end += min_of(get32(data), REPORT_BYTES - 8u);
	for (uint32_t at = 8; at + 8 <= end; at += 8)
		if (lun_number(data + at) >= 0)
			is_listed[lun_number(data + at)] = true;
	free(data);
	return end >= 16;
}

/*
 * Unit 0, then those that it lists; without a list all that may be there, if it is a disk. The list
 * is asked for first, as Windows does: there are miniports that look at a device only then, and
 * answer INQUIRY from what they have seen.
 */
static int scan_target(const struct place *place, struct disk_set *set)
{
	bool is_listed[LUNS_MAX], has_list = luns_listed(place, is_listed);
	int found = probe(place, set, 0), err = 0;

	if (found <= FOUND_NOTHING)
		return found;
	for (unsigned lun = 1; lun < place->adapter->limits.luns && err >= 0; lun++)
		if (has_list ? is_listed[lun] : found == FOUND_DISK)
			err = probe(place, set, (uint8_t)lun);
	return min_of(err, 0);
}

/* The first error; goes_on: one target's does not keep the others from being looked at. */
static int scan_all(struct port_adapter *adapter, struct disk_set *set, bool goes_on)
{
	const struct port_limits *limits = &adapter->limits;
	int first = adapter->front ? 0 : disk_transfers_new(adapter);

	if (first)
		return first;
	for (unsigned path = 0; path < limits->buses && (goes_on || !first); path++)
		for (unsigned target = 0; target < limits->targets && (goes_on || !first);
			target++) {
			const struct place place = {adapter, (uint8_t)path, (uint8_t)target};
			int err = scan_target(&place, set);

			first = first ? first : err;
		}
	return first;
}

int disk_scan(struct port_adapter *adapter, struct disk_set *set)
{
	int err = scan_all(adapter, set, false);

	if (err)
		return err;
	return set->count ? 0
			  : error_set(ENODEV, "%s: no unit answered INQUIRY as a disk.",
				    adapter->name);
}

/* Whether it is still there, or again, as it was or larger. */
static bool is_there(struct disk *disk)
{
	struct disk now = {.unit = disk->unit, .info = disk->info};
	uint8_t data[36];

	if (atomic_load(&disk->unit->has_failed))
		return false;
	if (is_disk(disk->unit, data) != 1 || read_capacity(&now) || now.blocks < disk->blocks ||
		now.block_shift != disk->block_shift)
		return false;
	disk->blocks = now.blocks;
	atomic_store(&disk->size, now.info.size);
	return true;
}

static void disk_lose(struct disk *disk)
{
	const struct port_model *model = disk->adapter->model;

	if (atomic_exchange(&disk->is_gone, true))
		return;
	page_end_settle(disk);
	trace(TRACE_UNIT, disk->unit->number, disk_address(disk), false);
	if (model->unit_lost)
		model->unit_lost(disk->unit);
}

int disk_scan_again(struct port_adapter *adapter, struct disk_set *set)
{
	for (unsigned n = 0; n < set->count; n++) {
		struct disk *disk = set->disk[n];

		if (disk->adapter != adapter || !disk->unit)
			continue;
		if (is_there(disk))
			disk_back(disk);
		else
			disk_lose(disk);
	}
	return scan_all(adapter, set, true);
}

void disk_set_lose(struct disk_set *set, struct port_adapter *adapter)
{
	for (unsigned n = 0; n < set->count; n++) {
		struct disk *disk = set->disk[n];

		if (disk->adapter != adapter || atomic_exchange(&disk->is_gone, true))
			continue;
		page_end_settle(disk);
		trace(TRACE_UNIT, disk->unit->number, disk_address(disk), false);
	}
}

void disk_set_detach(struct disk_set *set, struct port_adapter *adapter)
{
	for (unsigned n = 0; n < set->count; n++) {
		struct disk *disk = set->disk[n];

		if (disk->adapter != adapter)
			continue;
		for (;;) {
			disk_io_waiters_fail(disk);
			if (!disk_is_active(disk))
				break;
			cpu_thread_park(50000);
			if (unlikely(port_adapter_has_lost(adapter)))
				port_adapter_give_up(adapter);
		}
		disk->unit = NULL;
	}
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
	disk_hold_end(disk);
	while (disk_is_active(disk)) {
		cpu_thread_park(1000000);
		if (unlikely(disk->unit && port_adapter_has_lost(disk->adapter)))
			port_adapter_give_up(disk->adapter);
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
