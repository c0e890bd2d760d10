/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * For drivers only (the Windows front end has no C library of its own): the string routines that
 * dryport exports, with 16-bit wchar_t. Our own code uses the host's <string.h>.
 */
#ifndef DDK_CRT_STRING_H
#define DDK_CRT_STRING_H

#include "../parts/compiler.h"

#ifdef DDK_WINDOWS
typedef int errno_t;
#ifndef _RSIZE_T_DEFINED
#define _RSIZE_T_DEFINED
typedef size_t rsize_t;
#endif

#ifdef __cplusplus
extern "C" {
#endif

void *NTAPI memcpy(void *dst, const void *src, size_t n);
void *NTAPI memmove(void *dst, const void *src, size_t n);
void *NTAPI memset(void *dst, int c, size_t n);
void *NTAPI memchr(const void *s, int c, size_t n);
int NTAPI memcmp(const void *a, const void *b, size_t n);
errno_t NTAPI memcpy_s(void *dst, rsize_t size, const void *src, rsize_t n);
errno_t NTAPI memmove_s(void *dst, rsize_t size, const void *src, rsize_t n);

size_t NTAPI strlen(const char *s);
size_t NTAPI strnlen(const char *s, size_t n);
char *NTAPI strcpy(char *dst, const char *src);
char *NTAPI strncpy(char *dst, const char *src, size_t n);
char *NTAPI strcat(char *dst, const char *src);
char *NTAPI strncat(char *dst, const char *src, size_t n);
int NTAPI strcmp(const char *a, const char *b);
int NTAPI strncmp(const char *a, const char *b, size_t n);
int NTAPI _stricmp(const char *a, const char *b);
int NTAPI _strnicmp(const char *a, const char *b, size_t n);
char *NTAPI strchr(const char *s, int c);
char *NTAPI strrchr(const char *s, int c);
char *NTAPI strstr(const char *s, const char *part);
size_t NTAPI strspn(const char *s, const char *set);
size_t NTAPI strcspn(const char *s, const char *set);
char *NTAPI strpbrk(const char *s, const char *set);
char *NTAPI strtok_s(char *s, const char *set, char **context);
char *NTAPI _strlwr(char *s);
char *NTAPI _strupr(char *s);
char *NTAPI _strrev(char *s);
errno_t NTAPI strcpy_s(char *dst, rsize_t size, const char *src);
errno_t NTAPI strncpy_s(char *dst, rsize_t size, const char *src, rsize_t n);
errno_t NTAPI strcat_s(char *dst, rsize_t size, const char *src);
errno_t NTAPI strncat_s(char *dst, rsize_t size, const char *src, rsize_t n);

#ifdef __cplusplus
}
#endif

#include "wcstring.h"
#endif

#endif
