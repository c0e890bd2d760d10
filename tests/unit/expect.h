/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Checks for code that runs on a processor. They only record, and the test goes on; the host thread
 * fails with the first of them at the end (expect_tell): cmocka leaves a failed test with longjmp,
 * which must not cross stacks.
 */
#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	_Atomic unsigned failures;
	char first[512];
} expected;

static inline void expect_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline void expect_fail(const char *file, int line, const char *format, ...)
{
	char text[400];
	va_list args;

	if (atomic_fetch_add(&expected.failures, 1))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(expected.first, sizeof(expected.first), "%s:%d: %s", file, line, text);
}

#include "ddi_expect.h"

#define expect(condition)                                                                          \
	do {                                                                                       \
		if (!ddi_seen_true(#condition, !!(condition)))                                     \
			expect_fail(__FILE__, __LINE__, "%s", #condition);                         \
	} while (0)

/* Numbers and pointers. */
#define expect_is(got, wanted)                                                                     \
	do {                                                                                       \
		uintptr_t got_ = ddi_seen(#got, (uintptr_t)(got)), wanted_ = (uintptr_t)(wanted);  \
		if (got_ != wanted_)                                                               \
			expect_fail(__FILE__, __LINE__, "%s is %#lx, not %s (%#lx)", #got,         \
				(long)got_, #wanted, (long)wanted_);                               \
	} while (0)

#define expect_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			expect_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", text, part); \
	} while (0)

/* On the host thread, with no machine running. */
static inline void expect_tell(void)
{
	unsigned failures = atomic_exchange(&expected.failures, 0);

	if (failures)
		fail_msg("%s (%u failed)", expected.first, failures);
}

/* run(arg), in a child process, must end it with status 1 and these words on stderr. */
static inline void expect_death(void (*run)(void *arg), void *arg, const char *words)
{
	char text[4096];
	size_t length = 0;
	int fds[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		alarm(20);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		run(arg);
		_exit(0);
	}
	close(fds[1]);
	while (length < sizeof(text) - 1 &&
		(got = read(fds[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || !strstr(text, words))
		fail_msg("wait status %#x, \"%s\" does not say \"%s\"", status, text, words);
}

#endif
