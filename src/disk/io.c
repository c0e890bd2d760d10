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

/* ---- coming back ---- */

static void io_count(struct disk *disk, const struct dry_io *io)
{
	if (io->op == DRY_OP_READ)
		atomic_fetch_add_explicit(&disk->client_read, io->count, memory_order_relaxed);
	else if (io->op == DRY_OP_WRITE)
		atomic_fetch_add_explicit(&disk->client_written, io->count, memory_order_relaxed);
}

static void io_release(struct disk_io *dio)
{
	int error;

	/* Who holds the last one is alone with it. */
	if (atomic_load_explicit(&dio->pending, memory_order_acquire) != 1 &&
		atomic_fetch_sub(&dio->pending, 1) != 1)
		return;
	error = atomic_load(&dio->error);
	if (likely(!error) || error != -ENXIO || !disk_hold(dio))
		disk_io_end(dio, error);
}

void disk_io_end(struct disk_io *dio, int result)
{
	struct disk *disk = dio->disk;
	struct dry_io *io = dio->io;

	io->result = result;
	if (!io->result)
		io_count(disk, io);
	/* The structure is the caller's from here. */
	io->done(io);
	atomic_fetch_sub(&disk->active, 1);
}

static void waiters_go_on(struct disk_io *first)
{
	for (struct disk_io *waiter = first; unlikely(waiter != NULL); waiter = disk_waiter_next())
		io_go_on(waiter);
}

static void part_finished(struct disk_transfer *transfer)
{
	struct disk_io *dio = transfer->io;
	struct disk_io *waiter;
	int none = 0;

	if (unlikely(transfer->result))
		atomic_compare_exchange_strong(&dio->error, &none, transfer->result);
	else if (transfer->buffer && dio->io->op == DRY_OP_READ)
		memcpy(transfer->user, transfer->buffer, transfer->bytes);
	waiter = disk_transfer_put(transfer);
	io_release(dio);
	waiters_go_on(waiter);
}

/* The port gives the request back: try again, or done. */
static void request_done(struct port_request *request)
{
	struct disk_transfer *transfer = request->ctx;
	bool again;

	transfer->result = disk_outcome(request, &again);
	if (!transfer->result && unlikely(request->transferred != request->length))
		transfer->result =
			-EIO; /* short: the rest of the buffer is not what was asked for (SB-10) */
	if (unlikely(again && transfer->result && !transfer->once && transfer->tries < TRIES_MAX)) {
		transfer->tries++;
		atomic_fetch_add(request->flags & SRB_FLAGS_DATA_OUT
					 ? &transfer->disk->again_written
					 : &transfer->disk->again_read,
			request->transferred);
		port_request_submit(request);
		return;
	}
	transfer->finished(transfer);
}

/* ---- going down ---- */

static void transfer_send(struct disk_transfer *transfer)
{
	transfer->request->done = request_done;
	port_request_submit(transfer->request);
}

static bool is_rw(const struct dry_io *io)
{
	return io->op == DRY_OP_READ || io->op == DRY_OP_WRITE;
}

/* Memory of the machine that the device may reach is used in place, if it is aligned as the adapter
 * wants. */
static bool usable_in_place(const struct disk *disk, const void *buffer)
{
	return mem_owner(buffer)->kind == MEM_DATA && !((uintptr_t)buffer & disk->in_place_mask);
}

static uint64_t part_bytes(const struct disk_io *dio)
{
	const struct disk *disk = dio->disk;
	uint64_t left = dio->io->count - dio->at;
	uint64_t most = disk->info.max_transfer;

	if (dio->io->op == DRY_OP_TRIM)
		most = (uint64_t)disk->max_unmap_blocks << disk->block_shift;
	else if (dio->io->op == DRY_OP_ZERO)
		most = (uint64_t)disk->max_same_blocks << disk->block_shift;
	return min_of(left, most);
}

static void part_rw(struct disk_transfer *transfer, uint64_t block, uint32_t bytes)
{
	struct dry_io *io = transfer->io->io;
	bool write = io->op == DRY_OP_WRITE;

	if (transfer->buffer && write)
		memcpy(transfer->buffer, transfer->user, bytes);
	disk_transfer_describe(
		transfer, transfer->buffer ? transfer->buffer : transfer->user, bytes);
	disk_command_rw(
		transfer, write, block, bytes >> transfer->disk->block_shift, io->flags & DRY_FUA);
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
	struct dry_io *io = dio->io;
	struct disk *disk = dio->disk;
	uint64_t bytes = part_bytes(dio);
	uint64_t block = (io->offset + dio->at) >> disk->block_shift;
	bool is_last;

	transfer->io = dio;
	transfer->finished = part_finished;
	transfer->user = io->buffer ? (char *)io->buffer + dio->at : NULL; /* a trim has none */
	dio->at += bytes;
	is_last = part_is_last(dio);
	switch (io->op) {
	case DRY_OP_READ:
	case DRY_OP_WRITE:
		part_rw(transfer, block, (uint32_t)bytes);
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
	transfer_send(transfer);
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

static void io_start(struct disk_io *dio)
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

static void io_arrived(struct cpu_dpc *dpc)
{
	io_start(container_of(dpc, struct disk_io, dpc));
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
	io_start(dio);
}

bool disk_enter(struct disk *disk)
{
	atomic_fetch_add(&disk->active, 1);
	if (likely(!atomic_load(&disk->is_gone)))
		return true;
	disk_leave(disk);
	return false;
}

void disk_leave(struct disk *disk)
{
	atomic_fetch_sub(&disk->active, 1);
}

/* What the threads of a processor have submitted, for one DPC; only that processor touches it. */
static struct arrivals {
	struct cpu_dpc dpc;
	struct disk_io *first, *last;
} __attribute__((aligned(64))) arrivals[CPU_MAX];

static void ios_arrived(struct cpu_dpc *dpc)
{
	struct arrivals *here = container_of(dpc, struct arrivals, dpc);

	while (here->first) {
		struct disk_io *dio = here->first;

		here->first = dio->next;
		io_start(dio);
	}
}

static void arrive_here(struct disk_io *dio)
{
	struct arrivals *here = &arrivals[cpu_self->number];

	dio->next = NULL;
	if (here->first) {
		here->last = here->last->next = dio;
		return;
	}
	here->first = here->last = dio;
	here->dpc.fn = ios_arrived;
	here->dpc.cpu = CPU_HERE;
	cpu_dpc_queue(&here->dpc, NULL, NULL);
}

static void arrive_elsewhere(struct disk_io *dio)
{
	dio->dpc = (struct cpu_dpc){.fn = io_arrived,
		.cpu = (uint16_t)(atomic_fetch_add(&dio->disk->next_cpu, 1) % cpu_count())};
	cpu_dpc_queue(&dio->dpc, NULL, NULL);
}

static int io_check(const struct disk *disk, const struct dry_io *io)
{
	const struct dry_unit_info *info = &disk->info;
	uint64_t size = atomic_load_explicit(&disk->size, memory_order_relaxed);

	if (unlikely(atomic_load_explicit(&disk->is_gone, memory_order_relaxed)) &&
		!disk->hold.seconds)
		return error_set(ENXIO, "unit %s has gone.", info->name);
	if ((unsigned)io->op > DRY_OP_ZERO)
		return error_set(EINVAL, "there is no operation %d.", (int)io->op);
	if (io->op == DRY_OP_FLUSH)
		return info->can_flush
			       ? 0
			       : error_set(ENOTSUP, "unit %s has no cache to flush.", info->name);
	if ((io->count | io->offset) & (info->block_size - 1))
		return error_set(EINVAL,
			"%llu bytes at %llu: unit %s has blocks of %u bytes; both must be "
			"multiples.",
			(unsigned long long)io->count, (unsigned long long)io->offset, info->name,
			info->block_size);
	if (io->offset > size || io->count > size - io->offset)
		return error_set(ENXIO, "%llu bytes at %llu: past the end of unit %s (%llu bytes).",
			(unsigned long long)io->count, (unsigned long long)io->offset, info->name,
			(unsigned long long)size);
	if ((io->op == DRY_OP_TRIM && !info->can_trim) ||
		(io->op == DRY_OP_ZERO && !info->can_zero))
		return error_set(ENOTSUP, "unit %s does not offer %s.", info->name,
			io->op == DRY_OP_TRIM ? "UNMAP" : "WRITE SAME");
	return 0;
}

int disk_submit(struct disk *disk, struct dry_io *io)
{
	struct disk_io *dio = (struct disk_io *)io->private_;
	int err = io_check(disk, io);

	if (err)
		return err;
	dio->io = io;
	dio->disk = disk;
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	dio->needs_buffer = is_rw(io) && !usable_in_place(disk, io->buffer);
	atomic_fetch_add(&disk->active, 1);
	if (io->op == DRY_OP_FLUSH)
		io->count = io->offset = 0;
	if (!cpu_self)
		arrive_elsewhere(dio);
	else if (cpu_irql() == IRQL_DISPATCH)
		io_start(dio);
	else
		arrive_here(dio);
	return 0;
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

static void execute_finished(struct disk_transfer *transfer)
{
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
	struct disk probe = {.unit = unit};
	struct disk_transfer *transfer;
	struct waiter waiter;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	int result;

	while (!(transfer = disk_transfer_get(&probe, false, NULL))) {
		cpu_irql_lower(irql);
		cpu_thread_park(1000000);
		cpu_irql_raise(IRQL_DISPATCH);
	}
	waiter_init(&waiter);
	transfer->finished = execute_finished;
	transfer->ctx = &waiter;
	transfer->once = command->once;
	execute_describe(transfer, command, mdl);
	transfer_send(transfer);
	cpu_irql_lower(irql);
	execute_wait(transfer, &waiter, command->vital);
	result = transfer->result;
	execute_collect(transfer->request, command);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	waiters_go_on(disk_transfer_put(transfer));
	cpu_irql_lower(irql);
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
