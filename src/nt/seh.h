/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Structured exceptions: what dryport-build (cli/build/pass_seh.c) and rtl_seh.c agree on.
 *
 * A driver's function that has a __try registers one frame when it is entered and takes it back
 * when it returns. The frames of a kernel thread form a chain, innermost first, in cpu_self->seh.
 * Before each call the function writes into `state` which scope the call stands in; a scope is a
 * __finally or an
 * __except with its filter, and names the scope around it.
 *
 * A raise goes through the chain twice, as on Windows. First it asks the filters, innermost first,
 * with everything still in place. Then, when one wants the exception, it enters the frames again
 * from within, by the second return of __dry_seh_enter: each runs its __finally blocks and hands on
 * (__dry_seh_resume), until the one that has the __except block goes on there.
 */
#ifndef DRY_NT_SEH_H
#define DRY_NT_SEH_H

#include "util/common.h"

#define SEH_ALWAYS ((void *)1) /* a filter that is the constant EXCEPTION_EXECUTE_HANDLER */

struct seh_scope {
	uint32_t next; /* the scope around this one, counted from 1; 0: none in this function */
	uint32_t unused;
	void *filter; /* NULL: a __finally; SEH_ALWAYS; or long filter(EXCEPTION_POINTERS *, locals)
		       */
};

struct seh_frame {
	struct seh_frame *prev;
	const struct seh_scope *scopes;
	void *locals;	/* what filters and __finally blocks reach the function's variables by */
	uint32_t state; /* the scope that control is in, counted from 1; 0: in none */
	uint32_t
		target; /* while unwinding: the scope whose __except block takes it, 0: none here */
	uint32_t code;	/* the exception's, for the __except block */
	uint32_t goal_scope;
	struct seh_frame *goal; /* while unwinding: where it ends */
	/* as __dry_seh_enter found them: rbx rbp rdi rsi r12-r15 rsp rip, mxcsr, xmm6-15 */
	uint64_t registers[10];
	uint64_t mxcsr, padding;
	uint64_t vectors[20];
} __attribute__((aligned(16)));

#endif
