/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Typed events. The path emits them and knows no listener; a table of subscribers, chosen when the
 * machine is built, hears each one synchronously, on the processor and the stack that emits it. So
 * a finding stops at the driver's line. A subscriber neither waits nor takes the path's locks.
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

/* Names, and what the numbers are called in a line of text, stand in trace_format.c. */
enum trace_type {
	/* the stations of a request (ARCHITECTURE.md); id numbers the submissions of a run: those
	 * of the n-th adapter, from 0, begin at n * 10^12 */
	TRACE_SRB_SUBMIT, /* 1: id, SRB function | first byte of the CDB << 8 | time-out in seconds
			     << 16, unit, bytes */
	TRACE_SRB_GO,	  /* 2: id, unit; once more after srb.again, or where a gate had been closed
			     when its map registers came */
	TRACE_DMA_MAP,	  /* 3: id, elements, bytes, registers used */
	TRACE_HW_BUILDIO, /* 4: id; HwStorBuildIo is about to be called */
	TRACE_HW_BUILDIO_END, /* 4: id, result */
	TRACE_HW_STARTIO,     /* 4: id; under the StartIo lock, if there is one */
	TRACE_HW_STARTIO_END, /* 4: id, result */
	TRACE_DMA_TRANSFER,   /* 5: device number, bus address, bytes, direction (1 = device writes
				 memory) in bit 0, kind of the memory (enum mem_kind) above it */
	TRACE_IRQ,	 /* 6: message number or ~0 for a line; the ISR is about to be called */
	TRACE_IRQ_END,	 /* 6: message, claimed */
	TRACE_DPC,	 /* 6: which of the adapter's DPC objects, in order of initialisation */
	TRACE_DPC_END,	 /* 6: the same */
	TRACE_SRB_AGAIN, /* 7: id, times it came back busy; the port sends it again */
	TRACE_SRB_DONE,	 /* 7: id, SRB status, bytes, nanoseconds since submit or 0 */
	/* what a driver does to registers and ports: slot of the function, BAR | size << 8 |
	 * whether it came without an accessor << 16, offset, value; a read when it is back, a write
	 * before the device has it */
	TRACE_REG_READ,
	TRACE_REG_WRITE,
	/* scatter/gather lists made for a driver by request */
	TRACE_SG_BUILD, /* adapter, elements, bytes, status */
	TRACE_SG_PUT,	/* adapter, elements, bytes, status */
	TRACE_SG_GET,	/* id, elements */
	/* off the path */
	TRACE_HW_TIMER,	    /* adapter; HwStorTimer is about to be called */
	TRACE_HW_TIMER_END, /* adapter */
	TRACE_PORT_CLOSE,   /* adapter, unit or ~0 for all, why (enum port_closed) */
	TRACE_PORT_OPEN,    /* the same: that reason is gone */
	TRACE_RESET,	    /* 0 unit 1 target 2 bus, address, id of the request that timed out */
	TRACE_RESET_END,    /* the same, and whether it went well */
	TRACE_UNIT,	    /* unit, address (bus, target, unit in bytes), 1: it is there, 0: it has
			       gone */
	TRACE_STATE_CHANGE, /* what (bits), address (bus, target, unit in bytes), attributes */
	/* calls that break a rule: what was wrong is text, for a person; the numbers are the rule's
	 */
	TRACE_VIOLATION,  /* text (const char *), number, number, number */
	TRACE_LOG,	  /* a driver's log entry: text (const char *), its id, ETW level */
	TRACE_CPU_SWITCH, /* replay: from, to; processors first, then device models, the host last
			   */
	/* around the work made inside the machine */
	TRACE_WORKLOAD_BEGIN, /* operations, at once, seed */
	TRACE_WORKLOAD_END,   /* 0 or an errno */
	/* off the path, too: a look at these costs more than at the first 32 */
	TRACE_HW_CONTROL,     /* adapter, SCSI_ADAPTER_CONTROL_TYPE; HwAdapterControl is about to be
				 called, but for the question what it supports */
	TRACE_HW_CONTROL_END, /* adapter, type, status */
	TRACE_EVENT,	      /* text (const char *): what is done to the machine; adapter */
	TRACE_EVENT_END,      /* the same, and 0 or an errno */
	TRACE_CAPABILITIES,   /* adapter, unit (~0: the adapter itself), what the miniport says of
				 it: the bits of STOR_DEVICE_CAPABILITIES_EX */
	TRACE_TYPES
};

struct trace_event {
	enum trace_type type;
	uint8_t processor; /* 0xff: not on a processor */
	uint8_t irql;
	uint64_t arg[4];
};

typedef void trace_fn(void *ctx, const struct trace_event *event);

/* Bit per type; written only while no machine runs, or of a replayed one. Hidden, so that a look at
 * it needs no table. */
extern uint64_t trace_wanted __attribute__((visibility("hidden")));

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

border_call void trace_deliver(
	enum trace_type type, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Adds a subscriber for the types in mask. Only while no machine runs. -ENOSPC past eight. */
int trace_subscribe(uint64_t mask, trace_fn *fn, void *ctx);
void trace_unsubscribe(trace_fn *fn, void *ctx);

/* "srb.submit", "hw.startio" ... */
const char *trace_name(enum trace_type type);

/* cpu/ tells where events come from (a processor's number and IRQL); it may not be included here.
 */
extern void (*trace_locate)(uint8_t *processor, uint8_t *irql);

/* bus/ keeps what it has to do for an event in what it looks at anyway: called when trace_wanted
 * has changed. NULL: by nobody. */
extern void (*trace_changed)(void);

#endif
