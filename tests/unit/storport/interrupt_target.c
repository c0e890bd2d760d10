/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Tests src/storport/interrupt_target.c: which processor a message interrupts, and back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storport/storport_adapter.h"

static struct stor_adapter *adapter_new(unsigned place, uint64_t processors, unsigned messages)
{
	struct stor_adapter *adapter = calloc(1, sizeof(*adapter));

	assert_non_null(adapter);
	adapter->hba.place = place;
	adapter->processors = processors;
	adapter->messages = messages;
	for (unsigned n = 0; n < messages; n++)
		adapter->vectors[n].interrupt.vector.cpu = stor_message_processor(adapter, n);
	return adapter;
}

static void assert_processors(const struct stor_adapter *adapter, const unsigned *processors)
{
	for (unsigned n = 0; n < adapter->messages; n++) {
		assert_int_equal(stor_message_processor(adapter, n), processors[n]);
		assert_int_equal(adapter->vectors[n].interrupt.vector.cpu, processors[n]);
	}
}

static void messages_are_dealt_in_turn_each_adapters_from_another_processor(void **state)
{
	const unsigned first[] = {0, 1, 2, 0, 1}, second[] = {1, 2, 0, 1, 2},
		       named[] = {5, 1, 3, 5};
	struct stor_adapter *adapter = adapter_new(0, 7, 5);

	assert_processors(adapter, first);
	assert_int_equal(stor_processor_message(adapter, 2), 2);
	free(adapter);
	adapter = adapter_new(1, 7, 5);
	assert_processors(adapter, second);
	assert_int_equal(stor_processor_message(adapter, 0), 2);
	free(adapter);
	adapter = adapter_new(2, 0x2a, 4); /* processors 1, 3 and 5 */
	assert_processors(adapter, named);
	assert_int_equal(stor_processor_message(adapter, 5), 0);
	free(adapter);
}

static void named_messages_are_dealt_from_the_first_processor_on(void **state)
{
	const unsigned after[] = {1, 0, 1, 2, 2};
	struct stor_adapter *adapter = adapter_new(1, 7, 5);

	stor_messages_redirect(adapter, 1, 3);
	assert_processors(adapter, after);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(stor_processor_message(adapter, n), 1 + n);
	free(adapter);
}

static void fewer_messages_than_processors_are_shared(void **state)
{
	struct stor_adapter *adapter = adapter_new(0, 15, 3);

	stor_messages_redirect(adapter, 1, 9); /* those that it has not do not count */
	assert_int_equal(stor_processor_message(adapter, 0), 1);
	assert_int_equal(stor_processor_message(adapter, 1), 2);
	assert_int_equal(stor_processor_message(adapter, 2), 1);
	assert_int_equal(stor_processor_message(adapter, 3), 2);
	free(adapter);
}

static void what_is_no_range_changes_nothing(void **state)
{
	const unsigned before[] = {0, 1, 0};
	struct stor_adapter *adapter = adapter_new(0, 3, 3);

	stor_messages_redirect(adapter, 2, 1);
	stor_messages_redirect(adapter, 3, 5);
	assert_processors(adapter, before);
	free(adapter);
	adapter = adapter_new(0, 3, 0); /* the line */
	stor_messages_redirect(adapter, 0, 0);
	assert_int_equal(stor_processor_message(adapter, 1), 0);
	free(adapter);
}

static int start(void **state)
{
	const struct cpu_config config = {.processors = 4};

	return cpu_init(&config) || cpu_start();
}

static int stop(void **state)
{
	cpu_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_dealt_in_turn_each_adapters_from_another_processor),
		cmocka_unit_test(named_messages_are_dealt_from_the_first_processor_on),
		cmocka_unit_test(fewer_messages_than_processors_are_shared),
		cmocka_unit_test(what_is_no_range_changes_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
