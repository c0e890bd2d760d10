/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Doorbells: which register writes a device takes by the short way (bus.h). Neighbours: register.c,
 * where they come from, bar.c and tap.c, which may close them.
 */
#include "bus/function.h"

void bus_bells_update(struct bus_window *w)
{
	bool rings = w->bells_open && !w->function->tap &&
		     w->bells_offset + 4 * w->bells_count <= w->own;

	atomic_store_explicit(&w->bells, rings ? w->bells_count : 0, memory_order_release);
}

void bus_doorbells_set(struct bus_function *f, const struct bus_doorbells *doorbells)
{
	struct bus_window *w = &f->window[doorbells->bar];

	pthread_mutex_lock(&bus_lock);
	w->bells_base = w->base + doorbells->offset;
	w->bells_offset = doorbells->offset;
	w->bells_count = doorbells->count;
	w->ring = doorbells->ring;
	pthread_mutex_unlock(&bus_lock);
}

void bus_doorbells_open(struct bus_function *f, bool open)
{
	pthread_mutex_lock(&bus_lock);
	for (unsigned i = 0; i < BUS_BARS; i++) {
		struct bus_window *w = &f->window[i];

		if (!w->ring)
			continue;
		w->bells_open = open;
		bus_bells_update(w);
	}
	pthread_mutex_unlock(&bus_lock);
}

/* Kicked as ops.write would do it; and the write is a safepoint. */
border_call void bus_rung_other(struct cpu_agent *agent)
{
	cpu_agent_kick(agent);
	cpu_poll();
}
