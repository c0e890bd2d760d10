/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A machine with devices that have registers and interrupts and do nothing, and a miniport written
 * in the test. Processor 0 is the test's own thread; bodies run in a kernel thread there, at
 * PASSIVE_LEVEL. storport/world.h and scsiport/world.h add the miniport and its way to be started:
 * before this file they say of which model it is (WORLD_MODEL, WORLD_ADAPTER).
 */
#ifndef TESTS_HBA_WORLD_H
#define TESTS_HBA_WORLD_H

#include "expect.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "port/hba.h"
#include "trace/trace.h"
#include "util/error.h"

#define WORLD_BAR	0x1000 /* bytes of registers */
#define WORLD_EXTENSION 300    /* bytes of an SRB extension */
#define WORLD_DEVICES	4

static struct {
	struct bus_function *function; /* the first of them */
	struct bus_function *functions[WORLD_DEVICES];
	_Atomic uint32_t registers[WORLD_BAR / 4];
	struct port_driver *driver;
	WORLD_ADAPTER *adapter; /* the first of them */
	void *ext;		/* HwDeviceExtension of the last one found */
	_Atomic unsigned violations;
	uint64_t violation_number; /* of the last one */
	char violation[256];
	void (*body)(void);
	_Atomic bool done;
	int start_result;
	char start_error[256];
} world;

/* The machine of a run. */
struct world_machine {
	unsigned cpus, devices; /* 0: one */
	enum mem_policy memory;
	struct dma_config dma;
};

/* Of each model's world: */
static NTSTATUS NTAPI world_entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry);
static struct bus_function *world_device(void);

/* ---- the device ---- */

static uint64_t world_register_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	return world.registers[offset / 4] >> offset % 4 * 8;
}

static border_call void world_register_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	world.registers[offset / 4] = (uint32_t)value;
}

static const struct bus_function_ops world_registers = {
	.read = world_register_read, .write = world_register_write};

/* ---- running ---- */

static void world_violation(void *ctx, const struct trace_event *event)
{
	world.violation_number = event->arg[1];
	snprintf(world.violation, sizeof(world.violation), "%s", (const char *)event->arg[0]);
	atomic_fetch_add(&world.violations, 1);
}

/* Exactly one violation since the last look, with this number and these words. */
static inline void expect_violation(uint64_t number, const char *words)
{
	unsigned count = atomic_exchange(&world.violations, 0);

	expect_is(count, 1);
	if (!count)
		return;
	expect_is(world.violation_number, number);
	expect_has(world.violation, words);
}

static void world_body(void *ctx)
{
	world.start_result =
		port_driver_start(&WORLD_MODEL, (void *)world_entry, "test", &world.driver);
	if (world.start_result)
		error_take(world.start_error, sizeof(world.start_error));
	else
		world.adapter = (WORLD_ADAPTER *)world.driver->adapters[0];
	if (world.body)
		world.body();
	if (!world.start_result)
		port_driver_stop(world.driver);
	world.done = true;
}

static bool world_poll(void *arg)
{
	return !world.done;
}

static inline void world_up(const struct world_machine *machine)
{
	const struct mem_config mem = {.size = 64u << 20, .policy = machine->memory};
	const struct cpu_config cpu = {.processors = max_of(machine->cpus, 1u)};
	const struct nt_config nt = {0};

	assert_int_equal(mem_init(&mem), 0);
	assert_int_equal(cpu_init(&cpu), 0);
	assert_int_equal(nt_init(&nt), 0);
	assert_int_equal(bus_init(), 0);
	assert_int_equal(dma_init(&machine->dma), 0);
	for (unsigned n = 0; n < max_of(machine->devices, 1u); n++) {
		world.functions[n] = world_device();
		assert_non_null(world.functions[n]);
	}
	world.function = world.functions[0];
	trace_subscribe(1ull << TRACE_VIOLATION, world_violation, NULL);
	assert_int_equal(cpu_claim(0), 0);
	assert_int_equal(cpu_start(), 0);
}

static inline void world_down(void)
{
	for (unsigned n = 0; n < WORLD_DEVICES && world.functions[n]; n++)
		bus_function_free(world.functions[n]);
	dma_fini();
	bus_fini();
	trace_unsubscribe(world_violation, NULL);
	assert_int_equal(nt_fini(), 0);
	cpu_fini();
	assert_int_equal(mem_fini(), 0);
	expect_tell();
}

/* Starts driver and adapters, runs body (may be NULL; the start's result is in world), stops them.
 */
static inline void world_run_on(const struct world_machine *machine, void (*body)(void))
{
	struct cpu_thread *thread;

	memset(&world, 0, sizeof(world));
	world.body = body;
	world_up(machine);
	thread = cpu_thread_new(world_body, NULL, 0, "test");
	assert_non_null(thread);
	cpu_run(0, world_poll, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	world_down();
}

/* After a run: the start succeeded, and nothing was left unasked of what the port complained of. */
static inline void world_was_good(void)
{
	if (world.start_result)
		fail_msg("%s", world.start_error);
	if (world.violations)
		fail_msg("%u violations, the last: %s", world.violations, world.violation);
}

#define world_test(name) cmocka_unit_test_setup(name, world_miniport)

/* ---- on a processor ---- */

/* Waits at PASSIVE until a condition holds, at most five seconds. */
#define world_wait(condition)                                                                      \
	do {                                                                                       \
		uint64_t end_ = cpu_clock() + 5000000000ull;                                       \
		while (!(condition) && cpu_clock() < end_)                                         \
			cpu_thread_park(200000);                                                   \
		expect(condition);                                                                 \
	} while (0)

/* ---- requests ---- */

struct world_request {
	struct port_request *port;
	char *data;
	uint32_t bytes;
	PMDL mdl;
	_Atomic bool done;
	uint8_t srb_status, scsi_status, sense_length;
	uint32_t transferred;
};

static void world_request_done(struct port_request *request)
{
	struct world_request *r = request->ctx;

	expect_is(cpu_irql(), IRQL_DISPATCH);
	r->srb_status = request->srb_status;
	r->scsi_status = request->scsi_status;
	r->sense_length = request->sense_length;
	r->transferred = request->transferred;
	port_request_put(request);
	atomic_store(&r->done, true);
}

/* A request of unit 0:0:lun with this many bytes of data, which begin at this byte of a page; hands
 * it to the port. */
static inline void world_submit_to(struct world_request *r, uint8_t function, uint8_t opcode,
	uint8_t lun, uint32_t bytes, uint32_t offset)
{
	struct port_adapter *port = (struct port_adapter *)world.adapter;
	struct port_unit *unit = port_unit_add(port, 0, 0, lun);
	struct port_request *request;
	uint8_t irql;

	memset(r, 0, sizeof(*r));
	r->bytes = bytes;
	if (bytes) {
		r->data = mem_alloc(round_up(bytes + offset, MEM_PAGE_SIZE), 0, MEM_DATA, NULL);
		r->data += offset;
		r->mdl = IoAllocateMdl(r->data, bytes, FALSE, FALSE, NULL);
		MmBuildMdlForNonPagedPool(r->mdl);
	}
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = port_request_get(port);
	expect(request != NULL);
	r->port = request;
	request->unit = unit;
	request->function = function;
	request->cdb_length = function == SRB_FUNCTION_EXECUTE_SCSI ? 10 : 0;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->cdb[0] = opcode;
	request->flags = bytes ? SRB_FLAGS_DATA_IN : 0;
	request->length = bytes;
	request->timeout = 5;
	request->mdl = r->mdl;
	request->data = r->data;
	request->done = world_request_done;
	request->ctx = r;
	port_request_submit(request);
	cpu_irql_lower(irql);
}

static inline void world_end(struct world_request *r)
{
	uint64_t offset = (uintptr_t)r->data & MEM_PAGE_MASK;

	world_wait(r->done);
	if (!r->bytes)
		return;
	IoFreeMdl(r->mdl);
	mem_free(r->data - offset, round_up(r->bytes + offset, MEM_PAGE_SIZE));
}

#endif
