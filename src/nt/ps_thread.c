/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ps: system threads, on top of cpu/'s kernel threads, and the table of who is who (ps_thread.h). A
 * system thread stays on the processor it was made for; they are dealt out in turn. The memory of
 * an ended thread that nobody refers to is freed when the next one is made, or at the end: freeing
 * means to join, which a caller at DISPATCH could not.
 */
#include "nt/ps_thread.h"
#include "nt/nt_check.h"
#include "nt/nt_parts.h"
#include "nt/ob_object.h"
#include "util/export.h"

#include <stdlib.h>
#include <unistd.h>

enum { BUCKETS = 64 };

static struct {
	struct nt_lock lock;
	struct nt_thread *threads[BUCKETS]; /* by their cpu_thread */
	struct nt_thread *ended;	    /* without references, to be joined and freed */
	struct nt_thread idle[CPU_MAX];
	unsigned dealt, running;
} ps;

static __thread struct nt_thread host_thread;

static void thread_last(void *body);
static const struct ob_type thread_type = {.name = "thread", .last = thread_last};

/* Drivers compare with *PsThreadType. */
static POBJECT_TYPE type_object = (POBJECT_TYPE)&thread_type;
POBJECT_TYPE *PsThreadType = &type_object;
DRY_EXPORT(PsThreadType)

static struct nt_thread **bucket(const struct cpu_thread *thread)
{
	return &ps.threads[((uintptr_t)thread >> 6) % BUCKETS];
}

static void thread_prepare(struct nt_thread *thread)
{
	ke_object_init(&thread->header, KE_THREAD, 0);
	InitializeListHead(&thread->mutexes);
	thread->priority = 8; /* NORMAL_BASE */
}

/* ---- who is who ---- */

static struct nt_thread *table_find(const struct cpu_thread *thread)
{
	struct nt_thread *found;

	nt_lock_take(&ps.lock);
	for (found = *bucket(thread); found && found->thread != thread; found = found->next)
		;
	nt_lock_drop(&ps.lock);
	return found;
}

static struct nt_thread *table_remove(const struct cpu_thread *thread)
{
	struct nt_thread *found = NULL;

	for (struct nt_thread **link = bucket(thread); *link; link = &(*link)->next) {
		if ((*link)->thread != thread)
			continue;
		found = *link;
		*link = found->next;
		break;
	}
	return found;
}

/* A kernel thread that PsCreateSystemThread did not make may have ended unseen and left its entry
 * to the next one at the same address: the newest entry is the true one. */
static void table_add(struct nt_thread *thread)
{
	struct nt_thread *stale;

	nt_lock_take(&ps.lock);
	stale = table_remove(thread->thread);
	thread->next = *bucket(thread->thread);
	*bucket(thread->thread) = thread;
	nt_lock_drop(&ps.lock);
	if (stale)
		ob_delete(stale);
}

static struct nt_thread *thread_adopt(struct cpu_thread *cpu_thread)
{
	struct nt_thread *thread = ob_new(&thread_type, sizeof(*thread));

	if (!thread)
		cpu_die("out of memory for the object of thread %s", cpu_thread_name(cpu_thread));
	thread_prepare(thread);
	thread->thread = cpu_thread;
	table_add(thread);
	return thread;
}

struct nt_thread *nt_thread_current(void)
{
	struct cpu *cpu = cpu_self;
	struct nt_thread *thread;

	if (cpu && cpu->thread) {
		thread = table_find(cpu->thread);
		return thread ? thread : thread_adopt(cpu->thread);
	}
	thread = cpu ? &ps.idle[cpu->number] : &host_thread;
	if (!thread->header.Type)
		thread_prepare(thread);
	return thread;
}

/* ---- system threads ---- */

static void thread_last(void *body)
{
	struct nt_thread *thread = body;

	nt_lock_take(&ps.lock);
	thread->next = ps.ended;
	ps.ended = thread;
	nt_lock_drop(&ps.lock);
}

/* May wait for a moment, until a thread that has ended is off its processor. */
static void reap(void)
{
	for (;;) {
		struct nt_thread *thread;

		nt_lock_take(&ps.lock);
		thread = ps.ended;
		if (thread)
			ps.ended = thread->next;
		nt_lock_drop(&ps.lock);
		if (!thread)
			return;
		cpu_thread_join(thread->thread);
		cpu_thread_free(thread->thread);
		ob_delete(thread);
	}
}

static void check_end(struct nt_thread *thread)
{
	unsigned held;
	uint8_t irql = cpu_irql();

	if (irql != IRQL_PASSIVE) {
		nt_violation(NT_C4(NT_RULE_PS_PASSIVE), "a system thread ends at IRQL %u (%s)",
			irql, nt_irql_name(irql));
		cpu_irql_lower(IRQL_PASSIVE);
	}
	held = ke_mutex_abandon_all(thread);
	if (held)
		nt_violation(NT_C4(0x100A), "a system thread ends that holds %u mutex%s", held,
			held == 1 ? "" : "es");
	/* It began inside one critical region. */
	if (thread->apc_disable != 1 || thread->guarded)
		nt_violation(0x20000000,
			"a system thread ends inside %d critical and %d guarded regions",
			thread->apc_disable - 1, thread->guarded);
}

static void __attribute__((noreturn)) thread_end(struct nt_thread *thread, NTSTATUS status)
{
	check_end(thread);
	thread->exit_status = status;
	nt_lock_take(&ps.lock);
	table_remove(thread->thread);
	nt_lock_drop(&ps.lock);
	nt_lock_take(&ke_lock);
	thread->header.SignalState = 1;
	ke_signal(&thread->header);
	nt_lock_drop(&ke_lock);
	ob_dereference(thread);
	nt_lock_take(&ps.lock);
	ps.running--;
	nt_lock_drop(&ps.lock);
	cpu_thread_exit();
}

static void thread_main(void *ctx)
{
	struct nt_thread *thread = ctx;

	thread->thread = cpu_self->thread;
	table_add(thread);
	thread->routine(thread->context);
	thread_end(thread, STATUS_SUCCESS);
}

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle, PVOID ClientId,
	PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
	struct nt_thread *thread;
	NTSTATUS status;
	unsigned cpu;

	nt_processor("PsCreateSystemThread");
	cpu_poll();
	nt_irql_max("PsCreateSystemThread", IRQL_PASSIVE, NT_C4(NT_RULE_PS_PASSIVE));
	if (cpu_irql() < IRQL_DISPATCH && cpu_self->thread)
		reap();
	thread = nt_allocation_fails() ? NULL : ob_new(&thread_type, sizeof(*thread));
	if (!thread)
		return STATUS_INSUFFICIENT_RESOURCES;
	thread_prepare(thread);
	thread->system = true;
	thread->apc_disable = 1;
	thread->routine = StartRoutine;
	thread->context = StartContext;
	status = nt_allocation_fails() ? STATUS_INSUFFICIENT_RESOURCES
				       : ob_handle_new(thread, ThreadHandle,
						 (uintptr_t)__builtin_return_address(0));
	if (status) {
		ob_delete(thread);
		return status;
	}
	nt_lock_take(&ps.lock);
	cpu = ps.dealt++ % cpu_count();
	ps.running++;
	nt_lock_drop(&ps.lock);
	if (!nt_allocation_fails() && cpu_thread_new(thread_main, thread, cpu, "system thread"))
		return STATUS_SUCCESS;
	nt_lock_take(&ps.lock);
	ps.running--;
	nt_lock_drop(&ps.lock);
	ob_handle_take(*ThreadHandle);
	ob_delete(thread);
	return STATUS_INSUFFICIENT_RESOURCES;
}
DRY_EXPORT(PsCreateSystemThread)

/* Returns only when there is nothing to end. */
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
	struct nt_thread *thread;

	nt_processor("PsTerminateSystemThread");
	cpu_poll();
	thread = nt_thread_current();
	if (!thread->system) {
		nt_violation(
			0, "PsTerminateSystemThread called by a thread that is no system thread");
		return STATUS_INVALID_PARAMETER;
	}
	nt_irql_max("PsTerminateSystemThread", IRQL_PASSIVE, NT_C4(NT_RULE_PS_PASSIVE));
	thread_end(thread, ExitStatus);
}
DRY_EXPORT(PsTerminateSystemThread)

PKTHREAD NTAPI KeGetCurrentThread(VOID)
{
	cpu_poll();
	return nt_thread_ke(nt_thread_current());
}
DRY_EXPORT(KeGetCurrentThread)
DRY_EXPORT_AS(PsGetCurrentThread, KeGetCurrentThread)

/* Kept and told, but the schedule runs threads in turn. */
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
	struct nt_thread *thread = (struct nt_thread *)Thread;
	KPRIORITY before;

	cpu_poll();
	nt_irql_max("KeSetPriorityThread", IRQL_PASSIVE, NT_C4(0xE5));
	if (!ke_object_check(
		    &thread->header, KE_THREAD, KE_THREAD, "KeSetPriorityThread", "thread"))
		return 0;
	nt_lock_take(&ps.lock);
	before = thread->priority;
	thread->priority = Priority;
	nt_lock_drop(&ps.lock);
	return before;
}
DRY_EXPORT(KeSetPriorityThread)

static unsigned running(void)
{
	unsigned count;

	nt_lock_take(&ps.lock);
	count = ps.running;
	nt_lock_drop(&ps.lock);
	return count;
}

unsigned nt_thread_fini(void)
{
	unsigned left, patience = 200;

	ob_handles_close_all();
	/* Who waited for a thread's end comes here before the thread has quite ended. */
	while ((left = running()) && patience--)
		usleep(1000);
	if (left)
		nt_violation(0, "%u system thread%s still running at the end", left,
			left == 1 ? " is" : "s are");
	reap();
	nt_lock_take(&ps.lock);
	/* Entries of threads that others made; a system thread that still runs keeps its own. */
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct nt_thread **link = &ps.threads[i], *thread;

		while ((thread = *link)) {
			if (thread->system) {
				link = &thread->next;
				continue;
			}
			*link = thread->next;
			ob_delete(thread);
		}
	}
	nt_lock_drop(&ps.lock);
	return left;
}
