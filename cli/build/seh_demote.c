/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Once pads are reached from the function's entry, a value that a __try computed and its __finally
 * uses no longer comes before its use on every path. So in functions with __try, values that live
 * longer than their block are kept in memory, as the source's variables are.
 */
#include "seh.h"

#include <stdlib.h>

static bool is_value(LLVMValueRef i)
{
	LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(i));

	return kind != LLVMVoidTypeKind && kind != LLVMTokenTypeKind &&
	       kind != LLVMMetadataTypeKind;
}

/* Where operand n of a user is needed: for a phi, at the end of the block that it comes from. */
static LLVMBasicBlockRef use_block(LLVMValueRef user, unsigned n)
{
	if (LLVMGetInstructionOpcode(user) == LLVMPHI)
		return LLVMGetIncomingBlock(user, n);
	return LLVMGetInstructionParent(user);
}

static bool is_used_elsewhere(LLVMValueRef value)
{
	LLVMBasicBlockRef home = LLVMGetInstructionParent(value);

	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMGetInstructionOpcode(user) == LLVMPHI ||
			LLVMGetInstructionParent(user) != home)
			return true;
	}
	return false;
}

static void use_reload(
	const struct seh *seh, LLVMValueRef user, LLVMValueRef value, LLVMValueRef slot)
{
	LLVMBasicBlockRef home = LLVMGetInstructionParent(value);

	for (unsigned n = 0; n < (unsigned)LLVMGetNumOperands(user); n++) {
		LLVMValueRef at = user;

		if (LLVMGetOperand(user, n) != value || use_block(user, n) == home)
			continue;
		if (LLVMGetInstructionOpcode(user) == LLVMPHI)
			at = LLVMGetBasicBlockTerminator(use_block(user, n));
		ir_before(seh->ir, at);
		LLVMSetOperand(
			user, n, LLVMBuildLoad2(seh->ir->builder, LLVMTypeOf(value), slot, ""));
	}
}

static void value_demote(const struct seh *seh, LLVMValueRef value)
{
	LLVMValueRef slot = seh_alloca(seh, LLVMTypeOf(value)), at = value, *users;
	size_t count = 0, n = 0;

	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = LLVMGetNextUse(use))
		count++;
	users = calloc(count + 1, sizeof(LLVMValueRef));
	if (!users)
		fail(STATUS_FAILED, "out of memory");
	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = LLVMGetNextUse(use))
		users[n++] = LLVMGetUser(use);
	for (size_t i = 0; i < count; i++)
		use_reload(seh, users[i], value, slot);
	free(users);
	do
		at = LLVMGetNextInstruction(at);
	while (LLVMGetInstructionOpcode(at) == LLVMPHI);
	ir_before(seh->ir, at);
	LLVMBuildStore(seh->ir->builder, value, slot);
}

void seh_demote(struct seh *seh)
{
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(seh->function);

	/* the entry block, with the frame and all variables in it, comes before everything */
	ir_each_block(seh->function, block) ir_each_instruction(block,
		i) if (block != entry && is_value(i) && is_used_elsewhere(i)) value_demote(seh, i);
}
