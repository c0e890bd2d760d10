/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the registry says of an adapter, its units and their driver. The names, their
 * places and bounds are those of "Registry Entries for StorPort Miniport Drivers" and its SCSI Port
 * twin. A value out of its bounds is told and brought inside them; one of another type than its
 * entry's is told and counts as none. See hba.h.
 */
#include "port/hba.h"
#include "nt/os.h"
#include "nt/pool.h"
#include "nt/registry.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <ntddstor.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETER_TAG  0x61506853 /* "ShPa" */
#define DEVICE	       "Parameters\\Device"
#define UCX_HIGHEST    0xffffffffull
#define UNIT_KEY_BYTES 192

struct entry {
	const char *name;
	uint8_t readers; /* PORT_ENTRIES_ */
	uint32_t least, most;
	size_t at; /* in struct port_entries or port_unit_entries */
};

#define BOTH (PORT_ENTRIES_STOR | PORT_ENTRIES_SCSI)

/* In Parameters\Device<n>, of one adapter, else in Parameters\Device, of all. */
static const struct entry device_entries[] = {
	{"NumberOfRequests", BOTH, 16, 255, offsetof(struct port_entries, requests)},
	{"MaximumLogicalUnit", PORT_ENTRIES_STOR, 1, 8, offsetof(struct port_entries, luns)},
	{"UncachedExtAlignment", PORT_ENTRIES_STOR, 3, 16,
		offsetof(struct port_entries, uncached_shift)},
	{"LinkDownTimeoutValue", PORT_ENTRIES_STOR, 0, 600,
		offsetof(struct port_entries, link_down_seconds)},
	{"MaximumSGList", PORT_ENTRIES_SCSI, 16, 255, offsetof(struct port_entries, elements)},
};

/* In Parameters, since Windows 8. */
static const struct entry driver_entries[] = {
	{"IoTimeoutValue", BOTH, 0, 65535, offsetof(struct port_entries, io_seconds)},
};

/* In Parameters, where an INF sets it. */
static const struct entry inf_entries[] = {
	{"BusType", PORT_ENTRIES_STOR, BusTypeUnknown, BusTypeMax - 1,
		offsetof(struct port_entries, bus_type)},
};

/* In Device Parameters\StorPort of a unit. */
static const struct entry unit_entries[] = {
	{"BusyPauseTime", BOTH, 0, UINT32_MAX / 1000, offsetof(struct port_unit_entries, pause_ms)},
	{"BusyRetryCount", BOTH, 0, UINT8_MAX, offsetof(struct port_unit_entries, retries)},
	{"QueueFullWaitIoPercentage", BOTH, 0, 100,
		offsetof(struct port_unit_entries, full_percent)},
};

/* ---- one value; reg_lock held, so what is to be told or allocated waits until it is not ---- */

struct reader {
	const char *who;
	uint8_t readers;
	unsigned count;
	char told[8][160];
	uint8_t *parameter; /* DriverParameter, copied */
	uint32_t parameter_bytes;
};

static void __attribute__((format(printf, 2, 3)))
tell(struct reader *reader, const char *format, ...)
{
	__builtin_va_list args;
	char *line = reader->told[reader->count];
	int used;

	if (reader->count == array_size(reader->told))
		return;
	reader->count++;
	used = snprintf(line, sizeof(reader->told[0]), "%s: in the registry, ", reader->who);
	__builtin_va_start(args, format);
	vsnprintf(line + used, sizeof(reader->told[0]) - (size_t)used, format, args);
	__builtin_va_end(args);
}

static void tell_all(const struct reader *reader)
{
	for (unsigned n = 0; n < reader->count; n++)
		nt_debug_line(reader->told[n]);
}

static bool number_of(
	struct reader *reader, const char *name, const struct reg_value *value, uint64_t *number)
{
	if (!value)
		return false;
	if (reg_value_number(value, number))
		return true;
	tell(reader, "%s is no number; it counts for nothing.", name);
	return false;
}

static void entries_take(struct reader *reader, struct reg_key *key, const char *path,
	const struct entry *entries, unsigned count, void *into)
{
	for (unsigned n = 0; n < count; n++) {
		const struct entry *entry = &entries[n];
		uint64_t number;

		if (!(entry->readers & reader->readers) ||
			!number_of(
				reader, entry->name, reg_value_at(key, path, entry->name), &number))
			continue;
		if (number < entry->least || number > entry->most) {
			tell(reader, "%s is %llu; its bounds are %u and %u.", entry->name,
				(unsigned long long)number, entry->least, entry->most);
			number = max_of(min_of(number, entry->most), entry->least);
		}
		*(uint32_t *)((char *)into + entry->at) = (uint32_t)number;
	}
}

/* ---- an adapter's ---- */

static const struct reg_value *device_value(
	struct reg_key *key, const char *device, const char *name)
{
	const struct reg_value *value = reg_value_at(key, device, name);

	return value ? value : reg_value_at(key, DEVICE, name);
}

/* "When 0, StorPort uses the default value", and the lowest is 0 where it leaves no page below the
 * highest. Without a highest the device's reach is the bound. */
static void uncached_take(
	struct reader *reader, struct reg_key *key, const char *device, struct port_entries *into)
{
	uint64_t highest = UCX_HIGHEST, lowest = 0;

	if (number_of(reader, "MaximumUCXAddress", device_value(key, device, "MaximumUCXAddress"),
		    &highest))
		into->uncached_highest = highest = highest ? highest : UCX_HIGHEST;
	number_of(reader, "MinimumUCXAddress", device_value(key, device, "MinimumUCXAddress"),
		&lowest);
	if (lowest && (highest <= MEM_PAGE_SIZE || lowest >= highest - MEM_PAGE_SIZE)) {
		tell(reader, "MinimumUCXAddress is %#llx and the highest address %#llx; 0 is used.",
			(unsigned long long)lowest, (unsigned long long)highest);
		lowest = 0;
	}
	into->uncached_lowest = lowest;
}

/* Data that are no string get an ending zero too: a miniport is told of no length. */
static void parameter_take(struct reader *reader, struct reg_key *key, const char *device)
{
	const struct reg_value *value = device_value(key, device, "DriverParameter");

	if (!value)
		return;
	reader->parameter_bytes = reg_value_bytes(value, NULL) + 1;
	reader->parameter = calloc(1, reader->parameter_bytes);
	if (reader->parameter)
		reg_value_bytes(value, reader->parameter);
}

/* In memory of the machine, as the miniport gets it. False: out of memory. */
static bool parameter_give(struct reader *reader, struct port_hba *hba)
{
	uint32_t bytes = reader->parameter_bytes;

	if (!bytes)
		return true;
	if (reader->parameter)
		hba->entries.parameter = nt_pool_alloc(bytes, PARAMETER_TAG, hba, true);
	if (hba->entries.parameter)
		memcpy(hba->entries.parameter, reader->parameter, bytes);
	free(reader->parameter);
	return hba->entries.parameter;
}

/* MR-6 */
static void remapping_tell(struct reader *reader, struct reg_key *key)
{
	static const char name[] = "DmaRemappingCompatible";
	bool has_iommu = dma_engine_used() == DMA_IOMMU;
	uint64_t number;

	if (number_of(reader, name, reg_value_at(key, "Parameters", name), &number) &&
		(number == 0 ? has_iommu : number == 1 && !has_iommu))
		tell(reader, "%s is %llu; --engine decides, which is %siommu.", name,
			(unsigned long long)number, has_iommu ? "" : "not ");
}

static void service_take(struct reader *reader, unsigned number, struct port_entries *into)
{
	struct reg_key *key = reg_service_key("", false);
	char device[sizeof(DEVICE) + 12];

	snprintf(device, sizeof(device), DEVICE "%u", number);
	entries_take(reader, key, DEVICE, device_entries, array_size(device_entries), into);
	entries_take(reader, key, device, device_entries, array_size(device_entries), into);
	if (nt_os_has(NT_OS_8))
		entries_take(reader, key, "Parameters", driver_entries, array_size(driver_entries),
			into);
	entries_take(reader, key, "Parameters", inf_entries, array_size(inf_entries), into);
	parameter_take(reader, key, device);
	if (!(reader->readers & PORT_ENTRIES_STOR))
		return;
	uncached_take(reader, key, device, into);
	remapping_tell(reader, key);
}

/* The disk class driver's, for those whose driver names none; its bounds are its page's. */
static void disk_take(struct reader *reader, struct port_entries *into)
{
	static const struct entry entry = {
		"TimeoutValue", BOTH, 1, 255, offsetof(struct port_entries, io_seconds)};

	entries_take(reader, reg_root(), "Machine\\SYSTEM\\CurrentControlSet\\Services\\Disk",
		&entry, 1, into);
}

int port_entries_read(struct port_hba *hba, unsigned number)
{
	struct reader reader = {.who = hba->name, .readers = hba->driver->model->entries};

	port_entries_free(hba);
	hba->entries =
		(struct port_entries){.link_down_seconds = 30, .uncached_highest = UINT64_MAX};
	reg_lock();
	disk_take(&reader, &hba->entries);
	service_take(&reader, number, &hba->entries);
	reg_unlock();
	tell_all(&reader);
	return parameter_give(&reader, hba)
		       ? 0
		       : error_set(ENOMEM, "%s: no memory for its DriverParameter.", hba->name);
}

void port_entries_free(struct port_hba *hba)
{
	if (hba->entries.parameter)
		nt_pool_free(hba->entries.parameter);
	hba->entries.parameter = NULL;
}

/* ---- a unit's ---- */

/* As in the name of a device: what is not fit for one becomes a line. */
static void name_add(char *to, size_t room, const char *text)
{
	size_t used = strlen(to);

	for (; *text && used + 1 < room; text++)
		to[used++] = isalnum((unsigned char)*text) || strchr(".-+", *text) ? *text : '_';
	to[used] = 0;
}

static void instance_set(struct port_unit *unit, const char *vendor, const char *product)
{
	char *text = unit->instance;
	const size_t room = sizeof(unit->instance);
	size_t used;

	snprintf(text, room, REG_DISK_DEVICE "Ven_");
	name_add(text, room, vendor);
	strcat(text, "&Prod_");
	name_add(text, room, product);
	used = strlen(text);
	snprintf(text + used, room - used, "\\5&%x&0&%02x%02x%02x", unit->adapter->number,
		unit->path, unit->target, unit->lun);
}

void port_unit_entries_read(struct port_unit *unit, const char *vendor, const char *product)
{
	struct reader reader = {.readers = BOTH};
	char path[UNIT_KEY_BYTES];
	struct port_unit_entries entries = PORT_UNIT_ENTRIES;
	WCHAR wide[UNIT_KEY_BYTES];
	char who[64];
	UNICODE_STRING text;
	struct reg_key *key;

	snprintf(who, sizeof(who), "%s, unit %u:%u:%u", unit->adapter->name, unit->path,
		unit->target, unit->lun);
	reader.who = who;
	instance_set(unit, vendor, product);
	snprintf(path, sizeof(path),
		"Machine\\SYSTEM\\CurrentControlSet\\Enum\\%s\\Device Parameters", unit->instance);
	text = reg_string(wide, reg_widen(path, strlen(path), wide, array_size(wide)));
	reg_lock();
	if (!reg_key_make(reg_root(), &text, true, false, &key, NULL))
		entries_take(
			&reader, key, "StorPort", unit_entries, array_size(unit_entries), &entries);
	reg_unlock();
	tell_all(&reader);
	unit->entries = entries;
}
