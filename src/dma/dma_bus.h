/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The device's side of DMA: reads and writes on the bus. Most are of a page that the device reaches
 * by its frame number, and are done inline; what needs a window, crosses pages or fails is
 * dma_bus.c's.
 */
#ifndef DRY_DMA_DMA_BUS_H
#define DRY_DMA_DMA_BUS_H

#include "util/common.h"
#include "cpu/cpu.h"
#include "mem/mem.h"
#include "trace/trace.h"

#include <stdatomic.h>
#include <string.h>

/*
 * A bus master. enabled follows the bus-master bit of its function's command register, by
 * dma_master_enable; while it is off every access fails. Counters are of bytes, by kind of the
 * memory touched (enum mem_kind), written by the device's thread only, and whole after
 * dma_master_settle.
 */
struct dma_tap;

struct dma_master {
	_Atomic bool enabled;
	unsigned number; /* device number, for events */
	const char *name;
	unsigned width; /* address bits the device drives: 1..64; the machine may have fewer; fixed
			 */
	uint64_t bytes_read[16], bytes_written[16];
	uint64_t faults; /* accesses that failed, those with mastering off included */
	bool off_told;	 /* private: the first access with mastering off has been reported */
	/* private: it reaches pages by their frame numbers below plain_end, of which those of the
	 * low span have the first plain_low records; 0: none now */
	_Atomic uint64_t plain_low, plain_end;
	struct dma_tap *tap; /* NULL: none */
	/* What the device has moved and not counted yet; NULL: it counts at once. */
	void (*settle)(struct dma_master *master);
	uint64_t blame;		 /* nt_violation's number for what is refused; 0: the driver is */
	struct dma_master *next; /* another of the same device, for another thread of it; NULL */
	struct {
		uint64_t address, window, born;
		bool write, was_any;
	} refused; /* private: what dma_bus_refused told last */
};

/*
 * Somebody between a device and its bus. access comes before each access, on the device's thread:
 * DMA_TAP_GO: on to *address, which it may have changed; DMA_TAP_BLIND: likewise, but the device
 * does not learn how it ends, and reads ones where it fails, as with a posted write and a host that
 * answers so; or -errno: it has failed.
 */
enum { DMA_TAP_GO, DMA_TAP_BLIND };
struct dma_tap {
	int (*access)(struct dma_tap *tap, uint64_t *address, uint64_t bytes, bool write);
};
/* NULL takes it away. While nothing runs, or under replay. */
void dma_bus_tap(struct dma_master *master, struct dma_tap *tap);

/* After dma_init. */
void dma_master_init(struct dma_master *master, const char *name, unsigned width);
/* Bus mastering, which is off at first. Any thread, one at a time. */
void dma_master_enable(struct dma_master *master, bool on);
/* While its device is at rest: all is counted. */
static inline void dma_master_settle(struct dma_master *master)
{
	if (master->settle)
		master->settle(master);
}

/* ---- private: dma_bus.c ---- */

int dma_bus_access(
	struct dma_master *master, uint64_t address, char *data, uint64_t bytes, bool write);
void *dma_bus_span_find(
	struct dma_master *master, uint64_t address, uint64_t *bytes, bool write, int *error);

/* The record of the frame that a bus address means, of an empty one where there is more to look at.
 */
static inline __attribute__((always_inline)) const struct mem_frame *dma_bus_frame(
	const struct dma_master *master, uint64_t address)
{
	uint64_t number = address >> MEM_PAGE_SHIFT, low = number - mem_index.low.first;

	if (likely(low < atomic_load_explicit(&master->plain_low, memory_order_acquire)))
		return &mem_index.record[low];
	if (number < atomic_load_explicit(&master->plain_end, memory_order_acquire))
		return mem_frame_get(number);
	return &mem_no_frame;
}

/* What is memory, has an owner, may be written and is no map register's. */
static inline bool dma_bus_is_plain(enum mem_kind kind)
{
	const uint32_t special =
		1u << MEM_NONE | 1u << MEM_FREE | 1u << MEM_BOUNCE | 1u << MEM_CODE;

	return likely(!(special >> kind & 1));
}

/* The frame itself, if it is plain; else NULL. */
static inline __attribute__((always_inline)) const struct mem_frame *dma_bus_plain(
	const struct dma_master *master, uint64_t address)
{
	const struct mem_frame *frame = dma_bus_frame(master, address);

	return dma_bus_is_plain(frame->kind) ? frame : NULL;
}

/* Only the device's thread counts; a summary may read meanwhile. */
static inline void dma_bus_add(
	struct dma_master *master, uint64_t bytes, enum mem_kind kind, bool write)
{
	cpu_own_add(write ? &master->bytes_written[kind] : &master->bytes_read[kind], bytes);
}

/* Counts and tells a stretch of an access. */
static inline void dma_bus_count(
	struct dma_master *master, uint64_t address, uint64_t bytes, enum mem_kind kind, bool write)
{
	dma_bus_add(master, bytes, kind, write);
	if (trace_is_wanted(TRACE_DMA_TRANSFER) && bytes)
		trace_deliver(TRACE_DMA_TRANSFER, master->number, address, bytes,
			(uint64_t)kind << 1 | write);
}

static inline __attribute__((always_inline)) int dma_bus_move(
	struct dma_master *master, uint64_t address, char *data, uint64_t bytes, bool write)
{
	const struct mem_frame *frame = dma_bus_plain(master, address);
	uint64_t in_page = address & MEM_PAGE_MASK;
	char *host;

	/* Memory outside RAM may go at the same moment. */
	host = frame ? __atomic_load_n(&frame->host, __ATOMIC_RELAXED) : NULL;
	if (unlikely(!host || bytes > MEM_PAGE_SIZE - in_page))
		return dma_bus_access(master, address, data, bytes, write);
	host += in_page;
	memcpy(write ? host : data, write ? data : host, bytes);
	dma_bus_count(master, address, bytes, frame->kind, write);
	return 0;
}

/* ---- what devices call ---- */

/*
 * Where bytes lie that are in one ordinary page, which the device reaches and may read and write:
 * NULL where dma_bus_read, _write or _span has to say what is there. Looks, and does nothing else:
 * the access is complete with dma_bus_add (bytes, kind, whether it writes). They are for who
 * carries out many accesses while nobody wants TRACE_DMA_TRANSFER, and hold each access to what
 * holds at its moment: who has bus mastering off, or a tap, finds nothing.
 *
 * _known is for memory of a kind that _find has told before, and finds no other.
 */
static inline __attribute__((always_inline)) void *dma_bus_within(
	const struct mem_frame *frame, uint64_t address, uint64_t bytes)
{
	uint64_t in_page = address & MEM_PAGE_MASK;
	char *host = __atomic_load_n(&frame->host, __ATOMIC_RELAXED);

	/* as the compiler is told it, a length that it knows costs less */
	if (unlikely(!host || (__builtin_constant_p(bytes) ? in_page > MEM_PAGE_SIZE - bytes
							   : in_page + bytes > MEM_PAGE_SIZE)))
		return NULL;
	return host + in_page;
}

static inline __attribute__((always_inline)) void *dma_bus_find(
	const struct dma_master *master, uint64_t address, uint64_t bytes, enum mem_kind *kind)
{
	const struct mem_frame *frame = dma_bus_frame(master, address);

	*kind = frame->kind;
	return dma_bus_is_plain(*kind) ? dma_bus_within(frame, address, bytes) : NULL;
}

static inline __attribute__((always_inline)) void *dma_bus_find_known(
	const struct dma_master *master, uint64_t address, uint64_t bytes, enum mem_kind kind)
{
	const struct mem_frame *frame = dma_bus_frame(master, address);

	return likely(frame->kind == kind) ? dma_bus_within(frame, address, bytes) : NULL;
}

/*
 * Several places that _find has told, in memory that a device comes to again and again: they are
 * kept with a note that was taken before, and told as long as it is true, without a look at any.
 */
struct dma_bus_note {
	uint64_t changes; /* 0: never true */
};

static inline struct dma_bus_note dma_bus_note_take(void)
{
	return (struct dma_bus_note){
		atomic_load_explicit(&mem_index.changes, memory_order_acquire)};
}

static inline bool dma_bus_note_is_true(const struct dma_bus_note *note)
{
	return likely(
		note->changes == atomic_load_explicit(&mem_index.changes, memory_order_acquire));
}

/* Whether a place that _find has told, of this frame (dma_bus_frame) and kind, would still be told:
 * for who writes there one thing after the other. */
static inline bool dma_bus_still(
	const struct dma_master *master, const struct mem_frame *frame, enum mem_kind kind)
{
	return likely(atomic_load_explicit(&master->plain_end, memory_order_acquire) &&
		      __atomic_load_n(&frame->kind, __ATOMIC_RELAXED) == kind);
}

/*
 * What a device does to memory. 0; -EACCES: bus mastering is off; -EFAULT: an address that the
 * engine does not lead to memory of the machine, where a page that nobody owns counts as none, or
 * above the master's width (reported as a violation event with the device's name and the address).
 * All or nothing is not promised: bytes before the fault have moved, as on a bus. Emits
 * TRACE_DMA_TRANSFER, one for each stretch of one kind of memory. May cross pages. Any thread; one
 * master is used by one thread at a time.
 */
static inline __attribute__((always_inline)) int dma_bus_read(
	struct dma_master *master, uint64_t address, void *dst, uint64_t bytes)
{
	return dma_bus_move(master, address, dst, bytes, false);
}

static inline int dma_bus_write(
	struct dma_master *master, uint64_t address, const void *src, uint64_t bytes)
{
	return dma_bus_move(master, address, (char *)src, bytes, true);
}

/*
 * The host address of [address, address + *bytes), with *bytes cut at the end of the page, for a
 * device that moves data from or to a file without a copy; the same checks, counts and event as a
 * read (write = false) or a write. NULL and *error on failure.
 */
static inline __attribute__((always_inline)) void *dma_bus_span(
	struct dma_master *master, uint64_t address, uint64_t *bytes, bool write, int *error)
{
	const struct mem_frame *frame = dma_bus_plain(master, address);
	uint64_t in_page = address & MEM_PAGE_MASK;
	char *host = frame ? __atomic_load_n(&frame->host, __ATOMIC_RELAXED) : NULL;

	if (unlikely(!host))
		return dma_bus_span_find(master, address, bytes, write, error);
	*bytes = min_of(*bytes, MEM_PAGE_SIZE - in_page);
	*error = 0;
	dma_bus_count(master, address, *bytes, frame->kind, write);
	return host + in_page;
}

/* The same of all these bytes, where they lie in one ordinary page and nobody wants the event; else
 * NULL, nothing was done, and dma_bus_span or _read says more. */
static inline __attribute__((always_inline)) void *dma_bus_at(
	struct dma_master *master, uint64_t address, uint64_t bytes, bool write)
{
	enum mem_kind kind;
	void *host = dma_bus_find(master, address, bytes, &kind);

	if (unlikely(!host) || trace_is_wanted(TRACE_DMA_TRANSFER))
		return NULL;
	dma_bus_add(master, bytes, kind, write);
	return host;
}

/* A device in another process did what its own iommu refused: told with the words of a read or
 * write that fails. Of the address the page is known. The same of the same list once: such a device
 * may ask its iommu twice for one access, for its place and when it moves the data. Any thread, one
 * at a time for a device. */
void dma_bus_refused(struct dma_master *master, uint64_t address, bool write);

#endif
