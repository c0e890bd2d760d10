/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Transfers, their MDLs and requests: made once for each adapter, handed out in the path. Buffers
 * are the machine's, for all adapters; so are those who wait. Of both each processor has its own,
 * under a lock of its own, and takes others' when it has none. See disk.h.
 *
 * Whoever gives something back looks for waiters inside the lock of what he gives, and a waiter
 * enters the queue before it looks, inside the same lock, what there is: one of the two sees the
 * other. Order of locks: waiters, then transfers or buffers.
 */
#include "disk/disk.h"
#include "mem/mem.h"
#include "nt/mdl.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS_MAX 64
#define BORROW_MAX  16 /* of another processor's transfers at once */
#define BUFFER_MIN  (64u << 10)

static struct {
	struct buffer_list {
		struct host_owned lock;	 /* this processor's, at DISPATCH */
		_Atomic unsigned count;	 /* what others may look at without it */
		void *free[BUFFERS_MAX]; /* a stack */
	} APART here[CPU_MAX];
	uint32_t bytes; /* of one */
	char *memory;
	uint64_t memory_bytes;
} buffers;

static struct {
	struct cpu_spinlock lock;
	struct disk_io *head, **tail;
	_Atomic unsigned adapters; /* that have transfers */
} waiters __attribute__((aligned(64)));

_Atomic bool disk_waiters_any;

/* ---- life ---- */

static unsigned buffers_of(const struct buffer_list *list)
{
	return atomic_load_explicit(&list->count, memory_order_relaxed);
}

static void buffer_add(struct buffer_list *list, void *buffer)
{
	unsigned count = buffers_of(list);

	list->free[count] = buffer;
	atomic_store_explicit(&list->count, count + 1, memory_order_relaxed);
}

/* NULL: there is none. */
static void *buffer_take(struct buffer_list *list)
{
	unsigned count = buffers_of(list);

	if (!count)
		return NULL;
	atomic_store_explicit(&list->count, count - 1, memory_order_relaxed);
	return list->free[count - 1];
}

int disk_pool_init(uint32_t max_transfer)
{
	uint64_t count;

	waiters.head = NULL;
	waiters.tail = &waiters.head;
	buffers.bytes = (uint32_t)round_up(max_of(max_transfer, BUFFER_MIN), MEM_PAGE_SIZE);
	count = min_of(mem_size() / 4 / buffers.bytes, (uint64_t)BUFFERS_MAX);
	count = max_of(count, 2ull);
	buffers.memory_bytes = count * buffers.bytes;
	buffers.memory = mem_alloc(buffers.memory_bytes, 0, MEM_DATA, NULL);
	if (!buffers.memory)
		return error_set(ENOMEM,
			"no memory for transfers of %u bytes; give the machine more (--ram).",
			max_transfer);
	memset(buffers.here, 0, sizeof(buffers.here));
	for (uint64_t n = 0; n < count; n++)
		buffer_add(
			&buffers.here[n * cpu_count() / count], buffers.memory + n * buffers.bytes);
	return 0;
}

void disk_pool_fini(void)
{
	if (buffers.memory)
		mem_free(buffers.memory, buffers.memory_bytes);
	buffers.memory = NULL;
}

/* Its requests go with the adapter's slots. */
static void transfers_free(struct port_adapter *adapter)
{
	struct disk_transfers *of = adapter->front;

	for (unsigned n = 0; n < DISK_TRANSFERS; n++)
		if (of->all[n].mdl)
			IoFreeMdl(of->all[n].mdl);
	if (of->own)
		mem_free(of->own, DISK_TRANSFERS * PAGE_SIZE);
	free(of);
	adapter->front = NULL;
	atomic_fetch_sub(&waiters.adapters, 1);
}

static int transfer_init(struct port_adapter *adapter, struct disk_transfers *of, unsigned n)
{
	struct disk_transfer *transfer = &of->all[n];
	struct disk_transfer_list *list = &of->here[n * cpu_count() / DISK_TRANSFERS];

	/* One page more than the bytes need: a caller's buffer may start anywhere in its page. */
	transfer->mdl =
		IoAllocateMdl(buffers.memory, buffers.bytes + PAGE_SIZE, FALSE, FALSE, NULL);
	transfer->request = port_request_get(adapter);
	if (!transfer->mdl || !transfer->request)
		return -ENOMEM;
	transfer->request->ctx = transfer;
	transfer->request->page_done = cpu_inner_locks ? disk_page_done_among : disk_page_done;
	disk_transfer_ready(transfer);
	transfer->own = of->own + n * PAGE_SIZE;
	transfer->request->next = disk_transfers_first(list);
	disk_transfers_begin_with(list, transfer->request);
	return 0;
}

int disk_transfers_new(struct port_adapter *adapter)
{
	struct disk_transfers *of = aligned_alloc(_Alignof(struct disk_transfers), sizeof(*of));
	uint8_t irql;
	int err;

	if (!of)
		return error_set(ENOMEM, "%s: no memory for its transfers.", adapter->name);
	memset(of, 0, sizeof(*of));
	adapter->front = of;
	adapter->front_end = transfers_free;
	atomic_fetch_add(&waiters.adapters, 1);
	of->own = mem_alloc(DISK_TRANSFERS * PAGE_SIZE, 0, MEM_OWN, NULL);
	err = of->own ? 0 : -ENOMEM;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < DISK_TRANSFERS && !err; n++)
		err = transfer_init(adapter, of, n);
	err = err ? err : disk_own_init(&of->ours, adapter);
	if (err)
		disk_own_put_back(&of->ours);
	for (unsigned n = 0; n < DISK_TRANSFERS && err; n++)
		if (of->all[n].request)
			port_request_put(of->all[n].request);
	cpu_irql_lower(irql);
	if (!err)
		return 0;
	transfers_free(adapter);
	return error_set(ENOMEM,
		"%s: no memory for transfers of %u bytes; give the machine more (--ram).",
		adapter->name, buffers.bytes);
}

uint32_t disk_buffer_bytes(void)
{
	return buffers.bytes;
}

/* ---- who waits ---- */

/* Who gives a transfer back, and does not see that somebody waits, has done so before the first who
 * waits, looking for one afterwards, passes the barrier. Who comes later, and looks after he has
 * queued, sees what was given back without a look at the queue before that. */
void disk_waiter_push(struct disk_io *waiter)
{
	bool is_first;

	cpu_inner_acquire(&waiters.lock);
	waiter->next = NULL;
	*waiters.tail = waiter;
	waiters.tail = &waiter->next;
	is_first = !atomic_load_explicit(&disk_waiters_any, memory_order_relaxed);
	if (unlikely(is_first))
		atomic_store_explicit(&disk_waiters_any, true, memory_order_relaxed);
	cpu_inner_release(&waiters.lock);
	if (is_first && cpu_inner_locks)
		host_barrier_all();
}

bool disk_transfer_is_there(const struct disk_transfers *of)
{
	for (unsigned n = 0, count = cpu_count(); n < count; n++)
		if (disk_transfers_first(&of->here[n]))
			return true;
	return false;
}

static bool buffer_is_there(void)
{
	for (unsigned n = 0, count = cpu_count(); n < count; n++)
		if (buffers_of(&buffers.here[n]))
			return true;
	return false;
}

/* Takes out the one that *link leads to; waiters.lock held. */
static struct disk_io *waiter_take(struct disk_io **link)
{
	struct disk_io *waiter = *link;

	*link = waiter->next;
	if (unlikely(!*link)) {
		waiters.tail = link;
		if (!waiters.head)
			atomic_store_explicit(&disk_waiters_any, false, memory_order_relaxed);
	}
	return waiter;
}

/* In order, those of one adapter: one that rests holds up no other's. */
static __attribute__((noinline)) struct disk_io *waiter_take_any(void)
{
	struct disk_io **link, *waiter = NULL;
	uint32_t is_behind = 0; /* adapters by number, whose first one has to wait */
	unsigned behind = 0;

	cpu_inner_acquire(&waiters.lock);
	for (link = &waiters.head; *link && !waiter && behind < waiters.adapters;) {
		struct disk_io *at = *link;
		struct port_adapter *adapter = at->disk->adapter;
		uint32_t bit = 1u << adapter->number % 32;

		if (!(is_behind & bit) && disk_transfer_is_there(adapter->front) &&
			(!at->needs_buffer || buffer_is_there())) {
			waiter = waiter_take(link);
		} else {
			behind += !(is_behind & bit);
			is_behind |= bit;
			link = &at->next;
		}
	}
	cpu_inner_release(&waiters.lock);
	return waiter;
}

struct disk_io *disk_waiter_next(void)
{
	struct disk_io *first;

	if (cpu_inner_locks)
		return waiter_take_any();
	/* Where there are no locks, and one adapter: what the first gets decides. */
	first = waiters.head;
	if (unlikely(first && (first->needs_buffer || waiters.adapters != 1)))
		return waiter_take_any();
	return first && disk_transfers_first(disk_transfers_here(NULL, first->disk->adapter, false))
		       ? waiter_take(&waiters.head)
		       : NULL;
}

struct disk_io *disk_waiter_of_page(const struct port_adapter *adapter)
{
	struct disk_io *first;

	cpu_inner_acquire(&waiters.lock);
	first = waiters.head;
	if (first && likely(first->disk->adapter == adapter && !first->needs_buffer &&
			     first->frame != MEM_NO_ADDRESS))
		waiter_take(&waiters.head);
	else
		first = NULL;
	cpu_inner_release(&waiters.lock);
	return first;
}

struct disk_io *disk_waiters_take(const struct disk *disk)
{
	struct disk_io *taken = NULL, **link;

	cpu_inner_acquire(&waiters.lock);
	for (link = &waiters.head; *link;) {
		struct disk_io *at = *link;

		if (at->disk != disk) {
			link = &at->next;
			continue;
		}
		waiter_take(link);
		at->next = taken;
		taken = at;
	}
	cpu_inner_release(&waiters.lock);
	return taken;
}

/* ---- the path ---- */

/* Inside the locks of both: one to use, and some for the next requests, as it is dear to come here.
 * One stays where it was then: who looks whether there are any finds it at any time. */
static struct port_request *borrow_from(
	struct disk_transfer_list *from, struct disk_transfer_list *to)
{
	struct port_request *taken = disk_transfers_first(from), *next = taken ? taken->next : NULL;

	for (unsigned n = 1; n < BORROW_MAX && next && next->next; n++) {
		struct port_request *moved = next;

		next = moved->next;
		moved->next = disk_transfers_first(to);
		disk_transfers_begin_with(to, moved);
	}
	if (taken)
		disk_transfers_begin_with(from, next);
	return taken;
}

struct port_request *disk_transfer_borrow(struct disk_transfers *of)
{
	struct port_request *request = NULL;
	unsigned count = cpu_count(), here = cpu_self->number;

	if (!disk_transfer_is_there(of))
		return NULL;
	host_owned_enter(&of->here[0].lock, count, sizeof(of->here[0]));
	for (unsigned n = 1; n < count && !request; n++)
		request = borrow_from(&of->here[(here + n) % count], &of->here[here]);
	host_owned_leave(&of->here[0].lock, count, sizeof(of->here[0]));
	return request;
}

/* Likewise: one, and half of the others, rounded down. */
static __attribute__((noinline)) void *buffer_borrow(struct buffer_list *to)
{
	unsigned count = cpu_count(), here = (unsigned)(to - buffers.here);
	void *taken = NULL;

	if (!buffer_is_there())
		return NULL;
	host_owned_enter(&buffers.here[0].lock, count, sizeof(*to));
	for (unsigned n = 1; n < count && !taken; n++) {
		struct buffer_list *from = &buffers.here[(here + n) % count];

		taken = buffer_take(from);
		for (unsigned moved = buffers_of(from) / 2; moved; moved--)
			buffer_add(to, buffer_take(from));
	}
	host_owned_leave(&buffers.here[0].lock, count, sizeof(*to));
	return taken;
}

static struct buffer_list *buffers_enter(bool locks)
{
	struct cpu *cpu = cpu_self;
	struct buffer_list *list = &buffers.here[locks ? cpu->number : 0];

	if (locks) {
		cpu_poll_own_by(cpu);
		host_owned_acquire(&list->lock);
	}
	return list;
}

static void *buffer_pop(bool locks)
{
	struct buffer_list *list = buffers_enter(locks);
	void *buffer = buffer_take(list);

	if (!locks)
		return buffer;
	host_owned_release(&list->lock);
	return likely(buffer != NULL) ? buffer : buffer_borrow(list);
}

/* As disk_transfer_push. */
static bool buffer_push(void *buffer, bool locks)
{
	struct buffer_list *list = buffers_enter(locks);
	bool waits;

	buffer_add(list, buffer);
	if (locks)
		host_barrier_light();
	waits = atomic_load_explicit(&disk_waiters_any, memory_order_relaxed);
	if (locks)
		host_owned_release(&list->lock);
	return unlikely(waits);
}

void disk_transfer_ready(struct disk_transfer *transfer)
{
	struct port_request *request = transfer->request;

	port_request_renew(request);
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->action = request->power = 0;
	request->cdb_length = DISK_PAGE_CDB;
	request->mdl = transfer->mdl;
	request->done = disk_part_done;
	transfer->buffer = NULL;
	transfer->tries = 0;
	transfer->once = false;
	transfer->is_whole = true;
	port_request_rest(request);
}

struct disk_transfer *disk_transfer_get(struct disk *disk, bool with_buffer, struct disk_io *waiter)
{
	struct disk_transfer *transfer = disk_transfer_pop(disk, cpu_inner_locks);

	if (likely(transfer != NULL))
		disk_transfer_begin(transfer, transfer->request, disk);
	if (with_buffer && likely(transfer != NULL)) {
		transfer->buffer = buffer_pop(cpu_inner_locks);
		if (!transfer->buffer) {
			disk_transfer_ready(transfer);
			disk_transfer_push(cpu_self, transfer->request, cpu_inner_locks);
			transfer = NULL;
		}
	}
	if (unlikely(!transfer) && waiter)
		disk_waiter_push(waiter);
	return transfer;
}

struct disk_io *disk_transfer_put(struct disk_transfer *transfer)
{
	bool waits = false;

	if (transfer->buffer)
		waits = buffer_push(transfer->buffer, cpu_inner_locks);
	disk_transfer_ready(transfer);
	waits |= disk_transfer_push(cpu_self, transfer->request, cpu_inner_locks);
	return unlikely(waits) ? disk_waiter_next() : NULL;
}

void disk_transfer_describe(struct disk_transfer *transfer, void *va, uint32_t bytes)
{
	if (unlikely(!mdl_describe_data(transfer->mdl, va, bytes))) {
		transfer->mdl->MdlFlags = 0;
		nt_mdl_build(transfer->mdl);
	}
	transfer->request->mdl = transfer->mdl;
	transfer->request->data = va;
	transfer->request->length = bytes;
	transfer->bytes = bytes;
}
