/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The border is Win64: every function, declaration and call of the driver gets that convention,
 * direct or through a pointer, save LLVM's own and the sanitizers'. A call must agree with what it
 * calls, so both are changed by the same rule. Here too: the attributes that the back end takes
 * from functions and calls.
 */
#include "ir.h"
#include "loader/loader.h"

static bool is_border(LLVMValueRef function)
{
	return !LLVMGetIntrinsicID(function) && !ir_is_exempt(ir_name(function));
}

/* A routine that the headers say is seldom called, or that the driver keeps out of those that call
 * it: what leads there is laid out of the way. For an imported one the call alone keeps what its
 * declaration says. */
static bool is_seldom(LLVMValueRef function)
{
	return ir_attribute_has(function, LLVMIsDeclaration(function) ? "cold" : "noinline");
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
	if (function && !LLVMIsDeclaration(function))
		ir_call_attribute_add(ir, call, "nobuiltin");
	if (function && is_seldom(function))
		ir_call_attribute_add(ir, call, "cold");
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
