/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: 16-bit wide strings. */
#ifndef DDK_CRT_WCHAR_H
#define DDK_CRT_WCHAR_H

#include "wcstring.h"
#include "stdio.h"

#ifdef DDK_WINDOWS
typedef unsigned short wint_t;
typedef unsigned short wctype_t;
#endif

#endif
