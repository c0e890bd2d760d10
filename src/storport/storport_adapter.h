/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The Storport model: push, with an unsynchronised HwStorBuildIo before HwStorStartIo.
 *
 * Drivers, adapters and their life are port/hba.h's; hba.c has Storport's share in it. start.c is
 * station 4, interrupt.c station 6, lock.c the three kinds of lock; ddi_*.c are the routines that
 * miniports call. A routine gets its adapter from the HwDeviceExtension pointer: the page's owner
 * is the adapter, so a foreign pointer is recognised before it is followed.
 *
 * A *virtual* miniport controls no hardware: its adapter has no function on the bus, no DMA, no
 * interrupt, and its requests have no lists; virtual.c has what is said to it alone.
 *
 * Interrupt lock. A line, and messages under InterruptSynchronizeAll, share interrupt_lock; under
 * InterruptSynchronizePerMessage each message has its own and "the interrupt lock" is all of them,
 * in order (LK-9).
 */
#ifndef DRY_STORPORT_STORPORT_ADAPTER_H
#define DRY_STORPORT_STORPORT_ADAPTER_H

#include "cpu/home_lock.h"
#include "nt/nt_lock.h"
#include "port/hba.h"

#include <storport.h>

#define STOR_DIRQL 8
#define STOR_DPCS  256

/* A STOR_DPC the miniport initialised: it never runs on two processors at once (LK-10). */
struct stor_dpc {
	PSTOR_DPC dpc;
	PHW_DPC_ROUTINE routine;
	struct stor_adapter *adapter;
	struct cpu_home_lock running;
} APART; /* several processors have one each */

struct stor_vector {
	struct bus_interrupt interrupt;
	struct stor_adapter *adapter;
	struct cpu_home_lock lock;   /* of this message, in per-message mode */
	struct cpu_home_lock *guard; /* under which it is served */
	void *extension;	     /* what its service calls: the miniport does not change them */
	PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE routine;
} APART;

/* StorPortStateChangeDetected: the call back that is still to come. */
struct stor_state_change {
	_Atomic bool pending;
	struct cpu_dpc dpc;
	PHW_STATE_CHANGE routine;
	PVOID context;
	STOR_ADDR_BTL8 address;
};

struct stor_adapter {
	struct port_hba hba; /* first: the model's functions get this pointer */
	PORT_CONFIGURATION_INFORMATION config;
	bool is_dump;		   /* in crash-dump mode: dump.h */
	struct stor_block *blocks; /* memory that the miniport asked for: ddi_stor_dma_memory.c */
	_Atomic(struct stor_timers *) timers;	/* ddi_stor_timer.c; NULL: none was asked for */
	_Atomic(struct stor_work *) work;	/* ddi_stor_work.c */
	_Atomic(struct stor_threads *) threads; /* ddi_stor_thread.c */
	_Atomic(struct stor_power *) power;	/* ddi_stor_power.c */
	_Atomic(struct stor_registry_watch *) registry_watch; /* ddi_stor_registry_watch.c */
	STOR_UNIT_ATTRIBUTES unit_attributes[PORT_UNITS_MAX]; /* by port_unit.number */
	struct cpu_dpc async;	      /* StorPortAsyncNotificationDetected */
	_Atomic uint64_t async_flags; /* of the one that is on its way, 0: none */
	ULONG features;	       /* StorPortSetFeatureList: a bit for each STORPORT_FEATURE_TYPE */
	void *registry_buffer; /* StorPortAllocateRegistryBuffer: one at a time */
	PHW_PASSIVE_INITIALIZE_ROUTINE passive_init;
	struct stor_service *services; /* that the miniport has: ddi_stor_service.c */
	struct nt_lock services_lock;

	struct cpu_home_lock startio_lock;
	struct cpu_home_lock interrupt_lock;
	bool full_duplex, per_message;
	bool concurrent;     /* StartIo runs without the StartIo lock: channels, or virtual */
	uint64_t processors; /* that serve its interrupts, a bit each */
	unsigned messages;   /* granted; 0: the line */
	unsigned range_first, range_count; /* of them, of its queues; none: it named none */
	struct stor_vector vectors[BUS_MESSAGES_MAX];
	unsigned vectors_connected;

	struct stor_dpc dpcs[STOR_DPCS];
	_Atomic unsigned dpc_count;
	unsigned channels; /* ConcurrentChannels, 0: not asked for */

	struct stor_state_change state_change;
};

/* ---- hba.c ---- */

extern const struct port_driver_model stor_driver_model;

static inline bool stor_is_virtual(const struct stor_adapter *adapter)
{
	return !adapter->hba.function;
}

/* As port_hba_of. */
static inline struct stor_adapter *stor_adapter_of(const void *extension, const char *routine)
{
	return (struct stor_adapter *)port_hba_of(extension, routine);
}

/* ---- start.c ---- */

extern const struct port_model stor_model;
/* Whenever what a start depends on has changed: full_duplex, concurrent, HwBuildIo. */
void stor_start_settle(struct stor_adapter *adapter);
/* The locks that HwStorStartIo, HwStorTimer, HwStorResetBus and HwStorStateChange are called under
 * (4.2): StartIo, in half duplex the interrupt lock too. At DISPATCH. leave checks the IRQL that
 * the callback left before it lets go. */
void stor_callback_enter(struct port_hba *hba);
void stor_callback_leave(struct port_hba *hba, const char *callback);

/* ---- interrupt.c ---- */

int stor_interrupt_connect(struct port_hba *hba);
void stor_interrupt_disconnect(struct port_hba *hba);
BOOLEAN stor_dpc_init(struct stor_adapter *adapter, PSTOR_DPC dpc, PHW_DPC_ROUTINE routine);

/* ---- interrupt_entries.c; PASSIVE ---- */

/* As many messages as the registry lets the device have; 0: the line. */
unsigned stor_entries_messages(const struct stor_adapter *adapter);
/* The processors that may serve its interrupts, a bit each: one at least. */
uint64_t stor_entries_processors(const struct stor_adapter *adapter);

/* ---- interrupt_target.c ---- */

uint8_t stor_message_processor(const struct stor_adapter *adapter, unsigned message);
/* The message that interrupts this processor, or one that does not if there is none; 0: the line.
 */
unsigned stor_processor_message(const struct stor_adapter *adapter, unsigned processor);
/* While the miniport initialises: these messages are its queues'. Those that it has not do not
 * count. */
void stor_messages_redirect(struct stor_adapter *adapter, unsigned first, unsigned last);

/* ---- ddi_stor_dma_memory.c; PASSIVE ---- */

/* Reports and frees what the miniport never freed. */
void stor_blocks_free(struct stor_adapter *adapter);

/* ---- ddi_stor_timer.c, ddi_stor_work.c, ddi_stor_thread.c; PASSIVE, in a kernel thread ---- */

/* No expiry begins from here on; those that have begun end with the DPCs (cpu_dpc_flush). */
void stor_timers_stop(struct stor_adapter *adapter);
/* The same until the adapter starts again: timers that are armed no longer are. */
void stor_timers_rest(struct stor_adapter *adapter);
void stor_timers_free(struct stor_adapter *adapter);
/* Waits until all items that were queued have run. */
void stor_work_stop(struct stor_adapter *adapter);
/* The same for an adapter that will start again: its workers stay. */
void stor_work_rest(struct stor_adapter *adapter);
void stor_work_free(struct stor_adapter *adapter);
/* Waits for the miniport's threads to end. */
void stor_threads_free(struct stor_adapter *adapter);
/* PASSIVE: the miniport's routine for changes of the registry runs no more. */
void stor_registry_watch_end(struct stor_adapter *adapter);
/* StorPortTerminateSystemThread: returns only if the calling thread is none of the adapter's. */
void stor_thread_terminate(struct stor_adapter *adapter, void *context);

/* ---- ddi_stor_power.c ---- */

void stor_power_free(struct stor_adapter *adapter);

/* ---- ddi_stor_service.c; PASSIVE ---- */

/* port_driver_model.control */
NTSTATUS stor_control(struct port_hba *hba, PIRP irp);
/* HwStorCompleteServiceIrp; no service request comes any more, and no thread is in
 * HwStorProcessServiceRequest. */
void stor_services_leave(struct stor_adapter *adapter);
/* Reports and ends what the miniport has not ended. */
void stor_services_end(struct stor_adapter *adapter);

/* ---- ddi_stor_object.c ---- */

/* What StorPortGetDeviceObjects tells; each may be NULL. */
void stor_objects_get(
	const struct stor_adapter *adapter, PVOID *functional, PVOID *physical, PVOID *lower);

/* ---- virtual.c ---- */

/* Whether DriverEntry's data are a virtual miniport's: the older structure, or the newer one that
 * says so. */
bool stor_virtual_is(const HW_INITIALIZATION_DATA *data);
/* What is wrong with a virtual miniport's data, NULL: nothing that keeps it from running. */
const char *stor_virtual_bad(const HW_INITIALIZATION_DATA *data);
/* HwStorFindAdapter with a virtual miniport's arguments; its result. */
ULONG stor_virtual_find(struct stor_adapter *adapter, PCHAR arguments, PBOOLEAN again);
/* PASSIVE, the last calls that an adapter gets: HwStorCompleteServiceIrp,
 * HwStorFreeAdapterResources. */
void stor_virtual_remove(struct stor_adapter *adapter);

/* ---- lock.c ---- */

/* Raises to DIRQL and takes the interrupt lock, whatever the mode; returns the old IRQL. */
border_call uint8_t stor_interrupt_lock(struct stor_adapter *adapter);
border_call void stor_interrupt_unlock(struct stor_adapter *adapter, uint8_t irql);
/* The same for one message's lock (LK-9). unlock: false if it is not held. */
uint8_t stor_message_lock(struct stor_adapter *adapter, unsigned message);
bool stor_message_unlock(struct stor_adapter *adapter, unsigned message, uint8_t irql);
/* StorPortAcquireSpinLock, AcquireSpinLockEx and their counterpart; context is the STOR_DPC for
 * DpcLock, ThreadedDpcLock and DpcLevelLock (LK-2). */
static inline bool stor_lock_is_good(STOR_SPINLOCK kind, const void *context)
{
	bool is_of_dpc = kind == DpcLock || kind == ThreadedDpcLock || kind == DpcLevelLock;

	return kind == StartIoLock || kind == InterruptLock || (is_of_dpc && context);
}

border_call void stor_lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, void *context, PSTOR_LOCK_HANDLE handle);
border_call void stor_unlock(struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle);

#endif
