/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Work items: StorPortInitializeWorker, QueueWorkItem, FreeWorker. Their routines run at PASSIVE in
 * the adapter's worker threads, which the first item makes: several, so that an item may wait for
 * another. As with timers (ddi_stor_timer.c), a handle is a record of a block that lives as long as
 * the adapter.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#define ITEMS	 256
#define THREADS	 4
#define WORK_TAG 0x6b725754u /* 'TWrk' */
#define PATIENCE 10	     /* seconds for a routine to return when its adapter stops */

enum item_state { ITEM_FREE, ITEM_IDLE, ITEM_QUEUED };

struct stor_item {
	struct stor_item *next;
	PHW_WORKITEM routine;
	PVOID context;
	enum item_state state;
};

struct stor_worker {
	struct stor_work *work;
	struct cpu_thread *thread;
	PHW_WORKITEM running; /* NULL: none */
	bool is_idle;	      /* parked, or about to be; the queue is empty */
	bool has_ended;
};

struct stor_work {
	struct stor_adapter *adapter;
	struct cpu_spinlock lock;
	struct stor_item *head, **tail;
	bool ends;
	struct stor_worker worker[THREADS];
	struct stor_item item[ITEMS];
};

static uint8_t work_lock(struct stor_work *work)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_spin_acquire(&work->lock);
	return irql;
}

static void work_unlock(struct stor_work *work, uint8_t irql)
{
	cpu_spin_release(&work->lock);
	cpu_irql_lower(irql);
}

static struct stor_item *item_of(struct stor_work *work, void *handle)
{
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)(work ? work->item : NULL);

	return work && offset < sizeof(work->item) && offset % sizeof(work->item[0]) == 0 ? handle
											  : NULL;
}

/* ---- the threads ---- */

/* Under the lock: the next item's routine, and what it gets. */
static PHW_WORKITEM item_take(struct stor_work *work, PVOID *context, struct stor_item **item)
{
	*item = work->head;
	if (!*item)
		return NULL;
	work->head = (*item)->next;
	if (!work->head)
		work->tail = &work->head;
	(*item)->state = ITEM_IDLE; /* its routine may queue or free it */
	*context = (*item)->context;
	return (*item)->routine;
}

static void worker_main(void *ctx)
{
	struct stor_worker *worker = ctx;
	struct stor_work *work = worker->work;
	struct stor_adapter *adapter = work->adapter;
	struct stor_item *item;
	PVOID context = NULL;
	bool ends = false;

	while (!ends) {
		uint8_t irql = work_lock(work);

		worker->running = item_take(work, &context, &item);
		ends = work->ends && !worker->running;
		worker->is_idle = !ends && !worker->running;
		worker->has_ended = ends;
		work_unlock(work, irql);
		if (worker->running) {
			worker->running(adapter->hba.extension, context, item);
			port_hba_irql_check(&adapter->hba, "HwStorWorkItem", IRQL_PASSIVE);
		} else if (!ends) {
			cpu_thread_park(CPU_FOREVER);
		}
	}
}

/* Under the lock. */
static void worker_wake(struct stor_work *work)
{
	for (unsigned n = 0; n < THREADS; n++) {
		if (!work->worker[n].is_idle)
			continue;
		work->worker[n].is_idle = false;
		cpu_thread_unpark(work->worker[n].thread);
		return;
	}
}

static void work_end(struct stor_work *work)
{
	for (unsigned n = 0; n < THREADS; n++)
		if (work->worker[n].thread) {
			cpu_thread_join(work->worker[n].thread);
			cpu_thread_free(work->worker[n].thread);
		}
}

/* ---- life ---- */

static struct stor_work *work_new(struct stor_adapter *adapter)
{
	struct stor_work *work = nt_pool_alloc(sizeof(*work), WORK_TAG, NULL, true);

	if (!work)
		return NULL;
	work->adapter = adapter;
	work->tail = &work->head;
	return work;
}

/* Under the lock: the first item starts them. */
static bool threads_start(struct stor_work *work)
{
	for (unsigned n = 0; n < THREADS; n++) {
		struct stor_worker *worker = &work->worker[n];

		if (worker->thread)
			continue;
		worker->work = work;
		worker->thread =
			cpu_thread_new(worker_main, worker, n % cpu_count(), "Storport worker");
		if (!worker->thread)
			return false;
	}
	return true;
}

static struct stor_work *work_get(struct stor_adapter *adapter)
{
	struct stor_work *work = atomic_load(&adapter->work), *none = NULL;

	if (work)
		return work;
	work = work_new(adapter);
	if (!work || atomic_compare_exchange_strong(&adapter->work, &none, work))
		return work;
	nt_pool_free(work);
	return none;
}

ULONG stor_initialize_worker(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *handle = stor_arg(args, PVOID *);
	struct stor_item *free = NULL;
	struct stor_work *work;
	uint8_t irql;

	if (stor_irql_too_high("StorPortInitializeWorker"))
		return STOR_STATUS_INVALID_IRQL;
	if (!handle)
		return STOR_STATUS_INVALID_PARAMETER;
	work = adapter->hba.phase == PORT_HBA_STOPPED ? NULL : work_get(adapter);
	if (!work)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	irql = work_lock(work);
	for (unsigned n = 0; n < ITEMS && !free && !work->ends; n++)
		if (work->item[n].state == ITEM_FREE)
			free = &work->item[n];
	if (free && threads_start(work))
		free->state = ITEM_IDLE;
	else
		free = NULL;
	work_unlock(work, irql);
	if (!free)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	*handle = free;
	return STOR_STATUS_SUCCESS;
}

/* Under the lock. */
static ULONG item_queue(
	struct stor_work *work, struct stor_item *item, PHW_WORKITEM routine, PVOID context)
{
	if (item->state == ITEM_FREE)
		return STOR_STATUS_INVALID_PARAMETER;
	if (item->state == ITEM_QUEUED)
		return STOR_STATUS_BUSY;
	if (work->ends || work->adapter->hba.phase == PORT_HBA_STOPPED)
		return STOR_STATUS_INVALID_DEVICE_STATE;
	item->state = ITEM_QUEUED;
	item->routine = routine;
	item->context = context;
	item->next = NULL;
	*work->tail = item;
	work->tail = &item->next;
	worker_wake(work);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_queue_work_item(struct stor_adapter *adapter, struct stor_call *args)
{
	PHW_WORKITEM routine = stor_arg(args, PHW_WORKITEM);
	struct stor_work *work = atomic_load(&adapter->work);
	struct stor_item *item = item_of(work, stor_arg(args, PVOID));
	PVOID context = stor_arg(args, PVOID);
	uint8_t irql;
	ULONG status;

	if (stor_irql_too_high("StorPortQueueWorkItem"))
		return STOR_STATUS_INVALID_IRQL;
	if (!routine || !item)
		return STOR_STATUS_INVALID_PARAMETER;
	irql = work_lock(work);
	status = item_queue(work, item, routine, context);
	work_unlock(work, irql);
	return status;
}

ULONG stor_free_worker(struct stor_adapter *adapter, struct stor_call *args)
{
	struct stor_work *work = atomic_load(&adapter->work);
	struct stor_item *item = item_of(work, stor_arg(args, PVOID));
	ULONG status = STOR_STATUS_SUCCESS;
	uint8_t irql;

	if (stor_irql_too_high("StorPortFreeWorker"))
		return STOR_STATUS_INVALID_IRQL;
	if (!item)
		return STOR_STATUS_INVALID_PARAMETER;
	irql = work_lock(work);
	if (item->state == ITEM_FREE)
		status = STOR_STATUS_UNSUCCESSFUL;
	else if (item->state == ITEM_QUEUED)
		status = STOR_STATUS_BUSY;
	else
		item->state = ITEM_FREE;
	work_unlock(work, irql);
	return status;
}

/* ---- the end ---- */

/* Whether one has not ended; what it runs, NULL: nothing. */
static bool is_at_work(struct stor_work *work, PHW_WORKITEM *running)
{
	uint8_t irql = work_lock(work);
	bool found = false;

	for (unsigned n = 0; n < THREADS && !found; n++) {
		found = work->worker[n].thread && !work->worker[n].has_ended;
		*running = work->worker[n].running;
	}
	work_unlock(work, irql);
	return found;
}

/* The same while it only rests: whether one is queued or runs. */
static bool is_busy(struct stor_work *work, PHW_WORKITEM *running)
{
	uint8_t irql = work_lock(work);
	bool found = work->head;

	*running = found ? work->head->routine : NULL;
	for (unsigned n = 0; n < THREADS && !found; n++) {
		found = work->worker[n].running;
		*running = work->worker[n].running;
	}
	work_unlock(work, irql);
	return found;
}

static void await_end(
	struct stor_work *work, bool (*goes_on)(struct stor_work *work, PHW_WORKITEM *running))
{
	uint64_t start = cpu_clock();
	PHW_WORKITEM running;

	while (goes_on(work, &running)) {
		const char *place = nt_code_place ? nt_code_place((uintptr_t)running) : NULL;

		if (cpu_clock() - start > PATIENCE * 1000000000ull)
			cpu_die("%s stops, but a work item's routine has not returned for %u "
				"seconds: %s.",
				work->adapter->hba.name, PATIENCE,
				place ? place : "an unknown one");
		cpu_thread_park(1000000);
	}
}

void stor_work_rest(struct stor_adapter *adapter)
{
	struct stor_work *work = atomic_load(&adapter->work);

	if (work)
		await_end(work, is_busy);
}

void stor_work_stop(struct stor_adapter *adapter)
{
	struct stor_work *work = atomic_load(&adapter->work);
	uint8_t irql;

	if (!work || work->ends)
		return;
	irql = work_lock(work);
	work->ends = true;
	for (unsigned n = 0; n < THREADS; n++)
		worker_wake(work);
	work_unlock(work, irql);
	await_end(work, is_at_work);
	work_end(work);
}

void stor_work_free(struct stor_adapter *adapter)
{
	struct stor_work *work = atomic_exchange(&adapter->work, NULL);

	if (work)
		nt_pool_free(work);
}
