/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * DMA, in Windows' terms.
 *
 * An *adapter* is what a driver has of the DMA system (DMA_ADAPTER, with the constraints of its
 * device). A *master* is what a device has: the right to read and write the bus. An *engine* stands
 * between: `direct` (the device reaches every byte of RAM; bus address = physical address),
 * `bounce` (what the device cannot reach is copied through low pages), `iommu` (the device sees
 * translated addresses, and nothing but what is mapped for it). *Map registers* are the limited
 * resource that translates or bounces one page each (MR-1). A *scatter/gather list* has elements in
 * buffer order whose lengths sum to the transfer (MR-5).
 *
 * The heart is one pure function, dma_sglist_build (sglist.h): page frames + offset + length +
 * limits → elements, without allocation, locks or globals. Storport's Get, Build and Put and all
 * WDM operations stand on it.
 *
 *   driver:  IoGetDmaAdapter → ddi_io_dma.c → adapter.c → sglist.c → elements
 *   port:    dma_map / dma_unmap (one request's list)      → sglist.c
 *   device:  dma_bus_read / dma_bus_write (dma_bus.h: master, bus address) → engine → bytes of RAM
 */
#ifndef DRY_DMA_DMA_H
#define DRY_DMA_DMA_H

#include "util/common.h"
#include "cpu/cpu.h"
#include "dma/dma_bus.h"
#include "dma/sglist.h"
#include <ntddk.h>

/* ---- the driver's side ---- */

enum dma_engine { DMA_DIRECT, DMA_BOUNCE, DMA_IOMMU };

/* A contiguous run of map registers. */
struct dma_run {
	uint32_t first, count; /* count 0: no registers */
};

struct dma_adapter;

/* Who waits for registers; in the caller's record, which stays where it is until granted
 * has begun or dma_wait_cancel has returned true. */
struct dma_waiter {
	struct dma_waiter *next;
	uint32_t need, end; /* private: how many, and below which register */
	struct dma_run run; /* once granted */
	void (*granted)(struct dma_waiter *waiter); /* at DISPATCH, by a DPC on the processor that
						       waited */
	_Atomic uint32_t state;
	struct cpu_dpc dpc;
};

/* What stands between a part of a buffer and the device while it works on it: see mapping.h. */
struct dma_mapping {
	struct dma_run run; /* the map registers that it holds */
	uint32_t used;	    /* of them, those that lead somewhere */
	bool write_to_device;
	bool is_copied; /* something was bounced */
	bool is_shut;	/* the iommus of devices in other processes lead nowhere by it any more */
	void *va;	/* where the processor sees what the device works on, if the whole of it was
			   bounced; else NULL */
};

/* What is to be mapped. */
struct dma_order {
	PMDL mdl;
	void *current_va; /* a position in the first MDL (SG-5) */
	uint32_t length;
	bool write_to_device;
	/* The buffer is, or may be, mapped for the miniport: where one page has to be copied, all
	 * are, into one run with the buffer's byte offset, which mapping->va names. */
	bool whole;
	uint64_t id;	/* of the request, for reports; else 0 */
	uintptr_t site; /* code address of the driver's call, for reports; else 0 */
	/* Build and Get of version 3; elsewhere zero: */
	PMDL head;	  /* of the chain that the driver named, where mdl is a later one of it */
	bool synchronous; /* it does not wait, and the routine, which may be NULL, runs inside the
			     call whatever the policy */
	PSCATTER_GATHER_LIST *out;     /* synchronous: gets the list before the routine runs */
	struct dma_transfer *transfer; /* checked and not in use: by what it can be cancelled */
};

struct dma_constraints {
	unsigned width;		/* address bits: 1..64 */
	uint32_t max_transfer;	/* bytes, 0: no limit (DEVICE_DESCRIPTION.MaximumLength) */
	uint32_t map_registers; /* most per transfer; 0: the engine's own choice from max_transfer
				   (D-5) */
	bool scatter_gather;
	uint8_t device; /* whose accesses its mappings are for: dma_master.number */
};

/* Lists of one adapter. Live ones are built - put. */
#define DMA_COUNT_SIZES 12
struct dma_counts {
	uint64_t built, put; /* by Build and Get of a driver */
	/* by dma_map, for the port's requests; mapped follows from the others, and only
	 * dma_adapter_counts fills it in */
	uint64_t mapped, unmapped;
	/* lists, built or mapped, by elements: [n] has those of 2^(n-1)+1 .. 2^n elements, [0] of
	 * one; the last also all longer ones */
	uint64_t sizes[DMA_COUNT_SIZES];
};

/*
 * Everything of one adapter. Its first member is the DMA_ADAPTER that drivers see. Adapters stand
 * in one array, so that a driver's pointer is judged without following it (dma_adapter_find).
 */
struct dma_adapter {
	DMA_ADAPTER header;
	struct dma_constraints limits;
	const void *owner; /* the port's adapter or device object: whose memory lists are, for
			      reports */
	uintptr_t site;	   /* code address of the IoGetDmaAdapter that made it, 0: the port's */
	uint32_t map_registers; /* granted per transfer (D-5) */
	unsigned number;	/* for events */
	/* private to dma/ */
	struct dma_sg_limits reach;  /* limits, as the builder takes them */
	bool takes_registers;	     /* its transfers do */
	uint32_t register_end;	     /* its registers are those below: what it reaches */
	uint8_t own_domain;	     /* of the iommu: the one it has had from its start */
	_Atomic uint8_t domain;	     /* the one it is in now (JoinDmaDomain) */
	struct dma_live_table *live; /* lists that are built and not put (live.h) */
	struct dma_common *commons;  /* common buffers not yet freed */
	struct dma_vector *vectors;  /* of those, who stands in which vector */
	_Atomic bool in_use, unreachable_told;
	/* each processor counts by itself; the last place is for threads that are none */
	struct {
		struct dma_counts counts;
	} APART here[CPU_MAX + 1];
};

/* PASSIVE. The machine has one engine and at most 16 adapters. NULL with error_set. An adapter has
 * at most DMA_LIVE_LISTS lists of Build and Get at a time; the next one gets
 * STATUS_INSUFFICIENT_RESOURCES. */
#define DMA_LIVE_LISTS 4096
struct dma_adapter *dma_adapter_new(const struct dma_constraints *limits, const void *owner);
/* Gives it other limits, while it has no lists; its memory that is pinned stays. -ERANGE with
 * error_set: too few address bits, for the map registers or, behind the iommu, for the addresses
 * that pinned memory has already. PASSIVE. */
int dma_adapter_limit(struct dma_adapter *adapter, const struct dma_constraints *limits);
/* At or below DISPATCH. Frees it; reports lists (0xE6/0x0A) and common buffers (0xE6/07) left as
 * violations; callbacks of Build that have not run yet never will. */
void dma_adapter_free(struct dma_adapter *adapter);
/* The adapter behind a driver's pointer, NULL if it is none or has been freed. Constant time. */
struct dma_adapter *dma_adapter_find(const void *pointer);
/* What the adapter's processors have counted, added up. Any thread; exact when they rest. */
struct dma_counts dma_adapter_counts(const struct dma_adapter *adapter);

/*
 * One request's list, for the port: fills list (room for max_elements) from the MDL chain. Nothing
 * is allocated. mapping is the caller's: zero, or with the run that a waiter of this order was
 * granted. Returns NTSTATUS; checked in this order:
 *	INVALID_PARAMETER       length 0, no MDL, current_va outside it
 *	BUFFER_TOO_SMALL        length runs past the chain (SZ-9)
 *	INVALID_PARAMETER       an MDL whose pages are not known: neither locked nor built
 *	INSUFFICIENT_RESOURCES  more registers than the adapter's limit (MR-2)
 *	PENDING                 too few are free now: waiter->granted will be called; then call
 *	                        again with mapping->run = waiter->run
 *	INSUFFICIENT_RESOURCES  the same, but waiter is NULL; more than max_elements elements, or
 *	                        than one without scatter/gather (SGL-6); memory that the device
 *	                        cannot reach under the direct engine, which has nothing to bounce
 *	                        with
 * The first three are violation events too, and so is the last cause, once per adapter. On failure
 * the mapping is zero and holds nothing. At or below DISPATCH.
 * TRACE_DMA_MAP is the caller's, who knows the request's number.
 */
NTSTATUS dma_map(struct dma_adapter *adapter, struct dma_mapping *mapping,
	const struct dma_order *order, PSCATTER_GATHER_LIST list, uint32_t max_elements,
	struct dma_waiter *waiter);
/* Private: dma_unmap (dma_page.h) of a mapping with registers. */
void dma_unmap_registers(struct dma_mapping *mapping);
/*
 * The end of a mapping waits until the iommu of a device in another process (iommu_unit.h) knows of
 * it. Transfers that end together wait once: dma_shut for each, dma_shut_end with all that it
 * returned, then dma_unmap as ever. At or below DISPATCH.
 */
bool dma_waits_for_units(void);
uint32_t dma_shut(struct dma_mapping *mapping);
void dma_shut_end(uint32_t units);
/* Gives back a run that was granted and will not be used. At or below DISPATCH. */
void dma_run_give(struct dma_run run);
/* True: granted will never be called. False: it runs, has run, or is about to. */
bool dma_wait_cancel(struct dma_waiter *waiter);

/*
 * Memory that the device may always reach, both ways: extensions, common buffers. va and bytes are
 * whole pages of RAM, physically contiguous (MEM_LINEAR). The bus address, or MEM_NO_ADDRESS with
 * error_set: the device cannot reach it, or the iommu has no room. direct and bounce: nothing but
 * that check. PASSIVE by use.
 */
uint64_t dma_pin(
	struct dma_adapter *adapter, void *va, uint64_t bytes, const char *what, uintptr_t site);
void dma_unpin(struct dma_adapter *adapter, void *va, uint64_t bytes);
/* The bus address of a byte of pinned memory; under direct and bounce the physical address of any.
 * MEM_NO_ADDRESS: it is not pinned for this adapter, or no memory of the machine. Constant time. */
border_call uint64_t dma_address(const struct dma_adapter *adapter, const void *va);
/* The other way: the host address of a bus address that is pinned for this adapter (direct and
 * bounce: of any physical address), NULL: none. */
void *dma_host(const struct dma_adapter *adapter, uint64_t address);

/*
 * The size of a list buffer for this request, and its map registers: SZ-1 and SZ-5, the published
 * function; header and one element where the device has no scatter/gather (SZ-4). mdl may be NULL
 * (worst case for current_va and length); either result may be NULL. The same statuses as dma_map,
 * but those about elements and reach. Any IRQL.
 */
NTSTATUS dma_list_size(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	uint32_t *bytes, uint32_t *registers);

/*
 * Build into the caller's memory, then routine(device_object, irp, list, context) at DISPATCH
 * (SG-6, SG-8). At DISPATCH. When the routine runs is the machine's policy. The same statuses
 * as dma_map, and BUFFER_TOO_SMALL when `bytes` of list are less than dma_list_size says (SZ-5;
 * checked after the data length, before the registers), INVALID_PARAMETER when a list that is
 * still live stands there (SG-10), INSUFFICIENT_RESOURCES when DMA_LIVE_LISTS are live. Where map
 * registers are in use it waits for them, unless the policy is no_queue. The routine
 * runs if and only if the answer is STATUS_SUCCESS, save that the adapter is freed before.
 */
enum dma_callback {
	/* by a DPC on the calling processor, in its turn: when the caller has lowered its IRQL */
	DMA_CALLBACK_QUEUED,
	/* inside the call */
	DMA_CALLBACK_BEFORE_RETURN,
	/* as queued, but the DPC lets everything that is queued by then go first: the caller is
	 * certain to have gone, and what it queued in the same breath has run */
	DMA_CALLBACK_AFTER_RETURN,
	/* by a DPC on the next processor: before, while or after the call returns */
	DMA_CALLBACK_OTHER_PROCESSOR
};
typedef VOID NTAPI dma_list_routine(
	PVOID device_object, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context);
/* A driver's routine and what it is called with. */
struct dma_callee {
	dma_list_routine *routine;
	void *device_object, *irp, *context;
};
NTSTATUS dma_build(struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee, PSCATTER_GATHER_LIST list, uint32_t bytes);
/* STATUS_INVALID_PARAMETER for a list that is not a live one of this adapter's Build or WDM Get
 * or whose routine has not run yet (SG-7, X-41; it stays live), with a violation event; a
 * wrong direction is reported and Build's is used. No memory of the caller's is touched. At
 * or below DISPATCH. `site`: code address of the driver's call, for the report of a second Put. */
NTSTATUS dma_put_from(struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, bool write_to_device,
	uintptr_t site);
static inline NTSTATUS dma_put(
	struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, bool write_to_device)
{
	return dma_put_from(adapter, list, write_to_device, 0);
}

struct dma_config {
	enum dma_engine engine;
	enum dma_callback callback;
	uint32_t map_registers; /* of the machine; 0: the engine's own choice, direct: no limit */
	unsigned width;		/* no device drives more address bits; 0: 64 */
	/* Policies: what the documents leave open. */
	uint32_t list_overhead; /* bytes that a list buffer needs besides its elements (SZ-5) */
	bool lenient_size;	/* a buffer for the merged list will do (SZ-5) */
	bool hal_compatible; /* a length that passes the MDL by less than a page counts as covered
				for CalculateScatterGatherList and register counts (SZ-7, SZ-9) */
	bool zero_length;    /* length 0: a list of no elements, and no violation */
	bool no_queue; /* StorPortBuildScatterGatherList fails where it would have to wait */
	bool strict;   /* broken rules of the DMA layer stop the machine */
};
int dma_init(const struct dma_config *config);
bool dma_is_strict(void);
enum dma_engine dma_engine_used(void);
void dma_fini(void);

/* What the port knows of a physical device object. */
struct dma_device {
	unsigned width;	   /* address bits of its bus: 1..64 */
	uint8_t device;	   /* dma_master.number of what stands there */
	const void *owner; /* the port's adapter, for dma_adapter.owner */
};
/* Set by the port; NULL while there is none. It returns NULL for a device that it does not know. */
extern const struct dma_device *(*dma_device_resolve)(PDEVICE_OBJECT physical_device_object);

/*
 * Which adapter IoGetDmaAdapter makes (D-2 … D-13). NULL, with a violation where the caller broke a
 * rule: no description, a version above 3, a width outside 1..64 (version 3), a slave of the system
 * DMA controller (this machine has none), a device that dma_device_resolve does not know, no
 * adapter left. PASSIVE.
 */
struct dma_adapter *dma_adapter_from_description(
	PVOID physical_device_object, PDEVICE_DESCRIPTION description, PULONG map_registers);

#include "dma/dma_page.h"

#endif
