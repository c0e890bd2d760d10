/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Agents: device models that run beside the processors, or inside the kick (cpu.h). Under replay
 * each is a fiber that takes its turns. Beside: agent_step.c, the steps inside the kick.
 */
#include "cpu/agent.h"

#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cpu_agent *agents; /* those with a host thread or a fiber */
static bool makes_inline;

static bool agent_is_wanted(void *arg)
{
	struct cpu_agent *agent = arg;

	return atomic_load_explicit(&agent->state, memory_order_relaxed) != IDLE;
}

static void agent_wait(struct cpu_agent *agent)
{
	uint32_t idle = IDLE;

	if (host_spin(&agent->spin, agent_is_wanted, agent))
		return;
	if (!atomic_compare_exchange_strong(&agent->state, &idle, SLEEPING))
		return;
	host_awake_add(-1);
	while (atomic_load(&agent->state) == SLEEPING)
		host_futex_wait(&agent->state, SLEEPING, HOST_NEVER);
	host_awake_add(1);
}

static void *agent_main(void *arg)
{
	struct cpu_agent *agent = arg;
	struct fault_stack stack;

	cpu_fault_enter(&stack);
	host_awake_add(1);
	while (!atomic_load(&agent->is_stopping)) {
		uint32_t state = atomic_exchange(&agent->state, IDLE);

		if (state == KICKED)
			agent_step(agent);
		else if (state != STOPPING) /* which came after the look at is_stopping */
			agent_wait(agent);
	}
	host_awake_add(-1);
	cpu_fault_leave(&stack);
	return NULL;
}

/* ---- under replay ---- */

bool agent_has_work(const struct cpu_agent *agent)
{
	return agent->is_stepping || atomic_load(&agent->state) == KICKED;
}

static bool agent_is_kicked(void *arg)
{
	return agent_has_work(arg);
}

static bool agent_is_quiet(void *arg)
{
	return !((struct cpu_agent *)arg)->is_stepping;
}

static void agent_turns(void *arg)
{
	struct cpu_agent *agent = arg;

	for (;;) {
		replay_block(agent_is_kicked, agent);
		atomic_store(&agent->state, IDLE);
		agent->is_stepping = true;
		agent_step(agent);
		agent->is_stepping = false;
	}
}

static int agent_fiber_init(struct cpu_agent *agent)
{
	int err = fiber_init(&agent->fiber, agent_turns, agent);

	if (err)
		return err;
	agent->context.agent = agent;
	agent->context.fiber = &agent->fiber;
	replay_add(&agent->context);
	agent->has_fiber = true;
	return 0;
}

/* ---- life ---- */

struct cpu_agent *cpu_agent_new_inline(void (*step)(void *ctx), void *ctx)
{
	struct cpu_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->step = step;
	agent->ctx = ctx;
	agent->head.is_inline = true;
	atomic_init(&agent->streak_enough, AGENT_STREAK);
	/* of a machine of one processor it is that one's for ever */
	agent->home = cpu_is_near_quick;
	atomic_init(&agent->owner, agent->home);
	return agent;
}

struct cpu_agent *cpu_agent_new(void (*step)(void *ctx), void *ctx, const char *name)
{
	struct cpu_agent *agent = cpu_agent_new_inline(step, ctx);

	if (!agent || makes_inline)
		return agent;
	agent->head.is_inline = false;
	snprintf(agent->name, sizeof(agent->name), "%s", name);
	if (replay_is_on ? agent_fiber_init(agent)
			 : host_thread_start(&agent->thread, agent_main, agent, agent->name)) {
		free(agent);
		return NULL;
	}
	agent->has_thread = !agent->has_fiber;
	pthread_mutex_lock(&lock);
	agent->next = agents;
	agents = agent;
	pthread_mutex_unlock(&lock);
	return agent;
}

static void agent_unlink(struct cpu_agent *agent)
{
	struct cpu_agent **link = &agents;

	pthread_mutex_lock(&lock);
	while (*link && *link != agent)
		link = &(*link)->next;
	if (*link)
		*link = agent->next;
	pthread_mutex_unlock(&lock);
}

static void agent_stop(struct cpu_agent *agent)
{
	if (!agent->has_thread && !agent->has_fiber)
		return;
	agent_unlink(agent);
	if (agent->has_fiber) {
		cpu_host_drive(agent_is_quiet, agent);
		replay_remove(&agent->context);
		fiber_fini(&agent->fiber);
		agent->has_fiber = false;
		return;
	}
	atomic_store(&agent->is_stopping, true);
	if (atomic_exchange(&agent->state, STOPPING) == SLEEPING)
		host_futex_wake(&agent->state, 1);
	pthread_join(agent->thread, NULL);
	agent->has_thread = false;
}

static bool is_held(const struct cpu_agent *agent)
{
	for (unsigned n = 0; n < CPU_MAX; n++)
		if (atomic_load_explicit(&agent->head.of[n], memory_order_acquire))
			return true;
	return false;
}

void cpu_agent_free(struct cpu_agent *agent)
{
	if (!agent)
		return;
	agent_stop(agent);
	/* what was held is BUSY, or the owner in its step, before it is not */
	while (is_held(agent) || atomic_load(&agent->near) || atomic_load(&agent->state) >= BUSY)
		cpu_relax();
	free(agent);
}

void cpu_agent_init(bool is_inline)
{
	makes_inline = is_inline;
}

void cpu_agent_fini(void)
{
	/* their owners free them, perhaps after the machine */
	while (agents)
		agent_stop(agents);
}
