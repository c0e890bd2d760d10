/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/trace/trace.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "trace/trace.h"

struct listener {
	unsigned events;
	struct trace_event last;
};

static void listen_to(void *ctx, const struct trace_event *event)
{
	struct listener *listener = ctx;

	listener->events++;
	listener->last = *event;
}

static unsigned evaluated;

static uint64_t evaluate(void)
{
	return ++evaluated;
}

static void event_without_subscriber_evaluates_no_argument(void **state)
{
	evaluated = 0;
	trace(TRACE_IRQ, evaluate());
	assert_int_equal(evaluated, 0);
	assert_true(trace_wanted == 0);
}

static void event_reaches_only_who_asked_for_its_type(void **state)
{
	struct listener irq = {0}, dpc = {0}, both = {0};

	trace_subscribe(1ull << TRACE_IRQ, listen_to, &irq);
	trace_subscribe(1ull << TRACE_DPC, listen_to, &dpc);
	trace_subscribe(1ull << TRACE_IRQ | 1ull << TRACE_DPC, listen_to, &both);
	trace(TRACE_IRQ, 1, 1);
	trace(TRACE_DPC, 0);
	trace(TRACE_DPC, 0);
	trace(TRACE_SRB_GO, 1, 2);
	assert_int_equal(irq.events, 1);
	assert_int_equal(dpc.events, 2);
	assert_int_equal(both.events, 3);
	trace_unsubscribe(listen_to, &irq);
	trace_unsubscribe(listen_to, &dpc);
	trace_unsubscribe(listen_to, &both);
}

static void event_carries_one_to_four_numbers(void **state)
{
	struct listener all = {0};

	trace_subscribe(~0ull, listen_to, &all);
	trace(TRACE_DPC, 7);
	assert_int_equal(all.last.type, TRACE_DPC);
	assert_true(all.last.arg[0] == 7 && all.last.arg[1] == 0);
	trace(TRACE_SRB_SUBMIT, 1, 2, 3, ~0ull);
	assert_int_equal(all.last.type, TRACE_SRB_SUBMIT);
	assert_true(all.last.arg[0] == 1 && all.last.arg[1] == 2);
	assert_true(all.last.arg[2] == 3 && all.last.arg[3] == ~0ull);
	trace(TRACE_VIOLATION, "text", 1, 2);
	assert_string_equal((const char *)all.last.arg[0], "text");
	trace_unsubscribe(listen_to, &all);
}

static void unsubscribing_leaves_the_others(void **state)
{
	struct listener a = {0}, b = {0};

	trace_subscribe(1ull << TRACE_IRQ, listen_to, &a);
	trace_subscribe(1ull << TRACE_IRQ, listen_to, &b);
	trace_unsubscribe(listen_to, &a);
	trace(TRACE_IRQ, 1, 1);
	assert_int_equal(a.events, 0);
	assert_int_equal(b.events, 1);
	trace_unsubscribe(listen_to, &b);
	assert_true(trace_wanted == 0);
}

static void ninth_subscriber_is_refused(void **state)
{
	struct listener listeners[9];

	for (int i = 0; i < 8; i++)
		assert_int_equal(trace_subscribe(1, listen_to, &listeners[i]), 0);
	assert_int_equal(trace_subscribe(1, listen_to, &listeners[8]), -ENOSPC);
	for (int i = 0; i < 8; i++)
		trace_unsubscribe(listen_to, &listeners[i]);
}

static void locate_processor_3(uint8_t *processor, uint8_t *irql)
{
	*processor = 3;
	*irql = 5;
}

static void event_says_where_it_was_emitted(void **state)
{
	struct listener all = {0};

	trace_subscribe(~0ull, listen_to, &all);
	trace(TRACE_DPC, 0);
	assert_int_equal(all.last.processor, 0xff);
	trace_locate = locate_processor_3;
	trace(TRACE_DPC, 0);
	assert_int_equal(all.last.processor, 3);
	assert_int_equal(all.last.irql, 5);
	trace_locate = NULL;
	trace_unsubscribe(listen_to, &all);
}

static void every_type_has_a_name_of_its_own(void **state)
{
	for (int i = 0; i < TRACE_TYPES; i++) {
		assert_string_not_equal(trace_name(i), "unknown");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(trace_name(i), trace_name(j));
	}
	assert_string_equal(trace_name(TRACE_SRB_SUBMIT), "srb.submit");
	assert_string_equal(trace_name(TRACE_HW_STARTIO), "hw.startio");
	assert_string_equal(trace_name(TRACE_TYPES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_without_subscriber_evaluates_no_argument),
		cmocka_unit_test(event_reaches_only_who_asked_for_its_type),
		cmocka_unit_test(event_carries_one_to_four_numbers),
		cmocka_unit_test(unsubscribing_leaves_the_others),
		cmocka_unit_test(ninth_subscriber_is_refused),
		cmocka_unit_test(event_says_where_it_was_emitted),
		cmocka_unit_test(every_type_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
