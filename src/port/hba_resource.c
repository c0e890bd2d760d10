/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What an adapter has of the bus and of memory: its BARs, its slot, the uncached extension. See
 * hba.h. */
#include "port/hba.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <stdio.h>
#include <string.h>

#define REGISTERS_SAID 64

/* ---- of the bus ---- */

unsigned port_hba_ranges(struct port_hba *hba)
{
	struct bus_resource resource;
	unsigned used = 0;

	for (unsigned bar = 0; bar < BUS_BARS; bar++) {
		if (!bus_resource_get(hba->function, bar, &resource))
			continue;
		hba->ranges[used].RangeStart.QuadPart = (LONGLONG)resource.address;
		hba->ranges[used].RangeLength = resource.size;
		hba->ranges[used].RangeInMemory = !resource.is_io;
		used++;
	}
	return used;
}

/* Registers are in memory where there is such; a PC's ports come after it. */
static bool registers_find(const struct port_hba *hba, unsigned *bar, struct bus_resource *found)
{
	for (unsigned is_io = 0; is_io < 2; is_io++)
		for (*bar = 0; hba->function && *bar < BUS_BARS; ++*bar)
			if (bus_resource_get(hba->function, *bar, found) && found->is_io == is_io)
				return true;
	return false;
}

void port_hba_registers_say(const struct port_hba *hba, char *text, size_t size)
{
	struct bus_resource found;
	unsigned bar;
	size_t used;
	char *mapped;

	*text = 0;
	if (!registers_find(hba, &bar, &found))
		return;
	mapped = bus_map(found.address, found.size, found.is_io, NULL);
	if (!mapped)
		return;
	used = (size_t)snprintf(text, size, " Its registers now, BAR %u:", bar);
	for (unsigned at = 0; at + 4 <= min_of(found.size, REGISTERS_SAID) && used < size;
		at += 4) {
		uint64_t value = found.is_io ? bus_port_read((uintptr_t)mapped + at, 4)
					     : bus_register_read(mapped + at, 4);

		used += (size_t)snprintf(
			text + used, size - used, " %02x=%08x", at, (unsigned)value);
	}
	bus_unmap(mapped);
	if (used + 1 < size)
		snprintf(text + used, size - used, ".");
}

bool port_hba_has_slot(const struct port_hba *hba, ULONG type, ULONG slot)
{
	return hba->function && type == PCIConfiguration &&
	       slot == bus_function_slot(hba->function);
}

void *port_hba_map(const struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io)
{
	struct bus_function *function = NULL;
	void *mapped = bus_map(address, bytes, is_io, &function);

	if (!mapped || function == hba->function)
		return mapped;
	bus_unmap(mapped);
	return NULL;
}

void *port_hba_base(
	struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io, uint64_t number)
{
	const char *stem = hba->driver->model->stem;
	void *mapped = port_hba_map(hba, address, bytes, is_io);

	if (!mapped) {
		nt_violation(number,
			"%sPortGetDeviceBase: %u bytes at %#llx were not assigned to %s.", stem,
			bytes, (unsigned long long)address, hba->name);
		return NULL;
	}
	/* Found again, it may ask for what it has from the first time. */
	for (unsigned n = 0; hba->is_again && n < PORT_HBA_MAPS; n++)
		if (hba->mapped[n] == mapped) {
			bus_unmap(mapped);
			return mapped;
		}
	/* Each call has its place, that of an address mapped already too: each is undone by itself.
	 */
	for (unsigned n = 0; n < PORT_HBA_MAPS; n++) {
		if (hba->mapped[n])
			continue;
		hba->mapped[n] = mapped;
		return mapped;
	}
	nt_violation(0, "%sPortGetDeviceBase: %s has %d ranges mapped already.", stem, hba->name,
		PORT_HBA_MAPS);
	bus_unmap(mapped);
	return NULL;
}

void port_hba_maps_free(struct port_hba *hba)
{
	for (unsigned n = 0; n < PORT_HBA_MAPS; n++)
		if (hba->mapped[n])
			bus_unmap(hba->mapped[n]);
	memset(hba->mapped, 0, sizeof(hba->mapped));
}

void port_hba_base_free(struct port_hba *hba, void *mapped)
{
	const char *stem = hba->driver->model->stem;

	for (unsigned n = 0; mapped && n < PORT_HBA_MAPS; n++) {
		if (hba->mapped[n] != mapped)
			continue;
		hba->mapped[n] = NULL;
		bus_unmap(mapped);
		return;
	}
	nt_violation(0, "%sPortFreeDeviceBase: %p did not come from %sPortGetDeviceBase.", stem,
		mapped, stem);
}

/* ---- of memory ---- */

void *port_hba_uncached_new(struct port_hba *hba, uint64_t bytes, unsigned width, uintptr_t site)
{
	struct dma_adapter *dma = hba->port.dma;
	unsigned bits = min_of(width, dma->limits.width);
	uint64_t highest = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX;
	uint64_t align = 1ull << hba->entries.uncached_shift, boundary = 0;
	void *va;

	bytes = round_up(bytes, MEM_PAGE_SIZE);
	/* What is as large as the boundary that it does not cross begins there. */
	if (align > MEM_PAGE_SIZE) {
		for (boundary = align; boundary < bytes;)
			boundary *= 2;
		bytes = boundary;
	}
	va = nt_allocation_fails() ? NULL
				   : mem_alloc_bounds(bytes, hba->entries.uncached_lowest,
					     min_of(highest, hba->entries.uncached_highest),
					     boundary, MEM_EXTENSION, hba);
	if (!va)
		return NULL;
	if (dma_pin(dma, va, bytes, "uncached extension", site) == MEM_NO_ADDRESS) {
		mem_free(va, bytes);
		return NULL;
	}
	memset(va, 0, bytes);
	hba->uncached = va;
	hba->uncached_bytes = bytes;
	return va;
}

void port_hba_uncached_free(struct port_hba *hba)
{
	if (!hba->uncached)
		return;
	if (hba->port.dma)
		dma_unpin(hba->port.dma, hba->uncached, hba->uncached_bytes);
	mem_free(hba->uncached, hba->uncached_bytes);
	hba->uncached = NULL;
}

bool port_hba_is_extension(const struct port_hba *hba, const void *va)
{
	uint64_t left;

	return port_hba_is_uncached(hba, va, &left) || port_request_of_extension(&hba->port, va);
}
