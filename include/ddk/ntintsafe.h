/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Arithmetic that says when the result does not fit: RtlULongAdd, RtlSIZETMult, RtlULongLongToULong
 * ... Each returns STATUS_SUCCESS with the result, or STATUS_INTEGER_OVERFLOW with the type's error
 * value (all bits set, which is -1 where the type is signed). Any IRQL.
 */
#ifndef _NTINTSAFE_H_INCLUDED_
#define _NTINTSAFE_H_INCLUDED_

#include "ntdef.h"
#include "ntstatus.h"

#define INT8_ERROR	(-1)
#define UINT8_ERROR	0xff
#define BYTE_ERROR	0xff
#define SHORT_ERROR	(-1)
#define USHORT_ERROR	0xffff
#define INT_ERROR	(-1)
#define UINT_ERROR	0xffffffff
#define LONG_ERROR	(-1L)
#define ULONG_ERROR	0xffffffffUL
#define DWORD_ERROR	0xffffffffUL
#define LONGLONG_ERROR	(-1LL)
#define ULONGLONG_ERROR 0xffffffffffffffffULL
#define SIZET_ERROR	((SIZE_T)-1)

#define DDK_SAFE(name, type, builtin)                                                              \
	DDK_INLINE NTSTATUS name(type a, type b, type *result)                                     \
	{                                                                                          \
		if (!builtin(a, b, result))                                                        \
			return STATUS_SUCCESS;                                                     \
		*result = (type)-1;                                                                \
		return STATUS_INTEGER_OVERFLOW;                                                    \
	}
#define DDK_SAFE_ALL(name, type)                                                                   \
	DDK_SAFE(Rtl##name##Add, type, __builtin_add_overflow)                                     \
	DDK_SAFE(Rtl##name##Sub, type, __builtin_sub_overflow)                                     \
	DDK_SAFE(Rtl##name##Mult, type, __builtin_mul_overflow)
/* To a type that holds fewer numbers. */
#define DDK_SAFE_TO(name, from, to)                                                                \
	DDK_INLINE NTSTATUS Rtl##name(from value, to *result)                                      \
	{                                                                                          \
		if (!__builtin_add_overflow(value, (to)0, result))                                 \
			return STATUS_SUCCESS;                                                     \
		*result = (to)-1;                                                                  \
		return STATUS_INTEGER_OVERFLOW;                                                    \
	}

DDK_SAFE_ALL(UInt8, UCHAR)
DDK_SAFE_ALL(UShort, USHORT)
DDK_SAFE_ALL(UInt, UINT)
DDK_SAFE_ALL(ULong, ULONG)
DDK_SAFE_ALL(ULongLong, ULONGLONG)
DDK_SAFE_ALL(ULongPtr, ULONG_PTR)
DDK_SAFE_ALL(SIZET, SIZE_T)
DDK_SAFE_ALL(SizeT, SIZE_T)
DDK_SAFE_ALL(Int8, CHAR)
DDK_SAFE_ALL(Short, SHORT)
DDK_SAFE_ALL(Int, INT)
DDK_SAFE_ALL(Long, LONG)
DDK_SAFE_ALL(LongLong, LONGLONG)
DDK_SAFE_ALL(LongPtr, LONG_PTR)

/* What goes to a type: its name, its type; then from each of the wide ones. */
#define DDK_SAFE_FROM_ALL(name, to)                                                                \
	DDK_SAFE_TO(IntTo##name, INT, to)                                                          \
	DDK_SAFE_TO(UIntTo##name, UINT, to)                                                        \
	DDK_SAFE_TO(LongTo##name, LONG, to)                                                        \
	DDK_SAFE_TO(ULongTo##name, ULONG, to)                                                      \
	DDK_SAFE_TO(LongLongTo##name, LONGLONG, to)                                                \
	DDK_SAFE_TO(ULongLongTo##name, ULONGLONG, to)                                              \
	DDK_SAFE_TO(ULongPtrTo##name, ULONG_PTR, to)                                               \
	DDK_SAFE_TO(SIZETTo##name, SIZE_T, to)                                                     \
	DDK_SAFE_TO(SizeTTo##name, SIZE_T, to)

DDK_SAFE_FROM_ALL(UInt8, UCHAR)
DDK_SAFE_FROM_ALL(UChar, UCHAR)
DDK_SAFE_FROM_ALL(Short, SHORT)
DDK_SAFE_FROM_ALL(UShort, USHORT)
DDK_SAFE_TO(UIntToInt, UINT, INT)
DDK_SAFE_TO(LongToUInt, LONG, UINT)
DDK_SAFE_TO(IntToUInt, INT, UINT)
DDK_SAFE_TO(IntToULong, INT, ULONG)
DDK_SAFE_TO(LongToULong, LONG, ULONG)
DDK_SAFE_TO(ULongToLong, ULONG, LONG)
DDK_SAFE_TO(ULongToInt, ULONG, INT)
DDK_SAFE_TO(LongLongToInt, LONGLONG, INT)
DDK_SAFE_TO(LongLongToUInt, LONGLONG, UINT)
DDK_SAFE_TO(LongLongToLong, LONGLONG, LONG)
DDK_SAFE_TO(LongLongToULong, LONGLONG, ULONG)
DDK_SAFE_TO(LongLongToULongLong, LONGLONG, ULONGLONG)
DDK_SAFE_TO(ULongLongToInt, ULONGLONG, INT)
DDK_SAFE_TO(ULongLongToUInt, ULONGLONG, UINT)
DDK_SAFE_TO(ULongLongToLong, ULONGLONG, LONG)
DDK_SAFE_TO(ULongLongToULong, ULONGLONG, ULONG)
DDK_SAFE_TO(ULongLongToLongLong, ULONGLONG, LONGLONG)
DDK_SAFE_TO(ULongLongToSIZET, ULONGLONG, SIZE_T)
DDK_SAFE_TO(ULongPtrToULong, ULONG_PTR, ULONG)
DDK_SAFE_TO(SIZETToULong, SIZE_T, ULONG)
DDK_SAFE_TO(SIZETToUInt, SIZE_T, UINT)
DDK_SAFE_TO(SizeTToULong, SIZE_T, ULONG)
DDK_SAFE_TO(SizeTToUInt, SIZE_T, UINT)
DDK_SAFE_TO(LongToSIZET, LONG, SIZE_T)
DDK_SAFE_TO(LongLongToSIZET, LONGLONG, SIZE_T)

#undef DDK_SAFE
#undef DDK_SAFE_ALL
#undef DDK_SAFE_TO
#undef DDK_SAFE_FROM_ALL

#endif
