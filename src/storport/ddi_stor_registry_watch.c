/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortEnableRegistryKeyNotification: the miniport's routine is called when something has
 * changed below its service's Parameters\\Device. A thread of the adapter does it, at
 * PASSIVE_LEVEL, as the routine is to read the registry; changes that come while it runs lead to
 * one more call.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/registry.h"

#define WATCH_TAG 0x68635752 /* "RWch" */
#define LOOK_NS	  10000000
#define PATIENCE  10 /* seconds for the routine to return when its adapter stops */

struct stor_registry_watch {
	struct reg_watch watch; /* first */
	struct stor_adapter *adapter;
	_Atomic(PHW_REGISTRY_NOTIFICATION_ROUTINE) routine;
	struct cpu_thread *thread;
	_Atomic bool has_changed, ends, has_ended;
};

static void changed(struct reg_watch *watch)
{
	struct stor_registry_watch *w = (struct stor_registry_watch *)watch;

	if (!atomic_exchange(&w->has_changed, true))
		cpu_thread_unpark(w->thread);
}

static void watch_main(void *ctx)
{
	struct stor_registry_watch *w = ctx;
	struct port_hba *hba = &w->adapter->hba;

	while (!atomic_load(&w->ends)) {
		/* What changes while the adapter is stopped is told when it is back. */
		if (hba->phase == PORT_HBA_STOPPED && atomic_load(&w->has_changed)) {
			cpu_thread_park(LOOK_NS);
		} else if (!atomic_exchange(&w->has_changed, false)) {
			cpu_thread_park(CPU_FOREVER);
		} else {
			atomic_load (&w->routine)(hba->extension);
			port_hba_irql_check(hba, "HwStorRegistryNotification", IRQL_PASSIVE);
		}
	}
	atomic_store(&w->has_ended, true);
}

/* NULL: out of memory. */
static struct stor_registry_watch *watch_new(
	struct stor_adapter *adapter, PHW_REGISTRY_NOTIFICATION_ROUTINE routine)
{
	struct stor_registry_watch *w = nt_pool_alloc(sizeof(*w), WATCH_TAG, NULL, true);

	if (!w)
		return NULL;
	w->watch.changed = changed;
	w->adapter = adapter;
	atomic_store(&w->routine, routine);
	w->thread = cpu_thread_new(watch_main, w, 0, "Storport registry watch");
	reg_lock();
	w->watch.key = w->thread ? reg_service_key("Parameters\\Device", true) : NULL;
	if (w->watch.key)
		reg_watch_add(&w->watch);
	reg_unlock();
	return w;
}

static void thread_end(struct stor_registry_watch *w)
{
	uint64_t start = cpu_clock();

	atomic_store(&w->ends, true);
	cpu_thread_unpark(w->thread);
	while (!atomic_load(&w->has_ended)) {
		if (cpu_clock() - start > PATIENCE * 1000000000ull)
			cpu_die("%s stops, but its HwStorRegistryNotification has not returned for "
				"%u seconds.",
				w->adapter->hba.name, PATIENCE);
		cpu_thread_park(1000000);
	}
	cpu_thread_join(w->thread);
	cpu_thread_free(w->thread);
}

static void watch_end(struct stor_registry_watch *w)
{
	reg_lock();
	if (w->watch.key)
		reg_watch_remove(&w->watch);
	reg_unlock();
	if (w->thread)
		thread_end(w);
	nt_pool_free(w);
}

/* Called again, it changes the routine; of no page. */
ULONG stor_watch_registry(struct stor_adapter *adapter, struct stor_call *args)
{
	PHW_REGISTRY_NOTIFICATION_ROUTINE routine =
		stor_arg(args, PHW_REGISTRY_NOTIFICATION_ROUTINE);
	struct stor_registry_watch *w = atomic_load(&adapter->registry_watch);

	if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
		nt_violation(0,
			"StorPortEnableRegistryKeyNotification at IRQL %u: it is for "
			"PASSIVE_LEVEL.",
			KeGetCurrentIrql());
		return STOR_STATUS_INVALID_IRQL;
	}
	if (!routine)
		return STOR_STATUS_INVALID_PARAMETER;
	if (w) {
		atomic_store(&w->routine, routine);
		return STOR_STATUS_SUCCESS;
	}
	w = watch_new(adapter, routine);
	if (!w)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	if (w->watch.key && atomic_compare_exchange_strong(&adapter->registry_watch,
				    &(struct stor_registry_watch *){NULL}, w))
		return STOR_STATUS_SUCCESS;
	watch_end(w);
	return STOR_STATUS_INSUFFICIENT_RESOURCES;
}

void stor_registry_watch_end(struct stor_adapter *adapter)
{
	struct stor_registry_watch *w = atomic_exchange(&adapter->registry_watch, NULL);

	if (w)
		watch_end(w);
}
