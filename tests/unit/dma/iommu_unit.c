/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the iommu of a device in another process is told: a unit of the test's that keeps each page
 * it was given. Expected entries come from the buffers' frames.
 */
#include "world.h"
#include "dma/common_buffer.h"
#include "dma/iommu_unit.h"
#include "dma/map_register.h"
#include "dma/mapping.h"
#include "util/error.h"
#include "dryport.h"

#include <errno.h>

#define PAGE  4096ull
#define SEEN  256
#define BASE  0xD0000000ull
#define BYTES 0x20000000ull

/* Entries that lead somewhere, in the order of their making. */
static struct seen_unit {
	struct dma_unit unit;
	struct {
		uint64_t address, physical;
		unsigned access;
	} entry[SEEN];
	unsigned entries, flushes, reserves;
	uint64_t base, bytes;
	int fails;
} seen;

static int seen_reserve(struct dma_unit *unit, uint64_t address, uint64_t bytes)
{
	seen.base = address;
	seen.bytes = bytes;
	seen.reserves++;
	return seen.fails ? error_set(seen.fails, "the test says so.") : 0;
}

static void seen_set(struct dma_unit *unit, uint64_t address, uint64_t physical, unsigned access)
{
	unsigned n = 0;

	while (n < seen.entries && seen.entry[n].address != address)
		n++;
	assert_true(n < SEEN);
	seen.entry[n].address = address;
	seen.entry[n].physical = physical;
	seen.entry[n].access = access;
	seen.entries += n == seen.entries;
}

static bool seen_clear(struct dma_unit *unit, uint64_t address, uint64_t physical)
{
	for (unsigned n = 0; n < seen.entries; n++)
		if (seen.entry[n].address == address &&
			(physical == MEM_NO_ADDRESS || seen.entry[n].physical == physical)) {
			seen.entry[n] = seen.entry[--seen.entries];
			return true;
		}
	return false;
}

static void seen_flush(struct dma_unit *unit)
{
	seen.flushes++;
}

static const struct dma_unit_ops ops = {seen_reserve, seen_set, seen_clear, seen_flush};

static const struct world_config iommu = {.policy = MEM_SCATTERED,
	.dma = {.engine = DMA_IOMMU, .callback = DMA_CALLBACK_BEFORE_RETURN}};

static struct dma_adapter *adapter_of(uint8_t device, bool scatters)
{
	const struct dma_constraints limits = {
		.width = 64, .max_transfer = 0x10000, .scatter_gather = scatters, .device = device};

	return dma_adapter_new(&limits, (const void *)0x1234);
}

static void unit_begin(unsigned device)
{
	memset(&seen, 0, sizeof(seen));
	seen.unit.ops = &ops;
	seen.unit.device = device;
	assert_int_equal(dma_unit_add(&seen.unit), 0);
}

static uint64_t physical_of(uint64_t address, unsigned access)
{
	for (unsigned n = 0; n < seen.entries; n++)
		if (seen.entry[n].address == (address & ~(PAGE - 1))) {
			assert_int_equal(seen.entry[n].access, access);
			return seen.entry[n].physical + address % PAGE;
		}
	fail_msg("nothing at 0x%llx", (unsigned long long)address);
	return 0;
}

/* All pages of the buffer by the list's addresses, and nothing else. */
static void assert_reached(
	const struct world_buffer *buffer, PSCATTER_GATHER_LIST list, unsigned access)
{
	uint32_t at = 0;

	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG i = 0; i < list->Elements[n].Length; i++, at++)
			if (i == 0 || (list->Elements[n].Address.QuadPart + i) % PAGE == 0)
				assert_int_equal(
					physical_of(
						(uint64_t)list->Elements[n].Address.QuadPart + i,
						access),
					mem_physical(buffer->va + at));
	assert_int_equal(at, buffer->bytes);
}

static union {
	SCATTER_GATHER_LIST list;
	char room[sizeof(SCATTER_GATHER_LIST) + 16 * sizeof(SCATTER_GATHER_ELEMENT)];
} made;

static void requests(void)
{
	struct dma_adapter *adapter;
	struct world_buffer buffer = world_buffer(0xe00, 0x2400);
	struct dma_mapping mapping;

	unit_begin(7);
	adapter = adapter_of(7, true);
	assert_int_equal(seen.base, BASE);
	assert_int_equal(seen.bytes, BYTES);
	/* from the device: it writes, and no more */
	assert_int_equal(world_map(adapter, &mapping, buffer.mdl, buffer.va, buffer.bytes, false,
				 &made.list, 16),
		0);
	assert_int_equal(seen.entries, 4);
	assert_reached(&buffer, &made.list, DMA_UNIT_WRITE);
	assert_int_equal(seen.flushes, 0);
	dma_unmap(adapter, &mapping);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.flushes, 1);
	/* to the device: it reads */
	assert_int_equal(world_map(adapter, &mapping, buffer.mdl, buffer.va, buffer.bytes, true,
				 &made.list, 16),
		0);
	assert_reached(&buffer, &made.list, DMA_UNIT_READ);
	dma_unmap(adapter, &mapping);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.flushes, 2);
	dma_adapter_free(adapter);
	dma_unit_remove(&seen.unit);
	world_buffer_free(&buffer);
}

static void what_is_mapped_is_in_the_tables_until_it_ends(void **state)
{
	world_run(&iommu, requests);
}

static void together(void)
{
	struct dma_adapter *adapter;
	struct world_buffer buffer[3];
	struct dma_mapping mapping[3];
	uint32_t units = 0;

	unit_begin(7);
	adapter = adapter_of(7, true);
	assert_true(dma_waits_for_units());
	for (unsigned n = 0; n < 3; n++) {
		buffer[n] = world_buffer(0, 0x1000);
		assert_int_equal(world_map(adapter, &mapping[n], buffer[n].mdl, buffer[n].va,
					 0x1000, false, &made.list, 16),
			0);
	}
	for (unsigned n = 0; n < 3; n++)
		units |= dma_shut(&mapping[n]);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.flushes, 0);
	assert_int_equal(dma_shut(&mapping[1]), 0); /* a second time: nothing to do */
	dma_shut_end(units);
	for (unsigned n = 0; n < 3; n++) {
		dma_unmap(adapter, &mapping[n]);
		world_buffer_free(&buffer[n]);
	}
	assert_int_equal(seen.flushes, 1);
	assert_int_equal(dma_registers_taken(), 0);
	/* a mapping used again waits for itself */
	buffer[0] = world_buffer(0, 0x1000);
	assert_int_equal(world_map(adapter, &mapping[0], buffer[0].mdl, buffer[0].va, 0x1000, false,
				 &made.list, 16),
		0);
	dma_unmap(adapter, &mapping[0]);
	assert_int_equal(seen.flushes, 2);
	world_buffer_free(&buffer[0]);
	dma_adapter_free(adapter);
	dma_unit_remove(&seen.unit);
}

static void transfers_that_end_together_wait_once(void **state)
{
	world_run(&iommu, together);
}

static void pins(void)
{
	struct dma_adapter *adapter, *other;
	char *va = mem_alloc(3 * PAGE, MEM_LINEAR, MEM_EXTENSION, NULL);
	uint64_t address, elsewhere;

	unit_begin(7);
	adapter = adapter_of(7, true);
	other = adapter_of(8, true);
	address = dma_pin(adapter, va, 3 * PAGE, "extension", 0);
	/* of another device */
	elsewhere = dma_pin(other, va, PAGE, "extension", 0);
	assert_int_not_equal(elsewhere, MEM_NO_ADDRESS);
	assert_int_equal(seen.entries, 3);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(physical_of(address + n * PAGE, DMA_UNIT_READ | DMA_UNIT_WRITE),
			mem_physical(va) + n * PAGE);
	/* until it joins the domain */
	assert_int_equal(dma_domain_join(adapter, other->own_domain), STATUS_SUCCESS);
	assert_int_equal(seen.entries, 1);
	assert_int_equal(physical_of(elsewhere, DMA_UNIT_READ | DMA_UNIT_WRITE), mem_physical(va));
	assert_int_equal(seen.flushes, 1);
	assert_int_equal(dma_domain_join(adapter, adapter->own_domain), STATUS_SUCCESS);
	assert_int_equal(seen.entries, 3);
	dma_unpin(adapter, va, 3 * PAGE);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.flushes, 3);
	dma_adapter_free(adapter);
	dma_adapter_free(other);
	dma_unit_remove(&seen.unit);
	mem_free(va, 3 * PAGE);
}

static void a_unit_has_what_its_device_is_in(void **state)
{
	world_run(&iommu, pins);
}

/* A driver that gives memory back while it is mapped. */
static void gone(void)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	struct dma_adapter *adapter;
	struct world_buffer buffer = world_buffer(0, 0x1000);
	struct dma_mapping mapping;
	uint64_t frame = mem_user_lock(page);

	unit_begin(7);
	adapter = adapter_of(7, true);
	MmGetMdlPfnArray(buffer.mdl)[0] = frame;
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1000, false, &made.list, 16),
		0);
	assert_int_equal(seen.entries, 1);
	assert_int_equal(seen.entry[0].physical, frame * PAGE);
	assert_true(mem_user_unlock(frame));
	dma_unmap(adapter, &mapping);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.flushes, 1);
	dma_adapter_free(adapter);
	dma_unit_remove(&seen.unit);
	world_buffer_free(&buffer);
}

static void what_is_no_memory_any_more_is_unmapped_too(void **state)
{
	world_run(&iommu, gone);
}

/* SGL-6: one element, of copies. */
static void copies(void)
{
	struct dma_adapter *adapter;
	struct world_buffer a = world_buffer(0x200, 0x300), b = world_buffer(0x600, 0x300);
	struct dma_mapping mapping;
	uint64_t address;

	unit_begin(7);
	adapter = adapter_of(7, false);
	a.mdl->Next = b.mdl;
	assert_int_equal(
		world_map(adapter, &mapping, a.mdl, a.va, 0x600, false, &made.list, 16), 0);
	assert_int_equal(made.list.NumberOfElements, 1);
	address = physical_of((uint64_t)made.list.Elements[0].Address.QuadPart, DMA_UNIT_WRITE);
	assert_int_equal(seen.entries, 1);
	assert_int_equal(mem_frame_get(address / PAGE)->kind, MEM_BOUNCE);
	memset(mem_host(address), 0x5a, 0x600);
	dma_unmap(adapter, &mapping);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(b.va[0x2ff], 0x5a);
	dma_adapter_free(adapter);
	dma_unit_remove(&seen.unit);
	world_buffer_free(&a);
	world_buffer_free(&b);
}

static void copies_are_reached_and_their_source_is_not(void **state)
{
	world_run(&iommu, copies);
}

static void late(void)
{
	struct dma_adapter *adapter = adapter_of(7, true);
	char *va = mem_alloc(PAGE, MEM_LINEAR, MEM_EXTENSION, NULL);
	uint64_t address = dma_pin(adapter, va, PAGE, "extension", 0);

	unit_begin(7);
	assert_int_equal(seen.entries, 1);
	assert_int_equal(physical_of(address, DMA_UNIT_READ | DMA_UNIT_WRITE), mem_physical(va));
	/* no memory for its tables: no adapter */
	seen.fails = ENOMEM;
	assert_null(adapter_of(7, true));
	assert_string_equal(dry_error(), "the test says so.");
	dma_unpin(adapter, va, PAGE);
	mem_free(va, PAGE);
	dma_adapter_free(adapter);
	dma_unit_remove(&seen.unit);
	assert_false(dma_waits_for_units());
}

static void a_unit_that_comes_later_is_told_of_all(void **state)
{
	world_run(&iommu, late);
}

static void faults(void)
{
	struct dma_adapter *adapter = adapter_of(7, true);
	struct world_buffer buffer = world_buffer(0x10, 0x1000);
	struct dma_mapping mapping;
	struct dma_master master;
	uint64_t address;

	dma_master_init(&master, "disk", 64);
	master.number = 7;
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1000, true, &made.list, 16),
		0);
	address = (uint64_t)made.list.Elements[0].Address.QuadPart & ~(PAGE - 1);
	dma_bus_refused(&master, address, true);
	world_expect(0, "write of bus address 0xd0000000 failed: it is mapped for the other "
			"direction: the request (4096 bytes, to the device, DMA adapter 0)");
	/* the same of the same list is told once */
	dma_bus_refused(&master, address, true);
	assert_int_equal(world.violations, world.taken);
	dma_bus_refused(&master, address, false);
	world_expect(0, "read of bus address 0xd0000000 failed: nothing was mapped there at that "
			"moment: the request");
	/* The page behind: whose end is it? */
	dma_bus_refused(&master, address + 2 * PAGE, true);
	world_expect(0, "failed: nothing is mapped there now: nothing was ever mapped there; in "
			"the page before it ends the request (4096 bytes");
	dma_unmap(adapter, &mapping);
	dma_bus_refused(&master, address + PAGE, false);
	world_expect(0, "read of bus address 0xd0001000 failed: nothing is mapped there now: the "
			"request (4096 bytes");
	assert_null(strstr(world.violation[world.taken - 1].text, "before"));
	/* told when it is over */
	dma_bus_refused(&master, address, true);
	world_expect(0, "write of bus address 0xd0000000 failed: nothing is mapped there now, and "
			"it was for the other direction: the request (4096 bytes");
	dma_bus_refused(&master, address + 2 * PAGE, true);
	world_expect(0, "nothing was ever mapped there; in the page before it ends the request");
	dma_bus_refused(&master, address + 3 * PAGE, true);
	world_expect(0, "failed: nothing is mapped there now: nothing was ever mapped there");
	assert_null(strstr(world.violation[world.taken - 1].text, "before"));
	dma_bus_refused(&master, mem_physical(buffer.va) & ~(PAGE - 1), true);
	world_expect(0, "it is a physical address of memory, which this device must not use");
	dma_bus_refused(&master, 0x1000, true);
	world_expect(0, "device 7 (disk): write of bus address 0x1000 failed: the iommu has no "
			"mapping there");
	assert_int_equal(master.faults, 9);
	dma_adapter_free(adapter);
	world_buffer_free(&buffer);
}

static void a_fault_names_what_was_there(void **state)
{
	world_run(&iommu, faults);
}

static void it_goes_with_the_iommu_alone(void **state)
{
	const struct world_config direct = {.policy = MEM_SCATTERED};

	world_begin(&direct);
	seen.unit.ops = &ops;
	assert_int_equal(dma_unit_add(&seen.unit), -EINVAL);
	assert_false(dma_waits_for_units());
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mapped_is_in_the_tables_until_it_ends),
		cmocka_unit_test(transfers_that_end_together_wait_once),
		cmocka_unit_test(a_unit_has_what_its_device_is_in),
		cmocka_unit_test(what_is_no_memory_any_more_is_unmapped_too),
		cmocka_unit_test(copies_are_reached_and_their_source_is_not),
		cmocka_unit_test(a_unit_that_comes_later_is_told_of_all),
		cmocka_unit_test(a_fault_names_what_was_there),
		cmocka_unit_test(it_goes_with_the_iommu_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
