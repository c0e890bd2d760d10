/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The border is Win64: every function, declaration and call of the driver gets that convention,
 * direct or through a pointer, save LLVM's own and the sanitizers'. A call must agree with what it
 * calls, so both are changed by the same rule. Here too: the attributes that the back end takes
 * from functions.
 */
#include "ir.h"
#include "loader/loader.h"

#include <string.h>

static bool is_border(LLVMValueRef function)
{
	return !LLVMGetIntrinsicID(function) && !ir_is_exempt(ir_name(function));
}

static void call_convert(const struct ir *ir, LLVMValueRef call)
{
	LLVMValueRef function = ir_called_function(call);

	if (function && !is_border(function))
		return;
	if (LLVMIsAInlineAsm(LLVMGetCalledValue(call)))
		return;
	if (LLVMGetInstructionCallConv(call) == LLVMCCallConv)
		LLVMSetInstructionCallConv(call, IR_WIN64);
	/* a driver's own `strlen` or `index` is not what LLVM knows by that name */
	if (function && !LLVMIsDeclaration(function)) {
		unsigned kind = LLVMGetEnumAttributeKindForName("nobuiltin", 9);

		LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
			LLVMCreateEnumAttribute(ir->context, kind, 0));
	}
}

static void function_mark(const struct ir *ir, LLVMValueRef f)
{
	/* for reports: a tail call would hide the driver's line. The frames themselves are found by
	 * unwind tables; only the sanitizers follow pointers. */
	LLVMAddTargetDependentFunctionAttr(f, "disable-tail-calls", "true");
	LLVMAddTargetDependentFunctionAttr(
		f, "frame-pointer", build_needs_frame_pointers(ir->build) ? "all" : "none");
	if (ir->build->sanitizers & LOADER_TSAN)
		ir_attribute_add(ir, f, "sanitize_thread");
}

void pass_call(struct ir *ir)
{
	ir_each_function(ir, f)
	{
		if (!is_border(f))
			continue;
		if (LLVMGetFunctionCallConv(f) == LLVMCCallConv)
			LLVMSetFunctionCallConv(f, IR_WIN64);
		if (!LLVMIsDeclaration(f))
			function_mark(ir, f);
		ir_each_block(f, b) ir_each_instruction(b, i) if (ir_is_call(i))
			call_convert(ir, i);
	}
}
