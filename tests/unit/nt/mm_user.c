/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: user memory: probed, and locked by MDLs (spec/storport.md 3.2; the checks of 5.3). */
#include "nt_kit.h"
#include <sys/mman.h>

/* ---- probes ---- */

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

static char *user; /* three pages of the host's: to write, to read, neither */

static void user_make(void)
{
	user = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(user, 0x5a, 0x3000);
	mprotect(user + 0x1000, 0x1000, PROT_READ);
	mprotect(user + 0x2000, 0x1000, PROT_NONE);
}

/* covers: ProbeForRead, ProbeForWrite */
NT_TEST(memory_of_the_host_process_is_user_memory)
{
	user_make();
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

/* ---- locks ---- */

static PMDL lock(void *va, ULONG bytes, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
	PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

	MmProbeAndLockPages(mdl, mode, operation);
	return mdl;
}

static void unlock(PMDL mdl)
{
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

/* What the driver reads and writes is the program's memory, not a copy. */
/* covers: MmProbeAndLockPages, MmUnlockPages */
NT_TEST(a_program_s_buffer_is_locked_mapped_and_let_go)
{
	char *buffer =
		mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	PMDL mdl = lock(buffer + 0x10, 0x3000, UserMode, IoWriteAccess);
	PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	char *system = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);

	CHECK(mdl->MdlFlags & MDL_PAGES_LOCKED);
	CHECK(mdl->MdlFlags & MDL_WRITE_OPERATION);
	memset(system, 0x77, 0x3000);
	CHECK_EQUAL(buffer[0xf], 0);
	CHECK_EQUAL(buffer[0x10], 0x77);
	CHECK_EQUAL(buffer[0x300f], 0x77);
	CHECK_EQUAL(buffer[0x3010], 0);
	buffer[0x1234] = 0x42;
	for (unsigned i = 0; i < 4; i++) { /* as a device sees it */
		char *page = mem_host(pfn[i] << 12);

		CHECK_EQUAL(mem_frame_get(pfn[i])->kind, MEM_USER);
		CHECK_EQUAL(page[0x234], i == 1 ? 0x42 : i == 3 ? 0 : 0x77);
		CHECK_EQUAL(
			MmGetPhysicalAddress(system + i * 0x1000).QuadPart, (pfn[i] << 12) + 0x10);
		for (unsigned j = 0; j < i; j++)
			CHECK(pfn[i] != pfn[j]);
	}
	ProbeForRead(buffer, 0x4000, 1); /* it still is the program's */
	MmUnlockPages(mdl);
	CHECK(!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
	CHECK_EQUAL(mem_physical(buffer), MEM_NO_ADDRESS);
	CHECK_EQUAL(mem_user_pages(), 0);
	IoFreeMdl(mdl);
	munmap(buffer, 0x4000);
}

/* Its page: a page that two MDLs describe is unlocked with the last of them. */
/* covers: MmUnlockPages */
NT_TEST(a_page_of_two_buffers_is_locked_until_both_are_unlocked)
{
	char *buffer =
		mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	PMDL first = lock(buffer, 0x1800, UserMode, IoWriteAccess);
	PMDL second = lock(buffer + 0x1800, 0x800, UserMode, IoReadAccess);
	PFN_NUMBER shared = MmGetMdlPfnArray(second)[0];

	CHECK_EQUAL(MmGetMdlPfnArray(first)[1], shared);
	CHECK_EQUAL(mem_user_pages(), 2);
	unlock(first);
	CHECK_EQUAL(mem_user_pages(), 1);
	CHECK_EQUAL(mem_frame_get(shared)->kind, MEM_USER);
	CHECK(MmGetSystemAddressForMdlSafe(second, NormalPagePriority) == buffer + 0x1800);
	unlock(second);
	CHECK_EQUAL(mem_user_pages(), 0);
	CHECK_EQUAL(mem_frame_get(shared)->kind, MEM_NONE);
	munmap(buffer, 0x2000);
}

/* covers: MmProbeAndLockPages */
NT_TEST(read_only_memory_is_locked_for_reading_and_by_kernel_mode)
{
	PMDL mdl;

	user_make();
	mdl = lock(user + 0xffe, 4, UserMode, IoReadAccess);
	CHECK(!(mdl->MdlFlags & MDL_WRITE_OPERATION));
	CHECK(!memcmp(
		MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), "\x5a\x5a\x5a\x5a", 4));
	unlock(mdl);
	unlock(lock(user + 0x1000, 0x1000, KernelMode, IoReadAccess));
}

static void lock_read_only_to_write(void *ctx)
{
	user_make();
	lock(user, 0x1001, UserMode, IoWriteAccess);
}

static void lock_read_only_to_modify(void *ctx)
{
	user_make();
	lock(user + 0x1000, 1, KernelMode, IoModifyAccess);
}

static void lock_nothing_to_read(void *ctx)
{
	user_make();
	lock(user + 0x1000, 0x1001, UserMode, IoReadAccess);
}

static void lock_kernel_space(void *ctx)
{
	lock((void *)0xffff800000000000, 8, UserMode, IoReadAccess);
}

static void lock_null(void *ctx)
{
	lock(NULL, 0x1000, UserMode, IoReadAccess);
}

/* The page before the machine's memory is none of its. */
static void lock_into_ram(void *ctx)
{
	char *page = (char *)mem_base() - 0x1000;

	mmap(page, 0x1000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	unlock(lock(page, 0x1000, UserMode, IoReadAccess));
	lock(page, 0x1001, UserMode, IoReadAccess);
}

/* covers: MmProbeAndLockPages */
static void what_may_not_be_used_is_not_locked(void **state)
{
	static const char routine[] = "MmProbeAndLockPages";

	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_read_only_to_write);
	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_read_only_to_modify);
	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_nothing_to_read);
	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_kernel_space);
	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_null);
	assert_raises(routine, STATUS_ACCESS_VIOLATION, lock_into_ram);
}

/* More than there are frames for: 49152 pages, of which stacks have some. */
static void lock_too_much(void *ctx)
{
	char *all = mmap(NULL, 49153ull << 12, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	lock(all, 49153u << 12, UserMode, IoReadAccess);
}

static void what_there_are_no_frames_for_is_not_locked(void **state)
{
	assert_dies(lock_too_much, "0xC000009A");
}

/* Its page: APC_LEVEL for what can be paged. */
NT_TEST(a_lock_above_apc_level_is_reported)
{
	char *buffer = malloc(100);
	PMDL mdl;
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	mdl = lock(buffer, 100, UserMode, IoReadAccess);
	CHECK_VIOLATION(0xC4000070, "MmProbeAndLockPages called at");
	MmUnlockPages(mdl);
	KeLowerIrql(old);
	IoFreeMdl(mdl);
	free(buffer);
}

/* 3.2: whole pages passed are unlocked at once. */
/* covers: MmAdvanceMdl */
NT_TEST(advancing_unlocks_the_pages_that_are_passed)
{
	char *buffer =
		mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	PMDL mdl = lock(buffer + 0x800, 0x3800, UserMode, IoWriteAccess),
	     part = IoAllocateMdl(buffer + 0x800, 0x3800, FALSE, FALSE, NULL);

	IoBuildPartialMdl(mdl, part, buffer + 0x800, 0x3800);
	CHECK_EQUAL(MmAdvanceMdl(part, 0x2800), STATUS_SUCCESS); /* its source holds the locks */
	IoFreeMdl(part);
	CHECK_EQUAL(mem_user_pages(), 4);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 0x7ff), STATUS_SUCCESS);
	CHECK_EQUAL(mem_user_pages(), 4);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 0x1801), STATUS_SUCCESS);
	CHECK_EQUAL(mem_user_pages(), 2);
	CHECK_EQUAL(mem_physical(buffer + 0x1fff), MEM_NO_ADDRESS);
	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == buffer + 0x2800);
	unlock(mdl);
	CHECK_EQUAL(mem_user_pages(), 0);
	munmap(buffer, 0x4000);
}

/* 0xC4/6F: its pages may go at any time, also while another MDL has them locked. */
/* covers: MmBuildMdlForNonPagedPool */
NT_TEST(user_memory_is_no_nonpaged_pool)
{
	static char buffer[64];
	PMDL other = lock(buffer, 64, UserMode, IoReadAccess),
	     mdl = IoAllocateMdl(buffer, 64, FALSE, FALSE, NULL);

	MmBuildMdlForNonPagedPool(mdl);
	CHECK_VIOLATION(0xC400006F, "no memory of the machine");
	IoFreeMdl(mdl);
	unlock(other);
}

/* 0x76, 0xCB: what is left at the end. */
static void pages_that_stay_locked_are_told_of(void **state)
{
	static char buffer[0x3000] __attribute__((aligned(0x1000)));

	machine_start(1, MEM_SCATTERED);
	IoFreeMdl(lock(buffer, 0x2000, UserMode, IoReadAccess));
	CHECK_VIOLATION(0x76000000, "still locked");
	assert_int_equal(nt_fini(), 2);
	CHECK_VIOLATION(0xCB000000, "2 pages of user memory");
	cpu_fini();
	mem_fini();
	machine_start(1, MEM_SCATTERED);
	assert_int_equal(mem_user_pages(), 0);
	assert_int_equal(mem_physical(buffer), MEM_NO_ADDRESS);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_of_no_bytes_does_nothing),
		cmocka_unit_test(a_probe_of_a_kernel_address_raises),
		cmocka_unit_test(memory_of_the_host_process_is_user_memory),
		cmocka_unit_test(a_probe_of_what_may_not_be_used_raises),
		cmocka_unit_test(a_program_s_buffer_is_locked_mapped_and_let_go),
		cmocka_unit_test(a_page_of_two_buffers_is_locked_until_both_are_unlocked),
		cmocka_unit_test(read_only_memory_is_locked_for_reading_and_by_kernel_mode),
		cmocka_unit_test(what_may_not_be_used_is_not_locked),
		cmocka_unit_test(what_there_are_no_frames_for_is_not_locked),
		cmocka_unit_test(a_lock_above_apc_level_is_reported),
		cmocka_unit_test(advancing_unlocks_the_pages_that_are_passed),
		cmocka_unit_test(user_memory_is_no_nonpaged_pool),
		cmocka_unit_test(pages_that_stay_locked_are_told_of),
	};

	return cmocka_run_group_tests_name("nt/mm_user", tests, NULL, NULL);
}
