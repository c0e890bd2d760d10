/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the members of DMA_OPERATIONS share: how each one judges the adapter pointer and the IRQL
 * before it works (table 2.2). The members stand in ddi_io_dma.c (adapters, common buffers,
 * lists), ddi_dma_channel.c (adapter channels) and ddi_dma_extended.c (version 3); the tables that
 * name them at the end of ddi_io_dma.c.
 */
#ifndef DRY_DMA_DDI_DMA_H
#define DRY_DMA_DDI_DMA_H

#include "dma/dma_private.h"
#include "mem/mem.h"

struct dma_routine {
	const char *name;
	uint8_t min, max; /* IRQL */
};

/* Reports it (0xE6/13); whether the call may be carried out all the same. */
bool dma_wrong_irql(const struct dma_routine *routine, uint8_t irql);
/* The adapter is none (0xE6/18, 0xE6/19). */
void dma_bad_adapter(const struct dma_routine *routine, const void *pointer);

static inline bool dma_irql_allows(const struct dma_routine *routine)
{
	uint8_t irql = cpu_irql();

	return likely(irql >= routine->min && irql <= routine->max) ||
	       dma_wrong_irql(routine, irql);
}

/* The adapter, if the call may go on. */
static inline struct dma_adapter *dma_enter(const struct dma_routine *routine, PDMA_ADAPTER pointer)
{
	struct dma_adapter *adapter = dma_adapter_find(pointer);

	if (unlikely(!adapter)) {
		dma_bad_adapter(routine, pointer);
		return NULL;
	}
	return dma_irql_allows(routine) ? adapter : NULL;
}

/* A driver's routine has to be called at DISPATCH_LEVEL, whatever its caller got wrong. */
static inline uint8_t dma_to_dispatch(void)
{
	uint8_t irql = cpu_irql();

	return unlikely(irql < IRQL_DISPATCH && cpu_self) ? cpu_irql_raise(IRQL_DISPATCH) : irql;
}

static inline void dma_from_dispatch(uint8_t irql)
{
	if (unlikely(irql < IRQL_DISPATCH && cpu_self))
		cpu_irql_lower(irql);
}

/* What a driver's routine gets as its Irp (CH-4). */
static inline PIRP dma_current_irp(PDEVICE_OBJECT device)
{
	return mem_is_valid(device, sizeof(*device)) ? device->CurrentIrp : NULL;
}

/* Members of the tables that stand outside ddi_io_dma.c: version 1 ... */
ALLOCATE_ADAPTER_CHANNEL DmaAllocateAdapterChannel;
FLUSH_ADAPTER_BUFFERS DmaFlushAdapterBuffers;
FREE_ADAPTER_CHANNEL DmaFreeAdapterChannel;
FREE_MAP_REGISTERS DmaFreeMapRegisters;
MAP_TRANSFER DmaMapTransfer;
READ_DMA_COUNTER DmaReadDmaCounter;
ALLOCATE_COMMON_BUFFER DmaAllocateCommonBuffer;
FREE_COMMON_BUFFER DmaFreeCommonBuffer;
/* ... and version 3 */
GET_DMA_ADAPTER_INFO DmaGetDmaAdapterInfo;
GET_DMA_TRANSFER_INFO DmaGetDmaTransferInfo;
INITIALIZE_DMA_TRANSFER_CONTEXT DmaInitializeDmaTransferContext;
ALLOCATE_ADAPTER_CHANNEL_EX DmaAllocateAdapterChannelEx;
CONFIGURE_ADAPTER_CHANNEL DmaConfigureAdapterChannel;
CANCEL_ADAPTER_CHANNEL DmaCancelAdapterChannel;
MAP_TRANSFER_EX DmaMapTransferEx;
GET_SCATTER_GATHER_LIST_EX DmaGetScatterGatherListEx;
BUILD_SCATTER_GATHER_LIST_EX DmaBuildScatterGatherListEx;
FLUSH_ADAPTER_BUFFERS_EX DmaFlushAdapterBuffersEx;
FREE_ADAPTER_OBJECT DmaFreeAdapterObject;
CANCEL_MAPPED_TRANSFER DmaCancelMappedTransfer;
ALLOCATE_COMMON_BUFFER_EX DmaAllocateCommonBufferEx;
ALLOCATE_DOMAIN_COMMON_BUFFER DmaAllocateDomainCommonBuffer;
FLUSH_DMA_BUFFER DmaFlushDmaBuffer;
JOIN_DMA_DOMAIN DmaJoinDmaDomain;
LEAVE_DMA_DOMAIN DmaLeaveDmaDomain;
GET_DMA_DOMAIN DmaGetDmaDomain;
ALLOCATE_COMMON_BUFFER_WITH_BOUNDS DmaAllocateCommonBufferWithBounds;
ALLOCATE_COMMON_BUFFER_VECTOR DmaAllocateCommonBufferVector;
GET_COMMON_BUFFER_FROM_VECTOR_BY_INDEX DmaGetCommonBufferFromVectorByIndex;
FREE_COMMON_BUFFER_FROM_VECTOR DmaFreeCommonBufferFromVector;
FREE_COMMON_BUFFER_VECTOR DmaFreeCommonBufferVector;
CREATE_COMMON_BUFFER_FROM_MDL DmaCreateCommonBufferFromMdl;

#endif
