/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The end of dma.h: what most requests of the port take of it, inline. list.c has the rest.
 */
#ifndef DRY_DMA_DMA_PAGE_H
#define DRY_DMA_DMA_PAGE_H

/* The counters of a processor, of NULL those for threads that are none. */
static inline struct dma_counts *dma_counts_of(struct dma_adapter *adapter, const struct cpu *cpu)
{
	return &adapter->here[likely(cpu != NULL) ? cpu->number : CPU_MAX].counts;
}

/* One of them, by the processor itself. */
static inline void dma_count_by(const struct cpu *cpu, uint64_t *counter)
{
	if (likely(cpu != NULL))
		__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * Whether dma_map_page can do what dma_map does, of `length` bytes (not 0) that stand at this
 * physical address, in one page of RAM: no map register is taken, and the device reaches them.
 */
static inline bool dma_can_map_page(const struct dma_adapter *adapter,
	const struct dma_mapping *mapping, uint64_t address, uint32_t length)
{
	return likely(!adapter->takes_registers && !mapping->run.count &&
		      address + length - 1 <= adapter->reach.max_address);
}

/* Its parts: the list, which has room for an element, and the counters, those of processor cpu, by
 * that processor. The mapping must be zero. */
static inline void dma_list_page(PSCATTER_GATHER_LIST list, uint64_t address, uint32_t length)
{
	list->NumberOfElements = 1;
	list->Reserved = 0;
	list->Elements[0].Address.QuadPart = (LONGLONG)address;
	list->Elements[0].Length = length;
	list->Elements[0].Reserved = 0;
}

static inline void dma_count_page(struct dma_adapter *adapter, unsigned cpu)
{
	cpu_own_count(&adapter->here[cpu].counts.sizes[0]);
}

static inline void dma_uncount_pages(struct dma_adapter *adapter, unsigned cpu, uint64_t pages)
{
	cpu_own_add(&adapter->here[cpu].counts.unmapped, pages);
}

/* On a processor. */
static inline void dma_map_page(struct dma_adapter *adapter, struct dma_mapping *mapping,
	uint64_t address, uint32_t length, bool write_to_device, PSCATTER_GATHER_LIST list)
{
	*mapping = (struct dma_mapping){.write_to_device = write_to_device};
	dma_list_page(list, address, length);
	dma_count_page(adapter, cpu_self->number);
}

/* Copies back what was bounced and read from the device; gives the registers back. */
static inline void dma_unmap(struct dma_adapter *adapter, struct dma_mapping *mapping)
{
	const struct cpu *cpu = cpu_self;

	if (unlikely(mapping->run.count))
		dma_unmap_registers(mapping);
	dma_count_by(cpu, &dma_counts_of(adapter, cpu)->unmapped);
}

#endif
