/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Transfers, their MDLs and buffers: made once, handed out in the path. See disk.h. */
#include "disk/disk.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>

#define TRANSFERS   192 /* fewer than an adapter has slots, so that only transfers are waited for */
#define BUFFERS_MAX 64
#define BUFFER_MIN  (64u << 10)

static struct {
	struct cpu_spinlock lock;
	struct disk_transfer *all, *free;
	struct disk_io *head, **tail; /* waiting for a transfer */
	void **buffers;		      /* free ones, a stack */
	unsigned buffers_free;
	uint32_t buffer_bytes;
	char *memory;
	uint64_t memory_bytes;
	char *own; /* a page for each transfer's parameter list */
} pool;

static int buffers_new(void)
{
	uint64_t count = mem_size() / 4 / pool.buffer_bytes;

	count = max_of(min_of(count, (uint64_t)BUFFERS_MAX), 2ull);
	pool.memory_bytes = count * pool.buffer_bytes;
	pool.memory = mem_alloc(pool.memory_bytes, 0, MEM_DATA, NULL);
	pool.buffers = calloc(count, sizeof(*pool.buffers));
	pool.own = mem_alloc(TRANSFERS * PAGE_SIZE, 0, MEM_OWN, NULL);
	if (!pool.memory || !pool.buffers || !pool.own)
		return -ENOMEM;
	for (unsigned n = 0; n < count; n++)
		pool.buffers[n] = pool.memory + (uint64_t)n * pool.buffer_bytes;
	pool.buffers_free = (unsigned)count;
	return 0;
}

int disk_pool_init(uint32_t max_transfer)
{
	pool.buffer_bytes = (uint32_t)round_up(max_of(max_transfer, BUFFER_MIN), MEM_PAGE_SIZE);
	pool.head = NULL;
	pool.tail = &pool.head;
	pool.all = calloc(TRANSFERS, sizeof(*pool.all));
	if (!pool.all || buffers_new())
		goto out;
	for (unsigned n = 0; n < TRANSFERS; n++) {
		struct disk_transfer *transfer = &pool.all[n];

		/* One page more than the bytes need: a caller's buffer may start anywhere in its
		 * page. */
		transfer->mdl = IoAllocateMdl(
			pool.memory, pool.buffer_bytes + PAGE_SIZE, FALSE, FALSE, NULL);
		if (!transfer->mdl)
			goto out;
		transfer->own = pool.own + n * PAGE_SIZE;
		transfer->next = pool.free;
		pool.free = transfer;
	}
	return 0;
out:
	disk_pool_fini();
	return error_set(ENOMEM,
		"no memory for transfers of %u bytes; give the machine more (--ram).",
		max_transfer);
}

void disk_pool_fini(void)
{
	for (unsigned n = 0; pool.all && n < TRANSFERS; n++)
		if (pool.all[n].mdl)
			IoFreeMdl(pool.all[n].mdl);
	if (pool.memory)
		mem_free(pool.memory, pool.memory_bytes);
	if (pool.own)
		mem_free(pool.own, TRANSFERS * PAGE_SIZE);
	free(pool.all);
	free(pool.buffers);
	pool.all = pool.free = NULL;
	pool.buffers = NULL;
	pool.memory = pool.own = NULL;
}

static void waiter_push(struct disk_io *waiter)
{
	waiter->next = NULL;
	*pool.tail = waiter;
	pool.tail = &waiter->next;
}

static bool is_there(bool with_buffer)
{
	return pool.free && (!with_buffer || pool.buffers_free);
}

static struct disk_io *waiter_pop(void)
{
	struct disk_io *waiter = pool.head;

	if (likely(!waiter) || !is_there(waiter->needs_buffer))
		return NULL;
	pool.head = waiter->next;
	if (!pool.head)
		pool.tail = &pool.head;
	return waiter;
}

struct disk_io *disk_waiter_next(void)
{
	struct disk_io *waiter;

	cpu_spin_acquire(&pool.lock);
	waiter = waiter_pop();
	cpu_spin_release(&pool.lock);
	return waiter;
}

struct disk_transfer *disk_transfer_get(struct disk *disk, bool with_buffer, struct disk_io *waiter)
{
	struct disk_transfer *transfer = NULL;

	cpu_spin_acquire(&pool.lock);
	if (is_there(with_buffer)) {
		transfer = pool.free;
		pool.free = transfer->next;
		transfer->buffer = with_buffer ? pool.buffers[--pool.buffers_free] : NULL;
	} else if (waiter) {
		waiter_push(waiter);
	}
	cpu_spin_release(&pool.lock);
	if (!transfer)
		return NULL;
	transfer->disk = disk;
	transfer->request = port_request_get(disk->unit->adapter);
	transfer->tries = 0;
	transfer->once = false;
	transfer->request->unit = disk->unit;
	transfer->request->ctx = transfer;
	return transfer;
}

struct disk_io *disk_transfer_put(struct disk_transfer *transfer)
{
	struct disk_io *waiter;

	port_request_put(transfer->request);
	cpu_spin_acquire(&pool.lock);
	if (transfer->buffer)
		pool.buffers[pool.buffers_free++] = transfer->buffer;
	transfer->next = pool.free;
	pool.free = transfer;
	waiter = waiter_pop();
	cpu_spin_release(&pool.lock);
	return waiter;
}

void disk_transfer_describe(struct disk_transfer *transfer, void *va, uint32_t bytes)
{
	MmInitializeMdl(transfer->mdl, va, bytes);
	nt_mdl_build(transfer->mdl);
	transfer->request->mdl = transfer->mdl;
	transfer->request->data = va;
	transfer->request->length = bytes;
	transfer->bytes = bytes;
}
