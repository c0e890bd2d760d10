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
 * While it runs an adapter may be stopped and started again, put to sleep and woken, removed in
 * good order or by surprise, and started as a new one in its place (hba_change.c). All this is
 * asked for by IRPs (hba_pnp.c), which the driver may see before the port does
 * (ddi_port_dispatch.c). hba_control.c: adapter and unit control. hba_capabilities.c: what a
 * miniport says of its devices. hba_unit.c: units as
 * devices. hba_callback.c: calls of the
 * miniport at other times. hba_resource.c: what an hba has of bus and memory. hba_entries.c: what
 * the registry says of it. All of it is for PASSIVE_LEVEL in a kernel thread, where nothing else is
 * said.
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

/* hba_change.c */
enum port_hba_life {
	PORT_HBA_PRESENT, /* or not started yet */
	PORT_HBA_AWAY,	  /* stopped, to be started again */
	PORT_HBA_ASLEEP,  /* in D3 */
	PORT_HBA_DEAD,	  /* it did not start again, or was given up */
	PORT_HBA_GONE,	  /* by surprise; not removed yet */
	PORT_HBA_REMOVED
};

/* What the registry says of an adapter, its default where it says nothing: hba_entries.c. */
struct port_entries {
	uint32_t requests, luns, elements; /* NumberOfRequests, MaximumLogicalUnit, MaximumSGList;
					      0: not named */
	uint32_t link_down_seconds;
	uint32_t io_seconds;			    /* 0: not named */
	uint32_t bus_type;			    /* BusType; 0: not named */
	uint32_t uncached_shift;		    /* UncachedExtAlignment */
	uint64_t uncached_lowest, uncached_highest; /* addresses of the uncached extension */
	char *parameter;			    /* DriverParameter; NULL: not named */
};

/* Which entries a model reads. */
enum { PORT_ENTRIES_STOR = 1, PORT_ENTRIES_SCSI = 2 };

/* What the IRP on its way to a device stands for (hba_pnp.c); NULL: nothing. */
struct port_work;
typedef _Atomic(struct port_work *) port_work_place;

struct port_hba {
	struct port_adapter port; /* first: the path's functions get this pointer */
	struct port_driver *driver;
	struct bus_function *function; /* NULL: virtual */
	unsigned place;		       /* among the driver's adapters */
	void *extension;	       /* HwDeviceExtension */
	uint64_t extension_bytes;
	_Atomic enum port_hba_phase phase;
	_Atomic enum port_hba_life life;
	bool is_again;	  /* HwFindAdapter runs another time for the same adapter */
	uint8_t bus_type; /* by StorPortSetAdapterBusType; 0: not called */
	char name[48];	  /* "simple adapter 0" */
	uint32_t answer;  /* HwFindAdapter's SP_RETURN_; SP_UNINITIALIZED_VALUE: not asked yet */

	HW_INITIALIZATION_DATA hw; /* of its registration */
	void *context;
	struct port_entries entries;
	bool control_supported[ScsiAdapterControlMax];
	bool unit_control_supported[ScsiUnitControlMax];
	ACCESS_RANGE ranges[PORT_HBA_RANGES];
	void *uncached; /* whole pages, pinned for the device */
	uint64_t uncached_bytes;
	void *mapped[PORT_HBA_MAPS];

	DEVICE_OBJECT *physical, *functional;	  /* hba_object.c; NULL: there are none */
	STOR_DEVICE_CAPABILITIES_EX capabilities; /* as its miniport has them */
	struct dma_device dma_device;		  /* what IoGetDmaAdapter makes adapters for */
	unsigned registry_device;		  /* reg_device_add */
	_Atomic(struct port_work *) work;	  /* of the IRP that is on its way */
	_Atomic unsigned holders;		  /* hba_service.c */
	_Atomic bool is_closed;

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
	DRIVER_EXTENSION extension;
	const struct port_driver_model *model;
	const char *name;
	bool has_called; /* StorPortInitialize or ScsiPortInitialize, whatever came of it */
	bool is_loaded;	 /* DriverEntry succeeded */
	bool is_dump;	 /* in crash-dump mode: DriverEntry's arguments are NULL */
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
	uint8_t entries;      /* PORT_ENTRIES_ */
	unsigned control_types; /* SCSI_ADAPTER_CONTROL_TYPE: how many it knows */
	/* Takes back what a miniport may not support without having said so before. May be NULL. */
	void (*controls_limit)(struct port_hba *hba);
	PDRIVER_UNLOAD unload; /* DriverUnload of a driver that sets none; may be NULL */

	/* Before HwFindAdapter, each time: the configuration it gets. */
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
	/* The same until it starts again. May be NULL. */
	void (*rest)(struct port_hba *hba);
	bool forgets;	    /* the device extension is zeroed before HwFindAdapter runs again */
	bool has_port_srbs; /* the miniport gets SRB_FUNCTION_PNP and _POWER */
	/* ScsiStopAdapter is called at PASSIVE_LEVEL without a lock: the page of
	 * StorPortAcquireSpinLock has it so, that of HwStorAdapterControl otherwise; public
	 * miniports free pool there. */
	bool stops_unlocked;
	bool (*settle)(struct port_hba *hba);  /* passive initialisation; may be NULL */
	void (*release)(struct port_hba *hba); /* what prepare and the miniport took */

	/* IRP_MJ_DEVICE_CONTROL to the adapter: what its dispatch routine returns. NULL: it takes
	 * none. */
	NTSTATUS (*control)(struct port_hba *hba, PIRP irp);

	/* Around HwInitialize, ScsiRestartAdapter, and ScsiStopAdapter unless stops_unlocked
	 * (X-22). */
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
/* Any IRQL: DriverEntry in crash-dump mode, and no more. The driver is freed with free(). */
int port_driver_load_dump(const struct port_driver_model *model, void *entry, const char *name,
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

/* Any IRQL: makes the adapter of a function (NULL: a virtual one), with its device extension, which
 * -ENOMEM may leave out. It is the driver's last one then, unless it could not be made. */
int port_hba_new(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function);
/* And its end: from here on the device extension is nobody's. */
void port_hba_extension_free(struct port_hba *hba);
/* Makes the adapter of a function (NULL: a virtual one) and starts it. It is the driver's last one
 * then, also when this fails, unless it could not be made. */
int port_hba_start(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function);
/* Stops and frees the driver's last adapter. */
void port_hba_end(struct port_driver *driver);
/* ScsiStopAdapter, then interrupts, timer and DPCs end. Does nothing the second time. */
void port_hba_stop(struct port_adapter *port);
/* port_model.stop: the same, of one that has not given its requests back: it is dead. */
void port_hba_given_up(struct port_adapter *port);
/* Lets go of all that it has but its place among the driver's; nothing if it has. */
void port_hba_undo(struct port_hba *hba);
/* At DISPATCH_LEVEL, until that ends: it has slots for requests of others than its disks. Its end
 * lets the DPCs go first. */
static inline bool port_hba_takes(const struct port_hba *hba)
{
	return atomic_load(&hba->life) == PORT_HBA_PRESENT &&
	       atomic_load(&hba->phase) == PORT_HBA_RUNNING;
}

/* What port_hba_start does once the place is there. */
int port_hba_begin(struct port_hba *hba);
/* HwInitialize and what follows it. */
int port_hba_initialize(struct port_hba *hba);
/* Asks HwFindAdapter; judges its answer. irql: at which it is called. */
int port_hba_find(struct port_hba *hba, uint8_t irql);
/* Interrupts, DPCs, timers are over; phase is PORT_HBA_STOPPED. may_return: until it starts again.
 */
void port_hba_quiet(struct port_hba *hba, bool may_return);

/* ---- hba_change.c: one at a time for an adapter, while requests come in ---- */

/*
 * IRP_MN_STOP_DEVICE. Requests wait from now on (port_adapter_rest); the miniport is told by
 * SRB_FUNCTION_FLUSH where it caches data, SRB_FUNCTION_PNP (StorStopDevice) and ScsiStopAdapter,
 * and interrupts, timers, DPCs and work items end. -EINVAL (error_set): it does not run.
 * -ETIMEDOUT: as port_adapter_rest; it goes on.
 */
int port_hba_stop_device(struct port_hba *hba);
/*
 * IRP_MN_START_DEVICE. After a stop: HwFindAdapter and HwInitialize again, as its resources may be
 * others (ScsiRestartAdapter is for power alone, and for a virtual one, which has none), then it is
 * asked what it controls, and what waits is started. After a removal: as a new one, with a zeroed
 * extension and no units. -errno with error_set: what waits has failed (SRB_STATUS_NO_HBA); it may
 * be removed, and started after that.
 */
int port_hba_start_device(struct port_hba *hba);
/*
 * IRP_MN_SET_POWER. D3 as the stop, with SRB_FUNCTION_FLUSH and _SHUTDOWN before, ScsiUnitPower,
 * and ScsiAdapterPower or else SRB_FUNCTION_POWER and ScsiStopAdapter (4.8); the device forgets
 * all. D0 undoes it, with ScsiSetRunningConfig and ScsiRestartAdapter, or, where that is not
 * supported, HwFindAdapter and HwInitialize at DISPATCH_LEVEL (4.1). Errors as of the two above.
 * Other states: -EINVAL.
 */
int port_hba_power(struct port_hba *hba, STOR_DEVICE_POWER_STATE state, STOR_POWER_ACTION action);
/* What is stopped or asleep does not come back, for the reason of error_set, which stays (EIO):
 * what waits fails, as does what comes later. */
void port_hba_die(struct port_hba *hba);
/*
 * IRP_MN_SURPRISE_REMOVAL: the card is gone from the bus. What waits fails (SRB_STATUS_NO_HBA), as
 * does what comes later; ScsiUnitSurpriseRemoval, then ScsiAdapterSurpriseRemoval or else
 * SRB_FUNCTION_PNP (StorSurpriseRemoval); what the miniport has is waited for a few seconds, then
 * fails too. port_hba_remove has to follow.
 */
void port_hba_surprise_remove(struct port_hba *hba);
/* IRP_MN_REMOVE_DEVICE, also after a stop, D3 or a surprise: what waits fails; of one at rest,
 * ScsiUnitRemove and StorRemoveDevice; ScsiStopAdapter; all that it had is freed, units and
 * requests too. */
void port_hba_remove(struct port_hba *hba, bool is_at_rest);
/* Whether it runs, and rests now (port_adapter_rest). */
bool port_hba_rest(struct port_hba *hba);
static inline enum port_hba_life port_hba_life(const struct port_adapter *port)
{
	return atomic_load(&((const struct port_hba *)port)->life);
}

/* ---- hba_control.c; PASSIVE ---- */

/* HwAdapterControl and HwUnitControl say what they support; nothing else is ever asked of them. */
void port_hba_control_ask(struct port_hba *hba);
static inline bool port_hba_controls(const struct port_hba *hba, SCSI_ADAPTER_CONTROL_TYPE type)
{
	return hba->control_supported[type];
}
/* At the type's IRQL, with its lock (4.8, X-22). False: it is not supported, or failed. */
bool port_hba_control(struct port_hba *hba, SCSI_ADAPTER_CONTROL_TYPE type, void *parameters);
/* ScsiStopAdapter, and ScsiSetBootConfig after it. */
void port_hba_tracing(struct port_hba *hba, bool enabled);
void port_hba_control_stop(struct port_hba *hba);
/* port_model.reset_bus_asked: ScsiAdapterResetBusSynchronous. */
int port_hba_reset_bus_asked(struct port_adapter *port, uint8_t path);
/* Likewise for a unit, with its address, or, of ScsiUnitPower, address, action and state. */
bool port_hba_unit_control(struct port_unit *unit, SCSI_UNIT_CONTROL_TYPE type,
	STOR_POWER_ACTION action, STOR_DEVICE_POWER_STATE state);

/* What it says by ScsiUnitQueryBusType of a unit, whose bus may be another than the adapter's; 0:
 * nothing. PASSIVE. */
uint32_t port_hba_unit_bus_type(struct port_hba *hba, const struct port_unit_device *device);

/* ---- hba_call.c ---- */

/* An IRP on its way, and what comes back. In pool, as a driver that keeps it may end it late. */
struct port_call {
	PIRP irp;
	KEVENT ended;
	IO_STATUS_BLOCK status; /* once it has ended */
	_Atomic bool is_left;	/* private: by its sender, or by the driver */
	char buffer[] __attribute__((aligned(16)));
};

/* An IRP for this device's stack; the caller fills in its next stack location and sends it
 * (IoCallDriver). bytes: of buffer, zeroed. NULL: out of memory. PASSIVE, as what follows. */
struct port_call *port_call_new(const DEVICE_OBJECT *top, size_t bytes);
/* One that was not sent, or has ended. */
void port_call_free(struct port_call *call);
/* Whether it ends within this time. */
bool port_call_wait(struct port_call *call, uint64_t seconds);
/* Its sender waits no longer. True: it is its driver's now, whose end of it frees it. False: it has
 * ended meanwhile and is the caller's. */
bool port_call_leave(struct port_call *call);

/* ---- hba_pnp.c ---- */

struct port_irp {
	UCHAR major, minor;
	PVOID arguments[4]; /* Parameters.Others: those of each minor code lie there */
};

/* To whom an IRP goes. */
struct port_target {
	struct port_hba *hba;
	DEVICE_OBJECT *top; /* of the stack */
	port_work_place *work;
	const char *name; /* for reports */
};

struct port_target port_hba_target(struct port_hba *hba);

/*
 * Sends an IRP to an adapter's stack, or a unit's. fn is called when it comes to the port's
 * dispatch routine: on whatever thread, at PASSIVE. Its result; or, if the driver has ended the IRP
 * otherwise or has not ended it within a minute, -EIO (error_set) where it may do so. Where it may
 * not (to stop and to remove, and of units), that is told and fn is called all the same.
 */
int port_irp_do(const struct port_target *target, const struct port_irp *irp,
	int (*fn)(struct port_hba *hba, void *arg), void *arg);
/* One that stands for nothing: its status, STATUS_UNSUCCESSFUL if it was kept. result: NULL, or
 * where its Information goes. */
NTSTATUS port_irp_ask(
	const struct port_target *target, const struct port_irp *irp, ULONG_PTR *result);
extern unsigned port_irp_seconds; /* that minute; for tests */
/* For the dispatch routine: what the IRP on its way stands for. -EALREADY: nothing is, or no more.
 */
int port_work_do(struct port_hba *hba, port_work_place *place);
/* The functions of hba_change.c, asked for by IRPs; errors as theirs, or port_irp_do's. The start
 * is also the first one (port_hba_begin); where there is no device object, AddDevice comes before
 * it. -EBUSY (error_set): the driver does not let its adapter be stopped. */
int port_pnp_start(struct port_hba *hba);
int port_pnp_stop(struct port_hba *hba);
int port_pnp_power(struct port_hba *hba, STOR_DEVICE_POWER_STATE state, STOR_POWER_ACTION action);
void port_pnp_surprise_remove(struct port_hba *hba);
void port_pnp_remove(struct port_hba *hba);
/* The machine's end: port_hba_remove of one that runs, else port_hba_undo, by IRP_MN_REMOVE_DEVICE.
 * Follows port_pnp_start in any case. */
void port_pnp_end(struct port_hba *hba);

/* ---- hba_capabilities.c; PASSIVE, one change at a time ---- */

/* Asks the miniport about a unit, or, where that is the adapter's self, the adapter; what it does
 * not change is as usual. */
void port_capabilities_ask(
	struct port_hba *hba, struct port_unit *unit, STOR_DEVICE_CAPABILITIES_EX *to);
/* For the dispatch routine: into what IRP_MN_QUERY_CAPABILITIES asks for. */
void port_capabilities_merge(const STOR_DEVICE_CAPABILITIES_EX *from, PDEVICE_CAPABILITIES to);

/* ---- hba_service.c ---- */

/* Who is about to send a device control, or works on one, holds the adapter: until it lets go,
 * device objects and extension stay. False: it is being removed. Any IRQL. */
bool port_hba_hold(struct port_hba *hba);
void port_hba_let_go(struct port_hba *hba);
/* Nobody can hold it from now on. Waits until nobody does; ends the process after ten seconds. */
void port_hba_close(struct port_hba *hba);
void port_hba_leave_wait(struct port_hba *hba);

struct port_service {
	uint32_t code; /* IOCTL_ */
	const void *in;
	void *out;
	uint32_t in_bytes, out_bytes;
	uint32_t seconds;	   /* until it is cancelled */
	uint32_t status, returned; /* filled in: NTSTATUS; bytes in out */
};
extern unsigned
	port_service_grace; /* seconds that a driver has to end what was cancelled; for tests */
/*
 * Sends a stack a buffered device control and waits until its driver has ended it. The caller holds
 * the adapter, which lets it go. 0, whatever the status; -ENOMEM; -ETIMEDOUT: the driver did not
 * end it though it was cancelled, and may do so later (error_set).
 */
int port_service_run(const struct port_target *target, struct port_service *service);

/* ---- hba_unit.c, ddi_port_unit.c; one change at a time ---- */

/* A unit as a device: counted (ob_object.h), as IRPs to it may come while it goes. */
struct port_unit_device {
	struct port_unit_device *next; /* of all */
	struct port_hba *hba;
	DEVICE_OBJECT *physical, *disk; /* the miniport's; the class driver's, attached to it */
	port_work_place work;
	STOR_DEVICE_CAPABILITIES_EX capabilities; /* as its miniport has them */
	uint8_t path, target, lun;
	uint32_t number;     /* of the disk, in the machine */
	int registry_device; /* -1: it has no keys */
	char instance[80];
	char name[80]; /* for reports */
};

/* port_model.unit_found, unit_lost: IRP_MN_START_DEVICE, which stands for ScsiUnitStart;
 * IRP_MN_SURPRISE_REMOVAL, for ScsiUnitSurpriseRemoval, and, when the miniport has none of its
 * requests any more, IRP_MN_REMOVE_DEVICE. Of an adapter that has no device objects the miniport is
 * called without an IRP. */
void port_hba_unit_found(struct port_unit *unit);
void port_hba_unit_lost(struct port_unit *unit);
/* The first half of it: port_hba_units_remove does the second. */
void port_hba_unit_surprise(struct port_unit *unit);
/* IRP_MN_REMOVE_DEVICE to all; in_order: which stands for ScsiUnitRemove then. */
void port_hba_units_remove(struct port_hba *hba, bool in_order);
struct port_target port_unit_target(const struct port_unit_device *device);
/* For dispatch routines: if this is a unit's object, as the pointer alone says, fn serves the IRP,
 * while the unit's objects stay. */
typedef NTSTATUS port_unit_fn(struct port_unit_device *device, PIRP irp);
bool port_unit_serve(const DEVICE_OBJECT *object, PIRP irp, port_unit_fn *fn, NTSTATUS *status);
DRIVER_OBJECT *port_disk_driver(void);
/* The port's, for the unit that the device object is one of. */
port_unit_fn port_unit_pnp, port_unit_control;

/* ---- ddi_port_request.c, ddi_port_control.c ---- */

/* What the end of such a request is to who asked by an IRP; no page says it of all. */
NTSTATUS port_request_nt_status(const struct port_request *request);
/* IRP_MJ_SCSI with the SRB of a driver's own, of either kind. */
port_unit_fn port_unit_scsi;
/* For the dispatch routine: a device control that becomes a request to the adapter (device NULL) or
 * a unit. False: it is none of these. */
bool port_request_control(
	struct port_hba *hba, struct port_unit_device *device, PIRP irp, NTSTATUS *status);

/* ---- ddi_port_wmi.c ---- */

struct port_wmi {
	uint8_t minor;	   /* IRP_MN_ of IRP_MJ_SYSTEM_CONTROL */
	const void *block; /* a GUID; NULL: the data path is WMIREGISTER */
	void *buffer;	   /* goes in and comes out */
	uint32_t bytes;
	uint32_t status, returned; /* filled in: NTSTATUS; bytes in buffer */
};

/* Sends a WMI request to a device's stack; provider is the port's device object in it. NULL: out of
 * memory. Else port_wmi_wait follows, for which the device need not be there any more. */
struct port_call *port_wmi_send(
	const struct port_target *target, DEVICE_OBJECT *provider, const struct port_wmi *wmi);
/* 0, whatever the status; -ETIMEDOUT: the driver keeps it (error_set). */
int port_wmi_wait(struct port_call *call, struct port_wmi *wmi);
/* Asks for the blocks that the device has (IRP_MN_REGINFO_EX), if its miniport is a provider. */
void port_wmi_register(const struct port_target *target, DEVICE_OBJECT *provider);
/* For the dispatch routine. True: it is for this device's miniport, and pending. */
bool port_hba_wmi(struct port_hba *hba, PIRP irp);
bool port_unit_wmi(struct port_unit_device *device, PIRP irp);

/* ---- hba_object.c, ddi_port_dispatch.c ---- */

#define PORT_RELATIONS_TAG 0x52506e50 /* "PnPR" */

int port_objects_new(struct port_hba *hba); /* -ENOMEM ... (error_set) */
/* Puts the functional one onto the physical one: AddDevice. */
void port_objects_attach(struct port_hba *hba);
void port_objects_free(struct port_hba *hba);
/* NULL: it is no adapter's. */
struct port_hba *port_hba_of_object(const DEVICE_OBJECT *object);
/* Before DriverEntry: every dispatch routine refuses. When it has registered: the port's. */
void port_driver_object_init(struct port_driver *driver);
void port_driver_object_fill(struct port_driver *driver);
/* Completes an IRP with this status, which it returns. */
NTSTATUS port_irp_end(PIRP irp, NTSTATUS status);
DRIVER_OBJECT *port_bus_driver(void);

/* ---- hba_callback.c; any IRQL ---- */

/* Private: the first adapter has a place of its own, each other one that its extension's address
 * says, unless another one was there before; such are found by who owns the memory. A place that
 * nobody has is that of an extension that nobody can have, so that who finds his own finds a hba.
 */
border_call struct port_hba *port_hba_of_memory(const void *extension, const char *routine);
#define PORT_HBA_FIRST	  64 /* the places by address are those before it */
#define PORT_HBA_NO_PLACE (&port_hba_places)
struct port_hba_place {
	_Atomic(const void *) extension;
	struct port_hba *hba; /* the last one's that had it */
};
extern struct port_hba_place port_hba_places[PORT_HBA_FIRST + 1]
	__attribute__((visibility("hidden")));

static inline unsigned port_hba_place_of(const void *extension)
{
	uint32_t mixed = (uint32_t)((uintptr_t)extension / MEM_PAGE_SIZE) * 0x9e3779b1u;

	return mixed / (UINT32_MAX / PORT_HBA_FIRST + 1);
}

static inline bool port_hba_is_at(unsigned place, const void *extension)
{
	return likely(atomic_load_explicit(&port_hba_places[place].extension,
			      memory_order_acquire) == extension);
}

static inline struct port_hba *port_hba_at(unsigned place)
{
	struct port_hba *hba = port_hba_places[place].hba;

	if (!hba)
		__builtin_unreachable();
	return hba;
}

/* The hba of a HwDeviceExtension; NULL: it is none, or has no place. */
static inline struct port_hba *port_hba_near(const void *extension)
{
	unsigned place = port_hba_place_of(extension);

	if (likely(port_hba_is_at(PORT_HBA_FIRST, extension)))
		return port_hba_at(PORT_HBA_FIRST);
	return port_hba_is_at(place, extension) ? port_hba_at(place) : NULL;
}

/* The hba of a HwDeviceExtension; NULL, with a violation naming the routine, if it is none.
 * Constant time. */
static inline struct port_hba *port_hba_of(const void *extension, const char *routine)
{
	struct port_hba *hba = port_hba_near(extension);

	return likely(hba != NULL) ? hba : port_hba_of_memory(extension, routine);
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

/* hba_log.c: the LogError routines; any IRQL. */
void port_hba_log_error(const struct port_hba *hba, uint8_t path, uint8_t target, uint8_t lun,
	uint32_t code, uint32_t unique);

/* RequestTimerCall: one at a time; 0 microseconds take it back. */
void port_hba_timer(struct port_hba *hba, PHW_TIMER routine, uint32_t microseconds);
/* port_model.reset_bus. DISPATCH */
bool port_hba_reset_bus(struct port_adapter *port, uint8_t path);

/* ---- hba_entries.c ---- */

/* Fills hba->entries: of the driver's adapter of this number (Parameters\Device<number>). -ENOMEM
 * with error_set. */
int port_entries_read(struct port_hba *hba, unsigned number);
void port_entries_free(struct port_hba *hba);
/* The same for a unit that says that it is of this vendor and product: the key is
 * Enum\SCSI\Disk&Ven_<vendor>&Prod_<product>\5&<adapter>&0&<path, target, lun>\Device
 * Parameters\StorPort; of no page: what goes before the address. All but the last is made, so that
 * the registry shows it. */
void port_unit_entries_read(struct port_unit *unit, const char *vendor, const char *product);

/* ---- hba_resource.c ---- */

/* Fills ranges with the function's BARs; how many there are. */
unsigned port_hba_ranges(struct port_hba *hba);
/* The first registers of its device as they are now, as a sentence that begins with a space; "" if
 * it has none. Of a device that did not start: reading may change some. PASSIVE. */
void port_hba_registers_say(const struct port_hba *hba, char *text, size_t size);
/* Whether these name the hba in configuration space; a virtual one is in no slot. */
bool port_hba_has_slot(const struct port_hba *hba, ULONG type, ULONG slot);
/* A range of the hba's own BARs, mapped; NULL if it is none. */
void *port_hba_map(const struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io);
/* The same for a miniport, until it frees it or its adapter ends; NULL with a violation, of this
 * number if the range is not the hba's. */
void *port_hba_base(
	struct port_hba *hba, uint64_t address, uint32_t bytes, bool is_io, uint64_t number);
void port_hba_base_free(struct port_hba *hba, void *mapped);
void port_hba_maps_free(struct port_hba *hba); /* all of them */
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
