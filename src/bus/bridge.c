/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Bridges, and what firmware does with them: a number for the bus behind each, and windows through
 * which it forwards registers (PCI-to-PCI Bridge Architecture Specification 1.2: 3.2.5 for the
 * registers, 4 for what is forwarded, 9.1 for the lines). A bridge's windows are opened when the
 * first function behind it is added, with some room for more; the bridge registers are then the
 * truth: what they do not forward does not answer. Neighbours: bar.c, config_space.c, line.c.
 */
#include "bus/function.h"
#include "util/error.h"

#include <errno.h>

#define BUS_NUMBERS 256

/* The registers' granules, and what firmware reserves for cards that are put in later. */
static const struct {
	uint64_t granule, reserve;
	const char *what;
} kinds[BUS_RANGES] = {
	[BUS_RANGE_IO] = {0x1000, 0x1000, "ports"},
	[BUS_RANGE_MEMORY] = {0x100000, 0x200000, "memory"},
	[BUS_RANGE_PREFETCH] = {0x100000, 0x200000, "prefetchable memory"},
};

/* ---- arithmetic ---- */

void bus_need_add(struct bus_need *need, uint64_t size)
{
	need->size += size;
	need->align = max_of(need->align, size);
}

struct bus_need bus_need_window(const struct bus_need *need, unsigned range)
{
	uint64_t granule = kinds[range].granule;
	uint64_t size = max_of(need->size, kinds[range].reserve);

	return (struct bus_need){
		.size = round_up(size, granule), .align = max_of(need->align, granule)};
}

/* Table 9-1 of the specification: a bridge turns the pins by the device's number. */
unsigned bus_line_of(const struct bus_function *bridge, unsigned slot)
{
	unsigned line = slot;

	for (; bridge; bridge = bridge->config.bridge)
		line += bridge->slot;
	return line % BUS_LINES;
}

static bool overlap(const struct bus_range *range, uint64_t start, uint64_t end)
{
	return range->start < end && start < range->end;
}

/* ---- registers ---- */

/* Into the header, and to the device. */
static void put(struct bus_function *f, unsigned at, unsigned size, uint32_t value)
{
	bus_config_put(f, at, size, value);
	if (f->ops.config_write)
		f->ops.config_write(f->device, at, size, value);
}

static void range_put(struct bus_function *bridge, unsigned range)
{
	uint64_t start = bridge->range[range].start, last = bridge->range[range].end - 1;

	switch (range) {
	case BUS_RANGE_IO:
		put(bridge, BRIDGE_IO, 2,
			(uint32_t)(start >> 8 & 0xf0) | (uint32_t)(last & 0xf000));
		put(bridge, BRIDGE_IO_UPPER, 4, 0);
		return;
	case BUS_RANGE_PREFETCH:
		put(bridge, BRIDGE_PREFETCH_UPPER, 4, 0);
		put(bridge, BRIDGE_PREFETCH_UPPER + 4, 4, 0);
		break;
	}
	put(bridge, range == BUS_RANGE_MEMORY ? BRIDGE_MEMORY : BRIDGE_PREFETCH, 4,
		(uint32_t)(start >> 16 & 0xfff0) | (uint32_t)(last & 0xfff00000));
}

/* As the registers say. */
static struct bus_range range_get(const struct bus_function *bridge, unsigned range)
{
	unsigned at = range == BUS_RANGE_MEMORY ? BRIDGE_MEMORY : BRIDGE_PREFETCH;
	uint32_t value = bus_config_dword(bridge, at);
	uint16_t io = bus_config_word(bridge, BRIDGE_IO);

	if (range == BUS_RANGE_IO)
		return (struct bus_range){(io & 0xf0u) << 8, (io & 0xf000u) + 0x1000};
	if (range == BUS_RANGE_PREFETCH &&
		(bus_config_dword(bridge, BRIDGE_PREFETCH_UPPER) ||
			bus_config_dword(bridge, BRIDGE_PREFETCH_UPPER + 4)))
		return (struct bus_range){0};
	return (struct bus_range){(uint64_t)(value & 0xfff0) << 16,
		(uint64_t)(value & 0xfff00000) + kinds[range].granule};
}

static bool forwards(const struct bus_function *bridge, uint64_t start, uint64_t end, bool is_io)
{
	if (bus_function_is_off(bridge) ||
		!(bridge->command & (is_io ? COMMAND_IO : COMMAND_MEMORY)))
		return false;
	for (unsigned n = 0; n < BUS_RANGES; n++) {
		struct bus_range range = range_get(bridge, n);

		if ((n == BUS_RANGE_IO) == is_io && range.start <= start && end <= range.end)
			return true;
	}
	return false;
}

bool bus_bridges_forward(const struct bus_function *f, uint64_t start, uint64_t end, bool is_io)
{
	for (const struct bus_function *b = f->config.bridge; b; b = b->config.bridge)
		if (!forwards(b, start, end, is_io))
			return false;
	return true;
}

static bool is_behind(const struct bus_function *f, const struct bus_function *bridge)
{
	for (; f; f = f->config.bridge)
		if (f->config.bridge == bridge)
			return true;
	return false;
}

void bus_bridge_update(const struct bus_function *bridge)
{
	for (unsigned n = 0; n < bus_functions_end; n++)
		if (bus_functions[n].present && is_behind(&bus_functions[n], bridge))
			bus_windows_update(&bus_functions[n]);
}

/* ---- numbers ---- */

bool bus_is_there(unsigned bus)
{
	for (unsigned n = 0; n < bus_functions_end; n++)
		if (bus_functions[n].present && bus_functions[n].config.is_bridge &&
			bus_functions[n].secondary == bus)
			return true;
	return bus == 0;
}

unsigned bus_bridge_secondary(const struct bus_function *bridge)
{
	return bridge->secondary;
}

/*
 * Numbers are dealt out depth first: the bridges of a chain are added one right after the other, so
 * the next number is always theirs, and a bridge's subordinate bus is the last one behind it. A
 * second bridge on a bus whose successor has been numbered already has no number left.
 */
int bus_bridge_number(struct bus_function *f)
{
	unsigned number = 1;

	while (number < BUS_NUMBERS && bus_is_there(number))
		number++;
	for (struct bus_function *b = f->config.bridge; b && number < BUS_NUMBERS;
		b = b->config.bridge)
		if (b->space[BRIDGE_NUMBERS + 2] != number - 1)
			return error_set(ENOSPC, "%s: no bus number is left behind %s.",
				f->config.name, b->config.name);
	if (number == BUS_NUMBERS)
		return error_set(ENOSPC, "%s: no bus number is left.", f->config.name);
	f->secondary = (uint8_t)number;
	for (struct bus_function *b = f->config.bridge; b; b = b->config.bridge)
		put(b, BRIDGE_NUMBERS + 2, 1, number);
	put(f, BRIDGE_NUMBERS, 4, f->bus | number << 8 | number << 16);
	return 0;
}

/* ---- windows ---- */

bool bus_bridge_room(const struct bus_function *bridge, unsigned range, struct bus_range *room)
{
	if (bridge)
		*room = bridge->range[range];
	else if (range == BUS_RANGE_IO)
		*room = (struct bus_range){BUS_PORT_BASE, BUS_PORT_END};
	else
		*room = (struct bus_range){BUS_MEMORY_BASE, BUS_MEMORY_END};
	return room->end != 0;
}

bool bus_bridges_hold(const struct bus_function *bridge, uint64_t start, uint64_t end, bool is_io)
{
	for (unsigned n = 0; n < bus_functions_end; n++) {
		const struct bus_function *f = &bus_functions[n];

		if (!f->present || !f->config.is_bridge || f->config.bridge != bridge)
			continue;
		for (unsigned range = 0; range < BUS_RANGES; range++)
			if ((range == BUS_RANGE_IO) == is_io &&
				overlap(&f->range[range], start, end))
				return true;
	}
	return false;
}

/* BARs of functions on the same bus. */
static bool functions_hold(
	const struct bus_function *bridge, uint64_t start, uint64_t end, bool is_io)
{
	for (unsigned n = 0; n < bus_functions_end; n++) {
		struct bus_function *f = &bus_functions[n];
		struct bus_resource r;

		for (unsigned bar = 0; f->present && f->config.bridge == bridge && bar < BUS_BARS;
			bar++)
			if (bus_resource_get(f, bar, &r) && r.is_io == is_io && r.address < end &&
				start < r.address + r.size)
				return true;
	}
	return false;
}

static int range_open(struct bus_function *bridge, unsigned range, const struct bus_need *need)
{
	const struct bus_need want = bus_need_window(need, range);
	struct bus_function *above = bridge->config.bridge;
	bool is_io = range == BUS_RANGE_IO;
	struct bus_range room;

	if (bridge->range[range].end)
		return 0; /* what is left of it has to do */
	if (above && range_open(above, range, need))
		return -ENOSPC;
	if (bus_bridge_room(above, range, &room))
		for (uint64_t at = round_up(room.start, want.align); at + want.size <= room.end;
			at += want.align)
			if (!bus_bridges_hold(above, at, at + want.size, is_io) &&
				!functions_hold(above, at, at + want.size, is_io)) {
				bridge->range[range] = (struct bus_range){at, at + want.size};
				range_put(bridge, range);
				return 0;
			}
	return error_set(ENOSPC, "%s: no room is left for its window of %s, 0x%llx bytes.",
		bridge->config.name, kinds[range].what, (unsigned long long)want.size);
}

int bus_bridges_open(const struct bus_function *f)
{
	struct bus_need need[BUS_RANGES] = {0};

	for (unsigned n = 0; n < BUS_BARS; n++) {
		const struct bus_bar_config *bar = &f->config.bar[n];

		if (bar->size)
			bus_need_add(
				&need[bus_range_of(bar)], bus_window_step(bar->size, bar->is_io));
	}
	for (unsigned range = 0; range < BUS_RANGES; range++)
		if (need[range].size && range_open(f->config.bridge, range, &need[range]))
			return -ENOSPC;
	return 0;
}
