/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The table of imports, which src/loader fills (loader.h). It stands in assembly, where no
 * sanitizer puts redzones around it. The slot of each routine's row has a name there, and a call of
 * the routine becomes one through its slot, as if it had been declared __declspec(dllimport):
 *
 *	call	*import.KeBugCheck.slot(%rip)
 *
 * The slot's value is loaded beside the call and not said to be constant, though it is: else the
 * optimiser would keep it in a register from one call to the next, and save and restore that one.
 * What is left, where a routine's address is taken, leads to a thunk:
 *
 *	import.KeBugCheck:
 *		jmpq	*import.KeBugCheck.slot(%rip)
 *
 * A declaration is renamed to its thunk: nothing of the driver's keeps a name that libc has.
 * Variables (NtBuildNumber) are reached by loading their address from their row.
 */
#include "ir.h"
#include "loader/loader.h"
#include "util/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rows {
	FILE *text; /* the assembly */
	unsigned count;
	LLVMValueRef table; /* where the rows stand, seen from the module */
};

static bool is_plain(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_")];
}

/* Whether anything but constants that nobody uses refers to the value. */
static bool is_used(LLVMValueRef value)
{
	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef user = LLVMGetUser(use);

		if (!LLVMIsAConstant(user) || LLVMIsAGlobalValue(user) || is_used(user))
			return true;
	}
	return false;
}

_Static_assert(offsetof(struct loader_import, slot) == 8, "the second word of a row");

static unsigned row_add(struct ir *ir, struct rows *rows, const char *name, enum loader_kind kind)
{
	if (!export_find(name) && !strings_have(&ir->build->missing, name))
		strings_add(&ir->build->missing, name);
	fprintf(rows->text, "\t.quad .Lname%u\n", rows->count);
	if (kind == LOADER_ROUTINE)
		fprintf(rows->text,
			"\t.globl import.%s.slot\n\t.hidden import.%s.slot\n"
			"\t.type import.%s.slot, @object\n\t.size import.%s.slot, 8\n"
			"import.%s.slot:\n",
			name, name, name, name, name);
	fprintf(rows->text, "\t.quad 0, %u\n", kind);
	fprintf(rows->text, "\t.pushsection .rodata\n.Lname%u:\t.asciz \"%s\"\n\t.popsection\n",
		rows->count, name);
	return rows->count++;
}

/* ---- routines ---- */

static void thunk_write(FILE *text, const char *symbol)
{
	fprintf(text,
		"\t.pushsection .text\n"
		"\t.p2align 4\n"
		"\t.globl %s\n\t.hidden %s\n\t.type %s, @function\n"
		"%s:\n"
		"\t.cfi_startproc\n"
		"\tjmpq *%s.slot(%%rip)\n"
		"\t.cfi_endproc\n"
		"\t.size %s, .-%s\n"
		"\t.popsection\n",
		symbol, symbol, symbol, symbol, symbol, symbol, symbol);
}

/* Sanitizers have no business with a slot. */
static void sanitizers_keep_off(const struct ir *ir, LLVMValueRef instruction)
{
	unsigned kind = LLVMGetMDKindIDInContext(ir->context, "nosanitize", 10);
	LLVMMetadataRef nothing = LLVMMDNodeInContext2(ir->context, NULL, 0);

	LLVMSetMetadata(instruction, kind, LLVMMetadataAsValue(ir->context, nothing));
}

/* A call keeps what it is: arguments, attributes, convention. */
static void call_redirect(const struct ir *ir, LLVMValueRef call, LLVMValueRef slot)
{
	unsigned callee = (unsigned)LLVMGetNumOperands(call) - 1;
	LLVMTypeRef type = LLVMTypeOf(LLVMGetOperand(call, callee));
	LLVMValueRef value;

	ir_before(ir, call);
	value = LLVMBuildLoad2(ir->builder, type, ir_cast(ir, slot, LLVMPointerType(type, 0)), "");
	sanitizers_keep_off(ir, value);
	LLVMSetOperand(call, callee, value);
}

static char *slot_name(const char *routine)
{
	return format("import.%s.slot", routine);
}

/* The slot of an imported routine; NULL for another one. */
static LLVMValueRef slot_of(const struct ir *ir, LLVMValueRef f)
{
	char *name = slot_name(ir_name(f));
	LLVMValueRef slot = LLVMIsDeclaration(f) ? LLVMGetNamedGlobal(ir->module, name) : NULL;

	free(name);
	return slot;
}

static void call_import(const struct ir *ir, LLVMValueRef call)
{
	LLVMValueRef f = ir_called_function(call), slot = f ? slot_of(ir, f) : NULL;

	/* what returns twice is known by its attributes */
	if (slot && !ir_attribute_has(f, "returns_twice"))
		call_redirect(ir, call, slot);
}

static void function_import(struct ir *ir, struct rows *rows, LLVMValueRef f)
{
	const char *name = ir_name(f);
	char *slot;

	if (!LLVMIsDeclaration(f) || LLVMGetIntrinsicID(f) || ir_is_exempt(name))
		return;
	if (!is_used(f))
		return;
	if (!is_plain(name))
		fail(STATUS_FAILED, "the driver calls %s, which no source defines%s",
			plain_name(name),
			*name == '?' ? " (what is Windows' own is extern \"C\")" : "");
	row_add(ir, rows, name, LOADER_ROUTINE);
	slot = slot_name(name);
	LLVMSetVisibility(LLVMAddGlobal(ir->module, ir->ptr, slot), LLVMHiddenVisibility);
	free(slot);
}

/* What the calls have left of it. A declaration that nobody uses stays as it is: marked hidden, it
 * would become a symbol of the object. */
static void function_rename(struct ir *ir, struct rows *rows, LLVMValueRef f)
{
	char *symbol;

	if (!slot_of(ir, f) || !is_used(f))
		return;
	symbol = format("import.%s", ir_name(f));
	thunk_write(rows->text, symbol);
	LLVMSetValueName2(f, symbol, strlen(symbol));
	LLVMSetLinkage(f, LLVMExternalLinkage);
	LLVMSetVisibility(f, LLVMHiddenVisibility);
	free(symbol);
}

static void functions_import(struct ir *ir, struct rows *rows)
{
	ir_each_function(ir, f) function_import(ir, rows, f);
	ir_each_function(ir, f) ir_each_block(f, b) ir_each_instruction(b, i) if (ir_is_call(i))
		call_import(ir, i);
	ir_each_function(ir, f) function_rename(ir, rows, f);
}

/* ---- variables ---- */

static bool is_mentioned(LLVMValueRef constant, LLVMValueRef variable)
{
	if (constant == variable)
		return true;
	if (!LLVMIsAConstant(constant) || LLVMIsAGlobalValue(constant))
		return false;
	for (int i = 0; i < LLVMGetNumOperands(constant); i++)
		if (is_mentioned(LLVMGetOperand(constant, (unsigned)i), variable))
			return true;
	return false;
}

/* What a constant that mentions the variable is computed from, where the builder stands. */
struct rebuild {
	const struct ir *ir;
	LLVMValueRef variable, address;
};

static LLVMValueRef constant_rebuild(const struct rebuild *r, LLVMValueRef constant);

static LLVMValueRef operand_rebuild(const struct rebuild *r, LLVMValueRef constant, unsigned n)
{
	LLVMValueRef operand = LLVMGetOperand(constant, n);

	return is_mentioned(operand, r->variable) ? constant_rebuild(r, operand) : operand;
}

static LLVMValueRef element_rebuild(const struct rebuild *r, LLVMValueRef gep)
{
	unsigned count = (unsigned)LLVMGetNumOperands(gep) - 1;
	LLVMValueRef *index = calloc(count, sizeof(LLVMValueRef)), base, result;

	if (!index)
		fail(STATUS_FAILED, "out of memory");
	for (unsigned i = 0; i < count; i++)
		index[i] = LLVMGetOperand(gep, i + 1);
	base = operand_rebuild(r, gep, 0);
	result = base ? LLVMBuildGEP2(r->ir->builder, LLVMGetGEPSourceElementType(gep), base, index,
				count, "")
		      : NULL;
	free(index);
	return result;
}

/* NULL for what no C expression makes. */
static LLVMValueRef constant_rebuild(const struct rebuild *r, LLVMValueRef constant)
{
	LLVMBuilderRef b = r->ir->builder;
	LLVMTypeRef type = LLVMTypeOf(constant);
	LLVMValueRef left, right;

	if (constant == r->variable)
		return ir_cast(r->ir, r->address, type);
	if (!LLVMIsAConstantExpr(constant))
		return NULL;
	if (LLVMGetConstOpcode(constant) == LLVMGetElementPtr)
		return element_rebuild(r, constant);
	left = operand_rebuild(r, constant, 0);
	if (LLVMGetNumOperands(constant) == 1)
		return left ? LLVMBuildCast(b, LLVMGetConstOpcode(constant), left, type, "") : NULL;
	right = operand_rebuild(r, constant, 1);
	if (!left || !right || LLVMGetNumOperands(constant) != 2)
		return NULL;
	if (LLVMGetConstOpcode(constant) == LLVMICmp)
		return LLVMBuildICmp(b, LLVMGetICmpPredicate(constant), left, right, "");
	return LLVMBuildBinOp(b, LLVMGetConstOpcode(constant), left, right, "");
}

static void operand_replace(const struct ir *ir, LLVMValueRef instruction, unsigned n,
	LLVMValueRef variable, LLVMValueRef slot)
{
	struct rebuild r = {.ir = ir, .variable = variable};
	LLVMValueRef at = instruction, value;

	if (LLVMGetInstructionOpcode(instruction) == LLVMPHI)
		at = LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(instruction, n));
	ir_before(ir, at);
	r.address = ir_load_at(ir, ir->ptr, slot, 0);
	value = constant_rebuild(&r, LLVMGetOperand(instruction, n));
	if (!value)
		fail(STATUS_FAILED,
			"%s: the imported variable %s is used in a way that cannot be compiled",
			ir_place(instruction), ir_name(variable));
	LLVMSetOperand(instruction, n, value);
}

static void variable_replace(const struct ir *ir, LLVMValueRef variable, LLVMValueRef slot)
{
	ir_each_function(ir, f) ir_each_block(f, b) ir_each_instruction(
		b, i) for (int n = 0; n < LLVMGetNumOperands(i);
			   n++) if (is_mentioned(LLVMGetOperand(i, (unsigned)n), variable))
		operand_replace(ir, i, (unsigned)n, variable, slot);
}

static void variable_import(struct ir *ir, struct rows *rows, LLVMValueRef g)
{
	const char *name = ir_name(g);
	LLVMValueRef slot, index;
	unsigned row;

	if (g == rows->table || !LLVMIsDeclaration(g) || ir_is_exempt(name) || !is_used(g))
		return;
	if (!is_plain(name))
		fail(STATUS_FAILED, "the driver refers to %s, which no source defines%s",
			plain_name(name),
			*name == '?' ? " (what is Windows' own is extern \"C\")" : "");
	row = row_add(ir, rows, name, LOADER_VARIABLE);
	index = LLVMConstInt(ir->i64,
		row * sizeof(struct loader_import) + offsetof(struct loader_import, slot), 0);
	slot = LLVMConstGEP2(ir->i8, rows->table, &index, 1);
	variable_replace(ir, g, slot);
	if (is_used(g))
		fail(STATUS_FAILED,
			"the address of the imported variable %s stands in an initialiser, where "
			"it is not "
			"known yet",
			name);
}

static void note_write(const struct ir *ir, FILE *text)
{
	struct loader_note note;
	char *compiler = clang_version();
	int padding = (int)(sizeof(note.compiler) - strlen(compiler));

	fprintf(text,
		"\t.section .rodata.dryport, \"a\", @progbits\n"
		"\t.p2align 3\n"
		"\t.globl dryport_note\n\t.type dryport_note, @object\n"
		"dryport_note:\n"
		"\t.quad %#llx\n\t.long %u, %u\n\t.ascii \"%s\"\n\t.zero %d\n"
		"\t.size dryport_note, .-dryport_note\n",
		LOADER_NOTE_MAGIC, LOADER_NOTE_VERSION, ir->build->sanitizers, compiler, padding);
	free(compiler);
}

/*
 * The counters' runtime would write its file by atexit, which runs too late for an object
 * that has been unloaded, and which an object that is linked against nothing has not. It is
 * written when the object goes.
 */
static void coverage_write(FILE *text)
{
	fputs("\t.section .text.coverage, \"ax\", @progbits\n"
	      "\t.globl atexit\n\t.hidden atexit\n\t.type atexit, @function\n"
	      "atexit:\n"
	      "\txorl %eax, %eax\n"
	      "\tret\n"
	      "\t.size atexit, .-atexit\n"
	      "\t.section .fini_array, \"aw\"\n"
	      "\t.p2align 3\n"
	      "\t.quad __llvm_profile_write_file\n",
		text);
}

void pass_import(struct ir *ir)
{
	struct rows rows = {0};
	char *text;
	size_t length;

	rows.text = open_memstream(&text, &length);
	if (!rows.text)
		fail(STATUS_FAILED, "out of memory");
	fputs("\t.section .data.rel.dryport, \"aw\", @progbits\n"
	      "\t.p2align 3\n"
	      "\t.globl dryport_imports\n\t.type dryport_imports, @object\n"
	      "\t.globl dryport.imports\n\t.hidden dryport.imports\n"
	      "dryport_imports:\ndryport.imports:\n.Limports:\n",
		rows.text);
	rows.table = LLVMAddGlobal(ir->module, ir->i8, "dryport.imports");
	LLVMSetVisibility(rows.table, LLVMHiddenVisibility);
	/* before there are slots, which are variables to LLVM */
	ir_each_global(ir, g) variable_import(ir, &rows, g);
	functions_import(ir, &rows);
	fputs("\t.quad 0, 0, 0\n\t.size dryport_imports, .-dryport_imports\n", rows.text);
	note_write(ir, rows.text);
	if (ir->build->sanitizers & LOADER_COVERAGE)
		coverage_write(rows.text);
	fputs("\t.text\n", rows.text);
	if (fclose(rows.text))
		fail(STATUS_FAILED, "out of memory");
	LLVMAppendModuleInlineAsm(ir->module, text, length);
	free(text);
}
