/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the tests of bus/ and hw/ share: a machine with RAM, a bus and one processor, which is the
 * test itself (device models run inside the register write that wakes them), and an ear for
 * violations.
 */
#ifndef TEST_ONE_PROCESSOR_H
#define TEST_ONE_PROCESSOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "bus/bus.h"
#include "mem/mem.h"
#include "trace/trace.h"
#include "util/error.h"

/* ---- violations ---- */

static struct {
	unsigned count;
	uint64_t number;
	char text[256];
} violation;

static inline void violation_hear(void *ctx, const struct trace_event *event)
{
	violation.count++;
	violation.number = event->arg[1];
	snprintf(violation.text, sizeof(violation.text), "%s", (const char *)event->arg[0]);
}

static inline void assert_violation(const char *part)
{
	if (violation.count != 1 || !strstr(violation.text, part))
		fail_msg("%u violations, last \"%s\"; one with \"%s\" is due", violation.count,
			violation.text, part);
	violation.count = 0;
}

/* ---- the machine ---- */

static inline int machine_setup_as(bool inline_agents)
{
	const struct mem_config mem = {.policy = MEM_SCATTERED, .size = 16 << 20, .seed = 1};
	const struct cpu_config cpu = {.processors = 1, .inline_agents = inline_agents};

	memset(&violation, 0, sizeof(violation));
	trace_subscribe(1ull << TRACE_VIOLATION, violation_hear, NULL);
	if (mem_init(&mem) || cpu_init(&cpu) || cpu_claim(0) || cpu_start() || bus_init()) {
		fprintf(stderr, "%s\n", error_text());
		return -1;
	}
	return 0;
}

static inline int machine_setup(void **state)
{
	return machine_setup_as(true);
}

/* Device models run on host threads of their own. */
static inline int machine_setup_beside(void **state)
{
	return machine_setup_as(false);
}

/* The processor runs a body, or a failed assertion has jumped out of one. */
static bool processor_is_busy;

static inline int machine_teardown(void **state)
{
	if (processor_is_busy)
		return -1; /* nothing can be ended any more: the tests that follow fail too */
	bus_fini();
	cpu_fini();
	mem_fini();
	trace_unsubscribe(violation_hear, NULL);
	return 0;
}

static void (*processor_body)(void);

static inline bool processor_poll(void *arg)
{
	processor_body();
	processor_is_busy = false;
	return false;
}

/* Runs body as processor 0, at PASSIVE. */
static inline void on_processor(void (*body)(void))
{
	processor_body = body;
	processor_is_busy = true;
	assert_int_equal(cpu_run(0, processor_poll, NULL), 0);
}

#define machine_test(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
#define machine_test_beside(name)                                                                  \
	cmocka_unit_test_setup_teardown(name, machine_setup_beside, machine_teardown)

#endif
