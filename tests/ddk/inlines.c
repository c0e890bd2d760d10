/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The routines that the headers themselves contain: lists, interlocked operations, byte order,
 * spans, MDLs, strings. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <storport.h>
#include <ntddstor.h>
#include <ntintsafe.h>
#include <ntstrsafe.h>

struct item {
	int number;
	LIST_ENTRY link;
};

static void lists_keep_their_order(void **state)
{
	LIST_ENTRY head, other;
	struct item items[] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};

	InitializeListHead(&head);
	assert_true(IsListEmpty(&head));
	InsertTailList(&head, &items[1].link);
	InsertTailList(&head, &items[2].link);
	InsertHeadList(&head, &items[0].link);
	InitializeListHead(&other);
	InsertTailList(&other, &items[3].link);
	RemoveEntryList(&other);
	InitializeListHead(&items[3].link);
	AppendTailList(&head, &items[3].link);
	for (int i = 1; i <= 3; i++) {
		PLIST_ENTRY entry = RemoveHeadList(&head);

		assert_int_equal(CONTAINING_RECORD(entry, struct item, link)->number, i);
	}
	assert_ptr_equal(RemoveTailList(&head), &items[3].link);
	assert_true(IsListEmpty(&head));
	InsertTailList(&head, &items[0].link);
	InsertTailList(&head, &items[1].link);
	assert_false(RemoveEntryList(&items[0].link));
	assert_true(RemoveEntryList(&items[1].link));
}

/* The documented results: increment and add the new value, exchange and the logical ones the old.
 */
static void interlocked_operations_return_what_is_documented(void **state)
{
	LONG value = 5;
	LONG64 wide = -1;
	LONG bits[2] = {0, 0};
	PVOID pointer = NULL;

	assert_int_equal(InterlockedIncrement(&value), 6);
	assert_int_equal(InterlockedDecrement(&value), 5);
	assert_int_equal(InterlockedExchangeAdd(&value, 10), 5);
	assert_int_equal(InterlockedAdd(&value, -5), 10);
	assert_int_equal(InterlockedExchange(&value, 0xf0), 10);
	assert_int_equal(InterlockedAnd(&value, 0x30), 0xf0);
	assert_int_equal(InterlockedOr(&value, 0x0f), 0x30);
	assert_int_equal(InterlockedCompareExchange(&value, 1, 2), 0x3f);
	assert_int_equal(value, 0x3f);
	assert_int_equal(InterlockedCompareExchange(&value, 1, 0x3f), 0x3f);
	assert_int_equal(value, 1);
	assert_int_equal(InterlockedIncrement64(&wide), 0);
	assert_false(InterlockedBitTestAndSet(bits, 33));
	assert_true(InterlockedBitTestAndSet(bits, 33));
	assert_int_equal(bits[1], 2);
	assert_true(InterlockedBitTestAndReset(bits, 33));
	assert_int_equal(bits[1], 0);
	assert_null(InterlockedCompareExchangePointer(&pointer, &value, NULL));
	assert_ptr_equal(InterlockedExchangePointer(&pointer, NULL), &value);
}

static void sizes_are_aligned(void **state)
{
	char bytes[16] __attribute__((aligned(16)));

	assert_int_equal(ALIGN_UP(17, PVOID), 24);
	assert_int_equal(ALIGN_UP(16, PVOID), 16);
	assert_int_equal(ALIGN_DOWN(17, ULONG), 16);
	assert_int_equal(ALIGN_UP_BY(0x1001, 4096), 0x2000);
	assert_int_equal(ALIGN_UP_BY(1ull << 40 | 1, 8), 1ull << 40 | 8);
	assert_ptr_equal(ALIGN_UP_POINTER_BY(bytes + 1, 8), bytes + 8);
	assert_ptr_equal(ALIGN_DOWN_POINTER_BY(bytes + 15, 8), bytes + 8);
}

static void bit_scans_find_the_ends(void **state)
{
	ULONG index = 99;

	assert_true(BitScanForward(&index, 0x00081000));
	assert_int_equal(index, 12);
	assert_true(BitScanReverse(&index, 0x00081000));
	assert_int_equal(index, 19);
	assert_true(BitScanReverse64(&index, 1ull << 63));
	assert_int_equal(index, 63);
	assert_false(BitScanForward(&index, 0));
}

static void bytes_are_reversed_in_place_too(void **state)
{
	ULONG value = 0x11223344, turned;
	USHORT half = 0x1122;
	ULONGLONG quad = 0x1122334455667788, quad_turned;

	REVERSE_BYTES(&turned, &value);
	assert_int_equal(turned, 0x44332211);
	REVERSE_LONG(&value);
	assert_int_equal(value, 0x44332211);
	REVERSE_BYTES_SHORT(&half, &half);
	assert_int_equal(half, 0x2211);
	REVERSE_BYTES_QUAD(&quad_turned, &quad);
	assert_int_equal(quad_turned, 0x8877665544332211);
}

/* W:address_and_size_to_span_pages; storport.md 3.2: size 0 gives 0 on a page boundary and 1
 * elsewhere. */
static void spans_count_the_pages_touched(void **state)
{
	assert_int_equal(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0x1000), 1);
	assert_int_equal(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1fff, 2), 2);
	assert_int_equal(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1001, 0x10000), 17);
	assert_int_equal(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0), 0);
	assert_int_equal(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1123, 0), 1);
	assert_int_equal(BYTES_TO_PAGES(0x1001), 2);
	assert_int_equal(ROUND_TO_PAGES(0x1001), 0x2000);
	assert_int_equal(BYTE_OFFSET((void *)0x12345), 0x345);
	assert_ptr_equal(PAGE_ALIGN((void *)0x12345), (void *)0x12000);
}

/* storport.md 3.1: page aligned start, offset, and room for the frame numbers behind the header. */
static void an_mdl_is_initialised_as_documented(void **state)
{
	MDL mdl;

	memset(&mdl, 0xff, sizeof(mdl));
	MmInitializeMdl(&mdl, (PVOID)0x7ff0, 0x2000);
	assert_null(mdl.Next);
	assert_ptr_equal(mdl.StartVa, (PVOID)0x7000);
	assert_int_equal(mdl.ByteOffset, 0xff0);
	assert_int_equal(mdl.ByteCount, 0x2000);
	assert_int_equal(mdl.Size, 0x30 + 3 * 8);
	assert_int_equal(mdl.MdlFlags, 0);
	assert_ptr_equal(MmGetMdlVirtualAddress(&mdl), (PVOID)0x7ff0);
	assert_ptr_equal(MmGetMdlPfnArray(&mdl), (char *)&mdl + 0x30);
}

/* Documented: always terminated; cut when too long, with STATUS_BUFFER_OVERFLOW; size 0 is an
 * error. */
static void bounded_strings_are_cut_and_say_so(void **state)
{
	char text[6];
	WCHAR wide[4];
	size_t length;

	assert_int_equal(RtlStringCchCopyA(text, sizeof(text), "12345"), STATUS_SUCCESS);
	assert_string_equal(text, "12345");
	assert_int_equal(RtlStringCchCopyA(text, sizeof(text), "123456"), STATUS_BUFFER_OVERFLOW);
	assert_string_equal(text, "12345");
	assert_int_equal(RtlStringCchCopyNA(text, sizeof(text), "123456", 3), STATUS_SUCCESS);
	assert_string_equal(text, "123");
	assert_int_equal(RtlStringCbCatA(text, sizeof(text), "45"), STATUS_SUCCESS);
	assert_string_equal(text, "12345");
	assert_int_equal(RtlStringCbCatA(text, sizeof(text), "6"), STATUS_BUFFER_OVERFLOW);
	assert_string_equal(text, "12345");
	assert_int_equal(RtlStringCchCopyA(text, 0, "1"), STATUS_INVALID_PARAMETER);
	assert_int_equal(RtlStringCbCopyW(wide, sizeof(wide), u"abcd"), STATUS_BUFFER_OVERFLOW);
	assert_int_equal(wide[2], 'c');
	assert_int_equal(wide[3], 0);
	assert_int_equal(RtlStringCbLengthW(wide, sizeof(wide), &length), STATUS_SUCCESS);
	assert_int_equal(length, 6);
	assert_int_equal(RtlStringCchLengthA("abc", 3, &length), STATUS_INVALID_PARAMETER);
	assert_int_equal(length, 0);
}

/* The sums are known by hand; what does not fit gives the type's error value. */
static void arithmetic_that_does_not_fit_says_so(void **state)
{
	ULONG number;
	USHORT small;
	UCHAR byte;
	LONG signed_number;
	ULONGLONG wide;
	LONGLONG signed_wide;
	SIZE_T size;

	assert_int_equal(RtlULongAdd(0xfffffff0, 0xf, &number), STATUS_SUCCESS);
	assert_int_equal(number, 0xffffffff);
	assert_int_equal(RtlULongAdd(0xfffffff0, 0x10, &number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(number, ULONG_ERROR);
	assert_int_equal(RtlULongSub(3, 4, &number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlULongMult(0x10000, 0xffff, &number), STATUS_SUCCESS);
	assert_int_equal(number, 0xffff0000);
	assert_int_equal(RtlULongMult(0x10000, 0x10000, &number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlUShortAdd(0xffff, 1, &small), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(small, USHORT_ERROR);
	assert_int_equal(RtlUInt8Mult(16, 15, &byte), STATUS_SUCCESS);
	assert_int_equal(byte, 240);
	assert_int_equal(RtlUInt8Mult(16, 16, &byte), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlLongAdd(0x7fffffff, 1, &signed_number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(signed_number, LONG_ERROR);
	assert_int_equal(RtlLongSub(-5, 6, &signed_number), STATUS_SUCCESS);
	assert_int_equal(signed_number, -11);
	assert_int_equal(RtlULongLongMult(1ull << 32, 1ull << 31, &wide), STATUS_SUCCESS);
	assert_int_equal(wide, 1ull << 63);
	assert_int_equal(RtlULongLongMult(1ull << 32, 1ull << 32, &wide), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlLongLongMult(-1, 9223372036854775807ll, &signed_wide), STATUS_SUCCESS);
	assert_int_equal(signed_wide, -9223372036854775807ll);
	assert_int_equal(RtlSIZETAdd(~(SIZE_T)0, 1, &size), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(size, SIZET_ERROR);
}

static void conversions_that_do_not_fit_say_so(void **state)
{
	ULONG number;
	USHORT small;
	UCHAR byte;
	LONG signed_number;
	SIZE_T size;

	assert_int_equal(RtlULongLongToULong(0xffffffff, &number), STATUS_SUCCESS);
	assert_int_equal(number, 0xffffffff);
	assert_int_equal(RtlULongLongToULong(0x100000000, &number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(number, ULONG_ERROR);
	assert_int_equal(RtlSIZETToULong(0x123456789, &number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlULongToUShort(0xffff, &small), STATUS_SUCCESS);
	assert_int_equal(RtlULongToUShort(0x10000, &small), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlLongToUInt8(-1, &byte), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlULongToLong(0x80000000, &signed_number), STATUS_INTEGER_OVERFLOW);
	assert_int_equal(RtlLongLongToLong(-0x80000000ll, &signed_number), STATUS_SUCCESS);
	assert_int_equal(signed_number, -0x80000000ll);
	assert_int_equal(RtlLongToSIZET(-1, &size), STATUS_INTEGER_OVERFLOW);
}

/* SBC-4, 6.6.2: byte 8. devioctl.h's fields by their documented places. */
static void bits_and_codes_are_where_they_belong(void **state)
{
	VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE page = {.FUAB = 1, .ZONED = 2};

	assert_int_equal(((UCHAR *)&page)[8], 0x22);
	assert_int_equal(IOCTL_STORAGE_GET_DEVICE_NUMBER, 0x2d << 16 | 0x420 << 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_keep_their_order),
		cmocka_unit_test(interlocked_operations_return_what_is_documented),
		cmocka_unit_test(sizes_are_aligned),
		cmocka_unit_test(bit_scans_find_the_ends),
		cmocka_unit_test(bytes_are_reversed_in_place_too),
		cmocka_unit_test(spans_count_the_pages_touched),
		cmocka_unit_test(an_mdl_is_initialised_as_documented),
		cmocka_unit_test(bounded_strings_are_cut_and_say_so),
		cmocka_unit_test(arithmetic_that_does_not_fit_says_so),
		cmocka_unit_test(conversions_that_do_not_fit_say_so),
		cmocka_unit_test(bits_and_codes_are_where_they_belong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
