/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The lists that Build and Get made and Put has not taken back, by their address. So a pointer that
 * is no such list is known in constant time, and nothing in the driver's memory is read or trusted.
 *
 * The table is its own pool of records: a bucket is one cache line of eight addresses, and each
 * address has its record. No lock; an address goes 0 → BUSY → list → BUSY → 0, and whoever makes it
 * BUSY owns the record. A list that finds its bucket full stands in another one, which costs a
 * search.
 */
#ifndef DRY_DMA_LIVE_H
#define DRY_DMA_LIVE_H

#include "dma/dma.h"
#include "dma/mapping.h"

enum dma_live_phase {
	DMA_LIVE_PENDING = 1, /* the routine is to be called */
	DMA_LIVE_FILLING,     /* it is about to be, too late to cancel: the list is being filled */
	DMA_LIVE_CALLED,      /* it runs or has run */
	DMA_LIVE_DROPPED      /* cancelled, or the adapter went away before */
};

/* The first cache line is all that a Put of a list without map registers touches. */
struct dma_live {
	_Atomic(PSCATTER_GATHER_LIST)
		list; /* kept after Put, to tell a second Put from a foreign list */
	PMDL mdl;
	uint32_t bytes, elements;
	bool write_to_device;
	bool from_pool; /* Get's: Put frees the list */
	bool mdl_given; /* BuildMdlFromScatterGatherList has answered */
	uint8_t turns;	/* how often the DPC lets others go first */
	uint16_t home;	/* private: the bucket that the address belongs to */
	_Atomic uint8_t phase;
	bool holds_registers; /* mapping is in use */
	struct dma_callee callee;
	struct dma_adapter *adapter __attribute__((aligned(64)));
	/* code addresses of the calls that asked for it and put it, 0: not known; kept after Put */
	_Atomic uintptr_t site, put_site;
	uint64_t offset; /* of its start from the first MDL's first byte */
	uint32_t room;	 /* elements that fit */
	bool waits;	 /* it had to wait for map registers: waiter, not dpc, calls */
	PMDL original;	 /* the chain that the driver named */
	_Atomic(struct dma_transfer *) transfer; /* of version 3, else NULL */
	struct dma_mapping mapping;
	PMDL bounce_mdl; /* made by BuildMdlFromScatterGatherList */
	struct cpu_dpc dpc;
	struct dma_waiter waiter;
} __attribute__((aligned(64)));

struct dma_live_table;

/* PASSIVE. NULL: out of memory. */
struct dma_live_table *dma_live_new(void);
void dma_live_free(struct dma_live_table *table);

/* A free record for this list, BUSY: nobody else finds it until dma_live_publish. NULL: none is
 * free, or
 * (*exists) the list is live already. */
struct dma_live *dma_live_claim(
	struct dma_live_table *table, PSCATTER_GATHER_LIST list, bool *exists);
/* Makes a claimed or taken record findable. */
void dma_live_publish(struct dma_live_table *table, struct dma_live *live);
/* The record of a live list, BUSY; NULL: not live, or another processor has just taken it, or
 * (*pending) its routine has not been called yet. */
struct dma_live *dma_live_take(struct dma_live_table *table, const void *list, bool *pending);
/* The same for a record, if its list is live; the caller checks that it is the one it means. */
bool dma_live_take_record(struct dma_live_table *table, struct dma_live *live);
/* Whether p is the address of a record of this table. */
bool dma_live_is_record(const struct dma_live_table *table, const void *p);
/* Whether it is not free, if only for a moment longer. */
bool dma_live_is_used(struct dma_live_table *table, const struct dma_live *live);
/* Whether somebody has taken this list's record just now, and may give it back. */
bool dma_live_is_busy(const struct dma_live_table *table, const void *list);
/* Gives back a taken record. */
void dma_live_release(struct dma_live_table *table, struct dma_live *live);
/* Gives back a claimed record whose list has come to nothing. */
void dma_live_abandon(struct dma_live_table *table, struct dma_live *live);

bool dma_live_has(const struct dma_live_table *table, const void *list);
/* The record of a list that stood at this address not long ago, for messages; else NULL. */
const struct dma_live *dma_live_had(const struct dma_live_table *table, const void *list);
/* Takes any live record, for clean-up: start with *at = 0 and go on until NULL. */
struct dma_live *dma_live_take_next(struct dma_live_table *table, unsigned *at);

#endif
