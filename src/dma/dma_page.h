/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The end of dma.h: what most requests of the port take of it, inline. list.c has the rest.
 */
#ifndef DRY_DMA_DMA_PAGE_H
#define DRY_DMA_DMA_PAGE_H

/* The counters of the calling processor. */
static inline struct dma_counts *dma_counts_here(struct dma_adapter *adapter)
{
	return &adapter->here[likely(cpu_self != NULL) ? cpu_self->number : CPU_MAX].counts;
}

static inline void dma_count(uint64_t *counter)
{
	if (likely(cpu_self != NULL))
		__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * dma_map of the first `length` bytes of a built MDL, where they lie in one page, no map register
 * is taken and the device reaches the page. False: nothing was done, and dma_map has to see it.
 * The list has room for an element.
 */
static inline bool dma_map_page(struct dma_adapter *adapter, struct dma_mapping *mapping,
	const MDL *mdl, uint32_t length, bool write_to_device, PSCATTER_GATHER_LIST list)
{
	const int built = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL;
	uint64_t frame, address, last;
	struct dma_counts *counts;

	/* a length of 0 wraps */
	if (unlikely(length - 1ull > (~(uint64_t)mdl->ByteOffset & MEM_PAGE_MASK) ||
		     length > mdl->ByteCount || adapter->takes_registers || mapping->run.count ||
		     !(mdl->MdlFlags & built) ||
		     (uint16_t)mdl->Size < sizeof(*mdl) + sizeof(PFN_NUMBER)))
		return false;
	frame = *MmGetMdlPfnArray(mdl);
	address = (frame << MEM_PAGE_SHIFT) + (mdl->ByteOffset & MEM_PAGE_MASK);
	last = address + length - 1;
	if (unlikely(last > adapter->reach.max_address || last >> MEM_PAGE_SHIFT != frame ||
		     mdl->ByteOffset > MEM_PAGE_MASK))
		return false;
	*mapping = (struct dma_mapping){.write_to_device = write_to_device};
	list->NumberOfElements = 1;
	list->Reserved = 0;
	list->Elements[0].Address.QuadPart = (LONGLONG)address;
	list->Elements[0].Length = length;
	list->Elements[0].Reserved = 0;
	counts = dma_counts_here(adapter);
	dma_count(&counts->mapped);
	dma_count(&counts->sizes[0]);
	return true;
}

/* Copies back what was bounced and read from the device; gives the registers back. */
static inline void dma_unmap(struct dma_adapter *adapter, struct dma_mapping *mapping)
{
	if (unlikely(mapping->run.count))
		dma_unmap_registers(mapping);
	dma_count(&dma_counts_here(adapter)->unmapped);
}

#endif
