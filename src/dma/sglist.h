/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The list builder: page frames + offset + length + limits → elements. Pure: no allocation, no
 * lock, no global that a result depends on. It resumes: where the output is full it says how far it
 * came. Two ways in: dma_sglist_build walks an MDL chain; dma_sg_begin and dma_sg_add take frames
 * wherever they come from, as the engines that show the device other frames than the MDL's do.
 */
#ifndef DRY_DMA_SGLIST_H
#define DRY_DMA_SGLIST_H

#include "util/common.h"
#include "mem/mem.h"
#include <ntddk.h>

struct dma_sg_limits {
	uint64_t max_address; /* highest bus address the device reaches; ~0: all */
	uint32_t max_length;  /* of one element, taken rounded down to the alignment; 0: 2^32 - 1 */
	uint64_t boundary;    /* no element crosses a multiple of it (power of two), 0: none */
	uint32_t alignment;   /* of where elements start, and end but for the last; power of two, 0
				 or 1: none */
};

/* Where the walk stands in the MDL chain. */
struct dma_sg_cursor {
	PMDL mdl;
	uint64_t offset; /* bytes from the MDL's first byte */
	uint64_t left;	 /* bytes still to describe */
};

/* Where several hold for the same byte, the first of END, UNREACHABLE, UNALIGNED, FULL is told. */
enum dma_sg_result {
	DMA_SG_DONE, /* everything is described */
	DMA_SG_FULL, /* the byte at the cursor needs an element more than there is room for */
	DMA_SG_END,  /* the chain ended before left became 0 */
	DMA_SG_UNREACHABLE, /* the byte at the cursor lies above max_address */
	DMA_SG_UNALIGNED    /* an element would have to end or start at the cursor, against the
			       alignment */
};

/* The limits in the form that the building needs. */
struct dma_sg_rule {
	uint64_t max_address;
	uint64_t frames;	/* frame numbers below this are reachable as a whole */
	uint64_t max_length;	/* rounded down to the alignment */
	uint64_t boundary_mask; /* the address bits above the boundary, 0: no boundary */
	uint64_t align_mask;	/* the address bits below the alignment */
};

/* A list that is being built, in the caller's storage; count is how many elements stand in out. */
struct dma_sg_builder {
	struct dma_sg_rule rule;
	PSCATTER_GATHER_ELEMENT out;
	uint32_t room, count;
	uint64_t end; /* address after the last element; 0: none yet, or the end of the address
			 space */
};

void dma_sg_begin(struct dma_sg_builder *builder, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room);

/*
 * Describes the bytes [in_page, in_page + bytes) of the pages pfn[0], pfn[1], ... after those added
 * before; in_page is below the page size. Each element is as long as the limits allow: what
 * continues the element before is merged into it (MR-4). *done is the number of bytes described,
 * less than `bytes` unless the result is DMA_SG_DONE; the result is never DMA_SG_END and speaks of
 * the byte at *done. What was described stays; more can be added after it, but not to this list
 * where it was full. No frame behind that of the last byte is read.
 */
enum dma_sg_result dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done);

/* Which instructions lists are built with. What comes out is the same. */
enum dma_simd { DMA_SIMD_AUTO, DMA_SIMD_PORTABLE, DMA_SIMD_AVX2, DMA_SIMD_AVX512 };

/* For tests and benchmarks: from now on those wanted (AUTO, as at the start: the best), or the best
 * below them that this processor has. Returns which. Any thread, at any time. */
enum dma_simd dma_sg_simd_select(enum dma_simd wanted);

/* Sets the cursor to current_va inside the first MDL. False if it lies outside. */
static inline bool dma_sg_start(
	struct dma_sg_cursor *cursor, PMDL mdl, const void *current_va, uint64_t length)
{
	/* SG-5: an index into the MDL. Below its start the difference wraps to a large number. */
	cursor->offset = (uintptr_t)current_va - ((uintptr_t)mdl->StartVa + mdl->ByteOffset);
	cursor->mdl = mdl;
	cursor->left = length;
	return cursor->offset < mdl->ByteCount;
}

/*
 * The most frequent transfer of all: it lies in one page, and limits are none that cut pages. Then
 * this is dma_sglist_build with one element; else false, and nothing was done.
 */
static inline bool dma_sg_one(struct dma_sg_cursor *cursor, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room)
{
	const uint64_t bytes = cursor->left, offset = cursor->offset;
	const MDL *mdl = cursor->mdl;
	uint64_t position = mdl->ByteOffset + offset, frame, address, last;

	/* 0 is the largest of these: the one below it wraps */
	if (bytes - 1 > (~position & MEM_PAGE_MASK) || limits->boundary - 1 < MEM_PAGE_MASK ||
		limits->max_length - 1 < MEM_PAGE_MASK || limits->alignment > 1 || !room ||
		offset >= mdl->ByteCount || bytes > mdl->ByteCount - offset)
		return false;
	frame = MmGetMdlPfnArray(mdl)[position >> MEM_PAGE_SHIFT];
	address = (frame << MEM_PAGE_SHIFT) + (position & MEM_PAGE_MASK);
	last = address + bytes - 1;
	if (last > limits->max_address || last >> MEM_PAGE_SHIFT != frame)
		return false;
	cursor->left = 0;
	cursor->offset = offset + bytes;
	out->Address.QuadPart = (LONGLONG)address;
	out->Length = (ULONG)bytes;
	out->Reserved = 0;
	return true;
}

/*
 * Describes the bytes from the cursor on by elements at out[0 .. room - 1]; *count of them were
 * written, and the cursor stands at the first byte that is not described. Each element is as long
 * as the limits allow: adjacent pages are merged (MR-4), also across MDLs of the chain. After FULL
 * a further call goes on where this one stopped, and all calls together give the same elements as
 * one.
 */
enum dma_sg_result dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count);

/* Map registers (pages spanned, summed per MDL: MR-1, X-8) of the transfer at the cursor;
 * *short_by is the number of bytes by which the chain falls short of it (0: fits). From
 * DMA_SG_REGISTERS_MAX on, more than any adapter has, it does not count on, and says that it fits.
 */
#define DMA_SG_REGISTERS_MAX (1u << 21)
uint64_t dma_sg_registers(const struct dma_sg_cursor *cursor, uint64_t *short_by);

#endif
