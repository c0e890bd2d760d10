/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Configuration space of a function: 256 bytes, each with a mask of the bits that a write changes.
 * So sizing a BAR (write ones, read back, PCI 3.0, 6.2.5.1) works by itself. The firmware's work is
 * done at build time: addresses are assigned, decoding and bus mastering are on, as a driver finds
 * its device under Windows. Neighbours: bar.c (windows that follow the enable bits), message.c and
 * line.c.
 */
#include "bus/function.h"
#include <string.h>

enum { BAR_IO = 1, BAR_64BIT = 4, BAR_PREFETCHABLE = 8, CAPABILITY_MSI = 5, CAPABILITY_MSIX = 17 };

void bus_config_put(struct bus_function *f, unsigned offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		f->space[offset + i] = (uint8_t)(value >> (8 * i));
}

static void allow(struct bus_function *f, unsigned offset, unsigned size, uint32_t mask)
{
	for (unsigned i = 0; i < size; i++)
		f->writable[offset + i] = (uint8_t)(mask >> (8 * i));
}

static void build_bar(struct bus_function *f, unsigned bar)
{
	const struct bus_bar_config *b = &f->config.bar[bar];
	unsigned at = CONFIG_BAR + 4 * bar;

	if (!b->size)
		return;
	bus_config_put(f, at, 4,
		b->is_io ? BAR_IO
			 : (b->is_64bit ? BAR_64BIT : 0) |
				   (b->is_prefetchable ? BAR_PREFETCHABLE : 0));
	allow(f, at, 4, ~(b->size - 1));
	if (b->is_64bit)
		allow(f, at + 4, 4, ~0u);
}

/* Links a capability in at the front of the list, unless the device has it there. */
static void build_capability(struct bus_function *f, unsigned at, unsigned id)
{
	if (f->config.space)
		return;
	bus_config_put(f, at, 1, id);
	bus_config_put(f, at + 1, 1, f->space[CONFIG_CAPABILITIES]);
	bus_config_put(f, CONFIG_CAPABILITIES, 1, at);
	bus_config_put(f, CONFIG_STATUS, 2, STATUS_CAPABILITIES);
}

static void build_msi(struct bus_function *f)
{
	unsigned capable = (unsigned)__builtin_ctz(f->config.msi_messages);
	unsigned at = bus_config_msi(f);

	build_capability(f, at, CAPABILITY_MSI);
	bus_config_put(f, at + 2, 2, MSI_64BIT | capable << MSI_CAPABLE_SHIFT);
	allow(f, at + 2, 2, MSI_ENABLE | 7 << MSI_GRANTED_SHIFT);
	allow(f, at + 4, 4, ~3u);  /* address */
	allow(f, at + 8, 4, ~0u);  /* its upper half */
	allow(f, at + 12, 2, ~0u); /* data */
}

static void build_msix(struct bus_function *f)
{
	const struct bus_function_config *c = &f->config;
	unsigned at = bus_config_msix(f);

	build_capability(f, at, CAPABILITY_MSIX);
	bus_config_put(f, at + 2, 2, c->msix_messages - 1);
	allow(f, at + 2, 2, MSIX_MASK_ALL | MSIX_ENABLE);
	bus_config_put(f, at + 4, 4, c->msix_offset | c->msix_bar);
	bus_config_put(f, at + 8, 4, (c->msix_offset + bus_msix_table_size(c)) | c->msix_bar);
}

/* The rest of a bridge's header: what is forwarded is opened later. */
static void build_bridge(struct bus_function *f)
{
	uint8_t header = (uint8_t)((f->config.space ? f->config.space[CONFIG_HEADER] : 0) | 1);

	memset(f->space + CONFIG_BAR, 0, CONFIG_CAPABILITIES - CONFIG_BAR);
	bus_config_put(f, CONFIG_HEADER, 1, header);
	allow(f, BRIDGE_NUMBERS, 4, ~0u);
	allow(f, BRIDGE_IO, 2, 0xf0f0);
	/* A base above its limit: nothing is forwarded. */
	bus_config_put(f, BRIDGE_IO, 2, 0x00f0);
	bus_config_put(f, BRIDGE_MEMORY, 4, 0x0000fff0);
	bus_config_put(f, BRIDGE_PREFETCH, 4, 0x0000fff0);
	allow(f, BRIDGE_MEMORY, 4, 0xfff0fff0);
	allow(f, BRIDGE_PREFETCH, 4, 0xfff0fff0);
	bus_config_put(f, BRIDGE_CONTROL, 2, 0);
}

void bus_config_build(struct bus_function *f)
{
	const struct bus_function_config *c = &f->config;

	if (c->space) {
		memcpy(f->space, c->space, sizeof(f->space));
		memset(f->space + CONFIG_BAR, 0, 4 * BUS_BARS);
		memset(f->space + CONFIG_ROM, 0, 4);
	}
	bus_config_put(f, CONFIG_VENDOR, 2, c->vendor);
	bus_config_put(f, CONFIG_DEVICE, 2, c->device);
	bus_config_put(f, CONFIG_COMMAND, 2, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
	allow(f, CONFIG_COMMAND, 2, COMMAND_WRITABLE);
	f->command = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER;
	bus_config_put(f, CONFIG_REVISION, 1, c->revision);
	bus_config_put(f, CONFIG_CLASS, 3,
		c->prog_if | (uint32_t)c->subclass << 8 | (uint32_t)c->base_class << 16);
	allow(f, CONFIG_CACHE_LINE, 2, 0xffff);
	if (!c->is_bridge) {
		bus_config_put(f, CONFIG_SUBSYSTEM_VENDOR, 2, c->subsystem_vendor);
		bus_config_put(f, CONFIG_SUBSYSTEM, 2, c->subsystem);
	}
	bus_config_put(f, CONFIG_PIN, 1, c->has_line ? 1 : 0);
	/* The number that a PC's firmware leaves here: one of four lines, by slot. */
	bus_config_put(f, CONFIG_LINE, 1, c->has_line ? 16 + f->line : 0xff);
	allow(f, CONFIG_LINE, 1, 0xff);
	if (c->is_bridge)
		build_bridge(f);
	for (unsigned i = 0; i < BUS_BARS; i++)
		build_bar(f, i);
	if (c->msix_messages)
		build_msix(f);
	if (c->msi_messages)
		build_msi(f);
}

/* How many of length bytes lie in configuration space. */
static unsigned clip(const struct bus_function *f, unsigned offset, unsigned length)
{
	if (!f || !f->present || offset >= BUS_CONFIG_SIZE)
		return 0;
	return min_of(length, BUS_CONFIG_SIZE - offset);
}

/* Whether the four bytes at `at` are the device's own, and not kept here. */
static bool is_foreign(const struct bus_function *f, unsigned at)
{
	unsigned msi = f->config.msi_messages ? bus_config_msi(f) : BUS_CONFIG_SIZE;
	unsigned msix = f->config.msix_messages ? bus_config_msix(f) : BUS_CONFIG_SIZE;

	return f->config.space && at >= CONFIG_HEADER_END &&
	       at - msi >= round_up(CONFIG_MSI_BYTES, 4) && at - msix >= CONFIG_MSIX_BYTES;
}

static void foreign_read(struct bus_function *f, unsigned offset, uint8_t *out, unsigned length)
{
	for (unsigned at = round_down(offset, 4); at < offset + length; at += 4) {
		uint32_t value;

		if (!is_foreign(f, at))
			continue;
		value = f->ops.config_read(f->device, at);
		for (unsigned i = 0; i < 4; i++)
			if (at + i - offset < length)
				out[at + i - offset] = (uint8_t)(value >> 8 * i);
	}
}

unsigned bus_config_read(struct bus_function *f, unsigned offset, void *buffer, unsigned length)
{
	uint8_t *out = buffer;

	length = clip(f, offset, length);
	if (!length)
		return 0;
	if (f->unplugged) {
		memset(buffer, 0xff, length);
		return length;
	}
	pthread_mutex_lock(&bus_lock);
	memcpy(out, f->space + offset, length);
	if (f->ops.config_read)
		foreign_read(f, offset, out, length);
	pthread_mutex_unlock(&bus_lock);
	if (f->asserted && offset <= CONFIG_STATUS && CONFIG_STATUS - offset < length)
		out[CONFIG_STATUS - offset] |= STATUS_LINE;
	return length;
}

/* Makes the machine follow what stands in configuration space now. */
static void apply(struct bus_function *f)
{
	uint16_t command = bus_config_word(f, CONFIG_COMMAND);
	uint16_t old = atomic_exchange(&f->command, command);

	bus_windows_update(f);
	bus_messages_update(f);
	bus_line_update(f);
	if (command != old && f->ops.command)
		f->ops.command(f->device, command);
	if (f->config.is_bridge)
		bus_bridge_update(f);
}

/* A device that is a bridge forwards by what stands in its own header: it is told of that too. */
static bool is_told(const struct bus_function *f, unsigned at)
{
	return is_foreign(f, at) ||
	       (f->config.is_bridge && at >= BRIDGE_NUMBERS && at < CONFIG_HEADER_END);
}

/* In pieces as large as they can be: a device may act on each. */
static void foreign_write(
	struct bus_function *f, unsigned offset, const uint8_t *in, unsigned length)
{
	for (unsigned size; length; offset += size, in += size, length -= size) {
		uint32_t value = 0;

		size = !(offset & 3) && length >= 4 ? 4 : !(offset & 1) && length >= 2 ? 2 : 1;
		for (unsigned n = 0; n < size; n++)
			value |= (uint32_t)in[n] << 8 * n;
		if (is_told(f, round_down(offset, 4)))
			f->ops.config_write(f->device, offset, size, value);
	}
}

/* With the bus's lock held. */
static void write(struct bus_function *f, unsigned offset, const uint8_t *in, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		uint8_t mask = f->writable[offset + i];
		uint8_t *byte = &f->space[offset + i];

		*byte = (uint8_t)((*byte & ~mask) | (in[i] & mask));
	}
	if (f->ops.config_write)
		foreign_write(f, offset, in, length);
	apply(f);
}

unsigned bus_config_write(
	struct bus_function *f, unsigned offset, const void *buffer, unsigned length)
{
	length = clip(f, offset, length);
	if (!length || f->unplugged)
		return length;
	pthread_mutex_lock(&bus_lock);
	write(f, offset, buffer, length);
	pthread_mutex_unlock(&bus_lock);
	return length;
}

void bus_config_change(struct bus_function *f, unsigned offset, uint16_t set, uint16_t clear)
{
	uint16_t value;
	uint8_t bytes[2];

	pthread_mutex_lock(&bus_lock);
	value = (uint16_t)((bus_config_word(f, offset) & ~clear) | set);
	bytes[0] = (uint8_t)value;
	bytes[1] = (uint8_t)(value >> 8);
	if (!f->unplugged)
		write(f, offset, bytes, 2);
	pthread_mutex_unlock(&bus_lock);
}

void bus_master_set(struct bus_function *f, bool on)
{
	bus_config_change(f, CONFIG_COMMAND, on ? COMMAND_MASTER : 0, on ? 0 : COMMAND_MASTER);
}

bool bus_master_is_on(const struct bus_function *f)
{
	return f->command & COMMAND_MASTER;
}
