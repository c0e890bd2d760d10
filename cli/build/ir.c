/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * See ir.h.
 */
#include "ir.h"

#include <string.h>

bool ir_is_exempt(const char *name)
{
	static const char *const prefixes[] = {"llvm.", "__ubsan_", "__asan_", "__tsan_",
		"__sanitizer_", "__llvm_", "__gcov_", "__covrec_", "__prof"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool ir_is_call(LLVMValueRef instruction)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);

	return opcode == LLVMCall || opcode == LLVMInvoke || opcode == LLVMCallBr;
}

LLVMValueRef ir_called_function(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);

	while (LLVMIsAConstantExpr(callee) && LLVMGetConstOpcode(callee) == LLVMBitCast)
		callee = LLVMGetOperand(callee, 0);
	return LLVMIsAFunction(callee) ? callee : NULL;
}

bool ir_calls(LLVMValueRef instruction, const char *intrinsic)
{
	LLVMValueRef callee;
	size_t length = strlen(intrinsic);
	const char *name;

	if (LLVMGetInstructionOpcode(instruction) != LLVMCall)
		return false;
	callee = ir_called_function(instruction);
	if (!callee)
		return false;
	name = ir_name(callee);
	return !strncmp(name, intrinsic, length) && (name[length] == 0 || name[length] == '.');
}

LLVMValueRef ir_int(const struct ir *ir, uint64_t value)
{
	return LLVMConstInt(ir->i32, value, 0);
}

LLVMValueRef ir_cast(const struct ir *ir, LLVMValueRef pointer, LLVMTypeRef to)
{
	if (LLVMTypeOf(pointer) == to)
		return pointer;
	if (LLVMIsConstant(pointer))
		return LLVMConstBitCast(pointer, to);
	return LLVMBuildBitCast(ir->builder, pointer, to, "");
}

static LLVMValueRef ir_at(const struct ir *ir, LLVMTypeRef type, LLVMValueRef base, uint64_t offset)
{
	LLVMValueRef index = LLVMConstInt(ir->i64, offset, 0);
	LLVMValueRef bytes = ir_cast(ir, base, ir->ptr);

	if (offset)
		bytes = LLVMBuildGEP2(ir->builder, ir->i8, bytes, &index, 1, "");
	return ir_cast(ir, bytes, LLVMPointerType(type, 0));
}

LLVMValueRef ir_load_at(const struct ir *ir, LLVMTypeRef type, LLVMValueRef base, uint64_t offset)
{
	return LLVMBuildLoad2(ir->builder, type, ir_at(ir, type, base, offset), "");
}

void ir_store_at(const struct ir *ir, LLVMValueRef value, LLVMValueRef base, uint64_t offset)
{
	LLVMBuildStore(ir->builder, value, ir_at(ir, LLVMTypeOf(value), base, offset));
}

void ir_at_end(const struct ir *ir, LLVMBasicBlockRef block)
{
	LLVMPositionBuilderAtEnd(ir->builder, block);
	LLVMSetCurrentDebugLocation2(ir->builder, NULL);
}

void ir_before(const struct ir *ir, LLVMValueRef instruction)
{
	LLVMPositionBuilderBefore(ir->builder, instruction);
	LLVMSetCurrentDebugLocation2(ir->builder, LLVMInstructionGetDebugLoc(instruction));
}

LLVMValueRef ir_declare(const struct ir *ir, const char *name, LLVMTypeRef type)
{
	LLVMValueRef function = LLVMGetNamedFunction(ir->module, name);

	return function ? function : LLVMAddFunction(ir->module, name, type);
}

void ir_set_rare(const struct ir *ir, LLVMValueRef jump)
{
	LLVMMetadataRef weights[] = {LLVMMDStringInContext2(ir->context, "branch_weights", 14),
		LLVMValueAsMetadata(ir_int(ir, 1)), LLVMValueAsMetadata(ir_int(ir, 2000))};

	LLVMSetMetadata(jump, LLVMGetMDKindIDInContext(ir->context, "prof", 4),
		LLVMMetadataAsValue(ir->context, LLVMMDNodeInContext2(ir->context, weights, 3)));
}

static LLVMAttributeRef attribute_named(const struct ir *ir, const char *enum_name)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(enum_name, strlen(enum_name));

	return LLVMCreateEnumAttribute(ir->context, kind, 0);
}

void ir_attribute_add(const struct ir *ir, LLVMValueRef function, const char *enum_name)
{
	LLVMAddAttributeAtIndex(
		function, LLVMAttributeFunctionIndex, attribute_named(ir, enum_name));
}

bool ir_attribute_has(LLVMValueRef function, const char *enum_name)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(enum_name, strlen(enum_name));

	return LLVMGetEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, kind);
}

void ir_call_attribute_add(const struct ir *ir, LLVMValueRef call, const char *enum_name)
{
	LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex, attribute_named(ir, enum_name));
}

char *ir_place(LLVMValueRef instruction)
{
	LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(instruction));
	unsigned file_length = 0, line = LLVMGetDebugLocLine(instruction);
	const char *file = LLVMGetDebugLocFilename(instruction, &file_length);

	if (!file || !line)
		return format("%s", ir_name(function));
	return format("%s (%.*s:%u)", ir_name(function), (int)file_length, file, line);
}
