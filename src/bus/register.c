/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Register and port access: from a driver's pointer through its BAR to the device model, without a
 * lock, on the way of every request. Each access is a safepoint.
 * Neighbours: bar.c (pointer → window), message.c (the MSI-X structures), ddi_hal_register.c.
 */
#include "bus/function.h"
#include "nt/nt.h"
#include "trace/trace.h"

/* Bug check 0xF1/2005: a bad address to a register or port routine (spec 5.5). */
#define BAD_ADDRESS 0xF1002005ull

static border_call void __attribute__((cold, noinline))
stray(const struct bus_window *w, uintptr_t at, unsigned size, const char *verb, bool is_io)
{
	if (!w)
		nt_violation(BAD_ADDRESS,
			"%s of %u bytes at %s 0x%llx, which is no mapped register", verb, size,
			is_io ? "port" : "address", (unsigned long long)at);
	else
		nt_violation(BAD_ADDRESS, "%s of %u bytes at BAR %u + 0x%x of %s %s", verb, size,
			w->bar, (unsigned)(at - w->base), w->function->config.name,
			at & (size - 1) ? "is not aligned" : "runs past its end");
}

/* Whether [at, at + size) lies in the window, aligned. */
static inline bool is_inside(const struct bus_window *w, uintptr_t at, unsigned size)
{
	return w && !(at & (size - 1)) && at - w->base + size <= w->size;
}

/* The bytes above the access's size are nobody's. */
static border_call void __attribute__((cold, noinline)) access_tell(enum trace_type type,
	const struct bus_window *w, uintptr_t at, unsigned size, uint64_t value, bool is_trapped)
{
	trace(type, w->function->slot, w->bar | size << 8 | (uint32_t)is_trapped << 16,
		at - w->base, value & ~0ull >> (64 - 8 * size));
}

static inline uint64_t window_fetch(struct bus_window *w, uintptr_t at, unsigned size)
{
	uint32_t offset = (uint32_t)(at - w->base);

	cpu_agent_settle();
	if (unlikely(!atomic_load_explicit(&w->live, memory_order_relaxed)))
		return ~0ull;
	if (unlikely(offset - w->msix_start < w->msix_size))
		return bus_msix_read(w->function, offset - w->msix_start, size);
	return w->read(w->device, w->bar, offset, size);
}

path_inline uint64_t window_read(struct bus_window *w, uintptr_t at, unsigned size, bool is_trapped)
{
	uint64_t value = window_fetch(w, at, size);

	if (trace_is_wanted(TRACE_REG_READ))
		access_tell(TRACE_REG_READ, w, at, size, value, is_trapped);
	return value;
}

static border_call void __attribute__((cold, noinline))
msix_write(const struct bus_window *w, uint32_t offset, unsigned size, uint64_t value)
{
	bus_msix_write(w->function, offset - w->msix_start, size, value);
}

path_inline void window_write(
	struct bus_window *w, uintptr_t at, unsigned size, uint64_t value, bool is_trapped)
{
	uint32_t offset = (uint32_t)(at - w->base);

	if (trace_is_wanted(TRACE_REG_WRITE))
		access_tell(TRACE_REG_WRITE, w, at, size, value, is_trapped);
	if (unlikely(!atomic_load_explicit(&w->live, memory_order_relaxed)))
		return;
	if (unlikely(offset - w->msix_start < w->msix_size))
		msix_write(w, offset, size, value);
	else
		w->write(w->device, w->bar, offset, size, value);
}

uint64_t bus_register_read(const volatile void *reg, unsigned size)
{
	struct bus_window *w = bus_window_of_memory((uintptr_t)reg);
	uint64_t value = ~0ull;

	if (likely(is_inside(w, (uintptr_t)reg, size)))
		value = window_read(w, (uintptr_t)reg, size, false);
	else
		stray(w, (uintptr_t)reg, size, "read", false);
	cpu_poll_own();
	return value;
}

static border_call void __attribute__((noinline))
register_write_other(volatile void *reg, unsigned size, uint64_t value)
{
	struct bus_window *w = bus_window_of_memory((uintptr_t)reg);

	if (likely(is_inside(w, (uintptr_t)reg, size)))
		window_write(w, (uintptr_t)reg, size, value, false);
	else
		stray(w, (uintptr_t)reg, size, "write", false);
	cpu_poll();
}

/* A device's own register, and nobody wants the event. */
path_inline void register_write(volatile void *reg, unsigned size, uint64_t value)
{
	uintptr_t at = (uintptr_t)reg;
	struct bus_window *w = bus_window_of_memory(at);

	if (unlikely(!w || at & (size - 1) || trace_is_wanted(TRACE_REG_WRITE) ||
		     at - w->base + size > atomic_load_explicit(&w->own, memory_order_relaxed))) {
		register_write_other(reg, size, value);
		return;
	}
	w->write(w->device, w->bar, (uint32_t)(at - w->base), size, value);
	cpu_poll();
}

border_call void bus_register_write(volatile void *reg, unsigned size, uint64_t value)
{
	register_write(reg, size, value);
}

/* An open doorbell: it is aligned, mapped and answers, and nobody wants the event, which is all in
 * `bells`. The device passes the safepoint. False: it is none, and nothing was done. */
path_inline bool bell_write(struct bus_window *w, volatile void *reg, uint32_t value)
{
	uint64_t count = atomic_load_explicit(&w->bells, memory_order_acquire);
	uint64_t number = (uintptr_t)reg - w->bells_base;

	/* what is not aligned, or before the first, becomes a huge number */
	number = number >> 2 | number << 62;
	if (unlikely(number >= count))
		return false;
	w->ring(w->rung, (uint32_t)number, value);
	return true;
}

static border_call void __attribute__((noinline))
register_write_ulong(volatile void *reg, uint32_t value)
{
	struct bus_window *w = bus_window_of_memory((uintptr_t)reg);

	if (!w || !bell_write(w, reg, value))
		register_write(reg, sizeof(value), value);
}

border_call void bus_register_write_ulong(volatile void *reg, uint32_t value)
{
	struct bus_window *w = atomic_load_explicit(&bus_bells_now, memory_order_acquire);

	if (unlikely(!bell_write(w, reg, value)))
		register_write_ulong(reg, value);
}

uint64_t bus_port_read(uintptr_t port, unsigned size)
{
	struct bus_window *w = bus_window_of_port(port);
	uint64_t value = ~0ull;

	if (likely(is_inside(w, port, size)))
		value = window_read(w, port, size, false);
	else
		stray(w, port, size, "read", true);
	cpu_poll_own();
	return value;
}

void bus_port_write(uintptr_t port, unsigned size, uint64_t value)
{
	struct bus_window *w = bus_window_of_port(port);

	if (likely(is_inside(w, port, size)))
		window_write(w, port, size, value, false);
	else
		stray(w, port, size, "write", true);
	cpu_poll_own();
}

uint64_t bus_trapped_read(uintptr_t at, unsigned size, bool is_io)
{
	struct bus_window *w = is_io ? bus_window_of_port(at) : bus_window_of_memory(at);

	if (is_inside(w, at, size))
		return window_read(w, at, size, true);
	stray(w, at, size, "read", is_io);
	return ~0ull;
}

void bus_trapped_write(uintptr_t at, unsigned size, uint64_t value, bool is_io)
{
	struct bus_window *w = is_io ? bus_window_of_port(at) : bus_window_of_memory(at);

	if (is_inside(w, at, size))
		window_write(w, at, size, value, true);
	else
		stray(w, at, size, "write", is_io);
}
