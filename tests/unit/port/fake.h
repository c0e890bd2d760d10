/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A port adapter over a model that only remembers what it was given: the test plays the miniport.
 * The test's own thread is processor 0.
 */
#ifndef TESTS_PORT_FAKE_H
#define TESTS_PORT_FAKE_H

#include "mem/mem.h"
#include "nt/nt.h"
#include "port/port.h"
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <srbhelper.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_STARTED 64

static struct {
	struct port_adapter adapter;
	struct port_request *started[FAKE_STARTED]; /* with the miniport, oldest first */
	unsigned started_count, starts, dones, violations, bus_resets, stops;
	uint8_t functions[16]; /* of the non-SCSI requests, in order */
	unsigned function_count;
	void (*body)(void);
	bool body_done;
} fake;

static inline void fake_start(struct port_adapter *adapter, struct port_request *request)
{
	fake.starts++;
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	if (request->function != SRB_FUNCTION_EXECUTE_SCSI)
		fake.functions[fake.function_count++] = request->function;
	fake.started[fake.started_count++] = request;
}

static inline bool fake_reset_bus(struct port_adapter *adapter, uint8_t path)
{
	fake.bus_resets++;
	return true;
}

static inline void fake_stop(struct port_adapter *adapter)
{
	assert_int_equal(cpu_irql(), IRQL_PASSIVE);
	fake.stops++;
}

static const struct port_model fake_model = {"fake", fake_start, fake_reset_bus, fake_stop};

/* The miniport completes its n-th request with this status. */
static inline struct port_request *fake_complete(unsigned n, uint8_t status)
{
	struct port_request *request = fake.started[n];
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	memmove(&fake.started[n], &fake.started[n + 1],
		(--fake.started_count - n) * sizeof(fake.started[0]));
	SrbSetSrbStatus(request->srb, status);
	assert_true(port_request_complete(request));
	cpu_irql_lower(irql);
	return request;
}

static inline void fake_done(struct port_request *request)
{
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	fake.dones++;
	port_request_put(request);
}

static inline struct port_request *fake_submit(struct port_unit *unit)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = port_request_get(unit->adapter);

	assert_non_null(request);
	request->unit = unit;
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->cdb_length = 6;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->timeout = 1;
	request->done = fake_done;
	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

static inline void fake_violation(void *ctx, const struct trace_event *event)
{
	fake.violations++;
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

/* Runs body in a kernel thread of a machine of one processor with an open adapter of these limits.
 */
static inline void fake_run(void (*body)(void), bool extended)
{
	const struct mem_config mem = {.size = 64u << 20};
	const struct cpu_config cpu = {.processors = 1};
	const struct nt_config nt = {0};
	struct cpu_thread *thread;

	memset(&fake, 0, sizeof(fake));
	fake.body = body;
	fake.adapter.limits.extended_srb = extended;
	assert_int_equal(mem_init(&mem), 0);
	assert_int_equal(cpu_init(&cpu), 0);
	assert_int_equal(nt_init(&nt), 0);
	trace_subscribe(1ull << TRACE_VIOLATION, fake_violation, NULL);
	assert_int_equal(cpu_claim(0), 0);
	assert_int_equal(cpu_start(), 0);
	thread = cpu_thread_new(fake_body, NULL, 0, "test");
	assert_non_null(thread);
	cpu_run(0, fake_poll, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	trace_unsubscribe(fake_violation, NULL);
	cpu_fini();
	assert_int_equal(nt_fini(), 0);
	assert_int_equal(mem_fini(), 0);
}

/* Inside the body: makes the adapter, and takes it down. */
static inline struct port_unit *fake_adapter(uint32_t depth)
{
	const struct port_limits limits = {
		.max_transfer = 65536,
		.max_elements = 17,
		.extension_bytes = 100,
		.initial_depth = depth,
		.max_depth = 255,
		.extended_srb = fake.adapter.limits.extended_srb,
	};

	assert_int_equal(port_adapter_init(&fake.adapter, &fake_model, "fake", NULL, &limits), 0);
	port_adapter_open(&fake.adapter);
	return port_unit_add(&fake.adapter, 0, 0, 0);
}

static inline void fake_adapter_end(void)
{
	assert_int_equal(port_adapter_close(&fake.adapter, 1), 0);
	port_adapter_fini(&fake.adapter);
}

#endif
