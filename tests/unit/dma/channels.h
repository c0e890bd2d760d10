/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A driver that maps its transfers itself, under every engine: each has 8 map registers but the
 * first, which needs none. Bodies run at DISPATCH_LEVEL with an adapter for 32 KiB. */
#ifndef DRY_TESTS_DMA_CHANNELS_H
#define DRY_TESTS_DMA_CHANNELS_H

#include "world.h"

#include "dma/channel.h"
#include "dma/map_register.h"

#define IP  STATUS_INVALID_PARAMETER
#define BTS STATUS_BUFFER_TOO_SMALL
#define ISR STATUS_INSUFFICIENT_RESOURCES

#define LIST_BYTES(elements) (16u + 24u * (elements))
#define LIMIT		     8u /* map registers of the adapter */

static const struct world_config engines[] = {
	{.policy = MEM_SCATTERED, .dma = {.callback = DMA_CALLBACK_BEFORE_RETURN}},
	{.policy = MEM_SCATTERED,
		.dma = {.callback = DMA_CALLBACK_BEFORE_RETURN, .map_registers = LIMIT}},
	{.policy = MEM_HIGH,
		.dma = {.engine = DMA_BOUNCE,
			.callback = DMA_CALLBACK_BEFORE_RETURN,
			.map_registers = LIMIT,
			.width = 32}},
	{.policy = MEM_SCATTERED,
		.dma = {.engine = DMA_IOMMU,
			.callback = DMA_CALLBACK_BEFORE_RETURN,
			.map_registers = LIMIT}},
};

/* The driver, and what its AdapterControl was called with last. */
static struct {
	struct dma_adapter *adapter;
	struct dma_master master;
	PDEVICE_OBJECT device[6];
	unsigned calls;
	void *order[16]; /* contexts, in the order of the calls */
	PDEVICE_OBJECT called_device;
	PIRP irp;
	void *base, *context;
	IO_ALLOCATION_ACTION action; /* what it returns */
	void (*inside)(void);	     /* what it does */
	void (*body)(void);
} driver;

static __attribute__((unused)) IO_ALLOCATION_ACTION NTAPI control(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	if (driver.calls < array_size(driver.order))
		driver.order[driver.calls] = context;
	driver.calls++;
	driver.called_device = device;
	driver.irp = irp;
	driver.base = base;
	driver.context = context;
	if (driver.inside)
		driver.inside();
	return driver.action;
}

static __attribute__((unused)) bool has_pool(void)
{
	return dma_registers_count() != UINT32_MAX;
}

/* Where there is a pool, this many are taken. */
static __attribute__((unused)) void expect_taken(uint32_t count)
{
	assert_int_equal(dma_registers_taken(), has_pool() ? count : 0);
}

static __attribute__((unused)) struct dma_adapter *driver_adapter(bool scatters)
{
	const struct dma_constraints limits = {.width = 64,
		.max_transfer = 0x8000,
		.map_registers = LIMIT,
		.scatter_gather = scatters};
	struct dma_adapter *adapter = dma_adapter_new(&limits, (const void *)0x1234);

	assert_non_null(adapter);
	assert_int_equal(adapter->map_registers, LIMIT);
	return adapter;
}

/* DPCs run. */
static __attribute__((unused)) void let_go(void)
{
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_irql_raise(IRQL_DISPATCH);
}

static void driver_body(void)
{
	void (*body)(void) = driver.body;
	char *devices = mem_alloc(4096, 0, MEM_EXTENSION, NULL);

	memset(&driver, 0, sizeof(driver));
	memset(devices, 0, 4096);
	for (unsigned n = 0; n < array_size(driver.device); n++)
		driver.device[n] = (PDEVICE_OBJECT)(void *)(devices + n * sizeof(DEVICE_OBJECT));
	driver.adapter = driver_adapter(true);
	driver.action = DeallocateObject;
	dma_master_init(&driver.master, "disk", 64);
	dma_master_enable(&driver.master, true);
	cpu_irql_raise(IRQL_DISPATCH);
	body();
	cpu_irql_lower(IRQL_PASSIVE);
	if (dma_adapter_find(driver.adapter))
		dma_adapter_free(driver.adapter);
	assert_int_equal(dma_registers_taken(), 0);
	mem_free(devices, 4096);
}

static __attribute__((unused)) void run_under(const struct world_config *config, void (*body)(void))
{
	driver.body = body;
	world_run(config, driver_body);
}

static __attribute__((unused)) void each_engine(void (*body)(void))
{
	for (unsigned n = 0; n < array_size(engines); n++)
		run_under(&engines[n], body);
}

/* Those that have map registers to run out of. */
static __attribute__((unused)) void each_pool(void (*body)(void))
{
	for (unsigned n = 1; n < array_size(engines); n++)
		run_under(&engines[n], body);
}

/* ---- the calls ---- */

static __attribute__((unused)) NTSTATUS ask(unsigned device, uint32_t registers, uintptr_t context)
{
	return dma_channel_allocate(
		driver.adapter, &(struct dma_channel_order){.device_object = driver.device[device],
					.irp = (PIRP)0x5555,
					.registers = registers,
					.routine = control,
					.context = (void *)context,
					.site = 0x77});
}

/* Registers that are kept; returns the MapRegisterBase. */
static __attribute__((unused)) void *keep(uint32_t registers)
{
	IO_ALLOCATION_ACTION before = driver.action;

	driver.action = DeallocateObjectKeepRegisters;
	assert_int_equal(ask(0, registers, 0), STATUS_SUCCESS);
	driver.action = before;
	return driver.base;
}

static __attribute__((unused)) void unkeep(void *base, uint32_t registers)
{
	dma_channel_free_registers(driver.adapter, base, registers);
}

/* A synchronous request of version 3; routine may be NULL. */
static __attribute__((unused)) NTSTATUS ask_now(
	uint32_t registers, PDRIVER_CONTROL routine, void **base)
{
	return dma_channel_allocate(
		driver.adapter, &(struct dma_channel_order){.device_object = driver.device[5],
					.registers = registers,
					.routine = routine,
					.is_extended = true,
					.synchronous = true,
					.base = base});
}

static __attribute__((unused)) NTSTATUS flush(
	void *base, PMDL mdl, const void *va, uint32_t length, bool write)
{
	return dma_channel_flush(driver.adapter, base,
		&(struct dma_flush){.mdl = mdl,
			.va = (uintptr_t)va,
			.length = length,
			.write_to_device = write});
}

static __attribute__((unused)) NTSTATUS flush_ex(
	void *base, PMDL mdl, uint64_t offset, uint32_t length, bool write)
{
	return dma_channel_flush(driver.adapter, base,
		&(struct dma_flush){.mdl = mdl,
			.offset = offset,
			.is_extended = true,
			.length = length,
			.write_to_device = write});
}

/* ---- data ---- */

static inline char byte_of(uint32_t n)
{
	return (char)(n * 37 + n / 101 + 3);
}

static __attribute__((unused)) void fill_bytes(char *to, uint32_t bytes)
{
	for (uint32_t n = 0; n < bytes; n++)
		to[n] = byte_of(n);
}

static __attribute__((unused)) void expect_bytes(const char *from, uint32_t at, uint32_t bytes)
{
	for (uint32_t n = 0; n < bytes; n++)
		if (from[n] != byte_of(at + n))
			fail_msg("byte %u is 0x%02x, expected 0x%02x", at + n,
				(unsigned char)from[n], (unsigned char)byte_of(at + n));
}

/* The device reads or writes one piece, byte `at` of the transfer being its first. */
static __attribute__((unused)) void device_moves(
	uint64_t address, uint32_t bytes, uint32_t at, bool write_to_device)
{
	static char data[0x10000];

	if (write_to_device) {
		assert_int_equal(dma_bus_read(&driver.master, address, data, bytes), 0);
		expect_bytes(data, at, bytes);
		return;
	}
	for (uint32_t n = 0; n < bytes; n++)
		data[n] = byte_of(at + n);
	assert_int_equal(dma_bus_write(&driver.master, address, data, bytes), 0);
}

#endif
