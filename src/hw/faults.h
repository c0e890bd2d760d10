/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Faults of devices: a layer between a device model and its bus, which makes a device that works
 * one that fails at a given moment, in a given way (docs/faults.md).
 *
 * What a device does, or what is done to it, where others can see it, is a *step*: a register is
 * read or written, memory is accessed, a completion is posted, an interrupt is raised. Steps are
 * numbered from 1 on from the moment of arming. A *fault* is of a kind and has a step: it befalls
 * the first step of a fitting sort from that one on. A *plan* is a few of them.
 *
 * Registers, memory and interrupts are tapped where they meet the bus (src/bus/tap.c,
 * src/dma/dma_bus.c). Completions are the model's own: it hands each to fault_complete before it
 * posts it, if its master has a tap. Each fault, when it comes about, is told as a violation of
 * number NT_DEVICE_FAULT. One device at a time, under replay or in a unit test's one thread.
 */
#ifndef DRY_HW_FAULTS_H
#define DRY_HW_FAULTS_H

#include "cpu/cpu.h"
#include "dma/dma_bus.h"
#include "util/common.h"

enum fault_kind {
	FAULT_IRQ_LATE,
	FAULT_IRQ_LOST,
	FAULT_IRQ_TWICE,
	FAULT_IRQ_SPURIOUS,
	FAULT_DONE_LATE,
	FAULT_DONE_LOST,
	FAULT_DONE_SWAPPED,
	FAULT_DONE_TWICE,
	FAULT_DONE_UNKNOWN,
	FAULT_DMA_LATE,
	FAULT_DMA_REFUSED,
	FAULT_DMA_ASTRAY,
	FAULT_REG_ONES,
	FAULT_GONE,
	FAULT_KINDS
};

/* Sorts of steps, as bits. */
enum { FAULT_READ = 1, FAULT_WRITE = 2, FAULT_DMA = 4, FAULT_DONE = 8, FAULT_IRQ = 16 };

#define FAULTS_MAX	  8
#define FAULT_STEP_MAX	  1000000000u
#define FAULT_LATE_NS	  2000000000ull /* how late what is late is, how long registers read ones */
#define FAULT_TWICE_NS	  10000ull	/* between an interrupt and its double */
#define FAULT_ENTRY_BYTES 64		/* of a completion */

struct fault {
	enum fault_kind kind;
	uint32_t step;
};

struct fault_plan {
	unsigned count;
	struct fault fault[FAULTS_MAX];
	uint64_t late_ns; /* 0: FAULT_LATE_NS */
};

const char *fault_name(enum fault_kind kind);
const char *fault_help(enum fault_kind kind); /* one line */
/* The sorts of steps that it can befall. */
unsigned fault_sorts(enum fault_kind kind);

/* "irq-lost@17,gone@30". -EINVAL with error_set. */
int fault_plan_parse(struct fault_plan *plan, const char *text);
void fault_plan_print(const struct fault_plan *plan, char *text, size_t size);

/* From here on steps are counted and the plan comes about. The sorts of the first `record_count`
 * steps go to `record`, if that is not NULL; 0 for what is asked of a device that has gone, which
 * no fault befalls. -ENODEV with error_set: the master's function is not on the bus. */
int fault_arm(struct dma_master *master, const struct fault_plan *plan, uint8_t *record,
	uint32_t record_count);
/* Nothing if nothing is armed. The processors have stopped, or never were. */
void fault_disarm(void);
/* fn is called once, when step `step` begins and before anything befalls it. Since fault_arm. */
void fault_pause(uint32_t step, void (*fn)(void));
/* In that fn: the faults that the plan has more than what was armed come about too, and sorts of
 * steps go to this record, which has those of the steps before. */
void fault_extend(const struct fault_plan *plan, uint8_t *record);
/* Since fault_arm. */
uint32_t fault_steps(void);
/* How often the device has used a wrong address by now: what it said of the requests that were
 * under way then need not be true. */
unsigned fault_harms(void);

/* ---- for device models: only where master->tap is set, in the device's step ---- */

enum fault_role {
	FAULT_OWN,	/* the completion that a command gets */
	FAULT_AGAIN,	/* one that it has got already */
	FAULT_STRANGER, /* the same with an identifier that no command has: the model's to change */
};

/* What is to be posted, in this order. */
struct fault_completions {
	unsigned count;
	bool is_lost; /* the one that was handed over is never posted */
	struct {
		enum fault_role role;
		uint8_t entry[FAULT_ENTRY_BYTES];
	} item[FAULTS_MAX + 2];
};

/* Takes a completion and says what is posted now in its place. `agent` is kicked when one that was
 * held back is due. */
void fault_complete(struct dma_master *master, struct cpu_agent *agent, const void *entry,
	size_t bytes, struct fault_completions *out);
/* Those held back that are due now. */
void fault_complete_due(struct dma_master *master, struct fault_completions *out);
/* The controller is reset: what was held back is forgotten. */
void fault_complete_forget(struct dma_master *master);

#endif
