/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ../hba_world.h with a SCSI Port miniport. */
#ifndef TESTS_SCSIPORT_WORLD_H
#define TESTS_SCSIPORT_WORLD_H

#include "scsiport/scsi_adapter.h"

#define WORLD_ADAPTER struct scsi_adapter
#define WORLD_MODEL   scsi_driver_model
#include "../hba_world.h"

#define WORLD_UNCACHED 6000

/* What it finds. */
static struct {
	void *uncached, *base;
	ACCESS_RANGE range;
} found;

/* What the miniport does differently in a test; world_miniport sets it before each. */
static struct {
	unsigned cpus, devices; /* 0: one */
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
	found.range = (*config->AccessRanges)[0];
	found.base = ScsiPortGetDeviceBase(ext, config->AdapterInterfaceType,
		config->SystemIoBusNumber, found.range.RangeStart, found.range.RangeLength, FALSE);
	config->Master = TRUE;
	config->ScatterGather = TRUE;
	config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_SUPPORTED;
	config->NumberOfBuses = 1;
	config->MaximumTransferLength = 65536;
	config->NumberOfPhysicalBreaks = 16;
	config->CachesData = TRUE;
	found.uncached = ScsiPortGetUncachedExtension(ext, config, WORLD_UNCACHED);
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

static struct bus_function *world_device(void)
{
	const struct bus_function_config config = {
		.vendor = 0x1234,
		.device = 0x5678,
		.base_class = 1, /* mass storage */
		.bar[0] = {.size = WORLD_BAR},
		.bar[1] = {.size = 0x20, .is_io = true},
		.has_line = true,
		.name = "test device",
	};

	return bus_function_new(&config, &world_registers, NULL);
}

/* ---- running ---- */

static inline void world_run(void (*body)(void))
{
	const struct world_machine machine = {.cpus = miniport.cpus,
		.devices = miniport.devices,
		.memory = miniport.memory,
		.dma = {.engine = miniport.engine}};

	memset(&found, 0, sizeof(found));
	world_run_on(&machine, body);
}

/* The start must succeed, and nothing may be left unasked of what the port complained of. */
static inline void world_good(void (*body)(void))
{
	world_run(body);
	world_was_good();
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

/* ---- on a processor ---- */

/* Gives all that is queued on this processor its turn. */
static inline void world_settle(void)
{
	for (unsigned n = 0; n < 5; n++)
		cpu_thread_park(200000);
}

/* ---- requests ---- */

/* A read of unit 0:0:lun with this many bytes of data, which begin at this byte of a page. */
static inline void world_submit_at(
	struct world_request *r, uint8_t function, uint8_t lun, uint32_t bytes, uint32_t offset)
{
	world_submit_to(r, function, SCSIOP_READ, lun, bytes, offset);
}

static inline void world_submit(struct world_request *r, uint8_t lun, uint32_t bytes)
{
	world_submit_at(r, SRB_FUNCTION_EXECUTE_SCSI, lun, bytes, 0);
}

#endif
