/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the tests of cpu/ share. Kernel threads, services and DPCs record what they see; only the
 * host thread asserts, since cmocka leaves a failed test with longjmp, which must not cross stacks.
 */
#ifndef TEST_CPU_KIT_H
#define TEST_CPU_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cpu/cpu.h"

#ifdef DRY_TSAN
/* Otherwise each child process lingers for a second at its end. */
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

#define MS 1000000ull /* ns */

#define get(x)	  atomic_load(&(x))
#define set(x, v) atomic_store(&(x), v)
#define count(x)  atomic_fetch_add(&(x), 1)
#define unused_fn __attribute__((unused))

static unused_fn void machine_start_with(unsigned processors, bool inline_agents)
{
	struct cpu_config config = {.processors = processors, .inline_agents = inline_agents};

	if (cpu_init(&config) || cpu_start())
		abort();
}

static unused_fn int start_1(void **state)
{
	machine_start_with(1, false);
	return 0;
}

static unused_fn int start_2(void **state)
{
	machine_start_with(2, false);
	return 0;
}

static unused_fn int stop(void **state)
{
	cpu_fini();
	return 0;
}

#define on_1(test) cmocka_unit_test_setup_teardown(test, start_1, stop)
#define on_2(test) cmocka_unit_test_setup_teardown(test, start_2, stop)

static unused_fn uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static unused_fn void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_nsec = ms * 1000000l};

	nanosleep(&time, NULL);
}

/* On the host: waits for a condition that other threads bring about; false after ten seconds. */
#define comes_true(condition)                                                                      \
	({                                                                                         \
		uint64_t limit_ = now_ns() + 10000 * MS;                                           \
		while (!(condition) && now_ns() < limit_)                                          \
			sleep_ms(1);                                                               \
		(condition);                                                                       \
	})

/* Runs fn in a kernel thread to its end. */
static unused_fn void run_on(unsigned cpu, void (*fn)(void *ctx), void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(fn, ctx, cpu, "test");

	assert_non_null(thread);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

/* In a child process: starts a machine of one processor and runs fn in a kernel thread. */
static unused_fn void child_on_processor(void (*fn)(void *ctx))
{
	machine_start_with(1, false);
	run_on(0, fn, NULL);
	cpu_fini();
}

/* Runs child(fn) in a child process; its stderr goes to text. Returns the wait status. */
static unused_fn int status_of(
	void (*child)(void (*)(void *)), void (*fn)(void *), char *text, size_t size)
{
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
		child(fn);
		_exit(0);
	}
	close(fds[1]);
	while (length < size - 1 && (got = read(fds[0], text + length, size - 1 - length)) > 0)
		length += got;
	text[length] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static unused_fn void assert_text_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* fn, in a kernel thread, must end the process with status 1 and a message of dryport's. */
static unused_fn void assert_dies(void (*fn)(void *ctx), const char *message)
{
	char text[4096];
	int status = status_of(child_on_processor, fn, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_text_has(text, "dryport: ");
	assert_text_has(text, message);
}

#endif
