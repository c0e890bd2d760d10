/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The addresses of a request's data, sense buffer and extension and of the adapter's memory, under
 * each engine: the device itself says whether they are right. */
#include "fake.h"

#include <errno.h>

#define BYTES 20000
#define START 0x123

static struct port_unit *unit;
static struct dma_master device;

static char of_device(uint32_t n)
{
	return (char)(n * 13 + 5);
}

/* Each byte of the data has an address; *bytes is never more than is contiguous. */
static void read_every_byte(struct port_request *request, const char *expected)
{
	const char *data = request->data;
	uint64_t bytes, left;
	char got[BYTES];

	for (uint32_t n = 0; n < BYTES; n += 97) {
		uint64_t address = port_request_address(request, data + n, &bytes);

		expect(address != MEM_NO_ADDRESS);
		expect(bytes >= 1 && bytes <= BYTES - n);
		expect_is(dma_bus_read(&device, address, got, bytes), 0);
		expect_is(memcmp(got, expected + n, bytes), 0);
	}
	/* Walked by its own lengths, it covers the transfer: SG-31's list and no byte more. */
	for (left = BYTES; left; left -= bytes)
		expect(port_request_address(request, data + (BYTES - left), &bytes) !=
			MEM_NO_ADDRESS);
	expect_is(port_request_address(request, data + BYTES, &bytes), MEM_NO_ADDRESS);
	expect_is(bytes, 0);
	expect_is(port_request_address(request, data - 1, &bytes), MEM_NO_ADDRESS);
}

static void to_device(struct fake_buffer *buffer)
{
	struct port_request *request = fake_submit_with(unit, buffer, SRB_FLAGS_DATA_OUT);
	bool is_copied = request->data != buffer->data;

	/* where the device works on a copy, the copy is what the miniport sees. */
	expect_is(is_copied, fake_dma->engine == DMA_BOUNCE);
	read_every_byte(request, buffer->data);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(request->data, buffer->data);
}

static void from_device(struct fake_buffer *buffer)
{
	struct port_request *request = fake_submit_with(unit, buffer, SRB_FLAGS_DATA_IN);
	uint64_t bytes;

	for (uint32_t n = 0; n < BYTES; n += (uint32_t)bytes) {
		uint64_t address = port_request_address(request, (char *)request->data + n, &bytes);

		for (uint32_t i = 0; i < bytes; i++) {
			char byte = of_device(n + i);

			expect_is(dma_bus_write(&device, address + i, &byte, 1), 0);
		}
		expect_is(((char *)request->data)[n], of_device(n));
	}
	fake_complete(0, SRB_STATUS_SUCCESS);
	for (uint32_t n = 0; n < BYTES; n++)
		expect_is(buffer->data[n], of_device(n));
}

static void lasting(void)
{
	struct port_request *request = &fake.adapter.requests[3];
	char *pages = mem_alloc(8192, MEM_LINEAR, MEM_EXTENSION, &fake.adapter);
	char *others = mem_alloc(4096, MEM_LINEAR, MEM_EXTENSION, &pages);
	uint64_t bytes, address;
	char byte = 0x5a;

	address = port_adapter_address(&fake.adapter, (char *)request->sense + 2, &bytes);
	expect_is(bytes, PORT_SENSE_BYTES - 2);
	expect_is(dma_bus_write(&device, address, &byte, 1), 0);
	expect_is(((char *)request->sense)[2], 0x5a);
	address = port_request_address(request, (char *)request->extension + 99, &bytes);
	expect_is(bytes, 1);
	expect_is(dma_bus_write(&device, address, &byte, 1), 0);
	expect_is(((char *)request->extension)[99], 0x5a);
	/* contract 3 */
	expect_is(address % 128, ((uintptr_t)request->extension + 99) % 128);
	expect_is(port_adapter_address(&fake.adapter, (char *)request->extension + 100, &bytes),
		MEM_NO_ADDRESS);
	expect_is(port_adapter_address(&fake.adapter, request->srb, &bytes), MEM_NO_ADDRESS);
	expect_is(port_adapter_address(&fake.adapter, others, &bytes), MEM_NO_ADDRESS);
	expect_is(port_adapter_address(&fake.adapter, &byte, &bytes), MEM_NO_ADDRESS);
	expect_is(port_adapter_address(&fake.adapter, NULL, &bytes), MEM_NO_ADDRESS);
	/* An extension: behind the iommu only once it is pinned. */
	address = port_adapter_address(&fake.adapter, pages + 100, &bytes);
	expect_is(address == MEM_NO_ADDRESS, fake_dma->engine == DMA_IOMMU);
	expect(dma_pin(fake.adapter.dma, pages, 8192, "test", 0) != MEM_NO_ADDRESS);
	address = port_adapter_address(&fake.adapter, pages + 100, &bytes);
	expect_is(bytes, 4096 - 100);
	expect_is(dma_bus_write(&device, address, &byte, 1), 0);
	expect_is(pages[100], 0x5a);
	dma_unpin(fake.adapter.dma, pages, 8192);
	mem_free(pages, 8192);
	mem_free(others, 4096);
}

/* Physical addresses are none of the device's behind the iommu. */
static void translated(struct fake_buffer *buffer)
{
	struct port_request *request = fake_submit_with(unit, buffer, SRB_FLAGS_DATA_OUT);
	uint64_t bytes, address = port_request_address(request, request->data, &bytes);
	char byte;

	expect(address != mem_physical(buffer->data));
	expect_is(dma_bus_read(&device, mem_physical(buffer->data), &byte, 1), -EFAULT);
	fake_violation(0, "of bus address");
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(dma_bus_read(&device, address, &byte, 1), -EFAULT);
	expect_is(atomic_exchange(&fake.violations, 0), 1);
}

static void body(void)
{
	struct fake_buffer buffer = fake_buffer(START, BYTES);

	unit = fake_adapter(20);
	device = fake_master();
	to_device(&buffer);
	from_device(&buffer);
	lasting();
	expect_is(fake.violations, 0);
	if (fake_dma->engine == DMA_IOMMU)
		translated(&buffer);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void run(enum dma_engine engine, enum mem_policy memory, unsigned width)
{
	const struct dma_config config = {.engine = engine};

	fake_dma = &config;
	fake_width = width;
	fake_memory = memory;
	fake_run(body, true);
	fake_dma = NULL;
	fake_width = 64;
	fake_memory = MEM_CONTIGUOUS;
}

static void under_direct_they_are_physical_addresses(void **state)
{
	run(DMA_DIRECT, MEM_CONTIGUOUS, 64);
	run(DMA_DIRECT, MEM_SCATTERED, 64);
}

static void under_bounce_those_of_data_are_the_copys(void **state)
{
	run(DMA_BOUNCE, MEM_HIGH, 32);
}

static void under_the_iommu_they_are_translated(void **state)
{
	run(DMA_IOMMU, MEM_SCATTERED, 64);
	run(DMA_IOMMU, MEM_HIGH, 32);
}

/* ---- requests without a list ---- */

static void plain_body(void)
{
	struct fake_buffer buffer = fake_buffer(START, BYTES);
	struct port_request *request;
	uint64_t bytes, address;
	char byte = 0;

	unit = fake_adapter(20);
	if (fake_dma)
		port_adapter_no_lists(&fake.adapter);
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_OUT);
	expect_is(request->mapped, false);
	expect_is(request->data, buffer.data);
	address = port_request_address(request, buffer.data + 5000, &bytes);
	if (fake_dma && (fake_dma->engine == DMA_IOMMU || fake_width < 64)) {
		expect_is(address, MEM_NO_ADDRESS);
	} else {
		expect_is(address, mem_physical(buffer.data + 5000));
		expect_is(bytes, 4096 - (START + 5000) % 4096);
		expect_is(port_request_address(request, buffer.data + BYTES - 3, &bytes),
			mem_physical(buffer.data + BYTES - 3));
		expect_is(bytes, 3);
	}
	expect_is(byte, 0);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

/* SG-36 */
static void data_without_a_list_has_the_address_that_the_device_reaches_or_none(void **state)
{
	const struct dma_config direct = {.engine = DMA_DIRECT}, bounce = {.engine = DMA_BOUNCE},
				iommu = {.engine = DMA_IOMMU};

	fake_run(plain_body, true); /* no DMA at all */
	fake_dma = &direct;
	fake_run(plain_body, true);
	fake_dma = &iommu;
	fake_run(plain_body, true);
	fake_dma = &bounce;
	fake_memory = MEM_HIGH;
	fake_run(plain_body, true);
	fake_width = 32;
	fake_run(plain_body, true);
	fake_width = 64;
	fake_memory = MEM_CONTIGUOUS;
	fake_dma = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_direct_they_are_physical_addresses),
		cmocka_unit_test(under_bounce_those_of_data_are_the_copys),
		cmocka_unit_test(under_the_iommu_they_are_translated),
		cmocka_unit_test(
			data_without_a_list_has_the_address_that_the_device_reaches_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
