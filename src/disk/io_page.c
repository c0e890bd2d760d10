/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Stations 0 to 4 of 7 in one piece, and 0 coming back, for the ordinary request of a front: it
 * reads or writes at most a page that begins with its buffer, which is used in place, it comes from
 * a done or poll function at DISPATCH, and may start at once, on a machine of one processor or
 * where the adapter's counts are split. What is not so is io_submit.c's and io.c's, and comes to
 * the same. Next: port/page.h; before it, the front.
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

static void page_wait(struct disk *disk, struct dry_io *io, uint64_t at)
{
	struct disk_io *dio = (struct disk_io *)io->private_;

	dio->io = io;
	dio->disk = disk;
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	dio->needs_buffer = false;
	dio->frame = at >> MEM_PAGE_SHIFT;
	disk_waiter_push(dio);
}

/* It waits for a transfer. */
static __attribute__((noinline)) void page_waits(struct disk *disk, struct dry_io *io, uint64_t at)
{
	cpu_own_add32(&disk->here[0].active, 1);
	page_wait(disk, io, at);
}

/* It takes one of another processor's, or waits: what is given back from then on goes to it, or to
 * who waits before it. */
static __attribute__((noinline)) struct port_request *page_borrows_or_waits(
	struct disk *disk, struct dry_io *io, uint64_t at)
{
	struct port_request *request = disk_transfer_borrow(disk->front);

	if (request)
		return request;
	page_wait(disk, io, at);
	if (unlikely(disk_transfer_is_there(disk->front)))
		disk_waiters_go_on();
	return NULL;
}

/* Who is alone takes it again at once, by the long way, and those that wait go on when he gives it
 * back. */
static __attribute__((noinline)) void page_put_back(struct cpu *cpu, struct port_request *request)
{
	if (disk_transfer_push(cpu, request, cpu_inner_locks) && cpu_inner_locks)
		disk_waiters_go_on();
}

/* False: it is not ordinary, and nothing was done. With locks it is counted among the active, and
 * may come with a transfer, which is the caller's still if it is false. */
path_inline bool page_submit(struct cpu *cpu, struct disk *disk, struct dry_io *io,
	struct port_request *given, bool locks)
{
	struct port_adapter *adapter = disk->adapter;
	struct disk_transfer_list *from;
	struct dma_adapter *maps;
	uint64_t offset = io->offset, bytes = io->count, op = page_op(io), at;
	void *buffer = io->buffer;
	uint64_t block = offset >> disk->block_shift, blocks = bytes >> disk->block_shift;
	struct port_unit *unit = disk->unit;
	struct port_request *request;
	PSCATTER_GATHER_LIST list;
	struct port_page page;

	if (unlikely(op > DRY_OP_WRITE || !mem_ram_data_page(buffer, &at) ||
		     (uintptr_t)buffer & MEM_PAGE_MASK || bytes - 1 >= disk->page_most ||
		     (bytes | offset) & disk->block_mask ||
		     block + blocks > atomic_load_explicit(&disk->page_end, memory_order_relaxed) ||
		     (locks && adapter->takes_pages != PORT_PAGES_AMONG)))
		return false;
	from = &disk->front->here[locks ? cpu->number : 0];
	request = locks ? given : disk_transfers_first(from);
	if (!locks && unlikely(!request)) {
		page_waits(disk, io, at);
		return true;
	}
	if (unlikely(!port_page_may_start(adapter, unit, locks)))
		return false;
	if (!locks)
		disk_transfers_begin_with(from, request->next);
	else if (!given)
		request = disk_transfer_pop_from(cpu, from, locks);
	if (locks && unlikely(!request)) {
		request = page_borrows_or_waits(disk, io, at);
		if (!request)
			return true;
	}
	list = request->list;
	maps = adapter->maps;
	if (unlikely(!port_page_has_list(maps, list, at) || !port_page_count(cpu, unit, locks))) {
		if (!given)
			page_put_back(cpu, request);
		return false;
	}
	if (!locks)
		cpu_own_add32(&disk->here[0].active, 1);
	page = (struct port_page){.at = at,
		.data = buffer,
		.cdb = {disk_command_page((unsigned)op, block), blocks},
		.bytes = bytes,
		.flags = (op + 1) * SRB_FLAGS_DATA_IN,
		.timeout = disk->rw_seconds,
		.cdb_length = DISK_PAGE_CDB};
	request->what = io;
	request->where = disk;
	request->unit = unit;
	memcpy(&request->cdb[0], &page.cdb[0], sizeof(page.cdb[0]));
	memcpy(&request->cdb[8], &page.cdb[1], sizeof(page.cdb[1]));
	request->cdb_length = page.cdb_length;
	request->flags = (uint32_t)page.flags;
	request->timeout = (uint32_t)page.timeout;
	request->length = (uint32_t)page.bytes;
	request->data_at = at;
	request->data = page.data;
	request->mdl_is_due = true;
	port_page_start(cpu, request, request->srb, list, adapter, maps, unit, page, locks);
	return true;
}

/* Others are at work, too: it counts among the active before anything of the adapter is looked at.
 */
static __attribute__((noinline)) bool page_submit_among(
	struct cpu *cpu, struct disk *disk, struct dry_io *io)
{
	bool is_done;

	disk_active_begin(cpu, disk);
	is_done = likely(!atomic_load(&disk->is_gone)) && page_submit(cpu, disk, io, NULL, true);
	if (unlikely(!is_done))
		disk_active_end(cpu, disk);
	return is_done;
}

int disk_submit_by(struct cpu *cpu, struct disk *disk, struct dry_io *io)
{
	bool is_done = false;

	/* While nothing else runs no disk goes. */
	if (likely(cpu_is_alone_at_dispatch(cpu)))
		is_done = likely(port_is_alone(disk->adapter)) &&
			  page_submit(cpu, disk, io, NULL, false);
	else if (cpu->irql == IRQL_DISPATCH && cpu_inner_locks)
		is_done = page_submit_among(cpu, disk, io);
	return likely(is_done) ? 0 : disk_submit_other(disk, io);
}

/* One that has waited, and has been active all the time, with a transfer that stays the caller's if
 * it is false. */
static bool page_again_with(struct cpu *cpu, struct disk_io *dio, struct port_request *given)
{
	struct disk *disk = dio->disk;

	return likely(!atomic_load(&disk->is_gone) &&
		       atomic_load_explicit(&disk->unit->is_split, memory_order_relaxed)) &&
	       page_submit(cpu, disk, dio->io, given, true);
}

/* Where it is not so, who has asked takes the transfer at once, by the long way. */
static __attribute__((noinline)) bool page_again_among(struct disk_io *dio)
{
	struct cpu *cpu = cpu_self;
	struct port_request *request =
		disk_transfer_pop_from(cpu, &dio->disk->front->here[cpu->number], true);

	if (!request || likely(page_again_with(cpu, dio, request)))
		return request;
	disk_transfer_push(cpu, request, true);
	return false;
}

bool disk_page_again(struct disk_io *dio)
{
	struct disk *disk = dio->disk;

	if (cpu_inner_locks)
		return page_again_among(dio);
	cpu_own_add32(&disk->here[0].active, -1u);
	if (likely(port_is_alone(disk->adapter) &&
		    page_submit(cpu_self, disk, dio->io, NULL, false)))
		return true;
	cpu_own_add32(&disk->here[0].active, 1);
	return false;
}

path_inline void page_tell(struct dry_io *io, struct disk_counts *counts, bool locks)
{
	io->result = 0;
	cpu_own_add64(&counts->moved[io->op], io->count);
	/* While nothing else runs, nobody asks before it has been told. */
	if (!locks)
		cpu_own_end32(&counts->active);
	/* The structure is the caller's from here. */
	io->done(io);
	if (locks)
		cpu_own_end32(&counts->active);
}

/* Somebody waits. The first one may take it at once; false: it is to be given back. */
static __attribute__((noinline)) bool page_passes_on(struct cpu *cpu, struct port_request *request)
{
	struct disk_io *waiter = disk_waiter_of_page(request->adapter);

	if (unlikely(!waiter))
		return false;
	if (unlikely(!page_again_with(cpu, waiter, request))) {
		disk_transfer_push(cpu, request, true);
		disk_waiters_go_on_with(waiter);
	}
	return true;
}

static __attribute__((noinline)) void page_tell_after_waiters_among(
	struct dry_io *io, struct disk_counts *counts)
{
	disk_waiters_go_on();
	page_tell(io, counts, true);
}

/* A page that takes what was given back leaves nothing for those behind it. */
static __attribute__((noinline)) void page_tell_after_waiter(
	struct dry_io *io, struct disk_counts *counts)
{
	struct disk_io *waiter = disk_waiter_next();

	if (unlikely(!waiter || waiter->frame == MEM_NO_ADDRESS || !disk_page_again(waiter)))
		disk_waiters_go_on_with(waiter);
	page_tell(io, counts, false);
}

path_inline void page_done(struct port_request *request, bool locks)
{
	struct dry_io *io = request->what;
	struct cpu *cpu = locks ? cpu_self : NULL;
	struct disk_counts *counts = disk_counts_here(cpu, request->where, locks);

	/* Before the front is told, which may submit another: who waits is first. */
	if (locks && unlikely(atomic_load_explicit(&disk_waiters_any, memory_order_relaxed)) &&
		page_passes_on(cpu, request))
		page_tell(io, counts, locks);
	else if (unlikely(disk_transfer_push(cpu, request, locks)))
		locks ? page_tell_after_waiters_among(io, counts)
		      : page_tell_after_waiter(io, counts);
	else
		page_tell(io, counts, locks);
}

void disk_page_done(struct port_request *request)
{
	page_done(request, false);
}

void disk_page_done_among(struct port_request *request)
{
	page_done(request, true);
}
