/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Blocking calls: requests of the front, and commands of our own, which are waited for. */
#include "disk/disk.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define LOOK_NS 1000000000ull /* between two looks whether a command is lost */

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
	if (disk_is_good(request) || !disk_is_sent_again(transfer, &transfer->result))
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
