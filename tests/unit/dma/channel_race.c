/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Several processors ask for channels and lists of one adapter, map, flush, free and cancel each
 * other's requests: each request is either called or cancelled, once, and nothing is left. Under
 * the threads schedule (for ThreadSanitizer) and under replay from many seeds.
 */
#include "world.h"

#include "dma/channel.h"
#include "dma/map_register.h"
#include "util/random.h"

#define WORKERS	  3
#define REGISTERS 5u
#define LIST_SIZE (sizeof(SCATTER_GATHER_LIST) + 2 * sizeof(SCATTER_GATHER_ELEMENT))
#define OURS	  0x5a

enum outcome { OPEN, CALLED, CANCELLED };

/* One worker's request at a time. */
struct job {
	unsigned number;
	struct world_buffer buffer;
	PVOID context;
	_Atomic int outcome;
	bool is_list, builds, keeps;
	unsigned char *memory; /* for a list that is built; while it is ours, nobody writes to it */
	_Atomic(PVOID) base;   /* kept registers, or the list */
	uint64_t random;
	unsigned called, cancelled, cancels, failed;
};

static struct dma_adapter *adapter;
static struct job jobs[WORKERS];
static unsigned rounds;
static _Atomic unsigned broken; /* what must not happen did: cmocka works on its own thread only */

static PDMA_OPERATIONS ops(void)
{
	return adapter->header.DmaOperations;
}

static void check(bool holds)
{
	if (!holds)
		atomic_fetch_add(&broken, 1);
}

static void settle(struct job *job, enum outcome outcome)
{
	int open = OPEN;

	check(atomic_compare_exchange_strong(&job->outcome, &open, outcome));
}

/* Two pages, mapped and flushed. */
static void transfer(struct job *job, PVOID base)
{
	ULONG done = 0;

	while (done < 0x2000) {
		ULONG length = 0x2000 - done;

		ops()->MapTransfer(&adapter->header, job->buffer.mdl, base, job->buffer.va + done,
			&length, FALSE);
		check(length != 0);
		if (!length)
			return;
		done += length;
	}
	check(ops()->FlushAdapterBuffers(
		&adapter->header, job->buffer.mdl, base, job->buffer.va, 0x2000, FALSE));
}

static IO_ALLOCATION_ACTION NTAPI control(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	struct job *job = context;

	check(cpu_irql() == IRQL_DISPATCH);
	if (!job->keeps) {
		transfer(job, base);
		settle(job, CALLED);
		return DeallocateObject;
	}
	atomic_store(&job->base, base);
	settle(job, CALLED);
	return DeallocateObjectKeepRegisters;
}

static VOID NTAPI list_control(
	PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	struct job *job = context;

	check(list->NumberOfElements >= 1);
	atomic_store(&job->base, list);
	settle(job, CALLED);
}

static void cancel(struct job *job)
{
	if (!ops()->CancelAdapterChannel(&adapter->header, NULL, job->context))
		return;
	settle(job, CANCELLED);
}

static unsigned choose(struct job *job, unsigned n)
{
	return (unsigned)(random_next(&job->random) % n);
}

static void start(struct job *job)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	if (job->is_list && job->builds)
		status = ops()->BuildScatterGatherListEx(&adapter->header, NULL, job->context,
			job->buffer.mdl, 0, 0x2000, 0, list_control, job, FALSE, job->memory,
			LIST_SIZE, NULL, NULL, NULL);
	else if (job->is_list)
		status = ops()->GetScatterGatherListEx(&adapter->header, NULL, job->context,
			job->buffer.mdl, 0, 0x2000, 0, list_control, job, FALSE, NULL, NULL, NULL);
	else
		status = ops()->AllocateAdapterChannelEx(&adapter->header, NULL, job->context,
			1 + choose(job, 2) * 2 + 1, 0, control, job, NULL);
	check(status == STATUS_SUCCESS);
	if (status)
		settle(job, CANCELLED);
	cpu_irql_lower(irql);
}

static void finish(struct job *job)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	PVOID base = atomic_load(&job->base);

	if (job->is_list) {
		ops()->PutScatterGatherList(&adapter->header, base, FALSE);
	} else if (job->keeps) {
		transfer(job, base);
		/* How many were asked for is told by the record. */
		ops()->FreeMapRegisters(
			&adapter->header, base, ((struct dma_channel *)base)->order.registers);
	}
	cpu_irql_lower(irql);
}

/* The context is the request's until the routine has returned that nothing is kept. */
static void wait_for_routine(struct job *job)
{
	struct dma_transfer *transfer = job->context;

	if (job->is_list || job->keeps)
		return;
	while (dma_channel_is_used(atomic_load(&transfer->record), transfer))
		cpu_relax();
}

/* What was cancelled or put has gone for good. */
static void take_memory(struct job *job)
{
	memset(job->memory, OURS, LIST_SIZE);
	for (unsigned n = 0; n < 4; n++)
		cpu_relax();
}

static void check_memory(struct job *job)
{
	for (unsigned n = 0; n < LIST_SIZE; n++)
		check(job->memory[n] == OURS);
}

static void round_of(struct job *job)
{
	check_memory(job);
	atomic_store(&job->outcome, OPEN);
	job->is_list = choose(job, 2);
	job->builds = choose(job, 2);
	job->keeps = choose(job, 2);
	start(job);
	while (atomic_load(&job->outcome) == OPEN) {
		if (!choose(job, 8))
			cancel(job);
		if (!choose(job, 4))
			cancel(&jobs[choose(job, WORKERS)]);
		cpu_relax();
		cpu_thread_yield();
	}
	if (atomic_load(&job->outcome) == CALLED) {
		job->called++;
		finish(job);
		wait_for_routine(job);
	} else {
		job->cancelled++;
	}
	take_memory(job);
}

static void worker(void *ctx)
{
	struct job *job = ctx;

	for (unsigned n = 0; n < rounds; n++)
		round_of(job);
	/* A DPC of what was cancelled may still be on its way, with the registers. */
	for (unsigned n = 0; n < 1000000 && dma_registers_taken(); n++) {
		cpu_relax();
		cpu_thread_yield();
	}
}

static void machine(
	const struct cpu_config *processors, const struct dma_config *dma, enum mem_policy policy)
{
	const struct mem_config memory = {.policy = policy, .size = 64ull << 20, .seed = 11};
	const struct dma_constraints limits = {
		.width = 64, .max_transfer = 0x4000, .scatter_gather = true};
	const struct nt_config kernel = {.fill = true};
	struct cpu_thread *threads[WORKERS];
	char *contexts;

	memset(&world, 0, sizeof(world));
	assert_int_equal(mem_init(&memory), 0);
	assert_int_equal(cpu_init(processors), 0);
	assert_int_equal(nt_init(&kernel), 0);
	assert_int_equal(dma_init(dma), 0);
	adapter = dma_adapter_new(&limits, (const void *)0x1234);
	assert_non_null(adapter);
	contexts = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
	for (unsigned n = 0; n < WORKERS; n++) {
		jobs[n] = (struct job){.number = n,
			.buffer = world_buffer(0, 0x2000),
			.context = contexts + n * DMA_TRANSFER_CONTEXT_SIZE_V1,
			.memory = (unsigned char *)contexts + 2048 + n * LIST_SIZE,
			.random = n + 1 + processors->seed * 7};
		memset(jobs[n].memory, OURS, LIST_SIZE);
		assert_int_equal(
			ops()->InitializeDmaTransferContext(&adapter->header, jobs[n].context),
			STATUS_SUCCESS);
	}
	for (unsigned n = 0; n < WORKERS; n++)
		threads[n] = cpu_thread_new(worker, &jobs[n], n % processors->processors, "worker");
	assert_int_equal(trace_subscribe(1ull << TRACE_VIOLATION, world_listen, NULL), 0);
	assert_int_equal(cpu_start(), 0);
	for (unsigned n = 0; n < WORKERS; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	assert_int_equal(dma_registers_taken(), 0);
	cpu_fini();
	dma_adapter_free(adapter);
	for (unsigned n = 0; n < WORKERS; n++)
		world_buffer_free(&jobs[n].buffer);
	mem_free(contexts, 4096);
	dma_fini();
	assert_int_equal(nt_fini(), 0);
	trace_unsubscribe(world_listen, NULL);
	assert_int_equal(mem_fini(), 0);
	world_expect_none();
	assert_int_equal(atomic_exchange(&broken, 0), 0);
}

static const struct {
	enum mem_policy policy;
	struct dma_config dma;
} engines[] = {
	{MEM_SCATTERED, {.map_registers = REGISTERS}},
	{MEM_HIGH, {.engine = DMA_BOUNCE, .map_registers = REGISTERS, .width = 32}},
	{MEM_SCATTERED, {.engine = DMA_IOMMU, .map_registers = REGISTERS}},
};

static void under_threads(void **state)
{
	const struct cpu_config processors = {.processors = WORKERS};
	unsigned called = 0, cancelled = 0;

	rounds = 150;
	for (unsigned n = 0; n < array_size(engines) * 2; n++) {
		struct dma_config dma = engines[n / 2].dma;

		dma.callback = n % 2 ? DMA_CALLBACK_OTHER_PROCESSOR : DMA_CALLBACK_QUEUED;
		machine(&processors, &dma, engines[n / 2].policy);
		for (unsigned k = 0; k < WORKERS; k++) {
			called += jobs[k].called;
			cancelled += jobs[k].cancelled;
		}
	}
	assert_int_equal(called + cancelled, 6 * WORKERS * 150);
	assert_true(called > 0 && cancelled > 0);
}

static void under_replay(void **state)
{
	unsigned called = 0, cancelled = 0;

	rounds = 6;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		const struct cpu_config processors = {
			.processors = 1 + seed % 3, .replay = true, .seed = seed};
		struct dma_config dma = engines[seed % array_size(engines)].dma;

		dma.callback = (enum dma_callback)(seed / 3 % 4);
		machine(&processors, &dma, engines[seed % array_size(engines)].policy);
		for (unsigned k = 0; k < WORKERS; k++) {
			called += jobs[k].called;
			cancelled += jobs[k].cancelled;
		}
	}
	assert_true(called > 0 && cancelled > 0);
}

/* ---- a list is cancelled while it is granted ---- */

#define PAGES	  64u
#define LONG_LIST (sizeof(SCATTER_GATHER_LIST) + PAGES * sizeof(SCATTER_GATHER_ELEMENT))

static struct {
	struct world_buffer buffer;
	PVOID asker, holder; /* contexts */
	unsigned char *memory;
	_Atomic int step, outcome;
	unsigned delays, called, cancelled;
} granting;

static void step_reach(int step)
{
	while (atomic_load(&granting.step) != step) {
		cpu_relax();
		cpu_thread_yield();
	}
}

static VOID NTAPI wait_control(
	PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	check(list->NumberOfElements >= 1);
	ops()->PutScatterGatherList(&adapter->header, list, TRUE);
	atomic_store(&granting.outcome, CALLED);
}

/* Has all registers; gives them, and cancels who waits for them a moment later. */
static void holder(void *ctx)
{
	for (unsigned n = 0; n < rounds; n++) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
		PVOID base = NULL;

		check(!ops()->AllocateAdapterChannelEx(&adapter->header, NULL, granting.holder,
			PAGES, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &base));
		cpu_irql_lower(irql);
		atomic_store(&granting.step, 1);
		step_reach(2);
		irql = cpu_irql_raise(IRQL_DISPATCH);
		ops()->FreeAdapterObject(&adapter->header, DeallocateObject);
		for (unsigned i = 0; i < n % 16 * granting.delays; i++)
			cpu_relax();
		if (ops()->CancelAdapterChannel(&adapter->header, NULL, granting.asker)) {
			memset(granting.memory, OURS, LONG_LIST);
			atomic_store(&granting.outcome, CANCELLED);
		}
		cpu_irql_lower(irql);
		step_reach(3);
	}
}

static void asker(void *ctx)
{
	for (unsigned n = 0; n < rounds; n++) {
		uint8_t irql;

		step_reach(1);
		atomic_store(&granting.outcome, OPEN);
		irql = cpu_irql_raise(IRQL_DISPATCH);
		check(!ops()->BuildScatterGatherListEx(&adapter->header, NULL, granting.asker,
			granting.buffer.mdl, 0, PAGES * 4096, 0, wait_control, NULL, TRUE,
			granting.memory, LONG_LIST, NULL, NULL, NULL));
		cpu_irql_lower(irql);
		atomic_store(&granting.step, 2);
		while (atomic_load(&granting.outcome) == OPEN || dma_registers_taken()) {
			cpu_relax();
			cpu_thread_yield();
		}
		granting.called += atomic_load(&granting.outcome) == CALLED;
		granting.cancelled += atomic_load(&granting.outcome) == CANCELLED;
		for (unsigned i = 0; i < LONG_LIST && atomic_load(&granting.outcome) == CANCELLED;
			i++)
			check(granting.memory[i] == OURS);
		atomic_store(&granting.step, 3);
	}
}

static void at_the_grant(const struct cpu_config *processors)
{
	const struct mem_config memory = {.policy = MEM_HIGH, .size = 64ull << 20, .seed = 11};
	const struct dma_config dma = {.engine = DMA_BOUNCE, .map_registers = PAGES, .width = 32};
	const struct dma_constraints limits = {
		.width = 64, .max_transfer = PAGES * 4096, .scatter_gather = true};
	const struct nt_config kernel = {.fill = true};
	struct cpu_thread *threads[2];
	char *pages;

	memset(&world, 0, sizeof(world));
	assert_int_equal(mem_init(&memory), 0);
	assert_int_equal(cpu_init(processors), 0);
	assert_int_equal(nt_init(&kernel), 0);
	assert_int_equal(dma_init(&dma), 0);
	adapter = dma_adapter_new(&limits, (const void *)0x1234);
	assert_non_null(adapter);
	pages = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
	granting.buffer = world_buffer(0, PAGES * 4096);
	granting.asker = pages;
	granting.holder = pages + DMA_TRANSFER_CONTEXT_SIZE_V1;
	granting.memory = (unsigned char *)pages + 1024;
	atomic_store(&granting.step, 0);
	assert_false(ops()->InitializeDmaTransferContext(&adapter->header, granting.asker));
	assert_false(ops()->InitializeDmaTransferContext(&adapter->header, granting.holder));
	threads[0] = cpu_thread_new(holder, NULL, 0, "holder");
	threads[1] = cpu_thread_new(asker, NULL, 1, "asker");
	assert_int_equal(trace_subscribe(1ull << TRACE_VIOLATION, world_listen, NULL), 0);
	assert_int_equal(cpu_start(), 0);
	for (unsigned n = 0; n < 2; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	cpu_fini();
	dma_adapter_free(adapter);
	world_buffer_free(&granting.buffer);
	mem_free(pages, 4096);
	dma_fini();
	assert_int_equal(nt_fini(), 0);
	trace_unsubscribe(world_listen, NULL);
	assert_int_equal(mem_fini(), 0);
	world_expect_none();
	assert_int_equal(atomic_exchange(&broken, 0), 0);
}

/* Who has been told that it is cancelled may use the memory for something else. */
static void a_list_cancelled_at_its_grant_is_left_alone(void **state)
{
	struct cpu_config processors = {.processors = 2};

	rounds = 64;
	granting.called = granting.cancelled = 0;
	granting.delays = 30;
	at_the_grant(&processors);
	assert_int_equal(granting.called + granting.cancelled, rounds);
	granting.called = granting.cancelled = 0;
	granting.delays = 3;
	rounds = 32;
	processors.replay = true;
	for (processors.seed = 1; processors.seed <= 10; processors.seed++)
		at_the_grant(&processors);
	assert_true(granting.called > 0 && granting.cancelled > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_cancelled_at_its_grant_is_left_alone),
		cmocka_unit_test_setup_teardown(under_threads, NULL, NULL),
		cmocka_unit_test_setup_teardown(under_replay, NULL, NULL),
	};

	return cmocka_run_group_tests_name(
		"each request is called or cancelled, once, and nothing is left", tests, NULL,
		NULL);
}
