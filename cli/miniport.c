/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Operand → loadable miniport: see miniport.h. Used by run.c, job.c and main.c. */
#include "miniport.h"
#include "cli.h"
#include "process.h"
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) /* gcc */
#define SANITIZERS "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZERS "address,undefined"
#elif __has_feature(thread_sanitizer)
#define SANITIZERS "thread"
#endif
#endif

#define ARGUMENTS_MAX 64

/* The folder two levels above this program: the build folder, or the prefix of an installation. */
static void home_find(char home[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", home, PATH_MAX - 1);
	unsigned level;

	home[length < 0 ? 0 : length] = 0;
	for (level = 0; level < 2 && strrchr(home, '/'); level++)
		*strrchr(home, '/') = 0;
}

static bool is_installed(const char *home)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/share/dryport/include/ddk", home);
	return access(path, R_OK) == 0;
}

static const char *path_join(char path[PATH_MAX], const char *folder, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		path[0] = 0;
	return path;
}

const char *tree_path(char path[PATH_MAX], const char *name)
{
	char home[PATH_MAX], share[PATH_MAX + 32];

	home_find(home);
	snprintf(share, sizeof(share), "%s/share/dryport", home);
	return path_join(path, is_installed(home) ? share : DRYPORT_SOURCE_ROOT, name);
}

/* What an installation keeps compiled miniports in. */
static void cache_find(char folder[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");

	if (cache && *cache)
		snprintf(folder, PATH_MAX, "%s", cache);
	else
		snprintf(folder, PATH_MAX, "%s/.cache", user ? user : "/tmp");
	mkdir(folder, 0777);
	strncat(folder, "/dryport", PATH_MAX - strlen(folder) - 1);
	mkdir(folder, 0777);
}

const char *build_path(char path[PATH_MAX], const char *name)
{
	char home[PATH_MAX], folder[PATH_MAX + 32];
	const char *base = strrchr(name, '/');

	home_find(home);
	if (!is_installed(home))
		return path_join(path, home, name);
	if (!strncmp(name, "miniports", 9)) {
		cache_find(folder);
		return path_join(path, folder, name);
	}
	snprintf(folder, sizeof(folder), "%s/%s", home,
		strncmp(name, "cli/", 4) ? "libexec/dryport" : "bin");
	return path_join(path, folder, base ? base + 1 : name);
}

static const char *compiler_path(char path[PATH_MAX])
{
	if (access(build_path(path, "cli/dryport-build"), X_OK) < 0)
		build_path(path, "cli/build/dryport-build");
	return path;
}

int miniport_build_exec(char **argv)
{
	char path[PATH_MAX], *arguments[ARGUMENTS_MAX * 4];
	unsigned n = 0;

	arguments[n++] = (char *)compiler_path(path);
	while (*argv && n < ARGUMENTS_MAX * 4 - 1)
		arguments[n++] = *argv++;
	if (*argv)
		return cli_usage("build: too many arguments");
	arguments[n] = NULL;
	execv(path, arguments);
	return cli_fail("%s: %s", path, strerror(errno));
}

/* ---- what the operands are ---- */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && !strcasecmp(name + length - tail, suffix);
}

/* As dryport-build has it. */
static bool is_source_file(const char *name)
{
	return has_suffix(name, ".c") || has_suffix(name, ".cpp") || has_suffix(name, ".cxx") ||
	       has_suffix(name, ".cc");
}

static bool is_project(const char *name)
{
	return has_suffix(name, ".vcxproj");
}

static bool is_header(const char *name)
{
	return has_suffix(name, ".h") || has_suffix(name, ".hpp") || has_suffix(name, ".hxx") ||
	       has_suffix(name, ".hh") || has_suffix(name, ".inc");
}

/* "simple" of "/x/simple.c" and of "/x/simple". */
static void base_name(char name[64], const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	snprintf(name, 64, "%.*s", (int)strcspn(base, "."), base);
}

static bool is_source(const char *path, const struct stat *st)
{
	return S_ISDIR(st->st_mode) || is_source_file(path) || is_project(path);
}

static int operand_check(const char *operand, bool alone, bool *source)
{
	struct stat st;

	if (stat(operand, &st) < 0)
		return cli_fail("%s: %s (a miniport is a .so of dryport build, a C or C++ file, a "
				"folder of them or a .vcxproj)",
			operand, strerror(errno));
	*source = is_source(operand, &st);
	if (*source || alone)
		return CLI_OK;
	return cli_usage(
		"%s: with several operands, each is a C or C++ file, a folder or a .vcxproj",
		operand);
}

/*
 * The examples' objects are miniports/NAME.so; others of the same name each have a folder, so that
 * two runs never exchange their objects.
 */
static void object_path(struct miniport *miniport, const char *source)
{
	char examples[PATH_MAX], relative[PATH_MAX];
	uint32_t hash = 2166136261u; /* FNV-1a */
	const char *c;

	tree_path(examples, "examples/");
	for (c = source; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	if (!strncmp(source, examples, strlen(examples)) && !is_project(source))
		snprintf(relative, sizeof(relative), "miniports/%s.so", miniport->name);
	else
		snprintf(relative, sizeof(relative), "miniports/%08x/%s.so", hash, miniport->name);
	build_path(miniport->object, relative);
}

int miniport_find(struct miniport *miniport, char *const *operands, unsigned count)
{
	char path[PATH_MAX];
	bool source = false;
	unsigned n;
	int status;

	for (n = 0; n < count; n++) {
		status = operand_check(operands[n], count == 1, &source);
		if (status)
			return status;
	}
	if (!realpath(operands[0], path))
		return cli_fail("%s: %s", operands[0], strerror(errno));
	base_name(miniport->name, path);
	if (source)
		object_path(miniport, path);
	else
		snprintf(miniport->object, PATH_MAX, "%s", path);
	if (miniport->config && !is_project(path))
		return cli_usage("--config: %s is no project (.vcxproj)", operands[0]);
	if (!source || is_source_file(path) || is_project(path))
		*strrchr(path, '/') = 0;
	if (snprintf(miniport->machine, PATH_MAX, "%s/machine", path) >= PATH_MAX)
		return cli_fail("%s: the path is too long", operands[0]);
	return CLI_OK;
}

/* ---- is the object stale? ---- */

/* nftw has no argument for its callback. */
static struct timespec newest;

static void newest_take(const struct stat *st)
{
	if (st->st_mtim.tv_sec > newest.tv_sec ||
		(st->st_mtim.tv_sec == newest.tv_sec && st->st_mtim.tv_nsec > newest.tv_nsec))
		newest = st->st_mtim;
}

static int newest_visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	/* folders too: a file that has gone changes its folder */
	if (type == FTW_D || is_source_file(path) || is_header(path))
		newest_take(st);
	return 0;
}

static void newest_of_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		newest_take(&st);
}

/* A source's headers stand beside it. */
static void newest_of_source(const char *source)
{
	const char *slash = strrchr(source, '/');
	char folder[PATH_MAX];

	if (!is_source_file(source))
		snprintf(folder, sizeof(folder), "%s", source);
	else if (!slash)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - source), source);
	nftw(folder, newest_visit, 16, FTW_PHYS);
}

/* What a project named when it was built: a file or a folder a line; false: that is unknown. */
static bool newest_of_list(const char *object)
{
	char path[PATH_MAX + 16];
	bool known = true;
	struct stat st;
	FILE *list;

	snprintf(path, sizeof(path), "%s.depends", object);
	list = fopen(path, "re");
	if (!list)
		return false;
	while (known && fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = 0;
		known = stat(path, &st) == 0;
		if (known && S_ISDIR(st.st_mode))
			nftw(path, newest_visit, 16, FTW_PHYS);
		else if (known)
			newest_take(&st);
	}
	fclose(list);
	return known;
}

static bool newest_find(const char *object, char *const *operands, unsigned count)
{
	char path[PATH_MAX];
	unsigned n;

	newest = (struct timespec){0};
	for (n = 0; n < count; n++) {
		if (!is_project(operands[n]))
			newest_of_source(operands[n]);
		else if (!newest_of_list(object))
			return false;
	}
	nftw(tree_path(path, "include/ddk"), newest_visit, 16, FTW_PHYS);
	newest_of_file(compiler_path(path));
	return true;
}

/* Everything that decides what is built, as one line: its change makes the object stale. */
static void recipe_write(char *recipe, size_t size, const struct miniport *miniport,
	char *const *operands, unsigned count)
{
	char path[PATH_MAX];
	size_t length = 0;
	unsigned n;

#ifdef SANITIZERS
	length += (size_t)snprintf(recipe, size, "--sanitize " SANITIZERS);
#else
	*recipe = 0;
#endif
	if (miniport->coverage)
		length += (size_t)snprintf(recipe + length, size - length, " --coverage");
	if (miniport->memory_safepoints)
		length += (size_t)snprintf(recipe + length, size - length, " --safepoints memory");
	if (miniport->config)
		length += (size_t)snprintf(
			recipe + length, size - length, " --config %s", miniport->config);
	for (n = 0; n < count && length < size; n++)
		length += (size_t)snprintf(recipe + length, size - length, " %s",
			realpath(operands[n], path) ? path : operands[n]);
}

static bool recipe_is(const char *file, const char *recipe)
{
	char text[8 * PATH_MAX];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return false;
	text[length] = 0;
	return !strcmp(text, recipe);
}

static bool is_fresh(const char *object, const char *recipe_file, const char *recipe,
	char *const *operands, unsigned count)
{
	struct stat st;

	if (stat(object, &st) < 0 || !recipe_is(recipe_file, recipe) ||
		!newest_find(object, operands, count))
		return false;
	return st.st_mtim.tv_sec > newest.tv_sec ||
	       (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec > newest.tv_nsec);
}

/* ---- building ---- */

static int compile(
	const struct miniport *miniport, char *const *operands, unsigned count, const char *output)
{
	char compiler[PATH_MAX], depends[PATH_MAX + 16], *arguments[ARGUMENTS_MAX];
	struct process process;
	unsigned n, k = 0;
	int err;

	arguments[k++] = (char *)compiler_path(compiler);
#ifdef SANITIZERS
	arguments[k++] = (char *)"--sanitize";
	arguments[k++] = (char *)SANITIZERS;
#endif
	if (miniport->coverage)
		arguments[k++] = (char *)"--coverage";
	if (miniport->memory_safepoints) {
		arguments[k++] = (char *)"--safepoints";
		arguments[k++] = (char *)"memory";
	}
	if (miniport->config) {
		arguments[k++] = (char *)"--config";
		arguments[k++] = (char *)miniport->config;
	}
	snprintf(depends, sizeof(depends), "%s.depends", miniport->object);
	arguments[k++] = (char *)"--depends";
	arguments[k++] = depends;
	for (n = 0; n < count && k < ARGUMENTS_MAX - 3; n++)
		arguments[k++] = operands[n];
	arguments[k++] = (char *)"-o";
	arguments[k++] = (char *)miniport->object;
	arguments[k] = NULL;
	err = process_start(&process, arguments, &(struct process_setup){.output = output});
	if (err < 0)
		return cli_fail("%s: %s", compiler, strerror(-err));
	while (process_poll(&process))
		process_wait(1000);
	return process_exit_status(&process) == 0 ? CLI_OK : CLI_FAILURE;
}

static int recipe_save(const char *file, const char *recipe)
{
	FILE *out = fopen(file, "we");

	if (!out)
		return cli_fail("%s: %s", file, strerror(errno));
	fputs(recipe, out);
	if (fclose(out) != 0)
		return cli_fail("%s: %s", file, strerror(errno));
	return CLI_OK;
}

/* The object's folders, and a lock: two runs at once build one after the other. -1 on failure. */
static int lock_take(const char *object)
{
	char path[PATH_MAX];
	int fd;

	mkdir(build_path(path, "miniports"), 0777);
	snprintf(path, sizeof(path), "%.*s", (int)(strrchr(object, '/') - object), object);
	mkdir(path, 0777);
	fd = open(build_path(path, "miniports/.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	cli_fail("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whether it is made of sources: then the object goes into a folder of its own. */
static bool set_apart(struct miniport *miniport, char *const *operands, const char *suffix)
{
	char *slash = strrchr(miniport->object, '/');
	size_t length = strlen(suffix);
	struct stat st;

	if (stat(operands[0], &st) < 0 || !is_source(operands[0], &st) ||
		strlen(miniport->object) + length >= sizeof(miniport->object))
		return false;
	memmove(slash + length, slash, strlen(slash) + 1);
	memcpy(slash, suffix, length);
	return true;
}

void miniport_for_replay(struct miniport *miniport, char *const *operands)
{
	miniport->memory_safepoints = set_apart(miniport, operands, "-replay");
}

void miniport_for_coverage(struct miniport *miniport, char *const *operands)
{
	miniport->coverage = set_apart(miniport, operands, "-coverage");
}

int miniport_build(
	const struct miniport *miniport, char *const *operands, unsigned count, const char *output)
{
	char recipe_file[PATH_MAX + 8], recipe[8 * PATH_MAX];
	int lock, status = CLI_OK;
	struct stat st;

	if (stat(operands[0], &st) == 0 && !is_source(operands[0], &st))
		return CLI_OK;
	lock = lock_take(miniport->object);
	if (lock < 0)
		return CLI_FAILURE;
	snprintf(recipe_file, sizeof(recipe_file), "%s.recipe", miniport->object);
	recipe_write(recipe, sizeof(recipe), miniport, operands, count);
	if (is_fresh(miniport->object, recipe_file, recipe, operands, count))
		goto out;
	unlink(recipe_file);
	status = compile(miniport, operands, count, output);
	if (!status)
		status = recipe_save(recipe_file, recipe);
out:
	close(lock);
	return status;
}
