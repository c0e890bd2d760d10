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
		cmocka_unit_test(a_routine_is_found_by_its_name),
	};

	return cmocka_run_group_tests_name("nt/mm_address", tests, NULL, NULL);
}
