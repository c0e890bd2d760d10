/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Faults (cpu.h). In order: a range that somebody handles; a host thread that is no processor,
 * whose fault is the host program's; else the machine crashed: report, then a sanitizer's report if
 * its runtime is here, then the end.
 */
#include "cpu/processor.h"
#include "util/error.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define RANGES_MAX   64
#define STACK_BYTES  (128ull << 10)
#define STACK_ENOUGH (64ull << 10)

struct range {
	_Atomic uintptr_t base; /* 0: free */
	uintptr_t size;
	cpu_fault_fn *handle;
	void *owner;
};

static const struct {
	int signal;
	const char *name;
} kinds[] = {
	{SIGSEGV, "invalid memory access"},
	{SIGBUS, "bus error"},
	{SIGILL, "illegal instruction"},
	{SIGFPE, "arithmetic fault"},
	{SIGABRT, "abort"},
};

cpu_crash_fn *cpu_crash_report;
cpu_fault_fn *cpu_fault_privileged;

static struct range ranges[RANGES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before[array_size(kinds)];
static bool is_installed;
static _Atomic bool is_crashing;

_Static_assert(sizeof(stack_t) <= sizeof(((struct fault_stack *)0)->before), "room for a stack_t");

int cpu_fault_range(uintptr_t base, uintptr_t size, cpu_fault_fn *handle, void *owner)
{
	int err = -ENOSPC;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < RANGES_MAX && err; i++) {
		if (atomic_load_explicit(&ranges[i].base, memory_order_relaxed))
			continue;
		ranges[i].size = size;
		ranges[i].handle = handle;
		ranges[i].owner = owner;
		atomic_store_explicit(&ranges[i].base, base, memory_order_release);
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	return err ? error_set(ENOSPC, "more than %d ranges of faults", RANGES_MAX) : 0;
}

void cpu_fault_range_remove(uintptr_t base)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < RANGES_MAX; i++) {
		if (atomic_load_explicit(&ranges[i].base, memory_order_relaxed) == base)
			atomic_store_explicit(&ranges[i].base, 0, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
}

static bool range_handle(uintptr_t address, uintptr_t pc, void *context)
{
	bool is_handled = false;

	for (int i = 0; i < RANGES_MAX && !is_handled; i++) {
		uintptr_t base = atomic_load_explicit(&ranges[i].base, memory_order_acquire);

		if (base && (address - base < ranges[i].size || pc - base < ranges[i].size))
			is_handled = ranges[i].handle(ranges[i].owner, address, context);
	}
	return is_handled;
}

static bool somebody_handles(int signal, const siginfo_t *info, ucontext_t *uc)
{
	struct cpu *cpu = cpu_self;
	uint8_t irql = cpu ? cpu->irql : 0;
	bool is_handled = false;

	/* sent by somebody, not from the processor; or of who reports a crash, and looks about */
	if (info->si_code <= 0 || signal == SIGABRT || is_crashing)
		return false;
	/* no safepoint in it serves anything: this is a signal's stack */
	if (cpu)
		cpu->irql = IRQL_HIGH;
	if (signal == SIGSEGV && info->si_code == SI_KERNEL && cpu_fault_privileged)
		is_handled = cpu_fault_privileged(NULL, 0, uc);
	if (!is_handled)
		is_handled = range_handle(
			(uintptr_t)info->si_addr, (uintptr_t)uc->uc_mcontext.gregs[REG_RIP], uc);
	if (cpu)
		cpu->irql = irql;
	return is_handled;
}

/* printf into a buffer and write: as much as a signal handler may. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char line[256];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (length > 0 && write(STDERR_FILENO, line, min_of((size_t)length, sizeof(line) - 1)) < 0)
		return;
}

static int kind_of(int signal)
{
	for (size_t i = 0; i < array_size(kinds); i++) {
		if (kinds[i].signal == signal)
			return i;
	}
	return 0;
}

/* What would have happened without us. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	const struct sigaction *action = &before[kind_of(signal)];

	if (action->sa_flags & SA_SIGINFO) {
		action->sa_sigaction(signal, info, context);
		return;
	}
	if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
		action->sa_handler(signal);
		return;
	}
	/* the access is repeated and meets the default; a signal that was sent is sent again */
	sigaction(signal, action, NULL);
	if (info->si_code <= 0)
		raise(signal);
}

static bool has_handler_before(int signal)
{
	const struct sigaction *action = &before[kind_of(signal)];

	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static const struct fiber *running_fiber(void)
{
	return cpu_self->thread ? &cpu_self->thread->fiber : &cpu_self->priv->idle;
}

/* Only the first crash is reported; a second one inside the report ends it. */
static void crash_once(int signal)
{
	static __thread bool is_crashing_here;
	sigset_t faults;

	/* a sanitizer's runtime may have blocked them for the handler's time */
	sigemptyset(&faults);
	for (size_t i = 0; i < array_size(kinds); i++)
		sigaddset(&faults, kinds[i].signal);
	pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
	if (atomic_exchange(&is_crashing, true)) {
		while (!is_crashing_here)
			pause();
		say("dryport: %s while reporting the crash\n", kinds[kind_of(signal)].name);
		_exit(1);
	}
	is_crashing_here = true;
}

static void crash(int signal, uintptr_t address, uintptr_t pc, siginfo_t *info, void *context)
{
	const struct cpu *cpu = cpu_self;

	crash_once(signal);
	if (signal == SIGSEGV && fiber_is_guard(running_fiber(), address))
		say("dryport: kernel stack overflow in thread %s\n",
			cpu->thread ? cpu->thread->name : "(idle)");
	else
		say("dryport: %s on processor %u at IRQL %u, thread %s: pc %#lx, address %#lx\n",
			kinds[kind_of(signal)].name, cpu->number, cpu->irql,
			cpu->thread ? cpu->thread->name : "(idle)", (unsigned long)pc,
			(unsigned long)address);
	if (cpu_crash_report)
		cpu_crash_report(signal, address, pc, context);
	if (sanitizer.poison && signal != SIGABRT && has_handler_before(signal))
		pass_on(signal, info, context);
	_exit(1);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uintptr_t address = (uintptr_t)info->si_addr;
	int saved = errno;

	if (somebody_handles(signal, info, uc)) {
		errno = saved;
		return;
	}
	if (!cpu_self)
		pass_on(signal, info, context);
	else
		crash(signal, address, uc->uc_mcontext.gregs[REG_RIP], info, context);
	errno = saved;
}

void cpu_fault_enter(struct fault_stack *stack)
{
	stack_t fresh = {.ss_size = STACK_BYTES}, current;

	stack->base = NULL;
	if (sigaltstack(NULL, &current))
		return;
	if (!(current.ss_flags & SS_DISABLE) && current.ss_size >= STACK_ENOUGH)
		return;
	fresh.ss_sp =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fresh.ss_sp == MAP_FAILED)
		return;
	sigaltstack(&fresh, NULL);
	memcpy(stack->before, &current, sizeof(current));
	stack->base = fresh.ss_sp;
}

void cpu_fault_leave(struct fault_stack *stack)
{
	stack_t current;

	if (!stack->base)
		return;
	/* a sanitizer's runtime takes its own away when the thread ends */
	memcpy(&current, stack->before, sizeof(current));
	sigaltstack(&current, NULL);
	munmap(stack->base, STACK_BYTES);
}

int cpu_fault_init(void)
{
	static struct fault_stack stack;
	struct sigaction action = {
		.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	int err = 0;

	pthread_mutex_lock(&lock);
	if (!is_installed) {
		is_installed = true;
		cpu_fault_enter(&stack);
		sigemptyset(&action.sa_mask);
		for (size_t i = 0; i < array_size(kinds); i++) {
			if (sigaction(kinds[i].signal, &action, &before[i]))
				err = -errno;
		}
	}
	pthread_mutex_unlock(&lock);
	return err;
}
