/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The way of a request of one page: when it is taken, and that the list is as the frames say. */
#include "world.h"

static const struct world_config direct = {.policy = MEM_SCATTERED, .dma = {.engine = DMA_DIRECT}};
static const struct world_config bounce = {.policy = MEM_HIGH, .dma = {.engine = DMA_BOUNCE}};

static struct dma_mapping mapping;
static SCATTER_GATHER_LIST *list;
static uint64_t list_memory[2 + 3];

static struct dma_adapter *adapter_of(unsigned width)
{
	const struct dma_constraints limits = {
		.width = width, .max_transfer = 0x10000, .scatter_gather = true};
	struct dma_adapter *adapter = dma_adapter_new(&limits, (const void *)0x1234);

	assert_non_null(adapter);
	list = (SCATTER_GATHER_LIST *)list_memory;
	memset(list_memory, 0x77, sizeof(list_memory));
	memset(&mapping, 0, sizeof(mapping));
	return adapter;
}

static bool takes(struct dma_adapter *adapter, uint64_t address, uint32_t length)
{
	list->NumberOfElements = 0x7777;
	if (!dma_can_map_page(adapter, &mapping, address, length))
		return false;
	dma_map_page(adapter, &mapping, address, length, true, list);
	return true;
}

static void each_place_and_length(void)
{
	static const uint32_t offsets[] = {0, 1, 512, 4092, 4095};
	struct dma_adapter *adapter = adapter_of(64);
	unsigned taken = 0;

	for (unsigned n = 0; n < array_size(offsets); n++) {
		struct world_buffer buffer = world_buffer(offsets[n], 8192);
		uint64_t address = mem_physical(buffer.va);

		for (uint32_t length = 1; offsets[n] + length <= 4096; length++, taken++) {
			assert_true(takes(adapter, address, length));
			assert_int_equal(list->NumberOfElements, 1);
			assert_int_equal(list->Reserved, 0);
			assert_int_equal(list->Elements[0].Length, length);
			assert_int_equal(list->Elements[0].Address.QuadPart, address);
			assert_int_equal(list->Elements[0].Reserved, 0);
			assert_true(mapping.write_to_device && !mapping.run.count && !mapping.va);
			assert_int_equal(dma_adapter_counts(adapter).mapped, taken + 1);
			dma_unmap(adapter, &mapping);
		}
		world_buffer_free(&buffer);
	}
	assert_int_equal(dma_adapter_counts(adapter).mapped, taken);
	assert_int_equal(dma_adapter_counts(adapter).unmapped, taken);
	assert_int_equal(dma_adapter_counts(adapter).sizes[0], taken);
	dma_adapter_free(adapter);
}

/* MR-5 */
static void what_lies_in_one_page_is_one_element_and_nothing_else_is_taken(void **state)
{
	world_run(&direct, each_place_and_length);
}

static void far(void)
{
	struct dma_adapter *adapter = adapter_of(16);

	/* D-14: out of its reach */
	assert_true(takes(adapter, 0xfe00, 0x200));
	dma_unmap(adapter, &mapping);
	assert_false(takes(adapter, 0xfe00, 0x201));
	assert_false(takes(adapter, 0x10000, 1));
	assert_int_equal(list->NumberOfElements, 0x7777);
	assert_int_equal(dma_adapter_counts(adapter).mapped, 1);
	dma_adapter_free(adapter);
}

static void what_the_device_does_not_reach_is_left_to_dma_map(void **state)
{
	world_run(&direct, far);
}

static void with_registers(void)
{
	struct dma_adapter *adapter = adapter_of(32);
	struct world_buffer buffer = world_buffer(0, 512);

	assert_false(takes(adapter, mem_physical(buffer.va), 512));
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_device_that_bounces_takes_map_registers_as_before(void **state)
{
	world_run(&bounce, with_registers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_in_one_page_is_one_element_and_nothing_else_is_taken),
		cmocka_unit_test(what_the_device_does_not_reach_is_left_to_dma_map),
		cmocka_unit_test(a_device_that_bounces_takes_map_registers_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
