/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Common buffers, one by one and in vectors; see conform.h. */
#include "conform.h"

#define LENGTH	 0x2200
#define TOO_MUCH 0xfffff000u
#define LOW_END	 0x100000000ll

static VOID Free(ULONG Length, PHYSICAL_ADDRESS Address, PVOID Va, BOOLEAN Cached)
{
	OPS(CfAdapter)->FreeCommonBuffer(CfAdapter, Length, Address, Va, Cached);
}

/* 2.3; covers: DMA_OPERATIONS.AllocateCommonBuffer, DMA_OPERATIONS.FreeCommonBuffer */
static VOID Plain(VOID)
{
	PHYSICAL_ADDRESS Address;

	for (ULONG Cached = FALSE; Cached <= TRUE; Cached++) {
		PVOID Va = OPS(CfAdapter)->AllocateCommonBuffer(
			CfAdapter, LENGTH, &Address, (BOOLEAN)Cached);

		if (!EXPECT("a common buffer", TRUE, Va != NULL))
			continue;
		CfCommon(Va, Address.QuadPart, LENGTH);
		Free(LENGTH, Address, Va, (BOOLEAN)Cached);
		if (CfIommu) {
			CfViolates(0, "read of bus address 0x%I64x failed", Address.QuadPart);
			EXPECT("the device's status once it is freed", 4,
				CfTouch(Address.QuadPart, TRUE));
		}
	}
	CfViolates(0, "AllocateCommonBuffer of length 0");
	IS_NULL(AllocateCommonBuffer,
		OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, 0, &Address, TRUE));
	CfViolates(0, "AllocateCommonBuffer without a place");
	IS_NULL(AllocateCommonBuffer,
		OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, LENGTH, NULL, TRUE));
	IS_NULL(AllocateCommonBuffer,
		OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, TOO_MUCH, &Address, TRUE));
}

/* 2.3, 5.4; covers: DMA_OPERATIONS.FreeCommonBuffer */
static VOID FreedWrong(VOID)
{
	PHYSICAL_ADDRESS Address;
	PVOID Va = OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, LENGTH, &Address, TRUE);

	CfViolates(0, "FreeCommonBuffer(length 512");
	Free(512, Address, Va, TRUE);
	CfViolates(0xe6000003, "FreeCommonBuffer of");
	Free(LENGTH, Address, Va, TRUE);
	CfViolates(0xe6000003, "FreeCommonBuffer of");
	Free(LENGTH, Address, &Address, TRUE);
}

static PVOID AllocateEx(LONGLONG Maximum, PPHYSICAL_ADDRESS Address)
{
	PHYSICAL_ADDRESS Highest = {.QuadPart = Maximum};

	return OPS(CfAdapter)->AllocateCommonBufferEx(
		CfAdapter, &Highest, LENGTH, Address, TRUE, 0);
}

/* 2.5; covers: DMA_OPERATIONS.AllocateCommonBufferEx */
static VOID Extended(VOID)
{
	PHYSICAL_ADDRESS Address;
	PVOID Va = AllocateEx(LOW_END - 1, &Address);

	if (EXPECT("a common buffer", TRUE, Va != NULL)) {
		EXPECT("its end below", TRUE, Address.QuadPart + LENGTH <= LOW_END);
		CfCommon(Va, Address.QuadPart, LENGTH);
		Free(LENGTH, Address, Va, TRUE);
	}
	Va = OPS(CfAdapter)->AllocateCommonBufferEx(CfAdapter, NULL, LENGTH, &Address, FALSE, 0);
	if (EXPECT("a common buffer anywhere", TRUE, Va != NULL)) {
		CfCommon(Va, Address.QuadPart, LENGTH);
		Free(LENGTH, Address, Va, FALSE);
	}
	IS_NULL(AllocateCommonBufferEx, AllocateEx(0x1000, &Address));
	CfViolates(0, "AllocateCommonBufferEx without a place");
	IS_NULL(AllocateCommonBufferEx, AllocateEx(LOW_END - 1, NULL));
}

static PVOID AllocateBounds(LONGLONG Low, LONGLONG High, ULONG Flags, MEMORY_CACHING_TYPE Type,
	PPHYSICAL_ADDRESS Address)
{
	PHYSICAL_ADDRESS Minimum = {.QuadPart = Low}, Maximum = {.QuadPart = High};

	return OPS(CfAdapter)->AllocateCommonBufferWithBounds(
		CfAdapter, &Minimum, &Maximum, LENGTH, Flags, &Type, 0, Address);
}

/* 2.5; covers: DMA_OPERATIONS.AllocateCommonBufferWithBounds */
static VOID Bounds(VOID)
{
	PHYSICAL_ADDRESS Address, Other;
	PVOID Va = AllocateBounds(0, LOW_END - 1, 0, MmCached, &Address), Second;

	if (EXPECT("a common buffer", TRUE, Va != NULL)) {
		LONGLONG Low = Address.QuadPart + PAGE_SIZE;

		EXPECT("its end below", TRUE, Address.QuadPart + LENGTH <= LOW_END);
		CfCommon(Va, Address.QuadPart, LENGTH);
		Second = AllocateBounds(Low, LOW_END - 1, 0, MmNonCached, &Other);
		if (EXPECT("a second one", TRUE, Second != NULL)) {
			EXPECT("its start above", TRUE, Other.QuadPart >= Low);
			EXPECT("its end below", TRUE, Other.QuadPart + LENGTH <= LOW_END);
			CfCommon(Second, Other.QuadPart, LENGTH);
			Free(LENGTH, Other, Second, FALSE);
		}
		Free(LENGTH, Address, Va, TRUE);
	}
	/* Between bounds that are closer together than it is long. */
	IS_NULL(AllocateCommonBufferWithBounds,
		AllocateBounds(0x1000000, 0x1000fff, 0, MmCached, &Address));
	IS_NULL(AllocateCommonBufferWithBounds,
		AllocateBounds(0x1000000, 0x1000, 0, MmCached, &Address));
	CfViolates(0, "AllocateCommonBufferWithBounds with flags 0x80");
	IS_NULL(AllocateCommonBufferWithBounds,
		AllocateBounds(0, LOW_END - 1, 0x80, MmCached, &Address));
	CfViolates(0, "AllocateCommonBufferWithBounds with cache type 2");
	IS_NULL(AllocateCommonBufferWithBounds,
		AllocateBounds(0, LOW_END - 1, 0, MmWriteCombined, &Address));
	CfViolates(0, "AllocateCommonBufferWithBounds without a place");
	IS_NULL(AllocateCommonBufferWithBounds, AllocateBounds(0, LOW_END - 1, 0, MmCached, NULL));
}

#define VECTOR_LENGTH 0x1400
#define VECTOR_COUNT  4

static NTSTATUS AllocateVector(
	ULONG Flags, ULONG Count, ULONG64 Length, PDMA_COMMON_BUFFER_VECTOR *Vector)
{
	PHYSICAL_ADDRESS Low = {.QuadPart = 0}, High = {.QuadPart = LOW_END - 1};

	return OPS(CfAdapter)->AllocateCommonBufferVector(
		CfAdapter, Low, High, MmCached, 0, Flags, Count, Length, Vector);
}

static PVOID FromVector(PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index, PPHYSICAL_ADDRESS Address)
{
	PVOID Va = &Va;

	OPS(CfAdapter)->GetCommonBufferFromVectorByIndex(CfAdapter, Vector, Index, &Va, Address);
	return Va;
}

/* 2.5; covers: DMA_OPERATIONS.AllocateCommonBufferVector,
 * DMA_OPERATIONS.GetCommonBufferFromVectorByIndex, DMA_OPERATIONS.FreeCommonBufferFromVector,
 * DMA_OPERATIONS.FreeCommonBufferVector */
static VOID Vectors(VOID)
{
	PDMA_COMMON_BUFFER_VECTOR Vector;
	PHYSICAL_ADDRESS Address;
	ULONG NotZero = 0;
	PVOID Other;

	if (!STATUS_IS(AllocateCommonBufferVector, STATUS_SUCCESS,
		    AllocateVector(DMA_ZERO_BUFFERS, VECTOR_COUNT, VECTOR_LENGTH, &Vector)))
		return;
	for (ULONG n = 0; n < VECTOR_COUNT; n++) {
		PUCHAR Va = FromVector(Vector, n, &Address);

		for (ULONG i = 0; i < VECTOR_LENGTH; i++)
			NotZero += Va[i] != 0;
		EXPECT("its end below", TRUE, Address.QuadPart + VECTOR_LENGTH <= LOW_END);
		CfCommon(Va, Address.QuadPart, VECTOR_LENGTH);
	}
	EXPECT("bytes that are not zero", 0, NotZero);
	OPS(CfAdapter)->FreeCommonBufferFromVector(CfAdapter, Vector, 2);
	CfViolates(0xe6000003, "element 2 of a common buffer vector of 4 has been freed");
	EXPECT("a freed element", 0, (ULONG_PTR)FromVector(Vector, 2, &Address));
	CfViolates(0xe6000003, "element 2 of a common buffer vector of 4 has been freed");
	OPS(CfAdapter)->FreeCommonBufferFromVector(CfAdapter, Vector, 2);
	CfViolates(0, "element 4 of a common buffer vector of 4 was asked for");
	EXPECT("an element that there is not", 0, (ULONG_PTR)FromVector(Vector, 4, &Address));
	Other = FromVector(Vector, 3, &Address);
	CfCommon(Other, Address.QuadPart, VECTOR_LENGTH);
	OPS(CfAdapter)->FreeCommonBufferVector(CfAdapter, Vector);
	CfViolates(0xe6000003, "FreeCommonBufferVector of");
	OPS(CfAdapter)->FreeCommonBufferVector(CfAdapter, Vector);
	CfViolates(0xe6000003, "GetCommonBufferFromVectorByIndex of");
	EXPECT("an element of none", 0, (ULONG_PTR)FromVector(Vector, 0, &Address));
	CfViolates(0xe6000003, "FreeCommonBufferFromVector of");
	OPS(CfAdapter)->FreeCommonBufferFromVector(CfAdapter, Vector, 0);
}

/* covers: DMA_OPERATIONS.AllocateCommonBufferVector */
static VOID VectorsRefused(VOID)
{
	PDMA_COMMON_BUFFER_VECTOR Vector;

	STATUS_IS(AllocateCommonBufferVector, STATUS_INVALID_PARAMETER,
		AllocateVector(0, 0, VECTOR_LENGTH, &Vector));
	STATUS_IS(AllocateCommonBufferVector, STATUS_INVALID_PARAMETER,
		AllocateVector(0, VECTOR_COUNT, 0, &Vector));
	STATUS_IS(AllocateCommonBufferVector, STATUS_INVALID_PARAMETER,
		AllocateVector(0, VECTOR_COUNT, VECTOR_LENGTH, NULL));
	/* The first ones are there, the last is not: nothing may be left. */
	STATUS_IS(AllocateCommonBufferVector, STATUS_INSUFFICIENT_RESOURCES,
		AllocateVector(0, 64, 0x2000000, &Vector));
	STATUS_IS(AllocateCommonBufferVector, STATUS_INSUFFICIENT_RESOURCES,
		AllocateVector(0, 1, ~0ull, &Vector));
	CfViolates(0, "AllocateCommonBufferVector with flags 0x80");
	STATUS_IS(AllocateCommonBufferVector, STATUS_INVALID_PARAMETER,
		AllocateVector(0x80, VECTOR_COUNT, VECTOR_LENGTH, &Vector));
}

const CF_CHECK CfCommonChecks[] = {
	{"common/plain", Plain},
	{"common/freed wrongly", FreedWrong},
	{"common/extended", Extended},
	{"common/bounds", Bounds},
	{"common/vectors", Vectors},
	{"common/vectors refused", VectorsRefused},
	{NULL, NULL},
};
