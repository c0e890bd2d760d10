/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* when and where a driver's routine runs, under each policy; SG-8.. */
#include "world.h"

#include "dma/dma_private.h"

static struct dma_adapter *adapter;
static struct world_buffer buffer;
static PSCATTER_GATHER_LIST lists; /* 64 bytes each: a list of one element */

static struct {
	_Atomic unsigned calls;
	unsigned irql, processor;
	bool puts;
	unsigned builds; /* once more from inside the routine */
	char order[16];
} seen;

static PSCATTER_GATHER_LIST list_at(unsigned n)
{
	return (PSCATTER_GATHER_LIST)((char *)lists + 64 * n);
}

static void note(char what)
{
	seen.order[strlen(seen.order)] = what;
}

static NTSTATUS build(unsigned n);

static VOID NTAPI routine(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	note(*(const char *)context);
	seen.irql = cpu_irql();
	seen.processor = cpu_self->number;
	assert_int_equal(list->NumberOfElements, 1);
	/* */
	if (seen.puts)
		assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	/* */
	if (seen.builds) {
		seen.builds--;
		assert_int_equal(build(7), STATUS_SUCCESS);
	}
	atomic_fetch_add(&seen.calls, 1);
}

static NTSTATUS build(unsigned n)
{
	static const char names[] = "abcdefgh";

	return world_build(adapter, buffer.mdl, buffer.va, buffer.bytes, routine, NULL, NULL,
		(void *)&names[n], true, list_at(n), 64);
}

static void begin(void)
{
	memset(&seen, 0, sizeof(seen));
	adapter = world_adapter();
	buffer = world_buffer(0, 0x100);
	lists = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
}

static void end(void)
{
	mem_free(lists, 4096);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void run(enum dma_callback callback, unsigned processors, void (*body)(void))
{
	const struct world_config config = {MEM_SCATTERED, processors, {.callback = callback}};

	world_run(&config, body);
}

/* Waits for another processor. */
static void await(unsigned calls)
{
	for (unsigned n = 0; n < 2000 && atomic_load(&seen.calls) < calls; n++)
		cpu_stall(1000000);
	assert_int_equal(atomic_load(&seen.calls), calls);
}

/* ---- one policy after the other ---- */

static void before_return(void)
{
	begin();
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_string_equal(seen.order, "a");
	assert_int_equal(seen.irql, IRQL_DISPATCH);
	assert_int_equal(dma_put(adapter, list_at(0), true), STATUS_SUCCESS);
	seen.puts = true;
	seen.builds = 1;
	assert_int_equal(build(1), STATUS_SUCCESS);
	assert_string_equal(seen.order, "abh");
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(seen.calls, 3);
	end();
}

static void before_return_runs_inside_the_call(void **state)
{
	run(DMA_CALLBACK_BEFORE_RETURN, 1, before_return);
}

static void queued(void)
{
	begin();
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_int_equal(build(1), STATUS_SUCCESS);
	cpu_poll();
	assert_int_equal(seen.calls, 0);
	note('|');
	cpu_irql_lower(IRQL_PASSIVE);
	/* In the order of the queue, when the IRQL allows, on the same processor. */
	assert_string_equal(seen.order, "|ab");
	assert_int_equal(seen.irql, IRQL_DISPATCH);
	assert_int_equal(seen.processor, 0);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(dma_put(adapter, list_at(0), true), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, list_at(1), true), STATUS_SUCCESS);
	seen.puts = true;
	seen.builds = 2;
	assert_int_equal(build(2), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(seen.order, "|abchh");
	end();
}

static void queued_runs_when_the_caller_has_lowered_its_irql(void **state)
{
	run(DMA_CALLBACK_QUEUED, 2, queued);
}

static void other_dpc(struct cpu_dpc *dpc)
{
	note('.');
}

/* Queued keeps its turn; after-return lets the others go first. */
static void turns(void)
{
	struct cpu_dpc before = {.fn = other_dpc, .cpu = CPU_HERE};
	struct cpu_dpc after = {.fn = other_dpc, .cpu = CPU_HERE};

	begin();
	seen.puts = true;
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_dpc_queue(&before, NULL, NULL);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_int_equal(build(1), STATUS_SUCCESS);
	cpu_dpc_queue(&after, NULL, NULL);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(
		seen.order, dma_settings.callback == DMA_CALLBACK_QUEUED ? ".ab." : "..ab");
	end();
}

static void queued_keeps_its_turn_among_dpcs(void **state)
{
	run(DMA_CALLBACK_QUEUED, 1, turns);
}

static void after_return_runs_behind_what_is_queued_by_then(void **state)
{
	run(DMA_CALLBACK_AFTER_RETURN, 1, turns);
}

static void other_processor(void)
{
	begin();
	seen.puts = true;
	cpu_irql_raise(IRQL_DISPATCH);
	/* This processor does nothing else meanwhile: it need not lower its IRQL. */
	assert_int_equal(build(0), STATUS_SUCCESS);
	await(1);
	assert_int_equal(seen.processor, 1);
	assert_int_equal(seen.irql, IRQL_DISPATCH);
	for (unsigned n = 2; n < 200; n++) {
		memset(seen.order, 0, sizeof(seen.order));
		assert_int_equal(build(0), STATUS_SUCCESS);
		await(n);
	}
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(dma_adapter_counts(adapter).built, 199);
	assert_int_equal(dma_adapter_counts(adapter).put, 199);
	end();
}

static void other_processor_runs_it_there(void **state)
{
	run(DMA_CALLBACK_OTHER_PROCESSOR, 2, other_processor);
}

static void other_processor_alone(void)
{
	begin();
	seen.puts = true;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_int_equal(seen.calls, 0);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(seen.order, "a");
	end();
}

static void other_processor_of_one_is_as_queued(void **state)
{
	run(DMA_CALLBACK_OTHER_PROCESSOR, 1, other_processor_alone);
}

/* WDM's Get obeys the same policy (SGL-7). */
static void get_queued(void)
{
	begin();
	seen.puts = true;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 1, routine, NULL, NULL, "g", true),
		STATUS_SUCCESS);
	assert_int_equal(seen.calls, 0);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(seen.order, "g");
	end();
}

static void get_is_queued_as_build_is(void **state)
{
	run(DMA_CALLBACK_QUEUED, 1, get_queued);
}

/* ---- what must not happen ---- */

/* SG-7, X-41: a Put before the routine ran is refused, and the right one still comes through. */
static void early_put(void)
{
	begin();
	seen.puts = true;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, list_at(0), true), STATUS_INVALID_PARAMETER);
	world_expect(0xe6000006, "its routine has not been called yet");
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(seen.order, "a");
	assert_int_equal(dma_adapter_counts(adapter).put, 1);
	end();
}

static void a_put_before_the_routine_is_refused(void **state)
{
	run(DMA_CALLBACK_QUEUED, 1, early_put);
}

/* the adapter goes away with builds on their way; their routines never run. */
static void adapter_gone(void)
{
	begin();
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(0), STATUS_SUCCESS);
	assert_int_equal(build(1), STATUS_SUCCESS);
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 1, routine, NULL, NULL, "g", true),
		STATUS_SUCCESS);
	dma_adapter_free(adapter);
	world_expect(0xe600000a, "3 scatter/gather lists left");
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(seen.calls, 0);
	/* The next adapter, in the same place, starts clean. */
	adapter = world_adapter();
	assert_int_equal(dma_adapter_counts(adapter).built, 0);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(dma_put(adapter, list_at(0), true), STATUS_INVALID_PARAMETER);
	world_expect(0xe6000006, "");
	seen.puts = true;
	assert_int_equal(build(0), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_string_equal(seen.order, "a");
	end();
}

static void builds_of_a_released_adapter_are_reported_and_dropped(void **state)
{
	run(DMA_CALLBACK_QUEUED, 1, adapter_gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_return_runs_inside_the_call),
		cmocka_unit_test(queued_runs_when_the_caller_has_lowered_its_irql),
		cmocka_unit_test(queued_keeps_its_turn_among_dpcs),
		cmocka_unit_test(after_return_runs_behind_what_is_queued_by_then),
		cmocka_unit_test(other_processor_runs_it_there),
		cmocka_unit_test(other_processor_of_one_is_as_queued),
		cmocka_unit_test(get_is_queued_as_build_is),
		cmocka_unit_test(a_put_before_the_routine_is_refused),
		cmocka_unit_test(builds_of_a_released_adapter_are_reported_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
