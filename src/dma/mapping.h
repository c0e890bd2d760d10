/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A mapping: what stands between a part of a buffer and the device while it works on it. The
 * engine's work is here: which pages the device gets as they are, which are copied to where it
 * reaches them (MR-3), which addresses it sees. Lists (list.c, the port's and the drivers') and
 * adapter channels (channel.c) stand on it. Neighbours: map_register.c has the registers, sglist.c
 * makes the elements, dma_bus.c is the device's way.
 */
#ifndef DRY_DMA_MAPPING_H
#define DRY_DMA_MAPPING_H

#include "dma/map_register.h"

/* Makes a fresh mapping over a run of registers that the caller has taken. */
static inline void dma_mapping_begin(
	struct dma_mapping *mapping, struct dma_run run, bool write_to_device)
{
	*mapping = (struct dma_mapping){.run = run, .write_to_device = write_to_device};
}

/*
 * Describes what stands at the cursor (dma_sg_start) for the device, as far as cursor->left goes:
 * programs the mapping's registers from the next unused one on, copies in what is bounced and is
 * written to the device, and fills out. As dma_sglist_build, and DMA_SG_FULL also when the mapping
 * has too few registers. The pages of the chain are known and cover cursor->left: the caller has
 * checked. At or below DISPATCH. birth: for reports; its born and died are set here.
 * On any result but DONE and FULL nothing is described, and dma_mapping_undo undoes what was.
 * A second call goes on behind the first (MapTransfer in pieces). whole: see struct dma_order.
 */
enum dma_sg_result dma_mapping_fill(struct dma_adapter *adapter, struct dma_mapping *mapping,
	struct dma_sg_cursor *cursor, bool whole, const struct dma_birth *birth,
	PSCATTER_GATHER_ELEMENT out, uint32_t room, uint32_t *count);

/* The transfer is over: copies out what was bounced and is read from the device, and from now on
 * the device reaches nothing through it. The registers stay the caller's, unused. At or below
 * DISPATCH. */
void dma_mapping_end(struct dma_mapping *mapping);
/* A fill that failed went on behind pieces that are mapped: as it was before it. */
void dma_mapping_back(struct dma_mapping *mapping, const struct dma_mapping *before);
/* The same as the end without copying: no device has had it. */
void dma_mapping_undo(struct dma_mapping *mapping);

/*
 * An MDL chain over what the device works on while a mapping of [offset, offset + bytes) of this
 * chain is copied: the copies, and the pages that were not copied (MR-3). NULL: no memory, or it
 * is not the same chain any more. At or below DISPATCH. The caller frees it.
 */
PMDL dma_bounce_mdl(
	const struct dma_mapping *mapping, PMDL original, uint64_t offset, uint64_t bytes);
void dma_bounce_mdl_free(PMDL chain);

#endif
