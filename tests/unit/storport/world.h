/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A machine with a device that has registers and interrupts and does nothing, and a miniport
 * written in the test: enough of one to be found and started. Processor 0 is the test's own thread;
 * bodies run in a kernel thread there, at PASSIVE_LEVEL.
 */
#ifndef TESTS_STORPORT_WORLD_H
#define TESTS_STORPORT_WORLD_H

#include "../expect.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "storport/storport_adapter.h"
#include "trace/trace.h"
#include "util/error.h"

#include <srbhelper.h>

#define WORLD_BAR	0x1000 /* bytes of registers */
#define WORLD_PORTS	0x20
#define WORLD_MESSAGES	4
#define WORLD_EXTENSION 300 /* bytes of an SRB extension */

#ifdef DRY_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

static struct {
	struct bus_function *function;
	_Atomic uint32_t registers[WORLD_BAR / 4];
	struct port_driver *driver;
	struct stor_adapter *adapter;
	void *ext; /* the adapter's HwDeviceExtension */
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
	bool line;     /* no messages in the device */
	bool plain;    /* SCSI_REQUEST_BLOCK */
	bool half_duplex;
	UCHAR map_buffers;
	ULONG unit_extension, device_extension, srb_extension; /* 0: the usual */
	struct dma_config dma;				       /* but for its callback */
	enum mem_policy memory;
	ULONG find_result;
	void (*offer)(PPORT_CONFIGURATION_INFORMATION config); /* before it answers */
	void (*find)(PPORT_CONFIGURATION_INFORMATION config);  /* after it did */
	BOOLEAN initialize_result;
	void (*initialize)(void);
	PHW_PASSIVE_INITIALIZE_ROUTINE passive;
	PHW_BUILDIO build_io;
	BOOLEAN (*start_io)(PSCSI_REQUEST_BLOCK srb);
	BOOLEAN (*interrupt)(void);
	PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE message;
	BOOLEAN (*reset)(ULONG path);
	PHW_ADAPTER_CONTROL control;
	void (*data)(HW_INITIALIZATION_DATA *data); /* before StorPortInitialize gets it */
} miniport;

/* ---- the miniport ---- */

static ULONG NTAPI world_find(PVOID ext, PVOID context, PVOID bus, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	world.ext = ext;
	if (miniport.offer)
		miniport.offer(config);
	config->MaximumTransferLength = 65536;
	config->NumberOfPhysicalBreaks = 17;
	config->SynchronizationModel =
		miniport.half_duplex ? StorSynchronizeHalfDuplex : StorSynchronizeFullDuplex;
	config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
	config->HwMSInterruptRoutine = miniport.message;
	config->InterruptSynchronizationMode =
		miniport.message ? InterruptSynchronizePerMessage : InterruptSupportNone;
	if (miniport.find)
		miniport.find(config);
	return miniport.find_result;
}

static BOOLEAN NTAPI world_initialize(PVOID ext)
{
	if (miniport.initialize)
		miniport.initialize();
	if (miniport.passive)
		expect(StorPortEnablePassiveInitialization(ext, miniport.passive));
	return miniport.initialize_result;
}

static void world_give_back(PSCSI_REQUEST_BLOCK srb, UCHAR status)
{
	SrbSetSrbStatus(srb, status);
	StorPortNotification(RequestComplete, world.ext, srb);
}

static BOOLEAN NTAPI world_start_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	if (miniport.start_io)
		return miniport.start_io(srb);
	world_give_back(srb, SRB_STATUS_SUCCESS);
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
	HW_INITIALIZATION_DATA data = {
		.HwInitializationDataSize = sizeof(data),
		.AdapterInterfaceType = PCIBus,
		.HwInitialize = world_initialize,
		.HwBuildIo = miniport.build_io,
		.HwStartIo = world_start_io,
		.HwInterrupt = world_interrupt,
		.HwFindAdapter = (PVOID)world_find,
		.HwResetBus = world_reset,
		.HwAdapterControl = miniport.control,
		.DeviceExtensionSize = miniport.device_extension ? miniport.device_extension : 64,
		.SpecificLuExtensionSize = miniport.unit_extension,
		.SrbExtensionSize =
			miniport.srb_extension ? miniport.srb_extension : WORLD_EXTENSION,
		.NumberOfAccessRanges = 1,
		.MapBuffers = miniport.map_buffers,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		.SrbTypeFlags = miniport.plain ? SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK
					       : SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
	};

	if (miniport.data)
		miniport.data(&data);
	return (NTSTATUS)ddi_result(
		StorPortInitialize, StorPortInitialize(driver, registry, &data, NULL));
}

/* ---- the device ---- */

static uint64_t world_register_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	return world.registers[offset / 4];
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
		.bar[1] = {.size = WORLD_PORTS, .is_io = true},
		.bar[2] = {.size = miniport.line ? 0 : WORLD_BAR},
		.msix_messages = miniport.line ? 0 : WORLD_MESSAGES,
		.msix_bar = 2,
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
		port_driver_start(&stor_driver_model, (void *)world_entry, "test", &world.driver);
	if (world.start_result)
		error_take(world.start_error, sizeof(world.start_error));
	else
		world.adapter = (struct stor_adapter *)world.driver->adapters[0];
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
static inline void world_run(enum dma_callback callback, void (*body)(void))
{
	const struct mem_config mem = {.size = 64u << 20, .policy = miniport.memory};
	const struct cpu_config cpu = {.processors = miniport.cpus ? miniport.cpus : 1};
	const struct nt_config nt = {0};
	struct dma_config dma = miniport.dma;
	struct cpu_thread *thread;

	dma.callback = callback;
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
	world_run(DMA_CALLBACK_QUEUED, body);
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
	miniport.map_buffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
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

/* Runs fn in a kernel thread on this processor to its end. */
static inline void world_on(unsigned cpu, void (*fn)(void *ctx), void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(fn, ctx, cpu, "other");

	expect(thread != NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

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

/* A request of unit 0:0:0 with this many bytes of data, and hands it to the port. */
static inline void world_submit(
	struct world_request *r, uint8_t function, uint8_t opcode, uint32_t bytes)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	struct port_request *request;
	uint8_t irql;

	memset(r, 0, sizeof(*r));
	r->bytes = bytes;
	if (bytes) {
		r->data = mem_alloc(round_up(bytes, MEM_PAGE_SIZE), 0, MEM_DATA, NULL);
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

/* The device. */
static inline struct dma_master world_master(void)
{
	struct dma_master master;

	dma_master_init(&master, "test device", 64);
	master.number = world.adapter->dma_device.device;
	master.enabled = true;
	return master;
}

static inline void world_end(struct world_request *r)
{
	world_wait(r->done);
	if (!r->bytes)
		return;
	IoFreeMdl(r->mdl);
	mem_free(r->data, round_up(r->bytes, MEM_PAGE_SIZE));
}

#endif
