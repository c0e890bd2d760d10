/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Interrupt lines: four of them, shared by slot number (behind bridges: see bridge.c), level
 * triggered. A line has one vector,
 * that of the first interrupt connected; its service asks everyone on the line in turn until one
 * claims it, as Windows does for a level interrupt, and raises the vector again while any function
 * asserts the line. Whether a line is asserted is never stored: it is read off the functions, so
 * the device's thread and a processor cannot disagree. Neighbours: message.c (the other way to
 * interrupt), config_space.c (the disable bit).
 */
#include "bus/function.h"
#include "nt/nt.h"
#include <errno.h>

/* A line that nobody claims this often in a row, or that is claimed so often and asserted all the
 * same while no DPC runs, is shut off; else the processor never leaves it. */
#define IN_VAIN_MAX 100000
#define IN_VAIN_NS  1000000000ull

struct bus_line {
	struct bus_target target; /* head: the first connected, whose vector is raised */
	unsigned unclaimed;	  /* in a row; touched by the line's service only, as the next */
	unsigned in_vain;	  /* claimed and still asserted, since this many DPCs had run */
	uint64_t dpcs, since;
	_Atomic bool is_dead;
};

static struct bus_line lines[BUS_LINES];

static struct bus_line *line_of(const struct bus_function *f)
{
	return &lines[f->line];
}

static bool function_asserts(const struct bus_function *f)
{
	return f->asserted && f->present && !bus_function_is_off(f) && !f->msi && !f->msix &&
	       !(f->command & COMMAND_LINE_DISABLE);
}

static bool line_is_asserted(const struct bus_line *line)
{
	/* A function's place in the array is its line, modulo the number of lines. */
	for (unsigned n = (unsigned)(line - lines); n < bus_functions_end; n += BUS_LINES)
		if (function_asserts(&bus_functions[n]))
			return true;
	return false;
}

void bus_line_update(struct bus_function *f)
{
	if (function_asserts(f) && !line_of(f)->is_dead)
		bus_target_raise(&line_of(f)->target);
}

void bus_line_change(struct bus_function *f, bool asserted)
{
	f->asserted = asserted;
	if (asserted)
		bus_line_update(f);
}

void bus_line_pulse(struct bus_function *f)
{
	if (f->config.has_line && !line_of(f)->is_dead)
		bus_target_raise(&line_of(f)->target);
}

void bus_line_set(struct bus_function *f, bool asserted)
{
	if (!f->config.has_line)
		return;
	if (unlikely(f->tap))
		f->tap->line(f->tap, asserted);
	else
		bus_line_change(f, asserted);
}

static struct bus_interrupt *next_of(struct bus_interrupt *interrupt)
{
	return __atomic_load_n(&interrupt->next, __ATOMIC_ACQUIRE);
}

static bool chain_service(struct bus_line *line)
{
	for (struct bus_interrupt *i = line->target.head; i; i = next_of(i))
		if (i->service(&i->vector))
			return true;
	return false;
}

static void line_kill(struct bus_line *line, const struct bus_interrupt *head, const char *why)
{
	line->is_dead = true;
	nt_violation(NT_LINE_STUCK,
		"%s keeps its interrupt line asserted and %s: the line is shut off",
		head->function->config.name, why);
}

/* What would lower the line may be a DPC's to do, which never runs: on a PC, too, the interrupt
 * comes again as soon as its routine has returned. */
static bool is_storm(struct bus_line *line)
{
	if (line->dpcs != cpu_self->dpcs)
		line->in_vain = 0;
	line->dpcs = cpu_self->dpcs;
	if (!line->in_vain++)
		line->since = cpu_clock();
	/* Another processor may have the DPC, and be slow. */
	return line->in_vain >= IN_VAIN_MAX &&
	       (cpu_is_replayed() || cpu_clock() - line->since >= IN_VAIN_NS);
}

static bool line_service(struct cpu_interrupt *vector)
{
	struct bus_interrupt *head = container_of(vector, struct bus_interrupt, vector);
	struct bus_line *line = line_of(head->function);
	bool claimed = chain_service(line);

	if (claimed)
		line->unclaimed = 0;
	if (!line_is_asserted(line)) {
		line->in_vain = 0;
		return claimed;
	}
	if (!claimed && ++line->unclaimed >= IN_VAIN_MAX) {
		line_kill(line, head, "no interrupt routine claims it");
		return false;
	}
	if (claimed && is_storm(line)) {
		line_kill(line, head,
			"the interrupt routine, which claims it, does not make the device lower "
			"it; "
			"no DPC can run");
		return claimed;
	}
	bus_target_raise(&line->target);
	return claimed;
}

int bus_line_connect(struct bus_function *f, struct bus_interrupt *interrupt)
{
	struct bus_line *line = line_of(f);
	struct bus_interrupt *last;

	if (!f->config.has_line)
		return -EINVAL;
	pthread_mutex_lock(&bus_lock);
	interrupt->service = interrupt->vector.service;
	interrupt->vector.service = line_service;
	interrupt->next = NULL;
	last = line->target.head;
	if (!last) {
		line->unclaimed = line->in_vain = 0;
		line->is_dead = false;
		atomic_store(&line->target.head, interrupt);
	} else {
		interrupt->vector.irql = last->vector.irql;
		interrupt->vector.cpu = last->vector.cpu;
		while (last->next)
			last = last->next;
		__atomic_store_n(&last->next, interrupt, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&bus_lock);
	if (line_is_asserted(line))
		bus_target_raise(&line->target);
	return 0;
}

void bus_line_disconnect(struct bus_interrupt *interrupt)
{
	struct bus_line *line = line_of(interrupt->function);
	struct bus_interrupt *head;

	pthread_mutex_lock(&bus_lock);
	head = line->target.head;
	for (struct bus_interrupt *i = head; i; i = i->next)
		if (i->next == interrupt)
			__atomic_store_n(&i->next, interrupt->next, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&bus_lock);
	if (head == interrupt)
		bus_target_replace(&line->target, interrupt->next);
	/* the service walks the chain on the head's vector: when that is quiet nobody is in ours */
	cpu_interrupt_quiesce(&head->vector);
	interrupt->vector.service = interrupt->service;
	if (line_is_asserted(line))
		bus_target_raise(&line->target);
}
