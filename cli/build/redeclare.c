/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Declarations that differ. Microsoft's C compiler takes a routine that is declared with one
 * pointer or enumeration type and defined with another, with a warning, and drivers have come to do
 * so; to clang it is an error that no option lifts. A source that fails by it is preprocessed, each
 * later declaration gets a name of its own (NAME__redeclared), and the result is compiled: callers
 * see the first declaration, the body its own. In the bitcode the two become one again, if their
 * types are of the same kinds.
 */
#include "ir.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = "__redeclared";

/* ---- the text ---- */

struct place {
	size_t line, column; /* from 1 */
	char name[256];
};

struct text {
	struct strings lines;
	struct place *places;
	size_t count;
};

static bool lines_read(struct strings *lines, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return false;
	while (getline(&line, &size, in) > 0)
		strings_add(lines, line);
	free(line);
	fclose(in);
	return true;
}

/* # 12 "file.c" 1 */
static bool is_marker(const char *line)
{
	return line[0] == '#' && line[1] == ' ' && isdigit((unsigned char)line[2]);
}

static bool lines_write(const struct strings *lines, const char *path, bool markers)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return false;
	for (size_t i = 0; i < lines->count; i++)
		fputs(!markers && is_marker(lines->item[i]) ? "\n" : lines->item[i], out);
	return fclose(out) == 0;
}

/* "x.i:12:7: error: conflicting types for 'NAME'"; false if the compiler has another error. */
static bool places_read(struct text *text, const char *messages)
{
	struct strings lines = {0};
	bool only = lines_read(&lines, messages);

	for (size_t i = 0; i < lines.count; i++) {
		const char *error = strstr(lines.item[i], ": error: ");
		struct place place;

		if (!error)
			error = strstr(lines.item[i], ": fatal error: ");
		if (!error)
			continue;
		if (sscanf(error, ": error: conflicting types for '%255[^']'", place.name) != 1 ||
			sscanf(strchr(lines.item[i], ':'), ":%zu:%zu:", &place.line,
				&place.column) != 2) {
			only = false;
			break;
		}
		text->places = reallocarray(text->places, text->count + 1, sizeof(*text->places));
		if (!text->places)
			fail(STATUS_FAILED, "out of memory");
		text->places[text->count++] = place;
	}
	strings_free(&lines);
	return only && text->count;
}

/* Where the line came from, for a message. */
static void place_print(const struct text *text, const struct place *place)
{
	size_t line = place->line - 1, number;
	char file[4096];

	for (size_t i = line; i-- > 0;) {
		if (sscanf(text->lines.item[i], "# %zu \"%4095[^\"]\"", &number, file) == 2) {
			fprintf(stderr,
				"%s:%zu: warning: %s was declared with other types before; taken, "
				"as by Microsoft's compiler\n",
				file, number + (line - i - 1), place->name);
			return;
		}
	}
}

static bool place_rename(struct text *text, const struct place *place)
{
	char **line = &text->lines.item[place->line - 1], *longer;
	size_t begin = place->column - 1, end = begin + strlen(place->name);

	if (place->line > text->lines.count || strlen(*line) < end ||
		strncmp(*line + begin, place->name, strlen(place->name)))
		return false;
	/* used: nobody in this source calls a static one by its new name */
	longer = format("%.*s__attribute__((used)) %s%s%s", (int)begin, *line, place->name, suffix,
		*line + end);
	free(*line);
	*line = longer;
	return true;
}

/* From the last on a line to the first: the columns of the others stay right. */
static int places_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column > y->column ? -1 : 1;
}

static bool text_rename(struct text *text)
{
	qsort(text->places, text->count, sizeof(*text->places), places_order);
	for (size_t i = 0; i < text->count; i++)
		if (!place_rename(text, &text->places[i]))
			return false;
	return true;
}

/* ---- the compiler's runs ---- */

static int clang_run(const struct build *build, size_t n, const char *const *arguments,
	const char *input, const char *output, int messages)
{
	struct strings command = {0};
	int status;

	front_command(build, &command, n);
	for (; *arguments; arguments++)
		strings_add(&command, *arguments);
	strings_add(&command, input);
	strings_add(&command, "-o");
	strings_add(&command, output);
	status = command_run_to(build, &command, messages);
	strings_free(&command);
	return status;
}

/* Finds the declarations that differ; the text without line markers, so that the compiler tells
 * where. */
static bool text_examine(
	const struct build *build, size_t n, struct text *text, const char *plain, const char *list)
{
	static const char *const check[] = {"-fsyntax-only", "-w", "-ferror-limit=0",
		"-fno-color-diagnostics", "-x", "cpp-output", NULL};
	int messages = open(list, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);

	if (messages < 0 || !lines_write(&text->lines, plain, false))
		return false;
	clang_run(build, n, check, plain, "/dev/null", messages);
	close(messages);
	return places_read(text, list);
}

static bool text_compile(
	const struct build *build, size_t n, struct text *text, const char *path, int messages)
{
	static const char *const compile[] = {"-Wno-undefined-internal", "-x", "cpp-output", NULL};

	if (!text_rename(text) || !lines_write(&text->lines, path, true))
		return false;
	return clang_run(build, n, compile, path, build->bitcode.item[n], messages) == 0;
}

bool redeclare_try(const struct build *build, size_t n, int messages)
{
	static const char *const preprocess[] = {"-E", NULL};
	char *path = format("%s/%zu.i", build->folder, n);
	char *plain = format("%s/%zu.plain.i", build->folder, n);
	char *list = format("%s/%zu.errors", build->folder, n);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct text text = {0};
	bool done;

	done = clang_run(build, n, preprocess, build->sources.item[n], path, nowhere) == 0 &&
	       lines_read(&text.lines, path) && text_examine(build, n, &text, plain, list) &&
	       text_compile(build, n, &text, path, messages);
	for (size_t i = 0; done && i < text.count; i++)
		place_print(&text, &text.places[i]);
	close(nowhere);
	strings_free(&text.lines);
	free(text.places);
	free(path);
	free(plain);
	free(list);
	return done;
}

/* ---- the bitcode ---- */

static bool is_same_kind(LLVMTypeRef a, LLVMTypeRef b)
{
	return a == b || (LLVMGetTypeKind(a) == LLVMPointerTypeKind &&
				 LLVMGetTypeKind(b) == LLVMPointerTypeKind);
}

static bool is_same_call(LLVMTypeRef a, LLVMTypeRef b)
{
	unsigned count = LLVMCountParamTypes(a);
	LLVMTypeRef in_a[256], in_b[256];

	if (count != LLVMCountParamTypes(b) || count > 256 ||
		LLVMIsFunctionVarArg(a) != LLVMIsFunctionVarArg(b) ||
		!is_same_kind(LLVMGetReturnType(a), LLVMGetReturnType(b)))
		return false;
	LLVMGetParamTypes(a, in_a);
	LLVMGetParamTypes(b, in_b);
	for (unsigned i = 0; i < count; i++)
		if (!is_same_kind(in_a[i], in_b[i]))
			return false;
	return true;
}

static void function_join(
	struct ir *ir, LLVMModuleRef module, LLVMValueRef later, const char *source)
{
	size_t length = strlen(ir_name(later)) - strlen(suffix);
	char *name = format("%.*s", (int)length, ir_name(later));
	LLVMValueRef first = LLVMGetNamedFunction(module, name);

	if (first && !is_same_call(LLVMGlobalGetValueType(first), LLVMGlobalGetValueType(later)))
		fail(STATUS_FAILED,
			"%s: two declarations of %s differ by more than the kind of a "
			"pointer or enumeration",
			source, name);
	if (first && !LLVMIsDeclaration(first)) {
		LLVMReplaceAllUsesWith(later, ir_cast(ir, first, LLVMTypeOf(later)));
		LLVMDeleteFunction(later);
		free(name);
		return;
	}
	if (first) {
		LLVMReplaceAllUsesWith(first, ir_cast(ir, later, LLVMTypeOf(first)));
		LLVMDeleteFunction(first);
	}
	LLVMSetValueName2(later, name, length);
	free(name);
}

void redeclare_join(struct ir *ir, LLVMModuleRef module, const char *source)
{
	struct ir one = *ir;

	one.module = module;
	ir_each_function(&one, f)
	{
		const char *name = ir_name(f);
		size_t length = strlen(name), tail = strlen(suffix);

		if (length > tail && !strcmp(name + length - tail, suffix))
			function_join(&one, module, f, source);
	}
}
