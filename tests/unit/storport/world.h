/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ../hba_world.h with a Storport miniport: enough of one to be found and started. */
#ifndef TESTS_STORPORT_WORLD_H
#define TESTS_STORPORT_WORLD_H

#include "storport/storport_adapter.h"

#define WORLD_ADAPTER struct stor_adapter
#define WORLD_MODEL   stor_driver_model
#include "../hba_world.h"

#include <srbhelper.h>

#define WORLD_PORTS    0x20
#define WORLD_MESSAGES 4

#ifdef DRY_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

/* What the miniport does differently in a test; world_miniport sets it before each. */
static struct {
	unsigned cpus, devices; /* 0: one */
	bool line;		/* no messages in the device */
	bool plain;		/* SCSI_REQUEST_BLOCK */
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
	bool sees_pnp; /* both get SRB_FUNCTION_PNP, too; else it is given back for them */
	BOOLEAN (*interrupt)(void);
	PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE message;
	BOOLEAN (*reset)(ULONG path);
	PHW_ADAPTER_CONTROL control;
	void (*data)(HW_INITIALIZATION_DATA *data); /* before StorPortInitialize gets it */
	NTSTATUS (*entry)(PDRIVER_OBJECT driver, PUNICODE_STRING registry);
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

static void world_end_srb(PVOID ext, PSCSI_REQUEST_BLOCK srb, UCHAR status)
{
	SrbSetSrbStatus(srb, status);
	StorPortNotification(RequestComplete, ext, srb);
}

static inline void world_give_back(PSCSI_REQUEST_BLOCK srb, UCHAR status)
{
	world_end_srb(world.ext, srb, status);
}

static bool world_is_pnp(PSCSI_REQUEST_BLOCK srb)
{
	return !miniport.sees_pnp && SrbGetSrbFunction(srb) == SRB_FUNCTION_PNP;
}

static BOOLEAN NTAPI world_build_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	return world_is_pnp(srb) ? TRUE : miniport.build_io(ext, srb);
}

static BOOLEAN NTAPI world_start_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	if (miniport.start_io && !world_is_pnp(srb))
		return miniport.start_io(srb);
	world_end_srb(ext, srb, SRB_STATUS_SUCCESS); /* there may be other adapters */
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

/* What it registers, but for a test's own data. */
static HW_INITIALIZATION_DATA world_data(void)
{
	return (HW_INITIALIZATION_DATA){
		.HwInitializationDataSize = sizeof(HW_INITIALIZATION_DATA),
		.AdapterInterfaceType = PCIBus,
		.HwInitialize = world_initialize,
		.HwBuildIo = miniport.build_io ? world_build_io : NULL,
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
}

static NTSTATUS NTAPI world_entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA data = world_data();

	if (miniport.entry)
		return miniport.entry(driver, registry);
	if (miniport.data)
		miniport.data(&data);
	return (NTSTATUS)ddi_result(
		StorPortInitialize, StorPortInitialize(driver, registry, &data, NULL));
}

/* ---- the device ---- */

static struct bus_function *world_device(void)
{
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

	return bus_function_new(&config, &world_registers, NULL);
}

/* ---- running ---- */

static inline void world_run(enum dma_callback callback, void (*body)(void))
{
	struct world_machine machine = {.cpus = miniport.cpus,
		.devices = miniport.devices,
		.memory = miniport.memory,
		.dma = miniport.dma};

	machine.dma.callback = callback;
	world_run_on(&machine, body);
}

/* The start must succeed, and nothing may be left unasked of what the port complained of. */
static inline void world_good(void (*body)(void))
{
	world_run(DMA_CALLBACK_QUEUED, body);
	world_was_good();
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

/* ---- on a processor ---- */

/* Runs fn in a kernel thread on this processor to its end. */
static inline void world_on(unsigned cpu, void (*fn)(void *ctx), void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(fn, ctx, cpu, "other");

	expect(thread != NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

/* ---- requests ---- */

/* A request of unit 0:0:0 with this many bytes of data, and hands it to the port. */
static inline void world_submit(
	struct world_request *r, uint8_t function, uint8_t opcode, uint32_t bytes)
{
	world_submit_to(r, function, opcode, 0, bytes, 0);
}

/* The device. */
static inline struct dma_master world_master(void)
{
	struct dma_master master;

	dma_master_init(&master, "test device", 64);
	master.number = world.adapter->hba.dma_device.device;
	dma_master_enable(&master, true);
	return master;
}

#endif
