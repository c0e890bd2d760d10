/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the files of dma/ share besides the contracts dma.h and sglist.h. */
#ifndef DRY_DMA_DMA_PRIVATE_H
#define DRY_DMA_DMA_PRIVATE_H

#include "dma/dma.h"

/* Numbers of Driver Verifier's DMA rules for nt_violation: bug check 0xE6 and its first parameter.
 */
#define DMA_RULE(parameter1) (0xe6000000u | (parameter1))

enum {
	DMA_RULE_FLUSHED_PAST = 0x00,	 /* flush past the end of what is mapped */
	DMA_RULE_COMMON_FREED = 0x03,	 /* common buffer freed too often */
	DMA_RULE_CHANNEL_FREED = 0x04,	 /* adapter channel freed too often */
	DMA_RULE_REGISTERS_FREED = 0x05, /* map registers freed too often */
	DMA_RULE_LIST_PUT = 0x06,	 /* list put too often */
	DMA_RULE_COMMON_LEFT = 0x07,	 /* adapter released with common buffers left */
	DMA_RULE_CHANNELS_LEFT = 0x08,	 /* ... with adapter channels left */
	DMA_RULE_REGISTERS_LEFT = 0x09,	 /* ... with map registers left */
	DMA_RULE_LISTS_LEFT = 0x0a,	 /* ... with lists left */
	DMA_RULE_CHANNELS = 0x0b,	 /* more than one adapter channel at once */
	DMA_RULE_REGISTERS = 0x0c,	 /* too many map registers at once */
	DMA_RULE_NOT_FLUSHED = 0x0d,	 /* adapter buffers not flushed */
	DMA_RULE_NOT_LOCKED = 0x0e,	 /* buffer not locked */
	DMA_RULE_STILL_MAPPED = 0x10,	 /* registers freed while mapped */
	DMA_RULE_IRQL = 0x13,
	DMA_RULE_REGISTERS_USED = 0x15, /* more map registers than the maximum */
	DMA_RULE_NOT_MAPPED = 0x16,	/* flush of a buffer not mapped */
	DMA_RULE_RELEASED = 0x18,	/* adapter already released */
	DMA_RULE_NULL_ADAPTER = 0x19,
	DMA_RULE_OUTSIDE_MDL = 0x1b,  /* address not inside the MDL */
	DMA_RULE_MAPPED_TWICE = 0x1d, /* range already mapped */
	DMA_RULE_BAD_BUFFER = 0x1f,   /* the address lies outside the first MDL */
	DMA_RULE_NEVER_MAPPED = 0x20, /* flush of a register never mapped */
	DMA_RULE_ZERO_LENGTH = 0x21,
	DMA_RULE_NOT_COVERED = 0x24, /* the MDL chain is shorter than the length */
	DMA_RULE_DESCRIPTION = 0x25  /* unknown device description version */
};

extern struct dma_config dma_settings;

/* ---- ddi_dma_extended.c ---- */

/* A DMA transfer context of version 3: the driver's 128 bytes, made by
 * InitializeDmaTransferContext.
 */
struct dma_transfer {
	uint64_t magic, self;	/* to tell one that was never initialised, or is a copy */
	_Atomic(void *) record; /* the channel or list that was asked for with it last */
};
_Static_assert(sizeof(struct dma_transfer) <= DMA_TRANSFER_CONTEXT_SIZE_V1, "it fits");

/* ---- adapter.c ---- */

/* The n-th place for an adapter, in use or not; NULL past the last. */
struct dma_adapter *dma_adapter_at(unsigned n);

/* What its transfers may take of the machine's registers, from its limits and domain. */
void dma_adapter_registers(struct dma_adapter *adapter);
/* Whether it has lists, or requests of the port, that are mapped. */
bool dma_adapter_is_busy(struct dma_adapter *adapter);

/* ---- list.c ---- */

/* WDM's GetScatterGatherList: as dma_build, into pool memory that dma_put frees (SGL-1).
 * INSUFFICIENT_RESOURCES also when there is none (SGL-2). */
NTSTATUS dma_get(struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee);
/* dma_list_size without the adapter's limit: what a transfer would need. */
NTSTATUS dma_list_need(const struct dma_adapter *adapter, PMDL mdl, const void *current_va,
	uint32_t length, uint64_t *bytes, uint64_t *registers);
/* The bytes of a list of so many elements at least (SZ-1, SZ-5). */
uint64_t dma_list_bytes(uint64_t elements);
/* Whether the pages of [0, length) of the chain are known; INVALID_PARAMETER with 0xE6/0E. */
NTSTATUS dma_pages_check(const struct dma_adapter *adapter, PMDL mdl, uint64_t length);
/* Reports that the page at the cursor can be neither reached nor copied, once per adapter. */
void dma_unreachable(struct dma_adapter *adapter, const struct dma_sg_cursor *at);

/* ---- list_put.c ---- */

/* The MDL over the memory that a live list points to: STATUS_NONE_MAPPED when asked a second time.
 */
NTSTATUS dma_list_mdl(
	struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, PMDL original, PMDL *target);
/* Forgets all live lists of an adapter; returns how many there were. */
unsigned dma_lists_drop(struct dma_adapter *adapter);
struct dma_live;
/* CancelAdapterChannel: true if this record is the list that this device object asked for with this
 * transfer, and its routine has not been called and never will be. At DISPATCH. */
bool dma_list_cancel(struct dma_adapter *adapter, struct dma_live *live,
	struct dma_transfer *transfer, const void *device_object);
/* A dropped record, by who was about to call its routine. */
void dma_list_dropped(struct dma_live *live);

/* ---- ddi_io_dma.c ---- */

/* The operations table of a device description version, 0..3. */
PDMA_OPERATIONS dma_operations(unsigned version);

#endif
