/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a Windows release has of WDM DMA: pure, for ddi_io_dma.c and who else hands out operations.
 * Pages: DEVICE_DESCRIPTION, DMA_OPERATIONS (docs/os-releases.md; facts D-3, D-4).
 */
#ifndef DRY_DMA_DMA_OS_H
#define DRY_DMA_DMA_OS_H

#include "nt/os.h"

/* Whether IoGetDmaAdapter takes a DEVICE_DESCRIPTION of this version (0 to 3); else it answers
 * NULL. */
bool dma_description_version_is_known(unsigned version, enum nt_os os);
/* DMA_OPERATIONS.Size for a description of this version: members that end past it are not there. 0
 * for a version that the release does not know. */
uint32_t dma_operations_size(unsigned description_version, enum nt_os os);
/* Whether GetDmaTransferInfo takes a DMA_TRANSFER_INFO of this version (1 or 2). */
bool dma_transfer_info_version_is_known(unsigned version, enum nt_os os);

#endif
