/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Common buffers: memory that processor and device use at the same time; common_buffer.c. Vectors
 * of them: common_vector.c. Which operation asks for what: ddi_dma_common.c. Off the I/O path:
 * PASSIVE by the rules, harmless at DISPATCH.
 */
#ifndef DRY_DMA_COMMON_BUFFER_H
#define DRY_DMA_COMMON_BUFFER_H

#include "dma/dma.h"

#define DMA_LARGE_PAGE (2ull << 20)

struct dma_common_ask {
	uint64_t bytes;
	uint64_t lowest, highest; /* the logical addresses of its bytes; highest 0: no limit but
				     the adapter's */
	bool large;		  /* in large pages, aligned to them */
	bool cached;
	bool any_cache; /* the caller gave no BOOLEAN: FreeCommonBuffer's is not compared */
	bool zero;	/* cleared */
	bool in_domain; /* not the adapter's domain, but this one: */
	uint8_t domain;
	bool no_read, no_write; /* of the device: only an iommu can see to it */
	void *va;		/* not NULL: this memory, whole pages, which stays the caller's */
	uintptr_t site;		/* code address of the driver's call */
};

/* The buffer and its logical address. NULL: no memory, or none that the device reaches there. */
void *dma_common_new(
	struct dma_adapter *adapter, const struct dma_common_ask *ask, uint64_t *address);
/* The same for a buffer anywhere. */
void *dma_common_alloc(struct dma_adapter *adapter, uint64_t bytes, bool cached, uint64_t *address);
/* Reports what does not fit the allocation; frees what was allocated at va, and nothing if that is
 * nothing. */
void dma_common_free(
	struct dma_adapter *adapter, uint64_t bytes, uint64_t address, void *va, bool cached);
/* Frees all and reports each as left behind, with its birthplace; returns how many there were. */
unsigned dma_commons_drop(struct dma_adapter *adapter);

/* ---- vectors ---- */

struct dma_vector;

/* `count` buffers as ask says. NULL: not enough memory, or count or size is 0. */
struct dma_vector *dma_vector_new(
	struct dma_adapter *adapter, const struct dma_common_ask *ask, uint32_t count);
/* The vector behind a driver's pointer; NULL, with a violation, if it is none of this adapter's. */
struct dma_vector *dma_vector_find(
	struct dma_adapter *adapter, const void *pointer, const char *routine);
/* False, with a violation: no such element, or it has been freed. */
bool dma_vector_get(struct dma_vector *vector, uint32_t index, void **va, uint64_t *address);
bool dma_vector_free_one(struct dma_vector *vector, uint32_t index);
void dma_vector_free(struct dma_adapter *adapter, struct dma_vector *vector);
/* Forgets the adapter's vectors without their buffers, which dma_commons_drop frees. */
void dma_vectors_drop(struct dma_adapter *adapter);

#endif
