/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Events as lines of text. The lines that are wanted were written by hand. */
#include "trace/trace_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char line[TRACE_LINE + 1];

static const char *format(uint64_t ns, const struct trace_event *event)
{
	size_t length = trace_format(line, ns, event);

	assert_true(length <= TRACE_LINE);
	line[length] = 0;
	return line;
}

static void an_event_is_time_place_station_name_and_named_arguments(void **state)
{
	const struct trace_event end = {TRACE_HW_STARTIO_END, 1, 2, {17, 1}};
	const struct trace_event submit = {TRACE_SRB_SUBMIT, 63, 15, {4, 0x2a00, 3, 65536}};

	assert_string_equal(format(1234567, &end),
		"      1234567 cpu1  irql 2  4 hw.startio.end id 17 result 1\n");
	assert_string_equal(format(0, &submit),
		"            0 cpu63 irql 15 1 srb.submit     id 4 function 00 command 2a unit 3 "
		"bytes 65536\n");
}

static void what_is_on_no_processor_has_a_dash(void **state)
{
	const struct trace_event transfer = {
		TRACE_DMA_TRANSFER, 0xff, 0, {1, 0x1f00001000, 4096, 3 << 1 | 1}};

	assert_string_equal(format(99999999999999, &transfer),
		"99999999999999 -     irql -  5 dma.transfer   device 1 address 0x1f00001000 bytes "
		"4096 writes 1 kind 3\n");
}

static void arguments_are_written_as_people_write_them(void **state)
{
	static const struct {
		enum trace_type type;
		uint64_t arg[4];
		const char *words;
	} rows[] = {
		{TRACE_IRQ, {0xffffffff}, "irq message line"},
		{TRACE_IRQ_END, {3, 1}, "irq.end message 3 claimed 1"},
		{TRACE_SRB_DONE, {7, 0x2e, 512, 1500},
			"srb.done id 7 status 2e bytes 512 took 1500"},
		{TRACE_REG_WRITE, {2, 4 << 8 | 1, 0x24, 0xdeadbeef},
			"reg.write slot 2 bar 1 offset 0x24 size 4 value 0xdeadbeef"},
		{TRACE_PORT_CLOSE, {0, ~0ull, 1}, "port.close adapter 0 unit all why paused"},
		{TRACE_PORT_OPEN, {0, 5, 16}, "port.open adapter 0 unit 5 why retry"},
		{TRACE_PORT_OPEN, {0, 5, 3}, "port.open adapter 0 unit 5 why 0x3"},
		{TRACE_RESET, {0, 0x010203, 9}, "reset what unit address 1:2:3 for 9"},
		{TRACE_RESET_END, {2, 0, 9, 0}, "reset.end what bus address 0:0:0 for 9 done 0"},
		{TRACE_STATE_CHANGE, {4, 0xff00ff, 2},
			"state.change what 0x4 address 255:0:255 attributes 0x2"},
		{TRACE_SG_BUILD, {0, 1, 2, 0xc000009a},
			"sg.build adapter 0 elements 1 bytes 2 status 0xc000009a"},
		{TRACE_CPU_SWITCH, {0, 12}, "cpu.switch from 0 to 12"},
		{TRACE_WORKLOAD_BEGIN, {10000, 8, ~0ull},
			"workload.begin ops 10000 depth 8 seed 18446744073709551615"},
	};

	for (size_t n = 0; n < array_size(rows); n++) {
		struct trace_event event = {.type = rows[n].type};
		char words[TRACE_LINE], *to = words;

		memcpy(event.arg, rows[n].arg, sizeof(event.arg));
		format(0, &event);
		for (const char *at = line + strlen("            0 cpu0  irql 0  - "); *at != '\n';
			at++)
			if (*at != ' ' || at[1] != ' ')
				*to++ = *at;
		*to = 0;
		assert_string_equal(words, rows[n].words);
	}
}

static void a_text_is_in_quotes_on_the_same_line(void **state)
{
	const char *text = "say \"no\"\nand\tthen \x7f stop";
	const struct trace_event event = {TRACE_VIOLATION, 0, 0, {(uintptr_t)text, 0xf1002004}};

	format(0, &event);
	assert_non_null(strstr(line, " violation      number 0xf1002004 "
				     "text \"say 'no' and then   stop\"\n"));
}

static void a_long_text_is_cut_and_the_line_still_ends(void **state)
{
	char text[3 * TRACE_LINE];
	struct trace_event event = {TRACE_VIOLATION, 0, 0, {(uintptr_t)text, 0}};

	for (size_t bytes = TRACE_LINE - 100; bytes < TRACE_LINE + 10; bytes++) {
		memset(text, 'x', bytes);
		text[bytes] = 0;
		format(0, &event);
		assert_string_equal(line + strlen(line) - 3, "x\"\n");
	}
	assert_int_equal(strlen(line), TRACE_LINE);
}

/* Whatever the numbers, the first columns are there and the arguments come in pairs. */
static void every_type_has_its_columns_and_pairs(void **state)
{
	for (unsigned type = 0; type < TRACE_TYPES; type++) {
		struct trace_event event = {type, 0xfe, 0xff, {~0ull, ~0ull, ~0ull, ~0ull}};
		unsigned long long ns;
		unsigned processor, irql, words = 0;
		char station, name[32], *rest = line, *word;
		int used = 0;

		if (type == TRACE_VIOLATION || type == TRACE_LOG || type == TRACE_EVENT ||
			type == TRACE_EVENT_END)
			event.arg[0] = (uintptr_t) "x";
		format(~0ull, &event);
		assert_int_equal(sscanf(line, "%llu cpu%u irql %u %c %31s%n", &ns, &processor,
					 &irql, &station, name, &used),
			5);
		assert_true(ns == ~0ull);
		assert_int_equal(processor, 0xfe);
		assert_int_equal(irql, 0xff);
		assert_true(station == '-' || (station >= '1' && station <= '7'));
		assert_string_equal(name, trace_name(type));
		for (rest += used; (word = strsep(&rest, " \n"));)
			words += *word != 0;
		assert_true(words && words % 2 == 0);
	}
}

/* `dryport trace --srb` looks for it: nothing else bears this name. */
static void an_id_is_a_requests_number(void **state)
{
	for (unsigned type = 0; type < TRACE_TYPES; type++) {
		struct trace_event event = {type, 0, 0, {26, 26, 26, 26}};

		if (type == TRACE_VIOLATION || type == TRACE_LOG || type == TRACE_EVENT ||
			type == TRACE_EVENT_END)
			event.arg[0] = (uintptr_t) "x";
		format(0, &event);
		assert_true(!strstr(line, " id ") || strstr(line, " id 26"));
	}
}

static void what_is_no_event_is_no_crash(void **state)
{
	const struct trace_event event = {TRACE_TYPES, 0, 0, {0}};

	assert_string_equal(format(1, &event), "            1 cpu0  irql 0  - unknown\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_time_place_station_name_and_named_arguments),
		cmocka_unit_test(what_is_on_no_processor_has_a_dash),
		cmocka_unit_test(arguments_are_written_as_people_write_them),
		cmocka_unit_test(a_text_is_in_quotes_on_the_same_line),
		cmocka_unit_test(a_long_text_is_cut_and_the_line_still_ends),
		cmocka_unit_test(every_type_has_its_columns_and_pairs),
		cmocka_unit_test(an_id_is_a_requests_number),
		cmocka_unit_test(what_is_no_event_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
