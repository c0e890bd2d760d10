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

static bool takes(struct dma_adapter *adapter, PMDL mdl, uint32_t length)
{
	list->NumberOfElements = 0x7777;
	return dma_map_page(adapter, &mapping, mdl, length, true, list);
}

static void each_place_and_length(void)
{
	static const uint32_t offsets[] = {0, 1, 512, 4092, 4095};
	struct dma_adapter *adapter = adapter_of(64);
	unsigned taken = 0;

	for (unsigned n = 0; n < array_size(offsets); n++) {
		struct world_buffer buffer = world_buffer(offsets[n], 8192);

		for (uint32_t length = 0; length <= 4200; length++) {
			bool one = length && offsets[n] + length <= 4096;

			assert_int_equal(takes(adapter, buffer.mdl, length), one);
			if (!one) {
				assert_int_equal(list->NumberOfElements, 0x7777);
				continue;
			}
			assert_int_equal(list->NumberOfElements, 1);
			assert_int_equal(list->Elements[0].Length, length);
			assert_int_equal(
				list->Elements[0].Address.QuadPart, mem_physical(buffer.va));
			assert_true(mapping.write_to_device && !mapping.run.count && !mapping.va);
			dma_unmap(adapter, &mapping);
			taken++;
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

static void bad(void)
{
	struct dma_adapter *adapter = adapter_of(64);
	struct world_buffer buffer = world_buffer(0, 512);
	PFN_NUMBER frame = *MmGetMdlPfnArray(buffer.mdl);

	assert_true(takes(adapter, buffer.mdl, 512));
	assert_false(takes(adapter, buffer.mdl, 513)); /* SZ-9 */
	buffer.mdl->MdlFlags = 0;
	assert_false(takes(adapter, buffer.mdl, 512)); /* never built */
	buffer.mdl->MdlFlags = MDL_PAGES_LOCKED;
	buffer.mdl->Size = sizeof(MDL);
	assert_false(takes(adapter, buffer.mdl, 512)); /* no frame number */
	buffer.mdl->Size += sizeof(PFN_NUMBER);
	*MmGetMdlPfnArray(buffer.mdl) = frame | 1ull << 60; /* is no address */
	assert_false(takes(adapter, buffer.mdl, 512));
	*MmGetMdlPfnArray(buffer.mdl) = frame;
	buffer.mdl->ByteOffset = 4096;
	assert_false(takes(adapter, buffer.mdl, 512));
	buffer.mdl->ByteOffset = 0;
	assert_true(takes(adapter, buffer.mdl, 512));
	dma_adapter_free(adapter);
	adapter = adapter_of(16);
	assert_false(takes(adapter, buffer.mdl, 512)); /* D-14: out of its reach */
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void what_dma_map_refuses_is_left_to_it(void **state)
{
	world_run(&direct, bad);
}

static void with_registers(void)
{
	struct dma_adapter *adapter = adapter_of(32);
	struct world_buffer buffer = world_buffer(0, 512);

	assert_false(takes(adapter, buffer.mdl, 512));
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
		cmocka_unit_test(what_dma_map_refuses_is_left_to_it),
		cmocka_unit_test(a_device_that_bounces_takes_map_registers_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
