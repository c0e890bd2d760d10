/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Which DMA operations came with which release; see dma_os.h. */
#include "dma/dma_os.h"

#include <ntddk.h>

/* D-3: version 2 came with XP, before the first release here, version 3 with Windows 8. */
static const enum nt_os description_since[] = {
	[DEVICE_DESCRIPTION_VERSION] = NT_OS_VISTA,
	[DEVICE_DESCRIPTION_VERSION1] = NT_OS_VISTA,
	[DEVICE_DESCRIPTION_VERSION2] = NT_OS_VISTA,
	[DEVICE_DESCRIPTION_VERSION3] = NT_OS_8,
};

/*
 * Where version 3 ends, the newest first. No page dates the four members for vectors. Their pages
 * came into the DDI reference with the pages of 19H1, which is 1903 (its history, March 2019).
 */
static const struct {
	enum nt_os since;
	uint32_t size;
} sizes[] = {
	{NT_OS_SERVER_2022, sizeof(DMA_OPERATIONS)},
	{NT_OS_10_1903, offsetof(DMA_OPERATIONS, CreateCommonBufferFromMdl)},
	{NT_OS_10_1803, offsetof(DMA_OPERATIONS, AllocateCommonBufferVector)},
	{NT_OS_10_1507, offsetof(DMA_OPERATIONS, AllocateCommonBufferWithBounds)},
	{NT_OS_8, offsetof(DMA_OPERATIONS, AllocateDomainCommonBuffer)},
};

bool dma_description_version_is_known(unsigned version, enum nt_os os)
{
	return version < array_size(description_since) && os >= description_since[version];
}

uint32_t dma_operations_size(unsigned description_version, enum nt_os os)
{
	if (!dma_description_version_is_known(description_version, os))
		return 0;
	if (description_version <= DEVICE_DESCRIPTION_VERSION1)
		return offsetof(DMA_OPERATIONS, CalculateScatterGatherList);
	if (description_version == DEVICE_DESCRIPTION_VERSION2)
		return offsetof(DMA_OPERATIONS, GetDmaAdapterInfo);
	for (size_t n = 0; n < array_size(sizes); n++)
		if (os >= sizes[n].since)
			return sizes[n].size;
	return 0;
}

bool dma_transfer_info_version_is_known(unsigned version, enum nt_os os)
{
	if (version == DMA_TRANSFER_INFO_VERSION1)
		return os >= NT_OS_8;
	return version == DMA_TRANSFER_INFO_VERSION2 && os >= NT_OS_10_1809;
}
