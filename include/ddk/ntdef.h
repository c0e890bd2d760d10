/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The basic types and macros of the kernel: integers, characters, large integers, lists, strings
 * and GUIDs. parts/compiler.h, beneath it, holds what differs between the two compilers. Sizes:
 * LONG and ULONG 32 bits, WCHAR 16, pointers 64.
 */
#ifndef _NTDEF_
#define _NTDEF_

#include "parts/compiler.h"
#include "sal.h"
#include "guiddef.h"

#ifdef DDK_WINDOWS
#include "crt/string.h"
#else
#include <string.h>
#endif

#define ANYSIZE_ARRAY 1
#define CONST	      const
#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif
#ifndef NOTHING
#define NOTHING
#endif
#ifdef DDK_WINDOWS
#define IN
#define OUT
#define OPTIONAL
#define CRITICAL
#endif

typedef char CHAR, *PCHAR, *LPSTR, *PSTR, *PSZ, *NTSTRPTR;
typedef const char *PCSTR, *LPCSTR, *PCSZ, *LPCCH, *PCCH;
typedef CHAR CCHAR, *PCCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef const UCHAR *PCUCHAR;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef UCHAR BOOLEAN, *PBOOLEAN;
typedef int BOOL, *PBOOL;
typedef short SHORT, *PSHORT, CSHORT, *PCSHORT;
typedef unsigned short USHORT, *PUSHORT, WORD, *PWORD;
typedef const USHORT *PCUSHORT;
typedef int INT, *PINT;
typedef unsigned int UINT, *PUINT;
typedef DDK_LONG LONG, *PLONG, CLONG_S;
typedef unsigned DDK_LONG ULONG, *PULONG, DWORD, *PDWORD, CLONG, *PCLONG, LOGICAL, *PLOGICAL;
typedef const ULONG *PCULONG;
typedef float FLOAT;
typedef double DOUBLE;
typedef void *PVOID, *LPVOID, *HANDLE, **PHANDLE;
typedef const void *PCVOID, *LPCVOID;

typedef int8_t INT8, *PINT8;
typedef uint8_t UINT8, *PUINT8;
typedef int16_t INT16, *PINT16;
typedef uint16_t UINT16, *PUINT16;
typedef int32_t INT32, *PINT32;
typedef uint32_t UINT32, *PUINT32;
typedef int32_t LONG32, *PLONG32;
typedef uint32_t ULONG32, *PULONG32, DWORD32, *PDWORD32;
typedef int64_t INT64, *PINT64, LONGLONG, *PLONGLONG, LONG64, *PLONG64;
typedef uint64_t UINT64, *PUINT64, ULONGLONG, *PULONGLONG, ULONG64, *PULONG64, DWORDLONG, DWORD64;
typedef intptr_t INT_PTR, *PINT_PTR, LONG_PTR, *PLONG_PTR, SSIZE_T, *PSSIZE_T;
typedef uintptr_t UINT_PTR, *PUINT_PTR, ULONG_PTR, *PULONG_PTR, DWORD_PTR, SIZE_T, *PSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef LONGLONG USN;

#ifdef DDK_WINDOWS
typedef wchar_t WCHAR;
#else
typedef uint16_t WCHAR; /* u"..." for our own code, where wchar_t has 32 bits */
#endif
typedef WCHAR *PWCHAR, *LPWSTR, *PWSTR, *PWCH;
typedef const WCHAR *PCWSTR, *LPCWSTR, *PCWCH, *PCWCHAR;
typedef PWSTR *PZPWSTR;
typedef CHAR *PZZSTR; /* strings one behind the other, an empty one at the end */

typedef LONG NTSTATUS, *PNTSTATUS;
typedef LONG HRESULT;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef LONG KPRIORITY;
typedef ULONG LCID, *PLCID;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG EXECUTION_STATE;

#define NT_SUCCESS(Status)     (((NTSTATUS)(Status)) >= 0)
#define NT_INFORMATION(Status) ((((ULONG)(Status)) >> 30) == 1)
#define NT_WARNING(Status)     ((((ULONG)(Status)) >> 30) == 2)
#define NT_ERROR(Status)       ((((ULONG)(Status)) >> 30) == 3)

#define MINCHAR	     0x80
#define MAXCHAR	     0x7f
#define MINSHORT     0x8000
#define MAXSHORT     0x7fff
#define MINLONG	     0x80000000
#define MAXLONG	     0x7fffffff
#define MAXUCHAR     0xff
#define MAXUSHORT    0xffff
#define MAXULONG     0xffffffff
#define MAXLONGLONG  0x7fffffffffffffffLL
#define MAXULONGLONG 0xffffffffffffffffULL
#ifndef MAXDWORD
#define MAXDWORD 0xffffffff
#endif
#define MAX_PATH     260
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL    ((CHAR)0)

typedef union _LARGE_INTEGER {
	struct {
		ULONG LowPart;
		LONG HighPart;
	};
	struct {
		ULONG LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;
DDK_SIZE(LARGE_INTEGER, 8);

typedef union _ULARGE_INTEGER {
	struct {
		ULONG LowPart;
		ULONG HighPart;
	};
	struct {
		ULONG LowPart;
		ULONG HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;
DDK_SIZE(ULARGE_INTEGER, 8);

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LUID {
	ULONG LowPart;
	LONG HighPart;
} LUID, *PLUID;

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY, *RESTRICTED_POINTER PRLIST_ENTRY;
DDK_SIZE(LIST_ENTRY, 16);

typedef struct _SINGLE_LIST_ENTRY {
	struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
DDK_SIZE(UNICODE_STRING, 16);

typedef struct _STRING {
	USHORT Length;
	USHORT MaximumLength;
	PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING;
typedef const STRING *PCSTRING, *PCANSI_STRING, *PCOEM_STRING;

typedef struct _GROUP_AFFINITY {
	KAFFINITY Mask;
	USHORT Group;
	USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;
DDK_SIZE(GROUP_AFFINITY, 16);

typedef struct _PROCESSOR_NUMBER {
	USHORT Group;
	UCHAR Number;
	UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;
DDK_SIZE(PROCESSOR_NUMBER, 4);

typedef struct _OBJECT_ATTRIBUTES {
	ULONG Length;
	HANDLE RootDirectory;
	PUNICODE_STRING ObjectName;
	ULONG Attributes;
	PVOID SecurityDescriptor;
	PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
DDK_SIZE(OBJECT_ATTRIBUTES, 48);

#define OBJ_INHERIT	     0x00000002
#define OBJ_PERMANENT	     0x00000010
#define OBJ_EXCLUSIVE	     0x00000020
#define OBJ_CASE_INSENSITIVE 0x00000040
#define OBJ_OPENIF	     0x00000080
#define OBJ_OPENLINK	     0x00000100
#define OBJ_KERNEL_HANDLE    0x00000200

#define InitializeObjectAttributes(p, n, a, r, s)                                                  \
	((p)->Length = sizeof(OBJECT_ATTRIBUTES), (p)->RootDirectory = (r), (p)->Attributes = (a), \
		(p)->ObjectName = (n), (p)->SecurityDescriptor = (s),                              \
		(p)->SecurityQualityOfService = NULL)

#ifdef __cplusplus
static constexpr CHAR *DdkConstantString(const CHAR *s)
{
	return const_cast<CHAR *>(s);
}
static constexpr WCHAR *DdkConstantString(const WCHAR *s)
{
	return const_cast<WCHAR *>(s);
}
#else
#define DdkConstantString(s) ((void *)(s))
#endif
#define RTL_CONSTANT_STRING(s)                                                                     \
	{                                                                                          \
		sizeof(s) - sizeof((s)[0]), sizeof(s), DdkConstantString(s)                        \
	}
#define DECLARE_CONST_UNICODE_STRING(name, text)                                                   \
	static const WCHAR name##_buffer[] = text;                                                 \
	static const UNICODE_STRING name = {                                                       \
		sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)name##_buffer}
#define DECLARE_UNICODE_STRING_SIZE(name, size)                                                    \
	WCHAR name##_buffer[size];                                                                 \
	UNICODE_STRING name = {0, (size) * sizeof(WCHAR), name##_buffer}

/* ---- fields, sizes, casts ---- */

#define FIELD_OFFSET(type, field)	      ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field)	      ((ULONG)offsetof(type, field))
#define RTL_FIELD_SIZE(type, field)	      (sizeof(((type *)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (offsetof(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_CONTAINS_FIELD(pointer, size, field)                                                   \
	((((PCHAR)(&(pointer)->field)) + sizeof((pointer)->field)) <= (((PCHAR)(pointer)) + (size)))
/* A size, or an address, at the next or the last multiple of a power of two, or of a type's size.
 */
#define ALIGN_DOWN_BY(length, alignment) ((ULONG_PTR)(length) & ~((ULONG_PTR)(alignment)-1))
#define ALIGN_UP_BY(length, alignment)                                                             \
	ALIGN_DOWN_BY((ULONG_PTR)(length) + (alignment)-1, (alignment))
#define ALIGN_DOWN(length, type)		  ALIGN_DOWN_BY((length), sizeof(type))
#define ALIGN_UP(length, type)			  ALIGN_UP_BY((length), sizeof(type))
#define ALIGN_DOWN_POINTER_BY(address, alignment) ((PVOID)ALIGN_DOWN_BY((address), (alignment)))
#define ALIGN_UP_POINTER_BY(address, alignment)	  ((PVOID)ALIGN_UP_BY((address), (alignment)))

#define RTL_NUMBER_OF(a)		 (sizeof(a) / sizeof((a)[0]))
#define RTL_NUMBER_OF_FIELD(type, field) (RTL_NUMBER_OF(((type *)0)->field))
#define ARRAYSIZE(a)			 RTL_NUMBER_OF(a)
#define _ARRAYSIZE(a)			 RTL_NUMBER_OF(a)
#ifndef _countof
#define _countof(a) RTL_NUMBER_OF(a)
#endif
#define CONTAINING_RECORD(address, type, field)                                                    \
	((type *)((PCHAR)(address) - (ULONG_PTR)offsetof(type, field)))
#define TYPE_ALIGNMENT(type)		   __alignof__(type)
#define C_ASSERT(e)			   DDK_ASSERT(e, #e)
#define STATIC_ASSERT(e)		   DDK_ASSERT(e, #e)
#define UNREFERENCED_PARAMETER(p)	   ((void)(p))
#define DBG_UNREFERENCED_PARAMETER(p)	   ((void)(p))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(v) ((void)(v))
#define ARGUMENT_PRESENT(p)		   ((PVOID)(p) != NULL)
#define LOWORD(l)			   ((WORD)((ULONG_PTR)(l)&0xffff))
#define HIWORD(l)			   ((WORD)(((ULONG_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w)			   ((BYTE)((ULONG_PTR)(w)&0xff))
#define HIBYTE(w)			   ((BYTE)(((ULONG_PTR)(w) >> 8) & 0xff))
#define FlagOn(f, s)			   ((f) & (s))
#define BooleanFlagOn(f, s)		   ((BOOLEAN)(((f) & (s)) != 0))
#define SetFlag(f, s)			   ((f) |= (s))
#define ClearFlag(f, s)			   ((f) &= ~(s))
#define Add2Ptr(p, n)			   ((PVOID)((PUCHAR)(p) + (n)))
#define PtrOffset(b, o)			   ((ULONG)((ULONG_PTR)(o) - (ULONG_PTR)(b)))

#define PtrToUlong(p)	 ((ULONG)(ULONG_PTR)(p))
#define PtrToLong(p)	 ((LONG)(LONG_PTR)(p))
#define PtrToUint(p)	 ((UINT)(UINT_PTR)(p))
#define PtrToInt(p)	 ((INT)(INT_PTR)(p))
#define ULongToPtr(u)	 ((PVOID)(ULONG_PTR)(ULONG)(u))
#define UlongToPtr(u)	 ULongToPtr(u)
#define LongToPtr(l)	 ((PVOID)(LONG_PTR)(LONG)(l))
#define UIntToPtr(u)	 ((PVOID)(UINT_PTR)(UINT)(u))
#define IntToPtr(i)	 ((PVOID)(INT_PTR)(INT)(i))
#define HandleToUlong(h) ((ULONG)(ULONG_PTR)(h))
#define HandleToULong(h) ((ULONG)(ULONG_PTR)(h))
#define UlongToHandle(u) ((HANDLE)(ULONG_PTR)(ULONG)(u))
#define ULongToHandle(u) ((HANDLE)(ULONG_PTR)(ULONG)(u))

/* Macros of this name only for drivers: our own code and the C library's headers know better. */
#if defined(DDK_WINDOWS) && !defined(NOMINMAX)
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif

#define Int32x32To64(a, b)  ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b) ((ULONGLONG)(ULONG)(a) * (ULONGLONG)(ULONG)(b))

#endif
