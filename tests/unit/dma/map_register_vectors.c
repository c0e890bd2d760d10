/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How many map registers a transfer takes: the vectors of the specification (1.5), computed there
 * from both rules: strict (MR-1, X-8, SZ-9) and with the tolerance of the HAL (SZ-7).
 */
#include "world.h"

#define TS (-1) /* too small */

struct vector {
	struct {
		uint32_t offset, bytes;
	} mdl[2];
	uint32_t start, length;
	int strict, as_hal;
};

static const struct vector vectors[] = {
	{{{0, 0x1000}}, 0, 0x1000, 1, 1},
	{{{0, 0x1000}}, 0, 0x1001, TS, 2},
	{{{0, 0x1000}}, 0, 0x2000, TS, 2},
	{{{0, 0x1000}}, 0, 0x2001, TS, TS},
	{{{0x800, 0x800}}, 0, 0x801, TS, 2},
	{{{0x800, 0x800}}, 0, 0x1000, TS, 2},
	{{{0x800, 0x800}}, 0, 0x1001, TS, TS},
	{{{0, 0x64}}, 0, 0x65, TS, 1},
	{{{0, 0x64}}, 0, 0x1064, TS, 2},
	{{{0, 0x64}}, 0, 0x1065, TS, TS},
	{{{0xfff, 2}}, 0, 2, 2, 2},
	{{{0xfff, 1}}, 0, 2, TS, 2},
	{{{0, 0x1000}, {0x10, 0x10}}, 0, 0x1010, 2, 2},
	{{{0, 0x1000}, {0x10, 0x10}}, 0, 0x1011, TS, 2},
	{{{0xff0, 0x20}, {0xff8, 0x10}}, 0, 0x30, 4, 4},
	{{{0, 0x2000}}, 1, 0x1fff, 2, 2},
	{{{0, 0x2000}}, 0x1fff, 1, 1, 1},
	{{{0, 0x2000}}, 1, 0x2000, TS, 3},
	{{{0, 0x11000}}, 0, 0x11000, 17, 17},
	{{{1, 0x10000}}, 0, 0x10000, 17, 17},
	{{{0, 0}}, 0, 0, 0, 0},
	{{{0x123, 0}}, 0, 0, 0, 1},
	{{{0x10, 0x10}}, 4, 0, 0, 1},
};

static struct {
	MDL mdl;
	PFN_NUMBER frames[20];
} part[2];

static PMDL chain_of(const struct vector *vector)
{
	for (unsigned n = 0; n < 2; n++) {
		MmInitializeMdl(&part[n].mdl, (char *)0xffff800000000000ull + vector->mdl[n].offset,
			vector->mdl[n].bytes);
		part[n].mdl.MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	}
	part[0].mdl.Next = vector->mdl[1].bytes ? &part[1].mdl : NULL;
	return &part[0].mdl;
}

static void check(struct dma_adapter *adapter, unsigned n, int expected)
{
	const struct vector *vector = &vectors[n];
	PMDL mdl = chain_of(vector);
	uint32_t registers = 99, bytes = 99;
	NTSTATUS status =
		dma_list_size(adapter, mdl, (char *)MmGetMdlVirtualAddress(mdl) + vector->start,
			vector->length, &bytes, &registers);

	if (status != (expected == TS ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS))
		fail_msg("vector %u: status %08x", n, (unsigned)status);
	if (expected == TS) {
		assert_int_equal(registers, 99);
		assert_int_equal(bytes, 99);
	} else if (registers != (uint32_t)expected || bytes != 16 + 24 * registers) { /* SZ-1 */
		fail_msg("vector %u: %u registers, %u bytes", n, registers, bytes);
	}
}

/* a length of 0 is refused without a policy, and counts nothing with it. */
static void strict(void)
{
	struct dma_adapter *adapter = world_adapter();

	for (unsigned n = 0; n < array_size(vectors); n++) {
		PMDL mdl = chain_of(&vectors[n]);

		if (vectors[n].length) {
			check(adapter, n, vectors[n].strict);
			if (vectors[n].strict == TS)
				world_expect(0xe6000024, "ends");
			continue;
		}
		assert_int_equal(
			dma_list_size(adapter, mdl, MmGetMdlVirtualAddress(mdl), 0, NULL, NULL),
			STATUS_INVALID_PARAMETER);
		world_expect(0xe6000021, "length 0");
	}
	dma_adapter_free(adapter);
}

static void as_hal(void)
{
	struct dma_adapter *adapter = world_adapter();

	for (unsigned n = 0; n < array_size(vectors); n++)
		check(adapter, n, vectors[n].as_hal);
	dma_adapter_free(adapter);
}

static void strict_counts(void **state)
{
	const struct world_config config = {.policy = MEM_SCATTERED};

	world_run(&config, strict);
}

static void hal_compatible_counts(void **state)
{
	const struct world_config config = {
		.policy = MEM_SCATTERED, .dma = {.hal_compatible = true}};

	world_run(&config, as_hal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_counts),
		cmocka_unit_test(hal_compatible_counts),
	};

	return cmocka_run_group_tests_name("dma/map_register_vectors", tests, NULL, NULL);
}
