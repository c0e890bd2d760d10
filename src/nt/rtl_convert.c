/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Rtl: counted strings from other strings and numbers, and back. All of it is for PASSIVE_LEVEL
 * (the tables are pageable on Windows), so a caller above it is told, and served.
 */
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "nt/rtl_unicode.h"
#include "util/export.h"

#define STRING_TAG 0x67727453u /* "Strg" */

static void *string_new(uint64_t bytes, void *site)
{
	return pool_take(bytes, STRING_TAG, NULL, (uintptr_t)site, POOL_ASK_PAGED);
}

/*
 * Room for `bytes` of text and a terminator of `end` bytes: the caller's buffer or a new one. A
 * string has at most 65535 bytes with its terminator.
 */
static NTSTATUS string_room(STRING *string, uint64_t bytes, unsigned end, bool allocate, void *site)
{
	if (bytes + end > MAXUSHORT)
		return STATUS_INVALID_PARAMETER_2;
	if (allocate) {
		string->Buffer = string_new(bytes + end, site);
		if (!string->Buffer)
			return STATUS_NO_MEMORY;
		string->MaximumLength = (USHORT)(bytes + end);
	} else if (bytes + end > string->MaximumLength) {
		return STATUS_BUFFER_OVERFLOW;
	}
	string->Length = (USHORT)bytes;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
	PCANSI_STRING SourceString, BOOLEAN AllocateDestinationString)
{
	unsigned length = SourceString->Length;
	NTSTATUS status;

	nt_irql_max("RtlAnsiStringToUnicodeString", IRQL_PASSIVE, NT_C4(0xE5));
	status = string_room((STRING *)DestinationString, length * sizeof(WCHAR), sizeof(WCHAR),
		AllocateDestinationString, __builtin_return_address(0));
	if (status)
		return status;
	for (unsigned i = 0; i < length; i++)
		DestinationString->Buffer[i] = rtl_from_ansi((uint8_t)SourceString->Buffer[i]);
	DestinationString->Buffer[length] = 0;
	return STATUS_SUCCESS;
}
DRY_EXPORT(RtlAnsiStringToUnicodeString)

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
	PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString)
{
	unsigned length = SourceString->Length / sizeof(WCHAR);
	NTSTATUS status;

	nt_irql_max("RtlUnicodeStringToAnsiString", IRQL_PASSIVE, NT_C4(0xE5));
	status = string_room(DestinationString, length, 1, AllocateDestinationString,
		__builtin_return_address(0));
	if (status)
		return status;
	for (unsigned i = 0; i < length; i++)
		DestinationString->Buffer[i] = (CHAR)rtl_to_ansi(SourceString->Buffer[i]);
	DestinationString->Buffer[length] = 0;
	return STATUS_SUCCESS;
}
DRY_EXPORT(RtlUnicodeStringToAnsiString)

/* Writes no terminator, as Length tells. */
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
	PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString)
{
	unsigned length = SourceString->Length / sizeof(WCHAR);
	NTSTATUS status;

	nt_irql_max("RtlUpcaseUnicodeString", IRQL_APC, NT_C4(0xE5));
	status = string_room((STRING *)DestinationString, SourceString->Length, 0,
		AllocateDestinationString, __builtin_return_address(0));
	if (status)
		return status;
	for (unsigned i = 0; i < length; i++)
		DestinationString->Buffer[i] = rtl_upcase(SourceString->Buffer[i]);
	return STATUS_SUCCESS;
}
DRY_EXPORT(RtlUpcaseUnicodeString)

static void string_free(const char *routine, STRING *string)
{
	nt_irql_max(routine, IRQL_APC, NT_C4(0xE5));
	if (string->Buffer)
		pool_give(string->Buffer, routine, NULL);
	*string = (STRING){0};
}

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
	string_free("RtlFreeUnicodeString", (STRING *)UnicodeString);
}
DRY_EXPORT(RtlFreeUnicodeString)

VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
	string_free("RtlFreeAnsiString", AnsiString);
}
DRY_EXPORT(RtlFreeAnsiString)

/* ---- numbers ---- */

static bool base_good(ULONG base)
{
	return base == 2 || base == 8 || base == 10 || base == 16;
}

static unsigned digit_of(WCHAR c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10u;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10u;
	return 16;
}

/* After "0x", "0o" or "0b" the number goes on in that base. */
static ULONG base_prefix(const WCHAR **s, const WCHAR *end)
{
	static const struct {
		WCHAR letter;
		ULONG base;
	} prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};

	for (size_t i = 0; i < array_size(prefixes); i++) {
		if (end - *s < 2 || (*s)[0] != '0' || (*s)[1] != prefixes[i].letter)
			continue;
		*s += 2;
		return prefixes[i].base;
	}
	return 10;
}

/* The number's bits; what follows it is not looked at. */
static NTSTATUS number_of(
	PCUNICODE_STRING string, ULONG base, uint64_t *number, const WCHAR **behind)
{
	const WCHAR *s = string->Buffer, *end = s + string->Length / sizeof(WCHAR);
	bool negative = false;
	uint64_t value = 0;

	if (s == end || (base && !base_good(base)))
		return STATUS_INVALID_PARAMETER;
	while (s < end && *s <= ' ')
		s++;
	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	if (!base)
		base = base_prefix(&s, end);
	for (; s < end && digit_of(*s) < base; s++)
		value = value * base + digit_of(*s);
	*number = negative ? 0 - value : value;
	*behind = s;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
	const WCHAR *behind;
	uint64_t number;
	NTSTATUS status;

	nt_irql_max("RtlUnicodeStringToInteger", IRQL_PASSIVE, NT_C4(0xE5));
	status = number_of(String, Base, &number, &behind);
	if (!status)
		*Value = (ULONG)number;
	return status;
}
DRY_EXPORT(RtlUnicodeStringToInteger)

/* No page tells of it: as the one above, with 64 bits; EndPointer, which may be NULL, is where the
 * number ends. */
NTSTATUS NTAPI RtlUnicodeStringToInt64(
	PCUNICODE_STRING String, ULONG Base, PLONG64 Number, PWSTR *EndPointer)
{
	const WCHAR *behind;
	uint64_t number;
	NTSTATUS status;

	nt_irql_max("RtlUnicodeStringToInt64", IRQL_PASSIVE, NT_C4(0xE5));
	status = number_of(String, Base, &number, &behind);
	if (status)
		return status;
	*Number = (LONG64)number;
	if (EndPointer)
		*EndPointer = (PWSTR)behind;
	return STATUS_SUCCESS;
}
DRY_EXPORT(RtlUnicodeStringToInt64)

/* The terminator is written if there is room for it. */
static NTSTATUS number_to_string(uint64_t value, ULONG base, PUNICODE_STRING string)
{
	WCHAR digits[64];
	unsigned n = 0, i;

	if (!base)
		base = 10;
	if (!base_good(base))
		return STATUS_INVALID_PARAMETER;
	do {
		digits[n++] = (WCHAR) "0123456789ABCDEF"[value % base];
		value /= base;
	} while (value);
	if (n * sizeof(WCHAR) > string->MaximumLength)
		return STATUS_BUFFER_OVERFLOW;
	for (i = 0; i < n; i++)
		string->Buffer[i] = digits[n - 1 - i];
	string->Length = (USHORT)(n * sizeof(WCHAR));
	if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
		string->Buffer[n] = 0;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
	nt_irql_max("RtlIntegerToUnicodeString", IRQL_PASSIVE, NT_C4(0xE5));
	return number_to_string(Value, Base, String);
}
DRY_EXPORT(RtlIntegerToUnicodeString)

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
	nt_irql_max("RtlInt64ToUnicodeString", IRQL_PASSIVE, NT_C4(0xE5));
	return number_to_string(Value, Base, String);
}
DRY_EXPORT(RtlInt64ToUnicodeString)
