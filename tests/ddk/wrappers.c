/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The inline wrappers over StorPortExtendedFunction and StorPortNotification hand over the code,
 * the extension and their arguments in the documented order, so that a callee of Windows'
 * convention finds each in a slot of eight bytes. The two variadic routines are played here and
 * keep what they get.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <storport.h>

enum { SLOTS = 9 };

/* How many slots the next calls pass; no more are read. */
static unsigned passes;

static struct {
	int code;
	void *extension;
	uint64_t slot[SLOTS];
} got;

ULONG NTAPI StorPortExtendedFunction(
	STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension, ...)
{
	__builtin_ms_va_list args;

	got.code = FunctionCode;
	got.extension = HwDeviceExtension;
	__builtin_ms_va_start(args, HwDeviceExtension);
	for (unsigned i = 0; i < passes; i++)
		got.slot[i] = __builtin_va_arg(args, uint64_t);
	__builtin_ms_va_end(args);
	return 0xC1000004;
}

/* Where the answer goes: the last argument of the types that have one. */
static int answer_slot = -1;
static LONG answer;

VOID NTAPI StorPortNotification(
	SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...)
{
	__builtin_ms_va_list args;

	got.code = NotificationType;
	got.extension = HwDeviceExtension;
	__builtin_ms_va_start(args, HwDeviceExtension);
	for (unsigned i = 0; i < passes; i++)
		got.slot[i] = __builtin_va_arg(args, uint64_t);
	__builtin_ms_va_end(args);
	if (answer_slot >= 0)
		*(LONG *)got.slot[answer_slot] = answer;
}

static char ext;
#define POINTER(n) ((void *)(uintptr_t)(0xfeed000000000000ull + (n)))

static void expect(int code, unsigned count, unsigned answers, const uint64_t *slots)
{
	assert_int_equal(count + answers, passes);
	assert_int_equal(got.code, code);
	assert_ptr_equal(got.extension, &ext);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(got.slot[i], slots[i]);
}
#define EXPECT_(code, answers, ...)                                                                \
	expect(code, sizeof((uint64_t[]){__VA_ARGS__}) / 8, answers, (uint64_t[]){__VA_ARGS__})
#define EXPECT(code, ...) EXPECT_(code, 0, __VA_ARGS__)
/* The last slot, the answer's address, is not compared. */
#define EXPECT_BUT_ANSWER(code, ...) EXPECT_(code, 1, __VA_ARGS__)
#define P(n)			     ((uint64_t)(uintptr_t)POINTER(n))

/* SG-2: the code is 9 and all nine arguments arrive, the BOOLEAN and the ULONGs in the low bits. */
static void build_passes_all_its_arguments(void **state)
{
	ULONG status;

	passes = 8;
	status = StorPortBuildScatterGatherList(&ext, POINTER(1), POINTER(2), 0x87654321,
		(PPOST_SCATTER_GATHER_EXECUTE)POINTER(3), POINTER(4), TRUE, POINTER(5), 0x1018);
	assert_int_equal(status, STOR_STATUS_BUFFER_TOO_SMALL);
	got.slot[2] = (uint32_t)got.slot[2];
	got.slot[5] = (uint32_t)got.slot[5];
	got.slot[7] = (uint32_t)got.slot[7];
	EXPECT(0x09, P(1), P(2), 0x87654321, P(3), P(4), 1, P(5), 0x1018);
}

/* storport.md 1.2 */
static void put_passes_list_and_direction(void **state)
{
	passes = 2;
	StorPortPutScatterGatherList(&ext, POINTER(1), FALSE);
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x0a, P(1), 0);
}

static void pool_and_mdl_wrappers_have_the_documented_codes(void **state)
{
	passes = 3;
	StorPortAllocatePool(&ext, 100, 0x64636261, POINTER(1));
	got.slot[0] = (uint32_t)got.slot[0];
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x00, 100, 0x64636261, P(1));
	passes = 1;
	StorPortFreePool(&ext, POINTER(2));
	EXPECT(0x01, P(2));
	passes = 3;
	StorPortAllocateMdl(&ext, POINTER(3), 4096, POINTER(4));
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x02, P(3), 4096, P(4));
	passes = 1;
	StorPortFreeMdl(&ext, POINTER(5));
	EXPECT(0x03, P(5));
	StorPortBuildMdlForNonPagedPool(&ext, POINTER(6));
	EXPECT(0x04, P(6));
	passes = 2;
	StorPortGetSystemAddress(&ext, POINTER(7), POINTER(8));
	EXPECT(0x05, P(7), P(8));
	StorPortGetOriginalMdl(&ext, POINTER(9), POINTER(10));
	EXPECT(0x06, P(9), P(10));
}

/* An address by value is one slot, as Windows passes a structure of eight bytes. */
static void addresses_by_value_travel_whole(void **state)
{
	PHYSICAL_ADDRESS low = {.QuadPart = 0x1000};
	PHYSICAL_ADDRESS high = {.QuadPart = 0x123456789abcdef0};
	PHYSICAL_ADDRESS boundary = {.QuadPart = 0x100000000};

	passes = 7;
	StorPortAllocateContiguousMemorySpecifyCacheNode(
		&ext, 0x200000001, low, high, boundary, MmCached, MM_ANY_NODE_OK, POINTER(1));
	got.slot[4] = (uint32_t)got.slot[4];
	got.slot[5] = (uint32_t)got.slot[5];
	EXPECT(0x18, 0x200000001, 0x1000, 0x123456789abcdef0, 0x100000000, 1, 0x80000000, P(1));
}

static void memory_for_a_device_of_its_own_takes_nine_arguments(void **state)
{
	PHYSICAL_ADDRESS low = {.QuadPart = 0x1000}, high = {.QuadPart = 0x123456789abcdef0};
	PHYSICAL_ADDRESS boundary = {.QuadPart = 0};

	passes = 9;
	StorPortAllocateHostMemoryBuffer(&ext, 0x200000000, 0x300000000, 0x400000005, 0x87654321,
		low, high, boundary, POINTER(1), POINTER(2));
	got.slot[3] = (uint32_t)got.slot[3];
	EXPECT(0x45, 0x200000000, 0x300000000, 0x400000005, 0x87654321, 0x1000, 0x123456789abcdef0,
		0, P(1), P(2));
	passes = 2;
	StorPortFreeHostMemoryBuffer(&ext, POINTER(1), 0x87654321);
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x46, P(1), 0x87654321);
}

static void numbers_of_requests_have_two_codes(void **state)
{
	passes = 1;
	StorPortUpdateAdapterMaxIO(&ext, 0x87654321);
	got.slot[0] = (uint32_t)got.slot[0];
	EXPECT(0x50, 0x87654321);
	passes = 2;
	StorPortUpdatePortConfigMaxIOInfo(&ext, 0x87654321, 7);
	got.slot[0] = (uint32_t)got.slot[0];
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x54, 0x87654321, 7);
}

static void attributes_travel_as_their_bits(void **state)
{
	STOR_UNIT_ATTRIBUTES attributes = {.DeviceAttentionSupported = 1, .D3ColdNotSupported = 1};

	passes = 2;
	StorPortSetUnitAttributes(&ext, POINTER(1), attributes);
	got.slot[1] = (uint32_t)got.slot[1];
	EXPECT(0x2e, P(1), 5);
}

static void timer_values_keep_their_64_bits(void **state)
{
	passes = 5;
	StorPortRequestTimer(
		&ext, POINTER(1), (PHW_TIMER_EX)POINTER(2), POINTER(3), 0x100000002, 0x300000004);
	EXPECT(0x21, P(1), P(2), P(3), 0x100000002, 0x300000004);
}

/* storport.md 1.8: the types from 0x1000 on, and the answers that come back through the last
 * argument. */
static void notification_wrappers_pass_and_answer(void **state)
{
	STOR_LOCK_HANDLE lock;

	passes = 2;
	answer_slot = 1;
	answer = TRUE;
	assert_true(StorPortEnablePassiveInitialization(
		&ext, (PHW_PASSIVE_INITIALIZE_ROUTINE)POINTER(1)));
	EXPECT_BUT_ANSWER(0x1000, P(1));
	answer = FALSE;
	assert_false(StorPortEnablePassiveInitialization(
		&ext, (PHW_PASSIVE_INITIALIZE_ROUTINE)POINTER(1)));
	passes = 4;
	answer_slot = 3;
	answer = TRUE;
	assert_true(StorPortIssueDpc(&ext, POINTER(2), POINTER(3), POINTER(4)));
	EXPECT_BUT_ANSWER(0x1002, P(2), P(3), P(4));
	answer_slot = -1;
	assert_false(StorPortIssueDpc(&ext, POINTER(2), POINTER(3), POINTER(4)));
	passes = 2;
	StorPortInitializeDpc(&ext, POINTER(5), (PHW_DPC_ROUTINE)POINTER(6));
	EXPECT(0x1001, P(5), P(6));
	passes = 3;
	StorPortAcquireSpinLock(&ext, InterruptLock, NULL, &lock);
	got.slot[0] = (uint32_t)got.slot[0];
	EXPECT(0x1003, 3, 0, (uintptr_t)&lock);
	passes = 1;
	StorPortReleaseSpinLock(&ext, &lock);
	EXPECT(0x1004, (uintptr_t)&lock);
}

/* What an old port does not know leaves the answer alone. */
static void an_unanswered_state_change_is_not_implemented(void **state)
{
	passes = 6;
	answer_slot = -1;
	assert_int_equal(
		StorPortStateChangeDetected(&ext, STATE_CHANGE_LUN, POINTER(1), 0, NULL, NULL),
		STOR_STATUS_NOT_IMPLEMENTED);
	assert_int_equal(got.code, 0x1005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_passes_all_its_arguments),
		cmocka_unit_test(put_passes_list_and_direction),
		cmocka_unit_test(pool_and_mdl_wrappers_have_the_documented_codes),
		cmocka_unit_test(addresses_by_value_travel_whole),
		cmocka_unit_test(memory_for_a_device_of_its_own_takes_nine_arguments),
		cmocka_unit_test(numbers_of_requests_have_two_codes),
		cmocka_unit_test(attributes_travel_as_their_bits),
		cmocka_unit_test(timer_values_keep_their_64_bits),
		cmocka_unit_test(notification_wrappers_pass_and_answer),
		cmocka_unit_test(an_unanswered_state_change_is_not_implemented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
