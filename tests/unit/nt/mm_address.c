/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: addresses. */
#include "nt_kit.h"
#include "util/export.h"
#include <sys/mman.h>

/* covers: MmGetVirtualForPhysical */
NT_TEST(virtual_and_physical_addresses_turn_into_each_other)
{
	char *p = ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, TAG);

	for (unsigned at = 0; at < 0x3000; at += 0x555) {
		PHYSICAL_ADDRESS physical = MmGetPhysicalAddress(p + at);

		CHECK_EQUAL(physical.QuadPart & 0xfff, (uintptr_t)(p + at) & 0xfff);
		CHECK_EQUAL(physical.QuadPart, mem_physical(p + at));
		CHECK(MmGetVirtualForPhysical(physical) == p + at);
	}
	ExFreePool(p);
}

/* */
/* covers: MmGetPhysicalAddress */
NT_TEST(what_has_no_physical_address_gets_0_and_a_violation)
{
	int local;

	CHECK_EQUAL(MmGetPhysicalAddress(&local).QuadPart,
		mem_physical(&local) == MEM_NO_ADDRESS ? 0 : mem_physical(&local));
	if (mem_physical(&local) == MEM_NO_ADDRESS)
		CHECK_VIOLATION(0, "no memory of the machine");
	CHECK_EQUAL(MmGetPhysicalAddress(NULL).QuadPart, 0);
	CHECK_VIOLATION(0, "NULL");
	CHECK(MmGetVirtualForPhysical((PHYSICAL_ADDRESS){.QuadPart = 1ll << 60}) == NULL);
}

/* covers: MmIsAddressValid */
NT_TEST(validity_is_told_without_touching)
{
	char *p = ExAllocatePoolWithTag(NonPagedPoolNx, 0x1000, TAG),
	     *data = mem_alloc(0x1000, 0, MEM_DATA, NULL);
	void *gap = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const char constant[] = "constant";

	CHECK(MmIsAddressValid(p));
	CHECK(MmIsAddressValid((void *)constant));
	CHECK(MmIsAddressValid(data));
	mem_free(data, 0x1000);
	CHECK(!MmIsAddressValid(data));
	CHECK(!MmIsAddressValid(gap));
	CHECK(!MmIsAddressValid(NULL));
	munmap(gap, 0x1000);
	ExFreePool(p);
}

static void probe_kernel(void *ctx)
{
	ProbeForRead(ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG), 64, 1);
}

static void probe_unaligned(void *ctx)
{
	ProbeForWrite((char *)ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG) + 1, 8, 8);
}

/* covers: ProbeForRead */
NT_TEST(a_probe_of_no_bytes_does_nothing)
{
	ProbeForRead((void *)1, 0, 8);
	ProbeForWrite((void *)1, 0, 8);
}

static void probe_kernel_to_write(void *ctx)
{
	ProbeForWrite(ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG), 64, 1);
}

/* covers: ProbeForRead, ProbeForWrite */
static void a_probe_of_a_kernel_address_raises(void **state)
{
	assert_raises("ProbeForRead", STATUS_ACCESS_VIOLATION, probe_kernel);
	assert_raises("ProbeForWrite", STATUS_ACCESS_VIOLATION, probe_kernel_to_write);
	assert_raises("ProbeForWrite", STATUS_DATATYPE_MISALIGNMENT, probe_unaligned);
}

/* ---- user memory ---- */

static char *user; /* three pages of the host's: to write, to read, neither */

/* covers: ProbeForRead, ProbeForWrite */
NT_TEST(memory_of_the_host_process_is_user_memory)
{
	user = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(user, 0x5a, 0x3000);
	mprotect(user + 0x1000, 0x1000, PROT_READ);
	mprotect(user + 0x2000, 0x1000, PROT_NONE);
	ProbeForWrite(user, 0x1000, 16);
	ProbeForWrite(user + 7, 0xff9, 1);
	ProbeForWrite(user, 0, 16);
	ProbeForRead(user, 0x2000, 4096);
	for (unsigned n = 0; n < 0x1000; n++)
		CHECK_EQUAL(user[n], 0x5a);
}

static void write_to_read_only(void *ctx)
{
	ProbeForWrite(user, 0x1001, 1);
}

static void write_to_nothing(void *ctx)
{
	ProbeForWrite(user + 0x2000, 1, 1);
}

static void write_unaligned(void *ctx)
{
	ProbeForWrite(user + 4, 8, 8);
}

static void read_past_the_end(void *ctx)
{
	ProbeForRead(user, ~(SIZE_T)0 - 16, 1);
}

static void read_kernel_space(void *ctx)
{
	ProbeForRead((void *)0xffff800000000000, 8, 1);
}

/* The page before the machine's memory is none of its. */
static void read_into_ram(void *ctx)
{
	char *ram = PAGE_ALIGN(ExAllocatePoolWithTag(NonPagedPoolNx, 0x1000, TAG));

	while (mem_owner(ram - 1)->kind != MEM_NONE)
		ram -= 0x1000;
	ProbeForRead(ram - 0x1000, 0x1000, 1);
	ProbeForRead(ram - 0x1000, 0x1001, 1);
}

/* covers: ProbeForRead, ProbeForWrite */
static void a_probe_of_what_may_not_be_used_raises(void **state)
{
	assert_raises("ProbeForWrite", STATUS_ACCESS_VIOLATION, write_to_read_only);
	assert_raises("ProbeForWrite", STATUS_ACCESS_VIOLATION, write_to_nothing);
	assert_raises("ProbeForWrite", STATUS_DATATYPE_MISALIGNMENT, write_unaligned);
	assert_raises("ProbeForRead", STATUS_ACCESS_VIOLATION, read_past_the_end);
	assert_raises("ProbeForRead", STATUS_ACCESS_VIOLATION, read_kernel_space);
	assert_raises("ProbeForRead", STATUS_ACCESS_VIOLATION, read_into_ram);
}

/* covers: MmGetSystemRoutineAddress */
NT_TEST(a_routine_is_found_by_its_name)
{
	DECLARE_CONST_UNICODE_STRING(known, u"MmGetPhysicalAddress");
	DECLARE_CONST_UNICODE_STRING(unknown, u"MmNoSuchRoutine");
	WCHAR letters[500] = {'M'};
	UNICODE_STRING endless = {sizeof(letters), sizeof(letters), letters};

	CHECK(MmGetSystemRoutineAddress((PUNICODE_STRING)&known) == (PVOID)MmGetPhysicalAddress);
	CHECK(MmGetSystemRoutineAddress((PUNICODE_STRING)&unknown) == NULL);
	CHECK(MmGetSystemRoutineAddress(&endless) == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_and_physical_addresses_turn_into_each_other),
		cmocka_unit_test(what_has_no_physical_address_gets_0_and_a_violation),
		cmocka_unit_test(validity_is_told_without_touching),
		cmocka_unit_test(a_probe_of_no_bytes_does_nothing),
		cmocka_unit_test(a_probe_of_a_kernel_address_raises),
		cmocka_unit_test(memory_of_the_host_process_is_user_memory),
		cmocka_unit_test(a_probe_of_what_may_not_be_used_raises),
		cmocka_unit_test(a_routine_is_found_by_its_name),
	};

	return cmocka_run_group_tests_name("nt/mm_address", tests, NULL, NULL);
}
