/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The bus, by which a device (station 5 of 7, src/hw/) reaches memory, under the direct engine: a
 * bus address is a physical address. An access goes page by page, as neighbours on the bus need not
 * be neighbours in the host. Later engines translate in bus_page() and share the rest.
 */
#include "dma/dma.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

_Static_assert(MEM_KINDS <= array_size(((struct dma_master *)0)->bytes_read),
	"a counter for each kind of memory");

void dma_master_init(struct dma_master *master, const char *name, unsigned width)
{
	memset(master, 0, sizeof(*master));
	master->name = name;
	master->width = width;
}

/* A stretch of one access in one kind of memory, for the event. */
struct stretch {
	uint64_t address, bytes;
	enum mem_kind kind;
};

static inline void stretch_end(
	const struct dma_master *master, const struct stretch *stretch, bool write)
{
	if (stretch->bytes)
		trace(TRACE_DMA_TRANSFER, master->number, stretch->address, stretch->bytes,
			(uint64_t)stretch->kind << 1 | write);
}

/* Only the device's thread counts; a summary may read meanwhile. */
static inline void count(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static __attribute__((cold, noinline)) void *refuse(
	struct dma_master *master, uint64_t address, bool write, const char *why)
{
	count(&master->faults, 1);
	nt_violation(0, "device %u (%s): %s of bus address 0x%" PRIx64 " failed: %s",
		master->number, master->name, write ? "write" : "read", address, why);
	return NULL;
}

static __attribute__((cold, noinline)) int refuse_off(
	struct dma_master *master, uint64_t address, bool write)
{
	count(&master->faults, 1);
	if (!master->off_told)
		nt_violation(0,
			"device %u (%s): %s of bus address 0x%" PRIx64
			" while its bus mastering is off; the driver has to set bit 2 of its "
			"command "
			"register",
			master->number, master->name, write ? "write" : "read", address);
	master->off_told = true;
	return -EACCES;
}

/* The highest address that the device can put on the bus. */
static inline uint64_t highest(const struct dma_master *master)
{
	return master->width >= 64 ? UINT64_MAX : (1ull << master->width) - 1;
}

/* The host address of a bus address, NULL if there is none (-EFAULT), and how far it holds: *bytes
 * is cut at the end of the page. */
static inline void *bus_page(struct dma_master *master, uint64_t address, uint64_t *bytes,
	bool write, enum mem_kind *kind)
{
	const struct mem_frame *frame = mem_frame_get(address >> MEM_PAGE_SHIFT);
	uint64_t in_page = address & MEM_PAGE_MASK;

	*bytes = min_of(*bytes, MEM_PAGE_SIZE - in_page);
	if (unlikely(address > highest(master) ||
		     (*bytes && highest(master) - address < *bytes - 1)))
		return refuse(master, address, write, "the device has fewer address bits");
	if (unlikely(!frame->host))
		return refuse(master, address, write, "no memory is there");
	if (unlikely(frame->kind == MEM_FREE))
		return refuse(master, address, write, "the memory there belongs to nobody");
	*kind = frame->kind;
	return (char *)frame->host + in_page;
}

static inline __attribute__((always_inline)) int bus_access(
	struct dma_master *master, uint64_t address, char *data, uint64_t bytes, bool write)
{
	uint64_t *counters = write ? master->bytes_written : master->bytes_read;
	struct stretch stretch = {0};
	int err = 0;

	if (unlikely(!atomic_load_explicit(&master->enabled, memory_order_acquire)))
		return refuse_off(master, address, write);
	while (bytes) {
		uint64_t piece = bytes;
		enum mem_kind kind = MEM_NONE;
		void *host = bus_page(master, address, &piece, write, &kind);

		if (unlikely(!host)) {
			err = -EFAULT;
			break;
		}
		memcpy(write ? host : data, write ? data : host, piece);
		count(&counters[kind], piece);
		if (kind != stretch.kind) {
			stretch_end(master, &stretch, write);
			stretch = (struct stretch){address, 0, kind};
		}
		stretch.bytes += piece;
		data += piece;
		bytes -= piece;
		address += piece;
	}
	stretch_end(master, &stretch, write);
	return err;
}

int dma_bus_read(struct dma_master *master, uint64_t address, void *dst, uint64_t bytes)
{
	return bus_access(master, address, dst, bytes, false);
}

int dma_bus_write(struct dma_master *master, uint64_t address, const void *src, uint64_t bytes)
{
	return bus_access(master, address, (char *)src, bytes, true);
}

void *dma_bus_span(
	struct dma_master *master, uint64_t address, uint64_t *bytes, bool write, int *error)
{
	uint64_t *counters = write ? master->bytes_written : master->bytes_read;
	struct stretch stretch = {.address = address};
	void *host;

	if (unlikely(!atomic_load_explicit(&master->enabled, memory_order_acquire))) {
		*error = refuse_off(master, address, write);
		return NULL;
	}
	host = bus_page(master, address, bytes, write, &stretch.kind);
	*error = host ? 0 : -EFAULT;
	if (unlikely(!host))
		return NULL;
	stretch.bytes = *bytes;
	count(&counters[stretch.kind], *bytes);
	stretch_end(master, &stretch, write);
	return host;
}
