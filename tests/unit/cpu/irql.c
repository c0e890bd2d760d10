/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/irql.c.
 */
#include "kit.h"

struct record {
	uint8_t irql[8];
};

static void raise_and_lower(void *ctx)
{
	struct record *record = ctx;

	record->irql[0] = cpu_irql();
	record->irql[1] = cpu_irql_raise(IRQL_DISPATCH);
	record->irql[2] = cpu_irql_raise(7);
	record->irql[3] = cpu_irql_raise(7);
	record->irql[4] = cpu_irql();
	cpu_irql_lower(IRQL_DISPATCH);
	record->irql[5] = cpu_irql();
	cpu_irql_lower(IRQL_PASSIVE);
	record->irql[6] = cpu_irql();
}

static void raise_returns_the_old_irql_and_nests(void **state)
{
	static const uint8_t expected[] = {0, 0, 2, 7, 7, 2, 0};
	struct record record;

	run_on(0, raise_and_lower, &record);
	assert_memory_equal(record.irql, expected, sizeof(expected));
}

static void host_thread_that_is_no_processor_is_at_passive(void **state)
{
	assert_null(cpu_self);
	assert_int_equal(cpu_irql(), IRQL_PASSIVE);
	cpu_poll(); /* nothing to serve */
	cpu_relax();
}

static bool dpc_ran;

static void note_dpc(struct cpu_dpc *dpc)
{
	dpc_ran = true;
}

struct seen {
	bool at_dispatch, at_apc, before_raise;
};

static void lower_past_a_dpc(void *ctx)
{
	struct cpu_dpc dpc = {.fn = note_dpc, .cpu = CPU_HERE};
	struct seen *seen = ctx;

	cpu_irql_raise(5);
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_irql_lower(IRQL_DISPATCH);
	seen->at_dispatch = dpc_ran;
	cpu_irql_lower(IRQL_APC);
	seen->at_apc = dpc_ran;
	cpu_irql_lower(IRQL_PASSIVE);
	dpc_ran = false;
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_irql_raise(IRQL_DISPATCH);
	seen->before_raise = dpc_ran;
	cpu_irql_lower(IRQL_PASSIVE);
}

static void lowering_serves_what_became_due_and_no_more(void **state)
{
	struct seen seen;

	dpc_ran = false;
	run_on(0, lower_past_a_dpc, &seen);
	assert_false(seen.at_dispatch);
	assert_true(seen.at_apc);
	/* a raise is a safepoint too: the DPC interrupts the code before it */
	assert_true(seen.before_raise);
}

static void raise_below(void *ctx)
{
	cpu_irql_raise(6);
	cpu_irql_raise(IRQL_DISPATCH);
}

static void lower_above(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_irql_lower(4);
}

static void raise_past_high(void *ctx)
{
	cpu_irql_raise(16);
}

static void raise_below_the_current_irql_dies_naming_both(void **state)
{
	assert_dies(raise_below, "raise to IRQL 2 on processor 0, which runs at IRQL 6");
	assert_dies(raise_past_high, "raise to IRQL 16");
}

static void lower_above_the_current_irql_dies_naming_both(void **state)
{
	assert_dies(lower_above, "lower to IRQL 4 on processor 0, which runs at IRQL 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_1(raise_returns_the_old_irql_and_nests),
		on_1(host_thread_that_is_no_processor_is_at_passive),
		on_1(lowering_serves_what_became_due_and_no_more),
		cmocka_unit_test(raise_below_the_current_irql_dies_naming_both),
		cmocka_unit_test(lower_above_the_current_irql_dies_naming_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
