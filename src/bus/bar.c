/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Address windows: where BARs lie, and the way from a driver's pointer or port number back to the
 * BAR, one array look-up each.
 *
 * The host address of a register is its bus address plus a constant, inside one inaccessible
 * reservation, so that nothing else of the process ever lies there and a dereference faults
 * (trap.c). Memory windows are page aligned; their pages are entered in the table while a driver
 * has them mapped. Neighbours: register.c (the accessors), bus.c.
 */
#include "bus/function.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/error.h"
#include "util/layout.h"
#include <errno.h>
#include <sys/mman.h>

#define HOST_BASE LAYOUT_REGISTERS
#define HOST_SIZE MEM_4GIB

#define PORT_BASE  BUS_PORT_BASE
#define PORT_END   BUS_PORT_END
#define PORT_SHIFT 2 /* the smallest I/O BAR has four ports */

/* A page's number and its place in the table have the same low bits. */
struct bus_window *_Atomic bus_memory_pages[BUS_MEMORY_PAGES];
static struct bus_window *_Atomic port_groups[(PORT_END - PORT_BASE) >> PORT_SHIFT];

struct bus_window *bus_window_of_port(uintptr_t port)
{
	uintptr_t group = (port - PORT_BASE) >> PORT_SHIFT;

	if (unlikely(group >= array_size(port_groups)))
		return NULL;
	return atomic_load_explicit(&port_groups[group], memory_order_relaxed);
}

static uint64_t bus_address(uint64_t host, bool is_io)
{
	return is_io ? host : host - HOST_BASE;
}

/* Any window of kind is_io that shares a byte with [start, end). */
static struct bus_window *window_find(uint64_t start, uint64_t end, bool is_io)
{
	for (unsigned i = 0; i < bus_functions_end * BUS_BARS; i++) {
		struct bus_window *w = &bus_functions[i / BUS_BARS].window[i % BUS_BARS];

		if (bus_functions[i / BUS_BARS].present && w->function && w->is_io == is_io &&
			w->base < end && start < w->base + w->size)
			return w;
	}
	return NULL;
}

struct bus_window *bus_window_around(uintptr_t address)
{
	return window_find(address, address + 1, false);
}

/* Windows of the same function are not `present` yet: they are compared here. */
static bool is_free(const struct bus_function *f, uint64_t start, uint64_t end, bool is_io)
{
	for (unsigned i = 0; i < BUS_BARS; i++) {
		const struct bus_window *w = &f->window[i];

		if (w->function && w->is_io == is_io && w->base < end && start < w->base + w->size)
			return false;
	}
	return !window_find(start, end, is_io) &&
	       !bus_bridges_hold(
		       f->config.bridge, bus_address(start, is_io), bus_address(end, is_io), is_io);
}

static uintptr_t window_place(const struct bus_function *f, const struct bus_bar_config *bar)
{
	uint64_t step = bus_window_step(bar->size, bar->is_io);
	uint64_t to_host = bar->is_io ? 0 : HOST_BASE;
	struct bus_range room;

	if (!bus_bridge_room(f->config.bridge, bus_range_of(bar), &room))
		return 0;
	for (uint64_t at = round_up(room.start, step) + to_host;
		at + bar->size <= room.end + to_host; at += step)
		if (is_free(f, at, at + step, bar->is_io))
			return at;
	return 0;
}

static uint64_t window_address(const struct bus_window *w)
{
	return bus_address(w->base, w->is_io);
}

static int window_assign(struct bus_function *f, unsigned bar)
{
	const struct bus_bar_config *b = &f->config.bar[bar];
	struct bus_window *w = &f->window[bar];
	uintptr_t base = window_place(f, b);
	unsigned at = CONFIG_BAR + 4 * bar;

	if (!base)
		return error_set(ENOSPC, "%s: no %s is left for the %u bytes of BAR %u.",
			f->config.name, b->is_io ? "port range" : "address range below 4 GiB",
			b->size, bar);
	w->base = base;
	w->size = b->size;
	w->bar = (uint8_t)bar;
	w->is_io = b->is_io;
	w->device = f->device;
	w->read = f->ops.read;
	w->write = f->ops.write;
	w->function = f;
	if (f->config.msix_messages && bar == f->config.msix_bar) {
		w->msix_start = f->config.msix_offset;
		w->msix_size = bus_msix_size(&f->config);
	}
	bus_config_put(f, at, 4, bus_config_dword(f, at) | (uint32_t)window_address(w));
	return 0;
}

static void window_enter(struct bus_window *w, struct bus_window *value)
{
	uint64_t from = w->is_io ? (w->base - PORT_BASE) >> PORT_SHIFT
				 : (w->base - BUS_MEMORY_START) >> MEM_PAGE_SHIFT;
	uint64_t count = w->is_io ? w->size >> PORT_SHIFT
				  : round_up(w->size, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT;
	struct bus_window *_Atomic *table = w->is_io ? port_groups : bus_memory_pages;

	for (uint64_t i = 0; i < count; i++)
		atomic_store_explicit(&table[from + i], value, memory_order_release);
	w->is_entered = value;
	bus_bells_update(w);
}

/* The largest BAR that has no place yet; BUS_BARS: all have one. */
static unsigned largest(const struct bus_function *f)
{
	unsigned found = BUS_BARS;

	for (unsigned i = 0; i < BUS_BARS; i++)
		if (f->config.bar[i].size && !f->window[i].function &&
			(found == BUS_BARS || f->config.bar[i].size > f->config.bar[found].size))
			found = i;
	return found;
}

/* Behind a bridge the largest comes first, as its window is no larger than it must be. */
static int bars_assign(struct bus_function *f)
{
	unsigned bar;

	if (!f->config.bridge) {
		for (bar = 0; bar < BUS_BARS; bar++)
			if (f->config.bar[bar].size && window_assign(f, bar))
				return -ENOSPC;
		return 0;
	}
	if (bus_bridges_open(f))
		return -ENOSPC;
	while ((bar = largest(f)) < BUS_BARS)
		if (window_assign(f, bar))
			return -ENOSPC;
	return 0;
}

int bus_windows_assign(struct bus_function *f)
{
	if (bars_assign(f))
		return -ENOSPC;
	/* ports need no mapping: a driver may use the bare number */
	for (unsigned i = 0; i < BUS_BARS; i++)
		if (f->window[i].function && f->window[i].is_io)
			window_enter(&f->window[i], &f->window[i]);
	return 0;
}

void bus_windows_release(struct bus_function *f)
{
	for (unsigned i = 0; i < BUS_BARS; i++)
		if (f->window[i].function)
			window_enter(&f->window[i], NULL);
}

void bus_windows_update(struct bus_function *f)
{
	bus_messages_settle(f);
	for (unsigned i = 0; i < BUS_BARS; i++) {
		struct bus_window *w = &f->window[i];
		unsigned at = CONFIG_BAR + 4 * i;
		uint32_t flags = w->is_io ? 3 : 15;

		if (!w->function)
			continue;
		/* A BAR that was moved answers at no address: only the firmware's place is built.
		 */
		w->live = !bus_function_is_off(f) &&
			  (f->command & (w->is_io ? COMMAND_IO : COMMAND_MEMORY)) &&
			  (bus_config_dword(f, at) & ~flags) == (uint32_t)window_address(w) &&
			  (!f->config.bar[i].is_64bit || !bus_config_dword(f, at + 4)) &&
			  bus_bridges_forward(
				  f, window_address(w), window_address(w) + w->size, w->is_io);
		w->own = !w->live ? 0 : w->msix_size ? w->msix_start : w->size;
		bus_bells_update(w);
	}
}

bool bus_resource_get(struct bus_function *f, unsigned bar, struct bus_resource *resource)
{
	if (bar >= BUS_BARS || !f->window[bar].function)
		return false;
	*resource = (struct bus_resource){
		.address = window_address(&f->window[bar]),
		.size = f->window[bar].size,
		.is_io = f->window[bar].is_io,
	};
	return true;
}

void *bus_map(uint64_t address, uint32_t length, bool is_io, struct bus_function **function)
{
	uint64_t limit = is_io ? PORT_END : MEM_4GIB;
	struct bus_window *w = NULL;
	uintptr_t start;

	if (!length || address >= limit)
		return NULL;
	start = address + (is_io ? 0 : HOST_BASE);
	pthread_mutex_lock(&bus_lock);
	w = window_find(start, start + 1, is_io);
	if (!w || length > w->base + w->size - start) {
		pthread_mutex_unlock(&bus_lock);
		return NULL;
	}
	if (!w->function->maps[w->bar]++ && !is_io)
		window_enter(w, w);
	pthread_mutex_unlock(&bus_lock);
	if (function)
		*function = w->function;
	return (void *)start;
}

void bus_unmap(void *mapped)
{
	uintptr_t start = (uintptr_t)mapped;
	bool is_io = start < PORT_END;
	struct bus_window *w;
	bool was_mapped;

	pthread_mutex_lock(&bus_lock);
	w = window_find(start, start + 1, is_io);
	was_mapped = w && w->function->maps[w->bar];
	if (was_mapped && !--w->function->maps[w->bar] && !is_io)
		window_enter(w, NULL);
	pthread_mutex_unlock(&bus_lock);
	if (!was_mapped)
		nt_violation(0, "registers at %p are unmapped, but they are not mapped", mapped);
}

bool bus_resolve(
	const void *mapped, struct bus_function **function, unsigned *bar, uint32_t *offset)
{
	uintptr_t at = (uintptr_t)mapped;
	struct bus_window *w = at < PORT_END ? bus_window_of_port(at) : bus_window_of_memory(at);

	if (!w || at - w->base >= w->size)
		return false;
	if (function)
		*function = w->function;
	if (bar)
		*bar = w->bar;
	if (offset)
		*offset = (uint32_t)(at - w->base);
	return true;
}

int bus_windows_init(void)
{
	void *base = mmap((void *)HOST_BASE, HOST_SIZE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	int err;

	if (base != (void *)HOST_BASE) {
		if (base != MAP_FAILED)
			munmap(base, HOST_SIZE);
		return error_set(EBUSY,
			"The addresses from 0x%llx, where device registers lie, are taken in this "
			"process.",
			(unsigned long long)HOST_BASE);
	}
	trace_changed = bus_bells_update_all;
	err = trap_init();
	if (!err)
		err = cpu_fault_range(HOST_BASE, HOST_SIZE, trap_fault, NULL);
	if (err)
		munmap(base, HOST_SIZE);
	return err;
}

void bus_windows_fini(void)
{
	trace_changed = NULL;
	cpu_fault_range_remove(HOST_BASE);
	trap_fini();
	munmap((void *)HOST_BASE, HOST_SIZE);
}
