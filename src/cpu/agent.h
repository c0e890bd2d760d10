/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Inside an agent: agent.c, which makes and ends them and runs those that have a host thread or a
 * fiber, and agent_step.c, which steps the inline ones.
 */
#ifndef DRY_CPU_AGENT_H
#define DRY_CPU_AGENT_H

#include "cpu/replay.h"
#include "util/sanitizer.h"

/* IDLE: nothing to do, on its way to sleep. KICKED: to be stepped (again). Inline: BUSY inside a
 * step that is not the owner's own; HANDED: kicked, by who may not know yet whose step follows.
 */
enum { IDLE, KICKED, SLEEPING, STOPPING, BUSY, BUSY_KICKED, HANDED };

/* What the owner of an inline agent is at with it: inside a step, and kicked meanwhile by itself;
 * about to look whether others want another. */
enum { NEAR_AWAY, NEAR_IN, NEAR_AGAIN, NEAR_LEAVING };

struct cpu_agent {
	struct cpu_agent_head head; /* is_inline, and which processors hold it */
	void (*step)(void *ctx);
	void *ctx;
	_Atomic uint32_t state; /* futex */
	_Atomic uint8_t near;
	_Atomic uint8_t owner; /* a processor's number + 1; 0: nobody; or DISOWNED */
	uint8_t home;	       /* the only one that may own it, likewise; 0: none was found yet */
	uint8_t last;	       /* who has made the last steps that were claimed */
	uint32_t streak;       /* how many */
	_Atomic uint32_t streak_enough; /* to be the owner */
	_Atomic bool is_stopping;
	bool has_thread, has_fiber;
	bool is_stepping; /* under replay */
	struct fiber fiber;
	struct replay_context context;
	pthread_t thread;
	struct host_spin spin;
	struct cpu_agent *next;
	char name[16];
};

#define AGENT_STREAK 256u /* steps that make an owner, at first */

/* agent_step.c: one step; the caller sees to it that there is no other. */
void agent_step_watched(struct cpu_agent *agent);

static inline void agent_step(struct cpu_agent *agent)
{
	if (unlikely(sanitizer.ignore_begin != NULL))
		agent_step_watched(agent);
	else
		agent->step(agent->ctx);
}

#endif
