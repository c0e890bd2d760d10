/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The registry: one tree of keys, which every way to it shares.
 *
 *   registry.c        this: keys and values
 *   registry_path.c   names of keys as people and as drivers write them; the keys of driver and
 *                     device
 *   registry_text.c   text files in, as UTF-8
 *   registry_file.c   the .reg format (`--registry`, `--registry-out`)
 *   registry_inf.c    AddReg of an INF (`--inf`); inf.c reads the INF itself
 *   registry_value.c  values as a port reads them
 *   zw_key.c zw_query.c rtl_registry.c io_registry.c   the kernel's routines
 *   storport/ddi_stor_registry.c                       the miniport's
 *
 * Names compare without regard to letter case. Subkeys stand in the order of their names, values in
 * the order in which they were made; nothing in the tree depends on an address. A key that is
 * deleted while handles to it are open stays, cut off from the tree, until they are closed.
 *
 * What is below takes no lock: callers hold reg_lock around it and around what they do with what
 * they got. Its holder passes no safepoint and emits no event (nt_lock.h).
 */
#ifndef DRY_NT_REGISTRY_H
#define DRY_NT_REGISTRY_H

#include "nt/nt.h"
#include <string.h>

enum {
	REG_NAME_MAX = 255,	    /* characters of a key's name */
	REG_VALUE_NAME_MAX = 16383, /* of a value's */
	REG_LEVELS_MAX = 512,
	REG_DATA_MAX = 16 << 20, /* bytes of a value */
};

struct reg_value {
	struct reg_value *next;
	UNICODE_STRING name;
	ULONG type;
	uint32_t bytes;
	uint8_t *data;
};

struct reg_key {
	struct reg_key *parent, *next, *child; /* next: among the parent's, by name */
	struct reg_value *values;
	UNICODE_STRING name, class;
	uint64_t written; /* system time of the last change of it or its values */
	uint32_t references;
	uint32_t level;
	bool is_volatile, is_deleted;
};

void reg_lock(void);
void reg_unlock(void);

/* \Registry, with the keys that every system has; nt_init makes it, nt_fini frees it. */
int reg_init(void);
void reg_fini(void);
struct reg_key *reg_root(void);

/* ---- keys ---- */

/* -1, 0, 1 */
int reg_name_compare(const UNICODE_STRING *a, const UNICODE_STRING *b);
/* NULL if there is none. */
struct reg_key *reg_key_child(struct reg_key *key, const UNICODE_STRING *name);
/* The key that a path leads to: names with a backslash between; empty: key itself.
 * STATUS_OBJECT_NAME_NOT_FOUND; STATUS_OBJECT_NAME_INVALID: an empty name. */
NTSTATUS reg_key_find(struct reg_key *key, const UNICODE_STRING *path, struct reg_key **found);
/*
 * The same, and makes what is missing: the last key, or with all the whole way. made (may be NULL):
 * whether it was. Besides the above STATUS_OBJECT_NAME_INVALID for a name or a path that is too
 * long, STATUS_INSUFFICIENT_RESOURCES, STATUS_CHILD_MUST_BE_VOLATILE.
 */
NTSTATUS reg_key_make(struct reg_key *key, const UNICODE_STRING *path, bool all, bool is_volatile,
	struct reg_key **found, bool *made);
/* STATUS_CANNOT_DELETE: it has subkeys, or it is the root or one of its subkeys. */
NTSTATUS reg_key_delete(struct reg_key *key);
/* With all its subkeys. */
void reg_key_delete_tree(struct reg_key *key);
void reg_key_hold(struct reg_key *key);
void reg_key_drop(struct reg_key *key);

/* ---- values ---- */

/* NULL if there is none. The empty name is the default value's. */
struct reg_value *reg_value_find(const struct reg_key *key, const UNICODE_STRING *name);
/* Makes or replaces. STATUS_INSUFFICIENT_RESOURCES; STATUS_INVALID_PARAMETER: name or data too
 * long. */
NTSTATUS reg_value_set(struct reg_key *key, const UNICODE_STRING *name, ULONG type,
	const void *data, size_t bytes);
/* False: there was none. */
bool reg_value_delete(struct reg_key *key, const UNICODE_STRING *name);

/* ---- changes ---- */

/* From add to remove `changed` is told, under reg_lock, of each change of a key and of what is
 * below it: of values, and of keys that are made or deleted. */
struct reg_watch {
	struct reg_watch *next;
	struct reg_key *key; /* held meanwhile */
	void (*changed)(struct reg_watch *watch);
};
void reg_watch_add(struct reg_watch *watch);
void reg_watch_remove(struct reg_watch *watch);

/* ---- registry_value.c; path and name are at most REG_NAME_MAX characters of ours ---- */

bool reg_is_string(ULONG type);
/* The value of that name in the key that the path leads to from this one, which may be NULL; NULL:
 * there is none. */
const struct reg_value *reg_value_at(struct reg_key *key, const char *path, const char *name);
/* What a REG_DWORD, a REG_QWORD or up to 8 bytes of REG_BINARY say; false: it is none of these. */
bool reg_value_number(const struct reg_value *value, uint64_t *number);
/* Its bytes as miniports get them: strings in the ANSI code page, with an ending zero. How many
 * there are; to: NULL to count them. */
uint32_t reg_value_bytes(const struct reg_value *value, uint8_t *to);

/* ---- registry_path.c ---- */

/* Characters of text. */
static inline UNICODE_STRING reg_string(const WCHAR *text, size_t count)
{
	return (UNICODE_STRING){(USHORT)(2 * count), (USHORT)(2 * count), (PWSTR)text};
}

/* UTF-8 as 16-bit characters; at most `room` of them. How many there are. */
size_t reg_widen(const char *text, size_t bytes, WCHAR *wide, size_t room);
/* The other way; an ending zero always follows. Lone halves of pairs become three bytes. */
size_t reg_narrow(const WCHAR *wide, size_t count, char *text, size_t room);

/* What follows \Registry in a path of a driver's. STATUS_OBJECT_PATH_SYNTAX_BAD for one that does
 * not begin so. */
NTSTATUS reg_path_below_root(const UNICODE_STRING *path, UNICODE_STRING *below);
/* The full path of a key, an ending zero always; its length as if there were room. */
size_t reg_key_path(const struct reg_key *key, char *text, size_t room);

/*
 * The driver's service: its key is \Registry\Machine\System\CurrentControlSet\Services\<name>.
 * reg_service_set makes the key; -ENOMEM, -EINVAL (error_set). Until then there is none.
 */
int reg_service_set(const char *name);
/* "" if none is set. */
const char *reg_service_name(void);
/* The key's path, as DriverEntry gets it. If none is set, the driver's name becomes the service's.
 * Valid to the machine's end. */
UNICODE_STRING *reg_service_path(const char *driver);
/* reg_lock held. The key below the service's that the path (UTF-8) leads to; make: with what is
 * missing on the way. NULL: there is none. */
struct reg_key *reg_service_key(const char *path, bool make);

/*
 * Devices. A device's hardware key is Enum\<instance>\Device Parameters, its software key
 * Control\Class\{4d36e97b-e325-11ce-bfc1-08002be10318}\<number>, or of a disk
 * {4d36e967-e325-11ce-bfc1-08002be10318}\<number>. The instance follows from the
 * device alone: "PCI\VEN_1B36&DEV_0010&SUBSYS_11001AF4&REV_02\3&0&08".
 */
#define REG_VIRTUAL_DEVICE "ROOT\\SCSIADAPTER\\0000" /* a virtual miniport's adapter */
#define REG_DISK_DEVICE	   "SCSI\\Disk&"	     /* how a unit's instance begins */
enum { REG_DEVICES_MAX = 512, REG_INSTANCE_MAX = 120 };
enum reg_device_key { REG_DEVICE_HARDWARE, REG_DEVICE_SOFTWARE };

/* The device's number; its keys are made if it is new. -ENOMEM, -ENOSPC (error_set) */
int reg_device_add(const char *instance);
unsigned reg_device_count(void);
const char *reg_device_instance(unsigned device);
/* reg_lock held. NULL if its key was deleted. */
struct reg_key *reg_device_key(unsigned device, enum reg_device_key which);
/* From now on this physical device object is the device's; NULL: it has none any more. */
void reg_device_object_set(unsigned device, const void *object);
/* -1: it is no physical device object of a device. */
int reg_device_of(const void *object);

/* An INF was read: what it did not say of a device's interrupts was not forgotten for lack of one.
 */
void reg_inf_note(void);
bool reg_has_inf(void);

/* reg_fini: forgets service and devices. */
void reg_names_forget(void);

/* ---- files; errors have a sentence that names file and line ---- */

/* .reg: adds to the tree, and takes from it. -errno (error_set) at the first fault; what stood
 * before it has been done. */
int reg_file_read(const char *path);
/* The whole tree but volatile keys, as Registry Editor's version 5 in UTF-8. */
int reg_file_write(const char *path);

/* What an INF writes for its service and, for each device there is (at least one), for the device.
 * The service's name becomes the
 * driver's (reg_service_set). */
int reg_inf_read(const char *path);

/* The same from text in memory, `name` in messages; for fuzzing and tests. */
int reg_file_parse(const char *name, const char *text, size_t bytes);
int reg_inf_parse(const char *name, const char *text, size_t bytes);

#endif
