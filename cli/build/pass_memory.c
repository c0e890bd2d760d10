/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * --safepoints memory: before each access to memory that others may see stands a call of
 * __dry_memory, so that a replayed run can switch there too. Then a lock that is left out around
 * plain reads and writes shows. A function's own locals are nobody else's, unless it gives an
 * address of them away. Runs first, on the front end's code as it came, so that what is a safepoint
 * does not depend on how the object is optimised.
 */
#include "ir.h"
#include "util/common.h"

#include <string.h>

/* What the address is made from. */
static LLVMValueRef address_base(LLVMValueRef address)
{
	for (;;) {
		bool is_step = LLVMIsAGetElementPtrInst(address) || LLVMIsABitCastInst(address) ||
			       LLVMIsAAddrSpaceCastInst(address);

		if (!is_step && !(LLVMIsAConstantExpr(address) && LLVMGetNumOperands(address)))
			return address;
		address = LLVMGetOperand(address, 0);
	}
}

static bool is_copy(LLVMValueRef instruction)
{
	return ir_calls(instruction, "llvm.memcpy") || ir_calls(instruction, "llvm.memmove");
}

/* Calls that keep nothing of what they are given: a sanitizer's checks among them, as the
 * safepoints are the same with and without it. */
static bool is_harmless(LLVMValueRef instruction)
{
	static const char *const intrinsics[] = {"llvm.memset", "llvm.lifetime", "llvm.objectsize"};
	LLVMValueRef callee;

	for (size_t i = 0; i < array_size(intrinsics); i++)
		if (ir_calls(instruction, intrinsics[i]))
			return true;
	callee = ir_is_call(instruction) ? ir_called_function(instruction) : NULL;
	return is_copy(instruction) || (callee && !strncmp(ir_name(callee), "__ubsan_", 8));
}

static bool is_given_away(LLVMValueRef address);

/* Whether the address, one of the instruction's operands, gets to where others may find it. */
static bool gives_away(LLVMValueRef instruction, LLVMValueRef address)
{
	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMLoad:
	case LLVMICmp:
		return false;
	case LLVMStore: /* as the value, not the place */
		return LLVMGetOperand(instruction, 0) == address;
	case LLVMAtomicRMW:
	case LLVMAtomicCmpXchg:
		return LLVMGetOperand(instruction, 0) != address;
	case LLVMGetElementPtr:
	case LLVMBitCast:
	case LLVMAddrSpaceCast:
	case LLVMPtrToInt: /* whose alignment is checked */
	case LLVMAdd:
	case LLVMSub:
	case LLVMAnd:
		return is_given_away(instruction);
	default:
		return !is_harmless(instruction);
	}
}

static bool is_given_away(LLVMValueRef address)
{
	for (LLVMUseRef use = LLVMGetFirstUse(address); use; use = LLVMGetNextUse(use))
		if (gives_away(LLVMGetUser(use), address))
			return true;
	return false;
}

static bool is_shared(LLVMValueRef address)
{
	LLVMValueRef base = address_base(address);

	if (LLVMIsAAllocaInst(base))
		return is_given_away(base);
	return !LLVMIsAGlobalVariable(base) || !LLVMIsGlobalConstant(base);
}

static bool is_access(LLVMValueRef instruction)
{
	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMLoad:
	case LLVMAtomicRMW:
	case LLVMAtomicCmpXchg:
		return is_shared(LLVMGetOperand(instruction, 0));
	case LLVMStore:
		return is_shared(LLVMGetOperand(instruction, 1));
	case LLVMCall: /* copies of structures */
		if (ir_calls(instruction, "llvm.memset"))
			return is_shared(LLVMGetOperand(instruction, 0));
		return is_copy(instruction) && (is_shared(LLVMGetOperand(instruction, 0)) ||
						       is_shared(LLVMGetOperand(instruction, 1)));
	default:
		return false;
	}
}

/* The front end gives locals a value that the source does not (front.c): nobody sees them yet. */
static bool is_filling(const struct ir *ir, LLVMValueRef instruction)
{
	unsigned kind = LLVMGetMDKindIDInContext(ir->context, "annotation", 10);

	return LLVMHasMetadata(instruction) && LLVMGetMetadata(instruction, kind);
}

void pass_memory(struct ir *ir)
{
	LLVMTypeRef type = LLVMFunctionType(ir->nothing, NULL, 0, 0);

	if (!ir->build->memory_safepoints)
		return;
	ir_each_function(ir, f)
	{
		if (LLVMIsDeclaration(f))
			continue;
		ir_each_block(f, block) ir_each_instruction(block, instruction)
		{
			if (!is_access(instruction) || is_filling(ir, instruction))
				continue;
			ir_before(ir, instruction);
			LLVMBuildCall2(ir->builder, type, ir_declare(ir, "__dry_memory", type),
				NULL, 0, "");
		}
	}
}
