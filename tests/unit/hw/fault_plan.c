/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Plans of faults as text: what is understood, what is refused and how. */
#include "../one_processor.h"
#include "hw/faults.h"
#include <errno.h>

static void a_plan_is_read_and_printed(void **state)
{
	static const char text[] = "irq-lost@17,gone@1000000000,dma-astray@1";
	struct fault_plan plan;
	char printed[100];

	assert_int_equal(fault_plan_parse(&plan, text), 0);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.fault[0].kind, FAULT_IRQ_LOST);
	assert_int_equal(plan.fault[0].step, 17);
	assert_int_equal(plan.fault[1].kind, FAULT_GONE);
	assert_int_equal(plan.fault[2].kind, FAULT_DMA_ASTRAY);
	fault_plan_print(&plan, printed, sizeof(printed));
	assert_string_equal(printed, text);
}

static void a_bad_plan_is_refused_and_the_word_named(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {{"", "no such kind"},
		{"irq-lose@1", "irq-lose: no such kind; there are irq-late"},
		{"irq-lost@1,,gone@2", "no such kind"}, {"irq-lost@1,", "no such kind"},
		{"irq@1", "irq: no such kind"}, {"gone", "gone: KIND@STEP"},
		{"gone@", "gone@: KIND@STEP"}, {"gone@0", "gone@0: KIND@STEP"},
		{"gone@-1", "gone@-1: KIND@STEP"}, {"gone@1x", "gone@1x: KIND@STEP"},
		{"gone@1000000001", "STEP from 1 to 1000000000"},
		{"gone@1,gone@1,gone@1,gone@1,gone@1,gone@1,gone@1,gone@1,gone@1",
			"8 faults at most"}};
	struct fault_plan plan;

	for (size_t n = 0; n < array_size(bad); n++) {
		assert_int_equal(fault_plan_parse(&plan, bad[n].text), -EINVAL);
		if (!strstr(error_text(), bad[n].said))
			fail_msg("%s: \"%s\"", bad[n].text, error_text());
	}
}

static void each_kind_has_a_name_a_line_and_steps(void **state)
{
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		struct fault_plan plan;
		char text[40];

		snprintf(text, sizeof(text), "%s@1", fault_name(kind));
		assert_int_equal(fault_plan_parse(&plan, text), 0);
		assert_int_equal(plan.fault[0].kind, kind);
		assert_true(fault_sorts(kind) && strlen(fault_help(kind)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_read_and_printed),
		cmocka_unit_test(a_bad_plan_is_refused_and_the_word_named),
		cmocka_unit_test(each_kind_has_a_name_a_line_and_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
