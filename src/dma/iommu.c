/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The addresses that devices see behind the iommu, and the memory that stays mapped there.
 *
 * A domain's addresses are one window: registers first, pins behind them. It lies in the hole that
 * RAM leaves below 4 GiB, so that a physical address is never one of them by accident; for devices
 * of fewer than 32 address bits it lies as high as they reach, and is cut to that.
 * Neighbours: register.c owns the slots, mapping.c programs them, dma_bus.c follows them.
 */
#include "dma/register.h"
#include "dma/dma_private.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BASE 0xD0000000ull
#define WINDOW_SIZE ((uint64_t)(DMA_REGISTERS_MAX + DMA_PINS_MAX) << MEM_PAGE_SHIFT)

_Static_assert(WINDOW_BASE >= MEM_HOLE && WINDOW_BASE + WINDOW_SIZE <= 0xF0000000ull,
	"inside the hole, below where messages are sent to");

static struct {
	uint64_t base;
	uint32_t registers, pins; /* how many of each it has addresses for */
} domains[DMA_DOMAINS];

static _Atomic uint32_t domains_of[256];

/* The slot that a page of RAM is pinned at, + 1; 0: not pinned. */
static _Atomic uint32_t *pin_of;

/* ---- addresses ---- */

void dma_domain_set(unsigned domain, unsigned width)
{
	uint64_t reach = width >= 32 ? MEM_4GIB : 1ull << width, pages = 0;

	domains[domain].base = WINDOW_BASE;
	if (reach < MEM_4GIB)
		domains[domain].base =
			reach > WINDOW_SIZE + MEM_PAGE_SIZE ? reach - WINDOW_SIZE : MEM_PAGE_SIZE;
	if (reach > domains[domain].base)
		pages = min_of(reach - domains[domain].base, WINDOW_SIZE) >> MEM_PAGE_SHIFT;
	domains[domain].registers = (uint32_t)(pages / 2);
	domains[domain].pins = (uint32_t)(pages - pages / 2);
}

uint64_t dma_slot_address(unsigned domain, uint32_t slot)
{
	uint32_t registers = domains[domain].registers, page = slot;

	if (slot >= DMA_REGISTERS_MAX) {
		page = slot - DMA_REGISTERS_MAX;
		if (page >= domains[domain].pins)
			return MEM_NO_ADDRESS;
		page += registers;
	} else if (slot >= registers) {
		return MEM_NO_ADDRESS;
	}
	return domains[domain].base + ((uint64_t)page << MEM_PAGE_SHIFT);
}

uint32_t dma_slot_at(unsigned domain, uint64_t address)
{
	uint64_t page = (address - domains[domain].base) >> MEM_PAGE_SHIFT;

	if (address < domains[domain].base ||
		page >= (uint64_t)domains[domain].registers + domains[domain].pins)
		return DMA_NO_SLOT;
	return page < domains[domain].registers
		       ? (uint32_t)page
		       : (uint32_t)(page - domains[domain].registers) + DMA_REGISTERS_MAX;
}

uint32_t dma_domains_of(unsigned device)
{
	return atomic_load_explicit(&domains_of[device & 255], memory_order_acquire);
}

void dma_domains_change(unsigned device, uint32_t leave, uint32_t join)
{
	atomic_fetch_and(&domains_of[device & 255], ~leave);
	atomic_fetch_or(&domains_of[device & 255], join);
}

/* ---- pins ---- */

static uint64_t page_of(const void *va)
{
	return ((uint64_t)((const char *)va - (char *)mem_base())) >> MEM_PAGE_SHIFT;
}

static bool is_in_ram(const void *va, uint64_t bytes)
{
	uint64_t offset = (uint64_t)((const char *)va - (char *)mem_base());

	return offset < mem_size() && bytes <= mem_size() - offset;
}

int dma_pins_init(void)
{
	pin_of = calloc(mem_size() >> MEM_PAGE_SHIFT, sizeof(*pin_of));
	memset(domains, 0, sizeof(domains));
	for (unsigned n = 0; n < array_size(domains_of); n++)
		atomic_store(&domains_of[n], 0);
	return pin_of ? 0 : error_set(ENOMEM, "no memory for the pins of the iommu.");
}

void dma_pins_fini(void)
{
	free((void *)pin_of);
	pin_of = NULL;
}

/* direct, bounce: the device either reaches it or does not. */
static uint64_t pin_check(const struct dma_adapter *adapter, const void *va, uint64_t bytes)
{
	uint64_t address = mem_physical(va), highest = adapter->reach.max_address;

	if (address <= highest && highest - address >= bytes - 1)
		return address;
	error_set(ERANGE,
		"memory at physical address 0x%" PRIx64
		" has to be reached by DMA adapter %u, which drives %u address bits.",
		address, adapter->number, adapter->limits.width);
	return MEM_NO_ADDRESS;
}

static void pin_program(unsigned domain, uint32_t first, char *va, uint32_t pages)
{
	for (uint32_t n = 0; n < pages; n++) {
		struct dma_slot *slot = &dma_slots[first + n];

		slot->source = va + ((uint64_t)n << MEM_PAGE_SHIFT);
		slot->target = NULL;
		slot->bytes = MEM_PAGE_SIZE;
		atomic_store(&pin_of[page_of(slot->source)], first + n + 1);
		atomic_store_explicit(&slot->window,
			DMA_WINDOW_LIVE | DMA_WINDOW_READ | DMA_WINDOW_WRITE |
				MEM_PAGE_MASK << DMA_WINDOW_LAST |
				(uint64_t)domain << DMA_WINDOW_DOMAIN |
				(uint64_t)first << DMA_WINDOW_HEAD,
			memory_order_release);
	}
}

uint64_t dma_pin(
	struct dma_adapter *adapter, void *va, uint64_t bytes, const char *what, uintptr_t site)
{
	uint32_t pages = (uint32_t)(round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT), first;
	unsigned domain = atomic_load(&adapter->domain);
	uint64_t address;

	if (dma_settings.engine != DMA_IOMMU)
		return pin_check(adapter, va, bytes);
	first = is_in_ram(va, bytes) ? dma_pins_take(pages) : UINT32_MAX;
	if (first == UINT32_MAX) {
		error_set(ENOSPC, "the iommu has no room for %" PRIu64 " bytes at %p.", bytes, va);
		return MEM_NO_ADDRESS;
	}
	first += DMA_REGISTERS_MAX;
	address = dma_slot_address(domain, first);
	if (dma_slot_address(domain, first + pages - 1) == MEM_NO_ADDRESS) {
		dma_pins_give(first - DMA_REGISTERS_MAX, pages);
		error_set(ERANGE,
			"DMA adapter %u drives %u address bits: too few for what is "
			"mapped for it.",
			adapter->number, adapter->limits.width);
		return MEM_NO_ADDRESS;
	}
	dma_births[first] = (struct dma_birth){.what = what,
		.site = site,
		.born = cpu_clock(),
		.bytes = (uint32_t)bytes,
		.adapter = (uint8_t)adapter->number};
	pin_program(domain, first, va, pages);
	return address;
}

void dma_unpin(struct dma_adapter *adapter, void *va, uint64_t bytes)
{
	uint32_t pages = (uint32_t)(round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT), first;

	if (dma_settings.engine != DMA_IOMMU)
		return;
	first = atomic_load(&pin_of[page_of(va)]) - 1;
	if (first == UINT32_MAX) /* dma_pin had failed */
		return;
	for (uint32_t n = 0; n < pages; n++) {
		atomic_fetch_and(&dma_slots[first + n].window, ~DMA_WINDOW_LIVE);
		atomic_store(&pin_of[page_of(va) + n], 0);
	}
	dma_births[first].died = cpu_clock();
	dma_pins_give(first - DMA_REGISTERS_MAX, pages);
}

uint64_t dma_address(const struct dma_adapter *adapter, const void *va)
{
	unsigned domain = atomic_load_explicit(&adapter->domain, memory_order_relaxed);
	uint32_t slot;

	if (dma_settings.engine != DMA_IOMMU)
		return mem_physical(va);
	if (!is_in_ram(va, 1))
		return MEM_NO_ADDRESS;
	slot = atomic_load(&pin_of[page_of(va)]);
	if (!slot-- || (atomic_load(&dma_slots[slot].window) >> DMA_WINDOW_DOMAIN & 15) != domain)
		return MEM_NO_ADDRESS;
	return dma_slot_address(domain, slot) + ((uintptr_t)va & MEM_PAGE_MASK);
}

void *dma_host(const struct dma_adapter *adapter, uint64_t address)
{
	unsigned domain = atomic_load_explicit(&adapter->domain, memory_order_relaxed);
	uint64_t window;
	uint32_t slot;

	if (dma_settings.engine != DMA_IOMMU)
		return mem_host(address);
	slot = dma_slot_at(domain, address);
	if (slot == DMA_NO_SLOT || slot < DMA_REGISTERS_MAX)
		return NULL;
	window = atomic_load(&dma_slots[slot].window);
	if (!(window & DMA_WINDOW_LIVE) || (window >> DMA_WINDOW_DOMAIN & 15) != domain)
		return NULL;
	return dma_slots[slot].source + (address & MEM_PAGE_MASK);
}
