/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Stations 2 and 3 of 7: a request waits for its turn, then gets its scatter/gather list. Before:
 * submit.c (1). After: the model's start (4).
 *
 * A unit starts requests in order while it has depth left and neither it nor its adapter is closed:
 * those of higher priority first. One that is frozen or locked starts those that pass.
 * The adapter's gates are atomics, looked at under the unit's lock; whoever opens a gate pumps the
 * units, so that nobody is forgotten.
 */
#include "port/count.h"
#include "port/list_life.h"
#include "nt/mdl.h"
#include "trace/trace.h"
#include "nt/nt.h"

void port_mdl_fill(struct port_request *request)
{
	mdl_describe_page(
		request->mdl, request->data, request->length, request->data_at >> MEM_PAGE_SHIFT);
	/* Two that come at once both write what it says. */
	__atomic_store_n(&request->mdl_is_due, false, __ATOMIC_RELEASE);
}

/* Station 3 for what is more than a page that the device reaches. */
static __attribute__((noinline)) NTSTATUS map_pages(
	struct port_request *request, struct dma_waiter *waiter)
{
	struct port_adapter *adapter = request->adapter;
	PMDL mdl = port_request_mdl(request);
	const struct dma_order order = {
		.mdl = mdl,
		.current_va = MmGetMdlVirtualAddress(mdl),
		.length = request->length,
		.write_to_device = request->flags & SRB_FLAGS_DATA_OUT,
		/* StorPortGetSystemAddress may be asked about any request. */
		.whole = true,
		.id = request->id,
	};
	NTSTATUS status = dma_map(adapter->maps, &request->mapping, &order, request->list,
		adapter->limits.max_elements, waiter);

	if (likely(!status))
		return status;
	port_list_close(&adapter->lists, request->list, NULL);
	trace(TRACE_DMA_MAP, request->id, 0, request->length, (uint32_t)status);
	return request->in ? port_data_in_retry(request, status) : status;
}

/* Station 3. PENDING: request_granted goes on; any other failure: the miniport does not get it. */
static NTSTATUS request_map(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct dma_waiter *waiter = &request->waiter;
	NTSTATUS status = STATUS_SUCCESS;

	if (unlikely(request->in)) {
		status = port_data_in_map(request);
		waiter = NULL;
	}
	if (!request->mdl || !adapter->maps || unlikely(status))
		return status;
	port_list_open(&adapter->lists, request->list, &request->seal);
	status = map_pages(request, waiter);
	if (unlikely(status))
		return status;
	request->mapped = true;
	if (unlikely(request->mapping.va)) {
		request->own_data = request->data;
		/* Of other functions the miniport itself reads and writes the data, both ways. */
		if (request->function == SRB_FUNCTION_EXECUTE_SCSI)
			request->data = request->mapping.va;
	}
	port_list_seal(&adapter->lists, request->list, &request->seal, request->id);
	trace(TRACE_DMA_MAP, request->id, request->list->NumberOfElements, request->length, 0);
	return STATUS_SUCCESS;
}

/* The same for data in one page that the device reaches. False: they are not, or their list is
 * guarded, and nothing was done. */
path_inline bool request_map_page(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	PSCATTER_GATHER_LIST list = request->list;

	if (unlikely(request->data_at == MEM_NO_ADDRESS || !adapter->maps ||
		     adapter->lists.care != PORT_LISTS_FILLED ||
		     !dma_can_map_page(
			     adapter->maps, &request->mapping, request->data_at, request->length)))
		return false;
	port_list_open_filled(list, &request->seal);
	dma_map_page(adapter->maps, &request->mapping, request->data_at, request->length,
		request->flags & SRB_FLAGS_DATA_OUT, list);
	request->mapped = true;
	port_list_seal_filled(list, &request->seal, request->id);
	trace(TRACE_DMA_MAP, request->id, 1, request->length, 0);
	return true;
}

/* A request that the miniport did not get, and that was to close the adapter. */
static void turn_give_back(struct port_adapter *adapter)
{
	if (adapter->limits.pull)
		port_adapter_next(adapter, true);
}

/* It went, and had to wait for map registers. */
static inline bool has_registers(const struct port_request *request)
{
	return request->mapping.run.count ||
	       (unlikely(request->in) && request->in->mapping.run.count);
}

static __attribute__((noinline)) void request_start_other(struct port_request *request)
{
	NTSTATUS status;

	/* First: where the mapping is pending, another may have it by the time that is known. */
	atomic_store_explicit(&request->state, PORT_REQUEST_QUEUED, memory_order_relaxed);
	status = request_map(request);
	if (likely(!status)) {
		port_srb_start(request);
		return;
	}
	if (status == STATUS_PENDING)
		return;
	nt_violation(0, "%s: no scatter/gather list for request %llu of %u bytes: status %08x.",
		request->adapter->name, (unsigned long long)request->id, request->length,
		(unsigned)status);
	turn_give_back(request->adapter);
	port_request_fail(request, SRB_STATUS_INVALID_REQUEST);
}

static void request_start(struct port_request *request)
{
	uint32_t tick = atomic_load_explicit(&request->adapter->tick, memory_order_relaxed);

	port_page_forget(request);
	atomic_store_explicit(
		&request->deadline, tick + request->timeout + 1, memory_order_relaxed);
	if (trace_is_wanted(TRACE_SRB_GO) && !has_registers(request))
		trace(TRACE_SRB_GO, request->id, request->unit->number);
	if (likely(request_map_page(request)))
		port_srb_start(request);
	else
		request_start_other(request);
}

void port_unit_start_now(struct port_request *request)
{
	struct port_unit *unit = request->unit;

	request->is_counted = true;
	port_request_enter(request);
	port_adapter_add(unit->adapter, 1);
	port_unit_lock(unit);
	unit->outstanding++;
	if (unit->adapter->limits.pull)
		unit->closed |= PORT_TAKEN;
	port_unit_unlock(unit);
	request_start(request);
}

/* ---- who waits ---- */

/* Under a unit's lock: port_adapter_close sets it, then empties the queues under their locks. */
static bool is_stopped(const struct port_adapter *adapter)
{
	return atomic_load_explicit(&adapter->closed, memory_order_relaxed) & PORT_STOPPED;
}

static void queue_put(
	struct port_unit *unit, struct port_request **link, struct port_request *request)
{
	request->next = *link;
	*link = request;
	if (!request->next)
		unit->tail = &request->next;
}

/* In order of priority, then of submission. Nobody is passed for ever. */
#define PASSED_MOST 32

static bool may_pass(const struct port_request *request, const struct port_request *waiting)
{
	return port_request_priority(request) > port_request_priority(waiting) &&
	       waiting->passed < PASSED_MOST;
}

/* Before all that it may pass behind the last one that it may not. */
static __attribute__((noinline)) struct port_request **queue_place(
	struct port_unit *unit, const struct port_request *request)
{
	struct port_request **place = &unit->head;

	for (struct port_request **link = place; *link; link = &(*link)->next)
		if (!may_pass(request, *link))
			place = &(*link)->next;
	for (struct port_request *behind = *place; behind; behind = behind->next)
		behind->passed++;
	return place;
}

static void queue_append(struct port_unit *unit, struct port_request *request)
{
	const struct port_request *last = container_of(unit->tail, struct port_request, next);
	bool passes = unlikely(unit->head && may_pass(request, last));

	atomic_store_explicit(&request->state, PORT_REQUEST_QUEUED, memory_order_relaxed);
	request->passed = 0;
	queue_put(unit, passes ? queue_place(unit, request) : unit->tail, request);
}

static bool is_before(const struct port_request *waiting, const struct port_request *request)
{
	int more = (int)port_request_priority(waiting) - (int)port_request_priority(request);

	return port_is_sense(waiting) || more > 0 || (!more && waiting->id < request->id);
}

/* One that went and is not with the miniport: before all of its priority that were submitted later,
 * but for REQUEST SENSE. */
static void queue_return(struct port_unit *unit, struct port_request *request)
{
	struct port_request **link = &unit->head;

	while (*link && is_before(*link, request))
		link = &(*link)->next;
	queue_put(unit, link, request);
}

/* Whose turn it is: the first one, or the first that a frozen or locked queue lets pass. */
static struct port_request **queue_next(struct port_unit *unit)
{
	struct port_request **link = &unit->head;

	while (*link && unit->closed & PORT_HELD & ~port_request_passes(*link))
		link = &(*link)->next;
	return link;
}

static struct port_request *queue_take(struct port_unit *unit, struct port_request **link)
{
	struct port_request *request = *link;

	if (!request)
		return NULL;
	*link = request->next;
	if (!*link)
		unit->tail = link;
	return request;
}

/* ---- who goes ---- */

/* The miniport may have asked for the next one meanwhile, which waits at any unit. */
static inline void request_start_and_on(struct port_request *request, bool pull)
{
	struct port_adapter *adapter = request->adapter;

	request_start(request);
	if (pull && !atomic_load(&adapter->closed))
		port_adapter_pump(adapter);
}

path_inline void unit_enqueue(struct port_request *request, bool locks, bool pull)
{
	struct port_unit *unit = request->unit;
	bool go, fails = false, is_held = false;

	if (locks && likely(port_split_add(cpu_self, unit, 1, ~0u))) {
		request->is_counted = true;
		request_start(request);
		return;
	}
	if (locks)
		port_unit_lock(unit);
	go = likely(!unit->head) && likely(port_count_in(unit, request, locks, pull));
	if (unlikely(!go)) {
		fails = is_stopped(unit->adapter);
		if (!fails)
			queue_append(unit, request);
		is_held = unit->closed & PORT_HELD;
		port_unit_settle(unit);
	}
	port_count_calm(unit, locks);
	cpu_inner_release_if(locks, &unit->lock);
	if (likely(go))
		request_start_and_on(request, pull);
	else if (fails)
		port_request_fail(request, SRB_STATUS_NO_HBA);
	else if (is_held) /* it may be one that passes */
		port_unit_pump(unit);
}

static __attribute__((noinline)) void unit_enqueue_other(struct port_request *request)
{
	unit_enqueue(request, cpu_inner_locks, request->adapter->limits.pull);
}

void port_unit_enqueue(struct port_request *request)
{
	if (unlikely(cpu_inner_locks || request->adapter->limits.pull))
		unit_enqueue_other(request);
	else
		unit_enqueue(request, false, false);
}

/* Whether any was started. */
static bool unit_pump(struct port_unit *unit)
{
	for (bool started = false;; started = true) {
		struct port_request *request = NULL, **next;

		port_unit_lock(unit);
		next = queue_next(unit);
		if (*next &&
			port_count_in(unit, *next, cpu_inner_locks, unit->adapter->limits.pull))
			request = queue_take(unit, next);
		port_unit_unlock(unit);
		if (!request)
			return started;
		request_start(request);
	}
}

void port_unit_pump(struct port_unit *unit)
{
	if (unit_pump(unit) && unlikely(unit->adapter->limits.pull))
		port_adapter_pump(unit->adapter);
}

void port_others_go_on(struct port_unit *unit, bool all)
{
	if (all)
		port_adapter_pump(unit->adapter);
	else
		port_unit_pump(unit);
}

void port_adapter_pump(struct port_adapter *adapter)
{
	uint32_t count = adapter->unit_count;
	uint32_t turn = atomic_fetch_add_explicit(&adapter->pump_turn, 1, memory_order_relaxed);
	bool started;

	do {
		started = false;
		/* Each unit comes first once: what the adapter may still take is not always the
		 * same one's. */
		for (uint32_t n = 0; n < count; n++)
			started |= unit_pump(adapter->units[(turn + n) % count]);
		started |= unit_pump(&adapter->self);
		/* A pulling miniport's turn, while it was taken, was refused to units seen before.
		 */
	} while (started && unlikely(adapter->limits.pull));
}

void port_unit_drain(struct port_unit *unit)
{
	struct port_request *request;

	do {
		port_unit_lock(unit);
		request = queue_take(unit, &unit->head);
		port_unit_unlock(unit);
		if (request)
			port_request_fail(request, SRB_STATUS_NO_HBA);
	} while (request);
}

bool port_unit_flush(struct port_unit *unit)
{
	struct port_request *waiting = NULL, *next;
	bool is_frozen;

	port_unit_lock(unit);
	is_frozen = unit->closed & PORT_FROZEN;
	if (is_frozen) {
		waiting = unit->head;
		unit->head = NULL;
		unit->tail = &unit->head;
	}
	port_unit_unlock(unit);
	for (; waiting; waiting = next) {
		next = waiting->next;
		port_request_fail(waiting, SRB_STATUS_REQUEST_FLUSHED);
	}
	if (is_frozen)
		port_unit_let_go(unit, PORT_FROZEN);
	return is_frozen;
}

/* Completions of others that a unit waits for which had no room, in hundredths of what it has
 * outstanding; one that was busy for another reason goes on with the next. */
static uint32_t retries_after(const struct port_request *request)
{
	const struct port_unit *unit = request->unit;
	uint32_t part = unit->outstanding * unit->entries.full_percent / 100;

	return request->scsi_status == SCSISTAT_QUEUE_FULL ? max_of(part, 1u) : 1;
}

static void retry_later(struct port_unit *unit)
{
	cpu_timer_set(&unit->retry, unit->entries.pause_ms * 1000000ull, 0);
}

bool port_unit_again(struct port_request *request)
{
	struct port_unit *unit = request->unit;
	struct port_adapter *adapter = unit->adapter;
	bool is_alone, fails;

	port_unit_lock(unit);
	fails = is_stopped(adapter);
	if (!fails) {
		trace(TRACE_SRB_AGAIN, request->id, request->busy_retries);
		atomic_store_explicit(&request->state, PORT_REQUEST_QUEUED, memory_order_relaxed);
		queue_return(unit, request);
		if (!(unit->closed & PORT_RETRY))
			trace(TRACE_PORT_CLOSE, adapter->number, unit->number, PORT_RETRY);
		unit->closed |= PORT_RETRY;
		port_count_out(request, false);
		unit->retry_left = retries_after(request);
	}
	is_alone = !unit->outstanding;
	port_unit_unlock(unit);
	if (fails)
		return false;
	/* Another completion on this unit opens it again; without one, time does. */
	if (is_alone)
		retry_later(unit);
	if (port_adapter_count_out(adapter, false, cpu_inner_locks))
		port_adapter_pump(adapter);
	return true;
}

void port_unit_sense(struct port_request *request)
{
	struct port_unit *unit = request->unit;
	bool fails;

	port_unit_lock(unit);
	port_count_out(request, true);
	fails = is_stopped(unit->adapter);
	if (!fails) {
		atomic_store_explicit(&request->state, PORT_REQUEST_QUEUED, memory_order_relaxed);
		request->next = unit->head;
		unit->head = request;
		if (!request->next)
			unit->tail = &request->next;
	}
	port_unit_unlock(unit);
	if (fails)
		port_request_fail(request, SRB_STATUS_NO_HBA);
	/* Others may be waiting for the room that it had. */
	port_others_go_on(unit, port_adapter_count_out(unit->adapter, true, cpu_inner_locks));
}

bool port_unit_sense_now(struct port_unit *unit)
{
	struct port_adapter *adapter = unit->adapter;
	struct port_request *request = NULL;

	port_unit_lock(unit);
	if (unit->head && port_is_sense(unit->head) && !(unit->closed & ~(uint32_t)PORT_HELD) &&
		atomic_load(&adapter->closed) == PORT_AWAY &&
		(!adapter->limits.pull || port_turn_take(unit))) {
		request = queue_take(unit, &unit->head);
		request->is_counted = true;
		unit->outstanding++;
		port_adapter_add(adapter, 1);
	}
	port_unit_unlock(unit);
	if (request)
		request_start(request);
	return request;
}

/* In the meantime a gate may have been closed: then it has its place in the unit's queue again. Its
 * registers go back, as the gate may be one that waits for others, which wait for registers. */
void port_request_granted(struct dma_waiter *waiter)
{
	struct port_request *request = container_of(waiter, struct port_request, waiter);
	struct port_unit *unit = request->unit;
	struct port_adapter *adapter = unit->adapter;
	/* Of the two, data-in is the one that waits. */
	struct dma_mapping *mapping =
		unlikely(request->in) ? &request->in->mapping : &request->mapping;
	struct dma_run unused = {0};
	bool is_closed, fails, is_alone = false;

	mapping->run = waiter->run;
	port_unit_lock(unit);
	fails = is_stopped(adapter);
	/* PORT_TAKEN is its own doing. */
	is_closed = (unit->closed | atomic_load(&adapter->closed)) &
		    ~(PORT_TAKEN | port_request_passes(request));
	if (is_closed && !fails) {
		unused = mapping->run;
		mapping->run = (struct dma_run){0};
		queue_return(unit, request);
		port_count_out(request, false);
		is_alone = unit->closed & PORT_RETRY && !unit->outstanding;
	}
	port_unit_unlock(unit);
	dma_run_give(unused);
	/* It was what another, which had come back busy, waited for. */
	if (is_alone)
		retry_later(unit);
	if (fails)
		port_request_fail(request, SRB_STATUS_NO_HBA);
	else if (!is_closed)
		request_start_and_on(request, adapter->limits.pull);
	else if (port_adapter_count_out(adapter, false, cpu_inner_locks))
		port_adapter_pump(adapter);
	if (is_closed || fails)
		turn_give_back(adapter);
}
