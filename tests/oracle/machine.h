/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A machine without devices for programs that are no unit tests: the oracle's cases, the fuzz
 * targets. One processor, which the calling thread is while machine_do runs. Neighbour:
 * tests/unit/dma/world.h, the same for unit tests.
 */
#ifndef DRY_TESTS_ORACLE_MACHINE_H
#define DRY_TESTS_ORACLE_MACHINE_H

#include <stdio.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "dma/dma.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

struct machine_job {
	void (*body)(void *arg);
	void *arg;
};

static inline void machine_must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s failed: %s\n", what, error_text());
	abort();
}

static bool machine_poll(void *arg)
{
	const struct machine_job *job = arg;

	job->body(job->arg);
	return false;
}

/* Everything below the DMA layer. */
static __attribute__((unused)) void machine_begin(enum mem_policy policy, uint64_t bytes)
{
	const struct mem_config memory = {.policy = policy, .size = bytes, .seed = 11};
	const struct cpu_config processors = {.processors = 1, .inline_agents = true};
	const struct nt_config kernel = {.debug_level = -1};

	machine_must(mem_init(&memory), "mem_init");
	machine_must(cpu_init(&processors), "cpu_init");
	machine_must(nt_init(&kernel), "nt_init");
	machine_must(cpu_claim(0), "cpu_claim");
	machine_must(cpu_start(), "cpu_start");
}

/* Runs body as processor 0 at PASSIVE_LEVEL. */
static __attribute__((unused)) void machine_do(void (*body)(void *arg), void *arg)
{
	struct machine_job job = {body, arg};

	machine_must(cpu_run(0, machine_poll, &job), "cpu_run");
}

static __attribute__((unused)) void machine_end(void)
{
	machine_must((int)nt_fini(), "nt_fini: pool blocks are left");
	cpu_fini();
	machine_must((int)mem_fini(), "mem_fini: pages are left");
}

#endif
