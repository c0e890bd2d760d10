/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* When and where a driver's routine gets its list: the machine's policy. Neighbour: list.c.
 */
#ifndef DRY_DMA_CALLBACK_H
#define DRY_DMA_CALLBACK_H

#include "dma/live.h"

/* Publishes a claimed record whose list is complete, and calls the routine now or later. The record
 * is no longer the caller's. At DISPATCH. */
void dma_callback_start(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee);
/* The routine of a taken record will not be called if it has not been yet. False: it is just being
 * granted its map registers; that gives the record back. */
bool dma_callback_drop(struct dma_live *live);

#endif
