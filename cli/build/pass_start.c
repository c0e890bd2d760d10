/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Nothing of a driver runs before DriverEntry: Windows' kernel has no C run-time library that would
 * call the constructors of global variables, and such a variable stays zero there. That is an error
 * here.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

/* What a function that initialises variables is called: ??__Ename@@YAXXZ, or, for a member of a
 * class,
 * ??__E?name@class@@2HA@@YAXXZ. The variable's name, a string of its own; NULL for another
 * function. */
static char *initialised(const char *function)
{
	static const char prefix[] = "??__E";
	char *mangled, *name;

	if (strncmp(function, prefix, strlen(prefix)))
		return NULL;
	function += strlen(prefix);
	mangled = format("%s%s", *function == '?' ? "" : "?", function);
	name = plain_name(mangled);
	free(mangled);
	return name;
}

/* The first variable that a constructor of the module initialises, itself or in what it calls; NULL
 * if that cannot be said. */
static char *constructed(LLVMValueRef constructor)
{
	char *name = initialised(ir_name(constructor));

	ir_each_block(constructor, b)
	{
		ir_each_instruction(b, i)
		{
			LLVMValueRef called = ir_is_call(i) ? ir_called_function(i) : NULL;

			if (called && !name)
				name = initialised(ir_name(called));
		}
	}
	return name;
}

static void constructor_refuse(LLVMValueRef constructor)
{
	char *variable = constructed(constructor);

	if (variable)
		fail(STATUS_FAILED,
			"the global variable %s is initialised by code; in Windows' kernel nothing "
			"runs before DriverEntry",
			variable);
	fail(STATUS_FAILED,
		"%s is a constructor; in Windows' kernel nothing runs before DriverEntry",
		ir_name(constructor));
}

void pass_start(struct ir *ir)
{
	LLVMValueRef list = LLVMGetNamedGlobal(ir->module, "llvm.global_ctors"), entries;

	entries = list ? LLVMGetInitializer(list) : NULL;
	for (int i = 0; entries && i < LLVMGetNumOperands(entries); i++) {
		/* {priority, function, what it belongs to} */
		LLVMValueRef constructor = LLVMGetOperand(LLVMGetOperand(entries, (unsigned)i), 1);

		if (LLVMIsAFunction(constructor))
			constructor_refuse(constructor);
	}
}
