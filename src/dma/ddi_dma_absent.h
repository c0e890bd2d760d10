/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The members of DMA_OPERATIONS that do nothing yet: each reports a violation that names it and
 * answers STATUS_NOT_IMPLEMENTED, NULL, FALSE or 0. CAVEATS.md lists them. Neighbour: ddi_io_dma.c,
 * whose tables name them; a member that comes to life moves there.
 */
#ifndef DRY_DMA_DDI_DMA_ABSENT_H
#define DRY_DMA_DDI_DMA_ABSENT_H

#include <ntddk.h>

/* version 1 */
ALLOCATE_ADAPTER_CHANNEL DmaAbsentAllocateAdapterChannel;
FLUSH_ADAPTER_BUFFERS DmaAbsentFlushAdapterBuffers;
FREE_ADAPTER_CHANNEL DmaAbsentFreeAdapterChannel;
FREE_MAP_REGISTERS DmaAbsentFreeMapRegisters;
MAP_TRANSFER DmaAbsentMapTransfer;
READ_DMA_COUNTER DmaAbsentReadDmaCounter;
/* version 3 */
GET_DMA_ADAPTER_INFO DmaAbsentGetDmaAdapterInfo;
GET_DMA_TRANSFER_INFO DmaAbsentGetDmaTransferInfo;
INITIALIZE_DMA_TRANSFER_CONTEXT DmaAbsentInitializeDmaTransferContext;
ALLOCATE_COMMON_BUFFER_EX DmaAbsentAllocateCommonBufferEx;
ALLOCATE_ADAPTER_CHANNEL_EX DmaAbsentAllocateAdapterChannelEx;
CONFIGURE_ADAPTER_CHANNEL DmaAbsentConfigureAdapterChannel;
CANCEL_ADAPTER_CHANNEL DmaAbsentCancelAdapterChannel;
MAP_TRANSFER_EX DmaAbsentMapTransferEx;
GET_SCATTER_GATHER_LIST_EX DmaAbsentGetScatterGatherListEx;
BUILD_SCATTER_GATHER_LIST_EX DmaAbsentBuildScatterGatherListEx;
FLUSH_ADAPTER_BUFFERS_EX DmaAbsentFlushAdapterBuffersEx;
FREE_ADAPTER_OBJECT DmaAbsentFreeAdapterObject;
CANCEL_MAPPED_TRANSFER DmaAbsentCancelMappedTransfer;
/* Windows 10 */
ALLOCATE_DOMAIN_COMMON_BUFFER DmaAbsentAllocateDomainCommonBuffer;
FLUSH_DMA_BUFFER DmaAbsentFlushDmaBuffer;
JOIN_DMA_DOMAIN DmaAbsentJoinDmaDomain;
LEAVE_DMA_DOMAIN DmaAbsentLeaveDmaDomain;
GET_DMA_DOMAIN DmaAbsentGetDmaDomain;
ALLOCATE_COMMON_BUFFER_WITH_BOUNDS DmaAbsentAllocateCommonBufferWithBounds;
ALLOCATE_COMMON_BUFFER_VECTOR DmaAbsentAllocateCommonBufferVector;
GET_COMMON_BUFFER_FROM_VECTOR_BY_INDEX DmaAbsentGetCommonBufferFromVectorByIndex;
FREE_COMMON_BUFFER_FROM_VECTOR DmaAbsentFreeCommonBufferFromVector;
FREE_COMMON_BUFFER_VECTOR DmaAbsentFreeCommonBufferVector;
CREATE_COMMON_BUFFER_FROM_MDL DmaAbsentCreateCommonBufferFromMdl;

#endif
