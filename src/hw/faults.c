/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 5 of 7, when a plan of faults is armed: between the device model and src/bus, src/dma.
 * See faults.h; fault_plan.c has the kinds.
 */
#include "hw/faults.h"
#include "bus/bus.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No machine has memory there. */
#define ASTRAY 0x7ffff00000000000ull

/* A fault of the plan, and what it has in hand. */
struct armed {
	struct fault fault;
	bool has_come;
	struct cpu_timer timer;
	unsigned message; /* an interrupt that is to come; BUS_LINE */
	bool holds, is_due;
	uint64_t held_since; /* its place in the order of completions */
	uint8_t entry[FAULT_ENTRY_BYTES];
};

static struct {
	struct bus_tap bus;
	struct dma_tap dma;
	struct dma_master *master;
	struct cpu_agent *agent;
	struct armed armed[FAULTS_MAX];
	unsigned count;
	uint32_t steps, record_count;
	uint8_t *record;
	uint64_t late_ns, ones_until, completions;
	bool line; /* what the device wants of its line */
	bool is_gone;
	unsigned harms, come; /* faults that have come about */
	unsigned last_message;
	uint32_t pause; /* 0: none */
	void (*paused)(void);
} layer;

/* ---- steps ---- */

static void __attribute__((format(printf, 2, 3)))
tell(const struct armed *armed, const char *fmt, ...)
{
	char what[200];
	va_list args;

	layer.come++;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	nt_violation(NT_DEVICE_FAULT, "device %u (%s), step %u: %s (%s@%u)", layer.master->number,
		layer.master->name, layer.steps, what, fault_name(armed->fault.kind),
		armed->fault.step);
}

static void spurious_come(const struct armed *armed)
{
	tell(armed, "an interrupt that it has not raised");
	if (bus_messages_are_enabled(layer.bus.function))
		bus_tap_message(&layer.bus, layer.last_message);
	else
		bus_tap_line_pulse(&layer.bus);
}

static void gone_come(const struct armed *armed)
{
	tell(armed, "it is removed");
	layer.is_gone = true;
	dma_master_enable(layer.master, false);
	bus_function_unplug(layer.bus.function);
}

/* The next step begins; the fault that befalls it, NULL if there is none. */
static struct armed *step(unsigned sort)
{
	uint32_t number = ++layer.steps;
	struct armed *found = NULL;

	if (unlikely(number == layer.pause))
		layer.paused();
	if (number <= layer.record_count)
		layer.record[number - 1] = layer.is_gone ? 0 : (uint8_t)sort;
	for (unsigned n = 0; n < layer.count; n++) {
		struct armed *armed = &layer.armed[n];

		if (armed->has_come || armed->fault.step > number || layer.is_gone)
			continue;
		if (armed->fault.kind == FAULT_IRQ_SPURIOUS || armed->fault.kind == FAULT_GONE) {
			armed->has_come = true;
			(armed->fault.kind == FAULT_GONE ? gone_come : spurious_come)(armed);
		} else if (!found && fault_sorts(armed->fault.kind) & sort) {
			found = armed;
		}
	}
	if (!found || layer.is_gone)
		return NULL;
	found->has_come = true;
	return found;
}

/* ---- registers ---- */

static uint64_t tap_read(void *tap, unsigned bar, uint32_t offset, unsigned size)
{
	const struct armed *armed = step(FAULT_READ);

	if (armed) {
		tell(armed, "its registers read all ones, from 0x%x on", offset);
		layer.ones_until = cpu_clock() + layer.late_ns;
	}
	if (layer.is_gone || (layer.ones_until && cpu_clock() < layer.ones_until))
		return ~0ull;
	return bus_tap_read(&layer.bus, bar, offset, size);
}

static border_call void tap_write(
	void *tap, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	step(FAULT_WRITE);
	if (!layer.is_gone)
		bus_tap_write(&layer.bus, bar, offset, size, value);
}

/* ---- interrupts ---- */

static void interrupt_pass(unsigned message, bool is_double)
{
	if (layer.is_gone)
		return;
	if (message != BUS_LINE)
		bus_tap_message(&layer.bus, message);
	else if (is_double)
		bus_tap_line_pulse(&layer.bus);
	else
		bus_tap_line(&layer.bus, layer.line);
}

static void interrupt_due(struct cpu_timer *timer)
{
	const struct armed *armed = container_of(timer, struct armed, timer);

	interrupt_pass(armed->message, armed->fault.kind == FAULT_IRQ_TWICE);
}

static void interrupt_later(struct armed *armed, unsigned message, uint64_t ns)
{
	armed->message = message;
	armed->timer.fn = interrupt_due;
	cpu_timer_set(&armed->timer, ns, 0);
}

static void interrupt(unsigned message)
{
	struct armed *armed = step(FAULT_IRQ);
	char which[24] = "its line";

	if (message != BUS_LINE)
		snprintf(which, sizeof(which), "message %u", message);
	if (!armed) {
		interrupt_pass(message, false);
	} else if (armed->fault.kind == FAULT_IRQ_LOST) {
		tell(armed, "the interrupt by %s is lost", which);
	} else if (armed->fault.kind == FAULT_IRQ_LATE) {
		tell(armed, "the interrupt by %s comes late", which);
		interrupt_later(armed, message, layer.late_ns);
	} else {
		tell(armed, "the interrupt by %s comes twice", which);
		interrupt_pass(message, false);
		interrupt_later(armed, message, FAULT_TWICE_NS);
	}
}

static void tap_message(struct bus_tap *tap, unsigned message)
{
	layer.last_message = message;
	interrupt(message);
}

/* To fall is no step: nobody is interrupted. */
static void tap_line(struct bus_tap *tap, bool asserted)
{
	layer.line = asserted;
	if (asserted)
		interrupt(BUS_LINE);
	else if (!layer.is_gone)
		bus_tap_line(&layer.bus, false);
}

/* Another card knows nothing of what the one before had in hand. */
static void tap_plug(struct bus_tap *tap)
{
	for (unsigned n = 0; n < layer.count; n++) {
		cpu_timer_cancel(&layer.armed[n].timer);
		layer.armed[n].holds = false;
	}
	layer.ones_until = 0;
	layer.line = layer.is_gone = false;
}

/* ---- memory ---- */

/* Not when it has gone, nor when the driver, which had reason to, has turned its bus mastering off:
 * that it tries all the same is no news. One that waited may find its machine at an end. */
static bool may_access(void)
{
	return layer.master && !layer.is_gone && (!layer.come || layer.master->enabled);
}

static int tap_access(struct dma_tap *tap, uint64_t *address, uint64_t bytes, bool write)
{
	const struct armed *armed = step(FAULT_DMA);
	const char *verb = write ? "write" : "read";

	/* What follows from a list or a command that it has misread is its fault as well. */
	layer.master->blame = layer.harms ? NT_DEVICE_FAULT : 0;
	if (!may_access())
		return -ENODEV;
	if (!armed)
		return DMA_TAP_GO;
	switch (armed->fault.kind) {
	case FAULT_DMA_LATE:
		tell(armed, "its %s of bus address 0x%" PRIx64 " takes long", verb, *address);
		cpu_stall(layer.late_ns);
		return may_access() ? DMA_TAP_GO : -ENODEV;
	case FAULT_DMA_REFUSED:
		tell(armed, "its %s of bus address 0x%" PRIx64 " is refused", verb, *address);
		return -EFAULT;
	default:
		tell(armed, "its %s of bus address 0x%" PRIx64 " goes astray", verb, *address);
		layer.harms++;
		layer.master->blame = NT_DEVICE_FAULT;
		*address = ASTRAY | (*address & MEM_PAGE_MASK);
		return DMA_TAP_BLIND;
	}
}

/* ---- completions ---- */

static void item_add(struct fault_completions *out, enum fault_role role, const void *entry)
{
	out->item[out->count].role = role;
	memcpy(out->item[out->count++].entry, entry, FAULT_ENTRY_BYTES);
}

static void completion_due(struct cpu_timer *timer)
{
	struct armed *armed = container_of(timer, struct armed, timer);

	armed->is_due = true;
	cpu_agent_kick(layer.agent);
}

static void completion_hold(struct armed *armed, const void *entry)
{
	memcpy(armed->entry, entry, sizeof(armed->entry));
	armed->holds = true;
	armed->is_due = false;
	armed->held_since = layer.completions;
	armed->timer.fn = completion_due;
	cpu_timer_set(&armed->timer, layer.late_ns, 0);
}

static void held_release(struct armed *armed, struct fault_completions *out)
{
	armed->holds = false;
	cpu_timer_cancel(&armed->timer);
	item_add(out, FAULT_OWN, armed->entry);
}

static void completion_tamper(struct armed *armed, const void *entry, struct fault_completions *out)
{
	switch (armed->fault.kind) {
	case FAULT_DONE_LATE:
		tell(armed, "the completion comes late");
		completion_hold(armed, entry);
		break;
	case FAULT_DONE_SWAPPED:
		tell(armed, "the completion comes after the next");
		completion_hold(armed, entry);
		break;
	case FAULT_DONE_LOST:
		tell(armed, "the completion is lost");
		out->is_lost = true;
		break;
	case FAULT_DONE_TWICE:
		tell(armed, "the completion comes twice");
		item_add(out, FAULT_OWN, entry);
		item_add(out, FAULT_AGAIN, entry);
		break;
	default:
		tell(armed, "a completion of a command that was never given");
		item_add(out, FAULT_STRANGER, entry);
		item_add(out, FAULT_OWN, entry);
		break;
	}
}

void fault_complete(struct dma_master *master, struct cpu_agent *agent, const void *entry,
	size_t bytes, struct fault_completions *out)
{
	uint8_t own[FAULT_ENTRY_BYTES] = {0};
	struct armed *armed = step(FAULT_DONE);

	memcpy(own, entry, min_of(bytes, sizeof(own)));
	out->count = 0;
	out->is_lost = layer.is_gone;
	layer.agent = agent;
	layer.completions++;
	if (layer.is_gone)
		return;
	if (armed)
		completion_tamper(armed, own, out);
	else
		item_add(out, FAULT_OWN, own);
	for (unsigned n = 0; n < layer.count && out->count; n++)
		if (layer.armed[n].holds && layer.armed[n].fault.kind == FAULT_DONE_SWAPPED &&
			layer.armed[n].held_since < layer.completions)
			held_release(&layer.armed[n], out);
}

void fault_complete_due(struct dma_master *master, struct fault_completions *out)
{
	out->count = 0;
	out->is_lost = false;
	for (unsigned n = 0; n < layer.count; n++)
		if (layer.armed[n].holds && layer.armed[n].is_due && !layer.is_gone)
			held_release(&layer.armed[n], out);
}

void fault_complete_forget(struct dma_master *master)
{
	for (unsigned n = 0; n < layer.count; n++)
		if (layer.armed[n].holds) {
			layer.armed[n].holds = false;
			cpu_timer_cancel(&layer.armed[n].timer);
		}
}

/* ---- life ---- */

int fault_arm(struct dma_master *master, const struct fault_plan *plan, uint8_t *record,
	uint32_t record_count)
{
	struct bus_function *function = master ? bus_function_at(0, master->number) : NULL;

	if (!function)
		return error_set(ENODEV, "--fault: the machine has no device that could fail.");
	memset(&layer, 0, sizeof(layer));
	layer.bus = (struct bus_tap){tap_read, tap_write, tap_message, tap_line, tap_plug, NULL};
	layer.dma.access = tap_access;
	layer.master = master;
	layer.record = record;
	layer.record_count = record ? record_count : 0;
	layer.late_ns = plan->late_ns ? plan->late_ns : FAULT_LATE_NS;
	layer.count = plan->count;
	for (unsigned n = 0; n < plan->count; n++)
		layer.armed[n].fault = plan->fault[n];
	bus_tap_set(function, &layer.bus);
	dma_bus_tap(master, &layer.dma);
	return 0;
}

void fault_disarm(void)
{
	if (!layer.master)
		return;
	for (unsigned n = 0; n < layer.count; n++)
		cpu_timer_cancel(&layer.armed[n].timer);
	bus_tap_set(layer.bus.function, NULL);
	dma_bus_tap(layer.master, NULL);
	layer.master->blame = 0;
	layer.master->off_told |= layer.come; /* see may_access */
	layer.master = NULL;
}

void fault_pause(uint32_t step, void (*fn)(void))
{
	layer.pause = step;
	layer.paused = fn;
}

void fault_extend(const struct fault_plan *plan, uint8_t *record)
{
	for (; layer.count < plan->count; layer.count++)
		layer.armed[layer.count].fault = plan->fault[layer.count];
	layer.record = record;
}

uint32_t fault_steps(void)
{
	return layer.steps;
}

unsigned fault_harms(void)
{
	return layer.harms;
}
