/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke and Ex: mutexes (dispatcher objects: ke_object.h) and fast mutexes. A KMUTEX's SignalState is
 * 1 when free, 0 when held, lower when held repeatedly by its owner; KeWaitFor... takes it.
 */
#include "nt/ke_object.h"
#include "nt/nt_check.h"
#include "nt/ps_thread.h"
#include "util/export.h"

static bool is_mutex(const KMUTEX *mutex, const char *routine)
{
	return ke_object_check(&mutex->Header, KE_MUTEX, KE_MUTEX, routine, "mutex");
}

VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
	*Mutex = (KMUTEX){.ApcDisable = 1};
	ke_object_init(&Mutex->Header, KE_MUTEX, 1);
}
DRY_EXPORT(KeInitializeMutex)

/* ke_lock held: from its owner's hands back to free. */
static void give_up(KMUTEX *mutex, struct nt_thread *owner)
{
	RemoveEntryList(&mutex->MutantListEntry);
	mutex->OwnerThread = NULL;
	mutex->Header.SignalState = 1;
	owner->apc_disable -= mutex->ApcDisable;
	ke_signal(&mutex->Header);
}

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
	struct nt_thread *self;
	bool owned, abandoned;
	LONG before;

	nt_processor("KeReleaseMutex");
	cpu_poll();
	nt_irql_max("KeReleaseMutex", Wait ? IRQL_APC : IRQL_DISPATCH,
		NT_C4(Wait ? NT_RULE_KE_APC : NT_RULE_KE_DISPATCH));
	if (!is_mutex(Mutex, "KeReleaseMutex"))
		return 0;
	self = nt_thread_current();
	nt_lock_take(&ke_lock);
	before = Mutex->Header.SignalState;
	abandoned = Mutex->Abandoned;
	owned = Mutex->OwnerThread == nt_thread_ke(self);
	if (owned && before == 0)
		give_up(Mutex, self);
	else if (owned)
		Mutex->Header.SignalState++;
	nt_lock_drop(&ke_lock);
	if (!owned) {
		nt_violation(NT_C4(0x1004),
			"KeReleaseMutex of a mutex that the calling thread does not hold");
		ExRaiseStatus(abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
	}
	return before;
}
DRY_EXPORT(KeReleaseMutex)

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
	LONG state;

	cpu_poll();
	nt_irql_max("KeReadStateMutex", IRQL_DISPATCH, NT_C4(NT_RULE_KE_DISPATCH));
	if (!is_mutex(Mutex, "KeReadStateMutex"))
		return 0;
	nt_lock_take(&ke_lock);
	state = Mutex->Header.SignalState;
	nt_lock_drop(&ke_lock);
	return state;
}
DRY_EXPORT(KeReadStateMutex)

unsigned ke_mutex_abandon_all(struct nt_thread *thread)
{
	unsigned count = 0;

	nt_lock_take(&ke_lock);
	while (!IsListEmpty(&thread->mutexes)) {
		KMUTEX *mutex = CONTAINING_RECORD(thread->mutexes.Flink, KMUTEX, MutantListEntry);

		mutex->Abandoned = TRUE;
		give_up(mutex, thread);
		count++;
	}
	nt_lock_drop(&ke_lock);
	return count;
}

/* ---- fast mutexes: Count 1 is free, 0 held; Event wakes one who found it held ---- */

enum fast { FAST_TAKEN, FAST_BUSY, FAST_MINE };

static enum fast fast_take(PFAST_MUTEX mutex, PKTHREAD self)
{
	enum fast result = FAST_BUSY;

	nt_lock_take(&ke_lock);
	if (mutex->Count == 1) {
		mutex->Count = 0;
		mutex->Owner = self;
		result = FAST_TAKEN;
	} else if (mutex->Owner == self) {
		result = FAST_MINE;
	} else {
		mutex->Contention++;
	}
	nt_lock_drop(&ke_lock);
	return result;
}

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
	uint8_t old = nt_processor("ExAcquireFastMutex")->irql;
	PKTHREAD self = nt_thread_ke(nt_thread_current());
	enum fast result;

	cpu_poll();
	if (nt_irql_max("ExAcquireFastMutex", IRQL_APC, NT_C4(0x33)))
		cpu_irql_raise(IRQL_APC);
	while ((result = fast_take(FastMutex, self)) != FAST_TAKEN) {
		if (result == FAST_MINE) {
			nt_violation(NT_C4(0x1000), "ExAcquireFastMutex by the thread that holds "
						    "it already: a deadlock");
			KeBugCheckEx(0xC4, 0x1000, (ULONG_PTR)FastMutex, 0, 0);
		}
		KeWaitForSingleObject(&FastMutex->Event, Executive, KernelMode, FALSE, NULL);
	}
	FastMutex->OldIrql = old;
}
DRY_EXPORT(ExAcquireFastMutex)

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
	uint8_t old = nt_processor("ExTryToAcquireFastMutex")->irql;

	cpu_poll();
	if (nt_irql_max("ExTryToAcquireFastMutex", IRQL_APC, NT_C4(0x33)))
		cpu_irql_raise(IRQL_APC);
	if (fast_take(FastMutex, nt_thread_ke(nt_thread_current())) == FAST_TAKEN) {
		FastMutex->OldIrql = old;
		return TRUE;
	}
	cpu_irql_lower(old);
	return FALSE;
}
DRY_EXPORT(ExTryToAcquireFastMutex)

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
	uint8_t irql = nt_processor("ExReleaseFastMutex")->irql;
	PKTHREAD self = nt_thread_ke(nt_thread_current());
	KIRQL old = (KIRQL)FastMutex->OldIrql;
	bool owned;

	if (irql != IRQL_APC)
		nt_violation(NT_C4(0x34),
			"ExReleaseFastMutex called at IRQL %u (%s); it must be APC_LEVEL", irql,
			nt_irql_name(irql));
	nt_lock_take(&ke_lock);
	owned = FastMutex->Owner == self;
	if (owned) {
		FastMutex->Owner = NULL;
		FastMutex->Count = 1;
	}
	nt_lock_drop(&ke_lock);
	if (!owned) {
		nt_violation(NT_C4(0x1004), "ExReleaseFastMutex by a thread that does not hold it");
		return;
	}
	KeSetEvent(&FastMutex->Event, 0, FALSE);
	cpu_irql_lower(min_of(old, irql));
}
DRY_EXPORT(ExReleaseFastMutex)
