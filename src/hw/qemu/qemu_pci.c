/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The device as a function of src/bus. The bus has the header and the message capabilities, and
 * chooses where the BARs lie; the process is told, and all other capabilities are read and written
 * there. Configuration space is reached through MMCONFIG, one trip an access.
 */
#include "hw/qemu/qemu_iommu.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

/* PCI Local Bus Specification 3.0, chapter 6 and its capabilities */
enum {
	BAR = 0x10,
	PIN = 0x3d,
	BAR_IO = 1,
	BAR_64BIT = 4,
	BAR_PREFETCHABLE = 8,
	CAPABILITY_MSI = 0x05,
	CAPABILITY_MSIX = 0x11,
	EXPRESS_CAPABLE = 4,
	EXPRESS_RESETS = 1 << 28,
	EXPRESS_CONTROL = 8,
	EXPRESS_RESET = 1 << 15,
	MSI_64BIT = 1 << 7
};

#define HOST_BRIDGE 0x29c08086u /* of the q35 machine */
#define PCIEXBAR    0x60	/* where the bridge has MMCONFIG */

static uint64_t mmconfig(unsigned where, unsigned offset)
{
	return QEMU_MMCONFIG + ((uint64_t)where << 15) + offset;
}

uint32_t qemu_config_read(struct hw_device *q, unsigned where, unsigned offset, unsigned size)
{
	return (uint32_t)qemu_read(q, false, mmconfig(where, offset), size);
}

void qemu_config_write(
	struct hw_device *q, unsigned where, unsigned offset, unsigned size, uint32_t value)
{
	qemu_write(q, false, mmconfig(where, offset), size, value);
}

int qemu_pci_begin(struct hw_device *q)
{
	uint32_t bridge;

	qemu_write(q, true, 0xcf8, 4, 0x80000000u);
	bridge = (uint32_t)qemu_read(q, true, 0xcfc, 4);
	if (q->is_dead)
		return -EPIPE; /* qemu_process_failed says why */
	qemu_write(q, true, 0xcf8, 4, 0x80000000u + PCIEXBAR);
	qemu_write(q, true, 0xcfc, 4, (uint32_t)QEMU_MMCONFIG | 1);
	if (bridge != HOST_BRIDGE || qemu_config_read(q, 0, 0, 4) != HOST_BRIDGE ||
		qemu_lines_watch(q))
		return error_set(EPROTO,
			"--hw qemu: this QEMU does not answer as versions 7.2 and later do (its "
			"host "
			"bridge is %08x).",
			bridge);
	return 0;
}

/* ---- what the bus asks ---- */

static uint64_t device_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	struct hw_device *q = device;

	return qemu_read(q, q->pci.config.bar[bar].is_io, q->pci.bar[bar] + offset, size);
}

static border_call void device_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	struct hw_device *q = device;

	qemu_write(q, q->pci.config.bar[bar].is_io, q->pci.bar[bar] + offset, size, value);
}

static void device_command(void *device, uint16_t command)
{
	struct hw_device *q = device;

	q->pci.command = command;
	if (q->pci.is_there)
		qemu_config_write(q, q->pci.where, QEMU_COMMAND, 2, command);
}

static uint32_t device_config_read(void *device, unsigned offset)
{
	struct hw_device *q = device;

	return qemu_config_read(q, q->pci.where, offset, 4);
}

/* As the firmware leaves it, and as the bus has it. */
static void place(struct hw_device *q)
{
	for (unsigned n = 0; n < BUS_BARS; n++) {
		const struct bus_bar_config *bar = &q->pci.config.bar[n];

		if (!bar->size)
			continue;
		qemu_config_write(q, q->pci.where, BAR + 4 * n, 4, (uint32_t)q->pci.bar[n]);
		if (bar->is_64bit)
			qemu_config_write(q, q->pci.where, BAR + 4 * n + 4, 4, 0);
	}
	q->pci.is_there = true;
	qemu_config_write(q, q->pci.where, QEMU_COMMAND, 2, q->pci.command);
}

void qemu_pci_place(struct hw_device *q)
{
	place(q);
	qemu_messages_set(q, q->pci.msix, q->pci.msi);
}

static void device_config_write(void *device, unsigned offset, unsigned size, uint32_t value)
{
	struct hw_device *q = device;
	unsigned control = q->pci.express_at + EXPRESS_CONTROL;

	qemu_config_write(q, q->pci.where, offset, size, value);
	/* A function-level reset: what the bus has keeps its values, and the device is given them.
	 */
	if (q->pci.has_reset && control - offset < size &&
		value >> 8 * (control - offset) & EXPRESS_RESET)
		qemu_pci_place(q);
}

static void device_messages(void *device, bool msix, unsigned msi)
{
	struct hw_device *q = device;

	q->pci.msix = msix;
	q->pci.msi = msi;
	qemu_messages_set(q, msix, msi);
}

static bool device_power(void *device, bool on)
{
	struct hw_device *q = device;

	if (q->is_out)
		return true;
	if (!on) {
		qemu_config_write(q, q->pci.where, QEMU_COMMAND, 2, 0);
		qemu_config_read(q, q->pci.where, QEMU_COMMAND, 2); /* it is done now */
		return true;
	}
	if (q->pci.has_reset) {
		unsigned at = q->pci.express_at + EXPRESS_CONTROL;

		qemu_config_write(q, q->pci.where, at, 2,
			qemu_config_read(q, q->pci.where, at, 2) | EXPRESS_RESET);
	}
	qemu_pci_place(q);
	return true;
}

void qemu_pci_line(struct hw_device *q, bool raised)
{
	struct bus_function *function = atomic_load(&q->function);

	if (function)
		bus_line_set(function, raised);
}

/* ---- finding out ---- */

/* PCI 3.0, 6.2.5.1: ones are written, and what stays zero is the size. The device does not decode
 * meanwhile. */
static void bar_size(struct hw_device *q, unsigned n)
{
	struct bus_bar_config *bar = &q->pci.config.bar[n];
	uint32_t was = qemu_config_read(q, q->pci.where, BAR + 4 * n, 4), mask;

	qemu_config_write(q, q->pci.where, BAR + 4 * n, 4, ~0u);
	mask = qemu_config_read(q, q->pci.where, BAR + 4 * n, 4);
	qemu_config_write(q, q->pci.where, BAR + 4 * n, 4, was);
	if (!mask)
		return;
	bar->is_io = mask & BAR_IO;
	bar->is_64bit = !bar->is_io && mask & BAR_64BIT;
	bar->is_prefetchable = !bar->is_io && mask & BAR_PREFETCHABLE;
	bar->size = ~(mask & ~(bar->is_io ? 3u : 15u)) + 1;
	if (bar->is_io)
		bar->size &= 0xffff;
}

static uint16_t word(const struct hw_device *q, unsigned at)
{
	return (uint16_t)(q->pci.space[at] | q->pci.space[at + 1] << 8);
}

static uint32_t dword(const struct hw_device *q, unsigned at)
{
	return word(q, at) | (uint32_t)word(q, at + 2) << 16;
}

static void capability_take(struct hw_device *q, uint8_t at)
{
	struct bus_function_config *config = &q->pci.config;

	switch (q->pci.space[at]) {
	case CAPABILITY_MSI:
		/* One of 32 bits is laid out otherwise; nothing of QEMU's has it. */
		if (!(word(q, at + 2) & MSI_64BIT))
			return;
		config->msi_at = at;
		config->msi_messages = 1u << min_of(word(q, at + 2) >> 1 & 7, 5);
		return;
	case CAPABILITY_MSIX:
		config->msix_at = at;
		config->msix_messages = min_of((word(q, at + 2) & 0x7ffu) + 1,
			q->has_iommu ? QEMU_FAULT_EVENT : QEMU_VECTORS);
		config->msix_bar = dword(q, at + 4) & 7;
		config->msix_offset = dword(q, at + 4) & ~7u;
		return;
	case QEMU_CAPABILITY_EXPRESS:
		q->pci.express_at = at;
		q->pci.has_reset = dword(q, at + EXPRESS_CAPABLE) & EXPRESS_RESETS;
		return;
	}
}

void qemu_space_read(struct hw_device *q, unsigned where, uint8_t *space)
{
	for (unsigned at = 0; at < 256; at += 4) {
		uint32_t value = qemu_config_read(q, where, at, 4);

		for (unsigned n = 0; n < 4; n++)
			space[at + n] = (uint8_t)(value >> 8 * n);
	}
}

static void config_make(struct hw_device *q)
{
	struct bus_function_config *config = &q->pci.config;
	const uint8_t *space = q->pci.space;
	uint8_t at = space[6] & QEMU_STATUS_LIST ? space[QEMU_LIST] & 0xfc : 0;

	config->vendor = word(q, 0);
	config->device = word(q, 2);
	config->revision = space[8];
	config->prog_if = space[9];
	config->subclass = space[10];
	config->base_class = space[11];
	config->subsystem_vendor = word(q, 0x2c);
	config->subsystem = word(q, 0x2e);
	config->has_line = space[PIN];
	config->space = space;
	config->name = q->device;
	for (unsigned n = 0; n < BUS_BARS; n += config->bar[n].is_64bit ? 2 : 1)
		bar_size(q, n);
	for (unsigned n = 0; at >= 0x40 && n < 48; n++) {
		capability_take(q, at);
		at = space[at + 1] & 0xfc;
	}
}

int qemu_pci_add(struct hw_device *q)
{
	static const struct bus_function_ops ops = {
		.read = device_read,
		.write = device_write,
		.command = device_command,
		.power = device_power,
		.config_read = device_config_read,
		.config_write = device_config_write,
		.messages = device_messages,
		.plug = qemu_slot_plug,
	};

	struct bus_function *function;
	int err;

	qemu_doorbell_place(q);
	err = qemu_bridges_add(q);
	if (err)
		return err;
	qemu_space_read(q, q->pci.where, q->pci.space);
	config_make(q);
	if (q->pci.config.vendor == 0xffff)
		return error_set(ENODEV, "--hw qemu:%s: it is no PCI device.", q->device);
	function = bus_function_new(&q->pci.config, &ops, q);
	if (!function)
		return -EINVAL;
	for (unsigned n = 0; n < BUS_BARS; n++) {
		struct bus_resource resource;

		if (bus_resource_get(function, n, &resource))
			q->pci.bar[n] = resource.address;
	}
	place(q);
	qemu_config_read(q, q->pci.where, 0, 4); /* it is done, or the process has ended */
	err = q->has_iommu ? qemu_iommu_start(q, bus_function_place(function)) : 0;
	if (err) {
		bus_function_free(function);
		return err;
	}
	pthread_mutex_lock(&q->end);
	if (!q->is_dead)
		atomic_store(&q->function, function);
	pthread_mutex_unlock(&q->end);
	if (q->function)
		return 0;
	bus_function_free(function);
	return -EPIPE;
}
