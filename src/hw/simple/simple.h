/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Inside the simple controller (its page: docs/simple-controller.md).
 *
 *	simple.c          birth, options, registers: what processors touch
 *	simple_ring.c     the agent: enabling, fetching commands, posting completions, interrupts
 *	simple_quick.c    the commands that most batches are of, where nobody looks closer
 *	simple_command.c  one command: its list, the data between RAM and storage, its status
 *	simple_scsi.c     the firmware that understands SCSI command blocks, with simple_ask.c
 *
 * Registers are atomics, written by processors and read by the agent or the other way round; the
 *rest belongs to the agent alone.
 */
#ifndef DRY_HW_SIMPLE_H
#define DRY_HW_SIMPLE_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "hw/faults.h"
#include "hw/simple/simple_regs.h"
#include "hw/storage.h"
#include <stdatomic.h>

#define SIMPLE_BATCH 32 /* commands that are fetched at once */

/* Where both rings of a running controller lie, each in one piece of one kind of plain memory, and
 * what counts the bytes that are moved there, as long as the note is true. */
struct simple_rings {
	struct dma_bus_note note;
	const struct simple_command *commands;
	union simple_completion *completions;
	uint64_t *read, *written;
};

/* Commands of batches of one that went well, and their data, which no counter has heard of yet. */
struct simple_ones {
	uint64_t count, bytes_read, bytes_written;
};

/* Room for an UNMAP parameter list of as many ranges, or a block. */
#define SIMPLE_PARAMETERS(elements) max_of(8 + 16 * (elements), 4096u)

struct simple {
	struct bus_function *function;
	struct cpu_agent *agent;
	struct storage *storage;
	struct dma_master master;

	/* fixed at birth */
	uint32_t entries, max_elements, messages;
	uint32_t block_size, block_shift, block_mask; /* a power of two */
	uint64_t blocks, delay_ns;
	uint64_t page_blocks; /* blocks from each of which on there is a page on the disk */

	/* registers */
	_Atomic uint32_t control, status, interrupt, mask, doorbell;
	_Atomic uint32_t ring_low, ring_high;

	/* the agent's */
	uint64_t commands_at, completions_at; /* bus addresses of the rings, latched when enabled */
	uint32_t consumed, posted;  /* commands fetched and completions written since then */
	uint32_t surplus;	    /* of those, more than commands were given: faults.h */
	unsigned untold;	    /* completions that were written, and no interrupt since */
	uint64_t batch_bytes;	    /* data moved since the last posting */
	unsigned waiting;	    /* completions not yet posted */
	uint64_t messages_due;	    /* messages that those ask for */
	enum mem_kind kind_of_data; /* of the last ones: simple_quick.c */
	struct simple_rings rings;
	struct simple_ones ones;
	struct simple_command commands[SIMPLE_BATCH];
	union simple_completion completions[SIMPLE_BATCH + FAULTS_MAX + 2];
	struct simple_element *list; /* [max_elements] */
	uint8_t *parameters; /* SIMPLE_PARAMETERS(max_elements) bytes that a SCSI command sent along
			      */
	struct iovec iov[STORAGE_IOV_MAX];
	struct simple_log log;

	struct cpu_timer timer; /* of the option delay */
	_Atomic bool delay_over;
	bool delay_runs;
};

/* The agent's step (simple_quick.c): works until nothing is left to do. */
void simple_step(void *ctx);
/* Its long way (simple_ring.c). */
void simple_step_all(struct simple *simple);
/* Makes the interrupt line follow INTERRUPT and MASK. Any thread. */
void simple_line_update(struct simple *simple);

/* The sequence number and what shares its word go last: who sees it sees the rest. */
static inline void simple_post_one(
	_Atomic uint64_t out[4], union simple_completion *completion, uint32_t sequence)
{
	completion->sequence = sequence;
	for (unsigned i = completion->status ? 0 : 2; i < 3; i++)
		atomic_store_explicit(&out[i], completion->words[i], memory_order_relaxed);
	atomic_store_explicit(&out[3], completion->words[3], memory_order_release);
}

static inline bool simple_is_enabled(const struct simple *simple)
{
	return simple->control & SIMPLE_CONTROL_ENABLE;
}

/* Neither being disabled nor failed: may touch memory. */
static inline bool simple_is_running(const struct simple *simple)
{
	return simple_is_enabled(simple) && simple->status & SIMPLE_STATUS_READY;
}

/* ---- simple_quick.c ---- */

/*
 * Carries out the first of a batch's commands, as long as they are DIRECT reads and writes in one
 * page and nothing but them is to be seen to, and writes their completions; how many they were. The
 * interrupt is still due. Without completions that wait; the controller was enabled just now.
 */
unsigned simple_quick(struct simple *simple, const struct simple_command *ring, unsigned count);

/* The counters hear of the ones. On the agent, or while it is at rest. */
void simple_ones_count(struct simple *simple);

/* ---- simple_command.c ---- */

/* What becomes of a command whose storage has failed it. */
enum simple_status simple_status_of(int err);
/* Whether these blocks are on the disk. */
static inline bool simple_is_inside(const struct simple *simple, uint64_t block, uint64_t blocks)
{
	return block <= simple->blocks && blocks <= simple->blocks - block;
}
/* Carries out one command; *length is the bytes that it moved. */
enum simple_status simple_execute(
	struct simple *simple, const struct simple_command *command, uint32_t *length);
/* READ or WRITE of all that the command's list describes, or the command itself if DIRECT. */
enum simple_status simple_transfer(
	struct simple *simple, const struct simple_command *command, uint32_t *length);
/* Reads the command's list into simple->list. */
enum simple_status simple_list_read(struct simple *simple, const struct simple_command *command);
/* The bytes that `elements` of simple->list describe, 0 if one of them is empty. */
uint64_t simple_list_bytes(const struct simple *simple, unsigned elements);
/* Moves up to `bytes` from (to) the memory that simple->list leads to; how many in *moved. */
enum simple_status simple_list_gather(
	struct simple *simple, unsigned elements, void *to, uint32_t bytes, uint32_t *moved);
enum simple_status simple_list_scatter(struct simple *simple, unsigned elements, const void *from,
	uint32_t bytes, uint32_t *moved);
/* Trims or zeroes the ranges in simple->list. */
enum simple_status simple_ranges(
	struct simple *simple, unsigned ranges, enum simple_opcode opcode, bool is_fua);
enum simple_status simple_flush(struct simple *simple);

/* ---- simple_scsi.c ---- */

enum simple_status simple_scsi(
	struct simple *simple, const struct simple_command *command, uint32_t *length);
/* Fixed-format sense data, 18 bytes, for the status of a command. */
void simple_sense(
	enum simple_status status, const struct simple_command *command, uint8_t sense[18]);

#endif
