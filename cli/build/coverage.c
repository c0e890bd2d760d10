/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Counters of several sources in one module. LLVM lowers them for one source at a time: of two
 * sources' lists of functions that never run it sees one, and a name that two share (of an inline
 * function in a header) it writes twice and falls over it. So each source's names are its own, and
 * the lists are put together.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

static const char list_name[] = "__llvm_coverage_names";

static bool is_named(LLVMValueRef global, const char *prefix)
{
	return !strncmp(ir_name(global), prefix, strlen(prefix));
}

void coverage_part(LLVMModuleRef module, size_t source)
{
	LLVMValueRef list = LLVMGetNamedGlobal(module, list_name);

	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g))
		if (is_named(g, "__profn_"))
			LLVMSetLinkage(g, LLVMPrivateLinkage);
	/* nobody refers to it: a private one would get lost */
	if (list) {
		char *name = format("%s.%zu", list_name, source);

		LLVMSetValueName2(list, name, strlen(name));
		LLVMSetLinkage(list, LLVMExternalLinkage);
		free(name);
	}
}

struct list {
	LLVMValueRef *items;
	unsigned count;
};

static void list_take(struct list *list, LLVMValueRef global)
{
	LLVMValueRef array = LLVMGetInitializer(global);
	int count = LLVMGetNumOperands(array);

	list->items =
		reallocarray(list->items, list->count + (unsigned)count + 1, sizeof(*list->items));
	if (!list->items)
		fail(STATUS_FAILED, "out of memory");
	for (int i = 0; i < count; i++)
		list->items[list->count++] = LLVMGetOperand(array, (unsigned)i);
	LLVMDeleteGlobal(global);
}

void coverage_join(struct ir *ir)
{
	struct list list = {0};
	LLVMValueRef array, global;

	ir_each_global(ir, g) if (is_named(g, list_name)) list_take(&list, g);
	if (list.count) {
		array = LLVMConstArray(LLVMTypeOf(list.items[0]), list.items, list.count);
		global = LLVMAddGlobal(ir->module, LLVMTypeOf(array), list_name);
		LLVMSetLinkage(global, LLVMPrivateLinkage);
		LLVMSetInitializer(global, array);
	}
	free(list.items);
}
