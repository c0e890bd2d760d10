/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The bus, by which a device (station 5 of 7, src/hw/) reaches memory. An access goes page by page,
 * as neighbours on the bus need not be neighbours in the host. What the engines make of a bus
 * address stands in bus_page(): direct and bounce take it as a physical one, iommu looks for the
 * window that mapping.c opened, and holds the device to it to the byte.
 */
#include "dma/map_register.h"
#include "dma/dma_private.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(MEM_KINDS <= array_size(((struct dma_master *)0)->bytes_read),
	"a counter for each kind of memory");

/* The highest address that the device can put on the bus. */
static inline uint64_t highest(const struct dma_master *master)
{
	return master->width >= 64 ? UINT64_MAX : (1ull << master->width) - 1;
}

void dma_master_init(struct dma_master *master, const char *name, unsigned width)
{
	memset(master, 0, sizeof(*master));
	master->name = name;
	master->width = dma_settings.width ? min_of(width, dma_settings.width) : width;
}

/* A tap is asked on the long way only, and there it is told that mastering is off. Of a width below
 * a page's 12 bits no memory is within reach at all. */
static void plain_update(struct dma_master *master)
{
	bool is_plain = master->enabled && !master->tap && dma_settings.engine != DMA_IOMMU;
	uint64_t end = is_plain ? (highest(master) >> MEM_PAGE_SHIFT) + 1 : 0;
	uint64_t first = mem_index.low.first;

	atomic_store(&master->plain_end, end);
	atomic_store(
		&master->plain_low, end > first ? min_of(end - first, mem_index.low.count) : 0);
	mem_index_changed();
}

void dma_master_enable(struct dma_master *master, bool on)
{
	atomic_store(&master->enabled, on);
	plain_update(master);
}

void dma_bus_tap(struct dma_master *master, struct dma_tap *tap)
{
	master->tap = tap;
	plain_update(master);
}

static const char code_there[] = "a driver's code and constants are there";
static const char no_window[] = "nothing is mapped there now";
static const char other_direction[] = "it is mapped for the other direction";

static __attribute__((cold, noinline)) void *refuse(
	struct dma_master *master, uint64_t address, bool write, const char *why)
{
	__atomic_store_n(&master->faults, master->faults + 1, __ATOMIC_RELAXED);
	nt_violation(master->blame, "device %u (%s): %s of bus address 0x%" PRIx64 " failed: %s",
		master->number, master->name, write ? "write" : "read", address, why);
	return NULL;
}

static __attribute__((cold, noinline)) int refuse_off(
	struct dma_master *master, uint64_t address, bool write)
{
	__atomic_store_n(&master->faults, master->faults + 1, __ATOMIC_RELAXED);
	if (!master->off_told)
		nt_violation(master->blame,
			"device %u (%s): %s of bus address 0x%" PRIx64
			" while its bus mastering is off%s",
			master->number, master->name, write ? "write" : "read", address,
			master->blame ? ""
				      : "; the driver has to set bit 2 of its command register");
	master->off_told = true;
	return -EACCES;
}

/* ---- windows ---- */

/* When it was mapped and by whom, and when that ended, for a person. */
static void time_say(char *text, size_t size, uint64_t time)
{
	text[0] = 0;
	if (time != DMA_NO_TIME)
		snprintf(text, size, " at %" PRIu64 " ns", time);
}

static void slot_history(uint32_t slot, char *text, size_t size)
{
	uint64_t window = atomic_load(&dma_slots[slot].window);
	const struct dma_birth *birth = &dma_births[window >> DMA_WINDOW_HEAD];
	const char *place = birth->site && nt_code_place ? nt_code_place(birth->site) : NULL;
	char id[32] = "", born[32], died[32];

	if (!window || !birth->what) {
		snprintf(text, size, "nothing was ever mapped there");
		return;
	}
	if (birth->id)
		snprintf(id, sizeof(id), " %" PRIu64, birth->id);
	time_say(born, sizeof(born), birth->born);
	time_say(died, sizeof(died), birth->died);
	snprintf(text, size, "the %s%s (%u bytes%s, DMA adapter %u%s%s), mapped%s, %s%s",
		birth->what, id, birth->bytes, birth->write_to_device ? ", to the device" : "",
		birth->adapter, place ? ", by " : "", place ? place : "", born,
		birth->died ? "was unmapped" : "is still mapped", birth->died ? died : "");
}

static __attribute__((cold, noinline)) void *refuse_slot(
	struct dma_master *master, uint64_t address, bool write, uint32_t slot, const char *why)
{
	char history[256], text[400];

	slot_history(slot, history, sizeof(history));
	snprintf(text, sizeof(text), "%s: %s", why, history);
	return refuse(master, address, write, text);
}

/* The slot's window and what it leads to, of one moment; 0: none is live. A mapping may end and
 * another begin there meanwhile: then its window is shut before the source changes, and it is live
 * after the window has changed. */
static inline uint64_t window_read(uint32_t slot, const char **source)
{
	const struct dma_slot *at = &dma_slots[slot];
	uint64_t window;
	bool is_live;

	do {
		window = atomic_load_explicit(&at->window, memory_order_acquire);
		*source = __atomic_load_n(&at->source, __ATOMIC_ACQUIRE);
		is_live = dma_window_is_live(slot, window);
	} while (unlikely(atomic_load_explicit(&at->window, memory_order_relaxed) != window));
	return is_live ? window : 0;
}

/* Holds the access to the slot's window; *bytes is cut at the window's end. */
static inline void *window_enter(struct dma_master *master, uint64_t address, uint64_t *bytes,
	bool write, uint32_t slot, enum mem_kind *kind)
{
	const char *source;
	uint64_t window = window_read(slot, &source);
	uint64_t first = window >> DMA_WINDOW_FIRST & MEM_PAGE_MASK;
	uint64_t last = window >> DMA_WINDOW_LAST & MEM_PAGE_MASK;
	uint64_t in_page = address & MEM_PAGE_MASK;
	bool is_iommu = dma_settings.engine == DMA_IOMMU;

	if (unlikely(!window))
		return refuse_slot(master, address, write, slot,
			is_iommu ? no_window : "its map register is not in use");
	if (unlikely(in_page < first || in_page > last))
		return refuse_slot(master, address, write, slot, "it lies outside what is mapped");
	/* Without an iommu nothing on the way knows the direction. */
	if (unlikely(is_iommu && !(window & (write ? DMA_WINDOW_WRITE : DMA_WINDOW_READ))))
		return refuse_slot(master, address, write, slot, other_direction);
	*bytes = min_of(*bytes, last + 1 - in_page);
	*kind = mem_owner(source)->kind;
	if (unlikely(*kind == MEM_FREE))
		return refuse_slot(
			master, address, write, slot, "the memory there belongs to nobody");
	if (unlikely(*kind == MEM_CODE && write))
		return refuse_slot(master, address, write, slot, code_there);
	if (window & DMA_WINDOW_BOUNCED)
		return dma_bounce_base + ((uint64_t)slot << MEM_PAGE_SHIFT) + in_page;
	return (char *)round_down((uintptr_t)source, MEM_PAGE_SIZE) + in_page;
}

/* The slot that one of the device's domains has for the address, live if there is such a one. */
static uint32_t iommu_slot(const struct dma_master *master, uint64_t address)
{
	uint32_t domains = dma_domains_of(master->number), found = DMA_NO_SLOT;

	for (; domains; domains &= domains - 1) {
		unsigned domain = (unsigned)__builtin_ctz(domains);
		uint32_t slot = dma_slot_at(domain, address);
		uint64_t window;

		if (slot == DMA_NO_SLOT)
			continue;
		window = atomic_load_explicit(&dma_slots[slot].window, memory_order_relaxed);
		if (window && (window >> DMA_WINDOW_DOMAIN & (DMA_DOMAINS - 1)) != domain)
			continue;
		found = slot;
		if (dma_window_is_live(slot, window))
			break;
	}
	return found;
}

static const char *why_nowhere(uint64_t address)
{
	return mem_frame_get(address >> MEM_PAGE_SHIFT)->host
		       ? "the iommu has no mapping there; it is a physical address of memory, "
			 "which this device must not use"
		       : "the iommu has no mapping there";
}

static void *iommu_page(struct dma_master *master, uint64_t address, uint64_t *bytes, bool write,
	enum mem_kind *kind)
{
	uint32_t slot = iommu_slot(master, address);

	if (unlikely(slot == DMA_NO_SLOT))
		return refuse(master, address, write, why_nowhere(address));
	return window_enter(master, address, bytes, write, slot, kind);
}

/* Whose the page before is, if it was mapped after what this one was used for last: that is likely
 * to be overrun. */
static void neighbour_say(
	const struct dma_master *master, uint64_t address, uint32_t slot, char *text, size_t size)
{
	uint32_t before = iommu_slot(master, address - MEM_PAGE_SIZE);
	uint64_t window = atomic_load(&dma_slots[slot].window), its;
	size_t used;

	text[0] = 0;
	its = before == DMA_NO_SLOT ? 0 : atomic_load(&dma_slots[before].window);
	if (!its || (window && dma_births[its >> DMA_WINDOW_HEAD].born <=
				       dma_births[window >> DMA_WINDOW_HEAD].died))
		return;
	used = (size_t)snprintf(text, size, "; in the page before it ends ");
	slot_history(before, text + used, size - used);
}

/* Whether it was told last, of the same use of the page; from now on it was. */
static bool was_told(struct dma_master *master, uint64_t address, bool write, uint64_t window)
{
	uint64_t born = window ? dma_births[window >> DMA_WINDOW_HEAD].born : 0;
	bool is_same = master->refused.was_any && master->refused.address == address &&
		       master->refused.write == write && master->refused.window == window &&
		       master->refused.born == born;

	master->refused.address = address;
	master->refused.window = window;
	master->refused.born = born;
	master->refused.write = write;
	master->refused.was_any = true;
	return is_same;
}

/* It is told some time after it was, and what was mapped then may not be any more. */
void dma_bus_refused(struct dma_master *master, uint64_t address, bool write)
{
	uint32_t slot = iommu_slot(master, address);
	const char *source, *why = "nothing was mapped there at that moment";
	char history[256], before[320] = "", text[640];
	uint64_t window = slot == DMA_NO_SLOT ? 0 : atomic_load(&dma_slots[slot].window);
	bool is_live;

	if (was_told(master, address, write, window))
		return;
	if (slot == DMA_NO_SLOT) {
		refuse(master, address, write, why_nowhere(address));
		return;
	}
	is_live = window_read(slot, &source);
	if (window && !(window & (write ? DMA_WINDOW_WRITE : DMA_WINDOW_READ))) {
		why = is_live ? other_direction
			      : "nothing is mapped there now, and it was for the other direction";
	} else if (!is_live) {
		why = no_window;
		neighbour_say(master, address, slot, before, sizeof(before));
	} else if (mem_owner(source)->kind == MEM_CODE && write) {
		why = code_there;
	}
	slot_history(slot, history, sizeof(history));
	snprintf(text, sizeof(text), "%s: %s%s", why, history, before);
	refuse(master, address, write, text);
}

/* The host address of a bus address, NULL if there is none (-EFAULT), and how far it holds: *bytes
 * is cut at the end of the page. */
static void *bus_page(struct dma_master *master, uint64_t address, uint64_t *bytes, bool write,
	enum mem_kind *kind)
{
	const struct mem_frame *frame = mem_frame_get(address >> MEM_PAGE_SHIFT);
	char *host = __atomic_load_n(&frame->host, __ATOMIC_RELAXED); /* which may go meanwhile */
	uint64_t in_page = address & MEM_PAGE_MASK;

	*bytes = min_of(*bytes, MEM_PAGE_SIZE - in_page);
	if (unlikely(address > highest(master) ||
		     (*bytes && highest(master) - address < *bytes - 1)))
		return refuse(master, address, write, "the device has fewer address bits");
	if (unlikely(dma_settings.engine == DMA_IOMMU))
		return iommu_page(master, address, bytes, write, kind);
	if (unlikely(!host))
		return refuse(master, address, write, "no memory is there");
	if (unlikely(frame->kind == MEM_FREE))
		return refuse(master, address, write, "the memory there belongs to nobody");
	if (unlikely(frame->kind == MEM_CODE && write))
		return refuse(master, address, write, code_there);
	if (unlikely(frame->kind == MEM_BOUNCE))
		return window_enter(master, address, bytes, write,
			(uint32_t)((host - dma_bounce_base) >> MEM_PAGE_SHIFT), kind);
	*kind = frame->kind;
	return host + in_page;
}

/* A stretch of one access in one kind of memory. */
struct stretch {
	uint64_t address, bytes;
	enum mem_kind kind;
};

static void stretch_end(struct dma_master *master, const struct stretch *stretch, bool write)
{
	dma_bus_count(master, stretch->address, stretch->bytes, stretch->kind, write);
}

static int access_move(
	struct dma_master *master, uint64_t address, char *data, uint64_t bytes, bool write)
{
	struct stretch stretch = {0};
	int err = 0;

	while (bytes) {
		uint64_t piece = bytes;
		enum mem_kind kind = MEM_NONE;
		void *host = bus_page(master, address, &piece, write, &kind);

		if (unlikely(!host)) {
			err = -EFAULT;
			break;
		}
		memcpy(write ? host : data, write ? data : host, piece);
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

static int tap_ask(struct dma_master *master, uint64_t *address, uint64_t bytes, bool write)
{
	return unlikely(master->tap != NULL)
		       ? master->tap->access(master->tap, address, bytes, write)
		       : DMA_TAP_GO;
}

int dma_bus_access(
	struct dma_master *master, uint64_t address, char *data, uint64_t bytes, bool write)
{
	int tapped = tap_ask(master, &address, bytes, write), err;

	if (unlikely(tapped < 0))
		return tapped;
	if (unlikely(!atomic_load_explicit(&master->enabled, memory_order_acquire)))
		return refuse_off(master, address, write);
	err = access_move(master, address, data, bytes, write);
	if (likely(!err) || tapped != DMA_TAP_BLIND)
		return err;
	if (!write)
		memset(data, 0xff, bytes);
	return 0;
}

void *dma_bus_span_find(
	struct dma_master *master, uint64_t address, uint64_t *bytes, bool write, int *error)
{
	static char nowhere[MEM_PAGE_SIZE];
	int tapped = tap_ask(master, &address, *bytes, write);
	enum mem_kind kind;
	void *host;

	*error = tapped;
	if (unlikely(tapped < 0))
		return NULL;
	if (unlikely(!atomic_load_explicit(&master->enabled, memory_order_acquire))) {
		*error = refuse_off(master, address, write);
		return NULL;
	}
	host = bus_page(master, address, bytes, write, &kind);
	if (unlikely(!host && tapped == DMA_TAP_BLIND)) {
		*error = 0;
		return memset(nowhere, 0xff, sizeof(nowhere));
	}
	*error = host ? 0 : -EFAULT;
	if (likely(host))
		dma_bus_count(master, address, *bytes, kind, write);
	return host;
}
