/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Inside the NVMe controller (docs/nvme-controller.md says what of the specification is there).
 *
 *	nvme.c           birth, options, death
 *	nvme_register.c  registers, doorbells, the interrupt line: what processors touch
 *	nvme_life.c      the agent: enabling, reset, shutdown; which command is carried out next
 *	nvme_queue.c     fetching commands, posting completions, interrupts
 *	nvme_quick.c     the commands that most batches are of, where nobody looks closer
 *	nvme_shadow.c    doorbells that are in memory too
 *	nvme_admin.c     admin commands: queues, abort
 *	nvme_event.c     asynchronous events
 *	nvme_identify.c, nvme_feature.c, nvme_log.c   the admin commands that tell and set
 *	nvme_io.c        I/O commands
 *	nvme_prp.c       where a command's data lies
 *
 * An *engine* carries out commands: it is an agent, with all that it needs for that. The first one
 * has the admin queue, and enables and resets the controller. Without the option `engines` it is
 * the only one; with it the others have the I/O queues: a completion queue belongs to one engine,
 * and so do the submission queues that complete there.
 *
 * Who owns what. Registers, doorbells, and the places of a queue are atomics, which processors and
 * engines share. What stands in an engine and in its queues is its own: another one has its lock in
 * each step, and the first takes all these locks (nvme_engines_hold) before it does what touches
 * them: an admin command, a reset. So an engine finds the queues, features and sizes that it reads
 * as they are for the whole step. The rest belongs to the first engine. A queue of size 0 does not
 * exist: its size is written last when it is made, first when it goes.
 *
 * A command is fetched only when its completion queue has room for it, and that room is kept for it
 * (`reserved`); so posting never waits, and a full queue holds up nobody else's commands. Requests
 * for asynchronous events give their room back while they are held.
 */
#ifndef DRY_HW_NVME_H
#define DRY_HW_NVME_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "hw/faults.h"
#include "hw/nvme/nvme_spec.h"
#include "hw/storage.h"
#include <pthread.h>
#include <stdatomic.h>

#define NVME_VENDOR	    0x4452
#define NVME_DEVICE	    0x0002
#define NVME_QUEUES_MAX	    64 /* with the admin queue: a bit for each in a word */
#define NVME_ENGINES_MAX    16 /* besides the first */
#define NVME_FETCHED_MAX    32
#define NVME_ASYNC_MAX	    4
#define NVME_EVENTS_MAX	    8
#define NVME_ERRORS_MAX	    64
#define NVME_NAMESPACES_MAX 255
#define NVME_TEMPERATURE    310 /* K: always */
#define NVME_WARNING	    343 /* K: WCTEMP, above which it would be too warm */

/* Completions of fast commands share an interrupt, but it does not wait for this much data. */
#define NVME_INTERRUPT_BYTES (256u << 10)

struct nvme_sq {
	_Atomic uint32_t size, tail, head; /* tail: the doorbell */
	uint32_t refused;		   /* the last tail in memory that was none */
	uint16_t cqid;
	uint64_t base;
	_Atomic(struct nvme_engine *) engine; /* of its completion queue */
} APART;

struct nvme_cq {
	_Atomic uint32_t size, head, tail; /* head: the doorbell */
	_Atomic bool has_interrupt;
	bool phase;
	uint16_t vector;
	uint16_t users;	   /* submission queues */
	uint32_t reserved; /* entries that fetched commands will need */
	uint32_t refused;  /* the last head in memory that was none */
	uint64_t base;
	struct nvme_engine *engine; /* fixed at birth */
} APART;

struct nvme_fetched {
	uint16_t sqid;
	bool is_conflict; /* its identifier is that of another one here */
};

struct nvme_seen {
	uint16_t cid, turn;
};

struct nvme_event {
	uint8_t type, information, log_page;
};

enum { NVME_REQUEST_RESET = 1, NVME_REQUEST_SHUTDOWN = 2 };

struct nvme;

struct nvme_engine {
	struct nvme *nvme;
	struct cpu_agent *agent;
	pthread_mutex_t lock; /* not of the first */
	/* written by doorbells, too */
	_Atomic uint64_t rung; /* submission queues whose doorbell was written */
	_Atomic bool starved;  /* something waits for room in a completion queue */

	uint64_t pending; /* submission queues that may have commands */
	uint64_t blocked; /* those of them that wait for room in their completion queue */
	uint64_t posted;  /* completion queues with entries whose interrupt is due */
	uint64_t moved;	  /* bytes since the last interrupt */
	unsigned next_sq;

	/* commands [first, end) are to be carried out */
	unsigned first, end;
	uint64_t identifiers; /* a bit of each command fetched since the table was empty */
	struct nvme_command commands[NVME_FETCHED_MAX];
	struct nvme_fetched fetched[NVME_FETCHED_MAX];

	/* nvme_quick.c: what it has carried out of the stretch that is being fetched, the one of
	 * each value of its identifier's low bits; the rest goes where that place is taken */
	struct nvme_seen seen[256];
	uint16_t turn;		    /* of this stretch */
	enum mem_kind kind_of_data; /* of the last command */

	uint64_t units_read, units_written, reads, writes, media_errors;
	struct dma_master master;

	struct iovec iov[STORAGE_IOV_MAX];
	uint64_t list[NVME_PAGE / 8]; /* a page of a PRP list */
	uint8_t page[NVME_PAGE];      /* what identify and log pages say */
	uint8_t *compare;	      /* a block */
} APART;

struct nvme {
	pthread_mutex_t gate; /* closed for engines that begin a step while the first waits */
	_Atomic bool is_awaited;
	struct bus_function *function;
	struct storage *storage;

	/* fixed at birth */
	uint32_t queues;  /* pairs for I/O */
	uint32_t entries; /* of a queue, at most */
	uint32_t vectors; /* 0: the line only */
	uint32_t block_size, block_shift, namespaces, mdts_bytes;
	uint64_t blocks;      /* of each namespace */
	uint64_t page_blocks; /* of each, from which on there is a page of it */
	bool has_cache;
	bool has_shadow; /* doorbells may be in memory */

	/* registers */
	_Atomic uint32_t cc, csts, aqa, intms;
	_Atomic uint32_t asq[2], acq[2];
	_Atomic uint32_t requests; /* what was written to CC and is still to be done */
	_Atomic uint32_t bad_register, bad_value; /* doorbell writes that were none */

	bool is_enabled;
	struct nvme_sq sq[NVME_QUEUES_MAX];
	struct nvme_cq cq[NVME_QUEUES_MAX];
	_Atomic bool is_shadowed; /* doorbells are in memory: */
	uint64_t shadow, event_index;

	/* the first engine's */
	unsigned async_count, event_count;
	uint16_t async_cid[NVME_ASYNC_MAX];
	struct nvme_event events[NVME_EVENTS_MAX];
	bool is_masked[NVME_EVENT_TYPES]; /* until its log page is read */

	uint32_t features[NVME_FEATURES];
	uint32_t vector_config[BUS_MESSAGES_MAX];
	uint32_t recovery[NVME_NAMESPACES_MAX];
	uint32_t threshold[NVME_TEMPERATURES];
	uint64_t timestamp, timestamp_set_at; /* ms, and the machine's time in ns */
	bool timestamp_is_set;

	pthread_mutex_t log_lock; /* of the next two, where several engines write them */
	uint64_t error_count;
	struct nvme_error_entry errors[NVME_ERRORS_MAX]; /* the newest at error_count - 1 */

	unsigned engine_count;
	struct nvme_engine engine[];
};

/* May touch memory: enabled, not about to be reset, not failed. */
static inline bool nvme_is_running(const struct nvme *n)
{
	return n->is_enabled && !(n->requests & NVME_REQUEST_RESET) && !(n->csts & NVME_CSTS_CFS);
}

/* From place `from` on a ring to place `to`. */
static inline uint32_t nvme_distance(uint32_t from, uint32_t to, uint32_t size)
{
	return to >= from ? to - from : to + size - from;
}

/* Whether a doorbell's value adds entries, and no more than are free, or takes some away, and no
 * more than there are: 5.2, Invalid Doorbell Write Value. */
static inline bool nvme_sq_takes(const struct nvme_sq *sq, uint32_t value)
{
	uint32_t size = sq->size, tail = sq->tail, head = sq->head;

	return likely(
		value < size && nvme_distance(head, value, size) > nvme_distance(head, tail, size));
}

static inline bool nvme_cq_gives(const struct nvme_cq *cq, uint32_t value)
{
	uint32_t size = cq->size, head = cq->head;

	return likely(value < size && value != head &&
		      nvme_distance(head, value, size) <= nvme_distance(head, cq->tail, size));
}

/* ---- nvme_register.c ---- */

extern const struct bus_function_ops nvme_bus_ops;
/* At birth. */
void nvme_doorbells_set(struct nvme *n);
/* Makes the line follow the completion queues and the mask. Any thread. */
void nvme_line_update(struct nvme *n);

/* ---- nvme_life.c ---- */

void nvme_step(void *ctx); /* of an engine */
/* By the first engine: no other is in a step until they are let go. */
void nvme_engines_hold(struct nvme *n);
void nvme_engines_let_go(struct nvme *n);
/* Memory of a queue could not be reached: 9.5. */
void nvme_fail(struct nvme *n);
/* Logs that a command has failed; the status that is posted. */
uint16_t nvme_failed(struct nvme *n, const struct nvme_command *c, unsigned sqid, uint16_t status);

/* ---- nvme_queue.c ---- */

/* Fills the table of commands, with those that nvme_quick has left. */
void nvme_fetch(struct nvme_engine *e);
/* Takes the i-th command out of the table. */
void nvme_fetched_remove(struct nvme_engine *e, unsigned i);
/* Entries of the completion queue that are free and not reserved. */
uint32_t nvme_cq_room(const struct nvme_cq *cq);
/* Posts a completion for a command of the submission queue, into the room reserved for it. */
void nvme_post(
	struct nvme_engine *e, unsigned sqid, uint16_t cid, uint16_t status, uint32_t result);
/* Completions that a plan of faults has held back until now. */
void nvme_post_late(struct nvme_engine *e);
void nvme_interrupts_send(struct nvme_engine *e);

/* ---- nvme_quick.c ---- */

/*
 * Carries out the first of `count` commands of an I/O queue, which stand at `ring`, as long as they
 * are reads and writes of one page and nothing but them is to be seen to, and posts them; how many
 * they were. For each there is room in the completion queue. The table is empty.
 */
unsigned nvme_quick(
	struct nvme_engine *e, unsigned sqid, const struct nvme_command *ring, unsigned count);

/* ---- nvme_shadow.c ---- */

/* Takes over what the driver has written to memory since, of the engine's queues. */
void nvme_shadow_look(struct nvme_engine *e);
/* What is known of a queue's doorbell as memory begins to have it: the driver's word, and ours. */
void nvme_shadow_begin(struct nvme *n, unsigned index, uint32_t value);
/* Of one completion queue's head; awaited: its next move is to be told by the register. */
void nvme_shadow_cq_look(struct nvme_engine *e, unsigned id, bool is_awaited);

/* ---- nvme_event.c ---- */

/* Notes an event, unless it is noted already. */
void nvme_event(struct nvme *n, unsigned type, unsigned information, unsigned log_page);
/* Answers requests with events, as far as there are both and room. */
void nvme_events_send(struct nvme *n);
/* Forgets requests and events. */
void nvme_events_clear(struct nvme *n);
/* The log page was read: its events are told again from now on. */
void nvme_events_unmask(struct nvme *n, unsigned log_page);
/* Takes a held request away and answers it as aborted; false if there is none, or no room. */
bool nvme_event_abort(struct nvme *n, uint16_t cid);
/* Events of doorbells that processors wrote wrongly. */
void nvme_doorbells_look(struct nvme *n);

/* ---- the commands: NVME_OK, an error, or NVME_HELD; *result is dword 0 of the completion ---- */

uint16_t nvme_admin(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_io(struct nvme_engine *e, const struct nvme_command *c);
uint16_t nvme_identify(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_log_page(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_set_features(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_get_features(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_event_request(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_shadow_config(struct nvme *n, const struct nvme_command *c, uint32_t *result);

void nvme_features_reset(struct nvme *n);
/* How many I/O queues of a kind may be made: 5.21.1.7. */
uint32_t nvme_submission_queues(const struct nvme *n);
uint32_t nvme_completion_queues(const struct nvme *n);
/* Byte 0 of the health log: 5.14.1.2. */
unsigned nvme_critical_warning(const struct nvme *n);
bool nvme_nsid_is_valid(const struct nvme *n, uint32_t nsid);
/* The status of a read or write that the storage has failed. */
uint16_t nvme_move_failed(struct nvme_engine *e, bool is_write, int err);
/* Whether the write cache is there and on. */
static inline bool nvme_is_cached(const struct nvme *n)
{
	return n->has_cache && n->features[NVME_FEATURE_WRITE_CACHE];
}

/* ---- nvme_log.c ---- */

/* What failed, for the error log; 0xffff where it was no one command or queue. */
struct nvme_failure {
	uint16_t sqid, cid, status;
	uint32_t nsid;
	uint64_t lba;
};
void nvme_error_log(struct nvme *n, const struct nvme_failure *failure);

/* ---- nvme_prp.c ---- */

/* Calls part for each stretch of the command's data, in order; none crosses a page. */
typedef uint16_t nvme_part_fn(void *ctx, uint64_t address, uint32_t bytes);
uint16_t nvme_prp_walk(struct nvme_engine *e, const struct nvme_command *c, uint64_t bytes,
	nvme_part_fn *part, void *ctx);
/* Moves the device's own bytes to or from the command's data. */
uint16_t nvme_prp_put(
	struct nvme_engine *e, const struct nvme_command *c, const void *from, uint32_t bytes);
uint16_t nvme_prp_get(
	struct nvme_engine *e, const struct nvme_command *c, void *to, uint32_t bytes);

#endif
