/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The list builder as a person would do it by hand: one byte after the other, each with its
 * physical address, put behind the last one where that is allowed. Slow and plain on purpose; it
 * shares no idea with src/dma/sglist.c. Used by the unit tests and by fuzz/dma_sglist.c.
 */
#ifndef DRY_TESTS_SG_MODEL_H
#define DRY_TESTS_SG_MODEL_H

#include "dma/sglist.h"

/* Where a byte lies; a frame number may be too large to be an address. */
struct model_byte {
	uint64_t address;
	bool nowhere;
};

struct model_element {
	uint64_t address, length;
};

/* A fuzzer is to look for ways through the product, not through the model. */
#ifdef __clang__
#define MODEL_UNSEEN __attribute__((noinline, no_sanitize("coverage")))
#else
#define MODEL_UNSEEN
#endif

/*
 * bytes[i] is where byte i lies, for the `have` bytes of the chain from the start of the transfer
 * on; `want` bytes are asked for. *described of them are in the *count elements of out.
 */
static MODEL_UNSEEN enum dma_sg_result model_build(const struct model_byte *bytes, uint64_t have,
	uint64_t want, const struct dma_sg_limits *limits, uint32_t room, struct model_element *out,
	uint32_t *count, uint64_t *described)
{
	uint64_t align = limits->alignment ? limits->alignment : 1;
	uint64_t longest = limits->max_length ? limits->max_length : 0xffffffffull;
	uint32_t n = 0;
	uint64_t i;

	longest -= longest % align;
	*count = 0;
	for (i = 0; i < want; i++) {
		uint64_t a;
		int joins;

		*described = i;
		*count = n;
		if (i == have)
			return DMA_SG_END;
		a = bytes[i].address;
		if (bytes[i].nowhere || a > limits->max_address)
			return DMA_SG_UNREACHABLE;
		joins = n > 0 && a != 0 && a - 1 == out[n - 1].address + (out[n - 1].length - 1) &&
			out[n - 1].length < longest &&
			!(limits->boundary && a % limits->boundary == 0);
		if (joins) {
			out[n - 1].length++;
			continue;
		}
		if (longest == 0 || a % align != 0)
			return DMA_SG_UNALIGNED;
		if (n > 0 && (out[n - 1].address + out[n - 1].length) % align != 0)
			return DMA_SG_UNALIGNED;
		if (n == room)
			return DMA_SG_FULL;
		out[n].address = a;
		out[n].length = 1;
		n++;
	}
	*described = i;
	*count = n;
	return DMA_SG_DONE;
}

#endif
