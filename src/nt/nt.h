/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The kernel subset that needs only memory and processors, each file named by its API prefix:
 * ke_irql.c ke_spinlock.c ke_dpc.c ke_timer.c ke_event.c ex_pool.c mm_mdl.c io_mdl.c rtl_string.c
 * rtl_seh.c crt.c ... Windows names are declared in include/ddk; here stands what the layers above
 * need besides them.
 */
#ifndef DRY_NT_NT_H
#define DRY_NT_NT_H

#include "util/common.h"
#include <ntddk.h>

/* Life: pool and the rest become usable after mem_init and cpu_init. nt_fini reports pool blocks
 * that are left (tag, bytes, owner) as violations and returns how many. */
struct nt_config {
	int debug_level; /* DbgPrintEx prints up to this level, DbgPrint from 0 on */
	bool fill;	 /* fresh and freed pool is filled with patterns (always in ASan builds) */
	bool strict;	 /* a violation ends the process */
};
int nt_init(const struct nt_config *config);
uint64_t nt_fini(void);

/* ---- pool ---- */

/* Pool for the port driver on behalf of a driver: as ExAllocatePoolWithTag, owner is who is named
 * in a leak report. zero: cleared. NULL when exhausted. At or below DISPATCH. */
void *nt_pool_alloc(size_t bytes, ULONG tag, const void *owner, bool zero);
/* False (with a violation that says what the pointer is) if it is no live block's start. Guard
 * bytes damaged: a violation naming tag, size and which side. */
bool nt_pool_free(void *block);
/* Size of the live block that p lies in and its start; false if p is in none. Constant time. */
bool nt_pool_block(const void *p, void **start, size_t *bytes, const void **owner);
/* Blocks of this owner that are live. */
uint64_t nt_pool_count(const void *owner);

/*
 * Allocations that fail on purpose: the n-th of pool, map registers, list records and what an
 * adapter's start needs from now on (1: the next); 0: none. Off, it costs one look at a word.
 */
void nt_allocation_fail(uint64_t n);
/* How many were counted since. */
uint64_t nt_allocations_counted(void);
extern _Atomic uint64_t nt_fail_at; /* private */
bool nt_allocation_count(void);	    /* private: counts one; whether it is the one */
static inline bool nt_allocation_fails(void)
{
	return unlikely(nt_fail_at != 0) && nt_allocation_count();
}

/* What MmBuildMdlForNonPagedPool does, for who is no driver. */
void nt_mdl_build(PMDL mdl);

/* ---- messages ---- */

/* A rule was broken: one TRACE_VIOLATION event whose text is formatted here. number is the
 * documented code where there is one (0xE6000006: bug check 0xE6, parameter 06), else 0. */
#define NT_DEVICE_FAULT 0xdf000001ull /* the device's fault, not the driver's; never fatal */
/* Whose fault these are nobody knows: a request took too long; a line is asserted for ever. */
#define NT_TIMED_OUT  0xdf000002ull
#define NT_LINE_STUCK 0xdf000003ull
void nt_violation(uint64_t number, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The driver's frame nearest to the caller, "file.c:123 Function" where known, for messages. Set by
 * the loader; NULL: unknown. */
extern const char *(*nt_driver_place)(void);
/* The call of a driver's that returns to this address, in the same form, for who allocated what is
 * left. Set by the loader; NULL: unknown. */
extern const char *(*nt_code_place)(uintptr_t return_address);
/* The name of an owner given to nt_pool_alloc. Set by the port; NULL: unknown. */
extern const char *(*nt_owner_name)(const void *owner);

/* Called on the processor of a bug check, before the process ends. Set by the machine; NULL: nobody
 * wants to know. */
extern void (*nt_crash_dump)(void);

/* One line to stderr as DbgPrint does it: "[  12.345678 cpu 0 irql 2] text". */
void nt_debug_line(const char *text);

#endif
