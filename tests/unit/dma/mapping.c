/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the bounce and iommu engines put between a buffer and its device (MR-3, R-6, SGL-6, X-14).
 */
#include "lists.h"
#include "dma/map_register.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

static struct dma_master master;
static struct dma_mapping mapping;

static const struct world_config bounce = {
	.policy = MEM_HIGH, .dma = {.engine = DMA_BOUNCE, .callback = DMA_CALLBACK_BEFORE_RETURN}};
static const struct world_config iommu = {.policy = MEM_SCATTERED,
	.dma = {.engine = DMA_IOMMU, .callback = DMA_CALLBACK_BEFORE_RETURN}};

static struct dma_adapter *adapter_of(unsigned width, bool scatters)
{
	const struct dma_constraints limits = {
		.width = width, .max_transfer = 0x10000, .scatter_gather = scatters};
	struct dma_adapter *adapter = dma_adapter_new(&limits, (const void *)0x1234);

	assert_non_null(adapter);
	dma_master_init(&master, "disk", width);
	dma_master_enable(&master, true);
	return adapter;
}

static char byte_of(uint32_t n)
{
	return (char)(n * 31 + n / 97 + 1);
}

static void fill_bytes(char *va, uint32_t bytes)
{
	for (uint32_t n = 0; n < bytes; n++)
		va[n] = byte_of(n);
}

/* The device goes through the list, all of it. */
static void device_writes(const SCATTER_GATHER_LIST *list, uint32_t expected)
{
	char data[0x4000];
	uint32_t at = 0;

	fill_bytes(data, expected);
	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		uint64_t address = (uint64_t)list->Elements[n].Address.QuadPart;

		assert_int_equal(
			dma_bus_write(&master, address, data + at, list->Elements[n].Length), 0);
		at += list->Elements[n].Length;
	}
	assert_int_equal(at, expected);
}

static void device_reads(const SCATTER_GATHER_LIST *list, uint32_t expected)
{
	char data[0x4000];
	uint32_t at = 0;

	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		uint64_t address = (uint64_t)list->Elements[n].Address.QuadPart;

		assert_true(at + list->Elements[n].Length <= expected);
		assert_int_equal(
			dma_bus_read(&master, address, data + at, list->Elements[n].Length), 0);
		at += list->Elements[n].Length;
	}
	assert_int_equal(at, expected);
	for (uint32_t n = 0; n < expected; n++)
		assert_int_equal(data[n], byte_of(n));
}

static NTSTATUS map_whole(struct dma_adapter *adapter, const struct world_buffer *buffer,
	bool write, PSCATTER_GATHER_LIST list, bool whole)
{
	mapping = (struct dma_mapping){0};
	return dma_map(adapter, &mapping,
		&(struct dma_order){.mdl = buffer->mdl,
			.current_va = buffer->va,
			.length = buffer->bytes,
			.write_to_device = write,
			.whole = whole,
			.id = 77},
		list, 16, NULL);
}

/* Every other page of the buffer gets a low frame: `low` is linear memory. */
static void mix_pages(struct world_buffer *buffer, char *low, uint32_t pages)
{
	for (uint32_t n = 0; n < pages; n += 2)
		MmGetMdlPfnArray(buffer->mdl)[n] = mem_frame_number(low + n * 4096);
}

static void only_unreachable(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0x80, 0x3000);
	char *low = mem_alloc(4 * 4096, MEM_LINEAR, MEM_DATA, NULL);
	PSCATTER_GATHER_LIST list = list_new(16);

	/* Pages: low, high, low, high. */
	mix_pages(&buffer, low, 4);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 4);
	assert_int_equal(list->Elements[0].Address.QuadPart, mem_physical(low + 0x80));
	assert_int_equal(list->Elements[2].Address.QuadPart, mem_physical(low + 2 * 4096));
	for (uint32_t n = 1; n < 4; n += 2) {
		uint64_t address = (uint64_t)list->Elements[n].Address.QuadPart;

		assert_true(address < MEM_4GIB);
		assert_int_equal(mem_frame_get(address >> 12)->kind, MEM_BOUNCE);
	}
	assert_null(mapping.va);
	device_writes(list, 0x3000);
	/* what was copied has not arrived yet. */
	assert_int_equal(low[0x80], byte_of(0));
	assert_int_not_equal(buffer.va[0xf80], byte_of(0xf80));
	dma_unmap(adapter, &mapping);
	for (uint32_t n = 0xf80; n < 0x1f80; n++)
		assert_int_equal(buffer.va[n], byte_of(n));
	for (uint32_t n = 0; n < 0x1000; n++)
		assert_int_equal(low[2 * 4096 + n], byte_of(n + 0x1f80));
	assert_int_equal(buffer.va[0x2fff], byte_of(0x2fff));
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	mem_free(low, 4 * 4096);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void only_pages_that_the_device_cannot_reach_are_copied(void **state)
{
	world_run(&bounce, only_unreachable);
}

static void whole_run(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0xabc, 0x2345);
	char *low = mem_alloc(4 * 4096, MEM_LINEAR, MEM_DATA, NULL);
	PSCATTER_GATHER_LIST list = list_new(16);

	cpu_irql_raise(IRQL_DISPATCH);
	fill_bytes(buffer.va, 0x2345);
	mix_pages(&buffer, low, 3);
	memcpy(low + 0xabc, buffer.va, 0x544);
	memcpy(low + 2 * 4096, buffer.va + 0x1544, 0xe01);
	assert_int_equal(map_whole(adapter, &buffer, true, list, true), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 1);
	assert_int_equal(list->Elements[0].Length, 0x2345);
	assert_non_null(mapping.va);
	/* The same byte offset; the processor sees what the device works on. */
	assert_int_equal((uintptr_t)mapping.va & 0xfff, 0xabc);
	assert_int_equal(list->Elements[0].Address.QuadPart, mem_physical(mapping.va));
	for (uint32_t n = 0; n < 0x2345; n++)
		assert_int_equal(((char *)mapping.va)[n], byte_of(n));
	device_reads(list, 0x2345);
	/* Copied in, not out: a device that writes to it changes nothing. */
	((char *)mapping.va)[5] = 0;
	dma_unmap(adapter, &mapping);
	assert_int_equal(low[0xabc + 5], byte_of(5));
	assert_null(mapping.va);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	mem_free(low, 4 * 4096);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

/* R-6, KB 837413. */
static void a_buffer_that_the_miniport_may_see_is_copied_as_a_whole(void **state)
{
	world_run(&bounce, whole_run);
}

static void reachable_is_not_copied(void)
{
	struct dma_adapter *adapter = adapter_of(40, true);
	struct world_buffer buffer = world_buffer(1, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(16);

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, true), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 3);
	assert_int_equal(list->Elements[0].Address.QuadPart, mem_physical(buffer.va));
	assert_null(mapping.va);
	device_writes(list, 0x2000);
	assert_int_equal(buffer.va[0x1fff], byte_of(0x1fff));
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void what_the_device_reaches_is_left_where_it_is(void **state)
{
	world_run(&bounce, reachable_is_not_copied);
}

/* A chain whose parts are no neighbours, for a device that takes one stretch. */
static void one_element(void)
{
	struct dma_adapter *adapter = adapter_of(32, false);
	struct world_buffer a = world_buffer(0xf00, 0x300), b = world_buffer(0x10, 0x20),
			    c = world_buffer(0, 0x1001);
	PSCATTER_GATHER_LIST list = list_new(16);
	uint32_t bytes = 0x300 + 0x20 + 0x1001;

	a.mdl->Next = b.mdl;
	b.mdl->Next = c.mdl;
	a.bytes = bytes;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &a, false, list, false), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 1);
	assert_int_equal(list->Elements[0].Length, bytes);
	assert_int_equal(list->Elements[0].Address.QuadPart & 0xfff, 0xf00);
	device_writes(list, bytes);
	dma_unmap(adapter, &mapping);
	for (uint32_t n = 0; n < 0x300; n++)
		assert_int_equal(a.va[n], byte_of(n));
	for (uint32_t n = 0; n < 0x20; n++)
		assert_int_equal(b.va[n], byte_of(n + 0x300));
	for (uint32_t n = 0; n < 0x1001; n++)
		assert_int_equal(c.va[n], byte_of(n + 0x320));
	assert_int_equal(map_whole(adapter, &a, true, list, false), STATUS_SUCCESS);
	device_reads(list, bytes);
	dma_unmap(adapter, &mapping);
	assert_int_equal(dma_registers_taken(), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	a.bytes = 0x300;
	a.mdl->Next = b.mdl->Next = NULL;
	nt_pool_free(list);
	world_buffer_free(&a);
	world_buffer_free(&b);
	world_buffer_free(&c);
	dma_adapter_free(adapter);
}

/* SGL-6. */
static void a_device_without_scatter_gather_gets_one_element(void **state)
{
	struct world_config config = bounce;

	world_run(&config, one_element);
	config.policy = MEM_SCATTERED;
	world_run(&config, one_element);
	world_run(&iommu, one_element);
}

static void copied_mdl(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0x80, 0x3000);
	char *low = mem_alloc(4 * 4096, MEM_LINEAR, MEM_DATA, NULL);
	PSCATTER_GATHER_LIST list = list_new(16);
	PMDL target = NULL;

	mix_pages(&buffer, low, 4);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(16)), STATUS_SUCCESS);
	assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_SUCCESS);
	assert_ptr_not_equal(target, buffer.mdl);
	assert_int_equal(target->ByteCount, 0x3000);
	assert_int_equal(target->ByteOffset, 0x80);
	for (uint32_t n = 0; n < 4; n++)
		assert_int_equal(MmGetMdlPfnArray(target)[n],
			(uint64_t)list->Elements[n].Address.QuadPart >> 12);
	assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_NONE_MAPPED);
	/* Put frees it: world_end looks at what is left of pool. */
	assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	mem_free(low, 4 * 4096);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void the_mdl_of_a_list_names_the_copies(void **state)
{
	world_run(&bounce, copied_mdl);
}

/* The address of the n-th byte of a list, and of an MDL chain's memory. */
static uint64_t listed(const SCATTER_GATHER_LIST *list, uint64_t n)
{
	const SCATTER_GATHER_ELEMENT *element = list->Elements;

	for (; n >= element->Length; element++)
		n -= element->Length;
	return (uint64_t)element->Address.QuadPart + n;
}

static uint64_t described(PMDL mdl, uint64_t n)
{
	for (; n >= mdl->ByteCount; mdl = mdl->Next)
		n -= mdl->ByteCount;
	n += mdl->ByteOffset;
	return (MmGetMdlPfnArray(mdl)[n >> 12] << 12) + (n & 0xfff);
}

static uint64_t chain_bytes(PMDL mdl)
{
	uint64_t bytes = 0;

	for (; mdl; mdl = mdl->Next)
		bytes += mdl->ByteCount;
	return bytes;
}

/* One buffer that two MDLs share a page of: the second begins where the first ends. */
static void copied_chain_mdl(void)
{
	static const uint32_t splits[] = {1, 0x200, 0xf80, 0x1190, 0x2f7f, 0x2f80};
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0x80, 0x3000);
	struct world_buffer rest = world_buffer(0, 0x4000);
	char *low = mem_alloc(4 * 4096, MEM_LINEAR, MEM_DATA, NULL);
	PSCATTER_GATHER_LIST list = list_new(16);

	for (unsigned n = 0; n < 2 * array_size(splits); n++) {
		uint32_t split = splits[n / 2], page = (0x80 + split) / 4096;
		PMDL target = NULL;

		if (n == array_size(splits))
			mix_pages(&buffer, low, 4);
		MmInitializeMdl(rest.mdl, buffer.va + split, 0x3000 - split);
		rest.mdl->MdlFlags |= MDL_PAGES_LOCKED;
		memcpy(MmGetMdlPfnArray(rest.mdl), MmGetMdlPfnArray(buffer.mdl) + page,
			(4 - page) * sizeof(PFN_NUMBER));
		buffer.mdl->ByteCount = split;
		buffer.mdl->Next = rest.mdl;
		cpu_irql_raise(IRQL_DISPATCH);
		assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(16)), STATUS_SUCCESS);
		assert_int_equal(dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_SUCCESS);
		assert_int_equal(chain_bytes(target), 0x3000);
		for (uint32_t at = 0; at < 0x3000; at++)
			assert_int_equal(described(target, at), listed(list, at));
		assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
		cpu_irql_lower(IRQL_PASSIVE);
	}
	buffer.mdl->ByteCount = buffer.bytes;
	nt_pool_free(list);
	mem_free(low, 4 * 4096);
	mem_free(rest.mdl, 5 * 4096);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void the_mdl_of_a_chains_list_names_the_copies(void **state)
{
	world_run(&bounce, copied_chain_mdl);
}

/* A driver must not, but may, take its MDLs away while the list is out. */
static void shrunk_mdl(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0x80, 0x3000);
	PSCATTER_GATHER_LIST list = list_new(16);
	PMDL target = NULL;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(16)), STATUS_SUCCESS);
	buffer.mdl->ByteCount = 0x1000;
	assert_int_equal(
		dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_INSUFFICIENT_RESOURCES);
	assert_null(target);
	buffer.mdl->ByteCount = 0x5000; /* as one MDL more pages than there are registers */
	buffer.mdl->ByteOffset = 0xf80;
	assert_int_equal(
		dma_list_mdl(adapter, list, buffer.mdl, &target), STATUS_INSUFFICIENT_RESOURCES);
	buffer.mdl->ByteCount = buffer.bytes;
	buffer.mdl->ByteOffset = 0x80;
	assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void an_mdl_that_changed_under_its_list_gives_no_other(void **state)
{
	world_run(&bounce, shrunk_mdl);
}

static void stale_bounce(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(16);
	uint64_t address;
	char byte = 0;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	dma_unmap(adapter, &mapping);
	assert_int_equal(dma_bus_write(&master, address, &byte, 1), -EFAULT);
	world_expect(0, "its map register is not in use");
	assert_int_equal(master.faults, 1);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_late_access_to_a_copy_faults(void **state)
{
	world_run(&bounce, stale_bounce);
}

/* The second transfer has the first one's registers, and needs a copy of its first page alone. */
static void stale_neighbour(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0, 0x2000);
	char *low = mem_alloc(4096, MEM_LINEAR, MEM_DATA, NULL);
	PSCATTER_GATHER_LIST list = list_new(16);
	uint64_t address;
	char byte = 0;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 1);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	dma_unmap(adapter, &mapping);
	MmGetMdlPfnArray(buffer.mdl)[1] = mem_frame_number(low);
	assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 2);
	assert_int_equal(list->Elements[0].Address.QuadPart, address);
	assert_int_equal(dma_bus_write(&master, address, &byte, 1), 0);
	assert_int_equal(dma_bus_write(&master, address + 0x1000, &byte, 1), -EFAULT);
	world_expect(0, "its map register is not in use");
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	mem_free(low, 4096);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_register_that_copies_nothing_leads_nowhere(void **state)
{
	world_run(&bounce, stale_neighbour);
}

/* Three pieces of pages, whose copies fill two pages: so does the second transfer, which has the
 * registers of the first. */
static void stale_third(void)
{
	struct dma_adapter *adapter = adapter_of(32, true);
	struct world_buffer buffer = world_buffer(0, 0x3000), rest = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(16);
	uint64_t address;
	char byte = 0;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, true), STATUS_SUCCESS);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	dma_unmap(adapter, &mapping);
	buffer.mdl->ByteCount = 0x1800;
	buffer.mdl->Next = rest.mdl;
	rest.mdl->ByteCount = 0x800;
	buffer.bytes = 0x2000;
	assert_int_equal(map_whole(adapter, &buffer, false, list, true), STATUS_SUCCESS);
	assert_int_equal(mapping.used, 3);
	assert_int_equal(list->Elements[0].Address.QuadPart, address);
	assert_int_equal(dma_bus_write(&master, address + 0x1fff, &byte, 1), 0);
	assert_int_equal(dma_bus_write(&master, address + 0x2000, &byte, 1), -EFAULT);
	world_expect(0, "its map register is not in use");
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	buffer.mdl->Next = NULL;
	buffer.bytes = 0x3000;
	nt_pool_free(list);
	world_buffer_free(&rest);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_chains_spare_register_leads_nowhere(void **state)
{
	world_run(&bounce, stale_third);
}

/* ---- iommu ---- */

static void to_the_byte(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	struct world_buffer buffer = world_buffer(0x123, 0x2345);
	PSCATTER_GATHER_LIST list = list_new(16);
	char data[0x2400] = {0};
	uint64_t address;

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, true), STATUS_SUCCESS);
	/* Scattered pages, but neighbours to the device; nothing is copied. */
	assert_int_equal(list->NumberOfElements, 1);
	assert_null(mapping.va);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	assert_int_equal(address & 0xfff, 0x123);
	assert_true(address >= MEM_HOLE && address < MEM_4GIB);
	device_writes(list, 0x2345);
	for (uint32_t n = 0; n < 0x2345; n++)
		assert_int_equal(buffer.va[n], byte_of(n));
	/* One byte before, one behind. */
	assert_int_equal(dma_bus_write(&master, address - 1, data, 1), -EFAULT);
	world_expect(0, "outside what is mapped: the request 77 (9029 bytes, DMA adapter 0)");
	assert_int_equal(dma_bus_write(&master, address + 0x2345, data, 1), -EFAULT);
	world_expect(0, "outside what is mapped");
	/* What lies before the fault has moved, as on a bus. */
	assert_int_equal(dma_bus_write(&master, address, data, 0x2346), -EFAULT);
	world_expect(0, "outside what is mapped");
	for (uint32_t n = 0; n < 0x2345; n++)
		assert_int_equal(buffer.va[n], 0);
	/* Against its direction. */
	assert_int_equal(dma_bus_read(&master, address, data, 1), -EFAULT);
	world_expect(0, "other direction");
	dma_unmap(adapter, &mapping);
	/* After its end: birth and death are told. */
	assert_int_equal(dma_bus_write(&master, address, data, 1), -EFAULT);
	world_expect(0, "was unmapped at");
	assert_int_equal(master.faults, 5);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void the_iommu_holds_a_device_to_the_byte_and_the_direction(void **state)
{
	world_run(&iommu, to_the_byte);
}

static void physical(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	char *va = mem_alloc(4096, 0, MEM_DATA, NULL), byte;

	assert_int_equal(dma_bus_read(&master, mem_physical(va), &byte, 1), -EFAULT);
	world_expect(0, "physical address of memory");
	assert_int_equal(dma_address(adapter, va), MEM_NO_ADDRESS);
	mem_free(va, 4096);
	dma_adapter_free(adapter);
}

static void a_physical_address_faults_behind_the_iommu(void **state)
{
	world_run(&iommu, physical);
}

static void pinned(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	char *va = mem_alloc(3 * 4096, MEM_LINEAR, MEM_COMMON, NULL), data[8] = "pinned";
	uint64_t address = dma_pin(adapter, va, 3 * 4096, "common buffer", 0);

	assert_int_not_equal(address, MEM_NO_ADDRESS);
	assert_int_not_equal(address, mem_physical(va));
	for (uint32_t n = 0; n < 3 * 4096; n += 1023)
		assert_int_equal(dma_address(adapter, va + n), address + n);
	assert_ptr_equal(dma_host(adapter, address + 4097), va + 4097);
	assert_null(dma_host(adapter, address + 3 * 4096));
	assert_int_equal(dma_bus_write(&master, address + 0xffe, data, 8), 0);
	assert_string_equal(va + 0xffe, "pinned");
	memset(data, 0, sizeof(data));
	assert_int_equal(dma_bus_read(&master, address + 0xffe, data, 8), 0);
	assert_string_equal(data, "pinned");
	dma_unpin(adapter, va, 3 * 4096);
	assert_int_equal(dma_address(adapter, va), MEM_NO_ADDRESS);
	assert_int_equal(dma_bus_read(&master, address, data, 8), -EFAULT);
	world_expect(0, "the common buffer");
	mem_free(va, 3 * 4096);
	dma_adapter_free(adapter);
}

static void pinned_memory_stays_reachable_until_it_is_unpinned(void **state)
{
	world_run(&iommu, pinned);
}

static void other_device(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	struct world_buffer buffer = world_buffer(0, 0x1000);
	PSCATTER_GATHER_LIST list = list_new(16);
	struct dma_master stranger;
	char byte;

	dma_master_init(&stranger, "stranger", 64);
	stranger.number = 9;
	dma_master_enable(&stranger, true);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, true, list, false), STATUS_SUCCESS);
	assert_int_equal(
		dma_bus_read(&stranger, (uint64_t)list->Elements[0].Address.QuadPart, &byte, 1),
		-EFAULT);
	world_expect(0, "device 9 (stranger): read of bus address");
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void one_device_does_not_reach_what_is_mapped_for_another(void **state)
{
	world_run(&iommu, other_device);
}

static void narrow(void)
{
	static const unsigned widths[] = {24, 29, 30, 31, 32, 36};
	PSCATTER_GATHER_LIST list = list_new(16);
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	char *va = mem_alloc(4096, MEM_LINEAR, MEM_COMMON, NULL);

	for (unsigned n = 0; n < array_size(widths); n++) {
		struct dma_adapter *adapter = adapter_of(widths[n], true);
		uint64_t address = dma_pin(adapter, va, 4096, "common buffer", 0);

		assert_true(address + 4095 < 1ull << widths[n]);
		assert_int_equal(dma_bus_write(&master, address, "x", 1), 0);
		cpu_irql_raise(IRQL_DISPATCH);
		assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
		assert_true(
			(uint64_t)list->Elements[0].Address.QuadPart + 0x1fff < 1ull << widths[n]);
		device_writes(list, 0x2000);
		dma_unmap(adapter, &mapping);
		cpu_irql_lower(IRQL_PASSIVE);
		assert_int_equal(buffer.va[0x1fff], byte_of(0x1fff));
		dma_unpin(adapter, va, 4096);
		dma_adapter_free(adapter);
	}
	mem_free(va, 4096);
	nt_pool_free(list);
	world_buffer_free(&buffer);
}

static void addresses_of_the_iommu_fit_the_device(void **state)
{
	world_run(&iommu, narrow);
}

/* A port learns how many address bits a device drives when it has its adapter already. */
static void narrowed(void)
{
	PSCATTER_GATHER_LIST list = list_new(16);
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	char *va = mem_alloc(4096, MEM_LINEAR, MEM_COMMON, NULL);

	for (unsigned width = 24; width <= 40; width++) {
		struct dma_adapter *adapter = adapter_of(64, true);
		struct dma_constraints limits = adapter->limits;
		uint64_t address;

		limits.width = width;
		dma_master_init(&master, "disk", width);
		dma_master_enable(&master, true);
		assert_int_equal(dma_adapter_limit(adapter, &limits), 0);
		address = dma_pin(adapter, va, 4096, "common buffer", 0);
		assert_true(address + 4095 < 1ull << width);
		assert_int_equal(dma_bus_write(&master, address, "x", 1), 0);
		cpu_irql_raise(IRQL_DISPATCH);
		assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
		device_writes(list, 0x2000);
		dma_unmap(adapter, &mapping);
		cpu_irql_lower(IRQL_PASSIVE);
		/* What is pinned stays, so the addresses do: and these it would not reach. */
		limits.width = 22;
		assert_int_equal(dma_adapter_limit(adapter, &limits), width > 29 ? -ERANGE : 0);
		assert_ptr_equal(dma_host(adapter, address), va);
		dma_unpin(adapter, va, 4096);
		dma_adapter_free(adapter);
	}
	mem_free(va, 4096);
	nt_pool_free(list);
	world_buffer_free(&buffer);
}

static void addresses_of_the_iommu_fit_a_device_that_turns_out_narrow(void **state)
{
	world_run(&iommu, narrowed);
}

static void join_out_of_reach(void)
{
	struct dma_adapter *wide = adapter_of(64, true), *narrow = adapter_of(24, true);

	assert_int_equal(dma_domain_join(narrow, wide->own_domain), STATUS_NOT_SUPPORTED);
	assert_int_equal(atomic_load(&narrow->domain), narrow->own_domain);
	assert_int_equal(dma_domain_join(wide, narrow->own_domain), STATUS_SUCCESS);
	dma_adapter_free(narrow);
	dma_adapter_free(wide);
}

static void a_device_joins_no_domain_whose_addresses_it_does_not_reach(void **state)
{
	world_run(&iommu, join_out_of_reach);
}

/* ---- widths, bounce ---- */

static void every_width(void)
{
	PSCATTER_GATHER_LIST list = list_new(16);
	struct world_buffer buffer = world_buffer(0xffe, 0x1004);
	char *last = mem_base();

	/* Registers lie in the first pages of RAM: the first width that reaches one of them. */
	while (mem_owner(last)->kind != MEM_BOUNCE)
		last += 4096;
	for (unsigned width = 1; width <= 64; width++) {
		const struct dma_constraints limits = {
			.width = width, .max_transfer = 0x1000, .scatter_gather = true};
		struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
		uint64_t top = width == 64 ? ~0ull : (1ull << width) - 1;

		if (!adapter) {
			assert_true(top < mem_physical(last) + 4095);
			continue;
		}
		dma_master_init(&master, "disk", width);
		dma_master_enable(&master, true);
		cpu_irql_raise(IRQL_DISPATCH);
		if (adapter->map_registers >= 3) {
			assert_int_equal(
				map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
			for (uint32_t n = 0; n < list->NumberOfElements; n++)
				assert_true((uint64_t)list->Elements[n].Address.QuadPart +
						    list->Elements[n].Length - 1 <=
					    top);
			memset(buffer.va, 0, 0x1004);
			device_writes(list, 0x1004);
			dma_unmap(adapter, &mapping);
			for (uint32_t n = 0; n < 0x1004; n++)
				assert_int_equal(buffer.va[n], byte_of(n));
		}
		cpu_irql_lower(IRQL_PASSIVE);
		dma_adapter_free(adapter);
	}
	nt_pool_free(list);
	world_buffer_free(&buffer);
}

/* D-14. */
static void bounce_serves_every_width_that_reaches_a_register(void **state)
{
	world_run(&bounce, every_width);
}

/* A driver may free a buffer that is mapped: what stands there then is nobody's, or another's. */
static void freed(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	struct world_buffer buffer = world_buffer(0, 0x1000);
	char *va = mem_alloc(4096, 0, MEM_DATA, NULL), data[16];
	PSCATTER_GATHER_LIST list = list_new(16);
	uint64_t address;

	MmGetMdlPfnArray(buffer.mdl)[0] = mem_frame_number(va);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &buffer, false, list, false), STATUS_SUCCESS);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	mem_free(va, 4096);
	assert_int_equal(dma_bus_write(&master, address, data, sizeof(data)), -EFAULT);
	world_expect(0, "belongs to nobody");
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_mapping_of_freed_memory_leads_nowhere(void **state)
{
	world_run(&iommu, freed);
}

/* SGL-6: for a device of one element all is copied, so all has to be memory; and that is known
 * before the wait for registers, as nothing may fail behind it. */
static void no_memory_at_all(void)
{
	struct dma_adapter *adapter = adapter_of(64, false);
	struct world_buffer buffer = world_buffer(0, 0x2000), other = world_buffer(0, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(16), first = list_new(16);

	MmGetMdlPfnArray(buffer.mdl)[1] = 0xf0000; /* in the hole below 4 GiB */
	memset(&called, 0, sizeof(called));
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &other, first, LIST_BYTES(1)), STATUS_SUCCESS);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(1)), ISR);
	assert_int_equal(dma_put(adapter, first, true), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_dpc_flush();
	assert_int_equal(called.calls, 1);
	nt_pool_free(list);
	nt_pool_free(first);
	world_buffer_free(&buffer);
	world_buffer_free(&other);
	dma_adapter_free(adapter);
}

static void what_cannot_be_copied_waits_for_no_registers(void **state)
{
	struct world_config config = bounce;

	config.dma.map_registers = 3;
	world_run(&config, no_memory_at_all);
}

/* ---- an access while its mapping ends and another begins there ---- */

#define RACERS	  4
#define RACE_BYTE 100 /* in the page that may be read, behind the end of the one that may not */

static struct {
	uint64_t address;
	_Atomic bool ends;
	_Atomic unsigned other; /* what was read that was never mapped */
} race;

static void *racer(void *ctx)
{
	struct dma_master own = master;
	char byte;

	while (!race.ends) {
		byte = 0;
		if (!dma_bus_read(&own, race.address + RACE_BYTE, &byte, 1) && byte != 'a')
			atomic_fetch_add(&race.other, 1);
	}
	return NULL;
}

static void map_in_turn(void)
{
	struct dma_adapter *adapter = adapter_of(64, true);
	struct world_buffer open = world_buffer(0, 4096), narrow = world_buffer(0, 16);
	PSCATTER_GATHER_LIST list = list_new(16);
	uint64_t end = cpu_clock() + 700000000;
	pthread_t thread[RACERS];

	memset(open.va, 'a', 4096);
	memset(narrow.va, 'n', 4096);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(map_whole(adapter, &open, true, list, false), STATUS_SUCCESS);
	race.address = (uint64_t)list->Elements[0].Address.QuadPart;
	race.ends = false;
	race.other = 0;
	for (unsigned n = 0; n < RACERS; n++)
		assert_int_equal(pthread_create(&thread[n], NULL, racer, NULL), 0);
	for (bool is_narrow = true; cpu_clock() < end; is_narrow = !is_narrow) {
		dma_unmap(adapter, &mapping);
		assert_int_equal(map_whole(adapter, is_narrow ? &narrow : &open, true, list, false),
			STATUS_SUCCESS);
		assert_int_equal(list->Elements[0].Address.QuadPart, race.address);
	}
	race.ends = true;
	for (unsigned n = 0; n < RACERS; n++)
		pthread_join(thread[n], NULL);
	dma_unmap(adapter, &mapping);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(race.other, 0);
	world.taken = world.violations; /* late accesses, many */
	nt_pool_free(list);
	world_buffer_free(&narrow);
	world_buffer_free(&open);
	dma_adapter_free(adapter);
}

static void an_access_sees_a_window_and_its_page_of_one_mapping(void **state)
{
	struct world_config config = iommu;

#ifdef DRY_TSAN /* the history of a late access is read while it is written */
	skip();
#endif
	config.dma.map_registers = 1; /* one place for all mappings */
	world_run(&config, map_in_turn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_pages_that_the_device_cannot_reach_are_copied),
		cmocka_unit_test(a_buffer_that_the_miniport_may_see_is_copied_as_a_whole),
		cmocka_unit_test(what_the_device_reaches_is_left_where_it_is),
		cmocka_unit_test(a_device_without_scatter_gather_gets_one_element),
		cmocka_unit_test(the_mdl_of_a_list_names_the_copies),
		cmocka_unit_test(the_mdl_of_a_chains_list_names_the_copies),
		cmocka_unit_test(an_mdl_that_changed_under_its_list_gives_no_other),
		cmocka_unit_test(a_late_access_to_a_copy_faults),
		cmocka_unit_test(a_register_that_copies_nothing_leads_nowhere),
		cmocka_unit_test(a_chains_spare_register_leads_nowhere),
		cmocka_unit_test(the_iommu_holds_a_device_to_the_byte_and_the_direction),
		cmocka_unit_test(a_physical_address_faults_behind_the_iommu),
		cmocka_unit_test(an_access_sees_a_window_and_its_page_of_one_mapping),
		cmocka_unit_test(pinned_memory_stays_reachable_until_it_is_unpinned),
		cmocka_unit_test(one_device_does_not_reach_what_is_mapped_for_another),
		cmocka_unit_test(addresses_of_the_iommu_fit_the_device),
		cmocka_unit_test(addresses_of_the_iommu_fit_a_device_that_turns_out_narrow),
		cmocka_unit_test(a_device_joins_no_domain_whose_addresses_it_does_not_reach),
		cmocka_unit_test(bounce_serves_every_width_that_reaches_a_register),
		cmocka_unit_test(a_mapping_of_freed_memory_leads_nowhere),
		cmocka_unit_test(what_cannot_be_copied_waits_for_no_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
