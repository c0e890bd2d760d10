/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The bus under the direct engine: bytes arrive where their physical address says, and nowhere
 * else. */
#include "world.h"

#include <errno.h>

static struct dma_master master;

static void master_begin(unsigned width)
{
	dma_master_init(&master, "disk", width);
	master.number = 3;
	dma_master_enable(&master, true);
}

static void world_with_master(const struct world_config *config)
{
	world_begin(config);
	master_begin(64);
}

static const struct world_config scattered = {.policy = MEM_SCATTERED};

/* The whole buffer as the processor sees it, by physical addresses. */
static void pattern(char *va, uint32_t bytes)
{
	for (uint32_t n = 0; n < bytes; n++)
		va[n] = (char)(n * 7 + n / 251);
}

static void reads_and_writes_reach_the_bytes_of_their_address(void **state)
{
	static const uint32_t offsets[] = {0, 1, 0x7ff, 0xfff}, sizes[] = {1, 2, 0x200, 0x800};
	char *va, data[0x800];

	world_with_master(&scattered);
	va = mem_alloc(4 * 4096, 0, MEM_DATA, NULL);
	for (unsigned page = 0; page < 4; page++)
		for (unsigned o = 0; o < array_size(offsets); o++)
			for (unsigned s = 0; s < array_size(sizes); s++) {
				uint32_t size = min_of(sizes[s], 4096 - offsets[o]);
				char *at = va + page * 4096 + offsets[o];

				pattern(va, 4 * 4096);
				assert_int_equal(
					dma_bus_read(&master, mem_physical(at), data, size), 0);
				assert_memory_equal(data, at, size);
				memset(data, 0xee, size);
				assert_int_equal(
					dma_bus_write(&master, mem_physical(at), data, size), 0);
				for (uint32_t n = 0; n < 4 * 4096; n++)
					assert_int_equal((unsigned char)va[n],
						va + n >= at && va + n < at + size
							? 0xee
							: (unsigned char)(n * 7 + n / 251));
			}
	mem_free(va, 4 * 4096);
	world_end();
}

/* Neighbours on the bus need not be neighbours in the kernel's addresses. */
static void an_access_crosses_pages_along_the_bus(void **state)
{
	char *va, *first, *second = NULL, data[16];
	uint64_t address;

	world_with_master(&scattered);
	va = mem_alloc(1024 * 4096, 0, MEM_DATA, NULL);
	memset(va, 0, 1024 * 4096);
	/* Some page whose next frame is in the buffer too; it stands elsewhere (MEM_SCATTERED). */
	for (first = va; first < va + 1024 * 4096; first += 4096) {
		second = mem_host(mem_physical(first) + 4096);
		if (second >= va && second < va + 1024 * 4096)
			break;
	}
	assert_true(first < va + 1024 * 4096);
	assert_ptr_not_equal(second, first + 4096);
	memcpy(first + 4088, "ABCDEFGH", 8);
	memcpy(second, "ijklmnop", 8);
	address = mem_physical(first) + 4088;
	assert_int_equal(dma_bus_read(&master, address, data, 16), 0);
	assert_memory_equal(data, "ABCDEFGHijklmnop", 16);
	world_event(TRACE_DMA_TRANSFER, 3, address, 16, (uint64_t)MEM_DATA << 1);
	assert_int_equal(dma_bus_write(&master, address, "0123456789abcdef", 16), 0);
	assert_memory_equal(first + 4088, "01234567", 8);
	assert_memory_equal(second, "89abcdef", 8);
	world_event(TRACE_DMA_TRANSFER, 3, address, 16, (uint64_t)MEM_DATA << 1 | 1);
	assert_int_equal(master.bytes_read[MEM_DATA], 16);
	assert_int_equal(master.bytes_written[MEM_DATA], 16);
	mem_free(va, 1024 * 4096);
	world_end();
}

static void bytes_are_counted_by_kind_and_direction(void **state)
{
	char *data, *extension, buffer[64];
	uint64_t bytes = 100, low, high;
	int error = 1;

	world_with_master(&scattered);
	/* Consecutive frames with two owners: one access, two stretches. */
	data = mem_alloc(4096, MEM_LINEAR, MEM_SRB, NULL);
	extension = mem_alloc(4096, MEM_LINEAR, MEM_EXTENSION, NULL);
	assert_int_equal(dma_bus_read(&master, mem_physical(data), buffer, 10), 0);
	assert_int_equal(dma_bus_write(&master, mem_physical(extension), buffer, 20), 0);
	assert_non_null(dma_bus_span(&master, mem_physical(data) + 4000, &bytes, true, &error));
	assert_int_equal(error, 0);
	assert_int_equal(bytes, 96);
	assert_int_equal(master.bytes_read[MEM_SRB], 10);
	assert_int_equal(master.bytes_written[MEM_EXTENSION], 20);
	assert_int_equal(master.bytes_written[MEM_SRB], 96);
	world_event(TRACE_DMA_TRANSFER, 3, mem_physical(data), 10, (uint64_t)MEM_SRB << 1);
	world_event(TRACE_DMA_TRANSFER, 3, mem_physical(extension), 20,
		(uint64_t)MEM_EXTENSION << 1 | 1);
	world_event(
		TRACE_DMA_TRANSFER, 3, mem_physical(data) + 4000, 96, (uint64_t)MEM_SRB << 1 | 1);
	low = min_of(mem_physical(data), mem_physical(extension));
	high = max_of(mem_physical(data), mem_physical(extension));
	assert_int_equal(low + 4096, high);
	assert_int_equal(dma_bus_read(&master, low + 4090, buffer, 10), 0);
	world_event(TRACE_DMA_TRANSFER, 3, low + 4090, 6,
		(uint64_t)mem_frame_get(low >> 12)->kind << 1);
	world_event(TRACE_DMA_TRANSFER, 3, high, 4, (uint64_t)mem_frame_get(high >> 12)->kind << 1);
	mem_free(data, 4096);
	mem_free(extension, 4096);
	world_end();
}

static void a_span_ends_with_its_page(void **state)
{
	uint64_t bytes = 1 << 20, one = 1, none = 0;
	int error = 1;
	char *va;

	world_with_master(&scattered);
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	assert_ptr_equal(
		dma_bus_span(&master, mem_physical(va) + 5, &bytes, false, &error), va + 5);
	assert_int_equal(bytes, 4091);
	assert_int_equal(error, 0);
	assert_ptr_equal(
		dma_bus_span(&master, mem_physical(va) + 4095, &one, false, &error), va + 4095);
	assert_int_equal(one, 1);
	assert_non_null(dma_bus_span(&master, mem_physical(va) + 7, &none, false, &error));
	assert_int_equal(none, 0);
	assert_int_equal(master.bytes_read[MEM_DATA], 4092);
	mem_free(va, 4096);
	world_end();
}

/* ---- faults ---- */

static void expect_fault(uint64_t address, const char *why)
{
	uint64_t faults = master.faults, bytes = 8;
	char data[8], text[64];
	int error = 0;

	snprintf(text, sizeof(text), "read of bus address 0x%llx", (unsigned long long)address);
	assert_int_equal(dma_bus_read(&master, address, data, 8), -EFAULT);
	world_expect(0, text);
	assert_non_null(strstr(world.violation[world.taken - 1].text, why));
	assert_non_null(strstr(world.violation[world.taken - 1].text, "device 3 (disk)"));
	assert_int_equal(dma_bus_write(&master, address, data, 8), -EFAULT);
	world_expect(0, "write of bus address");
	assert_null(dma_bus_span(&master, address, &bytes, true, &error));
	assert_int_equal(error, -EFAULT);
	world_expect(0, why);
	assert_int_equal(master.faults, faults + 3);
}

static void what_leads_to_no_memory_faults(void **state)
{
	uint64_t address;
	char *va;

	world_with_master(&scattered);
	expect_fault(1ull << 50, "no memory is there");
	expect_fault(~0ull - 7, "no memory is there");
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	address = mem_physical(va);
	mem_free(va, 4096);
	expect_fault(address, "belongs to nobody");
	world_end();
}

static void an_address_above_the_masters_width_faults(void **state)
{
	const struct world_config high = {.policy = MEM_HIGH};
	char *va, data[2];

	world_with_master(&high);
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	master_begin(32);
	expect_fault(mem_physical(va), "fewer address bits");
	/* The last byte within reach, and the one after it. */
	master_begin(1);
	world.taken = world.violations;
	assert_int_equal(dma_bus_read(&master, 2, data, 1), -EFAULT);
	world_expect(0, "fewer address bits");
	assert_int_equal(dma_bus_read(&master, 1, data, 2), -EFAULT);
	world_expect(0, "fewer address bits");
	mem_free(va, 4096);
	world_end();
}

/* As on a bus: what came before the fault has moved, and is counted. */
static void bytes_before_a_fault_have_moved(void **state)
{
	char *va, *last, data[16];

	world_with_master(&scattered);
	va = mem_alloc(64 * 4096, MEM_LINEAR, MEM_COMMON, NULL);
	/* The page after the last one is somebody else's or nobody's: make it nobody's. */
	last = va + 63 * 4096;
	memcpy(last + 4088, "ABCDEFGH", 8);
	memset(data, 0, sizeof(data));
	if (mem_frame_get((mem_physical(last) >> 12) + 1)->kind == MEM_FREE) {
		assert_int_equal(
			dma_bus_read(&master, mem_physical(last) + 4088, data, 16), -EFAULT);
		world_expect(0, "belongs to nobody");
		assert_memory_equal(data, "ABCDEFGH\0\0\0\0\0\0\0", 16);
		assert_int_equal(master.bytes_read[MEM_COMMON], 8);
		world_event(TRACE_DMA_TRANSFER, 3, mem_physical(last) + 4088, 8,
			(uint64_t)MEM_COMMON << 1);
	} else {
		fail_msg("the page after the linear zone's first buffer is in use");
	}
	mem_free(va, 64 * 4096);
	world_end();
}

/* Bus-master bit of the command register. */
static void nothing_moves_while_bus_mastering_is_off(void **state)
{
	uint64_t bytes = 8;
	char *va, data[8] = "before";
	int error = 0;

	world_with_master(&scattered);
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	strcpy(va, "memory");
	dma_master_enable(&master, false);
	assert_int_equal(dma_bus_read(&master, mem_physical(va), data, 8), -EACCES);
	assert_string_equal(data, "before");
	assert_int_equal(dma_bus_write(&master, mem_physical(va), data, 8), -EACCES);
	assert_string_equal(va, "memory");
	assert_null(dma_bus_span(&master, mem_physical(va), &bytes, false, &error));
	assert_int_equal(error, -EACCES);
	/* Told once, counted each time. */
	world_expect(0, "bus mastering is off");
	assert_int_equal(master.faults, 3);
	dma_master_enable(&master, true);
	assert_int_equal(dma_bus_read(&master, mem_physical(va), data, 8), 0);
	assert_string_equal(data, "memory");
	mem_free(va, 4096);
	world_end();
}

static void an_access_of_no_bytes_does_nothing(void **state)
{
	world_with_master(&scattered);
	assert_int_equal(dma_bus_read(&master, 1ull << 50, NULL, 0), 0);
	assert_int_equal(dma_bus_write(&master, 1ull << 50, NULL, 0), 0);
	assert_int_equal(world.events, 0);
	world_end();
}

/* ---- the look without an access ---- */

/* Nothing is found there, and nobody hears of it. */
static void expect_none(uint64_t address, uint64_t bytes)
{
	uint64_t faults = master.faults;
	unsigned before = world.violations, told = world.events;
	enum mem_kind kind;

	assert_null(dma_bus_find(&master, address, bytes, &kind));
	for (kind = MEM_FREE + 1; kind < MEM_KINDS; kind++)
		if (kind != MEM_BOUNCE && kind != MEM_CODE)
			assert_null(dma_bus_find_known(&master, address, bytes, kind));
	assert_int_equal(world.violations, before);
	assert_int_equal(world.events, told);
	assert_true(master.faults == faults);
}

static void a_page_is_found_without_a_trace(void **state)
{
	const struct world_config high = {.policy = MEM_HIGH};
	const struct world_config *worlds[] = {&scattered, &high};
	enum mem_kind kind;
	char *va;

	for (unsigned i = 0; i < 2; i++) {
		world_with_master(worlds[i]);
		va = mem_alloc(4096, 0, MEM_DATA, NULL);
		assert_ptr_equal(
			dma_bus_find(&master, mem_physical(va) + 96, 4000, &kind), va + 96);
		assert_int_equal(kind, MEM_DATA);
		assert_ptr_equal(
			dma_bus_find_known(&master, mem_physical(va) + 96, 4000, kind), va + 96);
		assert_null(dma_bus_find_known(&master, mem_physical(va) + 96, 4000, MEM_SRB));
		expect_none(mem_physical(va) + 96, 4001);
		expect_none(mem_physical(va), 1ull << 32);
		assert_int_equal(world.events, 0);
		assert_int_equal(master.bytes_read[MEM_DATA] + master.bytes_written[MEM_DATA], 0);
		mem_free(va, 4096);
		world_end();
	}
}

static int tap_refuses(struct dma_tap *tap, uint64_t *address, uint64_t bytes, bool write)
{
	return -EIO;
}

static void nothing_is_found_where_there_is_more_to_say(void **state)
{
	static char code[2 * 4096] __attribute__((aligned(4096)));
	struct dma_tap tap = {.access = tap_refuses};
	enum mem_kind kind;
	uint64_t address;
	char *va;

	world_with_master(&scattered);
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	address = mem_physical(va);
	expect_none(1ull << 50, 8);
	expect_none(~0ull - 7, 8);
	expect_none(0, 8);
	assert_int_equal(mem_range_add(code, 4096, MEM_CODE, NULL), 0);
	expect_none(mem_physical(code), 8);
	mem_range_remove(code);
	dma_master_enable(&master, false);
	expect_none(address, 8);
	dma_master_enable(&master, true);
	assert_ptr_equal(dma_bus_find(&master, address, 8, &kind), va);
	dma_bus_tap(&master, &tap);
	expect_none(address, 8);
	/* whichever of the two ends first */
	dma_master_enable(&master, false);
	dma_bus_tap(&master, NULL);
	expect_none(address, 8);
	dma_master_enable(&master, true);
	assert_ptr_equal(dma_bus_find(&master, address, 8, &kind), va);
	/* too narrow for it */
	master_begin((unsigned)(63 - __builtin_clzll(address)));
	expect_none(address, 8);
	master_begin((unsigned)(64 - __builtin_clzll(address)));
	assert_ptr_equal(dma_bus_find(&master, address, 8, &kind), va);
	master_begin(11);
	expect_none(address, 8);
	mem_free(va, 4096);
	master_begin(64);
	expect_none(address, 8);
	world_end();
}

static void nothing_is_found_behind_an_iommu(void **state)
{
	const struct world_config iommu = {.policy = MEM_SCATTERED, .dma.engine = DMA_IOMMU};
	char *va;

	world_with_master(&iommu);
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	expect_none(mem_physical(va), 8);
	mem_free(va, 4096);
	world_end();
}

static bool is_true(struct dma_bus_note note)
{
	return dma_bus_note_is_true(&note);
}

static void a_note_is_true_until_something_changes(void **state)
{
	struct dma_bus_note before, note;
	char *va, *other;

	world_with_master(&scattered);
	assert_false(is_true((struct dma_bus_note){0}));
	before = dma_bus_note_take();
	va = mem_alloc(4096, 0, MEM_DATA, NULL);
	assert_false(is_true(before));
	note = dma_bus_note_take();
	assert_true(is_true(note));
	dma_master_enable(&master, false);
	assert_false(is_true(note));
	note = dma_bus_note_take();
	dma_master_enable(&master, true);
	assert_false(is_true(note));
	note = dma_bus_note_take();
	dma_bus_tap(&master, &(struct dma_tap){NULL});
	assert_false(is_true(note));
	note = dma_bus_note_take();
	dma_bus_tap(&master, NULL);
	assert_false(is_true(note));
	note = dma_bus_note_take();
	assert_true(is_true(note));
	other = mem_alloc(4096, 0, MEM_POOL, NULL);
	assert_false(is_true(note));
	note = dma_bus_note_take();
	mem_free(other, 4096);
	assert_false(is_true(note));
	mem_free(va, 4096);
	/* as it was, but not without changes */
	assert_false(is_true(before));
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_is_true_until_something_changes),
		cmocka_unit_test(reads_and_writes_reach_the_bytes_of_their_address),
		cmocka_unit_test(an_access_crosses_pages_along_the_bus),
		cmocka_unit_test(bytes_are_counted_by_kind_and_direction),
		cmocka_unit_test(a_span_ends_with_its_page),
		cmocka_unit_test(what_leads_to_no_memory_faults),
		cmocka_unit_test(an_address_above_the_masters_width_faults),
		cmocka_unit_test(bytes_before_a_fault_have_moved),
		cmocka_unit_test(nothing_moves_while_bus_mastering_is_off),
		cmocka_unit_test(an_access_of_no_bytes_does_nothing),
		cmocka_unit_test(a_page_is_found_without_a_trace),
		cmocka_unit_test(nothing_is_found_where_there_is_more_to_say),
		cmocka_unit_test(nothing_is_found_behind_an_iommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
