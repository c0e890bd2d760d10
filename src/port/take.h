/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request is taken from the miniport: what port_request_complete does, inline for who is on every
 * request's way back. `locks`: cpu_inner_locks (cpu.h).
 */
#ifndef DRY_PORT_TAKE_H
#define DRY_PORT_TAKE_H

#include "port/list_life.h"

/* Private: complete.c. */
border_call void port_done_begin_dpc(struct port_done *done);
border_call bool port_tell_completed(const struct port_request *request, int state);

path_inline void port_done_push_at(struct port_request *request, struct port_done *done)
{
	bool is_first = !done->head && !done->is_expected;

	*done->tail = request;
	done->tail = &request->next;
	if (unlikely(is_first)) /* else somebody is on his way, or at work on those before */
		port_done_begin_dpc(done);
}

/* Where there are no locks there is one processor. */
path_inline void port_done_push(struct port_request *request, bool locks)
{
	port_done_push_at(request, &request->adapter->done[locks ? cpu_self->number : 0]);
}

/* Takes it from the miniport. By exchange where another processor may do the same; returns the
 * state that it was in, which is STARTED if it went well. */
path_inline int state_take(struct port_request *request, bool locks)
{
	uint8_t state = PORT_REQUEST_STARTED;

	if (locks) {
		atomic_compare_exchange_strong_explicit(&request->state, &state,
			PORT_REQUEST_COMPLETED, memory_order_acq_rel, memory_order_relaxed);
		return state;
	}
	state = atomic_load_explicit(&request->state, memory_order_relaxed);
	if (likely(state == PORT_REQUEST_STARTED))
		atomic_store_explicit(
			&request->state, PORT_REQUEST_COMPLETED, memory_order_relaxed);
	return state;
}

/* SB-13: what only it was to use dies with the completion, not when the DPC comes round to it. */
path_inline int port_take(struct port_request *request, bool locks)
{
	int state = state_take(request, locks);

	if (unlikely(state != PORT_REQUEST_STARTED))
		return state;
	if (likely(request->is_page)) {
		request->seal.id = atomic_load_explicit(&request->id, memory_order_relaxed);
		request->seal.count = 1;
		request->seal.address = (LONGLONG)request->data_at;
		port_list_close_filled(request->list, &request->seal);
		return state;
	}
	if (likely(request->mapped))
		port_list_close(&request->adapter->lists, request->list, &request->seal);
	if (unlikely(request->in))
		port_data_in_close(request);
	return state;
}

path_inline bool port_complete_as(struct port_request *request, bool locks)
{
	int state = port_take(request, locks);

	if (unlikely(state != PORT_REQUEST_STARTED))
		return port_tell_completed(request, state);
	port_done_push(request, locks);
	return true;
}

/*
 * The ordinary one, and nothing else: it went by page.h alone, so that there is one processor and
 * no lock, its list is as it was, and it is not the first that a DPC is to be queued for. False: it
 * is not so, and nothing was done.
 */
path_inline bool port_complete_at_once(struct port_request *request)
{
	struct port_done *done = &request->adapter->done[0];
	PSCATTER_GATHER_LIST list;

	if (unlikely(!port_page_is_out(request) || (!done->is_expected && !done->head)))
		return false;
	list = request->list;
	if (unlikely(!port_list_is_of_page(list, request->data_at)))
		return false;
	port_list_end(list);
	atomic_store_explicit(&request->state, PORT_REQUEST_COMPLETED, memory_order_relaxed);
	*done->tail = request;
	done->tail = &request->next;
	return true;
}

/* Among several processors, by one of them, at once as well: false if there is no such request, or
 * completions may belong to another processor. */
path_inline bool port_complete_among(
	struct port_adapter *adapter, const void *srb, const struct cpu *cpu)
{
	struct port_request *request = port_request_find(adapter, srb);
	int state;

	if (unlikely(!request || atomic_load_explicit(&adapter->redirects, memory_order_relaxed)))
		return false;
	state = port_take(request, true);
	if (likely(state == PORT_REQUEST_STARTED))
		port_done_push_at(request, &adapter->done[cpu->number]);
	else
		port_tell_completed(request, state);
	return true;
}

#endif
