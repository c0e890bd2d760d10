/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What is done for an instruction that dereferences registers (trap.h), on the driver's own stack.
 *
 * An access is made in naturally aligned parts of 1, 2, 4 or 8 bytes, which are what devices have,
 * each of them a safepoint as an accessor is. So a read followed by a write has two, whether the
 * compiler made one instruction of it or several; a locked instruction has one, at its end.
 * Neighbours: register.c (the access to the device), trap_copy.c (the instruction's execution).
 */
#include "bus/function.h"
#include "bus/trap.h"
#include "nt/nt.h"

#include <stdio.h>
#include <string.h>

#define FLAG_DIRECTION	 0x400u
#define FLAG_ZERO	 0x40u
#define FLAGS_COMPARISON 0x8d5u /* overflow, sign, zero, auxiliary, parity, carry */
#define RED_ZONE	 128

static _Atomic uint64_t accesses, split;

void bus_trap_counts(uint64_t *all, uint64_t *in_parts)
{
	*all = atomic_load(&accesses);
	*in_parts = atomic_load(&split);
}

void trap_counts_clear(void)
{
	atomic_store(&accesses, 0);
	atomic_store(&split, 0);
}

/* ---- the device's side ---- */

static void __attribute__((cold, noinline)) split_tell(uintptr_t at, unsigned size, unsigned parts)
{
	const struct bus_window *w = bus_window_around(at);
	const char *place;

	if (atomic_fetch_add(&split, 1) || !w)
		return;
	place = nt_driver_place ? nt_driver_place() : NULL;
	fprintf(stderr,
		"dryport: %u bytes at BAR %u + 0x%x of %s, accessed by one instruction%s%s%s, are "
		"moved in %u parts; a bus may do otherwise. This is said once.\n",
		size, w->bar, (unsigned)(at - w->base), w->function->config.name,
		place ? " [driver: " : "", place ? place : "", place ? "]" : "", parts);
}

/* The largest part at an address. */
static unsigned part_of(uintptr_t at, unsigned left)
{
	unsigned size = 8;

	while (size > left || at & (size - 1))
		size /= 2;
	return size;
}

static void part_move(uintptr_t at, uint8_t *bytes, unsigned size, bool is_write)
{
	uint64_t value = 0;

	if (is_write) {
		memcpy(&value, bytes, size);
		bus_trapped_write(at, size, value, false);
	} else {
		value = bus_trapped_read(at, size, false);
		memcpy(bytes, &value, size);
	}
}

struct access {
	uintptr_t at;
	unsigned size;
	uint64_t active; /* a bit for each byte that takes part */
	bool is_write, is_locked;
};

static void move(const struct access *a, uint8_t *bytes)
{
	unsigned parts = 0, part;

	for (unsigned n = 0; n < a->size; n += part) {
		uint64_t active = a->active >> n;

		part = 1;
		if (!(active & 1))
			continue;
		/* up to the next byte that takes no part */
		part = ~active ? (unsigned)__builtin_ctzll(~active) : 64;
		part = part_of(a->at + n, min_of(part, a->size - n));
		part_move(a->at + n, bytes + n, part, a->is_write);
		parts++;
		if (!a->is_locked)
			cpu_poll_own();
	}
	atomic_fetch_add_explicit(&accesses, parts != 0, memory_order_relaxed);
	if (unlikely(parts > 1))
		split_tell(a->at, a->size, parts);
}

/* ---- by a copy ---- */

static uint64_t active_of(const struct trap_frame *f)
{
	const struct trap_plan *plan = &f->plan;
	uint64_t active = plan->size < 64 ? (1ull << plan->size) - 1 : ~0ull, mask, chosen = 0;

	if (!plan->element)
		return active;
	memcpy(&mask, (const char *)f->xsave + trap_xsave.masks + 8 * plan->mask, sizeof(mask));
	for (unsigned n = 0; n < plan->size; n++)
		chosen |= (mask >> n / plan->element & 1) << n;
	return active & chosen;
}

static void copy_perform(struct trap_frame *f)
{
	uint8_t bytes[TRAP_OPERAND_MAX] = {0};
	struct access a = {
		.at = f->plan.address,
		.size = f->plan.size,
		.active = active_of(f),
		.is_locked = f->plan.locked,
	};

	if (f->plan.reads)
		move(&a, bytes);
	trap_copy_execute(f, bytes);
	a.is_write = true;
	if (f->plan.writes)
		move(&a, bytes);
	if (a.is_locked)
		cpu_poll_own();
}

/* ---- by hand ---- */

/* Memory of the driver's: its own sanitizer would have looked at it. */
#define unchecked __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

static unchecked uint64_t memory_get(uintptr_t at, unsigned size)
{
	const volatile uint8_t *from = (const volatile uint8_t *)at;
	uint64_t value = 0;

	for (unsigned n = 0; n < size; n++)
		value |= (uint64_t)from[n] << 8 * n;
	return value;
}

static unchecked void memory_put(uintptr_t at, unsigned size, uint64_t value)
{
	volatile uint8_t *to = (volatile uint8_t *)at;

	for (unsigned n = 0; n < size; n++)
		to[n] = (uint8_t)(value >> 8 * n);
}

/* Of an instruction whose operand may be a register or memory. */
static uint64_t element_get(uintptr_t at, unsigned size)
{
	struct access a = {.at = at, .size = size, .active = (1u << size) - 1};
	uint64_t value = 0;

	if (!bus_window_of_memory(at))
		return memory_get(at, size);
	move(&a, (uint8_t *)&value);
	return value;
}

static void element_put(uintptr_t at, unsigned size, uint64_t value)
{
	struct access a = {.at = at, .size = size, .active = (1u << size) - 1, .is_write = true};

	if (bus_window_of_memory(at))
		move(&a, (uint8_t *)&value);
	else
		memory_put(at, size, value);
}

static void push_perform(struct trap_frame *f)
{
	uint64_t value = element_get(f->plan.address, f->plan.size);

	f->gpr[TRAP_RSP] -= f->plan.size;
	memory_put(f->gpr[TRAP_RSP], f->plan.size, value);
}

static void pop_perform(struct trap_frame *f)
{
	uint64_t value = memory_get(f->gpr[TRAP_RSP], f->plan.size);

	f->gpr[TRAP_RSP] += f->plan.size;
	element_put(f->plan.address, f->plan.size, value);
}

/* A part of a register takes a value; with 32 bits the upper half becomes zero. */
static void register_put(uint64_t *reg, unsigned size, uint64_t value)
{
	if (size >= 4)
		*reg = value;
	else
		memcpy(reg, &value, size);
}

static uint64_t port_get(uintptr_t port, unsigned size)
{
	uint64_t value = bus_trapped_read(port, size, true);

	atomic_fetch_add_explicit(&accesses, 1, memory_order_relaxed);
	cpu_poll_own();
	return value;
}

static void port_put(uintptr_t port, unsigned size, uint64_t value)
{
	bus_trapped_write(port, size, value, true);
	atomic_fetch_add_explicit(&accesses, 1, memory_order_relaxed);
	cpu_poll_own();
}

/* The flags that `cmp a, b` leaves. */
static uint64_t comparison(unsigned size, uint64_t a, uint64_t b)
{
	uint64_t rax = 0;

#define COMPARE(type)                                                                              \
	__asm__("cmp %2, %1\n\tlahf\n\tseto %%al"                                                  \
		: "+&a"(rax)                                                                       \
		: "q"((type)a), "q"((type)b)                                                       \
		: "c"                                                                              \
		  "c")
	switch (size) {
	case 1:
		COMPARE(uint8_t);
		break;
	case 2:
		COMPARE(uint16_t);
		break;
	case 4:
		COMPARE(uint32_t);
		break;
	default:
		COMPARE(uint64_t);
		break;
	}
#undef COMPARE
	return (rax >> 8 & 0xff & FLAGS_COMPARISON) | (rax & 1) << 11;
}

/* One element of a string instruction. */
static void element_perform(struct trap_frame *f)
{
	const struct trap_plan *plan = &f->plan;
	uint64_t *from = &f->gpr[TRAP_RSI], *to = &f->gpr[TRAP_RDI], *rax = &f->gpr[TRAP_RAX];
	uint64_t step = f->flags & FLAG_DIRECTION ? -(uint64_t)plan->size : plan->size;
	bool has_from = plan->string == TRAP_MOVS || plan->string == TRAP_LODS ||
			plan->string == TRAP_CMPS || plan->string == TRAP_OUTS;
	bool has_to = plan->string != TRAP_LODS && plan->string != TRAP_OUTS;
	uint64_t value = plan->string == TRAP_INS ? port_get(plan->address, plan->size)
			 : has_from		  ? element_get(*from, plan->size)
						  : *rax;

	if (plan->string == TRAP_LODS)
		register_put(rax, plan->size, value);
	else if (plan->string == TRAP_OUTS)
		port_put(plan->address, plan->size, value);
	else if (plan->string == TRAP_CMPS || plan->string == TRAP_SCAS)
		f->flags = (f->flags & ~(uint64_t)FLAGS_COMPARISON) |
			   comparison(plan->size, value, element_get(*to, plan->size));
	else
		element_put(*to, plan->size, value);
	*from += has_from ? step : 0;
	*to += has_to ? step : 0;
}

static void string_perform(struct trap_frame *f)
{
	const struct trap_plan *plan = &f->plan;
	uint64_t *count = &f->gpr[TRAP_RCX];
	bool compares = plan->string == TRAP_CMPS || plan->string == TRAP_SCAS;
	bool is_equal;

	if (plan->repeat == TRAP_ONCE) {
		element_perform(f);
		return;
	}
	while (*count) {
		element_perform(f);
		--*count;
		is_equal = f->flags & FLAG_ZERO;
		if (compares && is_equal != (plan->repeat == TRAP_REP))
			break;
	}
}

void trap_perform(struct trap_frame *f)
{
	const struct trap_plan *plan = &f->plan;
	uint64_t resume[TRAP_RESUME];

	switch (plan->kind) {
	case TRAP_COPY:
		copy_perform(f);
		break;
	case TRAP_PUSH:
		push_perform(f);
		break;
	case TRAP_POP:
		pop_perform(f);
		break;
	case TRAP_STRING:
		string_perform(f);
		break;
	case TRAP_IN:
		register_put(&f->gpr[TRAP_RAX], plan->size, port_get(plan->address, plan->size));
		break;
	case TRAP_OUT:
		port_put(plan->address, plan->size, f->gpr[TRAP_RAX]);
		break;
	}
	resume[0] = f->gpr[TRAP_RDI];
	resume[1] = f->flags;
	resume[2] = f->rip + plan->length;
	/* which need not be aligned, as words can be pushed */
	f->resume = f->gpr[TRAP_RSP] - RED_ZONE - sizeof(resume);
	memcpy((void *)f->resume, resume, sizeof(resume));
}
