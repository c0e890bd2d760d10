/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * __try, __except and __finally. The front end makes funclets for Windows' unwinder, which
 * Linux has not: exception edges to pads, filters and __finally blocks in functions of their
 * own that find their parent's variables relative to its frame. Here they become plain code
 * on top of src/nt/seh.h: a function with exception edges registers a frame,
 *
 *	entry:    frame.scopes = table; if (__dry_seh_enter(&frame)) goto dispatch;
 *	dispatch: switch (frame.state) { one case per pad; default: __dry_seh_resume(&frame); }
 *
 * and its variables are all kept in memory, as control may come back to dispatch from within
 * any call. The parent's variables are handed to outlined blocks as an array of pointers.
 */
#include "nt/seh.h"
#include "seh.h"

#include <stdlib.h>
#include <string.h>

LLVMValueRef seh_alloca(const struct seh *seh, LLVMTypeRef type)
{
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(seh->function);

	LLVMPositionBuilderBefore(seh->ir->builder, LLVMGetFirstInstruction(entry));
	LLVMSetCurrentDebugLocation2(seh->ir->builder, NULL);
	return LLVMBuildAlloca(seh->ir->builder, type, "");
}

/* ---- variables of the parent ---- */

static void escape_lower(struct seh *seh, LLVMValueRef call)
{
	struct ir *ir = seh->ir;
	unsigned count = LLVMGetNumArgOperands(call);

	seh->locals = seh_alloca(seh, LLVMArrayType(ir->ptr, count));
	ir_before(ir, call);
	for (unsigned i = 0; i < count; i++)
		ir_store_at(
			ir, ir_cast(ir, LLVMGetArgOperand(call, i), ir->ptr), seh->locals, 8 * i);
	LLVMInstructionEraseFromParent(call);
}

static void recover_lower(struct ir *ir, LLVMValueRef call)
{
	uint64_t index = LLVMConstIntGetZExtValue(LLVMGetArgOperand(call, 2));

	ir_before(ir, call);
	LLVMReplaceAllUsesWith(
		call, ir_load_at(ir, ir->ptr, LLVMGetArgOperand(call, 1), 8 * index));
	LLVMInstructionEraseFromParent(call);
}

static void address_lower(struct seh *seh, LLVMValueRef call)
{
	LLVMValueRef address = LLVMConstNull(seh->ir->ptr);

	ir_before(seh->ir, call);
	if (seh->locals)
		address = ir_cast(seh->ir, seh->locals, seh->ir->ptr);
	LLVMReplaceAllUsesWith(call, address);
	LLVMInstructionEraseFromParent(call);
}

static void locals_lower(struct seh *seh)
{
	ir_each_block(seh->function, b)
		ir_each_instruction(b, i) if (ir_calls(i, "llvm.localescape")) escape_lower(seh, i);
	ir_each_block(seh->function, block)
	{
		ir_each_instruction(block, i)
		{
			if (ir_calls(i, "llvm.localaddress")) {
				address_lower(seh, i);
			} else if (ir_calls(i, "llvm.localrecover")) {
				recover_lower(seh->ir, i);
			} else if (ir_calls(i, "llvm.eh.recoverfp")) {
				LLVMReplaceAllUsesWith(i, LLVMGetArgOperand(i, 1));
				LLVMInstructionEraseFromParent(i);
			}
		}
	}
}

/* ---- the frame ---- */

static LLVMValueRef frame_call(const struct seh *seh, const char *name, LLVMTypeRef result)
{
	struct ir *ir = seh->ir;
	LLVMTypeRef type = LLVMFunctionType(result, &ir->ptr, 1, 0);
	LLVMValueRef frame = ir_cast(ir, seh->frame, ir->ptr);

	return LLVMBuildCall2(ir->builder, type, ir_declare(ir, name, type), &frame, 1, "");
}

/* A new entry block with all variables of fixed size; the old one follows it. */
static LLVMBasicBlockRef entry_split(const struct seh *seh)
{
	LLVMBasicBlockRef body = LLVMGetEntryBasicBlock(seh->function);
	LLVMBasicBlockRef entry =
		LLVMInsertBasicBlockInContext(seh->ir->context, body, "variables");

	ir_each_instruction(body, i)
	{
		if (LLVMGetInstructionOpcode(i) != LLVMAlloca ||
			!LLVMIsAConstant(LLVMGetOperand(i, 0)))
			continue;
		LLVMInstructionRemoveFromParent(i);
		ir_at_end(seh->ir, entry);
		LLVMInsertIntoBuilder(seh->ir->builder, i);
	}
	return body;
}

static LLVMValueRef scopes_make(const struct seh *seh)
{
	struct ir *ir = seh->ir;
	LLVMTypeRef members[] = {ir->i32, ir->i32, ir->ptr};
	LLVMTypeRef type = LLVMStructTypeInContext(ir->context, members, 3, 0);
	LLVMValueRef *rows = calloc(seh->pad_count, sizeof(LLVMValueRef)), table;

	if (!rows)
		fail(STATUS_FAILED, "out of memory");
	for (unsigned i = 0; i < seh->pad_count; i++) {
		const struct seh_pad *pad = &seh->pads[i];
		LLVMValueRef row[] = {ir_int(ir, seh_pad_number(seh, pad->next)), ir_int(ir, 0),
			pad->filter ? pad->filter : LLVMConstNull(ir->ptr)};

		rows[i] = LLVMConstStructInContext(ir->context, row, 3, 0);
	}
	table = LLVMAddGlobal(ir->module, LLVMArrayType(type, seh->pad_count), "scopes");
	LLVMSetInitializer(table, LLVMConstArray(type, rows, seh->pad_count));
	LLVMSetLinkage(table, LLVMPrivateLinkage);
	LLVMSetGlobalConstant(table, 1);
	free(rows);
	return ir_cast(ir, table, ir->ptr);
}

/* The optimiser must not think that it knows a variable: control comes back from any call. */
static void variables_escape(const struct seh *seh, LLVMBasicBlockRef entry)
{
	static char nothing[] = "", constraints[] = "r,~{memory}";
	struct ir *ir = seh->ir;
	LLVMTypeRef type = LLVMFunctionType(ir->nothing, &ir->ptr, 1, 0);
	LLVMValueRef asm_value = LLVMGetInlineAsm(type, nothing, 0, constraints,
		sizeof(constraints) - 1, 1, 0, LLVMInlineAsmDialectATT, 0);

	ir_each_instruction(entry, i)
	{
		LLVMValueRef address;

		if (LLVMGetInstructionOpcode(i) != LLVMAlloca)
			continue;
		ir_at_end(ir, entry);
		address = ir_cast(ir, i, ir->ptr);
		LLVMBuildCall2(ir->builder, type, asm_value, &address, 1, "");
	}
}

static void dispatch_build(struct seh *seh, LLVMBasicBlockRef dispatch)
{
	struct ir *ir = seh->ir;
	LLVMValueRef state, choice;

	ir_at_end(ir, dispatch);
	state = ir_load_at(ir, ir->i32, seh->frame, offsetof(struct seh_frame, state));
	choice = LLVMBuildSwitch(ir->builder, state, seh->resume, seh->pad_count);
	for (unsigned i = 0; i < seh->pad_count; i++)
		LLVMAddCase(choice, ir_int(ir, i + 1), seh->pads[i].block);
	ir_at_end(ir, seh->resume);
	frame_call(seh, "__dry_seh_resume", ir->nothing);
	LLVMBuildUnreachable(ir->builder);
}

static void entry_build(
	struct seh *seh, LLVMValueRef scopes, LLVMBasicBlockRef dispatch, LLVMBasicBlockRef body)
{
	struct ir *ir = seh->ir;
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(seh->function);
	LLVMValueRef locals = LLVMConstNull(ir->ptr), again, call;

	variables_escape(seh, entry);
	ir_at_end(ir, entry);
	if (seh->locals)
		locals = ir_cast(ir, seh->locals, ir->ptr);
	ir_store_at(ir, scopes, seh->frame, offsetof(struct seh_frame, scopes));
	ir_store_at(ir, locals, seh->frame, offsetof(struct seh_frame, locals));
	ir_store_at(ir, ir_int(ir, 0), seh->frame, offsetof(struct seh_frame, state));
	call = frame_call(seh, "__dry_seh_enter", ir->i32);
	ir_call_attribute_add(ir, call, "returns_twice");
	ir_attribute_add(ir, LLVMGetNamedFunction(ir->module, "__dry_seh_enter"), "returns_twice");
	again = LLVMBuildICmp(ir->builder, LLVMIntNE, call, ir_int(ir, 0), "");
	LLVMBuildCondBr(ir->builder, again, dispatch, body);
}

static void returns_lower(const struct seh *seh)
{
	ir_each_block(seh->function, block)
	{
		LLVMValueRef end = LLVMGetBasicBlockTerminator(block);

		if (LLVMGetInstructionOpcode(end) != LLVMRet)
			continue;
		ir_before(seh->ir, end);
		frame_call(seh, "__dry_seh_leave", seh->ir->nothing);
	}
}

static void allocas_check(const struct seh *seh)
{
	ir_each_block(seh->function, block) ir_each_instruction(
		block, i) if (LLVMGetInstructionOpcode(i) == LLVMAlloca &&
			      !LLVMIsAConstant(LLVMGetOperand(i, 0))) fail(STATUS_FAILED,
		"%s: _alloca in a function with __try is not supported", ir_place(i));
}

static void function_lower(struct seh *seh)
{
	struct ir *ir = seh->ir;
	LLVMValueRef scopes;
	LLVMBasicBlockRef body, dispatch;

	allocas_check(seh);
	seh->frame = seh_alloca(seh, LLVMArrayType(ir->i8, sizeof(struct seh_frame)));
	LLVMSetAlignment(seh->frame, _Alignof(struct seh_frame));
	seh->resume = LLVMAppendBasicBlockInContext(ir->context, seh->function, "resume");
	dispatch = LLVMAppendBasicBlockInContext(ir->context, seh->function, "dispatch");
	scopes = scopes_make(seh);
	seh_flow_lower(seh);
	dispatch_build(seh, dispatch);
	body = entry_split(seh);
	ir_at_end(ir, LLVMGetEntryBasicBlock(seh->function));
	/* a terminator, so that demotion has somewhere to stand; entry_build replaces it */
	LLVMBuildUnreachable(ir->builder);
	returns_lower(seh);
	seh_demote(seh);
	LLVMInstructionEraseFromParent(
		LLVMGetBasicBlockTerminator(LLVMGetEntryBasicBlock(seh->function)));
	entry_build(seh, scopes, dispatch, body);
}

static void personality_check(LLVMValueRef f)
{
	LLVMValueRef personality = LLVMGetPersonalityFn(f);

	while (LLVMIsAConstantExpr(personality))
		personality = LLVMGetOperand(personality, 0);
	if (strcmp(ir_name(personality), "__C_specific_handler"))
		fail(STATUS_FAILED, "%s: exceptions of C++ are not supported", ir_name(f));
}

void pass_seh(struct ir *ir)
{
	ir_each_function(ir, f)
	{
		struct seh seh = {.ir = ir, .function = f};

		if (LLVMIsDeclaration(f))
			continue;
		locals_lower(&seh);
		if (!LLVMHasPersonalityFn(f))
			continue;
		personality_check(f);
		seh_pads_find(&seh);
		if (seh.pad_count)
			function_lower(&seh);
		LLVMSetPersonalityFn(f, NULL);
		free(seh.pads);
	}
}
