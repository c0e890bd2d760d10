/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Put: all that can be wrong with it (X-12, X-13, SG-25), and the MDL of a list. */
#include "lists.h"

static void bad_puts(void)
{
	struct dma_adapter *adapter = world_adapter(), *other = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(1), foreign = list_new(1);
	void *ports = mem_alloc(4096, MEM_LINEAR, MEM_LIST, NULL);

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(dma_put(adapter, NULL, true), IP);
	world_expect(0xe6000006, "there is none");
	world_event(TRACE_SG_PUT, adapter->number, 0, 0, (uint32_t)IP);
	/* A list that Storport made for a request (SG-25), and memory that is none. */
	assert_int_equal(dma_put(adapter, ports, true), IP);
	world_expect(0xe6000006, "made by the port");
	assert_int_equal(dma_put(adapter, foreign, true), IP);
	world_expect(0xe6000006, "no Build or Get made it");
	assert_int_equal(dma_put(adapter, (void *)1, true), IP);
	world_expect(0xe6000006, "no Build or Get made it");
	assert_int_equal(dma_put(adapter, (void *)~7ull, true), IP);
	world_expect(0xe6000006, "no Build or Get made it");
	/* Another adapter's; it stays live there. */
	assert_int_equal(build(other, &buffer, list, LIST_BYTES(1)), 0);
	assert_int_equal(dma_put(adapter, list, true), IP);
	world_expect(0xe6000006, "another adapter");
	assert_int_equal(dma_put(other, list, true), 0);
	assert_int_equal(dma_put(other, list, true), IP);
	world_expect(0xe6000006, "put already");
	/* A pointer into a live list. */
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(1)), 0);
	assert_int_equal(dma_put(adapter, (PSCATTER_GATHER_LIST)&list->Elements[0], true), IP);
	world_expect(0xe6000006, "no Build or Get made it");
	assert_int_equal(dma_put(adapter, list, true), 0);
	/* Get's list twice: its memory is gone, and nobody looks at it. */
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 1, routine, NULL, NULL, NULL, true), 0);
	assert_int_equal(dma_put(adapter, called.list, true), 0);
	assert_int_equal(dma_put(adapter, called.list, true), IP);
	world_expect(0xe6000006, "put already");
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(dma_adapter_counts(adapter).put, 2);
	assert_int_equal(dma_adapter_counts(other).put, 1);
	mem_free(ports, 4096);
	nt_pool_free(list);
	nt_pool_free(foreign);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
	dma_adapter_free(other);
}

static void put_knows_its_lists_without_looking_at_them(void **state)
{
	world_run(&plain, bad_puts);
}

/* Build's direction holds. */
static void wrong_direction(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(1);

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(1)), 0);
	assert_int_equal(dma_put(adapter, list, false), STATUS_SUCCESS);
	world_expect(0, "built to write to the device");
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 1, routine, NULL, NULL, NULL, false), 0);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	world_expect(0, "built to read from the device");
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void put_with_the_wrong_direction_is_reported_and_works(void **state)
{
	world_run(&plain, wrong_direction);
}

/* BuildMdlFromScatterGatherList under the direct engine: the list leads to the buffer itself. */
static void the_mdl(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x1000), other = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(1);
	PMDL target = NULL;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(1)), 0);
	assert_int_equal(dma_list_mdl(adapter, list, NULL, &target), IP);
	assert_int_equal(dma_list_mdl(adapter, list, other.mdl, &target), IP);
	world_expect(0, "but the list was made of");
	assert_null(target);
	assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_SUCCESS);
	assert_ptr_equal(target, buffer.mdl);
	assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_NONE_MAPPED);
	assert_int_equal(dma_put(adapter, list, true), 0);
	assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), IP);
	world_expect(0xe6000006, "BuildMdlFromScatterGatherList");
	/* A new list in the same place may be asked again. */
	assert_int_equal(build(adapter, &other, list, LIST_BYTES(1)), 0);
	assert_int_equal(dma_list_mdl(adapter, list, other.mdl, &target), STATUS_SUCCESS);
	assert_ptr_equal(target, other.mdl);
	assert_int_equal(dma_put(adapter, list, true), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	world_buffer_free(&other);
	dma_adapter_free(adapter);
}

static void a_list_tells_its_mdl_once(void **state)
{
	world_run(&plain, the_mdl);
}

static const char *place(uintptr_t address)
{
	static char text[32];

	snprintf(text, sizeof(text), "driver.c:%u", (unsigned)address);
	return text;
}

/* X-12, and whose list it was. */
static void history(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(1);
	const struct dma_order order = {
		.mdl = buffer.mdl, .current_va = buffer.va, .length = 0x800, .site = 11};

	nt_code_place = place;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(dma_build(adapter, &order,
				 &(struct dma_callee){routine, (void *)1, (void *)2, (void *)3},
				 list, LIST_BYTES(1)),
		0);
	assert_int_equal(dma_put_from(adapter, list, false, 12), 0);
	assert_int_equal(dma_put_from(adapter, list, false, 13), IP);
	world_expect(0xe6000006, "put already, at driver.c:12; it was asked for at driver.c:11, "
				 "2048 bytes in 1 elements to read from the device");
	cpu_irql_lower(IRQL_PASSIVE);
	nt_code_place = NULL;
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_second_put_names_who_made_the_list_and_who_put_it(void **state)
{
	world_run(&plain, history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_knows_its_lists_without_looking_at_them),
		cmocka_unit_test(put_with_the_wrong_direction_is_reported_and_works),
		cmocka_unit_test(a_list_tells_its_mdl_once),
		cmocka_unit_test(a_second_put_names_who_made_the_list_and_who_put_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
