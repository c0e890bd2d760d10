/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The two compilers that read include/ddk, and every difference between them.
 *
 *	DDK_WINDOWS	the Windows front end, by which miniports are built: `clang -target
 *			x86_64-pc-windows-msvc-elf -fms-extensions`; long has 32 bits, wchar_t 16
 *	otherwise	our own code: gcc or clang for x86-64 Linux; long has 64 bits
 *
 * The border is Win64 on both sides: NTAPI is the ms_abi convention for our own code and empty for
 *the front end, where a pass over the module gives it to everything. Each prototype and each
 *function type of these headers carries it (scripts/check-ddk). DDK_LONG is the one place that says
 *what a Windows long is. ntdef.h includes this file first.
 */
#ifndef DDK_PARTS_COMPILER_H
#define DDK_PARTS_COMPILER_H

#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>

#if defined(_MSC_VER) && defined(_WIN32)
#define DDK_WINDOWS 1
#define DDK_LONG    long /* check-ddk: the one place */
#ifndef NTAPI		 /* scripts/check-ddk gives it a value, to see who carries it */
#define NTAPI
#endif
#else
#define DDK_LONG int
#define NTAPI	 __attribute__((ms_abi))
#endif

#ifdef __cplusplus
#define DDK_ASSERT(expression, text) static_assert(expression, text)
#define EXTERN_C		     extern "C"
#define EXTERN_C_START		     extern "C" {
#define EXTERN_C_END		     }
#else
#define DDK_ASSERT(expression, text) _Static_assert(expression, text)
#define EXTERN_C		     extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif
/* What the specification says of a layout: the size of a structure, the offset of a member. */
#define DDK_SIZE(type, bytes) DDK_ASSERT(sizeof(type) == (bytes), "size of " #type)
#define DDK_OFFSET(type, field, at)                                                                \
	DDK_ASSERT(offsetof(type, field) == (at), "offset of " #type "." #field)

/* Inline routines of these headers. They never cross the border, so they have no NTAPI. */
#define DDK_INLINE static __inline
/* What they leave to a call, so that who has them inside stays short. */
#define DDK_RARE static __attribute__((noinline, unused))
/* A routine that is seldom called when all goes well: what leads to it is laid out of the way. */
#if defined(__clang__) || defined(__GNUC__)
#define DDK_SELDOM __attribute__((cold))
#else
#define DDK_SELDOM
#endif

#ifdef DDK_WINDOWS
#define FORCEINLINE	      __forceinline
#define DECLSPEC_ALIGN(bytes) __declspec(align(bytes))
#define DECLSPEC_NORETURN     __declspec(noreturn)
#define DECLSPEC_NOINLINE     __declspec(noinline)
#define DECLSPEC_SELECTANY    __declspec(selectany)
#define DECLSPEC_RESTRICT     __declspec(restrict)
#define DECLSPEC_DEPRECATED_DDK
#define UNALIGNED	   __unaligned
#define RESTRICTED_POINTER __restrict
#ifndef CDECL
#define CDECL __cdecl
#endif
#define STDCALL	 __stdcall
#define FASTCALL __fastcall
#define WINAPI
#define CALLBACK
/* Structured exceptions: __try, __except, __finally and __leave are the front end's own words. */
#ifndef __cplusplus
#define try	__try
#define except	__except
#define finally __finally
#define leave	__leave
#endif
#define GetExceptionCode()	  _exception_code()
#define GetExceptionInformation() ((struct _EXCEPTION_POINTERS *)_exception_info())
#define AbnormalTermination()	  _abnormal_termination()
#else
#define FORCEINLINE	      static __inline __attribute__((always_inline, unused))
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define DECLSPEC_NORETURN     __attribute__((noreturn))
#define DECLSPEC_NOINLINE     __attribute__((noinline))
#define DECLSPEC_SELECTANY    __attribute__((weak))
#define DECLSPEC_RESTRICT
#define DECLSPEC_DEPRECATED_DDK
#define UNALIGNED
#define RESTRICTED_POINTER __restrict
#endif

#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT
#define DECLSPEC_NOVTABLE
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define POINTER_ALIGN	    DECLSPEC_ALIGN(8)
#define DECLSPEC_GUARDNOCF
#define NTSYSAPI
#define NTKERNELAPI
#define NTHALAPI
#define NTSYSCALLAPI
#define STORPORT_API
#define SCSIPORT_API
#define NTAPI_INLINE		    NTAPI
#define CFORCEINLINE		    FORCEINLINE
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64

/* Which machine and which Windows the headers describe. A driver may have said otherwise before. */
#ifndef _AMD64_
#define _AMD64_ 1
#endif
#define WINDDI		     1
#define _WIN32_WINNT_WIN7    0x0601
#define _WIN32_WINNT_WIN8    0x0602
#define _WIN32_WINNT_WINBLUE 0x0603
#define _WIN32_WINNT_WIN10   0x0A00
#define NTDDI_WIN2K	     0x05000000
#define NTDDI_WINXP	     0x05010000
#define NTDDI_WS03	     0x05020000
#define NTDDI_VISTA	     0x06000000
#define NTDDI_LONGHORN	     NTDDI_VISTA
#define NTDDI_WS08	     0x06000100
#define NTDDI_WIN7	     0x06010000
#define NTDDI_WIN8	     0x06020000
#define NTDDI_WINBLUE	     0x06030000
#define NTDDI_WINTHRESHOLD   0x0A000000
#define NTDDI_WIN10	     0x0A000000
#define NTDDI_WIN10_TH2	     0x0A000001
#define NTDDI_WIN10_RS1	     0x0A000002
#define NTDDI_WIN10_RS2	     0x0A000003
#define NTDDI_WIN10_RS3	     0x0A000004
#define NTDDI_WIN10_RS4	     0x0A000005
#define NTDDI_WIN10_RS5	     0x0A000006
#define NTDDI_WIN10_19H1     0x0A000007
#define NTDDI_WIN10_VB	     0x0A000008
#define NTDDI_WIN10_MN	     0x0A000009
#define NTDDI_WIN10_FE	     0x0A00000A
#define NTDDI_WIN10_CO	     0x0A00000B
#define NTDDI_WIN10_NI	     0x0A00000C
#ifndef _WIN32_WINNT
#define _WIN32_WINNT _WIN32_WINNT_WIN10
#endif
#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN10_CO
#endif
#ifndef WINVER
#define WINVER _WIN32_WINNT
#endif

#endif
