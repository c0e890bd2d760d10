/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From what a person names (an object, C files, a folder of them, a project) to a miniport that can
 * be loaded.
 * Sources are compiled by dryport-build into the build folder's miniports/, and again only when a
 * file of theirs, a header of ours, the compiler or the options have changed.
 */
#ifndef DRY_CLI_MINIPORT_H
#define DRY_CLI_MINIPORT_H

#include <limits.h>
#include <stdbool.h>

struct miniport {
	char object[PATH_MAX];		  /* absolute */
	char machine[PATH_MAX];		  /* where its `machine` file would be */
	char name[64];			  /* "simple" */
	bool memory_safepoints, coverage; /* to be built with them */
	const char *config;		  /* of a project, or NULL; set before miniport_find */
};

/* Finds out what the operands are, without building. CLI_OK; CLI_FAILURE or CLI_USAGE after one
 * line. */
int miniport_find(struct miniport *miniport, char *const *operands, unsigned count);
/* If it is made of sources: they are built with safepoints at accesses to memory, for replay, or
 * with counts of what runs; into an object of its own. */
void miniport_for_replay(struct miniport *miniport, char *const *operands);
void miniport_for_coverage(struct miniport *miniport, char *const *operands);
/*
 * Builds it if it is made of sources and stale. The compiler's messages go to `output`, or to our
 * stderr if that is NULL. CLI_OK, CLI_FAILURE.
 */
int miniport_build(
	const struct miniport *miniport, char *const *operands, unsigned count, const char *output);

/* Becomes dryport-build with these arguments. Returns only CLI_FAILURE. */
int miniport_build_exec(char **argv);

/* The project's tree, and a file of the build folder ("nbdkit/..."), absolute. */
const char *tree_path(char path[PATH_MAX], const char *name);
const char *build_path(char path[PATH_MAX], const char *name);

#endif
