/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The second step: the sources' bitcode becomes one module for Linux, through the passes.
 */
#include "ir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Linker.h>

static char *complaint; /* LLVM's last error, as one string */

static void complaint_take(LLVMDiagnosticInfoRef info, void *arg)
{
	char *text = LLVMGetDiagInfoDescription(info);

	if (LLVMGetDiagInfoSeverity(info) == LLVMDSError && !complaint)
		complaint = format("%s", text);
	LLVMDisposeMessage(text);
}

static LLVMModuleRef module_read(struct ir *ir, const char *path)
{
	LLVMMemoryBufferRef buffer;
	LLVMModuleRef module;
	char *message;

	if (LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, &message))
		fail(STATUS_FAILED, "%s: %s", path, message);
	if (LLVMParseBitcodeInContext2(ir->context, buffer, &module))
		fail(STATUS_FAILED, "%s: %s", path,
			complaint ? complaint : "not bitcode of this LLVM");
	LLVMDisposeMemoryBuffer(buffer);
	return module;
}

static void module_link(struct ir *ir)
{
	const struct build *build = ir->build;

	for (size_t i = 0; i < build->bitcode.count; i++) {
		LLVMModuleRef module = module_read(ir, build->bitcode.item[i]);

		coverage_part(module, i);
		redeclare_join(ir, module, build->sources.item[i]);
		if (!ir->module)
			ir->module = module;
		else if (LLVMLinkModules2(ir->module, module))
			fail(STATUS_FAILED, "%s: %s", build->sources.item[i],
				complaint ? complaint : "cannot be linked with the others");
	}
}

static void entry_check(const struct ir *ir)
{
	LLVMValueRef entry = LLVMGetNamedFunction(ir->module, "DriverEntry");

	if (!entry || LLVMIsDeclaration(entry))
		fail(STATUS_FAILED, "no source defines DriverEntry; a miniport begins there");
	if (LLVMGetLinkage(entry) == LLVMInternalLinkage)
		fail(STATUS_FAILED, "DriverEntry is static");
}

static void module_verify(struct ir *ir, const char *path)
{
	char *message = NULL;

	if (LLVMWriteBitcodeToFile(ir->module, path))
		fail(STATUS_FAILED, "%s: cannot be written", path);
	if (!LLVMVerifyModule(ir->module, LLVMReturnStatusAction, &message)) {
		LLVMDisposeMessage(message);
		return;
	}
	ir->build->keep = true;
	fail(STATUS_FAILED, "internal error: the transformed module %s is invalid: %s", path,
		message);
}

char *module_build(struct build *build)
{
	struct ir ir = {.context = LLVMContextCreate(), .build = build};
	char *path = format("%s/module.bc", build->folder);

	LLVMContextSetDiagnosticHandler(ir.context, complaint_take, NULL);
	ir.builder = LLVMCreateBuilderInContext(ir.context);
	ir.i1 = LLVMInt1TypeInContext(ir.context);
	ir.i8 = LLVMInt8TypeInContext(ir.context);
	ir.i32 = LLVMInt32TypeInContext(ir.context);
	ir.i64 = LLVMInt64TypeInContext(ir.context);
	ir.nothing = LLVMVoidTypeInContext(ir.context);
	ir.ptr = LLVMPointerType(ir.i8, 0);
	module_link(&ir);
	coverage_join(&ir);
	entry_check(&ir);
	LLVMSetTarget(ir.module, "x86_64-unknown-linux-gnu");
	pass_memory(&ir);
	pass_start(&ir);
	pass_seh(&ir);
	pass_poll(&ir);
	pass_data(&ir);
	/* after all that declare routines of ours, before names are lost */
	pass_call(&ir);
	pass_import(&ir);
	module_verify(&ir, path);
	LLVMDisposeBuilder(ir.builder);
	LLVMDisposeModule(ir.module);
	LLVMContextDispose(ir.context);
	return path;
}
