/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The names of C++ for people. Microsoft's compilers write Adapter::Start as
 * ?Start@Adapter@@QEAAEXZ: the name, the scopes around it from the inside out, each ended by '@',
 * an empty one at the end, then the type. A digit stands for one of the first ten names again.
 */
#ifndef DRY_UTIL_CXX_NAME_H
#define DRY_UTIL_CXX_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it may be such a name: no name of C begins so. */
bool cxx_name_is(const char *name);
/* "Adapter::Start", cut to fit; the name as it is, and false, for one that is not understood:
 * templates, operators other than new and delete. Neither allocates nor locks. */
bool cxx_name_read(const char *mangled, char *name, size_t size);

#endif
