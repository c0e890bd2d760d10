/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The command line of dryport-build.
 */
#include "build.h"
#include "loader/loader.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"usage: dryport-build [OPTION…] SOURCE|FOLDER|PROJECT.vcxproj…\n"
	"Compiles the C and C++ sources of a Windows miniport (a folder: all that are in it; a "
	"project:\n"
	"those that it names, as it says) into a shared object that `dryport run` loads.\n"
	"\n"
	"  -o FILE            the object; else NAME.so here, after the folder or the first source\n"
	"  -I DIR             where to look for headers; backslashes and letter case as on "
	"Windows\n"
	"  -D NAME[=VALUE]    define a macro;  -U NAME  undefine it;  --include FILE  first of "
	"all\n"
	"  --config NAME      the project's configuration (Release);  --platform NAME  (x64)\n"
	"  -p NAME=VALUE      a property that the project does not change (--property)\n"
	"  --sanitize LIST    address, undefined, thread: with these sanitizers\n"
	"  --coverage         count what runs (llvm-profdata and llvm-cov read it)\n"
	"  --safepoints WHAT  where replay can switch: calls (and loops), or memory too\n"
	"  --debug            without optimisation, for gdb;  -O LEVEL  0 1 2 3 s (2)\n"
	"  -W… -f…            handed to clang's front end\n"
	"  -j N               compilers at once\n"
	"  --depends FILE     write the files and folders that the object is made of\n"
	"  --llvm-keep        keep the intermediate files and say where\n"
	"  -v, --verbose      print the commands\n"
	"  -h, --help         this text;  --version\n"
	"\n"
	"DRYPORT_CLANG in the environment names the clang to use; its version must be the one "
	"that\n"
	"--version shows.\n";

enum {
	OPTION_SANITIZE = 256,
	OPTION_COVERAGE,
	OPTION_SAFEPOINTS,
	OPTION_DEBUG,
	OPTION_KEEP,
	OPTION_INCLUDE,
	OPTION_CONFIG,
	OPTION_PLATFORM,
	OPTION_DEPENDS,
	OPTION_VERSION
};

static const struct option options[] = {
	{"sanitize", required_argument, NULL, OPTION_SANITIZE},
	{"coverage", no_argument, NULL, OPTION_COVERAGE},
	{"safepoints", required_argument, NULL, OPTION_SAFEPOINTS},
	{"debug", no_argument, NULL, OPTION_DEBUG},
	{"include", required_argument, NULL, OPTION_INCLUDE},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"platform", required_argument, NULL, OPTION_PLATFORM},
	{"property", required_argument, NULL, 'p'},
	{"depends", required_argument, NULL, OPTION_DEPENDS},
	{"llvm-keep", no_argument, NULL, OPTION_KEEP},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static void sanitize_parse(struct build *build, const char *list)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
		{"address", LOADER_ASAN}, {"undefined", LOADER_UBSAN}, {"thread", LOADER_TSAN}};
	char *copy = format("%s", list), *save = NULL;

	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		unsigned bit = 0;

		for (size_t i = 0; i < array_size(known); i++)
			if (!strcmp(known[i].name, name))
				bit = known[i].bit;
		if (!bit)
			fail(STATUS_USAGE,
				"--sanitize %s: no such sanitizer; there are address, "
				"undefined, thread",
				name);
		build->sanitizers |= bit;
	}
	free(copy);
	if ((build->sanitizers & LOADER_ASAN) && (build->sanitizers & LOADER_TSAN))
		fail(STATUS_USAGE, "--sanitize: address and thread exclude each other");
}

static void level_set(struct build *build, const char *level)
{
	static const char *const known[] = {"-O0", "-O1", "-O2", "-O3", "-Os"};

	for (size_t i = 0; i < array_size(known); i++) {
		if (!strcmp(known[i] + 2, level)) {
			build->level = known[i];
			return;
		}
	}
	fail(STATUS_USAGE, "-O %s: no such level; there are 0 1 2 3 s", level);
}

static void safepoints_set(struct build *build, const char *what)
{
	build->memory_safepoints = !strcmp(what, "memory");
	if (!build->memory_safepoints && strcmp(what, "calls"))
		fail(STATUS_USAGE, "--safepoints %s: there are calls, memory", what);
}

static void include_add(struct build *build, const char *folder)
{
	struct stat st;

	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
		fail(STATUS_USAGE, "-I %s: no such folder", folder);
	strings_add(&build->includes, folder);
}

static void jobs_set(struct build *build, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n < 1 || n > 1024)
		fail(STATUS_USAGE, "-j %s: not a number of compilers", text);
	build->jobs = (unsigned)n;
}

static void platform_set(struct build *build, const char *name)
{
	static const char *const others[] = {"Win32", "x86", "ARM", "ARM64", "ARM64EC"};

	for (size_t i = 0; i < array_size(others); i++)
		if (!strcasecmp(name, others[i]))
			fail(STATUS_USAGE, "--platform %s: drivers are compiled for x64 alone",
				name);
	strings_addf(&build->properties, "Platform=%s", name);
}

static void property_add(struct build *build, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		fail(STATUS_USAGE, "-p %s: not NAME=VALUE", text);
	if (!strncasecmp(text, "Platform=", 9))
		platform_set(build, equals + 1);
	else
		strings_add(&build->properties, text);
}

static void option_apply(struct build *build, int option, const char *value)
{
	switch (option) {
	case 'o':
		build->output = format("%s", value);
		break;
	case 'I':
		include_add(build, value);
		break;
	case 'D':
	case 'U':
	case 'W':
	case 'f':
		strings_addf(&build->front, "-%c%s", option, value);
		break;
	case OPTION_INCLUDE:
		strings_add(&build->front, "-include");
		strings_add(&build->front, value);
		break;
	case 'O':
		level_set(build, value);
		break;
	case OPTION_DEBUG:
		level_set(build, "0");
		break;
	case 'j':
		jobs_set(build, value);
		break;
	case OPTION_CONFIG:
		strings_addf(&build->properties, "Configuration=%s", value);
		break;
	case OPTION_PLATFORM:
		platform_set(build, value);
		break;
	case 'p':
		property_add(build, value);
		break;
	case OPTION_DEPENDS:
		build->depends_output = format("%s", value);
		break;
	case OPTION_SANITIZE:
		sanitize_parse(build, value);
		break;
	case OPTION_SAFEPOINTS:
		safepoints_set(build, value);
		break;
	case OPTION_COVERAGE:
		build->sanitizers |= LOADER_COVERAGE;
		break;
	case OPTION_KEEP:
		build->keep = true;
		break;
	case 'v':
		build->verbose = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case OPTION_VERSION:
		printf("dryport-build %s, %s\n", DRY_VERSION, clang_version());
		exit(0);
	default:
		fprintf(stderr, "dryport-build --help lists the options\n");
		exit(STATUS_USAGE);
	}
}

/* "NAME.so" after the first thing named: a folder's name, or a source's without ".c". */
static char *output_default(const char *first)
{
	char *base = path_base(first), *dot = strrchr(base, '.');
	struct stat st;
	char *name;

	if (dot && dot != base && stat(first, &st) == 0 && S_ISREG(st.st_mode))
		*dot = 0;
	name = format("%s.so", *base ? base : "miniport");
	free(base);
	return name;
}

static void output_check(const struct build *build)
{
	char *path = path_absolute(build->output), *slash = strrchr(path, '/');
	struct stat st;

	if (!*build->output)
		fail(STATUS_USAGE, "-o: an empty name");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		fail(STATUS_USAGE, "-o %s: not a regular file", build->output);
	*slash = 0;
	if (stat(*path ? path : "/", &st) < 0 || !S_ISDIR(st.st_mode))
		fail(STATUS_USAGE, "-o %s: no such folder: %s", build->output, path);
	if (access(*path ? path : "/", W_OK) < 0)
		fail(STATUS_FAILED, "-o %s: the folder %s is not writable", build->output, path);
	free(path);
}

/* A property without a project would be a mistake that nobody sees. */
static void properties_check(const struct build *build, char *const *named)
{
	for (; *named; named++)
		if (source_is_project(*named))
			return;
	if (build->properties.count)
		fail(STATUS_USAGE, "%s: no project (.vcxproj) is named", build->properties.item[0]);
}

void options_parse(struct build *build, int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	build->level = "-O2";
	build->jobs = processors > 0 ? (unsigned)processors : 1;
	for (int option;
		(option = getopt_long(argc, argv, "o:I:D:U:W:f:O:j:p:vh", options, NULL)) >= 0;)
		option_apply(build, option, optarg);
	if (optind == argc)
		fail(STATUS_USAGE, "no sources; dryport-build --help shows how to name them");
	properties_check(build, argv + optind);
	for (int i = optind; i < argc; i++)
		sources_add(build, argv[i]);
	if (!build->output)
		build->output = output_default(argv[optind]);
	output_check(build);
}
