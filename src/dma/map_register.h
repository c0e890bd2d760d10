/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Map registers: the limited resource that bounces or translates one page each (MR-1, MR-2). The
 * machine has one pool of them; a transfer takes a contiguous run (MR-7: where no run is long
 * enough, that is a shortage). Who finds too few waits in one queue, in order.
 *
 *	direct   a register leads nowhere; there is a pool only if the machine limits it
 *	bounce   register n is page n of low memory: the copy that the device works on
 *	iommu    register n is a page of bus addresses, in the domain of its adapter
 *
 * Behind the registers of the iommu come *pins*: pages that stay reachable, for extensions and
 * common buffers. Register or pin, each has a slot. Neighbours: mapping.c programs slots,
 * dma_bus.c is led by them.
 */
#ifndef DRY_DMA_REGISTER_H
#define DRY_DMA_REGISTER_H

#include "dma/dma.h"

#define DMA_REGISTERS_MAX 65536u
#define DMA_PINS_MAX	  65536u
#define DMA_DOMAINS	  16 /* one for each adapter */

/* ---- slots ---- */

/* A window word: what of the slot's page the device may touch, and how. Zero: nothing. A mapping
 * ends at its first slot (dma_window_is_live); its windows stay, for who comes too late. */
#define DMA_WINDOW_LIVE	   (1ull << 0)
#define DMA_WINDOW_READ	   (1ull << 1) /* by the device: to-device transfers */
#define DMA_WINDOW_WRITE   (1ull << 2)
#define DMA_WINDOW_BOUNCED (1ull << 3) /* leads to the bounce page, not to the source */
#define DMA_WINDOW_FIRST   8	       /* shift: first byte, 12 bits */
#define DMA_WINDOW_LAST	   20	       /* shift: last byte, 12 bits */
#define DMA_WINDOW_DOMAIN  32	       /* shift: domain, 4 bits */
#define DMA_WINDOW_HEAD	   40	       /* shift: the slot that has the birth, 17 bits */

struct dma_slot {
	_Atomic uint64_t window;
	char *source; /* the processor's memory that it stands for */
	char *target; /* the bounce copy of `bytes` bytes of source; NULL: none */
	uint32_t bytes;
	_Atomic uint32_t pages; /* of a mapping's first slot: so many from here on are in use */
};

#define DMA_NO_TIME 1 /* it was not looked at the clock */

/* Whose a mapping is, kept after its end: for who uses it too late. Stands at its first slot. */
struct dma_birth {
	const char *what;    /* "list of Build", "request", "common buffer" ... */
	uint64_t id;	     /* of the request, else 0 */
	uintptr_t site;	     /* code address of the call, 0: the port's own */
	uint64_t born, died; /* cpu_clock() or DMA_NO_TIME; died 0: not yet */
	uint32_t bytes;
	bool write_to_device;
	uint8_t adapter;
};

extern struct dma_slot *dma_slots;   /* registers, then pins; NULL: no engine that has any */
extern struct dma_birth *dma_births; /* by slot */
extern PFN_NUMBER *dma_shown;	     /* by slot: the frame that the device was given for it last */
extern char *dma_bounce_base;	     /* page n is register n's; NULL: no bounce pages */
extern uint32_t dma_bounce_pages;

static inline bool dma_window_is_live(uint32_t slot, uint64_t window)
{
	uint32_t head = (uint32_t)(window >> DMA_WINDOW_HEAD);

	return (window & DMA_WINDOW_LIVE) &&
	       slot - head < atomic_load_explicit(&dma_slots[head].pages, memory_order_acquire);
}

/* ---- the pool; struct dma_run and dma_waiter are in dma.h ---- */

/* From dma_settings. -ENOMEM with error_set. */
int dma_registers_init(void);
/* Reports registers that are still taken. */
void dma_registers_fini(void);

/* How many registers a transfer of this adapter may take at most, by its reach; 0: none is
 * reachable. UINT32_MAX: there is no pool. */
uint32_t dma_registers_reachable(const struct dma_adapter *adapter);

/*
 * STATUS_SUCCESS: *run is the caller's. STATUS_PENDING: waiter->granted will be called.
 * STATUS_INSUFFICIENT_RESOURCES: need is above the adapter's limit (MR-2), or too few are free and
 * waiter is NULL. At or below DISPATCH on a processor. An adapter that takes none gets an empty
 * run.
 */
NTSTATUS dma_registers_take(
	struct dma_adapter *adapter, uint32_t need, struct dma_waiter *waiter, struct dma_run *run);
/* Registers that are taken now. */
uint32_t dma_registers_taken(void);
/* Of the pool; UINT32_MAX: there is none. */
uint32_t dma_registers_count(void);

/* Pins [from, end): the same without waiting. UINT32_MAX: no run so long is free there. */
uint32_t dma_pins_take(uint32_t count, uint32_t from, uint32_t end);
void dma_pins_give(uint32_t first, uint32_t count);

/* ---- addresses of the iommu ---- */

/* The bus address of a slot's page in a domain; MEM_NO_ADDRESS: it lies outside the domain's reach.
 */
uint64_t dma_slot_address(unsigned domain, uint32_t slot);
/* The slot of a bus address that this domain may have, DMA_NO_SLOT: none. */
#define DMA_NO_SLOT UINT32_MAX
uint32_t dma_slot_at(unsigned domain, uint64_t address);
/* Sets where the domain's addresses lie, for devices of this width. */
void dma_domain_set(unsigned domain, unsigned width);
/* Which they are; 0 bytes: none. */
void dma_domain_window(unsigned domain, uint64_t *base, uint64_t *bytes);
/* As dma_domain_set for an adapter's new width, if its domain is its own and nothing has an address
 * there.
 */
void dma_domain_resize(const struct dma_adapter *adapter);
/* Pins with all that may be asked for; *slot is for dma_unpin_slot. As dma_pin, with the address
 * inside the bounds. */
struct dma_pin_ask {
	void *va;
	uint64_t bytes;
	const char *what;
	uintptr_t site;
	unsigned domain;
	uint64_t lowest, highest;
	bool large; /* the address is a multiple of a large page */
	bool no_read, no_write;
};
uint64_t dma_pin_at(struct dma_adapter *adapter, const struct dma_pin_ask *ask, uint32_t *slot);
void dma_unpin_slot(uint32_t slot, uint64_t bytes);

/* Whether an adapter is in it. */
bool dma_domain_is_used(unsigned domain);
/* Puts the adapter into another domain, or back into its own: SUCCESS; INVALID_DEVICE_STATE with a
 * violation while it has lists or registers; NOT_SUPPORTED: its device does not reach the domain's
 * addresses. */
NTSTATUS dma_domain_join(struct dma_adapter *adapter, unsigned domain);

/* What is pinned, and all domains as new. -ENOMEM with error_set. */
int dma_pins_init(void);
void dma_pins_fini(void);
/* The domains that a device's masters reach, a bit each; by device number, which is 0 to 255. */
uint32_t dma_domains_of(unsigned device);
void dma_domains_change(unsigned device, uint32_t leave, uint32_t join);

#endif
