/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How many requests are outstanding, of a unit and of an adapter: counted in by queue.c before they
 * start, counted out by complete.c, or by queue.c when they have to wait again. A completion may
 * open a gate, or make room for others. `locks`: cpu_inner_locks (cpu.h).
 *
 * Where several processors send requests to one unit, its count and the adapter's would go to and
 * fro between them. So they are *split* while nothing depends on them: each processor has a share
 * of both, under a lock of its own that guards nothing else (port_here). A request may start here
 * and end there: a share is a number that wraps, and only their sum means something.
 *
 *	adapter	split from its start to its end, or never: if its limit is at least the number of
 *		slots, which then is the limit. Its sum is taken inside the locks of all shares
 *		(port_adapter_outstanding).
 *	unit	split while nobody waits in its queue, it is not closed, and its depth is at least
 *		the number of slots. Whoever takes the unit's lock brings its count together
 *		before he does anything else (port_unit_lock).
 *
 * Why the sum is right. Every change of a share is made inside the lock of that share, and is one
 * request's start or end. Who sums holds all those locks at once, so what he reads is what the
 * count was at that moment: not 0 while a request is out, nor anything else when none is. Bringing
 * a unit's together does the same, with is_split false before: who has been inside before has
 * counted, who comes afterwards finds it so, and goes to the unit's lock, which is taken.
 *
 * Why nobody is forgotten. Gates are looked at inside the share's lock. Who closes the adapter's,
 * and then sums, or takes the unit's lock, has passed each share's lock after the gate was closed:
 * a start that saw it open has been counted by then, a later one sees it closed. An end that did
 * not see PORT_BUSY likewise has been counted out before port_adapter_busy sums. And a request that
 * has to wait is queued under the unit's lock, where the unit is not split: its ends look at the
 * queue.
 */
#ifndef DRY_PORT_COUNT_H
#define DRY_PORT_COUNT_H

#include "port/port.h"
#include "trace/trace.h"

/* Private: what is rare. */
bool port_turn_take(struct port_unit *unit);
void port_count_out_closed(struct port_unit *unit, bool is_done);
bool port_count_out_busy(struct port_adapter *adapter, uint32_t before, bool is_done);
bool port_split_out(struct port_adapter *adapter, bool is_done);
void port_others_go_on(struct port_unit *unit, bool all);
void port_unit_split(struct port_unit *unit);
border_call void port_sample(struct port_request *request);

#define PORT_CALM 16

/* Whether the adapter takes pages on a machine of one processor, and no gate of it is closed. One
 * look, which compilers make one instruction if it is not an atomic one. */
static inline bool port_is_alone(const struct port_adapter *adapter)
{
#ifdef DRY_TSAN
	return !atomic_load_explicit(&adapter->gates, memory_order_relaxed);
#else
	return !*(const uint64_t *)&adapter->gates;
#endif
}

/* Of a split adapter: counts at this processor. At DISPATCH. */
static inline void port_here_add(struct port_adapter *adapter, uint32_t n)
{
	struct port_here *here = &adapter->here[cpu_self->number];

	host_owned_acquire(&here->lock);
	atomic_store_explicit(&here->outstanding,
		atomic_load_explicit(&here->outstanding, memory_order_relaxed) + n,
		memory_order_relaxed);
	host_owned_release(&here->lock);
}

/* One request in 16 has its latency measured: reading a clock for each would show. */
#define PORT_SAMPLE_MASK 15

#define PORT_IDS_HERE	    64	/* ids that a processor takes at once */
#define PORT_IDS_HERE_STALE 256 /* it takes others when the last one is so far from its own */

/* Of those that this processor has taken; nobody else touches them. */
static inline uint64_t port_id_here(const struct cpu *cpu, struct port_adapter *adapter)
{
	struct port_here *here = &adapter->here[cpu->number];
	uint64_t last = atomic_load_explicit(&adapter->last_id, memory_order_relaxed);

	/* ids tell about how old requests are: queue_return */
	if (unlikely(here->last_id == here->end_id || last - here->end_id > PORT_IDS_HERE_STALE)) {
		here->last_id = atomic_fetch_add(&adapter->last_id, PORT_IDS_HERE);
		here->end_id = here->last_id + PORT_IDS_HERE;
	}
	return ++here->last_id;
}

/* The id of a request that is submitted. At DISPATCH. */
path_inline uint64_t port_id_next(const struct cpu *cpu, struct port_adapter *adapter, bool locks)
{
	/* a replayed run is the same with a trace and without */
	if (unlikely(locks) && adapter->is_split && !replay_is_on &&
		!trace_is_wanted(TRACE_SRB_SUBMIT))
		return port_id_here(cpu, adapter);
	return cpu_inner_add64_if(locks, &adapter->last_id, 1) + 1;
}

/* Past all limits. At DISPATCH. */
static inline void port_adapter_add(struct port_adapter *adapter, uint32_t n)
{
	if (adapter->is_split)
		port_here_add(adapter, n);
	else
		cpu_inner_add32(&adapter->outstanding, n);
}

/* Adds to both counts, if the unit is split and none of these gates of the adapter is closed; else
 * false. At DISPATCH. */
path_inline bool port_split_add(struct cpu *cpu, struct port_unit *unit, uint32_t n, uint32_t gates)
{
	struct port_adapter *adapter = unit->adapter;
	struct port_here *here = &adapter->here[cpu->number];
	bool is_split;

	if (!atomic_load_explicit(&unit->is_split, memory_order_relaxed))
		return false;
	cpu_poll_own_by(cpu); /* as each other lock of the path */
	host_owned_acquire(&here->lock);
	is_split = likely(atomic_load_explicit(&unit->is_split, memory_order_relaxed) &&
			  !(atomic_load_explicit(&adapter->closed, memory_order_relaxed) & gates));
	if (is_split) {
		unit->here[cpu->number].outstanding += n;
		atomic_store_explicit(&here->outstanding,
			atomic_load_explicit(&here->outstanding, memory_order_relaxed) + n,
			memory_order_relaxed);
	}
	host_owned_release(&here->lock);
	return is_split;
}

/* Under the unit's lock, when a request has been counted: nothing is special any more if so many
 * have passed without. */
path_inline void port_count_calm(struct port_unit *unit, bool locks)
{
	if (!locks)
		return;
	if (unit->head || unit->closed)
		unit->calm = 0;
	else if (++unit->calm >= PORT_CALM)
		port_unit_split(unit);
}

/* Until then nobody waits for the adapter's limit, and ends need not look whether it was reached.
 */
static inline void port_refused(struct port_adapter *adapter, bool locks)
{
	if (!locks)
		atomic_fetch_or(&adapter->detour, PORT_REFUSED);
}

/* Whether one more may be outstanding at the adapter; it is counted then. Under the unit's lock, so
 * that who is refused waits in the queue before port_adapter_count_out, which lets it go on, looks
 * there. */
path_inline bool port_adapter_count_in(struct port_adapter *adapter, bool locks)
{
	uint32_t count;

	if (locks && adapter->is_split) {
		port_here_add(adapter, 1);
		return true;
	}
	count = atomic_load_explicit(&adapter->outstanding, memory_order_relaxed);
	do {
		if (unlikely(count >= adapter->limits.max_outstanding)) {
			port_refused(adapter, locks);
			return false;
		}
		if (!locks) {
			cpu_inner_add32_if(locks, &adapter->outstanding, 1);
			return true;
		}
	} while (unlikely(!atomic_compare_exchange_weak(&adapter->outstanding, &count, count + 1)));
	return true;
}

/* Whether this request of the unit may start now; it is counted then. Under the unit's lock. */
path_inline bool port_count_in(
	struct port_unit *unit, struct port_request *request, bool locks, bool pull)
{
	struct port_adapter *adapter = unit->adapter;

	if (unlikely(unit->outstanding >= unit->depth ||
		     (unit->closed && unit->closed & ~port_request_passes(request)) ||
		     atomic_load_explicit(&adapter->closed, memory_order_relaxed) ||
		     !port_adapter_count_in(adapter, locks)))
		return false;
	if (pull && !port_turn_take(unit)) { /* another was faster */
		cpu_inner_add32_if(locks, &adapter->outstanding, -1u);
		return false;
	}
	request->is_counted = true;
	unit->outstanding++;
	return true;
}

/* Under the unit's lock: one is back. One that came back busy is none of those that PORT_BUSY waits
 * for, and opens nothing. */
static inline void port_count_out(struct port_request *request, bool is_done)
{
	struct port_unit *unit = request->unit;

	request->is_counted = false;
	unit->outstanding--;
	if (unlikely(unit->closed))
		port_count_out_closed(unit, is_done);
}

/* The same for the adapter; true if other units may go on now. The count comes before the look at
 * the gate, as port_adapter_busy closes the gate before it looks at the count. */
path_inline bool port_adapter_count_out(struct port_adapter *adapter, bool is_done, bool locks)
{
	uint32_t before;

	if (locks && adapter->is_split)
		return port_split_out(adapter, is_done);
	before = cpu_inner_add32_if(locks, &adapter->outstanding, -1u);
	if (!locks && unlikely(atomic_load_explicit(&adapter->detour, memory_order_relaxed) &
			       PORT_REFUSED))
		atomic_fetch_and(&adapter->detour, ~(uint32_t)PORT_REFUSED);
	if (unlikely(atomic_load(&adapter->closed) & PORT_BUSY))
		return port_count_out_busy(adapter, before, is_done);
	return before >= adapter->limits.max_outstanding;
}

/* Counts a finished request out and starts its successors. */
path_inline void port_unit_finished(struct port_request *request, bool locks)
{
	struct port_unit *unit = request->unit;
	bool waits, all;

	if (locks && likely(port_split_add(cpu_self, unit, -1u, PORT_BUSY))) {
		request->is_counted = false;
		return;
	}
	if (locks)
		port_unit_lock(unit);
	port_count_out(request, true);
	waits = unit->head != NULL;
	port_count_calm(unit, locks);
	cpu_inner_release_if(locks, &unit->lock);
	all = port_adapter_count_out(unit->adapter, true, locks);
	if (unlikely(all || waits))
		port_others_go_on(unit, all);
}

#endif
