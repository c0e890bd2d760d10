/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What function.c, which reads calls of property functions, asks of method.c, which has them. */
#ifndef BUILD_METHOD_H
#define BUILD_METHOD_H

#include "project.h"

enum { ARGUMENTS_MAX = 8 };

struct call {
	const struct scope *scope;
	const char *self; /* the string, or "" for a static one */
	char *args[ARGUMENTS_MAX];
	unsigned count;
};

struct method {
	const char *type; /* NULL: of a string */
	const char *name;
	unsigned min, max; /* arguments */
	/* A string of its own; NULL: the arguments are wrong. */
	char *(*run)(const struct call *call);
};

/* NULL: there is none. type is NULL for one of a string. */
const struct method *method_find(const char *type, const char *name);

#endif
