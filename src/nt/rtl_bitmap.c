/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Rtl: bitmaps. Bit n is bit n % 32 of word n / 32. A range that leaves the bitmap is reported and
 * nothing is changed. The caller serialises, so these are the same at any IRQL.
 */
#include "nt/nt.h"
#include "util/export.h"

#define NOT_FOUND 0xffffffffu

static bool get(const RTL_BITMAP *map, ULONG bit)
{
	return map->Buffer[bit / 32] >> (bit % 32) & 1;
}

static bool range_check(const RTL_BITMAP *map, ULONG start, ULONG count, const char *routine)
{
	if (start <= map->SizeOfBitMap && count <= map->SizeOfBitMap - start)
		return true;
	nt_violation(0, "%s: bits %u to %llu of a bitmap of %u bits", routine, start,
		(unsigned long long)start + count, map->SizeOfBitMap);
	return false;
}

static void put(PRTL_BITMAP map, ULONG start, ULONG count, bool value)
{
	while (count) {
		ULONG word = start / 32, first = start % 32, here = min_of(count, 32 - first);
		ULONG mask = (here == 32 ? 0xffffffffu : (1u << here) - 1) << first;

		if (value)
			map->Buffer[word] |= mask;
		else
			map->Buffer[word] &= ~mask;
		start += here;
		count -= here;
	}
}

/* How many bits from `start` on, at most `most`, have the value. */
static ULONG run(const RTL_BITMAP *map, ULONG start, ULONG most, bool value)
{
	ULONG n = 0;

	while (n < most && get(map, start + n) == value)
		n++;
	return n;
}

/* The first run of `count` bits of the value that begins in [from, to) and ends before `end`. */
static ULONG find_in(
	const RTL_BITMAP *map, ULONG count, bool value, ULONG from, ULONG to, ULONG end)
{
	while (from < to && count <= end - from) {
		ULONG n = run(map, from, count, value);

		if (n == count)
			return from;
		from += n + 1;
	}
	return NOT_FOUND;
}

static ULONG find(const RTL_BITMAP *map, ULONG count, ULONG hint, bool value)
{
	ULONG size = map->SizeOfBitMap, at;

	if (hint >= size)
		hint = 0;
	at = find_in(map, count, value, hint, size, size);
	return at == NOT_FOUND && hint ? find_in(map, count, value, 0, hint, size) : at;
}

VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
	BitMapHeader->SizeOfBitMap = SizeOfBitMap;
	BitMapHeader->Buffer = BitMapBuffer;
}
DRY_EXPORT(RtlInitializeBitMap)

/* The whole buffer: also the bits of the last word that are not in the map. */
static void put_all(PRTL_BITMAP map, ULONG value)
{
	for (uint64_t i = 0; i < ((uint64_t)map->SizeOfBitMap + 31) / 32; i++)
		map->Buffer[i] = value;
}

VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
	put_all(BitMapHeader, 0);
}
DRY_EXPORT(RtlClearAllBits)

VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
	put_all(BitMapHeader, 0xffffffff);
}
DRY_EXPORT(RtlSetAllBits)

VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
	if (range_check(BitMapHeader, StartingIndex, NumberToClear, "RtlClearBits"))
		put(BitMapHeader, StartingIndex, NumberToClear, false);
}
DRY_EXPORT(RtlClearBits)

VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
	if (range_check(BitMapHeader, StartingIndex, NumberToSet, "RtlSetBits"))
		put(BitMapHeader, StartingIndex, NumberToSet, true);
}
DRY_EXPORT(RtlSetBits)

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
	return find(BitMapHeader, NumberToFind, HintIndex, false);
}
DRY_EXPORT(RtlFindClearBits)

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
	ULONG at = find(BitMapHeader, NumberToFind, HintIndex, false);

	if (at != NOT_FOUND)
		put(BitMapHeader, at, NumberToFind, true);
	return at;
}
DRY_EXPORT(RtlFindClearBitsAndSet)

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
	ULONG count = 0, size = BitMapHeader->SizeOfBitMap;

	for (ULONG word = 0; word < size / 32; word++)
		count += (ULONG)__builtin_popcount(BitMapHeader->Buffer[word]);
	for (ULONG bit = size & ~31u; bit < size; bit++)
		count += get(BitMapHeader, bit);
	return count;
}
DRY_EXPORT(RtlNumberOfSetBits)

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
	return range_check(BitMapHeader, BitNumber, 1, "RtlTestBit") &&
	       get(BitMapHeader, BitNumber);
}
DRY_EXPORT(RtlTestBit)
