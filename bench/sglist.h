/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the list builder is measured beside: sglist_ref.c, for sglist.c. */
#ifndef DRY_BENCH_SGLIST_H
#define DRY_BENCH_SGLIST_H

#include "dma/sglist.h"

/* As dma_sglist_build, of one MDL. *count is at first what it will be, which only bounds use. */
typedef enum dma_sg_result sglist_fn(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count);

/* The loop that everybody would write first: page after page, each limit tested. */
sglist_fn sglist_scalar;
/* No list at all: reads 8 bytes for each page and writes 24 for each element, with the widest
 * instructions that this processor has. */
sglist_fn *sglist_bound(void);

#endif
