/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: what the compiler's own <intrin.h> asks for. Nothing of it is exported: drivers
 * use pool. */
#ifndef DDK_CRT_MALLOC_H
#define DDK_CRT_MALLOC_H

#include "../parts/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef DDK_WINDOWS
void *NTAPI _aligned_malloc(size_t size, size_t alignment);
void NTAPI _aligned_free(void *block);
#endif

#ifdef __cplusplus
}
#endif

#endif
