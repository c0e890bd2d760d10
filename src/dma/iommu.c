/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The addresses that devices see behind the iommu, and the memory that stays mapped there.
 *
 * A domain's addresses are one window: registers first, pins behind them. It lies in the hole that
 * RAM leaves below 4 GiB, so that a physical address is never one of them by accident; where
 * devices are another process's, it keeps clear of their BARs too, as one may take the address of
 * its own BAR for that, translated or not; for devices of fewer than 32 address bits it lies as
 * high as they reach, and is cut to that. Neighbours: map_register.c owns the slots, mapping.c
 * programs them, dma_bus.c follows them.
 */
#include "dma/map_register.h"
#include "dma/common_buffer.h"
#include "dma/dma_private.h"
#include "dma/iommu_unit.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BASE   0xD0000000ull
#define WINDOW_SHARED 0x90000000ull /* with mem_is_shared */
#define WINDOW_SIZE   ((uint64_t)(DMA_REGISTERS_MAX + DMA_PINS_MAX) << MEM_PAGE_SHIFT)

_Static_assert(WINDOW_BASE >= MEM_HOLE && WINDOW_BASE + WINDOW_SIZE <= 0xF0000000ull,
	"inside the hole, below where messages are sent to");
_Static_assert(WINDOW_SHARED >= MEM_SHARED_HOLE && WINDOW_SHARED + WINDOW_SIZE <= 0xC0000000ull,
	"inside its hole, below all BARs");

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

	domains[domain].base = mem_is_shared() ? WINDOW_SHARED : WINDOW_BASE;
	if (reach < MEM_4GIB)
		domains[domain].base =
			reach > WINDOW_SIZE + MEM_PAGE_SIZE ? reach - WINDOW_SIZE : MEM_PAGE_SIZE;
	if (reach > domains[domain].base)
		pages = min_of(reach - domains[domain].base, WINDOW_SIZE) >> MEM_PAGE_SHIFT;
	domains[domain].registers = (uint32_t)(pages / 2);
	domains[domain].pins = (uint32_t)(pages - pages / 2);
}

void dma_domain_window(unsigned domain, uint64_t *base, uint64_t *bytes)
{
	*base = domains[domain].base;
	*bytes = ((uint64_t)domains[domain].registers + domains[domain].pins) << MEM_PAGE_SHIFT;
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

/* The domains that adapters of this device are in. */
static uint32_t domains_used(unsigned device)
{
	const struct dma_adapter *adapter;
	uint32_t used = 0;

	for (unsigned n = 0; (adapter = dma_adapter_at(n)); n++)
		if (atomic_load(&adapter->in_use) && adapter->limits.device == device)
			used |= 1u << atomic_load(&adapter->domain);
	return used;
}

void dma_domains_change(unsigned device, uint32_t leave, uint32_t join)
{
	/* Another adapter of the device may be in the domain that this one leaves. */
	atomic_fetch_and(&domains_of[device & 255], ~leave | domains_used(device));
	atomic_fetch_or(&domains_of[device & 255], join);
	if (unlikely(dma_units))
		dma_units_follow(device, leave, join);
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
static uint64_t pin_check(const struct dma_adapter *adapter, const struct dma_pin_ask *ask)
{
	uint64_t address = mem_physical(ask->va);
	uint64_t highest = min_of(adapter->reach.max_address, ask->highest);

	if (address >= ask->lowest && address <= highest && highest - address >= ask->bytes - 1)
		return address;
	error_set(ERANGE,
		"memory at physical address 0x%" PRIx64
		" has to be reached by DMA adapter %u, which drives %u address bits.",
		address, adapter->number, adapter->limits.width);
	return MEM_NO_ADDRESS;
}

static void pin_program(const struct dma_pin_ask *ask, uint32_t first, uint32_t pages)
{
	for (uint32_t n = 0; n < pages; n++) {
		struct dma_slot *slot = &dma_slots[first + n];
		uint32_t none = 0;

		/* The window is not live: see dma_bus.c. */
		__atomic_store_n(&slot->source, (char *)ask->va + ((uint64_t)n << MEM_PAGE_SHIFT),
			__ATOMIC_RELEASE);
		slot->target = NULL;
		slot->bytes = MEM_PAGE_SIZE;
		/* A page that is pinned twice keeps its first address. */
		atomic_compare_exchange_strong(
			&pin_of[page_of(slot->source)], &none, first + n + 1);
		atomic_store_explicit(&slot->window,
			DMA_WINDOW_LIVE | (ask->no_read ? 0 : DMA_WINDOW_READ) |
				(ask->no_write ? 0 : DMA_WINDOW_WRITE) |
				MEM_PAGE_MASK << DMA_WINDOW_LAST |
				(uint64_t)ask->domain << DMA_WINDOW_DOMAIN |
				(uint64_t)first << DMA_WINDOW_HEAD,
			memory_order_release);
	}
	if (unlikely(dma_units))
		dma_units_open(first, pages);
}

/* Which pins of the domain lie in the bounds: [*from, *end). */
static void pins_within(const struct dma_pin_ask *ask, uint32_t *from, uint32_t *end)
{
	uint64_t base = dma_slot_address(ask->domain, DMA_REGISTERS_MAX);
	uint64_t pins = domains[ask->domain].pins, first = 0, last = 0;

	if (pins && ask->highest >= base + MEM_PAGE_MASK)
		last = min_of((ask->highest - base - MEM_PAGE_MASK) / MEM_PAGE_SIZE + 1, pins);
	if (ask->lowest > base)
		first = round_up(ask->lowest - base, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT;
	*from = (uint32_t)min_of(first, pins);
	*end = (uint32_t)last;
}

/* Pins whose address is a multiple of a large page: some more are taken, the rest goes back. */
static uint32_t pins_take_large(
	const struct dma_pin_ask *ask, uint32_t pages, uint32_t from, uint32_t end)
{
	uint32_t large = DMA_LARGE_PAGE >> MEM_PAGE_SHIFT, all = pages + large - 1;
	uint32_t first = dma_pins_take(all, from, end), lead;
	uint64_t address;

	if (first == UINT32_MAX)
		return first;
	address = dma_slot_address(ask->domain, DMA_REGISTERS_MAX + first);
	lead = (uint32_t)((round_up(address, DMA_LARGE_PAGE) - address) >> MEM_PAGE_SHIFT);
	if (lead)
		dma_pins_give(first, lead);
	if (all > lead + pages)
		dma_pins_give(first + lead + pages, all - lead - pages);
	return first + lead;
}

uint64_t dma_pin_at(struct dma_adapter *adapter, const struct dma_pin_ask *ask, uint32_t *slot)
{
	uint32_t pages = (uint32_t)(round_up(ask->bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT);
	uint32_t first = UINT32_MAX, from, end;

	*slot = DMA_NO_SLOT;
	if (dma_settings.engine != DMA_IOMMU)
		return pin_check(adapter, ask);
	pins_within(ask, &from, &end);
	if (is_in_ram(ask->va, ask->bytes))
		first = ask->large ? pins_take_large(ask, pages, from, end)
				   : dma_pins_take(pages, from, end);
	if (first == UINT32_MAX) {
		error_set(ENOSPC, "the iommu has no room for %" PRIu64 " bytes at %p.", ask->bytes,
			ask->va);
		return MEM_NO_ADDRESS;
	}
	first += DMA_REGISTERS_MAX;
	dma_births[first] = (struct dma_birth){.what = ask->what,
		.site = ask->site,
		.born = cpu_clock(),
		.bytes = (uint32_t)ask->bytes,
		.adapter = (uint8_t)adapter->number};
	atomic_store(&dma_slots[first].pages, pages);
	pin_program(ask, first, pages);
	*slot = first;
	return dma_slot_address(ask->domain, first);
}

uint64_t dma_pin(
	struct dma_adapter *adapter, void *va, uint64_t bytes, const char *what, uintptr_t site)
{
	const struct dma_pin_ask ask = {
		.va = va,
		.bytes = bytes,
		.what = what,
		.site = site,
		.domain = atomic_load(&adapter->domain),
		.highest = adapter->reach.max_address,
	};
	uint32_t slot;

	return dma_pin_at(adapter, &ask, &slot);
}

void dma_unpin_slot(uint32_t slot, uint64_t bytes)
{
	uint32_t pages = (uint32_t)(round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT);

	if (slot == DMA_NO_SLOT)
		return;
	for (uint32_t n = slot; n < slot + pages; n++) {
		uint32_t mine = n + 1;

		atomic_fetch_and(&dma_slots[n].window, ~DMA_WINDOW_LIVE);
		atomic_compare_exchange_strong(&pin_of[page_of(dma_slots[n].source)], &mine, 0);
	}
	atomic_store(&dma_slots[slot].pages, 0);
	if (unlikely(dma_units))
		dma_units_flush(dma_units_shut(slot, pages));
	dma_births[slot].died = cpu_clock();
	dma_pins_give(slot - DMA_REGISTERS_MAX, pages);
}

void dma_unpin(struct dma_adapter *adapter, void *va, uint64_t bytes)
{
	if (dma_settings.engine == DMA_IOMMU) /* 0: dma_pin had failed */
		dma_unpin_slot(atomic_load(&pin_of[page_of(va)]) - 1, bytes);
}

static border_call __attribute__((noinline)) uint64_t pinned_address(
	const struct dma_adapter *adapter, const void *va)
{
	unsigned domain = atomic_load_explicit(&adapter->domain, memory_order_relaxed);
	uint32_t slot;

	if (!is_in_ram(va, 1))
		return MEM_NO_ADDRESS;
	slot = atomic_load(&pin_of[page_of(va)]);
	if (!slot-- || (atomic_load(&dma_slots[slot].window) >> DMA_WINDOW_DOMAIN & 15) != domain)
		return MEM_NO_ADDRESS;
	return dma_slot_address(domain, slot) + ((uintptr_t)va & MEM_PAGE_MASK);
}

border_call uint64_t dma_address(const struct dma_adapter *adapter, const void *va)
{
	return dma_settings.engine == DMA_IOMMU ? pinned_address(adapter, va) : mem_physical(va);
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

/* ---- domains ---- */

/* Whether pinned memory has addresses in it. */
static bool has_pins(unsigned domain)
{
	uint32_t slot = DMA_REGISTERS_MAX;

	for (; slot < DMA_REGISTERS_MAX + domains[domain].pins; slot++) {
		uint64_t window = atomic_load(&dma_slots[slot].window);

		if (window & DMA_WINDOW_LIVE && (window >> DMA_WINDOW_DOMAIN & 15) == domain)
			return true;
	}
	return false;
}

void dma_domain_resize(const struct dma_adapter *adapter)
{
	unsigned domain = adapter->own_domain;
	const struct dma_adapter *other;

	if (dma_settings.engine != DMA_IOMMU || has_pins(domain))
		return;
	for (unsigned n = 0; (other = dma_adapter_at(n)); n++)
		if (atomic_load(&other->in_use) &&
			(atomic_load(&other->domain) == domain) != (other == adapter))
			return;
	dma_domain_set(domain, adapter->limits.width);
}

bool dma_domain_is_used(unsigned domain)
{
	const struct dma_adapter *adapter;

	for (unsigned n = 0; (adapter = dma_adapter_at(n)); n++)
		if (atomic_load(&adapter->in_use) && atomic_load(&adapter->domain) == domain)
			return true;
	return false;
}

NTSTATUS dma_domain_join(struct dma_adapter *adapter, unsigned domain)
{
	unsigned left = atomic_load(&adapter->domain);
	uint32_t before = adapter->map_registers;

	if (dma_adapter_is_busy(adapter)) {
		nt_violation(0,
			"DMA adapter %u changes its domain while it has scatter/gather lists or "
			"adapter channels",
			adapter->number);
		return STATUS_INVALID_DEVICE_STATE;
	}
	if (dma_units_reserve(adapter->limits.device, domain))
		return STATUS_INSUFFICIENT_RESOURCES;
	atomic_store(&adapter->domain, (uint8_t)domain);
	dma_adapter_registers(adapter);
	if (adapter->map_registers < before) {
		atomic_store(&adapter->domain, (uint8_t)left);
		dma_adapter_registers(adapter);
		return STATUS_NOT_SUPPORTED;
	}
	dma_domains_change(adapter->limits.device, 1u << left, 1u << domain);
	return STATUS_SUCCESS;
}
