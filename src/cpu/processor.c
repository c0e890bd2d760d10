/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The processors' life: the idle fiber and, under the schedule `threads`, the host thread of each,
 * its sleep and wake-up (cpu.h, processor.h).
 */
#include "cpu/replay.h"
#include "trace/trace.h"
#include "util/error.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A poll function that finds nothing lets other host threads have the core after so many rounds. */
#define POLL_ROUNDS 1024

static struct cpu_private *processors;
static unsigned processor_count;
static bool is_started;
static struct replay_context *contexts; /* of the processors, under replay */
static struct fault_stack fault_stack;	/* of the host thread that replays */

/* who runs which processor */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_ended = PTHREAD_COND_INITIALIZER;

unsigned cpu_count(void)
{
	return processor_count;
}

struct cpu_private *cpu_private_get(unsigned number)
{
	return likely(number < processor_count) ? &processors[number] : NULL;
}

struct cpu *cpu_get(unsigned number)
{
	return number < processor_count ? &processors[number].cpu : NULL;
}

struct cpu_private *cpu_private_target(unsigned number)
{
	if (number == CPU_HERE)
		return cpu_self ? cpu_self->priv : cpu_private_get(0);
	return cpu_private_get(number);
}

static void locate(uint8_t *processor, uint8_t *irql)
{
	if (!cpu_self)
		return;
	*processor = cpu_self->number;
	*irql = cpu_self->irql;
}

bool cpu_is_near_quick, cpu_has_near;

void cpu_far_barrier(void)
{
	if (cpu_is_near_quick && !cpu_self)
		host_barrier_all();
}

static bool is_about(const void *place)
{
	for (unsigned n = 0; n < processor_count; n++)
		if (atomic_load_explicit(&processors[n].cpu.about, memory_order_acquire) == place)
			return true;
	return false;
}

void cpu_about_wait(const void *place)
{
	unsigned tries = 0;

	/* a machine's only processor is not about anything while it calls this */
	if (cpu_has_near && !(cpu_self && cpu_self->alone))
		host_barrier_all();
	while (is_about(place))
		host_pause_for_thread(&tries);
}

static bool has_work(void *arg)
{
	struct cpu_private *p = arg;

	return atomic_load_explicit(&p->waiting, memory_order_relaxed) ||
	       atomic_load_explicit(&p->ready_count, memory_order_relaxed) ||
	       atomic_load_explicit(&p->is_stopping, memory_order_relaxed) ||
	       atomic_load_explicit(&p->is_wanted, memory_order_relaxed);
}

static void idle_sleep(struct cpu_private *p)
{
	bool sleeps;

	if (replay_is_on) {
		replay_block(has_work, p);
		return;
	}
	if (host_spin(&p->spin, has_work, p))
		return;
	host_lock_acquire(&p->lock);
	sleeps = !has_work(p);
	if (sleeps)
		atomic_store_explicit(&p->sleeping, 1, memory_order_relaxed);
	host_lock_release(&p->lock);
	if (!sleeps)
		return;
	host_awake_add(-1);
	while (atomic_load_explicit(&p->sleeping, memory_order_relaxed))
		host_futex_wait(&p->sleeping, 1, HOST_NEVER);
	host_awake_add(1);
}

static bool never(void *arg)
{
	return false;
}

/* Back to the host thread, until it runs the processor again. */
static void idle_leave(struct cpu_private *p)
{
	p->poll = NULL;
	if (replay_is_on) {
		contexts[p->cpu.number].is_over = true;
		replay_block(never, NULL);
	}
	fiber_switch(&p->idle, &p->host, false);
}

static void idle_poll(struct cpu_private *p)
{
	if (!p->poll(p->poll_arg))
		idle_leave(p);
	else if (++p->polls % POLL_ROUNDS == 0)
		sched_yield();
}

static void idle_main(void *arg)
{
	struct cpu_private *p = arg;

	for (;;) {
		cpu_poll_own();
		if (p->poll)
			idle_poll(p);
		else if (unlikely(atomic_load_explicit(&p->is_wanted, memory_order_relaxed)))
			idle_leave(p);
		if (cpu_thread_run_next(p))
			continue;
		if (atomic_load_explicit(&p->waiting, memory_order_relaxed))
			continue;
		if (atomic_load_explicit(&p->is_stopping, memory_order_relaxed))
			idle_leave(p);
		else if (!p->poll)
			idle_sleep(p);
	}
}

/* The calling host thread is the processor until its idle fiber leaves. */
static void processor_run(struct cpu_private *p, bool (*poll)(void *arg), void *arg)
{
	struct fault_stack stack;

	cpu_fault_enter(&stack);
	host_awake_add(1);
	cpu_become(&p->cpu);
	p->poll = poll;
	p->poll_arg = arg;
	fiber_init_host(&p->host);
	fiber_switch(&p->host, &p->idle, false);
	cpu_become(NULL);
	host_awake_add(-1);
	cpu_fault_leave(&stack);
}

/* Its own host thread: is it whenever no guest is, and at the end. */
static void *processor_main(void *arg)
{
	struct cpu_private *p = arg;

	pthread_mutex_lock(&lock);
	do {
		while (p->has_guest)
			pthread_cond_wait(&turn_ended, &lock);
		p->is_running = true;
		pthread_mutex_unlock(&lock);
		processor_run(p, NULL, NULL);
		pthread_mutex_lock(&lock);
		p->is_running = false;
		pthread_cond_broadcast(&turn_ended);
	} while (!atomic_load_explicit(&p->is_stopping, memory_order_relaxed));
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int processor_init(struct cpu_private *p, unsigned number, bool is_alone)
{
	int err;

	p->cpu.number = number;
	p->cpu.alone = is_alone;
	p->cpu.spin_mark = CPU_SPIN_MARK(number);
	p->cpu.priv = p;
	err = fiber_init(&p->idle, idle_main, p);
	if (err || !replay_is_on)
		return err;
	p->pending_always = 0x80;
	waiting_update(p, 0, 0);
	contexts[number].processor = p;
	replay_add(&contexts[number]);
	return 0;
}

static int schedule_init(const struct cpu_config *config)
{
	if (!config->replay)
		return 0;
	contexts = calloc(config->processors, sizeof(*contexts));
	if (!contexts)
		return error_set(ENOMEM, "no memory for %u processors", config->processors);
	replay_init(config->seed);
	cpu_fault_enter(&fault_stack);
	return 0;
}

static void schedule_fini(void)
{
	if (!replay_is_on)
		return;
	cpu_fault_leave(&fault_stack);
	replay_fini();
	free(contexts);
	contexts = NULL;
}

int cpu_init(const struct cpu_config *config)
{
	size_t bytes = config->processors * sizeof(*processors);
	int err;

	if (processors)
		return error_set(EBUSY, "a machine is live in this process already");
	if (!config->processors || config->processors > CPU_MAX)
		return error_set(
			EINVAL, "%u processors: must be 1 to %d", config->processors, CPU_MAX);
	sanitizer_init();
	processors = aligned_alloc(_Alignof(struct cpu_private), bytes);
	if (!processors)
		return error_set(ENOMEM, "no memory for %u processors", config->processors);
	memset(processors, 0, bytes);
	cpu_agent_init(config->inline_agents);
	cpu_clock_init();
	err = cpu_timer_init(config->processors);
	if (!err)
		err = schedule_init(config);
	cpu_inner_locks = config->processors > 1 || replay_is_on;
	host_barrier_init(!replay_is_on);
	cpu_has_near = !replay_is_on && !host_barrier_is_dear;
	cpu_is_near_quick = !cpu_inner_locks && cpu_has_near;
	for (unsigned i = 0; i < config->processors && !err; i++) {
		err = processor_init(&processors[i], i, config->processors == 1);
		processor_count = i + !err;
	}
	trace_locate = locate;
	if (err)
		cpu_fini();
	return err;
}

static int claim(unsigned number, bool is_lent)
{
	struct cpu_private *p = cpu_private_get(number);

	if (!p)
		return error_set(EINVAL, "no processor %u", number);
	if (replay_is_on)
		return error_set(EINVAL, "a replayed machine has no processor for a host thread");
	if (is_started || p->is_claimed || p->is_lent)
		return error_set(EBUSY, "processor %u has a host thread already", number);
	p->is_claimed = !is_lent;
	p->is_lent = is_lent;
	return 0;
}

int cpu_claim(unsigned number)
{
	return claim(number, false);
}

int cpu_lend(unsigned number)
{
	return claim(number, true);
}

int cpu_start(void)
{
	int err = cpu_clock_start();

	is_started = true;
	for (unsigned i = 0; i < processor_count && !err && !replay_is_on; i++) {
		struct cpu_private *p = &processors[i];
		char name[24];

		if (p->is_claimed)
			continue;
		snprintf(name, sizeof(name), "dryport-cpu%u", i);
		err = host_thread_start(&p->host_thread, processor_main, p, name);
		p->has_host_thread = !err;
	}
	if (err)
		error_set(-err, "a processor's host thread cannot start: %s", strerror(-err));
	return err;
}

/* Its own host thread, if it has one, leaves it when the idle fiber has its turn. */
static void want(struct cpu_private *p)
{
	host_lock_acquire(&p->lock);
	atomic_store_explicit(&p->is_wanted, true, memory_order_relaxed);
	release_and_wake(p);
	while (p->is_running)
		pthread_cond_wait(&turn_ended, &lock);
	atomic_store_explicit(&p->is_wanted, false, memory_order_relaxed);
}

/* False: it is not the caller's to run. */
static bool guest_enter(struct cpu_private *p)
{
	bool may_enter;

	pthread_mutex_lock(&lock);
	may_enter = !cpu_self && (p->is_claimed || p->is_lent) && !p->has_guest;
	if (may_enter) {
		p->has_guest = true;
		want(p);
		p->is_running = true;
	}
	pthread_mutex_unlock(&lock);
	return may_enter;
}

static void guest_leave(struct cpu_private *p)
{
	pthread_mutex_lock(&lock);
	p->is_running = p->has_guest = false;
	pthread_cond_broadcast(&turn_ended);
	pthread_mutex_unlock(&lock);
}

int cpu_run(unsigned number, bool (*poll)(void *arg), void *arg)
{
	struct cpu_private *p = cpu_private_get(number);

	if (!p)
		return error_set(EINVAL, "no processor %u", number);
	if (!guest_enter(p))
		return error_set(EBUSY, "processor %u is not this host thread's to run", number);
	processor_run(p, poll, arg);
	guest_leave(p);
	return 0;
}

static void processor_stop(struct cpu_private *p)
{
	host_lock_acquire(&p->lock);
	atomic_store_explicit(&p->is_stopping, true, memory_order_relaxed);
	release_and_wake(p);
}

/* ---- a crash ---- */

static _Atomic uint32_t halted; /* processors */

void cpu_halt(void)
{
	static _Atomic uint32_t always;

	/* nobody waits for what never comes */
	cpu_hands_show();
	atomic_fetch_add(&halted, 1);
	if (replay_is_on) {
		contexts[cpu_self->number].is_over = true;
		replay_block(never, NULL);
	}
	for (;;)
		host_futex_wait(&always, 0, HOST_NEVER);
}

static bool halt_service(struct cpu_interrupt *interrupt)
{
	cpu_halt();
}

bool cpu_halt_others(void)
{
	static struct cpu_interrupt stops[CPU_MAX];
	uint64_t end = cpu_clock() + 1000000000;

	for (unsigned i = 0; i < processor_count; i++) {
		stops[i] = (struct cpu_interrupt){
			.irql = IRQL_HIGH, .cpu = (uint8_t)i, .service = halt_service};
		if (i != cpu_self->number)
			cpu_interrupt_raise(&stops[i]);
	}
	while (atomic_load(&halted) < processor_count - 1) {
		if (cpu_clock() >= end)
			return false;
		cpu_relax();
	}
	return true;
}

/* ---- the end ---- */

static bool all_are_over(void *arg)
{
	for (unsigned i = 0; i < processor_count; i++)
		if (!contexts[i].is_over)
			return false;
	return true;
}

static void processor_await(struct cpu_private *p)
{
	pthread_mutex_lock(&lock);
	while (p->has_guest)
		pthread_cond_wait(&turn_ended, &lock);
	pthread_mutex_unlock(&lock);
	if (p->has_host_thread)
		pthread_join(p->host_thread, NULL);
	else if (p->is_claimed && is_started) /* what was queued to it while nobody ran it */
		processor_run(p, NULL, NULL);
}

void cpu_fini(void)
{
	if (cpu_self)
		cpu_die("a processor cannot end its own machine");
	for (unsigned i = 0; i < processor_count; i++)
		processor_stop(&processors[i]);
	cpu_host_drive(all_are_over, NULL);
	for (unsigned i = 0; i < processor_count && !replay_is_on; i++)
		processor_await(&processors[i]);
	cpu_agent_fini();
	cpu_clock_stop();
	cpu_timer_fini();
	schedule_fini();
	for (unsigned i = 0; i < processor_count; i++)
		fiber_fini(&processors[i].idle);
	fiber_stacks_fini();
	trace_locate = NULL;
	free(processors);
	processors = NULL;
	processor_count = 0;
	is_started = false;
}
