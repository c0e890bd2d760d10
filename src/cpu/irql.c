/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * IRQL and safepoints: what waits at a higher IRQL than the current one runs here, nested.
 */
#include "cpu/replay.h"

#include <sched.h>

/* A spinning processor lets other host threads have its core every so often. */
#define RELAX_ROUNDS 64
#define STALL_SHARE  16 /* so many times as long as it yielded */

/* What cpu_here is where there is no processor: who takes it for one and writes it crashes. */
static const struct cpu nowhere = {.pending_irql = UINT8_MAX};
#define NOWHERE ((struct cpu *)&nowhere)

__thread struct cpu *cpu_self __attribute__((tls_model("initial-exec")));
__thread struct cpu *cpu_here __attribute__((tls_model("initial-exec"))) = NOWHERE;

void cpu_become(struct cpu *cpu)
{
	cpu_self = cpu;
	cpu_here = cpu ? cpu : NOWHERE;
}

void cpu_serve_own(struct cpu *cpu)
{
	if (unlikely(replay_is_on)) {
		replay_safepoint(cpu);
		return;
	}
	for (;;) {
		uint8_t pending = atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed);

		if (pending <= cpu->irql)
			return;
		if (pending >= IRQL_DEVICE_MIN)
			cpu_interrupt_serve(cpu->priv);
		else if (pending == IRQL_DISPATCH)
			cpu_dpc_serve(cpu->priv);
		else
			cpu_thread_yield();
	}
}

border_call void cpu_serve(struct cpu *cpu)
{
	cpu_serve_own(cpu);
}

static border_call __attribute__((cold, noinline, noreturn)) void die_changing(
	const char *what, uint8_t irql)
{
	struct cpu *cpu = cpu_self;

	if (!cpu)
		cpu_die("IRQL changed (%s) on a host thread that is no processor", what);
	cpu_die("%s to IRQL %u on processor %u, which runs at IRQL %u", what, irql, cpu->number,
		cpu->irql);
}

border_call uint8_t cpu_irql_raise_slow(uint8_t irql)
{
	struct cpu *cpu = cpu_self;
	uint8_t before;

	cpu_poll();
	if (unlikely(!cpu || irql < cpu->irql || irql > IRQL_HIGH))
		die_changing("raise", irql);
	before = cpu->irql;
	cpu->irql = irql;
	return before;
}

border_call void cpu_irql_lower_slow(uint8_t irql)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu || irql > cpu->irql))
		die_changing("lower", irql);
	cpu->irql = irql;
	cpu_poll();
}

/* Who stalls takes its share of a busy host processor: a driver counts its stalls, and five seconds
 * of them would be minutes if each gave up what is left of a time slice. */
static void host_share(bool is_stall)
{
	static __thread uint64_t not_before;
	uint64_t before = host_clock(), after;

	if (is_stall && before < not_before)
		return;
	sched_yield();
	after = host_clock();
	not_before = after + STALL_SHARE * (after - before);
}

void cpu_hands_show(void)
{
	struct cpu_private *p = cpu_private_self();

	if (p)
		cpu_hands_close(p);
}

static void relax(bool is_stall)
{
	static __thread unsigned rounds;
	struct cpu_private *p = cpu_private_self();

	if (replay_is_on) {
		replay_relax(0);
		return;
	}
	cpu_agent_settle();
	cpu_hands_show();
	cpu_poll();
	host_pause();
	if (++rounds % RELAX_ROUNDS == 0)
		host_share(is_stall);
	if (p && p->cpu.irql == IRQL_PASSIVE &&
		(atomic_load_explicit(&p->ready_count, memory_order_relaxed) || idle_has_turns(p)))
		cpu_thread_yield();
}

void cpu_relax(void)
{
	relax(false);
}

void cpu_relax_in_stall(void)
{
	relax(true);
}
