/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The schedule `replay`: everything that runs, processors, agents and the host's own thread, takes
 * turns on one host thread. At each safepoint a generator, started from a seed, decides who goes on
 * and whether something pending is served now; time is virtual and moves with the safepoints, or
 * jumps when nobody has anything to do. So a run follows from its seed alone. Between safepoints
 * nothing else runs. Neighbours: every file of cpu/ asks replay_is_on where the two schedules
 * differ.
 */
#ifndef DRY_CPU_REPLAY_H
#define DRY_CPU_REPLAY_H

#include "cpu/processor.h"

/* Whoever can have the host thread: a processor, an agent, or the host's thread itself. */
struct replay_context {
	struct cpu_private *processor; /* NULL: an agent, or the host */
	struct cpu_agent *agent;
	struct fiber *fiber; /* of an agent, or of the host */
	bool is_blocked;     /* has nothing to do until it is given something */
	bool is_over;	     /* will never have anything to do again */
	uint64_t until;	     /* stalls till then; 0: does not */
	unsigned number;     /* in the trace: processors first, then agents; the host is last */
	struct replay_context *next;
};

void replay_init(uint64_t seed);
void replay_fini(void);
/* Takes part from now on; the context is the caller's and stays until replay_remove. */
void replay_add(struct replay_context *context);
void replay_remove(struct replay_context *context);

/* A safepoint of a processor: others may run, pending work may be served. */
void replay_safepoint(struct cpu *cpu);
/* The current context can do nothing useful until time `until` (0: until somebody else has run):
 * another runs, or time moves. */
void replay_relax(uint64_t until);
/* The current context has nothing to do until is_over(arg); others run. */
void replay_block(bool (*is_over)(void *arg), void *arg);

/* A kernel thread begins, or has been woken: the machine is not stuck. Under threads it does
 * nothing. */
void replay_alive(void);

/* The seed of this run, for messages. */
uint64_t replay_seed(void);
/* The machine's time, ns. */
uint64_t replay_clock(void);
/* A timer was armed for `due`. */
void replay_expect(uint64_t due);

/* agent.c: whether it has been kicked, or is in the middle of a step. */
bool agent_has_work(const struct cpu_agent *agent);

#endif
