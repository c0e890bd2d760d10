/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where the machine's memory and registers lie in the host's address space: fixed, so that a run
 * can be repeated address by address. In a plain process low, for Valgrind, which ends at 16 TiB;
 * in one with AddressSanitizer, whose shadow is there, above the place where position-independent
 * programs and their heaps end up (ThreadSanitizer allows both). sanitizer_init, of which mem_init
 * and cpu_init see to it, finds out which.
 */
#ifndef DRY_UTIL_LAYOUT_H
#define DRY_UTIL_LAYOUT_H

#include "util/common.h"

#define LAYOUT_BASE_PLAIN 0x800000000ull
#define LAYOUT_BASE_ASAN  0x566000000000ull

extern uint64_t layout_base; /* defined in sanitizer.c */

#define LAYOUT_RAM	 layout_base		       /* 64 GiB */
#define LAYOUT_STACKS	 (layout_base + 0x1000000000u) /* of kernel threads, 32 GiB */
#define LAYOUT_REGISTERS (layout_base + 0x1800000000u) /* 32 GiB */

#endif
