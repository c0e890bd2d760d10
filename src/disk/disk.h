/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 0: the class driver's role. Reads and writes of bytes become SCSI commands of at most the
 * port's limits, their results become errno.
 *
 * A *disk* is a unit that answered INQUIRY as a direct-access device. A *transfer* is one command
 * of it: a port request, an MDL, and, where the caller's buffer is no memory of the machine, a
 * buffer that is. Buffers are made at start, transfers with their adapter (transfer.c); a request
 * that finds none waits for the next to be given back.
 *
 *   io_page.c the ordinary request of a front, whole
 *   io_submit.c any request: checking, onto a processor
 *   io.c      splitting, waiting, finishing
 *   io_run.c  the blocking calls, and commands of our own
 *   own.c     transfers kept back for commands of our own
 *   command.c the CDBs
 *   outcome.c SRB status and sense to errno, what is worth another try
 *   hold.c    requests that wait for a disk that has gone
 *   pass.c    a host program's SCSI command, as it is
 *   scan.c    discovery: INQUIRY, READ CAPACITY, MODE SENSE, VPD pages
 */
#ifndef DRY_DISK_DISK_H
#define DRY_DISK_DISK_H

#include "util/common.h"
#include "nt/mdl.h"
#include "port/port.h"

#include <dryport.h>
#include <endian.h>
#include <semaphore.h>
#include <string.h>

struct disk;
struct disk_io;

struct disk_transfer {
	struct disk_transfer *next; /* free list of our own ones; of the others see below */
	struct disk *disk;
	struct disk_io *io; /* whose part it is, NULL for a command of our own */
	struct port_request *request;
	PMDL mdl;
	void *buffer; /* from the pool, or NULL: the caller's memory is used in place */
	void *own;    /* a page for parameter lists, always there */
	char *user;   /* the caller's memory */
	uint32_t bytes;
	uint8_t tries;
	bool once; /* not sent again, whatever comes of it */
	/* It is all of a request, whose record is not filled in: request->what and ->where, the
	 * dry_io and the disk, say it all (transfer_spell_out). Then buffer is NULL, and it has not
	 * been sent again. So it is while it is free. */
	bool is_whole;
	/* of a command of our own */
	int result;
	void *ctx;
};

/* Fewer than an adapter has slots: others need some too. */
#define DISK_TRANSFERS 192

#define DISK_OWN 24

/* Those that are kept back for commands of our own (own.c): they have a request, and neither MDL
 * nor memory. */
struct disk_own {
	struct cpu_spinlock lock;
	struct disk_transfer *free;
	struct own_wait *head, **tail; /* somebody waits: none is free */
	struct disk_transfer all[DISK_OWN];
};

/* An adapter's: port_adapter.front. Each processor takes from a list of its own and gives back to
 * it, so that what a request touches stays with the processor, and needs no atomic exchange; from
 * another's only when that is empty, and then some more (disk_transfer_borrow). */
struct disk_transfers {
	char *own; /* a page for each transfer's parameter list */
	struct disk_transfer_list {
		struct host_owned lock;		     /* this processor's, at DISPATCH */
		_Atomic(struct port_request *) free; /* of the transfers that are */
	} APART here[CPU_MAX];
	struct disk_transfer all[DISK_TRANSFERS] APART;
	struct disk_own ours;
};

/* A request of the front, laid over dry_io.private_. */
struct disk_io {
	struct cpu_dpc dpc; /* carries it onto a processor */
	struct dry_io *io;
	struct disk *disk;
	struct disk_io *next;	  /* on its way onto its processor, or waiting for transfers */
	uint64_t at;		  /* bytes issued so far */
	_Atomic uint32_t pending; /* parts, and one for the issuer */
	_Atomic int error;	  /* the first */
	bool needs_buffer;	  /* the caller's memory cannot be used in place */
	/* that of the page in which it lies, if it is an ordinary one: a read or write that a
	 * command carries, used in place; else MEM_NO_ADDRESS */
	uint64_t frame;
};
_Static_assert(sizeof(struct disk_io) <= sizeof(((struct dry_io *)0)->private_), "room in dry_io");

/* Requests of the front that wait for a disk that has gone: hold.c. */
struct disk_hold {
	uint32_t seconds; /* 0: they fail */
	struct cpu_spinlock lock;
	struct disk_io *head, **tail;
	struct cpu_timer timer;
	bool is_over; /* too long: until it is back they fail */
};

struct disk {
	struct port_adapter *adapter;
	struct disk_transfers *front;
	uint8_t path, target, lun;
	struct port_unit *unit; /* NULL: its adapter has been removed, and it has gone */
	struct dry_unit_info info;
	uint64_t blocks;
	_Atomic uint64_t size; /* bytes: info.size, until it grows */
	uint32_t block_shift, block_mask;
	_Atomic bool is_gone;		 /* it takes no requests of the front */
	_Atomic uint32_t alignment_mask; /* its adapter's */
	/* address bits that a buffer must not have, to be used in place */
	_Atomic uintptr_t in_place_mask;
	uint32_t page_most; /* bytes of one that goes by io_page.c, 0: none does */
	/* the block up to which they may go, as READ(10) can name it; 0 while it is gone */
	_Atomic uint32_t page_end;
	uint32_t rw_seconds; /* of a read or write */
	uint32_t max_unmap_blocks,
		max_same_blocks;   /* of one UNMAP, one WRITE SAME; 0: not offered */
	_Atomic uint32_t next_cpu; /* where the next request of a host thread goes */
	_Atomic uint32_t arriving; /* requests that host threads have sent on their way */
	struct disk_hold hold;
	_Atomic uint64_t again_read,
		again_written; /* moved by requests that had to be sent again */
	/* Each processor counts by itself; the sums count. */
	struct disk_counts {
		_Atomic uint32_t
			active; /* requests of the front at work: neither finished nor held */
		_Atomic uint64_t moved[2]; /* bytes that the front got: DRY_OP_READ, _WRITE */
	} APART here[CPU_MAX];
};

/* The calling processor's, which is `cpu`. Where there are no locks there is one processor. */
path_inline struct disk_counts *disk_counts_here(
	const struct cpu *cpu, struct disk *disk, bool locks)
{
	return &disk->here[locks ? cpu->number : 0];
}

/* One more is active; whether the disk has gone is to be looked at afterwards: who says that it has
 * looks at disk_is_active afterwards, and one of the two sees the other. */
static inline void disk_active_begin(const struct cpu *cpu, struct disk *disk)
{
	cpu_own_add32(&disk_counts_here(cpu, disk, true)->active, 1);
	host_barrier_light();
}

static inline void disk_active_end(const struct cpu *cpu, struct disk *disk)
{
	cpu_own_end32(&disk_counts_here(cpu, disk, true)->active);
}

/* ---- transfer.c ---- */

/* PASSIVE. Buffers for transfers of at most max_transfer bytes, for all adapters: as many as a
 * quarter of RAM holds. */
int disk_pool_init(uint32_t max_transfer);
void disk_pool_fini(void);
/* PASSIVE, after that: an adapter's transfers, which go when it does. -ENOMEM with error_set. */
int disk_transfers_new(struct port_adapter *adapter);
/* Takes out all that are this disk's: a list. At DISPATCH. */
struct disk_io *disk_waiters_take(const struct disk *disk);
/* The longest transfer that finds a buffer. */
uint32_t disk_buffer_bytes(void);
/* Takes the first waiter out, if there is what it waits for; NULL if not. The caller lets it go on
 * and asks again: one that is given back may serve several. At DISPATCH. */
struct disk_io *disk_waiter_next(void) __attribute__((warn_unused_result));
/* The same for who has a transfer of this adapter, which he does not give back but to the first of
 * all that wait, if that is a page of the same adapter; else NULL. */
struct disk_io *disk_waiter_of_page(const struct port_adapter *adapter);
/* At DISPATCH: it waits, and who queued it asks disk_waiter_next(), but where he sees that there is
 * nothing for it: now, or, if there are no locks, just before. */
void disk_waiter_push(struct disk_io *waiter);
/* Whether one of these is free. */
bool disk_transfer_is_there(const struct disk_transfers *of);
/* Lets the transfer's MDL describe [va, va + bytes). */
void disk_transfer_describe(struct disk_transfer *transfer, void *va, uint32_t bytes);

/* At DISPATCH. Without a buffer when !with_buffer. NULL when none is left: then waiter, if any, is
 * queued, and who queued it asks disk_waiter_next(). */
struct disk_transfer *disk_transfer_get(
	struct disk *disk, bool with_buffer, struct disk_io *waiter);
/* Private: the calling processor's. Where there are no locks there is one processor. */
path_inline struct disk_transfer_list *disk_transfers_here(
	const struct cpu *cpu, const struct port_adapter *adapter, bool locks)
{
	struct disk_transfers *of = adapter->front;

	return &of->here[locks ? cpu->number : 0];
}

/* What others may look at without the lock. */
static inline struct port_request *disk_transfers_first(const struct disk_transfer_list *list)
{
	return atomic_load_explicit(&list->free, memory_order_relaxed);
}

static inline void disk_transfers_begin_with(
	struct disk_transfer_list *list, struct port_request *first)
{
	atomic_store_explicit(&list->free, first, memory_order_relaxed);
}

/* Of the calling processor's list. */
path_inline struct port_request *disk_transfer_pop_from(
	struct cpu *cpu, struct disk_transfer_list *list, bool locks)
{
	struct port_request *request;

	if (locks) {
		cpu_poll_own_by(cpu);
		host_owned_acquire(&list->lock);
	}
	request = disk_transfers_first(list);
	if (likely(request != NULL))
		disk_transfers_begin_with(list, request->next);
	if (locks)
		host_owned_release(&list->lock);
	return request;
}

struct port_request *disk_transfer_borrow(struct disk_transfers *of);

/* Private: the same in two steps, without a buffer, and nobody is queued. */
path_inline struct disk_transfer *disk_transfer_pop(struct disk *disk, bool locks)
{
	struct cpu *cpu = cpu_self;
	struct port_request *request =
		disk_transfer_pop_from(cpu, disk_transfers_here(cpu, disk->adapter, locks), locks);

	if (locks && unlikely(!request))
		request = disk_transfer_borrow(disk->adapter->front);
	return likely(request != NULL) ? request->ctx : NULL;
}

static inline void disk_transfer_begin(
	struct disk_transfer *transfer, struct port_request *request, struct disk *disk)
{
	port_request_renew(request);
	request->unit = disk->unit;
	transfer->buffer = NULL;
	transfer->disk = disk;
	transfer->tries = 0;
	transfer->once = transfer->is_whole = false;
}

/* One that is free is as io_page.c wants it. */
void disk_transfer_ready(struct disk_transfer *transfer);

/* Private: somebody waits for a transfer or a buffer. */
extern _Atomic bool disk_waiters_any __attribute__((visibility("hidden")));
/* At DISPATCH: gives it back, without a buffer. True: somebody waits, and disk_waiter_next() is to
 * be asked. */
path_inline bool disk_transfer_push(struct cpu *cpu, struct port_request *request, bool locks)
{
	struct disk_transfer_list *list = disk_transfers_here(cpu, request->adapter, locks);
	bool waits;

	if (locks) {
		cpu_poll_own_by(cpu);
		host_owned_acquire(&list->lock);
	}
	request->next = disk_transfers_first(list);
	disk_transfers_begin_with(list, request);
	/* In this order: who waits says so, and looks then (disk_waiter_push). */
	if (locks)
		host_barrier_light();
	waits = atomic_load_explicit(&disk_waiters_any, memory_order_relaxed);
	if (locks)
		host_owned_release(&list->lock);
	return unlikely(waits);
}

/* Returns disk_waiter_next(). */
struct disk_io *disk_transfer_put(struct disk_transfer *transfer)
	__attribute__((warn_unused_result));

/* ---- own.c ---- */

/* At DISPATCH. -ENOMEM: then, and only then, put_back gives the requests back that there are. */
int disk_own_init(struct disk_own *own, struct port_adapter *adapter);
void disk_own_put_back(struct disk_own *own);
/* In a kernel thread at PASSIVE, for disk->unit; waits its turn. vital: as of a disk_command. */
struct disk_transfer *disk_own_get(struct disk *disk, bool is_vital);
/* PASSIVE. */
void disk_own_put(struct disk_transfer *transfer);

/* ---- command.c ---- */

void disk_command_flush(struct disk_transfer *transfer);
/* Both write their parameter data to transfer->own and describe it. */
void disk_command_unmap(struct disk_transfer *transfer, uint64_t block, uint32_t blocks);
void disk_command_zero(struct disk_transfer *transfer, uint64_t block, uint32_t blocks);
void disk_command_set(struct port_request *request, const uint8_t *cdb, unsigned length,
	uint32_t flags, uint32_t seconds);

static inline void disk_put64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

#define DISK_FUA_BIT 0x08

/* CDBs are numbers with the most significant byte first: so READ(10), WRITE(10) and those of 16
 * bytes are made of two, bytes 0 to 7 and 8 to 15. */
static inline void disk_command_rw(struct port_request *request, const struct disk *disk,
	bool write, uint64_t block, uint32_t blocks, bool fua)
{
	uint64_t first = fua ? (uint64_t)DISK_FUA_BIT << 48 : 0, second;

	if (likely(block + blocks <= UINT32_MAX && blocks <= UINT16_MAX)) {
		first |= (uint64_t)(write ? SCSIOP_WRITE : SCSIOP_READ) << 56 | block << 16 |
			 blocks >> 8;
		second = (uint64_t)blocks << 56;
		request->cdb_length = 10;
	} else {
		first |= (uint64_t)(write ? SCSIOP_WRITE16 : SCSIOP_READ16) << 56 | block >> 16;
		second = block << 48 | (uint64_t)blocks << 16;
		request->cdb_length = 16;
	}
	disk_put64(&request->cdb[0], first);
	disk_put64(&request->cdb[8], second);
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->flags = write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN;
	request->timeout = disk->rw_seconds;
}

#define DISK_PAGE_CDB 10

/* The first eight bytes of READ(10) and WRITE(10) of at most 255 blocks, in memory's order; of the
 * others the first is the number of blocks. `block` is one that they can name. What follows from op
 * by a shift needs no branch. */
static inline uint64_t disk_command_page(unsigned op, uint64_t block)
{
	_Static_assert(DRY_OP_READ == 0 && DRY_OP_WRITE == 1 && SCSIOP_WRITE == SCSIOP_READ + 2 &&
			       SRB_FLAGS_DATA_OUT == SRB_FLAGS_DATA_IN << 1,
		"one bit of each tells a read from a write");
	return htole64((SCSIOP_READ + 2 * op) | htobe64(block) >> 16);
}

/* ---- outcome.c ---- */

/* 0 or -errno for a finished request. *again: it may be repeated. */
int disk_outcome(const struct port_request *request, bool *again);

/* ---- io_submit.c ---- */

/* As disk_submit. */
int disk_submit_other(struct disk *disk, struct dry_io *io);

/* ---- io_page.c ---- */

/* As disk_submit, on this processor. */
int disk_submit_by(struct cpu *cpu, struct disk *disk, struct dry_io *io);
/* Any thread, at or below DISPATCH on a processor. 0 or -EINVAL, -ENXIO with error_set. */
static inline int disk_submit(struct disk *disk, struct dry_io *io)
{
	struct cpu *cpu = cpu_self;

	return cpu ? disk_submit_by(cpu, disk, io) : disk_submit_other(disk, io);
}
/* Private: one of a page that has waited. False: nothing was done. At DISPATCH. */
bool disk_page_again(struct disk_io *dio);
/* Private: port_request.page_done of all transfers': with one processor, and with several. */
void disk_page_done(struct port_request *request);
void disk_page_done_among(struct port_request *request);

/* ---- io.c ---- */

static inline bool disk_is_rw(const struct dry_io *io)
{
	return io->op == DRY_OP_READ || io->op == DRY_OP_WRITE;
}

/* Private: where its buffer lies. */
void disk_io_look(struct disk_io *dio, const struct disk *disk, const struct dry_io *io);
/* Private: at DISPATCH, counted among the active. */
void disk_io_start(struct disk_io *dio);
/* Private: port_request.done of all transfers' that carry a request of the front. */
void disk_part_done(struct port_request *request);
/* At DISPATCH: something was given back. Those go on for whom there is enough now. */
void disk_waiters_go_on(void);
/* The same where the first, from disk_waiter_next() or NULL, is known. */
void disk_waiters_go_on_with(struct disk_io *first);
/* True: it has been sent again; else 0 or -errno in *result. */
bool disk_is_sent_again(struct disk_transfer *transfer, int *result);
static inline bool disk_is_good(const struct port_request *request)
{
	return likely(request->srb_status == SRB_STATUS_SUCCESS &&
		      request->transferred == request->length);
}
/* PASSIVE. Those of the disk that wait for a transfer or a buffer fail: it has gone. */
void disk_io_waiters_fail(struct disk *disk);
/* At DISPATCH: a request that was held begins again; it ends with this result. It counts as active
 * again. */
void disk_io_again(struct disk_io *dio);
void disk_io_end(struct disk_io *dio, int result);
/* Around the use of disk->unit for a front. False: the disk has gone. */
bool disk_enter(struct disk *disk);
void disk_leave(struct disk *disk);
/* Whether any request of the front is unfinished and not held. Any thread. */
bool disk_is_active(const struct disk *disk);
/* Bytes that the front has read and written. Any thread. */
void disk_client_bytes(const struct disk *disk, uint64_t *read, uint64_t *written);

/* ---- io_run.c ---- */

/* Submits and waits; in a kernel thread (parks) or on a host thread. */
int disk_run(struct disk *disk, struct dry_io *io);
/*
 * A command of our own, in a kernel thread at PASSIVE: data goes out from or comes into `data`;
 * moved: bytes that came. 0 or -errno; retries what is worth it. vital: if the miniport keeps it
 * through all resets the adapter is given up, and the command fails. once: it is not sent again,
 * and what came in is handed on also if it failed.
 */
struct disk_command {
	uint8_t function;
	uint8_t cdb[32], cdb_length;
	void *data;
	uint32_t bytes, moved;
	bool out, in, vital, once;
	uint32_t seconds;
	uint8_t srb_status, scsi_status, sense_length;
	uint8_t *sense; /* NULL: nobody wants it; else PORT_SENSE_BYTES */
};
int disk_execute(struct port_unit *unit, struct disk_command *command);

/* ---- hold.c ---- */

void disk_hold_init(struct disk *disk, uint32_t seconds);
/* At DISPATCH. False: the request is not to wait. */
bool disk_hold(struct disk_io *dio);
/* PASSIVE. The disk is back: what is held begins again. */
void disk_hold_go_on(struct disk *disk);
/* PASSIVE. What is held fails, and what comes later, until it is back. */
void disk_hold_end(struct disk *disk);

/* ---- pass.c ---- */

/* In a kernel thread at PASSIVE; as dry_scsi. */
int disk_pass(struct disk *disk, struct dry_scsi *scsi);

/* ---- scan.c ---- */

/* PASSIVE, in a kernel thread: finds the disks of the adapter, appends them. -ENODEV if there is
 * none. */
#define DISKS_MAX 255
struct disk_set {
	struct disk *disk[DISKS_MAX];
	unsigned count;
	uint32_t hold_seconds; /* for which requests wait when a disk has gone */
};
int disk_scan(struct port_adapter *adapter, struct disk_set *set);
/* The same again, while the disks are in use: new ones are appended; those that have
 * grown are larger; those that do not answer any more, or are smaller or of other blocks, are gone
 * until they are back. Not two at a time. */
int disk_scan_again(struct port_adapter *adapter, struct disk_set *set);
/* PASSIVE. The adapter goes: so do its disks, as far as fronts are concerned. */
void disk_set_lose(struct disk_set *set, struct port_adapter *adapter);
/* PASSIVE. Its requests have failed, or are about to; the units may be freed after that. A scan of
 * the adapter, when it has been started again, finds the disks that are as they were. */
void disk_set_detach(struct disk_set *set, struct port_adapter *adapter);
/* Waits until no request of the front is unfinished. If the miniport has kept one through all
 * resets, the adapter is given up, so that all end. In a kernel thread at PASSIVE. */
void disk_settle(struct disk *disk);
/* Flushes (SYNCHRONIZE CACHE where there is a cache; SRB_FUNCTION_FLUSH and SHUTDOWN if
 * caches_data). 0 or -EIO. */
int disk_shutdown(struct disk *disk, bool caches_data);
void disk_free(struct disk *disk);

#endif
