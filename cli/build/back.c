/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The last steps: clang makes code of the module, with the sanitizers' passes, and links it against
 * nothing. Before the link the object's undefined symbols are looked at: LLVM's own mem* and the
 * sanitizers' routines may be left to the process that loads the driver; anything else would bind
 * to libc by chance and is an error of this program.
 */
#include "build.h"
#include "loader/elf_file.h"
#include "loader/loader.h"
#include "util/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void sanitizers_add(const struct build *build, struct strings *command)
{
	static const struct {
		unsigned bit;
		const char *option;
	} options[] = {{LOADER_ASAN, "-fsanitize=address"}, {LOADER_TSAN, "-fsanitize=thread"},
		{LOADER_COVERAGE, "-fprofile-instr-generate"}};

	for (size_t i = 0; i < array_size(options); i++)
		if (build->sanitizers & options[i].bit)
			strings_add(command, options[i].option);
}

bool build_needs_frame_pointers(const struct build *build)
{
	return build->sanitizers & (LOADER_ASAN | LOADER_UBSAN | LOADER_TSAN);
}

static void code_make(const struct build *build, const char *bitcode, const char *object)
{
	static const char *const options[] = {"-c", "-x", "ir", "-fPIC",
		"-fasynchronous-unwind-tables", "-Wno-override-module",
		"-Wno-unused-command-line-argument"};
	struct strings command = {0};

	strings_add(&command, build->clang);
	for (size_t i = 0; i < array_size(options); i++)
		strings_add(&command, options[i]);
	strings_add(&command, build->level);
	strings_add(&command, build_needs_frame_pointers(build) ? "-fno-omit-frame-pointer"
								: "-fomit-frame-pointer");
	sanitizers_add(build, &command);
	strings_add(&command, bitcode);
	strings_add(&command, "-o");
	strings_add(&command, object);
	if (command_run(build, &command))
		fail(STATUS_FAILED,
			"internal error: clang cannot make code of the transformed module");
	strings_free(&command);
}

/* What the process that loads the driver may lend it. */
static bool is_lent(const char *name)
{
	static const char *const prefixes[] = {"__asan_", "__ubsan_", "__tsan_", "__sanitizer_",
		"__llvm_", "__gcov_", "__start_", "__stop_"};
	static const char *const names[] = {
		"memcpy", "memmove", "memset", "memcmp", "bcmp", "_GLOBAL_OFFSET_TABLE_"};

	for (size_t i = 0; i < array_size(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	for (size_t i = 0; i < array_size(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void stranger_note(void *list, const char *name)
{
	if (!is_lent(name) && !strings_have(list, name))
		strings_add(list, name);
}

static void object_check(const char *object)
{
	struct strings strangers = {0};
	struct elf_file file;

	if (elf_file_open(&file, object) < 0)
		fail(STATUS_FAILED, "internal error: %s", error_text());
	elf_file_undefined(&file, stranger_note, &strangers);
	elf_file_close(&file);
	if (!strangers.count)
		return;
	fprintf(stderr, "dryport-build: internal error: the compiler's code wants");
	for (size_t i = 0; i < strangers.count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", strangers.item[i]);
	fprintf(stderr, ", which no driver may import\n");
	exit(STATUS_FAILED);
}

static char *exports_write(const struct build *build)
{
	char *path = format("%s/exports.map", build->folder);
	FILE *out = fopen(path, "we");

	if (!out ||
		fputs("{ global: DriverEntry; dryport_note; dryport_imports; local: *; };\n", out) <
			0 ||
		fclose(out))
		fail(STATUS_FAILED, "%s: %m", path);
	return path;
}

static void object_link(const struct build *build, const char *object, const char *result)
{
	static const char *const options[] = {"-shared", "-nostdlib", "-Wl,-Bsymbolic",
		"-Wl,-z,noexecstack", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,text",
		"-Wl,--hash-style=gnu", "-Wl,--build-id"};
	struct strings command = {0};
	char *exports = exports_write(build);

	strings_add(&command, build->clang);
	for (size_t i = 0; i < array_size(options); i++)
		strings_add(&command, options[i]);
	strings_addf(&command, "-Wl,--version-script=%s", exports);
	strings_add(&command, object);
	if (build->sanitizers & LOADER_COVERAGE) {
		char *runtime = clang_file(build, "--print-file-name=libclang_rt.profile-x86_64.a");

		if (!runtime)
			fail(STATUS_FAILED,
				"--coverage: %s lacks libclang_rt.profile-x86_64.a; install "
				"its compiler-rt (Debian: libclang-rt-%d-dev)",
				build->clang, atoi(strchr(clang_version(), ' ')));
		strings_add(&command, "-Wl,-u,__llvm_profile_runtime");
		strings_add(&command, runtime);
	}
	strings_add(&command, "-o");
	strings_add(&command, result);
	if (command_run(build, &command))
		fail(STATUS_FAILED, "%s: the link failed", build->output);
	strings_free(&command);
	free(exports);
}

void back_run(const struct build *build, const char *bitcode)
{
	char *object = format("%s/module.o", build->folder);
	/* beside the output, then renamed: nobody ever sees half an object */
	char *result = format("%s.%d.tmp", build->output, (int)getpid());

	code_make(build, bitcode, object);
	object_check(object);
	object_link(build, object, result);
	if (rename(result, build->output) < 0) {
		unlink(result);
		fail(STATUS_FAILED, "%s: %m", build->output);
	}
	free(object);
	free(result);
}
