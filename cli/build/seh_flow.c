/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Within a function with __try: exception edges become ordinary ones. A pad is reached by the
 * frame's dispatch alone (pass_seh.c); from it, control moves on as the pads of Windows' unwinder
 * are chained.
 */
#include "nt/seh.h"
#include "seh.h"

#include <stdlib.h>
#include <string.h>

static LLVMValueRef pad_instruction(LLVMBasicBlockRef block)
{
	LLVMValueRef first = LLVMGetFirstInstruction(block);
	LLVMOpcode opcode = LLVMGetInstructionOpcode(first);

	return opcode == LLVMCleanupPad || opcode == LLVMCatchSwitch ? first : NULL;
}

static LLVMBasicBlockRef cleanup_next(LLVMValueRef pad)
{
	for (LLVMUseRef use = LLVMGetFirstUse(pad); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMGetInstructionOpcode(user) == LLVMCleanupRet)
			return LLVMGetUnwindDest(user);
	}
	return NULL;
}

static LLVMValueRef catch_filter(const struct seh *seh, LLVMValueRef pad)
{
	LLVMBasicBlockRef handler;
	LLVMValueRef filter;

	if (LLVMGetNumHandlers(pad) != 1)
		fail(STATUS_FAILED, "internal error: %s has an __except of several handlers",
			ir_name(seh->function));
	LLVMGetHandlers(pad, &handler);
	filter = LLVMGetArgOperand(LLVMGetFirstInstruction(handler), 0);
	if (!LLVMIsNull(filter))
		return ir_cast(seh->ir, filter, seh->ir->ptr);
	return LLVMConstIntToPtr(
		LLVMConstInt(seh->ir->i64, (uintptr_t)SEH_ALWAYS, 0), seh->ir->ptr);
}

void seh_pads_find(struct seh *seh)
{
	seh->pads = calloc(LLVMCountBasicBlocks(seh->function) + 1, sizeof(*seh->pads));
	if (!seh->pads)
		fail(STATUS_FAILED, "out of memory");
	ir_each_block(seh->function, block)
	{
		LLVMValueRef pad = pad_instruction(block);
		struct seh_pad *entry = &seh->pads[seh->pad_count];

		if (!pad)
			continue;
		seh->pad_count++;
		entry->block = block;
		if (LLVMGetInstructionOpcode(pad) == LLVMCatchSwitch) {
			entry->next = LLVMGetUnwindDest(pad);
			entry->filter = catch_filter(seh, pad);
		} else {
			entry->next = cleanup_next(pad);
		}
	}
}

unsigned seh_pad_number(const struct seh *seh, LLVMBasicBlockRef block)
{
	for (unsigned i = 0; block && i < seh->pad_count; i++)
		if (seh->pads[i].block == block)
			return i + 1;
	return 0;
}

static void state_store(const struct seh *seh, unsigned state)
{
	ir_store_at(seh->ir, ir_int(seh->ir, state), seh->frame, offsetof(struct seh_frame, state));
}

static void attributes_copy(LLVMValueRef to, LLVMValueRef from, LLVMAttributeIndex index)
{
	unsigned count = LLVMGetCallSiteAttributeCount(from, index);
	LLVMAttributeRef *list = calloc(count + 1, sizeof(LLVMAttributeRef));

	if (!list)
		fail(STATUS_FAILED, "out of memory");
	LLVMGetCallSiteAttributes(from, index, list);
	for (unsigned i = 0; i < count; i++)
		LLVMAddCallSiteAttribute(to, index, list[i]);
	free(list);
}

/* The same call without its exception edge and without its tie to a funclet, in front of the old
 * one. */
static void call_rebuild(const struct seh *seh, LLVMValueRef old)
{
	unsigned count = LLVMGetNumArgOperands(old);
	LLVMValueRef *arguments = calloc(count + 1, sizeof(LLVMValueRef)), call;

	if (!arguments)
		fail(STATUS_FAILED, "out of memory");
	for (unsigned i = 0; i < count; i++)
		arguments[i] = LLVMGetArgOperand(old, i);
	call = LLVMBuildCall2(seh->ir->builder, LLVMGetCalledFunctionType(old),
		LLVMGetCalledValue(old), arguments, count, "");
	LLVMSetInstructionCallConv(call, LLVMGetInstructionCallConv(old));
	attributes_copy(call, old, (LLVMAttributeIndex)LLVMAttributeFunctionIndex);
	attributes_copy(call, old, LLVMAttributeReturnIndex);
	for (unsigned i = 1; i <= count; i++)
		attributes_copy(call, old, i);
	LLVMReplaceAllUsesWith(old, call);
	free(arguments);
}

static bool may_raise(LLVMValueRef call)
{
	LLVMValueRef function = ir_called_function(call);

	if (LLVMIsAInlineAsm(LLVMGetCalledValue(call)))
		return false;
	return !function || (!LLVMGetIntrinsicID(function) && !ir_is_exempt(ir_name(function)));
}

static void call_lower(const struct seh *seh, LLVMValueRef call)
{
	bool bundled = (unsigned)LLVMGetNumOperands(call) != LLVMGetNumArgOperands(call) + 1;

	ir_before(seh->ir, call);
	if (may_raise(call))
		state_store(seh, 0);
	if (!bundled)
		return;
	call_rebuild(seh, call);
	LLVMInstructionEraseFromParent(call);
}

static void invoke_lower(const struct seh *seh, LLVMValueRef invoke)
{
	LLVMBasicBlockRef normal = LLVMGetNormalDest(invoke);

	ir_before(seh->ir, invoke);
	state_store(seh, seh_pad_number(seh, LLVMGetUnwindDest(invoke)));
	call_rebuild(seh, invoke);
	LLVMBuildBr(seh->ir->builder, normal);
	LLVMInstructionEraseFromParent(invoke);
}

/* Forgets the token by which Windows' unwinder ties a funclet together. */
static void pad_erase(const struct seh *seh, LLVMValueRef pad)
{
	LLVMReplaceAllUsesWith(pad, LLVMConstNull(LLVMTokenTypeInContext(seh->ir->context)));
	LLVMInstructionEraseFromParent(pad);
}

static void jump_lower(const struct seh *seh, LLVMValueRef jump, LLVMBasicBlockRef to)
{
	ir_before(seh->ir, jump);
	LLVMBuildBr(seh->ir->builder, to ? to : seh->resume);
	LLVMInstructionEraseFromParent(jump);
}

/* Unwinding has come to an __except: it ends here if the filter that was chosen is this one's. */
static void catch_lower(const struct seh *seh, LLVMValueRef pad)
{
	struct ir *ir = seh->ir;
	LLVMBasicBlockRef handler, next = LLVMGetUnwindDest(pad);
	unsigned number = seh_pad_number(seh, LLVMGetInstructionParent(pad));
	LLVMValueRef target, mine;

	LLVMGetHandlers(pad, &handler);
	ir_before(ir, pad);
	target = ir_load_at(ir, ir->i32, seh->frame, offsetof(struct seh_frame, target));
	mine = LLVMBuildICmp(ir->builder, LLVMIntEQ, target, ir_int(ir, number), "");
	LLVMBuildCondBr(ir->builder, mine, handler, next ? next : seh->resume);
	pad_erase(seh, pad);
}

static void code_lower(const struct seh *seh, LLVMValueRef call)
{
	ir_before(seh->ir, call);
	LLVMReplaceAllUsesWith(call,
		ir_load_at(seh->ir, seh->ir->i32, seh->frame, offsetof(struct seh_frame, code)));
	LLVMInstructionEraseFromParent(call);
}

static void instruction_lower(const struct seh *seh, LLVMValueRef i)
{
	switch (LLVMGetInstructionOpcode(i)) {
	case LLVMInvoke:
		invoke_lower(seh, i);
		break;
	case LLVMCall:
		if (ir_calls(i, "llvm.eh.exceptioncode"))
			code_lower(seh, i);
		else if (ir_calls(i, "llvm.lifetime.start") || ir_calls(i, "llvm.lifetime.end"))
			/* a variable of a __try is still there when its __except runs */
			LLVMInstructionEraseFromParent(i);
		else
			call_lower(seh, i);
		break;
	case LLVMCatchRet:
		jump_lower(seh, i, LLVMGetSuccessor(i, 0));
		break;
	case LLVMCleanupRet:
		jump_lower(seh, i, LLVMGetUnwindDest(i));
		break;
	case LLVMCatchSwitch:
		catch_lower(seh, i);
		break;
	case LLVMCatchPad:
	case LLVMCleanupPad:
		pad_erase(seh, i);
		break;
	default:
		break;
	}
}

void seh_flow_lower(struct seh *seh)
{
	/* pads last: calls and returns still find them by their tokens */
	for (int pads = 0; pads < 2; pads++) {
		ir_each_block(seh->function, block)
		{
			ir_each_instruction(block, i)
			{
				LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
				bool is_pad = opcode == LLVMCatchSwitch || opcode == LLVMCatchPad ||
					      opcode == LLVMCleanupPad;

				if (is_pad == (pads == 1))
					instruction_lower(seh, i);
			}
		}
	}
}
