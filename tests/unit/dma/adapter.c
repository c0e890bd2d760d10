/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapters: map registers granted, how many there can be, which pointers are one, what is reported
 * at the end. */
#include "world.h"
#include "dma/common_buffer.h"

#include "dma/dma_private.h"
#include "util/error.h"

#include <pthread.h>
#include <sched.h>

#define LIST_BYTES(elements) (16u + 24u * (elements))

static const struct world_config plain = {
	.policy = MEM_SCATTERED, .dma = {.callback = DMA_CALLBACK_BEFORE_RETURN}};

static uint32_t granted(uint32_t max_transfer, uint32_t map_registers)
{
	const struct dma_constraints limits = {64, max_transfer, map_registers, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	uint32_t registers = adapter->map_registers;

	dma_adapter_free(adapter);
	return registers;
}

/* D-5: pages for the longest transfer, and one for a start inside a page. X-18: 64 KiB has 17. */
static void registers(void)
{
	assert_int_equal(granted(1, 0), 2);
	assert_int_equal(granted(0x1000, 0), 2);
	assert_int_equal(granted(0x1001, 0), 3);
	assert_int_equal(granted(0x10000, 0), 17);
	assert_int_equal(granted(0x100000, 0), 257);
	assert_int_equal(granted(0xffffffff, 0), 0x100001);
	assert_int_equal(granted(0, 0), 0x100001);
	assert_int_equal(granted(0x10000, 5), 5);
	assert_int_equal(granted(0x10000, 100), 17);
}

static void registers_are_granted_for_the_longest_transfer_and_one_more(void **state)
{
	world_run(&plain, registers);
}

static void registers_of_a_small_machine(void)
{
	assert_int_equal(granted(0x10000, 0), 16);
	assert_int_equal(granted(0x8000, 0), 9);
	assert_int_equal(granted(0x10000, 5), 5);
	assert_int_equal(granted(0, 0), 16);
}

static void the_machine_limits_what_is_granted(void **state)
{
	const struct world_config config = {.dma = {.map_registers = 16}};

	world_run(&config, registers_of_a_small_machine);
}

static void sixteen(void)
{
	const struct dma_constraints limits = {64, 0x1000, 0, true, 0};
	struct dma_adapter *adapters[16];

	for (unsigned n = 0; n < 16; n++) {
		adapters[n] = dma_adapter_new(&limits, NULL);
		assert_non_null(adapters[n]);
		assert_int_equal(adapters[n]->number, n);
		assert_ptr_equal(dma_adapter_find(adapters[n]), adapters[n]);
	}
	assert_null(dma_adapter_new(&limits, NULL));
	assert_non_null(strstr(error_text(), "16"));
	dma_adapter_free(adapters[7]);
	assert_null(dma_adapter_find(adapters[7]));
	assert_ptr_equal(dma_adapter_new(&limits, NULL), adapters[7]);
	for (unsigned n = 0; n < 16; n++)
		dma_adapter_free(adapters[n]);
}

static void there_are_sixteen_adapters(void **state)
{
	world_run(&plain, sixteen);
}

static void pointers(void)
{
	struct dma_adapter *adapter = world_adapter();

	assert_ptr_equal(dma_adapter_find(&adapter->header), adapter);
	assert_null(dma_adapter_find(NULL));
	assert_null(dma_adapter_find((char *)adapter + 1));
	assert_null(dma_adapter_find((char *)adapter - 1));
	assert_null(dma_adapter_find((char *)adapter + 8));
	assert_null(dma_adapter_find(adapter + 1));
	assert_null(dma_adapter_find(adapter - 1));
	assert_null(dma_adapter_find(adapter + 16));
	assert_null(dma_adapter_find((void *)~0ull));
	assert_null(dma_adapter_find(&plain));
	dma_adapter_free(adapter);
	assert_null(dma_adapter_find(adapter));
	dma_adapter_free(NULL);
}

static void only_a_live_adapter_is_found(void **state)
{
	world_run(&plain, pointers);
}

static void widths(void)
{
	static const struct {
		unsigned width;
		uint64_t highest;
	} good[] = {{1, 1}, {24, 0xffffff}, {32, 0xffffffff}, {63, ~0ull >> 1}, {64, ~0ull}};
	struct dma_constraints limits = {0, 0x1000, 0, true, 0};

	assert_null(dma_adapter_new(&limits, NULL));
	limits.width = 65;
	assert_null(dma_adapter_new(&limits, NULL));
	assert_non_null(strstr(error_text(), "65"));
	for (unsigned n = 0; n < array_size(good); n++) {
		struct dma_adapter *adapter;

		limits.width = good[n].width;
		adapter = dma_adapter_new(&limits, NULL);
		assert_non_null(adapter);
		assert_int_equal(adapter->reach.max_address, good[n].highest);
		dma_adapter_free(adapter);
	}
}

static void widths_from_1_to_64_bits(void **state)
{
	world_run(&plain, widths);
}

/* D-6, X-42: 0xE6/07 and 0xE6/0A. */
static VOID NTAPI routine(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
}

static void leftovers(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x2000);
	PSCATTER_GATHER_LIST list = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
	uint64_t address;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(world_build(adapter, buffer.mdl, buffer.va, 0x2000, routine, NULL, NULL,
				 NULL, true, list, LIST_BYTES(2)),
		0);
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 0x2000, routine, NULL, NULL, NULL, true),
		0);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_non_null(dma_common_alloc(adapter, 100, true, &address));
	dma_adapter_free(adapter);
	world_expect(0xe6000007, "1 common buffers left");
	world_expect(0xe600000a, "2 scatter/gather lists left");
	world_buffer_free(&buffer);
	mem_free(list, 4096);
}

static void a_release_reports_and_frees_what_is_left(void **state)
{
	/* world_end finds neither a pool block nor a page of it. */
	world_run(&plain, leftovers);
}

static void an_adapter_that_is_never_released_is_reported(void **state)
{
	world_begin(&plain);
	world_adapter();
	dma_fini();
	world_expect(0, "DMA adapter 0 was never released");
	world_end();
}

static void settings_are_checked(void **state)
{
	const struct dma_config engine = {.engine = (enum dma_engine)7};
	const struct dma_config callback = {.callback = (enum dma_callback)4};

	assert_int_equal(dma_init(&engine), -22);
	assert_int_equal(dma_init(&callback), -22);
}

static struct dma_adapter *place;
static _Atomic bool looks, is_over;
static unsigned missing;

static void *look(void *ctx)
{
	atomic_store(&looks, true);
	while (!atomic_load(&is_over))
		missing += !*(struct dma_live_table *volatile *)&place->live;
	return NULL;
}

/* A DPC of the adapter that stood there before may look for the table at any time. */
static void new_and_free(void)
{
	const struct dma_constraints limits = {64, 0x10000, 0, true, 0};
	pthread_t thread;

	place = world_adapter();
	dma_adapter_free(place);
	missing = 0;
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&thread, NULL, look, NULL), 0);
	while (!atomic_load(&looks))
		sched_yield();
	for (unsigned n = 0; n < 20000; n++)
		dma_adapter_free(dma_adapter_new(&limits, NULL));
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(missing, 0);
}

static void the_table_of_lists_outlives_its_adapter(void **state)
{
	world_run(&plain, new_and_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_granted_for_the_longest_transfer_and_one_more),
		cmocka_unit_test(the_machine_limits_what_is_granted),
		cmocka_unit_test(there_are_sixteen_adapters),
		cmocka_unit_test(only_a_live_adapter_is_found),
		cmocka_unit_test(widths_from_1_to_64_bits),
		cmocka_unit_test(a_release_reports_and_frees_what_is_left),
		cmocka_unit_test(an_adapter_that_is_never_released_is_reported),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(the_table_of_lists_outlives_its_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
