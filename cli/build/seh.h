/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of the SEH pass share: pass_seh.c (functions, frames), seh_flow.c (pads, invokes),
 * seh_demote.c (values across blocks).
 */
#ifndef BUILD_SEH_H
#define BUILD_SEH_H

#include "ir.h"

/* A cleanuppad or catchswitch: one scope of the function. */
struct seh_pad {
	LLVMBasicBlockRef block;
	LLVMBasicBlockRef next; /* where unwinding goes on; NULL: in the caller */
	LLVMValueRef filter;	/* NULL: a __finally */
};

struct seh {
	struct ir *ir;
	LLVMValueRef function;
	LLVMValueRef
		frame; /* the function's struct seh_frame; NULL: it has no __try with calls in it */
	LLVMValueRef locals; /* array of pointers to the variables that its outlined blocks use, or
				NULL */
	LLVMBasicBlockRef resume;
	struct seh_pad *pads;
	unsigned pad_count;
};

void seh_pads_find(struct seh *seh);
/* The scope's number, counted from 1; 0 for NULL. */
unsigned seh_pad_number(const struct seh *seh, LLVMBasicBlockRef block);
/* Turns invokes, pads and their returns into calls and jumps. */
void seh_flow_lower(struct seh *seh);
/* Every value that is used in another block than it is made in goes through the stack. */
void seh_demote(struct seh *seh);
/* An alloca in the entry block. */
LLVMValueRef seh_alloca(const struct seh *seh, LLVMTypeRef type);

#endif
