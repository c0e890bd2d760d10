/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ex: pool by its Windows names: types, flags, IRQLs, failures. The pool itself is pool.h. */
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "util/export.h"

/* Bits of a POOL_TYPE besides those of the enumeration. */
enum { TYPE_PAGED = 1, TYPE_CACHE_ALIGNED = 4, TYPE_QUOTA_NO_RAISE = 8 };

#define FLAGS_KNOWN                                                                                \
	(POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION |                       \
		POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE | POOL_FLAG_NON_PAGED |       \
		POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)
#define FLAGS_REQUIRED 0xffffffffull /* bits above may be ignored by who does not know them */

/* What the verifier says of a request; it is served all the same, as on a PC. */
static void check(const char *routine, SIZE_T bytes, ULONG tag, unsigned ask)
{
	char text[8];

	cpu_poll();
	if (!bytes)
		nt_violation(
			NT_C4(0x00), "%s of zero bytes with tag %s", routine, pool_tag(tag, text));
	if (!tag)
		nt_violation(0xC200009B, "%s with tag 0", routine);
	if (ask & POOL_ASK_PAGED)
		nt_irql_max(routine, IRQL_APC, NT_C4(0x01));
	else
		nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x02));
}

static void *take(
	const char *routine, POOL_TYPE type, SIZE_T bytes, ULONG tag, bool raise, void *site)
{
	unsigned ask = (type & TYPE_PAGED ? POOL_ASK_PAGED : 0) |
		       (type & TYPE_CACHE_ALIGNED ? POOL_ASK_ALIGNED : 0) |
		       (type & POOL_ZERO_ALLOCATION ? POOL_ASK_ZERO : 0);
	void *block;

	check(routine, bytes, tag, ask);
	block = pool_take(bytes, tag, NULL, (uintptr_t)site, ask);
	if (!block && raise)
		ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
	return block;
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return take("ExAllocatePoolWithTag", PoolType, NumberOfBytes, Tag,
		PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE, __builtin_return_address(0));
}
DRY_EXPORT(ExAllocatePoolWithTag)

/* Untagged pool bears the tag "None", as documented for it. */
PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return take("ExAllocatePool", PoolType, NumberOfBytes, 0x656e6f4e,
		PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE, __builtin_return_address(0));
}
DRY_EXPORT(ExAllocatePool)

/* Priorities tell how soon a request fails when memory is scarce; here none fails before the last
 * page. */
PVOID NTAPI ExAllocatePoolWithTagPriority(
	POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, EX_POOL_PRIORITY Priority)
{
	return take("ExAllocatePoolWithTagPriority", PoolType, NumberOfBytes, Tag,
		PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE, __builtin_return_address(0));
}
DRY_EXPORT(ExAllocatePoolWithTagPriority)

/* Raises on failure unless told not to. */
PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return take("ExAllocatePoolWithQuotaTag", PoolType, NumberOfBytes, Tag,
		!(PoolType & TYPE_QUOTA_NO_RAISE), __builtin_return_address(0));
}
DRY_EXPORT(ExAllocatePoolWithQuotaTag)

static bool flags_good(POOL_FLAGS flags)
{
	POOL_FLAGS kinds =
		flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED);

	return !(flags & FLAGS_REQUIRED & ~FLAGS_KNOWN) && kinds && !(kinds & (kinds - 1));
}

/* Tag 0 and bad flags fail like a lack of memory. */
PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
	static const char routine[] = "ExAllocatePool2";
	unsigned ask = (Flags & POOL_FLAG_PAGED ? POOL_ASK_PAGED : 0) |
		       (Flags & POOL_FLAG_CACHE_ALIGNED ? POOL_ASK_ALIGNED : 0) |
		       (Flags & POOL_FLAG_UNINITIALIZED ? 0 : POOL_ASK_ZERO);
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
	void *block = NULL;

	check(routine, NumberOfBytes, Tag, ask);
	if (!flags_good(Flags)) {
		nt_violation(0, "%s with flags %llx", routine, (unsigned long long)Flags);
		status = STATUS_INVALID_PARAMETER;
	} else if (!Tag || !NumberOfBytes) {
		status = STATUS_INVALID_PARAMETER;
	} else {
		block = pool_take(
			NumberOfBytes, Tag, NULL, (uintptr_t)__builtin_return_address(0), ask);
	}
	if (!block && Flags & POOL_FLAG_RAISE_ON_FAILURE)
		ExRaiseStatus(status);
	return block;
}
DRY_EXPORT(ExAllocatePool2)

static void give(const char *routine, void *p, const ULONG *tag)
{
	struct pool_info info;

	cpu_poll();
	if (cpu_irql() > IRQL_DISPATCH)
		nt_irql_break(routine, IRQL_DISPATCH, NT_C4(0x12));
	else if (cpu_irql() > IRQL_APC && pool_find(p, &info) && info.paged)
		nt_irql_break(routine, IRQL_APC, NT_C4(0x11));
	pool_give(p, routine, tag);
}

VOID NTAPI ExFreePool(PVOID P)
{
	give("ExFreePool", P, NULL);
}
DRY_EXPORT(ExFreePool)

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	give("ExFreePoolWithTag", P, Tag ? &Tag : NULL);
}
DRY_EXPORT(ExFreePoolWithTag)
