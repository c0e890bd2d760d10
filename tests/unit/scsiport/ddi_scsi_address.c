/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * ScsiPortGetPhysicalAddress and its like: what the documented loop finds is the buffer, byte by
 * byte; lengths; what cannot be converted.
 */
#include "world.h"
#include <errno.h>

#define PIECES 32

static struct world_request request;
static PSCSI_REQUEST_BLOCK held;
static unsigned srb_bytes, srb_offset;

static void keep(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
}

static int setup(void **state)
{
	world_miniport(NULL);
	miniport.start_io = keep;
	held = NULL;
	srb_bytes = 20000;
	srb_offset = 0;
	return 0;
}

static void begin(void)
{
	world_submit_at(&request, SRB_FUNCTION_EXECUTE_SCSI, 0, srb_bytes, srb_offset);
	expect(held != NULL);
}

static void end(void)
{
	world_give_back(held, SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	world_end(&request);
}

/* ---- data ---- */

/* Each byte of [at, at + length) stands where the frame of its page says. */
static void expect_contiguous(const char *at, ULONG length, uint64_t address)
{
	for (ULONG n = 0; n < length; n++)
		if (mem_physical(at + n) != address + n) {
			expect_is(mem_physical(at + n), address + n);
			return;
		}
}

/* How much is mapped from here on: to the end of the page, and in contiguous memory to that of the
 * last page, which is behind the data. */
static ULONG mapped_bytes(const char *at, ULONG left)
{
	ULONG to_page = 4096 - (ULONG)((uintptr_t)at & 4095);

	if (miniport.memory != MEM_CONTIGUOUS)
		return to_page;
	while (to_page < left)
		to_page += 4096;
	return to_page;
}

static void documented_loop(void)
{
	ULONG left, length = 0, pieces = 0;
	char *data;

	begin();
	data = held->DataBuffer;
	for (left = held->DataTransferLength; left && pieces < PIECES;
		left -= length, data += length) {
		SCSI_PHYSICAL_ADDRESS address =
			ScsiPortGetPhysicalAddress(world.ext, held, data, &length);

		expect_is(length, mapped_bytes(data, left));
		length = min_of(length, left);
		if (!length)
			break;
		expect_contiguous(data, length, (uint64_t)address.QuadPart);
		pieces++;
	}
	expect_is(left, 0);
	/* Neighbours in the buffer are never neighbours in RAM: a piece for each page. */
	if (miniport.memory == MEM_SCATTERED)
		expect_is(pieces, (srb_offset + srb_bytes + 4095) / 4096);
	else
		expect_is(pieces, 1);
	end();
}

/* covers: ScsiPortGetPhysicalAddress */
static void the_documented_loop_finds_every_byte_of_scattered_data(void **state)
{
	static const unsigned cases[][2] = {{512, 0}, {4096, 0}, {4097, 0}, {20000, 0},
		{20000, 4095}, {65536, 0}, {61441, 4095}};

	for (unsigned n = 0; n < array_size(cases); n++) {
		srb_bytes = cases[n][0];
		srb_offset = cases[n][1];
		world_good(documented_loop);
	}
}

/* covers: ScsiPortGetPhysicalAddress */
static void contiguous_data_is_one_piece(void **state)
{
	miniport.memory = MEM_CONTIGUOUS;
	srb_offset = 100;
	world_good(documented_loop);
}

static void backwards_and_twice(void)
{
	ULONG length;
	SCSI_PHYSICAL_ADDRESS address;

	begin();
	for (unsigned turn = 0; turn < 2; turn++)
		for (int at = (int)srb_bytes - 1; at >= 0; at -= 999) {
			char *data = (char *)held->DataBuffer + at;
			uint64_t to_page = 4096 - ((uintptr_t)data & 4095);

			address = ScsiPortGetPhysicalAddress(world.ext, held, data, &length);
			expect_is(address.QuadPart, mem_physical(data));
			expect_is(length, to_page);
		}
	end();
}

/* covers: ScsiPortGetPhysicalAddress */
static void any_byte_may_be_asked_for_in_any_order(void **state)
{
	world_good(backwards_and_twice);
}

/* ---- what a device does with it ---- */

static struct dma_master master;

/* Bytes that tell where they belong. */
static unsigned char pattern(uint64_t at)
{
	return (unsigned char)(at ^ at >> 8 ^ 0x35);
}

static void device_init(void)
{
	dma_master_init(&master, "test device", 64);
	master.number = bus_function_slot(world.function);
	dma_master_enable(&master, true);
}

/* One piece is written by the device; *last: the address of the byte behind it. */
static ULONG device_writes(ULONG at, uint64_t *last)
{
	unsigned char bytes[4096];
	ULONG length;
	SCSI_PHYSICAL_ADDRESS address =
		ScsiPortGetPhysicalAddress(world.ext, held, (char *)held->DataBuffer + at, &length);

	length = min_of(min_of(length, srb_bytes - at), (ULONG)sizeof(bytes));
	for (ULONG n = 0; n < length; n++)
		bytes[n] = pattern(at + n);
	expect(length >= 1);
	expect_is(dma_bus_write(&master, (uint64_t)address.QuadPart, bytes, length), 0);
	*last = (uint64_t)address.QuadPart + length;
	return length ? length : srb_bytes;
}

static void device_reads_in(void)
{
	uint64_t last = 0;

	device_init();
	begin();
	for (ULONG at = 0; at < srb_bytes;)
		at += device_writes(at, &last);
	/* Who does not clip the last piece is told by an iommu. */
	if (miniport.engine == DMA_IOMMU) {
		expect_is(dma_bus_write(&master, last, "x", 1), -EFAULT);
		expect_violation(0, "outside what is mapped");
	}
	if (miniport.engine == DMA_BOUNCE) /* it sees what the device works on */
		for (ULONG at = 0; at < srb_bytes; at++)
			expect_is(((unsigned char *)held->DataBuffer)[at], pattern(at));
	world_give_back(held, SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	world_wait(request.done);
	for (ULONG at = 0; at < srb_bytes; at++)
		expect_is(((unsigned char *)request.data)[at], pattern(at));
	if (miniport.engine == DMA_IOMMU) {
		expect_is(dma_bus_write(&master, last - 1, "x", 1), -EFAULT);
		expect_violation(0, "bus address");
	}
	world_end(&request);
}

static void thirty_two_bits(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->Dma32BitAddresses = TRUE;
	config->Dma64BitAddresses = 0;
	expect(mem_physical(found.uncached) + WORLD_UNCACHED <= 1ull << 32);
}

/* covers: ScsiPortGetPhysicalAddress */
static void behind_every_engine_the_device_reaches_the_data_by_these_addresses(void **state)
{
	static const enum dma_engine engines[] = {DMA_DIRECT, DMA_BOUNCE, DMA_IOMMU};

	for (unsigned n = 0; n < array_size(engines); n++) {
		miniport.engine = engines[n];
		miniport.memory = engines[n] == DMA_BOUNCE ? MEM_HIGH : MEM_SCATTERED;
		miniport.find = engines[n] == DMA_BOUNCE ? thirty_two_bits : NULL;
		srb_offset = 4000;
		srb_bytes = 9999;
		world_good(device_reads_in);
	}
}

/* ---- what stays ---- */

static void lasting(void)
{
	SCSI_PHYSICAL_ADDRESS address;
	ULONG length;

	begin();
	address =
		ScsiPortGetPhysicalAddress(world.ext, NULL, (char *)found.uncached + 4100, &length);
	expect_is(address.QuadPart, mem_physical(found.uncached) + 4100);
	expect(length >= WORLD_UNCACHED - 4100);
	expect_is(ScsiPortGetVirtualAddress(world.ext, address), (char *)found.uncached + 4100);
	for (unsigned n = 0; n < 2; n++) { /* with the SRB too: contract 4 */
		address = ScsiPortGetPhysicalAddress(
			world.ext, n ? held : NULL, (char *)held->SrbExtension + 7, &length);
		expect_is(address.QuadPart, mem_physical((char *)held->SrbExtension + 7));
		expect_is(length, WORLD_EXTENSION - 7);
		expect_is(ScsiPortGetVirtualAddress(world.ext, address),
			(char *)held->SrbExtension + 7);
		address = ScsiPortGetPhysicalAddress(
			world.ext, n ? held : NULL, held->SenseInfoBuffer, &length);
		expect_is(address.QuadPart, mem_physical(held->SenseInfoBuffer));
		expect_is(length, held->SenseInfoBufferLength);
	}
	end();
}

/* covers: ScsiPortGetPhysicalAddress, ScsiPortGetVirtualAddress */
static void extensions_and_sense_buffer_have_addresses_and_lead_back(void **state)
{
	world_good(lasting);
}

/* ---- failures ---- */

static SCSI_PHYSICAL_ADDRESS physical(PSCSI_REQUEST_BLOCK srb, PVOID va)
{
	ULONG length = 77;
	SCSI_PHYSICAL_ADDRESS address = ScsiPortGetPhysicalAddress(world.ext, srb, va, &length);

	expect_is(length, 0);
	expect_violation(0xf1001006, "cannot");
	return address;
}

#define expect_none(srb, va)                                                                       \
	ddi_expect(ScsiPortGetPhysicalAddress, 0, physical((srb), (va)).QuadPart)

static void refusals(void)
{
	static char foreign[16];
	SCSI_PHYSICAL_ADDRESS address = {.QuadPart = 0x123456};
	PSCSI_REQUEST_BLOCK gone;
	ULONG length;

	begin();
	expect_none(NULL, held->DataBuffer);			 /* the SRB must be given */
	expect_none(held, (char *)held->DataBuffer + srb_bytes); /* behind the data */
	expect_none(held, (char *)held->DataBuffer - 1);	 /* before it */
	expect_none((PVOID)foreign, held->DataBuffer);		 /* no SRB */
	expect_none(NULL, foreign);				 /* no memory of the machine */
	expect_none(NULL, world.ext);				 /* the device extension */
	expect_none(NULL, held);				 /* the SRB itself */
	expect_none(NULL, NULL);
	gone = held;
	end();
	expect_none(gone, gone->DataBuffer); /* the port's again */
	/* no adapter */
	address = ScsiPortGetPhysicalAddress(foreign, NULL, found.uncached, &length);
	expect_is(address.QuadPart, 0);
	expect_violation(0, "HwDeviceExtension");

	address.QuadPart = 0x7fff000123456; /* where no memory is */
	expect_is(ScsiPortGetVirtualAddress(world.ext, address), NULL);
	expect_violation(0, "neither");
	address.QuadPart = (LONGLONG)mem_physical(world.ext);
	expect_is(ScsiPortGetVirtualAddress(world.ext, address), NULL);
	expect_violation(0, "neither");
	expect_is(ScsiPortGetVirtualAddress(foreign, address), NULL);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortGetPhysicalAddress, ScsiPortGetVirtualAddress */
static void what_is_not_the_adapters_has_no_address(void **state)
{
	world_good(refusals);
}

static void no_addresses(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->Master = FALSE;
	config->NeedPhysicalAddresses = FALSE;
}

static void without_need(void)
{
	begin();
	expect_none(held, held->DataBuffer);
	end();
}

/* covers: ScsiPortGetPhysicalAddress */
static void without_need_physical_addresses_nothing_has_one(void **state)
{
	miniport.find = no_addresses;
	world_good(without_need);
}

/* ---- the uncached extension ---- */

static PSCSIPORT_PORT_CONFIGURATION_INFORMATION configuration;

static void ask_again(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	configuration = config;
	expect_is(ScsiPortGetUncachedExtension(world.ext, config, 100), NULL);
	expect_violation(0, "second");
	expect_is(ScsiPortGetUncachedExtension(world.ext, config, 0), NULL);
}

static void ask_late(void)
{
	expect(((uintptr_t)found.uncached & 4095) == 0);
	for (unsigned n = 0; n < WORLD_UNCACHED; n++)
		expect_is(((char *)found.uncached)[n], 0);
	expect_is(ScsiPortGetUncachedExtension(world.ext, configuration, 100), NULL);
	expect_violation(0, "outside HwScsiFindAdapter");
	expect_is(ScsiPortGetUncachedExtension(NULL, configuration, 100), NULL);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortGetUncachedExtension */
static void the_uncached_extension_is_to_be_had_once_and_in_find_adapter(void **state)
{
	miniport.find = ask_again;
	world_good(ask_late);
}

/* ---- the rest ---- */

static void converting(void)
{
	SCSI_PHYSICAL_ADDRESS address = ScsiPortConvertUlongToPhysicalAddress(0x123456789abc);

	expect_is(address.QuadPart, 0x123456789abc);
	expect_is(ScsiPortConvertPhysicalAddressToUlong(address), 0x56789abc);
	expect_is(ScsiPortConvertPhysicalAddressToULongPtr(address), 0x123456789abc);
	ScsiPortIoMapTransfer(world.ext, NULL, NULL, 0);
	expect_violation(0, "system DMA controller");
	ScsiPortFlushDma(world.ext);
	expect_violation(0, "system DMA controller");
}

/*
 * covers: ScsiPortConvertPhysicalAddressToUlong, ScsiPortConvertUlongToPhysicalAddress,
 * ScsiPortFlushDma, ScsiPortIoMapTransfer
 */
static void addresses_are_converted_and_the_system_dma_controller_is_not_there(void **state)
{
	world_good(converting);
}

int main(void)
{
#define with_setup(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		with_setup(the_documented_loop_finds_every_byte_of_scattered_data),
		with_setup(contiguous_data_is_one_piece),
		with_setup(any_byte_may_be_asked_for_in_any_order),
		with_setup(behind_every_engine_the_device_reaches_the_data_by_these_addresses),
		with_setup(extensions_and_sense_buffer_have_addresses_and_lead_back),
		with_setup(what_is_not_the_adapters_has_no_address),
		with_setup(without_need_physical_addresses_nothing_has_one),
		with_setup(the_uncached_extension_is_to_be_had_once_and_in_find_adapter),
		with_setup(addresses_are_converted_and_the_system_dma_controller_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
