/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 0 of 7, going down and coming back up: a request of the front is carried onto a processor
 * by a DPC, split into transfers, and finished when the last of them is. Next: src/port/submit.c
 * (1); before it, the front. See disk.h.
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
#define LOOK_NS	  1000000000ull /* between two looks whether a command is lost */

static bool io_go_on(struct disk_io *dio);
static void io_start(struct disk_io *dio);

/* ---- coming back ---- */

path_inline void io_end_as(struct disk_io *dio, int result, bool locks)
{
	struct disk_counts *counts = disk_counts_here(dio->disk, locks);
	struct dry_io *io = dio->io;

	io->result = result;
	if (likely(!result)) {
		if (io->op == DRY_OP_READ)
			cpu_inner_add64_if(locks, &counts->read, io->count);
		else if (io->op == DRY_OP_WRITE)
			cpu_inner_add64_if(locks, &counts->written, io->count);
	}
	/* The structure is the caller's from here. */
	io->done(io);
	cpu_inner_add32_if(locks, &counts->active, -1u);
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

static void waiters_go_on(struct disk_io *first)
{
	for (struct disk_io *waiter = first; unlikely(waiter != NULL); waiter = disk_waiter_next())
		if (waiter->frame != MEM_NO_ADDRESS)
			io_start(waiter);
		else
			io_go_on(waiter);
}

/* A request that is not simply good. True: it has been sent again; else 0 or -errno in *result. */
static bool is_sent_again(struct disk_transfer *transfer, int *result)
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

static inline bool is_good(const struct port_request *request)
{
	return likely(request->srb_status == SRB_STATUS_SUCCESS &&
		      request->transferred == request->length);
}

/* What disk_submit and io_part would have written. */
static void transfer_spell_out(struct disk_transfer *transfer)
{
	struct disk_io *dio = transfer->io;

	transfer->is_whole = false;
	transfer->buffer = NULL;
	transfer->tries = 0;
	transfer->once = false;
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
	struct disk_io *dio = transfer->io, *waiter;
	int result = 0, none = 0;

	if (transfer->is_whole)
		transfer_spell_out(transfer);
	if (!is_good(request) && is_sent_again(transfer, &result))
		return;
	if (result)
		atomic_compare_exchange_strong(&dio->error, &none, result);
	else if (transfer->buffer && dio->io->op == DRY_OP_READ)
		memcpy(transfer->user, transfer->buffer, transfer->bytes);
	waiter = disk_transfer_put(transfer);
	waiters_go_on(waiter);
	io_release(dio);
}

path_inline void part_done_as(struct port_request *request, bool locks)
{
	struct disk_transfer *transfer = request->ctx;
	struct disk_io *dio = transfer->io;
	bool waits;

	if (unlikely(!is_good(request) || !transfer->is_whole)) {
		part_done_other(request);
		return;
	}
	waits = disk_transfer_push(transfer, locks);
	/* Before the front is told, which may submit another: who waits is first. */
	if (unlikely(waits))
		waiters_go_on(disk_waiter_next());
	io_end_as(dio, 0, locks);
}

static __attribute__((noinline)) void part_done_locked(struct port_request *request)
{
	part_done_as(request, true);
}

static void part_done(struct port_request *request)
{
	if (unlikely(cpu_inner_locks))
		part_done_locked(request);
	else
		part_done_as(request, false);
}

/* ---- going down ---- */

static bool is_rw(const struct dry_io *io)
{
	return io->op == DRY_OP_READ || io->op == DRY_OP_WRITE;
}

/* Memory of the machine that the device may reach is used in place, if it is aligned as the adapter
 * wants. */
static inline bool is_in_place(const struct disk *disk, const void *buffer, uint64_t frame)
{
	return mem_frame_get(frame)->kind == MEM_DATA && !((uintptr_t)buffer & disk->in_place_mask);
}

/* Whether one command carries it all, from and to one page. */
static inline bool is_page(const struct disk *disk, const void *buffer, uint64_t bytes)
{
	return likely(((uintptr_t)buffer & MEM_PAGE_MASK) + bytes <= MEM_PAGE_SIZE &&
		      bytes - 1 < disk->info.max_transfer);
}

static void look_at_buffer(struct disk_io *dio, const struct disk *disk, const struct dry_io *io)
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
	request->done = part_done;
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
		waiters_go_on(disk_waiter_next()); /* what it lacked may be there by now */
}

/* What a request of the front asks for, read once. */
struct order {
	unsigned op;
	void *buffer;
	uint64_t bytes, offset;
};

static inline struct order order_of(const struct dry_io *io)
{
	return (struct order){(unsigned)io->op, io->buffer, io->count, io->offset};
}

/* The ordinary one is all of a request, and a page. Of this the record has io and disk, and needs
 * no more. */
path_inline void page_start(struct disk_transfer *transfer, struct disk_io *dio, struct disk *disk,
	const struct dry_io *io, struct order order, uint64_t frame)
{
	struct port_request *request = transfer->request;
	uint32_t shift = disk->block_shift, bytes = (uint32_t)order.bytes;

	disk_command_page(request, disk, order.op, order.offset >> shift, bytes >> shift,
		io->flags & DRY_FUA);
	transfer->io = dio;
	transfer->disk = disk;
	transfer->is_whole = true;
	request->unit = disk->unit;
	request->mdl = transfer->mdl;
	request->mdl_is_due = true;
	request->busy_retries = 0;
	request->data_at = (frame << MEM_PAGE_SHIFT) + ((uintptr_t)order.buffer & MEM_PAGE_MASK);
	request->data = order.buffer;
	request->length = bytes;
	request->done = part_done;
	if (likely(disk->adapter->takes_pages)) {
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
		page_start(transfer, dio, disk, dio->io, order_of(dio->io), dio->frame);
}

static __attribute__((noinline)) void io_start_locked(struct disk_io *dio)
{
	io_start_as(dio, true);
}

static void io_start(struct disk_io *dio)
{
	if (unlikely(cpu_inner_locks))
		io_start_locked(dio);
	else
		io_start_as(dio, false);
}

static void io_arrived(struct cpu_dpc *dpc)
{
	struct disk_io *dio = container_of(dpc, struct disk_io, dpc);
	struct disk *disk = dio->disk;

	/* In this order: disk_is_active looks the other way round. */
	disk_active_add(disk, 1);
	atomic_fetch_sub(&disk->arriving, 1);
	io_start(dio);
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
	if (is_rw(dio->io)) /* the adapter may be back with other limits */
		look_at_buffer(dio, dio->disk, dio->io);
	io_start(dio);
}

bool disk_enter(struct disk *disk)
{
	disk_active_add(disk, 1);
	if (likely(!atomic_load(&disk->is_gone)))
		return true;
	disk_leave(disk);
	return false;
}

void disk_leave(struct disk *disk)
{
	disk_active_add(disk, -1u);
}

bool disk_is_active(const struct disk *disk)
{
	uint32_t active = 0;

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
		*read += atomic_load(&disk->here[n].read);
		*written += atomic_load(&disk->here[n].written);
	}
}

/* What the threads of a processor have submitted, for one DPC; only that processor touches it. */
static struct arrivals {
	struct cpu_dpc dpc;
	struct disk_io *first, *last;
} APART arrivals[CPU_MAX];

static void ios_arrived(struct cpu_dpc *dpc)
{
	struct arrivals *here = container_of(dpc, struct arrivals, dpc);

	while (here->first) {
		struct disk_io *dio = here->first;

		here->first = dio->next;
		io_start(dio);
	}
}

/* The next ones wait for the same DPC. */
static __attribute__((noinline)) int arrive_first(struct arrivals *here, struct disk_io *dio)
{
	here->first = here->last = dio;
	here->dpc.fn = ios_arrived;
	here->dpc.cpu = CPU_HERE;
	cpu_dpc_queue(&here->dpc, NULL, NULL);
	return 0;
}

static inline int arrive_here(struct disk_io *dio)
{
	struct arrivals *here = &arrivals[cpu_self->number];

	dio->next = NULL;
	if (!here->first)
		return arrive_first(here, dio);
	here->last = here->last->next = dio;
	return 0;
}

/* Of a host thread. */
static __attribute__((noinline)) int arrive_elsewhere(struct disk_io *dio)
{
	atomic_fetch_add(&dio->disk->arriving, 1);
	dio->dpc = (struct cpu_dpc){.fn = io_arrived,
		.cpu = (uint16_t)(atomic_fetch_add(&dio->disk->next_cpu, 1) % cpu_count())};
	cpu_dpc_queue(&dio->dpc, NULL, NULL);
	return 0;
}

/* Of who is at DISPATCH: a done function. */
static __attribute__((noinline)) int arrive_at_once(struct disk_io *dio)
{
	io_start(dio);
	return 0;
}

enum refusal { FINE, HAS_GONE, NO_OPERATION, NO_CACHE, NO_BLOCKS, PAST_END, NOT_OFFERED };

static inline enum refusal io_check(const struct disk *disk, struct order io)
{
	const struct dry_unit_info *info = &disk->info;
	uint64_t size = atomic_load_explicit(&disk->size, memory_order_relaxed);

	if (unlikely(atomic_load_explicit(&disk->is_gone, memory_order_relaxed)) &&
		!disk->hold.seconds)
		return HAS_GONE;
	if (unlikely(io.op > DRY_OP_WRITE)) {
		if (io.op > DRY_OP_ZERO)
			return NO_OPERATION;
		if (io.op == DRY_OP_FLUSH)
			return info->can_flush ? FINE : NO_CACHE;
		if (io.op == DRY_OP_TRIM ? !info->can_trim : !info->can_zero)
			return NOT_OFFERED;
	}
	if (unlikely((io.bytes | io.offset) & (info->block_size - 1)))
		return NO_BLOCKS;
	if (unlikely(io.offset > size || io.bytes > size - io.offset))
		return PAST_END;
	return FINE;
}

static __attribute__((cold, noinline)) int io_refuse(
	const struct disk *disk, const struct dry_io *io, enum refusal refusal)
{
	const struct dry_unit_info *info = &disk->info;
	unsigned long long count = io->count, offset = io->offset;

	switch (refusal) {
	case HAS_GONE:
		return error_set(ENXIO, "unit %s has gone.", info->name);
	case NO_OPERATION:
		return error_set(EINVAL, "there is no operation %d.", (int)io->op);
	case NO_CACHE:
		return error_set(ENOTSUP, "unit %s has no cache to flush.", info->name);
	case NO_BLOCKS:
		return error_set(EINVAL,
			"%llu bytes at %llu: unit %s has blocks of %u bytes; both must be "
			"multiples.",
			count, offset, info->name, info->block_size);
	case PAST_END:
		return error_set(ENXIO, "%llu bytes at %llu: past the end of unit %s (%llu bytes).",
			count, offset, info->name, (unsigned long long)disk->size);
	default:
		return error_set(ENOTSUP, "unit %s does not offer %s.", info->name,
			io->op == DRY_OP_TRIM ? "UNMAP" : "WRITE SAME");
	}
}

/* It waits for a transfer. */
static __attribute__((noinline)) void page_waits(struct disk_io *dio, uint64_t frame)
{
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	dio->needs_buffer = false;
	dio->frame = frame;
	disk_waiter_push(dio);
}

/* One that is ordinary and begins at once: all that disk_submit does for it, and io_start. False:
 * nothing was done. */
path_inline bool page_at_once(struct disk *disk, struct dry_io *io, struct order order)
{
	struct disk_io *dio = (struct disk_io *)io->private_;
	uint64_t frame = mem_ram_frame_number(order.buffer);
	struct disk_transfer *transfer;

	if (unlikely(order.op > DRY_OP_WRITE || !is_in_place(disk, order.buffer, frame) ||
		     !is_page(disk, order.buffer, order.bytes) ||
		     atomic_load_explicit(&disk->is_gone, memory_order_relaxed)))
		return false;
	cpu_inner_add32_if(false, &disk_counts_here(disk, false)->active, 1);
	dio->io = io;
	dio->disk = disk;
	transfer = disk_transfer_pop(disk, false);
	if (unlikely(!transfer)) {
		page_waits(dio, frame);
		return true;
	}
	page_start(transfer, dio, disk, io, order, frame);
	return true;
}

static __attribute__((noinline)) int submit_other(struct disk *disk, struct dry_io *io)
{
	struct disk_io *dio = (struct disk_io *)io->private_;

	dio->io = io;
	dio->disk = disk;
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	if (likely(is_rw(io))) {
		look_at_buffer(dio, disk, io);
	} else {
		dio->needs_buffer = false;
		dio->frame = MEM_NO_ADDRESS;
		if (io->op == DRY_OP_FLUSH)
			io->count = io->offset = 0;
	}
	if (unlikely(!cpu_self))
		return arrive_elsewhere(dio);
	disk_active_add(disk, 1);
	return cpu_self->irql == IRQL_DISPATCH ? arrive_at_once(dio) : arrive_here(dio);
}

int disk_submit(struct disk *disk, struct dry_io *io)
{
	struct order order = order_of(io);
	enum refusal refusal = io_check(disk, order);

	if (unlikely(refusal))
		return io_refuse(disk, io, refusal);
	/* At DISPATCH nothing else runs on the one processor: no disk goes meanwhile. */
	if (likely(!cpu_inner_locks && cpu_irql() == IRQL_DISPATCH) &&
		likely(page_at_once(disk, io, order)))
		return 0;
	return submit_other(disk, io);
}

/* ---- waiting ---- */

enum wait { WAITING, WOKEN, OVER };

struct waiter {
	struct cpu_thread *thread; /* a kernel thread, or NULL: a host thread */
	sem_t semaphore;
	_Atomic enum wait wait;
};

static void waiter_init(struct waiter *waiter)
{
	waiter->thread = cpu_self ? cpu_self->thread : NULL;
	waiter->wait = WAITING;
	sem_init(&waiter->semaphore, 0, 0);
}

/* The waiter lies on the stack of one who goes on, and may end, as soon as it sees OVER: nothing of
 * it or its thread is touched after. */
static void waiter_wake(struct waiter *waiter)
{
	struct cpu_thread *thread = waiter->thread;

	if (!thread) {
		sem_post(&waiter->semaphore);
		return;
	}
	atomic_store(&waiter->wait, WOKEN);
	cpu_thread_unpark(thread);
	atomic_store(&waiter->wait, OVER);
}

static bool waiter_is_woken(void *arg)
{
	int value = 0;

	sem_getvalue(&((struct waiter *)arg)->semaphore, &value);
	return value > 0;
}

static void waiter_wait(struct waiter *waiter)
{
	if (waiter->thread) {
		while (atomic_load(&waiter->wait) == WAITING)
			cpu_thread_park(CPU_FOREVER);
		while (atomic_load(&waiter->wait) != OVER)
			cpu_relax();
	} else {
		cpu_host_drive(waiter_is_woken, waiter);
		while (sem_wait(&waiter->semaphore) && errno == EINTR)
			;
	}
	sem_destroy(&waiter->semaphore);
}

static void run_done(struct dry_io *io)
{
	waiter_wake(io->ctx);
}

int disk_run(struct disk *disk, struct dry_io *io)
{
	struct waiter waiter;
	int err;

	waiter_init(&waiter);
	io->done = run_done;
	io->ctx = &waiter;
	err = disk_submit(disk, io);
	if (err)
		return err;
	waiter_wait(&waiter);
	if (io->result)
		error_set(-io->result, "%s: the request failed: %s.", disk->info.name,
			strerror(-io->result));
	return io->result;
}

/* ---- commands of our own ---- */

static void execute_done(struct port_request *request)
{
	struct disk_transfer *transfer = request->ctx;

	transfer->result = 0;
	if (is_good(request) || !is_sent_again(transfer, &transfer->result))
		waiter_wake(transfer->ctx);
}

/* mdl is the command's own: that of the transfer has room for what the port takes, and a command
 * may be longer. */
static void execute_describe(struct disk_transfer *transfer, struct disk_command *command, PMDL mdl)
{
	struct port_request *request = transfer->request;

	request->function = command->function;
	request->cdb_length = command->cdb_length;
	memcpy(request->cdb, command->cdb, sizeof(request->cdb));
	memcpy(request->cdb_more, command->cdb + sizeof(request->cdb), sizeof(request->cdb_more));
	request->flags =
		(command->in ? SRB_FLAGS_DATA_IN : 0) | (command->out ? SRB_FLAGS_DATA_OUT : 0);
	request->timeout = command->seconds;
	request->mdl = mdl;
	request->length = mdl ? command->bytes : 0;
	request->data = mdl ? MmGetMdlVirtualAddress(mdl) : NULL;
	transfer->bytes = request->length;
}

static void execute_wait(const struct disk_transfer *transfer, struct waiter *waiter, bool is_vital)
{
	while (is_vital && atomic_load(&waiter->wait) == WAITING) {
		cpu_thread_park(LOOK_NS);
		if (unlikely(port_request_is_lost(transfer->request)))
			port_adapter_give_up(transfer->request->adapter);
	}
	waiter_wait(waiter);
}

static void execute_collect(const struct port_request *request, struct disk_command *command)
{
	command->srb_status = request->srb_status;
	command->scsi_status = request->scsi_status;
	command->sense_length = request->sense_length;
	command->moved = request->transferred;
	if (command->sense)
		memcpy(command->sense, request->sense, request->sense_length);
}

static int execute_in(struct port_unit *unit, struct disk_command *command, PMDL mdl)
{
	struct disk probe = {.adapter = unit->adapter, .unit = unit};
	struct disk_transfer *transfer = disk_own_get(&probe, command->vital);
	struct waiter waiter;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	int result;

	waiter_init(&waiter);
	transfer->request->done = execute_done;
	transfer->ctx = &waiter;
	transfer->once = command->once;
	execute_describe(transfer, command, mdl);
	port_request_submit(transfer->request);
	cpu_irql_lower(irql);
	execute_wait(transfer, &waiter, command->vital);
	result = transfer->result;
	execute_collect(transfer->request, command);
	disk_own_put(transfer);
	return result;
}

int disk_execute(struct port_unit *unit, struct disk_command *command)
{
	void *memory = NULL;
	PMDL mdl = NULL;
	int result;

	if (command->bytes) {
		memory = mem_alloc(round_up(command->bytes, MEM_PAGE_SIZE), 0, MEM_OWN, NULL);
		if (memory)
			mdl = IoAllocateMdl(memory, command->bytes, FALSE, FALSE, NULL);
		if (!mdl) {
			if (memory)
				mem_free(memory, round_up(command->bytes, MEM_PAGE_SIZE));
			return error_set(
				ENOMEM, "no memory for a command's %u bytes.", command->bytes);
		}
		MmBuildMdlForNonPagedPool(mdl);
		memcpy(memory, command->data, command->bytes);
	}
	result = execute_in(unit, command, mdl);
	/* An underrun is an answer here: INQUIRY and its likes return what there is (SB-10). */
	if (result == -EIO && (command->srb_status == SRB_STATUS_DATA_OVERRUN ||
				      command->srb_status == SRB_STATUS_SUCCESS))
		result = 0;
	if (command->in && (!result || command->once))
		memcpy(command->data, memory, command->moved);
	if (mdl) {
		IoFreeMdl(mdl);
		mem_free(memory, round_up(command->bytes, MEM_PAGE_SIZE));
	}
	return result;
}
