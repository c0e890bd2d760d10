/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A port adapter over a model that only remembers what it was given: the test plays the miniport.
 * The test's own thread is processor 0; bodies run in a kernel thread there.
 */
#ifndef TESTS_PORT_FAKE_H
#define TESTS_PORT_FAKE_H

#include "../expect.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "port/port.h"
#include "trace/trace.h"

#include <srbhelper.h>
#include <stdlib.h>

#define FAKE_STARTED 300
#define FAKE_DEVICE  7 /* dma_master.number */

#ifdef DRY_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

static struct {
	struct port_adapter adapter;
	struct port_request *started[FAKE_STARTED]; /* with the miniport, oldest first */
	unsigned started_count, starts, bus_resets, stops;
	_Atomic unsigned dones, violations;
	uint64_t violation_number; /* of the last one */
	char violation[256];
	uint8_t functions[16]; /* of the non-SCSI requests, in order */
	unsigned function_count;
	/* what the test does in place of remembering; NULL: remember */
	void (*start)(struct port_request *request);
	bool bus_reset_fails;
	uint32_t max_outstanding, unit_extension;
	void (*body)(void);
	_Atomic bool body_done;
} fake;

/* Set before fake_run. fake_dma: the adapter has DMA of these address bits, the machine this
 * engine. */
static unsigned fake_cpus = 1;
static const struct dma_config *fake_dma;
static unsigned fake_width = 64;
static enum mem_policy fake_memory = MEM_CONTIGUOUS;

static inline void fake_start(struct port_adapter *adapter, struct port_request *request)
{
	expect_is(cpu_irql(), IRQL_DISPATCH);
	if (fake.start) {
		fake.start(request);
		return;
	}
	fake.starts++;
	if (request->function != SRB_FUNCTION_EXECUTE_SCSI)
		fake.functions[fake.function_count++] = request->function;
	fake.started[fake.started_count++] = request;
}

static inline bool fake_reset_bus(struct port_adapter *adapter, uint8_t path)
{
	fake.bus_resets++;
	return !fake.bus_reset_fails;
}

static inline void fake_stop(struct port_adapter *adapter)
{
	expect_is(cpu_irql(), IRQL_PASSIVE);
	fake.stops++;
}

static const struct port_model fake_model = {
	.name = "fake",
	.start = fake_start,
	.reset_bus = fake_reset_bus,
	.stop = fake_stop,
};

/* The miniport completes its n-th request with this status. */
static inline struct port_request *fake_complete(unsigned n, uint8_t status)
{
	struct port_request *request = fake.started[n];
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	memmove(&fake.started[n], &fake.started[n + 1],
		(--fake.started_count - n) * sizeof(fake.started[0]));
	SrbSetSrbStatus(request->srb, status);
	expect(port_request_complete(request));
	cpu_irql_lower(irql);
	return request;
}

static inline void fake_complete_all(void)
{
	while (fake.started_count)
		fake_complete(0, SRB_STATUS_SUCCESS);
}

static inline void fake_done(struct port_request *request)
{
	expect_is(cpu_irql(), IRQL_DISPATCH);
	port_request_put(request);
	atomic_fetch_add(&fake.dones, 1);
}

/* A request as fake_submit's, not yet submitted. At DISPATCH. */
static inline struct port_request *fake_get(struct port_unit *unit)
{
	struct port_request *request = port_request_get(unit->adapter);

	if (!request)
		abort();
	request->unit = unit;
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->cdb_length = 6;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->timeout = 1;
	request->done = fake_done;
	return request;
}

static inline struct port_request *fake_submit(struct port_unit *unit)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get(unit);

	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

/* ---- data ---- */

struct fake_buffer {
	char *data;
	uint32_t bytes;
	PMDL mdl;
};

/* Pages of RAM; the data begin `offset` bytes into the first. */
static inline struct fake_buffer fake_buffer(uint32_t offset, uint32_t bytes)
{
	struct fake_buffer buffer = {.bytes = bytes};
	char *pages = mem_alloc(offset + bytes, 0, MEM_DATA, NULL);

	buffer.data = pages + offset;
	buffer.mdl = IoAllocateMdl(buffer.data, bytes, FALSE, FALSE, NULL);
	MmBuildMdlForNonPagedPool(buffer.mdl);
	for (uint32_t n = 0; n < bytes; n++)
		buffer.data[n] = (char)(n * 7 + n / 256);
	return buffer;
}

static inline void fake_buffer_free(struct fake_buffer *buffer)
{
	uint32_t offset = buffer->mdl->ByteOffset;

	IoFreeMdl(buffer->mdl);
	mem_free(buffer->data - offset, offset + buffer->bytes);
}

/* A request that carries it, not yet submitted. At DISPATCH. */
static inline struct port_request *fake_get_with(
	struct port_unit *unit, const struct fake_buffer *buffer, uint32_t flags)
{
	struct port_request *request = fake_get(unit);

	request->mdl = buffer->mdl;
	request->data = buffer->data;
	if (buffer->mdl->ByteOffset + buffer->bytes <= MEM_PAGE_SIZE) /* as the disk does */
		request->data_at = mem_physical(buffer->data);
	request->length = buffer->bytes;
	request->flags = flags;
	return request;
}

static inline struct port_request *fake_submit_with(
	struct port_unit *unit, const struct fake_buffer *buffer, uint32_t flags)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get_with(unit, buffer, flags);

	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

/* The device. */
static inline struct dma_master fake_master(void)
{
	struct dma_master master;

	dma_master_init(&master, "fake device", fake_width);
	master.number = FAKE_DEVICE;
	dma_master_enable(&master, true);
	return master;
}

/* Waits at PASSIVE until a condition holds, at most ten seconds. */
#define fake_wait(condition)                                                                       \
	do {                                                                                       \
		uint64_t end_ = cpu_clock() + 10000000000ull;                                      \
		while (!(condition) && cpu_clock() < end_)                                         \
			cpu_thread_park(1000000);                                                  \
		expect(condition);                                                                 \
	} while (0)

static inline void fake_hear(void *ctx, const struct trace_event *event)
{
	fake.violation_number = event->arg[1];
	snprintf(fake.violation, sizeof(fake.violation), "%s", (const char *)event->arg[0]);
	atomic_fetch_add(&fake.violations, 1);
}

/* Exactly one violation since the last look, with this number and these words. */
static inline void fake_violation(uint64_t number, const char *words)
{
	unsigned count = atomic_exchange(&fake.violations, 0);

	expect_is(count, 1);
	if (!count)
		return;
	expect_is(fake.violation_number, number);
	expect_has(fake.violation, words);
}

static inline void fake_body(void *ctx)
{
	fake.body();
	fake.body_done = true;
}

static inline bool fake_poll(void *arg)
{
	return !fake.body_done;
}

/* Runs body in a kernel thread of a machine of fake_cpus processors; SRBs are of this kind. */
static inline void fake_run(void (*body)(void), bool extended)
{
	const struct mem_config mem = {.size = 64u << 20, .policy = fake_memory};
	const struct cpu_config cpu = {.processors = fake_cpus};
	const struct nt_config nt = {0};
	struct cpu_thread *thread;

	memset(&fake, 0, sizeof(fake));
	fake.body = body;
	fake.adapter.limits.extended_srb = extended;
	assert_int_equal(mem_init(&mem), 0);
	assert_int_equal(cpu_init(&cpu), 0);
	assert_int_equal(nt_init(&nt), 0);
	if (fake_dma)
		assert_int_equal(dma_init(fake_dma), 0);
	trace_subscribe(1ull << TRACE_VIOLATION, fake_hear, NULL);
	assert_int_equal(cpu_claim(0), 0);
	assert_int_equal(cpu_start(), 0);
	thread = cpu_thread_new(fake_body, NULL, 0, "test");
	assert_non_null(thread);
	cpu_run(0, fake_poll, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	trace_unsubscribe(fake_hear, NULL);
	if (fake_dma)
		dma_fini();
	cpu_fini();
	assert_int_equal(nt_fini(), 0);
	assert_int_equal(mem_fini(), 0);
	expect_tell();
}

/* Inside the body: makes the adapter and unit 0:0:0, and takes them down. */
static inline struct port_unit *fake_adapter(uint32_t depth)
{
	const struct port_limits limits = {
		.max_transfer = 65536,
		.max_elements = 17,
		.extension_bytes = 100,
		.unit_extension_bytes = fake.unit_extension,
		.initial_depth = depth,
		.max_depth = 255,
		.max_outstanding = fake.max_outstanding,
		.extended_srb = fake.adapter.limits.extended_srb,
	};

	const struct dma_constraints constraints = {.width = fake_width,
		.max_transfer = limits.max_transfer,
		.scatter_gather = true,
		.device = FAKE_DEVICE};
	struct dma_adapter *dma = fake_dma ? dma_adapter_new(&constraints, &fake.adapter) : NULL;

	expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", dma, &limits), 0);
	port_adapter_open(&fake.adapter);
	return port_unit_add(&fake.adapter, 0, 0, 0);
}

/* The port's seconds pass in a hundredth of their time. */
static inline void fake_hurry(void)
{
	cpu_timer_set(&fake.adapter.second, 10000000, 10000000);
}

static inline void fake_adapter_end(void)
{
	struct dma_adapter *dma = fake.adapter.dma;

	expect_is(port_adapter_close(&fake.adapter, 1), 0);
	port_adapter_fini(&fake.adapter);
	dma_adapter_free(dma);
}

/* ---- tests by kind of SRB ---- */

static inline void fake_run_plain(void **state)
{
	fake_run((void (*)(void)) * state, false);
}

static inline void fake_run_extended(void **state)
{
	fake_run((void (*)(void)) * state, true);
}

#define fake_test(body)                                                                            \
	{                                                                                          \
#body, fake_run_extended, NULL, NULL, (void *)(body)                               \
	}
#define fake_test_plain(body)                                                                      \
	{                                                                                          \
#body ", SCSI_REQUEST_BLOCK", fake_run_plain, NULL, NULL, (void *)(body)           \
	}
static inline void fake_run_on_two(void **state)
{
	fake_cpus = 2;
	fake_run_extended(state);
	fake_cpus = 1;
}

#define fake_test_on_two(body)                                                                     \
	{                                                                                          \
#body ", two processors", fake_run_on_two, NULL, NULL, (void *)(body)              \
	}
/* With both kinds. */
#define fake_test_both(body) fake_test_plain(body), fake_test(body)

#endif
