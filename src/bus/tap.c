/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Taps: somebody between a function and the bus. Registers are tapped by other routines in the
 * function's windows, so that an access without a tap pays nothing; an interrupt pays a branch.
 * Neighbours: register.c, line.c, message.c.
 */
#include "bus/function.h"

void bus_tap_set(struct bus_function *f, struct bus_tap *tap)
{
	if (tap)
		tap->function = f;
	pthread_mutex_lock(&bus_lock);
	f->tap = tap;
	bus_messages_settle(f);
	for (unsigned i = 0; i < BUS_BARS; i++) {
		struct bus_window *w = &f->window[i];

		w->device = tap ? (void *)tap : f->device;
		w->read = tap ? tap->read : f->ops.read;
		w->write = tap ? tap->write : f->ops.write;
		bus_bells_update(w);
	}
	pthread_mutex_unlock(&bus_lock);
}

uint64_t bus_tap_read(const struct bus_tap *tap, unsigned bar, uint32_t offset, unsigned size)
{
	const struct bus_function *f = tap->function;

	return f->ops.read(f->device, bar, offset, size);
}

void bus_tap_write(
	const struct bus_tap *tap, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	const struct bus_function *f = tap->function;

	f->ops.write(f->device, bar, offset, size, value);
}

void bus_tap_message(const struct bus_tap *tap, unsigned message)
{
	bus_message_deliver(tap->function, message);
}

void bus_tap_line(const struct bus_tap *tap, bool asserted)
{
	bus_line_change(tap->function, asserted);
}

void bus_tap_line_pulse(const struct bus_tap *tap)
{
	bus_line_pulse(tap->function);
}
