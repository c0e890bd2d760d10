/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Timers beside the one of RequestTimerCall: StorPortInitializeTimer, RequestTimer, FreeTimer. A
 * handle is the address of a record in a block that lives as long as the adapter, so that a foreign
 * or stale one is known at once, and an expiry that comes too late finds a record and not somebody
 * else's memory.
 *
 * RequestTimer is for any IRQL and takes no lock: a record is claimed by its state word, which also
 * counts what has become of it, so that an expiry that has begun for an earlier request sees that.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define TIMERS	  256
#define TIMER_TAG 0x72655454u  /* 'TTer' */
#define LONGEST	  (1ull << 60) /* ns */

/* The low bits of a state word; above them a count of changes. */
enum { TIMER_FREE, TIMER_IDLE, TIMER_SETTING, TIMER_ARMED, TIMER_STATES };

struct stor_timer {
	struct cpu_timer timer;
	struct cpu_dpc dpc; /* arms it for a caller above DISPATCH */
	struct stor_adapter *adapter;
	_Atomic uint32_t state;
	_Atomic(PHW_TIMER_EX) routine;
	_Atomic(PVOID) context;
	_Atomic uint64_t due; /* on cpu_clock */
};

struct stor_timers {
	struct stor_timer timer[TIMERS];
};

static inline unsigned state_of(uint32_t word)
{
	return word % TIMER_STATES;
}

/* *word is what was seen; it becomes what is there then, also if that is something else. */
static bool timer_change(struct stor_timer *timer, uint32_t *word, unsigned to)
{
	uint32_t next = *word - state_of(*word) + TIMER_STATES + to;

	if (!atomic_compare_exchange_strong(&timer->state, word, next))
		return false;
	*word = next;
	return true;
}

static struct stor_timer *timer_of(struct stor_adapter *adapter, void *handle)
{
	struct stor_timers *timers = atomic_load(&adapter->timers);
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)timers;

	return timers && offset < sizeof(*timers) && offset % sizeof(timers->timer[0]) == 0 ? handle
											    : NULL;
}

/* ---- expiry ---- */

/* Again where another processor came between: whoever is last has set the newest time. */
static void timer_arm(struct stor_timer *timer)
{
	uint64_t due, now;

	do {
		due = atomic_load(&timer->due);
		now = cpu_clock();
		cpu_timer_set(&timer->timer, due > now ? due - now : 0, 0);
	} while (atomic_load(&timer->due) != due);
}

static void timer_expired(struct cpu_timer *expired)
{
	struct stor_timer *timer = container_of(expired, struct stor_timer, timer);
	struct stor_adapter *adapter = timer->adapter;
	uint32_t word = atomic_load(&timer->state);
	PHW_TIMER_EX routine = atomic_load(&timer->routine);
	PVOID context = atomic_load(&timer->context);

	if (state_of(word) != TIMER_ARMED)
		return;
	if (cpu_clock() < atomic_load(&timer->due)) { /* cancelled, and set anew for later */
		timer_arm(timer);
		return;
	}
	if (!timer_change(timer, &word, TIMER_IDLE))
		return;
	stor_callback_enter(&adapter->hba);
	/* Not before: it may have been stopped while the locks were waited for. */
	if (adapter->hba.phase != PORT_HBA_STOPPED) {
		trace(TRACE_HW_TIMER, adapter->hba.port.number);
		routine(adapter->hba.extension, context);
		trace(TRACE_HW_TIMER_END, adapter->hba.port.number);
	}
	stor_callback_leave(&adapter->hba, "the callback of StorPortRequestTimer");
}

static void timer_arm_later(struct cpu_dpc *dpc)
{
	struct stor_timer *timer = dpc->ctx;

	if (state_of(atomic_load(&timer->state)) == TIMER_ARMED)
		timer_arm(timer);
}

static ULONG timer_start(struct stor_timer *timer)
{
	if (cpu_irql() <= IRQL_DISPATCH)
		timer_arm(timer);
	else
		cpu_dpc_queue(&timer->dpc, NULL, NULL);
	return STOR_STATUS_SUCCESS;
}

/* ---- life ---- */

static struct stor_timers *timers_get(struct stor_adapter *adapter)
{
	struct stor_timers *timers = atomic_load(&adapter->timers), *none = NULL;

	if (timers)
		return timers;
	timers = nt_pool_alloc(sizeof(*timers), TIMER_TAG, NULL, true);
	if (!timers)
		return NULL;
	for (unsigned n = 0; n < TIMERS; n++)
		timers->timer[n] = (struct stor_timer){
			.timer = {.fn = timer_expired},
			.dpc = {.fn = timer_arm_later, .ctx = &timers->timer[n], .cpu = CPU_HERE},
			.adapter = adapter,
		};
	if (atomic_compare_exchange_strong(&adapter->timers, &none, timers))
		return timers;
	nt_pool_free(timers);
	return none;
}

ULONG stor_initialize_timer(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *handle = stor_arg(args, PVOID *);
	struct stor_timers *timers;

	if (stor_irql_too_high("StorPortInitializeTimer"))
		return STOR_STATUS_INVALID_IRQL;
	if (!handle)
		return STOR_STATUS_INVALID_PARAMETER;
	timers = timers_get(adapter);
	if (!timers)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	for (unsigned n = 0; n < TIMERS; n++) {
		struct stor_timer *timer = &timers->timer[n];
		uint32_t word = atomic_load(&timer->state);

		if (state_of(word) == TIMER_FREE && timer_change(timer, &word, TIMER_IDLE)) {
			*handle = timer;
			return STOR_STATUS_SUCCESS;
		}
	}
	return STOR_STATUS_UNSUCCESSFUL;
}

/* The processor's timer runs out and finds that nothing is due: it is not taken back, as another
 * processor may have set it anew by now. */
static ULONG timer_cancel(struct stor_timer *timer, uint32_t word)
{
	while (state_of(word) == TIMER_ARMED && !timer_change(timer, &word, TIMER_IDLE))
		;
	return STOR_STATUS_SUCCESS;
}

/* Any IRQL. What may be late by TolerableDelay never is. */
ULONG stor_request_timer(struct stor_adapter *adapter, struct stor_call *args)
{
	struct stor_timer *timer = timer_of(adapter, stor_arg(args, PVOID));
	PHW_TIMER_EX routine = stor_arg(args, PHW_TIMER_EX);
	PVOID context = stor_arg(args, PVOID);
	ULONGLONG microseconds = stor_arg(args, ULONGLONG);
	uint32_t word;

	if (!timer || !routine)
		return STOR_STATUS_INVALID_PARAMETER;
	word = atomic_load(&timer->state);
	if (state_of(word) == TIMER_FREE)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!microseconds)
		return timer_cancel(timer, word);
	if (adapter->hba.phase == PORT_HBA_STOPPED)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	if (state_of(word) != TIMER_IDLE || !timer_change(timer, &word, TIMER_SETTING))
		return STOR_STATUS_BUSY;
	atomic_store(&timer->routine, routine);
	atomic_store(&timer->context, context);
	atomic_store(&timer->due, cpu_clock() + min_of(microseconds, LONGEST / 1000) * 1000);
	/* Freed meanwhile, it is no timer any more. */
	return timer_change(timer, &word, TIMER_ARMED) ? timer_start(timer)
						       : STOR_STATUS_INVALID_PARAMETER;
}

ULONG stor_free_timer(struct stor_adapter *adapter, struct stor_call *args)
{
	struct stor_timer *timer = timer_of(adapter, stor_arg(args, PVOID));
	uint32_t word;

	if (stor_irql_too_high("StorPortFreeTimer"))
		return STOR_STATUS_INVALID_IRQL;
	if (!timer)
		return STOR_STATUS_INVALID_PARAMETER;
	word = atomic_load(&timer->state);
	do
		if (state_of(word) == TIMER_FREE)
			return STOR_STATUS_UNSUCCESSFUL;
	while (!timer_change(timer, &word, TIMER_FREE));
	return STOR_STATUS_SUCCESS;
}

void stor_timers_stop(struct stor_adapter *adapter)
{
	struct stor_timers *timers = atomic_load(&adapter->timers);

	for (unsigned n = 0; timers && n < TIMERS; n++) {
		cpu_dpc_cancel(&timers->timer[n].dpc);
		cpu_timer_cancel(&timers->timer[n].timer);
	}
}

void stor_timers_rest(struct stor_adapter *adapter)
{
	struct stor_timers *timers = atomic_load(&adapter->timers);

	stor_timers_stop(adapter);
	cpu_dpc_flush();
	for (unsigned n = 0; timers && n < TIMERS; n++) {
		uint32_t word = atomic_load(&timers->timer[n].state);

		while (state_of(word) == TIMER_ARMED &&
			!timer_change(&timers->timer[n], &word, TIMER_IDLE))
			;
	}
}

void stor_timers_free(struct stor_adapter *adapter)
{
	struct stor_timers *timers = atomic_exchange(&adapter->timers, NULL);

	if (timers)
		nt_pool_free(timers);
}
