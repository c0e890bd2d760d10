/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ex: executive resources: many may hold one shared, or a single thread exclusive, each as often as
 * it likes. Holders and waiters are lists under one lock; a waiter is granted what it waits for by
 * whoever releases, in the order of coming, but that all shared waiters come in together.
 */
#include "nt/nt_check.h"
#include "nt/ps_thread.h"
#include "util/export.h"

#include <stdlib.h>

struct holder {
	struct holder *next;
	struct nt_thread *thread;
	unsigned times;
};

struct waiter {
	LIST_ENTRY entry;
	struct holder *holder; /* what it becomes */
	bool exclusive;
	KEVENT granted;
};

struct resource {
	uint32_t magic;
	bool exclusive; /* how the holders hold it */
	struct holder *holders;
	LIST_ENTRY waiters;
	unsigned exclusive_waiters;
};
_Static_assert(
	sizeof(struct resource) <= sizeof(ERESOURCE), "an ERESOURCE holds a struct resource");
#define RESOURCE_MAGIC 0x7e50u

static struct nt_lock lock;

static struct resource *resource_of(PERESOURCE resource)
{
	return (struct resource *)resource;
}

static bool is_resource(PERESOURCE resource, const char *routine, uint64_t number)
{
	if (likely(resource_of(resource)->magic == RESOURCE_MAGIC))
		return true;
	nt_violation(number, "%s of a resource that is not initialised", routine);
	return false;
}

/* ---- with the lock held ---- */

static struct holder **find(struct resource *resource, const struct nt_thread *thread)
{
	struct holder **link;

	for (link = &resource->holders; *link; link = &(*link)->next)
		if ((*link)->thread == thread)
			break;
	return link;
}

static void hold(struct resource *resource, struct holder *holder, bool exclusive)
{
	holder->next = resource->holders;
	resource->holders = holder;
	resource->exclusive = exclusive;
}

/* Whether the thread may have it now. Recursion ever; a newcomer not past an exclusive waiter. */
static bool take(struct resource *resource, struct holder *spare, bool exclusive, bool *spare_used)
{
	struct holder *mine = *find(resource, spare->thread);

	*spare_used = false;
	if (mine && (resource->exclusive || !exclusive)) {
		mine->times++;
		return true;
	}
	if (resource->holders && (exclusive || resource->exclusive || resource->exclusive_waiters))
		return false;
	hold(resource, spare, exclusive);
	*spare_used = true;
	return true;
}

static void grant(struct resource *resource, struct waiter *waiter)
{
	RemoveEntryList(&waiter->entry);
	resource->exclusive_waiters -= waiter->exclusive;
	hold(resource, waiter->holder, waiter->exclusive);
}

/* Nobody holds it any more: the waiters who have it now, chained by their entries. */
static void grant_next(struct resource *resource, LIST_ENTRY *granted)
{
	LIST_ENTRY *entry = resource->waiters.Flink, *next;
	struct waiter *first = CONTAINING_RECORD(entry, struct waiter, entry);
	bool exclusive;

	if (IsListEmpty(&resource->waiters))
		return;
	exclusive = first->exclusive;
	for (; entry != &resource->waiters; entry = next) {
		struct waiter *waiter = CONTAINING_RECORD(entry, struct waiter, entry);

		next = entry->Flink;
		if (waiter->exclusive != exclusive)
			continue;
		grant(resource, waiter);
		InsertTailList(granted, &waiter->entry);
		if (exclusive)
			break;
	}
}

/* ---- */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
	struct resource *resource = resource_of(Resource);

	cpu_poll();
	nt_irql_max("ExInitializeResourceLite", IRQL_DISPATCH, NT_C4(0xE5));
	*resource = (struct resource){.magic = RESOURCE_MAGIC};
	InitializeListHead(&resource->waiters);
	return STATUS_SUCCESS;
}
DRY_EXPORT(ExInitializeResourceLite)

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
	struct resource *resource = resource_of(Resource);
	bool held;

	cpu_poll();
	nt_irql_max("ExDeleteResourceLite", IRQL_APC, NT_C4(NT_RULE_EX_APC));
	if (!is_resource(Resource, "ExDeleteResourceLite", NT_C4(0xD1)))
		return STATUS_INVALID_PARAMETER;
	nt_lock_take(&lock);
	held = resource->holders;
	if (!held)
		resource->magic = 0;
	nt_lock_drop(&lock);
	if (held)
		nt_violation(
			NT_C4(0x100B), "ExDeleteResourceLite of a resource that is still held");
	return STATUS_SUCCESS;
}
DRY_EXPORT(ExDeleteResourceLite)

static struct holder *holder_new(struct nt_thread *thread)
{
	struct holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		cpu_die("out of memory for the holder of a resource");
	holder->thread = thread;
	holder->times = 1;
	return holder;
}

/* WithinCriticalRegion: a holder that is suspended would stop all others. */
static void check_apcs(const char *routine, const struct nt_thread *self, uint64_t code)
{
	if (self->apc_disable <= 0 && self->guarded <= 0 && cpu_irql() < IRQL_APC)
		nt_violation(NT_C4(code),
			"%s called with normal kernel APCs enabled: KeEnterCriticalRegion comes "
			"before",
			routine);
}

static BOOLEAN acquire(const char *routine, PERESOURCE pointer, bool exclusive, bool waits)
{
	struct resource *resource = resource_of(pointer);
	struct nt_thread *self = nt_thread_current();
	struct waiter waiter = {.exclusive = exclusive};
	bool taken, used;

	nt_processor(routine);
	cpu_poll();
	nt_irql_max(routine, IRQL_APC, NT_C4(NT_RULE_EX_APC));
	if (!is_resource(pointer, routine, NT_C4(0x1002)))
		return FALSE;
	check_apcs(routine, self, 0x37);
	waiter.holder = holder_new(self);
	KeInitializeEvent(&waiter.granted, NotificationEvent, FALSE);
	nt_lock_take(&lock);
	taken = take(resource, waiter.holder, exclusive, &used);
	if (!taken && waits) {
		InsertTailList(&resource->waiters, &waiter.entry);
		resource->exclusive_waiters += exclusive;
	}
	nt_lock_drop(&lock);
	if (!taken && waits) {
		KeWaitForSingleObject(&waiter.granted, Executive, KernelMode, FALSE, NULL);
		return TRUE;
	}
	if (!used)
		free(waiter.holder);
	return taken;
}

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
	return acquire("ExAcquireResourceExclusiveLite", Resource, true, Wait);
}
DRY_EXPORT(ExAcquireResourceExclusiveLite)

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
	return acquire("ExAcquireResourceSharedLite", Resource, false, Wait);
}
DRY_EXPORT(ExAcquireResourceSharedLite)

VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
	static const char routine[] = "ExReleaseResourceLite";
	struct resource *resource = resource_of(Resource);
	struct nt_thread *self = nt_thread_current();
	struct holder **link, *mine, *gone = NULL;
	LIST_ENTRY granted;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0xE5));
	if (!is_resource(Resource, routine, NT_C4(0x1002)))
		return;
	check_apcs(routine, self, 0x38);
	InitializeListHead(&granted);
	nt_lock_take(&lock);
	link = find(resource, self);
	mine = *link;
	if (mine && !--mine->times) {
		gone = mine;
		*link = mine->next;
		if (!resource->holders)
			grant_next(resource, &granted);
	}
	nt_lock_drop(&lock);
	if (!mine)
		nt_violation(
			NT_C4(0x1007), "%s by a thread that does not hold the resource", routine);
	free(gone);
	while (!IsListEmpty(&granted)) /* a waiter's entry is its stack: gone once it is told */
		KeSetEvent(
			&CONTAINING_RECORD(RemoveHeadList(&granted), struct waiter, entry)->granted,
			0, FALSE);
}
DRY_EXPORT(ExReleaseResourceLite)

/* How often the calling thread holds it; only if exclusive, when asked so. */
static unsigned times_held(const char *routine, PERESOURCE pointer, bool exclusive)
{
	struct resource *resource = resource_of(pointer);
	struct nt_thread *self = nt_thread_current();
	struct holder *mine;
	unsigned times;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0xE5));
	if (!is_resource(pointer, routine, NT_C4(0x1002)))
		return 0;
	nt_lock_take(&lock);
	mine = *find(resource, self);
	times = mine && (resource->exclusive || !exclusive) ? mine->times : 0;
	nt_lock_drop(&lock);
	return times;
}

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
	return times_held("ExIsResourceAcquiredExclusiveLite", Resource, true) > 0;
}
DRY_EXPORT(ExIsResourceAcquiredExclusiveLite)

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
	return times_held("ExIsResourceAcquiredSharedLite", Resource, false);
}
DRY_EXPORT(ExIsResourceAcquiredSharedLite)
