/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A machine with a device that has registers and a line and does nothing, and a SCSI Port miniport
 * written in the test. Processor 0 is the test's own thread; bodies run in a kernel thread there,
 * at PASSIVE_LEVEL. The twin of tests/unit/storport/world.h.
 */
#ifndef TESTS_SCSIPORT_WORLD_H
#define TESTS_SCSIPORT_WORLD_H

#include "../expect.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "scsiport/scsi_adapter.h"
#include "trace/trace.h"
#include "util/error.h"

#define WORLD_BAR	0x1000 /* bytes of registers */
#define WORLD_EXTENSION 300    /* bytes of an SRB extension */
#define WORLD_UNCACHED	6000

static struct {
	struct bus_function *function;
	_Atomic uint32_t registers[WORLD_BAR / 4];
	struct port_driver *driver;
	struct scsi_adapter *adapter;
	void *ext; /* the adapter's HwDeviceExtension */
	void *uncached, *base;
	ACCESS_RANGE range;
	_Atomic unsigned violations;
	uint64_t violation_number; /* of the last one */
	char violation[256];
	void (*body)(void);
	_Atomic bool done;
	int start_result;
	char start_error[256];
} world;

/* What the miniport does differently in a test; world_miniport sets it before each. */
static struct {
	unsigned cpus; /* 0: one */
	enum mem_policy memory;
	enum dma_engine engine;
	BOOLEAN map_buffers, tagged, many;
	ULONG unit_extension;
	ULONG find_result;
	void (*find)(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config); /* after it answered */
	BOOLEAN initialize_result;
	void (*initialize)(void);
	void (*start_io)(PSCSI_REQUEST_BLOCK srb);
	BOOLEAN (*interrupt)(void);
	BOOLEAN (*reset)(ULONG path);
	PHW_ADAPTER_CONTROL control;
	void (*data)(SCSIPORT_HW_INITIALIZATION_DATA *data); /* before the port gets it */
	NTSTATUS (*entry)(PDRIVER_OBJECT driver, PUNICODE_STRING registry);
} miniport;

/* ---- the miniport ---- */

static ULONG NTAPI world_find(PVOID ext, PVOID context, PVOID bus, PCHAR arguments,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	world.ext = ext;
	world.range = (*config->AccessRanges)[0];
	world.base = ScsiPortGetDeviceBase(ext, config->AdapterInterfaceType,
		config->SystemIoBusNumber, world.range.RangeStart, world.range.RangeLength, FALSE);
	config->Master = TRUE;
	config->ScatterGather = TRUE;
	config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_SUPPORTED;
	config->NumberOfBuses = 1;
	config->MaximumTransferLength = 65536;
	config->NumberOfPhysicalBreaks = 16;
	config->CachesData = TRUE;
	world.uncached = ScsiPortGetUncachedExtension(ext, config, WORLD_UNCACHED);
	if (miniport.find)
		miniport.find(config);
	*again = FALSE;
	return miniport.find_result;
}

static BOOLEAN NTAPI world_initialize(PVOID ext)
{
	if (miniport.initialize)
		miniport.initialize();
	return miniport.initialize_result;
}

static void world_give_back(PSCSI_REQUEST_BLOCK srb, UCHAR status)
{
	srb->SrbStatus = status;
	ScsiPortNotification(RequestComplete, world.ext, srb);
}

static BOOLEAN NTAPI world_start_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	if (miniport.start_io) {
		miniport.start_io(srb);
	} else {
		world_give_back(srb, SRB_STATUS_SUCCESS);
		ScsiPortNotification(NextRequest, ext);
	}
	return TRUE;
}

static BOOLEAN NTAPI world_interrupt(PVOID ext)
{
	return miniport.interrupt ? miniport.interrupt() : FALSE;
}

static BOOLEAN NTAPI world_reset(PVOID ext, ULONG path)
{
	return miniport.reset ? miniport.reset(path) : TRUE;
}

static NTSTATUS NTAPI world_entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	SCSIPORT_HW_INITIALIZATION_DATA data = {
		.HwInitializationDataSize = sizeof(data),
		.AdapterInterfaceType = PCIBus,
		.HwInitialize = world_initialize,
		.HwStartIo = world_start_io,
		.HwInterrupt = world_interrupt,
		.HwFindAdapter = world_find,
		.HwResetBus = world_reset,
		.HwAdapterControl = miniport.control,
		.DeviceExtensionSize = 64,
		.SpecificLuExtensionSize = miniport.unit_extension,
		.SrbExtensionSize = WORLD_EXTENSION,
		.NumberOfAccessRanges = 2,
		.MapBuffers = miniport.map_buffers,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = miniport.tagged,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = miniport.many,
	};

	if (miniport.entry)
		return miniport.entry(driver, registry);
	if (miniport.data)
		miniport.data(&data);
	return (NTSTATUS)ScsiPortInitialize(driver, registry, &data, NULL);
}

/* ---- the device ---- */

static uint64_t world_register_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	return world.registers[offset / 4] >> offset % 4 * 8;
}

static void world_register_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	world.registers[offset / 4] = (uint32_t)value;
}

static inline void world_device(void)
{
	static const struct bus_function_ops ops = {
		.read = world_register_read, .write = world_register_write};
	const struct bus_function_config config = {
		.vendor = 0x1234,
		.device = 0x5678,
		.base_class = 1, /* mass storage */
		.bar[0] = {.size = WORLD_BAR},
		.bar[1] = {.size = 0x20, .is_io = true},
		.has_line = true,
		.name = "test device",
	};

	world.function = bus_function_new(&config, &ops, NULL);
	assert_non_null(world.function);
}

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
		port_driver_start(&scsi_driver_model, (void *)world_entry, "test", &world.driver);
	if (world.start_result)
		error_take(world.start_error, sizeof(world.start_error));
	else
		world.adapter = (struct scsi_adapter *)world.driver->adapters[0];
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

/* Starts driver and adapter, runs body (may be NULL; the start's result is in world), stops them.
 */
static inline void world_run(void (*body)(void))
{
	const struct mem_config mem = {.size = 64u << 20, .policy = miniport.memory};
	const struct cpu_config cpu = {.processors = miniport.cpus ? miniport.cpus : 1};
	const struct nt_config nt = {0};
	const struct dma_config dma = {.engine = miniport.engine};
	struct cpu_thread *thread;

	memset(&world, 0, sizeof(world));
	world.body = body;
	assert_int_equal(mem_init(&mem), 0);
	assert_int_equal(cpu_init(&cpu), 0);
	assert_int_equal(nt_init(&nt), 0);
	assert_int_equal(bus_init(), 0);
	assert_int_equal(dma_init(&dma), 0);
	world_device();
	trace_subscribe(1ull << TRACE_VIOLATION, world_violation, NULL);
	assert_int_equal(cpu_claim(0), 0);
	assert_int_equal(cpu_start(), 0);
	thread = cpu_thread_new(world_body, NULL, 0, "test");
	assert_non_null(thread);
	cpu_run(0, world_poll, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	bus_function_free(world.function);
	dma_fini();
	bus_fini();
	trace_unsubscribe(world_violation, NULL);
	assert_int_equal(nt_fini(), 0);
	cpu_fini();
	assert_int_equal(mem_fini(), 0);
	expect_tell();
}

/* The start must succeed, and nothing may be left unasked of what the port complained of. */
static inline void world_good(void (*body)(void))
{
	world_run(body);
	if (world.start_result)
		fail_msg("%s", world.start_error);
	if (world.violations)
		fail_msg("%u violations, the last: %s", world.violations, world.violation);
}

static int world_miniport(void **state)
{
	memset(&miniport, 0, sizeof(miniport));
	miniport.memory = MEM_SCATTERED;
	miniport.find_result = SP_RETURN_FOUND;
	miniport.initialize_result = TRUE;
	miniport.map_buffers = miniport.tagged = miniport.many = TRUE;
	return 0;
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

/* Gives all that is queued on this processor its turn. */
static inline void world_settle(void)
{
	for (unsigned n = 0; n < 5; n++)
		cpu_thread_park(200000);
}

/* ---- requests ---- */

struct world_request {
	struct port_request *port;
	char *data;
	uint32_t bytes;
	PMDL mdl;
	_Atomic bool done;
	uint8_t srb_status;
	uint32_t transferred;
};

static void world_request_done(struct port_request *request)
{
	struct world_request *r = request->ctx;

	r->srb_status = request->srb_status;
	r->transferred = request->transferred;
	port_request_put(request);
	atomic_store(&r->done, true);
}

/* A read of unit 0:0:lun with this many bytes of data, which begin at this byte of a page; hands it
 * to the port. */
static inline void world_submit_at(
	struct world_request *r, uint8_t function, uint8_t lun, uint32_t bytes, uint32_t offset)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 0, lun);
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
	request = port_request_get(&world.adapter->hba.port);
	expect(request != NULL);
	r->port = request;
	request->unit = unit;
	request->function = function;
	request->cdb_length = function == SRB_FUNCTION_EXECUTE_SCSI ? 10 : 0;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->cdb[0] = SCSIOP_READ;
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

static inline void world_submit(struct world_request *r, uint8_t lun, uint32_t bytes)
{
	world_submit_at(r, SRB_FUNCTION_EXECUTE_SCSI, lun, bytes, 0);
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
