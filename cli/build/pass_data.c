/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the linker sees of the driver: DriverEntry and nothing else. So the dynamic linker can never
 * bind a driver's own `index` or `read` to libc's. Comdats, dllimport and sections ("PAGE", "INIT")
 * mean nothing here, and string constants lose their names, in which GNU ld would take '@' for a
 * version.
 */
#include "ir.h"

#include <llvm-c/Comdat.h>
#include <stdlib.h>
#include <string.h>

/* Routines that LLVM calls by name, with the convention of Linux. A driver's own of the same name,
 * which has the other convention, must not be taken for them. Its debug information keeps the name.
 */
static bool is_called_by_llvm(const char *name)
{
	static const char *const names[] = {"memcpy", "memmove", "memset", "memcmp", "bcmp",
		"bzero", "memchr", "strlen", "wcslen"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void symbol_hide(LLVMValueRef value, LLVMLinkage linkage)
{
	LLVMSetVisibility(value, LLVMDefaultVisibility);
	LLVMSetLinkage(value, linkage);
}

/* Names of C++ as people write them: reports show them where there is no debug information. */
static void name_mend(LLVMValueRef value)
{
	char *name = plain_name(ir_name(value));

	if (strcmp(name, ir_name(value)))
		LLVMSetValueName2(value, name, strlen(name));
	free(name);
}

static void function_hide(LLVMValueRef f)
{
	LLVMSetDLLStorageClass(f, LLVMDefaultStorageClass);
	if (LLVMIsDeclaration(f))
		return;
	LLVMSetComdat(f, NULL);
	LLVMSetSection(f, "");
	if (!strcmp(ir_name(f), "DriverEntry")) {
		symbol_hide(f, LLVMExternalLinkage);
		return;
	}
	symbol_hide(f, LLVMInternalLinkage);
	name_mend(f);
	if (is_called_by_llvm(ir_name(f))) {
		char *name = format("driver.%s", ir_name(f));

		LLVMSetValueName2(f, name, strlen(name));
	}
}

static void global_hide(LLVMValueRef g)
{
	const char *name = ir_name(g);

	LLVMSetDLLStorageClass(g, LLVMDefaultStorageClass);
	if (LLVMIsDeclaration(g) || !strncmp(name, "llvm.", 5))
		return;
	LLVMSetComdat(g, NULL);
	if (!strncmp(name, "??_C@", 5)) {
		symbol_hide(g, LLVMPrivateLinkage);
		return;
	}
	/* coverage finds its records by their section */
	if (!ir_is_exempt(name))
		LLVMSetSection(g, "");
	if (LLVMGetLinkage(g) != LLVMPrivateLinkage)
		symbol_hide(g, LLVMInternalLinkage);
	name_mend(g);
}

void pass_data(struct ir *ir)
{
	ir_each_function(ir, f) function_hide(f);
	ir_each_global(ir, g) global_hide(g);
	for (LLVMValueRef a = LLVMGetFirstGlobalAlias(ir->module); a; a = LLVMGetNextGlobalAlias(a))
		symbol_hide(a, LLVMInternalLinkage);
}
