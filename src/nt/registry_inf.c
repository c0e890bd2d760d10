/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the installation of an INF writes into the registry: the AddReg directives of its install
 * section (to the device's software key), of that with .HW (hardware key) and of the services that
 * the one with .Services adds (their keys, and those of their event logs). Pages: install/
 * inf-manufacturer-section, inf-models-section, inf-ddinstall-section, inf-addservice-directive,
 * inf-addreg-directive. See registry.h.
 */
#include "nt/inf.h"
#include "nt/os.h"
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum flag {
	FLAG_BINARY = 0x1,
	FLAG_NO_CLOBBER = 0x2,
	FLAG_DELETE = 0x4,
	FLAG_APPEND = 0x8,
	FLAG_KEY_ONLY = 0x10,
	FLAG_OVERWRITE_ONLY = 0x20,
	FLAG_KEY_ONLY_COMMON = 0x2000,
	TYPE_SZ = 0,
	TYPE_MULTI_SZ = 0x10000,
	TYPE_EXPAND_SZ = 0x20000,
	TYPE_BINARY = 0x1,
	TYPE_DWORD = 0x10001,
	TYPE_NONE = 0x20001,
	TYPE_QWORD = 0xb0001,
	TYPE_MASK = (int)0xffff0001u,
};

/* A line of an add-registry-section, and what it says. */
struct entry {
	struct inf *inf;
	const struct inf_line *line;
	char field[INF_FIELD_MAX];
	WCHAR wide[INF_FIELD_MAX + 1];
	uint32_t flags;
	struct reg_key *key;
	UNICODE_STRING name;
	WCHAR name_text[INF_FIELD_MAX];
	/* of the value */
	uint8_t *data;
	size_t bytes, room;
};

static int no_memory(const struct entry *entry)
{
	return error_set(ENOMEM, "%s: no memory for the registry.", entry->inf->text.name);
}

static int field(struct entry *entry, unsigned n)
{
	return inf_field(entry->inf, entry->line, n, entry->field);
}

static bool parse_number(const char *text, int base, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	return *text && !*end && !errno;
}

/* ---- the value ---- */

static int data_put(struct entry *entry, const void *data, size_t bytes)
{
	if (bytes > entry->room - entry->bytes) {
		size_t room = 2 * (entry->bytes + bytes);
		uint8_t *larger = realloc(entry->data, room);

		if (!larger)
			return no_memory(entry);
		entry->data = larger;
		entry->room = room;
	}
	memcpy(entry->data + entry->bytes, data, bytes);
	entry->bytes += bytes;
	return 0;
}

/* The field as 16-bit characters with their ending zero. */
static int data_put_string(struct entry *entry, unsigned n)
{
	int err = field(entry, n);
	size_t count;

	if (err)
		return err;
	count = reg_widen(entry->field, strlen(entry->field), entry->wide, INF_FIELD_MAX);
	entry->wide[count] = 0;
	return data_put(entry, entry->wide, (count + 1) * sizeof(WCHAR));
}

static int data_put_number(struct entry *entry, unsigned n, int base, uint64_t max, size_t bytes)
{
	uint64_t number;
	int err = field(entry, n);

	if (err)
		return err;
	if (!parse_number(entry->field, base, &number) || (number > max && -number > max / 2 + 1))
		return inf_fault(entry->inf, entry->line, "'%.40s' is no number of %zu byte%s%s.",
			entry->field, bytes, bytes == 1 ? "" : "s",
			base == 16 ? " in hexadecimal digits" : "");
	return data_put(entry, &number, bytes);
}

static int data_put_bytes(struct entry *entry, unsigned first, unsigned count)
{
	int err = 0;

	for (unsigned n = first; !err && n < count; n++)
		err = data_put_number(entry, n, 16, 0xff, 1);
	return err;
}

static int read_data(struct entry *entry)
{
	enum { FIRST = 4 };
	unsigned count = inf_field_count(entry->line);
	uint32_t type = entry->flags & (uint32_t)TYPE_MASK;
	WCHAR end = 0;
	int err = 0;

	switch (type) {
	case TYPE_DWORD:
		/* one number, or its bytes */
		if (count > FIRST + 1)
			return data_put_bytes(entry, FIRST, count);
		return data_put_number(entry, FIRST, 0, UINT32_MAX, 4);
	case TYPE_QWORD:
		if (count > FIRST + 1)
			return data_put_bytes(entry, FIRST, count);
		return data_put_number(entry, FIRST, 0, UINT64_MAX, 8);
	case TYPE_SZ:
	case TYPE_EXPAND_SZ:
		return data_put_string(entry, FIRST);
	case TYPE_MULTI_SZ:
		for (unsigned n = FIRST; !err && n < count; n++)
			err = data_put_string(entry, n);
		return err ? err : data_put(entry, &end, sizeof(end));
	default:
		return data_put_bytes(entry, FIRST, count);
	}
}

/* The strings that the value has and those of the entry that it has not. */
static int append(struct entry *entry, const struct reg_value *old)
{
	const WCHAR *next = (const WCHAR *)entry->data;
	WCHAR *all, *to;
	size_t old_count = old && old->type == REG_MULTI_SZ ? old->bytes / 2 : 0, length, room;

	while (old_count && !((const WCHAR *)old->data)[old_count - 1])
		old_count--;
	room = old_count + 2 + entry->bytes / 2;
	all = calloc(room, sizeof(WCHAR));
	if (!all)
		return no_memory(entry);
	if (old_count)
		memcpy(all, old->data, old_count * sizeof(WCHAR));
	to = all + old_count + (old_count != 0);
	for (; *next; next += length + 1) {
		UNICODE_STRING wanted, one;
		const WCHAR *at = all;

		RtlInitUnicodeString(&wanted, next);
		length = wanted.Length / 2;
		for (RtlInitUnicodeString(&one, at); one.Length; RtlInitUnicodeString(&one, at)) {
			if (!reg_name_compare(&one, &wanted))
				break;
			at += one.Length / 2 + 1;
		}
		if (one.Length)
			continue;
		memcpy(to, next, wanted.Length);
		to += length + 1;
	}
	free(entry->data);
	entry->data = (uint8_t *)all;
	entry->room = room * sizeof(WCHAR);
	entry->bytes = (size_t)(to + 1 - all) * sizeof(WCHAR);
	return 0;
}

static ULONG type_of(uint32_t flags)
{
	switch (flags & (uint32_t)TYPE_MASK) {
	case TYPE_SZ:
		return REG_SZ;
	case TYPE_MULTI_SZ:
		return REG_MULTI_SZ;
	case TYPE_EXPAND_SZ:
		return REG_EXPAND_SZ;
	case TYPE_BINARY:
		return REG_BINARY;
	case TYPE_NONE:
		return REG_NONE;
	case TYPE_DWORD:
		return REG_DWORD;
	default:
		return flags >> 16;
	}
}

static int write_value(struct entry *entry)
{
	const struct reg_value *old = reg_value_find(entry->key, &entry->name);
	uint32_t flags = entry->flags;
	NTSTATUS status;
	int err;

	if ((old && flags & FLAG_NO_CLOBBER) || (!old && flags & FLAG_OVERWRITE_ONLY))
		return 0;
	err = read_data(entry);
	if (!err && flags & FLAG_APPEND)
		err = append(entry, old);
	if (err)
		return err;
	status = reg_value_set(entry->key, &entry->name, type_of(flags), entry->data, entry->bytes);
	return status ? no_memory(entry) : 0;
}

/* ---- the entry ---- */

/* "HKR,..." is below this key. */
static int entry_root(struct entry *entry, struct reg_key *relative, struct reg_key **root)
{
	static const struct {
		const char *name;
		const WCHAR *path;
	} roots[] = {{"HKLM", u"Machine"}, {"HKU", u"User"}, {"HKCU", u"User\\.Default"},
		{"HKCR", u"Machine\\SOFTWARE\\Classes"}};
	UNICODE_STRING path;
	int err = field(entry, 0);

	if (err)
		return err;
	*root = relative;
	if (!strcasecmp(entry->field, "HKR"))
		return 0;
	for (size_t n = 0; n < array_size(roots); n++) {
		if (strcasecmp(entry->field, roots[n].name))
			continue;
		RtlInitUnicodeString(&path, roots[n].path);
		return reg_key_make(reg_root(), &path, true, false, root, NULL) ? no_memory(entry)
										: 0;
	}
	return inf_fault(entry->inf, entry->line,
		"'%.40s' where one of HKR, HKLM, HKU, HKCU and HKCR is due.", entry->field);
}

static int entry_flags(struct entry *entry)
{
	uint64_t flags = 0;
	uint32_t type;
	int err = field(entry, 3);

	if (err)
		return err;
	if (*entry->field && (!parse_number(entry->field, 0, &flags) || flags > UINT32_MAX))
		return inf_fault(
			entry->inf, entry->line, "the flags '%.40s' are no number.", entry->field);
	entry->flags = (uint32_t)flags;
	type = entry->flags & (uint32_t)TYPE_MASK;
	if (!(type & FLAG_BINARY) && type > TYPE_EXPAND_SZ)
		return inf_fault(entry->inf, entry->line,
			"the flags 0x%08x: there is no such type of strings.", entry->flags);
	if (entry->flags & FLAG_APPEND && type != TYPE_MULTI_SZ)
		return inf_fault(entry->inf, entry->line,
			"the flags 0x%08x: only to REG_MULTI_SZ can be appended.", entry->flags);
	return 0;
}

static int entry_delete(struct entry *entry, struct reg_key *root, const UNICODE_STRING *path)
{
	if (reg_key_find(root, path, &entry->key))
		return 0;
	if (entry->name.Length)
		reg_value_delete(entry->key, &entry->name);
	else if (path->Length)
		reg_key_delete_tree(entry->key);
	return 0;
}

static int entry_do(struct entry *entry, struct reg_key *relative)
{
	unsigned count = inf_field_count(entry->line);
	struct reg_key *root;
	UNICODE_STRING path;
	int err = entry_root(entry, relative, &root);

	if (!err)
		err = entry_flags(entry);
	if (!err)
		err = field(entry, 2);
	if (err)
		return err;
	entry->name = reg_string(entry->name_text,
		reg_widen(entry->field, strlen(entry->field), entry->name_text, INF_FIELD_MAX));
	err = field(entry, 1);
	if (err)
		return err;
	path = reg_string(entry->wide,
		reg_widen(entry->field, strlen(entry->field), entry->wide, INF_FIELD_MAX));
	if (root->is_deleted)
		return inf_fault(entry->inf, entry->line,
			"the key that HKR stands for was deleted by a line before.");
	if (entry->flags & FLAG_DELETE)
		return entry_delete(entry, root, &path);
	if (reg_key_make(root, &path, true, false, &entry->key, NULL))
		return inf_fault(entry->inf, entry->line, "'%.60s' cannot be a key.", entry->field);
	if (entry->flags & (FLAG_KEY_ONLY | FLAG_KEY_ONLY_COMMON) || count < 3 ||
		(count < 5 && !entry->name.Length))
		return 0;
	return write_value(entry);
}

/* Each AddReg directive of a section. */
static int add_registry(struct inf *inf, int section, struct reg_key *relative)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	const struct inf_line *line = NULL;
	int err = entry ? 0 : error_set(ENOMEM, "%s: no memory for it.", inf->text.name);

	/* A line may delete the key that later ones are relative to. */
	if (relative)
		reg_key_hold(relative);
	while (!err && (line = inf_next_of(inf, section, "AddReg", line))) {
		for (unsigned n = 0; !err && n < inf_field_count(line); n++) {
			int names;

			err = inf_field(inf, line, n, entry->field);
			names = err ? -1 : inf_section(inf, entry->field, "", "");
			if (!err && names < 0)
				err = inf_fault(inf, line,
					"AddReg names [%.60s], which is not there.", entry->field);
			entry->inf = inf;
			entry->line = NULL;
			while (!err && (entry->line = inf_next(inf, names, entry->line))) {
				entry->bytes = 0;
				err = entry_do(entry, relative);
			}
		}
	}
	if (relative)
		reg_key_drop(relative);
	if (entry)
		free(entry->data);
	free(entry);
	return err;
}

/* ---- which sections ---- */

/* "NTamd64.10.0...16299" as a number that grows with what it asks for; -1: not for us. */
static int64_t decoration_rank(const char *text)
{
	static const char ours[] = "NTamd64", all[] = "NT";
	struct nt_os_version os = nt_os_version(nt_os());
	uint64_t part[5] = {0}; /* major, minor, product, suites, build */
	bool exact = !strncasecmp(text, ours, sizeof(ours) - 1);

	if (!exact && strncasecmp(text, all, sizeof(all) - 1))
		return -1;
	text += exact ? sizeof(ours) - 1 : sizeof(all) - 1;
	for (unsigned n = 0; n < array_size(part) && *text == '.'; n++)
		part[n] = strtoull(text + 1, (char **)&text, 0);
	if (*text || part[0] > os.major || (part[0] == os.major && part[1] > os.minor) ||
		part[4] > os.build)
		return -1;
	return (int64_t)((part[0] & 0xff) << 48 | (part[1] & 0xffff) << 32 |
			 (part[4] & 0x7fffffff) << 1 | exact) +
	       1;
}

/* The models of a line of [Manufacturer], decorated as it says and as suits us best. */
static int models_section(struct inf *inf, const struct inf_line *line, char *name)
{
	char decoration[INF_FIELD_MAX], best[INF_FIELD_MAX] = "";
	int64_t rank = -1;
	unsigned count = inf_field_count(line);
	int err = inf_field(inf, line, 0, name);

	for (unsigned n = 1; !err && n < count; n++) {
		int64_t its;

		err = inf_field(inf, line, n, decoration);
		its = err ? -1 : decoration_rank(decoration);
		if (its <= rank)
			continue;
		rank = its;
		memcpy(best, decoration, sizeof(best));
	}
	if (err)
		return err;
	if (count > 1 && rank < 0)
		return -ENOENT;
	return rank < 0 ? inf_section(inf, name, "", "") : inf_section(inf, name, ".", best);
}

/* Whether "PCI\VEN_1AF4&DEV_1001" is the instance or a part of it that ends with &. */
static bool id_fits(const char *id, const char *instance)
{
	size_t length = strlen(id);

	return length && !strncasecmp(id, instance, length) &&
	       (instance[length] == '&' || instance[length] == '\\');
}

/* The install section for a device, else the first; -ENOENT: there is none. */
static int install_find(struct inf *inf, const char *instance, char *name)
{
	const struct inf_line *maker = NULL, *model;
	char field_text[INF_FIELD_MAX];
	bool have = false;
	int err;

	while ((maker = inf_next(inf, inf_section(inf, "Manufacturer", "", ""), maker))) {
		int models = models_section(inf, maker, field_text);

		if (models == -EINVAL)
			return models;
		for (model = NULL; models >= 0 && (model = inf_next(inf, models, model));) {
			if (!have && (err = inf_field(inf, model, 0, name)))
				return err;
			have = true;
			for (unsigned n = 1; n < inf_field_count(model); n++) {
				err = inf_field(inf, model, n, field_text);
				if (err)
					return err;
				if (id_fits(field_text, instance))
					return inf_field(inf, model, 0, name);
			}
		}
	}
	return have ? 0 : -ENOENT;
}

/* [NAME.NTamd64SUFFIX], [NAME.NTSUFFIX] or [NAMESUFFIX]. */
static int decorated(const struct inf *inf, const char *name, const char *suffix)
{
	static const char *const decorations[] = {".NTamd64", ".NT", ""};
	int section = -1;

	for (size_t n = 0; section < 0 && n < array_size(decorations); n++)
		section = inf_section(inf, name, decorations[n], suffix);
	return section;
}

/* ---- services ---- */

static int service_name(struct inf *inf, int services, char *name)
{
	enum { ASSOCIATED = 2 }; /* SPSVCINST_ASSOCSERVICE: the device's function driver */
	const struct inf_line *line = NULL;
	char flags_text[INF_FIELD_MAX], first[INF_FIELD_MAX] = "";
	uint64_t flags;

	while ((line = inf_next_of(inf, services, "AddService", line))) {
		int err = inf_field(inf, line, 0, name);

		if (!err)
			err = inf_field(inf, line, 1, flags_text);
		if (err)
			return err;
		if (!*name || strchr(name, '\\') || strlen(name) > REG_NAME_MAX)
			return inf_fault(inf, line, "AddService names no service.");
		if (parse_number(flags_text, 0, &flags) && flags & ASSOCIATED)
			return 0;
		if (!*first)
			memcpy(first, name, sizeof(first));
	}
	memcpy(name, first, sizeof(first));
	return *name ? 0 : -ENOENT;
}

static struct reg_key *services_key(const char *below)
{
	char path[INF_FIELD_MAX + 32];
	WCHAR wide[2 * INF_FIELD_MAX];
	UNICODE_STRING name;
	struct reg_key *key;

	snprintf(path, sizeof(path), "Machine\\SYSTEM\\CurrentControlSet\\Services\\%s", below);
	name = reg_string(wide, reg_widen(path, strlen(path), wide, array_size(wide)));
	return reg_key_make(reg_root(), &name, true, false, &key, NULL) ? NULL : key;
}

/* The section that a field of AddService names. */
static int service_section(
	struct inf *inf, const struct inf_line *line, unsigned n, const char *below)
{
	char name[INF_FIELD_MAX];
	struct reg_key *key;
	int section, err = inf_field(inf, line, n, name);

	if (err || !*name)
		return err;
	section = inf_section(inf, name, "", "");
	if (section < 0)
		return inf_fault(inf, line, "AddService names [%.60s], which is not there.", name);
	key = services_key(below);
	return key ? add_registry(inf, section, key)
		   : error_set(ENOMEM, "%s: no memory for the registry.", inf->text.name);
}

static int services_add(struct inf *inf, int services)
{
	enum { NAME, FLAGS, SECTION, LOG_SECTION, LOG_TYPE, LOG_NAME };
	const struct inf_line *line = NULL;
	char service[INF_FIELD_MAX], type[INF_FIELD_MAX], log[INF_FIELD_MAX];
	char below[64 + 2 * REG_NAME_MAX];
	int err = 0;

	while (!err && (line = inf_next_of(inf, services, "AddService", line))) {
		err = inf_field(inf, line, NAME, service);
		if (!err)
			err = inf_field(inf, line, LOG_TYPE, type);
		if (!err)
			err = inf_field(inf, line, LOG_NAME, log);
		if (!err)
			err = service_section(inf, line, SECTION, service);
		if (err)
			break;
		snprintf(below, sizeof(below), "EventLog\\%.255s\\%.255s", *type ? type : "System",
			*log ? log : service);
		err = service_section(inf, line, LOG_SECTION, below);
	}
	return err;
}

/* ---- all of it ---- */

static int device_install(struct inf *inf, unsigned device)
{
	char name[INF_FIELD_MAX];
	struct reg_key *hardware, *software;
	int err = install_find(inf, reg_device_instance(device), name);

	if (err)
		return err;
	reg_lock();
	hardware = reg_device_key(device, REG_DEVICE_HARDWARE);
	software = reg_device_key(device, REG_DEVICE_SOFTWARE);
	if (!hardware || !software)
		err = error_set(EINVAL, "%s: the device's keys were deleted.", inf->text.name);
	if (!err)
		err = add_registry(inf, decorated(inf, name, ""), software);
	if (!err)
		err = add_registry(inf, decorated(inf, name, ".HW"), hardware);
	if (!err)
		err = services_add(inf, decorated(inf, name, ".Services"));
	reg_unlock();
	return err;
}

/* The service that the first device's driver is. */
static int service_install(struct inf *inf)
{
	char name[INF_FIELD_MAX], service[INF_FIELD_MAX];
	int err = install_find(inf, reg_device_instance(0), name);

	if (!err && decorated(inf, name, "") < 0)
		return error_set(EINVAL, "%s: [%.60s], which the models name, is not there.",
			inf->text.name, name);
	if (!err)
		err = service_name(inf, decorated(inf, name, ".Services"), service);
	if (err == -ENOENT)
		return error_set(EINVAL,
			"%s: it installs no driver's service on this system: [Manufacturer], "
			"models "
			"for NTamd64 and this release, an install section, and with .Services an "
			"AddService are needed.",
			inf->text.name);
	return err ? err : reg_service_set(service);
}

static int install(struct text *text)
{
	struct inf inf;
	int err = inf_parse(&inf, text);

	if (!err && inf_section(&inf, "Version", "", "") < 0)
		err = error_set(
			EINVAL, "%s: no INF file: it has no [Version] section.", text->name);
	if (!err && !reg_device_count() && reg_device_add(REG_VIRTUAL_DEVICE) < 0)
		err = -ENOMEM;
	if (!err)
		err = service_install(&inf);
	for (unsigned n = 0; !err && n < reg_device_count(); n++)
		err = device_install(&inf, n);
	inf_fini(&inf);
	if (!err)
		reg_inf_note();
	return err;
}

int reg_inf_read(const char *path)
{
	struct text text;
	int err = text_read(&text, path);

	return err ? err : install(&text);
}

int reg_inf_parse(const char *name, const char *bytes, size_t count)
{
	struct text text;
	int err = text_decode(&text, name, bytes, count);

	return err ? err : install(&text);
}
