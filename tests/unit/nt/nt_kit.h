/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the tests of nt/ share: a machine of memory and processors, an ear for violations, and
 * kernel threads that check. Such a thread must not leave by cmocka's longjmp, so it notes the
 * first thing that is wrong (CHECK) and the host thread asserts. A test that expects no violation
 * fails on any.
 */
#ifndef TEST_NT_KIT_H
#define TEST_NT_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define unused_fn __attribute__((unused))
#define TAG	  0x31676154u /* "Tag1" in memory */

/* ---- checks that may be made anywhere ---- */

static char check_text[512];
static _Atomic int check_failed;

static unused_fn bool check_note(bool good, const char *what, int line)
{
	if (!good && !atomic_exchange(&check_failed, 1))
		snprintf(check_text, sizeof(check_text), "line %d: %s", line, what);
	return good;
}

#include "../ddi_expect.h"

#define CHECK(condition) check_note(ddi_seen_true(#condition, !!(condition)), #condition, __LINE__)
#define CHECK_EQUAL(a, b)                                                                          \
	({                                                                                         \
		uint64_t a_ = ddi_seen(#a, (uint64_t)(a)), b_ = (uint64_t)(b);                     \
		char text_[200];                                                                   \
		if (a_ != b_)                                                                      \
			snprintf(text_, sizeof(text_), "%s is %#llx, not %s = %#llx", #a,          \
				(unsigned long long)a_, #b, (unsigned long long)b_);               \
		a_ == b_ || check_note(false, text_, __LINE__);                                    \
	})

/* ---- violations ---- */

static struct {
	pthread_mutex_t lock;
	unsigned heard, taken;
	struct {
		uint64_t number;
		char text[300];
	} list[32];
} violations = {.lock = PTHREAD_MUTEX_INITIALIZER};

static unused_fn void violation_hear(void *ctx, const struct trace_event *event)
{
	unsigned i;

	pthread_mutex_lock(&violations.lock);
	i = violations.heard++ % array_size(violations.list);
	violations.list[i].number = event->arg[1];
	snprintf(violations.list[i].text, sizeof(violations.list[i].text), "%s",
		(const char *)event->arg[0]);
	pthread_mutex_unlock(&violations.lock);
}

/* Takes the oldest violation; it must have this number and this part in its text. */
static unused_fn bool violation_take(uint64_t number, const char *part, int line)
{
	char text[400];
	bool good = false;

	pthread_mutex_lock(&violations.lock);
	if (violations.taken == violations.heard) {
		snprintf(text, sizeof(text), "no violation %llx \"%s\"", (unsigned long long)number,
			part);
	} else {
		unsigned i = violations.taken++ % array_size(violations.list);

		good = violations.list[i].number == number && strstr(violations.list[i].text, part);
		snprintf(text, sizeof(text), "violation %llx \"%.180s\", not %llx \"%s\"",
			(unsigned long long)violations.list[i].number, violations.list[i].text,
			(unsigned long long)number, part);
	}
	pthread_mutex_unlock(&violations.lock);
	return check_note(good, text, line);
}

#define CHECK_VIOLATION(number, part) violation_take(number, part, __LINE__)
#define CHECK_NO_VIOLATION()	      CHECK(violations.taken == violations.heard)

/* ---- the machine ---- */

static unused_fn void machine_start(unsigned processors, enum mem_policy policy)
{
	const struct mem_config mem = {.policy = policy, .size = 128ull << 20, .seed = 7};
	const struct cpu_config cpu = {.processors = processors};
	const struct nt_config nt = {.debug_level = 3, .fill = true};

	violations.heard = violations.taken = 0;
	check_failed = 0;
	trace_subscribe(1ull << TRACE_VIOLATION, violation_hear, NULL);
	if (mem_init(&mem) || cpu_init(&cpu) || nt_init(&nt) || cpu_start())
		abort();
}

/* What is left in pool at the end is a violation like any other. */
static unused_fn void machine_stop(void)
{
	uint64_t left = nt_fini(), pages;

	cpu_fini();
	pages = mem_fini();
	trace_unsubscribe(violation_hear, NULL);
	if (check_failed)
		fail_msg("%s", check_text);
	if (violations.taken != violations.heard)
		fail_msg("violation %llx \"%s\"",
			(unsigned long long)violations
				.list[violations.taken % array_size(violations.list)]
				.number,
			violations.list[violations.taken % array_size(violations.list)].text);
	assert_int_equal(left, 0);
	assert_int_equal(pages, 0);
}

/* Runs fn in a kernel thread of a processor to its end. */
static unused_fn void run_on(unsigned cpu, void (*fn)(void *ctx), void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(fn, ctx, cpu, "test");

	if (!thread)
		abort();
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

/* A test whose body runs in a kernel thread on processor 0 of a machine. */
#define NT_TEST_ON(name, processors)                                                               \
	static void name##_body(void *ctx);                                                        \
	static void name(void **state)                                                             \
	{                                                                                          \
		machine_start(processors, MEM_SCATTERED);                                          \
		run_on(0, name##_body, NULL);                                                      \
		machine_stop();                                                                    \
	}                                                                                          \
	static void name##_body(void *ctx)
#define NT_TEST(name) NT_TEST_ON(name, 1)

/* ---- short words for waits; all times are ms ---- */

static unused_fn LARGE_INTEGER in_ms(int64_t ms)
{
	return (LARGE_INTEGER){.QuadPart = -ms * 10000};
}

static unused_fn NTSTATUS wait_for(void *object)
{
	return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static unused_fn NTSTATUS wait_ms(void *object, int64_t ms)
{
	LARGE_INTEGER time = in_ms(ms);

	return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &time);
}

/* Whether the object is to be had at once; takes it then. */
static unused_fn bool is_there(void *object)
{
	return wait_ms(object, 0) == STATUS_SUCCESS;
}

static unused_fn void pass_ms(int64_t ms)
{
	LARGE_INTEGER time = in_ms(ms);

	KeDelayExecutionThread(KernelMode, FALSE, &time);
}

/* In a kernel thread: waits until others have made the condition true; false after ten seconds. */
#define comes_true(condition)                                                                      \
	({                                                                                         \
		unsigned left_ = 10000;                                                            \
		while (!(condition) && left_--)                                                    \
			pass_ms(1);                                                                \
		(condition);                                                                       \
	})

/* ---- the end of the process ---- */

/* fn, in a kernel thread of a machine in a child process; what it writes to stderr goes to text. */
static unused_fn int child_status(void (*fn)(void *ctx), char *text, size_t size)
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
		machine_start(1, MEM_SCATTERED);
		run_on(0, fn, NULL);
		_exit(0);
	}
	close(fds[1]);
	while (length < size - 1 && (got = read(fds[0], text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* fn ends the process with status 1 and this message. */
static unused_fn void assert_dies(void (*fn)(void *ctx), const char *message)
{
	static char text[8192];
	int status = child_status(fn, text, sizeof(text));

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || !strstr(text, message))
		fail_msg("status %x, and \"%s\" is not in \"%s\"", status, message, text);
}

/* fn calls a routine, which raises this status; nobody catches it. */
static unused_fn void assert_raises(const char *routine, NTSTATUS raised, void (*fn)(void *ctx))
{
	char message[16];

	snprintf(message, sizeof(message), "0x%08X", (unsigned)raised);
	assert_dies(fn, message);
	ddi_record_number(routine, (uint32_t)raised);
}

#endif
