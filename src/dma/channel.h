/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Adapter channels: how a driver maps a transfer itself, piece by piece, instead of being given a
 * list. It asks for the adapter and a number of map registers, and its AdapterControl routine is
 * called with a MapRegisterBase when both are there (CH-1 … CH-6). One channel at a time has the
 * adapter; those behind it wait in order. The registers may be kept when the adapter goes to the
 * next (DeallocateObjectKeepRegisters).
 *
 * A channel is a record out of a fixed array, and its address is the MapRegisterBase: so any
 * pointer that a driver passes as one is judged by its place, without being followed.
 * channel.c has the life of a channel, channel_map.c what is mapped through it; both stand on
 * mapping.h and map_register.h. Neighbours: ddi_dma_channel.c, ddi_dma_extended.c.
 */
#ifndef DRY_DMA_CHANNEL_H
#define DRY_DMA_CHANNEL_H

#include "dma/dma_private.h"
#include "dma/mapping.h"

/* Channels of one adapter: waiting, called, held, or with registers that are kept. */
#define DMA_CHANNELS 64

enum dma_channel_state {
	DMA_CHANNEL_FREE,
	DMA_CHANNEL_WAITS,     /* for the adapter, in its queue */
	DMA_CHANNEL_REGISTERS, /* has the adapter, waits for map registers */
	DMA_CHANNEL_GRANTED,   /* has both; a DPC that calls the routine is queued */
	DMA_CHANNEL_CALLED,    /* the routine runs */
	DMA_CHANNEL_HELD,      /* has both, without a routine that runs: KeepObject, or none */
	DMA_CHANNEL_KEPT,      /* has its registers only */
	DMA_CHANNEL_DROPPED /* nothing any more; the routine still runs, or its DPC is under way */
};

/* What a driver asks for. */
struct dma_channel_order {
	PDEVICE_OBJECT device_object;
	PIRP irp;
	uint32_t registers;
	PDRIVER_CONTROL routine;
	void *context;
	uintptr_t site; /* code address of the call, for reports */
	/* of version 3; in version 1 zero: */
	bool is_extended;
	bool synchronous; /* does not wait; the routine, which may be NULL, runs inside */
	void **base;	  /* synchronous: gets the MapRegisterBase; may be NULL */
	struct dma_transfer *transfer; /* checked and not in use */
};

/* What is mapped through a channel and not flushed yet. */
struct dma_mapped {
	PMDL mdl;	 /* that the driver named */
	uintptr_t va;	 /* of its start, as MapTransfer was given it; of Ex: 0 */
	uint64_t offset; /* of its start from the MDL's first byte */
	uint64_t bytes;	 /* 0: nothing is mapped */
	uint64_t pages;	 /* map registers that it takes, used by the engine or not */
	bool write_to_device, is_extended;
};

struct dma_channel {
	struct dma_adapter *adapter;
	struct dma_channel *next; /* in the queue */
	enum dma_channel_state state;
	bool is_busy;	     /* something is being mapped or flushed */
	bool is_list;	     /* holds the adapter for a synchronous list: has no registers */
	bool registers_gone; /* freed while the routine runs: it may be slower than its transfer */
	uint8_t early;	     /* IO_ALLOCATION_ACTION that came while the routine runs */
	uint8_t processor;   /* that runs the routine */
	uint8_t irql;	     /* of who maps or flushes */
	struct dma_channel_order order;
	struct dma_mapping mapping;
	struct dma_mapped mapped;
	struct dma_waiter waiter;
	struct cpu_dpc dpc;
};

/* ---- channel.c; at or below DISPATCH, but where it says otherwise ---- */

/*
 * STATUS_SUCCESS: the routine has run or will run (CH-1), or, where there is none, the channel is
 * held. INSUFFICIENT_RESOURCES: more registers than the adapter's limit (CH-2, with 0xE6/0C); a
 * request of this device object waits or runs already, or the caller is an AdapterControl routine
 * (CH-3, with 0xE6/0B); synchronous, and the adapter or the registers are not free now; no record
 * is left. The routine is called inside the call if nothing has to be waited for; version 3 without
 * synchronous follows the callback policy. At DISPATCH.
 */
NTSTATUS dma_channel_allocate(struct dma_adapter *adapter, const struct dma_channel_order *order);
/* FreeAdapterObject and FreeAdapterChannel (DeallocateObject): releases the adapter and, unless
 * they are kept, its registers. `what` is the routine's name, for reports. */
void dma_channel_release(
	struct dma_adapter *adapter, IO_ALLOCATION_ACTION action, const char *what);
void dma_channel_free_registers(struct dma_adapter *adapter, const void *base, uint32_t count);
/* Holds the adapter for a synchronous list without a routine; NULL: it is not free. */
struct dma_channel *dma_channel_hold(struct dma_adapter *adapter, uintptr_t site);
/* The list came to nothing. */
void dma_channel_unhold(struct dma_channel *channel);
/* True: it waited, and its routine will never be called. */
bool dma_channel_cancel(struct dma_adapter *adapter, struct dma_channel *channel,
	const struct dma_transfer *transfer, const void *device_object);
/* Whether p is the address of a channel's record of any adapter. */
bool dma_channel_is_record(const void *p);
/* Whether the record is a request of this transfer context that has not ended. */
bool dma_channel_is_used(struct dma_channel *channel, const struct dma_transfer *transfer);
/* The adapter goes away: takes back all, and reports it (0xE6/08, 0xE6/09). */
void dma_channels_drop(struct dma_adapter *adapter);
/* The machine goes away. */
void dma_channels_fini(void);

/* For channel_map.c: the channel behind a MapRegisterBase, busy until it is given back, and the
 * caller at DISPATCH, since others may wait for it. NULL: it has no registers now, and a violation
 * with this number has been reported. */
struct dma_channel *dma_channel_take(
	struct dma_adapter *adapter, const void *base, uint64_t number, const char *what);
void dma_channel_give(struct dma_channel *channel);

/* ---- channel_map.c ---- */

/* As dma_sg_start, for an offset into the whole chain (version 3); false: it lies behind its end.
 */
bool dma_chain_start(struct dma_sg_cursor *at, PMDL mdl, uint64_t offset, uint64_t length);

/*
 * MapTransfer: the bus address of what stands at va in the MDL, and in *length how far it goes: all
 * of it, but for devices with scatter/gather, which get the first contiguous piece. A further call
 * goes on where the last one ended. 0 and *length 0 with a violation: nothing was mapped.
 */
uint64_t dma_channel_map(struct dma_adapter *adapter, const void *base, PMDL mdl, const void *va,
	uint32_t *length, bool write_to_device, uintptr_t site);
/*
 * MapTransferEx: into list, as much as `bytes` and the registers allow; *length tells how much.
 * INVALID_PARAMETER: see the .c, and X-31 where not even one element fits; INSUFFICIENT_RESOURCES:
 * nothing could be mapped.
 */
NTSTATUS dma_channel_map_list(struct dma_adapter *adapter, const void *base, PMDL mdl,
	uint64_t offset, uint32_t *length, bool write_to_device, PSCATTER_GATHER_LIST list,
	uint32_t bytes, uintptr_t site);

/* What a flush names. */
struct dma_flush {
	PMDL mdl;
	uintptr_t va;	 /* version 1 */
	uint64_t offset; /* version 3 */
	bool is_extended;
	uint32_t length;
	bool write_to_device;
};

/* Ends what is mapped. A wrong length or direction is reported, and the mapping's own holds, as for
 * lists. INVALID_PARAMETER with a violation: this is not mapped. */
NTSTATUS dma_channel_flush(
	struct dma_adapter *adapter, const void *base, const struct dma_flush *flush);

#endif
