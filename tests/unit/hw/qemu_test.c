/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/hw/qemu/qemu_test.c against a QEMU played by the test, at the other end of a
 * socketpair: docs/devel/qtest of QEMU has the protocol's lines.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "hw/qemu/qemu.h"

static struct hw_device q;
static int theirs;

static int setup(void **state)
{
	int pair[2];

	memset(&q, 0, sizeof(q));
	pthread_mutex_init(&q.lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	q.fd.test = pair[0];
	theirs = pair[1];
	return 0;
}

static int teardown(void **state)
{
	close(q.fd.test);
	if (theirs >= 0)
		close(theirs);
	pthread_mutex_destroy(&q.lock);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(theirs, text, strlen(text)), strlen(text));
}

static void assert_heard(const char *text)
{
	char heard[256] = "";

	assert_int_equal(read(theirs, heard, strlen(text)), strlen(text));
	assert_string_equal(heard, text);
}

static void reads_and_writes_are_lines_of_the_protocol(void **state)
{
	say("OK 0x0000000000001234\n");
	assert_int_equal(qemu_read(&q, false, 0xe0000010, 4), 0x1234);
	assert_heard("readl 0xe0000010\n");
	say("OK 0xffffffffffffffff\n");
	assert_int_equal(qemu_read(&q, false, 0xe0000000, 8), UINT64_MAX);
	assert_heard("readq 0xe0000000\n");
	say("OK 0x7f\n");
	assert_int_equal(qemu_read(&q, true, 0xc000, 1), 0x7f);
	assert_heard("inb 0xc000\n");
	qemu_write(&q, true, 0xc002, 2, 0xabcd1234);
	assert_heard("outw 0xc002 0x1234\n");
}

/* What was posted is answered first. */
static void a_read_waits_for_the_writes_before_it(void **state)
{
	qemu_write(&q, false, 0x10, 4, 1);
	qemu_write(&q, false, 0x14, 4, 2);
	assert_int_equal(q.posted, 2);
	say("OK\nOK\nOK 0x5\n");
	assert_int_equal(qemu_read(&q, false, 0x18, 4), 5);
	assert_int_equal(q.posted, 0);
}

static bool has_come(void)
{
	struct pollfd lines = {.fd = theirs, .events = POLLIN};

	return poll(&lines, 1, 0) == 1;
}

static bool had_come[3];

static void write_and_read(struct cpu_dpc *dpc)
{
	qemu_write(&q, false, 0x10, 4, 1);
	qemu_write(&q, true, 0xc000, 1, 2);
	had_come[0] = has_come();
	qemu_read(&q, false, 0x14, 4);
	had_come[1] = has_come();
	/* More than there is room for. */
	for (unsigned n = 0; n < 60; n++)
		qemu_write(&q, false, 0x1111111122222222, 8, ~(uint64_t)n);
	qemu_write(&q, false, 0x18, 4, 3);
}

static void as_thread(void *ctx)
{
	struct cpu_dpc dpc = {.fn = write_and_read, .cpu = CPU_HERE};
	char text[sizeof("writel 0xc 0x7\n") - 1];

	/* At PASSIVE nothing waits. */
	qemu_write(&q, false, 0xc, 4, 7);
	had_come[2] = read(theirs, text, sizeof(text)) == sizeof(text);
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
}

static void what_a_dpc_writes_is_sent_together_or_before_it_reads(void **state)
{
	const struct cpu_config config = {.processors = 1};
	struct cpu_thread *thread;
	char text[64];

	assert_int_equal(cpu_init(&config) || cpu_start(), 0);
	q.sender = cpu_agent_new_inline(qemu_test_send, &q);
	say("OK\nOK\nOK\nOK 0x5\n");
	thread = cpu_thread_new(as_thread, NULL, 0, "test");
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_true(had_come[2] && had_come[1]);
	assert_false(had_come[0]);
	assert_heard("writel 0x10 0x1\noutb 0xc000 0x2\nreadl 0x14\n");
	for (unsigned n = 0; n < 60; n++) {
		snprintf(text, sizeof(text), "writeq 0x1111111122222222 0x%llx\n",
			~(unsigned long long)n);
		assert_heard(text);
	}
	assert_heard("writel 0x18 0x3\n");
	assert_false(has_come());
	assert_int_equal(q.posted, 61);
	cpu_agent_free(q.sender);
	cpu_fini();
}

static void *answer_all(void *arg)
{
	unsigned *most = arg, open = 0;
	char c;

	/* It answers one write for each that it has read, but late. */
	while (read(theirs, &c, 1) == 1) {
		struct pollfd more = {.fd = theirs, .events = POLLIN};

		open += c == '\n';
		*most = open > *most ? open : *most;
		if (poll(&more, 1, 20) == 0)
			for (; open; open--)
				say("OK\n");
	}
	return NULL;
}

static void writes_are_posted_up_to_a_window(void **state)
{
	unsigned most = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, answer_all, &most), 0);
	for (unsigned n = 0; n < 500; n++)
		qemu_write(&q, false, 0x10, 4, n);
	assert_in_range(q.posted, 1, 64);
	shutdown(q.fd.test, SHUT_WR);
	pthread_join(thread, NULL);
	assert_in_range(most, 2, 64);
}

static void a_line_that_comes_behind_an_answer_is_taken_with_it(void **state)
{
	q.uses_line = true;
	say("OK\nIRQ raise 20\n");
	qemu_write(&q, false, 0x10, 4, 1);
	assert_int_equal(q.lines, 1u << 20);
	say("OK 0x1\nIRQ lower 20\nIRQ raise 22\n");
	assert_int_equal(qemu_read(&q, false, 0x10, 4), 1);
	assert_int_equal(q.lines, 1u << 22);
}

static void a_line_that_comes_by_itself_or_before_an_answer_is_taken(void **state)
{
	say("IRQ raise 0\nIRQ raise 21\n"); /* 0: the PC's timer */
	qemu_test_drain(&q);
	assert_int_equal(q.lines, 1u << 21);
	say("IRQ lower 21\nOK 0x9\n");
	assert_int_equal(qemu_read(&q, false, 0x10, 4), 9);
	assert_int_equal(q.lines, 0);
}

static void a_process_that_ends_reads_as_all_ones(void **state)
{
	close(theirs);
	theirs = -1;
	assert_true(qemu_read(&q, false, 0x10, 4) == UINT64_MAX);
	assert_true(q.is_dead);
	qemu_write(&q, false, 0x10, 4, 1);
	assert_true(qemu_read(&q, false, 0x10, 4) == UINT64_MAX);
	assert_int_equal(qemu_lines_watch(&q), -EIO);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(reads_and_writes_are_lines_of_the_protocol),
		test(a_read_waits_for_the_writes_before_it),
		test(what_a_dpc_writes_is_sent_together_or_before_it_reads),
		test(writes_are_posted_up_to_a_window),
		test(a_line_that_comes_behind_an_answer_is_taken_with_it),
		test(a_line_that_comes_by_itself_or_before_an_answer_is_taken),
		test(a_process_that_ends_reads_as_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
