/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Map registers: who gets them, in which order, and who is refused (MR-2, MR-7, X-10, X-11). */
#include "lists.h"
#include "dma/map_register.h"
#include "dma/run_map.h"

static struct world_config pool_of(uint32_t registers)
{
	return (struct world_config){.policy = MEM_SCATTERED, .dma.map_registers = registers};
}

static struct {
	char order[16];
	unsigned count;
} granted;

struct named {
	struct dma_waiter waiter;
	char name;
};

static void note(struct dma_waiter *waiter)
{
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	granted.order[granted.count++] = container_of(waiter, struct named, waiter)->name;
}

static struct named named(char name)
{
	return (struct named){.waiter.granted = note, .name = name};
}

static struct dma_run take(struct dma_adapter *adapter, uint32_t need)
{
	struct dma_run run;

	assert_int_equal(dma_registers_take(adapter, need, NULL, &run), STATUS_SUCCESS);
	assert_int_equal(run.count, need);
	return run;
}

/* Lets the DPCs run that are queued on this processor. */
static void let_go(void)
{
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_dpc_flush();
	cpu_irql_raise(IRQL_DISPATCH);
}

static void above_the_limit(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct named a = named('a');
	struct dma_run run;

	memset(&granted, 0, sizeof(granted));
	assert_int_equal(adapter->map_registers, 17); /* D-5: 64 KiB, and one */
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(
		dma_registers_take(adapter, 18, &a.waiter, &run), STATUS_INSUFFICIENT_RESOURCES);
	let_go();
	assert_int_equal(granted.count, 0);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	dma_adapter_free(adapter);
}

/* MR-2, X-10. */
static void a_need_above_the_limit_fails_at_once(void **state)
{
	const struct world_config config = pool_of(64);

	world_run(&config, above_the_limit);
}

static void limited_by_pool(void)
{
	struct dma_adapter *adapter = world_adapter();

	assert_int_equal(adapter->map_registers, 5);
	dma_adapter_free(adapter);
}

/* D-5: the number granted may be lower than MaximumLength needs. */
static void the_limit_is_not_above_the_pool(void **state)
{
	const struct world_config config = pool_of(5);

	world_run(&config, limited_by_pool);
}

static void in_order(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct named a = named('a'), b = named('b'), c = named('c');
	struct dma_run all, run;

	memset(&granted, 0, sizeof(granted));
	cpu_irql_raise(IRQL_DISPATCH);
	all = take(adapter, 16);
	assert_int_equal(dma_registers_take(adapter, 8, &a.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_take(adapter, 16, &b.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_take(adapter, 1, &c.waiter, &run), STATUS_PENDING);
	let_go();
	assert_int_equal(granted.count, 0);
	dma_run_give(all);
	let_go();
	/* Eight are free, but c came after b. */
	assert_string_equal(granted.order, "a");
	assert_int_equal(dma_registers_take(adapter, 1, NULL, &run), STATUS_INSUFFICIENT_RESOURCES);
	dma_run_give(a.waiter.run);
	let_go();
	assert_string_equal(granted.order, "ab");
	dma_run_give(b.waiter.run);
	let_go();
	assert_string_equal(granted.order, "abc");
	dma_run_give(c.waiter.run);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	dma_adapter_free(adapter);
}

static void who_waits_is_served_in_order(void **state)
{
	const struct world_config config = pool_of(16);

	world_run(&config, in_order);
}

static void fragments(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct named a = named('a');
	struct dma_run single[8], run;

	memset(&granted, 0, sizeof(granted));
	cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 8; n++)
		single[n] = take(adapter, 1);
	for (unsigned n = 0; n < 8; n += 2)
		dma_run_give(single[n]);
	assert_int_equal(dma_registers_taken(), 4);
	assert_int_equal(dma_registers_take(adapter, 2, NULL, &run), STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(dma_registers_take(adapter, 2, &a.waiter, &run), STATUS_PENDING);
	let_go();
	assert_int_equal(granted.count, 0);
	dma_run_give(single[3]);
	let_go();
	assert_string_equal(granted.order, "a");
	assert_int_equal(a.waiter.run.count, 2);
	dma_run_give(a.waiter.run);
	for (unsigned n = 1; n < 8; n += 2)
		if (n != 3)
			dma_run_give(single[n]);
	cpu_irql_lower(IRQL_PASSIVE);
	dma_adapter_free(adapter);
}

/* MR-7. */
static void free_registers_that_are_no_neighbours_are_a_shortage(void **state)
{
	const struct world_config config = pool_of(8);

	world_run(&config, fragments);
}

static void cancelled(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct named a = named('a'), b = named('b'), c = named('c');
	struct dma_run all, run;

	memset(&granted, 0, sizeof(granted));
	cpu_irql_raise(IRQL_DISPATCH);
	all = take(adapter, 8);
	assert_false(dma_wait_cancel(&a.waiter)); /* it does not wait */
	assert_int_equal(dma_registers_take(adapter, 8, &a.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_take(adapter, 4, &b.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_take(adapter, 4, &c.waiter, &run), STATUS_PENDING);
	assert_true(dma_wait_cancel(&c.waiter)); /* the last of the queue */
	assert_true(dma_wait_cancel(&a.waiter)); /* its first */
	dma_run_give(all);
	/* b has been granted, and its DPC waits for us to lower our IRQL. */
	assert_int_equal(dma_registers_taken(), 4);
	assert_true(dma_wait_cancel(&b.waiter));
	assert_int_equal(dma_registers_taken(), 0);
	let_go();
	assert_int_equal(granted.count, 0);
	/* Who has been called is no longer to be cancelled. */
	all = take(adapter, 8);
	assert_int_equal(dma_registers_take(adapter, 8, &a.waiter, &run), STATUS_PENDING);
	dma_run_give(all);
	let_go();
	assert_string_equal(granted.order, "a");
	assert_false(dma_wait_cancel(&a.waiter));
	dma_run_give(a.waiter.run);
	cpu_irql_lower(IRQL_PASSIVE);
	dma_adapter_free(adapter);
}

static void who_waits_no_longer_is_not_called(void **state)
{
	const struct world_config config = pool_of(8);

	world_run(&config, cancelled);
}

static void cancelled_in_front(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct named a = named('a'), b = named('b'), c = named('c');
	struct dma_run some, run;

	memset(&granted, 0, sizeof(granted));
	cpu_irql_raise(IRQL_DISPATCH);
	some = take(adapter, 4);
	assert_int_equal(dma_registers_take(adapter, 8, &a.waiter, &run), STATUS_PENDING);
	/* There are four, but it is not their turn. */
	assert_int_equal(dma_registers_take(adapter, 4, &b.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_take(adapter, 1, &c.waiter, &run), STATUS_PENDING);
	assert_int_equal(dma_registers_taken(), 4);
	assert_true(dma_wait_cancel(&a.waiter));
	let_go();
	assert_string_equal(granted.order, "b");
	assert_int_equal(dma_registers_taken(), 8);
	dma_run_give(some);
	let_go();
	assert_string_equal(granted.order, "bc");
	dma_run_give(b.waiter.run);
	dma_run_give(c.waiter.run);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	dma_adapter_free(adapter);
}

/* a cancelled one no longer stands before those that need less. */
static void who_waits_behind_a_cancelled_one_is_served(void **state)
{
	const struct world_config config = pool_of(8);

	world_run(&config, cancelled_in_front);
}

/* What a build says and when its routine comes, with one list in the pool already. */
static void build_waits(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x3000);
	PSCATTER_GATHER_LIST first = list_new(3), second = list_new(3);

	memset(&called, 0, sizeof(called));
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, first, LIST_BYTES(3)), STATUS_SUCCESS);
	let_go();
	assert_int_equal(called.calls, 1);
	assert_int_equal(build(adapter, &buffer, second, LIST_BYTES(3)), STATUS_SUCCESS);
	let_go();
	assert_int_equal(called.calls, 1);
	/* it is there, but not to be put. */
	assert_int_equal(dma_put(adapter, second, true), STATUS_INVALID_PARAMETER);
	world_expect(0xe6000006, "has not been called");
	assert_int_equal(dma_put(adapter, first, true), STATUS_SUCCESS);
	let_go();
	assert_int_equal(called.calls, 2);
	assert_ptr_equal(called.list, second);
	assert_int_equal(second->NumberOfElements, 3);
	assert_int_equal(dma_put(adapter, second, true), STATUS_SUCCESS);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(first);
	nt_pool_free(second);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_build_waits_for_registers_and_a_put_wakes_it(void **state)
{
	struct world_config config = pool_of(5);

	world_run(&config, build_waits);
	config.dma.engine = DMA_BOUNCE;
	world_run(&config, build_waits);
}

/* SGL-3, SGL-5: Get waits too, for registers that a list keeps after its routine, until its Put. */
static void get_waits(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x3000);
	PSCATTER_GATHER_LIST first;

	memset(&called, 0, sizeof(called));
	cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(world_get(adapter, buffer.mdl, buffer.va, buffer.bytes, routine,
					 (void *)1, (void *)2, (void *)3, true),
			STATUS_SUCCESS);
		let_go();
		assert_int_equal(called.calls, 1);
	}
	first = called.list;
	assert_int_equal(dma_registers_taken(), 3);
	assert_int_equal(dma_put(adapter, first, true), STATUS_SUCCESS);
	let_go();
	assert_int_equal(called.calls, 2);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_get_waits_for_registers_and_a_put_wakes_it(void **state)
{
	struct world_config config = pool_of(5);

	world_run(&config, get_waits);
	config.dma.engine = DMA_BOUNCE;
	world_run(&config, get_waits);
}

static void build_refuses(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x3000);
	PSCATTER_GATHER_LIST first = list_new(3), second = list_new(3);

	memset(&called, 0, sizeof(called));
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, first, LIST_BYTES(3)), STATUS_SUCCESS);
	assert_int_equal(
		build(adapter, &buffer, second, LIST_BYTES(3)), STATUS_INSUFFICIENT_RESOURCES);
	let_go();
	assert_int_equal(called.calls, 1);
	assert_int_equal(dma_put(adapter, first, true), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(first);
	nt_pool_free(second);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

/* */
static void with_the_policy_no_queue_a_build_fails_instead(void **state)
{
	struct world_config config = pool_of(5);

	config.dma.no_queue = true;
	world_run(&config, build_refuses);
}

static void dropped_while_waiting(void)
{
	struct dma_adapter *adapter = world_adapter(), *other = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x3000);
	PSCATTER_GATHER_LIST first = list_new(3), second = list_new(3);

	memset(&called, 0, sizeof(called));
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(other, &buffer, first, LIST_BYTES(3)), STATUS_SUCCESS);
	let_go();
	assert_int_equal(build(adapter, &buffer, second, LIST_BYTES(3)), STATUS_SUCCESS);
	dma_adapter_free(adapter);
	world_expect(0xe600000a, "1 scatter/gather lists left");
	assert_int_equal(dma_put(other, first, true), STATUS_SUCCESS);
	let_go();
	assert_int_equal(called.calls, 1);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(first);
	nt_pool_free(second);
	world_buffer_free(&buffer);
	dma_adapter_free(other);
}

/* */
static void an_adapter_that_goes_takes_its_waiting_lists_along(void **state)
{
	const struct world_config config = pool_of(5);

	world_run(&config, dropped_while_waiting);
}

/* ---- run_map ---- */

static void runs_are_contiguous_and_disjoint(void **state)
{
	static const uint32_t counts[] = {1, 2, 63, 64, 65, 130, 7};
	struct run_map map;
	uint32_t first[7];
	uint8_t owner[400] = {0};

	assert_int_equal(run_map_init(&map, 400), 0);
	for (unsigned rotates = 0; rotates < 2; rotates++) {
		map.rotates = rotates;
		for (unsigned n = 0; n < 7; n++) {
			assert_true(run_map_take(&map, counts[n], 400, &first[n]));
			for (uint32_t i = 0; i < counts[n]; i++) {
				assert_true(first[n] + i < 400);
				assert_int_equal(owner[first[n] + i], 0);
				owner[first[n] + i] = (uint8_t)(n + 1);
			}
		}
		assert_int_equal(run_map_taken(&map), 332);
		assert_false(run_map_take(&map, 69, 400, &first[0]));
		for (unsigned n = 0; n < 7; n++)
			run_map_give(&map, first[n], counts[n]);
		memset(owner, 0, sizeof(owner));
	}
	assert_int_equal(run_map_taken(&map), 0);
	run_map_fini(&map);
}

static void a_run_ends_below_the_end_asked_for(void **state)
{
	struct run_map map;
	uint32_t first;

	assert_int_equal(run_map_init(&map, 200), 0);
	assert_true(run_map_take(&map, 70, 71, &first));
	assert_int_equal(first, 0);
	assert_false(run_map_take(&map, 2, 71, &first));
	assert_true(run_map_take(&map, 1, 71, &first));
	assert_int_equal(first, 70);
	assert_true(run_map_take(&map, 129, 1000, &first));
	assert_int_equal(first, 71);
	assert_false(run_map_take(&map, 1, 200, &first));
	run_map_fini(&map);
}

/* What was given back last comes last: a stale address does not lead to somebody else's data. */
static void a_map_that_rotates_comes_back_to_a_run_late(void **state)
{
	struct run_map map;
	uint32_t first;

	assert_int_equal(run_map_init(&map, 8), 0);
	map.rotates = true;
	for (uint32_t n = 0; n < 20; n++) {
		assert_true(run_map_take(&map, 2, 8, &first));
		assert_int_equal(first, n * 2 % 8);
		run_map_give(&map, first, 2);
	}
	run_map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_need_above_the_limit_fails_at_once),
		cmocka_unit_test(the_limit_is_not_above_the_pool),
		cmocka_unit_test(who_waits_is_served_in_order),
		cmocka_unit_test(free_registers_that_are_no_neighbours_are_a_shortage),
		cmocka_unit_test(who_waits_no_longer_is_not_called),
		cmocka_unit_test(who_waits_behind_a_cancelled_one_is_served),
		cmocka_unit_test(a_build_waits_for_registers_and_a_put_wakes_it),
		cmocka_unit_test(a_get_waits_for_registers_and_a_put_wakes_it),
		cmocka_unit_test(with_the_policy_no_queue_a_build_fails_instead),
		cmocka_unit_test(an_adapter_that_goes_takes_its_waiting_lists_along),
		cmocka_unit_test(runs_are_contiguous_and_disjoint),
		cmocka_unit_test(a_run_ends_below_the_end_asked_for),
		cmocka_unit_test(a_map_that_rotates_comes_back_to_a_run_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
