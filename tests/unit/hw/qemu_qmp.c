/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * src/hw/qemu/qemu_qmp.c with what QEMU sends, as docs/interop/qmp-spec of QEMU has it, in the
 * other end of a socketpair.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/qemu/qemu.h"
#include "util/error.h"

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}, "         \
	"\"capabilities\": [\"oob\"]}}\r\n"

static struct hw_device *q;
static int theirs;

static int setup(void **state)
{
	int pair[2];

	q = calloc(1, sizeof(*q));
	assert_non_null(q);
	pthread_mutex_init(&q->qmp.lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	q->fd.control = pair[0];
	theirs = pair[1];
	return 0;
}

static int teardown(void **state)
{
	close(q->fd.control);
	close(theirs);
	free(q);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(theirs, text, strlen(text)), strlen(text));
}

/* The next line, as JSON. */
static json_t *heard(void)
{
	char line[512];
	size_t used = 0;
	json_t *said;

	while (used < sizeof(line) && read(theirs, line + used, 1) == 1 && line[used] != '\n')
		used++;
	said = json_loadb(line, used, 0, NULL);
	assert_non_null(said);
	return said;
}

static void kinds_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum qemu_qmp_kind kind;
	} cases[] = {
		{"{\"QMP\": {}}", QEMU_QMP_GREETING},
		{"{\"return\": {}, \"id\": 3}", QEMU_QMP_ANSWER},
		{"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", QEMU_QMP_REFUSAL},
		{"{\"event\": \"STOP\", \"timestamp\": {}}", QEMU_QMP_EVENT},
		{"{}", QEMU_QMP_UNKNOWN},
		{"[]", QEMU_QMP_UNKNOWN},
	};

	for (size_t n = 0; n < array_size(cases); n++) {
		json_t *said = json_loads(cases[n].text, 0, NULL);

		assert_non_null(said);
		assert_int_equal(qemu_qmp_kind_of(said), cases[n].kind);
		json_decref(said);
	}
}

static void it_begins_with_a_greeting_and_capabilities(void **state)
{
	json_t *said;

	say(GREETING "{\"return\": {}, \"id\": 1}\r\n");
	assert_int_equal(qemu_qmp_begin(q), 0);
	said = heard();
	assert_string_equal(
		json_string_value(json_object_get(said, "execute")), "qmp_capabilities");
	assert_int_equal(json_integer_value(json_object_get(said, "id")), 1);
	json_decref(said);
}

/* The thread may have read it. */
static void a_greeting_that_was_drained_counts(void **state)
{
	say(GREETING);
	qemu_qmp_drain(q);
	say("{\"return\": {}, \"id\": 1}\r\n");
	assert_int_equal(qemu_qmp_begin(q), 0);
}

static void an_answer_is_known_by_its_id(void **state)
{
	json_t *result = NULL;

	q->qmp.id = 6;
	say("{\"return\": 41, \"id\": 6}\r\n"
	    "{\"event\": \"RESUME\"}\r\n"
	    "{\"return\": 42, \"id\": 7}\r\n");
	assert_int_equal(qemu_qmp_call(q, "x", json_pack("{s:s}", "a", "b\"c"), &result, 1000), 0);
	assert_int_equal(json_integer_value(result), 42);
	json_decref(result);
	result = heard();
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(result, "arguments"), "a")),
		"b\"c");
	json_decref(result);
}

static void a_refusal_is_told_in_words(void **state)
{
	say("{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": "
	    "\"Bus 'pcie.0' does not support hotplugging\"}}\r\n");
	assert_int_equal(qemu_qmp_call(q, "device_del", NULL, NULL, 1000), -EIO);
	assert_string_equal(
		error_text(), "QEMU refuses device_del: Bus 'pcie.0' does not support hotplugging");
}

static void a_line_may_come_in_pieces(void **state)
{
	say("{\"event\": \"DEVICE_DEL");
	qemu_qmp_drain(q);
	assert_int_equal(q->qmp.deleted, 0);
	say("ETED\", \"data\": {\"device\": \"c0\", \"path\": \"/machine/peripheral/c0\"}}\r\n{");
	qemu_qmp_drain(q);
	assert_int_equal(q->qmp.deleted, 1);
	assert_int_equal(qemu_qmp_deleted_wait(q, 0, 0), 0);
}

static void deletions_of_others_are_not_the_devices(void **state)
{
	say("{\"event\": \"DEVICE_DELETED\", \"data\": {\"path\": "
	    "\"/machine/peripheral/c0/virtio\"}}\n"
	    "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"c1\", \"path\": \"/x\"}}\n");
	assert_int_equal(qemu_qmp_deleted_wait(q, 0, 50), -ETIMEDOUT);
	say("{\"event\": \"DEVICE_UNPLUG_GUEST_ERROR\", \"data\": {\"device\": \"c0\"}}\n");
	assert_int_equal(qemu_qmp_deleted_wait(q, 0, 1000), -EIO);
}

static void a_shutdown_of_its_own_is_remembered(void **state)
{
	say("{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, \"reason\": "
	    "\"host-signal\"}}\n");
	qemu_qmp_drain(q);
	assert_string_equal(q->qmp.shutdown, "host-signal");
}

static void what_is_no_json_is_passed_over(void **state)
{
	say("nonsense\n\r\n{\"return\": {}, \"id\": 1}\n");
	assert_int_equal(qemu_qmp_call(q, "x", NULL, NULL, 1000), 0);
}

static void silence_and_the_end_are_told_apart(void **state)
{
	assert_int_equal(qemu_qmp_call(q, "x", NULL, NULL, 20), -ETIMEDOUT);
	shutdown(theirs, SHUT_RDWR);
	assert_int_equal(qemu_qmp_call(q, "x", NULL, NULL, 1000), -EPIPE);
	assert_int_equal(qemu_qmp_call(q, "x", NULL, NULL, 1000), -EPIPE);
}

static void a_line_without_an_end_is_the_end(void **state)
{
	static char much[70000];

	memset(much, 'x', sizeof(much));
	fcntl(theirs, F_SETFL, O_NONBLOCK);
	assert_int_equal(write(theirs, much, sizeof(much)), sizeof(much));
	assert_int_equal(qemu_qmp_call(q, "x", NULL, NULL, 1000), -EPIPE);
}

static void the_monitors_first_line_is_what_it_said(void **state)
{
	char said[32];

	say("{\"return\": \"Error: no\\r\\nmore\\r\\n\", \"id\": 1}\n");
	assert_int_equal(qemu_qmp_monitor(q, "drive_del d0", said, sizeof(said)), 0);
	assert_string_equal(said, "Error: no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told_apart),
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(it_begins_with_a_greeting_and_capabilities),
		TEST(a_greeting_that_was_drained_counts),
		TEST(an_answer_is_known_by_its_id),
		TEST(a_refusal_is_told_in_words),
		TEST(a_line_may_come_in_pieces),
		TEST(deletions_of_others_are_not_the_devices),
		TEST(a_shutdown_of_its_own_is_remembered),
		TEST(what_is_no_json_is_passed_over),
		TEST(silence_and_the_end_are_told_apart),
		TEST(a_line_without_an_end_is_the_end),
		TEST(the_monitors_first_line_is_what_it_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
