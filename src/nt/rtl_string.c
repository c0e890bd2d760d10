/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: counted strings: made, compared, copied, appended. rtl_convert.c turns them into others.
 * Lengths are bytes. */
#include "nt/nt_check.h"
#include "nt/rtl_unicode.h"
#include "util/export.h"

#include <string.h>

#define LONGEST_UNICODE                                                                            \
	0xfffc /* so that with its terminator a string still has an even 16-bit length */
#define LONGEST_ANSI 0xfffe

static uint64_t wide_bytes(const WCHAR *s)
{
	uint64_t n = 0;

	while (s[n])
		n++;
	return n * sizeof(WCHAR);
}

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
	uint64_t bytes = SourceString ? min_of(wide_bytes(SourceString), LONGEST_UNICODE) : 0;

	DestinationString->Length = (USHORT)bytes;
	DestinationString->MaximumLength = SourceString ? (USHORT)(bytes + sizeof(WCHAR)) : 0;
	DestinationString->Buffer = (PWCH)SourceString;
}
DRY_EXPORT(RtlInitUnicodeString)

VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
	size_t bytes = SourceString ? min_of(strlen(SourceString), (size_t)LONGEST_ANSI) : 0;

	DestinationString->Length = (USHORT)bytes;
	DestinationString->MaximumLength = SourceString ? (USHORT)(bytes + 1) : 0;
	DestinationString->Buffer = (PCHAR)SourceString;
}
DRY_EXPORT(RtlInitAnsiString)

VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
	RtlInitAnsiString(DestinationString, SourceString);
}
DRY_EXPORT(RtlInitString)

static void terminate(PUNICODE_STRING string)
{
	if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
		string->Buffer[string->Length / sizeof(WCHAR)] = 0;
}

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
	DestinationString->Length = 0;
	if (!SourceString)
		return;
	DestinationString->Length = min_of(SourceString->Length, DestinationString->MaximumLength);
	memmove(DestinationString->Buffer, SourceString->Buffer, DestinationString->Length);
	terminate(DestinationString);
}
DRY_EXPORT(RtlCopyUnicodeString)

static NTSTATUS append(PUNICODE_STRING string, const void *more, uint64_t bytes)
{
	if (bytes + string->Length > string->MaximumLength)
		return STATUS_BUFFER_TOO_SMALL;
	memmove((char *)string->Buffer + string->Length, more, bytes);
	string->Length = (USHORT)(string->Length + bytes);
	terminate(string);
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
	return Source->Length ? append(Destination, Source->Buffer, Source->Length)
			      : STATUS_SUCCESS;
}
DRY_EXPORT(RtlAppendUnicodeStringToString)

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
	return Source ? append(Destination, Source, wide_bytes(Source)) : STATUS_SUCCESS;
}
DRY_EXPORT(RtlAppendUnicodeToString)

LONG NTAPI RtlCompareUnicodeString(
	PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive)
{
	unsigned n = min_of(String1->Length, String2->Length) / sizeof(WCHAR);

	nt_irql_max("RtlCompareUnicodeString", IRQL_PASSIVE, NT_C4(0xE5));
	for (unsigned i = 0; i < n; i++) {
		WCHAR a = String1->Buffer[i], b = String2->Buffer[i];

		if (CaseInSensitive && a != b) {
			a = rtl_upcase(a);
			b = rtl_upcase(b);
		}
		if (a != b)
			return a - b;
	}
	return String1->Length - String2->Length;
}
DRY_EXPORT(RtlCompareUnicodeString)

BOOLEAN NTAPI RtlEqualUnicodeString(
	PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive)
{
	return String1->Length == String2->Length &&
	       RtlCompareUnicodeString(String1, String2, CaseInSensitive) == 0;
}
DRY_EXPORT(RtlEqualUnicodeString)
