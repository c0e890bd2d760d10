/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Stations 0 to 4 of 7 in one piece, and 0 coming back, for the ordinary request of a front: it
 * reads or writes at most a page that begins with its buffer, which is used in place, it comes from
 * a done or poll function at DISPATCH, and may start at once on a machine of one processor. What is
 * not so is io.c's, and comes to the same. Next: port/page.h; before it, the front.
 */
#include "disk/disk.h"
#include "mem/mem.h"
#include "port/page.h"

/* Its operation, a larger number if it has flags. */
static inline uint64_t page_op(const struct dry_io *io)
{
	uint64_t both;

	_Static_assert(offsetof(struct dry_io, flags) == offsetof(struct dry_io, op) + 4 &&
			       sizeof(io->op) == 4 && DRY_OP_WRITE == DRY_OP_READ + 1,
		"one number, the flags above");
	memcpy(&both, io, sizeof(both));
	return le64toh(both);
}

/* It waits for a transfer. */
static __attribute__((noinline)) void page_waits(struct disk *disk, struct dry_io *io, uint64_t at)
{
	struct disk_io *dio = (struct disk_io *)io->private_;

	cpu_own_add32(&disk->here[0].active, 1);
	dio->io = io;
	dio->disk = disk;
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	dio->needs_buffer = false;
	dio->frame = at >> MEM_PAGE_SHIFT;
	disk_waiter_push(dio);
}

/* False: it is not ordinary, and nothing was done. */
path_inline bool page_submit(struct disk *disk, struct dry_io *io)
{
	struct port_adapter *adapter = disk->adapter;
	struct disk_transfer_list *list = disk_transfers_here(adapter, false);
	struct disk_transfer *transfer = list->free;
	uint64_t offset = io->offset, bytes = io->count, op = page_op(io), at;
	uint64_t block = offset >> disk->block_shift, blocks = bytes >> disk->block_shift;
	struct port_unit *unit = disk->unit;
	struct port_request *request;
	struct port_page page;

	/* What passes the end of 64 bits has a block that passes the end of 32. */
	if (unlikely(op > DRY_OP_WRITE || !mem_ram_data_page(io->buffer, &at) ||
		     (uintptr_t)io->buffer & MEM_PAGE_MASK || bytes - 1 >= disk->page_most ||
		     (bytes | offset) & disk->block_mask || (block + blocks) >> 32 ||
		     offset + bytes > atomic_load_explicit(&disk->size, memory_order_relaxed) ||
		     atomic_load_explicit(&disk->is_gone, memory_order_relaxed) ||
		     !adapter->takes_pages || !port_page_may_start(adapter, unit)))
		return false;
	if (unlikely(!transfer)) {
		page_waits(disk, io, at);
		return true;
	}
	request = transfer->request;
	if (unlikely(!port_page_has_list(request, adapter, at)))
		return false;
	list->free = transfer->next;
	cpu_own_add32(&disk->here[0].active, 1);
	page = (struct port_page){.at = at,
		.data = io->buffer,
		.cdb = {disk_command_page((unsigned)op, (uint32_t)block), blocks},
		.bytes = (uint32_t)bytes,
		.flags = (uint32_t)(op + 1) * SRB_FLAGS_DATA_IN,
		.timeout = disk->rw_seconds,
		.cdb_length = DISK_PAGE_CDB};
	transfer->io = (struct disk_io *)io->private_;
	transfer->disk = disk;
	request->unit = unit;
	memcpy(&request->cdb[0], &page.cdb[0], sizeof(page.cdb[0]));
	memcpy(&request->cdb[8], &page.cdb[1], sizeof(page.cdb[1]));
	request->flags = page.flags;
	request->timeout = page.timeout;
	request->length = page.bytes;
	request->data_at = at;
	request->data = page.data;
	request->mdl_is_due = true;
	port_page_start(request, adapter, unit, page);
	return true;
}

int disk_submit(struct disk *disk, struct dry_io *io)
{
	/* At DISPATCH nothing else runs on the one processor: no disk goes meanwhile. */
	if (likely(cpu_irql() == IRQL_DISPATCH) && likely(page_submit(disk, io)))
		return 0;
	return disk_submit_other(disk, io);
}

bool disk_page_again(struct disk_io *dio)
{
	struct disk *disk = dio->disk;

	cpu_own_add32(&disk->here[0].active, -1u);
	if (likely(page_submit(disk, dio->io)))
		return true;
	cpu_own_add32(&disk->here[0].active, 1);
	return false;
}

void disk_page_done(struct port_request *request)
{
	struct disk_transfer *transfer = request->ctx;
	struct dry_io *io = container_of((void *)transfer->io, struct dry_io, private_);
	struct disk_transfer_list *list = disk_transfers_here(request->adapter, false);
	struct disk_counts *counts = &transfer->disk->here[0];

	port_request_rest(request);
	transfer->next = list->free;
	list->free = transfer;
	/* Before the front is told, which may submit another: who waits is first. */
	if (unlikely(atomic_load_explicit(&disk_waiters_any, memory_order_relaxed)))
		disk_waiters_go_on();
	io->result = 0;
	cpu_own_add64(&counts->moved[io->op], io->count);
	/* The structure is the caller's from here. */
	io->done(io);
	cpu_own_add32(&counts->active, -1u);
}
