/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The device is pulled out of its slot, and another one is put in: QMP's device_del and device_add
 * with PCI Express's native hot-plug (PCI Express Base Specification 5.0, 6.7 and 7.5.3.10), or
 * behind conventional bridges with the Standard Hot-Plug Controller (PCI Standard Hot-Plug
 * Controller and Subsystem Specification 1.0). No guest is there to be asked, so the slot's power
 * is ours to switch: with it off the device goes at once, whatever it was doing. Without a slot (on
 * the root bus, behind a bridge that has none) the function leaves src/bus alone, and is reset when
 * it is back.
 */
#include "hw/qemu/qemu.h"
#include "util/error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS	     10000
#define DELETED_MS	     1000
#define MONITOR_WORD	     1000
#define EXPRESS_SLOT_CONTROL 0x18
#define EXPRESS_SLOT_STATUS  0x1a

enum {
	SLOT_INDICATOR_ON = 1 << 8,
	SLOT_INDICATOR_OFF = 3 << 8, /* and the mask of both bits */
	SLOT_POWER_OFF = 1 << 10
};

/* The Standard Hot-Plug Controller: its BAR, and the command register, of which the upper byte is
 * the slot. A slot operation has the state in bits 0 and 1, the power indicator in 2 and 3. */
enum {
	STANDARD_BAR = 0x10,
	STANDARD_BYTES = 256,
	STANDARD_COMMAND = 0x14,
	SLOT_ENABLE = 2 | 1 << 2,
	SLOT_DISABLE = 3 | 3 << 2
};

/* A BAR of the device in whose place that of the controller fits; BUS_BARS: there is none. */
static unsigned standard_bar(const struct hw_device *q)
{
	unsigned n = 0;

	while (n < BUS_BARS &&
		(q->pci.config.bar[n].is_io || q->pci.config.bar[n].size < STANDARD_BYTES))
		n++;
	return n;
}

static const struct qemu_bridge *slot_of(const struct hw_device *q)
{
	const struct qemu_bridge *last = q->bridges ? &q->bridge[q->bridges - 1] : NULL;

	if (!last || last->kind->slot == QEMU_SLOT_NONE ||
		(last->kind->slot == QEMU_SLOT_STANDARD && standard_bar(q) == BUS_BARS))
		return NULL;
	return last;
}

/* The slot's registers, an offset in the bridge's space; 0 if it has none. */
static unsigned express_of(const struct qemu_bridge *bridge)
{
	unsigned at = bridge->space[QEMU_LIST] & 0xfcu;

	for (unsigned n = 0; at >= 0x40 && n < 48; n++, at = bridge->space[at + 1] & 0xfcu)
		if (bridge->space[at] == QEMU_CAPABILITY_EXPRESS)
			return at;
	return 0;
}

static void express_power(struct hw_device *q, const struct qemu_bridge *bridge, bool on)
{
	unsigned at = express_of(bridge);
	uint32_t control = qemu_config_read(q, bridge->where, at + EXPRESS_SLOT_CONTROL, 2);

	control &= ~(uint32_t)(SLOT_INDICATOR_OFF | SLOT_POWER_OFF);
	control |= on ? SLOT_INDICATOR_ON : SLOT_INDICATOR_OFF | SLOT_POWER_OFF;
	qemu_config_write(q, bridge->where, at + EXPRESS_SLOT_CONTROL, 2, control);
	/* What has changed is known: its bits are cleared by ones. */
	qemu_config_write(q, bridge->where, at + EXPRESS_SLOT_STATUS, 2,
		qemu_config_read(q, bridge->where, at + EXPRESS_SLOT_STATUS, 2));
}

/* The controller's registers are in the bridge's BAR, which has no place of its own: it is where
 * the device's is, which is out or about to go. That lies within all windows. The capability's
 * window on them writes something else in QEMU 7.2. */
static void standard_power(struct hw_device *q, const struct qemu_bridge *bridge, bool on)
{
	uint64_t at = q->pci.bar[standard_bar(q)];
	uint32_t slot = q->pci.where & 31;

	qemu_config_write(q, q->pci.where, QEMU_COMMAND, 2, 0);
	qemu_config_write(q, bridge->where, STANDARD_BAR, 4, (uint32_t)at);
	qemu_config_write(q, bridge->where, STANDARD_BAR + 4, 4, (uint32_t)(at >> 32));
	qemu_write(
		q, false, at + STANDARD_COMMAND, 2, slot << 8 | (on ? SLOT_ENABLE : SLOT_DISABLE));
	qemu_config_write(q, bridge->where, STANDARD_BAR, 4, 0);
	qemu_config_write(q, bridge->where, STANDARD_BAR + 4, 4, 0);
}

static void power_set(struct hw_device *q, const struct qemu_bridge *bridge, bool on)
{
	if (bridge->kind->slot == QEMU_SLOT_EXPRESS)
		express_power(q, bridge, on);
	else
		standard_power(q, bridge, on);
}

/* Nothing answers where it was. */
static bool is_empty(struct hw_device *q)
{
	return (uint16_t)qemu_config_read(q, q->pci.where, 0, 2) == 0xffff;
}

static int device_delete(struct hw_device *q, const struct qemu_bridge *bridge)
{
	unsigned before = q->qmp.deleted;
	char id[16], line[32], said[256];
	int err;

	snprintf(id, sizeof(id), "c%u", q->turn);
	err = qemu_qmp_call(q, "device_del", json_pack("{s:s}", "id", id), NULL, ANSWER_MS);
	if (!err) {
		power_set(q, bridge, false);
		err = qemu_qmp_deleted_wait(q, before, DELETED_MS);
	}
	/* One that requests of its own still refer to is not freed, but out of its slot. */
	if (err == -ETIMEDOUT && is_empty(q))
		err = 0;
	/* Its image is closed; some devices have done so themselves. */
	snprintf(line, sizeof(line), "drive_del d%u", q->turn);
	if (!err)
		err = qemu_qmp_monitor(q, line, said, sizeof(said));
	return err;
}

/* A part as one word of a line for the monitor. */
static char *line_make(const char *command, const char *words)
{
	char *line = malloc(strlen(command) + 2 * strlen(words) + 4), *to = line;

	if (!line)
		return NULL;
	to += sprintf(to, "%s \"", command);
	for (const char *from = words; *from; from++) {
		if (*from == '"' || *from == '\\')
			*to++ = '\\';
		*to++ = *from;
	}
	memcpy(to, "\"", 2);
	return line;
}

/* The monitor has 1024 bytes for a word. */
static int drive_add(struct hw_device *q, const char *words)
{
	char said[512] = "", *line;
	int err;

	if (strlen(words) > MONITOR_WORD)
		return error_set(ENAMETOOLONG,
			"the address of its disk is longer than the %d bytes that QEMU's monitor "
			"takes",
			MONITOR_WORD);
	line = line_make("drive_add 0", words);
	if (!line)
		return error_set(ENOMEM, "drive_add: no memory.");
	err = qemu_qmp_monitor(q, line, said, sizeof(said));
	free(line);
	/* Who adds a drive is told "OK", or why not. */
	if (!err && strcmp(said, "OK") != 0)
		err = error_set(EIO, "QEMU refuses drive_add: %s",
			said + (strncmp(said, "Error: ", 7) ? 0 : 7));
	return err;
}

/* It has nothing to say, unless it refuses. */
static int device_add(struct hw_device *q, const char *words)
{
	char said[512] = "", *line = line_make("device_add", words);
	int err;

	if (!line)
		return error_set(ENOMEM, "device_add: no memory.");
	err = qemu_qmp_monitor(q, line, said, sizeof(said));
	free(line);
	if (!err && said[0])
		err = error_set(EIO, "QEMU refuses device_add: %s",
			said + (strncmp(said, "Error: ", 7) ? 0 : 7));
	return err;
}

/* The next item of KEY=VALUE,KEY=VALUE, where a comma in a value is written twice. NULL: that was
 * the last. */
static char *item_take(char **rest)
{
	char *item = *rest, *to = item, *from = item;

	if (!item)
		return NULL;
	while (*from && (*from != ',' || from[1] == ',')) {
		from += *from == ',';
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = 0;
	return item;
}

/* A device's words as QMP has them, which knows no longest line, but numbers: the text of one is
 * refused since QEMU 9.2. So only where the monitor has no room. */
static json_t *device_object(char *words)
{
	json_t *object = json_pack("{s:s}", "driver", item_take(&words));
	char *item;

	while (object && (item = item_take(&words)) != NULL) {
		char *value = strchr(item, '=');

		if (value)
			*value++ = 0;
		if (*item)
			json_object_set_new(object, item, json_string(value ? value : "on"));
	}
	return object;
}

static int part_add(struct hw_device *q, enum qemu_part part)
{
	char *words = qemu_part_words(q, part);
	int err;

	if (!words)
		err = error_set(ENOMEM, "a device in QEMU: no memory.");
	else if (part == QEMU_DRIVE)
		err = drive_add(q, words);
	else if (strlen(words) <= MONITOR_WORD)
		err = device_add(q, words);
	else
		err = qemu_qmp_call(q, "device_add", device_object(words), NULL, ANSWER_MS);
	free(words);
	return err;
}

static int pull(struct hw_device *q)
{
	const struct qemu_bridge *bridge = slot_of(q);
	char reason[512];
	int err;

	if (q->is_out || q->is_dead)
		return 0;
	if (!bridge) {
		if (!q->lacks_slot)
			fprintf(stderr,
				"dryport: %s has no slot in QEMU that it could be pulled out of "
				"(docs/qemu.md): it is reset, and keeps its image.\n",
				q->device);
		q->lacks_slot = true;
		return 0;
	}
	err = device_delete(q, bridge);
	q->is_out = !err;
	q->pci.is_there = err;
	if (!err)
		return 0;
	error_take(reason, sizeof(reason));
	fprintf(stderr, "dryport: %s cannot be pulled out of its slot: %s\n", q->device, reason);
	return error_set(-err, "%s", reason);
}

static int put_in(struct hw_device *q)
{
	const struct qemu_bridge *bridge = slot_of(q);
	char reason[512], line[32], said[64];
	uint32_t id;
	int err;

	if (q->is_dead)
		return error_set(ENODEV, "%s: its QEMU has ended.", q->device);
	if (!q->is_out)
		return 0;
	pthread_mutex_lock(&q->qmp.lock);
	q->turn++;
	pthread_mutex_unlock(&q->qmp.lock);
	err = part_add(q, QEMU_DRIVE);
	if (!err)
		err = part_add(q, QEMU_DEVICE);
	if (!err && q->unit_words)
		err = part_add(q, QEMU_UNIT);
	if (err) {
		error_take(reason, sizeof(reason));
		/* For another try: without power in its slot a device goes at once. */
		snprintf(line, sizeof(line), "device_del c%u", q->turn);
		qemu_qmp_monitor(q, line, said, sizeof(said));
		snprintf(line, sizeof(line), "drive_del d%u", q->turn);
		qemu_qmp_monitor(q, line, said, sizeof(said));
		return error_set(-err, "%s cannot be put in: %s", q->device, reason);
	}
	power_set(q, bridge, true);
	id = qemu_config_read(q, q->pci.where, 0, 4);
	if (id != (q->pci.config.vendor | (uint32_t)q->pci.config.device << 16)) {
		/* It stays out, and does not keep the image. */
		device_delete(q, bridge);
		return error_set(
			ENODEV, "%s: %08x answers in its slot after it was put in.", q->device, id);
	}
	q->is_out = false;
	q->pci.is_there = true;
	return 0;
}

int qemu_slot_plug(void *device, bool in)
{
	return in ? put_in(device) : pull(device);
}
