/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Armed timers: a heap per processor, all under one tiny lock (cpu.h). The clock (clock.c) tells a
 * processor once when its earliest has become due; the processor takes the due ones out itself.
 */
#include "cpu/processor.h"

#include <errno.h>
#include <stdlib.h>

#define TIMERS_MAX 1024u

struct heap {
	uint32_t count;
	bool is_told; /* the processor knows that one is due, and will look at the heap */
	struct cpu_timer *timer[TIMERS_MAX + 1]; /* from 1; a timer's slot is its place */
};

static struct host_lock lock;
static struct heap *heaps;
static unsigned heap_count;
static uint32_t armed;

/* timer->slot: place in the heap, and which heap, as ->cpu may change while the timer is armed. */
static struct heap *heap_of(const struct cpu_timer *timer)
{
	return &heaps[timer->slot >> 16];
}

static void heap_put(struct heap *heap, uint32_t place, struct cpu_timer *timer)
{
	heap->timer[place] = timer;
	timer->slot = (uint32_t)(heap - heaps) << 16 | place;
}

static void heap_rise(struct heap *heap, uint32_t place, struct cpu_timer *timer)
{
	while (place > 1 && heap->timer[place / 2]->due > timer->due) {
		heap_put(heap, place, heap->timer[place / 2]);
		place /= 2;
	}
	heap_put(heap, place, timer);
}

static void heap_sink(struct heap *heap, uint32_t place, struct cpu_timer *timer)
{
	for (;;) {
		uint32_t child = place * 2;

		if (child < heap->count && heap->timer[child + 1]->due < heap->timer[child]->due)
			child++;
		if (child > heap->count || heap->timer[child]->due >= timer->due)
			break;
		heap_put(heap, place, heap->timer[child]);
		place = child;
	}
	heap_put(heap, place, timer);
}

static void timer_insert(struct heap *heap, struct cpu_timer *timer)
{
	armed++;
	heap->count++;
	heap_rise(heap, heap->count, timer);
}

static void timer_remove(struct cpu_timer *timer)
{
	struct heap *heap = heap_of(timer);
	uint32_t place = timer->slot & 0xffff;
	struct cpu_timer *last = heap->timer[heap->count--];

	armed--;
	timer->slot = 0;
	if (last == timer)
		return;
	if (place > 1 && heap->timer[place / 2]->due > last->due)
		heap_rise(heap, place, last);
	else
		heap_sink(heap, place, last);
}

bool cpu_timer_set(struct cpu_timer *timer, uint64_t due_in, uint64_t period)
{
	struct cpu_private *p = cpu_private_target(timer->cpu);
	uint64_t due, now = cpu_clock();
	bool was_armed, is_told;

	if (unlikely(!p))
		cpu_die("timer for processor %u of %u", timer->cpu, cpu_count());
	if (__builtin_add_overflow(now, due_in, &due))
		due = HOST_NEVER;
	host_lock_acquire(&lock);
	was_armed = timer->slot != 0;
	if (was_armed)
		timer_remove(timer);
	if (unlikely(armed == TIMERS_MAX)) {
		host_lock_release(&lock);
		cpu_die("more than %u timers are armed", TIMERS_MAX);
	}
	timer->due = due;
	timer->period = period;
	timer_insert(&heaps[p->cpu.number], timer);
	is_told = heaps[p->cpu.number].is_told;
	host_lock_release(&lock);
	if (!is_told)
		cpu_clock_expect(due);
	return was_armed;
}

bool cpu_timer_cancel(struct cpu_timer *timer)
{
	bool was_armed;

	host_lock_acquire(&lock);
	was_armed = timer->slot != 0;
	if (was_armed)
		timer_remove(timer);
	host_lock_release(&lock);
	return was_armed;
}

/* A periodic timer that its processor could not run in time skips the missed periods. */
static void timer_repeat(struct heap *heap, struct cpu_timer *timer, uint64_t now)
{
	uint64_t missed = (now - timer->due) / timer->period;

	timer->due += (missed + 1) * timer->period;
	timer_insert(heap, timer);
}

/* Takes a due timer out; NULL if there is none, and *next is when there will be. */
static struct cpu_timer *timer_take(struct heap *heap, uint64_t *next)
{
	uint64_t now = cpu_clock();
	struct cpu_timer *timer = NULL;

	host_lock_acquire(&lock);
	*next = heap->count ? heap->timer[1]->due : HOST_NEVER;
	if (*next <= now) {
		timer = heap->timer[1];
		timer_remove(timer);
		if (timer->period)
			timer_repeat(heap, timer, now);
	} else {
		heap->is_told = false;
	}
	host_lock_release(&lock);
	return timer;
}

void cpu_timer_serve(struct cpu_private *p)
{
	struct cpu_timer *timer;
	uint64_t next;

	while ((timer = timer_take(&heaps[p->cpu.number], &next))) {
		timer->fn(timer);
		cpu_poll();
	}
	if (next != HOST_NEVER)
		cpu_clock_expect(next);
}

uint64_t cpu_timer_scan(uint64_t now, uint64_t *due)
{
	uint64_t next = HOST_NEVER;

	*due = 0;
	host_lock_acquire(&lock);
	for (unsigned i = 0; i < heap_count; i++) {
		struct heap *heap = &heaps[i];

		if (!heap->count || heap->is_told)
			continue;
		if (heap->timer[1]->due <= now) {
			heap->is_told = true;
			*due |= 1ull << i;
		} else {
			next = min_of(next, heap->timer[1]->due);
		}
	}
	host_lock_release(&lock);
	return next;
}

int cpu_timer_init(unsigned processors)
{
	heaps = calloc(processors, sizeof(*heaps));
	if (!heaps)
		return -ENOMEM;
	heap_count = processors;
	armed = 0;
	return 0;
}

void cpu_timer_fini(void)
{
	/* timers that are still armed belong to somebody: they are disarmed */
	for (unsigned i = 0; i < heap_count; i++) {
		while (heaps[i].count)
			timer_remove(heaps[i].timer[1]);
	}
	free(heaps);
	heaps = NULL;
	heap_count = 0;
}
