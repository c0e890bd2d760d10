/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Bridges between the root bus and the device: bridge=pcie-root-port, and chains like
 * bridge=pcie-root-port/pcie-pci-bridge. Each is a function of src/bus, which numbers the bus
 * behind it and opens its windows; the process is told, as its own bridges route by these numbers
 * too. The doorbell stays on the root bus.
 */
#include "hw/qemu/qemu.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Slot 0 behind a conventional bridge is its hot-plug controller's. */
static const struct qemu_bridge_kind kinds[] = {
	{"pcie-root-port", "chassis", 0, true, QEMU_SLOT_EXPRESS},
	{"ioh3420", "chassis", 0, true, QEMU_SLOT_EXPRESS},
	{"x3130-upstream", NULL, 0, false, QEMU_SLOT_NONE},
	{"xio3130-downstream", "chassis", 0, false, QEMU_SLOT_EXPRESS},
	{"pcie-pci-bridge", NULL, 1, false, QEMU_SLOT_STANDARD},
	{"pci-bridge", "chassis_nr", 1, false, QEMU_SLOT_STANDARD},
	{"i82801b11-bridge", NULL, 1, true, QEMU_SLOT_NONE},
};

static const struct qemu_bridge_kind *kind_find(const char *device, size_t length)
{
	for (size_t n = 0; n < array_size(kinds); n++)
		if (strlen(kinds[n].device) == length && !memcmp(kinds[n].device, device, length))
			return &kinds[n];
	return NULL;
}

static int kind_unknown(const char *device, size_t length)
{
	char all[256];
	size_t used = 0;

	for (size_t n = 0; n < array_size(kinds); n++)
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", n ? ", " : "", kinds[n].device);
	return error_set(EINVAL, "--hw qemu: there is no bridge \"%.*s\"; there are %s.",
		(int)length, device, all);
}

/* The bus and slot behind the bridges that there are so far. */
void qemu_bridges_place(const struct hw_device *q, char *text, size_t size)
{
	const struct qemu_bridge *above = q->bridges ? &q->bridge[q->bridges - 1] : NULL;

	if (above)
		snprintf(text, size, "bus=%s,addr=%u", above->id, above->kind->first_slot);
	else
		snprintf(text, size, "addr=%u", QEMU_DEVICE_SLOT);
}

static int bridge_make(struct hw_device *q, const char *device, size_t length)
{
	const struct qemu_bridge_kind *kind = kind_find(device, length);
	struct qemu_bridge *bridge = &q->bridge[q->bridges];
	char place[32], number[32] = "";

	if (!kind)
		return kind_unknown(device, length);
	if (q->bridges == QEMU_BRIDGES)
		return error_set(EINVAL, "--hw qemu: more than %d bridges.", QEMU_BRIDGES);
	if (kind->is_root && q->bridges)
		return error_set(EINVAL, "--hw qemu: %s is on the root bus, and behind no bridge.",
			kind->device);
	qemu_bridges_place(q, place, sizeof(place));
	*bridge = (struct qemu_bridge){.q = q, .kind = kind};
	snprintf(bridge->id, sizeof(bridge->id), "b%u", q->bridges);
	if (kind->number)
		snprintf(number, sizeof(number), ",%s=%u", kind->number, q->bridges + 1);
	if (!q->bridges) {
		/* Else ACPI's tables, which no guest reads, would have the slots. */
		qemu_words_add(&q->words, "-global");
		qemu_words_add(&q->words, "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
	}
	q->bridges++;
	qemu_words_add(&q->words, "-device");
	qemu_words_add(&q->words, "%s,id=%s,%s%s", kind->device, bridge->id, place, number);
	return 0;
}

int qemu_bridges_make(struct hw_device *q, const char *options)
{
	char chain[256];
	const char *at = hw_option(options, "bridge", chain, sizeof(chain));
	int err = 0;

	while (at && !err) {
		size_t length = strcspn(at, "/");

		err = bridge_make(q, at, length);
		at = at[length] ? at + length + 1 : NULL;
	}
	return err;
}

/* ---- as functions ---- */

static uint32_t bridge_config_read(void *device, unsigned offset)
{
	struct qemu_bridge *bridge = device;

	return qemu_config_read(bridge->q, bridge->where, offset, 4);
}

static void bridge_config_write(void *device, unsigned offset, unsigned size, uint32_t value)
{
	struct qemu_bridge *bridge = device;

	qemu_config_write(bridge->q, bridge->where, offset, size, value);
}

static void bridge_command(void *device, uint16_t command)
{
	bridge_config_write(device, QEMU_COMMAND, 2, command);
}

static int bridge_add(struct qemu_bridge *bridge, struct bus_function *above, unsigned slot)
{
	static const struct bus_function_ops ops = {
		.command = bridge_command,
		.config_read = bridge_config_read,
		.config_write = bridge_config_write,
	};
	struct bus_function_config config = {
		.name = bridge->kind->device,
		.bridge = above,
		.slot = (uint8_t)slot,
		.is_bridge = true,
		.space = bridge->space,
	};
	const uint8_t *space = bridge->space;

	qemu_space_read(bridge->q, bridge->where, bridge->space);
	if ((space[0] | space[1] << 8) == 0xffff || (space[0x0e] & 0x7f) != 1)
		return error_set(ENODEV, "--hw qemu: %s is not where it should be.", config.name);
	config.vendor = (uint16_t)(space[0] | space[1] << 8);
	config.device = (uint16_t)(space[2] | space[3] << 8);
	config.revision = space[8];
	config.prog_if = space[9];
	config.subclass = space[10];
	config.base_class = space[11];
	bridge->function = bus_function_new(&config, &ops, bridge);
	return bridge->function ? 0 : -EINVAL;
}

int qemu_bridges_add(struct hw_device *q)
{
	struct bus_function *above = NULL;
	unsigned bus = 0, slot = QEMU_DEVICE_SLOT;
	int err = 0;

	for (unsigned n = 0; n < q->bridges && !err; n++) {
		struct qemu_bridge *bridge = &q->bridge[n];

		bridge->where = QEMU_WHERE(bus, slot);
		err = bridge_add(bridge, above, slot);
		if (err)
			return err;
		above = bridge->function;
		bus = bus_bridge_secondary(above);
		slot = bridge->kind->first_slot;
	}
	q->pci.where = QEMU_WHERE(bus, slot);
	q->pci.config.bridge = above;
	q->pci.config.slot = (uint8_t)slot;
	return err;
}

void qemu_bridges_free(struct hw_device *q)
{
	while (q->bridges) {
		struct qemu_bridge *bridge = &q->bridge[--q->bridges];

		if (bridge->function)
			bus_function_free(bridge->function);
	}
}
