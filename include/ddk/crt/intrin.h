/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * For drivers only, in place of the compiler's own <intrin.h>, which wants a C library: the
 * intrinsics of parts/intrin.h and of the vector headers, and cpuid.
 */
#ifndef DDK_CRT_INTRIN_H
#define DDK_CRT_INTRIN_H

#include "../parts/intrin.h"

#ifdef DDK_WINDOWS
#include <immintrin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Later compilers have them themselves, once they are declared. */
#if __has_builtin(__cpuidex)
void NTAPI __cpuid(int registers[4], int leaf);
void NTAPI __cpuidex(int registers[4], int leaf, int subleaf);
#else
DDK_INLINE void __cpuidex(int registers[4], int leaf, int subleaf)
{
	__asm__ volatile(
		"cpuid"
		: "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
		: "a"(leaf), "c"(subleaf));
}

DDK_INLINE void __cpuid(int registers[4], int leaf)
{
	__cpuidex(registers, leaf, 0);
}
#endif

#ifdef __cplusplus
}
#endif
#endif

#endif
