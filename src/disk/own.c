/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Transfers kept back for commands of our own, so that no front, however deep its queue, keeps
 * them from being sent. Who finds none waits in order for those of other such commands. See disk.h.
 */
#include "disk/disk.h"
#include "util/error.h"

#include <errno.h>

#define LOOK_NS 1000000000ull /* between two looks whether a command is lost */

struct own_wait {
	struct own_wait *next;
	struct cpu_thread *thread;
	_Atomic(struct disk_transfer *) got;
};

static struct disk_own *own_of(const struct port_adapter *adapter)
{
	struct disk_transfers *of = adapter->front;

	return &of->ours;
}

int disk_own_init(struct disk_own *own, struct port_adapter *adapter)
{
	own->tail = &own->head;
	for (unsigned n = 0; n < DISK_OWN; n++) {
		struct disk_transfer *transfer = &own->all[n];

		transfer->request = port_request_get(adapter);
		if (!transfer->request)
			return -ENOMEM;
		transfer->request->ctx = transfer;
		port_request_rest(transfer->request);
		transfer->next = own->free;
		own->free = transfer;
	}
	return 0;
}

void disk_own_put_back(struct disk_own *own)
{
	for (unsigned n = 0; n < DISK_OWN; n++)
		if (own->all[n].request)
			port_request_put(own->all[n].request);
}

/* Takes one, or enters the queue. */
static void take_or_wait(struct disk_own *own, struct own_wait *wait)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_spin_acquire(&own->lock);
	wait->got = own->free;
	if (own->free) {
		own->free = own->free->next;
	} else {
		*own->tail = wait;
		own->tail = &wait->next;
	}
	cpu_spin_release(&own->lock);
	cpu_irql_lower(irql);
}

/* Who hands one over has the waiter's stack and thread in use until he lets go of the lock. */
static void let_go(struct disk_own *own)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_spin_acquire(&own->lock);
	cpu_spin_release(&own->lock);
	cpu_irql_lower(irql);
}

static bool has_lost(const struct disk_own *own)
{
	for (unsigned n = 0; n < DISK_OWN; n++)
		if (port_request_is_lost(own->all[n].request))
			return true;
	return false;
}

struct disk_transfer *disk_own_get(struct disk *disk, bool is_vital)
{
	struct port_adapter *adapter = disk->unit->adapter;
	struct disk_own *own = own_of(adapter);
	struct own_wait wait = {.thread = cpu_self->thread};
	struct disk_transfer *transfer;

	take_or_wait(own, &wait);
	if (unlikely(!wait.got)) {
		while (!atomic_load(&wait.got)) {
			cpu_thread_park(LOOK_NS);
			if (is_vital && has_lost(own))
				port_adapter_give_up(adapter);
		}
		let_go(own);
	}
	transfer = wait.got;
	disk_transfer_begin(transfer, transfer->request, disk);
	return transfer;
}

void disk_own_put(struct disk_transfer *transfer)
{
	struct disk_own *own = own_of(transfer->request->adapter);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct own_wait *wait;

	port_request_rest(transfer->request);
	cpu_spin_acquire(&own->lock);
	wait = own->head;
	if (wait) {
		own->head = wait->next;
		if (!own->head)
			own->tail = &own->head;
		atomic_store(&wait->got, transfer);
		cpu_thread_unpark(wait->thread);
	} else {
		transfer->next = own->free;
		own->free = transfer;
	}
	cpu_spin_release(&own->lock);
	cpu_irql_lower(irql);
}
