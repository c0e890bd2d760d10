/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fibers: a stack each, and the switch between two of them on one host thread. Stacks are kept for
 * reuse and registered as memory of the machine, since a driver may describe a buffer on its stack
 * with an MDL. Below each lies a guard.
 */
#ifndef DRY_CPU_FIBER_H
#define DRY_CPU_FIBER_H

#include "util/common.h"

#define FIBER_STACK (256ull << 10)
#define FIBER_GUARD (64ull << 10)

struct fiber {
	void *sp;
	char *stack; /* lowest byte; in a host thread's own fiber only as far as a sanitizer tells
			it */
	size_t bytes;
	bool is_host;	       /* the host thread's own stack */
	void (*fn)(void *arg); /* never returns */
	void *arg;
	struct fiber *previous; /* who switched here */
	void *asan_stack, *tsan_fiber;
};

/* Makes a fiber that will call fn(arg) when it is switched to. 0, -ENOMEM, -ENOSPC (error_set). */
int fiber_init(struct fiber *fiber, void (*fn)(void *arg), void *arg);
/* Makes the calling host thread's own stack a fiber. */
void fiber_init_host(struct fiber *fiber);
/* Its stack goes back; the fiber is not running. */
void fiber_fini(struct fiber *fiber);
/* Unmaps the stacks that are kept. */
void fiber_stacks_fini(void);

/* Switches; returns when somebody switches back. is_last: nobody will. */
void fiber_switch(struct fiber *from, struct fiber *to, bool is_last);

/* Whether address lies in the guard below the fiber's stack. */
static inline bool fiber_is_guard(const struct fiber *fiber, uintptr_t address)
{
	return !fiber->is_host && fiber->stack &&
	       (uintptr_t)fiber->stack - address - 1 < FIBER_GUARD;
}

#endif
