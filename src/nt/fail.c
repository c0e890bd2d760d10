/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Allocations that fail on purpose: see nt.h. Callers: pool.c, src/dma. */
#include "nt/nt.h"

#include <stdatomic.h>

_Atomic uint64_t nt_fail_at;
static _Atomic uint64_t counted;

void nt_allocation_fail(uint64_t n)
{
	atomic_store(&counted, 0);
	atomic_store(&nt_fail_at, n);
}

uint64_t nt_allocations_counted(void)
{
	return atomic_load(&counted);
}

bool nt_allocation_count(void)
{
	return atomic_fetch_add(&counted, 1) + 1 == atomic_load(&nt_fail_at);
}
