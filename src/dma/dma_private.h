/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the files of dma/ share besides the contracts dma.h and sglist.h. */
#ifndef DRY_DMA_DMA_PRIVATE_H
#define DRY_DMA_DMA_PRIVATE_H

#include "dma/dma.h"

/* Numbers of Driver Verifier's DMA rules for nt_violation: bug check 0xE6 and its first parameter.
 */
#define DMA_RULE(parameter1) (0xe6000000u | (parameter1))

enum {
	DMA_RULE_COMMON_FREED = 0x03,	/* common buffer freed too often */
	DMA_RULE_LIST_PUT = 0x06,	/* list put too often */
	DMA_RULE_REGISTERS_LEFT = 0x09, /* adapter released with map registers left */
	DMA_RULE_COMMON_LEFT = 0x07,	/* adapter released with common buffers left */
	DMA_RULE_LISTS_LEFT = 0x0a,	/* adapter released with lists left */
	DMA_RULE_NOT_LOCKED = 0x0e,	/* buffer not locked */
	DMA_RULE_IRQL = 0x13,
	DMA_RULE_RELEASED = 0x18, /* adapter already released */
	DMA_RULE_NULL_ADAPTER = 0x19,
	DMA_RULE_BAD_BUFFER = 0x1f, /* the address lies outside the first MDL */
	DMA_RULE_ZERO_LENGTH = 0x21,
	DMA_RULE_NOT_COVERED = 0x24, /* the MDL chain is shorter than the length */
	DMA_RULE_DESCRIPTION = 0x25  /* unknown device description version */
};

extern struct dma_config dma_settings;

/* ---- adapter.c ---- */

/* The n-th place for an adapter, in use or not; NULL past the last. */
struct dma_adapter *dma_adapter_at(unsigned n);

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

/* ---- list.c ---- */

/* WDM's GetScatterGatherList: as dma_build, into pool memory that dma_put frees (SGL-1).
 * INSUFFICIENT_RESOURCES also when there is none (SGL-2). */
NTSTATUS dma_get(struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee);

/* ---- list_put.c ---- */

/* The MDL over the memory that a live list points to: STATUS_NONE_MAPPED when asked a second time.
 */
NTSTATUS dma_list_mdl(
	struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, PMDL original, PMDL *target);
/* Forgets all live lists of an adapter; returns how many there were. */
unsigned dma_lists_drop(struct dma_adapter *adapter);

/* ---- common_buffer.c: PASSIVE by the rules, harmless at DISPATCH ---- */

/* NULL: no memory, or none that the device reaches. */
void *dma_common_alloc(struct dma_adapter *adapter, uint64_t bytes, bool cached, uint64_t *address);
/* Reports what does not fit the allocation; frees what was allocated at va, and nothing if that is
 * nothing. */
void dma_common_free(
	struct dma_adapter *adapter, uint64_t bytes, uint64_t address, void *va, bool cached);
/* Frees all; returns how many there were. */
unsigned dma_commons_drop(struct dma_adapter *adapter);

/* ---- ddi_io_dma.c ---- */

/* The operations table of a device description version, 0..3. */
PDMA_OPERATIONS dma_operations(unsigned version);

#endif
