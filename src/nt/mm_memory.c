/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Mm: memory for drivers outside of the pool: physically contiguous, noncached. What is handed out
 * stands in a list, so that a wrong address is found before mem/ sees it, and what is left at the
 * end is named.
 */
#include "nt/mm_memory.h"
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "nt/nt_parts.h"
#include "mem/mem.h"
#include "util/export.h"

#include <stdlib.h>

struct range {
	struct range *next;
	char *base;	/* as handed out */
	uint64_t bytes; /* of whole pages, as asked for */
	char *raw;	/* as mem/ gave it */
	uint64_t raw_bytes;
	uintptr_t site;
	enum mm_what what;
};

static struct nt_lock lock;
static struct range *ranges;

static bool frame_fits(uint64_t physical, const struct mm_limits *limits)
{
	if (physical < limits->low)
		return false;
	if (physical + MEM_PAGE_MASK <= limits->high)
		return true;
	return limits->skip && (physical - limits->low) % limits->skip + MEM_PAGE_MASK <=
				       limits->high - limits->low;
}

static bool range_fits(const char *base, uint64_t bytes, const struct mm_limits *limits)
{
	for (uint64_t at = 0; at < bytes; at += MEM_PAGE_SIZE)
		if (!frame_fits(mem_physical(base + at), limits))
			return false;
	return true;
}

/* Moves the start of a raw range to where it is well aligned and does not cross a boundary. */
static char *place_in(char *raw, uint64_t bytes, const struct mm_limits *limits)
{
	uint64_t first = mem_physical(raw), at = first;

	if (limits->align)
		at = round_up(at, limits->align);
	if (limits->boundary && at / limits->boundary != (at + bytes - 1) / limits->boundary)
		at = round_up(at, limits->boundary);
	return raw + (at - first);
}

static bool raw_take(
	struct range *range, uint64_t raw_bytes, unsigned flags, const struct mm_limits *limits)
{
	char *end;

	range->raw_bytes = raw_bytes;
	range->raw = mem_alloc(raw_bytes, flags, MEM_COMMON, NULL);
	if (!range->raw)
		return false;
	range->base = limits->contiguous ? place_in(range->raw, range->bytes, limits) : range->raw;
	end = range->base + range->bytes;
	if (end <= range->raw + raw_bytes && range_fits(range->base, range->bytes, limits))
		return true;
	mem_free(range->raw, raw_bytes);
	return false;
}

static bool range_take(struct range *range, const struct mm_limits *limits)
{
	uint64_t slack = max_of(limits->align, limits->boundary);

	if (!limits->contiguous && raw_take(range, range->bytes, 0, limits))
		return true;
	/* The plain size mostly starts well; in the larger one there always is a good start. */
	return raw_take(range, range->bytes, MEM_LINEAR, limits) ||
	       (slack > MEM_PAGE_SIZE && raw_take(range, range->bytes + slack, MEM_LINEAR, limits));
}

void *mm_range_new(
	uint64_t bytes, enum mm_what what, const struct mm_limits *limits, uintptr_t site)
{
	struct range *range;

	if (!bytes || bytes > mem_size() || (limits->boundary && bytes > limits->boundary))
		return NULL;
	range = calloc(1, sizeof(*range));
	if (!range)
		return NULL;
	range->bytes = round_up(bytes, MEM_PAGE_SIZE);
	range->what = what;
	range->site = site;
	if (!range_take(range, limits)) {
		free(range);
		return NULL;
	}
	nt_lock_take(&lock);
	range->next = ranges;
	ranges = range;
	nt_lock_drop(&lock);
	return range->base;
}

/* lock held. */
static struct range **range_link(const void *base, enum mm_what what)
{
	struct range **link;

	for (link = &ranges; *link; link = &(*link)->next)
		if ((*link)->base == base && (*link)->what == what)
			return link;
	return NULL;
}

uint64_t mm_range_bytes(const void *base, enum mm_what what)
{
	struct range **link;
	uint64_t bytes;

	nt_lock_take(&lock);
	link = range_link(base, what);
	bytes = link ? (*link)->bytes : 0;
	nt_lock_drop(&lock);
	return bytes;
}

uint64_t mm_range_free(void *base, enum mm_what what)
{
	struct range **link, *range = NULL;
	uint64_t bytes = 0;

	nt_lock_take(&lock);
	link = range_link(base, what);
	if (link) {
		range = *link;
		*link = range->next;
	}
	nt_lock_drop(&lock);
	if (range) {
		bytes = range->bytes;
		mem_free(range->raw, range->raw_bytes);
	}
	free(range);
	return bytes;
}

uint64_t nt_memory_fini(void)
{
	static const char *const names[] = {
		"contiguous memory", "noncached memory", "pages of an MDL"};
	uint64_t left = 0;
	struct range *range;

	if (mem_user_pages()) {
		nt_violation(0xCB000000, "%llu pages of user memory are still locked",
			(unsigned long long)mem_user_pages());
		left += mem_user_pages();
	}
	while ((range = ranges)) {
		const char *place = nt_code_place ? nt_code_place(range->site) : NULL;

		nt_violation(NT_C4(0x62), "%llu bytes of %s%s%s, never freed",
			(unsigned long long)range->bytes, names[range->what],
			place ? ", allocated at " : "", place ? place : "");
		ranges = range->next;
		mem_free(range->raw, range->raw_bytes);
		free(range);
		left++;
	}
	return left;
}

/* ---- contiguous memory ---- */

static PVOID contiguous(const char *routine, SIZE_T bytes, PHYSICAL_ADDRESS low,
	PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS boundary, uintptr_t site)
{
	struct mm_limits limits = {.low = (uint64_t)low.QuadPart,
		.high = (uint64_t)high.QuadPart,
		.contiguous = true,
		.boundary = (uint64_t)boundary.QuadPart};

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(NT_RULE_MM_DISPATCH));
	if (limits.boundary & (limits.boundary - 1)) {
		nt_violation(0, "%s with a boundary that is no power of two: %llx", routine,
			(unsigned long long)limits.boundary);
		return NULL;
	}
	return mm_range_new(bytes, MM_CONTIGUOUS, &limits, site);
}

PVOID NTAPI MmAllocateContiguousMemory(
	SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
	PHYSICAL_ADDRESS zero = {.QuadPart = 0};

	return contiguous("MmAllocateContiguousMemory", NumberOfBytes, zero,
		HighestAcceptableAddress, zero, (uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocateContiguousMemory)

PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
	PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
	PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType)
{
	return contiguous("MmAllocateContiguousMemorySpecifyCache", NumberOfBytes,
		LowestAcceptableAddress, HighestAcceptableAddress, BoundaryAddressMultiple,
		(uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocateContiguousMemorySpecifyCache)

/* All memory is of node 0, and MM_ANY_NODE_OK is as good. */
PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
	PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
	PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType,
	ULONG PreferredNode)
{
	return contiguous("MmAllocateContiguousMemorySpecifyCacheNode", NumberOfBytes,
		LowestAcceptableAddress, HighestAcceptableAddress, BoundaryAddressMultiple,
		(uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocateContiguousMemorySpecifyCacheNode)

static void range_give(const char *routine, void *base, enum mm_what what, const SIZE_T *bytes)
{
	uint64_t real = mm_range_bytes(base, what);

	if (!real) {
		nt_violation(NT_C4(0x10),
			"%s of an address that such an allocation did not return: %s", routine,
			base ? mem_kind_name(mem_owner(base)->kind) : "NULL");
		return;
	}
	if (bytes && round_up(*bytes, MEM_PAGE_SIZE) != real)
		nt_violation(NT_C4(0x13F), "%s of %llu bytes, where %llu were allocated", routine,
			(unsigned long long)*bytes, (unsigned long long)real);
	mm_range_free(base, what);
}

VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
	cpu_poll();
	nt_irql_max("MmFreeContiguousMemory", IRQL_DISPATCH, NT_C4(NT_RULE_MM_DISPATCH));
	range_give("MmFreeContiguousMemory", BaseAddress, MM_CONTIGUOUS, NULL);
}
DRY_EXPORT(MmFreeContiguousMemory)

VOID NTAPI MmFreeContiguousMemorySpecifyCache(
	PVOID BaseAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
	cpu_poll();
	nt_irql_max(
		"MmFreeContiguousMemorySpecifyCache", IRQL_DISPATCH, NT_C4(NT_RULE_MM_DISPATCH));
	range_give(
		"MmFreeContiguousMemorySpecifyCache", BaseAddress, MM_CONTIGUOUS, &NumberOfBytes);
}
DRY_EXPORT(MmFreeContiguousMemorySpecifyCache)

/* ---- noncached memory: whole pages, anywhere ---- */

PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
	const struct mm_limits anywhere = {.high = UINT64_MAX};

	cpu_poll();
	nt_irql_max("MmAllocateNonCachedMemory", IRQL_APC, NT_C4(NT_RULE_MM_APC));
	return mm_range_new(
		NumberOfBytes, MM_NONCACHED, &anywhere, (uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocateNonCachedMemory)

VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	cpu_poll();
	nt_irql_max("MmFreeNonCachedMemory", IRQL_APC, NT_C4(NT_RULE_MM_APC));
	range_give("MmFreeNonCachedMemory", BaseAddress, MM_NONCACHED, &NumberOfBytes);
}
DRY_EXPORT(MmFreeNonCachedMemory)
