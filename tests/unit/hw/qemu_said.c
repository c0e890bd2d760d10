/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * src/hw/qemu/qemu_said.c with what QEMU writes to its standard error, in the other end of a
 * socketpair.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/qemu/qemu.h"

static struct hw_device *q;
static int theirs;

static int setup(void **state)
{
	int pair[2];

	q = calloc(1, sizeof(*q));
	assert_non_null(q);
	snprintf(q->device, sizeof(q->device), "nvme");
	pthread_mutex_init(&q->said.lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	q->fd.said = pair[0];
	theirs = pair[1];
	return 0;
}

static int teardown(void **state)
{
	close(q->fd.said);
	if (theirs >= 0)
		close(theirs);
	free(q);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(theirs, text, strlen(text)), strlen(text));
}

/* What qemu_said_take tells: its standard error is a file meanwhile. */
static void told(char *text, size_t size)
{
	int file = memfd_create("told", 0), before = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(file >= 0 && before >= 0);
	dup2(file, STDERR_FILENO);
	qemu_said_take(q);
	dup2(before, STDERR_FILENO);
	close(before);
	n = pread(file, text, size - 1, 0);
	close(file);
	assert_true(n >= 0);
	text[n] = 0;
}

static void words_lose_its_name_and_warnings(void **state)
{
	char words[1024];

	say("qemu-system-x86_64: warning: no kvm\n\nqemu-system-x86_64: one\ntwo");
	qemu_said_words(q, words, sizeof(words));
	assert_string_equal(words, "one; two");
}

static void of_many_words_the_last_are_kept(void **state)
{
	char words[1024], line[32];

	for (unsigned n = 0; n < 3000; n++) {
		snprintf(line, sizeof(line), "%u\n", n);
		say(line);
		if (n % 100 == 0)
			qemu_said_take(q);
	}
	say("the reason\n");
	qemu_said_words(q, words, sizeof(words));
	assert_non_null(strstr(words, "2998; 2999; the reason"));
	assert_int_equal(strlen(strstr(words, "; the reason")), strlen("; the reason"));
}

static void until_it_runs_nothing_is_told(void **state)
{
	char text[1024];

	say("starting\n");
	told(text, sizeof(text));
	assert_string_equal(text, "");
	qemu_said_tell(q);
	say("qemu-system-x86_64: virtio: bogus descriptor or out of resources\n");
	told(text, sizeof(text));
	assert_string_equal(
		text, "dryport: nvme: QEMU says: virtio: bogus descriptor or out of resources\n");
}

static void a_line_is_told_when_it_is_whole_and_once(void **state)
{
	char text[1024];

	qemu_said_tell(q);
	say("half a ");
	told(text, sizeof(text));
	assert_string_equal(text, "");
	say("line\nlast words");
	told(text, sizeof(text));
	assert_string_equal(text, "dryport: nvme: QEMU says: half a line\n");
	qemu_said_words(q, text, sizeof(text));
	assert_string_equal(text, "last words");
	/* with nothing else to say, what it said last is the reason of its end */
	say("\nhw/x.c:1: assertion failed\n");
	told(text, sizeof(text));
	qemu_said_words(q, text, sizeof(text));
	assert_string_equal(text, "hw/x.c:1: assertion failed");
}

static void faults_of_the_iommu_are_told_elsewhere(void **state)
{
	char text[1024];

	qemu_said_tell(q);
	say("qemu-system-x86_64: vtd_iommu_translate: detected translation failure\n"
	    "qemu-system-x86_64: New fault is not recorded due to compression of faults\n"
	    "qemu-system-x86_64: Next Fault Recording Reg is used, new fault is not recorded, set "
	    "PFO field\n");
	told(text, sizeof(text));
	assert_string_equal(text, "");
}

static void it_is_not_listened_to_for_ever(void **state)
{
	static char text[65536];
	unsigned lines = 0;

	qemu_said_tell(q);
	for (unsigned n = 0; n < 100; n++)
		say("bad\n");
	told(text, sizeof(text));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 21);
	assert_non_null(strstr(text, "more, which is not told any more."));
}

static void its_end_is_seen(void **state)
{
	say("last\n");
	assert_true(qemu_said_take(q));
	close(theirs);
	theirs = -1;
	assert_false(qemu_said_take(q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(words_lose_its_name_and_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(of_many_words_the_last_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(until_it_runs_nothing_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_line_is_told_when_it_is_whole_and_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			faults_of_the_iommu_are_told_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_not_listened_to_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(its_end_is_seen, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
