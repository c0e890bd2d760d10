/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Names of keys, and which keys are the driver's and the devices'. See registry.h. */
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>

#define SERVICES "Machine\\SYSTEM\\CurrentControlSet\\Services\\"
#define ENUM	 "Machine\\SYSTEM\\CurrentControlSet\\Enum\\"
#define CLASS	 "Machine\\SYSTEM\\CurrentControlSet\\Control\\Class\\"
/* Storage controllers; disks. */
#define CONTROLLERS "{4d36e97b-e325-11ce-bfc1-08002be10318}"
#define DISKS	    "{4d36e967-e325-11ce-bfc1-08002be10318}"

enum { PATH_MAX_CHARS = 512 };

static struct {
	char service[REG_NAME_MAX + 1];
	WCHAR path[PATH_MAX_CHARS];
	UNICODE_STRING string;
	struct {
		char instance[REG_INSTANCE_MAX];
		const void *object;
	} devices[REG_DEVICES_MAX];
	unsigned device_count;
	bool has_inf;
} known;

/* ---- characters ---- */

static uint32_t utf8_next(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *p = *at;
	unsigned more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
	uint32_t c = more ? *p & (0x3f >> more) : *p;

	for (p++; more && p < end; more--, p++)
		c = c << 6 | (*p & 0x3f);
	*at = p;
	return c;
}

size_t reg_widen(const char *text, size_t bytes, WCHAR *wide, size_t room)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + bytes;
	size_t count = 0;

	while (at < end) {
		uint32_t c = utf8_next(&at, end);
		bool is_pair = c > 0xffff;

		if (count < room)
			wide[count] = (WCHAR)(is_pair ? 0xd7c0 + (c >> 10) : c);
		if (is_pair && count + 1 < room)
			wide[count + 1] = (WCHAR)(0xdc00 | (c & 0x3ff));
		count += 1 + is_pair;
	}
	return count;
}

static bool is_pair(const WCHAR *wide, size_t left)
{
	return left > 1 && (wide[0] & 0xfc00) == 0xd800 && (wide[1] & 0xfc00) == 0xdc00;
}

size_t reg_narrow(const WCHAR *wide, size_t count, char *text, size_t room)
{
	size_t used = 0;

	for (size_t n = 0; n < count; n++) {
		bool pair = is_pair(wide + n, count - n);
		uint32_t c = pair ? 0x10000 + ((wide[n] & 0x3ffu) << 10 | (wide[n + 1] & 0x3ffu))
				  : wide[n];
		unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
		static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};

		if (used + more + 1 < room)
			for (unsigned i = 0; i <= more; i++)
				text[used + i] =
					(char)((i ? 0x80 : leads[more]) |
						((c >> 6 * (more - i)) & (i ? 0x3f : 0xff)));
		used += more + 1;
		n += pair;
	}
	if (room)
		text[min_of(used, room - 1)] = 0;
	return used;
}

/* ---- paths ---- */

NTSTATUS reg_path_below_root(const UNICODE_STRING *path, UNICODE_STRING *below)
{
	static const WCHAR root[] = u"\\Registry";
	const unsigned count = array_size(root) - 1;
	UNICODE_STRING start = reg_string(path->Buffer, count), wanted = reg_string(root, count);

	if (path->Length < start.Length || reg_name_compare(&start, &wanted) ||
		(path->Length > start.Length && path->Buffer[count] != '\\'))
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	*below = reg_string(path->Buffer + count, path->Length / 2 - count);
	if (below->Length)
		*below = reg_string(below->Buffer + 1, below->Length / 2 - 1);
	return STATUS_SUCCESS;
}

size_t reg_key_path(const struct reg_key *key, char *text, size_t room)
{
	const struct reg_key *way[REG_LEVELS_MAX + 1];
	size_t used = 0;
	unsigned levels = 0;

	for (; key; key = key->parent)
		way[levels++] = key;
	if (room)
		*text = 0;
	while (levels--) {
		const UNICODE_STRING *name = &way[levels]->name;
		size_t left = used + 1 < room ? room - used - 1 : 0;

		if (left)
			text[used] = '\\';
		used++;
		used += reg_narrow(name->Buffer, name->Length / 2, left ? text + used : NULL, left);
	}
	return used;
}

/* The key below \Registry that these two together lead to. */
static struct reg_key *key_at(const char *folder, const char *path, bool make)
{
	WCHAR wide[PATH_MAX_CHARS];
	size_t count = reg_widen(folder, strlen(folder), wide, PATH_MAX_CHARS);
	UNICODE_STRING name;
	struct reg_key *key = NULL;

	count += reg_widen(path, strlen(path), wide + count, PATH_MAX_CHARS - count);
	if (count > PATH_MAX_CHARS)
		return NULL;
	name = reg_string(wide, count);
	if (make ? reg_key_make(reg_root(), &name, true, false, &key, NULL)
		 : reg_key_find(reg_root(), &name, &key))
		return NULL;
	return key;
}

static bool string_set(struct reg_key *key, const WCHAR *name, const char *text)
{
	WCHAR wide[REG_INSTANCE_MAX * 2];
	UNICODE_STRING value;
	size_t count = reg_widen(text, strlen(text) + 1, wide, array_size(wide));

	RtlInitUnicodeString(&value, name);
	return count <= array_size(wide) &&
	       !reg_value_set(key, &value, REG_SZ, wide, count * sizeof(WCHAR));
}

/* ---- the driver ---- */

int reg_service_set(const char *name)
{
	char path[sizeof(SERVICES) + REG_NAME_MAX + 16];
	struct reg_key *key;

	if (!*name || strlen(name) > REG_NAME_MAX || strchr(name, '\\'))
		return error_set(EINVAL, "'%.60s': no name for a service.", name);
	reg_lock();
	key = key_at(SERVICES, name, true);
	reg_unlock();
	if (!key)
		return error_set(ENOMEM, "no memory for the registry.");
	memcpy(known.service, name, strlen(name) + 1);
	snprintf(path, sizeof(path), "\\Registry\\%s%s", SERVICES, name);
	known.string = reg_string(
		known.path, reg_widen(path, strlen(path), known.path, PATH_MAX_CHARS - 1));
	known.path[known.string.Length / 2] = 0;
	known.string.MaximumLength += sizeof(WCHAR);
	return 0;
}

const char *reg_service_name(void)
{
	return known.service;
}

UNICODE_STRING *reg_service_path(const char *driver)
{
	if (!known.service[0] && reg_service_set(driver))
		reg_service_set("driver");
	return &known.string;
}

struct reg_key *reg_service_key(const char *path, bool make)
{
	char full[PATH_MAX_CHARS];

	snprintf(full, sizeof(full), "%s%s%s", known.service, *path ? "\\" : "", path);
	return key_at(SERVICES, full, make);
}

/* ---- devices ---- */

static const char *class_of(const char *instance)
{
	return strncmp(instance, REG_DISK_DEVICE, strlen(REG_DISK_DEVICE)) ? CONTROLLERS : DISKS;
}

struct reg_key *reg_device_key(unsigned device, enum reg_device_key which)
{
	char path[REG_INSTANCE_MAX + 32];

	if (which == REG_DEVICE_SOFTWARE) {
		snprintf(path, sizeof(path), "%s\\%04u", class_of(known.devices[device].instance),
			device);
		return key_at(CLASS, path, false);
	}
	snprintf(path, sizeof(path), "%s\\Device Parameters", known.devices[device].instance);
	return key_at(ENUM, path, false);
}

static bool device_keys_make(unsigned device, const char *instance)
{
	struct reg_key *hardware;
	char path[REG_INSTANCE_MAX + 32], software[64];

	snprintf(software, sizeof(software), "%s\\%04u", class_of(instance), device);
	snprintf(path, sizeof(path), "%s\\Device Parameters", instance);
	hardware = key_at(ENUM, path, true);
	return hardware && key_at(CLASS, software, true) &&
	       string_set(hardware->parent, u"ClassGUID", class_of(instance)) &&
	       string_set(hardware->parent, u"Driver", software);
}

int reg_device_add(const char *instance)
{
	unsigned n;
	bool good;

	for (n = 0; n < known.device_count; n++)
		if (!strcmp(known.devices[n].instance, instance))
			return (int)n;
	if (n == REG_DEVICES_MAX || strlen(instance) >= REG_INSTANCE_MAX)
		return error_set(ENOSPC, "%s: no room for it in the registry.", instance);
	reg_lock();
	good = device_keys_make(n, instance);
	reg_unlock();
	if (!good)
		return error_set(ENOMEM, "no memory for the registry.");
	snprintf(known.devices[n].instance, REG_INSTANCE_MAX, "%s", instance);
	known.device_count++;
	return (int)n;
}

unsigned reg_device_count(void)
{
	return known.device_count;
}

const char *reg_device_instance(unsigned device)
{
	return known.devices[device].instance;
}

void reg_device_object_set(unsigned device, const void *object)
{
	known.devices[device].object = object;
}

int reg_device_of(const void *object)
{
	for (unsigned n = 0; object && n < known.device_count; n++)
		if (known.devices[n].object == object)
			return (int)n;
	return -1;
}

void reg_inf_note(void)
{
	known.has_inf = true;
}

bool reg_has_inf(void)
{
	return known.has_inf;
}

void reg_names_forget(void)
{
	memset(&known, 0, sizeof(known));
}
