/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Doorbells: which register writes a device takes by the short way (bus.h). Neighbours: register.c,
 * where they come from, bar.c and tap.c, which may close them.
 */
#include "bus/function.h"
#include "trace/trace.h"

static struct bus_window none;
struct bus_window *_Atomic bus_bells_now = &none;

/* Who writes looks at `bells` alone, so all else that matters is in it. */
static bool rings(const struct bus_window *w)
{
	return w->bells_open && w->is_entered && !w->function->tap &&
	       !trace_is_wanted(TRACE_REG_WRITE) && w->bells_offset + 4 * w->bells_count <= w->own;
}

void bus_bells_update(struct bus_window *w)
{
	atomic_store_explicit(&w->bells, rings(w) ? w->bells_count : 0, memory_order_release);
	/* a guess, which is checked at each use: whoever comes last may have it */
	if (w->bells && !atomic_load_explicit(&bus_bells_now, memory_order_relaxed)->bells)
		atomic_store_explicit(&bus_bells_now, w, memory_order_release);
}

void bus_bells_update_all(void)
{
	pthread_mutex_lock(&bus_lock);
	for (unsigned i = 0; i < BUS_FUNCTIONS; i++)
		for (unsigned bar = 0; bar < BUS_BARS; bar++)
			if (bus_functions[i].window[bar].ring)
				bus_bells_update(&bus_functions[i].window[bar]);
	pthread_mutex_unlock(&bus_lock);
}

void bus_doorbells_set(struct bus_function *f, const struct bus_doorbells *doorbells)
{
	struct bus_window *w = &f->window[doorbells->bar];

	pthread_mutex_lock(&bus_lock);
	w->bells_base = w->base + doorbells->offset;
	w->bells_offset = doorbells->offset;
	w->bells_count = doorbells->count;
	w->rung = f->device;
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
