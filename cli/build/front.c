/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The first step: clang reads each source as on Windows (long has 32 bits, wchar_t 16, Microsoft's
 * layout and preprocessor) and leaves unoptimised bitcode. Several at once; what each has to say is
 * kept in a file and shown in the order of the sources, unchanged.
 */
#include "build.h"
#include "loader/loader.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *const language[] = {
	"-c",
	"-emit-llvm",
	"-Xclang",
	"-disable-llvm-passes",
	"-target",
	"x86_64-pc-windows-msvc-elf",
	"-fms-extensions",
	"-fms-compatibility",
	"-fms-compatibility-version=19.33",
	/* as Microsoft's compiler: volatile accesses order others, no type-based alias analysis,
	 * pointers may point anywhere, `int x;` in two files is one variable */
	"-Xclang",
	"-fms-volatile",
	"-fno-strict-aliasing",
	"-fno-delete-null-pointer-checks",
	"-fcommon",
	"-g",
	"-gdwarf-4",
	/* no header and no library but ours; xmmintrin.h would want <stdlib.h> */
	"-nostdlibinc",
	"-fno-autolink",
	"-D__MM_MALLOC_H",
	/* names of POSIX that are nothing special on Windows: a driver may have its own */
	"-fno-builtin-index",
	"-fno-builtin-rindex",
	"-fno-builtin-bcmp",
	"-fno-builtin-bcopy",
	"-fno-builtin-bzero",
	"-fno-builtin-fork",
	"-fno-builtin-mempcpy",
	"-fno-builtin-stpcpy",
	"-fno-builtin-stpncpy",
	"-fno-builtin-strcasecmp",
	"-fno-builtin-strncasecmp",
	"-fno-builtin-strndup",
	/* what Microsoft's compiler takes, at most with a warning */
	"-Wno-error=implicit-function-declaration",
	"-Wno-error=implicit-int",
	"-Wno-error=int-conversion",
	"-Wno-error=incompatible-function-pointer-types",
	"-Wno-error=return-type",
	"-Wno-nonportable-include-path",
	"-Wno-unknown-pragmas",
	"-Wno-ignored-pragmas",
	"-Wno-ignored-attributes",
	"-Wno-pragma-pack",
	"-Wno-multichar",
	"-Wno-microsoft",
	"-Wno-incompatible-library-redeclaration",
	"-Wno-unused-command-line-argument",
	"-Wno-unknown-warning-option",
};

/* For C++, as Microsoft's compiler has it for the kernel. An initialiser of a local static variable
 * runs without a lock: that lock is the C run-time library's. */
static const char *const language_cxx[] = {
	"-std=c++17",
	"-fno-exceptions",
	"-fno-rtti",
	"-fno-threadsafe-statics",
	"-fsized-deallocation",
	/* no header of C++ but the compiler's own */
	"-nostdinc++",
	"-Wno-error=c++11-narrowing",
	"-Wno-c++11-narrowing",
	"-Wno-writable-strings",
	"-Wno-invalid-offsetof",
};

/* What every driver's build defines on Windows for x64; include/ddk has defaults for the versions.
 */
static const char *const macros[] = {"AMD64", "_AMD64_", "_KERNEL_MODE", "WINNT=1", "STD_CALL"};

bool macro_is_defined(const struct strings *front, const char *macro)
{
	size_t length = strcspn(macro, "=");

	for (size_t i = 0; i < front->count; i++) {
		const char *arg = front->item[i];

		if (!strncmp(arg, "-D", 2) && !strncmp(arg + 2, macro, length) &&
			(arg[2 + length] == 0 || arg[2 + length] == '='))
			return true;
	}
	return false;
}

static void sanitizers_add(const struct build *build, struct strings *command)
{
	if (build->sanitizers & LOADER_ASAN)
		strings_add(command, "-fsanitize=address");
	if (build->sanitizers & LOADER_UBSAN) {
		/* function: a prologue that thunks and our own routines have not */
		strings_add(command, "-fsanitize=undefined");
		strings_add(command, "-fno-sanitize=function,vptr");
	} else {
		/* no optimisation of Microsoft's stands on signed overflow, and drivers rely on it
		 */
		strings_add(command, "-fwrapv");
	}
	if (build->sanitizers & LOADER_COVERAGE) {
		strings_add(command, "-fprofile-instr-generate");
		strings_add(command, "-fcoverage-mapping");
	}
}

static void folders_add(const struct strings *folders, struct strings *command)
{
	for (size_t i = 0; i < folders->count; i++) {
		strings_add(command, "-I");
		strings_add(command, folders->item[i]);
	}
}

static void includes_add(
	const struct build *build, const struct settings *settings, struct strings *command)
{
	folders_add(&build->includes, command);
	if (settings)
		folders_add(&settings->includes, command);
	/* behind the driver's own folders: a trace header that it brings is used */
	if (build->tmh.count) {
		char *folder = wpp_folder(build);

		strings_add(command, "-I");
		strings_add(command, folder);
		free(folder);
	}
}

void front_command(const struct build *build, struct strings *command, size_t n)
{
	const struct settings *settings = build->settings[n];
	bool cxx = build_is_cxx(build, n);

	strings_add(command, build->clang);
	/* by our own rule: to clang, FILE.C is C++ */
	strings_add(command, "-x");
	strings_add(command, cxx ? "c++" : "c");
	for (size_t i = 0; i < array_size(language); i++)
		strings_add(command, language[i]);
	for (size_t i = 0; cxx && i < array_size(language_cxx); i++)
		strings_add(command, language_cxx[i]);
	for (size_t i = 0; i < array_size(macros); i++)
		if (!macro_is_defined(&build->front, macros[i]) &&
			(!settings || !macro_is_defined(&settings->front, macros[i])))
			strings_addf(command, "-D%s", macros[i]);
	/* -O0 would mark each function as never to be optimised; no pass runs in either case */
	strings_add(command, strcmp(build->level, "-O0") ? "-O1" : "-O0");
	sanitizers_add(build, command);
	/* for replay: what the host left on a stack differs from run to run */
	if (build->memory_safepoints)
		strings_add(command, "-ftrivial-auto-var-init=pattern");
	if (isatty(2))
		strings_add(command, "-fcolor-diagnostics");
	includes_add(build, settings, command);
	if (settings)
		strings_copy(command, &settings->front);
	strings_copy(command, &build->front);
	strings_add(command, "-isystem");
	strings_add(command, build->ddk);
	strings_add(command, "-isystem");
	strings_addf(command, "%s/crt", build->ddk);
	strings_add(command, "-ivfsoverlay");
	strings_addf(command, "%s/overlay.yaml", build->folder);
}

struct job {
	pid_t pid;
	int messages; /* an unlinked file */
	bool failed;
};

static int messages_open(const struct build *build)
{
	char *path = format("%s/messages.XXXXXX", build->folder);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		fail(STATUS_FAILED, "%s: %m", path);
	unlink(path);
	free(path);
	return fd;
}

static void job_start(struct build *build, struct job *job, size_t n)
{
	struct strings command = {0};
	posix_spawn_file_actions_t actions;
	int error;

	front_command(build, &command, n);
	strings_add(&command, build->sources.item[n]);
	strings_add(&command, "-o");
	strings_add(&command, build->bitcode.item[n]);
	job->messages = messages_open(build);
	if (build->verbose) {
		for (size_t i = 0; i < command.count; i++)
			dprintf(job->messages, "%s%s", i ? " " : "", command.item[i]);
		dprintf(job->messages, "\n");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, job->messages, 2);
	error = posix_spawnp(&job->pid, command.item[0], &actions, NULL, command.item, environ);
	if (error)
		fail(STATUS_FAILED, "%s: %s", command.item[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	strings_free(&command);
}

static void job_end(struct job *jobs, size_t count)
{
	int status;
	pid_t pid = command_wait(&status);

	for (size_t i = 0; i < count; i++)
		if (jobs[i].pid == pid)
			jobs[i].failed = status != 0;
}

/* Whether the compiler had this to say. */
static bool messages_have(const struct job *job, const char *text)
{
	off_t size = lseek(job->messages, 0, SEEK_END);
	char *all = calloc(1, (size_t)size + 1);
	bool found;

	if (!all)
		fail(STATUS_FAILED, "out of memory");
	found = pread(job->messages, all, (size_t)size, 0) == size && strstr(all, text);
	free(all);
	return found;
}

/* C alone: in C++ two declarations with different types are two functions. */
static void job_again(struct build *build, struct job *job, size_t n)
{
	int messages;

	if (build_is_cxx(build, n) || !messages_have(job, "conflicting types for '"))
		return;
	messages = messages_open(build);
	if (!redeclare_try(build, n, messages)) {
		close(messages);
		return;
	}
	close(job->messages);
	job->messages = messages;
	job->failed = false;
}

static void messages_show(const struct job *job)
{
	char buffer[4096];

	lseek(job->messages, 0, SEEK_SET);
	for (ssize_t n; (n = read(job->messages, buffer, sizeof(buffer))) > 0;)
		fwrite(buffer, 1, (size_t)n, stderr);
	close(job->messages);
}

void front_run(struct build *build)
{
	size_t count = build->sources.count, running = 0, failed = 0;
	struct job *jobs = calloc(count, sizeof(*jobs));

	if (!jobs)
		fail(STATUS_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++)
		strings_addf(&build->bitcode, "%s/%zu.bc", build->folder, i);
	/* an environment variable of Windows that clang would follow */
	unsetenv("INCLUDE");
	for (size_t i = 0; i < count; i++) {
		job_start(build, &jobs[i], i);
		if (++running == build->jobs) {
			job_end(jobs, count);
			running--;
		}
	}
	while (running--)
		job_end(jobs, count);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].failed)
			job_again(build, &jobs[i], i);
		messages_show(&jobs[i]);
		failed += jobs[i].failed;
	}
	free(jobs);
	if (failed == 1 && count == 1)
		fail(STATUS_FAILED, "%s did not compile", build->sources.item[0]);
	if (failed)
		fail(STATUS_FAILED, "%zu of %zu sources did not compile", failed, count);
}
