/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The members of DMA_OPERATIONS about common buffers and domains; the table of IRQLs is 2.2. A
 * domain's handle is its number, marked. Without an iommu there are no domains: GetDmaDomain gives
 * NULL, and who asks for one gets STATUS_NOT_SUPPORTED (our decision; the pages name no status).
 */
#include "dma/common_buffer.h"
#include "dma/ddi_dma.h"
#include "dma/map_register.h"
#include "nt/nt.h"

#define DOMAIN_MARK 0xD0340000u
#define MDLS_MAX    65536 /* of a chain */

#define PASSIVE_ONLY(routine)                                                                      \
	static const struct dma_routine routine##_rule = {#routine, IRQL_PASSIVE, IRQL_PASSIVE}
#define SITE ((uintptr_t)__builtin_return_address(0))

PASSIVE_ONLY(AllocateCommonBuffer);
PASSIVE_ONLY(AllocateCommonBufferEx);
PASSIVE_ONLY(AllocateCommonBufferWithBounds);
PASSIVE_ONLY(AllocateDomainCommonBuffer);
PASSIVE_ONLY(CreateCommonBufferFromMdl);
PASSIVE_ONLY(FreeCommonBuffer);
PASSIVE_ONLY(JoinDmaDomain);
PASSIVE_ONLY(LeaveDmaDomain);
PASSIVE_ONLY(GetDmaDomain);

/* Their pages give no IRQL: what works anywhere below DISPATCH_LEVEL is let through. */
#define ANY_TO_DISPATCH(routine)                                                                   \
	static const struct dma_routine routine##_rule = {#routine, IRQL_PASSIVE, IRQL_DISPATCH}

ANY_TO_DISPATCH(AllocateCommonBufferVector);
ANY_TO_DISPATCH(GetCommonBufferFromVectorByIndex);
ANY_TO_DISPATCH(FreeCommonBufferFromVector);
ANY_TO_DISPATCH(FreeCommonBufferVector);
ANY_TO_DISPATCH(FlushDmaBuffer);

/* ---- one buffer ---- */

/* Fills in what has to be checked of every ask; false, with a violation: it is none. */
static bool ask_is_valid(const char *routine, ULONGLONG length, const void *address)
{
	if (length && address)
		return true;
	nt_violation(0, "%s %s (X-9)", routine,
		length ? "without a place for the logical address" : "of length 0");
	return false;
}

/* "Memory below this address": its last byte may be the address itself only where that ends a page.
 */
static uint64_t highest_of(const PHYSICAL_ADDRESS *maximum)
{
	if (!maximum || !maximum->QuadPart)
		return 0;
	return (uint64_t)maximum->QuadPart & MEM_PAGE_MASK ? (uint64_t)maximum->QuadPart
							   : (uint64_t)maximum->QuadPart - 1;
}

static bool cache_is_valid(const char *routine, const MEMORY_CACHING_TYPE *type, ULONG flags)
{
	if (type && *type != MmNonCached && *type != MmCached) {
		nt_violation(0,
			"%s with cache type %d: only MmNonCached and MmCached are supported",
			routine, (int)*type);
		return false;
	}
	if (flags & ~(ULONG)DOMAIN_COMMON_BUFFER_LARGE_PAGE) {
		nt_violation(0, "%s with flags 0x%x, of which 0x%x are not known", routine, flags,
			flags & ~(ULONG)DOMAIN_COMMON_BUFFER_LARGE_PAGE);
		return false;
	}
	return true;
}

static PVOID give(struct dma_adapter *adapter, const struct dma_common_ask *ask,
	PPHYSICAL_ADDRESS LogicalAddress)
{
	uint64_t address;
	void *va = dma_common_new(adapter, ask, &address);

	if (va)
		LogicalAddress->QuadPart = (LONGLONG)address;
	return va;
}

PVOID NTAPI DmaAllocateCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
	PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled)
{
	struct dma_adapter *adapter = dma_enter(&AllocateCommonBuffer_rule, DmaAdapter);

	if (!adapter || !ask_is_valid("AllocateCommonBuffer", Length, LogicalAddress))
		return NULL;
	return give(adapter,
		&(struct dma_common_ask){.bytes = Length, .cached = CacheEnabled, .site = SITE},
		LogicalAddress);
}

PVOID NTAPI DmaAllocateCommonBufferEx(PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MaximumAddress,
	ULONG Length, PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled, ULONG PreferredNode)
{
	struct dma_adapter *adapter = dma_enter(&AllocateCommonBufferEx_rule, DmaAdapter);

	if (!adapter || !ask_is_valid("AllocateCommonBufferEx", Length, LogicalAddress))
		return NULL;
	return give(adapter,
		&(struct dma_common_ask){.bytes = Length,
			.highest = highest_of(MaximumAddress),
			.cached = CacheEnabled,
			.site = SITE},
		LogicalAddress);
}

PVOID NTAPI DmaAllocateCommonBufferWithBounds(PDMA_ADAPTER DmaAdapter,
	PPHYSICAL_ADDRESS MinimumAddress, PPHYSICAL_ADDRESS MaximumAddress, ULONG Length,
	ULONG Flags, MEMORY_CACHING_TYPE *CacheType, ULONG PreferredNode,
	PPHYSICAL_ADDRESS LogicalAddress)
{
	static const char routine[] = "AllocateCommonBufferWithBounds";
	struct dma_adapter *adapter = dma_enter(&AllocateCommonBufferWithBounds_rule, DmaAdapter);

	if (!adapter || !ask_is_valid(routine, Length, LogicalAddress) ||
		!cache_is_valid(routine, CacheType, Flags))
		return NULL;
	return give(adapter,
		&(struct dma_common_ask){.bytes = Length,
			.lowest = MinimumAddress ? (uint64_t)MinimumAddress->QuadPart : 0,
			.highest = highest_of(MaximumAddress),
			.large = Flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE,
			.any_cache = !CacheType,
			.cached = CacheType && *CacheType == MmCached,
			.site = SITE},
		LogicalAddress);
}

VOID NTAPI DmaFreeCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
	PHYSICAL_ADDRESS LogicalAddress, PVOID VirtualAddress, BOOLEAN CacheEnabled)
{
	struct dma_adapter *adapter = dma_enter(&FreeCommonBuffer_rule, DmaAdapter);

	if (adapter)
		dma_common_free(adapter, Length, (uint64_t)LogicalAddress.QuadPart, VirtualAddress,
			CacheEnabled);
}

/* ---- out of an MDL ---- */

/* The conditions of the page; where the SubSection is, and how long. */
static bool subsection(PMDL *mdl, const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *part,
	ULONGLONG *offset, ULONGLONG *bytes)
{
	*offset = part ? part->SubSection.Offset : 0;
	if (!part) {
		*bytes = (*mdl)->ByteCount;
		return !(*mdl)->Next;
	}
	*bytes = part->SubSection.Length;
	/* A circle of empty MDLs has no end. */
	for (unsigned n = 0; *mdl && *offset >= (*mdl)->ByteCount; n++) {
		*offset -= (*mdl)->ByteCount;
		*mdl = n < MDLS_MAX ? (*mdl)->Next : NULL;
	}
	return *mdl && *bytes <= (*mdl)->ByteCount - *offset;
}

static bool is_mapped(const MDL *mdl)
{
	return mdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA);
}

/* direct, bounce: the frames have to follow each other. */
static bool is_contiguous(const char *va, ULONGLONG bytes)
{
	for (ULONGLONG at = MEM_PAGE_SIZE; at < bytes; at += MEM_PAGE_SIZE)
		if (mem_frame_number(va + at) != mem_frame_number(va) + (at >> MEM_PAGE_SHIFT))
			return false;
	return true;
}

/* Reads the configurations; each kind at most once. */
static NTSTATUS configure(const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *configs, ULONG count,
	struct dma_common_ask *ask, const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION **part)
{
	unsigned seen = 0;

	for (ULONG n = 0; n < count; n++) {
		const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *config = &configs[n];

		if ((unsigned)config->ConfigType >= CommonBufferConfigTypeMax)
			return STATUS_NOT_SUPPORTED;
		if (seen & 1u << config->ConfigType)
			return STATUS_INVALID_PARAMETER;
		seen |= 1u << config->ConfigType;
		if (config->ConfigType == CommonBufferConfigTypeSubSection) {
			*part = config;
			continue;
		}
		if (config->ConfigType == CommonBufferConfigTypeLogicalAddressLimits) {
			ask->lowest =
				(uint64_t)config->LogicalAddressLimits.MinimumAddress.QuadPart;
			ask->highest =
				(uint64_t)config->LogicalAddressLimits.MaximumAddress.QuadPart;
			continue;
		}
		if ((unsigned)config->HardwareAccessType >= CommonBufferHardwareAccessMax)
			return STATUS_INVALID_PARAMETER;
		ask->no_write = config->HardwareAccessType == CommonBufferHardwareAccessReadOnly;
		ask->no_read = config->HardwareAccessType == CommonBufferHardwareAccessWriteOnly;
		if ((ask->no_read || ask->no_write) && dma_settings.engine != DMA_IOMMU)
			return STATUS_NOT_SUPPORTED;
	}
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI DmaCreateCommonBufferFromMdl(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
	PVOID ExtendedConfigs, ULONG ExtendedConfigsCount, PPHYSICAL_ADDRESS LogicalAddress)
{
	struct dma_adapter *adapter = dma_enter(&CreateCommonBufferFromMdl_rule, DmaAdapter);
	struct dma_common_ask ask = {.any_cache = true, .site = SITE};
	const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *part = NULL;
	ULONGLONG offset;
	NTSTATUS status;

	if (!adapter || !Mdl || !LogicalAddress || (ExtendedConfigsCount && !ExtendedConfigs))
		return STATUS_INVALID_PARAMETER;
	status = configure(ExtendedConfigs, ExtendedConfigsCount, &ask, &part);
	if (status)
		return status;
	if (!subsection(&Mdl, part, &offset, &ask.bytes) || !is_mapped(Mdl))
		return STATUS_INVALID_PARAMETER;
	ask.va = (char *)Mdl->MappedSystemVa + offset;
	if (!ask.bytes || (uintptr_t)ask.va & MEM_PAGE_MASK || ask.bytes & MEM_PAGE_MASK ||
		!mem_is_valid(ask.va, ask.bytes) ||
		(dma_settings.engine != DMA_IOMMU && !is_contiguous(ask.va, ask.bytes)))
		return STATUS_INVALID_PARAMETER;
	/* Without translation, memory that the device does not reach is an incompatible MDL. */
	if (give(adapter, &ask, LogicalAddress))
		return STATUS_SUCCESS;
	return dma_settings.engine == DMA_IOMMU ? STATUS_INSUFFICIENT_RESOURCES
						: STATUS_INVALID_PARAMETER;
}

/* ---- vectors ---- */

NTSTATUS NTAPI DmaAllocateCommonBufferVector(PDMA_ADAPTER DmaAdapter, PHYSICAL_ADDRESS LowAddress,
	PHYSICAL_ADDRESS HighAddress, MEMORY_CACHING_TYPE CacheType, ULONG IdealNode, ULONG Flags,
	ULONG NumberOfElements, ULONGLONG SizeOfElements, PDMA_COMMON_BUFFER_VECTOR *VectorOut)
{
	static const char routine[] = "AllocateCommonBufferVector";
	struct dma_adapter *adapter = dma_enter(&AllocateCommonBufferVector_rule, DmaAdapter);
	const struct dma_common_ask ask = {
		.bytes = SizeOfElements,
		.lowest = (uint64_t)LowAddress.QuadPart,
		.highest = highest_of(&HighAddress),
		.zero = Flags & DMA_ZERO_BUFFERS,
		.large = Flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE,
		.site = SITE,
	};

	if (!adapter || !VectorOut)
		return STATUS_INVALID_PARAMETER;
	*VectorOut = NULL;
	if (!NumberOfElements || !SizeOfElements ||
		!cache_is_valid(routine, &CacheType, Flags & ~(ULONG)DMA_ZERO_BUFFERS))
		return STATUS_INVALID_PARAMETER;
	*VectorOut = (PVOID)dma_vector_new(adapter, &ask, NumberOfElements);
	return *VectorOut ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID NTAPI DmaGetCommonBufferFromVectorByIndex(PDMA_ADAPTER DmaAdapter,
	PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index, PVOID *VirtualAddressOut,
	PPHYSICAL_ADDRESS LogicalAddressOut)
{
	struct dma_adapter *adapter = dma_enter(&GetCommonBufferFromVectorByIndex_rule, DmaAdapter);
	struct dma_vector *vector =
		adapter ? dma_vector_find(adapter, Vector, "GetCommonBufferFromVectorByIndex")
			: NULL;
	uint64_t address = 0;
	void *va = NULL;

	if (vector)
		dma_vector_get(vector, Index, &va, &address);
	if (VirtualAddressOut)
		*VirtualAddressOut = va;
	if (LogicalAddressOut)
		LogicalAddressOut->QuadPart = (LONGLONG)address;
}

VOID NTAPI DmaFreeCommonBufferFromVector(
	PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index)
{
	struct dma_adapter *adapter = dma_enter(&FreeCommonBufferFromVector_rule, DmaAdapter);
	struct dma_vector *vector =
		adapter ? dma_vector_find(adapter, Vector, "FreeCommonBufferFromVector") : NULL;

	if (vector)
		dma_vector_free_one(vector, Index);
}

VOID NTAPI DmaFreeCommonBufferVector(PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector)
{
	struct dma_adapter *adapter = dma_enter(&FreeCommonBufferVector_rule, DmaAdapter);
	struct dma_vector *vector =
		adapter ? dma_vector_find(adapter, Vector, "FreeCommonBufferVector") : NULL;

	if (vector)
		dma_vector_free(adapter, vector);
}

/* ---- domains ---- */

static HANDLE handle_of(unsigned domain)
{
	return (HANDLE)(uintptr_t)(DOMAIN_MARK | (domain << 2 | 3));
}

/* The domain of a handle, -1 if it is none that is in use. */
static int domain_of(const char *routine, HANDLE handle)
{
	unsigned domain = ((unsigned)(uintptr_t)handle & 0xffff) >> 2;

	if (domain < DMA_DOMAINS && handle == handle_of(domain) && dma_domain_is_used(domain))
		return (int)domain;
	nt_violation(0, "%s with the handle %p, which is no DMA domain's", routine, handle);
	return -1;
}

NTSTATUS NTAPI DmaAllocateDomainCommonBuffer(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle,
	PPHYSICAL_ADDRESS MaximumAddress, ULONG Length, ULONG Flags, MEMORY_CACHING_TYPE *CacheType,
	ULONG PreferredNode, PPHYSICAL_ADDRESS LogicalAddress, PVOID *VirtualAddress)
{
	static const char routine[] = "AllocateDomainCommonBuffer";
	struct dma_adapter *adapter = dma_enter(&AllocateDomainCommonBuffer_rule, DmaAdapter);
	struct dma_common_ask ask = {
		.bytes = Length,
		.highest = highest_of(MaximumAddress),
		.large = Flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE,
		.any_cache = !CacheType,
		.cached = CacheType && *CacheType == MmCached,
		.in_domain = true,
		.site = SITE,
	};
	int domain;

	if (!adapter || !VirtualAddress || !ask_is_valid(routine, Length, LogicalAddress) ||
		!cache_is_valid(routine, CacheType, Flags))
		return STATUS_INVALID_PARAMETER;
	if (dma_settings.engine != DMA_IOMMU)
		return STATUS_NOT_SUPPORTED;
	domain = domain_of(routine, DomainHandle);
	if (domain < 0)
		return STATUS_INVALID_PARAMETER;
	ask.domain = (uint8_t)domain;
	*VirtualAddress = give(adapter, &ask, LogicalAddress);
	return *VirtualAddress ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Processor and devices see the same bytes at any time. */
NTSTATUS NTAPI DmaFlushDmaBuffer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, BOOLEAN ReadOperation)
{
	if (!dma_enter(&FlushDmaBuffer_rule, DmaAdapter) || !Mdl)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI DmaJoinDmaDomain(PDMA_ADAPTER DmaAdapter, HANDLE DomainHandle)
{
	struct dma_adapter *adapter = dma_enter(&JoinDmaDomain_rule, DmaAdapter);
	int domain;

	if (!adapter)
		return STATUS_INVALID_PARAMETER;
	if (dma_settings.engine != DMA_IOMMU)
		return STATUS_NOT_SUPPORTED;
	domain = domain_of("JoinDmaDomain", DomainHandle);
	return domain < 0 ? STATUS_INVALID_PARAMETER : dma_domain_join(adapter, (unsigned)domain);
}

NTSTATUS NTAPI DmaLeaveDmaDomain(PDMA_ADAPTER DmaAdapter)
{
	struct dma_adapter *adapter = dma_enter(&LeaveDmaDomain_rule, DmaAdapter);

	if (!adapter)
		return STATUS_INVALID_PARAMETER;
	if (dma_settings.engine != DMA_IOMMU)
		return STATUS_NOT_SUPPORTED;
	if (atomic_load(&adapter->domain) == adapter->own_domain) {
		nt_violation(
			0, "LeaveDmaDomain: DMA adapter %u has joined no domain", adapter->number);
		return STATUS_INVALID_PARAMETER;
	}
	return dma_domain_join(adapter, adapter->own_domain);
}

HANDLE NTAPI DmaGetDmaDomain(PDMA_ADAPTER DmaAdapter)
{
	struct dma_adapter *adapter = dma_enter(&GetDmaDomain_rule, DmaAdapter);

	return adapter && dma_settings.engine == DMA_IOMMU
		       ? handle_of(atomic_load(&adapter->domain))
		       : NULL;
}
