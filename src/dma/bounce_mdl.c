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

/* How far the mapping's slots have been followed. */
struct place {
	const struct dma_slot *slot, *end;
	uint32_t used; /* bytes of the slot: where one MDL ends and the next one goes on in the same
			  page, they share it */
};

/* One source MDL's part: the copy's frame where a page was copied, its own where not. Pages that
 * are no neighbours have no common kernel address: such an MDL is locked, not mapped. */
static PMDL part_mdl(struct place *at, PMDL source, uint64_t offset, uint64_t bytes)
{
	uintptr_t va = (uintptr_t)MmGetMdlVirtualAddress(source) + offset;
	uint64_t position = source->ByteOffset + offset, in_page = position & MEM_PAGE_MASK;
	const PFN_NUMBER *from = MmGetMdlPfnArray(source) + (position >> MEM_PAGE_SHIFT);
	PMDL mdl = mdl_new(va, in_page, bytes);
	PFN_NUMBER *to;

	if (!mdl)
		return NULL;
	for (to = MmGetMdlPfnArray(mdl); bytes && at->slot < at->end; in_page = 0) {
		uint32_t here = (uint32_t)min_of(bytes, MEM_PAGE_SIZE - in_page);

		at->used += here;
		if (at->used > at->slot->bytes)
			break;
		*to++ = at->slot->target ? mem_frame_number(at->slot->target) : *from;
		from++;
		bytes -= here;
		if (at->used == at->slot->bytes) {
			at->slot++;
			at->used = 0;
		}
	}
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	if (!bytes)
		return mdl;
	nt_pool_free(mdl);
	return NULL;
}

/* The MDLs are the driver's, which may have changed them since: where they do not fit the slots,
 * there is nothing to tell. */
PMDL dma_bounce_mdl(
	const struct dma_mapping *mapping, PMDL original, uint64_t offset, uint64_t bytes)
{
	const struct dma_slot *slot = &dma_slots[mapping->run.first];
	struct place at = {slot, slot + mapping->used, 0};
	PMDL chain = NULL, *tail = &chain;

	if (mapping->va)
		return packed_mdl(mapping, bytes);
	for (; bytes && original; original = original->Next, offset = 0) {
		uint64_t part;

		if (offset >= original->ByteCount)
			continue;
		part = min_of(original->ByteCount - offset, bytes);
		*tail = part_mdl(&at, original, offset, part);
		if (!*tail)
			break;
		tail = &(*tail)->Next;
		bytes -= part;
	}
	if (!bytes)
		return chain;
	dma_bounce_mdl_free(chain);
	return NULL;
}
