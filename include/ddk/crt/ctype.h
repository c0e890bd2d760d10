/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: classes of characters. */
#ifndef DDK_CRT_CTYPE_H
#define DDK_CRT_CTYPE_H

#include "../parts/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef DDK_WINDOWS
int NTAPI isalnum(int c);
int NTAPI isalpha(int c);
int NTAPI iscntrl(int c);
int NTAPI isdigit(int c);
int NTAPI isgraph(int c);
int NTAPI islower(int c);
int NTAPI isprint(int c);
int NTAPI ispunct(int c);
int NTAPI isspace(int c);
int NTAPI isupper(int c);
int NTAPI isxdigit(int c);
int NTAPI tolower(int c);
int NTAPI toupper(int c);
unsigned short NTAPI towlower(unsigned short c);
unsigned short NTAPI towupper(unsigned short c);
#endif

#ifdef __cplusplus
}
#endif

#endif
