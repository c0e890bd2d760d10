/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Inside the NVMe controller (docs/nvme-controller.md says what of the specification is there).
 *
 *	nvme.c           birth, options
 *	nvme_register.c  registers and doorbells: what processors touch
 *	nvme_queue.c     the agent: enabling, fetching, posting, interrupts
 *	nvme_admin.c     admin commands: queues, abort, asynchronous events
 *	nvme_identify.c, nvme_feature.c, nvme_log.c   the admin commands that tell and set
 *	nvme_io.c        I/O commands
 *	nvme_prp.c       where a command's data lies
 *
 * Registers, doorbells, and a queue's size, head and tail are atomics; the rest belongs to the
 * agent alone. A queue of size 0 does not exist.
 */
#ifndef DRY_HW_NVME_H
#define DRY_HW_NVME_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "hw/nvme/nvme_spec.h"
#include "hw/storage.h"
#include <stdatomic.h>

#define NVME_QUEUES_MAX	    64 /* with the admin queue */
#define NVME_FETCHED_MAX    32
#define NVME_ASYNC_MAX	    4
#define NVME_EVENTS_MAX	    8
#define NVME_ERRORS_MAX	    64
#define NVME_NAMESPACES_MAX 32
#define NVME_PAGE	    4096u

struct nvme_sq {
	_Atomic uint32_t size, tail; /* tail: the doorbell */
	uint32_t head;
	uint16_t cqid;
	uint64_t base;
};

struct nvme_cq {
	_Atomic uint32_t size, head, tail; /* head: the doorbell */
	bool phase, has_interrupt, is_posted;
	uint16_t vector;
	uint16_t users; /* submission queues */
	uint64_t base;
};

struct nvme_fetched {
	struct nvme_command command;
	uint16_t sqid;
	bool is_conflict; /* its identifier is that of another one here */
};

struct nvme_event {
	uint8_t type, information, log_page;
};

struct nvme {
	struct bus_function *function;
	struct cpu_agent *agent;
	struct storage *storage;
	struct dma_master master;

	/* fixed at birth */
	uint32_t queues;  /* pairs for I/O */
	uint32_t entries; /* of a queue, at most */
	uint32_t vectors; /* 0: the line only */
	uint32_t block_size, namespaces, mdts_bytes;
	uint64_t blocks; /* of each namespace */
	bool has_cache;

	/* registers */
	_Atomic uint32_t cc, csts, aqa, intms;
	_Atomic uint32_t asq[2], acq[2];
	_Atomic uint32_t bad_register, bad_value; /* doorbell writes that were none */
	_Atomic bool line_cause;		  /* entries are not consumed */

	/* the agent's */
	bool is_enabled;
	struct nvme_sq sq[NVME_QUEUES_MAX];
	struct nvme_cq cq[NVME_QUEUES_MAX];
	unsigned fetched_count, next_sq;
	struct nvme_fetched fetched[NVME_FETCHED_MAX];
	struct nvme_command batch[NVME_FETCHED_MAX];
	unsigned async_count, event_count;
	uint16_t async_cid[NVME_ASYNC_MAX];
	struct nvme_event events[NVME_EVENTS_MAX];
	bool is_masked[NVME_EVENT_TYPES]; /* until its log page is read */
	uint32_t features[NVME_FEATURES];
	uint32_t vector_config[NVME_QUEUES_MAX];
	uint64_t error_count;
	struct nvme_error_entry errors[NVME_ERRORS_MAX]; /* the newest at error_count - 1 */
	uint64_t units_read, units_written, reads, writes;
	struct iovec iov[STORAGE_IOV_MAX];
	uint8_t page[NVME_PAGE]; /* what identify and log pages say */
	uint8_t *compare;	 /* a block */
};

/* ---- nvme_register.c ---- */

extern const struct bus_function_ops nvme_bus_ops;
/* Asserts the line, or not, as what was posted and the mask ask for. */
void nvme_line_update(struct nvme *n);

/* ---- nvme_queue.c ---- */

void nvme_step(void *ctx);
/* Posts a completion to the queue's completion queue, which has room. */
void nvme_post(struct nvme *n, unsigned sqid, uint16_t cid, uint16_t status, uint32_t result);
bool nvme_cq_has_room(const struct nvme_cq *cq);
/* Takes the fetched command away that is the i-th. */
void nvme_fetched_remove(struct nvme *n, unsigned i);

/* ---- the commands: NVME_OK, an error, or NVME_HELD; *result is dword 0 of the completion ---- */

uint16_t nvme_admin(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_io(struct nvme *n, const struct nvme_command *c);
uint16_t nvme_identify(struct nvme *n, const struct nvme_command *c);
uint16_t nvme_log_page(struct nvme *n, const struct nvme_command *c);
uint16_t nvme_set_features(struct nvme *n, const struct nvme_command *c, uint32_t *result);
uint16_t nvme_get_features(struct nvme *n, const struct nvme_command *c, uint32_t *result);
void nvme_features_reset(struct nvme *n);

/* An error of a command into the error log; status as it is posted. */
void nvme_error_log(struct nvme *n, const struct nvme_fetched *f, uint16_t status);
/* An event for an asynchronous event request, now or when there is one. */
void nvme_event(struct nvme *n, unsigned type, unsigned information, unsigned log_page);
/* Answers requests with events, as far as there are both. */
void nvme_events_send(struct nvme *n);
bool nvme_nsid_is_valid(const struct nvme *n, uint32_t nsid);

/* ---- nvme_prp.c ---- */

/* Calls part for each stretch of the command's data, at most a page long, in order. */
typedef uint16_t nvme_part_fn(void *ctx, uint64_t address, uint32_t bytes);
uint16_t nvme_prp_walk(struct nvme *n, const struct nvme_command *c, uint64_t bytes,
	nvme_part_fn *part, void *ctx);
/* Moves the device's own bytes to or from the command's data. */
uint16_t nvme_prp_put(
	struct nvme *n, const struct nvme_command *c, const void *from, uint32_t bytes);
uint16_t nvme_prp_get(struct nvme *n, const struct nvme_command *c, void *to, uint32_t bytes);

#endif
