/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The life of a request, common to Storport and SCSI Port. What differs between the two stands
 * behind struct port_model (model.h); the models include port/, never the other way round.
 *
 * A *request* is a slot of its adapter: SRB, sense buffer and SRB extension in RAM (physically
 * contiguous), a scatter/gather list, and this side's record. Slots are made when the adapter is;
 * nothing in the path allocates. A *unit* is a logical unit: a queue with a depth. An *adapter* may
 * be closed as a whole (paused, busy, resetting, stopped), a unit too; a closed one queues.
 *
 *   port_request_get → fill command, mdl, done → port_request_submit        stations 1, 2
 *       → dma_map (3) → model->start (4) … the miniport … port_request_complete (7)
 *       → DPC: results read back, list released → request->done → port_request_put
 *
 * All of it runs on a processor at DISPATCH_LEVEL, port_request_complete at any IRQL up to the
 * device's. Locks: unit->lock (queue and counts) and adapter->lock (free slots), never both;
 * inside the first, or alone, those of the processors' shares (count.h). No lock is held while a
 * miniport or a done function runs.
 */
#ifndef DRY_PORT_PORT_H
#define DRY_PORT_PORT_H

#include "util/common.h"
#include "cpu/cpu.h"
#include "cpu/home_lock.h"
#include "cpu/host.h"
#include "dma/dma.h"
#include "mem/mem.h"
#include "port/model.h"

#include <storport.h>
#include <string.h>

#define PORT_SLOTS	     256	      /* requests of one adapter */
#define PORT_IDS	     1000000000000ull /* between the first ids of two adapters */
#define PORT_UNITS_MAX	     256 /* 255 disks, and one that is asked whether it is one */
#define PORT_SENSE_BYTES     252
#define PORT_SRB_BYTES	     480 /* the larger of both kinds, with address and extended data */
#define PORT_EXTENSION_ALIGN 128
#define PORT_SLOT_SHIFT	     42 /* port_adapter.slot_reciprocal */
#define PORT_EXTENSION_AT                                                                          \
	((uint32_t)round_up(PORT_SRB_BYTES + PORT_SENSE_BYTES, PORT_EXTENSION_ALIGN))
/* Where the parts of an extended one are. */
#define PORT_SRB_ADDRESS_AT 128
#define PORT_SRB_CDB_AT	    144
#define PORT_SRB_BOTH_AT    208
#define PORT_SRB_VAR_END    432 /* where a CDB of more than 32 bytes, 255 at most, ends */
#define PORT_CDB_MOST	    255
#define PORT_MAX_TRANSFER   (1u << 20) /* where the miniport names no limit */

enum port_request_state {
	PORT_REQUEST_FREE,
	PORT_REQUEST_HELD,     /* a submitter fills it in */
	PORT_REQUEST_QUEUED,   /* or it waits for map registers */
	PORT_REQUEST_STARTED,  /* the miniport has it */
	PORT_REQUEST_COMPLETED /* the miniport gave it back: the DPC will finish it, or has and the
				  submitter has it again */
};

/* What a list was like when the miniport got it, and whose it is or was last: list_life.h. Of a
 * request that went by page.h it follows from data_at and id, and is written when it is to be
 * looked at, or goes another way (port_page_forget). */
struct port_list_seal {
	LONGLONG address; /* of the first element */
	uint32_t count;
	uint64_t id;	 /* 0: no request has had it yet */
	uint64_t digest; /* of all elements, where lists are poisoned */
};

/* What a command that moves data both ways has besides the request: data_in.c. */
struct port_data_in {
	/* the command: set between port_data_in_add and submit */
	PMDL mdl;
	void *data; /* as port_request.data */
	uint32_t length;
	/* the result: valid in done */
	uint32_t transferred;
	/* the path's own */
	PSCATTER_GATHER_LIST list; /* NULL: the adapter has no DMA */
	bool mapped, is_closed;
	uint8_t tries;
	uint32_t tried_since; /* adapter tick of the first time */
	void *own_data;
	struct dma_mapping mapping;
	struct port_list_seal seal;
};

/* Ordered by use: what a request that goes by page.h touches is in the first three lines of the
 * cache, of which the first is all that a completion looks at before its DPC. */
struct port_request {
	struct port_request *next; /* of a queue, the free list, or a completion list */
	struct port_adapter *adapter;
	union { /* one word to page.h, and to who asks whether all is ordinary: PORT_WENT */
		struct {
			_Atomic uint8_t state; /* enum port_request_state */
			bool mapped;
			bool is_counted; /* among the outstanding */
			uint8_t is_page; /* enum port_pages: how it went by page.h; not if it has
					    failed since */
		};
		_Atomic uint32_t how;
	};
	void *srb;		   /* the slot's memory, fixed, with sense and extension */
	PSCATTER_GATHER_LIST list; /* NULL: the adapter has no DMA */
	/* The physical address of the data, if they are in one page of RAM and go one way; else
	 * MEM_NO_ADDRESS, and mdl says more */
	uint64_t data_at;
	struct port_unit *unit;
	/* The same as done of one that went by port_page_start, and simply went well: of the
	 * result it says all. port_page_done, or the submitter's. */
	void (*page_done)(struct port_request *request);

	void *ctx, *what, *where; /* the submitter's */
	void *data; /* system address of the data; while the miniport has it: where it sees it,
		       which is the copy if the data is bounced */
	_Atomic uint64_t id;	   /* of its submission: a new one each time */
	uint32_t length;	   /* of the data */
	_Atomic uint32_t deadline; /* adapter tick at which it has timed out */
	void *sense;
	void *extension_shown; /* what the SRB says: NULL if it has no bytes */

	/* the command: set between get and submit */
	uint32_t flags;	  /* SRB_FLAGS_DATA_IN, _DATA_OUT ..., and PORT_FLAGS_ */
	uint32_t timeout; /* seconds */
	uint8_t cdb[16];  /* of SRB_FUNCTION_WMI it holds a pointer, the data path */
	uint8_t cdb_length;
	bool mdl_is_due;  /* mdl is to be filled in before somebody looks at it: data_at, data and
			     length say it all */
	uint8_t function; /* SRB_FUNCTION_ */
	uint8_t action;	  /* of SRB_FUNCTION_PNP, _POWER: STOR_PNP_ACTION, STOR_POWER_ACTION;
			     of _WMI: the minor function. Where the unit is the adapter's self
			     they are for the adapter. With PORT_FLAGS_WHOLE: QueueAction */
	uint8_t power;	  /* STOR_DEVICE_POWER_STATE */
	uint8_t origin;	  /* the processor that submitted it; port_adapter.redirects alone */
	bool is_failed;	  /* by the port: the SRB tells nothing */
	PMDL mdl;	  /* NULL: no data. For all but its submitter: port_request_mdl */
	void *extension;
	void (*done)(struct port_request *request); /* at DISPATCH; the submitter's again */
	struct port_data_in *in;		    /* NULL: data go one way at most */
	uint8_t cdb_more[16];	  /* of one longer than 16 bytes: the rest; extended_srb alone */
	const uint8_t *cdb_whole; /* of one longer than 32 bytes: all of it, the submitter's */
	const SRBEX_DATA_IO_INFO *io_info; /* with PORT_FLAGS_WHOLE: what comes along, or NULL */

	/* the result: valid in done */
	uint8_t srb_status; /* without the modifier bits */
	uint8_t scsi_status;
	uint8_t sense_length; /* valid bytes in sense, 0: none */
	bool has_frozen;      /* its unit's queue; PORT_FLAGS_WHOLE alone */
	uint32_t transferred;

	/* the path's own */
	struct port_list_seal seal;
	uint64_t sampled, submitted; /* an id whose latency is sampled; and the clock */
	void *own_data; /* data as the submitter gave it, if mapping.va took its place */
	struct dma_mapping mapping;
	struct dma_waiter waiter; /* for map registers */
	uint8_t passed;		  /* how often another was queued before it: queue.c */
	uint8_t busy_retries;	  /* how often it came back busy, at most entries.retries */
	uint32_t busy_since;	  /* adapter tick of the first time */
	_Atomic uint8_t told;	  /* private to rest.c; 0: it is not the port's own word */
	_Atomic uint64_t lost_id; /* id of the use in which it survived every reset */
} __attribute__((aligned(CACHE_LINE)));
_Static_assert(offsetof(struct port_request, ctx) == CACHE_LINE &&
		       offsetof(struct port_request, flags) == 2 * CACHE_LINE &&
		       offsetof(struct port_request, mdl) <= 3 * CACHE_LINE,
	"as said above");

enum port_closed {
	PORT_PAUSED = 1,    /* StorPortPause and its likes */
	PORT_BUSY = 2,	    /* StorPortBusy: until enough requests are done */
	PORT_RESETTING = 4, /* recovery is at work */
	PORT_STOPPED = 8,   /* not started, or stopped: submitted requests fail */
	PORT_RETRY =
		16, /* a unit whose request came back busy: until another is done or time passes */
	PORT_TAKEN = 32, /* a pulling miniport has not asked for the next request yet */
	PORT_AWAY = 64,	 /* stopped, and expected back: submitted requests wait */
	/* Of a unit alone: its requests wait, but for those that pass (port_request_passes),
	 */
	PORT_FROZEN = 128, /* after an error, until SRB_FUNCTION_RELEASE_QUEUE */
	PORT_LOCKED = 256  /* from SRB_FUNCTION_LOCK_QUEUE to UNLOCK_QUEUE */
};
#define PORT_HELD (PORT_FROZEN | PORT_LOCKED)

/* What port_request.flags has besides, where SRBs have SRB_FLAGS_PORT_DRIVER_RESERVED. */
#define PORT_FLAGS_WHOLE 0x01000000u /* the SRB's are these; else with what all of ours have */
#define PORT_FLAGS_PRIORITY(hint)                                                                  \
	(((uint32_t)(hint) ^ StorIoPriorityNormal) << 25) /* a STOR_IO_PRIORITY_HINT */

/* Why requests do not go by page.h on a machine of one processor: no gate is closed. */
enum port_detour {
	PORT_NO_PAGES = 1, /* takes_pages is not PORT_PAGES_ALONE */
	PORT_REFUSED = 2   /* somebody had to wait as max_outstanding had been reached */
};

/* A processor's share of a unit's count, of an adapter's count and of its ids: count.h. */
struct port_unit_here {
	uint32_t outstanding; /* under the lock of the adapter's, as a number that wraps */
} APART;

struct port_here {
	struct host_owned lock;	      /* this processor's */
	_Atomic uint32_t outstanding; /* likewise */
	uint64_t last_id, end_id;     /* this processor's own: ids that it may give */
} APART;

/* What the registry says of a unit: hba_entries.c. */
struct port_unit_entries {
	uint32_t pause_ms;     /* BusyPauseTime: of one whose request came back busy */
	uint32_t retries;      /* BusyRetryCount */
	uint32_t full_percent; /* QueueFullWaitIoPercentage: of what it has outstanding */
};
#define PORT_UNIT_ENTRIES                                                                          \
	{                                                                                          \
		250, 20, 25                                                                        \
	}

struct port_unit {
	struct port_adapter *adapter;
	uint8_t path, target, lun, zero; /* one word: page.h */
	unsigned number;		 /* for events: order of discovery */
	struct port_unit_entries entries;
	struct port_unit_here *here; /* of each processor; NULL: its counts are never split */
	_Atomic bool is_split;	     /* count.h */
	/* What each request changes stands apart from what each only reads. */
	struct cpu_spinlock lock APART;
	uint32_t outstanding;
	uint32_t room;	 /* another may start if fewer are outstanding: port_unit_settle */
	uint32_t closed; /* under lock */
	struct port_request *head, **tail; /* waiting */
	_Atomic uint32_t depth;
	uint32_t busy_left, retry_left; /* completions until PORT_BUSY, PORT_RETRY end */
	uint32_t calm; /* starts and ends since something was special: port_count_calm */
	struct cpu_timer pause APART; /* ends PORT_PAUSED */
	struct cpu_timer retry;	      /* ends PORT_RETRY */
	void *extension;	      /* the miniport's, or NULL */
	bool is_found;		      /* the miniport has been told (ScsiUnitStart) */
	_Atomic bool has_failed;      /* it says so: whoever looks after it takes it away */
	char instance[80]; /* as Plug and Play names it: port_unit_entries_read; else "" */
	struct port_unit_device *device; /* its device objects: hba_unit.c; NULL: there are none */
};

/* What page.h needs to start a request by itself, as the model would. */
struct port_start {
	PHW_BUILDIO build; /* NULL: it is for the model's start to do */
	bool is_usual;	   /* build is there, and SRBs are of the extended kind */
	PHW_STARTIO start; /* under this lock, at DISPATCH as build is */
	struct cpu_home_lock *lock;
	void *extension;
};

/* What is finished on a processor, for its DPC; but for `sent` only that processor touches it. */
struct port_done {
	struct cpu_dpc dpc;
	/* In order; the last one's next is nothing until they are taken from here. */
	struct port_request *head, **tail;
	bool is_expected; /* whoever looks next is not the DPC: port_done_begin, port_done_drain */
	_Atomic(struct port_request *) sent; /* by other processors, the last first */
} APART;

/* How lists are kept from misuse: list_life.h. */
enum port_list_care { PORT_LISTS_FILLED, PORT_LISTS_POISONED, PORT_LISTS_PAGED };

/* Whether the short way is there (page.h), and for whom. */
enum port_pages { PORT_PAGES_NONE, PORT_PAGES_ALONE, PORT_PAGES_AMONG };

/* A list for each slot. */
struct port_lists {
	char *base; /* RAM; NULL: there are none */
	uint64_t bytes;
	uint32_t stride;
	uint8_t care; /* enum port_list_care */
	bool is_data_in;
	struct port_adapter *adapter;
};

struct port_limits {
	uint32_t max_transfer; /* bytes a request may carry */
	uint32_t max_elements; /* of a list */
	uint32_t alignment_mask;
	uint32_t extension_bytes; /* SRB extension */
	uint32_t unit_extension_bytes;
	uint32_t initial_depth, max_depth; /* of a unit */
	uint32_t max_outstanding;	   /* of the adapter */
	uint32_t io_seconds; /* of a read or write; 0: whatever the class driver takes */
	bool pull; /* each request started closes adapter and unit (PORT_TAKEN) until the miniport
		      asks for the next: port_adapter_next, port_unit_next */
	uint8_t first_reset;	       /* of the ladder: enum port_rung */
	bool aborts;		       /* wants SRB_FUNCTION_ABORT_COMMAND before it */
	uint32_t reset_hold;	       /* microseconds of rest after a reset of the bus */
	bool extended_srb;	       /* STORAGE_REQUEST_BLOCK, else SCSI_REQUEST_BLOCK */
	uint8_t map_buffers;	       /* STOR_MAP_ */
	bool caches_data;	       /* wants SRB_FUNCTION_FLUSH and _SHUTDOWN */
	bool provides_wmi;	       /* wants SRB_FUNCTION_WMI */
	bool asks_sense;	       /* the port sends REQUEST SENSE; only where pull is set */
	unsigned buses, targets, luns; /* addresses to look at */
};

struct port_adapter {
	const struct port_model *model;
	const char *name;
	unsigned number;	 /* for events: among the machine's adapters */
	struct dma_adapter *dma; /* NULL: no DMA, and no lists */
	struct dma_adapter
		*maps; /* whose lists requests get: dma, or NULL (port_adapter_no_lists) */
	struct port_limits limits;
	void *slots;	      /* RAM */
	uint64_t slots_bytes; /* 0: there are none */
	uint64_t slots_at;    /* where the device sees them, if that is their physical address, else
				 MEM_NO_ADDRESS */
	uint64_t slots_behind;	 /* then: what makes that of a pointer into them */
	uint64_t extension_seen; /* then: limits.extension_bytes; else 0 */
	uint32_t slot_stride;	 /* an odd multiple of PORT_EXTENSION_ALIGN */
	/* 0: there are none; what makes a slot's number of where it is, and of where a byte of it
	 * is: port_request_find, port_slot_of */
	uint64_t slot_count, slot_inverse, slot_reciprocal;
	/* what the miniport completes is finished where it was submitted; requests are submitted
	 * while it is initialised again */
	_Atomic bool redirects;
	uint8_t takes_pages; /* enum port_pages */
	bool is_split;	     /* its count is: count.h */
	uintptr_t shown;     /* all ones: the miniport sees where what it reads and writes lies */
	uint16_t srb_length_at;	    /* where DataTransferLength is in its kind of SRBs */
	struct port_start ordinary; /* the model's: when no event is wanted */
	struct port_lists lists, lists_in;
	struct port_data_in *data_in; /* of each slot; NULL: port_data_in_enable was not called */
	struct port_sense *senses;    /* of each slot; NULL: not limits.asks_sense */
	struct port_request *requests;
	union { /* one word to who only asks whether all is ordinary */
		struct {
			_Atomic uint32_t closed; /* enum port_closed */
			_Atomic uint32_t detour; /* enum port_detour */
		};
		_Atomic uint64_t gates;
	};
	_Atomic uint32_t unit_count;
	struct port_unit *units[PORT_UNITS_MAX];
	struct port_unit self; /* whose queue is that of requests to the adapter; at no address */
	/* What each request changes stands apart from what each only reads. */
	_Atomic uint64_t last_id APART;
	_Atomic uint32_t outstanding; /* port_adapter_outstanding: where it is not split */
	_Atomic uint32_t busy_left;
	_Atomic uint32_t pump_turn; /* with which unit port_adapter_pump begins */
	struct cpu_spinlock lock;   /* free list */
	struct port_request *free;
	struct port_done done[CPU_MAX];
	struct port_here here[CPU_MAX];
	struct cpu_timer pause;
	struct cpu_dpc pump;	 /* a gate was opened where nothing may be started */
	struct cpu_timer second; /* counts tick, looks for requests that timed out */
	_Atomic uint32_t tick;
	struct cpu_thread *recovery;
	_Atomic(struct port_request *) timed_out;
	uint64_t timed_out_id; /* by then the slot may bear another request */
	struct port_unit *timed_out_unit;
	uint32_t idle_ticks; /* a pulling miniport has none and has not asked: for so long */
	_Atomic bool is_given_up, has_failed; /* has_failed: as a unit's */
	bool is_excused; /* its miniport does not know that it has gone: what it keeps is no fault
			  */
	_Atomic uint8_t reset_asked; /* too long, or somebody asks for it: a rung, plus 1 */
	bool reset_refused;	     /* by the miniport, of those that were asked for last */
	bool reset_is_asked;	     /* it is somebody outside who does; before reset_asked */
	/* who is told that units have come or gone, or that a request is lost, NULL:
	 * nobody; any IRQL */
	_Atomic(void (*)(struct port_adapter *adapter)) changed;
	_Atomic bool recovery_ends;
	_Atomic bool reset_is_back;	       /* recovery_request is done */
	struct port_request *recovery_request; /* a slot kept back for resets */
	/* what is known of why its device does not answer, as the end of a sentence; NULL: nobody
	 * knows; any IRQL */
	const char *(*ails)(const struct port_adapter *adapter);
	/* what its submitter keeps for it, and who frees that when the adapter ends; PASSIVE */
	void *front;
	void (*front_end)(struct port_adapter *adapter);
};

/* ---- slot.c ---- */

/* mem_alloc, but for one that is to fail (nt_allocation_fail). */
void *port_alloc(uint64_t bytes, unsigned flags, enum mem_kind kind, void *owner);

/* PASSIVE. Makes the slots for these limits; the adapter is closed with PORT_STOPPED until
 * port_adapter_open. */
int port_adapter_init(struct port_adapter *adapter, const struct port_model *model,
	const char *name, struct dma_adapter *dma, const struct port_limits *limits);
/* Which of the machine's adapters it is, 0 if nobody says: so that ids are a run's. Before the
 * first request. */
void port_adapter_number(struct port_adapter *adapter, unsigned number);
/* While the adapter is closed: its requests get no lists from now on, and nothing maps their data
 * (SG-36). */
void port_adapter_no_lists(struct port_adapter *adapter);
void port_adapter_open(struct port_adapter *adapter);
/* The miniport says that units have come or gone. Any IRQL. */
static inline void port_adapter_changed(struct port_adapter *adapter)
{
	void (*changed)(struct port_adapter * adapter) = atomic_load(&adapter->changed);

	if (changed)
		changed(adapter);
}
/* PASSIVE: no request is started any more, those that wait for their turn fail (SRB_STATUS_NO_HBA);
 * waits until none is outstanding, at most `seconds`. -ETIMEDOUT. */
int port_adapter_close(struct port_adapter *adapter, unsigned seconds);
/* PASSIVE: a miniport that does not give its requests back is stopped (model->stop), and all of
 * them fail. The adapter stays closed. */
void port_adapter_give_up(struct port_adapter *adapter);
void port_adapter_fini(struct port_adapter *adapter);

/* ---- rest.c: PASSIVE, in a kernel thread, one at a time ---- */

/*
 * The adapter starts nothing any more (PORT_AWAY); what the miniport has is waited for, after
 * `seconds` with a reset of each bus. What is submitted from now on waits, as does what comes back
 * busy; its time-out begins when it is started. -ETIMEDOUT (error_set): the miniport keeps a
 * request, and the adapter goes on as before.
 */
int port_adapter_rest(struct port_adapter *adapter, unsigned seconds);
/* Goes on. A pulling miniport gets its first request unasked, as after its start. */
void port_adapter_wake(struct port_adapter *adapter);
/* A request of the port's own, made by port_request_get, goes to the miniport past all gates, and
 * is waited for. -ENXIO: a pulling miniport has not asked for one. -ETIMEDOUT: it does not come
 * back within `seconds`; then it stays the miniport's. Puts the request otherwise. */
int port_request_tell(struct port_request *request, unsigned seconds);
/* The same for one with an answer: after 0 it is the caller's to put. */
int port_request_tell_keep(struct port_request *request, unsigned seconds);
/* Any IRQL: an adapter for a port that has one request at a time and polls for its end: one slot,
 * without a list, no DMA adapter, no recovery. As port_adapter_init; fini in any case. */
int port_polled_init(struct port_adapter *adapter, const struct port_model *model, const char *name,
	const struct port_limits *limits);
void port_polled_fini(struct port_adapter *adapter);

/* A free slot in state HELD, its command cleared; NULL if none is left (try again after a done). */
struct port_request *port_request_get(struct port_adapter *adapter);
void port_request_put(struct port_request *request);
/* port_request.how of one that went by page.h: mapped, counted, and in this state. */
#define PORT_WENT(state, pages) ((uint32_t)(state) | 1u << 8 | 1u << 16 | (uint32_t)(pages) << 24)
_Static_assert(
	offsetof(struct port_request, mapped) == offsetof(struct port_request, how) + 1 &&
		offsetof(struct port_request, is_counted) ==
			offsetof(struct port_request, how) + 2 &&
		offsetof(struct port_request, is_page) == offsetof(struct port_request, how) + 3,
	"state, mapped, is_counted, is_page");

static inline void port_page_went(
	struct port_request *request, enum port_request_state state, bool locks)
{
	atomic_store_explicit(&request->how,
		PORT_WENT(state, locks ? PORT_PAGES_AMONG : PORT_PAGES_ALONE),
		memory_order_release);
}

/* The miniport has it, on a machine of one processor. */
static inline bool port_page_is_out(const struct port_request *request)
{
	return atomic_load_explicit(&request->how, memory_order_relaxed) ==
	       PORT_WENT(PORT_REQUEST_STARTED, PORT_PAGES_ALONE);
}

/* Before it goes another way, or has another id: its list is, or was, that of the one it has. */
static inline void port_page_forget(struct port_request *request)
{
	if (request->is_page)
		request->seal.id = request->id;
	request->is_page = false;
}

/* The same as put and get for a slot that stays its submitter's between two uses: no other can get
 * it. */
static inline void port_request_rest(struct port_request *request)
{
	atomic_store_explicit(&request->state, PORT_REQUEST_FREE, memory_order_relaxed);
}

static inline void port_request_renew(struct port_request *request)
{
	atomic_store_explicit(&request->state, PORT_REQUEST_HELD, memory_order_relaxed);
	request->cdb_length = 0;
	request->flags = 0;
	request->length = 0;
	request->mdl = NULL;
	request->data_at = MEM_NO_ADDRESS;
	request->data = NULL;
	request->in = NULL;
	request->mdl_is_due = false;
	request->busy_retries = 0;
	atomic_store_explicit(&request->told, 0, memory_order_relaxed);
}
/* The SRB extension is another from now on: what stood there is lost (SB-8). */
void port_request_spoil(struct port_request *request);
/* Its slots: none before HwFindAdapter has answered. */
static inline unsigned port_slot_count(const struct port_adapter *adapter)
{
	return (unsigned)adapter->slot_count;
}
/* In which slot a byte lies that is so far behind the first. Instead of a division: slot.c. */
static inline uint64_t port_slot_number(const struct port_adapter *adapter, uint64_t at)
{
	return at / PORT_EXTENSION_ALIGN * adapter->slot_reciprocal >> PORT_SLOT_SHIFT;
}
/* The request in whose slot this byte lies, and where there; NULL: in none. Constant time. */
static inline struct port_request *port_slot_of(
	const struct port_adapter *adapter, const void *va, uint32_t *offset)
{
	uint64_t at = (uint64_t)((uintptr_t)va - (uintptr_t)adapter->slots), number;
	struct port_request *request;

	/* without slots there are no bytes of them */
	if (unlikely(at >= adapter->slots_bytes))
		return NULL;
	number = port_slot_number(adapter, at);
	*offset = (uint32_t)(at - number * adapter->slot_stride);
	request = &adapter->requests[number];
	if (!request)
		__builtin_unreachable();
	return request;
}
/*
 * The request an SRB pointer of a driver belongs to, NULL if it is no SRB of this adapter. An SRB
 * begins a slot, so it is a multiple of the stride behind the first, and what it is a multiple by
 * comes of multiplying by the stride's inverse modulo 2^64 (of its odd part; the rotation sees to
 * the rest). No two pointers give the same number: none but the slots' own gives one of theirs.
 */
static inline struct port_request *port_request_find(
	const struct port_adapter *adapter, const void *srb)
{
	uint64_t at = (uint64_t)((uintptr_t)srb - (uintptr_t)adapter->slots);
	uint64_t odd = at * adapter->slot_inverse;
	uint64_t number =
		odd / PORT_EXTENSION_ALIGN | odd * (UINT64_MAX / PORT_EXTENSION_ALIGN + 1);
	struct port_request *request;

	if (unlikely(number >= adapter->slot_count))
		return NULL;
	request = &adapter->requests[number];
	if (!request)
		__builtin_unreachable();
	return request;
}
/* The request whose SRB extension holds this byte, or NULL. */
struct port_request *port_request_of_extension(const struct port_adapter *adapter, const void *va);

/* ---- address.c: any IRQL ---- */

/*
 * The bus address of a byte of what a request that the miniport has brings along: its data (also
 * where the device works on a copy, or sees translated addresses: the list says), its sense buffer,
 * its SRB extension; else as port_adapter_address. *bytes: how many are contiguous from there on,
 * to the device and to the processor: at most to the end of the list's element, of the transfer, of
 * the buffer. MEM_NO_ADDRESS: none of these.
 */
border_call uint64_t port_request_address(
	const struct port_request *request, const void *va, uint64_t *bytes);
/*
 * The same for memory that does not come and go with a request: sense buffers and SRB extensions of
 * this adapter, its extensions, common buffers, pool; *bytes at most to the end of the page where
 * it is none of the first two. Under the iommu only what is pinned for this adapter has an address.
 */
border_call uint64_t port_adapter_address(
	const struct port_adapter *adapter, const void *va, uint64_t *bytes);

/* The same for an SRB extension that the device sees at its physical address; MEM_NO_ADDRESS: it is
 * none, or asked of port_adapter_address. */
static inline uint64_t port_extension_address(
	const struct port_adapter *adapter, const void *va, uint64_t *bytes)
{
	uint64_t at = (uint64_t)((uintptr_t)va - (uintptr_t)adapter->slots);
	uint32_t offset;

	if (unlikely(at >= adapter->slots_bytes || adapter->slots_at == MEM_NO_ADDRESS))
		return MEM_NO_ADDRESS;
	offset = (uint32_t)(at - port_slot_number(adapter, at) * adapter->slot_stride) -
		 PORT_EXTENSION_AT;
	if (unlikely(offset >= adapter->limits.extension_bytes))
		return MEM_NO_ADDRESS;
	*bytes = adapter->limits.extension_bytes - offset;
	return adapter->slots_at + at;
}

/* ---- data_in.c ---- */

/*
 * PASSIVE, before the first such request: commands of this adapter may move data both ways.
 * -ENOTSUP with error_set: its miniport takes SCSI_REQUEST_BLOCK. -ENOMEM.
 */
int port_data_in_enable(struct port_adapter *adapter);
void port_data_in_disable(struct port_adapter *adapter); /* by port_adapter_fini */
/* Between get and submit: this command does; flags are SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT, and
 * request->mdl, data and length are what the device is sent. NULL: it was not enabled. */
struct port_data_in *port_data_in_add(struct port_request *request);
/* Station 3 for a request with such data; as dma_map with a waiter, before the other way is mapped,
 * without one. */
NTSTATUS port_data_in_map(struct port_request *request);
/* The other way could not be mapped, with this status; the request's status, PENDING if it is tried
 * again later. */
NTSTATUS port_data_in_retry(struct port_request *request, NTSTATUS status);
/* The list dies; the rest goes. */
border_call void port_data_in_close(struct port_request *request);
void port_data_in_unmap(struct port_request *request);

/* ---- sense.c ---- */

int port_senses_new(struct port_adapter *adapter); /* -ENOMEM with error_set */
/* A request that failed: true if REQUEST SENSE goes in its slot now, and it ends later. DISPATCH */
bool port_sense_ask(struct port_request *request);
/* Whether its slot is that command at present. */
bool port_is_sense(const struct port_request *request);

/* ---- unit.c ---- */

/* PASSIVE. The unit at this address, made if it is not there yet. NULL: out of memory or too many.
 */
struct port_unit *port_unit_add(
	struct port_adapter *adapter, uint8_t path, uint8_t target, uint8_t lun);
/* PASSIVE. No request of it is waiting or outstanding. */
void port_unit_remove(struct port_unit *unit);
/* PASSIVE: whether the miniport has given back all of its requests, and none waits, within so many
 * seconds, which are waited for. */
bool port_unit_is_quiet(struct port_unit *unit, unsigned seconds);
void port_units_free(struct port_adapter *adapter);
/* Of a zeroed one: all but its address, extension and number. */
void port_unit_init(struct port_unit *unit, struct port_adapter *adapter);
struct port_unit *port_unit_find(
	const struct port_adapter *adapter, uint8_t path, uint8_t target, uint8_t lun);

/* Whether the unit is one of those that this address names: SP_UNTAGGED stands for all. */
static inline bool port_unit_is_of(
	const struct port_unit *unit, uint8_t path, uint8_t target, uint8_t lun)
{
	return (path == SP_UNTAGGED || path == unit->path) &&
	       (target == SP_UNTAGGED || target == unit->target) &&
	       (lun == SP_UNTAGGED || lun == unit->lun);
}

/* ---- page.c ---- */

/* While the adapter is closed, whenever what it looks at has changed. */
void port_page_settle(struct port_adapter *adapter);
/*
 * As port_request_submit, of a request of an adapter that takes pages alone: READ or WRITE of data
 * that are all at data_at, which mdl_is_due. page.h has the same inline.
 */
void port_page_submit(struct port_request *request);
/* Private: as port_srb_prepare, of such a request. */
void port_page_prepare(struct port_request *request);
/* For port_request.page_done: writes the result, and calls done. */
void port_page_done(struct port_request *request);
/* Private: port_hba_irql_check of what port_start.build and start left. */
void port_page_irql(struct port_adapter *adapter, const char *callback);

/* ---- count.c ---- */

/* How many requests the miniport has, or is about to get. Any IRQL, on a processor. _look: without
 * locks, so about. */
uint32_t port_adapter_outstanding(struct port_adapter *adapter);
uint32_t port_adapter_outstanding_look(const struct port_adapter *adapter);
/* Private: see port_unit_lock. */
void port_unit_gather(struct port_unit *unit);

/* The unit's lock. What it guards is whole inside it: a count that is split is brought together. */
static inline void port_unit_lock(struct port_unit *unit)
{
	if (likely(!cpu_inner_locks))
		return;
	cpu_spin_acquire(&unit->lock);
	if (atomic_load_explicit(&unit->is_split, memory_order_relaxed))
		port_unit_gather(unit);
}

/* Before the lock is let go, if who waits, depth or gates may have changed. */
static inline void port_unit_settle(struct port_unit *unit)
{
	unit->room = unit->head || unit->closed
			     ? 0
			     : atomic_load_explicit(&unit->depth, memory_order_relaxed);
}

static inline void port_unit_unlock(struct port_unit *unit)
{
	port_unit_settle(unit);
	cpu_inner_release(&unit->lock);
}

static inline STOR_IO_PRIORITY_HINT port_request_priority(const struct port_request *request)
{
	return (STOR_IO_PRIORITY_HINT)((request->flags >> 25 & 7) ^ StorIoPriorityNormal);
}

/* Which gates of its unit are none to it. */
static inline uint32_t port_request_passes(const struct port_request *request)
{
	return (request->flags & SRB_FLAGS_BYPASS_FROZEN_QUEUE ? PORT_FROZEN : 0) |
	       (request->flags & SRB_FLAGS_BYPASS_LOCKED_QUEUE ? PORT_LOCKED : 0);
}

/* ---- submit.c, queue.c ---- */

/* Private. */
void port_mdl_fill(struct port_request *request);
/* The request's MDL, filled in. */
static inline PMDL port_request_mdl(struct port_request *request)
{
	if (__atomic_load_n(&request->mdl_is_due, __ATOMIC_ACQUIRE))
		port_mdl_fill(request);
	return request->mdl;
}

void port_request_submit(struct port_request *request);
/* Station 1 for every request, also one that starts at once: it gets its id. */
void port_request_enter(struct port_request *request);
/* Starts at once, past queue and gates (resets, the port's own last words). */
void port_unit_start_now(struct port_request *request);
/* Starts what may start now. */
void port_unit_pump(struct port_unit *unit);
void port_adapter_pump(struct port_adapter *adapter);
/* Counts a request that came back busy out and puts it at the head of its queue (SB-8). False: the
 * adapter is stopped, nothing was done. */
bool port_unit_again(struct port_request *request);
/* Counts out a request that is now REQUEST SENSE for its unit: it goes before all that wait. */
void port_unit_sense(struct port_request *request);
/* Starts a REQUEST SENSE that waits, though the adapter goes to rest: false if there is none, or it
 * is not the miniport's turn. DISPATCH. */
bool port_unit_sense_now(struct port_unit *unit);
/* Lets all that wait fail; the adapter is stopped. DISPATCH. */
void port_unit_drain(struct port_unit *unit);
/* Lets all that wait at a frozen queue fail, and thaws it (SRB_FUNCTION_FLUSH_QUEUE). False: it is
 * not frozen. DISPATCH. */
bool port_unit_flush(struct port_unit *unit);

/* A request's turn for map registers has come. */
void port_request_granted(struct dma_waiter *waiter);
/* Waits or starts at once. */
void port_unit_enqueue(struct port_request *request);

/* ---- gate.c: any IRQL on a processor, with a miniport's locks held. timeout in seconds; n
 * as in Q-5 ---- */

void port_gate_init(struct port_adapter *adapter);
void port_adapter_pause(struct port_adapter *adapter, uint32_t timeout);
void port_adapter_resume(struct port_adapter *adapter);
void port_adapter_busy(struct port_adapter *adapter, uint32_t n);
void port_adapter_ready(struct port_adapter *adapter);
void port_unit_pause(struct port_unit *unit, uint32_t timeout);
void port_unit_resume(struct port_unit *unit);
void port_unit_busy(struct port_unit *unit, uint32_t n);
void port_unit_ready(struct port_unit *unit);
/* one of PORT_HELD. False: it was so. */
bool port_unit_hold(struct port_unit *unit, uint32_t gate);
bool port_unit_let_go(struct port_unit *unit, uint32_t gate);
/* A pulling miniport is ready for another request: of any unit whose last one is done; of this unit
 * in any case. pump: who waits is started by a DPC; else the caller of model->start does it, under
 * which the miniport asked. port_unit_next is for one that has asked for the adapter too. */
void port_adapter_next(struct port_adapter *adapter, bool pump);
void port_unit_next(struct port_unit *unit);
/* 1..max_depth; false if out of range. */
bool port_unit_set_depth(struct port_unit *unit, uint32_t depth);

/* ---- srb.c ---- */

/* Writes the SRB of the request afresh (SrbStatus PENDING, contract 1). */
void port_srb_prepare(struct port_request *request);
/* That, and station 4: the miniport has it from now on. */
void port_srb_start(struct port_request *request);
/* Reads status, length and sense back after completion. */
void port_srb_collect(struct port_request *request);
/* Private: the rest of it, where it did not simply go well. */
void port_srb_collect_rest(struct port_request *request);
/* The beginning of it; true: that was all, it went well. */
static inline bool port_srb_collect_status(struct port_request *request)
{
	const char *srb = request->srb;
	/* it lies at one place in both kinds */
	uint8_t status = ((const SCSI_REQUEST_BLOCK *)(const void *)srb)->SrbStatus;
	uint32_t length;

	memcpy(&length, srb + request->adapter->srb_length_at, sizeof(length));
	request->srb_status = SRB_STATUS(status);
	request->transferred = min_of(length, request->length);
	request->scsi_status = 0;
	request->sense_length = 0;
	return likely(SRB_STATUS(status) == SRB_STATUS_SUCCESS && !request->in);
}

/* ---- complete.c ---- */

/* The miniport gives the request back. False (with a violation) if it does not have it: completed
 * twice (SB-12) or never started. Any IRQL on a processor. */
border_call bool port_request_complete(struct port_request *request);
/* The same with this SrbStatus; false without a violation. */
bool port_request_complete_as(struct port_request *request, uint8_t srb_status);
/* Finishes what port_request_complete collected on this processor: the DPC's function. */
void port_done_drain(struct cpu_dpc *dpc);
/* Private: some that have been collected, which is expected. */
void port_done_finish(struct port_done *done);
void port_done_finish_among(struct port_done *done);
/* Of a polled adapter: its request has been completed, and is the caller's again, without DPC. */
void port_polled_take(struct port_request *request);
/*
 * Around a DPC routine of the miniport, at DISPATCH, no lock held: what is completed on this
 * processor meanwhile is finished by port_done_end, without a DPC of its own. `locks`:
 * cpu_inner_locks, without which there is one processor.
 */
static inline void port_done_begin(struct port_adapter *adapter, bool locks)
{
	adapter->done[locks ? cpu_self->number : 0].is_expected = true;
}

static inline void port_done_end(struct port_adapter *adapter, bool locks)
{
	struct port_done *done = &adapter->done[locks ? cpu_self->number : 0];

	if (unlikely(!done->head))
		done->is_expected = false;
	else if (locks)
		port_done_finish_among(done);
	else
		port_done_finish(done);
}
/* A request that the miniport does not have ends with this status, by the same DPC: done never runs
 * inside the submitter's call. At or above DISPATCH. */
void port_request_fail(struct port_request *request, uint8_t srb_status);
/* Takes it away from the miniport, which has been stopped, and lets it fail. False: it does not
 * have it. */
bool port_request_abandon(struct port_request *request);

/* ---- recover.c ---- */

/* R-1; and what comes before them, for one request, where limits.aborts. */
enum port_rung { PORT_RESET_UNIT, PORT_RESET_TARGET, PORT_RESET_BUS, PORT_ABORT };

int port_recover_start(struct port_adapter *adapter);
void port_recover_stop(struct port_adapter *adapter);
/* PASSIVE. Nothing times out and nothing is reset any more, until it goes on. */
void port_recover_hold(struct port_adapter *adapter);
void port_recover_go_on(struct port_adapter *adapter);
/* PASSIVE. Resets each unit, target or bus, as that rung of the ladder does. Not while it is held.
 * is_asked: for somebody outside (port_model.reset_bus_asked). -EIO: the miniport has refused one.
 * -EOPNOTSUPP: its model has no such reset. */
int port_recover_reset(struct port_adapter *adapter, enum port_rung rung, bool is_asked);

/* Whether the miniport has kept it through all resets, or any request of the adapter. */
bool port_request_is_lost(const struct port_request *request);
bool port_adapter_has_lost(const struct port_adapter *adapter);

/* The oldest request the miniport has, for a crash report: looks without locks. */
struct port_request *port_request_in_flight(const struct port_adapter *adapter);

#endif
