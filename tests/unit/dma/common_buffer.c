/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Common buffers: contiguous for the device, within its reach, freed as they were allocated. */
#include "world.h"
#include "dma/common_buffer.h"

#include "dma/dma_private.h"

static const struct world_config plain = {.policy = MEM_HIGH};

static void contiguous(void)
{
	static const uint64_t sizes[] = {1, 4096, 4097, 100000};
	struct dma_adapter *adapter = world_adapter();

	for (unsigned n = 0; n < array_size(sizes); n++) {
		uint64_t address = 0;
		char *va = dma_common_alloc(adapter, sizes[n], true, &address);

		assert_non_null(va);
		assert_int_equal((uintptr_t)va % 4096, 0);
		for (uint64_t i = 0; i < sizes[n]; i++)
			assert_int_equal(mem_physical(va + i), address + i);
		assert_int_equal(mem_owner(va)->kind, MEM_COMMON);
		assert_ptr_equal(mem_owner(va)->owner, (const void *)0x1234);
		dma_common_free(adapter, sizes[n], address, va, true);
		assert_int_not_equal(mem_owner(va)->kind, MEM_COMMON);
	}
	dma_adapter_free(adapter);
}

static void a_common_buffer_is_contiguous_for_the_device(void **state)
{
	world_run(&plain, contiguous);
}

static void limits(void)
{
	const struct dma_constraints narrow = {8, 0x1000, 0, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&narrow, NULL), *wide = world_adapter();
	struct dma_constraints some = {0, 0x1000, 0, true, 0};
	uint64_t address = 5, bytes;
	void *va;

	/* Pages start above 255, or end there. */
	assert_null(dma_common_alloc(adapter, 4096, true, &address));
	assert_null(dma_common_alloc(wide, 0, true, &address));
	assert_null(dma_common_alloc(wide, 1ull << 40, true, &address));
	assert_int_equal(address, 5);
	dma_adapter_free(adapter);
	/* A buffer that ends with the last byte within reach, and one a byte longer. */
	va = dma_common_alloc(wide, 1, true, &address);
	dma_common_free(wide, 1, address, va, true);
	some.width = 64 - (unsigned)__builtin_clzll(address);
	bytes = (1ull << some.width) - address;
	adapter = dma_adapter_new(&some, NULL);
	assert_null(dma_common_alloc(adapter, bytes + 1, true, &address));
	va = dma_common_alloc(wide, bytes + 1, true, &address);
	assert_non_null(va);
	dma_common_free(wide, bytes + 1, address, va, true);
	va = dma_common_alloc(adapter, bytes, true, &address);
	assert_non_null(va);
	dma_common_free(adapter, bytes, address, va, true);
	dma_adapter_free(adapter);
	dma_adapter_free(wide);
}

static void what_the_device_cannot_reach_is_not_given(void **state)
{
	world_run(&plain, limits);
}

/* W:pfree_common_buffer; 0xE6/03. */
static void bad_frees(void)
{
	struct dma_adapter *adapter = world_adapter(), *other = world_adapter();
	uint64_t address;
	char *va = dma_common_alloc(adapter, 5000, true, &address);

	dma_common_free(adapter, 5000, address, va + 1, true);
	world_expect(0xe6000003, "no common buffer of DMA adapter 0");
	dma_common_free(adapter, 5000, address, NULL, true);
	world_expect(0xe6000003, "no common buffer");
	dma_common_free(other, 5000, address, va, true);
	world_expect(0xe6000003, "no common buffer of DMA adapter 1");
	assert_int_equal(mem_owner(va)->kind, MEM_COMMON);
	/* The right buffer with wrong words: freed as it was allocated. */
	dma_common_free(adapter, 4999, address, va, true);
	world_expect(0, "length 4999");
	assert_int_not_equal(mem_owner(va)->kind, MEM_COMMON);
	dma_common_free(adapter, 5000, address, va, true);
	world_expect(0xe6000003, "no common buffer");
	va = dma_common_alloc(adapter, 10, true, &address);
	dma_common_free(adapter, 10, address + 1, va, true);
	world_expect(0, "FreeCommonBuffer(");
	va = dma_common_alloc(adapter, 10, true, &address);
	dma_common_free(adapter, 10, address, va, false);
	world_expect(0, "cached 0");
	dma_adapter_free(adapter);
	dma_adapter_free(other);
}

static void a_free_has_to_name_what_was_allocated(void **state)
{
	world_run(&plain, bad_frees);
}

static void several(void)
{
	struct dma_adapter *adapter = world_adapter();
	uint64_t address[3];
	char *va[3];

	for (int n = 0; n < 3; n++)
		va[n] = dma_common_alloc(adapter, 4096, true, &address[n]);
	/* From the middle of the chain. */
	dma_common_free(adapter, 4096, address[1], va[1], true);
	dma_common_free(adapter, 4096, address[0], va[0], true);
	assert_int_equal(dma_commons_drop(adapter), 1);
	assert_int_equal(dma_commons_drop(adapter), 0);
	assert_int_not_equal(mem_owner(va[2])->kind, MEM_COMMON);
	dma_adapter_free(adapter);
}

static void buffers_are_freed_in_any_order(void **state)
{
	world_run(&plain, several);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_common_buffer_is_contiguous_for_the_device),
		cmocka_unit_test(what_the_device_cannot_reach_is_not_given),
		cmocka_unit_test(a_free_has_to_name_what_was_allocated),
		cmocka_unit_test(buffers_are_freed_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
