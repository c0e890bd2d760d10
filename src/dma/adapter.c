/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Adapters: their life, limits and counters; the settings of the whole layer. Neighbours: list.c
 * works with an adapter, ddi_io_dma.c makes one for a driver, src/storport/hba.c for the port.
 */
#include "dma/channel.h"
#include "dma/common_buffer.h"
#include "dma/iommu_unit.h"
#include "dma/live.h"
#include "dma/map_register.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define ADAPTERS 16

_Static_assert(ADAPTERS == DMA_DOMAINS, "each has a domain and a table of channels");

struct dma_config dma_settings;

bool dma_is_strict(void)
{
	return dma_settings.strict;
}

enum dma_engine dma_engine_used(void)
{
	return dma_settings.engine;
}

const struct dma_device *(*dma_device_resolve)(PDEVICE_OBJECT physical_device_object);

static struct dma_adapter adapters[ADAPTERS];
static pthread_mutex_t adapters_lock = PTHREAD_MUTEX_INITIALIZER;

int dma_init(const struct dma_config *config)
{
	if ((unsigned)config->engine > DMA_IOMMU)
		return error_set(EINVAL, "DMA engine %d is not known.", (int)config->engine);
	if ((unsigned)config->callback > DMA_CALLBACK_OTHER_PROCESSOR)
		return error_set(EINVAL, "callback policy %d is not known.", (int)config->callback);
	if (config->width > 64)
		return error_set(EINVAL, "%u address bits: it has to be 1 to 64.", config->width);
	if (config->map_registers > DMA_REGISTERS_MAX)
		return error_set(EINVAL, "%u map registers: at most %u.", config->map_registers,
			DMA_REGISTERS_MAX);
	dma_settings = *config;
	return dma_registers_init();
}

void dma_fini(void)
{
	for (unsigned n = 0; n < ADAPTERS; n++) {
		if (atomic_load(&adapters[n].in_use)) {
			const char *place = adapters[n].site && nt_code_place
						    ? nt_code_place(adapters[n].site)
						    : NULL;

			nt_violation(0, "DMA adapter %u%s%s was never released", n,
				place ? ", got at " : "", place ? place : "");
			dma_adapter_free(&adapters[n]);
		}
		dma_live_free(adapters[n].live);
		adapters[n].live = NULL;
	}
	dma_channels_fini();
	dma_registers_fini();
	memset(&dma_settings, 0, sizeof(dma_settings));
}

/* MR-1, D-5: a page more than the longest transfer needs, for buffers that do not start on a page.
 */
static uint32_t registers_granted(const struct dma_adapter *adapter)
{
	const struct dma_constraints *limits = &adapter->limits;
	uint64_t longest = limits->max_transfer ? limits->max_transfer : UINT32_MAX;
	uint64_t registers = ((longest + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT) + 1;

	if (limits->map_registers)
		registers = min_of(registers, limits->map_registers);
	if (adapter->takes_registers)
		registers = min_of(registers, adapter->register_end);
	return (uint32_t)registers;
}

static struct dma_adapter *place_free(void)
{
	for (unsigned n = 0; n < ADAPTERS; n++)
		if (!atomic_load(&adapters[n].in_use) && !dma_domain_is_used(n))
			return &adapters[n];
	return NULL;
}

/* Whether something of RAM may lie where the device does not reach it. */
static bool is_short(const struct dma_adapter *adapter)
{
	return adapter->limits.width < 64 &&
	       adapter->reach.max_address < mem_size() + (MEM_4GIB << 1);
}

/* Registers are taken where they lead somewhere, and wherever the machine has been given a number
 * of them: so the verdict on a transfer does not hang on its pages. */
void dma_adapter_registers(struct dma_adapter *adapter)
{
	adapter->takes_registers = dma_settings.map_registers || dma_settings.engine == DMA_IOMMU ||
				   (dma_settings.engine == DMA_BOUNCE &&
					   (!adapter->limits.scatter_gather || is_short(adapter)));
	adapter->register_end = dma_registers_reachable(adapter);
	adapter->map_registers = registers_granted(adapter);
}

static void adapter_fill(
	struct dma_adapter *adapter, const struct dma_constraints *limits, const void *owner)
{
	const size_t live = offsetof(struct dma_adapter, live);
	const size_t behind = live + sizeof(adapter->live);

	/* The table of lists outlives its adapters: a DPC of the last one may still be on its way,
	 * and look for it at this very moment. */
	memset(adapter, 0, live);
	memset((char *)adapter + behind, 0, sizeof(*adapter) - behind);
	/* D-4, X-35. */
	adapter->header.Version = 1;
	adapter->header.Size = sizeof(adapter->header);
	adapter->header.DmaOperations = dma_operations(3);
	adapter->limits = *limits;
	if (dma_settings.width)
		adapter->limits.width = min_of(limits->width, dma_settings.width);
	adapter->owner = owner;
	adapter->number = (unsigned)(adapter - adapters);
	adapter->reach.max_address =
		adapter->limits.width == 64 ? UINT64_MAX : (1ull << adapter->limits.width) - 1;
	adapter->own_domain = (uint8_t)adapter->number;
	atomic_store(&adapter->domain, adapter->own_domain);
	dma_domain_set(adapter->own_domain, adapter->limits.width);
	dma_adapter_registers(adapter);
}

struct dma_adapter *dma_adapter_new(const struct dma_constraints *limits, const void *owner)
{
	struct dma_adapter *adapter;

	if (limits->width < 1 || limits->width > 64) {
		error_set(EINVAL, "a DMA adapter of %u address bits: it has to be 1 to 64.",
			limits->width);
		return NULL;
	}
	pthread_mutex_lock(&adapters_lock);
	adapter = place_free();
	if (!adapter)
		error_set(ENOSPC, "all %u DMA adapters of the machine are in use.", ADAPTERS);
	if (adapter && !adapter->live) {
		adapter->live = dma_live_new();
		if (!adapter->live) {
			error_set(ENOMEM, "no memory for the lists of a DMA adapter.");
			adapter = NULL;
		}
	}
	if (adapter)
		adapter_fill(adapter, limits, owner);
	if (adapter && !adapter->map_registers) {
		error_set(ERANGE,
			"a DMA adapter of %u address bits reaches none of the map registers.",
			adapter->limits.width);
		adapter = NULL;
	}
	if (adapter && dma_units_reserve(limits->device, adapter->own_domain))
		adapter = NULL;
	if (adapter) {
		dma_domains_change(limits->device, 0, 1u << adapter->own_domain);
		atomic_store(&adapter->in_use, true);
	}
	pthread_mutex_unlock(&adapters_lock);
	return adapter;
}

int dma_adapter_limit(struct dma_adapter *adapter, const struct dma_constraints *limits)
{
	unsigned width = limits->width, before = adapter->limits.width;

	if (width < 1 || width > 64)
		return error_set(
			EINVAL, "a DMA adapter of %u address bits: it has to be 1 to 64.", width);
	if (dma_settings.width)
		width = min_of(width, dma_settings.width);
	adapter->limits = *limits;
	adapter->limits.width = width;
	adapter->reach.max_address = width == 64 ? UINT64_MAX : (1ull << width) - 1;
	if (width != before)
		dma_domain_resize(adapter);
	dma_adapter_registers(adapter);
	if (adapter->map_registers)
		return dma_units_reserve(limits->device, adapter->own_domain);
	return error_set(ERANGE,
		"a DMA adapter of %u address bits reaches none of the map registers.", width);
}

void dma_adapter_free(struct dma_adapter *adapter)
{
	unsigned lists, commons;

	if (!adapter)
		return;
	dma_channels_drop(adapter);
	lists = dma_lists_drop(adapter);
	dma_vectors_drop(adapter);
	commons = dma_commons_drop(adapter);
	/* D-6. */
	if (commons)
		nt_violation(DMA_RULE(DMA_RULE_COMMON_LEFT),
			"DMA adapter %u was released with %u common buffers left", adapter->number,
			commons);
	if (lists)
		nt_violation(DMA_RULE(DMA_RULE_LISTS_LEFT),
			"DMA adapter %u was released with %u scatter/gather lists left: built and "
			"never put (X-42)",
			adapter->number, lists);
	/* Who takes the place now has a domain of the same number. */
	pthread_mutex_lock(&adapters_lock);
	atomic_store(&adapter->in_use, false);
	dma_domains_change(adapter->limits.device, 1u << atomic_load(&adapter->domain), 0);
	pthread_mutex_unlock(&adapters_lock);
}

struct dma_adapter *dma_adapter_at(unsigned n)
{
	return n < ADAPTERS ? &adapters[n] : NULL;
}

struct dma_adapter *dma_adapter_find(const void *pointer)
{
	uintptr_t offset = (uintptr_t)pointer - (uintptr_t)adapters;
	struct dma_adapter *adapter;

	if (offset >= sizeof(adapters) || offset % sizeof(adapters[0]))
		return NULL;
	adapter = &adapters[offset / sizeof(adapters[0])];
	return atomic_load_explicit(&adapter->in_use, memory_order_acquire) ? adapter : NULL;
}

bool dma_adapter_is_busy(struct dma_adapter *adapter)
{
	struct dma_counts counts = dma_adapter_counts(adapter);

	return counts.built != counts.put || counts.mapped != counts.unmapped;
}

struct dma_counts dma_adapter_counts(const struct dma_adapter *adapter)
{
	struct dma_counts sum = {0};
	uint64_t *to = (uint64_t *)&sum;

	for (unsigned n = 0; n < array_size(adapter->here); n++) {
		const uint64_t *from = (const uint64_t *)&adapter->here[n].counts;

		for (unsigned i = 0; i < sizeof(sum) / sizeof(*to); i++)
			to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	}
	for (unsigned n = 0; n < DMA_COUNT_SIZES; n++)
		sum.mapped += sum.sizes[n];
	sum.mapped -= sum.built;
	return sum;
}
