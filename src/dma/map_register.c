/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The pool of map registers and its queue: see map_register.h. A run is taken and given back
 * without a lock; only who has to wait, and who gives back while somebody waits, takes the queue's.
 */
#include "dma/map_register.h"
#include "dma/dma_private.h"
#include "dma/run_map.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum waiter_state { WAITER_IDLE, WAITER_QUEUED, WAITER_GRANTED };

struct dma_slot *dma_slots;
struct dma_birth *dma_births;
PFN_NUMBER *dma_shown;
char *dma_bounce_base;
uint32_t dma_bounce_pages;

static struct run_map registers, pins;

static struct {
	struct cpu_spinlock lock;
	struct dma_waiter *head, **tail;
	_Atomic uint32_t count;
} queue;

/* ---- life ---- */

static void *zero_pages(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t slot_count(void)
{
	return dma_settings.engine == DMA_IOMMU ? DMA_REGISTERS_MAX + DMA_PINS_MAX
						: DMA_REGISTERS_MAX;
}

static int slots_new(void)
{
	dma_slots = zero_pages(slot_count() * sizeof(*dma_slots));
	dma_births = zero_pages(slot_count() * sizeof(*dma_births));
	dma_shown = zero_pages(slot_count() * sizeof(*dma_shown));
	return dma_slots && dma_births && dma_shown
		       ? 0
		       : error_set(ENOMEM, "no memory for the map registers.");
}

static void slots_free(void)
{
	if (dma_slots)
		munmap(dma_slots, slot_count() * sizeof(*dma_slots));
	if (dma_births)
		munmap(dma_births, slot_count() * sizeof(*dma_births));
	if (dma_shown)
		munmap(dma_shown, slot_count() * sizeof(*dma_shown));
	dma_slots = NULL;
	dma_births = NULL;
	dma_shown = NULL;
}

/* Low pages that a machine gives away for bouncing where nobody says how many: a sixteenth of RAM,
 * and not more than half of what its devices reach. */
static uint64_t bounce_pages_wanted(void)
{
	uint64_t pages = mem_size() >> (MEM_PAGE_SHIFT + 4);

	if (dma_settings.width && dma_settings.width < 32)
		pages = min_of(pages, (1ull << dma_settings.width) >> (MEM_PAGE_SHIFT + 1));
	return min_of(max_of(pages, 1), DMA_REGISTERS_MAX);
}

static int bounce_new(uint64_t pages)
{
	dma_bounce_base = mem_alloc(pages << MEM_PAGE_SHIFT, MEM_LINEAR, MEM_BOUNCE, NULL);
	if (!dma_bounce_base)
		return error_set(ENOMEM,
			"no low memory for %llu map registers; give the machine more (--ram) or "
			"ask for fewer (--map-registers).",
			(unsigned long long)pages);
	dma_bounce_pages = (uint32_t)pages;
	return 0;
}

int dma_registers_init(void)
{
	uint64_t count = dma_settings.map_registers;
	int err = 0;

	queue.tail = &queue.head;
	if (dma_settings.engine == DMA_BOUNCE) {
		count = count ? count : bounce_pages_wanted();
		err = bounce_new(count);
	} else if (dma_settings.engine == DMA_IOMMU) {
		count = count ? count : DMA_REGISTERS_MAX;
		err = bounce_new(min_of(count, bounce_pages_wanted()));
	}
	if (!err && dma_settings.engine != DMA_DIRECT)
		err = slots_new();
	if (!err && count)
		err = run_map_init(&registers, (uint32_t)count);
	if (!err && dma_settings.engine == DMA_IOMMU)
		err = run_map_init(&pins, DMA_PINS_MAX);
	if (!err && dma_settings.engine == DMA_IOMMU)
		err = dma_pins_init();
	if (err) {
		dma_registers_fini();
		return err;
	}
	/* Addresses of the iommu come round late, so that a stale one faults. */
	registers.rotates = pins.rotates = dma_settings.engine == DMA_IOMMU;
	return 0;
}

void dma_registers_fini(void)
{
	uint32_t taken = dma_registers_taken();

	if (taken)
		nt_violation(DMA_RULE(DMA_RULE_REGISTERS_LEFT),
			"%u map registers were never given back", taken);
	run_map_fini(&registers);
	run_map_fini(&pins);
	dma_pins_fini();
	slots_free();
	if (dma_bounce_base)
		mem_free(dma_bounce_base, (uint64_t)dma_bounce_pages << MEM_PAGE_SHIFT);
	dma_bounce_base = NULL;
	dma_bounce_pages = 0;
	memset(&queue, 0, sizeof(queue));
}

uint32_t dma_registers_taken(void)
{
	return run_map_taken(&registers);
}

uint32_t dma_registers_count(void)
{
	return registers.size ? registers.size : UINT32_MAX;
}

/* Of the registers below `end`, those whose pages have addresses that the adapter reaches. */
static uint64_t translated_end(const struct dma_adapter *adapter, uint64_t end)
{
	unsigned domain = atomic_load(&adapter->domain);

	for (; end; end--) {
		uint64_t address = dma_slot_address(domain, (uint32_t)end - 1);

		if (address != MEM_NO_ADDRESS &&
			address + MEM_PAGE_MASK <= adapter->reach.max_address)
			break;
	}
	return end;
}

uint32_t dma_registers_reachable(const struct dma_adapter *adapter)
{
	uint64_t highest = adapter->reach.max_address, first, end = registers.size;

	if (!registers.size)
		return UINT32_MAX;
	if (dma_settings.engine == DMA_IOMMU) {
		/* A device without scatter/gather may need copies beside the translation. */
		if (!adapter->limits.scatter_gather)
			end = min_of(end, dma_bounce_pages);
		end = translated_end(adapter, end);
	} else if (dma_settings.engine == DMA_BOUNCE) {
		first = mem_physical(dma_bounce_base);
		if (highest < first + MEM_PAGE_MASK)
			return 0;
		end = min_of(end, (highest - first - MEM_PAGE_MASK) / MEM_PAGE_SIZE + 1);
	}
	return (uint32_t)end;
}

/* ---- taking and giving ---- */

static uint8_t queue_lock(void)
{
	uint8_t irql = cpu_irql();

	/* At the machine's end, when no processor runs any more. */
	if (unlikely(!cpu_self))
		return irql;
	if (irql < IRQL_DISPATCH)
		cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_acquire(&queue.lock);
	return irql;
}

static void queue_unlock(uint8_t irql)
{
	if (unlikely(!cpu_self))
		return;
	cpu_spin_release(&queue.lock);
	if (irql < IRQL_DISPATCH)
		cpu_irql_lower(irql);
}

static void waiter_run(struct cpu_dpc *dpc)
{
	struct dma_waiter *waiter = dpc->ctx;

	atomic_store(&waiter->state, WAITER_IDLE);
	waiter->granted(waiter);
}

/* Under the lock: those at the head whose turn has come. MR-7: too fragmented is too few. */
static void queue_serve(void)
{
	struct dma_waiter *waiter;

	while ((waiter = queue.head) != NULL &&
		run_map_take(&registers, waiter->need, waiter->end, &waiter->run.first)) {
		queue.head = waiter->next;
		if (!queue.head)
			queue.tail = &queue.head;
		atomic_fetch_sub(&queue.count, 1);
		waiter->run.count = waiter->need;
		atomic_store(&waiter->state, WAITER_GRANTED);
		cpu_dpc_queue(&waiter->dpc, NULL, NULL);
	}
}

static void queue_join(struct dma_waiter *waiter, uint32_t need, uint32_t end)
{
	uint8_t irql;

	waiter->next = NULL;
	waiter->need = need;
	waiter->end = end;
	waiter->dpc.fn = waiter_run;
	waiter->dpc.ctx = waiter;
	waiter->dpc.cpu = cpu_self ? (uint16_t)cpu_self->number : CPU_HERE;
	waiter->dpc.high = 0;
	irql = queue_lock();
	atomic_store(&waiter->state, WAITER_QUEUED);
	*queue.tail = waiter;
	queue.tail = &waiter->next;
	/* Counted before the pool is looked at again: who gives back from now on serves us. */
	atomic_fetch_add(&queue.count, 1);
	queue_serve();
	queue_unlock(irql);
}

NTSTATUS dma_registers_take(
	struct dma_adapter *adapter, uint32_t need, struct dma_waiter *waiter, struct dma_run *run)
{
	*run = (struct dma_run){0};
	/* MR-2, X-10: above the limit at once. */
	if (unlikely(need > adapter->map_registers))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (likely(!adapter->takes_registers) || !need)
		return STATUS_SUCCESS;
	if (unlikely(nt_allocation_fails()))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (likely(!atomic_load(&queue.count)) &&
		run_map_take(&registers, need, adapter->register_end, &run->first)) {
		run->count = need;
		return STATUS_SUCCESS;
	}
	if (!waiter)
		return STATUS_INSUFFICIENT_RESOURCES;
	queue_join(waiter, need, adapter->register_end);
	return STATUS_PENDING;
}

void dma_run_give(struct dma_run run)
{
	uint8_t irql;

	if (likely(!run.count))
		return;
	run_map_give(&registers, run.first, run.count);
	if (likely(!atomic_load(&queue.count)))
		return;
	irql = queue_lock();
	queue_serve();
	queue_unlock(irql);
}

bool dma_wait_cancel(struct dma_waiter *waiter)
{
	struct dma_waiter **link;
	bool was_queued, was_granted;
	uint8_t irql = queue_lock();

	was_queued = atomic_load(&waiter->state) == WAITER_QUEUED;
	if (was_queued) {
		for (link = &queue.head; *link != waiter; link = &(*link)->next)
			;
		*link = waiter->next;
		if (!*link)
			queue.tail = link;
		atomic_fetch_sub(&queue.count, 1);
		atomic_store(&waiter->state, WAITER_IDLE);
		/* Those behind it may need less. */
		queue_serve();
	}
	was_granted = atomic_load(&waiter->state) == WAITER_GRANTED && cpu_dpc_cancel(&waiter->dpc);
	if (was_granted)
		atomic_store(&waiter->state, WAITER_IDLE);
	queue_unlock(irql);
	if (was_granted)
		dma_run_give(waiter->run);
	return was_queued || was_granted;
}

uint32_t dma_pins_take(uint32_t count, uint32_t from, uint32_t end)
{
	uint32_t first;

	if (unlikely(nt_allocation_fails()))
		return UINT32_MAX;
	return run_map_take_in(&pins, count, from, end, &first) ? first : UINT32_MAX;
}

void dma_pins_give(uint32_t first, uint32_t count)
{
	run_map_give(&pins, first, count);
}
