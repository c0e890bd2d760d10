/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Whole pages to elements, with AVX2; see sglist_simd.h. In two steps through a tile that stays in
 * the nearest cache: first, four pages at a time, those that start a run are packed together, with
 * their numbers; then four runs at a time become elements. So no branch depends on where runs end.
 * A run that is long is followed by itself.
 */
#include "dma/sglist_simd.h"

#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,bmi2,popcnt")))
#define INLINE AVX2 static inline __attribute__((always_inline))

#define TILE 128u /* pages in the first step */
#define LONG 32u  /* pages looked at together in a long run */

/* Runs in the order of their starts. The last one is open: it may go on. Whole vectors are written
 * and read at the end. */
struct tile {
	uint64_t frame[TILE + 4];
	uint32_t start[TILE + 8];
	uint32_t count;
};

/* Constant for one list. */
struct limits {
	__m256i in_boundary; /* bits of a frame below the boundary */
	__m128i longest;     /* pages, in 32 bits each */
};

/* For each set of lanes: those in it, packed; as lanes, and as halves of lanes. */
static const uint8_t packed[16][4] = {{0}, {0}, {1}, {0, 1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}, {3},
	{0, 3}, {1, 3}, {0, 1, 3}, {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}};
static const uint8_t packed_halves[16][8] = {{0}, {0, 1}, {2, 3}, {0, 1, 2, 3}, {4, 5},
	{0, 1, 4, 5}, {2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}, {6, 7}, {0, 1, 6, 7}, {2, 3, 6, 7},
	{0, 1, 2, 3, 6, 7}, {4, 5, 6, 7}, {0, 1, 4, 5, 6, 7}, {2, 3, 4, 5, 6, 7},
	{0, 1, 2, 3, 4, 5, 6, 7}};

/* Four pages, the first of which has this number; those in `lanes` count. */
INLINE uint32_t pack(struct tile *tile, uint32_t count, __m256i frame, __m256i before,
	__m128i number, uint32_t lanes, const struct limits *limits, bool limited)
{
	__m256i step = _mm256_sub_epi64(frame, before);
	__m256i goes_on = _mm256_cmpeq_epi64(step, _mm256_set1_epi64x(1));
	uint32_t starts;
	int32_t four;

	/* At a boundary an element starts in any case. */
	if (limited)
		goes_on = _mm256_andnot_si256(
			_mm256_cmpeq_epi64(_mm256_and_si256(frame, limits->in_boundary),
				_mm256_setzero_si256()),
			goes_on);
	starts = ~(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(goes_on)) & lanes;
	__builtin_memcpy(&four, packed[starts], sizeof(four));
	_mm256_storeu_si256((__m256i *)(tile->frame + count),
		_mm256_permutevar8x32_epi32(
			frame, _mm256_cvtepu8_epi32(
				       _mm_loadl_epi64((const __m128i *)packed_halves[starts]))));
	_mm_storeu_si128((__m128i *)(tile->start + count),
		_mm_add_epi32(number, _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four))));
	return count + (uint32_t)_mm_popcnt_u32(starts);
}

/* The first step: pages at ... end - 1. Returns the frames seen, or'ed into `all`. */
INLINE __m256i fill(struct tile *tile, const PFN_NUMBER *pfn, uint64_t at, uint64_t end,
	__m256i all, const struct limits *limits, bool limited)
{
	__m128i number = _mm_set1_epi32((int)at);
	uint32_t count = tile->count;
	__m256i frame, lanes;

	for (; at + 4 <= end; at += 4) {
		frame = _mm256_loadu_si256((const __m256i *)(pfn + at));
		all = _mm256_or_si256(all, frame);
		count = pack(tile, count, frame,
			_mm256_loadu_si256((const __m256i *)(pfn + at - 1)), number, 0xf, limits,
			limited);
		number = _mm_add_epi32(number, _mm_set1_epi32(4));
	}
	if (at != end) {
		lanes = _mm256_cmpgt_epi64(
			_mm256_set1_epi64x((long long)(end - at)), _mm256_setr_epi64x(0, 1, 2, 3));
		frame = _mm256_maskload_epi64((const long long *)(pfn + at), lanes);
		all = _mm256_or_si256(all, frame);
		count = pack(tile, count, frame,
			_mm256_maskload_epi64((const long long *)(pfn + at - 1), lanes), number,
			_bzhi_u32(0xf, (uint32_t)(end - at)), limits, limited);
	}
	tile->count = count;
	return all;
}

/* Four elements of three words each. */
INLINE void store_elements(PSCATTER_GATHER_ELEMENT to, __m256i first, __m128i pages)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i address = _mm256_slli_epi64(first, MEM_PAGE_SHIFT);
	__m256i length = _mm256_cvtepu32_epi64(_mm_slli_epi32(pages, MEM_PAGE_SHIFT));
	/* a0 l0 a2 l2, and a1 l1 a3 l3 → l1 a3 l3 a1 */
	__m256i even = _mm256_unpacklo_epi64(address, length);
	__m256i odd = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(address, length), 0x39);
	__m256i *out = (__m256i *)to;

	/* a0 l0 0 a1, l1 0 a2 l2, 0 a3 l3 0; of each pair of bits one word */
	_mm256_storeu_si256(
		out, _mm256_blend_epi32(_mm256_blend_epi32(even, zero, 0x30), odd, 0xc0));
	_mm256_storeu_si256(
		out + 1, _mm256_blend_epi32(_mm256_blend_epi32(even, zero, 0x0c), odd, 0x03));
	_mm256_storeu_si256(out + 2, _mm256_blend_epi32(odd, zero, 0xc3));
}

/* The second step: all runs but the open one, which is the first of the tile from then on. False if
 * one did not fit. */
INLINE bool drain(struct dma_sg_builder *to, const PFN_NUMBER *pfn, struct tile *tile,
	struct dma_sg_place *place, const struct limits *limits, bool limited)
{
	const uint32_t closed = tile->count - 1;
	struct dma_sg_place done = *place;

	for (uint32_t n = 0; n < closed; n += 4) {
		uint32_t here = min_of(closed - n, 4u);
		__m128i starts = _mm_loadu_si128((const __m128i *)(tile->start + n));
		__m128i ends = _mm_loadu_si128((const __m128i *)(tile->start + n + 1));
		__m128i pages = _mm_sub_epi32(ends, starts);
		bool cut = done.count + 4 > to->room;

		if (limited) {
			__m128i longer = _mm_cmpgt_epi32(pages, limits->longest);

			cut |= _bzhi_u32((uint32_t)_mm_movemask_ps(_mm_castsi128_ps(longer)),
				       here) != 0;
		}
		if (likely(!cut)) {
			store_elements(to->out + done.count,
				_mm256_loadu_si256((const __m256i *)(tile->frame + n)), pages);
			done.count += here;
			continue;
		}
		for (uint32_t i = 1; i <= here; i++) {
			done.start = tile->start[n + i - 1];
			done = dma_sg_cut(to, pfn, done, tile->start[n + i], 1);
			if (done.start != tile->start[n + i]) {
				*place = done;
				return false;
			}
		}
	}
	tile->frame[0] = tile->frame[closed];
	tile->start[0] = tile->start[closed];
	tile->count = 1;
	done.start = tile->start[0];
	*place = done;
	return true;
}

/* Whether LONG pages are consecutive frames from `first` on. */
INLINE bool all_follow(const PFN_NUMBER *pfn, uint64_t first)
{
	__m256i expected = _mm256_add_epi64(
		_mm256_set1_epi64x((long long)first), _mm256_setr_epi64x(0, 1, 2, 3));
	__m256i differ = _mm256_setzero_si256();

#pragma GCC unroll 8
	for (unsigned n = 0; n < LONG; n += 4) {
		differ = _mm256_or_si256(differ,
			_mm256_xor_si256(expected, _mm256_loadu_si256((const __m256i *)(pfn + n))));
		expected = _mm256_add_epi64(expected, _mm256_set1_epi64x(4));
	}
	return _mm256_testz_si256(differ, differ);
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

/* What has been followed may have boundaries in it: as drain. */
static bool cut_followed(const struct dma_sg_builder *to, const PFN_NUMBER *pfn, struct tile *tile,
	struct dma_sg_place *place, uint64_t at)
{
	uint64_t start = place->start;
	uint64_t part = dma_sg_before_boundary(to, pfn[start], at - start);

	if (!part)
		return true;
	*place = dma_sg_cut(to, pfn, *place, start + part, 1);
	tile->frame[0] = pfn[place->start];
	tile->start[0] = (uint32_t)place->start;
	return place->start != start;
}

/* Starts with pfn[followed], to which the first run goes on, if not with pfn[1]. */
INLINE uint64_t runs(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages,
	uint64_t followed, bool limited)
{
	const struct limits limits = {
		_mm256_set1_epi64x((long long)(~to->rule.boundary_mask >> MEM_PAGE_SHIFT)),
		_mm_set1_epi32((int)(to->rule.max_length >> MEM_PAGE_SHIFT))};
	uint64_t at = followed ? followed : 1, end, one[4];
	struct dma_sg_place place = {0, to->count};
	/* Every first frame of a run is in here, and so is every last one. */
	__m256i all = _mm256_set1_epi64x((long long)(pfn[0] | pfn[at - 1]));
	struct tile tile;
	bool good = true;

	tile.frame[0] = pfn[0];
	tile.start[0] = 0;
	tile.count = 1;
	while (at < pages && good) {
		if (limited && !cut_followed(to, pfn, &tile, &place, at)) {
			good = false;
			break;
		}
		end = min_of(at + TILE, pages);
		all = fill(&tile, pfn, at, end, all, &limits, limited);
		good = drain(to, pfn, &tile, &place, &limits, limited);
		at = end;
		if (good && at - place.start > LONG) {
			at = follow(pfn, place.start, at, pages);
			all = _mm256_or_si256(all, _mm256_set1_epi64x((long long)pfn[at - 1]));
		}
	}
	_mm256_storeu_si256((__m256i *)one, all);
	if (unlikely((one[0] | one[1] | one[2] | one[3]) >= to->rule.frames))
		return dma_sg_runs_portable(to, pfn, pages);
	if (good)
		place = dma_sg_cut(to, pfn, place, pages, 1);
	return dma_sg_runs_end(to, pfn, place);
}

/* Apart, so that a list of one long run does not pay for what they set up. */
AVX2 static __attribute__((noinline)) uint64_t runs_free(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages, uint64_t followed)
{
	return runs(to, pfn, pages, followed, false);
}

AVX2 static __attribute__((noinline)) uint64_t runs_limited(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages, uint64_t followed)
{
	return runs(to, pfn, pages, followed, true);
}

AVX2 uint64_t dma_sg_runs_avx2(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	uint64_t followed = follow(pfn, 0, 0, pages);

	if (followed == pages)
		return dma_sg_runs_one(to, pfn, pages);
	return dma_sg_is_free(to, pages) ? runs_free(to, pfn, pages, followed)
					 : runs_limited(to, pfn, pages, followed);
}
