/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Iommus that stand in front of devices which are no models of ours. Those reach memory without
 * dma_bus.c, so what the slots of map_register.h lead to is written into tables that such a *unit*
 * walks. A unit has one device, and translates what the domains of that device's adapters have.
 *
 * A unit knows pages alone: the bytes of a page beside a transfer are not held back.
 *
 * Neighbours: mapping.c and iommu.c open and shut slots; src/hw has the units.
 */
#ifndef DRY_DMA_IOMMU_UNIT_H
#define DRY_DMA_IOMMU_UNIT_H

#include "util/common.h"

#include <stdatomic.h>

enum { DMA_UNIT_READ = 1, DMA_UNIT_WRITE = 2 };

struct dma_unit;
struct dma_unit_ops {
	/* Tables for these addresses, which lie below 4 GiB. -ENOMEM with error_set. PASSIVE. */
	int (*reserve)(struct dma_unit *unit, uint64_t address, uint64_t bytes);
	/* The page at a reserved address leads to this one; at any IRQL, several processors at a
	 * time. */
	void (*set)(struct dma_unit *unit, uint64_t address, uint64_t physical, unsigned access);
	/* It leads nowhere, if it led there (MEM_NO_ADDRESS: anywhere); false: it did not. */
	bool (*clear)(struct dma_unit *unit, uint64_t address, uint64_t physical);
	/* On return the device reaches nothing of what was cleared before the call. */
	void (*flush)(struct dma_unit *unit);
};

struct dma_unit {
	const struct dma_unit_ops *ops;
	unsigned device; /* dma_constraints.device */
};

/* From now on it has all that its device's adapters map. -errno with error_set. PASSIVE, while the
 * device does nothing. */
int dma_unit_add(struct dma_unit *unit);
void dma_unit_remove(struct dma_unit *unit);

/* ---- private to dma/ ---- */

extern unsigned dma_units __attribute__((visibility("hidden"))); /* how many there are */

/* The addresses of a domain that this device's adapter is to have. */
int dma_units_reserve(unsigned device, unsigned domain);
/* The slots [first, first + count), whose windows are open, are to be reached; no longer, once the
 * units that are returned, a bit each, were flushed. */
void dma_units_open(uint32_t first, uint32_t count);
uint32_t dma_units_shut(uint32_t first, uint32_t count);
void dma_units_flush(uint32_t which);
/* The device's adapters have left domains, and joined others. */
void dma_units_follow(unsigned device, uint32_t left, uint32_t joined);

#endif
