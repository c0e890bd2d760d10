/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 0 of 7, going down and coming back up: a request of the front, on a processor, is split
 * into transfers, and finished when the last of them is. Next: src/port/submit.c (1); before it,
 * io_submit.c. See disk.h.
 *
 * Requests that find no transfer wait in order; each transfer that ends lets those go on for whom
 * there is enough now.
 */
#include "disk/disk.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define TRIES_MAX 8

static bool io_go_on(struct disk_io *dio);

/* ---- coming back ---- */

path_inline void io_end_as(struct disk_io *dio, int result, bool locks)
{
	struct disk_counts *counts = disk_counts_here(cpu_self, dio->disk, locks);
	struct dry_io *io = dio->io;

	io->result = result;
	if (likely(!result)) {
		if (likely(disk_is_rw(io)))
			cpu_inner_add64_if(locks, &counts->moved[io->op], io->count);
	}
	/* The structure is the caller's from here. */
	io->done(io);
	cpu_own_end32(&counts->active);
}

void disk_io_end(struct disk_io *dio, int result)
{
	io_end_as(dio, result, cpu_inner_locks);
}

static __attribute__((noinline)) void io_release_other(struct disk_io *dio)
{
	int error;

	if (atomic_fetch_sub(&dio->pending, 1) != 1)
		return;
	error = atomic_load(&dio->error);
	if (error != -ENXIO || !disk_hold(dio))
		disk_io_end(dio, error);
}

/* Who holds the last one is alone with it. */
static void io_release(struct disk_io *dio)
{
	if (likely(atomic_load_explicit(&dio->pending, memory_order_acquire) == 1 &&
		    !atomic_load_explicit(&dio->error, memory_order_relaxed)))
		disk_io_end(dio, 0);
	else
		io_release_other(dio);
}

void disk_waiters_go_on_with(struct disk_io *first)
{
	for (struct disk_io *waiter = first; unlikely(waiter != NULL); waiter = disk_waiter_next())
		if (waiter->frame == MEM_NO_ADDRESS)
			io_go_on(waiter);
		else if (!disk_page_again(waiter))
			disk_io_start(waiter);
}

void disk_waiters_go_on(void)
{
	disk_waiters_go_on_with(disk_waiter_next());
}

/* Of one that is not simply good. */
bool disk_is_sent_again(struct disk_transfer *transfer, int *result)
{
	struct port_request *request = transfer->request;
	bool again;

	*result = disk_outcome(request, &again);
	if (!*result && request->transferred != request->length)
		*result =
			-EIO; /* short: the rest of the buffer is not what was asked for (SB-10) */
	if (!again || !*result || transfer->once || transfer->tries == TRIES_MAX)
		return false;
	transfer->tries++;
	atomic_fetch_add(request->flags & SRB_FLAGS_DATA_OUT ? &transfer->disk->again_written
							     : &transfer->disk->again_read,
		request->transferred);
	port_request_submit(request);
	return true;
}

/* What io_part would have written, and who submitted it. */
static void transfer_spell_out(struct disk_transfer *transfer)
{
	struct dry_io *io = transfer->request->what;
	struct disk_io *dio = (struct disk_io *)io->private_;

	transfer->io = dio;
	transfer->disk = transfer->request->where;
	transfer->is_whole = false;
	dio->io = io;
	dio->disk = transfer->disk;
	dio->at = dio->io->count;
	atomic_store(&dio->pending, 1);
	atomic_store(&dio->error, 0);
	dio->needs_buffer = false;
	dio->frame = transfer->request->data_at >> MEM_PAGE_SHIFT;
}

/* In a buffer, a part of several, or not good. */
static __attribute__((noinline)) void part_done_other(struct port_request *request)
{
	struct disk_transfer *transfer = request->ctx;
	struct disk_io *dio, *waiter;
	int result = 0, none = 0;

	if (transfer->is_whole)
		transfer_spell_out(transfer);
	dio = transfer->io;
	if (!disk_is_good(request) && disk_is_sent_again(transfer, &result))
		return;
	if (result)
		atomic_compare_exchange_strong(&dio->error, &none, result);
	else if (transfer->buffer && dio->io->op == DRY_OP_READ)
		memcpy(transfer->user, transfer->buffer, transfer->bytes);
	waiter = disk_transfer_put(transfer);
	disk_waiters_go_on_with(waiter);
	io_release(dio);
}

path_inline void part_done_as(struct port_request *request, bool locks)
{
	struct disk_transfer *transfer = request->ctx;
	struct dry_io *io = request->what;
	struct disk_io *dio;
	bool waits;

	if (unlikely(!disk_is_good(request) || !transfer->is_whole)) {
		part_done_other(request);
		return;
	}
	dio = (struct disk_io *)io->private_;
	dio->io = io;
	dio->disk = request->where;
	disk_transfer_ready(transfer);
	waits = disk_transfer_push(cpu_self, transfer->request, locks);
	/* Before the front is told, which may submit another: who waits is first. */
	if (unlikely(waits))
		disk_waiters_go_on();
	io_end_as(dio, 0, locks);
}

static __attribute__((noinline)) void part_done_locked(struct port_request *request)
{
	part_done_as(request, true);
}

void disk_part_done(struct port_request *request)
{
	if (unlikely(cpu_inner_locks))
		part_done_locked(request);
	else
		part_done_as(request, false);
}

/* ---- going down ---- */

/* Memory of the machine that the device may reach is used in place, if it is aligned as the adapter
 * wants. */
static inline bool is_in_place(const struct disk *disk, const void *buffer, uint64_t frame)
{
	return mem_frame_get(frame)->kind == MEM_DATA &&
	       !((uintptr_t)buffer &
		       atomic_load_explicit(&disk->in_place_mask, memory_order_relaxed));
}

/* Whether one command carries it all, from and to one page. */
static inline bool is_page(const struct disk *disk, const void *buffer, uint64_t bytes)
{
	return likely(((uintptr_t)buffer & MEM_PAGE_MASK) + bytes <= MEM_PAGE_SIZE &&
		      bytes - 1 < __atomic_load_n(&disk->info.max_transfer, __ATOMIC_RELAXED));
}

void disk_io_look(struct disk_io *dio, const struct disk *disk, const struct dry_io *io)
{
	uint64_t frame = mem_ram_frame_number(io->buffer);

	dio->needs_buffer = !is_in_place(disk, io->buffer, frame);
	dio->frame =
		!dio->needs_buffer && is_page(disk, io->buffer, io->count) ? frame : MEM_NO_ADDRESS;
}

/* The most bytes that one command may be for. */
static uint64_t part_most(const struct disk *disk, enum dry_op op)
{
	if (op == DRY_OP_TRIM)
		return (uint64_t)disk->max_unmap_blocks << disk->block_shift;
	if (op == DRY_OP_ZERO)
		return (uint64_t)disk->max_same_blocks << disk->block_shift;
	return disk->info.max_transfer;
}

static void part_rw(
	struct disk_transfer *transfer, const struct dry_io *io, uint64_t block, uint32_t bytes)
{
	bool write = io->op == DRY_OP_WRITE;
	char *user = transfer->user;

	if (transfer->buffer && write)
		memcpy(transfer->buffer, user, bytes);
	disk_transfer_describe(transfer, transfer->buffer ? transfer->buffer : user, bytes);
	disk_command_rw(transfer->request, transfer->disk, write, block,
		bytes >> transfer->disk->block_shift, io->flags & DRY_FUA);
}

/* The last part takes over what the issuer holds: from then on the request is not the issuer's. */
static bool part_is_last(struct disk_io *dio)
{
	if (dio->at == dio->io->count)
		return true;
	atomic_fetch_add_explicit(&dio->pending, 1, memory_order_relaxed);
	return false;
}

/* Sends the next part; false when that was the last. */
static bool io_part(struct disk_io *dio, struct disk_transfer *transfer)
{
	struct port_request *request = transfer->request;
	const struct dry_io *io = dio->io;
	const struct disk *disk = dio->disk;
	uint64_t left = io->count - dio->at, most = part_most(disk, io->op);
	uint64_t bytes = min_of(left, most);
	uint64_t block = (io->offset + dio->at) >> disk->block_shift;
	bool is_last;

	transfer->io = dio;
	transfer->user = io->buffer ? (char *)io->buffer + dio->at : NULL; /* a trim has none */
	dio->at += bytes;
	is_last = part_is_last(dio);
	switch (io->op) {
	case DRY_OP_READ:
	case DRY_OP_WRITE:
		part_rw(transfer, io, block, (uint32_t)bytes);
		break;
	case DRY_OP_FLUSH:
		disk_command_flush(transfer);
		break;
	case DRY_OP_TRIM:
		disk_command_unmap(transfer, block, (uint32_t)(bytes >> disk->block_shift));
		break;
	case DRY_OP_ZERO:
		disk_command_zero(transfer, block, (uint32_t)(bytes >> disk->block_shift));
		break;
	}
	request->done = disk_part_done;
	port_request_submit(request);
	return !is_last;
}

/* False: it waits for a transfer. */
static bool io_go_on(struct disk_io *dio)
{
	/* A part that failed has failed the whole: no more of it is asked for. */
	do {
		struct disk_transfer *transfer =
			disk_transfer_get(dio->disk, dio->needs_buffer, dio);

		if (unlikely(!transfer))
			return false;
		if (!io_part(dio, transfer))
			return true;
	} while (!atomic_load(&dio->error));
	io_release(dio);
	return true;
}

static __attribute__((noinline)) void io_start_other(struct disk_io *dio)
{
	/* It counts among the active: who takes the unit away has seen it, or it sees that. */
	if (unlikely(atomic_load(&dio->disk->is_gone))) {
		atomic_store(&dio->error, -ENXIO);
		io_release(dio);
		return;
	}
	if (unlikely(!dio->io->count && dio->io->op != DRY_OP_FLUSH))
		io_release(dio);
	else if (unlikely(!io_go_on(dio)))
		disk_waiters_go_on(); /* what it lacked may be there by now */
}

/* One that is all of a request, and a page: of this the record has io and disk, and needs no more.
 */
static void page_start(struct disk_transfer *transfer, struct disk_io *dio)
{
	struct port_request *request = transfer->request;
	const struct dry_io *io = dio->io;
	struct disk *disk = dio->disk;

	disk_command_rw(request, disk, io->op == DRY_OP_WRITE, io->offset >> disk->block_shift,
		(uint32_t)(io->count >> disk->block_shift), io->flags & DRY_FUA);
	request->action = request->power = 0;
	request->busy_retries = 0;
	request->what = dio->io;
	request->where = disk;
	request->unit = disk->unit;
	request->mdl_is_due = true;
	request->data_at = (dio->frame << MEM_PAGE_SHIFT) + ((uintptr_t)io->buffer & MEM_PAGE_MASK);
	request->data = io->buffer;
	request->length = (uint32_t)io->count;
	if (disk->adapter->takes_pages == PORT_PAGES_ALONE) {
		port_page_submit(request);
		return;
	}
	atomic_store_explicit(&request->state, PORT_REQUEST_HELD, memory_order_relaxed);
	port_request_submit(request);
}

/* io_start_other does the same of any. */
path_inline void io_start_as(struct disk_io *dio, bool locks)
{
	struct disk *disk = dio->disk;
	struct disk_transfer *transfer;

	if (unlikely(dio->frame == MEM_NO_ADDRESS || atomic_load(&disk->is_gone))) {
		io_start_other(dio);
		return;
	}
	transfer = disk_transfer_pop(disk, locks);
	if (unlikely(!transfer))
		io_start_other(dio);
	else
		page_start(transfer, dio);
}

static __attribute__((noinline)) void io_start_locked(struct disk_io *dio)
{
	io_start_as(dio, true);
}

void disk_io_start(struct disk_io *dio)
{
	if (unlikely(cpu_inner_locks))
		io_start_locked(dio);
	else
		io_start_as(dio, false);
}

void disk_io_waiters_fail(struct disk *disk)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct disk_io *dio = disk_waiters_take(disk), *next;

	for (; dio; dio = next) {
		next = dio->next;
		atomic_store(&dio->error, -ENXIO);
		io_release(dio);
	}
	cpu_irql_lower(irql);
}

void disk_io_again(struct disk_io *dio)
{
	dio->at = 0;
	atomic_store(&dio->pending, 1);
	atomic_store(&dio->error, 0);
	if (disk_is_rw(dio->io)) /* the adapter may be back with other limits */
		disk_io_look(dio, dio->disk, dio->io);
	disk_io_start(dio);
}

bool disk_enter(struct disk *disk)
{
	disk_active_begin(cpu_self, disk);
	if (likely(!atomic_load(&disk->is_gone)))
		return true;
	disk_leave(disk);
	return false;
}

void disk_leave(struct disk *disk)
{
	disk_active_end(cpu_self, disk);
}

bool disk_is_active(const struct disk *disk)
{
	uint32_t active = 0;

	host_barrier_all(); /* disk_active_begin */
	if (atomic_load(&disk->arriving))
		return true;
	for (unsigned n = 0; n < cpu_count(); n++)
		active += atomic_load(&disk->here[n].active);
	return active;
}

void disk_client_bytes(const struct disk *disk, uint64_t *read, uint64_t *written)
{
	*read = *written = 0;
	for (unsigned n = 0; n < cpu_count(); n++) {
		*read += atomic_load(&disk->here[n].moved[DRY_OP_READ]);
		*written += atomic_load(&disk->here[n].moved[DRY_OP_WRITE]);
	}
}
