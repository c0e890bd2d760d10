/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * --safepoints memory: before each access to memory that others may see stands a call of
 * __dry_memory, so that a replayed run can switch there too. Then a lock that is left out around
 * plain reads and writes shows. A function's own locals are nobody else's. Runs first, on the front
 * end's code as it came, so that what is a safepoint does not depend on how the object is
 * optimised.
 */
#include "ir.h"

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

static bool is_shared(LLVMValueRef address)
{
	LLVMValueRef base = address_base(address);

	if (LLVMIsAAllocaInst(base))
		return false;
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
		return (ir_calls(instruction, "llvm.memcpy") ||
			       ir_calls(instruction, "llvm.memmove")) &&
		       (is_shared(LLVMGetOperand(instruction, 0)) ||
			       is_shared(LLVMGetOperand(instruction, 1)));
	default:
		return false;
	}
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
			if (!is_access(instruction))
				continue;
			ir_before(ir, instruction);
			LLVMBuildCall2(ir->builder, type, ir_declare(ir, "__dry_memory", type),
				NULL, 0, "");
		}
	}
}
