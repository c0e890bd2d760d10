/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Whole pages to elements, with AVX-512; see sglist_simd.h. Blocks of 16 pages: a bit for each page
 * that does not continue the one before it, the indices of those pages packed together, from them
 * the lengths of the runs, and eight elements in three stores. So no branch depends on where runs
 * end. Two cases are worth a branch: every page of a block starts a run, and a run is long.
 */
#include "dma/sglist_simd.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,lzcnt,popcnt")))
#define INLINE AVX512 static inline __attribute__((always_inline))

#define BLOCK 16u
#define LONG  64u /* pages looked at together in a long run */
#define ALL   0xffffu

/* Words that are stored of eight elements: all, or as many as the elements are. */
#define WORDS_ALL	0xffffffu
#define WORDS_OF(count) _bzhi_u32(WORDS_ALL, 3 * (count))

/* 16 pages: their frames, and the frame before each. */
struct block {
	__m512i frame[2], before[2];
};

/* Constant for one list. */
struct limits {
	__m512i in_boundary; /* bits of a frame below the boundary */
	__m512i longest;     /* pages, in 32 bits each */
};

/* Eight elements from their first frames and their lengths in pages, 32 bits each. */
INLINE void store_elements(PSCATTER_GATHER_ELEMENT to, __m512i first, __m256i pages, uint32_t words)
{
	/* Halves of words: 0 to 15 are the addresses, 16 to 23 the lengths, 24 is zero. */
	const __m512i low =
		_mm512_setr_epi32(0, 1, 16, 24, 24, 24, 2, 3, 17, 24, 24, 24, 4, 5, 18, 24);
	const __m512i middle =
		_mm512_setr_epi32(24, 24, 6, 7, 19, 24, 24, 24, 8, 9, 20, 24, 24, 24, 10, 11);
	const __m512i high =
		_mm512_setr_epi32(21, 24, 24, 24, 12, 13, 22, 24, 24, 24, 14, 15, 23, 24, 24, 24);
	__m512i length = _mm512_zextsi256_si512(_mm256_slli_epi32(pages, MEM_PAGE_SHIFT));
	__m512i address = _mm512_slli_epi64(first, MEM_PAGE_SHIFT);
	__m512i part[3] = {_mm512_permutex2var_epi32(address, low, length),
		_mm512_permutex2var_epi32(address, middle, length),
		_mm512_permutex2var_epi32(address, high, length)};
	uint64_t *word = (uint64_t *)to;

	if (words == WORDS_ALL) {
		_mm512_storeu_si512(word, part[0]);
		_mm512_storeu_si512(word + 8, part[1]);
		_mm512_storeu_si512(word + 16, part[2]);
		return;
	}
	_mm512_mask_storeu_epi64(word, (__mmask8)words, part[0]);
	_mm512_mask_storeu_epi64(word + 8, (__mmask8)(words >> 8), part[1]);
	_mm512_mask_storeu_epi64(word + 16, (__mmask8)(words >> 16), part[2]);
}

/* A bit for each page that starts a run. */
INLINE uint32_t starts_of(const struct block *block, const struct limits *limits, bool limited)
{
	const __m512i one = _mm512_set1_epi64(1);
	__m512i low = _mm512_add_epi64(block->before[0], one);
	__m512i high = _mm512_add_epi64(block->before[1], one);

	if (!limited)
		return _mm512_kunpackb(_mm512_cmpneq_epi64_mask(block->frame[1], high),
			_mm512_cmpneq_epi64_mask(block->frame[0], low));
	/* At a boundary an element starts in any case. */
	return ALL ^
	       _mm512_kunpackb(_mm512_mask_cmpeq_epi64_mask(
				       _mm512_test_epi64_mask(block->frame[1], limits->in_boundary),
				       block->frame[1], high),
		       _mm512_mask_cmpeq_epi64_mask(
			       _mm512_test_epi64_mask(block->frame[0], limits->in_boundary),
			       block->frame[0], low));
}

/* The next block; block->frame[1] ends with the frame before it. Returns its starts. */
INLINE uint32_t block_load(
	struct block *block, const PFN_NUMBER *pfn, const struct limits *limits, bool limited)
{
	__m512i behind = block->frame[1];

	block->frame[0] = _mm512_loadu_si512(pfn);
	block->frame[1] = _mm512_loadu_si512(pfn + 8);
	/* Not loaded: half of such loads would straddle lines. */
	block->before[0] = _mm512_alignr_epi64(block->frame[0], behind, 7);
	block->before[1] = _mm512_alignr_epi64(block->frame[1], block->frame[0], 7);
	return starts_of(block, limits, limited);
}

/* The last pages, fewer than a block; the page behind them counts as a start, which closes the last
 * run. */
INLINE uint32_t block_load_last(struct block *block, const PFN_NUMBER *pfn, uint32_t pages,
	const struct limits *limits, bool limited)
{
	uint32_t here = (1u << pages) - 1, before = 2 * here + 1;

	block->frame[0] = _mm512_maskz_loadu_epi64((__mmask8)here, pfn);
	block->frame[1] = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), pfn + 8);
	block->before[0] = _mm512_maskz_loadu_epi64((__mmask8)before, pfn - 1);
	block->before[1] = _mm512_maskz_loadu_epi64((__mmask8)(before >> 8), pfn + 7);
	return (starts_of(block, limits, limited) & here) | (here + 1);
}

/*
 * The runs that end in the block; the first of them began `open` pages before it, with the frame
 * *first. False if one of them is longer than an element.
 */
INLINE bool store_block(PSCATTER_GATHER_ELEMENT to, const struct block *block, uint32_t starting,
	const PFN_NUMBER *first, uint64_t open, uint32_t runs, const struct limits *limits,
	bool limited, bool exact)
{
	const __m512i index =
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512i ends = _mm512_maskz_compress_epi32((__mmask16)starting, index);
	__m512i starts = _mm512_alignr_epi32(ends, _mm512_set1_epi32(-(int)open), 15);
	__m512i pages = _mm512_sub_epi32(ends, starts);
	__m512i frames;

	/* Behind the last run this is 0 or negative. */
	if (limited && _mm512_cmpgt_epi32_mask(pages, limits->longest))
		return false;
	frames = _mm512_permutex2var_epi64(block->frame[0],
		_mm512_cvtepu32_epi64(_mm512_castsi512_si256(starts)), block->frame[1]);
	frames = _mm512_mask_set1_epi64(frames, 1, (long long)*first);
	store_elements(
		to, frames, _mm512_castsi512_si256(pages), exact ? WORDS_OF(runs) : WORDS_ALL);
	if (likely(runs <= 8))
		return true;
	frames = _mm512_permutex2var_epi64(block->frame[0],
		_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(starts, 1)), block->frame[1]);
	store_elements(to + 8, frames, _mm512_extracti64x4_epi64(pages, 1),
		exact ? WORDS_OF(runs - 8) : WORDS_ALL);
	return true;
}

/* The page at which the last run of the block starts, that of the block being `at`. */
INLINE uint64_t last_start(uint32_t starts, uint64_t at)
{
	return at + 31 - _lzcnt_u32(starts);
}

/*
 * The block, and those behind it, as long as every page starts a run: elements of one page each.
 * Returns how many; there is room for `room` of them. What lies scattered is bound by memory, and
 * takes no more than the stores in so short a loop.
 */
INLINE uint64_t store_singles(PSCATTER_GATHER_ELEMENT to, struct block *block,
	const PFN_NUMBER *pfn, uint64_t room, __m512i *all)
{
	const __m256i single = _mm256_set1_epi32(1);
	struct block next = *block;
	uint64_t count = 0;
	uint32_t starts;

	do {
		*block = next;
		*all = _mm512_ternarylogic_epi64(*all, block->frame[0], block->frame[1], 0xfe);
		store_elements(to + count, block->before[0], single, WORDS_ALL);
		store_elements(to + count + 8, block->before[1], single, WORDS_ALL);
		count += BLOCK;
		if (room - count < BLOCK)
			break;
		starts = block_load(&next, pfn + count, NULL, false);
	} while (starts == ALL);
	return count;
}

/* Whether LONG pages are consecutive frames from `first` on. */
INLINE bool all_follow(const PFN_NUMBER *pfn, uint64_t first)
{
	__m512i expected = _mm512_add_epi64(
		_mm512_set1_epi64((long long)first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
	__m512i differ = _mm512_setzero_si512();

#pragma GCC unroll 8
	for (unsigned n = 0; n < LONG; n += 8) {
		/* differ |= pfn[n] ^ expected */
		differ = _mm512_ternarylogic_epi64(
			differ, _mm512_loadu_si512(pfn + n), expected, 0xf6);
		expected = _mm512_add_epi64(expected, _mm512_set1_epi64(8));
	}
	return !_mm512_test_epi64_mask(differ, differ);
}

/* The run that starts at `start` goes on to `at`: how far beyond it does, at least. It may cross
 * boundaries. */
INLINE uint64_t follow(const PFN_NUMBER *pfn, uint64_t start, uint64_t at, uint64_t pages)
{
	/* Where pfn[n] is first + n the run goes on. */
	const uint64_t first = pfn[start] - start;

	/* One look ahead, so that short runs do not pay for more; one only, as the processor
	 * fetches ahead best where nobody jumps. */
	if (pages - at < LONG || pfn[at + LONG - 1] != first + at + LONG - 1)
		return at;
	while (pages - at >= LONG && all_follow(pfn + at, first + at))
		at += LONG;
	/* What is left of a long run, with some of the pages before. */
	if (at != pages && pages - at < LONG && at - start >= LONG &&
		pfn[pages - 1] == first + pages - 1 &&
		all_follow(pfn + pages - LONG, first + pages - LONG))
		at = pages;
	return at;
}

/* A frame above the device's reach is seen here only: what was made of it is thrown away. */
INLINE uint64_t runs_end(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages,
	struct dma_sg_place place, __m512i all)
{
	if (unlikely(_mm512_cmpge_epu64_mask(all, _mm512_set1_epi64((long long)to->rule.frames))))
		return dma_sg_runs_portable(to, pfn, pages);
	return dma_sg_runs_end(to, pfn, place);
}

/*
 * Starts with pfn[followed], to which the first run goes on, if not with pfn[1]. Stops behind the
 * first run or block in which something is cut: with a way back into the loop from there, compilers
 * would pay for it in each round.
 */
INLINE uint64_t runs(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages,
	uint64_t followed, bool limited)
{
	const struct limits limits = {
		_mm512_set1_epi64((long long)(~to->rule.boundary_mask >> MEM_PAGE_SHIFT)),
		_mm512_set1_epi32((int)(to->rule.max_length >> MEM_PAGE_SHIFT))};
	uint64_t at = followed ? followed : 1, room = to->room, left, part;
	struct dma_sg_place place = {0, to->count};
	/* Every first frame of a run is in here, and so is every last one. */
	__m512i all = _mm512_set1_epi64((long long)(pfn[0] | pfn[at - 1]));
	struct block block;
	uint32_t starts, count;

	part = limited ? dma_sg_before_boundary(to, pfn[0], at) : 0;
	if (part)
		return runs_end(to, pfn, pages, dma_sg_cut(to, pfn, place, part, 1), all);
	block.frame[1] = _mm512_set1_epi64((long long)pfn[at - 1]);
	while ((left = pages - at) >= BLOCK) {
		starts = block_load(&block, pfn + at, &limits, limited);
		if (starts == ALL && place.start == at - 1 &&
			(!limited || room - place.count >= BLOCK)) {
			if (limited)
				left = min_of(left, room - place.count);
			left = store_singles(to->out + place.count, &block, pfn + at, left, &all);
			place.start += left;
			place.count += left;
			at += left;
			continue;
		}
		all = _mm512_ternarylogic_epi64(all, block.frame[0], block.frame[1], 0xfe);
		if (starts == 0) {
			at = follow(pfn, place.start, at + BLOCK, pages);
			block.frame[1] = _mm512_set1_epi64((long long)pfn[at - 1]);
			all = _mm512_or_si512(all, block.frame[1]);
			part = limited ? dma_sg_before_boundary(
						 to, pfn[place.start], at - place.start)
				       : 0;
			if (part) {
				part += place.start;
				break;
			}
			continue;
		}
		count = (uint32_t)_mm_popcnt_u32(starts);
		if ((limited && unlikely(room - place.count < BLOCK)) ||
			!store_block(to->out + place.count, &block, starts, pfn + place.start,
				at - place.start, count, &limits, limited, false))
			return runs_end(
				to, pfn, pages, dma_sg_cut(to, pfn, place, at, starts), all);
		place.start = last_start(starts, at);
		place.count += count;
		at += BLOCK;
	}
	if (part || at == pages)
		return runs_end(
			to, pfn, pages, dma_sg_cut(to, pfn, place, part ? part : at, 1), all);
	starts = block_load_last(&block, pfn + at, (uint32_t)left, &limits, limited);
	all = _mm512_ternarylogic_epi64(all, block.frame[0], block.frame[1], 0xfe);
	count = (uint32_t)_mm_popcnt_u32(starts);
	if ((limited && room - place.count < count) ||
		!store_block(to->out + place.count, &block, starts, pfn + place.start,
			at - place.start, count, &limits, limited, true))
		return runs_end(to, pfn, pages, dma_sg_cut(to, pfn, place, at, starts), all);
	place = (struct dma_sg_place){pages, place.count + count};
	return runs_end(to, pfn, pages, place, all);
}

/* Apart, so that a list of one long run does not pay for what they set up. */
AVX512 static __attribute__((noinline)) uint64_t runs_free(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages, uint64_t followed)
{
	return runs(to, pfn, pages, followed, false);
}

AVX512 static __attribute__((noinline)) uint64_t runs_limited(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages, uint64_t followed)
{
	return runs(to, pfn, pages, followed, true);
}

AVX512 uint64_t dma_sg_runs_avx512(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	uint64_t followed = follow(pfn, 0, 0, pages), done, last;

	if (followed == pages)
		return dma_sg_runs_one(to, pfn, pages);
	if (likely(dma_sg_is_free(to, pages)))
		return runs_free(to, pfn, pages, followed);
	done = last = runs_limited(to, pfn, pages, followed);
	while (last && done < pages) {
		last = runs_limited(to, pfn + done, pages - done, 0);
		done += last;
	}
	return done;
}
