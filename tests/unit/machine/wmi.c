/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dry_wmi, with the RAM disks' driver, which has one block (the first argument), and one that has
 * none (the second). What requests and answers look like is from the pages of
 * IRP_MN_QUERY_ALL_DATA, IRP_MN_QUERY_SINGLE_INSTANCE, IRP_MN_CHANGE_SINGLE_INSTANCE and
 * IRP_MN_REGINFO.
 */
#include "ask.h"

#include <errno.h>
#include <string.h>

/* IRP_MN_ */
enum { QUERY_ALL, QUERY_ONE, CHANGE_ONE, REGINFO = 8, EXECUTE_METHOD, REGINFO_EX = 11 };

#define SUCCESS		       0u
#define NOT_SUPPORTED	       0xc00000bbu
#define BUFFER_TOO_SMALL       0xc0000023u
#define IO_DEVICE_ERROR	       0xc0000185u
#define INVALID_REQUEST	       0xc0000010u
#define INSUFFICIENT_RESOURCES 0xc000009au

/* Offsets in WNODE_HEADER and what follows it. */
enum {
	BUFFER_SIZE = 0,
	GUID_AT = 24,
	FLAGS = 44,
	ALL_INSTANCES = 52,
	ALL_DATA_AT = 60,
	ONE_INDEX = 52,
	ONE_DATA_AT = 56,
	ONE_BYTES = 60,
	ONE_FIXED = 64,
	TOO_SMALL_NEEDS = 48
};

static const uint8_t label[RAM_LABEL_BYTES] = RAM_LABEL_GUID;
static struct dry_wmi wmi;
static union {
	uint8_t bytes[512];
	uint32_t words[128];
} buffer;

static uint32_t word(uint32_t offset)
{
	return buffer.words[offset / 4];
}

static void word_set(uint32_t offset, uint32_t value)
{
	buffer.words[offset / 4] = value;
}

static int ask(struct dry_unit *unit, uint8_t minor, const uint8_t *block, uint32_t bytes)
{
	wmi = (struct dry_wmi){
		.minor = minor, .buffer = &buffer, .bytes = bytes, .status = 0x77777777};
	if (block)
		memcpy(wmi.block, block, sizeof(wmi.block));
	return dry_wmi(live, 0, unit, &wmi);
}

/* A WNODE_SINGLE_INSTANCE of instance n, with room for data behind it. */
static void instance(uint32_t n, uint32_t bytes)
{
	memset(&buffer, 0, sizeof(buffer));
	word_set(BUFFER_SIZE, ONE_FIXED + bytes);
	memcpy(&buffer.bytes[GUID_AT], label, sizeof(label));
	word_set(FLAGS, 0x82); /* single instance, static names */
	word_set(ONE_INDEX, n);
	word_set(ONE_DATA_AT, ONE_FIXED);
	word_set(ONE_BYTES, bytes);
}

static void label_set(const char *text)
{
	instance(0, RAM_LABEL_BYTES);
	memcpy(&buffer.bytes[ONE_FIXED], text, strlen(text));
	assert_int_equal(ask(NULL, CHANGE_ONE, label, ONE_FIXED + RAM_LABEL_BYTES), 0);
	assert_int_equal(wmi.status, SUCCESS);
}

static void expect_label(const char *text)
{
	char bytes[RAM_LABEL_BYTES] = {0};

	memcpy(bytes, text, strlen(text));
	memset(&buffer, 0xee, sizeof(buffer));
	assert_int_equal(ask(NULL, QUERY_ALL, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, SUCCESS);
	assert_int_equal(wmi.returned, word(BUFFER_SIZE));
	assert_memory_equal(&buffer.bytes[GUID_AT], label, sizeof(label));
	assert_int_equal(word(FLAGS) & 1, 1); /* all data */
	assert_int_equal(word(ALL_INSTANCES), 1);
	assert_int_equal(word(ALL_DATA_AT + 4), RAM_LABEL_BYTES);
	assert_memory_equal(&buffer.bytes[word(ALL_DATA_AT)], bytes, sizeof(bytes));
	instance(0, RAM_LABEL_BYTES);
	assert_int_equal(ask(NULL, QUERY_ONE, label, ONE_FIXED + RAM_LABEL_BYTES), 0);
	assert_int_equal(wmi.status, SUCCESS);
	assert_int_equal(wmi.returned, ONE_FIXED + RAM_LABEL_BYTES);
	assert_int_equal(word(ONE_BYTES), RAM_LABEL_BYTES);
	assert_memory_equal(&buffer.bytes[ONE_FIXED], bytes, sizeof(bytes));
}

static void what_is_set_is_read(const char *seed)
{
	start(ramdisk, "none", seed);
	expect_label("");
	label_set("first");
	expect_label("first");
	label_set("the second label");
	expect_label("the second label");
	stop();
}

static void a_block_is_set_and_read(void **state)
{
	what_is_set_is_read(NULL);
}

static void a_block_is_set_and_read_replayed(void **state)
{
	what_is_set_is_read("5");
}

static void blocks_are_registered(void **state)
{
	static const uint8_t minors[] = {REGINFO, REGINFO_EX};

	start(ramdisk, "none", NULL);
	for (unsigned n = 0; n < 2; n++) {
		memset(&buffer, 0xee, sizeof(buffer));
		assert_int_equal(ask(NULL, minors[n], NULL, sizeof(buffer)), 0);
		assert_int_equal(wmi.status, SUCCESS);
		assert_int_equal(wmi.returned, 24 + 32); /* WMIREGINFOW, one WMIREGGUIDW */
		assert_int_equal(word(0), 24 + 32);
		assert_int_equal(word(16), 1);
		assert_memory_equal(&buffer.bytes[24], label, sizeof(label));
		assert_int_equal(word(24 + 20), 1); /* instances */
		/* too small: it says how much */
		assert_int_equal(ask(NULL, minors[n], NULL, 30), 0);
		assert_int_equal(wmi.status, BUFFER_TOO_SMALL);
		assert_int_equal(wmi.returned, 4);
		assert_int_equal(word(0), 24 + 32);
	}
	stop();
}

static void what_cannot_be_says_why(void **state)
{
	static const uint8_t stranger[16] = {1, 2, 3};
	struct dry_unit *unit;

	start(ramdisk, "none", NULL);
	unit = dry_unit_get(live, 0);
	/* success, and a WNODE_TOO_SMALL */
	assert_int_equal(ask(NULL, QUERY_ALL, label, 72), 0);
	assert_int_equal(wmi.status, SUCCESS);
	assert_int_equal(word(FLAGS) & 0x20, 0x20);
	assert_true(word(TOO_SMALL_NEEDS) > 72);
	assert_int_equal(ask(NULL, QUERY_ALL, label, word(TOO_SMALL_NEEDS)), 0);
	assert_int_equal(word(FLAGS) & 0x21, 1);
	assert_int_equal(ask(NULL, QUERY_ALL, label, 20), 0);
	assert_int_equal(wmi.status, BUFFER_TOO_SMALL);
	/* no such block, no such instance, no method, no such function */
	assert_int_equal(ask(NULL, QUERY_ALL, stranger, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, IO_DEVICE_ERROR);
	instance(1, RAM_LABEL_BYTES);
	assert_int_equal(ask(NULL, QUERY_ONE, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, IO_DEVICE_ERROR);
	instance(0, RAM_LABEL_BYTES);
	assert_int_equal(ask(NULL, EXECUTE_METHOD, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, IO_DEVICE_ERROR);
	assert_int_equal(ask(NULL, 77, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, INVALID_REQUEST);
	/* units have none */
	assert_int_equal(ask(unit, QUERY_ALL, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, INVALID_REQUEST);
	wmi.buffer = NULL;
	wmi.bytes = 0;
	assert_int_equal(dry_wmi(live, 0, NULL, &wmi), 0);
	assert_int_equal(dry_wmi(live, 1, NULL, &wmi), -ENODEV);
	assert_int_equal(dry_machine_stop(live), 0);
	assert_int_equal(dry_wmi(live, 0, NULL, &wmi), -ESHUTDOWN);
	stop();
}

static void without_a_provider_nobody_answers(void **state)
{
	start(simple, "simple", NULL);
	assert_int_equal(ask(NULL, QUERY_ALL, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, NOT_SUPPORTED);
	assert_int_equal(ask(dry_unit_get(live, 0), QUERY_ALL, label, sizeof(buffer)), 0);
	assert_int_equal(wmi.status, NOT_SUPPORTED);
	stop();
}

static void an_adapter_that_is_away_is_not_asked(void **state)
{
	start(ramdisk, "none", NULL);
	label_set("kept");
	assert_int_equal(dry_machine_event(live, "stop", 0), 0);
	assert_int_equal(ask(NULL, QUERY_ALL, label, sizeof(buffer)), -ENODEV);
	assert_int_equal(dry_machine_event(live, "start", 0), 0);
	expect_label("kept");
	stop();
}

/* "fail-allocation": each on the way of a request, until one goes through. */
static void without_memory_a_request_fails_and_leaves_nothing(void **state)
{
	unsigned failed = 0;
	char number[8];
	int result;

	for (unsigned n = 1;; n++) {
		live = dry_machine_new();
		snprintf(number, sizeof(number), "%u", n);
		assert_int_equal(dry_machine_set(live, "hw", "none"), 0);
		assert_int_equal(dry_machine_set(live, "fail-allocation", number), 0);
		assert_int_equal(dry_machine_start(live, ramdisk), 0);
		result = ask(NULL, QUERY_ALL, label, sizeof(buffer));
		if (!result && wmi.status == SUCCESS)
			break;
		if (result)
			assert_int_equal(result, -ENOMEM);
		else
			assert_int_equal(wmi.status, INSUFFICIENT_RESOURCES);
		failed++;
		expect_label(""); /* the next one goes */
		stop();
	}
	stop();
	assert_in_range(failed, 3, 20); /* the call, its IRP, the MDL */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_set_and_read),
		cmocka_unit_test(a_block_is_set_and_read_replayed),
		cmocka_unit_test(blocks_are_registered),
		cmocka_unit_test(what_cannot_be_says_why),
		cmocka_unit_test(without_a_provider_nobody_answers),
		cmocka_unit_test(an_adapter_that_is_away_is_not_asked),
		cmocka_unit_test(without_memory_a_request_fails_and_leaves_nothing),
	};

	if (argc != 3)
		return 2;
	ramdisk = argv[1];
	simple = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
