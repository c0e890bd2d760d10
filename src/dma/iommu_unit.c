/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Slots as units see them: see iommu_unit.h.
 */
#include "dma/iommu_unit.h"
#include "dma/dma_private.h"
#include "dma/map_register.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>

static struct dma_unit *units[DMA_DOMAINS];
unsigned dma_units;

static inline unsigned domain_of(uint64_t window)
{
	return window >> DMA_WINDOW_DOMAIN & (DMA_DOMAINS - 1);
}

/* Where the slot's page stands for the device, and what it leads to. */
struct entry {
	uint64_t address, physical;
	unsigned access;
};

/* False: nothing can be reached by it; then only the address, which may be MEM_NO_ADDRESS, is
 * known. */
static bool entry_get(uint32_t slot, struct entry *entry)
{
	uint64_t window = atomic_load(&dma_slots[slot].window);
	const char *page = window & DMA_WINDOW_BOUNCED
				   ? dma_bounce_base + ((uint64_t)slot << MEM_PAGE_SHIFT)
				   : __atomic_load_n(&dma_slots[slot].source, __ATOMIC_ACQUIRE);
	enum mem_kind kind = mem_owner(page)->kind;

	entry->address = dma_slot_address(domain_of(window), slot);
	entry->physical = mem_physical(page) & ~MEM_PAGE_MASK;
	entry->access = (window & DMA_WINDOW_READ ? DMA_UNIT_READ : 0) |
			(window & DMA_WINDOW_WRITE && kind != MEM_CODE ? DMA_UNIT_WRITE : 0);
	return page && kind != MEM_NONE && entry->address != MEM_NO_ADDRESS;
}

static inline bool has_domain(const struct dma_unit *unit, unsigned domain)
{
	return dma_domains_of(unit->device) >> domain & 1;
}

void dma_units_open(uint32_t first, uint32_t count)
{
	for (uint32_t slot = first; slot < first + count; slot++) {
		uint64_t window = atomic_load(&dma_slots[slot].window);
		struct entry entry;

		if (!(window & DMA_WINDOW_LIVE) || !entry_get(slot, &entry) || !entry.access)
			continue;
		for (unsigned n = 0; n < dma_units; n++)
			if (has_domain(units[n], domain_of(window)))
				units[n]->ops->set(
					units[n], entry.address, entry.physical, entry.access);
	}
}

/* What a slot leads to may be no memory any more. When it was opened a unit's device may have had
 * other domains than now, so that there it may be another's address. */
uint32_t dma_units_shut(uint32_t first, uint32_t count)
{
	uint32_t cleared = 0;

	for (uint32_t slot = first; slot < first + count; slot++) {
		unsigned domain = domain_of(atomic_load(&dma_slots[slot].window));
		struct entry entry;
		bool is_known = entry_get(slot, &entry);

		if (entry.address == MEM_NO_ADDRESS)
			continue;
		for (unsigned n = 0; n < dma_units; n++) {
			bool is_its = has_domain(units[n], domain);

			if ((is_its || is_known) &&
				units[n]->ops->clear(units[n], entry.address,
					is_its ? MEM_NO_ADDRESS : entry.physical))
				cleared |= 1u << n;
		}
	}
	return cleared;
}

void dma_units_flush(uint32_t which)
{
	for (; which; which &= which - 1) {
		struct dma_unit *unit = units[__builtin_ctz(which)];

		unit->ops->flush(unit);
	}
}

int dma_units_reserve(unsigned device, unsigned domain)
{
	uint64_t base, bytes;
	int err = 0;

	dma_domain_window(domain, &base, &bytes);
	for (unsigned n = 0; n < dma_units && bytes && !err; n++)
		if (units[n]->device == device)
			err = units[n]->ops->reserve(units[n], base, bytes);
	return err;
}

static bool is_open(uint32_t slot, uint32_t domains)
{
	uint64_t window = atomic_load(&dma_slots[slot].window);

	return domains >> domain_of(window) & 1 && dma_window_is_live(slot, window);
}

static void unit_follow(struct dma_unit *unit, uint32_t left, uint32_t joined)
{
	struct entry entry;

	for (uint32_t slot = 0; slot < DMA_REGISTERS_MAX + DMA_PINS_MAX; slot++) {
		if (is_open(slot, left & ~joined) && entry_get(slot, &entry))
			unit->ops->clear(unit, entry.address, entry.physical);
		if (is_open(slot, joined) && entry_get(slot, &entry) && entry.access)
			unit->ops->set(unit, entry.address, entry.physical, entry.access);
	}
	if (left)
		unit->ops->flush(unit);
}

void dma_units_follow(unsigned device, uint32_t left, uint32_t joined)
{
	for (unsigned n = 0; n < dma_units; n++)
		if (units[n]->device == device)
			unit_follow(units[n], left & ~dma_domains_of(device), joined);
}

int dma_unit_add(struct dma_unit *unit)
{
	uint32_t domains = dma_domains_of(unit->device);
	int err = 0;

	if (dma_settings.engine != DMA_IOMMU)
		return error_set(EINVAL, "an iommu of a device goes with the engine iommu alone.");
	if (dma_units == array_size(units))
		return error_set(ENOSPC, "more than %u devices have iommus.", dma_units);
	units[dma_units++] = unit;
	for (unsigned domain = 0; domain < DMA_DOMAINS && !err; domain++)
		if (domains >> domain & 1)
			err = dma_units_reserve(unit->device, domain);
	if (err)
		dma_unit_remove(unit);
	else
		unit_follow(unit, 0, domains);
	return err;
}

void dma_unit_remove(struct dma_unit *unit)
{
	for (unsigned n = 0; n < dma_units; n++)
		if (units[n] == unit) {
			units[n] = units[--dma_units];
			return;
		}
}
