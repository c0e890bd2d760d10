/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the passes share on top of LLVM's C API. LLVM 14 has a pointer type per pointee, 15 and
 * later one for all: ir_cast is a bitcast on the one and nothing on the other, so that each pass is
 * written once. Walking a function's instructions while some are replaced goes through ir_next_safe
 * loops.
 */
#ifndef BUILD_IR_H
#define BUILD_IR_H

#include "build.h"

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

enum { IR_WIN64 = 79 }; /* CallingConv::Win64 */

struct ir {
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMBuilderRef builder; /* shared scratch: position it before use */
	LLVMTypeRef ptr, i1, i8, i32, i64, nothing;
	struct build *build;
};

/* One source's module, before it is linked with the others. */
void redeclare_join(struct ir *ir, LLVMModuleRef module, const char *source);
void coverage_part(LLVMModuleRef module, size_t source);
/* And once it is. */
void coverage_join(struct ir *ir);
/* Each pass over the whole module. */
void pass_start(struct ir *ir);
void pass_seh(struct ir *ir);
void pass_memory(struct ir *ir);
void pass_poll(struct ir *ir);
void pass_data(struct ir *ir);
void pass_import(struct ir *ir);
void pass_call(struct ir *ir);

#define ir_each_function(ir, f)                                                                    \
	for (LLVMValueRef f = LLVMGetFirstFunction((ir)->module), f##_next;                        \
		f && (f##_next = LLVMGetNextFunction(f), 1); f = f##_next)
#define ir_each_global(ir, g)                                                                      \
	for (LLVMValueRef g = LLVMGetFirstGlobal((ir)->module), g##_next;                          \
		g && (g##_next = LLVMGetNextGlobal(g), 1); g = g##_next)
#define ir_each_block(f, b)                                                                        \
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f), b##_next;                            \
		b && (b##_next = LLVMGetNextBasicBlock(b), 1); b = b##_next)
/* The current instruction may be erased in the body, the next one not. */
#define ir_each_instruction(b, i)                                                                  \
	for (LLVMValueRef i = LLVMGetFirstInstruction(b), i##_next;                                \
		i && (i##_next = LLVMGetNextInstruction(i), 1); i = i##_next)

static inline const char *ir_name(LLVMValueRef value)
{
	size_t length;

	return LLVMGetValueName2(value, &length);
}

/* The sanitizers' and coverage's own routines and LLVM's intrinsics: no business of the border's.
 */
bool ir_is_exempt(const char *name);
/* The routine behind casts of its address, or NULL for an indirect call or inline assembly. */
LLVMValueRef ir_called_function(LLVMValueRef call);
bool ir_is_call(LLVMValueRef instruction);			/* call or invoke */
bool ir_calls(LLVMValueRef instruction, const char *intrinsic); /* name with or without a suffix */

LLVMValueRef ir_int(const struct ir *ir, uint64_t value); /* i32 */
LLVMValueRef ir_cast(const struct ir *ir, LLVMValueRef pointer, LLVMTypeRef to);
/* A load or store of a value of this type at base + offset. */
LLVMValueRef ir_load_at(const struct ir *ir, LLVMTypeRef type, LLVMValueRef base, uint64_t offset);
void ir_store_at(const struct ir *ir, LLVMValueRef value, LLVMValueRef base, uint64_t offset);
/* Builds at the end of a block, or before an instruction with that one's place in the source. */
void ir_at_end(const struct ir *ir, LLVMBasicBlockRef block);
void ir_before(const struct ir *ir, LLVMValueRef instruction);
/* A routine of ours by this name and type, declared once. */
LLVMValueRef ir_declare(const struct ir *ir, const char *name, LLVMTypeRef type);
/* A conditional jump whose first way is seldom taken: the other one is to go straight on. */
void ir_set_rare(const struct ir *ir, LLVMValueRef jump);
void ir_attribute_add(const struct ir *ir, LLVMValueRef function, const char *enum_name);
bool ir_attribute_has(LLVMValueRef function, const char *enum_name);
/* The same of a call. */
void ir_call_attribute_add(const struct ir *ir, LLVMValueRef call, const char *enum_name);
/* "function (file.c:12)" for messages; a string of its own. */
char *ir_place(LLVMValueRef instruction);

#endif
