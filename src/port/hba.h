/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: the life of a driver and of its adapters (4.1), common to Storport and SCSI Port.
 * What differs between the two stands behind struct port_driver_model.
 *
 * A *driver* is what one DriverEntry registered. A *registration* is the data of a call of
 * StorPortInitialize or ScsiPortInitialize: a driver has one for devices on the bus, one for a
 * virtual adapter, or both. An *hba* is a device that it found: struct port_adapter (port.h), which
 * is the life of its requests, and what device and miniport have besides.
 *
 *   port_driver_start → DriverEntry → port_driver_register (hba_driver.c)
 *       → for each mass-storage function of the bus: model->prepare → model->find → model->accept
 *       → port_adapter_init → model->connect → HwInitialize → model->settle → control types
 *       → port_adapter_open … the path … port_driver_stop → ScsiStopAdapter → model->disconnect
 *       → model->quiet → model->release → DriverUnload                     (hba_life.c)
 *
 * hba_callback.c: calls of the miniport at other times. hba_resource.c: what an hba has of bus and
 * memory. All of it is for PASSIVE_LEVEL in a kernel thread, where nothing else is said.
 */
#ifndef DRY_PORT_HBA_H
#define DRY_PORT_HBA_H

#include "bus/bus.h"
#include "mem/mem.h"
#include "port/port.h"

#define PORT_HBAS_MAX	16
#define PORT_HBA_MAPS	16 /* live results of StorPortGetDeviceBase, ScsiPortGetDeviceBase */
#define PORT_HBA_RANGES 32 /* a SCSI Port miniport may say that it has so many */

enum port_hba_phase {
	PORT_HBA_FINDING,
	PORT_HBA_FOUND, /* HwFindAdapter has answered */
	PORT_HBA_INITIALIZING,
	PORT_HBA_PASSIVE_INITIALIZING,
	PORT_HBA_RUNNING,
	PORT_HBA_STOPPED
};

struct port_hba {
	struct port_adapter port; /* first: the path's functions get this pointer */
	struct port_driver *driver;
	struct bus_function *function; /* NULL: virtual */
	void *extension;	       /* HwDeviceExtension */
	uint64_t extension_bytes;
	_Atomic enum port_hba_phase phase;
	char name[48];	 /* "simple adapter 0" */
	uint32_t answer; /* HwFindAdapter's SP_RETURN_; SP_UNINITIALIZED_VALUE: not asked yet */

	HW_INITIALIZATION_DATA hw; /* of its registration */
	void *context;
	bool control_supported[ScsiAdapterControlMax];
	ACCESS_RANGE ranges[PORT_HBA_RANGES];
	void *uncached; /* whole pages, pinned for the device */
	uint64_t uncached_bytes;
	void *mapped[PORT_HBA_MAPS];

	struct cpu_timer timer; /* RequestTimerCall (T-1) */
	_Atomic(PHW_TIMER) timer_routine;
};

struct port_registration {
	bool is_there;
	HW_INITIALIZATION_DATA hw; /* SCSI Port's is the beginning of it */
	void *context;		   /* HwContext */
};

struct port_driver {
	DRIVER_OBJECT object;
	const struct port_driver_model *model;
	const char *name;
	bool has_called; /* StorPortInitialize or ScsiPortInitialize, whatever came of it */
	bool is_loaded;	 /* DriverEntry succeeded */
	struct port_registration physical, virtual; /* it may have both */
	struct port_hba *adapters[PORT_HBAS_MAX];
	unsigned adapter_count;
	char unknown[256]; /* in words: the last device that HwFindAdapter did not know, until told
			    */
};

struct port_driver_model {
	const struct port_model *requests;
	const char *stem; /* of its names: HwStorTimer, StorPortInitialize */
	/* What a report of a wrong IRQL, of a wrong answer of HwFindAdapter cites. */
	const char *irql_rule, *answer_rule;
	size_t adapter_bytes; /* of the model's adapter, whose first member is a struct port_hba */
	unsigned control_types; /* SCSI_ADAPTER_CONTROL_TYPE: how many it knows */
	PDRIVER_UNLOAD unload;	/* DriverUnload of a driver that sets none; may be NULL */

	/* Before HwFindAdapter: the configuration it gets. */
	int (*prepare)(struct port_hba *hba);
	ULONG (*find)(struct port_hba *hba);
	/* After it: judges what it left (-EINVAL with error_set), takes the limits from there, and
	 * what the DMA adapter is to be like. May free that (port.dma) for a device without DMA. */
	int (*accept)(
		struct port_hba *hba, struct port_limits *limits, struct dma_constraints *dma);
	int (*connect)(struct port_hba *hba); /* the interrupt */
	void (*disconnect)(struct port_hba *hba);
	/* No DPC runs: nor do its other timers and work from now on. May be NULL. */
	void (*quiet)(struct port_hba *hba);
	bool (*settle)(struct port_hba *hba);  /* passive initialisation; may be NULL */
	void (*release)(struct port_hba *hba); /* what prepare and the miniport took */

	/* Around HwInitialize and ScsiStopAdapter. */
	uint8_t (*lock)(struct port_hba *hba);
	void (*unlock)(struct port_hba *hba, uint8_t irql);
	/* Around HwTimer and HwResetBus, at DISPATCH; leave checks the callback's IRQL. */
	void (*enter)(struct port_hba *hba);
	void (*leave)(struct port_hba *hba, const char *callback);
};

/* ---- hba_driver.c ---- */

/* Runs DriverEntry and what it leads to for every mass-storage function on the bus. On an error
 * (error_set) all is undone. entry is an ms_abi DriverEntry. A device that HwFindAdapter does not
 * know (SP_RETURN_NOT_FOUND) is left alone and told of; it is an error if there is no other. */
int port_driver_start(const struct port_driver_model *model, void *entry, const char *name,
	struct port_driver **driver);
/* Stops the adapters, calls DriverUnload, frees everything. */
void port_driver_stop(struct port_driver *driver);
/* The driver whose DriverEntry runs, if these are the first three arguments that it may give to
 * StorPortInitialize; else NULL, with a violation of this number. */
struct port_driver *port_driver_of(const struct port_driver_model *model, const void *object,
	const void *registry, const void *data, uint64_t number);
/* The entry that a miniport cannot do without and has left out, in words, or NULL. */
const char *port_registration_bad(const HW_INITIALIZATION_DATA *hw);
/* Keeps what DriverEntry registers, with a copy of hw: of each of both kinds the last, but that for
 * PCI, which is the bus that this machine has, before any other. */
void port_driver_register(struct port_driver *driver, bool is_virtual,
	const HW_INITIALIZATION_DATA *hw, void *context);

/* ---- hba_life.c ---- */

/* Makes the adapter of a function (NULL: a virtual one) and starts it. It is the driver's last one
 * then, also when this fails, unless it could not be made. */
int port_hba_start(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function);
/* Stops and frees the driver's last adapter. */
void port_hba_end(struct port_driver *driver);
/* port_model.stop: ScsiStopAdapter, then interrupts, timer and DPCs end. Does nothing the second
 * time. */
void port_hba_stop(struct port_adapter *port);

/* ---- hba_callback.c; any IRQL ---- */

/* The hba of a HwDeviceExtension; NULL, with a violation naming the routine, if it is none.
 * Constant time. */
border_call void port_hba_unknown(const void *extension, const char *routine);
/* Private: where the first adapters stand; others are found by who owns the memory. */
#define PORT_HBA_PLACES 2
struct port_hba_place {
	_Atomic(const void *) extension;
	struct port_hba *hba; /* NULL: free */
};
extern struct port_hba_place port_hba_places[PORT_HBA_PLACES] __attribute__((visibility("hidden")));

static inline struct port_hba *port_hba_of(const void *extension, const char *routine)
{
	const struct mem_frame *frame;
	struct port_hba *hba;

	for (unsigned n = 0; n < PORT_HBA_PLACES; n++)
		if (atomic_load_explicit(&port_hba_places[n].extension, memory_order_acquire) ==
				extension &&
			likely(port_hba_places[n].hba != NULL))
			return port_hba_places[n].hba;
	frame = mem_owner(extension);
	hba = (struct port_hba *)frame->owner;
	/* Who owns memory of this kind is an adapter. */
	if (likely(frame->kind == MEM_EXTENSION && hba && hba->extension == extension))
		return hba;
	port_hba_unknown(extension, routine);
	return NULL;
}

/* The callback returned at another IRQL than it was called at: complains and mends it. A '*' in its
 * name stands for the model's stem. who: NULL for the driver. */
void port_irql_mend(
	const struct port_driver_model *model, const char *who, const char *callback, uint8_t irql);

static inline void port_hba_irql_check(
	const struct port_hba *hba, const char *callback, uint8_t irql)
{
	if (unlikely(cpu_irql() != irql))
		port_irql_mend(hba->driver->model, hba->name, callback, irql);
}

/* RequestTimerCall: one at a time; 0 microseconds take it back. */
void port_hba_timer(struct port_hba *hba, PHW_TIMER routine, uint32_t microseconds);
/* port_model.reset_bus. DISPATCH */
bool port_hba_reset_bus(struct port_adapter *port, uint8_t path);

/* ---- hba_resource.c ---- */

/* Fills ranges with the function's BARs; how many there are. */
unsigned port_hba_ranges(struct port_hba *hba);
/* Whether these name the hba in configuration space; a virtual one is in no slot. */
bool port_hba_has_slot(const struct port_hba *hba, ULONG type, ULONG slot);
/* A range of the hba's own BARs, mapped; NULL if it is none. */
void *port_hba_map(const struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io);
/* The same for a miniport, until it frees it or its adapter ends; NULL with a violation, of this
 * number if the range is not the hba's. */
void *port_hba_base(
	struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io, uint64_t number);
void port_hba_base_free(struct port_hba *hba, void *mapped);
/* Makes the uncached extension, of whole pages, zeroed, that a device of so many address bits
 * reaches; NULL: out of memory. site: where the miniport asked, for reports. */
void *port_hba_uncached_new(struct port_hba *hba, uint64_t bytes, unsigned width, uintptr_t site);
void port_hba_uncached_free(struct port_hba *hba);
/* Whether the byte is in it; *left: how many follow from there on. */
static inline bool port_hba_is_uncached(const struct port_hba *hba, const void *va, uint64_t *left)
{
	uint64_t offset = (uint64_t)((const char *)va - (const char *)hba->uncached);

	*left = hba->uncached_bytes - offset;
	return hba->uncached && offset < hba->uncached_bytes;
}
/* Whether the byte is in it or in an SRB extension, whose addresses can be turned back. */
bool port_hba_is_extension(const struct port_hba *hba, const void *va);

#endif
