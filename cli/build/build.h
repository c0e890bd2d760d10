/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-build: C and C++ sources of a Windows miniport to a shared object that src/loader loads.
 *
 *	options.c   the command line
 *	sources.c   which files; overlay.c: includes in Windows' letter case
 *	projects.c  those of a project of MSBuild, which project/ reads; settings.c: how each is
 *compiled wpp.c       what Microsoft's tracing preprocessor would make: .tmh files front.c clang
 *for the Windows data model, one bitcode file per source redeclare.c once more, for a source whose
 *declarations differ as Microsoft's compiler allows coverage.c  the counters of several sources
 *	module.c    all bitcode into one LLVM module, which the passes transform:
 *	            pass_start.c   nothing may run before DriverEntry
 *	            pass_seh.c     __try frames, without the funclets of Windows' unwinder
 *	            pass_poll.c    safepoints on loop back-edges
 *	            pass_data.c    visibility, sections, comdats
 *	            pass_import.c  the table of imports, calls through it, the note
 *	            pass_call.c    the Win64 convention, function attributes
 *	back.c      clang again: code, sanitizers, the link; what may stay undefined
 *	main.c      one after another, and the list of imports that dryport lacks
 *
 * A failure ends the program at once through `fail`: 1 when the build failed, 2 for wrong usage.
 * The temporary folder goes with it.
 */
#ifndef BUILD_BUILD_H
#define BUILD_BUILD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* A growing list of strings, ended by NULL, each its own allocation. */
struct strings {
	char **item;
	size_t count;
};

void strings_add(struct strings *list, const char *text);
void strings_addf(struct strings *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strings_copy(struct strings *list, const struct strings *more);
void strings_sort(struct strings *list);
bool strings_have(const struct strings *list, const char *text);
void strings_free(struct strings *list);

/* Prints "dryport-build: …" as one line and exits. */
void fail(int status, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* A string of its own; never NULL. */
char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The last component, "simple" for "/x/simple/"; a string of its own. */
char *path_base(const char *path);
/* Absolute, without "." and "..", links not followed; a string of its own. */
char *path_absolute(const char *path);

enum source_language { SOURCE_BY_NAME, SOURCE_C, SOURCE_CXX };

/* What one source is compiled with, beside what is said on the command line. */
struct settings {
	enum source_language language;
	struct strings includes, front; /* like those of struct build */
};

struct build {
	/* the command line */
	struct strings sources;	    /* files, in order */
	struct settings **settings; /* one for each, or NULL */
	struct strings folders;	    /* where quoted includes may start from: the sources' folders */
	struct strings includes;    /* -I */
	struct strings front;	    /* -D, -U, -W, -f: for the front end, as clang takes them */
	struct strings properties;  /* NAME=VALUE, for projects */
	char *output;
	char *depends_output; /* where `depends` goes, or NULL */
	const char *level;    /* "-O2" */
	bool memory_safepoints;
	unsigned sanitizers; /* LOADER_ASAN … of src/loader/loader.h */
	unsigned jobs;
	bool keep, verbose;
	/* found on the way */
	char *ddk;	       /* include/ddk */
	char *clang;	       /* the compiler of the LLVM that this program is linked with */
	char *folder;	       /* temporary files */
	struct strings tmh;    /* trace headers that the sources include */
	struct strings traced; /* the driver's trace functions */
	struct strings
		depends; /* projects' files: what, beside sources and folders, it is made of */
	struct strings bitcode;
	struct strings missing; /* imports that the export table lacks */
};

/* Fills *build from the arguments; may exit. */
void options_parse(struct build *build, int argc, char **argv);
/* One argument: a source, a folder with all its sources, or a project. */
void sources_add(struct build *build, const char *path);
/* A source by its path, and its settings, or NULL. */
void source_take(struct build *build, const char *path, struct settings *settings);
/* Whether a name is that of a C++ source (.cpp .cxx .cc, in any letter case), of a source, of a
 * project (.vcxproj). */
bool source_is_cxx(const char *path);
bool source_is(const char *path);
bool source_is_project(const char *path);
/* Whether source n is compiled as C++. */
bool build_is_cxx(const struct build *build, size_t n);
/* The sources of a project, and of the static libraries that it links. */
void projects_add(struct build *build, const char *path);
/* Writes what the object is made of: files, and folders to include from, a line each. */
void depends_write(const struct build *build);
/* Writes the overlay, and the trace headers that the files it lists ask for; returns its path. */
char *overlay_write(struct build *build);

/* Where the trace headers are; a string of its own. The folder exists if build->tmh is not empty.
 */
char *wpp_folder(const struct build *build);
/* A line of some source or header; *in_block is false at the file's first. */
void wpp_line(struct build *build, bool *in_block, const char *line);
/* A trace header by its name, that some source includes. */
void wpp_header(struct build *build, const char *name);
/* All lines of a file. */
void wpp_scan(struct build *build, const char *path);
void wpp_write(const struct build *build);

/* A routine's name as people write it, whatever C++ made of it; a string of its own. */
char *plain_name(const char *name);

/* The folder of the headers that drivers include. */
char *ddk_find(void);
/* The path of clang of the right version; fails when there is none. */
char *clang_find(void);
/* What clang answers to an option that prints a file's name; NULL if the file does not exist. */
char *clang_file(const struct build *build, const char *option);
/* "clang 14.0.6" */
char *clang_version(void);
/* Runs one command to its end; its exit status, or fails if it cannot be started. */
int command_run(const struct build *build, const struct strings *command);
/* Likewise, its messages to a file. */
int command_run_to(const struct build *build, const struct strings *command, int messages);
/* Waits for the end of any command; its status as wait() gives it. Fails after ctrl-C. */
pid_t command_wait(int *status);
void build_interrupt(int signal);

/* All sources to bitcode; compilers' messages go to stderr, in the order of the sources. */
void front_run(struct build *build);
/* The first step's command for source n, but for the source and where the result goes. */
void front_command(const struct build *build, struct strings *command, size_t n);
/* Whether "NAME=VALUE" has its -DNAME among these options. */
bool macro_is_defined(const struct strings *front, const char *macro);
/* Compiles source n, which failed, again; false, with nothing said, if it fails for another reason.
 */
bool redeclare_try(const struct build *build, size_t n, int messages);
/* All bitcode to one transformed module; returns the path of its bitcode. */
char *module_build(struct build *build);
/* Whether someone follows them: a sanitizer's runtime, which notes a stack for each allocation. */
bool build_needs_frame_pointers(const struct build *build);
/* Code and link. */
void back_run(const struct build *build, const char *bitcode);

#endif
