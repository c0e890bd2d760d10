/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Typed events. The path emits them and knows no listener; a table of subscribers, chosen when the
 * machine is built, hears each one synchronously, on the processor and the stack that emits it. So
 *a finding stops at the driver's line. A subscriber neither waits nor takes the path's locks.
 *
 * An event without a subscriber costs one predictable branch: trace_wanted is the union of all
 * subscribers' masks. Events carry four numbers whose meaning stands beside the type below; no host
 * address and no host time is among those that a replayed run prints.
 *
 *	trace(TRACE_SRB_SUBMIT, srb_id, function, unit, bytes);
 */
#ifndef DRY_TRACE_TRACE_H
#define DRY_TRACE_TRACE_H

#include "util/common.h"

enum trace_type {
	/* the stations of a request (ARCHITECTURE.md); id numbers a request within the run */
	TRACE_SRB_SUBMIT,   /* 1: id, SRB function, unit, bytes */
	TRACE_SRB_GO,	    /* 2: id, unit */
	TRACE_DMA_MAP,	    /* 3: id, elements, bytes, registers used */
	TRACE_HW_BUILDIO,   /* 4: id, result */
	TRACE_HW_STARTIO,   /* 4: id, result */
	TRACE_DMA_TRANSFER, /* 5: device number, bus address, bytes, direction (1 = device writes
			       memory) in bit 0, kind of the memory (enum mem_kind) above it */
	TRACE_IRQ,	    /* 6: message number or ~0 for a line, claimed */
	TRACE_DPC,	    /* 6: processor */
	TRACE_SRB_DONE,	    /* 7: id, SRB status, bytes, nanoseconds since submit or 0 */
	TRACE_STATE_CHANGE, /* what (bits), address (bus, target, unit in bytes), attributes */
	/* scatter/gather lists made for a driver by request */
	TRACE_SG_BUILD, /* adapter, elements, bytes, status */
	TRACE_SG_PUT,	/* adapter, elements, bytes, status */
	TRACE_SG_GET,	/* id, elements */
	/* calls that break a rule: what was wrong is text, for a person; the numbers are the rule's
	 */
	TRACE_VIOLATION,  /* text (const char *), number, number, number */
	TRACE_CPU_SWITCH, /* replay: from, to; processors first, then device models, the host last
			   */
	TRACE_TYPES
};

struct trace_event {
	enum trace_type type;
	uint8_t processor; /* 0xff: not on a processor */
	uint8_t irql;
	uint64_t arg[4];
};

typedef void trace_fn(void *ctx, const struct trace_event *event);

extern uint64_t trace_wanted; /* bit per type; written only while no machine runs */

#define trace_is_wanted(type) unlikely(trace_wanted &(1ull << (type)))
#define trace_1(t, a)	      trace_4(t, a, 0, 0, 0)
#define trace_2(t, a, b)      trace_4(t, a, b, 0, 0)
#define trace_3(t, a, b, c)   trace_4(t, a, b, c, 0)
#define trace_4(t, a, b, c, d)                                                                     \
	do {                                                                                       \
		if (trace_is_wanted(t))                                                            \
			trace_deliver(                                                             \
				t, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d));    \
	} while (0)
#define trace_pick(_1, _2, _3, _4, name, ...) name
/* Emits an event with one to four arguments. Any IRQL, any thread. */
#define trace(type, ...)                                                                           \
	trace_pick(__VA_ARGS__, trace_4, trace_3, trace_2, trace_1)(type, __VA_ARGS__)

void trace_deliver(enum trace_type type, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Adds a subscriber for the types in mask. Only while no machine runs. -ENOSPC past eight. */
int trace_subscribe(uint64_t mask, trace_fn *fn, void *ctx);
void trace_unsubscribe(trace_fn *fn, void *ctx);

/* "srb.submit", "hw.startio" ... */
const char *trace_name(enum trace_type type);

/* cpu/ tells where events come from (a processor's number and IRQL); it may not be included here.
 */
extern void (*trace_locate)(uint8_t *processor, uint8_t *irql);

#endif
