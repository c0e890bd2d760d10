/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See sglist.h: the plain loop, and the bounds of pure memory traffic. */
#include "sglist.h"

#include <immintrin.h>

#define PAGE 4096ull

/* Bounds read so that no compiler leaves it out. */
static volatile uint64_t read_sink;

enum dma_sg_result sglist_scalar(struct dma_sg_cursor *cursor, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room, uint32_t *count)
{
	const uint64_t longest = limits->max_length ? limits->max_length : UINT32_MAX;
	const uint64_t borders = limits->boundary ? ~(limits->boundary - 1) : 0;
	uint64_t position = cursor->mdl->ByteOffset + cursor->offset;
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(cursor->mdl) + position / PAGE;
	uint64_t left = cursor->left, in_page = position % PAGE, end = 0;
	uint32_t n = 0;

	while (left) {
		uint64_t bytes = min_of(PAGE - in_page, left), address = *pfn++ * PAGE + in_page;
		PSCATTER_GATHER_ELEMENT last = &out[n] - 1;

		if (address > limits->max_address || bytes - 1 > limits->max_address - address)
			break;
		if (n && address == end && last->Length + bytes <= longest &&
			!(((uint64_t)last->Address.QuadPart ^ (address + bytes - 1)) & borders)) {
			last->Length += (ULONG)bytes;
		} else {
			if (n == room)
				break;
			out[n].Address.QuadPart = (LONGLONG)address;
			out[n].Length = (ULONG)bytes;
			out[n].Reserved = 0;
			n++;
		}
		end = address + bytes;
		left -= bytes;
		in_page = 0;
	}
	cursor->offset += cursor->left - left;
	cursor->left = left;
	*count = n;
	return left ? DMA_SG_FULL : DMA_SG_DONE;
}

static enum dma_sg_result bound_portable(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	uint64_t pages = (cursor->left + PAGE - 1) / PAGE, all = 0;
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(cursor->mdl);
	volatile uint64_t *to = (volatile uint64_t *)out;

	for (uint64_t n = 0; n < pages; n++)
		all |= pfn[n];
	for (uint32_t n = 0; n < 3 * *count; n++)
		to[n] = PAGE;
	read_sink = all;
	return DMA_SG_DONE;
}

__attribute__((target("avx2"))) static enum dma_sg_result bound_avx2(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	uint64_t pages = (cursor->left + PAGE - 1) / PAGE, words = 3ull * *count, n;
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a, value = _mm256_set1_epi64x(PAGE);
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(cursor->mdl);
	uint64_t *to = (uint64_t *)out, rest = 0;

	for (n = 0; n + 16 <= pages; n += 16) {
		a = _mm256_or_si256(a, _mm256_loadu_si256((const __m256i *)(pfn + n)));
		b = _mm256_or_si256(b, _mm256_loadu_si256((const __m256i *)(pfn + n + 4)));
		c = _mm256_or_si256(c, _mm256_loadu_si256((const __m256i *)(pfn + n + 8)));
		d = _mm256_or_si256(d, _mm256_loadu_si256((const __m256i *)(pfn + n + 12)));
	}
	for (; n + 4 <= pages; n += 4)
		a = _mm256_or_si256(a, _mm256_loadu_si256((const __m256i *)(pfn + n)));
	for (; n < pages; n++)
		rest |= pfn[n];
	for (n = 0; n + 16 <= words; n += 16) {
		_mm256_storeu_si256((__m256i *)(to + n), value);
		_mm256_storeu_si256((__m256i *)(to + n + 4), value);
		_mm256_storeu_si256((__m256i *)(to + n + 8), value);
		_mm256_storeu_si256((__m256i *)(to + n + 12), value);
	}
	for (; n + 4 <= words; n += 4)
		_mm256_storeu_si256((__m256i *)(to + n), value);
	for (; n < words; n++)
		to[n] = PAGE;
	a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
	read_sink = rest | (uint64_t)_mm256_extract_epi64(a, 0);
	return DMA_SG_DONE;
}

__attribute__((target("avx512f"))) static enum dma_sg_result bound_avx512(
	struct dma_sg_cursor *cursor, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room, uint32_t *count)
{
	uint64_t pages = (cursor->left + PAGE - 1) / PAGE, words = 3ull * *count, n;
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a, value = _mm512_set1_epi64(PAGE);
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(cursor->mdl);
	uint64_t *to = (uint64_t *)out;

	for (n = 0; n + 32 <= pages; n += 32) {
		a = _mm512_or_si512(a, _mm512_loadu_si512((pfn + n)));
		b = _mm512_or_si512(b, _mm512_loadu_si512((pfn + n + 8)));
		c = _mm512_or_si512(c, _mm512_loadu_si512((pfn + n + 16)));
		d = _mm512_or_si512(d, _mm512_loadu_si512((pfn + n + 24)));
	}
	for (; n + 8 <= pages; n += 8)
		a = _mm512_or_si512(a, _mm512_loadu_si512((pfn + n)));
	if (n < pages)
		b = _mm512_or_si512(
			b, _mm512_maskz_loadu_epi64((__mmask8)((1u << (pages - n)) - 1), pfn + n));
	for (n = 0; n + 32 <= words; n += 32) {
		_mm512_storeu_si512((to + n), value);
		_mm512_storeu_si512((to + n + 8), value);
		_mm512_storeu_si512((to + n + 16), value);
		_mm512_storeu_si512((to + n + 24), value);
	}
	for (; n + 8 <= words; n += 8)
		_mm512_storeu_si512((to + n), value);
	if (n < words)
		_mm512_mask_storeu_epi64(to + n, (__mmask8)((1u << (words - n)) - 1), value);
	a = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
	read_sink = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(a));
	return DMA_SG_DONE;
}

sglist_fn *sglist_bound(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return bound_avx512;
	return __builtin_cpu_supports("avx2") ? bound_avx2 : bound_portable;
}
