/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The MDL over what a copied transfer really works on, for BuildMdlFromScatterGatherList (MR-3).
 * Neighbours: mapping.c made the copies, list_put.c hands this out and frees it. */
#include "dma/mapping.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <string.h>

#define MDL_TAG 0x4c444d44u /* 'DMDL' */

/* in_page: where the first byte stands in its page. A driver's MDL may have a StartVa that tells
 * otherwise. */
static PMDL mdl_new(uintptr_t va, uint64_t in_page, uint64_t bytes)
{
	uint64_t pages = (in_page + bytes + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	PMDL mdl = nt_pool_alloc(sizeof(*mdl) + pages * sizeof(PFN_NUMBER), MDL_TAG, NULL, true);

	if (!mdl)
		return NULL;
	mdl->Size = (CSHORT)(sizeof(*mdl) + pages * sizeof(PFN_NUMBER));
	mdl->StartVa = (PVOID)(va - in_page);
	mdl->ByteOffset = (ULONG)in_page;
	mdl->ByteCount = (ULONG)bytes;
	return mdl;
}

void dma_bounce_mdl_free(PMDL chain)
{
	while (chain) {
		PMDL next = chain->Next;

		nt_pool_free(chain);
		chain = next;
	}
}

/* Copied as a whole: one stretch of kernel memory. */
static PMDL packed_mdl(const struct dma_mapping *mapping, uint64_t bytes)
{
	PMDL mdl = mdl_new((uintptr_t)mapping->va, (uintptr_t)mapping->va & MEM_PAGE_MASK, bytes);

	if (mdl)
		MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

/* One source MDL's part: the copy's frame where a page was copied, its own where not. Pages that
 * are no neighbours have no common kernel address: such an MDL is locked, not mapped. */
static PMDL part_mdl(const struct dma_mapping *mapping, uint32_t *slot, PMDL source,
	uint64_t offset, uint64_t bytes)
{
	uintptr_t va = (uintptr_t)MmGetMdlVirtualAddress(source) + offset;
	uint64_t position = source->ByteOffset + offset;
	PMDL mdl = mdl_new(va, position & MEM_PAGE_MASK, bytes);
	const PFN_NUMBER *from = MmGetMdlPfnArray(source) + (position >> MEM_PAGE_SHIFT);
	uint64_t pages;

	if (!mdl)
		return NULL;
	pages = (mdl->ByteOffset + bytes + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	for (uint64_t n = 0; n < pages; n++, (*slot)++) {
		const char *target = dma_slots[*slot].target;

		MmGetMdlPfnArray(mdl)[n] = target ? mem_frame_number(target) : from[n];
	}
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	return mdl;
}

PMDL dma_bounce_mdl(
	const struct dma_mapping *mapping, PMDL original, uint64_t offset, uint64_t bytes)
{
	PMDL chain = NULL, *tail = &chain;
	uint32_t slot = mapping->run.first;

	if (mapping->va)
		return packed_mdl(mapping, bytes);
	for (; bytes; original = original->Next, offset = 0) {
		uint64_t part = min_of(original->ByteCount - offset, bytes);

		if (!part)
			continue;
		*tail = part_mdl(mapping, &slot, original, offset, part);
		if (!*tail) {
			dma_bounce_mdl_free(chain);
			return NULL;
		}
		tail = &(*tail)->Next;
		bytes -= part;
	}
	return chain;
}
