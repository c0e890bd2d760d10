/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Rtl and debugging: memory, counted strings, bitmaps, DbgPrint, assertions. What is a macro on
 * Windows is a macro here; the rest is exported by src/nt.
 */
#ifndef DDK_PARTS_RTL_H
#define DDK_PARTS_RTL_H

#include "ke.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RtlCopyMemory(d, s, n)	 memcpy((d), (s), (n))
#define RtlMoveMemory(d, s, n)	 memmove((d), (s), (n))
#define RtlFillMemory(d, n, c)	 memset((d), (c), (n))
#define RtlZeroMemory(d, n)	 memset((d), 0, (n))
#define RtlEqualMemory(a, b, n)	 (!memcmp((a), (b), (n)))
#define RtlCopyBytes		 RtlCopyMemory
#define RtlZeroBytes		 RtlZeroMemory
#define RtlFillBytes		 RtlFillMemory
#define RtlCopyMemoryNonTemporal RtlCopyMemory
#define RtlCopyDeviceMemory	 RtlCopyMemory

DDK_INLINE PVOID RtlSecureZeroMemory(PVOID p, SIZE_T n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString);
VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString);
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
LONG NTAPI RtlCompareUnicodeString(
	PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlEqualUnicodeString(
	PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
	PCANSI_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
	PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
	PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString);
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS NTAPI RtlUnicodeStringToInt64(
	PCUNICODE_STRING String, ULONG Base, PLONG64 Number, PWSTR *EndPointer);
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);

typedef struct _RTL_BITMAP {
	ULONG SizeOfBitMap;
	PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;
VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap);
VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader);
VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader);
VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader);
BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);

typedef struct _OSVERSIONINFOW {
	ULONG dwOSVersionInfoSize;
	ULONG dwMajorVersion;
	ULONG dwMinorVersion;
	ULONG dwBuildNumber;
	ULONG dwPlatformId;
	WCHAR szCSDVersion[128];
} OSVERSIONINFOW, *POSVERSIONINFOW, RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW;
NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation);
ULONG NTAPI RtlRandomEx(PULONG Seed);

/* ---- debugging ---- */

#define DPFLTR_DEFAULT_ID      101
#define DPFLTR_IHVDRIVER_ID    77
#define DPFLTR_STORMINIPORT_ID 90
#define DPFLTR_STORPORT_ID     89
#define DPFLTR_SCSIPORT_ID     12
#define DPFLTR_SCSIMINIPORT_ID 13
#define DPFLTR_ERROR_LEVEL     0
#define DPFLTR_WARNING_LEVEL   1
#define DPFLTR_TRACE_LEVEL     2
#define DPFLTR_INFO_LEVEL      3
#define DPFLTR_MASK	       0x80000000

/* A va_list that crosses the border: 8-byte slots (the ms_abi's own, for our code). */
#ifdef DDK_WINDOWS
typedef va_list DDK_VA_LIST;
#else
typedef __builtin_ms_va_list DDK_VA_LIST;
#endif

DDK_SELDOM ULONG NTAPI DbgPrint(PCSTR Format, ...);
DDK_SELDOM ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, DDK_VA_LIST arglist);
ULONG NTAPI vDbgPrintExWithPrefix(
	PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, DDK_VA_LIST arglist);
VOID NTAPI DbgBreakPoint(VOID);
VOID NTAPI DbgBreakPointWithStatus(ULONG Status);
VOID NTAPI RtlAssert(
	PVOID VoidFailedAssertion, PVOID VoidFileName, ULONG LineNumber, PSTR MutableMessage);
/* On Windows an `int 2c`; here a call, so that the message can name the place. */
VOID NTAPI DbgRaiseAssertionFailure(VOID);

#if DBG
#define KdPrint(args)	DbgPrint args
#define KdPrintEx(args) DbgPrintEx args
#define KdBreakPoint()	DbgBreakPoint()
#define RTL_SOFT_ASSERT_(text)                                                                     \
	(DbgPrint("%s(%d): soft assertion failed\n   Expression: %s\n", __FILE__, __LINE__, text), \
		FALSE)
#define ASSERT(e) ((!(e)) ? (RtlAssert((PVOID) #e, (PVOID)__FILE__, __LINE__, NULL), FALSE) : TRUE)
#define ASSERTMSG(message, e)                                                                      \
	((!(e)) ? (RtlAssert((PVOID) #e, (PVOID)__FILE__, __LINE__, (PSTR)(message)), FALSE) : TRUE)
#define RTL_SOFT_ASSERT(e)  ((!(e)) ? RTL_SOFT_ASSERT_(#e) : TRUE)
#define RTL_VERIFY(e)	    ASSERT(e)
#define NT_ASSERT(e)	    ASSERT(e)
#define NT_ASSERTMSG(m, e)  ASSERTMSG(m, e)
#define NT_ASSERTMSGW(m, e) ASSERT(e)
#define NT_VERIFY(e)	    ASSERT(e)
#else
#define KdPrint(args)
#define KdPrintEx(args)
#define KdBreakPoint()
#define ASSERT(e)	    ((VOID)0)
#define ASSERTMSG(m, e)	    ((VOID)0)
#define RTL_SOFT_ASSERT(e)  ((VOID)0)
#define RTL_VERIFY(e)	    ((e) ? TRUE : FALSE)
#define NT_ASSERT(e)	    ((VOID)0)
#define NT_ASSERTMSG(m, e)  ((VOID)0)
#define NT_ASSERTMSGW(m, e) ((VOID)0)
#define NT_VERIFY(e)	    ((e) ? TRUE : FALSE)
#endif
#define NT_ANALYSIS_ASSUME(e) ((VOID)0)
#define NT_FRE_ASSERT(e)      ASSERT(e)
#define RTL_ASSERT	      ASSERT
#define NT_ASSERT_NOASSUME    NT_ASSERT
#ifndef __annotation
#define __annotation(...)
#endif

#define PAGED_ASSERT(e)	    NT_ASSERT(e)
#define PAGED_CODE()	    PAGED_ASSERT(KeGetCurrentIrql() <= APC_LEVEL)
#define PAGED_CODE_LOCKED() NOP_FUNCTION
#define NOP_FUNCTION	    ((VOID)0)

#ifdef __cplusplus
}
#endif

#endif
