/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Interlocked operations, bit scans, byte swaps and barriers: inline, for both compilers. They
 * stand on the compilers' atomics, so that ThreadSanitizer sees them. All are full barriers, as on
 * Windows. _InterlockedIncrement and its kin are the Windows front end's own builtins.
 */
#ifndef DDK_PARTS_INTRIN_H
#define DDK_PARTS_INTRIN_H

#include "../ntdef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The builtin decides what is returned, as documented: the old value or the new one. */
#define DDK_INTERLOCKED(name, type, builtin)                                                       \
	DDK_INLINE type name(type volatile *target, type value)                                    \
	{                                                                                          \
		return builtin(target, value, __ATOMIC_SEQ_CST);                                   \
	}

DDK_INTERLOCKED(InterlockedExchange, LONG, __atomic_exchange_n)
DDK_INTERLOCKED(InterlockedExchangeAdd, LONG, __atomic_fetch_add)
DDK_INTERLOCKED(InterlockedAdd, LONG, __atomic_add_fetch)
DDK_INTERLOCKED(InterlockedAnd, LONG, __atomic_fetch_and)
DDK_INTERLOCKED(InterlockedOr, LONG, __atomic_fetch_or)
DDK_INTERLOCKED(InterlockedXor, LONG, __atomic_fetch_xor)
DDK_INTERLOCKED(InterlockedExchange64, LONG64, __atomic_exchange_n)
DDK_INTERLOCKED(InterlockedExchangeAdd64, LONG64, __atomic_fetch_add)
DDK_INTERLOCKED(InterlockedAdd64, LONG64, __atomic_add_fetch)
DDK_INTERLOCKED(InterlockedAnd64, LONG64, __atomic_fetch_and)
DDK_INTERLOCKED(InterlockedOr64, LONG64, __atomic_fetch_or)
DDK_INTERLOCKED(InterlockedXor64, LONG64, __atomic_fetch_xor)
DDK_INTERLOCKED(InterlockedExchange16, SHORT, __atomic_exchange_n)
DDK_INTERLOCKED(InterlockedAnd16, SHORT, __atomic_fetch_and)
DDK_INTERLOCKED(InterlockedOr16, SHORT, __atomic_fetch_or)
DDK_INTERLOCKED(InterlockedXor16, SHORT, __atomic_fetch_xor)
DDK_INTERLOCKED(InterlockedExchange8, CHAR, __atomic_exchange_n)
DDK_INTERLOCKED(InterlockedAnd8, CHAR, __atomic_fetch_and)
DDK_INTERLOCKED(InterlockedOr8, CHAR, __atomic_fetch_or)
DDK_INTERLOCKED(InterlockedXor8, CHAR, __atomic_fetch_xor)
#undef DDK_INTERLOCKED

#define DDK_INTERLOCKED_BY_ONE(name, type, builtin)                                                \
	DDK_INLINE type name(type volatile *target)                                                \
	{                                                                                          \
		return builtin(target, 1, __ATOMIC_SEQ_CST);                                       \
	}
DDK_INTERLOCKED_BY_ONE(InterlockedIncrement, LONG, __atomic_add_fetch)
DDK_INTERLOCKED_BY_ONE(InterlockedDecrement, LONG, __atomic_sub_fetch)
DDK_INTERLOCKED_BY_ONE(InterlockedIncrement64, LONG64, __atomic_add_fetch)
DDK_INTERLOCKED_BY_ONE(InterlockedDecrement64, LONG64, __atomic_sub_fetch)
DDK_INTERLOCKED_BY_ONE(InterlockedIncrement16, SHORT, __atomic_add_fetch)
DDK_INTERLOCKED_BY_ONE(InterlockedDecrement16, SHORT, __atomic_sub_fetch)
#undef DDK_INTERLOCKED_BY_ONE

/* Returns what was there before. */
#define DDK_COMPARE_EXCHANGE(name, type)                                                           \
	DDK_INLINE type name(type volatile *target, type value, type expected)                     \
	{                                                                                          \
		__atomic_compare_exchange_n(                                                       \
			target, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);          \
		return expected;                                                                   \
	}
DDK_COMPARE_EXCHANGE(InterlockedCompareExchange, LONG)
DDK_COMPARE_EXCHANGE(InterlockedCompareExchange64, LONG64)
DDK_COMPARE_EXCHANGE(InterlockedCompareExchange16, SHORT)
#undef DDK_COMPARE_EXCHANGE

DDK_INLINE PVOID InterlockedCompareExchangePointer(
	PVOID volatile *target, PVOID value, PVOID expected)
{
	__atomic_compare_exchange_n(
		target, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

DDK_INLINE PVOID InterlockedExchangePointer(PVOID volatile *target, PVOID value)
{
	return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedCompareExchangeNoFence InterlockedCompareExchange
#define InterlockedIncrementAcquire	  InterlockedIncrement
#define InterlockedIncrementRelease	  InterlockedIncrement
#define InterlockedIncrementNoFence	  InterlockedIncrement
#define InterlockedDecrementAcquire	  InterlockedDecrement
#define InterlockedDecrementRelease	  InterlockedDecrement
#define InterlockedDecrementNoFence	  InterlockedDecrement
#define InterlockedExchangeNoFence	  InterlockedExchange
#define InterlockedExchangeAddNoFence	  InterlockedExchangeAdd
#define InterlockedExchangeAddSizeT(target, n)                                                     \
	((SIZE_T)InterlockedExchangeAdd64((LONG64 volatile *)(target), (LONG64)(n)))
#define InterlockedIncrementSizeT(target)                                                          \
	((SIZE_T)InterlockedIncrement64((LONG64 volatile *)(target)))
#define InterlockedDecrementSizeT(target)                                                          \
	((SIZE_T)InterlockedDecrement64((LONG64 volatile *)(target)))

/* Bit `bit` of the array of LONGs at target, which may lie beyond the first; the old bit is
 * returned. */
DDK_INLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile *target, LONG bit)
{
	LONG mask = (LONG)(1u << (bit & 31));

	return (__atomic_fetch_or(target + (bit >> 5), mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

DDK_INLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile *target, LONG bit)
{
	LONG mask = (LONG)(1u << (bit & 31));

	return (__atomic_fetch_and(target + (bit >> 5), ~mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

DDK_INLINE BOOLEAN InterlockedBitTestAndComplement(LONG volatile *target, LONG bit)
{
	LONG mask = (LONG)(1u << (bit & 31));

	return (__atomic_fetch_xor(target + (bit >> 5), mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

/* The position of the lowest or the highest set bit; zero and an undefined index when there is
 * none. */
DDK_INLINE BOOLEAN BitScanForward(PULONG index, ULONG mask)
{
	if (mask)
		*index = (ULONG)__builtin_ctz((unsigned)mask);
	return mask != 0;
}

DDK_INLINE BOOLEAN BitScanReverse(PULONG index, ULONG mask)
{
	if (mask)
		*index = 31 - (ULONG)__builtin_clz((unsigned)mask);
	return mask != 0;
}

DDK_INLINE BOOLEAN BitScanForward64(PULONG index, ULONG64 mask)
{
	if (mask)
		*index = (ULONG)__builtin_ctzll(mask);
	return mask != 0;
}

DDK_INLINE BOOLEAN BitScanReverse64(PULONG index, ULONG64 mask)
{
	if (mask)
		*index = 63 - (ULONG)__builtin_clzll(mask);
	return mask != 0;
}

#define _BitScanForward		BitScanForward
#define _BitScanReverse		BitScanReverse
#define _BitScanForward64	BitScanForward64
#define _BitScanReverse64	BitScanReverse64
#define _byteswap_ushort(x)	__builtin_bswap16(x)
#define _byteswap_ulong(x)	((ULONG)__builtin_bswap32((UINT32)(x)))
#define _byteswap_uint64(x)	__builtin_bswap64(x)
#define RtlUshortByteSwap(x)	__builtin_bswap16((USHORT)(x))
#define RtlUlongByteSwap(x)	((ULONG)__builtin_bswap32((UINT32)(x)))
#define RtlUlonglongByteSwap(x) __builtin_bswap64((ULONGLONG)(x))
#define RotateLeft32(x, n)	((ULONG)(((UINT32)(x) << ((n)&31)) | ((UINT32)(x) >> (-(n)&31))))

#define KeMemoryBarrier()	      __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define KeMemoryBarrierWithoutFence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define MemoryBarrier()		      __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define YieldProcessor()	      __builtin_ia32_pause()
#define _ReadWriteBarrier()	      __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _ReadBarrier()		      __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _WriteBarrier()		      __atomic_signal_fence(__ATOMIC_SEQ_CST)

#define ReadAcquire(p)		  __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ReadNoFence(p)		  __atomic_load_n((p), __ATOMIC_RELAXED)
#define ReadRaw(p)		  __atomic_load_n((p), __ATOMIC_RELAXED)
#define WriteRelease(p, v)	  __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define WriteNoFence(p, v)	  __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define WriteRaw(p, v)		  __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define ReadPointerAcquire(p)	  __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ReadPointerNoFence(p)	  __atomic_load_n((p), __ATOMIC_RELAXED)
#define WritePointerRelease(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#ifdef __cplusplus
}
#endif

#endif
